/* A session driven by hand: the test says what the vendor, the ledger and the store answer, and
 * looks at what the session wants next. Series of minutes; minute 0 is an arbitrary one. */
#ifndef TESTS_UNIT_ENGINE_DRIVE_H
#define TESTS_UNIT_ENGINE_DRIVE_H

#include "engine/session.h"

enum { STEP_S = 60, BASE_MINUTE = 28000000, SETTLE_S = 360, SLOTS_MAX = 64, SECOND_US = 1000000 };
static const uint32_t NOBODY = UINT32_MAX;

struct drive {
    struct session_config config;
    struct session *session;
    struct session_actions actions; /* of the last step */
    struct batch batches[SLOTS_MAX];
    uint32_t asked; /* the slot a permit was asked for and not answered yet; NOBODY = none */
    enum call_priority asked_priority; /* of it */
    int64_t now_us;
    char line[4096];
};

int64_t drive_at(int64_t minute);
void drive_begin(struct drive *d, int workers, int page_max);
void drive_start(struct drive *d);
void drive_end(struct drive *d);
struct session_series_spec drive_spec(int64_t from, int64_t to);
void drive_add_series(struct drive *d, const struct session_series_spec *spec);
/* drive_begin and drive_start, with one series that wants drive_spec(from, to). */
void drive_begin_one(struct drive *d, int workers, int page_max, int64_t from, int64_t to);
/* "acquire 0, send 0": what the last step wants. A send names its window in minutes. */
const char *drive_wanted(struct drive *d);
const char *drive_step(struct drive *d, struct session_event event);
const char *drive_timer(struct drive *d);
const char *drive_grant(struct drive *d, uint32_t slot);
struct session_event drive_reply_event(struct drive *d, uint32_t slot, enum reply_verdict verdict);
/* A page with the rows of these minutes. */
const char *drive_page(struct drive *d, uint32_t slot, int64_t from, int64_t to);
const char *drive_refuse(struct drive *d, uint32_t slot, enum reply_verdict verdict,
                         enum ccd_status status);
const char *drive_throttle(struct drive *d, uint32_t slot, int64_t retry_after_ms);
const char *drive_written(struct drive *d, uint32_t slot);
const char *drive_not_written(struct drive *d, uint32_t slot, enum store_outcome outcome,
                              enum ccd_status status);
/* Let time pass until the session wants to be woken, then step. */
const char *drive_wake(struct drive *d);
/* Let time pass until a permit is asked for. */
void drive_wait_for_asking(struct drive *d);
/* Grant the next permit, when there is one to grant: the slot that is sent, NOBODY when none ever
 * is. */
uint32_t drive_send_next(struct drive *d);
/* A good page for what slot asked. */
const char *drive_serve(struct drive *d, uint32_t slot);
enum ccd_status drive_ended(const struct drive *d);
const struct session_series_result *drive_result(const struct drive *d);
/* wanted = stored + fetched + empty + rejected + pending + what the report calls failed. */
int64_t drive_failed(const struct drive *d, size_t series);

#endif
