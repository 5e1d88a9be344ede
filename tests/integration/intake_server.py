#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""A strict intake for tests.

Decodes with tools that share no code with the agent: openssl's TLS through the
ssl module, the zstd command, and Python's protobuf with code that protoc makes
at run time. Whatever is not as the wire format wants it is kept in
`IntakeServer.violations` and answered with 400.
"""
import argparse
import collections
import http.server
import importlib
import ipaddress
import json
import pathlib
import ssl
import struct
import subprocess
import sys
import tempfile
import threading
import time

PROTO_DIR = pathlib.Path(__file__).resolve().parents[2] / "proto"
PATH = "/api/v1/connections"
HEADER_SIZE = 16
TYPE_CONNECTIONS, TYPE_RES_COLLECTOR = 22, 23
ENCODING_PLAIN, ENCODING_ZSTD = 0, 4
MAX_CONNECTIONS = 1000
REQUIRED_HEADERS = {
    "Content-Type": lambda v: v == "application/x-protobuf",
    "DD-Api-Key": lambda v: len(v) > 0,
    "DD-Agent-Version": lambda v: len(v) > 0,
    "User-Agent": lambda v: len(v) > 0,
    "X-Dd-Hostname": lambda v: len(v) > 0,
    "X-Dd-Processagentversion": lambda v: len(v) > 0,
    "X-Dd-ContainerCount": lambda v: v == "0",
    "X-DD-Agent-Timestamp": lambda v: 10 <= len(v) <= 11 and v.isdigit(),
    "X-DD-Agent-Start-Time": lambda v: abs(int(v) - time.time()) < 3600,
    "X-DD-Request-ID": lambda v: 0 <= int(v) < 2**64,
    "X-DD-Payload-Source": lambda v: v in ("process_agent", "agent", "system_probe"),
    "X-DD-Processes-Enabled": lambda v: v in ("true", "false"),
    "X-DD-Service-Discovery-Enabled": lambda v: v in ("true", "false"),
}


class Violation(Exception):
    """What was received is not as the wire format wants it."""


def require(condition, text):
    if not condition:
        raise Violation(text)


_messages = None


def messages():
    """The module that protoc makes of intake.proto."""
    global _messages
    if _messages is None:
        with tempfile.TemporaryDirectory() as folder:
            subprocess.run(
                ["protoc", f"--proto_path={PROTO_DIR}", f"--python_out={folder}", "intake.proto"],
                check=True)
            sys.path.insert(0, folder)
            try:
                _messages = importlib.import_module("intake_pb2")
            finally:
                sys.path.remove(folder)
    return _messages


# --- Formats -----------------------------------------------------------------


def murmur3(data):
    """x86 32-bit variant, seed 0."""
    def scramble(word):
        word = word * 0xCC9E2D51 & 0xFFFFFFFF
        word = (word << 15 | word >> 17) & 0xFFFFFFFF
        return word * 0x1B873593 & 0xFFFFFFFF

    value = 0
    whole = len(data) // 4 * 4
    for (word,) in struct.iter_unpack("<I", data[:whole]):
        value ^= scramble(word)
        value = (value << 13 | value >> 19) & 0xFFFFFFFF
        value = (value * 5 + 0xE6546B64) & 0xFFFFFFFF
    value ^= scramble(int.from_bytes(data[whole:], "little"))
    value ^= len(data)
    value = (value ^ value >> 16) * 0x85EBCA6B & 0xFFFFFFFF
    value = (value ^ value >> 13) * 0xC2B2AE35 & 0xFFFFFFFF
    return value ^ value >> 16


def decode_tags(data, index):
    """The set of tags at `index` of a tag buffer, version 2 or 3."""
    version, footer = struct.unpack_from("<BI", data)
    require(version in (2, 3), f"tag buffer has version {version}")
    (count,) = struct.unpack_from("<H", data, footer + index)
    tags = []
    for position in struct.unpack_from(f"<{count}I", data, footer + index + 2):
        (size,) = struct.unpack_from("<H", data, position)
        require(position + 2 + size <= footer, "a tag reaches into the footer")
        tags.append(data[position + 2:position + 2 + size].decode())
    return tags


def read_uvarint(data, at):
    value = shift = 0
    while True:
        value |= (data[at] & 0x7F) << shift
        shift += 7
        at += 1
        if not data[at - 1] & 0x80:
            return value, at


def read_text(data, at):
    size, at = read_uvarint(data, at)
    require(0 < size <= len(data) - at, "bad size of a name")
    return data[at:at + size].decode(), at + size


def decode_domains(data):
    """Offset -> name."""
    count, at = read_uvarint(data, 0)
    middle, at = read_uvarint(data, at)
    require(middle == 0, "the dead field of the domain database is not 0")
    names = {}
    for _ in range(count):
        offset = at
        names[offset], at = read_text(data, at)
    require(at == len(data), "bytes after the domain database")
    return names


def decode_lookups(data):
    """IP -> offsets of names; checks that each is in the bucket of its hash."""
    version, n_buckets = struct.unpack_from("<BH", data)
    require(version == 2, f"lookups have version {version}")
    size, at = read_uvarint(data, 3)
    _middle, at = read_uvarint(data, at)
    buckets_at = at + size
    starts = []
    while at < buckets_at:
        start, at = read_uvarint(data, at)
        starts.append(start)
    require(len(starts) == n_buckets, "bucket count and position block differ")
    lookups = {}
    for bucket, start in enumerate(starts):
        end = starts[bucket + 1] if bucket + 1 < n_buckets else len(data) - buckets_at
        at = buckets_at + start
        if start == end:
            continue
        n_keys, at = read_uvarint(data, at)
        for _ in range(n_keys):
            ip, at = read_text(data, at)
            require(murmur3(ip.encode()) % n_buckets == bucket, f"{ip} is in a wrong bucket")
            n_names, at = read_uvarint(data, at)
            lookups[ip] = []
            for _ in range(n_names):
                offset, at = read_uvarint(data, at)
                lookups[ip].append(offset)
    return lookups


def decode_message(data):
    """The CollectorConnections in the body of a post."""
    require(len(data) > HEADER_SIZE, "shorter than the header")
    version, encoding, kind, subscription, org, timestamp = struct.unpack_from("<BBBBiq", data)
    require((version, encoding, kind) == (3, ENCODING_ZSTD, TYPE_CONNECTIONS),
            f"header is {data[:HEADER_SIZE].hex()}")
    require((subscription, org, timestamp) == (0, 0, 0), "the rest of the header is not 0")
    plain = subprocess.run(["zstd", "-d", "-c"], input=data[HEADER_SIZE:], capture_output=True)
    require(plain.returncode == 0, f"zstd: {plain.stderr.decode()}")
    message = messages().CollectorConnections()
    message.ParseFromString(plain.stdout)
    check_unknown_fields(message)
    return message


def check_unknown_fields(message):
    again = type(message)()
    again.CopyFrom(message)
    again.DiscardUnknownFields()
    require(again.ByteSize() == message.ByteSize(), "fields that the wire format does not have")


def check_connection(connection, message):
    expected = 6 if connection.family == messages().v6 else 4
    for address in (connection.laddr, connection.raddr):
        require(ipaddress.ip_address(address.ip).version == expected, "family and address differ")
        require(0 <= address.port <= 65535, "port out of range")
    for field in ("localContainerTagsIndex", "resolvConfIdx", "remoteServiceTagsIdx"):
        require(getattr(connection, field) != 0, f"{field} is 0, which is no real index")
    require(-1 <= connection.routeIdx < len(message.routes), "routeIdx is of no route")
    require(connection.tagsIdx != 0, "tagsIdx is 0, which is no real index")
    checksum = 0
    if connection.tagsIdx > 0:
        for tag in decode_tags(message.encodedConnectionsTags, connection.tagsIdx):
            checksum ^= murmur3(tag.encode())
    require(connection.tagsChecksum == checksum, "tagsChecksum is not that of the tags")
    require(len(connection.tags) == 0, "tags belong on the probe's socket only")


def check_connections(message):
    n = len(message.connections)
    require(0 < n <= MAX_CONNECTIONS, f"{n} connections")
    require(message.hostName, "no hostName")
    require(message.groupSize > 0 and message.groupId > 0, "no group")
    require(message.hostTagsIndex != 0, "hostTagsIndex is 0, which is no real index")
    require(decode_tags(message.encodedTags, 0) == ["-"], "index 0 is not the dummy set")
    for connection in message.connections:
        check_connection(connection, message)
    used = {connection.routeIdx for connection in message.connections} - {-1}
    require(used == set(range(len(message.routes))), "routes that no connection has")
    require(all(route.subnet.alias for route in message.routes), "a route without its subnet")


def encode_reply(text=""):
    message = messages().ResCollector(message=text)
    message.header.type = TYPE_RES_COLLECTOR
    message.status.activeClients = 1
    message.status.interval = 2
    body = subprocess.run(["zstd", "-c"], input=message.SerializeToString(), capture_output=True,
                          check=True).stdout
    return struct.pack("<BBBBiq", 3, ENCODING_ZSTD, TYPE_RES_COLLECTOR, 0, 0, 0) + body


# --- Server ------------------------------------------------------------------

Post = collections.namedtuple("Post", "headers message time behaviour")


class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def log_message(self, *_):
        pass

    def answer(self, status, body=b"", headers=()):
        self.send_response(status)
        for name, value in headers:
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def do_GET(self):
        self.server.intake.violations.append(f"{self.command} {self.path}")
        self.answer(405)

    do_PUT = do_GET

    def do_POST(self):
        intake = self.server.intake
        body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        behaviour = intake.next_behaviour()
        try:
            message = intake.check(self.path, self.headers, body)
        except Exception as error:  # any decoder's error is the sender's fault
            intake.violations.append(f"{type(error).__name__}: {error}")
            self.answer(400)
            return
        with intake.condition:
            intake.posts.append(Post(dict(self.headers), message, time.time(), behaviour))
            intake.condition.notify_all()
        self.behave(*behaviour.partition(":")[::2])

    def behave(self, name, argument):
        if name == "ok":
            self.answer(200, encode_reply())
        elif name == "status":
            self.answer(int(argument))
        elif name == "retry-after":
            self.answer(429, headers=[("Retry-After", argument)])
        elif name == "redirect":
            self.answer(307, headers=[("Location", argument)])
        elif name == "drop":
            self.close_connection = True
            self.connection.unwrap().close()
        elif name == "slow":
            time.sleep(float(argument))
            self.answer(200, encode_reply())
        elif name == "garbage":
            self.answer(200, b"\x03\x04\x17" + b"\xff" * 40)
        elif name == "empty":
            self.answer(202)
        elif name == "oversized":
            self.answer(200, bytes(1024 * 1024))
        elif name == "complaint":
            self.answer(200, encode_reply(argument))
        else:
            raise ValueError(name)


class Server(http.server.ThreadingHTTPServer):
    daemon_threads = True

    def handle_error(self, request, client_address):
        pass  # a client that refuses the certificate is no error of the server


class IntakeServer:
    """Behaviours are taken from `behaviours`, one for each post; then "ok"."""

    def __init__(self, certificate, key, api_key=None, port=0):
        self.api_key = api_key
        self.behaviours = collections.deque()
        self.posts = []
        self.violations = []
        self.condition = threading.Condition()
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(certificate, key)
        self.server = Server(("127.0.0.1", port), Handler)
        self.server.intake = self
        # The handshake must not hold up accept(): it is done in the handler's thread.
        self.server.socket = context.wrap_socket(self.server.socket, server_side=True,
                                                 do_handshake_on_connect=False)
        self.thread = threading.Thread(target=self.server.serve_forever, daemon=True)
        messages()

    @property
    def url(self):
        return f"https://localhost:{self.server.server_address[1]}"

    def __enter__(self):
        self.thread.start()
        return self

    def __exit__(self, *_):
        self.server.shutdown()
        self.server.server_close()

    def next_behaviour(self):
        with self.condition:
            return self.behaviours.popleft() if self.behaviours else "ok"

    def check(self, path, headers, body):
        require(path == PATH, f"path {path}")
        require("Content-Encoding" not in headers, "Content-Encoding")
        for name, is_good in REQUIRED_HEADERS.items():
            require(name in headers, f"no header {name}")
            require(is_good(headers[name]), f"header {name}: {headers[name]}")
        require(self.api_key in (None, headers["DD-Api-Key"]), "wrong API key")
        message = decode_message(body)
        check_connections(message)
        require(headers["X-Dd-Hostname"] == message.hostName, "host name differs in the header")
        return message

    def taken(self):
        """Posts that were answered as good."""
        failing = ("status", "retry-after", "redirect", "drop")
        return [post for post in self.posts if post.behaviour.partition(":")[0] not in failing]


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--certificate", required=True)
    parser.add_argument("--key", required=True)
    parser.add_argument("--port", type=int, default=8443)
    arguments = parser.parse_args()
    from google.protobuf import json_format
    with IntakeServer(arguments.certificate, arguments.key, port=arguments.port) as intake:
        n_posts = n_violations = 0
        print(intake.url, flush=True)
        while True:
            with intake.condition:
                intake.condition.wait(timeout=1)
            for post in intake.posts[n_posts:]:
                print(json.dumps(json_format.MessageToDict(post.message)), flush=True)
            n_posts = len(intake.posts)
            for violation in intake.violations[n_violations:]:
                print(violation, file=sys.stderr, flush=True)
            n_violations = len(intake.violations)


if __name__ == "__main__":
    main()
