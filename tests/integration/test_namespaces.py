# SPDX-License-Identifier: Apache-2.0
"""Sockets of any network namespace, older or younger than the probe, inhabited or not."""

import os

import pytest

import harness
from harness import until

N = 64
BYTES = 1000  # and its number more: no two namespaces have the same


class Many:
    """Namespaces with one loopback connection each; one program holds all sockets."""

    def __init__(self, interpreter):
        self.holder = interpreter()
        self.holder("here = '/proc/self/ns/net'", "home = os.open(here, os.O_RDONLY)", "held = {}",
                    "def fill_namespace(path, number):\n"
                    "    enter(path)\n"
                    "    l = listen('127.0.0.1')\n"
                    "    c = connect('127.0.0.1', port(l))\n"
                    "    s, _ = l.accept()\n"
                    f"    send(c, {BYTES} + number)\n"
                    f"    receive(s, {BYTES} + number)\n"
                    "    held[number] = c, s, port(l)\n"
                    "    enter(f'/proc/self/fd/{home}')\n"
                    "    return port(l)")
        self.namespaces = {}
        self.ports = {}

    def add(self, numbers):
        for number in numbers:
            namespace = harness.Namespace(f"sp-{os.getpid()}-{number}")
            self.namespaces[number] = namespace
            self.ports[number] = self.holder(
                f"fill_namespace('/run/netns/{namespace.name}', {number})")

    def expected(self):
        """What each end must show: (namespace, port of the listener, sent, received)."""
        return {end for number, namespace in self.namespaces.items() for end in (
            (namespace.inode, self.ports[number], BYTES + number, 0),
            (namespace.inode, self.ports[number], 0, BYTES + number))}

    def of(self, connections):
        inodes = {namespace.inode for namespace in self.namespaces.values()}
        ports = set(self.ports.values())
        return {(c.netns, c.local_port if c.local_port in ports else c.remote_port,
                 c.bytes_sent, c.bytes_received) for c in connections
                if c.netns in inodes and c.tgid == self.holder.pid}

    def delete(self):
        for namespace in self.namespaces.values():
            if os.path.exists(f"/run/netns/{namespace.name}"):
                namespace.delete()


@pytest.fixture
def many(interpreter):
    namespaces = Many(interpreter)
    yield namespaces
    namespaces.delete()


def test_connections_of_64_namespaces_are_told_apart(folder, many):
    many.add(range(N // 2))
    probe = harness.Probe(folder).ready()
    try:
        many.add(range(N // 2, N))
        assert len(many.expected()) == 2 * N
        assert many.of(probe.snapshot().connections) == many.expected()

        for namespace in many.namespaces.values():
            namespace.delete()  # no name, no process: only the sockets keep them
        assert many.of(probe.snapshot().connections) == many.expected()

        many.holder("[c.close() or s.close() for c, s, _ in held.values()]")
        until(lambda: many.of(probe.closed().connections) == many.expected(), "all are closed")
    finally:
        probe.stop()
