# SPDX-License-Identifier: Apache-2.0
"""Where the host is, and what it is called: core-agent against metadata services."""
import copy
import os
import signal
import subprocess

import jsonschema
import pytest

import metadata_server
from api_client import ApiAgent
from harness import AGENT, PATIENT_RESOLVER, run, until
from metadata_server import DOCUMENTS, SHAPES, MetadataServer

CLOUDS = ("aws", "gcp", "azure")
FAULTS = [metadata_server.hang, metadata_server.cut_off, metadata_server.slow,
          metadata_server.garbage, metadata_server.page, metadata_server.huge,
          *map(metadata_server.status, (401, 404, 429, 500))]
ASKED = {"aws": "/latest/", "gcp": "/computeMetadata/", "azure": "/metadata/"}


@pytest.fixture
def start(workplace, fake):
    started = []

    def start_agent(env=None, **options):
        started.append(ApiAgent(workplace, env={
            "DD_PROCESS_CONFIG_INTERVALS_CONNECTIONS": "1s", **(env or {})}, **options))
        return started[-1]

    yield start_agent
    for process in started:
        process.stop(signal.SIGKILL)


@pytest.fixture
def firmware(workplace):
    """Settings that make the agent see another machine's firmware."""
    def write(**values):
        folder = workplace / "sys" / "class" / "dmi" / "id"
        folder.mkdir(parents=True)
        for name, value in values.items():
            (folder / name).write_text(value + "\n")
        return {"HOST_SYS": str(workplace / "sys")}
    return write


def hostname(agent):
    answer = agent.get("/agent/hostname")
    return answer["hostname"], answer["source"]


def is_called(agent, name, source, deadline_s=20):
    until(lambda: hostname(agent) == (name, source), f"it is called {name}, says {source}",
          deadline_s)


def polled(fake, n=3):
    goal = fake.n_requests("/v1/connections") + n
    until(lambda: fake.n_requests("/v1/connections") >= goal, "polls")


# The fixtures are what the documentation says.

@pytest.mark.parametrize("name", SHAPES)
def test_documents_have_the_published_shape(name):
    jsonschema.validate(DOCUMENTS[name], SHAPES[name])


@pytest.mark.parametrize("name", SHAPES)
def test_shapes_refuse_a_document_that_lacks_something(name):
    for member in SHAPES[name]["required"]:
        document = copy.deepcopy(DOCUMENTS[name])
        del document[member]
        with pytest.raises(jsonschema.ValidationError):
            jsonschema.validate(document, SHAPES[name])


# Each cloud.

def test_on_aws_the_host_is_its_instance(start):
    with MetadataServer("aws") as server:
        agent = start(env=server.settings()).ready()
        is_called(agent, "i-1234567890abcdef0", "cloud")
        host = agent.get("/agent/status")["host"]
    assert host == {
        "cloud_provider": "aws", "instance_id": "i-1234567890abcdef0",
        "instance_type": "m5.large", "availability_zone": "us-west-2b", "region": "us-west-2",
        "network_id": "vpc-0f1e2d3c", "subnet_id": "subnet-9a8b7c6d"}


def test_aws_is_asked_for_a_token_first_and_never_without_one(start):
    with MetadataServer("aws") as server:
        is_called(start(env=server.settings()).ready(), "i-1234567890abcdef0", "cloud")
        asked = [(method, path) for method, path in server.requests if path.startswith("/latest")]
    assert asked[0] == ("PUT", "/latest/api/token")
    assert server.n_requests("/latest/api/token") == 1
    assert len(asked) == 11  # the document, MACs, MAC, VPC, subnet, two blocks, keys, two tags


def test_aws_tags_are_not_asked_for_where_the_setting_says_so(start):
    with MetadataServer("aws") as server:
        agent = start(env={**server.settings(), "DD_COLLECT_EC2_TAGS": "false"}).ready()
        is_called(agent, "i-1234567890abcdef0", "cloud")
        assert server.n_requests("/latest/meta-data/tags") == 0


