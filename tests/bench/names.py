# SPDX-License-Identifier: Apache-2.0
"""What it costs the agent to keep names: a kubelet with 500 containers, asked as always."""

import pathlib
import tempfile
import time

import harness
from api_client import ApiAgent
from fake_probe import FakeProbe, proto
from kube_server import KubeServer, pod
from kubernetes import make_certificate

CONTAINERS = 500
PROCESSES = 5000
SECONDS = 60
POD_BYTES = 6000  # about what a pod of a real cluster has


def make_pod(i):
    spec = {"volumes": [{"name": f"volume-{k}", "configMap": {"name": f"map-{k}"}}
                        for k in range(POD_BYTES // 70)]}
    return pod(f"storefront-{i}", f"10.244.{i >> 8}.{i & 255}", container=f"{i + 1:064x}",
               labels={"tags.datadoghq.com/service": f"service-{i % 40}"}, **spec)


def fill(probe):
    """Its log is not empty: else the agent would ask for the living ones again and again."""
    probe.process_log.append(proto.Process(event=proto.Process.EVENT_EXEC, tgid=1, start_ns=1))
    probe.alive = [proto.Process(
        event=proto.Process.EVENT_ALIVE, tgid=1000000 + i, start_ns=1000 + i, comm="storefront",
        executable=b"/usr/bin/storefront", command_line=b"storefront\0--worker\0%d\0" % i,
        cgroup_name=b"cri-containerd-%064x.scope" % (i % CONTAINERS + 1)) for i in range(PROCESSES)]


class Agent(ApiAgent):
    def __init__(self, folder, env=None):
        super().__init__(folder, env={
            "DD_SYSPROBE_DRAIN_INTERVAL": "1s", "DD_PROCESS_CONFIG_INTERVALS_CONNECTIONS": "30s",
            **(env or {})})

    def cpu_ms(self):
        return int(pathlib.Path(f"/proc/{self.pid}/schedstat").read_text().split()[0]) / 1e6

    def resident_mib(self):
        status = pathlib.Path(f"/proc/{self.pid}/status").read_text()
        return int(status.split("VmRSS:")[1].split()[0]) / 1024


def start(folder, env=None):
    folder.mkdir()
    folder.chmod(0o777)
    return Agent(folder, env=env)


def run(report):
    with tempfile.TemporaryDirectory(prefix="sysprobe-bench-", dir="/run") as name:
        folder = pathlib.Path(name)
        folder.chmod(0o755)
        certificate, key = folder / "kubelet.crt", folder / "kubelet.key"
        make_certificate(folder, "kubelet", "IP:127.0.0.1")
        token = folder / "token"
        token.write_text("first-token")
        token.chmod(0o644)
        with KubeServer(certificate, key) as kubelet:
            kubelet.pods_of_node = [make_pod(i) for i in range(CONTAINERS)]
            measure(report, folder, {
                "DD_KUBERNETES_KUBELET_HOST": "127.0.0.1",
                "DD_KUBERNETES_HTTPS_KUBELET_PORT": str(kubelet.port),
                "DD_KUBERNETES_HTTP_KUBELET_PORT": "0",
                "DD_KUBELET_CLIENT_CA": str(certificate),
                "DD_KUBELET_AUTH_TOKEN_PATH": str(token)})


def measure(report, folder, env):
    """Two agents side by side, so that what disturbs one disturbs both."""
    agents, probes = [], []
    try:
        for name, more in (("without", None), ("with", env)):
            agents.append(start(folder / name, more))
            probes.append(FakeProbe(folder / name / "sysprobe.sock"))
            fill(probes[-1])
            probes[-1].__enter__()
        for agent in agents:
            agent.ready()
        harness.until(lambda: agents[1].get("/agent/tagger-list?limit=1")["matched"] >= CONTAINERS,
                      "all containers are named")
        before = [agent.cpu_ms() for agent in agents]
        time.sleep(SECONDS)  # what is measured: a minute of its life
        without, with_names = (a.cpu_ms() - b for a, b in zip(agents, before))
        report("enrich", f"CPU of a minute of lists of {CONTAINERS} pods: "
               f"{with_names - without:.0f} ms", "200 ms")
        report("enrich", f"resident memory that {CONTAINERS} pods and their lists add: "
               f"{agents[1].resident_mib() - agents[0].resident_mib():.1f} MiB", "20 MiB")
    finally:
        for process in agents:
            process.stop()
        for probe in probes:
            probe.__exit__()
