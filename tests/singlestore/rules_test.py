#!/usr/bin/env python3
"""What SingleStore's documentation demands, checked on the schema and on every statement that the store sends to it.

Each rule has an id, which docs/internals/singlestore.md explains with its source, and a planted violation that the rule must
find. No SingleStore runs here: this shows that we keep to the documentation, not that the documentation is right.

Usage: rules_test.py DDL_PRINT STATEMENTS [GLOB]
"""
import pathlib
import re
import subprocess
import sys

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "tests" / "e2e"))
import harness  # noqa: E402

DDL_PRINT, STATEMENTS = sys.argv.pop(1), sys.argv.pop(1)
PAGE = ROOT / "docs" / "internals" / "singlestore.md"

CREATE_TABLE = re.compile(r"CREATE (?P<rowstore>ROWSTORE )?(?P<reference>REFERENCE )?TABLE (?P<once>IF NOT EXISTS )?`(?P<name>\w+)` "
                          r"\(\n(?P<members>.*)\n\)(?P<after>[^\n]*)", re.S)
KEY = re.compile(r"(?P<kind>PRIMARY KEY|SHARD KEY|SORT KEY|UNIQUE|KEY)(?: `(?P<name>\w+)`)? \((?P<columns>[^)]*)\)(?P<after>.*)")
COLUMN = re.compile(r"`(?P<name>\w+)` (?P<type>.*?)(?P<not_null> NOT NULL)?$")
TYPES = {"BIGINT", "DOUBLE", "TINYINT(1)", "DATETIME", "VARCHAR(64) COLLATE utf8mb4_bin", "VARCHAR(511) COLLATE utf8mb4_bin",
         "LONGTEXT COLLATE utf8mb4_bin"}
UNSUPPORTED_DDL = ["CHECK", "FOREIGN KEY", "REFERENCES", "ENGINE", "ROW_FORMAT", "CHARACTER SET", "TRIGGER", "GENERATED", "TIMESTAMP",
                   "ALGORITHM", "SQL SECURITY", "PARTITION BY", "TABLESPACE"]
UNSUPPORTED_DML = ["ON CONFLICT", "RETURNING", "SAVEPOINT", "GET_LOCK", "RELEASE_LOCK", "LOCK TABLES", "FOR SHARE", "MERGE INTO"]
HIDES_VALUES = ["INSERT IGNORE", "REPLACE INTO", "UPDATE IGNORE"]


def text_without_strings(statement):
    return re.sub(r"'[^']*'", "''", statement)


def words(statement, phrases):
    """Those phrases that stand in a statement outside of strings and quoted names."""
    bare = re.sub(r"`[^`]*`", "``", text_without_strings(statement))
    return [phrase for phrase in phrases if re.search(rf"\b{phrase}\b", bare)]


class Table:
    def __init__(self, match):
        self.name, self.rowstore = match["name"], bool(match["rowstore"])
        self.reference, self.once, self.after = bool(match["reference"]), bool(match["once"]), match["after"].strip()
        self.columns, self.types, self.keys, self.strange = {}, [], [], []
        for member in match["members"].split(",\n"):
            key, column = KEY.fullmatch(member.strip()), COLUMN.fullmatch(member.strip())
            if key:
                self.keys.append((key["kind"], [name.strip(" `") for name in key["columns"].split(",")], key["after"].strip()))
            elif column:
                self.columns[column["name"]] = (column["type"], bool(column["not_null"]))
            else:
                self.strange.append(member)

    def of(self, *kinds):
        return [columns for kind, columns, _ in self.keys if kind in kinds]

    @property
    def shard(self):
        return (self.of("SHARD KEY") + self.of("PRIMARY KEY") + [[]])[0]


class Schema:
    def __init__(self, text):
        self.statements = [statement.strip() for statement in re.sub(r"^--.*$", "", text, flags=re.M).split(";\n") if statement.strip()]
        self.tables = {}
        self.unread = []
        for statement in self.statements:
            match = CREATE_TABLE.fullmatch(statement)
            if match:
                self.tables[match["name"]] = Table(match)
            elif not re.match(r"(CREATE VIEW|DROP VIEW IF EXISTS) `\w+`", statement):
                self.unread.append(statement)

    def named(self, statement, verb):
        match = re.match(verb + r" `?(\w+)`?", statement)
        return self.tables.get(match[1]) if match else None


