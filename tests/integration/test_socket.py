# SPDX-License-Identifier: Apache-2.0
"""The probe's socket: who may ask, what is answered, and what no client can break."""

import grp
import http.client
import json
import os
import re
import resource
import secrets
import signal
import socket
import stat

import pytest

import harness
from harness import Probe, Stream, UnixConnection, until

NOBODY = 65534
GROUP = "daemon"  # exists on every distribution, and the tests' users are not in it
GID = grp.getgrnam(GROUP).gr_gid
MAX_STREAMS = 4
N_HELD = 3000
MAX_CLIENTS = 256


def ask(probe, path="/v1/status", token=None, method="GET", body=None):
    """The whole response, with its headers and `text`; by default with the right token."""
    connection = UnixConnection(probe.socket)
    authorization = {} if token == "" else {"Authorization": token or f"Bearer {probe.token}"}
    connection.request(method, path, body=body, headers=authorization)
    response = connection.getresponse()
    response.text = response.read().decode()
    connection.close()
    return response


def raw(probe):
    connection = socket.socket(socket.AF_UNIX)
    connection.settimeout(harness.DEADLINE_S)
    connection.connect(str(probe.socket))
    return connection


def request_bytes(probe, path):
    return (f"GET {path} HTTP/1.1\r\nHost: sysprobe\r\n"
            f"Authorization: Bearer {probe.token}\r\n\r\n").encode()


def read_to_end(connection):
    """What comes until the other side closes, however it does."""
    received = b""
    try:
        while data := connection.recv(1 << 16):
            received += data
    except ConnectionResetError:
        pass
    return received


def counter(probe, name):
    return probe.status()["counters"][name]


# What a process of another user does: prints the HTTP code, or the errno's name.
CLIENT = """
import errno, http.client, socket, sys
connection = http.client.HTTPConnection("sysprobe", timeout=20)
connection.sock = socket.socket(socket.AF_UNIX)
try:
    connection.sock.connect(sys.argv[1])
    connection.request("GET", "/v1/status", headers={"Authorization": "Bearer " + sys.argv[2]})
    print(connection.getresponse().status)
except OSError as error:
    print(errno.errorcode[error.errno])
"""


def ask_as(probe, uid, gid, groups=()):
    groups_option = f"--groups={','.join(map(str, groups))}" if groups else "--clear-groups"
    return harness.run("setpriv", f"--reuid={uid}", f"--regid={gid}", groups_option,
                       "/usr/bin/python3", "-c", CLIENT, str(probe.socket), probe.token).strip()


@pytest.fixture
def group_probe(folder):
    process = Probe(folder, env={"DD_SYSPROBE_SOCKET_GROUP": GROUP}).ready()
    yield process
    process.stop()


@pytest.fixture
def held(namespace, peers):
    """Loopback connections, 3,000 with both ends to see: far more than a socket buffer holds."""
    return peers(namespace, "hold_connections.py", N_HELD)


def failed(folder, **options):
    """A probe that ended because it could not listen."""
    probe = Probe(folder, **options)
    try:
        assert probe.wait() == 1
    finally:
        probe.popen.kill()  # one that serves after all must not outlive its test
    return probe


# The file

def test_socket_is_for_its_owner_and_group_alone(group_probe):
    status = group_probe.socket.stat()
    assert stat.S_ISSOCK(status.st_mode)
    assert stat.S_IMODE(status.st_mode) == 0o660
    assert (status.st_uid, status.st_gid) == (0, GID)


def test_stale_socket_is_replaced(folder):
    stale = socket.socket(socket.AF_UNIX)
    stale.bind(str(folder / "sysprobe.sock"))
    stale.close()
    probe = Probe(folder).ready()
    assert ask(probe).status == 200
    probe.wait_log("replacing a socket that nobody answers on")
    assert probe.stop() == 0


