# SPDX-License-Identifier: Apache-2.0
"""The agent's IPC API and variables: who may ask, what is answered, what is bounded."""
import io
import json
import os
import pathlib
import secrets
import signal
import socket
import ssl
import subprocess
import tarfile
import time

import pytest

from api_client import ApiAgent
import fake_probe
from fake_probe import connection, FakeProbe, proto
from harness import AGENT, run, until


@pytest.fixture
def start(workplace):
    started = []

    def start_agent(**options):
        started.append(ApiAgent(workplace, **options))
        return started[-1]

    yield start_agent
    for process in started:
        process.stop(signal.SIGKILL)


@pytest.fixture
def agent(fake, start):
    """Polls three connections: two open, one that failed."""
    fake.live = {
        1: connection(1, tgid=os.getpid(), comm="one", bytes_sent=5000),
        2: connection(2, tgid=os.getpid(), comm="two", bytes_sent=9000,
                      role=proto.ROLE_SERVER, local_port=80,
                      remote_address=bytes([192, 0, 2, 7]), remote_port=40000)}
    fake.live[3] = connection(3, comm="three", bytes_sent=0, bytes_received=0)
    fake.close(3, state=proto.STATE_FAILED, error=111)
    one = start(env={"DD_PROCESS_CONFIG_INTERVALS_CONNECTIONS": "1s"}).ready()
    until(lambda: one.get("/agent/connections")["matched"] == 3, "all three are known")
    return one


def polls(fake):
    return fake.n_requests("/v1/closed")


def assert_polls_go_on(fake):
    seen = polls(fake)
    until(lambda: polls(fake) >= seen + 5, "the probe is asked on", 5)


# Who may ask.

def test_without_a_token_the_answer_is_401_and_says_how(agent):
    answer = agent.request("/agent/version", headers={})
    assert answer.status == 401
    assert answer.headers["WWW-Authenticate"].startswith("Bearer")
    assert "auth-token file" in answer.json()["error"]


def test_another_scheme_than_bearer_is_401(agent):
    headers = {"Authorization": f"Basic {agent.token()}"}
    assert agent.request("/agent/version", headers=headers).status == 401


@pytest.mark.parametrize("token", [secrets.token_hex(32), "x", "x" * 5000],
                         ids=["of-another", "short", "long"])
def test_a_wrong_token_is_403(agent, token):
    headers = {"Authorization": f"Bearer {token}"}
    assert agent.request("/agent/version", headers=headers).status == 403


def test_unknown_paths_tell_nothing_without_a_token(agent):
    assert agent.request("/agent/nothing", headers={}).status == 401
    assert agent.request("/agent/nothing").status == 404


def test_another_method_is_405_with_the_one_allowed(agent):
    answer = agent.post("/agent/version")
    assert (answer.status, answer.headers["Allow"]) == (405, "GET")
    assert agent.request("/agent/stop").headers["Allow"] == "POST"


def test_the_kubelet_needs_no_token_for_the_two_forms_it_asks_for(agent):
    assert agent.request("/agent/status/health/live", headers={}).status == 200
    assert agent.request("/agent/status/health/ready", headers={}).status == 200
    assert agent.request("/agent/status/health", headers={}).status == 401


# TLS.

@pytest.mark.parametrize("host", ["localhost", "127.0.0.1"])
def test_curl_verifies_the_certificate(agent, host):
    out = run("curl", "-sS", "--noproxy", "*", "--cacert", agent.certificate, "-H",
              f"Authorization: Bearer {agent.token()}", f"https://{host}:{agent.port}/agent/version")
    assert json.loads(out)["version"]


def test_the_certificate_does_not_verify_for_another_name(agent):
    with pytest.raises(ssl.SSLCertVerificationError):
        agent.context().wrap_socket(agent.socket(), server_hostname="example.org")


