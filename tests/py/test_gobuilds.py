#!/usr/bin/env python3
"""Programs built with the compiler's own checks, and GOROOT's programs of the collector at
GOGC=1."""
import os
import subprocess
import tempfile
import unittest

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
GORT = os.path.join(ROOT, "scripts", "gort")
# The installed go's: a toolchain from the module proxy comes without Go's own programs.
GOROOT = subprocess.run(["go", "env", "GOROOT"], capture_output=True, text=True, cwd=ROOT,
                        check=True, env={**os.environ, "GOTOOLCHAIN": "local"}).stdout.strip()


class Builds(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.tmp = tempfile.TemporaryDirectory()

    @classmethod
    def tearDownClass(cls):
        cls.tmp.cleanup()

    def build(self, source, *flags):
        out = os.path.join(self.tmp.name, "program.elf")
        subprocess.run([GORT, "build", *flags, "-o", out, source], check=True, cwd=ROOT)
        return out

    def boot(self, binary, *args, **env):
        more = [x for name, value in env.items() for x in ("-env", f"{name}={value}")]
        r = subprocess.run([GORT, "exec", "-smp", "2", "-m", "768M", "-timeout", "180s", *more,
                            binary, *args], capture_output=True, text=True)
        self.assertEqual(r.returncode, 0, (args, env, r.stdout[-500:], r.stderr[-2000:]))
        return r.stdout

    def links(self, gcflags):
        binary = self.build("./tests/programs/gc_links", f"-gcflags={gcflags}")
        self.assertEqual(self.boot(binary, "5", GOGC="20", GODEBUG="clobberfree=1"), "ok\n")

    def test_unoptimized(self):
        self.links("all=-N -l")

    def test_clobberdead(self):
        """Values that the compiler declares dead are overwritten: the program must not need
        them."""
        self.links("all=-clobberdead -clobberdeadreg")

    def test_checkptr(self):
        self.links("all=-d=checkptr")

    @unittest.skipUnless(os.path.isdir(os.path.join(GOROOT, "test")), "no GOROOT/test here")
    def test_gogc_1(self):
        for name in ("fixedbugs/issue22781.go", "gcgort.go", "fixedbugs/issue46725.go"):
            with self.subTest(name):
                self.boot(self.build(os.path.join(GOROOT, "test", name)), GOGC="1")


if __name__ == "__main__":
    unittest.main()
