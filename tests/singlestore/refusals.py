"""What SingleStore refuses, read from the text of a statement and the state of its session.

The ids are those of docs/internals/singlestore.md where the page has the rule; F1 … are the fake's own and stand beside
their source here. Two kinds of rules: those of the server, as with warn_level = errors ("Unsupported MySQL Features":
what cannot be done is then refused instead of ignored), and `ours`, which no server would insist on but the page does.

Numbers of errors that a source shows: 1706 "Feature '…' is not supported by SingleStore." (SHOW CREATE DATABASE, as
dumpling met it), 1744 (support article "Restrictions on Primary/Unique keys"), MySQL's 1064, 1047, 1193, 1231, 1305.
The other server rules say 1706, whatever the real number may be; rules of ours say 1105.
"""
import functools
import re

SKIPPED = re.compile(r"`[^`]*`|'[^'\\]*(?:(?:\\.|'')[^'\\]*)*'|\"[^\"\\]*(?:(?:\\.|\"\")[^\"\\]*)*\"|-- [^\n]*|#[^\n]*|/\*.*?\*/", re.S)
ROWS = re.compile(r"(?:\([-+.,\deE?NUL']*\),?)+")  # of an INSERT: literals and places only
NAME = r"(?:`(\w+)`|(\w+))"
WRITES = re.compile(r"(?:INSERT(?: IGNORE)?(?: INTO)?|REPLACE(?: INTO)?|UPDATE|DELETE FROM|TRUNCATE(?: TABLE)?"
                    r"|LOAD DATA(?: LOCAL)? INFILE ''(?: REPLACE| IGNORE)? INTO TABLE) " + NAME, re.I)
CREATE_TABLE = re.compile(r"CREATE ((?:\w+ )*)TABLE (IF NOT EXISTS )?" + NAME + r" ?\((.*)\)([^()]*)$", re.I | re.S)
KEY = re.compile(r"(?:CONSTRAINT (?:`?\w+`? )?)?(PRIMARY KEY|UNIQUE(?: KEY| INDEX)?|SHARD KEY|SORT KEY|KEY|INDEX|FULLTEXT(?: KEY| INDEX)?)"
                 r"(?: (?!USING\b)`?(\w+)`?)?(?: USING (\w+))? ?\(([^)]*)\)(?: USING (\w+))?$", re.I)
COLUMN = re.compile(NAME + r" (\w+)(?:\(([^)]*)\))?(.*)$", re.S)
# "Data Types"; TIMESTAMP and DATETIME have no fraction or six digits of it.
TYPES = set("BOOL BOOLEAN BIT TINYINT SMALLINT MEDIUMINT INT INTEGER BIGINT REAL DOUBLE FLOAT DECIMAL DEC FIXED NUMERIC DATE TIME DATETIME"
            " TIMESTAMP YEAR CHAR VARCHAR BINARY VARBINARY TINYTEXT TEXT MEDIUMTEXT LONGTEXT TINYBLOB BLOB MEDIUMBLOB LONGBLOB ENUM SET JSON"
            " BSON VECTOR GEOGRAPHY GEOGRAPHYPOINT".split())
FUNCTIONS = set("COUNT SUM MIN MAX AVG COALESCE IFNULL NULLIF IF ISNULL CAST CONVERT CONCAT CONCAT_WS GROUP_CONCAT LOWER UPPER LENGTH"
                " CHAR_LENGTH SUBSTRING SUBSTR LEFT RIGHT REPLACE TRIM LTRIM RTRIM ROUND FLOOR CEIL ABS SIGN POW SQRT GREATEST LEAST MOD"
                " DATE_ADD DATE_SUB DATE DATEDIFF DATE_FORMAT STR_TO_DATE TIMESTAMPDIFF TIMESTAMPADD FROM_UNIXTIME UNIX_TIMESTAMP NOW"
                " UTC_TIMESTAMP YEAR MONTH DAY HOUR MINUTE SECOND DATABASE SCHEMA VERSION USER CURRENT_USER CONNECTION_ID LAST_INSERT_ID"
                " VALUES HEX UNHEX MD5 SHA1 SHA2 CRC32 RANK ROW_NUMBER LAG LEAD OVER".split())
