# SPDX-License-Identifier: Apache-2.0
"""Containers of a user without rights have their names, once he lets the agent in."""

import contextlib
import pathlib
import re
import subprocess

import pytest

import harness
import private_host
import rootless
from harness import until
from test_agent import Agent, FOR_NOBODY
from test_container_runtimes import call, inner_end, records_of
from test_podman_bridge import both_names, ends, two_containers

NAME = "alices"
TAGS = {"container_name": NAME, "image_name": "localhost/sysprobe-test", "image_tag": "1",
        "container_runtime": "podman"}
FAILS = "for a while source=podman"


@pytest.fixture(scope="module")
def podman():
    with contextlib.ExitStack() as stack:
        try:
            host = private_host.Host(rootless.LAYOUT)
            stack.callback(host.end)
            one = stack.enter_context(rootless.RootlessPodman(host.ready()))
        except private_host.Unavailable as error:
            pytest.skip(str(error))
        one.serve()
        yield one


@pytest.fixture
def start_agent(podman, folder):
    """With the host's /run/user in place of the machine's."""
    podman.close()
    pathlib.Path("/run/user").mkdir(exist_ok=True)
    probe = harness.Probe(folder, env=FOR_NOBODY).ready()
    started = []

    def start(**env):
        started.append(Agent(probe, prefix=[
            "unshare", "--mount", "sh", "-c", 'mount --bind "$0" /run/user && exec "$@"',
            str(podman.users)], env={
                "DD_DOCKER_SOCKET": "/nowhere", "DD_CRI_SOCKET_PATH": "/nowhere", **env}))
        started[-1].wait_log("met system-probe")
        return started[-1]

    yield start
    for agent in started:
        agent.stop()
        print(agent.log())  # shown when the test has failed
    probe.stop()


@pytest.fixture
def server(podman, peers):
    return peers(podman.host.namespace, "tcp_peer.py", "listen", "4", "127.0.0.1")


@contextlib.contextmanager
def container(podman, server, network="host"):
    """One that has connected."""
    podman.network = network
    started = podman.create(call(podman, server), name=NAME)
    try:
        podman.start(started)
        server.do("accept")
        yield started
    finally:
        podman.remove(started)


def let_in(podman):
    """By the commands of README.md, as his own manager would run them."""
    text = (harness.ROOT / "README.md").read_text().split("**Rootless Podman**")[1]
    commands = re.findall(r"^ExecStartPost=(.*)$", text.split("```")[1], re.MULTILINE)
    assert len(commands) == 3
    for command in commands:
        command = command.replace("%t", f"/run/user/{rootless.UID}").replace("sysprobe", "nobody")
        podman.host.run(*podman.as_user(*command.split()))


def tagged(agent, podman, server):
    def newest():
        record = inner_end(agent, podman, server, "open")
        return record if "container_name" in record else None
    return until(newest, "a record with the container's name")


@pytest.mark.parametrize("network", rootless.LOOPBACK)
def test_record_has_the_container_of_a_user_who_lets_the_agent_in(
        podman, start_agent, server, network):
    let_in(podman)
    agent = start_agent()
    agent.wait_log("answers source=podman")
    with container(podman, server, network) as started:
        record = tagged(agent, podman, server)

    assert TAGS.items() <= record.items()
    assert record["container_id"] == started
    assert FAILS not in agent.log()


def test_address_in_a_network_of_the_user_names_nobody_outside_of_it(podman, start_agent):
    let_in(podman)
    agent = start_agent()
    agent.wait_log("answers source=podman")
    with two_containers(podman) as (_, address):
        client, _ = ends(agent, address)
        podman.host.run("ip", "address", "add", f"{address}/32", "dev", "lo")
        podman.host.namespace.popen("socat", "-u", "OPEN:/dev/null", f"TCP:{address}:1",
                                    stderr=subprocess.DEVNULL).wait(harness.DEADLINE_S)
        outside = records_of(agent, "failed", remote_ip=address)[-1]

    assert both_names(client) == ("client", "server")
    assert both_names(outside) == (None, None)


def test_closed_folder_is_told_when_podman_is_needed_and_opens_without_a_restart(
        podman, start_agent, server):
    agent = start_agent()
    with container(podman, server) as started:
        line = agent.wait_log(FAILS)
        record = inner_end(agent, podman, server, "open")
        let_in(podman)
        agent.wait_log("answers source=podman")
        tagged(agent, podman, server)

    assert (record["container_id"], "container_name" in record) == (started, False)
    assert f"closed to the user nobody: /run/user/{rootless.UID}/podman/podman.sock" in line
    assert "setfacl -m u:nobody:x FOLDER" in line
    assert agent.log().count(FAILS) == 1


def test_path_in_the_settings_is_told_from_the_start_with_each_step_of_the_remedy(
        podman, start_agent, server):
    socket = f"/run/user/{rootless.UID}/podman/podman.sock"
    agent = start_agent(DD_PODMAN_SOCKETS=socket)
    line = agent.wait_log(FAILS)
    let_in(podman)
    with container(podman, server):
        tagged(agent, podman, server)

    assert f"setfacl -m u:nobody:x /run/user/{rootless.UID}" in line
    assert agent.log().count(FAILS) == 1


def test_folders_of_users_are_no_trouble_while_nobody_has_a_container(podman, start_agent, server):
    agent = start_agent()
    peer = podman.host.namespace.popen("socat", "-u", "OPEN:/dev/null",
                                       f"TCP:127.0.0.1:{server.port}")
    server.do("accept")
    peer.wait(harness.DEADLINE_S)
    until(lambda: [r for r in agent.records() if r.get("remote_port") == server.port], "a record")

    assert FAILS not in agent.log()
