# SPDX-License-Identifier: Apache-2.0
"""What core-agent knows from an API server, how little it asks, and what failures do."""
import pytest

import kube_server
from fake_probe import connection
from harness import until
from kube_server import endpoint_slice, KubeServer, pod
from test_kubelet_source import certificates, KubeAgent  # a fixture, and its user

SLICES = "/apis/discovery.k8s.io/v1/endpointslices"
PODS = "/api/v1/pods"
LOCAL = pod("web-1", "10.0.0.5", container="a" * 64)
REMOTE = pod("db-0", "10.0.1.9", node="node2")


@pytest.fixture
def server(certificates):
    with KubeServer(*certificates["good"]) as one:
        one.pods_of_node = [LOCAL]
        one.pods.set(dict(LOCAL))
        one.pods.set(dict(REMOTE))
        one.slices.set(endpoint_slice("web-x", "web", LOCAL))
        yield one
        assert one.violations == []


@pytest.fixture
def start(fake, workplace, certificates):
    started = []

    def start_agent(server, wanted, ca="good", **env):
        authority = workplace / "api.crt"
        authority.write_bytes(certificates[ca][0].read_bytes())
        authority.chmod(0o644)
        started.append(KubeAgent(workplace, server, certificates["good"][0], env={
            "DD_SYSPROBE_KUBERNETES_API": wanted, "KUBERNETES_SERVICE_HOST": "127.0.0.1",
            "KUBERNETES_SERVICE_PORT": str(server.port),
            "DD_KUBERNETES_APISERVER_CA_PATH": str(authority), **env}).listening())
        return started[-1]

    yield start_agent
    for agent in started:
        agent.stop()
        print(agent.log())  # shown when the test has failed


def services(agent, name="uid-web-1"):
    """Names of the Services of a pod."""
    return {tag for tag in agent.tags("pod", name) or () if tag.startswith("kube_service:")}


def wait_services(agent, expected, name="uid-web-1"):
    expected = {f"kube_service:{service}" for service in expected}
    until(lambda: services(agent, name) == expected, f"{name} is behind {expected}")


def watches(server, path):
    return [query for query in server.queries(path) if "watch" in query]


def lists(server, path):
    return [query for query in server.queries(path) if "watch" not in query]


def test_api_server_is_not_asked_unless_the_setting_says_so(server, start):
    agent = start(server, "off")
    agent.wait_tags("pod", "uid-web-1")
    assert agent.source("kube_api") is None
    assert {path for path, _ in server.requests} == {"/pods"}


def test_pod_has_the_service_that_it_is_behind_and_its_containers_too(server, start):
    agent = start(server, "services")
    wait_services(agent, ["web"])
    assert "kube_service:web" in agent.wait_tags("container", "a" * 64)
    assert lists(server, PODS) == []


def add_services_of_another_node(server):
    """More than an agent of 16 entities keeps, and told before our own."""
    server.slices.remove(server.slices.objects["shop", "web-x"])
    for i in range(30):
        server.slices.set(endpoint_slice(f"far-{i}", "far", pod(
            f"far-{i}", f"10.0.2.{i}", node="node2")))
    server.slices.set(endpoint_slice("web-x", "web", LOCAL))


def behind(agent, service):
    """Entities that have this Service."""
    return {entity["id"] for entity in agent.tagger()["entities"]
            if f"kube_service:{service}" in entity["tags"]}


def test_pods_of_other_nodes_are_left_out_where_the_setting_names_this_one(server, start):
    add_services_of_another_node(server)
    held = kube_server.Held()
    server.faults["/pods"] = [held]
    agent = start(server, "services", DD_NODE_NAME="node1", DD_SYSPROBE_MAX_TAGGED_ENTITIES="16")
    held.reached.wait()
    until(lambda: watches(server, SLICES), "the list has ended")
    assert (behind(agent, "far"), behind(agent, "web")) == (set(), {"uid-web-1"})
    held.released.set()


