#include "engine/session.h"

#include <stdlib.h>
#include <string.h>

#include "drive.h"
#include "rows.h"
#include "test.h"

/* ---- the plain way ---- */

TEST(session_without_series_finishes_at_once)
{
    struct drive d;
    drive_begin(&d, 1, 10);
    drive_start(&d);
    CHECK_TEXT("finish", drive_timer(&d));
    CHECK_TEXT("", drive_timer(&d));
    CHECK_INT(INT64_MAX, session_wake_us(d.session));
    drive_end(&d);
}

TEST(session_one_page)
{
    struct drive d;
    drive_begin_one(&d, 1, 10, 0, 10);
    CHECK_TEXT("acquire 0", drive_timer(&d));
    CHECK_TEXT("send 0 0-10", drive_grant(&d, 0));
    CHECK(!session_slot_free(d.session, 0));
    CHECK_TEXT("write 0", drive_page(&d, 0, 0, 10));
    CHECK_INT(0, drive_result(&d)->fetched);
    struct store_page p;
    session_page(d.session, 0, &p);
    CHECK(p.fresh && p.batch == &d.batches[0] && p.rejected == NULL);
    CHECK_INT(1, p.segment_count);
    CHECK_INT(drive_at(9000), p.collected_utc_s);
    CHECK_TEXT("run", p.run_id);
    CHECK_TEXT("finish", drive_written(&d, 0));
    CHECK(session_slot_free(d.session, 0));
    CHECK_INT(10, drive_result(&d)->fetched);
    CHECK_INT(1, drive_result(&d)->calls);
    CHECK_INT(0, drive_failed(&d, 0));
    CHECK_INT(CCD_OK, drive_ended(&d));
    drive_end(&d);
}

TEST(session_nothing_missing)
{
    struct drive d;
    const struct coverage_segment known[] = {{drive_at(0), drive_at(10), COVERAGE_STORED, 1, 0}};
    drive_begin(&d, 1, 10);
    drive_start(&d);
    struct session_series_spec spec = drive_spec(0, 10);
    spec.merged = known;
    spec.merged_count = 1;
    drive_add_series(&d, &spec);
    CHECK_TEXT("finish", drive_timer(&d));
    CHECK_INT(10, drive_result(&d)->stored);
    CHECK_INT(0, drive_failed(&d, 0));
    drive_end(&d);
}

TEST(session_known_start_is_fetched_in_parallel)
{
    struct drive d;
    drive_begin_one(&d, 3, 10, 0, 50);
    CHECK_TEXT("acquire 0", drive_timer(&d));
    CHECK_TEXT("send 0 40-50, acquire 1", drive_grant(&d, 0));
    CHECK_TEXT("send 1 30-40, acquire 2", drive_grant(&d, 1));
    CHECK_TEXT("send 2 20-30", drive_grant(&d, 2)); /* three workers */
    /* A page that waits for its commit does not keep a worker busy. */
    CHECK_TEXT("write 1, acquire 3", drive_page(&d, 1, 30, 40));
    CHECK_TEXT("send 3 10-20", drive_grant(&d, 3));
    drive_end(&d);
}

TEST(session_unknown_start_is_fetched_one_by_one)
{
    struct drive d;
    drive_begin(&d, 3, 10);
    drive_start(&d);
    struct session_series_spec spec = drive_spec(0, 50);
    spec.first_ts = 0;
    drive_add_series(&d, &spec);
    drive_timer(&d);
    CHECK_TEXT("send 0 40-50", drive_grant(&d, 0));
    CHECK_TEXT("write 0", drive_page(&d, 0, 40, 50));
    CHECK_TEXT("acquire 0", drive_written(&d, 0));
    CHECK_TEXT("send 0 30-40", drive_grant(&d, 0));
    drive_end(&d);
}

