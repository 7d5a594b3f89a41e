#!/usr/bin/env python3
"""Flags and settings of go build, a row each: the program is built for gort and runs, or one line
says why it is not."""
import json
import os
import subprocess
import sys
import tempfile
import unittest

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
GORT = os.path.join(ROOT, "scripts", "gort")
MAIN = """package main

import "x/word"

var set = "not set"

func main() { println(set, word.Word) }
"""
FUZZ = """package main

import "testing"

func FuzzX(f *testing.F) { f.Fuzz(func(t *testing.T, n int) {}) }
"""
# (output, environment, flags): these programs are booted.
BOOTED = [("not set usual", {}, ["-gcflags=all=-N -l", "-trimpath"]),
          ("by -X usual", {"GOAMD64": "v2"}, ["-ldflags=-s -w -X main.set=by_-X"]),
          ("not set usual", {"GOAMD64": "v3", "GOEXPERIMENT": "simd"}, ["-buildvcs=false"])]
# (environment, flags): these are only built.
BUILT = [({"GOAMD64": "v1"}, ["-tags=some,more", "-a=false"]),
         ({"GOAMD64": "v4"}, ["-v=false"]),
         ({}, ["-buildmode=exe"]),
         ({}, ["-cover", "-covermode=atomic"]),
         ({}, ["-pgo=off", "-mod=mod"]),
         ({}, ["-ldflags=-w", "-gcflags=-m=0", "-asmflags=-trimpath=/x"]),
         ({"GOEXPERIMENT": "preemptibleloops,nosizespecializedmalloc,nogreenteagc"}, []),
         ({"GOFLAGS": "-tags=x -trimpath"}, [])]
REFUSED = [({}, ["-buildmode=pie"], "-buildmode=pie is not possible"),
           ({}, ["-buildmode=plugin"], "-buildmode=plugin is not possible"),
           ({}, ["-race"], "-race is not possible"),
           ({}, ["-overlay=/nonexistent.json"], "-overlay=/nonexistent.json: No such file"),
           ({}, ["-C", "/nonexistent"], "-C /nonexistent: No such file"),
           ({"GOEXPERIMENT": "cgocheck2"}, [], "GOEXPERIMENT=cgocheck2 is not possible"),
           ({"GOEXPERIMENT": "runtimesecret"}, [], "GOEXPERIMENT=runtimesecret is not possible"),
           ({"GOEXPERIMENT": "arenas"}, [], "GOEXPERIMENT=arenas is not possible"),
           ({"GOEXPERIMENT": "boringcrypto"}, [], "GOEXPERIMENT=boringcrypto is not possible"),
           ({"GOEXPERIMENT": "anotherthing"}, [], "unknown GOEXPERIMENT anotherthing"),
           ({"GOOS": "windows"}, [], "GOOS=windows")]


class Flags(unittest.TestCase):
    def setUp(self):
        tmp = tempfile.TemporaryDirectory()
        self.addCleanup(tmp.cleanup)
        self.dir = tmp.name
        for name, text in (("go.mod", "module x\n\ngo 1.26\n"), ("main.go", MAIN),
                           ("x_test.go", FUZZ),
                           ("word/word.go", 'package word\n\nconst Word = "usual"\n')):
            self.write(name, text)
        self.elf = os.path.join(self.dir, "x.elf")

    def write(self, name, text):
        path = os.path.join(self.dir, name)
        os.makedirs(os.path.dirname(path), exist_ok=True)
        with open(path, "w", encoding="utf-8") as f:
            f.write(text)
        return path

    def gort(self, *args, cwd=None, **env):
        return subprocess.run([GORT, *args], capture_output=True, text=True, cwd=cwd or self.dir,
                              env=dict(os.environ, **env), stdin=subprocess.DEVNULL)

    def build(self, flags, env, cwd=None):
        r = self.gort("build", "-o", self.elf, *flags, ".", cwd=cwd, **env)
        self.assertEqual((r.returncode, r.stderr), (0, ""), (flags, env))
        with open(self.elf, "rb") as f:
            self.assertIn(b"GTAPPTAB", f.read(), (flags, env))

    def says(self, text):
        r = self.gort("exec", "-smp", "1", "-timeout", "60s", self.elf)
        self.assertEqual((r.returncode, r.stderr), (0, text + "\n"))

    def refused(self, args, env, text):
        r = self.gort(*args, **env)
        self.assertNotEqual(r.returncode, 0, args)
        self.assertIn(text, r.stderr)
        self.assertEqual(len(r.stderr.splitlines()), 1, r.stderr)

    def test_booted(self):
        for text, env, flags in BOOTED:
            with self.subTest(flags=flags, **env):
                self.build(flags, env)
                self.says(text.replace("by -X", "by_-X"))

    def test_built(self):
        for env, flags in BUILT:
            with self.subTest(flags=flags, **env):
                self.build(flags, env)

    def test_refused(self):
        for env, flags, text in REFUSED:
            with self.subTest(flags=flags, **env):
                self.refused(["build", "-o", self.elf, *flags, "."], env, text)

    def test_fuzz_is_refused(self):
        self.refused(["test", "-fuzz=FuzzX", "."], {}, "-fuzz is not possible")

    def test_directory(self):
        self.build(["-C", self.dir], {}, cwd="/")

    def test_overlay_of_the_user(self):
        other = self.write("other.txt", 'package word\n\nconst Word = "another"\n')
        path = self.write("overlay.json", json.dumps({"Replace": {"word/word.go": "other.txt"}}))
        self.build([f"-overlay={path}"], {})
        self.says("not set another")
        self.build([], {"GOFLAGS": f"-overlay={path}"})
        with open(self.elf, "rb") as f:
            self.assertIn(b"another", f.read())
        os.remove(other)
        self.refused(["build", f"-overlay={path}", "-o", self.elf, "."], {},
                     "other.txt does not exist")

    def test_broken_overlays(self):
        goroot = subprocess.run(["go", "env", "GOROOT"], capture_output=True, text=True,
                                cwd=self.dir, check=True).stdout.strip()
        proc = os.path.join(goroot, "src", "runtime", "proc.go")
        for text, complaint in (("{", "not an overlay file"), ("[]", "not an overlay file"),
                                ('{"Replace": {"a": 1}}', "not an overlay file"),
                                (json.dumps({"Replace": {proc: "main.go"}}),
                                 "which gort replaces")):
            path = self.write("bad.json", text)
            self.refused(["build", f"-overlay={path}", "-o", self.elf, "."], {}, complaint)


if __name__ == "__main__":
    sys.exit(unittest.main())
