#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""One end of a TCP conversation, driven through standard input and output.

    tcp_peer.py listen FAMILY ADDRESS [PORT [BACKLOG]]   (any port without; prints "port N")
    tcp_peer.py connect FAMILY ADDRESS PORT

Commands, one a line, each answered with one line: "accept", "send N", "receive N",
"end" (read to the end of the stream), "shutdown", "close", "reset".
"""

import signal
import socket
import struct
import sys

FAMILIES = {"4": socket.AF_INET, "6": socket.AF_INET6}


class Peer:
    def __init__(self, role, family, address, port="0", backlog="128"):
        self.socket = socket.socket(FAMILIES[family])
        self.listener = None
        if role == "listen":
            self.listener = self.socket
            self.listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            if family == "6":
                self.listener.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 0)
            self.listener.bind((address, int(port)))
            self.listener.listen(int(backlog))
            print("port", self.listener.getsockname()[1], flush=True)
        else:
            try:
                self.socket.connect((address, int(port)))
                print("port", self.socket.getsockname()[1], flush=True)
            except OSError as error:
                print("error", error.errno, flush=True)

    def accept(self):
        self.socket, _ = self.listener.accept()

    def send(self, size):
        self.socket.sendall(b"x" * int(size))

    def receive(self, size):
        left = int(size)
        while left:
            data = self.socket.recv(min(left, 1 << 16))
            if not data:
                raise EOFError(f"{left} bytes short")
            left -= len(data)

    def end(self):
        if self.socket.recv(1):
            raise ValueError("there is more")

    def shutdown(self):
        self.socket.shutdown(socket.SHUT_WR)

    def close(self):
        self.socket.close()

    def reset(self):
        self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.socket.close()


def main():
    signal.alarm(120)  # never outlive a test that died
    peer = Peer(*sys.argv[1:])
    for line in sys.stdin:
        name, *arguments = line.split()
        getattr(peer, name)(*arguments)
        print("done", flush=True)


main()
