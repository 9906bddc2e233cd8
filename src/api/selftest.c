/* ccd_selftest: what has to hold on the user's own database, shown on a scratch series. */
#include <string.h>
#include <unistd.h>

#include "api/coverage_list.h"
#include "api/endpoint.h"
#include "api/scan.h"
#include "api/selftest_rows.h"
#include "api/series_list.h"
#include "base/time.h"
#include "store/attributes.h"

enum {
    STEPS_MAX = 16,
    PAGES = 10,
    FIRST_YEAR = 1990, /* no market has data from then */
    TEXT_MAX_BYTES = 16 << 20,
    LEFT_BEHIND_S = 3600, /* an older scratch series belongs to nobody any more */
};

static const char scratch_market[] = "ccdata_selftest";
static const char scratch_prefix[] = "SCRATCH-";
static const enum interval scratch_interval = INTERVAL_1M;

struct selftest {
    struct ccd_selftest_report report; /* first, so that ccd_selftest_report_free finds the rest */
    struct ccd_selftest_step steps[STEPS_MAX];
    char messages[STEPS_MAX][sizeof(((struct ccd_error *)NULL)->message)];
    struct ccd_client *client;
    struct scan scan;
    struct endpoint endpoint;
    struct store_writer *writer;
    const struct data_type *type;
    struct series_names names;
    struct batch written, stored;
    int64_t first_ts, step_s;
    int64_t collected_utc_s;
};

struct step {
    const char *name;
    const char *meaning;
    /* out_rows and message (of the size of an error's) may be filled. CCD_LOCKED: skipped. */
    int (*run)(struct selftest *t, int64_t *out_rows, char *message, struct ccd_error *err);
    bool always; /* also when what stands before failed */
};

const char *ccd_step_state_name(enum ccd_step_state state)
{
    static const char *const names[] = {
        [CCD_STEP_OK] = "ok", [CCD_STEP_FAILED] = "failed", [CCD_STEP_SKIPPED] = "skipped"};
    return (size_t)state < sizeof(names) / sizeof(*names) ? names[state] : "";
}

/* ---- pages ---- */

static struct period_range page_range(const struct selftest *t, int page)
{
    int64_t from = t->first_ts + (int64_t)page * ENDPOINT_ROWS * t->step_s;
    return (struct period_range){from, from + ENDPOINT_ROWS * t->step_s};
}

static int make_page(struct selftest *t, int page, unsigned version, struct ccd_error *err)
{
    return selftest_rows_make(&t->written, page_range(t, page).from_ts, t->step_s, ENDPOINT_ROWS,
                              version, err);
}

static struct coverage_segment segment_of(const struct selftest *t, int page)
{
    struct period_range range = page_range(t, page);
    return (struct coverage_segment){
        .from_ts = range.from_ts,
        .to_ts = range.to_ts,
        .state = COVERAGE_STORED,
        .asked_utc_s = t->collected_utc_s,
    };
}

/* The rows that were made, with a segment for their range unless it is NULL. */
static struct store_page page_of(const struct selftest *t, int64_t collected_utc_s,
                                 const struct coverage_segment *segment)
{
    return (struct store_page){
        .type = t->type,
        .interval = scratch_interval,
        .series = &t->names,
        .batch = &t->written,
        .collected_utc_s = collected_utc_s,
        .final_before_ts = INT64_MAX,
        .segments = segment,
        .segment_count = segment != NULL,
        .run_id = "selftest",
    };
}

static int begin(struct selftest *t, struct ccd_error *err)
{
    const struct store_ops *ops = t->endpoint.store->ops;
    if (!t->writer && ops->writer_open(t->endpoint.store, &t->writer, err) != 0)
        return err->status;
    return ops->writer_begin(t->writer, err);
}

