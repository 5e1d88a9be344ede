# SPDX-License-Identifier: Apache-2.0
"""Every bounded place, filled: what it could not keep is in the right bucket, exactly.

The table of UDP flows is in test_udp.py, the tables of the tier netlink in
test_netlink_tier.py, the agent's own places in test_agent_full_places.py and test_api_limits.py.
The closed log takes more bytes than such records as can be made here: test_closed_log.c.
"""

import errno
import json
import os
import re
import subprocess
import time
from pathlib import Path
from typing import NamedTuple

import pytest

import harness
from harness import proto, UnixConnection, until

CHURN = harness.BUILD / "tests" / "integration" / "tcp-churn"


@pytest.fixture
def start(folder):
    """Starts a probe with settings; it ends with the test."""
    started = []

    def begin(**settings):
        probe = harness.Probe(folder, env={f"DD_{k}": str(v) for k, v in settings.items()})
        started.append(probe)
        return probe.ready()

    yield begin
    for probe in started:
        probe.thaw()
        probe.stop()


class Sum(NamedTuple):
    connections: int
    bytes_sent: int
    bytes_received: int
    packets_sent: int
    packets_received: int

    @classmethod
    def of(cls, records):
        return cls(len(records), *(sum(getattr(r, name) for r in records)
                                   for name in cls._fields[1:]))

    @classmethod
    def lost(cls, overflow):
        return cls(*(getattr(overflow, name) for name in cls._fields))

    def __add__(self, other):
        return Sum(*(a + b for a, b in zip(self, other)))

    def __sub__(self, other):
        return Sum(*(a - b for a, b in zip(self, other)))


def churn(namespace, n):
    """(connections at both ends, bytes sent, bytes received): what the programs say."""
    sent, received = map(int, namespace.run(str(CHURN), str(n)).split())
    return 2 * n, sent, received


class Accounts:
    """All that a probe has seen of this host since now, against what others know of it.

    What gave way has no owner, so connections of the rest of the host are in the sums.
    A second probe with room for everything says which those are.
    """

    def __init__(self, probe, witness):
        self.probe, self.witness = probe, witness
        self.before, self.position = self._look()

    def _look(self):
        """(all that the probe counted, the next number of the witness) at one moment."""
        def steady():
            position = self.witness.closed().trailer.next_sequence
            stream = self.probe.closed()
            total = Sum.lost(stream.trailer.before_next) + \
                Sum.lost(stream.overflow("closed_ring_full"))
            return position == self.witness.closed().trailer.next_sequence and (total, position)

        return until(steady, "nothing closes while we look")

    def of_namespace(self, namespace):
        """What the probe counted less what was not of this namespace."""
        now, end = self._look()
        others = Sum.of([c for c in self.witness.closed(self.position).connections
                         if c.netns != namespace.inode and c.sequence < end])
        return now - self.before - others


@pytest.fixture
def accounts(module_probe):
    return lambda probe: Accounts(probe, module_probe)


def assert_all_counted(total, truth, namespace):
    """Payload as the programs at both ends say, connections as the kernel counts them.

    Where the ACK and the first data of a connection meet on two CPUs, the kernel opens it
    twice and drops one at once: PassiveOpens has both, and so has the probe, as failed.
    Segments may be more than those of connections: a SYN-ACK is its listener's, as ss has
    it, and a late FIN and its answer meet what TIME_WAIT has left of a socket.
    """
    tcp = namespace.snmp("Tcp")
    assert 2 * tcp["ActiveOpens"] == truth[0]
    assert total[:3] == (tcp["ActiveOpens"] + tcp["PassiveOpens"], *truth[1:])
    assert 0 <= tcp["OutSegs"] - tcp["ActiveOpens"] - total.packets_sent <= truth[0] // 2
    assert 0 <= tcp["InSegs"] - total.packets_received <= truth[0] // 2


def nothing_lives(probe, namespace):
    return until(lambda: not [c for c in probe.snapshot().connections
                              if c.netns == namespace.inode], "nothing lives")


@pytest.mark.kernel
def test_full_ring_of_closed_connections_loses_nothing_unseen(start, accounts, namespace):
    probe = start()
    account = accounts(probe)
    probe.freeze()  # nobody empties the ring
    truth = churn(namespace, 5000)
    probe.thaw()
    nothing_lives(probe, namespace)
    stream = probe.closed()
    kept = Sum.of([c for c in stream.connections if c.netns == namespace.inode])
    lost = Sum.lost(stream.overflow("closed_ring_full"))
    assert lost.connections > 1000 and kept.connections > 1000
    assert_all_counted(account.of_namespace(namespace), truth, namespace)
    assert probe.status()["overflow"]["closed_ring_full"]["connections"] == lost.connections


