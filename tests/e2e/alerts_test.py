#!/usr/bin/env python3
"""Alerts told to real listeners: webhooks over TLS, Slack and Discord, a command, an SMTP server; once, until resolved, never in the way of a run."""
import base64
import contextlib
import hashlib
import hmac
import http.server
import json
import signal
import socket
import ssl
import subprocess
import threading
import time

import harness
from fake_vendor import NOW, Vendor, iso

BTC = ["spot_ohlcv", "--specific_market", "kraken", "--specific_instrument", "BTC-USD", "--progress", "none", "--from", "2026-02-01"]
CLOCK = {"CCDATA_NOW": iso(NOW)}
FAILING = {"API_MAX_RETRIES": "0", "INGESTION_MAX_API_LIMIT": "10"}


def certificate(folder):
    subprocess.run(["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj", "/CN=localhost", "-addext",
                    "subjectAltName=DNS:localhost,IP:127.0.0.1", "-keyout", f"{folder}/hook.key", "-out", f"{folder}/hook.pem"], check=True, capture_output=True)
    return f"{folder}/hook.pem", f"{folder}/hook.key"


class Hook(http.server.ThreadingHTTPServer):
    """Takes notices over TLS; `answer` makes the status, or hangs."""
    daemon_threads = True

    def __init__(self, files, answer=lambda: 204):
        hook = self
        self.notices, self.answer = [], answer

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_POST(self):
                body = self.rfile.read(int(self.headers["Content-Length"]))
                hook.notices.append((self.path, dict(self.headers), body))
                self.send_response(hook.answer())
                self.send_header("Content-Length", "0")
                self.end_headers()

            def log_message(self, *_):
                pass

        super().__init__(("127.0.0.1", 0), Handler)
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(*files)
        self.socket = context.wrap_socket(self.socket, server_side=True)

    def handle_error(self, *_):
        pass

    @property
    def url(self):
        return f"https://localhost:{self.server_address[1]}"

    def documents(self):
        return [json.loads(body) for _, _, body in self.notices]


@contextlib.contextmanager
def hook(world, answer=lambda: 204):
    files = world.files if hasattr(world, "files") else certificate(world.folder)
    world.files = files
    server = Hook(files, answer)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)
    thread.start()
    world.environment.update(ALERT_CA_FILE=files[0], ALERT_ALLOW_PRIVATE="true")
    try:
        yield server
    finally:
        server.shutdown()
        server.server_close()


def failing(vendor, path, query):
    return 500, {"Err": {"message": "broken"}}


def ingest(world, url, expect=None, **settings):
    result = world.run(*BTC, vendor=url, environment={**CLOCK, **FAILING, **settings})
    assert expect is None or result.returncode == expect, result.stderr
    return result


def test_told_once_until_it_is_resolved(world):
    vendor = Vendor()
    with harness.replay(vendor.answer) as (url, _), hook(world) as h:
        world.environment["ALERT_WEBHOOK_URL"] = f"{h.url}/hook"
        world.environment["ALERT_WEBHOOK_SECRET"] = "sign-me"
        vendor.hook = failing
        for _ in range(5):
            assert ingest(world, url).returncode != 0
        rules = [(d["rule"], d["subject"], d["resolved"] if "resolved" in d else d["state"]) for d in h.documents()]
        names = [rule for rule, _, _ in rules]
        assert names.count("run_failed") == 1 and names.count("consecutive_failures") == 1, rules
        opened = world.run_json("alerts", "list", database=False)
        assert opened["open"] >= 2 and opened["pending_notices"] == 0, opened
        vendor.hook = None
        ingest(world, url, expect=0)
        told = len(h.notices)
        ids = [d["id"] for d in h.documents()]
        assert len(set(ids)) == len(ids) and [d["rule"] for d in h.documents()].count("run_failed") == 2, h.documents()
        ingest(world, url, expect=0)
        assert len(h.notices) == told, "nothing new is told"
        assert world.run_json("alerts", "list", database=False)["open"] == 0
        for path, headers, body in h.notices:
            expected = hmac.new(b"sign-me", body, hashlib.sha256).hexdigest()
            assert path == "/hook" and headers["X-Ccdata-Signature"] == f"sha256={expected}"


