#!/usr/bin/env python3
"""ccdata copy, diff and selftest on SQLite: whole, resumable, exact, and nothing left behind."""
import contextlib
import hashlib
import os
import random
import signal
import sqlite3
import subprocess
import time

import harness

NOW = "2026-03-01T12:00:00Z"
ASKED = {"CCDATA_NOW": NOW, "INGESTION_MAX_API_LIMIT": "500"}
RUNS = [
    ["spot_ohlcv", "--exchanges", "kraken", "--pair_limit", "4", "--interval", "1d", "--from", "2025-01-01"],
    ["futures_ohlcv", "--exchanges", "binance", "--instruments", "BTC-USDT-VANILLA-PERPETUAL", "--interval", "1h", "--from", "2025-11-01"],
    ["indices_ohlcv", "--market", "cadli", "--instruments", "BTC-USD", "--interval", "1h", "--from", "2026-02-20"],
]
VIEWS = ["spot_ohlcv_1d", "futures_ohlcv_1h", "indices_ohlcv_1h"]
KILLS = int(os.environ.get("CCDATA_KILLS", "12"))
LEFT_BEHIND = "INSERT INTO dim_series (series_id, data_type, market, instrument, mapped_instrument) VALUES (?, 'spot_ohlcv', ?, ?, ?)"


def ingest(world, sim):
    for command in RUNS:
        world.run_json(*command, "--progress", "none", vendor=sim.url, environment=ASKED)


@contextlib.contextmanager
def filled(world):
    with harness.simulator(world, "--now", NOW, "--seed", "31") as sim:
        ingest(world, sim)
        yield sim


def url(path):
    return f"sqlite:{path}"


def copy(world, to, *arguments, expect=0):
    return world.run_json("copy", "--from", world.url, "--to", url(to), "--progress", "none", *arguments, expect=expect, database=False)


def diff(world, to, *arguments, expect=0):
    return world.run_json("diff", world.url, url(to), "--progress", "none", *arguments, expect=expect, database=False)


def content(path, tables):
    with contextlib.closing(sqlite3.connect(f"file:{path}?mode=ro", uri=True)) as connection:
        return {table: sorted(map(repr, connection.execute(f"SELECT * FROM {table}"))) for table in tables}


def change(path, sql, *values):
    with contextlib.closing(sqlite3.connect(path)) as connection, connection:
        return connection.execute(sql, values).rowcount


def all_tables(path):
    with contextlib.closing(sqlite3.connect(f"file:{path}?mode=ro", uri=True)) as connection:
        return [row[0] for row in connection.execute("SELECT name FROM sqlite_master WHERE type = 'table' ORDER BY name")]


def check_copied(world, to):
    """Every column of every view, collected_at too, and every attribute of the series."""
    tables = [*VIEWS, "dim_series", "spot_instruments", "futures_instruments"]
    mine, theirs = content(world.database, VIEWS), content(to, VIEWS)
    assert mine == theirs, [view for view in VIEWS if mine[view] != theirs[view]]
    left = {table: len(rows) for table, rows in content(world.database, tables).items()}
    right = {table: len(rows) for table, rows in content(to, tables).items()}
    assert left == right, (left, right)


def claimed_rows_are_there(path):
    """Every period that the coverage calls stored has its row."""
    with contextlib.closing(sqlite3.connect(f"file:{path}?mode=ro", uri=True)) as connection:
        try:
            lost = connection.execute(
                "SELECT series_id FROM ccdata_coverage c WHERE state = 'stored' AND step_s = 3600 AND (to_ts - from_ts) / step_s > "
                "(SELECT count(*) FROM fact_futures_ohlcv_1h f WHERE f.series_id = c.series_id AND ts >= from_ts AND ts < to_ts) + "
                "(SELECT count(*) FROM fact_indices_ohlcv_1h f WHERE f.series_id = c.series_id AND ts >= from_ts AND ts < to_ts)").fetchall()
        except sqlite3.OperationalError as error:
            assert "no such table" in str(error), error
            return 0
        assert not lost, f"coverage without rows: {lost[:3]}"
        return connection.execute("SELECT count(*) FROM ccdata_coverage").fetchone()[0]


