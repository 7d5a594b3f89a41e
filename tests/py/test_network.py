"""The flags -net, -p, -ip, -mac, -nic: values that are refused in one line, the arguments of QEMU
and the kernel, and a machine that has an address, a resolver and a forwarded port."""
import os
import socket
import struct
import subprocess
import sys
import tempfile
import threading
import unittest

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
GORT = os.path.join(ROOT, "scripts", "gort")
GUEST = "./tests/py/guests/network"
sys.path.insert(0, os.path.join(ROOT, "scripts", "lib"))
from common import UserError  # noqa: E402
from network import Network  # noqa: E402


def network(*flags, binary=None):
    n = Network()
    for name, value in zip(flags[::2], flags[1::2]):
        n.set(name, value)
    n.settle(binary)
    return n


class Flags(unittest.TestCase):
    def refuse(self, text, *flags):
        with self.assertRaises(UserError) as e:
            n = network(*flags)
            n.words()
            n.arguments(False, 2, [])
        self.assertIn(text, str(e.exception))
        self.assertNotIn("\n", str(e.exception))

    def test_ports(self):
        for bad in ("8080", "8080:", ":80", "a:80", "8080:80/sctp", "8080:80:90:100", "1:2:3:4:5"):
            self.refuse(f"-p {bad}: expected [HOSTIP:]HOST:GUEST[/udp]", "p", bad)
        self.refuse("0 is not a port", "p", "8080:0")
        self.refuse("70000 is not a port", "p", "70000:80")
        self.refuse("not an IPv4 address", "p", "1.2.3:8080:80")
        self.refuse("is no address of this host", "p", "192.0.2.1:8080:80")
        self.refuse("given twice", "p", "18080:80", "p", "18080:81")
        self.refuse("there is no device", "net", "none", "p", "8080:80")
        self.refuse("the machine at its own address", "net", "tap=t0", "p", "8080:80")

    def test_busy_port(self):
        with socket.socket() as s:
            s.bind(("127.0.0.1", 0))
            s.listen()
            port = s.getsockname()[1]
            self.refuse(f"port {port} of the host is in use", "p", f"{port}:80")
            network("p", f"{port}:80/udp").arguments(False, 2, [])  # another protocol's

    def test_kinds(self):
        self.refuse("-net bridge: expected user, none or tap=INTERFACE", "net", "bridge")
        self.refuse("-net tap=: expected", "net", "tap=")
        self.refuse("nosuchtap0 does not exist: as root, `ip tuntap add", "net", "tap=nosuchtap0")
        self.refuse("lo is not a tap", "net", "tap=lo")
        for bad in ("1", "52:54:00:12:34", "53:54:00:12:34:56", "00:00:00:00:00:00"):
            self.refuse(f"-mac {bad}: expected", "mac", bad)
        self.refuse("-nic rtl8139: expected virtio or e1000e", "nic", "rtl8139")

    def test_addresses(self):
        for bad in ("10.0.0.1", "10.0.0.1/33", "10.0.0.1/0", "hello", "010.0.0.1/24",
                    "10.0.0.1/24,"):
            self.refuse("expected dhcp, none or ADDR/LEN", "ip", bad)
        self.refuse("gw= wants an address", "ip", "10.0.0.1/24,gw=")
        self.refuse("without an address of its family", "ip", "10.0.0.1/24,gw=fd00::1")
        self.refuse("two addresses of one family", "ip", "10.0.0.1/24,10.0.0.2/24")
        self.refuse("no address of a machine", "ip", "224.0.0.1/24")
        self.refuse("dhcp and an IPv4 address", "ip", "dhcp,10.0.0.1/24")
        self.refuse("the host has", "ip", "10.0.0.2/24")

    def test_words(self):
        self.assertEqual(network().words(), [])
        self.assertEqual(network().arguments(False, 2, []), [])
        self.assertEqual(network("net", "user").words(),
                         ["ip=10.0.2.15/24,gw=10.0.2.2,dns=10.0.2.3"])
        self.assertEqual(network("ip", "10.9.0.5/16").words(),
                         ["ip=10.9.0.5/16,gw=10.9.0.2,dns=10.9.0.3"])
        self.assertEqual(network("ip", "dhcp").words(), ["ip=dhcp"])
        self.assertEqual(network("ip", "10.9.0.5/16").arguments(True, 2, []),
                         ["-netdev", "user,id=net0,ipv6=off,net=10.9.0.0/16,host=10.9.0.2,"
                          "dns=10.9.0.3,dhcpstart=10.9.0.5",
                          "-device", "virtio-net-device,netdev=net0,mac=52:54:00:12:34:56"])

    def test_nic(self):
        self.assertEqual(network("nic", "e1000e").arguments(False, 2, [])[2:],
                         ["-device", "e1000e,netdev=net0,mac=52:54:00:12:34:56,romfile="])
        with self.assertRaisesRegex(UserError, "-nic e1000e: this machine has no PCI"):
            network("nic", "e1000e").arguments(True, 2, [])

    def test_images(self):
        for flag, value in (("-p", "8080:80"), ("-net", "user"), ("-mac", "52:54:00:00:00:01"),
                            ("-nic", "e1000e")):
            r = subprocess.run([GORT, "build", flag, value, "-o", "x.img", "./apps/hello"],
                               cwd=ROOT, capture_output=True, text=True)
            self.assertEqual((r.returncode, len(r.stderr.splitlines())), (1, 1), r.stderr)
            self.assertIn(f"{flag} is for gort run and exec", r.stderr)


