# SPDX-License-Identifier: Apache-2.0
"""What an intake gets of an agent that ends."""
import re

import pytest

import intake_server
from agent_on_fake import start  # noqa: F401, fixture
from fake_probe import connection
from harness import until
from test_intake_exporter import KEY, make_certificate


@pytest.fixture
def intake(workplace):
    certificate, key = make_certificate(workplace, "intake")
    certificate.chmod(0o644)
    with intake_server.IntakeServer(certificate, key, api_key=KEY) as server:
        server.env = {"DD_EXPORTERS": "intake", "DD_API_KEY": KEY,
                      "DD_PROCESS_AGENT_URL": server.url,
                      "DD_SYSPROBE_TLS_CA_FILE": str(certificate)}
        yield server


def ended(agent):
    """Counters of the exporter, as the agent's last words have them."""
    line = agent.wait_log("exporter ended")
    return {name: int(value) for name, value in re.findall(r"(\w+)=(\d+)", line)}


def test_message_on_its_way_arrives(fake, start, intake):
    intake.behaviours.append("slow:1")
    fake.live[1] = connection(1)
    agent = start(env=intake.env)
    until(lambda: intake.posts, "the message is on its way")
    assert agent.stop() == 0
    assert ended(agent).items() >= {"connections": 1, "delivered": 1, "dropped": 0}.items()


def test_intake_that_does_not_answer_delays_the_end_for_seconds_only(fake, start, intake):
    intake.behaviours.append("slow:60")
    fake.live[1] = connection(1)
    agent = start(env=intake.env)
    until(lambda: intake.posts, "the message is on its way")
    assert agent.stop() == 0
    assert "stopping before all could be sent to the intake" in agent.log()
