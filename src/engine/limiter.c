#include "engine/limiter.h"

#include <string.h>

static const int64_t MICROSECONDS_PER_SECOND = 1000000;

enum {
    LIMITER_VERSION = 2,
    LIMITER_BUCKET_FILL = LIMITER_BUCKETS - 2, /* buckets that a full window's calls are dealt to:
                                                  one more is being emptied, one being filled */
    UNLIMITED_BUCKET_CALLS = 64,               /* calls of a bucket in a window without a limit */
};

/* The vendor's clock and ours may run apart by this share: 500 ppm is the most that NTP slews. */
enum { DRIFT_DIVISOR = 2000 };

/* A connection that was closed without a reply: the request may still be under way to the server,
 * at most for a retransmission or two. */
static const int64_t LOST_GUARD_US = 3000000;

/* How soon to ask again where only another permit's reply can help. */
static const int64_t POLL_US = 20000;

/* Who waits comes back a little after the moment it was told, and after a grant soon for the next
 * call. One that never comes back is waited for so long at most. */
static const int64_t WISH_GRACE_US = 200000;
static const int64_t WISH_AGAIN_US = 50000;
static const int64_t WISH_MAX_US = 61000000;

/* Stamps hold the low 32 bits of a time, which are unambiguous for 71 minutes: none may be older
 * than STAMP_KEEP_US when time moves, nor time move by more than STAMP_GAP_US. */
static const int64_t STAMP_KEEP_US = 600000000;
static const int64_t STAMP_GAP_US = 3000000000;

/* Hostile or mistyped figures stop here, so that no product or sum below can overflow. */
static const int64_t LIMIT_MAX = 1LL << 40;
static const int64_t TIME_MAX_US = 1LL << 60;

/* `count` calls, none received after latest_us. They are further known to be at most as late as an
 * even row that ends at line_us with steps of step_us, which lets the bucket empty call by call
 * when they came evenly, the case where waiting for latest_us would cost most. */
struct bucket {
    int64_t latest_us;
    int64_t line_us;
    int64_t step_us;
    int64_t count;
};

/* Oldest first, in a ring. */
struct history {
    uint32_t first;
    uint32_t used;
    uint64_t opened; /* buckets ever opened; says how many calls the newest may take */
    struct bucket buckets[LIMITER_BUCKETS];
};

struct window_state {
    int64_t server_limit; /* by the last X-RateLimit-Limit; 0 = not told */
    int64_t slowed_limit; /* after a 429; 0 = not slowed */
    int64_t slowed_us;
    int64_t blocked_until_us; /* the server said that nothing remains */
    int64_t reset_us;         /* when the server will forget the foreign calls; 0 = not told */
    struct history calls;     /* our own, every one */
    struct history foreign;   /* that only the server knows of: other hosts, a lost ledger */
};

struct open_permit {
    int64_t granted_us;
    int64_t expires_us; /* counts as received when it is first looked at after that */
    uint32_t ticket;    /* 0: given back without a reply, waits for expires_us */
    uint32_t since_us;  /* from the grant before this one, or as much of it as fits */
};

/* Somebody waits with this priority, and asks again before until_us. */
struct wish {
    uint64_t owner;
    int64_t until_us;
};

/* COLD: nothing is known of the server's count. RESEEDING: the server's announced reset has passed
 * and foreign calls are to be read anew. In both, one call goes alone. */
enum phase { PHASE_COLD, PHASE_SEEDED, PHASE_RESEEDING };

struct limiter_state {
    uint32_t version;
    uint32_t phase;
    int64_t now_us; /* the latest time seen: never goes back */
    int64_t last_grant_us;
    int64_t last_received_us;
    int64_t throttled_until_us;
    uint32_t throttled_window;
    uint32_t sequence; /* of tickets; 0 = none granted yet */
    uint64_t open_bits[LIMITER_OPEN_MAX / 64];
    struct open_permit open[LIMITER_OPEN_MAX];
    struct window_state windows[RATE_WINDOW_COUNT];
    struct wish wishes[CALL_BACKFILL]; /* nobody gives way to the lowest priority */
    int64_t stamp_lost_us;             /* the latest time that left the stamps */
    uint32_t stamp_any_lost;
    uint32_t open_count;
    uint32_t stamp_first;
    uint32_t stamp_used;
    uint32_t stamps[LIMITER_EXACT_MAX]; /* when our own calls were received; oldest first, a ring */
};

