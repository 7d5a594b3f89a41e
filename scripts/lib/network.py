"""network - the machine's network as the gort command's flags say it: -net, -p, -ip, -mac, -nic.

Without any of them a Go program that links package net has QEMU's user network, by which it
reaches what the host reaches, as under `go run`; any other program has no device, and boots as
fast as ever.
"""
import errno
import fcntl
import hashlib
import ipaddress
import mmap
import os
import re
import socket
import struct

from common import UserError

USER_NET = ipaddress.ip_network("10.0.2.0/24")
USER_GUEST, USER_HOST, USER_DNS = 15, 2, 3      # within the network, as QEMU numbers them
DIALS = b"net.(*sysDialer).dialSingle\0"        # a function of package net, in the table of names
MAC_RE = re.compile(r"[0-9a-f]{2}(:[0-9a-f]{2}){5}", re.I)
PORT_RE = re.compile(r"(?:([0-9.]+|\[[^]]*\]):)?(\d+):(\d+)(?:/(\w+))?")

# linux/if_tun.h
TUNSETIFF, IFF_TAP, IFF_MULTI_QUEUE, IFF_NO_PI, IFF_VNET_HDR = 0x400454ca, 2, 0x100, 0x1000, 0x4000


class Forward:
    """-p [HOSTIP:]HOST:GUEST[/udp]"""

    def __init__(self, text):
        m = PORT_RE.fullmatch(text)
        self.text, self.protocol = text, (m and m[4] or "tcp")
        if not m or self.protocol not in ("tcp", "udp"):
            raise UserError(f"-p {text}: expected [HOSTIP:]HOST:GUEST[/udp], such as 8080:80")
        self.ip, self.host, self.guest = m[1] or "127.0.0.1", int(m[2]), int(m[3])
        try:
            ipaddress.IPv4Address(self.ip)
        except ValueError:
            raise UserError(f"-p {text}: {self.ip} is not an IPv4 address of the host") from None
        for port in (self.host, self.guest):
            if not 1 <= port <= 65535:
                raise UserError(f"-p {text}: {port} is not a port (1 to 65535)")

    def check(self):
        """Tries to bind the port, since QEMU's message for a port in use names neither cause nor
        flag."""
        kind = socket.SOCK_STREAM if self.protocol == "tcp" else socket.SOCK_DGRAM
        with socket.socket(socket.AF_INET, kind) as s:
            if self.protocol == "tcp":
                s.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                s.bind((self.ip, self.host))
            except OSError as e:
                raise UserError(f"-p {self.text}: {self.why(e)}") from None

    def why(self, e):
        if e.errno == errno.EADDRINUSE:
            return f"port {self.host} of the host is in use: take another one"
        if e.errno == errno.EACCES:
            return f"port {self.host} of the host is for root alone: take one from 1024 on"
        if e.errno == errno.EADDRNOTAVAIL:
            return f"{self.ip} is no address of this host"
        return e.strerror


class Address:
    """-ip dhcp|none|ADDR/LEN[,gw=ADDR][,dns=ADDR]: as gort/netctl/config.c reads it."""

    def __init__(self, text):
        self.text, self.v4, self.v6, self.gw, self.dns = text, None, None, {}, []
        for word in text.split(","):
            self.take(word)
        for family in self.gw:
            if not (self.v4 if family == 4 else self.v6):
                self.bad("gw= without an address of its family")
        self.dhcp = "dhcp" in text.split(",")
        if self.dhcp and self.v4:
            self.bad("dhcp and an IPv4 address")
        if len(text) >= 190:
            self.bad("it is too long")

    def bad(self, why):
        raise UserError(f"-ip {self.text}: {why}")

    def one(self, word, text):
        try:
            return ipaddress.ip_address(text)
        except ValueError:
            return self.bad(f"{word} wants an address")

    def take(self, word):
        name, eq, value = word.partition("=")
        if word == "dhcp" or self.text == "none":
            return
        if eq and name == "gw":
            a = self.one("gw=", value)
            self.gw[a.version] = a
        elif eq and name == "dns":
            self.dns.append(self.one("dns=", value))
            if len(self.dns) > 3:
                self.bad("more than three dns=")
        else:
            self.interface(word)

    def interface(self, word):
        try:
            a = ipaddress.ip_interface(word)
        except ValueError:
            a = None
        if not a or "/" not in word or not a.network.prefixlen:
            self.bad("expected dhcp, none or ADDR/LEN[,gw=ADDR][,dns=ADDR], such as "
                     "10.0.0.5/24,gw=10.0.0.1")
        if a.ip.is_multicast or a.ip.is_unspecified:
            self.bad("this is no address of a machine")
        if self.v4 if a.version == 4 else self.v6:
            self.bad("two addresses of one family")
        if a.version == 4:
            self.v4 = a
        else:
            self.v6 = a


