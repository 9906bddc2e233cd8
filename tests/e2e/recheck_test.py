#!/usr/bin/env python3
"""What a call says of periods that are known already: restatements, late candles, mended records, without a call more."""
import harness
from fake_vendor import DAY, NOW, Vendor, candle_calls, iso

COMMAND = ["spot_ohlcv", "--specific_market", "kraken", "--specific_instrument", "BTC-USD", "--from", "2026-01-01", "--progress", "none"]
TODAY = NOW // DAY * DAY


def ingest(world, vendor, url, days_later=0, expect=0):
    vendor.now = NOW + days_later * DAY
    return world.run_json(*COMMAND, vendor=url, environment={"CCDATA_NOW": iso(vendor.now)}, expect=expect)


def revisions(world):
    return world.query("SELECT ts, column_name, old_value, new_value, seen_utc_s IS NOT NULL, run_id IN (SELECT run_id FROM ccdata_runs) "
                       "FROM ccdata_revisions ORDER BY ts, column_name")


def test_a_restated_value_is_found_by_the_call_for_the_next_day(world):
    vendor = Vendor()
    ts = TODAY - 20 * DAY
    with harness.replay(vendor.answer) as (url, requests):
        first = ingest(world, vendor, url)["totals"]
        before = world.rows("spot_ohlcv_1d")
        vendor.changes = {("BTC-USD", ts): {"VOLUME": 7.5}}
        assert ingest(world, vendor, url)["totals"]["calls"] == 0, "a call only to look again"
        second = ingest(world, vendor, url, days_later=1)["totals"]
    assert (first["calls"], second["calls"], len(candle_calls(requests))) == (1, 1, 2)
    assert second["rows_written"] == 2 and second["rows_unchanged"] == len(before) - 1, second
    assert revisions(world) == [(ts, "volume", "1.25", "7.5", 1, 1)]
    after = {row["ts"]: row for row in world.rows("spot_ohlcv_1d")}
    assert after[ts]["volume"] == 7.5 and after[ts]["collected_at"] > before[0]["collected_at"]
    assert all(after[row["ts"]] == row for row in before if row["ts"] != ts), "rows that did not change were written"


def test_a_candle_that_comes_late_is_found(world):
    vendor = Vendor()
    late = TODAY - 9 * DAY
    vendor.missing = {("BTC-USD", late)}
    with harness.replay(vendor.answer) as (url, requests):
        assert ingest(world, vendor, url)["totals"]["calls"] == 1
        ingest(world, vendor, url, days_later=1)  # confirms the hole
        assert world.query("SELECT count(*) FROM spot_ohlcv_1d WHERE ts = ?", late) == [(0,)]
        vendor.missing = set()
        calls = len(candle_calls(requests))
        assert ingest(world, vendor, url, days_later=2)["totals"]["calls"] == 1  # for the new day; sees the late one, too
        assert len(candle_calls(requests)) == calls + 1
    assert world.query("SELECT close IS NOT NULL FROM spot_ohlcv_1d WHERE ts = ?", late) == [(1,)]


def test_a_confirmed_hole_is_asked_again_ever_more_rarely_when_nothing_else_is(world):
    """Up to a fixed day, so that only the hole is left to ask for."""
    vendor = Vendor()
    hole = TODAY - 9 * DAY
    vendor.missing = {("BTC-USD", hole)}
    asked = []
    with harness.replay(vendor.answer) as (url, requests):
        for day in range(40):
            before = len(candle_calls(requests))
            vendor.now = NOW + day * DAY
            world.run_json(*COMMAND, "--to", iso(TODAY), vendor=url, environment={"CCDATA_NOW": iso(vendor.now)})
            if len(candle_calls(requests)) > before:
                asked.append(day)
        assert asked == [0, 1, 10, 27], asked  # seen, confirmed, then after 8 and 16 whole days
        vendor.missing = set()
        vendor.now = NOW + 70 * DAY
        world.run_json(*COMMAND, "--to", iso(TODAY), vendor=url, environment={"CCDATA_NOW": iso(vendor.now)})
    assert world.query("SELECT count(*) FROM spot_ohlcv_1d WHERE ts = ?", hole) == [(1,)]


def test_an_impossible_record_that_was_mended_replaces_nothing_but_fills_its_place(world):
    vendor = Vendor()
    ts = TODAY - 5 * DAY
    vendor.changes = {("BTC-USD", ts): {"VOLUME": -1}}
    with harness.replay(vendor.answer) as (url, _):
        assert ingest(world, vendor, url, expect=1)["status"] == "partial"
        assert world.query("SELECT count(*) FROM spot_ohlcv_1d WHERE ts = ?", ts) == [(0,)]
        assert world.query("SELECT count(*) FROM ccdata_quarantine") == [(1,)]
        vendor.changes = {}
        mended = ingest(world, vendor, url, days_later=1, expect=1)  # what was known before the run is reported as it was
        assert mended["totals"]["calls"] == 1
        assert ingest(world, vendor, url, days_later=1)["status"] == "complete"
    assert world.query("SELECT volume FROM spot_ohlcv_1d WHERE ts = ?", ts) == [(1.25,)]


def test_a_good_row_that_becomes_impossible_stays(world):
    vendor = Vendor()
    ts = TODAY - 5 * DAY
    with harness.replay(vendor.answer) as (url, _):
        ingest(world, vendor, url)
        vendor.changes = {("BTC-USD", ts): {"VOLUME": -1}}
        ingest(world, vendor, url, days_later=1)
    assert world.query("SELECT volume FROM spot_ohlcv_1d WHERE ts = ?", ts) == [(1.25,)]
    assert world.query("SELECT count(*) FROM ccdata_quarantine") == [(1,)]


def test_what_was_never_wanted_is_not_stored(world):
    vendor = Vendor()
    with harness.replay(vendor.answer) as (url, requests):
        world.run_json(*COMMAND, "--to", "2026-01-20", vendor=url, environment={"CCDATA_NOW": iso(NOW)})
        world.run_json(*COMMAND[:5], "--from", "2026-02-10", "--progress", "none", vendor=url, environment={"CCDATA_NOW": iso(NOW)})
        asked = [int(dict(p.split("=") for p in r["query"].split("&"))["limit"]) for r in candle_calls(requests)]
    assert asked[1] > 50, asked  # back to the first known period, over three weeks that nobody wanted
    stored = [row["ts"] for row in world.rows("spot_ohlcv_1d")]
    wanted = [ts for ts in range(stored[0], TODAY, DAY) if iso(ts) < "2026-01-21" or iso(ts) >= "2026-02-10"]
    assert stored == wanted, (len(stored), len(wanted))


harness.main(globals())
