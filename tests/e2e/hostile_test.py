#!/usr/bin/env python3
"""A vendor and a machine that mean harm: every run ends soon, tells the truth by its exit code, and loses nothing."""
import base64
import concurrent.futures
import contextlib
import gzip
import json
import os
import random
import re
import resource
import sqlite3
import subprocess
import threading
import time
import urllib.parse

import harness
from fake_vendor import DAY, HOUR, NOW, NOT_FOUND, Vendor, candle_calls, check_counts, iso

BTC = ["spot_ohlcv", "--specific_market", "kraken", "--specific_instrument", "BTC-USD"]
ALL = ["spot_ohlcv", "--exchanges", "kraken"]
TODAY = NOW // DAY * DAY


def settings(now=NOW, **more):
    return dict({"CCDATA_NOW": iso(now), "API_MAX_RETRIES": "1", "API_RETRY_DELAY": "0.01"}, **more)


def run(world, url, *arguments, now=NOW, **more):
    """Run with --json; (exit code, document, process). Output is one object, without secrets or sanitizer reports."""
    result = world.run(*arguments, "--json", vendor=url, environment=settings(now, **more), timeout=90)
    document = json.loads(result.stdout)
    assert document["exit_code"] == result.returncode, result.stdout
    assert "runtime error" not in result.stderr and "Sanitizer" not in result.stderr, result.stderr
    assert harness.KEY not in result.stdout + result.stderr, "the key was printed"
    return result.returncode, document, result


def serve(vendor):
    return harness.replay(vendor.answer)


def series_of(document):
    return [series for operation in document["operations"] for series in operation["series"]]


def only_series(document):
    (series,) = series_of(document)
    return series


def stored(world):
    return world.query("SELECT count(*) FROM fact_spot_ohlcv_1d")[0][0]


def each(work, cases):
    """work(world, *case) for every case, each in a world of its own, a few at a time: most of them only wait."""
    def one(case):
        world = harness.World()
        try:
            return work(world, *case)
        finally:
            world.remove()
    with concurrent.futures.ThreadPoolExecutor(4) as pool:
        return list(pool.map(one, cases))


def rows_bent(change):
    """A hook that changes the list of records of a true answer."""
    def hook(vendor, path, query):
        status, body = vendor.candles(path, query)
        return status, dict(body, Data=change(body["Data"]))
    return hook


def text_bent(change):
    return lambda vendor, path, query: (200, change(json.dumps(vendor.candles(path, query)[1])))


def always(*reply):
    return lambda vendor, path, query: reply


def error(message, number=1):
    return {"Data": {}, "Err": {"type": number, "message": message}}


def with_last(**members):
    return rows_bent(lambda rows: rows[:-1] + [dict(rows[-1], **members)])


# name: (hook, exit code)
REFUSED = {
    "401": (always(401, error("no key", 2)), 4),
    "403": (always(403, error("not entitled")), 4),
    "404": (always(*NOT_FOUND), 7),
    "400": (always(400, error("limit is out of range")), 7),
    "500": (always(500, "oops"), 6),
    "520": (always(520, "<html>"), 6),
    "200 with an error": (always(200, error("weird")), 7),
    "200 without data": (always(200, {"Data": {}, "Err": {}}), 7),
    "200 of the legacy API": (always(200, {"Response": "Error", "Message": "You lack the right", "Type": 1, "Data": {}}), 7),
    "200 with null": (always(200, {"Data": None, "Err": {}}), 7),
    "HTML": (always(200, "<html>hello</html>", {"Content-Type": "text/html"}), 7),
    "204": (always(204, ""), 7),
    "empty body": (always(200, ""), 7),
    "redirect": (always(302, "", {"Location": "http://127.0.0.2:1/evil"}), 7),
    "bare list": (text_bent(lambda text: json.dumps(json.loads(text)["Data"])), 7),
    "gzip bomb": (always(200, gzip.compress(b"{" + b" " * (64 << 20)), {"Content-Encoding": "gzip"}), 7),
    "gzip damaged": (always(200, gzip.compress(b'{"Data":[],"Err":{}}')[:-4] + b"1234", {"Content-Encoding": "gzip"}), 7),
    "gzip that is none": (always(200, '{"Data":[],"Err":{}}', {"Content-Encoding": "gzip"}), 7),
    "encoding not asked for": (always(200, '{"Data":[],"Err":{}}', {"Content-Encoding": "br"}), 7),
    "another series": (rows_bent(lambda rows: [dict(row, INSTRUMENT="XETHZUSD") for row in rows]), 7),
    "one row of another series": (with_last(INSTRUMENT="XETHZUSD"), 7),
    "another market": (rows_bent(lambda rows: [dict(row, MARKET="coinbase") for row in rows]), 7),
    "another unit": (rows_bent(lambda rows: [dict(row, UNIT="HOUR") for row in rows]), 7),
    "milliseconds": (rows_bent(lambda rows: [dict(row, TIMESTAMP=row["TIMESTAMP"] * 1000) for row in rows]), 7),
    "off the grid": (with_last(TIMESTAMP=TODAY - DAY + 1), 7),
    "time as text": (with_last(TIMESTAMP=str(TODAY - DAY)), 7),
    "no time": (with_last(TIMESTAMP=None), 7),
    "another time": (rows_bent(lambda rows: [dict(row, TIMESTAMP=row["TIMESTAMP"] + 400 * DAY) for row in rows]), 7),
    "number as text": (with_last(OPEN="1.5"), 7),
    "too many rows": (rows_bent(lambda rows: rows * 20), 7),
    "member twice": (text_bent(lambda text: text.replace('"OPEN": ', '"OPEN": 1, "OPEN": ', 1)), 7),
    "NaN": (text_bent(lambda text: text.replace('"HIGH": ', '"HIGH": NaN, "X": ', 1)), 7),
    "1e400": (text_bent(lambda text: text.replace('"HIGH": ', '"HIGH": 1e400, "X": ', 1)), 7),
    "nested deep": (text_bent(lambda text: text.replace('"Err": {}', '"Err": {}, "x": ' + "[" * 100000 + "]" * 100000)), 7),
    "not UTF-8": (text_bent(lambda text: text.replace("BTC-USD", "\xff", 1).encode("latin-1")), 7),
    "NUL": (text_bent(lambda text: text.replace("BTC-USD", "BTC\0USD", 1)), 7),
    "lone surrogate": (text_bent(lambda text: text.replace('"OPEN"', '"O\\ud800"', 1)), 7),
    "trailing bytes": (text_bent(lambda text: text + "x"), 7),
    "cut": (text_bent(lambda text: text[:-40]), 7),
}


