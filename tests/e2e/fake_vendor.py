"""A vendor made of Python for the hostile tests: it knows the truth, and each test bends its answers.

`hook(vendor, path, query)` stands before the candles, `list_hook` before everything else; each returns None (the true
answer), or (status, body) or (status, body, headers). A body that is no text is written as JSON.
"""
import datetime
import json
import time
import urllib.parse

MINUTE, HOUR, DAY = 60, 3600, 86400
NOW = 1772366400  # 2026-03-01T12:00:00Z
STEPS = {"days": DAY, "hours": HOUR, "minutes": MINUTE}
NOT_FOUND = (404, {"Data": {}, "Err": {"type": 1, "message": "Not found"}})


def iso(ts):
    return datetime.datetime.fromtimestamp(ts, datetime.timezone.utc).strftime("%Y-%m-%dT%H:%M:%SZ")


def candle(market, native, mapped, unit, ts):
    base = 100 + ts // MINUTE % 977
    return {"UNIT": unit[:-1].upper(), "TIMESTAMP": ts, "TYPE": "954", "MARKET": market, "INSTRUMENT": native,
            "MAPPED_INSTRUMENT": mapped, "BASE": "BTC", "QUOTE": "USD", "BASE_ID": 1, "QUOTE_ID": 5,
            "TRANSFORM_FUNCTION": "", "OPEN": base, "HIGH": base + 2.5, "LOW": base - 1.5, "CLOSE": base + 1,
            "TOTAL_TRADES": 7, "TOTAL_TRADES_BUY": 3, "TOTAL_TRADES_SELL": 4, "TOTAL_TRADES_UNKNOWN": 0,
            "VOLUME": 1.25, "QUOTE_VOLUME": base * 1.25}


class Vendor:
    def __init__(self, instruments=(("XXBTZUSD", "BTC-USD"),), market="kraken"):
        self.market = market
        self.instruments = list(instruments)  # (native, mapped)
        self.now = NOW
        self.first = NOW // DAY * DAY - 1000 * DAY
        self.missing = set()  # (mapped, ts) without a record
        self.changes = {}     # (mapped, ts) -> members that differ
        self.members = {}     # of every catalogue entry that differ
        self.hook = self.list_hook = None
        self.stamps = []      # when each request came

    def candles(self, path, query):
        unit = path.rsplit("/", 1)[1]
        step = STEPS[unit]
        known = [pair for pair in self.instruments if query["instrument"] in pair]
        if not known or query["market"] != self.market:
            return NOT_FOUND
        native, mapped = known[0]
        last = min(int(query["to_ts"]), self.now) // step * step
        if last < self.first:
            return 404, {"Data": {}, "Err": {"type": 1, "message": f"No entries available on or before {query['to_ts']}"}}
        rows = []
        for ts in range(last - (int(query["limit"]) - 1) * step, last + 1, step):
            if ts >= self.first and (mapped, ts) not in self.missing:
                rows.append(dict(candle(self.market, native, mapped, unit, ts), **self.changes.get((mapped, ts), {})))
        return 200, {"Data": rows, "Err": {}}

    def catalogue(self):
        entries = {}
        for native, mapped in self.instruments:
            entries[mapped] = dict({
                "TYPE": "612", "INSTRUMENT_STATUS": "ACTIVE", "INSTRUMENT": native, "MAPPED_INSTRUMENT": mapped,
                "INSTRUMENT_MAPPING": {"MAPPED_INSTRUMENT": mapped, "BASE": "BTC", "BASE_ID": 1, "QUOTE": "USD",
                                       "QUOTE_ID": 5, "TRANSFORM_FUNCTION": "", "CREATED_ON": 1},
                "HAS_TRADES_SPOT": True, "FIRST_TRADE_SPOT_TIMESTAMP": self.first,
                "LAST_TRADE_SPOT_TIMESTAMP": self.now, "TOTAL_TRADES_SPOT": 1000}, **self.members)
        return 200, {"Data": {self.market: {"TYPE": "602", "EXCHANGE_STATUS": "ACTIVE", "instruments": entries}}, "Err": {}}

    def lists(self, path, query):
        if path.endswith("/markets/instruments"):
            return self.catalogue() if query["market"] == self.market else NOT_FOUND
        if path == "/data/exchanges/general":
            return 200, {"Response": "Success", "Type": 100,
                         "Data": {"1": {"Id": "1", "InternalName": self.market.title(), "Grade": "AA"}}}
        if path.endswith("/markets"):
            return 200, {"Data": {self.market: {}}, "Err": {}}
        return 200, {"Data": {"STATS": {"PAGE": 1, "PAGE_SIZE": 100, "TOTAL_ASSETS": 1},
                              "LIST": [{"ID": 1, "SYMBOL": "BTC"}]}, "Err": {}}

    def answer(self, path, query):
        """For harness.replay."""
        self.stamps.append(time.monotonic())
        query = dict(urllib.parse.parse_qsl(query))
        is_candles = "/historical/" in path
        hook = self.hook if is_candles else self.list_hook
        given = hook(self, path, query) if hook else None
        given = given or (self.candles if is_candles else self.lists)(path, query)
        status, body = given[:2]
        headers = dict({"Content-Type": "application/json"}, **(given[2] if len(given) > 2 else {}))
        if isinstance(body, (dict, list)):
            body = json.dumps(body)
        return status, headers, body.encode() if isinstance(body, str) else body


def candle_calls(requests):
    return [request for request in requests if "/historical/" in request["path"]]


def check_counts(document, requests):
    """What a report says of itself must add up, and agree with what the vendor saw."""
    assert document["totals"]["calls"] == len(candle_calls(requests)), (document["totals"], requests)
    assert document["totals"]["metadata_calls"] == len(requests) - len(candle_calls(requests)), document["totals"]
    for operation in document["operations"]:
        for series in operation["series"]:
            parts = [series[name] for name in ("stored", "fetched", "empty", "rejected", "pending", "failed")]
            assert min(parts) >= 0 and series["wanted"] == sum(parts), series
