#!/usr/bin/env python3
"""ccdata verify: what is wrong with the stored data by itself, and beside what the vendor says now."""
import contextlib
import json
import sqlite3

import harness
from fake_vendor import DAY, HOUR, NOW, Vendor, candle_calls, iso

COMMAND = ["spot_ohlcv", "--specific_market", "kraken", "--specific_instrument", "BTC-USD", "--progress", "none"]
TODAY = NOW // DAY * DAY
CLOCK = {"CCDATA_NOW": iso(NOW)}


def ingest(world, url, *arguments):
    return world.run_json(*COMMAND, *(arguments or ("--from", "2026-01-01")), vendor=url, environment=CLOCK)


def verify(world, url, *arguments, expect=0, **settings):
    return world.run_json("verify", "spot_ohlcv", "--progress", "none", *arguments, vendor=url, environment={**CLOCK, **settings}, expect=expect)


def found(document):
    return [(f["finding"], f["ts"][:10], f["column"], f["ours"], f["theirs"]) for f in document["findings"]]


def day(days_ago):
    return iso(TODAY - days_ago * DAY)[:10]


def spoil(world, *statements):
    with contextlib.closing(sqlite3.connect(world.database)) as connection:
        for statement in statements:
            connection.execute(*statement)
        connection.commit()


def content(world):
    with contextlib.closing(sqlite3.connect(world.database)) as connection:
        return list(connection.iterdump())


def test_what_is_right_is_right_and_nothing_is_written(world):
    vendor = Vendor()
    with harness.replay(vendor.answer) as (url, requests):
        ingest(world, url)
        before, asked = content(world), len(requests)
        document = verify(world, url, "--all")
        assert document["status"] == "complete" and document["totals"]["findings"] == 0, document
        assert document["totals"]["rows"] == document["totals"]["compared"] == 59 and document["totals"]["calls"] == 1, document["totals"]
        assert len(requests) == asked + 1
        verify(world, url, "--local")
        assert len(requests) == asked + 1, "--local made a call"
    assert content(world) == before, "verify wrote into the database"


def test_what_the_database_alone_shows(world):
    vendor = Vendor()
    with harness.replay(vendor.answer) as (url, requests):
        ingest(world, url)
        at = lambda ago: TODAY - ago * DAY  # noqa: E731
        fact = "UPDATE fact_spot_ohlcv_1d SET "
        spoil(world, (fact + "volume = -5 WHERE ts = ?", (at(50),)), (fact + "low = high + 1 WHERE ts = ?", (at(45),)),
              (fact + "close = high + 1 WHERE ts = ?", (at(40),)), (fact + "open = close, high = 3e9, close = 3e9 WHERE ts = ?", (at(1),)),
              (fact + "ts = ts + 7 WHERE ts = ?", (at(30),)), ("DELETE FROM fact_spot_ohlcv_1d WHERE ts = ?", (at(20),)))
        asked = len(requests)
        document = verify(world, url, "--local", expect=12)
        kinds = sorted((kind, when) for kind, when, *_ in found(document))
        assert kinds == sorted([("impossible", day(50)), ("impossible", day(45)), ("outside", day(40)), ("jump", day(1)),
                                ("misaligned", day(30)), ("lost", day(30)), ("lost", day(20))]), kinds
        assert len(requests) == asked
        text = world.run("verify", "spot_ohlcv", "--local", vendor=url, environment=CLOCK)
        assert text.returncode == 12 and "impossible" in text.stdout and "7 things are not right" in text.stderr, text


def test_what_the_vendor_says_now(world):
    vendor = Vendor()
    vendor.missing = {("BTC-USD", TODAY - 33 * DAY)}
    with harness.replay(vendor.answer) as (url, requests):
        ingest(world, url)
        vendor.missing = {("BTC-USD", TODAY - ago * DAY) for ago in (59, 20)}
        vendor.changes = {("BTC-USD", TODAY - 10 * DAY): {"CLOSE": 1.25, "TOTAL_TRADES": None},
                          ("BTC-USD", TODAY - 9 * DAY): {"VOLUME": -1}}
        before = content(world)
        document = verify(world, url, "--all", expect=12)
        assert content(world) == before
        close = next(row["close"] for row in world.rows("spot_ohlcv_1d") if row["ts"] == TODAY - 10 * DAY)
        assert found(document) == [
            ("gone", day(59), None, None, None), ("late", day(33), None, None, None), ("gone", day(20), None, None, None),
            ("changed", day(10), "close", f"{close:g}", "1.25"), ("changed", day(10), "total_trades", "7", None),
            ("gone", day(9), None, None, "negative volume")], found(document)
        assert document["totals"]["changed"] == 2 and document["totals"]["gone"] == 3 and document["totals"]["late"] == 1


