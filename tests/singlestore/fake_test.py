#!/usr/bin/env python3
"""The fake SingleStore refuses: every rule has statements that break it, sent by a small client, and neighbours that pass.

A rule without a violation here fails the test. A private MariaDB stands behind the fake.
"""
import contextlib
import pathlib
import re
import ssl
import sys

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path[:0] = [str(ROOT / "tests"), str(ROOT / "tests" / "e2e"), str(ROOT / "tests" / "singlestore")]
import fake  # noqa: E402
import harness  # noqa: E402
import refusals  # noqa: E402
import servers  # noqa: E402
import wire  # noqa: E402

DATABASE = "ccdata_fake"
SCHEMA = [
    "CREATE TABLE IF NOT EXISTS `fact_t` (`series_id` BIGINT NOT NULL, `ts` DATETIME NOT NULL, `open` DOUBLE,"
    " PRIMARY KEY (`series_id`, `ts`), SHARD KEY (`series_id`), SORT KEY (`series_id`, `ts`))",
    "CREATE TABLE IF NOT EXISTS `cover` (`series_id` BIGINT NOT NULL, `step_s` BIGINT NOT NULL, `state` VARCHAR(64) COLLATE utf8mb4_bin,"
    " KEY `cover_series` (`series_id`, `step_s`) USING HASH, SHARD KEY (`series_id`), SORT KEY (`series_id`, `step_s`))",
    "CREATE ROWSTORE REFERENCE TABLE IF NOT EXISTS `dim` (`id` BIGINT NOT NULL, `name` VARCHAR(64) NOT NULL, UNIQUE (`name`), PRIMARY KEY (`id`))",
    "CREATE ROWSTORE TABLE IF NOT EXISTS `locks` (`name` VARCHAR(64) NOT NULL, `held` BIGINT, PRIMARY KEY (`name`), SHARD KEY (`name`))",
]
SHARDED = "SHARD KEY (`a`), SORT KEY (`a`)"
# What a rule is called -> sequences of statements; the last one breaks it, those before it pass.
VIOLATIONS = {
    "unique_contains_shard": [
        [f"CREATE TABLE bad (`a` BIGINT NOT NULL, `b` BIGINT NOT NULL, PRIMARY KEY (`b`), {SHARDED})"],
        [f"CREATE TABLE bad (`a` BIGINT NOT NULL, `b` BIGINT NOT NULL UNIQUE, {SHARDED})"],
        ["CREATE ROWSTORE TABLE bad (a BIGINT, b BIGINT, PRIMARY KEY (a), UNIQUE KEY u (b))"]],
    "reference_has_primary_key": [["CREATE ROWSTORE REFERENCE TABLE bad (a BIGINT)"]],
    "reference_has_no_shard_key": [["CREATE REFERENCE TABLE bad (a BIGINT, PRIMARY KEY (a), SHARD KEY (a))"]],
    "one_key_of_a_kind": [
        ["CREATE TABLE bad (a BIGINT, SHARD KEY (a), SHARD KEY (a), SORT KEY (a))"],
        ["CREATE TABLE bad (a BIGINT, SHARD KEY (a), SORT KEY (a), SORT KEY (a))"],
        ["CREATE ROWSTORE TABLE bad (a BIGINT, PRIMARY KEY (a), PRIMARY KEY (a))"]],
    "rowstore_has_no_sort_key": [["CREATE ROWSTORE TABLE bad (a BIGINT, SORT KEY (a))"]],
    "tables_say_what_they_are": [["CREATE TABLE bad (a BIGINT, SHARD KEY (a))"]],
    "columnstore_keys_are_hashes": [
        [f"CREATE TABLE bad (`a` BIGINT, KEY k (`a`) USING BTREE, {SHARDED})"],
        [f"CREATE TABLE bad (`a` BIGINT, KEY k (`a`) USING HASH, KEY l (`a`) USING HASH, {SHARDED})"],
        [f"CREATE TABLE bad (`a` BIGINT, `b` BIGINT, PRIMARY KEY (`a`, `b`), UNIQUE (`a`), {SHARDED})"]],
    "types_are_known": [
        [f"CREATE TABLE bad (`a` BIGINT, `b` UUID, {SHARDED})"],
        [f"CREATE TABLE bad (`a` BIGINT, `b` DATETIME(3), {SHARDED})"]],
    "no_double_in_the_key_of_a_columnstore": [[f"CREATE TABLE bad (`a` DOUBLE, PRIMARY KEY (`a`), {SHARDED})"]],
    "no_unsupported_clause": [
        [f"CREATE TABLE bad (`a` BIGINT, CHECK (`a` > 0), {SHARDED})"],
        [f"CREATE TABLE bad (`a` BIGINT CHECK (`a` > 0), {SHARDED})"],
        [f"CREATE TABLE bad (`a` BIGINT, FOREIGN KEY (`a`) REFERENCES `dim` (`id`), {SHARDED})"],
        [f"CREATE TABLE bad (`a` BIGINT, CONSTRAINT f FOREIGN KEY (`a`) REFERENCES `dim` (`id`), {SHARDED})"],
        [f"CREATE TABLE bad (`a` BIGINT, {SHARDED}) ENGINE=InnoDB ROW_FORMAT=DYNAMIC"],
        ["CREATE TRIGGER t BEFORE INSERT ON fact_t FOR EACH ROW SET NEW.open = 1"],
        ["CREATE ALGORITHM=MERGE VIEW v AS SELECT id FROM dim"]],
    "views_are_not_replaced": [["CREATE OR REPLACE VIEW v AS SELECT id FROM dim"]],
    "modifiers_have_an_order": [
        ["CREATE REFERENCE ROWSTORE TABLE bad (a BIGINT, PRIMARY KEY (a))"],
        ["CREATE TABLE bad LIKE fact_t"]],
    "a_series_is_in_one_place": [["CREATE TABLE bad (series_id BIGINT, step_s BIGINT, SHARD KEY (step_s), SORT KEY (step_s))"]],
    "columnstores_are_not_altered": [
        ["ALTER TABLE fact_t MODIFY open BIGINT"],
        ["ALTER TABLE cover ADD UNIQUE (series_id)"]],
    "functions_exist": [
        ["SELECT GET_LOCK('a', 1)"], ["SELECT RELEASE_LOCK('a')"], ["DO SLEEP(1)"], ["SELECT JSON_TABLE('a')"],
        ["CREATE VIEW v AS SELECT INET_ATON(name) AS a FROM dim"]],
    "words_of_other_databases": [
        ["INSERT INTO dim (id, name) VALUES (1, 'a') ON CONFLICT (id) DO NOTHING"],
        ["DELETE FROM fact_t WHERE series_id = 1 RETURNING ts"],
        ["SELECT id FROM dim FOR SHARE"], ["SELECT id FROM dim LOCK IN SHARE MODE"]],
    "no_savepoints_and_table_locks": [
        ["BEGIN", "SAVEPOINT a"], ["ROLLBACK TO SAVEPOINT a"], ["RELEASE SAVEPOINT a"], ["LOCK TABLES dim WRITE"], ["XA START 'a'"]],
    "nothing_hides_values": [
        ["INSERT IGNORE INTO dim (id, name) VALUES (1, 'a')"],
        ["REPLACE INTO dim (id, name) VALUES (1, 'a')"],
        ["LOAD DATA LOCAL INFILE 'x' REPLACE INTO TABLE fact_t"]],
    "shard_keys_stand": [
        ["UPDATE fact_t SET series_id = 2 WHERE series_id = 1"],
        ["INSERT INTO locks (name, held) VALUES ('a', 0) ON DUPLICATE KEY UPDATE `name` = `name`"]],
    "updates_have_no_limit": [["UPDATE fact_t SET open = 1 LIMIT 1"], ["DELETE FROM `cover` WHERE series_id = 1 LIMIT 5"]],
    "reference_tables_stand_apart": [
        ["BEGIN", "INSERT INTO fact_t (series_id, ts) VALUES (1, '2026-01-01 00:00:00')", "INSERT INTO dim (id, name) VALUES (1, 'a')"],
        ["START TRANSACTION", "UPDATE dim SET name = 'b' WHERE id = 1"],
        ["BEGIN", "DELETE FROM `dim` WHERE id = 1"]],
    "no_ddl_in_a_transaction": [["BEGIN", "DROP TABLE IF EXISTS bad"], ["BEGIN", "COMMIT", "BEGIN", "TRUNCATE TABLE fact_t"]],
    "rows_are_asked_in_order": [["SELECT `open` FROM `fact_t` WHERE series_id = 1"]],
    "no_select_within_an_expression": [
        ["SELECT id FROM dim WHERE id = (SELECT MAX(series_id) FROM cover)"],
        ["SELECT id, (SELECT COUNT(*) FROM cover) FROM dim"]],
    "transactions_have_no_options": [
        ["START TRANSACTION WITH CONSISTENT SNAPSHOT"], ["START TRANSACTION READ ONLY"], ["SHOW CREATE DATABASE ccdata_fake"]],
    "isolation_is_what_it_is": [
        ["SET SESSION TRANSACTION ISOLATION LEVEL READ COMMITTED"], ["SET TRANSACTION ISOLATION LEVEL SERIALIZABLE"]],
    "variables_are_known": [
        ["SET SESSION time_zone = '+00:00'"], ["SET SESSION innodb_lock_wait_timeout = 5"], ["SET @a = 1"], ["SET GLOBAL autocommit = 1"],
        ["SELECT @@innodb_read_only"], ["SELECT @a"], ["SET SESSION sql_mode = 'STRICT_ALL_TABLES', SESSION foreign_key_checks = 0"]],
    "modes_are_known": [
        ["SET SESSION sql_mode = 'STRICT_TRANS_TABLES,NO_ZERO_DATE'"], ["SET sql_mode = 'NO_BACKSLASH_ESCAPES'"], ["SET NAMES latin1"]],
    "the_catalogue_is_known": [
        ["SELECT Host FROM mysql.user"], ["SELECT CONSTRAINT_NAME FROM information_schema.CHECK_CONSTRAINTS"]],
    "files_are_local_and_whole": [
        ["LOAD DATA INFILE '/etc/passwd' INTO TABLE fact_t"], ["LOAD DATA CONCURRENT LOCAL INFILE 'x' INTO TABLE fact_t"]],
    "some_variables_are_of_the_cluster": [["SET SESSION lock_wait_timeout = 5"]],
}
PASS = [
    "SET NAMES utf8mb4", "SET SESSION sql_mode = 'STRICT_ALL_TABLES'", "SET SESSION lock_wait_timeout = 5", "SET autocommit = 1",
    "SET SESSION multi_statement_xact_idle_timeout = 604800", "USE ccdata_fake", "SHOW WARNINGS LIMIT 1",
    "INSERT INTO dim (id, name) VALUES (7, 'CHECK (a), SAVEPOINT; it''s \\'@x\\' GET_LOCK()') ON DUPLICATE KEY UPDATE `name` = VALUES(`name`)",
    "BEGIN", "INSERT INTO fact_t (series_id, ts, open) VALUES (1, '2026-01-01 00:00:00', 1.5), (1, '2026-01-02 00:00:00', NULL)",
    "DELETE FROM `fact_t` WHERE series_id = 1 AND ts IN ('2026-01-02 00:00:00')", "ROLLBACK",
    "UPDATE locks SET held = held + 1 WHERE name = 'a' -- SAVEPOINT",
    "SELECT `open` FROM `fact_t` WHERE series_id = 1 ORDER BY ts", "SELECT COUNT(*) FROM `fact_t`", "SELECT id FROM dim FOR UPDATE",
    "DROP VIEW IF EXISTS `v`", "CREATE VIEW `v` AS SELECT d.`id`, DATE_ADD(f.`ts`, INTERVAL 5 SECOND) AS t FROM `dim` d CROSS JOIN `fact_t` f",
    "SELECT a FROM (SELECT id AS a FROM dim) p ORDER BY a", "SELECT @@memsql_version, @@sql_mode, CONCAT(@@max_allowed_packet, '')",
    "SELECT COLUMN_NAME FROM information_schema.COLUMNS WHERE TABLE_NAME = 'dim' ORDER BY 1", "ALTER TABLE `fact_t` ADD COLUMN extra BIGINT",
]


