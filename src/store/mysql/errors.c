#include <errmsg.h>
#include <mysqld_error.h>
#include <string.h>

#include "store/mysql/internal.h"

/* Numbers of MySQL that MariaDB's header does not have, or has under another meaning. */
enum {
    ER_MYSQL_QUERY_TIMEOUT = 3024,
    ER_MYSQL_LOCK_NOWAIT = 3572,
    ER_MYSQL_PLUGIN_HOOK = 3100, /* "Error on observer while running replication hook" */
    ER_MYSQL_GROUP_ERROR = 3101, /* group replication undid the transaction at commit */
    ER_MYSQL_DISK_QUOTA = 3675,  /* "Create table/tablespace failed, disk full" */
    ER_MYSQL_LOCAL_DISABLED = 3948,
    ER_MYSQL_ACCOUNT_LOCKED = 3118,
    ER_MYSQL_SECURE_TRANSPORT = 3159,
    ER_MYSQL_DISCONNECTED_AS_IDLE = 4031,
};

enum { SINGLESTORE_UNSUPPORTED = 1706 }; /* "Feature … is not supported by SingleStore" */

struct code_row {
    unsigned code;
    enum ccd_status status;
    const char *advice; /* what to do, when it is not obvious; NULL = nothing to add */
};

const char load_refused_words[] = "the server asked for a file of this machine";

static const char advice_busy_disk[] = "free space on the server";
static const char advice_grant[] =
    "ask for the privileges SELECT, INSERT, UPDATE and DELETE on the "
    "database, and CREATE, DROP and CREATE VIEW to create the "
    "schema";
static const char advice_packet[] = "raise max_allowed_packet on the server or lower "
                                    "INGESTION_BATCH_SIZE";
static const char advice_schema[] = "compare it with: ccdata schema --check";

/* Statuses of the client library and of MySQL and MariaDB servers. What is not listed goes by its
 * SQLSTATE. */
