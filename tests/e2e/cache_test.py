#!/usr/bin/env python3
"""Caches: with one, without, with one that is dead or poisoned, the database holds the same; real Redis servers, with password and TLS."""
import contextlib
import json
import os
import pathlib
import shutil
import signal
import socket
import subprocess
import time

import dumps
import fake_vendor
import harness
import servers

NOW = "2026-03-01T12:00:00Z"
RUNS = [
    ["futures_ohlcv", "--exchanges", "binance", "--instruments", "BTC-USDT-VANILLA-PERPETUAL", "--interval", "1h", "--from", "2026-01-20"],
    ["spot_ohlcv", "--specific_market", "kraken", "--instruments", "BTC-USD", "ETH-USD", "--interval", "1d", "--from", "2025-06-01"],
]
VIEWS = ["futures_ohlcv_1h", "spot_ohlcv_1d"]
ASKED = {"CCDATA_NOW": NOW, "INGESTION_MAX_API_LIMIT": "100"}
PASSWORD = "r3dis-p4ss"


def ingest(world, sim, name, **settings):
    """All runs into a database of this name; (calls, answers from the cache)."""
    calls = hits = 0
    before = len(sim.requests())
    for command in RUNS:
        document = world.run_json(*command, "--progress", "none", "--database", f"sqlite:{world.folder}/{name}.db", vendor=sim.url, database=False,
                                  environment={**ASKED, **settings})
        calls += document["totals"]["calls"] + document["totals"]["metadata_calls"]
        hits += document["totals"]["cache_hits"]
    assert calls == len(sim.requests()) - before, (calls, len(sim.requests()) - before)
    return calls, hits


def digest(world, name):
    world.database = world.folder / f"{name}.db"
    return dumps.digest(world, *VIEWS)


def quoted(text):
    """As redis.conf writes any bytes."""
    return '"' + "".join(f"\\x{byte:02x}" for byte in text.encode()) + '"'


@contextlib.contextmanager
def redis(world, tls=False, password=PASSWORD, **settings):
    """A private server; its port."""
    if not shutil.which("redis-server"):
        raise harness.Skip("no redis-server")
    folder = world.folder / f"redis{time.monotonic_ns()}"
    folder.mkdir()
    port = servers.free_port()
    lines = ["bind 127.0.0.1", f"dir {folder}", "save \"\"", f"requirepass {quoted(password)}", "daemonize no", *(f"{k} {v}" for k, v in settings.items())]
    if tls:
        make_certificate(folder)
        lines += ["port 0", f"tls-port {port}", f"tls-cert-file {folder}/server.pem", f"tls-key-file {folder}/server.key", "tls-auth-clients no"]
    else:
        lines += [f"port {port}"]
    world.plant(f"{folder.name}/redis.conf", "\n".join(lines) + "\n")
    server = subprocess.Popen(["redis-server", f"{folder}/redis.conf"], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        until = time.monotonic() + 20
        while True:
            with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), 1):
                break
            assert time.monotonic() < until and server.poll() is None, "redis-server does not come up"
            time.sleep(0.05)
        yield port, server, folder
    finally:
        if server.poll() is None:
            server.send_signal(signal.SIGCONT)
            server.terminate()
        server.wait()


def make_certificate(folder, name="localhost"):
    subprocess.run(["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj", f"/CN={name}", "-addext", f"subjectAltName=DNS:{name}",
                    "-keyout", f"{folder}/server.key", "-out", f"{folder}/server.pem"], check=True, capture_output=True)


def redis_settings(port, **more):
    return {"CACHE_ENABLED": "true", "CACHE_BACKEND": "redis", "REDIS_HOST": "127.0.0.1", "REDIS_PORT": str(port), "REDIS_PASSWORD": PASSWORD, **more}


