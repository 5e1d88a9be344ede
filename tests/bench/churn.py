# SPDX-License-Identifier: Apache-2.0
"""What it costs to open and close connections: a ratio of each of three programs, and losses."""

import os
import pathlib
import re
import statistics
import subprocess
import time

import harness
from kubernetes import make_certificate
from runs import INTEGRATION, alternate, ratio_text, report

CONNECTIONS = int(os.environ.get("BENCH_CONNECTIONS", "4000"))
TLS_CONNECTIONS = CONNECTIONS // 4  # each takes far longer
PAIRS = int(os.environ.get("BENCH_PAIRS", "24"))
LOST_CONNECTIONS = 50000
BOUND = ">= 0.95"
WITHOUT_UDP = {"DD_NETWORK_CONFIG_COLLECT_UDP_V4": "false",
               "DD_NETWORK_CONFIG_COLLECT_UDP_V6": "false"}


def lean(run):
    """Connections a second of a program that does nothing else; the median of three short runs."""
    def once():
        ns = run.namespace.run(str(INTEGRATION / "tcp-churn"), str(CONNECTIONS), "time")
        return CONNECTIONS / int(ns) * 1e9

    return statistics.median(once() for _ in range(3))


def requests_a_second(run, n, url):
    """A connection for each request: what a web server without keep-alive does."""
    out = run.namespace.run("ab", "-q", "-n", str(n), "-c", "4", url)
    return float(re.search(r"Requests per second:\s+([\d.]+)", out).group(1))


def start_nginx(run):
    folder = pathlib.Path(run.holder.name)
    make_certificate(folder, "nginx", "IP:127.0.0.1")
    (folder / "nginx.conf").write_text(f"""
        daemon off; pid {folder}/nginx.pid; error_log stderr; worker_processes 1;
        events {{ }}
        http {{
            access_log off; ssl_certificate {folder}/nginx.crt; ssl_certificate_key {folder}/nginx.key;
            server {{ listen 127.0.0.1:8080; listen 127.0.0.1:8443 ssl; return 200 hello; }}
        }}""")
    nginx = run.namespace.popen("nginx", "-c", f"{folder}/nginx.conf", "-p", str(folder))
    harness.until(lambda: ":8443" in run.namespace.run("ss", "-tlHn"), "nginx listens")
    return nginx


def compare(run, what, measure, bound=None, **env):
    measure(run)  # warm-up
    pairs = alternate(run, lambda: measure(run), PAIRS, **env)
    report("churn", f"{what}, with / without: {ratio_text(pairs)}", bound)


def churn(run):
    """A connection that does nothing is the dearest case: what the probe adds is the same for all."""
    compare(run, "connections opened and closed a second", lean, BOUND)
    compare(run, "the same, UDP not collected", lean, **WITHOUT_UDP)
    nginx = start_nginx(run)
    try:
        compare(run, "requests a second, nginx and ab, one connection each",
                lambda run: requests_a_second(run, CONNECTIONS, "http://127.0.0.1:8080/"), BOUND)
        compare(run, "the same over TLS, one handshake each",
                lambda run: requests_a_second(run, TLS_CONNECTIONS, "https://127.0.0.1:8443/"), BOUND)
    finally:
        nginx.terminate()
        nginx.wait()


def lost(run):
    """The highest churn: as many programs as CPUs, each opening and closing all it can."""
    probe = run.probe()
    n_programs = len(os.sched_getaffinity(0))
    churns = [run.namespace.popen(str(INTEGRATION / "tcp-churn"), str(LOST_CONNECTIONS),
                                  stdout=subprocess.DEVNULL) for _ in range(n_programs)]
    start = time.monotonic()
    codes = [churn.wait() for churn in churns]
    per_second = n_programs * LOST_CONNECTIONS / (time.monotonic() - start)
    assert not any(codes), "a churn program failed"
    stream = probe.closed()
    report("lost", f"close records lost of {2 * n_programs * LOST_CONNECTIONS}, at {per_second:.0f} "
           f"connections a second: {stream.overflow('closed_ring_full').connections}", "0")
    probe.stop()
