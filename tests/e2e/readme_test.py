"""Every command line of the user's own README, run through a shell with the program's name replaced."""
import concurrent.futures
import contextlib
import json
import re
import sqlite3
import subprocess

import harness

NOW = "2026-03-01T12:00:00Z"
README = harness.SHARED / "original" / "README_UNIFIED_INGESTION.md"
PROGRAM = re.compile(r"(?:python|/\S+/python) scripts/unified_ingest\.py")
WEEKLY = [{"data_type": name} for name in ("asset_metadata", "exchange_metadata", "spot_instruments", "futures_instruments")]
PERIODS = {"1d": 10, "1h": 240, "1m": 14400}  # in INGESTION_MAX_BACKFILL_DAYS
# What the vendor does not have ends as INTERFACE.md says: 7, and what its name is.
UNKNOWN = {"CCCAGG": "cadli", "BTC-USDT-PERP": "BTC-USDT-VANILLA-PERPETUAL"}


def text():
    if not README.exists():
        raise harness.Skip(f"{README.name} is not beside this checkout")
    return README.read_text().replace("\\\n", " ")


def command_lines():
    """As a shell would get them: from the name of the program to the end of the line; those of cron and systemd, too."""
    found = [line[match.end():].strip() for line in text().splitlines() if (match := PROGRAM.search(line))]
    return [" ".join(line.split()) for line in found]


def batch_file():
    """The one that the README writes with a here document."""
    return re.search(r"cat > batch_config\.json << EOF\n(.*?)\nEOF", text(), re.S).group(1)


def tables(world):
    with contextlib.closing(sqlite3.connect(world.database)) as db:
        names = [name for name, in db.execute("SELECT name FROM sqlite_schema WHERE type IN ('table', 'view')")]
        return {name: db.execute(f'SELECT count(*) FROM "{name}"').fetchone()[0] for name in names
                if not name.startswith(("sqlite_", "fact_"))}


def option(line, name, default=None):
    match = re.search(rf"--{name} (\S+)", line)
    return match.group(1) if match else default


def check_candles(world, line, data_type):
    """As many pairs or assets as asked for, on the exchanges named, each with all of its periods."""
    interval = option(line, "interval", "1d")
    rows = world.query(f"SELECT market, instrument, count(*) FROM {data_type}_{interval} GROUP BY 1, 2")
    limit = int(option(line, "pair_limit") or option(line, "asset_limit") or 0)
    assert len(rows) == limit if limit else len(rows) > 50, (line, len(rows))
    assert max(count for *_, count in rows) >= PERIODS[interval] - 1, (line, rows[:5])
    exchanges = re.search(r"--exchanges ((?:[a-z]+ ?)+)", line)
    if exchanges:
        assert {market for market, *_ in rows} == set(exchanges.group(1).split()), (line, rows[:5])
    if data_type == "indices_ohlcv":
        assert {market for market, *_ in rows} == {option(line, "market", "cadli")}, (line, rows[:5])


def check_batch(world, line):
    stored = tables(world)
    if "weekly" in line:
        want = ["assets", "exchanges", "spot_markets", "futures_markets", "spot_instruments", "futures_instruments"]
    else:
        want = ["assets", "spot_ohlcv_1d", "futures_ohlcv_1d"]
        assert world.query("SELECT count(*) FROM (SELECT DISTINCT market, instrument FROM spot_ohlcv_1d)") == [(100,)], line
        assert world.query("SELECT DISTINCT market FROM futures_ohlcv_1d ORDER BY 1") == [("binance",), ("okex",)], line
    assert all(stored[name] > 0 for name in want), (line, stored)
    assert world.query("SELECT command, status FROM ccdata_runs") == [("batch", "complete")], line


def check_outcome(world, line, result):
    first = line.split()[0]
    if first == "status":
        document = json.loads(result.stdout)
        assert document["system"] == "healthy" and {"timestamp", "components", "api_clients", "active_ingestors"} <= set(document)
        assert ("monitoring" in document) == ("--enable_monitoring" in line), document
        assert ("cache" in document) == ("--enable_caching" in line), document
    elif "--dry_run" in line:
        assert not world.database.exists() and "5 series" in result.stdout, (line, result.stdout)
    elif first == "batch":
        check_batch(world, line)
    elif first.endswith("_ohlcv") or first.startswith("futures_") and first != "futures_instruments":
        check_candles(world, line, first)
    else:
        stored = tables(world)
        want = {"asset_metadata": ["assets", "asset_alternative_ids", "asset_industries", "asset_market_data"],
                "exchange_metadata": ["exchanges", "spot_markets", "futures_markets"]}.get(first, [first])
        assert all(stored[name] > 0 for name in want), (line, stored)


def live(sim, line):
    world = harness.World()
    try:
        (world.folder / "batch_config.json").write_text(batch_file())
        (world.folder / "weekly_metadata_batch.json").write_text(json.dumps(WEEKLY))
        environment = dict(world.environment, DATA_API_BASE_URL=sim.url, MIN_API_BASE_URL=sim.url + "/data", CCDATA_NOW=NOW,
                           INGESTION_MAX_BACKFILL_DAYS="10", CCDATA_DATABASE_URL=world.url)
        result = subprocess.run(f"{harness.CCDATA} {line}", shell=True, cwd=world.folder, env=environment,
                                capture_output=True, text=True, timeout=300)
        unknown = [name for name in UNKNOWN if name in line]
        assert result.returncode == (7 if unknown else 0), (line, result.returncode, result.stderr[-2000:])
        if unknown:
            assert UNKNOWN[unknown[0]] in result.stderr, (line, result.stderr)
        else:
            check_outcome(world, line, result)
    finally:
        world.remove()


def test_every_command_line(world):
    lines = list(dict.fromkeys(command_lines()))
    assert (len(command_lines()), len(lines)) == (28, 26), lines
    with harness.simulator(world, "--now", NOW, "--unlimited") as sim, concurrent.futures.ThreadPoolExecutor(2) as pool:
        list(pool.map(lambda line: live(sim, line), lines))
    harness.figure(f"{len(lines)} different command lines of the README, each on an empty database")


harness.main(globals())
