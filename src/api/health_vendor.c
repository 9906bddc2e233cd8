/* What the vendor says, and what the last check on this host heard from it. */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "api/health.h"
#include "api/vendor.h"
#include "base/hash.h"
#include "base/time.h"

enum { NOTE_MAX_BYTES = 1024, QUOTA_LOW_PERCENT = 10 };
static const int64_t clock_tolerated_s = 5, clock_wrong_s = 60, vendor_deadline_ms = 10000;

/* ---- the note of the last check ---- */

struct note {
    int64_t asked_utc_s, ahead_s;
    bool clock_known;
    struct health_window lowest;
    struct ccd_error why; /* how the vendor answered */
};

static bool note_path(char out[STATE_PATH_BYTES])
{
    char directory[STATE_PATH_BYTES - 16];
    return client_state_directory(directory, sizeof(directory)) &&
           str_print(out, STATE_PATH_BYTES, "%s/health", directory);
}

/* Whom we asked, as whom: another key, or another vendor, has not answered yet. */
static uint64_t subject_of(const struct health *h)
{
    const struct str url = config_text(h->client->config, CONFIG_DATA_API_BASE_URL);
    const struct str key = config_secret(h->client->config, CONFIG_CCDATA_API_KEY);
    struct sha256 hash;
    uint8_t digest[32];
    uint64_t subject = 0;
    sha256_init(&hash);
    sha256_add(&hash, url.ptr, url.len);
    sha256_add(&hash, "\n", 1);
    sha256_add(&hash, key.ptr, key.len);
    sha256_final(&hash, digest);
    for (size_t i = 0; i < sizeof(subject); i++)
        subject = subject << 8 | digest[i];
    return subject;
}

/* What costs a call, and asking again within the interval would not change. */
static bool is_kept(enum ccd_status status)
{
    return status == CCD_OK || status == CCD_THROTTLED || status == CCD_KEY_REJECTED;
}

static bool parse_note(struct str text, const struct health *h, struct note *out)
{
    struct str rest = str_trim(text);
    struct str asked = str_split(&rest, ' '), subject = str_split(&rest, ' ');
    struct str ahead = str_split(&rest, ' '), status = str_split(&rest, ' ');
    struct str left = str_split(&rest, ' '), limit = str_split(&rest, ' ');
    struct str window = str_split(&rest, ' ');
    char own[20];
    int64_t number = -1;
    str_print(own, sizeof(own), "%016" PRIx64, subject_of(h));
    out->clock_known = str_to_i64(ahead, &out->ahead_s);
    if (!str_to_i64(asked, &out->asked_utc_s) || !str_equal(subject, str_from(own)) ||
        !str_to_i64(status, &number) || number < 0 || number >= CCD_STATUS_COUNT ||
        !is_kept((enum ccd_status)number) || !str_to_i64(left, &out->lowest.left) ||
        !str_to_i64(limit, &out->lowest.limit) ||
        !str_copy(out->lowest.name, sizeof(out->lowest.name), window))
        return false;
    out->why.status = (enum ccd_status)number;
    return str_copy(out->why.message, sizeof(out->why.message), rest);
}

/* "TIME SUBJECT SECONDS STATUS LEFT LIMIT WINDOW MESSAGE" when the vendor answered so at TIME, with
 * a clock so far ahead ("-": it did not say) and so much of a quota. A note that cannot be read, or
 * is of another key or vendor, is none: the vendor is asked again. */
static bool read_note(const struct health *h, struct note *out)
{
    char path[STATE_PATH_BYTES], text[NOTE_MAX_BYTES];
    int fd = note_path(path) ? open(path, O_RDONLY | O_NOFOLLOW | O_CLOEXEC) : -1;
    if (fd < 0)
        return false;
    ssize_t len = read(fd, text, sizeof(text));
    close(fd);
    return len > 0 && parse_note((struct str){text, (size_t)len}, h, out);
}

