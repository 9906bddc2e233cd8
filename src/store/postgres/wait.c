/* Waiting for the server, but never for ever: libpq's own waits have no end as long as the other
 * host's kernel answers, whatever became of the server. */
#include <errno.h>
#include <poll.h>

#include "store/postgres/internal.h"

/* Counted in slices, not measured: a clock that stands still must not make it endless. */
static const int64_t slice_ms = 100;
/* A count or an index of a large table may say nothing for minutes. */
static const int64_t usual_silence_ms = 10 * 60 * 1000;

static int64_t silence_max_ms(const struct sql_target *target)
{
    return (target->silence_max_ms > 0 ? target->silence_max_ms : usual_silence_ms) +
           target->busy_timeout_ms;
}

static bool is_done(struct postgres *c, bool answered, int unsent)
{
    return answered ? !PQisBusy(c->pg) : unsent <= 0;
}

/* Until what we sent is gone, or (answered) a result is there. What goes wrong meanwhile is told by
 * the result. False: the server was silent for too long. */
static bool wait_for(struct postgres *c, bool answered)
{
    for (int64_t waited_ms = 0; !c->silent;) {
        int unsent = PQflush(c->pg);
        if (is_done(c, answered, unsent) || PQstatus(c->pg) == CONNECTION_BAD)
            return true;
        struct pollfd p = {.fd = PQsocket(c->pg),
                           .events = (short)(unsent > 0 ? POLLIN | POLLOUT : POLLIN)};
        int ready = poll(&p, 1, (int)slice_ms);
        if (ready < 0 && errno != EINTR)
            return true;
        if (ready > 0) {
            waited_ms = 0;
            if (p.revents != POLLOUT && !PQconsumeInput(c->pg))
                return true;
        } else if (ready == 0) {
            waited_ms += slice_ms;
            c->silent = waited_ms >= silence_max_ms(c->base.target);
        }
    }
    c->base.broken = true;
    return false;
}

bool postgres_flush(struct postgres *c)
{
    return wait_for(c, false);
}

PGresult *postgres_next_result(struct postgres *c)
{
    return wait_for(c, true) ? PQgetResult(c->pg) : NULL;
}

PGresult *postgres_last_result(struct postgres *c, bool sent)
{
    PGresult *last = NULL;
    PGresult *result;
    while (sent && (result = postgres_next_result(c)) != NULL) {
        PQclear(last);
        last = result;
        if (PQresultStatus(last) == PGRES_COPY_IN || PQresultStatus(last) == PGRES_COPY_OUT)
            break;
    }
    if (c->silent) {
        PQclear(last);
        last = NULL;
    }
    return last;
}
