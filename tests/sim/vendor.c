#include "vendor.h"

#include <stdlib.h>
#include <string.h>

#include "base/time.h"
#include "hostile.h"
#include "model/request.h"
#include "pages.h"

/* Deadlines of the client (http/client.c): a connection, a whole request; and how long a request
 * may still be under way when its connection is given up. */
static const int64_t connect_deadline_us = 10LL * SIM_US_PER_S;
static const int64_t silence_deadline_us = 20LL * SIM_US_PER_S;
static const int64_t request_deadline_us = 60LL * SIM_US_PER_S;
static const int64_t late_most_us = 2900000;
/* A vendor hides data of a series for so long at most; a hole is believed after an hour. */
static const int64_t lie_most_us = 3000LL * SIM_US_PER_S;

static const struct refusal throttled = {"a 429", SOMETIMES_THROTTLED};
static const struct refusal an_error = {"an error", SOMETIMES_ERROR_REFUSED};
static const struct refusal broken_body = {"J1: cut or damaged", SOMETIMES_J1_REFUSED};
static const struct refusal another_series = {"H13: the page of another series",
                                              SOMETIMES_H13_REFUSED};

/* ---- limits ---- */

static void draw_limits(struct sim *sim, struct limiter_limits *limits)
{
    *limits = (struct limiter_limits){.max = {20, 300, 3000, 7500, 0}};
    switch (rng_below(&sim->rng, 4)) {
    case 0:
        limits->max[RATE_SECOND] = sim_between(sim, 1, 5);
        limits->max[RATE_MINUTE] = sim_between(sim, 8, 40);
        break;
    case 1:
        limits->max[RATE_SECOND] = sim_between(sim, 2, 20);
        limits->max[RATE_MINUTE] = sim_between(sim, 10, 60);
        limits->max[RATE_HOUR] = sim_between(sim, 25, 150);
        break;
    case 2:
        limits->max[RATE_SECOND] = 0;
        limits->max[RATE_DAY] = sim_between(sim, 80, 300);
        limits->max[RATE_MONTH] = sim_between(sim, 2000, 4000);
        break;
    default:
        break;
    }
    if (sim_one_in(sim, 4))
        limits->delay_us = sim_between(sim, 50, 1000) * 1000;
}

void vendor_begin(struct sim *sim)
{
    struct server *v = &sim->server;
    draw_limits(sim, &v->limits);
    v->lower = v->limits;
    v->fixed_windows = sim_one_in(sim, 2);
    v->tells = sim_one_in(sim, 2);
    v->adds_keys = sim_one_in(sim, 8);
    v->arrival_count = 0;
}

void vendor_begin_life(struct sim *sim)
{
    struct server *v = &sim->server;
    v->outage_from_us = v->outage_to_us = v->key_refused_from_us = INT64_MAX;
    v->lower = v->limits;
    for (size_t i = 0; i < sim->series_count; i++) {
        struct sim_series *s = &sim->series[i];
        s->delisted = sim_hits(sim, FAULT_DELISTED) && sim_one_in(sim, 4);
        s->stuck = sim_hits(sim, FAULT_STUCK) && sim_one_in(sim, 2);
        s->stuck_path[0] = '\0';
    }
    if (sim_hits(sim, FAULT_OUTAGE)) {
        v->outage_from_us = sim->now_us + sim_between(sim, 0, 60LL * SIM_US_PER_S);
        v->outage_to_us = v->outage_from_us + sim_between(sim, 10LL, 3600LL) * SIM_US_PER_S;
    }
    if (sim_hits(sim, FAULT_KEY_REVOKED) && sim_one_in(sim, 3))
        v->key_refused_from_us = sim->now_us + sim_between(sim, 0, 60LL * SIM_US_PER_S);
    if (sim_hits(sim, FAULT_LOWER_LIMIT))
        for (int w = RATE_SECOND; w <= RATE_MINUTE; w++)
            v->lower.max[w] = v->limits.max[w] > 1 ? v->limits.max[w] / 2 : v->limits.max[w];
}

/* ---- the log ---- */

