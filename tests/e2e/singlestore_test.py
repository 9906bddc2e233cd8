#!/usr/bin/env python3
"""Whole runs against a SingleStore that refuses what SingleStore refuses (tests/singlestore/fake.py in front of MariaDB).

No statement of ours may be refused, but for those that a test turns off by a switch.
"""
import contextlib
import signal
import subprocess
import sys
import time

import dumps
import harness

sys.path[:0] = [str(harness.ROOT / "tests"), str(harness.ROOT / "tests" / "singlestore")]
import fake  # noqa: E402
import servers  # noqa: E402

NOW = "2026-03-01T12:00:00Z"
ASKED = {"CCDATA_NOW": NOW, "INGESTION_MAX_API_LIMIT": "500"}
RUNS = [
    ["futures_ohlcv", "--exchanges", "binance", "--instruments", "BTC-USDT-VANILLA-PERPETUAL", "--interval", "1h", "--from", "2026-02-01"],
    ["spot_ohlcv", "--specific_market", "kraken", "--instruments", "BTC-USD", "ETH-USD", "--interval", "1d", "--from", "2025-06-01"],
    ["indices_ohlcv", "--market", "cadli", "--instruments", "BTC-USD", "--interval", "1h", "--from", "2026-02-25"],
]
VIEWS = ["futures_ohlcv_1h", "spot_ohlcv_1d", "indices_ohlcv_1h"]
LONG = ["futures_ohlcv", "--exchanges", "binance", "--instruments", "BTC-USDT-VANILLA-PERPETUAL", "--interval", "1h", "--from", "2025-12-01",
        "--progress", "none"]
SMALL = {"CCDATA_NOW": NOW, "INGESTION_MAX_API_LIMIT": "16", "INGESTION_CHUNK_SIZE": "1"}
SQL_FILE = harness.ROOT / "sql" / "create_schema.sql"


@contextlib.contextmanager
def cluster_of(world, options=(), **settings):
    """A fake SingleStore that holds the world's database; at the end nothing may have been refused unexpectedly."""
    try:
        with servers.mariadb(options=[*fake.OPTIONS, *options]) as server, fake.SingleStore(server, **settings) as cluster:
            world.use(cluster)
            cluster.expected = set()
            yield cluster
            refused = cluster.refused(but=cluster.expected)
            assert not refused, refused[:5]
            assert cluster.log, "the fake was never asked"
    except servers.Unavailable as reason:
        raise harness.Skip(f"mariadb: {reason}") from reason


@contextlib.contextmanager
def sqlite_of(sim, runs, environment):
    """What the same runs put into SQLite."""
    reference = harness.World()
    try:
        for command in runs:
            reference.run_json(*command, vendor=sim.url, environment=environment)
        yield reference
    finally:
        reference.remove()


def ingest(world, sim, **options):
    return [world.run_json(*command, vendor=sim.url, **{"environment": ASKED} | options) for command in RUNS]


def settings_of(cluster, name):
    """The destination as S2_ settings, without a URL."""
    return {"S2_HOST": cluster.host, "S2_PORT": str(cluster.port), "S2_USER": cluster.user, "S2_PASSWORD": cluster.password,
            "S2_DATABASE": name, "S2_SSL_MODE": "disabled", "CCDATA_DATABASE_PASSWORD": None}


def check_equal(world, other, *views):
    mine, theirs = dumps.digest(world, *views), dumps.digest(other, *views)
    assert mine == theirs, dumps.first_difference(world, other, *views)
    return mine[0]


def schema(world, *options, expect=0, environment=None):
    return world.run_json("schema", *options, expect=expect, environment=environment)


def load(cluster, name, path):
    """As the README says, with the client of the distribution."""
    done = subprocess.run([cluster.server.client, "--no-defaults", f"--host={cluster.host}", f"--port={cluster.port}",
                           f"--user={cluster.user}", name], input=path.read_text(encoding="utf-8"), capture_output=True, text=True,
                          env={"PATH": "/usr/bin:/bin", "MYSQL_PWD": cluster.password}, timeout=60)
    assert done.returncode == 0, done.stderr


