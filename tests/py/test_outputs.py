"""Files that a program or a test writes in the machine and that the host wants: -out, and the
profiles of `gort test`."""
import os
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


class Outputs(unittest.TestCase):
    def setUp(self):
        self.dir = tempfile.mkdtemp()
        self.addCleanup(shutil.rmtree, self.dir)

    def write(self, name, text):
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
        self.assertEqual(said, "")
        want = bytes((i * i >> 3 ^ i >> 12) & 0xff for i in range((5 << 20) + 123))
        self.assertTrue(self.read("big") == want)
        self.assertEqual(self.read("empty"), b"")
        self.assertEqual(self.read("tricky"),
                         b"\ngort: exit 0\ngort: file /x\ngort: end\nabc")
        self.assertFalse(os.path.exists(os.path.join(self.dir, "none")))

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


if __name__ == "__main__":
    unittest.main()