def test_a_sample_is_priced_and_repeats(world):
    vendor = Vendor()
    limits = {"INGESTION_MAX_API_LIMIT": "24"}
    with harness.replay(vendor.answer) as (url, requests):
        ingest(world, url, "--interval", "1h", "--from", "2026-01-01")
        asked = []
        for seed in ("1", "1", "2"):
            plan = verify(world, url, "--interval", "1h", "--sample", "30%", "--seed", seed, "--dry_run", **limits)
            before = len(requests)
            document = verify(world, url, "--interval", "1h", "--sample", "30%", "--seed", seed, **limits)
            queries = sorted(r["query"] for r in requests[before:])
            assert len(queries) == plan["totals"]["calls"] == document["totals"]["calls"], (len(queries), plan["totals"], document["totals"])
            assert document["totals"]["compared"] == sum(int(dict(p.split("=") for p in q.split("&"))["limit"]) for q in queries)
            asked.append(queries)
        assert asked[0] == asked[1] != asked[2] and 8 <= len(asked[0]) <= 30, [len(a) for a in asked]
        spent = verify(world, url, "--interval", "1h", "--all", "--max_calls", "3", expect=5, **limits)
        assert spent["totals"]["calls"] == 3 and spent["status"] != "complete", spent["totals"]


def test_a_sample_is_never_empty(world):
    vendor = Vendor()
    with harness.replay(vendor.answer) as (url, requests):
        ingest(world, url, "--from", "2026-02-20")
        for seed in map(str, range(1, 6)):
            plan = verify(world, url, "--sample", "1%", "--seed", seed, "--dry_run")
            document = verify(world, url, "--sample", "1%", "--seed", seed)
            assert plan["totals"]["calls"] == document["totals"]["calls"] == 1 and document["totals"]["compared"] > 0, document["totals"]


def test_a_vendor_that_cannot_be_asked_is_no_finding(world):
    vendor = Vendor()
    with harness.replay(vendor.answer) as (url, _):
        ingest(world, url)
        vendor.hook = lambda *_: (401, {"Data": {}, "Err": {"type": 1, "message": "key"}})
        assert verify(world, url, "--all", expect=4)["totals"]["findings"] == 0
        result = world.run("verify", "spot_ohlcv", vendor=url, environment={**CLOCK, "CCDATA_API_KEY": None})
        assert result.returncode == 4 and "--local" in result.stderr, result.stderr
        verify(world, url, "--local")


def test_usage(world):
    for arguments, words in ((["verify"], "data type"), (["verify", "asset_metadata"], "no candles"), (["verify", "spot_ohlcv"], "no stored series"),
                             (["verify", "spot_ohlcv", "--local", "--all"], "--all"), (["verify", "spot_ohlcv", "--sample", "0"], "1% to 100%")):
        result = world.run(*arguments, "--json", vendor="http://127.0.0.1:9", environment=CLOCK)
        assert result.returncode == json.loads(result.stdout)["exit_code"] == 2 and words in result.stderr, (arguments, result.stderr)


def test_on_servers(world):
    vendor = Vendor()
    for server in harness.each_server():
        world.use(server)
        with harness.replay(vendor.answer) as (url, _):
            vendor.changes = {}
            world.run_json(*COMMAND, "--interval", "1h", "--from", "2026-02-20", vendor=url, environment=CLOCK)
            assert verify(world, url, "--interval", "1h", "--all")["totals"]["findings"] == 0
            ts = TODAY - 3 * DAY + 5 * HOUR
            vendor.changes = {("BTC-USD", ts): {"VOLUME": 3.5}}
            document = verify(world, url, "--interval", "1h", "--all", expect=12)
            assert found(document) == [("changed", iso(ts)[:10], "volume", "1.25", "3.5")], found(document)
            world.run_json("repair", "spot_ohlcv", "--interval", "1h", "--all", "--progress", "none", vendor=url, environment=CLOCK)
            assert verify(world, url, "--interval", "1h", "--all")["totals"]["findings"] == 0
            assert world.run_json("gaps", "spot_ohlcv", "--interval", "1h", environment=CLOCK)["gaps"] == []


harness.main(globals())
