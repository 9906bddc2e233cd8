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
    of_the_run = {"parallel_workers", "dry_run", "max_calls", "wait", "lock_wait", "no_create", "json"}
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


harness.main(globals())
