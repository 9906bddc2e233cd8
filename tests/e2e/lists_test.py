#!/usr/bin/env python3
"""Metadata lists of a vendor that changes one thing at a time: what is written, kept, refused, counted and said."""
import contextlib
import re
import sqlite3

import harness
from fake_vendor import NOW, iso
from list_vendor import ListVendor, asset, contract, exchange, pair
from status_test import is_harmless, on_terminal, without_colours

AT, LATER = {"CCDATA_NOW": iso(NOW)}, {"CCDATA_NOW": iso(NOW + 86400)}
TYPES = ("asset_metadata", "exchange_metadata", "spot_instruments", "futures_instruments")
TABLES = ("assets", "asset_alternative_ids", "asset_industries", "asset_consensus_mechanisms", "asset_consensus_algorithm_types",
          "asset_hashing_algorithm_types", "asset_previous_symbols", "asset_market_data", "exchanges", "spot_markets",
          "futures_markets", "spot_instruments", "futures_instruments")


def filled():
    """A vendor with enough of everything."""
    vendor = ListVendor()
    vendor.assets = [asset(number, f"A{number}", ASSET_INDUSTRIES=[{"ASSET_INDUSTRY": "PAYMENT", "JUSTIFICATION": "so"}],
                           CONSENSUS_MECHANISMS=[{"NAME": "POW"}], HASHING_ALGORITHM_TYPES=[{"NAME": "SHA_256"}],
                           CONSENSUS_ALGORITHM_TYPES=[{"NAME": "PROOF", "DESCRIPTION": "of work"}], PREVIOUS_ASSET_SYMBOLS=["OLD"])
                     for number in range(1, 131)]
    vendor.exchanges = {number: exchange(number, f"Exchange{number}") for number in range(1, 11)}
    for number in range(1, 11):
        vendor.add_market("spot", f"exchange{number}", [pair(f"P{k}", f"A{k}", "USD", k) for k in range(1, 11)])
        vendor.add_market("futures", f"exchange{number}", [contract(f"F{k}", f"A{k}") for k in range(1, 11)], ID=number)
    return vendor


def take(world, url, *arguments, at=AT, expect=0, environment=None):
    return world.run_json(*arguments, vendor=url, expect=expect, environment={**at, **(environment or {})})


def results(document):
    return [each for operation in document["operations"] for each in operation["lists"]]


def total(document, name):
    return sum(each[name] for each in results(document))


def snapshot(world):
    """table -> key -> row as a dictionary."""
    found = {}
    with contextlib.closing(sqlite3.connect(f"file:{world.database}?mode=ro", uri=True)) as db:
        db.row_factory = sqlite3.Row
        for table in TABLES:
            keys = [name for _, name, _, _, _, place in sorted(db.execute(f"PRAGMA table_info({table})"), key=lambda c: c[5]) if place]
            rows = map(dict, db.execute(f"SELECT * FROM {table}"))
            found[table] = {tuple(row[key] for key in keys): row for row in rows}
    return found


def differences(before, after):
    """(table, key) -> names of the columns that moved; "added" or "removed"."""
    found = {}
    for table in TABLES:
        for key in before[table].keys() | after[table].keys():
            old, new = before[table].get(key), after[table].get(key)
            if old is None or new is None:
                found[table, key] = "removed" if new is None else "added"
            elif old != new:
                found[table, key] = sorted(name for name in new if old[name] != new[name])
    return found


@contextlib.contextmanager
def stored(world, vendor, *types):
    """Everything of the vendor is stored; yields its address and what the tables hold."""
    with harness.replay(vendor.answer) as (url, _):
        for name in types or TYPES:
            take(world, url, name)
        yield url, snapshot(world)


