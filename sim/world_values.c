/* Values of the world: walks through time made of hashes, in integers only. A walk is read at a
 * moment, so the close of a day, of its last hour and of its last minute are one number, and any
 * row is computed without its neighbours. */
#include "base/time.h"
#include "sim/world_private.h"

typedef unsigned __int128 u128;

enum {
    LEVEL_BITS = 31, /* a walk is a fraction of its middle in units of 2^-31 */
    ANCHOR_PERIODS =
        64, /* every so many periods one is never skipped: bounds the look back for an open */
    HUGE_COUNTER_UNIT = 10000, /* JavaScript prints counters beyond 2^53 with zeros at the end */
    JAVASCRIPT_SAFE_BITS = 53,
};

const uint64_t powers_of_ten[20] = {
    1ULL,
    10ULL,
    100ULL,
    1000ULL,
    10000ULL,
    100000ULL,
    1000000ULL,
    10000000ULL,
    100000000ULL,
    1000000000ULL,
    10000000000ULL,
    100000000000ULL,
    1000000000000ULL,
    10000000000000ULL,
    100000000000000ULL,
    1000000000000000ULL,
    10000000000000000ULL,
    100000000000000000ULL,
    1000000000000000000ULL,
    10000000000000000000ULL,
};

/* ---- dice */

uint64_t dice_mix(uint64_t x)
{
    x = (x ^ (x >> 30)) * 0xbf58476d1ce4e5b9ULL;
    x = (x ^ (x >> 27)) * 0x94d049bb133111ebULL;
    return x ^ (x >> 31);
}

uint64_t dice_text(uint64_t seed, const char *text)
{
    uint64_t h = seed ^ 0xcbf29ce484222325ULL;
    for (; *text; text++)
        h = (h ^ (unsigned char)*text) * 0x100000001b3ULL;
    return dice_mix(h);
}

/* The n-th 16-bit die of a roll, n = 0 … 3. */
static uint32_t die(uint64_t roll, unsigned n)
{
    return (uint32_t)(roll >> (16 * n)) & 0xffff;
}

static bool chance(uint64_t roll, unsigned n, int permille)
{
    return (int64_t)die(roll, n) * 1000 < (int64_t)permille << 16;
}

/* value * u16 / 65536 without overflow; value >= 0 */
static int64_t share(int64_t value, uint32_t u16)
{
    return (int64_t)(((u128)(uint64_t)value * u16) >> 16);
}

static int64_t min_i64(int64_t a, int64_t b)
{
    return a < b ? a : b;
}

static int64_t max_i64(int64_t a, int64_t b)
{
    return a > b ? a : b;
}

/* ---- walks */

/* Long waves are high and short ones low, like a price chart; together below 84 %, so a price stays
 * positive. */
static const struct {
    uint8_t shift;  /* length 2^shift seconds */
    int32_t height; /* in 2^-16 */
} octaves[] = {{26, 29491}, {23, 13107}, {20, 6554}, {17, 3277},
               {14, 1311},  {11, 655},   {8, 262},   {6, 131}};

static int64_t corner(uint64_t key, int64_t cell)
{
    return (int32_t)dice_mix(key + (uint64_t)cell * 0x9e3779b97f4a7c15ULL);
}

/* In units of 2^-31, within ±0.84. */
static int64_t walk(uint64_t key, int64_t t)
{
    int64_t sum = 0;
    for (size_t i = 0; i < sizeof octaves / sizeof octaves[0]; i++) {
        uint64_t octave_key = key ^ ((uint64_t)octaves[i].shift << 56);
        int64_t cell = t >> octaves[i].shift;
        int64_t within = t & ((1LL << octaves[i].shift) - 1);
        int64_t from = corner(octave_key, cell);
        int64_t to = corner(octave_key, cell + 1);
        int64_t level = from + (((to - from) * within) >> octaves[i].shift);
        sum += (level * octaves[i].height) >> 16;
    }
    return sum;
}

static int64_t scaled(int64_t middle, int64_t fraction)
{
    return middle + (int64_t)(((__int128)middle * fraction) >> LEVEL_BITS);
}

