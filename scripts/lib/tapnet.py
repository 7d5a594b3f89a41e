"""tapnet - a guest with a network device on a tap, in a network namespace of its own: what
bench-net measures, and tests/tap/guest asks.
"""
import os
import subprocess
import sys

import counted
from common import KERNEL, ROOT, UserError

TAP, HOST, GUEST = "gort0", "10.0.2.2", "10.0.2.15"
MORE_HOSTS = 5              # 10.0.2.100 and on are ours too
SERVER = "./tests/bench/net"
MARK = "GORT_TAPNET"        # set inside of the namespace


def enter_namespace():
    if os.environ.get(MARK):
        return
    c = ["unshare", "-n"] if os.geteuid() == 0 else ["unshare", "-rn"]
    os.execvpe(c[0], [*c, sys.executable, *sys.argv], {**os.environ, MARK: "1"})


def tap_up(queues):
    multi = ["multi_queue"] if queues > 1 else []
    for c in (["ip", "link", "set", "lo", "up"],
              ["ip", "tuntap", "add", TAP, "mode", "tap", "vnet_hdr", *multi],
              ["ip", "addr", "add", f"{HOST}/24", "dev", TAP],
              *(["ip", "addr", "add", f"10.0.2.{100 + i}/24", "dev", TAP]
                for i in range(MORE_HOSTS)),
              ["ip", "link", "set", TAP, "up"]):
        r = subprocess.run(c, capture_output=True, text=True)
        if r.returncode:
            raise UserError(f"{' '.join(c)}: {r.stderr.strip()}")


def tap_down():
    subprocess.run(["ip", "link", "del", TAP], stderr=subprocess.DEVNULL)


def go_build(package, path):
    if subprocess.run(["go", "build", "-o", path, package], cwd=ROOT,
                      env={**os.environ, "CGO_ENABLED": "0"}).returncode:
        raise UserError(f"go build {package} failed")
    return path


def bundle(directory, name, *args):
    path = os.path.join(directory, name)
    c = [os.path.join(ROOT, "scripts", "mkbundle"), "-o", path, *args, "--args", "net"]
    if subprocess.run(c).returncode:
        raise UserError("making the bundle failed")
    return path


class Gort:
    name = "gort"

    def __init__(self, directory):
        server = os.path.join(directory, "server.gort")
        if subprocess.run([os.path.join(ROOT, "scripts", "gort"), "build", "-o", server,
                           SERVER], cwd=ROOT).returncode:
            raise UserError("gort build failed")
        b = bundle(directory, "gort.bundle", "--init", server, "--options",
                   f"ip={GUEST}/24,gw={HOST}")
        self.arguments, self.programs = ["-bundle", b], [KERNEL, server]


def machine(guest, directory, smp=1, queues=1, plugin=None, device="virtio-net-pci"):
    """Starts QEMU; counts instructions with the plugin. queues: of the tap."""
    many = f",queues={queues}" if queues > 1 else ""
    mq = f",mq=on,vectors={2 * queues + 2}" if queues > 1 else ""
    c = [os.path.join(ROOT, "scripts", "qemu"), *guest.arguments, "-smp", str(smp), "-timeout",
         "1h", "--", "-netdev", f"tap,id=n,ifname={TAP},script=no,downscript=no{many}", "-device",
         f"{device},netdev=n{mq}", "-name", "guest,debug-threads=on",
         "-pidfile", os.path.join(directory, "pid")]
    env = dict(os.environ)
    if plugin:
        c += counted.arguments(plugin, os.path.join(directory, "counts"))
        env["GORT_ACCEL"] = "tcg"   # counts want one thread
    return subprocess.Popen(c, env=env, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, text=True)
