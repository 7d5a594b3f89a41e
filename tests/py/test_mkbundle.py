"""mkbundle: the archive's contents, that cpio(1) reads it, that it is reproducible, and errors."""
import os
import shutil
import subprocess
import tempfile
import unittest

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
TOOL = os.path.join(ROOT, "scripts", "mkbundle")


def parse(data):
    """Entries by name: (mode, mtime, data, offset of the data)."""
    out, at = {}, 0
    while True:
        assert data[at:at + 6] == b"070702", at
        f = [int(data[at + 6 + 8 * i:at + 14 + 8 * i], 16) for i in range(13)]
        name = data[at + 110:at + 110 + f[11]]
        assert name[-1] == 0
        name = name.rstrip(b"\0").decode()
        start = (at + 110 + f[11] + 3) & ~3
        body = data[start:start + f[6]]
        assert sum(body) & 0xffffffff == f[12]
        if name == "TRAILER!!!":
            return out
        assert name not in out
        out[name] = (f[1], f[5], body, start)
        at = (start + f[6] + 3) & ~3


class MkBundle(unittest.TestCase):
    def setUp(self):
        self.dir = tempfile.mkdtemp()
        self.addCleanup(shutil.rmtree, self.dir)
        self.write("app", b"\x7fELF" + bytes(9000), 0o755)

    def path(self, *names):
        return os.path.join(self.dir, *names)

    def write(self, name, data, mode=0o644):
        os.makedirs(os.path.dirname(self.path(name)), exist_ok=True)
        with open(self.path(name), "wb") as f:
            f.write(data)
        os.chmod(self.path(name), mode)

    def run_tool(self, *args, out="out", env=None):
        return subprocess.run([TOOL, "-o", self.path(out), *args], capture_output=True, text=True,
                              env={**os.environ, **(env or {})})

    def bundle(self, *args, **more):
        r = self.run_tool("--init", self.path("app"), *args, **more)
        self.assertEqual((r.returncode, r.stderr), (0, ""))
        with open(self.path("out"), "rb") as f:
            return f.read()

    def test_contents(self):
        self.write("d/b/x", b"ex")
        self.write("d/run", b"#!", 0o700)
        os.symlink("b/x", self.path("d/link"))
        got = parse(self.bundle("--dir", f"/data={self.path('d')}", "--env", "A=b=c", "--file",
                                f"/usr/share//f={self.path('app')}", "--cwd", "/data", "--options",
                                "verbose seed=1", "--args", "prog", "-x", "--env", "", "ö"))
        self.assertEqual(list(got)[0], "init")
        self.assertEqual(got["init"][3] % 4096, 0)
        self.assertEqual(got[".gort/args"][2], "prog\0-x\0--env\0\0ö\0".encode())
        self.assertEqual(got[".gort/env"][2], b"A=b=c\0")
        self.assertEqual(got[".gort/cwd"][2], b"/data")
        self.assertEqual(got[".gort/options"][2], b"verbose seed=1")
        self.assertEqual(got["data/b/x"][:3], (0o100644, 0, b"ex"))
        self.assertEqual(got["data/run"][0], 0o100755)
        self.assertEqual(got["data/link"][:3], (0o120777, 0, b"b/x"))
        self.assertEqual(got["usr/share"][0], 0o040755)
        self.assertEqual(len(got["usr/share/f"][2]), 9004)
        names = list(got)
        for n in names:             # a directory comes before its entries
            if "/" in n:
                self.assertLess(names.index(n.rpartition("/")[0]), names.index(n))

    def test_twice_and_links(self):
        self.write("d/sub/x", b"1")
        got = parse(self.bundle("--dir", f"d={self.path('d')}", "--dir",
                                f"d/sub={self.path('d/sub')}", "--link", "/bin/app=/init",
                                "--link", "d/sub/x=/init"))
        self.assertEqual(got["d/sub/x"][2], b"1")
        self.assertEqual(got["bin/app"][:3], (0o120777, 0, b"/init"))

    def test_links_of_a_list(self):
        """One stays a link if what it names is in the list too, or is no file at all."""
        self.write("d/x", b"1")
        self.write("d/sub/y", b"2")
        self.write("elsewhere", b"3")
        links = {"near": "x", "far": "../elsewhere", "nowhere": "mnt:[4026531840]", "dir": "sub"}
        for name, target in links.items():
            os.symlink(target, self.path("d/" + name))
        listed = [self.path("d/" + n) for n in ("x", "sub/y", *links)]
        self.write("list", b"".join(b"%s=%s\0" % (os.fsencode(p), os.fsencode(p)) for p in listed))
        got = parse(self.bundle("--files", self.path("list")))
        for name, target in links.items():
            mode, _, data = got[self.path("d/" + name).lstrip("/")][:3]
            want = (0o100644, b"3") if name == "far" else (0o120777, target.encode())
            self.assertEqual((mode, data), want, name)

    def test_reproducible(self):
        self.write("d/x", b"1")
        one = self.bundle("--dir", f"d={self.path('d')}")
        os.utime(self.path("d/x"), (5, 5))
        self.assertEqual(one, self.bundle("--dir", f"d={self.path('d')}"))
        got = parse(self.bundle("--dir", f"d={self.path('d')}", "--keep-times"))
        self.assertEqual(got["d/x"][1], 5)
        got = parse(self.bundle("--args", env={"SOURCE_DATE_EPOCH": "1234"}))
        self.assertEqual(got["init"][1], 1234)

    @unittest.skipUnless(shutil.which("cpio"), "no cpio here")
    def test_cpio_reads_it(self):
        self.write("d/x", b"12345")
        data = self.bundle("--dir", f"d={self.path('d')}")
        r = subprocess.run(["cpio", "-i", "--to-stdout", "-H", "crc", "d/x"], input=data,
                           capture_output=True)
        self.assertEqual(r.stdout, b"12345")

    def test_errors(self):
        os.mkfifo(self.path("pipe"))
        self.write("other", b"other", 0o755)
        for args, message in (
                (["--init", self.path("none")], "No such file"),
                (["--init", self.path("app"), "--file", "a"], "GUEST=HOST is wanted"),
                (["--init", self.path("app"), "--file", f"../a={self.path('app')}"], "'..'"),
                (["--init", self.path("app"), "--file", f"init={self.path('other')}"],
                 "two entries are named 'init'"),
                (["--init", self.path("app"), "--file", f"init/x={self.path('app')}"],
                 "'init' is a file"),
                (["--init", self.path("app"), "--file", f"p={self.path('pipe')}"],
                 "not a regular file"),
                (["--init", self.path("app"), "--dir", f"d={self.path('app')}"],
                 "is not a directory"),
                (["--init", self.path("app"), "--env", "NAME"], "NAME=VALUE is wanted"),
                (["--init", self.path("app"), "--cwd", "data"], "not an absolute path")):
            r = self.run_tool(*args)
            self.assertEqual(r.returncode, 1, args)
            self.assertIn(message, r.stderr)
            self.assertTrue(r.stderr.startswith("mkbundle: ") and r.stderr.count("\n") == 1)


if __name__ == "__main__":
    unittest.main()
