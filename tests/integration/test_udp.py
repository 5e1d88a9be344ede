# SPDX-License-Identifier: Apache-2.0
"""UDP per (socket, remote), against the programs at both ends and /proc/net/snmp."""
import time

import pytest

import harness
from harness import proto, until
from peers import iperf3

ADDRESSES = {
    "ipv4": ("4", "10.77.0.1", "10.77.0.2"),
    "ipv6": ("6", "fd77::1", "fd77::2"),
}
EXPIRY_S = 1
TICK_NS = 10_000_000  # the longest, where the kernel has 100 a second


@pytest.fixture
def expiring_probe(folder):
    process = harness.Probe(folder, env={"DD_SYSPROBE_UDP_IDLE": f"{EXPIRY_S}s",
                                         "DD_SYSPROBE_UDP_STREAM_IDLE": "1h"}).ready()
    yield process
    process.stop()


def flows(connections, namespace):
    return [c for c in connections
            if c.protocol == proto.PROTOCOL_UDP and c.netns == namespace.inode]


def counters(c):
    return (c.bytes_sent, c.packets_sent, c.bytes_received, c.packets_received)


@pytest.mark.kernel
@pytest.mark.core
@pytest.mark.parametrize("name", ADDRESSES)
def test_connected_socket_counts_both_ways(probe, pair, peers, name):
    family, left, right = ADDRESSES[name]
    client = peers(pair.left, "udp_peer.py", family, left, 0)
    server = peers(pair.right, "udp_peer.py", family, right, 0)
    client.do(f"connect {right} {server.port}", "send 10 0 1400 3000")
    server.do("receive 4", f"sendto {left} {client.port} 7 8")
    client.do("receive 2")

    stream = probe.snapshot()
    at_client, = flows(stream.connections, pair.left)
    at_server, = flows(stream.connections, pair.right)
    assert counters(at_client) == (4410, 4, 15, 2)
    assert counters(at_server) == (15, 2, 4410, 4)
    assert (at_client.tgid, at_server.tgid) == (client.pid, server.pid)
    assert (at_client.role, at_server.role) == (proto.ROLE_CLIENT, proto.ROLE_SERVER)
    assert (at_client.local_port, at_client.remote_port) == (client.port, server.port)
    assert harness.ip(at_client.remote_address) == right
    assert harness.ip(at_server.remote_address) == left
    assert at_client.state == proto.STATE_OPEN


@pytest.mark.kernel
@pytest.mark.parametrize("name", ADDRESSES)
def test_options_before_the_udp_header_are_no_payload(probe, pair, peers, name):
    family, left, right = ADDRESSES[name]
    client = peers(pair.left, "udp_peer.py", family, left, 0)
    server = peers(pair.right, "udp_peer.py", family, right, 0)
    client.do("lengthen", f"connect {right} {server.port}", "send 10 20")
    server.do("receive 2")

    stream = probe.snapshot()
    at_client, = flows(stream.connections, pair.left)
    at_server, = flows(stream.connections, pair.right)
    assert counters(at_client) == (30, 2, 0, 0)
    assert counters(at_server) == (0, 0, 30, 2)
    assert (at_client.local_port, at_client.remote_port) == (client.port, server.port)
    assert (at_server.local_port, at_server.remote_port) == (server.port, client.port)


@pytest.mark.kernel
def test_unconnected_socket_has_a_flow_for_each_remote(probe, pair, peers):
    server = peers(pair.right, "udp_peer.py", "4", "0.0.0.0", 0)
    clients = [peers(pair.left, "udp_peer.py", "4", "0.0.0.0", 0) for _ in range(3)]
    for number, client in enumerate(clients, 1):
        client.do(f"sendto 10.77.0.2 {server.port} " + "100 " * number)
    server.do("receive 6")

    at_server = flows(probe.snapshot().connections, pair.right)
    assert {c.remote_port: (c.bytes_received, c.packets_received) for c in at_server} == {
        client.port: (100 * number, number) for number, client in enumerate(clients, 1)}
    assert all(harness.ip(c.local_address) == "10.77.0.2" for c in at_server)


@pytest.mark.kernel
def test_one_remote_at_two_local_addresses_is_one_flow_with_the_first(probe, namespace, peers):
    server = peers(namespace, "udp_peer.py", "4", "0.0.0.0", 0)
    client = peers(namespace, "udp_peer.py", "4", "127.0.0.1", 0)
    client.do(f"sendto 127.0.0.2 {server.port} 10", f"sendto 127.0.0.3 {server.port} 200")
    server.do("receive 2")

    mine = flows(probe.snapshot().connections, namespace)
    at_server, = (c for c in mine if c.local_port == server.port)
    assert (at_server.bytes_received, at_server.packets_received) == (210, 2)
    assert harness.ip(at_server.local_address) == "127.0.0.2"
    at_client = {harness.ip(c.remote_address): c.bytes_sent
                 for c in mine if c.local_port == client.port}
    assert at_client == {"127.0.0.2": 10, "127.0.0.3": 200}


