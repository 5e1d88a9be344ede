# SPDX-License-Identifier: Apache-2.0
"""The tier `netlink`: sockets without BPF, as ss and the programs at both ends know them."""

import os
import subprocess

import pytest

import harness
from harness import proto, until
from peers import transfer
from test_tcp import ADDRESSES, ends, of_port, parse_ss, record_fields

pytestmark = [pytest.mark.kernel, pytest.mark.without_bpf]

FIELDS = {name: number for number, name in enumerate(
    "bytes_sent bytes_received packets_sent packets_received retransmits".split(), 16)}


@pytest.fixture
def probe(folder):
    process = harness.Probe(folder, env={"DD_SYSPROBE_TIER": "netlink"}).ready()
    yield process
    process.stop()


@pytest.fixture
def pair(probe):
    """Made after the probe has started, and known to it: it looks before it answers."""
    namespaces = harness.Pair()
    probe.wait_log("serving")
    probe.snapshot()
    yield namespaces
    namespaces.delete()


def connect(pair, peers, family="4", address="10.77.0.2"):
    """(client, server) peers of one connection from left to right."""
    server = peers(pair.right, "tcp_peer.py", "listen", family, "::" if family == "6" else "0.0.0.0")
    client = peers(pair.left, "tcp_peer.py", "connect", family, address, server.port)
    server.do("accept")
    return client, server


def closed_ends(probe, port):
    until(lambda: len(list(filter(of_port(port), probe.closed().connections))) == 2, "both closed")
    return ends(list(filter(of_port(port), probe.closed().connections)), port)


def is_known(record, name):
    return bool(record.known_fields >> FIELDS[name] & 1)


def test_status_says_the_tier_and_what_it_lacks(probe):
    status = probe.status()
    hooks = {h["hook"]: h for h in status["hooks"]}
    assert (status["tier"], status["tier_setting"]) == ("netlink", "netlink")
    assert hooks["tcp"]["variant"] == "sock_diag" and "resets" in hooks["tcp"]["lacks"]
    assert "bytes" in hooks["udp"]["lacks"]
    assert "variant" not in hooks["exec"] and hooks["exec"]["without"]
    assert probe.snapshot().header.tier == "netlink"


def test_status_says_why_not_a_better_one(folder):
    prefix = ("setpriv", "--bounding-set=-bpf,-sys_admin")
    probe = harness.Probe(folder, prefix=prefix).ready()
    try:
        status = probe.status()
        tcp = next(h for h in status["hooks"] if h["hook"] == "tcp")
        assert (status["tier"], status["tier_setting"]) == ("netlink", "auto")
        assert tcp["refused"].startswith("tp_btf/") and tcp["refused_error"]
        assert "remedy=" in probe.wait_log("sockets are read by sock_diag")
    finally:
        probe.stop()


def test_live_record_equals_ss(probe, pair, peers):
    client, server = connect(pair, peers)
    transfer(client, server, 300000)
    server.do("send 4711")
    client.do("receive 4711")

    def same():
        before = parse_ss(pair.left, server.port)
        record, _ = ends(list(filter(of_port(server.port), probe.snapshot().connections)),
                         server.port)
        return before == parse_ss(pair.left, server.port) and (before, record)

    truth, record = until(same, "the connection is quiet")
    assert record_fields(record) == truth
    assert all(is_known(record, name) for name in FIELDS)
    assert record.state == proto.STATE_OPEN


@pytest.mark.core
@pytest.mark.parametrize("name", ADDRESSES)
def test_closed_record_has_the_exact_payload_of_both_ends(probe, pair, peers, name):
    family, address, shown = ADDRESSES[name]
    client, server = connect(pair, peers, family, address)
    transfer(client, server, 1000003)
    server.do("send 17", "close")
    client.do("receive 17", "close")
    from_client, from_server = closed_ends(probe, server.port)
    assert (from_client.bytes_sent, from_client.bytes_received) == (1000003, 17)
    assert (from_server.bytes_sent, from_server.bytes_received) == (17, 1000003)
    assert (from_client.role, from_server.role) == (proto.ROLE_CLIENT, proto.ROLE_SERVER)
    assert harness.ip(from_client.remote_address) == shown
    assert (from_client.netns, from_server.netns) == (pair.left.inode, pair.right.inode)
    assert from_client.state == from_server.state == proto.STATE_CLOSED


