# SPDX-License-Identifier: Apache-2.0
"""Metadata services of clouds and of ECS, on a loopback address, for tests of core-agent.

Made from the published descriptions, of which SHAPES has what the agent relies on:
  AWS    Instance Metadata Service Version 2; instance identity documents (EC2 User Guide)
  GCP    About VM metadata; predefined metadata keys (Compute Engine)
  Azure  Instance Metadata Service for virtual machines
  ECS    task metadata endpoint versions 3 and 4; container agent introspection
"""
import copy
import http.server
import json
import re
import threading

TEXT = {"type": "string", "minLength": 1}


def record(required, **optional):
    return {"type": "object", "required": list(required),
            "properties": {**required, **optional}}


def matching(pattern):
    return {"type": "string", "pattern": f"^{pattern}$"}


def list_of(item):
    return {"type": "array", "items": item}


ARN = "arn:aws:ecs:[a-z0-9-]+:[0-9]{12}:task/"
CONTAINER = {"DockerId": matching("[0-9a-f]{64}"), "DockerName": TEXT, "Name": TEXT}
SHAPES = {
    "aws": record({
        "accountId": matching("[0-9]{12}"), "architecture": matching("i386|x86_64|arm64"),
        "availabilityZone": matching("[a-z]+-[a-z]+-[0-9][a-z]"), "imageId": matching("ami-[0-9a-f]+"),
        "instanceId": matching("i-[0-9a-f]+"), "instanceType": matching("[a-z0-9-]+\\.[a-z0-9]+"),
        "privateIp": TEXT, "region": matching("[a-z]+-[a-z]+-[0-9]"), "version": TEXT}),
    "gcp": record({
        "instance": record({
            "hostname": matching("[a-z0-9.-]+\\.internal"), "id": {"type": "integer"},
            "machineType": matching("projects/[0-9]+/machineTypes/[a-z0-9-]+"), "name": TEXT,
            "networkInterfaces": list_of(record({
                "ip": TEXT, "mac": TEXT, "network": matching("projects/[0-9]+/networks/.+")})),
            "tags": list_of(TEXT), "zone": matching("projects/[0-9]+/zones/[a-z0-9-]+")}),
        "project": record({"numericProjectId": {"type": "integer"}, "projectId": TEXT})}),
    "azure": record({
        "compute": record({
            "azEnvironment": TEXT, "location": TEXT, "name": TEXT, "resourceGroupName": TEXT,
            "subscriptionId": matching("[0-9a-f-]{36}"), "vmId": matching("[0-9a-f-]{36}"),
            "vmSize": TEXT, "zone": {"type": "string"}}),
        "network": record({"interface": list_of(record({"macAddress": TEXT}))})}),
    "ecs_metadata": record({
        "Cluster": TEXT, "ContainerInstanceArn": TEXT, "Version": matching("Amazon ECS Agent - .+")}),
    "ecs_tasks": record({"Tasks": list_of(record({
        "Arn": matching(ARN + ".+"), "DesiredStatus": TEXT, "KnownStatus": TEXT, "Family": TEXT,
        "Version": TEXT, "Containers": list_of(record(CONTAINER))}))}),
    "ecs_own_task": record({
        "Cluster": TEXT, "TaskARN": matching(ARN + ".+"), "Family": TEXT, "Revision": TEXT,
        "DesiredStatus": TEXT, "KnownStatus": TEXT,
        "Containers": list_of(record(CONTAINER))}, LaunchType=matching("EC2|FARGATE")),
}

MACS = "/latest/meta-data/network/interfaces/macs/"
MAC, OTHER_MAC = "02:29:96:8f:6a:2d", "02:29:96:8f:6a:2e"
TASK = "arn:aws:ecs:us-west-2:111122223333:task/default/158d1c8083dd49d6b527399fd6414f5c"
AGENT_ID, WEB_ID, PAUSE_ID = "ea" * 32, "9581" * 16, "73" * 32