static const struct code_row rows[] = {
    /* The connection is gone, or useless as it is. */
    {CR_UNKNOWN_ERROR, CCD_DATABASE_UNREACHABLE, NULL},
    {CR_SOCKET_CREATE_ERROR, CCD_DATABASE_UNREACHABLE, NULL},
    {CR_CONNECTION_ERROR, CCD_DATABASE_UNREACHABLE, NULL},
    {CR_CONN_HOST_ERROR, CCD_DATABASE_UNREACHABLE, NULL},
    {CR_IPSOCK_ERROR, CCD_DATABASE_UNREACHABLE, NULL},
    {CR_UNKNOWN_HOST, CCD_DATABASE_UNREACHABLE, NULL},
    {CR_SERVER_GONE_ERROR, CCD_DATABASE_UNREACHABLE, NULL},
    {CR_VERSION_ERROR, CCD_DATABASE_UNREACHABLE, NULL},
    {CR_SERVER_HANDSHAKE_ERR, CCD_DATABASE_UNREACHABLE, NULL},
    {CR_SERVER_LOST, CCD_DATABASE_UNREACHABLE, NULL},
    {CR_SERVER_LOST_EXTENDED, CCD_DATABASE_UNREACHABLE, NULL},
    {CR_COMMANDS_OUT_OF_SYNC, CCD_DATABASE_UNREACHABLE, NULL}, /* only another connection helps */
    {CR_MALFORMED_PACKET, CCD_DATABASE_UNREACHABLE, NULL},
    {CR_SSL_CONNECTION_ERROR, CCD_DATABASE_UNREACHABLE, NULL}, /* while connecting: see below */
    {CR_STMT_CLOSED, CCD_DATABASE_UNREACHABLE, NULL},
    {CR_NEW_STMT_METADATA, CCD_DATABASE_UNREACHABLE, NULL}, /* rows of a changed table are left */
    {CR_ERR_NET_READ, CCD_DATABASE_UNREACHABLE, NULL},
    {CR_ERR_NET_WRITE, CCD_DATABASE_UNREACHABLE, NULL},
    {CR_ERR_NET_UNCOMPRESS, CCD_DATABASE_UNREACHABLE, NULL},
    {ER_CON_COUNT_ERROR, CCD_DATABASE_UNREACHABLE, "lower DB_POOL_SIZE or raise max_connections"},
    {ER_TOO_MANY_USER_CONNECTIONS, CCD_DATABASE_UNREACHABLE, "lower DB_POOL_SIZE"},
    {ER_USER_LIMIT_REACHED, CCD_DATABASE_UNREACHABLE, "lower DB_POOL_SIZE"},
    {ER_BAD_HOST_ERROR, CCD_DATABASE_UNREACHABLE, NULL},
    {ER_HANDSHAKE_ERROR, CCD_DATABASE_UNREACHABLE, NULL},
    {ER_CANT_CREATE_THREAD, CCD_DATABASE_UNREACHABLE, NULL},
    {ER_SERVER_SHUTDOWN, CCD_DATABASE_UNREACHABLE, NULL},
    {ER_NORMAL_SHUTDOWN, CCD_DATABASE_UNREACHABLE, NULL},
    {ER_FORCING_CLOSE, CCD_DATABASE_UNREACHABLE, NULL},
    {ER_ABORTING_CONNECTION, CCD_DATABASE_UNREACHABLE, NULL},
    {ER_NEW_ABORTING_CONNECTION, CCD_DATABASE_UNREACHABLE, NULL},
    {ER_CONNECTION_KILLED, CCD_DATABASE_UNREACHABLE, NULL},
    {ER_NET_PACKETS_OUT_OF_ORDER, CCD_DATABASE_UNREACHABLE, NULL},
    {ER_NET_UNCOMPRESS_ERROR, CCD_DATABASE_UNREACHABLE, NULL},
    {ER_NET_READ_ERROR, CCD_DATABASE_UNREACHABLE, NULL},
    {ER_NET_READ_INTERRUPTED, CCD_DATABASE_UNREACHABLE, NULL},
    {ER_NET_ERROR_ON_WRITE, CCD_DATABASE_UNREACHABLE, NULL},
    {ER_NET_WRITE_INTERRUPTED, CCD_DATABASE_UNREACHABLE, NULL},
    {ER_SERVER_OFFLINE_MODE, CCD_DATABASE_UNREACHABLE, NULL},
    {ER_MYSQL_DISCONNECTED_AS_IDLE, CCD_DATABASE_UNREACHABLE, NULL},
    {ER_UNKNOWN_COM_ERROR, CCD_DATABASE_UNREACHABLE, NULL}, /* Galera: the node has not joined */
    /* A writable node has become a read-only one: another host may take writes. */
    {ER_OPTION_PREVENTS_STATEMENT, CCD_DATABASE_UNREACHABLE, NULL}, /* --read-only */
    {ER_CANT_EXECUTE_IN_READ_ONLY_TRANSACTION, CCD_DATABASE_UNREACHABLE, NULL},
    {ER_READ_ONLY_MODE, CCD_DATABASE_UNREACHABLE, NULL},
    {ER_INNODB_READ_ONLY, CCD_DATABASE_UNREACHABLE, NULL},
    {ER_OPEN_AS_READONLY, CCD_DATABASE_UNREACHABLE, NULL},

    /* The same transaction may work when it is done again. */
    {ER_DUP_ENTRY, CCD_DATABASE_BUSY, NULL}, /* rows were read before: somebody else wrote */
    {ER_DUP_ENTRY_WITH_KEY_NAME, CCD_DATABASE_BUSY, NULL},
    {ER_DUP_KEY, CCD_DATABASE_BUSY, NULL},
    {ER_LOCK_WAIT_TIMEOUT, CCD_DATABASE_BUSY, NULL},
    {ER_LOCK_DEADLOCK, CCD_DATABASE_BUSY, NULL}, /* Galera: also a conflict at commit */
    {ER_LOCK_TABLE_FULL, CCD_DATABASE_BUSY, NULL},
    {ER_CANT_UPDATE_WITH_READLOCK, CCD_DATABASE_BUSY, NULL}, /* FLUSH TABLES WITH READ LOCK */
    {ER_CHECKREAD, CCD_DATABASE_BUSY, NULL},                 /* row changed since it was read */
    {ER_TABLE_DEF_CHANGED, CCD_DATABASE_BUSY, NULL},
    {ER_NEED_REPREPARE, CCD_DATABASE_BUSY, NULL},
    {ER_QUERY_INTERRUPTED, CCD_DATABASE_BUSY, NULL}, /* KILL QUERY: the connection lives */
    {ER_STATEMENT_TIMEOUT, CCD_DATABASE_BUSY, "raise max_statement_time on the server"},
    {ER_MYSQL_QUERY_TIMEOUT, CCD_DATABASE_BUSY, "raise max_execution_time on the server"},
    {ER_MYSQL_LOCK_NOWAIT, CCD_DATABASE_BUSY, NULL},
    {ER_MYSQL_GROUP_ERROR, CCD_DATABASE_BUSY, NULL},
    {ER_MYSQL_PLUGIN_HOOK, CCD_DATABASE_BUSY, NULL},
    {ER_LOCK_ABORTED, CCD_DATABASE_BUSY, NULL},
    {ER_USER_LOCK_DEADLOCK, CCD_DATABASE_BUSY, NULL},
    {ER_BACKUP_LOCK_IS_ACTIVE, CCD_DATABASE_BUSY, NULL},
    {ER_TOO_MANY_CONCURRENT_TRXS, CCD_DATABASE_BUSY, NULL},
    {ER_MAX_PREPARED_STMT_COUNT_REACHED, CCD_DATABASE_BUSY,
     "raise max_prepared_stmt_count on the server"},
    {ER_OUTOFMEMORY, CCD_DATABASE_BUSY, NULL}, /* the server's memory, not ours */
    {ER_OUT_OF_SORTMEMORY, CCD_DATABASE_BUSY, NULL},
    {ER_OUT_OF_RESOURCES, CCD_DATABASE_BUSY, NULL},
    {ER_ENGINE_OUT_OF_MEMORY, CCD_DATABASE_BUSY, NULL},
    {ER_ERROR_DURING_COMMIT, CCD_DATABASE_BUSY, NULL},
    {ER_XA_RBTIMEOUT, CCD_DATABASE_BUSY, NULL},
    {ER_XA_RBDEADLOCK, CCD_DATABASE_BUSY, NULL},

    {CR_SECURE_AUTH, CCD_DATABASE_PERMISSION, NULL},
    {CR_AUTH_PLUGIN_CANNOT_LOAD, CCD_DATABASE_PERMISSION, NULL},
    {CR_AUTH_PLUGIN_ERR, CCD_DATABASE_PERMISSION, NULL},
    {CR_PLUGIN_NOT_ALLOWED, CCD_DATABASE_PERMISSION,
     "the server asks for the password itself: use ssl-mode=verify-identity"},
    {ER_DBACCESS_DENIED_ERROR, CCD_DATABASE_PERMISSION, advice_grant},
    {ER_ACCESS_DENIED_ERROR, CCD_DATABASE_PERMISSION, "check the user and the password"},
    {ER_ACCESS_DENIED_NO_PASSWORD_ERROR, CCD_DATABASE_PERMISSION, "check the user"},
    {ER_ACCESS_DENIED_CHANGE_USER_ERROR, CCD_DATABASE_PERMISSION, NULL},
    {ER_HOST_IS_BLOCKED, CCD_DATABASE_PERMISSION, "run FLUSH HOSTS on the server"},
    {ER_HOST_NOT_PRIVILEGED, CCD_DATABASE_PERMISSION, NULL},
    {ER_TABLEACCESS_DENIED_ERROR, CCD_DATABASE_PERMISSION, advice_grant},
    {ER_COLUMNACCESS_DENIED_ERROR, CCD_DATABASE_PERMISSION, advice_grant},
    {ER_SPECIFIC_ACCESS_DENIED_ERROR, CCD_DATABASE_PERMISSION, advice_grant},
    {ER_PROCACCESS_DENIED_ERROR, CCD_DATABASE_PERMISSION, advice_grant},
    {ER_KILL_DENIED_ERROR, CCD_DATABASE_PERMISSION, NULL},
    {ER_NOT_SUPPORTED_AUTH_MODE, CCD_DATABASE_PERMISSION, NULL},
    {ER_SERVER_IS_IN_SECURE_AUTH_MODE, CCD_DATABASE_PERMISSION, NULL},
    {ER_MUST_CHANGE_PASSWORD, CCD_DATABASE_PERMISSION, NULL},
    {ER_MUST_CHANGE_PASSWORD_LOGIN, CCD_DATABASE_PERMISSION, NULL},
    {ER_USER_IS_BLOCKED, CCD_DATABASE_PERMISSION, NULL},
    {ER_ACCOUNT_HAS_BEEN_LOCKED, CCD_DATABASE_PERMISSION, NULL},
    {ER_MYSQL_ACCOUNT_LOCKED, CCD_DATABASE_PERMISSION, NULL},
    {ER_MYSQL_SECURE_TRANSPORT, CCD_DATABASE_PERMISSION, "use ssl-mode=required or stronger"},
    {ER_NO_SUCH_USER, CCD_DATABASE_PERMISSION, NULL}, /* the definer of a view */

    /* Our statements are fixed: what they miss is not as we made it. */
    {ER_BAD_DB_ERROR, CCD_DATABASE_SCHEMA,
     "create it with: CREATE DATABASE name CHARACTER SET utf8mb4"},
    {ER_NO_DB_ERROR, CCD_DATABASE_SCHEMA, "name the database in the URL"},
    {ER_BAD_NULL_ERROR, CCD_DATABASE_SCHEMA, advice_schema}, /* our NOT NULLs are never NULL */
    {ER_TABLE_EXISTS_ERROR, CCD_DATABASE_SCHEMA, NULL},
    {ER_BAD_TABLE_ERROR, CCD_DATABASE_SCHEMA, NULL},
    {ER_BAD_FIELD_ERROR, CCD_DATABASE_SCHEMA, advice_schema},
    {ER_WRONG_VALUE_COUNT, CCD_DATABASE_SCHEMA, NULL},
    {ER_WRONG_VALUE_COUNT_ON_ROW, CCD_DATABASE_SCHEMA, NULL},
    {ER_DUP_FIELDNAME, CCD_DATABASE_SCHEMA, NULL},
    {ER_DUP_KEYNAME, CCD_DATABASE_SCHEMA, NULL},
    {ER_PARSE_ERROR, CCD_DATABASE_SCHEMA, NULL},
    {ER_TOO_LONG_KEY, CCD_DATABASE_SCHEMA, NULL},
    {ER_TOO_BIG_ROWSIZE, CCD_DATABASE_SCHEMA, NULL},
    {ER_INDEX_COLUMN_TOO_LONG, CCD_DATABASE_SCHEMA, NULL},
    {ER_CANT_DROP_FIELD_OR_KEY, CCD_DATABASE_SCHEMA, NULL},
    {ER_UNKNOWN_TABLE, CCD_DATABASE_SCHEMA, NULL},
    {ER_NO_SUCH_TABLE, CCD_DATABASE_SCHEMA, advice_schema},
    {ER_NO_SUCH_TABLE_IN_ENGINE, CCD_DATABASE_SCHEMA, advice_schema},
    {ER_UNKNOWN_SYSTEM_VARIABLE, CCD_DATABASE_SCHEMA, NULL},
    {ER_WRONG_VALUE_FOR_VAR, CCD_DATABASE_SCHEMA, NULL},
    {ER_NOT_SUPPORTED_YET, CCD_DATABASE_SCHEMA, NULL},
    {ER_FEATURE_DISABLED, CCD_DATABASE_SCHEMA, NULL},
    {ER_UNKNOWN_STORAGE_ENGINE, CCD_DATABASE_SCHEMA, NULL},
    {ER_NO_PARTITION_FOR_GIVEN_VALUE, CCD_DATABASE_SCHEMA, "add the partition"},
    {ER_BINLOG_STMT_MODE_AND_ROW_ENGINE, CCD_DATABASE_SCHEMA,
     "set binlog_format to ROW or MIXED on the server"},
    {ER_STORAGE_ENGINE_DISABLED, CCD_DATABASE_SCHEMA, NULL},
    {ER_UNKNOWN_CHARACTER_SET, CCD_DATABASE_SCHEMA, NULL},
    {ER_UNKNOWN_COLLATION, CCD_DATABASE_SCHEMA, NULL},
    {ER_WRONG_OBJECT, CCD_DATABASE_SCHEMA, NULL}, /* a view where a table should be */
    {ER_IT_IS_A_VIEW, CCD_DATABASE_SCHEMA, NULL},
    {ER_NON_INSERTABLE_TABLE, CCD_DATABASE_SCHEMA, NULL},
    {ER_VIEW_INVALID, CCD_DATABASE_SCHEMA, advice_schema},
    {ER_NO_DEFAULT_FOR_FIELD, CCD_DATABASE_SCHEMA, advice_schema},
    {ER_NO_REFERENCED_ROW_2, CCD_DATABASE_SCHEMA, advice_schema},
    {ER_ROW_IS_REFERENCED_2, CCD_DATABASE_SCHEMA, advice_schema},
    {ER_CONSTRAINT_FAILED, CCD_DATABASE_SCHEMA, advice_schema}, /* we have no CHECK */
    {ER_GENERATED_COLUMN_FUNCTION_IS_NOT_ALLOWED, CCD_DATABASE_SCHEMA, NULL},

    /* A value. */
    {ER_SIGNAL_EXCEPTION, CCD_DATABASE_DATA, NULL}, /* a trigger of the user's refused it */
    {ER_WARN_DATA_OUT_OF_RANGE, CCD_DATABASE_DATA, NULL},
    {WARN_DATA_TRUNCATED, CCD_DATABASE_DATA, NULL},
    {ER_DATA_OUT_OF_RANGE, CCD_DATABASE_DATA, NULL},
    {ER_TRUNCATED_WRONG_VALUE, CCD_DATABASE_DATA, NULL},
    {ER_TRUNCATED_WRONG_VALUE_FOR_FIELD, CCD_DATABASE_DATA, NULL},
    {ER_WRONG_VALUE_FOR_TYPE, CCD_DATABASE_DATA, NULL},
    {ER_WRONG_VALUE, CCD_DATABASE_DATA, NULL},
    {ER_DATA_TOO_LONG, CCD_DATABASE_DATA, NULL},
    {ER_TOO_LONG_STRING, CCD_DATABASE_DATA, NULL},
    {ER_VALUE_TOO_LONG, CCD_DATABASE_DATA, NULL},
    {ER_INVALID_CHARACTER_STRING, CCD_DATABASE_DATA, NULL},
    {ER_CANNOT_CONVERT_CHARACTER, CCD_DATABASE_DATA, NULL},
    {ER_DATETIME_FUNCTION_OVERFLOW, CCD_DATABASE_DATA, NULL},
    {ER_WARN_TOO_FEW_RECORDS, CCD_DATABASE_DATA, NULL},
    {ER_WARN_TOO_MANY_RECORDS, CCD_DATABASE_DATA, NULL},
    {ER_WARN_NULL_TO_NOTNULL, CCD_DATABASE_DATA, NULL},
    {ER_WARN_ALLOWED_PACKET_OVERFLOWED, CCD_DATABASE_DATA, advice_packet},
    {ER_NET_PACKET_TOO_LARGE, CCD_DATABASE_DATA, advice_packet},
    {CR_NET_PACKET_TOO_LARGE, CCD_DATABASE_DATA, advice_packet},

    {ER_DISK_FULL, CCD_DISK, advice_busy_disk},
    {ER_RECORD_FILE_FULL, CCD_DISK, advice_busy_disk}, /* "The table is full" */
    {ER_INDEX_FILE_FULL, CCD_DISK, advice_busy_disk},
    {ER_MYSQL_DISK_QUOTA, CCD_DISK, advice_busy_disk},
    {ER_ERROR_ON_READ, CCD_DISK, NULL},
    {ER_ERROR_ON_WRITE, CCD_DISK, NULL},
    {ER_GET_ERRNO, CCD_DISK, NULL}, /* an error of the storage engine, by number */
    {ER_IO_READ_ERROR, CCD_DISK, NULL},
    {ER_IO_WRITE_ERROR, CCD_DISK, NULL},
    {ER_TEMP_FILE_WRITE_FAILURE, CCD_DISK, advice_busy_disk},
    {ER_CANT_CREATE_FILE, CCD_DISK, NULL},
    {ER_CANT_DELETE_FILE, CCD_DISK, NULL},
    {ER_CANT_OPEN_FILE, CCD_DISK, NULL},
    {ER_FILE_NOT_FOUND, CCD_DISK, NULL},
    {ER_INNODB_UNDO_LOG_FULL, CCD_DISK, NULL},
    {ER_BINLOG_ROW_LOGGING_FAILED, CCD_DISK, NULL},
    {ER_TRANS_CACHE_FULL, CCD_DISK, "raise max_binlog_cache_size on the server"},
    {ER_NOT_KEYFILE, CCD_DISK, NULL},
    {ER_CRASHED_ON_USAGE, CCD_DISK, NULL},
    {ER_CRASHED_ON_REPAIR, CCD_DISK, NULL},
    {ER_INDEX_CORRUPT, CCD_DISK, NULL},
    {ER_TABLE_CORRUPT, CCD_DISK, NULL},

    {CR_OUT_OF_MEMORY, CCD_NO_MEMORY, NULL},
};