def links_net(binary):
    """Does the program have package net's dialing code?"""
    try:
        with open(binary, "rb") as f, mmap.mmap(f.fileno(), 0, access=mmap.ACCESS_READ) as m:
            return m.find(DIALS) >= 0
    except (OSError, ValueError):
        return False


class Network:
    """The flags. words() go into the bundle's boot options, arguments() to QEMU."""

    FLAGS = {"net", "p", "ip", "mac", "nic"}
    NICS = ("virtio", "e1000e")

    def __init__(self):
        self.kind, self.tap = None, None        # kind: user, tap, none; None: as settle chooses
        self.forwards, self.address, self.mac, self.nic = [], None, None, None

    def set(self, name, value):
        if name == "p":
            self.forwards.append(Forward(value))
        elif name == "ip":
            self.address = Address(value)
        elif name == "mac":
            if not MAC_RE.fullmatch(value) or int(value[:2], 16) & 1 or not value.strip("0:"):
                raise UserError(f"-mac {value}: expected the address of one machine, such as "
                                "52:54:00:12:34:56")
            self.mac = value.lower()
        elif name == "nic":
            if value not in self.NICS:
                raise UserError(f"-nic {value}: expected {' or '.join(self.NICS)}")
            self.nic = value
        elif value in ("user", "none"):
            self.kind = value
        elif value.startswith("tap=") and 0 < len(value[4:]) < 16:
            self.kind, self.tap = "tap", value[4:]
        else:
            raise UserError(f"-net {value}: expected user, none or tap=INTERFACE")

    def settle(self, binary):
        """Chooses the network once all flags and the program are known."""
        if self.kind is None:
            asked = self.forwards or self.address or self.mac or self.nic
            self.kind = "user" if asked or (binary and links_net(binary)) else "none"
        if self.forwards and self.kind != "user":
            raise UserError(f"-p {self.forwards[0].text}: only -net user forwards ports; " +
                            ("a tap's host reaches the machine at its own address"
                             if self.kind == "tap" else "there is no device"))
        seen = set()
        for f in self.forwards:
            if (f.ip, f.host, f.protocol) in seen:
                raise UserError(f"-p {f.text}: port {f.host} of the host is given twice")
            seen.add((f.ip, f.host, f.protocol))

    def for_image(self):
        """For gort build: the image contains only the address."""
        for given, flag in ((self.forwards, "-p"), (self.kind, "-net"), (self.mac, "-mac"),
                            (self.nic, "-nic")):
            if given:
                raise UserError(f"{flag} is for gort run and exec: an image has the network of "
                                "the machine that boots it (-ip sets its address)")
        return [f"ip={self.address.text}"] if self.address else []

    def user_interface(self):
        """The machine's address in the user network; None: QEMU's DHCP server gives it."""
        if self.address and (self.address.dhcp or not self.address.v4):
            return None
        return self.address.v4 if self.address else \
            ipaddress.ip_interface(f"{USER_NET[USER_GUEST]}/{USER_NET.prefixlen}")

    def words(self):
        """In the user network both ends are known, so the boot does not wait for DHCP."""
        if self.kind == "none":
            return []
        text = self.address.text if self.address else ""
        i = self.user_interface() if self.kind == "user" else None
        if i and not self.address:
            text = str(i)
        if i and not (self.address and 4 in self.address.gw):
            text += f",gw={i.network[USER_HOST]}"
        if i and not (self.address and self.address.dns):
            text += f",dns={i.network[USER_DNS]}"
        return [f"ip={text}"] if text else []

    # ---- QEMU ---------------------------------------------------------------------------
    def arguments(self, small, smp, fds):
        """small: a machine without PCI. Appends to fds what QEMU has to inherit."""
        if self.kind in (None, "none"):
            return []
        device = self.device(small)
        extra = "" if small else ",romfile="
        if self.kind == "user":
            netdev = self.user_netdev()
        else:
            opened = open_tap(self.tap, smp if device == "virtio-net-pci" else 1)
            fds += opened
            netdev = "tap,id=net0," + ("fd=" if len(opened) == 1 else "fds=") + \
                ":".join(map(str, opened))
            if len(opened) > 1:
                extra += f",mq=on,vectors={2 * len(opened) + 2}"
        mac = self.mac or self.default_mac()
        return ["-netdev", netdev, "-device", f"{device},netdev=net0,mac={mac}{extra}"]

    def device(self, small):
        """QEMU's name of it."""
        if self.nic != "e1000e":
            return "virtio-net-device" if small else "virtio-net-pci"
        if small:
            raise UserError("-nic e1000e: this machine has no PCI")
        return "e1000e"

    def default_mac(self):
        """The link address: constant, so that a DHCP server gives an equal lease; another for each
        tap."""
        if self.kind == "user":
            return "52:54:00:12:34:56"
        return "52:54:00:" + hashlib.sha256(self.tap.encode()).digest()[:3].hex(":")

    def user_netdev(self):
        i = self.user_interface()
        net = i.network if i else USER_NET
        if i and (net.prefixlen > 29 or i.ip in (net[USER_HOST], net[USER_DNS], net[0], net[-1])):
            raise UserError(f"-ip {self.address.text}: in the user network the host has {net[0]}, "
                            f"{net[-1]}, and 2 and 3 behind the first; LEN is at most 29")
        guest = i.ip if i else net[USER_GUEST]
        words = ["user", "id=net0", "ipv6=off"]
        if net != USER_NET:
            words += [f"net={net}", f"host={net[USER_HOST]}", f"dns={net[USER_DNS]}",
                      f"dhcpstart={guest}"]
        for f in self.forwards:
            f.check()
            words.append(f"hostfwd={f.protocol}:{f.ip}:{f.host}-{guest}:{f.guest}")
        return ",".join(words)


