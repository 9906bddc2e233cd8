#include "cli/types.h"

#include <inttypes.h>
#include <limits.h>
#include <string.h>

#include "base/error.h"
#include "cli/args.h"
#include "cli/cli.h"
#include "cli/commands.h"
#include "cli/json.h"
#include "cli/table.h"
#include "cli/term.h"

enum { INTERVALS_TEXT_MAX_BYTES = 256 };

void types_add_intervals(struct buf *out, const struct ccd_type_info *type, const char *separator)
{
    if (!type->candles) {
        buf_add_char(out, '-');
        return;
    }
    for (size_t i = 0; i < ccd_interval_count(); i++) {
        buf_printf(out, "%s%s", i ? separator : "", ccd_interval_at(i).name);
    }
}

static void add_list(struct buf *out)
{
    static const struct table_column COLUMNS[] = {
        {"name", false}, {"title", false}, {"intervals", false}, {"columns", true}};
    struct table table;
    struct buf intervals;
    table_init(&table, COLUMNS, sizeof COLUMNS / sizeof COLUMNS[0]);
    buf_init(&intervals, INTERVALS_TEXT_MAX_BYTES, NULL);
    for (size_t i = 0; i < ccd_type_count(); i++) {
        struct ccd_type_info type = ccd_type_at(i);
        buf_clear(&intervals);
        types_add_intervals(&intervals, &type, " ");
        table_add_text(&table, type.name);
        table_add_text(&table, type.title);
        table_add_text(&table, buf_str(&intervals).ptr);
        table_add_int(&table, (int64_t)type.column_count);
    }
    table_print(&table, out);
    buf_release(&intervals);
    table_release(&table);
}

size_t types_table_end(size_t type_index, size_t first)
{
    size_t count = ccd_type_at(type_index).column_count;
    const char *table = ccd_type_column_at(type_index, first).table;
    size_t end = first + 1;
    while (end < count && table && strcmp(ccd_type_column_at(type_index, end).table, table) == 0) {
        end++;
    }
    return table ? end : count;
}

static void add_columns(struct buf *out, size_t type_index, size_t first, size_t end)
{
    static const struct table_column COLUMNS[] = {{"column", false}, {"vendor key", false},
                                                  {"kind", false},   {"role", false},
                                                  {"unit", false},   {"meaning", false}};
    struct table table;
    table_init(&table, COLUMNS, sizeof COLUMNS / sizeof COLUMNS[0]);
    for (size_t i = first; i < end; i++) {
        struct ccd_column_info column = ccd_type_column_at(type_index, i);
        table_add_text(&table, column.name);
        table_add_text(&table, column.vendor_key);
        table_add_text(&table, column.kind);
        table_add_text(&table, column.role);
        table_add_text(&table, column.unit);
        table_add_text(&table, column.meaning);
    }
    table_print(&table, out);
    table_release(&table);
}

static void add_type(struct buf *out, size_t type_index)
{
    struct ccd_type_info type = ccd_type_at(type_index);
    buf_printf(out, "%s: %s\npath:    %s\nsource:  %s\n", type.name, type.title, type.path,
               type.source);
    for (size_t i = 0; type.candles && i < ccd_interval_count(); i++) {
        struct ccd_interval_info interval = ccd_interval_at(i);
        buf_printf(out, "%s       view %s_%s, at most %" PRId64 " periods per call\n",
                   interval.name, type.name, interval.name, interval.page_max);
    }
    for (size_t first = 0, end; first < type.column_count; first = end) {
        const char *table = ccd_type_column_at(type_index, first).table;
        end = types_table_end(type_index, first);
        buf_printf(out, "%s%s%s\n", table ? "\ntable " : "", table ? table : "", table ? "\n" : "");
        add_columns(out, type_index, first, end);
    }
}

static void add_json_columns(struct json *j, size_t type_index, size_t column_count)
{
    json_open_list(j, "columns");
    for (size_t i = 0; i < column_count; i++) {
        struct ccd_column_info column = ccd_type_column_at(type_index, i);
        json_open_object(j, NULL);
        json_add_text(j, "table", column.table);
        json_add_text(j, "name", column.name);
        json_add_text(j, "vendor_key", column.vendor_key);
        json_add_text(j, "kind", column.kind);
        json_add_text(j, "role", column.role);
        json_add_text(j, "unit", column.unit);
        json_add_text(j, "group", column.group);
        json_add_text(j, "meaning", column.meaning);
        json_close_object(j);
    }
    json_close_list(j);
}

static void add_json_type(struct json *j, size_t type_index)
{
    struct ccd_type_info type = ccd_type_at(type_index);
    json_open_object(j, NULL);
    json_add_text(j, "name", type.name);
    json_add_text(j, "title", type.title);
    json_add_text(j, "source", type.source);
    json_add_text(j, "path", type.path);
    json_add_bool(j, "candles", type.candles);
    json_open_list(j, "intervals");
    for (size_t i = 0; type.candles && i < ccd_interval_count(); i++) {
        struct ccd_interval_info interval = ccd_interval_at(i);
        json_open_object(j, NULL);
        json_add_text(j, "name", interval.name);
        json_add_int(j, "step_seconds", interval.step_s);
        json_add_int(j, "page_max", interval.page_max);
        json_close_object(j);
    }
    json_close_list(j);
    add_json_columns(j, type_index, type.column_count);
    json_close_object(j);
}

/* type_index SIZE_MAX: all of them. */
static void add_json(struct buf *out, const char *command, size_t type_index)
{
    struct json j;
    json_begin(&j, out, command, "complete", 0);
    json_open_list(&j, "types");
    for (size_t i = 0; i < ccd_type_count(); i++) {
        if (type_index == SIZE_MAX || i == type_index) {
            add_json_type(&j, i);
        }
    }
    json_close_list(&j);
    json_end(&j);
}

static int find_type(const char *name, size_t *out_index, struct ccd_error *err)
{
    const char *nearest = NULL;
    unsigned best = UINT_MAX;
    size_t index = ccd_type_find(name, &nearest);
    if (index == SIZE_MAX && nearest && term_is_near(str_from(name), str_from(nearest), &best)) {
        return error_set(err, CCD_USAGE, "unknown data type '%s'; did you mean '%s'?", name,
                         nearest);
    }
    if (index == SIZE_MAX) {
        return error_set(err, CCD_USAGE, "unknown data type '%s'; 'ccdata types' lists them", name);
    }
    *out_index = index;
    return 0;
}

int types_run(struct cli *cli, const struct args *args)
{
    struct ccd_error err = {0};
    struct buf text;
    size_t index = SIZE_MAX;
    if (args->operand && find_type(args->operand, &index, &err) != 0) {
        return cli_fail(cli, args, &err);
    }
    buf_init(&text, OUTPUT_MAX_BYTES, NULL);
    if (args->json) {
        add_json(&text, args->command->name, index);
    } else if (args->markdown && args->operand) {
        types_add_markdown_page(&text, index);
    } else if (args->markdown) {
        types_add_markdown_index(&text);
    } else if (args->operand) {
        add_type(&text, index);
    } else {
        add_list(&text);
    }
    return cli_print(cli, &text);
}
