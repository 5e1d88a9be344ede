# SPDX-License-Identifier: Apache-2.0
"""Real container runtimes on a private host, each with the same few verbs.

    create(command)     a container of the test's image; its id
    start(id)           returns once its process runs
    finish(id)          start, wait for its end, remove
    inspect(id)         (id, pid) as the runtime itself reports them, the pid on its host
    remove(id)          by force

`socket` is where its API is, on a path that programs outside of its host reach too.
"""

import functools
import hashlib
import io
import json
import pathlib
import platform
import re
import resource
import secrets
import shutil
import tarfile
import tempfile
import uuid

import harness
from harness import until
from private_host import Unavailable, wait_ready

IMAGE = "localhost/sysprobe-test:1"
PROGRAMS = ("nc", "sh", "sleep")
ARCHITECTURES = {"x86_64": "amd64", "aarch64": "arm64"}


def add_file(archive, name, content, mode=0o644):
    member = tarfile.TarInfo(name)
    member.size, member.mode = len(content), mode
    archive.addfile(member, io.BytesIO(content))


def root_tree():
    """A tar of static busybox under the names of its programs."""
    busybox = shutil.which("busybox")
    if not busybox:
        raise Unavailable("busybox is not installed")
    tree = io.BytesIO()
    with tarfile.open(fileobj=tree, mode="w") as archive:
        add_file(archive, "bin/busybox", pathlib.Path(busybox).read_bytes(), 0o755)
        for program in PROGRAMS:
            link = tarfile.TarInfo(f"bin/{program}")
            link.type, link.linkname = tarfile.SYMTYPE, "busybox"
            archive.addfile(link)
    return tree.getvalue()


def image_archive():
    """IMAGE in the format of `docker save`, which all take."""
    layer = root_tree()
    config = json.dumps({
        "architecture": ARCHITECTURES.get(platform.machine(), platform.machine()),
        "os": "linux", "config": {"Cmd": ["/bin/sleep", "1000000"]},
        "rootfs": {"type": "layers", "diff_ids": ["sha256:" + hashlib.sha256(layer).hexdigest()]},
    }).encode()
    name = hashlib.sha256(config).hexdigest() + ".json"
    manifest = json.dumps([{"Config": name, "RepoTags": [IMAGE], "Layers": ["layer.tar"]}])
    image = io.BytesIO()
    with tarfile.open(fileobj=image, mode="w") as archive:
        add_file(archive, "layer.tar", layer)
        add_file(archive, name, config)
        add_file(archive, "manifest.json", manifest.encode())
    return image.getvalue()


class Runtime:
    """What a test may rely on; `reported_as` is container_runtime of a record, None: absent."""

    programs = ()
    reported_as = None
    pod_uid = None
    address = "127.0.0.1"  # where its containers reach a listener in the host's namespace
    socket_name = None  # without: it has no API

    def __init__(self, host):
        self.host = host
        self.containers = []
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix="sysprobe-runtime-", dir="/tmp"))
        self.folder.chmod(0o755)
        self.socket = self.folder / self.socket_name if self.socket_name else None

    def __enter__(self):
        for program in self.programs:
            if not shutil.which(program):
                raise Unavailable(f"{program} is not installed")
        try:
            self.prepare()
            self.finish(self.create(["/bin/sh", "-c", ":"]))
        except AssertionError as error:
            if re.search("permitted|permission denied", str(error), re.IGNORECASE):
                raise Unavailable(str(error)) from None
            raise
        return self

    def __exit__(self, *_):
        for container in list(self.containers):
            self.remove(container)
        shutil.rmtree(self.folder)

    def create(self, command, **options):
        self.containers.append(self.make(command, **options))
        return self.containers[-1]

    def finish(self, container):
        self.run_to_end(container)
        self.remove(container)

    def remove(self, container):
        self.delete(container)
        self.containers.remove(container)

    def start_daemon(self, ready, *command):
        process = self.host.start(*command)
        wait_ready(process, ready)  # it ends with the host
        return process

    def load_image(self, *command):
        self.host.path("/run/image.tar").write_bytes(image_archive())
        self.host.run(*command, "/run/image.tar")


