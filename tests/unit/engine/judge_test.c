#include "engine/judge.h"

#include <stdlib.h>
#include <string.h>

#include "base/hash.h"
#include "base/time.h"
#include "engine/plan.h"
#include "rows.h"
#include "test.h"

/* All times of these tests are minutes after an arbitrary one; the window is the minutes 10 … 19.
 */
enum { STEP_S = 60, BASE_MINUTE = 28000000, SETTLE_S = 360, CAPACITY = 64 };

static int64_t at(int64_t minute)
{
    return (BASE_MINUTE + minute) * STEP_S;
}

static struct period_range minutes(int64_t from, int64_t to)
{
    return (struct period_range){at(from), at(to)};
}

/* One page to be judged, long after everything in it became final. */
struct fixture {
    struct judge_question q;
    struct batch batch;
    struct judgement *j;
    struct coverage_segment known[8];
    size_t known_count;
};

static void begin(struct fixture *f)
{
    *f = (struct fixture){
        .q =
            {
                .type = rows_type(),
                .interval = INTERVAL_1M,
                .names = rows_names(),
                .want = minutes(0, 40),
                .window = minutes(10, 20),
                .recheck_from_ts = at(10),
                .sent_utc_s = at(1000),
                .planned_utc_s = at(1000),
                .settle_s = SETTLE_S,
            },
    };
    rows_init(&f->batch, CAPACITY);
    f->j = malloc(sizeof(*f->j));
    if (!f->j)
        abort();
    memset(f->j, 0xA5,
           sizeof(*f->j)); /* a judgement is reused: nothing may depend on what it held */
}

static void end(struct fixture *f)
{
    batch_release(&f->batch);
    free(f->j);
}

static void know(struct fixture *f, int64_t from, int64_t to, enum coverage_state state,
                 int64_t asked_utc_s, int64_t next_check_utc_s)
{
    f->known[f->known_count++] = (struct coverage_segment){at(from), at(to), state, asked_utc_s,
                                                           next_check_utc_s};
}

static int judge(struct fixture *f)
{
    struct ccd_error err = {0};
    f->q.merged = f->known;
    f->q.merged_count = f->known_count;
    int status = judge_page(&f->q, &f->batch, f->j, &err);
    CHECK_INT(status, err.status);
    return status;
}

static void add(struct fixture *f, int64_t from, int64_t to)
{
    rows_add_range(&f->batch, INTERVAL_1M, at(from), at(to));
}

/* "stored 10-20 · empty 20-22 ? ·": the segments in one line; ? = is to be asked again. */
static const char *segments(const struct fixture *f)
{
    static char line[512];
    size_t len = 0;
    line[0] = '\0';
    for (size_t i = 0; i < f->j->segment_count && len < sizeof(line) - 64; i++) {
        const struct coverage_segment *s = &f->j->segments[i];
        CHECK_INT(f->q.sent_utc_s, s->asked_utc_s);
        if (!coverage_is_confirmed(s))
            CHECK_INT(f->q.sent_utc_s + HOLE_CHECK_S, s->next_check_utc_s);
        str_print(line + len, sizeof(line) - len, "%s%s %lld-%lld%s", i ? ", " : "",
                  coverage_state_name(s->state), (long long)(s->from_ts / STEP_S - BASE_MINUTE),
                  (long long)(s->to_ts / STEP_S - BASE_MINUTE),
                  coverage_is_confirmed(s) ? "" : "?");
        len = strlen(line);
    }
    return line;
}

/* fetched, provisional, empty, rejected, pending, tail */
static void check_counts(const struct judgement *j, int64_t fetched, int64_t provisional,
                         int64_t empty, int64_t rejected, int64_t pending, int64_t tail)
{
    CHECK_INT(fetched, j->fetched);
    CHECK_INT(provisional, j->provisional);
    CHECK_INT(empty, j->empty);
    CHECK_INT(rejected, j->rejected_count);
    CHECK_INT(pending, j->pending);
    CHECK_INT(tail, j->tail);
}

TEST(judge_full_page)
{
    struct fixture f;
    begin(&f);
    add(&f, 10, 20);
    CHECK_INT(0, judge(&f));
    CHECK_TEXT("stored 10-20", segments(&f));
    check_counts(f.j, 10, 0, 0, 0, 0, 0);
    CHECK(!f.j->start_reached && !f.j->window_empty && !f.j->any_rejected);
    CHECK_INT(0, f.j->head.to_ts - f.j->head.from_ts);
    end(&f);
}

TEST(judge_head_with_unknown_start_is_asked_on)
{
    struct fixture f;
    begin(&f);
    add(&f, 14, 20);
    CHECK_INT(0, judge(&f));
    CHECK_TEXT("stored 14-20", segments(&f));
    CHECK_INT(at(10), f.j->head.from_ts);
    CHECK_INT(at(14), f.j->head.to_ts);
    check_counts(f.j, 6, 0, 0, 0, 0, 0);
    end(&f);
}