/* Where SingleStore means something else by a number: its "Memory Errors" and "Query errors" pages.
 * The cluster heals from these by itself. */
static const struct code_row singlestore_rows[] = {
    {SINGLESTORE_UNSUPPORTED, CCD_DATABASE_SCHEMA, NULL},
    {1712, CCD_DATABASE_BUSY, "free memory on the cluster"},
    {1720, CCD_DISK, "the cluster's memory for tables is used up"},
    {1735, CCD_DATABASE_UNREACHABLE, NULL}, /* a leaf cannot be reached */
    {1777, CCD_DATABASE_UNREACHABLE, NULL}, /* a partition has no master just now */
    {1862, CCD_DATABASE_UNREACHABLE, NULL}, /* lost a leaf during the query */
    {2373, CCD_DISK, "the license's capacity is used up"},
};

/* The first two characters of an SQLSTATE. */
struct class_row {
    char class[3];
    enum ccd_status status;
};
static const struct class_row classes[] = {
    {"08", CCD_DATABASE_UNREACHABLE}, {"21", CCD_DATABASE_SCHEMA},     {"22", CCD_DATABASE_DATA},
    {"23", CCD_DATABASE_DATA},        {"28", CCD_DATABASE_PERMISSION}, {"3D", CCD_DATABASE_SCHEMA},
    {"40", CCD_DATABASE_BUSY},        {"42", CCD_DATABASE_SCHEMA},     {"53", CCD_DATABASE_BUSY},
    {"70", CCD_DATABASE_UNREACHABLE},
};

