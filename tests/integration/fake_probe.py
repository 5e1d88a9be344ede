#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""A system-probe made of tables, for tests of core-agent.

Speaks the socket protocol of proto/sysprobe.proto over a Unix socket, and can be
told to fail in each way that a real one might. By itself it serves invented
connections, for measurements of the agent:

    fake_probe.py --socket PATH --connections N
"""
import argparse
import http.server
import os
import socketserver
import threading
import time
import urllib.parse

from harness import proto

BATCH = 1000
COUNTERS = ("bytes_sent", "bytes_received", "packets_sent", "packets_received", "retransmits")
KNOWN_COUNTERS = 0x1f << 16  # bits of Connection.known_fields


def connection(number, state=proto.STATE_OPEN, **fields):
    """A connection of which everything is valid; `fields` override."""
    record = proto.Connection(
        id=number, protocol=proto.PROTOCOL_TCP, family=proto.FAMILY_IPV4,
        local_address=bytes([10, 0, 0, 1]), local_port=1024 + number % 60000,
        remote_address=bytes([10, 0, number >> 8 & 255, number & 255]), remote_port=443,
        netns=4026531840, role=proto.ROLE_CLIENT, state=state, comm="client",
        bytes_sent=100, bytes_received=1000, packets_sent=2, packets_received=3,
        rtt_us=150, rtt_var_us=20, known_fields=KNOWN_COUNTERS)
    return changed(record, fields)


def ends(number, **fields):
    """Both ends of one connection between two network namespaces of a host."""
    client = connection(number, netns=1, **fields)
    server = connection(number + 1, netns=2, role=proto.ROLE_SERVER, **fields)
    server.local_address, server.remote_address = client.remote_address, client.local_address
    server.local_port, server.remote_port = client.remote_port, client.local_port
    return client, server


def listener(number, **fields):
    """A socket that listens on port 443 of any address and has not dropped anything."""
    record = proto.Connection(
        id=number, protocol=proto.PROTOCOL_TCP, family=proto.FAMILY_IPV4,
        local_address=bytes(4), local_port=443, remote_address=bytes(4), netns=4026531840,
        role=proto.ROLE_SERVER, state=proto.STATE_LISTENING, comm="server",
        accept_queue_max=128, known_fields=0xf << 46)
    return changed(record, fields)


def changed(record, fields):
    """With `fields` set; those have a value, so they are known."""
    for name, value in fields.items():
        field = proto.Connection.DESCRIPTOR.fields_by_name[name]
        if name == "drops":
            record.drops.extend(value)
        else:
            setattr(record, name, value)
        if field.number >= 28 and name != "known_fields":
            record.known_fields |= 1 << field.number
    return record


class Log:
    """Numbered records of which the oldest can be made to give way."""

    def __init__(self):
        self.first, self.records = 1, []
        self.total = proto.Overflow()

    @property
    def next(self):
        return self.first + len(self.records)

    def append(self, record):
        record.sequence = self.next
        self.records.append(record)
        self.total.connections += 1
        for name in COUNTERS:
            setattr(self.total, name, getattr(self.total, name) + getattr(record, name, 0))

    def evict(self, n):
        self.first += n
        del self.records[:n]

    def since(self, sequence):
        return self.records[max(sequence - self.first, 0):]


class FakeProbe:
    def __init__(self, path):
        self.path = str(path)
        self.lock = threading.RLock()  # held while an answer is made, and by tests to change it
        self.requests = []  # (path, from)
        self.authorization = set()
        self.pages = {  # what it says of itself
            "/v1/status": b'{"version":"fake","tier":"fake","counters":{"requests":7}}\n',
            "/metrics": b"# TYPE sysprobe_requests_total counter\nsysprobe_requests_total 7\n"}
        self.faults = {}  # path -> function(body) -> (status, body, is_cut)
        self.ahead_ns = 0  # of the machine's clock
        self.restart()

    def restart(self):
        """Another instance: all numbers begin anew."""
        with self.lock:
            self.instance = os.urandom(16)
            self.live = {}
            self.alive = []
            self.closed, self.process_log = Log(), Log()
            self.overflow = {}

    def close(self, number, **fields):
        """The connection leaves the live ones for the closed log."""
        with self.lock:
            record = self.live.pop(number, None) or connection(number)
            record.state = proto.STATE_CLOSED
            record.closed_ns = time.clock_gettime_ns(time.CLOCK_BOOTTIME)
            self.closed.append(changed(record, fields))

    def n_requests(self, path):
        with self.lock:
            return sum(1 for asked, _ in self.requests if asked == path)

    def header(self, log):
        header = proto.Header(
            instance_id=self.instance, tier="fake", now_unix_ns=time.time_ns(),
            now_boottime_ns=time.clock_gettime_ns(time.CLOCK_BOOTTIME) + self.ahead_ns)
        if log:
            header.first_sequence = log.first
        return header

    def trailer(self, n, log):
        trailer = proto.Trailer(n_records=n, overflow=self.overflow.values())
        if log:
            trailer.next_sequence = log.next
        if log is self.closed:
            trailer.before_next.CopyFrom(log.total)
        return trailer

    def batches(self, path, start):
        if path == "/v1/connections":
            return self.frame("connections", list(self.live.values()), None)
        if path == "/v1/closed":
            return self.frame("connections", self.closed.since(start), self.closed)
        table = self.alive if start <= 1 or start < self.process_log.first else []
        return self.frame("processes", table + self.process_log.since(start), self.process_log)

    def frame(self, field, records, log):
        yield proto.Batch(header=self.header(log))
        for i in range(0, len(records), BATCH):
            yield proto.Batch(**{field: records[i:i + BATCH]})
        yield proto.Batch(trailer=self.trailer(len(records), log))

    def answer(self, path, start):
        """Status, pieces of the body, and whether it ends without the last chunk."""
        with self.lock:
            self.requests.append((path, start))
            if path in self.pages:
                return 200, [self.pages[path]], False
            pieces = [encode(batch) for batch in self.batches(path, start)]
            fault = self.faults.get(path) or self.faults.get("*")
            return fault(pieces) if fault else (200, pieces, False)

    def __enter__(self):
        self.server = Server(self.path, Handler)
        self.server.probe = self
        os.chmod(self.path, 0o777)
        threading.Thread(target=self.server.serve_forever, args=(0.05,), daemon=True).start()
        return self

    def __exit__(self, *_):
        self.server.shutdown()
        self.server.server_close()
        os.unlink(self.path)


def encode_size(size):
    out = bytearray()
    while size > 127:
        out.append(size & 127 | 128)
        size >>= 7
    return bytes(out + bytes([size]))


def encode(batch):
    body = batch.SerializeToString()
    return encode_size(len(body)) + body


# Faults: what becomes of the pieces of a good answer.

def truncated(keep):
    """The connection ends after `keep` batches."""
    return lambda pieces: (200, pieces[:keep], True)


def without_trailer(pieces):
    return 200, pieces[:-1], False


def oversized(pieces):
    return 200, [pieces[0], encode_size(1024 * 1024 + 1), b"x" * 4096], False


def garbage(pieces):
    return 200, [pieces[0], b"\x05\xff\xff\xff\xff\xff"], False


class Stalled:
    """Sends `keep` batches and then nothing until released."""

    def __init__(self, keep):
        self.keep = keep
        self.is_reached = threading.Event()
        self.released = threading.Event()

    def __call__(self, pieces):
        return 200, self.send(pieces), True

    def send(self, pieces):
        yield from pieces[:self.keep]
        self.is_reached.set()
        self.released.wait()


def status(code, text):
    return lambda pieces: (code, [text.encode()], False)


class Server(socketserver.ThreadingMixIn, socketserver.UnixStreamServer):
    daemon_threads = True


class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_GET(self):
        url = urllib.parse.urlsplit(self.path)
        start = int(urllib.parse.parse_qs(url.query).get("from", ["0"])[0])
        probe = self.server.probe
        probe.authorization.add(self.headers.get("Authorization"))
        code, pieces, is_cut = probe.answer(url.path, start)
        try:
            self.send_response(code)
            self.send_header("Transfer-Encoding", "chunked")
            self.end_headers()
            for piece in pieces:
                self.wfile.write(f"{len(piece):x}\r\n".encode() + piece + b"\r\n")
            if not is_cut:
                self.wfile.write(b"0\r\n\r\n")
        except OSError:  # the agent had enough: it is meant to
            is_cut = True
        self.close_connection = is_cut

    def address_string(self):
        return "unix"

    def log_message(self, *_):
        pass


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--socket", required=True)
    parser.add_argument("--connections", type=int, default=1000)
    arguments = parser.parse_args()
    with FakeProbe(arguments.socket) as probe:
        probe.live = {i: connection(i) for i in range(1, arguments.connections + 1)}
        print("ready", flush=True)
        while True:
            time.sleep(1)
            with probe.lock:
                for record in list(probe.live.values())[:100]:
                    record.bytes_sent += 1000
                    record.packets_sent += 1


if __name__ == "__main__":
    main()
