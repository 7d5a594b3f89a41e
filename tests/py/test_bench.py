"""scripts/bench: the rows it runs, how it reads a guest's output, how it evaluates the figures."""
import os
import re
import sys
import unittest

ROOT = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..")
sys.path.insert(0, os.path.join(ROOT, "scripts", "lib"))
import bench  # noqa: E402
from common import UserError  # noqa: E402


class Rows(unittest.TestCase):
    def test_all_of_the_program(self):
        """Each row that the programs print is a row here, and the other way round."""
        printed = set()
        for path in ("tests/bench/main.go", "tests/bench/speedup/main.go"):
            with open(os.path.join(ROOT, path), encoding="utf-8") as f:
                text = f.read()
            printed.update(re.findall(r'\b(?:rate|out)\("(\w+)"', text))
            printed.update("speedup_" + n for n in re.findall(r'{"(\w+)", \w+}', text))
        self.assertEqual(printed, set(bench.ALL))

    def test_targets(self):
        self.assertEqual(bench.choose([]), list(bench.ALL))
        self.assertEqual(bench.choose(["gosched", "alloc_8"]), ["alloc_8", "gosched"])
        self.assertNotIn("alloc_8", bench.choose(["sched"]))
        self.assertRaises(UserError, bench.choose, ["alloc_9"])

    def test_jobs(self):
        rows = ["alloc_8", "gc_pause_p50", "gc_pause_max", "speedup_maps"]
        self.assertEqual(bench.jobs(rows, each=False), [
            ("bench", ["alloc_8", "gc_pause"]), ("speedup", ["speedup_maps"])])
        self.assertEqual(bench.jobs(rows, each=True), [
            ("bench", ["alloc_8"]), ("bench", ["gc_pause"]), ("speedup", ["speedup_maps"])])


class Lines(unittest.TestCase):
    def output(self, guest):
        o = bench.Output()
        for at, text in ((10, "noise"), (11, "BENCH-START go1.26.8 2\r\n"),
                         (12, "BENCH alloc_8 12.50 ns/op\r\n"), (111, f"BENCH-END {guest}\n")):
            o.line(text, at)
        return o

    def test_rows(self):
        o = self.output("1m40.1s")
        self.assertEqual(o.rows, {"alloc_8": (12.5, "ns/op")})
        self.assertAlmostEqual(o.clock_error(), 0.1)
        self.assertFalse(o.clock_is_wrong())

    def test_clock(self):
        self.assertTrue(self.output("1m41s").clock_is_wrong())
        self.assertTrue(self.output("98.9s").clock_is_wrong())

    def test_cut(self):
        self.assertIsNone(bench.Output().clock_error())

    def test_durations(self):
        for text, want in (("1h2m3.5s", 3723.5), ("15ms", 0.015), ("250µs", 0.00025), ("0s", 0)):
            self.assertAlmostEqual(bench.seconds(text), want)
        self.assertRaises(ValueError, bench.seconds, "12 apples")


class Table(unittest.TestCase):
    def test_ratio(self):
        self.assertEqual(bench.ratio([1, 4, 9], [2], "ns/op"), 0.5)
        self.assertEqual(bench.ratio([40], [80], "MB/s"), 0.5)
        self.assertIsNone(bench.ratio([0], [1], "B"))

    def test_lines(self):
        samples = {"Linux": {"alloc_1k": [3000.0, 4000.0, 3500.0], "alloc_8": [100.0]},
                   "gort": {"alloc_1k": [2100.0], "alloc_8": [100.0]}}
        units = {"alloc_1k": "ns/op", "alloc_8": "ns/op"}
        lines = list(bench.table(["alloc_8", "alloc_1k", "gosched"], samples, units))
        self.assertEqual(len(lines), 3)     # no samples, no line
        self.assertRegex(lines[1], r"^alloc_8 .* 100\.0 \(.* 1\.00  1\.00$")
        self.assertRegex(lines[2], r"3,500 \(3,000\.\.4,000\) .* 0\.60  0\.50 missed$")


if __name__ == "__main__":
    unittest.main()
