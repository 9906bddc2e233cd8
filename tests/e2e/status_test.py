#!/usr/bin/env python3
"""ccdata status, coverage and list: the figures are those of the tables, and the rules of health hold on the real programs."""
import contextlib
import fcntl
import hashlib
import json
import os
import pty
import re
import signal
import sqlite3
import struct
import subprocess
import termios
import time

import harness
from fake_vendor import Vendor

NOW = "2026-03-01T12:00:00Z"
LATER = "2026-03-02T14:00:00Z"  # more than a day
AT = {"CCDATA_NOW": NOW}
DAY, HOUR = 86400, 3600
RUNS = [
    ["spot_ohlcv", "--exchanges", "kraken", "--pair_limit", "4", "--interval", "1d", "--from", "2025-03-01"],
    ["futures_ohlcv", "--exchanges", "binance", "--instruments", "BTC-*", "--interval", "1h", "--from", "2026-01-15"],
    ["indices_ohlcv", "--market", "cadli", "--instruments", "BTC-USD", "--interval", "1d", "--from", "2024-01-01"],
]
VIEWS = {("spot_ohlcv", "1d"): DAY, ("futures_ohlcv", "1h"): HOUR, ("indices_ohlcv", "1d"): DAY}
SERIES = 20000


def iso(ts):
    return time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(ts))


def status(world, *arguments, expect=0, environment=None, **options):
    document = world.run_json("status", *arguments, expect=expect, environment=dict(AT, **(environment or {})), **options)
    assert document["exit_code"] == expect and (document["system"] == "healthy") == (expect == 0), document
    return document


def change(world, sql, *values):
    with contextlib.closing(sqlite3.connect(world.database)) as connection, connection:
        connection.execute(sql, values)


def on_terminal(world, *arguments, columns=100, environment=None):
    """What a terminal is sent, and the exit code."""
    master, slave = pty.openpty()
    fcntl.ioctl(slave, termios.TIOCSWINSZ, struct.pack("HHHH", 40, columns, 0, 0))
    env = {**world.environment, "TERM": "xterm-256color", **AT, **(environment or {})}
    process = subprocess.Popen([harness.CCDATA, *arguments, "--database", world.url], cwd=world.folder, env=env,
                               stdin=subprocess.DEVNULL, stdout=slave, stderr=subprocess.PIPE)
    os.close(slave)
    sent = b""
    with contextlib.suppress(OSError):  # the other end is gone
        while piece := os.read(master, 65536):
            sent += piece
    os.close(master)
    process.stderr.read()
    process.stderr.close()
    return sent.decode().replace("\r\n", "\n"), process.wait(60)


def without_colours(text):
    return re.sub("\x1b\\[[0-9;]*m", "", text)


def is_harmless(text):
    return not re.search("[\x00-\x09\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069]", text)


def test_nothing_is_healthy_and_stays_nothing(world):
    document = status(world, "--enable_monitoring", "--enable_caching")
    assert document["data"] == [] and document["runs"] == [] and document["active_ingestors"] == 0, document
    assert document["components"]["database"]["exists"] is False and document["components"]["database"]["reachable"]
    assert document["performance"] == [] and document["cache"]["enabled"] is True
    assert world.run_json("coverage", "spot_ohlcv")["series"] == []
    for name in ("assets", "exchanges", "instruments", "markets"):
        result = world.run("list", name)
        assert result.returncode == 0 and "never fetched: run `ccdata " in result.stdout, result
    assert list(world.folder.iterdir()) == [], "a look left something behind"


def test_figures_are_those_of_the_tables(world):
    with harness.simulator(world, "--now", NOW, "--seed", "41") as sim:
        for command in RUNS:
            world.run_json(*command, vendor=sim.url, environment=AT)
        calls = len(sim.requests())
        document = status(world, vendor=sim.url)
        assert len(sim.requests()) == calls, "a status without --check made a call"
    data = {(item["data_type"], item["interval"]): item for item in document["data"] if item["interval"]}
    assert set(data) == set(VIEWS), data
    for (name, interval), step in VIEWS.items():
        item = data[name, interval]
        [(series, rows, first, last)] = world.query(
            f"SELECT count(DISTINCT market || ' ' || instrument), count(*), min(ts), max(ts) FROM {name}_{interval} WHERE is_final")
        assert (item["series"], item["rows"], item["first"], item["last"]) == (series, rows, iso(first), iso(last)), (item, rows)
        assert item["covered"] == item["wanted"] >= rows and item["covered_share"] == 1 and item["series_behind"] == 0, item
        assert item["newest_final_age_seconds"] == 1772366400 - last - step, item
    for item in document["data"]:
        if not item["interval"]:
            assert world.query(f"SELECT count(*) FROM {item['data_type']}") == [(item["rows"],)], item
    assert {item["data_type"] for item in document["data"]} >= {"spot_instruments", "futures_instruments"}
    assert document["quota"]["hour"]["used"] == calls, (document["quota"], calls)
    # Both hosts are the simulator here.
    assert document["api_clients"] == 1 and document["components"]["database"]["writable"] is True


