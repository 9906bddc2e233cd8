#!/usr/bin/env python3
"""The HTTP listener under raw sockets: who may ask, what is refused, how long a connection may go on, what many clients cost."""
import contextlib
import os
import re
import resource
import select
import socket
import subprocess
import threading
import time

import harness

PROGRAM = str(harness.BUILD / "tests/unit/serve/serve_listener")
ROUTES = ("/", "/metrics", "/healthz", "/status")
PLACES, HEAD_S, LIFE_S = 64, 5, 60
NAME, PROXIED = "metrics.example", "proxied.example:443"
TOKEN = "7Qk2tV0pXb9LrJ4sYw8ZcA"  # 22 characters
HEADERS = {
    "content-security-policy": "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; "
                               "base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
    "x-content-type-options": "nosniff", "referrer-policy": "no-referrer", "cross-origin-opener-policy": "same-origin",
    "cross-origin-resource-policy": "same-origin", "cache-control": "no-store",
}


class Listener:
    """The program under test: counts as long as its standard input is open."""

    def __init__(self, host="127.0.0.1", token="-", names=(NAME, PROXIED), before=None):
        self.process = subprocess.Popen([PROGRAM, host, "0", token, *names], stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                                        stderr=subprocess.PIPE, text=True, preexec_fn=before)
        self.address = self.process.stdout.readline().strip()
        assert self.address, f"did not start: {self.process.stderr.read()}"
        self.ip, _, port = self.address.rpartition(":")
        self.port = int(port)

    def connect(self, source=None):
        return socket.create_connection((self.ip.strip("[]").replace("0.0.0.0", "127.0.0.1"), self.port), 30,
                                        source_address=(source, 0) if source else None)

    def send(self, request, source=None):
        """Everything that comes back until the server closes; b"" also for a reset."""
        with self.connect(source) as client, contextlib.suppress(ConnectionError):
            client.sendall(request)
            return read_all(client)
        return b""

    def ask(self, route="/healthz", host=None, method="GET", *headers, **options):
        lines = [f"{method} {route} HTTP/1.1", f"Host: {host or self.address}", "Connection: close", *headers, "", ""]
        return Answer(self.send("\r\n".join(lines).encode("latin-1"), **options))

    def cpu_s(self):
        with open(f"/proc/{self.process.pid}/stat", encoding="ascii") as file:
            fields = file.read().rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")

    def descriptors(self):
        return len(os.listdir(f"/proc/{self.process.pid}/fd"))

    def count(self):
        """Asks again when the place was given to another before the question was sent, as it is when all are taken."""
        for _ in range(20):
            if data := self.ask("/status", None, "GET", *self.credentials()).data:
                return int(re.search(rb'"first":(\d+)', data)[1])
        raise AssertionError("no answer to 20 questions")

    def credentials(self):
        return ()

    def stop(self):
        """The last count; whatever a sanitizer has to say fails."""
        printed, errors = self.process.communicate(timeout=60)
        assert self.process.returncode == 0 and not errors, f"exit {self.process.returncode}: {errors}"
        return int(printed)


@contextlib.contextmanager
def listening(**options):
    listener = Listener(**options)
    try:
        yield listener
        listener.stop()
    finally:
        if listener.process.poll() is None:
            listener.process.kill()
            listener.process.communicate()


class Answer:
    def __init__(self, data):
        self.data = data
        head, _, self.body = data.partition(b"\r\n\r\n")
        first, *lines = head.decode("latin-1").split("\r\n")
        self.status = int(first.split()[1]) if first else 0
        self.headers = {name.lower(): value.strip() for name, _, value in (line.partition(":") for line in lines)}

    def is_ours(self):
        return all(self.headers.get(name) == value for name, value in HEADERS.items())


def read_all(client):
    data = b""
    while piece := client.recv(1 << 16):
        data += piece
    return data


def request(route, *headers, version="HTTP/1.1"):
    return "\r\n".join([f"GET {route} {version}", *headers, "Connection: close", "", ""]).encode("latin-1")


