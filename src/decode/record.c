/* Records → rows. Nearly every name is the predicted one and nearly every text that of the row
 * before: both are one masked comparison of 32 bytes. What does not fit goes through the checked,
 * general readers. */
#include <math.h>
#include <string.h>

#include "decode/number.h"
#include "decode/number_short.h"
#include "decode/page_internal.h"
#include "decode/skip.h"

/* From a name to the quote of the next one: two patterns, or a pattern and a number; and a comma.
 */
_Static_assert(SLACK_AFTER >= 2 * PATTERN_BYTES + 2 &&
                   SLACK_AFTER >= PATTERN_BYTES + (int)SHORT_NUMBER_AFTER + 2 &&
                   SLACK_BEFORE >= (int)SHORT_NUMBER_BEFORE,
               "the fast path stays inside the document");
_Static_assert(sizeof(struct slot) == 128, "an index becomes an address by a shift");

static const char MALFORMED_NUMBER[] = "malformed number";

/* PATTERN_BYTES must be readable at p; the pattern is aligned. */
ALWAYS_INLINE bool matches(const char *p, const char *pattern, uint32_t mask)
{
#ifdef DECODE_SSE2
    const __m128i *halves = (const void *)pattern;
    uint32_t low = bits_of(_mm_cmpeq_epi8(load_sixteen(p), _mm_load_si128(halves)));
    uint32_t high = bits_of(_mm_cmpeq_epi8(load_sixteen(p + 16), _mm_load_si128(halves + 1)));
    return (~(low | high << 16) & mask) == 0;
#else
    return memcmp(p, pattern, (size_t)__builtin_popcount(mask)) == 0;
#endif
}

/* Text that is too long gets a pattern that matches nothing. */
static uint8_t pattern_set(char pattern[PATTERN_BYTES], uint32_t *out_mask, struct str s)
{
    if (s.len > PATTERN_BYTES) {
        pattern[0] = '\0';
        *out_mask = 1;
        return 0;
    }
    memcpy(pattern, s.ptr, s.len);
    *out_mask = s.len < PATTERN_BYTES ? (UINT32_C(1) << s.len) - 1 : UINT32_MAX;
    return (uint8_t)s.len;
}

/* FNV-1a; the names are ours, so nobody can make them clash. */
static unsigned key_hash(struct str key)
{
    uint32_t hash = UINT32_C(2166136261);
    for (size_t i = 0; i < key.len; i++)
        hash = (hash ^ (unsigned char)key.ptr[i]) * UINT32_C(16777619);
    return (hash ^ hash >> 15) % KEY_INDEX_SIZE;
}

static void index_key(struct page_parser *parser, unsigned column, struct str key)
{
    unsigned at = key_hash(key);
    while (parser->key_index[at] != 0)
        at = (at + 1) % KEY_INDEX_SIZE;
    parser->key_index[at] = (uint8_t)(column + 1);
}

static unsigned find_key(const struct page_parser *parser, struct str key)
{
    unsigned at = key_hash(key);
    for (; parser->key_index[at] != 0; at = (at + 1) % KEY_INDEX_SIZE) {
        unsigned column = parser->key_index[at] - 1u;
        if (str_equal(str_from(parser->type->columns[column].key), key))
            return column;
    }
    return NO_COLUMN;
}

static void prepare_slot(struct page_parser *parser, unsigned column, uint8_t next)
{
    const struct column *info = &parser->type->columns[column];
    struct slot *slot = &parser->slots[column];
    struct str key = str_from(info->key);
    char quoted[PATTERN_BYTES] = "\"";
    if (key.len + 3 <= PATTERN_BYTES) {
        memcpy(quoted + 1, key.ptr, key.len);
        memcpy(quoted + 1 + key.len, "\":", 2);
    }
    slot->key_len = pattern_set(slot->key, &slot->key_mask, (struct str){quoted, key.len + 3});
    pattern_set(slot->text, &slot->text_mask, (struct str){NULL, SIZE_MAX});
    slot->kind = (uint8_t)info->kind;
    slot->next = next;
    slot->cells = batch_cell(parser->batch, 0, column);
    slot->bit = UINT64_C(1) << column;
    index_key(parser, column, key);
    if ((info->flags & COLUMN_REQUIRED) != 0)
        parser->required |= slot->bit;
}