# ---- rules on the schema: rule(schema) yields findings ----

def unique_contains_shard(schema):
    """S1"""
    for t in schema.tables.values():
        for key in t.of("PRIMARY KEY", "UNIQUE"):
            if not t.reference and not set(t.shard) <= set(key):
                yield f"{t.name}: unique key {key} does not contain the shard key {t.shard}"


def reference_has_primary_key(schema):
    """S2"""
    for t in schema.tables.values():
        if t.reference and not t.of("PRIMARY KEY"):
            yield f"{t.name}: a reference table without a primary key"


def reference_has_no_shard_key(schema):
    """S3"""
    for t in schema.tables.values():
        if t.reference and t.of("SHARD KEY"):
            yield f"{t.name}: a reference table with a shard key"


def one_key_of_a_kind(schema):
    """S4"""
    for t in schema.tables.values():
        for kind in ("PRIMARY KEY", "SHARD KEY", "SORT KEY"):
            if len(t.of(kind)) > 1:
                yield f"{t.name}: more than one {kind}"


def columnstore_says_so(schema):
    """S5"""
    for t in schema.tables.values():
        if not t.rowstore and not t.of("SORT KEY"):
            yield f"{t.name}: neither ROWSTORE nor a SORT KEY: the server's default would decide"
        if t.rowstore and t.of("SORT KEY"):
            yield f"{t.name}: a rowstore with a SORT KEY"


def columnstore_keys_are_hashes(schema):
    """S6"""
    for t in schema.tables.values():
        for kind, columns, after in t.keys:
            if kind == "KEY" and not t.rowstore and after != "USING HASH":
                yield f"{t.name}: key {columns} of a columnstore is not said to be a hash"


def types_are_supported(schema):
    """S7"""
    for t in schema.tables.values():
        for name, (kind, _) in t.columns.items():
            if kind not in TYPES:
                yield f"{t.name}.{name}: type {kind}"


def no_unsupported_clause(schema):
    """S8"""
    for statement in schema.statements:
        for clause in words(statement, UNSUPPORTED_DDL):
            yield f"{statement[:60]}: {clause}"
    for t in schema.tables.values():
        if t.after:
            yield f"{t.name}: {t.after}"
        for member in t.strange:
            yield f"{t.name}: {member.strip()}"
    for statement in schema.unread:
        yield f"not understood: {statement[:60]}"


def views_are_dropped_first(schema):
    """S9"""
    for before, statement in zip([""] + schema.statements, schema.statements):
        if re.search(r"CREATE OR REPLACE", statement):
            yield f"{statement[:60]}: OR REPLACE"
        match = re.match(r"CREATE VIEW (`\w+`)", statement)
        if match and before != f"DROP VIEW IF EXISTS {match[1]}":
            yield f"{match[1]}: not dropped before it is created"


def can_be_run_twice(schema):
    """S10"""
    for t in schema.tables.values():
        if not t.once:
            yield f"{t.name}: without IF NOT EXISTS"


def keys_are_sound(schema):
    """S11"""
    for t in schema.tables.values():
        for kind, columns, _ in t.keys:
            for name in columns:
                if name not in t.columns:
                    yield f"{t.name}: {kind} names {name}, which is no column"
                elif t.columns[name][0].startswith("LONGTEXT"):
                    yield f"{t.name}: {kind} has the text {name} without a limit"
                elif kind in ("PRIMARY KEY", "UNIQUE") and not t.columns[name][1]:
                    yield f"{t.name}: {kind} has {name}, which may be NULL"


def a_series_is_in_one_place(schema):
    """S12"""
    for t in schema.tables.values():
        if "series_id" in t.columns and not t.rowstore and t.shard != ["series_id"]:
            yield f"{t.name}: sharded by {t.shard}"


# ---- rules on statements of one connection: rule(schema, statements) yields findings ----

def dml_is_supported(schema, statements):
    """Q1"""
    for statement in statements:
        for word in words(statement, UNSUPPORTED_DML):
            yield f"{statement[:60]}: {word}"


def nothing_hides_values(schema, statements):
    """Q2"""
    for statement in statements:
        for word in words(statement, HIDES_VALUES):
            yield f"{statement[:60]}: {word}"


def assigned(statement):
    """The columns that an UPDATE or an upsert sets."""
    match = re.search(r"(?:ON DUPLICATE KEY UPDATE| SET )(.*?)(?: WHERE |$)", statement, re.S)
    return re.findall(r"`?(\w+)`? = ", match[1]) if match else []