def test_copy_is_whole_and_the_second_one_idle(world):
    to = world.folder / "copy.db"
    with filled(world):
        first = copy(world, to)
        rows = sum(len(found) for found in content(world.database, VIEWS).values())
        lists = sum(part["rows_written"] for part in first["parts"] if part["interval"] is None)
        assert first["totals"]["rows_written"] - lists == rows and lists > 0, (first["totals"], rows)
        check_copied(world, to)
        same = diff(world, to)
        assert same["equal"] and same["totals"]["differences"] == 0
        assert same["totals"]["rows"] == 2 * (rows + lists), (same["totals"], rows, lists)
        again = copy(world, to)
        assert again["totals"]["rows_written"] == 0 and again["totals"]["chunks_copied"] == 0, again["totals"]
        assert again["totals"]["chunks_skipped"] == first["totals"]["chunks_copied"]


METADATA = """
INSERT INTO assets (id, symbol, name, launch_date, target_block_mint, created_at, updated_at, is_listed)
  VALUES (1, 'BTC', 'O''NEIL "x" \\', -86400, 1e300, 5, 6, 1), (2, '$X', NULL, NULL, NULL, 5, 5, 0);
INSERT INTO asset_alternative_ids VALUES (1, 'CMC', '1', 5, 5), (1, 'CMC', '2', 5, 5), (2, 'ISIN', '', 5, 5);
INSERT INTO asset_previous_symbols VALUES (2, 'MÈME', 5, 5);
INSERT INTO asset_market_data (asset_id, price_usd_last_update_ts, price_usd, created_at, updated_at)
  VALUES (1, 100, 1.5, 5, 5), (1, 200, 2.5, 5, 5), (2, -7, NULL, 5, 5);
INSERT INTO exchanges (id, internal_name, grade, created_at, updated_at, is_listed) VALUES ('2435', 'Coinbase', 'AA', 5, 5, 1);
INSERT INTO spot_instruments (market, instrument, created_at, updated_at, is_listed) VALUES ('lone', 'A', 5, 5, 1), ('lone', 'B', 5, 5, 0);
INSERT INTO ccdata_catalogue VALUES ('assets', '', 10), ('exchanges', '', 11), ('spot_instruments', 'lone', 12);
INSERT INTO ccdata_runs (run_id, command, started_utc_s, status, exit_code, calls, metadata_calls, rows_fetched, rows_written,
  rows_unchanged, rows_changed, bytes, duration_ms) VALUES ('r', 'c', 1, 's', 0, 0, 0, 0, 0, 0, 0, 0, 0)
"""
COPIED = {"assets": "id, symbol, name, launch_date, target_block_mint, is_listed", "asset_alternative_ids": "asset_id, name, id",
          "asset_previous_symbols": "asset_id, symbol", "asset_market_data": "asset_id, price_usd_last_update_ts, price_usd",
          "exchanges": "id, internal_name, grade, is_listed", "spot_instruments": "market, instrument, is_listed"}


def metadata_of(path):
    with contextlib.closing(sqlite3.connect(f"file:{path}?mode=ro", uri=True)) as connection:
        return {table: list(connection.execute(f"SELECT {columns} FROM {table} ORDER BY 1, 2, 3")) for table, columns in COPIED.items()
                if columns.count(",") > 1} | {"symbols": list(connection.execute("SELECT asset_id, symbol FROM asset_previous_symbols"))}