static int64_t price_at(const struct series *s, int64_t t)
{
    return scaled(s->price, walk(s->pub.key, t));
}

/* ---- which records there are */

int64_t series_first_period(const struct series *s, enum interval interval)
{
    return time_floor(s->pub.first_ts, interval_infos[interval].step_s);
}

int64_t series_last_period(const struct series *s, enum interval interval)
{
    return s->pub.last_ts ? time_floor(s->pub.last_ts, interval_infos[interval].step_s) : INT64_MAX;
}

int64_t world_seen_s(const struct world *world, uint64_t salt, int64_t now_utc_s)
{
    int64_t cache_s = world->config.cache_s;
    if (cache_s <= 1)
        return now_utc_s;
    int64_t phase = (int64_t)(salt % (uint64_t)cache_s);
    return time_floor(now_utc_s - phase, cache_s) + phase;
}

static uint64_t period_dice(const struct series *s, enum interval interval, int64_t ts)
{
    return dice_mix(s->pub.key + 0x632be59bd9b4e019ULL * (uint64_t)(interval + 1) +
                    0xd1342543de82ef95ULL * (uint64_t)ts);
}

enum { DIE_HOLE, DIE_IDLE, DIE_RESTATED, DIE_RESTATED_WHEN };

/* First and last period of a life and every ANCHOR_PERIODS-th have a record with activity, whatever
 * the chances. */
static bool is_anchor(const struct series *s, enum interval interval, int64_t ts)
{
    return ts / interval_infos[interval].step_s % ANCHOR_PERIODS == 0 ||
           ts == series_first_period(s, interval) || ts == series_last_period(s, interval);
}

static bool is_hole(const struct world *w, uint64_t dice)
{
    return w->config.hole_permille > 0 && chance(dice, DIE_HOLE, w->config.hole_permille);
}

static bool is_idle(const struct world *w, uint64_t dice)
{
    return w->config.idle_permille > 0 && chance(dice, DIE_IDLE, w->config.idle_permille);
}

/* End of the last period before ts in which the price moved: its close is the open at ts. */
static int64_t last_activity(const struct world *w, const struct series *s, enum interval interval,
                             int64_t ts)
{
    int64_t step = interval_infos[interval].step_s;
    int64_t first = series_first_period(s, interval);
    for (int64_t t = ts - step; t >= first; t -= step) {
        uint64_t dice = period_dice(s, interval, t);
        if (is_anchor(s, interval, t) || (!is_hole(w, dice) && !is_idle(w, dice)))
            return t + step;
    }
    return first;
}

/* When the record is restated; INT64_MAX = never. Between minutes and weeks after the end, mostly
 * early. */
static int64_t restated_at(const struct world *w, uint64_t dice, int64_t end)
{
    if (!chance(dice, DIE_RESTATED, w->config.restate_permille))
        return INT64_MAX;
    uint32_t when = die(dice, DIE_RESTATED_WHEN);
    int64_t longest = 1LL << (9 + when % 13);
    return end + w->config.publish_delay_s + longest / 2 + share(longest / 2, when);
}

/* When a hole gets its record; INT64_MAX = never, as half of them. */
static int64_t mended_at(const struct world *w, uint64_t dice, int64_t end)
{
    uint64_t roll = dice_mix(dice);
    if (w->config.mend_s == 0 || (die(roll, 0) & 1))
        return INT64_MAX;
    return end + w->config.publish_delay_s + 1 + share(w->config.mend_s, die(roll, 1));
}

static void lower(int64_t *until, int64_t moment)
{
    if (until && moment < *until)
        *until = moment;
}

