#include "store/dialect.h"

#include <inttypes.h>
#include <string.h>

#include "base/time.h"

/* One line per property, see ddl.h. Only unique keys that CREATE TABLE can have made: a unique
 * index on expressions or with a condition is named by its condition, and so differs. */
#define SQLITE_DESCRIBE                                                                            \
    "SELECT line FROM ("                                                                           \
    "SELECT 1 AS part, cid AS place, 'column ' || name || ' ' ||"                                  \
    " coalesce(nullif(type, ''), '(no type)') ||"                                                  \
    " CASE WHEN \"notnull\" THEN ' NOT NULL' ELSE '' END ||"                                       \
    " CASE WHEN pk THEN ' key ' || pk ELSE '' END AS line"                                         \
    " FROM pragma_table_xinfo(?1)"                                                                 \
    " UNION ALL "                                                                                  \
    "SELECT 2, 0, 'unique (' || group_concat(name, ', ') || ')' FROM"                              \
    " (SELECT l.seq AS seq, i.name AS name FROM pragma_index_list(?1) l, "                         \
    "pragma_index_info(l.name) "                                                                   \
    "i WHERE l.\"unique\" AND l.origin <> 'pk' ORDER BY l.seq, i.seqno) GROUP BY seq"              \
    " UNION ALL "                                                                                  \
    "SELECT 3, 0, 'WITHOUT ROWID' FROM pragma_table_list(?1) WHERE schema = 'main' AND wr"         \
    ") ORDER BY part, place, line"

/* Rows and coverage that do not share their fate would let coverage claim rows that are gone: a
 * table that a transaction or a crash treats in its own way differs.
 *
 * The width of an integer is not reported by all versions alike, so its name is enough; the
 * collations that compare bytes are one. */
#define MYSQL_DESCRIBE                                                                             \
    "SELECT line FROM ("                                                                           \
    "SELECT 1 AS part, c.ORDINAL_POSITION AS place, CONCAT('column ', c.COLUMN_NAME, ' ',"         \
    " CASE WHEN c.DATA_TYPE LIKE '%int' THEN c.DATA_TYPE ELSE c.COLUMN_TYPE END,"                  \
    " CASE WHEN c.COLUMN_TYPE LIKE '%int%unsigned%' THEN ' unsigned' ELSE '' END,"                 \
    " CASE WHEN c.COLLATION_NAME IS NULL THEN ''"                                                  \
    " WHEN c.COLLATION_NAME IN ('utf8mb4_nopad_bin', 'utf8mb4_0900_bin') THEN ' utf8mb4_bin'"      \
    " ELSE CONCAT(' ', c.COLLATION_NAME) END,"                                                     \
    " CASE WHEN c.EXTRA LIKE '%auto_increment%' THEN ' auto_increment' ELSE '' END,"               \
    " CASE WHEN c.IS_NULLABLE = 'NO' THEN ' NOT NULL' ELSE '' END,"                                \
    " CASE WHEN k.SEQ_IN_INDEX IS NULL THEN '' ELSE CONCAT(' key ', k.SEQ_IN_INDEX) END) AS line"  \
    " FROM information_schema.COLUMNS c LEFT JOIN information_schema.STATISTICS k"                 \
    " ON k.TABLE_SCHEMA = DATABASE() AND k.TABLE_NAME = ?1 AND k.INDEX_NAME = 'PRIMARY'"           \
    " AND k.COLUMN_NAME = c.COLUMN_NAME"                                                           \
    " WHERE c.TABLE_SCHEMA = DATABASE() AND c.TABLE_NAME = ?1"                                     \
    " UNION ALL "                                                                                  \
    "SELECT 2, 0, CONCAT('unique (', GROUP_CONCAT(u.COLUMN_NAME ORDER BY u.SEQ_IN_INDEX"           \
    " SEPARATOR ', '), ')') FROM information_schema.STATISTICS u"                                  \
    " WHERE u.TABLE_SCHEMA = DATABASE() AND u.TABLE_NAME = ?1 AND u.NON_UNIQUE = 0"                \
    " AND u.INDEX_NAME <> 'PRIMARY' GROUP BY u.INDEX_NAME"                                         \
    " UNION ALL "                                                                                  \
    "SELECT 3, 0, CONCAT('the engine ', t.ENGINE, ', which cannot roll back')"                     \
    " FROM information_schema.TABLES t"                                                            \
    " WHERE t.TABLE_SCHEMA = DATABASE() AND t.TABLE_NAME = ?1"                                     \
    " AND t.ENGINE IN ('MyISAM', 'Aria', 'MRG_MyISAM', 'MEMORY', 'CSV', 'ARCHIVE', 'BLACKHOLE',"   \
    " 'CONNECT', 'FEDERATED', 'Columnstore', 'S3')"                                                \
    ") p ORDER BY part, place, line"

