"""clients - apps/web and apps/proxy, used by the clients that people use: curl, h2load, wrk, go
tool pprof; with the word slow, by a browser."""
import hashlib
import http.server
import os
import random
import re
import shutil
import subprocess
import sys
import threading

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from net import TCP, TLS, Server, bundle  # noqa: E402

from boot import Failed, main  # noqa: E402  (net has set the path)

WEB_READY = b'web: HTTP at ":8080", HTTPS at ":8443"\n'


def client(setup, *command, stdin=b"", timeout=120, **environment):
    """What a client of the host prints; it has to end with status 0."""
    if not shutil.which(command[0]):
        raise Failed(f"{command[0]} is not installed: run scripts/setup {setup}")
    r = subprocess.run(command, input=stdin, capture_output=True, timeout=timeout,
                       env={**os.environ, "no_proxy": "*", **environment})
    if r.returncode:
        raise Failed(f"{command[0]}: status {r.returncode}: {(r.stdout + r.stderr)[-800:]!r}")
    return r.stdout


def figure(pattern, text, what):
    m = re.search(pattern, text)
    if not m:
        raise Failed(f"{what} does not say {pattern!r}: {text[-800:]!r}")
    return int(m[1])


def web(directory, smp=2):
    return Server(bundle(directory, "./apps/web"), smp, (TCP, TLS), WEB_READY)


def test_curl(directory):
    """HTTP/1.1 and HTTP/2 under TLS, a large body that waits for 100 Continue, a part, a HEAD."""
    body = random.Random(6).randbytes(3000000)
    with web(directory) as s:
        cert = os.path.join(directory, "cert.pem")
        with open(cert, "wb") as f:
            f.write(s.get("/cert"))
        plain, safe = f"http://localhost:{s.port[TCP]}", f"https://localhost:{s.port[TLS]}"

        def curl(*words, stdin=b""):
            return client("test", "curl", "-sS", "--cacert", cert, *words, stdin=stdin)
        for flag, base, version in (("--http1.1", plain, b"1.1"), ("--http1.1", safe, b"1.1"),
                                    ("--http2", safe, b"2")):
            said = curl(flag, "-T", "-", "-w", "%{http_version} %{http_code}",
                        f"{base}/kv/large", stdin=body)
            if said != version + b" 204":
                raise Failed(f"PUT by curl {flag}: {said!r}")
            if curl(flag, f"{base}/kv/large") != body:
                raise Failed(f"GET by curl {flag}: another body")
            head = curl(flag, "-I", f"{base}/kv/large").lower()
            if f"content-length: {len(body)}\r\n".encode() not in head:
                raise Failed(f"HEAD by curl {flag}: {head!r}")
        said = curl("-H", "Expect: 100-continue", "--data-binary", "@-", "-X", "PUT", "-v",
                    "-w", "%{http_code}", f"{plain}/kv/awaited", stdin=body[:100000])
        if said != b"204":
            raise Failed(f"PUT after 100 Continue: {said!r}")
        # Eight transfers at a time over one connection of HTTP/2.
        urls = [x for n in range(40) for x in ("-o", os.path.join(directory, f"got{n}"),
                                               f"{safe}/kv/large")]
        curl("-Z", "--parallel-max", "8", *urls)
        for n in range(40):
            with open(os.path.join(directory, f"got{n}"), "rb") as f:
                if f.read() != body:
                    raise Failed(f"transfer {n} of 40 brought another body")
        answer = curl("-H", "Accept: text/html", plain + "/")
        if b"<script>" not in answer or b"2 values, 3100000 bytes" not in curl(plain + "/"):
            raise Failed(f"the page and the count: {answer[:200]!r}")