bool period_at(const struct world *w, const struct series *s, enum interval interval, int64_t ts,
               int64_t seen_s, struct period *out_period, int64_t *until)
{
    int64_t step = interval_infos[interval].step_s;
    if (ts < series_first_period(s, interval) || ts > series_last_period(s, interval) ||
        ts % step != 0)
        return false;
    uint64_t dice = period_dice(s, interval, ts);
    bool anchor = is_anchor(s, interval, ts);
    int64_t end = ts + step;
    if (!anchor && is_hole(w, dice) && seen_s < mended_at(w, dice, end)) {
        lower(until, mended_at(w, dice, end));
        return false;
    }
    int64_t begin = max_i64(ts, s->pub.first_ts);
    if (seen_s < begin) {
        lower(until, begin);
        return false;
    }
    bool open = seen_s < end;
    if (open)
        lower(until, seen_s + 1);
    if (!open && seen_s < end + w->config.publish_delay_s) {
        lower(until, end + w->config.publish_delay_s);
        return false;
    }
    int64_t restated = open ? INT64_MAX : restated_at(w, dice, end);
    if (seen_s < restated)
        lower(until, restated);
    *out_period = (struct period){
        .interval = interval,
        .ts = ts,
        .step_s = step,
        .open_at = last_activity(w, s, interval, ts),
        .close_at = open ? seen_s : end,
        .span_s = open ? seen_s - ts + 1 : step,
        .roll = dice_mix(dice + (seen_s >= restated)),
        .idle = !anchor && is_idle(w, dice),
    };
    return true;
}

/* ---- what stands in them */

static void set(struct row *row, enum field field, int64_t value)
{
    row->value[field] = value;
    row->present[field] = true;
}

struct range {
    int64_t open, high, low, close;
};

/* How far a price strays beyond open and close: 1/2^shift of it. */
static const uint8_t stray_shift[INTERVAL_COUNT] = {
    [INTERVAL_1D] = 6, [INTERVAL_1H] = 9, [INTERVAL_1M] = 11};

static struct range range_of(int64_t open, int64_t close, int64_t stray, uint64_t roll)
{
    struct range r = {.open = open, .close = close};
    r.high = max_i64(open, close);
    r.low = min_i64(open, close);
    /* In a quarter of the periods the open is an extreme that no trade reached. */
    if (die(roll, 0) & 3)
        r.high += share(stray, die(roll, 1));
    if (die(roll, 0) & 12)
        r.low -= share(stray, die(roll, 2));
    return r;
}

static struct range price_range(const struct series *s, const struct period *p)
{
    int64_t open = price_at(s, p->open_at);
    if (p->idle)
        return (struct range){.open = open, .high = open, .low = open, .close = open};
    struct range r = range_of(open, price_at(s, p->close_at), open >> stray_shift[p->interval],
                              p->roll);
    r.low = max_i64(r.low, 1);
    return r;
}

static void set_range(struct row *row, struct range r)
{
    set(row, FIELD_OPEN, r.open);
    set(row, FIELD_HIGH, r.high);
    set(row, FIELD_LOW, r.low);
    set(row, FIELD_CLOSE, r.close);
}

/* First, high, low and last event of a period: values inside the range, moments inside the elapsed
 * part. */
struct events {
    int64_t first, high, low, last;
    int64_t first_ts, high_ts, low_ts, last_ts;
};

static struct events events_of(const struct period *p, struct range r)
{
    uint64_t roll = dice_mix(p->roll + 1);
    struct events e = {.last = r.close};
    e.first = max_i64(r.low, min_i64(r.high, r.open + (int64_t)(die(roll, 0) % 3) - 1));
    e.high = r.high == r.open ? max_i64(e.first, r.close) : r.high;
    e.low = r.low == r.open ? min_i64(e.first, r.close) : r.low;
    e.first_ts = p->ts + share(p->span_s, die(roll, 1) >> 4);
    e.last_ts = p->ts + p->span_s - 1 - share(p->span_s, die(roll, 2) >> 4);
    e.last_ts = max_i64(e.last_ts, e.first_ts);
    e.high_ts = e.first_ts + share(e.last_ts - e.first_ts + 1, die(roll, 3));
    e.low_ts = e.last_ts - share(e.last_ts - e.first_ts + 1, die(roll, 3));
    return e;
}

static int64_t quote_of(const struct series *s, int64_t amount, int64_t price)
{
    return (int64_t)((u128)(uint64_t)amount * (uint64_t)price / s->quote_divisor);
}

/* The part of a day's quantity that belongs to a period; busy is 0 … 65535. */
static int64_t part_of_day(int64_t per_day, int64_t span_s, uint32_t busy)
{
    u128 scaled_up = (u128)(uint64_t)per_day * (uint64_t)span_s * (busy + 8192);
    return (int64_t)(scaled_up / ((u128)SECONDS_PER_DAY << 15));
}

