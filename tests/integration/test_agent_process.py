# SPDX-License-Identifier: Apache-2.0
"""core-agent as a process: start, rights, signals, end."""
import json
import os
import pathlib
import signal

from agent_on_fake import polled, start  # noqa: F401, fixture
from fake_probe import connection
from harness import until


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


def test_reader_that_stalls_stops_neither_the_polls_nor_the_end(fake, start):
    """More lines for each poll than a pipe takes."""
    fake.live = {n: connection(n) for n in range(1, 2001)}
    reader, writer = os.pipe()
    agent = start(exporters="local,jsonl", env={"DD_JSONL_PATH": "-"}, stdout=writer)
    os.close(writer)
    agent.wait_log("nobody reads the JSON lines")
    polled(fake)
    assert agent.stop() == 0
    assert "lines that nobody read" in agent.log()
    with open(reader, encoding="utf-8") as lines:
        assert all(json.loads(line)["id"] for line in lines)


def test_reader_that_stalled_gets_the_lines_that_waited(fake, start):
    fake.live = {n: connection(n) for n in range(1, 2001)}
    reader, writer = os.pipe()
    agent = start(exporters="jsonl", env={
        "DD_JSONL_PATH": "-", "DD_PROCESS_CONFIG_INTERVALS_CONNECTIONS": "1h"}, stdout=writer)
    os.close(writer)
    until(lambda: fake.n_requests("/v1/closed") >= 2, "a whole poll")
    with open(reader, encoding="utf-8") as lines:
        ids = [json.loads(next(lines))["id"] for _ in fake.live]
    assert sorted(ids) == sorted(fake.live)


def test_fifo_that_nobody_reads_is_said_and_ends_the_agent(start, workplace):
    os.mkfifo(workplace / "lines.jsonl")
    os.chmod(workplace / "lines.jsonl", 0o666)
    agent = start(exporters="jsonl")
    assert agent.wait() == 1
    assert "nobody reads the FIFO" in agent.log()


def test_lines_file_is_opened_anew_on_sighup(fake, start):
    fake.live[1] = connection(1)
    agent = start(exporters="jsonl")
    until(agent.jsonl, "a line")
    agent.lines_file.rename(agent.folder / "old.jsonl")
    os.kill(agent.pid, signal.SIGHUP)
    assert until(agent.jsonl, "a line in the new file")


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
