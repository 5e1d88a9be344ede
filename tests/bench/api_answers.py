# SPDX-License-Identifier: Apache-2.0
"""How long the IPC API and the command line take, with connections that a fake probe invents."""

import http.client
import json
import pathlib
import shutil
import os
import ssl
import statistics
import subprocess
import tempfile
import time

import harness
from api_client import free_port
from fake_probe import FakeProbe, connection

REPEATS = 15
PROCESSES = 2000
REMOTES = 500


def fill(probe, n):
    """Connections of many processes to many servers, each with counts of its own."""
    for i in range(1, n + 1):
        probe.live[i] = connection(
            i, tgid=100000 + i % PROCESSES, bytes_sent=i * 7919 % 1000003,
            remote_address=bytes([10, 1, i % REMOTES >> 8, i % REMOTES & 255]))


class Agent(harness.Process):
    def __init__(self, folder):
        self.folder = pathlib.Path(folder)
        self.port = free_port()
        self.settings = {
            "DD_SYSPROBE_SOCKET": str(self.folder / "sysprobe.sock"),
            "DD_AUTH_TOKEN_FILE_PATH": str(self.folder / "auth_token"),
            "DD_HISTORY_PATH": str(self.folder / "history.db"),
            "DD_IPC_CERT_FILE_PATH": str(self.folder / "ipc_cert.pem"),
            "DD_CMD_PORT": str(self.port), "DD_EXPVAR_PORT": "0", "DD_SYSPROBE_USER": "nobody",
            "DD_PROCESS_CONFIG_INTERVALS_CONNECTIONS": "1h"}
        super().__init__([harness.AGENT, "run"], env=self.settings)

    def connect(self):
        context = ssl.create_default_context(cafile=self.folder / "ipc_cert.pem")
        return http.client.HTTPSConnection("localhost", self.port, context=context, timeout=60)

    def get(self, client, path):
        token = (self.folder / "auth_token").read_text().strip()
        client.request("GET", path, headers={"Authorization": f"Bearer {token}"})
        answer = client.getresponse()
        body = answer.read()
        assert answer.status == 200, (answer.status, body)
        return json.loads(body)

    def median_ms(self, path):
        client = self.connect()
        self.get(client, path)  # the handshake is not the answer
        times = []
        for _ in range(REPEATS):
            start = time.monotonic()
            self.get(client, path)
            times.append(time.monotonic() - start)
        client.close()
        return 1000 * statistics.median(times)

    def command_ms(self, words):
        """The whole command: start of the process, handshake, answer, print. The least of many."""
        times = []
        for _ in range(REPEATS):
            start = time.monotonic()
            subprocess.run([harness.AGENT, *words], env={**os.environ, **self.settings},
                           stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
                           check=True)
            times.append(time.monotonic() - start)
        return 1000 * min(times)


def started(folder, n):
    agent = Agent(folder)
    agent.wait_log("met system-probe", 120)
    client = agent.connect()
    harness.until(lambda: agent.get(client, "/agent/connections?limit=1")["open"] == n,
                  "the agent has read all connections", 300)
    client.close()
    return agent


def measure(n, questions, commands, report):
    folder = pathlib.Path(tempfile.mkdtemp(prefix="sysprobe-bench-", dir="/run"))
    folder.chmod(0o777)
    try:
        with FakeProbe(folder / "sysprobe.sock") as probe:
            fill(probe, n)
            agent = started(folder, n)
            for path, bound_ms in questions:
                report("api", f"GET {path}, {n} connections: {agent.median_ms(path):.1f} ms",
                       f"{bound_ms} ms")
            for words, bound_ms in commands:
                report("api", f"core-agent {words}, {n} connections: "
                       f"{agent.command_ms(words.split()):.1f} ms", f"{bound_ms} ms")
            agent.stop()
    finally:
        shutil.rmtree(folder)


def run(report):
    measure(100000, (("/agent/status", 50), ("/agent/connections?limit=50&sort=bytes", 100)),
            (("status", 50), ("connections --limit 50 --sort bytes", 100)), report)
    measure(10000, (("/agent/topology", 200),), (("topology", 200),), report)
