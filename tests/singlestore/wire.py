"""The MySQL protocol, as much of it as a filter and a small client need (MySQL Internals: "Client/Server Protocol").

A packet is a length of three bytes, a number of one byte that counts within a command, and the payload; a payload of
16 MiB - 1 bytes is continued in the next packet.
"""
import hashlib
import socket
import struct

WHOLE = 0xFFFFFF
# Capabilities. The first bit is set by every MySQL server; MariaDB clears it to say that it has more of its own.
CLIENT_MYSQL, CLIENT_CONNECT_WITH_DB, CLIENT_COMPRESS, CLIENT_LOCAL_FILES = 1, 1 << 3, 1 << 5, 1 << 7
CLIENT_PROTOCOL_41, CLIENT_SSL, CLIENT_TRANSACTIONS, CLIENT_SECURE_CONNECTION = 1 << 9, 1 << 11, 1 << 13, 1 << 15
CLIENT_MULTI_STATEMENTS, CLIENT_PLUGIN_AUTH, CLIENT_PLUGIN_AUTH_LENENC = 1 << 16, 1 << 19, 1 << 21
CLIENT_SESSION_TRACK, CLIENT_DEPRECATE_EOF, CLIENT_OPTIONAL_METADATA = 1 << 23, 1 << 24, 1 << 25
CLIENT_ZSTD, CLIENT_QUERY_ATTRIBUTES = 1 << 26, 1 << 27
COM_QUIT, COM_INIT_DB, COM_QUERY, COM_FIELD_LIST, COM_STATISTICS, COM_PING = 1, 2, 3, 4, 9, 14
COM_CHANGE_USER, COM_STMT_PREPARE, COM_STMT_EXECUTE, COM_STMT_LONG_DATA = 17, 22, 23, 24
COM_STMT_CLOSE, COM_STMT_RESET, COM_SET_OPTION, COM_STMT_FETCH, COM_RESET = 25, 26, 27, 28, 31
COM_STMT_BULK_EXECUTE = 250  # MariaDB's arrays
SERVER_MORE_RESULTS = 8
NAMES = {value: name for name, value in list(globals().items()) if name.startswith("COM_")}


class Closed(Exception):
    """The other side is gone."""


class Stream:
    """Packets over a socket; what is sent waits until flush()."""

    def __init__(self, sock, buffered=True):
        self.use(sock, buffered)
        self.sequence = 0

    def use(self, sock, buffered=True):
        """buffered: False where TLS may begin, whose first bytes must stay in the socket."""
        self.socket, self.reader, self.waiting = sock, sock.makefile("rb", buffering=1 << 16 if buffered else 0), []
        self.waiting_bytes = 0

    def take(self, size):
        data = b""
        try:
            while len(data) < size:
                part = self.reader.read(size - len(data))
                if not part:
                    raise Closed
                data += part
        except OSError as reason:
            raise Closed from reason
        return data

    def read(self):
        """One whole payload; self.sequence is the number of its last packet."""
        parts = []
        while True:
            head = self.take(4)
            size = int.from_bytes(head[:3], "little")
            self.sequence = head[3]
            parts.append(self.take(size))
            if size < WHOLE:
                return parts[0] if len(parts) == 1 else b"".join(parts)

    def write(self, payload, sequence):
        """Returns the number of the packet that would come next."""
        for start in range(0, len(payload) + 1, WHOLE):
            part = payload[start:start + WHOLE]
            self.waiting += [len(part).to_bytes(3, "little") + bytes([sequence & 255]), part]
            self.waiting_bytes += len(part) + 4
            sequence += 1
            if len(part) < WHOLE:
                break
        if self.waiting_bytes > 1 << 17:
            self.flush()
        return sequence

    def flush(self):
        data, self.waiting, self.waiting_bytes = b"".join(self.waiting), [], 0
        try:
            self.socket.sendall(data)
        except OSError as reason:
            raise Closed from reason

    def close(self):
        for each in (self.reader, self.socket):
            try:
                each.close()
            except OSError:
                pass


def take_length(data, at):
    """A length-encoded integer, None for NULL, and where the next thing begins."""
    first = data[at]
    if first < 0xFB:
        return first, at + 1
    if first == 0xFB:
        return None, at + 1
    size = {0xFC: 2, 0xFD: 3, 0xFE: 8}[first]
    return int.from_bytes(data[at + 1:at + 1 + size], "little"), at + 1 + size


def take_text(data, at):
    """Bytes up to a NUL."""
    end = data.index(0, at)
    return data[at:end], end + 1


def error_payload(code, message, state="HY000"):
    return b"\xff" + struct.pack("<H", code) + b"#" + state.encode() + message.encode()


def is_error(payload):
    return payload[:1] == b"\xff"


def read_error(payload):
    code, = struct.unpack_from("<H", payload, 1)
    text = payload[3:].decode(errors="replace")
    return code, text[6:] if text.startswith("#") else text


def is_end(payload):
    """EOF of the protocol before CLIENT_DEPRECATE_EOF."""
    return payload[:1] == b"\xfe" and len(payload) < 9


