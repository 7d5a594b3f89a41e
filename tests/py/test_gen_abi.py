"""gen-abi: layouts, errors with file and line, and that gcc agrees with every offset."""
import importlib.machinery
import importlib.util
import os
import re
import shutil
import subprocess
import sys
import tempfile
import unittest

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))


def load():
    loader = importlib.machinery.SourceFileLoader("gen_abi", os.path.join(ROOT, "scripts/gen-abi"))
    spec = importlib.util.spec_from_loader("gen_abi", loader)
    module = importlib.util.module_from_spec(spec)
    loader.exec_module(module)
    return module


gen_abi = load()
sys.path.insert(0, os.path.join(ROOT, "scripts", "lib"))

import abiregs                                                          # noqa: E402
import gobuild                                                          # noqa: E402

SAMPLE = """\
# a comment
chansend1(struct hchan *c, void *elem)

mixed(uint8_t a, uint32_t b, bool c) -> (bool ok)   # results start at 16
strings(struct gostring s, struct goslice v) -> (struct goeface e, uint16_t n)
nothing()
one(uint32_t x)
long_one(uintptr_t a,
         uintptr_t b) -> (int64_t r)
"""


class GenAbi(unittest.TestCase):
    def setUp(self):
        self.dir = tempfile.mkdtemp()
        self.entries = os.path.join(self.dir, "entries")
        self.out = os.path.join(self.dir, "out")
        os.mkdir(self.entries)

    def tearDown(self):
        shutil.rmtree(self.dir)

    def generate(self, text, name="a.def"):
        with open(os.path.join(self.entries, name), "w", encoding="utf-8") as f:
            f.write(text)
        return {e.name: e for e in gen_abi.generate(self.entries, self.out, self.dir)}

    def read(self, name):
        with open(os.path.join(self.out, name), encoding="utf-8") as f:
            return f.read()

    def test_layout(self):
        e = self.generate(SAMPLE)
        self.assertEqual([f.offset for f in e["mixed"].args], [0, 4, 8])
        self.assertEqual((e["mixed"].results[0].offset, e["mixed"].size), (16, 24))
        self.assertEqual([f.offset for f in e["strings"].args], [0, 16])
        self.assertEqual([f.offset for f in e["strings"].results], [40, 56])
        self.assertEqual(e["strings"].size, 64)
        self.assertEqual((e["nothing"].size, e["one"].size, e["long_one"].size), (0, 8, 24))

    def test_compilers_agree(self):
        self.generate(SAMPLE)
        for cc in ("gcc", "clang"):
            if shutil.which(cc):
                subprocess.run([cc, "-std=c17", "-Wall", "-Wextra", "-Werror", "-c", "-I", ROOT,
                                "-I", self.out, "-o", "/dev/null",
                                os.path.join(self.out, "rt_table.c")], check=True)

    def test_stubs(self):
        self.generate("f(uint32_t x) -> (bool r)\ng()\n")
        text = self.read("zgates_amd64.s")
        self.assertIn("TEXT ·f(SB), NOSPLIT|NOFRAME, $0-16\n\tMOVQ ·ktab+128(SB), AX\n", text)
        self.assertIn("MOVQ ·ktab+136(SB), AX", text)
        self.assertIn("GLOBL ·ktab(SB), NOPTR, $144\n", text)

    def test_deterministic_and_untouched(self):
        self.generate(SAMPLE)
        path = os.path.join(self.out, "rt_frames.h")
        before = os.stat(path)
        first = self.read("rt_frames.h")
        self.generate(SAMPLE + "# only a comment\n")
        self.assertEqual(os.stat(path).st_ino, before.st_ino)
        self.assertEqual(self.read("rt_frames.h"), first)

    def test_version_follows_signatures(self):
        def version(text):
            self.generate(text)
            return [x for x in self.read("rt_frames.h").split("\n") if "RT_ABI_VERSION" in x]
        self.assertNotEqual(version("f(uint32_t x)\n"), version("f(uint64_t x)\n"))
        self.assertNotEqual(version("f()\ng()\n"), version("g()\nf()\n"))
        self.assertEqual(version("f()   # x\n"), version("\nf()\n"))

    def check_error(self, text, expected):
        with self.assertRaises(gen_abi.AbiError) as cm:
            self.generate(text)
        self.assertTrue(str(cm.exception).startswith(expected), str(cm.exception))

    def test_errors(self):
        self.check_error("\nf(int x)\n", "entries/a.def:2: unknown type `int`")
        self.check_error("f(uint32_t)\n", "entries/a.def:1: expected `ctype name`")
        self.check_error("f(uint32_t a, uint8_t a)\n", "entries/a.def:1: `a` names two fields")
        self.check_error("f()\n\nf()\n", "entries/a.def:3: f is already defined at entries/a.def:1")
        self.check_error("f\n", "entries/a.def:1: expected `name(")
        self.check_error("f()\ng(uint8_t a,\n", "entries/a.def:2: unfinished entry")
        self.check_error("f(void *default)\n", "entries/a.def:1: `default` is a C keyword")

    def test_command_line(self):
        with open(os.path.join(self.entries, "b.def"), "w", encoding="utf-8") as f:
            f.write("f(int x)\n")
        r = subprocess.run([os.path.join(ROOT, "scripts/gen-abi"), "-i", self.entries,
                            "-o", self.out], capture_output=True, text=True)
        self.assertEqual(r.returncode, 1)
        self.assertIn("b.def:1: unknown type `int`", r.stderr)


