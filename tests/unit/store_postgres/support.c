#include "support.h"

#include <float.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "canaries.h"

static _Noreturn void give_up(const char *what, const char *why)
{
    fprintf(stderr, "%s: %s\n", what, why);
    exit(1);
}

/* ---- servers ---- */

struct server server_named(const char *name)
{
    char variable[64];
    struct server s = {0};
    str_print(variable, sizeof(variable), "CCDATA_TEST_PG_%s", name);
    for (char *c = variable; *c; c++)
        *c = *c >= 'a' && *c <= 'z' ? (char)(*c - 'a' + 'A') : *c;
    const char *value = getenv(variable);
    char *rest = NULL;
    if (!value)
        give_up(name, "no such server: start with run.py");
    s.port = (uint16_t)strtol(value, &rest, 10);
    str_copy(s.folder, sizeof(s.folder), str_from(rest + 1));
    return s;
}

bool desk(const char *request)
{
    static FILE *to, *from;
    char answer[512];
    if (!to) {
        const char *value = getenv("CCDATA_TEST_DESK");
        char *rest = NULL;
        to = value ? fdopen((int)strtol(value, &rest, 10), "w") : NULL;
        from = value ? fdopen((int)strtol(rest, NULL, 10), "r") : NULL;
    }
    if (!to || !from || fprintf(to, "%s\n", request) < 0 || fflush(to) != 0 ||
        !fgets(answer, sizeof(answer), from))
        give_up(request, "nobody answers: start with run.py");
    answer[strcspn(answer, "\n")] = '\0';
    return CHECK_TEXT("ok", answer);
}

/* ---- connections ---- */

void target_host(struct sql_target *t, size_t index, const char *host, uint16_t port)
{
    str_copy(t->url.hosts[index].name, sizeof(t->url.hosts[index].name), str_from(host));
    t->url.hosts[index].port = port;
    if (index >= t->url.host_count)
        t->url.host_count = index + 1;
}

static struct sql_target target_as(const char *server, const char *user, const char *password)
{
    struct sql_target t = {
        .name = "ccdata@test/ccdata_test",
        .intent = SQL_WRITES,
        .busy_timeout_ms = 2000,
        .connect_timeout_ms = 10000,
        .batch_rows = STORE_ROWS_MAX,
        .url = {.scheme = "postgresql",
                .has_password = true,
                .database = "ccdata_test",
                .ssl_mode = SSL_MODE_DISABLED},
    };
    str_copy(t.url.user, sizeof(t.url.user), str_from(user));
    str_copy(t.url.password, sizeof(t.url.password), str_from(password));
    target_host(&t, 0, "127.0.0.1", server_named(server).port);
    return t;
}

struct sql_target target_of(const char *server)
{
    return target_as(server, "ccdata", DATABASE_PASSWORD);
}

struct sql_target admin_of(const char *server)
{
    return target_as(server, "ccdata_admin", ADMIN_PASSWORD);
}

struct postgres *connect_to(const struct sql_target *t)
{
    struct sql_connection *c = NULL;
    struct ccd_error err = {0};
    bool missing = true;
    if (sql_driver_postgres.open(t, &c, &missing, &err) != CCD_OK || missing || !c)
        give_up("connecting", err.message);
    return postgres_of(c);
}

int try_connect(const struct sql_target *t, struct ccd_error *err)
{
    struct sql_connection *c = NULL;
    bool missing = true;
    *err = (struct ccd_error){0};
    int status = sql_driver_postgres.open(t, &c, &missing, err);
    CHECK(!missing && (status == CCD_OK) == (c != NULL));
    CHECK(!strstr(err->message, "secret") && !strstr(err->message, "wrong-one"));
    sql_driver_postgres.close(c);
    return status;
}

void disconnect_from(struct postgres *c)
{
    sql_driver_postgres.close(c ? &c->base : NULL);
}

bool check_error(const struct ccd_error *err, enum ccd_status status, const char *part)
{
    bool right = CHECK_INT(status, err->status) & CHECK(strstr(err->message, part) != NULL);
    if (!right)
        fprintf(stderr, "    %s: %s\n", ccd_status_name(err->status), err->message);
    return right;
}

int run(struct postgres *c, const char *sql, struct ccd_error *err)
{
    struct sql_call call = {.doing = "test", .sql = sql, .once = true};
    *err = (struct ccd_error){0};
    return sql_driver_postgres.run(&c->base, &call, err);
}

