#!/usr/bin/env python3
"""Private MariaDB and PostgreSQL servers for the tests: loopback, own data folder, free port, gone afterwards.

  with servers.mariadb() as server:
      server.url("ccdata_test")        # for CCDATA_DATABASE_URL, with user and password
      server.sql("SELECT 1")           # as the administrator: rows as lists of text
      server.kill(); server.restart()  # SIGKILL to all of it, and crash recovery

As a command:  servers.py [--timeout S] run [mariadb|postgres …] -- COMMAND…
starts the servers, exports CCDATA_TEST_MARIADB_URL, CCDATA_TEST_POSTGRES_URL (an ordinary user who owns one database)
and CCDATA_TEST_…_ADMIN_URL, runs COMMAND and hands its exit code on. A server that cannot be started is named on one
line, "skipped: NAME: reason", and its variables stay unset; one that dies meanwhile makes the exit code 1.

A server dies with the thread that started it: start and restart servers from a thread that lives on.
"""
import argparse
import atexit
import contextlib
import ctypes
import fcntl
import hashlib
import os
import pathlib
import pwd
import random
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
import urllib.parse

ROOT = pathlib.Path(__file__).resolve().parent.parent
sys.path.append(str(ROOT / "tests"))  # not first: bench/ has a run.py, too
import canaries  # noqa: E402

USER, PASSWORD = "ccdata", canaries.DATABASE_PASSWORD
ADMIN, ADMIN_PASSWORD = "ccdata_admin", canaries.ADMIN_PASSWORD
DATABASE = "ccdata_test"
START_S, STOP_S = 60, 30
ROOM_BYTES = 600 << 20  # what two servers may take in memory
FOLDER = "ccdata-servers-"
LIBC = ctypes.CDLL(None, use_errno=True)
PR_SET_PDEATHSIG, IPC_RMID = 1, 0


class Unavailable(Exception):
    """A server that cannot run here, and why."""


class Died(Exception):
    """A server that ended by itself, with the end of its log."""


def base_folder():
    """In memory when there is room: what SIGKILL tests does not depend on the disk."""
    with contextlib.suppress(OSError):
        if shutil.disk_usage("/dev/shm").free > ROOM_BYTES and os.access("/dev/shm", os.W_OK):
            return "/dev/shm"
    return "/tmp"


def sweep():
    """Remove what test runs that were killed have left behind."""
    for base in ("/dev/shm", "/tmp"):
        for folder in pathlib.Path(base).glob(FOLDER + "*"):
            owner = folder.name[len(FOLDER):].split("-")[0]
            if owner.isdigit() and not pathlib.Path("/proc", owner).exists():
                shutil.rmtree(folder, ignore_errors=True)


def unprivileged():
    """The user that servers run as when we are root (both refuse root or warn of it); None = as we are."""
    return pwd.getpwnam("nobody") if os.geteuid() == 0 else None


def start_as(command, log, cwd, death_signal):
    """Start a program as the unprivileged user, in a session of its own, that gets death_signal when we die."""
    user = unprivileged()
    who = {"user": user.pw_uid, "group": user.pw_gid, "extra_groups": []} if user else {}
    environment = {"PATH": os.environ["PATH"] + ":/usr/sbin", "HOME": str(cwd), "LANG": "C.UTF-8", "TZ": os.environ.get("TZ", "UTC")}
    # setpriv sets the death signal after the change of user, which would clear it.
    return subprocess.Popen(["setpriv", "--pdeathsig", death_signal, *map(str, command)], stdin=subprocess.DEVNULL, stdout=log, stderr=log,
                            cwd=cwd, env=environment, start_new_session=True, **who)


