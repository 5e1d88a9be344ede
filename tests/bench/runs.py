# SPDX-License-Identifier: Apache-2.0
"""What all measurements share: traffic and processes of a run, pairs of runs, how it is told."""

import pathlib
import shutil
import statistics
import sys
import tempfile
import time

import harness

PAIRS = 5
INTEGRATION = harness.BUILD / "tests" / "integration"
BENCH = harness.BUILD / "tests" / "bench"


def report(command, text, bound=None):
    print(f"{text:<74} {'  bound: ' + bound if bound else ''}   # ./dev bench {command}", flush=True)


def progress(text):
    print(f"bench: {text}", file=sys.stderr, flush=True)


class Run:
    """A namespace for the traffic and a folder for the processes."""

    def __enter__(self):
        self.namespace = harness.Namespace(f"sp-bench-{int(time.time()) % 100000}")
        self.processes = []
        self.holder = tempfile.TemporaryDirectory(prefix="sysprobe-bench-", dir="/run")
        pathlib.Path(self.holder.name).chmod(0o755)
        return self

    def __exit__(self, *_):
        for process in self.processes:
            process.stop()
        self.namespace.delete()
        self.holder.cleanup()

    def probe(self, **env):
        """Ready; with settings from `env`."""
        self.processes.append(harness.Probe(self.holder.name,
                                            env={"DD_SYSPROBE_SOCKET_GROUP": "nogroup", **env}))
        return self.processes[-1].ready()

    def agent(self, probe):
        state = pathlib.Path(self.holder.name) / "state"
        shutil.rmtree(state, ignore_errors=True)
        state.mkdir()
        state.chmod(0o777)
        probe.token_file.chmod(0o644)
        agent = harness.Process([harness.AGENT, "run"], env={
            "DD_SYSPROBE_SOCKET": str(probe.socket), "DD_SYSPROBE_USER": "nobody",
            "DD_CMD_PORT": "0", "DD_EXPVAR_PORT": "0",
            "DD_AUTH_TOKEN_FILE_PATH": str(probe.token_file), "DD_EXPORTERS": "local",
            "DD_PROCESS_CONFIG_INTERVALS_CONNECTIONS": "1s",
            "DD_HISTORY_PATH": str(state / "history.db")})
        agent.history = state / "history.db"
        self.processes.append(agent)
        agent.wait_log("met system-probe")
        return agent


def alternate(run, measure, n_pairs=PAIRS, **env):
    """
    Pairs of (with, without) a probe of measure(), the order swapped from pair to pair. `env`
    is for the probe.
    """
    pairs = []
    for number in range(n_pairs):
        values = {}
        for has_probe in ((True, False) if number % 2 else (False, True)):
            probe = run.probe(**env) if has_probe else None
            values[has_probe] = measure()
            if probe:
                probe.stop()
        pairs.append((values[True], values[False]))
        progress(f"pair {number + 1} of {n_pairs}: {values[True] / values[False]:.3f}")
    return pairs


def ratio_text(pairs):
    """The median, and between which ratios the middle half of the pairs lies."""
    low, median, high = statistics.quantiles((a / b for a, b in pairs), n=4, method="inclusive")
    return f"{median:.3f} (half of {len(pairs)} pairs: {low:.3f} to {high:.3f})"