def test_the_certificate_names_loopback_and_is_p256_and_private(agent):
    text = run("openssl", "x509", "-in", agent.certificate, "-noout", "-text")
    for expected in ("DNS:localhost", "IP Address:127.0.0.1", "IP Address:0:0:0:0:0:0:0:1",
                     "NIST CURVE: P-256", "CA:FALSE", "ecdsa-with-SHA256"):
        assert expected in text
    assert agent.certificate.stat().st_mode & 0o777 == 0o600


def test_the_certificate_is_made_once(fake, start):
    first = start().ready()
    before = first.certificate.read_bytes()
    first.stop()
    second = start().listening()
    assert second.request("/agent/version").status == 200
    assert second.certificate.read_bytes() == before


def write_certificate(path, days, subject="/CN=sysprobe core-agent/O=Sysprobe"):
    run("openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256",
        "-nodes", "-days", str(days), "-subj", subject, "-addext",
        "subjectAltName=DNS:localhost,IP:127.0.0.1,IP:::1", "-out", path, "-keyout", f"{path}.key")
    with open(path, "ab") as out, open(f"{path}.key", "rb") as key:
        out.write(key.read())
    os.chown(path, 65534, 65534)
    os.chmod(path, 0o600)


def days_left(path):
    end = run("openssl", "x509", "-in", path, "-noout", "-enddate").split("=")[1].strip()
    return (ssl.cert_time_to_seconds(end) - time.time()) / 86400


def test_a_certificate_is_made_anew_before_it_ends(workplace, fake, start):
    write_certificate(workplace / "ipc_cert.pem", 29)
    agent = start().ready()
    assert days_left(agent.certificate) > 300
    assert agent.request("/agent/version").status == 200


def test_a_certificate_that_somebody_else_made_is_used_and_warned_of(workplace, fake, start):
    write_certificate(workplace / "ipc_cert.pem", 20, "/CN=theirs")
    agent = start().ready()
    assert agent.request("/agent/version").status == 200
    assert days_left(agent.certificate) < 21
    assert "was not made here" in agent.log()


def test_a_certificate_that_others_may_read_is_refused_with_the_remedy(workplace, fake, start):
    write_certificate(workplace / "ipc_cert.pem", 300)
    (workplace / "ipc_cert.pem").chmod(0o644)
    agent = start()
    assert "chmod 0600" in agent.wait_log("cannot use the certificate")
    assert_polls_go_on(fake)


def handshake(agent, version):
    """Exit status of openssl's own client."""
    done = subprocess.run(["openssl", "s_client", "-connect", f"127.0.0.1:{agent.port}", "-brief",
                           "-cipher", "DEFAULT@SECLEVEL=0", version], capture_output=True,
                          stdin=subprocess.DEVNULL, check=False)
    return done.returncode


def test_tls_1_2_is_spoken_and_1_1_refused(agent):
    assert handshake(agent, "-tls1_2") == 0
    assert handshake(agent, "-tls1_1") != 0
    until(lambda: agent.figures()["server_tls_errors"]["ipc"] == 1, "the agent refused it")


def test_an_answer_waits_for_no_acknowledgement(agent):
    """The kernel delays one for 40 ms; small writes in a row would wait for it (Nagle)."""
    def took_s():
        start = time.monotonic()
        assert agent.request("/agent/version").status == 200
        return time.monotonic() - start
    until(lambda: took_s() < 0.035, "one takes less than that")


def test_plain_http_is_refused(agent, fake):
    with agent.socket() as plain:
        plain.sendall(b"GET /agent/version HTTP/1.1\r\nHost: localhost\r\n\r\n")
        try:
            received = plain.recv(4096)
        except ConnectionResetError:
            received = b""
    assert b"HTTP" not in received
    assert_polls_go_on(fake)


# Where it listens.

def test_a_port_in_use_is_an_error_that_names_the_remedy_and_stops_nothing(fake, start):
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        agent = start(env={"DD_CMD_PORT": str(port)})
        line = agent.wait_log("cannot listen")
        assert "ss -ltnp" in line and str(port) in line
        assert_polls_go_on(fake)


