/* JSON into a struct buf. Invariant: commas and indentation are the writer's; the caller balances
 * open and close and gives a key inside objects, NULL inside lists. */
#ifndef CLI_JSON_H
#define CLI_JSON_H

#include <ccdata/error.h>

#include "base/buf.h"

struct json {
    struct buf *out;
    unsigned depth;
    bool follows; /* a comma goes before the next value */
    bool is_line; /* no line breaks */
};

void json_init(struct json *j, struct buf *out);
void json_init_line(struct json *j, struct buf *out); /* all on one line */
void json_open_object(struct json *j, const char *key);
void json_close_object(struct json *j);
void json_open_list(struct json *j, const char *key);
void json_close_list(struct json *j);
void json_add_text(struct json *j, const char *key, const char *value); /* NULL = null */
void json_add_int(struct json *j, const char *key, int64_t value);
void json_add_number(struct json *j, const char *key, double value);
void json_add_bool(struct json *j, const char *key, bool value);
void json_add_null(struct json *j, const char *key);
void json_add_time(struct json *j, const char *key, int64_t utc_s); /* ISO */
/* Null where it is not known, and for the time 0. */
void json_add_known_int(struct json *j, const char *key, int64_t value, bool is_known);
void json_add_known_time(struct json *j, const char *key, int64_t utc_s);
/* {"status","message"}, or null when there is none. */
void json_add_error(struct json *j, const char *key, const struct ccd_error *err);

/* The object that every --json output is: opened with schema, command (may be NULL), status and
 * exit code; closed with a line end. */
void json_begin(struct json *j, struct buf *out, const char *command, const char *status,
                int exit_code);
void json_end(struct json *j);

#endif
