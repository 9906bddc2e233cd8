#include "cli/log_line.h"

#include "base/log.h"
#include "base/time.h"
#include "cli/json.h"
#include "cli/term.h"

static const struct {
    enum log_level level;
    int priority; /* syslog's, as sd-daemon(3) has them */
} LEVELS[] = {
    [CCD_LOG_DEBUG] = {LOG_DEBUG, 7},
    [CCD_LOG_INFO] = {LOG_INFO, 6},
    [CCD_LOG_WARNING] = {LOG_WARNING, 4},
    [CCD_LOG_ERROR] = {LOG_ERROR, 3},
};

static const char *level_name(const struct ccd_log_line *line)
{
    return log_level_name(LEVELS[line->level].level);
}

static void add_subject(struct buf *out, const struct ccd_log_line *line)
{
    const char *const parts[] = {line->data_type, line->interval, line->market, line->instrument};
    const char *separator = "";
    for (size_t i = 0; i < sizeof parts / sizeof parts[0]; i++) {
        if (parts[i]) {
            buf_add_text(out, separator);
            term_add_escaped(out, str_from(parts[i]));
            separator = " ";
        }
    }
    if (separator[0])
        buf_add_text(out, ": ");
}

static void add_json(struct buf *out, const struct ccd_log_line *line, int64_t now_utc_s)
{
    struct json j;
    json_init_line(&j, out);
    json_open_object(&j, NULL);
    json_add_time(&j, "time", now_utc_s);
    json_add_text(&j, "level", level_name(line));
    json_add_text(&j, "message", line->text);
    json_add_text(&j, "run", line->run_id);
    json_add_text(&j, "data_type", line->data_type);
    json_add_text(&j, "interval", line->interval);
    json_add_text(&j, "market", line->market);
    json_add_text(&j, "instrument", line->instrument);
    json_close_object(&j);
}

void log_line_add(struct buf *out, enum log_form form, const struct ccd_log_line *line,
                  int64_t now_utc_s, bool with_run)
{
    char now[32];
    if (form == LOG_FORM_JSON) {
        add_json(out, line, now_utc_s);
        return;
    }
    if (form == LOG_FORM_JOURNAL)
        buf_printf(out, "<%d>", LEVELS[line->level].priority);
    else
        buf_printf(out, "%s %s ", time_format_iso(now_utc_s, now), level_name(line));
    if (with_run && line->run_id)
        buf_printf(out, "[%s] ", line->run_id);
    add_subject(out, line);
    term_add_escaped(out, str_from(line->text));
}