TEST(session_start_by_404_ends_the_series)
{
    struct drive d;
    drive_begin(&d, 3, 10);
    drive_start(&d);
    struct session_series_spec spec = drive_spec(0, 50);
    spec.first_ts = 0;
    drive_add_series(&d, &spec);
    drive_timer(&d);
    drive_grant(&d, 0);
    drive_page(&d, 0, 40, 50);
    drive_written(&d, 0);
    drive_grant(&d, 0);
    CHECK_TEXT("write 0", drive_refuse(&d, 0, REPLY_END_OF_HISTORY, CCD_UNKNOWN_AT_VENDOR));
    struct store_page p;
    session_page(d.session, 0, &p);
    CHECK_INT(0, p.batch->row_count);
    CHECK_INT(2, p.segment_count); /* the last period is asked once more an hour later */
    CHECK_INT(drive_at(0), p.segments[0].from_ts);
    CHECK_INT(drive_at(40), p.segments[1].to_ts);
    CHECK_INT(COVERAGE_BEFORE_START, p.segments[0].state);
    CHECK_INT(COVERAGE_BEFORE_START, p.segments[1].state);
    CHECK_TEXT("finish", drive_written(&d, 0));
    CHECK_INT(10, drive_result(&d)->fetched);
    CHECK_INT(40, drive_result(&d)->empty);
    CHECK_INT(2, drive_result(&d)->calls);
    CHECK_INT(0, drive_failed(&d, 0));
    drive_end(&d);
}

TEST(session_short_head_is_asked_on_together_with_the_older)
{
    struct drive d;
    drive_begin(&d, 3, 10);
    drive_start(&d);
    struct session_series_spec spec = drive_spec(0, 50);
    spec.first_ts = 0;
    drive_add_series(&d, &spec);
    drive_timer(&d);
    drive_grant(&d, 0);
    drive_page(&d, 0, 46, 50);
    CHECK_TEXT("acquire 0", drive_written(&d, 0));
    CHECK_TEXT("send 0 36-46", drive_grant(&d, 0));
    CHECK_TEXT("write 0", drive_refuse(&d, 0, REPLY_END_OF_HISTORY, CCD_UNKNOWN_AT_VENDOR));
    CHECK_TEXT("finish", drive_written(&d, 0));
    CHECK_INT(4, drive_result(&d)->fetched);
    CHECK_INT(46, drive_result(&d)->empty);
    CHECK_INT(0, drive_failed(&d, 0));
    drive_end(&d);
}

TEST(session_parallel_404s_count_each_period_once)
{
    /* The catalogue's first time is too early: several windows in flight lie before the real start.
     */
    struct drive d;
    drive_begin_one(&d, 3, 10, 0, 60);
    drive_timer(&d);
    drive_grant(&d, 0);
    drive_grant(&d, 1);
    CHECK_TEXT("send 2 30-40", drive_grant(&d, 2));
    CHECK_TEXT("write 1",
               drive_refuse(&d, 1, REPLY_END_OF_HISTORY, CCD_UNKNOWN_AT_VENDOR)); /* 40-50 */
    CHECK_TEXT("write 2", drive_refuse(&d, 2, REPLY_END_OF_HISTORY, CCD_UNKNOWN_AT_VENDOR));
    CHECK_TEXT("", drive_written(&d, 1));
    CHECK_TEXT("", drive_written(&d, 2));
    CHECK_INT(50, drive_result(&d)->empty);
    CHECK_TEXT("write 0", drive_page(&d, 0, 50, 60));
    CHECK_TEXT("finish", drive_written(&d, 0));
    CHECK_INT(0, drive_failed(&d, 0));
    drive_end(&d);
}

