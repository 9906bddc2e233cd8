#include "server.h"

#include <libpq-fe.h>
#include <mysql.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "sql.h"
#include "store/url.h"

#define OWN_DATABASE "ccdata_case"

enum { ANSWER_MAX_BYTES = 1 << 18 };

/* ---- what the environment gives ---- */

static const char *given(const struct back_end *server, const char *what)
{
    char name[64];
    const char *kind = server == &back_end_mariadb ? "MARIADB" : "POSTGRES";
    str_print(name, sizeof(name), "CCDATA_TEST_%s_%s", kind, what);
    return getenv(name);
}

bool server_is_given(const struct back_end *server)
{
    return given(server, "URL") && given(server, "ADMIN_URL");
}

bool is_mariadb(const struct fixture *f)
{
    return f->back_end == &back_end_mariadb;
}

TEST(mariadb_server)
{
    if (!server_is_given(&back_end_mariadb))
        SKIP("no server given; tests/servers.py starts one (test store_servers)");
}

TEST(postgres_server)
{
    if (!server_is_given(&back_end_postgres))
        SKIP("no server given; tests/servers.py starts one (test store_servers)");
}

static void parse(const char *url, struct store_url *out)
{
    struct ccd_error err;
    if (store_url_parse(url, out, &err) != CCD_OK) {
        fprintf(stderr, "the URL of the test server: %s\n", err.message);
        exit(1);
    }
}

/* The URL of an ordinary user for a database of the server. */
static void url_of(const struct back_end *server, const char *user, const char *password,
                   const char *database, char *out)
{
    struct store_url url;
    struct buf coded;
    parse(given(server, "URL"), &url);
    buf_init(&coded, URL_MAX_BYTES, NULL);
    buf_add_url_text(&coded, str_from(password ? password : url.password));
    str_print(out, URL_MAX_BYTES, "%s://%s:%s@%s:%u/%s", url.scheme, user ? user : url.user,
              buf_str(&coded).ptr, url.hosts[0].name, (unsigned)url.hosts[0].port,
              database ? database : url.database);
    buf_release(&coded);
    store_url_release(&url);
}

static const char *database_of(const char *url)
{
    return strrchr(url, '/') + 1;
}

/* ---- the administrator ---- */

struct answer {
    char text[ANSWER_MAX_BYTES];
    size_t len;
    bool failed;
};
static struct answer answer;

static void answer_clear(void)
{
    answer.len = 0;
    answer.text[0] = '\0';
    answer.failed = false;
}

static void answer_value(size_t column, const char *value)
{
    const char *before = column > 0 ? "|" : answer.len > 0 ? "\n" : "";
    str_print(answer.text + answer.len, sizeof(answer.text) - answer.len, "%s%s", before,
              value ? value : "NULL");
    answer.len += strlen(answer.text + answer.len);
}

static void answer_failed(const char *why)
{
    answer_clear();
    answer_value(0, why);
    answer.failed = true;
}

static MYSQL *mariadb_admin(void)
{
    static MYSQL *connection;
    struct store_url url;
    if (connection)
        return connection;
    parse(given(&back_end_mariadb, "ADMIN_URL"), &url);
    connection = mysql_init(NULL);
    mysql_options(connection, MYSQL_SET_CHARSET_NAME, "utf8mb4");
    mysql_options(
        connection, MYSQL_INIT_COMMAND,
        "SET time_zone = '+00:00', lock_wait_timeout = 20, innodb_lock_wait_timeout = 20");
    if (!mysql_real_connect(connection, url.hosts[0].name, url.user, url.password, NULL,
                            url.hosts[0].port, NULL, CLIENT_MULTI_STATEMENTS)) {
        fprintf(stderr, "%s\n", mysql_error(connection));
        exit(1);
    }
    store_url_release(&url);
    return connection;
}