@contextlib.contextmanager
def cluster_of(**settings):
    try:
        with servers.mariadb(options=fake.OPTIONS) as server, fake.SingleStore(server, **settings) as cluster:
            cluster.create_database(DATABASE)
            yield cluster
    except servers.Unavailable as reason:
        raise harness.Skip(f"mariadb: {reason}") from reason


@contextlib.contextmanager
def client_of(cluster, **settings):
    client = wire.Client(cluster.port, cluster.user, cluster.password, DATABASE, **settings)
    try:
        yield client
    finally:
        client.close()


def refusal(act):
    """The error of what must be refused."""
    try:
        act()
    except wire.Refused as reason:
        return reason
    raise AssertionError("nothing was refused")


def rule_called(name):
    return next(rule for rule in refusals.RULES if rule.find.__name__ == name)


def create(cluster):
    with client_of(cluster) as client:
        for statement in SCHEMA:
            client.query(statement)


def test_every_rule_refuses_its_violations(world):
    assert set(VIOLATIONS) == {rule.find.__name__ for rule in refusals.RULES}
    with cluster_of() as cluster:
        create(cluster)
        assert not cluster.refused()
        sent = 0
        for name, sequences in VIOLATIONS.items():
            cluster.global_only = {"lock_wait_timeout"} if name == "some_variables_are_of_the_cluster" else set()
            for sequence in sequences:
                with client_of(cluster) as client:
                    for statement in sequence[:-1]:
                        client.query(statement)
                    cluster.forget()
                    error = refusal(lambda: client.query(sequence[-1]))
                assert error.code == rule_called(name).code and cluster.log[0].rule is rule_called(name), (name, sequence, error)
                assert error.code != 1706 or "is not supported by SingleStore" in error.text, error
                sent += 1
        assert cluster.sql("SHOW TABLES LIKE 'bad'", DATABASE) == [], "a refused statement went through"
        harness.figure(f"fake SingleStore: {len(refusals.RULES)} rules refuse {sent} violations, {len(PASS)} neighbours pass")


