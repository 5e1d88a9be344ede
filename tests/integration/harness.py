# SPDX-License-Identifier: Apache-2.0
"""What integration tests share: processes under test, network namespaces, decoding.

Nothing here waits by sleeping: a process is ready when it says so on stderr, a
record is there when the probe answers with it, within a deadline.
"""

import contextlib
import http.client
import importlib
import json
import os
import pathlib
import secrets
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time

ROOT = pathlib.Path(__file__).resolve().parents[2]
BUILD = pathlib.Path(os.environ.get("SYSPROBE_BUILD", ROOT / "build"))
PROBE = BUILD / "system-probe" / "system-probe"
AGENT = BUILD / "core-agent" / "core-agent"
DEADLINE_S = int(os.environ.get("SYSPROBE_DEADLINE_S", "30"))  # an emulated CPU needs longer
# A resolv.conf by which one waits longer for a silent server than a test for anything.
PATIENT_RESOLVER = "nameserver {}\noptions timeout:30 attempts:5\n"
NOBODY = 65534
# The real metadata service of a cloud is no part of a test; those of its client have their own.
os.environ.setdefault("DD_CLOUD_PROVIDER_METADATA", "none")
HAS_IPV6 = os.path.exists("/proc/net/if_inet6")


def run(*command, **options):
    """Run to the end; its standard output. Raises with the output on failure."""
    done = subprocess.run(command, text=True, capture_output=True, **options)
    if done.returncode != 0:
        raise AssertionError(f"{command} -> {done.returncode}\n{done.stdout}{done.stderr}")
    return done.stdout


def until(condition, what, deadline_s=DEADLINE_S):
    """The first true value of condition(), asked again as fast as it answers."""
    end = time.monotonic() + deadline_s
    while time.monotonic() < end:
        value = condition()
        if value:
            return value
        time.sleep(0.02)
    raise AssertionError(f"not within {deadline_s} s: {what}")


def fill(path):
    """Until the disk is full."""
    with open(path, "wb", buffering=0) as file:
        try:
            while True:
                file.write(b"x" * 4096)
        except OSError:
            pass


@contextlib.contextmanager
def mounted_disk(path, size):
    """A disk of its own at `path` that everybody may write to."""
    path.mkdir()
    run("mount", "-t", "tmpfs", "-o", f"size={size},mode=777", "tmpfs", str(path))
    try:
        yield path
    finally:
        run("umount", "-l", str(path))


def load_proto(name, source=ROOT / "proto"):
    """The Python classes of NAME.proto, by Google's own compiler."""
    with tempfile.TemporaryDirectory(prefix="sysprobe-proto-") as folder:
        run("protoc", f"--proto_path={source}", f"--python_out={folder}", f"{name}.proto")
        sys.path.insert(0, folder)
        try:
            return importlib.import_module(f"{name}_pb2")
        finally:
            sys.path.remove(folder)


proto = load_proto("sysprobe")


def read_batches(body):
    """Length-delimited Batch messages; raises when the last one is cut."""
    position = 0
    while position < len(body):
        size = shift = 0
        while True:
            byte = body[position]
            position += 1
            size |= (byte & 0x7F) << shift
            shift += 7
            if byte < 0x80:
                break
        if position + size > len(body):
            raise AssertionError("a batch is cut short")
        yield proto.Batch.FromString(body[position:position + size])
        position += size


class Stream:
    """A whole response: header, records, trailer."""

    def __init__(self, body):
        self.size = len(body)
        batches = list(read_batches(body))
        assert batches[0].HasField("header") and batches[-1].HasField("trailer")
        self.header, self.trailer = batches[0].header, batches[-1].trailer
        self.largest_batch = max(len(b.connections) + len(b.processes) for b in batches)
        records = [c for b in batches for c in b.connections]
        self.n_records = len(records) + sum(len(b.processes) for b in batches)
        self.connections = [c for c in records if c.state != proto.STATE_LISTENING]
        self.listeners = [c for c in records if c.state == proto.STATE_LISTENING]
        self.processes = [p for b in batches for p in b.processes]

    def overflow(self, cause):
        return next(o for o in self.trailer.overflow if o.cause == cause)


