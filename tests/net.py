"""net - a Go service behind a network device, with real clients over QEMU's user network."""
import concurrent.futures
import hashlib
import http.client
import http.server
import os
import random
import socket
import socketserver
import ssl
import struct
import subprocess
import sys
import threading
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "lib"))
from boot import (MKBUNDLE, QEMU, ROOT, Failed, expect, main, monitor_send, program,  # noqa: E402
                  run)

SERVICE = "./tests/net/service"
TCP, TLS, ECHO, UDP, SPLICE = 8080, 8443, 9001, 9000, 9002
DEVICE = "virtio-net-pci,netdev=n"
E1000E = "e1000e,netdev=n"
ADDRESS = "ip=10.0.2.15/24,gw=10.0.2.2"     # in QEMU's user network: no DHCP needed
READY = b"hello, loopback\nserving\n"


def free_port(kind=socket.SOCK_STREAM):
    with socket.socket(socket.AF_INET, kind) as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]


def bundle(directory, package, args=(), options="lockrank"):
    """The program of a package, built once, with its arguments."""
    elf = os.path.join(directory, os.path.basename(package) + ".elf")
    if not os.path.exists(elf):
        program(package, directory)
    out = os.path.join(directory, f"bundle{abs(hash((package, *args, options)))}")
    expect(run([MKBUNDLE, "-o", out, "--init", elf, "--options", f"{ADDRESS} {options}",
                "--file", f"data/elf={elf}", "--mkdir", "/tmp",
                "--args", os.path.basename(package), *args]), 0, what="mkbundle")
    return out


def command(image, smp, netdev="user,id=n", device=DEVICE, more=(), extra=()):
    return [QEMU, "-bundle", image, "-smp", str(smp), "-timeout", "200s", *more, "--",
            "-netdev", netdev, "-device", device, *extra]


class Server:
    """A program in a machine of its own, with its ports on 127.0.0.1 of the host."""

    def __init__(self, image, smp, ports, ready, device=DEVICE, udp=(), more=(), extra=()):
        self.port = {n: free_port(socket.SOCK_DGRAM if n in udp else socket.SOCK_STREAM)
                     for n in (*ports, *udp)}
        forward = "".join(f",hostfwd={'udp' if n in udp else 'tcp'}:127.0.0.1:{h}-:{n}"
                          for n, h in self.port.items())
        self.ready, self.http_port, self.said, self.messages = ready, ports[0], None, b""
        self.process = subprocess.Popen(
            command(image, smp, f"user,id=n{forward}", device, more, extra),
            cwd=ROOT, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE)

    def __enter__(self):
        got = b""
        while len(got) < len(self.ready):
            part = os.read(self.process.stdout.fileno(), 4096)
            if not part:
                raise Failed(f"no service: {got!r} {self.process.communicate()[1][-2000:]!r}")
            got += part
        if got != self.ready:
            raise Failed(f"the service said {got!r}")
        return self

    def await_message(self, text):
        """Reads stderr until the text has come; the machine's own time limit ends it."""
        while text not in self.messages:
            part = os.read(self.process.stderr.fileno(), 4096)
            if not part:
                raise Failed(f"no {text!r}: {self.messages[-1000:]!r}")
            self.messages += part

    def power_off(self):
        """The program's stdout and stderr, after the power button has ended it."""
        if not self.said:
            self.process.terminate()
            try:
                self.said = self.process.communicate(timeout=120)
            except subprocess.TimeoutExpired:
                self.process.terminate()    # twice ends the machine
                self.said = self.process.communicate()
        return self.said

    def __exit__(self, kind, value, trace):
        out, err = self.power_off()
        if kind:
            print("      the end:", (out + err)[-1500:].decode("utf-8", "replace"))
        elif out.strip() or b"goroutine" in err:
            raise Failed(f"it said {out!r}, {err[-2000:]!r}")

    def http(self):
        return http.client.HTTPConnection("127.0.0.1", self.port[self.http_port], timeout=60)

    def ask(self, connection, path, body=None):
        connection.request("POST" if body is not None else "GET", path, body)
        r = connection.getresponse()
        data = r.read()
        if r.status != 200:
            raise Failed(f"{path}: {r.status}")
        return data, r

    def get(self, path, body=None):
        c = self.http()
        data = self.ask(c, path, body)[0]
        c.close()
        return data

    def socket(self, port):
        return socket.create_connection(("127.0.0.1", self.port[port]), timeout=60)