def test_runs_are_those_that_were_made(world):
    with harness.simulator(world, "--now", NOW, "--seed", "42", "--key", harness.KEY) as sim:
        made = [world.run_json(*command, vendor=sim.url, environment=AT) for command in RUNS]
        document = status(world, "--enable_monitoring")
        assert [run["command"] for run in reversed(document["runs"])] == [command[0] for command in RUNS], document["runs"]
        for run, report in zip(reversed(document["runs"]), made):
            totals = report["totals"]
            assert run["status"] == "complete" and run["exit_code"] == 0 and run["started"] == NOW, run
            for name in ("calls", "rows_fetched", "rows_written", "rows_unchanged"):
                assert run[name] == totals[name], (name, run, totals)
        figures = {item["command"]: item for item in document["performance"]}
        assert set(figures) == {command[0] for command in RUNS} and all(item["success_rate"] == 1 for item in figures.values())
        assert document["monitoring"]["runs"]["complete"] == len(RUNS), document["monitoring"]
        # A run that fails degrades until one of the same command ends well.
        command = RUNS[0][:-1] + ["2024-03-01"]
        failed = world.run(*command, environment=dict(AT, CCDATA_API_KEY="another-key-0123456789"), vendor=sim.url)
        assert failed.returncode == 4, failed
        document = status(world, expect=12)
        assert document["system"] == "degraded" and "spot_ohlcv: the last run" in document["reasons"][0], document["reasons"]
        world.run_json(*command, vendor=sim.url, environment=AT)
        status(world)


def test_a_killed_run_is_told_from_a_running_one(world):
    with harness.simulator(world, "--now", NOW, "--latency_ms", "400") as sim:
        process = world.start(*RUNS[0], vendor=sim.url, environment=AT)
        deadline = time.monotonic() + 30
        while status(world)["active_ingestors"] == 0:
            assert time.monotonic() < deadline and process.poll() is None, "the run was never recorded"
            time.sleep(0.05)
        process.send_signal(signal.SIGKILL)
        process.wait(10)
        process.stderr.close()
        [run] = status(world)["runs"]
        assert run["ended"] is None and run["exit_code"] is None and run["status"] == "running", run
        document = status(world, expect=12, environment={"CCDATA_NOW": LATER})
        assert document["active_ingestors"] == 0 and document["system"] == "degraded", document
        assert any("never ended: it was killed" in reason for reason in document["reasons"]), document["reasons"]
        # With a ledger of its own: the killed one's first call may still be out, for all that anybody knows.
        world.run_json(*RUNS[0], vendor=sim.url, environment=dict(AT, XDG_STATE_HOME=str(world.folder / "other")))
        document = status(world, "--enable_monitoring")
        assert document["runs"][0]["status"] == "complete" and document["active_ingestors"] == 1, document


def test_series_fall_behind_and_catch_up(world):
    command = RUNS[0][:-2] + ["--from", "2026-01-01"]
    with harness.simulator(world, "--now", NOW) as sim:
        world.run_json(*command, vendor=sim.url, environment=AT)
        status(world, environment={"CCDATA_NOW": "2026-03-03T00:05:00Z"})
        document = status(world, expect=12, environment={"CCDATA_NOW": "2026-03-03T00:07:00Z"})
        assert document["reasons"] == ["spot_ohlcv 1d: 4 of 4 series are behind"], document["reasons"]
        assert document["data"][0]["series_behind"] == 4 and document["data"][0]["covered_share"] < 1, document["data"][0]
        text, code = on_terminal(world, "status", environment={"CCDATA_NOW": "2026-03-03T00:07:00Z"})
        assert code == 12 and "\x1b[33mdegraded\x1b[0m (exit code 12)\n" in text, text


