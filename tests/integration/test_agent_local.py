# SPDX-License-Identifier: Apache-2.0
"""What the agent makes of connections within a host, and of its listening sockets."""

import harness
from harness import until
from peers import transfer
from test_agent import Agent, FOR_NOBODY, closed, probe, start_agent  # noqa: F401, fixtures

# Reset at the end, so that nothing is sent again and drops no more.
MANY_CONNECTS = """
import socket, struct
sockets = [socket.socket() for _ in range(16)]
for one in sockets:
    one.setblocking(False)
    one.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    one.connect_ex(("10.77.0.2", {port}))
"""


def test_pair_between_two_namespaces_is_local_and_counts_once(probe, start_agent, pair, peers):
    agent = start_agent()
    agent.wait_log("met system-probe")
    server = peers(pair.right, "tcp_peer.py", "listen", "4", "0.0.0.0")
    client = peers(pair.left, "tcp_peer.py", "connect", "4", "10.77.0.2", server.port)
    server.do("accept")
    transfer(client, server, 70000)
    until(lambda: agent.connections(pair.left) and agent.connections(pair.right), "both ends")
    transfer(server, client, 300)
    client.do("close")
    server.do("close")

    def both():
        records = agent.connections(pair.left) + agent.connections(pair.right)
        return len([r for r in records if r["state"] == "closed"]) == 2 and records

    records = until(both, "both ends have closed")
    assert {(r["netns"], r["role"]) for r in records} == {
        (pair.left.inode, "client"), (pair.right.inode, "server")}
    assert {r["direction"] for r in records} == {"local"}
    once = [r for r in records if r["role"] == "client"]
    assert sum(r["bytes_sent"] for r in once) == 70000
    assert sum(r["bytes_received"] for r in once) == 300
    assert sum(r["bytes_sent"] for r in records) == 70300  # every byte is sent once, too


def test_each_end_of_a_local_pair_names_who_has_the_other(probe, start_agent, pair, peers):
    agent = start_agent()
    agent.wait_log("met system-probe")
    server = peers(pair.right, "tcp_peer.py", "listen", "4", "0.0.0.0")
    client = peers(pair.left, "tcp_peer.py", "connect", "4", "10.77.0.2", server.port)
    server.do("accept")
    transfer(client, server, 1)

    def named(namespace, pid):
        return [r for r in agent.connections(namespace) if r.get("remote_pid") == pid]

    until(lambda: named(pair.left, server.pid), "the client's record names the server")
    until(lambda: named(pair.right, client.pid), "the server's record names the client")
    comm = open(f"/proc/{client.pid}/comm").read().strip()
    assert named(pair.right, client.pid)[-1]["remote_comm"] == comm


def test_loopback_connections_of_two_namespaces_with_the_same_ports_are_told_apart(
        probe, start_agent, pair, interpreter):
    """As sidecars of two pods: each namespace has a 127.0.0.1 of its own."""
    agent = start_agent()
    agent.wait_log("met system-probe")
    servers, clients = {}, {}
    for namespace in (pair.left, pair.right):
        server = servers[namespace] = interpreter(namespace)
        client = clients[namespace] = interpreter(namespace)
        server("l = listen('127.0.0.1', 9000)")
        client("c = connect('127.0.0.1', 9000, 40000)")
        server("s, _ = l.accept()")
        client("c.sendall(b'x')")
    for namespace in (pair.left, pair.right):
        both = {(clients[namespace].pid, servers[namespace].pid),
                (servers[namespace].pid, clients[namespace].pid)}

        def named():
            return {(r["pid"], r["remote_pid"]) for r in agent.connections(namespace)
                    if r.get("remote_pid") and r.get("local_port") in (9000, 40000)}

        until(lambda: both <= named(), "both ends name each other")
        assert named() == both


def test_both_ends_of_a_short_local_connection_name_each_other(probe, start_agent, pair, peers):
    """Both are seen for the first time when they have closed already."""
    agent = start_agent(env={"DD_PROCESS_CONFIG_INTERVALS_CONNECTIONS": "3600s"})
    agent.wait_log("met system-probe")
    server = peers(pair.right, "tcp_peer.py", "listen", "4", "0.0.0.0")
    client = peers(pair.left, "tcp_peer.py", "connect", "4", "10.77.0.2", server.port)
    server.do("accept")
    client.do("close")
    server.do("close")
    (left,) = until(lambda: agent.connections(pair.left), "the client's end")
    (right,) = until(lambda: agent.connections(pair.right), "the server's end")
    assert (left["pid"], left.get("remote_pid")) == (client.pid, server.pid)
    assert (right["pid"], right.get("remote_pid")) == (server.pid, client.pid)


def test_listener_older_than_the_probe_is_reported_once_and_again_when_it_drops(folder, pair,
                                                                                peers):
    server = peers(pair.right, "tcp_peer.py", "listen", "4", "0.0.0.0", "0", "1")
    probe = harness.Probe(folder, env=FOR_NOBODY).ready()
    agent = Agent(probe)
    try:
        until(lambda: agent.listeners(pair.right), "the listening socket")
        pair.left.run("/usr/bin/python3", "-c", MANY_CONNECTS.format(port=server.port))
        dropped = pair.right.snmp("TcpExt")["ListenDrops"]
        assert dropped > 0
        until(lambda: agent.listeners(pair.right)[-1]["total_dropped_attempts"] == dropped,
              "all drops that the kernel counted")
        first, *later = agent.listeners(pair.right)
        assert (first["local_port"], first["pid"]) == (server.port, server.pid)
        assert first["total_dropped_attempts"] == 0 and "dropped_attempts" not in first
        assert first["accept_queue_max"] == 1
        assert sum(r["dropped_attempts"] for r in later) == dropped
        assert all(r["dropped_attempts"] or r["synack_retransmits"] for r in later)
        assert not any("bytes_sent" in r or "remote_ip" in r for r in (first, *later))
        assert agent.listeners(pair.right) == [
            r for r in agent.stored()
            if r.get("netns") == pair.right.inode and r["state"] == "listening"]
    finally:
        agent.stop()
        print(agent.log())
        probe.stop()


def test_connection_older_than_the_probe_has_its_role_from_the_listener(folder, pair, peers):
    server = peers(pair.right, "tcp_peer.py", "listen", "4", "0.0.0.0")
    client = peers(pair.left, "tcp_peer.py", "connect", "4", "10.77.0.2", server.port)
    server.do("accept")
    probe = harness.Probe(folder, env=FOR_NOBODY).ready()
    agent = Agent(probe)
    try:
        until(lambda: {r.get("role") for r in agent.connections(pair.left)} >= {"client"}, "role")
        client.do("close")
        server.do("close")
        last, = until(lambda: closed(agent.connections(pair.left), server.port), "closed")
        until(lambda: [r for r in agent.connections(pair.right) if r["state"] == "closed"],
              "the other end")
        assert (last["role"], last["direction"]) == ("client", "local")
        assert {(r["role"], r["direction"]) for r in agent.connections(pair.right)} == {
            ("server", "local")}
    finally:
        agent.stop()
        print(agent.log())
        probe.stop()