#define MYSQL_FIND_OBJECT                                                                          \
    "SELECT CASE WHEN TABLE_TYPE LIKE '%VIEW' THEN 'view' ELSE 'table' END"                        \
    " FROM information_schema.TABLES WHERE TABLE_SCHEMA = DATABASE() AND TABLE_NAME = ?1"

#define POSTGRESQL_DESCRIBE                                                                        \
    "WITH t AS (SELECT c.oid FROM pg_catalog.pg_class c"                                           \
    " JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace"                                    \
    " WHERE n.nspname = current_schema() AND c.relname = CAST(?1 AS name)"                         \
    " AND c.relkind IN ('r', 'p')),"                                                               \
    " k AS (SELECT i.indexrelid, i.indisprimary, u.attnum, u.place,"                               \
    " coalesce(a.attname, '(expression)') AS attname,"                                             \
    " coalesce(' WHERE ' || pg_catalog.pg_get_expr(i.indpred, i.indrelid), '') AS condition"       \
    " FROM t JOIN pg_catalog.pg_index i ON i.indrelid = t.oid AND i.indisunique"                   \
    " CROSS JOIN LATERAL unnest(i.indkey) WITH ORDINALITY AS u(attnum, place)"                     \
    " LEFT JOIN pg_catalog.pg_attribute a ON a.attrelid = t.oid AND a.attnum = u.attnum"           \
    " AND u.attnum > 0 WHERE u.place <= i.indnkeyatts) "                                           \
    "SELECT line FROM ("                                                                           \
    "SELECT 1 AS part, a.attnum AS place, 'column ' || a.attname || ' ' ||"                        \
    " pg_catalog.format_type(a.atttypid, a.atttypmod) ||"                                          \
    " CASE WHEN a.attcollation <> 0 AND a.attcollation <> y.typcollation"                          \
    " THEN ' ' || l.collname ELSE '' END ||"                                                       \
    " CASE WHEN a.attnotnull THEN ' NOT NULL' ELSE '' END ||"                                      \
    " coalesce(' key ' || (SELECT k.place FROM k WHERE k.indisprimary AND k.attnum = a.attnum),"   \
    " '') AS line"                                                                                 \
    " FROM t JOIN pg_catalog.pg_attribute a ON a.attrelid = t.oid"                                 \
    " JOIN pg_catalog.pg_type y ON y.oid = a.atttypid"                                             \
    " LEFT JOIN pg_catalog.pg_collation l ON l.oid = a.attcollation"                               \
    " WHERE a.attnum > 0 AND NOT a.attisdropped"                                                   \
    " UNION ALL "                                                                                  \
    "SELECT 2, 0, 'unique (' || string_agg(k.attname, ', ' ORDER BY k.place) || ')' ||"            \
    " k.condition FROM k WHERE NOT k.indisprimary GROUP BY k.indexrelid, k.condition"              \
    " UNION ALL "                                                                                  \
    "SELECT 3, 0, 'rows that are lost when the server crashes (UNLOGGED)'"                         \
    " FROM t JOIN pg_catalog.pg_class c ON c.oid = t.oid WHERE c.relpersistence = 'u'"             \
    ") p ORDER BY part, place, line COLLATE \"C\""

#define POSTGRESQL_FIND_OBJECT                                                                     \
    "SELECT CASE c.relkind WHEN 'r' THEN 'table' WHEN 'p' THEN 'table' WHEN 'v' THEN 'view'"       \
    " WHEN 'i' THEN 'index' WHEN 'I' THEN 'index' WHEN 'm' THEN 'materialized view'"               \
    " WHEN 'f' THEN 'foreign table' ELSE 'other object' END"                                       \
    " FROM pg_catalog.pg_class c JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace"         \
    " WHERE n.nspname = current_schema() AND c.relname = CAST(?1 AS name)"

/* What the MySQL family shares. Seconds are counted from a typed constant: no session's or server's
 * time zone has a say, years 1000 to 9999 are exact, and a comparison of a DATETIME column with it
 * can use the column's key. */
