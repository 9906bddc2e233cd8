"""What the end-to-end tests share: the programs, a vendor that replays, a runner with the closing line.

Every test has its own working folder, state folder and database; nothing of the user's is read or written. When it ends, all
that it leaves behind is searched for the secrets that were planted (canaries.py): files of the folder (databases, logs of
the simulator with the URLs of its requests, state), what our programs printed, what a vendor was asked, what stands in
database servers. A find fails the test.
"""
import contextlib
import fnmatch
import http.server
import json
import os
import pathlib
import shutil
import signal
import socket
import sqlite3
import subprocess
import sys
import tempfile
import threading
import traceback

ROOT = pathlib.Path(__file__).resolve().parent.parent.parent
sys.path.insert(0, str(ROOT / "tests"))
import canaries  # noqa: E402
import servers  # noqa: E402

BUILD = pathlib.Path(os.environ.get("CCDATA_BUILD", ROOT / "build")).resolve()
CCDATA = str(BUILD / "ccdata")
SIM = str(BUILD / "ccdata-sim")
SHARED = pathlib.Path(os.environ.get("CCDATA_SHARED", ROOT.parent / "shared"))
KEY = canaries.KEY


class Skip(Exception):
    """Raised by a test that cannot run here; the reason is printed."""


LEAKS = []  # finds of the running test, outside of its folder


class Watched(subprocess.Popen):
    """Searches what our own programs print, whoever starts them."""

    def communicate(self, *arguments, **options):
        printed = super().communicate(*arguments, **options)
        command = self.args if isinstance(self.args, str) else " ".join(map(str, self.args))
        if str(BUILD) in command:
            for stream, text in zip(("output", "errors"), printed):
                LEAKS.extend(f"{leak} in the {stream} of {pathlib.Path(command.split()[0]).name}" for leak in canaries.in_text(text))
        return printed


subprocess.Popen = Watched


def search_server(server):
    """Secrets in the tables of all databases of a server; facts are numbers, and many."""
    names = {"mariadb": "SHOW DATABASES", "postgres": "SELECT datname FROM pg_database WHERE datallowconn"}[server.kind]
    tables = {"mariadb": "SELECT table_name FROM information_schema.tables WHERE table_schema = DATABASE() AND table_type = 'BASE TABLE'",
              "postgres": "SELECT table_name FROM information_schema.tables WHERE table_schema = 'public'"}[server.kind]
    for (database,) in server.sql(names):
        if database in ("mysql", "sys", "information_schema", "performance_schema"):
            continue
        for (table,) in server.sql(tables, database):
            if table.startswith("fact_"):
                continue
            text = "\n".join("\t".join(map(str, row)) for row in server.sql(f"SELECT * FROM {table}", database))
            LEAKS.extend(f"{leak} in {server.kind} table {database}.{table}" for leak in canaries.in_text(text))


@contextlib.contextmanager
def server_of(kind, **settings):
    """A private server that is searched before it stops, unless the test has left it dead; servers.Unavailable."""
    with servers.running(kind, **settings) as server:
        yield server
        if server.alive() and server.answers():
            search_server(server)


def each_server(settings=lambda kind: {}):
    """Private servers, one kind after the other; those that cannot run are named, and a skip when none can."""
    reasons = []
    for kind in servers.KINDS:
        try:
            with server_of(kind, **settings(kind)) as server:
                yield server
        except servers.Unavailable as reason:
            reasons.append(f"{kind}: {reason}")
    if len(reasons) == len(servers.KINDS):
        raise Skip(", ".join(reasons))
    for reason in reasons:
        print(f"skipped: {reason}")


