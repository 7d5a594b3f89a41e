"""mkimage: the disk's tables and file system as other tools see them, the sections of an .efi,
reproducibility, errors. That they boot is test_loader.py's business."""
import os
import shutil
import struct
import subprocess
import tempfile
import unittest
import zlib

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
TOOL = os.path.join(ROOT, "scripts", "mkimage")
SECTOR = 512


def small_elf(size=3000):
    """One segment that ends 1000 bytes before the file does, and a section table."""
    h = bytearray(size)
    h[:7] = b"\x7fELF\2\1\1"
    struct.pack_into("<HHIQQQIHHHHHH", h, 16, 2, 62, 1, 0, 64, size - 64, 0, 64, 56, 1, 64, 1, 0)
    struct.pack_into("<IIQQQQQQ", h, 64, 1, 5, 0, 0, 0, size - 1000, size - 1000, 4096)
    return bytes(h)


class MkImage(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        subprocess.run(["make", "-s", "build/BOOTX64.EFI"], cwd=ROOT, check=True)
        cls.loader = os.path.join(ROOT, "build", "BOOTX64.EFI")

    def setUp(self):
        self.dir = tempfile.mkdtemp()
        self.addCleanup(shutil.rmtree, self.dir)
        self.kernel = self.write("kernel", small_elf())
        self.data = b"070701" + os.urandom(100000)
        self.bundle = self.write("bundle", self.data)

    def path(self, name):
        return os.path.join(self.dir, name)

    def write(self, name, data):
        with open(self.path(name), "wb") as f:
            f.write(data)
        return self.path(name)

    def run_tool(self, name, **change):
        given = {"loader": self.loader, "kernel": self.kernel, "bundle": self.bundle,
                 "cmdline": "a b", **change}
        args = [x for k, v in given.items() if v for x in (f"--{k}", v)]
        return subprocess.run([TOOL, "-o", self.path(name), *args], capture_output=True, text=True)

    def image(self, name, **change):
        r = self.run_tool(name, **change)
        self.assertEqual((r.returncode, r.stderr), (0, ""))
        with open(self.path(name), "rb") as f:
            return f.read()

    def check_header(self, disk, at, other):
        head = bytearray(disk[at * SECTOR:at * SECTOR + 92])
        self.assertEqual(head[:8], b"EFI PART")
        crc, here, back = *struct.unpack_from("<I", head, 16), *struct.unpack_from("<QQ", head, 24)
        head[16:20] = bytes(4)
        self.assertEqual((crc, here, back), (zlib.crc32(head), at, other))
        table, n, size, table_crc = struct.unpack_from("<QIII", head, 72)
        entries = disk[table * SECTOR:table * SECTOR + n * size]
        self.assertEqual(zlib.crc32(entries), table_crc)
        return entries

    def test_gpt(self):
        disk = self.image("x.img")
        last = len(disk) // SECTOR - 1
        self.assertEqual(len(disk) % (1 << 20), 0)
        self.assertEqual((disk[446 + 4], disk[510:512]), (0xee, b"\x55\xaa"))
        self.assertEqual(struct.unpack_from("<II", disk, 446 + 8), (1, last))
        self.assertEqual(self.check_header(disk, 1, last), self.check_header(disk, last, 1))

    @unittest.skipUnless(shutil.which("sgdisk"), "no sgdisk here")
    def test_sgdisk(self):
        self.image("x.img")
        r = subprocess.run(["sgdisk", "-v", self.path("x.img")], capture_output=True, text=True)
        self.assertIn("No problems found", r.stdout)

    def volume(self, disk):
        first, last = struct.unpack_from("<QQ", disk, 2 * SECTOR + 32)
        return self.write("fat", disk[first * SECTOR:(last + 1) * SECTOR])

    @unittest.skipUnless(shutil.which("fsck.fat") and shutil.which("mcopy"), "no FAT tools here")
    def test_fat(self):
        fat = self.volume(self.image("x.img"))
        r = subprocess.run(["fsck.fat", "-n", fat], capture_output=True, text=True)
        self.assertEqual(r.returncode, 0, r.stdout)
        with open(self.loader, "rb") as f:
            loader = f.read()
        kernel = small_elf()[:2000]
        kernel = kernel[:40] + bytes(8) + kernel[48:60] + bytes(4) + kernel[64:]
        sums = f"kernel 2000 {zlib.crc32(kernel):08x}\nbundle {len(self.data)} -\n".encode()
        for name, want in (("EFI/BOOT/BOOTX64.EFI", loader), ("gort/gort.elf", kernel),
                           ("gort/bundle.cpio", self.data), ("gort/cmdline", b"a b"),
                           ("gort/sums", sums)):
            r = subprocess.run(["mcopy", "-i", fat, f"::{name}", "-"], capture_output=True)
            self.assertEqual(r.stdout, want, name)

    @unittest.skipUnless(shutil.which("fsck.fat"), "no FAT tools here")
    def test_large(self):
        """Larger clusters."""
        with open(self.bundle, "r+b") as f:
            f.truncate(150 << 20)
        fat = self.volume(self.image("x.img"))
        r = subprocess.run(["fsck.fat", "-n", fat], capture_output=True, text=True)
        self.assertEqual(r.returncode, 0, r.stdout)

    def test_efi(self):
        pe = self.image("x.efi")
        at = struct.unpack_from("<I", pe, 0x3c)[0]
        count, optsize = (struct.unpack_from("<H", pe, at + k)[0] for k in (6, 20))
        found, end = {}, 0
        for i in range(count):
            s = at + 24 + optsize + 40 * i
            name = pe[s:s + 8].rstrip(b"\0").decode()
            vsize, va, raw, ptr = struct.unpack_from("<IIII", pe, s + 8)
            self.assertGreaterEqual(va, end)
            self.assertEqual(va % 4096, 0)
            self.assertLessEqual(ptr + raw, len(pe))
            found[name], end = pe[ptr:ptr + vsize], va + vsize
        self.assertEqual(found[".gbundle"], self.data)
        self.assertEqual(found[".gcmdln"], b"a b")
        self.assertEqual(len(found[".gkernel"]), 2000)
        self.assertEqual(struct.unpack_from("<I", pe, at + 24 + 56)[0], -(-end // 4096) * 4096)

    def test_reproducible(self):
        for name in ("x.img", "x.efi"):
            self.assertEqual(self.image(name), self.image(name))

    def test_errors(self):
        none, text = self.path("none"), self.write("text", b"some text")
        cut = self.write("cut", small_elf()[:1500])
        for name, change, message in (
                ("x.iso", {}, "must end in .efi or .img"),
                ("x.img", {"kernel": none}, "No such file"),
                ("x.img", {"kernel": text}, "is not an ELF file"),
                ("x.img", {"kernel": cut}, "is cut off: its segments end at 2000"),
                ("x.efi", {"bundle": text}, "is not a bundle"),
                ("x.efi", {"loader": text}, "the loader is not an EFI application"),
                ("x.img", {"loader": None}, "are needed"),
                ("x.img", {"efi": text}, "--efi stands alone"),
                ("x.img", {"cmdline": "w" * 4096}, "longer than 4095")):
            r = self.run_tool(name, **change)
            self.assertEqual(r.returncode, 1, message)
            self.assertIn(message, r.stderr)
            self.assertTrue(r.stderr.startswith("mkimage: ") and r.stderr.count("\n") == 1)


if __name__ == "__main__":
    unittest.main()
