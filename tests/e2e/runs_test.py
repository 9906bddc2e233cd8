#!/usr/bin/env python3
"""Runs against ccdata-sim: only what is missing is asked for, with the fewest calls, and a second run asks nothing."""
import contextlib
import datetime
import sqlite3
import urllib.parse

import harness

HOUR, DAY = 3600, 86400
NOW = "2026-03-01T12:00:00Z"
NOW_TS = int(datetime.datetime.fromisoformat(NOW.replace("Z", "+00:00")).timestamp())


def iso(ts):
    return datetime.datetime.fromtimestamp(ts, datetime.timezone.utc).strftime("%Y-%m-%dT%H:%M:%S")


def fewest_pages(missing, step, page_max):
    """Least number of windows of page_max periods that cover the missing period starts (a known greedy optimum)."""
    pages, reach = 0, None
    for ts in sorted(missing):
        if reach is None or ts >= reach:
            pages, reach = pages + 1, ts + page_max * step
    return pages


def ingest(world, sim, *arguments, expect=0, environment=None):
    return world.run_json(*arguments, vendor=sim.url, expect=expect, environment=dict(environment or {}, CCDATA_NOW=NOW))


def windows(requests, step):
    """Periods that each candle request asked for."""
    asked = []
    for request in requests:
        query = dict(urllib.parse.parse_qsl(request["query"]))
        end = int(query["to_ts"]) + 1
        asked.append((end - int(query["limit"]) * step, end))
    return asked


def test_second_run_asks_nothing(world):
    with harness.simulator(world, "--now", NOW, "--seed", "7") as sim:
        command = ["spot_ohlcv", "--specific_market", "kraken", "--specific_instrument", "BTC-USD", "--interval", "1d"]
        first = ingest(world, sim, *command)
        assert first["status"] == "complete" and first["totals"]["rows_written"] == 365, first["totals"]
        before = len(sim.candle_requests())
        second = ingest(world, sim, *command)
        assert second["operations"][0]["series"][0]["state"] == "up_to_date", second["operations"]
        assert len(sim.candle_requests()) == before, "a second run made a candle call"
        assert second["totals"]["calls"] == 0 and second["totals"]["rows_written"] == 0


def test_calls_are_the_fewest_possible(world):
    """A long hourly range with pieces already there: calls made / calls needed = 1.00."""
    start, end = NOW_TS - 300 * DAY, NOW_TS - 10 * DAY
    command = ["futures_ohlcv", "--exchanges", "binance", "--instruments", "BTC-USDT-VANILLA-PERPETUAL", "--interval", "1h"]
    pieces = [(start + 20 * DAY, start + 21 * DAY), (start + 100 * DAY, start + 190 * DAY), (start + 280 * DAY, end)]
    with harness.simulator(world, "--now", NOW, "--seed", "8") as sim:
        for a, b in pieces:
            ingest(world, sim, *command, "--from", iso(a), "--to", iso(b))
        have = {row["ts"] for row in world.rows("futures_ohlcv_1h")}
        missing = set(range(start, end, HOUR)) - have
        needed = fewest_pages(missing, HOUR, 2000)
        before = len(sim.candle_requests())
        plan = ingest(world, sim, *command, "--from", iso(start), "--to", iso(end), "--dry_run")
        assert len(sim.candle_requests()) == before, "a dry run made a candle call"
        result = ingest(world, sim, *command, "--from", iso(start), "--to", iso(end))
        made = len(sim.candle_requests()) - before
        assert made == needed == plan["totals"]["calls"] == result["totals"]["calls"], (made, needed, plan["totals"])
        have = {row["ts"] for row in world.rows("futures_ohlcv_1h")}
        assert have == set(range(start, end, HOUR)), f"{len(have)} rows"
        for a, b in windows(sim.candle_requests(), HOUR):
            assert b - a <= 2000 * HOUR, "a page is larger than the vendor allows"
        harness.figure(f"calls made / fewest possible = {made}/{needed} = {made / needed:.2f}")


