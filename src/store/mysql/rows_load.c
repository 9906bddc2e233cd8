/* LOAD DATA LOCAL, fed from memory. The server names the file that it wants; whatever it names, no
 * file is ever opened. With LOCAL the server is never strict: it stores what it can make of a value
 * and warns, so a warning refuses the rows. */
#include <errmsg.h>
#include <string.h>

#include "store/mysql/internal.h"

static const char doing[] = "write rows to";
static const char page_name[] = "ccdata-page";

/* ---- the library's side ---- */

static int source_open(void **out, const char *name, void *user)
{
    struct load_source *source = user;
    *out = source;
    source->refused = !source->armed || strcmp(name, page_name) != 0;
    return source->refused;
}

static int source_read(void *user, char *out, unsigned capacity)
{
    struct load_source *source = user;
    size_t len = source->rest.len < capacity ? source->rest.len : capacity;
    memcpy(out, source->rest.ptr, len);
    source->rest.ptr += len;
    source->rest.len -= len;
    return (int)len;
}

static void source_close(void *user)
{
    struct load_source *source = user;
    source->armed = false;
}

static int source_error(void *user, char *out, unsigned capacity)
{
    (void)user;
    str_print(out, capacity, "%s", load_refused_words);
    return CR_UNKNOWN_ERROR; /* breaks the connection */
}

void load_guard(struct mysql_connection *c)
{
    /* The flag is told to the server at the login; the library looks at it again each time. */
    const unsigned on = 1;
    (void)mysql_options(c->mysql, MYSQL_OPT_LOCAL_INFILE, &on);
    mysql_set_local_infile_handler(c->mysql, source_open, source_read, source_close, source_error,
                                   &c->load);
}

/* ---- text ---- */

static char escape_of(char c)
{
    switch (c) {
    case '\0':
        return '0';
    case '\t':
        return 't';
    case '\n':
        return 'n';
    case '\r':
        return 'r';
    case '\\':
        return '\\';
    default:
        return 0;
    }
}

static void add_text(struct buf *out, struct str text)
{
    for (size_t i = 0; i < text.len; i++) {
        char escape = escape_of(text.ptr[i]);
        if (escape)
            buf_add_char(out, '\\');
        buf_add_char(out, escape ? escape : text.ptr[i]);
    }
}

static void add_cell(struct buf *out, const struct batch *b, size_t row, size_t column)
{
    if (!batch_has(b, row, column))
        buf_add_text(out, "\\N");
    else if (b->type->columns[column].kind == COLUMN_TEXT)
        add_text(out, batch_text(b, row, column));
    else if (b->type->columns[column].kind == COLUMN_F64)
        literal_add_f64(out, batch_cell(b, row, column)->f64);
    else
        literal_add_i64(out, batch_cell(b, row, column)->i64);
}

static void add_row(struct buf *out, const struct fact_columns *f, const struct store_page *page,
                    size_t row)
{
    literal_add_i64(out, page->series->series_id);
    buf_add_char(out, '\t');
    literal_add_moment(out, batch_cell(page->batch, row, f->ts_column)->i64);
    for (size_t i = 0; i < f->count; i++) {
        buf_add_char(out, '\t');
        add_cell(out, page->batch, row, f->columns[i]);
    }
    buf_add_char(out, '\t');
    literal_add_moment(out, page_collected_utc_s(page, row));
    buf_add_char(out, '\n');
}

static void write_load(struct buf *sql, const struct fact_columns *f, const struct data_type *type)
{
    buf_printf(sql,
               "LOAD DATA LOCAL INFILE '%s' INTO TABLE `%s` CHARACTER SET utf8mb4"
               " FIELDS TERMINATED BY '\\t' ENCLOSED BY '' ESCAPED BY '\\\\'"
               " LINES TERMINATED BY '\\n'",
               page_name, f->table);
    fact_columns_add(sql, f, type);
}

/* ---- the statement ---- */

/* The server's first warning is the error. */
static int fail_warned(struct mysql_connection *c, size_t count, uint64_t stored,
                       struct ccd_error *err)
{
    static const char sql[] = "SHOW WARNINGS LIMIT 1";
    MYSQL_RES *rows = mysql_real_query(c->mysql, sql, sizeof(sql) - 1) == 0
                          ? mysql_store_result(c->mysql)
                          : NULL;
    if (!rows && mysql_errno(c->mysql))
        return mysql_fail_last(c, doing, err);
    MYSQL_ROW row = rows && mysql_num_fields(rows) >= 3 ? mysql_fetch_row(rows) : NULL;
    int64_t code = 0;
    int status;
    if (row && row[1] && row[2] && str_to_i64(str_from(row[1]), &code))
        status = mysql_fail(c, (unsigned)code, row[2], doing, err);
    else
        status = error_set(err, CCD_DATABASE_DATA,
                           "cannot write rows to %s: %llu of %zu were stored", c->base.target->name,
                           (unsigned long long)stored, count);
    mysql_free_result(rows);
    /* Any warning means that a value is not stored as it was given. */
    if (status == CCD_INTERNAL || status == CCD_DATABASE_SCHEMA)
        status = error_set(err, CCD_DATABASE_DATA, "cannot write rows to %s: %s",
                           c->base.target->name, err ? err->message : "");
    return status;
}

static int load(struct mysql_connection *c, const struct buf *sql, size_t count, bool *out_refused,
                struct ccd_error *err)
{
    c->load = (struct load_source){.armed = true, .rest = buf_str(&c->text)};
    int code = mysql_real_query(c->mysql, sql->data, sql->len);
    c->load.armed = false;
    if (code != 0) {
        *out_refused = mysql_refuses_load(mysql_errno(c->mysql));
        return *out_refused ? CCD_OK : mysql_fail_last(c, doing, err);
    }
    uint64_t stored = mysql_affected_rows(c->mysql);
    return mysql_warning_count(c->mysql) == 0 && stored == count
               ? CCD_OK
               : fail_warned(c, count, stored, err);
}

int rows_by_load(struct mysql_connection *c, const struct fact_columns *f,
                 const struct sql_fact_rows *rows, bool *out_refused, struct ccd_error *err)
{
    *out_refused = false;
    if (c->base.broken)
        return mysql_fail(c, CR_SERVER_GONE_ERROR, "the connection was lost before", doing, err);
    struct buf sql;
    buf_init(&sql, SQL_TEXT_MAX_BYTES, c->base.target->allocator);
    write_load(&sql, f, rows->page->type);
    buf_clear(&c->text);
    for (size_t i = 0; i < rows->count; i++)
        add_row(&c->text, f, rows->page, rows->rows[i]);
    int status = sql.failed || c->text.failed ? mysql_no_memory(c, doing, err)
                                              : load(c, &sql, rows->count, out_refused, err);
    buf_release(&sql);
    return status;
}
