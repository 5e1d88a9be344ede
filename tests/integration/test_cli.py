# SPDX-License-Identifier: Apache-2.0
"""The command line of core-agent: a real agent on a fake probe with fixed connections."""
import io
import json
import os
import pty
import re
import signal
import socket
import struct
import subprocess
import tarfile
import threading
import time
import xml.dom.minidom

import pytest

import fake_probe
from api_client import ApiAgent, free_port
from fake_probe import FakeProbe, connection, proto
from harness import AGENT, DEADLINE_S, ROOT, until

GOLDEN = ROOT / "tests" / "golden" / "cli"
ASKING = ["status", "connections", "topology", "config list"]
API_KEY = "5ec4e70123456789"
ECONNREFUSED = 111


def records():
    """Four connections: two to one server, one incoming, one that fails."""
    return {
        1: connection(1, bytes_sent=1000, bytes_received=2_500_000, comm="curl", local_port=40001,
                      remote_address=bytes([192, 0, 2, 1])),
        2: connection(2, bytes_sent=10, bytes_received=20, comm="curl", local_port=40002,
                      remote_address=bytes([192, 0, 2, 1])),
        3: connection(3, bytes_sent=70_000, bytes_received=300, comm="nginx", local_port=443,
                      remote_port=51000, remote_address=bytes([192, 0, 2, 9]),
                      role=proto.ROLE_SERVER, rtt_us=31000),
    }


class Operator:
    """Someone with the settings of a running agent, who may have others."""

    def __init__(self, agent):
        self.agent = agent
        self.env = {
            **os.environ, "DD_SYSPROBE_SOCKET": str(agent.folder / "sysprobe.sock"),
            "DD_AUTH_TOKEN_FILE_PATH": str(agent.token_file),
            "DD_HISTORY_PATH": str(agent.folder / "history.db"),
            "DD_IPC_CERT_FILE_PATH": str(agent.certificate), "DD_CMD_PORT": str(agent.port),
            "DD_EXPVAR_PORT": str(agent.variables_port), "DD_SYSPROBE_USER": "nobody",
            "DD_SYSPROBE_NTP_SERVER": "", "TERM": "xterm"}

    def run(self, *words, env=None, prefix=(), **options):
        return subprocess.run([*prefix, AGENT, *words], env={**self.env, **(env or {})}, text=True,
                              stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                              stderr=subprocess.PIPE, timeout=DEADLINE_S, **options)

    def out(self, *words, **options):
        done = self.run(*words, **options)
        assert done.returncode == 0, (words, done.returncode, done.stderr)
        return done.stdout

    def lines(self, *words, **options):
        return [json.loads(line) for line in self.out(*words, **options).splitlines()]


@pytest.fixture
def fake(folder):
    folder.chmod(0o777)
    with FakeProbe(folder / "sysprobe.sock") as probe:
        probe.live = records()
        yield probe


@pytest.fixture
def operator(fake, folder, request):
    agent = ApiAgent(folder, env={"DD_PROCESS_CONFIG_INTERVALS_CONNECTIONS": "1s",
                                  "DD_API_KEY": API_KEY, "DD_EXPORTERS": "local",
                                  **getattr(request, "param", {})}).ready()
    someone = Operator(agent)
    fake.close(4, comm="curl", local_port=40004, remote_address=bytes([192, 0, 2, 7]),
               remote_port=81, state=proto.STATE_FAILED, error=ECONNREFUSED, bytes_sent=0,
               bytes_received=0, rtt_us=0)
    until(lambda: agent.get("/agent/connections")["matched"] == 4, "all connections")
    yield someone
    agent.stop(signal.SIGKILL)


def assert_golden(name, text):
    path = GOLDEN / name
    if os.environ.get("RENEW_GOLDEN"):
        path.write_text(text)
    assert text == path.read_text(), f"RENEW_GOLDEN=1 renews {path}"


def diagnosis(operator, **options):
    done = operator.run("diagnose", "--json", **options)
    found = [json.loads(line) for line in done.stdout.splitlines()]
    return done.returncode, {check["check"]: check for check in found}


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
    assert operator.out("version").splitlines()[0] == "core-agent 0.1.0"
    operator.agent.stop()
    done = operator.run("version")
    assert done.returncode == 0 and "running core-agent: -" in done.stdout


