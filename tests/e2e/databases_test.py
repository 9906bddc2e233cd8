#!/usr/bin/env python3
"""The same run into SQLite, MariaDB and PostgreSQL gives the same rows, whatever the time zones are."""
import contextlib
import sys

import dumps
import harness

sys.path.insert(0, str(harness.ROOT / "tests"))
import servers  # noqa: E402

NOW = "2026-03-01T12:00:00Z"
ASKED = {"CCDATA_NOW": NOW, "INGESTION_MAX_API_LIMIT": "500"}
RUNS = [
    ["futures_ohlcv", "--exchanges", "binance", "--instruments", "BTC-USDT-VANILLA-PERPETUAL", "--interval", "1h", "--from", "2026-01-01"],
    ["spot_ohlcv", "--specific_market", "kraken", "--instruments", "BTC-USD", "ETH-USD", "--interval", "1d", "--from", "2025-01-01"],
    ["futures_funding_rate", "--exchanges", "binance", "--instruments", "BTC-USDT-VANILLA-PERPETUAL", "--interval", "1h",
     "--from", "2026-02-01"],
    ["indices_ohlcv", "--market", "cadli", "--instruments", "BTC-USD", "--interval", "1h", "--from", "2026-02-20"],
]
VIEWS = ["futures_ohlcv_1h", "spot_ohlcv_1d", "futures_funding_rate_1h", "indices_ohlcv_1h"]
# Of the client, of MariaDB, of PostgreSQL.
ZONES = [("UTC", "+00:00", "UTC"), ("Asia/Kolkata", "+05:30", "Asia/Kolkata"), ("America/New_York", "-05:00", "America/New_York"),
         ("Australia/Lord_Howe", "+10:30", "Australia/Lord_Howe"), ("Pacific/Marquesas", "-09:30", "Pacific/Apia")]


def ingest(world, sim, environment=None):
    """All runs; the rows that they wrote."""
    done = [world.run_json(*command, "--progress", "none", vendor=sim.url, environment=ASKED | (environment or {})) for command in RUNS]
    return sum(result["totals"]["rows_written"] for result in done)


def check_equal(world, other):
    mine, theirs = dumps.digest(world, *VIEWS), dumps.digest(other, *VIEWS)
    assert mine == theirs, dumps.first_difference(world, other, *VIEWS)
    result = world.run("diff", world.url, other.url, database=False)
    assert result.returncode == 0, result.stdout + result.stderr
    return mine


@contextlib.contextmanager
def server_of(kind, **settings):
    try:
        with harness.server_of(kind, **settings) as server:
            yield server
    except servers.Unavailable as reason:
        raise harness.Skip(f"{kind}: {reason}") from reason


@contextlib.contextmanager
def sqlite_of(sim):
    """What the same runs put into SQLite."""
    reference = harness.World()
    try:
        ingest(reference, sim)
        yield reference
    finally:
        reference.remove()


def test_diff_sees_one_changed_bit(world):
    """The proof of the proof: what the other tests rely on says so when something differs."""
    with harness.simulator(world, "--now", NOW, "--seed", "25") as sim, sqlite_of(sim) as reference, server_of("mariadb") as server:
        world.use(server)
        ingest(world, sim)
        check_equal(world, reference)
        server.sql("UPDATE fact_spot_ohlcv_1d SET close = close * (1 + 2.220446049250313e-16) ORDER BY ts LIMIT 1", world.name)
        assert dumps.digest(world, *VIEWS) != dumps.digest(reference, *VIEWS)
        result = world.run("diff", world.url, reference.url, database=False)
        assert result.returncode == 12, result.stdout + result.stderr


def same_in_every_zone(world, kind):
    with harness.simulator(world, "--now", NOW, "--seed", "21") as sim, sqlite_of(sim) as reference, server_of(kind) as server:
        for client, mariadb, postgres in ZONES:
            server.tz = {"mariadb": mariadb, "postgres": postgres}[kind]
            server.restart()
            world.use(server)
            ingest(world, sim, {"TZ": client})
            rows, digest = check_equal(world, reference)
            before = len(sim.candle_requests())
            ingest(world, sim, {"TZ": client})
            assert len(sim.candle_requests()) - before <= 2 * len(RUNS), "what is stored is asked for again"
            assert check_equal(world, reference) == (rows, digest)
        assert rows > 3000, rows
        harness.figure(f"{kind}: {rows} rows equal to SQLite's in {len(ZONES)} time zones")


def test_mariadb_equals_sqlite_in_every_time_zone(world):
    same_in_every_zone(world, "mariadb")


def test_postgres_equals_sqlite_in_every_time_zone(world):
    same_in_every_zone(world, "postgres")


