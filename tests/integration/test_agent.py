# SPDX-License-Identifier: Apache-2.0
"""Both processes together: what comes out of the agent equals what programs did."""

import grp
import json
import os
import pathlib
import signal
import sqlite3
import subprocess

import pytest

import harness
import intake_server
from harness import until
from peers import transfer
from test_intake_exporter import make_certificate

FOR_NOBODY = {"DD_SYSPROBE_SOCKET_GROUP": grp.getgrgid(harness.NOBODY).gr_name}


class Agent(harness.Process):
    """core-agent as nobody, with records to a file that the test reads."""

    def __init__(self, probe, env=None, prefix=()):
        self.state = probe.folder / "state"
        self.state.mkdir(exist_ok=True)
        os.chown(self.state, harness.NOBODY, harness.NOBODY)
        self.records_file = self.state / "records.jsonl"
        self.history_file = self.state / "history.db"
        super().__init__([*prefix, harness.AGENT, "run"], env={
            "DD_SYSPROBE_SOCKET": str(probe.socket), "DD_SYSPROBE_USER": "nobody",
            "DD_CMD_PORT": "0", "DD_EXPVAR_PORT": "0",
            "DD_AUTH_TOKEN_FILE_PATH": str(probe.token_file), "DD_EXPORTERS": "jsonl,local",
            "DD_JSONL_PATH": str(self.records_file), "DD_HISTORY_PATH": str(self.history_file),
            "DD_PROCESS_CONFIG_INTERVALS_CONNECTIONS": "1s", **(env or {})})

    def records(self):
        if not self.records_file.exists():
            return []
        lines = self.records_file.read_text().split("\n")
        return [json.loads(line) for line in lines[:-1]]  # the last is empty or not whole yet

    def connections(self, netns):
        return [r for r in self.records()
                if r.get("netns") == netns.inode and r["state"] != "listening"]

    def listeners(self, netns):
        return [r for r in self.records()
                if r.get("netns") == netns.inode and r["state"] == "listening"]

    def stored(self):
        try:
            with sqlite3.connect(f"file:{self.history_file}?mode=ro", uri=True) as db:
                return [json.loads(row[0]) for row in db.execute("SELECT json FROM record")]
        except sqlite3.OperationalError:  # the agent has not made it yet
            return []


@pytest.fixture
def probe(folder):
    process = harness.Probe(folder, env=FOR_NOBODY).ready()
    yield process
    process.stop()


@pytest.fixture
def start_agent(probe):
    started = []

    def start(**options):
        started.append(Agent(probe, **options))
        return started[-1]

    yield start
    for agent in started:
        agent.stop()
        print(agent.log())  # shown when the test has failed


def closed(records, port):
    return [r for r in records if r["state"] == "closed" and r["remote_port"] == port]


def test_deltas_add_up_to_the_total(probe, start_agent, pair, peers):
    agent = start_agent()
    server = peers(pair.right, "tcp_peer.py", "listen", "4", "0.0.0.0")
    client = peers(pair.left, "tcp_peer.py", "connect", "4", "10.77.0.2", server.port)
    server.do("accept")
    for size in (1000, 200000, 3):
        transfer(client, server, size)
        n = len(agent.connections(pair.left))
        until(lambda: len(agent.connections(pair.left)) > n, "another interval")
    client.do("close")
    server.do("close")
    last, = until(lambda: closed(agent.connections(pair.left), server.port), "closed")
    intervals = agent.connections(pair.left)

    assert len({r["id"] for r in intervals}) == 1
    assert sum(r["bytes_sent"] for r in intervals) == 201003 == last["total_bytes_sent"]
    assert sum(r["packets_sent"] for r in intervals) == last["total_packets_sent"]
    assert all(r["bytes_sent"] >= 0 for r in intervals)
    assert last["pid"] == client.pid
    assert last["exe"] == os.path.realpath("/usr/bin/python3") or last["exe"] == "/usr/bin/python3"
    assert "tcp_peer.py connect" in last["cmdline"]
    assert last["user"] == "root"
    assert (last["direction"], last["role"], last["proto"], last["family"]) == \
        ("local", "client", "tcp", "ipv4")