class Service(Server):
    """The service of tests/net, which ends on request."""

    def __init__(self, directory, smp=2, options="lockrank", device=DEVICE):
        super().__init__(bundle(directory, SERVICE, (), options), smp,
                         (TCP, TLS, ECHO, SPLICE), READY, device, (UDP,))

    def __exit__(self, kind, value, trace):
        if kind:
            return super().__exit__(kind, value, trace)
        if self.get("/quit") != b"bye\n":
            raise Failed("no goodbye")
        out, err = self.process.communicate(timeout=60)
        if self.process.returncode or out or err:
            raise Failed(f"status {self.process.returncode}, {out!r}, {err[-2000:]!r}")


def bodies(s, size):
    """A large body in, a large one out: nothing is lost, nothing is damaged."""
    body = random.Random(1).randbytes(size)
    want = f"{size} {hashlib.sha256(body).hexdigest()} <nil>\n".encode()
    got = s.get("/sum", body)
    if got != want:
        raise Failed(f"a body of {size}: {got!r}, expected {want!r}")
    data, r = s.ask(s.http(), f"/blob?n={size}")
    if len(data) != size or hashlib.sha256(data).hexdigest() != r.headers["Sum"]:
        raise Failed(f"a blob of {size}: {len(data)} bytes of another sum")


def files(s, sizes=(1, 4096, 70000, 3000000)):
    """Files by sendfile, of memory and of the image; and one that is cut off while it is sent."""
    for path in [f"/file?n={n}" for n in sizes] + ["/file"]:
        data, r = s.ask(s.http(), path)
        if hashlib.sha256(data).hexdigest() != r.headers["Sum"]:
            raise Failed(f"{path}: {len(data)} bytes of another sum")
    for n in sizes:
        data = s.get(f"/cut?n={n}")
        if hashlib.sha256(data[:-64]).hexdigest().encode() != data[-64:] or len(data) <= 64:
            raise Failed(f"a file of {n} that is cut off: {len(data) - 64} bytes of another sum")


def keep_alive(s, count):
    c = s.http()
    for i in range(count):
        if s.ask(c, f"/hello?name=k{i}")[0] != f"hello, k{i}\n".encode():
            raise Failed(f"request {i} on one connection")
    c.close()


def many(s, count, threads=16):
    def one(i):
        want = b"late\n" if i % 5 == 0 else f"hello, {i}\n".encode()
        got = s.get("/slow" if i % 5 == 0 else f"/hello?name={i}")
        if got != want:
            raise Failed(f"connection {i}: {got!r}")
    with concurrent.futures.ThreadPoolExecutor(threads) as pool:
        list(pool.map(one, range(count)))


def half_close(s, size):
    """The echo continues after our half is closed; then it reports the number of bytes."""
    body = random.Random(2).randbytes(size)
    with s.socket(ECHO) as c:
        writer = threading.Thread(target=lambda: (c.sendall(body), c.shutdown(socket.SHUT_WR)))
        writer.start()
        got = b""
        while part := c.recv(65536):
            got += part
        writer.join()
    if got != body + f"\n{size} bytes\n".encode():
        raise Failed(f"echo of {size} bytes: {len(got)} came back")


def splices(s, size=2000000):
    """What goes through a pipe by splice and by other ways comes back as it went."""
    body = random.Random(5).randbytes(size)
    with s.socket(SPLICE) as c:
        writer = threading.Thread(target=lambda: (c.sendall(body), c.shutdown(socket.SHUT_WR)))
        writer.start()
        got = b""
        while part := c.recv(65536):
            got += part
        writer.join()
    if got != body:
        at = next((i for i, (a, b) in enumerate(zip(got, body)) if a != b), len(got))
        raise Failed(f"{size} bytes through a pipe: {len(got)} came back, different from {at} on")


def abort(s, count):
    """Clients that vanish leave no connections or memory behind."""
    for _ in range(count):
        c = s.socket(ECHO)
        c.sendall(b"x" * 10000)
        c.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        c.close()


