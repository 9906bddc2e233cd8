/* INSERT … VALUES (…), (…) as text: what every server takes. */
#include "store/mysql/internal.h"

static const char doing[] = "write rows to";

/* Statement text beside the rows counts too, and the command's byte. */
enum { PACKET_SPARE_BYTES = 1024 };

static void add_row(struct buf *sql, const struct fact_columns *f, const struct store_page *page,
                    size_t row)
{
    buf_add_char(sql, '(');
    literal_add_i64(sql, page->series->series_id);
    buf_add_text(sql, ",'");
    literal_add_moment(sql, batch_cell(page->batch, row, f->ts_column)->i64);
    buf_add_char(sql, '\'');
    for (size_t i = 0; i < f->count; i++) {
        struct value value = value_of_cell(page->batch, row, f->columns[i]);
        buf_add_char(sql, ',');
        literal_add(sql, &value);
    }
    buf_add_text(sql, ",'");
    literal_add_moment(sql, page_collected_utc_s(page, row));
    buf_add_text(sql, "')");
}

static int execute(struct mysql_connection *c, size_t count, struct ccd_error *err)
{
    if (c->text.failed)
        return mysql_no_memory(c, doing, err);
    int status = mysql_text(c, c->text.data, c->text.len, doing, err);
    if (status != CCD_OK)
        return status;
    uint64_t stored = mysql_affected_rows(c->mysql);
    if (stored == count)
        return CCD_OK;
    return error_set(err, CCD_DATABASE_DATA, "cannot write rows to %s: %llu of %zu were stored",
                     c->base.target->name, (unsigned long long)stored, count);
}

/* As many rows as fit into a packet; *out_count tells how many went. */
static int write_some(struct mysql_connection *c, const struct fact_columns *f,
                      const struct sql_fact_rows *rows, size_t *out_count, struct ccd_error *err)
{
    struct buf *sql = &c->text;
    size_t count = 0;
    buf_clear(sql);
    buf_printf(sql, "INSERT INTO `%s`", f->table);
    fact_columns_add(sql, f, rows->page->type);
    buf_add_text(sql, " VALUES ");
    while (count < rows->count) {
        size_t before = sql->len;
        if (count > 0)
            buf_add_char(sql, ',');
        add_row(sql, f, rows->page, rows->rows[count]);
        if (!sql->failed && sql->len + PACKET_SPARE_BYTES > c->packet_max_bytes) {
            sql->len = before; /* the row goes into the next statement */
            sql->data[before] = '\0';
            break;
        }
        count++;
    }
    *out_count = count;
    if (count == 0 && !sql->failed)
        return mysql_too_large(c, doing, err);
    return execute(c, count, err);
}

int rows_by_text(struct mysql_connection *c, const struct fact_columns *f,
                 const struct sql_fact_rows *rows, struct ccd_error *err)
{
    int status = CCD_OK;
    for (size_t done = 0; status == CCD_OK && done < rows->count;) {
        struct sql_fact_rows some = {rows->page, rows->rows + done, rows->count - done};
        size_t count = 0;
        status = write_some(c, f, &some, &count, err);
        done += count;
    }
    return status;
}
