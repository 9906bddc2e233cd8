#!/usr/bin/env python3
"""Secrets stay secret: in what is printed, stored, logged and asked, in the process itself and in the files it makes.

The search that the harness does after every test is tested first: a search that finds nothing proves nothing.
"""
import base64
import contextlib
import html
import json
import os
import pathlib
import pwd
import re
import resource
import signal
import socket
import sqlite3
import ssl
import subprocess
import sys
import threading
import time
import urllib.parse
import urllib.request
import warnings

import harness
from alerts_test import SmtpServer, hook
from cache_test import redis
from fake_vendor import NOW, Vendor, iso
from harness import Skip, canaries, servers
import run  # noqa: E402, from tests/, which the harness has put on the path

BTC = ["spot_ohlcv", "--specific_market", "kraken", "--specific_instrument", "BTC-USD"]
AT = {"CCDATA_NOW": iso(NOW), "API_MAX_RETRIES": "0", "API_RETRY_DELAY": "0.01"}
SANITIZED = b"__asan_init" in pathlib.Path(harness.CCDATA).read_bytes()  # keeps memory, and must be traceable
# Every setting that is a secret, as docs/reference/configuration.md lists them, with what a user might have there.
SECRETS = {
    "CCDATA_API_KEY": canaries.KEY,
    "CCDATA_DATABASE_PASSWORD": canaries.DATABASE_PASSWORD,
    "S2_PASSWORD": canaries.S2_PASSWORD,
    "REDIS_PASSWORD": canaries.REDIS_PASSWORD,
    "CCDATA_SERVE_TOKEN": canaries.SERVE_TOKEN,
    "ALERT_WEBHOOK_SECRET": canaries.HOOK_SECRET,
    "SMTP_PASSWORD": canaries.MAIL_PASSWORD,
    "SLACK_WEBHOOK_URL": "https://hooks.example/services/" + urllib.parse.quote(canaries.SLACK_TOKEN, safe=""),
    "DISCORD_WEBHOOK_URL": "https://hooks.example/api/webhooks/" + urllib.parse.quote(canaries.DISCORD_TOKEN, safe=""),
    "ALERT_WEBHOOK_URL": "https://hooks.example/?token=" + urllib.parse.quote(canaries.HOOK_TOKEN, safe=""),
}
GIVEN = [secret for name, secret in canaries.ALL.items() if name not in ("administrator's password", "key of the unit tests")]
NONE = {name: None for name in SECRETS}
# Ways to run, each of which a secret might slip out of: (arguments, settings, exit codes)
RUNS = {
    "ingest": (BTC, {}, (0,)),
    "everything": ([*BTC, "-v", "--progress", "log"], {}, (0,)),
    "plan": ([*BTC, "--dry_run", "--json"], {}, (0,)),
    "status": (["status", "--json"], {}, (0,)),
    "status for people": (["status", "--check"], {}, (0, 6, 7, 12)),
    "config": (["config"], {}, (0,)),
    "config as JSON": (["config", "--json"], {}, (0,)),
    "config check": (["config", "check"], {}, (0,)),
    "quota": (["quota", "--check", "--json"], {}, (0, 7)),
    "gaps": (["gaps", "spot_ohlcv"], {}, (0, 12)),
    "verify": (["verify", "spot_ohlcv", "--all"], {}, (0, 2)),
    "repair": (["repair", "spot_ohlcv", "--all"], {}, (0, 2)),
    "help": (["help", "spot_ohlcv"], {}, (0,)),
    "version": (["--version"], {}, (0,)),
    "nobody there": ([*BTC, "--database", "sqlite:other.db"], {"DATA_API_BASE_URL": "http://127.0.0.1:9", "MIN_API_BASE_URL": "http://127.0.0.1:9"}, (6,)),
    "bad setting": (BTC, {"INGESTION_PARALLEL_WORKERS": "many"}, (2,)),
    "bad key": (BTC, {"CCDATA_API_KEY": canaries.KEY + "\n"}, (2,)),
    "bad URL of the vendor": (BTC, {"DATA_API_BASE_URL": f"https://u:{urllib.parse.quote(canaries.KEY)}@h/"}, (2,)),
    "bad webhook": (BTC, {"SLACK_WEBHOOK_URL": "ftp://" + urllib.parse.quote(canaries.KEY)}, (2,)),
    "webhook with a user": (BTC, {"ALERT_WEBHOOK_URL": f"https://u:{urllib.parse.quote(canaries.HOOK_TOKEN, safe='')}@h/"}, (2,)),
    "Redis by a URL": (BTC, {"REDIS_HOST": f"redis://:{urllib.parse.quote(canaries.REDIS_PASSWORD, safe='')}@127.0.0.1:6379"}, (2,)),
    "SingleStore by a URL": (["config"], {"S2_HOST": f"mysql://me:{urllib.parse.quote(canaries.DATABASE_PASSWORD, safe='')}@h"}, (2,)),
    "mail by a URL": (["config"], {"SMTP_HOST": f"smtp://me:{urllib.parse.quote(canaries.MAIL_PASSWORD)}@h"}, (2,)),
    "listener by a URL": (["status"], {"PROMETHEUS_HOST": f"http://x:{urllib.parse.quote(canaries.SERVE_TOKEN)}@127.0.0.1"}, (2,)),
    "bad token": (BTC, {"CCDATA_SERVE_TOKEN": canaries.SERVE_TOKEN + " "}, (2,)),
    "short token": (["metrics"], {"PROMETHEUS_ENABLED": "true", "PROMETHEUS_HOST": "0.0.0.0", "CCDATA_SERVE_TOKEN": canaries.SERVE_TOKEN[:21]}, (0,)),
    "bad URL of the database": (["status", "--database", f"mysql://u:{urllib.parse.quote(canaries.KEY)}@h:x/d"], {}, (2,)),
    "unescaped password": (["status", "--database", f"mysql://u:{canaries.DATABASE_PASSWORD}@h/d"], {}, (2,)),
    "no such server": (["status", "--database", f"mysql://u:{urllib.parse.quote(canaries.DATABASE_PASSWORD, safe='')}@127.0.0.1:9/d"],
                       {}, (8, 12)),
    "no such host": (["status", "--database", f"postgresql://u:{urllib.parse.quote(canaries.DATABASE_PASSWORD, safe='')}@127.0.0.1:9/d"],
                     {}, (8, 12)),
}


