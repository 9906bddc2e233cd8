/* Connecting: who is let in, what the session is set to, TLS, several hosts, and the statuses of
 * errors. */
#include <arpa/inet.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "canaries.h"
#include "support.h"

static int64_t now_ms(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

static void refused(const struct sql_target *t, enum ccd_status status, const char *part)
{
    struct ccd_error err;
    CHECK_INT(status, try_connect(t, &err));
    check_error(&err, status, part);
}

static void accepted(const struct sql_target *t)
{
    struct ccd_error err;
    if (!CHECK_INT(CCD_OK, try_connect(t, &err)))
        fprintf(stderr, "    %s\n", err.message);
}

/* A port of this machine where nobody listens; listens: where somebody does, and says nothing. */
static uint16_t idle_port(bool listens, int *out_fd)
{
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t size = sizeof(address);
    *out_fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    CHECK_INT(0, bind(*out_fd, (struct sockaddr *)&address, size));
    if (listens)
        CHECK_INT(0, listen(*out_fd, 4));
    CHECK_INT(0, getsockname(*out_fd, (struct sockaddr *)&address, &size));
    return ntohs(address.sin_port);
}

/* ---- the session ---- */

static void check_session(const char *server)
{
    struct sql_target t = target_of(server);
    struct postgres *c = connect_to(&t);
    CHECK_ROW("'UTC'", c, "SELECT current_setting('TimeZone')");
    CHECK_ROW("'ISO, MDY'", c, "SELECT current_setting('DateStyle')");
    CHECK_ROW("'3'", c, "SELECT current_setting('extra_float_digits')");
    CHECK_ROW("'read committed'", c, "SELECT current_setting('transaction_isolation')");
    CHECK_ROW("'2s'|'0'|'0'", c,
              "SELECT current_setting('lock_timeout'), current_setting('statement_timeout'),"
              " current_setting('idle_in_transaction_session_timeout')");
    CHECK_ROW("'ccdata'|'UTF8'", c,
              "SELECT current_setting('application_name'), current_setting('client_encoding')");
    CHECK_ROW("'2024-03-31 01:30:00+00'|1711848600", c,
              "SELECT to_timestamp(1711848600),"
              " CAST(EXTRACT(EPOCH FROM to_timestamp(1711848600)) AS bigint)");
    CHECK_INT(DIALECT_POSTGRESQL, c->base.dialect->id);
    CHECK(c->base.opened_mono_us > 0);
    disconnect_from(c);
}

TEST(a_session_is_ours_whatever_the_server_says)
{
    check_session("main");
    run_admin("main", "ALTER ROLE ccdata SET TimeZone = 'America/Caracas';"
                      "ALTER ROLE ccdata SET DateStyle = 'SQL, DMY';"
                      "ALTER ROLE ccdata SET extra_float_digits = 0;"
                      "ALTER ROLE ccdata SET statement_timeout = '7s';"
                      "ALTER ROLE ccdata SET lock_timeout = '7s';"
                      "ALTER ROLE ccdata SET default_transaction_isolation = 'serializable';"
                      "ALTER ROLE ccdata SET standard_conforming_strings = off;"
                      "ALTER ROLE ccdata SET client_encoding = 'LATIN1'");
    check_session("main");
    run_admin("main", "ALTER ROLE ccdata RESET ALL");
    check_session("tls");
}

TEST(waiting_for_locks_is_never_endless)
{
    struct sql_target t = target_of("main");
    t.busy_timeout_ms = 0;
    struct postgres *c = connect_to(&t);
    CHECK_ROW("'1ms'", c, "SELECT current_setting('lock_timeout')");
    disconnect_from(c);
    t.busy_timeout_ms = INT64_MAX;
    c = connect_to(&t);
    CHECK_ROW("'2147483647ms'", c, "SELECT current_setting('lock_timeout')");
    disconnect_from(c);
}

TEST(reading_cannot_write)
{
    struct sql_target t = target_of("main");
    t.intent = SQL_READS;
    struct postgres *c = connect_to(&t);
    struct ccd_error err;
    CHECK_INT(CCD_DATABASE_UNREACHABLE, run(c, "CREATE TABLE never (a int)", &err));
    check_error(&err, CCD_DATABASE_UNREACHABLE, "25006");
    disconnect_from(c);
}

TEST(a_server_that_is_read_only)
{
    struct sql_target t = target_of("fixed");
    refused(&t, CCD_DATABASE_UNREACHABLE, "standby or set to read only");
    t.intent = SQL_READS;
    accepted(&t);
}

/* ---- who is let in ---- */

TEST(a_wrong_password)
{
    struct sql_target t = target_of("main");
    str_copy(t.url.password, sizeof(t.url.password), STR("wrong-one"));
    refused(&t, CCD_DATABASE_PERMISSION, "password authentication failed");
    t.url.ssl_mode = SSL_MODE_PREFERRED;
    refused(&t, CCD_DATABASE_PERMISSION, "password authentication failed");
    struct sql_target tls = target_of("tls");
    str_copy(tls.url.password, sizeof(tls.url.password), STR("wrong-one"));
    tls.url.ssl_mode = SSL_MODE_PREFERRED;
    refused(&tls, CCD_DATABASE_PERMISSION, "password authentication failed");
    tls.url.ssl_mode = SSL_MODE_REQUIRED;
    refused(&tls, CCD_DATABASE_PERMISSION, "28P01");
}

TEST(an_unknown_user)
{
    struct sql_target t = target_of("main");
    str_copy(t.url.user, sizeof(t.url.user), STR("nobody:  28000: x"));
    refused(&t, CCD_DATABASE_PERMISSION, "cannot connect to ccdata@test/ccdata_test");
}

TEST(no_password)
{
    struct sql_target t = target_of("main");
    t.url.has_password = false;
    setenv("PGPASSFILE", "/dev/null/none", 1);
    refused(&t, CCD_DATABASE_PERMISSION, "CCDATA_DATABASE_PASSWORD");
    unsetenv("PGPASSFILE");
}

TEST(an_unknown_database)
{
    struct sql_target t = target_of("main");
    str_copy(t.url.database, sizeof(t.url.database), STR("nowhere"));
    refused(&t, CCD_DATABASE_SCHEMA, "database \"nowhere\" does not exist");
    t.intent = SQL_READS;
    refused(&t, CCD_DATABASE_SCHEMA, "3D000");
    struct ccd_error err;
    try_connect(&t, &err);
    CHECK_INT(13 * 46656 + 3 * 1679616, err.native_code); /* 3D000 in base 36 */
}

TEST(a_database_that_may_not_be_used)
{
    struct sql_target t = target_of("main");
    run_admin("main", "CREATE DATABASE closed");
    run_admin("main", "REVOKE ALL ON DATABASE closed FROM public");
    str_copy(t.url.database, sizeof(t.url.database), STR("closed"));
    refused(&t, CCD_DATABASE_PERMISSION, "42501");
    run_admin("main", "DROP DATABASE closed");
}

TEST(encodings_of_databases)
{
    struct sql_target t = target_of("main");
    run_admin("main", "CREATE DATABASE latin ENCODING 'LATIN1' LOCALE 'C' TEMPLATE template0");
    run_admin("main", "CREATE DATABASE bytes ENCODING 'SQL_ASCII' LOCALE 'C' TEMPLATE template0");
    str_copy(t.url.database, sizeof(t.url.database), STR("latin"));
    refused(&t, CCD_DATABASE_SCHEMA, "its encoding is LATIN1");
    str_copy(t.url.database, sizeof(t.url.database), STR("bytes"));
    accepted(&t);
    run_admin("main", "DROP DATABASE latin");
    run_admin("main", "DROP DATABASE bytes");
}

TEST(too_many_connections)
{
    struct sql_target t = target_of("main");
    run_admin("main", "ALTER ROLE ccdata CONNECTION LIMIT 0");
    refused(&t, CCD_DATABASE_UNREACHABLE, "53300");
    run_admin("main", "ALTER ROLE ccdata CONNECTION LIMIT -1");
    accepted(&t);
}

TEST(the_password_file)
{
    struct sql_target t = target_of("main");
    char path[] = "/tmp/ccdata_passXXXXXX";
    int fd = mkstemp(path);
    FILE *file = fdopen(fd, "w");
    fprintf(file, "127.0.0.1:%d:ccdata_test:ccdata:%s\n", t.url.hosts[0].port, DATABASE_PASSWORD);
    fclose(file);
    chmod(path, 0600);
    t.url.has_password = false;
    setenv("PGPASSFILE", path, 1);
    accepted(&t);
    file = fopen(path, "w");
    fprintf(file, "*:*:*:*:wrong-one\n");
    fclose(file);
    refused(&t, CCD_DATABASE_PERMISSION, "password authentication failed");
    t.url.has_password = true; /* the URL's wins */
    accepted(&t);
    unsetenv("PGPASSFILE");
    unlink(path);
}

/* ---- hosts ---- */

TEST(nobody_there)
{
    int fd;
    struct sql_target t = target_of("main");
    t.url.hosts[0].port = idle_port(false, &fd);
    refused(&t, CCD_DATABASE_UNREACHABLE, "Connection refused");
    close(fd);
    target_host(&t, 0, "no-such-host.invalid", 5432);
    refused(&t, CCD_DATABASE_UNREACHABLE, "no-such-host.invalid");
    target_host(&t, 0, "/nonexistent", 5432);
    refused(&t, CCD_DATABASE_UNREACHABLE, "No such file or directory");
}

TEST(a_host_that_gives_no_answer)
{
    int fd;
    struct sql_target t = target_of("main");
    uint16_t good = t.url.hosts[0].port;
    t.url.hosts[0].port = idle_port(true, &fd);
    t.connect_timeout_ms = 300;
    int64_t start_ms = now_ms();
    refused(&t, CCD_DATABASE_UNREACHABLE, "no answer for 300 ms");
    CHECK(now_ms() - start_ms >= 250 && now_ms() - start_ms < 5000);
    target_host(&t, 1, "127.0.0.1", good);
    t.connect_timeout_ms = 3000;
    accepted(&t);
    close(fd);
}

TEST(a_socket_file)
{
    struct sql_target t = target_of("main");
    struct server s = server_named("main");
    target_host(&t, 0, s.folder, s.port);
    accepted(&t);
    t.url.ssl_mode = SSL_MODE_VERIFY_IDENTITY; /* there is no network to protect */
    accepted(&t);
}

TEST(hosts_are_tried_in_order)
{
    int fd;
    struct sql_target t = target_of("main");
    uint16_t good = t.url.hosts[0].port;
    uint16_t dead = idle_port(false, &fd);
    struct server fixed = server_named("fixed");
    target_host(&t, 0, "127.0.0.1", dead);
    target_host(&t, 1, "127.0.0.1", fixed.port); /* takes no writes */
    refused(&t, CCD_DATABASE_UNREACHABLE, "Connection refused");
    target_host(&t, 2, "127.0.0.1", good);
    struct postgres *c = connect_to(&t);
    char expected[16];
    str_print(expected, sizeof(expected), "'%d'", good);
    CHECK_ROW(expected, c, "SELECT current_setting('port')");
    disconnect_from(c);
    t.intent = SQL_READS;
    c = connect_to(&t);
    str_print(expected, sizeof(expected), "'%d'", fixed.port);
    CHECK_ROW(expected, c, "SELECT current_setting('port')");
    disconnect_from(c);
    /* A wrong password is wrong everywhere. */
    target_host(&t, 0, "127.0.0.1", good);
    str_copy(t.url.password, sizeof(t.url.password), STR("wrong-one"));
    refused(&t, CCD_DATABASE_PERMISSION, "(127.0.0.1): password authentication failed");
    t.url.host_count = 0;
    refused(&t, CCD_USAGE, "names no host");
    close(fd);
}

/* ---- TLS ---- */

enum ca { CA_NONE, CA_RIGHT, CA_WRONG, CA_MISSING, CA_COUNT };

/* NULL = accepted. */
struct tls_case {
    const char *server;
    enum ca ca;
    const char *refusal[SSL_MODE_COUNT];
};

static const struct tls_case tls_cases[] = {
    {"main",
     CA_RIGHT, /* speaks no TLS */
     {[SSL_MODE_REQUIRED] = "offers no TLS",
      [SSL_MODE_VERIFY_CA] = "offers no TLS",
      [SSL_MODE_VERIFY_IDENTITY] = "offers no TLS"}},
    {"tls", CA_RIGHT, {NULL}},
    {"tls",
     CA_WRONG,
     {[SSL_MODE_VERIFY_CA] = "name the authority",
      [SSL_MODE_VERIFY_IDENTITY] = "name the authority"}},
    {"tls",
     CA_NONE, /* the system's do not know it */
     {[SSL_MODE_VERIFY_CA] = "name the authority",
      [SSL_MODE_VERIFY_IDENTITY] = "name the authority"}},
    {"tls",
     CA_MISSING,
     {[SSL_MODE_VERIFY_CA] = "name the authority",
      [SSL_MODE_VERIFY_IDENTITY] = "name the authority"}},
    {"other", CA_RIGHT, {[SSL_MODE_VERIFY_IDENTITY] = "does not match host name"}},
};

static void choose_ca(struct sql_target *t, const struct tls_case *k)
{
    bool wrong = k->ca == CA_WRONG;
    struct server s = server_named(strcmp(k->server, "other") == 0 || wrong ? "other" : "tls");
    t->url.ssl_ca[0] = '\0';
    if (k->ca == CA_MISSING)
        str_copy(t->url.ssl_ca, sizeof(t->url.ssl_ca), STR("/nonexistent/ca.pem"));
    else if (k->ca != CA_NONE)
        str_print(t->url.ssl_ca, sizeof(t->url.ssl_ca), "%s/ca.pem", s.folder);
}

static void check_tls(const struct tls_case *k, enum ssl_mode mode)
{
    struct sql_target t = target_of(k->server);
    t.url.ssl_mode = mode;
    choose_ca(&t, k);
    if (k->refusal[mode]) {
        refused(&t, CCD_DATABASE_PERMISSION, k->refusal[mode]);
        return;
    }
    struct postgres *c = connect_to(&t);
    bool encrypted = mode != SSL_MODE_DISABLED && strcmp(k->server, "main") != 0;
    CHECK_ROW(encrypted ? "1" : "0", c, "SELECT ssl FROM pg_stat_ssl WHERE pid = pg_backend_pid()");
    disconnect_from(c);
}

TEST(tls_in_five_modes)
{
    for (size_t i = 0; i < sizeof(tls_cases) / sizeof(tls_cases[0]); i++)
        for (int mode = SSL_MODE_DISABLED; mode < SSL_MODE_COUNT; mode++)
            check_tls(&tls_cases[i], (enum ssl_mode)mode);
}

TEST(tls_by_name)
{
    struct sql_target t = target_of("tls");
    target_host(&t, 0, "localhost", t.url.hosts[0].port);
    t.url.ssl_mode = SSL_MODE_VERIFY_IDENTITY;
    str_print(t.url.ssl_ca, sizeof(t.url.ssl_ca), "%s/ca.pem", server_named("tls").folder);
    accepted(&t);
}

/* ---- statuses ---- */

TEST(statuses_of_errors)
{
    static const struct {
        const char *state;
        enum ccd_status status;
    } cases[] = {
        {"40001", CCD_DATABASE_BUSY},
        {"40P01", CCD_DATABASE_BUSY},
        {"40003", CCD_DATABASE_UNREACHABLE},
        {"55P03", CCD_DATABASE_BUSY},
        {"57014", CCD_DATABASE_BUSY},
        {"23505", CCD_DATABASE_BUSY},
        {"08000", CCD_DATABASE_UNREACHABLE},
        {"08P01", CCD_DATABASE_UNREACHABLE},
        {"57P01", CCD_DATABASE_UNREACHABLE},
        {"57P02", CCD_DATABASE_UNREACHABLE},
        {"57P03", CCD_DATABASE_UNREACHABLE},
        {"25006", CCD_DATABASE_UNREACHABLE},
        {"25P03", CCD_DATABASE_UNREACHABLE},
        {"25P04", CCD_DATABASE_UNREACHABLE},
        {"53300", CCD_DATABASE_UNREACHABLE},
        {"28000", CCD_DATABASE_PERMISSION},
        {"28P01", CCD_DATABASE_PERMISSION},
        {"42501", CCD_DATABASE_PERMISSION},
        {"3D000", CCD_DATABASE_SCHEMA},
        {"3F000", CCD_DATABASE_SCHEMA},
        {"42P01", CCD_DATABASE_SCHEMA},
        {"42703", CCD_DATABASE_SCHEMA},
        {"42804", CCD_DATABASE_SCHEMA},
        {"42P07", CCD_DATABASE_SCHEMA},
        {"22P05", CCD_DATABASE_DATA},
        {"23502", CCD_DATABASE_DATA},
        {"23514", CCD_DATABASE_DATA},
        {"53100", CCD_DISK},
        {"53200", CCD_DATABASE_BUSY},
        {"58030", CCD_DISK},
        {"XX001", CCD_DISK},
        {"XX002", CCD_DISK},
        {"XX000", CCD_INTERNAL},
        {"25P02", CCD_INTERNAL},
        {"99999", CCD_INTERNAL},
        {"26000", CCD_CONFIG},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        const char *advice;
        if (!CHECK_INT(cases[i].status, postgres_sqlstate_status(cases[i].state, &advice)))
            fprintf(stderr, "    %s\n", cases[i].state);
    }
}

TEST(closing_nothing)
{
    sql_driver_postgres.close(NULL);
}
