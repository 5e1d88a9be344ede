# SPDX-License-Identifier: Apache-2.0
"""A real kubelet, alone with pods from files, on a private host with containerd.

Its programs are those that tests/cluster/build keeps in the cache.
"""
import contextlib
import ipaddress
import json
import os
import pathlib
import shutil

import harness
import runtimes
from harness import until
from private_host import Unavailable

NODE = "node1"
NODE_ADDRESS = "192.0.2.10"
POD_ADDRESS = "10.88.0"
READY_S = 30  # a pod comes up within 5 s on two busy CPUs

# What a kubelet sets for the whole machine.
SYSCTLS = ("vm/overcommit_memory", "vm/panic_on_oom", "kernel/panic", "kernel/panic_on_oops",
           "kernel/keys/root_maxkeys", "kernel/keys/root_maxbytes")

CNI = {
    "cniVersion": "0.4.0", "name": "pods", "plugins": [{
        "type": "bridge", "bridge": "pods0", "isGateway": True, "ipMasq": False,
        "ipam": {"type": "host-local", "ranges": [[{
            "subnet": f"{POD_ADDRESS}.0/24", "gateway": f"{POD_ADDRESS}.1"}]],
            "dataDir": "/run/cni/state"}}, {"type": "loopback"}]}

CONTAINERD_CONFIG = runtimes.CONTAINERD_CONFIG + """
  [plugins."io.containerd.grpc.v1.cri".cni]
    bin_dir = "/usr/lib/cni"
    conf_dir = "/run/cni/conf"
"""

KUBELET_CONFIG = {
    "apiVersion": "kubelet.config.k8s.io/v1beta1", "kind": "KubeletConfiguration",
    "cgroupDriver": "cgroupfs", "failSwapOn": False, "oomScoreAdj": 0,
    "cgroupsPerQOS": True, "enforceNodeAllocatable": [], "makeIPTablesUtilChains": False,
    "evictionHard": {"memory.available": "50Mi", "nodefs.available": "1%"},
    "featureGates": {"LocalStorageCapacityIsolation": False},
    "fileCheckFrequency": "1s", "syncFrequency": "5s", "clusterDNS": [],
    "tlsCertFile": "/run/kubelet.crt", "tlsPrivateKeyFile": "/run/kubelet.key",
}
ALONE = {
    "staticPodPath": "/run/manifests", "readOnlyPort": 10255,
    "authentication": {"anonymous": {"enabled": True}, "webhook": {"enabled": False}},
    "authorization": {"mode": "AlwaysAllow"},
}


def programs():
    """The folder of the built programs."""
    base = os.environ.get("XDG_CACHE_HOME") or pathlib.Path.home() / ".cache"
    return next(iter(sorted((pathlib.Path(base) / "sysprobe").glob("kubernetes-*"))), None)


def program(name):
    folder = programs()
    if not folder or not (folder / name).exists():
        raise Unavailable(f"{name} is not built: run ./dev test-cluster")
    return folder / name


@contextlib.contextmanager
def kept_sysctls():
    before = {name: pathlib.Path("/proc/sys", name).read_text() for name in SYSCTLS}
    try:
        yield
    finally:
        for name, value in before.items():
            file = pathlib.Path("/proc/sys", name)
            if file.read_text() != value:
                file.write_text(value)


def make_certificate(folder, name, *alternatives):
    """A certificate that signs itself: what a kubelet makes when it is given none."""
    key, certificate = folder / f"{name}.key", folder / f"{name}.crt"
    harness.run("openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt",
                "ec_paramgen_curve:prime256v1", "-nodes", "-days", "2", "-subj", f"/CN={name}",
                "-addext", "subjectAltName=" + ",".join(alternatives),
                "-keyout", key, "-out", certificate)
    certificate.chmod(0o644)


class Containerd(runtimes.Containerd):
    """With addresses for pods; the kubelet makes those."""

    def __enter__(self):
        for name in self.programs:
            if not shutil.which(name):
                raise Unavailable(f"{name} is not installed")
        if not pathlib.Path("/usr/lib/cni/bridge").exists():
            raise Unavailable("containernetworking-plugins is not installed")
        self.host.path("/run/cni/conf").mkdir(parents=True)
        self.host.path("/run/cni/conf/10-pods.conflist").write_text(json.dumps(CNI))
        self.host.path("/run/containerd.toml").write_text(
            CONTAINERD_CONFIG.format(socket=self.socket))
        self.serve()
        self.load_image("ctr", f"--address={self.socket}", "--namespace=k8s.io", "images", "import")
        self.connect()
        until(self.is_initialized, "the CRI is ready")
        return self

    def __exit__(self, *_):
        self.channel.close()  # pods end with the host
        shutil.rmtree(self.folder)

    def pid(self, container):
        """Of the container's first process, as the machine numbers it."""
        return self.host.outer_pid(self.inspect(container)[1])


