"""gobuild - the stock Go toolchain, with package runtime replaced by an overlay.

`go build -overlay FILE` takes a JSON map from source files to replacements; "" removes a
file. gort/overlay/overlay.list says which files of GOROOT/src/runtime stay; all others are
removed, and the files of gort/overlay and what scripts/gen-abi makes are added as zgort_NAME, a
name that no file of Go has.
"""
import glob
import hashlib
import json
import os
import re
import subprocess

from common import BUILD, ROOT, UserError, work_dir

GO_LINE = "1.26"            # the release line that the overlay is written for
GO_RELEASE = "go1.26.8"     # what another installed go is asked to fetch
OVERLAY_DIR = os.path.join(ROOT, "gort", "overlay")
OVERLAY_LIST = os.path.join(OVERLAY_DIR, "overlay.list")
GATES = os.path.join(BUILD, "gen", "zgates_amd64.s")
GENERATED = [GATES] + [os.path.join(BUILD, "gen", n) for n in ("zregs_amd64.s", "zcalls.go")]

INSTALL_HINT = "install Go from https://go.dev/dl/ (any release from 1.21 on)"


def run_go(args, env, cwd=None):
    try:
        return subprocess.run(["go", *args], env=env, cwd=cwd, capture_output=True, text=True)
    except FileNotFoundError:
        raise UserError(f"no go command found: {INSTALL_HINT}") from None


def installed_release(env):
    """The release of the go command itself, e.g. (1, 26, "go1.26.8")."""
    local = dict(env, GOTOOLCHAIN="local")
    r = run_go(["env", "GOVERSION"], local, cwd="/")
    m = re.match(r"go(\d+)\.(\d+)", r.stdout.strip())
    if not m:
        raise UserError(f"cannot tell the version of go: {(r.stdout + r.stderr).strip()[:200]}")
    return int(m[1]), int(m[2]), r.stdout.strip()


class Go:
    """A checked toolchain: `env` to run it with, its GOROOT and version."""

    def __init__(self, cwd=None):
        for name, want in (("GOOS", "linux"), ("GOARCH", "amd64")):
            if os.environ.get(name, want) != want:
                raise UserError(f"{name}={os.environ[name]}: gort builds for {want}; unset it")
        if os.environ.get("CGO_ENABLED") == "1":
            raise UserError("CGO_ENABLED=1: gort runs pure Go programs, without cgo; unset it")
        self.env = dict(os.environ, CGO_ENABLED="0", GOOS="linux", GOARCH="amd64")
        major, minor, have = installed_release(self.env)
        if (major, minor) < (1, 21):
            raise UserError(f"{have} is too old to fetch Go {GO_LINE}: {INSTALL_HINT}")
        if f"{major}.{minor}" != GO_LINE:
            self.env["GOTOOLCHAIN"] = GO_RELEASE
        r = run_go(["env", "-json", "GOVERSION", "GOROOT", "GOTOOLCHAIN"], self.env, cwd)
        if r.returncode:
            raise UserError(f"go {GO_LINE} is not to be had: {r.stderr.strip().splitlines()[-1]}")
        facts = json.loads(r.stdout)
        self.version, self.goroot = facts["GOVERSION"], facts["GOROOT"]
        if not re.match(rf"go{re.escape(GO_LINE)}(\.|rc|$|-)", self.version):
            raise UserError(f"go selects {self.version} here, gort needs Go {GO_LINE} "
                            f"(GOTOOLCHAIN={facts['GOTOOLCHAIN']}, or go.mod's toolchain line)")

    def overlay(self, extra=None):
        """Writes the overlay file for this GOROOT and returns its path. extra: the user's own
        -overlay file, merged in."""
        replace = overlay_map(self.goroot)
        if extra:
            with open(extra, encoding="utf-8") as f:
                replace.update(json.load(f).get("Replace") or {})
        text = json.dumps({"Replace": replace}, indent=1, sort_keys=True)
        name = f"overlay-{hashlib.sha256(text.encode()).hexdigest()[:12]}.json"
        path = os.path.join(work_dir(), name)
        if not os.path.exists(path):
            tmp = f"{path}.{os.getpid()}"
            with open(tmp, "w", encoding="utf-8") as f:
                f.write(text)
            os.replace(tmp, path)
        return path


def read_list(path=OVERLAY_LIST):
    """Returns (kept names, [(package path/file, overlay file)])."""
    keep, replaced = set(), []
    try:
        lines = open(path, encoding="utf-8").read().splitlines()
    except OSError as e:
        raise UserError(f"cannot read {path}: {e.strerror}") from None
    for number, line in enumerate(lines, 1):
        words = line.split("#", 1)[0].split()
        if not words:
            continue
        if words[0] == "keep" and len(words) == 2:
            keep.add(words[1])
        elif words[0] == "replace" and len(words) == 3:
            replaced.append((words[1], words[2]))
        else:
            raise UserError(f"{path}:{number}: expected `keep FILE` or `replace PKG/FILE FILE`")
    return keep, replaced


def overlay_map(goroot):
    keep, replaced = read_list()
    if not all(os.path.exists(path) for path in GENERATED):
        raise UserError("the gates are not generated: run make")
    runtime = os.path.join(goroot, "src", "runtime")
    result = {}
    present = set()
    for name in os.listdir(runtime):
        if not name.endswith((".go", ".s")) or name.endswith("_test.go"):
            continue
        present.add(name)
        if name not in keep:
            result[os.path.join(runtime, name)] = ""
    absent = keep - present
    if absent:
        raise UserError(f"{runtime} lacks {' '.join(sorted(absent))}, "
                        f"which {os.path.relpath(OVERLAY_LIST, ROOT)} keeps: is it Go {GO_LINE}?")
    elsewhere = set()
    for target, source in replaced:
        path = os.path.join(goroot, "src", target)
        if not os.path.exists(path):
            raise UserError(f"{path} is missing: is {goroot} a Go {GO_LINE}?")
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


def check_flag(name, value):
    """Refuses flags that ask for what gort cannot give."""
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
    """Packages outside std among the dependencies of which nothing is left without cgo: one
    that has other files for that case is not to blame."""
    def those(condition, cgo):
        form = f"{{{{if and {condition} (not .Standard)}}}}{{{{.ImportPath}}}}{{{{end}}}}"
        r = run_go(["list", "-e", "-deps", "-f", form, *packages], dict(go.env, CGO_ENABLED=cgo))
        return r.stdout.split()
    empty = set(those("(not .GoFiles)", "0"))
    return [p for p in those(".CgoFiles", "1") if p in empty]


def linked_goroot(binary):
    """The GOROOT of the go command at hand, for a binary that somebody else has built; None
    if there is no go: time zones are all that is lost."""
    del binary
    try:
        r = run_go(["env", "GOROOT"], dict(os.environ))
    except UserError:
        return None
    return r.stdout.strip() or None
