# SPDX-License-Identifier: Apache-2.0
"""The other architecture: a root for its guests, and programs built against that root."""
import pathlib
import shutil
import subprocess
import sys
import tempfile

import kernel
import packages

RELEASE = "bookworm"
# What building needs (./dev has the same for this machine), then what the tests run.
PACKAGES = """libc6-dev libgcc-12-dev libbpf-dev libelf-dev libyaml-dev libcurl4-openssl-dev
    libmbedtls-dev libprotobuf-c-dev libevent-dev libzstd-dev libmnl-dev libcap-ng-dev
    libjansson-dev libsqlite3-dev uthash-dev libcmocka-dev
    base-files base-passwd bash busybox-static coreutils dash grep iproute2 mawk mount nftables
    procps protobuf-compiler python3 python3-protobuf python3-pytest sed util-linux""".split()
CROSS_FILE = """[constants]
root = '{root}'
triplet = 'aarch64-linux-gnu'
[binaries]
c = triplet + '-gcc'
ar = triplet + '-ar'
strip = triplet + '-strip'
pkgconfig = 'pkg-config'
[properties]
sys_root = root
pkg_config_libdir = root + '/usr/lib' / triplet / 'pkgconfig:' + root + '/usr/share/pkgconfig'
[built-in options]
c_args = ['--sysroot=' + root]
c_link_args = ['--sysroot=' + root]
[host_machine]
system = 'linux'
cpu_family = 'aarch64'
cpu = 'aarch64'
endian = 'little'
"""


def root():
    """The folder of the guest's root; made when it is not there."""
    folder = packages.cache_folder() / "arm64"
    folder.parent.mkdir(parents=True, exist_ok=True)
    with kernel.locked(folder.with_suffix(".lock")):
        if not folder.exists():
            make_root(folder)
    return folder


def make_root(folder):
    """Packages unpacked and not installed, as nothing here can run their scripts."""
    print("vm: downloading a root for arm64", file=sys.stderr)
    apt = packages.Apt("arm64", kernel.sources(RELEASE), "arm64")
    with tempfile.TemporaryDirectory(dir=folder.parent) as temporary:
        new = pathlib.Path(temporary) / "root"
        apt.unpack_with_needed(PACKAGES, new)
        for name in ("passwd", "group"):
            shutil.copy(new / "usr/share/base-passwd" / f"{name}.master", new / "etc" / name)
        new.rename(folder)


def build(checkout):
    """Build `checkout` for the guest, into its folder build-arm64."""
    target = checkout / "build-arm64"
    if not (target / "build.ninja").exists():
        with tempfile.NamedTemporaryFile("w", suffix=".ini") as cross_file:
            cross_file.write(CROSS_FILE.format(root=root()))
            cross_file.flush()
            subprocess.run(["meson", "setup", target, "--wrap-mode=nodownload",
                            "--cross-file", cross_file.name], cwd=checkout, check=True, stdout=2)
    subprocess.run(["ninja", "-C", target, "--quiet"], check=True, stdout=2)
