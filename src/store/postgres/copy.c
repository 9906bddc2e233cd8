/* The bulk path: COPY … FROM STDIN (FORMAT binary), straight into the fact table. The form of a row
 * is in PostgreSQL's documentation of COPY: the number of fields, then for each its length (-1 =
 * NULL) and its bytes, big endian. */
#include <endian.h>
#include <inttypes.h>
#include <string.h>

#include "store/fates.h"
#include "store/postgres/internal.h"

enum {
    PIECE_BYTES = 128 * 1024, /* what is handed to libpq at once */
    WORD_FIELD_BYTES = 12,
    FLAG_FIELD_BYTES = 5,
    LENGTH_BYTES = 4,
    OWN_FIELDS = 3, /* series_id, ts, collected_at */
};

static const char doing[] = "write rows to";
/* PostgreSQL counts microseconds from 2000-01-01 UTC. */
static const int64_t epoch_utc_s = 946684800;

/* Columns of the batch by the size of their fields. COPY takes them in any order, so those of eight
 * bytes come first and a row is written without asking for each column's kind. */
struct layout {
    const struct batch *batch;
    size_t ts;
    size_t words[COLUMN_MAX], word_count;
    size_t flags[COLUMN_MAX], flag_count;
    size_t texts[COLUMN_MAX], text_count;
};

static void lay_out(struct layout *l, const struct batch *b)
{
    *l = (struct layout){.batch = b};
    l->ts = (size_t)data_type_column_flagged(b->type, COLUMN_TS);
    for (size_t i = 0; i < b->type->column_count; i++) {
        const struct column *column = &b->type->columns[i];
        if (!column_is_fact(column))
            continue;
        if (column->kind == COLUMN_TEXT)
            l->texts[l->text_count++] = i;
        else if (column->kind == COLUMN_BOOL)
            l->flags[l->flag_count++] = i;
        else
            l->words[l->word_count++] = i;
    }
}

static size_t field_count(const struct layout *l)
{
    return OWN_FIELDS + l->word_count + l->flag_count + l->text_count;
}

/* ---- text of the statement ---- */

static void add_columns(struct buf *sql, const struct dialect *d, const struct layout *l,
                        const size_t *columns, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        buf_add_text(sql, ", ");
        identifier_add(sql, d, l->batch->type->columns[columns[i]].name);
    }
}

static int write_copy(struct postgres *c, const struct layout *l, const struct store_page *page,
                      struct ccd_error *err)
{
    char fact[64];
    if (!store_fact_name(page->type, page->interval, fact, sizeof(fact)))
        return error_set(err, CCD_INTERNAL, "%s is too long a name", page->type->name);
    buf_clear(&c->sql);
    buf_add_text(&c->sql, "COPY ");
    identifier_add(&c->sql, c->base.dialect, fact);
    buf_add_text(&c->sql, " (series_id, ts, collected_at");
    add_columns(&c->sql, c->base.dialect, l, l->words, l->word_count);
    add_columns(&c->sql, c->base.dialect, l, l->flags, l->flag_count);
    add_columns(&c->sql, c->base.dialect, l, l->texts, l->text_count);
    buf_add_text(&c->sql, ") FROM STDIN (FORMAT binary)");
    return c->sql.failed ? error_set(err, CCD_NO_MEMORY, "no memory for a statement") : CCD_OK;
}

/* ---- one row ---- */

static inline uint8_t *put_16(uint8_t *at, uint16_t value)
{
    value = htobe16(value);
    memcpy(at, &value, sizeof(value));
    return at + sizeof(value);
}

static inline uint8_t *put_32(uint8_t *at, uint32_t value)
{
    value = htobe32(value);
    memcpy(at, &value, sizeof(value));
    return at + sizeof(value);
}

static inline uint8_t *put_word(uint8_t *at, uint64_t value)
{
    at = put_32(at, sizeof(value));
    value = htobe64(value);
    memcpy(at, &value, sizeof(value));
    return at + sizeof(value);
}

