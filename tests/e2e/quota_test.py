#!/usr/bin/env python3
"""One key, one quota: what is spent, what is left to others, who comes first, and what a run without quota leaves behind."""
import datetime
import json
import time

import harness
from fake_vendor import DAY, HOUR, NOW, Vendor, candle_calls, iso

BTC = ["spot_ohlcv", "--specific_market", "kraken", "--specific_instrument", "BTC-USD", "--progress", "none"]
CLOCK = {"CCDATA_NOW": iso(NOW)}


def ingest(world, url, *arguments, expect=0, **settings):
    return world.run_json(*BTC, *arguments, vendor=url, expect=expect, environment={**CLOCK, **settings})


def stored(world, view="spot_ohlcv_1h"):
    return world.query(f"SELECT count(*) FROM {view}")[0][0]


def seconds_until(text):
    return (datetime.datetime.fromisoformat(text.replace("Z", "+00:00")) - datetime.datetime.now(datetime.timezone.utc)).total_seconds()


def test_a_spent_hour_keeps_what_was_fetched_and_says_when_it_goes_on(world):
    vendor = Vendor()
    limits = {"API_RATE_LIMIT_PER_HOUR": "4", "INGESTION_MAX_API_LIMIT": "100"}
    with harness.replay(vendor.answer) as (url, requests):
        arguments = ["--interval", "1h", "--from", "2026-01-01"]
        result = world.run(*BTC, *arguments, "--json", vendor=url, environment={**CLOCK, **limits})
        document = json.loads(result.stdout)
        assert result.returncode == document["exit_code"] == 5, result.stderr
        made = len(candle_calls(requests))
        assert len(requests) == 4 and stored(world) == 100 * made > 0, (len(requests), made, stored(world))
        resume = document["resume_at"]
        assert resume and resume in result.stderr and "hour" in result.stderr, result.stderr
        assert 3500 < seconds_until(resume) < 3700, resume  # of the real clock: CCDATA_NOW moves no quota
        again = world.run(*BTC, *arguments, vendor=url, environment={**CLOCK, **limits})
        assert again.returncode == 5 and len(requests) == 4, "a spent quota was asked again"
        quota = world.run_json("quota", vendor=url, expect=5, environment={**CLOCK, **limits}, database=False)
        hour = next(w for w in quota["windows"] if w["window"] == "hour")
        assert (hour["limit"], hour["used"], hour["left"]) == (4, 4, 0) and quota["wait_window"] == "hour", quota
        assert ingest(world, url, *arguments)["status"] == "complete"  # with the limit lifted


