#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""A wire between two network namespaces that changes the order of segments.

    forwarder.py LEFT RIGHT HELD EVERY BEHIND      (names of namespaces, see below)

LEFT gets a device t0 with 10.78.0.1/24, RIGHT one with 10.78.0.2/24. Of the TCP segments
with payload from left to right, the EVERYth is held back until BEHIND more have passed;
HELD times in all. Prints "ready". "stop" on standard input ends it and is answered with
how many were held, and how many arrived with bytes before them missing.
"""

import ctypes
import fcntl
import os
import select
import signal
import struct
import subprocess
import sys

TUNSETIFF, IFF_TUN, IFF_NO_PI = 0x400454CA, 0x0001, 0x1000
CLONE_NEWNET = 0x40000000
TCP = 6


def open_device(namespace, address):
    fd = os.open(f"/run/netns/{namespace}", os.O_RDONLY)
    if ctypes.CDLL(None, use_errno=True).setns(fd, CLONE_NEWNET) < 0:
        raise OSError(ctypes.get_errno(), namespace)
    os.close(fd)
    if not os.path.exists("/dev/net/tun"):
        subprocess.run(["modprobe", "tun"], check=True)
    tun = os.open("/dev/net/tun", os.O_RDWR)
    fcntl.ioctl(tun, TUNSETIFF, struct.pack("16sH", b"t0", IFF_TUN | IFF_NO_PI))
    subprocess.run(["ip", "address", "add", f"{address}/24", "dev", "t0"], check=True)
    subprocess.run(["ip", "link", "set", "t0", "up"], check=True)
    return tun


def payload(packet):
    """(sequence number, size) of a TCP segment; None of anything else."""
    if packet[0] >> 4 != 4 or packet[9] != TCP:
        return None
    header = (packet[0] & 15) * 4
    sequence = int.from_bytes(packet[header + 4:header + 8], "big")
    return sequence, len(packet) - header - (packet[header + 12] >> 4) * 4


def payload_size(packet):
    return (payload(packet) or (0, 0))[1]


class Receiver:
    """What the other end must think of the order of one connection's segments."""

    def __init__(self):
        self.next = None
        self.early = {}
        self.n_early = 0

    def take(self, packet):
        sequence, size = payload(packet)
        self.next = sequence if self.next is None else self.next
        if (sequence - self.next) % 2**32 < 2**31 and sequence != self.next:
            self.n_early += 1
            self.early[sequence] = size
        elif sequence == self.next:
            self.early[sequence] = size
        while self.next in self.early:
            self.next = (self.next + self.early.pop(self.next)) % 2**32


class Reordering:
    def __init__(self, held, every, behind):
        self.left, self.every, self.behind = held, every, behind
        self.n_segments = self.n_held = 0
        self.kept = None
        self.until = 0

    def pass_on(self, packet):
        """What goes out now, in this order."""
        if not payload_size(packet):
            return [packet]
        self.n_segments += 1
        if self.kept:
            if self.n_segments < self.until:
                return [packet]
            kept, self.kept = self.kept, None
            return [packet, kept]
        if self.left and self.n_segments % self.every == 0:
            self.left -= 1
            self.n_held += 1
            self.kept, self.until = packet, self.n_segments + self.behind
            return []
        return [packet]


def main():
    signal.alarm(120)  # never outlive a test that died
    left_name, right_name, *numbers = sys.argv[1:]
    left, right = open_device(left_name, "10.78.0.1"), open_device(right_name, "10.78.0.2")
    reordering, receiver = Reordering(*map(int, numbers)), Receiver()
    print("ready", flush=True)
    while True:
        readable, _, _ = select.select([left, right, sys.stdin], [], [])
        if left in readable:
            for packet in reordering.pass_on(os.read(left, 65536)):
                if payload_size(packet):
                    receiver.take(packet)
                os.write(right, packet)
        if right in readable:
            os.write(left, os.read(right, 65536))
        if sys.stdin in readable:
            break
    print(reordering.n_held, receiver.n_early, flush=True)


main()