def test_a_hook_that_hangs_does_not_delay_a_run(world):
    vendor = Vendor()
    vendor.hook = failing
    released = threading.Event()
    with harness.replay(vendor.answer) as (url, _), hook(world, lambda: released.wait(30) and 204 or 204) as h:
        begun = time.monotonic()
        result = ingest(world, url, ALERT_WEBHOOK_URL=h.url)
        took = time.monotonic() - begun
        asked = len(h.notices)
        released.set()
        assert result.returncode != 0 and took < 20, took
        assert asked == 1, f"{asked} notices waited for the same hook"
        print(f"figure: a run with a hook that hangs: {took:.1f} s")
        report = result.stderr.index("waits for the next run")
        assert report > 0 and world.run_json("alerts", "list", database=False)["pending_notices"] > 0
        first = h.documents()[0]["id"]
        ingest(world, url, ALERT_WEBHOOK_URL=h.url)
        assert first in [d["id"] for d in h.documents()[1:]], "sent again, with the same id"
        assert world.run_json("alerts", "list", database=False)["pending_notices"] == 0


def test_a_hook_that_hangs_takes_no_time_of_the_others(world):
    """Eight hours of a dead hook, then mail: the one that hangs is tried once in a run, however much waits for it."""
    vendor = Vendor()
    vendor.hook = failing
    world.files = certificate(world.folder)
    server = SmtpServer(world.files)
    server.start()
    released = threading.Event()
    mail = {"SMTP_HOST": "localhost", "SMTP_PORT": str(server.port), "SMTP_TO": "one@example.com"}
    with harness.replay(vendor.answer) as (url, _), hook(world, lambda: released.wait(60) and 204 or 204) as h:
        for _ in range(3):
            result = ingest(world, url, ALERT_WEBHOOK_URL=h.url, DISCORD_WEBHOOK_URL=h.url, ALERT_COOLDOWN="0", ALERT_CA_FILE=world.files[0], **mail)
            assert result.stderr.count("a notice for webhook waits") == result.stderr.count("a notice for discord waits") == 1, result.stderr
            assert "for mail waits" not in result.stderr, result.stderr
        released.set()
    assert len(server.mails) == world.run_json("alerts", "list", database=False)["pending_notices"] > 6
    server.listener.close()


def test_two_runs_that_end_together_tell_once(world):
    vendor = Vendor()
    vendor.hook = failing
    with harness.replay(vendor.answer) as (url, _), hook(world, lambda: time.sleep(1.5) or 204) as h:
        settings = dict(world.environment, **CLOCK, **FAILING, ALERT_WEBHOOK_URL=h.url, DATA_API_BASE_URL=url, MIN_API_BASE_URL=url)
        first, second = (subprocess.Popen([harness.CCDATA, *BTC, "--database", f"sqlite:{name}.db"], cwd=world.folder, env=settings,
                                          stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) for name in "ab")
        assert first.wait(60) != 0 and second.wait(60) != 0
        ids = [d["id"] for d in h.documents()]
        assert len(ids) == len(set(ids)) == 2, h.documents()
        assert world.run_json("alerts", "list", database=False)["pending_notices"] == 0


def test_commands_that_hang_fail_or_do_not_read(world):
    script = world.folder / "hang.sh"
    script.write_text("#!/bin/sh\ngrep -E 'SigBlk|SigIgn' /proc/self/status > signals\nls /proc/self/fd > descriptors\nsleep 40\n")
    script.chmod(0o755)
    begun = time.monotonic()
    hangs = world.run("alerts", "test", "command", environment={"ALERT_COMMAND": str(script)}, database=False)
    assert hangs.returncode == 12 and "killed" in hangs.stderr and time.monotonic() - begun < 20, "its child holds our descriptors"
    masks = [int(line.split()[1], 16) for line in (world.folder / "signals").read_text().splitlines()]
    assert masks[0] == 0 and masks[1] & 0x7fffffff == 0, masks
    assert (world.folder / "descriptors").read_text().split() == ["0", "1", "2", "3"]
    for command, code in (("true", 0), ("false", 12), ("/nowhere/x", 12), ("sh -c exit", 0), ("true " + "x " * 62, 0), ("true " + "x " * 63, 12)):
        for parent in (signal.SIG_DFL, signal.SIG_IGN):  # cron jobs under a program that reaps nobody
            env = dict(world.environment, ALERT_COMMAND=command)
            tried = subprocess.run([harness.CCDATA, "alerts", "test", "command"], cwd=world.folder, env=env, capture_output=True, text=True,
                                   preexec_fn=lambda: signal.signal(signal.SIGCHLD, parent))
            assert tried.returncode == code, (command, parent, tried.stdout, tried.stderr)