def test_a_database_that_cannot_be_used_is_critical(world):
    with harness.simulator(world, "--now", NOW) as sim:
        world.run_json(*RUNS[2], vendor=sim.url, environment=AT)
    status(world)
    before = world.query("SELECT * FROM ccdata_schema")
    status(world, environment={"CCDATA_SETTLE_SECONDS": "777"})
    assert world.query("SELECT * FROM ccdata_schema") == before, "a look changed the schema"
    with contextlib.closing(sqlite3.connect(world.database)) as connection:
        connection.execute("BEGIN IMMEDIATE")  # somebody else writes: so it can be written
        status(world)
        connection.rollback()
    change(world, "UPDATE ccdata_schema SET version = 99")
    document = status(world, expect=12)
    database = document["components"]["database"]
    assert document["system"] == "critical" and database["error"]["status"] == "DATABASE_SCHEMA", document
    assert database["reachable"] is True and database["writable"] is False, database
    world.database.write_bytes(b"this is no database" * 1000)
    document = status(world, expect=12)
    assert document["system"] == "critical" and document["status"] == "failed", document
    world.database.unlink()
    world.database = world.folder / "no" / "such" / "folder" / "test.db"
    status(world)


def test_check_costs_one_call_and_tells(world):
    with harness.simulator(world, "--now", NOW, "--key", harness.KEY) as sim:
        document = status(world, "--check", vendor=sim.url)
        vendor = document["components"]["vendor"]
        assert vendor["checked"] and vendor["reachable"] and vendor["key_valid"], vendor
        assert len(sim.requests()) == 1 and document["quota"]["hour"]["used"] == 1, document["quota"]
        document = status(world, "--check", vendor=sim.url, expect=12, environment={"CCDATA_API_KEY": "another-key-0123456789"})
        vendor = document["components"]["vendor"]
        assert document["system"] == "critical" and vendor["reachable"] and not vendor["key_valid"], vendor
        assert "another-key" not in json.dumps(document)
    document = status(world, "--check", vendor="http://127.0.0.1:9", expect=12)
    assert document["system"] == "critical" and document["components"]["vendor"]["reachable"] is False, document
    document = status(world, "--check", expect=12, environment={"CCDATA_API_KEY": None})
    assert document["components"]["vendor"]["key_given"] is False and "CCDATA_API_KEY" in document["reasons"][0], document
    status(world, environment={"CCDATA_API_KEY": None})


def test_a_spent_quota_is_degraded(world):
    limits = {"API_RATE_LIMIT_PER_HOUR": "3"}
    with harness.simulator(world, "--now", NOW, "--unlimited") as sim:
        result = world.run(*RUNS[0], vendor=sim.url, environment=dict(AT, **limits))
        assert result.returncode == 5, result
        document = status(world, vendor=sim.url, expect=12, environment=limits)
    assert document["quota"]["hour"] == {"limit": 3, "used": 3, "left": 0}, document["quota"]
    assert "the quota of the hour is spent: 3 of 3 calls" in document["reasons"], document["reasons"]


def test_coverage_agrees_with_the_rows(world):
    with harness.simulator(world, "--now", NOW, "--seed", "43") as sim:
        for command in RUNS:
            world.run_json(*command, vendor=sim.url, environment=AT)
    for (name, interval), step in VIEWS.items():
        document = world.run_json("coverage", name, "--interval", interval, environment=AT)
        have = {(m, i): n for m, i, n in
                world.query(f"SELECT market, instrument, count(*) FROM {name}_{interval} WHERE is_final GROUP BY 1, 2")}
        assert {(s["market"], s["instrument"]): s["periods"]["stored"] for s in document["series"]} == have, document["totals"]
        for series in document["series"]:
            ranges = series["ranges"]
            assert all(a["to"] == b["from"] and a["state"] != b["state"] for a, b in zip(ranges, ranges[1:])), ranges
            for state, periods in series["periods"].items():
                assert periods == sum(r["periods"] for r in ranges if r["state"] == state), series
    wide = world.run_json("coverage", "spot_ohlcv", "--from", "2025-01-01", "--to", "2025-03-31", "--instruments", "BTC-*", environment=AT)
    assert wide["series"] and all(s["mapped_instrument"].startswith("BTC-") for s in wide["series"]), wide
    assert all(s["periods"]["stored"] == 31 and s["periods"]["missing"] == 59 for s in wide["series"]), wide["totals"]