def test_load(directory):
    """h2load and wrk: every request is answered, with the right status. No figure of time."""
    with web(directory) as s:
        client("test", "curl", "-sS", "-T", "-", f"http://localhost:{s.port[TCP]}/kv/x",
               stdin=b"y" * 1000)
        for words, port, scheme in ((("-c", "4", "-m", "10"), TLS, "https"),
                                    (("-c", "8", "--h1"), TCP, "http")):
            said = client("test", "h2load", "-n", "2000", *words,
                          f"{scheme}://localhost:{s.port[port]}/kv/x").decode()
            for pattern, want in ((r"(\d+) succeeded", 2000), (r"(\d+) failed", 0),
                                  (r"(\d+) errored", 0), (r"(\d+) timeout", 0),
                                  (r"(\d+) 2xx", 2000)):
                if figure(pattern, said, "h2load") != want:
                    raise Failed(f"h2load {' '.join(words)}: {said[-800:]!r}")
        said = client("test", "wrk", "-t", "1", "-c", "16", "-d", "2s",
                      f"http://localhost:{s.port[TCP]}/kv/x").decode()
        if not figure(r"(\d+) requests in", said, "wrk") or "errors" in said or "Non-2xx" in said:
            raise Failed(f"wrk: {said!r}")


def test_pprof(directory):
    """go tool pprof asks the service for its profiles, and finds the functions' names."""
    with web(directory) as s:
        base = f"http://localhost:{s.port[TCP]}"
        stop = threading.Event()

        def work():
            while not stop.is_set():
                s.get("/kv/", None)
        worker = threading.Thread(target=work)
        worker.start()
        try:
            for path, name in (("profile?seconds=2", "net/http."), ("heap", "flat"),
                               ("goroutine", "net/http."), ("allocs", "net/http.")):
                top = client("test", "go", "tool", "pprof", "-top", "-cum",
                             f"{base}/debug/pprof/{path}", PPROF_TMPDIR=directory).decode()
                if name not in top:
                    raise Failed(f"go tool pprof .../{path} lacks {name!r}: {top[-800:]!r}")
        finally:
            stop.set()
            worker.join()


class Files(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    blob = random.Random(7).randbytes(200000)

    def log_message(self, *args):
        pass

    def do_GET(self):
        self.send_response(200)
        self.send_header("Content-Length", str(len(self.blob)))
        self.end_headers()
        self.wfile.write(self.blob)


def test_proxied(directory):
    """curl and wrk by way of apps/proxy to a server of the host."""
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Files)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    target = f"10.0.2.2:{server.server_address[1]}"
    ready = f"proxy: from [::]:8080 to {target}\n".encode()
    with Server(bundle(directory, "./apps/proxy", (":8080", target)), 2, (TCP,), ready) as s:
        url = f"http://localhost:{s.port[TCP]}/"
        got = client("test", "curl", "-sS", url, url, url)
        want = hashlib.sha256(Files.blob * 3).digest()
        if hashlib.sha256(got).digest() != want:
            raise Failed(f"three transfers by the proxy: {len(got)} bytes, another sum")
        said = client("test", "wrk", "-t", "1", "-c", "8", "-d", "2s", url).decode()
        if not figure(r"(\d+) requests in", said, "wrk") or "errors" in said:
            raise Failed(f"wrk by the proxy: {said!r}")
    server.shutdown()


def test_browser(directory):
    """Chromium shows the page: its script has fetched the keys and the values."""
    with web(directory) as s:
        base = f"localhost:{s.port[TCP]}"
        for key, value in ((b"colour", b"green"), (b"<b>", b"&amp;")):
            client("slow", "curl", "-sS", "-T", "-",
                   f"http://{base}/kv/{key.decode().replace('<', '%3C').replace('>', '%3E')}",
                   stdin=value)
        quiet = ["--disable-background-networking", "--disable-component-update",
                 "--disable-sync", "--disable-quic", "--no-first-run"]
        for url in (f"http://{base}/", f"https://localhost:{s.port[TLS]}/"):
            page = client("slow", "chromium", "--headless", "--no-sandbox", "--disable-gpu",
                          "--ignore-certificate-errors", *quiet,
                          f"--user-data-dir={directory}/chromium", "--timeout=60000",
                          "--virtual-time-budget=60000", "--dump-dom", url).decode()
            for want in ("<td>colour</td><td>green</td>", "<td>&lt;b&gt;</td><td>&amp;amp;</td>",
                         '<p id="count">2 values, 10 bytes'):
                if want not in page:
                    raise Failed(f"the page at {url} lacks {want!r}: {page[-800:]!r}")


if __name__ == "__main__":
    main([test_curl, test_load, test_pprof, test_proxied], slow=[test_browser])
