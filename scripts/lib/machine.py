"""machine - one run of QEMU, seen as a process: stdin, stdout, stderr, an exit status.

The guest writes to these channels, each a socket pair that QEMU inherits:

    COM1, COM2   the program's stdout and stderr, with the kernel's first messages, as bytes
    ports        gort.stdin, gort.stdout, gort.stderr of a virtio console: the same, fast, from the
                 moment at which the kernel has found them; gort.stdout alone if stdout and stderr
                 are one file: then the order of what is written to them stays
    COM3         control: "gort: ready" when input may be sent; "gort: input by port" before it if
                 input goes to gort.stdin and not to COM1 (whose UART loses bytes while it is set
                 up); files that the program has written (gort/os/fs/outputs.c); "gort: ending" when
                 the machine waits until its output has been read; "gort: exit N", the status before
                 it powers off

To the guest, 0x1c is an escape: 0x1c 'd' is the end of input, 'c', 'q', 'g', 's' are keys
(drivers/console.c), and 0x1c before any other byte is that byte. So 0x1c itself is escaped, and
Ctrl-D, which the kernel takes for the end of input on a serial line without gort.
"""
import collections
import ctypes
import functools
import mmap
import os
import re
import select
import shutil
import signal
import socket
import stat
import subprocess
import sys
import tempfile
import time

from common import (KERNEL, ROOT, STATUS_LOST, STATUS_NO_EXIT, STATUS_TIMEOUT,  # noqa: E402
                    UserError)

QEMU = "qemu-system-x86_64"
FIRMWARE = ("/usr/share/ovmf/OVMF.fd", "/usr/share/OVMF/OVMF.fd", "/usr/share/qemu/OVMF.fd",
            "/usr/share/edk2/x64/OVMF.4m.fd", "/usr/share/edk2-ovmf/x64/OVMF.fd")
# The UEFI loader's word that from here on COM1 and COM2 are gort's (boot/uefi/loader.h).
SERIAL_MARK = b"\x1cgort\x1c\n"
# Messages of OVMF when it could start none of its boot entries.
REFUSED_RE = re.compile(rb"EFI Internal Shell|No bootable option")
EXIT_RE = re.compile(rb"^gort: exit (\d+)\r?$", re.M)
READY = b"gort: ready\n"
BY_PORT = b"gort: input by port\n"
ENDING = b"gort: ending\n"
FILE_RE = re.compile(rb"gort: (file|part|end)(?: (.+))?\n")
# Messages of the kernel and the program when the machine has too little memory.
NO_MEMORY_RE = re.compile(rb"out of memory|no space left on device|no memory for|"
                          rb"too little memory|MiB of memory")
MEMORY_SECONDS = 30
POWER_OFF_SECONDS = 5       # from the exit status to QEMU's end
CHUNK = 65536
PIPE_BUF = 4096             # a pipe or terminal that can be written to takes that much
SINK_MAX = 1 << 20          # bytes that may wait for a slow reader before the guest has to
PR_SET_PDEATHSIG = 1
TCG = "tcg,thread=multi"       # QEMU's own CPU, a host thread for each


def firmware_file():
    override = os.environ.get("GORT_OVMF")
    for path in [override] if override else FIRMWARE:
        if os.path.exists(path):
            return path
    raise UserError(f"no UEFI firmware ({override or 'OVMF'}) found: run scripts/setup, or name "
                    "the file in GORT_OVMF")


def escape_input(data):
    return data.replace(b"\x1c", b"\x1c\x1c").replace(b"\x04", b"\x1c\x04")


@functools.lru_cache
def has_ports():
    """Does this QEMU have virtio consoles? Its own list of devices takes half a second: it is for
    a script around QEMU only."""
    if os.environ.get("GORT_CONSOLE") == "serial":
        return False
    try:
        with open(shutil.which(QEMU), "rb") as f, \
                mmap.mmap(f.fileno(), 0, access=mmap.ACCESS_READ) as m:
            if m[:4] == b"\x7fELF":
                return m.find(b"virtio-serial-pci\0") >= 0
        r = subprocess.run([QEMU, "-device", "help"], capture_output=True, text=True, timeout=60)
        return '"virtio-serial-pci"' in r.stdout
    except (OSError, TypeError, ValueError, subprocess.TimeoutExpired):
        return False


