/* The contract of stores: transactions, several writers at once, locks between processes. */
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "support.h"

enum { THREADS = 4, ATTEMPTS = 200 };

static void pause_ms(long ms)
{
    nanosleep(&(struct timespec){.tv_sec = ms / 1000, .tv_nsec = ms % 1000 * 1000000}, NULL);
}

/* ---- transactions ---- */

CONTRACT(many_types_in_one_transaction)
{
    struct page pages[16];
    size_t count = 0;
    struct store_writer *w = fixture_writer(f);
    CHECK_INT(CCD_OK, w->ops->writer_begin(w, &f->err));
    for (size_t t = 0; t < data_type_count; t++) {
        for (int i = 0; i < INTERVAL_COUNT && data_types[t]->shape == SHAPE_CANDLES; i++) {
            struct page *page = &pages[count++];
            struct store_page_result result;
            int64_t step_s = interval_infos[i].step_s;
            page_init(page, data_types[t]->name, (enum interval)i, "A-B", "C-D", 3);
            for (int64_t n = 0; n < 3; n++)
                page_add(page, (20000 + n) * step_s);
            page_cover(page, 20000 * step_s, 20003 * step_s, COVERAGE_STORED);
            CHECK_INT(CCD_OK, w->ops->writer_put(w, &page->p, &result, &f->err));
        }
    }
    CHECK_INT(STORE_COMMITTED, w->ops->writer_commit(w, &f->err));
    for (size_t i = 0; i < count; i++) {
        struct coverage_segment got[2];
        page_is_stored(f, &pages[i]);
        CHECK_INT(persists(f) ? 1 : 0, stored_coverage(f, &pages[i], got, 2));
        page_release(&pages[i]);
    }
}

CONTRACT(coverage_of_many_pages)
{
    struct page page;
    struct coverage_segment got[64];
    page_init_days(&page, 100, 1);
    for (int64_t i = 0; i < 40; i++) {
        struct store_page_result result;
        page.p.segment_count = 0;
        page_cover(&page, day(100 + i), day(101 + i), COVERAGE_STORED);
        CHECK(page_put(f, &page, &result));
    }
    CHECK_INT(persists(f) ? 40 : 0, stored_coverage(f, &page, got, 64));
    page_release(&page);
}

CONTRACT(failed_page_takes_the_transaction_along)
{
    struct page good;
    struct page bad;
    struct store_page_result result;
    struct coverage_segment got[2];
    struct store_writer *w = fixture_writer(f);
    struct series_names other = names_of("spot_ohlcv", "HOLDER", NULL);
    page_init_days(&good, 100, 5);
    page_cover(&good, day(100), day(105), COVERAGE_STORED);
    page_init(&bad, "spot_ohlcv", INTERVAL_1D, "BAD", NULL, 1);
    page_add(&bad, day(100));
    bad.names.series_id = other.series_id;
    CHECK_INT(CCD_OK, f->store->ops->put_series(f->store, good.p.type, &other, 1, &f->err));
    if (persists(f)) {
        CHECK_INT(CCD_OK, w->ops->writer_begin(w, &f->err));
        CHECK_INT(CCD_OK, w->ops->writer_put(w, &good.p, &result, &f->err));
        CHECK_INT(CCD_DATABASE_DATA, w->ops->writer_put(w, &bad.p, &result, &f->err));
        w->ops->writer_rollback(w);
    }
    CHECK_INT(0, stored_rows(f, &good));
    CHECK_INT(0, stored_coverage(f, &good, got, 2));
    page_check(f, &good, 5, 0, 0, 0); /* the writer goes on */
    page_is_stored(f, &good);
    page_release(&good);
    page_release(&bad);
}

CONTRACT(rollback_undoes_changes_and_inserts)
{
    struct page before;
    struct page after;
    struct store_page_result result;
    struct store_writer *w = fixture_writer(f);
    page_init_days(&before, 100, 10);
    page_init_days(&after, 95, 20);
    page_check(f, &before, 10, 0, 0, 0);
    for (size_t row = 0; row < 20; row++)
        page_set_f64(&after, row, "close", 1);
    CHECK_INT(CCD_OK, w->ops->writer_begin(w, &f->err));
    CHECK_INT(CCD_OK, w->ops->writer_put(w, &after.p, &result, &f->err));
    CHECK_INT(persists(f) ? 10 : 0, result.changed);
    w->ops->writer_rollback(w);
    page_is_stored(f, &before);
    CHECK_INT(persists(f) ? 10 : 0, stored_rows(f, &before));
    page_check(f, &after, 10, 10, 0, 0);
    page_is_stored(f, &after);
    page_release(&before);
    page_release(&after);
}

