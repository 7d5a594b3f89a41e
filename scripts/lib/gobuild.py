"""gobuild - the stock Go toolchain, with package runtime replaced by an overlay.

`go build -overlay FILE` takes a JSON map from source files to replacements; "" removes a file.
gort/overlay/overlay.list says which files of GOROOT/src/runtime stay; all others are removed, and
the files of gort/overlay and what scripts/gen-abi makes are added as zgort_NAME, so that the names
do not clash with Go's. """
import glob
import hashlib
import json
import os
import re
import shlex
import struct
import subprocess
import sys

import elfsym
from common import BUILD, ROOT, UserError, user_dir, work_dir

# The release lines that the overlay supports, and the release to use if go selects another line.
RELEASES = {"go1.26": "go1.26.8", "go1.27": "go1.27.3"}
NEWEST = list(RELEASES)[-1]
LINES_TEXT = "Go " + " and ".join(line.removeprefix("go") for line in RELEASES)
OVERLAY_DIR = os.path.join(ROOT, "gort", "overlay")
OVERLAY_LIST = os.path.join(OVERLAY_DIR, "overlay.list")
GATES = os.path.join(BUILD, "gen", "zgates_amd64.s")
GENERATED = [GATES] + [os.path.join(BUILD, "gen", n) for n in
                       ("zregs_amd64.s", "zcalls.go") +
                       tuple(f"zmoduledata_{line.replace('.', '')}.go" for line in RELEASES)]

INSTALL_HINT = "install Go from https://go.dev/dl/ (any release from 1.21 on)"


def run_go(args, env, cwd=None):
    try:
        return subprocess.run(["go", *args], env=env, cwd=cwd, capture_output=True, text=True)
    except FileNotFoundError:
        raise UserError(f"no go command found: {INSTALL_HINT}") from None


def last_line(text):
    return (text.strip().splitlines() or ["go says nothing"])[-1]


def line_of(version):
    """go1.27 for go1.27.3, go1.27rc1, go1.27-devel_...; None: not a version."""
    m = re.match(r"go\d+\.\d+(?!\d)", version)
    return m and m[0]


def nearest(version):
    """The supported line that is nearest to a version's."""
    major, minor = map(int, line_of(version)[2:].split("."))
    newest_last = [tuple(map(int, line[2:].split("."))) for line in RELEASES]
    older = [line for line in newest_last if line < (major, minor)]
    return "go%d.%d" % (older[-1] if older else newest_last[0])


def newest_here():
    """The newest supported release that go can run or fetch."""
    for release in reversed(RELEASES.values()):
        r = run_go(["env", "GOVERSION"], dict(os.environ, GOTOOLCHAIN=release), ROOT)
        if r.stdout.split()[:1] == [release]:
            return release
        print(f"gort: {release} cannot be fetched: {last_line(r.stderr)}", file=sys.stderr)
    raise UserError(f"no {LINES_TEXT} is installed or can be fetched")


def link_to(goroot, version):
    """A symbolic link to a toolchain in the module cache. go build refuses to replace files whose
    path lies below the cache."""
    base = os.path.join(user_dir("toolchains"), version)
    for link in (base, f"{base}-{hashlib.sha256(goroot.encode()).hexdigest()[:8]}"):
        if os.path.islink(link) and os.readlink(link) == goroot:
            return link
        if os.path.exists(link):        # the name is in programs of another toolchain
            continue
        temporary = f"{link}.{os.getpid()}"
        os.symlink(goroot, temporary)
        os.replace(temporary, link)
        return link
    raise UserError(f"{base} is in the way: remove it")


