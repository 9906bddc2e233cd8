#!/usr/bin/env python3
"""Every recorded reply of the five candle types goes through the real binary and is read back value for value.

The expectation is computed here with Python's JSON reader and without the program's own tables: a vendor field is the
view's column of the same name in lower case. In CI a missing samples folder is a failure, never a skip.
"""
import datetime
import json
import os
import re
import struct

import harness

SAMPLES = harness.SHARED / "api" / "samples"
STEP = {"days": 86400, "hours": 3600, "minutes": 60}
INTERVAL = {"days": "1d", "hours": "1h", "minutes": "1m"}
PATHS = {
    "spot_ohlcv": "/spot/v1/historical/", "futures_ohlcv": "/futures/v1/historical/",
    "futures_funding_rate": "/futures/v1/historical/funding-rate/",
    "futures_open_interest": "/futures/v1/historical/open-interest/", "indices_ohlcv": "/index/cc/v1/historical/",
}
SETTLE = 360


def samples():
    if not SAMPLES.is_dir():
        if os.environ.get("CI"):
            raise AssertionError(f"no recorded replies in {SAMPLES}")
        raise harness.Skip("the folder of recorded replies is not here")
    found = []
    for path in sorted(SAMPLES.glob("*.json")):
        match = re.match(r"(spot_ohlcv|futures_ohlcv|futures_funding_rate|futures_open_interest|indices_ohlcv)\.(days|hours|minutes)\.", path.name)
        if match:
            found.append((match[1], match[2], path))
    return found


def recorded_at(rows, step):
    """The moment of the recording: after the last message of the newest row, inside that row's period when it was open."""
    newest = rows[-1]
    stamps = [value for key, value in newest.items() if key.endswith("_TIMESTAMP")]
    last = max(stamps, default=newest["TIMESTAMP"] + step)
    return max(last + 1, newest["TIMESTAMP"] + 1)


def is_open(rows, step, path):
    """Whether the newest row's period was still open: INDEX.md names these files; its last trade alone does not prove it."""
    index = (SAMPLES / "INDEX.md").read_text()
    line = next((l for l in index.splitlines() if l.startswith(f"| {path.name} ")), "")
    return "open" in line


def bits(value):
    return struct.pack("<d", float(value))


def same(expected, stored):
    if isinstance(expected, bool) or isinstance(expected, str):
        return expected == stored
    if isinstance(expected, int) and isinstance(stored, int):
        return expected == stored
    return isinstance(stored, (int, float)) and bits(expected) == bits(stored)


def not_found(text):
    return 404, {"Content-Type": "application/json"}, json.dumps(
        {"Data": {}, "Err": {"type": 1, "message": text, "other_info": {}}}).encode()


def check_sample(world, data_type, unit, path):
    document = path.read_bytes()
    rows = json.loads(document)["Data"]
    step = STEP[unit]
    opened = is_open(rows, step, path)
    now = recorded_at(rows, step) if opened else rows[-1]["TIMESTAMP"] + step + SETTLE
    first = rows[0]["TIMESTAMP"]
    name = rows[0].get("MAPPED_INSTRUMENT", rows[0]["INSTRUMENT"])

    def answer(request_path, query):
        if request_path == PATHS[data_type] + unit:
            return 200, {"Content-Type": "application/json"}, document
        return not_found("path does not exist" if "/v1/" not in request_path else "Not found: market parameter.")

    iso = datetime.datetime.fromtimestamp(first, datetime.timezone.utc).strftime("%Y-%m-%dT%H:%M:%S")
    with harness.replay(answer) as (url, requests):
        market = ["--market", rows[0]["MARKET"]] if data_type == "indices_ohlcv" else ["--exchanges", rows[0]["MARKET"]]
        result = world.run(data_type, "--interval", INTERVAL[unit], *market, "--instruments", name, "--from", iso, vendor=url,
                           environment={"CCDATA_NOW": datetime.datetime.fromtimestamp(now, datetime.timezone.utc)
                                        .strftime("%Y-%m-%dT%H:%M:%SZ")})
    closed = [row for row in rows if row["TIMESTAMP"] + step <= now]
    view = f"{data_type}_{INTERVAL[unit]}"
    if not closed:
        assert not world.database.exists() or not world.rows(view), f"{path.name}: the open bucket was stored"
        return 0
    assert result.returncode == 0, f"{path.name}: exit {result.returncode}\n{result.stdout}\n{result.stderr}\n{requests}"
    stored = {row["ts"]: row for row in world.rows(view)}
    assert sorted(stored) == [row["TIMESTAMP"] for row in closed], f"{path.name}: {len(stored)} of {len(closed)} rows"
    values = 0
    for row in closed:
        have = stored[row["TIMESTAMP"]]
        for key, expected in row.items():
            column = "ts" if key == "TIMESTAMP" else key.lower()
            assert column in have, f"{path.name}: no column {column}"
            assert same(expected, have[column]), f"{path.name}: {row['TIMESTAMP']} {key}: {expected!r} is {have[column]!r}"
            values += 1
        everything = {key.lower() for key in row} | {"ts", "collected_at", "is_final", "is_filled", "mapped_instrument"}
        series_wide = {key.lower() for r in closed for key in r}
        for column, value in have.items():
            if column not in everything and column not in ("base", "quote") and column not in series_wide:
                assert value is None, f"{path.name}: {row['TIMESTAMP']} {column} is {value!r}, absent in the reply"
            if column not in everything and column.endswith(("_price", "_timestamp")):
                assert value is None, f"{path.name}: {row['TIMESTAMP']} {column} is {value!r}, absent in this row"
    return values


def test_every_recorded_reply(world):
    total = files = 0
    for data_type, unit, path in samples():
        own = harness.World()
        try:
            total += check_sample(own, data_type, unit, path)
            files += 1
        finally:
            own.remove()
    assert files >= 9, f"only {files} recorded replies of the candle types were found"
    harness.figure(f"{files} recorded replies, {total} values compared bit for bit")


def test_no_trade_rows_have_null_trade_fields(world):
    for data_type, unit, path in samples():
        if "no_trade_row" in path.name:
            check_sample(world, data_type, unit, path)
            found = world.query("SELECT count(*) FROM futures_ohlcv_1m WHERE is_filled = 1 AND first_trade_price IS NULL"
                                " AND total_trades = 0")
            assert found == [(1,)], found


harness.main(globals())