CONTRACT(rows_and_coverage_appear_together)
{
    struct page page;
    struct store *other;
    struct store_page_result result;
    struct store_config config = fixture_config(f);
    struct store_writer *w = fixture_writer(f);
    struct coverage_segment got[2];
    page_init_days(&page, 100, 10);
    page_cover(&page, day(100), day(110), COVERAGE_STORED);
    CHECK_INT(CCD_OK, store_open(&config, &other, &f->err));
    struct fixture reader = {.back_end = f->back_end, .place = f->place, .store = other};
    for (int round = 0; round < 2; round++) {
        CHECK_INT(CCD_OK, w->ops->writer_begin(w, &f->err));
        CHECK_INT(CCD_OK, w->ops->writer_put(w, &page.p, &result, &f->err));
        CHECK_INT(0, stored_rows(&reader, &page));
        CHECK_INT(0, stored_coverage(&reader, &page, got, 2));
        if (round == 0)
            w->ops->writer_rollback(w);
        else
            CHECK_INT(STORE_COMMITTED, w->ops->writer_commit(w, &f->err));
    }
    CHECK_INT(persists(f) ? 10 : 0, stored_rows(&reader, &page));
    CHECK_INT(persists(f) ? 1 : 0, stored_coverage(&reader, &page, got, 2));
    store_close(other);
    page_release(&page);
}

/* The second writer meets what the first has written and not committed. */
CONTRACT(second_writer_of_a_window_is_told_to_come_again)
{
    struct page page;
    struct store *other;
    struct store_page_result result;
    struct store_writer *w = fixture_writer(f);
    f->busy_timeout_ms = 1000;
    struct store_config config = fixture_config(f);
    page_init_days(&page, 100, 10);
    page.p.fresh = true;
    CHECK_INT(CCD_OK, store_open(&config, &other, &f->err));
    struct fixture second = {.back_end = f->back_end, .place = f->place, .store = other};
    struct store_writer *w2 = fixture_writer(&second);
    CHECK_INT(CCD_OK, w->ops->writer_begin(w, &f->err));
    CHECK_INT(CCD_OK, w->ops->writer_put(w, &page.p, &result, &f->err));
    int status = w2->ops->writer_begin(w2, &second.err);
    if (status == CCD_OK)
        status = w2->ops->writer_put(w2, &page.p, &result, &second.err);
    CHECK_INT(persists(f) ? CCD_DATABASE_BUSY : CCD_OK, status);
    w2->ops->writer_rollback(w2);
    CHECK_INT(STORE_COMMITTED, w->ops->writer_commit(w, &f->err));
    page_check(&second, &page, 0, 0, 10, 0);
    page_is_stored(f, &page);
    w2->ops->writer_close(w2);
    store_close(other);
    page_release(&page);
}

/* ---- several writers at once ---- */

/* What one thread writes; each has its own writer of the common store. */
struct worker {
    pthread_t thread;
    struct store *store;
    struct page *pages;
    size_t page_count;
    size_t per_transaction;
    int64_t inserted, retries;
    bool failed;
    struct ccd_error err;
};

/* All pages of a transaction; false: to be done again or given up. */
static bool put_all(struct worker *k, struct store_writer *w, size_t first, int64_t *out_inserted)
{
    *out_inserted = 0;
    if (w->ops->writer_begin(w, &k->err) != CCD_OK)
        return false;
    for (size_t i = first; i < k->page_count && i < first + k->per_transaction; i++) {
        struct store_page_result result;
        if (w->ops->writer_put(w, &k->pages[i].p, &result, &k->err) != CCD_OK) {
            w->ops->writer_rollback(w);
            return false;
        }
        *out_inserted += result.inserted;
    }
    return w->ops->writer_commit(w, &k->err) == STORE_COMMITTED;
}

static void *work(void *user)
{
    struct worker *k = user;
    struct store_writer *w;
    if (k->store->ops->writer_open(k->store, &w, &k->err) != CCD_OK) {
        k->failed = true;
        return NULL;
    }
    for (size_t i = 0; i < k->page_count && !k->failed; i += k->per_transaction) {
        int64_t inserted;
        int attempt = 0;
        while (!put_all(k, w, i, &inserted) && !k->failed) {
            k->failed = k->err.status != CCD_DATABASE_BUSY || ++attempt == ATTEMPTS;
            k->retries++;
            pause_ms(attempt % 7);
        }
        k->inserted += inserted;
    }
    w->ops->writer_close(w);
    return NULL;
}