def test_metadata_is_copied_and_compared(world):
    to = world.folder / "copy.db"
    world.run_json("schema", "--create")
    for statement in METADATA.split(";\n"):
        assert change(world.database, statement) > 0
    first = copy(world, to)
    assert metadata_of(world.database) == metadata_of(to)
    assert first["totals"]["rows_written"] == 12, first["parts"]
    assert content(to, ["ccdata_runs"]) == {"ccdata_runs": []}
    assert diff(world, to)["equal"]
    assert copy(world, to)["totals"]["rows_written"] == 0
    # What the source has lost, gained and changed.
    change(world.database, "DELETE FROM asset_alternative_ids WHERE id = '2'")
    change(world.database, "UPDATE assets SET symbol = 'XBT' WHERE id = 1")
    change(world.database, "INSERT INTO asset_market_data (asset_id, price_usd_last_update_ts, created_at, updated_at) VALUES (1, 300, 9, 9)")
    change(world.database, "UPDATE ccdata_catalogue SET asked_utc_s = 20 WHERE data_type = 'assets'")
    change(world.database, "INSERT INTO spot_instruments (market, instrument, created_at, updated_at, is_listed) VALUES ('lone', 'C', 5, 5, 1)")
    found = diff(world, to, expect=12)
    assert [(d["kind"], d["data_type"], d["market"]) for d in found["differences"]] == [
        ("records", "assets", ""), ("records", "asset_alternative_ids", ""), ("records", "asset_market_data", "1"),
        ("instruments", "spot_instruments", "lone")], found["differences"]
    assert copy(world, to)["totals"]["rows_written"] == 4
    assert metadata_of(world.database) == metadata_of(to)
    assert diff(world, to)["equal"]


def test_a_run_into_the_copy_asks_nothing(world):
    """What the copy is for: the vendor is not asked again."""
    to = world.folder / "copy.db"
    with filled(world) as sim:
        copy(world, to)
        world.database = to
        before = len(sim.candle_requests())
        ingest(world, sim)
        # The newest periods may be too young to be final: they are asked for again, wherever the data is.
        assert len(sim.candle_requests()) - before <= 6, sim.candle_requests()[before:]


def test_copy_brings_what_came_later(world):
    to = world.folder / "copy.db"
    with filled(world) as sim:
        copy(world, to)
        world.run_json(*RUNS[1][:-1], "2025-10-01", "--progress", "none", vendor=sim.url, environment=ASKED)
        copied = copy(world, to, "futures_ohlcv")
        assert copied["totals"]["rows_written"] == 31 * 24, copied["totals"]
        check_copied(world, to)
        assert diff(world, to)["equal"]


