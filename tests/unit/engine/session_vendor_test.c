#include "engine/session.h"

#include <stdlib.h>
#include <string.h>

#include "drive.h"
#include "rows.h"
#include "test.h"

/* ---- the vendor refuses ---- */

TEST(session_failure_is_retried_with_backoff_and_given_up)
{
    struct drive d;
    drive_begin_one(&d, 1, 10, 0, 20);
    drive_timer(&d);
    drive_grant(&d, 0);
    drive_serve(&d, 0); /* the vendor is there */
    drive_written(&d, 0);
    CHECK_TEXT("send 1 0-10", drive_grant(&d, 1));
    for (int attempt = 1; attempt < retry_policy_default.attempts_max; attempt++) {
        CHECK_TEXT("", drive_refuse(&d, 1, REPLY_RETRY, CCD_BAD_REPLY));
        int64_t wait_ms = (session_wake_us(d.session) - d.now_us) / 1000;
        CHECK(wait_ms >= 250LL << (attempt - 1) && wait_ms <= 500LL << (attempt - 1));
        CHECK_TEXT("acquire 1", drive_wake(&d));
        CHECK_TEXT("send 1 0-10", drive_grant(&d, 1));
    }
    CHECK_TEXT("finish", drive_refuse(&d, 1, REPLY_RETRY, CCD_BAD_REPLY));
    CHECK(drive_result(&d)->failed_pages);
    CHECK_INT(CCD_BAD_REPLY, drive_result(&d)->error.status);
    CHECK_INT(10, drive_failed(&d, 0));
    CHECK_INT(7, drive_result(&d)->calls);
    CHECK_INT(CCD_OK, drive_ended(&d)); /* partial, not stopped */
    drive_end(&d);
}

TEST(session_page_deadline)
{
    struct drive d;
    drive_begin_one(&d, 1, 10, 0, 10);
    drive_timer(&d);
    drive_grant(&d, 0);
    d.now_us += 599LL * SECOND_US;
    CHECK_TEXT("", drive_refuse(&d, 0, REPLY_RETRY, CCD_BAD_REPLY));
    CHECK_TEXT("acquire 0", drive_wake(&d));
    drive_grant(&d, 0);
    d.now_us += SECOND_US;
    CHECK_TEXT("finish", drive_refuse(&d, 0, REPLY_RETRY, CCD_BAD_REPLY));
    drive_end(&d);
}

TEST(session_nobody_there_ends_the_run)
{
    struct drive d;
    drive_begin_one(&d, 1, 10, 0, 1000);
    drive_timer(&d);
    for (int attempt = 1; attempt < retry_policy_default.attempts_max; attempt++) {
        drive_grant(&d, 0);
        CHECK_TEXT("", drive_refuse(&d, 0, REPLY_RETRY, CCD_NETWORK));
        CHECK_TEXT("acquire 0", drive_wake(&d));
    }
    drive_grant(&d, 0);
    CHECK_TEXT("finish", drive_refuse(&d, 0, REPLY_RETRY, CCD_NETWORK));
    CHECK_INT(CCD_NETWORK, drive_ended(&d));
    CHECK_INT(6, drive_result(&d)->calls);
    drive_end(&d);
}

TEST(session_nobody_there_ends_the_run_with_many_workers)
{
    /* The retry budget is empty before any page has used up its attempts: the run must end all the
     * same, and not burn one call for each of its windows. */
    struct drive d;
    drive_begin_one(&d, 16, 10, 0, 5000);
    drive_timer(&d);
    while (drive_ended(&d) == CCD_OK) {
        uint32_t slot = drive_send_next(&d);
        if (!CHECK(slot != NOBODY))
            break;
        drive_refuse(&d, slot, REPLY_RETRY, CCD_NETWORK);
    }
    CHECK_INT(CCD_NETWORK, drive_ended(&d));
    CHECK(strstr(drive_wanted(&d), "finish") != NULL);
    CHECK(drive_result(&d)->calls <= 16 + RETRY_BUDGET_MAX / RETRY_BUDGET_COST + 1);
    drive_end(&d);
}