static int64_t run_workers(struct worker *workers, size_t count)
{
    int64_t inserted = 0;
    for (size_t i = 0; i < count; i++)
        CHECK_INT(0, pthread_create(&workers[i].thread, NULL, work, &workers[i]));
    for (size_t i = 0; i < count; i++) {
        pthread_join(workers[i].thread, NULL);
        if (!CHECK(!workers[i].failed))
            fprintf(stderr, "%s\n", workers[i].err.message);
        inserted += workers[i].inserted;
    }
    return inserted;
}

enum { WINDOWS = 12, WINDOW_ROWS = 50 };

/* Thread t's windows of its own series (or of one for all), covered. */
static void make_windows(struct page *pages, size_t thread, bool one_series, int64_t first_day,
                         int64_t stride)
{
    char native[16];
    str_print(native, sizeof(native), "S%zu", one_series ? 0 : thread);
    for (int64_t i = 0; i < WINDOWS; i++) {
        int64_t from = first_day + i * stride;
        page_init(&pages[i], "spot_ohlcv", INTERVAL_1D, native, NULL, WINDOW_ROWS);
        for (int64_t n = 0; n < WINDOW_ROWS; n++)
            page_add(&pages[i], day(from + n));
        page_cover(&pages[i], day(from), day(from + WINDOW_ROWS), COVERAGE_STORED);
        pages[i].p.fresh = true;
    }
}

static void check_parallel(struct fixture *f, bool one_series, size_t per_transaction)
{
    static struct page pages[THREADS][WINDOWS];
    struct coverage_segment got[THREADS * WINDOWS + 1];
    struct worker workers[THREADS] = {0};
    for (size_t t = 0; t < THREADS; t++) {
        /* Of one series: windows that lie between one another, as jobs that are cut up do. */
        int64_t first = one_series ? 100 + (int64_t)t * WINDOW_ROWS : 100;
        make_windows(pages[t], t, one_series, first, one_series ? THREADS * WINDOW_ROWS : 60);
        workers[t] = (struct worker){.store = f->store,
                                     .pages = pages[t],
                                     .page_count = WINDOWS,
                                     .per_transaction = per_transaction};
    }
    CHECK_INT((int64_t)THREADS * WINDOWS * WINDOW_ROWS, run_workers(workers, THREADS));
    for (size_t t = 0; t < THREADS; t++) {
        for (size_t i = 0; i < WINDOWS; i++)
            page_is_stored(f, &pages[t][i]);
        size_t segments = one_series ? (size_t)THREADS * WINDOWS : WINDOWS;
        CHECK_INT(persists(f) ? segments : 0,
                  stored_coverage(f, &pages[t][0], got, THREADS * WINDOWS + 1));
    }
    for (size_t t = 0; t < THREADS; t++)
        for (size_t i = 0; i < WINDOWS; i++)
            page_release(&pages[t][i]);
}

CONTRACT(writers_of_different_series)
{
    check_parallel(f, false, 1);
}

CONTRACT(writers_of_different_series_several_pages_each)
{
    check_parallel(f, false, 5);
}

CONTRACT(writers_of_one_series)
{
    check_parallel(f, true, 1);
}

CONTRACT(writers_of_one_series_several_pages_each)
{
    check_parallel(f, true, 4);
}

/* All threads write the same rows in versions of their own: whoever comes first, the newest stays.
 */
CONTRACT(writers_of_the_same_rows_converge)
{
    static struct page pages[THREADS][WINDOWS];
    struct worker workers[THREADS] = {0};
    for (size_t t = 0; t < THREADS; t++) {
        make_windows(pages[t], t, true, 100, WINDOW_ROWS);
        for (size_t i = 0; i < WINDOWS; i++) {
            pages[t][i].p.collected_utc_s += (int64_t)t;
            for (size_t row = 0; row < WINDOW_ROWS; row++)
                page_set_f64(&pages[t][i], row, "close", (double)t);
        }
        workers[t] = (struct worker){
            .store = f->store, .pages = pages[t], .page_count = WINDOWS, .per_transaction = 1};
    }
    int64_t inserted = run_workers(workers, THREADS);
    CHECK_INT(WINDOWS * WINDOW_ROWS * (persists(f) ? 1 : THREADS), inserted);
    for (size_t i = 0; i < WINDOWS; i++) {
        page_is_stored(f, &pages[THREADS - 1][i]);
        CHECK_INT(persists(f) ? COLLECTED + THREADS - 1 : -1,
                  stored_collected(f, &pages[0][i], day(100 + (int64_t)i * WINDOW_ROWS)));
    }
    for (size_t t = 0; t < THREADS; t++)
        for (size_t i = 0; i < WINDOWS; i++)
            page_release(&pages[t][i]);
}

