"""badinput - damaged and absurd inputs: each must end in an error that names the cause, none in a
hang.

A refusal is a message and a status that is neither 0 nor the runner's own 124 (time limit) and
125 (stopped without a status).
"""
import os
import random
import re
import struct
import subprocess
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "lib"))
from boot import (GORT, KERNEL, LOADER, MKBUNDLE, MKIMAGE, QEMU, ROOT, Failed, expect,  # noqa: E402
                  main, nmi_send, program, run)

BOOT_SECONDS = "60s"
HANGS = {124, 125}


def app(directory):
    path = os.path.join(directory, "hello.elf")
    return path if os.path.exists(path) else program("./apps/hello", directory)


def bundle(directory, elf, *more):
    out = os.path.join(directory, "bundle")
    expect(run([MKBUNDLE, "-o", out, "--init", elf, *more, "--args", "hello"]), 0, what="mkbundle")
    return out


def greeting(directory):
    return run([GORT, "exec", "-timeout", BOOT_SECONDS, app(directory)])[1]


def boot(path, *more):
    return run([QEMU, "-bundle", path, "-timeout", BOOT_SECONDS, *more])


def write(directory, name, data):
    path = os.path.join(directory, name)
    with open(path, "wb") as f:
        f.write(data)
    return path


def read(path):
    with open(path, "rb") as f:
        return f.read()


def refused(result, *texts, what=""):
    status, _, err = result
    if status == 0 or status in HANGS:
        raise Failed(f"{what} ended with status {status}: {err[-500:]!r}")
    if not err.strip():
        raise Failed(f"{what} refused without a word")
    expect(result, stderr_has=texts, what=what)


# ---- the bundle ---------------------------------------------------------------------------
def test_no_bundle(directory):
    del directory
    refused(run([QEMU, "-timeout", BOOT_SECONDS]), "bundle")