def test_coverage_on_a_terminal_has_a_map(world):
    with harness.simulator(world, "--now", NOW) as sim:
        world.run_json(*RUNS[0], vendor=sim.url, environment=AT)
    for columns in (60, 100, 160):
        text, code = on_terminal(world, "coverage", "spot_ohlcv", "--from", "2024-01-01", columns=columns)
        assert code == 0 and "\x1b[32m█" in text and "\x1b[31m·" in text, text
        lines = without_colours(text).split("\n")
        rows = [line for line in lines if "█" in line and not line.startswith("each character")]
        assert len(rows) == 4 and all(len(line) <= columns for line in rows), rows
    plain, _ = on_terminal(world, "coverage", "spot_ohlcv", environment={"NO_COLOR": "1"})
    assert "█" in plain and "\x1b" not in plain
    piped = world.run("coverage", "spot_ohlcv", environment=AT).stdout
    assert "█" not in piped and "\x1b" not in piped and piped.count("kraken") == 4, piped


def test_hostile_names_reach_json_unharmed_and_terminals_harmless(world):
    names = ["A'B", 'x"y', "\u202eevil", "\u2066b", "a\\b", "*", "'; DROP TABLE dim_series; --", "\U0001F600", "n" * 500]
    vendor = Vendor([(name + ".N", name) for name in names])
    at = {"CCDATA_NOW": iso(vendor.now)}
    with harness.replay(vendor.answer) as (url, _):
        world.run_json("spot_ohlcv", "--exchanges", "kraken", "--from", iso(vendor.now - 9 * DAY)[:10], vendor=url, environment=at)
    for document in (world.run_json("coverage", "spot_ohlcv", environment=at)["series"],
                     world.run_json("list", "spot_instruments", environment=at)["lists"][0]["rows"]):
        assert sorted(item["mapped_instrument"] for item in document) == sorted(names), document
    for command in (["coverage", "spot_ohlcv"], ["list", "instruments"], ["list", "instruments", "-v"], ["status"]):
        assert is_harmless(world.run(*command, environment=at).stdout), command
        assert is_harmless(world.run(*command, "--json", environment=at).stdout), command
        text, _ = on_terminal(world, *command, environment=at)
        assert is_harmless(without_colours(text)), command


def test_lists_are_filtered(world):
    with harness.simulator(world, "--now", NOW) as sim:
        for command in RUNS:
            world.run_json(*command, vendor=sim.url, environment=AT)
    lists = world.run_json("list", "instruments", environment=AT)["lists"]
    assert [part["table"] for part in lists] == ["spot_instruments", "futures_instruments"]
    for part in lists:
        assert world.query(f"SELECT count(*) FROM {part['table']}") == [(part["row_count"],)] and part["row_count"] == len(part["rows"])
    some = world.run_json("list", "instruments", "--exchanges", "bin*", "--names", "BTC-*", "--statuses", "active", "--limit", "2",
                          environment=AT)["lists"]
    assert some[0]["rows"] == [] and 0 < len(some[1]["rows"]) <= 2, some
    for row in some[1]["rows"]:
        assert row["market"] == "binance" and row["mapped_instrument"].startswith("BTC-") and row["instrument_status"] == "ACTIVE", row
    result = world.run("list", "instrumets")
    assert result.returncode == 2 and "did you mean instruments?" in result.stderr, result


def series_id(name, market, instrument):
    digest = hashlib.sha256(f"{name}\x1f{market}\x1f{instrument}".encode()).digest()
    return int.from_bytes(digest[:8], "big") >> 11


def test_many_series_are_read_at_once(world):
    assert world.run("schema", "--create").returncode == 0
    now = 1772323200
    with contextlib.closing(sqlite3.connect(world.database)) as connection, connection:
        for n in range(SERIES):
            market, name = f"m{n % 100}", f"I{n}-USD"
            series = series_id("spot_ohlcv", market, name)
            connection.execute("INSERT INTO dim_series (series_id, data_type, market, instrument, mapped_instrument) "
                               "VALUES (?, 'spot_ohlcv', ?, ?, ?)", (series, market, name, name))
            connection.executemany(
                "INSERT INTO ccdata_coverage (series_id, step_s, from_ts, to_ts, state, asked_utc_s) VALUES (?, ?, ?, ?, 'stored', ?)",
                [(series, DAY, now - (k + 1) * 300 * DAY, now - k * 300 * DAY, now) for k in range(5)])
    started = time.monotonic()
    document = status(world)
    took = time.monotonic() - started
    assert document["data"][0]["series"] == SERIES and document["data"][0]["rows"] == SERIES * 1500, document["data"]
    harness.figure(f"status of {SERIES} series, {SERIES * 5} segments: {took:.2f} s")
    assert took < 2 or "ASAN_OPTIONS" in os.environ, took


if __name__ == "__main__":
    harness.main(globals())