bool run_ok(struct postgres *c, const char *sql)
{
    struct ccd_error err;
    bool ok = CHECK_INT(CCD_OK, run(c, sql, &err));
    if (!ok)
        fprintf(stderr, "    %s\n", err.message);
    return ok;
}

bool run_admin(const char *server, const char *sql)
{
    struct sql_target t = admin_of(server);
    struct postgres *c = connect_to(&t);
    bool ok = run_ok(c, sql);
    disconnect_from(c);
    return ok;
}

static int add_row(void *user, const struct value *values, size_t count, struct ccd_error *err)
{
    struct buf *out = user;
    (void)err;
    for (size_t i = 0; i < count && out->len < 4000; i++) {
        char number[32];
        buf_add_text(out, i > 0 ? "|" : "");
        switch (values[i].kind) {
        case VALUE_NULL:
            buf_add_text(out, "NULL");
            break;
        case VALUE_I64:
            buf_printf(out, "%lld", (long long)values[i].i64);
            break;
        case VALUE_F64:
            buf_add(out, number, str_format_f64(number, values[i].f64));
            buf_add_char(out, 'f');
            break;
        case VALUE_TEXT:
            buf_printf(out, "'" STR_FMT "'", STR_ARG(values[i].text));
            break;
        }
    }
    return SQL_ENOUGH;
}

const char *row_of(struct postgres *c, const char *sql, bool once)
{
    static char answer[8192];
    struct ccd_error err = {0};
    struct buf out;
    buf_init(&out, sizeof(answer), NULL);
    struct sql_call call = {
        .doing = "test", .sql = sql, .sink = {.row = add_row, .user = &out}, .once = once};
    int status = sql_driver_postgres.run(&c->base, &call, &err);
    str_copy(answer, sizeof(answer), status == CCD_OK ? buf_str(&out) : str_from(err.message));
    buf_release(&out);
    return answer;
}

/* ---- values ---- */

const char *const awkward_texts[] = {
    "",
    " ",
    "  both  ",
    "tab\tline\nreturn\r\n",
    "back\\slash \\N \\. \\n \\x41",
    "'quote' ''twice''",
    "\"double\"",
    "$1 $$ ?1 %s %n {1,2} [a]",
    "NULL",
    "\x01\x02\x07\x08\x1b\x7f",
    "ümläut ß ñ ł",
    "日本語 한국어 العربية עברית",
    "😀 👩‍👩‍👧 🏴‍☠️",
    "\xf4\x8f\xbf\xbf \xef\xbf\xbf \xef\xbb\xbf bom",
    "e\xcc\x81 is not \xc3\xa9",
    "'; DROP TABLE fact_probe_1d; --",
};
const size_t awkward_text_count = sizeof(awkward_texts) / sizeof(awkward_texts[0]);

const double awkward_doubles[] = {
    0.0,
    -0.0,
    1,
    -1,
    0.1,
    0.1 + 0.2,
    1.0 / 3,
    DBL_MAX,
    -DBL_MAX,
    DBL_MIN,
    -DBL_MIN,
    4.9406564584124654e-324,
    -4.9406564584124654e-324,
    2.2250738585072009e-308,
    DBL_EPSILON,
    1e21,
    1e22,
    1e23,
    9007199254740991.0,
    9007199254740993.0,
    -9007199254740992.0,
    123456789012345678.0,
    5e-7,
    67890.123456789,
    1.7976931348623155e308,
};
const size_t awkward_double_count = sizeof(awkward_doubles) / sizeof(awkward_doubles[0]);

const int64_t awkward_integers[] = {
    0,
    1,
    -1,
    INT64_MAX,
    INT64_MIN,
    INT64_MAX - 1,
    INT64_MIN + 1,
    9007199254740993,
    4294967296,
    -2147483649,
};
const size_t awkward_integer_count = sizeof(awkward_integers) / sizeof(awkward_integers[0]);

/* ---- rows ---- */

