"""The gort command: every refusal is one line that names the error."""
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

    def test_flags_of_the_machine(self):
        hello = os.path.join("apps", "hello")
        self.refuse(["build", "-m", "1G", "-o", "x.img", f"./{hello}"], "-m 1G: that is for the")
        self.refuse(["build", "-out", "/x=/tmp/x", f"./{hello}"], "-out /x=/tmp/x: that is for")
        self.refuse(["build", "-env", "A=B", f"./{hello}"], "-env A=B: an .img or .efi can hold")
        self.refuse(["build", f"./{hello}", "--", "x"], "arguments behind --")
        self.refuse(["build", "-o", "m.bin", f"./{hello}"], "-o m.bin: gort makes .img")
        self.refuse(["run", "-accel", "hvf", f"./{hello}"], "-accel hvf: expected kvm or tcg")
        self.refuse(["run", "-qemu", "'", f"./{hello}"], "-qemu '")

    def test_files_and_environment(self):
        for flags, text in ((["-out", "/x=/nosuch/y"], "there is no directory /nosuch"),
                            (["-out", "/x/=/etc/passwd"], "/etc/passwd cannot be written"),
                            (["-cwd", "here"], "-cwd here: expected an absolute path"),
                            (["-env", "X Y"], "-env X Y: expected NAME=VALUE"),
                            (["-env", "=x"], "-env =x: expected NAME=VALUE"),
                            (["-env", "NO_SUCH_VARIABLE"], "NO_SUCH_VARIABLE is not set here")):
            self.refuse(["exec", *flags, "x"], text)

    def test_bad_places(self):
        with tempfile.TemporaryDirectory() as d:
            elf = os.path.join(d, "hello.elf")
            subprocess.run([GORT, "build", "-o", elf, "./apps/hello"], cwd=ROOT, check=True)
            self.refuse(["exec", "-cwd", "/nosuch", elf], "-cwd /nosuch: the guest has no such")
            self.refuse(["exec", "-m", "4M", elf], "-m 4M: too little memory")
            self.refuse(["build", "-o", "/nosuch/x.img", "./apps/hello"],
                        "/nosuch/x.img: No such file or directory")

    def test_library(self):
        with tempfile.TemporaryDirectory() as d:
            for name, text in (("go.mod", "module lib\n\ngo 1.26\n"), ("lib.go", "package lib\n")):
                with open(os.path.join(d, name), "w", encoding="utf-8") as f:
                    f.write(text)
            for command in ("run", "build", "debug"):
                self.refuse([command, "-C", d, "."], "package lib is not a main package")

    def test_help(self):
        for command in (["test", "-h"], ["env", "-h"], ["run", "-h"], ["version"]):
            r = subprocess.run([GORT, *command], capture_output=True, text=True, cwd=ROOT)
            self.assertEqual((r.returncode, r.stderr), (0, ""), command)
            self.assertIn("gort", r.stdout)

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