static void mariadb_rows(MYSQL *connection)
{
    MYSQL_RES *result = mysql_store_result(connection);
    for (MYSQL_ROW row; result && (row = mysql_fetch_row(result)) != NULL;)
        for (unsigned i = 0; i < mysql_num_fields(result); i++)
            answer_value(i, row[i]);
    mysql_free_result(result);
}

static void mariadb_ask(const char *database, const char *sql)
{
    MYSQL *connection = mariadb_admin();
    int more = database && mysql_select_db(connection, database) != 0 ? 1 : 0;
    if (more == 0 && mysql_real_query(connection, sql, strlen(sql)) != 0)
        more = 1;
    while (more == 0) {
        mariadb_rows(connection);
        more = mysql_next_result(connection); /* -1: that was the last one */
    }
    if (more > 0)
        answer_failed(mysql_error(connection));
}

/* A connection is bound to its database: the last one is kept. */
static PGconn *postgres_admin(const char *database)
{
    static PGconn *connection;
    struct store_url url;
    if (connection && strcmp(PQdb(connection), database) == 0 &&
        PQstatus(connection) == CONNECTION_OK)
        return connection;
    PQfinish(connection);
    parse(given(&back_end_postgres, "ADMIN_URL"), &url);
    char port[16];
    str_print(port, sizeof(port), "%u", (unsigned)url.hosts[0].port);
    const char *const names[] = {"host", "port", "user", "password", "dbname", "options", NULL};
    const char *const values[] = {url.hosts[0].name,
                                  port,
                                  url.user,
                                  url.password,
                                  database,
                                  "-c TimeZone=UTC -c client_min_messages=error "
                                  "-c lock_timeout=20s -c default_transaction_read_only=off",
                                  NULL};
    connection = PQconnectdbParams(names, values, 0);
    if (PQstatus(connection) != CONNECTION_OK) {
        fprintf(stderr, "%s\n", PQerrorMessage(connection));
        exit(1);
    }
    store_url_release(&url);
    return connection;
}

static void postgres_ask(const char *database, const char *sql)
{
    PGconn *connection = postgres_admin(database ? database : "postgres");
    PGresult *result = PQexec(connection, sql);
    ExecStatusType status = PQresultStatus(result);
    if (status != PGRES_COMMAND_OK && status != PGRES_TUPLES_OK)
        answer_failed(PQresultErrorMessage(result));
    for (int row = 0; row < PQntuples(result); row++)
        for (int i = 0; i < PQnfields(result); i++)
            answer_value((size_t)i,
                         PQgetisnull(result, row, i) ? NULL : PQgetvalue(result, row, i));
    PQclear(result);
}

static void ask_server(const struct back_end *server, const char *database, const char *sql)
{
    answer_clear();
    if (server == &back_end_mariadb)
        mariadb_ask(database, sql);
    else
        postgres_ask(database, sql);
}

static bool held(const char *sql)
{
    if (answer.failed)
        fprintf(stderr, "%s\n  %s\n", sql, answer.text);
    return CHECK(!answer.failed);
}

bool server_run(struct fixture *f, const char *sql)
{
    ask_server(f->back_end, database_of(f->place.url), sql);
    return held(sql);
}

bool server_run_each(struct fixture *f, const char *mariadb, const char *postgres)
{
    const char *sql = is_mariadb(f) ? mariadb : postgres;
    return !sql || !*sql || server_run(f, sql);
}

bool server_manage(const struct back_end *server, const char *sql)
{
    ask_server(server, NULL, sql);
    return held(sql);
}

int server_try_open(struct fixture *f)
{
    struct store_config config = fixture_config(f);
    struct store *store = NULL;
    int status = store_open(&config, &store, &f->err);
    store_close(store);
    return status;
}

const char *ask(struct fixture *f, const char *sql)
{
    if (f->back_end == &back_end_sqlite)
        return db_rows_once(f, sql);
    ask_server(f->back_end, database_of(f->place.url), sql);
    return answer.text;
}