/* Serve every series but the first one, which fails; until the run ends. */
static void fail_first_series(struct drive *d, enum ccd_status status)
{
    drive_timer(d);
    for (uint32_t slot; (slot = drive_send_next(d)) != NOBODY;) {
        if (session_request(d->session, slot).series == 0) {
            drive_refuse(d, slot, REPLY_RETRY, status);
            continue;
        }
        drive_serve(d, slot);
        drive_written(d, slot);
    }
}

TEST(session_series_that_is_never_answered_delays_nobody)
{
    for (int workers = 1; workers <= 8; workers++) {
        struct drive d;
        drive_begin(&d, workers, 10);
        drive_start(&d);
        for (int i = 0; i < 5; i++) {
            struct session_series_spec spec = drive_spec(0, 500);
            drive_add_series(&d, &spec);
        }
        fail_first_series(&d, CCD_VENDOR_UNAVAILABLE);
        CHECK_INT(500, drive_failed(&d, 0));
        for (size_t i = 1; i < 5; i++)
            CHECK_INT(0, drive_failed(&d, i));
        drive_end(&d);
    }
}

TEST(session_series_of_broken_pages_delays_nobody)
{
    struct drive d;
    drive_begin(&d, 4, 10);
    drive_start(&d);
    for (int i = 0; i < 3; i++) {
        struct session_series_spec spec = drive_spec(0, 200);
        drive_add_series(&d, &spec);
    }
    fail_first_series(&d, CCD_BAD_REPLY);
    CHECK_INT(CCD_OK, drive_ended(&d));
    CHECK_INT(200, drive_failed(&d, 0));
    CHECK_INT(0, drive_failed(&d, 1));
    CHECK_INT(0, drive_failed(&d, 2));
    drive_end(&d);
}

TEST(session_two_series_unanswered_is_nobody_there)
{
    struct drive d;
    drive_begin(&d, 4, 10);
    drive_start(&d);
    for (int i = 0; i < 50; i++) {
        struct session_series_spec spec = drive_spec(0, 500);
        drive_add_series(&d, &spec);
    }
    drive_timer(&d);
    int64_t calls = 0;
    for (uint32_t slot; (slot = drive_send_next(&d)) != NOBODY; calls++)
        drive_refuse(&d, slot, REPLY_RETRY, CCD_NETWORK);
    CHECK_INT(CCD_NETWORK, drive_ended(&d));
    CHECK(calls <= 2 * 4 * retry_policy_default.attempts_max);
    drive_end(&d);
}

TEST(session_breaker_lets_one_probe_out)
{
    struct drive d;
    drive_begin_one(&d, 2, 10, 0, 100);
    drive_timer(&d);
    drive_serve(&d, drive_send_next(&d));
    drive_written(&d, 0);
    for (int i = 0; i < BREAKER_FAILURES; i++)
        drive_refuse(&d, drive_send_next(&d), REPLY_RETRY, CCD_VENDOR_UNAVAILABLE);
    int64_t opened_us = d.now_us;
    uint32_t probe = drive_send_next(&d);
    CHECK(d.now_us - opened_us >= (int64_t)BREAKER_PROBE_EVERY_MS * 1000);
    CHECK_INT(NOBODY, d.asked); /* only the probe */
    d.now_us += SECOND_US;
    CHECK_TEXT("", drive_timer(&d));
    CHECK(strstr(drive_serve(&d, probe), "acquire") != NULL); /* closed again */
    drive_end(&d);
}

TEST(session_probe_that_got_no_permit_frees_the_slot)
{
    struct drive d;
    drive_begin_one(&d, 1, 10, 0, 100);
    drive_timer(&d);
    drive_serve(&d, drive_send_next(&d));
    drive_written(&d, 0);
    for (int i = 0; i < BREAKER_FAILURES; i++)
        drive_refuse(&d, drive_send_next(&d), REPLY_RETRY, CCD_VENDOR_UNAVAILABLE);
    drive_wait_for_asking(&d);
    struct session_event wait = {.kind = SESSION_PERMIT,
                                 .slot = d.asked,
                                 .permit = PERMIT_WAIT,
                                 .wait_until_us = d.now_us + SECOND_US};
    CHECK_TEXT("", drive_step(&d, wait));
    CHECK_INT(wait.wait_until_us, session_wake_us(d.session)); /* not the probe's deadline */
    drive_wake(&d);
    CHECK(d.asked != NOBODY);
    drive_end(&d);
}