def test_start_of_history_is_not_an_error(world):
    """Far more history wanted than there is: the run is complete, and the next one asks nothing."""
    command = ["indices_ohlcv", "--market", "cadli", "--instruments", "BTC-USD", "--interval", "1d"]
    unbounded = {"INGESTION_MAX_BACKFILL_DAYS": "0"}
    with harness.simulator(world, "--now", NOW, "--seed", "9") as sim:
        first = ingest(world, sim, *command, environment=unbounded)
        series = first["operations"][0]["series"][0]
        assert series["state"] == "complete" and series["failed"] == 0, series
        assert series["fetched"] > 0 and series["empty"] > 0, series
        before = len(sim.candle_requests())
        second = ingest(world, sim, *command, environment=unbounded)
        assert len(sim.candle_requests()) == before, second["operations"]


def test_dry_run_writes_nothing(world):
    with harness.simulator(world, "--now", NOW) as sim:
        plan = ingest(world, sim, "spot_ohlcv", "--specific_market", "kraken", "--interval", "1d", "--dry_run")
        assert plan["totals"]["calls"] > 0
        assert not world.database.exists(), "a dry run created the database"
        assert sim.candle_requests() == []


def test_young_candles_are_looked_at_again(world):
    """A candle that closed less than the settle time ago is stored, is not final, and is asked for again."""
    command = ["spot_ohlcv", "--specific_market", "kraken", "--specific_instrument", "BTC-USD", "--interval", "1m",
               "--from", "2026-03-01T11:00"]
    with harness.simulator(world, "--now", NOW) as sim:
        first = ingest(world, sim, *command)
        series = first["operations"][0]["series"][0]
        assert series["provisional"] + series["pending"] == 6 and series["provisional"] > 0, series
        young = world.query("SELECT ts FROM spot_ohlcv_1m WHERE is_final = 0")
        assert len(young) == series["provisional"], young
        before = len(sim.candle_requests())
        ingest(world, sim, *command)
        asked = windows(sim.candle_requests()[before:], 60)
        # The young ones, and with them what the same call can say of the known ones before.
        assert asked == [(NOW_TS - 3600, NOW_TS)], asked
    later = "2026-03-01T12:10:00Z"
    with harness.simulator(world, "--now", later) as sim:
        world.run_json(*command, vendor=sim.url, environment={"CCDATA_NOW": later})
    assert world.query("SELECT count(*) FROM spot_ohlcv_1m WHERE is_final = 0 AND ts < ?", NOW_TS) == [(0,)]


def test_every_type_and_interval(world):
    names = {"spot_ohlcv": ["--specific_market", "kraken", "--specific_instrument", "BTC-USD"],
             "indices_ohlcv": ["--instruments", "BTC-USD"]}
    futures = ["--exchanges", "binance", "--instruments", "BTC-USDT-VANILLA-PERPETUAL"]
    with harness.simulator(world, "--now", NOW) as sim:
        for data_type in ("spot_ohlcv", "futures_ohlcv", "futures_funding_rate", "futures_open_interest", "indices_ohlcv"):
            for interval, start in (("1d", "2026-01-01"), ("1h", "2026-02-20"), ("1m", "2026-02-28T20:00")):
                result = ingest(world, sim, data_type, *names.get(data_type, futures), "--interval", interval, "--from", start)
                assert result["status"] == "complete", result
                assert len(world.rows(f"{data_type}_{interval}")) == result["totals"]["rows_written"] > 0


def test_lists_of_instruments(world):
    with harness.simulator(world, "--now", NOW) as sim:
        result = ingest(world, sim, "futures_ohlcv", "--exchanges", "binance", "okex", "--instruments", "BTC-*", "--from", "2026-02-25")
        markets = {series["market"] for series in result["operations"][0]["series"]}
        assert markets == {"binance", "okex"}, markets
        catalogue = [r for r in sim.requests() if r["path"].endswith("/markets/instruments")]
        assert len(catalogue) == 2, catalogue
        ingest(world, sim, "futures_ohlcv", "--exchanges", "binance", "okex", "--instruments", "BTC-*", "--from", "2026-02-25")
        catalogue = [r for r in sim.requests() if r["path"].endswith("/markets/instruments")]
        assert len(catalogue) == 2, "the list of instruments was fetched again within its lifetime"


