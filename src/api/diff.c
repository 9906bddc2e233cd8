/* ccd_diff: two destinations side by side, series by series, month by month. */
#include <string.h>

#include "api/endpoint.h"
#include "api/months.h"
#include "api/scan.h"
#include "api/series_list.h"

enum {
    DIFFERENCES_MAX = 1000,
    LONGEST_LIST = 1000000,
    TEXT_MAX_BYTES = 256 << 20,
    REPORT_MAX_BYTES = 512 << 20,
};

struct side {
    struct endpoint endpoint;
    struct series_list *lists; /* as in data_types[] */
    struct month_reader months;
    struct coverage_list coverage;
    struct batch list; /* of metadata */
};

struct diff {
    struct ccd_diff_report report; /* first, so that ccd_diff_report_free finds the rest */
    struct ccd_difference *differences;
    size_t capacity;
    size_t longest;
    struct arena arena;
    struct ccd_diff_options options;
    struct type_choice choice;
    struct scan scan;
    struct ccd_client *client;
    struct side left, right;
};

const char *ccd_difference_kind_name(enum ccd_difference_kind kind)
{
    static const char *const names[] = {
        [CCD_DIFFERENT_ROWS] = "rows",
        [CCD_DIFFERENT_COVERAGE] = "coverage",
        [CCD_DIFFERENT_SERIES] = "series",
        [CCD_DIFFERENT_NAMES] = "names",
        [CCD_DIFFERENT_ATTRIBUTES] = "attributes",
        [CCD_DIFFERENT_INSTRUMENTS] = "instruments",
        [CCD_DIFFERENT_RECORDS] = "records",
    };
    return (size_t)kind < sizeof(names) / sizeof(*names) ? names[kind] : "";
}

/* ---- what was found ---- */

static const char *keep(struct diff *d, const char *text)
{
    return text ? arena_copy_text(&d->arena, str_from(text)) : NULL;
}

static int grow(struct diff *d, struct ccd_error *err)
{
    size_t capacity = d->capacity ? 2 * d->capacity : 64;
    struct ccd_difference *bigger = mem_resize(NULL, d->differences, capacity, sizeof(*bigger));
    if (!bigger)
        return error_set(err, CCD_NO_MEMORY, "no memory for %zu differences", capacity);
    d->differences = bigger;
    d->capacity = capacity;
    return 0;
}

static int found(struct diff *d, const struct ccd_difference *difference, struct ccd_error *err)
{
    d->report.differences_found++;
    if (d->report.difference_count == d->longest)
        return 0;
    if (d->report.difference_count == d->capacity && grow(d, err) != 0)
        return err->status;
    struct ccd_difference *kept = &d->differences[d->report.difference_count];
    *kept = *difference;
    kept->market = keep(d, difference->market);
    kept->instrument = keep(d, difference->instrument);
    if (!kept->market || (difference->instrument && !kept->instrument))
        return error_set(err, CCD_NO_MEMORY, "no memory for a list of differences");
    d->report.difference_count++;
    return 0;
}

/* ---- a series ---- */

static int compare_coverage(struct diff *d, const struct ccd_difference *where, int64_t series_id,
                            int64_t step_s, struct ccd_error *err)
{
    uint8_t left[DIGEST_BYTES], right[DIGEST_BYTES];
    int status = coverage_list_load(&d->left.coverage, d->left.endpoint.store, series_id, step_s,
                                    err);
    if (status == 0)
        status = coverage_list_load(&d->right.coverage, d->right.endpoint.store, series_id, step_s,
                                    err);
    if (status != 0)
        return status;
    canonical_of_coverage(&d->left.coverage, left);
    canonical_of_coverage(&d->right.coverage, right);
    if (memcmp(left, right, sizeof(left)) == 0)
        return 0;
    struct ccd_difference difference = *where;
    difference.kind = CCD_DIFFERENT_COVERAGE;
    difference.left_count = (int64_t)d->left.coverage.count;
    difference.right_count = (int64_t)d->right.coverage.count;
    return found(d, &difference, err);
}

static int compare_month(struct diff *d, const struct ccd_difference *where,
                         const struct month *left, const struct month *right, struct ccd_error *err)
{
    d->report.months++;
    d->scan.now.rows += (left ? left->rows : 0) + (right ? right->rows : 0);
    if (left && right && left->rows == right->rows &&
        memcmp(left->digest, right->digest, sizeof(left->digest)) == 0)
        return 0;
    struct ccd_difference difference = *where;
    difference.kind = CCD_DIFFERENT_ROWS;
    month_print(left ? left->number : right->number, difference.month);
    difference.left_count = left ? left->rows : 0;
    difference.right_count = right ? right->rows : 0;
    return found(d, &difference, err);
}

