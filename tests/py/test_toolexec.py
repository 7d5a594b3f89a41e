#!/usr/bin/env python3
"""gort toolexec: the files that a tool's command line names, and real builds: one
program's objects and its link, equal to the stock tools' results."""
import hashlib
import json
import os
import re
import subprocess
import sys
import tempfile
import unittest

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
GORT = os.path.join(ROOT, "scripts", "gort")
sys.path.insert(0, os.path.join(ROOT, "scripts", "lib"))
import toolexec  # noqa: E402
from common import UserError  # noqa: E402

MAIN = """package main

import "os"

func low() int

func main() {
    if low() == 42 {
        os.Stdout.WriteString("forty-two\\n")
    }
}
"""
LOW = """#include "textflag.h"
#include "go_asm.h"

TEXT ·low(SB), NOSPLIT, $0-8
    MOVQ $42, ret+0(FP)
    RET
"""


def go(args, env, cwd):
    return subprocess.run(["go", *args], env=env, cwd=cwd, capture_output=True, text=True)


class Scratch(unittest.TestCase):
    def setUp(self):
        tmp = tempfile.TemporaryDirectory()
        self.addCleanup(tmp.cleanup)
        self.dir = tmp.name

    def write(self, name, text):
        path = os.path.join(self.dir, name)
        with open(path, "w", encoding="utf-8") as f:
            f.write(text)
        return path


class Flags(unittest.TestCase):
    """The table of flags, compared with the -h of the tools of the go at hand."""

    def test_flags_with_values(self):
        for tool in ("compile", "asm", "link", "cover", "preprofile"):
            text = subprocess.run(["go", "tool", tool, "-h"], capture_output=True, text=True)
            said = set(re.findall(r"^  -(\S+) [a-zA-Z]+$", text.stdout + text.stderr, re.M))
            self.assertTrue(said, tool)
            ours = {n for names in toolexec.FLAGS[tool].values() for n in names.split()}
            self.assertEqual(said - ours, set(), f"flags of {tool} with a value that we lack")


class Reading(Scratch):
    def action(self, tool, *args):
        a = toolexec.Action(tool, list(args), self.dir)
        def names(paths):
            return sorted(os.path.relpath(p, self.dir) for p in paths)
        return names(a.reads), names(a.writes)

    def test_compile(self):
        for name in ("a.go", "b.go", "text", "x.a", "syms", "prof"):
            self.write(name, "")
        self.write("importcfg", "# import config\npackagefile x=x.a\nimportmap y=z\n")
        self.write("embedcfg", json.dumps({"Patterns": {}, "Files": {"text": "text"}}))
        reads, writes = self.action(
            "compile", "-o", "out.a", "-p", "a.go", "-trimpath", "/x=>", "-complete", "-c=4",
            "-importcfg", "importcfg", "-embedcfg", "embedcfg", "-symabis", "syms",
            "-pgoprofile=prof", "-asmhdr", "go_asm.h", "-pack", "./b.go")
        self.assertEqual(reads, ["b.go", "embedcfg", "importcfg", "prof", "syms", "text", "x.a"])
        self.assertEqual(writes, ["go_asm.h", "out.a"])

    def test_asm_takes_headers(self):
        os.mkdir(os.path.join(self.dir, "inc"))
        self.write("inc/textflag.h", "")
        self.write("inc/other.c", "")
        self.write("own.h", "")
        self.write("a.s", "")
        reads, writes = self.action("asm", "-I", "inc", "-D", "GOOS_linux", "-o", "a.o", "./a.s")
        self.assertEqual(reads, ["a.s", "inc/textflag.h", "own.h"])
        self.assertEqual(writes, ["a.o"])

    def test_asm_takes_what_is_included(self):
        os.makedirs(os.path.join(self.dir, "low", "abi"))
        os.makedirs(os.path.join(self.dir, "include", "deep"))
        source = self.write("low/a.s", '#include "abi/one.h"\n  # include "deep/two.h"\n')
        self.write("low/abi/one.h", '#include "abi/three.h"\n#include "abi/one.h"\n')
        self.write("low/abi/three.h", "")
        self.write("low/abi/unasked.h", "")
        self.write("include/deep/two.h", '#include "missing.h"\n')
        action = toolexec.Action("asm", ["-I", "include", "-o", "a.o", source], self.dir)
        found = {os.path.relpath(name, self.dir) for name in action.reads}
        self.assertEqual(found, {"low/a.s", "low/abi/one.h", "low/abi/three.h",
                                 "include/deep/two.h"})

    def test_response_file(self):
        self.write("a.go", "")
        self.write("b.go", "")
        self.write("args", "-o\nx\\\\y.a\na.go\n")
        reads, writes = self.action("compile", "@args", "b.go")
        self.assertEqual((reads, writes), (["a.go", "args", "b.go"], ["x\\y.a"]))

    def test_vet_and_cover(self):
        self.write("a.go", "")
        self.write("x.vetx", "")
        self.write("vet.cfg", json.dumps({"Dir": self.dir, "GoFiles": ["a.go"], "NonGoFiles": None,
                                          "PackageVetx": {"x": self.dir + "/x.vetx"},
                                          "VetxOutput": self.dir + "/out.vetx"}))
        self.assertEqual(self.action("vet", "-printf", "vet.cfg"),
                         (["a.go", "vet.cfg", "x.vetx"], ["out.vetx"]))
        self.write("pkgcfg", json.dumps({"OutConfig": "cov.cfg"}))
        self.write("outs", "vars.go\na.cover.go\n")
        self.assertEqual(self.action("cover", "-pkgcfg", "pkgcfg", "-mode", "set", "-var", "V",
                                     "-outfilelist", "outs", "a.go"),
                         (["a.go", "outs", "pkgcfg"], ["a.cover.go", "cov.cfg", "vars.go"]))

    def test_pack_and_buildid(self):
        self.write("x.a", "")
        self.write("y.o", "")
        self.assertEqual(self.action("pack", "r", "x.a", "y.o"), (["x.a", "y.o"], ["x.a"]))
        self.assertEqual(self.action("pack", "t", "x.a"), (["x.a"], []))
        self.assertEqual(self.action("buildid", "-w", "x.a"), (["x.a"], ["x.a"]))

    def test_refused(self):
        r = subprocess.run(["go", "env", "GOROOT"], capture_output=True, text=True)
        root = r.stdout.strip()
        for path, why in (("/x/cgo", "cgo cannot run on gort: cgo runs a C compiler"),
                          ("/usr/bin/gcc", "none of the Go tools that can run on gort")):
            with self.assertRaisesRegex(UserError, re.escape(why)):
                toolexec.tool_of(path, root)
        with self.assertRaisesRegex(UserError, "it runs a C compiler"):
            self.action("link", "-linkmode=external", "x.a")
        self.write("bad", "{")
        with self.assertRaisesRegex(UserError, "embedcfg is not a JSON object"):
            self.action("compile", "-embedcfg", "bad")