CHANGES = [
    # operation, what changes at the vendor, what is to differ then
    ("asset_metadata", lambda v: v.assets[120].update(NAME="Another"), {("assets", (121,)): ["name", "updated_at"]}),
    ("asset_metadata", lambda v: v.assets[3].update(LAUNCH_DATE=None), {("assets", (4,)): ["launch_date", "updated_at"]}),
    ("asset_metadata", lambda v: v.assets[2]["ASSET_INDUSTRIES"][0].update(JUSTIFICATION="or so"),
     {("asset_industries", (3, "PAYMENT")): ["justification", "updated_at"]}),
    ("asset_metadata", lambda v: v.assets[5].update(ASSET_INDUSTRIES=None), {("asset_industries", (6, "PAYMENT")): "removed"}),
    ("asset_metadata", lambda v: v.assets[5]["CONSENSUS_MECHANISMS"].append({"NAME": "POS"}),
     {("asset_consensus_mechanisms", (6, "POS")): "added"}),
    ("asset_metadata", lambda v: v.assets[6].update(PREVIOUS_ASSET_SYMBOLS=[{"SYMBOL": "OLD"}, "OLDER"]),
     {("asset_previous_symbols", (7, "OLDER")): "added"}),
    ("asset_metadata", lambda v: v.assets[7].update(PRICE_USD=2.5, PRICE_USD_LAST_UPDATE_TS=NOW - 10),
     {("asset_market_data", (8, NOW - 10)): "added"}),
    ("asset_metadata", lambda v: v.assets.append(asset(131, "NEW", ASSET_ALTERNATIVE_IDS=None, PRICE_USD_LAST_UPDATE_TS=None)),
     {("assets", (131,)): "added"}),
    ("asset_metadata", lambda v: v.assets.pop(9), {("assets", (10,)): ["is_listed", "updated_at"]}),
    ("exchange_metadata", lambda v: v.exchanges[4].update(Grade="B"), {("exchanges", ("4",)): ["grade", "updated_at"]}),
    ("exchange_metadata", lambda v: v.exchanges[4].update(GradePoints=71.5), {}),  # the same number, no longer as a text
    ("exchange_metadata", lambda v: v.exchanges.pop(5), {("exchanges", ("5",)): ["is_listed", "updated_at"]}),
    ("exchange_metadata", lambda v: v.markets["spot"]["exchange2"].update(MAPPED_INSTRUMENTS_TOTAL=11),
     {("spot_markets", ("exchange2",)): ["mapped_instruments_total", "updated_at"]}),
    ("exchange_metadata", lambda v: v.markets["futures"]["exchange2"].update(NAME="Two"),
     {("futures_markets", ("exchange2",)): ["name", "updated_at"]}),
    ("spot_instruments", lambda v: v.instruments["spot"]["exchange7"]["A3-USD"].update(INSTRUMENT_STATUS="RETIRED"),
     {("spot_instruments", ("exchange7", "P3")): ["instrument_status", "updated_at"]}),
    ("spot_instruments", lambda v: v.instruments["spot"]["exchange7"].pop("A4-USD"),
     {("spot_instruments", ("exchange7", "P4")): ["is_listed", "updated_at"]}),
    ("futures_instruments", lambda v: v.instruments["futures"]["exchange8"]["A3-USDT-VANILLA-PERPETUAL"].update(CONTRACT_EXPIRATION_TS=NOW),
     {("futures_instruments", ("exchange8", "F3")): ["contract_expiration_ts", "updated_at"]}),
]


def test_one_change_is_one_row(world):
    vendor = filled()
    with stored(world, vendor) as (url, before):
        for name, change, expected in CHANGES:
            change(vendor)
            document = take(world, url, name, at=LATER)
            after = snapshot(world)
            assert differences(before, after) == expected, (expected, differences(before, after))
            written = [columns for columns in expected.values() if columns != "removed" and "is_listed" not in columns]
            assert document["records_inserted"] == document["totals"]["rows_written"] == len(written), (expected, document["totals"])
            for table, key in expected:  # when it was first seen stays
                if key in before[table] and key in after[table]:
                    assert after[table][key]["created_at"] == before[table][key]["created_at"] < after[table][key]["updated_at"], (table, key)
            before = after