/* Best effort: without the note the next check costs a call. */
static void write_note(const struct health *h)
{
    const struct ccd_error *why = &h->quota->vendor_error;
    char path[STATE_PATH_BYTES], text[NOTE_MAX_BYTES], ahead[24] = "-";
    int fd = note_path(path)
                 ? open(path, O_WRONLY | O_CREAT | O_TRUNC | O_NOFOLLOW | O_CLOEXEC, 0600)
                 : -1;
    if (fd < 0)
        return;
    if (h->quota->clock_known)
        str_print(ahead, sizeof(ahead), "%" PRId64, h->quota->clock_ahead_s);
    str_print(text, sizeof(text),
              "%" PRId64 " %016" PRIx64 " %s %d %" PRId64 " %" PRId64 " %s %s\n",
              h->report.checked_utc_s, subject_of(h), ahead, (int)why->status, h->lowest.left,
              h->lowest.limit, h->lowest.limit > 0 ? h->lowest.name : "-", why->message);
    if (write(fd, text, strlen(text)) < 0)
        log_debug(&h->client->log, NULL, "the time of this check is not kept: %s", strerror(errno));
    close(fd);
}

/* ---- checks ---- */

static const char *text_of(const struct ccd_error *err)
{
    return err->message[0] ? err->message : ccd_status_title(err->status);
}

static bool is_long(const char *window)
{
    return strcmp(window, "second") != 0 && strcmp(window, "minute") != 0;
}

/* The vendor counts what other hosts use of the key, too. */
static void find_lowest(struct health *h)
{
    struct health_window *lowest = &h->lowest;
    for (size_t i = 0; i < h->quota->vendor_quota_count; i++) {
        const struct ccd_vendor_quota *w = &h->quota->vendor_quota[i];
        bool counts = is_long(w->window) && w->limit > 0 && w->left >= 0;
        double share = counts ? (double)w->left / (double)w->limit : 1;
        if (!counts || (lowest->limit > 0 && share >= (double)lowest->left / (double)lowest->limit))
            continue;
        *lowest = (struct health_window){.left = w->left, .limit = w->limit};
        str_copy(lowest->name, sizeof(lowest->name), str_from(w->window));
    }
}

static void ask(struct health *h)
{
    struct ccd_quota_options options = CCD_QUOTA_INIT;
    struct note note = {0};
    int64_t interval_s = config_ms(h->client->config, CONFIG_MONITORING_HEALTH_CHECK_INTERVAL) /
                         1000;
    bool has_note = !h->everything && read_note(h, &note);
    int64_t age_s = h->report.checked_utc_s - note.asked_utc_s;
    h->asked_lately = has_note && age_s >= 0 && age_s < interval_s;
    h->asked_utc_s = note.asked_utc_s;
    options.check_vendor = !h->asked_lately;
    options.timeout_ms = vendor_deadline_ms;
    if (ccd_quota_read(h->client, &options, &h->quota, &h->quota_error) != 0)
        return;
    if (h->asked_lately) {
        h->lowest = note.lowest;
        h->quota->vendor_error = note.why;
        h->quota->clock_known = note.clock_known;
        h->quota->clock_ahead_s = note.ahead_s;
        return;
    }
    find_lowest(h);
    if (is_kept(h->quota->vendor_error.status))
        write_note(h);
}