def test_contract_on_real_servers(world):
    program = harness.BUILD / "tests/unit/cache/cache_test"
    for tls in (False, True):
        with redis(world, tls) as (port, _, folder):
            environment = dict(os.environ, CACHE_TEST_REDIS=f"localhost {port} {PASSWORD} {'tls' if tls else 'plain'}")
            if tls:
                environment["SSL_CERT_FILE"] = f"{folder}/server.pem"
            done = subprocess.run([str(program), "cache_[gfk]*"], env=environment, capture_output=True, text=True, timeout=60)
            assert done.returncode == 0 and "3 passed" in done.stdout, done.stdout + done.stderr
            asked = subprocess.run(["redis-cli", "-p", str(port), "-a", PASSWORD, *(["--tls", "--cacert", f"{folder}/server.pem", "-h", "localhost"] if tls else []),
                                    "-n", "3", "--no-auth-warning", "keys", "*"], capture_output=True, text=True)
            keys = asked.stdout.split()
            assert keys and all(key.startswith("ccdata:1:") and len(key) == 73 for key in keys), asked


def test_the_same_with_every_back_end_and_none(world):
    with harness.simulator(world, "--now", NOW) as sim:
        plain, none = ingest(world, sim, "plain")
        assert none == 0 and plain > 10
        expected = digest(world, "plain")
        files = {"CACHE_ENABLED": "true", "CACHE_BACKEND": "file"}
        filling, hits = ingest(world, sim, "filling", **files)
        assert filling == plain, "a cold cache costs nothing and gives nothing"
        full, hits = ingest(world, sim, "full", **files)
        assert hits >= plain - 4 and full == plain - hits, (plain, full, hits)
        assert digest(world, "filling") == expected == digest(world, "full")
        memory, hits = ingest(world, sim, "memory", CACHE_ENABLED="true")
        assert memory <= plain and digest(world, "memory") == expected, "memory does not outlive the process"
        with redis(world) as (port, _, _):
            ingest(world, sim, "redis1", **redis_settings(port))
            calls, hits = ingest(world, sim, "redis2", **redis_settings(port))
            assert hits >= plain - 4 and calls == plain - hits
            assert digest(world, "redis1") == expected == digest(world, "redis2")
        # What others put there, or what is left of it.
        for number, entry in enumerate(sorted((world.folder / ".cache" / "ccdata").iterdir())):
            text = entry.read_bytes()
            entry.write_bytes([b"", text[:-7], text[:90] + bytes([text[90] ^ 1]) + text[91:], os.urandom(3000)][number % 4])
        poisoned, hits = ingest(world, sim, "poisoned", **files)
        assert hits == 0 and poisoned == plain and digest(world, "poisoned") == expected


def test_servers_that_are_dead_slow_or_refuse(world):
    with harness.simulator(world, "--now", NOW) as sim:
        plain, _ = ingest(world, sim, "plain")
        expected = digest(world, "plain")
        with redis(world) as (port, server, _):
            assert ingest(world, sim, "wrong", **redis_settings(port, REDIS_PASSWORD="wrong"))[1] == 0
            for settings, said in (({"REDIS_PASSWORD": "wrong"}, "it refuses AUTH (WRONGPASS), see REDIS_PASSWORD"),
                                   ({"REDIS_DB": "99"}, "it refuses SELECT (ERR), see REDIS_DB")):
                refused = world.run(*RUNS[0], "--progress", "none", "--database", f"sqlite:{world.folder}/refused.db", vendor=sim.url, database=False,
                                    environment={**ASKED, **redis_settings(port, **settings)})
                assert refused.returncode == 0 and refused.stderr.count(said) == 1, refused.stderr
            ingest(world, sim, "fill", **redis_settings(port))
            server.send_signal(signal.SIGSTOP)
            begun = time.monotonic()
            result = world.run(*RUNS[0], "--progress", "none", "--database", f"sqlite:{world.folder}/slow.db", vendor=sim.url, database=False,
                               environment={**ASKED, **redis_settings(port)})
            assert result.returncode == 0 and result.stderr.count("is not used for now") == 1, result.stderr
            print(f"figure: a run beside a Redis server that hangs: {time.monotonic() - begun:.1f} s")
            server.send_signal(signal.SIGCONT)
        assert ingest(world, sim, "dead", **redis_settings(port)) == (plain, 0)
        with redis(world, **{"maxmemory": "1mb", "maxmemory-policy": "noeviction"}) as (port, _, _):
            assert ingest(world, sim, "small", **redis_settings(port))[0] == plain
        for name in ("wrong", "fill", "dead", "small"):
            assert digest(world, name) == expected, name