def test_max_calls_ends_a_run_and_the_next_one_goes_on(world):
    vendor = Vendor()
    with harness.replay(vendor.answer) as (url, requests):
        arguments = ["--interval", "1h", "--from", "2026-01-01"]
        limits = {"INGESTION_MAX_API_LIMIT": "200"}
        for calls in (3, 6):
            ingest(world, url, *arguments, "--max_calls", "3", expect=5, **limits)
            assert len(requests) == calls
        ingest(world, url, *arguments, **limits)
    assert stored(world) == (NOW - (NOW // DAY * DAY - 59 * DAY)) // HOUR


def test_a_reserve_is_left_to_others(world):
    vendor = Vendor()
    limits = {"API_RATE_LIMIT_PER_HOUR": "10", "INGESTION_MAX_API_LIMIT": "20"}
    with harness.replay(vendor.answer) as (url, requests):
        arguments = ["--interval", "1h", "--from", "2026-01-01"]
        ingest(world, url, *arguments, "--reserve", "40%", expect=5, **limits)
        assert len(requests) == 6
        left = world.run_json("quota", vendor=url, environment={**CLOCK, **limits}, database=False)
        assert next(w["left"] for w in left["windows"] if w["window"] == "hour") == 4 and left["resume_at"] is None
        kept = world.run_json("quota", "--reserve", "40", vendor=url, expect=5, environment={**CLOCK, **limits}, database=False)
        assert kept["wait_window"] == "hour", kept
        told = world.run("quota", "--reserve", "40", vendor=url, environment={**CLOCK, **limits}, database=False)
        assert "less the reserve" in told.stderr, told.stderr
        ingest(world, url, *arguments, expect=5, **limits)
        assert len(requests) == 10


def test_the_newest_of_one_process_comes_before_the_history_of_another(world):
    """A back-fill of many pages, and meanwhile another program that wants one new day."""
    vendor = Vendor(instruments=(("XXBTZUSD", "BTC-USD"), ("XETHZUSD", "ETH-USD")))
    limits = {**CLOCK, "API_RATE_LIMIT_PER_SECOND": "5", "INGESTION_MAX_API_LIMIT": "5", "INGESTION_PARALLEL_WORKERS": "8"}
    with harness.replay(vendor.answer) as (url, requests):
        back_fill = world.start(*BTC, "--interval", "1h", "--from", "2026-02-01", vendor=url, environment=limits)
        while len(candle_calls(requests)) < 8:
            time.sleep(0.02)
            assert back_fill.poll() is None
        began = len(requests)
        newest = ["spot_ohlcv", "--specific_market", "kraken", "--specific_instrument", "ETH-USD", "--progress", "none",
                  "--from", "2026-02-27", "--to", "2026-02-28"]
        result = world.run(*newest, vendor=url, environment=limits)
        assert result.returncode == 0, result.stderr
        asked = [r["query"] for r in requests[began:]]
        mine = next(i for i, query in enumerate(asked) if "ETH-USD" in query or "XETHZUSD" in query)
        assert mine <= 12, f"{mine} pages of history came before the newest data"
        assert back_fill.poll() is None, "the back-fill was over before it could be in the way"
        back_fill.kill()
        back_fill.communicate()
    stamps = sorted(vendor.stamps)
    close = [later - earlier for earlier, later in zip(stamps, stamps[5:]) if later - earlier < 1]
    assert not close, f"6 requests within {min(close):.3f} s"


def test_many_processes_stay_within_fixed_windows_and_use_them(world):
    """ccdata-sim counts fixed windows and answers 429 beyond: none may come, with six processes at once."""
    settings = {"CCDATA_NOW": "2026-03-01T12:00:00Z", "API_RATE_LIMIT_PER_SECOND": "40", "INGESTION_MAX_API_LIMIT": "10",
                "INGESTION_PARALLEL_WORKERS": "8"}
    with harness.simulator(world, "--now", "2026-03-01T12:00:00Z", "--per_second", "40") as sim:
        running = []
        for data_type, interval in (("futures_ohlcv", "1h"), ("futures_ohlcv", "1d"), ("futures_ohlcv", "1m"),
                                    ("futures_funding_rate", "1h"), ("futures_open_interest", "1h"), ("futures_open_interest", "1d")):
            begin = "2026-02-28T20:00" if interval == "1m" else "2025-06-01" if interval == "1d" else "2026-02-10"
            running.append(world.start(data_type, "--interval", interval, "--exchanges", "binance", "--instruments",
                                       "BTC-USDT-VANILLA-PERPETUAL", "--from", begin, "--progress", "none", vendor=sim.url, environment=settings))
        for process in running:
            _, errors = process.communicate(timeout=120)
            assert process.returncode == 0, errors[-1000:]
        requests = sim.requests()
    refused = [r for r in requests if r["status"] == 429]
    assert not refused and len(requests) > 200, (len(refused), len(requests))


def test_the_vendors_counts_are_shown_for_a_call(world):
    with harness.simulator(world, "--per_hour", "1000") as sim:
        settings = {"API_RATE_LIMIT_PER_HOUR": "500"}
        before = world.run_json("quota", vendor=sim.url, environment=settings, database=False)
        assert not before["known"] and sim.requests() == [] and "vendor_windows" not in before, before
        assert not (world.folder / "state").exists(), "looking left a ledger"
        asked = world.run_json("quota", "--check", vendor=sim.url, environment=settings, database=False)
        assert [r["path"].split("?")[0] for r in sim.requests()] == ["/admin/v2/rate/limit"]
        rows = {(row["block"], row["window"]): row for row in asked["vendor_windows"]}
        assert len(rows) == 10 and rows[("API_KEY", "hour")]["limit"] == 1000 and rows[("API_KEY", "hour")]["used"] == 1, rows
        hour = next(w for w in asked["windows"] if w["window"] == "hour")
        assert (hour["limit"], hour["used"]) == (500, 1), hour
        text = world.run("quota", "--check", vendor=sim.url, environment=settings, database=False)
        assert "AUTH_KEY" in text.stdout and "may be made now" in text.stdout, text.stdout


def counts(left, auth_left=100):
    def block(left):
        return {name: dict.fromkeys(("SECOND", "MINUTE", "HOUR", "DAY", "MONTH"), count)
                for name, count in (("USED", 5000 - left), ("MAX", 5000), ("REMAINING", left))}
    return json.dumps({"Data": {"API_KEY": block(left), "AUTH_KEY": block(auth_left)}, "Err": {}}).encode()


def test_what_others_have_spent_by_the_vendors_count_is_spent(world):
    for left, code in (0, 5), (1, 0):
        with harness.replay(lambda path, query: (200, {"Content-Type": "application/json"}, counts(left, 0))) as (url, _):
            document = world.run_json("quota", "--check", vendor=url, database=False, expect=code)
            assert (document["vendor_error"] is not None) == (code == 5), document
            text = world.run("quota", "--check", vendor=url, database=False)
            assert text.returncode == code and ("may be made now" in text.stdout) == (code == 0), text.stdout
            assert ("5000 of 5000 are used" in text.stderr) == (code == 5), text.stderr


def test_a_key_that_is_refused_comes_before_a_quota_that_is_spent(world):
    with harness.replay(lambda path, query: (401, {}, b'{"Data":{},"Err":{"message":"bad key"}}')) as (url, _):
        document = world.run_json("quota", "--check", vendor=url, database=False, environment={"API_RATE_LIMIT_PER_HOUR": "1"}, expect=4)
        assert document["wait_window"] == "hour" and document["vendor_error"]["status"] == "KEY_REJECTED", document


def test_counts_that_make_no_sense_are_refused(world):
    bodies = ["{}", "[]", '{"Data":{}}', '{"Data":{"API_KEY":7}}', '{"Data":{"API_KEY":{"USED":{"HOUR":"many"}}}}', "<html>", "",
              '{"Data":{"API_KEY":{"USED":{"HOUR":1e300}}}}']
    for body in bodies:
        with harness.replay(lambda path, query: (200, {"Content-Type": "application/json"}, body.encode())) as (url, _):
            result = world.run("quota", "--check", "--json", vendor=url, database=False)
            document = json.loads(result.stdout)
            assert result.returncode == document["exit_code"] == 7 and document["vendor_error"]["message"], (body, result.stdout)
    with harness.replay(lambda path, query: (401, {}, b'{"Data":{},"Err":{"type":1,"message":"bad key"}}')) as (url, _):
        result = world.run("quota", "--check", vendor=url, database=False)
        assert result.returncode == 4, result.stderr
    result = world.run("quota", "--check", vendor=url, environment={"CCDATA_API_KEY": None}, database=False)
    assert result.returncode == 4 and "CCDATA_API_KEY" in result.stderr, result.stderr


harness.main(globals())
