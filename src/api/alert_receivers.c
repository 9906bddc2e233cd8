#include <string.h>

#include "api/alerts.h"
#include "base/hash.h"
#include "base/time.h"
#include "http/deliver.h"
#include "http/mail.h"

enum { TEXT_MAX_BYTES = 4096, SIGNATURE_BYTES = 80 };

static const char *const names[] = {"log", "command", "webhook", "slack", "discord", "mail"};
static const char *const settings[] = {
    "nothing",           "ALERT_COMMAND",       "ALERT_WEBHOOK_URL",
    "SLACK_WEBHOOK_URL", "DISCORD_WEBHOOK_URL", "SMTP_HOST and SMTP_TO"};

const char *ccd_alert_receiver_at(size_t index)
{
    return index < RECEIVER_COUNT ? names[index] : NULL;
}

bool receiver_is_set(const struct ccd_client *client, enum receiver receiver)
{
    const struct config *c = client->config;
    switch (receiver) {
    case RECEIVER_LOG:
        return true;
    case RECEIVER_COMMAND:
        return config_has(c, CONFIG_ALERT_COMMAND);
    case RECEIVER_WEBHOOK:
        return config_has(c, CONFIG_ALERT_WEBHOOK_URL);
    case RECEIVER_SLACK:
        return config_has(c, CONFIG_SLACK_WEBHOOK_URL);
    case RECEIVER_DISCORD:
        return config_has(c, CONFIG_DISCORD_WEBHOOK_URL);
    case RECEIVER_MAIL:
        return config_has(c, CONFIG_SMTP_HOST) || config_has(c, CONFIG_SMTP_TO);
    case RECEIVER_COUNT:
        break;
    }
    return false;
}

bool ccd_alert_receiver_is_set(const struct ccd_client *client, size_t index)
{
    return index < RECEIVER_COUNT && receiver_is_set(client, (enum receiver)index);
}

/* One line for people: "spot_ohlcv 1d: A run failed. detail; next step" */
static void add_line(struct buf *out, const struct alert_message *m)
{
    const struct alert_rule_info *rule = alert_rule_info(m->rule);
    buf_printf(out, "%s " STR_FMT ": %s%s" STR_FMT " %s",
               m->is_resolved ? "resolved:" : "alert:", STR_ARG(m->subject), rule->meaning,
               m->detail.len ? " " : "", STR_ARG(m->detail), m->is_resolved ? "" : rule->next_step);
}

static int log_notice(const struct ccd_client *client, const struct alert_message *m)
{
    struct buf line;
    buf_init(&line, TEXT_MAX_BYTES, NULL);
    add_line(&line, m);
    bool is_grave = alert_rule_info(m->rule)->severity != ALERT_WARNING && !m->is_resolved;
    log_line(&client->log,
             m->is_resolved ? LOG_INFO
             : is_grave     ? LOG_ERROR
                            : LOG_WARNING,
             NULL, "%s", buf_str(&line).ptr);
    buf_release(&line);
    return 0;
}

static void sign(const struct ccd_client *client, struct str body, char out[SIGNATURE_BYTES])
{
    static const char digits[] = "0123456789abcdef";
    static const char prefix[] = "sha256=";
    uint8_t digest[32];
    size_t len = sizeof(prefix) - 1;
    hmac_sha256(config_secret(client->config, CONFIG_ALERT_WEBHOOK_SECRET), body, digest);
    memcpy(out, prefix, len);
    for (size_t i = 0; i < sizeof(digest); i++) {
        out[len++] = digits[digest[i] >> 4];
        out[len++] = digits[digest[i] & 15];
    }
    out[len] = '\0';
}

static const char *ca_file_of(const struct config *c)
{
    return config_has(c, CONFIG_ALERT_CA_FILE) ? config_text(c, CONFIG_ALERT_CA_FILE).ptr : NULL;
}

static int post(const struct ccd_client *client, enum config_id url, struct str body,
                bool is_signed, int64_t deadline_ms, struct ccd_error *err)
{
    const struct config *c = client->config;
    char signature[SIGNATURE_BYTES];
    const struct delivery delivery = {
        .url = config_secret(c, url).ptr,
        .content_type = "application/json",
        .signature = is_signed ? signature : NULL,
        .body = body,
        .ca_file = ca_file_of(c),
        .allow_private = config_bool(c, CONFIG_ALERT_ALLOW_PRIVATE),
        .deadline_ms = deadline_ms,
    };
    if (is_signed)
        sign(client, body, signature);
    return deliver_post(&delivery, err);
}

