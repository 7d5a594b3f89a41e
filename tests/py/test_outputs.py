"""Files that a program or a test writes in the machine for the host: -out, and the
profiles of `gort test`."""
import os
import re
import shutil
import subprocess
import tempfile
import unittest

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
GORT = os.path.join(ROOT, "scripts", "gort")

WRITER = """package main

import "os"

func main() {
    b := make([]byte, 5<<20+123)
    for i := range b {
        b[i] = byte(i*i>>3) ^ byte(i>>12)
    }
    check(os.WriteFile("/data/out/big", b, 0o644))
    check(os.WriteFile("/data/out/empty", nil, 0o644))
    text := "\\ngort: exit 0\\ngort: file /x\\ngort: end\\nabc"
    check(os.WriteFile("/tricky", []byte(text), 0o600))
    os.Exit(7)
}

func check(err error) {
    if err != nil {
        panic(err)
    }
}
"""
AGED = """package main

import (
    "fmt"
    "os"
)

func main() {
    info, _ := os.Stat("/old")
    fmt.Println(info.ModTime().Unix())
}
"""
CRASHER = """package main

import (
    "os"
    "runtime/debug"
    "syscall"
    "time"
)

func deep(n int) int { return deep(n+1) + n }

func main() {
    f, err := os.OpenFile("/crash", os.O_CREATE|os.O_RDWR, 0o644)
    check(err)
    check(debug.SetCrashOutput(os.Stdout, debug.CrashOptions{}))
    check(debug.SetCrashOutput(f, debug.CrashOptions{}))
    check(f.Close())
    println("not of the crash")
    switch os.Args[1] {
    case "panic":
        panic("oops")
    case "deadlock":
        select {}
    case "overflow":
        debug.SetMaxStack(1 << 20)
        deep(0)
    case "quit":
        syscall.Kill(syscall.Getpid(), syscall.SIGQUIT)
        time.Sleep(time.Hour)
    case "none":
        check(debug.SetCrashOutput(nil, debug.CrashOptions{}))
        panic("oops")
    case "pipe":                    // nobody reads it, and it is soon full
        _, w, err := os.Pipe()
        check(err)
        check(debug.SetCrashOutput(w, debug.CrashOptions{}))
        for range 500 {
            go func() { time.Sleep(time.Hour) }()
        }
        time.Sleep(time.Millisecond)
        debug.SetTraceback("all")
        panic("oops")
    }
}

func check(err error) {
    if err != nil {
        panic(err)
    }
}
"""
TREE = """package main

import (
    "fmt"
    "os"
    "strings"
)

func main() {
    os.WriteFile("/cov/args", []byte(strings.Join(os.Args[1:], " ")), 0o644)
    os.MkdirAll("/cov/a/b", 0o755)
    os.WriteFile("/cov/a/b/c", []byte("deep"), 0o644)
    os.Mkdir("/cov/many", 0o755)
    for i := range 200 {
        os.WriteFile(fmt.Sprint("/cov/many/", i), make([]byte, i), 0o644)
    }
    os.Symlink("/", "/cov/link")
}
"""
COVERED = """package covered

func Abs(x int) int {
    if x < 0 {
        return -x
    }
    return x
}

func Spin(n int) (s int) {
    for i := range n {
        s += i * i
    }
    return
}
"""
CARRIED = """package a

import (
    "os"
    "slices"
    "testing"
)

func TestLinks(t *testing.T) {
    for name, want := range map[string]string{"testdata/gone": "nowhere",
        "../again": "sub/testdata", "testdata/out": "/usr/bin", "testdata/circle": "back",
        "testdata/back": "circle"} {
        if target, err := os.Readlink(name); target != want {
            t.Error(name, target, err)
        }
    }
}

func TestFiles(t *testing.T) {
    if b, err := os.ReadFile("testdata/file"); string(b) != "not the module's" {
        t.Error(string(b), err)
    }
    for _, name := range []string{"../shared/text", "../again/mod/text",
        "testdata/mod/text", "../other/text"} {
        b, err := os.ReadFile(name)
        if there := string(b) == "here"; there == slices.Contains(os.Args, "no:" + name) {
            t.Error(name, string(b), err)
        }
    }
    for _, name := range []string{"../ignored/text", "../.git"} {
        if _, err := os.Stat(name); err == nil {
            t.Error(name, "is there")
        }
    }
}
"""
TEST = """package covered

import "testing"

func TestAbs(t *testing.T) {
    if Abs(3) != 3 {
        t.Fatal()
    }
}

func TestSpin(t *testing.T) {
    for range 100 {
        Spin(1000000)
    }
}
"""
ARTIFACTS = """package covered

import (
    "os"
    "path/filepath"
    "testing"
)

func keep(t *testing.T, name, text string) {
    path := filepath.Join(t.ArtifactDir(), name)
    os.MkdirAll(filepath.Dir(path), 0o755)
    if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
        t.Fatal(err)
    }
    os.Symlink("/proc/self", filepath.Join(t.ArtifactDir(), "link"))
}

func TestOne(t *testing.T) { keep(t, "log.txt", "one\\n") }
func TestTwo(t *testing.T) {
    t.Run("inner", func(t *testing.T) { keep(t, "a/b/c", "two\\n") })
    t.Run("none", func(t *testing.T) { os.Mkdir(filepath.Join(t.ArtifactDir(), "empty"), 0o755) })
}
"""