def test_slices_are_not_listed_before_the_kubelet_has_named_the_node(server, start):
    add_services_of_another_node(server)
    held = kube_server.Held()
    server.faults["/pods"] = [held]
    agent = start(server, "services", DD_SYSPROBE_MAX_TAGGED_ENTITIES="16")
    held.reached.wait()
    until(lambda: "waits for the name" in agent.log() or lists(server, SLICES), "it waits")
    assert lists(server, SLICES) == []
    held.released.set()
    wait_services(agent, ["web"])
    assert behind(agent, "far") == set()
    assert agent.source("kube_api")["failures"] == 0
    assert agent.log().count("waits for the name") == 1


def test_pods_of_all_nodes_do_not_wait_for_the_name_of_this_one(server, start):
    held = kube_server.Held()
    server.faults["/pods"] = [held]
    server.slices.set(endpoint_slice("db-x", "db", REMOTE))
    agent = start(server, "pods")
    held.reached.wait()
    wait_services(agent, ["db"], "uid-db-0")
    held.released.set()


def test_changes_come_by_one_watch_from_where_the_list_ended(server, start):
    agent = start(server, "services")
    wait_services(agent, ["web"])
    server.slices.set(endpoint_slice("all-y", "all", LOCAL))
    wait_services(agent, ["web", "all"])
    server.slices.set(endpoint_slice("web-x", "web"))
    wait_services(agent, ["all"])
    server.slices.set(endpoint_slice("new-z", "new", LOCAL))
    server.slices.remove(server.slices.objects["shop", "all-y"])
    wait_services(agent, ["new"])
    assert len(lists(server, SLICES)) == 1
    query, = watches(server, SLICES)
    assert query["resourceVersion"] == "101" and "allowWatchBookmarks" in query


def test_list_is_asked_for_page_by_page(server, start):
    for i in range(4):
        server.slices.set(endpoint_slice(f"s-{i}", f"service-{i}", LOCAL))
    server.page_size = 2
    agent = start(server, "services")
    wait_services(agent, ["web", *(f"service-{i}" for i in range(4))])
    assert [query.get("continue") for query in lists(server, SLICES)] == [None, "2", "4"]
    assert {query["limit"] for query in lists(server, SLICES)} == {"500"}


def test_list_whose_next_page_has_expired_begins_anew(server, start):
    for i in range(4):
        server.slices.set(endpoint_slice(f"s-{i}", f"service-{i}", LOCAL))
    server.page_size = 3
    first = server.paths[SLICES]

    def good(handler):
        handler.list(first, {"limit": "500"})

    server.faults[SLICES] = [good, kube_server.status(410)]
    agent = start(server, "services")
    wait_services(agent, ["web", *(f"service-{i}" for i in range(4))])
    assert [query.get("continue") for query in lists(server, SLICES)] == [None, "3", None, "3"]


def test_watch_that_ends_goes_on_where_it_was(server, start):
    agent = start(server, "services")
    wait_services(agent, ["web"])
    until(lambda: server.slices.watchers, "the watch")
    server.slices.bookmark()
    server.slices.end_watches()
    until(lambda: len(watches(server, SLICES)) == 2, "the second watch")
    assert watches(server, SLICES)[1]["resourceVersion"] == "102"  # of the bookmark
    server.slices.set(endpoint_slice("all-y", "all", LOCAL))
    wait_services(agent, ["web", "all"])
    assert len(lists(server, SLICES)) == 1


def test_version_that_the_server_has_forgotten_is_listed_anew(server, start):
    agent = start(server, "services")
    wait_services(agent, ["web"])
    until(lambda: server.slices.watchers, "the watch")
    server.faults[SLICES] = [kube_server.status(410)]
    with server.lock:
        watcher, = server.slices.watchers
        server.slices.watchers.remove(watcher)  # hears nothing of what follows
        server.slices.remove(server.slices.objects["shop", "web-x"])
        server.slices.set(endpoint_slice("all-y", "all", LOCAL))
        server.slices.watchers.append(watcher)
    watcher.put(None)
    wait_services(agent, ["all"])
    assert len(lists(server, SLICES)) == 2


