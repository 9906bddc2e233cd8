#include "engine/session.h"

#include <stdlib.h>
#include <string.h>

#include "base/hash.h"
#include "rows.h"
#include "test.h"

/* Series of minutes; minute 0 is an arbitrary one. All hand-driven: the test says what the vendor, the ledger and the
 * store answer, and looks at what the session wants next. */
enum { STEP_S = 60, BASE_MINUTE = 28000000, SETTLE_S = 360, SLOTS_MAX = 64, CAPACITY = 64, SECOND_US = 1000000 };
static const uint32_t NOBODY = UINT32_MAX;

static int64_t at(int64_t minute)
{
    return (BASE_MINUTE + minute) * STEP_S;
}

struct drive {
    struct session_config config;
    struct session *session;
    struct session_actions actions; /* of the last step */
    struct batch batches[SLOTS_MAX];
    uint32_t asked;                 /* the slot a permit was asked for and not answered yet; NOBODY = none */
    int64_t now_us;
    char line[4096];
};

static void begin(struct drive *d, int workers, int page_max)
{
    *d = (struct drive){
        .asked = NOBODY,
        .config = {
            .workers = workers,
            .slots = workers + 2,
            .settle_s = SETTLE_S,
            .max_calls = -1,
            .page_max = page_max,
            .outage_ms = 600000,
            .retry = retry_policy_default,
            .seed = 1,
            .run_id = "run",
        },
    };
}

static void start(struct drive *d)
{
    struct ccd_error err = {0};
    if (session_new(&d->config, &d->session, &err) != 0)
        abort();
    for (int i = 0; i < d->config.slots; i++)
        rows_init(&d->batches[i], CAPACITY);
}

static void end(struct drive *d)
{
    session_free(d->session);
    for (int i = 0; i < d->config.slots; i++)
        batch_release(&d->batches[i]);
}

static struct session_series_spec series_spec(int64_t from, int64_t to)
{
    return (struct session_series_spec){
        .type = rows_type(),
        .interval = INTERVAL_1M,
        .names = rows_names(),
        .want = {at(from), at(to)},
        .first_ts = at(0) - 1000000 * (int64_t)STEP_S,
        .last_ts = at(5000),
        .planned_utc_s = at(9000),
    };
}

static void add_series(struct drive *d, const struct session_series_spec *spec)
{
    struct ccd_error err = {0};
    if (session_add_series(d->session, spec, &err) != 0)
        abort();
}

/* "acquire 0, send 0": what the last step wants. A send names its window in minutes. */
static const char *wanted(struct drive *d)
{
    static const char *const names[] = {"acquire", "cancel", "send", "write", "pause", "finish"};
    size_t len = 0;
    d->line[0] = '\0';
    for (size_t i = 0; i < d->actions.count; i++) {
        const struct session_action *a = &d->actions.items[i];
        char *out = d->line + len;
        size_t room = sizeof(d->line) - len;
        const char *comma = i > 0 ? ", " : "";
        if (a->kind == SESSION_FINISH) {
            str_print(out, room, "%sfinish", comma);
        } else if (a->kind == SESSION_SEND) {
            struct period_range w = session_request(d->session, a->slot).window;
            str_print(out, room, "%ssend %u %lld-%lld", comma, a->slot,
                      (long long)(w.from_ts / STEP_S - BASE_MINUTE),
                      (long long)(w.to_ts / STEP_S - BASE_MINUTE));
        } else {
            str_print(out, room, "%s%s %u", comma, names[a->kind], a->slot);
        }
        len = strlen(d->line);
    }
    return d->line;
}

static const char *step(struct drive *d, struct session_event event)
{
    event.now_us = d->now_us;
    if (event.kind == SESSION_PERMIT && event.slot == d->asked)
        d->asked = NOBODY;
    session_step(d->session, &event, &d->actions);
    for (size_t i = 0; i < d->actions.count; i++)
        if (d->actions.items[i].kind == SESSION_ACQUIRE)
            d->asked = d->actions.items[i].slot;
    return wanted(d);
}

static const char *timer(struct drive *d)
{
    return step(d, (struct session_event){.kind = SESSION_TIMER});
}

static const char *grant(struct drive *d, uint32_t slot)
{
    return step(d, (struct session_event){.kind = SESSION_PERMIT, .slot = slot, .permit = PERMIT_GRANTED});
}

static struct session_event reply_event(struct drive *d, uint32_t slot, enum reply_verdict verdict)
{
    batch_clear(&d->batches[slot]);
    return (struct session_event){
        .kind = SESSION_REPLY,
        .slot = slot,
        .verdict = verdict,
        .batch = &d->batches[slot],
        .sent_utc_s = at(9000),
        .window = RATE_WINDOW_COUNT,
    };
}

/* A page with the rows of these minutes. */
static const char *page(struct drive *d, uint32_t slot, int64_t from, int64_t to)
{
    struct session_event event = reply_event(d, slot, REPLY_PAGE);
    rows_add_range(&d->batches[slot], INTERVAL_1M, at(from), at(to));
    return step(d, event);
}

static const char *refuse(struct drive *d, uint32_t slot, enum reply_verdict verdict,
                          enum ccd_status status)
{
    struct session_event event = reply_event(d, slot, verdict);
    error_set(&event.error, status, "a made-up failure");
    return step(d, event);
}

static const char *throttle(struct drive *d, uint32_t slot, int64_t retry_after_ms)
{
    struct session_event event = reply_event(d, slot, REPLY_THROTTLED);
    error_set(&event.error, CCD_THROTTLED, "slow down");
    event.error.retry_after_ms = retry_after_ms;
    return step(d, event);
}

static const char *written(struct drive *d, uint32_t slot)
{
    return step(d, (struct session_event){.kind = SESSION_WRITTEN,
                                          .slot = slot,
                                          .outcome = STORE_COMMITTED,
                                          .written = {.inserted = 1}});
}

static const char *not_written(struct drive *d, uint32_t slot, enum store_outcome outcome,
                               enum ccd_status status)
{
    struct session_event event = {.kind = SESSION_WRITTEN, .slot = slot, .outcome = outcome};
    error_set(&event.error, status, "a made-up failure");
    return step(d, event);
}

