#include "hostile.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* ---- one value of one record becomes another ---- */

/* key NULL: the first number of the type that is no integer. With add, the member is put in front
 * of a record's first one instead. */
struct spoilt_value {
    const char *key;
    const char *value;
    bool add;
    struct refusal refusal;
};

#define DEEP_8 "[[[[[[[["
#define DEEP_40 DEEP_8 DEEP_8 DEEP_8 DEEP_8 DEEP_8
static const struct spoilt_value spoilt_values[] = {
    {"TIMESTAMP", "\"1735689600\"", false, {"J5: a number in quotes", SOMETIMES_J5_REFUSED}},
    {NULL, "\"1.5\"", false, {"J5: a number in quotes", SOMETIMES_J5_REFUSED}},
    {"TIMESTAMP", "null", false, {"J5: no time", SOMETIMES_J5_REFUSED}},
    {"INSTRUMENT", "null", false, {"J5: no instrument", SOMETIMES_J5_REFUSED}},
    {"MARKET", "7", false, {"J5: a number for a text", SOMETIMES_J5_REFUSED}},
    {NULL, "{}", false, {"J5: an object for a number", SOMETIMES_J5_REFUSED}},
    {"UNIT", "\"DAY\"", true, {"J5: a key twice", SOMETIMES_J5_REFUSED}},
    {"TIMESTAMP", "0", true, {"J5: a key twice", SOMETIMES_J5_REFUSED}},
    {NULL, "1", true, {"J5: a key twice", SOMETIMES_J5_REFUSED}},
    {NULL, "1e400", false, {"J4: beyond a double", SOMETIMES_J4_REFUSED}},
    {NULL, "-1e999999999999", false, {"J4: beyond a double", SOMETIMES_J4_REFUSED}},
    {NULL, "NaN", false, {"J4: not a number", SOMETIMES_J4_REFUSED}},
    {NULL, "007", false, {"J4: leading zeros", SOMETIMES_J4_REFUSED}},
    {NULL, "1.", false, {"J4: no digit behind the point", SOMETIMES_J4_REFUSED}},
    {NULL, "+1", false, {"J4: a plus sign", SOMETIMES_J4_REFUSED}},
    {"TIMESTAMP", "9223372036854775808", false, {"J4: beyond 64 bits", SOMETIMES_J4_REFUSED}},
    {"TIMESTAMP", "1.7356896e9", false, {"J4: a time that is no integer", SOMETIMES_J4_REFUSED}},
    {"TIMESTAMP", "1735689600000", false, {"D10: milliseconds", SOMETIMES_D10_REFUSED}},
    {"TIMESTAMP", "1735689607", false, {"D10: off the grid", SOMETIMES_D10_REFUSED}},
    {"TIMESTAMP", "1735689661", false, {"D10: off the grid", SOMETIMES_D10_REFUSED}},
    {"TIMESTAMP", "-60", false, {"D10: before 1970", SOMETIMES_D10_REFUSED}},
    {"TIMESTAMP", "0", false, {"D10: no time", SOMETIMES_D10_REFUSED}},
    {"INSTRUMENT",
     "\"SOMETHING-ELSE\"",
     false,
     {"H13: a row of another instrument", SOMETIMES_H13_REFUSED}},
    {"MARKET", "\"elsewhere\"", false, {"H13: a row of another market", SOMETIMES_H13_REFUSED}},
    {"MARKET", "\"\"", false, {"H13: a row of no market", SOMETIMES_H13_REFUSED}},
    {"UNIT", "\"WEEK\"", false, {"H13: a row of another interval", SOMETIMES_H13_REFUSED}},
    {"NOTE", "\"\\ud800\"", true, {"J2: a lone surrogate", SOMETIMES_J2_REFUSED}},
    {"NOTE", "\"a\\u0000b\"", true, {"J2: NUL", SOMETIMES_J2_REFUSED}},
    {"NOTE", "\"a\tb\"", true, {"J2: a control character", SOMETIMES_J2_REFUSED}},
    {"NOTE", "\"\xff\"", true, {"J2: not UTF-8", SOMETIMES_J2_REFUSED}},
    {"NOTE", DEEP_40, true, {"J3: too deep", SOMETIMES_J3_REFUSED}},
};

