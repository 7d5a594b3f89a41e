"""A machine that has a screen and no serial port: the test reads a program's output and its exit
status off the screen."""
import os
import re
import socket
import subprocess
import sys
import tempfile
import time
import unittest

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
sys.path.insert(0, os.path.join(ROOT, "scripts", "lib"))
from machine import QEMU, firmware_file  # noqa: E402

GORT = os.path.join(ROOT, "scripts", "gort")
CELL_W, CELL_H, SCALE, ROWS, COLS = 12, 18, 2, 7, 5     # drivers/fbcon.c
PROGRAM = """package main

import (
    "fmt"
    "os"
    "time"
)

func main() {
    fmt.Println("to stdout\\ttab, \\u00fc")
    fmt.Fprintln(os.Stderr, "to stderr")
    println("println")
    time.Sleep(time.Duration(len(os.Args)-1) * time.Hour)
    var m map[int]int
    m[1] = 2
}
"""


def glyphs():
    """{picture: character} from the kernel's own table."""
    with open(os.path.join(ROOT, "drivers", "fbcon.c"), encoding="utf-8") as f:
        table = re.findall(r'"([0-9A-V]{7})"', f.read())
    assert len(table) == 95
    return {text: chr(32 + n) for n, text in enumerate(table)}


def read_screen(ppm, names):
    """The lines of text on a picture (PPM, as QEMU's screendump writes it)."""
    magic, size, _, data = ppm.split(b"\n", 3)
    assert magic == b"P6"
    width, height = map(int, size.split())
    lines = []
    for top in range(0, height - CELL_H + 1, CELL_H):
        line = ""
        for left in range(0, width - CELL_W + 1, CELL_W):
            rows = ""
            for y in range(ROWS):
                at = 3 * ((top + y * SCALE) * width + left)
                bits = sum((data[at + 3 * x * SCALE] > 100) << (COLS - 1 - x) for x in range(COLS))
                rows += "0123456789ABCDEFGHIJKLMNOPQRSTUV"[bits]
            line += names.get(rows, "#")
        lines.append(line.rstrip())
    return "\n".join(lines)


class Screen(unittest.TestCase):
    def setUp(self):
        d = tempfile.TemporaryDirectory(prefix="gort-test-")
        self.addCleanup(d.cleanup)
        self.dir = d.name
        self.source = os.path.join(self.dir, "main.go")
        with open(self.source, "w", encoding="utf-8") as f:
            f.write(PROGRAM)

    def shows(self, args, wanted):
        """Boots an image until all texts are on the screen, or for two minutes."""
        image, monitor, dump = (os.path.join(self.dir, n) for n in ("a.img", "mon", "dump"))
        subprocess.run([GORT, "build", "-o", image, self.source, "--", *args], check=True)
        p = subprocess.Popen([QEMU, "-machine", "q35", "-cpu", "max", "-m", "512", "-bios",
                              firmware_file(), "-drive", f"format=raw,snapshot=on,file={image}",
                              "-vga", "std", "-display", "none", "-serial", "none", "-net", "none",
                              "-no-shutdown", "-monitor", f"unix:{monitor},server=on,wait=off"],
                             stdin=subprocess.DEVNULL)
        try:
            names, text, end = glyphs(), "", time.monotonic() + 120
            while not all(w in text for w in wanted) and time.monotonic() < end:
                time.sleep(2)
                text = self.picture(monitor, dump, names)
            for w in wanted:
                self.assertIn(w, text)
        finally:
            p.kill()
            p.wait()

    def picture(self, monitor, dump, names):
        with socket.socket(socket.AF_UNIX) as s:
            s.connect(monitor)
            s.sendall(f"screendump {dump}\n".encode())
            answer = b""
            while answer.count(b"(qemu)") < 2:
                answer += s.recv(4096)
        with open(dump, "rb") as f:
            return read_screen(f.read(), names)

    def test_output(self):
        # A picture may miss what came before the lines started again at the top; this is short.
        self.shows(["wait"], ["to stdout       tab, ?\n", "\nto stderr\n", "\nprintln\n"])

    def test_panic_and_status(self):
        self.shows([], ["panic: assignment to entry in nil map", "main.main()", "gort: exit 2"])


if __name__ == "__main__":
    unittest.main()
