"""scripts/zoo: the list, what counts as failed here alone, and the table, which keeps its rows."""
import importlib.machinery
import importlib.util
import json
import os
import sys
import tempfile
import unittest

ROOT = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..")
sys.dont_write_bytecode = True
loader = importlib.machinery.SourceFileLoader("zoo", os.path.join(ROOT, "scripts", "zoo"))
zoo = importlib.util.module_from_spec(importlib.util.spec_from_loader("zoo", loader))
loader.exec_module(zoo)

PASS, FAIL, SKIP = "pass", "fail", "skip"


def result(linux, gort, said=None):
    return {"module": "example.com/m", "version": "v1.0.0", "chosen": "", "day": "2026-01-02",
            "linux": linux, "gort": gort, "said": said or {}}


class Table(unittest.TestCase):
    def setUp(self):
        at = tempfile.TemporaryDirectory()
        self.addCleanup(at.cleanup)
        for name in ("LIST", "WORK", "TABLE", "KNOWN"):
            self.addCleanup(setattr, zoo, name, getattr(zoo, name))
            setattr(zoo, name, os.path.join(at.name, name))
        os.mkdir(os.path.join(zoo.WORK))
        os.mkdir(os.path.join(zoo.WORK, "results"))
        zoo.read_known.cache_clear()
        self.addCleanup(zoo.read_known.cache_clear)
        with open(zoo.KNOWN, "w", encoding="utf-8"):
            pass
        self.list("a v1", "b v1 -run=A|B ./x", "b v1 limit=5 ./y", "c v1")

    def list(self, *lines):
        with open(zoo.LIST, "w", encoding="utf-8") as f:
            f.write("# a comment\n" + "\n".join(lines) + "\n")
        self.modules = zoo.read_list()

    def put(self, at, **values):
        """The result of the line of the list at that place; a later one takes its place."""
        m = self.modules[at]
        with open(m.result, "w", encoding="utf-8") as f:
            json.dump({"module": m.path, "version": m.version, "chosen": m.chosen,
                       "day": "2026-01-02", **values}, f)

    def rows(self):
        zoo.table(self.modules)
        with open(zoo.TABLE, encoding="utf-8") as f:
            self.text = f.read()
        return zoo.rows_of(self.text)

    def test_list(self):
        a, x, y, _ = self.modules
        self.assertEqual((a.packages, a.flags, a.limit), (["./..."], [], zoo.LIMIT))
        self.assertEqual((x.packages, x.flags), (["./x"], ["-run=A|B"]))
        self.assertEqual((y.packages, y.limit, y.chosen), (["./y"], 5, "./y"))
        self.assertEqual(x.copy, y.copy)
        self.assertNotEqual(x.result, y.result)

    def test_keeps_rows_without_a_result(self):
        ok = {"linux": {"m": PASS, "m.TestA": PASS}, "gort": {"m": PASS, "m.TestA": PASS}}
        for at in range(3):
            self.put(at, **ok)
        first = self.rows()
        self.assertEqual(len(first), 3)
        self.assertIn("3 lines of 4 in the list were run; 3 fail nothing", self.text)
        os.remove(self.modules[0].result)
        os.remove(self.modules[2].result)
        self.put(1, linux=ok["linux"], gort={"m": FAIL, "m.TestA": FAIL}, said={"m.TestA": "no"})
        second = self.rows()
        changed = ("b", "v1", "-run=A|B ./x")
        self.assertEqual({k for k in first if first[k] != second[k]}, {changed})
        self.assertEqual(second[changed][3:], ["1/0/0", "0/1/0", "2026-01-02", "differs: m.TestA"])
        self.assertIn("3 lines of 4 in the list were run; 2 fail nothing", self.text)

    def test_drops_what_is_not_in_the_list(self):
        for at in range(3):
            self.put(at, linux={"m": PASS}, gort={"m": PASS})
        self.rows()
        for m in self.modules:
            if os.path.exists(m.result):
                os.remove(m.result)
        self.list("a v2", "b v1 -run=A|B ./x")      # another version, and what was ./y is gone
        self.assertEqual(list(self.rows()), [("b", "v1", "-run=A|B ./x")])

    def test_an_error_takes_no_rows_place(self):
        self.put(0, linux={"m": PASS, "m.TestA": PASS}, gort={"m": PASS, "m.TestA": PASS})
        first = self.rows()
        self.put(0, error="cannot be fetched")
        self.put(3, error="cannot be\nfetched")
        second = self.rows()
        self.assertEqual(first["a", "v1", ""], second["a", "v1", ""])
        self.assertEqual(second["c", "v1", ""][3:],
                         ["-", "-", "2026-01-02", "not run: cannot be fetched"])
        self.assertIn("1 lines of 4 in the list were run; 1 fail nothing", self.text)

    def test_whole(self):
        def whole(linux, gort):
            return zoo.is_whole(zoo.row(result(linux, gort)))
        self.assertTrue(whole({"m": PASS, "m.TestA": PASS}, {"m": PASS, "m.TestA": PASS}))
        self.assertTrue(whole({"m": PASS, "m.TestA": PASS, "m.TestB": PASS},
                              {"m": PASS, "m.TestA": PASS, "m.TestB": SKIP}))
        self.assertTrue(whole({"m": FAIL, "m.TestA": PASS, "m.TestB": FAIL},
                              {"m": FAIL, "m.TestA": PASS, "m.TestB": FAIL}))
        self.assertFalse(whole({"m": PASS, "m.TestA": PASS, "m.TestB": PASS},
                               {"m": FAIL, "m.TestA": PASS, "m.TestB": FAIL}))
        self.assertFalse(whole({"m": PASS, "m.TestA": PASS}, {}))