class UnixConnection(http.client.HTTPConnection):
    def __init__(self, path):
        super().__init__("sysprobe", timeout=DEADLINE_S)
        self.path = path

    def connect(self):
        self.sock = socket.socket(socket.AF_UNIX)
        self.sock.settimeout(self.timeout)
        self.sock.connect(str(self.path))


class Process:
    """A program under test with its stderr kept line by line."""

    def __init__(self, command, env=None, **options):
        self.lines = []
        self.changed = threading.Condition()
        self.popen = subprocess.Popen(
            [str(c) for c in command], stderr=subprocess.PIPE, text=True, errors="replace",
            env={**os.environ, **(env or {})}, **options)
        self.pid = self.popen.pid
        self.reader = threading.Thread(target=self._read, daemon=True)
        self.reader.start()

    def _read(self):
        for line in self.popen.stderr:
            with self.changed:
                self.lines.append(line.rstrip("\n"))
                self.changed.notify_all()
        with self.changed:
            self.lines.append(None)
            self.changed.notify_all()

    def log(self):
        with self.changed:
            return "\n".join(line for line in self.lines if line)

    def wait_log(self, text, deadline_s=DEADLINE_S):
        """The first log line with `text`; fails at once when the process ends before."""
        end = time.monotonic() + deadline_s
        with self.changed:
            while True:
                for line in self.lines:
                    if line and text in line:
                        return line
                if None in self.lines or not self.changed.wait(end - time.monotonic()):
                    break
        raise AssertionError(f"no {text!r} in the log:\n{self.log()}")

    def wait(self, deadline_s=DEADLINE_S):
        code = self.popen.wait(deadline_s)
        self.reader.join(deadline_s)
        return code

    def freeze(self):
        """Returns once it has stopped: the signal alone may take effect a little later."""
        self.popen.send_signal(signal.SIGSTOP)
        os.waitid(os.P_PID, self.pid, os.WSTOPPED)

    def thaw(self):
        self.popen.send_signal(signal.SIGCONT)

    def stop(self, signal_number=signal.SIGTERM):
        if self.popen.poll() is None:
            self.popen.send_signal(signal_number)
        return self.wait()


class EndUnseen(Exception):
    """A record is not there, and the probe says that the kernel ran no program at some end.

    Some kernels do that now and then (ARCHITECTURE.md, "Two programs for
    an end"). It says nothing of the code under test, so such a test is run once more.
    """


