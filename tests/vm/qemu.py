# SPDX-License-Identifier: Apache-2.0
"""One boot of a guest: the emulator's command line, and what came out of it."""
import enum
import os
import select
import subprocess
import time

PROGRAM, PROGRAM_ARM64 = "qemu-system-x86_64", "qemu-system-aarch64"
# The default way to sign pointers costs an emulator more than all the rest.
MACHINE = ("-machine", "pc", "-cpu", "max"), "ttyS0"
MACHINE_ARM64 = ("-machine", "virt", "-cpu", "max,pauth-impdef=on"), "ttyAMA0"
SHARE = "security_model=none,readonly=on,multidevs=remap"
# By default as fast as it goes; else a clock that counts instructions, one a nanosecond, so
# that what is timed there does not depend on what else this machine does.
ACCEL = ("-accel", "tcg,thread=multi")
ACCEL_COUNTING = ("-accel", "tcg,thread=single", "-icount", "shift=0,align=off,sleep=off")
# A guest takes 6 to 30 s to its command; one that takes this long hangs.
BOOT_SECONDS = 180


class End(enum.Enum):
    EXIT = "the command ended"
    BOOT_FAILED = "the guest crashed, or hung, before its command began"
    CRASHED = "the guest crashed while the command ran"
    DEADLINE = "the deadline passed"


def command_line(kernel, root, initrd, console, options):
    """`root` is the folder that becomes the guest's root."""
    program, (machine, terminal) = ((PROGRAM_ARM64, MACHINE_ARM64) if kernel.is_arm64 else
                                    (PROGRAM, MACHINE))
    # Oops and panic end the emulator (-no-reboot), so that a crash is not a hang.
    # The default mitigations stay: without them the BPF verifier checks less.
    append = f"console={terminal} quiet oops=panic panic=-1 {options.append}"
    return [
        # The emulator must not outlive us, however we end.
        "setpriv", "--pdeathsig", "KILL", program,
        "-nodefaults", "-no-user-config", "-display", "none", "-nic", "none", "-no-reboot",
        *machine, *(ACCEL_COUNTING if options.instructions else ACCEL),
        "-smp", str(options.cpus), "-m", options.memory,
        "-kernel", str(kernel.image), "-initrd", str(initrd), "-append", append.strip(),
        "-serial", f"file:{console}",
        "-virtfs", f"local,path={root},mount_tag=host,{SHARE}",
        *(["-virtfs", f"local,path=/,mount_tag=machine,{SHARE}"] if kernel.is_arm64 else []),
        "-device", "virtio-serial-pci",
        "-chardev", "stdio,id=output,signal=off",
        "-device", "virtserialport,chardev=output,name=output",
    ]


def boot(arguments, mark, deadline, write):
    """Run the guest until its command ends. Output goes to write(bytes) as it comes.
    Returns (End, exit code or None, seconds until the command began or None)."""
    begin = time.monotonic()
    stream = Stream(mark, write)
    # The end of the emulator's standard input would close the guest's port.
    with subprocess.Popen(arguments, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:
        try:
            end = follow(process.stdout.fileno(), stream, begin, deadline)
        finally:
            process.kill()
    started = stream.started and stream.started - begin
    return end, stream.code, started


def follow(descriptor, stream, begin, deadline):
    while stream.code is None:
        limit = deadline if stream.started else min(deadline, begin + BOOT_SECONDS)
        ready, _, _ = select.select([descriptor], [], [], max(0, limit - time.monotonic()))
        if not ready and limit == deadline:
            return End.DEADLINE
        data = os.read(descriptor, 65536) if ready else b""
        if not data:
            return End.CRASHED if stream.started else End.BOOT_FAILED
        stream.feed(data)
    return End.EXIT


class Stream:
    """Separates the command's output from the lines of guest/session, which begin
    with a mark that is new in every run."""

    def __init__(self, mark, write):
        self.mark, self.write = mark.encode(), write
        self.held = b""
        self.started = self.code = None

    def feed(self, data):
        self.held += data
        while self.mark in self.held:
            before, _, after = self.held.partition(self.mark)
            self.write(before)
            line, newline, self.held = after.partition(b"\n")
            if not newline:
                self.held = self.mark + after
                return
            self.note(line.decode())
        self.flush()

    def note(self, line):
        if line == "started":
            self.started = time.monotonic()
        else:
            self.code = int(line.removeprefix("exit "))

    def flush(self):
        """Pass on all but the end that may be the beginning of a mark."""
        keep = next(n for n in range(len(self.mark) - 1, -1, -1)
                    if self.held.endswith(self.mark[:n]))
        cut = len(self.held) - keep
        self.write(self.held[:cut])
        self.held = self.held[cut:]
