"""bench - rows, guests and the table of scripts/bench.

A program prints "BENCH-START ...", a line "BENCH row value unit" per figure, and "BENCH-END d"
where d is the time that has passed by the program's own clock.
"""
import os
import re
import statistics
import subprocess
import tempfile
import threading
import time

import gobuild
from common import KERNEL, ROOT, UserError
from machine import Config, Machine

# Rows by target, with the limit for gort's figure as a multiple of Linux'.
GC = {"alloc_8": 1, "alloc_64": 1, "alloc_64_ptr": 1, "alloc_1k": 0.5, "alloc_64k": 0.5,
      "append_grow": 1, "string_concat_100": 1, "iface_convert": 1, "strings_builder": 1,
      "binary_trees_14": 1, "parallel_alloc": 1, "map_assign_lookup": 1, "defer_recover": 1,
      "stack_grow_10000x256": 1, "gc_cycles": None, "gc_pause_p50": 1, "gc_pause_max": 1 / 3,
      "gc_alloc_rate": 1, "gc_full_1M_objects": 1, "bytes_per_parked_g": 1,
      "stackinuse_per_g": 1, "gc_with_100k_g": 1}
SCHED = {"go_spawn_join": 0.5, "chan_pingpong": 0.5, "chan_uncontended": 1,
         "chan_buffered_2p": 1, "select4": 1, "mutex_contended": 1, "gosched": 0.5,
         "sleep1ms_late_p50": 1, "sleep1ms_late_p99": 1, "sleep1ms_late_loaded_p50": 1 / 50,
         "sleep1ms_late_loaded_p99": 1 / 50, "spawn_100k_parked": 0.5}
OTHER = {"cpu_loop": None, "json_roundtrip": 1, "sprintf": 1}
# The speed-up has a goal of its own, not relative to Linux.
SPEEDUP = {"speedup_compute": None, "speedup_trees": None, "speedup_maps": None}
ALL = {**OTHER, **GC, **SCHED, **SPEEDUP}
# The argument of tests/bench/main.go for a part that prints several rows.
PART = {"gc_cycles": "gc_pause", "gc_pause_p50": "gc_pause", "gc_pause_max": "gc_pause",
        "gc_alloc_rate": "gc_pause", "gc_full_1M_objects": "gc_pause",
        "sleep1ms_late_p50": "timer", "sleep1ms_late_p99": "timer",
        "sleep1ms_late_loaded_p50": "timer", "sleep1ms_late_loaded_p99": "timer",
        "spawn_100k_parked": "goroutines", "bytes_per_parked_g": "goroutines",
        "stackinuse_per_g": "goroutines", "gc_with_100k_g": "goroutines"}
MORE_IS_BETTER = ("MB/s", "x")
TARGETS = {"gc": GC, "sched": {**SCHED, **SPEEDUP}, "all": ALL}
PROGRAMS = {"bench": "./tests/bench", "speedup": "./tests/bench/speedup"}

CLOCK_PERCENT, CLOCK_SECONDS = 0.5, 0.1     # the clocks differ if by more than both
TIMEOUT = 600
LINE = re.compile(r"BENCH (\S+) ([\d.e+-]+|NaN) (\S+)$")
DURATION = re.compile(r"([\d.]+)(ms|µs|ns|h|m|s)")
UNITS = {"h": 3600, "m": 60, "s": 1, "ms": 1e-3, "µs": 1e-6, "ns": 1e-9}


def choose(words):
    """Target and row names as a list of rows, in the order of the program."""
    chosen = set()
    for w in words or ["all"]:
        if w not in TARGETS and w not in ALL:
            raise UserError(f"{w} is neither a row nor gc, sched or all: scripts/bench -h")
        chosen.update(TARGETS.get(w, [w]))
    return [row for row in ALL if row in chosen]


def jobs(rows, each):
    """Boots of a round: [(program, arguments)]. each: one per part of the program."""
    parts = {"bench": [], "speedup": []}
    for row in rows:
        program = "speedup" if row in SPEEDUP else "bench"
        part = PART.get(row, row)
        if part not in parts[program]:
            parts[program].append(part)
    if each:
        return [(program, [part]) for program, names in parts.items() for part in names]
    return [(program, names) for program, names in parts.items() if names]


def seconds(text):
    """Parses a duration as time.Duration prints it."""
    found = DURATION.findall(text)
    if not found or "".join(n + u for n, u in found) != text:
        raise ValueError(f"{text!r} is no duration")
    return sum(float(n) * UNITS[u] for n, u in found)


class Output:
    """The lines of one boot, as they come: `rows` {name: (value, unit)}, the two clocks."""

    def __init__(self):
        self.rows, self.began, self.host, self.guest = {}, None, None, None

    def line(self, text, now):
        text = text.strip()
        m = LINE.match(text)
        if m:
            self.rows[m[1]] = (float(m[2]), m[3])
        elif text.startswith("BENCH-START"):
            self.began = now
        elif text.startswith("BENCH-END ") and self.began is not None:
            self.host, self.guest = now - self.began, seconds(text.split()[1])

    def clock_error(self):
        """Guest against host in percent; None if the program did not reach its end."""
        return None if self.host is None else 100 * (self.guest - self.host) / self.host

    def clock_is_wrong(self):
        return (abs(self.clock_error()) > CLOCK_PERCENT and
                abs(self.guest - self.host) > CLOCK_SECONDS)


