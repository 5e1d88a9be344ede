# SPDX-License-Identifier: Apache-2.0
"""A kubelet and an API server made of tables, strict about what they are asked.

Over TLS, with a certificate of the test's. Whatever a request has that Kubernetes would
not take is kept in `KubeServer.violations`. `faults` says for a path how it is answered in
place of the good answer, as often as there are faults.
"""
import collections
import http.server
import json
import queue
import re
import socket
import ssl
import threading
import urllib.parse

PARAMETERS = {  # of list and watch; Kubernetes API conventions
    "limit": r"[1-9]\d*", "continue": r".+", "watch": "1|true", "resourceVersion": r"\d+",
    "allowWatchBookmarks": "1|true", "timeoutSeconds": r"[1-9]\d*", "fieldSelector": r".+",
    "labelSelector": r".+", "resourceVersionMatch": "NotOlderThan|Exact"}


def pod(name, address=None, uid=None, container=None, namespace="shop", node="node1",
        phase="Running", labels=None, annotations=None, **spec):
    """As the API server shows it."""
    status = {"phase": phase, "podIPs": [{"ip": address}] if address else []}
    if container:
        status["containerStatuses"] = [{
            "name": f"{name}-main", "containerID": f"containerd://{container}",
            "image": "registry.example/shop/web:1.2", "state": {"running": {}}}]
    return {"metadata": {"uid": uid or f"uid-{name}", "name": name, "namespace": namespace,
                         "labels": labels or {}, "annotations": annotations or {},
                         "resourceVersion": "1"},
            "spec": {"nodeName": node, **spec}, "status": status}


def as_kubelet_shows(item):
    """Where it has a pod from is the kubelet's own word (pkg/kubelet/config/config.go)."""
    metadata = item["metadata"]
    return {**item, "metadata": {**metadata, "annotations": {
        **metadata.get("annotations", {}), "kubernetes.io/config.source": "api"}}}


def endpoint_slice(name, service, *pods, namespace="shop"):
    return {"metadata": {"name": name, "namespace": namespace, "uid": f"uid-{name}",
                         "labels": {"kubernetes.io/service-name": service}},
            "addressType": "IPv4",
            "endpoints": [{"addresses": [p["status"]["podIPs"][0]["ip"]],
                           "conditions": {"ready": True}, "nodeName": p["spec"]["nodeName"],
                           "targetRef": {"kind": "Pod", "name": p["metadata"]["name"],
                                         "namespace": namespace, "uid": p["metadata"]["uid"]}}
                          for p in pods]}


class Collection:
    """Objects of one kind as the API server has them, with a history that can be watched."""

    def __init__(self, kind, version):
        self.kind, self.version = kind, version
        self.objects, self.watchers = {}, []
        self.revision, self.oldest = 100, 0
        self.changed = []  # (revision, event)

    def set(self, item):
        key = (item["metadata"]["namespace"], item["metadata"]["name"])
        event = "MODIFIED" if key in self.objects else "ADDED"
        self.objects[key] = item
        self.tell(event, item)

    def remove(self, item):
        del self.objects[item["metadata"]["namespace"], item["metadata"]["name"]]
        self.tell("DELETED", item)

    def tell(self, event, item):
        self.revision += 1
        item["metadata"]["resourceVersion"] = str(self.revision)
        row = {"type": event, "object": {
            "kind": self.kind, "apiVersion": self.version, **json.loads(json.dumps(item))}}
        self.changed.append((self.revision, row))
        for watcher in self.watchers:
            watcher.put(row)

    def bookmark(self):
        """The history before now is forgotten, and who watches is told where it is."""
        self.revision += 1
        self.oldest = self.revision
        for watcher in self.watchers:
            watcher.put({"type": "BOOKMARK", "object": {
                "kind": self.kind, "apiVersion": self.version,
                "metadata": {"resourceVersion": str(self.revision)}}})

    def end_watches(self):
        for watcher in self.watchers:
            watcher.put(None)


def status_object(code, reason):
    return {"kind": "Status", "apiVersion": "v1", "status": "Failure", "reason": reason,
            "code": code}


class KubeServer:
    def __init__(self, certificate=None, key=None, token="first-token", port=0):
        self.token, self.page_size = token, None
        self.lock = threading.RLock()
        self.violations, self.requests = [], []
        self.faults = collections.defaultdict(list)
        self.pods_of_node = []
        self.pods = Collection("Pod", "v1")
        self.slices = Collection("EndpointSlice", "discovery.k8s.io/v1")
        self.paths = {"/api/v1/pods": self.pods,
                      "/apis/discovery.k8s.io/v1/endpointslices": self.slices}
        self.server = Server(("127.0.0.1", port), Handler)
        self.server.kube = self
        if certificate:
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            context.load_cert_chain(certificate, key)
            self.server.socket = context.wrap_socket(
                self.server.socket, server_side=True, do_handshake_on_connect=False)
        self.port = self.server.server_address[1]

    def __enter__(self):
        threading.Thread(target=self.server.serve_forever, args=(0.05,), daemon=True).start()
        return self

    def __exit__(self, *_):
        for collection in self.paths.values():
            collection.end_watches()
        self.close_port()

    def close_port(self):
        self.server.shutdown()
        self.server.server_close()

    def n_requests(self, path):
        with self.lock:
            return sum(1 for asked, _ in self.requests if asked == path)

    def queries(self, path):
        with self.lock:
            return [query for asked, query in self.requests if asked == path]

    def check(self, handler, url):
        """What a real one refuses, or never gets from a good client."""
        query = dict(urllib.parse.parse_qsl(url.query, keep_blank_values=True))
        bad = [f"{name}={value}" for name, value in query.items()
               if not re.fullmatch(PARAMETERS.get(name, "(?!)"), value)]
        if url.path == "/pods" and query:
            bad.append("the kubelet takes no parameters")
        if "application/json" not in handler.headers.get("Accept", ""):
            bad.append("no Accept: application/json")
        if not isinstance(handler.connection, ssl.SSLSocket) and "Authorization" in handler.headers:
            bad.append("a token in clear text")
        with self.lock:
            self.requests.append((url.path, query))
            self.violations += [f"{handler.path}: {what}" for what in bad]
        return query