def tls(s):
    context = ssl.create_default_context(cadata=s.get("/cert").decode())
    c = http.client.HTTPSConnection("127.0.0.1", s.port[TLS], timeout=60, context=context)
    for i in range(20):
        if s.ask(c, f"/hello?name=tls{i}")[0] != f"hello, tls{i}\n".encode():
            raise Failed(f"TLS request {i}")
    data, r = s.ask(c, "/blob?n=1000000")
    if hashlib.sha256(data).hexdigest() != r.headers["Sum"]:
        raise Failed("a blob by TLS has another sum")
    c.close()


def echo_of(c, body, before):
    """Is there an echo? One of those in `before` may come late or a second time."""
    c.send(body)
    while True:
        try:
            got = c.recv(65536)
        except TimeoutError:
            return False
        if got == body:
            return True
        if got not in before:
            raise Failed(f"datagram of {len(body)}: {len(got)} bytes came back")


def udp(s):
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as c:
        c.settimeout(2)
        c.connect(("127.0.0.1", s.port[UDP]))
        before = []
        for size in (1, 0, 100, 1400, 1472):
            body = random.Random(size).randbytes(size)
            if not any(echo_of(c, body, before) for _ in range(5)):     # it may get lost
                raise Failed(f"no echo of a datagram of {size} bytes")
            before.append(body)
        filtered(c, before)


def filtered(c, before):
    """The service's socket has a filter; what it cuts comes back cut, what it drops does not."""
    for _ in range(5):
        c.send(b"lost datagram")
        c.send(b"cut: datagram")
        try:
            while (got := c.recv(65536)) in before:
                pass
        except socket.timeout:
            continue
        if got != b"cut:":
            raise Failed(f"a filter that drops or cuts to 4 bytes left {got!r}")
        return
    raise Failed("a filter that cuts datagrams dropped them")


def everything(s, size=3000000, requests=300):
    keep_alive(s, requests)
    bodies(s, size)
    files(s)
    splices(s)
    many(s, 60)
    half_close(s, size)
    abort(s, 10)
    tls(s)
    udp(s)
    keep_alive(s, 10)


def test_service(directory):
    for smp in (1, 2, 4):
        with Service(directory, smp) as s:
            everything(s)


def test_plain_device(directory):
    """A device without its optional features."""
    device = DEVICE + ",mrg_rxbuf=off,event_idx=off,indirect_desc=off,ctrl_vq=off"
    with Service(directory, 2, device=device) as s:
        everything(s, 1000000, 50)


def test_faults(directory, device=DEVICE):
    """Packets are lost, doubled and delayed, and the device is reset now and then."""
    with Server(bundle(directory, SERVICE, (), "lockrank netfault=40 seed=1"), 2,
                (TCP, TLS, ECHO, SPLICE), READY, device, (UDP,)) as s:
        everything(s, 1000000, 200)


def test_link(directory, device=DEVICE):
    """The cable is pulled out for a while: connections live on."""
    monitor = os.path.join(directory, f"monitor-{device.split(',')[0]}")
    image = bundle(directory, SERVICE, (), "lockrank verbose")
    with Server(image, 2, (TCP, TLS, ECHO, SPLICE), READY, device, (UDP,),
                ("-monitor", monitor)) as s:
        c = s.http()
        s.ask(c, "/hello")
        monitor_send(monitor, "set_link n off")
        with concurrent.futures.ThreadPoolExecutor(1) as pool:
            answer = pool.submit(s.ask, c, "/hello?name=again")
            s.await_message(b"eth0: link down")     # the link is looked at once a second
            monitor_send(monitor, "set_link n on")
            if answer.result()[0] != b"hello, again\n":
                raise Failed("another answer")
        s.await_message(b"eth0: link up")


def test_options(directory):
    for options in ("lockrank preemptstress", "ipifault=3 lockrank", "stackmove gcstress=2000"):
        with Service(directory, 2, options) as s:
            everything(s, 300000, 50)


def test_e1000e(directory):
    """Another device, by the same tests: large bodies, IPv6, losses, a link that is down
    for a while."""
    for smp in (1, 2, 4):
        with Service(directory, smp, device=E1000E) as s:
            everything(s, 3000000 if smp == 2 else 300000, 50)
    with Service(directory, 2, "ipifault=3 lockrank preemptstress", E1000E) as s:
        everything(s, 300000, 50)
    test_ipv6(directory, E1000E)
    test_faults(directory, E1000E)
    test_link(directory, E1000E)


