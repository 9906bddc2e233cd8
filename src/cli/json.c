#include "cli/json.h"

#include <inttypes.h>

#include "base/time.h"
#include "cli/cli.h"

enum { SCHEMA_VERSION = 1, INDENT = 2 };

void json_init(struct json *j, struct buf *out)
{
    *j = (struct json){.out = out};
}

void json_init_line(struct json *j, struct buf *out)
{
    *j = (struct json){.out = out, .is_line = true};
}

static void break_line(struct json *j)
{
    if (j->is_line)
        return;
    buf_printf(j->out, "\n%*s", (int)(j->depth * INDENT), "");
}

static void start_value(struct json *j, const char *key)
{
    if (j->follows) {
        buf_add_char(j->out, ',');
    }
    if (j->depth > 0) {
        break_line(j);
    }
    if (key) {
        buf_add_json_text(j->out, str_from(key));
        buf_add_text(j->out, ": ");
    }
    j->follows = true;
}

static void open_bracket(struct json *j, const char *key, char bracket)
{
    start_value(j, key);
    buf_add_char(j->out, bracket);
    j->depth++;
    j->follows = false;
}

static void close_bracket(struct json *j, char bracket)
{
    j->depth--;
    if (j->follows) {
        break_line(j);
    }
    buf_add_char(j->out, bracket);
    j->follows = true;
}

void json_open_object(struct json *j, const char *key)
{
    open_bracket(j, key, '{');
}

void json_close_object(struct json *j)
{
    close_bracket(j, '}');
}

void json_open_list(struct json *j, const char *key)
{
    open_bracket(j, key, '[');
}

void json_close_list(struct json *j)
{
    close_bracket(j, ']');
}

void json_add_text(struct json *j, const char *key, const char *value)
{
    if (!value) {
        json_add_null(j, key);
        return;
    }
    start_value(j, key);
    buf_add_json_text(j->out, str_from(value));
}

void json_add_int(struct json *j, const char *key, int64_t value)
{
    start_value(j, key);
    buf_printf(j->out, "%" PRId64, value);
}

void json_add_number(struct json *j, const char *key, double value)
{
    char text[32];
    start_value(j, key);
    buf_add(j->out, text, str_format_f64(text, value));
}

void json_add_bool(struct json *j, const char *key, bool value)
{
    start_value(j, key);
    buf_add_text(j->out, value ? "true" : "false");
}

void json_add_null(struct json *j, const char *key)
{
    start_value(j, key);
    buf_add_text(j->out, "null");
}

void json_add_time(struct json *j, const char *key, int64_t utc_s)
{
    char text[32];
    json_add_text(j, key, time_format_iso(utc_s, text));
}

void json_add_known_int(struct json *j, const char *key, int64_t value, bool is_known)
{
    if (is_known)
        json_add_int(j, key, value);
    else
        json_add_null(j, key);
}

void json_add_known_time(struct json *j, const char *key, int64_t utc_s)
{
    if (utc_s)
        json_add_time(j, key, utc_s);
    else
        json_add_null(j, key);
}

void json_add_error(struct json *j, const char *key, const struct ccd_error *err)
{
    if (err->status == CCD_OK) {
        json_add_null(j, key);
        return;
    }
    json_open_object(j, key);
    json_add_text(j, "status", ccd_status_name(err->status));
    json_add_text(j, "message", cli_error_text(err));
    json_close_object(j);
}

void json_begin(struct json *j, struct buf *out, const char *command, const char *status,
                int exit_code)
{
    json_init(j, out);
    json_open_object(j, NULL);
    json_add_int(j, "schema", SCHEMA_VERSION);
    json_add_text(j, "command", command);
    json_add_text(j, "status", status);
    json_add_int(j, "exit_code", exit_code);
}

void json_end(struct json *j)
{
    json_close_object(j);
    buf_add_char(j->out, '\n');
}
