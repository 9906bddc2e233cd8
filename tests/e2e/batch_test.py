#!/usr/bin/env python3
"""Batch files: what is wrong is said before anything runs; what is right is one run with one document."""
import json
import re

import harness

NOW = "2026-03-01T12:00:00Z"
ENVIRONMENT = {"CCDATA_NOW": NOW}
BTC = {"data_type": "spot_ohlcv", "specific_market": "kraken", "specific_instrument": "BTC-USD"}
ETH = {**BTC, "specific_instrument": "ETH-USD"}
NOBODY = {**BTC, "specific_market": "nobody"}


def write(world, operations, name="batch.json"):
    path = world.folder / name
    path.write_text(operations if isinstance(operations, str) else json.dumps(operations))
    return path


def run(world, sim, operations, *options, **how):
    return world.run_json("batch", "--config", write(world, operations), *options, vendor=sim.url,
                          environment=ENVIRONMENT, **how)


def states(operation):
    return [series["state"] for series in operation["series"]]


def test_keys_are_the_options_of_the_commands(world):
    page = world.run("batch", "--markdown", database=False).stdout
    rows = [line.split(" | ") for line in page.splitlines() if line.startswith("| `")]
    types = [entry["name"] for entry in world.run_json("types", database=False)["types"]]
    # How a run is made and shown, not what it fetches.
    of_the_run = {"parallel_workers", "dry_run", "max_calls", "reserve", "wait", "lock_wait", "no_create", "json", "metrics_file"}
    for name in types:
        keys = {row[0].strip("| `") for row in rows if f"`{name}`" in row[3] and "all, required" not in row[3]}
        text = world.run(name, "--help", database=False).stdout
        own = text.split("Options:")[1].split("Global options:")[0]
        options = set(re.findall(r"^ +(?:-\w, )?--([\w-]+)", own, re.MULTILINE))
        assert keys == options - of_the_run, (name, keys ^ (options - of_the_run))


def test_wrong_files_run_nothing(world):
    cases = {
        '[\n{"data_type": "spot_ohlvc"}]': [":2: ", "spot_ohlvc", "spot_ohlcv"],
        '[\n{"data_type": "spot_ohlcv",\n "pair_limt": 5}]': [":3: ", "pair_limt", "pair_limit"],
        '[\n{"data_type": "futures_ohlcv",\n "pair_limit": 5}]': [":3: ", "spot_ohlcv"],
        '[\n{"data_type": "spot_ohlcv", "pair_limit": "5"}]': [":2: ", "whole number"],
        json.dumps([BTC]) + "\n}": [":2: ", "not JSON"],
        '[{"data_type": "futures_ohlcv", "exchanges": ["okx"]}]': [":1: ", "okex"],
        "[]": [":1: ", "empty"],
        "": [":1: "],
        " " * (1 << 20) + "[]": ["split the file"],
    }
    with harness.simulator(world, "--now", NOW) as sim:
        for text, words in cases.items():
            path = write(world, text)
            result = world.run("batch", "--config", path, "--json", vendor=sim.url, environment=ENVIRONMENT)
            assert result.returncode == 2, (text[:80], result.returncode, result.stderr)
            assert len(result.stderr.splitlines()) == 1, result.stderr
            assert all(word in result.stderr for word in ["batch.json", *words]), (text[:80], result.stderr)
            assert json.loads(result.stdout)["exit_code"] == 2
        result = world.run("batch", "--config", "nowhere.json", vendor=sim.url)
        assert result.returncode == 2 and "nowhere.json" in result.stderr
        assert sim.requests() == []
    assert not world.database.exists()


def test_one_document_for_all_operations(world):
    with harness.simulator(world, "--now", NOW) as sim:
        # A part of the first operation again, and a type of another table.
        again = {**BTC, "from": "2026-01-01"}
        document = run(world, sim, {"defaults": {"interval": "1d"}, "operations": [BTC, again, ETH]})
        assert document["command"] == "batch" and document["status"] == "complete", document
        assert [operation["data_type"] for operation in document["operations"]] == ["spot_ohlcv"] * 3
        assert len(world.rows("spot_ohlcv_1d")) == document["totals"]["rows_written"] > 0
        candles = [(request["path"], request["query"]) for request in sim.candle_requests()]
        assert len(candles) == len(set(candles)) == document["totals"]["calls"], candles
        before = len(candles)
        document = run(world, sim, [BTC, ETH])
        assert document["exit_code"] == 0 and document["totals"]["rows_written"] == 0
        assert len(sim.candle_requests()) == before


