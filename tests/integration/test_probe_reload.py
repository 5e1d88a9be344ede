# SPDX-License-Identifier: Apache-2.0
"""SIGHUP: the probe reads its settings anew."""

import signal

import pytest

import harness


@pytest.fixture
def start(folder):
    """Starts a probe with settings of its own; they can be written anew."""
    probes = []

    def write(text):
        path = folder / "system-probe.yaml"
        path.write_text(text)
        path.chmod(0o644)
        return path

    def begin(text, is_ready=True):
        probes.append(harness.Probe(folder, arguments=("--config", write(text))))
        if is_ready:
            probes[-1].ready()
        return probes[-1], write

    yield begin
    for probe in probes:
        probe.stop()


def test_sighup_changes_the_log_level_and_names_what_wants_a_restart(start):
    probe, write = start("log_level: info\n")
    write("log_level: debug\nsysprobe:\n  udp_idle: 40s\n")
    probe.popen.send_signal(signal.SIGHUP)
    probe.wait_log('a setting was changed key=log_level')
    line = probe.wait_log("this setting changes with a restart only")
    assert "key=sysprobe.udp_idle" in line
    write("log_level: error\n")
    probe.popen.send_signal(signal.SIGHUP)
    probe.wait_log("key=sysprobe.udp_idle")
    assert probe.status()["tier"]


def test_sighup_while_the_probe_starts_takes_effect_once_it_serves(start):
    probe, write = start("log_level: info\n", is_ready=False)
    probe.wait_log("system-probe starts")
    write("log_level: debug\n")
    probe.popen.send_signal(signal.SIGHUP)
    probe.wait_log("a setting was changed key=log_level")
    assert probe.status()["tier"]


def test_bad_settings_change_nothing_and_say_why(start):
    probe, write = start("log_level: info\n")
    write("log_level: debug\nno_such_key: 1\n")
    probe.popen.send_signal(signal.SIGHUP)
    line = probe.wait_log("cannot take the settings read anew")
    assert "no_such_key" in line and ":2:" in line
    assert "a setting was changed" not in probe.log()
    assert probe.status()["tier"]