def test_truncated_bundle(directory):
    data = read(bundle(directory, app(directory)))
    for n in (1, 100, 4096, len(data) // 2, len(data) - 600):
        path = write(directory, "cut", data[:n])
        refused(boot(path, "-smp", "1"), what=f"{n} of {len(data)} bytes:")


def test_garbage_bundle(directory):
    path = write(directory, "garbage", random.Random(1).randbytes(1 << 20))
    refused(boot(path, "-smp", "1"), "broken bundle")


def test_flipped_bits(directory):
    """Damage in the archive's headers, found by their sums or their shape."""
    data = bytearray(read(bundle(directory, app(directory))))
    r = random.Random(2)
    for n in range(4):
        bad = bytearray(data)
        bad[r.randrange(0, 110)] ^= 1 << r.randrange(8)
        result = boot(write(directory, "flipped", bad), "-smp", "1")
        if result[0] in HANGS:
            raise Failed(f"flip {n}: status {result[0]}: {result[2][-400:]!r}")


# ---- the app ------------------------------------------------------------------------------
PH_OFFSET, PH_SIZE = 64, 56


def patched(directory, change):
    """The app with its ELF header or program headers changed."""
    elf = bytearray(read(app(directory)))
    change(elf)
    return bundle(directory, write(directory, "patched.elf", elf))


def load_headers(elf):
    offset, count = struct.unpack_from("<Q", elf, 32)[0], struct.unpack_from("<H", elf, 56)[0]
    headers = [offset + i * PH_SIZE for i in range(count)]
    return [h for h in headers if struct.unpack_from("<I", elf, h)[0] == 1]


def test_bad_tree(directory):
    """Names that clash, symbolic links with invalid targets."""
    host = write(directory, "text", b"a file\n")
    elf = app(directory)
    cases = [("/deep/link is a symbolic link to a name of 9000 bytes",
              "--link", "deep/link=" + 4500 * "a/"),
             ("/tmp is not a directory", "--file", f"tmp={host}"),
             ("/dev is not a directory", "--file", f"dev={host}"),
             ("/proc is not a directory", "--file", f"proc={host}"),
             ("the working directory /work", "--file", f"work={host}", "--cwd", "/work")]
    for text, *more in cases:
        refused(boot(bundle(directory, elf, *more)), text, what=text)


def test_not_elf(directory):
    path = write(directory, "script", b"#!/bin/sh\necho no\n" * 100)
    refused(run([GORT, "exec", path]), "not an ELF program")


def test_truncated_elf(directory):
    data = read(app(directory))
    for n in (20, 64, 200, len(data) // 3):
        path = write(directory, "cut.elf", data[:n])
        refused(boot(bundle(directory, path), "-smp", "1"), what=f"{n} bytes:")


def test_flipped_elf(directory):
    """Damage in the ELF header and the program headers is refused with its name, or is harmless."""
    data, good, r = read(app(directory)), greeting(directory), random.Random(3)
    end = max(load_headers(data)) + PH_SIZE
    for n in range(12):
        bad = bytearray(data)
        at, bit = r.randrange(4, end), r.randrange(8)
        bad[at] ^= 1 << bit
        result = boot(bundle(directory, write(directory, "flipped.elf", bad)), "-smp", "1")
        what = f"flip {n}, byte {at}, bit {bit}:"
        if result[0] == 0:
            expect(result, 0, good.replace("2 CPUs", "1 CPUs"), what=what)
        else:
            refused(result, "gort: ", what=what)


def test_foreign_elf(directory):
    """A program that was built for Linux without gort's overlay."""
    native = os.path.join(directory, "native")
    expect(run(["go", "build", "-o", native, "./apps/hello"]), 0)
    refused(boot(bundle(directory, native), "-smp", "1"), "was not built for gort", "gort build")


def test_wx_segment(directory):
    def change(elf):
        for h in load_headers(elf):
            struct.pack_into("<I", elf, h + 4, 7)
    refused(boot(patched(directory, change), "-smp", "1"), "writable and executable")


def test_overlapping_segments(directory):
    def change(elf):
        first, second = load_headers(elf)[:2]
        struct.pack_into("<Q", elf, second + 16, struct.unpack_from("<Q", elf, first + 16)[0])
    refused(boot(patched(directory, change), "-smp", "1"), "cannot load the program", "overlap")


def test_kernel_address(directory):
    def change(elf):
        struct.pack_into("<Q", elf, load_headers(elf)[0] + 16, 0xffffffff80000000)
    refused(boot(patched(directory, change), "-smp", "1"))


def test_wild_entry(directory):
    for entry in (0, 0x1234567, 0x400001, 0xffffffff80100000, 1 << 47):
        def change(elf, e=entry):
            struct.pack_into("<Q", elf, 24, e)
        result = boot(patched(directory, change), "-smp", "1")
        refused(result, what=f"entry {entry:#x}:")


# ---- an app of another gort, or of another Go ---------------------------------------------
MAGIC = b"GTAPPTAB"


def altered(directory, old, new):
    """The app with what the pattern old matches replaced, everywhere in it."""
    elf, n = re.subn(old, lambda m: new, read(app(directory)))
    if n == 0:
        raise Failed(f"the app has no {old!r}")
    return bundle(directory, write(directory, "altered.elf", elf))


def interface_hash():
    """The hash of the runtime entries, which is generated into the kernel and into each app."""
    header = read(os.path.join(ROOT, "build", "gen", "rt_frames.h")).decode()
    return struct.pack("<Q", int(re.search(r"RT_ABI_VERSION 0x(\w+)ull", header)[1], 16))


def test_other_gort(directory):
    version = read(app(directory)).split(MAGIC, 1)[1][:8]
    other = bytes([version[0] + 1]) + version[1:]
    path = altered(directory, re.escape(MAGIC + version), MAGIC + other)
    refused(boot(path, "-smp", "1"), "another version of gort's runtime", "build it again")
    word = interface_hash()
    path = altered(directory, re.escape(word), bytes([word[0] ^ 1]) + word[1:])
    refused(boot(path, "-smp", "1"), "another runtime interface", "build it again")


def test_other_gort_c(directory):
    """A program in C that was linked with the libgort of another gort."""
    elf = read(program("./apps/c-pipeline", directory))
    word = interface_hash()
    if elf.count(word) < 2:
        raise Failed("the program does not say what it was built against")
    path = write(directory, "altered-c.elf", elf.replace(word, bytes([word[0] ^ 1]) + word[1:]))
    refused(boot(bundle(directory, path), "-smp", "1"), "another version of gort's runtime",
            "build it again")


def test_other_go(directory):
    path = altered(directory, rb"go1\.2[67]", b"go1.25")
    refused(boot(path, "-smp", "1"), "was built by go1.25", "runs programs of Go 1.26 and 1.27")


# ---- the machine --------------------------------------------------------------------------
def test_little_memory(directory):
    """Too little memory ends in an error that says so; with a little more the program works."""
    path = bundle(directory, app(directory))
    for mem in ("8M", "12M", "16M", "24M"):
        result = boot(path, "-m", mem)
        if result[0] != 0:
            refused(result, "gort: ", "memory", what=f"-m {mem}:")
    expect(boot(path, "-m", "64M"), 0)


def test_limited_memory(directory):
    for limit in ("1M", "1500K", "2M", "5M"):  # for tables, devices, the tree of files
        path = bundle(directory, app(directory), "--options", "memlimit=" + limit)
        refused(boot(path), "no memory", what=limit)


def test_bad_map(directory):
    """Free memory in small pieces, and firmware that changes the memory map once more."""
    image = os.path.join(directory, "fragments.img")
    expect(run([MKIMAGE, "-o", image, "--loader", LOADER, "--kernel", KERNEL, "--bundle",
                bundle(directory, app(directory)), "--cmdline", "fragmap stalekey"]), 0)
    expect(run([QEMU, "-image", image, "-timeout", "120s"]), 0, greeting(directory))


def test_dead_cpu(directory):
    """A CPU that does not start is named; the program runs on the others."""
    path = bundle(directory, program("./tests/programs/sched_fan", directory))
    good = boot(path, "-smp", "4")
    expect(good, 0)
    for n in (1, 3):
        result = boot(path, "-smp", "4", "-append", f"deadcpu={n}")
        expect(result, 0, good[1], f"the CPU with APIC id {n} did not start")


def test_nmis(directory):
    """NMIs to all CPUs, again and again, while goroutines run on them."""
    binary = program("./tests/programs/sched_storm", directory)
    good = run([GORT, "exec", "-timeout", "120s", binary])
    expect(good, 0)
    for smp in ("1", "2"):
        path = os.path.join(directory, "mon" + smp)
        with subprocess.Popen([GORT, "exec", "-smp", smp, "-timeout", "180s", "-monitor", path,
                               "-option", "verbose", binary], cwd=ROOT, stdin=subprocess.DEVNULL,
                              stdout=subprocess.PIPE, stderr=subprocess.PIPE) as p:
            early = wait_for_line(p.stderr, b"program loaded")
            count = nmi_send(path, p)
            out, err = p.communicate()
        expect((p.returncode, out.decode(), (early + err).decode("utf-8", "backslashreplace")), 0,
               good[1], what=f"-smp {smp}:")
        if count < 100:
            raise Failed(f"only {count} NMIs were sent")


def wait_for_line(stream, text):
    seen = b""
    for line in stream:
        seen += line
        if text in line:
            return seen
    raise Failed(f"no {text!r} in {seen[-500:]!r}")


def test_unknown_option(directory):
    path = bundle(directory, app(directory), "--options", "nosuchoption=1")
    result = boot(path)
    expect(result, 0, stderr_has="nosuchoption")


if __name__ == "__main__":
    main([test_no_bundle, test_truncated_bundle, test_garbage_bundle, test_flipped_bits,
          test_bad_tree, test_not_elf, test_truncated_elf, test_flipped_elf, test_foreign_elf,
          test_wx_segment, test_overlapping_segments, test_kernel_address, test_wild_entry,
          test_other_gort,
          test_other_go, test_little_memory, test_limited_memory, test_bad_map, test_dead_cpu,
          test_nmis, test_unknown_option])
