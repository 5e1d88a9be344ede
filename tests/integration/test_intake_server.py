# SPDX-License-Identifier: Apache-2.0
"""The test intake decodes what published encoders made."""
import pathlib
import subprocess

import intake_server
import pytest

GOLDEN = pathlib.Path(__file__).resolve().parents[1] / "golden" / "intake"


def golden(name):
    return bytes.fromhex((GOLDEN / f"{name}.hex").read_text())


def body_of(plain):
    return golden("header") + subprocess.run(["zstd", "-c"], input=plain, capture_output=True,
                                             check=True).stdout


def test_murmur3_of_known_words():
    assert intake_server.murmur3(b"hello") == 0x248BFA47
    assert intake_server.murmur3(b"env:prod") == 0x106D8A80
    assert intake_server.murmur3(b"service:web") == 0x9F1C93DD


def test_tag_buffer_of_the_published_encoder():
    data = golden("tags_v3")
    assert intake_server.decode_tags(data, 0) == ["-"]
    assert intake_server.decode_tags(data, 6) == ["env:prod", "service:web"]
    assert intake_server.decode_tags(data, 16) == ["env:prod"]


def test_domain_database_of_the_published_encoder():
    assert intake_server.decode_domains(golden("domain_database")) == {
        2: "example.com", 14: "a.test"}


def test_lookups_with_one_bucket():
    assert intake_server.decode_lookups(golden("dns_lookups_one_bucket")) == {
        "10.0.0.1": [2], "10.0.0.2": [2, 14]}


def test_lookups_with_two_buckets():
    assert intake_server.decode_lookups(golden("dns_lookups_two_buckets")) == {
        "10.0.0.1": [2], "10.0.0.2": [2, 14], "10.0.0.3": [14]}


def test_message_is_decoded():
    sent = intake_server.messages().CollectorConnections(hostName="h", groupId=1)
    assert intake_server.decode_message(body_of(sent.SerializeToString())) == sent


def test_message_with_a_wrong_type_is_a_violation():
    body = bytearray(body_of(b"\x12\x01h"))
    body[2] = 12
    with pytest.raises(intake_server.Violation):
        intake_server.decode_message(bytes(body))


def test_message_with_an_unknown_field_is_a_violation():
    with pytest.raises(intake_server.Violation):
        intake_server.decode_message(body_of(b"\x08\x01"))  # field 1 is reserved


def test_golden_payload_is_what_its_text_says():
    text = (GOLDEN / "two_connections.textproto").read_bytes()
    encoded = subprocess.run(
        ["protoc", f"--proto_path={intake_server.PROTO_DIR}", "--deterministic_output",
         "--encode=datadog.process_agent.CollectorConnections", "intake.proto"],
        input=text, capture_output=True, check=True).stdout
    assert encoded == (GOLDEN / "two_connections.bin").read_bytes()


def test_golden_payload_passes_the_strict_checks():
    message = intake_server.decode_message(body_of((GOLDEN / "two_connections.bin").read_bytes()))
    intake_server.check_connections(message)