@pytest.mark.parametrize("make", [
    lambda path: path.write_text("precious"),
    lambda path: path.mkdir(),
    lambda path: path.symlink_to("elsewhere"),
    os.mkfifo,
], ids=["file", "folder", "symlink", "fifo"])
def test_path_that_is_no_socket_is_left_alone(folder, make):
    path = folder / "sysprobe.sock"
    make(path)
    before = path.lstat()
    probe = failed(folder)
    line = probe.wait_log("cannot listen")
    assert f"path={path}" in line and "move it away" in line
    assert path.lstat() == before


def test_answering_socket_of_another_kind_is_left_alone(folder):
    path = folder / "sysprobe.sock"
    with socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET) as other:
        other.bind(str(path))
        other.listen()
        before = path.lstat()
        failed(folder).wait_log("cannot listen")
        assert path.lstat().st_ino == before.st_ino


def test_second_probe_gives_way_and_the_first_is_unharmed(folder, probe):
    line = failed(folder, has_token=False).wait_log("cannot listen")
    assert "a probe already runs there" in line
    assert ask(probe).status == 200


def test_sigterm_removes_the_socket_and_exits_with_0(folder):
    probe = Probe(folder).ready()
    assert probe.stop(signal.SIGTERM) == 0
    assert not probe.socket.exists()


def test_sigterm_ends_the_probe_with_a_stream_under_way(folder, held):
    probe = Probe(folder).ready()
    with raw(probe) as client:
        client.sendall(request_bytes(probe, "/v1/connections"))
        assert client.recv(1)
        assert probe.stop(signal.SIGTERM) == 0
    assert not probe.socket.exists()


# The token

@pytest.mark.parametrize("authorization, code", [
    ("", 401),
    ("Bearer", 401),
    ("Basic cm9vdDpyb290", 401),
    ("Token {token}", 401),
    ("{token}", 401),
    ("Bearer {wrong}", 403),
    ("Bearer {token}0", 403),
    ("Bearer {shorter}", 403),
    ("Bearer {token}", 200),
], ids=["none", "scheme-alone", "basic", "other-scheme", "no-scheme", "wrong", "longer", "shorter",
        "right"])
def test_token_decides(probe, authorization, code):
    text = authorization.format(token=probe.token, wrong=secrets.token_hex(32),
                                shorter=probe.token[:-1])
    response = ask(probe, token=text)
    assert response.status == code
    assert (response.getheader("WWW-Authenticate") is not None) == (code == 401)


def test_refused_requests_are_counted_and_get_no_data(probe):
    response = ask(probe, "/v1/connections", token="Bearer " + secrets.token_hex(32))
    assert (response.status, response.getheader("Content-Type")) == (403, "text/plain")
    assert "auth-token" in response.text
    assert counter(probe, "requests_unauthorized") == 1


def test_missing_token_file_is_503_until_it_appears(folder):
    probe = Probe(folder, has_token=False).ready()
    try:
        response = ask(probe)
        assert response.status == 503
        assert "is core-agent running" in response.text and "auth_token_file_path" in response.text
        probe.write_token(probe.token)
        assert ask(probe).status == 200
        probe.token_file.unlink()
        assert ask(probe).status == 503
    finally:
        probe.stop()


@pytest.mark.parametrize("content, mode, remedy", [
    ("short", 0o640, "32 to 256"),
    ("a" * 64, 0o666, "chmod 0640"),
], ids=["short", "world-writable"])
def test_unusable_token_file_is_503_and_one_line_with_the_remedy(folder, content, mode, remedy):
    probe = Probe(folder, has_token=False)
    probe.token_file.write_text(content)
    probe.token_file.chmod(mode)
    probe.ready()
    try:
        assert [ask(probe).status, ask(probe).status] == [503, 503]
    finally:
        probe.stop()
    line, = [l for l in probe.log().splitlines() if "auth-token file" in l and " warn " in l]
    assert remedy in line and f"path={probe.token_file}" in line


