"""Metadata lists: written once, changed where they changed, kept when they vanish, refused when they shrink; samples and names."""
import contextlib
import json
import re
import sqlite3
import urllib.parse
import urllib.request

import harness

NOW, LATER, TOMORROW = "2026-03-01T12:00:00Z", "2026-03-01T12:00:30Z", "2026-03-02T12:00:30Z"
TYPES = ["asset_metadata", "exchange_metadata", "spot_instruments", "futures_instruments"]
STAMPED = ["assets", "asset_alternative_ids", "asset_industries", "exchanges", "spot_markets", "futures_markets", "spot_instruments",
           "futures_instruments"]


def take(world, sim, *arguments, now=NOW, expect=0, environment=None):
    return world.run_json(*arguments, vendor=sim.url, expect=expect, environment=dict(environment or {}, CCDATA_NOW=now))


def lists(document):
    return {(each["table"], each["market"]): each for operation in document["operations"] for each in operation["lists"]}


def total(document, name):
    return sum(each[name] for each in lists(document).values())


def stamps(world, table):
    """Every row of a table, its times too."""
    return sorted(world.query(f"SELECT * FROM {table}"), key=repr)


def test_a_second_run_writes_nothing(world):
    with harness.simulator(world, "--now", NOW) as sim:
        for name in TYPES:
            assert total(take(world, sim, name), "added") > 0, name
        before = {table: stamps(world, table) for table in STAMPED + ["asset_market_data"]}
        for name in TYPES:
            document = take(world, sim, name, now=LATER)
            assert document["records_inserted"] == 0 == total(document, "added") + total(document, "changed"), (name, document["totals"])
        after = {table: stamps(world, table) for table in before}
        assert after == before, [table for table in before if after[table] != before[table]]
        # On demand all of them are written again; when they were first seen stays.
        created = world.query("SELECT id, created_at FROM exchanges ORDER BY id")
        document = take(world, sim, "exchange_metadata", "--full_refresh", now=LATER)
        assert total(document, "changed") == total(document, "listed") > 50, document["totals"]
        assert world.query("SELECT id, created_at FROM exchanges ORDER BY id") == created
        assert not set(stamps(world, "exchanges")) & set(before["exchanges"])


def test_what_changed_is_written_and_what_vanished_is_kept(world):
    with harness.simulator(world, "--now", NOW) as sim:
        take(world, sim, "spot_instruments", "--exchanges", "kraken", "binance")
    before = dict(((market, instrument), rest) for market, instrument, *rest in world.query("SELECT market, instrument, * FROM spot_instruments"))
    # The vendor's time stands: counters and last trades move with it.
    with harness.simulator(world, "--now", NOW, "--metadata_version", "2") as sim:
        document = take(world, sim, "spot_instruments", "--exchanges", "kraken", "binance", now=TOMORROW)
        again = take(world, sim, "spot_instruments", "--exchanges", "kraken", "binance", now=TOMORROW)
    for market in ("kraken", "binance"):
        counts = lists(document)["spot_instruments", market]
        assert (counts["added"], counts["changed"], counts["gone"]) == (1, 1, 1), counts
        assert counts["listed"] == counts["added"] + counts["changed"] + counts["unchanged"], counts
        counts = lists(again)["spot_instruments", market]
        assert (counts["added"], counts["changed"], counts["gone"]) == (0, 0, 0), counts
    after = dict(((market, instrument), rest) for market, instrument, *rest in world.query("SELECT market, instrument, * FROM spot_instruments"))
    assert len(after) == len(before) + 2 and sum(after[key] != before[key] for key in before) == 4
    assert world.query("SELECT market, count(*) FROM spot_instruments WHERE NOT is_listed GROUP BY 1 ORDER BY 1") == [("binance", 1), ("kraken", 1)]
    assert world.query("SELECT count(*) FROM spot_instruments WHERE created_at < updated_at") == [(4,)]