static const char *number_key(const struct data_type *type)
{
    for (size_t i = 0; i < type->column_count; i++)
        if (type->columns[i].kind == COLUMN_F64)
            return type->columns[i].key;
    abort(); /* every candle has a value */
}

/* Where `name` ends in the text, a few occurrences on; SIZE_MAX = nowhere. */
static size_t find_some(struct sim *sim, struct str text, struct str name)
{
    size_t found = SIZE_MAX;
    size_t from = 0;
    for (uint64_t n = 1 + rng_below(&sim->rng, 8); n > 0; n--) {
        size_t at = str_find((struct str){text.ptr + from, text.len - from}, name);
        if (at == SIZE_MAX)
            break;
        from += at + name.len;
        found = from;
    }
    return found;
}

static size_t value_end(struct str text, size_t at)
{
    bool quoted = text.ptr[at] == '"';
    for (at += quoted; at < text.len; at++)
        if (quoted ? text.ptr[at] == '"' : text.ptr[at] == ',' || text.ptr[at] == '}')
            break;
    return at + quoted;
}

/* The body with [from, to) replaced. */
static void replace(struct sim *sim, struct exchange *x, size_t from, size_t to, struct str by)
{
    struct buf *out = &sim->text;
    buf_clear(out);
    buf_add(out, x->body.data, from);
    buf_add(out, by.ptr, by.len);
    buf_add(out, x->body.data + to, x->body.len - to);
    buf_clear(&x->body);
    buf_add(&x->body, out->data, out->len);
}

static bool spoil_value(struct sim *sim, struct exchange *x, const struct spoilt_value *spoilt)
{
    char text[160];
    const char *key = spoilt->key ? spoilt->key : number_key(sim->series[x->series].vendor->type);
    int len = snprintf(text, sizeof(text), "\"%s\":", spoilt->add ? "UNIT" : key);
    size_t at = find_some(sim, buf_str(&x->body), (struct str){text, (size_t)len});
    if (at == SIZE_MAX)
        return false;
    if (!spoilt->add) {
        replace(sim, x, at, value_end(buf_str(&x->body), at), str_from(spoilt->value));
        return true;
    }
    at -= (size_t)len;
    len = snprintf(text, sizeof(text), "\"%s\":%s,", key, spoilt->value);
    replace(sim, x, at, at, (struct str){text, (size_t)len});
    return true;
}

/* ---- the document as a whole ---- */

static const struct refusal a_required_key_is_missing = {"J5: a required key is missing",
                                                         SOMETIMES_J5_REFUSED};
static const struct refusal more_rows_than_asked_for = {"J3: more rows than asked for",
                                                        SOMETIMES_J3_REFUSED};
static const struct refusal a_byte_order_mark = {"J2: a byte order mark", SOMETIMES_J2_REFUSED};
static const struct refusal bytes_after_the_document = {"J1: bytes after the document",
                                                        SOMETIMES_J1_REFUSED};
static const struct refusal data_twice = {"J5: Data twice", SOMETIMES_J5_REFUSED};
static const struct refusal a_page_that_is_called_html = {"H10: a page that is called HTML",
                                                          SOMETIMES_H10_REFUSED};
static const struct refusal an_encoding_that_was_not_asked_for = {
    "H10: an encoding that was not asked for", SOMETIMES_H10_REFUSED};
static const struct refusal a_wrong_check_sum = {"H9: a wrong check sum", SOMETIMES_H9_REFUSED};
static const struct refusal a_gzip_bomb = {"H9: a gzip bomb", SOMETIMES_H9_REFUSED};

