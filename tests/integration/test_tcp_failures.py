# SPDX-License-Identifier: Apache-2.0
"""Outgoing attempts that fail: why, whose, and after how many segments."""

import errno

import pytest

import harness
from harness import proto
from kernel_view import nft, nft_counter

PORT = 7777  # nobody listens there
RIGHT = {"4": "10.77.0.2", "6": "fd77::2"}


@pytest.fixture
def probe(shared_probe):
    return shared_probe


def failed(probe, namespace, port=PORT):
    """The one failed attempt to the port."""
    record, = probe.wait_closed(lambda c: c.netns == namespace.inode and c.remote_port == port,
                                "the failed attempt")
    return record


def assert_failed(record, client, error):
    assert record.state == proto.STATE_FAILED
    assert errno.errorcode[record.error] == errno.errorcode[error]
    assert (record.tgid, record.comm) == (client.pid, "python3")
    assert record.role == proto.ROLE_CLIENT
    assert 0 < record.started_ns <= record.closed_ns
    assert record.established_ns == 0
    assert (record.bytes_sent, record.bytes_received) == (0, 0)


@pytest.mark.kernel
def test_timed_out_attempt_says_so_and_how_often_it_tried(probe, pair, interpreter):
    nft(pair.right, "input", f"tcp dport {PORT} counter drop")
    client = interpreter(pair.left)
    assert client.errno_of(f"connect('10.77.0.2', {PORT}, TCP_USER_TIMEOUT=1)") == errno.ETIMEDOUT
    record = failed(probe, pair.left)
    assert_failed(record, client, errno.ETIMEDOUT)
    n_syns = nft_counter(pair.right, "input")
    assert n_syns >= 2
    assert (record.packets_sent, record.retransmits) == (n_syns, n_syns - 1)
    assert record.retransmits_timeout + record.retransmits_probe == n_syns - 1
    assert record.retransmits_fast == 0
    assert record.tcp_state == 2  # SYN_SENT


@pytest.mark.kernel
@pytest.mark.parametrize("family, code, error", [
    ("4", "icmp type host-unreachable", errno.EHOSTUNREACH),
    ("4", "icmp type net-unreachable", errno.ENETUNREACH),
    ("6", "icmpv6 type addr-unreachable", errno.EHOSTUNREACH),
    ("6", "icmpv6 type no-route", errno.ENETUNREACH),
])
def test_unreachable_by_icmp_names_host_or_network(probe, pair, interpreter, family, code, error):
    nft(pair.right, "input", f"tcp dport {PORT} reject with {code}")
    client = interpreter(pair.left)
    assert client.errno_of(f"connect('{RIGHT[family]}', {PORT})") == error
    record = failed(probe, pair.left)
    assert_failed(record, client, error)
    assert harness.ip(record.remote_address) == RIGHT[family]


@pytest.mark.kernel
@pytest.mark.parametrize("family, address", [("4", "203.0.113.7"), ("6", "2001:db8::7")])
def test_attempt_without_a_route_fails_before_any_packet(probe, pair, interpreter, family, address):
    hook = {h["hook"]: h for h in probe.status()["hooks"]}["connect-error"]
    if "fexit" not in hook.get("variant", ""):
        pytest.skip(f"no fexit here, so without: {hook.get('lacks') or hook['without']}")
    client = interpreter(pair.left)
    assert client.errno_of(f"connect('{address}', {PORT})") == errno.ENETUNREACH
    record = failed(probe, pair.left)
    assert_failed(record, client, errno.ENETUNREACH)
    assert harness.ip(record.remote_address) == address
    assert record.packets_sent == 0


@pytest.mark.kernel
@pytest.mark.parametrize("give_up", ["s.close()", "os._exit(0)"], ids=["close", "exit"])
def test_attempt_that_the_program_gives_up_is_cancelled(probe, pair, interpreter, give_up):
    nft(pair.right, "input", f"tcp dport {PORT} drop")
    client = interpreter(pair.left)
    client(f"s = attempt('10.77.0.2', {PORT})")
    live, = [c for c in probe.snapshot().connections if c.remote_port == PORT]
    assert (live.state, live.tcp_state, live.established_ns) == (proto.STATE_OPEN, 2, 0)
    client.begin(give_up)
    record = failed(probe, pair.left)
    assert_failed(record, client, errno.ECANCELED)
    assert record.id == live.id