/* Pages in opposite orders within one transaction: the classic deadlock. */
CONTRACT(writers_in_opposite_orders_both_end)
{
    static struct page pages[2][WINDOWS];
    struct worker workers[2] = {0};
    for (size_t t = 0; t < 2; t++) {
        make_windows(pages[t], t, true, 100, WINDOW_ROWS);
        for (size_t i = 0; i < WINDOWS / 2 && t == 1; i++) {
            struct page swap = pages[t][i];
            pages[t][i] = pages[t][WINDOWS - 1 - i];
            pages[t][WINDOWS - 1 - i] = swap;
        }
        for (size_t i = 0; i < WINDOWS; i++) { /* what points into the page moved with it */
            pages[t][i].p.series = &pages[t][i].names;
            pages[t][i].p.batch = &pages[t][i].batch;
            pages[t][i].p.segments = pages[t][i].segments;
        }
        workers[t] = (struct worker){.store = f->store,
                                     .pages = pages[t],
                                     .page_count = WINDOWS,
                                     .per_transaction = WINDOWS};
    }
    int64_t inserted = run_workers(workers, 2);
    CHECK_INT(WINDOWS * WINDOW_ROWS * (persists(f) ? 1 : 2), inserted);
    for (size_t t = 0; t < 2; t++) {
        for (size_t i = 0; i < WINDOWS; i++)
            page_is_stored(f, &pages[t][i]);
        for (size_t i = 0; i < WINDOWS; i++)
            page_release(&pages[t][i]);
    }
}

/* Each thread puts the same list of series, through a store of its own. */
static void *put_same_series(void *user)
{
    struct fixture *f = user;
    struct store_config config = fixture_config(f);
    struct ccd_error err = {0};
    struct store *store;
    enum { COUNT = 40 };
    struct series_names names[COUNT];
    for (int i = 0; i < COUNT; i++) {
        char native[16];
        str_print(native, sizeof(native), "N%d", i);
        series_names_set(&names[i], type_of("spot_ohlcv"), STR("kraken"), str_from(native),
                         str_from(native));
    }
    int status = store_open(&config, &store, &err);
    if (status != CCD_OK)
        return "cannot open";
    for (int attempt = 0; attempt < ATTEMPTS; attempt++) {
        status = store->ops->put_series(store, type_of("spot_ohlcv"), names, COUNT, &err);
        if (status != CCD_DATABASE_BUSY)
            break;
        pause_ms(attempt % 7);
    }
    store_close(store);
    if (status != CCD_OK)
        fprintf(stderr, "%s\n", err.message);
    return status == CCD_OK ? NULL : "cannot put";
}

CONTRACT(same_series_put_by_many_at_once)
{
    pthread_t threads[THREADS];
    for (int i = 0; i < THREADS; i++)
        CHECK_INT(0, pthread_create(&threads[i], NULL, put_same_series, f));
    for (int i = 0; i < THREADS; i++) {
        void *why;
        pthread_join(threads[i], &why);
        CHECK_TEXT(NULL, why);
    }
    struct series_names found;
    CHECK_INT(persists(f), find(f, "spot_ohlcv", "kraken", "N0", &found));
    CHECK_INT(persists(f), find(f, "spot_ohlcv", "kraken", "N39", &found));
}

/* Compaction replaces segments while others are inserted: none may be lost. */
static void *compact(void *user)
{
    struct fixture *f = user;
    struct store_config config = fixture_config(f);
    struct ccd_error err = {0};
    struct store *store;
    int64_t series_id = names_of("spot_ohlcv", "S0", NULL).series_id;
    if (store_open(&config, &store, &err) != CCD_OK)
        return "cannot open";
    for (int i = 0; i < 60; i++) {
        int status = store->ops->compact_coverage(store, series_id, 86400, 3, &err);
        if (status != CCD_OK && status != CCD_DATABASE_BUSY) {
            store_close(store);
            return "cannot compact";
        }
        pause_ms(2);
    }
    store_close(store);
    return NULL;
}

