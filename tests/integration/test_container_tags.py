# SPDX-License-Identifier: Apache-2.0
"""Records have the names that the container runtime itself gives."""

import contextlib
import os
import signal

import pytest

import harness
import private_host
import runtimes
from harness import until
from test_agent import Agent, FOR_NOBODY
from test_container_runtimes import call, inner_end, outer_end

LABELS = ("app=shop", "com.datadoghq.tags.service=checkout", "secret=no")
# By its own name, as a test needs it: containers of a runtime have it once.
NAME = "web1"
SOURCE = {runtimes.Docker: "docker", runtimes.Podman: "podman", runtimes.Containerd: "cri"}
ANSWERS, FAILS, AGAIN = ("answers source={}", "for a while source={}", "answers again source={}")
IMAGE_TAGS = {"image_name": "localhost/sysprobe-test", "image_tag": "1",
              "short_image": "sysprobe-test"}
SETTING = {runtimes.Docker: "DD_DOCKER_SOCKET", runtimes.Podman: "DD_PODMAN_SOCKETS",
           runtimes.Containerd: "DD_CRI_SOCKET_PATH"}


@pytest.fixture(scope="module")
def runtime(request):
    kind = request.param
    with contextlib.ExitStack() as stack:
        try:
            host = private_host.Host("native")
            stack.callback(host.end)
            one = stack.enter_context(kind(host.ready()))
        except private_host.Unavailable as error:
            pytest.skip(str(error))
        if kind is runtimes.Podman:
            one.serve()
        one.socket.chmod(0o666)
        yield one


each_runtime = pytest.mark.parametrize("runtime", indirect=True, argvalues=list(SETTING))
with_daemon = pytest.mark.parametrize("runtime", indirect=True, argvalues=[
    runtimes.Docker, runtimes.Containerd])
with_events = pytest.mark.parametrize("runtime", indirect=True, argvalues=[
    runtimes.Docker, runtimes.Podman])
docker = pytest.mark.parametrize("runtime", indirect=True, argvalues=[runtimes.Docker])
containerd = pytest.mark.parametrize("runtime", indirect=True, argvalues=[runtimes.Containerd])


@pytest.fixture
def agent(folder, runtime):
    probe = harness.Probe(folder, env=FOR_NOBODY).ready()
    process = Agent(probe, env={
        "DD_DOCKER_SOCKET": "/nowhere", "DD_PODMAN_SOCKETS": "/nowhere",
        "DD_CRI_SOCKET_PATH": "/nowhere",
        SETTING[type(runtime)]: str(runtime.socket),
        "DD_CONTAINER_LABELS_AS_TAGS": '{"app":"app_name"}'})
    process.wait_log("met system-probe")
    yield process
    process.stop()
    probe.stop()
    print(probe.log(), process.log())  # shown when the test has failed


@pytest.fixture
def server(runtime, peers):
    return peers(runtime.host.namespace, "tcp_peer.py", "listen", "4", "0.0.0.0")


def log_of(runtime, line):
    return line.format(SOURCE[type(runtime)])


@pytest.fixture
def container(runtime, server, agent):
    """One that has connected, started while the agent runs."""
    agent.wait_log(log_of(runtime, ANSWERS))
    started = runtime.create(call(runtime, server), name=NAME, labels=LABELS)
    runtime.start(started)
    server.do("accept")
    yield started
    runtime.remove(started)


def tagged(agent, runtime, server, **fields):
    """The newest open record of the container's end, once it has these."""
    def newest():
        record = inner_end(agent, runtime, server, "open")
        return record if fields.items() <= record.items() else None
    return until(newest, f"a record with {fields}")


@each_runtime
def test_record_has_name_image_and_allowed_labels(runtime, agent, server, container):
    record = tagged(agent, runtime, server, container_name=NAME)

    assert record["container_id"] == container
    assert IMAGE_TAGS.items() <= record.items()
    assert (record["service"], record["app_name"]) == ("checkout", "shop")
    assert "no" not in record.values()