def test_token_file_of_a_foreign_group_names_the_group_to_give_it(folder):
    probe = Probe(folder)
    os.chown(probe.token_file, NOBODY, NOBODY)
    probe.ready()
    try:
        assert ask(probe).status == 503
        assert "sysprobe.socket_group" in probe.wait_log("cannot use the auth-token file")
    finally:
        probe.stop()


def test_changed_token_is_picked_up(probe):
    old = probe.token
    assert ask(probe).status == 200
    probe.write_token(secrets.token_hex(32))
    assert ask(probe, token=f"Bearer {old}").status == 403
    assert ask(probe).status == 200


def test_token_counts_for_each_request_of_a_connection(probe):
    connection = UnixConnection(probe.socket)
    codes = []
    for token in (probe.token, secrets.token_hex(32), probe.token):
        connection.request("GET", "/v1/status", headers={"Authorization": f"Bearer {token}"})
        response = connection.getresponse()
        response.read()
        codes.append(response.status)
    connection.close()
    assert codes == [200, 403, 200]


# The peer

def test_other_user_cannot_open_the_socket(group_probe):
    assert ask_as(group_probe, NOBODY, NOBODY) == "EACCES"


def test_other_user_is_refused_with_the_right_token_on_an_open_socket(group_probe):
    group_probe.socket.chmod(0o666)
    assert ask_as(group_probe, NOBODY, NOBODY) == "403"
    assert counter(group_probe, "requests_refused_peers") == 1
    assert counter(group_probe, "requests_unauthorized") == 0


@pytest.mark.parametrize("gid, groups", [(GID, ()), (NOBODY, (GID,)), (NOBODY, (12345, GID))],
                         ids=["own-group", "supplementary", "among-others"])
def test_member_of_the_group_is_allowed(group_probe, gid, groups):
    assert ask_as(group_probe, NOBODY, gid, groups) == "200"


def test_group_is_a_setting_of_the_file_too(folder):
    config = folder / "system-probe.yaml"
    config.write_text(f"sysprobe:\n  socket_group: {GROUP}\n")
    probe = Probe(folder, arguments=("--config", config)).ready()
    try:
        assert ask_as(probe, NOBODY, NOBODY, (GID,)) == "200"
    finally:
        probe.stop()


def test_owner_of_the_token_file_is_allowed(group_probe):
    os.chown(group_probe.token_file, NOBODY, GID)
    group_probe.socket.chmod(0o666)
    assert ask_as(group_probe, NOBODY, NOBODY) == "200"


def test_missing_group_is_one_line_and_root_may_ask(folder):
    probe = Probe(folder, env={"DD_SYSPROBE_SOCKET_GROUP": "no-such-group"}).ready()
    try:
        assert ask(probe).status == 200
        assert len([l for l in probe.log().splitlines() if "no-such-group" in l]) == 1
    finally:
        probe.stop()


# The routes

def test_unknown_path_is_404(probe):
    for path in ("/", "/v1", "/v1/status/", "/v2/connections", "/../etc/passwd", "/%2e%2e/x"):
        assert ask(probe, path).status == 404


@pytest.mark.parametrize("query", ["from=", "from=-1", "from=x", "from=1x", "to=5", "from=1&from=2",
                                   "from=18446744073709551616"])
def test_bad_query_is_400(probe, query):
    response = ask(probe, f"/v1/closed?{query}")
    assert (response.status, response.text) == (400, "the only query is from=NUMBER\n")


@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE", "HEAD", "OPTIONS", "BREW"])
def test_methods_other_than_get_are_refused(probe, method):
    assert ask(probe, method=method).status in (400, 405, 501)
    assert ask(probe).status == 200


def test_body_is_refused(probe):
    response = ask(probe, method="GET", body=b"x" * 1024)
    assert response.status in (400, 413)
    assert ask(probe).status == 200


@pytest.mark.parametrize("path, content_type", [
    ("/v1/connections", "application/x-protobuf"), ("/v1/closed", "application/x-protobuf"),
    ("/v1/processes", "application/x-protobuf"), ("/v1/status", "application/json"),
    ("/metrics", "text/plain; version=0.0.4"), ("/nothing", "text/plain"),
    ("/v1/closed?x", "text/plain")])