TEST(session_long_outage_ends_the_run)
{
    struct drive d;
    drive_begin(&d, 1, 10);
    d.config.retry.attempts_max = 1000;
    d.config.retry.page_deadline_ms = 24 * 3600 * 1000;
    drive_start(&d);
    struct session_series_spec spec = drive_spec(0, 1000);
    drive_add_series(&d, &spec);
    drive_timer(&d);
    drive_serve(&d, drive_send_next(&d));
    drive_written(&d, 0);
    int sends = 0;
    for (; sends < 200 && drive_ended(&d) == CCD_OK; sends++)
        drive_refuse(&d, drive_send_next(&d), REPLY_RETRY, CCD_NETWORK);
    CHECK_INT(CCD_NETWORK, drive_ended(&d));
    CHECK(d.now_us >= 600LL * SECOND_US && d.now_us < 720LL * SECOND_US);
    CHECK(sends <= 30);
    drive_end(&d);
}

TEST(session_bad_key_stops_at_once)
{
    struct drive d;
    drive_begin_one(&d, 2, 10, 0, 100);
    drive_timer(&d);
    drive_grant(&d, 0);
    drive_grant(&d, 1);
    CHECK_TEXT("", drive_refuse(&d, 0, REPLY_BAD_KEY, CCD_KEY_REJECTED));
    CHECK_INT(CCD_KEY_REJECTED, drive_ended(&d));
    /* What was sent is still taken and committed. */
    CHECK_TEXT("write 1", drive_page(&d, 1, 80, 90));
    CHECK_TEXT("finish", drive_written(&d, 1));
    CHECK_INT(10, drive_result(&d)->fetched);
    drive_end(&d);
}

TEST(session_bad_series_is_skipped_and_others_go_on)
{
    struct drive d;
    drive_begin(&d, 4, 10);
    drive_start(&d);
    struct session_series_spec spec = drive_spec(0, 100);
    drive_add_series(&d, &spec);
    spec = drive_spec(200, 210);
    drive_add_series(&d, &spec);
    drive_timer(&d);
    drive_grant(&d, 0);
    drive_grant(&d, 1);
    CHECK_TEXT("send 2 80-90, acquire 3", drive_grant(&d, 2)); /* slot 1: the other series */
    CHECK_TEXT("send 3 70-80", drive_grant(&d, 3));
    CHECK_TEXT("", drive_refuse(&d, 0, REPLY_BAD_SERIES, CCD_UNKNOWN_AT_VENDOR));
    CHECK_TEXT("", drive_refuse(&d, 2, REPLY_RETRY, CCD_BAD_REPLY));
    CHECK_TEXT("write 3", drive_page(&d, 3, 70, 80)); /* what came is taken */
    CHECK_TEXT("", drive_written(&d, 3));
    CHECK_TEXT("write 1", drive_page(&d, 1, 200, 210));
    CHECK_TEXT("", drive_written(&d, 1));
    CHECK_TEXT("acquire 2", drive_wake(&d));
    CHECK_TEXT("cancel 2, finish", drive_grant(&d, 2)); /* its series is skipped: not sent again */
    CHECK_INT(CCD_OK, drive_ended(&d));
    CHECK(drive_result(&d)->failed_pages);
    CHECK_INT(90, drive_failed(&d, 0));
    CHECK_INT(0, drive_failed(&d, 1));
    drive_end(&d);
}

/* The newest of all series, then gaps, then history. */
TEST(session_newest_data_comes_before_repair_before_history)
{
    static const struct coverage_segment known[] = {
        {60 * STEP_S, 70 * STEP_S, COVERAGE_STORED, 1, 0},
        {80 * STEP_S, 90 * STEP_S, COVERAGE_STORED, 1, 0}};
    static const enum call_priority expected[] = {CALL_NEWEST,   CALL_NEWEST,   CALL_REPAIR,
                                                  CALL_BACKFILL, CALL_BACKFILL, CALL_BACKFILL};
    static const int64_t from[] = {90, 190, 70, 50, 40, 180};
    struct coverage_segment merged[2];
    struct drive d;
    drive_begin(&d, 1, 10);
    drive_start(&d);
    for (size_t i = 0; i < 2; i++) {
        merged[i] = known[i];
        merged[i].from_ts = drive_at(known[i].from_ts / STEP_S);
        merged[i].to_ts = drive_at(known[i].to_ts / STEP_S);
    }
    struct session_series_spec spec = drive_spec(40, 100);
    spec.merged = merged;
    spec.merged_count = 2;
    drive_add_series(&d, &spec);
    spec = drive_spec(180, 200);
    drive_add_series(&d, &spec);
    drive_timer(&d);
    for (size_t i = 0; i < 6; i++) {
        uint32_t slot = d.asked;
        CHECK_INT(expected[i], d.asked_priority);
        drive_grant(&d, slot);
        struct period_range w = session_request(d.session, slot).window;
        CHECK_INT(drive_at(from[i] + 10), w.to_ts);
        drive_serve(&d, slot);
        drive_written(&d, slot);
    }
    CHECK_INT(CCD_OK, drive_ended(&d));
    drive_end(&d);
}