# What each end does, in order: "c" is the client's, "s" the server's.
ENDINGS = {
    "client closes first, unread": "c close, s close",
    "server closes first, unread": "s close, c close",
    "client closes first, read to the end": "c close, s end, s close",
    "server closes first, read to the end": "s close, c end, c close",
    "client shuts down, seen": "c shutdown, s end, look, s close, look, c end, c close",
    "server resets, seen": "look, s reset, c close",
    "client resets, seen": "look, c reset, s close",
}


@pytest.mark.parametrize("name", ENDINGS)
def test_no_way_to_close_is_counted_as_payload(probe, pair, peers, name):
    client, server = connect(pair, peers)
    client.do("send 1000")
    server.do("receive 1000", "send 10")
    client.do("receive 10")
    for step in ENDINGS[name].split(", "):
        if step == "look":
            probe.snapshot()
        else:
            (client if step[0] == "c" else server).do(step[2:])
    from_client, from_server = closed_ends(probe, server.port)
    assert (from_client.bytes_sent, from_client.bytes_received) == (1000, 10)
    assert (from_server.bytes_sent, from_server.bytes_received) == (10, 1000)
    assert (from_client.role, from_server.role) == (proto.ROLE_CLIENT, proto.ROLE_SERVER)


def attempt_nobody_answers(namespace):
    """A program that begins to connect and gives up when its standard input ends."""
    namespace.run("nft", "add table inet t; add chain inet t in "
                  "{ type filter hook input priority 0; }; add rule inet t in drop")
    program = ("import socket, sys; s = socket.socket(); s.setblocking(False)\n"
               "s.connect_ex(('127.0.0.1', 9)); print(flush=True); sys.stdin.read()\n")
    attempt = namespace.popen("/usr/bin/python3", "-c", program, stdin=subprocess.PIPE,
                              stdout=subprocess.PIPE)
    attempt.stdout.readline()
    return attempt


def test_attempt_that_nobody_answers_has_failed(probe, namespace):
    probe.snapshot()
    attempt = attempt_nobody_answers(namespace)
    live, = [c for c in probe.snapshot().connections if c.netns == namespace.inode]
    attempt.stdin.close()
    attempt.wait()
    record, = probe.wait_closed(lambda c: c.netns == namespace.inode, "the failed attempt")
    assert record.state == proto.STATE_FAILED
    assert (record.id, record.remote_port, record.role) == (live.id, 9, proto.ROLE_CLIENT)


def test_failed_attempts_are_only_counted_when_switched_off(folder, namespace):
    probe = harness.Probe(folder, env={
        "DD_SYSPROBE_TIER": "netlink",
        "DD_NETWORK_CONFIG_ENABLE_TCP_FAILED_CONNECTIONS": "false"}).ready()
    try:
        attempt = attempt_nobody_answers(namespace)
        attempt.stdin.close()
        attempt.wait()
        until(lambda: probe.status()["counters"]["tcp_failed_left_out"] == 1, "counted")
        assert not [c for c in probe.closed().connections if c.netns == namespace.inode]
    finally:
        probe.stop()


def test_owners_are_those_who_hold_the_sockets(probe, pair, peers):
    client, server = connect(pair, peers)

    def owned():
        live = list(filter(of_port(server.port), probe.snapshot().connections))
        return [(c.tgid, c.comm, c.owner_is_listener) for c in ends(live, server.port)] == [
            (client.pid, "python3", False), (server.pid, "python3", False)]

    until(owned, "both owners")
    start = int(open(f"/proc/{client.pid}/stat").read().rsplit(")", 1)[1].split()[19])
    live = list(filter(of_port(server.port), probe.snapshot().connections))
    tick_ns = 10 ** 9 // os.sysconf("SC_CLK_TCK")
    assert ends(live, server.port)[0].process_start_ns == start * tick_ns
    client.do("close")
    server.do("close")
    from_client, from_server = closed_ends(probe, server.port)
    assert (from_client.tgid, from_server.tgid) == (client.pid, server.pid)