class Outputs(unittest.TestCase):
    def setUp(self):
        self.dir = tempfile.mkdtemp()
        self.addCleanup(shutil.rmtree, self.dir)

    def write(self, name, text):
        os.makedirs(os.path.dirname(os.path.join(self.dir, name)), exist_ok=True)
        with open(os.path.join(self.dir, name), "w", encoding="utf-8") as f:
            f.write(text)

    def read(self, name):
        with open(os.path.join(self.dir, name), "rb") as f:
            return f.read()

    def run_here(self, *command, status=0):
        r = subprocess.run(command, cwd=self.dir, capture_output=True, text=True)
        self.assertEqual(r.returncode, status, r.stdout + r.stderr)
        return r.stdout + r.stderr

    def test_out(self):
        self.write("main.go", WRITER)
        said = self.run_here(GORT, "run", "-fw", "pvh", "-timeout", "60s", "-out",
                             "/data/out/big=big", "-out", "/data/out/empty=empty", "-out",
                             "/tricky=tricky", "-out", "/none=none", "main.go", status=7)
        self.assertEqual(said, "gort: -out /none: the program has not written it\n")
        want = bytes((i * i >> 3 ^ i >> 12) & 0xff for i in range((5 << 20) + 123))
        self.assertTrue(self.read("big") == want)
        self.assertEqual(self.read("empty"), b"")
        self.assertEqual(self.read("tricky"),
                         b"\ngort: exit 0\ngort: file /x\ngort: end\nabc")
        self.assertFalse(os.path.exists(os.path.join(self.dir, "none")))

    def test_crash_output(self):
        """debug.SetCrashOutput: the file gets the crash report as stderr does, and no more."""
        self.write("main.go", CRASHER)
        self.run_here(GORT, "build", "-o", "crasher.elf", "main.go")
        for how, text in (("panic", "panic: oops"), ("deadlock", "fatal error: all goroutines"),
                          ("overflow", "fatal error: stack overflow"), ("quit", "SIGQUIT: quit"),
                          ("none", ""), ("pipe", "")):
            said = self.run_here(GORT, "exec", "-timeout", "60s", "-out", "/crash=crash",
                                 "crasher.elf", how, status=2)
            self.assertEqual(said.count("not of the crash\n"), 1, said)
            before, _, crash = said.partition("not of the crash\n")
            got = self.read("crash").decode()
            self.assertRegex(crash, r"\ngoroutine \d+ ", how)
            want = crash[crash.index(text):] if text else ""
            self.assertTrue(got == want, f"{how}: {got[-500:]} is not {want[-500:]}")

    def test_times_of_files(self):
        """A program that is booted at once sees the host's times; images are reproducible."""
        self.write("main.go", AGED)
        self.write("old", "")
        os.utime(os.path.join(self.dir, "old"), (1234567890, 1234567890))
        file = ("-file", "/old=old")
        said = self.run_here(GORT, "run", "-fw", "pvh", "-timeout", "60s", *file, "main.go")
        self.assertEqual(said, "1234567890\n")
        for name in ("a.img", "b.img"):
            self.run_here(GORT, "build", "-o", name, *file, "main.go")
            os.utime(os.path.join(self.dir, "old"), (1, 1))
        self.assertEqual(self.read("a.img"), self.read("b.img"))

    def test_tree(self):
        self.write("main.go", TREE)
        self.run_here(GORT, "run", "-fw", "pvh", "-timeout", "60s", "-out", "/cov/=got", "main.go",
                      "--", "-x", "--")
        self.assertEqual(self.read("got/args"), b"-- -x --")
        self.assertEqual(self.read("got/a/b/c"), b"deep")
        self.assertEqual(len(self.read("got/many/199")), 199)
        self.assertEqual(len(os.listdir(os.path.join(self.dir, "got", "many"))), 200)
        self.assertFalse(os.path.lexists(os.path.join(self.dir, "got", "link")))

    def test_full_disk(self):
        self.write("main.go", 'package main\n\nfunc main() { print("x"); select {} }\n')
        with open("/dev/full", "wb") as full:
            r = subprocess.run([GORT, "run", "-fw", "pvh", "-timeout", "60s", "main.go"],
                               stderr=full, cwd=self.dir, stdin=subprocess.DEVNULL)
        self.assertEqual(r.returncode, 1)

    def test_bad_flag(self):
        said = self.run_here(GORT, "exec", "-out", "x=y", "z", status=1)
        self.assertIn("-out x=y: expected GUEST=HOST", said)

    def test_profiles(self):
        self.write("go.mod", "module covered\n\ngo 1.26\n")
        self.write("a.go", COVERED)
        self.write("a_test.go", TEST)
        self.run_here("go", "test", "-coverprofile=linux.out", ".")
        self.run_here(GORT, "test", "-coverprofile=gort.out", "-cpuprofile=cpu.out",
                      "-memprofile=mem.out", "-blockprofile=block.out", "-mutexprofile=mutex.out",
                      ".")
        self.assertEqual(self.read("gort.out"), self.read("linux.out"))
        self.assertIn("covered.Spin", self.run_here("go", "tool", "pprof", "-top", "cpu.out"))
        for name in ("mem.out", "block.out", "mutex.out"):
            self.run_here("go", "tool", "pprof", "-top", name)

    def tree(self, top):
        """{path below top: contents, None for a directory}; links, and directories' random names,
        left out."""
        found = {}
        for at, dirs, files in os.walk(os.path.join(self.dir, top)):
            for name in dirs + files:
                path = os.path.join(at, name)
                if not os.path.islink(path):
                    short = re.sub(r"/\d+(?=/|$)", "/N", os.path.relpath(path, self.dir))
                    found[short.removeprefix(top)] = None if name in dirs else self.read(path)
        return found

    def test_artifacts(self):
        self.write("go.mod", "module example.org/covered\n\ngo 1.26\n")
        self.write("a_test.go", ARTIFACTS)
        os.mkdir(os.path.join(self.dir, "linux"))
        os.mkdir(os.path.join(self.dir, "gort"))
        self.run_here("go", "test", "-artifacts", "-outputdir", "linux", ".")
        self.run_here(GORT, "test", "-artifacts", "-outputdir", "gort", ".")
        want = self.tree("linux")
        self.assertIn(b"two\n", want.values())
        self.assertEqual(self.tree("gort"), want)

    def test_module_is_carried(self):
        """Not only the package: all but what git ignores; modules within it while there is room."""
        self.write("go.mod", "module carried\n\ngo 1.26\n")
        self.write("sub/a_test.go", CARRIED)
        self.write("shared/text", "here")
        self.write("ignored/text", "not here")
        self.write("other/go.mod", "module other\n")
        self.write("other/text", "here")
        self.write("sub/testdata/mod/go.mod", "module mod\n")
        self.write("sub/testdata/mod/text", "here")
        os.symlink("nowhere", os.path.join(self.dir, "sub/testdata/gone"))
        os.symlink("back", os.path.join(self.dir, "sub/testdata/circle"))
        os.symlink("circle", os.path.join(self.dir, "sub/testdata/back"))
        os.symlink("sub/testdata", os.path.join(self.dir, "again"))
        os.symlink("/usr/bin", os.path.join(self.dir, "sub/testdata/out"))
        elsewhere = tempfile.NamedTemporaryFile()
        self.addCleanup(elsewhere.close)
        elsewhere.write(b"not the module's")
        elsewhere.flush()
        os.symlink(elsewhere.name, os.path.join(self.dir, "sub/testdata/file"))
        self.write(".gitignore", "ignored\n")
        self.run_here("git", "init", "-q", ".")
        self.run_here(GORT, "test", "./sub")
        os.makedirs(os.path.join(self.dir, "sub2"))
        os.symlink("../sub/testdata", os.path.join(self.dir, "sub2/testdata"))
        shutil.copy(os.path.join(self.dir, "sub/a_test.go"), os.path.join(self.dir, "sub2"))
        self.run_here(GORT, "test", "./sub2")
        with open(os.path.join(self.dir, "other", "large"), "wb") as f:
            f.truncate(300 << 20)
        said = self.run_here(GORT, "test", "-v", "-m", "512M", "./sub", "-args", "no:../other/text")
        self.assertIn("with the modules within it", said)

    def test_module_is_too_big(self):
        self.write("go.mod", "module big\n\ngo 1.26\n")
        self.write("sub/a_test.go", "package a\n")
        with open(os.path.join(self.dir, "large"), "wb") as f:
            f.truncate(300 << 20)
        said = self.run_here(GORT, "test", "-v", "-m", "512M", "./sub")
        self.assertIn("has 300 MiB of files; more than 256 MiB do not fit", said)


if __name__ == "__main__":
    unittest.main()