TEST(session_counts_do_not_depend_on_clocks_between_plan_and_reply)
{
    /* A hole that the plan holds for settled falls due before the page that spans it is asked. */
    struct drive d;
    const struct coverage_segment known[] = {
        {drive_at(4), drive_at(6), COVERAGE_EMPTY, drive_at(8960), drive_at(9001)}};
    drive_begin(&d, 1, 10);
    drive_start(&d);
    struct session_series_spec spec = drive_spec(0, 10);
    spec.merged = known;
    spec.merged_count = 1;
    drive_add_series(&d, &spec);
    drive_timer(&d);
    drive_grant(&d, 0);
    struct session_event event = drive_reply_event(&d, 0, REPLY_PAGE);
    rows_add_range(&d.batches[0], INTERVAL_1M, drive_at(0), drive_at(10));
    event.sent_utc_s = drive_at(9100);
    drive_step(&d, event);
    drive_written(&d, 0);
    CHECK_INT(2, drive_result(&d)->empty_before);
    CHECK_INT(8, drive_result(&d)->fetched);
    CHECK_INT(0, drive_failed(&d, 0));
    drive_end(&d);
}

TEST(session_runs_many_series_in_order)
{
    struct drive d;
    drive_begin(&d, 1, 10);
    drive_start(&d);
    for (int i = 0; i < 40; i++) {
        struct session_series_spec spec = drive_spec(10 * i, 10 * i + 10);
        drive_add_series(&d, &spec);
    }
    drive_timer(&d);
    for (int64_t i = 0; i < 40; i++) {
        uint32_t slot = drive_send_next(&d);
        if (!CHECK(slot != NOBODY))
            break;
        struct session_request request = session_request(d.session, slot);
        CHECK_INT(i, request.series);
        CHECK_INT(drive_at(10 * i), request.window.from_ts);
        CHECK_INT(drive_at(10 * i + 10), request.window.to_ts);
        drive_serve(&d, slot);
        CHECK_TEXT(i == 39 ? "finish" : "", drive_written(&d, slot));
    }
    CHECK_INT(40, session_totals(d.session).series_done);
    drive_end(&d);
}

/* ---- empty lists ---- */

TEST(session_empty_list_is_asked_in_halves)
{
    struct drive d;
    drive_begin_one(&d, 2, 10, 0, 20);
    drive_timer(&d);
    drive_grant(&d, 0);
    CHECK_TEXT("send 1 0-10", drive_grant(&d, 1));
    drive_page(&d, 1, 0, 10);
    drive_written(&d, 1);
    CHECK_TEXT("acquire 0", drive_page(&d, 0, 0, 0)); /* an empty list for 10-20 */
    CHECK_TEXT("send 0 15-20, acquire 1", drive_grant(&d, 0));
    CHECK_TEXT("send 1 10-15", drive_grant(&d, 1));
    CHECK_TEXT("write 0", drive_page(&d, 0, 15, 20));
    CHECK_TEXT("write 1", drive_page(&d, 1, 0, 0)); /* again: now it is a hole, not confirmed yet */
    struct store_page p;
    session_page(d.session, 1, &p);
    CHECK_INT(1, p.segment_count);
    CHECK_INT(COVERAGE_EMPTY, p.segments[0].state);
    CHECK(p.segments[0].next_check_utc_s != 0);
    drive_written(&d, 0);
    CHECK_TEXT("finish", drive_written(&d, 1));
    CHECK_INT(15, drive_result(&d)->fetched);
    CHECK_INT(5, drive_result(&d)->empty);
    CHECK_INT(4, drive_result(&d)->calls);
    CHECK_INT(0, drive_failed(&d, 0));
    drive_end(&d);
}

TEST(session_empty_list_for_one_period_is_asked_once_more)
{
    struct drive d;
    drive_begin_one(&d, 1, 10, 3, 4);
    drive_timer(&d);
    drive_grant(&d, 0);
    CHECK_TEXT("acquire 0", drive_page(&d, 0, 0, 0));
    CHECK_TEXT("send 0 3-4", drive_grant(&d, 0));
    CHECK_TEXT("write 0", drive_page(&d, 0, 0, 0));
    CHECK_TEXT("finish", drive_written(&d, 0));
    CHECK_INT(1, drive_result(&d)->empty);
    drive_end(&d);
}

