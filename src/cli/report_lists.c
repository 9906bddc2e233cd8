#include <inttypes.h>

#include "cli/cli.h"
#include "cli/report.h"
#include "cli/table.h"
#include "cli/term.h"

bool list_is_done(const struct ccd_list_result *list)
{
    return list->state == CCD_SERIES_COMPLETE || list->state == CCD_SERIES_UP_TO_DATE;
}

size_t lists_count(const struct ccd_report *report)
{
    size_t count = 0;
    for (size_t i = 0; i < report->operation_count; i++)
        count += report->operations[i].list_count;
    return count;
}

static void add_names(struct table *table, const struct ccd_list_result *list, bool has_markets)
{
    table_add_text(table, list->table);
    if (has_markets)
        table_add_text(table, list->market);
    table_add_text(table, ccd_series_state_name(list->state));
}

static bool any_market(const struct ccd_operation *o)
{
    return o->list_count > 0 && o->lists[0].market;
}

static bool any_refused(const struct ccd_operation *o)
{
    for (size_t i = 0; i < o->list_count; i++)
        if (o->lists[i].refused > 0)
            return true;
    return false;
}

static size_t begin_columns(struct table_column *columns, bool has_markets)
{
    size_t count = 0;
    columns[count++] = (struct table_column){"table", false};
    if (has_markets)
        columns[count++] = (struct table_column){"market", false};
    columns[count++] = (struct table_column){"state", false};
    return count;
}

static void add_counts(struct table *table, const struct ccd_list_result *list, bool has_refused)
{
    table_add_int(table, list->listed);
    table_add_int(table, list->added);
    table_add_int(table, list->changed);
    table_add_int(table, list->unchanged);
    table_add_int(table, list->gone);
    if (has_refused)
        table_add_int(table, list->refused);
}

/* What of the vendor's records has no place in our tables. */
static void add_unknown_keys(struct buf *out, const struct ccd_operation *o)
{
    for (size_t i = 0; i < o->list_count; i++) {
        const struct ccd_list_result *list = &o->lists[i];
        if (list->unknown_keys == 0)
            continue;
        term_add_escaped(out, str_from(list->market ? list->market : list->table));
        buf_printf(out, ": %" PRId64 " members that no column takes, the first ",
                   list->unknown_keys);
        term_add_escaped(out, str_from(list->first_unknown_key));
        buf_add_char(out, '\n');
    }
}

static void add_hidden(struct buf *out, size_t hidden)
{
    if (hidden > 0)
        buf_printf(out, "and %zu lists without a failure (-v lists them)\n", hidden);
}

void lists_add(struct buf *out, const struct ccd_operation *o, bool all)
{
    static const char *const COUNTS[] = {"listed",         "new",    "changed", "unchanged",
                                         "no longer listed", "refused"};
    struct table_column columns[TABLE_COLUMNS_MAX];
    bool has_markets = any_market(o), has_refused = any_refused(o);
    size_t column_count = begin_columns(columns, has_markets), hidden = 0;
    for (size_t i = 0; i < (has_refused ? 6 : 5); i++)
        columns[column_count++] = (struct table_column){COUNTS[i], true};
    struct table table;
    table_init(&table, columns, column_count);
    for (size_t i = 0; i < o->list_count; i++) {
        if (!all && o->list_count > SERIES_SHOWN_MAX && list_is_done(&o->lists[i])) {
            hidden++;
            continue;
        }
        add_names(&table, &o->lists[i], has_markets);
        add_counts(&table, &o->lists[i], has_refused);
    }
    if (table.cell_count > 0)
        table_print(&table, out);
    add_hidden(out, hidden);
    if (all)
        add_unknown_keys(out, o);
    table_release(&table);
}

void lists_add_plan(struct buf *out, const struct ccd_operation *o, bool all)
{
    struct table_column columns[TABLE_COLUMNS_MAX];
    bool has_markets = any_market(o);
    size_t column_count = begin_columns(columns, has_markets);
    size_t shown = all || o->list_count <= SERIES_SHOWN_MAX ? o->list_count : SERIES_SHOWN_MAX;
    columns[column_count++] = (struct table_column){"calls", true};
    struct table table;
    table_init(&table, columns, column_count);
    for (size_t i = 0; i < shown; i++) {
        add_names(&table, &o->lists[i], has_markets);
        if (o->lists[i].calls < 0)
            table_add_text(&table, "?");
        else
            table_add_int(&table, o->lists[i].calls);
    }
    if (table.cell_count > 0)
        table_print(&table, out);
    add_hidden(out, o->list_count - shown);
    table_release(&table);
}