def test_port_0_is_off(fake, start):
    agent = start(env={"DD_CMD_PORT": "0", "DD_EXPVAR_PORT": "0"})
    assert_polls_go_on(fake)
    assert f"pid={agent.pid}," not in run("ss", "-Htlnp")
    assert not agent.certificate.exists()


def test_only_loopback_listens_and_another_address_is_warned_of(fake, start):
    agent = start().ready()
    assert "can be reached" not in agent.log()
    mine = [line for line in run("ss", "-Htlnp").splitlines() if f"pid={agent.pid}," in line]
    assert len(mine) == 2 and all("127.0.0.1:" in line for line in mine)
    agent.stop()
    agent = start(env={"DD_CMD_HOST": "0.0.0.0"}).listening()
    assert "set cmd_host to localhost" in agent.wait_log("can be reached from other hosts")


def test_the_certificate_names_the_address_that_cmd_host_gives(fake, start):
    start().ready().stop()
    agent = start(env={"DD_CMD_HOST": "127.0.0.9"}).listening()
    names = run("openssl", "x509", "-in", agent.certificate, "-noout", "-ext", "subjectAltName")
    assert "IP Address:127.0.0.9" in names


# What is answered.

def test_health_is_unready_while_the_probe_is_away(workplace, start):
    agent = start()
    agent.wait_log("system-probe is not running")
    answer = agent.request("/agent/status/health")
    assert answer.status == 503
    assert answer.json()["components"]["probe"]["problem"] == "not_running"
    assert agent.request("/agent/status/health/live", headers={}).status == 200
    with FakeProbe(workplace / "sysprobe.sock") as fake:
        until(agent.is_ready, "ready when the probe is there")
        fake.faults["*"] = fake_probe.truncated(1)
        until(lambda: not agent.is_ready(), "unready when it fails")
        del fake.faults["*"]
        until(agent.is_ready, "ready when it is back")


def test_connections_have_totals_and_the_fields_of_the_record(agent):
    found = agent.get("/agent/connections?pid=%d&sort=bytes" % os.getpid())
    assert [c["comm"] for c in found["connections"]] == ["two", "one"]
    two = found["connections"][0]
    assert (two["bytes_sent"], two["remote_ip"], two["local_port"]) == (9000, "192.0.2.7", 80)
    assert two["user"] == "root"
    own = pathlib.Path("/proc/self/cmdline").read_text().split("\0")
    assert two["cmdline"].startswith(" ".join(own[:2]))
    assert (found["open"], found["ended"]) == (2, 1)


@pytest.mark.parametrize("query, ids", [
    ("state=open", {1, 2}), ("state=failed", {3}), ("state=failed,open", {1, 2, 3}),
    ("state=closed", set()), ("error=ECONNREFUSED", {3}), ("error=any", {3}),
    ("remote=192.0.2.0/24", {2}), ("remote=192.0.2.7", {2}), ("remote=192.0.3.0/24", set()),
    ("port=80", {2}), ("remote_port=443", {1, 3}), ("local_port=80", {2}),
    ("comm=one", {1}), ("search=thr", {3}), ("role=server", {2}), ("proto=udp", set()),
    ("family=ipv4", {1, 2, 3}), ("remote=::/0", set()), ("remote=0.0.0.0/0", {1, 2, 3}),
    ("netns=4026531840", {1, 2, 3}), ("container=cc", set()), ("service=nginx", set()),
    ("env=prod", set()),
])
def test_filters(agent, query, ids):
    assert {c["id"] for c in agent.get(f"/agent/connections?{query}")["connections"]} == ids


@pytest.mark.parametrize("query", [
    "colour=red", "state=ajar", "port=0", "port=65536", "port=80x", "pid=-1", "limit=0",
    "limit=2000000", "limit=", "sort=colour", "order=up", "fields=", "fields=comm,colour",
    "remote=10.0.0.0/33", "remote=nowhere", "error=EFUN", "format=xml", "comm=%zz", "comm=%00",
    "comm=" + "x" * 300])