void record_prepare(struct page_parser *parser, const struct page_decoder *decoder,
                    struct batch *batch)
{
    const struct data_type *type = batch->type;
    unsigned count = (unsigned)type->column_count;
    bool is_trained = decoder->type == type;
    parser->type = type;
    parser->batch = batch;
    parser->last_column = count - 1;
    for (unsigned i = 0; i < count; i++) {
        /* Untrained: the registry lists the members in the order of the vendor's replies. */
        prepare_slot(parser, i, (uint8_t)(is_trained ? decoder->next[i] : (i + 1) % count));
    }
}

void record_learn(const struct page_parser *parser, struct page_decoder *decoder)
{
    decoder->type = parser->type;
    for (unsigned i = 0; i < parser->type->column_count; i++)
        decoder->next[i] = parser->slots[i].next;
}

static const char *refuse(struct page_parser *parser, const char *at, unsigned column,
                          const char *reason)
{
    parser->fault_column = column == NO_COLUMN ? -1 : (int)column;
    return fault_set(&parser->fault, at, reason);
}

/* A name that was not expected. Returns where its value starts; NO_COLUMN = not a registered one.
 */
static __attribute__((noinline)) const char *read_key(struct page_parser *parser, const char *p,
                                                      unsigned *out_column)
{
    const char *end = parser->end;
    struct text key;
    if (p == end || *p != '"') {
        return refuse(parser, p, NO_COLUMN,
                      p == end ? "document ends early" : "a member must start with its name");
    }
    p = text_read(p, end, &key, &parser->fault);
    if (!p)
        return NULL;
    *out_column = NO_COLUMN;
    if (key.len < KEY_MAX_BYTES) {
        char unescaped[KEY_MAX_BYTES];
        text_copy(&key, unescaped);
        *out_column = find_key(parser, (struct str){unescaped, key.len});
    }
    if (*out_column == NO_COLUMN) {
        struct batch *batch = parser->batch;
        if (batch->unknown_keys++ == 0)
            text_copy_cut(&key, batch->first_unknown_key, sizeof batch->first_unknown_key);
    }
    return skip_char(p, end, ':', "no colon after a name", &parser->fault);
}

/* The text at p is not that of the row before (or it is long, or escaped): into the batch. */
static __attribute__((noinline)) const char *read_text(struct page_parser *parser, const char *p,
                                                       unsigned column, union cell *cell)
{
    struct slot *slot = &parser->slots[column];
    struct buf *area = &parser->batch->text;
    struct text text;
    const char *next = text_read(p, parser->end, &text, &parser->fault);
    if (!next)
        return NULL;
    struct str before = {area->data ? area->data + slot->text_ref.offset : "", slot->text_ref.len};
    if (!text_equal(&text, before)) {
        if (buf_reserve(area, text.len) != 0) {
            parser->no_memory = true;
            return refuse(parser, p, column, "no room for its text");
        }
        text_copy(&text, area->data + area->len);
        slot->text_ref = (struct text_ref){(uint32_t)area->len, (uint32_t)text.len};
        area->len += text.len;
        area->data[area->len] = '\0';
    }
    cell->text = slot->text_ref;
    /* The fast path compares raw bytes: an escaped text never repeats there. */
    size_t raw_len = text.escaped ? SIZE_MAX : (size_t)(next - p);
    slot->text_len = pattern_set(slot->text, &slot->text_mask, (struct str){p, raw_len});
    return next;
}

static const char *read_bool(struct page_parser *parser, const char *p, unsigned column,
                             union cell *cell)
{
    const char *next = skip_word(p, parser->end, STR("true"));
    cell->i64 = next != NULL;
    if (!next)
        next = skip_word(p, parser->end, STR("false"));
    return next ? next : refuse(parser, p, column, "true or false expected");
}

