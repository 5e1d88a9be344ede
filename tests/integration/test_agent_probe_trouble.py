# SPDX-License-Identifier: Apache-2.0
"""core-agent against a probe that fails in each way that a real one might."""
import os
import secrets
import signal

import pytest

import fake_probe
from agent_on_fake import closed, polled, start, summed  # noqa: F401, fixture
from fake_probe import connection, FakeProbe, proto
from harness import until


@pytest.mark.parametrize("fault, sentence", [
    (fake_probe.truncated(2), "was cut short"),
    (fake_probe.without_trailer, "was cut short"),
    (fake_probe.oversized, "over the limits"),
    (fake_probe.garbage, "cannot decode"),
    (fake_probe.status(401, "no"), "refuses the auth token"),
    (fake_probe.status(403, "no"), "refuses the auth token"),
    (fake_probe.status(503, "no BTF on this kernel\n"), "no BTF on this kernel"),
    (fake_probe.status(404, "no"), "unexpected answer"),
], ids=["truncated", "no-trailer", "oversized", "garbage", "401", "403", "503", "404"])
def test_fault_is_said_once_and_nothing_is_lost_or_repeated(fake, start, fault, sentence):
    for number in range(1, 2501):
        fake.close(number)
    fake.faults["/v1/closed"] = fault
    agent = start()
    agent.wait_log(sentence)
    goal = fake.n_requests("/v1/closed") + 3
    until(lambda: fake.n_requests("/v1/closed") >= goal, "three more tries")
    fake.faults.clear()
    agent.wait_log("system-probe answers again")
    agent.wait_history(lambda r: r.get("id") == 2500, "the last connection")
    assert agent.n_logged(sentence) == 1
    assert closed(agent.history()) == list(range(1, 2501))
    assert closed(agent.jsonl()) == list(range(1, 2501))


def test_poll_cut_short_reports_each_byte_once(fake, start):
    fake.live = {n: connection(n, bytes_sent=100) for n in range(1, 2501)}
    fake.faults["/v1/connections"] = fake_probe.truncated(2)
    agent = start()
    agent.wait_log("was cut short")
    for record in fake.live.values():
        record.bytes_sent += 11
    fake.faults.clear()
    agent.wait_history(lambda r: r.get("id") == 2500, "the last connection")
    polled(fake)
    assert summed(agent.history()) == 2500 * 111


def test_restarted_probe_is_read_from_its_beginning(fake, start):
    for number in range(1, 11):
        fake.close(number)
    agent = start()
    agent.wait_history(lambda r: r.get("id") == 10, "the last of the first instance")
    fake.restart()
    fake.close(3, bytes_sent=33)
    agent.wait_history(lambda r: r.get("bytes_sent") == 33, "the one of the second instance")
    agent.wait_log("was restarted")
    new = [r for r in agent.history() if r["probe_instance"] == fake.instance.hex()]
    assert [(r["id"], r["bytes_sent"]) for r in new] == [(3, 33)]


def test_gap_in_the_closed_log_is_reported_with_its_exact_sum(fake, start):
    fake.close(1)
    agent = start()
    agent.wait_history(lambda r: r.get("id") == 1, "the first connection")
    with fake.lock:
        for number in range(2, 7):
            fake.close(number, bytes_sent=1000 * number)
        fake.closed.evict(5)  # the first and four that were not read
    agent.wait_history(lambda r: r.get("id") == 6, "the last connection")
    polled(fake)
    losses = [r["overflow"] for r in agent.history() if "overflow" in r]
    assert [(o["cause"], o["connections"], o["bytes_sent"]) for o in losses] == [
        ("closed_log", 4, 2000 + 3000 + 4000 + 5000)]


def test_lost_close_of_a_reported_connection_counts_its_bytes_once(fake, start):
    fake.live[1] = connection(1, bytes_sent=700)
    agent = start()
    agent.wait_history(lambda r: r.get("id") == 1, "the open connection")
    with fake.lock:
        fake.close(1, bytes_sent=900)
        fake.closed.evict(1)
    agent.wait_history(lambda r: "overflow" in r, "the loss")
    polled(fake, 7)  # then it has vanished
    with fake.lock:
        fake.close(2, bytes_sent=5000)
        fake.closed.evict(1)
    agent.wait_history(lambda r: r.get("overflow", {}).get("bytes_sent") == 4300, "the rest")
    assert summed(agent.history()) == 900 + 5000