CONTRACT(compaction_beside_a_writer_loses_nothing)
{
    static struct page pages[WINDOWS];
    static struct coverage_segment segments[256];
    static struct coverage_segment scratch[256];
    struct worker worker;
    pthread_t thread;
    void *why;
    make_windows(pages, 0, true, 100, WINDOW_ROWS);
    worker = (struct worker){
        .store = f->store, .pages = pages, .page_count = WINDOWS, .per_transaction = 1};
    CHECK_INT(0, pthread_create(&thread, NULL, compact, f));
    run_workers(&worker, 1);
    pthread_join(thread, &why);
    CHECK_TEXT(NULL, why);
    size_t count = stored_coverage(f, &pages[0], segments, 64);
    count = coverage_merge(segments, count, scratch);
    CHECK_INT(persists(f) ? 1 : 0, count);
    if (count == 1) {
        CHECK_INT(day(100), segments[0].from_ts);
        CHECK_INT(day(100 + WINDOWS * WINDOW_ROWS), segments[0].to_ts);
    }
    for (size_t i = 0; i < WINDOWS; i++) {
        page_is_stored(f, &pages[i]);
        page_release(&pages[i]);
    }
}

/* ---- locks between processes ---- */

/* Another process with the lock; it answers through the pipe, and holds it until it is killed. */
struct holder {
    pid_t pid;
    int answer;
};

static int lock_of(struct store *store, int64_t wait_ms, struct ccd_error *err)
{
    return store->ops->lock(store, type_of("spot_ohlcv"), INTERVAL_1D, wait_ms, err);
}

static void hold(const struct store_config *config, int answer, bool ends)
{
    struct ccd_error err = {0};
    struct store *store;
    int status = store_open(config, &store, &err);
    if (status == CCD_OK)
        status = lock_of(store, 0, &err);
    if (write(answer, &status, sizeof(status)) != sizeof(status))
        _exit(1);
    while (!ends)
        pause();
    pause_ms(400);
    store_close(store);
    _exit(0);
}

static bool holder_start(struct holder *h, struct fixture *f, bool ends)
{
    struct store_config config = fixture_config(f);
    int ends_of_pipe[2];
    int status = -1;
    if (!CHECK_INT(0, pipe(ends_of_pipe)))
        return false;
    fflush(NULL);
    h->pid = fork();
    if (h->pid == 0)
        hold(&config, ends_of_pipe[1], ends);
    close(ends_of_pipe[1]);
    h->answer = ends_of_pipe[0];
    return CHECK(h->pid > 0) &&
           CHECK_INT(sizeof(status), read(h->answer, &status, sizeof(status))) &&
           CHECK_INT(CCD_OK, status);
}

static void holder_stop(struct holder *h)
{
    kill(h->pid, SIGKILL);
    waitpid(h->pid, NULL, 0);
    close(h->answer);
}

CONTRACT(lock_is_held_by_another_process_until_its_death)
{
    struct holder h;
    if (!holder_start(&h, f, false))
        return;
    CHECK_INT(persists(f) ? CCD_LOCKED : CCD_OK, lock_of(f->store, 0, &f->err));
    CHECK_INT(persists(f) ? CCD_LOCKED : CCD_OK, lock_of(f->store, 100, &f->err));
    holder_stop(&h);
    if (!CHECK_INT(CCD_OK, lock_of(f->store, 5000, &f->err)))
        fprintf(stderr, "%s\n", f->err.message);
    f->store->ops->unlock(f->store, type_of("spot_ohlcv"), INTERVAL_1D);
}

CONTRACT(lock_is_waited_for)
{
    struct holder h;
    if (!holder_start(&h, f, true))
        return;
    CHECK_INT(CCD_OK, lock_of(f->store, 5000, &f->err));
    CHECK_INT(h.pid, waitpid(h.pid, NULL, 0));
    close(h.answer);
}

CONTRACT(lock_is_taken_again_after_unlock)
{
    for (int i = 0; i < 3; i++) {
        CHECK_INT(CCD_OK, lock_of(f->store, 0, &f->err));
        f->store->ops->unlock(f->store, type_of("spot_ohlcv"), INTERVAL_1D);
    }
    struct holder h;
    if (holder_start(&h, f, false))
        holder_stop(&h);
}