class World:
    """A private working folder with its environment."""

    def __init__(self):
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix="ccdata-e2e-"))
        self.planted = set()  # files that are meant to hold a secret
        self.environment = {
            "PATH": os.environ["PATH"], "HOME": str(self.folder), "LANG": "C.UTF-8",
            "XDG_STATE_HOME": str(self.folder / "state"), "CCDATA_API_KEY": KEY,
            "CCDATA_DATABASE_PASSWORD": canaries.DATABASE_PASSWORD, "S2_PASSWORD": canaries.S2_PASSWORD,
            "API_RATE_LIMIT_PER_SECOND": "0", "API_RATE_LIMIT_PER_MINUTE": "0", "API_RATE_LIMIT_PER_HOUR": "0",
            "INGESTION_API_CALL_DELAY": "0", "API_RETRY_DELAY": "0.05", "ENVIRONMENT": "test",
        }
        for name in ("ASAN_OPTIONS", "UBSAN_OPTIONS"):
            if name in os.environ:
                self.environment[name] = os.environ[name]
        self.database = self.folder / "test.db"
        self.server = self.port = None
        self.name = "ccdata_e2e"

    def use(self, server, name="ccdata_e2e", port=None):
        """From now on a new database of this server (tests/servers.py) is the destination; port: of a proxy."""
        server.drop_database(name)
        server.create_database(name)
        self.server, self.name, self.port = server, name, port
        self.environment["CCDATA_DATABASE_PASSWORD"] = server.password

    @property
    def url(self):
        return self.server.url(self.name, password="", port=self.port) if self.server else f"sqlite:{self.database}"

    def plant(self, name, text, mode=0o600):
        """Write a file that holds a secret; returns its path."""
        path = self.folder / name
        path.write_text(text)
        path.chmod(mode)
        self.planted.add(path)
        return path

    def leaks(self):
        """Secrets in the files of the folder, and in all that was watched since the last call."""
        LEAKS.extend(canaries.in_folder(self.folder, self.planted))
        found = sorted(set(LEAKS))
        LEAKS.clear()
        return found

    def remove(self):
        """Of a world of a test's own: what is found stays in LEAKS until the test ends."""
        LEAKS.extend(canaries.in_folder(self.folder, self.planted))
        shutil.rmtree(self.folder, ignore_errors=True)

    def run(self, *arguments, vendor=None, timeout=120, environment=None, database=True, stdin=None):
        """Run ccdata, with the text stdin if given; returns the finished process with text output."""
        env = dict(self.environment, **(environment or {}))
        env = {name: value for name, value in env.items() if value is not None}
        if vendor:
            env["DATA_API_BASE_URL"] = env["MIN_API_BASE_URL"] = vendor
        command = [CCDATA, *map(str, arguments)]
        if database:
            command += ["--database", self.url]
        return subprocess.run(command, cwd=self.folder, env=env, capture_output=True, text=True, timeout=timeout,
                              input=stdin)

    def run_json(self, *arguments, expect=0, **options):
        """Run with --json; the document. The exit code must be `expect`."""
        result = self.run(*arguments, "--json", **options)
        assert result.returncode == expect, (
            f"exit {result.returncode}, expected {expect}\n{result.stdout[-3000:]}\n{result.stderr[-3000:]}")
        return json.loads(result.stdout)

    def start(self, *arguments, vendor=None, environment=None):
        env = dict(self.environment, **(environment or {}))
        if vendor:
            env["DATA_API_BASE_URL"] = env["MIN_API_BASE_URL"] = vendor
        return subprocess.Popen([CCDATA, *map(str, arguments), "--database", self.url], cwd=self.folder, env=env,
                                stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)

    def query(self, sql, *values):
        with contextlib.closing(sqlite3.connect(f"file:{self.database}?mode=ro", uri=True)) as connection:
            return connection.execute(sql, values).fetchall()

    def rows(self, view):
        """Rows of a view as dictionaries, ordered by series and time."""
        with contextlib.closing(sqlite3.connect(f"file:{self.database}?mode=ro", uri=True)) as connection:
            connection.row_factory = sqlite3.Row
            found = connection.execute(f"SELECT * FROM {view} ORDER BY market, instrument, ts").fetchall()
            return [dict(row) for row in found]