def test_a_bad_query_is_400_and_named(agent, query):
    answer = agent.request(f"/agent/connections?{query}")
    assert answer.status == 400
    assert answer.json()["error"]


def test_limit_order_and_fields(agent):
    found = agent.get("/agent/connections?limit=1&order=asc&sort=bytes_sent&fields=id,comm")
    assert found["connections"] == [{"id": 3, "comm": "three"}]
    assert (found["matched"], found["shown"]) == (3, 1)


def test_json_lines_are_the_items_alone(agent):
    lines = agent.request("/agent/connections?format=jsonl&sort=bytes_sent").lines()
    assert [line["id"] for line in lines] == [2, 1, 3]


def test_topology_adds_up_by_process_and_remote(fake, agent):
    with fake.lock:
        fake.live[4] = connection(4, tgid=os.getpid(), comm="one", remote_port=443, local_port=9,
                                  remote_address=fake.live[1].remote_address, bytes_sent=70)
    until(lambda: agent.get("/agent/connections")["matched"] == 4, "the fourth is known")
    edges = agent.get(f"/agent/topology?pid={os.getpid()}")["edges"]
    assert [(e["role"], e["port"], e["bytes_sent"], e["connections"]["open"]) for e in edges] == [
        ("server", 80, 9000, 1), ("client", 443, 5070, 2)]
    assert all(e["local"]["pid"] == os.getpid() for e in edges)


def test_processes_and_containers_are_sums(agent):
    sums = agent.get("/agent/processes")["processes"]
    assert [(s["pid"], s["bytes_sent"], s["connections"]["open"]) for s in sums] == [
        (os.getpid(), 14000, 2)]
    assert agent.get("/agent/containers")["containers"] == []


def test_a_big_answer_comes_whole_and_by_pieces(fake, start):
    fake.live = {i: connection(i) for i in range(1, 20001)}
    agent = start().ready()
    until(lambda: agent.get("/agent/connections?limit=1")["open"] == 20000, "all are known")
    answer = agent.request("/agent/connections?limit=100000")
    assert answer.headers["Transfer-Encoding"] == "chunked"
    assert {c["id"] for c in answer.json()["connections"]} == set(range(1, 20001))


def test_status_in_words_and_in_json(agent):
    status = agent.get("/agent/status")
    assert status["pid"] == agent.pid and status["probe"]["tier"] == "fake"
    text = agent.request("/agent/status?format=text").body.decode()
    assert "is_connected: yes" in text and f"pid: {agent.pid}" in text


def test_variables_count_in_both_formats(agent):
    figures = agent.figures()
    assert figures["recent_open"] == 2 and figures["resident_bytes"] > 1 << 20
    metrics = agent.variables("/metrics").body.decode()
    assert "sysprobe_agent_recent_open 2\n" in metrics
    assert 'sysprobe_agent_exporter_connections_total{exporter="local"}' in metrics
    until(lambda: "sysprobe_requests_total 7\n" in agent.variables("/metrics").body.decode(),
          "the probe's own counters are there")
    assert agent.variables("/debug/vars").json()["probe"]["counters"] == {"requests": 7}
    assert agent.variables("/agent/config").status == 404


# Secrets.

SECRETS = {"DD_API_KEY": "0123456789abcdef0123456789abcdef",
           "DD_PROCESS_CONFIG_PROCESS_DD_URL": "https://user:hunter2hunter2@example.org"}


def test_no_secret_leaves_through_any_route(fake, start):
    agent = start(env=SECRETS).ready()
    config = agent.get("/agent/config")
    assert config["api_key"] == "********"
    assert config["process_config.process_dd_url"] == "https://********@example.org"
    secret_texts = [SECRETS["DD_API_KEY"], "hunter2hunter2", agent.token()]
    paths = [r["path"] for r in agent.get("/agent")["routes"]
             if r["method"] == "GET" and "{" not in r["path"]]
    paths += [f"/agent/config/{key}" for key in config] + ["/agent/status?format=text"]
    for path in paths:
        answer = until(lambda: (a := agent.request(path)).status != 429 and a, "the rate allows it")
        body = answer.body.decode()
        assert not [s for s in secret_texts if s in body], path


