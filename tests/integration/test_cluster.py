# SPDX-License-Identifier: Apache-2.0
"""Both processes on a node of a real cluster, with a ServiceAccount's rights and no more."""
import contextlib
import json

import pytest

import cluster
import harness
import kubernetes
import private_host
from cluster import documented_rules, NAMESPACE
from harness import until
from kubernetes import container_id, NODE, NODE_ADDRESS
from test_agent import Agent, FOR_NOBODY

KINDS = {"minutely": "CronJob", "client": "Deployment", "everywhere": "DaemonSet", "once": "Job",
         "numbered": "StatefulSet"}
PORTS = {name: 8000 + i for i, name in enumerate(KINDS)}
SERVE = ("/bin/sh", "-c", "for p in {}; do while :; do nc -l -p $p; done & done; wait".format(
    " ".join(map(str, PORTS.values()))))
CHANGE_S = 90  # the kubelet is asked every 30 s, and the API server trusts a token for 10 s
SLICES = "endpointslices"
FAILS, AGAIN = "for a while source={}", "answers again source={}"


@pytest.fixture(scope="module")
def one_node():
    """A cluster with `web` behind a Service of that name, and those who call it."""
    with contextlib.ExitStack() as stack:
        try:
            stack.enter_context(kubernetes.kept_sysctls())
            host = private_host.Host("native")
            stack.callback(host.end)
            one = cluster.Cluster(stack.enter_context(kubernetes.Containerd(host.ready())))
        except private_host.Unavailable as error:
            pytest.skip(str(error))
        one.create_workload("Deployment", "web", *SERVE,
                            **{"tags.datadoghq.com/service": "web-shop"})
        one.create_service("web", "web", PORTS["client"])
        address = one.pod("web")["status"]["podIP"]
        for name, kind in KINDS.items():
            one.create_workload(
                kind, name, "/bin/sh", "-c",
                f"while :; do sleep 1 | nc {address} {PORTS[name]}; sleep 1; done")
        one.pods = {name: one.pod(name) for name in ("web", *KINDS)}
        yield one


@pytest.fixture
def account(one_node, request):
    """A name that no test before had."""
    return f"agent-{abs(hash(request.node.name)):x}"


class Started(Agent):
    """On the node's network, as a pod of a DaemonSet with hostNetwork has it."""

    def __init__(self, one_node, probe, token, wanted, node_name=""):
        self.token_file = probe.folder / "token"
        self.set_token(token)
        authority = probe.folder / "ca.crt"
        authority.write_bytes(one_node.host.path("/run/pki/ca.crt").read_bytes())
        authority.chmod(0o644)
        super().__init__(probe, prefix=one_node.host.namespace.enter(), env={
            "DD_CRI_SOCKET_PATH": "/nowhere", "DD_DOCKER_SOCKET": "/nowhere",
            "DD_SYSPROBE_KUBERNETES_API": wanted, "DD_NODE_NAME": node_name,
            "KUBERNETES_SERVICE_HOST": NODE_ADDRESS, "KUBERNETES_SERVICE_PORT": "6443",
            "DD_KUBERNETES_KUBELET_HOST": NODE_ADDRESS, "DD_KUBERNETES_HTTP_KUBELET_PORT": "0",
            "DD_KUBELET_CLIENT_CA": str(authority),
            "DD_KUBERNETES_APISERVER_CA_PATH": str(authority),
            "DD_KUBELET_AUTH_TOKEN_PATH": str(self.token_file)})

    def set_token(self, token):
        new = self.token_file.with_suffix(".new")
        new.write_text(token)
        new.chmod(0o644)
        new.rename(self.token_file)

    def of_pod(self, pod):
        """Records whose own end is there; the machine's other connections are not parsed."""
        if not self.records_file.exists():
            return []
        wanted = f'"pod_uid":"{pod["metadata"]["uid"]}"'
        with open(self.records_file) as file:
            records = [json.loads(line) for line in file if line.endswith("\n") and wanted in line]
        return [r for r in records if r["state"] != "listening"]

    def wait_record(self, pod, *fields, without=()):
        """The newest of that pod, once it has the fields, and those no longer."""
        def newest():
            record, = self.of_pod(pod)[-1:] or [{}]
            is_it = record.keys() >= set(fields) and not record.keys() & set(without)
            return record if is_it else None

        return until(newest, f"a record with {fields} and without {without}", CHANGE_S)

    def wait_next(self, pod):
        """A record that comes from now on."""
        n_before = len(self.of_pod(pod))
        return until(lambda: self.of_pod(pod)[n_before + 1:], "another record")[-1]


@pytest.fixture
def start_agent(one_node, folder):
    started = []
    probe = harness.Probe(folder, env=FOR_NOBODY).ready()

    def start(token, wanted="services", **options):
        started.append(Started(one_node, probe, token, wanted, **options))
        return started[-1]

    yield start
    for agent in started:
        agent.stop()
        print(agent.log())  # shown when the test has failed
    probe.stop()


@pytest.fixture
def agent(one_node, account, start_agent):
    """With the rights that README.md names."""
    return start_agent(one_node.create_account(account, documented_rules()))


def name_of_node(one_node):
    """Where the kubelet may not be able to tell."""
    return one_node.pods["web"]["spec"]["nodeName"]


def name_of(pod):
    return pod["metadata"]["name"]


def owner_of(pod):
    owner, = pod["metadata"]["ownerReferences"]
    return owner["name"]


