#include "decode/instruments.h"

#include <jansson.h>
#include <string.h>

enum { PATH_MAX_BYTES = 128 };

static struct str text_of(const json_t *value)
{
    return (struct str){json_string_value(value), json_string_length(value)};
}

/* The document, and its object Data, which must not be empty. *out_root is to be released in any
 * case. */
static int load(struct str body, json_t **out_root, json_t **out_data, struct ccd_error *err)
{
    json_error_t fault;
    *out_root = json_loadb(body.ptr, body.len, JSON_REJECT_DUPLICATES, &fault);
    *out_data = json_object_get(*out_root, "Data");
    if (!*out_root) {
        bool no_memory = json_error_code(&fault) == json_error_out_of_memory;
        int status = error_set(err, no_memory ? CCD_NO_MEMORY : CCD_BAD_REPLY, "%s (byte %d)",
                               fault.text, fault.position);
        if (err)
            err->byte_offset = fault.position;
        return status;
    }
    if (!json_is_object(*out_data) || json_object_size(*out_data) == 0)
        return error_set(err, CCD_BAD_REPLY, "the reply has neither data nor an error");
    return CCD_OK;
}

/* All instruments of all markets. */
static int count_instruments(json_t *data, size_t *out_count, struct ccd_error *err)
{
    const char *market;
    json_t *value;
    *out_count = 0;
    json_object_foreach(data, market, value)
    {
        json_t *instruments = json_object_get(value, "instruments");
        if (!json_is_object(instruments))
            return error_set(err, CCD_BAD_REPLY, "market %s has no list of instruments", market);
        *out_count += json_object_size(instruments);
    }
    return CCD_OK;
}

/* Room for `count` more rows. The layout depends on the capacity, so the rows move to a new batch.
 */
static int grow(struct batch *batch, size_t count, struct ccd_error *err)
{
    size_t needed = batch->row_count + count;
    if (needed <= batch->capacity_rows)
        return CCD_OK;
    size_t capacity = needed > 2 * batch->capacity_rows ? needed : 2 * batch->capacity_rows;
    struct batch bigger;
    int status = batch_init(&bigger, batch->type, capacity, batch->text.max_bytes, batch->allocator,
                            err);
    if (status != CCD_OK)
        return status;
    for (size_t column = 0; column < batch->type->column_count && batch->row_count > 0; column++) {
        memcpy(batch_cell(&bigger, 0, column), batch_cell(batch, 0, column),
               batch->row_count * sizeof(union cell));
    }
    for (size_t row = 0; row < batch->row_count; row++)
        bigger.present[row] = batch->present[row];
    bigger.row_count = batch->row_count;
    bigger.unknown_keys = batch->unknown_keys;
    memcpy(bigger.first_unknown_key, batch->first_unknown_key, sizeof bigger.first_unknown_key);
    struct buf text = bigger.text;
    bigger.text = batch->text;
    batch->text = text;
    batch_release(batch);
    *batch = bigger;
    return CCD_OK;
}

/* Make *batch what it was: `before`, apart from its memory, which may have moved. */
static void restore(struct batch *batch, const struct batch *before, size_t end)
{
    for (size_t row = before->row_count; row < end; row++) {
        for (size_t column = 0; column < batch->type->column_count; column++)
            *batch_cell(batch, row, column) = (union cell){0};
        batch->present[row] = 0;
    }
    batch->text.len = before->text.len;
    batch->text.failed = before->text.failed;
    batch->unknown_keys = before->unknown_keys;
    memcpy(batch->first_unknown_key, before->first_unknown_key, sizeof batch->first_unknown_key);
}

/* Where a record stands in the reply, for messages. */
struct record {
    struct batch *batch;
    size_t row;
    const char *market;
    const char *name;
};

static int refuse(const struct record *r, const char *key, const char *reason,
                  struct ccd_error *err)
{
    return error_set(err, CCD_BAD_REPLY, "instrument %s of %s, %s: %s", r->name, r->market, key,
                     reason);
}

