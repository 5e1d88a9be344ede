# SPDX-License-Identifier: Apache-2.0
"""Each trouble is one clear line that says what to do, and the rest keeps working."""

import os
import re
import socket

import pytest

import harness
from harness import PROBE, Probe, Process

GROUP = "daemon"  # exists everywhere: its absence is a trouble of its own, in test_socket.py
NOBODY = ("setpriv", "--reuid=65534", "--regid=65534", "--clear-groups")


def without(*capabilities):
    return ("setpriv", "--bounding-set=" + ",".join("-" + c for c in capabilities))


def in_private_mounts(commands):
    """Prefix: a mount namespace of the probe's own, changed by shell commands."""
    return ("unshare", "--mount", "--propagation", "private", "sh", "-ec",
            f'{commands}; exec "$@"', "sh")


NO_BTF = in_private_mounts("mount -t tmpfs none /sys/kernel/btf")
NO_CGROUP2 = in_private_mounts(
    "for m in $(awk '$3 == \"cgroup2\" { print $2 }' /proc/self/mounts | tac); "
    "do umount -l $m; done")
NO_TRACEFS = in_private_mounts(
    "for m in $(awk '$3 ~ /^(tracefs|debugfs)$/ { print $2 }' /proc/self/mounts | tac); "
    "do umount -l $m; done; test ! -e /sys/kernel/tracing/trace")


# Where the host has some, a probe that falls back without the right to enter them says so.
ABOUT_NAMESPACES = " cannot watch a network namespace "


def troubles(probe):
    """Lines of level warn and error."""
    return [line for line in probe.log().splitlines() if re.match(r"\S+Z (warn|error) ", line)]


@pytest.fixture
def start(folder):
    """Starts a probe behind a prefix; it ends with the test."""
    started = []

    def begin(prefix=(), **env):
        probe = Probe(folder, prefix=prefix, env={"DD_SYSPROBE_SOCKET_GROUP": GROUP, **env})
        started.append(probe)
        return probe.ready()

    yield begin
    for probe in started:
        probe.stop()


def hooks(probe):
    """{hook: chosen variant, None where it is off}."""
    return {h["hook"]: h.get("variant") for h in probe.status()["hooks"]}


def sees_tcp(probe):
    with socket.create_server(("127.0.0.1", 0)) as listener:
        client = socket.create_connection(listener.getsockname())
        server, _ = listener.accept()
        client.sendall(b"x" * 321)
        port = listener.getsockname()[1]
        found = [c.bytes_sent for c in probe.snapshot().connections if c.remote_port == port]
        client.close()
        server.close()
    return found == [321]


def sees_udp(probe):
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as receiver, \
            socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sender:
        receiver.bind(("127.0.0.1", 0))
        port = receiver.getsockname()[1]
        sender.sendto(b"x" * 123, ("127.0.0.1", port))
        found = [c.bytes_sent for c in probe.snapshot().connections if c.remote_port == port]
    return found == [123]


def test_without_trouble_there_is_no_line_of_it(start):
    probe = start()
    assert troubles(probe) == []
    assert sees_tcp(probe) and sees_udp(probe)


# The kernel and the rights

def test_missing_btf_is_one_line_and_the_probe_goes_on_without_bpf(start):
    probe = start(NO_BTF)
    line, = troubles(probe)
    assert "CONFIG_DEBUG_INFO_BTF" in line and "/sys/kernel/btf/vmlinux" in line
    assert "sock_diag" in line
    assert probe.status()["tier"] == "netlink"
    assert sees_tcp(probe)
    assert os.getpid() in {p.tgid for p in probe.processes().processes}


@pytest.mark.parametrize("capabilities, named", [
    (("bpf", "sys_admin"), "CAP_BPF"),
    (("perfmon", "sys_admin"), "CAP_PERFMON"),
    (("bpf", "perfmon", "net_admin", "sys_admin"), "CAP_BPF CAP_PERFMON CAP_NET_ADMIN"),
], ids=["bpf", "perfmon", "all"])
def test_missing_capabilities_are_named_in_one_line(start, capabilities, named):
    probe = start(without(*capabilities))
    line, = (t for t in troubles(probe) if ABOUT_NAMESPACES not in t)
    assert line.endswith(f'remedy="start the probe as root, or grant it {named}"')
    assert probe.status()["tier"] == "netlink"
    assert sees_tcp(probe)


