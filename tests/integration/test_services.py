# SPDX-License-Identifier: Apache-2.0
"""Which service real programs belong to, in the agent's records."""

import os
import pathlib
import shutil
import subprocess
import sys

import pytest

import harness
from conftest import make_folder
from harness import until
from test_agent import FOR_NOBODY, Agent

pytestmark = pytest.mark.kernel
PYTHON = sys.executable
ATTEMPT = """
import os, socket, sys
def attempt(port):
    socket.socket().connect_ex(("127.0.0.1", int(port)))
"""
PROGRAMS = {
    "mailer": "attempt(sys.argv[1])",
    "forking": """
if os.fork() == 0:
    attempt(sys.argv[1])
    os._exit(0)
os.wait()
""",
    "waiting": """
print(flush=True)
for port in sys.stdin:
    attempt(port)
""",
    "replacing": """
for port in iter(sys.stdin.readline, "exec\\n"):
    attempt(port)
os.execve(sys.executable, [sys.executable, "waiting.py"], {"DD_SERVICE": "after"})
""",
    "workers": """
server = socket.create_server(("127.0.0.1", int(sys.argv[1])))
if os.fork() == 0:
    connection = server.accept()
    sys.stdin.read()
    os._exit(0)
connected = socket.create_connection(server.getsockname())
print(flush=True)
sys.stdin.read()
"""}


class Place(harness.Namespace):
    """A network namespace, and a folder with programs that connect to where nobody listens."""

    def __init__(self):
        super().__init__(f"sp-{os.urandom(3).hex()}")
        self.folder = make_folder()
        for name, text in PROGRAMS.items():
            (self.folder / f"{name}.py").write_text(ATTEMPT + text)

    def start(self, *command, **environment):
        return self.popen("env", "-i", *(f"{k}={v}" for k, v in environment.items()),
                          *map(str, command), cwd=self.folder, text=True,
                          stdin=subprocess.PIPE, stdout=subprocess.PIPE)

    def run_to_end(self, *command, **environment):
        self.start(*command, **environment).communicate()

    def delete(self):
        super().delete()
        shutil.rmtree(self.folder)


@pytest.fixture(scope="module")
def place():
    one = Place()
    yield one
    one.delete()


@pytest.fixture(scope="module")
def module_folder():
    path = make_folder()
    yield path
    shutil.rmtree(path, ignore_errors=True)


@pytest.fixture(scope="module")
def cgroup():
    """In the kernel's own v2 hierarchy, named like a service's; None where there is none."""
    mounts = [line.split() for line in open("/proc/mounts")]
    root = next((words[1] for words in mounts if words[2] == "cgroup2"), None)
    one = root and pathlib.Path(root) / f"sp{os.urandom(3).hex()}.service"
    if one:
        one.mkdir()
    yield one
    if one:
        one.rmdir()


def by_shell(port):
    return ["/bin/bash", "-c", f": 3<>/dev/tcp/127.0.0.1/{port}"]


def tell(program, line):
    program.stdin.write(f"{line}\n")
    program.stdin.flush()


@pytest.fixture(scope="module")
def agent(place, cgroup, module_folder):
    """Starts when all programs have been: what it reads of processes is then of them all."""
    older = place.start(PYTHON, "waiting.py", DD_SERVICE="older")
    older.stdout.readline()
    probe = harness.Probe(module_folder, env=FOR_NOBODY).ready()
    place.run_to_end(*by_shell(1001), DD_SERVICE="shop", DD_ENV="prod", DD_VERSION="1.2",
                     OTEL_SERVICE_NAME="other")
    place.run_to_end(*by_shell(1002), OTEL_RESOURCE_ATTRIBUTES="service.name=a%2Cb,"
                     "service.version=3,deployment.environment.name=staging")
    place.run_to_end(PYTHON, "-u", place.folder / "mailer.py", 1003)
    place.run_to_end(PYTHON, "-m", "mailer", 1004, DD_ENV="prod")
    place.run_to_end(*by_shell(1005))
    if cgroup:
        place.run_to_end("/bin/bash", "-c", f"echo 0 >{cgroup}/cgroup.procs; exec /bin/bash -c "
                         "': 3<>/dev/tcp/127.0.0.1/1006'")
    tell(older, 1007)
    place.run_to_end(PYTHON, "forking.py", 1008, DD_SERVICE="parent", DD_ENV="prod")
    master = place.start(PYTHON, "workers.py", 1009, DD_SERVICE="master", DD_VERSION="7")
    master.stdout.readline()
    one = Agent(probe)
    yield one
    older.communicate()
    master.communicate()
    one.stop()
    probe.stop()


