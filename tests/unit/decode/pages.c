#include "pages.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const struct column small_columns[SMALL_COLUMN_COUNT] = {
    [SMALL_TS] = {.name = "ts", .key = "TS", .kind = COLUMN_UTC_S, .flags = COLUMN_REQUIRED},
    [SMALL_NAME] = {.name = "name", .key = "NAME", .kind = COLUMN_TEXT},
    [SMALL_PRICE] = {.name = "price", .key = "PRICE", .kind = COLUMN_F64},
    [SMALL_COUNT] = {.name = "count", .key = "COUNT", .kind = COLUMN_I64},
    [SMALL_FLAG] = {.name = "flag", .key = "FLAG", .kind = COLUMN_BOOL},
    [SMALL_LONG_KEY] = {.name = "long_key",
                        .key = "A_NAME_OF_FORTY_LETTERS_IS_LONGER_THAN_30",
                        .kind = COLUMN_F64},
    [SMALL_A] = {.name = "a", .key = "A", .kind = COLUMN_F64},
};

const struct data_type small_type = {
    .name = "small",
    .title = "A type for tests",
    .shape = SHAPE_CANDLES,
    .columns = small_columns,
    .column_count = SMALL_COLUMN_COUNT,
};

enum { TEXT_AREA_BYTES = 4 << 20 };

bool page_run_init(struct page_run *run, const struct data_type *type, size_t rows_max)
{
    *run = (struct page_run){.rows_max = rows_max};
    return batch_init(&run->batch, type, rows_max, TEXT_AREA_BYTES, NULL, &run->err) == CCD_OK;
}

void page_run_release(struct page_run *run)
{
    batch_release(&run->batch);
}

int page_run_bytes(struct page_run *run, const char *bytes, size_t len)
{
    char *copy = malloc(len > 0 ? len : 1);
    if (!copy)
        abort();
    memcpy(copy, bytes, len);
    run->status = page_decode(&run->decoder, len > 0 ? copy : NULL, len, run->rows_max, &run->batch,
                              &run->envelope, &run->err);
    free(copy);
    return run->status;
}

int page_run_text(struct page_run *run, const char *text)
{
    return page_run_bytes(run, text, strlen(text));
}

static int depth_of(json_t *value)
{
    const char *key;
    size_t i;
    json_t *inner;
    int deepest = 0;
    if (json_is_object(value)) {
        json_object_foreach(value, key, inner)
        {
            int depth = depth_of(inner);
            deepest = depth > deepest ? depth : deepest;
        }
    } else if (json_is_array(value)) {
        json_array_foreach(value, i, inner)
        {
            int depth = depth_of(inner);
            deepest = depth > deepest ? depth : deepest;
        }
    } else {
        return 0;
    }
    return deepest + 1;
}

static bool value_fits(const struct column *column, json_t *value)
{
    switch (column->kind) {
    case COLUMN_I64:
    case COLUMN_UTC_S:
        return json_is_integer(value);
    case COLUMN_F64:
        return json_is_number(value);
    case COLUMN_TEXT:
        return json_is_string(value);
    case COLUMN_BOOL:
        return json_is_boolean(value);
    }
    return false;
}

static bool record_fits(const struct data_type *type, json_t *record)
{
    if (!json_is_object(record))
        return false;
    for (size_t i = 0; i < type->column_count; i++) {
        const struct column *column = &type->columns[i];
        json_t *value = json_object_get(record, column->key);
        bool absent = !value || json_is_null(value);
        if (absent ? (column->flags & COLUMN_REQUIRED) != 0 : !value_fits(column, value))
            return false;
    }
    return true;
}

static bool page_fits(const struct page_run *run, json_t *root)
{
    json_t *data = json_object_get(root, "Data");
    json_t *err = json_object_get(root, "Err");
    if (!json_is_object(root) || (err && !json_is_null(err) && !json_is_object(err)))
        return false;
    if (!json_is_array(data))
        return true;
    size_t i;
    json_t *record;
    json_array_foreach(data, i, record)
    {
        if (i >= run->rows_max || !record_fits(run->batch.type, record))
            return false;
    }
    return true;
}

