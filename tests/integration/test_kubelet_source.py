# SPDX-License-Identifier: Apache-2.0
"""What core-agent knows from a kubelet, and what becomes of it when the kubelet fails."""
import json
import re
import subprocess
import time

import pytest

import kube_server
from api_client import ApiAgent
from fake_probe import connection, FakeProbe, proto
from harness import until
from kube_server import KubeServer, pod

CONTAINER = "a" * 64
OTHER = "b" * 64


def make_certificate(folder, name, *alternatives):
    certificate, key = folder / f"{name}.pem", folder / f"{name}.key"
    subprocess.run(
        ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1",
         "-nodes", "-days", "2", "-subj", f"/CN={name}", "-addext",
         "subjectAltName=" + ",".join(alternatives), "-keyout", key, "-out", certificate],
        check=True, capture_output=True)
    return certificate, key


@pytest.fixture(scope="module")
def certificates(tmp_path_factory):
    folder = tmp_path_factory.mktemp("kube")
    return {"good": make_certificate(folder, "good", "IP:127.0.0.1"),
            "other": make_certificate(folder, "other", "IP:127.0.0.1")}


@pytest.fixture
def kubelet(certificates):
    with KubeServer(*certificates["good"]) as server:
        server.pods_of_node = [pod("web-1", "10.0.0.5", container=CONTAINER, labels={
            "tags.datadoghq.com/service": "web", "app.kubernetes.io/name": "shop"})]
        yield server
        assert server.violations == []


class KubeAgent(ApiAgent):
    """With the service account's files that the test wrote."""

    def __init__(self, folder, kubelet, ca, env=None, **options):
        self.service_token = folder / "token"
        if not self.service_token.exists():
            self.set_token("first-token")
        authority = folder / "ca.crt"
        authority.write_bytes(ca.read_bytes())
        authority.chmod(0o644)
        super().__init__(folder, env={
            "DD_KUBERNETES_KUBELET_HOST": "127.0.0.1", "DD_EXPORTERS": "jsonl",
            "DD_KUBERNETES_HTTPS_KUBELET_PORT": str(kubelet.port),
            "DD_KUBERNETES_HTTP_KUBELET_PORT": "0", "DD_KUBELET_CLIENT_CA": str(authority),
            "DD_KUBELET_AUTH_TOKEN_PATH": str(self.service_token),
            "DD_PROCESS_CONFIG_INTERVALS_CONNECTIONS": "1s", **(env or {})}, **options)

    def set_token(self, text):
        self.service_token.write_text(text)
        self.service_token.chmod(0o644)

    def tagger(self):
        return self.get("/agent/tagger-list")

    def source(self, name="kubelet"):
        found = [s for s in self.tagger()["sources"] if s["name"] == name]
        return found[0] if found else None

    def tags(self, kind, name):
        """Of an entity as the set of what is in its list; None: it is not known."""
        found = [e for e in self.tagger()["entities"] if (e["kind"], e["id"]) == (kind, name)]
        return set(found[0]["tags"]) if found else None

    def wait_tags(self, kind, name):
        return until(lambda: self.tags(kind, name), f"tags of {kind} {name}")

    def wait_state(self, state, name="kubelet"):
        return until(lambda: self.source(name)["state"] == state and self.source(name),
                     f"{name} is {state}")

    def records(self):
        file = self.folder / "lines.jsonl"
        lines = file.read_text().split("\n")[:-1] if file.exists() else []
        return [json.loads(line) for line in lines]


def in_container(fake, number, container, **fields):
    """A connection of a process in it, which the agent hears of first."""
    now_ns = time.clock_gettime_ns(time.CLOCK_BOOTTIME)
    process = {"tgid": 4000000 + number, "start_ns": 5, "comm": "web", "time_ns": now_ns,
               "cgroup_name": container.encode()}
    with fake.lock:
        for event in (proto.Process.EVENT_EXEC, proto.Process.EVENT_EXIT):
            fake.process_log.append(proto.Process(event=event, **process))
    goal = fake.n_requests("/v1/processes") + 2
    until(lambda: fake.n_requests("/v1/processes") >= goal, "the process is known")
    with fake.lock:
        fake.live[number] = connection(
            number, tgid=4000000 + number, process_start_ns=5, **fields)


@pytest.fixture
def start(fake, workplace, certificates):
    started = []

    def start_agent(kubelet, ca="good", **options):
        started.append(KubeAgent(workplace, kubelet, certificates[ca][0], **options).listening())
        return started[-1]

    yield start_agent
    for agent in started:
        agent.stop()
        print(agent.log())  # shown when the test has failed


