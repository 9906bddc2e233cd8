#include "monitor/alert_state.h"

#include <inttypes.h>
#include <string.h>

#include "base/hash.h"
#include "base/utf8.h"

enum { CHECKSUM_CHARS = 64 };

static const char FIRST_LINE[] = "ccdata alerts 2";

static void copy_subject(char out[ALERT_SUBJECT_BYTES], struct str subject)
{
    size_t len = subject.len < ALERT_SUBJECT_BYTES ? subject.len : ALERT_SUBJECT_BYTES - 1;
    for (size_t i = 0; i < len; i++) {
        char c = subject.ptr[i];
        out[i] = c >= ' ' && c <= '~' ? c : '?';
    }
    out[len] = '\0';
}

static void copy_detail(char out[ALERT_DETAIL_BYTES], struct str detail)
{
    size_t len = detail.len < ALERT_DETAIL_BYTES ? detail.len
                                                 : utf8_cut(detail.ptr, ALERT_DETAIL_BYTES - 1);
    for (size_t i = 0; i < len; i++) {
        unsigned char c = (unsigned char)detail.ptr[i];
        out[i] = c >= ' ' && c != 0x7f ? detail.ptr[i] : '?';
    }
    out[len] = '\0';
}

static int64_t last_change(const struct alert_history *history)
{
    return history->noticed_utc_s > history->resolved_utc_s ? history->noticed_utc_s
                                                            : history->resolved_utc_s;
}

static bool is_quieter(const struct alert_entry *a, const struct alert_entry *b)
{
    if ((a->history.failures > 0) != (b->history.failures > 0))
        return a->history.failures == 0;
    return last_change(&a->history) < last_change(&b->history);
}

static struct alert_entry *take_place(struct alert_state *state)
{
    if (state->entry_count < ALERT_ENTRIES_MAX)
        return &state->entries[state->entry_count++];
    struct alert_entry *quietest = NULL;
    for (size_t i = 0; i < state->entry_count; i++) {
        struct alert_entry *entry = &state->entries[i];
        if (entry->history.opened_utc_s == 0 && (!quietest || is_quieter(entry, quietest)))
            quietest = entry;
    }
    return quietest;
}

struct alert_entry *alert_state_find(struct alert_state *state, enum alert_rule rule,
                                     struct str subject)
{
    char name[ALERT_SUBJECT_BYTES];
    copy_subject(name, subject);
    for (size_t i = 0; i < state->entry_count; i++) {
        struct alert_entry *entry = &state->entries[i];
        if (entry->rule == rule && strcmp(entry->subject, name) == 0)
            return entry;
    }
    return NULL;
}

struct alert_entry *alert_state_entry(struct alert_state *state, enum alert_rule rule,
                                      struct str subject)
{
    struct alert_entry *entry = alert_state_find(state, rule, subject);
    if (entry)
        return entry;
    entry = take_place(state);
    if (entry) {
        *entry = (struct alert_entry){.rule = rule};
        copy_subject(entry->subject, subject);
    }
    return entry;
}

static void remove_pending(struct alert_state *state, size_t i)
{
    state->pending_count--;
    memmove(&state->pending[i], &state->pending[i + 1],
            (state->pending_count - i) * sizeof state->pending[0]);
}

void alert_state_queue(struct alert_state *state, const struct alert_entry *entry, bool is_resolved,
                       int64_t opened_utc_s, uint64_t receivers, struct str detail)
{
    if (state->pending_count == ALERT_PENDING_MAX)
        remove_pending(state, 0);
    struct alert_pending *pending = &state->pending[state->pending_count++];
    *pending = (struct alert_pending){.id = ++state->last_id,
                                      .rule = entry->rule,
                                      .is_resolved = is_resolved,
                                      .opened_utc_s = opened_utc_s,
                                      .receivers = receivers};
    memcpy(pending->subject, entry->subject, sizeof pending->subject);
    copy_detail(pending->detail, detail);
}

void alert_state_delivered(struct alert_state *state, uint64_t id, unsigned receiver)
{
    for (size_t i = 0; i < state->pending_count; i++) {
        if (state->pending[i].id == id) {
            state->pending[i].receivers &= ~(UINT64_C(1) << receiver);
            if (state->pending[i].receivers == 0)
                remove_pending(state, i);
            return;
        }
    }
}

static void print_checksum(struct str text, char out[CHECKSUM_CHARS + 1])
{
    struct sha256 h;
    uint8_t digest[CHECKSUM_CHARS / 2];
    sha256_init(&h);
    sha256_add(&h, text.ptr, text.len);
    sha256_final(&h, digest);
    for (size_t i = 0; i < sizeof digest; i++)
        (void)str_print(out + 2 * i, 3, "%02x", digest[i]);
}

