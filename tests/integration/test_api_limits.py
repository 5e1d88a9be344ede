# SPDX-License-Identifier: Apache-2.0
"""What a client of the IPC API may not do to it: size, time, number, rate."""
import socket
import time

import pytest

from fake_probe import connection
from harness import DEADLINE_S, until
from test_api import agent, assert_polls_go_on, polls, start  # noqa: F401, fixtures


def test_huge_headers_are_refused(agent, fake):
    answer = agent.request("/agent/version", headers={"X-Long": "x" * 20000})
    assert answer.status == 431
    assert agent.figures()["server_bad_requests"]["ipc"] == 1
    assert_polls_go_on(fake)


@pytest.mark.parametrize("request_line, status", [
    (b"GET /agent/version HTTP/1.1 more", 400), (b"GET agent HTTP/1.1", 400),
    (b"GET /agent/version HTTP/2.0", 505), (b"DELETE /agent/version HTTP/1.1", 405),
    (b"GET /" + b"a" * 1000 + b" HTTP/1.1", 414), (b"\x16\x03\x01", 400),
    (b"GET /agent/version HTTP/1.1\r\nTransfer-Encoding: chunked", 411),
    (b"GET /agent/version HTTP/1.1\r\nContent-Length: 1\r\nContent-Length: 2", 400),
    (b"GET /agent/version HTTP/1.1\r\n folded: line", 400)])
def test_malformed_requests_are_refused(agent, request_line, status):
    with agent.tls_socket() as client:
        client.sendall(request_line + b"\r\n\r\n")
        assert client.recv(4096).startswith(b"HTTP/1.1 %d " % status)


def test_two_requests_in_one_write_are_both_answered(agent):
    head = f"GET /agent/version HTTP/1.1\r\nAuthorization: Bearer {agent.token()}\r\n"
    with agent.tls_socket() as client:
        client.sendall((head + "\r\n" + head + "Connection: close\r\n\r\n").encode())
        received = b"".join(iter(lambda: client.recv(4096), b""))
    assert received.count(b"HTTP/1.1 200 OK") == 2


def test_a_thousand_idle_connections_are_bounded_and_do_not_keep_others_out(agent, fake):
    held = []
    try:
        for _ in range(1000):
            held.append(agent.socket())
        assert agent.get("/agent/version")["version"]
        assert_polls_go_on(fake)
        figures = agent.figures()
        assert figures["server_clients"]["ipc"] <= 64
        assert figures["server_evicted"]["ipc"] >= 1000 - 64
    finally:
        for one in held:
            one.close()


def test_bytes_that_dribble_in_do_not_extend_the_deadline(agent, fake):
    begun = time.monotonic()
    with agent.tls_socket() as client:
        client.settimeout(0.2)
        ended = None
        while ended is None and time.monotonic() < begun + 2 * DEADLINE_S:
            try:
                client.sendall(b"G" if time.monotonic() < begun + 1 else b"E")
                ended = time.monotonic() if client.recv(1) == b"" else None
            except TimeoutError:
                continue
            except OSError:
                ended = time.monotonic()
    assert ended and ended - begun > 9
    assert agent.figures()["server_request_timeouts"]["ipc"] == 1
    assert_polls_go_on(fake)


def test_a_client_that_stops_reading_is_dropped_while_polling_goes_on(fake, start):
    fake.live = {i: connection(i) for i in range(1, 50001)}
    agent = start().ready()
    until(lambda: agent.get("/agent/connections?limit=1")["open"] == 50000, "all are known")
    resident = agent.figures()["resident_bytes"]
    raw = socket.socket()
    raw.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
    raw.connect(("127.0.0.1", agent.port))
    client = agent.context().wrap_socket(raw, server_hostname="localhost")
    client.sendall(f"GET /agent/connections?limit=1000000 HTTP/1.1\r\n"
                   f"Authorization: Bearer {agent.token()}\r\n\r\n".encode())
    client.recv(100)
    seen = polls(fake)
    until(lambda: agent.figures()["server_stalled"]["ipc"] == 1, "it is dropped", 20)
    assert polls(fake) > seen + 20
    assert agent.figures()["resident_bytes"] < resident + (16 << 20)
    client.close()


def test_requests_over_the_rate_are_429(agent):
    client = agent.client()
    headers = {"Authorization": f"Bearer {agent.token()}"}
    seen = []
    for _ in range(400):
        client.request("GET", "/agent/version", headers=headers)
        answer = client.getresponse()
        answer.read()
        seen.append(answer.status)
    assert set(seen) == {200, 429}
    assert agent.figures()["server_rate_limited"]["ipc"] == seen.count(429)


def begin_and_fail_handshakes(agent, n):
    """All at once; the agent takes up each one, and ends it."""
    held = [agent.socket() for _ in range(n)]
    for one in held:
        one.sendall(b"no handshake at all\r\n")
    for one in held:
        try:
            while one.recv(100):
                pass
        except ConnectionResetError:
            pass
        one.close()


def test_handshakes_over_the_rate_wait_and_are_counted(agent):
    begin_and_fail_handshakes(agent, 60)
    assert agent.figures()["server_delayed"]["ipc"] == 0
    for _ in range(8):  # 100 a second, 200 at once
        begin_and_fail_handshakes(agent, 60)
    assert agent.figures()["server_delayed"]["ipc"] > 0
    # Requests share the rate: there is room again within a second.
    until(lambda: agent.request("/agent/version").status == 200, "answers again")