def test_process_of_a_few_milliseconds_is_named(probe, start_agent, pair, peers):
    agent = start_agent()
    agent.wait_log("met system-probe")
    server = peers(pair.right, "tcp_peer.py", "listen", "4", "0.0.0.0")
    ended = pair.left.popen("socat", "-u", "OPEN:/dev/null", f"TCP:10.77.0.2:{server.port}")
    ended.wait(harness.DEADLINE_S)
    server.do("accept", "close")
    record, = until(lambda: closed(agent.connections(pair.left), server.port), "its record")
    assert record["pid"] == ended.pid
    assert record["comm"] == "socat"
    assert record["exe"].endswith("/socat")
    assert record["cmdline"] == f"socat -u OPEN:/dev/null TCP:10.77.0.2:{server.port}"


@pytest.fixture
def cgroup():
    """A cgroup named as Docker names a container's, in the kernel's own v2 hierarchy."""
    root = next(line.split()[1] for line in open("/proc/mounts") if line.split()[2] == "cgroup2")
    name = os.urandom(32).hex()
    parent = pathlib.Path(root) / "docker"
    had_parent = parent.exists()
    (parent / name).mkdir(parents=True)
    yield parent / name
    until(lambda: not (parent / name / "cgroup.procs").read_text(), "the cgroup is empty")
    (parent / name).rmdir()
    if not had_parent:
        parent.rmdir()


def test_short_lived_process_of_a_container_has_its_container(probe, start_agent, pair, peers,
                                                              cgroup):
    agent = start_agent()
    agent.wait_log("met system-probe")
    server = peers(pair.right, "tcp_peer.py", "listen", "4", "0.0.0.0")
    pair.left.run("sh", "-c", f"echo $$ >{cgroup}/cgroup.procs && "
                  f"exec socat -u OPEN:/dev/null TCP:10.77.0.2:{server.port}")
    server.do("accept", "close")
    record, = until(lambda: closed(agent.connections(pair.left), server.port), "its record")
    assert record["container_id"] == cgroup.name


def test_udp_and_overflow_reach_the_agent(folder, namespace):
    probe = harness.Probe(folder, env={
        "DD_SYSTEM_PROBE_CONFIG_MAX_TRACKED_CONNECTIONS": "1024", **FOR_NOBODY}).ready()
    agent = Agent(probe)
    try:
        agent.wait_log("met system-probe")
        before = namespace.snmp("Udp")["OutDatagrams"]
        namespace.run(str(harness.BUILD / "tests" / "integration" / "udp-flows"), "5000")
        sent = namespace.snmp("Udp")["OutDatagrams"] - before

        def account():
            flows = agent.connections(namespace)
            lost = [r["overflow"] for r in agent.records() if "overflow" in r]
            return (sum(r["bytes_sent"] for r in flows)
                    + sum(o["bytes_sent"] for o in lost)) == 10 * sent

        until(account, "records + overflow = what was sent")
        causes = {r["overflow"]["cause"] for r in agent.records() if "overflow" in r}
        assert causes == {"udp_table_full"}
    finally:
        agent.stop()
        probe.stop()


CHURN = 2000


def churn(namespace):
    out = namespace.run(str(harness.BUILD / "tests" / "integration" / "tcp-churn"), str(CHURN))
    return int(out.split()[0])


def test_kill_between_reading_and_storing_loses_no_closed_connection(probe, start_agent, namespace):
    """The agent dies by SIGKILL while records pour in, again and again."""
    total = 0
    for _ in range(5):
        agent = start_agent()
        agent.wait_log(" started ")
        total += churn(namespace)
        agent.popen.send_signal(signal.SIGKILL)
        agent.wait()
    agent = start_agent()

    def stored():
        records = [r for r in agent.stored() if r.get("netns") == namespace.inode
                   and r["state"] == "closed"]
        return len(records) >= 5 * 2 * CHURN and records

    records = until(stored, "everything is stored")
    ids = [r["id"] for r in records]
    assert len(ids) == len(set(ids)) == 5 * 2 * CHURN
    assert sum(r["total_bytes_sent"] for r in records) == total
    assert sum(r["bytes_sent"] for r in records) <= total


def test_agent_restart_counts_nothing_twice(probe, start_agent, pair, peers):
    server = peers(pair.right, "tcp_peer.py", "listen", "4", "0.0.0.0")
    client = peers(pair.left, "tcp_peer.py", "connect", "4", "10.77.0.2", server.port)
    server.do("accept")
    transfer(client, server, 70000)
    first = start_agent()
    until(lambda: [r for r in first.stored() if r.get("netns") == pair.left.inode],
          "the first agent stored it")
    first.popen.send_signal(signal.SIGKILL)
    first.wait()
    transfer(client, server, 5)
    client.do("close")
    server.do("close")
    second = start_agent()
    until(lambda: closed([r for r in second.stored() if r.get("netns") == pair.left.inode],
                         server.port), "closed")
    mine = [r for r in second.stored() if r.get("netns") == pair.left.inode]
    assert sum(r["bytes_sent"] for r in mine) == 70005


