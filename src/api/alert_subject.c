/* The name that an operation of a run has in alerts. */
#include <inttypes.h>
#include <string.h>

#include "api/alerts.h"
#include "base/hash.h"

enum { TEXT_MAX_BYTES = 64 << 10, MARK_BYTES = 10 }; /* " #" and eight digits */

static void add_word(struct buf *out, const char *word)
{
    if (word && word[0])
        buf_printf(out, " %s", word);
}

static void add_list(struct buf *out, const char *const *items, size_t count)
{
    for (size_t i = 0; i < count; i++)
        buf_printf(out, "%s%s", i ? "," : " ", items[i]);
}

static void add_limit(struct buf *out, const char *what, int64_t limit)
{
    if (limit >= 0)
        buf_printf(out, " %s%" PRId64, what, limit);
}

/* A longer one is cut, and marked by what all of it is: two that begin alike stay two. */
static void shorten(struct str text, char out[ALERT_SUBJECT_BYTES])
{
    struct sha256 h;
    uint8_t digest[32];
    if (str_copy(out, ALERT_SUBJECT_BYTES, text))
        return;
    sha256_init(&h);
    sha256_add(&h, text.ptr, text.len);
    sha256_final(&h, digest);
    str_print(out + ALERT_SUBJECT_BYTES - 1 - MARK_BYTES, MARK_BYTES + 1, " #%02x%02x%02x%02x",
              digest[0], digest[1], digest[2], digest[3]);
}

void alert_subject(const struct ccd_job *job, const char *interval, char out[ALERT_SUBJECT_BYTES])
{
    struct buf text;
    buf_init(&text, TEXT_MAX_BYTES, NULL);
    buf_add_text(&text, job->data_type);
    add_word(&text, interval);
    add_word(&text, job->market);
    add_word(&text, job->instrument);
    add_list(&text, job->exchanges, job->exchange_count);
    add_list(&text, job->instruments, job->instrument_count);
    add_list(&text, job->quotes, job->quote_count);
    add_word(&text, job->min_grade);
    add_word(&text, job->exchange_type);
    add_limit(&text, "pairs:", job->pair_limit);
    add_limit(&text, "assets:", job->asset_limit);
    shorten(buf_str(&text), out);
    buf_release(&text);
}