def shard_keys_stand(schema, statements):
    """Q3"""
    for statement in statements:
        table = schema.named(statement, "(?:INSERT INTO|UPDATE)")
        if table and not table.reference and set(assigned(statement)) & set(table.shard):
            yield f"{statement[:60]}: sets the shard key"


def updates_have_no_limit(schema, statements):
    """Q4"""
    for statement in statements:
        if re.match(r"(UPDATE|DELETE)\b", statement) and words(statement, ["LIMIT"]):
            yield f"{statement[:60]}: LIMIT"


def dimensions_stand_apart(schema, statements):
    """Q5"""
    inside = False
    for statement in statements:
        inside = statement == "BEGIN" or (inside and statement not in ("COMMIT", "ROLLBACK"))
        table = schema.named(statement, "(?:INSERT INTO|UPDATE|DELETE FROM)")
        if inside and table and table.reference:
            yield f"{statement[:60]}: writes a reference table within a transaction"


def no_ddl_in_a_transaction(schema, statements):
    """Q6"""
    inside = False
    for statement in statements:
        inside = statement == "BEGIN" or (inside and statement not in ("COMMIT", "ROLLBACK"))
        if inside and re.match(r"(CREATE|DROP|ALTER)\b", statement):
            yield f"{statement[:60]}: within a transaction"


def rows_are_asked_in_order(schema, statements):
    """Q7"""
    for statement in statements:
        if re.match(r"SELECT .* FROM `fact_", statement) and not words(statement, ["ORDER BY"]):
            yield f"{statement[:60]}…: without ORDER BY"


def tables_exist(schema, statements):
    """Q8"""
    for statement in statements:
        match = re.match(r"(?:INSERT INTO|UPDATE|DELETE FROM|SELECT .*? FROM) `?(\w+)`?(?!\.)\b(?!\.)", statement)
        if match and match[1] not in schema.tables and match[1] != "information_schema" and "(SELECT" not in statement:
            yield f"{statement[:60]}: no table {match[1]}"


SCHEMA_RULES = [unique_contains_shard, reference_has_primary_key, reference_has_no_shard_key, one_key_of_a_kind, columnstore_says_so,
                columnstore_keys_are_hashes, types_are_supported, no_unsupported_clause, views_are_dropped_first, can_be_run_twice,
                keys_are_sound, a_series_is_in_one_place]
STATEMENT_RULES = [dml_is_supported, nothing_hides_values, shard_keys_stand, updates_have_no_limit, dimensions_stand_apart,
                   no_ddl_in_a_transaction, rows_are_asked_in_order, tables_exist]

# What is done to the text of the schema so that the rule must speak.
PLANTED_SCHEMA = {
    "S1": ("PRIMARY KEY (`series_id`, `ts`)", "PRIMARY KEY (`ts`)"),
    "S2": (",\n  PRIMARY KEY (`data_type`, `market`)", ""),
    "S3": ("PRIMARY KEY (`data_type`, `market`)", "PRIMARY KEY (`data_type`, `market`),\n  SHARD KEY (`market`)"),
    "S4": ("SHARD KEY (`series_id`)", "SHARD KEY (`series_id`),\n  SHARD KEY (`series_id`, `ts`)"),
    "S5": (",\n  SORT KEY (`series_id`, `ts`)", ""),
    "S6": (" USING HASH", ""),
    "S7": ("`open` DOUBLE", "`open` DECIMAL(65,30)"),
    "S8": ("`state` VARCHAR(64) COLLATE utf8mb4_bin NOT NULL",
           "`state` VARCHAR(64) COLLATE utf8mb4_bin NOT NULL CHECK (`state` IN ('stored'))"),
    "S9": ("DROP VIEW IF EXISTS `spot_ohlcv_1d`;\n", ""),
    "S10": ("TABLE IF NOT EXISTS `dim_series`", "TABLE `dim_series`"),
    "S11": ("PRIMARY KEY (`name`)", "PRIMARY KEY (`title`)"),
    "S12": ("SHARD KEY (`series_id`),\n  SORT KEY (`series_id`, `step_s`)", "SHARD KEY (`step_s`),\n  SORT KEY (`series_id`, `step_s`)"),
}
PLANTED_STATEMENTS = {
    "Q1": ["INSERT INTO ccdata_catalogue (market) VALUES (?1) ON CONFLICT (market) DO NOTHING"],
    "Q2": ["INSERT IGNORE INTO ccdata_quarantine (series_id) VALUES (?1)"],
    "Q3": ["INSERT INTO ccdata_locks (name, held) VALUES (?1, 0) ON DUPLICATE KEY UPDATE name = name"],
    "Q4": ["DELETE FROM ccdata_coverage WHERE series_id = ?1 LIMIT 10"],
    "Q5": ["BEGIN", "UPDATE dim_series SET base = ?1 WHERE series_id = ?2", "COMMIT"],
    "Q6": ["BEGIN", "CREATE TABLE t (a BIGINT, SORT KEY (a))", "COMMIT"],
    "Q7": ["SELECT `open` FROM `fact_spot_ohlcv_1d` WHERE series_id = ?1"],
    "Q8": ["DELETE FROM `fact_spot_ohlcv_2d` WHERE series_id = ?1"],
}