/* Let time pass until the session wants to be woken, then step. */
static const char *wake(struct drive *d)
{
    int64_t at_us = session_wake_us(d->session);
    if (!CHECK(at_us != INT64_MAX && at_us > d->now_us))
        return "";
    d->now_us = at_us;
    return timer(d);
}

/* Let time pass until a permit is asked for. */
static void wait_for_asking(struct drive *d)
{
    for (int i = 0; i < 100 && d->asked == NOBODY && session_wake_us(d->session) != INT64_MAX; i++)
        wake(d);
}

/* Grant the next permit, when there is one to grant: the slot that is sent, NOBODY when none ever is. */
static uint32_t send_next(struct drive *d)
{
    wait_for_asking(d);
    uint32_t slot = d->asked;
    if (slot != NOBODY)
        grant(d, slot);
    return slot;
}

/* A good page for what slot asked. */
static const char *serve(struct drive *d, uint32_t slot)
{
    struct period_range w = session_request(d->session, slot).window;
    return page(d, slot, w.from_ts / STEP_S - BASE_MINUTE, w.to_ts / STEP_S - BASE_MINUTE);
}

static enum ccd_status ended(const struct drive *d)
{
    return session_error(d->session, NULL)->status;
}

static const struct session_series_result *result(const struct drive *d)
{
    return session_result(d->session, 0);
}

/* wanted = stored + fetched + empty + rejected + pending + what the report calls failed. */
static int64_t failed(const struct drive *d, size_t series)
{
    const struct session_series_result *r = session_result(d->session, series);
    return r->plan.periods_wanted - r->stored - r->fetched - r->empty_before - r->empty -
           r->rejected_before - r->rejected - r->pending;
}

/* ---- the plain way ---- */

TEST(session_without_series_finishes_at_once)
{
    struct drive d;
    begin(&d, 1, 10);
    start(&d);
    CHECK_TEXT("finish", timer(&d));
    CHECK_TEXT("", timer(&d));
    CHECK_INT(INT64_MAX, session_wake_us(d.session));
    end(&d);
}

TEST(session_one_page)
{
    struct drive d;
    begin(&d, 1, 10);
    start(&d);
    struct session_series_spec spec = series_spec(0, 10);
    add_series(&d, &spec);
    CHECK_TEXT("acquire 0", timer(&d));
    CHECK_TEXT("send 0 0-10", grant(&d, 0));
    CHECK(!session_slot_free(d.session, 0));
    CHECK_TEXT("write 0", page(&d, 0, 0, 10));
    CHECK_INT(0, result(&d)->fetched);
    struct store_page p;
    session_page(d.session, 0, &p);
    CHECK(p.fresh && p.batch == &d.batches[0] && p.rejected == NULL);
    CHECK_INT(1, p.segment_count);
    CHECK_INT(at(9000), p.collected_utc_s);
    CHECK_TEXT("run", p.run_id);
    CHECK_TEXT("finish", written(&d, 0));
    CHECK(session_slot_free(d.session, 0));
    CHECK_INT(10, result(&d)->fetched);
    CHECK_INT(1, result(&d)->calls);
    CHECK_INT(0, failed(&d, 0));
    CHECK_INT(CCD_OK, ended(&d));
    end(&d);
}

TEST(session_nothing_missing)
{
    struct drive d;
    const struct coverage_segment known[] = {{at(0), at(10), COVERAGE_STORED, 1, 0}};
    begin(&d, 1, 10);
    start(&d);
    struct session_series_spec spec = series_spec(0, 10);
    spec.merged = known;
    spec.merged_count = 1;
    add_series(&d, &spec);
    CHECK_TEXT("finish", timer(&d));
    CHECK_INT(10, result(&d)->stored);
    CHECK_INT(0, failed(&d, 0));
    end(&d);
}

TEST(session_known_start_is_fetched_in_parallel)
{
    struct drive d;
    begin(&d, 3, 10);
    start(&d);
    struct session_series_spec spec = series_spec(0, 50);
    add_series(&d, &spec);
    CHECK_TEXT("acquire 0", timer(&d));
    CHECK_TEXT("send 0 40-50, acquire 1", grant(&d, 0));
    CHECK_TEXT("send 1 30-40, acquire 2", grant(&d, 1));
    CHECK_TEXT("send 2 20-30", grant(&d, 2)); /* three workers */
    /* A page that waits for its commit does not keep a worker busy. */
    CHECK_TEXT("write 1, acquire 3", page(&d, 1, 30, 40));
    CHECK_TEXT("send 3 10-20", grant(&d, 3));
    end(&d);
}

TEST(session_unknown_start_is_fetched_one_by_one)
{
    struct drive d;
    begin(&d, 3, 10);
    start(&d);
    struct session_series_spec spec = series_spec(0, 50);
    spec.first_ts = 0;
    add_series(&d, &spec);
    timer(&d);
    CHECK_TEXT("send 0 40-50", grant(&d, 0));
    CHECK_TEXT("write 0", page(&d, 0, 40, 50));
    CHECK_TEXT("acquire 0", written(&d, 0));
    CHECK_TEXT("send 0 30-40", grant(&d, 0));
    end(&d);
}

TEST(session_start_by_404_ends_the_series)
{
    struct drive d;
    begin(&d, 3, 10);
    start(&d);
    struct session_series_spec spec = series_spec(0, 50);
    spec.first_ts = 0;
    add_series(&d, &spec);
    timer(&d);
    grant(&d, 0);
    page(&d, 0, 40, 50);
    written(&d, 0);
    grant(&d, 0);
    CHECK_TEXT("write 0", refuse(&d, 0, REPLY_END_OF_HISTORY, CCD_UNKNOWN_AT_VENDOR));
    struct store_page p;
    session_page(d.session, 0, &p);
    CHECK_INT(0, p.batch->row_count);
    CHECK_INT(1, p.segment_count);
    CHECK_INT(at(0), p.segments[0].from_ts);
    CHECK_INT(at(40), p.segments[0].to_ts);
    CHECK_INT(COVERAGE_BEFORE_START, p.segments[0].state);
    CHECK_TEXT("finish", written(&d, 0));
    CHECK_INT(10, result(&d)->fetched);
    CHECK_INT(40, result(&d)->empty);
    CHECK_INT(2, result(&d)->calls);
    CHECK_INT(0, failed(&d, 0));
    end(&d);
}

