/* ccdata list: stored tables of metadata. */
#include <ccdata/ccdata.h>

#include <inttypes.h>
#include <string.h>

#include "base/time.h"
#include "cli/args.h"
#include "cli/cli.h"
#include "cli/client.h"
#include "cli/commands.h"
#include "cli/json.h"
#include "cli/table.h"
#include "cli/term.h"

enum { CHOSEN_MAX = 8, LISTED_COLUMNS = 6 };

/* What a person looks for first; a table that is not here shows its first columns. */
static const struct {
    const char *table;
    const char *columns[CHOSEN_MAX];
} CHOICES[] = {
    {"assets", {"id", "symbol", "name", "asset_type", "launch_date", "is_listed"}},
    {"exchanges",
     {"id", "internal_name", "name", "grade", "grade_points", "country", "totalvolume24h_usd",
      "is_listed"}},
    {"spot_markets",
     {"market", "exchange_status", "instrument_status_active", "mapped_instruments_total",
      "unmapped_instruments_total", "total_trades_spot", "is_listed"}},
    {"futures_markets",
     {"market", "exchange_status", "instrument_status_active", "mapped_instruments_total",
      "unmapped_instruments_total", "total_trades_futures", "is_listed"}},
    {"spot_instruments",
     {"market", "instrument", "mapped_instrument", "instrument_status",
      "first_trade_spot_timestamp", "last_trade_spot_timestamp", "total_trades_spot", "is_listed"}},
    {"futures_instruments",
     {"market", "instrument", "mapped_instrument", "instrument_status",
      "first_trade_futures_timestamp", "last_trade_futures_timestamp", "total_trades_futures",
      "is_listed"}},
};

/* ---- text ---- */

static size_t find_column(const struct ccd_listing *listing, const char *name)
{
    size_t at = 0;
    while (at < listing->column_count && strcmp(listing->column_names[at], name) != 0)
        at++;
    return at;
}

static size_t choose_columns(const struct ccd_listing *listing, size_t out_columns[CHOSEN_MAX])
{
    size_t count = 0;
    for (size_t i = 0; i < sizeof CHOICES / sizeof CHOICES[0]; i++) {
        if (strcmp(CHOICES[i].table, listing->table) != 0)
            continue;
        for (size_t k = 0; k < CHOSEN_MAX && CHOICES[i].columns[k]; k++) {
            size_t column = find_column(listing, CHOICES[i].columns[k]);
            if (column < listing->column_count)
                out_columns[count++] = column;
        }
    }
    for (size_t i = 0; count == 0 && i < listing->column_count && i < LISTED_COLUMNS; i++)
        out_columns[count++] = i;
    return count;
}

static const struct ccd_list_value *value_at(const struct ccd_listing *listing, size_t row,
                                             size_t column)
{
    return &listing->values[row * listing->column_count + column];
}

static bool is_kind(const struct ccd_listing *listing, size_t column, const char *kind)
{
    return strcmp(listing->column_kinds[column], kind) == 0;
}

/* Text of a value; buffer: room for one that is no text. */
static const char *value_text(const struct ccd_listing *listing, size_t row, size_t column,
                              char buffer[32])
{
    const struct ccd_list_value *value = value_at(listing, row, column);
    if (value->is_null)
        return NULL;
    if (is_kind(listing, column, "text"))
        return value->text;
    if (is_kind(listing, column, "time"))
        return time_format_short(value->integer, buffer);
    if (is_kind(listing, column, "boolean"))
        return value->integer ? "yes" : "no";
    if (is_kind(listing, column, "number"))
        buffer[str_format_f64(buffer, value->number)] = '\0';
    else
        str_print(buffer, 32, "%" PRId64, value->integer);
    return buffer;
}

static void add_table(struct buf *out, const struct ccd_listing *listing)
{
    size_t chosen[CHOSEN_MAX];
    struct table_column columns[CHOSEN_MAX];
    size_t count = choose_columns(listing, chosen);
    for (size_t i = 0; i < count; i++) {
        bool is_right = is_kind(listing, chosen[i], "integer") ||
                        is_kind(listing, chosen[i], "number");
        columns[i] = (struct table_column){listing->column_names[chosen[i]], is_right};
    }
    struct table table;
    char buffer[32];
    table_init(&table, columns, count);
    for (size_t row = 0; row < listing->row_count; row++)
        for (size_t i = 0; i < count; i++)
            table_add_text(&table, value_text(listing, row, chosen[i], buffer));
    table_print(&table, out);
    table_release(&table);
}

/* -v: each row as a block of what it has. */
static void add_blocks(struct buf *out, const struct ccd_listing *listing)
{
    char buffer[32];
    for (size_t row = 0; row < listing->row_count; row++) {
        buf_add_text(out, row > 0 ? "\n" : "");
        for (size_t i = 0; i < listing->column_count; i++) {
            const char *text = value_text(listing, row, i, buffer);
            if (text) {
                buf_printf(out, "%s: ", listing->column_names[i]);
                term_add_escaped(out, str_from(text));
                buf_add_char(out, '\n');
            }
        }
    }
}

