#!/usr/bin/env python3
"""Every request that the program makes is valid against the vendor's own specification of early 2023, for the endpoints that it
knows, but for a listed table of exceptions; and so is every reply of the simulator, where the specification has one. In CI a
missing specification is a failure."""
import json
import os
import urllib.error
import urllib.parse
import urllib.request

import harness

NOW = "2026-03-01T12:00:00Z"

# (path part, parameter) -> why it is right although the specification of 2023 says otherwise
EXCEPTIONS = {
    ("/markets/instruments", "instrument_status"):
        "CONTRACT.md §3: later statuses READY_FOR_DECOMMISSIONING and RETIRED_UNMAPPED, and by 2025 on futures too",
    ("/asset/v1/top/list", "sort_by"): "CONTRACT.md §4: the enum of 2025 has SPOT_MOVING_30_DAY_QUOTE_VOLUME_USD",
    ("/asset/v1/top/list", "groups"): "CONTRACT.md §4: groups of 2025",
}

# member of a reply -> why it is right although the specification of 2023 lacks it, or says otherwise
REPLY_EXCEPTIONS = {
    "values": "CONTRACT.md §6: texts and integers",
    "TRANSFORM_FUNCTION": "CONTRACT.md §2.3: group MAPPING_ADVANCED, recorded in 2025",
    "BASE_ID": "CONTRACT.md §2.3: group MAPPING_ADVANCED, recorded in 2025",
    "QUOTE_ID": "CONTRACT.md §2.3: group MAPPING_ADVANCED, recorded in 2025",
    "INDEX_UNDERLYING_ID": "CONTRACT.md §2.3: group MAPPING_ADVANCED, seen in 2026",
    "QUOTE_CURRENCY_ID": "CONTRACT.md §2.3: group MAPPING_ADVANCED, seen in 2026",
    "SETTLEMENT_CURRENCY_ID": "CONTRACT.md §2.3: group MAPPING_ADVANCED, seen in 2026",
    "CONTRACT_CURRENCY_ID": "CONTRACT.md §2.3: group MAPPING_ADVANCED, seen in 2026",
    "DENOMINATION_TYPE": "CONTRACT.md §2.3: absent in rows of 2022, recorded in 2025",
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


def fits(kind, value):
    if kind == "integer":  # the specification calls prices and volumes so, and its own examples have decimals
        return isinstance(value, (int, float)) and not isinstance(value, bool)
    return isinstance(value, {"object": dict, "array": list, "string": str, "boolean": bool, "number": (int, float)}[kind])


def reply_problems(schema, value, where="reply"):
    """Members of a reply that the schema does not know, or knows otherwise."""
    if "NO_DATA" in schema.get("properties", {}):  # "the endpoint does not have a response defined"
        return []
    if "type" in schema and not fits(schema["type"], value):
        return [f"{where} is no {schema['type']}: {value!r}"]
    if isinstance(value, list):
        return [problem for item in value for problem in reply_problems(schema.get("items", {}), item, where)]
    if not isinstance(value, dict) or not schema.get("properties"):
        return []
    known = schema["properties"]
    found = [f"{where} has {name}" for name in value if name not in known and name not in REPLY_EXCEPTIONS]
    for name in (value.keys() & known.keys()) - REPLY_EXCEPTIONS.keys():
        found += reply_problems(known[name], value[name], name)
    return found


def fetch(url):
    try:
        with urllib.request.urlopen(urllib.request.Request(url, headers={"Authorization": "Apikey test"})) as reply:
            return reply.status, json.load(reply)
    except urllib.error.HTTPError as error:
        return error.code, json.load(error)


def answer_problems(spec, status, path, reply):
    responses = spec["paths"][path]["get"]["responses"]
    if str(status) not in responses:
        return [f"{path} has no status {status}"]
    found = [f"{path} lacks {name}" for name in ("Data", "Err") if name not in reply]
    return found + reply_problems(responses[str(status)]["content"]["application/json"]["schema"], reply)


def test_replies_are_valid(world):
    spec = specification()
    series = {"/spot": "market=kraken&instrument=BTC-USD", "/futures": "market=binance&instrument=BTC-USDT-VANILLA-PERPETUAL",
              "/index": "market=cadli&instrument=BTC-USD"}
    served = [path for path in spec["paths"] if path == "/asset/v1/top/list" or path in ("/spot/v1/markets", "/futures/v1/markets") or
              path.endswith("/v1/markets/instruments") and path[:5] in ("/spot", "/futu") or
              path.endswith(("/days", "/hours", "/minutes")) and path.startswith(("/spot", "/futures", "/index/cc"))]
    checked, wrong = 0, []
    with harness.simulator(world, "--now", NOW) as sim:
        for path in served:
            names = next((value for start, value in series.items() if path.startswith(start)), "")
            bad = names.replace(names.split("=")[1].split("&")[0], "nowhere") if names else "page=0"
            for query in (names, bad, "limit=0&" + names if "/historical/" in path else names):
                status, reply = fetch(f"{sim.url}{path}?{query}")
                wrong += answer_problems(spec, status, path, reply)
                checked += 1
    assert len(served) >= 20, served
    assert not wrong, wrong[:10]
    harness.figure(f"{checked} replies of {len(served)} documented endpoints are valid, {len(REPLY_EXCEPTIONS)} members excepted")


def test_the_checks_can_fail(world):
    schema = {"type": "object", "properties": {"Data": {"type": "array", "items": {
        "type": "object", "properties": {"OPEN": {"type": "integer"}, "UNIT": {"type": "string"}}}}}}
    assert not reply_problems(schema, {"Data": [{"OPEN": 1.5, "UNIT": "DAY", "BASE_ID": 1}]})
    for row in ({"OPEN": "1.5"}, {"UNIT": 1}, {"CLOSED": 1}, []):
        assert reply_problems(schema, {"Data": [row]}), row
    assert reply_problems(schema, {"Data": {}})


def test_requests_are_valid(world):
    spec = specification()
    runs = [
        ["spot_ohlcv", "--specific_market", "kraken", "--interval", "1d", "--from", "2026-02-01"],
        ["spot_ohlcv", "--exchanges", "kraken", "coinbase", "--pair_limit", "3", "--interval", "1h", "--from", "2026-02-01"],
        ["spot_ohlcv", "--specific_market", "kraken", "--specific_instrument", "BTC-USD", "--interval", "1m", "--from", "2026-02-28"],
        ["spot_ohlcv", "--specific_market", "kraken", "--specific_instrument", "NOPE-ÜÑ&x=1"],
        ["spot_ohlcv", "--pair_limit", "2", "--interval", "1d", "--from", "2026-02-20"],
        ["indices_ohlcv", "--asset_limit", "150", "--interval", "1d", "--from", "2026-02-20"],
        ["asset_metadata"],
        ["exchange_metadata"],
        ["spot_instruments", "--exchanges", "kraken"],
        ["futures_instruments", "--exchanges", "okex"],
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
    lists = {"/asset/v1/top/list", "/data/exchanges/general", "/spot/v1/markets", "/futures/v1/markets",
             "/spot/v1/markets/instruments", "/futures/v1/markets/instruments"}
    assert lists <= {r["path"] for r in requests if r["status"] == 200}, sorted({r["path"] for r in requests})
    wrong = [(r["path"], r["query"], problems(spec, r)) for r in requests if problems(spec, r)]
    assert not wrong, wrong[:5]
    harness.figure(f"{len(checked)} requests to {len({r['path'] for r in checked})} documented endpoints are valid, "
                   f"{len(EXCEPTIONS)} listed exceptions")


harness.main(globals())
