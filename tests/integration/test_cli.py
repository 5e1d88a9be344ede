# SPDX-License-Identifier: Apache-2.0
"""The command line of core-agent: a real agent on a fake probe with fixed connections."""
import json
import re
import shutil
import signal
import socket
import subprocess
import xml.dom.minidom

import pytest

import fake_probe
from api_client import free_port
from fake_probe import connection
from harness import AGENT, DEADLINE_S, until
from operators import assert_golden, on_terminal

ASKING = ["status", "connections", "topology", "config list"]


def test_connections_are_a_table_largest_first(operator):
    assert_golden("connections.txt", operator.out("connections"))


def test_filters_sort_and_fields_are_those_of_the_api(operator):
    rows = operator.out("connections", "--state=failed", "--fields", "process,remote,error")
    assert rows.splitlines()[1].split() == ["curl", "192.0.2.7:81", "ECONNREFUSED"]
    rows = operator.lines("connections", "--json", "--comm", "curl", "--sort", "bytes_sent",
                          "--order", "asc", "--fields", "id", "--local-port", "40002")
    assert rows == [{"id": 2}]
    assert [row["id"] for row in operator.lines("connections", "--json", "--remote",
                                                "192.0.2.0/29", "--proto", "tcp")] == [1, 2, 4]


def test_what_the_limit_leaves_out_is_told(operator):
    done = operator.run("connections", "--limit", "2")
    assert len(done.stdout.splitlines()) == 3 and "2 of 4 shown" in done.stderr


def test_json_of_connections_is_what_the_api_says(operator):
    def without_time(rows):
        return sorted(({**row, "time": 0, "duration_ms": 0} for row in rows), key=lambda r: r["id"])
    told = operator.agent.get("/agent/connections")["connections"]
    assert without_time(operator.lines("connections", "--json")) == without_time(told)


def masked(text):
    text = re.sub(r"\bon \S+ (\(\w+\)), pid \d+, up \S+, \S+ of processor time, \S+ of memory",
                  r"on HOST \1", text)
    text = re.sub(r"last read \S+ ago, socket \S+", "last read AGO, socket SOCKET", text)
    text = re.sub(r"\d+ (records|connections|delivered)", r"N \1", text)
    return re.sub(r"(?s)counters that.*", "counters\n", text)


def test_status_says_how_all_parts_are(operator):
    assert_golden("status.txt", masked(operator.out("status")))
    assert json.loads(operator.out("status", "--json"))["health"]["is_ready"]


def test_status_without_probe_ends_with_4(operator, fake):
    with fake.lock:
        fake.faults["*"] = fake_probe.status(503, "not now")
    done = until(lambda: (d := operator.run("status")).returncode == 4 and d, "unhealthy")
    assert "not connected" in done.stdout


def test_topology_is_a_table_a_graph_and_a_picture(operator):
    assert_golden("topology.txt", operator.out("topology"))
    assert_golden("topology.dot", operator.out("topology", "--dot"))
    svg = operator.out("topology", "--svg")
    assert len(xml.dom.minidom.parseString(svg).getElementsByTagName("rect")) == 5
    assert len(operator.lines("topology", "--json")) == 3


def of_here(operator, text):
    """Without what the machine and the test's own folder put in."""
    ours = {str(operator.agent.folder): "FOLDER", str(operator.agent.port): "PORT",
            str(operator.agent.variables_port): "PORT"}
    for here, name in ours.items():
        text = text.replace(here, name)
    return text


def test_settings_are_a_list(operator):
    assert_golden("config_list.txt", of_here(operator, operator.out("config", "list")))
    assert_golden("config_list_runtime.txt", operator.out("config", "list", "--runtime"))


def test_settings_are_listed_read_and_changed(operator):
    assert f"cmd_port: {operator.agent.port}\n" in operator.out("config", "list")
    assert "api_key: ********\n" in operator.out("config", "list")
    assert operator.out("config", "get", "log_level") == "info\n"
    assert operator.out("config", "set", "log_level", "debug") == "debug\n"
    assert operator.agent.get("/agent/config/log_level")["value"] == "debug"
    assert operator.out("config", "reload").startswith("changed: log_level\n")
    assert json.loads(operator.out("config", "get", "log_level", "--json"))["value"] == "info"
    assert "cmd_port" not in operator.out("config", "list", "--runtime")


def test_settings_that_cannot_change_are_refused_with_2(operator):
    done = operator.run("config", "set", "cmd_port", "1")
    assert done.returncode == 2 and "restart" in done.stderr
    assert operator.run("config", "get", "nothing").returncode == 2


def test_version_is_known_without_agent(operator):
    assert_golden("version.txt", operator.out("version"))
    operator.agent.stop()
    done = operator.run("version")
    assert done.returncode == 0 and "running core-agent: -" in done.stdout


@pytest.mark.parametrize("command", ASKING)
def test_without_agent_one_line_names_the_remedy(operator, command):
    operator.agent.stop()
    done = operator.run(*command.split())
    assert (done.returncode, done.stdout) == (3, "")
    assert done.stderr.count("\n") == 1 and "core-agent is not running" in done.stderr


