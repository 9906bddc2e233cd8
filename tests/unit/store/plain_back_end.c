/* SQLite without a write rule of its own: the one of the SQL store, as it runs on servers, is under
 * test on every machine. */
#include <stdio.h>

#include "store/sql/store.h"
#include "support.h"

static struct sql_driver driver; /* as SQLite's, but for what stands below */

static int plain_open(const struct sql_target *target, struct sql_connection **out,
                      bool *out_missing, struct ccd_error *err)
{
    int status = sql_driver_sqlite.open(target, out, out_missing, err);
    if (*out)
        (*out)->driver = &driver;
    return status;
}

static int insert_row(struct sql_connection *c, const struct store_page *page, size_t row,
                      struct ccd_error *err)
{
    struct value values[COLUMN_MAX + 3];
    size_t count = 0;
    struct buf sql;
    struct buf marks;
    buf_init(&sql, 1 << 16, NULL);
    buf_init(&marks, 1 << 16, NULL);
    buf_add_text(&sql, "INSERT INTO ");
    sql_add_fact_name(&sql, c, page->type, page->interval);
    buf_add_text(&sql, " (series_id, ts, collected_at");
    sql_add_fact_columns(&sql, c, page->type);
    values[count++] = value_i64(page->series->series_id);
    values[count++] = value_of_cell(page->batch, row,
                                    (size_t)data_type_column_flagged(page->type, COLUMN_TS));
    values[count++] = value_i64(page->row_collected_utc_s ? page->row_collected_utc_s[row]
                                                          : page->collected_utc_s);
    for (size_t i = 0; i < page->type->column_count; i++)
        if (column_is_fact(&page->type->columns[i]))
            values[count++] = value_of_cell(page->batch, row, i);
    for (size_t i = 0; i < count; i++)
        buf_printf(&marks, "%s?%zu", i > 0 ? ", " : "", i + 1);
    buf_printf(&sql, ") VALUES (%s)", marks.data);
    int status = sql_run_text(c, "write rows to", &sql, values, count, NULL, err);
    buf_release(&sql);
    buf_release(&marks);
    return status;
}

static int plain_insert_rows(struct sql_connection *c, const struct sql_fact_rows *rows,
                             struct ccd_error *err)
{
    int status = CCD_OK;
    for (size_t i = 0; i < rows->count && status == CCD_OK; i++)
        status = insert_row(c, rows->page, rows->rows[i], err);
    return status;
}

static int open_plain(const struct store_config *config, struct store **out, struct ccd_error *err)
{
    struct store_url url;
    driver = sql_driver_sqlite;
    driver.open = plain_open;
    driver.put_rows = NULL;
    driver.insert_rows = plain_insert_rows;
    int status = store_url_parse(config->url, &url, err);
    if (status == CCD_OK)
        status = sql_store_open(config, &driver, &url, out, err);
    store_url_release(&url);
    return status;
}

static bool make_place(struct place *place)
{
    return back_end_sqlite.make_place(place);
}

static void remove_place(struct place *place)
{
    back_end_sqlite.remove_place(place);
}

const struct back_end back_end_plain = {
    .name = "plain",
    .persists = true,
    .make_place = make_place,
    .remove_place = remove_place,
    .open = open_plain,
};