class Server(http.server.ThreadingHTTPServer):
    def handle_error(self, *_):
        pass  # the client had enough, or does not trust us: tests look at the client


class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    timeout = 30

    def do_GET(self):
        kube, url = self.server.kube, urllib.parse.urlsplit(self.path)
        query = kube.check(self, url)
        with kube.lock:
            fault = kube.faults[url.path].pop(0) if kube.faults[url.path] else None
        if fault:
            fault(self)
        elif isinstance(self.connection, ssl.SSLSocket) and \
                self.headers.get("Authorization") != f"Bearer {kube.token}":
            status(401)(self)
        elif url.path == "/pods":
            self.send_pods()
        elif url.path not in kube.paths:
            status(404)(self)
        elif "watch" in query:
            self.watch(kube.paths[url.path], int(query.get("resourceVersion", 0)))
        else:
            self.list(kube.paths[url.path], query)

    def pod_list(self):
        items = [as_kubelet_shows(item) for item in self.server.kube.pods_of_node]
        return {"kind": "PodList", "apiVersion": "v1", "metadata": {}, "items": items or None}

    def send_pods(self, headers=()):
        self.send_object(self.pod_list(), headers=headers)

    def send_object(self, value, code=200, headers=()):
        self.send_bytes(json.dumps(value, separators=(",", ":")).encode(), code, headers)

    def send_bytes(self, body, code=200, headers=(), size=None):
        self.send_response(code)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(size or len(body)))
        for name, value in headers:
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(body)

    def begin_chunked(self):
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Transfer-Encoding", "chunked")
        self.end_headers()

    def send_chunk(self, piece):
        self.wfile.write(f"{len(piece):x}\r\n".encode() + piece + b"\r\n")
        self.wfile.flush()

    def list(self, collection, query):
        with self.server.kube.lock:
            items = list(collection.objects.values())
            start = int(query.get("continue", "0"))
            size = min(int(query.get("limit", len(items) or 1)),
                       self.server.kube.page_size or len(items) or 1)
            metadata = {"resourceVersion": str(collection.revision)}
            if start + size < len(items):
                metadata["continue"] = str(start + size)
            self.send_object({"kind": f"{collection.kind}List", "apiVersion": collection.version,
                              "metadata": metadata, "items": items[start:start + size]})

    def watch(self, collection, revision):
        events = queue.Queue()
        with self.server.kube.lock:
            if revision < collection.oldest:
                status(410)(self)
                return
            for number, event in collection.changed:
                if number > revision:
                    events.put(event)
            collection.watchers.append(events)
        self.begin_chunked()
        try:
            for event in iter(events.get, None):
                self.send_chunk(json.dumps(event).encode() + b"\n")
            self.send_chunk(b"")
        except OSError:  # the client has gone
            self.close_connection = True
        with self.server.kube.lock:
            collection.watchers.remove(events)

    def log_message(self, *_):
        pass


# Faults: how a request may be answered.

def status(code, headers=()):
    def answer(handler):
        handler.send_object(status_object(code, "Test"), code, headers)
    return answer


def last_answer(handler):
    """The good one, when nobody listens any more."""
    handler.server.kube.close_port()
    handler.send_pods([("Connection", "close")])


def cut_off(handler):
    handler.send_bytes(b'{"kind":"PodList","items":[{"metadata":', size=1000)
    handler.connection.shutdown(socket.SHUT_RDWR)
    handler.close_connection = True


def garbage(handler):
    handler.send_bytes(b"<html>not what you think</html>")


def other_json(handler):
    handler.send_object({"kind": "NodeList", "items": []})


def huge_item(handler):
    handler.send_bytes(b'{"kind":"PodList","items":[{"metadata":{"uid":"' +
                       b"x" * (3 * 1024 * 1024) + b'"}}]}')


def huge_rest(handler):
    handler.send_bytes(b'{"kind":"' + b"x" * (1024 * 1024) + b'"}')


def chunked(handler):
    """The good answer, a few bytes at a time."""
    body = json.dumps(handler.pod_list()).encode()
    handler.begin_chunked()
    for i in range(0, len(body), 7):
        handler.send_chunk(body[i:i + 7])
    handler.send_chunk(b"")


class Held:
    """Answers only once released."""

    def __init__(self):
        self.reached, self.released = threading.Event(), threading.Event()

    def __call__(self, handler):
        self.reached.set()
        self.released.wait()
        handler.close_connection = True