def test_what_comes_back_is_listed_again(world):
    vendor = filled()
    with stored(world, vendor) as (url, before):
        gone = [vendor.instruments["spot"]["exchange1"].pop("A1-USD"), vendor.assets.pop(0), vendor.exchanges.pop(1)]
        for name in TYPES[:3]:
            assert total(take(world, url, name, at=LATER), "gone") == 1, name
        vendor.instruments["spot"]["exchange1"]["A1-USD"], vendor.exchanges[1] = gone[0], gone[2]
        vendor.assets.insert(0, gone[1])
        for name in TYPES[:3]:
            document = take(world, url, name, at=LATER)
            assert (total(document, "changed"), total(document, "added"), total(document, "gone")) == (1, 0, 0), (name, results(document))
        after = snapshot(world)
        assert set(map(tuple, differences(before, after).values())) == {("updated_at",)}, differences(before, after)


def test_a_list_shrinks_by_a_fifth_and_no_more(world):
    vendor = filled()
    market = vendor.instruments["spot"]["exchange1"]
    command = ["spot_instruments", "--exchanges", "exchange1"]
    with stored(world, vendor, "spot_instruments") as (url, _):
        for count, gone in ((8, 2), (7, 1), (6, 1)):  # a fifth of what was listed, not of what ever was
            while len(market) > count:
                market.popitem()
            assert total(take(world, url, *command, at=LATER), "gone") == gone
        before = snapshot(world)
        market.popitem(), market.popitem()
        result = world.run(*command, vendor=url, environment=LATER)
        assert result.returncode == 7 and snapshot(world) == before, result
        alerts = [line for line in result.stderr.splitlines() if "exchange1" in line and "20 %" in line]
        assert len(alerts) >= 1 and "--force" in result.stderr, result.stderr
        document = take(world, url, *command, "--force", at=LATER)
        assert total(document, "gone") == 2, results(document)
        assert world.query("SELECT count(*), sum(is_listed) FROM spot_instruments WHERE market = 'exchange1'") == [(10, 4)]


def test_one_list_that_shrank_leaves_the_others_alone(world):
    vendor = filled()
    with stored(world, vendor) as (url, before):
        vendor.markets["spot"] = dict(list(vendor.markets["spot"].items())[:5])
        vendor.exchanges[3]["Country"] = "Malta"
        document = take(world, url, "exchange_metadata", at=LATER, expect=1)
        assert {each["table"]: each["state"] for each in results(document)} == {
            "exchanges": "complete", "spot_markets": "failed", "futures_markets": "up_to_date"}, results(document)
        assert set(differences(before, snapshot(world))) == {("exchanges", ("3",))}
        take(world, url, "exchange_metadata", "--exchange_type", "futures", at=LATER)
        # An empty list is none that shrank to nothing.
        vendor.instruments["futures"]["exchange1"] = {}
        take(world, url, "futures_instruments", "--exchanges", "exchange1", at=LATER, expect=7)
        assert world.query("SELECT sum(is_listed) FROM futures_instruments WHERE market = 'exchange1'") == [(10,)]


def test_a_short_page_takes_nothing_away(world):
    """The vendor says how many assets there are: what is missing of them is not gone."""
    vendor = filled()
    with stored(world, vendor, "asset_metadata") as (url, before):
        vendor.total = len(vendor.assets)
        del vendor.assets[125:]
        take(world, url, "asset_metadata", at=LATER)
        assert snapshot(world)["assets"] == before["assets"], differences(before, snapshot(world))


def test_an_asset_that_slips_between_two_pages_is_not_gone(world):
    """One of the first page vanishes after it was read: all behind it move up, and one stands on no page."""
    vendor = filled()
    with stored(world, vendor, "asset_metadata") as (url, before):
        def hook(path, query):
            if query.get("page") == "2":
                vendor.hook = None
                vendor.assets.pop(0)
            return None
        vendor.hook = hook
        take(world, url, "asset_metadata", at=LATER)
        listed = snapshot(world)["assets"]
        assert listed[101,]["is_listed"] == 1, differences(before, snapshot(world))


def test_an_asset_on_two_pages_is_one(world):
    vendor = filled()
    vendor.hook = lambda path, query: (200, {"Data": {
        "STATS": {"PAGE": 2, "PAGE_SIZE": 100, "TOTAL_ASSETS": 130}, "LIST": [dict(vendor.assets[99], NAME="again")] + vendor.assets[100:]},
        "Err": {}}) if query.get("page") == "2" else None
    with stored(world, vendor, "asset_metadata"):
        assert world.query("SELECT count(*), count(DISTINCT id), sum(name = 'again') FROM assets") == [(130, 130, 0)]
        assert world.query("SELECT count(*) FROM asset_industries") == [(130,)]


