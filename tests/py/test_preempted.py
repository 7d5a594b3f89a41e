#!/usr/bin/env python3
"""Vector registers, upper halves too, over many preemptions: tests/programs/stress_vector with a
tick of a few thousand instructions, which is exact with QEMU's -icount. The argument is the number
of preemptions (100,000; make soak: ten million)."""
import os
import re
import subprocess
import sys
import tempfile
import unittest

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
sys.path.insert(0, os.path.join(ROOT, "scripts", "lib"))
from machine import Config, Machine  # noqa: E402

WANTED = int(sys.argv.pop()) if sys.argv[-1].isdecimal() else 100_000
TICK_US = 7         # thousands of instructions: an interrupt and a switch take about one


class Preempted(unittest.TestCase):
    def boot(self, bundle, smp):
        """Returns the number of preemptions."""
        config = Config(smp=smp, bundle=bundle, timeout=600, accel="tcg",
                        cmdline=f"verbose preemptstress preempttick={TICK_US}",
                        extra=["-icount", "shift=0,sleep=off"])
        with tempfile.TemporaryFile() as out, tempfile.TemporaryFile() as err:
            status = Machine(config, None, out.fileno(), err.fileno()).run()
            out.seek(0)
            err.seek(0)
            text = err.read().decode()
            self.assertEqual((status, out.read()), (0, b"done\n"), text[-2000:])
        return sum(map(int, re.findall(r" (\d+) preemptions", text)))

    def test_vector_registers(self):
        long = WANTED > 100_000
        with tempfile.TemporaryDirectory() as d:
            elf, bundle = os.path.join(d, "elf"), os.path.join(d, "bundle")
            subprocess.run([os.path.join(ROOT, "scripts", "gort"), "build", "-o", elf,
                            "./tests/programs/stress_vector"], cwd=ROOT, check=True)
            subprocess.run([os.path.join(ROOT, "scripts", "mkbundle"), "-o", bundle, "--init", elf,
                            "--args", "stress_vector", "5000" if long else "450"], check=True)
            done = boots = 0
            while done < WANTED:
                n = self.boot(bundle, 1 + boots % 2)
                self.assertGreater(n, 20_000)
                done, boots = done + n, boots + 1
                if long:
                    print(f"{done:,} preemptions in {boots} boots", flush=True)


if __name__ == "__main__":
    unittest.main(warnings="ignore")
