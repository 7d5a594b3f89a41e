"""stdtests - the standard library's packages that have tests, and the output of a test binary.

Test binaries are run with -test.v=test2json, which begins each line of the framework with a
byte 0x16, so that they are found even if a test prints no newline.
"""
import fnmatch
import json
import os
import re

import conform
import gobuild
from common import UserError

MARK = "\x16"
RUN = re.compile(r"(?:^|\x16)=== RUN +(\S+)$")
END = re.compile(r"(?:^|\x16)\s*--- (PASS|FAIL|SKIP): (\S+) \(")


class Settings:
    """tests/conformance-std.expect: lines `fail|skip|short|files|mem NAME: TEXT`, of all releases
    or of go_line's."""
    KINDS = ("fail", "skip", "short", "files", "mem")

    def __init__(self, path, go_line):
        self.fail, self.skip, self.short, self.files, self.mem = {}, {}, {}, {}, {}
        with open(path, encoding="utf-8") as f:
            for number, line in enumerate(f, 1):
                line = conform.words_for(go_line, line)
                if not line:
                    continue
                kind, _, rest = line.partition(" ")
                name, colon, text = rest.partition(":")
                if kind not in self.KINDS or not colon or not text.strip():
                    raise UserError(f"{path}:{number}: expected {'|'.join(self.KINDS)} NAME: TEXT")
                getattr(self, kind)[name.strip()] = text.strip()

    def cause(self, test):
        """Why PKG.TEST is known to fail, or None. `PKG.TEST/*` stands for its subtests."""
        if test in self.fail:
            return self.fail[test]
        parents = [test[:i] + "/*" for i, c in enumerate(test) if c == "/"]
        return next((self.fail[p] for p in parents if p in self.fail), None)

    def of_package(self, table, package):
        """{test: text} of one package's tests."""
        prefix = package + "."
        return {n[len(prefix):]: t for n, t in table.items() if n.startswith(prefix)}


class Output:
    """The results of a run of a test binary: {test: PASS|FAIL|SKIP} of tests that ended, and the
    tests that were begun."""

    def __init__(self, text):
        self.ended, self.begun = {}, []
        for line in text.splitlines():
            m = RUN.search(line)
            if m:
                self.begun.append(m[1])
            m = END.search(line)
            if m:
                self.ended[m[2]] = m[1]

    def unfinished(self):
        """Top-level tests that were begun and did not end."""
        return [t for t in self.begun if "/" not in t and t not in self.ended]

    def top(self, verdict):
        return [t for t, v in self.ended.items() if v == verdict and "/" not in t]

    def failures(self):
        """The innermost tests that failed."""
        failed = [t for t, v in self.ended.items() if v == "FAIL"]
        return [t for t in failed if not any(o.startswith(t + "/") for o in failed)]


def packages(go):
    """{package: directory} of all that have tests."""
    form = "{{if or .TestGoFiles .XTestGoFiles}}{{.ImportPath}} {{.Dir}}{{end}}"
    r = gobuild.run_go(["list", "-f", form, "std"], go.env)
    if r.returncode:
        raise UserError(f"go list std: {r.stderr.strip()}")
    pairs = (line.split(" ", 1) for line in r.stdout.splitlines() if line.strip())
    return {name: directory for name, directory in pairs if not name.startswith("vendor/")}


def binary_base(name):
    """The name of a package's test binary: the last path element that is not a version."""
    parts = name.split("/")
    return parts[-2] if len(parts) > 1 and re.fullmatch(r"v[2-9]\d*", parts[-1]) else parts[-1]


def build_groups(names, size):
    """Lists of at most `size` packages, no two of whose test binaries have the same name."""
    groups = []
    for name in names:
        base = binary_base(name)
        for group in groups:
            if len(group) < size and base not in (binary_base(n) for n in group):
                group.append(name)
                break
        else:
            groups.append([name])
    return groups


def runtime_overlay(overlay, goroot, own, output):
    """An overlay for the tests of package runtime: of its test files only those that
    own/runtime.files names, and our own *_test.go of that directory."""
    with open(overlay, encoding="utf-8") as f:
        replace = dict(json.load(f)["Replace"])
    with open(os.path.join(own, "runtime.files"), encoding="utf-8") as f:
        wanted = {line.strip() for line in f if line.strip() and not line.startswith("#")}
    directory = os.path.join(goroot, "src", "runtime")
    for name in os.listdir(directory):
        if name.endswith("_test.go") and name not in wanted:
            replace[os.path.join(directory, name)] = ""
    for name in sorted(os.listdir(own)):
        if name.endswith("_test.go"):
            replace[os.path.join(directory, f"zgort_{name}")] = os.path.join(own, name)
    with open(output, "w", encoding="utf-8") as f:
        json.dump({"Replace": replace}, f)
    return output


def expand(goroot, patterns):
    """Paths below GOROOT that the patterns (src/go/ast, test/*.go, ...) name."""
    found = []
    for pattern in patterns.split():
        head, tail = os.path.split(pattern)
        if "*" not in tail:
            found += [p for p in [os.path.join(goroot, pattern)] if os.path.exists(p)]
            continue
        directory = os.path.join(goroot, head)
        if not os.path.isdir(directory):        # a toolchain without GOROOT/test
            continue
        found += [os.path.join(directory, n) for n in sorted(os.listdir(directory))
                  if fnmatch.fnmatch(n, tail)]
    return found
