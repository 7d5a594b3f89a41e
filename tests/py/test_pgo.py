#!/usr/bin/env python3
"""Profile-guided optimization with a profile from gort: a program's own profile comes back by
-out, go build takes it as default.pgo, and the program needs fewer instructions. And what
scripts/pgo makes of profiles and counts."""
import importlib.machinery
import importlib.util
import os
import subprocess
import sys
import tempfile
import unittest

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
GORT = os.path.join(ROOT, "scripts", "gort")
sys.path.insert(0, os.path.join(ROOT, "scripts", "lib"))
LOADER = importlib.machinery.SourceFileLoader("pgo", os.path.join(ROOT, "scripts", "pgo"))
SPEC = importlib.util.spec_from_loader("pgo", LOADER)
pgo = importlib.util.module_from_spec(SPEC)
LOADER.exec_module(pgo)

# Calls by an interface, mostly of one method, which is too large to be inlined but where it is hot.
PROGRAM = """package main

import (
    "fmt"
    "os"
    "runtime/pprof"
    "time"
)

type shape interface{ area(n int) int }

type square struct{ side int }

type line struct{ side int }

func (s square) area(n int) int {
    a := s.side*n + n>>2 ^ n<<3
    a ^= a>>5 + n*7 - a<<1
    a += a>>7 ^ n<<2 + a*3
    a ^= a<<3 - n + a>>1
    a -= a>>2 ^ n*5 + a>>9
    return a ^ a>>11 ^ n>>4 + a<<5
}

func (l line) area(n int) int { return l.side - n }

func main() {
    if len(os.Args) > 1 {
        f, err := os.Create(os.Args[1])
        if err != nil {
            panic(err)
        }
        if err := pprof.StartCPUProfile(f); err != nil {
            panic(err)
        }
        defer pprof.StopCPUProfile()
    }
    shapes := make([]shape, 100)
    for i := range shapes {
        shapes[i] = square{i}
    }
    shapes[1] = line{1}
    t := time.Now()
    sum := 0
    for i := 0; i < 100000; i++ {
        for _, s := range shapes {
            sum += s.area(i)
        }
    }
    fmt.Println(sum, time.Since(t).Nanoseconds())
}
"""


class OwnProgram(unittest.TestCase):
    def run_gort(self, *words, shift=0):
        r = subprocess.run([GORT, "run", "-fw", "pvh", "-smp", "1", "-qemu",
                            f"-icount shift={shift},sleep=off", "-timeout", "300s", *words],
                           cwd=self.dir, capture_output=True, text=True)
        self.assertEqual(r.returncode, 0, r.stderr[-2000:])
        return [int(x) for x in r.stdout.split()]

    def test_profile_helps(self):
        with tempfile.TemporaryDirectory() as self.dir:
            for name, text in (("main.go", PROGRAM), ("go.mod", "module example\n")):
                with open(os.path.join(self.dir, name), "w", encoding="utf-8") as f:
                    f.write(text)
            before = self.run_gort(".")
            self.run_gort("-out", "/cpu.pprof=default.pgo", ".", "/cpu.pprof", shift=3)
            top = subprocess.run(["go", "tool", "pprof", "-top", "default.pgo"], cwd=self.dir,
                                 capture_output=True, text=True).stdout
            self.assertRegex(top, r"main\.square\.area")
            after = self.run_gort(".")
            self.assertEqual(after[0], before[0])
            self.assertLess(after[1], 0.95 * before[1])
            off = self.run_gort("-pgo=off", ".")    # -pgo=auto has made the difference
            self.assertGreater(off[1], 0.99 * before[1])


class Figures(unittest.TestCase):
    def test_spearman(self):
        self.assertEqual(pgo.ranks([10, 30, 20, 20]), [4.0, 1.0, 2.5, 2.5])
        self.assertAlmostEqual(pgo.spearman([1, 2, 3, 4], [10, 20, 30, 40]), 1)
        self.assertAlmostEqual(pgo.spearman([1, 2, 3, 4], [9, 8, 7, 6]), -1)
        self.assertAlmostEqual(pgo.spearman([1, 2, 3, 4, 5], [2, 1, 4, 3, 5]), 0.8)
        self.assertEqual(pgo.spearman([1, 1], [1, 2]), 0.0)

    def test_agreement(self):
        same = {f"main.f{n}": 100 - n for n in range(80)}
        a = pgo.Agreement({**same, "runtime.systemstack": 600, "gort.mark_queued": 300},
                          {**same, "runtime.scanObject": 50, "runtime/pprof.lostProfileEvent": 70})
        self.assertAlmostEqual(a.correlation, 1)
        self.assertEqual((a.common, len(a.rows)), (50, 50))
        self.assertEqual(a.total[0] - a.own[0], 900)
        turned = {f"main.f{n}": 21 + n for n in range(80)}
        self.assertLess(pgo.Agreement(same, turned).correlation, 0)

    def test_gain(self):
        counts = {"off": {"a": {"instructions": 600}, "b": {"instructions": 400}},
                  "gort": {"a": {"instructions": 500}, "b": {"instructions": 400}}}
        self.assertAlmostEqual(pgo.gain(counts, "gort"), 0.1)

    def test_bench_total(self):
        """Not a subtotal, which comes first."""
        line = "BenchmarkCompile:go/types:{}        1    {} ns/op     23.21 %\n"
        text = line.format("fe:subtotal", 195) + line.format("be:subtotal", 645)
        self.assertEqual(pgo.bench_total(text + line.format("total", 840)), 840)
        with self.assertRaises(pgo.UserError):
            pgo.bench_total(text)

    def test_goroot(self):
        """A GOROOT of links, but for the one file."""
        with tempfile.TemporaryDirectory() as d:
            real, copy = os.path.join(d, "real"), os.path.join(d, "copy")
            for path in ("src/cmd/compile/default.pgo", "src/cmd/compile/main.go", "src/fmt/a.go"):
                os.makedirs(os.path.dirname(os.path.join(real, path)), exist_ok=True)
                pgo.keep(os.path.join(real, path), b"real")
            profile = os.path.join(d, "profile")
            pgo.keep(profile, b"ours")
            there = os.path.join(copy, "src", "cmd", "compile")
            for _ in range(2):
                pgo.goroot_with(real, copy, profile)
                self.assertEqual(pgo.read(os.path.join(there, "default.pgo")), "ours")
                self.assertEqual(pgo.read(os.path.join(there, "main.go")), "real")
                self.assertEqual(pgo.read(os.path.join(copy, "src/fmt/a.go")), "real")
            self.assertEqual(pgo.read(os.path.join(real, "src/cmd/compile/default.pgo")), "real")


if __name__ == "__main__":
    unittest.main(warnings="ignore")
