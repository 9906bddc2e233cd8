#!/usr/bin/env python3
"""The schema on real servers: it loads twice through the client people have, describes itself as expected, converts moments
exactly, and answers a query of a view by both columns of the fact's key.

Usage: servers_test.py DDL_PRINT [GLOB]
"""
import json
import pathlib
import subprocess
import sys

sys.path[:0] = [str(pathlib.Path(__file__).resolve().parents[2] / folder) for folder in ("", "e2e")]
import harness  # noqa: E402
import servers  # noqa: E402

DDL_PRINT = sys.argv.pop(1)
DIALECTS = {"mariadb": "mysql", "postgres": "postgresql"}
ZONES = {"mariadb": "+05:30", "postgres": "Asia/Kolkata"}
SERIES, ROWS = 12, 1000
QUERY = ("SELECT * FROM spot_ohlcv_1d WHERE market = 'm1' AND {name} = '{value}'"
         " AND ts >= '1970-03-01 00:00:00' AND ts < '1970-04-01 00:00:00'")


def printed(dialect, what):
    return subprocess.run([DDL_PRINT, dialect, what], capture_output=True, text=True, check=True).stdout


def each_server():
    """(server, dialect) with an empty database; the server's time zone is nobody's favourite."""
    def settings(kind):
        return {"tz": ZONES[kind], "options": ["--sql-mode="] if kind == "mariadb" else []}
    for server in harness.each_server(settings):
        yield server, DIALECTS[server.kind]


def sql(server, text):
    return server.sql(text, servers.DATABASE)


def described(server, dialect, table):
    return [row[0] for row in sql(server, printed(dialect, "describe").replace("?1", f"'{table}'"))]


def expected(dialect):
    """Table name → lines."""
    blocks = [block.split("\n") for block in printed(dialect, "expect").strip().split("\n\n")]
    return {lines[0]: lines[1:] for lines in blocks}


def fill(server):
    """A dozen series of spot candles, their twins of another type, a thousand days each, and one settled schema."""
    numbers = {
        "mariadb": "seq_1_to_{0} {1}",
        "postgres": "generate_series(1, {0}) {1}(seq)",
    }[server.kind]
    text = {"mariadb": "CONCAT('{0}', {1}, '{2}')", "postgres": "'{0}' || ({1}) || '{2}'"}[server.kind]
    day = {
        "mariadb": "DATE_ADD(CAST('1970-01-01 00:00:00' AS DATETIME), INTERVAL r.seq * 86400 SECOND)",
        "postgres": "to_timestamp(r.seq * 86400)",
    }[server.kind]
    for offset, data_type in ((0, "spot_ohlcv"), (100, "futures_ohlcv")):
        sql(server, "INSERT INTO dim_series (series_id, data_type, market, instrument, mapped_instrument)"
                    f" SELECT {offset} + s.seq, '{data_type}', {text.format('m', 's.seq % 4', '')},"
                    f" {text.format('I', 's.seq', '')}, {text.format('I', 's.seq', '-USD')} FROM {numbers.format(SERIES, 's')}")
    sql(server, "INSERT INTO fact_spot_ohlcv_1d (series_id, ts, open, total_trades, collected_at)"
                f" SELECT s.seq, {day}, r.seq, r.seq % 2, '2024-01-01 00:00:00'"
                f" FROM {numbers.format(SERIES, 's')} CROSS JOIN {numbers.format(ROWS, 'r')}")
    sql(server, "INSERT INTO ccdata_schema (version, settle_s) VALUES (4, 360)")
    sql(server, {"mariadb": "ANALYZE TABLE dim_series, fact_spot_ohlcv_1d, ccdata_schema", "postgres": "ANALYZE"}[server.kind])


def nodes(plan):
    yield plan
    for child in plan.get("Plans", []):
        yield from nodes(child)