static int mail_notice(const struct ccd_client *client, const struct alert_message *m,
                       int64_t deadline_ms, struct ccd_error *err)
{
    const struct config *c = client->config;
    const struct str *to = NULL;
    char subject[256], when[32];
    struct buf text;
    size_t count = config_list(c, CONFIG_SMTP_TO, &to);
    if (!config_has(c, CONFIG_SMTP_HOST) || count == 0)
        return error_set(err, CCD_CONFIG, "%s is not set: mail needs SMTP_HOST and SMTP_TO",
                         count == 0 ? "SMTP_TO" : "SMTP_HOST");
    const struct alert_rule_info *rule = alert_rule_info(m->rule);
    str_print(subject, sizeof(subject), "[ccdata] %s%s: " STR_FMT,
              m->is_resolved ? "resolved: " : "", rule->name, STR_ARG(m->subject));
    buf_init(&text, TEXT_MAX_BYTES, NULL);
    add_line(&text, m);
    buf_printf(&text, "\n\nSince %s. Notice %s.\n", time_format_iso(m->opened_utc_s, when), m->id);
    const struct mail mail = {
        .host = config_text(c, CONFIG_SMTP_HOST).ptr,
        .port = (int)config_i64(c, CONFIG_SMTP_PORT),
        .user = config_text(c, CONFIG_SMTP_USER).ptr,
        .password = config_secret(c, CONFIG_SMTP_PASSWORD).ptr,
        .from = config_has(c, CONFIG_SMTP_FROM) ? config_text(c, CONFIG_SMTP_FROM).ptr
                                                : "ccdata@localhost",
        .to = to,
        .to_count = count,
        .subject = subject,
        .id = m->id,
        .sent_utc_s = m->sent_utc_s,
        .ca_file = ca_file_of(c),
        .text = buf_str(&text),
        .deadline_ms = deadline_ms,
    };
    int status = mail_send(&mail, err);
    buf_release(&text);
    return status;
}

int receiver_send(const struct ccd_client *client, enum receiver receiver,
                  const struct alert_message *message, int64_t deadline_ms, struct ccd_error *err)
{
    static const enum alert_format formats[RECEIVER_COUNT] = {
        [RECEIVER_SLACK] = ALERT_FORMAT_SLACK, [RECEIVER_DISCORD] = ALERT_FORMAT_DISCORD};
    struct buf body;
    if (receiver == RECEIVER_LOG)
        return log_notice(client, message);
    if (receiver == RECEIVER_MAIL)
        return mail_notice(client, message, deadline_ms, err);
    buf_init(&body, ALERT_BODY_MAX_BYTES, NULL);
    alert_body_add(&body, formats[receiver], message);
    int status = 0;
    if (body.failed)
        status = error_set(err, CCD_NO_MEMORY, "no memory for a notice");
    else if (receiver == RECEIVER_COMMAND)
        status = receiver_run_command(client, buf_str(&body), deadline_ms, err);
    else
        status = post(client,
                      receiver == RECEIVER_SLACK     ? CONFIG_SLACK_WEBHOOK_URL
                      : receiver == RECEIVER_DISCORD ? CONFIG_DISCORD_WEBHOOK_URL
                                                     : CONFIG_ALERT_WEBHOOK_URL,
                      buf_str(&body),
                      receiver == RECEIVER_WEBHOOK &&
                          config_has(client->config, CONFIG_ALERT_WEBHOOK_SECRET),
                      deadline_ms, err);
    buf_release(&body);
    return status;
}

int ccd_alert_receiver_try(struct ccd_client *client, size_t index, struct ccd_error *err)
{
    const struct alert_message message = {
        .id = "test",
        .rule = ALERT_RUN_FAILED,
        .subject = STR("test"),
        .detail = STR("This is a trial: nothing has happened."),
        .opened_utc_s = clock_utc_s(&client->clock),
        .sent_utc_s = clock_utc_s(&client->clock),
    };
    error_clear(err);
    if (!ccd_alert_receiver_is_set(client, index))
        return error_set(err, CCD_CONFIG, "it is not set: it needs %s", settings[index]);
    int status = receiver_send(client, (enum receiver)index, &message, ALERT_DEADLINE_MS, err);
    redact(&client->redactor, err->message);
    return status ? status : (int)err->status;
}
