#!/usr/bin/env python3
"""debug.WriteHeapDump: parsed, followed from its roots; gort's dump and Linux's of one program."""
import collections
import os
import subprocess
import sys
import tempfile
import unittest

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
GORT = os.path.join(ROOT, "scripts", "gort")
GUEST = os.path.join(ROOT, "tests", "py", "guests", "heapdump")
MARKS = {"global": 0x1122334455667788, "stack": 0x2233445566778899, "dead": 0x33445566778899aa,
         "watched": 0x445566778899aabb, "big": 0x5566778899aabbcc}


class Dump:
    def __init__(self, data):
        self.data, self.at = data, 16
        assert data[:16] == b"go1.7 heap dump\n", data[:16]
        self.objects, self.types, self.itabs, self.threads = {}, {}, {}, []
        self.goroutines, self.frames, self.segments = [], [], []
        self.finalizers, self.samples, self.buckets = [], [], {}
        self.params = self.stats = None
        self.deferred = 0
        while self.record():
            pass
        assert self.at == len(data), "bytes behind the end"

    def n(self):
        v = shift = 0
        while True:
            b = self.data[self.at]
            self.at += 1
            v |= (b & 127) << shift
            shift += 7
            if b < 128:
                return v

    def take(self, count):
        return [self.n() for _ in range(count)]

    def mem(self):
        size = self.n()
        p = self.data[self.at:self.at + size]
        assert len(p) == size, "cut"
        self.at += size
        return p

    def fields(self):
        out = []
        while self.n() == 1:
            out.append(self.n())
        return out

    def record(self):
        kind = self.n()
        if kind == 1:
            p = self.n()
            self.objects[p] = (self.mem(), self.fields())
        elif kind == 2:
            self.mem()
            self.n()
        elif kind == 3:
            p, size = self.take(2)
            self.types[p] = (self.mem().decode(), size, self.n())
        elif kind == 4:
            head = self.take(8)
            self.goroutines.append((head, self.mem().decode(), self.take(4)))
        elif kind == 5:
            head = self.take(3)
            content = self.mem()
            pcs = self.take(3)
            self.frames.append((head, content, pcs, self.mem().decode(), self.fields()))
        elif kind == 6:
            head = self.take(4)
            self.params = head, self.mem().decode(), self.mem().decode(), self.n()
        elif kind in (7, 11):
            self.finalizers.append((kind, self.take(5)))
        elif kind == 8:
            p, t = self.take(2)
            self.itabs[p] = t
        elif kind == 9:
            self.threads.append(self.take(3))
        elif kind == 10:
            self.stats = self.take(24 + 256 + 1)
        elif kind in (12, 13):
            p = self.n()
            self.segments.append((kind, p, self.mem(), self.fields()))
        elif kind == 14:
            self.take(7)
            self.deferred += 1
        elif kind == 15:
            self.take(6)
        elif kind == 16:
            b, size, depth = self.take(3)
            stack = [(self.mem().decode(), self.mem().decode(), self.n()) for _ in range(depth)]
            self.buckets[b] = (size, stack, self.take(2))
        elif kind == 17:
            self.samples.append(self.take(2))
        else:
            assert kind == 0, f"record {kind} at {self.at}"
        return kind != 0

    # ---- what it means ----
    def sorted_bases(self):
        return sorted(self.objects)

    def find(self, bases, p):
        import bisect
        i = bisect.bisect_right(bases, p) - 1
        if i >= 0 and p < bases[i] + len(self.objects[bases[i]][0]):
            return bases[i]
        return None

    def reach(self, roots):
        bases, seen, todo = self.sorted_bases(), set(), list(roots)
        while todo:
            b = self.find(bases, todo.pop())
            if b is None or b in seen:
                continue
            seen.add(b)
            content, fields = self.objects[b]
            todo += [word(content, f) for f in fields]
        return seen


def word(content, at):
    return int.from_bytes(content[at:at + 8], "little")


def marked(dump, bases):
    """How many of the objects hold each mark, in their first word."""
    count = collections.Counter(word(dump.objects[b][0], 0) for b in bases)
    return {name: count[m] for name, m in MARKS.items() if count[m]}