END_OF_INPUT = b"\x1cd"
# Signals are passed to the guest as a letter on COM3. SIGTERM presses the power button.
KEYS = {signal.SIGINT: (b"c", "interrupt"), signal.SIGQUIT: (b"q", "quit"),
        signal.SIGUSR1: (b"g", None)}


class Config:
    """What to boot and on what. Either (kernel, bundle, cmdline) over PVH, or a disk image
    over UEFI."""

    def __init__(self, smp=2, mem_mib=512, kernel=KERNEL, bundle=None, cmdline="", image=None,
                 firmware=None, extra=(), timeout=None, verbose=False, gdb=None, monitor=None,
                 app=None, accel=None, outputs=None, outputs_optional=(), machine="q35",
                 network=None):
        accel = accel or os.environ.get("GORT_ACCEL") or TCG
        counted = any("icount" in x for x in [accel, *extra])
        if counted and accel == TCG:    # counted instructions are those of one host thread
            accel = "tcg,thread=single"
        self.accel, self.machine = accel, machine
        self.smp, self.mem_mib, self.timeout, self.verbose = smp, mem_mib, timeout, verbose
        self.kernel, self.bundle, self.cmdline = kernel, bundle, cmdline
        self.image, self.firmware = image, firmware
        self.extra, self.gdb, self.monitor = list(extra), gdb, monitor
        self.app = app          # for symbols in the report of a hang
        self.network = network  # None: no device
        self.net_fds = []       # of its tap, for QEMU to inherit
        self.outputs = outputs or {}    # files to bring back: {guest path: host path}
        self.outputs_optional = outputs_optional    # outputs that need not be written
        # Counted instructions leave no room for a device that works beside them.
        self.ports = has_ports() and not counted

    def small(self):
        """One serial port, no PCI."""
        return self.machine.startswith("microvm")

    def command(self, fds):
        c = [QEMU, "-nodefaults", "-no-user-config", "-no-reboot", "-machine", self.machine,
             "-accel", self.accel, "-cpu", "max", "-display", "none",
             "-smp", str(self.smp), "-m", f"{self.mem_mib}M",
             "-device", "isa-debug-exit,iobase=0xf4,iosize=0x4"]
        small = self.small()
        for n, fd in enumerate(fds[:3]):
            c += ["-chardev", f"socket,id=com{n + 1},fd={fd}"]
            if n == 0 or not small:
                c += ["-serial", f"chardev:com{n + 1}"]
        c += ["-chardev", f"socket,id=mon,fd={fds[3]}", "-mon", "chardev=mon,mode=readline"]
        if small:
            c += ["-global", "virtio-mmio.force-legacy=false"]
        if self.ports:
            c += ["-device", f"virtio-serial-{'device' if small else 'pci'},id=gort,max_ports=5"]
            if small:
                c += ["-device", "virtserialport,bus=gort.0,chardev=com3,name=gort.control"]
        if self.network:
            c += self.network.arguments(small, self.smp, self.net_fds)
        for name, fd in zip(("stdin", "stdout", "stderr"), fds[4:]):
            c += ["-chardev", f"socket,id={name},fd={fd}",
                  "-device", f"virtserialport,bus=gort.0,chardev={name},name=gort.{name}"]
        if self.monitor:
            c += ["-monitor", f"unix:{self.monitor},server=on,wait=off"]
        if self.gdb:
            c += ["-S", "-chardev", f"socket,id=gdb,path={self.gdb},server=on,wait=off",
                  "-gdb", "chardev:gdb"]
        if self.image:
            c += ["-vga", "std", "-bios", self.firmware or firmware_file(), "-net", "none",
                  "-drive", f"format=raw,file={self.image},snapshot=on"]
        else:
            c += ["-vga", "none", "-kernel", self.kernel]
            if self.bundle:
                c += ["-initrd", self.bundle]
            if self.cmdline:
                c += ["-append", self.cmdline]
        return c + self.extra


def die_with_parent():
    """Runs in the child: QEMU is killed when gort ends, however it ends."""
    ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGKILL)


