# SPDX-License-Identifier: Apache-2.0
"""What becomes of the agent when a socket of a container runtime says too much."""
import http.server
import json
import pathlib
import re
import socketserver
import threading

import pytest

from agent_on_fake import start  # noqa: F401 (a fixture)
from harness import until

# A byte of JSON costs its parser most where each third one begins another object.
OBJECT = b"{},"
ROOM_KIB = 64 << 10
FIRST, SECOND = "a" * 64, "b" * 64


def long(start, end, size):
    """`size` bytes of objects between two."""
    return start + OBJECT * ((size - len(start) - len(end)) // len(OBJECT)) + end


def listed(container, image):
    return json.dumps({"Id": container, "Names": ["/web"], "Image": image}).encode()


class Docker(socketserver.ThreadingMixIn, socketserver.UnixStreamServer):
    """Answers what the test has put down for a path; its events begin, and say nothing."""

    daemon_threads = True

    def __init__(self, path):
        self.answers, self.asked = {}, []
        super().__init__(str(path), Handler)
        path.chmod(0o666)
        threading.Thread(target=self.serve_forever, daemon=True).start()


class Handler(http.server.BaseHTTPRequestHandler):
    def address_string(self):
        return "agent"

    def log_message(self, *_):
        pass

    def do_GET(self):
        path = self.path.partition("?")[0]
        self.server.asked.append(path)
        body = self.server.answers.get(path, b"")
        self.send_response(200)
        if path != "/events":
            self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        try:
            self.wfile.write(body)
            if path == "/events":
                self.rfile.read()  # until the agent goes
        except OSError:
            pass  # it has heard enough


@pytest.fixture
def docker(workplace):
    server = Docker(workplace / "docker.sock")
    yield server
    server.shutdown()
    server.server_close()


@pytest.fixture
def start_agent(fake, docker, start):  # noqa: F811
    return lambda: start(env={"DD_DOCKER_SOCKET": docker.server_address,
                              "DD_CRI_SOCKET_PATH": "/nowhere", "DD_PODMAN_SOCKETS": "/nowhere"})


def most_memory_kib(agent):
    status = pathlib.Path(f"/proc/{agent.pid}/status").read_text()
    return int(re.search(r"VmHWM:\s+(\d+) kB", status)[1])


@pytest.fixture
def calm_kib(docker, start_agent):
    """What an agent takes to which Docker says nothing."""
    docker.answers["/containers/json"] = b"[]"
    agent = start_agent()
    agent.wait_log("answers source=docker")
    calm = most_memory_kib(agent)
    agent.stop()
    docker.asked.clear()
    return calm


def test_long_list_takes_little_memory(docker, start_agent, calm_kib):
    docker.answers["/containers/json"] = long(b"[", listed(FIRST, "sha256:1") + b"]", 30 << 20)
    agent = start_agent()
    until(lambda: f"/containers/{FIRST}/json" in docker.asked, "the last of the list is known")

    assert most_memory_kib(agent) < calm_kib + ROOM_KIB


def test_long_container_in_a_list_takes_little_memory_and_is_told(docker, start_agent, calm_kib):
    docker.answers["/containers/json"] = long(b'[{"Id":"aa","Labels":[', b"{}]}]", 30 << 20)
    agent = start_agent()
    line = agent.wait_log("for a while source=docker")

    assert "too large" in line
    assert most_memory_kib(agent) < calm_kib + ROOM_KIB


def test_long_container_takes_little_memory_and_leaves_the_others_their_names(
        docker, start_agent, calm_kib):
    docker.answers["/containers/json"] = \
        b"[" + listed(FIRST, "sha256:1") + b"," + listed(SECOND, "sha256:1") + b"]"
    docker.answers[f"/containers/{FIRST}/json"] = long(b'{"Id":"a","Mounts":[', b"{}]}", 30 << 20)
    agent = start_agent()
    until(lambda: f"/containers/{SECOND}/json" in docker.asked, "the other one is asked for")

    assert most_memory_kib(agent) < calm_kib + ROOM_KIB
    assert "for a while source=docker" not in agent.log()


def test_list_without_end_is_given_up(docker, start_agent):
    docker.answers["/containers/json"] = b"[" + OBJECT * ((33 << 20) // len(OBJECT)) + b"{}]"

    assert "too large" in start_agent().wait_log("for a while source=docker")