struct sides {
    int64_t total, buy, sell, unknown;
};

static struct sides split_sides(const struct series *s, int64_t total, uint32_t buyers)
{
    struct sides v = {.total = total};
    v.unknown = s->unknown_side ? total >> 3 : 0;
    v.buy = share(total - v.unknown, buyers);
    v.sell = total - v.unknown - v.buy;
    return v;
}

static void set_trade_counts(const struct series *s, const struct period *p, uint64_t roll,
                             struct row *row)
{
    struct sides n = {0};
    if (!p->idle) {
        int64_t total = 1 + part_of_day(s->trades_per_day, p->span_s, die(roll, 0));
        n = split_sides(s, total, die(roll, 1));
    }
    if (s->huge_counters && !p->idle) {
        int64_t offset = (1LL << JAVASCRIPT_SAFE_BITS) / HUGE_COUNTER_UNIT;
        n = split_sides(s, n.total + offset, die(roll, 1));
        n = (struct sides){n.total * HUGE_COUNTER_UNIT, n.buy * HUGE_COUNTER_UNIT,
                           n.sell * HUGE_COUNTER_UNIT, n.unknown * HUGE_COUNTER_UNIT};
    }
    set(row, FIELD_TOTAL_TRADES, n.total);
    set(row, FIELD_TOTAL_TRADES_BUY, n.buy);
    set(row, FIELD_TOTAL_TRADES_SELL, n.sell);
    set(row, FIELD_TOTAL_TRADES_UNKNOWN, n.unknown);
}

static void set_trade_volumes(const struct series *s, const struct period *p, struct range r,
                              uint64_t roll, struct row *row)
{
    struct sides v = {0};
    if (!p->idle)
        v = split_sides(s, 1 + part_of_day(s->amount, p->span_s, die(roll, 2)), die(roll, 3));
    int64_t middle = r.low + (r.high - r.low) / 2;
    int64_t buy = quote_of(s, v.buy, middle);
    int64_t sell = quote_of(s, v.sell, middle);
    int64_t unknown = quote_of(s, v.unknown, middle);
    set(row, FIELD_VOLUME, v.total);
    set(row, FIELD_QUOTE_VOLUME, buy + sell + unknown);
    set(row, FIELD_VOLUME_BUY, v.buy);
    set(row, FIELD_QUOTE_VOLUME_BUY, buy);
    set(row, FIELD_VOLUME_SELL, v.sell);
    set(row, FIELD_QUOTE_VOLUME_SELL, sell);
    set(row, FIELD_VOLUME_UNKNOWN, v.unknown);
    set(row, FIELD_QUOTE_VOLUME_UNKNOWN, unknown);
    set(row, FIELD_NUMBER_OF_CONTRACTS, v.total / 100 + (v.total > 0));
}

static void fill_trades(const struct series *s, const struct period *p, struct row *row)
{
    struct range r = price_range(s, p);
    uint64_t roll = dice_mix(p->roll + 2);
    set_range(row, r);
    set_trade_counts(s, p, roll, row);
    set_trade_volumes(s, p, r, roll, row);
    if (p->idle)
        return;
    struct events e = events_of(p, r);
    set(row, FIELD_FIRST_TRADE_TIMESTAMP, e.first_ts);
    set(row, FIELD_LAST_TRADE_TIMESTAMP, e.last_ts);
    set(row, FIELD_FIRST_TRADE_PRICE, e.first);
    set(row, FIELD_HIGH_TRADE_PRICE, e.high);
    set(row, FIELD_HIGH_TRADE_TIMESTAMP, e.high_ts);
    set(row, FIELD_LOW_TRADE_PRICE, e.low);
    set(row, FIELD_LOW_TRADE_TIMESTAMP, e.low_ts);
    set(row, FIELD_LAST_TRADE_PRICE, e.last);
}