def test_listener_is_listed_and_owns_what_it_never_showed(probe, pair, peers):
    server = peers(pair.right, "tcp_peer.py", "listen", "4", "0.0.0.0")

    def listener():
        return [c for c in probe.snapshot().listeners
                if c.local_port == server.port and c.tgid == server.pid]

    record, = until(listener, "the listener and its owner")
    assert (record.accept_queue, record.accept_queue_max) == (0, 128)
    client = peers(pair.left, "tcp_peer.py", "connect", "4", "10.77.0.2", server.port)
    server.do("accept", "close")
    client.do("close")
    _, from_server = closed_ends(probe, server.port)
    assert (from_server.tgid, from_server.owner_is_listener) == (server.pid, True)


def test_connection_older_than_the_probe_counts_from_its_start(folder, peers):
    pair = harness.Pair()
    try:
        client, server = connect(pair, peers)
        client.do("send 5000")
        server.do("receive 5000")
        probe = harness.Probe(folder, env={"DD_SYSPROBE_TIER": "netlink"}).ready()
        try:
            live = list(filter(of_port(server.port), probe.snapshot().connections))
            from_client, from_server = ends(live, server.port)
            assert (from_client.tgid, from_server.tgid) == (client.pid, server.pid)
            assert from_client.before_probe.bytes_sent == 5000 == from_client.bytes_sent
            assert from_client.started_ns == from_client.established_ns == 0
            client.do("send 7", "close")
            server.do("receive 7", "close")
            from_client, _ = closed_ends(probe, server.port)
            assert (from_client.bytes_sent, from_client.before_probe.bytes_sent) == (5007, 5000)
        finally:
            probe.stop()
    finally:
        pair.delete()


def cookie(namespace, port):
    """As ss prints it: sk:hex."""
    out = namespace.run("ss", "-teHn", f"dport = :{port}")
    return int(next(w for w in out.split() if w.startswith("sk:"))[3:], 16)


def test_id_is_the_socket_cookie(probe, pair, peers):
    _, server = connect(pair, peers)
    live = list(filter(of_port(server.port), probe.snapshot().connections))
    assert ends(live, server.port)[0].id == cookie(pair.left, server.port)


def test_namespace_without_a_process_is_watched(probe, namespace):
    """Its sockets belong to a process that has left it."""
    program = ("import os, socket, sys\n"
               "here = os.open('/proc/self/ns/net', os.O_RDONLY)\n"
               f"os.setns(os.open('/run/netns/{namespace.name}', os.O_RDONLY))\n"
               "l = socket.create_server(('127.0.0.1', 0))\n"
               "c = socket.create_connection(l.getsockname()); s, _ = l.accept()\n"
               "os.setns(here)\n"
               "c.sendall(b'x' * 77); s.recv(77)\n"
               "print(l.getsockname()[1], flush=True)\n"
               "sys.stdin.read()\n")
    # os.setns() came with Python 3.12: by the C library before.
    program = ("import ctypes, os\n"
               "os.setns = lambda fd: ctypes.CDLL(None).setns(fd, 0x40000000)\n" + program)
    holder = subprocess.Popen(["/usr/bin/python3", "-c", program], stdin=subprocess.PIPE,
                              stdout=subprocess.PIPE, text=True)
    try:
        port = int(holder.stdout.readline())

        def found():
            return [c for c in probe.snapshot().connections
                    if c.remote_port == port and c.tgid == holder.pid]

        record, = until(found, "the connection and its owner")
        assert (record.netns, record.bytes_sent) == (namespace.inode, 77)
    finally:
        holder.stdin.close()
        holder.wait()


def test_deleted_namespace_is_let_go(folder):
    """The probe's own sockets would keep it alive, and with it its devices."""
    probe = harness.Probe(folder, env={"DD_SYSPROBE_TIER": "netlink",
                                       "DD_LOG_LEVEL": "debug"}).ready()
    try:
        pair = harness.Pair()
        probe.wait_log(f"watching a network namespace netns={pair.left.inode}")
        pair.left.delete()
        probe.wait_log(f"a network namespace is gone netns={pair.left.inode}")
        until(lambda: "v0" not in pair.right.run("ip", "link"), "the device has gone with it")
        pair.right.delete()
    finally:
        probe.stop()