# Changes at run time.

def test_the_poll_interval_changes_at_once(fake, start):
    agent = start(env={"DD_PROCESS_CONFIG_INTERVALS_CONNECTIONS": "1h"}).ready()
    until(lambda: fake.n_requests("/v1/connections") == 1, "the first poll")
    answer = agent.post("/agent/config/process_config.intervals.connections", {"value": "1s"})
    assert answer.json()["value"] == "1s"
    until(lambda: fake.n_requests("/v1/connections") >= 3, "polls come each second")


def test_exporters_are_switched_on_and_off(fake, start, workplace):
    fake.live = {1: connection(1)}
    agent = start(env={"DD_PROCESS_CONFIG_INTERVALS_CONNECTIONS": "1s"}).ready()
    lines = workplace / "lines.jsonl"
    assert agent.post("/agent/config/exporters", {"value": ["local", "jsonl"]}).status == 200
    until(lambda: lines.exists() and lines.read_text(), "lines are written")
    assert agent.post("/agent/config/exporters", {"value": "local"}).json()["value"] == ["local"]
    until(lambda: "jsonl" not in agent.get("/agent/status")["exporters"], "it is gone")


@pytest.mark.parametrize("key, value, status", [
    ("log_level", "loud", 400), ("log_level", None, 400), ("log_level", {"a": 1}, 400),
    ("exporters", ["kafka"], 400), ("exporters", ["local,jsonl"], 400), ("cmd_port", 5, 400),
    ("nothing", 1, 404),
    ("process_config.intervals.connections", "1ms", 400)])
def test_a_change_that_cannot_be_is_refused_and_changes_nothing(agent, key, value, status):
    before = agent.get("/agent/config")
    answer = agent.post(f"/agent/config/{key}", {"value": value})
    assert answer.status == status and answer.json()["error"]
    assert agent.get("/agent/config") == before


@pytest.mark.parametrize("body", ["", "{", "[]", '{"value": 1, "more": 2}', "x" * 70000])
def test_a_malformed_body_is_refused(agent, body):
    assert agent.request("/agent/config/log_level", "POST", body).status in (400, 413)


@pytest.mark.parametrize("how", ["api", "signal"])
def test_reload_changes_what_may_and_names_the_rest(fake, start, how):
    agent = start(settings="log_level: info\nsite: one.example\n").ready()
    agent.settings_file.write_text("log_level: debug\nsite: two.example\n")
    if how == "api":
        answer = agent.post("/agent/reload").json()
        assert answer == {"changed": ["log_level"], "want_restart": ["site"]}
    else:
        os.kill(agent.pid, signal.SIGHUP)
    assert "key=site" in agent.wait_log("with a restart only")
    agent.wait_log("settings read anew")
    assert agent.get("/agent/config/log_level")["value"] == "debug"
    assert agent.get("/agent/config/site")["value"] == "one.example"


def test_a_bad_file_changes_nothing_and_says_why(fake, start):
    agent = start(settings="log_level: warn\n")
    until(agent.is_listening, "it serves")  # at this level it does not say so
    agent.settings_file.write_text("log_level: debug\nlog_levle: info\n")
    answer = agent.post("/agent/reload")
    assert answer.status == 400
    assert ":2: log_levle: unknown key" in answer.json()["error"]
    assert agent.get("/agent/config/log_level")["value"] == "warn"


def test_stop_ends_the_agent_in_order(agent):
    assert agent.post("/agent/stop").json() == {"stopping": True}
    assert agent.wait() == 0


def test_log_lines_are_streamed(agent):
    client = agent.client()
    client.request("POST", "/agent/stream-logs",
                   headers={"Authorization": f"Bearer {agent.token()}"})
    stream = client.getresponse()
    agent.post("/agent/config/log_level", {"value": "debug"})
    assert b"a setting was changed key=log_level value=debug" in stream.readline()
    client.close()
    until(lambda: agent.figures()["server_clients"]["ipc"] == 0, "the stream has ended")