def run_as(command, cwd, given=None):
    """Run a program as the unprivileged user to its end."""
    user = unprivileged()
    who = {"user": user.pw_uid, "group": user.pw_gid, "extra_groups": []} if user else {}
    environment = {"PATH": os.environ["PATH"] + ":/usr/sbin", "HOME": str(cwd), "LANG": "C.UTF-8"}
    done = subprocess.run([*map(str, command)], input=given, capture_output=True, text=True, errors="replace", cwd=cwd, env=environment,
                          timeout=START_S, **who)
    if done.returncode:
        raise Unavailable(f"{command[0]}: {last_lines(done.stdout + done.stderr)}")


def last_lines(text, count=3):
    return " / ".join(line.strip() for line in text.splitlines()[-count:] if line.strip()) or "no message"


def own(path):
    user = unprivileged()
    if user:
        for folder, _, files in os.walk(path):
            for name in ("", *files):
                os.chown(os.path.join(folder, name), user.pw_uid, user.pw_gid, follow_symlinks=False)


def free_port():
    """A port where nobody listens. It lies below those that the system gives to clients: a server that is restarted finds it free."""
    above = int(pathlib.Path("/proc/sys/net/ipv4/ip_local_port_range").read_text(encoding="ascii").split()[0])
    for _ in range(100):
        port = random.SystemRandom().randrange(10000, above) if above > 11000 else 0
        with socket.socket() as probe, contextlib.suppress(OSError):
            probe.bind(("127.0.0.1", port))
            return probe.getsockname()[1]
    raise Unavailable("no port is free")


def is_running(pid):
    """Not gone, nor a zombie: those of a server that was killed are init's to bury, which may take seconds."""
    with contextlib.suppress(OSError):
        return pathlib.Path("/proc", str(pid), "stat").read_text(encoding="utf-8").rpartition(")")[2].split()[0] != "Z"
    return False


def processes_of(pid):
    """A process and all its descendants, parents first."""
    children = {}
    for status in pathlib.Path("/proc").glob("[0-9]*/stat"):
        with contextlib.suppress(OSError):
            parent = int(status.read_text().rpartition(")")[2].split()[1])
            children.setdefault(parent, []).append(int(status.parent.name))
    found = [pid]
    for one in found:
        found += children.get(one, [])
    return found