def test_who_may_not_read_the_token_is_told_so(operator, folder):
    program = shutil.copy(AGENT, folder)  # the tree may be in a folder of root's alone
    done = operator.run("status", program=program, user=1, group=1, extra_groups=[])
    assert done.returncode == 3 and done.stderr.count("\n") == 1
    assert "run this command as root" in done.stderr


def test_without_token_and_with_another_one_line_names_the_remedy(operator, folder):
    done = operator.run("status", env={"DD_AUTH_TOKEN_FILE_PATH": str(folder / "none")})
    assert done.returncode == 3 and f"{folder}/none is missing" in done.stderr
    (folder / "other").write_text("f" * 64)
    (folder / "other").chmod(0o644)
    done = operator.run("status", env={"DD_AUTH_TOKEN_FILE_PATH": str(folder / "other")})
    assert done.returncode == 3 and "does not accept the token" in done.stderr


def test_another_server_on_the_port_gets_no_token(operator, folder):
    """Its certificate is not the one in the file: the handshake ends before the request."""
    key, certificate = folder / "key", folder / "certificate"
    subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt",
                    "ec_paramgen_curve:P-256", "-nodes", "-subj", "/CN=localhost", "-addext",
                    "subjectAltName=DNS:localhost", "-keyout", key, "-out", certificate],
                   check=True, capture_output=True)
    port = free_port()
    server = subprocess.Popen(["openssl", "s_server", "-accept", str(port), "-key", key, "-cert",
                               certificate, "-msg"], stdin=subprocess.PIPE,
                              stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
    try:
        until(lambda: socket.socket().connect_ex(("127.0.0.1", port)) == 0, "the other server")
        done = operator.run("status", env={"DD_CMD_PORT": str(port)})
    finally:
        server.kill()
    assert done.returncode == 3 and "does not have the certificate" in done.stderr
    assert "Bearer" not in server.stdout.read()


@pytest.mark.parametrize("words, wanted", [
    (["conections"], "did you mean connections?"),
    (["status", "--jason"], "did you mean --json?"),
    (["connections", "--proto", "icmp"], "proto is tcp or udp"),
    (["connections", "--fields", "shoe"], "no field is called shoe"),
    (["topology", "--dot", "--svg"], "one or none"),
    (["top"], "wants a terminal"),
    (["history", "--limit", "0"], "whole number"),
])
def test_wrong_arguments_end_with_2_and_name_the_mistake(operator, words, wanted):
    done = operator.run(*words)
    assert (done.returncode, done.stdout) == (2, "") and wanted in done.stderr


def test_wrong_settings_end_with_2(operator, folder):
    (folder / "bad.yaml").write_text("cmd_prt: 1\n")
    done = operator.run("status", "--config", folder / "bad.yaml")
    assert done.returncode == 2 and "cmd_prt" in done.stderr


def test_colours_are_for_terminals_and_not_for_who_does_not_want_them(operator):
    assert b"\033[" in on_terminal(operator, "status")
    assert b"\033[" not in on_terminal(operator, "status", env={"NO_COLOR": "1"})
    assert b"\033[" not in on_terminal(operator, "status", env={"TERM": "dumb"})
    assert "\033[" not in operator.out("status")


@pytest.mark.parametrize("command", ["connections", "connections --json", "topology",
                                     "topology --json", "topology --dot"])
def test_a_pipe_that_is_closed_early_is_no_error(operator, fake, command):
    with fake.lock:
        fake.live.update({i: connection(i) for i in range(10, 4000)})
    until(lambda: operator.agent.get("/agent/connections?limit=1")["matched"] > 3000, "many")
    with subprocess.Popen([AGENT, *command.split(), "--limit", "4000"], env=operator.env, text=True,
                          stdout=subprocess.PIPE, stderr=subprocess.PIPE) as process:
        assert process.stdout.readline()
        process.stdout.close()
        assert process.wait(DEADLINE_S) == 0
        assert not re.search("rror|cannot|fail", process.stderr.read())


def test_a_full_disk_is_an_error(operator):
    with open("/dev/full", "w") as full:
        done = subprocess.run([AGENT, "connections"], env=operator.env, text=True, stdout=full,
                              stderr=subprocess.PIPE, timeout=DEADLINE_S)
    assert done.returncode == 1 and "No space left" in done.stderr


def test_history_has_a_line_for_each_record(operator):
    text = re.sub(r'("time|"probe_instance)":"[^"]*"', r'\1":""', operator.out("history"))
    assert_golden("history.jsonl", "".join(sorted(text.splitlines(keepends=True))))


def test_history_needs_no_agent(operator):
    operator.agent.stop()
    assert len(operator.lines("history", "--limit", "2")) == 2


def test_every_command_has_help(operator):
    names = re.findall(r"^  ([a-z]+) ", operator.out("--help"), re.M)
    assert len(names) == 11
    for name in names:
        out = operator.out(name, "--help")
        assert out.startswith("Usage: core-agent") and "--config" in out