def check_plan(server, query):
    """Both columns of the fact's key find the rows."""
    if server.kind == "mariadb":
        # id, select_type, table, type, possible_keys, key, key_len, …: eight bytes of series_id and five of ts
        rows = {row[2]: row for row in sql(server, f"EXPLAIN {query}")}
        assert {row[1] for row in rows.values()} == {"SIMPLE"}, rows  # the view was merged
        assert rows["f"][3] == "range" and rows["f"][5] == "PRIMARY" and rows["f"][6] == "13", rows
        assert rows["d"][3] == "const", rows
        return
    plan = json.loads("\n".join(row[0] for row in sql(server, f"EXPLAIN (FORMAT JSON) {query}")))[0]["Plan"]
    facts = [node for node in nodes(plan) if node.get("Relation Name", "").startswith("fact_")]
    assert len(facts) == 1 and facts[0]["Node Type"].startswith("Index"), facts
    assert facts[0]["Index Name"] == "fact_spot_ohlcv_1d_pkey", facts
    assert "series_id = d.series_id" in facts[0]["Index Cond"] and "ts >=" in facts[0]["Index Cond"], facts


def test_the_text_loads_twice(world):
    for server, dialect in each_server():
        for _ in range(2):
            sql(server, printed(dialect, "legacy"))
        for name, kind in (("dim_series", "table"), ("spot_ohlcv_1d", "view"), ("cc_instruments_spot", "view")):
            assert sql(server, printed(dialect, "find").replace("?1", f"'{name}'")) == [[kind]], name
        assert sql(server, printed(dialect, "find").replace("?1", "'ccdata_none'")) == []


def test_every_table_describes_itself_as_expected(world):
    for server, dialect in each_server():
        sql(server, printed(dialect, "sql"))
        tables = expected(dialect)
        assert len(tables) == 39
        for table, lines in tables.items():
            assert described(server, dialect, table) == lines, table
        assert described(server, dialect, "ccdata_none") == []


def test_a_server_that_wants_keys(world):
    """MariaDB's innodb_force_primary_key refuses what MySQL's sql_require_primary_key and clusters refuse."""
    try:
        with servers.mariadb(options=["--innodb-force-primary-key=ON"]) as server:
            try:
                sql(server, "CREATE TABLE keyless (a BIGINT NOT NULL)")
                raise AssertionError("the server takes a table without a key")
            except RuntimeError:
                pass
            sql(server, printed("mysql", "legacy"))
            for table, lines in expected("mysql").items():
                assert described(server, "mysql", table) == lines, table
            for _ in range(2):  # rows that are equal are two
                sql(server, "INSERT INTO ccdata_coverage (series_id, step_s, from_ts, to_ts, state, asked_utc_s)"
                            " VALUES (1, 60, 0, 60, 'empty', 9)")
            assert sql(server, "SELECT COUNT(*), COUNT(DISTINCT row_id) FROM ccdata_coverage") == [["2", "2"]]
            sql(server, "ALTER TABLE ccdata_coverage MODIFY row_id BIGINT NOT NULL")
            assert described(server, "mysql", "ccdata_coverage") != expected("mysql")["ccdata_coverage"]
    except servers.Unavailable as reason:
        raise harness.Skip(f"mariadb: {reason}") from reason


def test_a_database_of_another_character_set(world):
    for server, dialect in each_server():
        if server.kind != "mariadb":
            continue
        server.sql("ALTER DATABASE ccdata_test CHARACTER SET latin1 COLLATE latin1_german1_ci")
        sql(server, printed(dialect, "sql"))
        assert described(server, dialect, "dim_series") == expected(dialect)["dim_series"]