#define MYSQL_TYPES(collation)                                                                     \
    {                                                                                              \
        [DDL_I64] = {"BIGINT", "bigint"}, [DDL_F64] = {"DOUBLE", "double"},                        \
        [DDL_BOOL] = {"TINYINT(1)", "tinyint"}, [DDL_MOMENT] = {"DATETIME", "datetime"},           \
        [DDL_WORD] = {"VARCHAR(64)" collation, "varchar(64) utf8mb4_bin"},                         \
        [DDL_NAME] = {"VARCHAR(511)" collation, "varchar(511) utf8mb4_bin"},                       \
        [DDL_TEXT] = {"LONGTEXT" collation, "longtext utf8mb4_bin"},                               \
    }
#define MYSQL_WORDS                                                                                \
    .moment_to_s = {"TIMESTAMPDIFF(SECOND, CAST('1970-01-01 00:00:00' AS DATETIME), ", ")"},       \
    .moment_from_s = {"DATE_ADD(CAST('1970-01-01 00:00:00' AS DATETIME), INTERVAL ", " SECOND)"},  \
    .show_moment = {"", ""},                                                                       \
    .show_seconds = {"DATE_ADD(CAST('1970-01-01 00:00:00' AS DATETIME), INTERVAL ", " SECOND)"},   \
    .moment_literal = {"'", "'"}, .view_f64 = {"", ""},                                            \
    .add_seconds = {" + INTERVAL (", ") SECOND"}, .upsert_set = " ON DUPLICATE KEY UPDATE ",       \
    .new_value = {"VALUES(", ")"}, .quote = '`', .describe = MYSQL_DESCRIBE,                       \
    .find_object = MYSQL_FIND_OBJECT, .view_joins_schema = true, .inline_indexes = true,           \
    .plain_zero = true

#define EVERYWHERE(words)                                                                          \
    {                                                                                              \
        [DDL_FACT] = words, [DDL_DIMENSION] = words, [DDL_SERIES] = words, [DDL_LOCKS] = words,    \
        [DDL_SNAPSHOTS] = words, [DDL_RUNS] = words                                                \
    }
#define PLAIN_TABLE                                                                                \
    {                                                                                              \
        "CREATE TABLE", NULL, ""                                                                   \
    }
/* DYNAMIC: a key may have 3072 bytes, whatever the server's default is. The collation compares
 * bytes and does not take "x" and "x " for the same key, as utf8mb4_bin does; MariaDB and MySQL
 * (8.0.17) name theirs differently, and each reads its own of these comments. */
#define INNODB_TABLE                                                                               \
    {                                                                                              \
        "CREATE TABLE", NULL,                                                                      \
            " ENGINE=InnoDB ROW_FORMAT=DYNAMIC CHARACTER SET utf8mb4"                              \
            " /*M! COLLATE utf8mb4_nopad_bin */ /*!80017 COLLATE utf8mb4_0900_bin */"              \
    }