static int put(struct selftest *t, const struct store_page *page,
               struct store_page_result *out_result, struct ccd_error *err)
{
    const struct store_ops *ops = t->endpoint.store->ops;
    if (begin(t, err) != 0)
        return err->status;
    int status = ops->writer_put(t->writer, page, out_result, err);
    if (status != 0) {
        ops->writer_rollback(t->writer);
        return status;
    }
    switch (ops->writer_commit(t->writer, err)) {
    case STORE_COMMITTED:
        return 0;
    case STORE_ROLLED_BACK:
        return err->status;
    case STORE_UNKNOWN:
        break;
    }
    return error_set(err, CCD_DATABASE_UNREACHABLE, "the answer to a commit was lost");
}

static void close_writer(struct selftest *t)
{
    if (t->writer)
        t->writer->ops->writer_close(t->writer);
    t->writer = NULL;
}

static int read_range(struct selftest *t, struct period_range range, struct ccd_error *err)
{
    struct store *store = t->endpoint.store;
    return store->ops->read_rows(store, t->type, scratch_interval, t->names.series_id, range,
                                 &t->stored, NULL, err);
}

static int expect(const char *what, int64_t expected, int64_t found, struct ccd_error *err)
{
    if (expected == found)
        return 0;
    return error_set(err, CCD_CHECK_FAILED, "%lld %s, expected %lld", (long long)found, what,
                     (long long)expected);
}

static int expect_result(const struct store_page_result *r, int64_t inserted, int64_t changed,
                         int64_t unchanged, struct ccd_error *err)
{
    int status = expect("rows inserted", inserted, r->inserted, err);
    if (status == 0)
        status = expect("rows changed", changed, r->changed, err);
    return status == 0 ? expect("rows unchanged", unchanged, r->unchanged, err) : status;
}

/* Read the range of a page: its rows must be those that were made last. */
static int expect_page(struct selftest *t, int page, struct ccd_error *err)
{
    int status = read_range(t, page_range(t, page), err);
    if (status == 0)
        status = expect("rows", (int64_t)t->written.row_count, (int64_t)t->stored.row_count, err);
    for (size_t row = 0; status == 0 && row < t->written.row_count; row++) {
        const char *column = NULL;
        if (!selftest_rows_equal(&t->written, &t->stored, row, &column))
            status = error_set(err, CCD_CHECK_FAILED,
                               "column %s of row %zu does not read back as it was written", column,
                               row);
    }
    return status;
}

/* ---- steps ---- */

static int write_fresh(struct selftest *t, int64_t *out_rows, char *message, struct ccd_error *err)
{
    (void)message;
    int status = t->endpoint.store->ops->put_series(t->endpoint.store, t->type, &t->names, 1, err);
    for (int i = 0; i < PAGES && status == 0; i++) {
        const struct coverage_segment segment = segment_of(t, i);
        struct store_page_result result;
        status = make_page(t, i, 0, err);
        struct store_page page = page_of(t, t->collected_utc_s, &segment);
        page.fresh = true;
        if (status == 0)
            status = put(t, &page, &result, err);
        if (status == 0)
            status = expect_result(&result, ENDPOINT_ROWS, 0, 0, err);
        *out_rows += ENDPOINT_ROWS;
    }
    return status;
}

static int read_back(struct selftest *t, int64_t *out_rows, char *message, struct ccd_error *err)
{
    (void)message;
    int status = 0;
    for (int i = 0; i < PAGES && status == 0; i++) {
        status = make_page(t, i, 0, err);
        if (status == 0)
            status = expect_page(t, i, err);
        *out_rows += ENDPOINT_ROWS;
    }
    return status;
}

static int check_coverage(struct selftest *t, int64_t *out_rows, char *message,
                          struct ccd_error *err)
{
    (void)out_rows, (void)message;
    struct coverage_list list = {0};
    int status = coverage_list_load(&list, t->endpoint.store, t->names.series_id, t->step_s, err);
    coverage_list_merge(&list);
    if (status == 0)
        status = expect("merged segments of coverage", 1, (int64_t)list.count, err);
    if (status == 0 && (list.items[0].from_ts != t->first_ts ||
                        list.items[0].to_ts != page_range(t, PAGES - 1).to_ts ||
                        list.items[0].state != COVERAGE_STORED))
        status = error_set(err, CCD_CHECK_FAILED, "the coverage is not that of the pages");
    coverage_list_release(&list);
    return status;
}

