# SPDX-License-Identifier: Apache-2.0
"""A host for one container runtime: whatever it starts or mounts there ends with it.

Namespaces of its own for the network, for mounts (/run and /var/lib are empty, so that
a runtime finds its usual paths and nobody else's containers) and for process ids, whose
first process ends with the test program and takes all others with it. Cgroups have no
such privacy: the directories that a runtime leaves are removed.
"""

import os
import pathlib
import re
import subprocess

import harness

# How cgroups look to a runtime: as the machine has them, or only a part of that. What
# it starts really is in the v1 hierarchies only, or in the v2 hierarchy only.
LAYOUTS = {
    "native": "true",
    "v1": "umount {v2}",
    "v2": "umount -l /sys/fs/cgroup && mount -t cgroup2 cgroup2 /sys/fs/cgroup",
}
OF_A_RUNTIME = re.compile(
    "/(docker|ecs|kubepods|libpod_parent|sysprobe-test-[0-9a-f]+|[0-9a-f]{64})(/|$)")


class Unavailable(Exception):
    """This machine cannot do it; the message says why."""


def cgroup_mounts(kind, option=""):
    """Mount points of a kind, cgroup (v1) or cgroup2; with `option` among their options."""
    rows = [line.split() for line in open("/proc/self/mounts")]
    return [row[1] for row in rows
            if row[2] == kind and (not option or option in row[3].split(","))]


def cgroups():
    """Every directory of every hierarchy, a parent before its children."""
    return [directory for mount in cgroup_mounts("cgroup") + cgroup_mounts("cgroup2")
            for directory, _, _ in os.walk(mount)]


def check_layout(layout):
    has_v1, has_v2 = cgroup_mounts("cgroup", "memory"), cgroup_mounts("cgroup2")
    if layout == "v1" and not has_v1:
        raise Unavailable("the memory controller is not mounted as cgroup v1")
    if layout == "v2" and not has_v2:
        raise Unavailable("no cgroup v2 hierarchy is mounted")
    if layout != "native" and not (has_v1 and has_v2):
        raise Unavailable(f"cgroup {layout} is this machine's native layout")


def wait_ready(process, text):
    """Until it logs `text`. One that ends before cannot run here."""
    try:
        process.wait_log(text)
    except AssertionError:
        if process.popen.poll() is None:
            raise
        last = process.log().splitlines()[-1:]
        raise Unavailable(f"ended with {process.wait()}: {last}") from None


class Host:
    def __init__(self, layout):
        check_layout(layout)
        self.started = []
        self.cgroups_before = set(cgroups())
        self.namespace = harness.Namespace(f"sph-{os.urandom(3).hex()}")
        v2 = next(iter(cgroup_mounts("cgroup2")), "")
        script = ("mount -t tmpfs tmpfs /run && mount -t tmpfs tmpfs /var/lib && "
                  f"{LAYOUTS[layout].format(v2=v2)} && echo ready >&2 && exec cat")
        self.keeper = harness.Process(
            [*self.namespace.enter(), "unshare", "--mount", "--pid", "--fork", "--kill-child",
             "--mount-proc", "sh", "-c", script], stdin=subprocess.PIPE)

    def ready(self):
        wait_ready(self.keeper, "ready")
        return self

    def path(self, path):
        """From outside, a path of the host."""
        return pathlib.Path(f"/proc/{self.keeper.pid}/root") / path.lstrip("/")

    def enter(self):
        pid = self.keeper.pid
        return ["nsenter", f"--target={pid}", "--mount", "--net",
                f"--pid=/proc/{pid}/ns/pid_for_children"]

    def run(self, *command, **options):
        return harness.run(*self.enter(), *command, **options)

    def start(self, *command, **options):
        self.started.append(harness.Process([*self.enter(), *command], **options))
        return self.started[-1]

    def outer_pid(self, pid):
        """The number that the machine gives to what is `pid` on this host."""
        namespace = os.stat(self.path(f"/proc/{pid}/ns/mnt"))
        for status in pathlib.Path("/proc").glob("[0-9]*/status"):
            try:
                numbers = re.search(r"^NSpid:(.*)$", status.read_text(), re.MULTILINE)[1].split()
                if numbers[1:2] == [str(pid)] and \
                        os.path.samestat(os.stat(status.parent / "ns/mnt"), namespace):
                    return int(numbers[0])
            except (FileNotFoundError, ProcessLookupError):  # it has just ended
                continue
        raise AssertionError(f"process {pid} is not there")

    def end(self):
        self.keeper.popen.stdin.close()
        self.keeper.wait()  # for all the others too: it was their first process
        for process in self.started:
            process.wait()
        self._remove_cgroups()
        self.namespace.delete()

    def _remove_cgroups(self):
        """The parents that runtimes make for their containers and keep."""
        for directory in reversed(cgroups()):
            if directory not in self.cgroups_before and OF_A_RUNTIME.search(directory):
                try:
                    os.rmdir(directory)
                except OSError as error:  # a neighbour's container
                    print(f"{directory} stays: {error}")
