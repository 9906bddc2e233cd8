/* SQLSTATE to status (PostgreSQL 15 documentation, appendix A), and messages. */
#include <string.h>

#include "store/postgres/internal.h"

enum { SQLSTATE_BYTES = 5, WORDS_MAX_BYTES = 320 };

struct state_status {
    const char *state; /* a code, or the two letters of its class */
    enum ccd_status status;
    const char *advice; /* what to do, where it is not obvious */
};

/* A code wins over its class, wherever it stands. */
static const struct state_status states[] = {
    {"08", CCD_DATABASE_UNREACHABLE, NULL}, /* 08P01 too: poolers say all their failures with it */
    {"0A", CCD_DATABASE_SCHEMA, NULL},
    {"22", CCD_DATABASE_DATA, NULL},
    {"22P03", CCD_DATABASE_SCHEMA, NULL}, /* COPY: a column has another type than ours */
    {"23", CCD_DATABASE_DATA, NULL},
    {"23505", CCD_DATABASE_BUSY, NULL}, /* we looked before: somebody else wrote meanwhile */
    {"25", CCD_INTERNAL, NULL},
    {"25006", CCD_DATABASE_UNREACHABLE,
     "the server takes no writes: it is a standby or became one, or is set to read only"},
    {"25P03", CCD_DATABASE_UNREACHABLE, NULL}, /* idle too long in a transaction: disconnected */
    {"25P04", CCD_DATABASE_UNREACHABLE, NULL}, /* too long a transaction: the same */
    {"26", CCD_CONFIG, "connect to the server itself, or to a pooler in session mode"},
    {"28", CCD_DATABASE_PERMISSION, "check user, password and pg_hba.conf"},
    {"2F003", CCD_DATABASE_PERMISSION, NULL},
    {"38", CCD_DATABASE_DATA, NULL}, /* a trigger of the user's refused it */
    {"3D", CCD_DATABASE_SCHEMA, "create the database, or correct its name in the URL"},
    {"3F", CCD_DATABASE_SCHEMA, "create a schema, or set the user's search_path"},
    {"40", CCD_DATABASE_BUSY, NULL}, /* deadlock, serialization failure */
    {"40003", CCD_DATABASE_UNREACHABLE, NULL},
    {"42", CCD_DATABASE_SCHEMA, NULL},
    {"42501", CCD_DATABASE_PERMISSION, "grant the user what is missing"},
    {"42P05", CCD_CONFIG, "connect to the server itself, or to a pooler in session mode"},
    {"44", CCD_DATABASE_DATA, NULL},
    {"53", CCD_DATABASE_BUSY, NULL}, /* short of memory: for the moment, we hope */
    {"53100", CCD_DISK, "make room on the server's disk"},
    {"53300", CCD_DATABASE_UNREACHABLE, "raise max_connections, or lower DB_POOL_SIZE"},
    {"54", CCD_DATABASE_DATA, NULL}, /* a row that is too big */
    {"55", CCD_DATABASE_SCHEMA, NULL},
    {"55006", CCD_DATABASE_BUSY, NULL},     /* in use */
    {"55P03", CCD_DATABASE_BUSY, NULL},     /* lock_timeout */
    {"57", CCD_DATABASE_UNREACHABLE, NULL}, /* shut down, crashed, starting, database dropped */
    {"57014", CCD_DATABASE_BUSY, NULL},     /* cancelled by an administrator or a timeout */
    {"58", CCD_DISK, "look into the server's log"},
    {"72", CCD_DATABASE_BUSY, NULL}, /* snapshot too old */
    {"P0", CCD_DATABASE_DATA, NULL}, /* RAISE in a trigger of the user's */
    {"XX", CCD_INTERNAL, NULL},
    {"XX001", CCD_DISK, "the server found damaged data: look into its log"},
    {"XX002", CCD_DISK, "the server found a damaged index: look into its log"},
};

enum ccd_status postgres_sqlstate_status(const char *sqlstate, const char **out_advice)
{
    const struct state_status *found = NULL;
    for (size_t i = 0; i < sizeof(states) / sizeof(states[0]); i++) {
        size_t len = strlen(states[i].state);
        if (strncmp(sqlstate, states[i].state, len) == 0 && (!found || len > strlen(found->state)))
            found = &states[i];
    }
    if (out_advice)
        *out_advice = found ? found->advice : NULL;
    return found ? found->status : CCD_INTERNAL;
}

/* "23505" as a number in base 36, for native_code. */
static int state_number(const char *sqlstate)
{
    int number = 0;
    for (size_t i = 0; i < SQLSTATE_BYTES; i++) {
        char c = sqlstate[i];
        number = 36 * number + (c >= 'A' ? c - 'A' + 10 : c - '0');
    }
    return number;
}

static bool is_state(const char *text)
{
    for (size_t i = 0; i < SQLSTATE_BYTES; i++)
        if (!(text[i] >= '0' && text[i] <= '9') && !(text[i] >= 'A' && text[i] <= 'Z'))
            return false;
    return true;
}

static struct str first_line(const char *text)
{
    return (struct str){text, strcspn(text, "\r\n")};
}

static int set_error(struct ccd_error *err, const char *doing, const char *name,
                     const char *sqlstate, struct str words)
{
    const char *advice;
    enum ccd_status status = postgres_sqlstate_status(sqlstate, &advice);
    return error_set_native(err, status, state_number(sqlstate),
                            "cannot %s %s: " STR_FMT " (SQLSTATE %.5s)%s%s", doing, name,
                            STR_ARG(words), sqlstate, advice ? ": " : "", advice ? advice : "");
}

