# SPDX-License-Identifier: Apache-2.0
"""core-agent against a probe that fails in each way that a real one might."""
import errno
import json
import os
import pathlib
import secrets
import signal
import sqlite3
import time

import pytest

import fake_probe
from fake_probe import connection, FakeProbe, listener, proto
from harness import AGENT, Process, run, until


class Agent(Process):
    """core-agent on a fake probe's socket; its history and lines are in `folder`."""

    def __init__(self, folder, exporters="local,jsonl", env=None, arguments=(), **options):
        self.folder = pathlib.Path(folder)
        self.lines_file = self.folder / "lines.jsonl"
        self.history_file = self.folder / "history.db"
        self.settings = {
            "DD_SYSPROBE_SOCKET": str(self.folder / "sysprobe.sock"),
            "DD_AUTH_TOKEN_FILE_PATH": str(self.folder / "auth_token"),
            "DD_HISTORY_PATH": str(self.history_file),
            "DD_JSONL_PATH": str(self.lines_file),
            "DD_EXPORTERS": exporters,
            "DD_PROCESS_CONFIG_INTERVALS_CONNECTIONS": "1s",
            "DD_SYSPROBE_DRAIN_INTERVAL": "100ms",
            "DD_SYSPROBE_USER": "nobody",
            "DD_CMD_PORT": "0",
            "DD_EXPVAR_PORT": "0",
            **(env or {})}
        super().__init__([AGENT, *arguments], env=self.settings, **options)

    def history(self):
        """Records and losses as the agent itself prints them."""
        out = run(AGENT, "history", env={**os.environ, **self.settings})
        return [json.loads(line) for line in out.splitlines()]

    def jsonl(self):
        if not self.lines_file.exists():
            return []
        return [json.loads(line) for line in self.lines_file.read_text().splitlines()]

    def wait_history(self, wanted, what):
        return until(lambda: [r for r in self.stored() if wanted(r)], what)

    def stored(self):
        return self.history() if self.history_file.exists() else []

    def n_logged(self, text):
        return self.log().count(text)

    def state(self):
        return pathlib.Path(f"/proc/{self.pid}/stat").read_text().rsplit(")", 1)[1].split()[0]


@pytest.fixture
def start(workplace):
    """Starts agents; what is left of them ends with the test."""
    started = []

    def start_agent(**options):
        started.append(Agent(workplace, **options))
        return started[-1]

    yield start_agent
    for agent in started:
        agent.stop(signal.SIGKILL)


def summed(records, field="bytes_sent"):
    """Of connections and of losses alike: what must add up."""
    return sum(record.get("overflow", record)[field] for record in records)


def closed(records):
    return sorted(record["id"] for record in records if record.get("state") == "closed")


def polled(fake, n=2):
    """`n` more polls were asked for, so that the one before is stored."""
    goal = fake.n_requests("/v1/connections") + n
    until(lambda: fake.n_requests("/v1/connections") >= goal, "polls")


def test_open_and_closed_connection_are_stored_once_with_all_bytes(fake, start):
    fake.live[1] = connection(1, bytes_sent=100)
    agent = start()
    agent.wait_history(lambda r: r.get("id") == 1, "the open connection")
    fake.close(1, bytes_sent=350)
    agent.wait_history(lambda r: r.get("state") == "closed", "the closed connection")
    polled(fake)
    records = agent.history()
    assert [(r["state"], r["bytes_sent"], r["total_bytes_sent"]) for r in records] == [
        ("open", 100, 100), ("closed", 250, 350)]


def test_record_has_the_documented_fields(fake, start):
    fake.live[7] = connection(7, tgid=0)
    agent = start()
    record = agent.wait_history(lambda r: r.get("id") == 7, "the connection")[0]
    assert record.pop("time").endswith("Z")
    assert record == {
        "id": 7, "probe_instance": fake.instance.hex(), "state": "open", "proto": "tcp",
        "family": "ipv4", "direction": "outgoing", "role": "client", "local_ip": "10.0.0.1",
        "local_port": 1031, "remote_ip": "10.0.0.7", "remote_port": 443, "netns": 4026531840,
        "comm": "client", "bytes_sent": 100, "bytes_received": 1000, "packets_sent": 2,
        "packets_received": 3, "retransmits": 0, "total_bytes_sent": 100,
        "total_bytes_received": 1000, "total_packets_sent": 2, "total_packets_received": 3,
        "total_retransmits": 0, "rtt_us": 150, "rtt_var_us": 20}