TEST(judge_head_with_known_start)
{
    struct fixture f;
    begin(&f);
    f.q.first_ts = at(12) + 5; /* not aligned: its period has data */
    add(&f, 14, 20);
    CHECK_INT(0, judge(&f));
    CHECK_TEXT("before_start 10-12, empty 12-14?, stored 14-20", segments(&f));
    check_counts(f.j, 6, 0, 4, 0, 0, 0);
    CHECK_INT(0, f.j->head.to_ts);
    end(&f);
}

TEST(judge_head_starting_later_than_the_catalogue_says)
{
    struct fixture f;
    begin(&f);
    f.q.first_ts = at(17);
    add(&f, 14, 20);
    CHECK_INT(0, judge(&f));
    CHECK_TEXT("before_start 10-14, stored 14-20", segments(&f));
    check_counts(f.j, 6, 0, 4, 0, 0, 0);
    end(&f);
}

TEST(judge_head_with_start_before_the_window)
{
    struct fixture f;
    begin(&f);
    f.q.first_ts = at(3);
    add(&f, 14, 20);
    CHECK_INT(0, judge(&f));
    CHECK_TEXT("empty 10-14?, stored 14-20", segments(&f));
    end(&f);
}

TEST(judge_head_is_a_hole_when_older_rows_came_along)
{
    struct fixture f;
    begin(&f);
    rows_add(&f.batch, INTERVAL_1M, at(8), 1);
    add(&f, 14, 20);
    CHECK_INT(0, judge(&f));
    CHECK_TEXT("empty 10-14?, stored 14-20", segments(&f));
    CHECK_INT(1, f.j->rows_dropped);
    CHECK_INT(6, f.batch.row_count);
    end(&f);
}

TEST(judge_head_is_a_hole_when_older_data_is_stored)
{
    struct fixture f;
    begin(&f);
    know(&f, 2, 4, COVERAGE_STORED, at(500), 0);
    add(&f, 14, 20);
    CHECK_INT(0, judge(&f));
    CHECK_TEXT("empty 10-14?, stored 14-20", segments(&f));
    CHECK_INT(0, f.j->head.to_ts);
    end(&f);
}

TEST(judge_head_is_a_hole_when_older_data_is_known_otherwise)
{
    struct fixture f;
    begin(&f);
    know(&f, 2, 4, COVERAGE_REJECTED, at(500), 0);
    add(&f, 14, 20);
    CHECK_INT(0, judge(&f));
    CHECK_TEXT("empty 10-14?, stored 14-20", segments(&f));
    f.known_count = 0;
    f.q.oldest_ts = at(9); /* seen in this run */
    CHECK_INT(0, judge(&f));
    CHECK_TEXT("empty 10-14?, stored 14-20", segments(&f));
    f.q.oldest_ts = at(10);
    CHECK_INT(0, judge(&f));
    CHECK_TEXT("stored 14-20", segments(&f));
    end(&f);
}

TEST(judge_young_head_is_not_claimed)
{
    struct fixture f;
    begin(&f);
    f.q.first_ts = at(15);
    f.q.sent_utc_s = f.q.planned_utc_s = at(20) + 30; /* final: what ended by 14:30 */
    add(&f, 17, 20);
    CHECK_INT(0, judge(&f));
    CHECK_INT(at(14), f.j->final_before_ts);
    CHECK_TEXT("before_start 10-14", segments(&f));
    check_counts(f.j, 3, 3, 4, 0, 3, 0);
    end(&f);
}

TEST(judge_middle_hole)
{
    struct fixture f;
    begin(&f);
    add(&f, 10, 13);
    add(&f, 15, 20);
    CHECK_INT(0, judge(&f));
    CHECK_TEXT("stored 10-13, empty 13-15?, stored 15-20", segments(&f));
    check_counts(f.j, 8, 0, 2, 0, 0, 0);
    end(&f);
}

TEST(judge_hole_is_confirmed_after_an_hour_and_not_before)
{
    static const struct {
        int64_t asked_before_s;
        const char *expected;
    } cases[] = {
        {HOLE_CHECK_S, "stored 10-13, empty 13-15, stored 15-20"},
        {HOLE_CHECK_S + 1, "stored 10-13, empty 13-15, stored 15-20"},
        {HOLE_CHECK_S - 1, "stored 10-13, empty 13-15?, stored 15-20"},
        {0, "stored 10-13, empty 13-15?, stored 15-20"},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
        struct fixture f;
        begin(&f);
        int64_t asked = f.q.sent_utc_s - cases[i].asked_before_s;
        know(&f, 13, 15, COVERAGE_EMPTY, asked, asked + HOLE_CHECK_S);
        add(&f, 10, 13);
        add(&f, 15, 20);
        CHECK_INT(0, judge(&f));
        CHECK_TEXT(cases[i].expected, segments(&f));
        end(&f);
    }
}

