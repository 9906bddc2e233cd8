#!/usr/bin/env python3
"""ccdata gaps and ccdata repair: what is not there, why, and how it comes back."""
import json
import sqlite3

import harness
from fake_vendor import DAY, NOW, Vendor, candle_calls, iso

COMMAND = ["spot_ohlcv", "--specific_market", "kraken", "--specific_instrument", "BTC-USD", "--from", "2026-01-01", "--progress", "none"]
TODAY = NOW // DAY * DAY


def at(days_later=0):
    return {"CCDATA_NOW": iso(NOW + days_later * DAY)}


def ingest(world, url, *arguments, expect=0, days_later=0):
    return world.run_json(*COMMAND, *arguments, vendor=url, environment=at(days_later), expect=expect)


def gaps(world, expect=0, days_later=0):
    document = world.run_json("gaps", "spot_ohlcv", environment=at(days_later), expect=expect)
    return [(gap["gap"], gap["periods"], gap["from"][:10]) for gap in document["gaps"]], document


def repair(world, url, *arguments, expect=0, days_later=0):
    return world.run_json("repair", "spot_ohlcv", *arguments, vendor=url, environment=at(days_later), expect=expect)


def day(days_ago):
    return iso(TODAY - days_ago * DAY)[:10]


def test_nothing_missing(world):
    vendor = Vendor()
    with harness.replay(vendor.answer) as (url, requests):
        ingest(world, url)
        assert gaps(world)[0] == []
        before = len(requests)
        assert repair(world, url)["totals"]["calls"] == 0 and len(requests) == before
    assert gaps(world, expect=12, days_later=3)[0] == [("missing", 3, day(0))]


def test_each_kind_of_gap(world):
    vendor = Vendor()
    vendor.missing = {("BTC-USD", TODAY - ago * DAY) for ago in (20, 19, 9)}
    vendor.changes = {("BTC-USD", TODAY - 5 * DAY): {"VOLUME": -1}}
    with harness.replay(vendor.answer) as (url, requests):
        ingest(world, url, expect=1)
        found, document = gaps(world, expect=12)
        assert found == [("unconfirmed", 2, day(20)), ("unconfirmed", 1, day(9)), ("rejected", 1, day(5))], found
        assert document["gaps"][0]["next_check"] == iso(NOW + 3600) and document["gaps"][0]["asked"] == iso(NOW), document["gaps"][0]
        assert document["totals"] == {"series": 1, "series_with_gaps": 1, "missing": 0, "unconfirmed": 3, "rejected": 1, "empty": 0}
        text = world.run("gaps", "spot_ohlcv", environment=at())
        assert text.returncode == 12 and "repair spot_ohlcv" in text.stderr and day(9) in text.stdout, text
        ingest(world, url, expect=1, days_later=1)
        found, document = gaps(world, expect=12, days_later=1)
        assert found == [("empty", 2, day(20)), ("empty", 1, day(9)), ("rejected", 1, day(5))], found
        assert all(gap["next_check"].endswith("T00:00:00Z") for gap in document["gaps"][:2]), document["gaps"]
        assert len(candle_calls(requests)) == 2


def test_repair_asks_for_what_is_not_there_and_only_that(world):
    vendor = Vendor()
    holes = {("BTC-USD", TODAY - ago * DAY) for ago in (20, 9)}
    vendor.missing = set(holes)
    vendor.changes = {("BTC-USD", TODAY - 5 * DAY): {"VOLUME": -1}}
    with harness.replay(vendor.answer) as (url, requests):
        ingest(world, url, expect=1)
        ingest(world, url, expect=1, days_later=1)
        vendor.missing, vendor.changes = {("BTC-USD", TODAY - 9 * DAY)}, {}
        plan = repair(world, url, "--dry_run", days_later=1)
        asked = len(requests)
        assert plan["totals"]["calls"] == 1 and len(requests) == asked, plan["totals"]
        done = repair(world, url, days_later=1)
        assert len(requests) == asked + 1, "a list was asked for"
        series = done["operations"][0]["series"][0]
        assert (done["status"], series["fetched"], series["empty"]) == ("complete", 2, 1), series
        assert gaps(world, days_later=1)[0] == [("empty", 1, day(9))]
    assert world.query("SELECT count(*) FROM spot_ohlcv_1d WHERE ts IN (?, ?)", TODAY - 20 * DAY, TODAY - 5 * DAY) == [(2,)]
    assert world.query("SELECT command, status FROM ccdata_runs WHERE command = 'repair'") == [("repair", "complete")]


def test_repair_of_all_finds_every_restatement_and_keeps_what_the_vendor_lost(world):
    vendor = Vendor()
    changed, lost = TODAY - 40 * DAY, TODAY - 30 * DAY
    with harness.replay(vendor.answer) as (url, requests):
        ingest(world, url)
        before = world.rows("spot_ohlcv_1d")
        vendor.changes = {("BTC-USD", changed): {"CLOSE": 1.5, "TOTAL_TRADES": 8}}
        vendor.missing = {("BTC-USD", lost)}
        done = repair(world, url, "--all", days_later=1)
        assert len(candle_calls(requests)) == 2
        series = done["operations"][0]["series"][0]
        assert done["status"] == "complete" and series["wanted"] == series["fetched"] + series["stored"] == len(before), series
        assert done["totals"]["rows_written"] == 1 and done["totals"]["rows_unchanged"] == len(before) - 2, done["totals"]
    after = {row["ts"]: row for row in world.rows("spot_ohlcv_1d")}
    assert after[changed]["close"] == 1.5 and lost in after and len(after) == len(before)
    assert world.query("SELECT ts, column_name, old_value, new_value FROM ccdata_revisions ORDER BY column_name") == [
        (changed, "close", str([row for row in before if row["ts"] == changed][0]["close"]).removesuffix(".0"), "1.5"),
        (changed, "total_trades", "7", "8")]


