# SPDX-License-Identifier: Apache-2.0
"""How well a connection went: what the kernel's own tools say, field by field."""

import subprocess

import pytest

import harness
from harness import until
from kernel_view import netstat, nft, nft_counter, number, ss, unchanged


@pytest.fixture
def probe(shared_probe):
    return shared_probe


class Talk:
    """An established connection from left to right; each program calls its socket `s`."""

    def __init__(self, probe, pair, interpreter, address="10.77.0.2"):
        self.probe, self.pair = probe, pair
        self.server, self.client = interpreter(pair.right), interpreter(pair.left)
        self.port = self.server(f"l = listen('{address}')", "port(l)")
        self.client(f"s = connect('{address}', {self.port})")
        self.server("s, _ = l.accept()")

    def transfer(self, size):
        self.client.begin(f"send(s, {size})")
        self.server(f"receive(s, {size})")
        self.client.finish()

    def ends(self):
        """(client's record, server's record)."""
        connections = self.probe.snapshot().connections
        client, = [c for c in connections if c.remote_port == self.port]
        server, = [c for c in connections if c.local_port == self.port]
        return client, server

    def client_ss(self):
        return ss(self.pair.left, f"dport = :{self.port}")

    def server_ss(self):
        return ss(self.pair.right, f"sport = :{self.port}")


def without_segmentation_offload(pair):
    """One segment is one packet, so that a filter drops or marks what it says."""
    for namespace in (pair.left, pair.right):
        namespace.run("ip", "link", "set", "v0", "gso_max_segs", "1")


@pytest.fixture
def talk(probe, pair, interpreter):
    return Talk(probe, pair, interpreter)


def steady(fields):
    """Without what counts the time by itself."""
    return {name: fields[name] for name in fields
            if name not in ("lastsnd", "lastrcv", "lastack", "flags", "timer")}


def bits_per_s(text):
    return float(text.rstrip("KMG")) * {"K": 1e3, "M": 1e6, "G": 1e9}.get(text[-1], 1)


@pytest.mark.kernel
def test_idle_connection_has_the_numbers_of_ss(talk):
    talk.transfer(500000)
    truth, (record, _) = unchanged(lambda: steady(talk.client_ss()), talk.ends, "the client's end")
    assert record.min_rtt_us == round(float(truth["minrtt"]) * 1000) > 0
    assert record.cwnd == number(truth, "cwnd") > 0
    assert record.lost == number(truth, "lost")
    assert 8 * record.delivery_bytes_per_s == pytest.approx(bits_per_s(truth["delivery_rate"]),
                                                            rel=0.06)
    assert record.delivery_bytes_per_s > 0
    assert record.retransmits == 0
    known = {n for n in range(64) if record.known_fields >> n & 1}
    assert known >= {28, 30, 31, 32, 33, 34, 35, 36, 37, 38, 39, 40, 41, 42, 44}


def kinds(record):
    return (record.retransmits_timeout, record.retransmits_fast, record.retransmits_probe)


@pytest.mark.kernel
def test_silent_network_shows_as_probes_and_timeouts(talk):
    talk.transfer(1000)
    nft(talk.pair.right, "input", "tcp dport != 0 drop")
    talk.client("send(s, 3000)")
    until(lambda: netstat(talk.pair.left)["TCPTimeouts"] >= 2, "it timed out twice")
    talk.pair.right.run("nft", "flush", "ruleset")
    talk.server("receive(s, 3000)")
    truth, (record, _) = unchanged(lambda: steady(talk.client_ss()), talk.ends, "the client's end")
    timeout, fast, probe = kinds(record)
    kernel = netstat(talk.pair.left)
    assert record.retransmits == int(truth["retrans"].split("/")[1]) == timeout + fast + probe
    assert timeout == kernel["TCPTimeouts"] + kernel["TCPSlowStartRetrans"] >= 2
    assert probe == kernel["TCPLossProbes"]
    assert fast == kernel["TCPFastRetrans"] == 0


@pytest.mark.kernel
def test_few_lost_segments_show_as_fast_recovery(probe, pair, interpreter):
    without_segmentation_offload(pair)
    nft(pair.right, "input", "meta length > 1400 numgen inc mod 60 30 counter drop")
    talk = Talk(probe, pair, interpreter)
    talk.transfer(600000)
    truth, (record, receiver) = unchanged(lambda: steady(talk.client_ss()), talk.ends,
                                          "the client's end")
    timeout, fast, probes = kinds(record)
    kernel = netstat(pair.left)
    assert nft_counter(pair.right, "input") >= 5
    assert record.retransmits == int(truth["retrans"].split("/")[1]) == timeout + fast + probes
    assert fast == kernel["TCPFastRetrans"] > 0
    assert timeout == kernel["TCPTimeouts"] + kernel["TCPSlowStartRetrans"]
    assert receiver.out_of_order == number(talk.server_ss(), "rcv_ooopack") > 0
    assert (record.bytes_sent, receiver.bytes_received) == (600000, 600000)


