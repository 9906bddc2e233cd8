#!/usr/bin/env python3
"""What examples/ holds: the files run, the program on the public header does what the README's does."""
import json
import subprocess

import harness

NOW = "2026-03-01T12:00:00Z"
EXAMPLES = harness.ROOT / "examples"
# A month is enough to see every endpoint, whatever the number of pairs.
ENVIRONMENT = {"CCDATA_NOW": NOW, "INGESTION_MAX_BACKFILL_DAYS": "30"}


def vendor(sim):
    return {**ENVIRONMENT, "DATA_API_BASE_URL": sim.url, "MIN_API_BASE_URL": sim.url}


def run_file(world, sim, name):
    return world.run_json("batch", "--config", EXAMPLES / name, environment=vendor(sim))


def test_batch_config(world):
    with harness.simulator(world, "--now", NOW) as sim:
        document = run_file(world, sim, "batch_config.json")
        given = json.loads((EXAMPLES / "batch_config.json").read_text())
        assert [op["data_type"] for op in document["operations"]] == [op["data_type"] for op in given]
        assert len(document["operations"][0]["series"]) == 100
        assert {series["market"] for series in document["operations"][1]["series"]} == {"binance", "okex"}
        asked = [(request["path"], request["query"]) for request in sim.requests()]
        assert len(asked) == len(set(asked)), "a call was made twice"
    assert world.query("SELECT count(*) FROM assets")[0][0] > 0


def test_weekly_metadata_batch(world):
    with harness.simulator(world, "--now", NOW) as sim:
        document = run_file(world, sim, "weekly_metadata_batch.json")
        assert document["totals"]["rows_written"] > 0
        tables = {entry["table"] for operation in document["operations"] for entry in operation["lists"]}
        assert tables >= {"assets", "exchanges", "spot_markets", "futures_markets", "spot_instruments",
                          "futures_instruments"}, tables


def test_the_program(world):
    with harness.simulator(world, "--now", NOW) as sim:
        env = {**world.environment, **vendor(sim), "CCDATA_DATABASE_URL": world.url}
        result = subprocess.run([harness.BUILD / "examples" / "example_ingest"], cwd=world.folder, env=env,
                                capture_output=True, text=True, timeout=240)
        assert result.returncode == 0, (result.returncode, result.stdout, result.stderr)
        assert not result.stderr, result.stderr
        lines = result.stdout.splitlines()
        assert lines[0].startswith("Ingestion: complete, ") and "spot_ohlcv: 100 series" in lines[1], lines
        assert lines[2].startswith("Batch: complete, ") and "asset_metadata: 0 series" in lines[5], lines
        assert lines[6] == "Status: healthy", lines
    env["CCDATA_API_KEY"] = ""
    env["CCDATA_DATABASE_URL"] = f"sqlite:{world.folder}/other.db"
    result = subprocess.run([harness.BUILD / "examples" / "example_ingest"], cwd=world.folder, env=env,
                            capture_output=True, text=True, timeout=60)
    assert result.returncode == 4 and "CCDATA_API_KEY" in result.stderr, (result.returncode, result.stderr)


harness.main(globals())