TEST(session_answer_to_no_request_is_not_asked_for_again)
{
    /* 3xx, 405, 410, 422 …: one try for each series (FAULTS 2.10). */
    struct drive d;
    drive_begin(&d, 1, 10);
    drive_start(&d);
    struct session_series_spec spec = drive_spec(0, 100);
    drive_add_series(&d, &spec);
    spec = drive_spec(200, 300);
    drive_add_series(&d, &spec);
    drive_timer(&d);
    drive_grant(&d, 0);
    CHECK_TEXT("acquire 0", drive_refuse(&d, 0, REPLY_BROKEN, CCD_BAD_REQUEST));
    CHECK_TEXT("send 0 290-300", drive_grant(&d, 0));
    CHECK_TEXT("finish", drive_refuse(&d, 0, REPLY_BROKEN, CCD_BAD_REQUEST));
    CHECK_INT(1, drive_result(&d)->calls);
    CHECK_INT(CCD_BAD_REQUEST, drive_result(&d)->error.status);
    CHECK_INT(CCD_OK, drive_ended(&d));
    drive_end(&d);
}

TEST(session_answer_that_ends_the_run_stops)
{
    struct drive d;
    drive_begin_one(&d, 1, 10, 0, 100);
    drive_timer(&d);
    drive_grant(&d, 0);
    CHECK_TEXT("finish", drive_refuse(&d, 0, REPLY_RETRY, CCD_TLS));
    CHECK_INT(CCD_TLS, drive_ended(&d));
    CHECK_INT(1, drive_result(&d)->calls);
    drive_end(&d);
}

TEST(session_page_of_another_series_is_asked_again)
{
    struct drive d;
    drive_begin_one(&d, 1, 10, 0, 10);
    drive_timer(&d);
    drive_grant(&d, 0);
    struct session_event event = drive_reply_event(&d, 0, REPLY_PAGE);
    rows_add_range(&d.batches[0], INTERVAL_1M, drive_at(0), drive_at(10));
    rows_set_text(&d.batches[0], "instrument", "XETHZUSD");
    CHECK_TEXT("", drive_step(&d, event));
    CHECK_TEXT("acquire 0", drive_wake(&d));
    drive_grant(&d, 0);
    CHECK_TEXT("write 0", drive_page(&d, 0, 0, 10));
    CHECK_TEXT("finish", drive_written(&d, 0));
    CHECK_INT(0, drive_failed(&d, 0));
    drive_end(&d);
}

/* ---- 429 ---- */

TEST(session_429_pauses_the_key)
{
    struct drive d;
    drive_begin_one(&d, 2, 10, 0, 100);
    drive_timer(&d);
    drive_grant(&d, 0);
    CHECK_TEXT("pause 0", drive_throttle(&d, 0, 30000));
    CHECK_INT(30LL * SECOND_US, d.actions.items[0].pause_us);
    d.now_us = 30LL * SECOND_US - 1;
    /* The permit for slot 1 was asked for before the 429: it must not be used. */
    CHECK_TEXT("cancel 1", drive_grant(&d, 1));
    d.now_us++;
    CHECK_TEXT("acquire 0", drive_timer(&d));
    CHECK_TEXT("send 0 90-100, acquire 1", drive_grant(&d, 0));
    CHECK_INT(2, drive_result(&d)->calls);
    drive_end(&d);
}

