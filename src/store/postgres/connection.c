#include <errno.h>
#include <inttypes.h>
#include <poll.h>
#include <string.h>
#include <unistd.h>

#include "store/postgres/internal.h"

enum {
    PARAMETERS_MAX = 24,
    SERVER_VERSION_MIN = 100000, /* before 10 the binary form of timestamps was a build option */
    TEXT_MAX_BYTES = 256 * 1024 * 1024,
};

/* Waiting is counted in slices, not measured: a clock that stands still must not make it endless.
 */
static const int64_t slice_ms = 50;

/* ---- connection parameters ---- */

struct parameters {
    const char *names[PARAMETERS_MAX + 1];
    const char *values[PARAMETERS_MAX + 1];
    size_t count;
};

/* An empty value leaves the choice to libpq: its environment variables, ~/.pgpass. */
static void add(struct parameters *p, const char *name, const char *value)
{
    if (value[0] == '\0' || p->count == PARAMETERS_MAX)
        return;
    p->names[p->count] = name;
    p->values[p->count++] = value;
}

static const char *mode_word(enum ssl_mode mode)
{
    static const char *const words[SSL_MODE_COUNT] = {
        [SSL_MODE_UNSET] = "verify-full",   [SSL_MODE_DISABLED] = "disable",
        [SSL_MODE_PREFERRED] = "prefer",    [SSL_MODE_REQUIRED] = "require",
        [SSL_MODE_VERIFY_CA] = "verify-ca", [SSL_MODE_VERIFY_IDENTITY] = "verify-full",
    };
    return words[mode];
}

/* The system's authorities: libpq knows them by itself from 16 on, and only together with
 * verify-full. "" when there are none: libpq then names the file that it misses. */
static const char *system_authorities(enum ssl_mode mode)
{
    static const char *const files[] = {
        "/etc/ssl/certs/ca-certificates.crt", /* Debian, Alpine, Arch */
        "/etc/pki/tls/certs/ca-bundle.crt",   /* Fedora and its kin */
        "/etc/ssl/ca-bundle.pem",             /* SUSE */
        "/etc/ssl/cert.pem",                  /* the BSDs */
    };
    if (mode == SSL_MODE_VERIFY_IDENTITY && PQlibVersion() >= 160000)
        return "system";
    for (size_t i = 0; i < sizeof(files) / sizeof(files[0]); i++)
        if (access(files[i], R_OK) == 0)
            return files[i];
    return "";
}

static void add_tls(struct parameters *p, const struct store_url *url)
{
    add(p, "sslmode", mode_word(url->ssl_mode));
    add(p, "gssencmode", "disable"); /* else a Kerberos ticket decides instead of ssl-mode */
    /* Given with a weaker mode, libpq would verify against it nevertheless. */
    if (url->ssl_mode == SSL_MODE_VERIFY_CA || url->ssl_mode == SSL_MODE_VERIFY_IDENTITY)
        add(p, "sslrootcert", url->ssl_ca[0] ? url->ssl_ca : system_authorities(url->ssl_mode));
}

static PGconn *start(const struct sql_target *target, const struct store_host *host)
{
    const struct store_url *url = &target->url;
    struct parameters p = {0};
    char port[8];
    str_print(port, sizeof(port), "%d", host->port ? host->port : 5432);
    add(&p, "host", host->name);
    add(&p, "port", port);
    add(&p, "dbname", url->database);
    add(&p, "user", url->user);
    if (url->has_password)
        add(&p, "password", url->password);
    add_tls(&p, url);
    add(&p, "application_name", "ccdata");
    add(&p, "client_encoding", "UTF8");
    add(&p, "target_session_attrs", "any"); /* asked below: libpq gives no reason to tell apart */
    add(&p, "keepalives_idle", "30");
    add(&p, "keepalives_interval", "10");
    add(&p, "keepalives_count", "3");
    add(&p, "tcp_user_timeout", "30000"); /* ms: a dead server is noticed while sending, too */
    return PQconnectStartParams(p.names, p.values, 0);
}

/* Drive the connection to its end; *out_reached is how far it got. False: time is up. */
static bool finish(PGconn *pg, int64_t timeout_ms, ConnStatusType *out_reached)
{
    PostgresPollingStatusType wants = PGRES_POLLING_WRITING;
    *out_reached = PQstatus(pg);
    for (int64_t waited_ms = 0; wants == PGRES_POLLING_READING || wants == PGRES_POLLING_WRITING;) {
        if (PQstatus(pg) == CONNECTION_BAD)
            break;
        struct pollfd p = {.fd = PQsocket(pg),
                           .events = wants == PGRES_POLLING_READING ? POLLIN : POLLOUT};
        int ready = poll(&p, 1, (int)slice_ms);
        if (ready == 0)
            waited_ms += slice_ms;
        if (ready == 0 && waited_ms >= timeout_ms)
            return false;
        if (ready <= 0)
            continue;
        *out_reached = PQstatus(pg);
        wants = PQconnectPoll(pg);
    }
    return true;
}