def test_refused_replies_leave_nothing(world):
    """No reply of the table stores a row or claims a period; afterwards a true answer fills everything."""
    wrong = []
    for name, (hook, expected) in REFUSED.items():
        vendor = Vendor()
        vendor.hook = hook
        with serve(vendor) as (url, requests):
            code, document, result = run(world, url, *BTC)
            check_counts(document, requests)
        claimed = world.query("SELECT count(*) FROM ccdata_coverage")[0][0]
        if code != expected or claimed or stored(world) or only_series(document)["failed"] != 365:
            wrong.append(f"{name}: exit {code}, {claimed} claims, {stored(world)} rows: {result.stderr[-300:]}")
    assert not wrong, "\n".join(wrong)
    with serve(Vendor()) as (url, _):
        code, document, _ = run(world, url, *BTC)
        assert code == 0 and stored(world) == 365, document


def test_bent_but_true_replies_are_taken(world):
    """Order, equal doubles and compression change nothing."""
    bent = {
        "reversed": rows_bent(lambda rows: rows[::-1]),
        "shuffled": rows_bent(lambda rows: random.Random(1).sample(rows, len(rows))),
        "one row twice": rows_bent(lambda rows: rows + [rows[7]]),
        "gzip": lambda vendor, path, query: (200, gzip.compress(json.dumps(vendor.candles(path, query)[1]).encode()),
                                             {"Content-Encoding": "gzip"}),
        "a Date of the future": lambda vendor, path, query: (*vendor.candles(path, query), {"Date": "Sun, 01 Mar 2099 12:00:00 GMT"}),
        "no Date": lambda vendor, path, query: (*vendor.candles(path, query), {"Date": "yesterday"}),
    }
    with serve(Vendor()) as (url, _):
        run(world, url, *BTC)
    columns = "instrument, ts, open, high, low, close, volume, total_trades"
    expected = world.query(f"SELECT {columns} FROM spot_ohlcv_1d ORDER BY ts")
    assert len(expected) == 365
    for name, hook in bent.items():
        other = harness.World()
        try:
            vendor = Vendor()
            vendor.hook = hook
            with serve(vendor) as (url, requests):
                code, document, result = run(other, url, *BTC)
                check_counts(document, requests)
            assert code == 0, f"{name}: exit {code}: {result.stderr}"
            assert other.query(f"SELECT {columns} FROM spot_ohlcv_1d ORDER BY ts") == expected, name
        finally:
            other.remove()


def test_one_bad_series_of_several(world):
    vendor = Vendor([(f"N{i}", f"M{i}-USD") for i in range(5)])
    vendor.hook = lambda vendor, path, query: NOT_FOUND if query["instrument"] == "M2-USD" else None
    with serve(vendor) as (url, requests):
        code, document, _ = run(world, url, *ALL)
        check_counts(document, requests)
        states = {series["instrument"]: series["state"] for series in series_of(document)}
        assert code == 1 and states.pop("N2") == "failed" and set(states.values()) == {"complete"}, (code, states)


def test_key_revoked_in_mid_run(world):
    """What was fetched before stays; nothing is sent after the refusal."""
    vendor = Vendor()
    vendor.hook = lambda vendor, path, query: (401, error("revoked", 2)) if int(query["to_ts"]) < NOW - 150 * DAY else None
    with serve(vendor) as (url, requests):
        code, document, _ = run(world, url, *BTC, INGESTION_MAX_API_LIMIT="50", INGESTION_PARALLEL_WORKERS="1")
        check_counts(document, requests)
        assert code == 4 and stored(world) == 150 and len(candle_calls(requests)) == 4, (code, stored(world), len(requests))
        vendor.hook = None
        code, _, _ = run(world, url, *BTC, INGESTION_MAX_API_LIMIT="50")
        assert code == 0 and stored(world) == 365


def test_a_dead_connection_costs_exactly_what_is_reported(world):
    """A vendor that takes the second request of a kept-alive connection and closes without a byte: nothing asks again uncounted."""
    vendor, asked = Vendor(), {}

    def every_other(vendor, path, query):
        asked[query["to_ts"]] = asked.get(query["to_ts"], 0) + 1
        return (None, "") if len(vendor.stamps) % 2 == 0 else None
    vendor.hook = every_other
    with serve(vendor) as (url, requests):
        code, document, result = run(world, url, *BTC, INGESTION_MAX_API_LIMIT="30", INGESTION_PARALLEL_WORKERS="1", API_MAX_RETRIES="5")
        check_counts(document, requests)
    assert code == 0 and stored(world) == 365, (code, stored(world), result.stderr)
    assert max(asked.values()) > 1 and "not sent twice" in result.stderr, "no connection died under a request"