def test_routes(world):
    types = {"/": "text/plain; charset=utf-8", "/metrics": "text/plain; version=0.0.4; charset=utf-8",
             "/healthz": "application/json; charset=utf-8", "/status": "application/json; charset=utf-8"}
    with listening() as listener:
        for route, kind in types.items():
            answer = listener.ask(route)
            assert answer.status == 200 and answer.headers["content-type"] == kind and answer.is_ours(), (route, answer.data[:500])
            assert len(answer.body) == int(answer.headers["content-length"])
            assert "server" not in answer.headers and not any(name.startswith("access-control") for name in answer.headers)
            head = listener.ask(route, None, "HEAD")
            assert head.status == 200 and head.body == b"" and int(head.headers["content-length"]) > 0 and head.is_ours(), route


def test_twenty_hosts_on_every_route(world):
    with listening() as listener:
        port = listener.port
        good = [f"127.0.0.1:{port}", f"localhost:{port}", f"[::1]:{port}", f"{NAME}:{port}", "proxied.example:443", "proxied.example"]
        bad = ["", "127.0.0.1", "localhost", f"127.0.0.1:{port + 1}", f"127.0.0.1:0{port}", f"evil.example:{port}", "evil.example",
               f"127.0.0.1.evil:{port}", f"localhost.:{port}", f"LOCALHOST:{port}", f"Metrics.Example:{port}", f"user@127.0.0.1:{port}",
               f"0.0.0.0:{port}", f"[::]:{port}", f"127.1:{port}", f"2130706433:{port}", f"127.0.0.1:{port}, evil.example",
               f"[::ffff:127.0.0.1]:{port}", f"{NAME}", f"http://127.0.0.1:{port}"]
        for route in (*ROUTES, "/none"):
            for host in good:
                assert Answer(listener.send(request(route, f"Host: {host}"))).status == (404 if route == "/none" else 200), (route, host)
            cases = [[f"Host: {host}"] for host in bad]
            cases += [[], [f"Host: {listener.address}"] * 2, ["Host: evil.example", f"Host: {listener.address}"],
                      [f"Host: {listener.address}", "Host: evil.example"], [f"X-Forwarded-Host: {listener.address}"]]
            for headers in cases:
                answer = Answer(listener.send(request(route, *headers)))
                assert answer.status == 421 and answer.is_ours(), (route, headers, answer.data[:300])
            for target in (f"http://{listener.address}{route}", f"http://evil.example{route}", "*", listener.address):
                answer = Answer(listener.send(request(target, f"Host: {listener.address}")))
                assert answer.status == 421, (target, answer.data[:300])
            assert Answer(listener.send(request(route, version="HTTP/1.0"))).status == 421
    harness.figure(f"{len(bad) + 5 + 4} wrong hosts on {len(ROUTES) + 1} routes: 421")


def test_other_sites_are_refused(world):
    with listening() as listener:
        for headers, status in ((["Origin: http://evil.example"], 403), (["Origin: null"], 403),
                                ([f"Origin: http://localhost:{listener.port + 1}"], 403), (["Sec-Fetch-Site: cross-site"], 403),
                                (["Sec-Fetch-Site: same-site"], 403), (["Sec-Fetch-Site: same-origin", "Sec-Fetch-Site: cross-site"], 400),
                                ([f"Origin: http://{listener.address}", "Origin: http://evil.example"], 400),
                                (["Sec-Fetch-Site: same-origin", f"Origin: http://{listener.address}"], 200),
                                (["Sec-Fetch-Site: none"], 200)):
            for route in ROUTES:
                answer = listener.ask(route, None, "GET", *headers)
                assert answer.status == status and not any(name.startswith("access-control") for name in answer.headers), (headers, route)


def test_methods(world):
    with listening() as listener:
        for method in ("POST", "PUT", "DELETE", "PATCH", "OPTIONS", "TRACE", "CONNECT", "get", "PROPFIND"):
            answer = listener.ask("/status", None, method)
            assert answer.status == 405 and answer.headers["allow"] == "GET, HEAD" and answer.is_ours(), (method, answer.data[:200])


