#!/usr/bin/env python3
"""Wrong input: one clear line that names cause and next step, the documented exit code, the database as it was."""
import hashlib

import harness
import servers

NOW = "2026-03-01T12:00:00Z"
BTC = ["--specific_market", "kraken", "--specific_instrument", "BTC-USD"]


def digest(path):
    return hashlib.sha256(path.read_bytes()).hexdigest() if path.exists() else None


# name: (arguments, environment, exit code, words that the line must have)
CASES = {
    "unknown type": (["spot_ohlvc"], {}, 2, ["spot_ohlvc", "spot_ohlcv"]),
    "unknown interval": (["spot_ohlcv", *BTC, "--interval", "2d"], {}, 2, ["2d", "1d"]),
    "unknown option": (["spot_ohlcv", *BTC, "--intervall", "1d"], {}, 2, ["intervall", "interval"]),
    "date order": (["spot_ohlcv", *BTC, "--from", "2026-02-01", "--to", "2026-01-01"], {}, 2, ["2026-02-01", "2026-01-01"]),
    "no date": (["spot_ohlcv", *BTC, "--from", "yesterday"], {}, 2, ["yesterday"]),
    "future": (["spot_ohlcv", *BTC, "--from", "2030-01-01"], {}, 2, ["2030-01-01"]),
    "negative limit": (["spot_ohlcv", "--exchanges", "kraken", "--pair_limit", "-5"], {}, 2, ["pair_limit", "-5"]),
    "zero limit": (["indices_ohlcv", "--asset_limit", "0"], {}, 2, ["0"]),
    "no such limit": (["indices_ohlcv", "--asset_limit", "many"], {}, 2, ["many"]),
    "okx": (["futures_ohlcv", "--exchanges", "okx"], {}, 2, ["okx", "okex"]),
    "market and exchanges": (["spot_ohlcv", *BTC, "--exchanges", "kraken"], {}, 2, []),
    "workers": (["spot_ohlcv", *BTC, "--parallel_workers", "0"], {}, 2, ["parallel_workers"]),
    "no key": (["spot_ohlcv", *BTC], {"CCDATA_API_KEY": None}, 4, ["CCDATA_API_KEY"]),
    "key with a line break": (["spot_ohlcv", *BTC], {"CCDATA_API_KEY": "a\nb"}, 2, ["CCDATA_API_KEY"]),
    "plain http": (["spot_ohlcv", *BTC], {"DATA_API_BASE_URL": "http://example.com"}, 2, ["DATA_API_BASE_URL", "https"]),
    "bad setting": (["spot_ohlcv", *BTC], {"INGESTION_PARALLEL_WORKERS": "x"}, 2, ["INGESTION_PARALLEL_WORKERS"]),
    "unknown market": (["spot_ohlcv", "--specific_market", "CCCAGG", "--specific_instrument", "BTC-USD"], {}, 7, ["unknown at the vendor"]),
    "unknown instrument": (["futures_funding_rate", "--interval", "1h", "--instruments", "BTC-USDT-PERP", "ETH-USDT-PERP"], {}, 7,
                           ["unknown at the vendor", "BTC-USDT-VANILLA-PERPETUAL"]),
}


def run_case(world, sim, arguments, environment):
    env = dict({"CCDATA_NOW": NOW, "DATA_API_BASE_URL": sim.url, "MIN_API_BASE_URL": sim.url}, **environment)
    return world.run(*arguments, environment=env)


def test_wrong_input(world):
    with harness.simulator(world, "--now", NOW) as sim:
        good = run_case(world, sim, ["spot_ohlcv", *BTC], {})
        assert good.returncode == 0, good.stderr
        rows = world.rows("spot_ohlcv_1d")
        wrong = []
        for name, (arguments, environment, code, words) in CASES.items():
            before = digest(world.database)
            result = run_case(world, sim, arguments, environment)
            text = result.stdout + result.stderr
            if result.returncode != code:
                wrong.append(f"{name}: exit {result.returncode}, expected {code}: {text[-300:]}")
            wrong += [f"{name}: nothing says {word!r}: {text[-300:]}" for word in words if word not in text]
            if code in (2, 4):
                lines = [line for line in result.stderr.splitlines() if line.strip()]
                if len(lines) != 1:
                    wrong.append(f"{name}: {len(lines)} lines: {result.stderr}")
                if digest(world.database) != before:
                    wrong.append(f"{name}: the database changed")
            if harness.KEY in text:
                wrong.append(f"{name}: the key was printed")
        assert not wrong, "\n".join(wrong)
        assert world.rows("spot_ohlcv_1d") == rows


def test_key_rejected_by_the_vendor(world):
    with harness.simulator(world, "--now", NOW, "--key", "another") as sim:
        result = run_case(world, sim, ["spot_ohlcv", *BTC], {})
        assert result.returncode == 4, (result.returncode, result.stderr)
        assert len(sim.requests()) == 1, "a rejected key was tried again"


def test_nobody_at_the_port(world):
    url = f"http://127.0.0.1:{servers.free_port()}"
    result = world.run("spot_ohlcv", *BTC, vendor=url, timeout=90)
    assert result.returncode == 6, (result.returncode, result.stderr)
    cause = result.stderr.splitlines()[-1]
    assert "127.0.0.1" in cause and cause.count("/spot/v1/markets/instruments") == 1, cause


def test_databases_that_cannot_be_used(world):
    cases = {
        "text file": (world.folder / "text.db", b"this is no database, but a text that is long enough" * 40, 10),
        "missing folder": (world.folder / "no" / "such" / "folder.db", None, 8),
        "a folder": (world.folder, None, 8),
    }
    with harness.simulator(world, "--now", NOW) as sim:
        for name, (path, content, code) in cases.items():
            if content:
                path.write_bytes(content)
            result = world.run("spot_ohlcv", *BTC, "--database", f"sqlite:{path}", vendor=sim.url, database=False,
                               environment={"CCDATA_NOW": NOW})
            assert result.returncode in (code, 9, 10), f"{name}: exit {result.returncode}: {result.stderr}"
            assert str(path.name) in result.stderr, f"{name}: {result.stderr}"
            assert not content or path.read_bytes() == content, f"{name}: the file was changed"
        assert sim.requests() == [], "the vendor was asked although the database cannot be used"
        result = world.run("spot_ohlcv", *BTC, "--database", "oracle://host/db", vendor=sim.url, database=False)
        assert result.returncode == 2 and "oracle" in result.stderr


def test_help_and_version(world):
    for arguments in (["--help"], ["--version"], ["spot_ohlcv", "--help"]):
        result = world.run(*arguments, database=False)
        assert result.returncode == 0 and result.stdout and not result.stderr, (arguments, result)
    result = world.run(database=False)
    assert result.returncode == 2 and result.stderr and not result.stdout


harness.main(globals())