/* Both sides' months ascend: the earlier one goes first, equal ones together. */
static int compare_months(struct diff *d, const struct ccd_difference *where, struct ccd_error *err)
{
    struct month left, right;
    bool has_left, has_right;
    int status = month_reader_next(&d->left.months, &left, &has_left, err);
    if (status == 0)
        status = month_reader_next(&d->right.months, &right, &has_right, err);
    while (status == 0 && (has_left || has_right)) {
        bool take_left = has_left && (!has_right || left.number <= right.number);
        bool take_right = has_right && (!has_left || right.number <= left.number);
        status = compare_month(d, where, take_left ? &left : NULL, take_right ? &right : NULL, err);
        if (status == 0)
            status = scan_step(&d->scan, err);
        if (status == 0 && take_left)
            status = month_reader_next(&d->left.months, &left, &has_left, err);
        if (status == 0 && take_right)
            status = month_reader_next(&d->right.months, &right, &has_right, err);
    }
    return status;
}

static int compare_interval(struct diff *d, const struct data_type *type, enum interval interval,
                            const struct ccd_difference *series, int64_t series_id,
                            struct ccd_error *err)
{
    struct ccd_difference where = *series;
    where.interval = interval_infos[interval].name;
    month_reader_start(&d->left.months, type, interval, series_id);
    month_reader_start(&d->right.months, type, interval, series_id);
    int status = compare_coverage(d, &where, series_id, interval_infos[interval].step_s, err);
    if (status == 0)
        status = compare_months(d, &where, err);
    d->scan.now.parts_done++;
    return status;
}

static bool same_attributes(const struct listed_series *left, const struct listed_series *right,
                            size_t count)
{
    static const struct value none = {.kind = VALUE_NULL};
    for (size_t i = 0; i < count; i++)
        if (!value_equal(left->attributes ? &left->attributes[i] : &none,
                         right->attributes ? &right->attributes[i] : &none))
            return false;
    return true;
}

static int report_kind(struct diff *d, const struct ccd_difference *where,
                       enum ccd_difference_kind kind, bool left, bool right, struct ccd_error *err)
{
    struct ccd_difference difference = *where;
    difference.kind = kind;
    difference.left_count = left;
    difference.right_count = right;
    return found(d, &difference, err);
}

static size_t attributes_of(const struct series_list *a, const struct series_list *b)
{
    return a->attribute_count > b->attribute_count ? a->attribute_count : b->attribute_count;
}

static int compare_series(struct diff *d, size_t type_index, const struct listed_series *left,
                          const struct listed_series *right, struct ccd_error *err)
{
    const struct data_type *type = data_types[type_index];
    const struct listed_series *one = left ? left : right;
    const struct ccd_difference where = {
        .data_type = type->name,
        .market = one->market,
        .instrument = one->instrument,
    };
    int status = scan_step(&d->scan, err);
    d->report.series++;
    if (status != 0)
        return status;
    if (!left || !right) {
        d->scan.now.parts_done += INTERVAL_COUNT;
        return report_kind(d, &where, CCD_DIFFERENT_SERIES, left != NULL, right != NULL, err);
    }
    if (strcmp(left->mapped_instrument, right->mapped_instrument) != 0)
        status = report_kind(d, &where, CCD_DIFFERENT_NAMES, true, true, err);
    size_t attributes = attributes_of(&d->left.lists[type_index], &d->right.lists[type_index]);
    if (status == 0 && !same_attributes(left, right, attributes))
        status = report_kind(d, &where, CCD_DIFFERENT_ATTRIBUTES, true, true, err);
    int64_t id = series_id_of(type->name, str_from(one->market), str_from(one->instrument));
    for (int i = 0; i < INTERVAL_COUNT && status == 0; i++)
        status = compare_interval(d, type, (enum interval)i, &where, id, err);
    return status;
}

static int compare_type(struct diff *d, size_t index, struct ccd_error *err)
{
    const struct listed_series *left, *right;
    size_t left_at = 0, right_at = 0;
    int status = batch_reset(&d->left.months.batch, data_types[index], ENDPOINT_ROWS, err);
    if (status == 0)
        status = batch_reset(&d->right.months.batch, data_types[index], ENDPOINT_ROWS, err);
    while (status == 0 && series_list_pair(&d->left.lists[index], &left_at, &d->right.lists[index],
                                           &right_at, &left, &right))
        status = compare_series(d, index, left, right, err);
    return status;
}

/* ---- metadata ---- */