def open_tap(name, queues):
    """Descriptors of a tap that exists, one per queue, or one if the tap has one queue. In a
    network namespace without a /sys of its own only a try tells which: the kernel refuses the
    other."""
    try:
        socket.if_nametoindex(name)
    except OSError:
        raise UserError(f"-net tap={name}: {name} does not exist: {make_tap(name)}") from None
    for flags, n in ((IFF_MULTI_QUEUE, queues), (0, 1)):
        try:
            return [attach_tap(name, flags) for _ in range(n)]
        except OSError as e:
            if e.errno != errno.EINVAL:
                raise UserError(f"-net tap={name}: {tap_error(e, name)}") from None
    raise UserError(f"-net tap={name}: {name} is not a tap: {make_tap(name)}")


def attach_tap(name, flags):
    fd = os.open("/dev/net/tun", os.O_RDWR | os.O_CLOEXEC)
    flags |= IFF_TAP | IFF_NO_PI | IFF_VNET_HDR
    try:
        fcntl.ioctl(fd, TUNSETIFF, struct.pack("16sH22x", name.encode(), flags))
    except OSError:
        os.close(fd)
        raise
    return fd


def make_tap(name):
    return f"as root, `ip tuntap add {name} mode tap user $USER` makes one"


def tap_error(e, name):
    if e.errno == errno.EBUSY:
        return "another program has it open"
    if e.errno in (errno.EPERM, errno.EACCES):
        return f"it is not yours: {make_tap(name)} that is"
    if e.errno == errno.ENOENT:
        return "/dev/net/tun is missing: `modprobe tun` as root"
    return e.strerror