def test_an_expired_token_is_asked_for_anew(start):
    with MetadataServer("aws") as server:
        server.uses_of_a_token = 2
        agent = start(env=server.settings()).ready()
        until(lambda: server.n_requests("/latest/meta-data/mac"), "a request with the old token")
        assert hostname(agent)[1] == "kernel"
        server.uses_of_a_token = None
        is_called(agent, "i-1234567890abcdef0", "cloud")
        assert server.n_requests("/latest/api/token") >= 2


def test_on_gcp_the_host_has_its_dns_name(start):
    with MetadataServer("gcp") as server:
        agent = start(env=server.settings()).ready()
        is_called(agent, "web-1.c.sample-project.internal", "cloud")
        host = agent.get("/agent/status")["host"]
    assert host == {
        "cloud_provider": "gcp", "instance_id": "5089834957183247613",
        "instance_type": "n1-standard-1", "availability_zone": "us-east1-b",
        "region": "us-east1", "network_id": "projects/739419398126/networks/default"}


@pytest.mark.parametrize("style, name", [
    ("name", "vm-7"), ("name_and_resource_group", "vm-7.shop-rg"),
    ("full", "vm-7.shop-rg.8d10da13-8125-4ba9-a717-bf7490507b3d"),
    ("vmid", "02aab8a4-74ef-476e-8182-f6d2ba4166a6")])
def test_on_azure_the_setting_chooses_the_name(start, style, name):
    with MetadataServer("azure") as server:
        agent = start(env={**server.settings(), "DD_AZURE_HOSTNAME_STYLE": style}).ready()
        is_called(agent, name, "cloud")


def test_on_azure_the_host_keeps_its_own_name_by_default(start):
    with MetadataServer("azure") as server:
        agent = start(env=server.settings()).ready()
        agent.wait_log("a source of tags answers")
        host = agent.get("/agent/status")["host"]
        assert hostname(agent) == (os.uname().nodename, "kernel")
    assert host == {
        "cloud_provider": "azure", "instance_id": "02aab8a4-74ef-476e-8182-f6d2ba4166a6",
        "instance_type": "Standard_A3", "availability_zone": "westeurope-2",
        "region": "westeurope"}


# Who is asked.

@pytest.mark.parametrize("settings, env", [
    ("cloud_provider_metadata: []\n", {"DD_CLOUD_PROVIDER_METADATA": ""}),
    ("", {"DD_CLOUD_PROVIDER_METADATA": "none"})])
def test_switched_off_nobody_is_asked(start, fake, settings, env):
    with MetadataServer(*CLOUDS) as server:
        start(env={**server.settings(), **env}, settings=settings).ready()
        polled(fake, 5)
        assert server.requests == []


def test_only_the_clouds_of_the_setting_are_asked(start):
    with MetadataServer("gcp") as server:
        agent = start(env={**server.settings(),
                           "DD_CLOUD_PROVIDER_METADATA": "gcp alibaba"}).ready()
        is_called(agent, "web-1.c.sample-project.internal", "cloud")
        assert "name=alibaba" in agent.wait_log("a cloud is not known here")
        assert all(path.startswith(ASKED["gcp"]) for _, path in server.requests)


def test_without_a_hint_of_the_firmware_all_are_asked_at_once(start):
    with MetadataServer() as server:
        server.fault = metadata_server.hang
        start(env=server.settings()).ready()
        until(lambda: all(server.n_requests(path) for path in ASKED.values()), "all", 1.9)


@pytest.mark.parametrize("cloud, values", [
    ("aws", {"sys_vendor": "Amazon EC2"}), ("gcp", {"product_name": "Google Compute Engine"}),
    ("azure", {"sys_vendor": "Microsoft Corporation",
               "chassis_asset_tag": "7783-7084-3265-9085-8269-3286-77"})])
def test_the_firmware_says_who_is_asked(start, firmware, cloud, values):
    with MetadataServer(*CLOUDS) as server:
        agent = start(env={**server.settings(), **firmware(**values)}).ready()
        agent.wait_log("a source of tags answers")
        assert agent.get("/agent/status")["host"]["cloud_provider"] == cloud
        assert all(path.startswith(ASKED[cloud]) for _, path in server.requests)


def test_firmware_that_lies_costs_one_request(start, firmware):
    with MetadataServer("gcp") as server:
        agent = start(env={**server.settings(), **firmware(sys_vendor="Amazon EC2")}).ready()
        is_called(agent, "web-1.c.sample-project.internal", "cloud")
        assert "aws" in agent.wait_log("a source of tags fails")


