# SPDX-License-Identifier: Apache-2.0
"""Which variables of a process's environment reach the probe's answer, and which never do."""

import os
import subprocess
import sys

import pytest

from harness import Probe, proto

SECRET = b"never-to-be-seen"
NAMES = {"DD_SERVICE": "shop", "DD_ENV": "prod", "DD_VERSION": "1.2",
         "OTEL_SERVICE_NAME": "otel-shop", "OTEL_RESOURCE_ATTRIBUTES": "a=b,c=d"}


def entries(environment):
    return [f"{name}={value}".encode() for name, value in environment.items()]


def start_of(probe, pid):
    """The last exec of a process that has ended."""
    return [p for p in probe.processes().processes
            if p.tgid == pid and p.event == proto.Process.EVENT_EXEC][-1]


def run(environment, *command):
    ended = subprocess.Popen(command or ["/bin/true"], env=environment)
    ended.wait()
    return ended.pid


def exec_hook(probe):
    hook, = [h for h in probe.status()["hooks"] if h["hook"] == "exec"]
    return hook


@pytest.fixture
def environment_probe(shared_probe):
    hook = exec_hook(shared_probe)
    if "variant" not in hook or "environment of all" in hook.get("lacks", ""):
        pytest.skip(f"this kernel lacks: {hook.get('lacks') or hook['without']}")
    return shared_probe


@pytest.mark.kernel
@pytest.mark.core
@pytest.mark.without_bpf
def test_process_of_a_few_milliseconds_keeps_the_five_variables(environment_probe):
    pid = run({"HOME": "/", "DD_SERVICE_MAPPING": "x", **NAMES, "XDD_ENV": "x"})
    assert list(start_of(environment_probe, pid).environment) == entries(NAMES)


@pytest.mark.kernel
def test_other_variables_are_nowhere_in_the_answer(environment_probe):
    secret = SECRET.decode()
    pid = run({"DD_API_KEY": secret, "DD_SERVICE": "shop", "PASSWORD": "DD_ENV=" + secret,
               "LONG": "x" * 254 + "DD_ENV=" + secret, "DD_ENVIRONMENT": secret,
               "OTEL_EXPORTER_OTLP_HEADERS": secret})
    assert list(start_of(environment_probe, pid).environment) == [b"DD_SERVICE=shop"]
    assert SECRET not in environment_probe.get("/v1/processes")


def test_variables_behind_many_others_are_found(environment_probe):
    pid = run({**{f"OTHER_{i}": "x" for i in range(200)}, **NAMES})
    assert list(start_of(environment_probe, pid).environment) == entries(NAMES)


def test_variable_behind_a_very_long_one_is_found(environment_probe):
    """With neither of its pieces taken for the start of a variable."""
    pid = run({"LONG": "DD_ENV=wrong " * 8000, "DD_ENV": "right"})
    assert list(start_of(environment_probe, pid).environment) == [b"DD_ENV=right"]


# With 253 the second step has an empty string, whose size kernels count differently.
@pytest.mark.parametrize("size", [*range(245, 253), *range(254, 262),
                                  pytest.param(253, marks=[pytest.mark.kernel, pytest.mark.core])])
def test_variable_behind_one_as_long_as_a_step_is_found(environment_probe, size):
    pid = run({"A": "x" * size, "DD_ENV": "right"})
    assert list(start_of(environment_probe, pid).environment) == [b"DD_ENV=right"]


def cut(probe):
    return probe.status()["counters"]["environment_cut"]


def test_long_value_is_cut_and_counted(environment_probe):
    before = cut(environment_probe)
    pid = run({"OTEL_RESOURCE_ATTRIBUTES": "x" * 3000, "DD_ENV": "prod"})
    kept = list(start_of(environment_probe, pid).environment)
    assert kept == [b"OTEL_RESOURCE_ATTRIBUTES=" + b"x" * 998, b"DD_ENV=prod"]
    assert cut(environment_probe) > before


def test_environment_beyond_the_steps_is_counted(environment_probe):
    before = cut(environment_probe)
    pid = run({**{f"O{i}": "x" for i in range(5000)}, "DD_ENV": "prod"})
    assert not start_of(environment_probe, pid).environment
    assert cut(environment_probe) > before


@pytest.mark.kernel
def test_exec_replaces_the_variables(environment_probe):
    pid = run({"DD_SERVICE": "before"}, "/usr/bin/env", "-i", "DD_SERVICE=after", "/bin/true")
    starts = [p for p in environment_probe.processes().processes
              if p.tgid == pid and p.event == proto.Process.EVENT_EXEC]
    assert [list(p.environment) for p in starts] == [[b"DD_SERVICE=before"], [b"DD_SERVICE=after"]]


def alive_of(probe, pid):
    return [p for p in probe.processes().processes
            if p.tgid == pid and p.event == proto.Process.EVENT_ALIVE]


@pytest.fixture
def start(folder):
    """Starts a probe with settings from the environment; it ends with the test."""
    started = []

    def begin(**settings):
        started.append(Probe(folder, env=settings))
        return started[-1].ready()

    yield begin
    for probe in started:
        probe.stop()


@pytest.fixture
def sleeper():
    """A process that waits for the end of its input, with these and other variables."""
    source = "import sys; print(flush=True); sys.stdin.read()"
    popen = subprocess.Popen([sys.executable, "-c", source], stdin=subprocess.PIPE,
                             stdout=subprocess.PIPE, env={
                                 "LONG": "x" * 100 * 1024, "TOKEN": SECRET.decode(), **NAMES})
    popen.stdout.readline()
    yield popen
    popen.communicate()


@pytest.mark.kernel
@pytest.mark.core
@pytest.mark.without_bpf
def test_status_says_where_environments_cannot_be_read(shared_probe):
    """lockdown=confidentiality refuses programs' memory; without BPF nobody is there at exec."""
    hook = exec_hook(shared_probe)
    pid = run({"DD_SERVICE": "shop"})
    has_environment = any(p.environment for p in shared_probe.processes().processes
                          if p.tgid == pid)
    says_no = "environment of all" in hook.get("lacks", "") or "variant" not in hook
    assert has_environment != says_no


@pytest.mark.kernel
@pytest.mark.core
@pytest.mark.without_bpf
def test_process_older_than_the_probe_has_its_variables(sleeper, probe):
    old, = alive_of(probe, sleeper.pid)
    assert list(old.environment) == entries(NAMES)
    assert SECRET not in probe.get("/v1/processes")


def test_setting_leaves_all_environments_unread(sleeper, start):
    probe = start(DD_SYSPROBE_COLLECT_ENVIRONMENT="false")
    pid = run({"DD_SERVICE": "shop"})
    assert not alive_of(probe, sleeper.pid)[0].environment
    assert not start_of(probe, pid).environment


def test_tier_without_bpf_has_those_that_lived_before(sleeper, start):
    probe = start(DD_SYSPROBE_TIER="netlink")
    assert list(alive_of(probe, sleeper.pid)[0].environment) == entries(NAMES)
    assert "environment" in exec_hook(probe)["without"]