_Static_assert(sizeof(struct limiter_state) <= 65536, "written to the ledger at every permit");
_Static_assert((LIMITER_BUCKETS & (LIMITER_BUCKETS - 1)) == 0, "bucket_at masks");
_Static_assert(LIMITER_OPEN_MAX == 256, "a ticket's low byte is its slot");

size_t limiter_state_size(void)
{
    return sizeof(struct limiter_state);
}

void limiter_state_init(struct limiter_state *state)
{
    memset(state, 0, sizeof *state);
    state->version = LIMITER_VERSION;
}

static int64_t min_i64(int64_t a, int64_t b)
{
    return a < b ? a : b;
}

static int64_t max_i64(int64_t a, int64_t b)
{
    return a > b ? a : b;
}

/* How long a received call counts. */
static int64_t window_us(enum rate_window w)
{
    int64_t exact_us = rate_window_s[w] * MICROSECONDS_PER_SECOND;
    return exact_us + exact_us / DRIFT_DIVISOR;
}

/* The limit that was configured or told, whichever is lower; 0 = unlimited. */
static int64_t standing_limit(const struct limiter_state *state,
                              const struct limiter_limits *limits, enum rate_window w)
{
    int64_t configured = limits->max[w] > 0 ? min_i64(limits->max[w], LIMIT_MAX) : 0;
    int64_t told = state->windows[w].server_limit;
    if (configured == 0 || told == 0)
        return configured + told;
    return min_i64(configured, told);
}

/* standing_limit, or less after a 429: a call per window comes back. */
static int64_t limit_at(const struct limiter_state *state, const struct limiter_limits *limits,
                        enum rate_window w, int64_t now_us)
{
    const struct window_state *window = &state->windows[w];
    int64_t limit = standing_limit(state, limits, w);
    if (window->slowed_limit == 0 || limit == 0)
        return limit;
    int64_t regained = max_i64(now_us - window->slowed_us, 0) /
                       (rate_window_s[w] * MICROSECONDS_PER_SECOND);
    return min_i64(limit, window->slowed_limit + regained);
}

static struct bucket *bucket_at(const struct history *h, uint32_t index)
{
    return (struct bucket *)&h->buckets[(h->first + index) & (LIMITER_BUCKETS - 1)];
}

/* Calls of the bucket that may have been received at or after cutoff_us. */
static int64_t bucket_live(const struct bucket *b, int64_t cutoff_us)
{
    if (b->latest_us < cutoff_us)
        return 0;
    int64_t first_us = b->line_us - (b->count - 1) * b->step_us;
    if (first_us >= cutoff_us)
        return b->count;
    return b->count - (cutoff_us - first_us + b->step_us - 1) / b->step_us;
}

static int64_t history_count(const struct history *h, int64_t cutoff_us)
{
    int64_t total = 0;
    for (uint32_t i = h->used; i-- > 0;) {
        int64_t live = bucket_live(bucket_at(h, i), cutoff_us);
        total += live;
        if (live < bucket_at(h, i)->count)
            break; /* the ones before are older still */
    }
    return total;
}

static void history_drop_before(struct history *h, int64_t cutoff_us)
{
    while (h->used > 0 && bucket_at(h, 0)->latest_us < cutoff_us) {
        h->first = (h->first + 1) & (LIMITER_BUCKETS - 1);
        h->used--;
    }
}

