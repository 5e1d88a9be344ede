# SPDX-License-Identifier: Apache-2.0
"""Both processes on a node with a real kubelet: its pods are in the records."""
import contextlib
import json

import pytest

import harness
import kubernetes
import private_host
from harness import until
from kubernetes import container, container_id, NODE_ADDRESS, pod_manifest
from test_agent import Agent, FOR_NOBODY

PORT, HELD_PORT = 8000, 8001
CHANGE_S = 60  # it is asked every 30 s
FAILS, AGAIN = "for a while source=kubelet", "answers again source=kubelet"
SERVE = ("/bin/sh", "-c", f"while :; do nc -l -p {PORT}; done")


@pytest.fixture(scope="module")
def kubelet():
    with contextlib.ExitStack() as stack:
        try:
            kubernetes.program("kubelet")
            stack.enter_context(kubernetes.kept_sysctls())
            host = private_host.Host("native")
            stack.callback(host.end)
            one = kubernetes.Kubelet(
                stack.enter_context(kubernetes.Containerd(host.ready())))
        except private_host.Unavailable as error:
            pytest.skip(str(error))
        yield one


@pytest.fixture
def start_agent(kubelet, folder):
    """Agents on the node's network, as a pod of a DaemonSet with hostNetwork has it."""
    started = []
    probe = harness.Probe(folder, env=FOR_NOBODY).ready()

    def start(**env):
        authority = folder / "ca.crt"
        authority.write_bytes(kubelet.host.path("/run/kubelet.crt").read_bytes())
        token = folder / "token"
        token.write_text("any")
        for file in (authority, token):
            file.chmod(0o644)
        started.append(Agent(probe, prefix=kubelet.host.namespace.enter(), env={
            "DD_KUBERNETES_KUBELET_HOST": NODE_ADDRESS, "DD_KUBELET_CLIENT_CA": str(authority),
            "DD_KUBELET_AUTH_TOKEN_PATH": str(token), **env}))
        return started[-1]

    yield start
    for agent in started:
        agent.stop()
        print(agent.log())  # shown when the test has failed
    probe.stop()


@pytest.fixture
def older_connection(kubelet):
    """Between two pods, established before the probe starts; (end, other end)."""
    kubelet.set_pod(pod_manifest("held", container(
        "serve", "/bin/sh", "-c", f"sleep 1000000 | nc -l -p {HELD_PORT}")))
    held = kubelet.wait_running("held")
    address = held["status"]["podIP"]
    kubelet.set_pod(pod_manifest("holder", container(
        "hold", "/bin/sh", "-c", f"sleep 1000000 | nc {address} {HELD_PORT}")))
    holder = kubelet.wait_running("holder")
    inside = f"--net=/proc/{kubelet.runtime.pid(container_id(holder, 'hold'))}/ns/net"
    until(lambda: "ESTAB" in harness.run("nsenter", inside, "ss", "-Htn", "dport", f":{HELD_PORT}"),
          "it is established")
    yield holder, held
    kubelet.remove_pod("holder")
    kubelet.remove_pod("held")


def two_pods(kubelet):
    kubelet.set_pod(pod_manifest(
        "web", container("serve", *SERVE), container("side", "/bin/sleep", "1000000"),
        labels={"tags.datadoghq.com/service": "web", "app": "shop"}))
    web = kubelet.wait_running("web")
    address = web["status"]["podIP"]
    kubelet.set_pod(pod_manifest("client", container(
        "call", "/bin/sh", "-c", f"while :; do sleep 1 | nc {address} {PORT}; sleep 1; done")))
    return web, kubelet.wait_running("client")


def records_to(agent, address):
    """Those with both pods; the machine's other connections are not even parsed."""
    if not agent.records_file.exists():
        return []
    with open(agent.records_file) as file:
        records = [json.loads(line) for line in file
                   if line.endswith("\n") and f'"remote_ip":"{address}"' in line]
    return [r for r in records if r.get("pod_name") and r.get("remote_pod_name")]


def record_between(agent, address):
    return until(lambda: records_to(agent, address), "a record with both pods",
                 kubernetes.READY_S)[-1]


PORTS = {"10250": {"DD_KUBERNETES_HTTP_KUBELET_PORT": "0"},
         "10255": {"DD_KUBERNETES_HTTPS_KUBELET_PORT": "1"}}
each_port = pytest.mark.parametrize("env", PORTS.values(), ids=PORTS)


@each_port
def test_record_has_the_pods_and_containers_of_both_ends(kubelet, start_agent, env):
    web, client = two_pods(kubelet)
    record = record_between(start_agent(**env), web["status"]["podIP"])

    assert record["container_id"] == container_id(client, "call")
    assert record["pod_uid"] == client["metadata"]["uid"]
    assert (record["pod_name"], record["kube_namespace"]) == ("client-node1", "shop")
    assert (record["kube_container_name"], record["kube_node"]) == ("call", "node1")
    assert (record["short_image"], record["image_tag"]) == ("sysprobe-test", "1")
    assert (record["remote_pod_name"], record["remote_service"]) == ("web-node1", "web")


@each_port
def test_connection_older_than_the_probe_has_the_pods_of_both_ends(
        older_connection, start_agent, env):
    holder, held = older_connection
    record = record_between(start_agent(**env), held["status"]["podIP"])

    assert (record["remote_port"], record["comm"]) == (HELD_PORT, "nc")
    assert record["container_id"] == container_id(holder, "hold")
    assert (record["pod_name"], record["remote_pod_name"]) == ("holder-node1", "held-node1")


def test_address_of_a_pod_that_was_replaced_has_the_tags_of_the_next(kubelet, start_agent):
    web, _ = two_pods(kubelet)
    address = web["status"]["podIP"]
    agent = start_agent()
    assert record_between(agent, address)["remote_pod_name"] == "web-node1"
    kubelet.remove_pod("web")
    until(lambda: "web" not in kubelet.pods(), "the pod is gone", kubernetes.READY_S)
    kubelet.give_next(address)
    kubelet.set_pod(pod_manifest("next", container("serve", *SERVE)))
    assert kubelet.wait_running("next")["status"]["podIP"] == address
    until(lambda: record_between(agent, address)["remote_pod_name"] == "next-node1",
          "the next pod's name", CHANGE_S)
    kubelet.remove_pod("next")


def test_restart_of_the_kubelet_keeps_the_tags(kubelet, start_agent):
    web, _ = two_pods(kubelet)
    address = web["status"]["podIP"]
    agent = start_agent()
    record_between(agent, address)
    kubelet.stop()
    agent.wait_log(FAILS, CHANGE_S)
    n_before = len(records_to(agent, address))
    until(lambda: len(records_to(agent, address)) > n_before + 2, "records while it is away")
    kubelet.start()
    kubelet.wait_running("web")
    agent.wait_log(AGAIN, CHANGE_S)
    n_before = len(records_to(agent, address))
    until(lambda: len(records_to(agent, address)) > n_before + 2, "records since it is back")