def test_what_was_measured_is_in_the_record_and_nothing_else(fake, start):
    fake.live[7] = connection(
        7, min_rtt_us=90, established_ns=10**9, accepted_ns=10**9 + 42000, retransmits_timeout=1,
        retransmits_fast=2, retransmits_probe=3, reorderings=4, out_of_order=5, ecn=True,
        delivered_ce=6, zero_window_probes=7, lost=8, cwnd=9, delivery_bytes_per_s=1 << 40,
        reset_sent=False, reset_received=True, closed_first=proto.SIDE_REMOTE, tcp_state=8,
        owner_is_listener=True, drops=[proto.Drop(reason="TCP_CSUM", packets=2)])
    fake.live[8] = connection(8)
    agent = start()
    agent.wait_history(lambda r: r.get("id") == 8, "the connections")
    measured, bare = sorted(agent.history()[:2], key=lambda r: r["id"])
    assert {name: measured[name] for name in set(measured) - set(bare)} == {
        "min_rtt_us": 90, "accept_us": 42, "retransmits_timeout": 1, "retransmits_fast": 2,
        "retransmits_probe": 3, "reorderings": 4, "out_of_order": 5, "ecn": True,
        "delivered_ce": 6, "zero_window_probes": 7, "lost": 8, "cwnd": 9,
        "delivery_bytes_per_s": 1 << 40, "reset_sent": False, "reset_received": True,
        "closed_first": "remote", "tcp_state": "CLOSE_WAIT", "owner_is_listener": True,
        "drops": {"TCP_CSUM": 2}}


def test_counter_that_the_probe_cannot_know_is_absent_and_not_zero(fake, start):
    fake.live[7] = connection(7, protocol=proto.PROTOCOL_UDP, known_fields=0)
    agent = start()
    record = agent.wait_history(lambda r: r.get("id") == 7, "the connection")[0]
    assert [name for name in record if "bytes" in name or "packets" in name
            or "retransmits" in name] == []
    polled(fake)
    assert len(agent.history()) == 1  # and it counts as idle


@pytest.mark.parametrize("name", ["ECONNREFUSED", "ETIMEDOUT", "ENETUNREACH", "EHOSTUNREACH",
                                  "ECANCELED", "EADDRNOTAVAIL"])
def test_failed_attempt_says_why_and_how_long_it_took(fake, start, name):
    now = time.clock_gettime_ns(time.CLOCK_BOOTTIME)
    fake.close(5, state=proto.STATE_FAILED, error=getattr(errno, name), started_ns=now,
               closed_ns=now + 1500 * 10**6)
    agent = start()
    record = agent.wait_history(lambda r: r.get("id") == 5, "the attempt")[0]
    assert (record["state"], record["error"], record["duration_ms"]) == ("failed", name, 1500)
    assert record["started"].endswith("Z") and "connect_us" not in record


def listeners(records):
    return [r for r in records if r.get("state") == "listening"]


def test_listener_is_reported_when_new_and_when_it_refused_more(fake, start):
    fake.live[1] = listener(1, dropped_attempts=5)
    fake.live[2] = connection(2)
    agent = start()
    agent.wait_history(lambda r: r.get("id") == 2, "the connection")
    polled(fake)
    with fake.lock:
        fake.live[1].dropped_attempts, fake.live[1].synack_retransmits = 7, 1
    agent.wait_history(lambda r: r.get("dropped_attempts"), "the refusals")
    polled(fake)
    first, second = listeners(agent.history())
    assert first.pop("time") < second.pop("time")
    known = {"id": 1, "probe_instance": fake.instance.hex(), "state": "listening",
             "proto": "tcp", "family": "ipv4", "local_ip": "0.0.0.0", "local_port": 443,
             "netns": 4026531840, "comm": "server", "accept_queue": 0, "accept_queue_max": 128}
    assert first == {**known, "total_dropped_attempts": 5, "total_synack_retransmits": 0}
    assert second == {**known, "total_dropped_attempts": 7, "total_synack_retransmits": 1,
                      "dropped_attempts": 2, "synack_retransmits": 1}
    assert [{**r, "time": None} for r in listeners(agent.jsonl())] == [
        {**first, "time": None}, {**second, "time": None}]


