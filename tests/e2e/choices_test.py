#!/usr/bin/env python3
"""Selections against an independent computation, in worlds made by chance and in those that are easily got wrong."""
import contextlib
import fnmatch
import json
import random

import harness
from fake_vendor import DAY, NOT_FOUND, NOW, iso
from list_vendor import START, ListVendor, contract, exchange, pair

AT = {"CCDATA_NOW": iso(NOW)}
GRADES = ["AA", "A", "BB", "B", "C", "D", "E", "F"]
QUOTES = ["USD", "USDT", "USDC", "EUR", "BTC"]
SYMBOLS = ["BTC", "ETH", "$X", "O'NEIL", "M\u00c8ME", "XRP", "ADA", "DOGE", "SOL", "USDT"]
FEEDS = {"futures_ohlcv": ("TRADES_FUTURES", "TRADE_FUTURES"), "futures_funding_rate": ("FUNDING_RATE_UPDATES", "FUNDING_RATE_UPDATE"),
         "futures_open_interest": ("OPEN_INTEREST_UPDATES", "OPEN_INTEREST_UPDATE")}
WORLDS = 40


@contextlib.contextmanager
def fresh():
    """A working folder of its own: another database, another ledger."""
    world = harness.World()
    try:
        yield world
    finally:
        world.remove()


def plan(world, url, *arguments, expect=0, environment=None, **options):
    return world.run_json(*arguments, "--dry_run", vendor=url, expect=expect, environment={**AT, **(environment or {})}, **options)


def selected(document):
    """Without the item that says that nothing was found."""
    return [(series["market"], series["instrument"]) for series in document["operations"][0]["series"] if series["instrument"] != "*"]


# ---- spot ----

def chance_pair(chance, number):
    base, quote = chance.choice(SYMBOLS), chance.choice(QUOTES + ["TRY", "usd", "GBP"])
    entry = pair(f"{base}{quote}.{number}", base, quote, chance.choice([0, 1, 5, 5, 5, 1000, 2 ** 40, 2 ** 53 + 1, 6890172247264350000]),
                 chance.choices(["ACTIVE", "IGNORED", "RETIRED", "EXPIRED", "READY_FOR_DECOMMISSIONING"], [8, 1, 1, 1, 1])[0])
    entry["MAPPED_INSTRUMENT"] = f"{base}-{quote}.{number}"  # no two of a market have one name
    kind = chance.random()
    if kind < 0.05:
        entry["HAS_TRADES_SPOT"] = chance.choice([False, None])
    elif kind < 0.1:
        del entry["HAS_TRADES_SPOT"]
    elif kind < 0.15:
        entry["TOTAL_TRADES_SPOT"] = None
    elif kind < 0.2:
        del entry["INSTRUMENT_MAPPING"]
    return entry


def spot_world(chance):
    vendor = ListVendor()
    vendor.ranking = chance.sample(SYMBOLS, len(SYMBOLS))
    vendor.ranking.insert(2, vendor.ranking[0])  # the list moved
    for number in range(1, 9):
        name = f"Market{number}"
        members = {"Grade": chance.choice(GRADES + ["", None])} if chance.random() < 0.9 else {}
        if chance.random() < 0.9:
            vendor.exchanges[number] = {**exchange(number, chance.choice([name, name.upper(), name.lower()])), "Grade": None, **members}
        if chance.random() < 0.9:
            vendor.add_market("spot", name.lower(), [chance_pair(chance, k) for k in range(chance.randrange(40))])
    vendor.add_market("spot", "ungraded", [pair("BTCUSD", "BTC", "USD", 2 ** 60)])
    return vendor


def good_markets(vendor, grade):
    return {record["InternalName"].lower() for record in vendor.exchanges.values() if record["Grade"] in GRADES[:GRADES.index(grade) + 1]}


