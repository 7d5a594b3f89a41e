#!/usr/bin/env python3
"""C of other projects: Lua and zlib, from Debian's sources, built unmodified. Their output under
gort must equal that on this machine, built from the same sources."""
import json
import os
import random
import shlex
import shutil
import subprocess
import sys
import tempfile
import unittest

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
GORT = os.path.join(ROOT, "scripts", "gort")
LICENSE = os.path.join(ROOT, "LICENSE")
SCRIPT = os.path.join(ROOT, "tests", "capps", "bench.lua")


def source(package):
    r = subprocess.run([os.path.join(ROOT, "scripts", "fetch-source"), package],
                       capture_output=True, text=True)
    if r.returncode:
        raise AssertionError(r.stderr)
    return r.stdout.strip()


def call(command, **more):
    r = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
                       **more)
    if r.returncode:
        raise AssertionError(f"{' '.join(command)}:\n{r.stdout[-3000:]}")
    return r.stdout


class Source(unittest.TestCase):
    def setUp(self):
        tmp = tempfile.TemporaryDirectory()
        self.addCleanup(tmp.cleanup)
        self.tmp = tmp.name

    def path(self, *names):
        return os.path.join(self.tmp, *names)

    def gort(self, binary, *args, flags=(), **more):
        return subprocess.run([GORT, "exec", "-timeout", "120s", *flags, binary, *args],
                              capture_output=True, **more)

    def same(self, guest, host):
        self.assertEqual((guest.returncode, guest.stdout, guest.stderr),
                         (host.returncode, host.stdout, host.stderr))

    # By a gort.json that names the sources where they are.
    def test_lua(self):
        src = os.path.join(source("lua5.4"), "src")
        files = sorted(os.path.join(src, f) for f in os.listdir(src)
                       if f.endswith(".c") and f != "luac.c")
        with open(self.path("gort.json"), "w", encoding="utf-8") as f:
            json.dump({"sources": files, "include": [src]}, f)
        call([GORT, "build", "-o", self.path("lua.elf"), self.tmp])
        call(["gcc", "-O1", "-o", self.path("lua"), *files, "-lm"])
        args = ["bench.lua", "LICENSE", "x"]
        shutil.copy(SCRIPT, self.tmp)
        shutil.copy(LICENSE, self.tmp)
        host = subprocess.run(["./lua", *args], cwd=self.tmp, capture_output=True,
                              env={"GREETING": "hello"})
        self.assertEqual((host.returncode, host.stderr), (17, b"to stderr\n"))
        self.same(self.gort(self.path("lua.elf"), *args, flags=[
            "-env", "GREETING=hello", "-file", "/bench.lua=" + SCRIPT,
            "-file", "/LICENSE=" + LICENSE]), host)

    def compiler(self):
        """A cc of one word, for a configure script that links without LDFLAGS."""
        settings = dict(line.removeprefix("export ").split("=", 1)
                        for line in call([GORT, "env", "-c"]).splitlines())
        cc, cflags, ldflags = (" ".join(shlex.split(settings[k]))
                               for k in ("CC", "CFLAGS", "LDFLAGS"))
        with open(self.path("cc"), "w", encoding="utf-8") as f:
            f.write('#!/bin/sh\ncase " $* " in *" -c "* | *" -E "* | *" -S "*) '
                    f'exec {cc} {cflags} "$@" ;; esac\nexec {cc} {cflags} "$@" {ldflags}\n')
        os.chmod(self.path("cc"), 0o755)
        return self.path("cc")

    def zlib(self, name, cc):
        """zlib's own configure and Makefile, away from the source."""
        os.mkdir(self.path(name))
        env = {k: v for k, v in os.environ.items()
               if k not in ("CFLAGS", "LDFLAGS", "MAKEFLAGS", "MFLAGS", "CPPFLAGS")}
        env.update(CC=cc, CFLAGS="-O1")
        say = call([os.path.join(source("zlib"), "configure"), "--static"],
                   cwd=self.path(name), env=env)
        call(["make", "-j2", "libz.a", "example", "minigzip"], cwd=self.path(name), env=env)
        return [line for line in say.splitlines() if "Checking" in line and "off64" not in line]

    def test_zlib(self):
        self.assertEqual(self.zlib("guest", self.compiler()), self.zlib("host", "gcc"))
        self.same(self.gort(self.path("guest", "example")),
                  subprocess.run(["./example"], cwd=self.path("host"), capture_output=True))
        text = " ".join(random.Random(1).choices("the tale of a bundle file, told twice".split(),
                                                 k=20000)).encode() + bytes(range(256)) * 40
        with open(self.path("text"), "wb") as f:
            f.write(text)
        guest, host = self.path("guest", "minigzip"), self.path("host", "minigzip")
        packed = self.gort(guest, "-9", "-c", "/text",
                           flags=["-file", "/text=" + self.path("text")])
        self.same(packed, subprocess.run([host, "-9", "-c", "text"], cwd=self.tmp,
                                         capture_output=True))
        self.assertLess(len(packed.stdout), len(text) // 2)
        with open(self.path("text.gz"), "wb") as f:
            f.write(packed.stdout)
        self.assertEqual(self.gort(guest, "-d", "-c", "/text.gz", flags=[
            "-file", "/text.gz=" + self.path("text.gz")]).stdout, text)
        self.assertEqual(self.gort(guest, "-d", input=packed.stdout).stdout, text)


if __name__ == "__main__":
    sys.exit(unittest.main())