static void spoil_key(struct sim *sim, struct exchange *x)
{
    size_t at = find_some(sim, buf_str(&x->body), STR("\"INSTRUMENT\":"));
    if (at == SIZE_MAX)
        return;
    x->body.data[at - sizeof("INSTRUMENT\":") + 1] = 'i';
    x->must_refuse = &a_required_key_is_missing;
}

/* The first record again and again, until there are more than the page may have. */
static void spoil_length(struct sim *sim, struct exchange *x)
{
    size_t begin = str_find(buf_str(&x->body), STR("\"Data\":[{"));
    size_t len = str_find(buf_str(&x->body), STR("}"));
    if (begin == SIZE_MAX)
        return;
    begin += sizeof("\"Data\":[") - 1;
    struct buf *rows = &sim->text2;
    buf_clear(rows);
    for (int i = 0; i < sim->page_max + 2; i++) {
        buf_add(rows, x->body.data + begin, len + 1 - begin);
        buf_add_char(rows, ',');
    }
    replace(sim, x, begin, begin, buf_str(rows));
    x->must_refuse = &more_rows_than_asked_for;
}

static void spoil_frame(struct sim *sim, struct exchange *x)
{
    size_t end = x->body.len;
    switch (rng_below(&sim->rng, 6)) {
    case 0:
        replace(sim, x, 0, 0, STR("\xef\xbb\xbf"));
        x->must_refuse = &a_byte_order_mark;
        return;
    case 1:
        replace(sim, x, end, end, STR("\n{}"));
        x->must_refuse = &bytes_after_the_document;
        return;
    case 2:
        replace(sim, x, end - 1, end, STR(",\"Data\":[]}"));
        x->must_refuse = &data_twice;
        return;
    case 3:
        buf_add_text(&x->head, "Content-Type: text/html\r\n");
        x->must_refuse = &a_page_that_is_called_html;
        return;
    case 4:
        spoil_length(sim, x);
        return;
    default:
        spoil_key(sim, x);
        return;
    }
}

void hostile_spoil(struct sim *sim, struct exchange *x)
{
    enum { VALUES = sizeof(spoilt_values) / sizeof(*spoilt_values), OTHERS = 16 };
    uint64_t which = rng_below(&sim->rng, VALUES + OTHERS);
    if (which >= VALUES)
        spoil_frame(sim, x);
    else if (spoil_value(sim, x, &spoilt_values[which]))
        x->must_refuse = &spoilt_values[which].refusal;
}

/* ---- the encoding ---- */

static void zip_body(struct sim *sim, struct exchange *x)
{
    const struct repeats none = {0};
    buf_clear(&sim->text2);
    if (gzip_add(sim->gzip, buf_str(&x->body), &none, &sim->text2) != 0)
        abort();
    buf_clear(&x->body);
    buf_add(&x->body, sim->text2.data, sim->text2.len);
    buf_add_text(&x->head, "Content-Encoding: gzip\r\n");
}

/* A page of a few bytes that becomes one of many: all but its first record are blanks. */
static void fill_with_blanks(struct sim *sim, struct exchange *x)
{
    enum { BLANKS = 600000 };
    static const char tail[] = "],\"Err\":{}}";
    size_t end = str_find(buf_str(&x->body), STR("}"));
    buf_clear(&sim->text);
    buf_add(&sim->text, x->body.data, end + 1);
    if (buf_reserve(&sim->text, BLANKS) != 0)
        abort();
    memset(sim->text.data + sim->text.len, ' ', BLANKS);
    sim->text.len += BLANKS;
    buf_add_text(&sim->text, tail);
    buf_clear(&x->body);
    buf_add(&x->body, sim->text.data, sim->text.len);
}