TEST(judge_part_of_a_hole_was_seen_before)
{
    struct fixture f;
    begin(&f);
    know(&f, 8, 14, COVERAGE_EMPTY, at(100), at(160));
    add(&f, 10, 12);
    add(&f, 16, 20);
    CHECK_INT(0, judge(&f));
    CHECK_TEXT("stored 10-12, empty 12-14, empty 14-16?, stored 16-20", segments(&f));
    check_counts(f.j, 6, 0, 4, 0, 0, 0);
    end(&f);
}

TEST(judge_a_filled_hole_is_stored)
{
    struct fixture f;
    begin(&f);
    know(&f, 10, 20, COVERAGE_EMPTY, at(100), at(160));
    add(&f, 10, 20);
    CHECK_INT(0, judge(&f));
    CHECK_TEXT("stored 10-20", segments(&f));
    check_counts(f.j, 10, 0, 0, 0, 0, 0);
    end(&f);
}

TEST(judge_counts_only_what_the_plan_missed)
{
    /* Settled: 10-12 stored, 12-14 empty; a hole 14-16 that the plan did not hold for due, one
     * 16-18 that it did. The clocks moved between plan and request: counts follow the plan. */
    struct fixture f;
    begin(&f);
    f.q.planned_utc_s = at(900);
    know(&f, 10, 12, COVERAGE_STORED, at(100), 0);
    know(&f, 12, 14, COVERAGE_EMPTY, at(100), 0);
    know(&f, 14, 16, COVERAGE_EMPTY, at(870), at(930));
    know(&f, 16, 18, COVERAGE_EMPTY, at(830), at(890));
    add(&f, 10, 20);
    CHECK_INT(0, judge(&f));
    check_counts(f.j, 4, 0, 0, 0, 0, 0);
    f.q.sent_utc_s = at(880); /* the vendor's clock is behind the plan's */
    CHECK_INT(0, judge(&f));
    check_counts(f.j, 4, 0, 0, 0, 0, 0);
    end(&f);
}

TEST(judge_stored_rows_are_not_taken_away)
{
    struct fixture f;
    begin(&f);
    know(&f, 12, 14, COVERAGE_STORED, at(100), 0);
    add(&f, 10, 11);
    add(&f, 18, 20);
    CHECK_INT(0, judge(&f));
    CHECK_TEXT("stored 10-11, empty 11-12?, empty 14-18?, stored 18-20", segments(&f));
    check_counts(f.j, 3, 0, 5, 0, 0, 0);
    end(&f);
}

TEST(judge_tail_is_left_open_while_nothing_newer_is_known)
{
    struct fixture f;
    begin(&f);
    f.q.newest_ts = at(20) - 1;
    add(&f, 10, 17);
    CHECK_INT(0, judge(&f));
    CHECK_TEXT("stored 10-17", segments(&f));
    check_counts(f.j, 7, 0, 0, 0, 0, 3);
    end(&f);
}

TEST(judge_tail_is_a_hole_when_newer_data_is_known)
{
    struct fixture f;
    begin(&f);
    f.q.newest_ts = at(20);
    add(&f, 10, 17);
    CHECK_INT(0, judge(&f));
    CHECK_TEXT("stored 10-17, empty 17-20?", segments(&f));
    check_counts(f.j, 7, 0, 3, 0, 0, 0);
    end(&f);
}

TEST(judge_only_older_rows)
{
    struct fixture f;
    begin(&f);
    add(&f, 5, 10);
    CHECK_INT(0, judge(&f));
    CHECK(!f.j->window_empty);
    CHECK_TEXT("", segments(&f));
    check_counts(f.j, 0, 0, 0, 0, 0, 10);
    f.q.newest_ts = at(30);
    batch_clear(&f.batch);
    add(&f, 5, 10);
    CHECK_INT(0, judge(&f));
    CHECK_TEXT("empty 10-20?", segments(&f));
    end(&f);
}

TEST(judge_only_younger_rows_are_refused)
{
    struct fixture f;
    begin(&f);
    add(&f, 20, 30);
    CHECK_INT(CCD_BAD_REPLY, judge(&f));
    CHECK_INT(0, f.batch.row_count);
    end(&f);
}

