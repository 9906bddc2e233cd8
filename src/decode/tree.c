#include "decode/tree.h"

#include "decode/number.h"

struct str tree_text(const json_t *value)
{
    return (struct str){json_string_value(value), json_string_length(value)};
}

/* p stands behind an opening quote; returns what follows the closing one. */
static const char *pass_string(const char *p, const char *end)
{
    while (p < end && *p != '"')
        p += *p == '\\' && end - p > 1 ? 2 : 1;
    return p < end ? p + 1 : end;
}

/* jansson refuses a document for an integer that is beyond 64 bits, and the vendor sends such ones
 * (hashes per second): copied with ".0" behind each. out stays empty when there is none. What is no
 * JSON is left for jansson to refuse. */
static void widen(struct str body, struct buf *out)
{
    const char *end = body.ptr + body.len;
    const char *copied = body.ptr;
    const char *p = body.ptr;
    while (p < end) {
        struct number number;
        bool is_number = *p == '-' || (*p >= '0' && *p <= '9');
        const char *next = is_number ? number_read(p, end, &number) : NULL;
        if (next && number.is_integer && !number.fits_i64) {
            buf_add(out, copied, (size_t)(next - copied));
            buf_add(out, ".0", 2);
            copied = next;
        }
        if (!next)
            next = *p == '"' ? pass_string(p + 1, end) : p + 1;
        p = next;
    }
    if (out->len > 0)
        buf_add(out, copied, (size_t)(end - copied));
}

static int parse(struct str body, json_t **out_root, struct ccd_error *err)
{
    json_error_t fault;
    *out_root = json_loadb(body.ptr, body.len, JSON_REJECT_DUPLICATES, &fault);
    if (*out_root)
        return CCD_OK;
    bool no_memory = json_error_code(&fault) == json_error_out_of_memory;
    int status = error_set(err, no_memory ? CCD_NO_MEMORY : CCD_BAD_REPLY, "%s (byte %d)",
                           fault.text, fault.position);
    if (err)
        err->byte_offset = fault.position;
    return status;
}

int tree_load(struct str body, const struct allocator *allocator, json_t **out_root,
              json_t **out_data, struct ccd_error *err)
{
    struct buf wide;
    int status;
    *out_root = *out_data = NULL;
    buf_init(&wide, 2 * body.len, allocator);
    widen(body, &wide);
    if (wide.failed)
        status = error_set(err, CCD_NO_MEMORY, "no memory for a reply of %zu bytes", body.len);
    else
        status = parse(wide.len > 0 ? buf_str(&wide) : body, out_root, err);
    buf_release(&wide);
    *out_data = json_object_get(*out_root, "Data");
    if (status == CCD_OK && (!json_is_object(*out_data) || json_object_size(*out_data) == 0))
        return error_set(err, CCD_BAD_REPLY, "the reply has neither data nor an error");
    return status;
}

int tree_total(json_t *data, int64_t *out_total, struct ccd_error *err)
{
    json_t *total = json_object_get(json_object_get(data, "STATS"), "TOTAL_ASSETS");
    if (total && (!json_is_integer(total) || json_integer_value(total) < 0))
        return error_set(err, CCD_BAD_REPLY, "TOTAL_ASSETS is not a count");
    *out_total = json_integer_value(total);
    return CCD_OK;
}