def test_listener_is_in_no_count_of_connections(fake, start, workplace):
    fake.live = {1: listener(1), 2: connection(2)}
    screen = workplace / "screen"
    with open(screen, "w") as out:
        agent = start(exporters="table,local", stdout=out)
    agent.wait_history(lambda r: r.get("id") == 2, "the connection")
    polled(fake)
    assert agent.stop() == 0
    assert " 1 connections " in screen.read_text() and "server" not in screen.read_text()
    assert "name=local connections=1 " in agent.log()


def test_listener_that_does_not_fit_is_counted(fake, start):
    fake.live = {n: listener(n, local_port=n % 60000 + 1) for n in range(1, 16384 + 12)}
    agent = start(exporters="jsonl", env={"DD_PROCESS_CONFIG_INTERVALS_CONNECTIONS": "1h"})
    until(lambda: fake.n_requests("/v1/closed") >= 2, "a whole poll")
    assert agent.stop() == 0
    assert " listeners_left_out=11 " in agent.log()
    assert len(agent.jsonl()) == 16384


def ends(number, **fields):
    """Both ends of one connection between two network namespaces of a host."""
    client = connection(number, netns=1, **fields)
    server = connection(number + 1, netns=2, role=proto.ROLE_SERVER, **fields)
    server.local_address, server.remote_address = client.remote_address, client.local_address
    server.local_port, server.remote_port = client.remote_port, client.local_port
    return client, server


def directions(records):
    return {r["id"]: r["direction"] for r in records if "id" in r}


def test_both_ends_on_this_host_are_local_from_their_first_record(fake, start):
    fake.live[21], fake.live[22] = ends(21)
    fake.live[23] = connection(23)
    for record in (*ends(11), connection(13, role=proto.ROLE_SERVER)):
        fake.live[record.id] = record
        fake.close(record.id)
    agent = start()
    agent.wait_history(lambda r: r.get("id") == 13, "the last of them")
    records = agent.history()
    assert directions(records) == {21: "local", 22: "local", 23: "outgoing", 11: "local",
                                   12: "local", 13: "incoming"}
    assert summed([r for r in records if r["direction"] == "local" and r["role"] == "client"
                   ]) == 100 + 100  # each pair once


def test_end_that_closed_earlier_is_found_by_the_other(fake, start):
    client, server = ends(21)
    fake.live[21] = client
    fake.close(21)
    agent = start()
    agent.wait_history(lambda r: r.get("id") == 21, "the client's end")
    with fake.lock:
        fake.live[22] = server
        fake.close(22)
    record = agent.wait_history(lambda r: r.get("id") == 22, "the server's end")[0]
    assert record["direction"] == "local"


def test_connection_older_than_the_probe_gets_its_role_from_what_listens(fake, start):
    fake.live[4] = connection(4, role=proto.ROLE_UNSPECIFIED, local_port=443)
    fake.live[5] = connection(5, role=proto.ROLE_UNSPECIFIED)
    fake.live[6] = listener(6)
    agent = start()
    until(lambda: {"incoming", "outgoing"} <= {r.get("direction") for r in agent.jsonl()}, "both")
    records = [r for r in agent.jsonl() if r["state"] == "open"]
    assert {(r["role"], r["direction"]) for r in records if r["id"] == 4} == {
        ("server", "incoming")}
    # Until a whole poll was read another listener may still come.
    assert [(r.get("role"), r.get("direction")) for r in records if r["id"] == 5][:2] == [
        (None, None), ("client", "outgoing")]


