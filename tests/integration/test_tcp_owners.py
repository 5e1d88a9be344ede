# SPDX-License-Identifier: Apache-2.0
"""Whose a connection is: never another process than one that held it."""

import os
import subprocess

import pytest

from harness import until


def is_of(pair, record):
    """The rest of the host, and tests before this one, have used the same ports."""
    return record.netns in (pair.left.inode, pair.right.inode)



@pytest.fixture
def probe(shared_probe):
    return shared_probe


def start_ticks(pid):
    """When a process started, in clock ticks since boot: field 22 of /proc/PID/stat."""
    with open(f"/proc/{pid}/stat") as stat:
        return int(stat.read().rsplit(")", 1)[1].split()[19])


def owner(record):
    return record.tgid, record.process_start_ns * os.sysconf("SC_CLK_TCK") // 10**9


def live_of(probe, local_port):
    record, = [c for c in probe.snapshot().connections if c.local_port == local_port]
    return record


def names_acceptor_at_once(probe):
    return "fexit" in {h["hook"]: h for h in probe.status()["hooks"]}["accept"]["variant"]


# A parent that listens, and children that accept; each says which process took which port.
PREFORK = """
import os, socket, sys
listener = socket.create_server(("10.77.0.2", 0))
print(listener.getsockname()[1], flush=True)
for _ in range(3):
    if os.fork() == 0:
        held = []
        while True:
            connection, (_, port) = listener.accept()
            held.append(connection)
            os.write(1, f"{port} {os.getpid()}\\n".encode())
sys.stdin.read()
os.killpg(0, 15)
"""


@pytest.fixture
def prefork(pair):
    popen = pair.right.popen("/usr/bin/python3", "-c", PREFORK, stdin=subprocess.PIPE,
                             stdout=subprocess.PIPE, text=True, start_new_session=True)
    popen.port = int(popen.stdout.readline())
    yield popen
    popen.stdin.close()
    popen.wait()


@pytest.mark.kernel
def test_worker_of_a_prefork_server_owns_what_it_accepted(probe, pair, interpreter, prefork):
    client = interpreter(pair.left)
    client(f"held = [connect('10.77.0.2', {prefork.port}) for _ in range(12)]")
    worker = dict(map(int, prefork.stdout.readline().split()) for _ in range(12))
    assert prefork.pid not in worker.values()
    expected = {port: (pid, start_ticks(pid)) for port, pid in worker.items()}

    def found():
        mine = [c for c in probe.snapshot().connections if c.local_port == prefork.port]
        for c in mine:  # until it knows better it says that it names the listener's process
            assert c.owner_is_listener == (c.tgid == prefork.pid)
        return {c.remote_port: owner(c) for c in mine}

    if names_acceptor_at_once(probe):
        assert found() == expected
    else:
        until(lambda: found() == expected, "the workers are named")


@pytest.mark.kernel
def test_worker_of_a_short_connection_is_named_at_its_close(probe, pair, interpreter):
    parent, client = interpreter(pair.right), interpreter(pair.left)
    port = parent("l = listen('10.77.0.2')", "port(l)")
    parent("pid = os.fork()\n"
           "if pid == 0:\n"
           "    s, _ = l.accept()\n"
           "    s.close()\n"
           "    time.sleep(60)\n")
    worker = parent("pid")
    try:
        client(f"s = connect('10.77.0.2', {port})", "receive_to_end(s)", "s.close()")
        record, = probe.wait_closed(lambda c: is_of(pair, c) and c.local_port == port, "it closed")
        assert owner(record) == (worker, start_ticks(worker))
        assert not record.owner_is_listener
    finally:
        os.kill(worker, 9)


def test_processes_that_share_a_port_own_their_own(probe, pair, interpreter):
    servers = [interpreter(pair.right) for _ in range(2)]
    port = servers[0]("l = listen('10.77.0.2', reuse_port=True)", "port(l)")
    servers[1](f"l = listen('10.77.0.2', {port}, reuse_port=True)")
    for server in servers:
        server("l.setblocking(False)",
               "def take():\n"
               "    try:\n"
               "        while True:\n"
               "            held.append(l.accept()[0])\n"
               "    except BlockingIOError:\n"
               "        return [s.getpeername()[1] for s in held]\n"
               "held = []")
    client = interpreter(pair.left)
    client(f"held = [connect('10.77.0.2', {port}) for _ in range(20)]")

    def taken():
        by_port = {p: server.pid for server in servers for p in server("take()")}
        return len(by_port) == 20 and by_port

    expected = until(taken, "both took theirs")
    assert set(expected.values()) == {server.pid for server in servers}
    mine = [c for c in probe.snapshot().connections if c.local_port == port]
    assert {c.remote_port: c.tgid for c in mine} == expected
    assert {c.tgid for c in probe.snapshot().listeners if c.local_port == port} == \
        {server.pid for server in servers}


PASS_ON = """
def give(path, s):
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as u:
        u.connect(path)
        socket.send_fds(u, [b"x"], [s.fileno()])
def take(path):
    return socket.socket(fileno=socket.recv_fds(mailbox, 1, 1)[1][0])
"""


def pass_on(giver, taker, path):
    """Socket `s` of one program goes to the other, and the first lets go of it."""
    taker(PASS_ON, "mailbox = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)",
          f"mailbox.bind({str(path)!r})")
    giver(PASS_ON, f"give({str(path)!r}, s)")
    taker(f"s = take({str(path)!r})")
    giver("s.close()")


