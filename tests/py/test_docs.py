"""Runs the commands of the documents, word by word: README.md and docs/*.md.

A command is written in a fence, whose first word says how it is tested:

    ```sh                     all lines are run, by one bash with -e
    ```console                `$ COMMAND` lines are run; what is between them is what they print.
                              `...` stands for anything, alone on a line for any lines; a number,
                              hexadecimal or not, for any number. Blanks at an end do not count.
    ```sh not-run: WHY        (and console) not run: only its targets and scripts must exist
    ```text, c, json          are no commands

A document is one session: its fences run in their order and in one directory, a copy of the
project in whose $HOME/.local/bin `make install` puts gort. Outside of fences no line may look like
a command.
"""
import glob
import os
import re
import shutil
import subprocess
import sys
import tempfile
import unittest

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
GENERATED = ("CONFORMANCE", "HISTORY", "PGO", "ZOO")
NOT_RUN_MAX = 10            # fences
COMMAND_RE = re.compile(r"\s{4,}(\$ |gort (run|build|exec|test|debug|env)\b|make( |$)|tests/run\b|"
                        r"scripts/\w|python3 |GORT_\w+=)")
SECONDS = 300               # one command


def documents():
    docs = sorted(glob.glob(os.path.join(ROOT, "docs", "*.md")))
    paths = [os.path.join(ROOT, "README.md"), *docs]
    return [p for p in paths if not os.path.basename(p).startswith(GENERATED)]


class Fence:
    def __init__(self, path, line, info):
        self.where = f"{os.path.relpath(path, ROOT)}:{line}"
        self.kind, _, rest = info.partition(" ")
        self.reason = rest.removeprefix("not-run:").strip() if rest.startswith("not-run:") else None
        self.unknown = rest if rest and self.reason is None else None
        self.lines = []

    def is_commands(self):
        return self.kind in ("sh", "console")

    def commands(self):
        """[(command, [lines it prints] or None)]."""
        if self.kind == "sh":
            return [("\n".join(self.lines), None)]
        found = []
        for line in self.lines:
            if line.startswith("$ "):
                found.append((line[2:], []))
            else:
                found[-1][1].append(line)
        return found


def read(path):
    """The fences of a document, and the numbers of lines outside that look like commands."""
    fences, stray, fence = [], [], None
    with open(path, encoding="utf-8") as f:
        for number, line in enumerate(f.read().splitlines(), 1):
            if line.startswith("```"):
                if fence is None:
                    fence = Fence(path, number, line[3:].strip())
                    fences.append(fence)
                else:
                    fence = None
            elif fence is not None:
                fence.lines.append(line)
            elif COMMAND_RE.match(line):
                stray.append(f"{os.path.relpath(path, ROOT)}:{number}: {line.strip()}")
    return fences, stray


def pattern(lines):
    """A regular expression for what a command prints."""
    out = []
    for line in lines:
        if line.strip() == "...":
            out.append(r"(?:.*\n)*?")
            continue
        text = re.sub(r"\\ ", " ", re.escape(line.strip()))
        text = text.replace(r"\.\.\.", ".*")
        text = re.sub(r"0x[0-9a-f]+", "0x[0-9a-f]+", text)
        text = re.sub(r"(?<![\w\[\]-])\d+|(?<=[a-z+])\d+(?!\w|-f)", r"\\d+", text)
        out.append(r"[ \t]*" + re.sub(r" +", r"\\s+", text) + r"[ \t]*\n")
    return "".join(out) or r"\s*"


def matches(lines, printed):
    return re.fullmatch(pattern(lines), printed if printed.endswith("\n") else printed + "\n")


