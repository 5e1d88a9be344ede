#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""A UDP socket driven through standard input and output.

    udp_peer.py FAMILY ADDRESS PORT            (port 0: any; prints "port N")

Commands, one a line, each answered with one line: "connect ADDRESS PORT",
"send N [N ...]" (connected), "sendto ADDRESS PORT N [N ...]", "receive COUNT",
"peek", "gso ADDRESS PORT SEGMENT TOTAL", "lengthen" (the headers of what it sends).
"""

import signal
import socket
import sys

FAMILIES = {"4": socket.AF_INET, "6": socket.AF_INET6}
UDP_SEGMENT = 103  # include/uapi/linux/udp.h
NOTHING_IPV4 = b"\1" * 4  # four times No-Operation, RFC 791
NOTHING_IPV6 = bytes((0, 0, 1, 4, 0, 0, 0, 0))  # destination options: PadN, RFC 8200


class Peer:
    def __init__(self, family, address, port):
        self.socket = socket.socket(FAMILIES[family], socket.SOCK_DGRAM)
        self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1 << 22)
        if family == "6":
            self.socket.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 0)
        self.socket.bind((address, int(port)))
        print("port", self.socket.getsockname()[1], flush=True)

    def connect(self, address, port):
        self.socket.connect((address, int(port)))

    def send(self, *sizes):
        for size in sizes:
            self.socket.send(b"x" * int(size))

    def sendto(self, address, port, *sizes):
        for size in sizes:
            self.socket.sendto(b"x" * int(size), (address, int(port)))

    def receive(self, count):
        for _ in range(int(count)):
            self.socket.recv(1 << 16)

    def peek(self):
        self.socket.recv(1 << 16, socket.MSG_PEEK)

    def lengthen(self):
        if self.socket.family == socket.AF_INET:
            self.socket.setsockopt(socket.IPPROTO_IP, socket.IP_OPTIONS, NOTHING_IPV4)
        else:
            self.socket.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_DSTOPTS, NOTHING_IPV6)

    def gso(self, address, port, segment, total):
        self.socket.setsockopt(socket.IPPROTO_UDP, UDP_SEGMENT, int(segment))
        self.socket.sendto(b"x" * int(total), (address, int(port)))


def main():
    signal.alarm(120)  # never outlive a test that died
    peer = Peer(*sys.argv[1:])
    for line in sys.stdin:
        name, *arguments = line.split()
        getattr(peer, name)(*arguments)
        print("done", flush=True)


main()
