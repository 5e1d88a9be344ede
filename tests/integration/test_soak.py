# SPDX-License-Identifier: Apache-2.0
"""A seeded plan of connections that succeed, fail, reset and end in every way, and each record.

    SYSPROBE_SOAK_SEED=N     the plan to repeat; printed by every run
    SYSPROBE_SOAK_SECONDS=N  how long new connections are begun, 15 by default
"""

import errno
import os
import random
import time
from typing import NamedTuple

import pytest

import harness
from harness import proto

SECONDS = int(os.environ.get("SYSPROBE_SOAK_SECONDS", "15"))
N_PAIRS = 3
CLOSED_PORT, DROPPED_PORT = 9, 10
LOCAL, REMOTE, NOBODY = proto.SIDE_LOCAL, proto.SIDE_REMOTE, proto.SIDE_UNSPECIFIED
OPEN, CLOSED, FAILED = proto.STATE_OPEN, proto.STATE_CLOSED, proto.STATE_FAILED


class End(NamedTuple):
    """What a record must say of one end."""
    sent: int
    received: int
    state: int
    error: int
    first: int
    reset_sent: bool
    reset_received: bool
    owner: int
    role: int

    @classmethod
    def of(cls, c):
        return cls(c.bytes_sent, c.bytes_received, c.state, c.error, c.closed_first, c.reset_sent,
                   c.reset_received, c.tgid, c.role)


# Each way of ending: commands of the client and of the server (`c`, `s`) in turn, and
# (who closed first, errors of client and server, who reset) as seen from the client.
ENDINGS = {
    "client closes": ([("client", "c.close()"), ("server", "receive_to_end(s); s.close()")],
                      LOCAL, 0, 0, None),
    "server closes": ([("server", "s.close()"), ("client", "receive_to_end(c); c.close()")],
                      REMOTE, 0, 0, None),
    "client resets": ([("client", "reset(c)"), ("server", "until_reset(s); s.close()")],
                      LOCAL, 0, errno.ECONNRESET, "client"),
    "server resets": ([("server", "reset(s)"), ("client", "until_reset(c); c.close()")],
                      REMOTE, errno.ECONNRESET, 0, "server"),
    "client leaves data": ([("server", "send(s, 10)"), ("client", "wait_unread(c, 10); c.close()"),
                            ("server", "until_reset(s); s.close()")],
                           LOCAL, 0, errno.ECONNRESET, "client"),
    "half-closed, then reset": ([("client", "c.shutdown(socket.SHUT_WR)"),
                                 ("server", "receive_to_end(s); reset(s)"),
                                 ("client", "until_reset(c); c.close()")],
                                LOCAL, errno.ECONNRESET, 0, "server"),
    "stays": ([], NOBODY, 0, 0, None),
    "half-closed": ([("server", "s.shutdown(socket.SHUT_WR)"), ("client", "receive_to_end(c)")],
                    REMOTE, 0, 0, None),
}
LASTING = ("stays", "half-closed")
UNTIL_RESET = ("def until_reset(s):\n"
               "    try:\n"
               "        receive_to_end(s)\n"
               "    except ConnectionResetError:\n"
               "        pass\n")


class Programs:
    """Two clients on the left and a server on the right of one pair."""

    def __init__(self, interpreter):
        self.pair = harness.Pair()
        self.clients = [interpreter(self.pair.left) for _ in range(2)]
        self.server = interpreter(self.pair.right)
        for program in (*self.clients, self.server):
            program(UNTIL_RESET, "held = []")
        self.port = {"4": self.server("l4 = listen('10.77.0.2')", "port(l4)"),
                     "6": self.server("l6 = listen('fd77::2')", "port(l6)")}
        self.pair.right.run("nft", "-f", "-", input=(
            "add table inet t\n"
            "add chain inet t input { type filter hook input priority 0; }\n"
            f"add rule inet t input tcp dport {DROPPED_PORT} drop\n"))


