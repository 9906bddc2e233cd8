#include <string.h>

#include "store/mysql/internal.h"

enum { SETTINGS_MAX_BYTES = 2048, VALUE_MAX_BYTES = 512 };

static const char doing[] = "open";

static const char *const modes_wanted[] = {"STRICT_TRANS_TABLES", "ERROR_FOR_DIVISION_BY_ZERO",
                                           "NO_ZERO_DATE", "NO_ZERO_IN_DATE",
                                           "NO_ENGINE_SUBSTITUTION"};
/* SingleStore knows few modes and is always strict; this one it takes. */
static const char *const modes_singlestore[] = {"STRICT_ALL_TABLES"};
/* With these our text would mean something else. */
static const char *const modes_refused[] = {"NO_BACKSLASH_ESCAPES", "ANSI_QUOTES", "ANSI",
                                            "ORACLE"};

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

/* What SHOW VARIABLES told of the session and of the server. Empty = it has no such variable. */
struct variables {
    char sql_mode[VALUE_MAX_BYTES];
    char time_zone[64];
    char client[64], connection[64], results[64];
    char isolation[64];
    char autocommit[64];
    char lock_wait[64];
    char packet[64];
    char read_only[64], super_read_only[64], innodb_read_only[64];
};

struct variable {
    const char *name;
    size_t offset, size;
};
#define VARIABLE(name, member)                                                                     \
    {                                                                                              \
        (name), offsetof(struct variables, member), sizeof(((struct variables *)0)->member)        \
    }

static const struct variable known[] = {
    VARIABLE("sql_mode", sql_mode),
    VARIABLE("time_zone", time_zone),
    VARIABLE("character_set_client", client),
    VARIABLE("character_set_connection", connection),
    VARIABLE("character_set_results", results),
    VARIABLE("tx_isolation", isolation), /* MySQL 8 and MariaDB 11 renamed it */
    VARIABLE("transaction_isolation", isolation),
    VARIABLE("autocommit", autocommit),
    VARIABLE("innodb_lock_wait_timeout", lock_wait),
    VARIABLE("max_allowed_packet", packet),
    VARIABLE("read_only", read_only),
    VARIABLE("super_read_only", super_read_only),
    VARIABLE("innodb_read_only", innodb_read_only),
};

static void take_variable(struct variables *v, const char *name, const char *value)
{
    for (size_t i = 0; i < COUNT(known); i++)
        if (strcmp(known[i].name, name) == 0)
            str_copy((char *)v + known[i].offset, known[i].size, str_from(value));
}

/* Rows of two columns, name and value. */
static int read_variables(struct mysql_connection *c, const char *sql, struct variables *v,
                          struct ccd_error *err)
{
    if (mysql_real_query(c->mysql, sql, strlen(sql)) != 0)
        return mysql_fail_last(c, doing, err);
    MYSQL_RES *result = mysql_store_result(c->mysql);
    if (!result)
        return mysql_fail_last(c, doing, err);
    MYSQL_ROW row;
    while (mysql_num_fields(result) >= 2 && (row = mysql_fetch_row(result)))
        if (row[0])
            take_variable(v, row[0], row[1]);
    mysql_free_result(result);
    return CCD_OK;
}

static bool has_mode(const char *modes, const char *wanted)
{
    struct str rest = str_from(modes);
    while (rest.len > 0)
        if (str_equal_nocase(str_trim(str_split(&rest, ',')), str_from(wanted)))
            return true;
    return false;
}

static int64_t lock_wait_s(const struct mysql_connection *c)
{
    int64_t wait_ms = c->base.target->busy_timeout_ms;
    return wait_ms <= 1000 ? 1 : (wait_ms + 999) / 1000;
}

/* ---- what the server is ---- */

/* SingleStore is the one that knows this variable. */
static int find_dialect(struct mysql_connection *c, struct ccd_error *err)
{
    static const char sql[] = "SELECT @@memsql_version";
    c->singlestore = mysql_real_query(c->mysql, sql, strlen(sql)) == 0;
    if (c->singlestore)
        mysql_free_result(mysql_store_result(c->mysql));
    else if (mysql_commit_unknown(mysql_errno(c->mysql)))
        return mysql_fail_last(c, doing, err);
    c->base.dialect = dialect_of(c->singlestore ? DIALECT_SINGLESTORE : DIALECT_MYSQL);
    return CCD_OK;
}

