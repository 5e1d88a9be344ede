# SPDX-License-Identifier: Apache-2.0
"""Processes in the log: what the kernel said of them while they lived."""

import os
import socket
import subprocess

import pytest

import harness
from harness import Probe, proto, until


def events_of(probe, pid):
    return [p for p in probe.processes().processes if p.tgid == pid and p.sequence]


@pytest.mark.kernel
def test_process_of_a_few_milliseconds_keeps_name_and_arguments(probe):
    ended = subprocess.Popen(["/bin/true", "first argument", "second"])
    ended.wait()
    start, end = events_of(probe, ended.pid)
    assert (start.event, end.event) == (proto.Process.EVENT_EXEC, proto.Process.EVENT_EXIT)
    assert start.executable == b"/bin/true"
    assert start.command_line == b"/bin/true\0first argument\0second\0"
    assert start.comm == end.comm == "true"
    assert start.parent_tgid == os.getpid()
    assert start.start_ns == end.start_ns <= start.time_ns <= end.time_ns


@pytest.mark.kernel
def test_end_says_whether_a_process_only_forked(probe):
    forked = os.fork()
    if forked == 0:
        os._exit(0)
    os.waitpid(forked, 0)
    executed = subprocess.Popen(["/bin/true"])
    executed.wait()
    assert events_of(probe, forked)[-1].forked_only
    assert not events_of(probe, executed.pid)[-1].forked_only


def test_long_command_line_is_cut_and_says_so(probe):
    ended = subprocess.Popen(["/bin/true", "x" * 2000])
    ended.wait()
    start = events_of(probe, ended.pid)[0]
    assert start.command_line_cut
    assert start.command_line == b"/bin/true\0" + b"x" * 502


def test_process_older_than_the_probe_is_in_the_table(probe):
    me, = [p for p in probe.processes().processes
           if p.event == proto.Process.EVENT_ALIVE and p.tgid == os.getpid()]
    assert me.executable.decode() == os.readlink("/proc/self/exe")
    with open("/proc/self/stat") as stat:
        ticks = int(stat.read().rsplit(")", 1)[1].split()[19])
    assert me.start_ns // 10**7 == ticks * 100 // os.sysconf("SC_CLK_TCK")


# Takes a name that is not UTF-8, connects, and ends, each at a line from the test.
NAMED = r"""
import ctypes, socket, sys
ctypes.CDLL(None).prctl(15, b"caf\xe9 \xc3\xa9", 0, 0, 0)
print("named", flush=True)
sys.stdin.readline()
connection = socket.create_connection(("127.0.0.1", int(sys.argv[1])))
print("connected", flush=True)
sys.stdin.readline()
"""


def test_name_that_is_not_utf8_spoils_no_stream(folder):
    with socket.create_server(("127.0.0.1", 0)) as server, subprocess.Popen(
            ["/usr/bin/python3", "-c", NAMED, str(server.getsockname()[1])],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, bufsize=0) as named:
        assert named.stdout.readline() == b"named\n"
        probe = Probe(folder).ready()
        try:
            assert [p.comm for p in probe.processes().processes if p.tgid == named.pid] == \
                ["caf? \u00e9"]
            named.stdin.write(b"\n")
            assert named.stdout.readline() == b"connected\n"
            assert [c.comm for c in probe.snapshot().connections if c.tgid == named.pid] == \
                ["caf? \u00e9"]
            named.communicate(b"\n")
            closed = probe.wait_closed(lambda c: c.tgid == named.pid, "its end")
            assert [c.comm for c in closed] == ["caf? \u00e9"]
            assert events_of(probe, named.pid)[-1].comm == "caf? \u00e9"
        finally:
            probe.stop()


def alive(probe):
    return {p.tgid for p in probe.processes().processes if p.event == proto.Process.EVENT_ALIVE}


def test_exec_and_exit_move_a_process_through_the_table(probe):
    sleeper = subprocess.Popen(["sleep", "60"])
    # Popen returns when exec closes its pipe, a moment before the kernel reports the exec.
    until(lambda: sleeper.pid in alive(probe), "it entered the table")
    sleeper.kill()
    sleeper.wait()
    until(lambda: sleeper.pid not in alive(probe), "it left the table")


def test_reader_gets_only_what_follows(probe):
    subprocess.run(["/bin/true"], check=True)
    following = probe.processes().trailer.next_sequence
    ended = subprocess.Popen(["/bin/true", "later"])
    ended.wait()
    stream = probe.processes(following)
    assert all(p.sequence >= following for p in stream.processes)
    assert ended.pid in {p.tgid for p in stream.processes}


def test_owner_of_a_connection_is_found_in_the_log(probe, pair, peers):
    """What the agent relies on: (tgid, process_start_ns) is the key of both."""
    server = peers(pair.right, "tcp_peer.py", "listen", "4", "0.0.0.0")
    pair.left.run("/bin/sh", "-c",
                  f"exec socat -u OPEN:/dev/null TCP:10.77.0.2:{server.port}")
    server.do("accept", "close")
    record = probe.wait_closed(lambda c: c.netns == pair.left.inode, "socat's connection")[0]
    owner = [p for p in probe.processes().processes
             if (p.tgid, p.start_ns) == (record.tgid, record.process_start_ns)
             and p.event == proto.Process.EVENT_EXEC]
    assert owner[-1].comm == "socat"
    assert owner[-1].command_line.split(b"\0")[0] == b"socat"
