/* What the coverage says of each candle type, and the lists of each metadata table. */
#include "api/coverage_list.h"
#include "api/status.h"
#include "base/time.h"

enum { SCOPES_MAX_BYTES = 16 << 20, BEHIND_PERIODS = 2 };

/* ---- candles ---- */

struct tally {
    struct ccd_stored_data *data;
    int64_t step_s, settle_s, now_utc_s;
};

static int64_t periods(const struct tally *t, int64_t from_ts, int64_t to_ts)
{
    return from_ts < to_ts ? (to_ts - from_ts) / t->step_s : 0;
}

static void tally_stored(const struct tally *t, const struct coverage_segment *segment)
{
    struct ccd_stored_data *d = t->data;
    int64_t last_ts = segment->to_ts - t->step_s;
    if (d->rows == 0 || segment->from_ts < d->first_ts)
        d->first_ts = segment->from_ts;
    if (d->rows == 0 || last_ts > d->last_ts)
        d->last_ts = last_ts;
    d->rows += periods(t, segment->from_ts, segment->to_ts);
}

/* What the vendor has nothing of is as good as there; a record that was rejected is not. */
static void tally_segment(const struct tally *t, const struct coverage_segment *segment,
                          struct period_range wanted)
{
    int64_t from_ts = segment->from_ts > wanted.from_ts ? segment->from_ts : wanted.from_ts;
    int64_t to_ts = segment->to_ts < wanted.to_ts ? segment->to_ts : wanted.to_ts;
    if (segment->state == COVERAGE_STORED)
        tally_stored(t, segment);
    if (segment->state != COVERAGE_REJECTED)
        t->data->covered += periods(t, from_ts, to_ts);
}

/* From the first known period to the newest that should be final; an ended series: to its end. */
static int tally_series(void *user, int64_t series_id, const struct coverage_list *merged,
                        struct ccd_error *err)
{
    (void)series_id, (void)err;
    const struct tally *t = user;
    const struct coverage_segment *last = &merged->items[merged->count - 1];
    bool ended = last->state == COVERAGE_AFTER_END;
    size_t first = 0;
    while (first + 1 < merged->count && merged->items[first].state == COVERAGE_BEFORE_START)
        first++;
    const struct period_range wanted = {
        .from_ts = merged->items[first].from_ts,
        .to_ts = ended ? last->from_ts : time_floor(t->now_utc_s - t->settle_s, t->step_s),
    };
    t->data->series++;
    t->data->wanted += periods(t, wanted.from_ts, wanted.to_ts);
    for (size_t i = first; i < merged->count; i++)
        tally_segment(t, &merged->items[i], wanted);
    int64_t due_utc_s = last->to_ts + BEHIND_PERIODS * t->step_s + t->settle_s;
    t->data->series_behind += !ended && due_utc_s < t->now_utc_s;
    return 0;
}

static int read_interval(struct status *s, const struct data_type *type, enum interval interval,
                         struct ccd_error *err)
{
    struct ccd_stored_data *data = &s->data[s->report.data_count];
    *data = (struct ccd_stored_data){.data_type = type->name,
                                     .interval = interval_infos[interval].name};
    const struct tally tally = {
        .data = data,
        .step_s = interval_infos[interval].step_s,
        .settle_s = config_i64(s->client->config, CONFIG_CCDATA_SETTLE_SECONDS),
        .now_utc_s = s->report.now_utc_s,
    };
    int status = coverage_list_each(s->store, type, interval, tally_series, (void *)&tally, err);
    data->newest_final_age_s = data->rows > 0 ? tally.now_utc_s - data->last_ts - tally.step_s : -1;
    s->report.data_count += status == 0 && data->series > 0;
    return status;
}

/* ---- metadata ---- */

/* The lists of a table: their scopes, each with its NUL, and when the oldest was asked for. */
struct scopes {
    struct buf text;
    size_t count;
    int64_t oldest_utc_s;
};

static int add_scope(void *user, struct str scope, int64_t asked_utc_s, struct ccd_error *err)
{
    struct scopes *scopes = user;
    if (buf_add(&scopes->text, scope.ptr, scope.len) != 0 || buf_add_char(&scopes->text, '\0') != 0)
        return status_no_memory(err);
    if (scopes->count++ == 0 || asked_utc_s < scopes->oldest_utc_s)
        scopes->oldest_utc_s = asked_utc_s;
    return 0;
}

static int count_rows(struct status *s, const struct data_type *table, struct str scope,
                      struct ccd_stored_data *data, struct ccd_error *err)
{
    size_t rows = 0;
    int64_t asked_utc_s = 0;
    int status = s->store->ops->load_list(s->store, table, scope, NULL, &rows, &asked_utc_s, err);
    data->rows += (int64_t)rows;
    return status;
}

/* Parts and snapshots are no lists of their own: they come with their parent's. */
static int read_table(struct status *s, const struct data_type *table, struct ccd_error *err)
{
    const struct data_type *list = table->parent ? table->parent : table;
    struct ccd_stored_data *data = &s->data[s->report.data_count];
    struct scopes scopes = {0};
    *data = (struct ccd_stored_data){
        .data_type = table->name, .series = 1, .newest_final_age_s = -1};
    buf_init(&scopes.text, SCOPES_MAX_BYTES, NULL);
    int status = s->store->ops->each_list(s->store, list, add_scope, &scopes, err);
    data->asked_utc_s = scopes.oldest_utc_s;
    struct str scope = str_from(scopes.text.data);
    for (size_t i = 0; i < scopes.count && status == 0; i++) {
        status = count_rows(s, table, scope, data, err);
        scope = str_from(scope.ptr + scope.len + 1);
    }
    s->report.data_count += status == 0 && data->rows > 0;
    buf_release(&scopes.text);
    return status;
}

int status_read_data(struct status *s, struct ccd_error *err)
{
    int status = 0;
    for (size_t i = 0; i < data_type_count && status == 0; i++)
        for (int k = 0; k < INTERVAL_COUNT && status == 0; k++)
            if (data_types[i]->shape == SHAPE_CANDLES)
                status = read_interval(s, data_types[i], (enum interval)k, err);
    for (size_t i = 0; i < metadata_table_count && status == 0; i++)
        status = read_table(s, metadata_tables[i], err);
    return status;
}
