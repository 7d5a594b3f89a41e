"""scripts/lib/gotests.py: parses the headers and compares the outputs of GOROOT/test's programs."""
import os
import sys
import tempfile
import unittest

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..",
                                "scripts", "lib"))
import gotests  # noqa: E402


class Headers(unittest.TestCase):
    def test_constraint(self):
        for text, want in (("linux", True), ("!linux", False), ("linux && !cgo", True),
                           ("windows || (amd64 && gc)", True), ("!(amd64 || arm64)", False),
                           ("go1.26", True), ("go1.27", False), ("race", False)):
            self.assertEqual(gotests.Constraint(text, "go1.26").either(), want, text)
        self.assertTrue(gotests.Constraint("go1.27", "go1.27").either())

    def test_action(self):
        self.assertEqual(gotests.action('//go:build linux\n\n// run -gcflags="-l" a b\n'),
                         ["run", "-gcflags=-l", "a", "b"])
        self.assertEqual(gotests.action("package main\n// run\n"), [])

    def test_program(self):
        text = '// run -gcflags=-l=4 second.go x\n\npackage main\nimport "os/exec"\n'
        with tempfile.TemporaryDirectory() as d:
            t = gotests.GoTest(d, "ken/first.go", gotests.action(text)[1:], text,
                               "go1.26")
            self.assertEqual(t.flags, ["-gcflags=-l=4"])
            self.assertEqual(t.args, ["x"])
            self.assertEqual([os.path.basename(s) for s in t.sources], ["first.go", "second.go"])
            self.assertEqual(t.skip, "needs os/exec")


class Output(unittest.TestCase):
    def test_merged(self):
        self.assertTrue(gotests.merged("a\nx\nb\n", "a\nb\n", "x\n"))
        self.assertTrue(gotests.merged("a\na\nb\n", "a\nb\n", "a\n"))
        self.assertFalse(gotests.merged("b\nx\na\n", "a\nb\n", "x\n"))
        self.assertFalse(gotests.merged("a\nx\n", "a\nb\n", "x\n"))


if __name__ == "__main__":
    unittest.main()