class Registers(unittest.TestCase):
    TABLE = os.path.join(ROOT, "gort/abi/registers.def")

    @unittest.skipUnless(shutil.which("go"), "no go command")
    def test_as_the_compiler_has_them(self):
        src = os.path.join(gobuild.Go(ROOT).goroot, "src")
        with open(os.path.join(src, "cmd/compile/internal/ssa/_gen/AMD64Ops.go")) as f:
            ops = f.read()
        table = abiregs.parse(self.TABLE)
        for kind, name in (("integer", "ParamIntRegNames"), ("float", "ParamFloatRegNames")):
            self.assertEqual(table[kind], re.search(rf'{name}: *"(.*?)"', ops)[1].split())

    def test_reflectcall_finds_the_smallest_frame(self):
        text = abiregs.assembly(abiregs.parse(self.TABLE))
        rows = [int(m[1]) if m[1] else None for m in re.finditer(
            r"^DATA reflectframes<>\+\d+\(SB\)/8, \$·(?:call(\d+)|badreflectcall)\(SB\)", text,
            re.M)]
        least, base = (int(re.search(p, text)[1]) for p in (r"ORL \$(\d+)", r"MOVQ -(\d+)\(AX\)"))
        for wanted in (0, 1, 15, 16, 17, 32, 33, 1 << 20, (1 << 20) + 1, 1 << 30, (1 << 30) + 1,
                       (1 << 32) - 1):
            bit = (max(wanted - 1, 0) | least).bit_length() - 1
            frame = rows[bit - base // 8]
            fits = [n for n in abiregs.frame_sizes(abiregs.parse(self.TABLE)) if n >= wanted]
            self.assertEqual(frame, min(fits, default=None), wanted)

    def test_errors(self):
        with tempfile.TemporaryDirectory() as d:
            path = os.path.join(d, "registers.def")
            for text, where in (("integer AX AX\n", ":1"), ("\nfloats X0\n", ":2"),
                                ("frames sixteen\n", ":1"), ("integer AX\n", ":1: no line")):
                with open(path, "w") as f:
                    f.write(text)
                with self.assertRaises(abiregs.TableError) as cm:
                    abiregs.parse(path)
                self.assertIn(path + where, str(cm.exception))


if __name__ == "__main__":
    unittest.main()