@pytest.mark.kernel
def test_ipv4_through_an_ipv6_socket_is_ipv4(probe, pair, peers):
    server = peers(pair.right, "udp_peer.py", "6", "::", 0)
    client = peers(pair.left, "udp_peer.py", "6", "::", 0)
    client.do(f"sendto ::ffff:10.77.0.2 {server.port} 33")
    server.do("receive 1")
    for namespace in (pair.left, pair.right):
        flow, = flows(probe.snapshot().connections, namespace)
        assert flow.family == proto.FAMILY_IPV4
        assert {harness.ip(flow.local_address), harness.ip(flow.remote_address)} == {
            "10.77.0.1", "10.77.0.2"}


@pytest.mark.kernel
def test_segments_of_one_send_count_as_datagrams(probe, pair, peers):
    server = peers(pair.right, "udp_peer.py", "4", "10.77.0.2", 0)
    client = peers(pair.left, "udp_peer.py", "4", "10.77.0.1", 0)
    client.do(f"gso 10.77.0.2 {server.port} 500 2300")
    server.do("receive 5")
    at_client, = flows(probe.snapshot().connections, pair.left)
    at_server, = flows(probe.snapshot().connections, pair.right)
    assert (at_client.bytes_sent, at_client.packets_sent) == (2300, 5)
    assert (at_server.bytes_received, at_server.packets_received) == (2300, 5)


def test_sums_equal_the_kernels_own_counters(probe, pair, peers):
    before = {n: n.snmp("Udp") for n in (pair.left, pair.right)}
    servers = [peers(pair.right, "udp_peer.py", "4", "0.0.0.0", 0) for _ in range(2)]
    for number in range(20):
        client = peers(pair.left, "udp_peer.py", "4", "0.0.0.0", 0)
        client.do(f"sendto 10.77.0.2 {servers[number % 2].port} " + "77 " * (number + 1))
    for server, count in zip(servers, (100, 110)):
        server.do(f"receive {count}")

    connections = probe.snapshot().connections
    for namespace in (pair.left, pair.right):
        after = namespace.snmp("Udp")
        mine = flows(connections, namespace)
        assert sum(c.packets_sent for c in mine) == \
            after["OutDatagrams"] - before[namespace]["OutDatagrams"]
        assert sum(c.packets_received for c in mine) == \
            after["InDatagrams"] - before[namespace]["InDatagrams"]
    assert sum(c.bytes_sent for c in flows(connections, pair.left)) == 77 * 210


IPV4_AND_UDP_HEADER_BYTES = 28


def nft_counter(namespace):
    """(packets, bytes) of the one counter; bytes as the kernel's filter sees them: whole packets."""
    words = namespace.run("nft", "list", "chain", "inet", "t", "in").split()
    return int(words[words.index("packets") + 1]), int(words[words.index("bytes") + 1])


def test_stream_of_iperf3_equals_an_nft_counter(probe, pair):
    pair.right.run("nft", "add table inet t; add chain inet t in "
                   "{ type filter hook input priority 0; }; "
                   "add rule inet t in udp dport 5201 counter")
    before = pair.right.snmp("Udp")["InDatagrams"]
    iperf3(pair.left, pair.right, "10.77.0.2", "-u", "-b", "100M", "-n", "20M")
    n_packets, n_bytes = nft_counter(pair.right)
    n_taken = pair.right.snmp("Udp")["InDatagrams"] - before
    received = [c for c in flows(probe.snapshot().connections, pair.right)
                if c.local_port == 5201]

    assert n_packets > 1000
    if probe.status()["tier"] == "trampoline":  # what the server never read does not count
        assert sum(c.packets_received for c in received) == n_taken
        return
    assert sum(c.packets_received for c in received) == n_packets
    assert sum(c.bytes_received for c in received) == \
        n_bytes - n_packets * IPV4_AND_UDP_HEADER_BYTES


@pytest.mark.kernel
def test_peeking_counts_once(probe, pair, peers):
    server = peers(pair.right, "udp_peer.py", "4", "10.77.0.2", 0)
    client = peers(pair.left, "udp_peer.py", "4", "10.77.0.1", 0)
    client.do(f"sendto 10.77.0.2 {server.port} 55")
    server.do("peek", "peek", "receive 1")
    at_server, = flows(probe.snapshot().connections, pair.right)
    assert (at_server.bytes_received, at_server.packets_received) == (55, 1)


