# SPDX-License-Identifier: Apache-2.0
"""TCP as the kernel's own tools and the programs at both ends count it."""

import errno
import re
import signal

import pytest

import harness
from harness import proto, until
from peers import transfer


ADDRESSES = {
    "ipv4": ("4", "10.77.0.2", "10.77.0.2"),
    "ipv6": ("6", "fd77::2", "fd77::2"),
    "v4-mapped": ("6", "::ffff:10.77.0.2", "10.77.0.2"),
}


def of_port(port):
    return lambda c: port in (c.local_port, c.remote_port) and c.protocol == proto.PROTOCOL_TCP


def ends(connections, port):
    """(client's record, server's record) of the one connection to `port`."""
    client = [c for c in connections if c.remote_port == port]
    server = [c for c in connections if c.local_port == port]
    assert (len(client), len(server)) == (1, 1), connections
    return client[0], server[0]


@pytest.mark.kernel
@pytest.mark.core
@pytest.mark.parametrize("name", ADDRESSES)
def test_closed_record_has_the_exact_payload_of_both_ends(probe, pair, peers, name):
    family, address, shown = ADDRESSES[name]
    server = peers(pair.right, "tcp_peer.py", "listen", family, "::" if family == "6" else "0.0.0.0")
    client = peers(pair.left, "tcp_peer.py", "connect", family, address, server.port)
    server.do("accept")
    transfer(client, server, 1000003)
    server.do("send 17", "close")
    client.do("receive 17", "close")
    until(lambda: len(list(filter(of_port(server.port), probe.closed().connections))) == 2,
          "both ends closed")
    from_client, from_server = ends(list(filter(of_port(server.port), probe.closed().connections)),
                                    server.port)

    assert (from_client.bytes_sent, from_client.bytes_received) == (1000003, 17)
    assert (from_server.bytes_sent, from_server.bytes_received) == (17, 1000003)
    assert (from_client.role, from_server.role) == (proto.ROLE_CLIENT, proto.ROLE_SERVER)
    assert harness.ip(from_client.remote_address) == shown
    assert harness.ip(from_server.local_address) == shown
    assert from_client.family == (proto.FAMILY_IPV6 if name == "ipv6" else proto.FAMILY_IPV4)
    assert (from_client.netns, from_server.netns) == (pair.left.inode, pair.right.inode)
    assert from_client.tgid == client.pid and from_server.tgid == server.pid
    assert from_client.comm == from_server.comm == "python3"
    assert from_client.state == proto.STATE_CLOSED and from_client.error == 0
    assert from_client.started_ns <= from_client.established_ns <= from_client.closed_ns


def parse_ss(namespace, port):
    """Fields of `ss -tie` for the connection to `port`, as numbers."""
    out = namespace.run("ss", "-tieHn", f"dport = :{port}")
    fields = {k: v for k, v in re.findall(r"\b(\w+):([\d./]+)", out)}
    rtt, rtt_var = fields["rtt"].split("/")
    return {"bytes_sent": int(fields["bytes_sent"]) - int(fields.get("bytes_retrans", 0)),
            "bytes_received": int(fields.get("bytes_received", 0)),
            "packets_sent": int(fields["segs_out"]), "packets_received": int(fields["segs_in"]),
            "retransmits": int(fields.get("retrans", "0/0").split("/")[1]),
            "rtt_us": round(float(rtt) * 1000), "rtt_var_us": round(float(rtt_var) * 1000)}


def record_fields(c):
    return {name: getattr(c, name) for name in (
        "bytes_sent", "bytes_received", "packets_sent", "packets_received", "retransmits",
        "rtt_us", "rtt_var_us")}