def several_writers(world, kind, **settings):
    """Small pages, one per transaction, four writers: still the same rows."""
    small = {"INGESTION_MAX_API_LIMIT": "50", "INGESTION_CHUNK_SIZE": "1", "DB_POOL_SIZE": "4", "INGESTION_BATCH_SIZE": "7"}
    with harness.simulator(world, "--now", NOW, "--seed", "22") as sim, sqlite_of(sim) as reference, \
            server_of(kind, **settings) as server:
        world.use(server)
        ingest(world, sim, small)
        check_equal(world, reference)


def test_mariadb_with_several_writers(world):
    several_writers(world, "mariadb", options=["--innodb-force-primary-key=ON"])


def test_postgres_with_several_writers(world):
    several_writers(world, "postgres")


def test_wrong_password_is_said_and_kept_secret(world):
    tried = 0
    for kind in servers.KINDS:
        with contextlib.suppress(harness.Skip), server_of(kind) as server:
            world.use(server)
            tried += 1
            result = world.run(*RUNS[1], vendor="http://127.0.0.1:9", environment=ASKED | {"CCDATA_DATABASE_PASSWORD": "canary-wrong"})
            assert result.returncode == 9, (result.returncode, result.stderr)
            assert "canary-wrong" not in result.stderr + result.stdout
            result = world.run(*RUNS[1], vendor="http://127.0.0.1:9", environment=ASKED | {"CCDATA_DATABASE_PASSWORD": None,
                                                                                        "CCDATA_DATABASE_URL": server.url(world.name)})
            assert server.password not in result.stderr + result.stdout
    if not tried:
        raise harness.Skip("no server can be started")


def test_passwords_of_any_text(world):
    """From the environment, a file and a .env file; as people choose them, and one as long as a token."""
    passwords = [" two words ", "it's \\ \"#${x}%40@:/?", "p\u00e4ss \u5bc6\u7801", "t" * 511]
    tried = 0
    for kind in servers.KINDS:
        with contextlib.suppress(harness.Skip), server_of(kind) as server:
            world.use(server)
            tried += 1
            for password in passwords:
                text = password.replace("'", "''") if kind == "postgres" else password.replace("\\", "\\\\").replace("'", "\\'")
                server.sql(f"ALTER USER {server.user} PASSWORD '{text}'" if kind == "postgres"
                           else f"SET PASSWORD FOR {server.user}@'%' = PASSWORD('{text}')")
                (world.folder / "password").write_text(password + "\n")
                quoted = password.replace("\\", "\\\\").replace('"', '\\"').replace("$", "\\$")
                (world.folder / ".env").write_text(f'CCDATA_DATABASE_PASSWORD="{quoted}"\n')
                for secret in ("password", "password_file", None):
                    given = {"password": {"CCDATA_DATABASE_PASSWORD": password},
                             "password_file": {"CCDATA_DATABASE_PASSWORD": None, "CCDATA_DATABASE_PASSWORD_FILE": "password"},
                             None: {"CCDATA_DATABASE_PASSWORD": None}}[secret]
                    done = world.run("schema", "--create", environment=given)
                    assert done.returncode == 0, (kind, password, secret, done.stderr)
            refused = world.run("schema", "--check", environment={"CCDATA_DATABASE_PASSWORD": "canary" * 100})
            assert refused.returncode == 2 and "511 bytes" in refused.stderr and "canary" not in refused.stderr, refused.stderr
    if not tried:
        raise harness.Skip("no server can be started")


def test_server_that_is_not_there(world):
    for scheme in ("mariadb", "postgresql"):
        port = servers.free_port()
        result = world.run(*RUNS[1], "--database", f"{scheme}://someone@127.0.0.1:{port}/ccdata", vendor="http://127.0.0.1:9",
                           environment=ASKED, database=False, timeout=60)
        assert result.returncode == 8, (scheme, result.returncode, result.stderr)
        assert f"127.0.0.1:{port}" in result.stderr, result.stderr


def test_the_search_finds_a_secret_in_a_table(world):
    """What the harness looks through before it stops a server."""
    for kind in servers.KINDS:
        with server_of(kind) as server:
            world.use(server)
            harness.search_server(server)
            assert harness.LEAKS == [], "a fresh server holds secrets"
            server.sql(f"CREATE TABLE noted (line VARCHAR(400)); INSERT INTO noted VALUES ('sent {harness.KEY.encode().hex()}')", world.name)
            harness.search_server(server)
            assert harness.LEAKS == [f"API key (hex) in {kind} table {world.name}.noted"], harness.LEAKS
            server.drop_database(world.name)
            harness.LEAKS.clear()


harness.main(globals())
