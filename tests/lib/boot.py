"""boot - shared by the script tests (uefi.py, badinput.py): runs gort and reports how."""
import os
import socket
import subprocess
import sys
import tempfile

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
GORT = os.path.join(ROOT, "scripts", "gort")
QEMU = os.path.join(ROOT, "scripts", "qemu")
MKBUNDLE = os.path.join(ROOT, "scripts", "mkbundle")
MKIMAGE = os.path.join(ROOT, "scripts", "mkimage")
KERNEL = os.path.join(ROOT, "build", "gort.elf")
LOADER = os.path.join(ROOT, "build", "BOOTX64.EFI")


class Failed(Exception):
    pass


def run(command, stdin=b"", timeout=300):
    """Returns (status, stdout, stderr) as text."""
    try:
        r = subprocess.run(command, input=stdin, capture_output=True, cwd=ROOT, timeout=timeout)
    except subprocess.TimeoutExpired:
        raise Failed(f"{' '.join(command[:3])} ... does not end within {timeout} s") from None
    return (r.returncode, r.stdout.decode("utf-8", "backslashreplace"),
            r.stderr.decode("utf-8", "backslashreplace"))


def expect(result, status=None, stdout=None, stderr_has=(), what=""):
    """status: a number, or a set of them."""
    got, out, err = result
    wanted = status if isinstance(status, (set, frozenset)) else {status}
    if status is not None and got not in wanted:
        raise Failed(f"{what} status {got}, expected {sorted(wanted)}; stderr: {err[-600:]!r}")
    if stdout is not None and out != stdout:
        raise Failed(f"{what} stdout {out[-400:]!r}, expected {stdout[-400:]!r}")
    for text in [stderr_has] if isinstance(stderr_has, str) else stderr_has:
        if text not in err:
            raise Failed(f"{what} stderr lacks {text!r}: {err[-600:]!r}")


def program(package, directory, command="build"):
    """Builds a package through gort; returns the binary."""
    out = os.path.join(directory, os.path.basename(package) + ".elf")
    expect(run([GORT, command, "-o", out, package]), 0, what=f"gort build {package}")
    return out


def nmi_send(path, process):
    """Sends NMIs to all CPUs until the machine has ended; returns how many."""
    count = 0
    with socket.socket(socket.AF_UNIX) as s:
        s.connect(path)
        try:
            while process.poll() is None:
                s.sendall(b"nmi\n")
                if not s.recv(4096):
                    break
                count += 1
        except OSError:
            pass
    return count


def monitor_send(path, command):
    """Sends one command to QEMU's monitor and waits for its prompt."""
    with socket.socket(socket.AF_UNIX) as s:
        s.connect(path)
        answer = b""
        while answer.count(b"(qemu) ") < 1:
            answer += s.recv(4096)
        s.sendall(command.encode() + b"\n")
        s.settimeout(10)
        answer = b""
        try:
            while b"(qemu) " not in answer:
                data = s.recv(4096)
                if not data:
                    break
                answer += data
        except OSError:
            pass
        return answer.decode("utf-8", "backslashreplace")


def main(tests, slow=()):
    """Runs the functions in order; prints `ok NAME` or `FAIL NAME: why`. Arguments are names of
    tests, or the word slow, which adds the second list."""
    failed, names = 0, [a for a in sys.argv[1:] if a != "slow"]
    if len(sys.argv) > 1:
        tests = [*tests, *slow]
    with tempfile.TemporaryDirectory(prefix="gort-test-") as directory:
        for test in tests:
            name = test.__name__.removeprefix("test_")
            if names and name not in names:
                continue
            try:
                test(directory)
                print(f"ok {name}", flush=True)
            except Failed as e:
                failed += 1
                print(f"FAIL {name}: {' '.join(str(e).split())}", flush=True)
            except Exception as e:      # a broken test is a failed test
                failed += 1
                print(f"FAIL {name}: {type(e).__name__} {' '.join(str(e).split())}", flush=True)
    sys.exit(1 if failed else 0)
