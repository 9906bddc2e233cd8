/* One record: from values to JSON text or to typed cells, by the plan of its data type. */
#include <string.h>

#include "base/time.h"
#include "sim/world_private.h"

enum {
    DECIMAL_MAX_BYTES = 64,
    PLAIN_ZEROS_MAX = 6, /* JavaScript writes 0.000001 but 1e-7 */
};

static const struct {
    const char *key;
    enum value_class class;
} fields[FIELD_COUNT] = {
#define FIELD_ENTRY(name, kind) [FIELD_##name] = {#name, CLASS_##kind},
    FIELD_TABLE(FIELD_ENTRY)
#undef FIELD_ENTRY
};

/* Registry order is nearly field order, so the search goes on where it last ended. */
static int find_field(const char *key, int after)
{
    for (int i = 0; i < FIELD_COUNT; i++) {
        int at = (after + i) % FIELD_COUNT;
        if (strcmp(fields[at].key, key) == 0)
            return at;
    }
    return -1;
}

static int group_bit(struct plan *plan, const char *group)
{
    for (size_t i = 0; i < plan->group_count; i++)
        if (plan->groups[i] == group || strcmp(plan->groups[i], group) == 0)
            return (int)i;
    if (plan->group_count == sizeof plan->groups / sizeof plan->groups[0])
        return -1;
    plan->groups[plan->group_count] = group;
    return (int)plan->group_count++;
}

int plan_init(struct plan *plan, const struct kind *kind, struct ccd_error *err)
{
    plan->kind = kind;
    plan->type = data_type_find(str_from(kind->type_name));
    if (!plan->type)
        return error_set(err, CCD_INTERNAL, "the registry has no %s", kind->type_name);
    int after = 0;
    for (size_t i = 0; i < plan->type->column_count; i++) {
        const struct column *column = &plan->type->columns[i];
        struct plan_column *c = &plan->columns[i];
        size_t len = strlen(column->key);
        int field = find_field(column->key, after);
        int group = group_bit(plan, column->group);
        if (field < 0 || group < 0 || len + sizeof ",\"\":" > sizeof c->key)
            return error_set(err, CCD_INTERNAL, "the simulator cannot make %s of %s", column->key,
                             kind->type_name);
        after = field + 1;
        c->field = (uint8_t)field;
        c->class = (uint8_t)fields[field].class;
        c->group = (uint8_t)(field <= FIELD_TIMESTAMP ? GROUP_ALWAYS : group);
        memcpy(c->key, ",\"", 2);
        memcpy(c->key + 2, column->key, len);
        memcpy(c->key + 2 + len, "\":", 2);
        c->key_len = (uint8_t)(len + 4);
    }
    plan->column_count = plan->type->column_count;
    return 0;
}

/* ---- the fields that name a series */

static void set_text(struct row *row, enum field field, const char *text)
{
    row->present[field] = text != NULL;
    row->text[field] = str_from(text);
}

static void set_id(struct row *row, enum field field, int64_t id)
{
    row->present[field] = true;
    row->value[field] = id;
}

/* Candles older than this lack DENOMINATION_TYPE, and futures younger than the other have asset
 * ids: recordings of 2022, June 2025 and 2026 differ so. The world goes by the period, so that a
 * row has one form for ever. */
static const int64_t denomination_since = 1672531200; /* 2023-01-01 */
static const int64_t futures_ids_since = 1767225600;  /* 2026-01-01 */

static void fill_futures_names(const struct series *s, int64_t ts, struct row *row)
{
    set_text(row, FIELD_MAPPED_INSTRUMENT, s->pub.mapped);
    if (!s->pub.mapped)
        return;
    set_text(row, FIELD_INDEX_UNDERLYING, s->pub.base);
    set_text(row, FIELD_QUOTE_CURRENCY, s->pub.quote);
    set_text(row, FIELD_SETTLEMENT_CURRENCY, s->settlement);
    set_text(row, FIELD_CONTRACT_CURRENCY, s->contract);
    if (ts >= denomination_since)
        set_text(row, FIELD_DENOMINATION_TYPE, s->denomination);
    if (ts < futures_ids_since)
        return;
    set_id(row, FIELD_INDEX_UNDERLYING_ID, s->base_id);
    set_id(row, FIELD_QUOTE_CURRENCY_ID, s->quote_id);
    set_id(row, FIELD_SETTLEMENT_CURRENCY_ID, s->settlement_id);
    set_id(row, FIELD_CONTRACT_CURRENCY_ID, s->contract_id);
    set_text(row, FIELD_TRANSFORM_FUNCTION, s->transform);
}