def best_pairs(vendor, limit=100, grade="BB", quotes=QUOTES, assets=50, exchanges=("*",)):
    good = good_markets(vendor, grade)
    bases = list(dict.fromkeys(vendor.ranking))[:assets]
    pairs = [(-(entry.get("TOTAL_TRADES_SPOT") or 0), market, entry["INSTRUMENT"])
             for market, entries in vendor.instruments["spot"].items() for entry in entries.values()
             if market in good and any(fnmatch.fnmatchcase(market, name.lower()) for name in exchanges)
             and entry["INSTRUMENT_STATUS"] == "ACTIVE" and entry.get("HAS_TRADES_SPOT")
             and entry.get("INSTRUMENT_MAPPING", {}).get("BASE") in bases
             and entry["INSTRUMENT_MAPPING"]["QUOTE"].upper() in quotes]
    return [(market, instrument) for _, market, instrument in sorted(pairs, key=lambda p: (p[0], p[1].encode(), p[2].encode()))][:limit]


def chance_options(chance, vendor):
    """Arguments, and the same for the computation."""
    arguments, wish = [], {}
    if chance.random() < 0.7:
        wish["limit"] = chance.randrange(1, 12)
        arguments += ["--pair_limit", wish["limit"]]
    if chance.random() < 0.4:
        wish["grade"] = chance.choice(GRADES)
        arguments += ["--min_grade", wish["grade"]]
    if chance.random() < 0.4:
        wish["quotes"] = chance.sample(QUOTES + ["TRY"], 2)
        arguments += ["--quotes", ",".join(wish["quotes"])]
    if chance.random() < 0.4:
        wish["assets"] = chance.randrange(1, 6)
        arguments += ["--asset_limit", wish["assets"]]
    if chance.random() < 0.4:
        wish["exchanges"] = chance.choice([["market*"], ["*4", "mark?t1"], chance.sample(sorted(vendor.markets["spot"]), 2)])
        arguments += ["--exchanges", *wish["exchanges"]]
    return arguments, wish


def test_pairs_of_chance_worlds(world):
    found = 0
    for seed in range(WORLDS):
        chance = random.Random(seed)
        vendor = spot_world(chance)
        arguments, wish = chance_options(chance, vendor)
        expected = best_pairs(vendor, **wish)
        with fresh() as other, harness.replay(vendor.answer) as (url, _):
            result = other.run("spot_ohlcv", *arguments, "--dry_run", "--json", vendor=url, environment=AT)
            document = json.loads(result.stdout)
            chosen = selected(document)
            assert chosen == expected, (seed, arguments, chosen, expected, result.stderr)
            assert result.returncode == (0 if chosen else 7), (seed, arguments, result)
            # Nothing was asked twice, and no instruments of a market that is not good enough.
            asked = [(path, tuple(sorted(query.items()))) for path, query in vendor.asked]
            assert len(asked) == len(set(asked)) == document["totals"]["metadata_calls"], (seed, asked)
            markets = {query["market"] for path, query in vendor.asked if path.endswith("instruments")}
            assert markets <= good_markets(vendor, wish.get("grade", "BB")), (seed, markets)
        found += len(expected)
    assert found > WORLDS * 3, found


def small_spot():
    vendor = ListVendor()
    vendor.ranking = ["BTC", "ETH"]
    vendor.exchanges = {1: exchange(1, "Good"), 2: exchange(2, "BAD", "C"), 3: exchange(3, "Fine", "BB")}
    for market in ("good", "bad", "fine"):
        vendor.add_market("spot", market, [pair("XBT.USD", "BTC", "USD", 100), pair("ETH.TRY", "ETH", "TRY", 50), pair("XRP.USD", "XRP", "USD", 70),
                                           pair("LTC.USD", "LTC", "USD", 9, "RETIRED"), pair("ADA.USD", "ADA", "USD", 0, HAS_TRADES_SPOT=False)])
    return vendor


