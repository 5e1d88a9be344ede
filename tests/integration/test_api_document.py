# SPDX-License-Identifier: Apache-2.0
"""The OpenAPI document and the server say the same, both ways."""
import os
import re
import signal

import jsonschema
import pytest
import yaml

from api_client import ApiAgent
from fake_probe import connection, FakeProbe, proto
from harness import ROOT, until

DOCUMENT = yaml.safe_load((ROOT / "core-agent" / "api" / "openapi.yaml").read_text())
VARIABLES = ("/debug/vars", "/metrics")


def as_json_schema(node):
    """OpenAPI 3.0 says nullable where JSON Schema has a type of its own."""
    if isinstance(node, list):
        return [as_json_schema(item) for item in node]
    if not isinstance(node, dict):
        return node
    result = {key: as_json_schema(value) for key, value in node.items() if key != "nullable"}
    return {"anyOf": [{"type": "null"}, result]} if node.get("nullable") else result


SCHEMAS = as_json_schema(DOCUMENT["components"])


def check(value, schema):
    jsonschema.validate(value, {**as_json_schema(schema), "components": SCHEMAS})


def operations():
    """Method, path, and what the document says of them."""
    for path, item in DOCUMENT["paths"].items():
        for method in ("get", "post"):
            if method in item:
                yield method.upper(), path, {
                    **item[method],
                    "parameters": item.get("parameters", []) + item[method].get("parameters", [])}


@pytest.fixture
def agent(folder):
    folder.chmod(0o777)
    with FakeProbe(folder / "sysprobe.sock") as fake:
        fake.live = {1: connection(1, tgid=os.getpid(), comm="one"),
                     2: connection(2, comm="two", protocol=proto.PROTOCOL_UDP),
                     3: connection(3, comm="three")}
        fake.close(3, state=proto.STATE_FAILED, error=111)
        one = ApiAgent(folder, env={"DD_PROCESS_CONFIG_INTERVALS_CONNECTIONS": "1s",
                                    "DD_TAGS": "team:net stage:test"}).ready()
        until(lambda: one.get("/agent/connections")["matched"] == 3, "all are known")
        until(lambda: one.get("/agent/version")["probe_version"], "the probe's status is known")
        yield one
        one.stop(signal.SIGKILL)


def ask(agent, method, path):
    if path in VARIABLES:
        return agent.variables(path)
    value = {"value": "info"} if "{setting}" in path else None
    path = path.replace("{setting}", "log_level")
    return agent.post(path, value) if method == "POST" else agent.request(path)


def test_document_and_server_have_the_same_routes_and_rights(agent):
    served = {(r["method"], r["path"], r["needs_token"]) for r in agent.get("/agent")["routes"]}
    described = {(method, path, operation.get("security") != [])
                 for method, path, operation in operations() if path not in VARIABLES}
    assert served == described


CALLS = [(m, p, o) for m, p, o in operations() if p not in ("/agent/stop", "/agent/stream-logs")]


@pytest.mark.parametrize("method, path, operation", CALLS, ids=[f"{m} {p}" for m, p, _ in CALLS])
def test_the_answer_is_as_described(agent, method, path, operation):
    answer = ask(agent, method, path)
    described = operation["responses"][str(answer.status)]["content"]
    kind = answer.headers["Content-Type"].split(";")[0]
    assert kind in described
    if kind == "application/json":
        check(answer.json(), described[kind]["schema"])


def test_streams_and_the_end_are_as_described(agent):
    client = agent.client()
    client.request("POST", "/agent/stream-logs",
                   headers={"Authorization": f"Bearer {agent.token()}"})
    answer = client.getresponse()
    assert answer.status == 200 and answer.headers["Content-Type"].startswith("text/plain")
    stop = agent.post("/agent/stop")
    described = DOCUMENT["paths"]["/agent/stop"]["post"]["responses"]["200"]["content"]
    check(stop.json(), described["application/json"]["schema"])


@pytest.mark.parametrize("path", ["/agent/connections", "/agent/topology", "/agent/processes",
                                  "/agent/containers", "/agent/tagger-list"])
def test_json_lines_are_as_described(agent, path):
    answer = agent.request(f"{path}?format=jsonl")
    content = DOCUMENT["paths"][path]["get"]["responses"]["200"]["content"]
    for line in answer.lines():
        check(line, content["application/x-ndjson"]["schema"])


EXAMPLES = {"integer": "5", "string": {"error": "any", "local": "10.0.0.0/8", "remote": "::1",
                                      "state": "open,failed", "fields": "id,comm"}}


def example(parameter):
    schema = parameter["schema"]
    if "enum" in schema:
        return schema["enum"][-1]
    if schema["type"] == "integer":
        return "5"
    return EXAMPLES["string"].get(parameter["name"], "some")


QUERIES = [(p, q) for m, p, o in operations() if m == "GET" for q in o["parameters"]
           if q["in"] == "query"]


def test_every_described_parameter_is_understood(agent):
    for path, parameter in QUERIES:
        query = f"{path}?{parameter['name']}={example(parameter)}"
        answer = until(lambda: (a := agent.request(query)).status != 429 and a, "the rate allows it")
        assert answer.status == 200, (query, answer.body)


def test_the_tags_that_the_readme_describes_are_fields(agent):
    table = (ROOT / "README.md").read_text().split("### Tags")[1].split("\n\n")[1]
    names = re.findall(r"`([a-z_]+)`", " ".join(line.split("|")[1] for line in table.splitlines()))
    assert len(names) > 20
    for name in ",".join(names), ",".join("remote_" + name for name in names[:16]):
        answer = until(lambda: (a := agent.request(f"/agent/connections?fields={name}")).status
                       != 429 and a, "the rate allows it")
        assert answer.status == 200, answer.body


def test_errors_are_as_described(agent):
    error = DOCUMENT["components"]["schemas"]["Error"]
    for answer in (agent.request("/agent/nothing"), agent.request("/agent/version", headers={}),
                   agent.post("/agent/version"), agent.request("/agent/connections?colour=red"),
                   agent.request("/agent/config/nothing"), agent.variables("/nothing")):
        assert answer.status >= 400
        check(answer.json(), error)


def test_the_fields_that_can_be_chosen_are_those_described(agent):
    for name in DOCUMENT["components"]["schemas"]["Connection"]["properties"]:
        answer = until(lambda: (a := agent.request(f"/agent/connections?fields={name}")).status
                       != 429 and a, "the rate allows it")
        assert answer.status == 200, name