# Words that stand before a parenthesis without being functions.
WORDS = set("IN AND OR NOT ON AS BY FROM JOIN WHERE THEN ELSE WHEN SELECT EXISTS KEY CHAR VARCHAR BINARY DECIMAL DATETIME TIME".split())
SETTABLE = set("autocommit sql_mode lock_wait_timeout multi_statement_xact_idle_timeout net_read_timeout net_write_timeout wait_timeout"
               " character_set_client character_set_connection character_set_results collation_connection".split())
READABLE = SETTABLE | set("memsql_version version version_comment max_allowed_packet default_table_type warn_level time_zone"
                          " character_set_server collation_server collation_database".split())
SQL_MODES = {"", "STRICT_ALL_TABLES", "ONLY_FULL_GROUP_BY", "PIPES_AS_CONCAT", "ANSI_QUOTES", "ANSI", "NO_AUTO_CREATE_USER"}
CATALOGUE = {"COLUMNS", "STATISTICS", "TABLES", "VIEWS", "SCHEMATA"}
CACHED_MAX_CHARS, LONG_CHARS = 1 << 16, 1 << 12


def name_of(match, first=1):
    return match[first] or match[first + 1]


def split_members(text):
    """At the commas that are in no parentheses."""
    members, depth, start = [], 0, 0
    for place in re.finditer(r"[(),]", text):
        depth += {"(": 1, ")": -1}.get(place[0], 0)
        if place[0] == "," and depth == 0:
            members.append(text[start:place.start()].strip())
            start = place.end()
    return [*members, text[start:].strip()]


class Table:
    """A CREATE TABLE. self.alien: members that are neither column nor key, in upper case."""

    def __init__(self, match):
        self.modifiers, self.once, self.name = match[1].upper().split(), bool(match[2]), name_of(match, 3)
        self.after = match[6].strip()
        self.reference, self.rowstore = "REFERENCE" in self.modifiers, "ROWSTORE" in self.modifiers
        self.columns, self.keys, self.alien = {}, [], []
        for member in split_members(match[5]):
            key, column = KEY.fullmatch(member), COLUMN.fullmatch(member)
            if key:
                kind = re.sub(r" (KEY|INDEX)$", "", key[1].upper()) if key[1].upper() not in ("KEY", "INDEX") else "KEY"
                names = [re.sub(r"[`\s]|\(\d+\)|\b(ASC|DESC)\b", "", name) for name in key[4].split(",")]
                self.keys.append((kind, names, (key[3] or key[5] or "").upper()))
            elif re.match(r"(CONSTRAINT|FOREIGN|CHECK|PERIOD)\b", member, re.I) or not column:
                self.alien.append(member.upper())
            else:
                self.add_column(name_of(column), column)

    def add_column(self, name, column):
        rest = column[5].upper()
        self.columns[name] = (column[3].upper(), column[4] or "", rest)
        if "PRIMARY KEY" in rest:
            self.keys.append(("PRIMARY", [name], ""))
        elif re.search(r"\bUNIQUE\b", rest):
            self.keys.append(("UNIQUE", [name], ""))

    @property
    def columnstore(self):
        return not self.rowstore

    def of(self, *kinds):
        return [names for kind, names, _ in self.keys if kind in kinds]

    @property
    def shard(self):
        return [] if self.reference else (self.of("SHARD") + self.of("PRIMARY") + [[]])[0]


