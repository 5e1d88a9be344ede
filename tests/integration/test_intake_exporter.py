# SPDX-License-Identifier: Apache-2.0
"""The intake exporter against a strict intake over real TLS.

INTAKE_DRIVER names the program built of intake_driver.c.
"""
import json
import os
import socket
import subprocess

import intake_server
import pytest
from harness import PATIENT_RESOLVER

DRIVER = os.environ.get(
    "INTAKE_DRIVER", "build/tests/unit/core-agent/intake/intake-driver")
# An interval of 20 connections of the driver has less, and more than two thirds of it.
TWENTY_BYTES = 700
KEY = "0123456789abcdef0123456789abcdef"


def make_certificate(folder, name, host="localhost"):
    certificate, key = folder / f"{name}.crt", folder / f"{name}.key"
    subprocess.run(
        ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1",
         "-nodes", "-days", "2", "-subj", f"/CN={host}", "-addext", f"subjectAltName=DNS:{host}",
         "-keyout", key, "-out", certificate],
        check=True, capture_output=True)
    return certificate, key


@pytest.fixture(scope="module")
def certificates(tmp_path_factory):
    folder = tmp_path_factory.mktemp("tls")
    return {"good": make_certificate(folder, "good"),
            "other": make_certificate(folder, "other"),
            "wrong-host": make_certificate(folder, "wrong-host", "elsewhere.example")}


@pytest.fixture
def intake(certificates):
    with intake_server.IntakeServer(*certificates["good"], api_key=KEY) as server:
        server.ca = certificates["good"][0]
        yield server


class Result:
    def __init__(self, process):
        self.status = process.returncode
        self.log = process.stderr
        self.stats = json.loads(process.stdout) if process.stdout else {}


def drive(**settings):
    """Run the driver; `settings` are its arguments."""
    arguments = [str(word) for item in settings.items() for word in item]
    environment = {"PATH": os.environ["PATH"], "ASAN_OPTIONS": "detect_leaks=1"}
    return Result(subprocess.run([DRIVER, *arguments], env=environment, capture_output=True,
                                 text=True, timeout=60))


def drive_to(intake, **settings):
    result = drive(url=intake.url, ca=intake.ca, key=KEY, **settings)
    assert result.status == 0, result.log
    assert KEY not in result.log
    return result


def test_fields_arrive(intake):
    result = drive_to(intake)
    assert intake.violations == []
    (post,) = intake.posts
    message, (connection,) = post.message, post.message.connections
    pb = intake_server.messages()
    assert message.hostName == post.headers["X-Dd-Hostname"] == "renamed.example"
    assert message.networkId == "vpc-1"
    assert (message.groupId, message.groupSize) == (1, 1)
    assert message.kernelVersion == os.uname().release
    assert message.architecture == os.uname().machine
    assert message.platform
    assert dict(message.containerForPid) == {4242: "c0ffee" * 10 + "c0ff"}
    assert dict(message.connTelemetryMap) == {
        "conns_closed": 0, "closed_conn_dropped": 5, "conn_dropped": 0}
    assert message.agentConfiguration.npmEnabled
    assert (connection.laddr.ip, connection.laddr.port) == ("192.0.2.1", 40000)
    assert (connection.raddr.ip, connection.raddr.port) == ("198.51.100.0", 443)
    assert connection.laddr.containerId == "c0ffee" * 10 + "c0ff"
    assert (connection.family, connection.type) == (pb.v4, pb.tcp)
    assert connection.direction == pb.outgoing
    assert not connection.intraHost
    assert connection.pid == 4242
    assert connection.netNS == 4026531840
    assert (connection.lastBytesSent, connection.lastBytesReceived) == (1000, 2000)
    assert (connection.lastPacketsSent, connection.lastPacketsReceived) == (10, 20)
    assert connection.lastRetransmits == 1
    assert (connection.rtt, connection.rttVar) == (1500, 300)
    assert (connection.lastTcpEstablished, connection.lastTcpClosed) == (1, 0)
    assert intake_server.decode_tags(message.encodedConnectionsTags, connection.tagsIdx) == [
        "process_context:curl", "service:shop", "version:1.2"]
    assert intake_server.decode_tags(message.encodedTags, message.hostTagsIndex) == [
        "env:test", "team:net"]
    assert intake_server.decode_tags(message.encodedTags, connection.localContainerTagsIndex) == [
        "container_name:web", "env:test"]
    assert connection.raddr.containerId == "beef"
    assert intake_server.decode_tags(message.encodedTags, connection.remoteServiceTagsIdx) == [
        "container_name:db", "env:test"]
    assert result.stats["delivered"] == 1
    assert result.stats["errors"] == 0


def test_a_connection_without_tags_points_to_none(intake):
    drive_to(intake, connections=2)
    (post,) = intake.posts
    (connection,) = (c for c in post.message.connections if not c.laddr.containerId)
    assert (connection.localContainerTagsIndex, connection.remoteServiceTagsIdx) == (-1, -1)