@pytest.mark.kernel
def test_ends_that_are_told_and_those_that_are_not_are_all_there_were(start, namespace):
    probe = start()
    running = namespace.popen(str(CHURN), "10000", stdout=subprocess.DEVNULL)
    while running.poll() is None:
        probe.snapshot()  # what moves while it is made is not taken for lost
    nothing_lives(probe, namespace)
    told = [c for c in probe.closed().connections if c.netns == namespace.inode]
    tcp = namespace.snmp("Tcp")
    lost = probe.closed().overflow("closed_ring_full").connections
    until(lambda: len(told) + lost + probe.unseen_ends() == tcp["ActiveOpens"] + tcp["PassiveOpens"],
          "two quiet walks know of each, and of no more")


def test_failed_attempts_that_found_the_ring_full_are_counted(
        start, accounts, namespace, interpreter):
    probe = start()
    account = accounts(probe)
    client = interpreter(namespace)
    probe.freeze()
    n = client("def refused():\n"
               "    s = socket.socket()\n"
               "    return s.connect_ex(('127.0.0.1', 9)) == 111\n",
               "sum(refused() for _ in range(9000))")
    probe.thaw()
    stream = probe.closed()
    kept = [c for c in stream.connections if c.netns == namespace.inode]
    assert all(c.state == proto.STATE_FAILED for c in kept)
    lost = stream.overflow("closed_ring_full").connections
    assert lost > 0
    assert n == account.of_namespace(namespace).connections == 9000


def test_closed_log_that_is_full_by_number_says_exactly_what_gave_way(start, accounts, namespace):
    probe = start(SYSTEM_PROBE_CONFIG_MAX_CLOSED_CONNECTIONS_BUFFERED=1024)
    account = accounts(probe)
    truth = churn(namespace, 2000)
    nothing_lives(probe, namespace)
    stream = probe.closed()
    kept = Sum.of(stream.connections)
    assert kept.connections == 1024
    assert stream.header.first_sequence == stream.trailer.next_sequence - 1024
    lost = Sum.lost(stream.trailer.before_next) - kept
    assert lost.connections == stream.header.first_sequence - 1
    assert_all_counted(account.of_namespace(namespace), truth, namespace)


def test_reader_that_follows_the_log_knows_its_loss_at_every_moment(start, accounts, namespace):
    probe = start(SYSTEM_PROBE_CONFIG_MAX_CLOSED_CONNECTIONS_BUFFERED=1024)
    account = accounts(probe)
    running = namespace.popen(str(CHURN), "8000", stdout=subprocess.PIPE, text=True)
    counted = before = Sum(0, 0, 0, 0, 0)
    position, n_read = 1, 0
    while True:
        is_over = running.poll() is not None and not [
            c for c in probe.snapshot().connections if c.netns == namespace.inode]
        n_new = probe.status()["counters"]["closed_log_next"] - position
        if not is_over and n_new < 1500:
            continue  # a reader that comes too late
        stream = probe.closed(position)
        now = Sum.lost(stream.trailer.before_next)
        got = Sum.of(stream.connections)
        gap = now - before - got
        assert min(gap) >= 0
        assert gap.connections == stream.trailer.next_sequence - position - got.connections
        counted, before, n_read = counted + got + gap, now, n_read + got.connections
        position = stream.trailer.next_sequence
        if is_over:
            break
    sent, received = map(int, running.communicate()[0].split())
    assert n_read < 16000, "no record gave way: this shows nothing"
    assert counted == before
    assert_all_counted(account.of_namespace(namespace), (16000, sent, received), namespace)


@pytest.fixture
def small_storage(namespace):
    """A namespace where sockets get no memory for storage."""
    if not os.path.exists("/proc/sys/net/core/optmem_max"):
        pytest.skip("no net.core.optmem_max")
    try:
        namespace.run("sysctl", "-qw", "net.core.optmem_max=64")
    except AssertionError as error:
        pytest.skip(f"net.core.optmem_max is not a namespace's own here: {error}")
    return namespace


@pytest.mark.kernel
def test_socket_without_storage_is_counted_and_told_at_its_close(start, small_storage, interpreter):
    probe = start()
    talker = interpreter(small_storage)
    talker("l = listen('127.0.0.1')", "c = connect('127.0.0.1', port(l))", "s, _ = l.accept()",
           "send(c, 1234)", "receive(s, 1234)")
    mine = [c for c in probe.snapshot().connections if c.netns == small_storage.inode]
    assert mine == []
    talker("c.close()", "s.close()")
    until(lambda: len([c for c in probe.closed().connections
                       if c.netns == small_storage.inode]) == 2, "both ends are told")
    closed = [c for c in probe.closed().connections if c.netns == small_storage.inode]
    assert sorted((c.bytes_sent, c.bytes_received, c.tgid) for c in closed) == \
        [(0, 1234, 0), (1234, 0, 0)]
    assert probe.status()["counters"]["socket_storage_failed"] > 0


