# SPDX-License-Identifier: Apache-2.0
"""core-agent on a fake probe's socket, without its API, and what tests ask of its records."""
import json
import os
import pathlib
import signal

import pytest

from harness import AGENT, Process, run, until


class WithHistory:
    """Of an agent: its settings as environment, and the file they name."""

    settings = history_file = None

    def history(self):
        """Records and losses as the agent itself prints them."""
        out = run(AGENT, "history", env={**os.environ, **self.settings})
        return [json.loads(line) for line in out.splitlines()]

    def wait_history(self, wanted, what):
        return until(lambda: [r for r in self.stored() if wanted(r)], what)

    def stored(self):
        return self.history() if self.history_file.exists() else []


class Agent(WithHistory, Process):
    """Its history and lines are in `folder`."""

    def __init__(self, folder, exporters="local,jsonl", env=None, arguments=(), prefix=(),
                 **options):
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
        super().__init__([*prefix, AGENT, *arguments], env=self.settings, **options)

    def jsonl(self):
        if not self.lines_file.exists():
            return []
        return [json.loads(line) for line in self.lines_file.read_text().splitlines()]

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