def test_what_a_server_refuses_alone_costs_nothing_else(world):
    """A key that somebody has made a list, a server that takes nothing more: the other entries answer, and one line tells of it."""
    with harness.simulator(world, "--now", NOW) as sim, redis(world) as (port, _, _):
        def tell(*words):
            subprocess.run(["redis-cli", "-p", str(port), "-a", PASSWORD, "--no-auth-warning", *words], check=True, capture_output=True, text=True)

        plain, _ = ingest(world, sim, "fill", **redis_settings(port))
        _, full = ingest(world, sim, "full", **redis_settings(port))
        tell("EVAL", "local k = redis.call('KEYS', '*') table.sort(k) redis.call('DEL', k[1]) redis.call('LPUSH', k[1], 'x')", "0")
        assert ingest(world, sim, "list", **redis_settings(port))[1] == full - 1, "one entry is gone"
        assert ingest(world, sim, "healed", **redis_settings(port))[1] == full, "and was put again"
        tell("EVAL", "local k = redis.call('KEYS', '*') table.sort(k) redis.call('DEL', k[1], k[2])", "0")
        tell("CONFIG", "SET", "maxmemory-policy", "noeviction")
        tell("CONFIG", "SET", "maxmemory", "1")
        hits = said = 0
        for command in RUNS:
            result = world.run(*command, "--progress", "none", "--json", "--database", f"sqlite:{world.folder}/small.db", vendor=sim.url, database=False,
                               environment={**ASKED, **redis_settings(port)})
            hits += json.loads(result.stdout)["totals"]["cache_hits"]
            said += result.stderr.count("takes nothing for now: OOM")
            assert result.returncode == 0 and "not used" not in result.stderr and "used again" not in result.stderr, result.stderr
        assert hits == full - 2 and 1 <= said <= 2, (hits, said)


def test_a_server_that_cannot_prove_its_name_is_not_used(world):
    with harness.simulator(world, "--now", NOW) as sim, redis(world, tls=True) as (port, _, folder):
        certificate = f"{folder}/server.pem"
        many = folder / "many.pem"  # a system trusts some 140; reading them must not use up the time of an operation
        many.write_text((folder / "server.pem").read_text() * 600)
        trusted = redis_settings(port, REDIS_SSL="true", REDIS_HOST="localhost", SSL_CERT_FILE=str(many))
        ingest(world, sim, "one", **trusted)
        assert ingest(world, sim, "two", **trusted)[1] > 0
        for settings in (redis_settings(port, REDIS_SSL="true", REDIS_HOST="localhost"),  # nobody vouches for it
                         redis_settings(port, REDIS_SSL="true", SSL_CERT_FILE=certificate),  # it is not 127.0.0.1
                         redis_settings(port)):  # plain words to a server that speaks TLS
            assert ingest(world, sim, f"not{len(settings)}{settings.get('SSL_CERT_FILE', '')[-3:]}", **settings)[1] == 0


def test_open_periods_holes_and_errors_are_not_kept(world):
    """A run at noon sees today's candle open; at night a cache must not answer for it."""
    files = {"CACHE_ENABLED": "true", "CACHE_BACKEND": "file", "CACHE_DEFAULT_TTL": "8640000"}
    command = ["spot_ohlcv", "--specific_market", "kraken", "--specific_instrument", "BTC-USD", "--interval", "1h", "--progress", "none", "--from", "2026-03-01"]
    with harness.simulator(world, "--now", NOW) as sim:
        world.run_json(*command, vendor=sim.url, environment={**ASKED, **files, "CCDATA_NOW": "2026-03-01T12:03:00Z"})  # the newest hour is not final
        again = world.run_json(*command, "--database", f"sqlite:{world.folder}/other.db", vendor=sim.url, database=False,
                               environment={**ASKED, **files, "CCDATA_NOW": "2026-03-01T12:03:00Z"})
        assert again["totals"]["calls"] == 1, "a page that was not final is asked for anew"
    with harness.simulator(world, "--now", NOW, "--fault", "error_500=0.15", "--fault", "error_body=0.1") as sim:
        _, hits = ingest(world, sim, "faulty", API_MAX_RETRIES="10", **files)
        assert hits == 0
    with harness.simulator(world, "--now", NOW) as sim:
        ingest(world, sim, "clean")
        ingest(world, sim, "kept", **files)
    assert digest(world, "kept") == digest(world, "clean") == digest(world, "faulty")