static int compare_attributes(const struct selftest *t, const struct listed_series *stored,
                              struct ccd_error *err)
{
    struct attribute_set set;
    if (!attribute_set_init(&set))
        return error_set(err, CCD_INTERNAL, "the attributes of series contradict each other");
    for (size_t i = 0; i < t->type->column_count; i++) {
        const struct column *column = &t->type->columns[i];
        int attribute = attribute_find(&set, column->name);
        int64_t row = attribute_newest_row(&t->written, i, NULL);
        if (!(column->flags & COLUMN_SERIES) || attribute < 0 || row < 0)
            continue;
        struct value expected = value_of_cell(&t->written, (size_t)row, i);
        if (!stored->attributes || !value_equal(&stored->attributes[attribute], &expected))
            return error_set(err, CCD_CHECK_FAILED,
                             "attribute %s does not read back as it was written", column->name);
    }
    return 0;
}

static const struct listed_series *find_listed(const struct selftest *t,
                                               const struct series_list *list)
{
    for (size_t i = 0; i < list->count; i++)
        if (strcmp(list->items[i].market, t->names.market) == 0 &&
            strcmp(list->items[i].instrument, t->names.instrument) == 0)
            return &list->items[i];
    return NULL;
}

static int check_series(struct selftest *t, int64_t *out_rows, char *message, struct ccd_error *err)
{
    (void)out_rows, (void)message;
    struct store *store = t->endpoint.store;
    struct series_list list = {0};
    struct series_names found_names;
    bool found;
    int status = store->ops->find_series(store, t->type, str_from(scratch_market),
                                         str_from(t->names.mapped_instrument), &found_names, &found,
                                         err);
    if (status == 0 && (!found || found_names.series_id != t->names.series_id))
        status = error_set(err, CCD_CHECK_FAILED, "its mapped instrument does not find the series");
    if (status == 0)
        status = series_list_load(&list, store, t->type, err);
    if (status == 0) {
        const struct listed_series *listed = find_listed(t, &list);
        status = listed ? make_page(t, PAGES - 1, 0, err)
                        : error_set(err, CCD_CHECK_FAILED, "the series is not in the list");
        if (status == 0)
            status = compare_attributes(t, listed, err);
    }
    series_list_release(&list);
    return status;
}

static int replay(struct selftest *t, int64_t *out_rows, char *message, struct ccd_error *err)
{
    (void)message;
    int status = 0;
    for (int i = 0; i < PAGES && status == 0; i++) {
        struct store_page_result result;
        status = make_page(t, i, 0, err);
        const struct store_page page = page_of(t, t->collected_utc_s + 1, NULL);
        if (status == 0)
            status = put(t, &page, &result, err);
        if (status == 0)
            status = expect_result(&result, 0, 0, ENDPOINT_ROWS, err);
        *out_rows += ENDPOINT_ROWS;
    }
    return status;
}

/* The first page with another value in one of its rows. */
static int make_changed(struct selftest *t, double value, struct ccd_error *err)
{
    int status = make_page(t, 0, 0, err);
    int column = data_type_column_flagged(t->type, COLUMN_HIGH);
    if (status == 0)
        batch_set_f64(&t->written, ENDPOINT_ROWS / 2, (size_t)column, value);
    return status;
}

