#include "sim/quota.h"

#include "base/time.h"

const int64_t quota_window_s[QUOTA_WINDOWS] = {1, SECONDS_PER_MINUTE, SECONDS_PER_HOUR,
                                               SECONDS_PER_DAY, 30 * SECONDS_PER_DAY};
const char *const quota_window_names[QUOTA_WINDOWS] = {"second", "minute", "hour", "day", "month"};
static const char *const capital_names[QUOTA_WINDOWS] = {"SECOND", "MINUTE", "HOUR", "DAY",
                                                         "MONTH"};

enum { UNLIMITED_SHOWN = 1000000000 }; /* what the status bodies say where there is no limit */

void quota_roll(struct quota *q, int64_t utc_s)
{
    for (unsigned i = 0; i < QUOTA_WINDOWS; i++) {
        int64_t window = time_floor(utc_s, quota_window_s[i]);
        if (window != q->window[i]) {
            q->window[i] = window;
            q->used[i] = 0;
        }
    }
}

bool quota_take(struct quota *q, int64_t utc_s)
{
    quota_roll(q, utc_s);
    for (unsigned i = 0; i < QUOTA_WINDOWS; i++)
        if (q->limits[i] > 0 && q->used[i] >= q->limits[i])
            return false;
    for (unsigned i = 0; i < QUOTA_WINDOWS; i++)
        q->used[i]++;
    return true;
}

static int64_t remaining(const struct quota *q, unsigned i)
{
    return (q->limits[i] > 0 ? q->limits[i] : UNLIMITED_SHOWN) - q->used[i];
}

static int64_t reset_s(const struct quota *q, unsigned i, int64_t utc_s)
{
    return q->window[i] + quota_window_s[i] - utc_s;
}

/* The vendor's form: the number of the longest window, then each as value;window=seconds. */
static void write_list(struct buf *out, const char *name, const int64_t values[QUOTA_WINDOWS],
                       const struct quota *q, unsigned longest, bool all)
{
    buf_printf(out, "%s: %lld", name, (long long)values[longest]);
    for (unsigned i = 0; i < QUOTA_WINDOWS && all; i++) {
        if (q->limits[i] > 0)
            buf_printf(out, ", %lld;window=%lld", (long long)values[i],
                       (long long)quota_window_s[i]);
    }
    buf_add_text(out, "\r\n");
}

void quota_write_headers(const struct quota *q, int64_t utc_s, struct buf *out)
{
    int64_t left[QUOTA_WINDOWS], resets[QUOTA_WINDOWS];
    unsigned longest = QUOTA_WINDOWS;
    for (unsigned i = 0; i < QUOTA_WINDOWS; i++) {
        left[i] = remaining(q, i);
        resets[i] = reset_s(q, i, utc_s);
        if (q->limits[i] > 0)
            longest = i;
    }
    if (longest == QUOTA_WINDOWS)
        return;
    write_list(out, "X-RateLimit-Limit", q->limits, q, longest, true);
    write_list(out, "X-RateLimit-Remaining", left, q, longest, false);
    write_list(out, "X-RateLimit-Remaining-All", left, q, longest, true);
    write_list(out, "X-RateLimit-Reset", resets, q, longest, false);
    write_list(out, "X-RateLimit-Reset-All", resets, q, longest, true);
}

enum quota_view { VIEW_USED, VIEW_MAX, VIEW_REMAINING };

static int64_t viewed(const struct quota *q, unsigned i, enum quota_view view)
{
    if (view == VIEW_USED)
        return q->used[i];
    return view == VIEW_REMAINING ? remaining(q, i)
           : q->limits[i] > 0     ? q->limits[i]
                                  : UNLIMITED_SHOWN;
}

static void write_counts(const struct quota *q, enum quota_view view, const char *const *names,
                         struct buf *out)
{
    for (unsigned i = 0; i < QUOTA_WINDOWS; i++)
        buf_printf(out, "%s\"%s\":%lld", i > 0 ? "," : "", names[i], (long long)viewed(q, i, view));
}

static void write_block(const struct quota *q, struct buf *out)
{
    buf_add_text(out, "{\"TYPE\":\"3001\",\"USED\":{\"TYPE\":\"3002\",");
    write_counts(q, VIEW_USED, capital_names, out);
    buf_add_text(out, "},\"MAX\":{\"TYPE\":\"3003\",");
    write_counts(q, VIEW_MAX, capital_names, out);
    buf_add_text(out, ",\"SOFT_CAP_ALLOWANCE_MULTIPLIER\":1},\"REMAINING\":{\"TYPE\":\"3004\",");
    write_counts(q, VIEW_REMAINING, capital_names, out);
    buf_add_text(out, "}}");
}

void quota_write_admin(const struct quota *q, struct buf *out)
{
    const struct quota keyless = {.limits = {20, 1000, 10000, 40000, 200000}};
    buf_add_text(out, "{\"Data\":{\"TYPE\":\"3000\",\"API_KEY\":");
    write_block(q, out);
    buf_add_text(out, ",\"AUTH_KEY\":");
    write_block(&keyless, out);
    buf_add_text(out, "},\"Err\":{}}");
}

void quota_write_stats(const struct quota *q, struct buf *out)
{
    buf_add_text(out,
                 "{\"Response\":\"Success\",\"Message\":\"\",\"HasWarning\":false,\"Type\":100,"
                 "\"RateLimit\":{},\"Data\":{\"calls_made\":{");
    write_counts(q, VIEW_USED, quota_window_names, out);
    buf_add_text(out, "},\"calls_left\":{");
    write_counts(q, VIEW_REMAINING, quota_window_names, out);
    buf_add_text(out, "}}}");
}

void quota_write_refusal(const struct quota *q, struct buf *out)
{
    buf_add_text(out, "{\"Response\":\"Error\",\"Message\":\"You are over your rate limit please "
                      "upgrade your account!\",\"HasWarning\":false,\"Type\":99,\"RateLimit\":{"
                      "\"calls_made\":{");
    write_counts(q, VIEW_USED, quota_window_names, out);
    buf_printf(out, ",\"total_calls\":%lld},\"max_calls\":{",
               (long long)q->used[QUOTA_WINDOWS - 1]);
    write_counts(q, VIEW_MAX, quota_window_names, out);
    buf_add_text(out, "}},\"Data\":{}}");
}