static void fill_spot_names(const struct series *s, struct row *row)
{
    set_text(row, FIELD_MAPPED_INSTRUMENT, s->pub.mapped);
    if (!s->pub.mapped)
        return;
    set_text(row, FIELD_BASE, s->pub.base);
    set_text(row, FIELD_QUOTE, s->pub.quote);
    set_id(row, FIELD_BASE_ID, s->base_id);
    set_id(row, FIELD_QUOTE_ID, s->quote_id);
    set_text(row, FIELD_TRANSFORM_FUNCTION, s->transform);
}

void row_fill(const struct series *s, const struct period *p, struct row *row)
{
    memset(row->present, 0, sizeof row->present);
    const char *converted_label = "986"; /* recorded for BTC-EUR, April 2025 */
    set_text(row, FIELD_UNIT, interval_infos[p->interval].unit_echo);
    set_id(row, FIELD_TIMESTAMP, p->ts);
    set_text(row, FIELD_TYPE, s->converted ? converted_label : s->plan->kind->label);
    set_text(row, FIELD_MARKET, s->pub.market);
    set_text(row, FIELD_INSTRUMENT, s->pub.instrument);
    if (s->plan->kind->section == SECTION_SPOT)
        fill_spot_names(s, row);
    else if (s->plan->kind->section == SECTION_FUTURES)
        fill_futures_names(s, p->ts, row);
    s->plan->kind->fill(s, p, row);
}

/* ---- numbers as text */

static const char digit_pairs[201] = "00010203040506070809101112131415161718192021222324"
                                     "25262728293031323334353637383940414243444546474849"
                                     "50515253545556575859606162636465666768697071727374"
                                     "75767778798081828384858687888990919293949596979899";

/* Digits of value, ending before end; returns their start. */
static char *digits_before(char *end, uint64_t value)
{
    while (value >= 100) {
        end -= 2;
        memcpy(end, digit_pairs + value % 100 * 2, 2);
        value /= 100;
    }
    if (value < 10) {
        *--end = (char)('0' + value);
        return end;
    }
    end -= 2;
    memcpy(end, digit_pairs + value * 2, 2);
    return end;
}

enum { DIGITS_MAX = 20 }; /* of a uint64_t */

static char *copy(char *p, const char *bytes, size_t len)
{
    memcpy(p, bytes, len);
    return p + len;
}

/* A copy of fixed size is cheaper than a short one: DIGITS_MAX bytes are read and written. */
static char *copy_digits(char *p, const char *digits, size_t count)
{
    memcpy(p, digits, DIGITS_MAX);
    return p + count;
}

/* digits[0 … count) are the significant digits of a value below 1 with `decimals` decimals. */
static char *write_fraction(char *p, const char *digits, unsigned count, unsigned decimals)
{
    unsigned zeros = decimals - count; /* between the point and the first digit */
    if (zeros < PLAIN_ZEROS_MAX) {
        p = copy(p, "0.00000", 2 + zeros);
        return copy_digits(p, digits, count);
    }
    *p++ = digits[0];
    if (count > 1) {
        *p++ = '.';
        p = copy_digits(p, digits + 1, count - 1);
    }
    p = copy(p, "e-", 2);
    char exponent[2 * DIGITS_MAX];
    const char *end = exponent + DIGITS_MAX;
    const char *start = digits_before(exponent + DIGITS_MAX, zeros + 1);
    return copy_digits(p, start, (size_t)(end - start));
}

char *write_decimal(char *p, int64_t value, unsigned decimals)
{
    uint64_t magnitude = value < 0 ? 0 - (uint64_t)value : (uint64_t)value;
    if (value < 0)
        *p++ = '-';
    if (magnitude == 0)
        decimals = 0;
    while (decimals > 0 && magnitude % 10 == 0) {
        magnitude /= 10;
        decimals--;
    }
    char buffer[2 * DIGITS_MAX + 1]; /* digits end in the middle: copy_digits stays inside */
    const char *digits = digits_before(buffer + DIGITS_MAX, magnitude);
    unsigned count = (unsigned)(buffer + DIGITS_MAX - digits);
    if (decimals == 0)
        return copy_digits(p, digits, count);
    if (count <= decimals)
        return write_fraction(p, digits, count, decimals);
    p = copy_digits(p, digits, count - decimals);
    *p++ = '.';
    return copy_digits(p, digits + count - decimals, decimals);
}