@pytest.mark.parametrize("command", ASKING)
def test_without_agent_one_line_names_the_remedy(operator, command):
    operator.agent.stop()
    done = operator.run(*command.split())
    assert (done.returncode, done.stdout) == (3, "")
    assert done.stderr.count("\n") == 1 and "core-agent is not running" in done.stderr


def test_who_may_not_read_the_token_is_told_so(operator):
    done = operator.run("status", user=1, group=1, extra_groups=[])
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


def on_terminal(operator, *words, env=None):
    """What the program writes to a terminal."""
    master, slave = pty.openpty()
    process = subprocess.Popen([AGENT, *words], env={**operator.env, **(env or {})}, stdin=slave,
                               stdout=slave, stderr=slave)
    os.close(slave)
    out = b""
    try:
        while piece := os.read(master, 65536):
            out += piece
    except OSError:  # the other end is closed: how a terminal says that it is the end
        pass
    os.close(master)
    process.wait(DEADLINE_S)
    return out


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


def test_diagnose_passes_what_is_there(operator):
    code, found = diagnosis(operator)
    for check in ("settings", "agent", "socket", "token", "kernel", "btf", "mounts", "upstream",
                  "hostname"):
        assert found[check]["result"] == "pass", found[check]
    assert code == 0


def test_diagnose_without_anything_names_each_remedy(operator, folder):
    operator.agent.stop()
    code, found = diagnosis(operator, env={
        "DD_SYSPROBE_SOCKET": str(folder / "nothing"), "DD_EXPORTERS": "intake",
        "DD_AUTH_TOKEN_FILE_PATH": str(folder / "no_token"), "HOST_PROC": str(folder)})
    assert code == 1
    for check in ("agent", "socket", "token", "mounts", "upstream"):
        assert found[check]["result"] == "fail" and found[check]["remedy"], found[check]
    assert "start system-probe" in found["socket"]["remedy"]
    assert "is no procfs" in found["mounts"]["text"]


NO_KUBELET = {"DD_KUBERNETES_KUBELET_HOST": "127.0.0.1", "DD_KUBERNETES_HTTPS_KUBELET_PORT": "1",
              "DD_KUBERNETES_HTTP_KUBELET_PORT": "0"}


@pytest.mark.parametrize("operator", [NO_KUBELET], indirect=True)
def test_diagnose_says_which_source_of_names_fails_and_why(operator):
    until(lambda: "kubelet" in diagnosis(operator)[1]["names"]["text"], "it has been asked")
    found = diagnosis(operator)[1]["names"]
    assert found["result"] == "warning" and found["remedy"]
    assert "https://127.0.0.1:1/pods" in found["text"]


def test_diagnose_warns_of_a_name_that_is_the_pods(operator):
    found = diagnosis(operator, env={"KUBERNETES_SERVICE_HOST": "10.0.0.1"})[1]["hostname"]
    assert found["result"] == "warning" and "DD_NODE_NAME" in found["remedy"]


def test_diagnose_goes_on_after_settings_that_are_wrong(operator):
    code, found = diagnosis(operator, env={"DD_CMD_PORT": "many"})
    assert code == 1 and found["settings"]["result"] == "fail" and len(found) == 18
    assert "DD_CMD_PORT" in found["settings"]["text"]


def test_diagnose_sees_that_btf_is_hidden(operator, folder):
    (folder / "empty").touch()
    _, found = diagnosis(operator, prefix=[
        "unshare", "--mount", "sh", "-c",
        f'mount --bind {folder}/empty /sys/kernel/btf/vmlinux && exec "$0" "$@"'])
    assert found["btf"]["result"] == "warning" and "sock_diag" in found["btf"]["text"]
    assert "findmnt" in found["btf"]["remedy"]


def test_diagnose_names_capabilities_that_cannot_be_had(operator, folder):
    _, found = diagnosis(operator, env={"DD_SYSPROBE_SOCKET": str(folder / "none")}, prefix=["setpriv", "--bounding-set", "-sys_admin,-bpf"])
    assert found["capabilities"]["result"] == "warning"
    assert "CAP_BPF" in found["capabilities"]["text"]