/* Make two neighbours one, as late as the later: the pair that holds the fewest calls. */
static void history_merge_smallest(struct history *h)
{
    uint32_t at = 0;
    int64_t fewest = INT64_MAX;
    for (uint32_t i = 0; i + 1 < h->used; i++) {
        int64_t calls = bucket_at(h, i)->count + bucket_at(h, i + 1)->count;
        if (calls < fewest) {
            fewest = calls;
            at = i;
        }
    }
    struct bucket *merged = bucket_at(h, at);
    merged->latest_us = bucket_at(h, at + 1)->latest_us;
    merged->count = fewest;
    merged->step_us = 1; /* two rows are not one: all count as late as the latest */
    merged->line_us = merged->latest_us + fewest;
    for (uint32_t i = at + 1; i + 1 < h->used; i++)
        *bucket_at(h, i) = *bucket_at(h, i + 1);
    h->used--;
}

/* How many calls the newest bucket takes: `limit` calls fill LIMITER_BUCKET_FILL buckets evenly. */
static int64_t history_share(const struct history *h, int64_t limit)
{
    if (limit == 0)
        return UNLIMITED_BUCKET_CALLS;
    int64_t turn = (int64_t)(h->opened % LIMITER_BUCKET_FILL);
    int64_t share = (turn + 1) * limit / LIMITER_BUCKET_FILL - turn * limit / LIMITER_BUCKET_FILL;
    return max_i64(share, 1);
}

/* `count` calls received at received_us, which is never before that of the last addition. */
static void history_add(struct history *h, enum rate_window w, int64_t limit, int64_t received_us,
                        int64_t count)
{
    struct bucket *newest = h->used > 0 ? bucket_at(h, h->used - 1) : NULL;
    int64_t step_us = limit > 0 ? max_i64(window_us(w) / limit, 1) : 1;
    /* Steps of a limit that has been raised since would take the row beyond all bounds. */
    if (!newest || newest->step_us > step_us || newest->count + count > history_share(h, limit)) {
        if (h->used == LIMITER_BUCKETS)
            history_drop_before(h, received_us - window_us(w));
        if (h->used == LIMITER_BUCKETS)
            history_merge_smallest(h);
        newest = bucket_at(h, h->used++);
        *newest = (struct bucket){.line_us = received_us - step_us, .step_us = step_us};
        h->opened++;
    }
    newest->line_us = max_i64(newest->line_us + newest->step_us, received_us) +
                      (count - 1) * newest->step_us;
    newest->latest_us = received_us;
    newest->count += count;
}

static void history_clear(struct history *h)
{
    h->first = 0;
    h->used = 0;
}

static uint32_t stamp_age_us(const struct limiter_state *state, uint32_t index)
{
    uint32_t at = state->stamp_first + index;
    at -= at >= LIMITER_EXACT_MAX ? LIMITER_EXACT_MAX : 0;
    return (uint32_t)state->now_us - state->stamps[at];
}

static void stamps_drop_oldest(struct limiter_state *state)
{
    state->stamp_lost_us = state->now_us - stamp_age_us(state, 0);
    state->stamp_any_lost = 1;
    state->stamp_first = (state->stamp_first + 1) % LIMITER_EXACT_MAX;
    state->stamp_used--;
}

static void stamps_add(struct limiter_state *state)
{
    if (state->stamp_used == LIMITER_EXACT_MAX)
        stamps_drop_oldest(state);
    uint32_t at = (state->stamp_first + state->stamp_used) % LIMITER_EXACT_MAX;
    state->stamps[at] = (uint32_t)state->now_us;
    state->stamp_used++;
}

/* Own calls received at or after cutoff_us; false when stamps that old have been dropped. */
static bool stamps_count(const struct limiter_state *state, int64_t cutoff_us, int64_t *out_count)
{
    if (state->stamp_any_lost && state->stamp_lost_us >= cutoff_us)
        return false;
    int64_t age_max_us = state->now_us - cutoff_us;
    uint32_t low = 0; /* the first stamp that is young enough */
    uint32_t high = state->stamp_used;
    while (low < high) {
        uint32_t middle = (low + high) / 2;
        if ((int64_t)stamp_age_us(state, middle) <= age_max_us)
            high = middle;
        else
            low = middle + 1;
    }
    *out_count = state->stamp_used - low;
    return true;
}

