"""counted - instructions of a guest, counted by QEMU's translator (tests/bench/count/count.c), and
where they went.

The counts lie in a file that is mapped while the guest runs: a total per CPU, and how often each
block of code has run.
"""
import bisect
import collections
import os
import re
import struct
import subprocess

import elfsym
from common import ROOT, UserError
from machine import QEMU

SOURCE = os.path.join(ROOT, "tests", "bench", "count", "count.c")
TOTALS, BLOCKS, BLOCK = 64, 128 * 8, "<QQQ"    # count.c's struct file
OLD_PLUGINS = 9     # QEMU before that knows the first version of plugins only


def build(directory):
    """Returns the path of the plugin."""
    text = subprocess.run([QEMU, "--version"], capture_output=True, text=True).stdout
    m = re.search(r"version (\d+)", text)
    if not m:
        raise UserError(f"{QEMU} does not say its version")
    path = os.path.join(directory, "count.so")
    r = subprocess.run(["cc", "-O2", "-shared", "-fPIC", "-fvisibility=hidden",
                        f"-DPLUGIN_VERSION={1 if int(m[1]) < OLD_PLUGINS else 2}",
                        "-o", path, SOURCE])
    if r.returncode:
        raise UserError(f"{SOURCE} cannot be built")
    return path


def arguments(plugin, counts):
    """QEMU's. A nanosecond of the guest is an instruction; while it halts, its clock is ours."""
    return ["-icount", "shift=0,sleep=on", "-plugin", f"{plugin},out={counts}"]


def total(counts):
    """Instructions of all CPUs so far."""
    with open(counts, "rb") as f:
        return sum(struct.unpack(f"<{TOTALS}Q", f.read(TOTALS * 8)))


def read_blocks(counts):
    """({address: instructions}, {address: times}) so far, of blocks of code."""
    insns_of, runs_of = collections.Counter(), collections.Counter()
    with open(counts, "rb") as f:
        data = f.read(BLOCKS)
        (n,) = struct.unpack_from("<Q", data, TOTALS * 8)
        for pc, insns, runs in struct.iter_unpack(BLOCK, f.read(n * struct.calcsize(BLOCK))):
            insns_of[pc] += insns * runs
            runs_of[pc] += runs
    return insns_of, runs_of


class Symbols:
    """Functions of several programs in one address space."""

    def __init__(self, *paths):
        found = {}
        for path in paths:
            with open(path, "rb") as f:
                found.update(elfsym.functions(f.read()))
        self.starts = sorted(found)
        self.names = [found[a] for a in self.starts]
        self.entries = set(found)

    def name(self, pc):
        i = bisect.bisect_right(self.starts, pc) - 1
        return self.names[i] if i >= 0 else "?"


def profile(before, after, operations, symbols):
    """Lines: of an operation, instructions by function, most first, and how often it was entered (a
    loop that begins with the function's first instruction counts, too). before and after are what
    read_blocks returned."""
    by_name, entered = collections.Counter(), collections.Counter()
    for pc, n in after[0].items():
        by_name[symbols.name(pc)] += n - before[0][pc]
    for pc in symbols.entries & set(after[1]):
        entered[symbols.name(pc)] += after[1][pc] - before[1][pc]
    total = sum(by_name.values())
    yield f"{total / operations:10.1f} {'times':>8}  in all"
    for name, n in by_name.most_common(70):
        if n < total / 2000:
            break
        yield f"{n / operations:10.1f} {entered[name] / operations:8.2f}  {name}"
