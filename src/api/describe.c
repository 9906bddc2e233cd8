/* What there is: types, columns, intervals, settings. */
#include <stdio.h>
#include <string.h>

#include "api/client.h"
#include "http/client.h"
#include "model/data_type.h"

enum { SETTINGS_FILE_MAX_BYTES = 1 << 20 };

const char *ccd_version(void)
{
    return CCDATA_VERSION;
}

const char *ccd_libraries(void)
{
    return http_library();
}

size_t ccd_type_count(void)
{
    return data_type_count;
}

/* The tables that hold a type's columns: its own, or those that it fills. */
static const struct data_type *table_of(const struct data_type *type, size_t place)
{
    if (type->shape == SHAPE_METADATA)
        return place < type->table_count ? type->tables[place] : NULL;
    return place == 0 ? type : NULL;
}

static size_t count_columns(const struct data_type *type)
{
    const struct data_type *table;
    size_t count = 0;
    for (size_t i = 0; (table = table_of(type, i)) != NULL; i++)
        count += table->column_count;
    return count;
}

struct ccd_type_info ccd_type_at(size_t index)
{
    const struct data_type *type = data_types[index];
    return (struct ccd_type_info){
        .name = type->name,
        .title = type->title,
        .source = type->source,
        .path = type->path,
        .candles = type->shape == SHAPE_CANDLES,
        .column_count = count_columns(type),
    };
}

static const char *kind_name(enum column_kind kind)
{
    switch (kind) {
    case COLUMN_I64:
        return "integer";
    case COLUMN_F64:
        return "number";
    case COLUMN_TEXT:
        return "text";
    case COLUMN_BOOL:
        return "boolean";
    case COLUMN_UTC_S:
        return "time";
    }
    return "";
}

static const char *role_name(const struct column *column)
{
    const uint32_t key = COLUMN_TS | COLUMN_MARKET | COLUMN_INSTRUMENT | COLUMN_KEY;
    if (column->flags & key)
        return "key";
    if (column->flags & COLUMN_UNIT)
        return "echo";
    if (column->flags & (COLUMN_SERIES | COLUMN_MAPPED))
        return "series";
    return "value";
}

struct ccd_column_info ccd_type_column_at(size_t type_index, size_t column_index)
{
    const struct data_type *type = data_types[type_index];
    size_t place = 0;
    while (column_index >= table_of(type, place)->column_count)
        column_index -= table_of(type, place++)->column_count;
    const struct data_type *table = table_of(type, place);
    const struct column *column = &table->columns[column_index];
    return (struct ccd_column_info){
        .table = table->shape == SHAPE_CANDLES ? NULL : table->name,
        .name = column->name,
        .vendor_key = column->key,
        .kind = kind_name(column->kind),
        .role = role_name(column),
        .unit = column->unit,
        .meaning = column->meaning,
        .group = column->group,
    };
}

size_t ccd_type_find(const char *name, const char **out_nearest)
{
    struct str given = str_from(name);
    unsigned best = 256;
    size_t nearest = 0;
    for (size_t i = 0; i < data_type_count; i++) {
        unsigned distance = str_distance(given, str_from(data_types[i]->name));
        if (distance < best) {
            best = distance;
            nearest = i;
        }
    }
    if (out_nearest)
        *out_nearest = data_types[nearest]->name;
    return data_type_find(given) ? nearest : SIZE_MAX;
}

size_t ccd_interval_count(void)
{
    return INTERVAL_COUNT;
}

struct ccd_interval_info ccd_interval_at(size_t index)
{
    const struct interval_info *info = &interval_infos[index];
    return (struct ccd_interval_info){
        .name = info->name,
        .step_s = info->step_s,
        .page_max = info->page_max,
    };
}

void ccd_text_free(char *text)
{
    mem_free(NULL, text);
}

size_t ccd_setting_count(void)
{
    return CONFIG_COUNT;
}

struct ccd_setting_info ccd_setting_at(size_t index)
{
    const struct config_option *option = config_option((enum config_id)index);
    return (struct ccd_setting_info){
        .name = option->name,
        .type = config_type_name(option->type),
        .default_value = option->fallback[0] ? option->fallback : NULL,
        .description = option->meaning,
        .secret = (option->flags & CONFIG_HIDDEN) != 0,
    };
}

static int choose(const char **values, const struct ccd_setting_choice *choice,
                  struct ccd_error *err)
{
    enum config_id id;
    bool is_file = false;
    if (!config_option_find(str_from(choice->name), &id, &is_file) || is_file)
        return error_set(err, CCD_USAGE, "no setting is called \"%s\"", choice->name);
    if (choice->value[strcspn(choice->value, "\r\n")])
        return error_set(err, CCD_USAGE, "the value of %s has a line break", choice->name);
    values[id] = choice->value;
    return 0;
}

int ccd_settings_file(const struct ccd_setting_choice *choices, size_t count, char **out_text,
                      struct ccd_error *err)
{
    const char *values[CONFIG_COUNT] = {0};
    struct buf text;
    for (size_t i = 0; i < count; i++)
        if (choose(values, &choices[i], err) != 0)
            return (int)err->status;
    buf_init(&text, SETTINGS_FILE_MAX_BYTES, NULL);
    config_write_example(&text, values);
    size_t len = text.len + 1;
    *out_text = text.failed ? NULL : mem_new(NULL, len, 1);
    if (*out_text)
        str_copy(*out_text, len, buf_str(&text));
    if (text.data)
        explicit_bzero(text.data, text.len); /* it may hold the key */
    buf_release(&text);
    return *out_text ? 0 : error_set(err, CCD_NO_MEMORY, "no memory for a settings file");
}

const char *ccd_setting_value(const struct ccd_client *client, const char *name,
                              const char **out_source)
{
    enum config_id id;
    bool is_file = false;
    if (!config_option_find(str_from(name), &id, &is_file) || is_file ||
        !config_has(client->config, id))
        return NULL;
    if (out_source)
        *out_source = config_source(client->config, id);
    return config_shown(client->config, id);
}
