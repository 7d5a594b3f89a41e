#!/usr/bin/env python3
"""Timers of a program are on time while the collector has an idle CPU to itself. With QEMU's
-icount, so that the host's load has no influence: a nanosecond is an instruction."""
import os
import subprocess
import sys
import tempfile
import unittest

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
sys.path.insert(0, os.path.join(ROOT, "scripts", "lib"))
from machine import Config, Machine  # noqa: E402


class Late(unittest.TestCase):
    def test_marking_gives_way(self):
        with tempfile.TemporaryDirectory() as d:
            elf, bundle = os.path.join(d, "elf"), os.path.join(d, "bundle")
            subprocess.run([os.path.join(ROOT, "scripts", "gort"), "build", "-o", elf,
                            "./tests/py/guests/late"], cwd=ROOT, check=True)
            subprocess.run([os.path.join(ROOT, "scripts", "mkbundle"), "-o", bundle, "--init", elf,
                            "--args", "late"], check=True)
            # With more CPUs QEMU schedules them, so the host's load has an influence again.
            for smp in (1,):
                config = Config(smp=smp, bundle=bundle, timeout=300, accel="tcg",
                                extra=["-icount", "shift=0,sleep=off"])
                with tempfile.TemporaryFile() as out, tempfile.TemporaryFile() as err:
                    status = Machine(config, None, out.fileno(), err.fileno()).run()
                    out.seek(0)
                    err.seek(0)
                    self.assertEqual(status, 0, err.read()[-2000:])
                    late = int(out.read())
                self.assertLess(late, 1000, f"-smp {smp}: median in us")


if __name__ == "__main__":
    unittest.main(warnings="ignore")