@contextlib.contextmanager
def vendor_that_echoes():
    """True answers; what it does not know it answers with all the headers it got."""
    vendor = Vendor()
    with harness.replay(vendor.answer) as (url, requests):
        yield url, requests


def spellings(secret):
    """A secret as others write it down, at least one for each form that the search knows."""
    return {
        "raw": secret, "URL": urllib.parse.quote(secret, safe=""), "URL ": urllib.parse.quote(secret),
        "URL  ": urllib.parse.quote_plus(secret), "JSON": json.dumps({"k": secret}),
        "JSON ": json.dumps(secret, ensure_ascii=False), "base64": base64.b64encode(secret.encode()).decode(),
        "base64 ": base64.b64encode(b"user:" + secret.encode()).decode(),
        "base64  ": base64.b64encode(b"me:" + secret.encode()).decode(),
        "hex": secret.encode().hex(), "hex ": secret.encode().hex().upper(),
        "raw ": secret[:canaries.PREFIX_BYTES] + "...", "raw  ": "***" + secret[-canaries.PREFIX_BYTES:],
        "JSON  ": json.dumps(secret).replace("/", "\\/"), "HTML": html.escape("<" + secret),
    }


def all_spellings():
    return [(name, form.strip(), text) for name, secret in canaries.ALL.items() for form, text in spellings(secret).items()
            if name != "SingleStore password" or form != "raw "]


def plant_in_file(world, text):
    (world.folder / "a" / "b").mkdir(parents=True, exist_ok=True)
    (world.folder / "a" / "b" / "log").write_bytes(b"\0\xff" * 1000 + text.encode() + b"\n")


def plant_across_reads(world, text):
    """Where one piece that the search reads ends, and the next begins."""
    (world.folder / "big").write_bytes(b"x" * (canaries.READ_BYTES - 5) + text.encode() + b"y" * 100)


def plant_in_database(world, text):
    with contextlib.closing(sqlite3.connect(world.database)) as connection:
        connection.execute("CREATE TABLE t (a TEXT)")
        connection.execute("INSERT INTO t VALUES (?)", (text,))
        connection.commit()


def plant_in_wal(world, text):
    """Left behind as by a process that was killed."""
    script = ("import os, sqlite3, sys; c = sqlite3.connect(sys.argv[1]); c.execute('PRAGMA journal_mode=WAL');"
              "c.execute('CREATE TABLE t (a TEXT)'); c.execute('INSERT INTO t VALUES (?)', (sys.argv[2],)); c.commit();"
              "os.kill(os.getpid(), 9)")
    subprocess.run([sys.executable, "-c", script, str(world.folder / "wal.db"), text], check=False)
    assert (world.folder / "wal.db-wal").stat().st_size > 0


def plant_in_name(world, text):
    (world.folder / urllib.parse.quote(text, safe="")).touch()


def plant_in_output(world, text):
    """A program of ours: the path stands in the command, and what is printed is what it would print."""
    subprocess.run(["sh", "-c", f": {harness.CCDATA}; printf %s \"$1\"", "sh", text], capture_output=True, check=True)


def plant_in_errors(world, text):
    subprocess.run(["sh", "-c", f": {harness.CCDATA}; printf %s \"$1\" >&2", "sh", text], capture_output=True, text=True, check=True)