def test_each_answer_has_one_content_type(probe, path, content_type):
    connection = UnixConnection(probe.socket)
    connection.request("GET", path, headers={"Authorization": f"Bearer {probe.token}"})
    response = connection.getresponse()
    assert response.headers.get_all("Content-Type") == [content_type]
    response.read()
    connection.close()


def test_status_is_json_with_tier_hooks_and_counters(probe):
    status = json.loads(ask(probe).text)
    assert status["tier"] in ("tracepoint", "trampoline")
    assert {h["hook"] for h in status["hooks"]} >= {"tcp", "udp", "exec", "exit"}
    assert all(isinstance(v, int) and v >= 0 for v in status["counters"].values())


# Prometheus text format 0.0.4: https://prometheus.io/docs/instrumenting/exposition_formats/

NAME = r"[a-zA-Z_:][a-zA-Z0-9_:]*"
LABEL = r'[a-zA-Z_][a-zA-Z0-9_]*="(?:[^"\\\n]|\\[\\n"])*"'
SAMPLE = re.compile(rf"({NAME})(?:\{{({LABEL}(?:,{LABEL})*)\}})? (\d+(?:\.\d+)?)")


def parse_prometheus(text):
    """{(name, labels): value}. Strict: help, type, then the samples of that one name."""
    assert text.endswith("\n")
    samples, types, current = {}, {}, None
    lines = iter(text[:-1].split("\n"))
    for line in lines:
        if line.startswith("# HELP "):
            current = re.fullmatch(rf"# HELP ({NAME}) \S.*", line)[1]
            assert current not in types, f"{current} twice"
            types[current] = re.fullmatch(rf"# TYPE {current} (counter|gauge)", next(lines))[1]
            assert current.endswith("_total") == (types[current] == "counter"), current
            continue
        match = SAMPLE.fullmatch(line)
        assert match, f"no sample: {line!r}"
        assert match[1] == current, f"{match[1]} below {current}"
        assert (match[1], match[2]) not in samples, f"{line!r} twice"
        samples[match[1], match[2]] = float(match[3])
    assert {name for name, _ in samples} == set(types), "a metric without samples"
    return samples


@pytest.mark.parametrize("broken", [
    "x 1", "x 1\n", "# HELP x a\n# TYPE x gauge\ny 1\n", "# HELP x a\n# TYPE x gauge\nx one\n",
    "# HELP x a\n# TYPE x gauge\nx 1\nx 1\n", "# HELP x a\n# TYPE x gauge\nx{a=b} 1\n",
    "# HELP x a\n# TYPE x counter\nx 1\n", "# HELP x a\n# TYPE x gauge\n"])
def test_parser_of_this_test_is_strict(broken):
    with pytest.raises((AssertionError, TypeError)):
        parse_prometheus(broken)


def test_metrics_are_prometheus_text_and_agree_with_status(probe):
    counters = probe.status()["counters"]
    samples = parse_prometheus(ask(probe, "/metrics").text)
    names = {name for name, _ in samples}
    for name in counters:
        assert f"sysprobe_{name}_total" in names or f"sysprobe_{name}" in names
    assert samples["sysprobe_requests_total", None] == counters["requests"] + 1
    tier = probe.status()["tier"]
    assert any(name == "sysprobe_info" and f'tier="{tier}"' in labels for name, labels in samples)


# Streams

def test_batches_of_a_snapshot_have_at_most_1000_records(probe, held, namespace):
    stream = probe.snapshot()
    mine = [c for c in stream.connections if c.netns == namespace.inode]
    assert len(mine) == 2 * N_HELD
    assert len({c.id for c in mine}) == len(mine)
    assert 204 < stream.largest_batch <= 1000
    assert stream.trailer.n_records == stream.n_records


