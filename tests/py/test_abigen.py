#!/usr/bin/env python3
"""The committed gort/abi/goabi.h is what scripts/abigen makes of this machine's Go sources."""
import os
import shutil
import subprocess
import sys
import unittest

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))


class Abigen(unittest.TestCase):
    @unittest.skipUnless(shutil.which("go"), "no go command")
    def test_committed_header_is_current(self):
        r = subprocess.run(
            ["go", "run", "./scripts/abigen", "-overlay", "gort/overlay/runtime2.go"],
            cwd=ROOT, capture_output=True, text=True)
        self.assertEqual(r.returncode, 0, r.stderr)
        with open(os.path.join(ROOT, "gort/abi/goabi.h"), encoding="utf-8") as f:
            self.assertEqual(f.read(), r.stdout, "run `make abi` and look at the difference")


if __name__ == "__main__":
    sys.exit(unittest.main())
