#include "mirror.h"

#include <stdlib.h>
#include <string.h>

#include "crash_disk.h"

enum {
    ONE_IN = 24,          /* seeds that have a mirror */
    CHANGES_MAX = 60,     /* of files, in which a transaction may die; most have fewer */
    CHANGES_FEW = 12,
    OPEN_CHANGES_MAX = 8, /* the same of opening a database that has to recover */
    RESTART_ONE_IN = 3,   /* lives that end in peace */
    ROWS_MAX = 2 * SIM_PERIODS_MAX,
    TEXT_MAX_BYTES = 1 << 20,
};

static const char url[] = "sqlite:" CRASH_DISK_DATABASE;
static const int64_t busy_timeout_ms = 1000;

/* How SQLite is kept from losing what it was given. */
enum journal { WRITE_AHEAD_LOG, ROLLBACK_JOURNAL, JOURNAL_COUNT };

struct mirror {
    struct crash_disk *disk;
    struct rng rng; /* of the disk and of this file: the seed's own draws stay as they are */
    struct crash_image *empty[JOURNAL_COUNT]; /* the tables, without a row */
    enum journal journal;
    struct store *store; /* NULL: this seed has no mirror */
    struct store_writer *writer;
    /* A transaction without an answer was seen after its death: SQLite reads a log that nobody has
     * synchronised, and makes it last with the next commit. Until then it may vanish in a power
     * cut, as the model cannot. */
    bool unsynced;
    struct batch rows;
    struct coverage_segment *claims, *scratch, *expected;
    size_t claim_count, claim_room;
};

/* ---- the database ---- */

static int64_t no_time_us(void *user)
{
    (void)user;
    return INT64_C(1735689600) * SIM_US_PER_S;
}

static int open_database(struct mirror *m, struct ccd_error *err)
{
    static const struct clock standing = {.utc_us = no_time_us, .mono_us = no_time_us};
    const struct store_config config = {.url = url,
                                        .create_schema = true,
                                        .settle_s = SIM_SETTLE_S,
                                        .busy_timeout_ms = busy_timeout_ms,
                                        .clock = &standing};
    if (store_open(&config, &m->store, err) != 0)
        return (int)err->status;
    int status = m->store->ops->writer_open(m->store, &m->writer, err);
    if (status != 0) {
        store_close(m->store);
        m->store = NULL;
    }
    return status;
}

static void close_database(struct mirror *m)
{
    if (m->writer)
        m->store->ops->writer_close(m->writer);
    store_close(m->store);
    m->writer = NULL;
    m->store = NULL;
}

static int make_image(struct mirror *m, enum journal journal, struct ccd_error *err)
{
    crash_disk_begin(m->disk, NULL, journal == WRITE_AHEAD_LOG);
    int status = open_database(m, err);
    if (status != 0)
        return status;
    close_database(m);
    m->empty[journal] = crash_disk_copy(m->disk);
    return m->empty[journal] ? 0 : error_set(err, CCD_NO_MEMORY, "no memory for a disk");
}

int mirror_new(struct mirror **out, struct ccd_error *err)
{
    struct mirror *m = calloc(1, sizeof(*m));
    if (!m)
        return error_set(err, CCD_NO_MEMORY, "no memory for a mirror");
    int status = crash_disk_new(&m->rng, &m->disk, err);
    for (int journal = 0; status == 0 && journal < JOURNAL_COUNT; journal++)
        status = make_image(m, (enum journal)journal, err);
    if (status == 0)
        status = batch_init(&m->rows, data_types[0], ROWS_MAX, TEXT_MAX_BYTES, NULL, err);
    if (status != 0) {
        mirror_free(m);
        return status;
    }
    *out = m;
    return 0;
}

void mirror_free(struct mirror *m)
{
    if (!m)
        return;
    close_database(m);
    for (int journal = 0; journal < JOURNAL_COUNT; journal++)
        crash_image_free(m->empty[journal]);
    batch_release(&m->rows);
    crash_disk_free(m->disk);
    free(m->claims);
    free(m->scratch);
    free(m->expected);
    free(m);
}

static void open_or_fail(struct sim *sim)
{
    struct ccd_error err = {0};
    if (open_database(sim->mirror, &err) != 0)
        sim_fail(sim, "K3: the database cannot be opened again: %s", err.message);
}

void mirror_begin(struct sim *sim)
{
    static const char *const names[] = {"write-ahead log", "rollback journal"};
    struct mirror *m = sim->mirror;
    struct ccd_error err = {0};
    m->rng.state = rng_next(&sim->rng);
    m->unsynced = false;
    bool drawn = rng_below(&m->rng, ONE_IN) == 0 && !sim->mutant;
    if (!drawn && !sim->real_database && !mutants_need_mirror(sim->mutant))
        return;
    m->journal = (enum journal)rng_below(&m->rng, JOURNAL_COUNT);
    crash_disk_begin(m->disk, m->empty[m->journal], m->journal == WRITE_AHEAD_LOG);
    crash_disk_lie(m->disk, sim->mutant == MUTANT_DISK_LIES);
    open_or_fail(sim);
    for (size_t i = 0; i < sim->series_count && !sim->failed; i++) {
        const struct sim_series *s = &sim->series[i];
        if (m->store->ops->put_series(m->store, s->vendor->type, &s->names, 1, &err) != 0)
            sim_fail(sim, "the database does not take a series: %s", err.message);
    }
    sim_trace(sim, "a real database with a %s", names[m->journal]);
}

