/* The parts that drivers share: numbered parameters, values, the fate of a row. */
#include <float.h>
#include <stdio.h>
#include <string.h>

#include "store/fates.h"
#include "store/sql/store.h"
#include "support.h"

/* ---- parameters ---- */

static void check_rewritten(const char *sql, char style, const char *expected, const char *order)
{
    struct buf out;
    struct buf got;
    uint16_t numbers[SQL_PARAMETERS_MAX];
    size_t count = 0;
    buf_init(&out, 1 << 16, NULL);
    buf_init(&got, 1 << 16, NULL);
    CHECK_INT(0, sql_rewrite_parameters(sql, style, &out, numbers, &count));
    CHECK_STR(expected, buf_str(&out));
    for (size_t i = 0; i < count; i++)
        buf_printf(&got, "%u ", numbers[i]);
    CHECK_STR(order, buf_str(&got));
    buf_release(&out);
    buf_release(&got);
}

TEST(parameters_are_rewritten)
{
    check_rewritten("SELECT ?1, ?12 WHERE a = ?1", '?', "SELECT ?, ? WHERE a = ?", "1 12 1 ");
    check_rewritten("SELECT ?1, ?12 WHERE a = ?1", '$', "SELECT $1, $12 WHERE a = $1", "1 12 1 ");
    check_rewritten("?512", '$', "$512", "512 ");
    check_rewritten("SELECT 1", '?', "SELECT 1", "");
    check_rewritten("SELECT ?, ?7, ?, ?2 || ?", '$', "SELECT $1, $7, $8, $2 || $9", "1 7 8 2 9 ");
}

TEST(parameters_in_quotes_are_text)
{
    check_rewritten("SELECT '?1', \"?2\", `?3`, ?4", '?', "SELECT '?1', \"?2\", `?3`, ?", "4 ");
    check_rewritten("SELECT 'it''s ?1' || ?2", '$', "SELECT 'it''s ?1' || $2", "2 ");
    check_rewritten("SELECT '?1", '?', "SELECT '?1", "");
}

TEST(impossible_parameters_are_refused)
{
    static const char *const texts[] = {"?0", "?00", "?4096, ?", "?4097", "?99999999999999999999"};
    uint16_t numbers[SQL_PARAMETERS_MAX];
    size_t count;
    for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
        struct buf out;
        buf_init(&out, 1 << 10, NULL);
        CHECK_INT(-1, sql_rewrite_parameters(texts[i], '?', &out, numbers, &count));
        buf_release(&out);
    }
}

TEST(too_many_parameters_are_refused)
{
    uint16_t numbers[SQL_PARAMETERS_MAX];
    size_t count = 0;
    struct buf sql;
    struct buf out;
    buf_init(&sql, 1 << 16, NULL);
    buf_init(&out, 1 << 16, NULL);
    for (int i = 0; i < SQL_PARAMETERS_MAX; i++)
        buf_add_text(&sql, "?1,");
    CHECK_INT(0, sql_rewrite_parameters(sql.data, '?', &out, numbers, &count));
    CHECK_INT(SQL_PARAMETERS_MAX, count);
    buf_clear(&out);
    buf_add_text(&sql, "?1");
    CHECK_INT(-1, sql_rewrite_parameters(sql.data, '?', &out, numbers, &count));
    buf_release(&out);
    buf_init(&out, 8, NULL);
    CHECK_INT(-1, sql_rewrite_parameters("SELECT ?1, ?2", '?', &out, numbers, &count));
    buf_release(&out);
    buf_release(&sql);
}

/* ---- values ---- */

TEST(values_are_equal_by_their_bits)
{
    const struct value zero = value_f64(0.0);
    const struct value negative_zero = value_f64(-0.0);
    const struct value integer = value_i64(0);
    const struct value null = value_null();
    const struct value empty = value_text(STR(""));
    const struct value text = value_text(STR("a"));
    CHECK(value_equal(&zero, &zero));
    CHECK(!value_equal(&zero, &negative_zero));
    CHECK(!value_equal(&zero, &integer));
    CHECK(value_equal(&null, &null));
    CHECK(!value_equal(&null, &empty));
    CHECK(!value_equal(&text, &empty));
}

