/* A value of a batch file → the member of a job. */
#include "api/batch_value.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "api/schedule.h"
#include "base/error.h"
#include "base/time.h"

enum { NAMES_MAX = 10000 }; /* of one list, as on the command line */

/* ---- messages ---- */

int batch_refuse(struct batch_reader *r, int line, const char *format, ...)
{
    char text[sizeof(r->err->message)];
    va_list args;
    va_start(args, format);
    (void)vsnprintf(text, sizeof(text), format, args);
    va_end(args);
    return error_set(r->err, CCD_USAGE, "%s:%d: %s", r->name, line, text);
}

int batch_refuse_for_memory(struct batch_reader *r)
{
    return error_set(r->err, CCD_NO_MEMORY, "no memory for the operations of %s", r->name);
}

const char *batch_nearest(struct str given, const char *(*name_at)(size_t index))
{
    const char *found = "";
    unsigned best = 2 + (unsigned)given.len / 3;
    for (size_t i = 0; name_at(i); i++) {
        unsigned distance = str_distance(given, str_from(name_at(i)));
        if (distance < best) {
            best = distance;
            found = name_at(i);
        }
    }
    return found;
}

const char *batch_describe(const struct document_value *value, char out[BATCH_FORM_BYTES])
{
    char shown[BATCH_NAME_BYTES];
    switch (value->kind) {
    case DOCUMENT_NULL:
        return "null";
    case DOCUMENT_BOOL:
        return value->is_true ? "true" : "false";
    case DOCUMENT_INTEGER:
        str_print(out, BATCH_FORM_BYTES, "%lld", (long long)value->integer);
        return out;
    case DOCUMENT_NUMBER:
        return "a number with a fraction or an exponent";
    case DOCUMENT_TEXT:
        str_print(out, BATCH_FORM_BYTES, "the text \"%s%s\"", shown,
                  str_copy(shown, sizeof(shown), value->text) ? "" : "…");
        return out;
    case DOCUMENT_LIST:
        return "a list";
    case DOCUMENT_OBJECT:
        return "an object";
    }
    return "";
}

/* What a value of the key looks like. */
static const char *describe_form(const struct batch_key *key, char out[BATCH_FORM_BYTES])
{
    switch (key->form) {
    case BATCH_CHOICE:
        str_copy(out, BATCH_FORM_BYTES, STR("one of"));
        for (size_t i = 0; key->choice_at(i); i++) {
            size_t len = strlen(out);
            str_print(out + len, BATCH_FORM_BYTES - len, "%s \"%s\"", i ? "," : "",
                      key->choice_at(i));
        }
        return out;
    case BATCH_INTEGER:
        str_print(out, BATCH_FORM_BYTES, "a whole number from %lld to %lld", (long long)key->min,
                  (long long)key->max);
        return out;
    case BATCH_TIME:
        return "a date or date-time in UTC, such as \"2024-02-29\" or \"2024-02-29T13:05\"";
    case BATCH_NAMES:
        return "a list of names, or a text with names and commas";
    case BATCH_FLAG:
        return "true or false";
    case BATCH_EVERY:
        return "a number and s, m, h, d or w, such as \"15m\"";
    case BATCH_CRON:
        return "five fields in UTC, such as \"0 2 * * *\"";
    case BATCH_TYPE:
    case BATCH_TEXT:
        break;
    }
    return "a name";
}

static int refuse_value(struct batch_reader *r, const struct batch_key *key,
                        const struct document_value *value)
{
    char form[BATCH_FORM_BYTES];
    char given[BATCH_FORM_BYTES];
    return batch_refuse(r, value->line, "\"%s\" is to be %s, not %s", key->name,
                        describe_form(key, form), batch_describe(value, given));
}

/* ---- values ---- */

static bool is_choice(const struct batch_key *key, struct str text)
{
    for (size_t i = 0; key->choice_at(i); i++)
        if (str_equal(text, str_from(key->choice_at(i))))
            return true;
    return false;
}

static bool is_good_text(const struct batch_key *key, struct str text)
{
    struct cron cron;
    struct ccd_error why;
    int64_t every_s = 0;
    int64_t utc_s;
    bool date_only;
    switch (key->form) {
    case BATCH_CHOICE:
        return is_choice(key, text);
    case BATCH_TIME:
        return time_parse_iso(text, &utc_s, &date_only);
    case BATCH_EVERY:
        return schedule_parse_every(text, &every_s);
    case BATCH_CRON:
        return schedule_parse_cron(text, &cron, &why) == 0 &&
               schedule_next_cron(&cron, 0) != INT64_MAX;
    default:
        return text.len > 0;
    }
}

static const char *type_name_at(size_t index)
{
    return index < data_type_count ? data_types[index]->name : NULL;
}

