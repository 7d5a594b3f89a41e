#!/usr/bin/env python3
"""The same seed gives the same interleaving, with one CPU and QEMU's -icount, by which time is a
function of the instructions executed. (Without it a tick may come anywhere.)"""
import os
import subprocess
import sys
import tempfile
import unittest

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
sys.path.insert(0, os.path.join(ROOT, "scripts", "lib"))
from machine import Config, Machine  # noqa: E402

COUNTED = {"accel": "tcg", "extra": ["-icount", "shift=0,sleep=off", "-rtc",
                                     "base=2026-01-01,clock=vm"]}


class Seed(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.dir = tempfile.TemporaryDirectory()
        cls.elf = os.path.join(cls.dir.name, "interleave")
        subprocess.run([os.path.join(ROOT, "scripts", "gort"), "build", "-o", cls.elf,
                        "./tests/py/guests/interleave"], cwd=ROOT, check=True)

    @classmethod
    def tearDownClass(cls):
        cls.dir.cleanup()

    def run_guest(self, seed, options):
        """What the program prints."""
        bundle = os.path.join(self.dir.name, "bundle")
        subprocess.run([os.path.join(ROOT, "scripts", "mkbundle"), "-o", bundle, "--init", self.elf,
                        "--args", "interleave", "50"], check=True)
        config = Config(smp=1, bundle=bundle, cmdline=" ".join([f"seed={seed}", *options]),
                        timeout=120, **COUNTED)
        with tempfile.TemporaryFile() as out, tempfile.TemporaryFile() as err:
            status = Machine(config, None, out.fileno(), err.fileno()).run()
            out.seek(0)
            err.seek(0)
            self.assertEqual(status, 0, err.read())
            return out.read().decode()

    def test_interleaving(self):
        """Ticks of 10 ms, then of 0.2 ms, as instructions: many in 80 million of them."""
        for options in ((), ("preemptstress",)):
            first = self.run_guest(7, options)
            self.assertRegex(first, r"^\d+ events, \d{2,} turns, [0-9a-f]{16}\n$")
            self.assertEqual(first, self.run_guest(7, options))
            self.assertNotEqual(first, self.run_guest(8, options))


if __name__ == "__main__":
    unittest.main(warnings="ignore")