static const struct dialect dialects[DIALECT_COUNT] =
    {
        /* SQLite, doubles: a column declared REAL turns -0.0 into 0 (its integral values are kept
         * as integers), so the column has no type, which keeps what it is given. The writer gives
         * integral values as integers, which REAL would do too: 16 % smaller futures rows and half
         * the size of candles without trades. The view makes them REAL again. Doubles therefore
         * come back bit by bit. */
        [DIALECT_SQLITE] =
            {
                .id = DIALECT_SQLITE,
                .name = "sqlite",
                .types = {[DDL_I64] = {"INTEGER", "INTEGER"},
                          [DDL_F64] = {"", "(no type)"},
                          [DDL_BOOL] = {"INTEGER", "INTEGER"},
                          [DDL_MOMENT] = {"INTEGER", "INTEGER"},
                          [DDL_WORD] = {"TEXT", "TEXT"},
                          [DDL_NAME] = {"TEXT", "TEXT"},
                          [DDL_TEXT] = {"TEXT", "TEXT"}},
                .places = EVERYWHERE(PLAIN_TABLE),
                .moment_to_s = {"", ""},
                .moment_from_s = {"", ""},
                .show_moment = {"datetime(", ", 'unixepoch')"},
                .show_seconds = {"datetime(", ", 'unixepoch')"},
                .view_f64 = {"CAST(", " AS REAL)"},
                .add_seconds = {" + ", ""},
                .create_view = "CREATE VIEW",
                .upsert_keys = {" ON CONFLICT (", ")"},
                .upsert_set = " DO UPDATE SET ",
                .upsert_nothing = " DO NOTHING",
                .new_value = {"excluded.", ""},
                .quote = '"',
                .describe = SQLITE_DESCRIBE,
                .find_object = "SELECT type FROM sqlite_schema WHERE name = ?1",
                .object_text = "SELECT sql FROM sqlite_schema WHERE name = ?1",
                .keyed_table = "WITHOUT ROWID",
                .checks = true,
                .bare_lists = true,
                .ddl_in_transaction = true,
            },
        [DIALECT_MYSQL] =
            {
                .id = DIALECT_MYSQL,
                .name = "mysql",
                .alias = "mariadb",
                .types = MYSQL_TYPES(""),
                /* Servers insist on a key (sql_require_primary_key, innodb_force_primary_key, group
                 * replication, Galera for DELETE) or would add a column of their own
                 * (sql_generate_invisible_primary_key). SingleStore does neither. */
                .types[DDL_ROW] = {"BIGINT AUTO_INCREMENT", "bigint auto_increment"},
                .places = EVERYWHERE(INNODB_TABLE),
                MYSQL_WORDS,
                .create_view = "CREATE OR REPLACE VIEW",
                .inline_index = "",
                .view_replaces = true,
                .checks = true,
            },
        /* docs/internals/singlestore.md has the rules that these words follow. */
        [DIALECT_SINGLESTORE] =
            {
                .id = DIALECT_SINGLESTORE,
                .name = "singlestore",
                .types = MYSQL_TYPES(" COLLATE utf8mb4_bin"),
                .places =
                    {[DDL_FACT] = {"CREATE TABLE",
                                   "SHARD KEY (`series_id`),\n  SORT KEY (`series_id`, `ts`)", ""},
                     [DDL_DIMENSION] = {"CREATE ROWSTORE REFERENCE TABLE", NULL, ""},
                     [DDL_SERIES] =
                         {"CREATE TABLE",
                          "SHARD KEY (`series_id`),\n  SORT KEY (`series_id`, `step_s`)", ""},
                     [DDL_LOCKS] = {"CREATE ROWSTORE TABLE", "SHARD KEY (`name`)", ""},
                     [DDL_SNAPSHOTS] = {"CREATE TABLE",
                                        "SHARD KEY (`asset_id`),\n  SORT KEY (`asset_id`)", ""},
                     [DDL_RUNS] = {"CREATE ROWSTORE TABLE", "SHARD KEY (`run_id`)", ""}},
                MYSQL_WORDS,
                .create_view = "CREATE VIEW",
                .inline_index = " USING HASH",
                .lock_table = true,
                .pads_text = true,
                .dimension_apart = true,
            },
        /* Text in keys is ordered and compared by its bytes. */
        [DIALECT_POSTGRESQL] =
            {
                .id = DIALECT_POSTGRESQL,
                .name = "postgresql",
                .alias = "postgres",
                .types = {[DDL_I64] = {"bigint", "bigint"},
                          [DDL_F64] = {"double precision", "double precision"},
                          [DDL_BOOL] = {"boolean", "boolean"},
                          [DDL_MOMENT] = {"timestamptz", "timestamp with time zone"},
                          [DDL_WORD] = {"text COLLATE \"C\"", "text C"},
                          [DDL_NAME] = {"text COLLATE \"C\"", "text C"},
                          [DDL_TEXT] = {"text", "text"}},
                .places = EVERYWHERE(PLAIN_TABLE),
                .moment_to_s = {"CAST(EXTRACT(EPOCH FROM ", ") AS bigint)"},
                /* The inner type says what the parameter is. */
                .moment_from_s = {"to_timestamp(CAST(", " AS bigint))"},
                .show_moment = {"", ""},
                .show_seconds = {"to_timestamp(", ")"},
                .moment_literal = {"'", "+00'"},
                .view_f64 = {"", ""},
                .add_seconds = {" + (", ") * interval '1 second'"},
                .create_view = "CREATE OR REPLACE VIEW",
                .upsert_keys = {" ON CONFLICT (", ")"},
                .upsert_set = " DO UPDATE SET ",
                .upsert_nothing = " DO NOTHING",
                .new_value = {"excluded.", ""},
                .quote = '"',
                .describe = POSTGRESQL_DESCRIBE,
                .find_object = POSTGRESQL_FIND_OBJECT,
                .view_replaces = true,
                .view_joins_schema = true,
                .checks = true,
                .ddl_in_transaction = true,
            },
};

const struct dialect *dialect_of(enum store_dialect dialect)
{
    return &dialects[dialect];
}

const char *store_dialect_name(enum store_dialect dialect)
{
    return (unsigned)dialect < DIALECT_COUNT ? dialects[dialect].name : "unknown";
}

