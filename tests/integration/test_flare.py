# SPDX-License-Identifier: Apache-2.0
"""core-agent flare: one file for those who help, without a secret in it."""
import io
import json
import re
import subprocess
import tarfile

from harness import AGENT, DEADLINE_S
from operators import API_KEY, assert_golden


def flare(operator, path, *words, **options):
    return operator.run("flare", "--output", path, *words, **options)


def test_flare_holds_what_it_lists_and_no_secret(operator, folder):
    settings = folder / "agent.yaml"
    settings.write_text(f"api_key: {API_KEY}\nsite: example.com\n# password: hunter2\n")
    done = flare(operator, folder / "flare.tar", "--config", settings)
    assert done.returncode == 0, done.stderr
    listed = [line.split()[1] for line in done.stdout.splitlines()[:-1]]
    data = (folder / "flare.tar").read_bytes()
    with tarfile.open(fileobj=io.BytesIO(data)) as archive:
        assert [m.name for m in archive] == [f"sysprobe-flare/{name}" for name in listed]
        texts = {m.name.split("/")[1]: archive.extractfile(m).read().decode() for m in archive}
    assert (folder / "flare.tar").stat().st_mode & 0o777 == 0o600
    for secret in (API_KEY, "hunter2", operator.agent.token()):
        assert secret.encode() not in data
    assert texts["core-agent.yaml"].startswith("api_key: ********\nsite: example.com\n")
    assert "met system-probe" in texts["core-agent.log"]
    assert json.loads(texts["config.json"])["api_key"] == "********"
    assert len(texts["connections.jsonl"].splitlines()) == 4
    assert "sysprobe_agent" in texts["metrics.txt"] or "# HELP" in texts["metrics.txt"]
    assert all(json.loads(line)["check"] for line in texts["diagnose.jsonl"].splitlines())


def test_flare_to_standard_output_is_the_archive_alone(operator, folder):
    with open(folder / "out.tar", "wb") as out:
        done = subprocess.run([AGENT, "flare", "--output", "-"], env=operator.env, stdout=out,
                              stdin=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True,
                              timeout=DEADLINE_S, check=True)
    with tarfile.open(folder / "out.tar") as archive:
        names = [m.name.split("/")[1] for m in archive]
    assert names == [line.split()[1] for line in done.stderr.splitlines()[:-1]]


def test_flare_lists_what_it_would_hold(operator):
    text = re.sub(r"(?m)^ +\d+", "BYTES", operator.out("flare", "--list"))
    assert_golden("flare_list.txt", text)


def test_flare_list_writes_nothing(operator, folder):
    done = flare(operator, folder / "flare.tar", "--list")
    assert done.returncode == 0 and "status.json" in done.stdout
    assert not (folder / "flare.tar").exists()


def test_flare_overwrites_nothing(operator, folder):
    (folder / "flare.tar").write_text("mine")
    done = flare(operator, folder / "flare.tar")
    assert done.returncode == 1 and "File exists" in done.stderr
    assert (folder / "flare.tar").read_text() == "mine"


def test_flare_without_agent_says_what_is_missing(operator, folder):
    operator.agent.stop()
    assert flare(operator, folder / "flare.tar").returncode == 0
    with tarfile.open(folder / "flare.tar") as archive:
        problems = archive.extractfile("sysprobe-flare/problems.txt").read().decode()
    assert "core-agent is not running" in problems
