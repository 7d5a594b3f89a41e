"""The QEMU runner, with a guest of a few instructions: channels, escapes, statuses, limits."""
import os
import subprocess
import tempfile
import unittest

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
GUEST = os.path.join(ROOT, "tests", "py", "guests", "echo.S")


class Machine(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.dir = tempfile.TemporaryDirectory()
        cls.elf = os.path.join(cls.dir.name, "echo.elf")
        obj = os.path.join(cls.dir.name, "echo.o")
        subprocess.run(["gcc", "-m32", "-c", "-o", obj, GUEST], check=True)
        subprocess.run(["ld", "-m", "elf_i386", "-Ttext=0x100000", "-e", "start", "-z",
                        "noexecstack", "-o", cls.elf, obj], check=True)

    @classmethod
    def tearDownClass(cls):
        cls.dir.cleanup()

    def command(self, *args):
        return [os.path.join(ROOT, "scripts", "qemu"), "-kernel", self.elf, "-m", "64M", "-smp",
                "1", *args]

    def boot(self, stdin, *args):
        return subprocess.run(self.command("-timeout", "60s", *args), input=stdin,
                              capture_output=True, timeout=120)

    def test_channels_and_status(self):
        r = self.boot(b"abc\r\n\x00\xffq")
        self.assertEqual(r.stdout, b"out\r\nabc\r\n\x00\xffq")
        self.assertEqual(r.stderr, b"err\n")
        self.assertEqual(r.returncode, 7)

    def test_escape(self):
        r = self.boot(b"a\x1cb\x04q")
        self.assertEqual(r.stdout, b"out\r\na\x1c\x1cb\x1c\x04q")

    def test_end_of_input(self):
        p = self.start()
        p.stdin.close()
        self.assertEqual(p.stdout.read(2), b"\x1cd")
        self.interrupted_twice(p)

    def test_large_input(self):
        data = bytes(b for b in os.urandom(20000) if b not in b"qxh\x1c\x04")
        r = self.boot(data + b"q")
        self.assertEqual(r.stdout, b"out\r\n" + data + b"q")

    def test_no_status(self):
        r = self.boot(b"x")
        self.assertEqual(r.returncode, 125)
        self.assertIn(b"the machine stopped without an exit status", r.stderr)

    def test_time_limit(self):
        r = self.boot(b"h", "-timeout", "10s")
        self.assertEqual(r.returncode, 124)
        self.assertIn(b"did not finish within 10 s", r.stderr)
        self.assertIn(b"  | err", r.stderr)

    def start(self):
        p = subprocess.Popen(self.command("-timeout", "60s"), stdin=subprocess.PIPE,
                             stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        self.assertEqual(p.stdout.readline(), b"out\r\n")
        return p

    def interrupted_twice(self, p, *others):
        for number, key in ((2, b"c"), *others):
            p.send_signal(number)
            self.assertEqual(p.stdout.read(1), key)
        p.send_signal(2)
        p.wait(timeout=120)
        for f in (p.stdin, p.stdout, p.stderr):
            f.close()
        self.assertEqual(p.returncode, 130)

    def test_interrupt(self):
        self.interrupted_twice(self.start(), (10, b"g"), (3, b"q"))

    def test_reader_goes_away(self):
        p = self.start()
        p.stdout.close()
        p.stdin.write(b"aaaa")
        p.stdin.close()
        self.assertIn(p.wait(timeout=120), (141, 124))
        p.stderr.close()


if __name__ == "__main__":
    unittest.main()