class Simulator:
    """A running ccdata-sim."""

    def __init__(self, world, *arguments):
        self.log = world.folder / "sim.log"
        self.process = subprocess.Popen([SIM, "--listen", "127.0.0.1:0", "--log", str(self.log), *map(str, arguments)],
                                        stdout=subprocess.PIPE, text=True)
        line = self.process.stdout.readline()
        assert line.startswith("listening "), f"ccdata-sim did not start: {line!r}"
        self.url = "http://" + line.split()[1]

    def requests(self):
        """Requests so far: the log's JSON lines."""
        return [json.loads(line) for line in self.log.read_text().splitlines()]

    def candle_requests(self):
        return [r for r in self.requests() if "/historical/" in r["path"]]

    def stop(self):
        self.process.send_signal(signal.SIGTERM)
        self.process.wait(10)
        self.process.stdout.close()


@contextlib.contextmanager
def simulator(world, *arguments):
    sim = Simulator(world, *arguments)
    try:
        yield sim
    finally:
        sim.stop()


class ReplayServer(http.server.ThreadingHTTPServer):
    """Knows which connections it has accepted, and how many of them are still served."""
    daemon_threads = True

    def __init__(self, handler):
        self.accepted, self.served, self.changed = set(), 0, threading.Condition()
        super().__init__(("127.0.0.1", 0), handler)

    def process_request(self, request, client_address):
        with self.changed:
            self.accepted.add(client_address[1])
            self.served += 1
            self.changed.notify_all()
        super().process_request(request, client_address)

    def shutdown_request(self, request):
        super().shutdown_request(request)
        with self.changed:
            self.served -= 1
            self.changed.notify_all()

    def handle_error(self, request, client_address):
        """A client that goes away is what many tests are about."""
        if not isinstance(sys.exc_info()[1], ConnectionError):
            super().handle_error(request, client_address)

    def settle(self):
        """Until all that was sent by clients that are gone has been read; no client may be left."""
        with socket.create_connection(self.server_address) as marker:  # accepted after those that came before it
            port = marker.getsockname()[1]
        with self.changed:
            assert self.changed.wait_for(lambda: port in self.accepted and self.served == 0, 60), "a client is left"


class Requests(list):
    """What the vendor was asked, in the order in which it was read; settle() is ReplayServer's."""


@contextlib.contextmanager
def replay(answer):
    """A vendor made of a function: answer(path, query) -> (status, headers, body). Yields (url, requests).

    Status None closes the connection without a byte."""
    requests = Requests()

    class Handler(http.server.BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        wbufsize = -1  # head and body in one segment: no delayed acknowledgement stands between them

        def do_GET(self):
            path, _, query = self.path.partition("?")
            requests.append({"path": path, "query": query, "headers": dict(self.headers)})
            LEAKS.extend(f"{leak} in the URL of a request" for leak in canaries.in_text(self.path))
            status, headers, body = answer(path, query)
            if status is None:
                self.close_connection = True
                return
            self.send_response(status)
            for name, value in headers.items():
                self.send_header(name, value)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_):
            pass

    server = ReplayServer(Handler)
    requests.settle = server.settle
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}", requests
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


def figure(text):
    """A measured number that the summary of all tests repeats."""
    print(f"figure: {text}")


def main(tests):
    """Run the functions test_* of a module's globals(); argv[1] is a glob. Prints the closing line."""
    pattern = sys.argv[1] if len(sys.argv) > 1 else "*"
    signal.signal(signal.SIGINT, signal.default_int_handler)  # a background job of a shell would hand on "ignored"
    passed = failed = skipped = 0
    for name, test in list(tests.items()):
        if not name.startswith("test_") or not fnmatch.fnmatch(name, pattern):
            continue
        world = World()
        try:
            test(world)
            found = world.leaks()
            assert not found, "secrets were left behind: " + ", ".join(found)
            passed += 1
        except Skip as reason:
            skipped += 1
            print(f"skipped: {name}: {reason}")
        except Exception:
            failed += 1
            print(f"FAILED: {name}")
            traceback.print_exc(file=sys.stdout)
        finally:
            world.remove()
    print(f"{passed} passed, {failed} failed" + (f", {skipped} skipped" if skipped else ""))
    sys.exit(1 if failed else 0)