def test_retry_after_is_obeyed(_):
    """The next request of the whole key comes after the wait, on candles and on lists; nonsense means a second."""
    def wait(world, where, given, least):
        vendor = Vendor()
        headers = {"Date": "Sun, 01 Mar 2026 11:59:59 GMT"}
        headers.update({"Retry-After": given} if given is not None else {})
        refused = []

        def once(vendor, path, query):
            if refused:
                return None
            refused.append(len(vendor.stamps) - 1)
            return 429, error("rate limit", 99), headers
        setattr(vendor, where, once)
        with serve(vendor) as (url, requests):
            code, document, result = run(world, url, *BTC)
            check_counts(document, requests)
        assert code == 0, f"{where} {given}: exit {code}: {result.stderr}"
        waited = vendor.stamps[refused[0] + 1] - vendor.stamps[refused[0]]
        assert waited >= least, f"{where} {given}: the next request came after {waited:.3f} s"

    forms = (("1", 1), ("0", 1), ("-5", 0), ("garbage", 0), ("Sun, 01 Mar 2026 12:00:00 GMT", 1), (None, 0))
    each(wait, [(where, *form) for where in ("hook", "list_hook") for form in forms])


def test_an_endless_retry_after_ends_the_run(world):
    """A vendor that wants no call for years is not waited for: exit 5 with the time to go on, and the key stays paused."""
    for where in ("hook", "list_hook"):
        other = harness.World()
        vendor = Vendor()
        setattr(vendor, where, always(429, error("rate limit", 99), {"Retry-After": "1000000000"}))
        try:
            with serve(vendor) as (url, requests):
                code, _, result = run(other, url, *BTC)
                assert code == 5, f"{where}: exit {code}: {result.stderr}"
                assert re.search(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ", result.stderr.splitlines()[-1]), result.stderr
                setattr(vendor, where, None)
                asked = len(requests)
                code, _, result = run(other, url, *BTC)
                assert code == 5 and len(requests) == asked, f"{where}: asked again: {result.stderr}"
        finally:
            other.remove()
    vendor = Vendor()
    vendor.list_hook = always(503, "down", {"Retry-After": "1000000000"})
    with serve(vendor) as (url, _):
        assert run(world, url, *BTC)[0] == 6


def test_a_wrong_clock_is_not_complete(world):
    """Periods that are over here and not by the vendor's Date are missing, not merely young; then nothing is claimed."""
    vendor = Vendor()
    vendor.hook = lambda vendor, path, query: (*vendor.candles(path, query), {"Date": "Tue, 01 Mar 2016 12:00:00 GMT"})
    with serve(vendor) as (url, requests):
        code, document, result = run(world, url, *BTC)
        check_counts(document, requests)
        assert code == 7 and only_series(document)["failed"] == 365 and "clock" in result.stderr, (code, result.stderr)
        assert stored(world) == 0
        vendor.hook = lambda vendor, path, query: (*vendor.candles(path, query), {"Date": "Sun, 01 Mar 2026 11:58:00 GMT"})
        code, document, _ = run(world, url, *BTC)
        assert code == 0 and stored(world) == 365, "a Date of two minutes ago is nothing unusual"


def test_selections_that_find_nothing(world):
    """A list that is not there, a name that matches nothing, an unknown market: never exit 0."""
    top = ["indices_ohlcv"]
    gone = always(*NOT_FOUND)
    # name: (arguments, list_hook, exit code)
    cases = {
        "no top list": (top, gone, 7),
        "top list refused": (top, always(400, error("invalid", 2)), 7),
        "top list empty": (top, always(200, {"Data": {"STATS": {"TOTAL_ASSETS": 0}, "LIST": []}, "Err": {}}), 7),
        "no index of the family": ([*top, "--market", "nosuch"], None, 7),
        "no list of markets": (["spot_ohlcv", "--exchanges", "kr*"], gone, 7),
        "no market matches": (["spot_ohlcv", "--exchanges", "zz*"], None, 7),
        "no instrument matches": ([*ALL, "--instruments", "ZZZ-*"], None, 7),
        "unknown market": (["spot_ohlcv", "--exchanges", "nosuch", "--instruments", "BTC-*"], None, 7),
        "one unknown market, a name": (["spot_ohlcv", "--exchanges", "kraken", "nosuch", "--instruments", "BTC-USD"], None, 1),
        "one unknown market, a glob": (["spot_ohlcv", "--exchanges", "kraken", "nosuch", "--instruments", "BTC-*"], None, 1),
        "one unknown name": ([*ALL, "--instruments", "BTC-USD", "NOSUCH"], None, 1),
        "market of the legacy API": (["spot_ohlcv", "--specific_market", "CCCAGG", "--specific_instrument", "BTC-USD"], None, 7),
    }
    wrong = []
    for name, (arguments, list_hook, expected) in cases.items():
        vendor = Vendor()
        vendor.list_hook = list_hook
        with serve(vendor) as (url, _):
            code, document, result = run(world, url, *arguments)
        if code != expected or document["status"] == "complete":
            wrong.append(f"{name}: exit {code}: {result.stderr[-200:]}")
        if name == "market of the legacy API" and "cadli" not in result.stderr:
            wrong.append(f"{name}: the successor is not named: {result.stderr}")
    assert not wrong, "\n".join(wrong)
    vendor = Vendor([])
    with serve(vendor) as (url, _):
        other = harness.World()
        code, _, result = run(other, url, *ALL)
        other.remove()
        assert code == 7, result.stderr


def test_catalogues_that_lie(world):
    """Times that cannot be take no period away; a list of another market is not taken for this one."""
    for member, value in (("FIRST_TRADE_SPOT_TIMESTAMP", NOW * 1000), ("FIRST_TRADE_SPOT_TIMESTAMP", NOW + 5 * DAY),
                          ("FIRST_TRADE_SPOT_TIMESTAMP", 2**63 - 1), ("FIRST_TRADE_SPOT_TIMESTAMP", -5),
                          ("LAST_TRADE_SPOT_TIMESTAMP", NOW * 1000), ("LAST_TRADE_SPOT_TIMESTAMP", 5)):
        other = harness.World()
        vendor = Vendor()
        vendor.members = {member: value, "INSTRUMENT_STATUS": "RETIRED"}
        try:
            with serve(vendor) as (url, _):
                code, document, _ = run(other, url, *BTC)
            assert code == 0 and only_series(document)["fetched"] == 365, (member, value, only_series(document))
        finally:
            other.remove()
    vendor = Vendor()
    vendor.list_hook = lambda vendor, path, query: (200, json.dumps(vendor.catalogue()[1]).replace('"kraken"', '"coinbase"'))
    with serve(vendor) as (url, requests):
        code, _, result = run(world, url, *ALL)
        assert code == 7 and "coinbase" in result.stderr and not candle_calls(requests), result.stderr
        code, _, result = run(world, url, *BTC)
        assert code == 0, f"a named instrument can do without the list: {result.stderr}"


def test_a_list_that_shrinks(world):
    """An instrument that the list lost is still asked for, in the run that fetches the list as in the one that knows it."""
    vendor = Vendor([("A", "A-USD"), ("B", "B-USD")])
    with serve(vendor) as (url, _):
        assert run(world, url, *ALL)[0] == 0
        short = Vendor([("A", "A-USD")]).catalogue()
        vendor.list_hook = lambda vendor, path, query: short if path.endswith("/instruments") else None
        for days in (2, 2):
            vendor.now = NOW + days * DAY
            code, document, _ = run(world, url, *ALL, now=vendor.now)
            assert code == 0 and {series["instrument"] for series in series_of(document)} == {"A", "B"}, document
    assert stored(world) == 2 * 367


def test_one_market_without_a_list(world):
    """The others go on."""
    vendor = Vendor()
    vendor.list_hook = lambda vendor, path, query: (200, "<html>") if query.get("market") == "coinbase" else None
    with serve(vendor) as (url, requests):
        code, document, _ = run(world, url, "spot_ohlcv", "--exchanges", "coinbase", "kraken")
        check_counts(document, requests)
        states = {series["market"]: series["state"] for series in series_of(document)}
        assert code == 1 and states == {"coinbase": "failed", "kraken": "complete"}, (code, states)


def test_a_probe_that_answers_for_another(world):
    """A name that no list has is asked for; an answer about something else names nothing."""
    vendor = Vendor([("XXBTZUSD", "BTC-USD"), ("HIDDEN", "HID-USD")])
    vendor.list_hook = lambda vendor, path, query: (200, json.dumps(vendor.catalogue()[1]).replace("HID", "GONE"))
    hidden = ["spot_ohlcv", "--specific_market", "kraken", "--specific_instrument", "HID-USD"]
    with serve(vendor) as (url, _):
        vendor.hook = rows_bent(lambda rows: [dict(row, INSTRUMENT="OTHER", MAPPED_INSTRUMENT="OTHER-USD") for row in rows])
        code, _, result = run(world, url, *hidden)
        assert code == 7 and "OTHER" in result.stderr, (code, result.stderr)
        assert world.query("SELECT count(*) FROM dim_series") == [(0,)]
        vendor.hook = None
        code, document, _ = run(world, url, *hidden)
        assert code == 0 and only_series(document)["instrument"] == "HIDDEN", document


def test_hostile_names(world):
    """Quotes, controls, direction marks, emoji, percent signs, case twins, long names: stored as they are, or left out."""
    good = ["A'B", 'x"y', "\U0001F600", "Ab", "AB", "%00", "..", "a/b", "a&api_key=1", "\u202eevil", "é", "--", "*", "'; DROP TABLE dim_series; --",
            "n" * 500]
    bad = ["a\x01b", "\x1b[31m", "\u0085", "n" * 600]
    vendor = Vendor([(name + ".N", name) for name in good + bad])
    command = [*ALL, "--from", "2026-02-20"]
    with serve(vendor) as (url, requests):
        code, document, result = run(world, url, *command)
        check_counts(document, requests)
        assert code == 0, result.stderr
        names = {series["mapped_instrument"] for series in series_of(document)}
        assert names == set(good), names.symmetric_difference(good)
        have = world.query("SELECT mapped_instrument, count(*) FROM spot_ohlcv_1d GROUP BY instrument")
        assert sorted(have) == sorted((name, 9) for name in good), have
        asked = {urllib.parse.parse_qs(request["query"])["instrument"][0] for request in candle_calls(requests)}
        assert asked == set(good), "a name did not reach the vendor as it is"
        before = len(requests)
        assert run(world, url, *command)[0] == 0 and len(requests) == before
        # Nothing that moves a cursor or turns a line around reaches a terminal.
        vendor.hook = always(*NOT_FOUND)
        result = world.run(*ALL, "-v", vendor=url, environment=settings(now=NOW + HOUR))
        printed = result.stdout + result.stderr
        assert "evil" in printed and not re.search("[\x00-\x09\x0b-\x1f\x7f-\x9f\u202a-\u202e]", printed), printed


def test_the_same_series_once(world):
    """Doubles in the arguments and in the lists make neither calls nor series."""
    vendor = Vendor()
    entries = vendor.catalogue()[1]
    instruments = entries["Data"]["kraken"]["instruments"]
    instruments["TWIN-USD"] = dict(instruments["BTC-USD"], MAPPED_INSTRUMENT="TWIN-USD")
    vendor.list_hook = lambda vendor, path, query: (200, entries) if path.endswith("/instruments") else None
    with serve(vendor) as (url, requests):
        code, document, _ = run(world, url, "spot_ohlcv", "--exchanges", "kr*", "kraken", "KRAKEN")
        check_counts(document, requests)
        assert code == 0 and only_series(document)["fetched"] == 365, document
        assert len(requests) == 5, requests
        page = always(200, {"Data": {"STATS": {"TOTAL_ASSETS": 10**9}, "LIST": [{"SYMBOL": "BTC"}, {"SYMBOL": "ETH"}] * 5}, "Err": {}})
        vendor.list_hook = page
        before = len(requests)
        run(world, url, "indices_ohlcv", "--asset_limit", "100000")
        assert len(requests) - before <= 6, "the same page was asked for over and over"


def test_holes_are_asked_again_and_confirmed(world):
    vendor = Vendor()
    vendor.missing = {("BTC-USD", TODAY - days * DAY) for days in (10, 11, 50)}
    with serve(vendor) as (url, requests):
        def look(now):
            before = len(candle_calls(requests))
            code, document, _ = run(world, url, *BTC, now=now)
            assert code == 0
            return only_series(document), len(candle_calls(requests)) - before
        series, calls = look(NOW)
        assert series["empty"] == 3 and series["fetched"] == 362 and calls == 1, series
        assert look(NOW + 1800)[1] == 0, "a hole was asked for again too soon"
        vendor.missing.remove(("BTC-USD", TODAY - 11 * DAY))
        vendor.changes[("BTC-USD", TODAY - 20 * DAY)] = {"CLOSE": 123.5, "VOLUME": None}
        series, calls = look(NOW + 3700)
        assert (series["stored"], series["fetched"], series["empty"], calls) == (362, 1, 2, 1), series
        assert look(NOW + 8 * HOUR)[1] == 0, "a confirmed hole was asked for again"
        changed = world.query("SELECT ts, column_name, old_value, new_value FROM ccdata_revisions ORDER BY column_name")
        assert [(row[0], row[1], row[3]) for row in changed] == [
            (TODAY - 20 * DAY, "close", "123.5"), (TODAY - 20 * DAY, "volume", None)], changed


def test_impossible_records_are_set_apart(world):
    vendor = Vendor()
    vendor.changes = {("BTC-USD", TODAY - 5 * DAY): {"LOW": 1e9}, ("BTC-USD", TODAY - 6 * DAY): {"VOLUME": -1}}
    with serve(vendor) as (url, requests):
        for expected in (1, 0):
            before = len(candle_calls(requests))
            code, document, _ = run(world, url, *BTC)
            series = only_series(document)
            assert code == 1 and series["rejected"] == 2 and series["failed"] == 0, series
            assert len(candle_calls(requests)) - before == expected, "rejected periods were asked for again"
    assert stored(world) == 363
    assert world.query("SELECT ts FROM ccdata_quarantine ORDER BY ts") == [(TODAY - 6 * DAY,), (TODAY - 5 * DAY,)]
    assert world.query("SELECT count(*) FROM ccdata_coverage WHERE state = 'rejected'")[0][0] >= 1


def test_an_empty_list_is_no_proof(world):
    """A stretch that came back empty is asked narrower, then again after an hour, and filled when it is there."""
    vendor = Vendor()
    dead = range(TODAY - 250 * DAY, TODAY - 100 * DAY)
    vendor.hook = lambda vendor, path, query: (200, {"Data": [], "Err": {}}) if int(query["to_ts"]) in dead else None
    small = {"INGESTION_MAX_API_LIMIT": "50"}
    with serve(vendor) as (url, requests):
        code, document, _ = run(world, url, *BTC, **small)
        check_counts(document, requests)
        series = only_series(document)
        assert code == 0 and series["empty"] > 0 and series["fetched"] + series["empty"] == 365, series
        assert len(candle_calls(requests)) < 30
        vendor.hook = None
        code, document, _ = run(world, url, *BTC, now=NOW + 2 * HOUR, **small)
        assert code == 0 and stored(world) == 365 and only_series(document)["empty"] == 0, document


def test_secrets_are_masked_in_what_others_wrote(world):
    """Error pages and messages that show our own key, in any spelling."""
    key = 'can+ary/k=y%41&"x\\<'
    spelled = {key, urllib.parse.quote(key, safe=""), json.dumps(key)[1:-1], base64.b64encode(key.encode()).decode(),
               base64.b64encode(key[:18].encode()).decode(), key.encode().hex(), key[:12]}
    replies = [(500, f"<html>{form}</html>") for form in spelled]
    replies += [(401, error(f"key {key} is not known", 2)), (200, error(f"{key}")), (404, error(f"no {key} here"))]
    leaks = []
    for where in ("hook", "list_hook"):
        for reply in replies:
            vendor = Vendor()
            setattr(vendor, where, always(*reply))
            with serve(vendor) as (url, _):
                for arguments in (["-v"], ["--json"]):
                    result = world.run(*BTC, *arguments, vendor=url, environment=settings(CCDATA_API_KEY=key))
                    text = result.stdout + result.stderr
                    leaks += [f"{where} {reply}: {form}" for form in spelled if form in text]
    written = b"".join(path.read_bytes() for path in world.folder.rglob("*") if path.is_file())
    leaks += [f"a file holds {form}" for form in spelled if form.encode() in written]
    assert not leaks, "\n".join(leaks)


def wait_for(condition, what):
    deadline = time.monotonic() + 30
    while not condition():
        assert time.monotonic() < deadline, f"waited in vain for {what}"
        time.sleep(0.01)


def start(world, url, *arguments, **more):
    env = dict(world.environment, DATA_API_BASE_URL=url, MIN_API_BASE_URL=url, **settings(**more))
    return subprocess.Popen([harness.CCDATA, *arguments, "--json", "--database", f"sqlite:{world.database}"], cwd=world.folder,
                            env=env, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


@contextlib.contextmanager
def silence(vendor, where):
    """The hook answers nothing until the block ends."""
    gate = threading.Event()

    def wait(*_):
        gate.wait(60)
        return 500, "late"
    setattr(vendor, where, wait)
    try:
        yield
    finally:
        gate.set()


def test_signals_end_every_wait(world):
    """A silent vendor, a pause after a 429, another run's lock: one signal ends it within seconds, and the code says which."""
    def ends(process, signals, code, what):
        began = time.monotonic()
        for number in signals:
            process.send_signal(number)
            time.sleep(0.05)
        out, err = process.communicate(timeout=30)
        took = time.monotonic() - began
        assert process.returncode == code, f"{what}: exit {process.returncode}: {err}"
        assert json.loads(out)["status"] == "interrupted", out
        assert took < 20, f"{what}: ended {took:.1f} s after the signal"

    def while_silent(world, where, path, signals, code):
        vendor = Vendor()
        with silence(vendor, where), serve(vendor) as (url, requests):
            process = start(world, url, *BTC)
            wait_for(lambda: any(path in request["path"] for request in requests), path)
            ends(process, signals, code, f"{where} {signals}")
    each(while_silent, [(where, path, signals, code) for where, path in (("list_hook", "/instruments"), ("hook", "/historical/"))
                        for signals, code in (([2], 130), ([15], 143), ([2, 15], 130), ([15, 15], 143))])
    vendor = Vendor()
    vendor.hook = always(429, error("rate limit", 99), {"Retry-After": "60"})
    with serve(vendor) as (url, requests):
        process = start(world, url, *BTC)
        wait_for(lambda: candle_calls(requests), "a candle call")
        ends(process, [2], 130, "pause")
    other = harness.World()
    vendor = Vendor()
    try:
        with silence(vendor, "hook"), serve(vendor) as (url, requests):
            first = start(other, url, *BTC)
            wait_for(lambda: candle_calls(requests), "a candle call")
            second = start(other, url, *BTC)
            line = second.stderr.readline()
            assert "waiting" in line, line
            ends(second, [15], 143, "lock")
            code, _, _ = run(other, url, *BTC, "--lock_wait", "0")
            assert code == 11
            first.kill()
            first.communicate()
        vendor.hook = None
        with serve(vendor) as (url, _):
            assert run(other, url, *BTC, "--lock_wait", "0")[0] == 0, "the lock outlived its process"
    finally:
        other.remove()


def test_a_lock_of_somebody_else_does_not_hold_up_the_end(world):
    """SQLite's own wait for a lock cannot be ended, and lasts half a minute."""
    other = harness.World()
    vendor = Vendor()
    locks = []

    def lock(*_):
        if not locks:
            locks.append(sqlite3.connect(other.database, isolation_level=None, check_same_thread=False))
            locks[0].execute("BEGIN EXCLUSIVE")
    vendor.hook = lock
    try:
        with serve(vendor) as (url, requests):
            process = start(other, url, *BTC)
            wait_for(lambda: locks and candle_calls(requests), "a candle call")
            time.sleep(1)
            began = time.monotonic()
            process.send_signal(15)
            out, err = process.communicate(timeout=60)
            took = time.monotonic() - began
            assert process.returncode == 143 and took < 8, (process.returncode, took, err)
            locks[0].execute("ROLLBACK")
            assert run(other, url, *BTC)[0] == 0
        assert other.query("SELECT count(*) FROM spot_ohlcv_1d")[0][0] > 300
    finally:
        other.remove()


def test_a_full_disk_is_an_error_not_a_death(world):
    """A limit on the size of files stands for a full disk: exit 10 wherever it strikes, and the next run goes on."""
    vendor = Vendor([(f"N{i}", f"M{i}-USD") for i in range(4)])
    with serve(vendor) as (url, _):
        for limit in (16 << 10, 200 << 10, 500 << 10, 600 << 10, 700 << 10, 800 << 10, 900 << 10):
            env = dict(world.environment, DATA_API_BASE_URL=url, MIN_API_BASE_URL=url, **settings())
            result = subprocess.run([harness.CCDATA, *ALL, "--json", "--database", f"sqlite:{world.database}"], cwd=world.folder, env=env,
                                    capture_output=True, text=True, timeout=60,
                                    preexec_fn=lambda limit=limit: resource.setrlimit(resource.RLIMIT_FSIZE, (limit, limit)))
            assert result.returncode in ((10,) if limit < 300 << 10 else (0, 1, 10)), f"{limit} bytes: {result.returncode}: {result.stderr}"
            assert json.loads(result.stdout)["exit_code"] == result.returncode
            assert result.returncode != 0 or stored(world) == 4 * 365
        code, document, _ = run(world, url, *ALL)
        assert code == 0 and stored(world) == 4 * 365, document
    with open("/dev/full", "w", encoding="utf-8") as sink:
        result = subprocess.run([harness.CCDATA, "types"], stdout=sink, stderr=subprocess.PIPE, text=True, check=False)
        assert result.returncode == 10 and result.stderr, result


def test_places_that_cannot_hold_state(world):
    (world.folder / "file").write_text("x")
    with serve(Vendor()) as (url, requests):
        code, _, result = run(world, url, *BTC, XDG_STATE_HOME=str(world.folder / "file"))
        assert code == 10 and "XDG_STATE_HOME" in result.stderr and not requests, result.stderr
        code, _, result = run(world, url, *BTC, XDG_STATE_HOME="/" + "x/" * 3000)
        assert code == 0 and "quota" in result.stderr, f"calls that are not counted were not mentioned: {result.stderr}"


def test_a_plan_leaves_no_trace(world):
    """A dry run that needs no call makes neither database nor quota ledger, and needs no key."""
    with serve(Vendor()) as (url, requests):
        code, plan, _ = run(world, url, "indices_ohlcv", "--instruments", "BTC-USD", "--dry_run", CCDATA_API_KEY="")
        assert code == 0 and plan["totals"]["calls"] == 1 and not requests
        assert list(world.folder.iterdir()) == [], list(world.folder.iterdir())


def test_a_limit_counts_pairs(world):
    """An unknown market takes no place of a pair."""
    vendor = Vendor([(f"N{i}", f"M{i}-USD") for i in range(3)])
    with serve(vendor) as (url, _):
        code, document, _ = run(world, url, "spot_ohlcv", "--exchanges", "kraken", "nosuch", "--pair_limit", "1")
        states = [series["state"] for series in series_of(document)]
        assert code == 1 and sorted(states) == ["complete", "failed"], states


def test_odd_figures(world):
    """Budgets, rates and clocks at the edge of what can be said."""
    with serve(Vendor()) as (url, requests):
        code, document, result = run(world, url, *BTC, "--max_calls", "1")
        check_counts(document, requests)
        assert code == 5 and len(requests) == 1 and "the 1 calls" in result.stderr, (code, result.stderr)
        _, plan, _ = run(world, url, *BTC, "--dry_run", API_RATE_LIMIT_PER_SECOND="1e-300")
        assert plan["totals"]["eta_seconds"] > 10**6, f"a rate of nearly nothing became no limit at all: {plan['totals']}"
        code, document, _ = run(world, url, *BTC, now=0)
        assert code == 0 and only_series(document)["wanted"] == 0, document
        code, document, result = run(world, url, *BTC, "--from", "2026-02-28T10:00", "--to", "2026-02-28T20:00")
        assert code == 0 and only_series(document)["wanted"] == 0 and "no closed period" in result.stderr, result.stderr
        code, document, _ = run(world, url, *BTC, "--from", "2024-02-29", "--to", "2024-02-29")
        assert code == 0 and only_series(document)["from"].startswith("2024-02-29") and only_series(document)["wanted"] == 1, document
        for name in ("kra ken", "kra\tken"):
            code, _, result = run(world, url, "spot_ohlcv", "--specific_market", name)
            assert code == 2 and "ken" in result.stderr, result.stderr


def test_json_whatever_is_asked(world):
    """One object on standard output for every mistake."""
    wrong = []
    values = ["", " ", "-1", "0", "99999999999999999999", "x" * 5000, "\U0001F600", "a,b", "=", "null", "2026-02-30", "%s%n"]
    options = ["--interval", "--pair_limit", "--specific_market", "--specific_instrument", "--exchanges", "--instruments", "--asset_limit",
               "--from", "--to", "--parallel_workers", "--max_calls", "--lock_wait", "--database", "--env-file", "--progress", "--nosuch"]
    cases = [[option, value] for option in options for value in values] + [[option] for option in options]
    cases += [["--interval=1d", "--interval=1h"], ["-v", "-q"], ["--json=1"], ["-x"], ["--=x"], ["extra"]]
    with serve(Vendor()) as (url, _):
        for case in random.Random(7).sample(cases, 80):
            result = world.run("--json", "spot_ohlcv", *case, vendor=url, environment=settings(), database=False)
            try:
                document = json.loads(result.stdout)
                assert document["exit_code"] == result.returncode and result.returncode in (0, 2, 4, 5, 7, 8, 9, 10), result.returncode
            except (ValueError, AssertionError) as problem:
                wrong.append(f"{case}: exit {result.returncode}: {problem}: {result.stdout[:80]!r} {result.stderr[-200:]}")
        for case in (["--version"], ["--help"], ["types"], ["types", "spot_ohlcv"], ["types", "nosuch"], ["nosuch"], []):
            result = world.run("--json", *case, database=False)
            assert json.loads(result.stdout)["exit_code"] == result.returncode, (case, result.stdout)
    assert not wrong, "\n".join(wrong)


def test_three_processes_share_the_quota(world):
    """No second, as the vendor sees it, holds more than the limit, with a kill in between."""
    vendor = Vendor()
    limited = {"API_RATE_LIMIT_PER_SECOND": "6", "INGESTION_MAX_API_LIMIT": "10", "API_REQUEST_TIMEOUT": "2"}
    command = ["spot_ohlcv", "--specific_market", "kraken", "--specific_instrument", "BTC-USD", "--interval"]
    with serve(vendor) as (url, requests):
        ranges = {"1d": "2025-12-01", "1h": "2026-02-25", "1m": "2026-03-01T10:00"}
        running = [start(world, url, *command, interval, "--from", begin, **limited) for interval, begin in ranges.items()]
        wait_for(lambda: len(requests) > 8, "requests of all")
        running[0].kill()
        running[0].communicate()
        running[0] = start(world, url, *command, "1d", "--from", ranges["1d"], **limited)
        for process in running:
            _, err = process.communicate(timeout=120)
            assert process.returncode == 0, err
    stamps = sorted(vendor.stamps)
    close = [later - earlier for earlier, later in zip(stamps, stamps[6:]) if later - earlier < 1]
    assert not close, f"7 requests within {min(close):.3f} s"
    assert len(stamps) > 20


# ---- chance ----

def mixed_fault(chance, vendor, path, query):
    """One of the faults that say nothing about the data."""
    status, body = vendor.candles(path, query)
    fault = chance.choice(["5xx", "html", "cut", "gzip", "shuffled", "double", "foreign"])
    if fault == "5xx":
        return chance.choice([500, 502, 503, 520]), "oops"
    if fault == "html":
        return 200, "<html>", {"Content-Type": "text/html"}
    if status != 200:
        return status, body
    rows = body["Data"]
    if fault == "cut":
        return 200, json.dumps(body)[:-chance.randrange(1, 50)]
    if fault == "gzip":
        return 200, gzip.compress(json.dumps(body).encode()), {"Content-Encoding": "gzip"}
    if fault == "shuffled":
        chance.shuffle(rows)
    elif fault == "double" and rows:
        rows.append(chance.choice(rows))
    elif fault == "foreign":
        rows = [dict(row, INSTRUMENT="OTHER") for row in rows]
    return 200, {"Data": rows, "Err": {}}


class Life:
    """A small world by a seed: series, holes, faults, page sizes, kills."""

    def __init__(self, seed):
        self.chance = chance = random.Random(seed)
        self.interval, self.step = chance.choice([("1d", DAY), ("1h", HOUR), ("1m", 60)])
        self.span = chance.choice([5, 40, 150])
        self.vendor = vendor = Vendor([(f"N{i}", f"M{i}-USD") for i in range(chance.randrange(1, 6))])
        vendor.now = self.now = NOW + chance.randrange(0, 7200)
        vendor.first = (self.now - chance.randrange(1, 2 * self.span) * self.step) // self.step * self.step
        if chance.random() < 0.4:
            vendor.members = {"FIRST_TRADE_SPOT_TIMESTAMP": 0}
        for _, mapped in vendor.instruments:
            for _ in range(chance.choice([0, 0, 1, 5])):
                hole = self.now // self.step * self.step - chance.randrange(1, self.span) * self.step
                vendor.missing |= {(mapped, hole - k * self.step) for k in range(chance.choice([1, 3, 20]))}
        self.rate = chance.choice([0, 0.05, 0.2])
        vendor.hook = lambda vendor, path, query: (
            mixed_fault(chance, vendor, path, query) if chance.random() < self.rate else None)
        self.command = [*ALL, "--interval", self.interval, "--from", iso(self.now - self.span * self.step), "--progress", "none"]
        self.more = {"API_MAX_RETRIES": "3", "API_RETRY_DELAY": "0.002", "INGESTION_MAX_API_LIMIT": str(chance.choice([7, 30, 5000])),
                     "INGESTION_PARALLEL_WORKERS": str(chance.choice([1, 2, 4, 16])), "INGESTION_CHUNK_SIZE": str(chance.choice([1, 10000]))}

    def truth(self):
        """Every record that the vendor has for what is asked."""
        start = -(-(self.now - self.span * self.step) // self.step) * self.step
        return {(mapped, ts) for _, mapped in self.vendor.instruments
                for ts in range(max(start, self.vendor.first), self.now // self.step * self.step, self.step)
                if (mapped, ts) not in self.vendor.missing}


def live(life, world):
    """Run, be killed, run again, until a run says that it is complete; then it must be."""
    with serve(life.vendor) as (url, requests):
        for _ in range(12):
            if life.chance.random() < 0.3:
                process = start(world, url, *life.command, now=life.now, **life.more)
                time.sleep(life.chance.uniform(0, 0.05))
                process.send_signal(life.chance.choice([9, 9, 2, 15]))
                process.communicate()
                requests.settle()  # what it still asked is not to be counted as the next one's
            before = len(requests)
            code, document, _ = run(world, url, *life.command, now=life.now, **life.more)
            check_counts(document, requests[before:])
            if code == 0:
                break
        else:
            assert life.rate > 0, "no run was complete although the vendor is sound"
            return False
        have = set(world.query(f"SELECT mapped_instrument, ts FROM spot_ohlcv_{life.interval}"))
        truth = life.truth()
        assert have == truth, f"lost {sorted(truth - have)[:5]}, invented {sorted(have - truth)[:5]}"
        life.rate = 0
        before = len(requests)
        code, again, _ = run(world, url, *life.command, now=life.now, **life.more)
        assert code == 0
        young = any(series["pending"] + series["provisional"] for series in series_of(document) + series_of(again))
        assert young or not candle_calls(requests[before:]), "a second run made candle calls"
        return True


def test_exit_0_means_that_all_is_there(_):
    def one(world, seed):
        try:
            return live(Life(seed), world)
        except Exception as problem:
            raise AssertionError(f"seed {seed}: {problem}") from problem
    lives = each(one, [(seed,) for seed in range(int(os.environ.get("CCDATA_LIVES", "32")))])
    assert sum(lives) > len(lives) // 2, lives
    harness.figure(f"{sum(lives)} of {len(lives)} hostile lives ended complete, all of them exactly")


harness.main(globals())