TEST(session_short_head_is_asked_on_together_with_the_older)
{
    struct drive d;
    begin(&d, 3, 10);
    start(&d);
    struct session_series_spec spec = series_spec(0, 50);
    spec.first_ts = 0;
    add_series(&d, &spec);
    timer(&d);
    grant(&d, 0);
    page(&d, 0, 46, 50);
    CHECK_TEXT("acquire 0", written(&d, 0));
    CHECK_TEXT("send 0 36-46", grant(&d, 0));
    CHECK_TEXT("write 0", refuse(&d, 0, REPLY_END_OF_HISTORY, CCD_UNKNOWN_AT_VENDOR));
    CHECK_TEXT("finish", written(&d, 0));
    CHECK_INT(4, result(&d)->fetched);
    CHECK_INT(46, result(&d)->empty);
    CHECK_INT(0, failed(&d, 0));
    end(&d);
}

TEST(session_parallel_404s_count_each_period_once)
{
    /* The catalogue's first time is too early: several windows in flight lie before the real start. */
    struct drive d;
    begin(&d, 3, 10);
    start(&d);
    struct session_series_spec spec = series_spec(0, 60);
    add_series(&d, &spec);
    timer(&d);
    grant(&d, 0);
    grant(&d, 1);
    CHECK_TEXT("send 2 30-40", grant(&d, 2));
    CHECK_TEXT("write 1", refuse(&d, 1, REPLY_END_OF_HISTORY, CCD_UNKNOWN_AT_VENDOR)); /* 40-50 */
    CHECK_TEXT("write 2", refuse(&d, 2, REPLY_END_OF_HISTORY, CCD_UNKNOWN_AT_VENDOR));
    CHECK_TEXT("", written(&d, 1));
    CHECK_TEXT("", written(&d, 2));
    CHECK_INT(50, result(&d)->empty);
    CHECK_TEXT("write 0", page(&d, 0, 50, 60));
    CHECK_TEXT("finish", written(&d, 0));
    CHECK_INT(0, failed(&d, 0));
    end(&d);
}

TEST(session_counts_do_not_depend_on_clocks_between_plan_and_reply)
{
    /* A hole that the plan holds for settled falls due before the page that spans it is asked. */
    struct drive d;
    const struct coverage_segment known[] = {{at(4), at(6), COVERAGE_EMPTY, at(8960), at(9001)}};
    begin(&d, 1, 10);
    start(&d);
    struct session_series_spec spec = series_spec(0, 10);
    spec.merged = known;
    spec.merged_count = 1;
    add_series(&d, &spec);
    timer(&d);
    grant(&d, 0);
    struct session_event event = reply_event(&d, 0, REPLY_PAGE);
    rows_add_range(&d.batches[0], INTERVAL_1M, at(0), at(10));
    event.sent_utc_s = at(9100);
    step(&d, event);
    written(&d, 0);
    CHECK_INT(2, result(&d)->empty_before);
    CHECK_INT(8, result(&d)->fetched);
    CHECK_INT(0, failed(&d, 0));
    end(&d);
}

TEST(session_runs_many_series_in_order)
{
    struct drive d;
    begin(&d, 1, 10);
    start(&d);
    for (int i = 0; i < 40; i++) {
        struct session_series_spec spec = series_spec(10 * i, 10 * i + 10);
        add_series(&d, &spec);
    }
    timer(&d);
    for (int64_t i = 0; i < 40; i++) {
        uint32_t slot = send_next(&d);
        if (!CHECK(slot != NOBODY))
            break;
        struct session_request request = session_request(d.session, slot);
        CHECK_INT(i, request.series);
        CHECK_INT(at(10 * i), request.window.from_ts);
        CHECK_INT(at(10 * i + 10), request.window.to_ts);
        serve(&d, slot);
        CHECK_TEXT(i == 39 ? "finish" : "", written(&d, slot));
    }
    CHECK_INT(40, session_totals(d.session).series_done);
    end(&d);
}

/* ---- the vendor refuses ---- */

TEST(session_failure_is_retried_with_backoff_and_given_up)
{
    struct drive d;
    begin(&d, 1, 10);
    start(&d);
    struct session_series_spec spec = series_spec(0, 20);
    add_series(&d, &spec);
    timer(&d);
    grant(&d, 0);
    serve(&d, 0); /* the vendor is there */
    written(&d, 0);
    CHECK_TEXT("send 1 0-10", grant(&d, 1));
    for (int attempt = 1; attempt < retry_policy_default.attempts_max; attempt++) {
        CHECK_TEXT("", refuse(&d, 1, REPLY_RETRY, CCD_BAD_REPLY));
        int64_t wait_ms = (session_wake_us(d.session) - d.now_us) / 1000;
        CHECK(wait_ms >= 250LL << (attempt - 1) && wait_ms <= 500LL << (attempt - 1));
        CHECK_TEXT("acquire 1", wake(&d));
        CHECK_TEXT("send 1 0-10", grant(&d, 1));
    }
    CHECK_TEXT("finish", refuse(&d, 1, REPLY_RETRY, CCD_BAD_REPLY));
    CHECK(result(&d)->failed_pages);
    CHECK_INT(CCD_BAD_REPLY, result(&d)->error.status);
    CHECK_INT(10, failed(&d, 0));
    CHECK_INT(7, result(&d)->calls);
    CHECK_INT(CCD_OK, ended(&d)); /* partial, not stopped */
    end(&d);
}

TEST(session_page_deadline)
{
    struct drive d;
    begin(&d, 1, 10);
    start(&d);
    struct session_series_spec spec = series_spec(0, 10);
    add_series(&d, &spec);
    timer(&d);
    grant(&d, 0);
    d.now_us += 599LL * SECOND_US;
    CHECK_TEXT("", refuse(&d, 0, REPLY_RETRY, CCD_BAD_REPLY));
    CHECK_TEXT("acquire 0", wake(&d));
    grant(&d, 0);
    d.now_us += SECOND_US;
    CHECK_TEXT("finish", refuse(&d, 0, REPLY_RETRY, CCD_BAD_REPLY));
    end(&d);
}

