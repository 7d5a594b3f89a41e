#!/usr/bin/env python3
"""The same seed gives the same interleaving, with one CPU and QEMU's -icount, where time depends
only on the instructions executed. (Without it a tick may come anywhere.) The seed also decides
where the heap begins; without a seed that differs at each start."""
import os
import subprocess
import sys
import tempfile
import unittest

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
sys.path.insert(0, os.path.join(ROOT, "scripts", "lib"))
from machine import Config, Machine  # noqa: E402

GORT = os.path.join(ROOT, "scripts", "gort")
HEAP = """package main

import "fmt"

var kept *[100]int

func main() {
    kept = new([100]int)
    fmt.Printf("%p\\n", kept)
}
"""
COUNTED = {"accel": "tcg", "extra": ["-icount", "shift=0,sleep=off", "-rtc",
                                     "base=2026-01-01,clock=vm"]}


class Seed(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.dir = tempfile.TemporaryDirectory()
        cls.elf = os.path.join(cls.dir.name, "interleave")
        subprocess.run([os.path.join(ROOT, "scripts", "gort"), "build", "-o", cls.elf,
                        "./tests/py/guests/interleave"], cwd=ROOT, check=True)

    @classmethod
    def tearDownClass(cls):
        cls.dir.cleanup()

    def run_guest(self, seed, options):
        """What the program prints."""
        bundle = os.path.join(self.dir.name, "bundle")
        subprocess.run([os.path.join(ROOT, "scripts", "mkbundle"), "-o", bundle, "--init", self.elf,
                        "--args", "interleave", "50"], check=True)
        config = Config(smp=1, bundle=bundle, cmdline=" ".join([f"seed={seed}", *options]),
                        timeout=120, **COUNTED)
        with tempfile.TemporaryFile() as out, tempfile.TemporaryFile() as err:
            status = Machine(config, None, out.fileno(), err.fileno()).run()
            out.seek(0)
            err.seek(0)
            self.assertEqual(status, 0, err.read())
            return out.read().decode()

    def test_interleaving(self):
        """Ticks of 10 ms, then of 0.2 ms, as instructions: many in 80 million of them."""
        for options in ((), ("preemptstress",)):
            first = self.run_guest(7, options)
            self.assertRegex(first, r"^\d+ events, \d{2,} turns, [0-9a-f]{16}\n$")
            self.assertEqual(first, self.run_guest(7, options))
            self.assertNotEqual(first, self.run_guest(8, options))

    def heap(self, elf, *flags):
        r = subprocess.run([GORT, "exec", "-smp", "1", "-timeout", "60s", *flags, elf],
                           capture_output=True, text=True, check=True)
        return int(r.stdout, 16)

    def build_heap(self, name, **env):
        source, elf = os.path.join(self.dir.name, "heap.go"), os.path.join(self.dir.name, name)
        with open(source, "w", encoding="utf-8") as f:
            f.write(HEAP)
        subprocess.run([GORT, "build", "-o", elf, source], check=True, env={**os.environ, **env})
        return elf

    def test_heap_base(self):
        elf = self.build_heap("heap")
        seeded = self.heap(elf, "-option", "seed=9")
        self.assertEqual(seeded, self.heap(elf, "-option", "seed=9"))
        others = {self.heap(elf), self.heap(elf), self.heap(elf, "-option", "seed=10")}
        self.assertEqual(len(others | {seeded}), 4)
        for at in others:
            self.assertTrue(0xc000000000 <= at < 1 << 47, hex(at))
        plain = self.build_heap("plain", GOEXPERIMENT="norandomizedheapbase64")
        self.assertEqual(self.heap(plain) >> 26, 0xc000000000 >> 26)


if __name__ == "__main__":
    unittest.main(warnings="ignore")
