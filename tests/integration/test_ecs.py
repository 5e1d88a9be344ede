# SPDX-License-Identifier: Apache-2.0
"""A container in a cgroup of Amazon ECS has the names of its task."""

import contextlib

import pytest

import harness
import private_host
import runtimes
from harness import until
from metadata_server import MetadataServer, TASK
from test_agent import Agent, FOR_NOBODY
from test_container_runtimes import call, inner_end


class OfTask(runtimes.Runc):
    """As ECS has Docker put them (taskresource/cgroup of its agent): /ecs/TASK/CONTAINER."""

    reported_as = "ecs"

    @staticmethod
    def cgroup_of(container):
        return f"/ecs/{TASK.rpartition('/')[2]}/{container}"


@pytest.fixture(scope="module")
def runtime():
    with contextlib.ExitStack() as stack:
        try:
            host = private_host.Host("native")
            stack.callback(host.end)
            yield stack.enter_context(OfTask(host.ready()))
        except private_host.Unavailable as error:
            pytest.skip(str(error))


@pytest.fixture
def server(runtime, peers):
    return peers(runtime.host.namespace, "tcp_peer.py", "listen", "4", "0.0.0.0")


@pytest.fixture
def container(runtime, server):
    """One that has connected."""
    started = runtime.create(call(runtime, server))
    runtime.start(started)
    server.do("accept")
    yield started
    runtime.remove(started)


@pytest.fixture
def start_agent(folder):
    probe = harness.Probe(folder, env=FOR_NOBODY).ready()
    started = []

    def start(**env):
        started.append(Agent(probe, env={"DD_CRI_SOCKET_PATH": "/nowhere",
                                         "DD_DOCKER_SOCKET": "/nowhere", **env}))
        return started[-1]

    yield start
    for agent in started:
        agent.stop()
        print(agent.log())  # shown when the test has failed
    probe.stop()


# Who is asked, by which setting, and the task that this one tells of.
ASKED = {
    "container agent": (
        "ecs_tasks", "DD_ECS_AGENT_URL", "", lambda document: document["Tasks"][0],
        {"task_name": "web", "task_family": "web", "task_version": "8",
         "container_name": "ecs-web-8-nginx-fcae8ac8f9f1d89d8301", "ecs_container_name": "nginx"}),
    "task metadata": (
        "ecs_own_task", "ECS_CONTAINER_METADATA_URI_V4", "/v4/ea", lambda document: document,
        {"task_name": "agents", "task_family": "agents", "task_version": "26",
         "container_name": "ecs-agents-26-agent-e292d586b6f9dade4a00",
         "ecs_container_name": "agent"}),
}


@pytest.mark.parametrize("name, variable, path, task_of, expected", ASKED.values(), ids=ASKED)
def test_record_has_the_names_of_the_task(
        runtime, server, container, start_agent, name, variable, path, task_of, expected):
    with MetadataServer(name, "ecs_metadata") as metadata:
        task_of(metadata.documents[name])["Containers"][0]["DockerId"] = container
        agent = start_agent(**{variable: metadata.url + path})
        record = until(lambda: (lambda r: r if "task_name" in r else None)(
            inner_end(agent, runtime, server, "open")), "a record with the task's name")

    assert (record["container_id"], record["container_runtime"]) == (container, "ecs")
    assert {"ecs_cluster": "shop", "task_arn": TASK, **expected}.items() <= record.items()