class Registers:
    """The PCI devices of a machine that runs, by QEMU's protocol for tests of devices."""

    def __init__(self, path):
        self.socket = socket.socket(socket.AF_UNIX)
        self.socket.settimeout(30)
        self.socket.connect(path)
        self.lines = self.socket.makefile("r")

    def ask(self, *words):
        self.socket.sendall(" ".join(map(str, words)).encode() + b"\n")
        answer = self.lines.readline().split()
        if not answer or answer[0] != "OK":
            raise Failed(f"{words}: {answer}")
        return int(answer[1], 16) if len(answer) > 1 else None

    def config(self, slot, register):
        self.ask("outl", 0xcf8, 1 << 31 | slot << 11 | register)
        return self.ask("inl", 0xcfc)

    def bar0(self, identity):
        """Where the device of bus 0 with these numbers has its registers."""
        for slot in range(32):
            if self.config(slot, 0) == identity:
                return self.config(slot, 0x10) & ~15
        raise Failed("there is no such device")


def lie(device, at):
    """A frame of 60000 bytes in a slot of the first receive ring: the one behind the next, which
    the next frame does not write over."""
    ring = device.ask("readl", at + 0x2800) | device.ask("readl", at + 0x2804) << 32
    head = device.ask("readl", at + 0x2810)
    device.ask("writeq", ring + 16 * ((head + 1) % 256) + 8, 60000 << 32 | 3)


def test_stuck_e1000e(directory):
    """The device lies, and its transmitter stops, behind the driver's back: it is reset each time,
    and connections live on."""
    path = os.path.join(directory, "qtest")
    extra = ("-qtest", f"unix:{path},server=on,wait=off", "-qtest-log", "/dev/null")
    with Server(bundle(directory, SERVICE), 1, (TCP, TLS, ECHO, SPLICE), READY, E1000E, (UDP,),
                extra=extra) as s:
        c = s.http()
        s.ask(c, "/hello")
        device = Registers(path)
        at = device.bar0(0x10d38086)
        for i in range(5):
            lie(device, at)     # a frame that comes just now may hide it
            if s.ask(c, f"/hello?name=l{i}")[0] != f"hello, l{i}\n".encode():
                raise Failed("another answer")
            bodies(s, 300000)
        device.ask("writel", at + 0x400, 0)     # TCTL: off
        start = time.monotonic()
        if s.ask(c, "/hello?name=again")[0] != b"hello, again\n":
            raise Failed("another answer")
        seconds = time.monotonic() - start
        if seconds < 4:
            raise Failed(f"the answer has come after {seconds:.1f} s: the device was not stuck")
        bodies(s, 300000)
        err = s.power_off()[1]
        lies = err.count(b"has received more than there was room for: reset\n")
        if not lies or err.count(b"has sent nothing for 5 s: reset\n") != 1:
            raise Failed(f"not reset, or too often: {err[-1000:]!r}")


class Host(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    blob = random.Random(3).randbytes(2000000)

    def log_message(self, *args):
        pass

    def answer(self, data):
        self.send_response(200)
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)

    def do_GET(self):
        self.answer(self.blob)

    def do_POST(self):
        body = self.rfile.read(int(self.headers["Content-Length"]))
        self.answer(f"{len(body)} {hashlib.sha256(body).hexdigest()}\n".encode())


class Lines(socketserver.StreamRequestHandler):
    def handle(self):
        for line in self.rfile:
            self.wfile.write(line)


def serve(server):
    server.daemon_threads = True
    threading.Thread(target=server.serve_forever, daemon=True).start()
    return server