static int change(struct selftest *t, int64_t *out_rows, char *message, struct ccd_error *err)
{
    struct store_page_result result;
    int status = make_changed(t, 1234.5, err);
    const struct store_page page = page_of(t, t->collected_utc_s + 2, NULL);
    if (status == 0)
        status = put(t, &page, &result, err);
    if (status == 0)
        status = expect_result(&result, 0, 1, ENDPOINT_ROWS - 1, err);
    if (status == 0)
        status = expect_page(t, 0, err);
    *out_rows = ENDPOINT_ROWS;
    str_print(message, sizeof(t->messages[0]), "1 row changed and journalled");
    return status;
}

static int put_older(struct selftest *t, int64_t *out_rows, char *message, struct ccd_error *err)
{
    (void)message;
    struct store_page_result result;
    int status = make_changed(t, 9876.5, err);
    const struct store_page page = page_of(t, t->collected_utc_s - 10, NULL);
    if (status == 0)
        status = put(t, &page, &result, err);
    if (status == 0)
        status = expect("rows written", 0, result.inserted + result.changed, err);
    if (status == 0)
        status = make_changed(t, 1234.5, err);
    if (status == 0)
        status = expect_page(t, 0, err);
    *out_rows = ENDPOINT_ROWS;
    return status;
}

/* A page after the others: nothing of it may stay. */
static int roll_back(struct selftest *t, int64_t *out_rows, char *message, struct ccd_error *err)
{
    (void)message;
    const struct store_ops *ops = t->endpoint.store->ops;
    const struct coverage_segment segment = segment_of(t, PAGES);
    struct store_page_result result;
    int status = make_page(t, PAGES, 0, err);
    const struct store_page page = page_of(t, t->collected_utc_s, &segment);
    if (status == 0)
        status = begin(t, err);
    if (status != 0)
        return status;
    status = ops->writer_put(t->writer, &page, &result, err);
    ops->writer_rollback(t->writer);
    if (status == 0)
        status = read_range(t, page_range(t, PAGES), err);
    if (status == 0)
        status = expect("rows after ROLLBACK", 0, (int64_t)t->stored.row_count, err);
    int64_t none;
    *out_rows = ENDPOINT_ROWS;
    return status == 0 ? check_coverage(t, &none, message, err) : status;
}

static int lock(struct selftest *t, int64_t *out_rows, char *message, struct ccd_error *err)
{
    (void)out_rows;
    struct store *store = t->endpoint.store;
    int status = store->ops->lock(store, t->type, scratch_interval, 0, err);
    if (status == 0)
        store->ops->unlock(store, t->type, scratch_interval);
    if (status == CCD_LOCKED)
        str_print(message, sizeof(t->messages[0]), "another run holds it right now");
    return status;
}

static int prove(struct selftest *t, int64_t *out_rows, char *message, struct ccd_error *err)
{
    (void)out_rows;
    struct store *store = t->endpoint.store;
    const char *proof = NULL;
    bool holds = false;
    int status = make_page(t, PAGES, 0, err);
    const struct store_page page = page_of(t, t->collected_utc_s, NULL);
    if (status == 0)
        status = store->ops->prove(store, &page, &proof, &holds, err);
    if (status == 0 && !proof)
        str_print(message, sizeof(t->messages[0]), "nothing to prove on this database");
    else if (status == 0)
        str_print(message, sizeof(t->messages[0]), "%s: %s; remembered", proof,
                  holds ? "holds" : "does not hold, so it is not used");
    return status;
}

static int remove_once(struct selftest *t, struct ccd_error *err)
{
    struct store *store = t->endpoint.store;
    int attempts = 0, status;
    do {
        status = store->ops->remove_series(store, t->type, t->names.series_id, err);
    } while (status != 0 && scan_again(&t->scan, &attempts, err));
    return status;
}