def identity(agent, place, port):
    """(service, its source, env, version) of who connected to this port."""
    records = until(lambda: [r for r in agent.connections(place) if r["remote_port"] == port],
                    f"a record of port {port}")
    return tuple(records[-1].get(n) for n in ("service", "service_source", "env", "version"))


def test_process_of_milliseconds_has_datadogs_names(agent, place):
    assert identity(agent, place, 1001) == ("shop", "environment", "prod", "1.2")


def test_opentelemetrys_names_are_understood(agent, place):
    assert identity(agent, place, 1002) == ("a,b", "otel", "staging", "3")


def test_script_and_module_of_an_interpreter_name_it(agent, place):
    assert identity(agent, place, 1003) == ("mailer", "command", None, None)
    assert identity(agent, place, 1004) == ("mailer", "command", "prod", None)


def own_unit():
    """Service whose cgroup this test runs in, on a host where it does."""
    path = pathlib.Path("/proc/self/cgroup").read_text().replace("\n", "/").split("/")
    return next((p[:-len(".service")] for p in reversed(path) if p.endswith(".service")), None)


def test_plain_program_is_its_executable(agent, place):
    unit = own_unit()
    assert identity(agent, place, 1005)[:2] == \
        ((unit, "systemd") if unit else ("bash", "executable"))


def test_unit_names_a_plain_program(agent, place, cgroup):
    if not cgroup:
        pytest.skip("cgroup v2 is not mounted")
    assert identity(agent, place, 1006)[:2] == (cgroup.name[:-len(".service")], "systemd")


def test_process_older_than_the_probe_has_its_names(agent, place):
    assert identity(agent, place, 1007)[:2] == ("older", "environment")


def test_child_that_only_forked_has_its_parents_names(agent, place):
    assert identity(agent, place, 1008)[:3] == ("parent", "environment", "prod")


def test_living_worker_has_its_masters_names(agent, place):
    client = until(lambda: [r for r in agent.connections(place) if r["remote_port"] == 1009],
                   "the master's end")[0]
    accepted = until(lambda: [r for r in agent.connections(place) if r["local_port"] == 1009 and
                              r["pid"] != client["pid"]], "the worker's end")[0]
    assert (accepted["service"], accepted["version"]) == ("master", "7")


def test_exec_replaces_the_names(agent, place):
    """After a first record the agent has read of the process, in the cycle before at the latest."""
    program = place.start(PYTHON, "replacing.py", DD_SERVICE="before", DD_VERSION="1")
    for port in (1010, 1011):
        tell(program, port)
        before = identity(agent, place, port)
    tell(program, "exec")
    program.stdout.readline()
    for port in (1012, 1013):
        tell(program, port)
        after = identity(agent, place, port)
    program.communicate()
    assert before == ("before", "environment", None, "1")
    assert after == ("after", "environment", None, None)


def test_without_inference_only_the_environment_names(place, folder):
    probe = harness.Probe(folder, env=FOR_NOBODY).ready()
    place.run_to_end(PYTHON, "mailer.py", 1014)
    place.run_to_end(PYTHON, "mailer.py", 1015, DD_SERVICE="shop")
    agent = Agent(probe, env={
        "DD_SYSTEM_PROBE_CONFIG_PROCESS_SERVICE_INFERENCE_ENABLED": "false"})
    try:
        assert identity(agent, place, 1014)[:2] == (None, None)
        assert identity(agent, place, 1015)[:2] == ("shop", "environment")
    finally:
        agent.stop()
        probe.stop()
