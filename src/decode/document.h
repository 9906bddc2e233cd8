/* JSON that a person wrote → values with the lines they stand on, by jansson. Nothing of it is
 * trusted. Invariant: every text is UTF-8 without NUL, and NUL-terminated. */
#ifndef DECODE_DOCUMENT_H
#define DECODE_DOCUMENT_H

#include "base/arena.h"

enum { DOCUMENT_DEPTH_MAX = 8 }; /* lists and objects in each other */

enum document_kind {
    DOCUMENT_NULL,
    DOCUMENT_BOOL,
    DOCUMENT_INTEGER, /* without point and exponent, in the range of int64_t */
    DOCUMENT_NUMBER,  /* any other; its value is not kept */
    DOCUMENT_TEXT,
    DOCUMENT_LIST,
    DOCUMENT_OBJECT
};

struct document_value {
    enum document_kind kind;
    int line;       /* where it begins, from 1 */
    struct str key; /* in an object */
    int key_line;
    bool is_true;
    int64_t integer;
    struct str text;
    const struct document_value *items; /* of a list or an object, in the order of the text */
    size_t count;
};

struct document {
    struct arena memory;
    struct document_value root;
};

/* On success the document is to be released. Errors: USAGE "name:line: …" when the text is not
 * UTF-8, not JSON, has a key twice in one object, or is nested too deep; NO_MEMORY. */
int document_parse(struct document *document, struct str text, const char *name,
                   struct ccd_error *err);
void document_release(struct document *document);

#endif