/* MariaDB takes the place of a bit that MySQL's servers always set. */
static bool has_arrays(MYSQL *mysql)
{
    unsigned long all = 0;
    unsigned long extended = 0;
    if (mariadb_get_infov(mysql, MARIADB_CONNECTION_SERVER_CAPABILITIES, &all) ||
        mariadb_get_infov(mysql, MARIADB_CONNECTION_EXTENDED_SERVER_CAPABILITIES, &extended))
        return false;
    return !(all & CLIENT_MYSQL) && (extended & (MARIADB_CLIENT_STMT_BULK_OPERATIONS >> 32));
}

static void find_abilities(struct mysql_connection *c)
{
    uint32_t disabled = c->base.target->disabled_paths;
    c->prepares = !(disabled & MYSQL_PATH_PREPARE);
    c->arrays = c->prepares && !(disabled & MYSQL_PATH_ARRAYS) && has_arrays(c->mysql);
    c->loads = !(disabled & MYSQL_PATH_LOAD) && !c->singlestore;
    c->loads_known = !c->singlestore; /* else ccdata_proofs tells, at the first page */
}

/* ---- settings ---- */

static void add_modes(struct buf *sql, const char *const *modes, size_t count)
{
    buf_add_text(sql, "SET SESSION sql_mode = '");
    for (size_t i = 0; i < count; i++)
        buf_printf(sql, "%s%s", i > 0 ? "," : "", modes[i]);
    buf_add_char(sql, '\'');
}

static int set(struct mysql_connection *c, struct buf *sql, struct ccd_error *err)
{
    int status = sql->failed ? mysql_no_memory(c, doing, err)
                             : mysql_text(c, sql->data, sql->len, doing, err);
    buf_clear(sql);
    return status;
}

/* What a server may have been set to that would cut our answers short, let a key in twice or answer
 * a COMMIT with more than that. */
static const char settings_own[] = ", SESSION sql_select_limit = 18446744073709551615,"
                                   " SESSION group_concat_max_len = 65536,"
                                   " SESSION max_error_count = 64, SESSION unique_checks = 1,"
                                   " SESSION completion_type = 0";

/* wait_timeout: writers may be idle while a run waits for the vendor's quota. */
static int set_mysql(struct mysql_connection *c, struct buf *sql, struct ccd_error *err)
{
    /* Again, because the server's init_connect comes after the login. */
    if (mysql_set_character_set(c->mysql, "utf8mb4") != 0)
        return mysql_fail_last(c, doing, err);
    add_modes(sql, modes_wanted, COUNT(modes_wanted));
    buf_add_text(sql, ", SESSION time_zone = '+00:00', SESSION autocommit = 1,"
                      " SESSION wait_timeout = 604800, SESSION net_write_timeout = 600");
    buf_add_text(sql, settings_own);
    buf_printf(sql, ", SESSION innodb_lock_wait_timeout = %lld, SESSION lock_wait_timeout = %lld",
               (long long)lock_wait_s(c), (long long)lock_wait_s(c));
    int status = set(c, sql, err);
    if (status != CCD_OK)
        return status;
    buf_add_text(sql, "SET SESSION TRANSACTION ISOLATION LEVEL READ COMMITTED");
    if (c->base.target->intent == SQL_READS)
        buf_add_text(sql, ", READ ONLY");
    return set(c, sql, err);
}

/* Its time zone cannot be set and does not touch DATETIME; its isolation is always READ COMMITTED;
 * its locks' longest wait is a setting of the cluster that a session may be refused. */
static int set_singlestore(struct mysql_connection *c, struct buf *sql, struct ccd_error *err)
{
    add_modes(sql, modes_singlestore, COUNT(modes_singlestore));
    int status = set(c, sql, err);
    if (status != CCD_OK)
        return status;
    buf_printf(sql, "SET SESSION lock_wait_timeout = %lld", (long long)lock_wait_s(c));
    struct ccd_error ignored;
    set(c, sql, &ignored);
    return c->base.broken ? mysql_fail_last(c, doing, err) : CCD_OK;
}

static int not_taken(const struct mysql_connection *c, const char *name, const char *value,
                     const char *wanted, struct ccd_error *err)
{
    return error_set(err, CCD_DATABASE_SCHEMA,
                     "cannot open %s: the server did not take a setting: %s is \"%s\", not \"%s\"",
                     c->base.target->name, name, value, wanted);
}