TEST(judge_provisional_and_final)
{
    /* A period is final when settle_s passed after its end, at the moment of sending: to the
     * second. */
    struct fixture f;
    begin(&f);
    add(&f, 10, 20);
    f.q.sent_utc_s = at(20) + SETTLE_S - 1;
    CHECK_INT(0, judge(&f));
    CHECK_TEXT("stored 10-19", segments(&f));
    check_counts(f.j, 10, 1, 0, 0, 0, 0);
    f.q.sent_utc_s = at(20) + SETTLE_S;
    CHECK_INT(0, judge(&f));
    CHECK_TEXT("stored 10-20", segments(&f));
    check_counts(f.j, 10, 0, 0, 0, 0, 0);
    CHECK_INT(at(20), f.j->final_before_ts);
    end(&f);
}

TEST(judge_open_period_is_dropped)
{
    struct fixture f;
    begin(&f);
    add(&f, 10, 20);
    f.q.sent_utc_s = at(20) - 1; /* 19 is open */
    CHECK_INT(0, judge(&f));
    CHECK_INT(9, f.batch.row_count);
    CHECK_INT(1, f.j->rows_dropped);
    CHECK_TEXT("stored 10-13", segments(&f));
    check_counts(f.j, 9, 6, 0, 0, 1, 0);
    end(&f);
}

TEST(judge_open_bucket_behind_the_window_is_dropped)
{
    struct fixture f;
    begin(&f);
    add(&f, 10, 20);
    rows_add(&f.batch, INTERVAL_1M, at(1000), 5);
    CHECK_INT(0, judge(&f));
    CHECK_INT(10, f.batch.row_count);
    CHECK_TEXT("stored 10-20", segments(&f));
    end(&f);
}

TEST(judge_vendor_clock_far_behind)
{
    struct fixture f;
    begin(&f);
    add(&f, 10, 20);
    f.q.sent_utc_s = at(5);
    CHECK_INT(0, judge(&f));
    CHECK_INT(0, f.batch.row_count);
    CHECK_TEXT("", segments(&f));
    check_counts(f.j, 0, 0, 0, 0, 10, 0);
    CHECK(!f.j->window_empty);
    end(&f);
}

TEST(judge_young_hole_is_pending)
{
    struct fixture f;
    begin(&f);
    f.q.sent_utc_s = at(20);
    f.q.newest_ts = at(19);
    add(&f, 10, 12);
    add(&f, 19, 20);
    CHECK_INT(0, judge(&f));
    CHECK_TEXT("stored 10-12, empty 12-14?", segments(&f));
    check_counts(f.j, 3, 1, 2, 0, 5, 0);
    end(&f);
}

TEST(judge_shuffled_rows)
{
    struct rng r = {3};
    for (int round = 0; round < 50; round++) {
        struct fixture f;
        int64_t order[10];
        begin(&f);
        for (int i = 0; i < 10; i++) {
            int other = (int)rng_below(&r, (uint64_t)i + 1);
            order[i] = order[other];
            order[other] = i;
        }
        for (int i = 0; i < 10; i++)
            rows_add(&f.batch, INTERVAL_1M, at(10 + order[i]), (double)order[i]);
        CHECK_INT(0, judge(&f));
        CHECK_TEXT("stored 10-20", segments(&f));
        for (size_t i = 0; i < 10; i++) {
            CHECK_INT(at(10 + (int64_t)i), rows_ts(&f.batch, i));
            CHECK(rows_f64(&f.batch, i, "open") == (double)i);
        }
        end(&f);
    }
}

TEST(judge_equal_duplicates_collapse)
{
    struct fixture f;
    begin(&f);
    add(&f, 10, 20);
    rows_add(&f.batch, INTERVAL_1M, at(14), (double)at(14));
    rows_add(&f.batch, INTERVAL_1M, at(14), (double)at(14));
    CHECK_INT(0, judge(&f));
    CHECK_INT(10, f.batch.row_count);
    CHECK_INT(2, f.j->duplicates);
    CHECK_INT(0, f.j->conflicts);
    check_counts(f.j, 10, 0, 0, 0, 0, 0);
    end(&f);
}

TEST(judge_conflicting_duplicates_keep_the_larger_in_any_order)
{
    static const double orders[6][3] = {{1, 2, 3}, {1, 3, 2}, {2, 1, 3},
                                        {2, 3, 1}, {3, 1, 2}, {3, 2, 1}};
    for (int i = 0; i < 6; i++) {
        struct fixture f;
        begin(&f);
        add(&f, 10, 14);
        for (int k = 0; k < 3; k++)
            rows_add(&f.batch, INTERVAL_1M, at(14), orders[i][k]);
        add(&f, 15, 20);
        CHECK_INT(0, judge(&f));
        if (CHECK_INT(10, f.batch.row_count))
            CHECK(rows_f64(&f.batch, 4, "open") == 3);
        CHECK_INT(2, f.j->conflicts);
        CHECK_TEXT("stored 10-20", segments(&f));
        end(&f);
    }
}

