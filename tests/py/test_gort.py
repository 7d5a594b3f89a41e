"""The gort command: every refusal is one line that says what is wrong."""
import os
import subprocess
import tempfile
import unittest

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
GORT = os.path.join(ROOT, "scripts", "gort")

class Gort(unittest.TestCase):
    def refuse(self, args, text, **env):
        r = subprocess.run([GORT, *args], capture_output=True, text=True, cwd=ROOT,
                           env=dict(os.environ, **env), stdin=subprocess.DEVNULL)
        self.assertNotEqual(r.returncode, 0, args)
        self.assertEqual(r.stdout, "", args)
        self.assertIn(text, r.stderr)
        self.assertEqual(len(r.stderr.splitlines()), 1, r.stderr)

    def test_flags(self):
        self.refuse(["frob"], "unknown command frob")
        self.refuse(["run"], "no package given")
        self.refuse(["run", "-fw", "bios", "x"], "unknown firmware")
        self.refuse(["run", "-smp", "0", "x"], "-smp 0")
        self.refuse(["run", "-m", "lots", "x"], "-m lots")
        self.refuse(["run", "-timeout", "soon", "x"], "-timeout soon")
        self.refuse(["run", "-frobnicate", "x"], "unknown flag -frobnicate")
        self.refuse(["run", "-tags"], "-tags needs a value")
        self.refuse(["exec", "-race", "x"], "unknown flag -race")

    def test_build_flags(self):
        for flag in ("-race", "-msan", "-asan", "-linkshared"):
            self.refuse(["run", flag, "./apps/hello"], f"{flag} is not possible")
        self.refuse(["build", "-buildmode=pie", "./apps/hello"], "-buildmode=pie")
        self.refuse(["build", "-compiler", "gccgo", "./apps/hello"], "-compiler=gccgo")

    def test_environment(self):
        self.refuse(["env"], "CGO_ENABLED=1", CGO_ENABLED="1")
        self.refuse(["env"], "GOOS=windows", GOOS="windows")
        self.refuse(["env"], "GOARCH=arm64", GOARCH="arm64")

    def test_binaries(self):
        self.refuse(["exec", "/nonexistent"], "No such file")
        self.refuse(["exec", os.path.join(ROOT, "Makefile")], "is not an ELF program")

    def test_no_go(self):
        with tempfile.TemporaryDirectory() as d:
            os.symlink("/usr/bin/env", os.path.join(d, "env"))
            os.symlink(os.path.realpath(os.sys.executable), os.path.join(d, "python3"))
            self.refuse(["env"], "no go command found: install Go", PATH=d)

    def build_files(self, **files):
        with tempfile.TemporaryDirectory() as d:
            for name, text in {"go.mod": "module x\n\ngo 1.26\n", **files}.items():
                path = os.path.join(d, name.replace("__", "/"))
                os.makedirs(os.path.dirname(path), exist_ok=True)
                with open(path, "w", encoding="utf-8") as f:
                    f.write(text)
            return subprocess.run([GORT, "build", "-o", os.path.join(d, "x.elf"), "."], cwd=d,
                                  capture_output=True, text=True)

    def test_cgo_program(self):
        r = self.build_files(**{"main.go": 'package main\n\nimport "C"\n\nfunc main() {}\n'})
        self.assertEqual(r.returncode, 1)
        self.assertIn("x uses cgo, which gort cannot run", r.stderr)

    def test_cgo_with_fallback(self):
        files = {"main.go": 'package main\n\nimport "x/y"\n\nfunc main() { y.F() }\n',
                 "y__cgo.go": 'package y\n\nimport "C"\n\nfunc F() {}\n',
                 "y__pure.go": "//go:build !cgo\n\npackage y\n\nfunc F() {}\n"}
        self.assertEqual(self.build_files(**files).returncode, 0)
        files["main.go"] = files["main.go"].replace("y.F()", "y.G()")
        r = self.build_files(**files)
        self.assertEqual(r.returncode, 1)
        self.assertIn("undefined: y.G", r.stderr)
        self.assertNotIn("cgo", r.stderr)


if __name__ == "__main__":
    unittest.main()