def test_paths_reach_no_file(world):
    with listening() as listener:
        for path in ("/..%2f..%2fetc/passwd", "/../../../../etc/passwd", "/%2e%2e/%2e%2e/etc/passwd", "/metrics%00", "/metrics%00.txt",
                     "/metrics/", "//metrics", "/./metrics", "/metrics/..", "/Metrics", "/%6detrics", "/metrics;x=1", "/metrics\\",
                     "/etc/passwd", "/proc/self/environ", "/status.json", "/" + "a" * 4000):
            answer = listener.ask(path)
            assert answer.status == 404 and b"root:" not in answer.data and answer.is_ours(), (path, answer.data[:200])
        assert listener.ask("/metrics?x=../../etc/passwd%00").status == 200, "what follows '?' decides nothing"


def test_ambiguous_lengths_are_refused(world):
    """CL+TE, TE+CL, twice CL, odd TE: 400, and what follows on the connection is never taken for a request."""
    inner = b"GET /status HTTP/1.1\r\nHost: %s\r\n\r\n"
    with listening() as listener:
        host = f"Host: {listener.address}"
        for headers in (["Content-Length: 6", "Transfer-Encoding: chunked"], ["Transfer-Encoding: chunked", "Content-Length: 6"],
                        ["Content-Length: 0", "Transfer-Encoding: chunked"], ["Content-Length: 6", "Content-Length: 0"],
                        ["Content-Length: 0", "Content-Length: 0"], ["Content-Length: +6"], ["Content-Length: -1"], ["Content-Length: 6"],
                        ["Content-Length: 0x6"], ["Content-Length: 99999999999999999999999999"], ["Transfer-Encoding: chunked"],
                        ["Transfer-Encoding: xchunked"], ["Transfer-Encoding: chunked, identity"], ["Content-Length: 6, 0"]):
            head = "\r\n".join(["GET /metrics HTTP/1.1", host, *headers, "", ""]).encode()
            data = listener.send(head + b"0\r\n\r\nX" + inner % listener.address.encode())
            assert not data or data.startswith(b"HTTP/1.1 4"), (headers, data[:300])
            assert data.count(b"HTTP/1.") == data.count(b"HTTP/1.1 4") and b'"first"' not in data, (headers, data[:300])


def test_odd_headers_are_refused(world):
    """A name that only looks like one that decides, and bytes that no header may hold."""
    with listening() as listener:
        for header in ("Host : evil.example", "Transfer-Encoding : chunked", "Content-Length\t: 6", "X(Y): 1", "X-Bell: \a", "X-Delete: \x7f",
                       "X-Escape: \x1b[31m", " : 1", "X Y: 1"):
            data = listener.send(request("/status", f"Host: {listener.address}", header))
            assert data.startswith(b"HTTP/1.1 4") and b'"first"' not in data, (header, data[:200])
        assert listener.ask("/healthz", None, "GET", "X-Tab: a\tb", "X-Latin: \xe4", "X-Empty:").status == 200


def test_bad_chunks(world):
    with listening() as listener:
        host = f"Host: {listener.address}"
        for chunks in (b"zz\r\n", b"-1\r\n", b"ffffffffffffffffff\r\n", b"5;ext=\"\r\nhello\r\n0\r\n\r\n", b"5\r\nhelloXX", b"0\r\nHost: evil\r\n\r\n", b"\0"):
            data = listener.send("\r\n".join(["POST /status HTTP/1.1", host, "Transfer-Encoding: chunked", "", ""]).encode() + chunks)
            assert not data or data.startswith(b"HTTP/1.1 4"), (chunks, data[:200])
            assert data.count(b"HTTP/1.") <= 1, data[:300]
        assert listener.ask().status == 200


def test_versions(world):
    with listening() as listener:
        host = f"Host: {listener.address}"
        for version, status in (("HTTP/1.0", 200), ("HTTP/1.1", 200)):
            assert Answer(listener.send(request("/healthz", host, version=version))).status == status, version
        for version in ("HTTP/0.9", "HTTP/1.2", "HTTP/1.9", "HTTP/2.0", "HTTP/9.9", "HTTP/1.10", "HTTP/1", "http/1.1", "FTP/1.1", ""):
            data = listener.send(request("/healthz", host, version=version))
            assert b'"verdict"' not in data, (version, data[:200])
        assert listener.ask().status == 200


