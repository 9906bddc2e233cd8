#!/usr/bin/env python3
"""ccdata schema: what it prints, creates and finds, on SQLite; on MariaDB and PostgreSQL with the argument "servers"."""
import contextlib
import json
import sqlite3
import sys

import harness

sys.path.insert(0, str(harness.ROOT / "tests"))
import servers  # noqa: E402

SERVERS = len(sys.argv) > 1 and sys.argv[1] == "servers"
if SERVERS:
    sys.argv.pop(1)
NOW = "2026-03-01T12:00:00Z"


class File:
    """SQLite, as the class of a server looks."""
    kind, scheme = "sqlite", "sqlite"

    def __init__(self, world):
        self.path = world.database

    def url(self):
        return f"sqlite:{self.path}"

    def sql(self, text, _=None):
        with contextlib.closing(sqlite3.connect(self.path)) as connection:
            rows = [row for one in text.split(";") if one.strip() for row in connection.execute(one).fetchall()]
            connection.commit()
        return [["NULL" if cell is None else str(cell) for cell in row] for row in rows]


def each_database(world):
    """One by one, each empty."""
    return harness.each_server() if SERVERS else [File(world)]


def schema(world, database, *options, expect=0):
    done = world.run("schema", *options, "--json", "--database", database.url(), database=False)
    assert done.returncode == expect, (options, done.returncode, done.stdout[-2000:], done.stderr)
    return json.loads(done.stdout)


def sql(database, text):
    """As the user who will use the tables: in PostgreSQL they belong to who creates them."""
    role = f"SET ROLE {servers.USER};\n" if database.kind == "postgres" else ""
    return database.sql(role + text, servers.DATABASE)


def test_what_was_created_checks(world):
    for database in each_database(world):
        assert schema(world, database, "--check", expect=12)["difference_count"] > 0
        schema(world, database, "--create")
        assert schema(world, database, "--check")["differences"] == []
        schema(world, database, "--create", "--legacy_views")
        schema(world, database, "--create", "--legacy_views")
        assert schema(world, database, "--check")["differences"] == []
        assert sql(database, "SELECT * FROM cc_futures_ohlcv_1m") == []


def test_what_is_printed_checks(world):
    for database in each_database(world):
        for _ in range(2):
            sql(database, schema(world, database)["sql"])
        schema(world, database, "--create")  # the version's row
        assert schema(world, database, "--check")["differences"] == []


def test_every_difference_is_named(world):
    for database in each_database(world):
        schema(world, database, "--create")
        sql(database, "DROP VIEW spot_ohlcv_1h; DROP TABLE ccdata_proofs;"
                      "ALTER TABLE ccdata_catalogue ADD COLUMN extra INTEGER; DROP VIEW futures_ohlcv_1d;"
                      "ALTER TABLE fact_futures_ohlcv_1d DROP COLUMN total_trades")
        found = {each["object"]: each["what"] for each in schema(world, database, "--check", expect=12)["differences"]}
        names = {name for name in ("spot_ohlcv_1h", "ccdata_proofs", "ccdata_catalogue", "futures_ohlcv_1d", "fact_futures_ohlcv_1d")
                 if any(name in each for each in found)}
        assert len(names) == 5 and len(found) == 5, found
        assert any("extra" in what for what in found.values()) and any("total_trades" in what for what in found.values()), found


def test_what_is_missing_is_created(world):
    for database in each_database(world):
        schema(world, database, "--create")
        sql(database, "DROP VIEW spot_ohlcv_1h; DROP TABLE ccdata_proofs")
        schema(world, database, "--create")
        assert schema(world, database, "--check")["differences"] == []


def test_a_shape_that_does_not_fit_is_refused(world):
    for database in each_database(world):
        sql(database, "CREATE TABLE ccdata_catalogue (market INTEGER)")
        refused = schema(world, database, "--create", expect=9)
        assert "ccdata_catalogue" in json.dumps(refused)


def test_legacy_views_have_the_rows_of_ours(world):
    for database in each_database(world):
        with harness.simulator(world, "--now", NOW, "--seed", "21") as sim:
            done = world.run("spot_ohlcv", "--specific_market", "kraken", "--instruments", "BTC-USD", "--from", "2026-02-01",
                             "--database", database.url(), vendor=sim.url, environment={"CCDATA_NOW": NOW}, database=False)
        assert done.returncode == 0, done.stderr
        schema(world, database, "--create", "--legacy_views")
        ours = "SELECT market, instrument, mapped_instrument, close, quote_volume_sell, total_trades FROM spot_ohlcv_1d ORDER BY ts"
        theirs = ("SELECT exchange, symbol_unmapped, symbol, close, quote_volume_sell, total_trades FROM cc_ohlcv_spot_1d_raw"
                  " ORDER BY datetime")
        rows = sql(database, ours)
        assert rows and rows == sql(database, theirs)
        first = sql(database, "SELECT datetime, last_trade_timestamp FROM ohlcv_spot_1d_raw ORDER BY datetime LIMIT 1")[0]
        assert first[0].startswith("2026-02-01 00:00:00") and first[1].startswith("2026-02-01 "), first
        listed = sql(database, "SELECT exchange_internal_name, mapped_instrument_symbol FROM cc_instruments_spot"
                               " WHERE mapped_instrument_symbol = 'BTC-USD'")
        assert ["kraken", "BTC-USD"] in listed


def test_null_has_no_schema(world):
    refused = world.run("schema", "--check", "--database", "null:", database=False)
    assert refused.returncode == 2 and "--dialect" in refused.stderr


harness.main(globals())