class Docker(Runtime):
    programs = ("docker", "dockerd")
    reported_as = "docker"
    address = "172.30.0.1"  # of its bridge: containers have network namespaces of their own
    socket_name = "docker.sock"
    client = ("docker", "--host=unix:///run/docker.sock", "--config=/run/docker-client")

    def prepare(self):
        self.host.path("/run/daemon.json").write_text("{}")
        self.serve()
        self.load_image(*self.client, "load", "--input")

    def serve(self):
        self.daemon = self.start_daemon(
            f"API listen on {self.socket}", "dockerd", "--config-file=/run/daemon.json",
            "--live-restore", f"--bip={self.address}/24", "--host=unix:///run/docker.sock",
            f"--host=unix://{self.socket}")

    def kill(self):
        """The daemon alone; its containers go on."""
        self.host.run("sh", "-c", "kill -KILL $(cat /run/docker.pid)")
        self.daemon.wait()
        # Its containerd ended with it, but as nobody reaps it here it would seem to run.
        self.host.path("/run/docker/containerd/containerd.pid").unlink()

    def do(self, *arguments):
        return self.host.run(*self.client, *arguments).strip()

    def make(self, command, name=None, labels=()):
        return self.do("create", *self.own_options(), *([f"--name={name}"] if name else []),
                       *(f"--label={label}" for label in labels), IMAGE, *command)

    def own_options(self):
        # Its own profile needs AppArmor's parser, and would stay behind in the kernel.
        return ["--security-opt=apparmor=unconfined"]

    def start(self, container):
        self.do("start", container)

    def run_to_end(self, container):
        self.do("start", "--attach", container)

    def address_of(self, container):
        """Of its own, in a network of the runtime's."""
        return self.do("inspect", "--format={{.NetworkSettings.IPAddress}}", container)

    def inspect(self, container):
        found, pid = self.do("inspect", "--format={{.Id}} {{.State.Pid}}", container).split()
        return found, int(pid)

    def delete(self, container):
        self.do("rm", "--force", container)


def own_limits():
    """Options that keep podman from raising limits, which may be refused even to root."""
    kinds = {"nofile": resource.RLIMIT_NOFILE, "nproc": resource.RLIMIT_NPROC}
    for name, number in kinds.items():
        soft, hard = resource.getrlimit(number)
        yield f"--ulimit={name}={soft}:{hard}"


class Podman(Docker):
    """The same verbs without a daemon."""

    programs = ("podman", "conmon", "runc")
    reported_as = "podman"
    address = Runtime.address
    socket_name = "podman.sock"
    network = "host"
    client = ("podman", "--cgroup-manager=cgroupfs", "--runtime=runc", "--events-backend=file")

    def prepare(self):
        self.load_image(*self.client, "load", "--input")

    def serve(self):
        """The daemon that it can be but need not."""
        self.daemon = self.host.start(*self.client, "system", "service", "--time=0",
                                      f"unix://{self.socket}")
        until(self.socket.exists, "podman's service listens")

    def own_options(self):
        # A limit of processes needs a controller that the v2 hierarchy may lack.
        return [f"--network={self.network}", "--pids-limit=-1", *own_limits()]

    def delete(self, container):
        self.do("rm", "--force", "--time=0", container)


@functools.cache
def cri_messages():
    return harness.load_proto("cri", pathlib.Path(__file__).parent)


CONTAINERD_CONFIG = f"""
version = 2
[grpc]
  address = "{{socket}}"
[plugins."io.containerd.grpc.v1.cri"]
  sandbox_image = "{IMAGE}"
  disable_apparmor = true
  restrict_oom_score_adj = true
"""


