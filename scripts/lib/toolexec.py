"""toolexec - the files that one of Go's own tools reads and writes, found from its command line.

`go build -toolexec "gort toolexec"` gives us each command line of a tool (cmd/go/internal/work says
which there are). The guest has none of the host's files, so it is given those that the tool reads,
at their own paths, and those that it writes are copied back. The meaning of a flag's value is known
from the tool's own -h; files that are named in configuration files (importcfg, embedcfg, vet.cfg, a
cover pkgcfg, response files) come from the readers below. """
import fcntl
import hashlib
import json
import os
import re
import resource
import subprocess

from common import UserError, user_dir

# Flags whose value is a word of its own. "r": a file that is read, "w": one that is written, "rw":
# both, "c": a configuration with a reader below, "d": a directory to search for headers, "": none
# of these. All other flags are boolean, or have their value behind "=".
FLAGS = {
    "compile": {
        "r": "pgoprofile symabis coveragecfg",
        "w": "o asmhdr linkobj bench cpuprofile memprofile blockprofile mutexprofile traceprofile",
        "c": "importcfg embedcfg",
        "": "D I buildid c d env gendwarfinl goversion installsuffix json lang memprofilerate p "
            "spectre trimpath",
    },
    "asm": {"w": "o", "d": "I", "": "D d p spectre trimpath"},
    "link": {
        "w": "o cpuprofile memprofile benchmarkprofile",
        "c": "importcfg",
        "": "B D E H I L R T X benchmark buildid buildmode capturehostobjs debugtextsize "
            "debugtramp extar extld extldflags fipso funcalign installsuffix k libgcc linkmode "
            "macos macsdk memprofilerate pluginpath r randlayout strictdups tmpdir",
    },
    "cover": {"r": "func html", "w": "o", "c": "pkgcfg outfilelist", "": "mode var"},
    "preprofile": {"r": "i", "w": "o"},
    "buildid": {},
    "vet": {},
    "fix": {},
    "pack": {},
    "nm": {"": "size sort type n"},
    "objdump": {"": "s"},
    "addr2line": {},
    "covdata": {"": "i o pkg pkgpath mode"},
}
# What tools do with arguments that are not flags, if not read them.
ARGUMENTS = {"vet": "c", "fix": "c", "buildid": "rw"}
REFUSED = {
    "cgo": "cgo runs a C compiler",
    "dist": "dist starts other programs",
    "pprof": "pprof starts other programs: run it on the host",
    "trace": "trace serves a browser: run it on the host",
    "test2json": "test2json starts other programs",
    "doc": "doc starts other programs",
}


class Action:
    """One run of a tool: the host's files that it reads and those that it writes, as absolute
    paths, and directories that have to be there."""

    def __init__(self, tool, args, cwd):
        self.tool, self.args, self.cwd = tool, args, cwd
        self.reads, self.writes = set(), set()
        self.scanned = set()    # headers whose own includes have been followed
        self.searched = []      # asm's -I directories: they stand before the sources
        kinds = FLAGS[tool]
        self.kinds = {name: kind for kind, names in kinds.items() for name in names.split()}
        self.scan(args)

    def path(self, name):
        return os.path.normpath(os.path.join(self.cwd, name))

    def read(self, name):
        """Adds a file to read. If it does not exist, the tool itself reports that."""
        path = self.path(name)
        if os.path.isfile(path):
            self.reads.add(path)

    def write(self, name):
        path = self.path(name)
        if path != os.devnull and not os.path.isdir(path):
            self.writes.add(path)

    def scan(self, args):
        args = list(args)
        while args:
            word = args.pop(0)
            if word.startswith("@"):
                self.read(word[1:])
                args = response_file(self.path(word[1:])) + args
            elif word.startswith("-") and len(word) > 1:
                self.flag(word, args)
            else:
                self.argument(word, args)

    def flag(self, word, rest):
        name, eq, value = word.lstrip("-").partition("=")
        kind = self.kinds.get(name)
        if kind is None:
            return
        if not eq:
            value = rest.pop(0) if rest else ""
        if self.tool == "link" and name == "linkmode" and value == "external":
            raise UserError("-linkmode=external is not possible: it runs a C compiler")
        self.take(kind, name, value)

    def argument(self, word, rest):
        if self.tool == "pack":     # pack OP ARCHIVE FILE...
            archive = rest.pop(0) if rest else ""
            self.take("r" if word[:1] in "tpx" else "rw", "", archive)
            for name in rest:
                self.read(name)
            rest.clear()
            return
        self.take(ARGUMENTS.get(self.tool, "r"), "cfg", word)
        if self.tool == "asm":
            directory = os.path.dirname(word) or "."
            self.headers(directory)
            self.included(self.path(word), [self.cwd, self.path(directory), *self.searched])

    def take(self, kind, name, value):
        if "r" in kind:
            self.read(value)
        if "w" in kind:
            self.write(value)
        if kind == "d":
            self.searched.append(self.path(value))
            self.headers(value)
        if kind == "c" and os.path.isfile(self.path(value)):
            self.read(value)
            with open(self.path(value), encoding="utf-8", errors="surrogateescape") as f:
                READERS[name](self, f.read())

    def included(self, path, directories):
        """What an assembly file includes from below the directories (cmd/asm/internal/lex says in
        which order they are searched), "cgo/abi_amd64.h" for one, and what that includes."""
        for name in INCLUDE.findall(contents(path)):
            for directory in directories:
                header = os.path.normpath(os.path.join(directory, name))
                if os.path.isfile(header):
                    if header not in self.scanned:
                        self.scanned.add(header)
                        self.read(header)
                        self.included(header, directories)
                    break

    def headers(self, directory):
        directory = self.path(directory)
        try:
            names = os.listdir(directory)
        except OSError:
            return
        for name in names:
            if name.endswith(".h"):
                self.read(os.path.join(directory, name))

    # ---- configuration files ------------------------------------------------------------
    def importcfg(self, text):
        for line in text.splitlines():
            verb, _, rest = line.partition(" ")
            if verb == "packagefile":
                self.read(rest.partition("=")[2])

    def embedcfg(self, text):
        for path in load(text, "embedcfg").get("Files", {}).values():
            self.read(path)

    def vetcfg(self, text):
        """vet and fix: cmd/go's vetConfig (cmd/go/internal/work/exec.go)."""
        cfg = load(text, "vet.cfg")
        for name in ("GoFiles", "NonGoFiles", "IgnoredFiles"):
            for path in cfg.get(name) or []:
                self.read(os.path.join(cfg.get("Dir") or "", path))
        for name in ("PackageFile", "PackageVetx"):
            for path in (cfg.get(name) or {}).values():
                self.read(path)
        for name in ("VetxOutput", "Stdout", "FixArchive"):
            if cfg.get(name):
                self.write(cfg[name])

    def pkgcfg(self, text):
        """cover: CoverPkgConfig (cmd/internal/cov/covcmd)."""
        cfg = load(text, "pkgcfg")
        for name in ("OutConfig", "EmitMetaFile"):
            if cfg.get(name):
                self.write(cfg[name])

    def outfilelist(self, text):
        for path in text.split("\n"):
            if path:
                self.write(path)


