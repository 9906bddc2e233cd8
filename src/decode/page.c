#include "decode/page.h"

#include <string.h>

#include "decode/number.h"
#include "decode/page_internal.h"
#include "decode/skip.h"

/* What is read of the envelope so far. */
struct envelope_state {
    struct page_envelope *out;
    unsigned seen; /* bit per member kind */
    bool response_is_error;
    bool has_err_message;
    bool has_err_type;
    int64_t type;
    char message[sizeof((struct page_envelope *)0)->error_message];
};

static const char ENDS_EARLY[] = "document ends early";
static const char NO_NAME[] = "a member must start with its name";
static const char NO_COLON[] = "no colon after a name";

enum { TOP_DEPTH = 1, ERR_DEPTH = 2 };

/* A text value, cut to fit; any other value is only checked, as an error reply must not fail over
 * its own form. */
static const char *read_cut_text(struct page_parser *parser, const char *p, unsigned depth,
                                 char *out, size_t capacity_bytes)
{
    if (p == parser->end || *p != '"')
        return skip_value(p, parser->end, depth, &parser->value_count, &parser->fault);
    struct text text;
    p = text_read(p, parser->end, &text, &parser->fault);
    if (p)
        text_copy_cut(&text, out, capacity_bytes);
    return p;
}

static const char *read_type(struct page_parser *parser, const char *p, unsigned depth,
                             int64_t *out_type)
{
    struct number number;
    if (p < parser->end && (*p == '-' || (*p >= '0' && *p <= '9')) &&
        number_read(p, parser->end, &number) && number.is_integer && number.fits_i64)
        *out_type = number.i64;
    return skip_value(p, parser->end, depth, &parser->value_count, &parser->fault);
}

/* Members of an object one after the other: p stands behind its '{' or behind a value. Returns the
 * place of the value and its name; *out_done when the object ends here (then the first byte after
 * it). */
static const char *next_name(struct page_parser *parser, const char *p, bool is_first,
                             struct text *out_name, bool *out_done)
{
    const char *end = parser->end;
    p = skip_space(p, end);
    *out_done = p < end && *p == '}';
    if (*out_done)
        return p + 1;
    if (!is_first) {
        p = skip_char(p, end, ',', "no comma or } after a member", &parser->fault);
        if (!p)
            return NULL;
    }
    if (p == end || *p != '"')
        return fault_set(&parser->fault, p, p == end ? ENDS_EARLY : NO_NAME);
    p = text_read(p, end, out_name, &parser->fault);
    return p ? skip_char(p, end, ':', NO_COLON, &parser->fault) : NULL;
}

/* Err: an object, empty in a success. */
static const char *read_err(struct page_parser *parser, struct envelope_state *state, const char *p)
{
    if (p < parser->end && *p == 'n')
        return skip_value(p, parser->end, TOP_DEPTH, &parser->value_count, &parser->fault);
    if (p == parser->end || *p != '{')
        return fault_set(&parser->fault, p, p == parser->end ? ENDS_EARLY : "Err is not an object");
    bool is_first = true;
    p++;
    for (;;) {
        struct text name;
        bool is_done;
        p = next_name(parser, p, is_first, &name, &is_done);
        if (!p || is_done)
            return p;
        is_first = false;
        state->out->has_error = true;
        if (text_equal(&name, STR("message"))) {
            p = read_cut_text(parser, p, ERR_DEPTH, state->out->error_message,
                              sizeof state->out->error_message);
            state->has_err_message = true;
        } else if (text_equal(&name, STR("type"))) {
            p = read_type(parser, p, ERR_DEPTH, &state->out->error_type);
            state->has_err_type = true;
        } else {
            p = skip_value(p, parser->end, ERR_DEPTH, &parser->value_count, &parser->fault);
        }
        if (!p)
            return NULL;
    }
}

static const char *read_response(struct page_parser *parser, struct envelope_state *state,
                                 const char *p)
{
    char response[8] = "";
    p = read_cut_text(parser, p, TOP_DEPTH, response, sizeof response);
    state->response_is_error = strcmp(response, "Error") == 0;
    return p;
}

/* The records of Data, p on its '['. */
static const char *read_records(struct page_parser *parser, const char *p, size_t rows_max)
{
    const char *end = parser->end;
    p = skip_space(p + 1, end);
    if (p < end && *p == ']')
        return p + 1;
    for (;;) {
        if (p == end || *p != '{') {
            return fault_set(&parser->fault, p,
                             p == end ? ENDS_EARLY : "a record is not an object");
        }
        if (parser->batch->row_count >= rows_max)
            return fault_set(&parser->fault, p, "more records than asked for");
        p = record_read(parser, p);
        if (!p)
            return NULL;
        if (end - p >= 2 && p[0] == ',' && p[1] == '{') {
            p++;
            continue;
        }
        p = skip_space(p, end);
        if (p < end && *p == ']')
            return p + 1;
        p = skip_char(p, end, ',', "no comma or ] after a record", &parser->fault);
        if (!p)
            return NULL;
    }
}

static const char *read_data(struct page_parser *parser, struct envelope_state *state,
                             const char *p, size_t rows_max)
{
    bool is_list = p < parser->end && *p == '[';
    state->out->has_data_list = is_list;
    return is_list && parser->batch
               ? read_records(parser, p, rows_max)
               : skip_value(p, parser->end, TOP_DEPTH, &parser->value_count, &parser->fault);
}

enum member {
    MEMBER_DATA,
    MEMBER_ERR,
    MEMBER_RESPONSE,
    MEMBER_MESSAGE,
    MEMBER_TYPE,
    MEMBER_WARN,
    MEMBER_COUNT
};