TEST(session_429_is_not_a_failed_attempt)
{
    struct drive d;
    drive_begin_one(&d, 1, 10, 0, 10);
    drive_timer(&d);
    for (int i = 0; i < 9; i++) {
        drive_grant(&d, 0);
        CHECK_TEXT("pause 0", drive_throttle(&d, 0, 1000));
        CHECK_TEXT("acquire 0", drive_wake(&d));
    }
    drive_grant(&d, 0);
    CHECK_TEXT("write 0", drive_page(&d, 0, 0, 10));
    drive_end(&d);
}

TEST(session_429_without_end_is_a_spent_quota)
{
    struct drive d;
    drive_begin_one(&d, 1, 10, 0, 10);
    drive_timer(&d);
    int refusals = 0;
    while (drive_ended(&d) == CCD_OK && refusals < 100) {
        drive_grant(&d, 0);
        drive_throttle(&d, 0, 0);
        refusals++;
        if (drive_ended(&d) == CCD_OK)
            CHECK_TEXT("acquire 0", drive_wake(&d));
    }
    CHECK_INT(CCD_QUOTA_EXHAUSTED, drive_ended(&d));
    CHECK_INT(10, refusals);
    int64_t resume_us = 0;
    session_error(d.session, &resume_us);
    CHECK(resume_us > d.now_us);
    CHECK(strstr(drive_wanted(&d), "finish") != NULL);
    drive_end(&d);
}

TEST(session_one_burst_of_429_is_one_refusal)
{
    /* Sixteen requests under way are refused together: the run waits once and goes on. */
    struct drive d;
    drive_begin_one(&d, 16, 10, 0, 1000);
    drive_timer(&d);
    for (uint32_t i = 0; i < 16; i++)
        drive_grant(&d, i);
    for (uint32_t i = 0; i < 16; i++) {
        d.now_us += 1000;
        drive_throttle(&d, i, 2000);
    }
    CHECK_INT(CCD_OK, drive_ended(&d));
    CHECK_INT(2016000, session_wake_us(d.session));
    CHECK_TEXT("acquire 0", drive_wake(&d));
    drive_end(&d);
}

TEST(session_later_429_does_not_shorten_the_pause)
{
    struct drive d;
    drive_begin_one(&d, 2, 10, 0, 100);
    drive_timer(&d);
    drive_grant(&d, 0);
    drive_grant(&d, 1);
    drive_throttle(&d, 0, 60000);
    CHECK_TEXT("pause 1", drive_throttle(&d, 1, 0));
    CHECK_INT(60LL * SECOND_US, d.actions.items[0].pause_us);
    CHECK_INT(60LL * SECOND_US, session_wake_us(d.session));
    drive_end(&d);
}

TEST(session_429_without_a_time_waits_a_second_at_least)
{
    struct drive d;
    drive_begin_one(&d, 1, 10, 0, 10);
    drive_timer(&d);
    drive_grant(&d, 0);
    drive_throttle(&d, 0, 0);
    CHECK(session_wake_us(d.session) >= SECOND_US);
    drive_end(&d);
}

TEST(session_429_far_away_ends_the_run_unless_it_may_wait)
{
    for (int wait = 0; wait < 2; wait++) {
        struct drive d;
        drive_begin(&d, 1, 10);
        d.config.wait_for_quota = wait;
        drive_start(&d);
        struct session_series_spec spec = drive_spec(0, 10);
        drive_add_series(&d, &spec);
        drive_timer(&d);
        drive_grant(&d, 0);
        drive_throttle(&d, 0, INT64_MAX / 2);
        CHECK_INT(wait ? CCD_OK : CCD_QUOTA_EXHAUSTED, drive_ended(&d));
        /* Nobody's quota lasts longer than a month: what a broken header says is not believed. */
        CHECK_INT(31LL * 86400 * SECOND_US, d.actions.items[0].pause_us);
        drive_end(&d);
    }
}

TEST(session_429_waits_for_the_violated_window)
{
    struct drive d;
    drive_begin_one(&d, 1, 10, 0, 10);
    drive_timer(&d);
    drive_grant(&d, 0);
    struct session_event event = drive_reply_event(&d, 0, REPLY_THROTTLED);
    error_set(&event.error, CCD_THROTTLED, "slow down");
    event.error.retry_after_ms = 2000;
    event.window = RATE_MINUTE;
    event.window_rest_ms = 41000;
    CHECK_TEXT("pause 0", drive_step(&d, event));
    CHECK_INT(41LL * SECOND_US, d.actions.items[0].pause_us);
    CHECK_INT(RATE_MINUTE, d.actions.items[0].window);
    drive_end(&d);
}