def test_what_gaps_says_to_do_is_what_helps(world):
    vendor = Vendor()
    hour = NOW // 3600 * 3600 - 30 * 3600
    vendor.missing = {("BTC-USD", hour)}
    hours = [*COMMAND, "--interval", "1h"]
    with harness.replay(vendor.answer) as (url, _):
        assert world.run(*hours, vendor=url, environment=at()).returncode == 0
        found = world.run("gaps", "spot_ohlcv", "--interval", "1h", "--from", "2025-12-31", environment=at())
        assert found.returncode == 12 and "'ccdata repair spot_ohlcv --interval 1h --from 2025-12-31'" in found.stderr, found.stderr
        vendor.missing = set()
        advice = found.stderr.split("'ccdata ")[1].split("'")[0].split()
        assert world.run(*advice, vendor=url, environment=at()).returncode == 0
        clean = world.run("gaps", "spot_ohlcv", "--interval", "1h", "--from", "2025-12-31", environment=at())
        assert clean.returncode == 0, clean.stdout
    for chosen in (["--exchanges", "krakn"], ["--instruments", "BTX-*"], ["--specific_market", "kraken", "--specific_instrument", "ETH-USD"]):
        wrong = world.run("gaps", "spot_ohlcv", "--interval", "1h", *chosen, environment=at())
        assert wrong.returncode == 2 and "no stored series" in wrong.stderr, (chosen, wrong)
    assert gaps(world)[0] == [], "nothing is stored, nothing was chosen"


def test_a_run_over_all_that_is_cut_says_that_the_next_begins_anew(world):
    vendor = Vendor()
    few = at() | {"INGESTION_MAX_API_LIMIT": "20"}
    with harness.replay(vendor.answer) as (url, requests):
        ingest(world, url)
        vendor.changes = {("BTC-USD", TODAY - 3 * DAY): {"CLOSE": 100.5}}
        for _ in range(2):
            before = len(requests)
            verified = world.run("verify", "spot_ohlcv", "--all", "--max_calls", "2", vendor=url, environment=few)
            assert verified.returncode == 12 and "1 things" in verified.stderr and "not all was compared" in verified.stderr, verified.stderr
            assert len(requests) == before + 2
        vendor.changes = {("BTC-USD", TODAY - 3 * DAY): {"VOLUME": -1}}
        whole = world.run("verify", "spot_ohlcv", "--all", vendor=url, environment=at())
        assert whole.returncode == 12 and "not all" not in whole.stderr and "quarantine" not in whole.stderr, whole.stderr
        for command in ("verify", "repair"):
            vendor.changes = {}
            cut = world.run(command, "spot_ohlcv", "--all", "--max_calls", "2", vendor=url, environment=few)
            assert cut.returncode == 5 and "begins anew" in cut.stderr and "run again to go on" not in cut.stderr, cut.stderr
        spent = world.run("repair", "spot_ohlcv", "--all", vendor=url, environment=few | {"API_RATE_LIMIT_PER_HOUR": str(len(requests) + 1)})
        assert spent.returncode == 5 and "begins anew" in spent.stderr and "hour" in spent.stderr, spent.stderr


def test_rows_that_somebody_deleted_come_back(world):
    """B13: coverage that is ahead of the rows, as after a restored backup."""
    vendor = Vendor()
    with harness.replay(vendor.answer) as (url, _):
        ingest(world, url)
        before = world.rows("spot_ohlcv_1d")
        connection = sqlite3.connect(world.database)
        connection.execute("DELETE FROM fact_spot_ohlcv_1d WHERE ts > ?", (TODAY - 10 * DAY,))
        connection.commit()
        connection.close()
        repair(world, url, "--all", days_later=1)
    without = [{k: v for k, v in row.items() if k != "collected_at"} for row in before]
    assert [{k: v for k, v in row.items() if k != "collected_at"} for row in world.rows("spot_ohlcv_1d")] == without


def test_choices_and_refusals(world):
    vendor = Vendor(instruments=(("XXBTZUSD", "BTC-USD"), ("XETHZUSD", "ETH-USD")))
    vendor.missing = {(name, TODAY - 9 * DAY) for name in ("BTC-USD", "ETH-USD")}
    with harness.replay(vendor.answer) as (url, requests):
        world.run_json("spot_ohlcv", "--specific_market", "kraken", "--from", "2026-01-01", "--progress", "none", vendor=url, environment=at())
        asked = len(requests)
        repair(world, url, "--instruments", "ETH*", days_later=1)
        assert len(requests) == asked + 1 and "XETHZUSD" in requests[-1]["query"] or "ETH-USD" in requests[-1]["query"], requests[-1]
        for arguments, words in ((["repair"], "data type"), (["gaps"], "data type"), (["repair", "asset_metadata"], "no candles"),
                                 (["repair", "spot_ohlcv", "--instruments", "NO-SUCH"], "no stored series"),
                                 (["gaps", "spot_ohlvc"], "spot_ohlcv"), (["repair", "spot_ohlvc"], "spot_ohlcv")):
            result = world.run(*arguments, "--json", vendor=url, environment=at())
            document = json.loads(result.stdout)
            assert result.returncode == document["exit_code"] == 2 and words in result.stderr, (arguments, result.stderr)
    assert len(requests) == asked + 1


harness.main(globals())