@pytest.mark.heavy
def test_many_namespaces_are_watched(probe):
    namespaces = [harness.Namespace(f"spn-{i}-{os.getpid()}") for i in range(64)]
    try:
        probe.snapshot()
        program = ("import socket; l = socket.create_server(('127.0.0.1', 0)); "
                   "c = socket.create_connection(l.getsockname()); s, _ = l.accept(); "
                   "c.sendall(b'x' * 123); s.recv(123)")
        for namespace in namespaces:
            namespace.run("/usr/bin/python3", "-c", program)

        inodes = {n.inode for n in namespaces}

        def closed():
            mine = [c for c in probe.closed().connections if c.netns in inodes]
            return len(mine) == 2 * len(namespaces) and mine

        mine = until(closed, "all connections closed")
        sums = {i: sum(c.bytes_sent + c.bytes_received for c in mine if c.netns == i)
                for i in inodes}
        assert set(sums.values()) == {2 * 123}
    finally:
        for namespace in namespaces:
            namespace.delete()


CHURN = 5000
CLOSED_LOG = "DD_SYSTEM_PROBE_CONFIG_MAX_CLOSED_CONNECTIONS_BUFFERED"
TCP_CHURN = str(harness.BUILD / "tests" / "integration" / "tcp-churn")


def account(probe, namespace, n):
    """
    (closed records, sum of overflow buckets) once nothing is live and they are n or more:
    the kernel tells of an end a while after it, from a queue of its own.
    """
    live = [c for c in probe.snapshot().connections if c.netns == namespace.inode]
    stream = probe.closed()
    mine = [c for c in stream.connections if c.netns == namespace.inode]
    n_lost = sum(o.connections for o in stream.trailer.overflow)
    return not live and len(mine) + n_lost >= n and (mine, n_lost)


@pytest.mark.heavy
def test_every_connection_of_a_storm_is_accounted_for(probe, namespace):
    probe.snapshot()
    sent, received = map(int, namespace.run(TCP_CHURN, str(CHURN)).split())
    mine, n_lost = until(lambda: account(probe, namespace, 2 * CHURN), "all closed")
    assert len(mine) + n_lost == 2 * CHURN
    assert n_lost == 0
    assert sum(c.bytes_sent for c in mine) == sent
    # A FIN may count where a port was used again before the probe had its turn.
    assert received <= sum(c.bytes_received for c in mine) <= received + CHURN // 50
    assert len({c.id for c in mine}) == len(mine)


@pytest.mark.heavy
def dropped(namespace):
    """Messages that sock_diag's listeners had no room for: /proc/net/netlink."""
    rows = [line.split() for line in namespace.run("cat", "/proc/net/netlink").splitlines()[1:]]
    return sum(int(row[8]) for row in rows if row[1] == "4")


def test_lost_notifications_are_counted_exactly(folder, namespace):
    """While the probe stands still, more sockets end than net.core.rmem_max lets it keep."""
    n = 30000
    probe = harness.Probe(folder, prefix=("setpriv", "--bounding-set=-net_admin"),
                          env={"DD_SYSPROBE_TIER": "netlink", CLOSED_LOG: "200000"}).ready()
    try:
        probe.freeze()
        try:
            namespace.run(TCP_CHURN, str(n))
            # The kernel announces ends at its leisure; 16 MiB have room for half of them.
            until(lambda: dropped(namespace) > n, "the kernel has dropped notifications")
        finally:
            probe.thaw()

        def total():
            stream = probe.closed()
            n_lost = stream.overflow("destroy_lost").connections
            n_mine = len([c for c in stream.connections if c.netns == namespace.inode])
            return n_lost and n_mine + n_lost >= 2 * n and n_mine + n_lost

        # A loss is counted once it is settled. Among those may be the listener's end, and of
        # connections that the kernel opened twice to drop one (see test_conservation.py).
        tcp = namespace.snmp("Tcp")
        opened = tcp["ActiveOpens"] + tcp["PassiveOpens"]
        assert 2 * n <= until(total, "all ends are taken or counted", 90) <= opened + 1
        assert probe.status()["counters"]["destroy_overruns"] > 0
    finally:
        probe.stop()


def test_socket_that_vanishes_unannounced_is_closed_with_its_last_counters(probe, pair, peers):
    """Reset by its peer while its program goes on holding it: sock_diag shows it no more."""
    client, server = connect(pair, peers)
    client.do("send 1000")
    server.do("receive 1000", "send 10")
    client.do("receive 10")
    until(lambda: len(list(filter(of_port(server.port), probe.snapshot().connections))) == 2,
          "both are live")
    server.do("reset")
    record, = probe.wait_closed(lambda c: c.remote_port == server.port, "given up")
    assert (record.bytes_sent, record.bytes_received) == (1000, 10)
    client.do("close")
    probe.snapshot()
    assert len([c for c in probe.closed().connections if c.remote_port == server.port]) == 1


