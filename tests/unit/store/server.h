/* Real servers as back-ends of the contract, and an administrator's connection to them. A server is
 * given by the environment (tests/servers.py run); without it its cases are one named skip. */
#ifndef TESTS_UNIT_STORE_SERVER_H
#define TESTS_UNIT_STORE_SERVER_H

#include "support.h"

bool server_is_given(const struct back_end *server);

/* Run SQL as the administrator in the fixture's database; what cannot be run fails the test. */
bool server_run(struct fixture *f, const char *sql);
/* One text per kind: MariaDB's and PostgreSQL's; NULL or "" = nothing to do there. */
bool server_run_each(struct fixture *f, const char *mariadb, const char *postgres);
/* The same outside the fixture's database, where users and databases are made. */
bool server_manage(const struct back_end *server, const char *sql);
bool is_mariadb(const struct fixture *f);

/* End every connection of the ordinary user, as an administrator or a network would. */
void server_end_connections(struct fixture *f);

/* Let the fixture's place be the same database as another user with the same password. */
void server_url_as(struct fixture *f, const char *user, const char *password);

/* Open a store as the fixture says and close it again; the status, the reason in f->err. */
int server_try_open(struct fixture *f);

/* The rows of a query in any SQL back-end, "a|b\nc|d"; NULL as "NULL". Valid until the next call.
 */
const char *ask(struct fixture *f, const char *sql);

/* ---- cases ---- */

/* Run with a store that is open in the common database, emptied before. */
void run_on_server(const struct back_end *server, void (*run)(struct fixture *f));
/* Run with a new database and no store: fixture_reopen opens it. */
void run_alone(const struct back_end *server, void (*run)(struct fixture *f));

/* Only registered when the server is given. */
#define SERVER_TEST(kind, case_name, run_case)                                                     \
    static void kind##_##case_name(void)                                                           \
    {                                                                                              \
        run_case(&back_end_##kind, server_##case_name);                                            \
    }                                                                                              \
    __attribute__((constructor)) static void register_##kind##_##case_name(void)                   \
    {                                                                                              \
        static struct test test = {.name = #kind "_" #case_name, .run = kind##_##case_name};       \
        if (server_is_given(&back_end_##kind))                                                     \
            test_register(&test);                                                                  \
    }
#define SERVERS_WITH(case_name, run_case)                                                          \
    static void server_##case_name(struct fixture *f);                                             \
    SERVER_TEST(mariadb, case_name, run_case)                                                      \
    SERVER_TEST(postgres, case_name, run_case)                                                     \
    static void server_##case_name(struct fixture *f)

/* A case for servers alone, in the common database … */
#define SERVERS(case_name) SERVERS_WITH(case_name, run_on_server)
/* … and in one of its own, which may be spoilt. */
#define SERVERS_ALONE(case_name) SERVERS_WITH(case_name, run_alone)

#endif