static int64_t own_count(const struct limiter_state *state, enum rate_window w, int64_t cutoff_us)
{
    int64_t count;
    if (w <= RATE_MINUTE && stamps_count(state, cutoff_us, &count))
        return count;
    return history_count(&state->windows[w].calls, cutoff_us);
}

static int64_t foreign_count(const struct limiter_state *state, enum rate_window w,
                             int64_t cutoff_us)
{
    return history_count(&state->windows[w].foreign, cutoff_us);
}

/* The first moment after now_us at which fewer than `limit` calls count, foreign ones included when
 * asked for, and no open permit has come back in between. */
static int64_t window_free_us(const struct limiter_state *state, enum rate_window w, int64_t limit,
                              int64_t now_us, bool with_foreign)
{
    int64_t full_us = now_us;
    int64_t free_us = now_us + window_us(w) + 1;
    while (free_us - full_us > 1) {
        int64_t middle_us = full_us + (free_us - full_us) / 2;
        int64_t cutoff_us = middle_us - window_us(w);
        int64_t count = own_count(state, w, cutoff_us) + (int64_t)state->open_count;
        count += with_foreign ? foreign_count(state, w, cutoff_us) : 0;
        if (count < limit)
            free_us = middle_us;
        else
            full_us = middle_us;
    }
    return free_us;
}

static void advance(struct limiter_state *state, int64_t now_us)
{
    if (now_us > state->now_us) {
        if (state->stamp_used > 0 && now_us - state->now_us > STAMP_GAP_US) {
            state->stamp_lost_us = state->last_received_us;
            state->stamp_any_lost = 1;
            state->stamp_used = 0;
        }
        state->now_us = now_us;
    }
    while (state->stamp_used > 0 && stamp_age_us(state, 0) > STAMP_KEEP_US)
        stamps_drop_oldest(state);
}

static void add_received(struct limiter_state *state, const struct limiter_limits *limits)
{
    state->last_received_us = state->now_us;
    stamps_add(state);
    for (enum rate_window w = 0; w < RATE_WINDOW_COUNT; w++) {
        int64_t limit = standing_limit(state, limits, w);
        history_add(&state->windows[w].calls, w, limit, state->now_us, 1);
    }
}

static void open_remove(struct limiter_state *state, uint32_t slot)
{
    state->open_bits[slot / 64] &= ~(1ULL << slot % 64);
    state->open_count--;
}

/* The open permit of a ticket that has not been given back yet, or NULL. */
static struct open_permit *open_find(struct limiter_state *state, uint32_t ticket)
{
    uint32_t slot = ticket % LIMITER_OPEN_MAX;
    bool open = state->open_bits[slot / 64] >> slot % 64 & 1;
    return open && ticket != 0 && state->open[slot].ticket == ticket ? &state->open[slot] : NULL;
}

/* Count permits that nobody gives back any more as received, now and not when they expired: a host
 * that slept in between may send what it had begun only after it woke. Returns when the oldest of
 * the others was granted; now when there is none. */
static int64_t sweep_open(struct limiter_state *state, const struct limiter_limits *limits)
{
    int64_t oldest_us = state->now_us;
    for (uint32_t word = 0; word < LIMITER_OPEN_MAX / 64; word++) {
        for (uint64_t bits = state->open_bits[word]; bits != 0; bits &= bits - 1) {
            uint32_t slot = word * 64 + (uint32_t)__builtin_ctzll(bits);
            if (state->open[slot].expires_us <= state->now_us) {
                add_received(state, limits);
                open_remove(state, slot);
            } else {
                oldest_us = min_i64(oldest_us, state->open[slot].granted_us);
            }
        }
    }
    return oldest_us;
}