# Diagnosis and flare.

def children(agent):
    with open(f"/proc/{agent.pid}/task/{agent.pid}/children") as pids:
        return pids.read().split()


def begin(agent, method, path):
    client = agent.client()
    client.request(method, path, headers={"Authorization": f"Bearer {agent.token()}"})
    return client, client.getresponse()


def test_diagnosis_is_that_of_the_command(agent):
    answer = agent.request("/agent/diagnose")
    assert answer.headers["Content-Type"] == "application/x-ndjson"
    findings = {f["check"]: f for f in answer.lines()}
    by_hand = subprocess.run([AGENT, "diagnose", "--json", "--config", agent.settings_file],
                             env={**os.environ, **agent.settings}, capture_output=True, text=True,
                             check=False)
    assert list(findings) == [json.loads(line)["check"] for line in by_hand.stdout.splitlines()]
    for check in ("settings", "agent", "socket", "token", "mounts"):
        assert findings[check]["result"] == "pass", findings[check]
    assert children(agent) == []


def test_diagnosis_tells_what_is_wrong_with_the_file_as_it_is_now(agent):
    agent.settings_file.write_text("log_levle: info\n")
    findings = {f["check"]: f for f in agent.request("/agent/diagnose").lines()}
    assert findings["settings"]["result"] == "fail"
    assert "log_levle" in findings["settings"]["text"]


def test_agent_does_not_judge_the_capabilities_that_it_gave_up(start):
    agent = start().listening()
    findings = {f["check"]: f for f in agent.request("/agent/diagnose").lines()}
    assert findings["socket"]["result"] == "fail"
    assert findings["capabilities"]["result"] == "warning"
    assert "as root" in findings["capabilities"]["remedy"]


@pytest.fixture
def slow(fake, start):
    """Its diagnosis waits two seconds for a time server that says nothing."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as silent:
        silent.bind(("127.0.0.1", 0))
        yield start(env={
            "DD_SYSPROBE_NTP_SERVER": f"127.0.0.1:{silent.getsockname()[1]}"}).ready()


def test_polling_goes_on_while_a_check_waits_and_a_second_one_is_503(slow, fake):
    client, answer = begin(slow, "GET", "/agent/diagnose")
    assert json.loads(answer.readline())["check"] == "settings"
    assert_polls_go_on(fake)
    second = slow.post("/agent/flare")
    assert second.status == 503 and second.headers["Retry-After"] == "5", second.body
    assert slow.figures()["api_commands_refused"] == 1
    assert [json.loads(line)["check"] for line in answer][-1] == "clock"
    client.close()
    assert slow.request("/agent/diagnose").status == 200


def test_diagnosis_ends_with_its_client(slow):
    client, answer = begin(slow, "GET", "/agent/diagnose")
    answer.readline()
    assert len(children(slow)) == 1
    answer.close()
    client.close()
    until(lambda: children(slow) == [], "the child is gone", 1.5)


def test_flare_is_a_scrubbed_archive(fake, start):
    agent = start(env=SECRETS).ready()
    answer = agent.post("/agent/flare")
    assert "filename=" in answer.headers["Content-Disposition"]
    with tarfile.open(fileobj=io.BytesIO(answer.body)) as archive:
        texts = {m.name.split("/")[1]: archive.extractfile(m).read().decode() for m in archive}
    assert {"status.json", "config.json", "core-agent.log", "diagnose.jsonl"} <= set(texts)
    assert json.loads(texts["config.json"])["api_key"] == "********"
    for secret in (SECRETS["DD_API_KEY"], "hunter2hunter2", agent.token()):
        assert secret.encode() not in answer.body


# What is bounded.

def test_every_setting_of_the_list_can_be_set(agent):
    for key, row in agent.get("/agent/config/list-runtime").items():
        answer = agent.post(f"/agent/config/{key}", {"value": row["value"]})
        assert answer.status == 200, (key, answer.body)
        assert answer.json()["value"] == row["value"]