class TimeServer(threading.Thread):
    """Answers NTP requests with a clock that is off by some seconds (RFC 4330)."""

    def __init__(self, offset_s):
        super().__init__(daemon=True)
        self.offset_s = offset_s
        self.socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.socket.bind(("127.0.0.1", 0))
        self.address = "127.0.0.1:%d" % self.socket.getsockname()[1]

    def run(self):
        request, client = self.socket.recvfrom(512)
        now = time.time() + self.offset_s + 2208988800
        stamp = struct.pack("!II", int(now), int(now % 1 * 2**32))
        self.socket.sendto(bytes([0x24, 2, 0, 0]) + bytes(20) + request[40:48] + stamp + stamp,
                           client)


@pytest.mark.parametrize("offset_s, wanted", [(0, "pass"), (-30, "warning"), (120, "fail")])
def test_diagnose_compares_the_clock(operator, offset_s, wanted):
    server = TimeServer(offset_s)
    server.start()
    _, found = diagnosis(operator, env={"DD_SYSPROBE_NTP_SERVER": server.address})
    assert found["clock"]["result"] == wanted, found["clock"]
    if offset_s:
        assert f"{offset_s}.0 s from" in found["clock"]["text"]


def test_diagnose_as_text_has_a_line_for_each_check(operator):
    out = operator.run("diagnose").stdout
    assert len([line for line in out.splitlines() if line[0] != " "]) == 18


def flare(operator, path, *words, **options):
    return operator.run("flare", "--output", path, *words, **options)


def test_flare_holds_what_it_lists_and_no_secret(operator, folder):
    settings = folder / "agent.yaml"
    settings.write_text(f"api_key: {API_KEY}\nsite: example.com\n# password: hunter2\n")
    done = flare(operator, folder / "flare.tar", "--config", settings)
    assert done.returncode == 0, done.stderr
    listed = [line.split()[1] for line in done.stdout.splitlines()[:-1]]
    data = (folder / "flare.tar").read_bytes()
    with tarfile.open(fileobj=io.BytesIO(data)) as archive:
        assert [m.name for m in archive] == [f"sysprobe-flare/{name}" for name in listed]
        texts = {m.name.split("/")[1]: archive.extractfile(m).read().decode() for m in archive}
    assert (folder / "flare.tar").stat().st_mode & 0o777 == 0o600
    for secret in (API_KEY, "hunter2", operator.agent.token()):
        assert secret.encode() not in data
    assert texts["core-agent.yaml"].startswith("api_key: ********\nsite: example.com\n")
    assert "met system-probe" in texts["core-agent.log"]
    assert json.loads(texts["config.json"])["api_key"] == "********"
    assert len(texts["connections.jsonl"].splitlines()) == 4
    assert "sysprobe_agent" in texts["metrics.txt"] or "# HELP" in texts["metrics.txt"]
    assert all(json.loads(line)["check"] for line in texts["diagnose.jsonl"].splitlines())


def test_flare_to_standard_output_is_the_archive_alone(operator, folder):
    with open(folder / "out.tar", "wb") as out:
        done = subprocess.run([AGENT, "flare", "--output", "-"], env=operator.env, stdout=out,
                              stdin=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True,
                              timeout=DEADLINE_S, check=True)
    with tarfile.open(folder / "out.tar") as archive:
        names = [m.name.split("/")[1] for m in archive]
    assert names == [line.split()[1] for line in done.stderr.splitlines()[:-1]]


def test_flare_list_writes_nothing(operator, folder):
    done = flare(operator, folder / "flare.tar", "--list")
    assert done.returncode == 0 and "status.json" in done.stdout
    assert not (folder / "flare.tar").exists()


def test_flare_overwrites_nothing(operator, folder):
    (folder / "flare.tar").write_text("mine")
    done = flare(operator, folder / "flare.tar")
    assert done.returncode == 1 and "File exists" in done.stderr
    assert (folder / "flare.tar").read_text() == "mine"


def test_flare_without_agent_says_what_is_missing(operator, folder):
    operator.agent.stop()
    assert flare(operator, folder / "flare.tar").returncode == 0
    with tarfile.open(folder / "flare.tar") as archive:
        problems = archive.extractfile("sysprobe-flare/problems.txt").read().decode()
    assert "core-agent is not running" in problems


def test_history_needs_no_agent(operator):
    operator.agent.stop()
    assert len(operator.lines("history", "--limit", "2")) == 2


def test_every_command_has_help(operator):
    names = re.findall(r"^  ([a-z]+) ", operator.out("--help"), re.M)
    assert len(names) == 11
    for name in names:
        out = operator.out(name, "--help")
        assert out.startswith("Usage: core-agent") and "--config" in out