def test_containers_and_pods_have_their_tags(kubelet, start):
    agent = start(kubelet, env={
        "DD_KUBERNETES_POD_LABELS_AS_TAGS": '{"app.kubernetes.io/name": "app"}'})
    of_pod = {"app:shop", "kube_namespace:shop", "kube_node:node1", "pod_name:web-1", "service:web"}
    assert agent.wait_tags("pod", "uid-web-1") == of_pod
    assert agent.tags("container", CONTAINER) == of_pod | {
        "container_name:web-1-main", "kube_container_name:web-1-main", "image_tag:1.2",
        "image_name:registry.example/shop/web", "short_image:web"}
    assert kubelet.n_requests("/pods") == 1


def test_record_has_the_pods_of_both_ends(kubelet, fake, start):
    kubelet.pods_of_node.append(pod("db-0", "10.0.0.9", container=OTHER))
    agent = start(kubelet)
    in_container(fake, 1, CONTAINER, remote_address=bytes([10, 0, 0, 9]))
    record = until(lambda: [r for r in agent.records() if r.get("remote_pod_name")], "tags")[-1]
    assert (record["container_id"], record["pod_name"]) == (CONTAINER, "web-1")
    assert (record["remote_pod_name"], record["remote_kube_namespace"]) == ("db-0", "shop")


def test_pod_does_not_take_the_place_of_another_by_what_is_written_on_it(kubelet, start):
    kubelet.pods_of_node.append(pod("thief", "10.0.0.66", namespace="tenant", annotations={
        "kubernetes.io/config.hash": "uid-web-1", "kubernetes.io/config.mirror": "uid-web-1",
        "kubernetes.io/config.source": "file"}))
    agent = start(kubelet)
    assert "pod_name:thief" in agent.wait_tags("pod", "uid-thief")
    assert "pod_name:web-1" in agent.tags("pod", "uid-web-1")
    assert "kube_namespace:shop" in agent.tags("container", CONTAINER)


def test_pod_that_is_not_known_is_asked_for_before_the_interval_ends(kubelet, fake, start):
    agent = start(kubelet)
    agent.wait_tags("pod", "uid-web-1")
    with kubelet.lock:
        kubelet.pods_of_node.append(pod("new", container=OTHER))
    begin = time.monotonic()
    in_container(fake, 1, OTHER)
    assert "pod_name:new" in agent.wait_tags("container", OTHER)
    assert time.monotonic() - begin < 20  # of 27 at least


def test_address_goes_to_the_pod_that_has_it_now(kubelet, fake, start):
    agent = start(kubelet)
    fake.live[1] = connection(1, remote_address=bytes([10, 0, 0, 5]))
    until(lambda: [r for r in agent.records() if r.get("remote_pod_name") == "web-1"], "web-1")
    with kubelet.lock:
        kubelet.pods_of_node[:] = [pod("web-1", "10.0.0.5", container=CONTAINER, phase="Succeeded"),
                                   pod("next", "10.0.0.5", container=OTHER)]
    in_container(fake, 2, OTHER)
    fake.live[3] = connection(3, remote_address=bytes([10, 0, 0, 5]))
    agent.wait_tags("pod", "uid-next")
    until(lambda: [r for r in agent.records() if r.get("remote_pod_name") == "next"], "next")


TROUBLE = {
    "401": (kube_server.status(401), "status 401: .*token"),
    "403": (kube_server.status(403), "status 403: .*nodes/proxy"),
    "404": (kube_server.status(404), "status 404: .*kubernetes_https_kubelet_port"),
    "429": (kube_server.status(429, [("Retry-After", "1")]), "status 429: .*fewer"),
    "500": (kube_server.status(500), "status 500: .*log"),
    "cut": (kube_server.cut_off, "transfer closed|partial|bytes remaining"),
    "garbage": (kube_server.garbage, "makes no sense"),
    "other": (kube_server.other_json, "makes no sense"),
    "huge-item": (kube_server.huge_item, "makes no sense|too large"),
    "huge-rest": (kube_server.huge_rest, "makes no sense|too large"),
}


@pytest.mark.parametrize("name", TROUBLE)
def test_trouble_is_told_once_and_the_tags_stay(kubelet, fake, start, name):
    fault, detail = TROUBLE[name]
    agent = start(kubelet)
    agent.wait_tags("pod", "uid-web-1")
    kubelet.faults["/pods"] = [fault, fault]
    in_container(fake, 1, OTHER)
    trouble = agent.wait_state("failing")
    assert re.search(detail, trouble["detail"])
    assert "pod_name:web-1" in agent.tags("pod", "uid-web-1")
    until(lambda: not kubelet.faults["/pods"], "both faults")
    with kubelet.lock:
        kubelet.pods_of_node.append(pod("new", container=OTHER))
    assert "pod_name:new" in agent.wait_tags("container", OTHER)
    assert agent.source()["state"] == "ok"
    assert agent.log().count("a source of tags fails") == 1
    assert agent.log().count("a source of tags answers again") == 1


