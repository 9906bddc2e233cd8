/* Bugs that are planted at the borders between the units of the engine, by a switch at run time;
 * the linker puts them there (--wrap, meson.build). Invariant: nothing of it is in any other
 * program, and with no bug planted every call goes through unchanged. */
#ifndef TESTS_SIM_MUTANTS_H
#define TESTS_SIM_MUTANTS_H

#include <stdbool.h>

/* X(name, option, text): each must break an invariant within 1,000 seeds (mutants_test.py). */
#define MUTANT_TABLE(X)                                                                            \
    X(NONE, "none", "no planted bug")                                                              \
    /* the edges of a page */                                                                      \
    X(OLDEST_NOT_ASKED, "oldest-not-asked", "a page asks for one period too few, the oldest")      \
    X(NEWEST_NOT_ASKED, "newest-not-asked", "the end of a page is taken for exclusive")            \
    X(PAGE_SHIFTED, "page-shifted", "a page is asked one period too late")                         \
    X(WINDOW_TOO_LONG, "window-too-long", "a window is one period longer than a page")             \
    X(WINDOW_TOO_SHORT, "window-too-short", "a window is one period shorter than it could be")     \
    X(CURSOR_TOO_FAR, "cursor-too-far", "the cursor passes a missing period")                      \
    X(NEWEST_NOT_WANTED, "newest-not-wanted", "the newest closed period is taken for open")        \
    X(OPEN_WANTED, "open-wanted", "the open period is taken for closed")                           \
    X(RECHECK_TOO_LONG, "recheck-too-long", "a widened page is one period longer than a page")     \
    X(PLAN_MISCOUNTED, "plan-miscounted", "the plan promises one call too many")                   \
    /* rows and what is claimed of them */                                                         \
    X(COVERAGE_FIRST, "coverage-first", "coverage is committed before its rows")                   \
    X(CLAIM_TOO_NEW, "claim-too-new", "a claim reaches one period too far, on the newer side")     \
    X(CLAIM_TOO_OLD, "claim-too-old", "a claim reaches one period too far, on the older side")     \
    X(GAPS_BRIDGED, "gaps-bridged", "what lies between two stored stretches counts as stored")     \
    X(OLDER_ANSWER_WINS, "older-answer-wins", "of two answers the older is believed")              \
    X(PAGE_OF_GROUP_LOST, "page-of-group-lost", "the second page of a transaction is forgotten")   \
    X(ROLLBACK_IGNORED, "rollback-ignored", "a transaction that rolled back is taken for done")    \
    X(LOST_IS_COMMITTED, "lost-is-committed", "a commit whose answer was lost is taken for done")  \
    X(LOST_IS_FAILURE, "lost-is-failure", "a commit whose answer was lost is taken for refused")   \
    X(CURSOR_REUSED, "cursor-reused", "after a lost transaction the writer goes on in its middle") \
    X(STORED_ROW_STAYS, "stored-row-stays", "a row that is there is never overwritten")            \
    /* what is final */                                                                            \
    X(YOUNG_IS_FINAL, "young-is-final", "a period is final as soon as it is closed")               \
    X(OPEN_IS_FINAL, "open-is-final", "the open period is final")                                  \
    X(DATE_IGNORED, "date-ignored", "final is judged by our own clock alone")                      \
    X(DATE_BELIEVED, "date-believed", "final is judged by the vendor's clock alone")               \
    X(ASKED_WHEN_ANSWERED, "asked-when-answered", "final is judged by when the reply came")        \
    /* holes, starts, ends */                                                                      \
    X(END_IS_FAILURE, "end-is-failure", "the 404 at the start of history is a failure")            \
    X(ANY_404_IS_END, "any-404-is-end", "an unknown instrument is the start of its history")       \
    X(FALSE_END_BELIEVED, "false-end-believed", "an end is believed in front of stored data")      \
    X(SHORT_IS_START, "short-is-start", "a short page is the start of history")                    \
    X(EMPTY_IS_PROOF, "empty-is-proof", "an empty list means that there is nothing older")         \
    X(EMPTY_NOT_ASKED_AGAIN, "empty-not-asked-again", "an empty list is not asked narrower")       \
    X(HOLES_ARE_SETTLED, "holes-are-settled", "a hole is confirmed by the first reply")            \
    X(HOLE_BELIEVED_EARLY, "hole-believed-early", "a hole is confirmed within its hour")           \
    X(TAIL_IS_HOLE, "tail-is-hole", "newest periods that are late are holes")                      \
    /* the quota */                                                                                \
    X(LIMITER_FORGETS, "limiter-forgets", "the limiter forgets its windows on restart")            \
    X(LIMITER_IGNORES_FLIGHT, "limiter-ignores-flight", "a call counts from its sending on")       \
    X(LOST_NOT_COUNTED, "lost-not-counted", "a call without a reply gives its permit back")        \
    X(PERMIT_SPENT_TWICE, "permit-spent-twice", "a permit is spent twice")                         \
    X(ONE_TOO_MANY, "one-too-many", "a window holds one call more than its limit")                 \
    X(SECOND_FORGOTTEN, "second-forgotten", "the limit of the second is not kept")                 \
    X(MINUTE_FORGOTTEN, "minute-forgotten", "the limit of the minute is not kept")                 \
    X(HOUR_FORGOTTEN, "hour-forgotten", "the limit of the hour is not kept")                       \
    X(DAY_FORGOTTEN, "day-forgotten", "the limit of the day is not kept")                          \
    X(RETRY_AFTER_IGNORED, "retry-after-ignored", "a 429 does not pause the key")                  \
    X(RETRY_DATE_BY_OUR_CLOCK, "retry-date-by-our-clock", "a Retry-After date meets our clock")    \
    X(FLOOR_IGNORED, "floor-ignored", "a backoff may be shorter than Retry-After")                 \
    /* retries */                                                                                  \
    X(BUDGET_IGNORED, "budget-ignored", "retries have no budget")                                  \
    X(ATTEMPTS_ENDLESS, "attempts-endless", "a page is asked for without end")                     \
    X(BREAKER_IGNORED, "breaker-ignored", "an open breaker lets everything through")               \
    X(PROBE_LEAKED, "probe-leaked", "a probe of the breaker that was not sent stays out")          \
    X(KEY_RETRIED, "key-retried", "a refused key is tried again")                                  \
    X(SERIES_RETRIED, "series-retried", "an unknown series is asked for again")                    \
    /* replies */                                                                                  \
    X(ERROR_200_ACCEPTED, "error-200-accepted", "an error in a 200 is an empty page")              \
    X(HTML_IS_EMPTY, "html-is-empty", "a 200 that is not JSON is an empty page")                   \
    X(CUT_IS_WHOLE, "cut-is-whole", "the whole records of a cut page are taken")                   \
    X(GARBAGE_PASSED, "garbage-passed", "what follows the document is passed over")                \
    X(SURPLUS_CUT, "surplus-cut", "of a page that is too long the first rows are taken")           \
    X(CHECKSUM_IGNORED, "checksum-ignored", "the check sum of gzip is not looked at")              \
    X(BOMB_INFLATED, "bomb-inflated", "a gzip bomb is inflated")                                   \
    X(KEY_TWICE_ACCEPTED, "key-twice-accepted", "of a key that is given twice the first counts")   \
    X(UNKNOWN_KEY_REFUSED, "unknown-key-refused", "a page with a key that is new is refused")      \
    X(TEXT_IS_NUMBER, "text-is-number", "a number in quotes is a number")                          \
    X(BROKEN_TEXT_TAKEN, "broken-text-taken", "a text with a lone surrogate is taken")             \
    X(NULL_IS_ZERO, "null-is-zero", "an absent value is stored as 0")                              \
    X(DOUBLE_ROUNDED, "double-rounded", "a value goes through a float")                            \
    X(LAST_BIT_LOST, "last-bit-lost", "a number with many digits is off by its last bit")          \
    X(INFINITY_CLAMPED, "infinity-clamped", "a number beyond a double is the largest double")      \
    /* rows */                                                                                     \
    X(UNIT_IGNORED, "unit-ignored", "a row is taken whatever its interval")                        \
    X(MARKET_IGNORED, "market-ignored", "a row is taken whatever its market")                      \
    X(INSTRUMENT_IGNORED, "instrument-ignored", "a row is taken whatever its instrument")          \
    X(OFF_GRID_FLOORED, "off-grid-floored", "a time off the grid is cut to it")                    \
    X(MILLISECONDS_TAKEN, "milliseconds-taken", "times in milliseconds are divided")               \
    X(ORDER_TRUSTED, "order-trusted", "rows are taken to be in order")                             \
    X(ALL_ROWS_KEPT, "all-rows-kept", "rows that are double or not asked for are kept")            \
    X(SMALLER_ROW_KEPT, "smaller-row-kept", "of two rows of a period the smaller is kept")         \
    X(IMPOSSIBLE_TAKEN, "impossible-taken", "an impossible row is taken")                          \
    /* the real database */                                                                        \
    X(DISK_LIES, "disk-lies", "what is synced is not safe")                                        \
    X(SYNC_LEFT_OUT, "sync-left-out", "SQLite is told not to wait for the disk")                   \
    X(FOLDER_NOT_SYNCED, "folder-not-synced", "a journal that is removed may come back")           \
    X(NO_TRANSACTION, "no-transaction", "each statement is a transaction of its own")

enum mutant {
#define MUTANT_ENUM(name, option, text) MUTANT_##name,
    MUTANT_TABLE(MUTANT_ENUM)
#undef MUTANT_ENUM
        MUTANT_COUNT
};
extern const char *const mutant_options[MUTANT_COUNT];
extern const char *const mutant_texts[MUTANT_COUNT];

/* Whether it sits in front of SQLite: only lives with a real database can find it. */
bool mutants_need_mirror(enum mutant mutant);

/* From now on; MUTANT_NONE takes it out again. Forgets what a bug kept from the seed before. */
void mutants_plant(enum mutant mutant);

#endif
