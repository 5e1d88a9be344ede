# SPDX-License-Identifier: Apache-2.0
"""Every bounded place of core-agent, filled: what it could not keep is counted exactly."""
import json
import os
import signal
import threading

import pytest

from agent_on_fake import WithHistory, closed, polled, summed
from api_client import ApiAgent
from fake_probe import connection, ends, listener, proto
from harness import fill, mounted_disk, until
from metadata_server import MetadataServer

HOUR = {"DD_PROCESS_CONFIG_INTERVALS_CONNECTIONS": "1h"}
SECOND = {"DD_PROCESS_CONFIG_INTERVALS_CONNECTIONS": "1s"}
MIN_TRACKED = 1024
TRACKED = {"DD_SYSTEM_PROBE_CONFIG_MAX_TRACKED_CONNECTIONS": str(MIN_TRACKED)}


class Agent(WithHistory, ApiAgent):
    """With variables to ask for, and a history to look into."""

    def listening(self):
        super().listening()
        self.wait_log("the variables are served")
        return self


@pytest.fixture
def start(workplace):
    started = []

    def start_agent(**options):
        started.append(Agent(workplace, **options))
        return started[-1].listening()

    yield start_agent
    for agent in started:
        agent.stop(signal.SIGKILL)


def figure(agent, name, wanted):
    """Waits until the agent's variable has the value."""
    until(lambda: agent.figures()[name] == wanted, f"{name} is {wanted}")


def test_records_beyond_the_bound_of_the_history_are_counted(fake, start):
    for number in range(1, 1001):
        fake.close(number)
    agent = start(env={"DD_HISTORY_MAX_RECORDS": "100", **HOUR})
    figure(agent, "history_stored", 1000)
    figure(agent, "history_evicted", 900)


def lose_records(fake, agent, disk, n):
    """`n` connections close, too many to wait for the disk; once there is room, it is used."""
    agent.history_file = disk / "history.db"
    figure(agent, "history_up", 1)
    fill(disk / "ballast")
    with fake.lock:
        for number in range(1, n + 1):
            fake.close(number, bytes_sent=number)
    agent.wait_log("cannot store the history")
    figure(agent, "connections", n)
    (disk / "ballast").unlink()
    agent.wait_log("the history is stored again")


def lost_of(records, n):
    """How many were lost; with those stored they are `n`, and so are their bytes."""
    stored = [r for r in records if r.get("state") == "closed"]
    lost = [r["overflow"] for r in records if "overflow" in r]
    assert {o["cause"] for o in lost} == {"history"}
    n_lost = sum(o["connections"] for o in lost)
    assert 0 < n_lost < n and len(stored) + n_lost == n
    assert sum(r["bytes_sent"] for r in stored + lost) == n * (n + 1) // 2
    return n_lost


def test_records_that_neither_disk_nor_memory_takes_become_a_loss(fake, start, workplace):
    """More than the 2 MiB that wait for a disk that is full."""
    n = 12000
    with mounted_disk(workplace / "disk", "32m") as disk:
        agent = start(env={"DD_HISTORY_PATH": str(disk / "history.db"), **SECOND})
        lose_records(fake, agent, disk, n)
        records = until(lambda: has_loss(agent.history()), "the loss is told")
        assert agent.figures()["history_dropped"] == lost_of(records, n)
        agent.stop()


def test_loss_of_the_history_outlives_an_agent_that_ends_once_the_disk_has_room(fake, start,
                                                                                 workplace):
    """Told by the transaction that moves past the lost records, with no interval after it."""
    n = 12000
    with mounted_disk(workplace / "disk", "32m") as disk:
        env = {"DD_HISTORY_PATH": str(disk / "history.db"), **HOUR}
        agent = start(env=env)
        lose_records(fake, agent, disk, n)
        agent.stop(signal.SIGKILL)
        n_lost = lost_of(agent.history(), n)
        fake.close(n + 1, bytes_sent=n + 1)
        again = start(env=env)
        again.history_file = agent.history_file
        again.wait_history(lambda r: r.get("id") == n + 1, "one more")
        assert lost_of(again.history(), n + 1) == n_lost
        again.stop()


def has_loss(records):
    return records if any("overflow" in r for r in records) else None


def test_lines_that_nobody_reads_are_counted(fake, start):
    """More than the 8 MiB that wait for a reader; one that is back gets the others whole."""
    fake.live = {n: connection(n) for n in range(1, 5001)}
    reader, writer = os.pipe()
    agent = start(env={"DD_EXPORTERS": "jsonl", "DD_JSONL_PATH": "-", **SECOND}, stdout=writer)
    os.close(writer)
    of_jsonl = lambda name: agent.figures()[name]["jsonl"]  # noqa: E731
    until(lambda: of_jsonl("exporter_dropped") > 0, "lines are dropped")
    with fake.lock:
        fake.live = {}
    polled(fake)
    lines = []
    with open(reader, encoding="utf-8") as out:
        thread = threading.Thread(target=lines.extend, args=(out,))
        thread.start()
        until(lambda: of_jsonl("exporter_delivered") + of_jsonl("exporter_dropped")
              == of_jsonl("exporter_connections"), "what is not lost is delivered")
        n_dropped, n = of_jsonl("exporter_dropped"), of_jsonl("exporter_connections")
        assert agent.stop() == 0
        thread.join()
    assert {json.loads(line)["state"] for line in lines} == {"open"}
    assert len(lines) == n - n_dropped