PLACES = [plant_in_file, plant_across_reads, plant_in_database, plant_in_wal, plant_in_output, plant_in_errors]


def test_the_search_finds_each_form_in_each_place(world):
    assert world.leaks() == [], "a fresh folder holds secrets"
    missed = []
    for name, form, text in all_spellings():
        for plant in PLACES if name == "API key" else PLACES[:1]:
            other = harness.World()
            plant(other, text)
            found = other.leaks()
            if not any(line.startswith(f"{name} ({form})") for line in found):
                missed.append(f"{plant.__name__}, {name} as {form}: {found}")
            other.remove()
    assert not missed, "\n".join(missed)
    harness.LEAKS.clear()


def test_the_search_finds_names_cores_and_urls(world):
    plant_in_name(world, canaries.KEY)
    assert any("in the name" in line for line in world.leaks())
    (world.folder / "core.123").touch()
    assert any("core file" in line for line in world.leaks())
    with harness.replay(lambda path, query: (200, {}, b"{}")) as (url, _):
        urllib.request.urlopen(f"{url}/x?api_key=" + urllib.parse.quote(canaries.KEY, safe="")).read()
        urllib.request.urlopen(urllib.request.Request(f"{url}/x", headers={"Authorization": "Apikey " + canaries.KEY})).read()
    found = [line for line in world.leaks() if "URL of a request" in line]
    assert len(found) == 1, found
    for path in world.folder.iterdir():
        path.unlink()
    assert world.plant("key", canaries.KEY) and world.leaks() == [], "a file that is meant to hold one is no find"
    (world.folder / "key2").write_text(canaries.KEY)
    assert world.leaks() != []
    (world.folder / "key2").unlink()


def test_the_runner_fails_a_program_that_prints_a_secret(world):
    for stream in ("stdout", "stderr"):
        for form, text in spellings(canaries.KEY).items():
            test = {"name": "leaky", "cmd": [sys.executable, "-c", f"import sys; print(sys.argv[1], file=sys.{stream}); print('1 passed, 0 failed')",
                                             text], "workdir": str(world.folder), "env": {}, "timeout": 20}
            counts, _, shown = run.run_one("build", test, "")
            assert counts[1] == 1 and "SECRET API key" in shown, (stream, form, shown)
    test["cmd"][-1] = "nothing"
    assert run.run_one("build", test, "")[0] == (1, 0, 0)


def test_no_way_to_run_shows_a_secret(world):
    """All secrets set, in the environment, a .env file and files of their own; the search of the harness judges."""
    wrong = []
    def given_by_files():
        for name, value in SECRETS.items():
            world.plant("secret_" + name, value + "\n")
        return NONE | {f"{name}_FILE": f"secret_{name}" for name in SECRETS}
    def given_by_env_file():
        quoted = {name: value.replace("\\", "\\\\").replace('"', '\\"') for name, value in SECRETS.items()}
        world.plant(".env", "".join(f'{name}="{value}"\n' for name, value in quoted.items()))
        return NONE
    with vendor_that_echoes() as (url, requests):
        for how, given in ("environment", SECRETS), ("files", given_by_files()), (".env", given_by_env_file()):
            for name, (arguments, settings, codes) in RUNS.items():
                if how != "environment" and set(settings) & set(SECRETS):
                    continue
                result = world.run(*arguments, vendor=None, environment=AT | {"DATA_API_BASE_URL": url, "MIN_API_BASE_URL": url} | given
                                   | settings, database="--database" not in arguments)
                if result.returncode not in codes:
                    wrong.append(f"{how}, {name}: exit {result.returncode}: {result.stderr[-300:]}")
                wrong += [f"{how}, {name}: {leak}" for leak in world.leaks()]
        sent = {request["headers"].get("Authorization") for request in requests}
    assert not wrong, "\n".join(wrong)
    assert sent == {"Apikey " + canaries.KEY}, "the key went out in another form, or not at all"


def test_every_secret_is_known_here(world):
    """A setting that becomes one joins the tests."""
    page = (harness.ROOT / "docs" / "reference" / "configuration.md").read_text()
    assert set(SECRETS) == set(re.findall(r"`(\w+)`", re.search(r"^(.*) are secrets\.", page, re.M)[1]))


TOLD = """#!/bin/sh
{ cat; echo; env; tr '\\0' ' ' < /proc/self/cmdline; ls -l /proc/self/fd; cat /proc/$PPID/cmdline /proc/$PPID/environ; ps eww -p $PPID; } >> "$1" 2>/dev/null
"""


class FakeRedis(threading.Thread):
    """Refuses all commands as old servers do: with what it was told."""

    def __init__(self):
        super().__init__(daemon=True)
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.port, self.heard = self.listener.getsockname()[1], b""

    def run(self):
        with contextlib.suppress(OSError):
            while True:
                peer, _ = self.listener.accept()
                with peer, contextlib.suppress(OSError):
                    heard = peer.recv(65536)
                    self.heard += heard
                    peer.sendall(b"-" + heard.splitlines()[-1] + b" is a wrong password, " + heard.splitlines()[-1] + b"\r\n")


