#include "support.h"

#include <float.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "canaries.h"

/* ---- servers ---- */

static bool ask(const char *request, char *answer, size_t capacity)
{
    static FILE *to, *from;
    if (!to) {
        int fds[2];
        const char *desk = getenv("CCDATA_TEST_DESK");
        char *rest = NULL;
        fds[0] = desk ? (int)strtol(desk, &rest, 10) : -1;
        fds[1] = desk ? (int)strtol(rest, NULL, 10) : -1;
        to = fdopen(fds[0], "w");
        from = fdopen(fds[1], "r");
    }
    if (!to || !from || fprintf(to, "%s\n", request) < 0 || fflush(to) != 0 ||
        !fgets(answer, (int)capacity, from)) {
        fprintf(stderr, "nobody answers at the desk: start with run.py\n");
        exit(1);
    }
    answer[strcspn(answer, "\n")] = '\0';
    if (strncmp(answer, "ok", 2) == 0)
        return true;
    fprintf(stderr, "%s: %s\n", request, answer);
    return false;
}

static char *next_word(char **rest)
{
    char *word = *rest;
    size_t len = strcspn(word, "\t");
    *rest = word[len] ? word + len + 1 : word + len;
    word[len] = '\0';
    return word;
}

bool server_start(struct server *out, const char *words)
{
    char request[1024], answer[1024];
    *out = (struct server){.id = -1};
    str_print(request, sizeof(request), "start%s%s", words[0] ? "\t" : "", words);
    if (!CHECK(ask(request, answer, sizeof(answer))))
        return false;
    char *rest = answer;
    next_word(&rest);
    out->id = (int)strtol(next_word(&rest), NULL, 10);
    out->port = (int)strtol(next_word(&rest), NULL, 10);
    str_copy(out->socket, sizeof(out->socket), str_from(next_word(&rest)));
    str_copy(out->folder, sizeof(out->folder), str_from(next_word(&rest)));
    out->pid = (int)strtol(next_word(&rest), NULL, 10);
    return true;
}

bool server_do(struct server *s, const char *verb)
{
    char request[64], answer[1024];
    str_print(request, sizeof(request), "%s\t%d", verb, s->id);
    return ask(request, answer, sizeof(answer));
}

bool server_restart(struct server *s, const char *options)
{
    char request[1024], answer[1024];
    str_print(request, sizeof(request), "restart\t%d%s%s", s->id, options[0] ? "\t" : "", options);
    return CHECK(ask(request, answer, sizeof(answer)));
}

bool server_sql(const struct server *s, const char *sql, char *answer, size_t capacity)
{
    static char request[ANSWER_BYTES], own[ANSWER_BYTES];
    str_print(request, sizeof(request), "sql\t%d\t%s", s->id, sql);
    if (!ask(request, own, sizeof(own)))
        return false;
    char *rest = own;
    next_word(&rest);
    return !answer || str_copy(answer, capacity, str_from(rest));
}

struct server *server_shared(void)
{
    static struct server shared = {.id = -1};
    if (shared.id < 0)
        server_start(&shared, "--local-infile=1");
    return &shared;
}

/* ---- connections ---- */

static void target_common(struct sql_target *t)
{
    *t = (struct sql_target){.intent = SQL_WRITES,
                             .busy_timeout_ms = 1000,
                             .connect_timeout_ms = 5000,
                             .batch_rows = 2000,
                             .settle_s = 360};
    str_copy(t->name, sizeof(t->name), STR("ccdata@test/ccdata_test"));
    str_copy(t->url.scheme, sizeof(t->url.scheme), STR("mariadb"));
    str_copy(t->url.user, sizeof(t->url.user), STR("ccdata"));
    str_copy(t->url.password, sizeof(t->url.password), STR(DATABASE_PASSWORD));
    t->url.has_password = true;
    str_copy(t->url.database, sizeof(t->url.database), STR("ccdata_test"));
    t->url.host_count = 1;
    t->url.ssl_mode = SSL_MODE_PREFERRED;
}

void target_init(struct sql_target *t, const struct server *s)
{
    target_common(t);
    str_copy(t->url.hosts[0].name, sizeof(t->url.hosts[0].name), STR("127.0.0.1"));
    t->url.hosts[0].port = (uint16_t)s->port;
}

void target_socket(struct sql_target *t, const struct server *s)
{
    target_common(t);
    str_copy(t->url.hosts[0].name, sizeof(t->url.hosts[0].name), str_from(s->socket));
}

int connect_status(const struct sql_target *t, struct ccd_error *err)
{
    struct sql_connection *c = NULL;
    bool missing = true;
    error_clear(err);
    int status = sql_driver_mysql.open(t, &c, &missing, err);
    CHECK(!missing);
    CHECK((status == CCD_OK) == (c != NULL));
    CHECK_INT(status, err->status);
    sql_driver_mysql.close(c);
    return status;
}

