"""conform - what the two conformance scripts share: results that outlive a run, and which kernel
and overlay gave them."""
import hashlib
import json
import os
import threading

import gobuild
from common import KERNEL, UserError


def read_expected(path):
    """{name: cause} from lines NAME: cause."""
    expected = {}
    with open(path, encoding="utf-8") as f:
        for number, line in enumerate(f, 1):
            line = line.split("#", 1)[0].strip()
            if not line:
                continue
            name, colon, cause = line.partition(": ")
            if not colon or not cause.strip():
                raise UserError(f"{path}:{number}: expected NAME: cause")
            expected[name.strip()] = cause.strip()
    return expected


def product_hash():
    """Changes when a result may change: the kernel, the overlay, the gates."""
    h = hashlib.sha256()
    for name in sorted(os.listdir(gobuild.OVERLAY_DIR)):
        with open(os.path.join(gobuild.OVERLAY_DIR, name), "rb") as f:
            h.update(f.read())
    for path in (KERNEL, *gobuild.GENERATED):
        with open(path, "rb") as f:
            h.update(f.read())
    return h.hexdigest()[:16]


class State:
    """Results so far, written after each program or package. keep: not, they are of no use to
    another run."""

    def __init__(self, work, again, keep=True):
        self.path, self.lock = os.path.join(work, "state.json"), threading.Lock()
        self.results, self.product, self.keep = {}, product_hash(), keep
        if keep and not again and os.path.exists(self.path):
            with open(self.path, encoding="utf-8") as f:
                self.results = json.load(f)

    def stale(self, name):
        """Was it run by another kernel or overlay, or not at all?"""
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
