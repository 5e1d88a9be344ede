# SPDX-License-Identifier: Apache-2.0
"""Podman of an unprivileged user on a private host: user and group ids, sub-ids, cgroup
and runtime folder are his own, as a session of systemd would give them."""

import os
import pathlib
import secrets

import private_host
import runtimes
from harness import until

USER, UID, SUB_IDS = "alice", 64321, 200000
ACCOUNTS = {
    "passwd": f"{USER}:x:{UID}:{UID}::/run/home:/bin/sh\n",
    "group": f"{USER}:x:{UID}:\n",
    "subuid": f"{USER}:{SUB_IDS}:65536\n",
    "subgid": f"{USER}:{SUB_IDS}:65536\n",
}
# On cgroup v1 a container of his has no cgroup of its own.
LAYOUT = "v2" if private_host.cgroup_mounts("cgroup", "memory") else "native"
# Networks with the host's loopback, and its address there.
LOOPBACK = {"host": "127.0.0.1", "slirp4netns:allow_host_loopback=true": "10.0.2.2"}


class RootlessPodman(runtimes.Podman):
    programs = ("podman", "conmon", "runc", "newuidmap", "slirp4netns", "setfacl")

    def __init__(self, host):
        super().__init__(host)
        self.cgroup = f"/sys/fs/cgroup/sysprobe-test-{secrets.token_hex(4)}"
        self.users = self.folder / "user"  # /run/user of this host, for an agent outside of it
        self.run_folder = self.users / str(UID)
        self.socket = self.run_folder / "podman/podman.sock"

    @property
    def address(self):
        return LOOPBACK[self.network]

    @property
    def client(self):
        return self.as_user("podman", "--cgroup-manager=cgroupfs", "--runtime=runc",
                            "--events-backend=file", "--storage-driver=vfs")

    def as_user(self, *command):
        """A command of his, with all that he has."""
        return ("sh", "-c", f'echo $$ >{self.cgroup}/cgroup.procs && exec "$@"', "sh",
                "setpriv", f"--reuid={UID}", f"--regid={UID}", "--clear-groups",
                "env", "--ignore-environment", "HOME=/run/home", f"PATH={os.environ['PATH']}",
                f"XDG_RUNTIME_DIR=/run/user/{UID}", *command)

    def prepare(self):
        self.run_folder.mkdir(parents=True)
        self.host.path("/run/etc").mkdir()
        for name, line in ACCOUNTS.items():
            file = self.host.path(f"/run/etc/{name}")
            file.write_text((pathlib.Path("/etc") / name).read_text() + line)
            self.host.run("mount", "--bind", f"/run/etc/{name}", f"/etc/{name}")
        self.host.run("sh", "-ec", f"""
            mkdir /run/home /run/user {self.cgroup}
            mount --bind {self.users} /run/user
            mknod -m 666 /run/tun c 10 200; mount --bind /run/tun /dev/net/tun
            chown {UID}:{UID} /run/home /run/user/{UID}; chmod 700 /run/user/{UID}
            chown -R {UID} {self.cgroup}""")
        super().prepare()

    def serve(self):
        self.daemon = self.host.start(*self.client, "system", "service", "--time=0")
        until(self.socket.exists, "podman's service listens")

    def own_options(self):
        return [*super().own_options(),
                f"--cgroup-parent={self.cgroup.removeprefix('/sys/fs/cgroup')}"]

    def close(self):
        """To all but himself."""
        self.host.run("setfacl", "--recursive", "--remove-all", str(self.run_folder))
        self.run_folder.chmod(0o700)