# Trouble.

def assert_first_poll_waits_for_nothing(fake, server):
    until(lambda: fake.n_requests("/v1/connections"), "the first poll")
    assert not server.given_up.is_set()


@pytest.mark.parametrize("fault", FAULTS, ids=lambda fault: fault.__name__)
def test_trouble_delays_nothing_and_ends_by_itself(start, fake, fault):
    with MetadataServer("gcp") as server:
        server.fault = fault
        agent = start(env=server.settings())
        assert_first_poll_waits_for_nothing(fake, server)
        agent.ready()
        until(lambda: server.requests, "a request")
        assert hostname(agent) == (os.uname().nodename, "kernel")
        assert agent.get("/agent/status")["host"] == {}
        polled(fake)
        server.fault = None
        server.released.set()
        is_called(agent, "web-1.c.sample-project.internal", "cloud")


def test_trouble_on_a_cloud_is_told_once_with_the_remedy(start, firmware, fake):
    with MetadataServer("aws") as server:
        server.fault = metadata_server.hang
        agent = start(env={**server.settings(), **firmware(sys_vendor="Amazon EC2")})
        line = agent.wait_log("a source of tags fails")
        assert "aws: /latest/api/token: " in line and "hop limit" in line
        asked = server.n_requests("/latest/api/token")
        until(lambda: server.n_requests("/latest/api/token") > asked, "another try")
        server.fault = None
        server.released.set()
        agent.wait_log("a source of tags answers again")
        assert agent.log().count("a source of tags fails") == 1


def test_without_a_route_the_agent_works(start, fake, namespace, firmware):
    agent = start(env={"DD_CLOUD_PROVIDER_METADATA": "aws", **firmware(sys_vendor="Amazon EC2")},
                  prefix=namespace.enter())
    assert "/latest/api/token" in agent.wait_log("a source of tags fails")
    polled(fake)


def test_facts_stay_while_the_service_is_away(start):
    with MetadataServer("gcp") as server:
        agent = start(env={**server.settings(), "DD_SYSPROBE_CLOUD_METADATA_INTERVAL": "1s"})
        agent.ready()
        is_called(agent, "web-1.c.sample-project.internal", "cloud")
        server.fault = metadata_server.status(503)
        agent.wait_log("a source of tags fails")
        assert hostname(agent) == ("web-1.c.sample-project.internal", "cloud")
        assert agent.get("/agent/status")["host"]["region"] == "us-east1"


def test_a_host_that_gets_another_name_says_so_once(start, fake):
    with MetadataServer("gcp") as server:
        agent = start(env={**server.settings(), "DD_SYSPROBE_CLOUD_METADATA_INTERVAL": "1s"})
        agent.wait_log("name=web-1.c.sample-project.internal")
        server.documents["gcp"]["instance"]["hostname"] = "web-2.c.sample-project.internal"
        line = agent.wait_log("name=web-2.c.sample-project.internal")
        assert "before=web-1.c.sample-project.internal" in line and "source=cloud" in line
        polled(fake)
        assert agent.log().count("name=web-2.c.sample-project.internal") == 1


# What the host is called.

def test_the_setting_is_the_best_name(start):
    with MetadataServer("aws") as server:
        agent = start(env={**server.settings(), "DD_HOSTNAME": "chosen"}).ready()
        agent.wait_log("a source of tags answers")
        assert hostname(agent) == ("chosen", "setting")


@pytest.mark.parametrize("variable", ["DD_KUBERNETES_KUBELET_NODENAME", "DD_NODE_NAME"])
def test_in_a_pod_the_name_is_the_nodes(start, variable):
    assert hostname(start(env={variable: "node-3"}).ready()) == ("node-3", "node")


def test_on_fargate_there_is_no_host(start):
    agent = start(env={"AWS_EXECUTION_ENV": "AWS_ECS_FARGATE"}).ready()
    assert hostname(agent)[0] == ""