/* ---- permits ---- */

TEST(session_waits_for_a_permit)
{
    struct drive d;
    drive_begin_one(&d, 2, 10, 0, 100);
    drive_timer(&d);
    struct session_event wait = {
        .kind = SESSION_PERMIT, .permit = PERMIT_WAIT, .wait_until_us = 5 * SECOND_US};
    CHECK_TEXT("", drive_step(&d, wait));
    CHECK_INT(5 * SECOND_US, session_wake_us(d.session));
    CHECK_TEXT("", drive_timer(&d));
    CHECK_TEXT("acquire 0", drive_wake(&d));
    CHECK_INT(0, drive_result(&d)->calls);
    drive_end(&d);
}

TEST(session_spent_quota_ends_the_run_unless_it_may_wait)
{
    for (int may_wait = 0; may_wait < 2; may_wait++) {
        struct drive d;
        drive_begin(&d, 2, 10);
        d.config.wait_for_quota = may_wait;
        drive_start(&d);
        struct session_series_spec spec = drive_spec(0, 100);
        drive_add_series(&d, &spec);
        drive_timer(&d);
        drive_grant(&d, 0);
        struct session_event spent = {.kind = SESSION_PERMIT,
                                      .slot = 1,
                                      .permit = PERMIT_SPENT,
                                      .wait_until_us = 1800LL * SECOND_US};
        error_set(&spent.error, CCD_QUOTA_EXHAUSTED, "the hour is spent");
        CHECK_TEXT("", drive_step(&d, spent));
        CHECK_INT(may_wait ? CCD_OK : CCD_QUOTA_EXHAUSTED, drive_ended(&d));
        CHECK_TEXT("write 0", drive_page(&d, 0, 90, 100));
        if (may_wait) {
            CHECK_TEXT("", drive_written(&d, 0));
            CHECK_INT(1800LL * SECOND_US, session_wake_us(d.session));
        } else {
            int64_t resume_us = 0;
            CHECK_TEXT("finish", drive_written(&d, 0));
            session_error(d.session, &resume_us);
            CHECK_INT(1800LL * SECOND_US, resume_us);
        }
        drive_end(&d);
    }
}

TEST(session_max_calls)
{
    struct drive d;
    drive_begin(&d, 2, 10);
    d.config.max_calls = 3;
    drive_start(&d);
    struct session_series_spec spec = drive_spec(0, 100);
    drive_add_series(&d, &spec);
    drive_timer(&d);
    for (uint32_t slot; (slot = drive_send_next(&d)) != NOBODY;) {
        drive_serve(&d, slot);
        drive_written(&d, slot);
    }
    CHECK_TEXT("finish", drive_wanted(&d));
    CHECK_INT(CCD_QUOTA_EXHAUSTED, drive_ended(&d));
    CHECK_INT(3, drive_result(&d)->calls);
    CHECK_INT(30, drive_result(&d)->fetched);
    drive_end(&d);
}

/* The page of a slot, from a cache. */
static const char *serve_cached(struct drive *d, uint32_t slot)
{
    struct period_range w = session_request(d->session, slot).window;
    struct session_event event = drive_reply_event(d, slot, REPLY_PAGE);
    rows_add_range(&d->batches[slot], INTERVAL_1M, w.from_ts, w.to_ts);
    event.is_cached = true;
    return drive_step(d, event);
}

TEST(session_answers_from_a_cache_are_no_calls)
{
    struct drive d;
    drive_begin(&d, 2, 10);
    d.config.max_calls = 1;
    drive_start(&d);
    struct session_series_spec spec = drive_spec(0, 100);
    drive_add_series(&d, &spec);
    drive_timer(&d);
    for (int i = 0; i < 9; i++) {
        uint32_t slot = drive_send_next(&d);
        CHECK(slot != NOBODY);
        serve_cached(&d, slot);
        drive_written(&d, slot);
    }
    uint32_t slot = drive_send_next(&d);
    CHECK(slot != NOBODY);
    drive_serve(&d, slot);
    CHECK_TEXT("finish", drive_written(&d, slot));
    CHECK_INT(CCD_OK, drive_ended(&d));
    CHECK_INT(1, drive_result(&d)->calls);
    CHECK_INT(1, session_totals(d.session).calls_made);
    CHECK_INT(100, drive_result(&d)->fetched);
    drive_end(&d);
}

