#!/usr/bin/env python3
"""The goroutineleak profile, judged as Go judges its own: the programs of GOROOT/src/runtime's
testdata/testgoroutineleakprofile, and the leaks that goroutineleakprofile_test.go expects of each.
A sample, run once; argument `all`: every program, as often as that test has it with -short."""
import os
import re
import subprocess
import sys
import tempfile
import unittest

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
GORT = os.path.join(ROOT, "scripts", "gort")
sys.path.insert(0, os.path.join(ROOT, "scripts", "lib"))
import gobuild  # noqa: E402

ALL = sys.argv[1:] == ["all"] and bool(sys.argv.pop())
SAMPLE = ("SelectNoCases", "SelectNoCasesMain", "MutexHeap", "Cond", "Mixed", "NoLeakGlobal",
          "Moby30408", "Grpc3017")
CASE = re.compile(r"make(Flaky)?Test\(\"(\w+)\"(.*?)\n?\t*\),\n", re.S)


def cases(source):
    """[(name, flaky, patterns)] of Go's test."""
    source = re.sub(r"^\s*//.*\n", "", source, flags=re.M)
    return [(m[2], bool(m[1]), re.findall(r"`([^`]*)`", m[3])) for m in CASE.finditer(source)]


def leaks(text):
    """The goroutines that leaked, in the form of the patterns: "function(arguments) [what it waits
    for]"."""
    found = []
    for stack in text.split("\n\n"):
        lines = stack.strip().split("\n")
        head = re.match(r"goroutine \d+ (\[.*?) \(leaked\)(.*)", lines[0])
        created = [i for i, line in enumerate(lines) if line.startswith("created by")]
        if head and created and created[-1] >= 2:
            function = lines[created[-1] - 2].removeprefix("main.")
            found.append(f"{function} {head[1]}{head[2]}")
    return found


class Judge(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.dir = tempfile.TemporaryDirectory()
        go = gobuild.Go()
        runtime = os.path.join(go.goroot, "src", "runtime")
        with open(os.path.join(runtime, "goroutineleakprofile_test.go"), encoding="utf-8") as f:
            cls.cases = cases(f.read())
        experiment = {} if go.line != "go1.26" else {"GOEXPERIMENT": "goroutineleakprofile"}
        cls.programs = []
        for part in ("", "goker"):
            elf = os.path.join(cls.dir.name, part or "simple")
            source = os.path.join(runtime, "testdata", "testgoroutineleakprofile", part)
            subprocess.run([GORT, "build", "-o", elf, *sorted(
                os.path.join(source, n) for n in os.listdir(source) if n.endswith(".go"))],
                check=True, env={**os.environ, **experiment})
            with open(elf, "rb") as f:
                cls.programs.append((elf, f.read()))

    @classmethod
    def tearDownClass(cls):
        cls.dir.cleanup()

    def run_case(self, name, flaky):
        """Output of a program, as often as it is to be run."""
        symbol = f"main.{name}".encode() + b"\0"
        elf = next((elf for elf, data in self.programs if symbol in data), None)
        self.assertIsNotNone(elf, f"no function {name} in Go's programs")
        text = ""
        for _ in range(3 if ALL else 1):
            r = subprocess.run([GORT, "exec", "-smp", "2" if flaky else "1", "-timeout", "120s",
                                "-env", "GODEBUG=asyncpreemptoff=1", elf, name],
                               capture_output=True, text=True)
            self.assertEqual(r.returncode, 0, r.stderr[-2000:])
            self.assertNotEqual(r.stdout, "")
            text += r.stdout + "\n\n"
        return text

    def test_cases(self):
        self.assertGreater(len(self.cases), 80)
        self.assertTrue(ALL or set(SAMPLE) - {"SelectNoCasesMain"} <= {n for n, *_ in self.cases})
        for name, flaky, patterns in self.cases:
            if not ALL and name not in SAMPLE:
                continue
            with self.subTest(name):
                text = self.run_case(name, flaky)
                found = leaks(text)
                for leak in found:
                    self.assertTrue(any(re.search(p, leak) for p in patterns),
                                    f"unexpected: {leak}\n{text}")
                for p in patterns if not flaky else ():
                    self.assertTrue(any(re.search(p, leak) for leak in found),
                                    f"missing: {p}\n{text}")
                if ALL:
                    print(f"ok {name}: {len(found)} leaks", flush=True)


if __name__ == "__main__":
    unittest.main(warnings="ignore")