static int check_gone(struct selftest *t, struct ccd_error *err)
{
    struct store *store = t->endpoint.store;
    struct coverage_list list = {0};
    struct series_names names;
    bool found;
    int status = store->ops->find_series(store, t->type, str_from(t->names.market),
                                         str_from(t->names.instrument), &names, &found, err);
    if (status == 0)
        status = expect("series left behind", 0, found, err);
    if (status == 0)
        status = read_range(t, endpoint_all_time(), err);
    if (status == 0)
        status = expect("rows left behind", 0, (int64_t)t->stored.row_count, err);
    if (status == 0)
        status = coverage_list_load(&list, store, t->names.series_id, t->step_s, err);
    if (status == 0)
        status = expect("segments of coverage left behind", 0, (int64_t)list.count, err);
    coverage_list_release(&list);
    return status;
}

static int clean_up(struct selftest *t, int64_t *out_rows, char *message, struct ccd_error *err)
{
    (void)out_rows, (void)message;
    close_writer(t);
    int status = remove_once(t, err);
    if (status == 0)
        status = check_gone(t, err);
    return status == 0
               ? 0
               : error_prefix(err,
                              "series %lld (%s %s) stays; the next self test after an "
                              "hour removes it",
                              (long long)t->names.series_id, t->names.market, t->names.instrument);
}

static const struct step steps[] = {
    {"write", "rows that were not there, with their coverage", write_fresh, false},
    {"read", "every value reads back bit by bit", read_back, false},
    {"coverage", "what is known of the periods is there", check_coverage, false},
    {"series", "names and attributes of the series are there", check_series, false},
    {"replay", "rows that are there already are not written again", replay, false},
    {"change", "a changed value is written", change, false},
    {"older", "an older answer does not undo a newer one", put_older, false},
    {"rollback", "nothing stays of a transaction that was given up", roll_back, false},
    {"lock", "writers can exclude each other", lock, false},
    {"proof", "what only this server can tell", prove, false},
    {"remove", "nothing is left behind", clean_up, true},
};

/* ---- all of them ---- */

static bool run_step(struct selftest *t, const struct step *step, bool skip)
{
    size_t index = t->report.step_count++;
    struct ccd_selftest_step *out = &t->steps[index];
    struct ccd_error err = {0};
    *out = (struct ccd_selftest_step){
        .name = step->name,
        .meaning = step->meaning,
        .state = CCD_STEP_SKIPPED,
        .message = t->messages[index],
    };
    if (skip)
        return true;
    int64_t started_us = clock_mono_us(NULL);
    int status = step->run(t, &out->rows, t->messages[index], &err);
    out->duration_us = clock_mono_us(NULL) - started_us;
    if (status == CCD_LOCKED)
        return true;
    out->state = status == 0 ? CCD_STEP_OK : CCD_STEP_FAILED;
    if (status != 0) {
        redact(&t->client->redactor, err.message);
        str_copy(t->messages[index], sizeof(t->messages[index]), str_from(err.message));
        if (t->report.error.status == CCD_OK)
            error_set(&t->report.error, CCD_CHECK_FAILED, "%s: %s", step->name, err.message);
        close_writer(t);
    }
    return status == 0;
}

/* Later steps need the rows of the first. */
static void run_steps(struct selftest *t)
{
    bool written = true;
    for (size_t i = 0; i < sizeof(steps) / sizeof(*steps); i++) {
        bool stopped = client_stop_level(t->client) > 0;
        bool good = run_step(t, &steps[i], !steps[i].always && (!written || stopped));
        written = written && (good || i > 0);
        if (stopped && t->report.error.status == CCD_OK)
            error_set(&t->report.error, CCD_INTERRUPTED, "interrupted");
    }
}

/* "SCRATCH-1700000000-4711": whether it was made long ago. */
static bool is_left_behind(const struct listed_series *series, int64_t now_utc_s)
{
    struct str rest = str_from(series->instrument);
    int64_t made_utc_s;
    if (strcmp(series->market, scratch_market) != 0 ||
        !str_starts_with(rest, str_from(scratch_prefix)))
        return false;
    rest.ptr += strlen(scratch_prefix);
    rest.len -= strlen(scratch_prefix);
    return str_to_i64(str_split(&rest, '-'), &made_utc_s) && made_utc_s < now_utc_s - LEFT_BEHIND_S;
}

