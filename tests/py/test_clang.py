"""The kernel's debug form compiles without a warning with clang, and links; with gcc compile the
files whose code differs in that form."""
import os
import shutil
import subprocess
import unittest

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))


class Compilers(unittest.TestCase):
    def make(self, name, *words):
        """build/NAME: the objects of one compiler must not be taken for the other's."""
        r = subprocess.run(["make", "-s", "-j2", f"BUILD=build/{name}", "DEBUG=1", *words],
                           cwd=ROOT, capture_output=True, text=True,
                           env={k: v for k, v in os.environ.items() if k != "MAKEFLAGS"})
        self.assertEqual(r.returncode, 0, r.stderr[-3000:])

    def test_clang(self):
        if not shutil.which("clang"):
            self.fail("clang is not installed: run scripts/setup test")
        self.make("clang", "CC=clang", "build/clang/gort.elf")

    def test_debug(self):
        found = subprocess.run(["git", "grep", "-lw", "-e", "DCHECK", "-e", "GORT_DEBUG", "--",
                                "*.c", ":!tests", ":!gort/capp/lib"], cwd=ROOT, text=True,
                               stdout=subprocess.PIPE, check=True).stdout.split()
        self.assertGreater(len(found), 2)
        self.make("debug", *(f"build/debug/kernel-debug/{path}.o" for path in found))


if __name__ == "__main__":
    unittest.main()