static void set_messages(const struct period *p, struct range r, struct row *row)
{
    struct events e = events_of(p, r);
    set(row, FIELD_FIRST_MESSAGE_TIMESTAMP, e.first_ts);
    set(row, FIELD_LAST_MESSAGE_TIMESTAMP, e.last_ts);
    set(row, FIELD_FIRST_MESSAGE_VALUE, e.first);
    set(row, FIELD_HIGH_MESSAGE_VALUE, e.high);
    set(row, FIELD_HIGH_MESSAGE_TIMESTAMP, e.high_ts);
    set(row, FIELD_LOW_MESSAGE_VALUE, e.low);
    set(row, FIELD_LOW_MESSAGE_TIMESTAMP, e.low_ts);
    set(row, FIELD_LAST_MESSAGE_VALUE, e.last);
}

/* A rate oscillates around its middle by several times its size, so it is negative now and then. */
static int64_t rate_at(const struct series *s, int64_t t)
{
    return s->price + (int64_t)(((__int128)s->price * 3 * walk(s->pub.key, t)) >> LEVEL_BITS);
}

static void fill_funding(const struct series *s, const struct period *p, struct row *row)
{
    int64_t open = rate_at(s, p->open_at);
    struct range r = {.open = open, .high = open, .low = open, .close = open};
    int64_t updates = 0;
    if (!p->idle) {
        r = range_of(open, rate_at(s, p->close_at), s->price >> 2, p->roll);
        updates = 1 + part_of_day(s->trades_per_day, p->span_s, die(p->roll, 3));
    }
    set(row, FIELD_INTERVAL_MS, s->pub.key & 4 ? 3600000 : 28800000);
    set_range(row, r);
    set(row, FIELD_TOTAL_FUNDING_RATE_UPDATES, updates);
    if (s->message_group && !p->idle)
        set_messages(p, r, row);
}

/* Open interest at a moment: the contract states one amount, the mark price gives the other. */
struct interest {
    int64_t settlement, mark, quote;
};

static struct interest interest_at(const struct series *s, int64_t t)
{
    const uint64_t other_walk = 0x5851f42d4c957f2dULL;
    struct interest i = {.mark = price_at(s, t)};
    i.settlement = scaled(s->amount, walk(s->pub.key ^ other_walk, t));
    i.quote = quote_of(s, i.settlement, i.mark);
    return i;
}

/* The three measures of an extreme or an edge lie side by side in both groups. */
static void set_interest(struct row *row, enum field settlement, struct interest i)
{
    set(row, settlement, i.settlement);
    set(row, (enum field)(settlement + 1), i.mark);
    set(row, (enum field)(settlement + 2), i.quote);
}

struct interest_extreme {
    struct interest value;
    int64_t settlement_mark, mark_settlement, quote_mark;
};

static void set_extreme(struct row *row, enum field settlement, const struct interest_extreme *x)
{
    const int64_t values[] = {x->value.settlement, x->settlement_mark, x->value.mark,
                              x->mark_settlement,  x->value.quote,     x->quote_mark};
    for (unsigned i = 0; i < 6; i++)
        set(row, (enum field)(settlement + i), values[i]);
}

static void set_message_extreme(struct row *row, enum field settlement,
                                const struct interest_extreme *x, int64_t ts)
{
    const int64_t values[] = {x->value.settlement, x->settlement_mark, ts,
                              x->value.mark,       x->mark_settlement, ts,
                              x->value.quote,      x->quote_mark,      ts};
    for (unsigned i = 0; i < 9; i++)
        set(row, (enum field)(settlement + i), values[i]);
}

static struct interest_extreme extreme_of(struct range settlement, struct range mark,
                                          struct range quote, bool high)
{
    struct interest_extreme x = {
        .value = {.settlement = high ? settlement.high : settlement.low,
                  .mark = high ? mark.high : mark.low,
                  .quote = high ? quote.high : quote.low},
        .settlement_mark = mark.low + (mark.high - mark.low) / 2,
        .mark_settlement = settlement.low + (settlement.high - settlement.low) / 3,
        .quote_mark = mark.low + (mark.high - mark.low) / 3,
    };
    return x;
}