def test_closed_from_n_yields_exactly_the_records_from_n_on(probe, held, namespace):
    held.do("close")
    probe.wait_closed(lambda c: c.netns == namespace.inode, "closed")
    until(lambda: not [c for c in probe.snapshot().connections if c.netns == namespace.inode],
          "all closed")
    whole = probe.closed()
    end = whole.trailer.next_sequence
    assert whole.largest_batch == 1000
    for start in (1, 2, 999, 1000, 1001, end - 1):
        stream = probe.closed(start)
        assert [c.sequence for c in stream.connections][:end - start] == list(range(start, end))
        assert stream.trailer.n_records == stream.n_records
        assert stream.trailer.next_sequence >= end


def test_closed_from_beyond_the_end_is_empty_and_says_where_to_go_on(probe):
    stream = probe.closed(10**15)
    assert len(stream.connections) == 0
    assert stream.trailer.next_sequence < 10**15


def start_stream(probe):
    client = raw(probe)
    client.sendall(request_bytes(probe, "/v1/connections"))
    assert client.recv(12) == b"HTTP/1.1 200"
    return client


def test_client_that_leaves_in_the_middle_is_counted_and_harms_nobody(probe, held):
    with start_stream(probe):
        pass
    until(lambda: counter(probe, "streams_cut") == 1, "the cut stream is counted")
    assert len(probe.snapshot().connections) >= 2 * N_HELD
    assert counter(probe, "streams_cut") == 1


def test_stream_beyond_the_maximum_is_refused_until_one_ends(probe, held):
    clients = [start_stream(probe) for _ in range(MAX_STREAMS)]
    response = ask(probe, "/v1/connections")
    assert (response.status, response.text) == (503, "too many snapshots at once\n")
    assert response.headers.get_all("Content-Type") == ["text/plain"]
    assert ask(probe, "/v1/status").status == 200
    clients[0].close()
    until(lambda: counter(probe, "streams_cut") == 1, "one has ended")
    assert len(probe.snapshot().connections) >= 2 * N_HELD
    for client in clients:
        client.close()


def test_stream_of_a_slow_reader_is_whole(probe, held):
    connection = UnixConnection(probe.socket)
    connection.request("GET", "/v1/connections",
                       headers={"Authorization": f"Bearer {probe.token}"})
    response = connection.getresponse()
    body = response.read(1)
    assert ask(probe).status == 200  # served in between
    body += response.read()
    connection.close()
    stream = Stream(body)
    assert stream.trailer.n_records == stream.n_records >= 2 * N_HELD


# Clients that do not speak HTTP

def test_garbage_is_refused_and_the_next_request_works(probe):
    for garbage in (b"\0" * 4096, os.urandom(4096), b"\r\n" * 2048, b"GET\r\n\r\n",
                    b"GET / HTTP/9.9\r\n\r\n", b"\x16\x03\x01\x02\0\x01\0\x01\xfc\x03\x03\n"):
        with raw(probe) as client:
            client.sendall(garbage)
            client.shutdown(socket.SHUT_WR)
            assert b" 200 " not in read_to_end(client)
        assert ask(probe).status == 200


@pytest.mark.parametrize("unit", [b"X-Filler: " + b"y" * 1000 + b"\r\n", b"z" * 1000],
                         ids=["many-headers", "one-header"])
def test_a_mebibyte_of_headers_is_cut_off(probe, unit):
    with raw(probe) as client:
        client.sendall(b"GET /v1/status HTTP/1.1\r\nHost: x\r\nA: ")
        sent = 0
        try:
            while sent < 1 << 20:
                sent += client.send(unit)
        except (BrokenPipeError, ConnectionResetError):
            pass
        assert b" 200 " not in read_to_end(client)
    assert sent < 1 << 20
    assert ask(probe).status == 200


def test_request_byte_by_byte_is_answered(probe):
    with raw(probe) as client:
        for byte in request_bytes(probe, "/v1/status"):
            client.sendall(bytes([byte]))
        response = http.client.HTTPResponse(client)
        response.begin()
        assert response.status == 200
        assert json.loads(response.read())["tier"]