def test_connected_socket_that_is_passed_on_stays_its_connectors(probe, pair, folder, interpreter):
    server, giver, taker = (interpreter(n) for n in (pair.right, pair.left, pair.left))
    port = server("l = listen('10.77.0.2')", "port(l)")
    giver(f"s = connect('10.77.0.2', {port})")
    local_port = giver("port(s)")
    expected = giver.pid, start_ticks(giver.pid)
    pass_on(giver, taker, folder / "mailbox")
    giver.end()
    taker("send(s, 5)")
    live = live_of(probe, local_port)
    taker("s.close()")
    closed, = probe.wait_closed(lambda c: is_of(pair, c) and c.local_port == local_port, "the end")
    assert owner(live) == owner(closed) == expected
    assert closed.bytes_sent == 5


@pytest.mark.kernel
def test_accepted_socket_that_is_passed_on_is_one_of_its_holders(probe, pair, folder, interpreter):
    giver, taker, client = (interpreter(n) for n in (pair.right, pair.right, pair.left))
    port = giver("l = listen('10.77.0.2')", "port(l)")
    client(f"s = connect('10.77.0.2', {port})")
    giver("s, _ = l.accept()")
    pass_on(giver, taker, folder / "mailbox")
    holders = {(p.pid, start_ticks(p.pid)) for p in (giver, taker)}
    if names_acceptor_at_once(probe):
        assert owner(live_of(probe, port))[0] == giver.pid
    else:
        until(lambda: live_of(probe, port).tgid == taker.pid, "who holds it is named")
    taker("s.close()")
    client("s.close()")
    closed, = probe.wait_closed(lambda c: is_of(pair, c) and c.local_port == port, "the end")
    assert owner(closed) in holders and not closed.owner_is_listener


def test_connection_of_a_thread_is_its_process_s(probe, pair, interpreter):
    server, client = interpreter(pair.right), interpreter(pair.left)
    port = server("l = listen('10.77.0.2')", "port(l)")
    client("import threading",
           "def work():\n"
           "    global s, tid\n"
           "    tid = threading.get_native_id()\n"
           "    open(f'/proc/self/task/{tid}/comm', 'w').write('a-thread')\n"
           f"    s = connect('10.77.0.2', {port})\n"
           "t = threading.Thread(target=work); t.start(); t.join()")
    assert client("tid") != client.pid
    live = live_of(probe, client("port(s)"))
    assert (owner(live), live.comm) == ((client.pid, start_ticks(client.pid)), "python3")


def test_connection_of_a_process_that_exits_at_once_has_its_owner(probe, pair, interpreter):
    server = interpreter(pair.right)
    port = server("l = listen('10.77.0.2')", "port(l)")
    ended = pair.left.popen("bash", "-c", f"exec 3<>/dev/tcp/10.77.0.2/{port}; "
                            "cut -d' ' -f22 /proc/$$/stat", stdout=subprocess.PIPE, text=True)
    ticks = int(ended.communicate()[0])
    server("s, _ = l.accept()", "s.close()")
    record, = probe.wait_closed(lambda c: c.remote_port == port, "it ended")
    assert (owner(record), record.comm) == ((ended.pid, ticks), "bash")


def take_pid(wanted, start):
    """A new process with this number. Others on this machine may be quicker: then again."""
    def one():
        with open("/proc/sys/kernel/ns_last_pid", "w") as last:
            last.write(str(wanted - 1))
        process = start()
        if process.pid == wanted:
            return process
        process.end()
        return None

    return until(one, f"process {wanted} is new")


def test_number_of_an_ended_process_in_use_again_is_another_process(probe, pair, interpreter):
    server, first = interpreter(pair.right), interpreter(pair.left)
    port = server("l = listen('10.77.0.2')", "port(l)")
    first(f"s = connect('10.77.0.2', {port})")
    old = first.pid, start_ticks(first.pid)
    # Its connection outlives it: a child holds it.
    child = first("os.fork() or (signal.alarm(0), os.setsid(), time.sleep(60), os._exit(0))")
    first_port = first("port(s)")
    first.begin("os._exit(0)")
    first.popen.wait()
    second = take_pid(old[0], lambda: interpreter(pair.left))
    try:
        second(f"s = connect('10.77.0.2', {port})")
        new = second.pid, start_ticks(second.pid)
        assert old[0] == new[0] and old[1] != new[1]
        assert owner(live_of(probe, first_port)) == old
        assert owner(live_of(probe, second("port(s)"))) == new
    finally:
        os.kill(child, 9)


@pytest.mark.kernel
def test_number_of_an_ended_listener_in_use_again_does_not_get_its_connections(
        probe, pair, interpreter):
    """The child accepts; the process that called listen() is gone, its number is another's."""
    parent, client = interpreter(pair.right), interpreter(pair.left)
    port = parent("l = listen('10.77.0.2')", "port(l)")
    old = parent.pid, start_ticks(parent.pid)
    child = parent("r, w = os.pipe()",
                   "child = os.fork()\n"
                   "if child == 0:\n"
                   "    os.read(r, 1)\n"
                   "    s, _ = l.accept()\n"
                   "    time.sleep(60)\n"
                   "    os._exit(0)", "child")
    go = os.open(f"/proc/{parent.pid}/fd/{parent('w')}", os.O_WRONLY)
    parent.begin("os._exit(0)")
    parent.popen.wait()
    stranger = take_pid(old[0], interpreter)
    try:
        client(f"s = connect('10.77.0.2', {port})")
        waiting = live_of(probe, port)
        assert waiting.owner_is_listener
        assert owner(waiting) in (old, (child, start_ticks(child)))
        os.write(go, b"x")
        until(lambda: owner(live_of(probe, port)) == (child, start_ticks(child)),
              "who accepted is named")
        assert stranger.pid == old[0]
    finally:
        os.close(go)
        os.kill(child, 9)