def test_what_is_named_is_taken(world):
    """INTERFACE.md, Command line: a market alone is all of its ACTIVE instruments, an instrument alone is on all qualified markets."""
    vendor = small_spot()
    all_active = {"XBT.USD", "ETH.TRY", "XRP.USD"}
    cases = [
        (["--specific_market", "bad"], {("bad", name) for name in all_active}),
        (["--specific_market", "BAD"], {("bad", name) for name in all_active}),
        (["--specific_market", "good", "--pair_limit", "2"], {("good", "XBT.USD"), ("good", "XRP.USD")}),
        (["--specific_instrument", "BTC-USD"], {("good", "XBT.USD"), ("fine", "XBT.USD")}),
        (["--specific_instrument", "XBT.USD"], {("good", "XBT.USD"), ("fine", "XBT.USD")}),
        (["--specific_instrument", "BTC-USD", "--pair_limit", "1"], {("fine", "XBT.USD")}),
        (["--specific_instrument", "BTC-USD", "--min_grade", "F"], {("good", "XBT.USD"), ("fine", "XBT.USD"), ("bad", "XBT.USD")}),
        (["--specific_market", "bad", "--specific_instrument", "LTC-USD"], {("bad", "LTC.USD")}),
        (["--exchanges", "bad", "good", "--instruments", "BTC-*"], {("bad", "XBT.USD"), ("good", "XBT.USD")}),
        (["--instruments", "*-USD"], {(market, name) for market in ("good", "fine") for name in ("XBT.USD", "XRP.USD")}),
        (["--instruments", "ETH-TRY", "XBT.*", "--exchanges", "f*"], {("fine", "ETH.TRY"), ("fine", "XBT.USD")}),
        (["--exchanges", "good", "bad"], {("good", "XBT.USD")}),  # ranked: a quote, a top asset, a good exchange
        (["--quotes", "TRY"], {("good", "ETH.TRY"), ("fine", "ETH.TRY")}),
        (["--asset_limit", "1", "--quotes", "TRY"], set()),
    ]
    with harness.replay(vendor.answer) as (url, _):
        for arguments, expected in cases:
            with fresh() as other:
                result = other.run("spot_ohlcv", *arguments, "--dry_run", "--json", vendor=url, environment=AT)
                document = json.loads(result.stdout)
                chosen = selected(document)
                assert len(chosen) == len(set(chosen)) and set(chosen) == expected, (arguments, chosen, result.stderr)


def test_an_exchange_that_is_graded_down_is_left_out_the_next_day(world):
    vendor = small_spot()
    with harness.replay(vendor.answer) as (url, _):
        command = ["spot_ohlcv", "--quotes", "USD", "--from", iso(NOW - 3 * DAY)[:10]]
        def take(at):
            return selected(world.run_json(*command, vendor=url, environment={"CCDATA_NOW": iso(at)}))
        assert take(NOW) == [("fine", "XBT.USD"), ("good", "XBT.USD")]
        vendor.exchanges[1]["Grade"] = "D"
        assert take(NOW + 60) == [("fine", "XBT.USD"), ("good", "XBT.USD")]
        vendor.now = NOW + DAY
        assert take(NOW + DAY) == [("fine", "XBT.USD")]


def test_a_record_that_cannot_be_read_is_told_and_costs_no_call(world):
    """One bad record of a market, or of the exchanges, does not end the lifetime of the list, and takes no pair away."""
    vendor = small_spot()
    vendor.exchanges.update({number: exchange(number, f"Other{number}") for number in range(4, 9)})
    command = ["spot_ohlcv", "--quotes", "USD", "--from", iso(NOW - 3 * DAY)[:10]]
    with harness.replay(vendor.answer) as (url, _):
        def take(at, calls, told):
            result = world.run(*command, "--json", vendor=url, environment={"CCDATA_NOW": iso(at)})
            document = json.loads(result.stdout)
            assert selected(document) == [("fine", "XBT.USD"), ("good", "XBT.USD")], (at, selected(document))
            assert document["totals"]["metadata_calls"] == calls, (at, document["totals"])
            assert ("impossible" in result.stderr) == told, (at, result.stderr)
        take(NOW, 5, False)
        vendor.instruments["spot"]["good"]["BTC-USD"]["TOTAL_TRADES_SPOT"] = 1e30
        vendor.exchanges[3]["GradePoints"] = "n/a"
        vendor.now = NOW + DAY
        take(NOW + DAY, 5, True)
        take(NOW + DAY + 60, 0, False)


def test_no_pair_at_all_is_no_success(world):
    """A selection of nothing is told: the original ended with success and 0 records."""
    vendor = small_spot()
    for record in vendor.exchanges.values():
        record["Grade"] = "F"
    with harness.replay(vendor.answer) as (url, _):
        result = world.run("spot_ohlcv", "--pair_limit", "5", vendor=url, environment=AT)
        assert result.returncode != 0 and result.stderr.strip(), result


# ---- futures ----