def test_load_bytes_that_are_no_http(world):
    with listening() as listener:
        for data in (b"\r\n" * 5000, b"\0" * 9000, b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + b"A" * 500, b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
                     b"GET\r\n\r\n", b"GET /status\r\n\r\n", b"GET /status HTTP/1.1\nHost: evil.example\n\n"):
            with listener.connect() as client, contextlib.suppress(ConnectionError):
                client.sendall(data)
                client.shutdown(socket.SHUT_WR)
                assert b'"first"' not in read_all(client), data[:40]
        assert listener.ask().status == 200


def test_nothing_sent_comes_back_in_a_header(world):
    """CR, LF and quotes in the path, a header or a host do not reach the head of the answer."""
    with listening() as listener:
        for path in ("/%0d%0aX-Evil:%201", "/\rX-Evil: 1", "/?%0d%0aX-Evil:1", "/<script>alert(1)</script>", "/\x1b[31m"):
            answer = listener.ask(path)
            assert "x-evil" not in answer.headers and b"<script>" not in answer.data and b"\x1b" not in answer.data, (path, answer.data[:300])
        for header in ("X-Request-Id: a\rX-Evil: 1", "Origin: http://evil\tX-Evil: 1", "Cookie: <script>"):
            answer = listener.ask("/status", None, "GET", header)
            assert "x-evil" not in answer.headers and b"<script>" not in answer.data, (header, answer.data[:300])


def test_heads_have_a_maximum(world):
    """8 KB of headers; a head of 1 MB costs neither the memory nor the time of reading it."""
    with listening() as listener:
        assert listener.ask("/healthz", None, "GET", "X-Long: " + "a" * 6000).status == 200
        answer = listener.ask("/healthz", None, "GET", "X-Long: " + "a" * 8200)
        assert answer.status == 431 and b'"verdict"' not in answer.data, answer.data[:200]
        for head in ("X-Long: " + "a" * (1 << 20), "\r\n".join(f"X-{i}: {i}" for i in range(60000)), "a" * (1 << 20)):
            assert b"HTTP/1.1 200" not in listener.send(f"GET /healthz HTTP/1.1\r\nHost: {listener.address}\r\n{head}\r\n\r\n".encode())
        assert b"HTTP/1.1 200" not in listener.send(b"GET /" + b"a" * (1 << 20) + b" HTTP/1.1\r\n\r\n")
        assert listener.ask().status == 200


def test_pipelining_is_answered_in_order_and_bounded(world):
    with listening() as listener:
        one = f"GET {{}} HTTP/1.1\r\nHost: {listener.address}\r\n\r\n"
        data = listener.send("".join(one.format(route) for route in ("/healthz", "/none", "/healthz")).encode()
                             + request("/", f"Host: {listener.address}"))
        assert re.findall(rb"HTTP/1.1 (\d+)", data) == [b"200", b"404", b"200", b"200"], data[:2000]
        with listener.connect() as client, contextlib.suppress(ConnectionError):
            client.sendall(one.format("/healthz").encode() * 150)
            data = read_all(client)
        answers = len(re.findall(rb"HTTP/1.1 200", data))
        assert answers == 100, f"{answers} answers on one connection"


def test_slow_head_has_a_deadline(world):
    """Slowloris: a byte now and then does not buy time; neither does an answer that was sent before."""
    with listening() as listener:
        clients = [listener.connect() for _ in range(40)]
        head = f"GET /healthz HTTP/1.1\r\nHost: {listener.address}\r\n"
        for client in clients[20:]:
            client.sendall(head.encode() + b"\r\n")
        started, closed_at = time.monotonic(), {}
        while len(closed_at) < len(clients) and time.monotonic() - started < 30:
            time.sleep(0.5)
            for client in clients:
                if client in closed_at:
                    continue
                try:
                    client.sendall(b"X")
                    while select.select([client], [], [], 0)[0]:
                        if not client.recv(65536):
                            raise ConnectionError
                except ConnectionError:
                    closed_at[client] = time.monotonic() - started
        for client in clients:
            client.close()
        assert len(closed_at) == 40, f"{40 - len(closed_at)} slow clients were still served after 30 s"
        assert min(closed_at.values()) > HEAD_S - 1.5, f"closed after {min(closed_at.values()):.1f} s"
        assert listener.ask().status == 200
    harness.figure(f"40 slow heads ended {min(closed_at.values()):.1f} to {max(closed_at.values()):.1f} s after they began")