static uint32_t open_add(struct limiter_state *state, uint64_t owner, int64_t abandon_us)
{
    uint32_t word = 0;
    while (state->open_bits[word] == UINT64_MAX)
        word++;
    uint32_t slot = word * 64 + (uint32_t)__builtin_ctzll(~state->open_bits[word]);
    if (state->sequence == 0) {
        /* A ledger that replaces a lost one must not deal the lost one's tickets again. */
        state->sequence = (uint32_t)(owner ^ owner >> 32);
    }
    do {
        state->sequence++;
    } while ((state->sequence & 0xFFFFFF) == 0);
    uint32_t ticket = state->sequence << 8 | slot;
    int64_t since_us = state->now_us - state->last_grant_us;
    state->open[slot] = (struct open_permit){.granted_us = state->now_us,
                                             .expires_us = state->now_us + max_i64(abandon_us, 0),
                                             .ticket = ticket,
                                             .since_us = (uint32_t)min_i64(since_us, UINT32_MAX)};
    state->open_bits[word] |= 1ULL << slot % 64;
    state->open_count++;
    return ticket;
}

/* Keep the longest of the reasons to wait. */
static void wait_for(struct permit *permit, int64_t until_us, enum rate_window w)
{
    if (permit->answer == PERMIT_GRANTED || until_us > permit->wait_until_us) {
        bool spent = w >= RATE_HOUR && w < RATE_WINDOW_COUNT;
        permit->answer = spent ? PERMIT_SPENT : PERMIT_WAIT;
        permit->wait_until_us = until_us;
        permit->window = w;
    }
}

/* Rounded up, but never all of it. */
static int64_t reserved(int64_t limit, int percent)
{
    int64_t calls = limit / 100 * percent + (limit % 100 * percent + 99) / 100;
    return min_i64(calls, limit - 1);
}

/* Whether window w has room. When foreign calls alone keep a long one shut, which may be for weeks,
 * the server's announced reset opens it to one call that goes alone (*out_reseed). */
static void check_window(const struct limiter_state *state, const struct limiter_limits *limits,
                         enum rate_window w, int reserve_percent, struct permit *permit,
                         bool *out_reseed)
{
    const struct window_state *window = &state->windows[w];
    int64_t now_us = state->now_us;
    if (window->blocked_until_us > now_us)
        wait_for(permit, window->blocked_until_us, w);
    int64_t limit = limit_at(state, limits, w, now_us);
    if (limit == 0)
        return;
    if (w >= RATE_HOUR)
        limit -= reserved(limit, reserve_percent);
    int64_t cutoff_us = now_us - window_us(w);
    int64_t own = own_count(state, w, cutoff_us) + (int64_t)state->open_count;
    if (own + foreign_count(state, w, cutoff_us) < limit)
        return;
    int64_t free_us = window_free_us(state, w, limit, now_us, true);
    if (window->reset_us != 0 && w >= RATE_HOUR) {
        if (own < limit && window->reset_us <= now_us) {
            *out_reseed = true;
            return;
        }
        int64_t own_free_us = own < limit ? now_us : window_free_us(state, w, limit, now_us, false);
        free_us = min_i64(free_us, max_i64(window->reset_us, own_free_us));
    }
    wait_for(permit, free_us, w);
}

static void drop_expired(struct limiter_state *state, int64_t oldest_open_us)
{
    /* The reply of an open permit is compared with what counted when it was granted. */
    for (enum rate_window w = 0; w < RATE_WINDOW_COUNT; w++) {
        history_drop_before(&state->windows[w].calls, oldest_open_us - window_us(w));
        history_drop_before(&state->windows[w].foreign, oldest_open_us - window_us(w));
    }
}

/* Give way to others who wait with a higher priority. */
static void give_way(const struct limiter_state *state, const struct limiter_ask *ask,
                     struct permit *permit)
{
    for (int p = 0; p < (int)ask->priority; p++)
        if (state->wishes[p].until_us > state->now_us && state->wishes[p].owner != ask->owner)
            wait_for(permit, state->now_us + POLL_US, RATE_WINDOW_COUNT);
}

/* Who has to wait, or was granted a call and may want the next, is waited for by the others. */
static void note_wish(struct limiter_state *state, const struct limiter_ask *ask,
                      const struct permit *permit)
{
    if (ask->priority >= CALL_BACKFILL || permit->answer == PERMIT_SPENT)
        return;
    int64_t until_us = state->now_us + WISH_AGAIN_US;
    if (permit->answer == PERMIT_WAIT)
        until_us = min_i64(permit->wait_until_us + WISH_GRACE_US, state->now_us + WISH_MAX_US);
    state->wishes[ask->priority] = (struct wish){ask->owner, until_us};
}