class Probe(Process):
    """system-probe on a socket of its own, with a token that the test wrote."""

    def __init__(self, folder, env=None, prefix=(), arguments=(), has_token=True):
        self.folder = pathlib.Path(folder)
        self.socket = self.folder / "sysprobe.sock"
        self.token_file = self.folder / "auth_token"
        self.token = secrets.token_hex(32)
        self.first_closed = 1
        if has_token:
            self.write_token(self.token)
        super().__init__([*prefix, PROBE, *arguments], env={
            "DD_SYSPROBE_SOCKET": str(self.socket),
            "DD_AUTH_TOKEN_FILE_PATH": str(self.token_file),
            **(env or {})})

    def write_token(self, token):
        temporary = self.token_file.with_suffix(".new")
        temporary.write_text(token)
        os.chown(temporary, 0, NOBODY)  # as a member of its group the agent may read it
        temporary.chmod(0o640)
        temporary.rename(self.token_file)
        self.token = token

    def ready(self):
        self.wait_log(" serving ")
        return self

    def request(self, path, headers=None, method="GET"):
        """(status code, body)."""
        connection = UnixConnection(self.socket)
        try:
            if headers is None:
                headers = {"Authorization": f"Bearer {self.token}"}
            connection.request(method, path, headers=headers)
            response = connection.getresponse()
            return response.status, response.read()
        finally:
            connection.close()

    def get(self, path):
        code, body = self.request(path)
        assert code == 200, (code, body)
        return body

    def snapshot(self):
        return Stream(self.get("/v1/connections"))

    def closed(self, start=None):
        """From number `start` on; from where the test began without."""
        return Stream(self.get(f"/v1/closed?from={self.first_closed if start is None else start}"))

    def begin_test(self):
        """What is closed by now was another test's: namespaces' inode numbers come again."""
        self.first_closed = self.closed(2**63).trailer.next_sequence

    def processes(self, start=1):
        return Stream(self.get(f"/v1/processes?from={start}"))

    def status(self):
        return json.loads(self.get("/v1/status"))

    def wait_closed(self, wanted, what, deadline_s=DEADLINE_S):
        """The closed connections that `wanted` accepts, once there is one."""
        try:
            return until(lambda: [c for c in self.closed().connections if wanted(c)], what,
                         deadline_s)
        except AssertionError as error:
            if n_unseen := self.unseen_ends():
                raise EndUnseen(f"{error}; ends for which no program was run: {n_unseen}") \
                    from None
            raise

    def unseen_ends(self):
        """Those of all of the host, as far as two walks at a quiet moment know."""
        self.snapshot()
        self.snapshot()
        return self.closed().overflow("end_unseen").connections


def ip_batch(*commands, namespace=None):
    """Commands of ip(8) in one process: in an emulator each costs a quarter of a second."""
    where = ["-n", namespace.name] if namespace else []
    run("ip", *where, "-batch", "-", input="\n".join(commands) + "\n")


class Namespace:
    """A network namespace of the test's own, with loopback up."""

    def __init__(self, name):
        self.name = name
        run("ip", "netns", "add", name)
        run("ip", "-n", name, "link", "set", "lo", "up")
        self.inode = os.stat(f"/run/netns/{name}").st_ino

    def enter(self):
        """Prefix of a command that runs inside (the file systems stay the host's)."""
        return ["nsenter", f"--net=/run/netns/{self.name}"]

    def run(self, *command, **options):
        return run(*self.enter(), *command, **options)

    def popen(self, *command, **options):
        return subprocess.Popen([*self.enter(), *command], **options)

    def snmp(self, section):
        """Counters of /proc/net/snmp or netstat, as the kernel keeps them for this namespace."""
        lines = self.run("cat", "/proc/net/snmp", "/proc/net/netstat").splitlines()
        names, values = [l.split()[1:] for l in lines if l.startswith(section + ":")]
        return dict(zip(names, map(int, values)))

    def delete(self):
        run("ip", "netns", "delete", self.name)


class Pair:
    """Two namespaces joined by a veth: left 10.77.0.1, right 10.77.0.2; fd77::1, fd77::2."""

    def __init__(self):
        tag = secrets.token_hex(3)
        self.left, self.right = Namespace(f"spl-{tag}"), Namespace(f"spr-{tag}")
        run("ip", "link", "add", "v0", "netns", self.left.name, "type", "veth", "peer", "name",
            "v0", "netns", self.right.name)
        for number, namespace in enumerate((self.left, self.right), 1):
            ipv6 = [f"address add fd77::{number}/64 dev v0 nodad"] if HAS_IPV6 else []
            ip_batch(f"address add 10.77.0.{number}/24 dev v0", *ipv6, "link set v0 up",
                     namespace=namespace)

    def delete(self):
        ip_batch(f"netns delete {self.left.name}", f"netns delete {self.right.name}")


def ip(address):
    """Text of the 4 or 16 bytes of an address."""
    family = socket.AF_INET if len(address) == 4 else socket.AF_INET6
    return socket.inet_ntop(family, address)