def test_minutes_that_are_all_there_are_not_stale(world):
    """A minute is final six minutes after its end: that is no delay."""
    vendor = Vendor()
    minutes = ["spot_ohlcv", "--interval", "1m", "--specific_market", "kraken", "--specific_instrument", "BTC-USD", "--progress", "none", "--from", "2026-03-01"]
    with harness.replay(vendor.answer) as (url, _):
        for now, stale in ((NOW, False), (NOW + 59, False)):
            done = world.run(*minutes, "--enable_monitoring", vendor=url, environment={"CCDATA_NOW": iso(now)})
            assert done.returncode == 0 and ("is older than it should be" in done.stderr) == stale, done.stderr
        vendor.hook = failing
        late = world.run(*minutes, "--enable_monitoring", vendor=url, environment={**FAILING, "CCDATA_NOW": iso(NOW + 240)})
        assert late.returncode != 0 and "spot_ohlcv 1m: The newest stored period is older" in late.stderr, late.stderr


def test_another_selection_resolves_nothing(world):
    """Two jobs of cron, or two operations of the daemon: the one that goes well must not end the alerts of the other."""
    vendor = Vendor(instruments=[("XXBTZUSD", "BTC-USD"), ("XETHZUSD", "ETH-USD")])
    vendor.hook = lambda _, __, query: failing(_, __, query) if query["instrument"] in ("XXBTZUSD", "BTC-USD") else None
    eth = [*BTC[:4], "ETH-USD", *BTC[5:]]
    with harness.replay(vendor.answer) as (url, _), hook(world) as h:
        settings = {**CLOCK, **FAILING, "ALERT_WEBHOOK_URL": h.url}
        for _ in range(3):
            assert world.run(*BTC, vendor=url, environment=settings).returncode != 0
            good = world.run(*eth, vendor=url, environment=settings)
            assert good.returncode == 0, good.stderr
        told = [(d["rule"], d["state"], d["subject"]) for d in h.documents()]
        name = "spot_ohlcv 1d kraken BTC-USD"
        assert sorted(told) == [("consecutive_failures", "firing", name), ("gaps_left", "firing", name), ("run_failed", "firing", name)], told
        vendor.hook = None
        assert world.run(*BTC, "--to", "2026-02-20", vendor=url, environment=settings).returncode == 0
        assert world.run_json("alerts", "list", database=False)["open"] == 0


def test_the_thread_that_sends_takes_no_signals(world):
    vendor = Vendor()
    vendor.hook = failing
    released = threading.Event()
    with harness.replay(vendor.answer) as (url, _), hook(world, lambda: released.wait(20) and 204 or 204) as h:
        run = world.start(*BTC, vendor=url, environment={**CLOCK, **FAILING, "ALERT_WEBHOOK_URL": h.url})
        until = time.monotonic() + 40
        while not h.notices and time.monotonic() < until:
            time.sleep(0.02)
        tasks = [(harness.pathlib.Path("/proc") / str(run.pid) / "task").iterdir()][0]
        masks = [int(line.split()[1], 16) for task in tasks for line in (task / "status").read_text().splitlines() if line.startswith("SigBlk")]
        released.set()
        run.communicate(timeout=30)
    assert sum(mask >> 12 & 1 and mask >> 14 & 1 for mask in masks) >= 1, [hex(mask) for mask in masks]


def test_lists_that_change_are_no_restatement(world):
    """Assets, exchanges and instruments change every day; no candle does."""
    lists = ["spot_instruments", "--exchanges", "kraken", "--enable_monitoring", "--progress", "none"]
    with harness.simulator(world, "--now", iso(NOW)) as sim:
        for options in ([], ["--full_refresh"]):
            document = world.run(*lists, *options, "--json", vendor=sim.url, environment={**CLOCK, "ALERT_RESTATED_ROWS": "10"})
            assert document.returncode == 0 and "The vendor changed" not in document.stderr, document.stderr
        assert json.loads(document.stdout)["totals"]["rows_changed"] > 10