void mirror_end(struct sim *sim)
{
    close_database(sim->mirror);
}

bool mirror_is_on(const struct sim *sim)
{
    return sim->mirror->store && !sim->failed;
}

/* ---- what it holds ---- */

static void make_room(struct mirror *m, size_t count)
{
    if (count <= m->claim_room)
        return;
    m->claim_room = 2 * count + 64;
    size_t size = m->claim_room * sizeof(*m->claims);
    m->claims = realloc(m->claims, size);
    m->scratch = realloc(m->scratch, size);
    m->expected = realloc(m->expected, size);
    if (!m->claims || !m->scratch || !m->expected)
        abort();
}

static int add_claim(void *user, const struct coverage_segment *segment)
{
    struct mirror *m = user;
    make_room(m, 2 * (m->claim_count + 1));
    m->claims[m->claim_count++] = *segment;
    return 0;
}

/* NULL, or how the claims differ. */
static const char *other_claims(struct sim *sim, const struct sim_series *s)
{
    struct mirror *m = sim->mirror;
    struct ccd_error err = {0};
    size_t count;
    m->claim_count = 0;
    if (m->store->ops->load_coverage(m->store, s->names.series_id, s->step_s, add_claim, m, &err) !=
        0)
        return "claims that cannot be read";
    const struct coverage_segment *model = model_coverage(sim->store, s->names.series_id, s->step_s,
                                                          &count);
    make_room(m, 2 * count + 2 * m->claim_count);
    if (count)
        memcpy(m->expected, model, count * sizeof(*model));
    size_t expected = coverage_merge(m->expected, count, m->scratch);
    size_t there = coverage_merge(m->claims, m->claim_count, m->scratch);
    for (size_t i = 0; i < there && there == expected; i++) {
        const struct coverage_segment *a = &m->claims[i], *b = &m->expected[i];
        if (a->from_ts != b->from_ts || a->to_ts != b->to_ts || a->state != b->state ||
            a->asked_utc_s != b->asked_utc_s || a->next_check_utc_s != b->next_check_utc_s)
            return "another claim";
    }
    return there == expected ? NULL : "more or fewer claims";
}

static bool same_row(const struct sim_series *s, const struct batch *rows, size_t row,
                     const struct model_row *model)
{
    for (size_t c = 0; c < s->vendor->type->column_count; c++) {
        const struct column *column = &s->vendor->type->columns[c];
        if (!column_is_fact(column) || column->kind == COLUMN_TEXT)
            continue;
        bool there = batch_has(rows, row, c);
        if (there != (model->present >> c & 1) ||
            (there && batch_cell(rows, row, c)->i64 != model->cells[c].i64))
            return false;
    }
    return true;
}

static const char *other_rows(struct sim *sim, const struct sim_series *s)
{
    struct mirror *m = sim->mirror;
    struct ccd_error err = {0};
    size_t ts_column = (size_t)data_type_column_flagged(s->vendor->type, COLUMN_TS);
    size_t count = model_row_count(sim->store, s->names.series_id, s->step_s);
    struct period_range all = {.from_ts = INT64_MIN / 2, .to_ts = INT64_MAX / 2};
    if (batch_reset(&m->rows, s->vendor->type, ROWS_MAX, &err) != 0 ||
        m->store->ops->read_rows(m->store, s->vendor->type, s->interval, s->names.series_id, all,
                                 &m->rows, NULL, &err) != 0)
        return "rows that cannot be read";
    if (m->rows.row_count != count)
        return m->rows.row_count < count ? "fewer rows" : "more rows";
    for (size_t row = 0; row < count; row++) {
        const struct model_row *model = model_row_nth(sim->store, s->names.series_id, s->step_s,
                                                      row);
        if (batch_cell(&m->rows, row, ts_column)->i64 != model->ts ||
            !same_row(s, &m->rows, row, model))
            return "another row";
    }
    return NULL;
}

/* NULL, or the first difference; *out_series says where. */
static const char *difference(struct sim *sim, size_t *out_series)
{
    for (size_t i = 0; i < sim->series_count; i++) {
        const char *other = other_claims(sim, &sim->series[i]);
        other = other ? other : other_rows(sim, &sim->series[i]);
        *out_series = i;
        if (other)
            return other;
    }
    return NULL;
}

void mirror_check(struct sim *sim)
{
    size_t series;
    const char *other = mirror_is_on(sim) ? difference(sim, &series) : NULL;
    if (other)
        sim_fail(sim, "K3: the real database holds %s: series %zu", other, series);
}

/* ---- transactions ---- */