/* "duplicate key …: Key (series_id, ts)=(…) already exists." */
static struct str words_of(const PGresult *result, char words[WORDS_MAX_BYTES])
{
    const char *primary = PQresultErrorField(result, PG_DIAG_MESSAGE_PRIMARY);
    const char *detail = PQresultErrorField(result, PG_DIAG_MESSAGE_DETAIL);
    str_print(words, WORDS_MAX_BYTES, "%s%s%s", primary ? primary : "no reason given",
              detail ? ": " : "", detail ? detail : "");
    return str_from(words);
}

int postgres_error(struct postgres *c, const PGresult *result, const char *doing,
                   struct ccd_error *err)
{
    const char *name = c->base.target->name;
    const char *sqlstate = PQresultErrorField(result, PG_DIAG_SQLSTATE);
    if (sqlstate && is_state(sqlstate)) {
        char words[WORDS_MAX_BYTES];
        int status = set_error(err, doing, name, sqlstate, words_of(result, words));
        if (status == CCD_DATABASE_UNREACHABLE || PQstatus(c->pg) == CONNECTION_BAD)
            c->base.broken = true;
        return status;
    }
    /* Not the server speaks but libpq: the connection is lost, or out of step. */
    c->base.broken = true;
    struct str words = first_line(PQerrorMessage(c->pg));
    if (c->silent)
        words = STR("the server has not answered for a long time");
    else if (words.len == 0)
        words = STR("the connection was lost");
    return error_set(err, CCD_DATABASE_UNREACHABLE, "cannot %s %s: " STR_FMT, doing, name,
                     STR_ARG(words));
}

/* ---- connecting ---- */

/* libpq keeps no result of a connection that fails, only text. Of that, PQERRORS_VERBOSE puts the
 * SQLSTATE between severity and message, "FATAL:  28P01: password …", in any language. */
static const char *find_state(const char *text)
{
    for (const char *at = text; (at = strstr(at, ":  ")) != NULL; at++)
        if (is_state(at + 3) && strncmp(at + 3 + SQLSTATE_BYTES, ": ", 2) == 0)
            return at + 3;
    return NULL;
}

/* Without "connection to server at "127.0.0.1", port 5432 failed: ", of the last address tried. */
static struct str client_words(const char *text)
{
    static const char prefix[] = "connection to server ";
    static const char failed[] = " failed: ";
    for (const char *next; (next = strstr(text + 1, prefix)) != NULL;)
        text = next;
    struct str line = first_line(text);
    size_t cut = str_starts_with(line, str_from(prefix)) ? str_find(line, str_from(failed))
                                                         : SIZE_MAX;
    if (cut != SIZE_MAX) {
        line.ptr += cut + strlen(failed);
        line.len -= cut + strlen(failed);
    }
    return line.len > 0 ? line : STR("no reason given");
}

struct text_advice {
    const char *text;
    const char *advice;
};

static const struct text_advice tls_advice[] = {
    {"does not support SSL", "the server offers no TLS: ssl-mode=disabled goes without, in a "
                             "network that you trust"},
    {"does not match host name", "connect by a name that is in the certificate, or use "
                                 "ssl-mode=verify-ca"},
    {"certificate verify failed", "name the authority that signed it with ssl-ca=FILE"},
    {"root certificate", "name the authority's file with ssl-ca=FILE"},
    {"", "check ssl-mode and ssl-ca"},
};

static const char *advice_for(const char *text)
{
    size_t i = 0;
    while (!strstr(text, tls_advice[i].text))
        i++;
    return tls_advice[i].advice;
}

/* A server that went away in the middle of the handshake is not a refusal. */
static bool is_tls_refusal(const char *text, ConnStatusType reached)
{
    static const char *const lost[] = {"SSL SYSCALL error", "closed the connection unexpectedly",
                                       "closed unexpectedly", "could not receive data",
                                       "could not send"};
    for (size_t i = 0; i < sizeof(lost) / sizeof(lost[0]); i++)
        if (strstr(text, lost[i]))
            return false;
    return reached == CONNECTION_SSL_STARTUP || strstr(text, "SSL error:");
}

int postgres_connect_error(const struct sql_target *target, const struct store_host *host,
                           const PGconn *pg, ConnStatusType reached, struct ccd_error *err)
{
    static const char doing[] = "connect to";
    char name[SQL_NAME_MAX_BYTES + URL_HOST_MAX_BYTES + 8];
    if (target->url.host_count > 1)
        str_print(name, sizeof(name), "%s (%s)", target->name, host->name);
    else
        str_print(name, sizeof(name), "%s", target->name);
    const char *text = PQerrorMessage(pg);
    const char *state = find_state(text);
    if (state)
        return set_error(err, doing, name, state, first_line(state + SQLSTATE_BYTES + 2));
    struct str words = client_words(text);
    if (PQconnectionNeedsPassword(pg)) {
        return error_set(err, CCD_DATABASE_PERMISSION,
                         "cannot %s %s: it wants a password: set CCDATA_DATABASE_PASSWORD, or "
                         "write it to ~/.pgpass",
                         doing, name);
    }
    if (is_tls_refusal(text, reached)) {
        return error_set(err, CCD_DATABASE_PERMISSION, "cannot %s %s: " STR_FMT ": %s", doing, name,
                         STR_ARG(words), advice_for(text));
    }
    return error_set(err, CCD_DATABASE_UNREACHABLE, "cannot %s %s: " STR_FMT, doing, name,
                     STR_ARG(words));
}