/* ---- the session ---- */

struct setting {
    const char *name;
    const char *value; /* NULL: lock_timeout, from the target */
    bool read_back;    /* the server repeats the value as it stands here */
    int since;         /* server version */
};

/* set_config wins over what role and database are set to, and goes through poolers. */
static const struct setting settings[] = {
    {"TimeZone", "UTC", true, 0},
    {"DateStyle", "ISO, MDY", true, 0},
    {"standard_conforming_strings", "on", true, 0},
    {"extra_float_digits", "3", true, 0}, /* exact in every version */
    {"default_transaction_isolation", "read committed", true, 0},
    {"statement_timeout", "0", true, 0},
    {"idle_in_transaction_session_timeout", "0", true, 0},
    {"idle_session_timeout", "0", true, 140000}, /* the connection that holds the lock is idle */
    {"transaction_timeout", "0", true, 170000},
    {"lock_timeout", NULL, false, 0},
    /* A host that vanished lets go of its lock after two minutes, not two hours; "0" when asked
     * over a socket file. */
    {"tcp_keepalives_idle", "60", false, 0},
    {"tcp_keepalives_interval", "10", false, 0},
    {"tcp_keepalives_count", "6", false, 0},
};
enum { SETTING_COUNT = sizeof(settings) / sizeof(settings[0]) };

static bool applies(const struct postgres *c, const struct setting *s)
{
    return PQserverVersion(c->pg) >= s->since;
}

static void write_settings(struct postgres *c)
{
    /* 0 would wait for ever. */
    int64_t wait_ms = c->base.target->busy_timeout_ms;
    wait_ms = wait_ms < 1 ? 1 : wait_ms > INT32_MAX ? INT32_MAX : wait_ms;
    buf_clear(&c->sql);
    buf_add_text(&c->sql, "SELECT current_setting('transaction_read_only')");
    for (size_t i = 0; i < SETTING_COUNT; i++) {
        if (!applies(c, &settings[i]))
            continue;
        buf_printf(&c->sql, ", set_config('%s', '", settings[i].name);
        if (settings[i].value)
            buf_add_text(&c->sql, settings[i].value);
        else
            buf_printf(&c->sql, "%" PRId64, wait_ms);
        buf_add_text(&c->sql, "', false)");
    }
    if (c->base.target->intent == SQL_READS)
        buf_add_text(&c->sql, ", set_config('default_transaction_read_only', 'on', false)");
}

static int check_settings(const struct postgres *c, const PGresult *result, struct ccd_error *err)
{
    const char *name = c->base.target->name;
    if (c->base.target->intent == SQL_WRITES && strcmp(PQgetvalue(result, 0, 0), "off") != 0) {
        return error_set(err, CCD_DATABASE_UNREACHABLE,
                         "cannot write to %s: the server is a standby or set to read only", name);
    }
    int column = 1;
    for (size_t i = 0; i < SETTING_COUNT; i++) {
        if (!applies(c, &settings[i]))
            continue;
        const char *value = PQgetvalue(result, 0, column++);
        if (settings[i].read_back && strcmp(value, settings[i].value) != 0) {
            return error_set(err, CCD_CONFIG, "cannot use %s: it keeps %s at %s instead of %s",
                             name, settings[i].name, value, settings[i].value);
        }
    }
    return CCD_OK;
}

static int check_encodings(const struct postgres *c, struct ccd_error *err)
{
    const char *name = c->base.target->name;
    const char *client = PQparameterStatus(c->pg, "client_encoding");
    const char *server = PQparameterStatus(c->pg, "server_encoding");
    if (!client || strcmp(client, "UTF8") != 0)
        return error_set(err, CCD_CONFIG, "cannot use %s: it does not speak UTF8", name);
    if (server && strcmp(server, "SQL_ASCII") == 0) {
        log_warning(c->base.target->log, NULL,
                    "%s has the encoding SQL_ASCII: text is stored as it is, unchecked", name);
    } else if (!server || strcmp(server, "UTF8") != 0) {
        return error_set(err, CCD_DATABASE_SCHEMA,
                         "cannot use %s: its encoding is %s, which cannot hold every text: create "
                         "the database with ENCODING 'UTF8'",
                         name, server ? server : "unknown");
    }
    return CCD_OK;
}

