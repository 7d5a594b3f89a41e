"""common - what the gort command, the QEMU runner and the test harness share."""
import os
import re
import signal
import sys

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
BUILD = os.path.join(ROOT, "build")
KERNEL = os.environ.get("GORT_KERNEL") or os.path.join(BUILD, "gort.elf")  # for tests
LOADER = os.path.join(BUILD, "BOOTX64.EFI")

STATUS_LOST = 1             # a file that the program wrote could not be kept
STATUS_TIMEOUT = 124        # as timeout(1)
STATUS_NO_EXIT = 125        # the machine stopped without saying a status


class UserError(Exception):
    """An error that the user can correct: one line, no traceback."""


def fail(message, status=1):
    sys.stdout.flush()
    print(f"gort: {message}", file=sys.stderr)
    sys.exit(status)


def descendants(pid):
    """Processes that pid has begun, and theirs, the nearest first."""
    found = []
    try:
        tasks = os.listdir(f"/proc/{pid}/task")
    except OSError:
        return found
    for task in tasks:
        try:
            with open(f"/proc/{pid}/task/{task}/children", encoding="ascii") as f:
                found += [int(word) for word in f.read().split()]
        except OSError:
            continue
    return found + [p for child in list(found) for p in descendants(child)]


def end_with_children():
    """From now on SIGTERM ends this process with all that it has begun: a go command in the midst,
    and machines, which have no state to save. For scripts that drive many machines."""
    def end(number, _):
        for pid in descendants(os.getpid()):
            try:
                os.kill(pid, signal.SIGKILL)
            except ProcessLookupError:
                pass
        os._exit(128 + number)
    signal.signal(signal.SIGTERM, end)


def cache_dir():
    base = os.environ.get("XDG_CACHE_HOME") or os.path.expanduser("~/.cache")
    return os.path.join(base, "gort")


def first_writable(*paths):
    """The first directory that exists or can be made, and is writable; None: none is."""
    for path in paths:
        try:
            os.makedirs(path, exist_ok=True)
        except OSError:
            continue
        if os.access(path, os.W_OK):
            return path
    return None


def work_dir():
    """The directory for gort's own files: the project's build/, or the user's cache if that is not
    writable."""
    path = first_writable(BUILD, os.path.join(cache_dir(), "build"))
    if not path:
        raise UserError(f"neither {BUILD} nor {cache_dir()} is writable")
    return path


def user_dir(name):
    """A directory of the user's cache; below build/ if the cache is not writable."""
    path = first_writable(os.path.join(cache_dir(), name), os.path.join(work_dir(), name))
    if not path:
        raise UserError(f"{cache_dir()} is not writable")
    return path


def parse_seconds(text):
    """90, 1.5, 30s, 2m, 500ms as seconds."""
    m = re.fullmatch(r"(\d+(?:\.\d+)?)(ms|s|m|h)?", text)
    if not m:
        raise UserError(f"-timeout {text}: expected a duration such as 30s or 2m")
    return float(m[1]) * {"ms": 0.001, None: 1, "s": 1, "m": 60, "h": 3600}[m[2]]


def parse_size(text):
    """QEMU's -m: bytes with a suffix K, M, G; M without one. Returns MiB."""
    m = re.fullmatch(r"(\d+)([KkMmGg])?[iI]?[bB]?", text)
    if not m:
        raise UserError(f"-m {text}: expected a size such as 512M or 2G")
    mib = int(m[1]) * {"k": 1 / 1024, None: 1, "m": 1, "g": 1024}[m[2] and m[2].lower()]
    if mib < 1:
        raise UserError(f"-m {text}: too little memory")
    return int(mib)