def test_without_net_admin_udp_is_off_and_tcp_works(start):
    probe = start(without("net_admin", "sys_admin"))
    line, = troubles(probe)
    assert "hook=udp" in line and 'without="no UDP flows"' in line
    assert line.endswith('grant it CAP_NET_ADMIN"')
    assert hooks(probe)["udp"] is None
    assert sees_tcp(probe)


def test_without_sys_admin_everything_works(start):
    probe = start(without("sys_admin"))
    assert troubles(probe) == []
    assert sees_tcp(probe) and sees_udp(probe)


def test_memlock_of_64_kib_is_enough(start):
    probe = start(("prlimit", "--memlock=65536"))
    assert troubles(probe) == []
    assert sees_tcp(probe) and sees_udp(probe)


def test_forbidden_programs_are_not_blamed_on_memlock(start):
    probe = start((*without("net_admin", "sys_admin"), "prlimit", "--memlock=65536"))
    assert "memlock" not in probe.log()


def test_unmounted_cgroup_v2_is_one_line_and_tcp_works(start):
    probe = start(NO_CGROUP2, DD_SYSPROBE_TIER="tracepoint")
    line, = troubles(probe)
    assert "hook=udp" in line and "mount -t cgroup2" in line and "sysprobe.cgroup_path" in line
    assert hooks(probe)["udp"] is None
    assert sees_tcp(probe)


def test_wrong_cgroup_path_is_one_line_and_tcp_works(start):
    probe = start(DD_SYSPROBE_CGROUP_PATH="/nowhere", DD_SYSPROBE_TIER="tracepoint")
    line, = troubles(probe)
    assert "hook=udp" in line and "sysprobe.cgroup_path" in line
    assert sees_tcp(probe)


def test_tracefs_is_not_needed(start):
    probe = start(NO_TRACEFS)
    assert troubles(probe) == []
    assert sees_tcp(probe) and sees_udp(probe)


def test_wrong_procfs_is_one_line_and_tcp_works(start):
    probe = start(DD_PROCFS_PATH="/nowhere")
    line, = troubles(probe)
    assert "path=/nowhere" in line and "procfs_path" in line
    assert sees_tcp(probe)


def test_switched_off_capture_is_no_trouble(start):
    probe = start(DD_SYSTEM_PROBE_NETWORK_ENABLED="false")
    assert troubles(probe) == []
    assert probe.status()["tier"] == "none"


# The socket's folder and the user

def refused(folder, prefix=(), **env):
    """The line of a probe that cannot listen and ends for it."""
    probe = Probe(folder, prefix=prefix, env={"DD_SYSPROBE_SOCKET_GROUP": GROUP, **env})
    try:
        assert probe.wait() == 1
    finally:
        probe.popen.kill()
    return probe.wait_log("cannot listen")


def test_missing_socket_folder_says_so(folder):
    line = refused(folder, DD_SYSPROBE_SOCKET=f"{folder}/missing/sysprobe.sock")
    assert f"path={folder}/missing/sysprobe.sock" in line
    assert line.endswith('remedy="its folder does not exist: create it, owned by root"')


def test_path_longer_than_a_socket_can_have_says_so(folder):
    line = refused(folder, DD_SYSPROBE_SOCKET=f"{folder}/{'x' * 100}")
    assert "at most 107 bytes" in line


def test_other_user_than_root_is_told_so(folder):
    line = refused(folder, NOBODY)
    assert line.endswith('remedy="start the probe as root"')


def test_other_user_with_a_folder_of_its_own_sees_its_own_namespace(start, folder):
    os.chown(folder, 65534, 65534)
    probe = start(NOBODY, DD_SYSPROBE_SOCKET_GROUP="no-such-group")
    line, = (t for t in troubles(probe) if ABOUT_NAMESPACES not in t)
    assert "start the probe as root" in line
    os.chown(probe.token_file, 65534, 65534)
    assert probe.status()["tier"] == "netlink"
    assert sees_tcp(probe)