DOCUMENTS = {
    "aws": {
        "accountId": "123456789012", "architecture": "x86_64", "availabilityZone": "us-west-2b",
        "billingProducts": None, "devpayProductCodes": None, "imageId": "ami-5fb8c835",
        "instanceId": "i-1234567890abcdef0", "instanceType": "m5.large", "kernelId": None,
        "marketplaceProductCodes": None, "pendingTime": "2026-01-19T16:32:11Z",
        "privateIp": "10.158.112.84", "ramdiskId": None, "region": "us-west-2",
        "version": "2017-09-30"},
    "gcp": {
        "instance": {
            "attributes": {"startup-script": "export PASSWORD=hunter2"},
            "cpuPlatform": "Intel Broadwell", "description": "",
            "disks": [{"deviceName": "boot", "index": 0, "mode": "READ_WRITE",
                       "type": "PERSISTENT"}],
            "hostname": "web-1.c.sample-project.internal", "id": 5089834957183247613,
            "image": "projects/debian-cloud/global/images/debian-12-bookworm-v20260110",
            "machineType": "projects/739419398126/machineTypes/n1-standard-1", "name": "web-1",
            "networkInterfaces": [{
                "gateway": "10.128.0.1", "ip": "10.128.0.2", "mac": "42:01:0a:80:00:02",
                "network": "projects/739419398126/networks/default",
                "subnetmask": "255.255.240.0"}],
            "tags": ["http-server", "https-server"],
            "zone": "projects/739419398126/zones/us-east1-b"},
        "oslogin": {},
        "project": {"attributes": {}, "numericProjectId": 739419398126,
                    "projectId": "sample-project"}},
    "azure": {
        "compute": {
            "azEnvironment": "AzurePublicCloud", "location": "westeurope", "name": "vm-7",
            "osType": "Linux", "resourceGroupName": "shop-rg",
            "subscriptionId": "8d10da13-8125-4ba9-a717-bf7490507b3d",
            "tagsList": [{"name": "team", "value": "shop"}],
            "vmId": "02aab8a4-74ef-476e-8182-f6d2ba4166a6", "vmSize": "Standard_A3", "zone": "2"},
        "network": {"interface": [{
            "ipv4": {"ipAddress": [{"privateIpAddress": "10.144.133.132", "publicIpAddress": ""}],
                     "subnet": [{"address": "10.144.133.128", "prefix": "26"}]},
            "ipv6": {"ipAddress": []}, "macAddress": "0011AAFFBB22"}]}},
    "ecs_metadata": {
        "Cluster": "shop", "Version": "Amazon ECS Agent - v1.89.1 (02ff320c)",
        "ContainerInstanceArn":
            "arn:aws:ecs:us-west-2:111122223333:container-instance/shop/4d34e4eca6b64c8fa6e7e9d1a9"},
    "ecs_tasks": {"Tasks": [{
        "Arn": TASK, "DesiredStatus": "RUNNING", "KnownStatus": "RUNNING", "Family": "web",
        "Version": "8", "Containers": [
            {"DockerId": WEB_ID, "DockerName": "ecs-web-8-nginx-fcae8ac8f9f1d89d8301",
             "Name": "nginx"}]}]},
    "ecs_own_task": {
        "Cluster": "arn:aws:ecs:us-west-2:111122223333:cluster/shop", "TaskARN": TASK,
        "Family": "agents", "Revision": "26", "DesiredStatus": "RUNNING",
        "KnownStatus": "RUNNING", "LaunchType": "EC2", "Containers": [
            {"DockerId": AGENT_ID, "DockerName": "ecs-agents-26-agent-e292d586b6f9dade4a00",
             "Name": "agent", "Image": "sysprobe:1", "Type": "NORMAL"},
            {"DockerId": PAUSE_ID, "DockerName": "ecs-agents-26-internalecspause-e292d586",
             "Name": "~internal~ecs~pause", "Type": "CNI_PAUSE"}]},
}


def hang(handler):
    """Nothing comes back: what a hop limit of 1 does to a container, for one."""
    handler.connection.recv(1)
    handler.server.owner.given_up.set()


def cut_off(handler):
    handler.send_response(200)
    handler.send_header("Content-Length", "100000")
    handler.end_headers()
    handler.wfile.write(b'{"instance": ')
    handler.wfile.flush()


def slow(handler):
    """One byte now and then, for ever."""
    handler.send_response(200)
    handler.send_header("Content-Length", "100000")
    handler.end_headers()
    try:
        while not handler.server.owner.released.wait(0.02):
            handler.wfile.write(b" ")
            handler.wfile.flush()
    except ConnectionError:
        handler.server.owner.given_up.set()


def garbage(handler):
    handler.reply(200, b'{"instanceId": ["i-1"], "instance": 7, "compute": null, "Tasks": {}}\xff')


def page(handler):
    handler.reply(200, b"<html>log in to the hotel's network</html>",
                  {"Metadata-Flavor": "Google"})


def huge(handler):
    handler.reply(200, b'{"a": "' + b"x" * (5 * 1024 * 1024) + b'"}')


def status(code):
    def answer(handler):
        handler.reply(code, b"no", {"Retry-After": "1"})
    answer.__name__ = f"status_{code}"
    return answer


