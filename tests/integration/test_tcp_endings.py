# SPDX-License-Identifier: Apache-2.0
"""How connections end: who closed first, who reset, and what timed out."""

import errno

import pytest

from harness import proto, until
from kernel_view import Capture, nft, packets

ESTABLISHED, FIN_WAIT2, CLOSE_WAIT = 1, 5, 8  # include/net/tcp_states.h
RESET_AFTER = {  # what ends a connection with a reset, at the end that sends it
    "linger": "reset(s)",
    "unread": "wait_unread(s, 5); s.close()",
    "killed": "wait_unread(s, 5); os._exit(0)",
}


@pytest.fixture
def probe(shared_probe):
    return shared_probe


@pytest.fixture
def talk(probe, pair, interpreter):
    """An established connection; each end's program calls its socket `s`."""
    return Talk(probe, pair, interpreter)


class Talk:
    def __init__(self, probe, pair, interpreter):
        self.probe, self.pair = probe, pair
        self.server, self.client = interpreter(pair.right), interpreter(pair.left)
        self.port = self.server("l = listen('10.77.0.2')", "port(l)")
        self.client(f"s = connect('10.77.0.2', {self.port})")
        self.server("s, _ = l.accept()")
        self.client_port = self.client("port(s)")

    def _ends(self, connections):
        """(client's record, server's record), None while one is missing."""
        client = [c for c in connections if c.remote_port == self.port]
        server = [c for c in connections if c.local_port == self.port]
        return len(client) == len(server) == 1 and (client[0], server[0])

    def live(self):
        return self._ends(self.probe.snapshot().connections)

    def closed(self):
        return until(lambda: self._ends(self.probe.closed().connections), "both ends closed")


def first(record):
    return proto.Side.Name(record.closed_first)


@pytest.mark.parametrize("who", ["client", "server"])
def test_orderly_close_says_who_closed_first(talk, who):
    closer, other = (talk.client, talk.server) if who == "client" else (talk.server, talk.client)
    capture = Capture(talk.pair.right)
    closer("s.close()")
    assert other("receive_to_end(s)") == 0
    other("s.close()")
    records = talk.closed()
    lines = capture.stop()
    assert [packets(lines, "F", p) for p in (talk.client_port, talk.port)] == [1, 1]
    assert packets(lines, "R", talk.port) == packets(lines, "R", talk.client_port) == 0
    expected = ["SIDE_LOCAL", "SIDE_REMOTE"]
    assert [first(r) for r in records] == (expected if who == "client" else expected[::-1])
    assert [(r.state, r.error, r.reset_sent, r.reset_received) for r in records] == \
        [(proto.STATE_CLOSED, 0, False, False)] * 2


@pytest.mark.kernel
@pytest.mark.parametrize("how", RESET_AFTER)
@pytest.mark.parametrize("who", ["client", "server"])
def test_reset_is_told_at_both_ends(talk, who, how):
    resetting, other = (talk.client, talk.server) if who == "client" else (talk.server, talk.client)
    capture = Capture(talk.pair.right)
    other("send(s, 5)")
    resetting.begin(RESET_AFTER[how])
    at_client, at_server = talk.closed()
    lines = capture.stop()
    by, to = (at_client, at_server) if who == "client" else (at_server, at_client)
    assert packets(lines, "R", by.local_port) == 1
    assert packets(lines, "R", to.local_port) == 0
    assert (by.reset_sent, by.reset_received, first(by)) == (True, False, "SIDE_LOCAL")
    assert (to.reset_sent, to.reset_received, first(to)) == (False, True, "SIDE_REMOTE")
    assert (by.error, to.error) == (0, errno.ECONNRESET)
    assert by.state == to.state == proto.STATE_CLOSED
    assert by.bytes_received == to.bytes_sent == 5


def test_reset_after_the_peers_fin_leaves_the_peer_first(talk):
    talk.server("s.shutdown(socket.SHUT_WR)")
    assert talk.client("receive_to_end(s)") == 0
    talk.client("reset(s)")
    at_client, at_server = talk.closed()
    assert (first(at_client), first(at_server)) == ("SIDE_REMOTE", "SIDE_LOCAL")
    assert at_client.reset_sent and at_server.reset_received


# How the server comes to get data that it will not read, and what the client then sees.
DATA_FOR_NOBODY = {
    "reads no more": ("", "", "s.shutdown(socket.SHUT_RDWR)", errno.EPIPE),
    "FIN is lost": ("tcp flags & fin == fin drop", "", "s.close()", errno.ECONNRESET),
    # The data then acknowledge the FIN.
    "ACK of the FIN is lost": ("", "meta length <= 52 drop", "s.close()", errno.EPIPE),
}