def elsewhere(workplace, hosts, resolv="", inside=()):
    """A prefix: on a host `box` with these files, in place of ours."""
    (workplace / "hosts").write_text(hosts)
    (workplace / "resolv.conf").write_text(resolv)
    script = (f"hostname box && mount --bind {workplace}/hosts /etc/hosts && "
              f"mount --bind {workplace}/resolv.conf /etc/resolv.conf && exec \"$@\"")
    return [*inside, "unshare", "--mount", "--uts", "sh", "-c", script, "sh"]


def test_the_full_name_is_the_one_of_the_hosts_file(start, workplace):
    prefix = elsewhere(workplace, "127.0.0.1 localhost\n127.0.1.1 box.example.test box\n")
    agent = start(env={"DD_HOSTNAME_FQDN": "true"}, prefix=prefix).ready()
    is_called(agent, "box.example.test", "fqdn")


def test_the_full_name_is_not_looked_for_unasked(start, workplace, fake):
    prefix = elsewhere(workplace, "127.0.0.1 localhost\n127.0.1.1 box.example.test box\n")
    agent = start(prefix=prefix).ready()
    polled(fake)
    assert hostname(agent) == ("box", "kernel")


def test_a_resolver_that_hangs_delays_nothing(start, workplace, fake, namespace):
    silent = namespace.popen(
        "/usr/bin/python3", "-c", "import socket, sys\ns = socket.socket(type=socket.SOCK_DGRAM)\n"
        "s.bind(('127.0.0.1', 53)); print('asked', s.recv(512), flush=True); sys.stdin.read()",
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    try:
        prefix = elsewhere(workplace, "127.0.0.1 localhost\n", PATIENT_RESOLVER.format("127.0.0.1"),
                           namespace.enter())
        agent = start(env={"DD_HOSTNAME_FQDN": "true"}, prefix=prefix)
        assert silent.stdout.readline().startswith("asked")
        polled(fake)
        agent.stop()
    finally:
        silent.kill()
        silent.wait()


def test_status_shows_the_name_and_who_says_so(start):
    agent = start(env={"DD_HOSTNAME": "chosen"}).ready()
    out = run(AGENT, "status", env={
        **os.environ, "DD_SYSPROBE_USER": "nobody", "DD_CMD_PORT": str(agent.port),
        "DD_AUTH_TOKEN_FILE_PATH": str(agent.token_file),
        "DD_IPC_CERT_FILE_PATH": str(agent.certificate)})
    assert " on chosen (setting), pid " in out


# ECS.

def test_the_instance_is_known_by_its_container_agent(start):
    with MetadataServer("ecs") as server:
        agent = start(env={"DD_ECS_AGENT_URL": server.url}).ready()
        agent.wait_log("source=ecs")
        assert agent.get("/agent/status")["host"] == {"ecs_cluster": "shop"}
        assert [path for _, path in server.requests] == ["/v1/metadata", "/v1/tasks"]


@pytest.mark.parametrize("variable, path", [
    ("ECS_CONTAINER_METADATA_URI_V4", "/v4/ea"), ("ECS_CONTAINER_METADATA_URI", "/v3/ea")])
def test_without_a_container_agent_its_own_task_is_known(start, variable, path):
    with MetadataServer("ecs_own_task") as server:
        agent = start(env={variable: server.url + path}).ready()
        agent.wait_log("a source of tags answers source=ecs")
        assert server.n_requests(path + "/task") == 1
        assert agent.get("/agent/status")["host"] == {"ecs_cluster": "shop"}


def test_version_4_is_better_than_3(start):
    with MetadataServer("ecs_own_task") as server:
        start(env={"ECS_CONTAINER_METADATA_URI_V4": server.url + "/v4/ea",
                   "ECS_CONTAINER_METADATA_URI": server.url + "/v3/ea"}).ready()
        until(lambda: server.n_requests("/v4/ea/task"), "a request")
        assert server.n_requests("/v3") == 0


@pytest.mark.parametrize("fault", FAULTS, ids=lambda fault: fault.__name__)
def test_trouble_of_ecs_is_told_and_delays_nothing(start, fake, fault):
    with MetadataServer("ecs") as server:
        server.fault = fault
        agent = start(env={"DD_ECS_AGENT_URL": server.url})
        assert_first_poll_waits_for_nothing(fake, server)
        assert "/v1/metadata: " in agent.wait_log("a source of tags fails")
        polled(fake)
        assert agent.get("/agent/status")["host"] == {}