void alert_state_print(const struct alert_state *state, struct buf *out)
{
    buf_clear(out);
    (void)buf_printf(out, "%s\nlast %" PRIu64 "\n", FIRST_LINE, state->last_id);
    for (size_t i = 0; i < state->entry_count; i++) {
        const struct alert_entry *entry = &state->entries[i];
        (void)buf_printf(out, "alert %s %" PRId64 " %" PRId64 " %" PRId64 " %" PRId64 " %d %s\n",
                         alert_rule_info(entry->rule)->name, entry->history.opened_utc_s,
                         entry->history.noticed_utc_s, entry->history.resolved_utc_s,
                         entry->history.failures, entry->history.is_announced, entry->subject);
    }
    for (size_t i = 0; i < state->pending_count; i++) {
        const struct alert_pending *pending = &state->pending[i];
        (void)buf_printf(out,
                         "notice %s %" PRIu64 " %d %" PRId64 " %" PRIu64 " %" PRId64 " %" PRId64
                         " %s\ndetail %s\n",
                         alert_rule_info(pending->rule)->name, pending->id, pending->is_resolved,
                         pending->opened_utc_s, pending->receivers, pending->sender_pid,
                         pending->sender_until_mono_us, pending->subject, pending->detail);
    }
    char checksum[CHECKSUM_CHARS + 1];
    print_checksum(buf_str(out), checksum);
    (void)buf_printf(out, "%s\n", checksum);
}

static bool read_rule(struct str *line, enum alert_rule *out_rule)
{
    struct str name = str_split(line, ' ');
    for (int i = 0; i < ALERT_RULE_COUNT; i++) {
        if (str_equal(name, str_from(alert_rule_info((enum alert_rule)i)->name))) {
            *out_rule = (enum alert_rule)i;
            return true;
        }
    }
    return false;
}

static bool read_i64(struct str *line, int64_t *out_value)
{
    return str_to_i64(str_split(line, ' '), out_value) && *out_value >= 0;
}

static bool read_flag(struct str *line, bool *out_flag)
{
    return str_to_bool(str_split(line, ' '), out_flag);
}

static bool read_entry(struct alert_state *state, struct str line)
{
    if (state->entry_count == ALERT_ENTRIES_MAX)
        return false;
    struct alert_entry *entry = &state->entries[state->entry_count++];
    bool read = read_rule(&line, &entry->rule) && read_i64(&line, &entry->history.opened_utc_s) &&
                read_i64(&line, &entry->history.noticed_utc_s) &&
                read_i64(&line, &entry->history.resolved_utc_s) &&
                read_i64(&line, &entry->history.failures) &&
                read_flag(&line, &entry->history.is_announced);
    copy_subject(entry->subject, line);
    return read;
}

static bool read_pending(struct alert_state *state, struct str line)
{
    if (state->pending_count == ALERT_PENDING_MAX)
        return false;
    struct alert_pending *pending = &state->pending[state->pending_count++];
    bool read = read_rule(&line, &pending->rule) &&
                str_to_u64(str_split(&line, ' '), &pending->id) &&
                read_flag(&line, &pending->is_resolved) &&
                read_i64(&line, &pending->opened_utc_s) &&
                str_to_u64(str_split(&line, ' '), &pending->receivers) &&
                read_i64(&line, &pending->sender_pid) &&
                read_i64(&line, &pending->sender_until_mono_us);
    copy_subject(pending->subject, line);
    return read;
}

/* Of the notice in the line before. */
static bool read_detail(struct alert_state *state, struct str line)
{
    if (state->pending_count == 0)
        return false;
    copy_detail(state->pending[state->pending_count - 1].detail, line);
    return true;
}

static bool read_line(struct alert_state *state, struct str line)
{
    struct str kind = str_split(&line, ' ');
    if (str_equal(kind, STR("alert")))
        return read_entry(state, line);
    if (str_equal(kind, STR("notice")))
        return read_pending(state, line);
    if (str_equal(kind, STR("detail")))
        return read_detail(state, line);
    return str_equal(kind, STR("last")) && str_to_u64(line, &state->last_id);
}

/* The lines without the checksum that ends them; false when it is not theirs. */
static bool check_sum(struct str text, struct str *out_lines)
{
    if (text.len <= CHECKSUM_CHARS + 1 || text.ptr[text.len - 1] != '\n')
        return false;
    *out_lines = (struct str){text.ptr, text.len - CHECKSUM_CHARS - 1};
    char checksum[CHECKSUM_CHARS + 1];
    print_checksum(*out_lines, checksum);
    return memcmp(checksum, text.ptr + out_lines->len, CHECKSUM_CHARS) == 0;
}

int alert_state_parse(struct alert_state *state, struct str text, struct ccd_error *err)
{
    struct str lines;
    memset(state, 0, sizeof *state);
    bool read = check_sum(text, &lines) && str_equal(str_split(&lines, '\n'), str_from(FIRST_LINE));
    while (read && lines.len > 0)
        read = read_line(state, str_split(&lines, '\n'));
    if (read)
        return CCD_OK;
    memset(state, 0, sizeof *state);
    return error_set(err, CCD_BAD_REPLY,
                     "what was remembered of alerts is damaged or of another version; begun anew");
}