static void check_windows(struct limiter_state *state, const struct limiter_limits *limits,
                          const struct limiter_ask *ask, struct permit *permit, bool *out_reseed)
{
    int64_t now_us = state->now_us;
    if (state->throttled_until_us > now_us)
        wait_for(permit, state->throttled_until_us, (enum rate_window)state->throttled_window);
    if (limits->delay_us > 0 && state->sequence != 0 &&
        state->last_grant_us + limits->delay_us > now_us)
        wait_for(permit, state->last_grant_us + limits->delay_us, RATE_WINDOW_COUNT);
    for (enum rate_window w = 0; w < RATE_WINDOW_COUNT; w++)
        check_window(state, limits, w, ask->reserve_percent, permit, out_reseed);
}

struct permit limiter_acquire(struct limiter_state *state, const struct limiter_limits *limits,
                              int64_t now_us, const struct limiter_ask *ask)
{
    struct permit permit = {.answer = PERMIT_GRANTED, .window = RATE_WINDOW_COUNT};
    bool reseed = false;
    advance(state, now_us);
    now_us = state->now_us;
    drop_expired(state, sweep_open(state, limits));
    check_windows(state, limits, ask, &permit, &reseed);
    give_way(state, ask, &permit);
    bool alone = state->phase != PHASE_SEEDED || reseed;
    if ((alone && state->open_count > 0) || state->open_count == LIMITER_OPEN_MAX)
        wait_for(&permit, now_us + POLL_US, RATE_WINDOW_COUNT);
    if (permit.answer == PERMIT_GRANTED) {
        if (reseed && state->phase == PHASE_SEEDED)
            state->phase = PHASE_RESEEDING;
        permit.ticket = open_add(state, ask->owner, ask->abandon_us);
        state->last_grant_us = now_us;
        permit.wait_until_us = now_us;
    }
    note_wish(state, ask, &permit);
    return permit;
}

/* A reset in seconds as microseconds; a longer one than the window's is not believed beyond a
 * calendar month of 31 days. */
static int64_t reset_wait_us(enum rate_window w, int64_t reset_s)
{
    int64_t longest_s = rate_window_s[w] + rate_window_s[w] / 30;
    return min_i64(reset_s, longest_s) * MICROSECONDS_PER_SECOND;
}

/* The server said, when it saw a call that was granted at granted_us, that `remaining` calls were
 * left. It had counted at most what we have received since a window before the grant, plus all that
 * is open: only what is missing beyond that must be foreign. So a server that counts nothing but
 * our own calls never makes us count one twice, and what is counted once is not added again by the
 * next reply. */
static void correct(struct limiter_state *state, const struct limiter_limits *limits,
                    enum rate_window w, int64_t granted_us, const struct reply_headers *headers)
{
    struct window_state *window = &state->windows[w];
    int64_t remaining = headers->remaining[w];
    int64_t now_us = state->now_us;
    int64_t wait_us = window_us(w);
    if (headers->reset_s[w] >= 0)
        wait_us = reset_wait_us(w, headers->reset_s[w]);
    int64_t limit = limit_at(state, limits, w, now_us);
    int64_t cutoff_us = granted_us - window_us(w);
    int64_t known = own_count(state, w, cutoff_us) + foreign_count(state, w, cutoff_us) +
                    (int64_t)state->open_count;
    int64_t used = limit - remaining;
    if (state->phase == PHASE_COLD && w <= RATE_MINUTE && window->server_limit > 0) {
        /* What a lost ledger may have spent a moment ago counts against our own limit too. For the
         * longer windows that would let other users of the key starve us. */
        used = min_i64(window->server_limit - remaining, limit);
    }
    bool missing = limit > 0 && used > known;
    if (missing)
        history_add(&window->foreign, w, standing_limit(state, limits, w), now_us, used - known);
    /* A window that our own calls fill needs no block, the rule itself waits: Reset is in whole
     * seconds and would cost up to one in every window. */
    if (remaining == 0 && (limit == 0 || missing))
        window->blocked_until_us = max_i64(window->blocked_until_us, now_us + wait_us);
    /* A reset that has passed goes on to vouch for the foreign calls from before it. */
    if (missing || window->reset_us > now_us || window->reset_us == 0) {
        bool told = headers->reset_s[w] >= 0;
        window->reset_us = told ? now_us + wait_us + MICROSECONDS_PER_SECOND : 0; /* rounded down */
    }
}

