# SPDX-License-Identifier: Apache-2.0
"""By which subnet connections leave, from a metadata service to an intake."""
import signal
import socket

import pytest

import intake_server
from api_client import ApiAgent
from fake_probe import connection, proto
from harness import until
from metadata_server import MAC, OTHER_MAC, MetadataServer
from test_intake_exporter import KEY, make_certificate


@pytest.fixture
def intake(workplace):
    certificate, key = make_certificate(workplace, "intake")
    certificate.chmod(0o644)
    with intake_server.IntakeServer(certificate, key, api_key=KEY) as server:
        server.ca = certificate
        yield server


@pytest.fixture
def start(workplace, fake, intake):
    started = []

    def start_agent(server, **env):
        started.append(ApiAgent(workplace, env={
            **server.settings(), "DD_EXPORTERS": "intake", "DD_API_KEY": KEY,
            "DD_PROCESS_AGENT_URL": intake.url, "DD_SYSPROBE_TLS_CA_FILE": str(intake.ca),
            "DD_PROCESS_CONFIG_INTERVALS_CONNECTIONS": "1s", **env}))
        return started[-1].ready()

    yield start_agent
    for agent in started:
        agent.stop(signal.SIGKILL)


@pytest.fixture
def aws():
    with MetadataServer("aws") as server:
        server.interfaces[OTHER_MAC] = {
            "subnet-id": "subnet-2", "subnet-ipv4-cidr-block": "10.158.113.0/24",
            "subnet-ipv6-cidr-blocks": "2001:db8:113::/64"}
        yield server


def knows_subnets(agent):
    """Its own name is what the same answer told."""
    until(lambda: agent.get("/agent/hostname")["source"] == "cloud", "the cloud is known")


def leave(fake, number, local, remote):
    family = socket.AF_INET6 if ":" in local else socket.AF_INET
    record = connection(number, local_address=socket.inet_pton(family, local),
                        remote_address=socket.inet_pton(family, remote))
    if family == socket.AF_INET6:
        record.family = proto.FAMILY_IPV6
    fake.close(number, **{name: getattr(record, name) for name in (
        "family", "local_address", "remote_address")})


def routes(intake, n):
    """By port, and so by number of the connection: id and address of the subnet, or None."""
    found = {}
    for post in list(intake.posts):
        for one in post.message.connections:
            route = post.message.routes[one.routeIdx] if one.routeIdx >= 0 else None
            found[one.laddr.port - 1024] = route and (route.subnet.alias,
                                                      route.interface.HardwareAddr)
    return found if len(found) >= n else None


def test_a_connection_through_a_gateway_has_the_subnet_of_its_source(start, fake, aws, intake):
    knows_subnets(start(aws))
    leave(fake, 1, "10.158.112.84", "198.51.100.1")
    leave(fake, 2, "10.158.113.9", "198.51.100.1")  # of a pod on the second interface
    leave(fake, 3, "2001:db8:113::7", "2001:db8:9::1")
    leave(fake, 4, "10.158.112.84", "10.158.112.85")  # no gateway
    leave(fake, 5, "172.17.0.2", "198.51.100.1")
    found = until(lambda: routes(intake, 5), "all are sent")
    first, second = ("subnet-9a8b7c6d", MAC), ("subnet-2", OTHER_MAC)
    assert found == {1: first, 2: second, 3: second, 4: None, 5: None}
    assert intake.violations == []


def test_a_setting_leaves_routes_unknown_and_unasked(start, fake, aws, intake):
    knows_subnets(start(aws, DD_SYSTEM_PROBE_NETWORK_ENABLE_GATEWAY_LOOKUP="false"))
    leave(fake, 1, "10.158.112.84", "198.51.100.1")
    assert until(lambda: routes(intake, 1), "it is sent") == {1: None}
    assert not [path for _, path in aws.requests if path.endswith(("block", "blocks"))]


def test_where_no_cloud_tells_there_are_no_routes(start, fake, intake):
    with MetadataServer() as nobody:
        start(nobody)
        leave(fake, 1, "10.158.112.84", "198.51.100.1")
        assert until(lambda: routes(intake, 1), "it is sent") == {1: None}
