# SPDX-License-Identifier: Apache-2.0
"""What the kernel and its tools say of TCP: the truth that records are held against."""

import re
import subprocess

from harness import until


def netstat(namespace):
    """Counters of /proc/net/netstat, which begin at 0 with the namespace."""
    return namespace.snmp("TcpExt")


def ss(namespace, *filters):
    """Fields of `ss -tie` for the one connection that the filter leaves, as it prints them."""
    out = namespace.run("ss", "-tieoHn", *filters)
    assert out.count("\n") == 2, out  # one connection: two lines
    fields = dict(re.findall(r"\b(\w+):(\S+)", out))
    fields.update(re.findall(r"\b(delivery_rate|pacing_rate) (\S+)bps", out))
    return {**fields, "flags": set(out.split())}


def number(fields, name):
    """A field of ss() as a number; what is not printed is 0."""
    return int(fields.get(name, "0"))


def listen_queue(namespace, port):
    """(Recv-Q, Send-Q) of `ss -ltn`: waiting for accept(), and how many may."""
    words = namespace.run("ss", "-ltHn", f"sport = :{port}").split()
    return int(words[1]), int(words[2])


def nft(namespace, chain, *rules):
    """A chain of table `inet t` at the hook of its name; one string a rule."""
    lines = ["add table inet t",
             f"add chain inet t {chain} {{ type filter hook {chain} priority 0; }}",
             *(f"add rule inet t {chain} {rule}" for rule in rules)]
    namespace.run("nft", "-f", "-", input="\n".join(lines) + "\n")


def nft_counter(namespace, chain):
    """Packets that the only counter of the chain has seen."""
    words = namespace.run("nft", "list", "chain", "inet", "t", chain).split()
    return int(words[words.index("packets") + 1])


def nft_flush(namespace):
    namespace.run("nft", "flush", "ruleset")


class Capture:
    """tcpdump on v0 of a namespace."""

    MARK_PORT = 9

    def __init__(self, namespace):
        self.namespace = namespace
        self.popen = namespace.popen(
            "tcpdump", "-i", "v0", "-n", "-S", "-l", "--immediate-mode", "tcp or udp port 9",
            stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        line = ""
        while "listening on" not in line:
            line = self.popen.stderr.readline()
            assert line, "tcpdump ended"

    def stop(self):
        """Lines up to now: a broadcast datagram marks it."""
        self.namespace.run("/usr/bin/python3", "-c",
                           "import socket\n"
                           "s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)\n"
                           "s.setsockopt(socket.SOL_SOCKET, socket.SO_BROADCAST, 1)\n"
                           "s.setsockopt(socket.SOL_SOCKET, socket.SO_BINDTODEVICE, b'v0')\n"
                           f"s.sendto(b'', ('255.255.255.255', {self.MARK_PORT}))")
        lines = []
        while not lines or ": UDP," not in lines[-1]:
            lines.append(self.popen.stdout.readline())
            assert lines[-1], "tcpdump ended"
        self.popen.terminate()
        self.popen.communicate()
        return lines[:-1]


def packets(lines, flag, from_port):
    """How many segments with a flag, such as "R" or "F", came from a port."""
    return sum(1 for line in lines
               if re.search(rf"\.{from_port} > .* Flags \[[^]]*{flag}", line))


def unchanged(look, read, what):
    """(truth, record): read() while look() gave the same before and after it."""
    def same():
        before = look()
        value = read()
        return before == look() and (before, value)

    return until(same, f"{what} holds still")
