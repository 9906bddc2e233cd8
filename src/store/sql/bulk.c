#include "store/sql/bulk.h"

static int no_memory(const struct bulk *b, struct ccd_error *err)
{
    return error_set(err, CCD_NO_MEMORY, "no memory to %s %s", b->doing, b->c->target->name);
}

static void add_to_list(struct buf *list, const char *name)
{
    buf_printf(list, "%s%s", list->len > 0 ? ", " : "", name);
}

static size_t rows_per_statement(const struct bulk *b)
{
    size_t rows = SQL_PARAMETERS_MAX / b->column_count;
    size_t wanted = b->c->target->batch_rows > 0 ? (size_t)b->c->target->batch_rows : BULK_ROWS_MAX;
    rows = rows < BULK_ROWS_MAX ? rows : BULK_ROWS_MAX;
    return rows < wanted ? rows : wanted;
}

int bulk_init(struct bulk *b, struct sql_connection *c, const char *doing, const char *table,
              const struct bulk_column *columns, size_t column_count, struct ccd_error *err)
{
    const struct allocator *allocator = c->target->allocator;
    *b = (struct bulk){.c = c, .doing = doing, .table = table, .columns = columns};
    b->column_count = column_count;
    buf_init(&b->keys, SQL_TEXT_MAX_BYTES, allocator);
    buf_init(&b->values, SQL_TEXT_MAX_BYTES, allocator);
    buf_init(&b->sql, SQL_TEXT_MAX_BYTES, allocator);
    if (column_count == 0 || column_count > BULK_COLUMNS_MAX)
        return error_set(err, CCD_INTERNAL, "%s has %zu columns", table, column_count);
    for (size_t i = 0; i < column_count; i++)
        if (columns[i].role != BULK_ONCE)
            add_to_list(columns[i].role == BULK_KEY ? &b->keys : &b->values, columns[i].name);
    b->rows_max = rows_per_statement(b);
    b->cells = mem_new(allocator, b->rows_max * column_count, sizeof(*b->cells));
    return b->cells && !b->keys.failed && !b->values.failed ? CCD_OK : no_memory(b, err);
}

void bulk_release(struct bulk *b)
{
    if (!b->c)
        return;
    buf_release(&b->keys);
    buf_release(&b->values);
    buf_release(&b->sql);
    mem_free(b->c->target->allocator, b->cells);
}

static void write_row(struct bulk *b, size_t row)
{
    const struct dialect *d = b->c->dialect;
    buf_add_text(&b->sql, row > 0 ? ", (" : "(");
    for (size_t i = 0; i < b->column_count; i++) {
        const char *const *around = b->columns[i].is_moment ? d->moment_from_s
                                                            : (const char *const[]){"", ""};
        buf_printf(&b->sql, "%s%s?%s", i > 0 ? ", " : "", around[0], around[1]);
    }
    buf_add_char(&b->sql, ')');
}

static void write_statement(struct bulk *b)
{
    buf_clear(&b->sql);
    buf_add_text(&b->sql, "INSERT INTO ");
    identifier_add(&b->sql, b->c->dialect, b->table);
    buf_add_text(&b->sql, " (");
    for (size_t i = 0; i < b->column_count; i++) {
        buf_add_text(&b->sql, i > 0 ? ", " : "");
        identifier_add(&b->sql, b->c->dialect, b->columns[i].name);
    }
    buf_add_text(&b->sql, ") VALUES ");
    for (size_t row = 0; row < b->row_count; row++)
        write_row(b, row);
    upsert_add(&b->sql, b->c->dialect, b->keys.data, b->values.len > 0 ? b->values.data : NULL);
}

/* Only the statement of full length comes again and again. */
static int flush(struct bulk *b, struct ccd_error *err)
{
    if (b->row_count == 0)
        return CCD_OK;
    write_statement(b);
    if (b->sql.failed)
        return no_memory(b, err);
    const struct sql_call call = {
        .doing = b->doing,
        .sql = b->sql.data,
        .parameters = b->cells,
        .parameter_count = b->row_count * b->column_count,
        .once = b->row_count > 1 && b->row_count < b->rows_max,
    };
    b->row_count = 0;
    b->text_bytes = 0;
    return b->c->driver->run(b->c, &call, err);
}

int bulk_add(struct bulk *b, const struct value *row, struct ccd_error *err)
{
    size_t bytes = 0;
    for (size_t i = 0; i < b->column_count; i++)
        bytes += row[i].kind == VALUE_TEXT ? row[i].text.len : 0;
    bool full = b->row_count == b->rows_max || b->text_bytes + bytes > BULK_TEXT_MAX_BYTES;
    int status = full ? flush(b, err) : CCD_OK;
    if (status != CCD_OK)
        return status;
    for (size_t i = 0; i < b->column_count; i++)
        b->cells[b->row_count * b->column_count + i] = row[i];
    b->row_count++;
    b->text_bytes += bytes;
    return CCD_OK;
}

int bulk_finish(struct bulk *b, struct ccd_error *err)
{
    return flush(b, err);
}