def test_closed_connections_are_stored_between_polls(fake, start):
    agent = start(env={"DD_PROCESS_CONFIG_INTERVALS_CONNECTIONS": "1h"})
    until(lambda: fake.n_requests("/v1/closed") > 2, "drains")
    fake.close(5)
    agent.wait_history(lambda r: r.get("id") == 5, "the closed connection")
    assert fake.n_requests("/v1/connections") == 1


def test_process_log_names_the_owner(fake, start):
    fake.process_log.append(proto.Process(
        event=proto.Process.EVENT_EXEC, tgid=4000001, start_ns=5, time_ns=6, comm="worker",
        executable=b"/usr/bin/worker", command_line=b"worker\0--fast\0"))
    fake.close(9, tgid=4000001, process_start_ns=5)
    agent = start()
    record = agent.wait_history(lambda r: r.get("id") == 9, "the connection")[0]
    assert (record["exe"], record["cmdline"]) == ("/usr/bin/worker", "worker --fast")


def test_udp_flow_is_named_although_its_process_ended_when_it_went_idle(fake, start):
    """The probe ends a flow of both directions 120 s after its last datagram."""
    now_ns = time.clock_gettime_ns(time.CLOCK_BOOTTIME)
    process = {"tgid": 4000001, "start_ns": 5, "comm": "dig", "cgroup_name": b"c" * 64}
    fake.process_log.append(proto.Process(
        event=proto.Process.EVENT_EXEC, time_ns=now_ns, executable=b"/usr/bin/dig",
        command_line=b"dig\0", **process))
    fake.process_log.append(proto.Process(
        event=proto.Process.EVENT_EXIT, time_ns=now_ns, **process))
    agent = start()
    polled(fake)
    fake.ahead_ns = 122 * 10**9
    polled(fake)
    fake.close(9, tgid=4000001, process_start_ns=5, protocol=proto.PROTOCOL_UDP)
    record = agent.wait_history(lambda r: r.get("id") == 9, "the flow")[0]
    assert (record["exe"], record["container_id"]) == ("/usr/bin/dig", "c" * 64)


def test_idle_connection_is_stored_once_and_written_every_interval(fake, start):
    fake.live[1] = connection(1)
    agent = start()
    until(lambda: len(agent.jsonl()) >= 3, "three lines")
    assert len(agent.history()) == 1


def test_processes_are_asked_from_one_and_then_onwards(fake, start):
    fake.process_log.append(proto.Process(event=proto.Process.EVENT_EXEC, tgid=5, start_ns=1))
    start()
    until(lambda: fake.n_requests("/v1/processes") >= 2, "two requests")
    assert [n for path, n in fake.requests if path == "/v1/processes"][:2] == [1, 2]


@pytest.mark.parametrize("fault, sentence", [
    (fake_probe.truncated(2), "was cut short"),
    (fake_probe.without_trailer, "was cut short"),
    (fake_probe.oversized, "over the limits"),
    (fake_probe.garbage, "cannot decode"),
    (fake_probe.status(401, "no"), "refuses the auth token"),
    (fake_probe.status(403, "no"), "refuses the auth token"),
    (fake_probe.status(503, "no BTF on this kernel\n"), "no BTF on this kernel"),
    (fake_probe.status(404, "no"), "unexpected answer"),
], ids=["truncated", "no-trailer", "oversized", "garbage", "401", "403", "503", "404"])
def test_fault_is_said_once_and_nothing_is_lost_or_repeated(fake, start, fault, sentence):
    for number in range(1, 2501):
        fake.close(number)
    fake.faults["/v1/closed"] = fault
    agent = start()
    agent.wait_log(sentence)
    goal = fake.n_requests("/v1/closed") + 3
    until(lambda: fake.n_requests("/v1/closed") >= goal, "three more tries")
    fake.faults.clear()
    agent.wait_log("system-probe answers again")
    agent.wait_history(lambda r: r.get("id") == 2500, "the last connection")
    assert agent.n_logged(sentence) == 1
    assert closed(agent.history()) == list(range(1, 2501))
    assert closed(agent.jsonl()) == list(range(1, 2501))


