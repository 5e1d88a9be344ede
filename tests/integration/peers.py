# SPDX-License-Identifier: Apache-2.0
"""tcp_peer.py and udp_peer.py as objects: programs of both ends in their namespaces."""

import json
import subprocess

import harness


class Peer:
    """One program; every command of do() returns once the program has done it."""

    def __init__(self, namespace, program, *arguments):
        path = harness.ROOT / "tests" / "integration" / program
        self.popen = namespace.popen("/usr/bin/python3", str(path), *map(str, arguments),
                                     stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        self.pid = self.popen.pid
        word, number = self.popen.stdout.readline().split()
        self.port = int(number) if word == "port" else None
        self.error = int(number) if word == "error" else None

    def begin(self, command):
        """Let it start; finish() waits. For what needs the other end to go on."""
        self.popen.stdin.write(command + "\n")
        self.popen.stdin.flush()

    def finish(self):
        assert self.popen.stdout.readline() == "done\n"

    def do(self, *commands):
        for command in commands:
            self.begin(command)
            self.finish()

    def end(self):
        self.popen.stdin.close()
        self.popen.wait(harness.DEADLINE_S)


def transfer(sender, receiver, size):
    """`size` bytes over TCP; both ends at once, as neither buffer holds them all."""
    sender.begin(f"send {size}")
    receiver.do(f"receive {size}")
    sender.finish()


def iperf3(client, server, address, *arguments):
    """iperf3's own report of a run from namespace `client` to `address` in `server`."""
    listener = server.popen("iperf3", "-s", "-1", stdout=subprocess.DEVNULL)
    try:
        harness.until(lambda: ":5201" in server.run("ss", "-tlHn"), "iperf3 listens")
        return json.loads(client.run("iperf3", "-J", "-c", address, *arguments))
    finally:
        listener.wait(harness.DEADLINE_S)


class Interpreter:
    """interpreter.py in a namespace. Called with source it returns the expression's value."""

    def __init__(self, namespace=None, prefix=()):
        path = harness.ROOT / "tests" / "integration" / "interpreter.py"
        enter = namespace.enter() if namespace else []
        self.popen = subprocess.Popen([*enter, *prefix, "/usr/bin/python3", "-IS", str(path)],
                                      stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        self.pid = self.finish()

    def begin(self, source):
        """Let it start; finish() waits. For what needs the other end to go on."""
        self.popen.stdin.write(json.dumps(source) + "\n")
        self.popen.stdin.flush()

    def finish(self):
        """The value. Raises OSError as the program got it."""
        line = self.popen.stdout.readline()
        assert line, "the program ended"
        reply = json.loads(line)
        if "errno" in reply:
            raise OSError(reply["errno"], "in the program of the test")
        return reply.get("value")

    def __call__(self, *sources):
        for source in sources:
            self.begin(source)
            value = self.finish()
        return value

    def errno_of(self, source):
        """0 when it went well."""
        try:
            self(source)
        except OSError as error:
            return error.errno
        return 0

    def end(self):
        self.popen.stdin.close()
        self.popen.wait(harness.DEADLINE_S)