@pytest.mark.kernel
@pytest.mark.parametrize("how", DATA_FOR_NOBODY)
def test_data_for_nobody_is_answered_with_a_reset(talk, how):
    to_client, to_server, close, error = DATA_FOR_NOBODY[how]
    nft(talk.pair.left, "input", *filter(None, [to_client]))
    nft(talk.pair.right, "input", *filter(None, [to_server]))
    capture = Capture(talk.pair.right)
    talk.server(close)
    if error == errno.EPIPE:  # the FIN arrived
        assert talk.client("receive_to_end(s)") == 0
    talk.client("send(s, 5)")
    at_client, at_server = talk.closed()
    lines = capture.stop()
    assert packets(lines, "R", talk.port) >= 1 > packets(lines, "R", talk.client_port)
    assert at_server.reset_sent and not at_server.reset_received
    assert at_client.reset_received and not at_client.reset_sent
    assert first(at_server) == "SIDE_LOCAL"
    assert at_client.error == error


@pytest.mark.kernel
def test_reset_in_answer_to_a_fin_is_received(talk):
    """What looks to the kernel much like data for nobody."""
    capture = Capture(talk.pair.right)
    talk.client("send(s, 70000)")
    talk.server("receive(s, 70000)", "send(s, 5)")
    talk.client("wait_unread(s, 5)")
    talk.server("s.shutdown(socket.SHUT_RDWR)")
    talk.client("s.close()")
    at_client, at_server = talk.closed()
    lines = capture.stop()
    assert packets(lines, "R", talk.client_port) == 1 and packets(lines, "R", talk.port) == 0
    assert at_server.reset_received and not at_server.reset_sent
    assert at_client.reset_sent and not at_client.reset_received
    assert at_server.error == errno.ECONNRESET


def test_half_close_shows_while_it_lasts(talk):
    at_client, at_server = talk.live()
    assert (at_client.tcp_state, at_server.tcp_state) == (ESTABLISHED, ESTABLISHED)
    assert at_client.closed_first == at_server.closed_first == proto.SIDE_UNSPECIFIED
    talk.client("s.shutdown(socket.SHUT_WR)")
    assert talk.server("receive_to_end(s)") == 0
    talk.server("send(s, 70000)")
    talk.client("receive(s, 70000)")
    at_client, at_server = until(lambda: (ends := talk.live()) and
                                 ends[0].tcp_state == FIN_WAIT2 and ends, "the FIN is answered")
    assert at_server.tcp_state == CLOSE_WAIT
    assert (first(at_client), first(at_server)) == ("SIDE_LOCAL", "SIDE_REMOTE")
    assert (at_client.state, at_server.state) == (proto.STATE_OPEN, proto.STATE_OPEN)
    assert (at_client.bytes_received, at_server.bytes_sent) == (70000, 70000)


def cut_off(talk):
    nft(talk.pair.right, "input", "tcp dport != 0 drop")


def client_end(talk):
    record, = talk.probe.wait_closed(lambda c: c.remote_port == talk.port, "it timed out")
    return record


@pytest.mark.kernel
def test_unanswered_keepalive_is_a_timeout_and_a_reset(talk):
    capture = Capture(talk.pair.left)
    cut_off(talk)
    for option, value in ("KEEPIDLE", 1), ("KEEPINTVL", 1), ("KEEPCNT", 1):
        talk.client(f"s.setsockopt(socket.IPPROTO_TCP, socket.TCP_{option}, {value})")
    talk.client("s.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)")
    record = client_end(talk)
    lines = capture.stop()
    assert (record.state, record.error) == (proto.STATE_CLOSED, errno.ETIMEDOUT)
    assert packets(lines, "R", talk.client_port) == 1
    assert record.reset_sent and not record.reset_received


def test_unanswered_data_is_a_timeout_without_a_reset(talk):
    capture = Capture(talk.pair.left)
    cut_off(talk)
    talk.client("s.setsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT, 500)", "send(s, 5)")
    record = client_end(talk)
    lines = capture.stop()
    assert (record.state, record.error) == (proto.STATE_CLOSED, errno.ETIMEDOUT)
    assert packets(lines, "R", talk.client_port) == 0
    assert not record.reset_sent and not record.reset_received
    assert first(record) == "SIDE_UNSPECIFIED"
    assert record.bytes_sent == 5 and record.retransmits > 0