static void fill_interest(const struct series *s, const struct period *p, struct row *row)
{
    struct interest open = interest_at(s, p->open_at);
    struct interest close = p->idle ? open : interest_at(s, p->close_at);
    uint8_t shift = p->idle ? 63 : stray_shift[p->interval];
    uint64_t roll = dice_mix(p->roll + 3);
    struct range settlement = range_of(open.settlement, close.settlement, open.settlement >> shift,
                                       roll);
    struct range mark = range_of(open.mark, close.mark, open.mark >> shift, dice_mix(roll));
    struct range quote = range_of(open.quote, close.quote, open.quote >> shift, roll);
    struct interest_extreme high = extreme_of(settlement, mark, quote, true);
    struct interest_extreme low = extreme_of(settlement, mark, quote, false);
    set_interest(row, FIELD_OPEN_SETTLEMENT, open);
    set_extreme(row, FIELD_HIGH_SETTLEMENT, &high);
    set_extreme(row, FIELD_LOW_SETTLEMENT, &low);
    set_interest(row, FIELD_CLOSE_SETTLEMENT, close);
    set(row, FIELD_TOTAL_OPEN_INTEREST_UPDATES,
        p->idle ? 0 : 1 + part_of_day(s->trades_per_day, p->span_s, die(p->roll, 3)));
    if (!s->message_group || p->idle)
        return;
    struct events e = events_of(p, mark);
    set(row, FIELD_FIRST_MESSAGE_TIMESTAMP, e.first_ts);
    set_interest(row, FIELD_FIRST_MESSAGE_SETTLEMENT, open);
    set_message_extreme(row, FIELD_HIGH_MESSAGE_SETTLEMENT, &high, e.high_ts);
    set_message_extreme(row, FIELD_LOW_MESSAGE_SETTLEMENT, &low, e.low_ts);
    set(row, FIELD_LAST_MESSAGE_TIMESTAMP, e.last_ts);
    set_interest(row, FIELD_LAST_MESSAGE_SETTLEMENT, close);
}

/* A part of the volume behind an index; parts are nested as the vendor's are. */
static void set_index_volume(const struct series *s, struct row *row, enum field field,
                             int64_t volume, int64_t price)
{
    set(row, field, volume);
    set(row, (enum field)(field + 1), quote_of(s, volume, price));
}

static void fill_index(const struct series *s, const struct period *p, struct row *row)
{
    struct range r = price_range(s, p);
    uint64_t roll = dice_mix(p->roll + 2);
    int64_t middle = r.low + (r.high - r.low) / 2;
    int64_t volume = p->idle ? 0 : 1 + part_of_day(s->amount, p->span_s, die(roll, 0));
    int64_t top_tier = share(volume, 32768 + die(roll, 1) / 4);
    int64_t direct = s->converted ? 0 : share(volume, 6554 + die(roll, 2) / 8);
    bool counted = !p->idle && !s->converted;
    set_range(row, r);
    set(row, FIELD_TOTAL_INDEX_UPDATES,
        counted ? 1 + part_of_day(s->trades_per_day, p->span_s, die(roll, 3)) : 0);
    set_index_volume(s, row, FIELD_VOLUME, volume, middle);
    set_index_volume(s, row, FIELD_VOLUME_TOP_TIER, top_tier, middle);
    set_index_volume(s, row, FIELD_VOLUME_DIRECT, direct, middle);
    set_index_volume(s, row, FIELD_VOLUME_TOP_TIER_DIRECT, share(direct, 52429), middle);
    if (!p->idle)
        set_messages(p, r, row);
}

/* TYPE labels as recorded (vendor documentation, June 2025). */
const struct kind world_kinds[KIND_COUNT] = {
    [KIND_SPOT] = {"spot_ohlcv", SECTION_SPOT, "954", fill_trades},
    [KIND_FUTURES] = {"futures_ohlcv", SECTION_FUTURES, "914", fill_trades},
    [KIND_FUNDING] = {"futures_funding_rate", SECTION_FUTURES, "934", fill_funding},
    [KIND_INTEREST] = {"futures_open_interest", SECTION_FUTURES, "944", fill_interest},
    [KIND_INDEX] = {"indices_ohlcv", SECTION_INDEX, "267", fill_index},
};
