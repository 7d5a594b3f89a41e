"""The comparison of crash reports: the differences that it ignores, and those that it finds."""
import os
import sys
import unittest

sys.path.insert(0, os.path.join(os.path.dirname(os.path.dirname(os.path.abspath(__file__))),
                                "lib"))
import compare  # noqa: E402

LINUX = """\
panic: boom

goroutine 1 gp=0xc000002380 m=0 mp=0x5a5c80 [running]:
main.f({0xc000012345, 0x3}, 0x7?)
\t/home/u/p/main.go:7 +0x1d
panic({0x4a2b00?, 0x4d3c80?})
\t/usr/local/go/src/runtime/panic.go:783 +0x132
runtime.main()
\t/usr/local/go/src/runtime/proc.go:283 +0x28b

goroutine 18 [chan receive, 2 minutes]:
main.b()
\t/home/u/p/main.go:9 +0x1
created by main.main in goroutine 17
\t/home/u/p/main.go:4 +0x2

goroutine 19 [select]:
main.a()
\t/home/u/p/main.go:8 +0x1
exit status 2
"""
GORT = """\
panic: boom\r
\r
goroutine 1 [running]:
main.f({0xc000099999, 0x3}, 0x9)
\t/home/u/p/main.go:7 +0x22
panic({0x4a2b11, 0x4d3c81})
\t/home/you/gort/overlay/panic.go:33 +0x1

runtime stack:
runtime.x()
\t/x/runtime/x.go:1

goroutine 4 [select]:
main.a()
\t/home/u/p/main.go:8 +0x1

goroutine 5 [chan receive]:
main.b()
\t/home/u/p/main.go:9 +0x1
created by main.main in goroutine 3
\t/home/u/p/main.go:4 +0x2
"""


class Compare(unittest.TestCase):
    def test_same(self):
        self.assertEqual(compare.traceback(LINUX), compare.traceback(GORT))

    def test_differences_that_count(self):
        for old, new in (("boom", "bang"), ("main.go:7", "main.go:8"), ("[select]", "[sleep]"),
                         ("main.b()", "main.c()"), ("goroutine 1 [", "goroutine 2 ["),
                         ("panic({", "other({"), ("created by main.main", "created by main.f")):
            self.assertNotEqual(compare.traceback(LINUX),
                                compare.traceback(GORT.replace(old, new)), (old, new))

    def test_head(self):
        self.assertEqual(compare.first_lines(LINUX), "panic: boom")


if __name__ == "__main__":
    unittest.main()