class Guest:
    """One of the two systems: a kernel with all that it needs to run a program."""

    def __init__(self, name, kernel, cmdline, directory, timeout=TIMEOUT, files=()):
        self.name, self.kernel, self.cmdline, self.directory = name, kernel, cmdline, directory
        self.binaries, self.init, self.clock = {}, None, []
        self.timeout, self.files = timeout, files   # files: GUEST=HOST, more for the bundle

    def bundle(self, program, args):
        """Both guests unpack the same archive; on Linux /init starts the program."""
        path = os.path.join(self.directory, "bundle")
        c = [os.path.join(ROOT, "scripts", "mkbundle"), "-o", path]
        binary = self.binaries[program]
        c += ["--init", self.init, "--file", f"program={binary}"] if self.init else \
             ["--init", binary]
        with open(path + ".files", "w", encoding="utf-8", errors="surrogateescape") as f:
            f.write("".join(name + "\0" for name in self.files))
        c += ["--files", path + ".files", "--mkdir", "/tmp"]
        if subprocess.run(c + ["--args", program, *args]).returncode:
            raise UserError("making the bundle failed")
        return path

    def boot(self, program, args, smp, mem_mib, icount=False):
        """Runs the program to its end; returns its Output."""
        more = {"accel": "tcg", "extra": ["-icount", "shift=0,sleep=off"]} if icount else {}
        config = Config(smp=smp, mem_mib=mem_mib, kernel=self.kernel, cmdline=self.cmdline,
                        bundle=self.bundle(program, args), timeout=self.timeout,
                        app=self.binaries[program], **more)
        output, (out, into) = Output(), os.pipe()
        with tempfile.TemporaryFile() as messages:
            reader = threading.Thread(target=read_lines, args=(out, output))
            reader.start()
            status = Machine(config, None, into, messages.fileno()).run()
            os.close(into)
            reader.join()
            messages.seek(0)
            text = messages.read().decode("utf-8", "backslashreplace")
        if status != 0 or output.host is None:
            raise UserError(f"{self.name}: {program} {' '.join(args)}: status {status}\n" +
                            "\n".join(text.splitlines()[-20:]))
        if icount:      # guests' time is their own
            return output
        self.clock.append(output.clock_error())
        if output.clock_is_wrong():
            raise UserError(f"{self.name}: the guest measured {output.guest:.3f} s while "
                            f"{output.host:.3f} s passed: its clock is wrong")
        return output


def read_lines(fd, output):
    with os.fdopen(fd, encoding="utf-8", errors="backslashreplace") as f:
        for text in f:
            output.line(text, time.monotonic())


def build_linux(go, package, path):
    """The stock build: static, no overlay."""
    r = subprocess.run(["go", "build", "-o", path, package], env=go.env, cwd=ROOT)
    if r.returncode:
        raise UserError(f"go build {package} failed")


def guests(directory, vmlinuz):
    """gort and Linux, with the programs built for both."""
    go = gobuild.Go(cwd=ROOT)
    gort = Guest("gort", KERNEL, "", directory)
    linux = Guest("Linux", vmlinuz, "console=ttyS1 quiet", directory)
    for name, package in PROGRAMS.items():
        gort.binaries[name] = os.path.join(directory, name + ".gort")
        linux.binaries[name] = os.path.join(directory, name + ".linux")
        gobuild.build(go, [package], gort.binaries[name], [])
        build_linux(go, package, linux.binaries[name])
    linux.init = os.path.join(directory, "linuxinit")
    build_linux(go, "./tests/bench/linuxinit", linux.init)
    return [linux, gort]


# ---- the table ----------------------------------------------------------------------------
def number(v):
    return f"{v:,.0f}" if v >= 1000 else f"{v:.1f}" if v >= 10 else f"{v:.2f}"


def cell(values):
    return f"{number(statistics.median(values))} ({number(min(values))}..{number(max(values))})"


def ratio(linux, gort, unit):
    """The ratio of gort's figure to Linux': below 1, gort is better. None: one of them is
    missing."""
    a, b = statistics.median(linux), statistics.median(gort)
    if unit in MORE_IS_BETTER:
        a, b = b, a
    return b / a if a else None


def table(rows, samples, units):
    """Lines. samples: {guest: {row: [values]}}."""
    yield f"{'row':26} {'unit':7} {'Linux':>32} {'gort':>32} {'ratio':>6}  goal"
    for row in rows:
        linux, gort = samples["Linux"].get(row), samples["gort"].get(row)
        if not linux or not gort:
            continue
        r, goal = ratio(linux, gort, units[row]), ALL[row]
        text = "" if goal is None or r is None else \
            f"{goal:.2f}" + (" missed" if r > goal else "")
        shown = "-" if r is None else f"{r:.2f}"
        yield (f"{row:26} {units[row]:7} {cell(linux):>32} {cell(gort):>32} {shown:>6}  "
               f"{text}").rstrip()