TEST(session_halves_of_a_skipped_series_are_not_asked)
{
    struct drive d;
    drive_begin_one(&d, 1, 10, 0, 10);
    drive_timer(&d);
    drive_grant(&d, 0);
    CHECK_TEXT("acquire 0", drive_page(&d, 0, 0, 0));
    CHECK_TEXT("send 0 5-10", drive_grant(&d, 0));
    CHECK_TEXT("finish", drive_refuse(&d, 0, REPLY_BAD_SERIES, CCD_UNKNOWN_AT_VENDOR));
    CHECK_INT(10, drive_failed(&d, 0));
    drive_end(&d);
}

TEST(session_newer_page_of_this_run_makes_a_tail_a_hole)
{
    struct drive d;
    drive_begin(&d, 1, 10);
    drive_start(&d);
    struct session_series_spec spec = drive_spec(0, 20);
    spec.first_ts = spec.last_ts = 0;
    drive_add_series(&d, &spec);
    drive_timer(&d);
    drive_grant(&d, 0);
    drive_page(&d, 0, 10, 20);
    drive_written(&d, 0);
    uint32_t slot = drive_send_next(&d);
    drive_page(&d, slot, 0, 7);
    CHECK_TEXT("finish", drive_written(&d, slot));
    CHECK_INT(3, drive_result(&d)->empty);
    CHECK_INT(0, drive_result(&d)->tail);
    drive_end(&d);
}

TEST(session_short_head_of_a_half_is_asked_on)
{
    /* Unknown start; an empty list, so halves; the newer half shows that history begins inside it
     * or later. */
    struct drive d;
    drive_begin(&d, 1, 10);
    drive_start(&d);
    struct session_series_spec spec = drive_spec(0, 10);
    spec.first_ts = 0;
    drive_add_series(&d, &spec);
    drive_timer(&d);
    drive_grant(&d, 0);
    CHECK_TEXT("acquire 0", drive_page(&d, 0, 0, 0));
    CHECK_TEXT("send 0 5-10", drive_grant(&d, 0));
    CHECK_TEXT("write 0, acquire 1", drive_page(&d, 0, 8, 10));
    CHECK_TEXT("send 1 5-8", drive_grant(&d, 1));
    drive_refuse(&d, 1, REPLY_END_OF_HISTORY, CCD_UNKNOWN_AT_VENDOR);
    drive_written(&d, 0);
    drive_written(&d, 1);
    uint32_t slot = drive_send_next(&d); /* the older half */
    CHECK_INT(drive_at(5), session_request(d.session, slot).window.to_ts);
    drive_refuse(&d, slot, REPLY_END_OF_HISTORY, CCD_UNKNOWN_AT_VENDOR);
    CHECK_TEXT("finish", drive_written(&d, slot));
    CHECK_INT(2, drive_result(&d)->fetched);
    CHECK_INT(8, drive_result(&d)->empty);
    CHECK_INT(0, drive_failed(&d, 0));
    drive_end(&d);
}

TEST(session_end_of_history_in_front_of_data_of_this_run_is_doubted)
{
    struct drive d;
    drive_begin_one(&d, 2, 10, 0, 30);
    drive_timer(&d);
    drive_grant(&d, 0);
    drive_grant(&d, 1);
    CHECK_TEXT("write 1, acquire 2", drive_page(&d, 1, 10, 20));
    CHECK_TEXT("write 0", drive_refuse(&d, 0, REPLY_END_OF_HISTORY, CCD_OK)); /* 20-30 */
    struct store_page p;
    session_page(d.session, 0, &p);
    CHECK_INT(1, p.segment_count);
    CHECK_INT(COVERAGE_EMPTY, p.segments[0].state);
    CHECK_INT(drive_at(20), p.segments[0].from_ts);
    CHECK_TEXT("send 2 0-10", drive_grant(&d, 2)); /* the older ones are still asked for */
    drive_end(&d);
}