@pytest.mark.kernel
@pytest.mark.core
def test_live_record_equals_ss(probe, pair, peers):
    server = peers(pair.right, "tcp_peer.py", "listen", "4", "0.0.0.0")
    client = peers(pair.left, "tcp_peer.py", "connect", "4", "10.77.0.2", server.port)
    server.do("accept")
    transfer(client, server, 300000)
    server.do("send 4711")
    client.do("receive 4711")

    def same():
        before = parse_ss(pair.left, server.port)
        record, _ = ends(list(filter(of_port(server.port), probe.snapshot().connections)),
                         server.port)
        after = parse_ss(pair.left, server.port)
        return before == after and (before, record)  # nothing moved while we looked

    truth, record = until(same, "the connection is quiet")
    assert record_fields(record) == truth
    assert record.state == proto.STATE_OPEN and record.closed_ns == 0


def test_retransmits_under_loss_equal_ss(probe, pair, peers):
    pair.right.run("nft", "add table inet t; add chain inet t in "
                   "{ type filter hook input priority 0; }; "
                   "add rule inet t in meta l4proto tcp numgen inc mod 10 9 drop")
    server = peers(pair.right, "tcp_peer.py", "listen", "4", "0.0.0.0")
    client = peers(pair.left, "tcp_peer.py", "connect", "4", "10.77.0.2", server.port)
    server.do("accept")
    transfer(client, server, 2000000)

    def same():
        before = parse_ss(pair.left, server.port)
        record, _ = ends(list(filter(of_port(server.port), probe.snapshot().connections)),
                         server.port)
        return before == parse_ss(pair.left, server.port) and (before, record)

    truth, record = until(same, "the connection is quiet")
    assert record.retransmits > 0
    assert record_fields(record) == truth
    assert record.bytes_sent == 2000000


@pytest.mark.kernel
@pytest.mark.core
def test_connection_older_than_the_probe_is_there_with_its_owner(folder, pair, peers):
    server = peers(pair.right, "tcp_peer.py", "listen", "4", "0.0.0.0")
    client = peers(pair.left, "tcp_peer.py", "connect", "4", "10.77.0.2", server.port)
    server.do("accept")
    client.do("send 5000")
    server.do("receive 5000")

    probe = harness.Probe(folder).ready()
    try:
        live = list(filter(of_port(server.port), probe.snapshot().connections))
        from_client, from_server = ends(live, server.port)
        assert (from_client.tgid, from_server.tgid) == (client.pid, server.pid)
        assert (from_client.bytes_sent, from_server.bytes_received) == (5000, 5000)
        assert from_client.established_ns == 0  # unknown, and not made up

        client.do("send 7", "close")
        server.do("receive 7", "close")
        closed = probe.wait_closed(lambda c: c.id == from_client.id, "the client's end")
        assert (closed[0].bytes_sent, closed[0].before_probe.bytes_sent) == (5007, 5000)
    finally:
        probe.stop()


def test_socket_of_an_older_listener_has_its_owner(folder, pair, peers):
    server = peers(pair.right, "tcp_peer.py", "listen", "4", "0.0.0.0")
    probe = harness.Probe(folder).ready()
    try:
        peers(pair.left, "tcp_peer.py", "connect", "4", "10.77.0.2", server.port)
        live = list(filter(of_port(server.port), probe.snapshot().connections))
        _, from_server = ends(live, server.port)
        assert from_server.tgid == server.pid
        assert from_server.role == proto.ROLE_SERVER
    finally:
        probe.stop()


@pytest.mark.kernel
@pytest.mark.core
def test_reset_is_an_abnormal_end(probe, pair, peers):
    server = peers(pair.right, "tcp_peer.py", "listen", "4", "0.0.0.0")
    client = peers(pair.left, "tcp_peer.py", "connect", "4", "10.77.0.2", server.port)
    server.do("accept", "reset")
    until(lambda: len(list(filter(of_port(server.port), probe.closed().connections))) == 2, "reset")
    from_client, _ = ends(list(filter(of_port(server.port), probe.closed().connections)),
                          server.port)
    assert from_client.state == proto.STATE_CLOSED
    assert from_client.error == errno.ECONNRESET
    client.do("close")