class Kubelet:
    def __init__(self, runtime, config=None, arguments=()):
        self.runtime, self.host, self.arguments = runtime, runtime.host, arguments
        self.program = program("kubelet")
        self.token = "any"  # nobody looks at it here
        folder = self.host.path("/run")
        (folder / "manifests").mkdir(exist_ok=True)
        if not config:
            make_certificate(folder, "kubelet", f"DNS:{NODE}", f"IP:{NODE_ADDRESS}")
        self.host.run("ip", "address", "replace", f"{NODE_ADDRESS}/32", "dev", "lo")
        (folder / "kubelet.json").write_text(json.dumps({**KUBELET_CONFIG, **(config or ALONE)}))
        self.start()

    def start(self):
        log = self.host.path("/run/kubelet.log")
        self.process = self.host.start(
            "sh", "-c", 'echo $$ >/run/kubelet.pid; exec "$@" >/run/kubelet.log 2>&1', "sh",
            self.program,
            "--config=/run/kubelet.json", "--container-runtime=remote",
            f"--container-runtime-endpoint=unix://{self.runtime.socket}",
            f"--hostname-override={NODE}", f"--node-ip={NODE_ADDRESS}",
            "--root-dir=/var/lib/kubelet",
            "--network-plugin=cni", "--cni-conf-dir=/run/cni/conf", *self.arguments)
        until(lambda: self.is_up() or self.process.popen.poll() is not None, "the kubelet is up",
              READY_S)
        if self.process.popen.poll() is not None:
            raise Unavailable("the kubelet ended: " + " ".join(log.read_text().splitlines()[-1:]))

    def is_up(self):
        try:
            return self.host.run("curl", "-sf", "http://127.0.0.1:10248/healthz") == "ok"
        except AssertionError:
            return False

    def stop(self):
        self.host.run("sh", "-c", "kill $(cat /run/kubelet.pid)")
        self.process.wait()
        assert not self.is_up()

    def set_pod(self, manifest):
        """At once: a pod whose file is only half there when it looks would be ended."""
        written = self.host.path("/run/manifest")
        written.write_text(json.dumps(manifest))
        written.rename(self.host.path(f"/run/manifests/{manifest['metadata']['name']}.json"))

    def remove_pod(self, name):
        self.host.path(f"/run/manifests/{name}.json").unlink()

    def give_next(self, address):
        """The next pod gets this one: host-local goes on behind the last that it gave."""
        state = self.host.path("/run/cni/state/pods")
        until(lambda: not (state / address).exists(), "the address is free", READY_S)
        before = ipaddress.ip_address(address) - 1
        (state / "last_reserved_ip.0").write_text(str(before))

    def pods(self):
        """{name: pod} as it reports them itself."""
        text = self.host.run("curl", "-sf", "--insecure", "--header",
                             f"Authorization: Bearer {self.token}", "https://127.0.0.1:10250/pods")
        return {pod["metadata"]["name"].removesuffix(f"-{NODE}"): pod
                for pod in json.loads(text)["items"] or []}

    def wait_running(self, name):
        def find():
            pod = self.pods().get(name, {})
            states = pod.get("status", {}).get("containerStatuses", [])
            return pod if states and all("running" in s["state"] for s in states) else None

        return until(find, f"pod {name} runs", READY_S)


def container_id(pod, name):
    status, = (s for s in pod["status"]["containerStatuses"] if s["name"] == name)
    return status["containerID"].split("://")[1]


def pod_manifest(name, *containers, namespace="shop", labels=None, annotations=None, **spec):
    return {
        "apiVersion": "v1", "kind": "Pod",
        "metadata": {"name": name, "namespace": namespace, "labels": labels or {},
                     "annotations": annotations or {}},
        "spec": {"containers": list(containers), "terminationGracePeriodSeconds": 1, **spec}}


def container(name, *command):
    return {"name": name, "image": runtimes.IMAGE, "imagePullPolicy": "Never",
            "command": list(command)}
