#!/usr/bin/env python3
"""Every request that the program makes is valid against the vendor's own specification of early 2023, for the endpoints that it
knows, but for a listed table of exceptions. In CI a missing specification is a failure."""
import json
import os
import urllib.parse

import harness

NOW = "2026-03-01T12:00:00Z"

# (path part, parameter) -> why it is right although the specification of 2023 says otherwise
EXCEPTIONS = {
    ("/markets/instruments", "instrument_status"):
        "CONTRACT.md §3: later statuses READY_FOR_DECOMMISSIONING and RETIRED_UNMAPPED, and by 2025 on futures too",
    ("/asset/v1/top/list", "sort_by"): "CONTRACT.md §4: the enum of 2025 has SPOT_MOVING_30_DAY_QUOTE_VOLUME_USD",
    ("/asset/v1/top/list", "groups"): "CONTRACT.md §4: groups of 2025",
}


def specification():
    path = harness.SHARED / "api" / "openapi-2.1.1.json"
    if not path.exists():
        if os.environ.get("CI"):
            raise AssertionError(f"no specification in {path}")
        raise harness.Skip("the vendor's specification is not here")
    return json.loads(path.read_text())


def check_value(schema, value):
    """Why a value does not fit a schema; None when it does."""
    kind = schema.get("type")
    if kind == "integer":
        if not value.lstrip("-").isdigit():
            return "not an integer"
        if int(value) < schema.get("minimum", int(value)) or int(value) > schema.get("maximum", int(value)):
            return "out of range"
    if kind == "boolean" and value not in ("true", "false", "0", "1"):
        return "not a boolean"
    if kind == "string":
        if len(value) < schema.get("minLength", 0) or len(value) > schema.get("maxLength", len(value)):
            return "wrong length"
        if "enum" in schema and value not in schema["enum"]:
            return "not in the enum"
    if kind == "array":
        for item in value.split(","):
            wrong = check_value(schema.get("items", {}), item)
            if wrong:
                return f"{item}: {wrong}"
    return None


def excepted(path, name):
    return any(part in path and name == parameter for part, parameter in EXCEPTIONS)


def problems(spec, request):
    if request["path"] not in spec["paths"]:
        return []
    known = {p["name"]: p for p in spec["paths"][request["path"]]["get"].get("parameters", [])}
    given = dict(urllib.parse.parse_qsl(request["query"], keep_blank_values=True, strict_parsing=bool(request["query"])))
    found = [f"no parameter {name}" for name in given if name not in known and not excepted(request["path"], name)]
    found += [f"{name} is missing" for name, p in known.items() if p.get("required") and name not in given]
    for name, value in given.items():
        if name in known and not excepted(request["path"], name):
            wrong = check_value(known[name]["schema"], value)
            if wrong:
                found.append(f"{name}={value}: {wrong}")
    return found


def test_requests_are_valid(world):
    spec = specification()
    runs = [
        ["spot_ohlcv", "--specific_market", "kraken", "--interval", "1d", "--from", "2026-02-01"],
        ["spot_ohlcv", "--exchanges", "kraken", "coinbase", "--pair_limit", "3", "--interval", "1h", "--from", "2026-02-01"],
        ["spot_ohlcv", "--specific_market", "kraken", "--specific_instrument", "BTC-USD", "--interval", "1m", "--from", "2026-02-28"],
        ["spot_ohlcv", "--specific_market", "kraken", "--specific_instrument", "NOPE-ÜÑ&x=1"],
        ["indices_ohlcv", "--asset_limit", "150", "--interval", "1d", "--from", "2026-02-20"],
    ]
    for data_type in ("futures_ohlcv", "futures_funding_rate", "futures_open_interest"):
        for interval in ("1d", "1h", "1m"):
            runs.append([data_type, "--exchanges", "b*", "--instruments", "BTC-*", "--interval", interval, "--from", "2026-02-27"])
    with harness.simulator(world, "--now", NOW) as sim:
        for arguments in runs:
            world.run(*arguments, vendor=sim.url, environment={"CCDATA_NOW": NOW})
        requests = sim.requests()
    checked = [r for r in requests if r["path"] in spec["paths"]]
    assert len({r["path"] for r in checked}) >= 12, sorted({r["path"] for r in checked})
    wrong = [(r["path"], r["query"], problems(spec, r)) for r in requests if problems(spec, r)]
    assert not wrong, wrong[:5]
    harness.figure(f"{len(checked)} requests to {len({r['path'] for r in checked})} documented endpoints are valid, "
                   f"{len(EXCEPTIONS)} listed exceptions")


harness.main(globals())
