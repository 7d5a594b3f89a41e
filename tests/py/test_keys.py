"""Keys and signals reach a program whose CPUs all spin; traces of the scheduler look like Go's."""
import os
import re
import subprocess
import tempfile
import unittest

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
GORT = os.path.join(ROOT, "scripts", "gort")
TRACE = re.compile(r"SCHED \d+ms: gomaxprocs=\d+ idleprocs=\d+ threads=\d+ spinningthreads=\d+ "
                   r"needspinning=[01] idlethreads=\d+ runqueue=\d+"
                   r"( \[( \d+)+ \] schedticks=\[ (\d+ )+\]| gcwaiting=(true|false) "
                   r"nmidlelocked=-?\d+ stopwait=\d+ sysmonwait=(true|false))"
                   r"|  P\d+: status=\d schedtick=\d+ syscalltick=\d+ m=(\d+|nil) runqsize=\d+ "
                   r"gfreecnt=\d+ timerslen=\d+"
                   r"|  M\d+: p=(\d+|nil) curg=(\d+|nil) mallocing=\d throwing=\d preemptoff= "
                   r"locks=\d+ dying=0 spinning=(true|false) blocked=(true|false) "
                   r"lockedg=(\d+|nil)"
                   r"|  G\d+: status=\d+\([a-zA-Z (,).]*\) m=(\d+|nil) lockedm=(\d+|nil)")


class Keys(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.dir = tempfile.TemporaryDirectory()
        cls.elf = os.path.join(cls.dir.name, "keys.elf")
        cls.trace = os.path.join(cls.dir.name, "trace.elf")
        for out, package in ((cls.elf, "py/guests/keys"), (cls.trace, "programs/sched_trace")):
            subprocess.run([GORT, "build", "-o", out, "./tests/" + package], cwd=ROOT, check=True)

    @classmethod
    def tearDownClass(cls):
        cls.dir.cleanup()

    def start(self, how, *flags):
        p = subprocess.Popen([GORT, "exec", "-timeout", "60s", *flags, self.elf, how],
                             stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                             stderr=subprocess.PIPE, text=True)
        first = p.stdout.readline()
        if first != "ready\n":
            self.fail(f"{first!r} in place of ready: {p.communicate(timeout=90)}")
        return p

    def ends(self, p, status, out):
        got, err = p.communicate(timeout=90)
        self.assertEqual((p.returncode, got), (status, out), err)
        return err

    def test_quit(self):
        p = self.start("default")
        p.send_signal(3)
        err = self.ends(p, 2, "")
        self.assertIn("SIGQUIT: quit\nPC=", err)
        # main says "ready" before it receives: it may have been preempted in between
        self.assertRegex(err, r"goroutine 1 gp=\S+ m=\S+( mp=\S+)? \[(chan receive|runnable)\]:")
        self.assertIn("\nmain.main()", err)
        self.assertEqual(err.count("main.spin("), 3)

    def test_dump_and_go_on(self):
        p = self.start("spin", "-smp", "1")
        p.send_signal(10)
        err = ""
        while "gort: going on" not in err:
            err += p.stderr.readline()
        self.assertRegex(err, r"goroutine 1 \[(chan receive|runnable)\]:")
        self.assertIn("\nmain.main()", err)
        self.assertEqual(err.count("main.spin("), 2)
        p.send_signal(2)
        self.ends(p, 0, "got interrupt\n")

    def test_power_button(self):
        for how in ("spin", "wait"):
            p = self.start(how)
            p.send_signal(15)
            self.ends(p, 0, "got terminated\n")
        p = self.start("default")
        p.send_signal(15)
        self.ends(p, 143, "")

    def test_interrupt(self):
        p = self.start("default", "-env", "GOMAXPROCS=1")
        p.send_signal(2)
        self.ends(p, 130, "")

    def chances(self, seed):
        r = subprocess.run([GORT, "exec", "-smp", "1", "-option", f"seed={seed}", "-timeout",
                            "60s", self.elf, "chances"], capture_output=True, text=True,
                           timeout=90)
        self.assertEqual(r.returncode, 0, r.stderr)
        return r.stdout

    def test_seed(self):
        first = self.chances(5)
        self.assertEqual(first, self.chances(5))
        self.assertNotEqual(first.split()[0], self.chances(6).split()[0])

    def test_idle_is_tickless(self):
        r = subprocess.run([GORT, "exec", "-v", "-timeout", "60s", self.elf, "6s"],
                           capture_output=True, text=True, timeout=90)
        self.assertEqual(r.returncode, 0, r.stderr)
        self.assertLess(int(r.stdout), 5 * 6)       # of both CPUs
        self.assertGreater(int(r.stdout), 0)        # one has ended the sleep
        found = re.findall(r"cpu \d: (\d+) interrupts, .* ms idle", r.stderr)
        self.assertGreater(sum(int(x) for x in found), int(r.stdout), r.stderr)

    def check_trace(self, text, detail):
        lines = text.split("\n")[:-1]   # the end may come in the middle of the last
        for line in lines:
            self.assertTrue(TRACE.fullmatch(line), line)
        self.assertGreater(sum(x.startswith("SCHED") for x in lines), 2)
        self.assertEqual(any(x.startswith("  G1:") for x in lines), detail)

    def test_trace(self):
        linux = os.path.join(self.dir.name, "linux")
        subprocess.run(["go", "build", "-o", linux, "./tests/programs/sched_trace"], cwd=ROOT,
                       check=True)
        for detail in (0, 1):
            setting = f"GODEBUG=schedtrace=20,scheddetail={detail}"
            for command in ([GORT, "exec", "-timeout", "60s", "-env", setting, self.trace],
                            ["env", setting, linux]):
                r = subprocess.run(command, capture_output=True, text=True, timeout=90)
                self.assertEqual((r.returncode, r.stdout), (0, ""))
                self.check_trace(r.stderr, detail == 1)


if __name__ == "__main__":
    unittest.main()
