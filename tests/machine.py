"""machine - the kernel beneath the runtime: build/machine.elf (tests/kernels/machine.c)."""
import calendar
import collections
import os
import random
import re
import socket
import subprocess
import sys
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "lib"))
from boot import QEMU, ROOT, Failed, expect, main, monitor_send, nmi_send, run  # noqa: E402

KERNEL = os.path.join(ROOT, "build", "machine.elf")
ALL_OK = "ok misc\nok vm\nok lock, clock\nok tlb\nok idle\nok timer\n"


def command(directory, test, smp=2, more=(), words="lockrank"):
    name = os.path.join(directory, test)
    with open(name, "w", encoding="utf-8") as f:
        f.write(test + "\n")
    return [QEMU, "-kernel", KERNEL, "-bundle", name, "-smp", str(smp), "-m", "256M",
            "-append", words, "-timeout", "280s", *more]


def boot(directory, test, smp=2, stdin=b"", more=()):
    return run(command(directory, test, smp, more), stdin)


def test_all(directory):
    for smp in (1, 2, 4):
        expect(boot(directory, "all", smp), 0, ALL_OK, what=f"-smp {smp}")


def test_64_cpus(directory):
    expect(boot(directory, "misc", 64), 0, "ok misc\n")


def test_maxcpus_memlimit(directory):
    result = run(command(directory, "misc", 4, words="verbose maxcpus=2 memlimit=64M no=1"))
    expect(result, 0, "ok misc\n", ["2 of 4 CPUs", "63 MiB of RAM", '"no=1" is not understood'])


def test_kinds(directory):
    """Machines with PCI and without, with ACPI's tables and without; ports by PCI and by MMIO."""
    for kind in ("q35", "q35,acpi=off", "pc", "microvm", "microvm,acpi=off"):
        r = run(command(directory, "echo", 1, ["-machine", kind], "verbose"), b"a\nb\n")
        expect(r, 0, "ready\na\nb\nok echo\n", ["virtio-console at"], what=kind)


def test_one_serial_port(directory):
    """A machine with COM1 alone: all output is there, in order, and the status is QEMU's."""
    name = os.path.join(directory, "one")
    with open(name, "w", encoding="utf-8") as f:
        f.write("misc\n")
    r = run(["qemu-system-x86_64", "-nodefaults", "-machine", "q35", "-cpu", "max", "-display",
             "none", "-serial", "stdio", "-device", "isa-debug-exit,iobase=0xf4,iosize=0x4",
             "-kernel", KERNEL, "-initrd", name, "-append", "verbose"])
    if r[0] != 0 or not re.search(r"gort: .*pci: .*\n(?s:.*)ok misc\n$", r[1]):
        raise Failed(f"status {r[0]}, {r[1]!r}")


def test_rng(directory):
    """A machine whose only source of randomness is the host's device."""
    bare = ["--", "-cpu", "max,-rdrand,-rdseed"]
    expect(boot(directory, "random", more=bare), 0, "random: error -5\n")
    for kind, device in (("q35", "virtio-rng-pci"), ("microvm", "virtio-rng-device")):
        expect(boot(directory, "random", more=["-machine", kind, *bare, "-device", device]), 0,
               "ok random 0\n", what=kind)


class Wire:
    """The other end of a network device: frames as datagrams."""

    def __init__(self, directory):
        self.host, self.guest = (os.path.join(directory, x) for x in ("wire-host", "wire-guest"))
        self.socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self.socket.bind(self.host)
        self.socket.settimeout(30)

    def netdev(self):
        return ["-netdev", f"dgram,id=n,local.type=unix,local.path={self.guest},"
                f"remote.type=unix,remote.path={self.host}"]

    def close(self):
        self.socket.close()
        os.unlink(self.host)
        if os.path.exists(self.guest):
            os.unlink(self.guest)


def echo_frames(wire, count):
    """Keeps some frames in flight; each comes back with its addresses swapped."""
    sizes = random.Random(1)
    expected = collections.deque()
    mac = None
    for i in range(count):
        body = bytes([0x88, 0xb5]) + i.to_bytes(4, "little")
        body += sizes.randbytes(sizes.choice((46, 100, 1000, 1496)))
        wire.socket.sendto(b"\xff" * 6 + b"\x02host0" + body, wire.guest)
        expected.append(body)
        while len(expected) > (0 if i == count - 1 else 8):
            got = wire.socket.recv(4096)
            mac = mac or got[6:12]
            if got[:12] != b"\x02host0" + mac or got[12:] != expected.popleft():
                raise Failed(f"frame {i}: {got[:20].hex()} came back")
    wire.socket.sendto(b"\xff" * 6 + b"\x02host0" + b"\x88\xb5end" + bytes(50), wire.guest)


