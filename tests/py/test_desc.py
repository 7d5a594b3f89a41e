"""What a new CPU may do in which order, in the kernel's instructions as they were made."""
import os
import re
import subprocess
import unittest

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
KERNEL = os.path.join(ROOT, "build", "gort.elf")
MSR_GS_BASE = "0xc0000101"


def disassembly(*words):
    return subprocess.run(["objdump", "-d", "--no-show-raw-insn", *words, KERNEL], check=True,
                          capture_output=True, text=True).stdout.splitlines()


def instructions(function):
    """Name and operands of each, and of what it calls or ends in, in order."""
    for line in disassembly(f"--disassemble={function}"):
        m = re.match(r"\s*[0-9a-f]+:\s+(\S+)\s*(.*)", line)
        if not m:
            continue
        yield m[1], m[2]
        callee = re.search(r"<(\w+)>", m[2]) if m[1] in ("call", "jmp") else None
        if callee and callee[1] not in (function, "arch_die"):
            yield from instructions(callee[1])


class TestDesc(unittest.TestCase):
    def test_gs_before_handlers(self):
        """An NMI between `mov %gs`, which zeroes the base, and the write of GS base finds no CPU:
        until then the handlers of the loader's tables are there, which ask for none."""
        seen = []
        for name, operands in instructions("desc_load"):
            if name.startswith("mov") and operands.endswith(",%gs"):
                seen.append("selector")
            elif name.startswith("mov") and operands.startswith("$" + MSR_GS_BASE):
                seen.append("base")
            elif name == "wrmsr" and seen[-1:] == ["base"]:
                seen[-1] = "base written"
            elif name.startswith("lidt"):
                seen.append("handlers")
        self.assertEqual(seen, ["selector", "base written", "handlers"])

    def test_handlers_are_loaded_there_alone(self):
        """Whoever else loads a table of handlers would have to do the same; machine_exit's is
        empty, for a reset."""
        where, found = "", set()
        for line in disassembly():
            m = re.match(r"[0-9a-f]+ <(\S+)>:", line)
            where = m[1] if m else where
            if re.search(r"\slidt\s", line):
                found.add(where)
        self.assertEqual(found, {"idt_load", "machine_exit"})


if __name__ == "__main__":
    unittest.main()