static const char *const MEMBER_NAMES[MEMBER_COUNT] = {
    [MEMBER_DATA] = "Data",       [MEMBER_ERR] = "Err",   [MEMBER_RESPONSE] = "Response",
    [MEMBER_MESSAGE] = "Message", [MEMBER_TYPE] = "Type", [MEMBER_WARN] = "Warn",
};

static enum member find_member(const struct text *name)
{
    unsigned member = 0;
    while (member < MEMBER_COUNT && !text_equal(name, str_from(MEMBER_NAMES[member])))
        member++;
    return (enum member)member;
}

static const char *read_member(struct page_parser *parser, struct envelope_state *state,
                               const char *p, enum member member, size_t rows_max)
{
    switch (member) {
    case MEMBER_DATA:
        return read_data(parser, state, p, rows_max);
    case MEMBER_ERR:
        return read_err(parser, state, p);
    case MEMBER_RESPONSE:
        return read_response(parser, state, p);
    case MEMBER_MESSAGE:
        return read_cut_text(parser, p, TOP_DEPTH, state->message, sizeof state->message);
    case MEMBER_TYPE:
        return read_type(parser, p, TOP_DEPTH, &state->type);
    case MEMBER_WARN:
        return read_cut_text(parser, p, TOP_DEPTH, state->out->warning, sizeof state->out->warning);
    case MEMBER_COUNT:
        break;
    }
    return skip_value(p, parser->end, TOP_DEPTH, &parser->value_count, &parser->fault);
}

/* The whole document. NULL = refused. */
static const char *read_document(struct page_parser *parser, struct envelope_state *state,
                                 const char *p, size_t rows_max)
{
    const char *end = parser->end;
    p = skip_space(p, end);
    if (p == end || *p != '{')
        return fault_set(&parser->fault, p, p == end ? ENDS_EARLY : "not a JSON object");
    bool is_first = true;
    p++;
    for (;;) {
        struct text name;
        bool is_done;
        p = next_name(parser, p, is_first, &name, &is_done);
        if (!p || is_done)
            break;
        is_first = false;
        enum member member = find_member(&name);
        if (member != MEMBER_COUNT && (state->seen >> member & 1) != 0)
            return fault_set(&parser->fault, name.raw.ptr, "member of the envelope given twice");
        state->seen |= 1u << member;
        p = read_member(parser, state, p, member, rows_max);
        if (!p)
            return NULL;
    }
    if (p) {
        p = skip_space(p, end);
        if (p < end)
            return fault_set(&parser->fault, p, "bytes after the document");
    }
    return p;
}

/* Err outranks the older envelope's members of the top level. */
static void conclude(struct envelope_state *state)
{
    struct page_envelope *out = state->out;
    out->has_error |= state->response_is_error;
    if (out->has_error) {
        if (!state->has_err_message)
            memcpy(out->error_message, state->message, sizeof out->error_message);
        if (!state->has_err_type)
            out->error_type = state->type;
    } else if (out->warning[0] == '\0') {
        memcpy(out->warning, state->message, sizeof out->warning);
    }
}

static int refused(const struct page_parser *parser, const char *begin, struct ccd_error *err)
{
    size_t offset = (size_t)(parser->fault.at - begin);
    enum ccd_status status = parser->no_memory ? CCD_NO_MEMORY : CCD_BAD_REPLY;
    if (parser->fault_column >= 0) {
        error_set(err, status, "record %zu, %s: %s (byte %zu)", parser->batch->row_count,
                  parser->type->columns[parser->fault_column].key, parser->fault.reason, offset);
    } else {
        error_set(err, status, "%s (byte %zu)", parser->fault.reason, offset);
    }
    if (err)
        err->byte_offset = (int64_t)offset;
    return (int)status;
}

static int decode(struct page_parser *parser, const char *begin, size_t len, size_t rows_max,
                  struct page_envelope *out_envelope, struct ccd_error *err)
{
    parser->end = begin + len;
    parser->fast_begin = begin + (len > SLACK_BEFORE ? SLACK_BEFORE : len);
    parser->fast_len = len > SLACK_BEFORE + SLACK_AFTER ? len - SLACK_BEFORE - SLACK_AFTER : 0;
    parser->fault_column = -1;
    *out_envelope = (struct page_envelope){.has_data_list = false};
    struct envelope_state state = {.out = out_envelope};
    if (!read_document(parser, &state, begin, rows_max)) {
        *out_envelope = (struct page_envelope){.has_data_list = false};
        return refused(parser, begin, err);
    }
    conclude(&state);
    return CCD_OK;
}

int page_decode(struct page_decoder *decoder, const char *bytes, size_t len, size_t rows_max,
                struct batch *batch, struct page_envelope *out_envelope, struct ccd_error *err)
{
    batch_clear(batch);
    if (rows_max > batch->capacity_rows)
        rows_max = batch->capacity_rows;
    struct page_parser parser = {.end = NULL};
    record_prepare(&parser, decoder, batch);
    int status = decode(&parser, len > 0 ? bytes : "", len, rows_max, out_envelope, err);
    record_learn(&parser, decoder);
    if (status != CCD_OK && batch->row_count < batch->capacity_rows) {
        /* batch_clear finds the rows that have cells by their presence bits. */
        batch->present[batch->row_count] = UINT64_MAX;
    }
    if (status != CCD_OK || out_envelope->has_error)
        batch_clear(batch);
    return status;
}

int page_envelope_read(const char *bytes, size_t len, struct page_envelope *out_envelope,
                       uint64_t *out_value_count, struct ccd_error *err)
{
    struct page_parser parser = {.end = NULL};
    int status = decode(&parser, len > 0 ? bytes : "", len, 0, out_envelope, err);
    *out_value_count = parser.value_count;
    return status;
}