TEST(session_impossible_record_is_proof_of_newer_data)
{
    /* Behind the window lies only a record that was set apart: a hole in front of it is a hole. */
    struct drive d;
    const struct coverage_segment known[] = {{drive_at(8), drive_at(9), COVERAGE_REJECTED, 1, 0}};
    drive_begin(&d, 1, 10);
    drive_start(&d);
    struct session_series_spec spec = drive_spec(0, 9);
    spec.last_ts = 0;
    spec.merged = known;
    spec.merged_count = 1;
    drive_add_series(&d, &spec);
    drive_timer(&d);
    drive_grant(&d, 0);
    CHECK_TEXT("write 0", drive_page(&d, 0, 0, 5));
    CHECK_TEXT("finish", drive_written(&d, 0));
    CHECK_INT(3, drive_result(&d)->empty);
    CHECK_INT(0, drive_result(&d)->tail);
    drive_end(&d);
}

/* ---- the store refuses ---- */

static void to_writing(struct drive *d)
{
    drive_timer(d);
    drive_grant(d, 0);
    CHECK(strstr(drive_page(d, 0, 0, 10), "write 0") != NULL);
}

TEST(session_rolled_back_commit_is_repeated)
{
    struct drive d;
    drive_begin_one(&d, 1, 10, 0, 10);
    to_writing(&d);
    CHECK_TEXT("", drive_not_written(&d, 0, STORE_ROLLED_BACK, CCD_DATABASE_BUSY));
    CHECK_INT(0, drive_result(&d)->fetched);
    CHECK_TEXT("write 0", drive_wake(&d));
    struct store_page p;
    session_page(d.session, 0, &p);
    CHECK(!p.fresh); /* rows may be there */
    CHECK_INT(10, p.batch->row_count);
    CHECK_TEXT("finish", drive_written(&d, 0));
    CHECK_INT(10, drive_result(&d)->fetched);
    CHECK_INT(1, drive_result(&d)->calls); /* nothing is fetched twice for it */
    drive_end(&d);
}

TEST(session_unknown_commit_is_repeated)
{
    struct drive d;
    drive_begin_one(&d, 1, 10, 0, 10);
    to_writing(&d);
    CHECK_TEXT("", drive_not_written(&d, 0, STORE_UNKNOWN, CCD_DATABASE_UNREACHABLE));
    CHECK_TEXT("write 0", drive_wake(&d));
    CHECK_TEXT("finish", drive_written(&d, 0));
    CHECK_INT(0, drive_failed(&d, 0));
    drive_end(&d);
}

/* A page whose writes fail until the database has been away for so long; where the last try left
 * the session. */
static void fail_writes(struct drive *d, int64_t outage_s, int *out_tries)
{
    int64_t start_us = d->now_us;
    bool away = true;
    for (*out_tries = 1; away && *out_tries < 1000; ++*out_tries) {
        drive_not_written(d, 0, STORE_ROLLED_BACK, CCD_DATABASE_UNREACHABLE);
        if (drive_ended(d) != CCD_OK)
            return;
        CHECK_TEXT("write 0", drive_wake(d));
        away = d->now_us - start_us < outage_s * SECOND_US;
    }
}

TEST(session_database_that_stays_away_ends_the_run)
{
    struct drive d;
    int tries;
    drive_begin_one(&d, 1, 10, 0, 10);
    to_writing(&d);
    fail_writes(&d, 600, &tries);
    CHECK_TEXT("finish", drive_wanted(&d));
    CHECK_INT(CCD_DATABASE_UNREACHABLE, drive_ended(&d));
    CHECK(d.now_us >= 60 * SECOND_US && d.now_us <= 65 * SECOND_US);
    CHECK(tries >= 12 && tries <= 40);
    CHECK_INT(10, drive_failed(&d, 0));
    drive_end(&d);
}