static int set_text(const struct record *r, size_t column, struct str text, struct ccd_error *err)
{
    if (batch_set_text(r->batch, r->row, column, text) != CCD_OK)
        return error_set(err, CCD_NO_MEMORY, "no room for the texts of a catalogue");
    return CCD_OK;
}

/* null stays NULL; a value of another type refuses the reply. */
static int set_cell(const struct record *r, size_t column, json_t *value, struct ccd_error *err)
{
    const struct column *info = &r->batch->type->columns[column];
    if (json_is_null(value))
        return CCD_OK;
    switch (info->kind) {
    case COLUMN_TEXT:
        if (json_is_string(value))
            return set_text(r, column, text_of(value), err);
        break;
    case COLUMN_I64:
    case COLUMN_UTC_S:
        if (json_is_integer(value)) {
            batch_set_i64(r->batch, r->row, column, json_integer_value(value));
            return CCD_OK;
        }
        break;
    case COLUMN_F64:
        if (json_is_number(value)) {
            batch_set_f64(r->batch, r->row, column, json_number_value(value));
            return CCD_OK;
        }
        break;
    case COLUMN_BOOL:
        if (json_is_boolean(value)) {
            batch_set_i64(r->batch, r->row, column, json_is_true(value));
            return CCD_OK;
        }
        break;
    }
    return refuse(r, info->key, "wrong type of value", err);
}

/* Column whose path is prefix.key, or key alone when prefix is NULL; -1 = none. */
static int find_column(const struct data_type *type, const char *prefix, const char *key)
{
    char path[PATH_MAX_BYTES];
    bool fits = strchr(key, '.') == NULL; /* a point in a name is no path */
    fits = fits && (prefix ? str_print(path, sizeof path, "%s.%s", prefix, key)
                           : str_copy(path, sizeof path, str_from(key)));
    for (size_t i = 0; fits && i < type->column_count; i++) {
        bool has_path = (type->columns[i].flags & COLUMN_OBJECT_KEY) == 0;
        if (has_path && strcmp(type->columns[i].key, path) == 0)
            return (int)i;
    }
    return -1;
}

/* Whether columns are read from inside of the member `key`. */
static bool holds_columns(const struct data_type *type, const char *key)
{
    size_t len = strlen(key);
    for (size_t i = 0; i < type->column_count; i++) {
        const char *path = type->columns[i].key;
        if (strncmp(path, key, len) == 0 && path[len] == '.')
            return true;
    }
    return false;
}

static void count_unknown(struct batch *batch, const char *key)
{
    if (batch->unknown_keys++ == 0)
        str_copy(batch->first_unknown_key, sizeof batch->first_unknown_key, str_from(key));
}

/* The members of an object inside of a record. */
static int set_nested(const struct record *r, const char *prefix, json_t *object,
                      struct ccd_error *err)
{
    const char *key;
    json_t *value;
    if (!json_is_object(object))
        return json_is_null(object) ? CCD_OK : refuse(r, prefix, "wrong type of value", err);
    json_object_foreach(object, key, value)
    {
        int column = find_column(r->batch->type, prefix, key);
        if (column < 0) {
            count_unknown(r->batch, key);
            continue;
        }
        int status = set_cell(r, (size_t)column, value, err);
        if (status != CCD_OK)
            return status;
    }
    return CCD_OK;
}

static int set_member(const struct record *r, const char *key, json_t *value, struct ccd_error *err)
{
    const struct data_type *type = r->batch->type;
    int column = find_column(type, NULL, key);
    if (column >= 0)
        return set_cell(r, (size_t)column, value, err);
    if (holds_columns(type, key))
        return set_nested(r, key, value, err);
    count_unknown(r->batch, key);
    return CCD_OK;
}