def test_candles_that_change_are_a_restatement(world):
    vendor = Vendor()
    hours = [*BTC[:5], "--interval", "1h", "--from", "2026-02-20", "--progress", "none", "--enable_monitoring"]
    with harness.replay(vendor.answer) as (url, _):
        def told(now):
            vendor.now = now
            result = world.run(*hours, vendor=url, environment={"CCDATA_NOW": iso(now), "ALERT_RESTATED_ROWS": "1"})
            assert result.returncode == 0, result.stderr
            return "The vendor changed many records" in result.stderr
        assert not told(NOW + 700)
        vendor.changes = {("BTC-USD", NOW - 10 * 3600): {"VOLUME": 9.5}}
        assert told(NOW + 3600 + 700)


def test_a_run_that_did_not_look_resolves_nothing(world):
    """Interrupted before its first page, or without a list to choose from: what was missing still is."""
    vendor = Vendor()
    vendor.hook = failing
    begun, released = threading.Event(), threading.Event()
    with harness.replay(vendor.answer) as (url, _), hook(world) as h:
        settings = {**CLOCK, **FAILING, "ALERT_WEBHOOK_URL": h.url}
        assert world.run(*BTC, vendor=url, environment=settings).returncode != 0
        told = len(h.notices)
        vendor.hook = lambda *_: begun.set() or released.wait(20) and None
        run = world.start(*BTC, vendor=url, environment=settings)
        assert begun.wait(20)
        run.send_signal(signal.SIGINT)
        time.sleep(0.5)
        released.set()
        run.communicate(timeout=40)
        assert run.returncode == 130
        vendor.hook, vendor.list_hook = None, failing
        later = dict(settings, CCDATA_NOW=iso(NOW + 2 * 86400))
        (world.folder / "batch.json").write_text(json.dumps([{"data_type": "spot_ohlcv", "specific_market": "kraken", "specific_instrument": "BTC-USD",
                                                              "interval": "1d", "from": "2026-02-01"}]))
        assert world.run("batch", "--config", "batch.json", "--continue_on_error", "--progress", "none", vendor=url, environment=later).returncode != 0
        resolved = [d for d in h.documents()[told:] if d["state"] == "resolved"]
        assert not resolved, resolved


def test_a_command_alone_has_all_the_time(world):
    """What 'alerts test' lets pass must not be killed after a run."""
    vendor = Vendor()
    vendor.hook = failing
    script = world.folder / "slow.sh"
    script.write_text("#!/bin/sh\nsleep 1.5\ncat >> \"$1\"\n")
    script.chmod(0o755)
    with harness.replay(vendor.answer) as (url, _):
        result = ingest(world, url, ALERT_COMMAND=f"{script} {world.folder}/told")
    assert "killed" not in result.stderr, result.stderr


def test_a_receiver_that_was_taken_away_is_not_tried(world):
    vendor = Vendor()
    vendor.hook = failing
    with harness.replay(vendor.answer) as (url, _), hook(world, lambda: 500) as h:
        ingest(world, url, ALERT_WEBHOOK_URL=h.url)
        h.answer = lambda: 204
        without = ingest(world, url, MONITORING_METRICS_ENABLED="true")
        assert "waits for the next run" not in without.stderr, without.stderr
        before = len(h.notices)
        ingest(world, url, ALERT_WEBHOOK_URL=h.url)
        assert len(h.notices) > before, "it waited for the one that it is for"