def test_connection_that_snapshots_pass_over_is_counted_once(fake, start):
    fake.live[1] = connection(1, bytes_sent=700)
    agent = start()
    agent.wait_history(lambda r: r.get("id") == 1, "the open connection")
    with fake.lock:
        passed_over = fake.live.pop(1)
    polled(fake, 4)
    with fake.lock:
        passed_over.bytes_sent = 900
        fake.live[1] = passed_over
    until(lambda: summed(agent.history()) > 700, "it is there again")
    polled(fake)
    assert summed(agent.history()) == 900


def test_unseen_end_of_a_reported_connection_is_no_loss_and_hides_none(fake, start):
    fake.live[1] = connection(1, bytes_sent=700)
    agent = start()
    agent.wait_history(lambda r: r.get("id") == 1, "the open connection")
    with fake.lock:
        del fake.live[1]
        fake.overflow["end_unseen"] = proto.Overflow(cause="end_unseen", connections=1)
    polled(fake, 7)  # then it has vanished
    with fake.lock:
        fake.close(2, bytes_sent=5000)
        fake.closed.evict(1)
        fake.overflow["end_unseen"].connections = 2  # of one that nobody reported
    agent.wait_history(lambda r: r.get("overflow", {}).get("cause") == "end_unseen", "that one")
    losses = [r["overflow"] for r in agent.history() if "overflow" in r]
    assert sorted((o["cause"], o["connections"], o["bytes_sent"]) for o in losses) == [
        ("closed_log", 1, 5000), ("end_unseen", 1, 0)]


def test_overflow_totals_become_losses_of_an_interval(fake, start):
    fake.overflow["udp_table_full"] = proto.Overflow(cause="udp_table_full", connections=3)
    agent = start()
    agent.wait_history(lambda r: "overflow" in r, "the first loss")
    fake.overflow["udp_table_full"].connections = 5
    agent.wait_history(lambda r: r.get("overflow", {}).get("connections") == 2, "the second loss")
    assert [r["overflow"]["connections"] for r in agent.history()] == [3, 2]


def test_agent_killed_between_reading_and_storing_goes_on_where_the_file_says(fake, start):
    fake.live[1] = connection(1, bytes_sent=100)
    agent = start()
    agent.wait_history(lambda r: r.get("id") == 1, "a stored interval")
    stalled = fake_probe.Stalled(3)
    with fake.lock:
        fake.faults["/v1/closed"] = stalled
        fake.close(1, bytes_sent=160)
        for number in range(2, 1802):
            fake.close(number)
    stalled.is_reached.wait(30)
    until(lambda: agent.state() == "S", "all was read")
    agent.stop(signal.SIGKILL)
    assert closed(agent.history()) == []
    fake.faults.clear()
    stalled.released.set()
    again = start()
    again.wait_history(lambda r: r.get("id") == 1801, "the last connection")
    assert closed(again.history()) == list(range(1, 1802))
    assert summed(again.history()) == 160 + 1800 * 100


def test_restarted_agent_repeats_nothing(fake, start):
    fake.live[1] = connection(1, bytes_sent=100)
    for number in range(2, 12):
        fake.close(number)
    fake.overflow["x"] = proto.Overflow(cause="x", connections=3)
    agent = start()
    agent.wait_history(lambda r: r.get("id") == 11, "the last connection")
    polled(fake)
    assert agent.stop() == 0
    before = agent.history()
    again = start()
    polled(fake)
    assert again.stop() == 0
    assert again.history() == before


def test_invalid_record_is_skipped_and_its_bytes_count_as_lost(fake, start):
    fake.close(1, remote_port=70000, bytes_sent=77)
    fake.close(2)
    agent = start()
    agent.wait_history(lambda r: "overflow" in r, "the loss")
    assert closed(agent.history()) == [2]
    assert [r["overflow"]["bytes_sent"] for r in agent.history() if "overflow" in r] == [77]


def test_probe_that_is_not_running_is_said_once_until_it_comes(workplace, start):
    agent = start()
    agent.wait_log("system-probe is not running")
    with FakeProbe(workplace / "sysprobe.sock") as fake:
        fake.close(1)
        agent.wait_log("system-probe answers again")
        agent.wait_history(lambda r: r.get("id") == 1, "the connection")
    assert agent.n_logged("system-probe is not running") == 1


def test_socket_without_permission_is_said_with_the_remedy(fake, start):
    os.chmod(fake.path, 0o700)
    line = start().wait_log("not allowed to open the socket")
    assert "group that owns the socket" in line


def test_changed_token_is_used_without_restart(fake, start, workplace):
    start()
    until(lambda: fake.authorization, "a request")
    token = secrets.token_hex(32)
    (workplace / "auth_token.new").write_text(token)
    (workplace / "auth_token.new").chmod(0o644)
    (workplace / "auth_token.new").rename(workplace / "auth_token")
    until(lambda: f"Bearer {token}" in fake.authorization, "a request with the new token")