static int set_type(struct batch_reader *r, const struct document_value *value, struct ccd_job *job)
{
    char given[BATCH_FORM_BYTES];
    if (value->kind != DOCUMENT_TEXT)
        return batch_refuse(r, value->line,
                            "\"data_type\" is to be the name of a data type, not %s",
                            batch_describe(value, given));
    const struct data_type *type = data_type_find(value->text);
    const char *near = batch_nearest(value->text, type_name_at);
    char shown[BATCH_NAME_BYTES];
    str_copy(shown, sizeof(shown), value->text);
    if (!type && near[0])
        return batch_refuse(r, value->line, "no data type \"%s\"; did you mean \"%s\"?", shown,
                            near);
    if (!type)
        return batch_refuse(r, value->line, "no data type \"%s\"; 'ccdata types' lists them",
                            shown);
    job->data_type = type->name;
    return 0;
}

static size_t count_names(struct str text)
{
    size_t count = 0;
    while (text.len > 0)
        count += str_trim(str_split(&text, ',')).len > 0;
    return count;
}

static int add_names_of_text(struct batch_reader *r, struct str text, const char **names)
{
    for (size_t count = 0; text.len > 0;) {
        struct str name = str_trim(str_split(&text, ','));
        if (name.len == 0)
            continue;
        names[count] = arena_copy_text(r->memory, name);
        if (!names[count++])
            return batch_refuse_for_memory(r);
    }
    return 0;
}

static int add_names_of_list(struct batch_reader *r, const struct batch_key *key,
                             const struct document_value *value, const char **names)
{
    char given[BATCH_FORM_BYTES];
    for (size_t i = 0; i < value->count; i++) {
        const struct document_value *item = &value->items[i];
        if (item->kind != DOCUMENT_TEXT || item->text.len == 0)
            return batch_refuse(r, item->line, "\"%s\" is to be a list of names; item %zu is %s",
                                key->name, i + 1, batch_describe(item, given));
        names[i] = item->text.ptr;
    }
    return 0;
}

static int set_names(struct batch_reader *r, const struct batch_key *key,
                     const struct document_value *value, struct ccd_job *job)
{
    bool is_list = value->kind == DOCUMENT_LIST;
    if (!is_list && value->kind != DOCUMENT_TEXT)
        return refuse_value(r, key, value);
    size_t count = is_list ? value->count : count_names(value->text);
    if (count == 0)
        return batch_refuse(r, value->line, "\"%s\" names nothing; leave it away for its default",
                            key->name);
    if (count > NAMES_MAX)
        return batch_refuse(r, value->line, "\"%s\" has more than %d names; use * to match many",
                            key->name, NAMES_MAX);
    const char **names = arena_alloc(r->memory, count * sizeof(*names));
    if (!names)
        return batch_refuse_for_memory(r);
    *(const char *const **)((char *)job + key->offset) = names;
    *(size_t *)((char *)job + key->count_offset) = count;
    return is_list ? add_names_of_list(r, key, value, names)
                   : add_names_of_text(r, value->text, names);
}

int batch_value_set(struct batch_reader *r, const struct batch_key *key,
                    const struct document_value *value, struct ccd_job *job)
{
    void *member = (char *)job + key->offset;
    switch (key->form) {
    case BATCH_TYPE:
        return set_type(r, value, job);
    case BATCH_NAMES:
        return set_names(r, key, value, job);
    case BATCH_INTEGER:
        if (value->kind != DOCUMENT_INTEGER || value->integer < key->min ||
            value->integer > key->max)
            return refuse_value(r, key, value);
        *(int64_t *)member = value->integer;
        return 0;
    case BATCH_FLAG:
        if (value->kind != DOCUMENT_BOOL)
            return refuse_value(r, key, value);
        *(bool *)member = value->is_true;
        return 0;
    case BATCH_CHOICE:
    case BATCH_TEXT:
    case BATCH_TIME:
    case BATCH_EVERY:
    case BATCH_CRON:
        if (value->kind != DOCUMENT_TEXT || !is_good_text(key, value->text))
            return refuse_value(r, key, value);
        *(const char **)member = value->text.ptr;
        return 0;
    }
    return 0;
}

void batch_value_copy(const struct batch_key *key, struct ccd_job *to, const struct ccd_job *from)
{
    size_t size = sizeof(const char *);
    if (key->form == BATCH_INTEGER)
        size = sizeof(int64_t);
    else if (key->form == BATCH_FLAG)
        size = sizeof(bool);
    memcpy((char *)to + key->offset, (const char *)from + key->offset, size);
    if (key->form == BATCH_NAMES)
        memcpy((char *)to + key->count_offset, (const char *)from + key->count_offset,
               sizeof(size_t));
}
