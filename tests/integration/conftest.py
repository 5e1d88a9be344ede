# SPDX-License-Identifier: Apache-2.0
import os
import pathlib
import shutil
import signal
import tempfile

import pytest

import harness
import operators
from api_client import ApiAgent
from fake_probe import FakeProbe
from peers import Interpreter, Peer


def pytest_collection_modifyitems(items):
    if os.geteuid() != 0:
        skip = pytest.mark.skip(reason="needs root: network namespaces and BPF")
        for item in items:
            item.add_marker(skip)


def make_folder():
    """A folder that root and nobody can both reach, unlike pytest's own."""
    path = pathlib.Path(tempfile.mkdtemp(prefix="sysprobe-test-", dir="/run"))
    path.chmod(0o755)
    return path


@pytest.fixture
def folder():
    path = make_folder()
    yield path
    shutil.rmtree(path, ignore_errors=True)


@pytest.fixture
def workplace(folder):
    """For an agent that runs as nobody."""
    folder.chmod(0o777)
    return folder


@pytest.fixture
def fake(workplace):
    with FakeProbe(workplace / "sysprobe.sock") as probe:
        yield probe


@pytest.fixture
def operator(fake, workplace, request):
    """Someone who asks an agent about the connections of operators.records()."""
    with fake.lock:
        fake.live = operators.records()
    agent = ApiAgent(workplace, env={"DD_PROCESS_CONFIG_INTERVALS_CONNECTIONS": "1s",
                                     "DD_API_KEY": operators.API_KEY, "DD_EXPORTERS": "local",
                                     **getattr(request, "param", {})}).ready()
    operators.fail_one(fake)
    harness.until(lambda: agent.get("/agent/connections")["matched"] == 4, "all connections")
    yield operators.Operator(agent)
    agent.stop(signal.SIGKILL)


@pytest.fixture
def probe(folder):
    process = harness.Probe(folder).ready()
    yield process
    process.stop()


@pytest.fixture(scope="module")
def module_probe():
    path = make_folder()
    process = harness.Probe(path).ready()
    yield process
    process.stop()
    shutil.rmtree(path, ignore_errors=True)


@pytest.fixture
def shared_probe(module_probe):
    """One probe for a whole file: starting it takes most of a test's time in a virtual machine."""
    module_probe.begin_test()
    return module_probe


@pytest.fixture
def pair():
    namespaces = harness.Pair()
    yield namespaces
    namespaces.delete()


@pytest.fixture
def namespace():
    one = harness.Namespace(f"sp-{os.urandom(3).hex()}")
    yield one
    one.delete()


@pytest.fixture
def peers():
    """Starts peer programs; they end with the test."""
    started = []

    def start(*arguments):
        if "6" in arguments and not harness.HAS_IPV6:
            pytest.skip("IPv6 is disabled in this kernel")
        started.append(Peer(*arguments))
        return started[-1]

    yield start
    for peer in started:
        peer.end()


@pytest.fixture
def interpreter():
    """Starts interpreters; they end with the test."""
    started = []

    def start(*arguments, **options):
        started.append(Interpreter(*arguments, **options))
        return started[-1]

    yield start
    for one in started:
        one.end()
