#!/usr/bin/env python3
"""scripts/history: what it makes of measurements, and that the program measures on gort."""
import importlib.machinery
import importlib.util
import os
import subprocess
import sys
import tempfile
import unittest

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
sys.path.insert(0, os.path.join(ROOT, "scripts", "lib"))
LOADER = importlib.machinery.SourceFileLoader("history", os.path.join(ROOT, "scripts", "history"))
SPEC = importlib.util.spec_from_loader("history", LOADER)
history = importlib.util.module_from_spec(SPEC)
LOADER.exec_module(history)
from common import UserError  # noqa: E402


class Fake:
    """Every machine measures the same."""

    def __init__(self):
        self.commands = []

    def values(self, run):
        self.commands.append(run.command())
        return {name: [3000, 1000, 2000] for name in
                ("pause", "handoff", "spawn", "late", "small_first", "small_again", "large_first",
                 "large_again")}


class Ends(unittest.TestCase):
    def test_sigterm(self):
        """What drives machines takes them along, sessions of their own included."""
        program = ("import sys, subprocess; sys.path.insert(0, sys.argv[1]); import common\n"
                   "common.end_with_children()\n"
                   "subprocess.run(['sh', '-c', 'setsid sleep 300 & echo $!; wait'])")
        with subprocess.Popen([sys.executable, "-c", program,
                               os.path.join(ROOT, "scripts", "lib")],
                              stdout=subprocess.PIPE, text=True) as p:
            sleeper = int(p.stdout.readline())
            p.terminate()
            p.stdout.read()         # its end comes when nobody has the pipe any more
        self.assertEqual(p.returncode, 128 + 15)
        self.assertFalse(os.path.exists(f"/proc/{sleeper}/fd/1"))


class Charts(unittest.TestCase):
    def test_tables(self):
        lab = Fake()
        for chart in history.CHARTS.values():
            series = chart.series(lab, 2)
            text = history.section(chart, series)
            for label, points in series:
                self.assertIn(label, text)
                self.assertEqual(len(points), len(series[0][1]))
            self.assertTrue(set(run.command() for run in chart.named()) <= set(lab.commands))
            self.assertIn("plot $d0 using", history.plot(chart, series))
        some = [("x", [(10, [3000, 1, 2000])])]
        pauses = "\n".join(history.table(history.CHARTS["gcpause"], some))
        self.assertIn("| 10 | 2 µs (0.001 to 3) |", pauses)

    def test_machines_differ(self):
        lab = Fake()
        history.CHARTS["gcpause"].series(lab, 1)
        history.CHARTS["lateness"].series(lab, 1)
        self.assertEqual(len(set(lab.commands)), 4 * 5 + 2 * 5)

    def test_program(self):
        """Two of the parts, small ones, on a machine whose instructions are counted. A timer
        waits for the end of the loop, or does not."""
        with tempfile.TemporaryDirectory() as d:
            lab = object.__new__(history.Lab)
            lab.binary, lab.have = os.path.join(d, "program"), {}
            lab.path = os.path.join(d, "results.json")
            subprocess.run([history.GORT, "build", "-o", lab.binary, "./tests/bench/history"],
                           cwd=ROOT, check=True)
            chart = history.CHARTS["lateness"]
            old, new = (lab.values(chart.one(5, how)) for how in ("asyncpreemptoff=1", None))
            self.assertEqual([len(v["late"]) for v in (old, new)], [5, 5])
            self.assertGreater(min(old["late"]), 3_000_000)
            self.assertLess(max(new["late"]), 100_000)
            grow = lab.values(history.CHARTS["stackgrow"].one(100))
            self.assertGreater(min(grow["small_first"]), max(grow["small_again"]))
            kept = os.path.getmtime(lab.path)
            lab.values(chart.one(5, None))
            self.assertEqual(os.path.getmtime(lab.path), kept)
            with self.assertRaises(UserError):
                lab.values(history.Run("nothing"))


if __name__ == "__main__":
    unittest.main(warnings="ignore")
