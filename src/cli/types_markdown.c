#include <inttypes.h>

#include "cli/commands.h"
#include "cli/term.h"
#include "cli/types.h"

/* Prose inside a table cell: what Markdown would read as its own is escaped. */
static void add_prose(struct buf *out, const char *text)
{
    for (; text && *text; text++) {
        if (*text == '|' || *text == '<' || *text == '*' || *text == '_' || *text == '\\') {
            buf_add_char(out, '\\');
        }
        buf_add_char(out, *text);
    }
}

static void add_code(struct buf *out, const char *text)
{
    if (text && *text) {
        buf_printf(out, "`%s`", text);
    }
}

static void add_tables(struct buf *out, size_t type_index)
{
    size_t count = ccd_type_at(type_index).column_count;
    for (size_t first = 0; first < count; first = types_table_end(type_index, first)) {
        buf_printf(out, "%s`%s`", first ? ", " : "In ",
                   ccd_type_column_at(type_index, first).table);
    }
    buf_add_text(out, ".\n");
}

static void add_views(struct buf *out, const struct ccd_type_info *type)
{
    buf_add_text(out, "| interval | view | most periods per call |\n|---|---|---:|\n");
    for (size_t i = 0; i < ccd_interval_count(); i++) {
        struct ccd_interval_info interval = ccd_interval_at(i);
        buf_printf(out, "| %s | `%s_%s` | %" PRId64 " |\n", interval.name, type->name,
                   interval.name, interval.page_max);
    }
}

static void add_columns(struct buf *out, size_t type_index, size_t first, size_t end)
{
    buf_add_text(out, "| column | vendor field | group | kind | role | unit | meaning |\n"
                      "|---|---|---|---|---|---|---|\n");
    for (size_t i = first; i < end; i++) {
        struct ccd_column_info column = ccd_type_column_at(type_index, i);
        buf_add_text(out, "| ");
        add_code(out, column.name);
        buf_add_text(out, " | ");
        add_code(out, column.vendor_key);
        buf_add_text(out, " | ");
        add_prose(out, column.group);
        buf_printf(out, " | %s | %s | ", column.kind, column.role);
        add_prose(out, column.unit);
        buf_add_text(out, " | ");
        add_prose(out, column.meaning);
        buf_add_text(out, " |\n");
    }
}

static void add_all_columns(struct buf *out, size_t type_index, size_t column_count)
{
    for (size_t first = 0, end; first < column_count; first = end) {
        const char *table = ccd_type_column_at(type_index, first).table;
        end = types_table_end(type_index, first);
        if (table) {
            buf_printf(out, "%s## Table `%s`\n\n", first ? "\n" : "", table);
        } else {
            buf_add_text(out, "## Columns\n\n");
        }
        add_columns(out, type_index, first, end);
    }
    buf_add_text(out,
                 "\nRoles: *key* identifies the row, *series* belongs to the series and is kept "
                 "once for it,\n*value* is kept for every row, *echo* repeats what was asked for "
                 "and is checked.\n");
}

void types_add_markdown_page(struct buf *out, size_t type_index)
{
    struct ccd_type_info type = ccd_type_at(type_index);
    const struct command *command = cli_command_find(str_from(type.name));
    buf_printf(out, "# %s\n\n", type.name);
    add_prose(out, type.title);
    buf_printf(out, ", from `%s`.\nSource: ", type.path);
    add_prose(out, type.source);
    buf_add_text(out, ".\n\n");
    if (type.candles) {
        add_views(out, &type);
    } else {
        add_tables(out, type_index);
    }
    if (command) {
        buf_printf(out, "\n    %s\n", command->example);
    }
    buf_add_char(out, '\n');
    add_all_columns(out, type_index, type.column_count);
    buf_printf(out, "\nPrinted by `ccdata types %s --markdown`.\n", type.name);
}

void types_add_markdown_index(struct buf *out)
{
    buf_add_text(out, "# Data types\n\n"
                      "| name | what | intervals | columns |\n|---|---|---|---:|\n");
    for (size_t i = 0; i < ccd_type_count(); i++) {
        struct ccd_type_info type = ccd_type_at(i);
        buf_printf(out, "| [%s](%s.md) | ", type.name, type.name);
        add_prose(out, type.title);
        buf_add_text(out, " | ");
        types_add_intervals(out, &type, ", ");
        buf_printf(out, " | %zu |\n", type.column_count);
    }
    buf_add_text(out, "\nPrinted by `ccdata types --markdown`.\n");
}