/* Without a branch: NULL writes its eight bytes too, and the next field goes over them. */
static uint8_t *put_words(uint8_t *at, const struct layout *l, size_t row)
{
    const struct batch *b = l->batch;
    uint64_t present = b->present[row];
    for (size_t i = 0; i < l->word_count; i++) {
        size_t column = l->words[i];
        uint32_t has = (uint32_t)(present >> column) & 1u;
        put_32(at, 9u * has - 1u);
        uint64_t value = htobe64((uint64_t)batch_cell(b, row, column)->i64);
        memcpy(at + LENGTH_BYTES, &value, sizeof(value));
        at += LENGTH_BYTES + 8u * has;
    }
    return at;
}

static uint8_t *put_flags(uint8_t *at, const struct layout *l, size_t row)
{
    for (size_t i = 0; i < l->flag_count; i++) {
        bool has = batch_has(l->batch, row, l->flags[i]);
        at = put_32(at, has ? 1 : UINT32_MAX);
        *at = batch_cell(l->batch, row, l->flags[i])->i64 != 0;
        at += has;
    }
    return at;
}

static uint8_t *put_texts(uint8_t *at, const struct layout *l, size_t row)
{
    for (size_t i = 0; i < l->text_count; i++) {
        struct str text = batch_text(l->batch, row, l->texts[i]);
        at = put_32(at, batch_has(l->batch, row, l->texts[i]) ? (uint32_t)text.len : UINT32_MAX);
        if (text.len > 0)
            memcpy(at, text.ptr, text.len);
        at += text.len;
    }
    return at;
}

static int check_texts(const struct postgres *c, const struct layout *l, size_t row,
                       size_t *out_bytes, struct ccd_error *err)
{
    *out_bytes = 0;
    for (size_t i = 0; i < l->text_count; i++) {
        struct str text = batch_text(l->batch, row, l->texts[i]);
        if (text.len > 0 && memchr(text.ptr, '\0', text.len)) {
            return error_set(err, CCD_DATABASE_DATA,
                             "cannot %s %s: %s has a NUL byte, which PostgreSQL cannot store",
                             doing, c->base.target->name,
                             l->batch->type->columns[l->texts[i]].name);
        }
        *out_bytes += text.len;
    }
    return CCD_OK;
}

static bool to_moment(int64_t utc_s, uint64_t *out_moment)
{
    int64_t us;
    bool fits = !__builtin_sub_overflow(utc_s, epoch_utc_s, &us) &&
                !__builtin_mul_overflow(us, 1000000, &us);
    *out_moment = (uint64_t)us;
    return fits;
}

static int add_row(struct postgres *c, const struct layout *l, const struct store_page *page,
                   size_t row, struct ccd_error *err)
{
    uint64_t ts;
    uint64_t collected;
    size_t text_bytes;
    int64_t ts_s = batch_cell(l->batch, row, l->ts)->i64;
    if (!to_moment(ts_s, &ts) || !to_moment(page_collected_utc_s(page, row), &collected)) {
        return error_set(err, CCD_DATABASE_DATA, "cannot %s %s: ts %" PRId64 " is out of range",
                         doing, c->base.target->name, ts_s);
    }
    int status = check_texts(c, l, row, &text_bytes, err);
    if (status != CCD_OK)
        return status;
    size_t most = sizeof(uint16_t) + WORD_FIELD_BYTES * (OWN_FIELDS + l->word_count) +
                  FLAG_FIELD_BYTES * l->flag_count + LENGTH_BYTES * l->text_count + text_bytes;
    if (buf_reserve(&c->rows, most) != 0)
        return error_set(err, CCD_NO_MEMORY, "no memory for a row of %zu bytes", most);
    uint8_t *at = (uint8_t *)c->rows.data + c->rows.len;
    at = put_16(at, (uint16_t)field_count(l));
    at = put_word(at, (uint64_t)page->series->series_id);
    at = put_word(at, ts);
    at = put_word(at, collected);
    at = put_words(at, l, row);
    at = put_flags(at, l, row);
    at = put_texts(at, l, row);
    c->rows.len = (size_t)(at - (uint8_t *)c->rows.data);
    return CCD_OK;
}

