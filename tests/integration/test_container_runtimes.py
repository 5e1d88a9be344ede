# SPDX-License-Identifier: Apache-2.0
"""The container of a connection is the one that the runtime itself names."""

import contextlib
import os

import pytest

import harness
import private_host
import runtimes
from harness import until
from test_agent import Agent, FOR_NOBODY

RUNTIMES = (runtimes.Docker, runtimes.Containerd, runtimes.Podman, runtimes.Runc)
PORT = 7000


def case(runtime, layout):
    # Stock kernels have v2 alone, with all controllers: what the kubelet's pods live in today.
    marks = [pytest.mark.kernel] if (runtime, layout) == (runtimes.Containerd, "native") else []
    return pytest.param((runtime, layout), id=f"{runtime.__name__.lower()}-{layout}", marks=marks)


@pytest.fixture(scope="module")
def runtime(request):
    kind, layout = request.param
    with contextlib.ExitStack() as stack:
        try:
            host = private_host.Host(layout)
            stack.callback(host.end)
            yield stack.enter_context(kind(host.ready()))
        except private_host.Unavailable as error:
            pytest.skip(str(error))


each_runtime = pytest.mark.parametrize("runtime", indirect=True, argvalues=[
    case(runtime, layout) for layout in private_host.LAYOUTS for runtime in RUNTIMES])
docker = pytest.mark.parametrize("runtime", indirect=True, argvalues=[
    case(runtimes.Docker, "native")])


@pytest.fixture
def agent(folder):
    probe = harness.Probe(folder, env=FOR_NOBODY).ready()
    process = Agent(probe)
    process.wait_log("met system-probe")
    yield process
    process.stop()
    probe.stop()
    print(probe.log(), process.log())  # shown when the test has failed


@pytest.fixture
def server(runtime, peers):
    return peers(runtime.host.namespace, "tcp_peer.py", "listen", "4", "0.0.0.0")


def call(runtime, server):
    """A command that connects, receives, and ends when the server closes."""
    return ["/bin/nc", runtime.address, str(server.port)]


def records_of(agent, state, **fields):
    """The last one is the newest; waits for the first."""
    return until(lambda: [r for r in agent.records() if r.get("state") == state
                          and fields.items() <= r.items()], f"a record, {state}, {fields}")


def inner_end(agent, runtime, server, state):
    return records_of(agent, state, remote_ip=runtime.address, remote_port=server.port)[-1]


def outer_end(agent, runtime, server, state):
    return records_of(agent, state, local_ip=runtime.address, local_port=server.port)[-1]


def wait_listens(runtime, container, port=PORT):
    until(lambda: f":{port}" in runtime.host.run(
        "nsenter", f"--target={runtime.inspect(container)[1]}", "--net", "ss", "-tlHn"), "listens")


@each_runtime
def test_connection_has_the_container_that_the_runtime_reports(runtime, agent, server):
    container = runtime.create(call(runtime, server))
    runtime.start(container)
    server.do("accept")
    reported_id, reported_pid = runtime.inspect(container)
    pid = runtime.host.outer_pid(reported_pid)
    netns = os.stat(f"/proc/{pid}/ns/net").st_ino
    record = inner_end(agent, runtime, server, "open")

    assert (record["container_id"], record["pid"]) == (reported_id, pid)
    assert record.get("container_runtime") == runtime.reported_as
    assert record.get("pod_uid") == runtime.pod_uid
    assert (record["comm"], record["netns"]) == ("nc", netns)


@each_runtime
def test_container_that_came_and_went_between_two_polls_is_named(runtime, agent, server):
    agent.freeze()
    server.begin("accept")
    container = runtime.create(call(runtime, server))
    server.begin("send 5")
    server.begin("close")
    runtime.finish(container)
    assert not [path for path in private_host.cgroups() if container in path]
    agent.thaw()
    record = inner_end(agent, runtime, server, "closed")

    assert record["container_id"] == container
    assert (record["comm"], record["exe"]) == ("nc", "/bin/nc")
    assert record["cmdline"] == " ".join(call(runtime, server))
    assert record["bytes_received"] == 5


@docker
def test_process_outside_of_containers_has_none(runtime, agent, server):
    runtime.start(runtime.create(call(runtime, server)))
    server.do("accept")
    record = outer_end(agent, runtime, server, "open")

    assert record["pid"] == server.pid
    assert "container_id" not in record and "container_runtime" not in record


@docker
def test_process_that_entered_a_container_has_its_id(runtime, agent, server):
    container = runtime.create(["/bin/sleep", "1000000"])
    runtime.start(container)
    runtime.do("exec", "--detach", container, *call(runtime, server))
    server.do("accept")
    record = inner_end(agent, runtime, server, "open")
    rows = [row.split() for row in runtime.do("top", container, "-eo", "pid,comm").splitlines()]
    reported_pid, = (int(pid) for pid, comm in rows if comm == "nc")

    assert record["container_id"] == container
    assert record["pid"] == runtime.host.outer_pid(reported_pid)


@docker
def test_accepted_connection_has_the_container_of_its_server(runtime, agent, peers):
    container = runtime.create(["/bin/nc", "-l", "-p", str(PORT)])
    runtime.start(container)
    address = runtime.address_of(container)
    wait_listens(runtime, container)
    peers(runtime.host.namespace, "tcp_peer.py", "connect", "4", address, PORT)
    record = records_of(agent, "open", local_ip=address, local_port=PORT)[-1]

    assert (record["container_id"], record["role"]) == (container, "server")


@docker
def test_connection_older_than_the_probe_has_its_container(runtime, server, request):
    container = runtime.create(call(runtime, server))
    runtime.start(container)
    server.do("accept")
    record = inner_end(request.getfixturevalue("agent"), runtime, server, "open")

    assert record["container_id"] == container
    assert record["comm"] == "nc"
