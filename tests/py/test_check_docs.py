"""scripts/check-docs: names of things that do not exist are reported."""
import os
import subprocess
import tempfile
import unittest

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
CHECK = os.path.join(ROOT, "scripts", "check-docs")
NOBODY = "_".join(("call", "nobody"))    # else this file would have the word


class CheckDocs(unittest.TestCase):
    def check(self, text):
        """The complaints about a document, without its name and line."""
        with tempfile.NamedTemporaryFile("w", suffix=".md") as f:
            f.write(text)
            f.flush()
            r = subprocess.run([CHECK, f.name], text=True, capture_output=True)
        said = [line.split(": ", 1)[1] for line in r.stdout.splitlines()]
        self.assertEqual((r.returncode, r.stderr), (1 if said else 0, ""))
        return said

    def test_good(self):
        self.assertEqual(self.check(
            "`call_wait` of wait.c, gort/os/fs/*.c, os/wait.h, `rt_`; `make lint`, `gort build`.\n"
            "`gort run -option lockrank -smp 2 DIR`, `scripts/bench -icount`, rt_frames.h,\n"
            "tests/host/test_NAME.c; net/http and https://a.b/gort/os/x.c are others'.\n"), [])

    def test_wrong(self):
        for text, what in (("gort/os/nowhere.c", "path gort/os/nowhere.c"),
                           ("scripts/nothing/", "path scripts/nothing/"),
                           ("os/nowhere.h has it", "path os/nowhere.h"),
                           ("see nowhere.c.", "file nowhere.c"),
                           (f"`{NOBODY}(c)`", "name " + NOBODY),
                           ("`make tea`", "target tea"), ("`gort brew`", "command brew"),
                           ("`gort run -option sugar`", "option sugar"),
                           ("`gort run -sugar`", "flag gort run -sugar"),
                           ("`scripts/bench -sugar 2`", "flag scripts/bench -sugar")):
            with self.subTest(text):
                self.assertEqual(self.check(text + "\n"),
                                 ["there is no " + what.replace("gort run -s", "gort -s")])

    def test_place(self):
        with tempfile.NamedTemporaryFile("w", suffix=".md") as f:
            f.write("one\ngort/nowhere.c\n")
            f.flush()
            r = subprocess.run([CHECK, f.name], text=True, capture_output=True)
        self.assertTrue(r.stdout.startswith(f"{f.name}:2: "), r.stdout)


if __name__ == "__main__":
    unittest.main()