/* ---- a row as text */

static char *copy_escaped(char *p, struct str text)
{
    static const char hex[] = "0123456789abcdef";
    for (size_t i = 0; i < text.len; i++) {
        unsigned char c = (unsigned char)text.ptr[i];
        if (c < ' ') {
            p = copy(p, "\\u00", 4);
            *p++ = hex[c >> 4];
            *p++ = hex[c & 15];
            continue;
        }
        if (c == '"' || c == '\\')
            *p++ = '\\';
        *p++ = (char)c;
    }
    return p;
}

size_t row_write(const struct plan *plan, const struct series *s, const struct row *row,
                 uint32_t groups, char out[ROW_MAX_BYTES], struct key_places *places)
{
    char *p = out;
    groups |= 1u << GROUP_ALWAYS;
    for (size_t i = 0; i < plan->column_count; i++) {
        const struct plan_column *c = &plan->columns[i];
        places->at[i] = NO_PLACE;
        if (!row->present[c->field] || !(groups >> c->group & 1))
            continue;
        places->at[i] = (uint16_t)(p - out);
        memcpy(p, c->key,
               sizeof c->key); /* all of it: one fixed copy is cheaper than a short one */
        p += c->key_len;
        if (c->class != CLASS_TEXT) {
            p = write_decimal(p, row->value[c->field], s->decimals[c->class]);
            continue;
        }
        *p++ = '"';
        p = s->hard_names ? copy_escaped(p, row->text[c->field])
                          : copy(p, row->text[c->field].ptr, row->text[c->field].len);
        *p++ = '"';
    }
    out[0] = '{'; /* over the first comma: TIMESTAMP is always there */
    *p++ = '}';
    return (size_t)(p - out);
}

static const struct series *series_of(const struct world_series *series)
{
    return (const struct series *)(const void *)series;
}

bool world_render_row(const struct world *world, const struct world_series *series,
                      enum interval interval, int64_t ts, int64_t now_utc_s, struct buf *out)
{
    const struct series *s = series_of(series);
    struct period p;
    if (!period_at(world, s, interval, ts, world_seen_s(world, s->pub.key, now_utc_s), &p, NULL))
        return false;
    struct row row;
    struct key_places places;
    char text[ROW_MAX_BYTES];
    row_fill(s, &p, &row);
    buf_add(out, text, row_write(s->plan, s, &row, UINT32_MAX, text, &places));
    return true;
}

/* ---- a row as cells */

/* The double that a reader gets from write_decimal's text. */
static double decimal_f64(int64_t value, unsigned decimals)
{
    bool exact = value < 1LL << 53 && value > -(1LL << 53);
    if (exact && decimals < sizeof powers_of_ten / sizeof powers_of_ten[0])
        return (double)value / (double)powers_of_ten[decimals]; /* one rounding: the right one */
    char text[DECIMAL_MAX_BYTES];
    double f64 = 0;
    struct str digits = {text, (size_t)(write_decimal(text, value, decimals) - text)};
    (void)str_to_f64(digits, &f64);
    return f64;
}

bool world_row(const struct world *world, const struct world_series *series, enum interval interval,
               int64_t ts, int64_t now_utc_s, struct batch *batch)
{
    const struct series *s = series_of(series);
    struct period p;
    if (batch->row_count == batch->capacity_rows ||
        !period_at(world, s, interval, ts, world_seen_s(world, s->pub.key, now_utc_s), &p, NULL))
        return false;
    struct row row;
    row_fill(s, &p, &row);
    size_t at = batch->row_count++;
    for (size_t i = 0; i < s->plan->column_count; i++) {
        const struct plan_column *c = &s->plan->columns[i];
        enum column_kind kind = s->plan->type->columns[i].kind;
        if (!row.present[c->field])
            continue;
        if (c->class == CLASS_TEXT)
            (void)batch_set_text(batch, at, i, row.text[c->field]);
        else if (kind == COLUMN_F64)
            batch_set_f64(batch, at, i, decimal_f64(row.value[c->field], s->decimals[c->class]));
        else
            batch_set_i64(batch, at, i, row.value[c->field]);
    }
    return true;
}