def test_new_token_is_taken_when_the_old_one_has_ended(kubelet, start):
    kubelet.token = "second-token"
    agent = start(kubelet)
    agent.wait_state("failing")
    agent.set_token("second-token\n")
    assert agent.wait_tags("pod", "uid-web-1")
    assert agent.wait_state("ok")["failures"] >= 1
    assert "token" not in agent.log().replace("auth_token", "").replace("'s token", "")


def test_wait_that_the_kubelet_asks_for_is_kept(kubelet, start):
    kubelet.faults["/pods"] = [kube_server.status(429, [("Retry-After", "3")])]
    agent = start(kubelet)
    agent.wait_state("failing")
    waited_from = agent.source()["failures"]
    agent.wait_state("ok")
    assert (waited_from, agent.source()["failures"], kubelet.n_requests("/pods")) == (1, 1, 2)


def test_certificate_of_another_authority_is_refused_and_nothing_told(kubelet, start):
    agent = start(kubelet, ca="other")
    detail = agent.wait_state("failing")["detail"]
    assert "kubelet_client_ca" in detail and "kubelet_tls_verify" in detail
    assert kubelet.n_requests("/pods") == 0
    assert agent.tags("pod", "uid-web-1") is None


def test_certificate_is_not_looked_at_when_the_setting_says_so(kubelet, start):
    agent = start(kubelet, ca="other", env={"DD_KUBELET_TLS_VERIFY": "false"})
    assert agent.wait_tags("pod", "uid-web-1")
    assert "certificate is not verified" in agent.log()


def test_answer_that_comes_in_small_pieces_is_whole(kubelet, start):
    kubelet.faults["/pods"] = [kube_server.chunked]
    assert start(kubelet).wait_tags("pod", "uid-web-1")


def test_slow_kubelet_holds_up_nothing_else(kubelet, fake, start):
    held = kube_server.Held()
    kubelet.faults["/pods"] = [held]
    agent = start(kubelet)
    held.reached.wait()
    fake.live[1] = connection(1)
    until(lambda: [r for r in agent.records() if r.get("id") == 1], "the connection")
    assert agent.source()["state"] == "starting"
    held.released.set()


def test_read_only_port_is_asked_without_token_where_the_other_is_closed(kubelet, start):
    with KubeServer() as plain:
        plain.pods_of_node = kubelet.pods_of_node
        agent = start(kubelet, env={"DD_KUBERNETES_HTTPS_KUBELET_PORT": "1",
                                    "DD_KUBERNETES_HTTP_KUBELET_PORT": str(plain.port)})
        assert agent.wait_tags("pod", "uid-web-1")
        assert plain.violations == []


def test_read_only_port_is_not_asked_where_the_certificate_is_refused(kubelet, start):
    with KubeServer() as plain:
        agent = start(kubelet, ca="other",
                      env={"DD_KUBERNETES_HTTP_KUBELET_PORT": str(plain.port)})
        until(lambda: agent.source()["failures"] >= 2, "two failures")
        assert plain.requests == []


def test_read_only_port_is_not_asked_while_a_kubelet_that_has_answered_is_away(
        kubelet, fake, start, certificates):
    kubelet.faults["/pods"] = [kube_server.last_answer]
    with KubeServer() as plain:
        plain.pods_of_node = [pod("forged", container=CONTAINER)]
        agent = start(kubelet, env={"DD_KUBERNETES_HTTP_KUBELET_PORT": str(plain.port)})
        agent.wait_tags("pod", "uid-web-1")
        in_container(fake, 1, OTHER)
        until(lambda: agent.source()["failures"] >= 2 or plain.requests, "two failures")
        assert plain.requests == []
        assert agent.source()["state"] == "failing"
        with KubeServer(*certificates["good"], port=kubelet.port) as back:
            back.pods_of_node = [pod("next")]
            agent.wait_tags("pod", "uid-next")
        assert plain.requests == []


def test_both_ports_stand_in_the_reason(kubelet, start):
    kubelet.faults["/pods"] = [kube_server.status(403)] * 2
    agent = start(kubelet, env={"DD_KUBERNETES_HTTP_KUBELET_PORT": "1"})
    detail = agent.wait_state("failing")["detail"]
    assert "nodes/proxy" in detail and "http://127.0.0.1:1/pods" in detail


def test_host_without_kubernetes_has_no_such_source(kubelet, start):
    agent = start(kubelet, env={"DD_KUBERNETES_KUBELET_HOST": "", "KUBERNETES_SERVICE_HOST": "",
                                "DD_KUBELET_AUTH_TOKEN_PATH": "/nonexistent"})
    assert agent.source() is None
    assert kubelet.requests == []