static int put_pages(struct mirror *m, const struct store_page *const *pages, size_t count,
                     struct store_page_result *out_results, struct ccd_error *err)
{
    int status = m->store->ops->writer_begin(m->writer, err);
    for (size_t i = 0; i < count && status == 0; i++)
        status = m->store->ops->writer_put(m->writer, pages[i], &out_results[i], err);
    return status;
}

static bool same_counts(const struct store_page_result *a, const struct store_page_result *b)
{
    return a->inserted == b->inserted && a->changed == b->changed && a->unchanged == b->unchanged &&
           a->rejected == b->rejected;
}

void mirror_transact(struct sim *sim, const struct store_page *const *pages,
                     const struct store_page_result *expected, size_t count, enum model_fate fate)
{
    struct mirror *m = sim->mirror;
    struct ccd_error err = {0};
    struct store_page_result results[SIM_PAGES_MAX];
    if (!mirror_is_on(sim))
        return;
    if (put_pages(m, pages, count, results, &err) != 0) {
        sim_fail(sim, "the real database does not take a page: %s", err.message);
        return;
    }
    if (fate == MODEL_ROLLS_BACK || fate == MODEL_UNKNOWN_LOST) {
        m->store->ops->writer_rollback(m->writer);
        return;
    }
    if (m->store->ops->writer_commit(m->writer, &err) != STORE_COMMITTED)
        sim_fail(sim, "the real database does not commit: %s", err.message);
    m->unsynced = false;
    for (size_t i = 0; i < count; i++)
        if (!same_counts(&results[i], &expected[i]))
            sim_fail(sim, "I16: the real database counts %lld new, %lld changed, %lld unchanged; "
                     "the model %lld, %lld, %lld", (long long)results[i].inserted,
                     (long long)results[i].changed, (long long)results[i].unchanged,
                     (long long)expected[i].inserted, (long long)expected[i].changed,
                     (long long)expected[i].unchanged);
}

/* ---- deaths ---- */

static void start_over(struct sim *sim)
{
    struct mirror *m = sim->mirror;
    bool cut = rng_below(&m->rng, 2) == 0 && !m->unsynced;
    sim_saw(sim, cut ? SOMETIMES_POWER_CUT : SOMETIMES_DATABASE_KILLED);
    if (cut)
        crash_disk_cut_power(m->disk);
    else
        crash_disk_restart(m->disk);
}

/* The next process opens the database, and may die while it recovers. */
static void recover(struct sim *sim)
{
    struct mirror *m = sim->mirror;
    struct ccd_error err = {0};
    start_over(sim);
    while (rng_below(&m->rng, 3) == 0) {
        crash_disk_kill_after(m->disk, (int64_t)rng_below(&m->rng, OPEN_CHANGES_MAX));
        open_database(m, &err);
        if (crash_disk_is_dead(m->disk))
            sim_saw(sim, SOMETIMES_KILLED_RECOVERING);
        crash_disk_kill_after(m->disk, 0);
        close_database(m);
        start_over(sim);
    }
    open_or_fail(sim);
}

void mirror_restart(struct sim *sim)
{
    struct mirror *m = sim->mirror;
    if (!mirror_is_on(sim))
        return;
    if (rng_below(&m->rng, RESTART_ONE_IN) != 0) { /* to read the schema is what takes long */
        mirror_check(sim);
        return;
    }
    bool in_peace = rng_below(&m->rng, 2) == 0;
    if (!in_peace)
        crash_disk_kill_after(m->disk, (int64_t)rng_below(&m->rng, OPEN_CHANGES_MAX));
    close_database(m);
    recover(sim);
    mirror_check(sim);
}

enum model_fate mirror_die(struct sim *sim, const struct store_page *const *pages, size_t count)
{
    struct mirror *m = sim->mirror;
    struct ccd_error err = {0};
    struct store_page_result results[SIM_PAGES_MAX];
    uint64_t most = rng_below(&m->rng, 2) ? CHANGES_MAX : CHANGES_FEW;
    crash_disk_kill_after(m->disk, (int64_t)rng_below(&m->rng, most));
    bool answered = put_pages(m, pages, count, results, &err) == 0 &&
                    m->store->ops->writer_commit(m->writer, &err) == STORE_COMMITTED;
    if (!answered && !crash_disk_is_dead(m->disk))
        sim_fail(sim, "the real database does not take a page: %s", err.message);
    crash_disk_kill_after(m->disk, 0);
    close_database(m);
    m->unsynced = m->unsynced && !answered;
    recover(sim);
    if (sim->failed)
        return MODEL_UNKNOWN_LOST;
    size_t series;
    /* What was answered is there; of the rest the model, which has not seen it, is the measure. */
    bool lost = !answered && !difference(sim, &series);
    m->unsynced |= !answered && !lost;
    sim_saw(sim, lost ? SOMETIMES_DIED_UNDONE : SOMETIMES_DIED_DONE);
    sim_trace(sim, "the real database died %s the answer and came back %s the transaction",
              answered ? "after" : "before", lost ? "without" : "with");
    return lost ? MODEL_UNKNOWN_LOST : MODEL_UNKNOWN_APPLIED;
}
