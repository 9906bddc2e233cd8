/* Connecting: credentials, hosts, settings, read-only servers, TLS. */
#include <arpa/inet.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "canaries.h"
#include "support.h"

static double now_s(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

/* ---- who ---- */

TEST(wrong_credentials)
{
    struct sql_target t;
    struct ccd_error err;
    target_init(&t, server_shared());
    str_copy(t.url.password, sizeof(t.url.password), STR("wrong-password"));
    CHECK_INT(CCD_DATABASE_PERMISSION, connect_status(&t, &err));
    CHECK(strstr(err.message, "wrong-password") == NULL);
    CHECK(strstr(err.message, "check the user and the password") != NULL);
    target_init(&t, server_shared());
    str_copy(t.url.user, sizeof(t.url.user), STR("nobody_here"));
    CHECK_INT(CCD_DATABASE_PERMISSION, connect_status(&t, &err));
    target_init(&t, server_shared());
    str_copy(t.url.database, sizeof(t.url.database), STR("ccdata_missing"));
    CHECK_INT(CCD_DATABASE_SCHEMA, connect_status(&t, &err));
    CHECK(strstr(err.message, "CREATE DATABASE") != NULL);
    t.intent = SQL_READS;
    CHECK_INT(CCD_DATABASE_SCHEMA, connect_status(&t, &err));
    t.intent = SQL_WRITES;
    str_copy(t.url.database, sizeof(t.url.database), STR("mysql"));
    CHECK_INT(CCD_DATABASE_PERMISSION, connect_status(&t, &err));
}

TEST(a_socket)
{
    struct sql_target t;
    target_socket(&t, server_shared());
    struct sql_connection *c = connect_ok(&t);
    CHECK_INT(1, c ? read_i64(c, "SELECT 1") : -1);
    sql_driver_mysql.close(c);
}

static void write_file(const char *path, const char *text, unsigned mode)
{
    FILE *f = fopen(path, "w");
    if (!CHECK(f != NULL))
        return;
    CHECK(fputs(text, f) >= 0);
    CHECK(fclose(f) == 0);
    CHECK(chmod(path, mode) == 0);
}

TEST(the_clients_own_file)
{
    struct client_file file;
    char folder[] = "/tmp/ccdata-mycnf-XXXXXX";
    char path[64];
    if (!CHECK(mkdtemp(folder) != NULL))
        return;
    str_print(path, sizeof(path), "%s/.my.cnf", folder);
    write_file(path,
               "# comment\n[mysqld]\npassword=server\n[client]\nuser = ccdata\n"
               "password=\"" DATABASE_PASSWORD "\"\nlocal-infile=1\ninit-command=DROP TABLE x\n"
               "ssl-ca=/nowhere\nhost=elsewhere\n[mysql]\nuser=other\n",
               0600);
    client_file_read(path, &file);
    CHECK_TEXT("ccdata", file.user);
    CHECK_TEXT(DATABASE_PASSWORD, file.password);
    CHECK(file.has_password);

    struct sql_target t;
    target_init(&t, server_shared());
    t.url.has_password = false;
    t.url.password[0] = t.url.user[0] = '\0';
    const char *home = getenv("HOME");
    char *before = home ? strdup(home) : NULL;
    setenv("HOME", folder, 1);
    struct sql_connection *c = connect_ok(&t);
    CHECK_INT(1, c ? read_i64(c, "SELECT CURRENT_USER() LIKE 'ccdata@%'") : -1);
    sql_driver_mysql.close(c);
    /* The URL's own words win. */
    struct ccd_error err;
    target_init(&t, server_shared());
    str_copy(t.url.password, sizeof(t.url.password), STR("wrong"));
    CHECK_INT(CCD_DATABASE_PERMISSION, connect_status(&t, &err));
    if (before)
        setenv("HOME", before, 1);
    free(before);

    write_file(path,
               "[client]\npassword='a#b \\s\\\\x'\n[client-mariadb]\nuser=me # mine\nsocket=/s\n",
               0600);
    client_file_read(path, &file);
    CHECK_TEXT("a#b  \\x", file.password);
    CHECK_TEXT("me", file.user);
    CHECK_TEXT("/s", file.socket);
    write_file(path, "[client]\npassword=x\n", 0666);
    client_file_read(path, &file);
    CHECK(!file.has_password);
    client_file_read("/nonexistent", &file);
    CHECK(!file.has_password);
    client_file_read("/dev/zero", &file);
    CHECK(!file.has_password);
    unlink(path);
    rmdir(folder);
}

/* ---- where ---- */

/* Takes connections, or at least lets them wait, and never says a word. */
static int silent_listener(uint16_t *out_port)
{
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    struct sockaddr_in at = {.sin_family = AF_INET, .sin_addr = {htonl(INADDR_LOOPBACK)}};
    socklen_t len = sizeof(at);
    CHECK(bind(fd, (struct sockaddr *)&at, sizeof(at)) == 0 && listen(fd, 8) == 0 &&
          getsockname(fd, (struct sockaddr *)&at, &len) == 0);
    *out_port = ntohs(at.sin_port);
    return fd;
}

TEST(hosts_in_order)
{
    struct sql_target t;
    struct ccd_error err;
    uint16_t silent;
    int listener = silent_listener(&silent);
    target_init(&t, server_shared());
    t.connect_timeout_ms = 1000;
    t.url.hosts[1] = t.url.hosts[0];
    t.url.hosts[0].port = 1; /* nobody there */
    t.url.host_count = 1;
    CHECK_INT(CCD_DATABASE_UNREACHABLE, connect_status(&t, &err));
    t.url.host_count = 2;
    CHECK_INT(CCD_OK, connect_status(&t, &err));
    str_copy(t.url.hosts[0].name, sizeof(t.url.hosts[0].name), STR("no-such-host.invalid"));
    CHECK_INT(CCD_OK, connect_status(&t, &err));
    str_copy(t.url.hosts[0].name, sizeof(t.url.hosts[0].name), STR("127.0.0.1"));
    t.url.hosts[0].port = silent;
    double start = now_s();
    CHECK_INT(CCD_OK, connect_status(&t, &err));
    CHECK(now_s() - start < 3.5);
    t.url.host_count = 1;
    start = now_s();
    CHECK_INT(CCD_DATABASE_UNREACHABLE, connect_status(&t, &err));
    CHECK(now_s() - start < 3.5);
    close(listener);
    str_copy(t.url.hosts[0].name, sizeof(t.url.hosts[0].name), STR("/nonexistent/socket"));
    CHECK_INT(CCD_DATABASE_UNREACHABLE, connect_status(&t, &err));
    t.url.host_count = 0;
    CHECK_INT(CCD_USAGE, connect_status(&t, &err));
}

TEST(a_read_only_server)
{
    struct server replica;
    struct sql_target t;
    struct ccd_error err;
    if (!server_start(&replica, "--read-only=1"))
        return;
    target_init(&t, &replica);
    CHECK_INT(CCD_DATABASE_UNREACHABLE, connect_status(&t, &err));
    CHECK(strstr(err.message, "read-only") != NULL);
    /* Even for one who could write there. */
    str_copy(t.url.user, sizeof(t.url.user), STR("ccdata_admin"));
    str_copy(t.url.password, sizeof(t.url.password), STR(ADMIN_PASSWORD));
    CHECK_INT(CCD_DATABASE_UNREACHABLE, connect_status(&t, &err));
    target_init(&t, &replica);
    t.url.hosts[1] = t.url.hosts[0];
    t.url.hosts[1].port = (uint16_t)server_shared()->port;
    t.url.host_count = 2;
    struct sql_connection *c = connect_ok(&t);
    CHECK_INT(server_shared()->port, c ? read_i64(c, "SELECT @@port") : -1);
    sql_driver_mysql.close(c);
    t.intent = SQL_READS;
    c = connect_ok(&t);
    CHECK_INT(replica.port, c ? read_i64(c, "SELECT @@port") : -1);
    sql_driver_mysql.close(c);
    /* It becomes read-only while we write: another connection is the answer. */
    target_init(&t, server_shared());
    c = connect_ok(&t);
    if (c) {
        run_sql(c, "CREATE TABLE IF NOT EXISTS demoted (a INT)", &err);
        CHECK(server_sql(server_shared(), "SET GLOBAL read_only = 1", NULL, 0));
        CHECK_INT(CCD_DATABASE_UNREACHABLE, run_sql(c, "INSERT INTO demoted VALUES (1)", &err));
        CHECK(c->broken);
        CHECK(server_sql(server_shared(), "SET GLOBAL read_only = 0", NULL, 0));
        sql_driver_mysql.close(c);
    }
    CHECK(server_do(&replica, "stop"));
}

TEST(a_reader_cannot_write)
{
    struct sql_target t;
    struct ccd_error err;
    target_init(&t, server_shared());
    t.intent = SQL_READS;
    struct sql_connection *c = connect_ok(&t);
    if (!c)
        return;
    CHECK(run_sql(c, "CREATE TABLE never (a INT)", &err) != CCD_OK);
    sql_driver_mysql.close(c);
    c = connect_ok(&t);
    CHECK_INT(0, c ? read_i64(c, "SELECT COUNT(*) FROM information_schema.TABLES WHERE TABLE_NAME ="
                                 " 'never'")
                   : -1);
    sql_driver_mysql.close(c);
}

TEST(settings_of_the_session)
{
    struct server s;
    struct sql_target t;
    char text[512];
    if (!server_start(&s, "tz=-11:00\t--sql-mode=ORACLE\t--autocommit=0\t--wait-timeout=5"
                          "\t--character-set-server=latin1\t--transaction-isolation=SERIALIZABLE"
                          "\t--init-connect=SET sql_mode='', time_zone='+03:00', names latin1"))
        return;
    target_init(&t, &s);
    t.busy_timeout_ms = 4200;
    struct sql_connection *c = connect_ok(&t);
    if (!c)
        return;
    CHECK(read_text(c, "SELECT @@session.time_zone", text, sizeof(text)));
    CHECK_TEXT("+00:00", text);
    CHECK(read_text(c, "SELECT @@session.tx_isolation", text, sizeof(text)));
    CHECK_TEXT("READ-COMMITTED", text);
    CHECK(read_text(c, "SELECT @@session.character_set_results", text, sizeof(text)));
    CHECK_TEXT("utf8mb4", text);
    CHECK_INT(1, read_i64(c, "SELECT @@session.autocommit"));
    CHECK_INT(5, read_i64(c, "SELECT @@session.innodb_lock_wait_timeout"));
    CHECK(read_i64(c, "SELECT @@session.wait_timeout") > 86400);
    CHECK(read_text(c, "SELECT @@session.sql_mode", text, sizeof(text)));
    CHECK(strstr(text, "STRICT_TRANS_TABLES") != NULL);
    CHECK(strstr(text, "ORACLE") == NULL && strstr(text, "ANSI_QUOTES") == NULL);
    CHECK(c->dialect == dialect_of(DIALECT_MYSQL));
    CHECK(connection_of(c)->arrays);
    sql_driver_mysql.close(c);
    CHECK(server_do(&s, "stop"));
}

/* ---- TLS ---- */

static int tls_status(const struct server *s, const char *host, enum ssl_mode mode, const char *ca,
                      bool *out_encrypted)
{
    struct sql_target t;
    struct ccd_error err = {0};
    struct sql_connection *c = NULL;
    bool missing;
    target_init(&t, s);
    str_copy(t.url.hosts[0].name, sizeof(t.url.hosts[0].name), str_from(host));
    t.url.ssl_mode = mode;
    str_copy(t.url.ssl_ca, sizeof(t.url.ssl_ca), str_from(ca));
    int status = sql_driver_mysql.open(&t, &c, &missing, &err);
    *out_encrypted = c && mysql_get_ssl_cipher(connection_of(c)->mysql);
    if (c)
        CHECK_INT(1, read_i64(c, "SELECT 1"));
    sql_driver_mysql.close(c);
    if (status != CCD_OK)
        CHECK(strstr(err.message, DATABASE_PASSWORD) == NULL);
    return status;
}

struct tls_row {
    const char *host;
    enum ssl_mode mode;
    int ca; /* 0 none, 1 right, 2 of another server, 3 missing file */
    int status;
    bool encrypted;
};

static void check_tls_rows(const struct server *s, const struct server *other,
                           const struct tls_row *rows, size_t count)
{
    char right[300], wrong[300];
    str_print(right, sizeof(right), "%s/ca.pem", s->folder);
    str_print(wrong, sizeof(wrong), "%s/ca.pem", other->folder);
    const char *cas[] = {"", right, wrong, "/nonexistent/ca.pem"};
    for (size_t i = 0; i < count; i++) {
        bool encrypted;
        int status = tls_status(s, rows[i].host, rows[i].mode, cas[rows[i].ca], &encrypted);
        if (!CHECK_INT(rows[i].status, status) || !CHECK_INT(rows[i].encrypted, encrypted))
            fprintf(stderr, "    row %zu: %s, %s, ca %d\n", i, rows[i].host,
                    ssl_mode_name(rows[i].mode), rows[i].ca);
    }
}

TEST(tls_modes)
{
    struct server good, misnamed, plain;
    if (!server_start(&good, "tls") || !server_start(&misnamed, "tls\thost=db.example") ||
        !server_start(&plain, "--skip-ssl"))
        return;
    enum { NO = CCD_DATABASE_PERMISSION };
    static const struct tls_row with_tls[] = {
        {"127.0.0.1", SSL_MODE_DISABLED, 0, CCD_OK, false},
        {"127.0.0.1", SSL_MODE_PREFERRED, 0, CCD_OK, true},
        {"127.0.0.1", SSL_MODE_REQUIRED, 0, CCD_OK, true},
        {"127.0.0.1", SSL_MODE_REQUIRED, 2, CCD_OK, true}, /* proves nothing */
        {"127.0.0.1", SSL_MODE_VERIFY_CA, 1, CCD_OK, true},
        {"127.0.0.1", SSL_MODE_VERIFY_CA, 2, NO, false},
        {"127.0.0.1", SSL_MODE_VERIFY_CA, 3, NO, false},
        {"127.0.0.1", SSL_MODE_VERIFY_CA, 0, NO, false}, /* the system does not know our CA */
        {"127.0.0.1", SSL_MODE_VERIFY_IDENTITY, 1, CCD_OK, true},
        {"localhost", SSL_MODE_VERIFY_IDENTITY, 1, CCD_OK, true},
        {"127.0.0.1", SSL_MODE_VERIFY_IDENTITY, 2, NO, false},
        {"127.0.0.1", SSL_MODE_VERIFY_IDENTITY, 0, NO, false},
    };
    static const struct tls_row with_other_name[] = {
        {"127.0.0.1", SSL_MODE_REQUIRED, 0, CCD_OK, true},
        {"127.0.0.1", SSL_MODE_VERIFY_CA, 1, CCD_OK, true},
        {"127.0.0.1", SSL_MODE_VERIFY_IDENTITY, 1, NO, false},
        {"localhost", SSL_MODE_VERIFY_IDENTITY, 1, NO, false},
    };
    static const struct tls_row without[] = {
        {"127.0.0.1", SSL_MODE_DISABLED, 0, CCD_OK, false},
        {"127.0.0.1", SSL_MODE_PREFERRED, 0, CCD_OK, false},
        {"127.0.0.1", SSL_MODE_REQUIRED, 0, NO, false},
        {"127.0.0.1", SSL_MODE_VERIFY_CA, 2, NO, false},
        {"127.0.0.1", SSL_MODE_VERIFY_IDENTITY, 2, NO, false},
    };
    check_tls_rows(&good, &misnamed, with_tls, sizeof(with_tls) / sizeof(with_tls[0]));
    check_tls_rows(&misnamed, &good, with_other_name, 4);
    check_tls_rows(&plain, &good, without, 5);
    /* Over a socket nobody listens in. */
    struct sql_target t;
    struct ccd_error err;
    target_socket(&t, &plain);
    t.url.ssl_mode = SSL_MODE_REQUIRED;
    CHECK_INT(CCD_OK, connect_status(&t, &err));
    /* The server insists. */
    CHECK(server_restart(&good, "--require-secure-transport=1"));
    bool encrypted;
    CHECK_INT(NO, tls_status(&good, "127.0.0.1", SSL_MODE_DISABLED, "", &encrypted));
    CHECK_INT(CCD_OK, tls_status(&good, "127.0.0.1", SSL_MODE_PREFERRED, "", &encrypted));
    CHECK(server_do(&good, "stop") && server_do(&misnamed, "stop") && server_do(&plain, "stop"));
}

/* All the driver's ways over TLS. */
TEST(rows_over_tls)
{
    struct server s;
    static struct probe_page p;
    if (!server_start(&s, "tls\t--local-infile=1"))
        return;
    for (size_t w = 0; w < 3; w++) {
        struct sql_target t;
        struct ccd_error err;
        target_init(&t, &s);
        t.url.ssl_mode = SSL_MODE_REQUIRED;
        t.disabled_paths = ways[w].disabled_paths;
        struct sql_connection *c = connect_ok(&t);
        if (!c || !probe_table(c, &probe_type))
            continue;
        probe_page_init(&p, &probe_type, 2000);
        probe_fill_extremes(&p);
        CHECK_INT(CCD_OK, probe_insert(c, &p, &err));
        CHECK(probe_compare(c, &p));
        /* The read timeout while connecting is not that of a statement. */
        CHECK_INT(0, read_i64(c, "SELECT SLEEP(1.5)"));
        probe_page_release(&p);
        sql_driver_mysql.close(c);
    }
    CHECK(server_do(&s, "stop"));
}