def test_the_page_explains_every_rule(world):
    page = (ROOT / "docs" / "internals" / "singlestore.md").read_text(encoding="utf-8")
    explained = set(re.findall(r"^\| ([SQF]\d+) \|", page, re.M))
    mine = {rule.name for rule in refusals.RULES} | {fake.UNKNOWN_COMMAND.name, fake.NO_PREPARE.name}
    assert mine <= explained and {name for name in explained if name[0] == "F"} <= mine, mine ^ explained


def test_prepared_statements_are_refused_too(world):
    """At once for what the text says, when executed for what depends on the transaction."""
    with cluster_of() as cluster:
        create(cluster)
        stateful = {rule.find.__name__ for rule in refusals.RULES if rule.stateful}
        for name, sequences in VIOLATIONS.items():
            if name in stateful or name == "some_variables_are_of_the_cluster":
                continue
            with client_of(cluster) as client:
                assert refusal(lambda: client.prepare(sequences[0][-1])).code == rule_called(name).code, name
        with client_of(cluster) as client:
            number = client.prepare("INSERT INTO dim (id, name) VALUES (3, 'three')")
            client.query("BEGIN")
            assert "reference table" in refusal(lambda: client.execute(number)).text
            client.query("COMMIT")
            client.execute(number)
            assert client.query("SELECT name FROM dim ORDER BY id") == [["three"]]