def test_connected_udp_socket_is_listed_without_counters(probe, pair, peers):
    client = peers(pair.left, "udp_peer.py", "4", "10.77.0.1", 0)
    client.do("connect 10.77.0.2 9")

    def found():
        return [c for c in probe.snapshot().connections
                if c.netns == pair.left.inode and c.tgid == client.pid]

    record, = until(found, "the socket and its owner")
    assert (record.protocol, record.remote_port) == (proto.PROTOCOL_UDP, 9)
    assert not any(is_known(record, name) for name in FIELDS)
    client.end()
    closed, = probe.wait_closed(lambda c: c.id == record.id, "it has ended")
    assert closed.known_fields == 0


def test_unconnected_udp_socket_is_no_connection(probe, pair, peers):
    client = peers(pair.left, "udp_peer.py", "4", "10.77.0.1", 0)
    client.do("sendto 10.77.0.2 9 5")
    assert not [c for c in probe.snapshot().connections if c.netns == pair.left.inode]


# Bounded places.

HOLD = ("import resource, socket\n"
        "hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]\n"
        "resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))\n"
        "l = socket.create_server(('127.0.0.1', 0), backlog=128)\n"
        "held = []\n"
        "def hold(n, size):\n"
        "    for _ in range(n):\n"
        "        c = socket.create_connection(l.getsockname())\n"
        "        s, _ = l.accept()\n"
        "        c.sendall(b'x' * size)\n"
        "        s.recv(size, socket.MSG_WAITALL)\n"
        "        held.extend((c, s))\n"
        "def let_go():\n"
        "    while held:\n"
        "        held.pop(0).close()\n")


def test_sockets_that_the_table_has_no_room_for_are_counted_and_told_at_their_end(
        folder, namespace, interpreter):
    n, size = 600, 100
    probe = harness.Probe(folder, env={
        "DD_SYSPROBE_TIER": "netlink",
        "DD_SYSTEM_PROBE_CONFIG_MAX_TRACKED_CONNECTIONS": "1024"}).ready()
    try:
        holder = interpreter(namespace)
        holder(HOLD, f"hold({n}, {size})")
        live = probe.snapshot().connections
        assert len(live) <= 1024
        assert probe.status()["counters"]["sockets_not_kept"] > 0
        holder("let_go()")
        mine, n_lost = until(lambda: account(probe, namespace, 2 * n), "all closed")
        assert (len(mine), n_lost) == (2 * n, 0)
        assert sum(c.bytes_sent for c in mine) == n * size
    finally:
        probe.stop()


def test_namespaces_without_descriptors_for_them_are_counted_and_named_once(folder):
    """Room for 1,024 needs 2,048 descriptors: a hard limit makes it full with fewer."""
    probe = harness.Probe(folder, env={"DD_SYSPROBE_TIER": "netlink"}, prefix=(
        "prlimit", "--nofile=64:64", "setpriv", "--bounding-set=-sys_resource")).ready()
    namespaces = []
    try:
        namespaces = [harness.Namespace(f"spf-{i}-{os.getpid()}") for i in range(40)]
        until(lambda: probe.snapshot() and
              probe.status()["counters"]["namespaces_not_watched"] > 0, "some find no room")
        assert "LimitNOFILE" in probe.wait_log("cannot watch a network namespace")
        probe.snapshot()
        assert probe.log().count("cannot watch a network namespace") == 1
    finally:
        for namespace in namespaces:
            namespace.delete()
        probe.stop()


def test_connections_that_ended_before_their_namespace_was_found_are_counted(probe):
    probe.freeze()
    late = harness.Namespace(f"spl-{os.getpid()}")
    try:
        late.run(TCP_CHURN, "50")
        probe.thaw()
        until(lambda: probe.snapshot() and probe.closed().overflow("netns_found_late").connections,
              "the namespace is found")
        # Both ends of each; the probe itself opens none there.
        assert probe.closed().overflow("netns_found_late").connections == 100
    finally:
        probe.thaw()
        late.delete()