static const struct code_row *look_up(const struct code_row *table, size_t count, unsigned code)
{
    for (size_t i = 0; i < count; i++)
        if (table[i].code == code)
            return &table[i];
    return NULL;
}

#define LOOK_UP(table, code) look_up((table), sizeof(table) / sizeof((table)[0]), (code))

static struct code_row row_of(const struct mysql_connection *c, unsigned code, const char *state)
{
    const struct code_row *found = c && c->singlestore ? LOOK_UP(singlestore_rows, code) : NULL;
    if (!found)
        found = LOOK_UP(rows, code);
    if (found)
        return *found;
    struct code_row row = {.code = code, .status = CCD_INTERNAL};
    for (size_t i = 0; i < sizeof(classes) / sizeof(classes[0]); i++)
        if (state && strncmp(state, classes[i].class, 2) == 0)
            row.status = classes[i].status;
    return row;
}

static int fail(const struct sql_target *target, const struct code_row *row, const char *words,
                const char *doing, struct ccd_error *err)
{
    return error_set_native(err, row->status, (int)row->code, "cannot %s %s: %s%s%s", doing,
                            target->name, words, row->advice ? ": " : "",
                            row->advice ? row->advice : "");
}

static int fail_state(struct mysql_connection *c, unsigned code, const char *state,
                      const char *words, const char *doing, struct ccd_error *err)
{
    struct code_row row = row_of(c, code, state);
    if (c->load.refused) {
        row = (struct code_row){.code = code, .status = CCD_DATABASE_UNREACHABLE};
        words = load_refused_words; /* whatever became of the connection then */
    }
    if (row.status == CCD_DATABASE_UNREACHABLE || row.status == CCD_NO_MEMORY)
        c->base.broken = true;
    return fail(c->base.target, &row, words, doing, err);
}