class Screen:
    """`core-agent top` in a terminal of tmux's."""

    def __init__(self, operator, folder, *words, size=(120, 12)):
        self.server = ["tmux", "-S", str(folder / "tmux"), "-f", "/dev/null"]
        script = folder / "top.sh"
        script.write_text(f'{AGENT} top {" ".join(words)}; echo "ended with $?"; read -r line\n')
        self.tmux("new-session", "-d", "-s", "t", "-x", str(size[0]), "-y", str(size[1]),
                  f"sh {script}", env=operator.env)

    def tmux(self, *words, **options):
        return subprocess.run([*self.server, *words], check=True, text=True, capture_output=True,
                              timeout=DEADLINE_S, **options).stdout

    def keys(self, *keys):
        self.tmux("send-keys", "-t", "t", *keys)

    def lines(self):
        return self.tmux("capture-pane", "-p", "-t", "t").split("\n")[:-1]

    def shows(self, text):
        return until(lambda: text in "\n".join(lines := self.lines()) and lines, text)

    def rows(self):
        return [line for line in self.lines()[2:-1] if line.strip()]


@pytest.fixture
def top(operator, folder):
    started = []

    def start(*words, **options):
        started.append(Screen(operator, folder, "--interval", "1", *words, **options))
        return started[-1]
    yield start
    for screen in started:
        subprocess.run([*screen.server, "kill-server"], check=False)


def test_top_shows_all_and_leaves_the_terminal_as_it_was(top):
    screen = top()
    lines = screen.shows("4 matched")
    assert "RATE" in lines[1] and "REMOTE" in lines[1] and len(screen.rows()) == 4
    screen.keys("q")
    assert screen.shows("ended with 0")[0] == "ended with 0"


def test_top_searches_by_text_address_and_port(top):
    screen = top()
    screen.shows("4 matched")
    screen.keys("/", "nginx", "Enter")
    assert "nginx" in screen.shows("1 matched")[2]
    screen.keys("/", *["BSpace"] * 5, "192.0.2.1", "Enter")
    screen.shows("2 matched")
    screen.keys("/", *["BSpace"] * 9, "81", "Enter")
    assert "ECONNREFUSED" in screen.shows("search 81")[2]
    screen.keys("/", *["BSpace"] * 2, "Enter")
    screen.shows("4 matched")


def test_top_sorts_by_the_key_that_is_asked_for(top):
    screen = top("--sort", "bytes")
    screen.shows("by bytes")
    assert "192.0.2.1:443" in screen.rows()[0]
    screen.keys("s", "s")
    screen.shows("by rtt")
    until(lambda: "nginx" in screen.rows()[0], "the longest round trip first")
    screen.keys("r")
    screen.shows("smallest first")
    until(lambda: "nginx" in screen.rows()[-1], "the longest round trip last")


def test_top_follows_the_size_of_the_terminal(top):
    screen = top()
    screen.shows("CONTAINER")
    screen.tmux("resize-window", "-t", "t", "-x", "70", "-y", "6")
    until(lambda: "CONTAINER" not in screen.lines()[1] and len(screen.lines()) == 6, "a small one")
    assert len(screen.rows()) == 3 and all(len(line) <= 70 for line in screen.lines())
    screen.tmux("resize-window", "-t", "t", "-x", "160", "-y", "20")
    screen.shows("CONTAINER")
    until(lambda: len(screen.rows()) == 4, "all rows")


def test_top_shows_a_connection_whole(top):
    screen = top("--state", "failed", size=(120, 40))
    screen.shows("1 matched")
    screen.keys("Enter")
    assert any(line.split() == ["error", "ECONNREFUSED"] for line in screen.shows("probe_instance"))
    screen.keys("x")
    screen.shows("1 matched")


def test_top_says_that_the_agent_is_gone_and_goes_on(top, operator):
    screen = top()
    screen.shows("4 matched")
    operator.agent.stop(signal.SIGKILL)
    screen.shows("core-agent is not running")
    screen.keys("q")
    screen.shows("ended with 3")


def test_top_works_in_other_terminal_types(top, operator):
    operator.env["TERM"] = "vt100"
    top().shows("4 matched")


def test_top_in_an_unknown_terminal_type_names_the_remedy(operator):
    out = on_terminal(operator, "top", env={"TERM": "no-such-terminal"})
    assert b"set TERM" in out