void server_end_connections(struct fixture *f)
{
    struct store_url url;
    char sql[512];
    parse(given(f->back_end, "URL"), &url);
    if (is_mariadb(f))
        str_print(sql, sizeof(sql), "KILL USER %s", url.user);
    else
        str_print(sql, sizeof(sql),
                  "SELECT count(pg_terminate_backend(pid, 5000)) FROM pg_stat_activity"
                  " WHERE usename = '%s'",
                  url.user);
    server_run(f, sql);
    store_url_release(&url);
}

void server_url_as(struct fixture *f, const char *user, const char *password)
{
    char database[URL_NAME_MAX_BYTES];
    str_copy(database, sizeof(database), str_from(database_of(f->place.url)));
    url_of(f->back_end, user, password, database, f->place.url);
}

/* ---- back-ends ---- */

/* A database per case would take a second each; emptying the one there is takes some ms. */
static void empty_tables(const struct back_end *server, const char *database)
{
    static char tables[ANSWER_MAX_BYTES];
    static char sql[ANSWER_MAX_BYTES];
    size_t len = 0;
    ask_server(server, database,
               server == &back_end_mariadb
                   ? "SELECT table_name FROM information_schema.tables WHERE table_schema ="
                     " DATABASE() AND table_type = 'BASE TABLE' AND table_name <> 'ccdata_schema'"
                   : "SELECT tablename FROM pg_tables WHERE schemaname = 'public'"
                     " AND tablename <> 'ccdata_schema'");
    str_copy(tables, sizeof(tables), str_from(answer.text));
    for (char *save, *table = strtok_r(tables, "\n", &save); table;
         table = strtok_r(NULL, "\n", &save)) {
        str_print(sql + len, sizeof(sql) - len, "DELETE FROM %s;", table);
        len += strlen(sql + len);
    }
    if (len > 0) {
        ask_server(server, database, sql);
        held(sql);
    }
}

static bool use_common(const struct back_end *server, struct place *place)
{
    if (!server_is_given(server))
        return false;
    url_of(server, NULL, NULL, NULL, place->url);
    empty_tables(server, database_of(place->url));
    return true;
}

static bool use_mariadb(struct place *place)
{
    return use_common(&back_end_mariadb, place);
}

static bool use_postgres(struct place *place)
{
    return use_common(&back_end_postgres, place);
}

static void leave(struct place *place)
{
    (void)place;
}

static bool mariadb_serves(const char *name)
{
    (void)name;
    return server_is_given(&back_end_mariadb);
}

static bool postgres_serves(const char *name)
{
    (void)name;
    return server_is_given(&back_end_postgres);
}

const struct back_end back_end_mariadb = {
    .name = "mariadb",
    .persists = true,
    .plain_zero = true,
    .make_place = use_mariadb,
    .remove_place = leave,
    .serves = mariadb_serves,
};
const struct back_end back_end_postgres = {
    .name = "postgres",
    .persists = true,
    .make_place = use_postgres,
    .remove_place = leave,
    .serves = postgres_serves,
};

void run_on_server(const struct back_end *server, void (*run)(struct fixture *f))
{
    run_contract(server, run);
}

void run_alone(const struct back_end *server, void (*run)(struct fixture *f))
{
    struct fixture f = {.back_end = server};
    struct store_url url;
    char create[256];
    parse(given(server, "URL"), &url);
    url_of(server, NULL, NULL, OWN_DATABASE, f.place.url);
    bool mariadb = server == &back_end_mariadb;
    str_print(create, sizeof(create),
              mariadb ? "CREATE DATABASE %s" : "CREATE DATABASE %s OWNER %s", OWN_DATABASE,
              url.user);
    store_url_release(&url);
    const char *drop = mariadb ? "DROP DATABASE IF EXISTS " OWN_DATABASE
                               : "DROP DATABASE IF EXISTS " OWN_DATABASE " WITH (FORCE)";
    if (server_manage(server, drop) && server_manage(server, create))
        run(&f);
    fixture_close(&f);
    server_manage(server, drop);
}