def certificates(folder, host):
    """A certificate authority and a server certificate for `host` and 127.0.0.1: ca.pem, server.pem, server.key."""
    name = f"subjectAltName=DNS:{host}" + (",IP:127.0.0.1" if host == "localhost" else "")
    openssl = ["openssl", "req", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-batch"]
    for command in (
            [*openssl, "-x509", "-days", "3650", "-subj", "/CN=ccdata test authority", "-keyout", "ca.key", "-out", "ca.pem"],
            [*openssl, "-subj", f"/CN={host}", "-addext", name, "-keyout", "server.key", "-out", "server.csr"],
            ["openssl", "x509", "-req", "-in", "server.csr", "-CA", "ca.pem", "-CAkey", "ca.key", "-CAcreateserial",
             "-days", "3650", "-copy_extensions", "copy", "-out", "server.pem"]):
        done = subprocess.run(command, cwd=folder, capture_output=True, text=True)
        if done.returncode:
            raise Unavailable(f"openssl: {last_lines(done.stderr)}")
    os.chmod(folder / "server.key", 0o600)


def templates_folder():
    """Where initialised data folders wait to be copied: the build folder when there is one."""
    build = os.environ.get("CCDATA_BUILD")
    if build and pathlib.Path(build).is_dir():
        folder = pathlib.Path(build) / "test-servers"
        folder.mkdir(exist_ok=True)
        return folder
    if not hasattr(templates_folder, "own"):
        templates_folder.own = pathlib.Path(tempfile.mkdtemp(prefix=f"{FOLDER}{os.getpid()}-templates-", dir=base_folder()))
        atexit.register(shutil.rmtree, templates_folder.own, ignore_errors=True)
    return templates_folder.own


class Server:
    """What both servers share."""
    kind = scheme = ""
    stop_signal = signal.SIGTERM  # an orderly shutdown
    death_signal = "KILL"         # at once, when nobody needs the data any more

    def __init__(self, options=(), tls=False, tls_host="localhost", tz=None):
        self.options, self.tls, self.tls_host, self.tz = list(options), tls, tls_host, tz
        self.host, self.port, self.user, self.password = "127.0.0.1", 0, USER, PASSWORD
        self.process = None
        self.version = self.find()
        sweep()
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix=f"{FOLDER}{os.getpid()}-", dir=base_folder()))
        self.data, self.log = self.folder / "data", self.folder / "log"
        try:
            self.fill()
            self.first_start()
        except BaseException:
            self.stop()
            raise

    # A kind has: find() -> version, initialise(folder), command() -> list, answers() -> bool, sql_command(database, user, password)

    def fill(self):
        """The data folder: a copy of the template, which is made once."""
        accounts = hashlib.sha256(f"{PASSWORD} {ADMIN_PASSWORD}".encode()).hexdigest()[:8]
        template = templates_folder() / f"{self.kind}-{self.version}-{accounts}"
        with open(f"{template}.lock", "w", encoding="utf-8") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            if not template.exists():
                fresh = self.folder / "fresh"
                fresh.mkdir(mode=0o700)
                own(self.folder)
                self.initialise(fresh)
                half = pathlib.Path(f"{template}.half")
                shutil.rmtree(half, ignore_errors=True)
                shutil.copytree(fresh, half)
                half.rename(template)
                fresh.rename(self.data)
        if not self.data.exists():
            shutil.copytree(template, self.data)
        self.data.chmod(0o700)
        if self.tls:
            certificates(self.folder, self.tls_host)
        (self.folder / "tmp").mkdir()
        self.log.touch()
        own(self.folder)

    def first_start(self):
        for attempt in range(3):  # somebody else may take the port that was free
            self.port = free_port()
            try:
                self.start()
                break
            except Unavailable:
                if attempt == 2:
                    raise
        self.create_database(DATABASE)

    def start(self):
        with open(self.log, "ab") as log:
            self.process = start_as(self.command(), log, self.folder, self.death_signal)
        deadline = time.monotonic() + START_S
        while not self.answers():
            if self.process.poll() is not None or time.monotonic() > deadline:
                self.kill()
                raise Unavailable(f"does not start: {last_lines(self.log.read_text(errors='replace'))}")
            time.sleep(0.02)

    def alive(self):
        return self.process is not None and self.process.poll() is None

    def check(self):
        """Raise when the server ended by itself."""
        if not self.alive():
            raise Died(f"{self.kind} died: {last_lines(self.log.read_text(errors='replace'))}")

    def kill(self):
        """SIGKILL to every process of the server, as a power cut would; returns when all are gone."""
        if self.process is None:
            return
        if self.process.poll() is None:
            victims = processes_of(self.process.pid)
            for pid in victims:
                with contextlib.suppress(ProcessLookupError):
                    os.kill(pid, signal.SIGKILL)
            self.process.wait()
            deadline = time.monotonic() + STOP_S
            while any(is_running(pid) for pid in victims[1:]) and time.monotonic() < deadline:
                time.sleep(0.005)

    def restart(self, options=None):
        """Start again on the same port and data: after kill() with crash recovery. options: others from now on."""
        self.end()
        if options is not None:
            self.options = list(options)
        self.start()

    def end(self):
        """An orderly shutdown."""
        if self.alive():
            self.process.send_signal(self.stop_signal)
            try:
                self.process.wait(STOP_S)
            except subprocess.TimeoutExpired:
                self.kill()

    def stop(self):
        """Stop and remove everything. Nothing of the data is needed any more, so nothing is flushed."""
        if self.alive() and self.death_signal != "KILL":
            self.process.send_signal(signal.Signals["SIG" + self.death_signal])
            with contextlib.suppress(subprocess.TimeoutExpired):
                self.process.wait(STOP_S)
        self.kill()
        self.process = None
        shutil.rmtree(self.folder, ignore_errors=True)

    def url(self, database=DATABASE, user=None, password=None, port=None, **parameters):
        """A URL for ccdata. password "": none in it; port: of a proxy before the server."""
        def code(text):
            return urllib.parse.quote(text, safe="")
        if self.tls:
            parameters.setdefault("ssl_ca", str(self.folder / "ca.pem"))
        query = "&".join(f"{name.replace('_', '-')}={code(str(value))}" for name, value in parameters.items())
        password = self.password if password is None else password
        who = code(user or self.user) + (":" + code(password) if password else "")
        return f"{self.scheme}://{who}@{self.host}:{port or self.port}/{database}" + (f"?{query}" if query else "")

    def admin_url(self, database=DATABASE):
        return self.url(database, ADMIN, ADMIN_PASSWORD)

    def sql(self, statements, database=None, as_user=False):
        """Run SQL as the administrator, or as the user, who then owns what it makes; the rows of it as lists of text."""
        command, environment = self.sql_command(database, *((USER, PASSWORD) if as_user else (ADMIN, ADMIN_PASSWORD)))
        done = subprocess.run(command, input=statements, capture_output=True, text=True, errors="replace", timeout=STOP_S,
                              env=dict(os.environ, **environment))
        if done.returncode:
            raise RuntimeError(f"{self.kind}: {last_lines(done.stderr)}\n{statements}")
        return [line.split("\t") for line in done.stdout.splitlines()]


