# SPDX-License-Identifier: Apache-2.0
"""The guest's first file system: busybox, the modules that reach the shared
root, and the two scripts that take it from there."""
import lzma
import pathlib
import shlex
import shutil

HERE = pathlib.Path(__file__).parent
# Absent where a kernel has one built in.
MODULES = ("virtio_pci", "virtio_console", "9pnet_virtio", "9p", "overlay")


def build(kernel, command, directory, mark, busybox_path):
    """A cpio archive (bytes) that boots `kernel` into `command`, a list of words.
    `mark` is what guest/session puts before its own lines."""
    settings = {"directory": directory, "mark": mark, "modules": kernel.modules,
                "boot": kernel.boot, "machine": "/machine" if kernel.is_arm64 else "/lower"}
    loaded = load_order(kernel.modules, MODULES)
    files = [
        ("bin/busybox", pathlib.Path(busybox_path).read_bytes()),
        ("init", (HERE / "guest/init").read_bytes()),
        ("session", (HERE / "guest/session").read_bytes()),
        ("command", f"exec {shlex.join(command)}\n".encode()),
        ("settings", "".join(f"{name}={shlex.quote(str(value))}\n"
                             for name, value in settings.items()).encode()),
        ("modules.order", "".join(f"{path.name}\n" for path in loaded).encode()),
    ]
    files += [(f"modules/{path.name}", module_bytes(path)) for path in loaded]
    return archive(files)


def busybox():
    """The path of a busybox that runs without libraries, or None."""
    path = shutil.which("busybox")
    return path if path and b"/ld-linux" not in pathlib.Path(path).read_bytes() else None


def load_order(folder, names):
    """Paths of the modules `names`, each after those it needs (modules.dep names
    all of them, the deepest last)."""
    needs = {}
    for line in (folder / "modules.dep").read_text().splitlines():
        path, _, needed = line.partition(":")
        needs[module_name(path)] = [path, *needed.split()]
    order = []
    for name in names:
        order += [path for path in reversed(needs.get(name, [])) if path not in order]
    return [folder / path for path in order]


def module_name(path):
    return path.rpartition("/")[2].partition(".ko")[0]


def module_bytes(path):
    """The signature is inside the compressed file, so it stays valid."""
    data = path.read_bytes()
    return lzma.decompress(data) if path.suffix == ".xz" else data


def archive(files):
    """The cpio format that the kernel reads (Documentation/driver-api/early-userspace/
    buffer-format.rst); written here because its numbers are simpler than a package."""
    folders = sorted({str(parent) for name, _ in files
                      for parent in pathlib.PurePath(name).parents} - {"."})
    entries = [(name, 0o040755, b"") for name in folders]
    entries += [(name, 0o100755, data) for name, data in files]
    entries += [("TRAILER!!!", 0, b"")]
    return b"".join(entry(number, *row) for number, row in enumerate(entries, 1))


def entry(number, name, mode, data):
    name = name.encode() + b"\0"
    fields = (number, mode, 0, 0, 1, 0, len(data), 0, 0, 0, 0, len(name), 0)
    header = b"070701" + b"".join(b"%08X" % field for field in fields)
    return padded(header + name) + padded(data)


def padded(data):
    return data + b"\0" * (-len(data) % 4)