def test_top_indices(world):
    with harness.simulator(world, "--now", NOW) as sim:
        result = ingest(world, sim, "indices_ohlcv", "--asset_limit", "12", "--from", "2026-02-25")
        states = [series["state"] for series in result["operations"][0]["series"]]
        assert len(states) == 12 and set(states) <= {"complete", "not_offered"} and states.count("complete") >= 6, states
        assert result["exit_code"] == 0


def test_quota_is_kept_and_named(world):
    """The hour is spent in mid-run: what was fetched is there, the exit code is 5, the next run goes on."""
    command = ["spot_ohlcv", "--specific_market", "kraken", "--specific_instrument", "BTC-USD", "--interval", "1d"]
    with harness.simulator(world, "--now", NOW, "--seed", "3") as sim:
        limited = {"API_RATE_LIMIT_PER_HOUR": "6", "INGESTION_MAX_API_LIMIT": "50"}
        first = ingest(world, sim, *command, environment=limited, expect=5)
        assert first["exit_code"] == 5 and "resume" in str(first), first
        assert len(sim.requests()) <= 6
        stored = len(world.rows("spot_ohlcv_1d"))
        assert 0 < stored < 365
        second = ingest(world, sim, *command, environment={"INGESTION_MAX_API_LIMIT": "50", "API_RATE_LIMIT_PER_HOUR": "0"})
        assert second["status"] == "complete" and len(world.rows("spot_ohlcv_1d")) == 365


def test_faulty_vendor_still_gives_exact_data(world):
    """The same rows come out of a vendor that fails often as out of one that never does."""
    command = ["futures_ohlcv", "--exchanges", "binance", "--instruments", "BTC-USDT-VANILLA-PERPETUAL",
               "ETH-USDT-VANILLA-PERPETUAL", "--interval", "1h", "--from", "2026-01-01"]
    small = {"INGESTION_MAX_API_LIMIT": "100"}
    clean = harness.World()
    try:
        with harness.simulator(clean, "--now", NOW, "--seed", "5") as sim:
            ingest(clean, sim, *command, environment=small)
        faults = ["error_429=0.05", "error_500=0.05", "error_body=0.03", "truncate=0.04", "garbage=0.03", "html=0.03", "reset=0.03",
                  "shuffled=0.05", "duplicate_row=0.05", "wrong_series=0.03"]
        arguments = [part for fault in faults for part in ("--fault", fault)]
        with harness.simulator(world, "--now", NOW, "--seed", "5", *arguments) as sim:
            for _ in range(20):
                result = world.run(*command, vendor=sim.url, environment=dict(small, CCDATA_NOW=NOW))
                if result.returncode == 0:
                    break
            assert result.returncode == 0, result.stdout + result.stderr
        expected = [{k: v for k, v in row.items()} for row in clean.rows("futures_ohlcv_1h")]
        assert world.rows("futures_ohlcv_1h") == expected and len(expected) > 2000
    finally:
        clean.remove()


def test_a_reader_that_stays_does_not_keep_the_log_of_sqlite(world):
    """A dashboard with an open transaction: the run is not held up, sees no other rows than its own moment, and leaves no log behind it."""
    command = ["futures_ohlcv", "--exchanges", "binance", "--instruments", "BTC-USDT-VANILLA-PERPETUAL", "--interval", "1m"]
    log = world.database.with_name(world.database.name + "-wal")
    with harness.simulator(world, "--now", NOW) as sim:
        ingest(world, sim, *command, "--from", "2026-02-28")
        with contextlib.closing(sqlite3.connect(world.database, isolation_level=None)) as reader:
            reader.execute("BEGIN")
            count = "SELECT count(*) FROM futures_ohlcv_1m"
            before = reader.execute(count).fetchone()
            ingest(world, sim, *command, "--from", "2026-02-10")
            pinned = log.stat().st_size
            assert pinned > 4 << 20, f"the log was not pinned: {pinned} bytes"
            assert reader.execute(count).fetchone() == before, "the reader's moment moved"
            reader.execute("COMMIT")
        ingest(world, sim, *command, "--from", "2026-02-08")
        assert not log.exists() or log.stat().st_size == 0, f"{log.stat().st_size} bytes are left"


harness.main(globals())
