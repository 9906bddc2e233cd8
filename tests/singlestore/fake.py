"""A MariaDB that looks like SingleStore from outside, and refuses what SingleStore refuses (refusals.py).

  with servers.mariadb(options=fake.OPTIONS) as server, fake.SingleStore(server) as cluster:
      cluster.url("ccdata_test")   # singlestore://…; cluster stands where a server of tests/servers.py stands
      cluster.refused()            # what was refused so far, as lines of text

It is a filter between client and server, a thread per connection: it changes the greeting (version, capabilities: no
arrays, no MariaDB), looks at every statement before the server does, takes SingleStore's own clauses out, and answers
with an ERR packet instead of the server where a rule says so. The session's state (in a transaction? loaded?) is known
because a command and its answer are passed on one after the other.

It knows the documentation as our page quotes it, not SingleStore: plans, speed, several nodes and the catalogue's own
spelling are MariaDB's.
"""
import contextlib
import socket
import ssl
import threading
import urllib.parse

import refusals
import wire

# Only one isolation level, strict always, no deadlock detection ("Row Locking"), error 1205 undoes the statement only.
OPTIONS = ["--transaction-isolation=READ-COMMITTED", "--sql-mode=STRICT_ALL_TABLES", "--innodb-deadlock-detect=OFF",
           "--innodb-rollback-on-timeout=OFF", "--character-set-server=utf8mb4", "--local-infile=ON",
           # Nothing here is about crashes of the server.
           "--innodb-flush-log-at-trx-commit=0", "--innodb-doublewrite=OFF", "--sync-frm=OFF"]
HIDDEN = (wire.CLIENT_COMPRESS | wire.CLIENT_SSL | wire.CLIENT_MULTI_STATEMENTS | wire.CLIENT_SESSION_TRACK | wire.CLIENT_DEPRECATE_EOF
          | wire.CLIENT_OPTIONAL_METADATA | wire.CLIENT_ZSTD | wire.CLIENT_QUERY_ATTRIBUTES)
PASSED_ON = {wire.COM_QUIT, wire.COM_PING, wire.COM_STATISTICS, wire.COM_STMT_CLOSE, wire.COM_STMT_RESET, wire.COM_STMT_LONG_DATA,
             wire.COM_STMT_FETCH, wire.COM_FIELD_LIST}
NO_ANSWER = {wire.COM_QUIT, wire.COM_STMT_CLOSE, wire.COM_STMT_LONG_DATA}


class Entry:
    """One statement in the log. rule: what refused it, or None; code: of the error, refused here or by the server."""

    def __init__(self, connection, command, text):
        self.connection, self.command, self.text, self.rule, self.code, self.message = connection, command, text, None, 0, ""

    def __str__(self):
        head = " ".join(self.text[:200].split())
        return f"{self.rule.name if self.rule else 'server'} {self.code} {self.message}: {self.command} {head}"


class SingleStore:
    """The switches may be turned while it runs.

    prepares: False as with audit logging ("Using Prepared Statements"). load_rolls_back: False as if LOAD DATA committed.
    global_only: variables that no session may set. certificate: (file, key) to offer TLS.
    """
    kind, scheme = "mariadb", "singlestore"

    def __init__(self, server, certificate=None, version="5.7.32", memsql_version="8.7.16"):
        self.server, self.version, self.memsql_version = server, version, memsql_version
        self.user, self.password, self.host = server.user, server.password, "127.0.0.1"
        self.prepares = self.load_rolls_back = True
        self.global_only, self.extra_settable = set(), set()
        self.context = None
        if certificate:
            self.context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            self.context.load_cert_chain(*certificate)
        self.tables, self.log, self.connections = {}, [], 0
        self.listener = socket.create_server((self.host, 0))
        self.port = self.listener.getsockname()[1]
        self.thread = threading.Thread(target=self.accept, daemon=True)
        self.thread.start()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        with contextlib.suppress(OSError):
            self.listener.shutdown(socket.SHUT_RDWR)
        self.listener.close()
        self.thread.join(10)

    def accept(self):
        with contextlib.suppress(OSError):
            while True:
                client = self.listener.accept()[0]
                self.connections += 1
                threading.Thread(target=serve, args=(self, client, self.connections), daemon=True).start()

    # ---- as the servers of tests/servers.py ----

    def url(self, database, user=None, password=None, port=None, **parameters):
        def code(text):
            return urllib.parse.quote(str(text), safe="")
        password = self.password if password is None else password
        parameters.setdefault("ssl_mode", "preferred" if self.context else "disabled")
        who = code(user or self.user) + (":" + code(password) if password else "")
        query = "&".join(f"{name.replace('_', '-')}={code(value)}" for name, value in parameters.items())
        return f"{self.scheme}://{who}@{self.host}:{port or self.port}/{database}?{query}"

    def sql(self, statements, database=None):
        """Asks MariaDB itself: the fake does not see it."""
        return self.server.sql(statements, database)

    def create_database(self, name):
        self.server.create_database(name)

    def drop_database(self, name):
        self.server.drop_database(name)
        for key in [key for key in self.tables if key[0] == name]:
            del self.tables[key]

    # ---- the log ----

    def entries(self, beginning=""):
        """Statements that begin like this."""
        return [entry for entry in list(self.log) if entry.text.startswith(beginning)]

    def refused(self, but=()):
        """What the rules refused, without those rules that are expected to."""
        return [str(entry) for entry in list(self.log) if entry.rule and entry.rule.name not in but]

    def forget(self):
        del self.log[:]


