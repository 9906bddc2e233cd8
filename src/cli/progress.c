#include "cli/progress.h"

#include <inttypes.h>
#include <string.h>

#include "base/hooks.h"
#include "base/time.h"
#include "base/utf8.h"
#include "cli/term.h"
#include "cli/terminal.h"

enum {
    LINE_EVERY_MS = 5000,
    LINE_MAX_BYTES = 4096,
    BAR_CELLS_MAX = 40,
    BAR_CELLS_MIN = 10
};

void progress_init(struct progress *p, struct console *console, const char *name, bool quiet)
{
    *p = (struct progress){.console = console, .next_line_ms = LINE_EVERY_MS};
    if (!name || strcmp(name, "auto") == 0) {
        p->mode = terminal_is_able(console->err) ? PROGRESS_BAR : PROGRESS_LOG;
        p->mode = quiet ? PROGRESS_NONE : p->mode;
    } else if (strcmp(name, "bar") == 0) {
        p->mode = PROGRESS_BAR;
    } else if (strcmp(name, "log") == 0) {
        p->mode = PROGRESS_LOG;
    }
}

static int64_t percent(int64_t done, int64_t planned)
{
    if (planned <= 0) {
        return 0;
    }
    return (done < planned ? done : planned) * 100 / planned;
}

void progress_add_line(struct buf *out, const struct ccd_progress *now, int64_t rows_per_s)
{
    char duration[DURATION_BYTES];
    if (now->calls_planned > 0) {
        buf_printf(out, "%3" PRId64 "%% of %" PRId64 " calls, %" PRId64 " rows/s",
                   percent(now->calls_done, now->calls_planned), now->calls_planned, rows_per_s);
    } else {
        buf_printf(out, "working out what is missing, %" PRId64 " series", now->series_total);
    }
    if (now->eta_s >= 0 && now->calls_planned > 0) {
        buf_printf(out, ", ETA %s", term_duration(now->eta_s * 1000, duration));
    }
    if (now->waiting_ms > 0) {
        buf_printf(out, ", waiting %s", term_duration(now->waiting_ms, duration));
        if (now->waiting_for) {
            buf_add_text(out, ": ");
            term_add_escaped(out, str_from(now->waiting_for));
        }
    }
}

void progress_add_scan_line(struct buf *out, const struct ccd_scan_progress *now,
                            int64_t rows_per_s)
{
    if (now->parts_total > 0) {
        buf_printf(out,
                   "%3" PRId64 "%% of %" PRId64 " series by interval, %" PRId64 " rows, "
                   "%" PRId64 " rows/s",
                   percent(now->parts_done, now->parts_total), now->parts_total, now->rows,
                   rows_per_s);
    } else {
        buf_add_text(out, "reading the lists of series");
    }
}

static void add_bar(struct buf *out, struct str line, int64_t done_percent, size_t width)
{
    size_t around = term_width(line) + 3; /* brackets and a space */
    size_t room = width > around ? width - around : 0;
    size_t cells = room < BAR_CELLS_MAX ? room : BAR_CELLS_MAX;
    if (cells >= BAR_CELLS_MIN) {
        size_t filled = cells * (size_t)done_percent / 100;
        buf_add_char(out, '[');
        for (size_t i = 0; i < cells; i++) {
            buf_add_char(out, i < filled ? '#' : '.');
        }
        buf_add_text(out, "] ");
    }
    for (size_t i = 0; i < width && line.len > 0; i++) {
        uint32_t code_point;
        size_t size = utf8_char_size(line, &code_point);
        buf_add(out, line.ptr, size);
        line = (struct str){line.ptr + size, line.len - size};
    }
}

void progress_add_bar(struct buf *out, const struct ccd_progress *now, int64_t rows_per_s,
                      size_t width)
{
    struct buf line;
    buf_init(&line, LINE_MAX_BYTES, NULL);
    progress_add_line(&line, now, rows_per_s);
    add_bar(out, buf_str(&line), percent(now->calls_done, now->calls_planned), width);
    buf_release(&line);
}

static int64_t rate(struct progress *p, int64_t elapsed_ms, int64_t rows)
{
    if (elapsed_ms - p->recent_ms >= LINE_EVERY_MS) {
        p->old_ms = p->recent_ms;
        p->old_rows = p->recent_rows;
        p->recent_ms = elapsed_ms;
        p->recent_rows = rows;
    }
    int64_t ms = elapsed_ms - p->old_ms;
    return ms > 0 ? (rows - p->old_rows) * 1000 / ms : 0;
}

/* line: how far it is, as text. */
static void show(struct progress *p, struct str line, int64_t done_percent, int64_t elapsed_ms)
{
    struct buf text;
    buf_init(&text, LINE_MAX_BYTES, NULL);
    if (p->mode == PROGRESS_BAR) {
        /* The last column stays free: some terminals break the line there. */
        add_bar(&text, line, done_percent, terminal_width(p->console->err) - 1);
        console_bar(p->console, buf_str(&text));
    } else if (p->mode == PROGRESS_LOG && elapsed_ms >= p->next_line_ms) {
        char time[32];
        p->next_line_ms = elapsed_ms + LINE_EVERY_MS;
        buf_printf(&text, "%s INFO " STR_FMT, time_format_iso(clock_utc_s(NULL), time),
                   STR_ARG(line));
        console_line(p->console, buf_str(&text));
    }
    buf_release(&text);
}

void progress_show(void *user, const struct ccd_progress *now)
{
    struct progress *p = user;
    struct buf line;
    buf_init(&line, LINE_MAX_BYTES, NULL);
    progress_add_line(&line, now, rate(p, now->elapsed_ms, now->rows_written));
    show(p, buf_str(&line), percent(now->calls_done, now->calls_planned), now->elapsed_ms);
    buf_release(&line);
}

void progress_show_scan(void *user, const struct ccd_scan_progress *now)
{
    struct progress *p = user;
    struct buf line;
    buf_init(&line, LINE_MAX_BYTES, NULL);
    progress_add_scan_line(&line, now, rate(p, now->elapsed_ms, now->rows));
    show(p, buf_str(&line), percent(now->parts_done, now->parts_total), now->elapsed_ms);
    buf_release(&line);
}

void progress_end(struct progress *p)
{
    console_clear_bar(p->console);
}