def test_a_record_that_cannot_be_true_is_refused_alone(world):
    vendor = filled()
    with stored(world, vendor) as (url, before):
        vendor.assets[10]["SYMBOL"] = 5
        vendor.assets[11]["NAME"] = "Another"
        vendor.instruments["spot"]["exchange1"]["A2-USD"]["HAS_TRADES_SPOT"] = "\x1b[31myes\u202e"
        vendor.exchanges[2]["GradePoints"] = "many\x1b]0;title\x07"
        for name, expected in (("asset_metadata", {("assets", (12,))}), ("spot_instruments", set()), ("exchange_metadata", set())):
            before = snapshot(world)
            result = world.run(name, "--json", vendor=url, environment=LATER)
            assert result.returncode in (0, 1) and is_harmless(result.stderr.replace("\n", "")), result
            after = snapshot(world)
            # The vendor still lists it, so the row stays as it is.
            assert set(differences(before, after)) == expected, (name, differences(before, after))
        document = take(world, url, "spot_instruments", at=LATER, expect=result.returncode)
        assert total(document, "refused") == 1, [each for each in results(document) if each["refused"]]


def test_a_list_that_breaks_off_takes_nothing_away(world):
    vendor = filled()
    with stored(world, vendor, "asset_metadata") as (url, before):
        vendor.assets[0]["NAME"] = "Another"
        vendor.hook = lambda path, query: (500, {"Err": {"message": "no"}}) if query.get("page") == "2" else None
        result = world.run("asset_metadata", vendor=url, environment=dict(LATER, API_MAX_RETRIES="1"))
        assert result.returncode == 1 and "HTTP 500" in result.stderr, result
        assert set(differences(before, snapshot(world))) <= {("assets", (1,))}, differences(before, snapshot(world))
        vendor.hook = None
        take(world, url, "asset_metadata", at=LATER)
        assert set(differences(before, snapshot(world))) == {("assets", (1,))}


def test_a_cache_keeps_no_list_that_was_not_taken_whole(world):
    """What was refused, cut short or impossible once is asked for again, as without a cache."""
    cached = {"CACHE_ENABLED": "true", "CACHE_BACKEND": "file", "CACHE_DEFAULT_TTL": "86400"}
    vendor = filled()
    with stored(world, vendor) as (url, before):
        whole, vendor.markets["spot"] = vendor.markets["spot"], dict(list(vendor.markets["spot"].items())[:5])
        take(world, url, "exchange_metadata", at=LATER, expect=1, environment=cached)  # the other lists of it are committed
        vendor.markets["spot"] = whole
        again = take(world, url, "exchange_metadata", at=LATER, environment=cached)
        assert again["totals"]["cache_hits"] == 2 and again["totals"]["metadata_calls"] == 1, again["totals"]
        vendor.total, kept = len(vendor.assets), vendor.assets[125:]
        del vendor.assets[125:]
        take(world, url, "asset_metadata", at=LATER, environment=cached)
        vendor.assets += [dict(each, NAME="Another") for each in kept]
        take(world, url, "asset_metadata", at=LATER, environment=cached)
        assert world.query("SELECT count(*) FROM assets WHERE name = 'Another'") == [(5,)]
        vendor.instruments["spot"]["exchange1"]["A2-USD"]["HAS_TRADES_SPOT"] = "yes"
        take(world, url, "spot_instruments", "--exchanges", "exchange1", at=LATER, expect=1, environment=cached)
        vendor.instruments["spot"]["exchange1"]["A2-USD"]["HAS_TRADES_SPOT"] = True
        mended = take(world, url, "spot_instruments", "--exchanges", "exchange1", at=LATER, environment=cached)
        assert total(mended, "refused") == 0, results(mended)


