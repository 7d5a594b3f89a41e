"""gotests - the compiler's test programs of GOROOT/test, as their headers describe them.

A program's first comment line that is no build constraint says what to do with it: `// run`,
then flags of the go command, more source files, then arguments. Only such programs are of
interest here; the others test the compiler alone. Output is compared with the .out file beside
it, no file means no output; the order between stdout and stderr is not known here.
"""
import glob
import os
import re
import shlex

DIRECTORIES_SKIPPED = ("codegen", "errcheck")
# The //go:build words that are true for Linux on amd64.
TAGS = {"linux", "unix", "amd64", "gc", "goexperiment.swissmap"}
RELEASE_TAG = re.compile(r"go1\.(\d+)$")
WORD = re.compile(r"\s*(&&|\|\||!|\(|\)|[\w.]+)")
IMPORT_BLOCK = re.compile(r"^import\s*(?:\(([^)]*)\)|(?:[\w.]+\s+)?(\"[^\"]+\"))", re.M)
# Imports with which a program cannot pass, and why.
NEEDS = {"os/exec": "needs os/exec", "C": "needs cgo", "plugin": "needs plugins",
         "net": "needs the network", "net/http": "needs the network",
         "runtime/cgo": "needs cgo", "runtime/race": "needs the race detector"}


class Constraint:
    """Evaluates a //go:build expression, by recursive descent. line: go1.27."""

    def __init__(self, text, line):
        self.words, self.release = WORD.findall(text), int(RELEASE_TAG.match(line)[1])

    def tag(self, word):
        m = RELEASE_TAG.match(word)
        return int(m[1]) <= self.release if m else word in TAGS

    def unary(self):
        word = self.words.pop(0) if self.words else ")"
        if word == "!":
            return not self.unary()
        if word == "(":
            value = self.either()
            if self.words:
                self.words.pop(0)
            return value
        return self.tag(word)

    def both(self):
        value = self.unary()
        while self.words and self.words[0] == "&&":
            self.words.pop(0)
            right = self.unary()
            value = value and right
        return value

    def either(self):
        value = self.both()
        while self.words and self.words[0] == "||":
            self.words.pop(0)
            right = self.both()
            value = value or right
        return value


def imports(text):
    found = set()
    for block, single in IMPORT_BLOCK.findall(text):
        found.update(re.findall(r'"([^"]+)"', block or single))
    return found


class GoTest:
    """One `// run` program: name ("ken/array.go"), build flags, arguments, environment, the
    output that is expected, and why it is skipped, if it is."""

    def __init__(self, root, name, words, text, line):
        self.name, self.path = name, os.path.join(root, name)
        self.ident = name[:-len(".go")].replace("/", "--")
        self.flags, self.env, self.build_env, self.skip = [], {}, {}, None
        words = self.take_flags(list(words))
        here = os.path.dirname(self.path)
        self.sources = [self.path] + [os.path.join(here, w) for w in words if w.endswith(".go")]
        self.args = [w for w in words if not w.endswith(".go")]
        self.skip = self.skip or self.reason(text, line)
        out = self.path[:-len(".go")] + ".out"
        self.want = ""
        if os.path.exists(out):
            with open(out, encoding="utf-8", errors="backslashreplace") as f:
                self.want = f.read()

    def take_flags(self, words):
        """Upstream's rules: flags are what starts with a dash; some have a value that follows."""
        while words and words[0].startswith("-"):
            word = words.pop(0)
            if word in ("-goexperiment", "--goexperiment") and words:
                self.build_env["GOEXPERIMENT"] = words.pop(0)
            elif word in ("-godebug", "--godebug") and words:
                self.env["GODEBUG"] = words.pop(0)
            elif word == "-race":
                self.skip = "needs the race detector"
            else:
                self.flags.append(word)
                if "=" not in word and word in ("-gcflags", "-ldflags", "-tags", "-lang") and words:
                    self.flags.append(words.pop(0))
        return words

    @staticmethod
    def reason(text, release):
        for line in text.split("\npackage ", 1)[0].splitlines():
            m = re.match(r"//go:build\s+(.*)", line)
            if m and not Constraint(m[1], release).either():
                return f"not for linux/amd64 ({m[1].strip()})"
        used = imports(text)
        for package, why in NEEDS.items():
            if package in used:
                return why
        if "runtime.GOROOT()" in text:
            return "needs the files of GOROOT"
        return None

    def matches(self, out, err):
        """Compares outputs; None, or the difference."""
        out, err = out.replace("\r\n", "\n"), err.replace("\r\n", "\n")
        if self.want in (out + err, err + out) or merged(self.want, out, err):
            return None
        if not self.want:
            return "output where none is expected"
        return "output differs from its .out file"


def merged(want, out, err):
    """Is want a merge of the lines of out and err? After each line of want it keeps the set of
    possible numbers of lines taken from out."""
    a, b = out.splitlines(), err.splitlines()
    lines = want.splitlines()
    if len(lines) != len(a) + len(b):
        return False
    states = {0}
    for n, line in enumerate(lines):
        states = ({i + 1 for i in states if i < len(a) and a[i] == line} |
                  {i for i in states if 0 <= n - i < len(b) and b[n - i] == line})
    return bool(states)


def action(text):
    """The words of the first comment line that is not a build constraint, or []."""
    for line in text.splitlines():
        if not line.strip() or line.startswith("//go:build") or line.startswith("// +build"):
            continue
        if not line.startswith("//"):
            return []
        try:
            return shlex.split(line[2:])
        except ValueError:
            return []
    return []


def find(root, line):
    """All `// run` programs below GOROOT/test that are for a line of Go, by name."""
    tests = []
    for path in sorted(glob.glob(os.path.join(root, "**", "*.go"), recursive=True)):
        name = os.path.relpath(path, root)
        if name.split("/")[0] in DIRECTORIES_SKIPPED or ".dir/" in name:
            continue
        with open(path, encoding="utf-8", errors="replace") as f:
            text = f.read()
        words = action(text)
        if words[:1] == ["run"]:
            tests.append(GoTest(root, name, words[1:], text, line))
    return tests
