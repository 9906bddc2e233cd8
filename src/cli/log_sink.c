#include "cli/log_sink.h"

#include "base/hooks.h"
#include "base/log.h"
#include "base/time.h"
#include "cli/term.h"

enum { HELD_MAX_BYTES = 64 * 1024, LINE_MAX_BYTES = 4096 };

static const enum log_level LEVELS[] = {
    [CCD_LOG_DEBUG] = LOG_DEBUG,
    [CCD_LOG_INFO] = LOG_INFO,
    [CCD_LOG_WARNING] = LOG_WARNING,
    [CCD_LOG_ERROR] = LOG_ERROR,
};

void log_sink_init(struct log_sink *sink, struct console *console)
{
    *sink = (struct log_sink){.console = console, .holding = true};
    buf_init(&sink->held, HELD_MAX_BYTES, NULL);
}

static void print(struct log_sink *sink, enum ccd_log_level level, const char *text)
{
    char now[32];
    struct buf line;
    buf_init(&line, LINE_MAX_BYTES, NULL);
    buf_printf(&line, "%s %s ", time_format_iso(clock_utc_s(NULL), now),
               log_level_name(LEVELS[level]));
    term_add_escaped(&line, str_from(text)); /* names of the vendor stand in it */
    console_line(sink->console, buf_str(&line));
    buf_release(&line);
}

static bool hold(struct log_sink *sink, enum ccd_log_level level, const char *text)
{
    struct str line = str_from(text);
    if (!sink->holding || buf_reserve(&sink->held, line.len + 2) != 0)
        return false;
    buf_add_char(&sink->held, (char)('0' + level));
    return buf_add(&sink->held, line.ptr, line.len + 1) == 0;
}

void log_sink_write(void *user, enum ccd_log_level level, const char *line)
{
    struct log_sink *sink = user;
    flockfile(
        sink->console->err); /* lines come from any thread, and the bar stands on the same file */
    if (!hold(sink, level, line) && level >= sink->threshold)
        print(sink, level, line);
    funlockfile(sink->console->err);
}

void log_sink_start(struct log_sink *sink, enum ccd_log_level threshold)
{
    flockfile(sink->console->err);
    sink->holding = false;
    sink->threshold = threshold;
    struct str rest = buf_str(&sink->held);
    while (rest.len > 0) {
        struct str line = str_split(&rest, '\0');
        enum ccd_log_level level = (enum ccd_log_level)(line.ptr[0] - '0');
        if (level >= threshold)
            print(sink, level, line.ptr + 1);
    }
    buf_release(&sink->held);
    funlockfile(sink->console->err);
}