class Sink:
    """A buffer in front of one of gort's descriptors. Its reader may be slow, so writes never
    block."""

    def __init__(self, fd):
        self.fd, self.parts, self.size = fd, collections.deque(), 0
        try:
            self.piece = CHUNK if stat.S_ISREG(os.fstat(fd).st_mode) else PIPE_BUF
        except OSError:
            self.piece = PIPE_BUF   # closed: the first write says so

    def put(self, data):
        if data:
            self.parts.append(memoryview(data))
            self.size += len(data)

    def pump(self):
        """Writes once; poll has reported room."""
        part = self.parts.popleft()
        try:
            n = os.write(self.fd, part[:self.piece])
        except BlockingIOError:
            n = 0
        except BrokenPipeError:
            raise
        except OSError as e:
            raise UserError(f"the program's output cannot be written: {e.strerror}") from e
        self.size -= n
        if n < len(part):
            self.parts.appendleft(part[n:])


class Port:
    """The host's end of one of the guest's ports."""

    def __init__(self, sink=None, firmware=False):
        self.sink = sink
        self.firmware = firmware    # still the firmware's console: its output is dropped
        self.dropped = b""
        self.ours, self.theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_STREAM)
        self.ours.setblocking(False)
        self.open = True

    def read(self):
        """Reads bytes; b'' if there are none now. Notes the end of the stream."""
        try:
            data = self.ours.recv(CHUNK)
        except BlockingIOError:
            return b""
        except ConnectionResetError:
            data = b""
        if not data:
            self.open = False
        return data

    def after_mark(self, data):
        """The part of the data that comes from gort, not from firmware."""
        if not self.firmware:
            return data
        self.dropped = self.dropped[-100:] + data
        at = self.dropped.find(SERIAL_MARK)
        if at < 0:
            return b""
        self.firmware = False
        return self.dropped[at + len(SERIAL_MARK):]


def one_file(a, b):
    """Do two descriptors lead to the same pipe, terminal or file?"""
    try:
        return a == b or os.path.sameopenfile(a, b)
    except OSError:
        return False