def test_a_list_that_shrank_is_refused(world):
    with harness.simulator(world, "--now", NOW) as sim:
        take(world, sim, "futures_instruments", "--exchanges", "binance")
        take(world, sim, "asset_metadata")
    before = stamps(world, "futures_instruments"), stamps(world, "assets")
    with harness.simulator(world, "--now", TOMORROW, "--shrink") as sim:
        for name, table in (("futures_instruments", "futures_instruments"), ("asset_metadata", "assets")):
            arguments = [name] + (["--exchanges", "binance"] if table == name else [])
            result = world.run(*arguments, vendor=sim.url, environment={"CCDATA_NOW": TOMORROW})
            assert result.returncode == 7, (name, result)
            assert table in result.stderr and "--force" in result.stderr, result.stderr
        assert (stamps(world, "futures_instruments"), stamps(world, "assets")) == before
        document = take(world, sim, "futures_instruments", "--exchanges", "binance", "--force", now=TOMORROW)
        counts = lists(document)["futures_instruments", "binance"]
        assert counts["gone"] > 20 and len(stamps(world, "futures_instruments")) == len(before[0]), counts


def test_snapshots_are_appended_once_for_each_vendor_time(world):
    counts = []
    for now in (NOW, NOW, TOMORROW):
        with harness.simulator(world, "--now", now) as sim:
            take(world, sim, "asset_metadata", now=now)
        counts += world.query("SELECT count(*), count(DISTINCT asset_id) FROM asset_market_data")
    assert counts[0] == counts[1] and counts[2] == (2 * counts[0][0], counts[0][1]), counts


# ---- the vendor's recorded replies ----

def flatten(record, prefix=""):
    """SQL name -> scalar of a record, as INTERFACE.md makes names."""
    for key, value in record.items():
        name = re.sub(r"(?<=[a-z0-9])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])", "_", key) if not key.isupper() else key
        if isinstance(value, dict):
            yield from flatten(value, prefix + name.lower() + "_")
        elif not isinstance(value, list):
            yield prefix + name.lower(), value


def sample(name):
    path = harness.SHARED / "api" / "samples" / name
    if not path.exists():
        raise harness.Skip(f"{name} is not beside this checkout")
    return json.loads(path.read_text())


def vendor_of(replies):
    def answer(path, query):
        market = urllib.parse.parse_qs(query).get("market", [None])[0]
        for start, body in sorted(replies.items(), reverse=True):  # the longer path first
            if path.startswith(start):
                if path.endswith("/instruments"):
                    body = dict(body, Data={market: body["Data"][market]})
                return 200, {"Content-Type": "application/json"}, json.dumps(body).encode()
        return 404, {}, b'{"Data":{},"Err":{"type":1,"message":"Not found","other_info":{}}}'
    return answer


def same(stored, sent):
    """A number in a text is the number; one that is stored as a double is the nearest one."""
    if isinstance(stored, float) or isinstance(sent, str) and isinstance(stored, int):
        return sent is not None and float(sent) == stored
    return stored == (int(sent) if isinstance(sent, bool) else sent)


# They repeat the USD ones while that is the quote asset, or are texts made of other members.
LEFT_OUT = re.compile(r".*_conversion|price_conversion_.*|displaytotalvolume24h_.*|previous_asset_symbols")


def check_records(world, tables, key, records):
    """Every scalar is stored as it was sent in one of the tables; records: key -> record. The number of values."""
    compared = 0
    with contextlib.closing(sqlite3.connect(world.database)) as db:
        db.row_factory = sqlite3.Row
        for value, record in records.items():
            row = {}
            for number, table in enumerate(tables):
                rows = db.execute(f"SELECT * FROM {table} WHERE {key[number]} = ?", (value,)).fetchall()
                assert len(rows) == 1, (table, value, len(rows))
                row.update(dict(rows[0]))
            for name, sent in flatten(record):
                if not LEFT_OUT.fullmatch(name):
                    assert same(row[name], sent), (tables, value, name, row[name], sent)
                    compared += 1
    return compared