def test_poll_cut_short_reports_each_byte_once(fake, start):
    fake.live = {n: connection(n, bytes_sent=100) for n in range(1, 2501)}
    fake.faults["/v1/connections"] = fake_probe.truncated(2)
    agent = start()
    agent.wait_log("was cut short")
    for record in fake.live.values():
        record.bytes_sent += 11
    fake.faults.clear()
    agent.wait_history(lambda r: r.get("id") == 2500, "the last connection")
    polled(fake)
    assert summed(agent.history()) == 2500 * 111


def test_restarted_probe_is_read_from_its_beginning(fake, start):
    for number in range(1, 11):
        fake.close(number)
    agent = start()
    agent.wait_history(lambda r: r.get("id") == 10, "the last of the first instance")
    fake.restart()
    fake.close(3, bytes_sent=33)
    agent.wait_history(lambda r: r.get("bytes_sent") == 33, "the one of the second instance")
    agent.wait_log("was restarted")
    new = [r for r in agent.history() if r["probe_instance"] == fake.instance.hex()]
    assert [(r["id"], r["bytes_sent"]) for r in new] == [(3, 33)]


def test_gap_in_the_closed_log_is_reported_with_its_exact_sum(fake, start):
    fake.close(1)
    agent = start()
    agent.wait_history(lambda r: r.get("id") == 1, "the first connection")
    with fake.lock:
        for number in range(2, 7):
            fake.close(number, bytes_sent=1000 * number)
        fake.closed.evict(5)  # the first and four that were not read
    agent.wait_history(lambda r: r.get("id") == 6, "the last connection")
    polled(fake)
    losses = [r["overflow"] for r in agent.history() if "overflow" in r]
    assert [(o["cause"], o["connections"], o["bytes_sent"]) for o in losses] == [
        ("closed_log", 4, 2000 + 3000 + 4000 + 5000)]


def test_lost_close_of_a_reported_connection_counts_its_bytes_once(fake, start):
    fake.live[1] = connection(1, bytes_sent=700)
    agent = start()
    agent.wait_history(lambda r: r.get("id") == 1, "the open connection")
    with fake.lock:
        fake.close(1, bytes_sent=900)
        fake.closed.evict(1)
    agent.wait_history(lambda r: "overflow" in r, "the loss")
    polled(fake, 4)  # then it has vanished
    with fake.lock:
        fake.close(2, bytes_sent=5000)
        fake.closed.evict(1)
    agent.wait_history(lambda r: r.get("overflow", {}).get("bytes_sent") == 4300, "the rest")
    assert summed(agent.history()) == 900 + 5000


def test_overflow_totals_become_losses_of_an_interval(fake, start):
    fake.overflow["udp_table_full"] = proto.Overflow(cause="udp_table_full", connections=3)
    agent = start()
    agent.wait_history(lambda r: "overflow" in r, "the first loss")
    fake.overflow["udp_table_full"].connections = 5
    agent.wait_history(lambda r: r.get("overflow", {}).get("connections") == 2, "the second loss")
    assert [r["overflow"]["connections"] for r in agent.history()] == [3, 2]


def test_agent_killed_between_reading_and_storing_goes_on_where_the_file_says(fake, start):
    fake.live[1] = connection(1, bytes_sent=100)
    agent = start()
    agent.wait_history(lambda r: r.get("id") == 1, "a stored interval")
    stalled = fake_probe.Stalled(3)
    with fake.lock:
        fake.faults["/v1/closed"] = stalled
        fake.close(1, bytes_sent=160)
        for number in range(2, 1802):
            fake.close(number)
    stalled.is_reached.wait(30)
    until(lambda: agent.state() == "S", "all was read")
    agent.stop(signal.SIGKILL)
    assert closed(agent.history()) == []
    fake.faults.clear()
    stalled.released.set()
    again = start()
    again.wait_history(lambda r: r.get("id") == 1801, "the last connection")
    assert closed(again.history()) == list(range(1, 1802))
    assert summed(again.history()) == 160 + 1800 * 100