def answer(query):
    """A resolver that knows one name: 192.0.2.7."""
    end = query.index(b"\0", 12) + 5
    name, kind = query[12:end - 4], struct.unpack(">H", query[end - 4:end - 2])[0]
    known = name == b"\4some\4test\0"
    head = query[:2] + struct.pack(">HHHHH", 0x8180 if known else 0x8183, 1,
                                   int(known and kind == 1), 0, 0) + query[12:end]
    return head + (b"\xc0\x0c\0\1\0\1\0\0\0\x3c\0\4\xc0\0\2\7" if known and kind == 1 else b"")


# The program's output about lo and eth0, from netlink, ioctl and /proc/net.
INTERFACES = """\
1 lo 65536  up|loopback|running [127.0.0.1/8 ::1/128] <nil>
2 eth0 1500 52:54:00:12:34:56 up|broadcast|multicast|running [10.0.2.15/24 \
fe80::5054:ff:fe12:3456/64] <nil>
[127.0.0.1/8 10.0.2.15/24 ::1/128 fe80::5054:ff:fe12:3456/64] <nil>
lo [2 0 0 0 127 0 0 1] [2 0 0 0 255 0 0 0] [2 0 0 0 0 0 0 0] [4 3 0 0 0 0 0 0]
eth0 [2 0 0 0 10 0 2 15] [2 0 0 0 255 255 255 0] [2 0 0 0 10 0 2 255] [1 0 82 84 0 18 52 86]
eth9 no such device no such device no such device no such device
Iface\tDestination\tGateway \tFlags\tRefCnt\tUse\tMetric\tMask\t\tMTU\tWindow\tIRTT
eth0\t0002000A\t00000000\t0001\t0\t0\t0\t00FFFFFF\t0\t0\t0
eth0\t00000000\t0202000A\t0003\t0\t0\t0\t00000000\t0\t0\t0
<nil>
00000000000000000000000000000001 01 80 10 80       lo
fe80000000000000505400fffe123456 02 40 20 40     eth0
<nil>
IP address       HW type     Flags       HW address            Mask     Device
<nil>
"""

PING = """raw <nil> 16 {} <nil> 0 abcd
ping <nil> <nil> 16 <nil> 0 abcd true
invalid argument invalid argument
"""


def frame(payload):
    """A datagram of 10.0.0.1:4000 to the group 239.1.2.3:5000."""
    udp = struct.pack(">HHHH", 4000, 5000, 8 + len(payload), 0) + payload
    ip = struct.pack(">BBHHHBBH4s4s", 0x45, 0, 20 + len(udp), 1, 0, 1, 17, 0,
                     bytes((10, 0, 0, 1)), bytes((239, 1, 2, 3)))
    total = sum(struct.unpack(">10H", ip))
    total = (total & 0xffff) + (total >> 16)
    ip = ip[:10] + struct.pack(">H", ~total & 0xffff) + ip[12:]
    return bytes((1, 0, 0x5e, 1, 2, 3, 2, 0, 0, 0, 0, 9, 8, 0)) + ip + udp


