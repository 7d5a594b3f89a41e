#!/usr/bin/env python3
"""The cost of a panic does not depend on its nesting. With QEMU's -icount, so that the host's load
has no influence: a nanosecond is an instruction."""
import os
import subprocess
import sys
import tempfile
import unittest

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
sys.path.insert(0, os.path.join(ROOT, "scripts", "lib"))
from machine import Config, Machine  # noqa: E402


class PanicDeep(unittest.TestCase):
    def run_with(self, d, elf, n):
        bundle = os.path.join(d, f"bundle{n}")
        subprocess.run([os.path.join(ROOT, "scripts", "mkbundle"), "-o", bundle, "--init", elf,
                        "--args", "panic_deep", str(n), "time"], check=True)
        config = Config(smp=1, bundle=bundle, timeout=300, accel="tcg",
                        extra=["-icount", "shift=0,sleep=off"])
        with tempfile.TemporaryFile() as out, tempfile.TemporaryFile() as err:
            status = Machine(config, None, out.fileno(), err.fileno()).run()
            out.seek(0)
            err.seek(0)
            self.assertEqual(status, 0, err.read()[-2000:])
            lines = [line.split() for line in out.read().decode().splitlines()]
        return {form: int(ns) for form, _, ns in lines}

    def test_linear(self):
        with tempfile.TemporaryDirectory() as d:
            elf = os.path.join(d, "elf")
            subprocess.run([os.path.join(ROOT, "scripts", "gort"), "build", "-o", elf,
                            "./tests/programs/panic_deep"], cwd=ROOT, check=True)
            few, many = self.run_with(d, elf, 1000), self.run_with(d, elf, 4000)
        self.assertEqual(len(few), 5)
        for form, ns in many.items():
            # Stacks grow by doubling, so four times the panics cost four times as much or somewhat
            # more; a cost that grows with the depth makes it sixteen.
            self.assertLess(ns / few[form], 8, f"{form}: {few[form]} ns and {ns} ns")


if __name__ == "__main__":
    unittest.main(warnings="ignore")