def test_neighbours_pass(world):
    with cluster_of() as cluster:
        create(cluster)
        with client_of(cluster) as client:
            for statement in PASS:
                client.query(statement)
        assert not cluster.refused()
        assert cluster.sql("SELECT name FROM dim", DATABASE) == [["CHECK (a), SAVEPOINT; it's '@x' GET_LOCK()"]]


def test_it_looks_like_singlestore(world):
    with cluster_of() as cluster, client_of(cluster) as client:
        greeting = client.greeting
        assert greeting.version == cluster.version and greeting.extended == 0 and greeting.capabilities & wire.CLIENT_MYSQL
        assert not greeting.capabilities & (fake.HIDDEN | wire.CLIENT_SSL)
        assert client.query("SELECT @@memsql_version, VERSION()") == [[cluster.memsql_version, cluster.version]]
        for command in (wire.COM_STMT_BULK_EXECUTE, wire.COM_SET_OPTION, wire.COM_CHANGE_USER, wire.COM_RESET):
            client.command(command, bytes(8))
            assert refusal(client.ok).code == 1047
        assert refusal(lambda: client.query("SELECT id FROM dim; SELECT 1")).code == 1064  # several in one are MariaDB's to refuse
        assert len(cluster.refused()) == 4


def test_switches(world):
    row = "1\t2026-01-01 00:00:00\t1.5\n"
    load = "LOAD DATA LOCAL INFILE 'page' INTO TABLE `fact_t` (series_id, ts, open)"
    with cluster_of() as cluster:
        create(cluster)
        with client_of(cluster) as client:
            for rolls_back, left in ((True, "0"), (False, "1")):
                cluster.load_rolls_back = rolls_back
                client.query("BEGIN")
                client.query(load, file=row.encode())
                assert client.query("SELECT COUNT(*) FROM fact_t") == [["1"]]
                client.query("ROLLBACK")
                assert client.query("SELECT COUNT(*) FROM fact_t") == [[left]], rolls_back
            client.query("BEGIN")  # without LOAD DATA a rollback is one
            client.query("DELETE FROM fact_t WHERE series_id = 1")
            client.query("ROLLBACK")
            assert client.query("SELECT COUNT(*) FROM fact_t") == [["1"]]
            cluster.prepares = False
            assert "binary protocol" in refusal(lambda: client.prepare("DELETE FROM fact_t WHERE series_id = 1")).text


