"""Every GODEBUG setting of go doc runtime has an effect, or one line says that it has none."""
import os
import re
import subprocess
import tempfile
import unittest

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
GORT = os.path.join(ROOT, "scripts", "gort")
PROGRAM = """package main

import "runtime"

func main() { println(runtime.MemProfileRate, len(runtime.Version()) > 0) }
"""

INITS = """package main

import "os"

var kept [][]byte

func init() {
    for range 9 {
        kept = append(kept, make([]byte, 1000))
    }
}

func main() { os.Exit(len(kept) - 9) }
"""


def read(*path):
    with open(os.path.join(*path), encoding="utf-8") as f:
        return f.read()


def documented():
    goroot = subprocess.run(["go", "env", "GOROOT"], capture_output=True, text=True,
                            check=True).stdout.strip()
    return set(re.findall(r"^\t([a-z]+): ", read(goroot, "src", "runtime", "extern.go"), re.M))


class Godebug(unittest.TestCase):
    def test_known(self):
        code = read(ROOT, "gort", "overlay", "misc.go")
        acts = set(re.findall(r'^\t\{"(\w+)", (?:&|nil)', code, re.M))
        idle = set(re.findall(r'^\t\{"(\w+)", "', code, re.M))
        names = documented()
        self.assertGreater(len(names), 20)
        self.assertEqual(names - acts - idle, set())
        self.assertEqual(acts & idle - {"tracebackancestors", "checkfinalizers", "invalidptr"},
                         set())
        readme = read(ROOT, "README.md")
        for name in idle:
            self.assertIn(name, readme)

    def test_inittrace(self):
        """The packages that stock Go names, and what the program's own has allocated."""
        line = re.compile(r"init (\S+) @[\d.]+ ms, [\d.]+ ms clock, (\d+ bytes, \d+ allocs)\n")
        with tempfile.TemporaryDirectory() as d:
            path, stock = os.path.join(d, "main.go"), os.path.join(d, "stock")
            with open(path, "w", encoding="utf-8") as f:
                f.write(INITS)
            subprocess.run(["go", "build", "-o", stock, path], check=True)
            env = dict(os.environ, GODEBUG="inittrace=1")
            want = subprocess.run([stock], capture_output=True, text=True, env=env)
            r = subprocess.run([GORT, "run", "-fw", "pvh", "-timeout", "60s", "-env",
                                "GODEBUG=inittrace=1", path], capture_output=True, text=True)
        self.assertEqual(line.sub("", r.stderr), "")
        ours, theirs = line.findall(r.stderr), line.findall(want.stderr)
        after = [name for name, _ in theirs].index("runtime")
        self.assertEqual([n for n, _ in ours][-len(theirs) + after:],
                         [n for n, _ in theirs][after:])
        self.assertEqual(ours[-1], theirs[-1])

    def test_said(self):
        with tempfile.TemporaryDirectory() as d:
            path = os.path.join(d, "main.go")
            with open(path, "w", encoding="utf-8") as f:
                f.write(PROGRAM)
            r = subprocess.run([GORT, "run", "-fw", "pvh", "-timeout", "60s", "-env",
                                "GODEBUG=efence=1,memprofilerate=77,gctrace=0", path],
                               capture_output=True, text=True)
        self.assertEqual(r.stderr, "runtime: GODEBUG=efence=1 has no effect in gort: objects do "
                         "not get pages of their own\n77 true\n")


if __name__ == "__main__":
    unittest.main()
