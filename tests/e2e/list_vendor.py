"""A vendor of lists made of Python: assets, exchanges, markets and instruments that each test fills and changes.

Everything that it is asked is answered from its dictionaries; hook(path, query) stands before that and returns None (the
true answer), or (status, body).
"""
import json
import urllib.parse

from fake_vendor import DAY, NOT_FOUND, NOW, candle

STATUSES = ("ACTIVE", "IGNORED", "RETIRED", "EXPIRED", "READY_FOR_DECOMMISSIONING", "RETIRED_UNMAPPED")
START = NOW // DAY * DAY - 30 * DAY


def asset(number, symbol, **members):
    return {"ID": number, "TYPE": "162", "SYMBOL": symbol, "URI": f"asset-{number}", "ASSET_TYPE": "TOKEN", "NAME": f"Asset {number}",
            "CREATED_ON": 1600000000 + number, "UPDATED_ON": 1700000000, "LAUNCH_DATE": 1600000000, "PREVIOUS_ASSET_SYMBOLS": None,
            "ASSET_ALTERNATIVE_IDS": [{"NAME": "CMC", "ID": str(number)}], "PRICE_USD": 1.5, "PRICE_USD_LAST_UPDATE_TS": NOW - 60,
            **members}


def exchange(number, name, grade="AA", **members):
    return {"Id": str(number), "Name": name, "InternalName": name, "Grade": grade, "GradePoints": "71.5",
            "GradePointsSplit": {"Legal": "16.3"}, "TOTALVOLUME24H": {"BTC": 1.5, "USD": 100000.25}, **members}


def pair(native, base, quote, trades=1000, status="ACTIVE", **members):
    mapped = f"{base}-{quote}"
    return {"TYPE": "612", "INSTRUMENT_STATUS": status, "INSTRUMENT": native, "MAPPED_INSTRUMENT": mapped,
            "INSTRUMENT_MAPPING": {"MAPPED_INSTRUMENT": mapped, "BASE": base, "BASE_ID": 1, "QUOTE": quote, "QUOTE_ID": 5,
                                   "TRANSFORM_FUNCTION": "", "CREATED_ON": 1600000000},
            "HAS_TRADES_SPOT": True, "FIRST_TRADE_SPOT_TIMESTAMP": START, "LAST_TRADE_SPOT_TIMESTAMP": NOW - 5,
            "TOTAL_TRADES_SPOT": trades, **members}


ALL_FEEDS = ("TRADES_FUTURES", "FUNDING_RATE_UPDATES", "OPEN_INTEREST_UPDATES")


def contract(native, base="BTC", kind="VANILLA-PERPETUAL", status="ACTIVE", data=ALL_FEEDS, last=NOW - 5, **members):
    mapped = f"{base}-USDT-{kind}"
    entry = {"TYPE": "614", "INSTRUMENT_STATUS": status, "INSTRUMENT": native, "MAPPED_INSTRUMENT": mapped,
             "INSTRUMENT_MAPPING": {"MAPPED_INSTRUMENT": mapped, "INDEX_UNDERLYING": base, "QUOTE_CURRENCY": "USDT",
                                    "SETTLEMENT_CURRENCY": "USDT", "CONTRACT_CURRENCY": base, "DENOMINATION_TYPE": "VANILLA",
                                    "TRANSFORM_FUNCTION": "", "CREATED_ON": 1600000000},
             "HAS_TRADES_FUTURES": "TRADES_FUTURES" in data, "HAS_FUNDING_RATE_UPDATES": "FUNDING_RATE_UPDATES" in data,
             "HAS_OPEN_INTEREST_UPDATES": "OPEN_INTEREST_UPDATES" in data, "CONTRACT_EXPIRATION_TS": None}
    for name in ("TRADE_FUTURES", "FUNDING_RATE_UPDATE", "OPEN_INTEREST_UPDATE"):
        entry[f"FIRST_{name}_TIMESTAMP"], entry[f"LAST_{name}_TIMESTAMP"] = START, last
    return dict(entry, **members)


class ListVendor:
    def __init__(self):
        self.assets = []                     # in the order of CREATED_ON
        self.ranking = None                  # symbols by 30-day volume; None: the assets' order
        self.exchanges = {}                  # number -> record
        self.instruments = {"spot": {}, "futures": {}}  # market -> name of the member -> record
        self.markets = {"spot": {}, "futures": {}}      # market -> members of its record
        self.total = None                    # TOTAL_ASSETS; None: what there is
        self.now = NOW
        self.hook = None
        self.asked = []                      # (path, query as a dictionary)

    def add_market(self, kind, market, entries, **members):
        self.instruments[kind][market] = {entry["MAPPED_INSTRUMENT"]: entry for entry in entries}
        self.markets[kind][market] = {"TYPE": "602", "EXCHANGE_STATUS": "ACTIVE", "MAPPED_INSTRUMENTS_TOTAL": len(entries), **members}

    def page(self, query):
        listed = self.assets
        if query["sort_by"] != "CREATED_ON" and self.ranking is not None:
            listed = [asset(number, symbol) for number, symbol in enumerate(self.ranking, 1)]
        size, number = int(query["page_size"]), int(query["page"])
        return {"STATS": {"PAGE": number, "PAGE_SIZE": size, "TOTAL_ASSETS": len(listed) if self.total is None else self.total},
                "LIST": listed[(number - 1) * size:number * size]}

    def catalogue(self, kind, query):
        if query["market"] not in self.instruments[kind]:
            return NOT_FOUND
        statuses = query["instrument_status"].split(",")
        entries = {name: entry for name, entry in self.instruments[kind][query["market"]].items()
                   if entry["INSTRUMENT_STATUS"] in statuses}
        return 200, {"Data": {query["market"]: {"TYPE": "602", "instruments": entries}}, "Err": {}}

    def candles(self, kind, path, query):
        entries = self.instruments[kind].get(query["market"], {}).values()
        found = [entry for entry in entries if query["instrument"] in (entry["INSTRUMENT"], entry["MAPPED_INSTRUMENT"])]
        if not found or not path.endswith("/days"):
            return NOT_FOUND
        last = min(int(query["to_ts"]), self.now) // DAY * DAY
        rows = [candle(query["market"], found[0]["INSTRUMENT"], found[0]["MAPPED_INSTRUMENT"], "days", ts)
                for ts in range(last - (int(query["limit"]) - 1) * DAY, last + 1, DAY) if ts >= START]
        return 200, {"Data": rows, "Err": {}}

    def truth(self, path, query):
        kind = path.split("/")[1]
        if path == "/data/exchanges/general":
            return 200, {"Response": "Success", "Message": "", "HasWarning": False, "Type": 100, "RateLimit": {},
                         "Data": {str(number): record for number, record in self.exchanges.items()}}
        if path == "/asset/v1/top/list":
            return 200, {"Data": self.page(query), "Err": {}}
        if path.endswith("/v1/markets"):
            return 200, {"Data": self.markets[kind], "Err": {}}
        if path.endswith("/markets/instruments"):
            return self.catalogue(kind, query)
        return self.candles(kind, path, query)

    def answer(self, path, query):
        """For harness.replay."""
        query = dict(urllib.parse.parse_qsl(query))
        self.asked.append((path, query))
        status, body = (self.hook(path, query) if self.hook else None) or self.truth(path, query)
        return status, {"Content-Type": "application/json"}, json.dumps(body).encode()
