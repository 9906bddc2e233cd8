#include "drive.h"

#include <stdlib.h>
#include <string.h>

#include "rows.h"
#include "test.h"

enum { CAPACITY = 64 }; /* rows of a page */

int64_t drive_at(int64_t minute)
{
    return (BASE_MINUTE + minute) * STEP_S;
}

void drive_begin(struct drive *d, int workers, int page_max)
{
    *d = (struct drive){
        .asked = NOBODY,
        .config =
            {
                .workers = workers,
                .slots = workers + 2,
                .settle_s = SETTLE_S,
                .max_calls = -1,
                .page_max = page_max,
                .outage_ms = 600000,
                .retry = retry_policy_default,
                .rewrite = retry_policy_write,
                .seed = 1,
                .run_id = "run",
            },
    };
}

void drive_start(struct drive *d)
{
    struct ccd_error err = {0};
    if (session_new(&d->config, &d->session, &err) != 0)
        abort();
    for (int i = 0; i < d->config.slots; i++)
        rows_init(&d->batches[i], CAPACITY);
}

void drive_end(struct drive *d)
{
    session_free(d->session);
    for (int i = 0; i < d->config.slots; i++)
        batch_release(&d->batches[i]);
}

struct session_series_spec drive_spec(int64_t from, int64_t to)
{
    return (struct session_series_spec){
        .type = rows_type(),
        .interval = INTERVAL_1M,
        .names = rows_names(),
        .want = {drive_at(from), drive_at(to)},
        .first_ts = drive_at(0) - 1000000 * (int64_t)STEP_S,
        .last_ts = drive_at(5000),
        .planned_utc_s = drive_at(9000),
    };
}

void drive_add_series(struct drive *d, const struct session_series_spec *spec)
{
    struct ccd_error err = {0};
    if (session_add_series(d->session, spec, &err) != 0)
        abort();
}

void drive_begin_one(struct drive *d, int workers, int page_max, int64_t from, int64_t to)
{
    drive_begin(d, workers, page_max);
    drive_start(d);
    struct session_series_spec spec = drive_spec(from, to);
    drive_add_series(d, &spec);
}

const char *drive_wanted(struct drive *d)
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

const char *drive_step(struct drive *d, struct session_event event)
{
    event.now_us = d->now_us;
    if (event.kind == SESSION_PERMIT && event.slot == d->asked)
        d->asked = NOBODY;
    session_step(d->session, &event, &d->actions);
    for (size_t i = 0; i < d->actions.count; i++)
        if (d->actions.items[i].kind == SESSION_ACQUIRE) {
            d->asked = d->actions.items[i].slot;
            d->asked_priority = d->actions.items[i].priority;
        }
    return drive_wanted(d);
}

const char *drive_timer(struct drive *d)
{
    return drive_step(d, (struct session_event){.kind = SESSION_TIMER});
}

const char *drive_grant(struct drive *d, uint32_t slot)
{
    return drive_step(
        d, (struct session_event){.kind = SESSION_PERMIT, .slot = slot, .permit = PERMIT_GRANTED});
}

struct session_event drive_reply_event(struct drive *d, uint32_t slot, enum reply_verdict verdict)
{
    batch_clear(&d->batches[slot]);
    return (struct session_event){
        .kind = SESSION_REPLY,
        .slot = slot,
        .verdict = verdict,
        .batch = &d->batches[slot],
        .sent_utc_s = drive_at(9000),
        .window = RATE_WINDOW_COUNT,
    };
}

const char *drive_page(struct drive *d, uint32_t slot, int64_t from, int64_t to)
{
    struct session_event event = drive_reply_event(d, slot, REPLY_PAGE);
    rows_add_range(&d->batches[slot], INTERVAL_1M, drive_at(from), drive_at(to));
    return drive_step(d, event);
}

const char *drive_refuse(struct drive *d, uint32_t slot, enum reply_verdict verdict,
                         enum ccd_status status)
{
    struct session_event event = drive_reply_event(d, slot, verdict);
    error_set(&event.error, status, "a made-up failure");
    return drive_step(d, event);
}

const char *drive_throttle(struct drive *d, uint32_t slot, int64_t retry_after_ms)
{
    struct session_event event = drive_reply_event(d, slot, REPLY_THROTTLED);
    error_set(&event.error, CCD_THROTTLED, "slow down");
    event.error.retry_after_ms = retry_after_ms;
    return drive_step(d, event);
}

const char *drive_written(struct drive *d, uint32_t slot)
{
    return drive_step(d, (struct session_event){.kind = SESSION_WRITTEN,
                                                .slot = slot,
                                                .outcome = STORE_COMMITTED,
                                                .written = {.inserted = 1}});
}

const char *drive_not_written(struct drive *d, uint32_t slot, enum store_outcome outcome,
                              enum ccd_status status)
{
    struct session_event event = {.kind = SESSION_WRITTEN, .slot = slot, .outcome = outcome};
    error_set(&event.error, status, "a made-up failure");
    return drive_step(d, event);
}

const char *drive_wake(struct drive *d)
{
    int64_t at_us = session_wake_us(d->session);
    if (!CHECK(at_us != INT64_MAX && at_us > d->now_us))
        return "";
    d->now_us = at_us;
    return drive_timer(d);
}

void drive_wait_for_asking(struct drive *d)
{
    for (int i = 0; i < 100 && d->asked == NOBODY && session_wake_us(d->session) != INT64_MAX; i++)
        drive_wake(d);
}

uint32_t drive_send_next(struct drive *d)
{
    drive_wait_for_asking(d);
    uint32_t slot = d->asked;
    if (slot != NOBODY)
        drive_grant(d, slot);
    return slot;
}

const char *drive_serve(struct drive *d, uint32_t slot)
{
    struct period_range w = session_request(d->session, slot).window;
    return drive_page(d, slot, w.from_ts / STEP_S - BASE_MINUTE, w.to_ts / STEP_S - BASE_MINUTE);
}

enum ccd_status drive_ended(const struct drive *d)
{
    return session_error(d->session, NULL)->status;
}

const struct session_series_result *drive_result(const struct drive *d)
{
    return session_result(d->session, 0);
}

int64_t drive_failed(const struct drive *d, size_t series)
{
    const struct session_series_result *r = session_result(d->session, series);
    return r->plan.periods_wanted - r->stored - r->fetched - r->empty_before - r->empty -
           r->rejected_before - r->rejected - r->pending;
}
