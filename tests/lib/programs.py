"""programs - Go programs that must behave on gort as they do on Linux.

Each directory of tests/programs is a main package, with an optional test.json:

    of                  another of these directories, whose main package this test runs
                        in another way
    args, env, stdin    the program's input (env: a map; TZ=UTC unless it has TZ)
    linux_env           more of env, on Linux alone: GODEBUG=asyncpreemptoff=1 where a call that
                        waits must not end with EINTR because of a signal of Go's own
    files               {name in the working directory: file in the test's directory}
    status              the exit status, on both systems (default: as on Linux)
    smp                 CPU counts to boot with (default [1, 2, 4])
    mem                 memory of the machine (default 512M)
    options             boot options
    stderr              exact | traceback | head | ignore (default: exact for status 0, else
                        traceback; tests/lib/compare.py says what they mean)
    stderr_has          texts that stderr must contain (on gort; on Linux too unless linux is
                        false)
    linux               false: not run on Linux; then `stdout` is the expected text
    go                  "1.27": the directory has a go.mod of its own, which says that; the program
                        is left out where go is of an older line
    group               name of the group that it belongs to (default: its first word)
    kernel              file in build/ to boot instead of gort.elf
    timeout             seconds on gort (default 180): ten times what it takes, or more
    slow                lists of arguments: -slow adds a boot with 2 CPUs for each
    soak                arguments for `tests/run soak`: the same output after much more work
    soak_once           arguments for a boot that is longer still, with 2 CPUs and no option
    soak_options        boot options for all boots of `tests/run soak`
"""
import difflib
import functools
import glob
import json
import os
import re
import shutil
import subprocess
import tempfile

import compare

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
PROGRAMS = os.path.join(ROOT, "tests", "programs")
OUT = os.path.join(ROOT, "build", "tests")
binaries = OUT          # its folders linux and gort hold the programs: use_go changes it
GORT = os.path.join(ROOT, "scripts", "gort")
SOAK_TIMEOUT = 1800
LINUX_TIMEOUT = 400     # some seconds of work, on a host that may be busy with others'
KNOWN = {"of", "args", "env", "stdin", "files", "status", "smp", "mem", "options", "stderr",
         "stderr_has", "linux", "linux_env", "stdout", "group", "timeout", "slow", "soak",
         "soak_once", "soak_options", "kernel", "go"}


class Program:
    def __init__(self, directory):
        self.dir, self.name = directory, os.path.basename(directory)
        path = os.path.join(directory, "test.json")
        spec = {}
        if os.path.exists(path):
            with open(path, encoding="utf-8") as f:
                spec = json.load(f)
        unknown = set(spec) - KNOWN
        if unknown:
            raise SystemExit(f"{path}: unknown key {min(unknown)}")
        self.spec = spec
        self.group = spec.get("group", self.name.split("_")[0])
        self.smp = spec.get("smp", [1, 2, 4])
        self.args = spec.get("args", [])
        self.env = {"TZ": "UTC", **spec.get("env", {})}
        self.linux_env = {**self.env, **spec.get("linux_env", {})}
        self.stdin = spec.get("stdin", "").encode()
        self.files = {n: os.path.join(directory, h) for n, h in spec.get("files", {}).items()}
        self.source = spec.get("of", self.name)
        self.linux_binary = os.path.join(binaries, "linux", self.source)
        self.gort_binary = os.path.join(binaries, "gort", self.source)
        self.expected = None

    def fits_go(self):
        want = self.spec.get("go")
        return not want or go_line(os.environ.get("GOTOOLCHAIN")) >= tuple(map(int,
                                                                               want.split(".")))

    # ---- on Linux -----------------------------------------------------------------------
    def run_linux(self, **more_env):
        """Sets self.expected; returns what is wrong with the program itself, or None."""
        if self.spec.get("linux", True) is False:
            self.expected = (self.spec.get("status", 0), self.spec.get("stdout", ""), "")
            return None
        if not os.path.exists(self.linux_binary):
            return "does not build for Linux"
        with tempfile.TemporaryDirectory() as d:
            for name, host in self.files.items():
                target = os.path.join(d, name)
                os.makedirs(os.path.dirname(target), exist_ok=True)
                (shutil.copytree if os.path.isdir(host) else shutil.copy)(host, target)
            try:
                r = subprocess.run([self.gort_binary, *self.args], executable=self.linux_binary,
                                   env={**self.linux_env, **more_env},
                                   input=self.stdin, capture_output=True, cwd=d,
                                   timeout=LINUX_TIMEOUT)
            except subprocess.TimeoutExpired:
                return "does not end on Linux"
        self.expected = (r.returncode, text(r.stdout), text(r.stderr))
        if r.returncode != self.spec.get("status", r.returncode) or r.returncode < 0:
            return f"status {r.returncode} on Linux, test.json says {self.spec.get('status')}"
        for want in self.spec.get("stderr_has", []):
            if want not in self.expected[2]:
                return f"stderr on Linux lacks {want!r}:\n{self.expected[2][:600]}"
        return None

    def unstable(self):
        """Would Linux pass the comparison with itself, on other numbers of CPUs?"""
        problem = self.run_linux()
        if problem or self.spec.get("linux", True) is False or "base_args" == self.name:
            return problem
        first = self.expected
        for n in map(str, self.smp):
            problem = self.run_linux(GOMAXPROCS=n) or self.compare(first, self.expected)
            if problem:
                return f"GOMAXPROCS={n}: {problem}"
        return None

    # ---- on gort ------------------------------------------------------------------------
    def command(self, smp, args=None, options=None):
        c = [GORT, "exec", "-smp", str(smp), "-m", self.spec.get("mem", "512M"),
             "-timeout", str(SOAK_TIMEOUT if args else self.spec.get("timeout", 180))]
        for name, value in self.env.items():
            c += ["-env", f"{name}={value}"]
        for word in self.spec.get("options", []) if options is None else options:
            c += ["-option", word]
        for name, host in self.files.items():
            c += ["-file", f"/work/{name}={host}"]
        if self.files:
            c += ["-cwd", "/work"]
        return c + [self.gort_binary, *(args or self.args)]

    def run_gort(self, smp, args=None, options=None):
        """Returns None if all is as on Linux, else the difference. args: those for soaking;
        options: other boot options than those of test.json."""
        if not os.path.exists(self.gort_binary):
            return "does not build for gort"
        env = {k: v for k, v in os.environ.items() if not k.startswith("GO") and k != "TZ"}
        if "kernel" in self.spec:
            env["GORT_KERNEL"] = os.path.join(ROOT, "build", self.spec["kernel"])
        r = subprocess.run(self.command(smp, args, options), input=self.stdin,
                           capture_output=True, env=env)
        return self.compare(self.expected, (r.returncode, text(r.stdout), text(r.stderr)))

    def compare(self, expected, got):
        status, out, err = expected
        problems = []
        if got[0] != status:
            problems.append(f"status {got[0]}, expected {status}")
        problems += difference("stdout", out, got[1])
        mode = self.spec.get("stderr", "exact" if status == 0 else "traceback")
        if self.spec.get("linux", True):
            form = compare.MODES[mode]
            problems += difference("stderr", form(err), form(got[2]))
        for want in self.spec.get("stderr_has", []):
            if want not in got[2]:
                problems.append(f"stderr lacks {want!r}")
        if problems and mode != "exact":
            problems.append("stderr as it was:\n" + indent(got[2][-3000:]))
        return "\n".join(problems) or None