def test_copy_killed_anywhere_goes_on(world):
    chance = random.Random(20260302)
    to = world.folder / "copy.db"
    kills = between = 0
    with filled(world):
        started = time.monotonic()
        copy(world, world.folder / "whole.db")
        whole_s = time.monotonic() - started
        while kills < KILLS:
            process = subprocess.Popen([harness.CCDATA, "copy", "--from", world.url, "--to", url(to), "--progress", "none"],
                                       cwd=world.folder, env=world.environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
            time.sleep(chance.uniform(0.002, whole_s))
            killed = process.poll() is None
            process.send_signal(signal.SIGKILL)
            process.wait()
            kills += killed
            segments = claimed_rows_are_there(to) if to.exists() else 0
            between += killed and segments > 0
            if not killed or segments > 12:
                for path in world.folder.glob("copy.db*"):
                    path.unlink()
        copy(world, to)
        claimed_rows_are_there(to)
        check_copied(world, to)
        assert diff(world, to)["equal"]
    assert between > KILLS // 4, f"only {between} kills after the first commit"
    harness.figure(f"copy: {kills} kills, {between} of them after its first commit, equal")


def test_copy_interrupted(world):
    to = world.folder / "copy.db"
    with filled(world):
        # Its first write has to wait for a lock, so the signal comes meanwhile.
        copy(world, to, "indices_ohlcv")
        holder = sqlite3.connect(to, isolation_level=None)
        holder.execute("BEGIN IMMEDIATE")
        process = subprocess.Popen([harness.CCDATA, "copy", "--from", world.url, "--to", url(to), "--progress", "none", "--json"],
                                   cwd=world.folder, env=world.environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        time.sleep(0.7)
        process.send_signal(signal.SIGINT)
        out, err = process.communicate(timeout=60)  # the lock is still there
        holder.execute("ROLLBACK")
        holder.close()
        assert process.returncode == 130 and '"status": "interrupted"' in out, (process.returncode, out, err)
        copy(world, to)
        check_copied(world, to)


def test_diff_names_what_differs(world):
    to = world.folder / "copy.db"
    with filled(world):
        copy(world, to)
        series, day = world.query("SELECT series_id, ts FROM fact_spot_ohlcv_1d ORDER BY series_id, ts LIMIT 1 OFFSET 40")[0]
        month = world.query("SELECT strftime('%Y-%m', ?, 'unixepoch')", day)[0][0]
        assert change(to, "UPDATE fact_spot_ohlcv_1d SET high = high + 1e-9 WHERE series_id = ? AND ts = ?", series, day) == 1
        found = diff(world, to, expect=12)
        assert not found["equal"] and found["status"] == "failed"
        assert [(d["kind"], d["data_type"], d["interval"], d["month"]) for d in found["differences"]] == [
            ("rows", "spot_ohlcv", "1d", month)], found["differences"]
        assert found["differences"][0]["first"] == found["differences"][0]["second"] > 20
        assert diff(world, to, "futures_ohlcv", "indices_ohlcv")["equal"]
        # A value that became NULL is not one that is 0.
        change(to, "UPDATE fact_spot_ohlcv_1d SET high = NULL WHERE series_id = ? AND ts = ?", series, day)
        assert diff(world, to, expect=12)["totals"]["differences"] == 1
        # A lost row, lost coverage, a lost series.
        change(to, "DELETE FROM fact_spot_ohlcv_1d WHERE series_id = ? AND ts = ?", series, day)
        lost = diff(world, to, expect=12)["differences"][0]
        assert lost["first"] == lost["second"] + 1, lost
        change(to, "UPDATE ccdata_coverage SET state = 'empty' WHERE series_id = ?", series)
        kinds = {d["kind"] for d in diff(world, to, expect=12)["differences"]}
        assert kinds == {"rows", "coverage"}, kinds
        change(to, "DELETE FROM dim_series WHERE series_id = ?", series)
        kinds = {d["kind"] for d in diff(world, to, expect=12)["differences"]}
        assert kinds == {"series"}, kinds
        # As text: the line of the difference, and one line for logs.
        text = world.run("diff", world.url, url(to), "-q", database=False)
        assert text.returncode == 12 and "different (exit code 12)" in text.stdout, text
        assert text.stderr.startswith("ccdata: ") and text.stderr.count("\n") == 1, text.stderr


def test_copy_full_repairs(world):
    to = world.folder / "copy.db"
    with filled(world):
        copy(world, to)
        series = world.query("SELECT series_id FROM fact_spot_ohlcv_1d LIMIT 1")[0][0]
        change(to, "UPDATE fact_spot_ohlcv_1d SET close = close * 2 WHERE series_id = ? AND ts % 432000 = 0", series)
        assert copy(world, to)["totals"]["rows_written"] == 0
        wrong = diff(world, to, expect=12)["totals"]["differences"]
        repaired = copy(world, to, "--full")["totals"]["rows_written"]
        assert repaired > 80 and wrong > 12, (repaired, wrong)
        check_copied(world, to)
        assert diff(world, to)["equal"]


def files(world):
    """Without what a reader of SQLite leaves beside a database."""
    return sorted(path.name for path in world.folder.iterdir() if not path.name.endswith(("-wal", "-shm")))


def refusal(world, code, words, *arguments):
    before = files(world)
    result = world.run(*arguments, database=False)
    assert result.returncode == code, (arguments, result.returncode, result.stdout, result.stderr)
    assert len(result.stderr.splitlines()) == 1, result.stderr
    for word in words:
        assert word in result.stderr, (word, result.stderr)
    assert files(world) == before, arguments


def test_wrong_use(world):
    with filled(world):
        pass
    a, missing, to = world.url, url(world.folder / "missing.db"), url(world.folder / "new.db")
    (world.folder / "link.db").symlink_to(world.database)
    refusal(world, 2, ["--from", "--to"], "copy")
    refusal(world, 2, ["same database"], "copy", "--from", a, "--to", a)
    refusal(world, 2, ["same database"], "copy", "--from", a, "--to", url(world.folder / "link.db"))
    refusal(world, 2, ["same database"], "diff", a, a)
    refusal(world, 8, ["missing.db", "there is no database"], "copy", "--from", missing, "--to", to)
    refusal(world, 8, ["missing.db", "there is no database"], "diff", a, missing)
    refusal(world, 2, ["spot_ohlcw", "spot_ohlcv"], "copy", "--from", a, "--to", to, "spot_ohlcw")
    refusal(world, 2, ["spot_ohlcw", "spot_ohlcv"], "diff", a, to, "spot_ohlcw")
    refusal(world, 2, ["--from", "oracle", "did you mean"], "copy", "--from", "oracle:x", "--to", to)
    refusal(world, 2, ["null"], "copy", "--from", "null:", "--to", to)
    refusal(world, 2, ["--database"], "copy", "--from", a, "--to", to, "--database", a)
    refusal(world, 2, ["two database URLs"], "diff", a)
    refusal(world, 9, ["new.db"], "copy", "--from", a, "--to", to, "--no_create")
    refusal(world, 2, ["null"], "selftest", "--database", "null:")


def test_selftest_leaves_nothing_behind(world):
    with filled(world):
        pass
    before = content(world.database, all_tables(world.database))
    tested = world.run_json("selftest")
    steps = {step["name"]: step for step in tested["steps"]}
    assert all(step["state"] == "ok" for step in tested["steps"]), tested["steps"]
    for name in ("write", "read", "replay"):
        assert steps[name]["rows"] == 50000 and steps[name]["rows_per_second"] > 1000, steps[name]
    assert content(world.database, all_tables(world.database)) == before


def test_selftest_finds_a_database_that_changes_values(world):
    assert world.run("selftest").returncode == 0
    change(world.database, "CREATE TRIGGER liar AFTER INSERT ON fact_spot_ohlcv_1m BEGIN"
                           " UPDATE fact_spot_ohlcv_1m SET low = 1 WHERE series_id = new.series_id AND ts = new.ts AND low < 2; END")
    before = content(world.database, all_tables(world.database))
    tested = world.run_json("selftest", expect=12)
    states = {step["name"]: step["state"] for step in tested["steps"]}
    assert states["write"] == "ok" and states["read"] == "failed" and states["remove"] == "ok", states
    assert "low" in [step for step in tested["steps"] if step["name"] == "read"][0]["message"]
    assert content(world.database, all_tables(world.database)) == before


def test_selftest_of_a_database_that_refuses_rows(world):
    assert world.run("selftest").returncode == 0
    change(world.database, "CREATE TRIGGER refuses BEFORE INSERT ON fact_spot_ohlcv_1m WHEN new.ts > 631500000 BEGIN"
                           " SELECT RAISE(ABORT, 'full'); END")
    before = content(world.database, all_tables(world.database))
    tested = world.run_json("selftest", expect=12)
    states = {step["name"]: step["state"] for step in tested["steps"]}
    assert states.pop("write") == "failed" and states.pop("remove") == "ok" and set(states.values()) == {"skipped"}, states
    assert content(world.database, all_tables(world.database)) == before


def test_selftest_removes_what_a_killed_one_left(world):
    assert world.run("selftest").returncode == 0
    for number, (market, instrument) in enumerate([("ccdata_selftest", "SCRATCH-1600000000-1"), ("kraken", "SCRATCH-1600000000-1"),
                                                   ("ccdata_selftest", f"SCRATCH-{int(time.time())}-1")]):
        name = b"spot_ohlcv\x1f" + market.encode() + b"\x1f" + instrument.encode()
        series = int.from_bytes(hashlib.sha256(name).digest()[:8], "big") >> 11
        assert change(world.database, LEFT_BEHIND, series, market, instrument, instrument) == 1, number
    assert world.run("selftest").returncode == 0
    left = world.query("SELECT market FROM dim_series ORDER BY market")
    assert left == [("ccdata_selftest",), ("kraken",)], left  # that of an hour ago may still be running


harness.main(globals())