def test_restarted_agent_repeats_nothing(fake, start):
    fake.live[1] = connection(1, bytes_sent=100)
    for number in range(2, 12):
        fake.close(number)
    fake.overflow["x"] = proto.Overflow(cause="x", connections=3)
    agent = start()
    agent.wait_history(lambda r: r.get("id") == 11, "the last connection")
    polled(fake)
    assert agent.stop() == 0
    before = agent.history()
    again = start()
    polled(fake)
    assert again.stop() == 0
    assert again.history() == before


def test_invalid_record_is_skipped_and_its_bytes_count_as_lost(fake, start):
    fake.close(1, remote_port=70000, bytes_sent=77)
    fake.close(2)
    agent = start()
    agent.wait_history(lambda r: "overflow" in r, "the loss")
    assert closed(agent.history()) == [2]
    assert [r["overflow"]["bytes_sent"] for r in agent.history() if "overflow" in r] == [77]


def test_probe_that_is_not_running_is_said_once_until_it_comes(workplace, start):
    agent = start()
    agent.wait_log("system-probe is not running")
    with FakeProbe(workplace / "sysprobe.sock") as fake:
        fake.close(1)
        agent.wait_log("system-probe answers again")
        agent.wait_history(lambda r: r.get("id") == 1, "the connection")
    assert agent.n_logged("system-probe is not running") == 1


def test_socket_without_permission_is_said_with_the_remedy(fake, start):
    os.chmod(fake.path, 0o700)
    line = start().wait_log("not allowed to open the socket")
    assert "group that owns the socket" in line


def test_changed_token_is_used_without_restart(fake, start, workplace):
    start()
    until(lambda: fake.authorization, "a request")
    token = secrets.token_hex(32)
    (workplace / "auth_token.new").write_text(token)
    (workplace / "auth_token.new").chmod(0o644)
    (workplace / "auth_token.new").rename(workplace / "auth_token")
    until(lambda: f"Bearer {token}" in fake.authorization, "a request with the new token")


def test_token_directory_that_is_missing_is_said_and_ends_the_agent(start):
    agent = start(env={"DD_AUTH_TOKEN_FILE_PATH": "/nonexistent/token"})
    assert agent.wait() == 1
    assert "make its directory" in agent.log()


def test_unknown_exporter_is_refused_with_the_known_ones(start):
    agent = start(exporters="local,kafka")
    assert agent.wait() == 1
    assert "known=\"local, jsonl, table, intake\"" in agent.log()


def test_wrong_setting_is_one_line_and_exit_code_2(start):
    agent = start(arguments=["--poll-interval", "100ms"])
    assert agent.wait() == 2
    assert len(agent.log().splitlines()) == 1


def test_agent_runs_without_rights(fake, start):
    agent = start()
    until(lambda: fake.requests, "a request")
    status = dict(line.split(":\t", 1) for line in
                  pathlib.Path(f"/proc/{agent.pid}/status").read_text().splitlines())
    assert status["Uid"].split() == ["65534"] * 4
    assert [status[s].strip("0") for s in ("CapEff", "CapPrm", "CapInh", "CapAmb")] == [""] * 4
    assert status["NoNewPrivs"] == "1"


def test_reader_that_goes_away_ends_the_agent_with_success(fake, start):
    fake.live[1] = connection(1)
    reader, writer = os.pipe()
    agent = start(exporters="jsonl", env={"DD_JSONL_PATH": "-"}, stdout=writer)
    os.close(writer)
    os.read(reader, 1)
    os.close(reader)
    assert agent.wait() == 0


def test_lines_file_is_opened_anew_on_sighup(fake, start):
    fake.live[1] = connection(1)
    agent = start(exporters="jsonl")
    until(agent.jsonl, "a line")
    agent.lines_file.rename(agent.folder / "old.jsonl")
    os.kill(agent.pid, signal.SIGHUP)
    assert until(agent.jsonl, "a line in the new file")


def test_history_is_bounded_and_keeps_the_newest(fake, start):
    for number in range(1, 1001):
        fake.close(number)
    agent = start(env={"DD_HISTORY_MAX_RECORDS": "100"})
    agent.wait_history(lambda r: r.get("id") == 1000, "the last connection")
    assert closed(agent.history()) == list(range(901, 1001))