def test_error_event_of_a_watch_is_taken_like_a_status(server, start):
    agent = start(server, "services")
    wait_services(agent, ["web"])
    until(lambda: server.slices.watchers, "the watch")
    server.slices.watchers[0].put({"type": "ERROR", "object": kube_server.status_object(
        410, "Expired")})
    until(lambda: len(lists(server, SLICES)) == 2, "the second list")


def test_older_api_server_is_asked_in_its_own_words(server, start):
    server.paths["/apis/discovery.k8s.io/v1beta1/endpointslices"] = server.paths.pop(SLICES)
    wait_services(start(server, "services"), ["web"])


def test_remote_address_is_named_by_the_pod_of_another_node(server, fake, start):
    server.slices.set(endpoint_slice("db-x", "db", REMOTE))
    agent = start(server, "pods")
    wait_services(agent, ["db"], "uid-db-0")
    fake.live[1] = connection(1, remote_address=bytes([10, 0, 1, 9]))
    record = until(lambda: [r for r in agent.records() if r.get("remote_pod_name")], "tags")[-1]
    assert (record["remote_pod_name"], record["remote_kube_node"]) == ("db-0", "node2")
    assert record["remote_kube_service"] == "db"
    assert {query["fieldSelector"] for query in server.queries(PODS)} == {
        "status.phase!=Succeeded,status.phase!=Failed"}


def test_remote_pod_does_not_take_the_place_of_another_by_what_is_written_on_it(server, start):
    thief = pod("thief", "10.0.1.66", namespace="tenant", node="node2", annotations={
        "kubernetes.io/config.hash": "uid-db-0", "kubernetes.io/config.mirror": "uid-db-0",
        "kubernetes.io/config.source": "file"})
    thief["metadata"]["ownerReferences"] = [{"apiVersion": "v1", "kind": "Node", "name": "node2",
                                             "uid": "uid-node2", "controller": True}]
    server.pods.set(thief)
    agent = start(server, "pods")
    assert "kube_namespace:tenant" in agent.wait_tags("pod", "uid-thief")
    assert "pod_name:db-0" in agent.tags("pod", "uid-db-0")


def test_address_of_a_remote_pod_goes_to_the_next(server, fake, start):
    agent = start(server, "pods")
    until(lambda: agent.tags("pod", "uid-db-0"), "the pod")
    until(lambda: server.pods.watchers, "the watch")
    server.pods.remove(server.pods.objects["shop", "db-0"])
    server.pods.set(pod("next", "10.0.1.9", node="node2"))
    until(lambda: agent.tags("pod", "uid-next"), "the next pod")
    fake.live[1] = connection(1, remote_address=bytes([10, 0, 1, 9]))
    record = until(lambda: [r for r in agent.records() if r.get("remote_pod_name")], "tags")[-1]
    assert record["remote_pod_name"] == "next"


@pytest.mark.parametrize("path, verb", [(SLICES, "list and watch"), (PODS, "list and watch")])
def test_missing_right_is_named_once_and_costs_the_other_part_nothing(server, start, path, verb):
    server.faults[path] = [kube_server.status(403)] * 2
    agent = start(server, "pods")
    detail = agent.wait_state("failing", "kube_api")["detail"]
    assert verb in detail and path in detail
    if path == PODS:
        wait_services(agent, ["web"])
    else:
        until(lambda: agent.tags("pod", "uid-db-0"), "the pod")
    agent.wait_state("ok", "kube_api")
    assert agent.log().count("fails: what it said last stays for a while source=kube_api") == 1


@pytest.mark.parametrize("fault", [
    kube_server.status(401), kube_server.status(429, [("Retry-After", "1")]),
    kube_server.status(500), kube_server.cut_off, kube_server.garbage, kube_server.huge_rest])