TEST(session_nobody_there_ends_the_run)
{
    struct drive d;
    begin(&d, 1, 10);
    start(&d);
    struct session_series_spec spec = series_spec(0, 1000);
    add_series(&d, &spec);
    timer(&d);
    for (int attempt = 1; attempt < retry_policy_default.attempts_max; attempt++) {
        grant(&d, 0);
        CHECK_TEXT("", refuse(&d, 0, REPLY_RETRY, CCD_NETWORK));
        CHECK_TEXT("acquire 0", wake(&d));
    }
    grant(&d, 0);
    CHECK_TEXT("finish", refuse(&d, 0, REPLY_RETRY, CCD_NETWORK));
    CHECK_INT(CCD_NETWORK, ended(&d));
    CHECK_INT(6, result(&d)->calls);
    end(&d);
}

TEST(session_nobody_there_ends_the_run_with_many_workers)
{
    /* The retry budget is empty before any page has used up its attempts: the run must end all the same, and not burn
     * one call for each of its windows. */
    struct drive d;
    begin(&d, 16, 10);
    start(&d);
    struct session_series_spec spec = series_spec(0, 5000);
    add_series(&d, &spec);
    timer(&d);
    while (ended(&d) == CCD_OK) {
        uint32_t slot = send_next(&d);
        if (!CHECK(slot != NOBODY))
            break;
        refuse(&d, slot, REPLY_RETRY, CCD_NETWORK);
    }
    CHECK_INT(CCD_NETWORK, ended(&d));
    CHECK(strstr(wanted(&d), "finish") != NULL);
    CHECK(result(&d)->calls <= 16 + RETRY_BUDGET_MAX / RETRY_BUDGET_COST + 1);
    end(&d);
}

TEST(session_breaker_lets_one_probe_out)
{
    struct drive d;
    begin(&d, 2, 10);
    start(&d);
    struct session_series_spec spec = series_spec(0, 100);
    add_series(&d, &spec);
    timer(&d);
    serve(&d, send_next(&d));
    written(&d, 0);
    for (int i = 0; i < BREAKER_FAILURES; i++)
        refuse(&d, send_next(&d), REPLY_RETRY, CCD_VENDOR_UNAVAILABLE);
    int64_t opened_us = d.now_us;
    uint32_t probe = send_next(&d);
    CHECK(d.now_us - opened_us >= (int64_t)BREAKER_PROBE_EVERY_MS * 1000);
    CHECK_INT(NOBODY, d.asked); /* only the probe */
    d.now_us += SECOND_US;
    CHECK_TEXT("", timer(&d));
    CHECK(strstr(serve(&d, probe), "acquire") != NULL); /* closed again */
    end(&d);
}

TEST(session_probe_that_got_no_permit_frees_the_slot)
{
    struct drive d;
    begin(&d, 1, 10);
    start(&d);
    struct session_series_spec spec = series_spec(0, 100);
    add_series(&d, &spec);
    timer(&d);
    serve(&d, send_next(&d));
    written(&d, 0);
    for (int i = 0; i < BREAKER_FAILURES; i++)
        refuse(&d, send_next(&d), REPLY_RETRY, CCD_VENDOR_UNAVAILABLE);
    wait_for_asking(&d);
    struct session_event wait = {.kind = SESSION_PERMIT,
                                 .slot = d.asked,
                                 .permit = PERMIT_WAIT,
                                 .wait_until_us = d.now_us + SECOND_US};
    CHECK_TEXT("", step(&d, wait));
    CHECK_INT(wait.wait_until_us, session_wake_us(d.session)); /* not the probe's deadline */
    wake(&d);
    CHECK(d.asked != NOBODY);
    end(&d);
}

TEST(session_long_outage_ends_the_run)
{
    struct drive d;
    begin(&d, 1, 10);
    d.config.retry.attempts_max = 1000;
    d.config.retry.page_deadline_ms = 24 * 3600 * 1000;
    start(&d);
    struct session_series_spec spec = series_spec(0, 1000);
    add_series(&d, &spec);
    timer(&d);
    serve(&d, send_next(&d));
    written(&d, 0);
    int sends = 0;
    for (; sends < 200 && ended(&d) == CCD_OK; sends++)
        refuse(&d, send_next(&d), REPLY_RETRY, CCD_NETWORK);
    CHECK_INT(CCD_NETWORK, ended(&d));
    CHECK(d.now_us >= 600LL * SECOND_US && d.now_us < 720LL * SECOND_US);
    CHECK(sends <= 30);
    end(&d);
}

TEST(session_bad_key_stops_at_once)
{
    struct drive d;
    begin(&d, 2, 10);
    start(&d);
    struct session_series_spec spec = series_spec(0, 100);
    add_series(&d, &spec);
    timer(&d);
    grant(&d, 0);
    grant(&d, 1);
    CHECK_TEXT("", refuse(&d, 0, REPLY_BAD_KEY, CCD_KEY_REJECTED));
    CHECK_INT(CCD_KEY_REJECTED, ended(&d));
    /* What was sent is still taken and committed. */
    CHECK_TEXT("write 1", page(&d, 1, 80, 90));
    CHECK_TEXT("finish", written(&d, 1));
    CHECK_INT(10, result(&d)->fetched);
    end(&d);
}

TEST(session_bad_series_is_skipped_and_others_go_on)
{
    struct drive d;
    begin(&d, 2, 10);
    start(&d);
    struct session_series_spec spec = series_spec(0, 100);
    add_series(&d, &spec);
    spec = series_spec(200, 210);
    add_series(&d, &spec);
    timer(&d);
    grant(&d, 0);
    CHECK_TEXT("send 1 80-90", grant(&d, 1));
    CHECK_TEXT("acquire 0", refuse(&d, 0, REPLY_BAD_SERIES, CCD_UNKNOWN_AT_VENDOR));
    CHECK_TEXT("send 0 200-210", grant(&d, 0)); /* of the other series */
    CHECK_TEXT("", refuse(&d, 1, REPLY_RETRY, CCD_BAD_REPLY));
    CHECK_TEXT("write 0", page(&d, 0, 200, 210));
    CHECK_TEXT("", written(&d, 0));
    CHECK_TEXT("acquire 1", wake(&d));
    CHECK_TEXT("cancel 1, finish", grant(&d, 1)); /* its series is skipped: not sent again */
    CHECK_INT(CCD_OK, ended(&d));
    CHECK(result(&d)->failed_pages);
    CHECK_INT(100, failed(&d, 0));
    CHECK_INT(0, failed(&d, 1));
    end(&d);
}