def test_idle_connection_alone_sends_nothing(intake):
    result = drive_to(intake, connections=0, intervals=2)
    assert intake.posts == [] and intake.violations == []
    assert result.stats["connections"] == 0


def test_large_interval_is_cut_into_one_group(intake):
    result = drive_to(intake, connections=1500)
    assert intake.violations == []
    messages = [post.message for post in intake.posts]
    assert [len(message.connections) for message in messages] == [600, 600, 300]
    assert [message.groupId for message in messages] == [1, 1, 1]
    assert [message.groupSize for message in messages] == [3, 3, 3]
    assert [bool(message.connTelemetryMap) for message in messages] == [True, False, False]
    ids = [int(post.headers["X-DD-Request-ID"]) for post in intake.posts]
    assert [number & 0x3FFF for number in ids] == [0, 1, 2]
    assert len({number >> 14 for number in ids}) == 1
    assert result.stats["delivered"] == 1500


def test_each_interval_has_its_own_group(intake):
    drive_to(intake, intervals=3)
    assert [post.message.groupId for post in intake.posts] == [1, 2, 3]


def test_failure_of_the_server_is_retried_and_delivered_once(intake):
    intake.behaviours.append("status:500")
    result = drive_to(intake)
    assert [post.behaviour for post in intake.posts] == ["status:500", "ok"]
    assert len(intake.taken()) == 1
    assert intake.posts[0].message == intake.posts[1].message
    assert result.stats["delivered"] == 1
    assert result.stats["errors"] == 1
    assert result.log.count("busy or failing") == 1
    assert result.log.count("takes messages again") == 1


def test_retry_resumes_at_the_message_that_failed(intake):
    intake.behaviours.extend(["ok", "status:503"])
    drive_to(intake, connections=3, max=1)
    batches = [int(post.headers["X-DD-Request-ID"]) & 0x3FFF for post in intake.posts]
    assert batches == [0, 1, 1, 2]


def test_retry_after_is_honoured(intake):
    intake.behaviours.append("retry-after:3")
    drive_to(intake)
    first, second = intake.posts
    assert second.time - first.time >= 2.9


def test_dropped_connection_is_retried(intake):
    intake.behaviours.append("drop")
    result = drive_to(intake)
    assert len(intake.posts) == 2
    assert result.stats["delivered"] == 1
    assert result.log.count("cannot reach the intake") == 1


def test_slow_reply_does_not_block_the_loop(intake):
    intake.behaviours.append("slow:1")
    result = drive_to(intake)
    assert result.stats["delivered"] == 1
    assert result.stats["elapsed_ms"] >= 1000
    assert result.stats["ticks"] > 20  # of 200


def test_one_tls_connection_serves_many_posts(intake):
    accepted = []
    accept = intake.server.get_request

    def count():
        accepted.append(1)
        return accept()

    intake.server.get_request = count
    drive_to(intake, connections=10, max=1)
    assert len(intake.posts) == 10
    assert len(accepted) == 1


def test_wrong_authority_is_refused(intake, certificates):
    result = drive(url=intake.url, ca=certificates["other"][0], key=KEY, timeout=2000)
    assert intake.posts == [] and intake.violations == []
    assert result.stats["delivered"] == 0
    assert result.stats["errors"] >= 1
    assert result.log.count("certificate is not accepted") == 1
    assert "ca_file" in result.log


def test_certificate_of_another_host_is_refused(certificates):
    with intake_server.IntakeServer(*certificates["wrong-host"]) as server:
        result = drive(url=server.url, ca=certificates["wrong-host"][0], key=KEY, timeout=1000)
        assert server.posts == []
    assert result.stats["delivered"] == 0


def test_missing_ca_file_is_named(intake):
    result = drive(url=intake.url, ca="/nonexistent.pem", key=KEY, timeout=1000)
    assert result.stats["delivered"] == 0
    assert result.log.count("cannot use ca_file") == 1


def test_garbage_reply_is_counted_and_not_repeated(intake):
    intake.behaviours.extend(["garbage", "garbage"])
    result = drive_to(intake, intervals=2)
    assert len(intake.posts) == 2
    assert result.stats["delivered"] == 2
    assert result.stats["errors"] == 2
    assert result.log.count("reply cannot be read") == 1


def test_oversized_reply_is_counted_and_not_repeated(intake):
    intake.behaviours.append("oversized")
    result = drive_to(intake)
    assert len(intake.posts) == 1
    assert result.stats["delivered"] == 1
    assert result.stats["errors"] == 1


def test_complaint_in_the_reply_is_logged(intake):
    intake.behaviours.append("complaint:out of\nquota")
    result = drive_to(intake)
    assert result.stats["delivered"] == 1
    assert 'error="out of\\nquota"' in result.log


