#include "api/canonical.h"

#include <string.h>

static void add_u64(struct sha256 *h, uint64_t value)
{
    uint8_t bytes[8];
    for (int i = 0; i < 8; i++)
        bytes[i] = (uint8_t)(value >> (56 - 8 * i));
    sha256_add(h, bytes, sizeof(bytes));
}

static void add_cell(struct sha256 *h, const struct batch *b, size_t row, size_t column)
{
    uint8_t there = batch_has(b, row, column);
    sha256_add(h, &there, 1);
    if (!there)
        return;
    const union cell *cell = batch_cell(b, row, column);
    if (b->type->columns[column].kind == COLUMN_TEXT) {
        struct str text = batch_text(b, row, column);
        add_u64(h, text.len);
        sha256_add(h, text.ptr, text.len);
    } else if (b->type->columns[column].kind == COLUMN_F64) {
        uint64_t bits;
        memcpy(&bits, &cell->f64, sizeof(bits));
        add_u64(h, bits);
    } else {
        add_u64(h, (uint64_t)cell->i64);
    }
}

void canonical_add_row(struct sha256 *h, const struct batch *b, size_t row)
{
    size_t ts = (size_t)data_type_column_flagged(b->type, COLUMN_TS);
    add_u64(h, (uint64_t)batch_cell(b, row, ts)->i64);
    for (size_t i = 0; i < b->type->column_count; i++)
        if (column_is_fact(&b->type->columns[i]))
            add_cell(h, b, row, i);
}

void canonical_of_list(const struct batch *b, uint8_t out_digest[DIGEST_BYTES])
{
    memset(out_digest, 0, DIGEST_BYTES);
    for (size_t row = 0; row < b->row_count; row++) {
        struct sha256 h;
        uint8_t digest[DIGEST_BYTES];
        unsigned carry = 0;
        sha256_init(&h);
        for (size_t i = 0; i < b->type->column_count; i++)
            add_cell(&h, b, row, i);
        sha256_final(&h, digest);
        for (int i = DIGEST_BYTES - 1; i >= 0; i--) {
            carry += (unsigned)out_digest[i] + digest[i];
            out_digest[i] = (uint8_t)carry;
            carry >>= 8;
        }
    }
}

void canonical_of_coverage(struct coverage_list *list, uint8_t out_digest[DIGEST_BYTES])
{
    struct sha256 h;
    size_t count = 0;
    coverage_list_merge(list);
    for (size_t i = 0; i < list->count; i++) {
        const struct coverage_segment *segment = &list->items[i];
        struct coverage_segment *last = count > 0 ? &list->items[count - 1] : NULL;
        if (last && last->to_ts == segment->from_ts && last->state == segment->state)
            last->to_ts = segment->to_ts;
        else
            list->items[count++] = *segment;
    }
    list->count = count;
    sha256_init(&h);
    for (size_t i = 0; i < count; i++) {
        add_u64(&h, (uint64_t)list->items[i].from_ts);
        add_u64(&h, (uint64_t)list->items[i].to_ts);
        add_u64(&h, (uint64_t)list->items[i].state);
    }
    sha256_final(&h, out_digest);
}