struct sql_connection *connect_ok(const struct sql_target *t)
{
    struct sql_connection *c = NULL;
    bool missing;
    struct ccd_error err = {0};
    if (!CHECK_INT(CCD_OK, sql_driver_mysql.open(t, &c, &missing, &err)))
        fprintf(stderr, "    %s\n", err.message);
    return c;
}

int run_sql(struct sql_connection *c, const char *sql, struct ccd_error *err)
{
    error_clear(err);
    return c->driver->run(c, &(struct sql_call){.doing = "test", .sql = sql, .once = true}, err);
}

static int keep_first(void *user, const struct value *values, size_t count, struct ccd_error *err)
{
    (void)err;
    struct value *out = user;
    if (count > 0 && out->kind == VALUE_NULL && values[0].kind == VALUE_I64)
        *out = values[0];
    return SQL_ENOUGH;
}

int64_t read_i64(struct sql_connection *c, const char *sql)
{
    struct value first = value_null();
    struct ccd_error err = {0};
    int status = c->driver->run(
        c,
        &(struct sql_call){
            .doing = "test", .sql = sql, .sink = {.row = keep_first, .user = &first}, .once = true},
        &err);
    if (!CHECK_INT(CCD_OK, status))
        fprintf(stderr, "    %s\n", err.message);
    return first.kind == VALUE_I64 ? first.i64 : INT64_MIN;
}

struct text_out {
    char *out;
    size_t capacity;
    bool found;
};

static int keep_text(void *user, const struct value *values, size_t count, struct ccd_error *err)
{
    (void)err;
    struct text_out *t = user;
    if (count > 0 && values[0].kind == VALUE_TEXT)
        t->found = str_copy(t->out, t->capacity, values[0].text);
    return SQL_ENOUGH;
}

bool read_text(struct sql_connection *c, const char *sql, char *out, size_t capacity)
{
    struct text_out t = {out, capacity, false};
    struct ccd_error err = {0};
    int status = c->driver->run(
        c,
        &(struct sql_call){
            .doing = "test", .sql = sql, .sink = {.row = keep_text, .user = &t}, .once = true},
        &err);
    return status == CCD_OK && t.found;
}

/* ---- rows ---- */

static const struct column probe_columns[] = {
    [PROBE_TS] = {.name = "ts", .key = "TIMESTAMP", .kind = COLUMN_UTC_S, .flags = COLUMN_TS},
    [PROBE_I64] = {.name = "whole", .key = "I", .kind = COLUMN_I64},
    [PROBE_F64] = {.name = "real_number", .key = "F", .kind = COLUMN_F64},
    [PROBE_TEXT] = {.name = "words", .key = "T", .kind = COLUMN_TEXT},
    [PROBE_BOOL] = {.name = "flag", .key = "B", .kind = COLUMN_BOOL},
    [PROBE_UTC_S] = {.name = "moment", .key = "U", .kind = COLUMN_UTC_S},
};
const struct data_type probe_type = {
    .name = "probe", .shape = SHAPE_CANDLES, .columns = probe_columns, .column_count = 6};

const struct way ways[3] = {
    {"arrays", 0},
    {"load", MYSQL_PATH_ARRAYS},
    {"text", MYSQL_PATH_ARRAYS | MYSQL_PATH_LOAD},
};

void probe_page_init(struct probe_page *p, const struct data_type *type, size_t capacity)
{
    *p = (struct probe_page){.names = {.series_id = 4503599627370497}};
    struct ccd_error err;
    CHECK_INT(CCD_OK, batch_init(&p->batch, type, capacity, 64 << 20, NULL, &err));
    p->page = (struct store_page){.type = type,
                                  .interval = INTERVAL_1D,
                                  .series = &p->names,
                                  .batch = &p->batch,
                                  .collected_utc_s = 1700000000};
}

void probe_page_release(struct probe_page *p)
{
    batch_release(&p->batch);
}

size_t probe_row(struct probe_page *p, int64_t ts)
{
    size_t row = p->batch.row_count++;
    batch_set_i64(&p->batch, row, (size_t)data_type_column_flagged(p->batch.type, COLUMN_TS), ts);
    p->rows[row] = (uint32_t)row;
    return row;
}

static void add_integers(struct probe_page *p, int64_t *ts)
{
    static const int64_t values[] = {
        0, 1, -1, INT64_MAX, INT64_MIN, INT64_MIN + 1, 9007199254740993, 4294967296, -2147483649};
    for (size_t i = 0; i < sizeof(values) / sizeof(values[0]); i++) {
        size_t row = probe_row(p, *ts += 86400);
        batch_set_i64(&p->batch, row, PROBE_I64, values[i]);
        batch_set_i64(&p->batch, row, PROBE_UTC_S, values[i]);
        batch_set_i64(&p->batch, row, PROBE_BOOL, (int64_t)(i & 1));
    }
}

