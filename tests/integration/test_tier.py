# SPDX-License-Identifier: Apache-2.0
"""Which tier a kernel gets, and that it can be forced down."""

import os

import pytest

import harness
from peers import transfer


@pytest.mark.kernel
@pytest.mark.core
@pytest.mark.without_bpf
def test_best_tier_of_this_kernel_is_chosen(probe):
    expected = os.environ.get("SYSPROBE_EXPECT_TIER")
    if not expected:
        pytest.skip("SYSPROBE_EXPECT_TIER does not say which tier this kernel must give")
    assert probe.status()["tier"] == expected


@pytest.mark.kernel
@pytest.mark.core
@pytest.mark.without_bpf
def test_hooks_that_are_off_are_those_expected_of_this_kernel(probe):
    """What a kernel takes away is known; nothing else may be missing there unseen."""
    expected = os.environ.get("SYSPROBE_EXPECT_OFF")
    if expected is None:
        pytest.skip("SYSPROBE_EXPECT_OFF does not say what this kernel refuses")
    off = {h["hook"]: h for h in probe.status()["hooks"] if "variant" not in h}
    off.pop("drop", None)  # by setting
    assert set(off) == set(expected.split())


@pytest.mark.core
@pytest.mark.without_bpf
def test_kernel_that_takes_no_programs_says_so_and_shows_tcp(probe, pair, peers):
    """By sock_diag; the log says what the kernel lacks and which one would do."""
    if os.environ.get("SYSPROBE_EXPECT_TIER") != "netlink":
        pytest.skip("not a kernel without BPF; tests/vm/matrix has such")
    if os.path.exists("/sys/kernel/btf/vmlinux"):
        line = probe.wait_log("hook=tcp ")
        assert "too old" in line and "Linux 5.12 or newer" in line
    else:
        assert "CONFIG_DEBUG_INFO_BTF" in probe.wait_log("no BPF program loads")
    server = peers(pair.right, "tcp_peer.py", "listen", "4", "0.0.0.0")
    client = peers(pair.left, "tcp_peer.py", "connect", "4", "10.77.0.2", server.port)
    server.do("accept")
    transfer(client, server, 4711)
    live = probe.snapshot().connections
    assert [(c.bytes_sent, c.tgid) for c in live if c.remote_port == server.port] == [
        (4711, client.pid)]
    assert [(c.bytes_received, c.tgid) for c in live if c.local_port == server.port] == [
        (4711, server.pid)]
    assert os.getpid() in {p.tgid for p in probe.processes().processes}


@pytest.mark.kernel
def test_tier_can_be_forced_down(folder, pair, peers):
    probe = harness.Probe(folder, env={"DD_SYSPROBE_TIER": "tracepoint"}).ready()
    try:
        status = probe.status()
        hooks = {h["hook"]: h.get("variant") for h in status["hooks"]}
        assert status["tier"] == "tracepoint"
        assert hooks["udp"] == "cgroup_skb"
        client = peers(pair.left, "udp_peer.py", "4", "10.77.0.1", 0)
        client.do("sendto 10.77.0.2 9 5")
        flow, = [c for c in probe.snapshot().connections if c.netns == pair.left.inode]
        assert (flow.bytes_sent, flow.tgid) == (5, client.pid)
    finally:
        probe.stop()


@pytest.mark.kernel
@pytest.mark.core
def test_worker_that_accepts_owns_the_connection(probe, pair):
    """In the tier `trampoline`; the other names the listener's process, and says so."""
    hooks = {h["hook"]: h for h in probe.status()["hooks"]}
    if "fexit" not in hooks["accept"]["variant"]:
        pytest.skip(f"no fexit here: {hooks['accept'].get('refused_error')}")
    program = ("import os, socket\n"
               "s = socket.create_server(('0.0.0.0', 0))\n"
               "print(s.getsockname()[1], flush=True)\n"
               "pid = os.fork()\n"
               "if pid == 0:\n"
               "    c, _ = s.accept()\n"
               "    print(os.getpid(), flush=True)\n"
               "    c.recv(1)\n"
               "else:\n"
               "    os.wait()\n")
    server = pair.right.popen("/usr/bin/python3", "-c", program, stdout=-1, text=True)
    port = int(server.stdout.readline())
    with_connection = pair.left.popen("/usr/bin/python3", "-c",
                                      "import socket, sys\n"
                                      f"c = socket.create_connection(('10.77.0.2', {port}))\n"
                                      "sys.stdin.read()\n", stdin=-1)
    worker = int(server.stdout.readline())
    record, = [c for c in probe.snapshot().connections if c.local_port == port]
    with_connection.stdin.close()
    with_connection.wait()
    server.wait()
    assert record.tgid == worker != server.pid