class Session:
    """A copy of the project, and a home of its own for what is installed."""

    def __init__(self, directory):
        self.cwd = os.path.join(directory, "gort")
        shutil.copytree(ROOT, self.cwd, symlinks=True,
                        ignore=shutil.ignore_patterns("build", ".git", "__pycache__"))
        os.symlink(os.path.join(ROOT, "build"), os.path.join(self.cwd, "build"))
        home = os.path.join(directory, "home")
        os.mkdir(home)
        go = subprocess.run(["go", "env", "GOPATH", "GOCACHE", "GOMODCACHE"], capture_output=True,
                            text=True, check=True).stdout.split()
        cache = os.environ.get("XDG_CACHE_HOME") or os.path.expanduser("~/.cache")
        self.env = dict(os.environ, HOME=home, GOPATH=go[0], GOCACHE=go[1], GOMODCACHE=go[2],
                        XDG_CACHE_HOME=cache, PATH=f"{home}/.local/bin:{os.environ['PATH']}")
        self.here = os.path.join(directory, "cwd")

    def run(self, command, strict):
        """(status, stdout and stderr together). The next command begins where this one ends."""
        script = f"cd {self.cwd!r}\n{command}\nstatus=$?\npwd > {self.here!r}\nexit $status\n"
        try:
            r = subprocess.run(["bash", *(["-eo", "pipefail"] if strict else []), "-c", script],
                               env=self.env, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                               stderr=subprocess.STDOUT, timeout=SECONDS, text=True,
                               errors="backslashreplace")
        except subprocess.TimeoutExpired as e:
            return 124, f"{e.output}\ndoes not end within {SECONDS} s"
        if os.path.exists(self.here):
            with open(self.here, encoding="utf-8") as f:
                self.cwd = f.read().strip()
        return r.returncode, r.stdout


def make_targets():
    names = set()
    for path in ["Makefile", *glob.glob(os.path.join(ROOT, "scripts", "mk", "*.mk"))]:
        with open(os.path.join(ROOT, path), encoding="utf-8") as f:
            for m in re.finditer(r"^([\w-]+(?: [\w-]+)*):", f.read(), re.M):
                names.update(m[1].split())
    return names


class Documents(unittest.TestCase):
    def test_convention(self):
        not_run = []
        for path in documents():
            fences, stray = read(path)
            self.assertEqual(stray, [], "commands outside of a fence")
            for f in fences:
                self.assertIsNone(f.unknown, f.where)
                self.assertIn(f.kind, ("sh", "console", "text", "c", "json", "go"), f.where)
                if f.reason is not None:
                    self.assertTrue(f.reason, f"{f.where}: says no reason")
                    not_run.append(f)
        self.assertLessEqual(len(not_run), NOT_RUN_MAX, [f.where for f in not_run])
        targets = make_targets()
        for f in not_run:
            for line in f.lines:
                words = line.split("#")[0].split()
                if words[:1] == ["make"]:
                    self.assertIn((words[1:] or ["all"])[0], targets, f.where)
                for word in words:
                    if word.startswith(("tests/", "scripts/")):
                        self.assertTrue(os.path.exists(os.path.join(ROOT, word)),
                                        f"{f.where}: {word}")

    def test_matching(self):
        self.assertTrue(matches(["a 12 0xab +0x1f", "...", "z"], "a 7 0x9 +0x2\nb\nc\nz\n"))
        self.assertTrue(matches(["go1.26.8 on 2 CPUs"], "go1.27.3 on 4 CPUs"))
        self.assertTrue(matches(["in ...main.go:4 +0x1"], "   in /x/main.go:99 +0xb\n"))
        self.assertFalse(matches(["a"], "a\nb\n"))
        self.assertFalse(matches(["a 1"], "a b\n"))
        self.assertFalse(matches([], "a\n"))

    def session(self, path):
        with tempfile.TemporaryDirectory(prefix="gort-docs-") as directory:
            s = Session(directory)
            if not path.endswith("README.md"):
                s.run("mkdir -p $HOME/.local/bin; ln -s $PWD/scripts/gort $HOME/.local/bin", True)
            for f in read(path)[0]:
                if not f.is_commands() or f.reason is not None:
                    continue
                for command, prints in f.commands():
                    status, printed = s.run(command, prints is None)
                    if prints is None:
                        self.assertEqual(status, 0, f"{f.where}: {command}\n{printed[-3000:]}")
                    else:
                        self.assertTrue(matches(prints, printed),
                                        f"{f.where}: {command}\nprinted\n{printed[-3000:]}\n"
                                        f"not\n" + "\n".join(prints))


def add_sessions():
    for path in documents():
        name = re.sub(r"\W", "_", os.path.basename(path)[:-3].lower())
        if any(f.is_commands() and f.reason is None for f in read(path)[0]):
            setattr(Documents, f"test_{name}", lambda self, path=path: self.session(path))


add_sessions()

if __name__ == "__main__":
    unittest.main(verbosity=2 if "-v" in sys.argv else 1)