@pytest.mark.kernel
@pytest.mark.core
def test_refused_connection_has_failed(probe, pair, peers):
    client = peers(pair.left, "tcp_peer.py", "connect", "4", "10.77.0.2", 9)
    assert client.error == errno.ECONNREFUSED
    record, = probe.wait_closed(lambda c: c.netns == pair.left.inode, "the failed attempt")
    assert record.state == proto.STATE_FAILED
    assert record.error == errno.ECONNREFUSED
    assert (record.remote_port, record.tgid) == (9, client.pid)
    assert record.established_ns == 0


@pytest.mark.kernel
def test_half_closed_connection_counts_no_fin(probe, pair, peers):
    server = peers(pair.right, "tcp_peer.py", "listen", "4", "0.0.0.0")
    client = peers(pair.left, "tcp_peer.py", "connect", "4", "10.77.0.2", server.port)
    server.do("accept")
    client.do("send 10", "shutdown")
    server.do("receive 10")
    until(lambda: "CLOSE-WAIT" in pair.right.run("ss", "-tHn", f"sport = :{server.port}"),
          "the FIN arrived")
    _, from_server = ends(list(filter(of_port(server.port), probe.snapshot().connections)),
                          server.port)
    assert from_server.bytes_received == 10


def test_nginx_and_curl(probe, pair, folder):
    (folder / "file").write_bytes(b"y" * 123456)
    (folder / "nginx.conf").write_text(f"""
        daemon off; pid {folder}/nginx.pid; error_log stderr; worker_processes 1;
        events {{ }}
        http {{ access_log off; server {{ listen 10.77.0.2:8080; root {folder}; }} }}""")
    nginx = pair.right.popen("nginx", "-c", f"{folder}/nginx.conf", "-p", str(folder))
    try:
        until(lambda: ":8080" in pair.right.run("ss", "-tlHn"), "nginx listens")
        sizes = pair.left.run("curl", "-sS", "-o", "/dev/null", "-w",
                              "%{size_request} %{size_header} %{size_download} %{local_port}",
                              "http://10.77.0.2:8080/file")
        request, header, download, port = map(int, sizes.split())
        until(lambda: len([c for c in probe.closed().connections
                           if port in (c.local_port, c.remote_port)]) == 2, "both ends closed")
        records = [c for c in probe.closed().connections if port in (c.local_port, c.remote_port)]
        from_client, from_server = ends(records, 8080)
        assert from_client.bytes_sent == request == from_server.bytes_received
        assert from_client.bytes_received == header + download == from_server.bytes_sent
        assert (from_client.comm, from_server.comm) == ("curl", "nginx")
    finally:
        nginx.send_signal(signal.SIGQUIT)
        nginx.wait(harness.DEADLINE_S)


CHURN = 10000


def test_every_connection_of_a_storm_is_accounted_for(probe, namespace):
    before = namespace.snmp("Tcp")
    out = namespace.run(str(harness.BUILD / "tests" / "integration" / "tcp-churn"), str(CHURN))
    sent, received = map(int, out.split())
    after = namespace.snmp("Tcp")
    opened = sum(after[k] - before[k] for k in ("ActiveOpens", "PassiveOpens"))
    assert opened == 2 * CHURN

    def account():
        stream = probe.closed()
        live = [c for c in probe.snapshot().connections if c.netns == namespace.inode]
        mine = [c for c in stream.connections if c.netns == namespace.inode]
        lost = stream.overflow("closed_ring_full")
        return not live and (mine, lost)

    mine, lost = until(account, "all closed")
    assert len(mine) + lost.connections == opened
    assert sum(c.bytes_sent for c in mine) + lost.bytes_sent == sent
    assert sum(c.bytes_received for c in mine) + lost.bytes_received == received
    assert len({c.id for c in mine}) == len(mine)
    assert all(c.tgid and c.comm == "tcp-churn" for c in mine)