TEST(judge_wrong_echoes_refuse_the_page)
{
    static const struct {
        const char *column;
        const char *value;
        int expected;
    } cases[] = {
        {"unit", "HOUR", CCD_BAD_REPLY},
        {"unit", "minute", CCD_BAD_REPLY},
        {"market", "coinbase", CCD_BAD_REPLY},
        {"market", "Kraken", 0}, /* the vendor is not consistent in case */
        {"instrument", "XETHZUSD", CCD_BAD_REPLY},
        {"instrument", "xxbtzusd", CCD_BAD_REPLY}, /* ids that differ in case only exist */
        {"instrument", "BTC-USD", CCD_BAD_REPLY},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
        for (int64_t wrong = 10; wrong < 20; wrong += 9) { /* in the first row, in the last */
            struct fixture f;
            begin(&f);
            add(&f, 10, wrong + 1);
            rows_set_text(&f.batch, cases[i].column, cases[i].value);
            add(&f, wrong + 1, 20);
            CHECK_INT(cases[i].expected, judge(&f));
            CHECK_INT(cases[i].expected ? 0 : 10, f.batch.row_count);
            end(&f);
        }
    }
}

TEST(judge_absurd_times_refuse_the_page)
{
    const int64_t cases[] = {0, -60, at(14) + 1, at(14) * 1000, 7258118400 + 60, INT64_MAX};
    for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
        struct fixture f;
        begin(&f);
        add(&f, 10, 20);
        rows_set_i64(&f.batch, "ts", cases[i]);
        CHECK_INT(CCD_BAD_REPLY, judge(&f));
        CHECK_INT(0, f.batch.row_count);
        end(&f);
    }
}

TEST(judge_impossible_rows_are_set_apart)
{
    struct fixture f;
    begin(&f);
    add(&f, 10, 13);
    rows_set_f64(&f.batch, "low", 1e12);
    add(&f, 13, 20);
    rows_set_i64(&f.batch, "total_trades", -1);
    CHECK_INT(0, judge(&f));
    CHECK_TEXT("stored 10-12, rejected 12-13, stored 13-19, rejected 19-20", segments(&f));
    check_counts(f.j, 8, 0, 0, 2, 0, 0);
    CHECK(f.j->any_rejected);
    CHECK_TEXT("low above high", f.j->rejected[2]);
    CHECK_TEXT("negative total_trades", f.j->rejected[9]);
    CHECK(f.j->rejected[0] == NULL && f.j->rejected[8] == NULL);
    CHECK_INT(10, f.batch.row_count);
    end(&f);
}

TEST(judge_young_impossible_row_is_not_covered)
{
    struct fixture f;
    begin(&f);
    f.q.sent_utc_s = at(20);
    add(&f, 10, 20);
    rows_set_f64(&f.batch, "low", 1e12);
    CHECK_INT(0, judge(&f));
    CHECK_TEXT("stored 10-14", segments(&f));
    check_counts(f.j, 9, 5, 0, 1, 0, 0);
    end(&f);
}

TEST(judge_empty_list_proves_nothing)
{
    struct fixture f;
    begin(&f);
    CHECK_INT(0, judge(&f));
    CHECK(f.j->window_empty);
    CHECK_TEXT("", segments(&f));
    check_counts(f.j, 0, 0, 0, 0, 0, 0);
    judge_nothing(&f.q, f.j);
    CHECK(!f.j->window_empty);
    CHECK_TEXT("", segments(&f));
    check_counts(f.j, 0, 0, 0, 0, 0, 10);
    f.q.newest_ts = at(20);
    judge_nothing(&f.q, f.j);
    CHECK_TEXT("empty 10-20?", segments(&f));
    check_counts(f.j, 0, 0, 10, 0, 0, 0);
    end(&f);
}

static void judge_end(struct fixture *f)
{
    f->q.merged = f->known;
    f->q.merged_count = f->known_count;
    judge_end_of_history(&f->q, f->j);
}

TEST(judge_end_of_history_claims_all_that_is_older)
{
    struct fixture f;
    begin(&f);
    judge_end(&f);
    CHECK(f.j->start_reached);
    CHECK_TEXT("before_start 0-19, before_start 19-20?", segments(&f));
    check_counts(f.j, 0, 0, 10, 0, 0, 0);
    end(&f);
}

TEST(judge_end_of_history_in_front_of_stored_data)
{
    struct fixture f;
    begin(&f);
    know(&f, 22, 40, COVERAGE_STORED, at(100), 0);
    judge_end(&f);
    CHECK(f.j->start_reached);
    CHECK_TEXT("before_start 0-19, before_start 19-20?", segments(&f));
    end(&f);
}