def test_schema_is_created_and_checked(world):
    with cluster_of(world) as cluster:
        assert schema(world, "--check", expect=12)["difference_count"] > 0
        schema(world, "--create")
        assert schema(world, "--check")["differences"] == []
        kinds = {name: (table.reference, table.rowstore, tuple(table.shard)) for (_, name), table in cluster.tables.items()}
        assert kinds["dim_series"] == (True, True, ()) and kinds["ccdata_locks"] == (False, True, ("name",))
        assert kinds["fact_spot_ohlcv_1d"] == kinds["ccdata_coverage"] == (False, False, ("series_id",))
        schema(world, "--create", "--legacy_views")
        assert schema(world, "--check")["differences"] == []
        assert cluster.sql("SELECT * FROM cc_futures_ohlcv_1m", world.name) == []
        created = len(cluster.entries("CREATE"))
        cluster.expected = {"F12", "F7"}  # without prepared statements, and where sessions may not set the wait
        cluster.prepares, cluster.global_only = False, {"lock_wait_timeout"}
        assert schema(world, "--check")["differences"] == []
        assert len(cluster.entries("CREATE")) == created


def test_the_schema_file_loads_twice(world):
    with cluster_of(world) as cluster:
        load(cluster, world.name, SQL_FILE)
        load(cluster, world.name, SQL_FILE)
        statements = SQL_FILE.read_text(encoding="utf-8").count(";\n")
        assert len(cluster.entries("CREATE") + cluster.entries("DROP")) == 2 * statements
        schema(world, "--create")  # the version's row
        assert schema(world, "--check")["differences"] == []


def test_rows_equal_those_of_sqlite(world):
    """By URL, then by S2_ settings into another database; a second run finds nothing to ask for."""
    with harness.simulator(world, "--now", NOW, "--seed", "41") as sim, sqlite_of(sim, RUNS, ASKED) as reference, \
            cluster_of(world) as cluster:
        ingest(world, sim)
        rows = check_equal(world, reference, *VIEWS)
        assert rows > 1000, rows
        inserts = cluster.entries("INSERT INTO `fact_")
        assert inserts and all(entry.command == "COM_QUERY" for entry in inserts) and not cluster.entries("LOAD DATA")
        asked = len(sim.candle_requests())
        ingest(world, sim)
        assert len(sim.candle_requests()) - asked <= 2 * len(RUNS), "what is stored is asked for again"
        assert check_equal(world, reference, *VIEWS) == rows
        world.use(cluster, "ccdata_other")
        ingest(world, sim, database=False, environment=ASKED | settings_of(cluster, world.name))
        assert check_equal(world, reference, *VIEWS) == rows
        harness.figure(f"fake SingleStore: {rows} rows equal to SQLite's, {len(cluster.log)} statements, none refused")


def test_without_prepared_statements(world):
    """As on a cluster with audit logging: every value goes as text."""
    with harness.simulator(world, "--now", NOW, "--seed", "42") as sim, sqlite_of(sim, RUNS, ASKED) as reference, \
            cluster_of(world) as cluster:
        cluster.prepares, cluster.expected = False, {"F12"}
        ingest(world, sim)
        check_equal(world, reference, *VIEWS)
        refused = [entry.connection for entry in list(cluster.log) if entry.rule and entry.rule.name == "F12"]
        assert refused and len(refused) == len(set(refused)), "a connection asked for a second prepared statement"
        assert not [entry for entry in list(cluster.log) if entry.command == "COM_STMT_EXECUTE"]


