#include "decode/document.h"

#include <jansson.h>
#include <string.h>

#include "base/utf8.h"

/* Some 80 bytes for each value of a megabyte of them. */
static const size_t memory_max_bytes = 128u << 20;

/* Where the values of a valid text begin: jansson does not say. It walks the text beside the tree,
 * which has the values in the same order. */
struct scanner {
    const char *at;
    const char *end;
    int line;
};

struct builder {
    struct arena *memory;
    struct scanner scanner;
    const char *name;
    struct ccd_error *err;
};

/* ---- lines ---- */

/* What stands between values says nothing that the tree does not say. */
static void skip_between(struct scanner *s)
{
    while (s->at < s->end && strchr(" \t\r\n,:]}", *s->at)) {
        s->line += *s->at == '\n';
        s->at++;
    }
}

static void skip_text(struct scanner *s)
{
    s->at++;
    while (s->at < s->end && *s->at != '"')
        s->at += *s->at == '\\' ? 2 : 1;
    s->at++;
}

/* The line of the next key, text, number, word, '{' or '['; the scanner stands behind it then. */
static int next_line(struct scanner *s)
{
    skip_between(s);
    if (s->at < s->end && *s->at == '"')
        skip_text(s);
    else if (s->at < s->end && (*s->at == '{' || *s->at == '['))
        s->at++;
    else
        while (s->at < s->end && !strchr(" \t\r\n,:]}", *s->at))
            s->at++;
    return s->line;
}

static int line_of(struct str text, size_t offset)
{
    int line = 1;
    for (size_t i = 0; i < offset; i++)
        line += text.ptr[i] == '\n';
    return line;
}

/* ---- tree ---- */

static int refuse_for_memory(struct ccd_error *err, const char *name)
{
    return error_set(err, CCD_NO_MEMORY, "no memory for the values of %s", name);
}

static int build(struct builder *b, const json_t *json, int depth, struct document_value *out);

static int build_items(struct builder *b, json_t *json, int depth, struct document_value *out)
{
    size_t count = json_is_array(json) ? json_array_size(json) : json_object_size(json);
    if (depth == DOCUMENT_DEPTH_MAX)
        return error_set(b->err, CCD_USAGE, "%s:%d: more than %d lists and objects in each other",
                         b->name, out->line, DOCUMENT_DEPTH_MAX);
    struct document_value *items = arena_alloc(b->memory, (count + 1) * sizeof(*items));
    if (!items)
        return refuse_for_memory(b->err, b->name);
    int status = 0;
    if (json_is_array(json)) {
        for (size_t i = 0; i < count && status == 0; i++)
            status = build(b, json_array_get(json, i), depth + 1, &items[i]);
    } else {
        void *member = json_object_iter(json);
        for (size_t i = 0; i < count && status == 0; i++) {
            const char *key = json_object_iter_key(member);
            char *copy = arena_copy_text(b->memory, str_from(key));
            if (!copy)
                return refuse_for_memory(b->err, b->name);
            items[i].key = str_from(copy);
            items[i].key_line = next_line(&b->scanner);
            status = build(b, json_object_iter_value(member), depth + 1, &items[i]);
            member = json_object_iter_next(json, member);
        }
    }
    out->items = items;
    out->count = count;
    return status;
}

static int build(struct builder *b, const json_t *json, int depth, struct document_value *out)
{
    out->line = next_line(&b->scanner);
    switch (json_typeof(json)) {
    case JSON_NULL:
        out->kind = DOCUMENT_NULL;
        return 0;
    case JSON_TRUE:
    case JSON_FALSE:
        out->kind = DOCUMENT_BOOL;
        out->is_true = json_is_true(json);
        return 0;
    case JSON_INTEGER:
        out->kind = DOCUMENT_INTEGER;
        out->integer = json_integer_value(json);
        return 0;
    case JSON_REAL:
        out->kind = DOCUMENT_NUMBER;
        return 0;
    case JSON_STRING:
        out->kind = DOCUMENT_TEXT;
        out->text.len = json_string_length(json);
        out->text.ptr = arena_copy_text(b->memory,
                                        (struct str){json_string_value(json), out->text.len});
        return out->text.ptr ? 0 : refuse_for_memory(b->err, b->name);
    case JSON_ARRAY:
    case JSON_OBJECT:
        out->kind = json_is_array(json) ? DOCUMENT_LIST : DOCUMENT_OBJECT;
        return build_items(b, (json_t *)json, depth, out);
    }
    return error_set(b->err, CCD_INTERNAL, "a kind of JSON value that nobody knows");
}

/* ---- the text ---- */

static int check_utf8(struct str text, const char *name, struct ccd_error *err)
{
    for (size_t at = 0; at < text.len;) {
        uint32_t code_point;
        size_t size = utf8_char_size((struct str){text.ptr + at, text.len - at}, &code_point);
        if (size == 0)
            return error_set(err, CCD_USAGE, "%s:%d: the byte 0x%02x is not UTF-8 text", name,
                             line_of(text, at), (unsigned)(unsigned char)text.ptr[at]);
        at += size;
    }
    return 0;
}

static int refuse_json(const json_error_t *fault, const char *name, struct ccd_error *err)
{
    int line = fault->line > 0 ? fault->line : 1;
    if (json_error_code(fault) == json_error_out_of_memory || fault->text[0] == '\0')
        return refuse_for_memory(err, name);
    if (json_error_code(fault) == json_error_null_character ||
        json_error_code(fault) == json_error_null_byte_in_key)
        return error_set(err, CCD_USAGE, "%s:%d: \\u0000 stands in a text", name, line);
    if (json_error_code(fault) == json_error_duplicate_key)
        return error_set(err, CCD_USAGE, "%s:%d: %s; keep one", name, line, fault->text);
    return error_set(err, CCD_USAGE, "%s:%d: not JSON: %s", name, line, fault->text);
}

int document_parse(struct document *document, struct str text, const char *name,
                   struct ccd_error *err)
{
    if (str_starts_with(text, STR("\xEF\xBB\xBF"))) /* some editors put it there */
        text = (struct str){text.ptr + 3, text.len - 3};
    if (check_utf8(text, name, err) != 0)
        return err->status;
    if (str_trim(text).len == 0)
        return error_set(err, CCD_USAGE, "%s:1: there is no text in it", name);
    json_error_t fault;
    json_t *root = json_loadb(text.ptr, text.len, JSON_REJECT_DUPLICATES | JSON_DECODE_ANY, &fault);
    if (!root)
        return refuse_json(&fault, name, err);
    *document = (struct document){0};
    arena_init(&document->memory, memory_max_bytes, NULL);
    struct builder builder = {
        .memory = &document->memory,
        .scanner = {.at = text.ptr, .end = text.ptr + text.len, .line = 1},
        .name = name,
        .err = err,
    };
    int status = build(&builder, root, 0, &document->root);
    json_decref(root);
    if (status != 0)
        document_release(document);
    return status;
}

void document_release(struct document *document)
{
    arena_release(&document->memory);
    *document = (struct document){0};
}