def test_the_standard_input(world):
    with harness.simulator(world, "--now", NOW) as sim:
        result = world.run("batch", "--config", "-", "--json", vendor=sim.url, environment=ENVIRONMENT,
                           stdin=json.dumps([BTC]))
        assert result.returncode == 0, result.stderr
        result = world.run("batch", "--config=-", vendor=sim.url, environment=ENVIRONMENT, stdin="[\n5]")
        assert result.returncode == 2 and "standard input:2: " in result.stderr, result.stderr


def test_a_plan_writes_nothing(world):
    with harness.simulator(world, "--now", NOW) as sim:
        document = run(world, sim, [BTC, ETH], "--dry_run")
        assert [states(operation) for operation in document["operations"]] == [["planned"], ["planned"]]
        assert document["totals"]["calls"] > 0
        assert sim.candle_requests() == []
    assert not world.database.exists()


def test_a_failed_operation_ends_the_run_or_not(world):
    with harness.simulator(world, "--now", NOW) as sim:
        document = run(world, sim, [NOBODY, BTC], expect=7)
        assert states(document["operations"][0]) == ["failed"]
        assert document["operations"][1]["not_started"] is True, document["operations"][1]
        assert all("market=nobody&" in request["query"] for request in sim.candle_requests())
        document = run(world, sim, [NOBODY, BTC], "--continue_on_error", expect=1)
        assert document["status"] == "partial"
        assert [states(operation) for operation in document["operations"]] == [["failed"], ["complete"]]
        assert len(world.rows("spot_ohlcv_1d")) == document["totals"]["rows_written"] > 0


# ---- the README's own example ----

README = harness.SHARED / "original" / "README_UNIFIED_INGESTION.md"
BOUNDED = {**ENVIRONMENT, "INGESTION_MAX_BACKFILL_DAYS": "5"}
ASSET_PAGES = 5  # of 440 assets


def example(world):
    if not README.exists():
        raise harness.Skip(f"{README.name} is not beside this checkout")
    text = re.search(r"cat > batch_config\.json << EOF\n(.*?)\nEOF", README.read_text(), re.DOTALL).group(1)
    return write(world, text, "batch_config.json")


def take_example(world, sim, *options, **how):
    return world.run_json("batch", "--config", example(world), "--enable_monitoring", *options, vendor=sim.url,
                          environment=BOUNDED, **how)


def check_asked_once(requests, exchanges):
    asked = [(request["path"], request["query"]) for request in requests]
    assert len(asked) == len(set(asked)), [each for each in asked if asked.count(each) > 1]
    pages = [request for request in requests if request["path"] == "/asset/v1/top/list"]
    assert len(pages) == 1 + ASSET_PAGES, pages  # the ranking of the first operation, the list of the last
    paths = [request["path"] for request in requests]
    assert paths.count("/data/exchanges/general") == paths.count("/spot/v1/markets") == 1, paths
    assert paths.count("/futures/v1/markets") == 0, "the exchanges are named"
    assert paths.count("/futures/v1/markets/instruments") == len(exchanges)


def check_recorded(world, document, metadata_calls):
    (run_id, *row), = world.query("SELECT run_id, command, status, exit_code, calls, metadata_calls, rows_written, error, ended_utc_s > 0 "
                                  "FROM ccdata_runs")
    totals = document["totals"]
    assert row == ["batch", "complete", 0, totals["calls"], metadata_calls, totals["rows_written"], None, 1], row
    recorded = world.query("SELECT place, data_type, interval, market, instrument, state, series_rank, wanted, fetched, calls "
                           "FROM ccdata_run_series WHERE run_id = ? ORDER BY place", run_id)
    keys = ("market", "instrument", "state", "rank", "wanted", "fetched", "calls")
    series = [(operation["data_type"], operation["interval"], *(each[key] or None if key == "rank" else each[key] for key in keys))
              for operation in document["operations"] for each in operation["series"]]
    series += [("asset_metadata", "", "", "assets", "complete", None, 440, 440, ASSET_PAGES)]
    different = [pair for pair in zip([each[1:] for each in recorded], series) if pair[0] != pair[1]]
    assert len(recorded) == len(series) and not different, different[:3]
    assert len({each[0] for each in recorded}) == len(recorded)
    spot = [each for each in recorded if each[1] == "spot_ohlcv"]
    assert [each[6] for each in spot] == list(range(1, 101)), spot[:5]
    operations = world.query("SELECT data_type, interval, status, exit_code, calls, rows_fetched, rows_written, error "
                             "FROM ccdata_run_operations WHERE run_id = ? ORDER BY place", run_id)
    keys = ("exit_code", "calls", "rows_fetched", "rows_written")
    assert operations == [(each["data_type"], each["interval"] or "", "complete", *(each[key] for key in keys), None)
                          for each in document["operations"]], operations
    assert sum(each[5] for each in operations) == totals["rows_fetched"] and sum(each[6] for each in operations) == totals["rows_written"]
    trades = [count for count, in world.query("SELECT lifetime_trades FROM ccdata_run_series WHERE series_rank > 0 ORDER BY series_rank")]
    assert trades == sorted(trades, reverse=True) and trades[-1] > 0, trades