def test_the_kind_of_exchanges(world):
    vendor = filled()
    with harness.replay(vendor.answer) as (url, _):
        for kind, paths in (("spot", ["/spot/v1/markets"]), ("futures", ["/futures/v1/markets"]), ("all", ["/spot/v1/markets", "/futures/v1/markets"])):
            vendor.asked.clear()
            take(world, url, "exchange_metadata", "--exchange_type", kind)
            assert [path for path, _ in vendor.asked] == ["/data/exchanges/general", *paths], (kind, vendor.asked)
        assert vendor.asked[0][1].get("tsym") == "USD", vendor.asked[0]
        result = world.run("exchange_metadata", "--exchange_type", "sport", vendor=url, environment=AT)
        assert result.returncode == 2 and "spot" in result.stderr, result


def test_statuses_and_groups_that_are_asked_for(world):
    vendor = filled()
    with stored(world, vendor):
        for path, query in vendor.asked:
            if path.endswith("instruments"):
                assert set(query["instrument_status"].split(",")) == {"ACTIVE", "IGNORED", "RETIRED", "EXPIRED",
                                                                      "READY_FOR_DECOMMISSIONING", "RETIRED_UNMAPPED"}, query
            if path == "/asset/v1/top/list":
                assert query["page_size"] == "100" and {"ID", "BASIC", "CLASSIFICATION", "DESCRIPTION_SUMMARY", "SUPPLY", "PRICE", "MKT_CAP",
                                                        "VOLUME"} <= set(query["groups"].split(",")), query
        assert [query["page"] for path, query in vendor.asked if path == "/asset/v1/top/list"] == ["1", "2"]
        asked = [(path, query["market"]) for path, query in vendor.asked if path.endswith("instruments")]
        assert len(asked) == len(set(asked)) == 20, asked


def test_the_settings_of_change_detection(world):
    vendor = filled()
    with stored(world, vendor, "exchange_metadata") as (url, before):
        assert total(take(world, url, "exchange_metadata", at=LATER), "changed") == 0
        for environment in ({"METADATA_CHANGE_DETECTION": "false"}, {"METADATA_FULL_REFRESH": "true"}):
            document = take(world, url, "exchange_metadata", at=LATER, environment=environment)
            assert total(document, "changed") == total(document, "listed") == 30, (environment, results(document))
        after = snapshot(world)
        assert set(map(tuple, differences(before, after).values())) == {("updated_at",)}, differences(before, after)
        vendor.exchanges.pop(9)
        document = take(world, url, "exchange_metadata", "--full_refresh", at=LATER)
        assert total(document, "gone") == 1 and snapshot(world)["exchanges"]["9",]["is_listed"] == 0


HARD = {
    "LAUNCH_DATE": -5364662400, "ID_LEGACY": 2 ** 53 + 1, "SUPPLY_MAX": 1e21, "SUPPLY_ISSUED": 8.3e20, "PRICE_USD": 1.29e-7,
    "SUPPLY_BURNT": 0, "SUPPLY_LOCKED": None, "LAST_BLOCK_HASHES_PER_SECOND": 833921654247199700000, "LAST_BLOCK_NUMBER": 2 ** 62,
    "MKT_CAP_PENALTY": -0.0000121451, "CIRCULATING_MKT_CAP_USD": 2038464606662.0415, "ASSET_SYMBOL_GLYPH": "\u20bf",
    "PUBLIC_NOTICE": "", "LAST_BLOCK_ISSUER": None,
}


