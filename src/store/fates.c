#include "store/fates.h"

int64_t page_collected_utc_s(const struct store_page *page, size_t row)
{
    return page->row_collected_utc_s ? page->row_collected_utc_s[row] : page->collected_utc_s;
}

static size_t ts_column_of(const struct store_page *page)
{
    return (size_t)data_type_column_flagged(page->type, COLUMN_TS);
}

static enum row_fate fate_at(const struct store_page *page, size_t row, int64_t ts,
                             int64_t stored_collected_utc_s, int64_t settle_s, bool same)
{
    int64_t collected_utc_s = page_collected_utc_s(page, row);
    if (!same)
        return collected_utc_s < stored_collected_utc_s ? ROW_STALE : ROW_CHANGED;
    bool was_final = stored_collected_utc_s >=
                     ts + interval_infos[page->interval].step_s + settle_s;
    return collected_utc_s > stored_collected_utc_s && !was_final ? ROW_REFRESHED : ROW_UNCHANGED;
}

enum row_fate row_fate_of(const struct store_page *page, size_t row, int64_t stored_collected_utc_s,
                          int64_t settle_s, bool same)
{
    int64_t ts = batch_cell(page->batch, row, ts_column_of(page))->i64;
    return fate_at(page, row, ts, stored_collected_utc_s, settle_s, same);
}

void row_fates_begin(const struct store_page *page, uint8_t *fates)
{
    for (size_t row = 0; row < page->batch->row_count; row++)
        fates[row] = page->rejected && page->rejected[row] ? ROW_REJECTED : ROW_NEW;
}

/* The columns that are compared: numbers by their eight bytes, texts by what they refer to. */
struct comparison {
    const struct batch *page, *stored;
    uint64_t mask; /* presence bits of all of them */
    size_t numbers[COLUMN_MAX], texts[COLUMN_MAX];
    size_t number_count, text_count;
};

static void comparison_init(struct comparison *k, const struct batch *page,
                            const struct batch *stored)
{
    *k = (struct comparison){.page = page, .stored = stored};
    for (size_t i = 0; i < page->type->column_count; i++) {
        const struct column *column = &page->type->columns[i];
        if (!column_is_fact(column))
            continue;
        k->mask |= UINT64_C(1) << i;
        if (column->kind == COLUMN_TEXT)
            k->texts[k->text_count++] = i;
        else
            k->numbers[k->number_count++] = i;
    }
}

/* The bytes of an absent cell are zero, so that presence is compared once for all columns. */
static bool is_same(const struct comparison *k, size_t row, size_t stored_row)
{
    if ((k->page->present[row] & k->mask) != (k->stored->present[stored_row] & k->mask))
        return false;
    for (size_t i = 0; i < k->number_count; i++)
        if (batch_cell(k->page, row, k->numbers[i])->i64 !=
            batch_cell(k->stored, stored_row, k->numbers[i])->i64)
            return false;
    for (size_t i = 0; i < k->text_count; i++)
        if (!str_equal(batch_text(k->page, row, k->texts[i]),
                       batch_text(k->stored, stored_row, k->texts[i])))
            return false;
    return true;
}

void row_fates_compare(const struct store_page *page, const struct batch *stored,
                       const int64_t *collected_utc_s, int64_t settle_s, uint8_t *fates)
{
    struct comparison k;
    comparison_init(&k, page->batch, stored);
    size_t ts_column = ts_column_of(page);
    size_t row = 0;
    for (size_t at = 0; at < stored->row_count; at++) {
        int64_t ts = batch_cell(stored, at, ts_column)->i64;
        while (row < page->batch->row_count && batch_cell(page->batch, row, ts_column)->i64 < ts)
            row++;
        if (row == page->batch->row_count)
            return;
        if (batch_cell(page->batch, row, ts_column)->i64 == ts && fates[row] != ROW_REJECTED) {
            fates[row] = (uint8_t)fate_at(page, row, ts, collected_utc_s[at], settle_s,
                                          is_same(&k, row, at));
        }
    }
}

void row_fates_count(const struct store_page *page, const uint8_t *fates,
                     struct store_page_result *out_result)
{
    *out_result = (struct store_page_result){0};
    for (size_t row = 0; row < page->batch->row_count; row++) {
        switch ((enum row_fate)fates[row]) {
        case ROW_NEW:
            out_result->inserted++;
            break;
        case ROW_CHANGED:
            out_result->changed++;
            break;
        case ROW_UNCHANGED:
        case ROW_REFRESHED:
        case ROW_STALE:
            out_result->unchanged++;
            break;
        case ROW_REJECTED:
            out_result->rejected++;
            break;
        }
    }
}
