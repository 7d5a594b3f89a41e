#!/usr/bin/env python3
"""A machine that is stopped and continued from QEMU's monitor: its clock goes on and never back,
and all sleepers wake."""
import os
import socket
import subprocess
import tempfile
import time
import unittest

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
GORT = os.path.join(ROOT, "scripts", "gort")


class Paused(unittest.TestCase):
    def test_stop_and_continue(self):
        with tempfile.TemporaryDirectory() as tmp:
            elf, path = os.path.join(tmp, "paused.elf"), os.path.join(tmp, "monitor")
            subprocess.run([GORT, "build", "-o", elf, "./tests/py/guests/paused"], cwd=ROOT,
                           check=True)
            for smp in ("1", "2", "4"):
                with self.subTest(smp=smp):
                    self.stop_and_continue(elf, path, smp)

    def stop_and_continue(self, elf, path, smp):
        p = subprocess.Popen([GORT, "exec", "-smp", smp, "-timeout", "120s", "-monitor", path,
                              elf], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                             stderr=subprocess.PIPE, text=True)
        first = p.stdout.readline()
        if first != "ready\n":
            self.fail(f"{first!r}, then {p.communicate(timeout=150)}, status {p.returncode}")
        with socket.socket(socket.AF_UNIX) as monitor:
            monitor.connect(path)
            for seconds in (0.5, 0.05, 1.5):
                time.sleep(0.3)
                monitor.sendall(b"stop\n")
                time.sleep(seconds)
                monitor.sendall(b"cont\n")
            out, err = p.communicate(timeout=150)
        self.assertEqual((p.returncode, out), (0, "steps back: 0\n"), err)

    def test_the_date(self):
        """The date goes on while the machine stands still (its own time does not)."""
        with tempfile.TemporaryDirectory() as tmp:
            path = os.path.join(tmp, "monitor")
            p = subprocess.Popen([GORT, "run", "-fw", "pvh", "-accel", "tcg", "-timeout", "120s",
                                  "-monitor", path, "./tests/py/guests/wall"], cwd=ROOT,
                                 stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                                 stderr=subprocess.PIPE, text=True)
            first, begin = p.stdout.readline(), time.time()
            if not first.strip().isdigit():
                self.fail(f"{first!r}, then {p.communicate(timeout=150)}")
            with socket.socket(socket.AF_UNIX) as monitor:
                monitor.connect(path)
                time.sleep(1)
                monitor.sendall(b"stop\n")
                time.sleep(7)
                monitor.sendall(b"cont\n")
                second, end = p.stdout.readline(), time.time()
                p.communicate(timeout=150)
        passed = (int(second) - int(first)) / 1000
        # 7 s would be missing; a busy host may be late to read the lines
        self.assertLess(abs(passed - (end - begin)), 5, f"{passed} s by the guest's date")


if __name__ == "__main__":
    unittest.main()