def test_changed_and_unfinished_rows(world):
    """The vendor restates candles and time goes on: rows are replaced, changes journalled, as in SQLite."""
    later = ASKED | {"CCDATA_NOW": "2026-03-01T15:30:00Z"}
    command = RUNS[0]
    with harness.simulator(world, "--now", NOW, "--seed", "43") as sim, sqlite_of(sim, [command], ASKED) as reference, \
            cluster_of(world) as cluster:
        world.run_json(*command, vendor=sim.url, environment=ASKED)
        with harness.simulator(world, "--now", later["CCDATA_NOW"], "--seed", "43") as now:
            for each in (world, reference):
                each.run_json(*command, vendor=now.url, environment=later)
        check_equal(world, reference, VIEWS[0])
        assert cluster.entries("DELETE FROM `fact_"), "no row was replaced"


def test_killed_client_resumes(world):
    with harness.simulator(world, "--now", NOW, "--seed", "44", "--latency_ms", "2") as sim, sqlite_of(sim, [LONG], SMALL) as reference, \
            cluster_of(world) as cluster:
        kills = 0
        for _ in range(5):
            process = world.start(*LONG, vendor=sim.url, environment=SMALL)
            deadline = time.monotonic() + 20
            before = len(cluster.entries("INSERT INTO `fact_"))
            while len(cluster.entries("INSERT INTO `fact_")) < before + 5 and process.poll() is None and time.monotonic() < deadline:
                time.sleep(0.005)
            kills += process.poll() is None
            process.send_signal(signal.SIGKILL)
            process.communicate()
            assert not dumps.lost_rows(world, "fact_futures_ohlcv_1h"), "coverage without rows"
        assert kills >= 4, kills
        world.run_json(*LONG, vendor=sim.url, environment=SMALL)
        rows = check_equal(world, reference, VIEWS[0])
        harness.figure(f"fake SingleStore: client killed {kills} times while writing, {rows} rows equal")


def test_two_processes_exclude_each_other(world):
    """By a row that the first has written to in an open transaction; free again when it dies. How long a row is waited for is
    the cluster's here: sessions may not set it."""
    brief = [*LONG[:-3], "2026-02-27", *LONG[-2:], "--lock_wait", "0"]
    with harness.simulator(world, "--now", NOW, "--seed", "45", "--latency_ms", "100") as sim, \
            cluster_of(world, ["--innodb-lock-wait-timeout=1"]) as cluster:
        cluster.global_only, cluster.expected = {"lock_wait_timeout"}, {"F7"}
        first = world.start(*LONG, vendor=sim.url, environment=SMALL)
        deadline = time.monotonic() + 20
        while not cluster.entries("INSERT INTO `fact_") and time.monotonic() < deadline:
            time.sleep(0.01)
        second = world.run(*brief, vendor=sim.url, environment=SMALL)
        assert first.poll() is None, "the first run ended too early"
        assert second.returncode == 11, (second.returncode, second.stderr)
        first.send_signal(signal.SIGKILL)
        first.communicate()
        third = world.run(*brief, vendor=sim.url, environment=SMALL)
        assert third.returncode == 0, (third.returncode, third.stderr)
        assert [entry.code for entry in cluster.entries("UPDATE ccdata_locks") if entry.code] == [1205]


def test_lock_wait_is_what_the_user_said(world):
    """Sessions may set how long a row is waited for, and the cluster's own wait is long."""
    with harness.simulator(world, "--now", NOW, "--seed", "48", "--latency_ms", "400") as sim, \
            cluster_of(world, ["--innodb-lock-wait-timeout=60"]) as cluster:
        first = world.start(*LONG, vendor=sim.url, environment=SMALL)
        deadline = time.monotonic() + 20
        while not cluster.entries("INSERT INTO `fact_") and time.monotonic() < deadline:
            time.sleep(0.01)
        for wait_s in (0, 3):
            started = time.monotonic()
            second = world.run(*LONG, "--lock_wait", str(wait_s), vendor=sim.url, environment=SMALL)
            waited_s = time.monotonic() - started
            assert first.poll() is None, "the first run ended too early"
            assert second.returncode == 11, (second.returncode, second.stderr)
            assert wait_s <= waited_s < wait_s + 6, (wait_s, waited_s)
        first.send_signal(signal.SIGKILL)
        first.communicate()