class Statement:
    """The text, the same without literals and comments, that again in upper case without names, and what it does."""

    def __init__(self, text):
        self.text = text.strip().rstrip(";")
        bare = SKIPPED.sub(lambda match: match[0] if match[0][0] == "`" else "''" if match[0][0] in "'\"" else " ", self.text)
        self.bare = " ".join((ROWS.sub("()", bare) if len(bare) > LONG_CHARS else bare).split())
        self.words = re.sub(r"`[^`]*`", "``", self.bare).upper()
        self.verb = re.match(r"\w*", self.words)[0]
        write = WRITES.match(self.bare)
        self.target = name_of(write) if write else None
        create = CREATE_TABLE.match(self.bare) if self.verb == "CREATE" else None
        self.table = Table(create) if create else None

    def has(self, pattern):
        return re.search(rf"\b(?:{pattern})\b", self.words)

    @property
    def defines(self):
        return self.verb in ("CREATE", "DROP", "ALTER", "TRUNCATE", "RENAME")

    @property
    def begins(self):
        return re.match(r"(BEGIN|START TRANSACTION)\b", self.words)

    @property
    def assigned(self):
        """Columns that an UPDATE or an upsert sets."""
        sets = re.search(r"(?:ON DUPLICATE KEY UPDATE|^UPDATE .*? SET) (.*?)(?: WHERE |$)", self.bare, re.I)
        return {match[1] for match in re.finditer(r"`?(\w+)`? = ", sets[1])} if sets else set()


@functools.lru_cache(1024)
def cached(text):
    return Statement(text)


def parse(text):
    return cached(text) if len(text) <= CACHED_MAX_CHARS else Statement(text)


class Session:
    """What earlier statements of a connection have left behind. tables: all that was created, by database and name."""

    def __init__(self, tables, switches):
        self.tables, self.switches, self.database, self.inside, self.loaded = tables, switches, "", False, False

    def table(self, name):
        return self.tables.get((self.database, name))

    def done(self, s):
        """The server has done it."""
        if s.table and not (s.table.once and self.table(s.table.name)):
            self.tables[self.database, s.table.name] = s.table
        used = re.match(r"USE " + NAME, s.bare, re.I)
        if used:
            self.database = name_of(used)
        if s.verb == "LOAD":
            self.loaded = self.inside
        if s.begins:
            self.inside, self.loaded = True, False
        elif s.verb in ("COMMIT", "ROLLBACK") or s.defines:
            self.inside = self.loaded = False


class Rule:
    def __init__(self, name, find, code, ours, stateful):
        self.name, self.find, self.code, self.ours, self.stateful = name, find, code, ours, stateful


RULES = []


def rule(name, code=1706, ours=False, stateful=False):
    """A rule gives what is wrong: the feature of error 1706, or the whole text of another; None when nothing is."""
    def add(find):
        RULES.append(Rule(name, find, 1105 if ours else code, ours, stateful))
        return find
    return add


def check(s, session, preparing=False):
    """(rule, text of the error) of the first rule that refuses the statement, or None. A prepared statement meets the rules
    about the session's state when it is executed."""
    for each in RULES:
        found = None if preparing and each.stateful else each.find(s, session)
        if found:
            text = f"Feature '{found}' is not supported by SingleStore." if each.code == 1706 else found
            return each, f"ccdata's rule {each.name}: {found}" if each.ours else text
    return None


# ---- the schema ----

@rule("S1", 1744)
def unique_contains_shard(s, _):
    if s.table:
        for names in s.table.of("PRIMARY", "UNIQUE"):
            if not set(s.table.shard) <= set(names):
                return f"The unique key ({', '.join(names)}) does not contain the columns of the SHARD KEY ({', '.join(s.table.shard)})"


@rule("S2")
def reference_has_primary_key(s, _):
    if s.table and s.table.reference and not s.table.of("PRIMARY"):
        return "Reference Table without a Primary Key"


@rule("S3")
def reference_has_no_shard_key(s, _):
    if s.table and s.table.reference and s.table.of("SHARD"):
        return "SHARD KEY on a reference table"


@rule("S4")
def one_key_of_a_kind(s, _):
    for kind in ("PRIMARY", "SHARD", "SORT") if s.table else ():
        if len(s.table.of(kind)) > 1:
            return f"more than one {kind} KEY"