TEST(session_answer_to_no_request_is_not_asked_for_again)
{
    /* 3xx, 405, 410, 422 …: one try for each series (FAULTS 2.10). */
    struct drive d;
    begin(&d, 1, 10);
    start(&d);
    struct session_series_spec spec = series_spec(0, 100);
    add_series(&d, &spec);
    spec = series_spec(200, 300);
    add_series(&d, &spec);
    timer(&d);
    grant(&d, 0);
    CHECK_TEXT("acquire 0", refuse(&d, 0, REPLY_BROKEN, CCD_BAD_REQUEST));
    CHECK_TEXT("send 0 290-300", grant(&d, 0));
    CHECK_TEXT("finish", refuse(&d, 0, REPLY_BROKEN, CCD_BAD_REQUEST));
    CHECK_INT(1, result(&d)->calls);
    CHECK_INT(CCD_BAD_REQUEST, result(&d)->error.status);
    CHECK_INT(CCD_OK, ended(&d));
    end(&d);
}

TEST(session_answer_that_ends_the_run_stops)
{
    struct drive d;
    begin(&d, 1, 10);
    start(&d);
    struct session_series_spec spec = series_spec(0, 100);
    add_series(&d, &spec);
    timer(&d);
    grant(&d, 0);
    CHECK_TEXT("finish", refuse(&d, 0, REPLY_RETRY, CCD_TLS));
    CHECK_INT(CCD_TLS, ended(&d));
    CHECK_INT(1, result(&d)->calls);
    end(&d);
}

TEST(session_page_of_another_series_is_asked_again)
{
    struct drive d;
    begin(&d, 1, 10);
    start(&d);
    struct session_series_spec spec = series_spec(0, 10);
    add_series(&d, &spec);
    timer(&d);
    grant(&d, 0);
    struct session_event event = reply_event(&d, 0, REPLY_PAGE);
    rows_add_range(&d.batches[0], INTERVAL_1M, at(0), at(10));
    rows_set_text(&d.batches[0], "instrument", "XETHZUSD");
    CHECK_TEXT("", step(&d, event));
    CHECK_TEXT("acquire 0", wake(&d));
    grant(&d, 0);
    CHECK_TEXT("write 0", page(&d, 0, 0, 10));
    CHECK_TEXT("finish", written(&d, 0));
    CHECK_INT(0, failed(&d, 0));
    end(&d);
}

/* ---- 429 ---- */

TEST(session_429_pauses_the_key)
{
    struct drive d;
    begin(&d, 2, 10);
    start(&d);
    struct session_series_spec spec = series_spec(0, 100);
    add_series(&d, &spec);
    timer(&d);
    grant(&d, 0);
    CHECK_TEXT("pause 0", throttle(&d, 0, 30000));
    CHECK_INT(30LL * SECOND_US, d.actions.items[0].pause_us);
    d.now_us = 30LL * SECOND_US - 1;
    /* The permit for slot 1 was asked for before the 429: it must not be used. */
    CHECK_TEXT("cancel 1", grant(&d, 1));
    d.now_us++;
    CHECK_TEXT("acquire 0", timer(&d));
    CHECK_TEXT("send 0 90-100, acquire 1", grant(&d, 0));
    CHECK_INT(2, result(&d)->calls);
    end(&d);
}

TEST(session_429_is_not_a_failed_attempt)
{
    struct drive d;
    begin(&d, 1, 10);
    start(&d);
    struct session_series_spec spec = series_spec(0, 10);
    add_series(&d, &spec);
    timer(&d);
    for (int i = 0; i < 9; i++) {
        grant(&d, 0);
        CHECK_TEXT("pause 0", throttle(&d, 0, 1000));
        CHECK_TEXT("acquire 0", wake(&d));
    }
    grant(&d, 0);
    CHECK_TEXT("write 0", page(&d, 0, 0, 10));
    end(&d);
}

TEST(session_429_without_end_is_a_spent_quota)
{
    struct drive d;
    begin(&d, 1, 10);
    start(&d);
    struct session_series_spec spec = series_spec(0, 10);
    add_series(&d, &spec);
    timer(&d);
    int refusals = 0;
    while (ended(&d) == CCD_OK && refusals < 100) {
        grant(&d, 0);
        throttle(&d, 0, 0);
        refusals++;
        if (ended(&d) == CCD_OK)
            CHECK_TEXT("acquire 0", wake(&d));
    }
    CHECK_INT(CCD_QUOTA_EXHAUSTED, ended(&d));
    CHECK_INT(10, refusals);
    int64_t resume_us = 0;
    session_error(d.session, &resume_us);
    CHECK(resume_us > d.now_us);
    CHECK(strstr(wanted(&d), "finish") != NULL);
    end(&d);
}

TEST(session_one_burst_of_429_is_one_refusal)
{
    /* Sixteen requests under way are refused together: the run waits once and goes on. */
    struct drive d;
    begin(&d, 16, 10);
    start(&d);
    struct session_series_spec spec = series_spec(0, 1000);
    add_series(&d, &spec);
    timer(&d);
    for (uint32_t i = 0; i < 16; i++)
        grant(&d, i);
    for (uint32_t i = 0; i < 16; i++) {
        d.now_us += 1000;
        throttle(&d, i, 2000);
    }
    CHECK_INT(CCD_OK, ended(&d));
    CHECK_INT(2016000, session_wake_us(d.session));
    CHECK_TEXT("acquire 0", wake(&d));
    end(&d);
}

