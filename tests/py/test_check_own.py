"""check-own: copies of Go's functions, instructions and comments are seen, renamed or not."""
import glob
import importlib.machinery
import importlib.util
import os
import re
import shutil
import sys
import unittest

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
sys.path.insert(0, os.path.join(ROOT, "scripts", "lib"))

import gobuild                                                          # noqa: E402
import likeness                                                         # noqa: E402


def load():
    path = os.path.join(ROOT, "scripts", "check-own")
    spec = importlib.util.spec_from_loader(
        "check_own", importlib.machinery.SourceFileLoader("check_own", path))
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


own = load()
UNLIKE = """
func total(rows []row, limit int) (sum int, full bool) {
    for _, r := range rows {
        if r.closed || r.amount < 0 {
            continue
        }
        sum += r.amount * r.count
        if sum >= limit {
            return limit, true
        }
    }
    return sum, false
}
"""


def renamed(source):
    """Every name that is no word of the language becomes another one, everywhere alike."""
    def other(m):
        word = m.group()
        return word if word in likeness.KEYWORDS | likeness.BUILTINS else "z" + word[::-1]
    return "\n".join(re.sub(r"[^\W\d]\w*", other, line.split("//")[0])
                     for line in source.split("\n"))


@unittest.skipUnless(shutil.which("go"), "no go command")
class CheckOwn(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.runtime = os.path.join(gobuild.Go(ROOT).goroot, "src", "runtime")
        cls.go = [f for path in glob.glob(os.path.join(cls.runtime, "*.go"))
                  for f in likeness.functions(likeness.read(path), os.path.basename(path))]
        own.FORCED = {}

    def text(self, file, start):
        """A function of package runtime, from the line that begins with start."""
        source = likeness.read(os.path.join(self.runtime, file))
        at = source.index("\n" + start) + 1
        return source[at:source.index("\n}\n", at) + 3]

    def complaints(self, source):
        return list(own.check_functions(likeness.functions(source, "ours.go"), self.go))

    def test_a_copy(self):
        found = self.complaints(self.text("chan.go", "func chanlen("))
        self.assertIn("ours.go:1: chanlen", found[0])

    def test_a_copy_under_other_names(self):
        for file, start in (("chan.go", "func makechan("), ("sema.go", "func cansemacquire("),
                            ("panic.go", "func (p *_panic) nextDefer"),
                            ("mbarrier.go", "func typedmemmove(")):
            found = self.complaints(renamed(self.text(file, start)))
            self.assertEqual(len(found), 1, start)
            self.assertIn(file, found[0])

    def test_two_statements_changed_places(self):
        source = self.text("runtime1.go", "func reflect_addReflectOff(")
        a, b = "\t\treflectOffs.m[id] = ptr\n", "\t\treflectOffs.minv[ptr] = id\n"
        changed = source.replace(a + b, b + a)
        self.assertNotEqual(changed, source)
        self.assertEqual(len(self.complaints(renamed(changed))), 1)

    def test_what_is_our_own(self):
        self.assertEqual(self.complaints(UNLIKE), [])

    def test_instructions(self):
        source = likeness.read(os.path.join(self.runtime, "asm_amd64.s"))
        theirs = [("asm_amd64.s", likeness.instructions(source))]
        lines = source[source.index("TEXT ·spillArgs"):].split("\n")[1:8]
        copy = "TEXT ·save(SB), NOSPLIT, $0-0\n" + "\n".join(lines) + "\tRET\n"
        found = list(own.check_assembly([("ours.s", likeness.instructions(copy))], theirs))
        self.assertEqual(len(found), 1)
        self.assertIn("asm_amd64.s:", found[0])
        few = "TEXT ·save(SB), NOSPLIT, $0-0\n" + "\n".join(lines[:3]) + "\tINT3\n"
        few = [("ours.s", likeness.instructions(few))]
        self.assertEqual(list(own.check_assembly(few, theirs)), [])

    def test_tables_of_addresses(self):
        table = "".join(f"DATA ·t+{8 * i}(SB)/8, $·f{i}(SB)\n" for i in range(9))
        words = "".join(f"DATA ·t+{8 * i}(SB)/8, $0x{i}\n" for i in range(9))
        for text, count in ((table, 0), (words, 1)):
            code = likeness.instructions(text)
            self.assertEqual(len(list(own.check_assembly([("a.s", code)], [("b.s", code)]))), count)

    def test_comments(self):
        source = likeness.read(os.path.join(self.runtime, "proc.go"))
        comment = re.search(r"^// Goroutine scheduler.*?^(// .{60,})$", source, re.M | re.S)[1]
        ours = [("ours.c", f"/* {comment[3:]} */")]
        found = list(own.check_comments(ours, [("proc.go", source)]))
        self.assertEqual(len(found), 1)

    def test_an_excuse_that_nothing_needs(self):
        own.FORCED = {"total": "no reason"}
        self.assertIn("total is excused", self.complaints(UNLIKE)[0])
        own.FORCED = {}


if __name__ == "__main__":
    unittest.main()
