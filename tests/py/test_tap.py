#!/usr/bin/env python3
"""tests/tap/run, which needs root and a tap, so that it is in no everyday run, can be built."""
import os
import subprocess
import unittest

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))


class Tap(unittest.TestCase):
    def test_build(self):
        r = subprocess.run([os.path.join(ROOT, "tests", "tap", "run"), "build"], text=True,
                           capture_output=True)
        self.assertEqual((r.returncode, r.stderr), (0, ""))


if __name__ == "__main__":
    unittest.main()