def test_hard_values_are_stored_as_they_are(world):
    vendor = ListVendor()
    vendor.assets = [asset(1, "$X", **HARD), asset(2, "O'NEIL"), asset(3, "M\u00c8ME"), asset(4, '"'), asset(5, "\\"), asset(6, "A,B;C"),
                     asset(7, "\u202eEVIL"), asset(8, "\x1b[2J\x07"), asset(9, "<script>alert(1)</script>"), asset(10, "%s%n{}"),
                     asset(11, "'; DROP TABLE assets; --"), asset(12, "\U0001F680"), asset(13, "NULL")]
    with harness.replay(vendor.answer) as (url, _):
        take(world, url, "asset_metadata")
    row = snapshot(world)["assets"][1,] | snapshot(world)["asset_market_data"][1, NOW - 60]
    wrong = {name: (row[name.lower()], value) for name, value in HARD.items()
             if row[name.lower()] != (float(value) if isinstance(value, int) and abs(value) >= 2 ** 63 else value)}
    assert not wrong, wrong
    symbols = {number: symbol for number, symbol in world.query("SELECT id, symbol FROM assets")}
    expected = {each["ID"]: each["SYMBOL"] for each in vendor.assets}
    assert symbols == expected, symbols
    rows = world.run_json("list", "assets", environment=AT)["lists"][0]["rows"]
    assert {row["id"]: row["symbol"] for row in rows} == symbols
    for command in (["list", "assets"], ["list", "assets", "-v"], ["list", "assets", "--json"], ["status"]):
        assert is_harmless(world.run(*command, environment=AT).stdout), command
        text, code = on_terminal(world, *command, environment=AT)
        assert code == 0 and is_harmless(without_colours(text)), command


def test_unknown_members_are_counted(world):
    vendor = filled()
    wild = "\x1b[31mNEW\u202e'\""
    vendor.exchanges[1].update({wild: 1, "Another": {"A": 1, "B": 2}})
    vendor.exchanges[2]["GradePointsSplit"]["Luck"] = 3
    vendor.assets[0]["ASSET_INDUSTRIES"][0]["SINCE"] = 1
    vendor.instruments["spot"]["exchange1"]["A1-USD"]["INSTRUMENT_MAPPING"]["LEVERAGE"] = 3
    with harness.replay(vendor.answer) as (url, _):
        counts = {}
        for name in TYPES:
            result = world.run(name, "-v", vendor=url, environment=AT)
            assert result.returncode == 0 and is_harmless(result.stdout) and is_harmless(result.stderr), result
            for each in results(take(world, url, name)):
                if each["unknown_keys"]:
                    counts[each["table"], each["market"]] = each["unknown_keys"], each["first_unknown_key"]
            if name == "exchange_metadata":
                assert re.search("exchanges: 3 members .*NEW", result.stdout + result.stderr), result
    assert counts == {("exchanges", None): (3, wild), ("assets", None): (1, "SINCE"), ("spot_instruments", "exchange1"): (1, "LEVERAGE")}, counts


def test_hostile_names_of_every_list(world):
    """Names that the vendor may give to markets, exchanges and instruments reach databases and JSON whole, terminals harmless."""
    names = ["A'B", 'x"y', "\u202eevil", "a\\b", "*", "'; DROP TABLE exchanges; --", "\x1b[2J", "</td><b>", "\U0001F600", "{{7*7}}", "%n%s"]
    vendor = ListVendor()
    vendor.exchanges = {number: exchange(number, name, Country=name, Description=name) for number, name in enumerate(names, 1)}
    vendor.markets["spot"] = {name: {"EXCHANGE_STATUS": name} for name in names}
    vendor.markets["futures"] = {name: {"NAME": name} for name in names}
    with harness.replay(vendor.answer) as (url, _):
        result = world.run("exchange_metadata", "-v", vendor=url, environment=AT)
        assert result.returncode in (0, 1) and is_harmless(result.stdout) and is_harmless(result.stderr), result
        assert [name for name, in world.query("SELECT name FROM exchanges ORDER BY id + 0")] == names
        for table in ("spot_markets", "futures_markets"):
            assert {name for name, in world.query(f"SELECT market FROM {table}")} >= {name for name in names if "\x1b" not in name}, table
    for table, member in (("exchanges", "name"), ("spot_markets", "market")):
        rows = world.run_json("list", table, environment=AT)["lists"][0]["rows"]
        assert {row[member] for row in rows} >= {name for name in names if "\x1b" not in name}, table
    for command in (["list", "exchanges"], ["list", "exchanges", "-v"], ["list", "markets"], ["list", "exchanges", "--json"], ["status"]):
        assert is_harmless(world.run(*command, environment=AT).stdout), command
        text, _ = on_terminal(world, *command, environment=AT)
        assert is_harmless(without_colours(text)), command


harness.main(globals())
