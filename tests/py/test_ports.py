"""Output and input by ports of a virtio console: fast, complete with a slow reader, and a stuck
device does not keep the machine from ending. Serial ports are tested likewise, but not for
speed."""
import hashlib
import os
import re
import shutil
import socket
import subprocess
import sys
import tempfile
import time
import unittest

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
sys.path.insert(0, os.path.join(ROOT, "scripts", "lib"))
import counted  # noqa: E402
from machine import has_ports  # noqa: E402

GORT = os.path.join(ROOT, "scripts", "gort")
PATTERN = bytes((i >> 8 ^ i) & 0xff for i in range(4096 << 10))
SERIAL = {**os.environ, "GORT_CONSOLE": "serial"}


def milliseconds(stderr):
    return int(re.search(rb"(\d+) ms", stderr)[1])


@unittest.skipUnless(has_ports(), "this QEMU has no virtio consoles")
class Ports(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.dir = tempfile.TemporaryDirectory()
        cls.program = os.path.join(cls.dir.name, "ports.elf")
        subprocess.run([GORT, "build", "-o", cls.program, "./tests/py/guests/ports"], cwd=ROOT,
                       check=True)

    @classmethod
    def tearDownClass(cls):
        cls.dir.cleanup()

    def exec(self, *args, data=b"", env=None):
        return subprocess.run([GORT, "exec", "-timeout", "100s", self.program, *args], input=data,
                              capture_output=True, timeout=150, env=env)

    def start(self, *args, env=None):
        return subprocess.Popen([GORT, "exec", "-timeout", "100s", self.program, *args],
                                stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                                stderr=subprocess.PIPE, env=env)

    def test_output(self):
        r = self.exec("write", "4096")
        self.assertEqual((r.returncode, len(r.stdout), r.stdout == PATTERN), (0, 4096 << 10, True))
        slow = self.exec("write", "128", env=SERIAL)
        # Per byte, and measured on the same host in the same minute: serial ports take 100 times as
        # long, and a busy host slows down both.
        self.assertLess(milliseconds(r.stderr) / 4096, milliseconds(slow.stderr) / 128 / 8)

    def test_wrapper(self):
        """A script around QEMU has the ports that QEMU has."""
        with tempfile.TemporaryDirectory() as d:
            path = os.path.join(d, "qemu-system-x86_64")
            with open(path, "w", encoding="utf-8") as f:
                f.write(f'#!/bin/sh\nexec {shutil.which("qemu-system-x86_64")} "$@"\n')
            os.chmod(path, 0o755)
            env = dict(os.environ, PATH=d + os.pathsep + os.environ["PATH"])
            r = subprocess.run([sys.executable, "-c", "import machine; print(machine.has_ports())"],
                               env=env, cwd=os.path.join(ROOT, "scripts", "lib"),
                               capture_output=True, text=True)
        self.assertEqual(r.stdout, "True\n", r.stderr)

    def test_whole(self):
        """Writes of up to PIPE_BUF bytes are whole in a stream that has two names, as in a pipe of
        Linux', while it is full: its reader begins late and is slow."""
        command = [GORT, "exec", "-timeout", "100s", self.program, "mixed", "300"]
        p = subprocess.Popen(command, stdin=subprocess.DEVNULL, stderr=subprocess.STDOUT,
                             stdout=subprocess.PIPE)
        got = b""
        while piece := os.read(p.stdout.fileno(), 20000):
            got += piece
            time.sleep(0.01)
        p.stdout.close()
        self.assertEqual(p.wait(), 0)
        lines = got.splitlines()
        broken = [line[:20] for line in lines if len(set(line)) > 1]
        self.assertEqual(broken, [], f"{len(broken)} of {len(lines)} lines are mixed")
        want = sorted(i * 37 % 4096 for i in range(300))
        for letter in b"abcd":
            self.assertEqual(sorted(len(x) for x in lines if x[:1] == bytes([letter])),
                             [n for n in want if n])

    def test_one_place(self):
        """stdout and stderr that are one file get everything in the order of the writes."""
        want = b"".join(b"out %d, err %d\n" % (i, i) for i in range(500))
        command = [GORT, "exec", "-timeout", "100s", self.program, "both", "500"]
        r = subprocess.run(command, stdin=subprocess.DEVNULL, stderr=subprocess.STDOUT,
                           stdout=subprocess.PIPE)
        self.assertEqual(r.stdout, want)
        with tempfile.TemporaryFile() as f:
            subprocess.run(command, stdin=subprocess.DEVNULL, stderr=subprocess.STDOUT, stdout=f)
            f.seek(0)
            self.assertEqual(f.read(), want)

    def test_input(self):
        data = PATTERN[:1 << 20] + b"\x1cd\x04\n\x04"
        r = self.exec("sum", "0", data=data)
        self.assertEqual(r.stdout, b"%d <nil> %s\n" % (len(data),
                                                       hashlib.sha256(data).hexdigest().encode()))
        slow = self.exec("sum", "0", data=data[:1 << 16], env=SERIAL)
        self.assertLess(milliseconds(r.stderr) / len(data),
                        milliseconds(slow.stderr) / (1 << 16) / 8)

    def test_slow_reader(self):
        for size, env in ((2048, None), (64, SERIAL)):
            p = self.start("write", str(size), env=env)
            time.sleep(3)       # the program has filled all buffers, or writes slowly
            out, _ = p.communicate(timeout=100)
            self.assertEqual((p.returncode, out == PATTERN[:size << 10]), (0, True), len(out))

    def test_others_run(self):
        for kib, env in ((4096, None), (1400, SERIAL)):     # more than the runner keeps
            p = self.start("others", str(kib), env=env)
            said = p.stderr.readline()
            _, rest = p.communicate(timeout=140)
            self.assertEqual((p.returncode, said + rest), (0, b"ticks: 20\n"), env is SERIAL)

    def test_panic_behind_output(self):
        p = self.start("panic", "4096")
        time.sleep(6)
        _, err = p.communicate(timeout=100)
        self.assertEqual(p.returncode, 2)
        self.assertIn(b"panic: while stderr is full", err)
        self.assertIn(b"main.main()", err)

    def test_stuck_device(self):
        """A machine whose stderr port is not read: the report of a panic comes after 3 s, when the
        kernel gives the port up, by the serial port, what the port had room for, too. Messages of a
        machine that goes on would wait for a minute. The machine's time is what its instructions
        take, 8 ns each, and so not the host's; while it waits for a port it does not halt."""
        bundle = os.path.join(self.dir.name, "stuck.cpio")
        subprocess.run([os.path.join(ROOT, "scripts", "mkbundle"), "-o", bundle, "--init",
                        self.program, "--args", "ports", "panic", "4096"], check=True)
        counts = os.path.join(self.dir.name, "counts")
        unread, theirs = socket.socketpair()
        with unread, theirs:
            r = subprocess.run(
                ["qemu-system-x86_64", "-nodefaults", "-machine", "q35", "-cpu", "max", "-display",
                 "none", "-smp", "2", "-m", "256M", "-serial", "null", "-serial", "stdio",
                 "-serial", "null", "-device", "isa-debug-exit,iobase=0xf4,iosize=0x4",
                 "-chardev", f"socket,id=e,fd={theirs.fileno()}", "-device", "virtio-serial-pci",
                 "-device", "virtserialport,chardev=e,name=gort.stderr",
                 "-kernel", os.path.join(ROOT, "build", "gort.elf"), "-initrd", bundle,
                 "-accel", "tcg", "-icount", "shift=3,sleep=off", "-plugin",
                 f"{counted.build(self.dir.name)},out={counts}"],
                pass_fds=[theirs.fileno()], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT, timeout=400, check=False)
        for line in b"panic: while stderr is full", b"goroutine 1 [running]:", b"main.main()":
            self.assertIn(line + b"\n", r.stdout)
        seconds = counted.total(counts) * 8e-9
        self.assertGreater(seconds, 3)
        self.assertLess(seconds, 20)


if __name__ == "__main__":
    unittest.main()
