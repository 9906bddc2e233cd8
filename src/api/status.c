/* ccd_status_read: what the database holds, how the last runs went, what is left of the quota. */
#include "api/status.h"

#include <string.h>

#include "api/cache_note.h"
#include "model/data_type.h"

enum { REPORT_MAX_BYTES = 64 << 20, RUNS_SHOWN = 10, RUNS_MAX = 10000 };

int status_no_memory(struct ccd_error *err)
{
    return error_set(err, CCD_NO_MEMORY, "no memory for a status");
}

const char *status_keep(struct status *s, const char *text, struct ccd_error *err)
{
    const char *copy = text ? arena_copy_text(&s->arena, str_from(text)) : NULL;
    if (text && !copy)
        status_no_memory(err);
    return copy;
}

static int64_t hosts_of(const struct config *c)
{
    return str_equal(config_text(c, CONFIG_DATA_API_BASE_URL),
                     config_text(c, CONFIG_MIN_API_BASE_URL))
               ? 1
               : 2;
}

static void read_settings(struct status *s)
{
    const struct config *c = s->client->config;
    s->report.api_clients = hosts_of(c);
    s->report.monitoring_enabled = config_bool(c, CONFIG_MONITORING_METRICS_ENABLED);
    s->report.caching_enabled = config_bool(c, CONFIG_CACHE_ENABLED);
    s->report.cache_lifetime_s = config_ms(c, CONFIG_CACHE_DEFAULT_TTL) / 1000;
    s->report.cache_entries_max = config_i64(c, CONFIG_CACHE_MAX_MEMORY_ENTRIES);
    struct cache_counts counts = {0};
    if (!cache_note_read(&counts, &s->report.cache_counted_utc_s))
        return;
    s->report.cache_hits = counts.hits;
    s->report.cache_misses = counts.misses;
    s->report.cache_errors = counts.errors;
}

static int init(struct status *s, struct ccd_client *client,
                const struct ccd_status_options *options, struct ccd_error *err)
{
    struct ccd_status_options defaults = CCD_STATUS_INIT;
    arena_init(&s->arena, REPORT_MAX_BYTES, NULL);
    s->client = client;
    s->options = defaults;
    if (options)
        memcpy(&s->options, options,
               options->size < sizeof(defaults) ? options->size : sizeof(defaults));
    if (s->options.run_limit < 0)
        s->options.run_limit = RUNS_SHOWN;
    if (s->options.run_limit > RUNS_MAX)
        return error_set(err, CCD_USAGE, "a status shows at most %d runs", RUNS_MAX);
    s->run_capacity = STATUS_RUNS;
    if ((size_t)s->options.run_limit > s->run_capacity)
        s->run_capacity = (size_t)s->options.run_limit;
    s->report.now_utc_s = clock_utc_s(&client->clock);
    read_settings(s);
    s->report.cache_backend = status_keep(s, config_text(client->config, CONFIG_CACHE_BACKEND).ptr,
                                          err);
    s->runs = arena_alloc(&s->arena, s->run_capacity * sizeof(*s->runs));
    s->operations = arena_alloc(&s->arena,
                                data_type_count * INTERVAL_COUNT * sizeof(*s->operations));
    size_t parts = data_type_count * INTERVAL_COUNT + metadata_table_count;
    s->data = arena_alloc(&s->arena, parts * sizeof(*s->data));
    s->report.data = s->data;
    bool all = s->report.cache_backend && s->runs && s->operations && s->data;
    return all ? 0 : status_no_memory(err);
}

int ccd_status_read(struct ccd_client *client, const struct ccd_status_options *options,
                    struct ccd_status_report **out_report, struct ccd_error *err)
{
    int64_t started_us = clock_mono_us(&client->clock);
    struct status *s = mem_new(NULL, 1, sizeof(*s));
    if (!s)
        return status_no_memory(err);
    int status = init(s, client, options, err);
    if (status == 0)
        status = status_read_database(s, err);
    if (status == 0)
        status = status_read_vendor(s, err);
    if (status == 0)
        status = status_judge(s, err);
    if (status != 0) {
        ccd_status_free(&s->report);
        return status;
    }
    s->report.duration_ms = (clock_mono_us(&client->clock) - started_us) / 1000;
    *out_report = &s->report;
    return 0;
}

void ccd_status_free(struct ccd_status_report *report)
{
    struct status *s = (struct status *)report;
    if (!s)
        return;
    arena_release(&s->arena);
    mem_free(NULL, s);
}
