"""gort debug: gdb stops in a Go function and shows its callers, and knows the kernel's names."""
import os
import re
import shutil
import subprocess
import tempfile
import unittest

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
COMMANDS = ["break main.grow", "continue", "continue", "bt", "print n", "info threads",
            "info symbol kernel_main", "whatis options", "kill"]
C_COMMANDS = ["break filter", "continue", "continue", "bt 3", "info locals", "kill"]


@unittest.skipUnless(shutil.which("gdb"), "no gdb here")
class Debug(unittest.TestCase):
    def debug(self, program, commands):
        """What gdb has said. It writes to a file, for the program writes to stdout meanwhile, at
        any place of gdb's lines."""
        with tempfile.TemporaryDirectory() as d:
            wrapper, said = os.path.join(d, "gdb"), os.path.join(d, "said")
            words = " ".join(f"-ex '{c}'" for c in commands)
            with open(wrapper, "w", encoding="utf-8") as f:
                f.write(f"#!/bin/sh\nexec gdb -nx -batch \"$@\" {words} >{said} 2>&1\n")
            os.chmod(wrapper, 0o755)
            r = subprocess.run([os.path.join(ROOT, "scripts", "gort"), "debug", "-timeout", "200",
                                program], cwd=ROOT, text=True,
                               capture_output=True, env=dict(os.environ, GDB=wrapper),
                               stdin=subprocess.DEVNULL, timeout=300)
            with open(said, encoding="utf-8") as f:
                return f.read() + r.stderr

    def test_backtrace(self):
        text = self.debug("./tests/programs/sched_storm", COMMANDS)
        self.assertRegex(text, r"hit Breakpoint 1, main\.main \(\) at \S*/sched_storm/main\.go:")
        self.assertRegex(text, r"hit Breakpoint 2, main\.grow \(n=\d+, .*\) at \S*main\.go:")
        trace = re.search(r"^#0 .*?^#[2-4] .*?runtime\.goexit", text, re.M | re.S)
        self.assertTrue(trace, text[-3000:])
        self.assertRegex(trace[0], r"(?s)#0 +main\.grow.*main\.work .*main\.go:.*"
                                   r"#\d .*main\.main\.func1")
        self.assertRegex(text, r"kernel_main in section \.text of \S*gort\.elf")
        self.assertIn("type = boot_options", text)
        self.assertRegex(text, r"CPU#1 \[")

    def test_c(self):
        text = self.debug("./apps/c-pipeline", C_COMMANDS)
        self.assertRegex(text, r"hit Breakpoint 1, main \(.*\) at \S*/c-pipeline/\S*\.c:")
        self.assertRegex(text, r"hit Breakpoint 2, filter \(.*\) at \S*/c-pipeline/\S*\.c:")


if __name__ == "__main__":
    unittest.main()
