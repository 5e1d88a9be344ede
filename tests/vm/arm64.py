# SPDX-License-Identifier: Apache-2.0
"""The other architecture: a root for its guests, and programs built against that root."""
import pathlib
import re
import shutil
import subprocess
import sys
import tempfile

import kernel
import packages

CHECKOUT = pathlib.Path(__file__).resolve().parents[2]
RELEASE = "bookworm"
# What the guest runs, and the compiler's part of what building needs; the libraries
# are those of ./dev.
PACKAGES = """base-files base-passwd bash busybox-static coreutils dash grep iproute2 kmod libc6-dev
    libgcc-12-dev mawk mount nftables procps protobuf-compiler python3 python3-jsonschema
    python3-protobuf python3-pytest python3-yaml sed util-linux""".split()
CROSS_NAME = "cross.ini"
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
    """The folder of the guest's root; made anew when it lacks a package."""
    folder = packages.cache_folder() / "arm64"
    needed = " ".join(sorted(PACKAGES + libraries()))
    folder.parent.mkdir(parents=True, exist_ok=True)
    with kernel.locked(folder.with_suffix(".lock")):
        made_of = folder / "packages"
        if not made_of.exists() or made_of.read_text() != needed:
            make_root(folder, needed)
    return folder


def libraries():
    listed = re.search(r"APT_BUILD='([^']*)'", (CHECKOUT / "dev").read_text())[1]
    return [package for package in listed.split() if package.endswith("-dev")]


def make_root(folder, needed):
    """Packages unpacked and not installed, as nothing here can run their scripts."""
    print("vm: downloading a root for arm64", file=sys.stderr)
    apt = packages.Apt("arm64", kernel.sources(RELEASE), "arm64")
    with tempfile.TemporaryDirectory(dir=folder.parent) as temporary:
        new = pathlib.Path(temporary) / "root"
        apt.unpack_with_needed(needed.split(), new)
        for name in ("passwd", "group"):
            shutil.copy(new / "usr/share/base-passwd" / f"{name}.master", new / "etc" / name)
        (new / CROSS_NAME).write_text(CROSS_FILE.format(root=folder))
        (new / "packages").write_text(needed)
        shutil.rmtree(folder, ignore_errors=True)
        new.rename(folder)


def build():
    """Build the checkout for the guest, into its folder build-arm64."""
    target = CHECKOUT / "build-arm64"
    folder = root()
    if not (target / "build.ninja").exists():
        run("meson", "setup", target, "--wrap-mode=nodownload",
            "--cross-file", folder / CROSS_NAME)
    run("ninja", "-C", target, "--quiet")


def run(*command):
    try:
        subprocess.run(command, cwd=CHECKOUT, check=True, stdout=2)
    except (OSError, subprocess.CalledProcessError) as error:
        raise packages.Unavailable(f"no build for arm64: {error}") from error