static size_t arrivals_since(const struct server *v, int64_t after_us)
{
    size_t count = 0;
    while (count < v->arrival_count && v->arrivals_us[v->arrival_count - 1 - count] > after_us)
        count++;
    return count;
}

static void check_windows(struct sim *sim)
{
    const struct server *v = &sim->server;
    for (enum rate_window w = 0; w < RATE_WINDOW_COUNT; w++) {
        size_t limit = (size_t)v->limits.max[w];
        if (limit == 0 || v->arrival_count <= limit)
            continue;
        int64_t before_us = v->arrivals_us[v->arrival_count - 1 - limit];
        if (sim->now_us - before_us < rate_window_s[w] * SIM_US_PER_S)
            sim_fail(sim, "I5: %zu requests within %lld us, %zu allowed in a %s", limit + 1,
                     (long long)(sim->now_us - before_us), limit, rate_window_names[w]);
    }
}

static void log_arrival(struct sim *sim)
{
    struct server *v = &sim->server;
    if (v->arrival_count == v->arrival_capacity) {
        v->arrival_capacity = v->arrival_capacity ? 2 * v->arrival_capacity : 4096;
        v->arrivals_us = realloc(v->arrivals_us, v->arrival_capacity * sizeof(*v->arrivals_us));
        if (!v->arrivals_us)
            abort();
    }
    v->arrivals_us[v->arrival_count++] = sim->now_us;
    sim->tally->requests++;
    check_windows(sim);
}

/* Start of the window that now is in, exclusive. */
static int64_t window_begin_us(const struct sim *sim, enum rate_window w)
{
    int64_t length_us = rate_window_s[w] * SIM_US_PER_S;
    if (!sim->server.fixed_windows)
        return sim->now_us - length_us;
    int64_t utc_us = sim->epoch_utc_s * SIM_US_PER_S + sim->now_us;
    return sim->now_us - utc_us % length_us - 1;
}

static int64_t remaining(const struct sim *sim, enum rate_window w)
{
    int64_t used = (int64_t)arrivals_since(&sim->server, window_begin_us(sim, w));
    int64_t left = sim->server.lower.max[w] - used;
    return left > 0 ? left : 0;
}

/* Seconds until the window allows more, rounded up. */
static int64_t reset_s(const struct sim *sim, enum rate_window w)
{
    const struct server *v = &sim->server;
    int64_t begin_us = window_begin_us(sim, w);
    int64_t from_us = begin_us;
    if (!v->fixed_windows) {
        size_t used = arrivals_since(v, begin_us);
        from_us = used > 0 ? v->arrivals_us[v->arrival_count - used] : sim->now_us;
    }
    int64_t rest_us = from_us + rate_window_s[w] * SIM_US_PER_S - sim->now_us;
    return (rest_us + SIM_US_PER_S - 1) / SIM_US_PER_S;
}

/* Whether this arrival is one too many for what the vendor enforces; the window. */
static bool is_over(const struct sim *sim, enum rate_window *out_window)
{
    for (enum rate_window w = 0; w < RATE_WINDOW_COUNT; w++) {
        int64_t limit = sim->server.lower.max[w];
        if (limit < sim->server.limits.max[w] &&
            (int64_t)arrivals_since(&sim->server, window_begin_us(sim, w)) > limit) {
            *out_window = w;
            return true;
        }
    }
    return false;
}

/* ---- heads ---- */

static void add_window_line(struct sim *sim, struct buf *head, const char *name,
                            int64_t (*value)(const struct sim *sim, enum rate_window w))
{
    buf_printf(head, "%s: 0", name);
    for (enum rate_window w = 0; w < RATE_WINDOW_COUNT; w++)
        if (sim->server.limits.max[w] > 0)
            buf_printf(head, ", %lld;window=%lld", (long long)value(sim, w),
                       (long long)rate_window_s[w]);
    buf_add_text(head, "\r\n");
}

static int64_t enforced(const struct sim *sim, enum rate_window w)
{
    return sim->server.lower.max[w];
}

