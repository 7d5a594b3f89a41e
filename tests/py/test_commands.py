#!/usr/bin/env python3
"""Commands with which a Go programmer looks beneath a program: the compiler's decisions, its
assembly and SSA, objdump, metrics, deep stacks, tight loops, a benchmark with its CPU profile. Each
prints with gort what it prints with plain go on Linux, or has the same effect."""
import os
import re
import shutil
import subprocess
import tempfile
import unittest

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
GORT = os.path.join(ROOT, "scripts", "gort")
GUESTS = os.path.join(ROOT, "tests", "py", "guests", "commands")


class Commands(unittest.TestCase):
    def setUp(self):
        tmp = tempfile.TemporaryDirectory()
        self.addCleanup(tmp.cleanup)
        self.dir = tmp.name
        self.env = dict(os.environ, CGO_ENABLED="0")

    def take(self, name, to="main.go"):
        shutil.copy(os.path.join(GUESTS, name), os.path.join(self.dir, to))

    def sh(self, *words, **env):
        return subprocess.run(words, cwd=self.dir, env=dict(self.env, **env), capture_output=True,
                              text=True, timeout=300)

    def both(self, *args, **env):
        """Runs the command by gort and by go; returns what each prints on stderr."""
        ours = self.sh(GORT, "build", "-o", "ours", *args, **env)
        theirs = self.sh("go", "build", "-o", "theirs", *args, **env)
        self.assertEqual((ours.returncode, theirs.returncode), (0, 0), ours.stderr + theirs.stderr)
        return ours.stderr, theirs.stderr

    def test_decisions(self):
        self.take("add.go")
        ours, theirs = self.both("-gcflags=-m -m", "main.go")
        self.assertIn("can inline add with cost 4", ours)
        self.assertEqual(ours, theirs)

    def test_assembly(self):
        self.take("noinline.go")
        ours, theirs = self.both("-gcflags=-S", "main.go")
        self.assertIn("main.add STEXT", ours)
        self.assertEqual(ours, theirs)

    def test_ssa(self):
        self.take("add.go")
        r = self.sh(GORT, "build", "-o", "x", "main.go", GOSSAFUNC="main")
        self.assertEqual(r.returncode, 0, r.stderr)
        self.assertIn("dumped SSA for main", r.stdout + r.stderr)
        with open(os.path.join(self.dir, "ssa.html"), encoding="utf-8") as f:
            self.assertIn("regalloc", f.read())

    def test_objdump(self):
        """Arguments and results travel in registers."""
        self.take("noinline.go")
        self.both("main.go")
        texts = []
        for name in ("ours", "theirs"):
            r = self.sh("go", "tool", "objdump", "-s", "^main.add$", name)
            texts.append(re.findall(r"\t[0-9a-f]{2,}\t+(.*)", r.stdout))
        self.assertRegex(" ".join(texts[0]), r"ADDQ BX, AX.* RET")
        self.assertEqual(*texts)

    def boot(self, name):
        self.take(name)
        r = self.sh(GORT, "run", "-fw", "pvh", "-timeout", "120s", "main.go")
        self.assertEqual(r.returncode, 0, r.stderr)
        return r.stdout

    def test_metrics(self):
        out = self.boot("metrics.go")
        theirs = self.sh("go", "run", "main.go").stdout
        numbers = re.compile(r"= \d+")
        self.assertEqual(numbers.sub("= N", out), numbers.sub("= N", theirs))

    def test_recursive(self):
        self.assertEqual(self.boot("recursive.go"), self.sh("go", "run", "main.go").stdout)

    def test_tight_loops(self):
        self.assertIn("did not keep", self.boot("tight.go"))

    def test_benchmark(self):
        self.take("concat_test.go", "concat_test.go")
        with open(os.path.join(self.dir, "go.mod"), "w", encoding="utf-8") as f:
            f.write("module concat\n\ngo 1.26\n")
        r = self.sh(GORT, "test", "-bench=.", "-benchmem", "-cpuprofile=cpu.prof")
        self.assertRegex(r.stdout, r"BenchmarkStringConcat-2\s+\d+\s+[\d.]+ ns/op\s+5\d\d\d B/op\s+"
                         r"99 allocs/op", r.stderr)
        top = self.sh("go", "tool", "pprof", "-top", "cpu.prof")
        self.assertIn("BenchmarkStringConcat", top.stdout, top.stderr)
        self.assertIn("flat%", top.stdout)
        if shutil.which("dot"):
            svg = self.sh("go", "tool", "pprof", "-svg", "-output", "x.svg", "cpu.prof")
            self.assertEqual(svg.returncode, 0, svg.stderr)
            with open(os.path.join(self.dir, "x.svg"), encoding="utf-8") as f:
                self.assertIn("BenchmarkStringConcat", f.read())


if __name__ == "__main__":
    unittest.main()