def test_killed_between_commit_and_cache(world):
    """The cache is filled behind the commit, and is never asked what is stored: kills at any moment leave both right."""
    files = {"CACHE_ENABLED": "true", "CACHE_BACKEND": "file"}
    with harness.simulator(world, "--now", NOW, "--latency_ms", "5") as sim:
        ingest(world, sim, "clean")
        expected = digest(world, "clean")
        for number in range(12):
            env = dict(world.environment, **ASKED, **files, DATA_API_BASE_URL=sim.url, MIN_API_BASE_URL=sim.url)
            process = subprocess.Popen([harness.CCDATA, *RUNS[0], "--progress", "none", "--database", f"sqlite:{world.folder}/killed.db"], cwd=world.folder,
                                       env=env, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
            time.sleep(0.03 + 0.012 * number)
            process.kill()
            process.wait()
            if number % 4 == 3:
                (world.folder / "killed.db").unlink(missing_ok=True)  # only the cache is left
                for rest in world.folder.glob("killed.db-*"):
                    rest.unlink()
        ingest(world, sim, "killed", **files)
        assert digest(world, "killed") == expected
        assert not [name for name in os.listdir(world.folder / ".cache" / "ccdata") if pathlib.Path(name).suffix and name.count(".") > 1]


def test_what_is_too_old_or_from_the_future_is_not_used(world):
    files = {"CACHE_ENABLED": "true", "CACHE_BACKEND": "file", "CACHE_DEFAULT_TTL": "864000"}

    def calls(name, **more):
        document = world.run_json(*RUNS[0], "--to", "2026-02-20", "--progress", "none", "--database", f"sqlite:{world.folder}/{name}.db", vendor=sim.url,
                                  database=False, environment={**ASKED, **files, **more})
        return document["totals"]["calls"], document["totals"]["metadata_calls"]

    with harness.simulator(world, "--now", NOW) as sim:
        cold = calls("cold")
        assert cold[0] >= 8 and cold[1] >= 1 and calls("kept") == (0, 0)
        assert calls("off", CACHE_DEFAULT_TTL="0") == cold, "a cache that keeps nothing has nothing"
        assert world.run_json("status", environment={**ASKED, **files})["cache"]["hits"] == 0, "what was not used is no hit"
        assert calls("shorter", CACHE_DEFAULT_TTL="60", CCDATA_NOW="2026-03-01T12:01:00Z") == cold, "the setting of now holds"
        assert calls("back", CCDATA_NOW="2026-03-01T11:59:59Z") == cold, "what was asked for later than now does not age"
        assert calls("later", CCDATA_NOW="2026-03-03T13:00:00Z") == (0, cold[1]), "a list that is too old in a database is too old in a cache"


def test_answers_from_the_cache_are_no_calls(world):
    """They use up neither --max_calls nor the pause between two calls, and no series counts them."""
    files = {"CACHE_ENABLED": "true", "CACHE_BACKEND": "file", **ASKED}
    with harness.simulator(world, "--now", NOW) as sim:
        ingest(world, sim, "a", **files)
        begun = time.monotonic()
        document = world.run_json(*RUNS[0], "--progress", "none", "--max_calls", "2", vendor=sim.url, environment={**files, "INGESTION_API_CALL_DELAY": "2"})
        assert time.monotonic() - begun < 10, "ten answers from the cache wait for nobody"
        assert document["totals"]["cache_hits"] >= 9 and document["totals"]["calls"] == 1, document["totals"]
        assert sum(series["calls"] for series in document["operations"][0]["series"]) == 1, document["operations"]
        assert world.query("SELECT sum(calls) FROM ccdata_run_series") == [(1,)]


def test_a_repair_renews_what_the_cache_has(world):
    """Once a run has seen that the vendor changed a page, no other one is given the old page."""
    vendor, at = fake_vendor.Vendor(), {"CCDATA_NOW": fake_vendor.iso(fake_vendor.NOW), "CACHE_ENABLED": "true", "CACHE_BACKEND": "file"}
    series = ["--specific_market", "kraken", "--specific_instrument", "BTC-USD", "--progress", "none"]
    bounds = ["--from", fake_vendor.iso(fake_vendor.NOW - 60 * fake_vendor.DAY)[:10], "--to", fake_vendor.iso(fake_vendor.NOW - 10 * fake_vendor.DAY)[:10]]

    def restated(_, path, query):
        status, body = vendor.candles(path, query)[:2]
        for row in body["Data"]:
            row["VOLUME"] = 1234.5
        return status, body

    with harness.replay(vendor.answer) as (url, _):
        def take(name, *command):
            return world.run_json(*command, *bounds, *series, "--database", f"sqlite:{world.folder}/{name}.db", vendor=url, database=False,
                                  environment=at)["totals"]

        assert take("one", "spot_ohlcv")["cache_hits"] == 0
        vendor.hook = restated
        assert take("one", "repair", "spot_ohlcv", "--all")["rows_changed"] == 51
        assert take("two", "spot_ohlcv")["cache_hits"] > 0
    world.database = world.folder / "two.db"
    assert world.query("SELECT count(*), min(volume), max(volume) FROM spot_ohlcv_1d") == [(51, 1234.5, 1234.5)]


def test_status_and_bypass(world):
    files = {"CACHE_ENABLED": "true", "CACHE_BACKEND": "file", "CCDATA_NOW": NOW}
    with harness.simulator(world, "--now", NOW) as sim:
        ingest(world, sim, "a", **files)
        status = world.run_json("status", "--database", f"sqlite:{world.folder}/a.db", vendor=sim.url, database=False, environment=files)
        assert status["components"]["caching"]["enabled"] is True and status["cache"]["backend"] == "file", status
        assert status["cache"]["hits"] == 0 and status["cache"]["misses"] > 0 and status["cache"]["counted_at"] == NOW, status["cache"]
        planned = world.run(*RUNS[1], "--dry_run", vendor=sim.url, environment={**files, **ASKED, "XDG_CACHE_HOME": f"{world.folder}/none"})
        assert planned.returncode == 0 and not (world.folder / "none").exists(), "a plan makes no folder"
        text = world.run(*RUNS[1], "--enable_caching", "--progress", "none", "--database", f"sqlite:{world.folder}/b.db", vendor=sim.url, database=False,
                         environment={**files, **ASKED})
        assert "answers from the cache" in text.stdout, text.stdout
        repaired = world.run_json("repair", "spot_ohlcv", "--interval", "1d", "--database", f"sqlite:{world.folder}/b.db", vendor=sim.url, database=False,
                                  environment={**files, **ASKED})
        assert repaired["totals"]["cache_hits"] == 0, "who asks again does not want the old answer"

        def counted(name, *command):
            document = world.run_json(*command, "--progress", "none", "--metrics_file", f"{world.folder}/{name}.prom", vendor=sim.url, database=False,
                                      environment={**files, **ASKED})
            lines = dict(line.rsplit(" ", 1) for line in (world.folder / f"{name}.prom").read_text().splitlines() if line.startswith("ccdata_cache_requests"))
            return document["totals"], [int(lines.get(f'ccdata_cache_requests_total{{result="{result}"}}', 0)) for result in ("hit", "miss")]

        totals, (hits, misses) = counted("hits", *RUNS[1], "--database", f"sqlite:{world.folder}/c.db")
        assert hits == totals["cache_hits"] > 0 and misses == totals["calls"] + totals["metadata_calls"], (totals, hits, misses)
        note = world.folder / "state" / "ccdata" / "cache"
        note.unlink()
        os.mkfifo(note)
        counted("pipe", *RUNS[1], "--database", f"sqlite:{world.folder}/c.db")
        assert world.run_json("status", environment=files, timeout=20)["cache"]["hits"] is None, "a pipe that nobody writes holds up nobody"
        note.unlink()
        totals, asked = counted("repair", "repair", "spot_ohlcv", "--interval", "1d", "--all", "--database", f"sqlite:{world.folder}/c.db")
        assert totals["calls"] > 0 and asked == [0, 0], "a cache that is not asked misses nothing"


if __name__ == "__main__":
    harness.main(globals())
