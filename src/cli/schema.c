/* ccdata schema: print the SQL, create what is missing, or compare a database with it. */
#include <ccdata/ccdata.h>

#include "base/error.h"
#include "cli/args.h"
#include "cli/cli.h"
#include "cli/client.h"
#include "cli/commands.h"
#include "cli/json.h"

enum { DIFFERENCES_MAX = 10000, DIFFERENCES_MAX_BYTES = 16 << 20 };

/* The differences of a check, kept until it is over: how many there are decides what is printed
 * before them. */
struct differences {
    struct arena memory;
    struct ccd_schema_difference items[DIFFERENCES_MAX];
    size_t kept, found;
};

static void keep_difference(void *user, const struct ccd_schema_difference *difference)
{
    struct differences *d = user;
    d->found++;
    if (d->kept == DIFFERENCES_MAX)
        return;
    const char *object = arena_copy_text(&d->memory, str_from(difference->object));
    const char *what = arena_copy_text(&d->memory, str_from(difference->what));
    if (object && what)
        d->items[d->kept++] = (struct ccd_schema_difference){object, what};
}

static void add_differences(struct buf *out, const struct differences *d)
{
    for (size_t i = 0; i < d->kept; i++)
        buf_printf(out, "%s: %s\n", d->items[i].object, d->items[i].what);
    if (d->found > d->kept)
        buf_printf(out, "… and %zu more\n", d->found - d->kept);
    if (d->found == 0)
        buf_add_text(out, "The database is as the schema says.\n");
}

static void add_json_differences(struct buf *out, const struct args *args, const char *dialect,
                                 const struct differences *d, int exit_code)
{
    struct json j;
    json_begin(&j, out, args->command->name, exit_code ? "failed" : "complete", exit_code);
    json_add_text(&j, "dialect", dialect);
    json_add_int(&j, "difference_count", (int64_t)d->found);
    json_open_list(&j, "differences");
    for (size_t i = 0; i < d->kept; i++) {
        json_open_object(&j, NULL);
        json_add_text(&j, "object", d->items[i].object);
        json_add_text(&j, "what", d->items[i].what);
        json_close_object(&j);
    }
    json_close_list(&j);
    json_end(&j);
}

static int print_differences(struct cli *cli, const struct args *args, const char *dialect,
                             const struct differences *d)
{
    int exit_code = d->found ? ccd_status_exit_code(CCD_CHECK_FAILED) : 0;
    struct buf text;
    buf_init(&text, OUTPUT_MAX_BYTES, NULL);
    if (args->json)
        add_json_differences(&text, args, dialect, d, exit_code);
    else
        add_differences(&text, d);
    int failed = cli_print(cli, &text);
    if (exit_code) {
        cli_complain(cli, "the database differs from the schema; 'ccdata schema --create' adds "
                          "what is missing");
    }
    return exit_code ? exit_code : failed;
}

static int check(struct cli *cli, const struct args *args, struct ccd_client *client,
                 const char *dialect, struct ccd_error *err)
{
    struct differences *d = mem_new(NULL, 1, sizeof *d);
    if (!d) {
        error_set(err, CCD_NO_MEMORY, "no memory for a comparison");
        return cli_fail(cli, args, err);
    }
    arena_init(&d->memory, DIFFERENCES_MAX_BYTES, NULL);
    int exit_code;
    if (ccd_schema_check(client, keep_difference, d, err) == 0)
        exit_code = print_differences(cli, args, dialect, d);
    else
        exit_code = cli_fail(cli, args, err);
    arena_release(&d->memory);
    mem_free(NULL, d);
    return exit_code;
}

/* sql NULL: it was created, not printed. */
static int print(struct cli *cli, const struct args *args, const char *dialect, const char *sql)
{
    struct buf text;
    buf_init(&text, OUTPUT_MAX_BYTES, NULL);
    if (args->json) {
        struct json j;
        json_begin(&j, &text, args->command->name, "complete", 0);
        json_add_text(&j, "dialect", dialect);
        if (sql)
            json_add_text(&j, "sql", sql);
        json_end(&j);
    } else {
        buf_add_text(&text, sql ? sql : "The database has the schema.\n");
    }
    return cli_print(cli, &text);
}

static int print_sql(struct cli *cli, const struct args *args, const char *dialect)
{
    struct ccd_error err = {0};
    char *sql = NULL;
    if (ccd_schema_sql(dialect, args->legacy_views, &sql, &err) != 0)
        return cli_fail(cli, args, &err);
    int exit_code = print(cli, args, dialect, sql);
    ccd_text_free(sql);
    return exit_code;
}

static int run_on_database(struct cli *cli, const struct args *args, struct client *client)
{
    struct ccd_error err = {0};
    const char *dialect = NULL;
    if (ccd_schema_dialect(client->handle, &dialect, &err) != 0)
        return cli_fail(cli, args, &err);
    if (args->check)
        return check(cli, args, client->handle, dialect, &err);
    if (!args->create)
        return print_sql(cli, args, dialect);
    if (ccd_schema_create(client->handle, args->legacy_views, &err) != 0)
        return cli_fail(cli, args, &err);
    return print(cli, args, dialect, NULL);
}

int schema_run(struct cli *cli, const struct args *args)
{
    if (args->dialect) /* the options that need a database exclude it */
        return print_sql(cli, args, args->dialect);
    struct ccd_error err = {0};
    struct client client;
    int exit_code;
    if (cli_client_open(&client, cli, args, &err) == 0)
        exit_code = run_on_database(cli, args, &client);
    else
        exit_code = cli_fail(cli, args, &err);
    cli_client_close(&client);
    return exit_code;
}