int mysql_fail(struct mysql_connection *c, unsigned code, const char *words, const char *doing,
               struct ccd_error *err)
{
    return fail_state(c, code, NULL, words, doing, err);
}

int mysql_fail_last(struct mysql_connection *c, const char *doing, struct ccd_error *err)
{
    return fail_state(c, mysql_errno(c->mysql), mysql_sqlstate(c->mysql), mysql_error(c->mysql),
                      doing, err);
}

int mysql_fail_stmt(struct mysql_connection *c, MYSQL_STMT *stmt, const char *doing,
                    struct ccd_error *err)
{
    return fail_state(c, mysql_stmt_errno(stmt), mysql_stmt_sqlstate(stmt), mysql_stmt_error(stmt),
                      doing, err);
}

int mysql_too_large(const struct mysql_connection *c, const char *doing, struct ccd_error *err)
{
    return error_set(err, CCD_DATABASE_DATA,
                     "cannot %s %s: a row is larger than the server's"
                     " max_allowed_packet of %zu bytes: %s",
                     doing, c->base.target->name, c->packet_max_bytes, advice_packet);
}

int mysql_no_memory(const struct mysql_connection *c, const char *doing, struct ccd_error *err)
{
    return error_set(err, CCD_NO_MEMORY, "no memory to %s %s", doing, c->base.target->name);
}