@with_events
def test_container_that_came_and_went_unseen_is_named(runtime, agent, server):
    agent.wait_log(log_of(runtime, ANSWERS))
    agent.popen.send_signal(signal.SIGSTOP)
    server.begin("accept")
    container = runtime.create(call(runtime, server), name="brief", labels=LABELS)
    server.begin("send 5")
    server.begin("close")
    runtime.finish(container)
    agent.popen.send_signal(signal.SIGCONT)
    record = until(lambda: [r for r in agent.records() if r.get("container_id") == container
                            and r["state"] == "closed"], "the record")[-1]

    assert record["container_name"] == "brief"
    assert IMAGE_TAGS.items() <= record.items()
    assert record["app_name"] == "shop"


@with_events
def test_new_name_is_taken(runtime, agent, server, container):
    tagged(agent, runtime, server, container_name=NAME)
    runtime.do("rename", container, "web2")

    tagged(agent, runtime, server, container_name="web2")


@each_runtime
def test_container_that_has_ended_keeps_its_name(runtime, agent, server):
    agent.wait_log(log_of(runtime, ANSWERS))
    container = runtime.create(call(runtime, server), name="ended", labels=LABELS)
    runtime.start(container)
    server.do("accept")
    tagged(agent, runtime, server, container_name="ended")
    agent.popen.send_signal(signal.SIGSTOP)
    server.do("close")
    runtime.remove(container)
    agent.popen.send_signal(signal.SIGCONT)
    record = until(lambda: [r for r in agent.records() if r.get("container_id") == container
                            and r["state"] == "closed"], "the record")[-1]

    assert record["container_name"] == "ended"


@containerd
def test_container_has_the_tags_of_its_pod(runtime, agent, server, container):
    record = tagged(agent, runtime, server, container_name=NAME)

    assert (record["pod_name"], record["kube_namespace"]) == ("shop", "default")


@docker
def test_containers_older_than_the_agent_are_named(runtime, server, request):
    started = runtime.create(call(runtime, server), name="older", labels=LABELS)
    runtime.start(started)
    server.do("accept")

    tagged(request.getfixturevalue("agent"), runtime, server, container_name="older")
    runtime.remove(started)


@docker
def test_address_of_a_bridge_names_the_other_end(runtime, agent, server, container):
    record = until(lambda: (lambda r: r if "remote_container_id" in r else None)(
        outer_end(agent, runtime, server, "open")), "a record with the other end's container")

    assert record["remote_container_id"] == container
    assert record["remote_container_name"] == NAME
    assert record["remote_app_name"] == "shop"
    assert "container_id" not in record


@with_daemon
def test_names_outlive_the_daemon(runtime, agent, server, container):
    tagged(agent, runtime, server, container_name=NAME)
    runtime.kill()
    agent.wait_log(log_of(runtime, FAILS))
    n = len(agent.records())
    until(lambda: len(agent.records()) > n + 2, "records while the daemon is away")
    tagged(agent, runtime, server, container_name=NAME)
    runtime.serve()
    runtime.socket.chmod(0o666)
    agent.wait_log(log_of(runtime, AGAIN))

    assert agent.log().count(log_of(runtime, FAILS)) == 1
    assert agent.log().count(log_of(runtime, AGAIN)) == 1
    tagged(agent, runtime, server, container_name=NAME)


@docker
def test_closed_socket_is_told_with_its_remedy(runtime, folder):
    runtime.socket.chmod(0o660)
    os.chown(runtime.socket, 0, 1)  # "daemon" is a group everywhere
    probe = harness.Probe(folder, env=FOR_NOBODY).ready()
    process = Agent(probe, env={"DD_DOCKER_SOCKET": str(runtime.socket)})
    line = process.wait_log(log_of(runtime, FAILS))
    process.stop()
    probe.stop()
    runtime.socket.chmod(0o666)

    assert "usermod -aG daemon nobody" in line