def map_of(probe, name):
    """Number of one of the probe's maps."""
    for path in Path(f"/proc/{probe.pid}/fdinfo").iterdir():
        for number in re.findall(r"^map_id:\s+(\d+)", path.read_text(), re.MULTILINE):
            shown = subprocess.run(["bpftool", "-j", "map", "show", "id", number],
                                   capture_output=True, check=True)
            if json.loads(shown.stdout)["name"] == name:
                return number
    raise LookupError(name)


SO_COOKIE = 57  # asm-generic/socket.h; the module socket has no name for it
COPY_OF_STORAGE = """
def copy_storage(number, source, *targets):
    def key(sock):
        return ' '.join(map(str, sock.fileno().to_bytes(4, 'little')))
    def bpftool(*lines):
        return subprocess.run(['bpftool', '-j', 'batch', 'file', '-'], input='\\n'.join(lines),
                              pass_fds=[s.fileno() for s in (source, *targets)], text=True,
                              capture_output=True, check=True).stdout
    shown, = json.loads(bpftool(f'map lookup id {number} key {key(source)}'))
    value = ' '.join(shown['output']['value'])
    bpftool(*(f'map update id {number} key {key(s)} value {value} exist' for s in targets))
"""


def test_end_that_no_program_told_is_counted(start, namespace, interpreter):
    """As if the kernel had run none: to the programs the connection has ended already."""
    probe = start()
    talker = interpreter(namespace)
    talker("import subprocess", COPY_OF_STORAGE, "l = listen('127.0.0.1')",
           "told = connect('127.0.0.1', port(l))", "a, _ = l.accept()",
           "untold = connect('127.0.0.1', port(l))", "b, _ = l.accept()",
           "reset(a)")
    assert talker.errno_of("receive(told, 1)") == errno.ECONNRESET
    talker(f"copy_storage({map_of(probe, 'tcp_sockets')!r}, told, untold)",
           "b.close()", "receive_to_end(untold)", "untold.close()")

    def closed():
        return [c for c in probe.closed().connections if c.netns == namespace.inode]

    until(lambda: len(closed()) == 3, "the three that were told")
    until(probe.unseen_ends, "two walks in a row know of it")
    assert not [c for c in probe.snapshot().connections
                if c.netns == namespace.inode and c.state == proto.STATE_OPEN]
    assert probe.unseen_ends() == 1 and len(closed()) == 3
    assert namespace.snmp("Tcp")["ActiveOpens"] + namespace.snmp("Tcp")["PassiveOpens"] == 4


def walk_around(probe, happens):
    """A snapshot that has begun when this happens, and has not ended."""
    connection = UnixConnection(probe.socket)
    connection.request("GET", "/v1/connections",
                       headers={"Authorization": f"Bearer {probe.token}"})
    response = connection.getresponse()
    happens()
    response.read()
    connection.close()


def test_ends_that_no_program_told_are_counted_where_others_come_and_go(
        start, namespace, interpreter, peers):
    probe = start()
    others = peers(namespace, "hold_connections.py", 3000)  # more than a socket's buffer holds
    talker = interpreter(namespace)
    talker("import subprocess", COPY_OF_STORAGE, "l = listen('127.0.0.1')",
           "told = connect('127.0.0.1', port(l))", "a, _ = l.accept()", "reset(a)",
           "untold = [(connect('127.0.0.1', port(l)), l.accept()[0]) for _ in range(300)]")
    assert talker.errno_of("receive(told, 1)") == errno.ECONNRESET
    talker(f"copy_storage({map_of(probe, 'tcp_sockets')!r}, told, *(c for c, _ in untold))",
           "for c, s in untold: s.close(); c.close()")
    for _ in range(2):
        walk_around(probe, lambda: churn(namespace, 1))
    assert 0 < probe.closed().overflow("end_unseen").connections <= 300
    others.do("close")  # a short walk is a quiet one sooner or later
    until(lambda: probe.unseen_ends() == 300, "two quiet walks know of each, and of no more")