/* ---- one statement ---- */

static int begin_copy(struct postgres *c, struct ccd_error *err)
{
    static const char header[] = "PGCOPY\n\377\r\n\0" /* signature, with its NUL */
                                 "\0\0\0\0"           /* flags */
                                 "\0\0\0\0";          /* length of the extension */
    PGresult *result = postgres_last_result(c, PQsendQuery(c->pg, c->sql.data) == 1);
    int status = PQresultStatus(result) == PGRES_COPY_IN ? CCD_OK
                                                         : postgres_error(c, result, doing, err);
    PQclear(result);
    buf_clear(&c->rows);
    if (status == CCD_OK)
        buf_add(&c->rows, header, sizeof(header) - 1);
    return status;
}

/* What cannot be sent is told by the result at the end. */
static bool send_piece(struct postgres *c)
{
    bool sent = PQputCopyData(c->pg, c->rows.data, (int)c->rows.len) == 1 && postgres_flush(c);
    buf_clear(&c->rows);
    return sent;
}

static int send_rows(struct postgres *c, const struct layout *l, const struct sql_fact_rows *rows,
                     size_t from, size_t to, struct ccd_error *err)
{
    bool sent = true;
    int status = CCD_OK;
    for (size_t i = from; i < to && status == CCD_OK && sent; i++) {
        status = add_row(c, l, rows->page, rows->rows[i], err);
        if (status == CCD_OK && c->rows.len >= PIECE_BYTES)
            sent = send_piece(c);
    }
    if (status == CCD_OK && sent) {
        uint8_t end[2];
        put_16(end, UINT16_MAX);
        buf_add(&c->rows, end, sizeof(end));
        send_piece(c);
    }
    return status;
}

static int check_count(const struct postgres *c, PGresult *result, size_t expected,
                       struct ccd_error *err)
{
    int64_t taken;
    if (str_to_i64(str_from(PQcmdTuples(result)), &taken) && taken == (int64_t)expected)
        return CCD_OK;
    return error_set(err, CCD_INTERNAL, "%s took %s of %zu rows", c->base.target->name,
                     PQcmdTuples(result), expected);
}

static int judge_copy(struct postgres *c, PGresult *result, size_t expected, struct ccd_error *err)
{
    return PQresultStatus(result) == PGRES_COMMAND_OK ? check_count(c, result, expected, err)
                                                      : postgres_error(c, result, doing, err);
}

/* End the COPY, or give it up when status says so; the first failure counts. */
static int end_copy(struct postgres *c, size_t expected, int status, struct ccd_error *err)
{
    bool answered = false;
    bool stuck = PQputCopyEnd(c->pg, status == CCD_OK ? NULL : "given up") != 1;
    for (PGresult *result; !stuck && (result = postgres_next_result(c)) != NULL; PQclear(result)) {
        answered = true;
        stuck = PQresultStatus(result) == PGRES_COPY_IN;
        if (status == CCD_OK)
            status = judge_copy(c, result, expected, err);
    }
    if (stuck || PQstatus(c->pg) == CONNECTION_BAD)
        c->base.broken = true;
    if (status == CCD_OK && (c->base.broken || !answered))
        status = postgres_error(c, NULL, doing, err);
    return status;
}

int postgres_insert_rows(struct sql_connection *connection, const struct sql_fact_rows *rows,
                         struct ccd_error *err)
{
    struct postgres *c = postgres_of(connection);
    size_t at_once = (size_t)c->base.target->batch_rows;
    struct layout layout;
    lay_out(&layout, rows->page->batch);
    int status = rows->count > 0 ? write_copy(c, &layout, rows->page, err) : CCD_OK;
    for (size_t from = 0; from < rows->count && status == CCD_OK;) {
        size_t to = rows->count - from > at_once ? from + at_once : rows->count;
        status = begin_copy(c, err);
        if (status == CCD_OK) {
            status = send_rows(c, &layout, rows, from, to, err);
            status = end_copy(c, to - from, status, err);
        }
        from = to;
    }
    return status;
}