class MariaDB(Server):
    """MariaDB. The administrator may do everything; the user everything in databases ccdata_…"""
    kind = scheme = "mariadb"

    def find(self):
        path = os.environ["PATH"] + ":/usr/sbin:/usr/local/sbin"
        self.program, self.installer = shutil.which("mariadbd", path=path), shutil.which("mariadb-install-db", path=path)
        self.client = shutil.which("mariadb")
        if not self.program or not self.installer or not self.client:
            raise Unavailable("mariadbd, mariadb-install-db or mariadb is not installed (mariadb-server-core, mariadb-client-core)")
        done = subprocess.run([self.program, "--version"], capture_output=True, text=True)
        return done.stdout.split()[2]

    def initialise(self, folder):
        users = folder.parent / "users.sql"
        users.write_text(
            "DELETE FROM mysql.global_priv WHERE User = '';\n"
            "FLUSH PRIVILEGES;\n"
            f"CREATE USER {ADMIN}@'%' IDENTIFIED BY '{ADMIN_PASSWORD}';\n"
            f"GRANT ALL ON *.* TO {ADMIN}@'%' WITH GRANT OPTION;\n"
            f"CREATE USER {USER}@'%' IDENTIFIED BY '{PASSWORD}';\n"
            f"GRANT ALL ON `ccdata\\_%`.* TO {USER}@'%';\n")
        own(folder.parent)
        run_as([self.installer, "--no-defaults", f"--datadir={folder}", "--skip-test-db", "--skip-name-resolve",
                "--auth-root-authentication-method=normal", f"--extra-file={users}", "--innodb-log-file-size=32M"], folder.parent)
        users.unlink()

    def command(self):
        zone = [f"--default-time-zone={self.tz}"] if self.tz else []
        tls = [f"--ssl-ca={self.folder}/ca.pem", f"--ssl-cert={self.folder}/server.pem", f"--ssl-key={self.folder}/server.key"]
        # A folder of its own for temporary files as well: a server that starts removes those of all others in the common one.
        return [self.program, "--no-defaults", f"--datadir={self.data}", f"--tmpdir={self.folder}/tmp", f"--socket={self.socket}", f"--port={self.port}",
                "--bind-address=127.0.0.1", f"--pid-file={self.folder}/pid", "--skip-name-resolve", "--skip-log-bin",
                "--performance-schema=off", "--innodb-buffer-pool-size=64M", "--innodb-log-file-size=32M",
                "--key-buffer-size=1M", "--aria-pagecache-buffer-size=8M", "--innodb-flush-log-at-trx-commit=1",
                "--max-connections=60", *zone, *(tls if self.tls else []), *self.options]

    @property
    def socket(self):
        return str(self.folder / "socket")

    def answers(self):
        """Whether the port greets: protocol version 10 after the four bytes of the packet's head."""
        with contextlib.suppress(OSError), socket.create_connection((self.host, self.port), 1) as connection:
            connection.settimeout(1)
            return connection.recv(5)[4:] == b"\x0a"
        return False

    def sql_command(self, database, user, password):
        return ([self.client, "--no-defaults", f"--socket={self.socket}", f"--user={user}", "--batch", "--skip-column-names",
                 "--default-character-set=utf8mb4", *([database] if database else [])], {"MYSQL_PWD": password})

    def create_database(self, name):
        self.sql(f"CREATE DATABASE IF NOT EXISTS `{name}` CHARACTER SET utf8mb4")

    def drop_database(self, name):
        self.sql(f"DROP DATABASE IF EXISTS `{name}`")