def test_pod_of_a_deployment_has_its_owners_service_and_container(one_node, agent):
    web = one_node.pods["web"]
    record = agent.wait_record(web, "kube_service", "kube_deployment", "remote_pod_name")

    assert (record["kube_namespace"], record["pod_name"]) == (NAMESPACE, name_of(web))
    assert (record["kube_deployment"], record["kube_replica_set"]) == ("web", owner_of(web))
    assert (record["kube_service"], record["kube_node"]) == ("web", NODE)
    assert record["container_id"] == container_id(web, "main")
    assert record["container_name"] == record["kube_container_name"] == "main"
    assert (record["image_name"], record["image_tag"]) == ("localhost/sysprobe-test", "1")
    assert (record["service"], record["service_source"]) == ("web-shop", "labels")


def test_other_end_has_the_deployment_and_service_of_its_pod(one_node, agent):
    record = agent.wait_record(one_node.pods["client"], "remote_kube_service", "kube_deployment",
                               "remote_kube_deployment")

    assert record["remote_pod_name"] == name_of(one_node.pods["web"])
    assert (record["remote_kube_deployment"], record["remote_kube_service"]) == ("web", "web")
    assert (record["remote_service"], record["kube_deployment"]) == ("web-shop", "client")
    assert "kube_service" not in record


@pytest.mark.parametrize("name, key", [("everywhere", "kube_daemon_set"), ("once", "kube_job"),
                                       ("numbered", "kube_stateful_set")])
def test_pod_has_the_workload_that_made_it(one_node, agent, name, key):
    record = agent.wait_record(one_node.pods[name], key, "remote_kube_deployment")

    assert (record[key], record["kube_ownerref_kind"]) == (name, KINDS[name].lower())
    assert record["pod_name"] == name_of(one_node.pods[name])
    assert record["remote_kube_deployment"] == "web"
    assert "kube_deployment" not in record


def test_pod_of_a_cron_job_has_it_and_the_job_of_this_minute(one_node, agent):
    pod = one_node.pods["minutely"]
    record = agent.wait_record(pod, "kube_cronjob", "remote_kube_deployment")

    assert (record["kube_cronjob"], record["kube_job"]) == ("minutely", owner_of(pod))
    assert record["kube_job"] != "minutely"


def test_service_made_after_the_start_is_told_by_the_one_watch(one_node, account, agent):
    client = one_node.pods["client"]
    agent.wait_record(client, "remote_kube_service", without=["kube_service"])
    one_node.create_service("late", "client", 80)
    assert agent.wait_record(client, "kube_service")["kube_service"] == "late"
    agent.stop()  # a watch is written down at its end at the latest

    assert one_node.requests(account) == {("list", SLICES): 1, ("watch", SLICES): 1}


# Without one of the three: who says so, and how; what is there all the same, and what is not.
MISSING = {
    "kubelet": (0, "services", "kubelet", "nodes/proxy", "kube_service", "kube_deployment"),
    "services": (1, "services", "kube_api", SLICES, "kube_deployment", "kube_service"),
    "pods": (2, "pods", "kube_api", "/api/v1/pods", "kube_service", None),
}


@pytest.mark.parametrize("missing", MISSING.values(), ids=MISSING)
def test_rule_that_is_missing_is_named_and_the_rest_goes_on(one_node, account, start_agent,
                                                            missing):
    number, wanted, source, words, there, not_there = missing
    rules = documented_rules()
    token = one_node.create_account(account, rules[:number] + rules[number + 1:])
    agent = start_agent(token, wanted, node_name=name_of_node(one_node))
    line = agent.wait_log(FAILS.format(source))
    record = agent.wait_record(one_node.pods["web"], there)
    assert "403" in line and words in line
    assert not_there not in record

    one_node.set_rules(account, rules)
    agent.wait_record(one_node.pods["web"], "kube_service", "kube_deployment")
    agent.wait_log(AGAIN.format(source), CHANGE_S)


def test_pods_of_the_api_server_are_known_without_the_kubelet(one_node, account, start_agent):
    token = one_node.create_account(account, documented_rules()[1:])
    agent = start_agent(token, "pods")
    record = agent.wait_record(one_node.pods["once"], "kube_job", "remote_kube_deployment")
    assert record["remote_pod_name"] == name_of(one_node.pods["web"])


def test_tags_stay_when_the_account_of_the_token_is_deleted(one_node, account, agent):
    web = one_node.pods["web"]
    agent.wait_record(web, "kube_deployment", "kube_service")
    one_node.delete_account(account)
    assert "401" in agent.wait_log(FAILS.format("kubelet"), CHANGE_S)
    record = [agent.wait_next(web) for _ in range(3)][-1]  # what is let go of goes within a poll
    assert (record["kube_deployment"], record["kube_service"]) == ("web", "web")


def test_token_that_is_refused_is_read_again_until_it_is_good(one_node, account, start_agent):
    token = one_node.create_account(account, documented_rules())
    agent = start_agent(one_node.signed_by_another(token), node_name=name_of_node(one_node))
    for source in ("kubelet", "kube_api"):
        assert "401" in agent.wait_log(FAILS.format(source))
    record = agent.wait_record(one_node.pods["web"], "container_id")
    assert "pod_name" not in record

    agent.set_token(token)
    agent.wait_record(one_node.pods["web"], "kube_deployment", "kube_service")
