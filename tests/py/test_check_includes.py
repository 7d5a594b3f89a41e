"""scripts/check-includes: a file that includes or calls a higher floor is reported."""
import os
import shutil
import subprocess
import tempfile
import unittest

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
GOOD = {
    "arch/x86_64/a.h": "void a(void);\n",
    "arch/x86_64/a.c": '#include "arch/x86_64/a.h"\nvoid a(void) {}\n',
    "kernel/k.h": "void k(void);\n",
    "kernel/k.c": '#include "arch/x86_64/a.h"\n#include "kernel/k.h"\nvoid k(void) { a(); }\n',
    "kernel/main.c": '#include "drivers/d.h"\nvoid kernel_main(void) { d(); }\n'
                     "__attribute__((weak)) void gort_main(void) {}\n",
    "mm/private.h": "\n",
    "drivers/d.h": "void d(void);\n",
    "drivers/d.c": '#include "kernel/k.h"\nvoid d(void) { k(); }\n',
    "gort/g.h": "\n",
    "gort/app.c": '#include "gort/g.h"\n#include "drivers/d.h"\nvoid gort_main(void) { d(); }\n',
    "gort/sched/s.c": "void s(void) {}\n",
    "gort/gc/g.c": "void s(void); void g(void) { s(); }\n",
}


def build(directory, tree):
    """Writes the files, and compiles the C ones to where the kernel's objects lie."""
    for path, text in tree.items():
        full = os.path.join(directory, path)
        os.makedirs(os.path.dirname(full), exist_ok=True)
        with open(full, "w", encoding="utf-8") as f:
            f.write(text)
    for path in tree:
        if path.endswith(".c"):
            out = os.path.join(directory, "build", "kernel", path + ".o")
            os.makedirs(os.path.dirname(out), exist_ok=True)
            subprocess.run(["gcc", "-I.", "-c", "-o", out, path], cwd=directory, check=True)


class CheckIncludes(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.good = tempfile.mkdtemp()
        cls.addClassCleanup(shutil.rmtree, cls.good)
        build(cls.good, GOOD)
        subprocess.run(["git", "init", "-q"], cwd=cls.good, check=True)
        os.mkdir(os.path.join(cls.good, "scripts"))
        shutil.copy(os.path.join(ROOT, "scripts", "check-includes"),
                    os.path.join(cls.good, "scripts"))

    def check(self, more, *flags):
        """(status, output) for the good tree with some files replaced."""
        with tempfile.TemporaryDirectory() as d:
            shutil.copytree(self.good, d, dirs_exist_ok=True)
            build(d, more)
            subprocess.run(["git", "add", "-f", "."], cwd=d, check=True)
            r = subprocess.run([os.path.join(d, "scripts", "check-includes"), *flags],
                               capture_output=True, text=True)
            return r.returncode, r.stdout + r.stderr

    def test_good(self):
        self.assertEqual(self.check({}), (0, ""))

    def test_include(self):
        status, out = self.check({"arch/x86_64/a.c": '#include "kernel/k.h"\nvoid a(void) {}\n'})
        self.assertEqual(status, 1)
        self.assertEqual(out, "arch/x86_64/a.c:1: must not include kernel/k.h: "
                              "arch/x86_64 stands below kernel\n")

    def test_call_without_include(self):
        status, out = self.check({"arch/x86_64/a.c": "void k(void); void a(void) { k(); }\n"})
        self.assertEqual(status, 1)
        self.assertEqual(out, "arch/x86_64/a.c: must not refer to k of kernel/k.c: "
                              "arch/x86_64 stands below kernel\n")

    def test_main_is_above(self):
        status, out = self.check(
            {"drivers/d.c": "void kernel_main(void); void d(void) { kernel_main(); }\n"})
        self.assertEqual(status, 1)
        self.assertIn("drivers stands below kernel/main.c", out)

    def test_private(self):
        status, out = self.check({"drivers/d.c": '#include "mm/private.h"\nvoid d(void) {}\n'})
        self.assertEqual(status, 1)
        self.assertIn("drivers/d.c:1: must not include mm/private.h", out)

    def test_random(self):
        more = {"kernel/random.h": "\n", "gort/sched/s.c": '#include "kernel/random.h"\n'
                                                           "void s(void) {}\n"}
        status, out = self.check(more)
        self.assertEqual(status, 1)
        self.assertIn("may draw random numbers", out)

    def test_unknown_folder(self):
        more = {"lib/x.h": "\n", "mm/m.c": '#include "lib/x.h"\n'}
        self.assertIn("in no folder", self.check(more)[1])

    def test_rooms(self):
        """Floors count between the rooms of gort/, too; a pointer that is set from above is
        allowed."""
        status, out = self.check({"gort/sched/s.c": '#include "gort/gc/g.h"\n'
                                                    "void s(void) { g(); }\n",
                                  "gort/gc/g.h": "void g(void);\n"})
        self.assertEqual(status, 1)
        self.assertEqual(out, "gort/sched/s.c:1: must not include gort/gc/g.h: "
                              "gort/sched stands below gort/gc\n"
                              "gort/sched/s.c: must not refer to g of gort/gc/g.c: "
                              "gort/sched stands below gort/gc\n")
        hook = {"gort/sched/s.c": "void (*hook)(void); void s(void) { hook(); }\n",
                "gort/hooks.c": "void g(void); extern void (*hook)(void);\n"
                                "void hooks_install(void) { hook = g; }\n"}
        self.assertEqual(self.check(hook), (0, ""))

    def test_ground(self):
        """Headers that every room knows, and no more of their folders than they."""
        more = {"gort/sched/mp.h": '#include "gort/g.h"\n',
                "gort/abi/raise.c": '#include "gort/sched/mp.h"\nvoid raise(void) {}\n'}
        self.assertEqual(self.check(more), (0, ""))
        more["gort/g.h"] = '#include "gort/sched/sched.h"\n'
        more["gort/sched/sched.h"] = "\n"
        self.assertEqual(self.check(more)[1], "gort/g.h:1: must not include gort/sched/sched.h: "
                                              "gort/g.h stands below gort/sched\n")

    def test_graph(self):
        more = {"gort/heap/h.c": "void g(void); void h(void) { g(); }\n",
                "gort/gc/g.c": "void h(void); void g(void) { h(); }\n"}
        status, out = self.check(more, "-graph")
        self.assertEqual(status, 0)
        self.assertIn("    2: gort/gc/g.c gort/heap/h.c\n", out)
        self.assertIn("    2: gort/gc gort/heap\n", out)


if __name__ == "__main__":
    unittest.main()