class Postgres(Server):
    """PostgreSQL. The user owns the databases that are made for it and may create others."""
    kind, scheme = "postgres", "postgresql"
    stop_signal = signal.SIGINT
    death_signal = "QUIT"  # SIGKILL would leave its shared memory to the system

    def find(self):
        found = sorted(pathlib.Path("/usr/lib/postgresql").glob("*/bin/postgres"), key=lambda p: float(p.parts[-3]))
        path = os.environ["PATH"]
        self.program = str(found[-1]) if found else shutil.which("postgres", path=path)
        # Beside the server stands the program itself; the one in the path may be a wrapper that costs more than the query.
        beside = self.program and pathlib.Path(self.program).with_name("psql")
        self.client = str(beside) if beside and beside.exists() else shutil.which("psql", path=path)
        if not self.program or not self.client:
            raise Unavailable("postgres or psql is not installed (postgresql-15)")
        done = subprocess.run([self.program, "--version"], capture_output=True, text=True)
        return done.stdout.split()[2]

    def initialise(self, folder):
        secret = folder.parent / "secret"
        secret.write_text(ADMIN_PASSWORD + "\n")
        own(folder.parent)
        run_as([pathlib.Path(self.program).parent / "initdb", "-D", folder, "-U", ADMIN, "--auth=scram-sha-256", f"--pwfile={secret}",
                "-E", "UTF8", "--locale=C.UTF-8", "--no-instructions", "--no-sync"], folder.parent)
        secret.unlink()
        run_as([self.program, "--single", "-D", folder, "-c", "fsync=off", "postgres"], folder.parent,
               f"CREATE ROLE {USER} LOGIN CREATEDB PASSWORD '{PASSWORD}'\n")

    def command(self):
        zone = ["-c", f"timezone={self.tz}"] if self.tz else []
        tls = ["-c", "ssl=on"]
        for name, file in (("ssl_ca_file", "ca.pem"), ("ssl_cert_file", "server.pem"), ("ssl_key_file", "server.key")):
            tls += ["-c", f"{name}={self.folder}/{file}"]
        options = [part for option in self.options for part in ("-c", option)]
        return [self.program, "-D", self.data, "-h", "127.0.0.1", "-p", self.port, "-k", self.folder, "-c", "shared_buffers=32MB",
                "-c", "max_connections=60", "-c", "fsync=on", "-c", "wal_level=minimal", "-c", "max_wal_senders=0",
                "-c", "max_wal_size=256MB", "-c", "dynamic_shared_memory_type=mmap", "-c", "logging_collector=off",
                *zone, *(tls if self.tls else []), *options]

    @property
    def socket(self):
        return str(self.folder)

    def answers(self):
        """Whether it wants a password, and does not say that it is still starting up."""
        with contextlib.suppress(OSError), socket.create_connection((self.host, self.port), 1) as connection:
            connection.settimeout(1)
            start = b"\0\3\0\0" + f"user\0{USER}\0database\0postgres\0\0".encode()
            connection.sendall((len(start) + 4).to_bytes(4, "big") + start)
            return connection.recv(1) == b"R"
        return False

    def stop(self):
        locked = self.data / "postmaster.pid"
        segment = locked.read_text().splitlines()[6:7] if locked.exists() else []
        super().stop()
        if segment:  # its interlock, a segment of 56 bytes that outlives SIGKILL; an error means that it is gone
            LIBC.shmctl(int(segment[0].split()[1]), IPC_RMID, None)

    def sql_command(self, database, user, password):
        return ([self.client, "-X", "-q", "-A", "-t", "-F", "\t", "-P", "null=NULL", "-v", "ON_ERROR_STOP=1", "-h", self.socket,
                 "-p", str(self.port), "-U", user, "-d", database or "postgres"], {"PGPASSWORD": password})

    def create_database(self, name):
        if not self.sql(f"SELECT 1 FROM pg_database WHERE datname = '{name}'"):
            self.sql(f"CREATE DATABASE \"{name}\" OWNER {USER}")

    def drop_database(self, name):
        self.sql(f"DROP DATABASE IF EXISTS \"{name}\" WITH (FORCE)")


