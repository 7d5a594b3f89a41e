#!/usr/bin/env python3
"""Which go builds a program: the one that plain `go build` would take there, or the nearest
supported release. Uses real toolchains, wherever they are installed. Lines that cannot be fetched
are left out."""
import contextlib
import os
import re
import shutil
import subprocess
import sys
import tempfile
import unittest

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
GORT = os.path.join(ROOT, "scripts", "gort")
sys.path.insert(0, os.path.join(ROOT, "scripts", "lib"))
import elfsym  # noqa: E402
import gobuild  # noqa: E402

MAIN = """package main

import "runtime"

func main() { println(runtime.Version(), runtime.GOROOT()) }
"""
APP_TABLE = b"GTAPPTAB"
# A go of another release than it is, unless it is asked for one that gort is for.
PRETENDER = """#!/bin/sh
case "$GOTOOLCHAIN" in
go1.26.* | go1.27.*) exec %(go)s "$@" ;;
esac
%(go)s "$@" | sed 's/"GOVERSION": ".*"/"GOVERSION": "%(version)s"/'
"""


def plain_env(**more):
    """The environment of a user who has set no variable of Go's except those in `more`."""
    env = {k: v for k, v in os.environ.items() if k not in ("GOROOT", "GOTOOLCHAIN", "GOFLAGS")}
    return {**env, "GOENV": "off", "GOFLAGS": "", **more}


def real_goroot(release):
    r = subprocess.run(["go", "env", "GOROOT", "GOVERSION"], capture_output=True, text=True,
                       cwd="/", env=plain_env(GOTOOLCHAIN=release))
    words = r.stdout.split()
    return words[0] if words[1:] == [release] else None


GOROOTS = {release: root for release in gobuild.RELEASES.values()
           if (root := real_goroot(release))}
OLD, NEW = list(gobuild.RELEASES.values())[0], list(gobuild.RELEASES.values())[-1]
BOTH = unittest.skipUnless(OLD in GOROOTS and NEW in GOROOTS, f"{OLD} and {NEW} are not both here")


def on_path(goroot):
    return f"{goroot}/bin:/usr/bin:/bin:" + os.path.dirname(sys.executable)