void health_vendor(struct health *h, struct ccd_health_check *check)
{
    char when[32];
    ask(h);
    const struct ccd_error *why = h->quota ? &h->quota->vendor_error : &h->quota_error;
    check->status = why->status;
    if (h->asked_lately && why->status == CCD_OK)
        health_found(h, check, CCD_VERDICT_OK, NULL, "it answered at %s, within the interval",
                     time_format_iso(h->asked_utc_s, when));
    else if (why->status == CCD_OK)
        health_found(h, check, CCD_VERDICT_OK, NULL, "%s answers and takes the key",
                     h->quota->vendor);
    else if (why->status == CCD_THROTTLED || why->status == CCD_QUOTA_EXHAUSTED)
        health_found(h, check, CCD_VERDICT_WARNING, "wait; ccdata quota shows until when", "%s",
                     text_of(why));
    else if (why->status == CCD_KEY_REJECTED)
        health_found(h, check, CCD_VERDICT_FAILED, "put a key that is valid into CCDATA_API_KEY",
                     "%s", text_of(why));
    else
        health_found(h, check, CCD_VERDICT_FAILED,
                     "see whether this host has a way to it, and DATA_API_BASE_URL", "%s",
                     text_of(why));
}

void health_tls(struct health *h, struct ccd_health_check *check)
{
    static const struct str https = STR("https://");
    struct str url = config_text(h->client->config, CONFIG_DATA_API_BASE_URL);
    bool answered = h->quota && h->quota->vendor_error.status == CCD_OK;
    if (!str_starts_with_nocase(url, https))
        health_found(h, check, CCD_VERDICT_WARNING, "use https",
                     "DATA_API_BASE_URL is not encrypted: for a stand-in on this host only");
    else if (h->quota && h->quota->vendor_error.status == CCD_TLS) {
        check->status = CCD_TLS;
        health_found(h, check, CCD_VERDICT_FAILED,
                     "see the clock and the certificates (Debian: ca-certificates)", "%s",
                     text_of(&h->quota->vendor_error));
    } else
        health_found(h, check, answered ? CCD_VERDICT_OK : CCD_VERDICT_UNKNOWN, NULL, "%s",
                     answered ? "the vendor's certificate is valid" : "the vendor was not reached");
}

static bool is_low(int64_t left, int64_t limit)
{
    return limit > 0 && left >= 0 && (double)left * 100 < (double)limit * QUOTA_LOW_PERCENT;
}

void health_quota(struct health *h, struct ccd_health_check *check)
{
    const char *advice = "wait, spend less (--max_calls, --reserve), or take a larger plan";
    for (size_t i = 0; h->quota && i < h->quota->window_count; i++) {
        const struct ccd_quota_window *w = &h->quota->windows[i];
        if (is_long(w->window) && is_low(w->left, w->limit))
            health_found(h, check, CCD_VERDICT_WARNING, advice,
                         "%" PRId64 " of %" PRId64 " calls of the %s are left", w->left, w->limit,
                         w->window);
    }
    if (is_low(h->lowest.left, h->lowest.limit))
        health_found(h, check, CCD_VERDICT_WARNING, advice,
                     "%" PRId64 " of %" PRId64 " calls of the %s are left, as the vendor counts",
                     h->lowest.left, h->lowest.limit, h->lowest.name);
    if (h->quota)
        health_found(h, check, CCD_VERDICT_OK, NULL, "enough is left of each window");
    else
        health_found(h, check, CCD_VERDICT_UNKNOWN, NULL, "%s", text_of(&h->quota_error));
}

void health_clock(struct health *h, struct ccd_health_check *check)
{
    if (!h->quota || !h->quota->clock_known) {
        health_found(h, check, CCD_VERDICT_UNKNOWN, NULL, "the vendor has not told its time");
        return;
    }
    int64_t ahead_s = h->quota->clock_ahead_s;
    int64_t off_s = ahead_s < 0 ? -ahead_s : ahead_s;
    check->status = CCD_CHECK_FAILED;
    enum ccd_verdict verdict = off_s > clock_wrong_s       ? CCD_VERDICT_FAILED
                               : off_s > clock_tolerated_s ? CCD_VERDICT_WARNING
                                                           : CCD_VERDICT_OK;
    health_found(h, check, verdict, verdict == CCD_VERDICT_OK ? NULL : "let NTP set the clock",
                 "this host is %" PRId64 " s %s the vendor", off_s,
                 ahead_s > 0 ? "behind" : "ahead of");
}