class Go:
    """A checked toolchain: `env` to run it with, its GOROOT, version and line.

    The user chooses the go as for plain go build: by PATH, GOTOOLCHAIN, go.mod and go.work. If it
    is not of a supported line, the nearest supported release is used."""

    def __init__(self, cwd=None):
        for name, want in (("GOOS", "linux"), ("GOARCH", "amd64")):
            if os.environ.get(name, want) != want:
                raise UserError(f"{name}={os.environ[name]}: gort builds for {want}; unset it")
        if os.environ.get("CGO_ENABLED") == "1":
            raise UserError("CGO_ENABLED=1: gort runs pure Go programs, without cgo; unset it")
        self.env = dict(os.environ, CGO_ENABLED="0", GOOS="linux", GOARCH="amd64")
        facts = self.ask(cwd)
        have = facts["GOVERSION"]
        if line_of(have) not in RELEASES:
            facts = self.ask_nearest(have, cwd)
        self.version, self.goroot = facts["GOVERSION"], facts["GOROOT"]
        self.flags = facts["GOFLAGS"]
        check_experiments(facts["GOEXPERIMENT"])
        self.line = line_of(self.version)
        self.linked = inside(self.goroot, facts["GOMODCACHE"])
        if self.linked:
            self.goroot = link_to(self.goroot, self.version.split()[0])
            path = os.path.join(self.goroot, "bin") + os.pathsep + self.env.get("PATH", os.defpath)
            self.env.update(GOROOT=self.goroot, PATH=path)
        self.env["GOTOOLCHAIN"] = "local"       # keep the go that was selected in cwd

    def ask(self, cwd):
        r = run_go(["env", "-json", "GOVERSION", "GOROOT", "GOMODCACHE", "GOFLAGS", "GOEXPERIMENT"],
                   self.env, cwd)
        try:
            facts = json.loads(r.stdout)
        except ValueError:
            raise UserError(f"go says: {last_line(r.stderr or r.stdout)}") from None
        if not line_of(facts.get("GOVERSION", "")):
            raise UserError("cannot tell the version of go: " + repr(facts.get("GOVERSION"))[:80])
        return facts

    def ask_nearest(self, have, cwd):
        want = RELEASES[nearest(have)]
        if int(have.split(".")[1].split("rc")[0].split("beta")[0]) < 21:
            raise UserError(f"{have} is too old to fetch {want}: {INSTALL_HINT}")
        print(f"gort: go selects {have} here, gort is for {LINES_TEXT}: using {want}",
              file=sys.stderr)
        self.env["GOTOOLCHAIN"] = want
        self.env.pop("GOROOT", None)
        r = run_go(["env", "GOVERSION"], self.env, cwd)
        if r.returncode:
            raise UserError(f"{want} cannot be fetched: {last_line(r.stderr)}")
        facts = self.ask(cwd)
        if line_of(facts["GOVERSION"]) not in RELEASES:
            raise UserError(f"asked for {want}, go selects {facts['GOVERSION']}")
        return facts

    def overlay(self, extra=None):
        """Writes the overlay file for this GOROOT and returns its path. extra: the user's own
        -overlay file, merged in; without it that of GOFLAGS."""
        replace = overlay_map(self.goroot, self.line)
        extra = extra or flag_in(self.flags, "overlay")
        if extra:
            replace = merge(replace, extra)
        return write_overlay(replace)


def write_overlay(replace):
    """Writes an overlay file and returns its path."""
    text = json.dumps({"Replace": replace}, indent=1, sort_keys=True)
    name = f"overlay-{hashlib.sha256(text.encode()).hexdigest()[:12]}.json"
    path = os.path.join(work_dir(), name)
    if not os.path.exists(path):
        tmp = f"{path}.{os.getpid()}"
        with open(tmp, "w", encoding="utf-8") as f:
            f.write(text)
        os.replace(tmp, path)
    return path


def inside(path, directory):
    path, directory = os.path.realpath(path), os.path.realpath(directory)
    return path.startswith(directory.rstrip("/") + "/")


def flag_in(goflags, name):
    """The last value of a flag in GOFLAGS, or None."""
    value = None
    for word in shlex.split(goflags):
        flag, eq, text = word.lstrip("-").partition("=")
        if flag == name and eq:
            value = text
    return value


def merge(replace, path):
    """gort's overlay merged with a user's, which must not replace the files that gort replaces."""
    try:
        with open(path, encoding="utf-8") as f:
            theirs = json.load(f).get("Replace") or {}
        theirs = {os.path.abspath(k): v and os.path.abspath(v) for k, v in theirs.items()}
    except OSError as e:
        raise UserError(f"-overlay={path}: {e.strerror}") from None
    except (ValueError, AttributeError, TypeError):
        raise UserError(f"-overlay={path}: not an overlay file: expected "
                        '{"Replace": {"FILE": "FILE", ...}}') from None
    ours = {os.path.realpath(k) for k in replace} # a toolchain may be used through a link
    both = sorted(k for k in theirs if os.path.realpath(k) in ours)
    if both:
        raise UserError(f"-overlay={path} replaces {both[0]}, which gort replaces")
    absent = sorted(v for v in theirs.values() if v and not os.path.exists(v))
    if absent:
        raise UserError(f"-overlay={path}: {absent[0]} does not exist")
    return {**replace, **theirs}


def read_list(line, path=OVERLAY_LIST):
    """Returns the overlay list's entries for a line: (kept names, [(package path/file, file)])."""
    keep, replaced = set(), []
    try:
        with open(path, encoding="utf-8") as f:
            lines = f.read().splitlines()
    except OSError as e:
        raise UserError(f"cannot read {path}: {e.strerror}") from None
    for number, text in enumerate(lines, 1):
        words = text.split("#", 1)[0].split()
        if not words:
            continue
        if words[0] == "keep" and len(words) >= 2 and set(words[2:]) <= set(RELEASES):
            if line in (words[2:] or [line]):
                keep.add(words[1])
        elif words[0] == "replace" and len(words) == 3:
            replaced.append((words[1], words[2]))
        else:
            raise UserError(f"{path}:{number}: expected `keep FILE [LINE...]` or "
                            "`replace PKG/FILE FILE`")
    return keep, replaced