bool store_dialect_parse(struct str name, enum store_dialect *out_dialect)
{
    for (int i = 0; i < DIALECT_COUNT; i++) {
        const struct dialect *d = &dialects[i];
        if (str_equal_nocase(name, str_from(d->name)) ||
            (d->alias && str_equal_nocase(name, str_from(d->alias)))) {
            *out_dialect = d->id;
            return true;
        }
    }
    return false;
}

enum ddl_type ddl_type_of(enum column_kind kind)
{
    static const enum ddl_type types[COLUMN_KIND_COUNT] = {
        [COLUMN_I64] = DDL_I64,   [COLUMN_F64] = DDL_F64,   [COLUMN_TEXT] = DDL_TEXT,
        [COLUMN_BOOL] = DDL_BOOL, [COLUMN_UTC_S] = DDL_I64,
    };
    return types[kind];
}

bool identifier_ok(const char *name)
{
    size_t len = strlen(name);
    return len >= 1 && len <= IDENTIFIER_MAX_BYTES &&
           strspn(name, "abcdefghijklmnopqrstuvwxyz0123456789_") == len;
}

int identifier_add(struct buf *out, const struct dialect *d, const char *name)
{
    if (!identifier_ok(name)) {
        out->failed = true;
        return -1;
    }
    return buf_printf(out, "%c%s%c", d->quote, name, d->quote);
}

/* The next name of "a, b"; false at the end. A name that is cut is none of ours. */
static bool next_name(const char **list, char name[static IDENTIFIER_MAX_BYTES + 2])
{
    *list += strspn(*list, " ,");
    size_t len = strcspn(*list, " ,");
    str_copy(name, IDENTIFIER_MAX_BYTES + 2, (struct str){*list, len});
    *list += len;
    return len > 0;
}

/* As the list's members stand, each in quotes. */
static void add_names(struct buf *out, const struct dialect *d, const char *list)
{
    char name[IDENTIFIER_MAX_BYTES + 2];
    for (const char *between = ""; next_name(&list, name); between = ", ") {
        buf_add_text(out, between);
        identifier_add(out, d, name);
    }
}

static void add_sets(struct buf *out, const struct dialect *d, const char *list)
{
    char name[IDENTIFIER_MAX_BYTES + 2];
    for (const char *between = ""; next_name(&list, name); between = ", ") {
        buf_add_text(out, between);
        identifier_add(out, d, name);
        buf_printf(out, " = %s", d->new_value[0]);
        identifier_add(out, d, name);
        buf_add_text(out, d->new_value[1]);
    }
}

/* MySQL has no "do nothing": the last column of the key takes the value that it has. Never the
 * first, which may be the shard key, that SingleStore lets nobody set. INSERT IGNORE would hide
 * values that do not fit, too. */
static void add_same(struct buf *out, const struct dialect *d, const char *keys)
{
    char name[IDENTIFIER_MAX_BYTES + 2];
    char last[IDENTIFIER_MAX_BYTES + 2] = "";
    while (next_name(&keys, name))
        str_copy(last, sizeof(last), str_from(name));
    identifier_add(out, d, last);
    buf_add_text(out, " = ");
    identifier_add(out, d, last);
}

int upsert_add(struct buf *out, const struct dialect *d, const char *keys, const char *sets)
{
    if (d->upsert_keys[0]) {
        buf_add_text(out, d->upsert_keys[0]);
        add_names(out, d, keys);
        buf_add_text(out, d->upsert_keys[1]);
    }
    if (!sets && d->upsert_nothing)
        return buf_add_text(out, d->upsert_nothing);
    buf_add_text(out, d->upsert_set);
    if (sets)
        add_sets(out, d, sets);
    else
        add_same(out, d, keys);
    return out->failed ? -1 : 0;
}

int moment_literal_add(struct buf *out, const struct dialect *d, int64_t utc_s)
{
    if (!d->moment_literal[0])
        return buf_printf(out, "%" PRId64, utc_s);
    int year, month, day, hour, minute, second;
    if (utc_s < time_from_civil(1, 1, 1, 0, 0, 0) ||
        utc_s > time_from_civil(9999, 12, 31, 23, 59, 59)) {
        out->failed = true; /* no such text in any of them */
        return -1;
    }
    time_to_civil(utc_s, &year, &month, &day, &hour, &minute, &second);
    return buf_printf(out, "%s%04d-%02d-%02d %02d:%02d:%02d%s", d->moment_literal[0], year, month,
                      day, hour, minute, second, d->moment_literal[1]);
}