/* What the vendor's clock seems to say. 0 = no Date at all. */
static int64_t draw_date(struct sim *sim)
{
    int64_t date = sim_vendor_utc_s(sim);
    if (sim_hits(sim, FAULT_STALE_DATE))
        return date - sim_between(sim, 1, sim_one_in(sim, 4) ? 100000 : 400);
    if (sim_hits(sim, FAULT_AHEAD_DATE))
        return date + sim_between(sim, 1, 100000);
    return sim_hits(sim, FAULT_NO_DATE) ? 0 : date;
}

static void begin_head(struct sim *sim, struct exchange *x, long status, int64_t date)
{
    char when[32];
    x->status = status;
    buf_clear(&x->head);
    buf_printf(&x->head, "HTTP/1.1 %ld x\r\nServer: sim\r\n", status);
    if (date > 0)
        buf_printf(&x->head, "Date: %s\r\n", time_format_http(date, when));
    if (sim->server.tells) {
        add_window_line(sim, &x->head, "X-RateLimit-Limit", enforced);
        add_window_line(sim, &x->head, "X-RateLimit-Remaining-All", remaining);
        add_window_line(sim, &x->head, "X-RateLimit-Reset-All", reset_s);
    }
}

static void end_head(struct exchange *x, const char *content_type)
{
    buf_printf(&x->head, "Content-Type: %s\r\n", content_type);
}

/* Retry-After in all its forms; what the client has to obey. */
static int64_t add_retry_after(struct sim *sim, struct exchange *x, int64_t date)
{
    char when[32];
    int64_t seconds = sim_between(sim, 1, 90);
    switch (rng_below(&sim->rng, 10)) {
    case 0:
        buf_add_text(&x->head, "Retry-After: -5\r\n");
        return 0;
    case 1:
        buf_add_text(&x->head, "Retry-After: soon\r\n");
        return 0;
    case 2:
        buf_add_text(&x->head, "Retry-After: 0\r\n");
        return 0;
    case 3:
        seconds = sim_one_in(sim, 4) ? 1000000000 : sim_between(sim, 3000, 8000);
        sim_saw(sim, SOMETIMES_RETRY_AFTER_LONG);
        break;
    case 4:
    case 5:
        if (date == 0)
            return 0;
        sim_saw(sim, SOMETIMES_RETRY_AFTER_DATE);
        buf_printf(&x->head, "Retry-After: %s\r\n", time_format_http(date + seconds, when));
        return seconds;
    case 6:
    case 7:
        return 0;
    default:
        break;
    }
    buf_printf(&x->head, "Retry-After: %lld\r\n", (long long)seconds);
    return seconds;
}

static void answer_throttled(struct sim *sim, struct exchange *x, int64_t date, int64_t known_s)
{
    static const int64_t longest_s = 31LL * SECONDS_PER_DAY; /* beyond is not believed */
    begin_head(sim, x, 429, date);
    x->must_refuse = &throttled;
    int64_t seconds = known_s;
    if (known_s > 0)
        buf_printf(&x->head, "Retry-After: %lld\r\n", (long long)known_s);
    else
        seconds = add_retry_after(sim, x, date);
    end_head(x, "application/json");
    seconds = seconds < longest_s ? seconds : longest_s;
    x->told_wait_us = (seconds > 0 ? seconds : 1) * SIM_US_PER_S;
    buf_add_text(&x->body, "{\"Data\":{},\"Err\":{\"type\":99,\"message\":\"You are over your rate "
                           "limit please upgrade your account!\",\"other_info\":{}}}");
    sim_saw(sim, SOMETIMES_THROTTLED);
}

static void answer_text(struct sim *sim, struct exchange *x, long status, int64_t date,
                        const char *content_type, const char *text)
{
    begin_head(sim, x, status, date);
    end_head(x, content_type);
    buf_add_text(&x->body, text);
    x->must_refuse = &an_error;
}

