# SPDX-License-Identifier: Apache-2.0
"""Rights that are left once a process serves, compared with what is checked in.

A file in tests/golden/privileges/ has lines "Key: value" as /proc/PID/status has them
(user and group ids by name, but 65534 as it is) and comments; what it does not name is
not compared.
"""

import grp
import os
import pwd
import socket
import subprocess

import pytest

import harness
from harness import Probe

GOLDEN = harness.ROOT / "tests" / "golden" / "privileges"
GROUP = "daemon"


def read_fields(path):
    lines = [line.split(":", 1) for line in path.read_text().splitlines()
             if line and not line.startswith("#")]
    return {key: " ".join(value.split()) for key, value in lines}


OVERFLOW = 65534  # nobody's group has two names: nogroup and nobody


def names(numbers, of_number):
    return " ".join(n if int(n) == OVERFLOW else of_number(int(n))[0] for n in numbers.split())


def rights(pid):
    fields = read_fields(harness.pathlib.Path(f"/proc/{pid}/status"))
    fields["Uid"] = names(fields["Uid"], pwd.getpwuid)
    fields["Gid"] = names(fields["Gid"], grp.getgrgid)
    fields["Groups"] = names(fields["Groups"], grp.getgrgid)
    return fields


def assert_golden(pid, name):
    expected = read_fields(GOLDEN / name)
    assert len(expected) >= 9
    found = rights(pid)
    assert {key: found[key] for key in expected} == expected


@pytest.fixture
def group_probe(folder):
    process = Probe(folder, env={"DD_SYSPROBE_SOCKET_GROUP": GROUP}).ready()
    yield process
    process.stop()


def powerless(*command, **options):
    """A command as root without any capability."""
    return subprocess.run(["setpriv", "--bounding-set=-all", "--inh-caps=-all", *command],
                          text=True, capture_output=True, **options)


@pytest.mark.kernel
@pytest.mark.core
def test_probe_that_serves_has_exactly_the_expected_rights(group_probe):
    tier = group_probe.status()["tier"]
    if not (GOLDEN / f"system-probe.{tier}").exists():
        pytest.skip(f"no expectation checked in for tier {tier}")
    assert_golden(group_probe.pid, f"system-probe.{tier}")


def test_probe_without_bpf_keeps_exactly_what_namespaces_and_owners_need(folder):
    probe = Probe(folder, env={"DD_SYSPROBE_SOCKET_GROUP": GROUP,
                               "DD_SYSPROBE_TIER": "netlink"}).ready()
    try:
        assert_golden(probe.pid, "system-probe.netlink")
    finally:
        probe.stop()


def test_probe_gives_up_every_right_before_it_serves(group_probe):
    order = [line for line in group_probe.log().splitlines()
             if "privileges dropped" in line or " serving " in line]
    assert len(order) == 2 and "privileges dropped" in order[0]


def test_threads_of_the_probe_have_no_more_rights_than_it(group_probe):
    threads = os.listdir(f"/proc/{group_probe.pid}/task")
    sets = {tuple(rights(f"{group_probe.pid}/task/{t}")[k] for k in ("CapEff", "CapPrm"))
            for t in threads}
    assert len(sets) == 1


def test_memory_of_the_probe_is_closed_to_its_own_user(group_probe):
    """Not dumpable: what root without capabilities may do to others, it may not do to it."""
    sleeper = subprocess.Popen(["setpriv", "--bounding-set=-all", "--inh-caps=-all",
                                "sleep", "60"])
    try:
        harness.until(lambda: rights(sleeper.pid)["CapPrm"].strip("0") == "", "it has no rights")
        assert powerless("cat", f"/proc/{sleeper.pid}/environ").returncode == 0
        refused = powerless("cat", f"/proc/{group_probe.pid}/environ")
    finally:
        sleeper.kill()
        sleeper.wait()
    assert refused.returncode != 0 and "ermission denied" in refused.stderr
    assert powerless("ls", "-l", f"/proc/{group_probe.pid}/fd").returncode != 0


@pytest.mark.kernel
@pytest.mark.core
def test_all_routes_work_with_the_rights_that_are_left(group_probe):
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
        client = socket.create_connection(("127.0.0.1", port))
        server, _ = listener.accept()
        client.sendall(b"x" * 1000)
        live = [c for c in group_probe.snapshot().connections if c.remote_port == port]
        assert [c.bytes_sent for c in live] == [1000]
        client.close()
        server.close()
    closed = group_probe.wait_closed(lambda c: c.remote_port == port, "closed")
    assert [c.tgid for c in closed] == [os.getpid()]
    true = subprocess.Popen(["/bin/true"])
    true.wait()
    assert true.pid in {p.tgid for p in group_probe.processes().processes}
    assert group_probe.status()["counters"]["drain_errors"] == 0


def test_token_of_the_agent_is_read_through_the_group(group_probe):
    """Without CAP_DAC_OVERRIDE root reads a file of another user only as a member of its group."""
    os.chown(group_probe.token_file, pwd.getpwnam("nobody").pw_uid, grp.getgrnam(GROUP).gr_gid)
    assert group_probe.request("/v1/status")[0] == 200
    os.chown(group_probe.token_file, pwd.getpwnam("nobody").pw_uid, 0)
    group_probe.token_file.chmod(0o600)
    assert group_probe.request("/v1/status")[0] == 503


@pytest.mark.kernel
def test_ended_udp_flows_are_deleted_with_the_rights_that_are_left(folder, namespace, peers):
    probe = Probe(folder, env={"DD_SYSPROBE_UDP_IDLE": "1s"}).ready()
    try:
        namespace.run("/usr/bin/python3", "-c", "import socket; socket.socket(socket.AF_INET, "
                      "socket.SOCK_DGRAM).sendto(b'x', ('127.0.0.1', 9))")
        probe.wait_closed(lambda c: c.netns == namespace.inode, "the flow has ended")
        assert not [c for c in probe.snapshot().connections if c.netns == namespace.inode]
        assert "cannot delete" not in probe.log()
    finally:
        probe.stop()


@pytest.mark.skipif(not harness.AGENT.exists(), reason="core-agent is not built")
def test_agent_that_runs_has_exactly_the_expected_rights(folder, probe):
    state = folder / "state"
    state.mkdir()
    os.chown(state, pwd.getpwnam("nobody").pw_uid, pwd.getpwnam("nobody").pw_gid)
    agent = harness.Process([harness.AGENT, "run"], env={
        "DD_SYSPROBE_SOCKET": str(probe.socket), "DD_SYSPROBE_USER": "nobody",
        "DD_CMD_PORT": "0", "DD_EXPVAR_PORT": "0",
        "DD_AUTH_TOKEN_FILE_PATH": str(state / "auth_token"),
        "DD_HISTORY_PATH": str(state / "history.db"), "DD_EXPORTERS": "local"})
    try:
        agent.wait_log(" started ")
        assert_golden(agent.pid, "core-agent")
    finally:
        agent.stop()