def test_client(directory):
    """The guest dials the host, which QEMU shows as 10.0.2.2."""
    web = serve(http.server.ThreadingHTTPServer(("127.0.0.1", 0), Host))
    lines = serve(socketserver.ThreadingTCPServer(("127.0.0.1", 0), Lines))
    addresses = [f"10.0.2.2:{s.server_address[1]}" for s in (web, lines)]
    total = hashlib.sha256(Host.blob).hexdigest()
    want = (f"get: 200 OK, {len(Host.blob)} bytes, {total}\npost: {len(Host.blob)} {total}\n"
            "remote is true local is false\nlines: 100\nrefused: true\ndeadline: true\n"
            "closed: true\n")
    for smp in (1, 2):
        args = (*addresses, f"10.0.2.2:{free_port()}")
        expect(run(command(bundle(directory, SERVICE, args), smp)), 0, want, what=f"-smp {smp}")
    web.shutdown()
    lines.shutdown()


class Lines6(socketserver.ThreadingTCPServer):
    address_family = socket.AF_INET6


class Datagrams(socketserver.BaseRequestHandler):
    def handle(self):
        self.request[1].sendto(self.request[0], self.client_address)


class Datagrams6(socketserver.ThreadingUDPServer):
    address_family = socket.AF_INET6


class Bytes(socketserver.BaseRequestHandler):
    def handle(self):
        while data := self.request.recv(65536):
            self.request.sendall(data)


def test_ipv6(directory, device=DEVICE):
    """An address by the router's announcement, TCP and UDP to the host's ::1, a refusal."""
    streams = serve(Lines6(("::1", 0), Bytes))
    datagrams = serve(Datagrams6(("::1", 0), Datagrams))
    with socket.socket(socket.AF_INET6) as s:
        s.bind(("::1", 0))
        nobody = s.getsockname()[1]
    want = ("local: true\nstream: 1048576 true <nil>\ndatagram: 1 true\ndatagram: 1000 true\n"
            "datagram: 1200 true\nrefused: true\nown address: true\n")
    args = [str(n) for n in (streams.server_address[1], datagrams.server_address[1], nobody)]
    for smp in (1, 2):
        expect(run(command(bundle(directory, "./tests/net/six", args), smp, device=device)), 0,
               want, what=f"-smp {smp}")
    streams.shutdown()
    datagrams.shutdown()


def test_web(directory):
    """apps/web: values by HTTP and HTTPS, and a profile."""
    ready = b'web: HTTP at ":8080", HTTPS at ":8443"\n'
    with Server(bundle(directory, "./apps/web"), 2, (TCP, TLS), ready) as s:
        c = http.client.HTTPSConnection("127.0.0.1", s.port[TLS], timeout=60, context=(
            ssl.create_default_context(cadata=s.get("/cert").decode())))
        for method, path, body, status, want in (
                ("PUT", "/kv/a", b"one", 204, b""), ("PUT", "/kv/b", b"three", 204, b""),
                ("GET", "/kv/b", None, 200, b"three"), ("GET", "/kv/", None, 200, b"a\nb\n"),
                ("DELETE", "/kv/a", None, 204, b""), ("GET", "/kv/a", None, 404, None),
                ("GET", "/", None, 200, b"1 values, 5 bytes\n")):
            c.request(method, path, body)
            r = c.getresponse()
            got = r.read()
            if r.status != status or want not in (None, got):
                raise Failed(f"{method} {path}: {r.status}, {got!r}")
        profile = s.get("/debug/pprof/profile?seconds=1")
        if profile[:2] != b"\x1f\x8b":
            raise Failed(f"the profile is {profile[:100]!r}")


def test_proxy(directory):
    """apps/proxy: from the host through the guest to the host."""
    web = serve(http.server.ThreadingHTTPServer(("127.0.0.1", 0), Host))
    target = f"10.0.2.2:{web.server_address[1]}"
    ready = f"proxy: from [::]:8080 to {target}\n".encode()
    with Server(bundle(directory, "./apps/proxy", (":8080", target)), 2, (TCP,), ready) as s:
        body = random.Random(4).randbytes(1000000)
        sum_of_it = hashlib.sha256(body).hexdigest()
        for _ in range(5):
            if s.get("/") != Host.blob:
                raise Failed("a blob by the proxy is another one")
            if s.get("/", body) != f"{len(body)} {sum_of_it}\n".encode():
                raise Failed("a body by the proxy has another sum")
    web.shutdown()


if __name__ == "__main__":
    main([test_service, test_client, test_ipv6, test_plain_device, test_options, test_faults,
          test_link, test_e1000e, test_stuck_e1000e, test_web, test_proxy])