static void add_doubles(struct probe_page *p, int64_t *ts)
{
    static const double values[] = {0.0,
                                    -0.0,
                                    1.0,
                                    -1.0,
                                    0.1,
                                    0.1 + 0.2,
                                    DBL_MAX,
                                    -DBL_MAX,
                                    DBL_MIN,
                                    4.9406564584124654e-324,
                                    -4.9406564584124654e-324,
                                    2.2250738585072011e-308,
                                    1e21,
                                    -1e21,
                                    1e22,
                                    1e23,
                                    123456789012345680.0,
                                    9007199254740993.0,
                                    0.30000000000000004,
                                    1.7976931348623155e308,
                                    5e-7,
                                    1e-7,
                                    1e-8,
                                    67890.12,
                                    1234567.1234567,
                                    3.0000000000000004,
                                    100.0,
                                    1e15,
                                    9999999999999998.0,
                                    0.000001,
                                    1.5e-310,
                                    43215.6543210987};
    for (size_t i = 0; i < sizeof(values) / sizeof(values[0]); i++)
        batch_set_f64(&p->batch, probe_row(p, *ts += 86400), PROBE_F64, values[i]);
    struct rng random = {12345};
    for (size_t i = 0; i < 300; i++) {
        double value;
        uint64_t bits = rng_next(&random);
        memcpy(&value, &bits, sizeof(value));
        if (i % 3 == 1)
            value = (double)(int64_t)(bits >> 12) / 1e9;
        if (i % 3 == 2)
            value = (double)(int64_t)(bits >> 40) / 1e4;
        if (isfinite(value))
            batch_set_f64(&p->batch, probe_row(p, *ts += 86400), PROBE_F64, value);
    }
}

static void add_texts(struct probe_page *p, int64_t *ts)
{
    static const char *const values[] = {
        "",
        "a",
        "tab\there",
        "line\nbreak",
        "cr\rlf\r\n",
        "back\\slash",
        "\\N",
        "\\",
        "quote'quote",
        "double\"quote",
        "`",
        "%_",
        "trailing  ",
        "  leading",
        "\x1a\x01\x1f\x7f",
        "\b\f\v",
        "\xf0\x9f\x98\x80",
        "\xf0\x9f\x92\xa9\xf0\x9f\x87\xa6",
        "\xc3\xbc\xc3\x9f\xe2\x82\xac",
        "\xef\xbb\xbfmark",
        "NULL",
        "N",
        "null",
        "--",
        "/* */",
        ";",
        "?1",
        "'; DROP TABLE x; --",
        "a\\tb",
        "\\'",
        "e\xcc\x81",
        "\xe2\x80\xae",
        "1e5",
        "-0",
        " ",
        "\t",
        "\n",
        "\\n",
        "\xef\xbf\xbf",
    };
    for (size_t i = 0; i < sizeof(values) / sizeof(values[0]); i++)
        batch_set_text(&p->batch, probe_row(p, *ts += 86400), PROBE_TEXT, str_from(values[i]));
    batch_set_text(&p->batch, probe_row(p, *ts += 86400), PROBE_TEXT,
                   (struct str){"nul\0inside\0", 11});
    static char longer[70000];
    memset(longer, 'x', sizeof(longer));
    longer[300] = '\\';
    longer[301] = '\n';
    for (size_t len = 250; len < sizeof(longer); len = len * 3 + 1)
        batch_set_text(&p->batch, probe_row(p, *ts += 86400), PROBE_TEXT,
                       (struct str){longer, len});
}

void probe_fill_extremes(struct probe_page *p)
{
    int64_t ts = 1600000000 / 86400 * 86400;
    batch_clear(&p->batch);
    static const int64_t moments[] = {-62135596800, -2208988800, -86400,     -1,          0, 1,
                                      2147483647,   2147483648,  4102444800, 253402300799};
    for (size_t i = 0; i < sizeof(moments) / sizeof(moments[0]); i++)
        probe_row(p, moments[i]); /* all other cells NULL */
    add_integers(p, &ts);
    add_doubles(p, &ts);
    add_texts(p, &ts);
}

int probe_insert(struct sql_connection *c, struct probe_page *p, struct ccd_error *err)
{
    const struct sql_fact_rows rows = {&p->page, p->rows, p->batch.row_count};
    error_clear(err);
    return c->driver->insert_rows(c, &rows, err);
}