/* What does not stand in the record itself, and whether all that must be there is. */
static int complete(const struct record *r, struct ccd_error *err)
{
    const struct data_type *type = r->batch->type;
    for (size_t i = 0; i < type->column_count; i++) {
        if ((type->columns[i].flags & COLUMN_OBJECT_KEY) != 0) {
            int status = set_text(r, i, str_from(r->market), err);
            if (status != CCD_OK)
                return status;
        }
        if ((type->columns[i].flags & COLUMN_REQUIRED) != 0 && !batch_has(r->batch, r->row, i))
            return refuse(r, type->columns[i].key, "required member is missing", err);
    }
    return CCD_OK;
}

static int set_record(const struct record *r, json_t *object, struct ccd_error *err)
{
    const char *key;
    json_t *value;
    if (!json_is_object(object))
        return refuse(r, "record", "not an object", err);
    json_object_foreach(object, key, value)
    {
        int status = set_member(r, key, value, err);
        if (status != CCD_OK)
            return status;
    }
    return complete(r, err);
}

static int set_records(struct batch *batch, json_t *data, struct ccd_error *err)
{
    struct record r = {.batch = batch, .row = batch->row_count};
    json_t *market;
    json_t *object;
    json_object_foreach(data, r.market, market)
    {
        json_object_foreach(json_object_get(market, "instruments"), r.name, object)
        {
            int status = set_record(&r, object, err);
            if (status != CCD_OK)
                return status;
            r.row++;
        }
    }
    return CCD_OK;
}

int instruments_decode(struct str body, struct batch *batch, struct ccd_error *err)
{
    json_t *root = NULL;
    json_t *data = NULL;
    size_t count = 0;
    int status = load(body, &root, &data, err);
    if (status == CCD_OK)
        status = count_instruments(data, &count, err);
    if (status == CCD_OK)
        status = grow(batch, count, err);
    if (status == CCD_OK) {
        const struct batch before = *batch;
        status = set_records(batch, data, err);
        if (status == CCD_OK)
            batch->row_count += count;
        else
            restore(batch, &before, before.row_count + count);
    }
    json_decref(root);
    return status;
}

/* Data.LIST of the top list: every entry must have its symbol. */
static int check_list(json_t *data, json_t *list, int64_t *out_total, struct ccd_error *err)
{
    size_t i;
    json_t *entry;
    json_array_foreach(list, i, entry)
    {
        json_t *symbol = json_object_get(entry, "SYMBOL");
        if (!json_is_string(symbol) || json_string_length(symbol) == 0)
            return error_set(err, CCD_BAD_REPLY, "entry %zu of the list has no symbol", i);
    }
    json_t *total = json_object_get(json_object_get(data, "STATS"), "TOTAL_ASSETS");
    if (total && (!json_is_integer(total) || json_integer_value(total) < 0))
        return error_set(err, CCD_BAD_REPLY, "TOTAL_ASSETS is not a count");
    *out_total = json_integer_value(total);
    return CCD_OK;
}

static int add_names(json_t *data, json_t *list, int (*name_add)(void *user, struct str name),
                     void *user)
{
    size_t i;
    const char *key;
    json_t *value;
    if (list) {
        json_array_foreach(list, i, value)
        {
            if (name_add(user, text_of(json_object_get(value, "SYMBOL"))) != 0)
                return CCD_NO_MEMORY;
        }
        return CCD_OK;
    }
    json_object_foreach(data, key, value)
    {
        if (name_add(user, str_from(key)) != 0)
            return CCD_NO_MEMORY;
    }
    return CCD_OK;
}

int names_decode(struct str body, int (*name_add)(void *user, struct str name), void *user,
                 int64_t *out_total, struct ccd_error *err)
{
    json_t *root = NULL;
    json_t *data = NULL;
    json_t *list = NULL;
    *out_total = 0;
    int status = load(body, &root, &data, err);
    if (status == CCD_OK) {
        list = json_object_get(data, "LIST");
        list = json_is_array(list) ? list : NULL;
        status = list ? check_list(data, list, out_total, err) : CCD_OK;
    }
    if (status == CCD_OK && add_names(data, list, name_add, user) != CCD_OK)
        status = error_set(err, CCD_NO_MEMORY, "no room for the names of the reply");
    json_decref(root);
    return status;
}