def overlay_map(goroot, line, strict=True):
    """strict: a kept file that is missing is an error."""
    keep, replaced = read_list(line)
    if not all(os.path.exists(path) for path in GENERATED):
        raise UserError("the gates are not generated: run make")
    runtime = os.path.join(goroot, "src", "runtime")
    result = {}
    present = set()
    try:
        names = os.listdir(runtime)
    except OSError as e:
        raise UserError(f"{runtime}: {e.strerror}: install Go's sources, too") from None
    for name in names:
        if not name.endswith((".go", ".s")) or name.endswith("_test.go"):
            continue
        present.add(name)
        if name not in keep:
            result[os.path.join(runtime, name)] = ""
    absent = keep - present
    if absent and strict:
        raise UserError(f"{runtime} lacks {' '.join(sorted(absent))}, "
                        f"which {os.path.relpath(OVERLAY_LIST, ROOT)} keeps: is it {line}?")
    elsewhere = set()
    for target, source in replaced:
        path = os.path.join(goroot, "src", target)
        if not os.path.exists(path):
            raise UserError(f"{path} is missing: is {goroot} {line}?")
        result[path] = os.path.join(OVERLAY_DIR, source)
        elsewhere.add(source)
    for path in sorted(glob.glob(os.path.join(OVERLAY_DIR, "*.go")) +
                       glob.glob(os.path.join(OVERLAY_DIR, "*.s"))) + GENERATED:
        name = os.path.basename(path)
        if name not in elsewhere:
            result[os.path.join(runtime, f"zgort_{name}")] = path
    return result


# ---- flags of the go command ------------------------------------------------------------
BOOL_FLAGS = set("a asan buildvcs cover i json linkshared modcacherw msan n race trimpath v work x"
                 .split())
VALUE_FLAGS = set("""C asmflags buildmode compiler covermode coverpkg gccgoflags gcflags
    installsuffix ldflags mod modfile o overlay pgo pkgdir tags toolexec vet""".split())
REFUSED = {
    "race": "the race detector needs cgo and an operating system",
    "msan": "the memory sanitizer needs cgo and an operating system",
    "asan": "the address sanitizer needs cgo and an operating system",
    "linkshared": "gort boots static programs",
    "gccgoflags": "gort is a runtime for the gc compiler",
    "i": "go has dropped it",
}


# GOEXPERIMENTs whose programs would not link, or would not do their purpose. All others build.
NO_EXPERIMENT = {
    "arenas": "gort's runtime has no arenas",
    "boringcrypto": "it needs cgo",
    "cgocheck2": "it checks cgo, which gort cannot run",
    "runtimesecret": "gort's runtime erases no secrets yet",
}


def check_experiments(names):
    for name in names.split(","):
        if name in NO_EXPERIMENT:
            raise UserError(f"GOEXPERIMENT={name} is not possible: {NO_EXPERIMENT[name]}")


def check_flag(name, value):
    """Refuses flags for features that gort does not have."""
    if name in REFUSED and value not in ("false", "0"):
        raise UserError(f"-{name} is not possible: {REFUSED[name]}")
    if name == "buildmode" and value not in ("exe", "default"):
        raise UserError(f"-buildmode={value} is not possible: gort boots static programs "
                        "(-buildmode=exe)")
    if name == "compiler" and value != "gc":
        raise UserError(f"-compiler={value} is not possible: gort is a runtime for gc")


def build(go, packages, output, flags, overlay=None, quiet=False):
    """go build; returns nothing, raises UserError with go's own words printed."""
    args = ["build", f"-overlay={go.overlay(overlay)}", *flags, "-o", output, *packages]
    r = subprocess.run(["go", *args], env=go.env, capture_output=quiet, text=True)
    if r.returncode == 0:
        return
    blame = cgo_packages(go, packages)
    if blame:
        raise UserError(f"{blame[0]} uses cgo, which gort cannot run")
    if quiet and r.stderr:
        raise UserError(f"go build failed:\n{r.stderr.strip()}")
    raise UserError("go build failed")


def cgo_packages(go, packages):
    """Dependencies outside std that have no files left without cgo. A package with files for that
    case is not counted."""
    def those(condition, cgo):
        form = f"{{{{if and {condition} (not .Standard)}}}}{{{{.ImportPath}}}}{{{{end}}}}"
        r = run_go(["list", "-e", "-deps", "-f", form, *packages], dict(go.env, CGO_ENABLED=cgo))
        return r.stdout.split()
    empty = set(those("(not .GoFiles)", "0"))
    return [p for p in those(".CgoFiles", "1") if p in empty]


def linked_goroot(binary):
    """The GOROOT that a program's linker has put into it, where package time looks for time zones.
    For a stripped program, the GOROOT of the go at hand. None: the program has no zones to load."""
    try:
        with open(binary, "rb") as f:
            return elfsym.go_string(f.read(), "runtime.defaultGOROOT") or None
    except (OSError, ValueError, struct.error):
        pass
    try:
        return Go().goroot
    except UserError:
        return None