def test_sockets_freed_during_a_walk_make_no_end_unseen(start, namespace, interpreter, peers):
    """Ended, and closed only now: one that goes may have the walk pass over one that lives."""
    probe = start()
    peers(namespace, "hold_connections.py", 3000)
    talker = interpreter(namespace)
    talker("import resource", "resource.setrlimit(resource.RLIMIT_NOFILE, (8192, 8192))",
           "l = listen('127.0.0.1')", "ended = []",
           "for _ in range(2000):\n"
           "    ended.append(connect('127.0.0.1', port(l)))\n"
           "    reset(l.accept()[0])\n")
    for _ in range(4):
        walk_around(probe, lambda: talker("for c in ended[-500:]: c.close()", "del ended[-500:]"))
    assert probe.closed().overflow("end_unseen").connections == 0


def test_child_whose_handshake_no_program_saw_is_live(start, namespace, interpreter):
    """Its storage is what it got from its listener."""
    probe = start()
    talker = interpreter(namespace)
    talker("import subprocess", COPY_OF_STORAGE, "l = listen('127.0.0.1')",
           "c = connect('127.0.0.1', port(l))", "s, _ = l.accept()", "send(c, 1234)",
           f"copy_storage({map_of(probe, 'tcp_sockets')!r}, l, s)")
    cookie = talker(f"int.from_bytes(s.getsockopt(socket.SOL_SOCKET, {SO_COOKIE}, 8), 'little')")
    child, = [c for c in probe.snapshot().connections if c.id == cookie]
    assert (child.state, child.role, child.bytes_received, child.tgid, child.owner_is_listener) == \
        (proto.STATE_OPEN, proto.ROLE_SERVER, 1234, talker.pid, True)
    talker("s.close()", "c.close()")
    closed, = probe.wait_closed(lambda c: c.id == cookie, "its end with the same id")
    assert (closed.started_ns, closed.bytes_received) == (0, 1234)


OF_STORAGE = {"role", "tgid", "process_start_ns", "comm", "cgroup_id", "started_ns", "established_ns",
              "accepted_ns", "owner_is_listener", "before_probe", "retransmits_timeout",
              "retransmits_fast", "retransmits_probe", "reset_sent", "reset_received"}
ROUND_OF_THE_RING = 5000  # connections; their records are more than it has room for


@pytest.mark.kernel
def test_record_without_storage_has_nothing_of_the_one_that_lay_there_before(
        start, small_storage, pair, interpreter):
    probe = start()
    churn(pair.left, ROUND_OF_THE_RING)
    talker = interpreter(small_storage)
    talker("l = listen('127.0.0.1')", "c = connect('127.0.0.1', port(l))", "s, _ = l.accept()",
           "c.close()", "s.close()")

    def closed_of(namespace):
        return [c for c in probe.closed().connections if c.netns == namespace.inode]

    until(lambda: len(closed_of(small_storage)) == 2, "both ends are told")
    present = {field.name for c in closed_of(small_storage) for field, _ in c.ListFields()}
    assert OF_STORAGE <= set(proto.Connection.DESCRIPTOR.fields_by_name)
    assert not present & OF_STORAGE
    assert {"tgid", "comm", "started_ns", "established_ns"} <= {
        field.name for c in closed_of(pair.left) for field, _ in c.ListFields()}


PART_OF_A_PASS_NS = 5_000_000  # of some 50 ms for 20,000 flows; all else takes less


def expired_and_counted_again(probe, sender, n):
    """One round: flows go idle; in the middle of their expiry each gets a datagram more."""
    sender(f"burst({n})")

    def time_on_cpu_ns():
        with open(f"/proc/{probe.pid}/schedstat") as times:
            return int(times.read().split()[0])

    sender("time.sleep(1)")  # what idle means here: udp_idle
    before, end = time_on_cpu_ns(), time.monotonic() + 2 * harness.DEADLINE_S
    while time_on_cpu_ns() - before < PART_OF_A_PASS_NS and time.monotonic() < end:
        pass  # the pass over all flows is shorter than a nap
    probe.freeze()
    sender(f"burst({n})")
    probe.thaw()
    return probe.closed().overflow("udp_expiring").packets_sent