def test_net(directory):
    for kind, device in (("q35", "virtio-net-pci,netdev=n,host_mtu=1400"),
                         ("q35", "virtio-net-pci,netdev=n,mrg_rxbuf=off,event_idx=off,"
                                 "indirect_desc=off,ctrl_vq=off"),
                         ("microvm", "virtio-net-device,netdev=n")):
        wire = Wire(directory)
        c = command(directory, "net", 2, ["-machine", kind, "--", *wire.netdev(), "-device",
                                          device])
        with subprocess.Popen(c, cwd=ROOT, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                              stderr=subprocess.PIPE) as p:
            try:
                lines = [p.stdout.readline() for _ in range(2)]
                if lines[1].startswith(b"ready"):
                    echo_frames(wire, 300)
                out, err = p.communicate(timeout=60)
            finally:
                p.kill()
        wire.close()
        mtu = 1400 if "host_mtu" in device else 1500
        if lines[0] != b"eth0 1 %d\n" % mtu or b"dropped 0 0\nok net 0 0\n" not in out or \
                b"sent 301 " not in out:
            raise Failed(f"{device}: {lines} {out} {err[-500:]}")


CRASHES = {
    "overflow": ["guard page of the g0 stack", "recurse", "test_overflow"],
    "doublefault": ["double fault", "guard page of the exception stack"],
    "null": ["page fault: write of 0x8, where nothing is mapped", "test_null"],
    "wild": ["page fault: write of 0x123456789000"],
    "noncanonical": ["general protection fault"],
    "jump": ["page fault: execution of 0x123456,"],
    "text": ["which the page's protection forbids"],
    "exec": ["page fault: execution of", "which the page's protection forbids"],
    "div": ["divide error"],
    "ud": ["invalid opcode"],
    "panic": ["on purpose: 42", "test_panic", "cpu 1: stopped"],
    "panics": ["gort: panic: cpu"],
    "recursion": ["fault inside the crash report, giving up"],
    "lockorder": ["lock order: b(", "under a("],
    "desctwice": ["descriptor tables of cpu 0 loaded twice"],
}


def test_crashes(directory):
    for name, texts in CRASHES.items():
        expect(boot(directory, name), 2, "", texts, what=name)


def test_echo(directory):
    data = bytes(range(256)) * 40 + b"\n\x04 at the start of a line\n\x1c\x1cd\n"
    r = subprocess.run(command(directory, "echo"), input=data, capture_output=True, cwd=ROOT,
                       timeout=120, check=False)
    if r.stdout != b"ready\n" + data + b"ok echo\n":
        raise Failed(f"{len(r.stdout)} bytes came back for {len(data)}: {r.stdout[-80:]!r}")


def storm(directory, test, smp):
    """NMIs begin once the kernel is up, because firmware does not survive them."""
    path = os.path.join(directory, f"mon-{test}-{smp}")
    with subprocess.Popen(command(directory, test, smp, ["-monitor", path]), cwd=ROOT,
                          stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                          stderr=subprocess.PIPE) as p:
        out = p.stdout.readline()
        count = nmi_send(path, p)
        out += p.stdout.read()
        err = p.stderr.read().decode("utf-8", "backslashreplace")
    expect((p.returncode, out.decode(), err), 0, f"ready\nok {test}\n", what=f"{test} {smp}:")
    if count < 500:
        raise Failed(f"only {count} NMIs were sent")


def test_machine_check(directory):
    """An error of the hardware ends in a report that names it, on whichever CPU."""
    for cpu in (0, 1):
        path = os.path.join(directory, f"mce-{cpu}")
        with subprocess.Popen(command(directory, "busy", 2, ["-monitor", path]), cwd=ROOT,
                              stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                              stderr=subprocess.PIPE) as p:
            p.stdout.readline()
            # bank 1, uncorrected, with an address; the machine check is in progress
            monitor_send(path, f"mce {cpu} 1 0xb400000000000000 0x4 0x12345000 0")
            p.stdout.read()
            err = p.stderr.read().decode("utf-8", "backslashreplace")
        expect((p.returncode, "", err), 2, "",
               [f"machine check (vector 18, error 0) on cpu {cpu}",
                "bank 1: uncorrected error, status 0xb400000000000000, address 0x12345000"])


# Each powers itself off or resets, which ends QEMU: with ACPI, with its hardware-reduced form,
# without tables, without any of the chips of a PC.
SHAPES = ["q35", "pc", "pc,acpi=off", "isapc", "microvm", "microvm,acpi=off"]