/* A handshake that was cut is not one that was refused. */
static bool is_cut(const char *words)
{
    return strcasestr(words, "unexpected eof") || strcasestr(words, "reset by peer") ||
           strcasestr(words, "timed out") || strcasestr(words, "broken pipe");
}

int mysql_fail_connect(const struct sql_target *target, MYSQL *mysql, const char *host,
                       struct ccd_error *err)
{
    const char *words = mysql_error(mysql);
    struct code_row row = row_of(NULL, mysql_errno(mysql), mysql_sqlstate(mysql));
    if (row.code == CR_SSL_CONNECTION_ERROR && !is_cut(words)) {
        row.status = CCD_DATABASE_PERMISSION;
        row.advice = "see ssl-mode and ssl-ca";
    }
    if (target->url.host_count < 2)
        return fail(target, &row, words, "open", err);
    return error_set_native(err, row.status, (int)row.code, "cannot open %s at %s: %s%s%s",
                            target->name, host, words, row.advice ? ": " : "",
                            row.advice ? row.advice : "");
}

bool mysql_commit_unknown(unsigned code)
{
    struct code_row row = row_of(NULL, code, NULL);
    return row.status == CCD_DATABASE_UNREACHABLE || row.status == CCD_NO_MEMORY ||
           code == ER_ERROR_DURING_COMMIT || code == ER_QUERY_INTERRUPTED ||
           code == ER_STATEMENT_TIMEOUT || code == ER_MYSQL_PLUGIN_HOOK;
}

bool mysql_refuses_prepare(unsigned code)
{
    return code == ER_UNSUPPORTED_PS || code == ER_NOT_SUPPORTED_YET ||
           code == SINGLESTORE_UNSUPPORTED;
}

bool mysql_never_prepares(const struct mysql_connection *c, unsigned code)
{
    return c->singlestore && code == SINGLESTORE_UNSUPPORTED;
}

bool mysql_refuses_load(unsigned code)
{
    return code == ER_NOT_ALLOWED_COMMAND || code == ER_LOAD_INFILE_CAPABILITY_DISABLED ||
           code == ER_MYSQL_LOCAL_DISABLED || code == ER_NOT_SUPPORTED_YET ||
           code == SINGLESTORE_UNSUPPORTED;
}
