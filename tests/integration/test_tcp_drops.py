# SPDX-License-Identifier: Apache-2.0
"""Packets that the kernel dropped for a connection, by its reason; off unless asked for."""

import pytest

import harness
from harness import until
from kernel_view import nft, nft_counter, unchanged


@pytest.fixture
def probe(folder):
    process = harness.Probe(folder, env={"DD_SYSPROBE_COLLECT_DROPS": "true"}).ready()
    yield process
    process.stop()


def skip_without(probe, words):
    hook = {h["hook"]: h for h in probe.status()["hooks"]}["drop"]
    if "variant" not in hook:
        pytest.skip(f"this kernel gives no reasons: {hook['refused_error']}")
    if words in hook.get("lacks", ""):
        pytest.skip(f"this kernel lacks {words}")


def connection(pair, interpreter):
    server, client = interpreter(pair.right), interpreter(pair.left)
    port = server("l = listen('10.77.0.2')", "port(l)")
    client(f"s = connect('10.77.0.2', {port})")
    server("s, _ = l.accept()")
    return server, client, port


def drops_of(connections, port):
    record, = [c for c in connections if c.remote_port == port]
    return {d.reason: d.packets for d in record.drops}


@pytest.mark.kernel
def test_packets_that_a_filter_drops_are_the_connections(probe, pair, interpreter):
    skip_without(probe, "nothing")
    server, client, port = connection(pair, interpreter)
    assert drops_of(probe.snapshot().connections, port) == {}
    nft(pair.left, "output", f"tcp dport {port} counter drop")
    client("send(s, 100)")
    until(lambda: nft_counter(pair.left, "output") >= 3, "it is sent again")
    truth, drops = unchanged(lambda: nft_counter(pair.left, "output"),
                             lambda: drops_of(probe.snapshot().connections, port), "the counter")
    assert drops == {"NETFILTER_DROP": truth}

    pair.left.run("nft", "flush", "ruleset")
    server("receive(s, 100)", "s.close()")
    client("receive_to_end(s)", "s.close()")
    closed = probe.wait_closed(lambda c: c.remote_port == port, "the end")
    assert drops_of(closed, port)["NETFILTER_DROP"] >= truth


def test_drops_of_one_connection_are_not_anothers(probe, pair, interpreter):
    skip_without(probe, "nothing")
    _, client, port = connection(pair, interpreter)
    _, quiet, other_port = connection(pair, interpreter)
    nft(pair.left, "output", f"tcp dport {port} counter drop")
    client("send(s, 100)")
    until(lambda: drops_of(probe.snapshot().connections, port), "a packet is dropped")
    quiet("send(s, 100)")
    assert drops_of(probe.snapshot().connections, other_port) == {}


@pytest.mark.kernel
def test_packets_that_the_receiver_drops_have_a_reason(probe, pair, interpreter):
    skip_without(probe, "packets dropped on their way in")
    server, client, port = connection(pair, interpreter)
    # The acknowledgement is lost, so the same bytes come again.
    nft(pair.left, "input", "tcp flags & (syn | fin | rst) == 0 drop")
    client("send(s, 100)")
    server("receive(s, 100)")

    def dropped_at_server():
        record, = [c for c in probe.snapshot().connections if c.local_port == port]
        return {d.reason: d.packets for d in record.drops}

    assert set(until(dropped_at_server, "the second copy is dropped")) == {"TCP_OLD_DATA"}


def test_drops_are_not_collected_unasked(folder, pair, interpreter):
    probe = harness.Probe(folder).ready()
    try:
        assert "variant" not in {h["hook"]: h for h in probe.status()["hooks"]}["drop"]
        _, client, port = connection(pair, interpreter)
        nft(pair.left, "output", f"tcp dport {port} counter drop")
        client("send(s, 100)")
        until(lambda: nft_counter(pair.left, "output") >= 2, "it is sent again")
        assert drops_of(probe.snapshot().connections, port) == {}
    finally:
        probe.stop()