static const struct column probe_columns[] = {
    [PROBE_TS] = {.name = "ts", .kind = COLUMN_UTC_S, .flags = COLUMN_TS},
    [PROBE_WHOLE] = {.name = "whole", .kind = COLUMN_I64},
    [PROBE_SHARE] = {.name = "share", .kind = COLUMN_F64},
    [PROBE_WORDS] = {.name = "words", .kind = COLUMN_TEXT},
    [PROBE_YES] = {.name = "yes", .kind = COLUMN_BOOL},
    [PROBE_MOMENT] = {.name = "moment", .kind = COLUMN_UTC_S},
};
const struct data_type probe_type = {
    .name = "probe", .shape = SHAPE_CANDLES, .columns = probe_columns, .column_count = 6};

void probe_init(struct probe *p, size_t capacity)
{
    *p = (struct probe){.names = {.series_id = 4503599627370497}};
    if (batch_init(&p->batch, &probe_type, capacity, 64 << 20, NULL, NULL) != CCD_OK)
        give_up("a page", "no memory");
    p->page = (struct store_page){
        .type = &probe_type,
        .interval = INTERVAL_1D,
        .series = &p->names,
        .batch = &p->batch,
        .collected_utc_s = 1700000001,
    };
}

void probe_release(struct probe *p)
{
    batch_release(&p->batch);
}

size_t probe_row(struct probe *p, int64_t ts)
{
    size_t row = p->batch.row_count++;
    batch_set_i64(&p->batch, row, PROBE_TS, ts);
    p->rows[row] = (uint32_t)row;
    return row;
}

int probe_insert(struct postgres *c, const struct probe *p, struct ccd_error *err)
{
    const struct sql_fact_rows rows = {&p->page, p->rows, p->batch.row_count};
    *err = (struct ccd_error){0};
    return sql_driver_postgres.insert_rows(&c->base, &rows, err);
}

bool probe_table(struct postgres *c, const struct data_type *type, enum interval interval)
{
    static const enum ddl_type no_type = DDL_TYPE_COUNT;
    const struct dialect *d = c->base.dialect;
    char fact[64];
    struct buf sql;
    store_fact_name(type, interval, fact, sizeof(fact));
    buf_init(&sql, 1 << 16, NULL);
    buf_printf(&sql,
               "DROP TABLE IF EXISTS %s CASCADE; CREATE TABLE %s (series_id bigint NOT NULL,"
               " ts timestamptz NOT NULL",
               fact, fact);
    for (size_t i = 0; i < type->column_count; i++) {
        enum ddl_type kind = column_is_fact(&type->columns[i]) ? ddl_type_of(type->columns[i].kind)
                                                               : no_type;
        if (kind != no_type)
            buf_printf(&sql, ", %s %s", type->columns[i].name, d->types[kind].declared);
    }
    buf_add_text(&sql, ", collected_at timestamptz NOT NULL, PRIMARY KEY (series_id, ts))");
    bool ok = CHECK(!sql.failed) && run_ok(c, sql.data);
    buf_release(&sql);
    return ok;
}

struct comparison {
    const struct probe *probe;
    size_t row;
};

/* ts, values …, collected_at. */
static int compare_row(void *user, const struct value *values, size_t count, struct ccd_error *err)
{
    struct comparison *k = user;
    const struct batch *b = &k->probe->batch;
    (void)err;
    if (!CHECK(k->row < b->row_count) || !CHECK_INT(b->type->column_count + 1, count))
        return SQL_ENOUGH;
    for (size_t i = 0; i < b->type->column_count; i++) {
        struct value expected = value_of_cell(b, k->row, i);
        if (!CHECK(value_equal(&expected, &values[i])))
            fprintf(stderr, "    row %zu, %s\n", k->row, b->type->columns[i].name);
    }
    CHECK_INT(k->probe->page.collected_utc_s, values[count - 1].i64);
    k->row++;
    return CCD_OK;
}

bool probe_is_stored(struct postgres *c, const struct probe *p)
{
    struct comparison k = {.probe = p};
    struct ccd_error err = {0};
    struct sql_call call = {
        .doing = "test",
        .sql = "SELECT CAST(EXTRACT(EPOCH FROM ts) AS bigint), whole, share, words, yes, moment,"
               " CAST(EXTRACT(EPOCH FROM collected_at) AS bigint) FROM fact_probe_1d ORDER BY ts",
        .sink = {.row = compare_row, .user = &k},
    };
    if (!CHECK_INT(CCD_OK, sql_driver_postgres.run(&c->base, &call, &err)))
        fprintf(stderr, "    %s\n", err.message);
    return CHECK_INT(p->batch.row_count, k.row);
}