class Judged(unittest.TestCase):
    def test_the_part_that_fails_is_named(self):
        r = result({"p/v2": PASS, "p/v2.TestA": PASS, "p/v2.TestA/x.y": PASS},
                   {"p/v2": FAIL, "p/v2.TestA": FAIL, "p/v2.TestA/x.y": FAIL})
        self.assertEqual(zoo.only_here(r), ["p/v2.TestA/x.y"])
        self.assertEqual(zoo.count(r["gort"]), (0, 2, 0))

    def test_absent(self):
        linux = {"m": PASS, "m.TestA": PASS, "m.TestA/x": PASS, "m.TestA/x/y": PASS,
                 "m.TestB": PASS, "m.TestB/z": PASS, "n": PASS, "n.TestC": PASS}
        self.assertEqual(zoo.absent_here(result(linux, {
            "m": PASS, "m.TestA": PASS, "m.TestB": SKIP, "n": FAIL})),
            ["m.TestA/x"])
        self.assertEqual(zoo.causes(result(linux, {
            "m": PASS, "m.TestA": PASS, "m.TestA/x": PASS, "m.TestA/x/y": PASS,
            "m.TestB": PASS, "m.TestB/z": PASS})), "not begun here: n")

    def test_known(self):
        """A cause that someone has found says why, of what does not run here, too."""
        zoo.read_known.cache_clear()
        self.addCleanup(zoo.read_known.cache_clear)
        self.addCleanup(setattr, zoo, "KNOWN", zoo.KNOWN)
        with tempfile.NamedTemporaryFile("w", suffix=".known") as f:
            f.write("# a comment\nm\\.Test(A|B) looked into\n")
            f.flush()
            zoo.KNOWN = f.name
            ok = {"m": PASS, "m.TestA": PASS, "m.TestB": PASS, "m.TestC": PASS}
            r = result(ok, {**ok, "m": FAIL, "m.TestA": FAIL, "m.TestB": SKIP},
                       {"m.TestA": "dial tcp"})
            self.assertEqual(zoo.causes(r),
                             "looked into: m.TestA; skipped here alone (looked into): m.TestB")
            del r["gort"]["m.TestA"]
            self.assertEqual(zoo.causes(dict(r, gort={"m": PASS, "m.TestC": SKIP})),
                             "not begun here (looked into): m.TestA, m.TestB; "
                             "skipped here alone: m.TestC")


if __name__ == "__main__":
    unittest.main()
