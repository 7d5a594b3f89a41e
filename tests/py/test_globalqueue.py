#!/usr/bin/env python3
"""The boot option globalqueue: one run queue for all CPUs. Goroutines wait nowhere else, as the
scheduler's trace shows, and programs say the same."""
import os
import re
import subprocess
import tempfile
import unittest

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
GORT = os.path.join(ROOT, "scripts", "gort")
LINE = re.compile(r"SCHED .* runqueue=(\d+) \[([ \d]+)\]")


class GlobalQueue(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.dir = tempfile.TemporaryDirectory()
        cls.elf = os.path.join(cls.dir.name, "fan")
        subprocess.run([GORT, "build", "-o", cls.elf, "./tests/programs/sched_fan"], cwd=ROOT,
                       check=True)

    @classmethod
    def tearDownClass(cls):
        cls.dir.cleanup()

    def waiting(self, *flags):
        """Lengths that a trace has seen: those of the global queue, and those of all Ps."""
        r = subprocess.run([GORT, "exec", "-timeout", "120s", "-smp", "2", *flags, "-env",
                            "GODEBUG=schedtrace=2", self.elf], capture_output=True, text=True)
        self.assertEqual((r.returncode, r.stdout), (0, "[3711 237] 387968\n"), r.stderr[-2000:])
        found = LINE.findall(r.stderr)
        self.assertGreater(len(found), 3, r.stderr)
        return [int(n) for n, _ in found], [int(n) for _, ps in found for n in ps.split()]

    def test_queues(self):
        shared, own = self.waiting()
        self.assertGreater(max(own), 0)
        shared, own = self.waiting("-option", "globalqueue", "-option", "conserve",
                                   "-option", "lockrank")
        self.assertEqual(max(own), 0)
        self.assertGreater(max(shared), 0)


if __name__ == "__main__":
    unittest.main(warnings="ignore")