def use_go(release):
    """Selects a release of Go for Linux and for gort, unless it cannot be fetched. Returns
    what is wrong, or None."""
    global binaries
    r = subprocess.run(["go", "env", "GOVERSION"], capture_output=True, text=True, cwd=ROOT,
                       env=dict(os.environ, GOTOOLCHAIN=release))
    if r.returncode or r.stdout.split()[:1] != [release]:
        return (r.stderr.strip() or f"go env says {r.stdout.strip()}").splitlines()[-1]
    os.environ["GOTOOLCHAIN"] = release
    binaries = os.path.join(OUT, release)
    return None


def text(data):
    return data.decode("utf-8", "backslashreplace")


def indent(t):
    return "\n".join("    | " + line for line in t.splitlines())


def difference(what, expected, got):
    if expected == got:
        return []
    lines = list(difflib.unified_diff(expected.splitlines(), got.splitlines(),
                                      f"{what} expected", f"{what} on gort", lineterm="", n=2))
    if len(lines) > 40:
        lines = lines[:40] + [f"... {len(lines) - 40} more lines"]
    return ["\n".join("    " + x for x in lines) or f"    {what}: they differ in line ends"]


def find(pattern=None):
    dirs = sorted({os.path.dirname(p) for name in ("main.go", "test.json")
                   for p in glob.glob(os.path.join(PROGRAMS, "*", name))})
    programs = [Program(d) for d in dirs]
    return [p for p in programs if (not pattern or pattern.search(p.name)) and p.fits_go()]


@functools.cache
def go_line(toolchain):
    """(1, 27) of the go that GOTOOLCHAIN=toolchain selects here."""
    r = subprocess.run(["go", "env", "GOVERSION"], capture_output=True, text=True, cwd=ROOT,
                       env=dict(os.environ, GOTOOLCHAIN=toolchain) if toolchain else None)
    return tuple(map(int, re.match(r"go(\d+)\.(\d+)", r.stdout).groups()))


def build_all(which, programs, build_flags=()):
    """which: linux or gort. One go build for all of them. Returns go's complaints."""
    out = os.path.join(binaries, which)
    os.makedirs(out, exist_ok=True)
    alone = sorted({p.source for p in programs if "go" in p.spec})
    sources = sorted({p.source for p in programs} - set(alone))
    packages = ["./" + os.path.relpath(os.path.join(PROGRAMS, s), ROOT) for s in sources]
    command = ["go", "build"] if which == "linux" else [GORT, "build"]
    env = dict(os.environ, CGO_ENABLED="0")

    def build(names, output="", cwd=ROOT):
        c = [*command, *build_flags, "-o", os.path.join(out, output), *names]
        return subprocess.run(c, cwd=cwd, env=env, capture_output=True, text=True)
    complaints = "".join(build(["."], s, os.path.join(PROGRAMS, s)).stderr for s in alone)
    if not packages:
        return complaints
    r = build(packages)
    if r.returncode == 0:
        return complaints
    complaints += r.stderr
    for name in sources:        # what one program broke must not be an old build of another
        path = os.path.join(out, name)
        if os.path.exists(path):
            os.remove(path)
    build(packages)
    return complaints