def bare_qemu(directory, machine, *more):
    """Boots without the runner and its devices. Returns COM1's output, or None if it does not
    end."""
    bundle, com1 = os.path.join(directory, "name"), os.path.join(directory, "com1")
    with open(bundle, "w", encoding="utf-8") as f:
        f.write("misc\n")
    serial = [x for n in ("com1", "com2", "com3")
              for x in ("-serial", "file:" + os.path.join(directory, n))]
    command = ["qemu-system-x86_64", "-nodefaults", "-no-user-config", "-no-reboot", "-display",
               "none", "-M", machine, "-cpu", "max", "-m", "256M", "-kernel", KERNEL, "-initrd",
               bundle, *serial, *more]
    try:
        subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True, timeout=60,
                       check=True)
    except subprocess.TimeoutExpired:
        return None
    with open(com1, encoding="utf-8") as f:
        return f.read()


def test_power_off(directory):
    for machine in SHAPES:
        said = bare_qemu(directory, machine)
        # A machine with one port has the kernel's messages there too, and the status as the last.
        lines = [x for x in (said or "").splitlines() if x != "gort: exit 0"]
        if said is None or lines[-1:] != ["ok misc"]:
            raise Failed(f"-M {machine}: " + ("does not end" if said is None else repr(said)))


def test_too_little(directory):
    """A machine without a reference clock or a local APIC is refused in one line."""
    for machine, cpu, text in (("microvm,pit=off", "max", "8254 counts"),
                               ("q35", "qemu64,-apic", "the local APIC")):
        said = bare_qemu(directory, machine, "-cpu", cpu)
        err = ""
        for n in ("com1", "com2"):
            with open(os.path.join(directory, n), encoding="utf-8") as f:
                err += f.read()
        if said is None or text not in err or err.count("\n") > 3:
            raise Failed(f"-M {machine} -cpu {cpu}: {said is None} {err!r}")


def test_century(directory):
    for base in ("1971-03-01T00:00:00", "1999-12-31T23:00:00", "2026-02-28T12:00:00",
                 "2036-02-29T23:59:00"):   # QEMU keeps 32 bits
        status, text, err = boot(directory, "wall", 1, more=["--", "-rtc", "base=" + base])
        want = calendar.timegm(time.strptime(base, "%Y-%m-%dT%H:%M:%S"))
        expect((status, "", err), 0, what=base)
        if not 0 <= int(text) - want <= 30:
            raise Failed(f"{base}: the clock says {text.strip()}, not {want}")


def test_sci_storm(directory):
    """An ACPI event that is not acknowledged keeps the line active; its interrupt is masked. The
    machine's time is its instructions', so that the storm is one on a slow host, too."""
    path = os.path.join(directory, "mon-sci")
    with subprocess.Popen(command(directory, "busy", 1, ["-monitor", path, "--", "-device",
                                                         "pcie-root-port,id=rp1", "-icount",
                                                         "shift=0,sleep=on"]),
                          cwd=ROOT, env={**os.environ, "GORT_ACCEL": "tcg"},
                          stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                          stderr=subprocess.PIPE) as p:
        p.stdout.readline()
        monitor_send(path, "o /b 0x628 2")      # GPE0_EN of the q35: PCI hot-plug
        monitor_send(path, "device_add virtio-rng-pci,bus=rp1")
        out = p.stdout.read()
        err = p.stderr.read().decode("utf-8", "backslashreplace")
    expect((p.returncode, out.decode(), err), 0, "ok busy\n")
    count = int(re.search(r"cpu 0: .* (\d+) interrupts", err)[1])
    if not 500 < count < 5000:
        raise Failed(f"{count} interrupts")


def test_tscskew(directory):
    """TSCs out of step, by half a second and by more than the machine's age."""
    for smp, ticks in ((2, 10 ** 9), (4, 10 ** 14)):
        words = f"lockrank verbose tscskew={ticks}"
        expect(run(command(directory, "all", smp, words=words)), 0, ALL_OK,
               [f"cpu {n}'s" if n == 0 else f"TSC of cpu {n} is" for n in range(smp)],
               what=f"-smp {smp} {words}")


def test_nmi_halt(directory):
    """CPUs that wake each other out of `hlt`, and NMIs that come right before it."""
    storm(directory, "pingpong", 2)


def test_nmi_storm(directory):
    for smp in (1, 2):
        storm(directory, "sleep", smp)
        storm(directory, "busy", smp)


if __name__ == "__main__":
    main([test_all, test_maxcpus_memlimit, test_crashes, test_echo, test_machine_check,
          test_power_off, test_too_little, test_century, test_sci_storm,
          test_nmi_halt, test_tscskew],
         slow=[test_64_cpus, test_nmi_storm])