class Builds(Scratch):
    """All files made on gort are byte for byte those of the stock tools."""

    def setUp(self):
        super().setUp()
        for name, text in (("go.mod", "module x\n\ngo 1.26\n"), ("main.go", MAIN),
                           ("low_amd64.s", LOW)):
            self.write(name, text)
        self.log = os.path.join(self.dir, "log")
        self.env = dict(os.environ, CGO_ENABLED="0", GOFLAGS="", GORT_TOOLEXEC_LOG=self.log)

    def done(self):
        with open(self.log, encoding="utf-8") as f:
            return [json.loads(line)["tool"] for line in f]

    def digest(self, name):
        with open(os.path.join(self.dir, name), "rb") as f:
            return hashlib.sha256(f.read()).hexdigest()

    def test_program(self):
        """The directory is new, so nothing of package main is in go's cache, while std may be. The
        stock tools run last, or their objects would be used."""
        r = go(["build", f"-toolexec={GORT} toolexec", "-o", "ours", "."], self.env, self.dir)
        self.assertEqual(r.returncode, 0, r.stderr)
        for tool in ("asm", "compile", "link"):
            self.assertIn(tool, self.done())
        self.assertTrue(os.access(os.path.join(self.dir, "ours"), os.X_OK))
        r = go(["build", "-a", "-o", "theirs", "."], self.env, self.dir)
        self.assertEqual(r.returncode, 0, r.stderr)
        self.assertEqual(self.digest("ours"), self.digest("theirs"))
        r = subprocess.run([os.path.join(self.dir, "ours")], capture_output=True, text=True)
        self.assertEqual(r.stdout, "forty-two\n")

    def test_errors_are_the_tools_own(self):
        self.write("main.go", MAIN + "\nvar unknown = thing\n")
        ours = go(["build", f"-toolexec={GORT} toolexec", "-o", "x", "."], self.env, self.dir)
        theirs = go(["build", "-o", "x", "."], self.env, self.dir)
        self.assertEqual((ours.returncode, ours.stderr), (theirs.returncode, theirs.stderr))
        self.assertIn("undefined: thing", ours.stderr)

    def test_too_small(self):
        r = go(["build", f"-toolexec={GORT} toolexec -m 48M", "-o", "x", "."], self.env, self.dir)
        self.assertNotEqual(r.returncode, 0)
        self.assertIn("needs more than 48 MiB: -toolexec \"gort toolexec -m 96M\"", r.stderr)


if __name__ == "__main__":
    unittest.main()