def test_refused_key_drops_and_is_logged_once(intake):
    intake.behaviours.extend(["status:403"] * 3)
    result = drive_to(intake, intervals=3, connections=2)
    assert len(intake.posts) == 3
    assert result.stats["delivered"] == 0
    assert result.stats["dropped"] == 6
    assert result.log.count("refuses the API key") == 1
    assert "check api_key" in result.log


def test_dropped_connections_are_reported_with_the_next_interval(intake):
    intake.behaviours.append("status:400")
    drive_to(intake, intervals=2, connections=4, period=300)
    assert intake.posts[1].message.connTelemetryMap["conn_dropped"] == 4


def told(posts, name):
    return sum(post.message.connTelemetryMap.get(name, 0) for post in posts)


def test_losses_that_a_refused_message_told_are_told_by_the_next(intake):
    intake.behaviours.extend(["status:400"] * 3)
    result = drive_to(intake, intervals=4, connections=4, period=300)
    assert result.stats["dropped"] == told(intake.taken(), "conn_dropped") == 12
    assert told(intake.taken(), "closed_conn_dropped") == 4 * 5


def test_losses_told_in_an_interval_that_gave_way_are_told_later(intake):
    intake.behaviours.append("retry-after:1")
    result = drive_to(intake, intervals=8, connections=20, period=300, queue=TWENTY_BYTES)
    assert result.stats["dropped"] >= 2 * 20
    untold = result.stats["dropped"] - told(intake.taken(), "conn_dropped")
    assert untold in (0, 20)  # where the last one made the one before give way
    assert told(intake.taken(), "closed_conn_dropped") == 8 * 5 - untold // 4


def test_redirect_is_not_followed(intake):
    intake.behaviours.append("redirect:https://localhost:1/api/v1/connections")
    result = drive_to(intake)
    assert len(intake.posts) == 1
    assert result.stats["dropped"] == 1
    assert "check process_dd_url" in result.log


def test_full_queue_drops_the_oldest(intake):
    intake.behaviours.append("status:503")
    result = drive_to(intake, intervals=4, connections=20, period=50, queue=2 * TWENTY_BYTES)
    assert [post.message.groupId for post in intake.taken()] == [3, 4]
    assert result.stats["dropped"] == 40
    assert result.stats["delivered"] == 40
    assert result.log.count("queue to the intake is full") == 1


def test_post_under_way_ends_when_its_interval_is_dropped(intake):
    intake.behaviours.append("slow:25")
    result = drive_to(intake, intervals=2, connections=20, period=300, queue=TWENTY_BYTES)
    assert [post.message.groupId for post in intake.posts] == [1, 2]
    assert result.stats["dropped"] == 20
    assert result.stats["delivered"] == 20
    assert result.stats["elapsed_ms"] < 20000


def test_unreachable_intake_keeps_the_loop_running():
    result = drive(url="https://localhost:1", key=KEY, timeout=1500)
    assert result.stats["delivered"] == 0
    assert result.stats["errors"] >= 1
    assert result.stats["ticks"] > 30  # of 300
    assert "stopping before all could be sent" in result.log


def test_silent_name_server_does_not_delay_the_end(tmp_path):
    probe = subprocess.run(["unshare", "--mount", "true"], capture_output=True)
    if os.geteuid() or probe.returncode:
        pytest.skip("needs root and a mount namespace, to replace /etc/resolv.conf")
    (tmp_path / "resolv.conf").write_text(PATIENT_RESOLVER.format("127.7.7.7"))
    (tmp_path / "nsswitch.conf").write_text("hosts: dns\n")
    script = "".join(f"mount --bind {tmp_path}/{name} /etc/{name} && "
                     for name in ("resolv.conf", "nsswitch.conf"))
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as silent:
        silent.bind(("127.7.7.7", 53))
        done = subprocess.run(
            ["unshare", "--mount", "sh", "-c",
             f"{script} exec {DRIVER} url https://intake.example key k timeout 500"],
            capture_output=True, text=True, timeout=60)
    assert Result(done).stats["delivered"] == 0, done.stderr


def test_connections_over_the_maximum_are_counted(intake):
    result = drive_to(intake, connections=10, tracked=4)
    assert result.stats["delivered"] == 4
    assert result.stats["dropped"] == 6
    assert intake.posts[0].message.connTelemetryMap["conn_dropped"] == 6


def test_missing_api_key_is_one_clear_line(intake):
    result = drive(url=intake.url, key="")
    assert result.status == 2
    assert len(result.log.splitlines()) == 1
    assert "api_key" in result.log


def test_api_key_that_would_split_the_header_is_refused(intake):
    result = drive(url=intake.url, key="secret\r\nX-Other: 1")
    assert result.status == 2
    assert "secret" not in result.log


def test_clear_text_url_is_refused():
    result = drive(url="http://localhost:8080", key=KEY)
    assert result.status == 2
    assert "https://" in result.log and KEY not in result.log