static void answer_server_error(struct sim *sim, struct exchange *x, int64_t date)
{
    static const long statuses[] = {500, 502, 503, 504, 520, 522, 524, 408};
    long status = statuses[rng_below(&sim->rng, 8)];
    if (sim_one_in(sim, 2))
        answer_text(sim, x, status, date, "text/html", "<html><body>Bad Gateway</body></html>");
    else
        answer_text(sim, x, status, date, "application/json",
                    "{\"Data\":{},\"Err\":{\"type\":94,\"message\":\"internal error\"}}");
}

static void answer_error_in_200(struct sim *sim, struct exchange *x, int64_t date)
{
    static const char *const texts[] = {
        "{\"Data\":{},\"Err\":{\"type\":94,\"message\":\"data source is down\",\"other_info\":{}}}",
        "{\"Response\":\"Error\",\"Message\":\"market data is "
        "down\",\"HasWarning\":false,\"Type\":96,"
        "\"RateLimit\":{},\"Data\":{}}",
        "{\"Data\":{},\"Err\":{}}",
        "{}",
    };
    answer_text(sim, x, 200, date, "application/json", texts[rng_below(&sim->rng, 4)]);
}

/* ---- good replies, more or less ---- */

/* A series whose page cannot be taken for one of s; NULL when there is none. */
static const struct sim_series *other_series(struct sim *sim, const struct sim_series *s)
{
    size_t first = rng_below(&sim->rng, sim->series_count);
    for (size_t i = 0; i < sim->series_count; i++) {
        const struct sim_series *o = &sim->series[(first + i) % sim->series_count];
        if (o->interval != s->interval || strcmp(o->names.market, s->names.market) != 0 ||
            strcmp(o->names.instrument, s->names.instrument) != 0)
            return o;
    }
    return NULL;
}

/* The path asks for another series, or for an older window of the same. */
static const char *other_path(struct sim *sim, const struct exchange *x)
{
    const struct sim_series *s = &sim->series[x->series];
    struct period_range window = pages_window_of(s, x->path);
    if (x->fault == FAULT_OTHER_SERIES) {
        s = other_series(sim, s);
        if (!s)
            return x->path;
        window.to_ts = time_floor(window.to_ts, s->step_s);
        window.from_ts = window.to_ts - 5 * s->step_s;
    } else {
        int64_t shift = sim_between(sim, 1, 12) * s->step_s;
        window.from_ts -= shift;
        window.to_ts -= shift;
    }
    buf_clear(&sim->text2);
    struct str name = str_from(s->names.mapped_instrument);
    if (request_candles(&sim->text2, s->vendor->type, s->interval, str_from(s->names.market), name,
                        window) != 0)
        return x->path;
    return sim->text2.data;
}

/* Whether the vendor may hide data of this series now (see lie_most_us). */
static bool may_lie(struct sim *sim, struct sim_series *s)
{
    if (s->lied_us == 0)
        s->lied_us = sim->now_us;
    return sim->now_us - s->lied_us < lie_most_us;
}

static void damage(struct sim *sim, struct buf *body)
{
    size_t at = rng_below(&sim->rng, body->len);
    for (size_t n = 1 + rng_below(&sim->rng, 8); n > 0 && at < body->len; n--)
        body->data[at++] ^= 0x55; /* gzip: its check sum tells */
}

static void damage_text(struct sim *sim, struct buf *body)
{
    size_t at = rng_below(&sim->rng, body->len);
    for (size_t n = 1 + rng_below(&sim->rng, 8); n > 0 && at < body->len; n--)
        body->data[at++] = '\x01'; /* nowhere legal in JSON */
}

static void cut(struct sim *sim, struct buf *body)
{
    body->len = rng_below(&sim->rng, body->len);
    body->data[body->len] = '\0';
}

/* Compress, and break the bytes if they are to be broken. */
static void wrap_body(struct sim *sim, struct exchange *x)
{
    bool zip = sim_one_in(sim, 4);
    hostile_wrap(sim, x, zip);
    if (x->body.len == 0)
        return;
    if (x->fault == FAULT_TRUNCATED)
        cut(sim, &x->body);
    else if (x->fault == FAULT_DAMAGED && zip)
        damage(sim, &x->body);
    else if (x->fault == FAULT_DAMAGED)
        damage_text(sim, &x->body);
    bool broken = x->fault == FAULT_TRUNCATED || x->fault == FAULT_DAMAGED;
    if (broken && zip)
        sim_saw(sim, SOMETIMES_GZIP_REFUSED);
    if (x->fault == FAULT_TRUNCATED || (broken && !zip))
        x->must_refuse = &broken_body; /* some bytes of gzip's head mean nothing */
}