@rule("S5")
def rowstore_has_no_sort_key(s, _):
    if s.table and s.table.rowstore and s.table.of("SORT"):
        return "SORT KEY on a rowstore table"


@rule("S5", ours=True)
def tables_say_what_they_are(s, _):
    if s.table and s.table.columnstore and not s.table.of("SORT"):
        return "neither ROWSTORE nor a SORT KEY: default_table_type would decide"


@rule("S6")
def columnstore_keys_are_hashes(s, _):
    """The last two: limits that the README of SingleStore's Django back-end lists."""
    if not s.table or not s.table.columnstore:
        return None
    if any(using not in ("", "HASH") for _, _, using in s.table.keys):
        return "BTREE index on a columnstore table"
    hashed = [tuple(names) for kind, names, _ in s.table.keys if kind in ("KEY", "UNIQUE", "PRIMARY")]
    if len(set(hashed)) < len(hashed):
        return "Multiple HASH indices on the same columns"
    unique = s.table.of("PRIMARY", "UNIQUE")
    if len(unique) > 1 and any(len(names) > 1 for names in unique):
        return "multiple UNIQUE indexes with at least one index containing multiple columns on columnstore table"
    return None


@rule("S7")
def types_are_known(s, _):
    for kind, size, _ in s.table.columns.values() if s.table else ():
        if kind not in TYPES or (kind in ("DATETIME", "TIMESTAMP", "TIME") and size not in ("", "6")):
            return f"{kind}{f'({size})' if size else ''} data type"


@rule("F1")
def no_double_in_the_key_of_a_columnstore(s, _):
    """README of SingleStore's Django back-end, minor limitations."""
    if s.table and s.table.columnstore:
        for name in sum(s.table.of("PRIMARY"), []):
            if s.table.columns.get(name, ("",))[0] in ("FLOAT", "DOUBLE", "REAL"):
                return "FLOAT/DOUBLE primary keys on columnstore table"


@rule("S8")
def no_unsupported_clause(s, _):
    if s.table and (s.table.alien or s.table.after or s.has("CHECK|FOREIGN KEY|REFERENCES|GENERATED|INVISIBLE")):
        return (s.table.alien + [s.table.after, s.words])[0][:40] or "clause of CREATE TABLE"
    found = s.defines and s.has("TRIGGER|ALGORITHM|SQL SECURITY|ENGINE|ROW_FORMAT|PARTITION BY|EVENT|SEQUENCE|TABLESPACE")
    return found[0] if found else None


@rule("S9", 1064)
def views_are_not_replaced(s, _):
    if re.match(r"CREATE OR REPLACE (.* )?VIEW\b", s.words):
        return "You have an error in your SQL syntax near 'VIEW'"


@rule("S10", 1064)
def modifiers_have_an_order(s, _):
    if s.table and s.table.modifiers not in ([], ["ROWSTORE"], ["REFERENCE"], ["ROWSTORE", "REFERENCE"]):
        return f"You have an error in your SQL syntax near '{' '.join(s.table.modifiers)}'"
    if s.verb == "CREATE" and s.has("TABLE") and not s.table and not s.has("VIEW|INDEX|DATABASE|USER"):
        return "You have an error in your SQL syntax near 'TABLE'"


@rule("S12", ours=True)
def a_series_is_in_one_place(s, _):
    if s.table and "series_id" in s.table.columns and "ROWSTORE" not in s.table.modifiers and s.table.shard != ["series_id"]:
        return f"sharded by ({', '.join(s.table.shard)})"


@rule("F2", stateful=True)
def columnstores_are_not_altered(s, session):
    """README of SingleStore's Django back-end, minor limitations."""
    match = re.match(r"ALTER TABLE " + NAME, s.bare, re.I)
    table = session.table(name_of(match)) if match else None
    if table and table.columnstore and s.has("MODIFY|CHANGE|ADD (?:CONSTRAINT )?(?:UNIQUE|PRIMARY|FOREIGN)|DROP PRIMARY"):
        return "ALTER TABLE which changes a type or a unique index of a columnstore table"