TEST(judge_end_of_history_behind_stored_data_is_a_hole)
{
    struct fixture f;
    begin(&f);
    know(&f, 2, 3, COVERAGE_STORED, at(100), 0);
    judge_end(&f);
    CHECK(!f.j->start_reached);
    CHECK_TEXT("empty 10-20?", segments(&f));
    check_counts(f.j, 0, 0, 10, 0, 0, 0);
    end(&f);
}

TEST(judge_end_of_history_leaves_the_young_open)
{
    struct fixture f;
    begin(&f);
    f.q.sent_utc_s = at(20);
    judge_end(&f);
    CHECK_TEXT("before_start 0-13, before_start 13-14?", segments(&f));
    check_counts(f.j, 0, 0, 4, 0, 6, 0);
    end(&f);
}

/* Said two hours ago: nothing before minute 20. */
static void know_start(struct fixture *f)
{
    int64_t asked = f->q.sent_utc_s - 2 * HOLE_CHECK_S;
    know(f, 0, 19, COVERAGE_BEFORE_START, asked, 0);
    know(f, 19, 20, COVERAGE_BEFORE_START, asked, asked + HOLE_CHECK_S);
    f->q.window.from_ts = f->q.recheck_from_ts = at(19);
}

TEST(judge_start_is_confirmed_by_a_second_answer)
{
    struct fixture f;
    begin(&f);
    know_start(&f);
    judge_end(&f);
    CHECK_TEXT("before_start 0-19, before_start 19-20", segments(&f));
    check_counts(f.j, 0, 0, 1, 0, 0, 0);
    f.known[1].asked_utc_s = f.q.sent_utc_s - HOLE_CHECK_S + 1; /* too soon to mean more */
    judge_end(&f);
    CHECK_TEXT("before_start 0-19, before_start 19-20?", segments(&f));
    end(&f);
}

TEST(judge_start_is_refuted_by_a_record)
{
    struct fixture f;
    begin(&f);
    know_start(&f);
    add(&f, 19, 20);
    CHECK_INT(0, judge(&f));
    CHECK_TEXT("empty 0-19?, stored 19-20", segments(&f));
    check_counts(f.j, 1, 0, 0, 0, 0, 0);
    end(&f);
}

TEST(judge_start_is_refuted_by_an_older_record_or_an_empty_list)
{
    struct fixture f;
    begin(&f);
    know_start(&f);
    add(&f, 12, 13);
    CHECK_INT(0, judge(&f));
    CHECK_TEXT("empty 0-20?", segments(&f));
    check_counts(f.j, 0, 0, 0, 0, 0, 1);
    batch_clear(&f.batch);
    CHECK_INT(0, judge(&f));
    judge_nothing(&f.q, f.j);
    CHECK_TEXT("empty 0-20?", segments(&f));
    end(&f);
}

TEST(judge_start_is_refuted_by_an_end_of_history_behind_stored_data)
{
    struct fixture f;
    begin(&f);
    know_start(&f);
    know(&f, 20, 21, COVERAGE_STORED, at(100), 0);
    f.q.window.to_ts = at(25);
    judge_end(&f);
    CHECK(!f.j->start_reached);
    CHECK_TEXT("empty 0-19?, empty 19-20?, empty 21-25?", segments(&f));
    end(&f);
}

TEST(judge_start_is_refuted_within_the_run)
{
    struct fixture f;
    begin(&f);
    f.q.start_ts = at(30);
    f.q.start_asked_utc_s = f.q.sent_utc_s + 5; /* asked after this page was */
    add(&f, 11, 12);
    CHECK_INT(0, judge(&f));
    for (size_t i = 0; i < f.j->segment_count; i++) {
        CHECK_INT(f.q.sent_utc_s + 6, f.j->segments[i].asked_utc_s);
        f.j->segments[i].asked_utc_s = f.q.sent_utc_s;
    }
    CHECK_TEXT("empty 0-11?, stored 11-12, empty 12-30?", segments(&f));
    CHECK_INT(at(10), f.j->head.from_ts); /* asked on from */
    end(&f);
}

TEST(judge_start_is_refuted_between_rows_that_ride_free)
{
    struct fixture f;
    begin(&f);
    f.q.start_ts = at(30); /* of this run: what was known when it began is older */
    f.q.start_asked_utc_s = f.q.sent_utc_s;
    f.q.recheck_from_ts = at(4);
    know(&f, 4, 10, COVERAGE_EMPTY, at(100), at(100) + HOLE_CHECK_S);
    add(&f, 4, 5);
    add(&f, 7, 8);
    add(&f, 10, 20);
    CHECK_INT(0, judge(&f));
    for (size_t i = 0; i < f.j->segment_count; i++)
        f.j->segments[i].asked_utc_s = f.q.sent_utc_s;
    CHECK_TEXT(
        "empty 0-4?, stored 4-5, empty 5-7?, stored 7-8, empty 8-10?, stored 10-20, empty 20-30?",
        segments(&f));
    end(&f);
}

