# SPDX-License-Identifier: Apache-2.0
"""Debian packages of any release, through an apt configuration of our own.

The mirror is the one that this machine already uses. Lists and downloads stay
in the cache folder, so the machine's own package sources are never changed.
"""
import os
import pathlib
import re
import subprocess

QEMU = ("qemu-system-x86", "qemu-system-arm")
# The compiler is for the guest of the other architecture (arm64.py).
NEEDED = (*QEMU, "busybox-static", "kmod", "gcc-aarch64-linux-gnu")
KEYRING = "/usr/share/keyrings/debian-archive-keyring.gpg"


class Unavailable(Exception):
    """Something that this machine lacks; the message names the remedy."""


def cache_folder():
    base = os.environ.get("XDG_CACHE_HOME") or pathlib.Path.home() / ".cache"
    return pathlib.Path(base).resolve() / "sysprobe-vm"


def host_sources():
    """The Debian sources of this machine as (address, release, label) rows."""
    rows = subprocess.run(
        ["apt-get", "indextargets", "--format",
         "$(ORIGIN)|$(REPO_URI)|$(RELEASE)|$(LABEL)", "Created-By: Packages"],
        check=True, text=True, stdout=subprocess.PIPE).stdout.splitlines()
    sources = [row.split("|")[1:] for row in rows if row.startswith("Debian|")]
    if not sources:
        raise Unavailable("apt knows no Debian mirror; run as root: apt-get update")
    return sorted({tuple(source) for source in sources})


class Apt:
    """apt that sees exactly the given releases, and no installed package where
    `architecture` is not this machine's."""

    def __init__(self, name, sources, architecture=None):
        self.folder = cache_folder() / "apt" / name
        for part in ("lists/partial", "archives/partial"):
            (self.folder / part).mkdir(parents=True, exist_ok=True)
        (self.folder / "sources.list").write_text("".join(
            f"deb [signed-by={KEYRING}] {address} {release} main\n"
            for address, release in sources))
        # A release that is no longer maintained keeps its last, expired lists.
        self.config = self.folder / "apt.conf"
        self.config.write_text(
            f'Dir::Etc::SourceList "{self.folder}/sources.list";\n'
            'Dir::Etc::SourceParts "/dev/null";\n'
            'Dir::Etc::Preferences "/dev/null";\n'
            'Dir::Etc::PreferencesParts "/dev/null";\n'
            f'Dir::State::Lists "{self.folder}/lists";\n'
            f'Dir::Cache "{self.folder}";\n'
            f'Dir::Cache::Archives "{self.folder}/archives";\n'
            'Acquire::Languages "none";\n'
            'APT::Update::Error-Mode "any";\n'
            'Acquire::Check-Valid-Until "false";\n'
            'APT::Sandbox::User "root";\n' + self.foreign(architecture))
        self.run("apt-get", "-qq", "update")

    def foreign(self, architecture):
        if not architecture:
            return ""
        status = self.folder / "status"
        status.touch()
        return (f'APT::Architecture "{architecture}";\n'
                f'APT::Architectures "{architecture}";\n'
                f'Dir::State::Status "{status}";\n')

    def run(self, program, *arguments, **options):
        """Our standard output is the guest's: what is not captured goes to descriptor 2."""
        options.setdefault("stdout", 2)
        try:
            return subprocess.run([program, "-c", self.config, *arguments],
                                  check=True, text=True, **options).stdout
        except subprocess.CalledProcessError as error:
            raise Unavailable(f"{program} {' '.join(arguments)} failed, as said above") from error

    def linux_packages(self, package):
        """`package` and the linux-* packages that it needs, however Debian splits them."""
        found, waiting = [], [package]
        while waiting:
            found.append(waiting.pop())
            text = self.run("apt-cache", "depends", "--important", found[-1],
                            stdout=subprocess.PIPE)
            for name in re.findall(r"Depends: (linux-(?:image|binary|modules|base)-\d\S+)", text):
                if name not in found + waiting:
                    waiting.append(name)
        return found

    def unpack(self, packages, target):
        self.download(target, "download", *packages)

    def unpack_with_needed(self, packages, target):
        """`packages` and all that they depend on."""
        self.download(target, "-y", "--no-install-recommends", "--download-only", "install",
                      *packages)

    def download(self, target, *arguments):
        archives = self.folder / "archives"
        for old in archives.glob("*.deb"):
            old.unlink()
        self.run("apt-get", "-qq", *arguments, cwd=archives)
        for archive in archives.glob("*.deb"):
            subprocess.run(["dpkg-deb", "-x", archive, target], check=True)
            archive.unlink()


def install():
    """Install NEEDED. QEMU comes from the backports on bookworm, whose own QEMU 7.2
    corrupts its guests now and then; nothing else does."""
    if os.geteuid() != 0:
        raise Unavailable("packages are installed by root only")
    os.environ["DEBIAN_FRONTEND"] = "noninteractive"
    subprocess.run(["apt-get", "-qq", "update"], check=True, stdout=2)
    known = host_sources()
    sources = {(address, release) for address, release, _ in known}
    backports = {(address, "bookworm-backports")
                 for address, release, _ in known if release == "bookworm"}
    apt = Apt("install", sorted(sources | backports))
    command = ["apt-get", "-qq", "-y", "--no-install-recommends", "install"]
    apt.run(*command, *(package for package in NEEDED if package not in QEMU))
    apt.run(*command, *(["-t", "bookworm-backports"] if backports else []), *QEMU)
    apt.run("apt-get", "clean")