def test_unfinished_request_delays_nobody_and_is_given_up(probe):
    with raw(probe) as client:
        for byte in request_bytes(probe, "/v1/status")[:-2]:
            client.sendall(bytes([byte]))
        for _ in range(10):
            assert ask(probe).status == 200
        assert b" 200 " not in read_to_end(client)  # within DEADLINE_S the probe hangs up


def test_connections_without_requests_harm_nobody(probe):
    idle = [raw(probe) for _ in range(100)]
    assert ask(probe).status == 200
    for client in idle:
        client.close()
    assert ask(probe).status == 200


def n_descriptors(probe):
    return len(os.listdir(f"/proc/{probe.pid}/fd"))


@pytest.fixture
def idle(probe):
    """Connects so many clients that ask nothing; they have been accepted when it returns."""
    clients = []

    def connect(n):
        for _ in range(0, n, 64):  # the backlog has room for no more than 128
            clients.extend(raw(probe) for _ in range(64))
            assert ask(probe).status == 200
        return clients

    yield connect
    for client in clients:
        client.close()


def test_idle_connections_give_way_to_new_ones(probe, idle):
    before = n_descriptors(probe)
    clients = idle(2 * MAX_CLIENTS)
    assert n_descriptors(probe) <= before + MAX_CLIENTS
    assert counter(probe, "clients_evicted") >= MAX_CLIENTS
    assert read_to_end(clients[0]) == b""
    clients[-1].sendall(request_bytes(probe, "/nothing"))
    assert clients[-1].recv(12) == b"HTTP/1.1 404"


def test_client_that_shows_the_token_outlasts_older_ones(probe, idle):
    first = UnixConnection(probe.socket)
    headers = {"Authorization": f"Bearer {probe.token}"}
    for _ in range(4):
        idle(MAX_CLIENTS // 2)
        first.request("GET", "/v1/status", headers=headers)
        counters = json.loads(first.getresponse().read())["counters"]
    assert counters["clients_evicted"] > 0
    first.close()


def test_stream_is_not_cut_for_idle_connections(probe, held, idle):
    connection = UnixConnection(probe.socket)
    connection.request("GET", "/v1/connections",
                       headers={"Authorization": f"Bearer {probe.token}"})
    response = connection.getresponse()
    body = response.read(1)
    idle(2 * MAX_CLIENTS)
    stream = Stream(body + response.read())
    connection.close()
    assert stream.trailer.n_records == stream.n_records >= 2 * N_HELD


def test_want_of_descriptors_is_told_once_and_waited_out(probe):
    known = UnixConnection(probe.socket)

    def take_turns(n):
        for _ in range(n):
            known.request("GET", "/v1/status")
            assert known.getresponse().read()

    take_turns(1)
    limits = resource.prlimit(probe.pid, resource.RLIMIT_NOFILE)
    resource.prlimit(probe.pid, resource.RLIMIT_NOFILE, (3, limits[1]))
    with raw(probe) as client:
        probe.wait_log("Too many open files")
        take_turns(50)
        resource.prlimit(probe.pid, resource.RLIMIT_NOFILE, limits)
        client.sendall(request_bytes(probe, "/v1/status"))
        assert client.recv(12) == b"HTTP/1.1 200"
    known.close()
    assert len([l for l in probe.log().splitlines()
                if "accept" in l and "Too many open files" in l]) == 1
    assert counter(probe, "accept_errors") > 0


def resident_kib(probe):
    with open(f"/proc/{probe.pid}/status") as status:
        return int(re.search(r"VmRSS:\s+(\d+)", status.read())[1])


def cut_streams(probe, n):
    before = counter(probe, "streams_cut")
    for _ in range(n):
        with start_stream(probe):
            pass
        until(lambda: counter(probe, "streams_cut") > before, "the cut stream is counted")
        before += 1


def test_cut_streams_cost_no_memory(probe, held):
    cut_streams(probe, 50)
    before = resident_kib(probe)
    cut_streams(probe, 500)
    assert resident_kib(probe) - before < 200
