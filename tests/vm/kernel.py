# SPDX-License-Identifier: Apache-2.0
"""Stock Debian kernels, unpacked into the cache folder."""
import contextlib
import fcntl
import lzma
import pathlib
import shutil
import struct
import subprocess
import sys
import tempfile

import packages

# A kernel series is the release of Debian that has it; each release says which
# version is current. The cloud flavour would be smaller but has no 9p.
RELEASES = {"5.10": "bullseye", "6.1": "bookworm", "6.12": "trixie", "newest": "sid",
            "6.1-arm64": "bookworm", "6.12-arm64": "trixie"}
IMAGE = "image"


class Kernel:
    """One unpacked kernel. `modules` has modules.dep and the modules below it."""

    def __init__(self, folder, name):
        self.is_arm64 = is_arm64(name)
        self.modules = next((folder / "lib/modules").iterdir())
        self.release = self.modules.name
        self.boot = folder / "boot"
        self.image = folder / IMAGE


def get(name, refresh=False):
    """Download the kernel `name` unless it is there; `refresh` asks for a newer one."""
    folder = packages.cache_folder() / "kernels" / name
    folder.parent.mkdir(parents=True, exist_ok=True)
    with locked(folder.parent / f"{name}.lock"):
        if refresh or not folder.exists():
            download(name, folder)
    return Kernel(folder, name)


def is_arm64(name):
    return name.endswith("-arm64")


@contextlib.contextmanager
def locked(path):
    """Two runs that start together download once."""
    with open(path, "w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def download(name, folder):
    release = RELEASES[name]
    print(f"vm: downloading the kernel of Debian {release}", file=sys.stderr)
    if is_arm64(name):
        apt, package = packages.Apt(name, sources(release), "arm64"), "linux-image-arm64"
    else:
        apt, package = packages.Apt(release, sources(release)), "linux-image-amd64"
    with tempfile.TemporaryDirectory(dir=folder.parent) as temporary:
        new = pathlib.Path(temporary) / "kernel"
        apt.unpack(apt.linux_packages(package), new)
        arrange(new)
        shutil.rmtree(folder, ignore_errors=True)
        new.rename(folder)


def sources(release):
    """(address, release) rows of all that Debian has for `release`."""
    rows = [(address, release) for address in archive("Debian")]
    if release != "sid":
        rows += [(address, f"{release}-security") for address in archive("Debian-Security")]
    return rows


def archive(label):
    return sorted({address for address, _, found in packages.host_sources() if found == label})


def arrange(folder):
    """Bring every series to the layout of the older ones and index the modules."""
    if not (folder / "lib").exists():
        (folder / "lib").symlink_to("usr/lib")
    modules = next((folder / "lib/modules").iterdir())
    boot = folder / "boot"
    boot.mkdir(exist_ok=True)
    for name in ("vmlinuz", "config", "System.map"):
        if (modules / name).exists():
            shutil.copy(modules / name, boot / f"{name}-{modules.name}")
    (folder / IMAGE).write_bytes(bootable((boot / f"vmlinuz-{modules.name}").read_bytes()))
    # Debian runs this when the package is installed, which it never is here.
    subprocess.run(["depmod", "-b", folder, modules.name], check=True)


def bootable(image):
    """The kernel inside an xz-compressed image of x86 (bytes in, bytes out); other
    images as they are. An emulated CPU takes 5 s to unpack xz, this one takes 1 s, once.
    The offsets are those of Documentation/arch/x86/boot.rst."""
    if image[0x202:0x206] != b"HdrS":
        return image
    sectors, = struct.unpack_from("<B", image, 0x1F1)
    offset, length = struct.unpack_from("<II", image, 0x248)
    begin = (sectors + 1) * 512 + offset
    payload = image[begin:begin + length]
    if not payload.startswith(b"\xfd7zXZ\0"):
        return image
    # The size of the unpacked kernel follows the compressed one.
    return lzma.LZMADecompressor().decompress(payload)
