#!/usr/bin/env python3
"""Facts about Go in C: the committed facts equal those that scripts/abigen finds in each line's
sources, the committed header merges them, and C cannot use a fact that differs as a constant."""
import glob
import importlib.machinery
import importlib.util
import json
import os
import re
import subprocess
import sys
import tempfile
import unittest

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
sys.path.insert(0, os.path.join(ROOT, "scripts", "lib"))
import gobuild  # noqa: E402

FACTS = os.path.join(ROOT, "gort", "abi", "facts")


def load(name):
    loader = importlib.machinery.SourceFileLoader(name, os.path.join(ROOT, "scripts", name))
    spec = importlib.util.spec_from_loader(name, loader)
    module = importlib.util.module_from_spec(spec)
    loader.exec_module(module)
    return module


goabi = load("gen-goabi")


def read(path):
    with open(path, encoding="utf-8") as f:
        return f.read()


def abigen(release, *args):
    return subprocess.run(["go", "run", "./scripts/abigen", *args], cwd=ROOT, capture_output=True,
                          text=True, env=dict(os.environ, GOTOOLCHAIN=release))


class Committed(unittest.TestCase):
    def test_every_line_has_facts(self):
        names = {os.path.basename(p) for p in glob.glob(os.path.join(FACTS, "go*.json"))}
        self.assertEqual(names, {line + ".json" for line in gobuild.RELEASES})

    def test_facts_are_current(self):
        seen = 0
        for line, release in gobuild.RELEASES.items():
            r = subprocess.run(["go", "env", "GOVERSION"], capture_output=True, text=True,
                               cwd=ROOT, env=dict(os.environ, GOTOOLCHAIN=release))
            if r.stdout.strip() != release:
                print(f"test_abigen: {release} cannot be fetched: not compared", file=sys.stderr)
                continue
            seen += 1
            r = abigen(release)
            self.assertEqual(r.returncode, 0, r.stderr)
            self.assertEqual(read(os.path.join(FACTS, line + ".json")), r.stdout,
                             "run `make abi` and look at the difference")
        self.assertGreater(seen, 0, "no go of a supported line")

    def test_overlay_is_current(self):
        r = abigen("local", "-overlay", "gort/overlay")
        self.assertEqual(r.returncode, 0, r.stderr)
        self.assertEqual(read(os.path.join(FACTS, "overlay.json")), r.stdout, "run `make abi`")

    def test_header_is_current(self):
        with tempfile.TemporaryDirectory() as d:
            path = os.path.join(d, "goabi.h")
            subprocess.run([os.path.join(ROOT, "scripts", "gen-goabi"), "-header", path],
                           check=True)
            self.assertEqual(read(os.path.join(ROOT, "gort/abi/goabi.h")), read(path),
                             "run `make abi`")

    def test_size_classes(self):
        """gort/abi/sizeclasses.h is for all lines: their size classes must be equal."""
        text = read(os.path.join(ROOT, "gort/abi/sizeclasses.h"))
        for name, table in (("sizeclass_size", "gc_class_to_size"),
                            ("sizeclass_pages", "gc_class_to_npages"),
                            ("sizeclass_magic", "gc_class_to_divmagic")):
            ours = re.findall(r"(\d+)u", re.search(rf"{name}\[\d+\] = \{{(.*?)\}}", text, re.S)[1])
            for facts in goabi.read_lines():
                theirs = next(t for t in facts["tables"] if t["name"] == table)
                self.assertEqual([int(x) for x in ours], theirs["values"], facts["release"])


class Merging(unittest.TestCase):
    """Two made-up lines of which the newer has moved a field and changed a number."""

    def lines(self, **newer):
        old = {"release": "go1.90", "offsets": [], "tables": [],
               "consts": [{"group": "N_", "name": "N_A", "value": "1"},
                          {"group": "N_", "name": "N_B", "value": "2"}],
               "structs": [{"name": "thing", "go": "runtime.thing", "size": 24, "fields": [
                   {"name": "a", "at": 0, "c": "uint32_t a", "go": "a uint32"},
                   {"name": "b", "at": 8, "c": "uintptr_t b", "go": "b uintptr"},
                   {"name": "c", "at": 16, "c": "struct thing *c", "go": "c *thing"}]}]}
        new = json.loads(json.dumps(old))
        new["release"] = "go1.91"
        new["consts"][1]["value"] = "3"
        fields = new["structs"][0]["fields"]
        fields[1:] = [{"name": "b2", "at": 8, "c": "uintptr_t b2", "go": "b2 uintptr"},
                      {**fields[1], "at": 16}, {**fields[2], "at": 24}]
        new["structs"][0]["size"] = 32
        return [old, new]

    def compiles(self, statement):
        text = goabi.Header(self.lines()).text({"offsets": []})
        program = text + ("\nconst struct go_line lines[] = { GO_LINES };\n"
                          "int f(struct thing *t);\nint f(struct thing *t)\n{\n    (void)t;\n"
                          f"    return (int)(uintptr_t)({statement});\n}}\n")
        r = subprocess.run(["gcc", "-std=c17", "-Wall", "-Wextra", "-Werror", "-fsyntax-only",
                            "-I.", "-x", "c", "-"], input=program, text=True, cwd=ROOT,
                           capture_output=True)
        return r.returncode == 0

    def test_what_c_may_name(self):
        for statement, good in (("N_A", True), ("t->a", True), ("go_line->n_b", True),
                                ("*thing_b(t)", True), ("*thing_c(t)", True),
                                ("lines[1].thing_c", True),
                                ("N_B", False), ("t->b", False), ("t->c", False),
                                ("*thing_b2(t)", False), ("go_line->n_a", False)):
            self.assertEqual(self.compiles(statement), good, statement)

    def test_go_tags(self):
        tags = [goabi.build_tag(["go1.90", "go1.91", "go1.92"], i) for i in range(3)]
        self.assertEqual(tags, ["!go1.91", "go1.91 && !go1.92", "go1.92"])

    def test_tables_must_agree(self):
        lines = self.lines()
        for n, facts in enumerate(lines):
            facts["tables"] = [{"name": "t", "c": "uint8_t", "values": [n]}]
        with self.assertRaises(SystemExit) as cm:
            goabi.Header(lines).text({"offsets": []})
        self.assertIn("t differs between go1.90 and go1.91", str(cm.exception))


if __name__ == "__main__":
    sys.exit(unittest.main())