static void apply_headers(struct limiter_state *state, const struct limiter_limits *limits,
                          int64_t granted_us, const struct reply_headers *headers)
{
    bool told = false;
    for (enum rate_window w = 0; w < RATE_WINDOW_COUNT; w++) {
        struct window_state *window = &state->windows[w];
        if (headers->limit[w] > 0)
            window->server_limit = min_i64(headers->limit[w], LIMIT_MAX);
        if (headers->remaining[w] >= 0) {
            told = true;
            if (state->phase == PHASE_RESEEDING)
                history_clear(&window->foreign);
            correct(state, limits, w, granted_us, headers);
        } else if (state->phase == PHASE_RESEEDING) {
            window->reset_us = 0; /* one call has asked in vain: foreign calls grow old instead */
        }
    }
    int64_t per_second = standing_limit(state, limits, RATE_SECOND);
    if (state->phase == PHASE_COLD && !told && per_second > 0) {
        history_add(&state->windows[RATE_SECOND].foreign, RATE_SECOND, per_second, state->now_us,
                    per_second);
    }
    state->phase = PHASE_SEEDED;
}

void limiter_received(struct limiter_state *state, const struct limiter_limits *limits,
                      uint32_t ticket, int64_t now_us, const struct reply_headers *headers)
{
    advance(state, now_us);
    struct open_permit *permit = open_find(state, ticket);
    if (!permit)
        return;
    if (!headers) {
        permit->ticket = 0;
        permit->expires_us = min_i64(permit->expires_us, state->now_us + LOST_GUARD_US);
        return;
    }
    int64_t granted_us = permit->granted_us;
    open_remove(state, ticket % LIMITER_OPEN_MAX);
    add_received(state, limits);
    apply_headers(state, limits, granted_us, headers);
}

void limiter_cancel(struct limiter_state *state, uint32_t ticket)
{
    const struct open_permit *permit = open_find(state, ticket);
    if (!permit)
        return;
    if (permit->granted_us == state->last_grant_us)
        state->last_grant_us -= permit->since_us;
    open_remove(state, ticket % LIMITER_OPEN_MAX);
}

void limiter_throttled(struct limiter_state *state, const struct limiter_limits *limits,
                       int64_t now_us, int64_t until_us, enum rate_window window)
{
    advance(state, now_us);
    now_us = state->now_us;
    bool known_window = window < RATE_WINDOW_COUNT;
    bool still_paused = state->throttled_until_us > now_us;
    until_us = min_i64(until_us, now_us + reset_wait_us(RATE_MONTH, INT64_MAX));
    if (until_us > state->throttled_until_us) {
        state->throttled_until_us = until_us;
        state->throttled_window = known_window ? window : RATE_WINDOW_COUNT;
    }
    int64_t limit = known_window ? limit_at(state, limits, window, now_us) : 0;
    if (limit == 0)
        return;
    struct window_state *slowed = &state->windows[window];
    int64_t event_us = min_i64(window_us(window), window_us(RATE_MINUTE));
    bool same_event = slowed->slowed_limit > 0 && now_us - slowed->slowed_us < event_us;
    if (still_paused || same_event)
        return; /* the calls that were under way together are refused together: one reason, once */
    slowed->slowed_limit = max_i64(limit / 2, 1);
    slowed->slowed_us = now_us;
}