def test_datagrams_that_meet_their_flows_expiry_are_counted_once(start, namespace, interpreter):
    probe = start(SYSPROBE_UDP_IDLE="1s")
    sender = interpreter(namespace)
    sender("u = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)",
           "def burst(n):\n"
           "    for i in range(n):\n"
           "        try:\n"
           "            u.sendto(b'x' * 10, (f'127.1.{i >> 8}.{i & 255}', 9))\n"
           "        except ConnectionRefusedError:\n"
           "            u.sendto(b'x' * 10, (f'127.1.{i >> 8}.{i & 255}', 9))\n")
    until(lambda: expired_and_counted_again(probe, sender, 20000), "one met its expiry")
    live, stream = probe.snapshot(), probe.closed()  # what ends in between is in both
    sent = namespace.snmp("Udp")["OutDatagrams"]
    records = [c for c in [*stream.connections, *live.connections]
               if c.netns == namespace.inode and c.protocol == proto.PROTOCOL_UDP]
    total = Sum.of(list({c.id: c for c in reversed(records)}.values()))
    lost = Sum.lost(stream.overflow("udp_expiring")) + Sum.lost(stream.overflow("udp_table_full"))
    assert lost.packets_sent > 0
    assert total.packets_sent + lost.packets_sent == sent
    assert total.bytes_sent + lost.bytes_sent == 10 * sent


# Processes

def run_many(n, *words):
    """`n` processes one after the other; they have these arguments."""
    subprocess.run(["sh", "-c", f'i=0; while [ $i -lt {n} ]; do /bin/true "$@"; i=$((i+1)); done',
                    "sh", *words], check=True)


def events_of(stream, word):
    """Starts and ends of the processes with this argument that a log has."""
    starts = [p for p in stream.processes if p.event == proto.Process.EVENT_EXEC and
              word.encode() in p.command_line]
    keys = {(p.tgid, p.start_ns) for p in starts}
    return len(starts) + len([p for p in stream.processes if p.event == proto.Process.EVENT_EXIT
                              and (p.tgid, p.start_ns) in keys])


def test_full_ring_of_process_events_is_counted(start):
    probe = start()
    probe.freeze()
    run_many(400, "in-the-ring")
    probe.thaw()
    seen = events_of(probe.processes(), "in-the-ring")
    counters = probe.status()["counters"]
    assert 100 < seen < 800
    assert counters["process_ring_full"] >= 800 - seen
    assert counters["process_events_taken"] >= seen


def test_process_log_that_is_full_shows_the_gap(start):
    probe = start(SYSPROBE_MAX_PROCESS_EVENTS_BUFFERED=256)
    run_many(300, "in-the-log")
    stream = probe.processes()
    numbers = [p.sequence for p in stream.processes if p.sequence]
    counters = probe.status()["counters"]
    assert len(numbers) == 256
    assert numbers == list(range(stream.header.first_sequence, stream.trailer.next_sequence))
    assert counters["process_events_taken"] + counters["process_ring_full"] >= 600
    assert stream.trailer.next_sequence - 1 <= counters["process_events_taken"]


TYPICAL_EVENT_BYTES = 384  # what the log sets aside for each, system-probe/process_log.c
MAX_EVENT_BYTES = 4096


def test_process_log_that_is_full_by_bytes_shows_the_gap(start, folder):
    program = folder / ("p" * 200) / "true"
    program.parent.mkdir()
    program.symlink_to("/bin/true")
    probe = start(SYSPROBE_MAX_PROCESS_EVENTS_BUFFERED=256)
    subprocess.run(["sh", "-c", f'i=0; while [ $i -lt 300 ]; do {program} {"x" * 500}; '
                    "i=$((i+1)); done"], check=True)
    stream = probe.processes()
    numbers = [p.sequence for p in stream.processes if p.sequence]
    size = sum(p.ByteSize() for p in stream.processes if p.sequence)
    assert size <= 256 * TYPICAL_EVENT_BYTES + MAX_EVENT_BYTES
    # Fewer than fit by number, unless short events of other programs make the mean smaller.
    assert len(numbers) < 256 or size <= 256 * TYPICAL_EVENT_BYTES
    assert numbers == list(range(stream.header.first_sequence, stream.trailer.next_sequence))


def test_processes_that_the_table_has_no_room_for_are_counted(start):
    probe = start(EVENT_MONITORING_CONFIG_NETWORK_PROCESS_MAX_PROCESSES_TRACKED=256)
    before = probe.status()["counters"]["processes"]
    sleepers = [subprocess.Popen(["sleep", "60"]) for _ in range(300)]
    try:
        def ours():
            pids = {s.pid for s in sleepers}
            stream = probe.processes()
            started = {p.tgid for p in stream.processes if p.event == proto.Process.EVENT_EXEC}
            return pids <= started and pids & {
                p.tgid for p in stream.processes if p.event == proto.Process.EVENT_ALIVE}

        kept = until(ours, "all of them started")
        counters = probe.status()["counters"]
        assert counters["processes"] <= 256 and len(kept) <= 256 - before + 50
        assert counters["processes_not_kept"] >= 300 - len(kept) > 0
    finally:
        for sleeper in sleepers:
            sleeper.kill()
            sleeper.wait()