TEST(session_later_429_does_not_shorten_the_pause)
{
    struct drive d;
    begin(&d, 2, 10);
    start(&d);
    struct session_series_spec spec = series_spec(0, 100);
    add_series(&d, &spec);
    timer(&d);
    grant(&d, 0);
    grant(&d, 1);
    throttle(&d, 0, 60000);
    CHECK_TEXT("pause 1", throttle(&d, 1, 0));
    CHECK_INT(60LL * SECOND_US, d.actions.items[0].pause_us);
    CHECK_INT(60LL * SECOND_US, session_wake_us(d.session));
    end(&d);
}

TEST(session_429_without_a_time_waits_a_second_at_least)
{
    struct drive d;
    begin(&d, 1, 10);
    start(&d);
    struct session_series_spec spec = series_spec(0, 10);
    add_series(&d, &spec);
    timer(&d);
    grant(&d, 0);
    throttle(&d, 0, 0);
    CHECK(session_wake_us(d.session) >= SECOND_US);
    end(&d);
}

TEST(session_429_far_away_ends_the_run_unless_it_may_wait)
{
    for (int wait = 0; wait < 2; wait++) {
        struct drive d;
        begin(&d, 1, 10);
        d.config.wait_for_quota = wait;
        start(&d);
        struct session_series_spec spec = series_spec(0, 10);
        add_series(&d, &spec);
        timer(&d);
        grant(&d, 0);
        throttle(&d, 0, INT64_MAX / 2);
        CHECK_INT(wait ? CCD_OK : CCD_QUOTA_EXHAUSTED, ended(&d));
        /* Nobody's quota lasts longer than a month: what a broken header says is not believed. */
        CHECK_INT(31LL * 86400 * SECOND_US, d.actions.items[0].pause_us);
        end(&d);
    }
}

TEST(session_429_waits_for_the_violated_window)
{
    struct drive d;
    begin(&d, 1, 10);
    start(&d);
    struct session_series_spec spec = series_spec(0, 10);
    add_series(&d, &spec);
    timer(&d);
    grant(&d, 0);
    struct session_event event = reply_event(&d, 0, REPLY_THROTTLED);
    error_set(&event.error, CCD_THROTTLED, "slow down");
    event.error.retry_after_ms = 2000;
    event.window = RATE_MINUTE;
    event.window_rest_ms = 41000;
    CHECK_TEXT("pause 0", step(&d, event));
    CHECK_INT(41LL * SECOND_US, d.actions.items[0].pause_us);
    CHECK_INT(RATE_MINUTE, d.actions.items[0].window);
    end(&d);
}

/* ---- permits ---- */

TEST(session_waits_for_a_permit)
{
    struct drive d;
    begin(&d, 2, 10);
    start(&d);
    struct session_series_spec spec = series_spec(0, 100);
    add_series(&d, &spec);
    timer(&d);
    struct session_event wait = {
        .kind = SESSION_PERMIT, .permit = PERMIT_WAIT, .wait_until_us = 5 * SECOND_US};
    CHECK_TEXT("", step(&d, wait));
    CHECK_INT(5 * SECOND_US, session_wake_us(d.session));
    CHECK_TEXT("", timer(&d));
    CHECK_TEXT("acquire 0", wake(&d));
    CHECK_INT(0, result(&d)->calls);
    end(&d);
}

TEST(session_spent_quota_ends_the_run_unless_it_may_wait)
{
    for (int may_wait = 0; may_wait < 2; may_wait++) {
        struct drive d;
        begin(&d, 2, 10);
        d.config.wait_for_quota = may_wait;
        start(&d);
        struct session_series_spec spec = series_spec(0, 100);
        add_series(&d, &spec);
        timer(&d);
        grant(&d, 0);
        struct session_event spent = {.kind = SESSION_PERMIT,
                                      .slot = 1,
                                      .permit = PERMIT_SPENT,
                                      .wait_until_us = 1800LL * SECOND_US};
        error_set(&spent.error, CCD_QUOTA_EXHAUSTED, "the hour is spent");
        CHECK_TEXT("", step(&d, spent));
        CHECK_INT(may_wait ? CCD_OK : CCD_QUOTA_EXHAUSTED, ended(&d));
        CHECK_TEXT("write 0", page(&d, 0, 90, 100));
        if (may_wait) {
            CHECK_TEXT("", written(&d, 0));
            CHECK_INT(1800LL * SECOND_US, session_wake_us(d.session));
        } else {
            int64_t resume_us = 0;
            CHECK_TEXT("finish", written(&d, 0));
            session_error(d.session, &resume_us);
            CHECK_INT(1800LL * SECOND_US, resume_us);
        }
        end(&d);
    }
}

TEST(session_max_calls)
{
    struct drive d;
    begin(&d, 2, 10);
    d.config.max_calls = 3;
    start(&d);
    struct session_series_spec spec = series_spec(0, 100);
    add_series(&d, &spec);
    timer(&d);
    for (uint32_t slot; (slot = send_next(&d)) != NOBODY;) {
        serve(&d, slot);
        written(&d, slot);
    }
    CHECK_TEXT("finish", wanted(&d));
    CHECK_INT(CCD_QUOTA_EXHAUSTED, ended(&d));
    CHECK_INT(3, result(&d)->calls);
    CHECK_INT(30, result(&d)->fetched);
    end(&d);
}

TEST(session_max_calls_that_suffice_are_no_failure)
{
    struct drive d;
    begin(&d, 1, 10);
    d.config.max_calls = 1;
    start(&d);
    struct session_series_spec spec = series_spec(0, 10);
    add_series(&d, &spec);
    timer(&d);
    grant(&d, 0);
    page(&d, 0, 0, 10);
    CHECK_TEXT("finish", written(&d, 0));
    CHECK_INT(CCD_OK, ended(&d));
    end(&d);
}

TEST(session_scarce_permits_go_to_the_window_that_waited_longest)
{
    /* One permit a minute: what is sent must always be the newest window not yet sent. */
    struct drive d;
    begin(&d, 3, 10);
    start(&d);
    struct session_series_spec spec = series_spec(0, 100);
    add_series(&d, &spec);
    timer(&d);
    for (int64_t i = 0; i < 10; i++) {
        uint32_t slot = send_next(&d);
        if (!CHECK(slot != NOBODY))
            break;
        CHECK_INT(at(100 - 10 * i), session_request(d.session, slot).window.to_ts);
        if (d.asked != NOBODY)
            step(&d, (struct session_event){.kind = SESSION_PERMIT,
                                            .slot = d.asked,
                                            .permit = PERMIT_WAIT,
                                            .wait_until_us = d.now_us + 60LL * SECOND_US});
        serve(&d, slot);
        written(&d, slot);
    }
    CHECK_TEXT("finish", wanted(&d));
    end(&d);
}