static bool cell_equals(const struct batch *batch, size_t row, size_t column, json_t *value)
{
    const union cell *cell = batch_cell(batch, row, column);
    if (!value || json_is_null(value))
        return !batch_has(batch, row, column) && cell->i64 == 0;
    if (!batch_has(batch, row, column))
        return false;
    double real = json_real_value(value);
    switch (batch->type->columns[column].kind) {
    case COLUMN_F64:
        return json_is_integer(value) ? cell->f64 == (double)json_integer_value(value)
                                      : memcmp(&cell->f64, &real, sizeof real) == 0;
    case COLUMN_TEXT:
        return str_equal(batch_text(batch, row, column),
                         (struct str){json_string_value(value), json_string_length(value)});
    case COLUMN_BOOL:
        return cell->i64 == json_is_true(value);
    case COLUMN_I64:
    case COLUMN_UTC_S:
        return cell->i64 == json_integer_value(value);
    }
    return false;
}

static const char *compare_page(const struct page_run *run, json_t *root)
{
    const struct batch *batch = &run->batch;
    json_t *data = json_object_get(root, "Data");
    const char *response = json_string_value(json_object_get(root, "Response"));
    bool has_error = json_object_size(json_object_get(root, "Err")) > 0 ||
                     (response && strcmp(response, "Error") == 0);
    if (run->envelope.has_error != has_error)
        return "has_error";
    if (run->envelope.has_data_list != json_is_array(data))
        return "has_data_list";
    if (batch->row_count != (has_error ? 0 : json_array_size(data)))
        return "row count";
    for (size_t row = 0; row < batch->row_count; row++) {
        for (size_t column = 0; column < batch->type->column_count; column++) {
            json_t *value = json_object_get(json_array_get(data, row),
                                            batch->type->columns[column].key);
            if (!cell_equals(batch, row, column, value))
                return batch->type->columns[column].key;
        }
    }
    return NULL;
}

/* Intended differences, where jansson's answer says nothing about ours:
 *  - a member given twice: we refuse it where the registry or the envelope knows it, jansson
 * everywhere or nowhere;
 *  - an integer beyond int64: we take it as a double for an F64 column and ignore it in unknown
 * members;
 *  - a number too large for a double: refused by both, but jansson reports it like the former.
 * Depth is limited to 32 by us and to 2048 by jansson: the tree is measured. A NUL byte is never
 * JSON, though jansson overlooks it after a number. */
enum oracle_answer oracle_ask(const struct page_run *run, const char *bytes, size_t len,
                              const char **out_mismatch)
{
    json_error_t fault;
    *out_mismatch = NULL;
    if (memchr(bytes, '\0', len))
        return ORACLE_REFUSES;
    json_t *root = json_loadb(bytes, len, JSON_REJECT_DUPLICATES, &fault);
    if (!root) {
        enum json_error_code code = json_error_code(&fault);
        return code == json_error_duplicate_key || code == json_error_numeric_overflow
                   ? ORACLE_SILENT
                   : ORACLE_REFUSES;
    }
    enum oracle_answer answer = ORACLE_REFUSES;
    if (depth_of(root) <= DECODE_DEPTH_MAX && page_fits(run, root)) {
        answer = ORACLE_ACCEPTS;
        if (run->status == CCD_OK)
            *out_mismatch = compare_page(run, root);
    }
    json_decref(root);
    return answer;
}

bool samples_path(char *out, size_t capacity_bytes, const char *name)
{
    const char *shared = getenv("CCDATA_SHARED");
    bool fits = str_print(out, capacity_bytes, "%s/api/samples/%s",
                          shared ? shared : SOURCE_ROOT "/../shared", name);
    FILE *file = fits ? fopen(out, "rb") : NULL;
    if (!file)
        return false;
    fclose(file);
    return true;
}

bool read_file(const char *path, char **out, size_t *out_len)
{
    FILE *file = fopen(path, "rb");
    *out = NULL;
    *out_len = 0;
    if (!file)
        return false;
    size_t capacity = 1 << 16;
    size_t got;
    bool ok = true;
    do {
        char *bytes = realloc(*out, capacity);
        if (!bytes) {
            ok = false;
            break;
        }
        *out = bytes;
        got = fread(*out + *out_len, 1, capacity - *out_len, file);
        *out_len += got;
        capacity *= 2;
    } while (got > 0);
    ok = ok && !ferror(file);
    fclose(file);
    if (!ok) {
        free(*out);
        *out = NULL;
    }
    return ok;
}
