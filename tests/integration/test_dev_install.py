# SPDX-License-Identifier: Apache-2.0
"""How ./dev installs on a system of RPM packages: the real dnf and rpm, a repository of empty
packages with the names that ./dev wants, and no apt-get in sight. rpm says what is installed."""

import re
import shutil
import subprocess

import pytest

from harness import ROOT

DEV = ROOT / "dev"
PROVIDED = ("iptables", "iptables-nft")  # in Fedora: what is asked for, and the package it is

SPEC_HEAD = """
Name: stand-ins
Version: 1
Release: 1
Summary: Empty packages
License: Apache-2.0
BuildArch: noarch
%description
Empty.
"""


def names():
    """Of the two lists of Fedora packages in ./dev."""
    lists = re.findall(r"^DNF_\w+='([^']+)'", DEV.read_text(), re.MULTILINE)
    assert len(lists) == 2
    return [name for text in lists for name in text.split()]


def package(name, more=""):
    return f"%package -n {name}\nSummary: Empty\n{more}\n%description -n {name}\nEmpty.\n%files -n {name}\n"


def spec(missing):
    """Each name is a package, but PROVIDED; `gcc` would like one more, which nobody needs."""
    more = {"gcc": "Recommends: unwanted"}
    wanted = [name for name in names() if name not in (PROVIDED[0], missing)]
    return SPEC_HEAD + "".join([
        *(package(name, more.get(name, "")) for name in wanted),
        package("unwanted"), package(PROVIDED[1], f"Provides: {PROVIDED[0]}")])


class Host:
    """A folder with home, package database and repository; all else is this machine's."""

    def __init__(self, folder):
        self.folder = folder
        self.env = {"HOME": str(folder), "PATH": "/usr/sbin:/usr/bin:/sbin:/bin", "LANG": "C.UTF-8"}
        (folder / ".rpmmacros").write_text(f"%_dbpath {folder}/rpmdb\n")
        (folder / "dnf.conf").write_text("[main]\n" + "".join(
            f"{name}={folder}/{name}\n" for name in ("reposdir", "cachedir", "persistdir", "logdir")))
        (folder / "reposdir").mkdir()
        (folder / "build").mkdir()
        (folder / "build" / "build.ninja").write_text("build all: phony\ndefault all\n")
        shutil.copy(DEV, folder / "dev")

    def fill_repository(self, missing=None):
        repository = self.folder / "repository"
        (self.folder / "stand-ins.spec").write_text(spec(missing))
        self.run("rpmbuild", "-bb", "--quiet", "--define", f"_rpmdir {repository}",
                 "--define", f"_topdir {self.folder}/rpmbuild", "stand-ins.spec", check=True)
        self.run("createrepo_c", "--quiet", repository, check=True)
        (self.folder / "reposdir" / "stand-ins.repo").write_text(
            f"[stand-ins]\nname=stand-ins\nbaseurl=file://{repository}\ngpgcheck=0\n")

    def run(self, *command, **options):
        return subprocess.run([str(word) for word in command], cwd=self.folder, env=self.env,
                              text=True, capture_output=True, **options)

    def run_dev(self, command):
        """In mounts of its own: dnf's settings are ours, and apt-get is nothing to run."""
        script = ("mount --bind dnf.conf /etc/dnf/dnf.conf; "
                  '! [ -e /usr/bin/apt-get ] || mount --bind /dev/null /usr/bin/apt-get; '
                  'exec ./dev "$@"')
        return self.run("unshare", "--mount", "--propagation", "private", "sh", "-ec", script,
                        "sh", command)

    def installed(self):
        return set(self.run("rpm", "-qa", "--queryformat", "%{NAME}\\n", check=True).stdout.split())


@pytest.fixture
def host(tmp_path):
    for program in ("dnf", "rpmbuild", "createrepo_c"):
        if not shutil.which(program):
            pytest.skip(f"{program} is not installed")
    host = Host(tmp_path)
    assert host.run("rpm", "--eval", "%_dbpath").stdout.startswith(str(tmp_path))
    return host


def wanted():
    return {PROVIDED[1] if name == PROVIDED[0] else name for name in names()}


def test_dnf_installs_what_bench_needs_and_nothing_else(host):
    host.fill_repository()
    result = host.run_dev("bench")
    assert "dev: installing: gcc" in result.stderr
    assert host.installed() == wanted(), result.stderr
    assert "dev: building" in result.stderr  # it went on
    again = host.run_dev("bench")
    assert "installing" not in again.stderr


def test_build_needs_none_of_the_tests_packages(host):
    host.fill_repository()
    result = host.run_dev("build")
    assert result.returncode == 0, result.stderr
    installed = host.installed()
    assert "meson" in installed and installed < wanted()
    assert "python3-pytest" not in installed


def test_a_package_that_no_repository_has_stops_dev_and_is_named(host):
    host.fill_repository(missing="libbpf-devel")
    result = host.run_dev("build")
    assert result.returncode != 0
    assert "libbpf-devel" in result.stderr
    assert not host.installed()
    assert "dev: building" not in result.stderr
