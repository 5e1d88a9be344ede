#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""hold_connections.py N: N open TCP connections over loopback, both ends in this process.

Prints "port P" of the listener once all are open, and holds them until "close" on
standard input (answered with "done") or its end.
"""

import resource
import signal
import socket
import sys


def main():
    signal.alarm(120)  # never outlive a test that died
    n = int(sys.argv[1])
    resource.setrlimit(resource.RLIMIT_NOFILE, (2 * n + 64, 2 * n + 64))
    listener = socket.create_server(("127.0.0.1", 0), backlog=128)
    ends = []
    for _ in range(n):
        ends.append(socket.create_connection(listener.getsockname()))
        ends.append(listener.accept()[0])
    print("port", listener.getsockname()[1], flush=True)
    for _ in sys.stdin:
        for end in ends:
            end.close()
        print("done", flush=True)


main()