def test_a_missing_table_of_locks_is_said(world):
    """Only the schema makes it."""
    command = RUNS[1]
    with harness.simulator(world, "--now", NOW, "--seed", "49") as sim, cluster_of(world) as cluster:
        schema(world, "--create")
        cluster.sql("DROP TABLE ccdata_locks", world.name)
        refused = world.run(*command, "--no_create", vendor=sim.url, environment=ASKED)
        assert refused.returncode == 9 and "ccdata_locks" in refused.stderr and "ccdata schema" in refused.stderr, refused.stderr
        world.run_json(*command, vendor=sim.url, environment=ASKED)
        assert schema(world, "--check")["differences"] == []


def test_tls_is_used(world):
    servers.certificates(world.folder, "localhost")
    with cluster_of(world, certificate=(world.folder / "server.pem", world.folder / "server.key")) as cluster:
        def url(**parameters):
            return cluster.url(world.name, password="", **parameters)
        for mode, ca, expect in (("verify-ca", "ca.pem", 12), ("required", None, 12), ("verify-ca", "server.pem", 9)):
            chosen = {"ssl_ca": world.folder / ca} if ca else {}
            done = world.run("schema", "--check", "--database", url(ssl_mode=mode, **chosen), database=False)
            assert done.returncode == expect, (mode, ca, done.returncode, done.stderr)


def selftest(world, cluster, holds):
    """LOAD DATA is used by the next run when, and only when, it was seen to roll back."""
    cluster.load_rolls_back = holds
    done = world.run("selftest", "--json")
    if done.returncode == 2:
        raise harness.Skip("there is no ccdata selftest yet")
    assert done.returncode == 0, (done.stdout[-3000:], done.stderr)
    verdict = cluster.sql("SELECT name, holds FROM ccdata_proofs", world.name)
    assert verdict == [["load_data_rolls_back", str(int(holds))]], verdict
    left = cluster.sql("SELECT COUNT(*) FROM fact_spot_ohlcv_1m UNION ALL SELECT COUNT(*) FROM dim_series", world.name)
    assert left == [["0"], ["0"]], "the scratch series was left behind"


def test_selftest_decides_about_load_data(world):
    spot = RUNS[1:2]
    with harness.simulator(world, "--now", NOW, "--seed", "46") as sim, sqlite_of(sim, spot, ASKED) as reference, \
            cluster_of(world) as cluster:
        for name, holds in (("ccdata_yes", True), ("ccdata_no", False)):
            world.use(cluster, name)
            selftest(world, cluster, holds)
            cluster.forget()
            world.run_json(*spot[0], vendor=sim.url, environment=ASKED)
            check_equal(world, reference, VIEWS[1])
            loads, inserts = cluster.entries("LOAD DATA LOCAL"), cluster.entries("INSERT INTO `fact_")
            assert bool(loads) == holds and bool(inserts) != holds, (name, len(loads), len(inserts))


def test_copy_and_diff(world):
    """Someone who began with SQLite moves to SingleStore, and compares."""
    with harness.simulator(world, "--now", NOW, "--seed", "47") as sim, sqlite_of(sim, RUNS, ASKED) as reference, \
            cluster_of(world) as cluster:
        copied = world.run("copy", "--from", reference.url, "--to", world.url, "--json", database=False)
        if copied.returncode == 2:
            raise harness.Skip("there is no ccdata copy yet")
        assert copied.returncode == 0, (copied.stdout[-2000:], copied.stderr)
        check_equal(world, reference, *VIEWS)
        equal = world.run("diff", reference.url, world.url, database=False)
        assert equal.returncode == 0, (equal.stdout[-2000:], equal.stderr)
        cluster.sql("UPDATE fact_spot_ohlcv_1d SET close = close + 1 LIMIT 1", world.name)
        assert world.run("diff", reference.url, world.url, database=False).returncode == 12


if __name__ == "__main__":
    harness.main(globals())