static const char *type_word(enum column_kind kind)
{
    return kind == COLUMN_F64    ? "DOUBLE"
           : kind == COLUMN_TEXT ? "LONGTEXT CHARACTER SET utf8mb4 COLLATE utf8mb4_bin"
           : kind == COLUMN_BOOL ? "TINYINT"
                                 : "BIGINT";
}

bool probe_table(struct sql_connection *c, const struct data_type *type)
{
    char name[64], sql[8192];
    struct ccd_error err;
    store_fact_name(type, INTERVAL_1D, name, sizeof(name));
    str_print(sql, sizeof(sql), "DROP TABLE IF EXISTS %s", name);
    if (!CHECK_INT(CCD_OK, run_sql(c, sql, &err)))
        return false;
    struct buf text;
    buf_init(&text, sizeof(sql), NULL);
    buf_printf(&text, "CREATE TABLE %s (series_id BIGINT NOT NULL, ts DATETIME NOT NULL", name);
    for (size_t i = 0; i < type->column_count; i++)
        if (column_is_fact(&type->columns[i]))
            buf_printf(&text, ", `%s` %s NULL", type->columns[i].name,
                       type_word(type->columns[i].kind));
    buf_add_text(&text, ", collected_at DATETIME NOT NULL, PRIMARY KEY (series_id, ts))"
                        " ENGINE=InnoDB");
    bool ok = CHECK_INT(CCD_OK, run_sql(c, text.data, &err));
    if (!ok)
        fprintf(stderr, "    %s\n", err.message);
    buf_release(&text);
    return ok;
}

/* ---- comparing ---- */

struct comparison {
    const struct probe_page *page;
    size_t rows;
    size_t wrong;
};

static size_t row_of(const struct probe_page *p, int64_t ts)
{
    size_t column = (size_t)data_type_column_flagged(p->batch.type, COLUMN_TS);
    for (size_t i = 0; i < p->batch.row_count; i++)
        if (batch_cell(&p->batch, i, column)->i64 == ts)
            return i;
    return SIZE_MAX;
}

void stored_form(struct value *value)
{
    if (value->kind == VALUE_F64 && value->f64 == 0)
        value->f64 = 0;
}

static int compare_row(void *user, const struct value *values, size_t count, struct ccd_error *err)
{
    struct comparison *k = user;
    const struct data_type *type = k->page->batch.type;
    (void)err;
    k->rows++;
    size_t row = row_of(k->page, values[0].i64);
    if (!CHECK(row != SIZE_MAX))
        return CCD_OK;
    size_t at = 1;
    for (size_t i = 0; i < type->column_count; i++) {
        if (!column_is_fact(&type->columns[i]))
            continue;
        struct value given = value_of_cell(&k->page->batch, row, i);
        stored_form(&given);
        if (!value_equal(&given, &values[at])) {
            k->wrong++;
            fprintf(stderr, "    row %zu, %s: kind %d for %d, %a for %a, \"" STR_FMT "\"\n", row,
                    type->columns[i].name, values[at].kind, given.kind, values[at].f64, given.f64,
                    values[at].kind == VALUE_TEXT ? (int)values[at].text.len : 0,
                    values[at].kind == VALUE_TEXT ? values[at].text.ptr : "");
        }
        at++;
    }
    CHECK_INT(page_collected_utc_s(&k->page->page, row), values[at].i64);
    CHECK_INT(at + 1, count);
    return CCD_OK;
}

bool probe_compare(struct sql_connection *c, const struct probe_page *p)
{
    const struct data_type *type = p->batch.type;
    static const char seconds[] = "TIMESTAMPDIFF(SECOND, '1970-01-01 00:00:00', ";
    char name[64];
    struct comparison k = {.page = p};
    struct buf sql;
    struct ccd_error err = {0};
    store_fact_name(type, INTERVAL_1D, name, sizeof(name));
    buf_init(&sql, 8192, NULL);
    buf_printf(&sql, "SELECT %sts)", seconds);
    for (size_t i = 0; i < type->column_count; i++)
        if (column_is_fact(&type->columns[i]))
            buf_printf(&sql, ", `%s`", type->columns[i].name);
    buf_printf(&sql, ", %scollected_at) FROM %s WHERE series_id = ?1 ORDER BY ts", seconds, name);
    const struct value id = value_i64(p->names.series_id);
    int status = c->driver->run(c,
                                &(struct sql_call){.doing = "test",
                                                   .sql = sql.data,
                                                   .parameters = &id,
                                                   .parameter_count = 1,
                                                   .sink = {.row = compare_row, .user = &k}},
                                &err);
    if (!CHECK_INT(CCD_OK, status))
        fprintf(stderr, "    %s\n", err.message);
    buf_release(&sql);
    return CHECK_INT(p->batch.row_count, k.rows) && CHECK_INT(0, k.wrong);
}
