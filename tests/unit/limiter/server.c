#include "server.h"

#include <stdlib.h>
#include <unistd.h>

#include "scratch.h"

enum event_kind { EVENT_WAKE, EVENT_ARRIVE, EVENT_REPLY, EVENT_LOST, EVENT_RESTED, EVENT_FOREIGN };

struct event {
    int64_t at_us;
    uint64_t order; /* of equal times, so that a run repeats */
    enum event_kind kind;
    int process;
    uint32_t life; /* of the process: events of a dead one are void */
    uint32_t ticket;
    int64_t reply_us; /* of an arrival: when its reply is complete; 0 = it is lost */
    int64_t sent_us;
    enum rate_window refused; /* the window that made it a 429 */
    struct reply_headers headers;
};

struct process {
    struct ledger *ledger;
    uint32_t life;
    int idle;         /* clients with nothing to do but ask */
    int64_t woken_us; /* when it asks again */
};

struct heap {
    struct event *events;
    size_t used, capacity;
    uint64_t order;
};

/* Arrivals in one window, oldest first. */
struct arrivals {
    int64_t *at_us;
    size_t used, capacity, first;
};

struct world {
    struct world_config config;
    struct rng rng;
    struct test_clock clock;
    struct heap heap;
    struct arrivals ours;
    struct arrivals all;
    size_t window_first[RATE_WINDOW_COUNT]; /* in all: the oldest that still counts */
    int64_t fixed_index[RATE_WINDOW_COUNT];
    int64_t fixed_used[RATE_WINDOW_COUNT];
    int64_t fixed_phase_us[RATE_WINDOW_COUNT];
    struct process processes[PROCESSES_MAX];
    int64_t latency_sum_us;
    struct world_result result;
};

static const int64_t TIMEOUT_US = 5000000; /* above every latency */
static const int64_t ABANDON_US = 20000000;

static bool before(const struct event *a, const struct event *b)
{
    return a->at_us != b->at_us ? a->at_us < b->at_us : a->order < b->order;
}

static void push(struct world *w, struct event event)
{
    struct heap *h = &w->heap;
    if (h->used == h->capacity) {
        h->capacity = h->capacity ? h->capacity * 2 : 64;
        h->events = realloc(h->events, h->capacity * sizeof *h->events);
    }
    event.order = h->order++;
    size_t i = h->used++;
    for (; i > 0 && before(&event, &h->events[(i - 1) / 2]); i = (i - 1) / 2)
        h->events[i] = h->events[(i - 1) / 2];
    h->events[i] = event;
}

static struct event pop(struct world *w)
{
    struct heap *h = &w->heap;
    struct event top = h->events[0];
    struct event last = h->events[--h->used];
    size_t i = 0;
    for (;;) {
        size_t child = 2 * i + 1;
        if (child >= h->used)
            break;
        child += child + 1 < h->used && before(&h->events[child + 1], &h->events[child]);
        if (!before(&h->events[child], &last))
            break;
        h->events[i] = h->events[child];
        i = child;
    }
    h->events[i] = last;
    return top;
}

static void note(struct arrivals *a, int64_t at_us)
{
    if (a->used == a->capacity) {
        a->capacity = a->capacity ? a->capacity * 2 : 1024;
        a->at_us = realloc(a->at_us, a->capacity * sizeof *a->at_us);
    }
    a->at_us[a->used++] = at_us;
}

static bool chance(struct world *w, int per_mille)
{
    return per_mille > 0 && rng_below(&w->rng, 1000) < (uint64_t)per_mille;
}

static int64_t between(struct world *w, int64_t low, int64_t high)
{
    return low + (int64_t)rng_below(&w->rng, (uint64_t)(high - low) + 1);
}

static int64_t window_us(enum rate_window window)
{
    return seconds(rate_window_s[window]);
}

static int64_t enforced(const struct world *w, enum rate_window window)
{
    int64_t server = w->config.server_limit[window];
    return server ? server : w->config.limits.max[window];
}

static void fail(struct world *w, const char *what, const char *detail)
{
    if (!w->result.failure[0])
        (void)str_print(w->result.failure, sizeof w->result.failure, "%s: %s", what, detail);
}

/* Whether the newest of a's arrivals is one too many in some window that slides. */
static bool too_many(const struct arrivals *a, enum rate_window window, int64_t limit)
{
    if (limit <= 0 || a->used <= (size_t)limit)
        return false;
    return a->at_us[a->used - 1] - a->at_us[a->used - 1 - (size_t)limit] < window_us(window);
}

static void count_fixed(struct world *w, enum rate_window window, int64_t now_us)
{
    int64_t index = (now_us + w->fixed_phase_us[window]) / window_us(window);
    if (index != w->fixed_index[window]) {
        w->fixed_index[window] = index;
        w->fixed_used[window] = 0;
    }
    w->fixed_used[window]++;
}

