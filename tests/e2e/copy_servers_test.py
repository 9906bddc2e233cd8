#!/usr/bin/env python3
"""ccdata copy, diff and selftest between SQLite, MariaDB and PostgreSQL; servers and clients that are killed meanwhile."""
import contextlib
import random
import signal
import subprocess
import sys
import time
import urllib.parse

import dumps
import harness

sys.path.insert(0, str(harness.ROOT / "tests"))
import servers  # noqa: E402

NOW = "2026-03-01T12:00:00Z"
ASKED = {"CCDATA_NOW": NOW, "INGESTION_MAX_API_LIMIT": "500"}
RUNS = [
    ["spot_ohlcv", "--exchanges", "kraken", "--pair_limit", "4", "--interval", "1d", "--from", "2025-01-01"],
    ["futures_ohlcv", "--exchanges", "binance", "--instruments", "BTC-USDT-VANILLA-PERPETUAL", "ETH-USDT-VANILLA-PERPETUAL",
     "--interval", "1h", "--from", "2025-10-01"],
]
VIEWS = ["spot_ohlcv_1d", "futures_ohlcv_1h"]
KILLS = 8


@contextlib.contextmanager
def filled(world):
    with harness.simulator(world, "--now", NOW, "--seed", "32") as sim:
        for command in RUNS:
            world.run_json(*command, "--progress", "none", vendor=sim.url, environment=ASKED)
        yield


@contextlib.contextmanager
def destination(kind):
    """A world whose database is a new one on a new server."""
    other = harness.World()
    try:
        with harness.server_of(kind) as server:
            other.use(server)
            yield other
    except servers.Unavailable as reason:
        raise harness.Skip(f"{kind}: {reason}") from reason
    finally:
        other.remove()


def command(source, other):
    return ["copy", "--from", source.url, "--to", other.url, "--progress", "none"]


def run(world, *arguments, expect=0, password=None):
    environment = {"CCDATA_DATABASE_PASSWORD": password} if password else None
    return world.run_json(*arguments, expect=expect, database=False, environment=environment)


def check_equal(source, other):
    """By our own comparison, and by what the databases' own clients print."""
    password = (other.server or source.server).password
    assert run(source, "diff", source.url, other.url, "--progress", "none", password=password)["equal"]
    mine, theirs = dumps.digest(source, *VIEWS), dumps.digest(other, *VIEWS)
    assert mine == theirs, dumps.first_difference(source, other, *VIEWS)
    return mine[0]


def there_and_back(world, kind):
    with filled(world), destination(kind) as other:
        password = other.server.password
        first = run(world, *command(world, other), password=password)
        rows = check_equal(world, other)
        again = run(world, *command(world, other), password=password)
        assert again["totals"]["rows_written"] == 0 and again["totals"]["chunks_copied"] == 0, again["totals"]
        assert again["totals"]["chunks_skipped"] == first["totals"]["chunks_copied"]
        back = harness.World()
        try:
            run(back, *command(other, back), password=password)
            check_equal(back, other)
            assert back.rows(VIEWS[0]) == world.rows(VIEWS[0]), "collected_at is not what it was"
        finally:
            back.remove()
        run(world, "selftest", "--database", other.url, password=password)
        check_equal(world, other)
        harness.figure(f"copy to {kind} and back: {rows} rows, equal")


def killed(world, kind):
    """The client by SIGKILL, and the server, in turns; the same command again, and all is there."""
    chance = random.Random(f"copy to {kind}")
    with filled(world), destination(kind) as other:
        environment = world.environment | {"CCDATA_DATABASE_PASSWORD": other.server.password}
        began = time.monotonic()
        run(world, *command(world, other), password=other.server.password)
        duration = time.monotonic() - began  # of this machine, undisturbed
        other.use(other.server)
        hits = 0
        for turn in range(KILLS):
            process = subprocess.Popen([harness.CCDATA, *command(world, other)], cwd=world.folder, env=environment,
                                       stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)
            time.sleep(chance.uniform(0.1, 0.8) * duration)
            running = process.poll() is None
            hits += running
            if turn % 2:
                process.send_signal(signal.SIGKILL)
            else:
                other.server.kill()
                other.server.restart()
            process.communicate(timeout=120)
            if not running:  # it came through: from the start
                other.use(other.server)
        run(world, *command(world, other), password=other.server.password)
        rows = check_equal(world, other)
        assert hits > 2, f"only {hits} of {KILLS} kills hit"
        harness.figure(f"copy to {kind}: {hits} kills of client or server, {rows} rows, equal")


def test_mariadb_and_back(world):
    there_and_back(world, "mariadb")


def test_postgres_and_back(world):
    there_and_back(world, "postgres")


def test_mariadb_killed(world):
    killed(world, "mariadb")


def test_postgres_killed(world):
    killed(world, "postgres")


def test_a_password_in_a_url_is_not_shown(world):
    with filled(world), destination("mariadb") as other:
        secret = other.server.password
        shown = other.server.url(other.name)
        coded = urllib.parse.quote(secret, safe="")
        assert coded in shown
        for arguments in (["copy", "--from", world.url, "--to", shown], ["diff", world.url, shown], ["copy", "--from", shown, "--to", world.url],
                          ["diff", shown, world.url, "--json", "-v"]):
            result = world.run(*arguments, database=False)
            assert result.returncode == 0, result.stderr
            assert secret not in result.stdout + result.stderr, arguments
            assert "holds a password" in result.stderr, result.stderr
        wrong = world.run("diff", world.url, shown.replace(coded, urllib.parse.quote("wrong-" + secret[::-1], safe="")), database=False)
        assert wrong.returncode == 9 and secret[::-1] not in wrong.stderr, (wrong.returncode, wrong.stderr)


harness.main(globals())