TEST(cells_and_values_are_the_same)
{
    struct page page;
    page_init_days(&page, 100, 2);
    const struct data_type *type = page.p.type;
    size_t open = (size_t)data_type_column(type, STR("open"));
    size_t trades = (size_t)data_type_column(type, STR("total_trades"));
    size_t base = (size_t)data_type_column(type, STR("base"));
    page_set_f64(&page, 0, "open", -0.0);
    page_set_i64(&page, 0, "total_trades", INT64_MIN);
    page_set_text(&page, 0, "base", "");
    page_set_null(&page, 1, "open");
    const size_t columns[] = {open, trades, base};
    for (size_t i = 0; i < 3; i++) {
        struct value before = value_of_cell(&page.batch, 0, columns[i]);
        struct value after;
        CHECK_INT(CCD_OK, value_to_cell(&before, &page.batch, 1, columns[i], NULL));
        after = value_of_cell(&page.batch, 1, columns[i]);
        CHECK(value_equal(&before, &after));
    }
    page_release(&page);
}

TEST(values_of_another_kind_are_refused)
{
    struct page page;
    struct ccd_error err;
    page_init_days(&page, 100, 1);
    const struct data_type *type = page.p.type;
    size_t open = (size_t)data_type_column(type, STR("open"));
    size_t trades = (size_t)data_type_column(type, STR("total_trades"));
    size_t base = (size_t)data_type_column(type, STR("base"));
    const struct value integer = value_i64(7);
    const struct value number = value_f64(7.5);
    const struct value text = value_text(STR("7"));
    const struct value null = value_null();
    CHECK_INT(CCD_OK, value_to_cell(&integer, &page.batch, 0, open, &err));
    CHECK_F64_BITS(7.0, batch_cell(&page.batch, 0, open)->f64);
    CHECK_INT(CCD_DATABASE_DATA, value_to_cell(&text, &page.batch, 0, open, &err));
    CHECK_INT(CCD_DATABASE_DATA, value_to_cell(&number, &page.batch, 0, trades, &err));
    CHECK(strstr(err.message, "total_trades") != NULL);
    CHECK_INT(CCD_DATABASE_DATA, value_to_cell(&integer, &page.batch, 0, base, &err));
    page_set_null(&page, 0, "base");
    CHECK_INT(CCD_OK, value_to_cell(&null, &page.batch, 0, base, &err));
    CHECK(!batch_has(&page.batch, 0, base));
    page_release(&page);
}

/* ---- fates ---- */

TEST(fate_of_a_stored_row)
{
    struct page page;
    page_init_days(&page, 100, 1);
    const int64_t final_s = day(101) + SETTLE;
    page.p.collected_utc_s = final_s + 10;
    struct store_page *p = &page.p;
    CHECK_INT(ROW_UNCHANGED, row_fate_of(p, 0, final_s, SETTLE, true));
    CHECK_INT(ROW_REFRESHED, row_fate_of(p, 0, final_s - 1, SETTLE, true));
    CHECK_INT(ROW_UNCHANGED, row_fate_of(p, 0, final_s + 10, SETTLE, true));
    CHECK_INT(ROW_CHANGED, row_fate_of(p, 0, final_s - 1, SETTLE, false));
    CHECK_INT(ROW_CHANGED, row_fate_of(p, 0, final_s + 10, SETTLE, false));
    CHECK_INT(ROW_STALE, row_fate_of(p, 0, final_s + 11, SETTLE, false));
    const int64_t own[] = {final_s - 5};
    p->row_collected_utc_s = own; /* a copied row: it was asked for when the original was */
    CHECK_INT(own[0], page_collected_utc_s(p, 0));
    CHECK_INT(ROW_UNCHANGED, row_fate_of(p, 0, final_s - 5, SETTLE, true));
    CHECK_INT(ROW_REFRESHED, row_fate_of(p, 0, final_s - 6, SETTLE, true));
    CHECK_INT(ROW_STALE, row_fate_of(p, 0, final_s - 4, SETTLE, false));
    page_release(&page);
}

TEST(record_hash_tells_reason_from_record)
{
    int64_t hash = sql_record_hash(STR("low above high"), STR("{\"OPEN\":1.5}"));
    CHECK(hash > 0 && hash < (INT64_C(1) << 53));
    CHECK_INT(hash, sql_record_hash(STR("low above high"), STR("{\"OPEN\":1.5}")));
    CHECK(hash != sql_record_hash(STR("low above high{"), STR("\"OPEN\":1.5}")));
    CHECK(hash != sql_record_hash(STR(""), STR("low above high\x1f{\"OPEN\":1.5}")));
}