class Soak:
    def __init__(self, seed, programs):
        self.random = random.Random(seed)
        self.programs = programs
        self.next_port = 20000
        self.expected = {}  # (network namespace, local port, remote port) -> End
        self.n_unseen = 0

    def local_port(self):
        self.next_port += 1
        return self.next_port

    def fail(self, programs, client):
        """An attempt refused, or given up unanswered."""
        family = self.random.choice("46")
        address = {"4": "10.77.0.2", "6": "fd77::2"}[family]
        local = self.local_port()
        is_refused = self.random.random() < 0.5
        remote = CLOSED_PORT if is_refused else DROPPED_PORT
        client("c = socket.socket(socket.AF_INET6 if %r == '6' else socket.AF_INET)" % family,
               f"c.bind(('', {local}))", f"c.setblocking({is_refused})")
        client(f"c.connect_ex(({address!r}, {remote}))", "c.close()")
        self.expected[programs.pair.left.inode, local, remote] = End(
            0, 0, FAILED, errno.ECONNREFUSED if is_refused else errno.ECANCELED,
            REMOTE if is_refused else NOBODY, False, is_refused, client.pid, proto.ROLE_CLIENT)

    def talk(self, client, server):
        """Transfers both ways; (bytes from the client, bytes from the server)."""
        sums = {"client": 0, "server": 0}
        for _ in range(self.random.randrange(4)):
            size = self.random.choice((1, 100, 1448, 20000, 300000))
            who = self.random.choice(("client", "server"))
            sums[who] += size
            sender, receiver, a, b = (client, server, "c", "s") if who == "client" else \
                (server, client, "s", "c")
            sender.begin(f"send({a}, {size})")
            receiver(f"receive({b}, {size})")
            sender.finish()
        return sums["client"], sums["server"]

    def connect(self, programs, client):
        family = self.random.choice("46")
        address, port = {"4": "10.77.0.2", "6": "fd77::2"}[family], programs.port[family]
        local, server = self.local_port(), programs.server
        client(f"c = connect({address!r}, {port}, {local})")
        server(f"s, _ = l{family}.accept()")
        by_client, by_server = self.talk(client, server)
        name = self.random.choice([n for n in ENDINGS if n not in LASTING] * 4 + list(LASTING))
        commands, first, client_error, server_error, resetter = ENDINGS[name]
        for who, command in commands:
            (client if who == "client" else server)(command)
        if name in LASTING:
            client("held.append(c)")
            server("held.append(s)")
        if name == "client leaves data":
            by_server += 10
        state = OPEN if name in LASTING else CLOSED
        other = {LOCAL: REMOTE, REMOTE: LOCAL, NOBODY: NOBODY}[first]
        resets = (resetter == "client", resetter == "server")
        self.expected[programs.pair.left.inode, local, port] = End(
            by_client, by_server, state, client_error, first, *resets, client.pid,
            proto.ROLE_CLIENT)
        self.expected[programs.pair.right.inode, port, local] = End(
            by_server, by_client, state, server_error, other, *resets[::-1], server.pid,
            proto.ROLE_SERVER)

    def step(self):
        programs = self.random.choice(self.programs)
        client = self.random.choice(programs.clients)
        (self.fail if self.random.random() < 0.2 else self.connect)(programs, client)


def found(probe, inodes):
    """{key: (number of records, End)}; a record of the log is final."""
    records = {}
    live, closed = probe.snapshot(), probe.closed()
    assert closed.overflow("closed_ring_full").connections == 0
    by_id = {c.id: c for c in [*live.connections, *closed.connections] if c.netns in inodes}
    for c in by_id.values():
        records.setdefault((c.netns, c.local_port, c.remote_port), []).append(End.of(c))
    return records


def differences(expected, records):
    """Lines for the eye; none when each connection has its one record."""
    wrong = {key: (end, records.get(key)) for key, end in expected.items()
             if records.get(key) != [end]}
    unplanned = {key: ends for key, ends in records.items() if key not in expected}
    return [f"{key}: planned {end}, found {ends}" for key, (end, ends) in wrong.items()] + \
        [f"{key}: not planned, found {ends}" for key, ends in unplanned.items()]


SETTLE_S = 5  # the last FIN of an orderly close, the owner of an accepted connection


def take_unseen_ends(soak, probe, inodes):
    """How many ended without a record, which the probe must have counted: no program was run."""
    records = found(probe, inodes)
    gone = [key for key, end in soak.expected.items() if end.state != OPEN and key not in records]
    soak.n_unseen += len(gone)
    for key in gone:
        print("the kernel ran no program at the end of", key, soak.expected.pop(key))
    assert soak.n_unseen <= probe.unseen_ends()
    return len(gone)


def wait_as_planned(soak, probe, inodes):
    end = time.monotonic() + SETTLE_S
    while wrong := differences(soak.expected, found(probe, inodes)):
        is_over = time.monotonic() >= end
        assert not is_over or take_unseen_ends(soak, probe, inodes), "\n".join(wrong[:10])
        time.sleep(0.05)


@pytest.fixture
def programs(interpreter):
    made = []
    yield lambda: made.append(Programs(interpreter)) or made[-1]
    for one in made:
        one.pair.delete()


def test_every_record_of_a_random_plan_is_as_planned(probe, programs):
    seed = int(os.environ.get("SYSPROBE_SOAK_SEED") or random.randrange(2**32))
    print(f"SYSPROBE_SOAK_SEED={seed}")
    soak = Soak(seed, [programs() for _ in range(N_PAIRS)])
    probe.begin_test()
    inodes = {n.inode for p in soak.programs for n in (p.pair.left, p.pair.right)}
    end = time.monotonic() + SECONDS
    while time.monotonic() < end:
        for _ in range(soak.random.randrange(20, 60)):
            soak.step()
        wait_as_planned(soak, probe, inodes)
    states = [e.state for e in soak.expected.values()]
    assert min(states.count(s) for s in (OPEN, CLOSED, FAILED)) >= 10, "too small a plan"