static void tell(struct world *w, enum rate_window window, int64_t now_us,
                 struct reply_headers *headers)
{
    int64_t limit = enforced(w, window);
    int64_t length_us = window_us(window);
    size_t *first = &w->window_first[window];
    while (w->all.at_us[*first] <= now_us - length_us)
        ++*first;
    int64_t used = (int64_t)(w->all.used - *first);
    int64_t left_us = w->all.at_us[*first] + length_us - now_us;
    if (w->config.fixed_headers) {
        used = w->fixed_used[window];
        left_us = length_us - (now_us + w->fixed_phase_us[window]) % length_us;
    }
    if (limit == 0)
        return;
    headers->remaining[window] = used < limit ? limit - used : 0;
    headers->reset_s[window] = (left_us + 999999) / 1000000;
    headers->limit[window] = w->config.limit_header ? limit : -1;
}

/* Count a call. Returns the longest window that holds too many, RATE_WINDOW_COUNT when none does.
 */
static enum rate_window serve(struct world *w, bool ours, struct reply_headers *out_headers)
{
    int64_t now_us = w->clock.mono_us;
    enum rate_window refused = RATE_WINDOW_COUNT;
    *out_headers = no_headers();
    note(&w->all, now_us);
    if (ours)
        note(&w->ours, now_us);
    for (enum rate_window window = 0; window < RATE_WINDOW_COUNT; window++) {
        int64_t limit = enforced(w, window);
        count_fixed(w, window, now_us);
        bool over = w->config.fixed_headers ? limit > 0 && w->fixed_used[window] > limit
                                            : too_many(&w->all, window, limit);
        refused = over ? window : refused;
        if (ours) {
            w->result.violations += too_many(&w->ours, window, w->config.limits.max[window]) ||
                                    too_many(&w->ours, window, limit);
        }
        if (w->config.headers)
            tell(w, window, now_us, out_headers);
    }
    return refused;
}

static bool open_ledger(struct world *w, struct process *process)
{
    struct ledger_config config = {
        .directory = w->config.directory,
        .origin = "https://vendor.example:443",
        .api_key = "key",
        .limits = w->config.limits,
        .abandon_us = ABANDON_US,
        .clock = &w->clock.hook,
    };
    struct ccd_error err = {0};
    if (ledger_open(&config, &process->ledger, &err) != 0)
        fail(w, "ledger_open", err.message);
    return process->ledger != NULL;
}

static void wake_at(struct world *w, int process, int64_t at_us)
{
    struct process *p = &w->processes[process];
    if (p->woken_us > w->clock.mono_us && p->woken_us <= at_us)
        return; /* it asks again before that */
    p->woken_us = at_us;
    push(w,
         (struct event){.kind = EVENT_WAKE, .process = process, .life = p->life, .at_us = at_us});
}

/* The process is gone at once: what it had sent still arrives, its permits are given back by
 * nobody. Another one takes its place. */
static void kill_process(struct world *w, int process, int64_t restart_us)
{
    struct process *p = &w->processes[process];
    ledger_close(p->ledger);
    *p = (struct process){.life = p->life + 1, .idle = w->config.clients / w->config.processes};
    wake_at(w, process, restart_us);
}

/* Every process dies and the file goes. The requests that are under way are waited for, as they
 * would otherwise be unknowable. */
static void forget(struct world *w)
{
    char path[SCRATCH_PATH_BYTES];
    struct scratch scratch;
    (void)str_print(scratch.path, sizeof scratch.path, "%s", w->config.directory);
    for (int process = 0; process < w->config.processes; process++)
        kill_process(w, process, w->clock.mono_us + w->config.latency_max_us);
    if (scratch_find(&scratch, ".quota", path))
        (void)unlink(path);
    w->result.forgotten++;
}

static void send_call(struct world *w, int process, uint32_t ticket)
{
    int64_t now_us = w->clock.mono_us;
    int64_t latency_us = between(w, w->config.latency_min_us, w->config.latency_max_us);
    bool lost = chance(w, w->config.lost_per_mille);
    w->latency_sum_us += latency_us;
    push(w, (struct event){.kind = EVENT_ARRIVE,
                           .process = process,
                           .life = w->processes[process].life,
                           .ticket = ticket,
                           .at_us = now_us + between(w, 0, latency_us),
                           .sent_us = now_us,
                           .reply_us = lost ? 0 : now_us + latency_us});
}

static void on_arrive(struct world *w, const struct event *e)
{
    struct event reply = *e;
    reply.refused = serve(w, true, &reply.headers);
    reply.kind = e->reply_us ? EVENT_REPLY : EVENT_LOST;
    reply.at_us = e->reply_us ? e->reply_us : e->sent_us + TIMEOUT_US;
    push(w, reply);
    w->result.calls++;
    w->result.refused += reply.refused != RATE_WINDOW_COUNT;
}