def futures_world(chance):
    vendor = ListVendor()
    for number in range(1, 6):
        entries = []
        for k in range(chance.randrange(1, 12)):
            data = [feed for feed, _ in FEEDS.values() if chance.random() < 0.7]
            status = chance.choice(["ACTIVE", "ACTIVE", "EXPIRED", "RETIRED", "IGNORED"])
            last = NOW - 5 if status == "ACTIVE" else START + chance.randrange(5, 20) * DAY + 7
            entries.append(contract(f"{chance.choice(['BTC', 'ETH'])}{k}_PERP", chance.choice(["BTC", "ETH"]), f"K{k}", status, data, last))
        vendor.add_market("futures", f"market{number}", entries)
    return vendor


def futures_wanted(vendor, data_type, markets, patterns, statuses):
    has = FEEDS[data_type][0]
    def names(entry):
        return [entry["MAPPED_INSTRUMENT"], entry["INSTRUMENT"]]
    return {(market, entry["INSTRUMENT"]): entry for market, entries in vendor.instruments["futures"].items() for entry in entries.values()
            if any(fnmatch.fnmatchcase(market, name) for name in markets) and entry[f"HAS_{has}"] and entry["INSTRUMENT_STATUS"] in statuses
            and any(fnmatch.fnmatchcase(name, pattern) for name in names(entry) for pattern in patterns)}


def test_futures_of_chance_worlds(world):
    found = 0
    for seed in range(WORLDS):
        chance = random.Random(seed)
        vendor = futures_world(chance)
        data_type, arguments, environment = chance.choice(list(FEEDS)), [], {}
        markets, patterns, statuses = ["*"], ["*"], ["ACTIVE", "EXPIRED"]
        if chance.random() < 0.3:
            markets = chance.choice([["market1", "market3"], ["market?"], ["*2", "market4"]])
            arguments += ["--exchanges", *markets]
        elif chance.random() < 0.5:
            markets = ["market2", "market5"]
            environment["FUTURES_EXCHANGES"] = ",".join(markets)
        if chance.random() < 0.5:
            patterns = chance.choice([["BTC-*"], ["ETH*_PERP", "BTC-*"], ["*-K?"]])
            arguments += ["--instruments", *patterns]
        if chance.random() < 0.5:
            statuses = chance.choice([["ACTIVE"], ["EXPIRED", "RETIRED"]])
            environment["FUTURES_INSTRUMENT_STATUSES"] = ",".join(statuses)
        expected = futures_wanted(vendor, data_type, markets, patterns, statuses)
        with fresh() as other, harness.replay(vendor.answer) as (url, _):
            result = other.run(data_type, *arguments, "--dry_run", "--json", vendor=url, environment={**AT, **environment})
            document = json.loads(result.stdout)
            chosen = selected(document)
            assert len(chosen) == len(set(chosen)) and set(chosen) == set(expected), (seed, arguments, environment, chosen, sorted(expected))
            for each in document["operations"][0]["series"] if chosen else []:  # the last update bounds what has ended, the first all
                entry = expected[each["market"], each["instrument"]]
                last = entry[f"LAST_{FEEDS[data_type][1]}_TIMESTAMP"]
                end = NOW // DAY * DAY if entry["INSTRUMENT_STATUS"] == "ACTIVE" else last // DAY * DAY + DAY
                assert each["wanted"] == (end - START) // DAY, (seed, each, (end - START) // DAY)
        found += len(expected)
    assert found > WORLDS * 3, found


def test_a_contract_that_the_vendor_dropped_fails_no_run(world):
    """It is no longer listed and is not served: the others are complete, and so is the run, today and on all days after."""
    vendor = ListVendor()
    vendor.add_market("futures", "binance", [contract(f"F{k}", f"A{k}") for k in range(10)])
    command = ["futures_ohlcv", "--exchanges", "binance", "--from", iso(NOW - 10 * DAY)[:10], "--to", iso(NOW - 5 * DAY)[:10]]
    later = command[:-1] + [iso(NOW - 2 * DAY)[:10]]
    with harness.replay(vendor.answer) as (url, _):
        world.run_json(*command, vendor=url, environment=AT)
        del vendor.instruments["futures"]["binance"]["A3-USDT-VANILLA-PERPETUAL"]
        document = world.run_json("futures_instruments", "--exchanges", "binance", vendor=url, environment=AT)
        assert document["operations"][0]["lists"][0]["gone"] == 1, document["operations"]
        result = world.run(*later, vendor=url, environment=AT)
        assert result.returncode == 0, (result.returncode, result.stdout, result.stderr)


