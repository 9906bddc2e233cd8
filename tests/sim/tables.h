/* The closed lists of the simulator: faults it injects, states it wants to see. Bugs that can be
 * planted: mutants.h. */
#ifndef TESTS_SIM_TABLES_H
#define TESTS_SIM_TABLES_H

/* X(name, text). Each is off in a third of the seeds, else has a rate of its own (swarm.c). */
#define FAULT_TABLE(X)                                                                             \
    /* one of these happens to a request at most */                                                \
    X(REFUSED, "connection refused or black-holed")                                                \
    X(LOST_REQUEST, "request never arrives")                                                       \
    X(LOST_REPLY, "reply never arrives")                                                           \
    X(LATE_ARRIVAL, "request arrives after its connection was given up")                           \
    X(RESET, "connection reset in the reply")                                                      \
    X(TRUNCATED, "body cut where nothing but the text tells")                                      \
    X(DAMAGED, "bytes of the body overwritten")                                                    \
    X(THROTTLED, "429")                                                                            \
    X(THROTTLED_IN_200, "throttled in the body of a 200")                                          \
    X(SERVER_ERROR, "5xx")                                                                         \
    X(ERROR_IN_200, "error envelope in a 200")                                                     \
    X(EMPTY_LIST, "empty list where there is data")                                                \
    X(HTML, "HTML page with 200")                                                                  \
    X(NO_CONTENT, "204")                                                                           \
    X(OTHER_SERIES, "the page of another series")                                                  \
    X(OTHER_WINDOW, "an older page of the series")                                                 \
    X(HOSTILE, "a page that must be refused whole")                                                \
    X(EDGE_LOST, "the oldest or the newest row of a page left out")                                \
    X(FALSE_END, "end of history where there is older data")                                       \
    /* these change a reply that is good otherwise */                                              \
    X(SHUFFLED, "rows out of order")                                                               \
    X(DUPLICATED, "a row twice, equal or not")                                                     \
    X(OPEN_ROW, "the open period comes along")                                                     \
    X(OLDER_ROW, "a row before the window comes along")                                            \
    X(ODD_DRESS, "the same page, written another way")                                             \
    X(STALE_DATE, "Date of a while ago")                                                           \
    X(AHEAD_DATE, "Date ahead")                                                                    \
    X(NO_DATE, "no Date")                                                                          \
    X(SLOW, "slow network")                                                                        \
    /* the database, per transaction */                                                            \
    X(BUSY, "database busy")                                                                       \
    X(UNKNOWN_APPLIED, "answer of a commit lost, it happened")                                     \
    X(UNKNOWN_LOST, "answer of a commit lost, it did not happen")                                  \
    X(UNREACHABLE, "database away for a while")                                                    \
    X(ROW_REFUSED, "database refuses a row")                                                       \
    X(DISK_FULL, "disk full")                                                                      \
    X(SLOW_COMMIT, "slow commit")                                                                  \
    X(CRASH_IN_COMMIT, "killed while committing")                                                  \
    /* per life of the engine; rates are several times as high */                                  \
    X(CRASH, "killed")                                                                             \
    X(STOP, "interrupted")                                                                         \
    X(OUTAGE, "vendor away for a while")                                                           \
    X(KEY_REVOKED, "key refused from some moment on")                                              \
    X(STUCK, "the first page of a series for ever")                                                \
    X(DELISTED, "a series unknown for a while")                                                    \
    X(HOST_AHEAD, "our clock ahead")                                                               \
    X(HOST_BEHIND, "our clock behind")                                                             \
    X(CLOCK_JUMP, "our clock jumps in mid-run")                                                    \
    X(LOWER_LIMIT, "the vendor allows less than configured")                                       \
    X(FEW_CALLS, "a run with few calls allowed")                                                   \
    X(ROTTEN, "a series that is never answered well, even when all else is well")

enum fault {
#define FAULT_ENUM(name, text) FAULT_##name,
    FAULT_TABLE(FAULT_ENUM)
#undef FAULT_ENUM
        FAULT_COUNT,
    FAULT_FIRST_OF_LIFE = FAULT_CRASH,
    FAULT_LAST_OF_REQUEST = FAULT_FALSE_END,
};
extern const char *const fault_texts[FAULT_COUNT];