TEST(session_answers_from_a_cache_say_nothing_of_the_vendor)
{
    /* Every second window comes from a cache, the vendor is gone: as without a cache, the run ends
     * when a page has failed as often as it may. */
    struct drive d;
    drive_begin_one(&d, 1, 10, 0, 10000);
    drive_timer(&d);
    int sent = 0;
    for (uint32_t slot; sent < 1000 && (slot = drive_send_next(&d)) != NOBODY; sent++) {
        if (session_request(d.session, slot).window.from_ts / STEP_S % 20 == 0) {
            serve_cached(&d, slot);
            drive_written(&d, slot);
        } else {
            drive_refuse(&d, slot, REPLY_RETRY, CCD_NETWORK);
        }
    }
    CHECK_INT(CCD_NETWORK, drive_ended(&d));
    CHECK(sent < 20);
    drive_end(&d);
}

TEST(session_what_a_cache_has_and_is_no_page_is_asked_for)
{
    struct drive d;
    drive_begin_one(&d, 1, 10, 0, 10);
    drive_timer(&d);
    drive_grant(&d, 0);
    struct session_event event = drive_reply_event(&d, 0, REPLY_RETRY);
    error_set(&event.error, CCD_BAD_REPLY, "no page");
    event.is_cached = true;
    CHECK_TEXT("acquire 0", drive_step(&d, event));
    CHECK_INT(0, drive_result(&d)->calls);
    drive_grant(&d, 0);
    drive_serve(&d, 0);
    CHECK_TEXT("finish", drive_written(&d, 0));
    CHECK_INT(CCD_OK, drive_ended(&d));
    drive_end(&d);
}

TEST(session_max_calls_that_suffice_are_no_failure)
{
    struct drive d;
    drive_begin(&d, 1, 10);
    d.config.max_calls = 1;
    drive_start(&d);
    struct session_series_spec spec = drive_spec(0, 10);
    drive_add_series(&d, &spec);
    drive_timer(&d);
    drive_grant(&d, 0);
    drive_page(&d, 0, 0, 10);
    CHECK_TEXT("finish", drive_written(&d, 0));
    CHECK_INT(CCD_OK, drive_ended(&d));
    drive_end(&d);
}

TEST(session_scarce_permits_go_to_the_window_that_waited_longest)
{
    /* One permit a minute: what is sent must always be the newest window not yet sent. */
    struct drive d;
    drive_begin_one(&d, 3, 10, 0, 100);
    drive_timer(&d);
    for (int64_t i = 0; i < 10; i++) {
        uint32_t slot = drive_send_next(&d);
        if (!CHECK(slot != NOBODY))
            break;
        CHECK_INT(drive_at(100 - 10 * i), session_request(d.session, slot).window.to_ts);
        if (d.asked != NOBODY)
            drive_step(&d, (struct session_event){.kind = SESSION_PERMIT,
                                                  .slot = d.asked,
                                                  .permit = PERMIT_WAIT,
                                                  .wait_until_us = d.now_us + 60LL * SECOND_US});
        drive_serve(&d, slot);
        drive_written(&d, slot);
    }
    CHECK_TEXT("finish", drive_wanted(&d));
    drive_end(&d);
}

TEST(session_page_that_failed_waits_behind_the_others)
{
    struct drive d;
    drive_begin_one(&d, 2, 10, 0, 100);
    drive_timer(&d);
    drive_grant(&d, 0);
    CHECK_TEXT("", drive_step(&d, (struct session_event){.kind = SESSION_PERMIT,
                                                         .slot = 1,
                                                         .permit = PERMIT_WAIT,
                                                         .wait_until_us = 60LL * SECOND_US}));
    CHECK_TEXT("", drive_refuse(&d, 0, REPLY_RETRY, CCD_BAD_REPLY));
    d.now_us = 60LL * SECOND_US; /* its backoff is over, too */
    CHECK_TEXT("acquire 1", drive_timer(&d));
    drive_end(&d);
}