class Lines(unittest.TestCase):
    def setUp(self):
        self.tmp = tempfile.TemporaryDirectory()
        self.dir = self.tmp.name
        self.addCleanup(self.tmp.cleanup)

    def write(self, **files):
        for name, text in files.items():
            path = os.path.join(self.dir, name.replace("__", "/").replace("_mod", ".mod")
                                .replace("_go", ".go").replace("_work", ".work"))
            os.makedirs(os.path.dirname(path), exist_ok=True)
            with open(path, "w", encoding="utf-8") as f:
                f.write(text)

    def program(self, go="1.21", **more):
        self.write(go_mod=f"module x\n\ngo {go}\n", main_go=MAIN, **more)

    def gort(self, *args, path, cwd=None, **env):
        return subprocess.run([GORT, *args], capture_output=True, text=True, cwd=cwd or self.dir,
                              env=plain_env(PATH=path, **env), stdin=subprocess.DEVNULL)

    def builds(self, release, path, notice="", package=".", **env):
        """gort build makes a program for gort, by that release."""
        out = os.path.join(self.dir, "x.elf")
        with contextlib.suppress(OSError):
            os.remove(out)
        r = self.gort("build", "-o", out, package, path=path, **env)
        self.assertEqual(r.returncode, 0, r.stderr)
        self.check(out, release)
        if notice:
            self.assertIn(notice, r.stderr)
            self.assertEqual(len(r.stderr.splitlines()), 1, r.stderr)
        else:
            self.assertEqual(r.stderr, "")

    def check(self, binary, release):
        with open(binary, "rb") as f:
            data = f.read()
        self.assertIn(APP_TABLE, data)
        self.assertEqual(elfsym.go_string(data, "runtime.buildVersion"), release)

    def test_installed_or_in_the_module_cache(self):
        self.program()
        for release, goroot in GOROOTS.items():
            self.builds(release, on_path(goroot), GOTOOLCHAIN="local")

    @BOTH
    def test_go_mod_decides(self):
        self.program(go=NEW.removeprefix("go"))
        self.builds(NEW, on_path(GOROOTS[OLD]), GOTOOLCHAIN="auto")
        self.write(go_mod=f"module x\n\ngo 1.21\n\ntoolchain {NEW}\n")
        self.builds(NEW, on_path(GOROOTS[OLD]), GOTOOLCHAIN="auto")
        self.builds(OLD, on_path(GOROOTS[OLD]), GOTOOLCHAIN="local")

    @BOTH
    def test_gotoolchain_decides(self):
        self.program()
        self.builds(NEW, on_path(GOROOTS[OLD]), GOTOOLCHAIN=NEW)

    @BOTH
    def test_go_work_decides(self):
        self.write(m__go_mod="module x\n\ngo 1.21\n", m__main_go=MAIN,
                   go_work=f"go {NEW.removeprefix('go')}\n\nuse ./m\n")
        self.builds(NEW, on_path(GOROOTS[OLD]), GOTOOLCHAIN="auto", package="./m")

    def test_vendor(self):
        self.write(go_mod="module x\n\ngo 1.21\n\nrequire example.com/y v1.0.0\n",
                   main_go='package main\n\nimport "example.com/y"\n\nfunc main() { y.F() }\n',
                   vendor__example__y_go="")
        os.makedirs(os.path.join(self.dir, "vendor", "example.com", "y"))
        for name, text in (("vendor/example.com/y/y.go", "package y\n\nfunc F() {}\n"),
                           ("vendor/modules.txt", "# example.com/y v1.0.0\n## explicit; go 1.21\n"
                                                  "example.com/y\n")):
            with open(os.path.join(self.dir, name), "w", encoding="utf-8") as f:
                f.write(text)
        shutil.rmtree(os.path.join(self.dir, "vendor", "example"))
        for release, goroot in GOROOTS.items():
            self.builds(release, on_path(goroot), GOTOOLCHAIN="local", GOFLAGS="-mod=vendor")

    def test_read_only_module_cache(self):
        """As on a machine where another user owns the cache."""
        self.program()
        if subprocess.run(["unshare", "-m", "true"], capture_output=True).returncode:
            self.skipTest("unshare is not permitted")
        cache = subprocess.run(["go", "env", "GOMODCACHE"], capture_output=True, text=True,
                               check=True).stdout.strip()
        if not os.path.isdir(cache):
            self.skipTest("no module cache")
        for release, goroot in GOROOTS.items():
            out = os.path.join(self.dir, "x.elf")
            script = ('mount --bind "$1" "$1" && mount -o remount,ro,bind "$1" || exit 77; shift; '
                      '"$@"')
            r = subprocess.run(["unshare", "-m", "sh", "-c", script, "sh", cache, GORT, "build",
                                "-o", out, "."], capture_output=True, text=True, cwd=self.dir,
                               env=plain_env(PATH=on_path(goroot), GOTOOLCHAIN="local"))
            if r.returncode == 77:
                self.skipTest("mount is not permitted")
            self.assertEqual((r.returncode, r.stderr), (0, ""))
            self.check(out, release)

    def pretend(self, version, goroot):
        path = os.path.join(self.dir, "bin", "go")
        os.makedirs(os.path.dirname(path), exist_ok=True)
        with open(path, "w", encoding="utf-8") as f:
            f.write(PRETENDER % {"go": f"{goroot}/bin/go", "version": version})
        os.chmod(path, 0o755)
        return os.path.dirname(path) + ":" + on_path(goroot)

    def test_nearest(self):
        self.program()
        for have, want in (("go1.24.5", OLD), ("go1.99.1", NEW), ("go1.99rc1", NEW)):
            if want in GOROOTS:
                path = self.pretend(have, GOROOTS[OLD if OLD in GOROOTS else NEW])
                self.builds(want, path, notice=f"go selects {have} here, gort is for Go 1.26 and "
                                               f"1.27: using {want}")

    def test_too_old(self):
        self.program()
        path = self.pretend("go1.20.14", GOROOTS[min(GOROOTS)])
        r = self.gort("env", path=path)
        self.assertEqual(r.returncode, 1)
        self.assertRegex(r.stderr, r"^gort: go1\.20\.14 is too old to fetch .*: install Go .*\n$")

    def test_no_such_toolchain(self):
        """An error of go itself is passed on in one line."""
        self.program()
        r = self.gort("env", path=on_path(GOROOTS[min(GOROOTS)]), GOTOOLCHAIN="go1.26.nonsense")
        self.assertEqual(r.returncode, 1)
        self.assertRegex(r.stderr, r"^gort: go says: .*nonsense.*\n$")

    def test_env_is_all_that_plain_go_build_needs(self):
        self.program()
        for release, goroot in GOROOTS.items():
            r = self.gort("env", path=on_path(goroot), GOTOOLCHAIN="local")
            self.assertEqual((r.returncode, r.stderr), (0, ""))
            out = os.path.join(self.dir, release)
            subprocess.run(["sh", "-c", f"{r.stdout}\ngo build -o {out} ."], cwd=self.dir,
                           env=plain_env(PATH=on_path(goroot)), check=True)
            self.check(out, release)

    def test_zones_are_those_of_the_programs_goroot(self):
        """gort exec bundles the zone file where the program looks, whichever go is at hand."""
        self.program()
        for release, goroot in GOROOTS.items():
            self.builds(release, on_path(goroot), GOTOOLCHAIN="local")
            found = gobuild.linked_goroot(os.path.join(self.dir, "x.elf"))
            self.assertEqual(os.path.realpath(found), os.path.realpath(goroot))
            self.assertTrue(os.path.exists(os.path.join(found, "lib/time/zoneinfo.zip")))


class Names(unittest.TestCase):
    def test_line_of(self):
        for version, line in (("go1.27.3", "go1.27"), ("go1.27", "go1.27"), ("go1.27rc1", "go1.27"),
                              ("go1.27-devel_6a9b1f", "go1.27"), ("go1.271.1", "go1.271"),
                              ("devel +abc", None), ("go1.27.3 X:simd", "go1.27")):
            self.assertEqual(gobuild.line_of(version), line, version)

    def test_the_list_takes_only_known_lines(self):
        with tempfile.NamedTemporaryFile("w", suffix=".list") as f:
            f.write("keep a.go\nkeep b.go go1.26\n")
            f.flush()
            self.assertEqual(gobuild.read_list("go1.26", f.name)[0], {"a.go", "b.go"})
            self.assertEqual(gobuild.read_list("go1.27", f.name)[0], {"a.go"})
            f.write("keep c.go go1.2\n")
            f.flush()
            with self.assertRaisesRegex(gobuild.UserError, re.escape(f.name) + ":3: expected"):
                gobuild.read_list("go1.27", f.name)


if __name__ == "__main__":
    unittest.main()