/* The command that fetches a table; NULL when none is known to. */
static const char *command_of(const char *table)
{
    for (size_t i = 0; i < ccd_type_count(); i++) {
        struct ccd_type_info type = ccd_type_at(i);
        if (strcmp(type.name, table) == 0)
            return type.name;
        for (size_t k = 0; k < type.column_count; k++) {
            const char *owner = ccd_type_column_at(i, k).table;
            if (owner && strcmp(owner, table) == 0)
                return type.name;
        }
    }
    return NULL;
}

static void add_never(struct buf *out, const struct ccd_listing *listing)
{
    const char *command = command_of(listing->table);
    if (command)
        buf_printf(out, "%s: never fetched: run `ccdata %s`\n", listing->table, command);
    else
        buf_printf(out, "%s: never fetched\n", listing->table);
}

static void add_listing(struct buf *out, const struct ccd_listing *listing, bool all_columns)
{
    char asked[32];
    if (listing->asked_utc_s == 0 && listing->row_count == 0) {
        add_never(out, listing);
        return;
    }
    if (all_columns)
        add_blocks(out, listing);
    else if (listing->row_count > 0)
        add_table(out, listing);
    buf_printf(out, "%s%s: %zu rows, listed by the vendor at %s\n",
               listing->row_count > 0 ? "\n" : "", listing->table, listing->row_count,
               time_format_iso(listing->asked_utc_s, asked));
}

/* ---- JSON ---- */

static void add_json_value(struct json *j, const struct ccd_listing *listing, size_t row,
                           size_t column)
{
    const struct ccd_list_value *value = value_at(listing, row, column);
    const char *name = listing->column_names[column];
    if (value->is_null) {
        json_add_null(j, name);
    } else if (is_kind(listing, column, "text")) {
        json_add_text(j, name, value->text);
    } else if (is_kind(listing, column, "number")) {
        json_add_number(j, name, value->number);
    } else if (is_kind(listing, column, "boolean")) {
        json_add_bool(j, name, value->integer != 0);
    } else {
        json_add_int(j, name,
                     value->integer); /* times too: the vendor's may be out of any calendar */
    }
}

static void add_json_listing(struct json *j, const struct ccd_listing *listing)
{
    json_open_object(j, NULL);
    json_add_text(j, "table", listing->table);
    if (listing->asked_utc_s)
        json_add_time(j, "asked", listing->asked_utc_s);
    else
        json_add_null(j, "asked");
    json_add_int(j, "row_count", (int64_t)listing->row_count);
    json_open_list(j, "rows");
    for (size_t row = 0; row < listing->row_count; row++) {
        json_open_object(j, NULL);
        for (size_t i = 0; i < listing->column_count; i++)
            add_json_value(j, listing, row, i);
        json_close_object(j);
    }
    json_close_list(j);
    json_close_object(j);
}

static void add_json(struct buf *out, const struct ccd_listing *listings, size_t count,
                     const char *command)
{
    struct json j;
    json_begin(&j, out, command, "complete", 0);
    json_add_text(&j, "database", count > 0 ? listings[0].database : NULL);
    json_open_list(&j, "lists");
    for (size_t i = 0; i < count; i++)
        add_json_listing(&j, &listings[i]);
    json_close_list(&j);
    json_end(&j);
}

/* ---- command ---- */

static struct ccd_list_options options_from(const struct args *args)
{
    struct ccd_list_options options = CCD_LIST_INIT;
    options.what = args->operand;
    options.markets = args->exchanges.items;
    options.market_count = args->exchanges.count;
    options.names = args->names.items;
    options.name_count = args->names.count;
    options.statuses = args->statuses.items;
    options.status_count = args->statuses.count;
    options.all = args->all;
    options.limit = args->limit;
    return options;
}

static int print_listings(struct cli *cli, const struct args *args,
                          const struct ccd_listing *listings, size_t count)
{
    struct buf text;
    buf_init(&text, OUTPUT_MAX_BYTES, NULL);
    if (args->json)
        add_json(&text, listings, count, args->command->name);
    for (size_t i = 0; i < count && !args->json; i++) {
        buf_add_text(&text, i > 0 ? "\n" : "");
        add_listing(&text, &listings[i], args->verbose);
    }
    return cli_print(cli, &text);
}

int list_run(struct cli *cli, const struct args *args)
{
    struct ccd_error err = {0};
    struct ccd_listing *listings = NULL;
    struct client client = {0};
    const struct ccd_list_options options = options_from(args);
    size_t count = 0;
    int exit_code;
    if (!args->operand) {
        error_set(&err, CCD_USAGE,
                  "list what? assets, exchanges, instruments, markets, or another "
                  "table of metadata");
        return cli_fail(cli, args, &err);
    }
    if (cli_client_open(&client, cli, args, &err) == 0 &&
        ccd_list_read(client.handle, &options, &listings, &count, &err) == 0)
        exit_code = print_listings(cli, args, listings, count);
    else
        exit_code = cli_fail(cli, args, &err);
    ccd_list_free(listings, count);
    cli_client_close(&client);
    return exit_code;
}