KINDS = {"mariadb": MariaDB, "postgres": Postgres}


@contextlib.contextmanager
def running(kind, **settings):
    server = KINDS[kind](**settings)
    try:
        yield server
    finally:
        server.stop()


def mariadb(**settings):
    """A MariaDB server: options (["--sql-mode="]), tls, tls_host (name in the certificate), tz ("+05:30")."""
    return running("mariadb", **settings)


def postgres(**settings):
    """A PostgreSQL server: options (["default_transaction_read_only=on"]), tls, tls_host, tz ("Asia/Kolkata")."""
    return running("postgres", **settings)


def watch(command, environment, started, timeout_s):
    """Run the command while the servers live; its exit code, 1 when a server died or time is up."""
    process = subprocess.Popen(command, env=environment, start_new_session=True)
    deadline = time.monotonic() + timeout_s
    try:
        while True:
            with contextlib.suppress(subprocess.TimeoutExpired):
                return process.wait(0.2)
            for server in started:
                server.check()
            if time.monotonic() > deadline:
                raise Died(f"no end after {timeout_s:.0f} s")
    except Died as reason:
        print(f"FAILED: {reason}", flush=True)
        return 1
    finally:
        if process.poll() is None:
            os.killpg(process.pid, signal.SIGKILL)
            process.wait()


def ended_by_signal(number, _):
    sys.exit(128 + number)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--timeout", type=float, default=1800, help="seconds for COMMAND")
    parser.add_argument("verb", choices=["run"])
    parser.add_argument("kinds", nargs="*", help="mariadb, postgres; all when none is named")
    if "--" not in sys.argv:
        parser.error("-- COMMAND… is missing")
    cut = sys.argv.index("--")
    args, command = parser.parse_args(sys.argv[1:cut]), sys.argv[cut + 1:]
    unknown = set(args.kinds) - set(KINDS)
    if unknown or not command:
        parser.error(f"unknown server {sorted(unknown)[0]}" if unknown else "-- COMMAND… is missing")
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, ended_by_signal)
    LIBC.prctl(PR_SET_PDEATHSIG, signal.SIGTERM)  # a runner that is killed takes us along
    environment = dict(os.environ)
    with contextlib.ExitStack() as stack:
        started = []
        for kind in args.kinds or KINDS:
            try:
                server = stack.enter_context(running(kind))
            except (Unavailable, OSError, subprocess.SubprocessError) as reason:
                print(f"skipped: {kind}: {reason}", flush=True)
                continue
            started.append(server)
            name = f"CCDATA_TEST_{kind.upper()}"
            environment |= {f"{name}_URL": server.url(), f"{name}_ADMIN_URL": server.admin_url()}
        return watch(command, environment, started, args.timeout)


if __name__ == "__main__":
    sys.exit(main())
