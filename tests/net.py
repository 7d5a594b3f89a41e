"""net - a Go service behind a network device, asked by real clients over QEMU's user network."""
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
from boot import MKBUNDLE, QEMU, ROOT, Failed, expect, main, program, run  # noqa: E402

SERVICE = "./tests/net/service"
TCP, TLS, ECHO, UDP = 8080, 8443, 9001, 9000
DEVICE = "virtio-net-pci,netdev=n"
READY = b"hello, loopback\nserving\n"


def free_port(kind=socket.SOCK_STREAM):
    with socket.socket(socket.AF_INET, kind) as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]


def built(directory):
    path = os.path.join(directory, "service.elf")
    return path if os.path.exists(path) else program(SERVICE, directory)


def bundle(directory, args=(), options="lockrank"):
    out = os.path.join(directory, f"bundle{abs(hash((*args, options)))}")
    expect(run([MKBUNDLE, "-o", out, "--init", built(directory), "--options", options,
                "--args", "service", *args]), 0, what="mkbundle")
    return out


def command(image, smp, netdev="user,id=n", device=DEVICE, seconds=200):
    return [QEMU, "-bundle", image, "-smp", str(smp), "-timeout", f"{seconds}s", "--",
            "-netdev", netdev, "-device", device]


class Service:
    """The program in a machine of its own, with its ports on 127.0.0.1 of the host."""

    def __init__(self, directory, smp=2, options="lockrank", device=DEVICE):
        self.port = {n: free_port() for n in (TCP, TLS, ECHO)}
        self.port[UDP] = free_port(socket.SOCK_DGRAM)
        forward = "".join(f",hostfwd={'udp' if n == UDP else 'tcp'}:127.0.0.1:{h}-:{n}"
                          for n, h in self.port.items())
        self.process = subprocess.Popen(
            command(bundle(directory, (), options), smp, f"user,id=n{forward}", device),
            cwd=ROOT, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE)

    def __enter__(self):
        got = b""
        while not got.endswith(b"serving\n"):
            part = os.read(self.process.stdout.fileno(), 4096)
            if not part:
                raise Failed(f"no service: {got!r} {self.process.communicate()[1][-2000:]!r}")
            got += part
        if got != READY:
            raise Failed(f"the service said {got!r}")
        return self

    def __exit__(self, kind, value, trace):
        if kind:
            self.process.terminate()    # the power button; twice ends the machine
            time.sleep(0.5)
            self.process.terminate()
            out, err = self.process.communicate()
            print("      the service's end:", (out + err)[-1500:].decode("utf-8", "replace"))
            return
        if self.get("/quit") != b"bye\n":
            raise Failed("no goodbye")
        out, err = self.process.communicate(timeout=60)
        if self.process.returncode or out or err:
            raise Failed(f"status {self.process.returncode}, {out!r}, {err[-2000:]!r}")

    def http(self):
        return http.client.HTTPConnection("127.0.0.1", self.port[TCP], timeout=60)

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
    """The echo goes on after our half is shut; then it says how much it was."""
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


def abort(s, count):
    """Clients that go away without a word leave nothing behind."""
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


def udp(s):
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as c:
        c.settimeout(2)
        c.connect(("127.0.0.1", s.port[UDP]))
        for size in (1, 0, 100, 1400, 1472):
            body = random.Random(size).randbytes(size)
            for _ in range(5):          # a datagram may get lost
                c.send(body)
                try:
                    got = c.recv(65536)
                    break
                except TimeoutError:
                    continue
            else:
                raise Failed(f"no echo of a datagram of {size} bytes")
            if got != body:
                raise Failed(f"datagram of {size}: {len(got)} bytes came back")


def everything(s, size=3000000, requests=300):
    keep_alive(s, requests)
    bodies(s, size)
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
    """Without what a device may leave out."""
    device = DEVICE + ",mrg_rxbuf=off,event_idx=off,indirect_desc=off,ctrl_vq=off"
    with Service(directory, 2, device=device) as s:
        everything(s, 1000000, 50)


def test_options(directory):
    for options in ("lockrank preemptstress", "ipifault=3 lockrank", "stackmove gcstress=2000"):
        with Service(directory, 2, options) as s:
            everything(s, 300000, 50)


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


def test_client(directory):
    """The guest dials the host, which QEMU shows as 10.0.2.2."""
    web = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Host)
    lines = socketserver.ThreadingTCPServer(("127.0.0.1", 0), Lines)
    for server in (web, lines):
        server.daemon_threads = True
        threading.Thread(target=server.serve_forever, daemon=True).start()
    addresses = [f"10.0.2.2:{s.server_address[1]}" for s in (web, lines)]
    total = hashlib.sha256(Host.blob).hexdigest()
    want = (f"get: 200 OK, {len(Host.blob)} bytes, {total}\npost: {len(Host.blob)} {total}\n"
            "remote is true local is false\nlines: 100\nrefused: true\ndeadline: true\n"
            "closed: true\n")
    for smp in (1, 2):
        args = (*addresses, f"10.0.2.2:{free_port()}")
        expect(run(command(bundle(directory, args), smp)), 0, want, what=f"-smp {smp}")
    web.shutdown()
    lines.shutdown()


if __name__ == "__main__":
    main([test_service, test_client, test_plain_device, test_options])
