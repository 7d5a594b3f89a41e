#!/usr/bin/env python3
"""Reports of the collector and the allocator: GODEBUG=gctrace=1 in Go's own format, and the
report that goes with "out of memory"."""
import os
import re
import subprocess
import tempfile
import unittest

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
GORT = os.path.join(ROOT, "scripts", "gort")
MS = r"(?:0|0\.0\d\d|0\.[1-9]\d|[1-9]\.\d|[1-9]\d+)"  # two digits that count, as Go prints times
TRACE = re.compile(rf"gc (\d+) @\d+\.\d{{3}}s \d+%: {MS}\+{MS}\+{MS} ms clock, "
                   rf"{MS}\+{MS}/{MS}/{MS}\+{MS} ms cpu, (\d+)->(\d+)->(\d+) MB, \d+ MB goal, "
                   r"\d+ MB stacks, \d+ MB globals, 2 P(?: \(forced\))?")


class Reports(unittest.TestCase):
    def build(self, name, directory, env=None):
        out = os.path.join(directory, name)
        command = [GORT, "build"] if env is None else ["go", "build"]
        subprocess.run(command + ["-o", out, "./tests/programs/" + name], cwd=ROOT, check=True,
                       env=env)
        return out

    def trace(self, command, **kw):
        lines = subprocess.run(command, stderr=subprocess.PIPE, text=True, timeout=120,
                               check=True, **kw).stderr.splitlines(keepends=True)
        if not lines[-1].endswith("\n"):  # the program ended in the middle of it
            lines.pop()
        parsed = [TRACE.fullmatch(line[:-1]) for line in lines if line.startswith("gc ")]
        self.assertTrue(parsed and all(parsed), lines)
        self.assertEqual([int(m[1]) for m in parsed], list(range(1, len(parsed) + 1)))
        return [m.groups()[1:] for m in parsed]

    def test_gctrace(self):
        go = {k: v for k, v in os.environ.items() if k not in ("GOFLAGS", "GOOS", "GOARCH")}
        with tempfile.TemporaryDirectory() as d:
            linux = self.trace([self.build("gc_traces", d, go)],
                               env={"GODEBUG": "gctrace=1", "GOMAXPROCS": "2"})
            gort = self.trace([GORT, "exec", "-timeout", "60s", "-smp", "2", "-env",
                               "GODEBUG=gctrace=1", self.build("gc_traces", d)])
        # A heap of 64 MB lives through the first collection, and the last finds nothing.
        self.assertIn(("64", "64", "0"), linux)
        self.assertIn(("64", "64", "0"), gort)

    def test_out_of_memory(self):
        with tempfile.TemporaryDirectory() as d:
            r = subprocess.run([GORT, "exec", "-timeout", "60s", "-smp", "2", "-m", "256M",
                                self.build("fatal_outofmemory", d)], capture_output=True,
                               text=True, timeout=120)
        self.assertEqual((r.returncode, r.stdout), (2, ""), r.stderr)
        lines = [line for line in r.stderr.splitlines() if line.startswith("runtime: ")]
        patterns = [
            r"runtime: cannot allocate (\d+) bytes: heap (\d+) KiB in use, stacks (\d+) KiB, "
            r"(\d+) goroutines",
            r"runtime: RAM (\d+) KiB, free (\d+) KiB, largest free block (\d+) KiB, "
            r"largest free run of the heap (\d+) KiB",
            r"runtime: GOGC 100, memory limit (\d+) KiB, (\d+) collections so far",
            r"runtime: spans that hold most:"]
        found = [re.fullmatch(p, line) for p, line in zip(patterns, lines)]
        self.assertTrue(len(found) == 4 and all(found), r.stderr)
        (wanted, heap, stacks, goroutines), (ram, free, block, _), (limit, _) = (
            map(int, m.groups()) for m in found[:3])
        large = re.search(r"^runtime:   (\d+) large objects without pointers, (\d+) KiB$",
                          r.stderr, re.M)
        self.assertEqual(wanted, 4096)      # the page of a large object that is touched
        # The limit is raised by what has no frames, of the last object here.
        self.assertTrue(0 < limit <= ram + (64 << 10) and ram <= 256 << 10, r.stderr)
        self.assertTrue(free < 64 << 10 and block <= free and 0 < stacks < 1024, r.stderr)
        self.assertEqual(goroutines, 1)
        self.assertEqual(int(large[2]), int(large[1]) * (64 << 10))
        self.assertTrue(0 < int(large[2]) <= heap <= ram + (64 << 10), r.stderr)
        after = r.stderr.split("fatal error: runtime: out of memory\n")
        self.assertRegex(after[1] if len(after) == 2 else r.stderr,
                         r"(?m)^goroutine 1 \[running\]:$")
        self.assertNotIn("gcBgMarkWorker", after[1])    # GOTRACEBACK=system shows the runtime's


if __name__ == "__main__":
    unittest.main(warnings="ignore")