@pytest.fixture
def forwarder(pair):
    """Starts forwarder.py between the two namespaces; stop() returns its two numbers."""
    started = []

    class Forwarder:
        def __init__(self, *numbers):
            path = harness.ROOT / "tests" / "integration" / "forwarder.py"
            self.popen = subprocess.Popen(
                ["/usr/bin/python3", str(path), pair.left.name, pair.right.name,
                 *map(str, numbers)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
            started.append(self.popen)
            assert self.popen.stdout.readline() == "ready\n"

        def stop(self):
            return tuple(map(int, self.popen.communicate("stop\n")[0].split()))

    yield Forwarder
    for popen in started:
        if popen.poll() is None:
            popen.communicate("stop\n")


@pytest.mark.kernel
def test_reordered_segments_are_told_at_both_ends(probe, pair, interpreter, forwarder):
    wire = forwarder(30, 8, 3)  # thirty of them, each overtaken by three
    talk = Talk(probe, pair, interpreter, "10.78.0.2")
    talk.transfer(500000)
    (at_client, at_server), (sender, receiver) = unchanged(
        lambda: (steady(talk.client_ss()), steady(talk.server_ss())), talk.ends, "the connection")
    n_held, n_early = wire.stop()
    assert n_held == 30 and n_early >= n_held
    assert receiver.out_of_order == number(at_server, "rcv_ooopack") == n_early
    assert sender.reorderings == number(at_client, "reord_seen") > 0
    assert sender.out_of_order == receiver.reorderings == 0


def use_ecn(pair, value):
    for namespace in (pair.left, pair.right):
        namespace.run("sysctl", "-qw", f"net.ipv4.tcp_ecn={value}")


@pytest.mark.kernel
def test_marks_of_congestion_are_what_ss_shows(probe, pair, interpreter):
    without_segmentation_offload(pair)
    use_ecn(pair, 1)
    nft(pair.right, "input", "ip ecn ect0 numgen inc mod 50 7 counter ip ecn set ce")
    talk = Talk(probe, pair, interpreter)
    talk.transfer(400000)
    truth, (sender, receiver) = unchanged(lambda: steady(talk.client_ss()), talk.ends,
                                          "the client's end")
    assert nft_counter(pair.right, "input") > 0
    assert sender.ecn and receiver.ecn
    assert sender.delivered_ce == number(truth, "delivered_ce") > 0
    assert receiver.delivered_ce == 0


def test_without_ecn_it_is_known_to_be_off(probe, pair, interpreter):
    use_ecn(pair, 0)
    talk = Talk(probe, pair, interpreter)
    for record in talk.ends():
        assert not record.ecn and record.known_fields >> 35 & 1


@pytest.mark.kernel
def test_accurate_ecn_is_ecn(probe, pair, interpreter):
    try:
        use_ecn(pair, 3)
    except AssertionError as error:
        pytest.skip(f"this kernel has no AccECN: {error}")
    talk = Talk(probe, pair, interpreter)
    assert "ecn" in talk.client_ss()["flags"]
    assert [record.ecn for record in talk.ends()] == [True, True]


@pytest.mark.kernel
def test_reader_that_stops_shows_as_zero_window_probes(talk):
    filled = talk.client("fill(s)")
    until(lambda: number(talk.client_ss(), "backoff") >= 2, "it probes the shut window")
    truth, (record, receiver) = unchanged(lambda: number(talk.client_ss(), "backoff"), talk.ends,
                                          "the number of probes")
    assert record.zero_window_probes == truth >= 2
    assert receiver.zero_window_probes == 0
    talk.server(f"receive(s, {filled})")
    after, (record, receiver) = unchanged(lambda: steady(talk.client_ss()), talk.ends,
                                          "the client's end")
    assert record.zero_window_probes == 0
    assert (record.bytes_sent, receiver.bytes_received) == (filled, filled)


def test_closed_record_keeps_the_last_look(talk):
    talk.transfer(100000)
    truth, (live, _) = unchanged(lambda: steady(talk.client_ss()), talk.ends, "the client's end")
    talk.client("reset(s)")
    closed, = talk.probe.wait_closed(lambda c: c.remote_port == talk.port, "the end")
    for name in ("min_rtt_us", "rtt_us", "rtt_var_us", "cwnd", "lost", "delivery_bytes_per_s",
                 "bytes_sent", "packets_sent", "packets_received"):
        assert getattr(closed, name) == getattr(live, name), name