# Settings

def run_with(path, prefix=(), **env):
    """(exit code, lines) of a probe with a settings file."""
    process = Process([*prefix, PROBE, "--config", path], env=env)
    try:
        code = process.wait()
    finally:
        process.popen.kill()
    return code, process.log().splitlines()


@pytest.mark.parametrize("content, number, words", [
    ("network_config:\n  enabld: true\n", 2, ["network_config.enabld", "network_config.enabled"]),
    ("log_levle: debug\n", 1, ["log_levle", "log_level"]),
    ("network_config:\n  enabled: perhaps\n", 2, ["network_config.enabled", "true"]),
    ("system_probe_config:\n  max_tracked_connections: 12\n", 2,
     ["max_tracked_connections", "1024", "4194304"]),
    ("system_probe_config:\n  max_tracked_connections: many\n", 2, ["max_tracked_connections"]),
    ("log_level: loud\n", 1, ["log_level", "error", "warn", "info", "debug"]),
    ("log_level: info\nlog_level: info\n", 2, ["log_level"]),
    ("sysprobe:\n  udp_idle: soon\n", 2, ["sysprobe.udp_idle"]),
    ("log_level: [debug\n", None, []),
], ids=["unknown-key", "unknown-top-key", "wrong-type", "out-of-range", "no-number", "no-choice",
        "key-twice", "no-duration", "no-yaml"])
def test_wrong_settings_file_is_one_line_with_its_place(folder, content, number, words):
    path = folder / "system-probe.yaml"
    path.write_text(content)
    code, lines = run_with(path)
    assert code == 2
    line, = lines
    assert re.match(rf"system-probe: {path}:{number or '[0-9]+'}: ", line), line
    assert all(word in line for word in words), line


def test_world_writable_settings_file_is_refused(folder):
    path = folder / "system-probe.yaml"
    path.write_text("log_level: info\n")
    path.chmod(0o666)
    code, (line,) = run_with(path)
    assert code == 2
    assert line.startswith(f"system-probe: {path}: ") and "writable" in line


def test_unreadable_settings_file_is_refused(folder):
    path = folder / "system-probe.yaml"
    path.write_text("log_level: info\n")
    path.chmod(0o600)
    code, (line,) = run_with(path, NOBODY)
    assert code == 2
    assert line.startswith(f"system-probe: {path}: ") and "ermission denied" in line


def test_missing_settings_file_that_was_named_is_refused(folder):
    code, (line,) = run_with(folder / "missing.yaml")
    assert code == 2
    assert line.startswith(f"system-probe: {folder}/missing.yaml: ")


def test_wrong_environment_variable_is_named(folder):
    path = folder / "system-probe.yaml"
    path.write_text("")
    code, (line,) = run_with(path, DD_SYSTEM_PROBE_NETWORK_ENABLED="maybe")
    assert code == 2
    assert "DD_SYSTEM_PROBE_NETWORK_ENABLED" in line


@pytest.mark.parametrize("arguments", [["--nonsense"], ["extra"], ["--config"]])
def test_wrong_arguments_are_one_line(arguments):
    process = Process([PROBE, *arguments])
    assert process.wait() == 2
    line, = process.log().splitlines()
    assert arguments[0].lstrip("-") in line


def test_setting_without_effect_is_accepted_and_named_once(start, folder):
    path = folder / "system-probe.yaml"
    path.write_text("system_probe_config:\n  enabled: true\n  debug_port: 0\n")
    process = Process([PROBE, "--config", path], env={
        "DD_SYSPROBE_SOCKET": str(folder / "other.sock"), "DD_SYSPROBE_SOCKET_GROUP": GROUP})
    try:
        process.wait_log(" serving ")
        assert len([l for l in process.log().splitlines() if "debug_port" in l]) == 1
    finally:
        process.stop()


def test_probe_that_is_switched_off_looks_at_nothing(folder):
    probe = Probe(folder, env={"DD_SYSTEM_PROBE_NETWORK_ENABLED": "false"}).ready()
    try:
        assert probe.processes().processes == []
        assert probe.snapshot().connections == probe.closed().connections == []
    finally:
        probe.stop()