static void spoil_encoding(struct sim *sim, struct exchange *x)
{
    enum { CHECKSUM_FROM_END = 8 };
    bool rows = str_find(buf_str(&x->body), STR("\"Data\":[{")) != SIZE_MAX;
    switch (rng_below(&sim->rng, rows ? 3 : 2)) {
    case 0:
        buf_add_text(&x->head, "Content-Encoding: br\r\n");
        x->must_refuse = &an_encoding_that_was_not_asked_for;
        return;
    case 1:
        zip_body(sim, x);
        x->body.data[x->body.len - CHECKSUM_FROM_END] ^= 0x55;
        x->must_refuse = &a_wrong_check_sum;
        return;
    default:
        fill_with_blanks(sim, x);
        zip_body(sim, x);
        x->must_refuse = &a_gzip_bomb;
        return;
    }
}

void hostile_wrap(struct sim *sim, struct exchange *x, bool zip)
{
    if (x->fault == FAULT_HOSTILE && !x->must_refuse && x->status == 200 && x->body.len > 0)
        spoil_encoding(sim, x);
    else if (zip)
        zip_body(sim, x);
}

/* ---- the same in other words ---- */

/* Every value of the first number, with zeros behind it: more digits than fit anywhere. */
static void stretch_numbers(struct sim *sim, struct exchange *x)
{
    char name[80];
    int name_len = snprintf(name, sizeof(name),
                            "\"%s\":", number_key(sim->series[x->series].vendor->type));
    struct str rest = buf_str(&x->body);
    struct buf *out = &sim->text;
    buf_clear(out);
    for (;;) {
        size_t at = str_find(rest, (struct str){name, (size_t)name_len});
        if (at == SIZE_MAX)
            break;
        at += (size_t)name_len;
        size_t end = value_end(rest, at);
        struct str value = {rest.ptr + at, end - at};
        bool plain = str_find(value, STR("e")) == SIZE_MAX && str_find(value, STR("n")) == SIZE_MAX;
        buf_add(out, rest.ptr, end);
        if (plain)
            buf_add_text(out, str_find(value, STR(".")) == SIZE_MAX ? ".000000000000000000000"
                                                                    : "000000000000000000000");
        rest = (struct str){rest.ptr + end, rest.len - end};
    }
    buf_add(out, rest.ptr, rest.len);
    buf_clear(&x->body);
    buf_add(&x->body, out->data, out->len);
    sim_saw(sim, SOMETIMES_ODD_NUMBERS);
}

static void replace_everywhere(struct sim *sim, struct exchange *x, struct str before,
                               struct str text)
{
    struct str rest = buf_str(&x->body);
    struct buf *out = &sim->text;
    buf_clear(out);
    for (size_t at; (at = str_find(rest, before)) != SIZE_MAX;) {
        buf_add(out, rest.ptr, at);
        buf_add(out, text.ptr, text.len);
        rest = (struct str){rest.ptr + at + before.len, rest.len - at - before.len};
    }
    buf_add(out, rest.ptr, rest.len);
    buf_clear(&x->body);
    buf_add(&x->body, out->data, out->len);
}

static void add_keys(struct sim *sim, struct exchange *x)
{
    replace_everywhere(
        sim, x, STR("\"UNIT\":"),
        STR("\"NEW_KEY\":{\"of\":[1,null,\"\\u00e9\\ud83d\\ude00\",-0.0e-7]},\"UNIT\":"));
    sim_saw(sim, SOMETIMES_NEW_KEYS);
}

void hostile_dress(struct sim *sim, struct exchange *x)
{
    if (sim->server.adds_keys)
        add_keys(sim, x);
    if (!sim_hits(sim, FAULT_ODD_DRESS))
        return;
    switch (rng_below(&sim->rng, 4)) {
    case 0:
        if (!sim->server.adds_keys)
            add_keys(sim, x);
        return;
    case 1:
        replace_everywhere(sim, x, STR("\"TIMESTAMP\":"), STR(" \r\n\t\"TIMESTAMP\" : "));
        return;
    case 2:
        replace_everywhere(sim, x, STR("\"INSTRUMENT\":"), STR("\"\\u0049NSTRUMENT\" : "));
        return;
    default:
        stretch_numbers(sim, x);
        return;
    }
}
