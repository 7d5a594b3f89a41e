"""The UEFI loader under OVMF, with a kernel that prints its boot_info: from a disk,
a USB stick and one .efi; a stale memory map; damaged files, each with its one line."""
import importlib.machinery
import importlib.util
import os
import re
import shutil
import subprocess
import sys
import tempfile
import time
import unittest

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
LOADER = os.path.join(ROOT, "build", "BOOTX64.EFI")
KERNEL = os.path.join(ROOT, "build", "tests", "bootinfo.elf")


def load(name):
    source = importlib.machinery.SourceFileLoader(name, os.path.join(ROOT, "scripts", name))
    module = importlib.util.module_from_spec(importlib.util.spec_from_loader(name, source))
    source.exec_module(module)
    return module


mkimage = load("mkimage")


def read(path):
    with open(path, "rb") as f:
        return f.read()


class Loader(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        subprocess.run(["make", "-s", "build/BOOTX64.EFI", "build/tests/bootinfo.elf"], cwd=ROOT,
                       check=True)
        cls.dir = tempfile.mkdtemp()
        cls.addClassCleanup(shutil.rmtree, cls.dir)
        cls.bundle = os.path.join(cls.dir, "bundle")
        subprocess.run([os.path.join(ROOT, "scripts", "mkbundle"), "-o", cls.bundle, "--init",
                        KERNEL, "--file", f"big={sys.executable}"], check=True)

    def path(self, name):
        return os.path.join(self.dir, name)

    def mkimage(self, name, cmdline=""):
        subprocess.run([os.path.join(ROOT, "scripts", "mkimage"), "-o", self.path(name),
                        "--loader", LOADER, "--kernel", KERNEL, "--bundle", self.bundle,
                        "--cmdline", cmdline], check=True)
        return self.path(name)

    def boot(self, image, *extra, timeout="60s"):
        c = [os.path.join(ROOT, "scripts", "qemu"), "-image", image, "-timeout", timeout,
             "-m", "256M", "--", *extra]
        r = subprocess.run(c, stdin=subprocess.DEVNULL, capture_output=True, text=True,
                           errors="replace")
        return r

    def check_boot(self, image, *extra):
        r = self.boot(image, *extra)
        self.assertEqual((r.returncode, r.stdout), (7, "hello from the test kernel\n"), r.stderr)
        self.assertTrue(r.stderr.startswith("bootinfo: bad 0x0 source 0x1\n"), r.stderr)
        self.assertNotIn("rsdp 0x0", r.stderr)
        self.assertIn(f"+ {os.path.getsize(self.bundle):#x}\nkernel", r.stderr)
        wall = int(re.search(r"wall (0x\w+)", r.stderr)[1], 16)
        self.assertLess(abs(wall - time.time()), 120)
        return r.stderr

    def test_img(self):
        err = self.check_boot(self.mkimage("a.img", "verbose seed=7"), "-device", "virtio-rng-pci")
        self.assertIn("command line verbose seed=7\n", err)
        self.assertIn("seed bytes 0x20", err)
        self.assertNotIn("framebuffer 0x0", err)

    def test_usb_stick(self):
        empty = self.path("empty.raw")
        with open(empty, "wb") as f:
            f.truncate(1 << 20)
        self.check_boot(empty, "-device", "qemu-xhci", "-device", "usb-storage,drive=stick",
                        "-drive", f"if=none,id=stick,format=raw,file={self.mkimage('u.img')}")

    def one_file(self, efi):
        out = self.path("one.img")
        mkimage.write_img(out, efi, {})
        return out

    def test_efi(self):
        err = self.check_boot(self.one_file(read(self.mkimage("a.efi", "words in it"))))
        self.assertIn("command line words in it\n", err)

    def test_stale_key_and_fragments(self):
        plain = self.check_boot(self.mkimage("b.img"))
        err = self.check_boot(self.mkimage("c.img", "stalekey fragmap"))

        def ranges(text):
            return int(re.search(r"ranges (0x\w+)", text)[1], 16)
        self.assertGreater(ranges(err), ranges(plain) + 200)

    def test_5_level_paging(self):
        self.check_boot(self.mkimage("l.img", "la57"))

    def test_damage(self):
        kernel, bundle = mkimage.loadable(read(KERNEL), KERNEL), read(self.bundle)
        sums = mkimage.sums(kernel, bundle)
        flipped = bytearray(kernel)
        flipped[len(kernel) // 2] ^= 16
        both = bytearray(kernel)
        both[64 + 4] |= 7       # program header 0: RWX
        good = {"gort.elf": kernel, "bundle.cpio": bundle, "sums": sums}
        for change, message in (
                ({"gort.elf": None},
                 r"no kernel: there is no \\gort\\gort.elf beside this loader, and none inside .*"),
                ({"gort.elf": kernel[:-9]}, r"the kernel is cut off: it has \d+ bytes, should .*"),
                ({"gort.elf": bytes(flipped)}, r"the kernel is damaged: its CRC-32 is \w+, .*"),
                ({"gort.elf": kernel[:-9], "sums": None},
                 r"kernel: file truncated: segment \d ends at \d+, file has \d+ bytes"),
                ({"gort.elf": bytes(both), "sums": None},
                 r"kernel: segment 0 is writable and executable"),
                ({"bundle.cpio": bundle[:5000]}, r"the bundle is cut off: it has 5000 bytes, .*"),
                ({"bundle.cpio": b"0707x1" + bundle[6:]},
                 r"bundle: no newc cpio header at offset 0 of \d+")):
            mkimage.write_img(self.path("bad.img"), read(LOADER), {**good, **change})
            r = self.boot(self.path("bad.img"))
            self.assertEqual((r.returncode, r.stdout), (1, ""), r.stderr)
            self.assertRegex(r.stderr, r"\Agort: " + message + r"\n\Z")

    def test_damaged_efi(self):
        efi = bytearray(read(self.mkimage("d.efi")))
        efi[efi.index(b"hello from the test kernel")] ^= 1
        r = self.boot(self.one_file(bytes(efi)))
        self.assertEqual((r.returncode, r.stdout), (1, ""), r.stderr)
        self.assertRegex(r.stderr, r"\Agort: the kernel is damaged: its CRC-32 is .*\n\Z")

    def test_cut_efi(self):
        """The firmware itself refuses the file."""
        efi = read(self.mkimage("e.efi"))
        r = self.boot(self.one_file(efi[:len(efi) // 2]))
        self.assertNotIn(r.returncode, (0, 7, 124))
        self.assertEqual((r.stdout, r.stderr), ("", "gort: the firmware did not start the image: "
                                                "it is damaged, or none of gort's\n"))


if __name__ == "__main__":
    unittest.main()