/* How the vendor is asked again is no matter of the database. */
TEST(session_outlives_a_database_that_restarts)
{
    struct drive d;
    int tries;
    drive_begin(&d, 1, 10);
    d.config.retry = (struct retry_policy){.base_ms = 1, .cap_ms = 1, .attempts_max = 1};
    drive_start(&d);
    struct session_series_spec spec = drive_spec(0, 10);
    drive_add_series(&d, &spec);
    to_writing(&d);
    fail_writes(&d, 50, &tries);
    CHECK(d.now_us < 60 * SECOND_US);
    CHECK_TEXT("finish", drive_written(&d, 0));
    CHECK_INT(CCD_OK, drive_ended(&d));
    CHECK_INT(0, drive_failed(&d, 0));
    drive_end(&d);
}

TEST(session_missing_permission_ends_the_run_at_once)
{
    struct drive d;
    drive_begin_one(&d, 1, 10, 0, 10);
    to_writing(&d);
    CHECK_TEXT("finish", drive_not_written(&d, 0, STORE_ROLLED_BACK, CCD_DATABASE_PERMISSION));
    CHECK_INT(CCD_DATABASE_PERMISSION, drive_ended(&d));
    drive_end(&d);
}

/* Ctrl-C during an outage: one more try at once, and no waiting. */
TEST(session_stop_ends_the_wait_for_the_database)
{
    struct drive d;
    int tries;
    drive_begin_one(&d, 1, 10, 0, 10);
    to_writing(&d);
    fail_writes(&d, 20, &tries);
    CHECK_TEXT("", drive_not_written(&d, 0, STORE_ROLLED_BACK, CCD_DATABASE_UNREACHABLE));
    struct session_event stop = {.kind = SESSION_STOP};
    error_set(&stop.error, CCD_INTERRUPTED, "interrupted");
    CHECK_TEXT("write 0", drive_step(&d, stop));
    CHECK_TEXT("finish", drive_not_written(&d, 0, STORE_ROLLED_BACK, CCD_DATABASE_UNREACHABLE));
    CHECK_INT(CCD_INTERRUPTED, drive_ended(&d));
    drive_end(&d);
}

TEST(session_refused_row_skips_the_series)
{
    struct drive d;
    drive_begin(&d, 1, 10);
    drive_start(&d);
    struct session_series_spec spec = drive_spec(0, 10);
    drive_add_series(&d, &spec);
    spec = drive_spec(50, 60);
    drive_add_series(&d, &spec);
    drive_timer(&d);
    drive_grant(&d, 0);
    drive_page(&d, 0, 0, 10);
    drive_not_written(&d, 0, STORE_ROLLED_BACK, CCD_DATABASE_DATA);
    CHECK_INT(CCD_OK, drive_ended(&d));
    CHECK_INT(CCD_DATABASE_DATA, drive_result(&d)->error.status);
    CHECK_TEXT("send 1 50-60", drive_grant(&d, 1));
    CHECK_TEXT("write 1", drive_page(&d, 1, 50, 60));
    CHECK_TEXT("finish", drive_written(&d, 1));
    CHECK_INT(10, drive_failed(&d, 0));
    CHECK_INT(0, drive_failed(&d, 1));
    drive_end(&d);
}

TEST(session_full_disk_stops)
{
    struct drive d;
    drive_begin_one(&d, 2, 10, 0, 100);
    drive_timer(&d);
    drive_grant(&d, 0);
    drive_grant(&d, 1);
    drive_page(&d, 0, 90, 100);
    drive_not_written(&d, 0, STORE_ROLLED_BACK, CCD_DISK);
    CHECK_INT(CCD_DISK, drive_ended(&d));
    CHECK(strstr(drive_page(&d, 1, 80, 90), "write 1") != NULL);
    drive_not_written(&d, 1, STORE_ROLLED_BACK, CCD_DISK);
    drive_grant(&d, 2);
    CHECK_TEXT("cancel 2, finish", drive_wanted(&d));
    CHECK_INT(100, drive_failed(&d, 0));
    drive_end(&d);
}

TEST(session_slow_store_holds_the_fetching_back)
{
    struct drive d;
    drive_begin_one(&d, 1, 10, 0, 1000);
    int sends = 0;
    drive_timer(&d);
    for (uint32_t slot; sends < 50 && (slot = drive_send_next(&d)) != NOBODY; sends++)
        drive_serve(&d, slot);
    CHECK_INT(d.config.slots, sends);
    CHECK_INT(INT64_MAX, session_wake_us(d.session));
    drive_end(&d);
}

