"""The kernel compiles without a warning with clang, and in its debug form with gcc."""
import os
import shutil
import subprocess
import unittest

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))


class Compilers(unittest.TestCase):
    def build(self, name, *variables):
        build = os.path.join("build", name)
        r = subprocess.run(["make", "-s", "-j2", f"BUILD={build}", *variables,
                            f"{build}/gort.elf"], cwd=ROOT, capture_output=True, text=True,
                           env={k: v for k, v in os.environ.items() if k != "MAKEFLAGS"})
        self.assertEqual(r.returncode, 0, r.stderr[-3000:])

    def test_clang(self):
        if not shutil.which("clang"):
            self.fail("clang is not installed: run scripts/setup test")
        self.build("clang", "CC=clang")

    def test_debug(self):
        self.build("debug", "DEBUG=1")


if __name__ == "__main__":
    unittest.main()
