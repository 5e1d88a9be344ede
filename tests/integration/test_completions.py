# SPDX-License-Identifier: Apache-2.0
"""What bash, zsh and fish offer for core-agent is what its help says, asked of the shells."""
import os
import pty
import re
import subprocess

import pytest

from harness import AGENT, DEADLINE_S, run

SHELLS = ("bash", "zsh", "fish")
# A shell that starts, completes the line as a key would, writes what it found, and ends.
ZSHRC = r"""
autoload -Uz compinit && compinit -D -u
. $SCRIPT
compadd() {
	if [[ ${@[1,(i)(-|--)]} == *-(O|A|D)\ * ]]; then builtin compadd "$@"; return; fi
	local -a found
	builtin compadd -A found "$@"
	print -l -- $found >> $FOUND
	builtin compadd "$@"
}
zle -C complete-word complete-word _main_complete
zle-line-init() { BUFFER=$LINE_BEGUN; CURSOR=$#BUFFER; zle complete-word; exit }
zle -N zle-line-init
"""


def bash(folder, line):
    words = " ".join(f"'{word}'" for word in line.split(" "))
    script = (f". {folder}/script; COMP_WORDS=({words}); COMP_CWORD={line.count(' ')}; "
              "_core_agent; printf '%s\\n' \"${COMPREPLY[@]}\"")
    return run("bash", "-c", script)


def zsh(folder, line):
    """Its editor wants a terminal."""
    (folder / ".zshrc").write_text(ZSHRC)
    (folder / "found").write_text("")
    ours, its = pty.openpty()
    try:
        subprocess.run(["zsh", "-i"], stdin=its, stdout=its, stderr=its, check=False,
                       timeout=DEADLINE_S, start_new_session=True, env={
                           **os.environ, "ZDOTDIR": str(folder), "TERM": "vt100",
                           "SCRIPT": str(folder / "script"), "FOUND": str(folder / "found"),
                           "LINE_BEGUN": line})
    finally:
        os.close(ours)
        os.close(its)
    return (folder / "found").read_text()


def fish(folder, line):
    return run("fish", "--no-config", "-c", f". {folder}/script; complete -C '{line}'",
               env={**os.environ, "HOME": str(folder)})


@pytest.fixture(params=SHELLS)
def offered(request, folder):
    """The words that a shell offers for a line begun; without descriptions."""
    (folder / "script").write_text(run(AGENT, "completion", request.param))
    ask = {"bash": bash, "zsh": zsh, "fish": fish}[request.param]

    def words(line):
        found = ask(folder, line).splitlines()
        return {word.split("\t")[0].rstrip("=") for word in found if word.strip()}
    return words


COMMANDS = re.findall(r"^  ([a-z]+) ", run(AGENT, "--help"), re.M)


def options_of(command):
    return set(re.findall(r"^  (--[a-z-]+)", run(AGENT, command, "--help"), re.M))


def test_commands_are_those_of_the_help(offered):
    assert len(COMMANDS) > 5
    assert offered("core-agent ") - options_of("run") == set(COMMANDS)


@pytest.mark.parametrize("command", COMMANDS)
def test_options_are_those_of_the_commands_help(offered, command):
    assert "--config" in options_of(command)
    assert offered(f"core-agent {command} --") == options_of(command)


def test_options_without_a_command_are_those_of_run(offered):
    assert offered("core-agent --") - set(COMMANDS) == options_of("run")


def test_what_is_begun_narrows_the_offer(offered):
    assert offered("core-agent conn") == {"connections"}
    assert offered("core-agent connections --remote") == {
        "--remote", "--remote-port", "--remote-tag"}


def test_values_are_offered_where_they_are_known(offered):
    assert offered("core-agent connections --proto ") == {"tcp", "udp"}
    assert offered("core-agent connections --state f") == {"failed"}
    assert offered("core-agent config ") - options_of("config") == {"list", "get", "set", "reload"}
    assert offered("core-agent completion ") - options_of("completion") == set(SHELLS)
