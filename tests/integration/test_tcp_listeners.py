# SPDX-License-Identifier: Apache-2.0
"""Listening sockets: who waits, how full they are, and what they had to drop."""

import pytest

import harness
from harness import proto, until
from kernel_view import listen_queue, netstat, nft, nft_counter, unchanged

BACKLOG = 2


@pytest.fixture
def probe(shared_probe):
    return shared_probe


def listener_of(probe, port):
    record, = [c for c in probe.snapshot().listeners if c.local_port == port]
    return record


def begin_attempts(client, port, n):
    client(f"held = [attempt('10.77.0.2', {port}) for _ in range({n})]")


@pytest.mark.kernel
@pytest.mark.parametrize("family, address", [("4", "0.0.0.0"), ("6", "::")])
def test_listening_port_is_known_with_its_owner(probe, pair, interpreter, family, address):
    server = interpreter(pair.right)
    port = server(f"l = listen('{address}')", "port(l)")
    record = listener_of(probe, port)
    assert (record.tgid, record.comm, record.netns) == (server.pid, "python3", pair.right.inode)
    assert harness.ip(record.local_address) == address
    assert record.started_ns > 0
    server("l.close()")
    assert port not in {c.local_port for c in probe.snapshot().listeners}


def test_listening_port_older_than_the_probe_is_known(folder, pair, interpreter):
    server = interpreter(pair.right)
    port = server("l = listen('0.0.0.0')", "port(l)")
    probe = harness.Probe(folder).ready()
    try:
        record = listener_of(probe, port)
        assert (record.tgid, record.started_ns) == (server.pid, 0)
    finally:
        probe.stop()


def test_accept_queue_is_what_ss_shows(probe, pair, interpreter):
    server, client = interpreter(pair.right), interpreter(pair.left)
    port = server("l = listen('10.77.0.2', backlog=7)", "port(l)")
    client(f"held = [connect('10.77.0.2', {port}) for _ in range(3)]")

    def same():
        truth = listen_queue(pair.right, port)
        record = listener_of(probe, port)
        return truth == (3, 7) and (record.accept_queue, record.accept_queue_max) == truth

    until(same, "all three wait")
    server("taken = [l.accept() for _ in range(3)]")
    record = listener_of(probe, port)
    assert listen_queue(pair.right, port) == (record.accept_queue, record.accept_queue_max)
    assert record.accept_queue == 0


@pytest.mark.kernel
def test_full_accept_queue_drops_are_counted_at_the_listener(probe, pair, interpreter):
    server, client = interpreter(pair.right), interpreter(pair.left)
    port = server(f"l = listen('10.77.0.2', backlog={BACKLOG})", "port(l)")
    begin_attempts(client, port, 12)
    until(lambda: netstat(pair.right)["ListenOverflows"] > 0, "the accept queue is full")
    truth, record = unchanged(lambda: netstat(pair.right)["ListenDrops"],
                              lambda: listener_of(probe, port), "ListenDrops")
    assert truth >= 9
    assert record.dropped_attempts == truth
    assert (record.accept_queue, record.accept_queue_max) == (BACKLOG + 1, BACKLOG)


def test_full_syn_queue_drops_are_counted_at_the_listener(probe, pair, interpreter):
    pair.right.run("sysctl", "-qw", "net.ipv4.tcp_syncookies=0")
    nft(pair.right, "input", "tcp flags & (syn | ack) == ack drop")  # no handshake ends
    server, client = interpreter(pair.right), interpreter(pair.left)
    port = server(f"l = listen('10.77.0.2', backlog={BACKLOG})", "port(l)")
    begin_attempts(client, port, 12)
    until(lambda: netstat(pair.right)["TCPReqQFullDrop"] > 0, "the SYN queue is full")
    truth, record = unchanged(lambda: netstat(pair.right)["ListenDrops"],
                              lambda: listener_of(probe, port), "ListenDrops")
    assert truth >= 9
    assert record.dropped_attempts == truth
    assert record.accept_queue == 0


@pytest.mark.kernel
def test_syn_ack_retransmits_are_counted_at_the_listener(probe, pair, interpreter):
    nft(pair.right, "input", "tcp flags & (syn | ack) == ack drop")
    nft(pair.right, "output", "tcp flags & (syn | ack) == (syn | ack) counter")
    server, client = interpreter(pair.right), interpreter(pair.left)
    port = server("l = listen('10.77.0.2')", "port(l)")
    begin_attempts(client, port, 3)
    until(lambda: nft_counter(pair.right, "output") > 3, "some went out again")
    truth, record = unchanged(lambda: nft_counter(pair.right, "output"),
                              lambda: listener_of(probe, port), "the counter")
    assert record.synack_retransmits == truth - 3
    assert netstat(pair.right)["TCPSynRetrans"] >= record.synack_retransmits


def test_connection_inherits_nothing_that_its_listener_counted(probe, pair, interpreter):
    nft(pair.right, "input", "tcp flags & (syn | ack) == ack drop")
    server, client = interpreter(pair.right), interpreter(pair.left)
    port = server("l = listen('10.77.0.2')", "port(l)")
    begin_attempts(client, port, 1)
    until(lambda: listener_of(probe, port).synack_retransmits > 0, "one SYN-ACK went out again")
    pair.right.run("nft", "flush", "ruleset")
    server("c, _ = l.accept()")
    live, = [c for c in probe.snapshot().connections if c.local_port == port]
    again = listener_of(probe, port).synack_retransmits
    assert live.state == proto.STATE_OPEN
    assert live.retransmits == live.retransmits_timeout == again  # those of its own SYN-ACK
    assert live.synack_retransmits == live.dropped_attempts == 0
