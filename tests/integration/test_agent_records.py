# SPDX-License-Identifier: Apache-2.0
"""What core-agent tells of each connection, listener and process."""
import errno
import time

import pytest

from agent_on_fake import polled, start, summed  # noqa: F401, fixture
from fake_probe import connection, ends, listener, proto
from harness import until


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


def test_process_that_began_after_the_processes_were_read_is_named_all_the_same(fake, start):
    """Begins, connects and ends between the two reads of one round."""
    def between(pieces):
        fake.faults.clear()
        fake.process_log.append(proto.Process(
            event=proto.Process.EVENT_EXEC, tgid=77, start_ns=5, executable=b"/bin/short"))
        fake.close(1, tgid=77, process_start_ns=5, bytes_sent=400)
        fake.close(2, bytes_sent=30)
        return 200, pieces, False

    fake.close(3, bytes_sent=1)
    agent = start()
    agent.wait_history(lambda r: r.get("id") == 3, "the agent reads")
    with fake.lock:
        fake.faults["/v1/processes"] = between
    (record,) = agent.wait_history(lambda r: r.get("id") == 1, "the short one")
    assert record["exe"] == "/bin/short"
    agent.wait_history(lambda r: r.get("id") == 2, "the one behind it")
    records = agent.history()
    assert [r["overflow"] for r in records if "overflow" in r] == []
    assert sum(r["bytes_sent"] for r in records) == 431


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