/* ---- stop ---- */

TEST(session_stop_drains_what_is_in_flight)
{
    struct drive d;
    drive_begin_one(&d, 3, 10, 0, 100);
    drive_timer(&d);
    drive_grant(&d, 0);
    drive_grant(&d, 1);
    drive_page(&d, 1, 80, 90);
    struct session_event stop = {.kind = SESSION_STOP};
    error_set(&stop.error, CCD_INTERRUPTED, "interrupted");
    CHECK_TEXT("", drive_step(&d, stop));
    CHECK_TEXT("", drive_not_written(&d, 1, STORE_ROLLED_BACK, CCD_DATABASE_BUSY));
    CHECK_TEXT("cancel 2", drive_grant(&d, 2));
    CHECK_TEXT("write 0", drive_page(&d, 0, 90, 100));
    CHECK_TEXT("", drive_written(&d, 0));
    CHECK_TEXT("write 1", drive_wake(&d));
    CHECK_TEXT("finish", drive_written(&d, 1));
    CHECK_INT(CCD_INTERRUPTED, drive_ended(&d));
    CHECK_INT(20, drive_result(&d)->fetched);
    CHECK_INT(80, drive_failed(&d, 0));
    drive_end(&d);
}

TEST(session_failure_while_stopping_is_not_retried)
{
    struct drive d;
    drive_begin_one(&d, 1, 10, 0, 100);
    drive_timer(&d);
    drive_grant(&d, 0);
    struct session_event stop = {.kind = SESSION_STOP};
    error_set(&stop.error, CCD_INTERRUPTED, "interrupted");
    CHECK_TEXT("", drive_step(&d, stop));
    CHECK_TEXT("finish", drive_refuse(&d, 0, REPLY_RETRY, CCD_NETWORK));
    CHECK_INT(CCD_INTERRUPTED, drive_ended(&d));
    CHECK(drive_result(&d)->failed_pages);
    CHECK_INT(CCD_NETWORK, drive_result(&d)->error.status);
    drive_end(&d);
}

TEST(session_429_while_stopping)
{
    struct drive d;
    drive_begin_one(&d, 1, 10, 0, 100);
    drive_timer(&d);
    drive_grant(&d, 0);
    struct session_event stop = {.kind = SESSION_STOP};
    error_set(&stop.error, CCD_INTERRUPTED, "interrupted");
    drive_step(&d, stop);
    CHECK_TEXT("pause 0, finish",
               drive_throttle(&d, 0, 5000)); /* the ledger is told all the same */
    CHECK_INT(CCD_INTERRUPTED, drive_ended(&d));
    drive_end(&d);
}

/* ---- room ---- */

TEST(session_needs_no_memory_in_a_step)
{
    /* The largest session: every slot busy, all of them answer in one go. */
    struct drive d;
    drive_begin(&d, 62, 10);
    drive_start(&d);
    for (int i = 0; i < 100; i++) {
        struct session_series_spec spec = drive_spec(0, 100);
        drive_add_series(&d, &spec);
    }
    drive_timer(&d);
    for (uint32_t i = 0; i < 62; i++)
        drive_grant(&d, i);
    struct session_totals totals = session_totals(d.session);
    CHECK_INT(62, totals.in_flight);
    CHECK_INT(1000, totals.calls_planned);
    for (uint32_t i = 0; i < 62; i++) {
        struct period_range w = session_request(d.session, i).window;
        drive_page(&d, i, w.from_ts / STEP_S - BASE_MINUTE, w.to_ts / STEP_S - BASE_MINUTE);
        drive_not_written(&d, i, STORE_ROLLED_BACK, CCD_DATABASE_BUSY);
        CHECK(d.actions.count <= SESSION_ACTIONS_MAX);
    }
    drive_end(&d);
}