@pytest.mark.kernel
def test_attempt_without_a_free_local_port_says_so(probe, pair, interpreter):
    pair.left.run("sysctl", "-qw", "net.ipv4.ip_local_port_range=40000 40001")
    server, client = interpreter(pair.right), interpreter(pair.left)
    port = server("l = listen('10.77.0.2')", "port(l)")
    client(f"held = [connect('10.77.0.2', {port}) for _ in range(2)]")
    assert client.errno_of(f"connect('10.77.0.2', {port})") == errno.EADDRNOTAVAIL
    record = failed(probe, pair.left, port)
    assert_failed(record, client, errno.EADDRNOTAVAIL)
    assert record.packets_sent == 0


@pytest.mark.kernel
def test_reset_in_answer_to_the_syn_is_a_refusal_and_a_reset(probe, pair, interpreter):
    nft(pair.right, "input", f"tcp dport {PORT} counter reject with tcp reset")
    client = interpreter(pair.left)
    assert client.errno_of(f"connect('10.77.0.2', {PORT})") == errno.ECONNREFUSED
    record = failed(probe, pair.left)
    assert_failed(record, client, errno.ECONNREFUSED)
    assert nft_counter(pair.right, "input") == 1
    assert record.reset_received and not record.reset_sent
    assert record.closed_first == proto.SIDE_REMOTE


@pytest.mark.kernel
def test_reset_during_the_handshake_fails_at_the_server(probe, pair, interpreter):
    """By TCP Fast Open the program has the connection before the handshake is over."""
    pair.left.run("sysctl", "-qw", "net.ipv4.tcp_fastopen=5")  # client, without a cookie
    pair.right.run("sysctl", "-qw", "net.ipv4.tcp_fastopen=1538")  # server, the same
    nft(pair.right, "input", "tcp flags & (syn | rst | ack) == ack drop")
    server, client = interpreter(pair.right), interpreter(pair.left)
    port = server("l = listen('10.77.0.2')", "port(l)")
    client("s = socket.socket()",
           f"s.sendto(b'x' * 10, socket.MSG_FASTOPEN, ('10.77.0.2', {port}))")
    server("c, _ = l.accept()", "receive(c, 10)")
    live, = [c for c in probe.snapshot().connections if c.local_port == port]
    client("reset(s)")
    record, = probe.wait_closed(lambda c: c.netns == pair.right.inode, "the failed handshake")
    assert record.state == proto.STATE_FAILED
    assert record.error == errno.ECONNRESET
    assert record.tcp_state == 3  # SYN_RECV
    assert (record.role, record.tgid) == (proto.ROLE_SERVER, server.pid)
    assert record.reset_received and record.bytes_received == 10
    assert (live.id, live.tcp_state, live.bytes_received) == (record.id, 3, 10)


def test_second_attempt_on_one_socket_is_a_connection_of_its_own(probe, pair, interpreter):
    server, client = interpreter(pair.right), interpreter(pair.left)
    port = server("l = listen('10.77.0.2')", "port(l)")
    client("s = socket.socket()")
    assert client.errno_of(f"s.connect(('10.77.0.2', {PORT}))") == errno.ECONNREFUSED
    client(f"s.connect(('10.77.0.2', {port}))", "send(s, 5)")
    refused = failed(probe, pair.left)
    live, = [c for c in probe.snapshot().connections if c.remote_port == port]
    assert_failed(refused, client, errno.ECONNREFUSED)
    assert live.id != refused.id
    assert (live.error, live.bytes_sent) == (0, 5)
    assert not live.reset_received


def test_failed_attempts_are_left_out_and_counted_by_setting(folder, pair, interpreter):
    probe = harness.Probe(folder, env={
        "DD_NETWORK_CONFIG_ENABLE_TCP_FAILED_CONNECTIONS": "false"}).ready()
    try:
        server, client = interpreter(pair.right), interpreter(pair.left)
        port = server("l = listen('10.77.0.2')", "port(l)")
        for _ in range(3):
            assert client.errno_of(f"connect('10.77.0.2', {PORT})") == errno.ECONNREFUSED
        client(f"connect('10.77.0.2', {port}).close()")
        probe.wait_closed(lambda c: c.netns == pair.left.inode and c.remote_port == port,
                          "the good one")
        assert [c.remote_port for c in probe.closed().connections
                if c.netns == pair.left.inode] == [port]
        assert probe.status()["counters"]["tcp_failed_left_out"] == 3
    finally:
        probe.stop()
