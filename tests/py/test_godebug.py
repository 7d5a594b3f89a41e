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
        self.assertEqual(acts & idle - {"inittrace", "tracebackancestors", "checkfinalizers",
                                        "invalidptr"}, set())
        readme = read(ROOT, "README.md")
        for name in idle:
            self.assertIn(name, readme)

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