class Containerd(Runtime):
    """Through its CRI socket, as the kubelet does; all containers in one pod."""

    programs = ("containerd", "ctr", "runc")
    socket_name = "containerd.sock"

    def prepare(self):
        controllers = self.host.path("/sys/fs/cgroup/cgroup.controllers")
        if controllers.exists() and "cpu" not in controllers.read_text().split():
            raise Unavailable("every container of the CRI has CPU shares, and the cpu controller "
                              "is not in the v2 hierarchy here")
        self.host.path("/run/containerd.toml").write_text(
            CONTAINERD_CONFIG.format(socket=self.socket))
        self.serve()
        self.load_image("ctr", f"--address={self.socket}", "--namespace=k8s.io", "images", "import")
        self.connect()
        until(self.is_initialized, "the CRI is ready")
        self.run_pod()

    def serve(self):
        self.daemon = self.start_daemon("containerd successfully booted", "containerd",
                                        "--config=/run/containerd.toml")

    def kill(self):
        """The daemon alone; its containers go on."""
        self.host.run("sh", "-c", "kill -KILL $(pidof containerd)")
        self.daemon.wait()

    def __exit__(self, *error):
        for container in list(self.containers):
            self.remove(container)
        self.do("StopPodSandbox", pod_sandbox_id=self.sandbox)
        self.do("RemovePodSandbox", pod_sandbox_id=self.sandbox)
        self.channel.close()
        super().__exit__(*error)

    def connect(self):
        try:
            import grpc
        except ImportError:
            raise Unavailable("python3-grpcio is not installed") from None
        self.channel = grpc.insecure_channel(f"unix://{self.socket}")
        self.rpc_error = grpc.RpcError

    def do(self, method, **fields):
        request = getattr(cri_messages(), f"{method}Request")(**fields)
        call = self.channel.unary_unary(
            f"/runtime.v1.RuntimeService/{method}",
            request_serializer=type(request).SerializeToString,
            response_deserializer=getattr(cri_messages(), f"{method}Response").FromString)
        try:
            return call(request, timeout=harness.DEADLINE_S, wait_for_ready=True)
        except self.rpc_error as error:
            raise AssertionError(f"{method}: {error.details()}") from None

    def is_initialized(self):
        """By asking for a container that does not exist."""
        try:
            self.do("ContainerStatus", container_id="-")
        except AssertionError as error:
            return "not initialized" not in str(error)

    def run_pod(self):
        messages = cri_messages()
        self.pod_uid = str(uuid.uuid4())
        self.security = {"namespace_options": {"network": messages.NamespaceOption.NODE}}
        self.pod = messages.PodSandboxConfig(
            metadata={"name": "shop", "namespace": "default", "uid": self.pod_uid},
            linux={"cgroup_parent": f"/kubepods/besteffort/pod{self.pod_uid}",
                   "security_context": self.security})
        self.sandbox = self.do("RunPodSandbox", config=self.pod).pod_sandbox_id

    def make(self, command, name=None, labels=()):
        config = {"metadata": {"name": name or f"c-{secrets.token_hex(4)}"},
                  "image": {"image": IMAGE}, "command": command,
                  "labels": dict(label.split("=") for label in labels),
                  "linux": {"security_context": self.security}}
        return self.do("CreateContainer", pod_sandbox_id=self.sandbox, config=config,
                       sandbox_config=self.pod).container_id

    def start(self, container):
        self.do("StartContainer", container_id=container)

    def status(self, container):
        return self.do("ContainerStatus", container_id=container, verbose=True)

    def run_to_end(self, container):
        self.start(container)
        ended = cri_messages().ContainerStatus.CONTAINER_EXITED
        until(lambda: self.status(container).status.state == ended, "the container has ended")

    def inspect(self, container):
        status = self.status(container)
        return status.status.id, json.loads(status.info["info"])["pid"]

    def delete(self, container):
        self.do("RemoveContainer", container_id=container)


# A container holds what it is started with: a pipe to us would never end.
WITHOUT_PIPES = ("sh", "-c", '"$@" </dev/null >/run/out 2>&1 || { cat /run/out >&2; exit 1; }', "sh")


class Runc(Runtime):
    """Bare: the caller names the container, and its cgroup."""

    programs = ("runc",)

    @staticmethod
    def cgroup_of(container):
        return f"/{container}"

    def prepare(self):
        self.bundle = self.host.path("/run/bundle")
        (self.bundle / "rootfs").mkdir(parents=True)
        with tarfile.open(fileobj=io.BytesIO(root_tree())) as archive:
            archive.extractall(self.bundle / "rootfs")
        self.host.run("runc", "spec", "--bundle=/run/bundle")

    def make(self, command):
        container = secrets.token_hex(32)
        file = self.bundle / "config.json"
        spec = json.loads(file.read_text())
        spec["process"] |= {"args": command, "terminal": False}
        spec["linux"]["namespaces"] = [n for n in spec["linux"]["namespaces"]
                                       if n["type"] != "network"]
        spec["linux"]["cgroupsPath"] = self.cgroup_of(container)
        file.write_text(json.dumps(spec))
        self.host.run(*WITHOUT_PIPES, "runc", "create", "--bundle=/run/bundle", container)
        return container

    def start(self, container):
        self.host.run("runc", "start", container)

    def state(self, container):
        return json.loads(self.host.run("runc", "state", container))

    def run_to_end(self, container):
        self.start(container)
        until(lambda: self.state(container)["status"] == "stopped", "the container has ended")

    def inspect(self, container):
        state = self.state(container)
        return state["id"], state["pid"]

    def delete(self, container):
        self.host.run("runc", "delete", "--force", container)