/* Of self tests that were killed. */
static int remove_left_behind(struct selftest *t, struct ccd_error *err)
{
    struct store *store = t->endpoint.store;
    struct series_list list = {0};
    int status = series_list_load(&list, store, t->type, err);
    for (size_t i = 0; i < list.count && status == 0; i++) {
        const struct listed_series *series = &list.items[i];
        if (!is_left_behind(series, clock_utc_s(NULL)))
            continue;
        log_info(&t->client->log, NULL, "removing %s of a self test that was killed",
                 series->instrument);
        status = store->ops->remove_series(
            store, t->type,
            series_id_of(t->type->name, str_from(series->market), str_from(series->instrument)),
            err);
    }
    series_list_release(&list);
    return status;
}

static int prepare(struct selftest *t, struct ccd_error *err)
{
    char instrument[64], mapped[64];
    long long now_utc_s = clock_utc_s(NULL);
    t->type = data_type_find(STR("spot_ohlcv"));
    t->step_s = interval_infos[scratch_interval].step_s;
    t->first_ts = time_from_civil(FIRST_YEAR, 1, 1, 0, 0, 0);
    t->collected_utc_s = now_utc_s;
    str_print(instrument, sizeof(instrument), "%s%lld-%d", scratch_prefix, now_utc_s,
              (int)getpid());
    str_print(mapped, sizeof(mapped), "MAPPED-%s", instrument);
    if (!t->type || !series_names_set(&t->names, t->type, str_from(scratch_market),
                                      str_from(instrument), str_from(mapped)))
        return error_set(err, CCD_INTERNAL, "the scratch series has no name");
    int status = batch_init(&t->written, t->type, ENDPOINT_ROWS, TEXT_MAX_BYTES, NULL, err);
    if (status == 0)
        status = batch_init(&t->stored, t->type, ENDPOINT_ROWS + 1, TEXT_MAX_BYTES, NULL, err);
    return status == 0 ? remove_left_behind(t, err) : status;
}

static void release(struct selftest *t)
{
    close_writer(t);
    endpoint_close(&t->endpoint);
    batch_release(&t->written);
    batch_release(&t->stored);
}

static void finish(struct selftest *t)
{
    struct ccd_selftest_report *report = &t->report;
    report->steps = t->steps;
    report->database = t->endpoint.name;
    report->duration_ms = scan_elapsed_ms(&t->scan);
    report->exit_code = ccd_status_exit_code(report->error.status);
    report->status = scan_outcome(report->error.status);
}

void ccd_selftest_report_free(struct ccd_selftest_report *report)
{
    struct selftest *t = (struct selftest *)report;
    if (!t)
        return;
    release(t);
    mem_free(NULL, t);
}

int ccd_selftest(struct ccd_client *client, const struct ccd_selftest_options *options,
                 struct ccd_selftest_report **out_report, struct ccd_error *err)
{
    struct ccd_error local = {0};
    err = err ? err : &local;
    error_clear(err);
    struct selftest *t = mem_new(NULL, 1, sizeof(*t));
    if (!t)
        return error_set(err, CCD_NO_MEMORY, "no memory for the self test");
    t->client = client;
    scan_init(&t->scan, client, NULL, NULL);
    int status = endpoint_open(&t->endpoint, client, "selftest", NULL,
                               options && options->no_create ? ENDPOINT_WRITE : ENDPOINT_CREATE,
                               err);
    if (status == 0 && !(t->endpoint.store->capabilities & STORE_PERSISTS))
        status = error_set(err, CCD_USAGE, "%s keeps nothing: there is nothing to test",
                           t->endpoint.name);
    if (status == 0)
        status = prepare(t, err);
    if (status != 0) {
        redact(&client->redactor, err->message);
        ccd_selftest_report_free(&t->report);
        return status;
    }
    run_steps(t);
    finish(t);
    release(t);
    *out_report = &t->report;
    return 0;
}