def serve(cluster, client, number):
    with contextlib.suppress(wire.Closed, OSError, ssl.SSLError):
        Connection(cluster, client, number).run()


class Connection:
    """One client and its connection to MariaDB."""

    def __init__(self, cluster, client, number):
        self.cluster, self.number = cluster, number
        self.statements = {}  # prepared, by their number
        self.session = refusals.Session(cluster.tables, cluster)
        self.client = wire.Stream(client, buffered=not cluster.context)
        try:
            self.server = wire.Stream(socket.create_connection((cluster.server.host, cluster.server.port), 20))
        except OSError as reason:
            self.client.close()
            raise wire.Closed from reason
        for stream in (self.client, self.server):
            stream.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.server.socket.settimeout(None)

    def run(self):
        try:
            self.log_in()
            while True:
                self.command(self.client.read())
        finally:
            self.client.close()
            self.server.close()

    # ---- the login ----

    def log_in(self):
        payload = self.server.read()
        if not wire.is_error(payload):
            greeting = wire.Greeting(payload)
            greeting.version, greeting.extended = self.cluster.version, 0
            greeting.capabilities = (greeting.capabilities & ~HIDDEN | wire.CLIENT_MYSQL
                                     | (wire.CLIENT_SSL if self.cluster.context else 0))
            payload = greeting.payload()
        self.say(payload, 0)
        answer, shift = self.client.read(), 0
        if wire.Login.is_tls_request(answer):
            self.client.use(self.cluster.context.wrap_socket(self.client.socket, server_side=True))
            answer, shift = self.client.read(), 1
        login = wire.Login(answer)
        login.capabilities &= ~HIDDEN
        self.session.database = login.database
        self.server.write(login.payload(), 1)
        self.exchange(shift)

    def exchange(self, shift):
        """Questions and answers of the authentication, up to OK or ERR. shift: packets that the server has not seen."""
        while True:
            self.server.flush()
            payload = self.server.read()
            self.say(payload, self.server.sequence + shift)
            if payload[:1] == b"\xff":
                raise wire.Closed
            if payload[:1] == b"\0":
                return
            if payload[:2] == b"\x01\x03":
                continue  # caching_sha2_password: "it is known", OK follows
            answer = self.client.read()
            self.server.write(answer, self.client.sequence - shift)

    # ---- commands ----

    def say(self, payload, sequence):
        self.client.write(payload, sequence)
        self.client.flush()

    def command(self, payload):
        number = payload[0]
        if number in (wire.COM_QUERY, wire.COM_STMT_PREPARE):
            self.statement(number, payload[1:].decode("utf-8", "replace"))
        elif number == wire.COM_STMT_EXECUTE:
            self.execute(payload)
        elif number == wire.COM_INIT_DB:
            if self.pass_on(payload) == b"\0":
                self.session.database = payload[1:].decode()
        elif number in PASSED_ON:
            self.pass_on(payload)
        else:  # arrays, COM_SET_OPTION, COM_CHANGE_USER …
            entry = self.note(number, "")
            self.refuse(entry, UNKNOWN_COMMAND, "Unknown command")

    def note(self, number, text):
        entry = Entry(self.number, wire.NAMES.get(number, f"command {number}"), text)
        self.cluster.log.append(entry)
        return entry

    def refuse(self, entry, rule, text):
        entry.rule, entry.code, entry.message = rule, rule.code, text
        self.say(wire.error_payload(rule.code, text), 1)

    def statement(self, number, text):
        s, preparing = refusals.parse(text), number == wire.COM_STMT_PREPARE
        entry = self.note(number, s.text)
        if preparing and not self.cluster.prepares:
            self.refuse(entry, NO_PREPARE, "Feature 'Audit logging with binary protocol' is not supported by SingleStore.")
            return
        found = refusals.check(s, self.session, preparing)
        if found:
            self.refuse(entry, *found)
            return
        payload = bytes([number]) + refusals.translate(s, self.session).encode()
        if preparing:
            self.prepare(payload, s, entry)
        elif self.pass_on(payload, entry) != b"\xff":
            self.session.done(s)

    def execute(self, payload):
        s = self.statements.get(int.from_bytes(payload[1:5], "little"))
        entry = self.note(wire.COM_STMT_EXECUTE, s.text if s else "")
        found = refusals.check(s, self.session) if s else None
        if found:
            self.refuse(entry, *found)
        elif self.pass_on(payload, entry) != b"\xff" and s:
            self.session.done(s)

    # ---- answers ----

    def relay(self):
        payload = self.server.read()
        self.client.write(payload, self.server.sequence)
        return payload

    def relay_until_end(self):
        while True:
            payload = self.relay()
            if wire.is_end(payload) or wire.is_error(payload):
                return payload

    def pass_on(self, payload, entry=None):
        """Send a command to the server and its whole answer to the client; the first byte of the answer."""
        self.server.write(payload, 0)
        self.server.flush()
        if payload[0] in NO_ANSWER:
            if payload[0] == wire.COM_QUIT:
                raise wire.Closed
            return b""
        first = self.answer(payload[0])
        self.client.flush()
        if entry and wire.is_error(first):
            entry.code, entry.message = wire.read_error(first)
        return first[:1]

    def answer(self, command):
        """The payload that tells how it went."""
        while True:
            first = self.relay()
            if first[:1] == b"\xfb" and command == wire.COM_QUERY:
                self.hand_over_file()
                first = self.relay()
            if command == wire.COM_STATISTICS or wire.is_error(first):
                return first
            last = first
            if command in (wire.COM_FIELD_LIST, wire.COM_STMT_FETCH):
                if not wire.is_end(first):
                    last = self.relay_until_end()
                return last
            if first[:1] != b"\0":
                last = self.relay_until_end()  # columns
                if not wire.is_error(last):
                    last = self.rows_after(last)
            if wire.is_error(last):
                return last
            if not status_of(last) & wire.SERVER_MORE_RESULTS:
                return first

    def rows_after(self, end):
        """With a cursor the rows come by COM_STMT_FETCH."""
        return end if status_of(end) & 64 else self.relay_until_end()

    def hand_over_file(self):
        self.client.flush()
        payload = b"more"
        while payload:
            payload = self.client.read()
            self.server.write(payload, self.client.sequence)
        self.server.flush()

    def prepare(self, payload, s, entry):
        self.server.write(payload, 0)
        self.server.flush()
        first = self.relay()
        if wire.is_error(first):
            entry.code, entry.message = wire.read_error(first)
        else:
            self.statements[int.from_bytes(first[1:5], "little")] = s
            for count in (int.from_bytes(first[7:9], "little"), int.from_bytes(first[5:7], "little")):
                if count:
                    self.relay_until_end()
        self.client.flush()


def status_of(payload):
    """The server's status in an OK or EOF packet."""
    if wire.is_end(payload):
        return int.from_bytes(payload[3:5], "little")
    _, at = wire.take_length(payload, 1)
    _, at = wire.take_length(payload, at)
    return int.from_bytes(payload[at:at + 2], "little")


UNKNOWN_COMMAND = refusals.Rule("F11", None, 1047, False, False)
NO_PREPARE = refusals.Rule("F12", None, 1706, False, False)
