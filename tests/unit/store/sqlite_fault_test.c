/* Crashes, contention, full disks and failing allocations on the SQLite back-end. */
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include "limited_allocator.h"
#include "sql.h"

#define SQLITE_TEST(name)                                                                          \
    static void check_##name(struct fixture *f);                                                   \
    TEST(sqlite_##name)                                                                            \
    {                                                                                              \
        run_contract(&back_end_sqlite, check_##name);                                              \
    }                                                                                              \
    static void check_##name(struct fixture *f)

/* A connection must not cross a fork: the parent closes before and opens again after. */
static void close_here(struct fixture *f)
{
    if (f->writer)
        f->writer->ops->writer_close(f->writer);
    store_close(f->store);
    f->writer = NULL;
    f->store = NULL;
}

static pid_t start_child(struct fixture *f, void (*run)(struct fixture *f, int ready),
                         int *out_ready)
{
    int pipe_fds[2];
    if (!CHECK_INT(0, pipe(pipe_fds)))
        exit(1);
    fflush(NULL);
    pid_t child = fork();
    if (child == 0) {
        close(pipe_fds[0]);
        struct store_config config = fixture_config(f);
        if (store_open(&config, &f->store, &f->err) != CCD_OK)
            _exit(99);
        run(f, pipe_fds[1]);
        close_here(f);
        _exit(0);
    }
    close(pipe_fds[1]);
    *out_ready = pipe_fds[0];
    return child;
}

static void say_ready(int fd)
{
    if (write(fd, "r", 1) != 1)
        _exit(98);
}

static void wait_ready(int fd)
{
    char c;
    ssize_t got;
    do {
        got = read(fd, &c, 1);
    } while (got < 0 && errno == EINTR);
    CHECK_INT(1, got);
    close(fd);
}

static int reap(pid_t child)
{
    int status = 0;
    CHECK_INT(child, waitpid(child, &status, 0));
    return status;
}

/* ---- crashes ---- */

static void write_and_hang(struct fixture *f, int ready)
{
    struct page page;
    struct store_page_result result;
    page_init_days(&page, 0, 5);
    page_cover(&page, day(0), day(5), COVERAGE_STORED);
    if (!page_put(f, &page, &result))
        _exit(97);
    struct store_writer *w = fixture_writer(f);
    w->ops->writer_begin(w, NULL);
    for (int64_t i = 1; i < 30; i++) { /* more than the page cache: some of it is in the log */
        struct page more;
        page_init_days(&more, i * STORE_ROWS_MAX, STORE_ROWS_MAX);
        page_cover(&more, day(i), day(i + 1), COVERAGE_STORED);
        if (w->ops->writer_put(w, &more.p, &result, NULL) != CCD_OK)
            _exit(96);
        page_release(&more);
    }
    say_ready(ready);
    pause();
}

SQLITE_TEST(killed_transaction_leaves_nothing)
{
    struct page page;
    struct coverage_segment segments[4];
    int ready;
    close_here(f);
    pid_t child = start_child(f, write_and_hang, &ready);
    wait_ready(ready);
    kill(child, SIGKILL);
    CHECK(WIFSIGNALED(reap(child)));
    CHECK(fixture_reopen(f));
    page_init_days(&page, 0, 5);
    CHECK_INT(5, stored_rows(f, &page));
    CHECK_INT(1, stored_coverage(f, &page, segments, 4));
    page_is_stored(f, &page);
    CHECK_SQL("ok", f, "PRAGMA quick_check");
    page_check(f, &page, 0, 0, 5, 0);
    page_release(&page);
}

/* ---- several processes ---- */

static void write_evens(struct fixture *f, int ready)
{
    struct page page;
    say_ready(ready);
    for (int64_t i = 0; i < 40; i++) {
        struct store_page_result result;
        page_init_days(&page, 20 * i, 10);
        page_cover(&page, day(20 * i), day(20 * i + 10), COVERAGE_STORED);
        if (!page_put(f, &page, &result)) {
            fprintf(stderr, "%s\n", f->err.message);
            _exit(95);
        }
        page_release(&page);
    }
}

SQLITE_TEST(two_processes_write_one_series)
{
    int ready;
    struct page page;
    static struct coverage_segment segments[200];
    close_here(f);
    pid_t child = start_child(f, write_evens, &ready);
    CHECK(fixture_reopen(f));
    wait_ready(ready);
    for (int64_t i = 0; i < 40; i++) {
        struct store_page_result result;
        page_init_days(&page, 20 * i + 5, 15); /* overlaps what the other writes */
        page_cover(&page, day(20 * i + 5), day(20 * i + 20), COVERAGE_STORED);
        CHECK(page_put(f, &page, &result));
        page_release(&page);
    }
    CHECK_INT(0, reap(child));
    page_init_days(&page, 0, 800);
    CHECK_INT(800, stored_rows(f, &page));
    page_is_stored(f, &page);
    CHECK_INT(80, stored_coverage(f, &page, segments, 200));
    CHECK_SQL("0", f, "SELECT count(*) FROM ccdata_revisions");
    page_release(&page);
}

static void only_open(struct fixture *f, int ready)
{
    (void)f;
    say_ready(ready);
}

TEST(sqlite_processes_create_one_database)
{
    enum { CHILDREN = 4 };
    struct fixture f = {.back_end = &back_end_sqlite};
    pid_t children[CHILDREN];
    int ready[CHILDREN];
    if (!CHECK(f.back_end->make_place(&f.place)))
        return;
    for (int i = 0; i < CHILDREN; i++)
        children[i] = start_child(&f, only_open, &ready[i]);
    for (int i = 0; i < CHILDREN; i++) {
        CHECK_INT(0, reap(children[i]));
        close(ready[i]);
    }
    CHECK_SQL("4|360", &f, "SELECT * FROM ccdata_schema");
    f.back_end->remove_place(&f.place);
}

static void lock_and_hang(struct fixture *f, int ready)
{
    if (f->store->ops->lock(f->store, type_of("spot_ohlcv"), INTERVAL_1D, 0, &f->err) != CCD_OK)
        _exit(94);
    say_ready(ready);
    pause();
}

SQLITE_TEST(lock_dies_with_its_process)
{
    int ready;
    const struct data_type *type = type_of("spot_ohlcv");
    close_here(f);
    pid_t child = start_child(f, lock_and_hang, &ready);
    CHECK(fixture_reopen(f));
    wait_ready(ready);
    CHECK_INT(CCD_LOCKED, f->store->ops->lock(f->store, type, INTERVAL_1D, 40, &f->err));
    CHECK(strstr(f->err.message, "spot_ohlcv 1d") != NULL);
    CHECK_INT(CCD_OK, f->store->ops->lock(f->store, type, INTERVAL_1H, 0, &f->err));
    kill(child, SIGKILL);
    CHECK(WIFSIGNALED(reap(child)));
    CHECK_INT(CCD_OK, f->store->ops->lock(f->store, type, INTERVAL_1D, 0, &f->err));
}

static void lock_for_a_while(struct fixture *f, int ready)
{
    if (f->store->ops->lock(f->store, type_of("spot_ohlcv"), INTERVAL_1D, 0, &f->err) != CCD_OK)
        _exit(93);
    say_ready(ready);
    usleep(150000);
}

SQLITE_TEST(lock_is_waited_for)
{
    int ready;
    close_here(f);
    pid_t child = start_child(f, lock_for_a_while, &ready);
    CHECK(fixture_reopen(f));
    wait_ready(ready);
    CHECK_INT(CCD_OK,
              f->store->ops->lock(f->store, type_of("spot_ohlcv"), INTERVAL_1D, 20000, &f->err));
    CHECK_INT(0, reap(child));
}

SQLITE_TEST(lock_file_is_not_followed)
{
    char path[300];
    char elsewhere[300];
    str_print(path, sizeof(path), "%s.lock", database_path(f));
    str_print(elsewhere, sizeof(elsewhere), "%s/elsewhere", f->place.directory);
    CHECK_INT(0, symlink(elsewhere, path));
    CHECK(f->store->ops->lock(f->store, type_of("spot_ohlcv"), INTERVAL_1D, 0, &f->err) != CCD_OK);
    CHECK(access(elsewhere, F_OK) != 0);
}

/* ---- contention within SQLite ---- */

SQLITE_TEST(busy_database)
{
    struct store_config config = fixture_config(f);
    struct store_writer *w;
    struct store *other;
    config.busy_timeout_ms = 30;
    CHECK_INT(CCD_OK, store_open(&config, &other, &f->err));
    CHECK_INT(CCD_OK, other->ops->writer_open(other, &w, &f->err));
    sqlite3 *db = db_open(f);
    CHECK(db_run(db, "BEGIN IMMEDIATE"));
    CHECK_INT(CCD_DATABASE_BUSY, w->ops->writer_begin(w, &f->err));
    struct series_names names = names_of("spot_ohlcv", "A", NULL);
    CHECK_INT(CCD_DATABASE_BUSY,
              other->ops->put_series(other, type_of("spot_ohlcv"), &names, 1, &f->err));
    CHECK(db_run(db, "COMMIT"));
    CHECK_INT(CCD_OK, w->ops->writer_begin(w, &f->err));
    CHECK_INT(STORE_COMMITTED, w->ops->writer_commit(w, &f->err));
    db_close(db);
    w->ops->writer_close(w);
    store_close(other);
}

SQLITE_TEST(table_dropped_under_a_writer)
{
    struct page page;
    struct store_page_result result;
    page_init_days(&page, 100, 2);
    page_check(f, &page, 2, 0, 0, 0);
    CHECK(db_run_once(f, "DROP TABLE fact_spot_ohlcv_1d"));
    CHECK(!page_put(f, &page, &result));
    CHECK_INT(CCD_DATABASE_SCHEMA, f->err.status);
    CHECK(strstr(f->err.message, "fact_spot_ohlcv_1d") != NULL);
    page_release(&page);
}

SQLITE_TEST(row_refused_by_the_database)
{
    struct page page;
    struct store_page_result result;
    struct coverage_segment segments[1];
    page_init_days(&page, 100, 3);
    page_cover(&page, day(100), day(103), COVERAGE_STORED);
    page_check(f, &page, 3, 0, 0, 0);
    CHECK(db_run_once(f, "CREATE TRIGGER no BEFORE INSERT ON ccdata_coverage BEGIN"
                         " SELECT raise(ABORT, 'refused'); END"));
    page_set_f64(&page, 0, "open", 1);
    CHECK(!page_put(f, &page, &result));
    CHECK_INT(CCD_DATABASE_DATA, f->err.status);
    CHECK_INT(1, stored_coverage(f, &page, segments, 1));
    CHECK_SQL("0", f, "SELECT count(*) FROM ccdata_revisions");
    page_release(&page);
}

SQLITE_TEST(long_reader_does_not_stop_the_writer)
{
    struct page page;
    sqlite3 *db = db_open(f);
    CHECK(db_run(db, "BEGIN"));
    CHECK_TEXT("0", db_rows(db, "SELECT count(*) FROM fact_spot_ohlcv_1d"));
    for (int64_t i = 0; i < 20; i++) {
        page_init_days(&page, 2000 * i, 2000);
        page.p.fresh = true;
        page_check(f, &page, 2000, 0, 0, 0);
        page_release(&page);
    }
    CHECK_TEXT("0", db_rows(db, "SELECT count(*) FROM fact_spot_ohlcv_1d"));
    CHECK(db_run(db, "COMMIT"));
    CHECK_TEXT("40000", db_rows(db, "SELECT count(*) FROM fact_spot_ohlcv_1d"));
    db_close(db);
}

/* ---- disk ---- */

/* In a child, because the limit cannot be taken back: exit code 0 when all is as it should be. */
static int fill_up(struct fixture *f, rlim_t limit_bytes)
{
    struct page page;
    struct store_page_result result;
    signal(SIGXFSZ, SIG_IGN);
    if (setrlimit(RLIMIT_FSIZE, &(struct rlimit){limit_bytes, limit_bytes}) != 0)
        return 2;
    for (int64_t i = 0; i < 40; i++) {
        page_init_days(&page, i * STORE_ROWS_MAX, STORE_ROWS_MAX);
        page.p.fresh = true;
        bool put = page_put(f, &page, &result);
        page_release(&page);
        if (put)
            continue;
        struct ccd_error again = {0};
        struct store_writer *w = f->writer;
        return f->err.status != CCD_DISK                     ? 3
               : w->ops->writer_begin(w, &again) != CCD_DISK ? 4
               : strcmp(again.message, f->err.message) != 0  ? 5
                                                             : 0;
    }
    return 6;
}

SQLITE_TEST(full_disk_stops_the_writer)
{
    close_here(f);
    fflush(NULL);
    pid_t child = fork();
    if (child == 0)
        _exit(fixture_reopen(f) ? fill_up(f, 8 << 20) : 1);
    CHECK_INT(0, WEXITSTATUS(reap(child)));
    CHECK(fixture_reopen(f));
    CHECK_SQL("ok|1", f,
              "SELECT (SELECT * FROM pragma_quick_check), count(*) % 5001 = 0 FROM"
              " fact_spot_ohlcv_1d");
}

/* ---- memory ---- */

/* A life: open, lock, series, pages of all kinds, catalogue, coverage, reading. */
static int live(struct fixture *f, const struct allocator *allocator, struct page *page,
                struct batch *catalogue)
{
    struct store_config config = fixture_config(f);
    struct store *s = NULL;
    struct store_writer *w = NULL;
    struct store_page_result result;
    struct store_list_counts counts;
    config.allocator = allocator;
    int status = store_open(&config, &s, &f->err);
    if (status == CCD_OK)
        status = s->ops->lock(s, page->p.type, INTERVAL_1D, 0, &f->err);
    if (status == CCD_OK)
        status = s->ops->put_series(s, page->p.type, &page->names, 1, &f->err);
    if (status == CCD_OK)
        status = s->ops->writer_open(s, &w, &f->err);
    if (status == CCD_OK)
        status = w->ops->writer_begin(w, &f->err);
    if (status == CCD_OK)
        status = w->ops->writer_put(w, &page->p, &result, &f->err);
    if (status == CCD_OK && w->ops->writer_commit(w, &f->err) != STORE_COMMITTED)
        status = f->err.status;
    if (w)
        w->ops->writer_close(w);
    if (status == CCD_OK)
        status = put_whole_list(s, catalogue, "kraken", 5, &counts, &f->err);
    if (status == CCD_OK)
        status = s->ops->compact_coverage(s, page->names.series_id, 86400, 0, &f->err);
    if (status == CCD_OK) {
        struct batch out = {0};
        status = batch_init(&out, page->p.type, 10, 1000, NULL, &f->err);
        if (status == CCD_OK) {
            status = s->ops->read_rows(s, page->p.type, INTERVAL_1D, page->names.series_id,
                                       (struct period_range){0, day(1000)}, &out, NULL, &f->err);
        }
        batch_release(&out);
    }
    store_close(s);
    return status;
}

static void fail_each_allocation(struct fixture *f, bool only_one)
{
    struct page page;
    struct batch catalogue;
    page_init_days(&page, 100, 5);
    page_cover(&page, day(100), day(102), COVERAGE_STORED);
    page_cover(&page, day(102), day(105), COVERAGE_STORED);
    page_reject(&page, 2, "low above high");
    CHECK_INT(CCD_OK, batch_init(&catalogue, type_of("spot_instruments"), 1, 1000, NULL, NULL));
    catalogue.row_count = 1;
    CHECK_INT(CCD_OK, batch_set_text(&catalogue, 0, 2, STR("X")));
    int status = CCD_NO_MEMORY;
    long number = 0;
    for (; status != CCD_OK && number < 10000; number++) {
        struct limited_allocator a;
        limited_allocator_init(&a, number, only_one ? number : -1);
        status = live(f, &a.hook, &page, &catalogue);
        if (status != CCD_OK) {
            CHECK_INT(CCD_NO_MEMORY, status);
            CHECK_INT(CCD_NO_MEMORY, f->err.status);
        }
        if (!CHECK_INT(0, a.held))
            break;
    }
    CHECK(number > 20 && number < 10000);
    page_is_stored(f, &page);
    page_release(&page);
    batch_release(&catalogue);
}

SQLITE_TEST(each_allocation_fails_once)
{
    fail_each_allocation(f, true);
}

SQLITE_TEST(each_allocation_fails_from_then_on)
{
    fail_each_allocation(f, false);
}

TEST(null_allocations_fail)
{
    struct limited_allocator a;
    struct store_config config = {.url = "null:", .allocator = &a.hook};
    struct store *s = NULL;
    struct store_writer *w = NULL;
    struct ccd_error err;
    limited_allocator_init(&a, 0, -1);
    CHECK_INT(CCD_NO_MEMORY, store_open(&config, &s, &err));
    limited_allocator_init(&a, 1, -1);
    CHECK_INT(CCD_OK, store_open(&config, &s, &err));
    CHECK_INT(CCD_NO_MEMORY, s->ops->writer_open(s, &w, &err));
    store_close(s);
    CHECK_INT(0, a.held);
}