static int load_list(struct side *side, const struct data_type *table, struct str scope,
                     uint8_t out_digest[DIGEST_BYTES], struct ccd_error *err)
{
    struct store *store = side->endpoint.store;
    size_t count;
    int64_t asked_utc_s;
    int status = store->ops->load_list(store, table, scope, NULL, &count, &asked_utc_s, err);
    /* A little more room than rows: others may write to it. */
    if (status == 0)
        status = batch_reset(&side->list, table, count + count / 8 + 16, err);
    if (status == 0)
        status = store->ops->load_list(store, table, scope, &side->list, &count, &asked_utc_s, err);
    if (status == 0)
        canonical_of_list(&side->list, out_digest);
    return status;
}

/* scope: the market of a catalogue, the record of a snapshot, or "". */
static int compare_list(struct diff *d, const struct data_type *table, struct str scope,
                        struct ccd_error *err)
{
    uint8_t left[DIGEST_BYTES], right[DIGEST_BYTES];
    char market[MARKET_MAX_BYTES];
    int status = scan_step(&d->scan, err);
    if (status == 0)
        status = load_list(&d->left, table, scope, left, err);
    if (status == 0)
        status = load_list(&d->right, table, scope, right, err);
    if (status != 0)
        return status;
    d->scan.now.rows += (int64_t)(d->left.list.row_count + d->right.list.row_count);
    if (memcmp(left, right, sizeof(left)) == 0)
        return 0;
    str_copy(market, sizeof(market), scope);
    return found(d,
                 &(struct ccd_difference){
                     .kind = table->shape == SHAPE_CATALOGUE ? CCD_DIFFERENT_INSTRUMENTS
                                                             : CCD_DIFFERENT_RECORDS,
                     .data_type = table->name,
                     .market = market,
                     .left_count = (int64_t)d->left.list.row_count,
                     .right_count = (int64_t)d->right.list.row_count,
                 },
                 err);
}

struct scope_walk {
    struct diff *d;
    const struct data_type *table;
};

static int compare_scope(void *user, struct str scope, int64_t asked_utc_s, struct ccd_error *err)
{
    const struct scope_walk *walk = user;
    (void)asked_utc_s;
    return compare_list(walk->d, walk->table, scope, err);
}

static int compare_new_scope(void *user, struct str scope, int64_t asked_utc_s,
                             struct ccd_error *err)
{
    const struct scope_walk *walk = user;
    struct store *left = walk->d->left.endpoint.store;
    size_t count;
    int64_t left_asked_utc_s;
    (void)asked_utc_s;
    int status = left->ops->load_list(left, walk->table, scope, NULL, &count, &left_asked_utc_s,
                                      err);
    return status == 0 && left_asked_utc_s == 0 ? compare_list(walk->d, walk->table, scope, err)
                                                : status;
}

/* Every market that one of the sides has a list of. */
static int compare_catalogue(struct diff *d, const struct data_type *table, struct ccd_error *err)
{
    struct store *left = d->left.endpoint.store, *right = d->right.endpoint.store;
    struct scope_walk walk = {d, table};
    int status = left->ops->each_list(left, table, compare_scope, &walk, err);
    return status == 0 ? right->ops->each_list(right, table, compare_new_scope, &walk, err)
                       : status;
}

/* Record by record, for all of them may be more than memory holds. */
static int compare_snapshots(struct diff *d, const struct data_type *table, struct ccd_error *err)
{
    struct store *left = d->left.endpoint.store;
    struct batch records = {0};
    size_t key = (size_t)data_type_column_flagged(table->parent, COLUMN_KEY);
    size_t count;
    int64_t asked_utc_s;
    buf_init(&records.text, TEXT_MAX_BYTES, NULL);
    int status = left->ops->load_list(left, table->parent, STR(""), NULL, &count, &asked_utc_s,
                                      err);
    if (status == 0)
        status = batch_reset(&records, table->parent, count + count / 8 + 16, err);
    if (status == 0)
        status = left->ops->load_list(left, table->parent, STR(""), &records, &count, &asked_utc_s,
                                      err);
    for (size_t row = 0; row < records.row_count && status == 0; row++) {
        char scope[24];
        str_print(scope, sizeof(scope), "%lld", (long long)batch_cell(&records, row, key)->i64);
        status = compare_list(d, table, str_from(scope), err);
    }
    batch_release(&records);
    return status;
}

static int compare_metadata(struct diff *d, const struct data_type *type, struct ccd_error *err)
{
    if (type->shape == SHAPE_CATALOGUE)
        return compare_catalogue(d, type, err);
    int status = 0;
    for (size_t i = 0; i < type->table_count && status == 0; i++)
        status = type->tables[i]->shape == SHAPE_SNAPSHOTS
                     ? compare_snapshots(d, type->tables[i], err)
                     : compare_list(d, type->tables[i], STR(""), err);
    return status;
}

/* ---- all of it ---- */