/* Days from the moment of asking to the next look at a hole of that age that is confirmed; -1 =
 * never. */
static int64_t days_to_next_look(int64_t age_days)
{
    struct fixture f;
    begin(&f);
    f.q.sent_utc_s = f.q.planned_utc_s = at(14) + STEP_S + age_days * SECONDS_PER_DAY;
    know(&f, 13, 14, COVERAGE_EMPTY, at(14) - HOLE_CHECK_S, f.q.planned_utc_s);
    add(&f, 10, 13);
    add(&f, 14, 20);
    f.q.settle_s = -3600; /* the hole is final however young the others are */
    CHECK_INT(0, judge(&f));
    const struct coverage_segment *hole = &f.j->segments[1];
    CHECK(hole->state == COVERAGE_EMPTY && coverage_is_confirmed(hole));
    int64_t next = hole->next_check_utc_s;
    end(&f);
    return next == 0 ? -1 : (next - f.q.sent_utc_s) / SECONDS_PER_DAY;
}

TEST(judge_confirmed_holes_are_looked_at_again_ever_more_rarely)
{
    static const struct {
        int64_t age_days, days;
    } cases[] = {{1, 1}, {2, 2}, {3, 2}, {4, 4}, {8, 8}, {63, 32}, {64, 64}, {300, 64}, {402, -1}};
    for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++)
        CHECK_INT(cases[i].days, days_to_next_look(cases[i].age_days));
}

TEST(judge_rechecks_what_is_known_before_the_window)
{
    struct fixture f;
    begin(&f);
    f.q.recheck_from_ts = at(4);
    know(&f, 2, 6, COVERAGE_STORED, at(100), 0);
    know(&f, 6, 7, COVERAGE_EMPTY, at(100), 0);
    know(&f, 7, 8, COVERAGE_REJECTED, at(100), 0);
    add(&f, 2, 20);
    CHECK_INT(0, judge(&f));
    CHECK_TEXT("stored 6-8, stored 10-20", segments(&f)); /* 2, 3: not asked; 8, 9: not known */
    CHECK_INT(14, f.batch.row_count);
    CHECK_INT(4, f.j->rechecked);
    CHECK_INT(at(4), rows_ts(&f.batch, 0));
    CHECK_INT(at(10), rows_ts(&f.batch, 4));
    check_counts(f.j, 10, 0, 0, 0, 0, 0);
    end(&f);
}

TEST(judge_rechecks_conclude_nothing_from_what_is_not_there)
{
    struct fixture f;
    begin(&f);
    f.q.recheck_from_ts = at(2);
    know(&f, 2, 8, COVERAGE_STORED, at(100), 0);
    know(&f, 8, 10, COVERAGE_EMPTY, at(100), at(160));
    rows_add(&f.batch, INTERVAL_1M, at(3), 1);
    rows_set_i64(&f.batch, "total_trades", -1); /* impossible now: the good one stays */
    add(&f, 12, 20);
    CHECK_INT(0, judge(&f));
    CHECK_TEXT("empty 10-12?, stored 12-20", segments(&f)); /* data before the window */
    CHECK(f.j->any_rejected && f.j->rejected[0] != NULL);
    check_counts(f.j, 8, 0, 2, 0, 0, 0);
    end(&f);
}

TEST(judge_rechecks_alone_leave_the_window_open)
{
    struct fixture f;
    begin(&f);
    f.q.recheck_from_ts = at(2);
    know(&f, 2, 10, COVERAGE_STORED, at(100), 0);
    add(&f, 2, 10);
    CHECK_INT(0, judge(&f));
    CHECK_TEXT("", segments(&f));
    CHECK_INT(8, f.batch.row_count);
    CHECK(!f.j->window_empty);
    check_counts(f.j, 0, 0, 0, 0, 0, 10);
    end(&f);
}

TEST(judge_days)
{
    struct fixture f;
    begin(&f);
    f.q.interval = INTERVAL_1D;
    int64_t day = 20000;
    f.q.want = f.q.window = (struct period_range){day * 86400, (day + 3) * 86400};
    f.q.recheck_from_ts = f.q.window.from_ts;
    f.q.sent_utc_s = f.q.planned_utc_s = (day + 3) * 86400 + SETTLE_S - 1;
    rows_add_range(&f.batch, INTERVAL_1D, day * 86400, (day + 4) * 86400);
    CHECK_INT(0, judge(&f));
    CHECK_INT(3, f.batch.row_count);
    check_counts(f.j, 3, 1, 0, 0, 0, 0);
    CHECK_INT(1, f.j->segment_count);
    CHECK_INT((day + 2) * 86400, f.j->segments[0].to_ts);
    end(&f);
}