def run(*command):
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout


def schema_text():
    return run(DDL_PRINT, "singlestore", "legacy")


def statements_of_drivers():
    """SQL in string literals of the MySQL driver's source, which also speaks to SingleStore: a statement with its table."""
    found = []
    for path in sorted((ROOT / "src" / "store" / "mysql").glob("*.c")):
        source = re.sub(r'"\s*\n?\s*"', "", path.read_text(encoding="utf-8"))
        found += re.findall(r'"((?:SELECT|INSERT INTO|UPDATE|DELETE FROM) [^"]*ccdata_[^"]*)"', source)
    return found


def test_the_schema_keeps_the_rules(world):
    schema = Schema(schema_text())
    assert len(schema.tables) == 40 and not schema.unread
    findings = [f"{rule.__doc__}: {finding}" for rule in SCHEMA_RULES for finding in rule(schema)]
    assert not findings, findings


def test_the_statements_keep_the_rules(world):
    schema, connections = Schema(schema_text()), {}
    for line in run(STATEMENTS).splitlines():
        number, statement = line.split("\t", 1)
        connections.setdefault(number, []).append(statement)
    statements = [statement for of_one in connections.values() for statement in of_one]
    for kind in ("BEGIN", "INSERT INTO dim_series", "INSERT INTO ccdata_coverage", "INSERT INTO ccdata_quarantine", "DELETE FROM `fact_",
                 "INSERT INTO ccdata_revisions", "INSERT INTO `spot_instruments`", "INSERT INTO `asset_market_data`",
                 "DELETE FROM `asset_industries`", "INSERT INTO `ccdata_run_operations`", "INSERT INTO `ccdata_run_series`", "SELECT ", "CREATE VIEW"):
        assert any(statement.startswith(kind) for statement in statements), f"no {kind}: the list is not whole"
    findings = [f"{rule.__doc__}: {finding}" for rule in STATEMENT_RULES for of_one in connections.values()
                for finding in rule(schema, of_one)]
    assert not findings, findings


def test_the_drivers_statements_keep_the_rules(world):
    """What the MySQL driver sends on its own account: the lock and the proof."""
    statements = statements_of_drivers()
    if not statements:
        raise harness.Skip("the MySQL driver has no statements of its own here")
    schema = Schema(schema_text())
    findings = [f"{rule.__doc__}: {finding}" for rule in (dml_is_supported, nothing_hides_values, shard_keys_stand, updates_have_no_limit)
                for finding in rule(schema, statements)]
    assert not findings, findings


def test_every_rule_finds_its_violation(world):
    text = schema_text()
    for rule in SCHEMA_RULES:
        good, bad = PLANTED_SCHEMA[rule.__doc__]
        assert good in text, (rule.__doc__, "nothing to plant it in")
        assert list(rule(Schema(text.replace(good, bad, 1)))), rule.__doc__
    for rule in STATEMENT_RULES:
        assert list(rule(Schema(text), PLANTED_STATEMENTS[rule.__doc__])), rule.__doc__


def test_the_page_explains_every_rule(world):
    rules = {rule.__doc__ for rule in SCHEMA_RULES + STATEMENT_RULES}
    explained = set(re.findall(r"^\| ([SQ]\d+) \|", PAGE.read_text(encoding="utf-8"), re.M))
    assert rules == explained, rules ^ explained


if __name__ == "__main__":
    harness.main(globals())