class HeapDump(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.tmp = tempfile.TemporaryDirectory()
        env = {**os.environ, "GOFLAGS": "-mod=mod"}
        path = os.path.join(cls.tmp.name, "linux")
        subprocess.run(["go", "run", ".", path], cwd=GUEST, env=env, check=True)
        with open(path, "rb") as f:
            cls.linux = Dump(f.read())
        cls.gort = {}
        for smp in (1, 2, 4):
            path = os.path.join(cls.tmp.name, f"gort{smp}")
            r = subprocess.run([GORT, "run", "-fw", "pvh", "-smp", str(smp), "-timeout", "60s",
                                "-out", f"/tmp/dump={path}", GUEST], capture_output=True)
            assert r.returncode == 0, r.stderr[-2000:]
            assert r.stdout == b"piped: true %d\n" % MARKS["watched"], r.stdout
            with open(path, "rb") as f:
                cls.gort[smp] = Dump(f.read())

    @classmethod
    def tearDownClass(cls):
        cls.tmp.cleanup()

    def each(self):
        yield "linux", self.linux
        for smp, dump in self.gort.items():
            yield f"gort -smp {smp}", dump

    def test_reached(self):
        for name, d in self.each():
            roots = [word(c, f) for _, _, c, fields in d.segments for f in fields]
            self.assertEqual(marked(d, d.reach(roots)), {"global": 100, "watched": 1, "big": 20},
                             name)
            frames = [f for f in d.frames if f[3] == "main.waits"]
            self.assertEqual(len(frames), 1, name)
            roots = [word(frames[0][1], f) for f in frames[0][4]]
            self.assertEqual(marked(d, d.reach(roots)), {"stack": 50}, name)
            self.assertEqual(marked(d, d.objects),
                             {"global": 100, "stack": 50, "watched": 1, "big": 20}, name)

    def test_edges(self):
        """Every pointer of an object into the heap leads to an object."""
        for name, d in self.each():
            bases = d.sorted_bases()
            lo, hi = d.params[0][2:]
            stacks = [(f[0][0], f[0][0] + len(f[1])) for f in d.frames]
            for b, (content, fields) in d.objects.items():
                for f in fields:
                    self.assertLessEqual(f + 8, len(content))
                    p = word(content, f)
                    if lo <= p < hi and d.find(bases, p) is None:
                        self.assertTrue(any(s <= p < e for s, e in stacks), (name, hex(b), hex(p)))

    def test_goroutines(self):
        for name, d in self.each():
            reasons = collections.Counter(g[1] for g in d.goroutines)
            self.assertEqual(reasons["dumping heap"], 1, name)
            self.assertGreaterEqual(reasons["chan receive"], 1, name)
            ids = [g[0][2] for g in d.goroutines]
            self.assertEqual(len(ids), len(set(ids)), name)
            self.assertIn(1, ids, name)
            functions = {f[3] for f in d.frames}
            self.assertTrue({"main.main", "main.waits"} <= functions, (name, functions))
            self.assertGreaterEqual(d.deferred, 3, name)
            for head, content, pcs, function, fields in d.frames:
                self.assertTrue(all(f + 8 <= len(content) for f in fields), (name, function))

    def test_rest(self):
        for name, d in self.each():
            self.assertEqual(d.params[1], "amd64", name)
            self.assertRegex(d.params[2], "^go1\\.")
            self.assertEqual(d.params[2], self.linux.params[2], name)
            finalized = [p for kind, (p, *_) in d.finalizers if kind == 7]
            self.assertTrue(any(word(d.objects[p][0], 0) == MARKS["watched"] for p in finalized
                                if p in d.objects), name)
            self.assertTrue(any(t[0].startswith("main.") for t in d.types.values()), name)
            self.assertTrue(set(d.itabs.values()) <= set(d.types), name)
            self.assertGreater(d.stats[11], 170, name)   # HeapObjects
            self.assertGreaterEqual(d.stats[280], 1, name)  # NumGC
            self.assertTrue({b for _, b in d.samples} <= set(d.buckets), name)
            at = [d.buckets[b] for p, b in d.samples if p in d.objects and
                  word(d.objects[p][0], 0) == MARKS["global"]]
            self.assertEqual(len(at), 100, name)
            self.assertTrue(all(any(x[0] == "main.list" and x[1].endswith("heapdump/main.go")
                                    for x in stack) for _, stack, _ in at), name)
        self.assertEqual(self.gort[2].params[3], 2)
        self.assertEqual(len(self.gort[4].threads), 4)


if __name__ == "__main__":
    sys.exit(unittest.main())