static const char *read_number(struct page_parser *parser, const char *p, unsigned column,
                               union cell *cell)
{
    struct number number;
    if (*p != '-' && (unsigned char)(*p - '0') > 9)
        return refuse(parser, p, column, "a number is expected");
    const char *next = number_read(p, parser->end, &number);
    if (!next)
        return refuse(parser, p, column, MALFORMED_NUMBER);
    if (parser->slots[column].kind == COLUMN_F64) {
        cell->f64 = number.f64;
        return isfinite(number.f64) ? next
                                    : refuse(parser, p, column, "number too large for a double");
    }
    if (!number.is_integer || !number.fits_i64) {
        return refuse(parser, p, column,
                      number.is_integer ? "integer beyond 64 bits" : "an integer is expected");
    }
    cell->i64 = number.i64;
    return next;
}

/* Any value, checked byte by byte. */
static __attribute__((noinline)) const char *read_value(struct page_parser *parser, const char *p,
                                                        unsigned column, union cell *cell,
                                                        bool *out_is_null)
{
    if (p == parser->end)
        return refuse(parser, p, column, "document ends early");
    if (*p == 'n') {
        const char *next = skip_word(p, parser->end, STR("null"));
        *out_is_null = true;
        cell->i64 = 0;
        return next ? next : refuse(parser, p, column, "not a JSON value");
    }
    switch ((enum column_kind)parser->slots[column].kind) {
    case COLUMN_TEXT:
        return *p == '"' ? read_text(parser, p, column, cell)
                         : refuse(parser, p, column, "a text is expected");
    case COLUMN_BOOL:
        return read_bool(parser, p, column, cell);
    case COLUMN_I64:
    case COLUMN_F64:
    case COLUMN_UTC_S:
        break;
    }
    return read_number(parser, p, column, cell);
}

/* The common forms of a value, where the end of the document is far. Returns what follows, which
 * the caller must look at; NULL = not one of them. The cell may be touched: what is left of it is
 * overwritten or refused. */
ALWAYS_INLINE const char *read_common_value(const struct slot *slot, const char *p,
                                            union cell *cell)
{
    if (slot->kind == COLUMN_TEXT) {
        cell->text = slot->text_ref;
        return matches(p, slot->text, slot->text_mask) ? p + slot->text_len : NULL;
    }
    struct short_number number = short_number_read(p);
    if (slot->kind == COLUMN_F64) {
        cell->f64 = short_number_f64(&number);
        return number.end;
    }
    cell->i64 = short_number_i64(&number);
    return number.scale == 0 && slot->kind != COLUMN_BOOL ? number.end : NULL;
}

/* Whether the next member is where it is expected: ," */
ALWAYS_INLINE bool is_next_name(const char *p)
{
    return memcmp(p, ",\"", 2) == 0;
}

/* A common value (at p, next behind it) that no name follows: the record ends, or the number has
 * more than 16 characters. Returns what follows; NULL = neither. */
static __attribute__((noinline)) const char *end_common_value(const struct slot *slot,
                                                              const char *p, const char *next,
                                                              const char *end, union cell *cell)
{
    struct number number;
    if (!next || *next == '}' || slot->kind != COLUMN_F64)
        return next && *next == '}' ? next : NULL;
    next = number_read(p, end, &number);
    if (!next || end - next < 2 || !isfinite(number.f64))
        return NULL; /* refused, or accepted, where the end is watched */
    cell->f64 = number.f64;
    return *next == '}' || is_next_name(next) ? next : NULL;
}

/* After a value: moves to the next name, or to the '}' of the record. */
static const char *next_member(struct page_parser *parser, const char *p)
{
    p = skip_space(p, parser->end);
    if (p < parser->end && *p == ',') {
        p = skip_space(p + 1, parser->end);
        return p < parser->end && *p == '"'
                   ? p
                   : refuse(parser, p, NO_COLUMN, "a member must start with its name");
    }
    return p < parser->end && *p == '}'
               ? p
               : refuse(parser, p, NO_COLUMN, "no comma or } after a member");
}