def test_the_example_of_the_readme(world):
    with harness.simulator(world, "--now", NOW) as sim:
        plan = take_example(world, sim, "--dry_run")
        assert not world.database.exists() and sim.candle_requests() == []
        planned = len(sim.requests())
        assert plan["totals"]["metadata_calls"] == planned > 4
        document = take_example(world, sim)
        requests = sim.requests()[planned:]
        check_asked_once(requests, ["binance", "okex"])
        candles = sim.candle_requests()
        assert len(candles) == document["totals"]["calls"] == plan["totals"]["calls"], (plan["totals"], document["totals"])
        check_recorded(world, document, len(requests) - len(candles))
        assert {market for market, in world.query("SELECT DISTINCT market FROM futures_ohlcv_1d")} == {"binance", "okex"}
        assert world.query("SELECT count(DISTINCT market || ' ' || instrument) FROM spot_ohlcv_1d") == [(100,)]
        assert world.query("SELECT count(*) FROM assets") == [(440,)]
        # Again: only the list that was asked for by its name is asked for, and nothing is written.
        before = len(sim.requests())
        document = take_example(world, sim)
        assert [request["path"] for request in sim.requests()[before:]] == ["/asset/v1/top/list"] * ASSET_PAGES
        assert document["totals"]["rows_written"] == 0 == document["totals"]["calls"]
        assert world.query("SELECT count(*) FROM ccdata_runs") == [(2,)]


METADATA = [{"data_type": name} for name in ("exchange_metadata", "spot_instruments", "asset_metadata")]


def test_metadata_serves_the_selections_behind_and_before_it(world):
    """A list is asked for once by a run, whichever operation needs it first."""
    ranked = {"data_type": "spot_ohlcv", "pair_limit": 3, "from": "2026-02-25"}
    for number, operations in enumerate([METADATA + [ranked], [ranked] + METADATA, METADATA + METADATA]):
        world.database = world.folder / f"{number}.db"
        with harness.simulator(world, "--now", NOW) as sim:
            before = len(sim.requests())
            document = run(world, sim, operations)
            asked = [(request["path"], request["query"]) for request in sim.requests()[before:]]
            assert len(asked) == len(set(asked)), [each for each in asked if asked.count(each) > 1]
            assert document["totals"]["metadata_calls"] + document["totals"]["calls"] == len(asked), document["totals"]
            assert world.query("SELECT count(*) FROM spot_markets")[0][0] > 10


def test_one_bad_operation_among_good_ones(world):
    cases = [  # operations, options, exit code, states, not started
        ([BTC, NOBODY, ETH], [], 1, [["complete"], ["failed"], []], [False, False, True]),
        ([BTC, NOBODY, ETH], ["--continue_on_error"], 1, [["complete"], ["failed"], ["complete"]], [False] * 3),
        ([NOBODY, BTC, ETH], [], 7, [["failed"], [], []], [False, True, True]),
        ([NOBODY, NOBODY], ["--continue_on_error"], 7, [["failed"], ["failed"]], [False, False]),
    ]
    with harness.simulator(world, "--now", NOW) as sim:
        for number, (operations, options, code, expected, not_started) in enumerate(cases):
            world.database = world.folder / f"{number}.db"
            document = run(world, sim, operations, *options, expect=code)
            found = [[] if operation["not_started"] else states(operation) for operation in document["operations"]]
            assert found == expected, (number, found)
            assert [operation["not_started"] for operation in document["operations"]] == not_started, number
            assert document["status"] == ("partial" if code == 1 else "failed"), document["status"]
            assert world.query("SELECT exit_code, status FROM ccdata_runs") == [(code, document["status"])], number
            assert "unknown at the vendor" in world.query("SELECT error FROM ccdata_runs")[0][0], number
            failed = world.query("SELECT market, instrument, state, error FROM ccdata_run_series WHERE state != 'complete'")
            assert [each[:3] for each in failed] == [("nobody", "BTC-USD", "failed")] * sum(each == ["failed"] for each in expected), failed
            text = world.run("batch", "--config", world.folder / "batch.json", *options, vendor=sim.url, environment=ENVIRONMENT)
            assert text.returncode == code and ("not started" in text.stdout + text.stderr) == (True in not_started), text


harness.main(globals())