class Machine:
    def __init__(self, config, stdin=0, stdout=1, stderr=2):
        self.config = config
        self.stdin, self.stderr = stdin, stderr
        self.to_stdout = Sink(stdout)
        self.to_stderr = self.to_stdout if one_file(stdout, stderr) else Sink(stderr)
        uefi = bool(config.image)
        # Where there is one serial port, it has the messages: the program's output has ports.
        alone = config.ports and config.small()
        self.out = Port(self.to_stderr if alone else self.to_stdout, uefi)
        self.err = Port(self.to_stderr, uefi)
        self.ctl, self.mon = Port(), Port()
        self.port_in, self.ports = None, [self.out, self.err, self.ctl, self.mon]
        if config.ports:
            self.port_in = Port()
            self.ports += [self.port_in, Port(self.to_stdout)]
            if self.to_stderr is not self.to_stdout:
                self.ports.append(Port(self.to_stderr))
        self.input = self.out           # the port that takes the program's input
        self.status = None              # as said on COM3
        self.ending = False             # the guest waits until we have read everything
        self.ctl_text = b""
        self.arriving = None            # [path, bytes] of a file that the guest hands over
        self.arrived = set()            # paths of outputs that have arrived
        self.lost = False               # one of them could not be kept
        self.tail = collections.deque(maxlen=12)    # last lines of stderr
        self.partial = b""
        self.pending = b""              # input on its way to the guest
        self.input_open = stdin is not None
        self.ready = False              # COM3 has said so
        self.signals = []               # arrived, not yet acted on
        self.sent = set()               # of these the next one ends the machine
        self.keys = b""                 # on their way to the guest
        self.wake, self.woken = socket.socketpair()     # a signal interrupts the wait

    def refused(self):
        return self.err.firmware and REFUSED_RE.search(self.err.dropped)

    # ---- start and end ------------------------------------------------------------------
    def start(self):
        if not shutil.which(QEMU):
            raise UserError(f"{QEMU} is not installed: run scripts/setup")
        fds = [p.theirs.fileno() for p in self.ports]
        command = self.config.command(fds)
        if self.config.verbose:
            print("gort:", " ".join(command), file=sys.stderr, flush=True)
        self.started = time.monotonic()
        self.process = subprocess.Popen(
            command, stdin=subprocess.DEVNULL, stdout=self.stderr, stderr=self.stderr,
            pass_fds=fds + self.config.net_fds,
            start_new_session=True, preexec_fn=die_with_parent)
        for fd in self.config.net_fds:
            os.close(fd)
        for p in self.ports:
            p.theirs.close()

    def check_input(self):
        """May stdin be read? A background job that reads the terminal would be stopped."""
        try:
            os.fstat(self.stdin)
            if os.isatty(self.stdin) and os.tcgetpgrp(self.stdin) != os.getpgrp():
                self.input_open = False
        except OSError:
            self.input_open = False
            self.pending += END_OF_INPUT

    def stop(self):
        """Kills QEMU: it has no state to save, and would print a message at SIGTERM."""
        if self.process.poll() is None:
            self.process.kill()
        self.process.wait()

    # ---- the loop -----------------------------------------------------------------------
    def run(self):
        """Runs to the end; returns the exit status."""
        self.start()
        old = {n: signal.signal(n, self.on_signal) for n in [*KEYS, signal.SIGTERM]}
        self.woken.setblocking(False)
        self.wake.setblocking(False)
        old_fd = signal.set_wakeup_fd(self.woken.fileno(), warn_on_full_buffer=False)
        try:
            return self.loop()
        except BrokenPipeError:
            return 128 + signal.SIGPIPE
        finally:
            self.stop()
            signal.set_wakeup_fd(old_fd)
            for number, handler in old.items():
                signal.signal(number, handler)

    def on_signal(self, number, frame):
        del frame
        self.signals.append(number)

    def take_signals(self):
        """The first Ctrl-C, Ctrl-\\ and SIGTERM are the program's; the second ends the machine.
        Returns the status to end with, or None."""
        while self.signals:
            number = self.signals.pop(0)
            if number in self.sent or (number == signal.SIGTERM and not self.ready):
                self.note("interrupted")
                return 128 + number
            key, name = KEYS.get(number, (b"", "power button"))
            if key:
                self.keys += key
                self.write_keys()
            else:
                self.mon.ours.sendall(b"system_powerdown\n")
            if name:
                self.sent.add(number)
                self.note(f"{name} sent to the program; again ends the machine")
        return None

    def write_keys(self):
        """Writes keys to COM3, which never blocks for so few bytes once it is set up."""
        if self.ready and self.ctl.open and self.keys:
            self.ctl.ours.sendall(self.keys)
            self.keys = b""

    def deadline(self):
        """Ends the machine at -timeout. A slow reader of its output may still take any time."""
        limit = self.started + self.config.timeout if self.config.timeout else None
        if self.status is not None:
            off = self.status_time + POWER_OFF_SECONDS
            limit = off if limit is None else min(limit, off)
        return limit

    def running(self):
        return any(p.open for p in self.ports if p is not self.mon)

    def loop(self):
        while self.running():
            limit = self.deadline()
            wait = 1.0 if limit is None else min(1.0, limit - time.monotonic())
            if wait <= 0:
                break
            self.step(wait)
            ended = self.take_signals()
            if ended is not None:
                return self.flush(ended)
            if self.refused():
                self.note("the firmware did not start the image: it is damaged, or none of gort's")
                return self.flush(STATUS_NO_EXIT)
        self.flush_tail()
        if self.status is not None:
            return self.flush(self.check_outputs(self.status))
        if self.running():
            return self.flush(self.report_timeout())
        self.process.wait(POWER_OFF_SECONDS)
        self.note("the machine stopped without an exit status")
        return self.flush(STATUS_NO_EXIT)

    def flush(self, status):
        """The machine has ended: writes the rest of its output, however slow the reader. Ctrl-C
        ends this."""
        self.stop()
        while self.to_stdout.size or self.to_stderr.size:
            self.step(1.0, sinks_only=True)
            if self.signals:
                return 128 + self.signals[0]
        return status

    def interests(self, sinks_only):
        """Yields (descriptor, events, function to call)."""
        yield self.wake, select.POLLIN, self.drain_wake
        for sink in {id(s): s for s in (self.to_stdout, self.to_stderr)}.values():
            if sink.size:
                yield sink.fd, select.POLLOUT, sink.pump
        if sinks_only:
            return
        for p in self.ports:
            full = p.sink and p.sink.size > SINK_MAX and not self.ending
            events = 0 if full or not p.open else select.POLLIN
            if p is self.input and p.open and self.pending and self.ready:
                events |= select.POLLOUT
            if events:
                yield p.ours, events, functools.partial(self.handle, p)
        if self.input_open and self.ready and not self.pending:
            yield self.stdin, select.POLLIN, self.read_input

    def step(self, wait, sinks_only=False):
        poll, actions = select.poll(), {}
        for fd, events, action in self.interests(sinks_only):
            number = fd if isinstance(fd, int) else fd.fileno()
            poll.register(number, events)
            actions[number] = action
        for number, _ in poll.poll(max(wait, 0) * 1000):
            actions[number]()

    def drain_wake(self):
        try:
            self.wake.recv(100)
        except BlockingIOError:
            pass

    def handle(self, port):
        if port is self.input and self.pending:
            self.write_input()
        data = port.read()
        if port is self.ctl:
            self.read_control(data)
        elif port.sink:
            data = port.after_mark(data)
            port.sink.put(data)
            if port.sink is self.to_stderr:
                self.remember(data)

    def read_control(self, data):
        self.ctl_text = self.take_files(self.ctl_text + data)[-4096:]
        if not self.ready and READY in self.ctl_text:
            self.ready = True
            if BY_PORT in self.ctl_text and self.port_in:
                self.input = self.port_in
            if self.input_open:
                self.check_input()
            self.write_keys()
        self.ending = self.ending or ENDING in self.ctl_text
        m = EXIT_RE.search(self.ctl_text)
        # The newline must be there: "exit 1" may be the beginning of "exit 12".
        if m and self.status is None and self.ctl_text[m.end():m.end() + 1] == b"\n":
            self.status = int(m[1]) & 0xff
            self.status_time = time.monotonic()

    def take_files(self, text):
        """Acts on whole lines about files; returns all others."""
        rest = []
        for line in text.splitlines(keepends=True):
            m = FILE_RE.match(line)
            if not m:
                rest.append(line)
            elif m[1] == b"file":
                self.arriving = [os.fsdecode(m[2]), b""]
            elif m[1] == b"part":
                self.arriving[1] += self.guest_memory(*(int(x, 16) for x in m[2].split()))
                self.ctl.ours.sendall(b"o")
            else:
                self.keep_file(*self.arriving)
        return b"".join(rest)

    def guest_memory(self, address, size):
        """Bytes of the machine's memory, through its monitor."""
        with tempfile.TemporaryDirectory() as d:
            path = os.path.join(d, "part")
            self.mon.ours.sendall(f'pmemsave {address:#x} {size:#x} "{path}"\n'.encode())
            end = time.monotonic() + MEMORY_SECONDS
            while not os.path.exists(path) or os.path.getsize(path) < size:
                if time.monotonic() > end:
                    raise UserError("QEMU's monitor does not return the program's output files")
                time.sleep(0.002)
            with open(path, "rb") as f:
                return f.read()

    def host_path(self, path):
        """The host path of a file that -out names, or that lies in a directory of -out. None: of
        neither."""
        if path in self.config.outputs:
            self.arrived.add(path)
            return self.config.outputs[path]
        for guest, host in self.config.outputs.items():
            inner = os.path.relpath(path, guest)
            if not inner.startswith(".."):
                self.arrived.add(guest)
                return os.path.join(host, inner)
        return None

    def keep_file(self, path, data):
        """A directory's path ends in a slash."""
        try:
            host = self.host_path(os.path.normpath(path))
            if path.endswith("/"):
                os.makedirs(host, exist_ok=True)
                return
            with open(host, "wb") as f:
                f.write(data)
        except (OSError, TypeError) as e:
            self.note(f"{path}: cannot be kept: {e}")
            self.lost = True

    def check_outputs(self, status):
        """Reports the files that the program has not written; returns a status if files are
        lost."""
        for path in self.config.outputs:
            if path not in self.arrived and path not in self.config.outputs_optional and \
                    not self.lost:
                self.note(f"-out {path}: the program has not written it")
        return STATUS_LOST if self.lost and status == 0 else status

    # ---- input --------------------------------------------------------------------------
    def read_input(self):
        try:
            data = os.read(self.stdin, CHUNK)
        except OSError:
            data = b""
        if not data:
            self.input_open = False
        self.pending += escape_input(data) if data else END_OF_INPUT

    def write_input(self):
        try:
            self.pending = self.pending[self.input.ours.send(self.pending):]
        except BlockingIOError:
            pass
        except OSError:
            self.pending, self.input_open = b"", False

    # ---- reports ------------------------------------------------------------------------
    def out_of_memory(self):
        """Did the program end because of too little memory? Known once the machine has ended."""
        return any(NO_MEMORY_RE.search(line) for line in self.tail)

    def note(self, text):
        self.to_stderr.put(f"gort: {text}\n".encode())

    def remember(self, data):
        lines = (self.partial + data).split(b"\n")
        self.partial = lines.pop()[-1000:]
        self.tail.extend(lines)

    def flush_tail(self):
        if self.partial:
            self.tail.append(self.partial)
            self.partial = b""

    def report_timeout(self):
        self.note(f"the machine did not finish within {self.config.timeout:g} s and was ended")
        for line in self.cpu_positions():
            self.note(line)
        if self.tail:
            self.note("its last messages:")
            for line in self.tail:
                self.to_stderr.put(b"  | " + line[:200].rstrip(b"\r") + b"\n")
        return STATUS_TIMEOUT

    def cpu_positions(self):
        """Where each CPU is, from QEMU's monitor, with symbols if there are any."""
        try:
            self.mon.ours.settimeout(2)
            self.mon.ours.sendall(b"info registers -a\n")
            text = b""
            while text.count(b"RIP=") < self.config.smp and len(text) < 1 << 20:
                data = self.mon.ours.recv(CHUNK)
                if not data:
                    break
                text += data
            text += self.mon.ours.recv(CHUNK)
        except OSError:
            pass
        symbols = Symbols([self.config.kernel, self.config.app])
        for cpu, m in enumerate(re.finditer(rb"RSP=([0-9a-f]+).*?RIP=([0-9a-f]+).*?HLT=(\d)",
                                            text, re.S)):
            rsp, rip = int(m[1], 16), int(m[2], 16)
            halted = ", halted" if m[3] == b"1" else ""
            yield f"CPU {cpu}: rip {rip:#x}{symbols.name(rip)}, rsp {rsp:#x}{halted}"


