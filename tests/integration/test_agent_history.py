# SPDX-License-Identifier: Apache-2.0
"""core-agent's history: its bound, its file, a disk that is full."""
import json
import os
import sqlite3

from agent_on_fake import closed, start, summed  # noqa: F401, fixture
from fake_probe import connection
from harness import AGENT, fill, mounted_disk, run, until


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
    with mounted_disk(workplace / "disk", "1m") as disk:
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


def test_saved_state_and_records_are_of_the_same_interval(fake, start):
    for number in range(1, 21):
        fake.close(number)
    agent = start()
    agent.wait_history(lambda r: r.get("id") == 20, "the last connection")
    with sqlite3.connect(f"file:{agent.history_file}?mode=ro", uri=True) as database:
        saved = dict(database.execute("SELECT name, value FROM meta"))
        count = database.execute("SELECT count(*) FROM record").fetchone()[0]
    assert (saved["closed_next"], count) == (21, 20)