/* X(name, text): states that a batch of seeds must reach, else it tests less than it seems to. */
#define SOMETIMES_TABLE(X)                                                                         \
    X(CRASHED, "killed at some moment")                                                            \
    X(CRASHED_WRITING, "killed during a write")                                                    \
    X(CRASHED_AT_ONCE, "killed while recovering from being killed")                                \
    X(CRASHED_IN_FLIGHT, "killed with requests in flight")                                         \
    X(ARRIVED_AFTER_CRASH, "request of a dead run still arrived")                                  \
    X(UNKNOWN_REPEATED, "commit repeated after a lost answer")                                     \
    X(UNKNOWN_RESUMED, "run resumed after a lost answer of a commit")                              \
    X(WRITE_REPEATED, "commit repeated after a rollback")                                          \
    X(WRITE_GROUPED, "several pages in one transaction")                                           \
    X(WRITE_SPLIT, "a failed group committed one by one")                                          \
    X(STORE_GAVE_UP, "run ended because the database stayed away")                                 \
    X(DISK_GAVE_UP, "run ended because of the disk")                                               \
    X(ROW_NOT_STORED, "series skipped because of a refused row")                                   \
    X(STOP_DRAINED, "interrupted run drained")                                                     \
    X(STOP_ABANDONED, "interrupted run gave up on replies")                                        \
    X(THROTTLED, "429")                                                                            \
    X(THROTTLED_DRAINING, "429 while draining")                                                    \
    X(THROTTLED_BY_QUOTA, "429 because the vendor allows less than configured")                    \
    X(RETRY_AFTER_DATE, "Retry-After as a date")                                                   \
    X(RETRY_AFTER_LONG, "Retry-After beyond an hour")                                              \
    X(PERMIT_WAITED, "waited for a permit")                                                        \
    X(QUOTA_SPENT, "run ended because the quota is spent")                                         \
    X(QUOTA_WAITED, "waited for the hour or the day")                                              \
    X(CALLS_SPENT, "run ended after the calls it was allowed")                                     \
    X(BREAKER_OPENED, "breaker opened")                                                            \
    X(PROBE_OK, "probe of the breaker went through")                                               \
    X(VENDOR_GAVE_UP, "run ended because the vendor is away")                                      \
    X(KEY_REFUSED, "run ended because the key is refused")                                         \
    X(SERIES_SKIPPED, "series skipped, others went on")                                            \
    X(PAGE_GIVEN_UP, "page given up")                                                              \
    X(PAGE_REFUSED, "page refused: not the one that was asked for")                                \
    X(BODY_REFUSED, "body refused: damaged")                                                       \
    X(ERROR_REFUSED, "error refused, whatever its status")                                         \
    X(J1_REFUSED, "J1: body that is cut or damaged refused")                                       \
    X(J2_REFUSED, "J2: page with broken text refused")                                             \
    X(J3_REFUSED, "J3: page too deep or too long refused")                                         \
    X(J4_REFUSED, "J4: page with an impossible number refused")                                    \
    X(J5_REFUSED, "J5: page with a key twice, missing or of another kind refused")                 \
    X(H9_REFUSED, "H9: gzip bomb or wrong check sum refused")                                      \
    X(H10_REFUSED, "H10: page of another kind or encoding refused")                                \
    X(H13_REFUSED, "H13: page or row of another series refused")                                   \
    X(D10_REFUSED, "D10: page with an absurd time refused")                                        \
    X(STUCK_SERVED, "the same page once more, for another window")                                 \
    X(NEW_KEYS, "page with keys that are new")                                                     \
    X(ODD_NUMBERS, "page with numbers written another way")                                        \
    X(EDGE_LOST, "page without its first or last row")                                             \
    X(GZIP_REFUSED, "gzip body refused")                                                           \
    X(START_BY_404, "start of history by 404")                                                     \
    X(HEAD_ASKED_ON, "asked on from a short page")                                                 \
    X(NARROWED, "asked narrower after an empty list")                                              \
    X(HOLE_SEEN, "hole seen")                                                                      \
    X(HOLE_CONFIRMED, "hole confirmed")                                                            \
    X(HOLE_FILLED, "hole filled later")                                                            \
    X(CONFIRMED_FILLED, "confirmed hole filled later")                                             \
    X(HEAD_EMPTY, "periods known to be before the start")                                          \
    X(PROVISIONAL, "provisional row stored")                                                       \
    X(PROVISIONAL_FINAL, "provisional row final later")                                            \
    X(PROVISIONAL_CHANGED, "provisional row changed when it became final")                         \
    X(RESTATED, "restated row stored")                                                             \
    X(RECHECKED, "stored row compared by the way")                                                 \
    X(RESTATED_BY_THE_WAY, "restated row found by the way")                                        \
    X(ROWS_COLLAPSED, "duplicate rows collapsed")                                                  \
    X(OPEN_DROPPED, "open period dropped")                                                         \
    X(ROW_REJECTED, "impossible row set apart")                                                    \
    X(TAIL_OPEN, "newest periods left open")                                                       \
    X(END_DOUBTED, "end of history in front of known data taken for a hole")                       \
    X(END_BELIEVED, "false end of history told where nothing older is known")                      \
    X(START_MOVED, "data found later before what was taken for the start")                         \
    X(ROTTEN_SERIES, "others completed beside a series that is never answered well")               \
    X(DATE_TRUSTED, "vendor's Date earlier than our clock")                                        \
    X(CLOCK_JUMPED, "our clock jumped in mid-run")                                                 \
    X(NOTHING_TO_DO, "a run found nothing missing")                                                \
    X(RUN_COMPLETE, "a run under faults ended complete")                                           \
    X(POWER_CUT, "power cut under the real database")                                              \
    X(DATABASE_KILLED, "real database opened again after a kill")                                  \
    X(DIED_UNDONE, "real database came back without the transaction it died in")                   \
    X(DIED_DONE, "real database came back with the transaction it died in")                        \
    X(KILLED_RECOVERING, "killed while the real database recovered")

enum sometimes {
#define SOMETIMES_ENUM(name, text) SOMETIMES_##name,
    SOMETIMES_TABLE(SOMETIMES_ENUM)
#undef SOMETIMES_ENUM
        SOMETIMES_COUNT
};
extern const char *const sometimes_texts[SOMETIMES_COUNT];

#endif
