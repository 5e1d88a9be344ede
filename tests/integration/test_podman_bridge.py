# SPDX-License-Identifier: Apache-2.0
"""Containers of Podman in a bridge's network have their names at both ends."""

import contextlib
import subprocess

import pytest

import harness
import private_host
import runtimes
from harness import until
from test_agent import Agent, FOR_NOBODY
from test_container_runtimes import PORT, records_of, wait_listens


@pytest.fixture(scope="module")
def podman():
    with contextlib.ExitStack() as stack:
        try:
            host = private_host.Host("native")
            stack.callback(host.end)
            one = stack.enter_context(runtimes.Podman(host.ready()))
        except private_host.Unavailable as error:
            pytest.skip(str(error))
        one.serve()
        one.socket.chmod(0o666)
        yield one


@pytest.fixture
def agent(folder, podman):
    probe = harness.Probe(folder, env=FOR_NOBODY).ready()
    process = Agent(probe, env={"DD_PODMAN_SOCKETS": str(podman.socket),
                                "DD_DOCKER_SOCKET": "/nowhere", "DD_CRI_SOCKET_PATH": "/nowhere"})
    process.wait_log("answers source=podman")
    yield process
    process.stop()
    probe.stop()
    print(probe.log(), process.log())  # shown when the test has failed


def held(*arguments):
    """A command whose connection stays: nc ends its side with its standard input."""
    return ["/bin/sh", "-c", f"sleep 1000000 | nc {' '.join(map(str, arguments))}"]


@contextlib.contextmanager
def two_containers(podman):
    """`client`, which holds a connection to `server`; (id of `client`, address of `server`)."""
    podman.network = "podman"  # what its first network is called everywhere
    server = podman.create(held("-l -p", PORT), name="server")
    try:
        podman.start(server)
        wait_listens(podman, server)
        address = podman.address_of(server)
        client = podman.create(held(address, PORT), name="client")
        podman.start(client)
        yield client, address
    finally:
        for container in list(podman.containers):
            podman.remove(container)
        podman.network = "host"


def both_names(record):
    return record.get("container_name"), record.get("remote_container_name")


def ends(agent, address):
    """Records of the client's end and of the server's, once both have the names of both."""
    def named(**fields):
        return until(lambda: (lambda r: r if None not in both_names(r) else None)(
            records_of(agent, "open", **fields)[-1]), f"both names, {fields}")

    return named(remote_ip=address, remote_port=PORT), named(local_ip=address, local_port=PORT)


def test_both_ends_of_a_connection_between_two_containers_have_both_names(agent, podman):
    with two_containers(podman) as (client_id, address):
        client, server = ends(agent, address)

    assert both_names(client) == ("client", "server")
    assert both_names(server) == ("server", "client")
    assert (client["container_id"], server["remote_container_id"]) == (client_id, client_id)


def test_attempt_that_is_refused_has_the_name_that_goes_with_the_address(agent, podman):
    with two_containers(podman) as (_, address):
        ends(agent, address)
        podman.host.namespace.popen("socat", "-u", "OPEN:/dev/null", f"TCP:{address}:1",
                                    stderr=subprocess.DEVNULL).wait(harness.DEADLINE_S)
        record = records_of(agent, "failed", remote_ip=address)[-1]

    assert both_names(record) == (None, "server")
    assert record["error"] == "ECONNREFUSED"
