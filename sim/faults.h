/* What can go wrong with a reply on purpose: one table. Invariant: the same seed, request number
 * and rates choose the same fault. */
#ifndef SIM_FAULTS_H
#define SIM_FAULTS_H

#include "sim/world_private.h"

/* X(name, scope, what happens). Scope: to which replies it can happen. */
#define FAULT_TABLE(X)                                                                             \
    X(error_429, ANY, "429 without Retry-After, although the quota is not spent")                  \
    X(retry_after, ANY, "429 with Retry-After of 1 or 2 seconds, as a number or as a date")        \
    X(retry_after_odd, ANY,                                                                        \
      "429 with a Retry-After of 0, -5, 1000000000, a past date or no number")                     \
    X(error_500, ANY, "500 with a JSON envelope")                                                  \
    X(error_502_html, ANY, "502 with an HTML page")                                                \
    X(error_503, ANY, "503 with a JSON envelope")                                                  \
    X(error_body, ANY, "200 whose body is an error: Err, or Response \"Error\" of Type 99")        \
    X(reset, ANY, "connection reset in the middle of the body")                                    \
    X(truncate, ANY, "connection closed before the end of the body, inside or between chunks")     \
    X(garbage, ANY, "body that is no JSON: a byte replaced or the end missing")                    \
    X(html, ANY, "200 with an HTML page")                                                          \
    X(slow, ANY, "body in pieces of 1 KiB, one every 50 ms")                                       \
    X(stall, ANY, "no answer at all until the client gives up")                                    \
    X(empty, CANDLES, "200 with an empty list")                                                    \
    X(wrong_series, CANDLES, "the page of another instrument")                                     \
    X(shuffled, CANDLES, "rows in another order")                                                  \
    X(duplicate_row, CANDLES, "one row twice")                                                     \
    X(open_extra, CANDLES, "one period more than asked for, open or not")                          \
    X(misaligned, CANDLES, "one TIMESTAMP that is not the start of a period")                      \
    X(stale, CANDLES, "the page as it was two periods ago")                                        \
    X(date_ahead, ANY, "Date header one hour ahead")                                               \
    X(date_behind, ANY, "Date header one hour behind")                                             \
    X(gzip_corrupt, GZIP, "gzip body with a wrong checksum or a missing end")                      \
    X(redirect, ANY, "302 to another origin")                                                      \
    X(no_rate_headers, ANY, "reply without X-RateLimit headers")

enum fault {
#define FAULT_ENUM(name, scope, text) FAULT_##name,
    FAULT_TABLE(FAULT_ENUM)
#undef FAULT_ENUM
        FAULT_COUNT,
    FAULT_NONE = FAULT_COUNT
};

enum fault_scope { SCOPE_ANY, SCOPE_CANDLES, SCOPE_GZIP };

struct fault_info {
    const char *name;
    enum fault_scope scope;
    const char *text;
};
extern const struct fault_info fault_infos[FAULT_COUNT];

/* FAULT_NONE when unknown; '-' and '_' are equal. */
enum fault fault_find(struct str name);
/* The first fault of the table whose dice fall below its rate (0 … 1) and that can happen. */
enum fault fault_choose(const double rates[FAULT_COUNT], uint64_t seed, uint64_t request_number,
                        bool is_candles, bool is_gzip);
/* Dice of a request for the details of its fault. */
uint64_t fault_dice(uint64_t seed, uint64_t request_number);

/* Body of a candle page with a fault of SCOPE_CANDLES. */
void fault_write_page(const struct world *world, enum fault fault, uint64_t dice,
                      struct candle_request request, int64_t now_utc_s, struct buf *out);
/* Make a JSON body (not empty) something else. */
void fault_spoil(uint64_t dice, struct buf *body);

#endif
