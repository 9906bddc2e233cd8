/* A metadata operation: its lists, one after the other. One that fails leaves the others alone. */
#include <string.h>

#include "api/list_fetch.h"
#include "api/match.h"
#include "api/run.h"

enum {
    /* A host that did not answer for so many lists in a row does not answer for the next either. */
    UNREACHABLE_IN_A_ROW_MAX = 2,
};

/* ---- which lists ---- */

static int add_target(struct operation *o, const struct data_type *table, const char *market,
                      struct ccd_error *err)
{
    struct list_target *bigger = mem_resize(NULL, o->targets, o->target_count + 1, sizeof(*bigger));
    if (!bigger)
        return error_set(err, CCD_NO_MEMORY, "no memory for %zu lists", o->target_count + 1);
    o->targets = bigger;
    o->targets[o->target_count++] = (struct list_target){.table = table, .market = market};
    return 0;
}

/* --exchange_type spot leaves futures_markets out, and the other way round. */
static bool is_chosen(const struct ccd_job *job, const struct data_type *table)
{
    struct str name = str_from(table->name), kind = str_from(job->exchange_type);
    bool of_a_kind = str_starts_with(name, STR("spot_")) || str_starts_with(name, STR("futures_"));
    return kind.len == 0 || str_equal(kind, STR("all")) || !of_a_kind ||
           str_starts_with(name, kind);
}

/* The markets of a catalogue operation while they are chosen. */
struct market_choice {
    struct list_source *source;
    const struct data_type *type;
    struct name_list chosen;
    struct name_list vendor; /* all that there are; asked for when a glob is met */
};

static int choose_tables(struct operation *o, struct ccd_error *err)
{
    const struct data_type *type = o->job.type;
    int status = 0;
    for (size_t i = 0; i < type->table_count && status == 0; i++)
        if (type->tables[i]->shape == SHAPE_RECORDS && is_chosen(o->job.job, type->tables[i]))
            status = add_target(o, type->tables[i], NULL, err);
    return status;
}

/* One name of the job: as it is, or all of the vendor's that match it. */
static int add_markets(struct market_choice *c, const char *pattern, struct ccd_error *err)
{
    if (!name_is_glob(pattern))
        return name_list_add_market(&c->chosen, str_from(pattern), err);
    if (c->vendor.count == 0 &&
        lists_markets(c->source, c->type, &c->vendor.text, &c->vendor.count, err) != 0)
        return err->status;
    const char *name = c->vendor.text.data;
    int status = 0;
    for (size_t i = 0; i < c->vendor.count && status == 0; i++, name += strlen(name) + 1)
        if (str_glob(str_from(pattern), str_from(name)))
            status = name_list_add_market(&c->chosen, str_from(name), err);
    return status;
}

static int choose_names(struct market_choice *c, const struct ccd_job *job, struct ccd_error *err)
{
    int status = 0;
    if (job->market)
        return add_markets(c, job->market, err);
    for (size_t i = 0; i < job->exchange_count && status == 0; i++)
        status = add_markets(c, job->exchanges[i], err);
    return job->exchange_count > 0 ? status : add_markets(c, "*", err);
}

static int choose_markets(struct run *run, struct operation *o, struct ccd_error *err)
{
    struct market_choice c = {.source = &run->lists, .type = o->job.type};
    name_list_init(&c.vendor, NULL);
    name_list_init(&c.chosen, NULL);
    int status = choose_names(&c, o->job.job, err);
    if (status == 0 && c.chosen.count == 0)
        status = error_set(err, CCD_UNKNOWN_AT_VENDOR, "no market of the vendor is called so: %s",
                           o->job.job->exchange_count > 0 ? o->job.job->exchanges[0] : "*");
    const char *name = c.chosen.text.data;
    for (size_t i = 0; i < c.chosen.count && status == 0; i++, name += strlen(name) + 1)
        status = add_target(o, o->job.type, name, err);
    name_list_release(&c.vendor);
    o->market_names = c.chosen;
    return status;
}

/* Pages of a list that comes in pages are known from the stored one, which grows slowly; -1 =
 * unknown before it runs. */
static int count_calls(struct run *run, const struct data_type *table, int64_t *out_calls,
                       struct ccd_error *err)
{
    size_t rows = 0;
    int64_t asked_utc_s = 0;
    *out_calls = 1;
    if (!table->is_listed)
        return 0;
    if (run->store->ops->load_list(run->store, table, STR(""), NULL, &rows, &asked_utc_s, err) != 0)
        return err->status;
    *out_calls = rows > 0 ? (int64_t)(rows + LIST_PAGE_SIZE - 1) / LIST_PAGE_SIZE : -1;
    return 0;
}

static int count_all_calls(struct run *run, struct operation *o, struct ccd_error *err)
{
    for (size_t i = 0; i < o->target_count; i++) {
        struct list_target *target = &o->targets[i];
        if (count_calls(run, target->table, &target->calls, err) != 0)
            return err->status;
        o->calls_planned += target->calls > 0 ? target->calls : 0;
    }
    return 0;
}

int run_choose_lists(struct run *run, struct operation *operation, struct ccd_error *err)
{
    int status = operation->job.type->shape == SHAPE_CATALOGUE ? choose_markets(run, operation, err)
                                                               : choose_tables(operation, err);
    return status == 0 ? count_all_calls(run, operation, err) : status;
}

int run_report_lists_plan(struct run *run, size_t index, struct ccd_error *err)
{
    const struct operation *o = &run->operations[index];
    int status = report_lists(run->report, index, o->target_count, err);
    for (size_t i = 0; i < o->target_count && status == 0; i++)
        report_list_plan(run->report, index, i, o->targets[i].table->name, o->targets[i].market,
                         o->targets[i].calls);
    return status;
}

/* ---- an execution ---- */

static struct list_options options_of(const struct run *run, const struct ccd_job *job)
{
    const struct config *c = run->client->config;
    return (struct list_options){
        .rewrite = job->full_refresh || config_bool(c, CONFIG_METADATA_FULL_REFRESH) ||
                   !config_bool(c, CONFIG_METADATA_CHANGE_DETECTION),
        .force = job->force,
        .always = true,
    };
}

static bool is_unreachable(enum ccd_status status)
{
    return status == CCD_NETWORK || status == CCD_TLS || status == CCD_VENDOR_UNAVAILABLE;
}

/* Whether the operation ends with this error of one of its lists. */
static bool must_stop(enum ccd_status status, int *in_a_row)
{
    *in_a_row = is_unreachable(status) ? *in_a_row + 1 : 0;
    return run_must_end(status) || *in_a_row == UNREACHABLE_IN_A_ROW_MAX;
}

void run_lists(struct run *run, size_t index, struct ccd_error *out_ended)
{
    const struct operation *o = &run->operations[index];
    const struct list_options options = options_of(run, o->job.job);
    int unreachable = 0;
    error_clear(out_ended);
    if (report_lists(run->report, index, o->target_count, out_ended) != 0) {
        report_operation_error(run->report, index, out_ended);
        return;
    }
    for (size_t i = 0; i < o->target_count; i++) {
        const struct list_target *target = &o->targets[i];
        const struct list_name name = {target->table, str_from(target->market)};
        struct list_outcome outcome = {.is_known = true};
        struct ccd_error err = *out_ended;
        if (err.status == CCD_OK) {
            lists_update(&run->lists, &name, &options, &outcome, &err);
            if (must_stop(err.status, &unreachable))
                *out_ended = err;
        }
        report_list(run->report, index, i, target->table->name, target->market, &outcome, &err);
        run_progress_list(run, index, &outcome);
    }
}
