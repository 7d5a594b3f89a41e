#!/usr/bin/env python3
"""No system call keeps its CPU from being preempted for longer than 100 us, whatever it is asked
for: the boot option stallwatch measures it. With QEMU's -icount, so that the host's load has no
influence: a nanosecond is an instruction, of which real CPUs execute more."""
import os
import re
import subprocess
import unittest

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))


class Stalls(unittest.TestCase):
    def test_ranges_and_descriptors(self):
        r = subprocess.run([os.path.join(ROOT, "scripts", "gort"), "run", "-fw", "pvh", "-smp", "1",
                            "-m", "1024", "-timeout", "300s", "-qemu", "-icount", "-qemu",
                            "shift=0,sleep=off", "-option", "stallwatch",
                            "./tests/py/guests/stalls"], cwd=ROOT, capture_output=True, text=True)
        self.assertEqual((r.returncode, r.stdout), (0, "true <nil>\n"), r.stderr[-2000:])
        longest = re.search(r"could not be preempted for (\d+) us", r.stderr)
        self.assertTrue(longest, r.stderr[-2000:])
        self.assertLess(int(longest[1]), 100, r.stderr[-2000:])


if __name__ == "__main__":
    unittest.main(warnings="ignore")