def test_history_limit_prints_the_newest(fake, start):
    for number in range(1, 11):
        fake.close(number)
    agent = start()
    agent.wait_history(lambda r: r.get("id") == 10, "the last connection")
    out = run(AGENT, "history", "--limit", "2", env={**os.environ, **agent.settings})
    assert [json.loads(line)["id"] for line in out.splitlines()] == [9, 10]


def test_history_that_cannot_be_opened_is_said_once_and_done_without(fake, start):
    fake.live[1] = connection(1, bytes_sent=10)
    agent = start(exporters="jsonl", env={"DD_HISTORY_PATH": "/nonexistent/history.db"})
    until(lambda: len(agent.jsonl()) >= 2, "two intervals")
    assert agent.n_logged("cannot open the history") == 1
    assert summed(agent.jsonl()) == 10


def test_file_that_is_no_database_is_left_alone(fake, start, workplace):
    path = workplace / "history.db"
    path.write_text("not a database, and long enough to be taken for a header " * 20)
    path.chmod(0o666)
    agent = start(exporters="jsonl")
    assert "move the file away" in agent.wait_log("cannot open the history")
    assert path.read_text().startswith("not a database")


def test_full_disk_keeps_records_until_there_is_room(fake, start, workplace):
    disk = workplace / "disk"
    disk.mkdir()
    run("mount", "-t", "tmpfs", "-o", "size=1m,mode=777", "tmpfs", str(disk))
    try:
        agent = start(exporters="local", env={"DD_HISTORY_PATH": str(disk / "history.db")})
        agent.history_file = disk / "history.db"
        until(agent.history_file.exists, "the database")
        fake.close(1)
        agent.wait_history(lambda r: r.get("id") == 1, "the first connection")
        fill(disk / "ballast")
        for number in range(2, 502):
            fake.close(number)
        agent.wait_log("cannot store the history")
        fake.close(502)
        (disk / "ballast").unlink()
        agent.wait_log("the history is stored again")
        agent.wait_history(lambda r: r.get("id") == 502, "the last connection")
        assert closed(agent.history()) == list(range(1, 503))
        agent.stop()
    finally:
        run("umount", "-l", str(disk))


def fill(path):
    with open(path, "wb", buffering=0) as file:
        try:
            while True:
                file.write(b"x" * 4096)
        except OSError:
            pass


def test_saved_state_and_records_are_of_the_same_interval(fake, start):
    for number in range(1, 21):
        fake.close(number)
    agent = start()
    agent.wait_history(lambda r: r.get("id") == 20, "the last connection")
    with sqlite3.connect(f"file:{agent.history_file}?mode=ro", uri=True) as database:
        saved = dict(database.execute("SELECT name, value FROM meta"))
        count = database.execute("SELECT count(*) FROM record").fetchone()[0]
    assert (saved["closed_next"], count) == (21, 20)


def test_table_shows_the_busiest_connection_first(fake, start, workplace):
    fake.live = {1: connection(1, bytes_sent=5), 2: connection(2, bytes_sent=5000, comm="busy")}
    screen = workplace / "screen"
    with open(screen, "w") as out:
        start(exporters="table", stdout=out)
    until(lambda: len(screen.read_text().splitlines()) >= 4, "a screen")
    lines = screen.read_text().splitlines()
    assert "tier fake" in lines[0] and "busy" in lines[2] and "client" in lines[3]


def test_sigterm_ends_with_success_and_a_stored_interval(fake, start):
    fake.live[1] = connection(1)
    agent = start()
    agent.wait_history(lambda r: r.get("id") == 1, "the connection")
    assert agent.stop() == 0
    assert "ended" in agent.log()


def test_idle_agent_stays_small(fake, start):
    fake.live = {n: connection(n) for n in range(1, 101)}
    agent = start(exporters="local")
    polled(fake, 3)
    status = pathlib.Path(f"/proc/{agent.pid}/status").read_text()
    rss_kib = int(status.split("VmRSS:")[1].split()[0])
    assert rss_kib <= 24 * 1024