READERS = {"importcfg": Action.importcfg, "embedcfg": Action.embedcfg, "cfg": Action.vetcfg,
           "pkgcfg": Action.pkgcfg, "outfilelist": Action.outfilelist}


INCLUDE = re.compile(r'^[ \t]*#[ \t]*include[ \t]+"([^"\n]+)"', re.MULTILINE)


def contents(path):
    """A file's text; what cannot be read is the tool's to complain about."""
    try:
        with open(path, encoding="utf-8", errors="replace") as f:
            return f.read()
    except OSError:
        return ""


def load(text, what):
    try:
        value = json.loads(text)
    except ValueError:
        value = None
    if not isinstance(value, dict):
        raise UserError(f"{what} is not a JSON object")
    return value


def response_file(path):
    """The arguments in a file that `@file` names: one a line, \\\\ and \\n escaped."""
    try:
        with open(path, encoding="utf-8", errors="surrogateescape") as f:
            lines = f.read().splitlines()
    except OSError as e:
        raise UserError(f"@{path}: {e.strerror}") from None
    return [re.sub(r"\\(.)", lambda m: "\n" if m[1] == "n" else m[1], line) for line in lines]


def tool_of(path, goroot):
    """The name of one of Go's tools, by its file: besides these cmd/go runs only C
    compilers through -toolexec."""
    name = os.path.basename(path)
    if name in REFUSED:
        raise UserError(f"{name} cannot run on gort: {REFUSED[name]}")
    if name not in FLAGS or not os.path.isdir(os.path.join(goroot, "src", "cmd", name)):
        raise UserError(f"{path} is none of the Go tools that can run on gort "
                        f"({', '.join(sorted(FLAGS))})")
    return name


def built_tool(name, go):
    """The tool as a program of gort's, built once for a toolchain and an overlay into the user's
    cache: the path."""
    overlay = go.overlay(None)
    with open(overlay, "rb") as f:
        text = f.read()
    key = hashlib.sha256(text + go.version.encode())
    for path in sorted(v for v in json.loads(text)["Replace"].values() if v):
        with open(path, "rb") as f:
            key.update(f.read())
    directory = user_dir(os.path.join("tools", f"{go.version.split()[0]}-{key.hexdigest()[:16]}"))
    path = os.path.join(directory, name)
    with open(path + ".lock", "w", encoding="utf-8") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)    # cmd/go starts several actions at a time
        if not os.path.exists(path):
            # The user's flags are for the program being built, and -toolexec would lead back here.
    # The user's cache may be one for results made on gort alone.
            env = {k: v for k, v in go.env.items() if k != "GOEXPERIMENT"}
            # Below GOROOT/src go would take the packages by the real names of their directories,
            # which are not the overlay's where GOROOT is a link.
            env.update(GOFLAGS="", GOCACHE=user_dir(os.path.join("tools", "go-build")),
                       PWD=directory)
            r = subprocess.run(["go", "build", f"-overlay={overlay}", "-trimpath", "-ldflags=-w",
                                "-o", path + ".new", f"cmd/{name}"], env=env,
                               cwd=directory, capture_output=True, text=True)
            if r.returncode:
                raise UserError(f"cmd/{name} cannot be built for gort:\n{r.stderr.strip()}")
            os.replace(path + ".new", path)
    return path


def peak_memory():
    """The largest resident size of a child process, in MiB: QEMU's."""
    return resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss // 1024


def umask():
    mask = os.umask(0o077)
    os.umask(mask)
    return mask


def log(action, status, seconds, size):
    """A line of JSON for each run, into the file that GORT_TOOLEXEC_LOG names."""
    path = os.environ.get("GORT_TOOLEXEC_LOG")
    if not path:
        return
    written = {name: os.path.getsize(name) for name in action.writes if os.path.isfile(name)}
    line = {"tool": action.tool, "package": os.environ.get("TOOLEXEC_IMPORTPATH", ""),
            "status": status, "seconds": round(seconds, 2), "bundle": size,
            "memory": peak_memory(),
            "read": sum(os.path.getsize(name) for name in action.reads if os.path.isfile(name)),
            "written": sum(written.values())}
    with open(path, "a", encoding="utf-8") as f:
        f.write(json.dumps(line) + "\n")