class MetadataServer:
    """Answers for the clouds in `serves`; for others as theirs do: not at all."""

    def __init__(self, *serves):
        self.serves = set(serves)
        self.documents = copy.deepcopy(DOCUMENTS)
        self.vpc = "vpc-0f1e2d3c"
        self.interfaces = {MAC: {"subnet-id": "subnet-9a8b7c6d",
                                 "subnet-ipv4-cidr-block": "10.158.112.0/24"}}
        self.instance_tags = {"Name": "web-1", "team": "shop"}  # None: not switched on
        self.fault = None
        self.uses_of_a_token = None  # as many requests, then it has expired
        self.requests = []
        self.released = threading.Event()
        self.given_up = threading.Event()  # a client has waited as long as it ever does
        self.lock = threading.Lock()
        self.tokens = {}

    def __enter__(self):
        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.server.daemon_threads = True
        self.server.owner = self
        self.address = f"127.0.0.1:{self.server.server_address[1]}"
        self.url = f"http://{self.address}"
        threading.Thread(target=self.server.serve_forever, args=(0.05,), daemon=True).start()
        return self

    def __exit__(self, *_):
        self.released.set()
        self.server.shutdown()
        self.server.server_close()

    def settings(self):
        return {
            "DD_CLOUD_PROVIDER_METADATA": "aws gcp azure",
            "AWS_EC2_METADATA_SERVICE_ENDPOINT": self.url + "/",
            "GCE_METADATA_HOST": self.address,
            "DD_SYSPROBE_AZURE_METADATA_URL": self.url,
            "HOST_SYS": "/nonexistent"}

    def n_requests(self, path):
        with self.lock:
            return sum(1 for _, asked in self.requests if asked.startswith(path))

    def take_token(self, token):
        """Whether it is one, and still is."""
        with self.lock:
            self.tokens[token] = self.tokens.get(token, 0) - 1
            return self.tokens[token] >= 0

    def new_token(self):
        with self.lock:
            token = f"AQAEAL{len(self.tokens):040d}=="
            self.tokens[token] = self.uses_of_a_token or 1 << 30
            return token.encode()

    def aws_pages(self):
        pages = {
            "/latest/dynamic/instance-identity/document": json.dumps(self.documents["aws"]),
            MACS: "".join(f"{mac}/\n" for mac in self.interfaces).rstrip("\n"),
            "/latest/meta-data/mac": MAC, MACS + MAC + "/vpc-id": self.vpc}
        for mac, members in self.interfaces.items():
            pages.update({f"{MACS}{mac}/{name}": text for name, text in members.items()})
        if self.instance_tags is not None:
            pages["/latest/meta-data/tags/instance/"] = "\n".join(self.instance_tags)
            for key, value in self.instance_tags.items():
                pages["/latest/meta-data/tags/instance/" + key] = value
        return pages


class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def reply(self, code, body, headers=None):
        self.send_response(code)
        for name, value in {"Content-Length": str(len(body)), **(headers or {})}.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(body)

    def reply_json(self, name, headers=None):
        self.reply(200, json.dumps(self.server.owner.documents[name]).encode(), headers)

    def do_PUT(self):
        self.answer("PUT")

    def do_GET(self):
        self.answer("GET")

    def answer(self, method):
        owner = self.server.owner
        with owner.lock:
            owner.requests.append((method, self.path))
        try:
            if owner.fault:
                owner.fault(self)
                self.close_connection = True
            elif self.path.startswith("/latest/") and "aws" in owner.serves:
                self.answer_aws(method)
            elif self.path.startswith("/computeMetadata/") and "gcp" in owner.serves:
                self.answer_gcp()
            elif self.path.startswith("/metadata/instance") and "azure" in owner.serves:
                self.answer_azure()
            else:
                self.answer_ecs()
        except OSError:  # the agent had enough: it is meant to
            self.close_connection = True

    def answer_aws(self, method):
        owner = self.server.owner
        if self.path == "/latest/api/token":
            ttl = self.headers.get("X-aws-ec2-metadata-token-ttl-seconds", "")
            is_good = method == "PUT" and ttl.isdigit() and 1 <= int(ttl) <= 21600
            is_good = is_good and "X-Forwarded-For" not in self.headers
            self.reply(200 if is_good else 400, owner.new_token() if is_good else b"")
        elif not owner.take_token(self.headers.get("X-aws-ec2-metadata-token")):
            self.reply(401, b"Unauthorized")
        else:
            body = owner.aws_pages().get(self.path)
            self.reply(404 if body is None else 200, (body or "Not Found").encode())

    def answer_gcp(self):
        if self.headers.get("Metadata-Flavor") != "Google":
            self.reply(403, b"Missing Metadata-Flavor:Google header.")
        elif self.path != "/computeMetadata/v1/?recursive=true":
            self.reply(404, b"not served by this fixture")
        else:
            self.reply_json("gcp", {"Metadata-Flavor": "Google",
                                    "Content-Type": "application/json"})

    def answer_azure(self):
        version = re.fullmatch(r"/metadata/instance\?api-version=\d{4}-\d\d-\d\d", self.path)
        if self.headers.get("Metadata") != "true" or not version:
            self.reply(400, b'{"error": "Bad request."}')
        else:
            self.reply_json("azure")

    def answer_ecs(self):
        kinds = {"/v1/metadata": "ecs_metadata", "/v1/tasks": "ecs_tasks",
                 "/v4/ea/task": "ecs_own_task", "/v3/ea/task": "ecs_own_task"}
        name = kinds.get(self.path)
        if name is None or not self.server.owner.serves & {name, "ecs"}:
            self.reply(404, b"404 page not found")
        else:
            self.reply_json(name)

    def log_message(self, *_):
        pass