/* Any page of any history: each missing period of the window is counted exactly once; segments
 * ascend, do not overlap, lie in what was asked but for a refuted start, claim only final periods;
 * stored claims have a row. */
static bool page_holds(struct fixture *f)
{
    const struct judgement *j = f->j;
    const struct judge_question *q = &f->q;
    int64_t head = 0, missing = 0, before = INT64_MIN;
    struct plan_gaps gaps;
    struct period_range gap;
    plan_gaps_init(&gaps, q->window, q->merged, q->merged_count, q->planned_utc_s);
    while (plan_gaps_next(&gaps, &gap)) {
        missing += (gap.to_ts - gap.from_ts) / STEP_S;
        for (int64_t ts = gap.from_ts; ts < gap.to_ts; ts += STEP_S)
            head += ts >= j->head.from_ts && ts < j->head.to_ts;
    }
    if (missing != j->fetched + j->empty + j->rejected_count + j->pending + j->tail + head)
        return false;
    for (size_t i = 0; i < j->segment_count; i++) {
        const struct coverage_segment *s = &j->segments[i];
        bool asked = s->from_ts >= q->recheck_from_ts && s->to_ts <= q->window.to_ts;
        bool reopened = s->state == COVERAGE_EMPTY && !coverage_is_confirmed(s);
        if (s->from_ts < before || s->from_ts >= s->to_ts || (!asked && !reopened) ||
            s->to_ts > j->final_before_ts)
            return false;
        before = s->to_ts;
        if (s->state != COVERAGE_STORED)
            continue;
        for (int64_t ts = s->from_ts; ts < s->to_ts; ts += STEP_S) {
            bool found = false;
            for (size_t row = 0; row < f->batch.row_count; row++)
                found |= rows_ts(&f->batch, row) == ts && !j->rejected[row];
            if (!found)
                return false;
        }
    }
    return true;
}

static void random_history(struct fixture *f, struct rng *r)
{
    for (int64_t m = (int64_t)rng_below(r, 14); m < 24 && f->known_count < 8;) {
        int64_t to = m + 1 + (int64_t)rng_below(r, 5);
        int64_t asked = at(700 + (int64_t)rng_below(r, 300));
        int64_t check = rng_below(r, 2) ? 0 : asked + HOLE_CHECK_S;
        enum coverage_state state = (enum coverage_state)rng_below(r, COVERAGE_STATE_COUNT);
        know(f, m, to, state, asked, state == COVERAGE_EMPTY ? check : 0);
        m = to + (int64_t)rng_below(r, 6);
    }
}

static void random_rows(struct fixture *f, struct rng *r)
{
    uint64_t density = 1 + rng_below(r, 6);
    for (int64_t m = 8; m < 21; m++) {
        if (rng_below(r, 6) >= density)
            continue;
        rows_add(&f->batch, INTERVAL_1M, at(m), (double)m);
        if (rng_below(r, 12) == 0)
            rows_set_i64(&f->batch, "total_trades", -1);
        if (rng_below(r, 12) == 0)
            rows_add(&f->batch, INTERVAL_1M, at(m), (double)(m + (int64_t)rng_below(r, 2)));
    }
}

TEST(judge_random_pages)
{
    struct fixture f;
    begin(&f);
    const struct judge_question plain = f.q;
    for (uint64_t seed = 0; seed < 50000; seed++) {
        struct rng r = {seed};
        f.q = plain;
        f.known_count = 0;
        batch_clear(&f.batch);
        random_history(&f, &r);
        random_rows(&f, &r);
        f.q.first_ts = rng_below(&r, 2) ? 0 : at((int64_t)rng_below(&r, 22)) + 7;
        f.q.newest_ts = rng_below(&r, 2) ? 0 : at((int64_t)rng_below(&r, 30));
        if (rng_below(&r, 3) == 0)
            f.q.sent_utc_s = at(15 + (int64_t)rng_below(&r, 16));
        f.q.recheck_from_ts = at(7 + (int64_t)rng_below(&r, 4));
        f.q.planned_utc_s = f.q.sent_utc_s - 300 + (int64_t)rng_below(&r, 600);
        f.q.merged = f.known;
        f.q.merged_count = f.known_count;
        struct ccd_error err = {0};
        int status = judge_page(&f.q, &f.batch, f.j, &err);
        if (status == 0 && f.j->window_empty)
            judge_nothing(&f.q, f.j);
        if (status == 0 && !CHECK(page_holds(&f))) {
            CHECK_INT(-1, seed);
            break;
        }
    }
    end(&f);
}