def test_probe_restart_gives_no_negative_and_no_double_counts(folder, pair, peers):
    server = peers(pair.right, "tcp_peer.py", "listen", "4", "0.0.0.0")
    client = peers(pair.left, "tcp_peer.py", "connect", "4", "10.77.0.2", server.port)
    server.do("accept")
    first = harness.Probe(folder, env=FOR_NOBODY).ready()
    agent = Agent(first)
    second = None
    try:
        transfer(client, server, 70000)
        until(lambda: sum(r["bytes_sent"] for r in agent.connections(pair.left)) == 70000, "seen")
        first.stop()
        second = harness.Probe(folder, env=FOR_NOBODY).ready()
        transfer(client, server, 7)
        until(lambda: len({r["probe_instance"] for r in agent.connections(pair.left)}) == 2,
              "the new probe is met")
        client.do("close")
        server.do("close")
        until(lambda: closed(agent.connections(pair.left), server.port), "closed")
        new = [r for r in agent.connections(pair.left)
               if r["probe_instance"] != agent.records()[0]["probe_instance"]]
        assert all(r["bytes_sent"] >= 0 for r in agent.connections(pair.left))
        assert new[-1]["total_bytes_sent"] == 70007
        assert sum(r["bytes_sent"] for r in agent.connections(pair.left)) == 70007
    finally:
        for process in (agent, first, second):
            if process:
                process.stop()


def test_dev_run_into_a_pipe_is_one_json_object_a_line(pair, peers):
    """The newcomer's first command, on this machine, and nothing is left of it."""
    before = set(os.listdir("/run"))
    running = subprocess.Popen([harness.ROOT / "dev", "run"], stdout=subprocess.PIPE,
                               stderr=subprocess.PIPE, text=True, start_new_session=True,
                               env={**os.environ, "SYSPROBE_BUILD": str(harness.BUILD)})
    try:
        server = peers(pair.right, "tcp_peer.py", "listen", "4", "0.0.0.0")
        peers(pair.left, "tcp_peer.py", "connect", "4", "10.77.0.2", server.port)
        for line in running.stdout:
            record = json.loads(line)
            if record.get("netns") == pair.left.inode:
                break
        assert record["remote_port"] == server.port
    finally:
        for _ in range(2):  # somebody in a hurry
            os.killpg(running.pid, signal.SIGINT)
        running.stdout.close()
        error = running.stderr.read()
        running.wait(harness.DEADLINE_S)
    assert {f for f in set(os.listdir("/run")) - before if f.startswith("sysprobe-dev")} == set()
    assert "serving" in error


def test_connection_reaches_the_intake_whole(probe, pair, peers):
    """From a real socket to what a strict intake decodes, over TLS."""
    certificate, key = make_certificate(probe.folder, "intake")
    with intake_server.IntakeServer(certificate, key, api_key="k" * 32) as intake:
        agent = Agent(probe, env={
            "DD_EXPORTERS": "intake", "DD_API_KEY": "k" * 32,
            "DD_PROCESS_AGENT_URL": intake.url, "DD_SYSPROBE_TLS_CA_FILE": str(certificate)})
        try:
            server = peers(pair.right, "tcp_peer.py", "listen", "4", "0.0.0.0")
            client = peers(pair.left, "tcp_peer.py", "connect", "4", "10.77.0.2", server.port)
            server.do("accept")
            transfer(client, server, 12345)
            client.do("close")
            server.do("close")

            def arrived():
                connections = [c for post in intake.taken() for c in post.message.connections
                               if c.raddr.port == server.port and c.raddr.ip == "10.77.0.2"]
                return sum(c.lastBytesSent for c in connections) == 12345 and connections

            connections = until(arrived, "all bytes at the intake")
            assert {c.pid for c in connections} == {client.pid}
            assert {c.netNS for c in connections} == {pair.left.inode}
            assert sum(c.lastTcpClosed for c in connections) == 1
            assert intake.violations == []
        finally:
            agent.stop()
            print(agent.log())