static int set_up(struct postgres *c, struct ccd_error *err)
{
    static const char doing[] = "set up the connection to";
    if (PQserverVersion(c->pg) < SERVER_VERSION_MIN) {
        return error_set(err, CCD_DATABASE_SCHEMA,
                         "cannot use %s: PostgreSQL 10 or newer is needed", c->base.target->name);
    }
    write_settings(c);
    if (c->sql.failed)
        return error_set(err, CCD_NO_MEMORY, "no memory for a connection");
    PGresult *result = postgres_last_result(c, PQsendQuery(c->pg, c->sql.data) == 1);
    int status = PQresultStatus(result) == PGRES_TUPLES_OK ? check_settings(c, result, err)
                                                           : postgres_error(c, result, doing, err);
    PQclear(result);
    return status == CCD_OK ? check_encodings(c, err) : status;
}

static void receive_notice(void *user, const PGresult *result)
{
    const struct postgres *c = user;
    const char *words = PQresultErrorField(result, PG_DIAG_MESSAGE_PRIMARY);
    if (words)
        log_debug(c->base.target->log, NULL, "%s: %s", c->base.target->name, words);
}

/* ---- open and close ---- */

static int connect_host(struct postgres *c, const struct store_host *host, struct ccd_error *err)
{
    const struct sql_target *target = c->base.target;
    c->pg = start(target, host);
    if (!c->pg)
        return error_set(err, CCD_NO_MEMORY, "no memory for a connection");
    PQsetErrorVerbosity(c->pg, PQERRORS_VERBOSE);
    ConnStatusType reached;
    if (!finish(c->pg, target->connect_timeout_ms, &reached)) {
        return error_set(err, CCD_DATABASE_UNREACHABLE,
                         "cannot connect to %s: %s gave no answer for %" PRId64 " ms", target->name,
                         host->name, target->connect_timeout_ms);
    }
    if (PQstatus(c->pg) != CONNECTION_OK)
        return postgres_connect_error(target, host, c->pg, reached, err);
    PQsetNoticeReceiver(c->pg, receive_notice, c);
    PQsetnonblocking(c->pg, 1);
    return set_up(c, err);
}

static void disconnect(struct postgres *c)
{
    PQfinish(c->pg);
    c->pg = NULL;
    c->silent = false;
    c->base.broken = false;
}

/* The first host's reason is told when none can be used: it is the one that was meant. */
static int connect_any(struct postgres *c, struct ccd_error *err)
{
    const struct sql_target *target = c->base.target;
    const struct store_url *url = &target->url;
    int status = error_set(err, CCD_USAGE, "the URL of %s names no host", target->name);
    for (size_t i = 0; i < url->host_count; i++) {
        struct ccd_error reason = {0};
        status = connect_host(c, &url->hosts[i], &reason);
        if (status == CCD_OK) {
            if (i > 0)
                log_info(target->log, NULL, "%s: %s answered", target->name, url->hosts[i].name);
            return CCD_OK;
        }
        disconnect(c);
        if (i == 0 || status != CCD_DATABASE_UNREACHABLE)
            *err = reason;
        if (status != CCD_DATABASE_UNREACHABLE)
            break;
    }
    return (int)err->status;
}

int postgres_open(const struct sql_target *target, struct sql_connection **out, bool *out_missing,
                  struct ccd_error *err)
{
    *out = NULL;
    *out_missing = false; /* a name that is mistyped must not read as an empty store */
    struct postgres *c = mem_new(target->allocator, 1, sizeof(*c));
    if (!c)
        return error_set(err, CCD_NO_MEMORY, "no memory for a connection");
    c->base = (struct sql_connection){
        .driver = &sql_driver_postgres,
        .target = target,
        .dialect = dialect_of(DIALECT_POSTGRESQL),
        .opened_mono_us = clock_mono_us(target->clock),
    };
    buf_init(&c->sql, SQL_TEXT_MAX_BYTES, target->allocator);
    buf_init(&c->text, TEXT_MAX_BYTES, target->allocator);
    buf_init(&c->rows, TEXT_MAX_BYTES, target->allocator);
    struct ccd_error reason = {0};
    int status = connect_any(c, &reason);
    if (status == CCD_OK) {
        *out = &c->base;
        return CCD_OK;
    }
    postgres_close(&c->base);
    if (err)
        *err = reason;
    return status;
}

void postgres_close(struct sql_connection *connection)
{
    if (!connection)
        return;
    struct postgres *c = postgres_of(connection);
    const struct allocator *allocator = c->base.target->allocator;
    if (c->pg) {
        postgres_rollback(connection);
        postgres_unlock_all(c);
    }
    PQfinish(c->pg);
    postgres_statements_release(c);
    buf_release(&c->sql);
    buf_release(&c->text);
    buf_release(&c->rows);
    mem_free(allocator, c->values);
    mem_free(allocator, c->columns);
    mem_free(allocator, c);
}