/* ---- empty lists ---- */

TEST(session_empty_list_is_asked_in_halves)
{
    struct drive d;
    begin(&d, 2, 10);
    start(&d);
    struct session_series_spec spec = series_spec(0, 20);
    add_series(&d, &spec);
    timer(&d);
    grant(&d, 0);
    CHECK_TEXT("send 1 0-10", grant(&d, 1));
    page(&d, 1, 0, 10);
    written(&d, 1);
    CHECK_TEXT("acquire 0", page(&d, 0, 0, 0)); /* an empty list for 10-20 */
    CHECK_TEXT("send 0 15-20, acquire 1", grant(&d, 0));
    CHECK_TEXT("send 1 10-15", grant(&d, 1));
    CHECK_TEXT("write 0", page(&d, 0, 15, 20));
    CHECK_TEXT("write 1", page(&d, 1, 0, 0)); /* again: now it is a hole, not confirmed yet */
    struct store_page p;
    session_page(d.session, 1, &p);
    CHECK_INT(1, p.segment_count);
    CHECK_INT(COVERAGE_EMPTY, p.segments[0].state);
    CHECK(p.segments[0].next_check_utc_s != 0);
    written(&d, 0);
    CHECK_TEXT("finish", written(&d, 1));
    CHECK_INT(15, result(&d)->fetched);
    CHECK_INT(5, result(&d)->empty);
    CHECK_INT(4, result(&d)->calls);
    CHECK_INT(0, failed(&d, 0));
    end(&d);
}

TEST(session_empty_list_for_one_period_is_asked_once_more)
{
    struct drive d;
    begin(&d, 1, 10);
    start(&d);
    struct session_series_spec spec = series_spec(3, 4);
    add_series(&d, &spec);
    timer(&d);
    grant(&d, 0);
    CHECK_TEXT("acquire 0", page(&d, 0, 0, 0));
    CHECK_TEXT("send 0 3-4", grant(&d, 0));
    CHECK_TEXT("write 0", page(&d, 0, 0, 0));
    CHECK_TEXT("finish", written(&d, 0));
    CHECK_INT(1, result(&d)->empty);
    end(&d);
}

TEST(session_short_head_of_a_half_is_asked_on)
{
    /* Unknown start; an empty list, so halves; the newer half shows that history begins inside it or later. */
    struct drive d;
    begin(&d, 1, 10);
    start(&d);
    struct session_series_spec spec = series_spec(0, 10);
    spec.first_ts = 0;
    add_series(&d, &spec);
    timer(&d);
    grant(&d, 0);
    CHECK_TEXT("acquire 0", page(&d, 0, 0, 0));
    CHECK_TEXT("send 0 5-10", grant(&d, 0));
    CHECK_TEXT("write 0, acquire 1", page(&d, 0, 8, 10));
    CHECK_TEXT("send 1 5-8", grant(&d, 1));
    refuse(&d, 1, REPLY_END_OF_HISTORY, CCD_UNKNOWN_AT_VENDOR);
    written(&d, 0);
    written(&d, 1);
    uint32_t slot = send_next(&d); /* the older half */
    CHECK_INT(at(5), session_request(d.session, slot).window.to_ts);
    refuse(&d, slot, REPLY_END_OF_HISTORY, CCD_UNKNOWN_AT_VENDOR);
    CHECK_TEXT("finish", written(&d, slot));
    CHECK_INT(2, result(&d)->fetched);
    CHECK_INT(8, result(&d)->empty);
    CHECK_INT(0, failed(&d, 0));
    end(&d);
}

/* ---- the store refuses ---- */

static void to_writing(struct drive *d)
{
    timer(d);
    grant(d, 0);
    CHECK(strstr(page(d, 0, 0, 10), "write 0") != NULL);
}

TEST(session_rolled_back_commit_is_repeated)
{
    struct drive d;
    begin(&d, 1, 10);
    start(&d);
    struct session_series_spec spec = series_spec(0, 10);
    add_series(&d, &spec);
    to_writing(&d);
    CHECK_TEXT("", not_written(&d, 0, STORE_ROLLED_BACK, CCD_DATABASE_BUSY));
    CHECK_INT(0, result(&d)->fetched);
    CHECK_TEXT("write 0", wake(&d));
    struct store_page p;
    session_page(d.session, 0, &p);
    CHECK(!p.fresh); /* rows may be there */
    CHECK_INT(10, p.batch->row_count);
    CHECK_TEXT("finish", written(&d, 0));
    CHECK_INT(10, result(&d)->fetched);
    CHECK_INT(1, result(&d)->calls); /* nothing is fetched twice for it */
    end(&d);
}

TEST(session_unknown_commit_is_repeated)
{
    struct drive d;
    begin(&d, 1, 10);
    start(&d);
    struct session_series_spec spec = series_spec(0, 10);
    add_series(&d, &spec);
    to_writing(&d);
    CHECK_TEXT("", not_written(&d, 0, STORE_UNKNOWN, CCD_DATABASE_UNREACHABLE));
    CHECK_TEXT("write 0", wake(&d));
    CHECK_TEXT("finish", written(&d, 0));
    CHECK_INT(0, failed(&d, 0));
    end(&d);
}

TEST(session_unreachable_database_ends_the_run)
{
    struct drive d;
    begin(&d, 1, 10);
    start(&d);
    struct session_series_spec spec = series_spec(0, 10);
    add_series(&d, &spec);
    to_writing(&d);
    int tries = 0;
    while (tries < 20 && ended(&d) == CCD_OK) {
        CHECK_TEXT(tries == 5 ? "finish" : "",
                   not_written(&d, 0, STORE_ROLLED_BACK, CCD_DATABASE_UNREACHABLE));
        if (++tries < 6)
            CHECK_TEXT("write 0", wake(&d));
    }
    CHECK_INT(CCD_DATABASE_UNREACHABLE, ended(&d));
    CHECK_INT(6, tries);
    CHECK_INT(10, failed(&d, 0));
    end(&d);
}

