"""cbuild - builds C apps: the host's gcc, newlib, libgort.

A C app is a directory with .c files and no .go file, or one or more .c files. A file gort.json
in the directory may say more:

    cflags, ldflags     lists of words
    sources             list of files relative to the directory (default: all its .c files)
    include             list of directories for #include, relative to it
"""
import glob
import json
import os
import subprocess

from common import BUILD, ROOT, UserError, cache_dir

NEWLIB = os.path.join(cache_dir(), "newlib", "x86_64-elf")
LIBGORT = os.path.join(BUILD, "libgort.a")
LIB = os.path.join(ROOT, "gort", "capp", "lib")    # its headers
KNOWN = {"cflags", "ldflags", "sources", "include"}


def gcc_file(option):
    return subprocess.run(["gcc", option], capture_output=True, text=True).stdout.strip()


def cflags():
    undefined = ("__linux__", "linux", "__unix__", "unix", "__gnu_linux__")
    return ["-std=gnu17", "-O2", "-g", "-fno-pic", "-fno-stack-protector",
            "-fno-omit-frame-pointer", "-fstack-clash-protection", "-fcf-protection=none",
            *["-U" + u for u in undefined], "-D__DYNAMIC_REENT__", "-D__gort__",
            "-D_POSIX_TIMERS=200809L", "-D_POSIX_MONOTONIC_CLOCK=200809L", "-nostdinc",
            "-isystem", os.path.join(LIB, "include"),
            "-isystem", os.path.join(NEWLIB, "include"),
            "-isystem", gcc_file("-print-file-name=include"), "-I" + LIB]


def ldflags():
    return ["-nostdlib", "-static", "-no-pie", "-Wl,-Ttext-segment=0x400000",
            "-Wl,-z,max-page-size=4096", "-Wl,-z,noexecstack", "-Wl,--build-id=none"]


def libs():
    # libgort is linked whole and first, so that its functions replace newlib's.
    return ["-Wl,--whole-archive", LIBGORT, "-Wl,--no-whole-archive",
            "-Wl,--start-group", os.path.join(NEWLIB, "lib", "libc.a"),
            os.path.join(NEWLIB, "lib", "libm.a"), gcc_file("-print-libgcc-file-name"),
            "-Wl,--end-group"]


def is_c(packages):
    """Are these .c files, or one directory of C?"""
    if all(p.endswith(".c") for p in packages):
        return True
    d = packages[0]
    return os.path.isdir(d) and not glob.glob(os.path.join(d, "*.go")) and (
        os.path.exists(os.path.join(d, "gort.json")) or bool(glob.glob(os.path.join(d, "*.c"))))


def name_of(packages):
    p = os.path.abspath(packages[0])
    return os.path.splitext(os.path.basename(p))[0] or "main"


def manifest(directory):
    path = os.path.join(directory, "gort.json")
    if not os.path.exists(path):
        return {}
    try:
        with open(path, encoding="utf-8") as f:
            m = json.load(f)
    except ValueError as e:
        raise UserError(f"{path}: {e}") from None
    unknown = set(m) - KNOWN
    if unknown:
        raise UserError(f"{path}: unknown key {min(unknown)} (known: {', '.join(sorted(KNOWN))})")
    return m


def build(packages, output, flags=()):
    if not os.path.exists(LIBGORT):
        raise UserError(f"libgort is not built: run make in {ROOT}")
    if flags:
        raise UserError(f"{flags[0]} is a flag of the go command; flags for C stand in gort.json")
    if packages[0].endswith(".c"):
        m, directory, sources = {}, ".", list(packages)
    else:
        directory = packages[0]
        m = manifest(directory)
        sources = [os.path.join(directory, s) for s in m.get("sources", [])] or sorted(
            glob.glob(os.path.join(directory, "*.c")))
    include = ["-I" + os.path.join(directory, i) for i in m.get("include", ["."])]
    command = ["gcc", *cflags(), *include, *m.get("cflags", []), *ldflags(), *sources,
               *m.get("ldflags", []), *libs(), "-o", output]
    if subprocess.run(command).returncode:
        raise UserError("building the C app failed")
    r = subprocess.run(["readelf", "-lW", output], capture_output=True, text=True)
    if "\n  TLS " in r.stdout:
        os.unlink(output)
        raise UserError("the program has thread-local variables, which C apps cannot have")
