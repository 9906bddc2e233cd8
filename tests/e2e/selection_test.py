"""Which series a job without names takes, against a computation from the vendor's own replies."""
import json
import urllib.request

import harness

NOW = "2026-03-01T12:00:00Z"
GRADES = ["AA", "A", "BB", "B", "C", "D", "E", "F"]
QUOTES = ["USD", "USDT", "USDC", "EUR", "BTC"]
STATUSES = "ACTIVE,IGNORED,RETIRED,EXPIRED,READY_FOR_DECOMMISSIONING,RETIRED_UNMAPPED"


def ask(sim, path):
    request = urllib.request.Request(sim.url + path, headers={"Authorization": "Apikey " + harness.KEY})
    with urllib.request.urlopen(request) as reply:
        return json.load(reply)["Data"]


def top_assets(sim, count):
    symbols, page = [], 1
    while len(symbols) < count:
        data = ask(sim, f"/asset/v1/top/list?page={page}&page_size=100&sort_direction=DESC"
                        "&sort_by=SPOT_MOVING_30_DAY_QUOTE_VOLUME_USD&groups=ID,BASIC")
        if not data["LIST"]:
            break
        symbols += [asset["SYMBOL"] for asset in data["LIST"] if asset["SYMBOL"] not in symbols]
        page += 1
    return symbols[:count]


def best_pairs(sim, limit, grade="BB", quotes=QUOTES, assets=50):
    """(market, native id, trades) in order, and the markets of exchanges that are graded well enough."""
    good = {e["InternalName"].lower() for e in ask(sim, "/data/exchanges/general?tsym=USD").values()
            if e.get("Grade") in GRADES[:GRADES.index(grade) + 1]}
    markets = [market for market in ask(sim, "/spot/v1/markets") if market.lower() in good]
    bases, pairs = set(top_assets(sim, assets)), []
    for market in markets:
        listed = ask(sim, f"/spot/v1/markets/instruments?market={market}&instrument_status={STATUSES}")[market]["instruments"]
        for entry in listed.values():
            mapping = entry.get("INSTRUMENT_MAPPING") or {}
            if (entry["INSTRUMENT_STATUS"] == "ACTIVE" and entry.get("HAS_TRADES_SPOT") and mapping.get("BASE") in bases
                    and mapping.get("QUOTE") in quotes):
                pairs.append((market, entry["INSTRUMENT"], entry["TOTAL_TRADES_SPOT"]))
    pairs.sort(key=lambda pair: (-pair[2], pair[0], pair[1]))
    return pairs[:limit], set(markets)


def selected(document):
    return [(series["market"], series["instrument"]) for series in document["operations"][0]["series"]]


def take(world, sim, *arguments):
    return world.run_json(*arguments, vendor=sim.url, environment={"CCDATA_NOW": NOW})


def check_pairs(world, sim, arguments, wish):
    expected, good = best_pairs(sim, 5, **wish)
    document = take(world, sim, "spot_ohlcv", "--pair_limit", "5", "--from", "2026-02-25", *arguments)
    assert selected(document) == [pair[:2] for pair in expected], (arguments, selected(document), expected)
    assert len(expected) == 5 and {market for market, _ in selected(document)} <= good, (arguments, expected)


def test_the_right_pairs(world):
    with harness.simulator(world, "--now", NOW) as sim:
        check_pairs(world, sim, [], {})
        check_pairs(world, sim, ["--asset_limit", "2"], {"assets": 2})
        assert best_pairs(sim, 5)[0] != best_pairs(sim, 5, grade="F")[0], "no exchange is kept out by its grade"


def test_the_options_of_the_ranking(world):
    with harness.simulator(world, "--now", NOW) as sim:
        check_pairs(world, sim, ["--min_grade", "AA"], {"grade": "AA"})
        check_pairs(world, sim, ["--min_grade", "C"], {"grade": "C"})
        check_pairs(world, sim, ["--quotes", "eur", "USDC"], {"quotes": ["EUR", "USDC"]})


def test_nothing_left_says_what_kept_it_out(world):
    with harness.simulator(world, "--now", NOW) as sim:
        grades = {e["InternalName"].lower(): e.get("Grade") for e in ask(sim, "/data/exchanges/general?tsym=USD").values()}
        low = next(market for market in ask(sim, "/spot/v1/markets") if GRADES.index(grades.get(market.lower(), "F")) > GRADES.index("BB"))
        document = world.run_json("spot_ohlcv", "--exchanges", low, "--from", "2026-02-25", vendor=sim.url, environment={"CCDATA_NOW": NOW}, expect=7)
        assert "--min_grade" in document["error"]["message"] and low in str(selected(document)), document["error"]


def test_the_rank_is_kept_with_the_run(world):
    with harness.simulator(world, "--now", NOW) as sim:
        expected, _ = best_pairs(sim, 4)
        take(world, sim, "spot_ohlcv", "--pair_limit", "4", "--from", "2026-02-25")
        kept = world.query("SELECT market, instrument, lifetime_trades FROM ccdata_run_series WHERE series_rank > 0 ORDER BY series_rank")
        assert kept == expected, (kept, expected)


def test_metadata_is_asked_for_once_in_its_lifetime(world):
    with harness.simulator(world, "--now", NOW) as sim:
        def metadata_calls(now):
            document = world.run_json("spot_ohlcv", "--pair_limit", "2", "--from", "2026-02-27", "--to", "2026-02-27", vendor=sim.url,
                                      environment={"CCDATA_NOW": now})
            return document["totals"]["metadata_calls"]
        first = metadata_calls(NOW)
        assert first > 4, first
        assert metadata_calls("2026-03-01T12:59:59Z") == 0
        assert metadata_calls("2026-03-01T13:00:00Z") == 1, "the ranking of assets lives an hour"
        assert metadata_calls("2026-03-02T12:00:00Z") == first


def test_a_plan_stores_nothing(world):
    with harness.simulator(world, "--now", NOW) as sim:
        expected, _ = best_pairs(sim, 3)
        document = take(world, sim, "spot_ohlcv", "--pair_limit", "3", "--from", "2026-02-25", "--dry_run")
        assert selected(document) == [pair[:2] for pair in expected]
        assert not world.database.exists()


def test_indices_of_any_number_of_assets(world):
    with harness.simulator(world, "--now", NOW) as sim:
        for limit in (3, 120):
            expected = [("cadli", symbol + "-USD") for symbol in top_assets(sim, limit)]
            document = take(world, sim, "indices_ohlcv", "--asset_limit", limit, "--from", "2026-02-27", "--dry_run")
            assert selected(document) == expected, (limit, selected(document), expected)


harness.main(globals())
