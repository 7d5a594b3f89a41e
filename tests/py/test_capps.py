#!/usr/bin/env python3
"""Programs in C: the samples of apps/, errors that end a program, newlib under goroutines."""
import os
import re
import socket
import subprocess
import sys
import tempfile
import unittest

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
GORT = os.path.join(ROOT, "scripts", "gort")


def primes(n):
    found = []
    k = 2
    while len(found) < n:
        if all(k % p for p in found):
            found.append(k)
        k += 1
    return "".join(f"{p}\n" for p in found).encode()


class CApps(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.tmp = tempfile.TemporaryDirectory()
        cls.binaries = {}

    @classmethod
    def tearDownClass(cls):
        cls.tmp.cleanup()

    def run_app(self, source, *args, smp=2, flags=(), status=0):
        if source not in self.binaries:
            out = os.path.join(self.tmp.name, os.path.basename(source) + ".elf")
            subprocess.run([GORT, "build", "-o", out, os.path.join(ROOT, source)], check=True)
            self.binaries[source] = out
        r = subprocess.run([GORT, "exec", "-smp", str(smp), "-timeout", "120s", *flags,
                            self.binaries[source], *args], capture_output=True)
        self.assertEqual(r.returncode, status, (source, args, smp, r.stdout[-300:],
                                                r.stderr[-1500:]))
        return r

    def every(self, source, want, *args, **more):
        self.boots((1, 2, 4), source, want, *args, **more)

    def boots(self, cpus, source, want, *args, **more):
        for smp in cpus:
            self.assertEqual(self.run_app(source, *args, smp=smp, **more).stdout, want,
                             (source, smp))

    def test_pipeline(self):
        self.boots((2, 4), "apps/c-pipeline", primes(20), "20")

    def test_ticker(self):
        self.boots((1, 2), "apps/c-ticker", b"work 1\nwork 2\nwork 3\nticked\n")

    def test_gcstress(self):
        n = 60 * (2 ** 10 - 1)
        want = "".join(f"goroutine {i}: {n} nodes\n" for i in range(4))
        want += f"kept: {2**12 - 1} nodes\ncollected: yes\n"
        self.every("apps/c-gcstress", want.encode(), "9")

    def test_mandelbrot(self):
        size, pixels = 24, bytearray()
        for y in range(size):
            for x in range(size):
                a = b = 0.0
                cr, ci, n = 3.0 * x / size - 2.2, 3.0 * y / size - 1.5, 0
                while n < 200 and a * a + b * b <= 4:
                    a, b = a * a - b * b + cr, 2 * a * b + ci
                    n += 1
                pixels += bytes([n * 7 & 255, n * 3 & 255, (255 - n) & 255])
        self.boots((2, 4), "apps/c-mandelbrot", b"P6\n24 24\n255\n" + bytes(pixels), "24")

    def test_wordcount(self):
        with open(os.path.join(ROOT, "LICENSE"), "rb") as f:
            t = f.read()
        want = f"{t.count(10):7} {len(t.split()):7} {len(t):7} /text/a\n".encode()
        self.boots((1, 4), "apps/c-wordcount", want,
                   flags=["-file", "/text/a=" + os.path.join(ROOT, "LICENSE")])

    def test_lazy(self):
        """.bss and large objects that are larger than the machine: goroutines and calls touch."""
        self.boots((1, 4), "tests/capps/lazy.c", b"ok\n", flags=["-m", "256M"])

    def test_misuse(self):
        for what, text in (("send", b"panic: send on closed channel\n\ngoroutine 1 [running]:"),
                           ("close", b"panic: close of closed channel"),
                           ("deadlock", b"fatal error: all goroutines are asleep - deadlock!"),
                           ("unlock", b"fatal error: sync: unlock of unlocked mutex"),
                           ("overflow", b"fatal error: stack overflow\n\ngoroutine "),
                           ("assert", b'fatal error: assertion "argc == 77" failed'),
                           ("null", b"page fault: write of 0")):
            r = self.run_app("tests/capps/misuse.c", what, status=2)
            self.assertIn(text, r.stderr, what)
        r = self.run_app("tests/capps/misuse.c", "try", status=7)
        self.assertEqual(r.stdout, b"0 send on closed channel\n")

    def line_of(self, source, text):
        with open(os.path.join(ROOT, source), encoding="utf-8") as f:
            return next(i for i, line in enumerate(f, 1) if text in line)

    def test_traceback(self):
        """File and line, as in Go; addresses for code without debug information."""
        source = "tests/capps/trace.c"
        want = "panic: deep\n\ngoroutine "
        r = self.run_app(source, status=2, flags=("-env", "GOTRACEBACK=all"))
        text = r.stderr.decode()
        self.assertTrue(text.startswith(want), text)
        for function, marked in (("inner", "/* panics */"), ("outer", "/* calls */"),
                                 ("created by main in goroutine 1", "/* starts */")):
            where = f"{ROOT}/{source}:{self.line_of(source, marked)} +0x"
            self.assertRegex(text, re.escape(function) + r"[a-z.0-9]*(\(\.\.\.\))?\n\t" +
                             re.escape(where))
        self.assertIn("goroutine 1 [", text)  # all
        r = self.run_app(source, status=2)
        self.assertNotIn(b"goroutine 1 [", r.stderr)
        r = self.run_app(source, status=2, flags=("-env", "GOTRACEBACK=none"))
        self.assertEqual(r.stderr, b"panic: deep\n")
        subprocess.run(["strip", "-g", self.binaries[source]], check=True)
        r = self.run_app(source, status=2)
        self.assertRegex(r.stderr, rb"inner[a-z.0-9]*\(\.\.\.\)\n\t0x[0-9a-f]+ \+0x")

    def test_environment(self):
        """GOGC, GOMEMLIMIT and GODEBUG have Go's meaning for C programs."""
        source = "tests/capps/trace.c"
        r = self.run_app(source, "collect", flags=("-env", "GODEBUG=gctrace=1"))
        self.assertRegex(r.stderr, rb"gc 1 @\d+\.\d+s \d+%: ")
        self.assertEqual(r.stdout, b"collected\n")
        r = self.run_app(source, "collect", flags=("-env", "GOGC=off"))
        self.assertEqual(r.stdout, b"not collected\n")
        r = self.run_app(source, "collect", flags=("-env", "GOGC=off", "-env",
                                                   "GOMEMLIMIT=24MiB"))
        self.assertEqual(r.stdout, b"collected\n")
        r = self.run_app(source, "collect", flags=("-env", "GOMEMLIMIT=24MB"), status=2)
        self.assertIn(b"GOMEMLIMIT=24MB\nfatal error: malformed GOMEMLIMIT; see `go doc", r.stderr)
        r = self.run_app(source, "sleep", flags=("-env", "GODEBUG=schedtrace=50"))
        self.assertRegex(r.stderr, rb"SCHED \d+ms: gomaxprocs=2 ")

    def test_register(self):
        self.every("tests/capps/register.c", b"born with nothing\n" + b"".join(
            b"%s: there, then gone\n" % r for r in (b"r12", b"rax", b"xmm9")))

    def test_fuzz(self):
        for smp, seed in ((1, 1), (2, 2), (4, 3)):
            r = self.run_app("tests/capps/fuzz.c", str(seed), "10000", smp=smp)
            self.assertEqual(r.stdout, b"10000 steps, 4000 messages\n", (smp, seed))

    def test_every(self):
        self.every("tests/capps/every.c", b"rwmutex\ncond\nonce\nchannels\ntimers\nmemory\n"
                   b"panics\ncollection yields\nfigures\n")

    def test_stdio(self):
        self.every("tests/capps/stdio.c", b"0 bad\n", "10")

    def test_malloc(self):
        self.every("tests/capps/malloc.c", b"good\n", flags=("-m", "128"))
        for what, who in (("twice", b"free"), ("foreign", b"free"), ("realloc", b"realloc")):
            r = self.run_app("tests/capps/malloc.c", what, status=2)
            self.assertRegex(r.stderr, b"fatal error: %s: 0x[0-9a-f]+ is not allocated: it never "
                                       b"was, or has been freed\n\ngoroutine 1 " % who, what)

    def test_posix(self):
        self.boots((1, 2), "tests/capps/posix.c", b"good\n", flags=("-env", "GIVEN=a=b c"))

    def test_vector(self):
        self.every("tests/capps/vector.c", b"0 bad\n", "700", flags=("-option", "preemptstress"))

    def test_instruction(self):
        for option in ("preemptstress", "ipifault=7"):
            self.every("tests/capps/instruction.c", b"written\n0 bad\n", flags=("-option", option))

    def test_socket(self):
        self.every("tests/capps/socket.c", b"0 bad\n")

    def test_echo(self):
        """apps/c-echo, asked from outside by TCP and by UDP, several at once."""
        with socket.socket() as s, socket.socket(type=socket.SOCK_DGRAM) as u:
            s.bind(("127.0.0.1", 0))
            u.bind(("127.0.0.1", 0))
            tcp, udp = s.getsockname()[1], u.getsockname()[1]
        p = subprocess.Popen([GORT, "run", "-fw", "pvh", "-timeout", "120s", "-net", "user",
                              "-p", f"{tcp}:7", "-p", f"{udp}:7/udp",
                              os.path.join(ROOT, "apps", "c-echo")], stdout=subprocess.PIPE)
        try:
            self.assertEqual(p.stdout.readline(), b"echo on port 7\n")
            clients = [socket.create_connection(("127.0.0.1", tcp), timeout=60) for _ in range(5)]
            for i, c in enumerate(clients):
                c.sendall(bytes([i]) * 100000)
            for i, c in enumerate(clients):
                with c, c.makefile("rb") as f:
                    self.assertEqual(f.read(100000), bytes([i]) * 100000)
            with socket.socket(type=socket.SOCK_DGRAM) as u:
                u.settimeout(5)
                u.connect(("127.0.0.1", udp))
                for n in (1, 1400):
                    u.send(b"d" * n)
                    self.assertEqual(u.recv(2000), b"d" * n)
        finally:
            p.terminate()
            p.wait()
            p.stdout.close()

    def test_thread_local(self):
        """Features that C apps cannot have are refused at build time."""
        path = os.path.join(self.tmp.name, "tls.c")
        with open(path, "w", encoding="utf-8") as f:
            f.write("static _Thread_local int n; int main(int c, char **v)"
                    "{ (void)v; n += c; return n; }\n")
        r = subprocess.run([GORT, "build", "-o", os.path.join(self.tmp.name, "tls.elf"), path],
                           capture_output=True, text=True)
        self.assertEqual(r.returncode, 1)
        self.assertIn("thread-local variables, which C apps cannot have", r.stderr)
        self.assertFalse(os.path.exists(os.path.join(self.tmp.name, "tls.elf")))


if __name__ == "__main__":
    sys.exit(unittest.main())