def test_errors_of_the_server_come_through(world):
    with cluster_of() as cluster:
        create(cluster)
        with client_of(cluster) as client:
            client.query("INSERT INTO dim (id, name) VALUES (1, 'a')")
            assert refusal(lambda: client.query("INSERT INTO dim (id, name) VALUES (1, 'b')")).code == 1062
            assert refusal(lambda: client.query("SELECT nothing FROM dim")).code == 1054
            client.query("INSERT INTO dim (id, name) VALUES (2, 'b')")
        assert refusal(lambda: wire.Client(cluster.port, cluster.user, "wrong", DATABASE)).code == 1045
        assert [entry.code for entry in cluster.log if entry.code] == [1062, 1054] and not cluster.refused()


def test_tls(world):
    servers.certificates(world.folder, "localhost")
    trusted = ssl.create_default_context(cafile=str(world.folder / "ca.pem"))
    with cluster_of(certificate=(world.folder / "server.pem", world.folder / "server.key")) as cluster:
        create(cluster)
        with client_of(cluster, tls=trusted) as client:
            assert client.stream.socket.cipher() and client.query("SELECT id FROM dim ORDER BY id") == []
            assert refusal(lambda: client.query("SAVEPOINT a")).code == 1706


if __name__ == "__main__":
    harness.main(globals())