/* "There is nothing here and before", although there is. */
static bool answer_false_end(struct sim *sim, struct exchange *x, int64_t date)
{
    struct sim_series *s = &sim->series[x->series];
    struct period_range window = pages_window_of(s, x->path);
    size_t count;
    const struct coverage_segment *merged = sim_coverage(sim, s, &count);
    bool older = false;
    for (size_t i = 0; i < count; i++)
        older |= merged[i].state == COVERAGE_STORED && merged[i].from_ts < window.to_ts;
    if (!may_lie(sim, s))
        return false;
    begin_head(sim, x, 404, date);
    end_head(x, "application/json");
    buf_printf(
        &x->body,
        "{\"Data\":{},\"Err\":{\"type\":1,\"message\":\"No %s entries available on or before "
        "%lld\",\"other_info\":{}}}",
        interval_infos[s->interval].unit_echo, (long long)window.to_ts - 1);
    sim_saw(sim, older ? SOMETIMES_END_DOUBTED : SOMETIMES_END_BELIEVED);
    return true;
}

/* A series for which something at the vendor is broken for good. */
static void answer_rotten(struct sim *sim, struct exchange *x, int64_t date)
{
    switch (sim->rotten_how) {
    case 0:
        answer_text(sim, x, 500, date, "text/html", "<html>Internal Server Error</html>");
        return;
    case 1:
        answer_text(sim, x, 200, date, "text/html", "<html>Please log in</html>");
        return;
    case 2:
        answer_text(sim, x, 400, date, "application/json",
                    "{\"Data\":{},\"Err\":{\"type\":2,\"message\":\"bad instrument\"}}");
        return;
    default:
        answer_text(sim, x, 503, date, "application/json",
                    "{\"Data\":{},\"Err\":{\"type\":96,\"message\":\"shard is down\"}}");
    }
}

/* Whether the series is answered with its first page whatever is asked. */
static bool is_stuck(struct sim *sim, struct sim_series *s, const struct exchange *x)
{
    if (!s->stuck)
        return false;
    if (s->stuck_path[0] == '\0')
        str_copy(s->stuck_path, sizeof(s->stuck_path), str_from(x->path));
    if (strcmp(s->stuck_path, x->path) == 0 || !may_lie(sim, s))
        return false;
    sim_saw(sim, SOMETIMES_STUCK_SERVED);
    return true;
}

/* What is wrong or strange in a page that the world served well. */
static void vary_page(struct sim *sim, struct exchange *x, bool lie)
{
    pages_vary(sim, x, lie && x->fault == FAULT_EDGE_LOST);
    hostile_dress(sim, x);
    if (x->fault == FAULT_HOSTILE && !sim_one_in(sim, 8))
        hostile_spoil(sim, x);
}

static void answer_page(struct sim *sim, struct exchange *x, int64_t date)
{
    struct sim_series *s = &sim->series[x->series];
    const char *path = x->path;
    bool lie = (x->fault == FAULT_OTHER_WINDOW || x->fault == FAULT_EMPTY_LIST ||
                x->fault == FAULT_EDGE_LOST) &&
               may_lie(sim, s);
    if (x->fault == FAULT_OTHER_SERIES || (x->fault == FAULT_OTHER_WINDOW && lie))
        path = other_path(sim, x);
    else if (is_stuck(sim, s, x))
        path = s->stuck_path;
    long status = world_reply(sim->world, str_from(path), x->served_utc_s, &x->body);
    bool empty = str_find(buf_str(&x->body), STR("\"Data\":[]")) != SIZE_MAX;
    /* The end of another series' history, or no data of another, are more than can be noticed. */
    if (path != x->path && (status != 200 || (empty && x->fault == FAULT_OTHER_SERIES))) {
        path = x->path;
        buf_clear(&x->body);
        status = world_reply(sim->world, str_from(path), x->served_utc_s, &x->body);
    }
    if (status == 200 && x->fault == FAULT_EMPTY_LIST && lie) {
        buf_clear(&x->body);
        buf_add_text(&x->body, "{\"Data\":[],\"Err\":{}}");
    }
    begin_head(sim, x, status, date);
    end_head(x, "application/json; charset=utf-8");
    if (path != x->path && x->fault == FAULT_OTHER_SERIES)
        x->must_refuse = &another_series;
    else if (status == 200)
        vary_page(sim, x, lie);
    wrap_body(sim, x);
}

