/* What the tests of the PostgreSQL driver share: the servers of run.py, connections, a data type
 * with every kind of column, its rows. */
#ifndef TESTS_UNIT_STORE_POSTGRES_SUPPORT_H
#define TESTS_UNIT_STORE_POSTGRES_SUPPORT_H

#include "store/postgres/internal.h"
#include "test.h"

/* ---- servers ---- */

struct server {
    uint16_t port;
    char folder[256]; /* ca.pem is there, and the socket */
};
/* By the name that run.py gives it; exits when there is none. */
struct server server_named(const char *name);
/* "kill main", "quit main", "restart main". */
bool desk(const char *request);

/* ---- connections ---- */

/* The ordinary user over TCP to 127.0.0.1, ssl-mode=disabled, for writing. */
struct sql_target target_of(const char *server);
/* The same as the administrator, who may everything. */
struct sql_target admin_of(const char *server);
void target_host(struct sql_target *t, size_t index, const char *host, uint16_t port);
/* Opens; a failed check and exit when that fails. */
struct postgres *connect_to(const struct sql_target *t);
/* The status of an attempt to open; the message in err. */
int try_connect(const struct sql_target *t, struct ccd_error *err);
void disconnect_from(struct postgres *c);
/* Status and message of the error at once; the connection's state too. */
bool check_error(const struct ccd_error *err, enum ccd_status status, const char *part);

/* Run a text once, without rows. */
int run(struct postgres *c, const char *sql, struct ccd_error *err);
bool run_ok(struct postgres *c, const char *sql);
/* As the administrator of a server, in its test database. */
bool run_admin(const char *server, const char *sql);
/* The first row, "a|b", NULL as "NULL"; valid until the next call. Prepared unless once. */
const char *row_of(struct postgres *c, const char *sql, bool once);
#define CHECK_ROW(expected, c, sql) CHECK_TEXT((expected), row_of((c), (sql), false))

/* ---- rows ---- */

/* fact_probe_1d: whole, share, words, yes, moment. */
extern const struct data_type probe_type;
enum { PROBE_TS, PROBE_WHOLE, PROBE_SHARE, PROBE_WORDS, PROBE_YES, PROBE_MOMENT };

struct probe {
    struct batch batch;
    struct series_names names;
    struct store_page page;
    uint32_t rows[STORE_ROWS_MAX];
};
void probe_init(struct probe *p, size_t capacity);
void probe_release(struct probe *p);
/* Append a row, all NULL but its ts; returns its number. */
size_t probe_row(struct probe *p, int64_t ts);
int probe_insert(struct postgres *c, const struct probe *p, struct ccd_error *err);
/* Make the type's fact table anew. */
bool probe_table(struct postgres *c, const struct data_type *type, enum interval interval);
/* Check that the table holds exactly the probe's rows. */
bool probe_is_stored(struct postgres *c, const struct probe *p);

extern const char *const awkward_texts[];
extern const size_t awkward_text_count;
extern const double awkward_doubles[];
extern const size_t awkward_double_count;
extern const int64_t awkward_integers[];
extern const size_t awkward_integer_count;

#endif