def test_list_that_fails_is_asked_for_again(server, start, fault):
    server.faults[SLICES] = [fault]
    agent = start(server, "services")
    wait_services(agent, ["web"])
    assert agent.wait_state("ok", "kube_api")["failures"] == 1


def test_services_stay_while_the_server_is_away(server, start):
    agent = start(server, "services")
    wait_services(agent, ["web"])
    until(lambda: server.slices.watchers, "the watch")
    server.faults[SLICES] = [kube_server.status(500)] * 2
    server.slices.end_watches()
    agent.wait_state("failing", "kube_api")
    wait_services(agent, ["web"])
    server.slices.set(endpoint_slice("all-y", "all", LOCAL))
    wait_services(agent, ["web", "all"])
    assert agent.wait_state("ok", "kube_api")
    assert len(lists(server, SLICES)) == 1


def end_by_expiry(server):
    """The token of the open watches is no longer taken, and things change meanwhile."""
    with server.lock:
        server.token = "second-token"
        for collection in server.paths.values():
            collection.end_watches()
        server.slices.set(endpoint_slice("all-y", "all", LOCAL))


def changes_of_state(agent):
    return [agent.log().count(f"{what} source=kube_api") for what in (
        "fails: what it said last stays for a while", "answers again")]


def test_token_that_expires_under_open_watches_is_read_anew_and_nothing_is_lost(server, start):
    agent = start(server, "pods")
    wait_services(agent, ["web"])
    until(lambda: server.slices.watchers and server.pods.watchers, "both watches")
    end_by_expiry(server)
    detail = agent.wait_state("failing", "kube_api")["detail"]
    for path in (SLICES, PODS):
        until(lambda: len(watches(server, path)) >= 3, f"{path} is asked for again and again")
    with server.lock:
        server.pods.remove(server.pods.objects["shop", "db-0"])
        server.pods.set(pod("next", "10.0.1.9", node="node2"))
    wait_services(agent, ["web"])
    agent.set_token("second-token")
    wait_services(agent, ["web", "all"])
    agent.wait_tags("pod", "uid-next")
    agent.wait_state("ok", "kube_api")

    assert "status 401: the service account's token is not taken" in detail
    assert changes_of_state(agent) == [1, 1]
    assert (len(lists(server, SLICES)), len(lists(server, PODS))) == (1, 1)


def test_token_that_was_renewed_before_it_expired_is_no_trouble(server, start):
    agent = start(server, "services")
    wait_services(agent, ["web"])
    until(lambda: server.slices.watchers, "the watch")
    agent.set_token("second-token")
    end_by_expiry(server)
    wait_services(agent, ["web", "all"])

    assert agent.source("kube_api")["failures"] == 0
    assert changes_of_state(agent) == [0, 0]
    assert len(lists(server, SLICES)) == 1


def test_watch_that_is_told_within_that_its_token_has_expired_goes_on_with_the_next(server, start):
    agent = start(server, "services")
    wait_services(agent, ["web"])
    until(lambda: server.slices.watchers, "the watch")
    server.slices.watchers[0].put({"type": "ERROR", "object": kube_server.status_object(
        401, "Unauthorized")})
    end_by_expiry(server)
    detail = agent.wait_state("failing", "kube_api")["detail"]
    agent.set_token("second-token")
    wait_services(agent, ["web", "all"])
    agent.wait_state("ok", "kube_api")

    assert "status 401: the service account's token is not taken" in detail
    assert changes_of_state(agent) == [1, 1]
    assert len(lists(server, SLICES)) == 1


def test_certificate_of_another_authority_is_refused(server, start):
    agent = start(server, "services", ca="other")
    assert "kubernetes_apiserver_ca_path" in agent.wait_state("failing", "kube_api")["detail"]
    assert services(agent) == set()


def test_setting_outside_of_kubernetes_is_told(server, start):
    agent = start(server, "services", KUBERNETES_SERVICE_HOST="")
    assert "does not start" in agent.log() and "kube_api" in agent.log()
