#!/usr/bin/env python3
"""GODEBUG settings that matter when a program dies: whether other goroutines still run, and a last
trace of the scheduler."""
import os
import subprocess
import tempfile
import unittest

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
GORT = os.path.join(ROOT, "scripts", "gort")


class Dying(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.dir = tempfile.TemporaryDirectory()
        cls.elf = os.path.join(cls.dir.name, "dying")
        subprocess.run([GORT, "build", "-o", cls.elf, "./tests/py/guests/dying"], cwd=ROOT,
                       check=True)

    @classmethod
    def tearDownClass(cls):
        cls.dir.cleanup()

    def die(self, setting):
        """The program's output before its panic and after it."""
        r = subprocess.run([GORT, "exec", "-timeout", "60s", "-env", "GOTRACEBACK=all", "-env",
                            f"GODEBUG={setting}", self.elf], capture_output=True, text=True,
                           timeout=90)
        self.assertEqual(r.returncode, 2, r.stderr[-2000:])
        before, panic, after = r.stderr.partition("panic: ")
        self.assertTrue(panic, r.stderr[-2000:])
        self.assertIn("alive\n", before)
        whole = after.replace("alive\n", "")
        self.assertRegex(whole, r"^end\n\ngoroutine 1 \[running\]:\nmain\.main\(\)\n")
        self.assertIn("main.main.func1()", whole)
        return before, after

    def test_others_stop(self):
        before, after = self.die("")
        self.assertNotIn("alive", after[-3000:])
        self.assertNotIn("SCHED", before)

    def test_others_run_on(self):
        self.assertIn("alive\n", self.die("dontfreezetheworld=1")[1])

    def test_last_trace(self):
        for setting in ("schedtrace=1000000", "scheddetail=1"):
            before = self.die(setting)[0].replace("alive\n", "")
            self.assertRegex(before, r"SCHED \d+ms: gomaxprocs=2 .* sysmonwait=false\n")
            self.assertRegex(before, r"\n  P0: status=\d(.*\n)+  M1: (.*\n)+  G1: ")


if __name__ == "__main__":
    unittest.main(warnings="ignore")