def test_every_difference_shows(world):
    changes = {  # what is done to ccdata_catalogue, and the line that shows it
        "ALTER TABLE ccdata_catalogue ADD COLUMN extra INTEGER": "column extra",
        "ALTER TABLE ccdata_catalogue DROP COLUMN asked_utc_s": None,
        "ALTER TABLE ccdata_catalogue DROP PRIMARY KEY, ADD PRIMARY KEY (market, data_type)": "key 2",
        "ALTER TABLE ccdata_catalogue DROP CONSTRAINT ccdata_catalogue_pkey, ADD PRIMARY KEY (market, data_type)": "key 2",
        "ALTER TABLE ccdata_catalogue ADD UNIQUE (asked_utc_s, market)": "unique (asked_utc_s, market)",
        "ALTER TABLE ccdata_catalogue MODIFY market VARCHAR(64) COLLATE utf8mb4_general_ci NOT NULL": "utf8mb4_general_ci",
        "ALTER TABLE ccdata_catalogue ALTER COLUMN market TYPE text COLLATE \"POSIX\"": "text POSIX",
        "ALTER TABLE ccdata_catalogue MODIFY asked_utc_s BIGINT UNSIGNED NOT NULL": "unsigned",
        "ALTER TABLE ccdata_catalogue ALTER COLUMN asked_utc_s DROP NOT NULL": "column asked_utc_s bigint",
        "CREATE UNIQUE INDEX partial ON ccdata_catalogue (market) WHERE asked_utc_s > 0": "WHERE (asked_utc_s > 0)",
    }
    for server, dialect in each_server():
        made = 0
        lines = expected(dialect)["ccdata_catalogue"]
        for change, shown in changes.items():
            only_postgres = "CONSTRAINT" in change or "ALTER COLUMN" in change or "WHERE" in change
            only_mariadb = "MODIFY" in change or "DROP PRIMARY KEY" in change
            if only_postgres if server.kind == "mariadb" else only_mariadb:
                continue
            sql(server, "DROP TABLE IF EXISTS ccdata_catalogue")
            sql(server, printed(dialect, "sql"))
            sql(server, change)
            live = described(server, dialect, "ccdata_catalogue")
            assert live != lines, change
            assert shown is None or any(shown in line for line in live), (change, live)
            made += 1
        assert made >= 6


def test_names_that_differ_in_a_blank_are_two(world):
    for server, dialect in each_server():
        sql(server, printed(dialect, "sql"))
        for number, name in enumerate(("x", "x ", "x  ", " x", "X", "é", "e\u0301")):
            sql(server, "INSERT INTO dim_series (series_id, data_type, market, instrument, mapped_instrument)"
                        f" VALUES ({number}, 'spot_ohlcv', 'm', '{name}', '{name}')")
        assert sql(server, "SELECT series_id FROM dim_series WHERE market = 'm' AND instrument = 'x '") == [["1"]]


def test_moments_are_exact_in_every_time_zone(world):
    for server, dialect in each_server():
        kind = {"mariadb": "DATETIME", "postgres": "timestamptz"}[server.kind]
        sql(server, f"CREATE TABLE moments (at {kind} NOT NULL PRIMARY KEY)")
        lines = printed(dialect, "moments").splitlines()
        answers = [sql(server, line) for line in lines]
        assert answers[1::2] == [[["0"]]] * 9, answers


def test_a_view_is_read_by_both_columns_of_the_key(world):
    for server, dialect in each_server():
        sql(server, printed(dialect, "legacy"))
        fill(server)
        for name, value in (("mapped_instrument", "I5-USD"), ("instrument", "I5")):
            query = QUERY.format(name=name, value=value)
            assert len(sql(server, query)) == 31
            check_plan(server, query)
        legacy = ("SELECT * FROM cc_ohlcv_spot_1d_raw WHERE exchange = 'm1' AND symbol = 'I5-USD'"
                  " AND datetime >= '1970-03-01 00:00:00' AND datetime < '1970-04-01 00:00:00'")
        assert len(sql(server, legacy)) == 31
        check_plan(server, legacy)


def test_views_know_what_is_final_and_filled(world):
    truth = {"1": True, "0": False, "t": True, "f": False}
    for server, dialect in each_server():
        sql(server, printed(dialect, "sql"))
        one = ("SELECT is_final, is_filled FROM spot_ohlcv_1d")
        sql(server, "INSERT INTO dim_series (series_id, data_type, market, instrument, mapped_instrument)"
                    " VALUES (1, 'spot_ohlcv', 'm', 'i', 'i')")
        sql(server, "INSERT INTO fact_spot_ohlcv_1d (series_id, ts, total_trades, collected_at)"
                    " VALUES (1, '2024-01-01 00:00:00', 0, '2024-01-02 00:05:59')")
        assert len(sql(server, one)) == 1  # rows show before the first run has named the settle time
        sql(server, "INSERT INTO ccdata_schema (version, settle_s) VALUES (4, 360)")
        assert [truth[cell] for cell in sql(server, one)[0]] == [False, True]
        sql(server, "UPDATE fact_spot_ohlcv_1d SET total_trades = 1, collected_at = '2024-01-02 00:06:00'")
        assert [truth[cell] for cell in sql(server, one)[0]] == [True, False]


if __name__ == "__main__":
    harness.main(globals())