def test_works_without_a_database_and_when_killed_while_sending(world):
    released = threading.Event()
    with hook(world, lambda: released.wait(20) and 204 or 204) as h:
        env = dict(world.environment, **CLOCK, ALERT_WEBHOOK_URL=h.url, DATA_API_BASE_URL="http://127.0.0.1:9", MIN_API_BASE_URL="http://127.0.0.1:9")
        process = subprocess.Popen([harness.CCDATA, *BTC, "--database", "postgresql://nobody@127.0.0.1:9/none"], cwd=world.folder, env=env,
                                   stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        until = time.monotonic() + 40
        while not h.notices and time.monotonic() < until:
            time.sleep(0.05)
        process.kill()
        process.wait()
        released.set()
        assert h.documents()[0]["rule"] == "run_failed", h.documents()
        again = world.run(*BTC, "--database", "postgresql://nobody@127.0.0.1:9/none", vendor="http://127.0.0.1:9", database=False,
                          environment={**CLOCK, "ALERT_WEBHOOK_URL": h.url})
        assert again.returncode == 8
        assert h.documents()[0]["id"] in [d["id"] for d in h.documents()[1:]], "at least once, with its id"


def test_slack_discord_command_and_log(world):
    vendor = Vendor()
    vendor.hook = lambda *_: (500, {"Err": {"message": "<!channel> @everyone [x](http://evil.example)"}})
    script = world.folder / "notify.sh"
    script.write_text("#!/bin/sh\ncat > \"$1\"\nenv > \"$1.env\"\n")
    script.chmod(0o755)
    with harness.replay(vendor.answer) as (url, _), hook(world) as h:
        result = ingest(world, url, SLACK_WEBHOOK_URL=f"{h.url}/slack", DISCORD_WEBHOOK_URL=f"{h.url}/discord", ALERT_COMMAND=f"{script} {world.folder}/told.json")
    bodies = {path: json.loads(body) for path, _, body in h.notices}
    assert set(bodies) == {"/slack", "/discord"}, bodies
    assert bodies["/discord"]["allowed_mentions"] == {"parse": []}
    assert "<!channel>" not in json.dumps(bodies["/slack"]) and "@everyone" not in json.dumps(bodies["/slack"]).replace("@\\u200beveryone", "")
    told = json.loads((world.folder / "told.json").read_text())
    assert told["rule"] in ("run_failed", "gaps_left", "stale") and told["id"]
    environment = (world.folder / "told.json.env").read_text()
    assert "CCDATA" not in environment and "SECRET" not in environment, environment
    assert "alert: spot_ohlcv" in result.stderr, result.stderr


def test_a_notice_tells_what_was_seen_of_its_own_subject(world):
    """The operation after it, and the next run, must not lend it their numbers."""
    vendor = Vendor()
    vendor.hook = lambda _, path, __: (500, {"Err": {"message": "broken"}}) if path.endswith("/hours") else None
    spot = {"data_type": "spot_ohlcv", "specific_market": "kraken", "specific_instrument": "BTC-USD", "from": "2026-02-20"}
    (world.folder / "batch.json").write_text(json.dumps([dict(spot, interval="1h"), dict(spot, interval="1d")]))
    batch = ["batch", "--config", "batch.json", "--continue_on_error", "--progress", "none"]
    with harness.replay(vendor.answer) as (url, _), hook(world, lambda: 500) as h:
        settings = {**CLOCK, **FAILING, "ALERT_WEBHOOK_URL": h.url}
        world.run(*batch, vendor=url, environment=settings)
        vendor.hook, h.answer = None, lambda: 204
        done = world.run(*batch, vendor=url, environment=settings)
        assert done.returncode == 0, done.stderr
        told = {(d["rule"], d["state"]): d["detail"] for d in h.documents()}
    missing = told["gaps_left", "firing"]
    assert missing.endswith(" periods.") and int(missing.split()[0]) > 0, told
    assert "broken" in told["run_failed", "firing"], told
    assert told["gaps_left", "resolved"] == "0 periods.", told


class SmtpServer(threading.Thread):
    """EHLO, STARTTLS, AUTH PLAIN, MAIL, RCPT, DATA."""

    def __init__(self, files, starttls=True):
        super().__init__(daemon=True)
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.port = self.listener.getsockname()[1]
        self.context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        self.context.load_cert_chain(*files)
        self.starttls, self.mails, self.logins, self.encrypted = starttls, [], [], []

    def run(self):
        while True:
            try:
                peer, _ = self.listener.accept()
            except OSError:
                return
            with contextlib.suppress(OSError):
                self.talk(peer)

    def talk(self, peer):
        peer.sendall(b"220 test\r\n")
        lines, encrypted, receivers = peer.makefile("rb"), False, []
        while line := lines.readline():
            word = line.split()[0].upper()
            if word == b"EHLO":
                extra = b"250-STARTTLS\r\n" if self.starttls and not encrypted else b""
                peer.sendall(b"250-test\r\n" + extra + b"250 AUTH PLAIN\r\n")
            elif word == b"STARTTLS":
                peer.sendall(b"220 go\r\n")
                peer = self.context.wrap_socket(peer, server_side=True)
                lines, encrypted = peer.makefile("rb"), True
            elif word == b"AUTH":
                given = line.split()[2] if len(line.split()) > 2 else (peer.sendall(b"334 \r\n"), lines.readline().strip())[1]
                self.logins.append(base64.b64decode(given).split(b"\0"))
                peer.sendall(b"235 yes\r\n")
            elif word == b"RCPT":
                receivers.append(line.split(b":")[1].strip().decode())
                peer.sendall(b"250 ok\r\n")
            elif word == b"DATA":
                peer.sendall(b"354 go\r\n")
                text = b""
                while (part := lines.readline()) != b".\r\n":
                    text += part
                self.mails.append((receivers, text.decode()))
                self.encrypted.append(encrypted)
                peer.sendall(b"250 kept\r\n")
            elif word == b"QUIT":
                peer.sendall(b"221 bye\r\n")
                return
            else:
                peer.sendall(b"250 ok\r\n")


def test_mail_by_a_real_smtp_server(world):
    files = certificate(world.folder)
    server = SmtpServer(files)
    server.start()
    vendor = Vendor()
    vendor.hook = failing
    settings = {"SMTP_HOST": "localhost", "SMTP_PORT": str(server.port), "SMTP_USER": "me", "SMTP_PASSWORD": "m4il-pass", "SMTP_FROM": "ccdata@example.com",
                "SMTP_TO": "one@example.com, two@example.com", "ALERT_CA_FILE": files[0]}
    with harness.replay(vendor.answer) as (url, _):
        result = ingest(world, url, **settings)
    assert server.mails, result.stderr
    receivers, text = server.mails[0]
    assert receivers == ["<one@example.com>", "<two@example.com>"] and "Subject: [ccdata] " in text and "Message-ID: <" in text, text
    assert server.logins[0][1:] == [b"me", b"m4il-pass"]
    tried = world.run("alerts", "test", "mail", environment=settings, database=False)
    assert tried.returncode == 0 and "trial" in server.mails[-1][1], tried.stderr
    wrong = world.run("alerts", "test", "mail", environment={**settings, "SMTP_TO": "one@example.com\tx"}, database=False)
    hostile = world.run("alerts", "test", "mail", environment={**settings, "SMTP_FROM": "a@b>\r\nRCPT TO:<c@d"}, database=False)
    assert hostile.returncode in (2, 12) and wrong.returncode in (2, 12), (hostile.stderr, wrong.stderr)
    server.listener.close()


class Picky(SmtpServer):
    """Answers one command with something else; b"" closes the connection."""

    def __init__(self, files, word, answer, only=b""):
        super().__init__(files, starttls=False)
        self.word, self.answer, self.only = word, answer, only

    def talk(self, peer):
        peer.sendall(b"220 test\r\n")
        lines, receivers = peer.makefile("rb"), []
        while line := lines.readline():
            word = line.split()[0].upper()
            if word == self.word and self.only in line:
                if not self.answer:
                    return peer.shutdown(socket.SHUT_RDWR)
                peer.sendall(self.answer)
            elif word == b"DATA":
                peer.sendall(b"354 go\r\n")
                while lines.readline() != b".\r\n":
                    pass
                self.mails.append(receivers)
                receivers = []
                peer.sendall(b"250 kept\r\n")
            else:
                receivers += [line.split(b":")[1].strip().decode()] if word == b"RCPT" else []
                peer.sendall(b"221 bye\r\n" if word == b"QUIT" else b"250 ok\r\n")


def test_mail_servers_that_refuse(world):
    files = certificate(world.folder)

    def tried(server, **settings):
        server.start()
        env = {"SMTP_HOST": "localhost", "SMTP_PORT": str(server.port), "SMTP_TO": "one@example.com, two@example.com, three@example.com", **settings}
        result = world.run("alerts", "test", "mail", environment=env, database=False)
        server.listener.close()
        return result

    server = SmtpServer(files)
    own = tried(server)  # as Debian's mail server comes: STARTTLS with a certificate that nobody signed
    assert own.returncode == 0 and len(server.mails) == 1, own.stderr
    assert tried(SmtpServer(files), ALERT_CA_FILE="/etc/ssl/certs/ca-certificates.crt").returncode == 12
    server = Picky(files, b"RCPT", b"550 no such user\r\n", only=b"two@")
    one = tried(server)
    assert sorted(sum(server.mails, [])) == ["<one@example.com>", "<three@example.com>"], server.mails
    assert one.returncode == 12 and "two@example.com" in one.stderr and "550" in one.stderr and "SMTP_TO" in one.stderr, one.stderr
    all_refused = tried(Picky(files, b"RCPT", b"550 no such user\r\n"))
    assert all_refused.returncode == 12 and "550" in all_refused.stderr, all_refused.stderr
    sender = tried(Picky(files, b"MAIL", b"501 bad sender\r\n"))
    assert sender.returncode == 12 and "501" in sender.stderr, sender.stderr
    closed = tried(Picky(files, b"DATA", b""))
    assert closed.returncode == 12 and "SMTP_HOST" in closed.stderr, closed.stderr
    server = SmtpServer(files, starttls=False)
    other = tried(server, SMTP_HOST="127.1", SMTP_USER="me", SMTP_PASSWORD="m4il-pass")  # a name that begins like one of this host
    assert other.returncode == 12 and "STARTTLS" in other.stderr and not server.logins, other.stderr
    half = world.run("alerts", "test", environment={"SMTP_HOST": "localhost"}, database=False)
    assert half.returncode == 12 and "SMTP_TO" in half.stderr, half.stdout + half.stderr
    unset = world.run("alerts", "test", "slack", database=False)
    assert unset.returncode == 12 and "SLACK_WEBHOOK_URL" in unset.stderr, unset.stderr


def test_a_refused_mail_receiver_is_named_and_not_tried_for_ever(world):
    vendor = Vendor()
    vendor.hook = failing
    server = Picky(certificate(world.folder), b"RCPT", b"550 no such user\r\n", only=b"two@")
    server.start()
    with harness.replay(vendor.answer) as (url, _):
        result = ingest(world, url, SMTP_HOST="localhost", SMTP_PORT=str(server.port), SMTP_TO="one@example.com, two@example.com")
    assert server.mails and set(sum(server.mails, [])) == {"<one@example.com>"}, server.mails
    assert "two@example.com" in result.stderr and "waits for the next run" not in result.stderr, result.stderr
    assert world.run_json("alerts", "list", database=False)["pending_notices"] == 0
    server.listener.close()


def test_addresses_and_redirects(world):
    with hook(world) as h:
        base = {"ALERT_WEBHOOK_URL": h.url}
        assert world.run("alerts", "test", "webhook", environment=base, database=False).returncode == 0
        before = len(h.notices)
        for url in (h.url, h.url.replace("localhost", "127.0.0.1"), h.url.replace("localhost", "0x7f.1"), h.url.replace("localhost", "[::ffff:127.0.0.1]"),
                    h.url.replace("localhost", "0.0.0.0"), h.url.replace("https", "http")):
            refused = world.run("alerts", "test", "webhook", environment={"ALERT_WEBHOOK_URL": url, "ALERT_ALLOW_PRIVATE": "false"}, database=False)
            assert refused.returncode == 12 and len(h.notices) == before, (url, refused.stderr)
            assert url not in refused.stdout + refused.stderr, "the address is a secret"
        for settings, word in (({"ALERT_CA_FILE": "/nowhere.pem"}, "ALERT_CA_FILE"), ({"ALERT_CA_FILE": "/etc/ssl/certs/ca-certificates.crt"}, "ALERT_CA_FILE"),
                               ({"ALERT_WEBHOOK_URL": "https://localhost:9/x"}, "check the address"), ({"ALERT_WEBHOOK_URL": "http://192.0.2.1/x"}, "use https")):
            unclear = world.run("alerts", "test", "webhook", environment={**base, **settings}, database=False)
            assert unclear.returncode == 12 and word in unclear.stderr, (settings, unclear.stderr)
        h.answer = lambda: 302
        assert world.run("alerts", "test", "webhook", environment=base, database=False).returncode == 12
        h.answer = lambda: 500
        failed = world.run_json("alerts", "test", environment=base, database=False, expect=12)
        assert [r["sent"] for r in failed["receivers"]] == [True, False], failed
    assert world.run("alerts", "test", "pigeon", database=False).returncode == 2


def test_many_operations_that_fail_make_few_notices(world):
    """One cause, a hundred operations: five notices of a rule, which count the others; all are remembered, and counted to three."""
    vendor = Vendor()
    vendor.hook = failing
    spot = {"data_type": "spot_ohlcv", "specific_market": "kraken", "interval": "1d", "from": "2026-02-20"}
    names = [f"A{i}-USD" for i in range(100)]
    vendor.instruments = [(name.replace("-", ""), name) for name in names]
    (world.folder / "batch.json").write_text(json.dumps([dict(spot, specific_instrument=name) for name in names]))
    batch = ["batch", "--config", "batch.json", "--continue_on_error", "--progress", "none"]
    with harness.replay(vendor.answer) as (url, _), hook(world) as h:
        settings = {**CLOCK, "API_MAX_RETRIES": "0", "ALERT_WEBHOOK_URL": h.url}
        for _ in range(3):
            world.run(*batch, vendor=url, environment=settings)
        firing = [d for d in h.documents() if d["state"] == "firing"]
        rules = [d["rule"] for d in firing]
        assert rules.count("run_failed") == rules.count("gaps_left") == rules.count("consecutive_failures") == 5, rules
        assert sum("And 95 more" in d["detail"] for d in firing) == 3, [d["detail"] for d in firing]
        assert world.run_json("alerts", "list", database=False)["open"] == 300
        vendor.hook = None
        world.run(*batch, vendor=url, environment=settings)
        assert [d["state"] for d in h.documents()].count("resolved") == 15
        assert world.run_json("alerts", "list", database=False)["open"] == 0


def test_a_notice_that_is_given_up_is_told_of(world):
    vendor = Vendor()
    vendor.hook = failing
    lines = "ccdata alerts 2\nlast 64\n" + "".join(f"notice stale {i} 0 1 4 0 0 old {i}\ndetail x\n" for i in range(1, 65))
    folder = world.folder / "state" / "ccdata"
    folder.mkdir(parents=True)
    (folder / "alerts").write_text(lines + hashlib.sha256(lines.encode()).hexdigest() + "\n")
    with harness.replay(vendor.answer) as (url, _), hook(world, lambda: 500) as h:
        result = ingest(world, url, ALERT_WEBHOOK_URL=h.url)
    assert "the oldest, about old 1, is given up" in result.stderr and "the oldest, about old 2, is given up" in result.stderr, result.stderr
    assert world.run_json("alerts", "list", database=False)["pending_notices"] == 64


def test_no_two_notices_have_one_id(world):
    """Whoever drops what it has seen must not drop a new alert: not after the state was lost, not under a host name of 63 characters."""
    vendor = Vendor()
    vendor.hook = failing
    with harness.replay(vendor.answer) as (url, _), hook(world) as h:
        for now in (NOW, NOW + 60):
            ingest(world, url, ALERT_WEBHOOK_URL=h.url, CCDATA_NOW=iso(now))
            (world.folder / "state" / "ccdata" / "alerts").unlink()
        named = dict(world.environment, **CLOCK, **FAILING, ALERT_WEBHOOK_URL=h.url, DATA_API_BASE_URL=url, MIN_API_BASE_URL=url)
        command = ["unshare", "-u", "sh", "-c", 'hostname "$0" && exec "$@"', "h" * 63, harness.CCDATA, *BTC, "--database", world.url]
        if subprocess.run(command[:5] + ["h", "true"], capture_output=True).returncode == 0:  # root alone may
            subprocess.run(command, cwd=world.folder, env=named, capture_output=True)
            assert "h" * 63 in h.documents()[-1]["id"]
        else:
            print("skipped: a long host name: unshare is not allowed")
    ids = [d["id"] for d in h.documents()]
    assert len(ids) >= 4 and len(set(ids)) == len(ids), ids


def test_state_that_is_damaged_is_begun_anew(world):
    vendor = Vendor()
    vendor.hook = failing
    with harness.replay(vendor.answer) as (url, _):
        ingest(world, url, MONITORING_METRICS_ENABLED="true")
        state = world.folder / "state" / "ccdata" / "alerts"
        assert state.stat().st_mode & 0o777 == 0o600
        state.write_bytes(state.read_bytes()[:-5])
        result = ingest(world, url, MONITORING_METRICS_ENABLED="true")
        assert "begun anew" in result.stderr and "alert: spot_ohlcv" in result.stderr, result.stderr
        quiet = ingest(world, url)
        assert "alert:" not in quiet.stderr, "nobody asked for alerts"


if __name__ == "__main__":
    harness.main(globals())