def ask(port, route, *headers):
    with socket.create_connection(("127.0.0.1", port), 10) as client:
        client.sendall("\r\n".join([f"GET {route} HTTP/1.1", f"Host: 127.0.0.1:{port}", *headers, "Connection: close", "", ""]).encode("latin-1"))
        return b"".join(iter(lambda: client.recv(1 << 16), b""))


def daemon_answers(world, env):
    """What the daemon's listener tells those with the token and those without; all that others see of the process."""
    (world.folder / "daemon.json").write_text(json.dumps([dict(data_type="spot_ohlcv", interval="1d", every="1h", **{
        "specific_market": "kraken", "specific_instrument": "BTC-USD"})]))
    env = {name: value for name, value in (world.environment | env).items() if value is not None and name != "CCDATA_NOW"}
    process = subprocess.Popen([harness.CCDATA, "daemon", "--config", "daemon.json", "--database", world.url], cwd=world.folder, env=env,
                               stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    shown, answers, port = "", [], None
    try:
        for line in process.stderr:
            shown += line
            if found := re.search(r"http://127\.0\.0\.1:(\d+)/metrics", line):
                port = int(found[1])
            if "next: " in line:
                break
        assert port, shown
        for headers in ([f"Authorization: Bearer {canaries.SERVE_TOKEN}"], ["Authorization: Bearer wrong"], []):
            for route in ("/", "/metrics", "/healthz", "/status", "/metrics?token=" + urllib.parse.quote(canaries.SERVE_TOKEN, safe="")):
                answers.append(ask(port, route, *headers))
        for file in ("cmdline", "environ", "comm", "status"):
            answers.append(pathlib.Path("/proc", str(process.pid), file).read_bytes())
        answers.append(subprocess.run(["ps", "eww", "-p", str(process.pid)], capture_output=True).stdout)
    finally:
        process.terminate()
        _, rest = process.communicate(timeout=30)
    assert process.returncode == 0 and answers[1].startswith(b"HTTP/1.1 200") and b" 200 " not in answers[11].splitlines()[0], (shown, rest, answers)
    return answers + [(shown + rest).encode()]


def test_each_credential_goes_where_it_must_and_nowhere_else(world):
    """Every feature that has one is on, with a real server behind it; then each server fails, and says what it was told."""
    vendor = Vendor()
    secrets = [text for secret in GIVEN for text in spellings(secret).values() if not text.startswith("***")]
    def telling(vendor, path, query):
        return 500, {"Err": {"message": secrets[len(vendor.stamps) % len(secrets)]}}
    answer = [204]
    script = world.folder / "told.sh"
    script.write_text(TOLD)
    script.chmod(0o755)
    wrong = []
    def look(where, texts, known=()):
        wrong.extend(f"{where}: {leak}" for text in texts for leak in canaries.in_text(text) if not leak.startswith(tuple(known) or "-"))
    with contextlib.ExitStack() as stack:
        url, _ = stack.enter_context(harness.replay(vendor.answer))
        hooks = stack.enter_context(hook(world, lambda: answer[0]))
        port, _, _ = stack.enter_context(redis(world, password=canaries.REDIS_PASSWORD))
        mail, liar = SmtpServer(world.files), FakeRedis()
        mail.start()
        liar.start()
        settings = AT | SECRETS | {name: SECRETS[name].replace("https://hooks.example", hooks.url) for name in SECRETS if "WEBHOOK_URL" in name} | {
            "DATA_API_BASE_URL": url, "MIN_API_BASE_URL": url, "CACHE_ENABLED": "true", "CACHE_BACKEND": "redis", "REDIS_HOST": "127.0.0.1",
            "REDIS_PORT": str(port), "SMTP_HOST": "localhost", "SMTP_PORT": str(mail.port), "SMTP_USER": "me", "SMTP_FROM": "a@example.com",
            "SMTP_TO": "b@example.com", "ALERT_COMMAND": f"{script} {world.folder}/told", "PROMETHEUS_ENABLED": "true", "PROMETHEUS_PORT": "0",
            "CCDATA_METRICS_FILE": "metrics.prom", "CCDATA_TRACE": "http,plan,store,quota", "LOG_LEVEL": "DEBUG", "LOG_FORMAT": "json",
            "MONITORING_METRICS_ENABLED": "true", "ALERT_COOLDOWN": "0"}
        files = {name: None for name in SECRETS} | {f"{name}_FILE": f"secret_{name}" for name in SECRETS}
        for name in SECRETS:
            world.plant("secret_" + name, settings[name] + "\n")
        broken = {"REDIS_PORT": str(liar.port)}
        for given in ({}, files):
            for change, hooked, status in ({}, None, 204), (broken, telling, 500), (broken | {"SMTP_PORT": "9"}, telling, 302):
                vendor.hook, answer[0] = hooked, status
                env = settings | given | change
                for arguments in (BTC, [*BTC, "--json"], ["status", "--check"], ["health", "--json"], ["doctor"], ["config", "--json"], ["metrics"],
                                  ["alerts", "test"], ["alerts", "test", "--json"], ["alerts", "list"], ["quota", "--check"], ["verify", "spot_ohlcv", "--all"],
                                  ["repair", "spot_ohlcv", "--all"], ["gaps", "spot_ohlcv"]):
                    database = ["--database", f"sqlite:{world.folder}/{len(vendor.stamps)}.db"] if arguments[0] == "spot_ohlcv" else []
                    result = world.run(*arguments, *database, vendor=None, environment=env, database=not database)
                    assert result.returncode in (0, 1, 6, 7, 12) or arguments[0] in ("verify", "repair"), (arguments, change, result.returncode, result.stderr)
                    wrong += [f"{arguments}: {leak}" for leak in harness.LEAKS]
                    harness.LEAKS.clear()
                wrong += world.leaks()
                if hooked is None:
                    look("daemon", daemon_answers(world, env))
        values = subprocess.run(["redis-cli", "-p", str(port), "--no-auth-warning", "eval",
                                 "local t = {} for i, k in ipairs(redis.call('keys', '*')) do t[2 * i] = k t[2 * i + 1] = redis.call('get', k) end return table.concat(t, ' ', 2)", "0"],
                                env=os.environ | {"REDISCLI_AUTH": canaries.REDIS_PASSWORD}, capture_output=True).stdout
    assert b"ccdata:1:" in values and canaries.REDIS_PASSWORD.encode() in liar.heard
    look("Redis", [values])
    look("a false Redis", [liar.heard], ["Redis password"])
    look("mails", [text for _, text in mail.mails])
    assert len(mail.mails) > 2 and all(login[1:] == [b"me", canaries.MAIL_PASSWORD.encode()] for login in mail.logins), mail.logins
    own = {"services": "Slack token", "api": "Discord token", "?token=" + urllib.parse.quote(canaries.HOOK_TOKEN, safe=""): "webhook token"}
    assert {path.split("/")[1] for path, _, _ in hooks.notices} == set(own), {path for path, _, _ in hooks.notices}
    for path, headers, body in hooks.notices:
        look("a hook", [path, json.dumps(headers)], [own[path.split("/")[1]]])
        look("the body for a hook", [body])
    assert (world.folder / "told").stat().st_size > 1000 and (world.folder / "metrics.prom").exists()
    assert not wrong, "\n".join(sorted(set(wrong)))


def test_masked_behind_any_prefix(world):
    """A vendor that quotes the header as a proxy logs it: base64 of "user:key" does not begin where the key does."""
    texts = [base64.b64encode((prefix + canaries.KEY).encode()).decode() for prefix in ("", "a", "ab", "user:")]
    texts += [text for text in spellings(canaries.KEY).values() if not text.startswith("***")]
    for text in texts:
        with harness.replay(lambda path, query: (500, {"Content-Type": "text/html"}, b"<html>" + text.encode())) as (url, _):
            result = world.run(*BTC, "-v", vendor=url, environment=AT)
        assert result.returncode == 6 and world.leaks() == [], (text, result.stderr)


def test_a_webhook_tears_no_other_address(world):
    """That the address of a webhook is secret does not make "https://" one."""
    result = world.run(*BTC, vendor="https://127.0.0.1:9", environment=AT | {"ALERT_WEBHOOK_URL": "https://127.0.0.1:9/hook/" + "x" * 30})
    assert result.returncode == 6 and "GET https://127.0.0.1:9/spot" in result.stderr, result.stderr


@contextlib.contextmanager
def waiting(world, *more, before=(), popen={}, environment={}):
    """ccdata in the middle of a call that is not answered."""
    reached, gate = threading.Event(), threading.Event()
    def answer(path, query):
        reached.set()
        gate.wait(60)
        return 500, {}, b""
    with harness.replay(answer) as (url, _):
        env = world.environment | AT | {"DATA_API_BASE_URL": url, "MIN_API_BASE_URL": url} | environment
        process = subprocess.Popen([*before, harness.CCDATA, *BTC, *more], cwd=world.folder, env=env, stdout=subprocess.PIPE,
                                   stderr=subprocess.PIPE, text=True, **popen)
        try:
            assert reached.wait(20), "the vendor was never asked: " + str(process.poll())
            yield process
        finally:
            gate.set()
            if process.poll() is None:
                process.kill()
            process.communicate(timeout=30)


def test_the_process_hides_them(world):
    """What others can read of a process: its arguments, its environment, its limits."""
    with waiting(world, "--database", f"sqlite:{world.database}", environment=SECRETS) as process:
        proc = pathlib.Path("/proc", str(process.pid))
        before = dict(line.split(b"=", 1) for line in (proc / "environ").read_bytes().split(b"\0") if b"=" in line)
        assert before[b"CCDATA_NOW"], "the environment cannot be read, so that it proves nothing"
        for file in ("cmdline", "environ", "comm", "status"):
            assert canaries.in_bytes((proc / file).read_bytes()) == [], file
        limits = (proc / "limits").read_text()
        assert next(line for line in limits.splitlines() if "core file" in line).split()[4:6] == ["0", "0"], limits
        assert "NoNewPrivs:\t1" in (proc / "status").read_text()


def test_a_password_in_an_argument_is_masked(world):
    """Servers that never answer: the processes are looked at while they wait for them."""
    password = urllib.parse.quote(canaries.DATABASE_PASSWORD, safe="")
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
        for arguments in (["status", "--database", f"mysql://u:{password}@127.0.0.1:{port}/d"],
                          ["status", f"--database=postgresql://u:{password}@127.0.0.1:{port}/d"],
                          ["copy", "--from", f"mysql://u:{password}@127.0.0.1:{port}/d", "--to", "null:"]):
            process = subprocess.Popen([harness.CCDATA, *arguments], cwd=world.folder, env=world.environment | {"CCDATA_DATABASE_PASSWORD": ""},
                                       stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
            try:
                server.settimeout(20)
                with server.accept()[0]:  # while it is open, the process waits
                    shown = pathlib.Path("/proc", str(process.pid), "cmdline").read_bytes()
            finally:
                process.kill()
                process.communicate(timeout=30)
            assert b"u:***" in shown and canaries.in_bytes(shown) == [], shown


def test_a_url_in_the_wrong_place_is_quoted_without_its_password(world):
    for password in urllib.parse.quote(canaries.DATABASE_PASSWORD, safe=""), canaries.DATABASE_PASSWORD:
        url = f"mysql://u:{password}@h/d"
        for arguments in ([url], ["status", url], ["gaps", url], ["batch", "--config", url], [*BTC, "--interval", url], [*BTC, "--from", url],
                          ["status", "--data_bas=" + url], ["status", "--env-file", url], ["diff", url, url, url], ["schema", "--dialect", url]):
            for more in ([], ["--json"]):
                result = world.run(*arguments, *more, environment={"CCDATA_DATABASE_PASSWORD": None}, database=False)
                assert result.returncode == 2 and world.leaks() == [], (arguments, result.stderr, result.stdout)


def test_no_core_file(world):
    """Whatever the shell allows: no core when the process dies of a signal that makes one."""
    popen = {"preexec_fn": lambda: resource.setrlimit(resource.RLIMIT_CORE, (1 << 20, resource.getrlimit(resource.RLIMIT_CORE)[1]))}
    with contextlib.suppress(ValueError), waiting(world, "--database", f"sqlite:{world.database}", popen=popen) as process:
        process.send_signal(signal.SIGABRT)
        assert process.wait(20) == -signal.SIGABRT
        assert not any(path.name.startswith("core") for path in world.folder.rglob("*"))


def test_nobody_else_can_look_into_the_process(world):
    """The kernel gives the files of a process that is not dumpable to root; only another user can see that."""
    user = pwd.getpwnam("nobody")
    if SANITIZED:
        raise Skip("the leak check of the sanitizer traces the process")
    if os.geteuid() == 0:
        reach = subprocess.run(["setpriv", f"--reuid={user.pw_uid}", "--clear-groups", harness.CCDATA, "--version"], capture_output=True)
        if reach.returncode:
            raise Skip("the build folder is not reachable for other users")
        os.chown(world.folder, user.pw_uid, user.pw_gid)
    before = ["setpriv", f"--reuid={user.pw_uid}", "--clear-groups"] if os.geteuid() == 0 else []
    with waiting(world, "--database", f"sqlite:{world.database}", before=before) as process:
        assert pathlib.Path("/proc", str(process.pid), "environ").stat().st_uid == 0


def test_files_are_private(world):
    """Whatever the umask: database, its companions, locks, state and their folders."""
    url = None
    with vendor_that_echoes() as (url, _):
        env = world.environment | AT | {"DATA_API_BASE_URL": url, "MIN_API_BASE_URL": url}
        done = subprocess.run([harness.CCDATA, *BTC, "--database", f"sqlite:{world.database}"], cwd=world.folder, env=env, capture_output=True,
                              text=True, umask=0)
        assert done.returncode == 0, done.stderr
        copied = subprocess.run([harness.CCDATA, "copy", "--from", f"sqlite:{world.database}", "--to", f"sqlite:{world.folder}/copy.db"],
                                cwd=world.folder, env=env, capture_output=True, text=True, umask=0)
        assert copied.returncode == 0, copied.stderr
    paths = list(world.folder.rglob("*"))
    wide = [f"{path.name}: {path.stat().st_mode & 0o777:o}" for path in paths if path.stat().st_mode & 0o077]
    assert not wide, wide
    assert any(path.suffix == ".db" for path in paths) and any(path.is_dir() for path in paths), paths


def test_env_file_that_others_can_read(world):
    world.plant(".env", f"CCDATA_API_KEY='{canaries.KEY}'\n")
    key_file = world.plant("key", canaries.KEY + "\n")
    with vendor_that_echoes() as (url, _):
        for given, path in ({"CCDATA_API_KEY": None}, world.folder / ".env"), ({"CCDATA_API_KEY": None, "CCDATA_API_KEY_FILE": "key"}, key_file):
            for mode, warned in (0o600, False), (0o400, False), (0o640, True), (0o604, True), (0o622, True):
                path.chmod(mode)
                result = world.run(*BTC, vendor=url, environment=AT | given)
                assert result.returncode == 0 and ("chmod 600" in result.stderr) == warned, (path, oct(mode), result.stderr)
                strict = world.run(*BTC, "--strict", vendor=url, environment=AT | given)
                assert strict.returncode == (2 if warned else 0), (path, oct(mode), strict.stderr)
                lines = [line for line in strict.stderr.splitlines() if "chmod 600" in line]
                assert len(lines) == warned and (not warned or path.name in lines[0]), strict.stderr
            path.chmod(0o600)
            if os.geteuid() == 0:
                os.chown(path, pwd.getpwnam("nobody").pw_uid, -1)
                assert world.run(*BTC, "--strict", vendor=url, environment=AT | given).returncode == 2, "a stranger owns it"
                os.chown(path, 0, -1)


def test_key_files_that_are_refused(world):
    (world.folder / "folder").mkdir()
    os.mkfifo(world.folder / "pipe")
    (world.folder / "link").symlink_to(world.plant("key", canaries.KEY))
    world.plant("empty", "\n")
    world.plant("large", canaries.KEY * 3000)
    world.plant("lines", canaries.KEY + "\n" + canaries.KEY)
    world.plant("nul", canaries.KEY + "\0x")
    for name in ("folder", "pipe", "link", "empty", "large", "lines", "nul", "missing", "x" * 5000):
        for setting in ("CCDATA_API_KEY", "CCDATA_DATABASE_PASSWORD"):
            result = world.run(*BTC, vendor="http://127.0.0.1:9", environment=AT | {setting: None, setting + "_FILE": name}, timeout=20)
            assert result.returncode == 2 and setting in result.stderr, (name, setting, result.returncode, result.stderr)
            assert len(result.stderr.splitlines()) == 1 and not world.database.exists(), result.stderr


def test_redirects_are_not_followed(world):
    """H11: nothing is asked where an answer points to, and the key goes to nobody else."""
    with harness.replay(lambda path, query: (200, {}, b"{}")) as (elsewhere, asked):
        targets = [f"{elsewhere}/x", "//" + elsewhere.split("//")[1] + "/x", "file:///etc/passwd", "gopher://127.0.0.1:9/x", "/loop",
                   "ftp://127.0.0.1/x", "http://169.254.169.254/latest/meta-data/", "\\\\host\\share", ""]
        for target in targets:
            for status in (301, 302, 303, 307, 308) if target in targets[:1] else (302,):
                with harness.replay(lambda path, query: (status, {"Location": target}, b"")) as (url, requests):
                    result = world.run(*BTC, vendor=url, environment=AT)
                paths = [request["path"] + "?" + request["query"] for request in requests]
                assert result.returncode == 7 and len(paths) == len(set(paths)) == 2, (target, status, result.returncode, result.stderr, paths)
                assert not any("loop" in path for path in paths), paths
        assert list(asked) == [], asked


@contextlib.contextmanager
def tls_vendor(folder, **bounds):
    """A vendor with a certificate of an authority that nobody knows: yields (port, what it could read)."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(folder / "server.pem", folder / "server.key")
    for name, value in bounds.items():
        setattr(context, name, value)
    read, connections = [], []
    def serve(server):
        with contextlib.suppress(OSError):
            while True:
                client, _ = server.accept()
                connections.append(client)
                with client, contextlib.suppress(OSError), context.wrap_socket(client, server_side=True) as secure:
                    read.append(secure.recv(65536))
    with socket.create_server(("127.0.0.1", 0)) as server:
        thread = threading.Thread(target=serve, args=(server,), daemon=True)
        thread.start()
        yield server.getsockname()[1], read, connections


def test_certificates_that_prove_nothing(world):
    """N8: exit 6 with the reason, one attempt for each list and candle, and not a byte of a request; http_tls_test has the kinds."""
    try:
        servers.certificates(world.folder, "localhost")
    except (servers.Unavailable, OSError) as reason:
        raise Skip(f"no certificates: {reason}") from reason
    retries = AT | {"API_MAX_RETRIES": "5", "CCDATA_API_KEY": canaries.KEY}
    for name, bounds, word in ("unknown authority", {}, "certificate"), ("TLS 1.1", {"maximum_version": ssl.TLSVersion.TLSv1_1}, ""):
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", DeprecationWarning)
            with tls_vendor(world.folder, **bounds) as (port, read, connections):
                result = world.run(*BTC, vendor=f"https://localhost:{port}", environment=retries | ({} if word else {"API_MAX_RETRIES": "0"}))
        assert result.returncode == 6 and word in result.stderr and "localhost" in result.stderr, (name, result.returncode, result.stderr)
        assert not any(read), f"{name}: a request was sent"
        assert 1 <= len(connections) <= 2, f"{name}: {len(connections)} attempts"
        assert not world.database.exists() or world.query("SELECT count(*) FROM ccdata_coverage") == [(0,)]


def endless(reply_head, piece, limit_bytes):
    """A vendor that begins to answer and never ends: its socket, and how many bytes were taken."""
    server = socket.create_server(("127.0.0.1", 0))
    taken = [0]
    def serve():
        with contextlib.suppress(OSError):
            while True:
                client, _ = server.accept()
                with client, contextlib.suppress(OSError):
                    client.recv(65536)
                    client.sendall(reply_head)
                    while taken[0] < limit_bytes:
                        client.sendall(piece)
                        taken[0] += len(piece)
    threading.Thread(target=serve, daemon=True).start()
    return server, taken


def test_answers_without_an_end(world):
    """S12: a body and headers that never end are cut off at a bound. Of extensions of a chunk libcurl keeps nothing: there the
    deadline of the call is the bound."""
    ok = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n"
    cases = {"body": (ok + b"\r\n{\"Data\":[", b" " * 65536), "chunks": (ok + b"Transfer-Encoding: chunked\r\n\r\n", b"10000\r\n" + b" " * 65536 + b"\r\n"),
             "headers": (ok, b"X-A: " + b"b" * 1000 + b"\r\n"), "one header": (ok + b"X-A: ", b"b" * 65536),
             "interim": (b"", b"HTTP/1.1 100 Continue\r\n\r\n" * 1000), "chunk extension": (ok + b"Transfer-Encoding: chunked\r\n\r\n1;", b"x" * 65536)}
    for name, (head, piece) in cases.items():
        server, taken = endless(head, piece, 1 << 30)
        with server:
            began = time.monotonic()
            env = world.environment | AT | {"DATA_API_BASE_URL": f"http://127.0.0.1:{server.getsockname()[1]}", "API_REQUEST_TIMEOUT": "5"}
            env["MIN_API_BASE_URL"] = env["DATA_API_BASE_URL"]
            process = subprocess.Popen([harness.CCDATA, *BTC, "--database", f"sqlite:{world.database}"], cwd=world.folder, env=env,
                                       stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
            _, errors = process.communicate(timeout=60)
            assert process.returncode in (6, 7), (name, process.returncode, errors)
            assert taken[0] < 128 << 20 or name == "chunk extension", f"{name}: {taken[0] >> 20} MiB were taken"
            assert time.monotonic() - began < 30, name
    grown = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss
    assert SANITIZED or grown < 512 << 10, f"{grown >> 10} MiB of memory"


def test_hostile_names_in_requests(world):
    """S8: what a user or the vendor calls an instrument arrives as exactly that, as one parameter."""
    names = ["BTC&api_key=x", "BTC#frag", "BTC\r\nX-Evil: 1", "../../admin", "BTC%26x=1", "BTC?x=y", "BTC+USD", "B\u00c4C-\u20ac", "BTC USD", "a=b", "%00", "\\..\\x"]
    vendor = Vendor(instruments=[(f"N{i}", name) for i, name in enumerate(names)])
    with harness.replay(vendor.answer) as (url, requests):
        world.run("spot_ohlcv", "--exchanges", "kraken", "--json", vendor=url, environment=AT)
        asked = [request for request in requests if "/historical/" in request["path"]]
        got = {dict(urllib.parse.parse_qsl(request["query"], keep_blank_values=True)).get("instrument") for request in asked}
        keys = {tuple(key for key, _ in urllib.parse.parse_qsl(request["query"])) for request in asked}
        headers = {name for request in requests for name in request["headers"]}
    assert keys == {("market", "instrument", "limit", "to_ts")}, keys
    assert got <= set(names) and len(got) >= 10, got
    assert headers <= {"Host", "User-Agent", "Accept", "Accept-Encoding", "Authorization", "Connection"}, headers
    assert all(request["path"].startswith("/spot/v1/") for request in asked)


if __name__ == "__main__":
    harness.main(globals())