# ---- statements ----

@rule("Q1", 1305)
def functions_exist(s, session):
    """Functions that the SQL reference has; nothing else may stand before a parenthesis."""
    if s.defines and not s.has("VIEW"):
        return None
    for match in re.finditer(r"(?<!`)\b([A-Za-z_]\w*)\(", s.words):
        if match[1] not in FUNCTIONS and match[1] not in WORDS:
            return f"FUNCTION {session.database}.{match[1]} does not exist"


@rule("Q1", 1064)
def words_of_other_databases(s, _):
    found = s.has("ON CONFLICT|RETURNING|MERGE INTO|FOR SHARE|LOCK IN SHARE MODE|SKIP LOCKED|DUAL ON|EXCLUDED")
    return f"You have an error in your SQL syntax near '{found[0]}'" if found else None


@rule("Q1")
def no_savepoints_and_table_locks(s, _):
    found = re.match(r"(SAVEPOINT|RELEASE SAVEPOINT|ROLLBACK (WORK )?TO|LOCK TABLES|UNLOCK TABLES|XA|HANDLER|DECLARE)\b", s.words)
    return found[0] if found else None


@rule("Q2", ours=True)
def nothing_hides_values(s, _):
    found = s.has("INSERT IGNORE|UPDATE IGNORE|REPLACE INTO") or (s.verb == "LOAD" and s.has("REPLACE INTO|IGNORE INTO"))
    return found[0] if found else None


@rule("Q3", stateful=True)
def shard_keys_stand(s, session):
    table = session.table(s.target)
    if table and set(table.shard) & s.assigned:
        return "UPDATE of a column of the shard key"


@rule("Q4", stateful=True)
def updates_have_no_limit(s, session):
    table = session.table(s.target)
    if s.verb in ("UPDATE", "DELETE") and s.has("LIMIT") and not (table and table.reference):
        return f"{s.verb} … LIMIT on a sharded table"


@rule("Q5", 1706, stateful=True)
def reference_tables_stand_apart(s, session):
    """Behind an endpoint that is a child aggregator: "BEGIN", remarks; README of SingleStore's Django back-end, major
    limitations. The text is SingleStore's."""
    table = session.table(s.target)
    if session.inside and table and table.reference:
        return "Writing to a reference table in multi-statement transaction on child aggregators"


@rule("Q6", ours=True, stateful=True)
def no_ddl_in_a_transaction(s, session):
    if session.inside and s.defines:
        return f"{s.verb} within a transaction"


@rule("Q7", ours=True)
def rows_are_asked_in_order(s, _):
    if re.search(r"\bFROM `?fact_", s.bare) and s.verb == "SELECT" and not s.has("ORDER BY|COUNT|MIN|MAX|LIMIT 0"):
        return "rows of facts without ORDER BY"


@rule("F3", ours=True)
def no_select_within_an_expression(s, _):
    """SingleStore refuses some, "Correlated subselect that can not be transformed and does not match on shard keys" (test lists
    of its Django and Entity Framework back-ends); no statement of ours has one."""
    if re.search(r"(?<!FROM )(?<!JOIN )\(SELECT\b", s.words) and not s.words.startswith("(SELECT"):
        return "a SELECT within an expression"


@rule("F4")
def transactions_have_no_options(s, _):
    """"BEGIN" (syntax); WITH CONSISTENT SNAPSHOT: dumpling."""
    if s.begins and s.words not in ("BEGIN", "BEGIN WORK", "START TRANSACTION"):
        return s.words
    return "SHOW CREATE DATABASE" if s.words.startswith("SHOW CREATE DATABASE") else None


@rule("F5")
def isolation_is_what_it_is(s, _):
    """READ COMMITTED only, "Durability" (FAQ)."""
    if re.match(r"SET (SESSION |GLOBAL )?TRANSACTION\b", s.words):
        return "SET TRANSACTION"