TEST(session_refused_row_skips_the_series)
{
    struct drive d;
    begin(&d, 1, 10);
    start(&d);
    struct session_series_spec spec = series_spec(0, 10);
    add_series(&d, &spec);
    spec = series_spec(50, 60);
    add_series(&d, &spec);
    timer(&d);
    grant(&d, 0);
    page(&d, 0, 0, 10);
    not_written(&d, 0, STORE_ROLLED_BACK, CCD_DATABASE_DATA);
    CHECK_INT(CCD_OK, ended(&d));
    CHECK_INT(CCD_DATABASE_DATA, result(&d)->error.status);
    CHECK_TEXT("send 1 50-60", grant(&d, 1));
    CHECK_TEXT("write 1", page(&d, 1, 50, 60));
    CHECK_TEXT("finish", written(&d, 1));
    CHECK_INT(10, failed(&d, 0));
    CHECK_INT(0, failed(&d, 1));
    end(&d);
}

TEST(session_full_disk_stops)
{
    struct drive d;
    begin(&d, 2, 10);
    start(&d);
    struct session_series_spec spec = series_spec(0, 100);
    add_series(&d, &spec);
    timer(&d);
    grant(&d, 0);
    grant(&d, 1);
    page(&d, 0, 90, 100);
    not_written(&d, 0, STORE_ROLLED_BACK, CCD_DISK);
    CHECK_INT(CCD_DISK, ended(&d));
    CHECK(strstr(page(&d, 1, 80, 90), "write 1") != NULL);
    not_written(&d, 1, STORE_ROLLED_BACK, CCD_DISK);
    grant(&d, 2);
    CHECK_TEXT("cancel 2, finish", wanted(&d));
    CHECK_INT(100, failed(&d, 0));
    end(&d);
}

TEST(session_slow_store_holds_the_fetching_back)
{
    struct drive d;
    begin(&d, 1, 10);
    start(&d);
    struct session_series_spec spec = series_spec(0, 1000);
    add_series(&d, &spec);
    int sends = 0;
    timer(&d);
    for (uint32_t slot; sends < 50 && (slot = send_next(&d)) != NOBODY; sends++)
        serve(&d, slot);
    CHECK_INT(d.config.slots, sends);
    CHECK_INT(INT64_MAX, session_wake_us(d.session));
    end(&d);
}

/* ---- stop ---- */

TEST(session_stop_drains_what_is_in_flight)
{
    struct drive d;
    begin(&d, 3, 10);
    start(&d);
    struct session_series_spec spec = series_spec(0, 100);
    add_series(&d, &spec);
    timer(&d);
    grant(&d, 0);
    grant(&d, 1);
    page(&d, 1, 80, 90);
    struct session_event stop = {.kind = SESSION_STOP};
    error_set(&stop.error, CCD_INTERRUPTED, "interrupted");
    CHECK_TEXT("", step(&d, stop));
    CHECK_TEXT("", not_written(&d, 1, STORE_ROLLED_BACK, CCD_DATABASE_BUSY));
    CHECK_TEXT("cancel 2", grant(&d, 2));
    CHECK_TEXT("write 0", page(&d, 0, 90, 100));
    CHECK_TEXT("", written(&d, 0));
    CHECK_TEXT("write 1", wake(&d));
    CHECK_TEXT("finish", written(&d, 1));
    CHECK_INT(CCD_INTERRUPTED, ended(&d));
    CHECK_INT(20, result(&d)->fetched);
    CHECK_INT(80, failed(&d, 0));
    end(&d);
}

TEST(session_failure_while_stopping_is_not_retried)
{
    struct drive d;
    begin(&d, 1, 10);
    start(&d);
    struct session_series_spec spec = series_spec(0, 100);
    add_series(&d, &spec);
    timer(&d);
    grant(&d, 0);
    struct session_event stop = {.kind = SESSION_STOP};
    error_set(&stop.error, CCD_INTERRUPTED, "interrupted");
    CHECK_TEXT("", step(&d, stop));
    CHECK_TEXT("finish", refuse(&d, 0, REPLY_RETRY, CCD_NETWORK));
    CHECK_INT(CCD_INTERRUPTED, ended(&d));
    end(&d);
}

TEST(session_429_while_stopping)
{
    struct drive d;
    begin(&d, 1, 10);
    start(&d);
    struct session_series_spec spec = series_spec(0, 100);
    add_series(&d, &spec);
    timer(&d);
    grant(&d, 0);
    struct session_event stop = {.kind = SESSION_STOP};
    error_set(&stop.error, CCD_INTERRUPTED, "interrupted");
    step(&d, stop);
    CHECK_TEXT("pause 0, finish", throttle(&d, 0, 5000)); /* the ledger is told all the same */
    CHECK_INT(CCD_INTERRUPTED, ended(&d));
    end(&d);
}

/* ---- room ---- */

TEST(session_needs_no_memory_in_a_step)
{
    /* The largest session: every slot busy, all of them answer in one go. */
    struct drive d;
    begin(&d, 62, 10);
    start(&d);
    for (int i = 0; i < 100; i++) {
        struct session_series_spec spec = series_spec(0, 100);
        add_series(&d, &spec);
    }
    timer(&d);
    for (uint32_t i = 0; i < 62; i++)
        grant(&d, i);
    struct session_totals totals = session_totals(d.session);
    CHECK_INT(62, totals.in_flight);
    CHECK_INT(1000, totals.calls_planned);
    for (uint32_t i = 0; i < 62; i++) {
        struct period_range w = session_request(d.session, i).window;
        page(&d, i, w.from_ts / STEP_S - BASE_MINUTE, w.to_ts / STEP_S - BASE_MINUTE);
        not_written(&d, i, STORE_ROLLED_BACK, CCD_DATABASE_BUSY);
        CHECK(d.actions.count <= SESSION_ACTIONS_MAX);
    }
    end(&d);
}