class Machines(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.dir = tempfile.TemporaryDirectory()
        cls.binary = os.path.join(cls.dir.name, "x.elf")
        subprocess.run([GORT, "build", "-o", cls.binary, GUEST], cwd=ROOT, check=True)

    @classmethod
    def tearDownClass(cls):
        cls.dir.cleanup()

    def test_linked(self):
        """A program that links package net has a device without being asked."""
        self.assertEqual(network(binary=self.binary).kind, "user")
        self.assertEqual(network("net", "none", binary=self.binary).kind, "none")

    def resolver(self, s):
        while True:
            try:
                query, peer = s.recvfrom(2000)
            except OSError:
                return
            s.sendto(answer(query), peer)

    def boot(self, *flags):
        """The lines of the program, with a client at its forwarded port."""
        with socket.socket() as s:
            s.bind(("127.0.0.1", 0))
            port = s.getsockname()[1]
        dns = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        dns.bind(("127.0.0.1", 0))
        threading.Thread(target=self.resolver, args=(dns,), daemon=True).start()
        p = subprocess.Popen([GORT, "exec", "-timeout", "120s", "-p", f"{port}:80", *flags,
                              self.binary, f"{self.host}:{dns.getsockname()[1]}", self.host],
                             stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                             stderr=subprocess.PIPE, text=True)
        out = ""
        for line in p.stdout:
            out += line
            if line.startswith("listening"):
                with socket.create_connection(("127.0.0.1", port), timeout=30) as c:
                    c.sendall(b"from outside")
        err = p.communicate()[1]
        dns.close()
        self.assertEqual((p.returncode, err), (0, ""))
        return out

    def moved(self, text):
        """The same in the network 10.7.0.0/24, as 10.7.0.9 with another MAC."""
        for a, b in (("10.0.2.15", "10.7.0.9"), ("10.0.2.", "10.7.0."), ("10 0 2 15", "10 7 0 9"),
                     ("10 0 2 255", "10 7 0 255"), ("0002000A", "0000070A"),
                     ("0202000A", "0200070A"), ("52:54:00:12:34:56", "52:54:00:00:00:07"),
                     ("82 84 0 18 52 86", "82 84 0 0 0 7"), ("fe12:3456", "fe00:7"),
                     ("fffe123456", "fffe000007")):
            text = text.replace(a, b)
        return text

    def test_groups(self):
        """A group is joined: routers are told (IGMP, 0x16 and 0x17), its datagrams arrive."""
        for device in ("virtio-net-pci", "e1000e"):
            with self.subTest(device):
                self.groups(device, [], "")

    def test_groups_before_bind(self):
        """A socket that has no address yet joins and leaves as one that has: ip(7)."""
        self.groups("virtio-net-pci", ["early"], "<nil>; address already in use; <nil>; "
                    "cannot assign requested address; <nil>; ")

    def groups(self, device, args, before):
        ours, theirs = (os.path.join(self.dir.name, n + device) for n in ("ours", "theirs"))
        for path in (ours, theirs):
            if os.path.exists(path):
                os.remove(path)
        bundle = os.path.join(self.dir.name, "bundle")
        subprocess.run([os.path.join(ROOT, "scripts", "mkbundle"), "-o", bundle, "--init",
                        self.binary, "--options", "lockrank ip=10.0.0.5/24", "--args", "x",
                        "groups", *args], check=True)
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as wire:
            wire.bind(ours)
            wire.settimeout(100)
            p = subprocess.Popen(
                [os.path.join(ROOT, "scripts", "qemu"), "-bundle", bundle, "-timeout", "120s",
                 "--", "-netdev", f"dgram,id=n,local.type=unix,local.path={theirs},"
                 f"remote.type=unix,remote.path={ours}", "-device", f"{device},netdev=n"],
                stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
            self.igmp(wire, 0x16)
            out = p.stdout.readline() + p.stdout.readline()     # it is bound
            wire.sendto(frame(b"to all of you"), theirs)
            self.igmp(wire, 0x17)
        with p.stdout, p.stderr:
            out += p.stdout.read()
            err = p.stderr.read()
        self.assertEqual((p.wait(), err, out),
                         (0, "", f"eth0 <nil>\n{before}joined <nil>\n"
                                 "to all of you 10.0.0.1:4000 <nil>\nleft <nil>\n"))

    def igmp(self, wire, kind):
        """The next message of that kind for our group."""
        while True:
            f = wire.recv(2000)
            ip = f[14:]
            if f[12:14] == b"\x08\0" and ip[9] == 2 and ip[(ip[0] & 15) * 4] == kind:
                self.assertEqual(ip[(ip[0] & 15) * 4 + 4:][:4], bytes((239, 1, 2, 3)))
                return

    def test_user(self):
        self.host = "10.0.2.2"
        want = ("nameserver 10.0.2.3\n127.0.0.1 localhost\n::1 localhost\n10.0.2.15 gort\n"
                + INTERFACES + PING.format("127.0.0.1") + PING.format("10.0.2.2") +
                "[192.0.2.7] <nil>\n"
                "[] lookup other.test on 10.0.2.3:53: no such host\n"
                "[10.0.2.15] <nil>\nlistening <nil>\nfrom outside\n")
        self.assertEqual(self.boot(), want)
        self.assertEqual(self.boot("-ip", "dhcp"), want)
        self.assertEqual(self.boot("-nic", "e1000e"), want)
        self.host = "10.7.0.2"
        self.assertEqual(self.boot("-ip", "10.7.0.9/24", "-mac", "52:54:00:00:00:07"),
                         self.moved(want))


if __name__ == "__main__":
    unittest.main()