def test_recorded_replies_come_through(world):
    spot, futures = sample("spot_instruments.kraken_BTC-USD.json"), sample("futures_instruments.several.json")
    spot_markets, futures_markets = sample("spot_markets.kraken.json"), sample("futures_markets.several.json")
    exchanges, assets = sample("exchange_metadata.exchanges_general_Bitstamp_2019.json"), sample("asset_toplist.page1_size10.json")
    assets["Data"]["STATS"]["TOTAL_ASSETS"] = len(assets["Data"]["LIST"])
    compared = 0
    replies = {"/spot/v1/markets/instruments": spot, "/futures/v1/markets/instruments": futures, "/spot/v1/markets": spot_markets,
               "/futures/v1/markets": futures_markets, "/data/exchanges/general": exchanges, "/asset/v1/top/list": assets}
    with harness.replay(vendor_of(replies)) as (url, _):
        for arguments in (["asset_metadata"], ["exchange_metadata"], ["spot_instruments", "--exchanges", "kraken"],
                          ["futures_instruments", "--exchanges", *futures["Data"]]):
            world.run_json(*arguments, vendor=url, environment={"CCDATA_NOW": NOW})
    for entry in assets["Data"]["LIST"]:
        compared += check_records(world, ["asset_market_data", "assets"], ["asset_id", "id"], {entry["ID"]: entry})
        names = world.query("SELECT name, id FROM asset_alternative_ids WHERE asset_id = ? ORDER BY 1, 2", entry["ID"])
        assert names == sorted((each["NAME"], each["ID"]) for each in entry["ASSET_ALTERNATIVE_IDS"] or []), entry["SYMBOL"]
    compared += check_records(world, ["exchanges"], ["id"], {record["Id"]: record for record in exchanges["Data"].values()})
    compared += check_records(world, ["spot_markets"], ["market"], spot_markets["Data"])
    compared += check_records(world, ["futures_markets"], ["market"], futures_markets["Data"])
    for table, document in (("spot_instruments", spot), ("futures_instruments", futures)):
        entries = [(market, entry) for market, listed in document["Data"].items() for entry in listed["instruments"].values()]
        compared += check_rows(world, table, ["market", "instrument"], {(market, entry["INSTRUMENT"]): known(entry) for market, entry in entries})
    assert compared > 300, compared
    harness.figure(f"{compared} values of recorded metadata are stored as they were sent")


# What the simulator sends and nobody knows.
UNKNOWN = {"assets": "is_used_in_defi", "exchanges": "options_grade"}
LISTS = {"item_type", "futures_trading_mechanisms", "futures_settlement_types", "futures_denomination_types"}  # kept as JSON
PARTS = {"asset_alternative_ids": ("ASSET_ALTERNATIVE_IDS", ["NAME", "ID"]), "asset_industries": ("ASSET_INDUSTRIES", ["ASSET_INDUSTRY", "JUSTIFICATION"]),
         "asset_consensus_mechanisms": ("CONSENSUS_MECHANISMS", ["NAME"]), "asset_hashing_algorithm_types": ("HASHING_ALGORITHM_TYPES", ["NAME"]),
         "asset_consensus_algorithm_types": ("CONSENSUS_ALGORITHM_TYPES", ["NAME", "DESCRIPTION"])}


def replies(sim):
    """path -> what was answered to each request so far, asked for again."""
    found = {}
    for request in sim.requests():
        again = urllib.request.Request(f"{sim.url}{request['path']}?{request['query']}", headers={"Authorization": "Apikey " + harness.KEY})
        with urllib.request.urlopen(again) as reply:
            found.setdefault(request["path"], []).append(json.load(reply)["Data"])
    return found


def known(record, table=None):
    return {name: value for name, value in flatten(record) if name != UNKNOWN.get(table) and not LEFT_OUT.fullmatch(name)}


def check_rows(world, table, key, expected):
    """Every record of the vendor's is a row, and every row is one of its records. The number of values."""
    with contextlib.closing(sqlite3.connect(world.database)) as db:
        db.row_factory = sqlite3.Row
        rows = {tuple(row[name] for name in key): dict(row) for row in db.execute(f"SELECT * FROM {table}")}
    assert rows.keys() == expected.keys(), (table, rows.keys() ^ expected.keys())
    wrong = [(table, place, name, rows[place].get(name), sent) for place, record in expected.items() for name, sent in record.items()
             if not same(rows[place].get(name), sent)]
    assert not wrong, wrong[:5]
    ours = {"created_at", "updated_at", "is_listed", "asset_id", "market", *LISTS}
    invented = [(table, place, name, value) for place, row in rows.items() for name, value in row.items()
                if value is not None and name not in ours and name not in expected[place]]
    assert not invented, invented[:5]
    return sum(map(len, expected.values()))


def check_parts(world, records):
    for table, (array, members) in PARTS.items():
        expected = sorted((record["ID"], *(element[name] for name in members)) for record in records for element in record[array] or [])
        names = ", ".join(name.lower() for name in members)
        assert sorted(world.query(f"SELECT asset_id, {names} FROM {table}")) == expected and expected, table