/* The record at hand. */
struct members {
    uint64_t seen;
    uint64_t nulls;
    unsigned last;   /* column before the next member */
    unsigned column; /* of the value that comes next; NO_COLUMN = a name comes next */
};

/* Members one after the other as long as each is the expected one in a common form. Returns where
 * the first other one starts, its value when its name was the expected one, or the '}' of the
 * record. */
ALWAYS_INLINE const char *read_expected(const struct page_parser *parser, const char *p, size_t row,
                                        struct members *members)
{
    const char *fast_begin = parser->fast_begin;
    size_t fast_len = parser->fast_len;
    const struct slot *slots = parser->slots;
    const struct slot *last = &slots[members->last];
    uint64_t seen = members->seen;
    members->column = NO_COLUMN;
    while (likely((size_t)(p - fast_begin) < fast_len)) {
        const struct slot *slot = &slots[last->next];
        if (unlikely(!matches(p, slot->key, slot->key_mask)))
            break;
        p += slot->key_len;
        union cell *cell = slot->cells + row;
        const char *next = read_common_value(slot, p, cell);
        if (unlikely(!next || !is_next_name(next)))
            next = end_common_value(slot, p, next, parser->end, cell);
        if (unlikely(!next || (seen & slot->bit) != 0)) {
            members->column = (unsigned)(slot - slots);
            break;
        }
        seen |= slot->bit;
        last = slot;
        p = next;
        if (unlikely(*p == '}'))
            break;
        p++;
    }
    members->seen = seen;
    members->last = (unsigned)(last - slots);
    return p;
}

/* Any member, p on its name or, when that was the expected one, behind the colon. Returns where the
 * next one starts, or the '}' of the record. */
static __attribute__((noinline)) const char *read_member(struct page_parser *parser, const char *p,
                                                         size_t row, struct members *members)
{
    unsigned column = members->column;
    p = column == NO_COLUMN ? read_key(parser, p, &column) : skip_space(p, parser->end);
    if (!p)
        return NULL;
    if (column == NO_COLUMN) {
        p = skip_value(p, parser->end, RECORD_DEPTH, &parser->value_count, &parser->fault);
        return p ? next_member(parser, p) : NULL;
    }
    struct slot *slot = &parser->slots[column];
    if ((members->seen & slot->bit) != 0)
        return refuse(parser, p, column, "member given twice");
    members->seen |= slot->bit;
    parser->slots[members->last].next = (uint8_t)column;
    members->last = column;
    bool is_null = false;
    p = read_value(parser, p, column, slot->cells + row, &is_null);
    members->nulls |= is_null ? slot->bit : 0;
    return p ? next_member(parser, p) : NULL;
}

static const char *finish(struct page_parser *parser, const char *begin, const char *p,
                          uint64_t present)
{
    struct batch *batch = parser->batch;
    uint64_t missing = parser->required & ~present;
    if (missing != 0) {
        return refuse(parser, begin, (unsigned)__builtin_ctzll(missing),
                      "required member is missing");
    }
    batch->present[batch->row_count++] = present;
    return p;
}

const char *record_read(struct page_parser *parser, const char *p)
{
    const char *begin = p;
    size_t row = parser->batch->row_count;
    struct members members = {.last = parser->last_column};
    p = skip_space(p + 1, parser->end);
    bool is_open = p == parser->end || *p != '}';
    while (is_open) {
        p = read_expected(parser, p, row, &members);
        /* A '}' where the value of a known name belongs does not close anything. */
        is_open = members.column != NO_COLUMN || p == parser->end || *p != '}';
        if (is_open) {
            p = read_member(parser, p, row, &members);
            if (!p)
                return NULL;
            is_open = *p != '}';
        }
    }
    parser->last_column = members.last;
    return finish(parser, begin, p + 1, members.seen & ~members.nulls);
}
