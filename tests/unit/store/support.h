/* What the tests of stores share: the table of back-ends that run the contract suite, a fixture
 * with an open store, a builder of pages. */
#ifndef TESTS_UNIT_STORE_SUPPORT_H
#define TESTS_UNIT_STORE_SUPPORT_H

#include "store/store.h"
#include "test.h"

enum { URL_MAX_BYTES = 512, PAGE_SEGMENTS_MAX = 8, COLLECTED = 2000000000, SETTLE = 360 };

/* A place where a back-end can put a database, empty at first. */
struct place {
    char directory[256]; /* "" = none */
    char url[URL_MAX_BYTES];
};

struct back_end {
    const char *name;
    bool persists;   /* what is written can be read back */
    bool plain_zero; /* a double column has no negative zero (MariaDB, whatever way it comes in) */
    /* False, with the reason printed, when the back-end cannot run here. */
    bool (*make_place)(struct place *place);
    void (*remove_place)(struct place *place);
    bool (*serves)(const char *name); /* whether it can run this case; NULL = every one */
    /* Opens a store that has no URL; NULL = store_open. */
    int (*open)(const struct store_config *config, struct store **out, struct ccd_error *err);
};
extern const struct back_end back_end_sqlite;
extern const struct back_end back_end_plain;
extern const struct back_end back_end_null;
extern const struct back_end back_end_model;
extern const struct back_end back_end_mariadb;
extern const struct back_end back_end_postgres;

struct fixture {
    const struct back_end *back_end;
    struct place place;
    struct store *store;
    struct store_writer *writer; /* opened by the first page */
    /* For the next opening: rows per statement, and the other way round than usual. */
    int64_t batch_rows, busy_timeout_ms;
    bool read_only, no_create;
    struct ccd_error err;
};

/* A store in a place of its own; the fixture checks that it opens. */
bool fixture_open(struct fixture *f, const struct back_end *back_end);
void fixture_close(struct fixture *f);
/* Close store and writer, keep the place, open again. */
bool fixture_reopen(struct fixture *f);
struct store_config fixture_config(const struct fixture *f);
bool persists(const struct fixture *f);
struct store_writer *fixture_writer(struct fixture *f);

/* One case of the contract, run once by every back-end: CONTRACT … */
#define CONTRACT(case_name)                                                                        \
    static void contract_##case_name(struct fixture *f);                                           \
    CONTRACT_TEST(sqlite, case_name)                                                               \
    CONTRACT_TEST(plain, case_name)                                                                \
    CONTRACT_TEST(null, case_name)                                                                 \
    CONTRACT_TEST(model, case_name)                                                                \
    CONTRACT_TEST(mariadb, case_name)                                                              \
    CONTRACT_TEST(postgres, case_name)                                                             \
    static void contract_##case_name(struct fixture *f)
/* … and by every database, for what asks questions in SQL. */
#define SQL_CONTRACT(case_name)                                                                    \
    static void contract_##case_name(struct fixture *f);                                           \
    CONTRACT_TEST(sqlite, case_name)                                                               \
    CONTRACT_TEST(mariadb, case_name)                                                              \
    CONTRACT_TEST(postgres, case_name)                                                             \
    static void contract_##case_name(struct fixture *f)

/* A server that is not given has no cases, but one that is skipped by name; the model has those
 * that it can serve. */
#define CONTRACT_TEST(kind, case_name)                                                             \
    static void kind##_##case_name(void)                                                           \
    {                                                                                              \
        run_contract(&back_end_##kind, contract_##case_name);                                      \
    }                                                                                              \
    __attribute__((constructor)) static void register_##kind##_##case_name(void)                   \
    {                                                                                              \
        static struct test test = {.name = #kind "_" #case_name, .run = kind##_##case_name};       \
        if (back_end_serves(&back_end_##kind, #case_name))                                         \
            test_register(&test);                                                                  \
    }
bool back_end_serves(const struct back_end *back_end, const char *name);

void run_contract(const struct back_end *back_end, void (*run)(struct fixture *f));

/* ---- pages ---- */

struct page {
    struct store_page p; /* as it is put */
    struct batch batch;
    struct series_names names;
    const char **rejected; /* of batch.capacity_rows; used once a row is rejected */
    struct coverage_segment segments[PAGE_SEGMENTS_MAX];
};

const struct data_type *type_of(const char *name);

/* An empty page of up to capacity_rows rows: market "kraken", collected at COLLECTED. mapped NULL =
 * unmapped. */
void page_init(struct page *page, const char *type, enum interval interval, const char *native,
               const char *mapped, size_t capacity_rows);
/* The usual page: spot_ohlcv 1d, XXBTZUSD = BTC-USD, rows from day first_day on. */
void page_init_days(struct page *page, int64_t first_day, size_t rows);
void page_release(struct page *page);
/* Append a row at ts with a value in every column, made from the ts; returns its number. */
size_t page_add(struct page *page, int64_t ts);
void page_set_f64(struct page *page, size_t row, const char *column, double value);
void page_set_i64(struct page *page, size_t row, const char *column, int64_t value);
void page_set_text(struct page *page, size_t row, const char *column, const char *value);
void page_set_null(struct page *page, size_t row, const char *column);
void page_reject(struct page *page, size_t row, const char *why);
void page_cover(struct page *page, int64_t from_ts, int64_t to_ts, enum coverage_state state);

/* Put the page in a transaction of its own; the fixture's err says why not. */
bool page_put(struct fixture *f, struct page *page, struct store_page_result *out_result);
/* page_put, and check the counts. */
bool page_check(struct fixture *f, struct page *page, int64_t inserted, int64_t changed,
                int64_t unchanged, int64_t rejected);
/* Check that the stored rows of the page's series in its range are exactly its rows that are not
 * rejected; that there are none when the back-end does not persist. */
bool page_is_stored(struct fixture *f, const struct page *page);

/* ---- lists ---- */

/* Put a complete list of one table, however short. */
int put_whole_list(struct store *store, const struct batch *rows, const char *scope,
                   int64_t asked_utc_s, struct store_list_counts *out_counts,
                   struct ccd_error *err);
/* The row is listed, where the table says so. */
void row_is_listed(struct batch *b, size_t row, bool listed);

/* ---- questions ---- */

enum { ALL_TIME_FROM = -1000000000 };
static const int64_t all_time_to = 4000000000;

/* Number of rows of the page's series, any ts. */
int64_t stored_rows(struct fixture *f, const struct page *page);
/* One stored cell; false when there is no such row or it is NULL. */
bool stored_f64(struct fixture *f, const struct page *page, int64_t ts, const char *column,
                double *out);
int64_t stored_collected(struct fixture *f, const struct page *page, int64_t ts);
/* All segments of the page's series; returns their number, at most capacity. */
size_t stored_coverage(struct fixture *f, const struct page *page, struct coverage_segment *out,
                       size_t capacity);
bool find(struct fixture *f, const char *type, const char *market, const char *name,
          struct series_names *out);
struct series_names names_of(const char *type, const char *native, const char *mapped);

/* Day number as ts. */
static inline int64_t day(int64_t number)
{
    return number * 86400;
}

#endif
