# SPDX-License-Identifier: Apache-2.0
"""Where no path is set, each of the usual sockets of the CRI is asked until one answers."""
import concurrent.futures
import socket
import threading

import pytest

from agent_on_fake import start  # noqa: F401 (a fixture)

grpc = pytest.importorskip("grpc", reason="python3-grpcio is not installed")

CONTAINERD, CRIO = "containerd/containerd.sock", "crio/crio.sock"
K3S = "k3s/containerd/containerd.sock"
ANSWERS, FAILS = "a source of tags answers source=cri", "for a while source=cri"


class Service:
    """The gRPC server of a runtime; without methods it is one whose CRI is disabled."""

    def __init__(self, path, methods=()):
        self.asked = threading.Event()
        self.server = grpc.server(concurrent.futures.ThreadPoolExecutor(1))
        if methods:
            self.server.add_generic_rpc_handlers([grpc.method_handlers_generic_handler(
                "runtime.v1.RuntimeService",
                dict.fromkeys(methods, grpc.unary_unary_rpc_method_handler(self.answer)))])
        self.server.add_insecure_port(f"unix://{path}")
        self.server.start()
        path.chmod(0o666)

    def answer(self, _request, _context):
        """Of each method the empty message."""
        self.asked.set()
        return b""

    def end(self):
        self.server.stop(None).wait()


@pytest.fixture
def run(workplace):
    """In place of /run; where the sockets of the test are."""
    folder = workplace / "run"
    folder.mkdir(mode=0o755)
    return folder


@pytest.fixture
def serve(run):
    services = []

    def serve_one(path, **options):
        (run / path).parent.mkdir(parents=True, exist_ok=True)
        services.append(Service(run / path, **options))
        return services[-1]

    yield serve_one
    for service in services:
        service.end()


@pytest.fixture
def leave(run):
    """A socket behind that nobody listens on any more."""
    def leave_one(path):
        (run / path).parent.mkdir(parents=True, exist_ok=True)
        with socket.socket(socket.AF_UNIX) as one:
            one.bind(str(run / path))
        (run / path).chmod(0o666)
    return leave_one


@pytest.fixture
def start_agent(fake, workplace, run, start):  # noqa: F811
    """With `run` as its /run, in which the workplace has its own path still."""
    inner = run / workplace.relative_to("/run")
    inner.mkdir()

    def start_one(**env):
        return start(
            env={"DD_DOCKER_SOCKET": "/nowhere", "DD_PODMAN_SOCKETS": "/nowhere", **env},
            prefix=["unshare", "--mount", "sh", "-c",
                    f'mount --bind {workplace} {inner} && mount --rbind "$0" /run && exec "$@"',
                    str(run)])
    return start_one


LISTS = ("ListPodSandbox", "ListContainers")


@pytest.mark.parametrize("path", [CRIO, K3S])
def test_runtime_beside_a_containerd_without_the_cri_is_asked(serve, start_agent, path):
    serve(CONTAINERD)
    runtime = serve(path, methods=LISTS)
    agent = start_agent()
    agent.wait_log(ANSWERS)

    assert runtime.asked.is_set()
    assert FAILS not in agent.log()


def test_runtime_beside_a_socket_that_was_left_behind_is_asked(serve, leave, start_agent):
    leave(CONTAINERD)
    serve(CRIO)
    serve(K3S, methods=LISTS)
    agent = start_agent()
    agent.wait_log(ANSWERS)

    assert FAILS not in agent.log()


def test_that_none_of_several_answers_is_told_once_with_the_remedy(serve, leave, start_agent):
    serve(CONTAINERD)
    leave(CRIO)
    agent = start_agent()
    line = agent.wait_log(FAILS)
    serve(K3S, methods=LISTS)
    agent.wait_log("answers again source=cri")

    assert "/run/containerd/containerd.sock" in line and "/var/run/crio/crio.sock" in line
    assert "cri_socket_path" in line
    assert agent.log().count(FAILS) == 1


def test_path_in_the_settings_is_asked_alone(serve, leave, start_agent):
    leave(CONTAINERD)
    runtime = serve(CRIO, methods=LISTS)
    agent = start_agent(DD_CRI_SOCKET_PATH="/run/containerd/containerd.sock")
    agent.wait_log(FAILS)

    assert not runtime.asked.is_set()