static void count_parts(struct diff *d)
{
    for (size_t i = 0; i < data_type_count; i++) {
        const struct listed_series *left, *right;
        size_t left_at = 0, right_at = 0;
        if (d->choice.chosen[i])
            while (series_list_pair(&d->left.lists[i], &left_at, &d->right.lists[i], &right_at,
                                    &left, &right))
                d->scan.now.parts_total += INTERVAL_COUNT;
    }
}

static int compare_all(struct diff *d, struct ccd_error *err)
{
    int status = series_lists_load(&d->left.lists, d->left.endpoint.store, &d->choice, err);
    if (status == 0)
        status = series_lists_load(&d->right.lists, d->right.endpoint.store, &d->choice, err);
    if (status == 0)
        count_parts(d);
    for (size_t i = 0; i < data_type_count && status == 0; i++) {
        if (!d->choice.chosen[i])
            continue;
        status = data_types[i]->shape == SHAPE_CANDLES ? compare_type(d, i, err)
                                                       : compare_metadata(d, data_types[i], err);
    }
    if (status == 0 && d->report.differences_found > 0)
        error_set(err, CCD_CHECK_FAILED, "%s and %s differ in %lld places", d->left.endpoint.name,
                  d->right.endpoint.name, (long long)d->report.differences_found);
    return status;
}

static void release_side(struct side *side)
{
    endpoint_close(&side->endpoint);
    series_lists_free(side->lists);
    side->lists = NULL;
    batch_release(&side->months.batch);
    batch_release(&side->list);
    coverage_list_release(&side->coverage);
}

void ccd_diff_report_free(struct ccd_diff_report *report)
{
    struct diff *d = (struct diff *)report;
    if (!d)
        return;
    release_side(&d->left);
    release_side(&d->right);
    mem_free(NULL, d->differences);
    arena_release(&d->arena);
    mem_free(NULL, d);
}

static void init_side(struct side *side)
{
    buf_init(&side->months.batch.text, TEXT_MAX_BYTES, NULL);
    buf_init(&side->list.text, TEXT_MAX_BYTES, NULL);
}

static int open_side(struct diff *d, struct side *side, const char *role, const char *url,
                     struct ccd_error *err)
{
    int status = endpoint_open(&side->endpoint, d->client, role, url, ENDPOINT_READ, err);
    side->months.store = side->endpoint.store;
    return status;
}

static int start(struct diff *d, const struct ccd_diff_options *options, struct ccd_error *err)
{
    struct ccd_diff_options defaults = CCD_DIFF_INIT;
    d->options = defaults;
    memcpy(&d->options, options,
           options->size < sizeof(defaults) ? options->size : sizeof(defaults));
    int64_t longest = d->options.max_differences;
    if (longest > LONGEST_LIST)
        return error_set(err, CCD_USAGE, "a list of differences has at most %d entries",
                         LONGEST_LIST);
    d->longest = longest < 0 ? DIFFERENCES_MAX : (size_t)longest;
    arena_init(&d->arena, REPORT_MAX_BYTES, NULL);
    init_side(&d->left);
    init_side(&d->right);
    scan_init(&d->scan, d->client, d->options.progress, d->options.progress_user);
    int status = type_choice_init(&d->choice, d->options.types, d->options.type_count, err);
    if (status == 0)
        status = endpoint_check_pair("the first URL", d->options.left, "the second URL",
                                     d->options.right, err);
    if (status == 0)
        status = open_side(d, &d->left, "the first URL", d->options.left, err);
    if (status == 0)
        status = open_side(d, &d->right, "the second URL", d->options.right, err);
    return status;
}

static void finish(struct diff *d, const struct ccd_error *ended)
{
    struct ccd_diff_report *report = &d->report;
    report->differences = d->differences;
    report->rows = d->scan.now.rows;
    report->left = d->left.endpoint.name;
    report->right = d->right.endpoint.name;
    report->error = *ended;
    redact(&d->client->redactor, report->error.message);
    report->exit_code = ccd_status_exit_code(ended->status);
    report->duration_ms = scan_elapsed_ms(&d->scan);
    report->status = scan_outcome(ended->status);
}

int ccd_diff(struct ccd_client *client, const struct ccd_diff_options *options,
             struct ccd_diff_report **out_report, struct ccd_error *err)
{
    struct ccd_error local = {0};
    err = err ? err : &local;
    error_clear(err);
    struct diff *d = mem_new(NULL, 1, sizeof(*d));
    if (!d)
        return error_set(err, CCD_NO_MEMORY, "no memory to compare");
    d->client = client;
    int status = start(d, options, err);
    if (status != 0) {
        redact(&client->redactor, err->message);
        ccd_diff_report_free(&d->report);
        return status;
    }
    compare_all(d, err);
    finish(d, err);
    error_clear(err);
    release_side(&d->left);
    release_side(&d->right);
    *out_report = &d->report;
    return 0;
}
