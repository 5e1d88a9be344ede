#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""A Python interpreter driven through standard input and output.

Each line in is source as a JSON string; each line out is JSON: {"value": V} of an
expression, {} once statements are done, {"errno": N} where they raised an OSError.
Sockets live in its variables. What tests say often has a function below.
"""

import fcntl
import json
import os
import signal
import socket
import struct
import sys
import termios
import time

CLONE_NEWNET = 0x40000000


def listen(address, port=0, backlog=128, reuse_port=False):
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    return socket.create_server((address, port), family=family, backlog=backlog,
                                reuse_port=reuse_port)


def new_socket(address, options):
    s = socket.socket(socket.AF_INET6 if ":" in address else socket.AF_INET)
    for name, value in options.items():
        s.setsockopt(socket.IPPROTO_TCP, getattr(socket, name), value)
    return s


def attempt(address, port, **options):
    """A non-blocking connect() begun. Options of level IPPROTO_TCP by name."""
    s = new_socket(address, options)
    s.setblocking(False)
    s.connect_ex((address, port))
    return s


def connect(address, port, local_port=0, **options):
    s = new_socket(address, options)
    if local_port:
        s.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        s.bind(("", local_port))
    s.connect((address, port))
    return s


def port(s):
    return s.getsockname()[1]


def send(s, size):
    s.sendall(b"x" * size)


def receive(s, size):
    while size:
        data = s.recv(min(size, 1 << 16))
        if not data:
            raise EOFError(f"{size} bytes short")
        size -= len(data)


def receive_to_end(s):
    size = 0
    while data := s.recv(1 << 16):
        size += len(data)
    return size


def unread(s):
    """Bytes that have arrived and nobody took."""
    return struct.unpack("i", fcntl.ioctl(s, termios.FIONREAD, b"\0" * 4))[0]


def wait_unread(s, size):
    """Returns once `size` bytes are there to be taken."""
    s.setsockopt(socket.SOL_SOCKET, socket.SO_RCVLOWAT, size)
    s.recv(size, socket.MSG_PEEK | socket.MSG_WAITALL)


def fill(s):
    """Send until neither this end nor the peer has room."""
    size = 0
    s.setblocking(False)
    while True:
        try:
            size += s.send(b"x" * 65536)
        except BlockingIOError:
            return size


def reset(s):
    """Close with a reset in place of a FIN."""
    s.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    s.close()


def start_ticks():
    """Field 22 of /proc/self/stat: when this process started."""
    with open("/proc/self/stat") as stat:
        return int(stat.read().rsplit(")", 1)[1].split()[19])


def enter(path):
    """Into the network namespace of a file; sockets opened before stay where they are."""
    import ctypes  # slow, and few need it

    libc = ctypes.CDLL(None, use_errno=True)
    fd = os.open(path, os.O_RDONLY)
    if libc.setns(fd, CLONE_NEWNET) < 0:
        raise OSError(ctypes.get_errno(), path)
    os.close(fd)


def answer(source, names):
    try:
        return {"value": eval(compile(source, "test", "eval"), names)}
    except SyntaxError:
        exec(compile(source, "test", "exec"), names)
        return {}


def main():
    signal.alarm(120)  # never outlive a test that died
    print(json.dumps({"value": os.getpid()}), flush=True)
    for line in sys.stdin:
        try:
            reply = answer(json.loads(line), globals())
        except OSError as error:
            reply = {"errno": error.errno or -1}
        print(json.dumps(reply, default=lambda value: None), flush=True)


main()
