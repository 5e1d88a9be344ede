# SPDX-License-Identifier: Apache-2.0
"""core-agent with its API, on a fake probe's socket, and how tests speak to it."""
import contextlib
import http.client
import itertools
import json
import os
import pathlib
import socket
import ssl

from harness import AGENT, DEADLINE_S, Process, until


# Below those that the kernel gives out, which anybody may have by the time an agent binds one.
ports = itertools.cycle(range(10000, 20000))


def free_port():
    """One that no other test of this run is given."""
    for port in ports:
        with socket.socket() as one, contextlib.suppress(OSError):
            one.bind(("127.0.0.1", port))
            return port


class Answer:
    def __init__(self, response):
        self.status, self.body = response.status, response.read()
        self.headers = dict(response.getheaders())

    def json(self):
        return json.loads(self.body)

    def lines(self):
        return [json.loads(line) for line in self.body.splitlines()]


class ApiAgent(Process):
    def __init__(self, folder, env=None, settings=None, prefix=(), **options):
        self.folder = pathlib.Path(folder)
        self.port, self.variables_port = free_port(), free_port()
        self.token_file = self.folder / "auth_token"
        self.certificate = self.folder / "ipc_cert.pem"
        self.settings_file = self.folder / "core-agent.yaml"
        self.settings_file.write_text(settings or "")
        os.chmod(self.settings_file, 0o644)
        self.history_file = self.folder / "history.db"
        self.settings = {
            "DD_SYSPROBE_SOCKET": str(self.folder / "sysprobe.sock"),
            "DD_AUTH_TOKEN_FILE_PATH": str(self.token_file),
            "DD_HISTORY_PATH": str(self.history_file),
            "DD_JSONL_PATH": str(self.folder / "lines.jsonl"),
            "DD_IPC_CERT_FILE_PATH": str(self.certificate),
            "DD_CMD_PORT": str(self.port), "DD_EXPVAR_PORT": str(self.variables_port),
            "DD_SYSPROBE_DRAIN_INTERVAL": "100ms", "DD_SYSPROBE_USER": "nobody",
            "DD_SYSPROBE_NTP_SERVER": "127.0.0.1",
            **(env or {})}
        super().__init__([*prefix, AGENT, "run", "--config", self.settings_file],
                         env=self.settings, **options)

    def is_ready(self):
        return self.request("/agent/status/health/ready", headers={}).status == 200

    def ready(self):
        """A poll has succeeded, and what asks for the health hears so."""
        self.wait_log("met system-probe")
        until(self.is_ready, "ready")
        return self

    def listening(self):
        """Also where the history knows the probe already, which is not met again then."""
        self.wait_log("the IPC API listens")
        return self

    def is_listening(self):
        try:
            self.socket().close()
        except ConnectionRefusedError:
            return False
        return True

    def token(self):
        return self.token_file.read_text().strip()

    def context(self):
        return ssl.create_default_context(cafile=self.certificate)

    def client(self):
        return http.client.HTTPSConnection("localhost", self.port, context=self.context(),
                                           timeout=DEADLINE_S)

    def socket(self):
        """A plain connection to the TLS port."""
        return socket.create_connection(("127.0.0.1", self.port), DEADLINE_S)

    def tls_socket(self):
        return self.context().wrap_socket(self.socket(), server_hostname="localhost")

    def request(self, path, method="GET", body=None, headers=None):
        if headers is None:
            headers = {"Authorization": f"Bearer {self.token()}"}
        client = self.client()
        try:
            client.request(method, path, body=body, headers=headers)
            return Answer(client.getresponse())
        finally:
            client.close()

    def get(self, path):
        answer = self.request(path)
        assert answer.status == 200, (path, answer.status, answer.body)
        return answer.json()

    def post(self, path, value=None):
        return self.request(path, "POST", None if value is None else json.dumps(value))

    def variables(self, path):
        client = http.client.HTTPConnection("127.0.0.1", self.variables_port, timeout=DEADLINE_S)
        try:
            client.request("GET", path)
            return Answer(client.getresponse())
        finally:
            client.close()

    def metrics(self):
        return self.variables("/metrics").body.decode()

    def figures(self):
        return self.variables("/debug/vars").json()["agent"]