static void on_wake(struct world *w, int process)
{
    struct process *p = &w->processes[process];
    while (p->idle > 0 && (p->ledger || open_ledger(w, p))) {
        struct permit permit;
        int64_t wait_us;
        struct ccd_error err = {0};
        if (ledger_acquire(p->ledger, CALL_BACKFILL, &permit, &wait_us, &err) != 0) {
            fail(w, "ledger_acquire", err.message);
            return;
        }
        if (permit.answer != PERMIT_GRANTED) {
            if (wait_us <= 0)
                fail(w, "ledger_acquire", "told to wait for nothing");
            wake_at(w, process, w->clock.mono_us + wait_us);
            return;
        }
        p->idle--;
        send_call(w, process, permit.ticket);
    }
}

static void on_reply(struct world *w, const struct event *e)
{
    struct process *p = &w->processes[e->process];
    struct ccd_error err = {0};
    if (chance(w, w->config.crash_per_mille)) {
        kill_process(w, e->process, w->clock.mono_us + between(w, 0, 3000000));
        w->result.crashes++;
        return;
    }
    if (chance(w, w->config.forget_per_mille)) {
        forget(w);
        return;
    }
    const struct reply_headers *headers = e->kind == EVENT_REPLY ? &e->headers : NULL;
    if (ledger_received(p->ledger, e->ticket, headers, &err) != 0) {
        fail(w, "ledger_received", err.message);
        return;
    }
    if (headers && e->refused != RATE_WINDOW_COUNT) {
        int64_t pause_s = headers->reset_s[e->refused] > 0 ? headers->reset_s[e->refused] : 1;
        if (ledger_throttled(p->ledger, seconds(pause_s), e->refused, &err) != 0)
            fail(w, "ledger_throttled", err.message);
    }
    struct event rested = *e;
    rested.kind = EVENT_RESTED;
    rested.at_us = w->clock.mono_us;
    rested.at_us += chance(w, w->config.idle_per_mille) ? between(w, 0, seconds(90)) : 0;
    push(w, rested);
}

static void on_event(struct world *w, const struct event *e)
{
    struct reply_headers unread;
    if (e->kind == EVENT_FOREIGN) {
        (void)serve(w, false, &unread);
        int64_t every_us = w->config.foreign_every_us;
        push(w, (struct event){.kind = EVENT_FOREIGN,
                               .at_us = e->at_us + between(w, every_us / 2, every_us * 3 / 2)});
    } else if (e->kind == EVENT_ARRIVE) {
        on_arrive(w, e); /* also of a process that has died since */
    } else if (e->life != w->processes[e->process].life) {
        return;
    } else if (e->kind == EVENT_WAKE) {
        on_wake(w, e->process);
    } else if (e->kind == EVENT_RESTED) {
        w->processes[e->process].idle++;
        wake_at(w, e->process, e->at_us);
    } else {
        on_reply(w, e);
    }
}

static double utilisation(const struct world *w, enum rate_window window, int skip_rounds)
{
    size_t limit = (size_t)enforced(w, window);
    if (limit == 0 || w->ours.used <= limit)
        return 0;
    size_t from = limit * (size_t)skip_rounds;
    size_t rounds = (w->ours.used - 1 - from) / limit;
    double took_us = (double)(w->ours.at_us[from + rounds * limit] - w->ours.at_us[from]);
    double latency_us = (double)w->latency_sum_us / (double)w->result.calls;
    return (double)rounds * ((double)window_us(window) + latency_us) / took_us;
}

static void prepare(struct world *w, const struct world_config *config)
{
    w->config = *config;
    w->config.processes = config->processes ? config->processes : 1;
    w->rng.state = config->seed;
    test_clock_init(&w->clock);
    for (enum rate_window window = 0; window < RATE_WINDOW_COUNT; window++)
        w->fixed_phase_us[window] = between(w, 0, window_us(window) - 1);
    for (int i = 0; i < config->foreign_before; i++) {
        struct reply_headers unread;
        (void)serve(w, false, &unread);
        test_clock_add(&w->clock, 1000000 / (config->foreign_before + 1));
    }
    for (int process = 0; process < w->config.processes; process++) {
        w->processes[process].idle = config->clients / w->config.processes;
        wake_at(w, process, w->clock.mono_us + between(w, 0, 1000));
    }
    if (config->foreign_every_us > 0) {
        push(w, (struct event){.kind = EVENT_FOREIGN,
                               .at_us = w->clock.mono_us + config->foreign_every_us});
    }
}

struct world_result world_run(const struct world_config *config, enum rate_window binding,
                              int skip_rounds)
{
    struct world *w = calloc(1, sizeof *w);
    prepare(w, config);
    while (w->result.calls < config->calls && w->heap.used > 0 && !w->result.failure[0]) {
        struct event e = pop(w);
        test_clock_add(&w->clock, e.at_us - w->clock.mono_us);
        on_event(w, &e);
    }
    if (w->result.calls < config->calls)
        fail(w, "the world", "stood still");
    w->result.utilisation = utilisation(w, binding, skip_rounds);
    struct world_result result = w->result;
    for (int process = 0; process < PROCESSES_MAX; process++)
        ledger_close(w->processes[process].ledger);
    free(w->heap.events);
    free(w->ours.at_us);
    free(w->all.at_us);
    free(w);
    return result;
}