static void answer(struct sim *sim, struct exchange *x)
{
    int64_t date = draw_date(sim);
    enum rate_window over;
    buf_clear(&x->body);
    if (is_over(sim, &over)) {
        sim_saw(sim, SOMETIMES_THROTTLED_BY_QUOTA);
        answer_throttled(sim, x, date, sim->server.tells ? reset_s(sim, over) : 0);
    } else if (sim->now_us >= sim->server.key_refused_from_us) {
        answer_text(sim, x, 401, date, "application/json",
                    "{\"Data\":{},\"Err\":{\"type\":2,\"message\":\"API key required\"}}");
    } else if (sim->series[x->series].delisted) {
        answer_text(sim, x, 404, date, "application/json",
                    "{\"Data\":{},\"Err\":{\"type\":1,\"message\":\"Not found: instrument\"}}");
    } else if (x->series == sim->rotten) {
        answer_rotten(sim, x, date);
    } else if (x->fault == FAULT_FALSE_END && answer_false_end(sim, x, date)) {
        return;
    } else if (x->fault == FAULT_THROTTLED) {
        answer_throttled(sim, x, date, 0);
    } else if (x->fault == FAULT_THROTTLED_IN_200) {
        answer_text(
            sim, x, 200, date, "application/json",
            "{\"Response\":\"Error\",\"Message\":\"You are over your rate limit\",\"Type\":99,"
            "\"RateLimit\":{},\"Data\":{}}");
        x->told_wait_us = SIM_US_PER_S;
    } else if (x->fault == FAULT_SERVER_ERROR) {
        answer_server_error(sim, x, date);
    } else if (x->fault == FAULT_ERROR_IN_200) {
        answer_error_in_200(sim, x, date);
    } else if (x->fault == FAULT_HTML) {
        answer_text(sim, x, 200, date, "text/html", "<html>Please log in</html>");
    } else if (x->fault == FAULT_NO_CONTENT) {
        answer_text(sim, x, 204, date, "application/json", "");
    } else {
        answer_page(sim, x, date);
    }
}

/* ---- the network ---- */

static void schedule_reply(struct sim *sim, struct exchange *x, int64_t at_us)
{
    x->reply_us = at_us;
    sim_schedule(sim, at_us, EVENT_REPLY, x->life, (uint32_t)(x - sim->exchanges));
}

static void fail(struct sim *sim, struct exchange *x, int64_t at_us)
{
    x->failure = CCD_NETWORK;
    schedule_reply(sim, x, at_us);
}

static enum fault draw_fault(struct sim *sim)
{
    const struct server *v = &sim->server;
    if (sim->now_us >= v->outage_from_us && sim->now_us < v->outage_to_us)
        return FAULT_REFUSED;
    for (enum fault f = 0; f <= FAULT_LAST_OF_REQUEST; f++)
        if (sim_hits(sim, f))
            return f;
    return FAULT_COUNT;
}

static int64_t draw_latency_us(struct sim *sim)
{
    if (sim_hits(sim, FAULT_SLOW))
        return sim_between(sim, 0, 35LL * SIM_US_PER_S);
    return sim_between(sim, 1000, 120000);
}

static struct exchange *new_exchange(struct sim *sim)
{
    for (size_t i = 0; i < SIM_EXCHANGES_MAX; i++) {
        struct exchange *x = &sim->exchanges[i];
        if (x->used)
            continue;
        struct buf head = x->head;
        struct buf body = x->body;
        *x = (struct exchange){.used = true, .alive = true, .head = head, .body = body};
        return x;
    }
    abort(); /* more in flight than any run may have */
}

