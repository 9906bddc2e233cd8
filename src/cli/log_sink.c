#include "cli/log_sink.h"

#include <inttypes.h>

#include "base/error.h"
#include "base/hooks.h"
#include "base/time.h"

enum {
    HELD_MAX_BYTES = 64 * 1024,
    LINE_MAX_BYTES = 16 * 1024,
    LINES_PER_SECOND_MAX = 2000, /* errors are never cut */
    HELD_TEXTS = 6,
};

void log_sink_init(struct log_sink *sink, struct console *console)
{
    *sink = (struct log_sink){.console = console, .holding = true};
    sink->file.fd = -1;
    buf_init(&sink->held, HELD_MAX_BYTES, NULL);
}

static void print(struct log_sink *sink, const struct ccd_log_line *line, int64_t now_utc_s)
{
    struct buf text;
    buf_init(&text, LINE_MAX_BYTES, NULL);
    log_line_add(&text, sink->settings.console_form, line, now_utc_s, false);
    if (!text.failed)
        console_line(sink->console, buf_str(&text));
    buf_release(&text);
}

static void append(struct log_sink *sink, const struct ccd_log_line *line, int64_t now_utc_s)
{
    struct buf text;
    struct ccd_error err = {0};
    buf_init(&text, LINE_MAX_BYTES, NULL);
    log_line_add(&text, sink->settings.file_form, line, now_utc_s, true);
    buf_add_char(&text, '\n');
    bool failed = !text.failed && log_file_write(&sink->file, buf_str(&text), &err) != 0;
    if (failed && !sink->file_away) /* told once, until it works again */
        print(sink, &(struct ccd_log_line){.level = CCD_LOG_WARNING, .text = err.message},
              now_utc_s);
    sink->file_away = failed;
    buf_release(&text);
}

static void put(struct log_sink *sink, const struct ccd_log_line *line)
{
    int64_t now_utc_s = clock_utc_s(NULL);
    if (sink->settings.console_enabled && !line->is_reported)
        print(sink, line, now_utc_s);
    if (sink->settings.file_enabled)
        append(sink, line, now_utc_s);
}

static void tell_cut(struct log_sink *sink)
{
    char text[64];
    if (sink->lines_cut == 0)
        return;
    str_print(text, sizeof text, "%" PRId64 " log lines of one second were left out",
              sink->lines_cut);
    sink->lines_cut = 0;
    put(sink, &(struct ccd_log_line){.level = CCD_LOG_WARNING, .text = text});
}

/* Whether the line is one too many of its second. */
static bool is_flood(struct log_sink *sink, const struct ccd_log_line *line)
{
    int64_t second = clock_mono_us(NULL) / 1000000;
    if (second != sink->second) {
        tell_cut(sink);
        sink->second = second;
        sink->lines = 0;
    }
    bool flood = ++sink->lines > LINES_PER_SECOND_MAX && line->level < CCD_LOG_ERROR;
    sink->lines_cut += flood;
    return flood;
}

static void texts_of(const struct ccd_log_line *line, const char *out[HELD_TEXTS])
{
    out[0] = line->text;
    out[1] = line->run_id;
    out[2] = line->data_type;
    out[3] = line->interval;
    out[4] = line->market;
    out[5] = line->instrument;
}

static bool hold(struct log_sink *sink, const struct ccd_log_line *line)
{
    const char *texts[HELD_TEXTS];
    size_t need = 2;
    texts_of(line, texts);
    for (size_t i = 0; i < HELD_TEXTS; i++)
        need += str_from(texts[i]).len + 1;
    if (!sink->holding || buf_reserve(&sink->held, need) != 0)
        return false;
    buf_add_char(&sink->held, (char)('0' + line->level));
    buf_add_char(&sink->held, line->is_reported ? '1' : '0');
    for (size_t i = 0; i < HELD_TEXTS; i++) {
        struct str text = str_from(texts[i]);
        buf_add(&sink->held, text.ptr, text.len);
        buf_add_char(&sink->held, '\0');
    }
    return true;
}

/* A text that is not there was held as an empty one. */
static const char *take_text(struct str *rest)
{
    struct str text = str_split(rest, '\0');
    return text.len > 0 ? text.ptr : NULL;
}

static void release_held(struct log_sink *sink)
{
    struct str rest = buf_str(&sink->held);
    while (rest.len > 0) {
        struct ccd_log_line line = {
            .level = (enum ccd_log_level)(rest.ptr[0] - '0'),
            .is_reported = rest.ptr[1] == '1',
        };
        rest = (struct str){rest.ptr + 2, rest.len - 2};
        const char *text = take_text(&rest);
        line.text = text ? text : "";
        line.run_id = take_text(&rest);
        line.data_type = take_text(&rest);
        line.interval = take_text(&rest);
        line.market = take_text(&rest);
        line.instrument = take_text(&rest);
        if (line.level >= sink->settings.threshold)
            put(sink, &line);
    }
}

void log_sink_write(void *user, const struct ccd_log_line *line)
{
    struct log_sink *sink = user;
    flockfile(
        sink->console->err); /* lines come from any thread, and the bar stands on the same file */
    if (!hold(sink, line) && line->level >= sink->settings.threshold && !is_flood(sink, line))
        put(sink, line);
    funlockfile(sink->console->err);
}

void log_sink_start(struct log_sink *sink, const struct log_settings *settings,
                    const struct log_file *file)
{
    flockfile(sink->console->err);
    sink->holding = false;
    sink->settings = *settings;
    if (settings->file_enabled)
        sink->file = *file;
    release_held(sink);
    buf_release(&sink->held);
    funlockfile(sink->console->err);
}

void log_sink_close(struct log_sink *sink)
{
    if (!sink->console)
        return;
    flockfile(sink->console->err);
    tell_cut(sink);
    log_file_close(&sink->file);
    funlockfile(sink->console->err);
}