def check_assets(world, pages):
    records = [record for page in pages for record in page["LIST"]]
    moving = {name for name, in world.query("SELECT name FROM pragma_table_info('asset_market_data')")}
    flat = {record["ID"]: known(record, "assets") for record in records}
    compared = check_rows(world, "assets", ["id"], {(number,): {k: v for k, v in record.items() if k not in moving} for number, record in flat.items()})
    priced = {(number, record["price_usd_last_update_ts"]): {k: v for k, v in record.items() if k in moving} for number, record in flat.items()
              if record.get("price_usd_last_update_ts") is not None}
    assert 0 < len(priced) < len(flat)
    check_parts(world, records)
    return compared + check_rows(world, "asset_market_data", ["asset_id", "price_usd_last_update_ts"], priced)


def test_every_value_of_every_list(world):
    """All that the simulator sends is in the database, and nothing else."""
    with harness.simulator(world, "--now", NOW, "--unlimited") as sim:
        for name in TYPES:
            take(world, sim, name)
        sent = replies(sim)
    compared = check_assets(world, sent["/asset/v1/top/list"])
    exchanges = sent["/data/exchanges/general"][0]
    compared += check_rows(world, "exchanges", ["id"], {(number,): known(record, "exchanges") for number, record in exchanges.items()})
    for kind in ("spot", "futures"):
        markets = sent[f"/{kind}/v1/markets"][0]
        compared += check_rows(world, f"{kind}_markets", ["market"], {(name,): known(record) for name, record in markets.items()})
        instruments = {(market, entry["INSTRUMENT"]): known(entry) for data in sent[f"/{kind}/v1/markets/instruments"]
                       for market, listed in data.items() for entry in listed["instruments"].values()}
        compared += check_rows(world, f"{kind}_instruments", ["market", "instrument"], instruments)
    harness.figure(f"{compared} values of the simulator's lists are stored as they were sent")


def test_unknown_members_are_counted_and_shown(world):
    with harness.simulator(world, "--now", NOW) as sim:
        result = world.run("exchange_metadata", "-v", vendor=sim.url, environment={"CCDATA_NOW": NOW})
        assert "OptionsGrade" in result.stdout + result.stderr, result
        counts = lists(take(world, sim, "exchange_metadata"))["exchanges", None]
        assert counts["unknown_keys"] >= counts["listed"] - 1 and counts["first_unknown_key"] == "OptionsGrade", counts


def test_hostile_names_travel_unharmed(world):
    with harness.simulator(world, "--now", NOW, "--hostile_names") as sim:
        for name in TYPES:
            take(world, sim, name)
        sent = sorted((market, entry["INSTRUMENT"]) for data in replies(sim)["/spot/v1/markets/instruments"]
                      for market, listed in data.items() for entry in listed["instruments"].values())
    wild = [name for _, name in sent if re.search("[\x00-\x1f\x7f'\"\\\\<>;$\u202e]", name)]
    assert len(wild) >= 5, wild
    # From the vendor into the database, and out again as JSON.
    assert sorted(world.query("SELECT market, instrument FROM spot_instruments")) == sent
    listed = json.loads(world.run("list", "spot_instruments", "--json").stdout)["lists"][0]["rows"]
    assert sorted((row["market"], row["instrument"]) for row in listed) == sent
    text = world.run("list", "instruments", "-v").stdout + world.run("list", "assets").stdout + world.run("status").stdout
    assert not re.search("[\x00-\x08\x0b-\x1f\x7f\u202a-\u202e\u2066-\u2069]", text), "a control character reaches the terminal"
    assert world.query("PRAGMA integrity_check") == [("ok",)]


def test_the_older_hosts_setting_may_end_in_data(world):
    with harness.simulator(world, "--now", NOW) as sim:
        for end in ("", "/", "/data", "/data/"):
            result = world.run("exchange_metadata", environment={"CCDATA_NOW": NOW, "DATA_API_BASE_URL": sim.url, "MIN_API_BASE_URL": sim.url + end})
            assert result.returncode == 0, (end, result)
        assert {r["path"].split("?")[0] for r in sim.requests()} == {"/data/exchanges/general", "/spot/v1/markets", "/futures/v1/markets"}


harness.main(globals())