def test_load_ten_thousand_idle_sockets(world):
    """They hold 64 places at most, and those give way to whoever asks something."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = 10000
    limit = min(hard, wanted + 200) if hard != resource.RLIM_INFINITY else wanted + 200
    resource.setrlimit(resource.RLIMIT_NOFILE, (max(soft, limit), hard))
    sockets = min(wanted, max(soft, limit) - 100)
    idle = []
    try:
        with listening() as listener:
            before = listener.descriptors()
            for i in range(sockets):
                client = socket.socket()
                client.setblocking(False)
                client.connect_ex(("127.0.0.1", listener.port))
                idle.append(client)
                if i % 500 == 499:
                    assert listener.ask().status == 200, f"no answer with {i + 1} idle sockets"
                    assert listener.descriptors() <= before + PLACES, listener.descriptors()
            count = listener.count()
            time.sleep(0.5)
            assert listener.count() > count, "the program stood still"
    finally:
        for client in idle:
            client.close()
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
    harness.figure(f"{sockets} idle sockets, never more than {PLACES} served")


def test_load_slow_scrapers_see_whole_snapshots(world):
    """1,000 scrapers, 100 at a time, that read 1 MB slowly: no torn body, the counting goes on, memory is given back."""
    torn, read, lock = [], [], threading.Lock()

    def scrape(listener):
        for _ in range(10):
            with contextlib.suppress(ConnectionError), listener.connect() as client:
                client.sendall(request("/metrics", f"Host: {listener.address}"))
                data = b""
                while piece := client.recv(65536):
                    data += piece
                    time.sleep(0.005)
                if not data:  # more ask at once than there are places, and this one was slow to ask
                    continue
                body = Answer(data).body
                found = re.match(rb"first (\d+)\nsecond (\d+)\n", body)
                with lock:
                    read.append(len(body))
                    if not found or found[1] != found[2] or len(body) < 1 << 20:
                        torn.append(data[:200] + b"...%d" % len(data))

    with listening() as listener:
        first = listener.count()
        threads = [threading.Thread(target=scrape, args=(listener,)) for _ in range(100)]
        for thread in threads:
            thread.start()
        time.sleep(0.5)
        middle = listener.count()
        for thread in threads:
            thread.join()
        last = listener.count()
        assert not torn, torn[:3]
        assert first < middle < last, (first, middle, last)
        assert len(read) >= 900, f"{len(read)} of 1000 scrapers got an answer"
    harness.figure(f"{len(read)} slow scrapers read {sum(read) >> 20} MB while the program counted from {first} to {last}")


def test_load_readers_that_stop_reading_are_ended(world):
    """A client that asks and never reads: its connection ends, and meanwhile others are served."""
    with listening() as listener:
        asked, stuck, before = PLACES - 4, [], listener.descriptors()
        for _ in range(asked):
            client = socket.socket()
            client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
            client.connect(("127.0.0.1", listener.port))
            client.sendall(request("/metrics", f"Host: {listener.address}"))
            stuck.append(client)
        assert listener.ask().status == 200
        assert listener.descriptors() >= before + asked, "the clients are not stuck"
        started = time.monotonic()
        while listener.descriptors() > before and time.monotonic() < started + LIFE_S + 20:
            time.sleep(0.2)
        ended_s, left = time.monotonic() - started, listener.descriptors() - before
        for client in stuck:
            client.close()
        assert left <= 0, f"{left} connections are still open after {ended_s:.0f} s"
    harness.figure(f"{asked} clients that read nothing were ended after {ended_s:.1f} s")


def test_no_descriptors_left(world):
    """accept() fails with EMFILE: the thread waits instead of spinning, and serves again afterwards."""
    limit = 16
    with listening(before=lambda: resource.setrlimit(resource.RLIMIT_NOFILE, (limit, limit))) as listener:
        clients = [listener.connect() for _ in range(40)]
        # The counting of the program has a share of its own, so the thread is asked for its time.
        def thread_cpu_s():
            ticks = []
            for task in os.listdir(f"/proc/{listener.process.pid}/task"):
                if int(task) != listener.process.pid:
                    with open(f"/proc/{listener.process.pid}/task/{task}/stat", encoding="ascii") as file:
                        fields = file.read().rpartition(")")[2].split()
                    ticks.append(int(fields[11]) + int(fields[12]))
            return max(ticks) / os.sysconf("SC_CLK_TCK") if ticks else 0
        time.sleep(0.2)
        assert listener.descriptors() == limit, "the limit was not reached"
        before = thread_cpu_s()
        time.sleep(2)
        used = thread_cpu_s() - before
        assert used < 0.5, f"{used} s of processor time in 2 s of waiting"
        for client in clients:
            client.close()
        assert listener.ask().status == 200
    harness.figure(f"{used:.2f} s of processor time in 2 s without descriptors")


def test_other_addresses_need_a_token(world):
    """0.0.0.0 without a token, or with a short one, is not opened; the message says what to set."""
    for token in ("-", "short", "x" * 21, "x" * 30 + " y", "x" * 300):
        done = subprocess.run([PROGRAM, "0.0.0.0", "0", token], stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=30)
        assert done.returncode == 2 and "CCDATA_SERVE_TOKEN" in done.stderr and not done.stdout, (token, done)
        assert token == "-" or token not in done.stderr, "the message holds the token"
    for host in ("example.com", "127.0.0.1.evil", "256.0.0.1", "127.0.0.1:80", "*"):
        done = subprocess.run([PROGRAM, host, "0", "-"], stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=30)
        assert done.returncode == 2 and "PROMETHEUS_HOST" in done.stderr, (host, done)


def test_token(world):
    """Every route but /healthz asks for it; ten wrong ones and a peer has to wait."""
    with listening(host="0.0.0.0", token=TOKEN) as listener:
        host = f"127.0.0.1:{listener.port}"
        good = f"Authorization: Bearer {TOKEN}"
        for route in ("/", "/metrics", "/status", "/none"):
            missing = listener.ask(route, host)
            assert missing.status == 401 and missing.headers["www-authenticate"] == "Bearer" and missing.is_ours(), route
            assert listener.ask(route, host, "GET", good).status == (404 if route == "/none" else 200), route
            assert listener.ask(f"{route}?token={TOKEN}", host).status == 401, "a token in the URL counts"
        assert listener.ask("/healthz", host).status == 200
        assert TOKEN.encode() not in listener.ask("/status", host, "GET", good).data
        assert listener.ask("/metrics", "evil.example", "GET", good).status == 421, "the host is judged first"
        assert listener.ask("/metrics", host, "GET", good, good).status == 400
        wrong = [TOKEN[:-1], TOKEN + "x", TOKEN[:-1] + "B", TOKEN.lower(), "", "x" * 22, TOKEN + TOKEN, " " + TOKEN + "x", "Bearer", "\xff" * 22]
        for token in wrong:
            answer = listener.ask("/metrics", host, "GET", f"Authorization: Bearer {token}")
            assert answer.status == 401, (token, answer.data[:100])
        for header in (f"Authorization: Bearer {TOKEN}x", good):
            answer = listener.ask("/metrics", host, "GET", header)
            assert answer.status == 429 and answer.headers["retry-after"] == "60" and answer.is_ours(), answer.data[:200]
        assert listener.ask("/healthz", host).status == 200
        assert listener.ask("/metrics", host, "GET", good, source="127.0.0.2").status == 200, "one that guesses locks out others"


def test_one_peer_takes_few_places(world):
    """Off loopback: 16 connections of one address; the others have room."""
    with listening(host="0.0.0.0", token=TOKEN) as listener:
        before = listener.descriptors()
        clients = [listener.connect() for _ in range(50)]
        assert listener.ask("/healthz", f"127.0.0.1:{listener.port}", source="127.0.0.2").status == 200
        assert listener.descriptors() <= before + 17, listener.descriptors() - before
        for client in clients:
            client.close()


def test_ipv6(world):
    try:
        with socket.socket(socket.AF_INET6) as probe:
            probe.bind(("::1", 0))
    except OSError as error:
        raise harness.Skip(f"no IPv6 here: {error}")
    with listening(host="::1") as listener:
        assert listener.address == f"[::1]:{listener.port}"
        assert listener.ask().status == 200 and listener.ask("/status", "[::1]").status == 421


harness.main(globals())
