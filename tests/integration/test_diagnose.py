# SPDX-License-Identifier: Apache-2.0
"""core-agent diagnose: what is there, what is not, and the remedy."""
import json
import re
import socket
import struct
import threading
import time

import pytest

from harness import until
from operators import assert_golden


def diagnosis(operator, **options):
    done = operator.run("diagnose", "--json", **options)
    found = [json.loads(line) for line in done.stdout.splitlines()]
    return done.returncode, {check["check"]: check for check in found}


def test_diagnose_passes_what_is_there(operator):
    code, found = diagnosis(operator)
    for check in ("settings", "agent", "socket", "token", "kernel", "btf", "mounts", "upstream",
                  "hostname"):
        assert found[check]["result"] == "pass", found[check]
    assert code == 0


def test_diagnose_without_anything_names_each_remedy(operator, folder):
    operator.agent.stop()
    code, found = diagnosis(operator, env={
        "DD_SYSPROBE_SOCKET": str(folder / "nothing"), "DD_EXPORTERS": "intake",
        "DD_AUTH_TOKEN_FILE_PATH": str(folder / "no_token"), "HOST_PROC": str(folder)})
    assert code == 1
    for check in ("agent", "socket", "token", "mounts", "upstream"):
        assert found[check]["result"] == "fail" and found[check]["remedy"], found[check]
    assert "start system-probe" in found["socket"]["remedy"]
    assert "is no procfs" in found["mounts"]["text"]


NO_KUBELET = {"DD_KUBERNETES_KUBELET_HOST": "127.0.0.1", "DD_KUBERNETES_HTTPS_KUBELET_PORT": "1",
              "DD_KUBERNETES_HTTP_KUBELET_PORT": "0"}


@pytest.mark.parametrize("operator", [NO_KUBELET], indirect=True)
def test_diagnose_says_which_source_of_names_fails_and_why(operator):
    until(lambda: "kubelet" in diagnosis(operator)[1]["names"]["text"], "it has been asked")
    found = diagnosis(operator)[1]["names"]
    assert found["result"] == "warning" and found["remedy"]
    assert "https://127.0.0.1:1/pods" in found["text"]


def test_diagnose_warns_of_a_name_that_is_the_pods(operator):
    found = diagnosis(operator, env={"KUBERNETES_SERVICE_HOST": "10.0.0.1"})[1]["hostname"]
    assert found["result"] == "warning" and "DD_NODE_NAME" in found["remedy"]


def test_diagnose_goes_on_after_settings_that_are_wrong(operator):
    code, found = diagnosis(operator, env={"DD_CMD_PORT": "many"})
    assert code == 1 and found["settings"]["result"] == "fail" and len(found) == 18
    assert "DD_CMD_PORT" in found["settings"]["text"]


def test_diagnose_sees_that_btf_is_hidden(operator, folder):
    (folder / "empty").touch()
    _, found = diagnosis(operator, prefix=[
        "unshare", "--mount", "sh", "-c",
        f'mount --bind {folder}/empty /sys/kernel/btf/vmlinux && exec "$0" "$@"'])
    assert found["btf"]["result"] == "warning" and "sock_diag" in found["btf"]["text"]
    assert "findmnt" in found["btf"]["remedy"]


def test_diagnose_names_capabilities_that_cannot_be_had(operator, folder):
    _, found = diagnosis(operator, env={"DD_SYSPROBE_SOCKET": str(folder / "none")}, prefix=["setpriv", "--bounding-set", "-sys_admin,-bpf"])
    assert found["capabilities"]["result"] == "warning"
    assert "CAP_BPF" in found["capabilities"]["text"]


class TimeServer(threading.Thread):
    """Answers NTP requests with a clock that is off by some seconds (RFC 4330)."""

    def __init__(self, offset_s):
        super().__init__(daemon=True)
        self.offset_s = offset_s
        self.socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.socket.bind(("127.0.0.1", 0))
        self.address = "127.0.0.1:%d" % self.socket.getsockname()[1]

    def run(self):
        request, client = self.socket.recvfrom(512)
        now = time.time() + self.offset_s + 2208988800
        stamp = struct.pack("!II", int(now), int(now % 1 * 2**32))
        self.socket.sendto(bytes([0x24, 2, 0, 0]) + bytes(20) + request[40:48] + stamp + stamp,
                           client)


@pytest.mark.parametrize("offset_s, wanted", [(0, "pass"), (-30, "warning"), (120, "fail")])
def test_diagnose_compares_the_clock(operator, offset_s, wanted):
    server = TimeServer(offset_s)
    server.start()
    _, found = diagnosis(operator, env={"DD_SYSPROBE_NTP_SERVER": server.address})
    assert found["clock"]["result"] == wanted, found["clock"]
    if offset_s:
        assert f"{offset_s}.0 s from" in found["clock"]["text"]


OF_THE_MACHINE = ["kernel", "btf", "capabilities", "lsm", "cgroup", "conntrack", "runtimes",
                  "kubelet", "hostname", "clock"]


def without_machine(text):
    """The result and text of checks that ask this machine are left out, with their remedies."""
    asks = "|".join(OF_THE_MACHINE)
    return re.sub(rf"(?m)^\w+ +({asks}) .*(\n .*)*", r"RESULT   \1", text)


def test_diagnose_is_a_line_for_each_check_and_its_remedy_below(operator, folder):
    out = without_machine(operator.run("diagnose").stdout).replace(str(folder), "FOLDER")
    assert_golden("diagnose.txt", out)


def test_diagnose_without_anything_is_a_list_of_remedies(operator, folder):
    operator.agent.stop()
    nowhere = {"DD_SYSPROBE_SOCKET": str(folder / "nothing"), "DD_EXPORTERS": "intake",
               "DD_AUTH_TOKEN_FILE_PATH": str(folder / "no_token"), "HOST_PROC": str(folder)}
    out = without_machine(operator.run("diagnose", env=nowhere).stdout)
    assert_golden("diagnose_without_anything.txt", out.replace(str(folder), "FOLDER"))