def test_names_that_people_use_are_refused_with_the_vendors(world):
    vendor = ListVendor()
    config = world.folder / "batch.json"
    with harness.replay(vendor.answer) as (url, _):
        for name, right in (("okx", "okex"), ("OKX", "okex"), ("huobi", "huobipro"), ("gate", "gateio"), ("dydx", "dydxv4")):
            for command in (["futures_ohlcv", "--exchanges", name], ["futures_funding_rate", "--exchanges", "binance," + name],
                            ["spot_ohlcv", "--exchanges", "kraken", name], ["spot_ohlcv", "--specific_market", name],
                            ["spot_instruments", "--exchanges", name], ["futures_instruments", "--exchanges", name]):
                result = world.run(*command, vendor=url, environment=AT)
                assert result.returncode == 2 and right in result.stderr, (command, result)
            config.write_text(json.dumps([{"data_type": "asset_metadata"}, {"data_type": "futures_instruments", "exchanges": [name]}]))
            result = world.run("batch", "--config", config, vendor=url, environment=AT)
            assert result.returncode == 2 and right in result.stderr, result
            result = world.run("futures_ohlcv", vendor=url, environment=dict(AT, FUTURES_EXCHANGES=f"binance,{name}"))
            assert result.returncode == 2 and right in result.stderr and "FUTURES_EXCHANGES" in result.stderr, result
        assert vendor.asked == [], vendor.asked


# ---- indices ----

def test_more_assets_than_a_page_has(world):
    with harness.simulator(world, "--now", iso(NOW)) as sim:
        document = world.run_json("indices_ohlcv", "--asset_limit", "150", "--from", iso(NOW - 3 * DAY)[:10], vendor=sim.url, environment=AT)
        pages = [request for request in sim.requests() if request["path"] == "/asset/v1/top/list"]
        assert len(pages) == 2 == document["totals"]["metadata_calls"], pages
        series = document["operations"][0]["series"]
        assert len({each["instrument"] for each in series}) == len(series) == 150
        states = {state: sum(each["state"] == state for each in series) for state in {each["state"] for each in series}}
        stored = world.query("SELECT count(DISTINCT instrument) FROM indices_ohlcv_1d")[0][0]
        assert set(states) <= {"complete", "not_offered"} and stored == states["complete"] > 100, states
        # Fewer are a part of them, more are not: the ranking is asked for as far as it is needed.
        for limit, calls in (("20", 0), ("150", 0), ("250", 3)):
            document = world.run_json("indices_ohlcv", "--asset_limit", limit, "--from", iso(NOW - 3 * DAY)[:10], "--dry_run", vendor=sim.url,
                                      environment=AT)
            assert document["totals"]["metadata_calls"] == calls, (limit, document["totals"])
            assert len(document["operations"][0]["series"]) == int(limit)


def test_assets_that_the_index_lacks_fail_nothing(world):
    vendor = ListVendor()
    vendor.ranking = ["BTC", "ETH"]
    vendor.hook = lambda path, query: NOT_FOUND if "/historical/" in path and query["instrument"] == "ETH-USD" else \
        (200, {"Data": [index_row(ts) for ts in range(START, NOW, DAY) if ts <= int(query["to_ts"])][-int(query["limit"]):], "Err": {}}) \
        if "/historical/" in path else None
    def index_row(ts):
        return {"UNIT": "DAY", "TIMESTAMP": ts, "TYPE": "267", "MARKET": "cadli", "INSTRUMENT": "BTC-USD", "OPEN": 1, "HIGH": 2, "LOW": 1,
                "CLOSE": 2, "TOTAL_INDEX_UPDATES": 1, "VOLUME": 1, "QUOTE_VOLUME": 1}
    with harness.replay(vendor.answer) as (url, _):
        document = world.run_json("indices_ohlcv", "--from", iso(NOW - 3 * DAY)[:10], vendor=url, environment=AT)
        states = {each["instrument"]: each["state"] for each in document["operations"][0]["series"]}
        assert states == {"BTC-USD": "complete", "ETH-USD": "not_offered"}, states


harness.main(globals())
