"""The instructions of a guest, as the plugin of scripts/lib/counted.py counts them: loops of known
length are counted whole, the blocks add up to the total, and waiting counts nothing. What a profile
says of such counts; and the part of a page that scripts/bench-net keeps."""
import importlib.machinery
import importlib.util
import os
import subprocess
import sys
import tempfile
import unittest

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
sys.path.insert(0, os.path.join(ROOT, "scripts", "lib"))
import counted  # noqa: E402
from common import KERNEL  # noqa: E402

GORT = os.path.join(ROOT, "scripts", "gort")


class Counted(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.dir = tempfile.TemporaryDirectory()
        cls.program = os.path.join(cls.dir.name, "work.elf")
        cls.plugin = counted.build(cls.dir.name)
        subprocess.run([GORT, "build", "-o", cls.program, "./tests/py/guests/work"], cwd=ROOT,
                       check=True)

    @classmethod
    def tearDownClass(cls):
        cls.dir.cleanup()

    def run_guest(self, *args):
        """(instructions in all, {function: instructions})"""
        counts = os.path.join(self.dir.name, "counts")
        bundle = os.path.join(self.dir.name, "bundle")
        subprocess.run([os.path.join(ROOT, "scripts", "mkbundle"), "-o", bundle, "--init",
                        self.program, "--args", "work", *args], check=True)
        r = subprocess.run([os.path.join(ROOT, "scripts", "qemu"), "-bundle", bundle, "-smp", "1",
                            "--", *counted.arguments(self.plugin, counts)],
                           env={**os.environ, "GORT_ACCEL": "tcg"}, capture_output=True)
        self.assertEqual(r.returncode, 0, r.stderr)
        symbols, functions = counted.Symbols(KERNEL, self.program), {}
        blocks, _ = counted.read_blocks(counts)
        for pc, n in blocks.items():
            functions[symbols.name(pc)] = functions.get(symbols.name(pc), 0) + n
        total = counted.total(counts)
        self.assertEqual(sum(blocks.values()), total)
        return total, functions

    def test_work_and_waiting(self):
        none, _ = self.run_guest("0", "0")
        loops, functions = self.run_guest("5000000", "0")
        waits, _ = self.run_guest("0", "1000")
        # a turn of the loop is some instructions, whatever the compiler makes of it
        self.assertIn(functions["main.spin"] // 5000000, range(2, 12))
        self.assertAlmostEqual((loops - none) / functions["main.spin"], 1, delta=0.2)
        # a second of waiting: a few ticks, where a spin would be 10^9
        self.assertLess(waits - none, 5000000)


class Profile(unittest.TestCase):
    def test_functions(self):
        """inner's second block begins where no function does: it counts, and is no entry."""
        symbols = counted.Symbols()
        symbols.starts, symbols.names, symbols.entries = [100, 200], ["outer", "inner"], {100, 200}
        before = ({100: 7, 200: 0, 210: 0}, {100: 1, 200: 0, 210: 0})
        after = ({100: 77, 200: 40, 210: 300}, {100: 11, 200: 20, 210: 100})
        lines = [x.split() for x in counted.profile(before, after, 10, symbols)]
        self.assertEqual(lines, [["41.0", "times", "in", "all"], ["34.0", "2.00", "inner"],
                                 ["7.0", "1.00", "outer"]])


class Page(unittest.TestCase):
    def test_kept(self):
        loader = importlib.machinery.SourceFileLoader(
            "bench_net", os.path.join(ROOT, "scripts", "bench-net"))
        spec = importlib.util.spec_from_loader("bench_net", loader)
        bench = importlib.util.module_from_spec(spec)
        loader.exec_module(bench)
        with tempfile.TemporaryDirectory() as d:
            path = os.path.join(d, "PAGE.md")
            self.assertEqual(bench.kept(path), "")
            for text, rest in (("# A\n\n| x |\n", ""), ("# A\n\n| x |\n\n## B\n\nc\n## D\n",
                                                        "\n## B\n\nc\n## D\n")):
                with open(path, "w", encoding="utf-8") as f:
                    f.write(text)
                self.assertEqual(bench.kept(path), rest)


if __name__ == "__main__":
    unittest.main()
