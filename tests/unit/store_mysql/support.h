/* What the tests of the MySQL-family driver share: private servers, a data type with every kind of
 * column, connections, rows. */
#ifndef TESTS_UNIT_STORE_MYSQL_SUPPORT_H
#define TESTS_UNIT_STORE_MYSQL_SUPPORT_H

#include "base/hash.h"
#include "store/mysql/internal.h"
#include "test.h"

enum { ANSWER_BYTES = 64 * 1024 };

/* ---- servers ---- */

struct server {
    int id;
    int port;
    int pid;
    char socket[256];
    char folder[256];
};

/* Words as run.py takes them, separated by tabs. Skips nothing: a server that does not start fails
 * the test. */
bool server_start(struct server *out, const char *words);
/* "kill", "freeze", "thaw", "stop". */
bool server_do(struct server *s, const char *verb);
bool server_restart(struct server *s, const char *options);
/* As the administrator; false when it fails. answer: rows by tabs, NULL = not wanted. */
bool server_sql(const struct server *s, const char *sql, char *answer, size_t capacity);
/* One server for all tests that leave it as it was; started once. */
struct server *server_shared(void);

/* ---- connections ---- */

/* Over TCP as the ordinary user. */
void target_init(struct sql_target *t, const struct server *s);
void target_socket(struct sql_target *t, const struct server *s);
/* Opens; a failed check and NULL when that fails. */
struct sql_connection *connect_ok(const struct sql_target *t);
/* The status of an attempt; the message in err. */
int connect_status(const struct sql_target *t, struct ccd_error *err);
int run_sql(struct sql_connection *c, const char *sql, struct ccd_error *err);
/* The first value of the first row. */
int64_t read_i64(struct sql_connection *c, const char *sql);
bool read_text(struct sql_connection *c, const char *sql, char *out, size_t capacity);

/* ---- rows ---- */

extern const struct data_type probe_type; /* fact_probe_1d: i64, f64, text, bool, utc_s */
enum { PROBE_TS, PROBE_I64, PROBE_F64, PROBE_TEXT, PROBE_BOOL, PROBE_UTC_S };

struct probe_page {
    struct batch batch;
    struct series_names names;
    struct store_page page;
    uint32_t rows[STORE_ROWS_MAX];
};
void probe_page_init(struct probe_page *p, const struct data_type *type, size_t capacity);
void probe_page_release(struct probe_page *p);
/* Append a row with a ts; the caller fills the cells. */
size_t probe_row(struct probe_page *p, int64_t ts);
/* Rows with every extreme and every awkward text. */
void probe_fill_extremes(struct probe_page *p);
int probe_insert(struct sql_connection *c, struct probe_page *p, struct ccd_error *err);
/* Drop and create the type's fact table of one day. */
bool probe_table(struct sql_connection *c, const struct data_type *type);
/* As MariaDB keeps it: its zero has no sign. All other doubles come back bit by bit. */
void stored_form(struct value *value);
/* Every stored row equals the page's, and there are no others. */
bool probe_compare(struct sql_connection *c, const struct probe_page *p);

/* The ways of an insert, by what is switched off. */
struct way {
    const char *name;
    uint32_t disabled_paths;
};
extern const struct way ways[3];

#endif
