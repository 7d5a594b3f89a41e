"""uefi - through the firmware: gort run, an .efi and an .img, at several numbers of CPUs."""
import os
import shutil
import subprocess
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "lib"))
from boot import GORT, QEMU, Failed, expect, main, run  # noqa: E402

PROGRAM = "./tests/programs/base_files"
FILES = [("/work/poem.txt", "testdata/poem.txt"),
         ("/work/tree/numbers.txt", "testdata/numbers.txt"),
         ("/work/tree/sub/empty", "testdata/empty")]
ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))


def file_flags():
    flags = ["-cwd", "/work"]
    for guest, host in FILES:
        flags += ["-file", f"{guest}={os.path.join(ROOT, PROGRAM, host)}"]
    return flags


def on_linux(directory):
    work = os.path.join(directory, "linux")
    if not os.path.exists(work):
        for guest, host in FILES:
            target = os.path.join(work, os.path.relpath(guest, "/work"))
            os.makedirs(os.path.dirname(target), exist_ok=True)
            shutil.copy(os.path.join(ROOT, PROGRAM, host), target)
        subprocess.run(["go", "build", "-o", os.path.join(directory, "native"), PROGRAM],
                       cwd=ROOT, check=True)
    return subprocess.run([os.path.join(directory, "native")], cwd=work, capture_output=True,
                          text=True, check=True).stdout


def build(directory, suffix):
    out = os.path.join(directory, "files" + suffix)
    expect(run([GORT, "build", "-o", out, *file_flags(), PROGRAM]), 0, what="gort build")
    return out


def boot_image(image, smp, *more):
    return run([QEMU, "-image", image, "-smp", str(smp), "-timeout", "120s", *more])


def test_run(directory):
    r = run([GORT, "run", "-fw", "uefi", "-timeout", "120s", *file_flags(), PROGRAM])
    expect(r, 0, on_linux(directory))


def test_run_status(directory):
    del directory
    expect(run([GORT, "run", "-smp", "1", "-timeout", "120s", "./tests/programs/base_exit3"]), 3,
           "leaving\n")


def test_img(directory):
    image = build(directory, ".img")
    for smp in (1, 4):
        expect(boot_image(image, smp), 0, on_linux(directory), what=f"-smp {smp}")


def test_efi(directory):
    """The single .efi file, as BOOTX64.EFI on an otherwise empty disk."""
    efi = build(directory, ".efi")
    esp = os.path.join(directory, "esp")
    os.makedirs(os.path.join(esp, "EFI", "BOOT"), exist_ok=True)
    shutil.copy(efi, os.path.join(esp, "EFI", "BOOT", "BOOTX64.EFI"))
    expect(boot_image(f"fat:{esp}", 2), 0, on_linux(directory))


def test_c(directory):
    """A program in C, as a disk and as one file."""
    first = "2\n3\n5\n7\n11\n"
    expect(run([GORT, "run", "-fw", "uefi", "-timeout", "120s", "apps/c-pipeline", "5"]), 0, first)
    image = os.path.join(directory, "c.img")
    expect(run([GORT, "build", "-o", image, "apps/c-pipeline"]), 0, what="gort build")
    status, out, err = boot_image(image, 2)
    if status or not out.startswith(first):
        raise Failed(f"status {status}: {out[:200]}{err[-500:]}")
    esp = os.path.join(directory, "cesp", "EFI", "BOOT")
    os.makedirs(esp, exist_ok=True)
    expect(run([GORT, "build", "-o", os.path.join(esp, "BOOTX64.EFI.efi"), "apps/c-pipeline"]), 0,
           what="gort build")
    os.rename(os.path.join(esp, "BOOTX64.EFI.efi"), os.path.join(esp, "BOOTX64.EFI"))
    status, out, err = boot_image("fat:" + os.path.join(directory, "cesp"), 2)
    if status or not out.startswith(first):
        raise Failed(f"status {status}: {out[:200]}{err[-500:]}")


def test_partition_table(directory):
    """The disk, as firmware and other tools read it."""
    image = build(directory, ".img")
    if not shutil.which("sgdisk"):
        raise Failed("sgdisk is not installed: run scripts/setup test")
    status, out, err = run(["sgdisk", "-v", image])
    if status or "No problems found" not in out:
        raise Failed(out + err)
    expect(run(["sgdisk", "-p", image]), 0)
    if "EF00" not in run(["sgdisk", "-p", image])[1]:
        raise Failed("no EFI system partition")


def test_reproducible(directory):
    first = build(directory, ".img")
    with open(first, "rb") as f:
        before = f.read()
    with open(build(directory, ".img"), "rb") as f:
        if f.read() != before:
            raise Failed("two builds of one program differ")


if __name__ == "__main__":
    main([test_run, test_run_status, test_img, test_efi, test_c, test_partition_table,
          test_reproducible])