def test_socket_older_than_the_probe_has_its_owner(folder, pair, peers):
    server = peers(pair.right, "udp_peer.py", "4", "10.77.0.2", 0)
    client = peers(pair.left, "udp_peer.py", "4", "10.77.0.1", 0)
    probe = harness.Probe(folder).ready()
    try:
        client.do(f"sendto 10.77.0.2 {server.port} 9")
        server.do("receive 1")
        connections = probe.snapshot().connections
        assert flows(connections, pair.left)[0].tgid == client.pid
        assert flows(connections, pair.right)[0].tgid == server.pid
    finally:
        probe.stop()


@pytest.mark.kernel
@pytest.mark.core
def test_idle_flow_ends_with_its_exact_totals(expiring_probe, pair, peers):
    probe = expiring_probe
    client = peers(pair.left, "udp_peer.py", "4", "10.77.0.1", 0)
    server = peers(pair.right, "udp_peer.py", "4", "10.77.0.2", 0)
    client.do(f"sendto 10.77.0.2 {server.port} 100 200")
    server.do("receive 2")
    ended, = probe.wait_closed(lambda c: c.netns == pair.left.inode, "the flow ended")

    assert counters(ended) == (300, 2, 0, 0)
    assert ended.state == proto.STATE_CLOSED
    assert not flows(probe.snapshot().connections, pair.left)

    client.do(f"sendto 10.77.0.2 {server.port} 50")
    again, = flows(probe.snapshot().connections, pair.left)
    assert counters(again) == (50, 1, 0, 0)
    assert again.id != ended.id


def boottime_ns():
    return time.clock_gettime_ns(time.CLOCK_BOOTTIME)


@pytest.mark.kernel
def test_flow_has_ended_with_its_last_datagram(expiring_probe, pair, peers):
    client = peers(pair.left, "udp_peer.py", "4", "10.77.0.1", 0)
    client.do("sendto 10.77.0.2 9 1")
    later = boottime_ns() + 3 * TICK_NS
    until(lambda: boottime_ns() > later, "a few ticks have passed")
    before_ns = boottime_ns()
    client.do("sendto 10.77.0.2 9 1")
    after_ns = boottime_ns()
    ended, = expiring_probe.wait_closed(lambda c: c.local_port == client.port, "the flow ended")
    assert before_ns - TICK_NS <= ended.closed_ns <= after_ns


def test_flow_with_answers_outlives_the_short_limit(expiring_probe, pair, peers):
    probe = expiring_probe
    client = peers(pair.left, "udp_peer.py", "4", "10.77.0.1", 0)
    server = peers(pair.right, "udp_peer.py", "4", "10.77.0.2", 0)
    one_way = peers(pair.left, "udp_peer.py", "4", "10.77.0.1", 0)
    client.do(f"sendto 10.77.0.2 {server.port} 1")
    server.do("receive 1", f"sendto 10.77.0.1 {client.port} 1")
    client.do("receive 1")
    one_way.do("sendto 10.77.0.2 9 1")
    probe.wait_closed(lambda c: c.local_port == one_way.port, "the younger, one-way flow ended")
    assert client.port in {c.local_port for c in flows(probe.snapshot().connections, pair.left)}


def test_hundred_thousand_flows_at_once_are_all_reported(probe, namespace):
    before = namespace.snmp("Udp")["OutDatagrams"]
    out = namespace.run(str(harness.BUILD / "tests" / "integration" / "udp-flows"), "100000")
    n_sent, took_us = map(int, out.split())
    assert namespace.snmp("Udp")["OutDatagrams"] - before == n_sent == 100000

    stream = probe.snapshot()
    mine = flows(stream.connections, namespace)
    assert len(mine) == n_sent
    assert sum(c.bytes_sent for c in mine) == 10 * n_sent
    assert stream.overflow("udp_table_full").packets_sent == 0
    assert stream.largest_batch <= 1000
    if took_us >= 1_000_000:
        pytest.skip(f"all reported, but it took {took_us / 1e6:.1f} s to open them, not one")


def test_full_table_loses_nothing_unseen(folder, namespace):
    probe = harness.Probe(folder, env={
        "DD_SYSTEM_PROBE_CONFIG_MAX_TRACKED_CONNECTIONS": "1024"}).ready()
    try:
        before = namespace.snmp("Udp")["OutDatagrams"]
        namespace.run(str(harness.BUILD / "tests" / "integration" / "udp-flows"), "5000")
        sent = namespace.snmp("Udp")["OutDatagrams"] - before
        stream = probe.snapshot()
        mine = flows(stream.connections, namespace)
        lost = stream.overflow("udp_table_full")
        assert len(mine) <= 1024
        assert lost.packets_sent > 0
        assert sum(c.packets_sent for c in mine) + lost.packets_sent == sent
        assert sum(c.bytes_sent for c in mine) + lost.bytes_sent == 10 * sent
    finally:
        probe.stop()