static int check_modes(const struct mysql_connection *c, const struct variables *v,
                       struct ccd_error *err)
{
    const char *const *wanted = c->singlestore ? modes_singlestore : modes_wanted;
    size_t count = c->singlestore ? COUNT(modes_singlestore) : COUNT(modes_wanted);
    for (size_t i = 0; i < count; i++)
        if (!has_mode(v->sql_mode, wanted[i]))
            return not_taken(c, "sql_mode", v->sql_mode, wanted[i], err);
    for (size_t i = 0; i < COUNT(modes_refused); i++)
        if (has_mode(v->sql_mode, modes_refused[i]))
            return error_set(err, CCD_DATABASE_SCHEMA,
                             "cannot open %s: the server insists on the sql_mode %s",
                             c->base.target->name, modes_refused[i]);
    return CCD_OK;
}

static int check_mysql(const struct mysql_connection *c, const struct variables *v,
                       struct ccd_error *err)
{
    char wait[32];
    str_print(wait, sizeof(wait), "%lld", (long long)lock_wait_s(c));
    const struct {
        const char *name, *value, *wanted;
    } settings[] = {
        {"time_zone", v->time_zone, "+00:00"},
        {"character_set_client", v->client, "utf8mb4"},
        {"character_set_connection", v->connection, "utf8mb4"},
        {"character_set_results", v->results, "utf8mb4"},
        {"the isolation level", v->isolation, "READ-COMMITTED"},
        {"autocommit", v->autocommit, "ON"},
        {"innodb_lock_wait_timeout", v->lock_wait, wait},
    };
    for (size_t i = 0; i < COUNT(settings); i++)
        if (strcmp(settings[i].value, settings[i].wanted) != 0)
            return not_taken(c, settings[i].name, settings[i].value, settings[i].wanted, err);
    return CCD_OK;
}

static bool is_on(const char *value)
{
    return value[0] && strcmp(value, "OFF") != 0 && strcmp(value, "0") != 0;
}

/* Some users may write to a read-only server; but then it is a replica, and its rows would never
 * reach the others. */
static int check_writable(const struct mysql_connection *c, const struct variables *v,
                          struct ccd_error *err)
{
    if (c->base.target->intent == SQL_READS)
        return CCD_OK;
    if (is_on(v->read_only) || is_on(v->super_read_only) || is_on(v->innodb_read_only))
        return error_set(err, CCD_DATABASE_UNREACHABLE,
                         "cannot open %s: %s is read-only: name the host that takes writes in the"
                         " URL as well",
                         c->base.target->name, c->host);
    return CCD_OK;
}

static int read_back(struct mysql_connection *c, struct ccd_error *err)
{
    static const char session_sql[] =
        "SHOW SESSION VARIABLES WHERE Variable_name IN ('sql_mode', 'time_zone',"
        " 'character_set_client', 'character_set_connection', 'character_set_results',"
        " 'tx_isolation', 'transaction_isolation', 'autocommit', 'innodb_lock_wait_timeout',"
        " 'max_allowed_packet')";
    static const char global_sql[] = "SHOW GLOBAL VARIABLES WHERE Variable_name IN ('read_only',"
                                     " 'super_read_only', 'innodb_read_only')";
    static const char singlestore_sql[] =
        "SELECT 'sql_mode', @@sql_mode UNION ALL"
        " SELECT 'max_allowed_packet', CONCAT(@@max_allowed_packet, '')";
    struct variables v = {0};
    int status = read_variables(c, c->singlestore ? singlestore_sql : session_sql, &v, err);
    if (status == CCD_OK && !c->singlestore)
        status = read_variables(c, global_sql, &v, err);
    if (status == CCD_OK)
        status = check_modes(c, &v, err);
    if (status == CCD_OK && !c->singlestore)
        status = check_mysql(c, &v, err);
    if (status == CCD_OK)
        status = check_writable(c, &v, err);
    int64_t packet_bytes;
    if (status == CCD_OK && str_to_i64(str_from(v.packet), &packet_bytes) && packet_bytes > 0)
        c->packet_max_bytes = (size_t)packet_bytes;
    return status;
}

int mysql_session_begin(struct mysql_connection *c, struct ccd_error *err)
{
    struct buf sql;
    buf_init(&sql, SETTINGS_MAX_BYTES, c->base.target->allocator);
    int status = find_dialect(c, err);
    if (status == CCD_OK)
        status = c->singlestore ? set_singlestore(c, &sql, err) : set_mysql(c, &sql, err);
    if (status == CCD_OK)
        status = read_back(c, err);
    if (status == CCD_OK)
        find_abilities(c);
    buf_release(&sql);
    return status;
}