class Greeting:
    """The server's first packet."""

    def __init__(self, payload):
        version, at = take_text(payload, 1)
        self.version = version.decode()
        self.thread = payload[at:at + 4]
        low, self.charset, self.status, high, size = struct.unpack_from("<HBHHB", payload, at + 13)
        self.capabilities = low | high << 16
        self.extended = int.from_bytes(payload[at + 27:at + 31], "little")  # MariaDB's own
        self.first, rest = payload[at + 4:at + 12], payload[at + 31:]
        self.second = rest[:max(13, size - 8)]
        self.plugin = rest[len(self.second):].rstrip(b"\0")

    @property
    def scramble(self):
        return self.first + self.second[:12]

    def payload(self):
        low, high = self.capabilities & 0xFFFF, self.capabilities >> 16
        return (b"\x0a" + self.version.encode() + b"\0" + self.thread + self.first + b"\0"
                + struct.pack("<HBHHB", low, self.charset, self.status, high, len(self.first) + len(self.second)) + bytes(6)
                + self.extended.to_bytes(4, "little") + self.second + self.plugin + b"\0")


class Login:
    """The client's answer to it, as far as we look: capabilities and the database."""

    def __init__(self, payload):
        self.capabilities = int.from_bytes(payload[:4], "little")
        self.extended = int.from_bytes(payload[28:32], "little")
        self.rest, self.database = payload[4:], ""
        if self.is_tls_request(payload):
            return
        at = 32
        self.user, at = take_text(payload, at)
        if self.capabilities & CLIENT_PLUGIN_AUTH_LENENC:
            size, at = take_length(payload, at)
        else:
            size, at = payload[at], at + 1
        at += size
        if self.capabilities & CLIENT_CONNECT_WITH_DB and at < len(payload):
            self.database = take_text(payload, at)[0].decode()

    @staticmethod
    def is_tls_request(payload):
        return len(payload) == 32

    def payload(self):
        return self.capabilities.to_bytes(4, "little") + self.rest


class Refused(Exception):
    """An ERR packet: code and text of the server."""

    def __init__(self, payload):
        self.code, self.text = read_error(payload)
        super().__init__(f"{self.code}: {self.text}")


def native_password(password, scramble):
    """What mysql_native_password answers."""
    if not password:
        return b""
    once = hashlib.sha1(password.encode()).digest()
    mask = hashlib.sha1(scramble + hashlib.sha1(once).digest()).digest()
    return bytes(a ^ b for a, b in zip(once, mask))


class Client:
    """Enough of a client to send one statement after the other and see what comes back."""

    def __init__(self, port, user, password, database="", tls=None):
        self.stream = Stream(socket.create_connection(("127.0.0.1", port), 20))
        self.greeting = Greeting(self.stream.read())
        self.capabilities = (CLIENT_MYSQL | CLIENT_PROTOCOL_41 | CLIENT_SECURE_CONNECTION | CLIENT_PLUGIN_AUTH | CLIENT_TRANSACTIONS
                             | CLIENT_LOCAL_FILES | (CLIENT_CONNECT_WITH_DB if database else 0) | (CLIENT_SSL if tls else 0))
        head = struct.pack("<IIB23x", self.capabilities, WHOLE, 45)
        sequence = 1
        if tls:
            sequence = self.stream.write(head, sequence)
            self.stream.flush()
            self.stream.use(tls.wrap_socket(self.stream.socket, server_hostname="localhost"))
        answer = native_password(password, self.greeting.scramble)
        self.stream.write(head + user.encode() + b"\0" + bytes([len(answer)]) + answer
                          + (database.encode() + b"\0" if database else b"") + b"mysql_native_password\0", sequence)
        self.stream.flush()
        self.ok()

    def ok(self):
        payload = self.stream.read()
        if is_error(payload):
            raise Refused(payload)
        return payload

    def command(self, number, data=b""):
        self.stream.write(bytes([number]) + data, 0)
        self.stream.flush()

    def query(self, sql, file=b""):
        """Rows as lists of text or None; file: what a LOAD DATA LOCAL gets."""
        self.command(COM_QUERY, sql.encode())
        first = self.ok()
        if first[:1] == b"\xfb":
            sequence = self.stream.sequence + 1
            sequence = self.stream.write(file, sequence)
            self.stream.write(b"", sequence)
            self.stream.flush()
            first = self.ok()
        return [] if first[:1] == b"\0" else self.rows()

    def rows(self):
        while not is_end(self.stream.read()):
            pass  # what the columns are called
        found = []
        while not is_end(payload := self.ok()):
            row, at = [], 0
            while at < len(payload):
                size, at = take_length(payload, at)
                row.append(None if size is None else payload[at:at + size].decode())
                at += size or 0
            found.append(row)
        return found

    def prepare(self, sql):
        """The statement's number; it must have no parameters and give no rows."""
        self.command(COM_STMT_PREPARE, sql.encode())
        _, number, columns, parameters = struct.unpack_from("<BIHH", self.ok())
        assert columns == parameters == 0, (columns, parameters)
        return number

    def execute(self, number):
        self.command(COM_STMT_EXECUTE, struct.pack("<IBI", number, 0, 1))
        return self.ok()

    def close(self):
        self.stream.close()
