# SPDX-License-Identifier: Apache-2.0
"""Someone at a terminal: commands of core-agent against a running agent, and golden outputs."""
import json
import os
import pty
import subprocess

from fake_probe import connection, proto
from harness import AGENT, DEADLINE_S, ROOT

GOLDEN = ROOT / "tests" / "golden" / "cli"
API_KEY = "5ec4e70123456789"
ECONNREFUSED = 111


def records():
    """Two connections to one server, and one that came in."""
    return {
        1: connection(1, bytes_sent=1000, bytes_received=2_500_000, comm="curl", local_port=40001,
                      remote_address=bytes([192, 0, 2, 1])),
        2: connection(2, bytes_sent=10, bytes_received=20, comm="curl", local_port=40002,
                      remote_address=bytes([192, 0, 2, 1])),
        3: connection(3, bytes_sent=70_000, bytes_received=300, comm="nginx", local_port=443,
                      remote_port=51000, remote_address=bytes([192, 0, 2, 9]),
                      role=proto.ROLE_SERVER, rtt_us=31000),
    }


def fail_one(fake):
    """And one attempt that failed."""
    fake.close(4, comm="curl", local_port=40004, remote_address=bytes([192, 0, 2, 7]),
               remote_port=81, state=proto.STATE_FAILED, error=ECONNREFUSED, bytes_sent=0,
               bytes_received=0, rtt_us=0)


class Operator:
    """Someone with the settings of a running agent, who may have others."""

    def __init__(self, agent):
        self.agent = agent
        self.env = {
            **os.environ, "DD_SYSPROBE_SOCKET": str(agent.folder / "sysprobe.sock"),
            "DD_AUTH_TOKEN_FILE_PATH": str(agent.token_file),
            "DD_HISTORY_PATH": str(agent.folder / "history.db"),
            "DD_IPC_CERT_FILE_PATH": str(agent.certificate), "DD_CMD_PORT": str(agent.port),
            "DD_EXPVAR_PORT": str(agent.variables_port), "DD_SYSPROBE_USER": "nobody",
            "DD_SYSPROBE_NTP_SERVER": "", "TERM": "xterm"}

    def run(self, *words, env=None, prefix=(), program=AGENT, **options):
        return subprocess.run([*prefix, program, *words], env={**self.env, **(env or {})}, text=True,
                              stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                              stderr=subprocess.PIPE, timeout=DEADLINE_S, **options)

    def out(self, *words, **options):
        done = self.run(*words, **options)
        assert done.returncode == 0, (words, done.returncode, done.stderr)
        return done.stdout

    def lines(self, *words, **options):
        return [json.loads(line) for line in self.out(*words, **options).splitlines()]


def assert_golden(name, text):
    path = GOLDEN / name
    if os.environ.get("RENEW_GOLDEN"):
        path.write_text(text)
    assert text == path.read_text(), f"RENEW_GOLDEN=1 renews {path}"


def on_terminal(operator, *words, env=None):
    """What the program writes to a terminal."""
    master, slave = pty.openpty()
    process = subprocess.Popen([AGENT, *words], env={**operator.env, **(env or {})}, stdin=slave,
                               stdout=slave, stderr=slave)
    os.close(slave)
    out = b""
    try:
        while piece := os.read(master, 65536):
            out += piece
    except OSError:  # the other end is closed: how a terminal says that it is the end
        pass
    os.close(master)
    process.wait(DEADLINE_S)
    return out
