# SPDX-License-Identifier: Apache-2.0
"""core-agent top, in a terminal of tmux's."""
import signal
import subprocess

import pytest

from harness import AGENT, DEADLINE_S, until
from operators import assert_golden, on_terminal


class Screen:
    """`core-agent top` in a terminal of tmux's."""

    def __init__(self, operator, folder, *words, size=(120, 12)):
        self.server = ["tmux", "-S", str(folder / "tmux"), "-f", "/dev/null"]
        script = folder / "top.sh"
        script.write_text(f'{AGENT} top {" ".join(words)}; echo "ended with $?"; read -r line\n')
        self.tmux("new-session", "-d", "-s", "t", "-x", str(size[0]), "-y", str(size[1]),
                  f"sh {script}", env=operator.env)

    def tmux(self, *words, **options):
        return subprocess.run([*self.server, *words], check=True, text=True, capture_output=True,
                              timeout=DEADLINE_S, **options).stdout

    def keys(self, *keys):
        self.tmux("send-keys", "-t", "t", *keys)

    def lines(self):
        return self.tmux("capture-pane", "-p", "-t", "t").split("\n")[:-1]

    def shows(self, text):
        return until(lambda: text in "\n".join(lines := self.lines()) and lines, text)

    def rows(self):
        return [line for line in self.lines()[2:-1] if line.strip()]


@pytest.fixture
def top(operator, folder):
    started = []

    def start(*words, **options):
        started.append(Screen(operator, folder, "--interval", "1", *words, **options))
        return started[-1]
    yield start
    for screen in started:
        subprocess.run([*screen.server, "kill-server"], check=False)


def test_top_shows_all_and_leaves_the_terminal_as_it_was(top):
    screen = top()
    lines = screen.shows("4 matched")
    assert "RATE" in lines[1] and "REMOTE" in lines[1] and len(screen.rows()) == 4
    screen.keys("q")
    assert screen.shows("ended with 0")[0] == "ended with 0"


def test_top_is_a_table_between_two_lines(top):
    lines = top("--sort", "bytes").shows("4 matched")
    assert_golden("top.txt", "\n".join(lines) + "\n")


def test_top_searches_by_text_address_and_port(top):
    screen = top()
    screen.shows("4 matched")
    screen.keys("/", "nginx", "Enter")
    assert "nginx" in screen.shows("1 matched")[2]
    screen.keys("/", *["BSpace"] * 5, "192.0.2.1", "Enter")
    screen.shows("2 matched")
    screen.keys("/", *["BSpace"] * 9, "81", "Enter")
    assert "ECONNREFUSED" in screen.shows("search 81")[2]
    screen.keys("/", *["BSpace"] * 2, "Enter")
    screen.shows("4 matched")


def test_top_sorts_by_the_key_that_is_asked_for(top):
    screen = top("--sort", "bytes")
    screen.shows("by bytes")
    assert "192.0.2.1:443" in screen.rows()[0]
    screen.keys("s", "s")
    screen.shows("by rtt")
    until(lambda: "nginx" in screen.rows()[0], "the longest round trip first")
    screen.keys("r")
    screen.shows("smallest first")
    until(lambda: "nginx" in screen.rows()[-1], "the longest round trip last")


def test_top_follows_the_size_of_the_terminal(top):
    screen = top()
    screen.shows("CONTAINER")
    screen.tmux("resize-window", "-t", "t", "-x", "70", "-y", "6")
    until(lambda: "CONTAINER" not in screen.lines()[1] and len(screen.lines()) == 6, "a small one")
    assert len(screen.rows()) == 3 and all(len(line) <= 70 for line in screen.lines())
    screen.tmux("resize-window", "-t", "t", "-x", "160", "-y", "20")
    screen.shows("CONTAINER")
    until(lambda: len(screen.rows()) == 4, "all rows")


def test_top_shows_a_connection_whole(top):
    screen = top("--state", "failed", size=(120, 40))
    screen.shows("1 matched")
    screen.keys("Enter")
    assert any(line.split() == ["error", "ECONNREFUSED"] for line in screen.shows("probe_instance"))
    screen.keys("x")
    screen.shows("1 matched")


def test_top_says_that_the_agent_is_gone_and_goes_on(top, operator):
    screen = top()
    screen.shows("4 matched")
    operator.agent.stop(signal.SIGKILL)
    screen.shows("core-agent is not running")
    screen.keys("q")
    screen.shows("ended with 3")


def test_top_works_in_other_terminal_types(top, operator):
    operator.env["TERM"] = "vt100"
    top().shows("4 matched")


def test_top_in_an_unknown_terminal_type_names_the_remedy(operator):
    out = on_terminal(operator, "top", env={"TERM": "no-such-terminal"})
    assert b"set TERM" in out