void vendor_send(struct sim *sim, uint32_t slot, size_t series, const char *path)
{
    struct exchange *x = new_exchange(sim);
    sim_scene(sim, SCENE_REQUEST);
    uint32_t index = (uint32_t)(x - sim->exchanges);
    x->life = sim->life;
    x->slot = slot;
    x->series = series;
    x->sent_us = sim->now_us;
    x->fault = draw_fault(sim);
    str_copy(x->path, sizeof(x->path), str_from(path));
    int64_t up_us = draw_latency_us(sim);
    sim_trace(sim, "send #%u slot %u %s%s%s", index, slot, strchr(path, '?') + 1,
              x->fault < FAULT_COUNT ? " !" : "",
              x->fault < FAULT_COUNT ? fault_texts[x->fault] : "");
    int64_t silent_us = sim->now_us + sim_between(sim, silence_deadline_us, request_deadline_us);
    switch (x->fault) {
    case FAULT_REFUSED:
        fail(sim, x, sim->now_us + sim_between(sim, 1000, connect_deadline_us));
        return;
    case FAULT_LOST_REQUEST:
        fail(sim, x, silent_us);
        return;
    case FAULT_LOST_REPLY:
        fail(sim, x, silent_us);
        break;
    case FAULT_LATE_ARRIVAL:
        fail(sim, x, silent_us);
        up_us = INT64_MAX - sim->now_us; /* not before the connection is closed */
        break;
    default:
        break;
    }
    sim_schedule(sim, sim->now_us + up_us, EVENT_ARRIVAL, x->life, index);
}

void vendor_arrive(struct sim *sim, uint32_t index)
{
    struct exchange *x = &sim->exchanges[index];
    sim_scene(sim, SCENE_ARRIVAL);
    log_arrival(sim);
    sim_trace(sim, "arrival #%u%s", index, x->alive ? "" : ", nobody waits for it");
    if (!x->alive) {
        if (x->life != sim->life)
            sim_saw(sim, SOMETIMES_ARRIVED_AFTER_CRASH);
        x->used = false;
        return;
    }
    x->served_utc_s = sim_vendor_utc_s(sim);
    if (x->failure != CCD_OK)
        return; /* nobody hears the answer */
    answer(sim, x);
    int64_t down_us = draw_latency_us(sim);
    int64_t deadline_us = x->sent_us + request_deadline_us;
    if (x->fault == FAULT_RESET)
        x->failure = sim_one_in(sim, 2) ? CCD_NETWORK : CCD_BAD_REPLY; /* short of Content-Length */
    if (sim->now_us + down_us > deadline_us) {
        x->failure = CCD_NETWORK;
        x->status = 0;
        down_us = deadline_us > sim->now_us ? deadline_us - sim->now_us : 0;
    }
    schedule_reply(sim, x, sim->now_us + down_us);
}

/* The connection is closed: a request that is still under way arrives soon or never, and stays in
 * the books until then. */
void vendor_release(struct sim *sim, uint32_t index)
{
    struct exchange *x = &sim->exchanges[index];
    x->alive = false;
    x->used = sim_hasten_arrival(sim, index, sim->now_us + sim_between(sim, 0, late_most_us));
}

int vendor_abandon(struct sim *sim)
{
    int in_flight = 0;
    for (uint32_t i = 0; i < SIM_EXCHANGES_MAX; i++) {
        if (!sim->exchanges[i].used || !sim->exchanges[i].alive)
            continue;
        in_flight++;
        vendor_release(sim, i);
    }
    return in_flight;
}

bool vendor_is_sick(const struct sim *sim, const struct sim_series *s, int64_t ts)
{
    if (sim->sick_permille == 0)
        return false;
    struct rng r = {sim->seed ^ s->vendor->key ^ ((uint64_t)ts * 0x9e3779b97f4a7c15U)};
    return (int64_t)rng_below(&r, 1000) < sim->sick_permille;
}