int64_t limiter_left(const struct limiter_state *state, const struct limiter_limits *limits,
                     int64_t now_us, enum rate_window window)
{
    now_us = max_i64(now_us, state->now_us);
    int64_t limit = limit_at(state, limits, window, now_us);
    if (state->windows[window].blocked_until_us > now_us || state->throttled_until_us > now_us)
        return 0;
    if (limit == 0)
        return INT64_MAX;
    return max_i64(limit - limiter_used(state, now_us, window), 0);
}

int64_t limiter_used(const struct limiter_state *state, int64_t now_us, enum rate_window window)
{
    int64_t cutoff_us = max_i64(now_us, state->now_us) - window_us(window);
    return own_count(state, window, cutoff_us) + foreign_count(state, window, cutoff_us) +
           (int64_t)state->open_count;
}

int64_t limiter_limit(const struct limiter_state *state, const struct limiter_limits *limits,
                      int64_t now_us, enum rate_window window)
{
    return limit_at(state, limits, window, max_i64(now_us, state->now_us));
}

static bool time_valid(int64_t time_us)
{
    return time_us >= -TIME_MAX_US && time_us <= TIME_MAX_US;
}

static bool history_valid(const struct history *h, int64_t now_us)
{
    if (h->first >= LIMITER_BUCKETS || h->used > LIMITER_BUCKETS)
        return false;
    int64_t before_us = -TIME_MAX_US;
    for (uint32_t i = 0; i < h->used; i++) {
        const struct bucket *b = bucket_at(h, i);
        if (b->latest_us < before_us || b->latest_us > now_us || b->line_us < b->latest_us ||
            b->line_us > 2 * TIME_MAX_US || b->count < 1 || b->count > 2 * LIMIT_MAX ||
            b->step_us < 1 || b->step_us > TIME_MAX_US / b->count)
            return false;
        before_us = b->latest_us;
    }
    return true;
}

static bool stamps_valid(const struct limiter_state *state)
{
    if (state->stamp_first >= LIMITER_EXACT_MAX || state->stamp_used > LIMITER_EXACT_MAX ||
        !time_valid(state->stamp_lost_us))
        return false;
    for (uint32_t i = 1; i < state->stamp_used; i++)
        if (stamp_age_us(state, i) > stamp_age_us(state, i - 1))
            return false;
    return true;
}

static bool open_valid(const struct limiter_state *state)
{
    uint32_t count = 0;
    for (uint32_t slot = 0; slot < LIMITER_OPEN_MAX; slot++) {
        const struct open_permit *permit = &state->open[slot];
        if (!(state->open_bits[slot / 64] >> slot % 64 & 1))
            continue;
        count++;
        if (permit->granted_us < -TIME_MAX_US || permit->granted_us > state->now_us ||
            !time_valid(permit->expires_us) ||
            (permit->ticket != 0 && permit->ticket % LIMITER_OPEN_MAX != slot))
            return false;
    }
    return count == state->open_count;
}

bool limiter_state_valid(const struct limiter_state *state)
{
    if (state->version != LIMITER_VERSION || state->phase > PHASE_RESEEDING ||
        state->throttled_window > RATE_WINDOW_COUNT || state->now_us < 0 ||
        !time_valid(state->now_us) || !time_valid(state->throttled_until_us) ||
        !time_valid(state->last_grant_us) || state->last_grant_us > state->now_us ||
        !time_valid(state->last_received_us) || state->last_received_us > state->now_us)
        return false;
    for (enum rate_window w = 0; w < RATE_WINDOW_COUNT; w++) {
        const struct window_state *window = &state->windows[w];
        if (window->server_limit < 0 || window->server_limit > LIMIT_MAX ||
            window->slowed_limit < 0 || window->slowed_limit > LIMIT_MAX ||
            !time_valid(window->slowed_us) || !time_valid(window->blocked_until_us) ||
            !time_valid(window->reset_us) || !history_valid(&window->calls, state->now_us) ||
            !history_valid(&window->foreign, state->now_us))
            return false;
    }
    for (int p = 0; p < CALL_BACKFILL; p++)
        if (state->wishes[p].until_us > state->now_us + WISH_MAX_US ||
            !time_valid(state->wishes[p].until_us))
            return false;
    return open_valid(state) && stamps_valid(state);
}