def assignments(s):
    """(scope, name, value) of a SET."""
    for each in re.findall(r"(?:[^,']|'[^']*')+", s.text[4:]) if s.verb == "SET" else ():
        match = re.match(r"(?:(SESSION|LOCAL|GLOBAL) |@@(?:(SESSION|GLOBAL)\.)?|(@))?(\w+)(?: ?:?= ?| )(.*)$", each.strip(), re.I | re.S)
        if match:
            yield (match[1] or match[2] or match[3] or "").upper(), match[4].lower(), match[5].strip().strip("'")


@rule("F6", 1193)
def variables_are_known(s, session):
    """"List of Engine Variables". User-defined variables: "Unsupported MySQL Features"."""
    for scope, name, _ in assignments(s):
        if scope == "GLOBAL" or scope == "@" or name not in SETTABLE | {"names", "transaction"} | session.switches.extra_settable:
            return f"Unknown system variable '{'@' if scope == '@' else ''}{name}'"
    for match in re.finditer(r"@@?(?:session\.|global\.)?(\w+)", s.bare if s.verb != "SET" else "", re.I):
        if match[1].lower() not in READABLE or not match[0].startswith("@@"):
            return f"Unknown system variable '{match[1]}'"


@rule("F7", 1229)
def some_variables_are_of_the_cluster(s, session):
    for _, name, _ in assignments(s):
        if name in session.switches.global_only:
            return f"Variable '{name}' is a GLOBAL variable and should be set with SET GLOBAL"


@rule("F8", 1231)
def modes_are_known(s, _):
    """sql_mode of "List of Engine Variables"."""
    for _, name, value in assignments(s):
        if name == "sql_mode" and not set(value.upper().split(",")) <= SQL_MODES:
            return f"Variable 'sql_mode' can't be set to the value of '{value}'"
        if name == "names" and value.split()[0].strip("'") not in ("utf8", "utf8mb4", "binary"):
            return f"Unknown character set: '{value}'"


@rule("F9", 1109)
def the_catalogue_is_known(s, _):
    """"Information Schema Reference"."""
    for match in re.finditer(r"\b(information_schema|mysql|performance_schema|sys)\.`?(\w+)", s.bare, re.I):
        if match[1].lower() != "information_schema" or match[2].upper() not in CATALOGUE:
            return f"Unknown table '{match[2]}' in {match[1]}"


@rule("F10")
def files_are_local_and_whole(s, _):
    """"LOAD DATA": a file of the server's is none of ours, LINES STARTING BY and SET are used by nothing here."""
    if s.verb == "LOAD" and (not s.words.startswith("LOAD DATA LOCAL INFILE ''") or s.has("PARTITION|LOW_PRIORITY|CONCURRENT")):
        return "LOAD DATA of this kind"


# ---- what goes on to MariaDB ----

def without_member(text, kind):
    return re.sub(rf",\s*(?:CONSTRAINT\s+)?{kind}\s+KEY\s*(?:`?\w+`?\s*)?\([^)]*\)", "", text, flags=re.I)


def translate(s, session):
    """The statement in MariaDB's words: clauses that only SingleStore has are taken out."""
    text = s.text
    if s.table:
        text = re.sub(r"^(CREATE)\s+(?:ROWSTORE\s+)?(?:REFERENCE\s+)?TABLE\b", r"\1 TABLE", text, flags=re.I)
        for kind in ("SHARD", "SORT"):
            text = without_member(text, kind)
    for _, name, value in assignments(s):
        if name == "lock_wait_timeout":
            text = f"SET SESSION innodb_lock_wait_timeout = {value}"
        elif name == "multi_statement_xact_idle_timeout":
            text = "DO 0"
    if s.verb == "SELECT":
        text = text.replace("@@memsql_version", f"'{session.switches.memsql_version}'")
        text = re.sub(r"@@version\b|\bversion\(\)", f"'{session.switches.version}'", text, flags=re.I)
    if s.words == "ROLLBACK" and session.loaded and not session.switches.load_rolls_back:
        text = "COMMIT"  # as if LOAD DATA had committed
    return text
