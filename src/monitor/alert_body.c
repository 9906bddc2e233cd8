#include "monitor/alert_body.h"

#include <inttypes.h>
#include <string.h>

#include "base/utf8.h"

enum { PLAIN_MAX_BYTES = 4 << 10 };

typedef void add_char_fn(struct buf *out, char c);

/* Source: Slack, "Formatting text for app surfaces", 2025: these three begin every mention and
 * link.
 */
static void add_slack_char(struct buf *out, char c)
{
    switch (c) {
    case '&':
        (void)buf_add_text(out, "&amp;");
        return;
    case '<':
        (void)buf_add_text(out, "&lt;");
        return;
    case '>':
        (void)buf_add_text(out, "&gt;");
        return;
    default:
        (void)buf_add_char(out, c);
    }
}

/* Discord's Markdown takes a backslash before any of these as "as it stands"; a colon with one
 * makes no link of a URL. */
static void add_discord_char(struct buf *out, char c)
{
    if (strchr("\\*_~`|<>#[]()-:@", c)) {
        (void)buf_add_char(out, '\\');
    }
    (void)buf_add_char(out, c);
}

static void add_outside_text(struct buf *out, struct str text, size_t max_bytes, add_char_fn *add)
{
    size_t len = text.len > max_bytes ? utf8_cut(text.ptr, max_bytes) : text.len;
    for (size_t i = 0; i < len; i++) {
        bool is_control = (unsigned char)text.ptr[i] < ' ' || text.ptr[i] == 0x7f;
        add(out, is_control ? '?' : text.ptr[i]);
    }
}

/* Our own sentences first; what came from outside last and in its own line. */
static void add_chat_text(struct buf *out, const struct alert_message *message, add_char_fn *add)
{
    struct buf text;
    const struct alert_rule_info *info = alert_rule_info(message->rule);
    buf_init(&text, PLAIN_MAX_BYTES, out->allocator);
    (void)buf_printf(&text, "ccdata %s: ",
                     message->is_resolved ? "resolved" : alert_severity_name(info->severity));
    add_outside_text(&text, message->subject, ALERT_SUBJECT_SHOWN_BYTES, add);
    (void)buf_printf(&text, "\n%s", info->meaning);
    if (!message->is_resolved) {
        (void)buf_printf(&text, " %s", info->next_step);
    }
    if (message->detail.len > 0) {
        (void)buf_add_char(&text, '\n');
        add_outside_text(&text, message->detail, ALERT_DETAIL_SHOWN_BYTES, add);
    }
    (void)buf_add_json_text(out, buf_str(&text));
    out->failed = out->failed || text.failed;
    buf_release(&text);
}

static void add_cut_json(struct buf *out, struct str text, size_t max_bytes)
{
    if (text.len > max_bytes) {
        text.len = utf8_cut(text.ptr, max_bytes);
    }
    (void)buf_add_json_text(out, text);
}

static void add_json(struct buf *out, const struct alert_message *message)
{
    const struct alert_rule_info *info = alert_rule_info(message->rule);
    (void)buf_add_text(out, "{\"id\":");
    (void)buf_add_json_text(out, str_from(message->id));
    (void)buf_printf(
        out, ",\"rule\":\"%s\",\"state\":\"%s\",\"severity\":\"%s\",\"subject\":", info->name,
        message->is_resolved ? "resolved" : "firing", alert_severity_name(info->severity));
    add_cut_json(out, message->subject, ALERT_SUBJECT_SHOWN_BYTES);
    (void)buf_add_text(out, ",\"meaning\":");
    (void)buf_add_json_text(out, str_from(info->meaning));
    (void)buf_add_text(out, ",\"next_step\":");
    (void)buf_add_json_text(out, str_from(info->next_step));
    (void)buf_add_text(out, ",\"detail\":");
    add_cut_json(out, message->detail, ALERT_DETAIL_SHOWN_BYTES);
    (void)buf_printf(out, ",\"opened_utc_s\":%" PRId64 ",\"sent_utc_s\":%" PRId64 "}",
                     message->opened_utc_s, message->sent_utc_s);
}

void alert_body_add(struct buf *out, enum alert_format format, const struct alert_message *message)
{
    switch (format) {
    case ALERT_FORMAT_JSON:
        add_json(out, message);
        return;
    case ALERT_FORMAT_SLACK:
        (void)buf_add_text(out,
                           "{\"mrkdwn\":false,\"parse\":\"none\",\"link_names\":false,\"text\":");
        add_chat_text(out, message, add_slack_char);
        (void)buf_add_char(out, '}');
        return;
    case ALERT_FORMAT_DISCORD:
        (void)buf_add_text(out, "{\"allowed_mentions\":{\"parse\":[]},\"content\":");
        add_chat_text(out, message, add_discord_char);
        (void)buf_add_char(out, '}');
        return;
    }
}