class Symbols:
    """Text symbols of the kernel and the app, for reports."""

    def __init__(self, files):
        self.table = []
        for path in files:
            if path and os.path.exists(path) and shutil.which("nm"):
                r = subprocess.run(["nm", "-C", path], capture_output=True, text=True)
                for line in r.stdout.splitlines():
                    m = re.match(r"([0-9a-f]{8,16}) [tTwW] (.*)", line)
                    if m:
                        self.table.append((int(m[1], 16), m[2]))
        self.table.sort()

    def name(self, address):
        best = None
        for start, name in self.table:
            if start > address:
                break
            best = (start, name)
        if not best or address - best[0] > 1 << 20:
            return ""
        return f" ({best[1]}+{address - best[0]:#x})"


def make_image(output, bundle, cmdline=""):
    """An .efi or .img from the kernel, the loader and a bundle (scripts/mkimage)."""
    from common import LOADER
    tool = os.path.join(ROOT, "scripts", "mkimage")
    for path in (tool, KERNEL, LOADER):
        if not os.path.exists(path):
            raise UserError(f"{os.path.relpath(path, ROOT)} is not built: run make in {ROOT}")
    c = [tool, "-o", output, "--kernel", KERNEL, "--loader", LOADER, "--bundle", bundle]
    if cmdline:
        c += ["--cmdline", cmdline]
    r = subprocess.run(c, stderr=subprocess.PIPE, text=True)
    if r.returncode:
        raise UserError(r.stderr.strip().removeprefix("mkimage: ") or "making the image failed")