def test_open_connection_without_room_is_counted_and_told_whole_at_its_close(fake, start):
    fake.live = {n: connection(n) for n in range(1, MIN_TRACKED + 11)}
    agent = start(env={**TRACKED, **SECOND})
    until(lambda: agent.figures()["connections_left_out"] >= 10, "ten find no room")
    assert agent.figures()["baselines"] == MIN_TRACKED
    last = MIN_TRACKED + 10
    assert last not in {r["id"] for r in agent.history()}
    fake.close(last, bytes_sent=70000)
    record, = agent.wait_history(lambda r: r.get("id") == last, "its close")
    assert (record["state"], record["bytes_sent"]) == ("closed", 70000)


def test_baselines_beyond_a_bound_that_was_lowered_are_kept(fake, start):
    n = MIN_TRACKED + 76
    fake.live = {number: connection(number) for number in range(1, n + 1)}
    for number in range(n + 1, n + 11):
        fake.close(number)
    agent = start(env={**dict.fromkeys(TRACKED, str(2 * MIN_TRACKED)), **HOUR})
    agent.wait_history(lambda r: r.get("id") == n + 10, "the first poll")
    agent.stop()
    fake.live[1].bytes_sent += 50
    fake.live[n + 11] = connection(n + 11)
    agent = start(env={**TRACKED, **SECOND})
    figure(agent, "baselines", n)
    until(lambda: agent.figures()["connections_left_out"] >= 1, "a new one finds no room")
    with fake.lock:
        for number in range(2, 102):
            fake.close(number)
    agent.wait_history(lambda r: r.get("id") == n + 11, "room for the new one")
    records = agent.history()
    assert closed(records) == [*range(2, 102), *range(n + 1, n + 11)]
    assert summed(records) == (n + 11) * 100 + 50
    assert agent.figures()["baselines"] == n + 1 - 100


def test_ends_that_the_set_has_no_room_for_are_counted_and_not_local(fake, start):
    fake.live = {n: connection(n) for n in range(1, MIN_TRACKED + 1)}
    for record in ends(5001):
        fake.live[record.id] = record
        fake.close(record.id)
    agent = start(env={**TRACKED, **HOUR})
    agent.wait_history(lambda r: r.get("id") == 5002, "the second end")
    directions = {r["id"]: r["direction"] for r in agent.history() if r.get("id", 0) > 5000}
    assert directions == {5001: "outgoing", 5002: "incoming"}
    figure(agent, "ends_left_out", 2)


def test_listening_sockets_without_room_are_counted(fake, start, workplace):
    fake.live = {n: listener(n, local_port=n % 60000 + 1) for n in range(1, 16384 + 12)}
    agent = start(env={"DD_EXPORTERS": "jsonl", **HOUR})
    figure(agent, "listeners_left_out", 11)
    until(lambda: fake.n_requests("/v1/closed") >= 2, "a whole poll")
    assert len((workplace / "lines.jsonl").read_text().splitlines()) == 16384


def test_processes_without_room_are_counted(fake, start):
    for tgid in range(4000001, 4000001 + 300):
        fake.process_log.append(proto.Process(event=proto.Process.EVENT_EXEC, tgid=tgid,
                                              start_ns=5, comm="p"))
    agent = start(env={"DD_SYSPROBE_MAX_PROCESSES": "256", **HOUR})
    figure(agent, "processes_table_full", 300 - 256)
    figure(agent, "processes_not_kept", 300 - 256)


def test_ended_connections_that_gave_way_in_memory_are_counted(fake, start):
    for number in range(1, 151):
        fake.close(number)
    agent = start(env={"DD_SYSPROBE_MAX_RECENT_CONNECTIONS": "100", **HOUR})
    figure(agent, "recent_evicted", 50)
    figure(agent, "recent_ended", 100)
    assert {c["id"] for c in agent.get("/agent/connections")["connections"]} == set(
        range(51, 151))


def test_open_connections_that_memory_has_no_room_for_are_counted(fake, start):
    fake.live = {n: connection(n) for n in range(1, 151)}
    agent = start(env={"DD_SYSPROBE_MAX_RECENT_CONNECTIONS": "100", **HOUR})
    figure(agent, "recent_not_kept", 50)
    assert agent.get("/agent/connections")["open"] == 100


# What sources of tags say.

def of_source(agent, name, source, wanted):
    until(lambda: agent.figures()[name][source] >= wanted, f"{name} of {source} is {wanted}")
    return {name: n for name, n in agent.figures()[name].items() if n}


def test_containers_that_a_source_may_not_name_are_counted_for_it(fake, start):
    containers = [{"DockerId": f"{n:064x}", "DockerName": f"ecs-{n}", "Name": f"c{n}"}
                  for n in range(20)]
    with MetadataServer("ecs") as server:
        server.documents["ecs_tasks"]["Tasks"][0]["Containers"] = containers
        agent = start(env={"DD_ECS_AGENT_URL": server.url, "DD_SYSPROBE_MAX_TAGGED_ENTITIES": "16"})
        lost = of_source(agent, "entities_left_out", "ecs", 5)  # the host is one too
    assert list(lost) == ["ecs"] and lost["ecs"] % 5 == 0  # so many of each list
    assert agent.figures()["entities_listed"]["ecs"] == 16
    assert agent.get("/agent/status")["counters"]["entities_left_out"] >= 5
    assert f'entities_left_out_total{{source="ecs"}} {lost["ecs"]}' in agent.metrics()


def test_tags_beyond_the_maximum_are_counted_for_their_source(fake, start):
    tags = [f"k{n:02}:{'v' * 196}" for n in range(64)]  # with its NUL 201 bytes, of 8 KiB
    agent = start(env={"DD_TAGS": " ".join(tags)})
    assert of_source(agent, "tags_left_out", "settings", 24) == {"settings": 24}


def test_tags_that_were_cut_are_counted_for_their_source(fake, start):
    agent = start(env={"DD_TAGS": f"short:x long:{'x' * 200}"})
    assert of_source(agent, "tags_cut", "settings", 1) == {"settings": 1}
