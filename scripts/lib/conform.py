"""conform - shared by the two conformance scripts: results that outlive a run, and the kernel and
overlay that they are of."""
import hashlib
import json
import os
import threading

import gobuild
from common import KERNEL, ROOT, UserError


def words_for(line, text):
    """A line of an expect file without comment, or "" if it is for another line of Go than
    this run's: `go1.26 NAME: cause` is for go1.26 alone."""
    text = text.split("#", 1)[0].strip()
    first, _, rest = text.partition(" ")
    if first in gobuild.RELEASES:
        return rest.strip() if first == line else ""
    return text


def read_expected(path, go_line):
    """{name: cause} from lines NAME: cause."""
    expected = {}
    with open(path, encoding="utf-8") as f:
        for number, line in enumerate(f, 1):
            line = words_for(go_line, line)
            if not line:
                continue
            name, colon, cause = line.partition(": ")
            if not colon or not cause.strip():
                raise UserError(f"{path}:{number}: expected NAME: cause")
            expected[name.strip()] = cause.strip()
    return expected


def report_path(name, go_line):
    """The file of a line's table: docs/NAME-1.26.md."""
    return os.path.join(ROOT, "docs", f"{name}-{go_line.removeprefix('go')}.md")


def product_hash(version):
    """A hash of everything that results depend on: the kernel, the overlay, the gates, Go."""
    h = hashlib.sha256(version.encode())
    for name in sorted(os.listdir(gobuild.OVERLAY_DIR)):
        with open(os.path.join(gobuild.OVERLAY_DIR, name), "rb") as f:
            h.update(f.read())
    for path in (KERNEL, *gobuild.GENERATED):
        with open(path, "rb") as f:
            h.update(f.read())
    return h.hexdigest()[:16]


class State:
    """Results so far, written after each program or package. keep false: the results are of
    no use to another run, and are not stored."""

    def __init__(self, work, go, again, keep=True):
        self.path, self.lock = os.path.join(work, f"state-{go.line}.json"), threading.Lock()
        self.results, self.product, self.keep = {}, product_hash(go.version), keep
        if keep and not again and os.path.exists(self.path):
            with open(self.path, encoding="utf-8") as f:
                self.results = json.load(f)

    def stale(self, name):
        """Has this not been run yet, or by another kernel or overlay?"""
        return self.results.get(name, {}).get("product") != self.product

    def add(self, name, result):
        with self.lock:
            self.results[name] = {**result, "product": self.product}
            if not self.keep:
                return
            tmp = self.path + ".new"
            with open(tmp, "w", encoding="utf-8") as f:
                json.dump(self.results, f, indent=1)
            os.replace(tmp, self.path)
