# SPDX-License-Identifier: Apache-2.0
"""The rows of the matrix: kernels as they come, and the same ones made difficult."""
from typing import NamedTuple

ALL = "kernel"
# Enough to see that a variant takes nothing away that it should not.
CORE = "kernel and core"
WITHOUT_BPF = "without_bpf"
ARM64_BUILD = "build-arm64"


class Row(NamedTuple):
    name: str
    kernel: str
    tier: str  # that the probe must choose there, tests/integration/test_tier.py
    tests: str = CORE  # marks (pytest -m)
    off: str = ""  # hooks of system-probe/hooks.c that must be off there, and no others
    append: str = ""  # words for the kernel
    # Shell commands in the guest before the tests; the row fails when one does.
    prepare: str = "true"
    build: str = "build"  # folder of the checkout


def lockdown(kernel, mode, **rest):
    return Row(f"{kernel}-{mode}", kernel, "trampoline", append=f"lockdown={mode}",
               prepare=f"grep -qF '[{mode}]' /sys/kernel/security/lockdown", **rest)


def tracepoint(kernel):
    return Row(f"{kernel}-tracepoint", kernel, "tracepoint",
               prepare="export DD_SYSPROBE_TIER=tracepoint")


NEEDS_BPF = "connect-error retransmit reset"
NO_BTF = "mount -t tmpfs none /sys/kernel/btf"
CGROUP_V1 = """umount /sys/fs/cgroup
mount -t tmpfs none /sys/fs/cgroup
mkdir /sys/fs/cgroup/pids
mount -t cgroup -o pids none /sys/fs/cgroup/pids"""
NO_IPV6 = "test ! -e /proc/net/if_inet6"
HARDENED = """echo 2 >/proc/sys/net/core/bpf_jit_harden
echo 2 >/proc/sys/kernel/unprivileged_bpf_disabled"""

ROWS = {row.name: row for row in (
    Row("5.10", "5.10", "netlink", WITHOUT_BPF, off=NEEDS_BPF),
    Row("6.1", "6.1", "trampoline", ALL),
    Row("6.12", "6.12", "trampoline", ALL),
    Row("newest", "newest", "trampoline", ALL),
    tracepoint("6.1"),
    tracepoint("newest"),
    lockdown("6.1", "confidentiality"),
    lockdown("6.12", "confidentiality"),
    lockdown("newest", "confidentiality"),
    lockdown("newest", "integrity"),  # refuses less than the other
    Row("no-btf", "6.1", "netlink", WITHOUT_BPF, off=f"{NEEDS_BPF} exec exit",
        prepare=NO_BTF),
    Row("cgroup-v1", "6.12", "trampoline", prepare=CGROUP_V1),
    Row("no-ipv6", "6.12", "trampoline", append="ipv6.disable=1", prepare=NO_IPV6),
    Row("bpf-hardened", "newest", "trampoline", prepare=HARDENED),
    # fentry came to arm64 with Linux 6.4.
    Row("6.1-arm64", "6.1-arm64", "tracepoint", build=ARM64_BUILD),
    Row("6.12-arm64", "6.12-arm64", "trampoline", build=ARM64_BUILD),
)}
