#include "cli/coverage_map.h"

#include <inttypes.h>
#include <string.h>

#include "base/time.h"
#include "base/utf8.h"
#include "cli/cli.h"
#include "cli/term.h"

enum {
    MONTHS_PER_YEAR = 12,
    YEAR_WIDTH = 4,
    NAME_SHARE = 3, /* a name takes at most a third of the width */
    NAME_MIN = 8,   /* this and the next: however narrow the terminal is */
    CELLS_MIN = 12,
};

static const char ELLIPSIS[] = "\xE2\x80\xA6";

enum shade {
    SHADE_OUTSIDE,
    SHADE_NONE,
    SHADE_EMPTY,
    SHADE_SOME,
    SHADE_HALF,
    SHADE_MOST,
    SHADE_ALL
};

static const struct {
    const char *character;
    const char *colour;
    const char *meaning; /* NULL: goes without saying */
} SHADES[] = {
    [SHADE_OUTSIDE] = {" ", "", NULL},
    [SHADE_NONE] = {"\xC2\xB7", "\033[31m", "none"},
    [SHADE_SOME] = {"\xE2\x96\x91", "\033[33m", "less than a third"},
    [SHADE_HALF] = {"\xE2\x96\x92", "\033[33m", "less than two thirds"},
    [SHADE_MOST] = {"\xE2\x96\x93", "\033[33m", "less than all"},
    [SHADE_ALL] = {"\xE2\x96\x88", "\033[32m", "all stored"},
    [SHADE_EMPTY] = {"e", "\033[2m", "empty at the vendor"},
};

/* Months are counted from the year 0. */
struct map {
    const struct ccd_coverage_report *report;
    bool colour;
    size_t name_width;
    int64_t first_month;
    int64_t months_per_cell;
    size_t cells;
};

static int64_t month_of(int64_t ts)
{
    int year, month, day, hour, minute, second;
    time_to_civil(ts, &year, &month, &day, &hour, &minute, &second);
    return (int64_t)year * MONTHS_PER_YEAR + month - 1;
}

static int64_t month_start(int64_t month)
{
    return time_from_civil((int)(month / MONTHS_PER_YEAR), (int)(month % MONTHS_PER_YEAR) + 1, 1, 0,
                           0, 0);
}

/* ---- cells ---- */

static enum shade shade_of(const int64_t periods[CCD_RANGE_STATE_COUNT])
{
    int64_t stored = periods[CCD_RANGE_STORED];
    int64_t lacking = periods[CCD_RANGE_MISSING] + periods[CCD_RANGE_REJECTED];
    if (stored == 0 && lacking == 0)
        return periods[CCD_RANGE_EMPTY] > 0 ? SHADE_EMPTY : SHADE_OUTSIDE;
    if (stored == 0 || lacking == 0)
        return stored == 0 ? SHADE_NONE : SHADE_ALL;
    double share = (double)stored / (double)(stored + lacking);
    if (share < 1.0 / 3.0)
        return SHADE_SOME;
    return share < 2.0 / 3.0 ? SHADE_HALF : SHADE_MOST;
}

/* Ranges ascend: *at is the first that reaches into the cell. */
static enum shade shade_between(const struct ccd_covered_series *series, size_t *at,
                                int64_t from_ts, int64_t to_ts, int64_t step_s)
{
    int64_t periods[CCD_RANGE_STATE_COUNT] = {0};
    while (*at < series->range_count && series->ranges[*at].to_ts <= from_ts)
        (*at)++;
    for (size_t i = *at; i < series->range_count && series->ranges[i].from_ts < to_ts; i++) {
        const struct ccd_range *range = &series->ranges[i];
        int64_t start = range->from_ts > from_ts ? range->from_ts : from_ts;
        int64_t end = range->to_ts < to_ts ? range->to_ts : to_ts;
        periods[range->state] += (end - start) / step_s;
    }
    return shade_of(periods);
}

/* Neighbours of one colour share its beginning and its end. */
struct brush {
    struct buf *out;
    bool colour;
    const char *now; /* "" = none */
};

static void paint(struct brush *brush, const char *colour, const char *character)
{
    if (brush->colour && strcmp(brush->now, colour) != 0) {
        buf_printf(brush->out, "%s%s", brush->now[0] ? "\033[0m" : "", colour);
        brush->now = colour;
    }
    buf_add_text(brush->out, character);
}

/* ---- lines ---- */

/* "kraken XXBTZUSD" */
static void add_name(struct buf *out, const struct ccd_covered_series *series)
{
    term_add_escaped(out, str_from(series->market));
    buf_add_char(out, ' ');
    term_add_escaped(out, str_from(series->instrument));
}

/* The first `width` characters. */
static struct str cut(struct str text, size_t width)
{
    size_t at = 0;
    for (size_t i = 0; i < width && at < text.len; i++) {
        uint32_t code_point;
        at += utf8_char_size((struct str){text.ptr + at, text.len - at}, &code_point);
    }
    return (struct str){text.ptr, at};
}

static void add_padded_name(struct buf *out, const struct map *m,
                            const struct ccd_covered_series *series)
{
    struct buf name;
    buf_init(&name, OUTPUT_MAX_BYTES, NULL);
    add_name(&name, series);
    struct str text = buf_str(&name);
    size_t width = term_width(text);
    out->failed |= name.failed;
    if (width > m->name_width) {
        text = cut(text, m->name_width - 1);
        width = m->name_width;
        buf_add(out, text.ptr, text.len);
        buf_add_text(out, ELLIPSIS);
    } else {
        buf_add(out, text.ptr, text.len);
    }
    term_add_spaces(out, m->name_width - width + 1);
    buf_release(&name);
}

static void add_series(struct buf *out, const struct map *m,
                       const struct ccd_covered_series *series)
{
    struct brush brush = {out, m->colour, ""};
    size_t at = 0;
    add_padded_name(out, m, series);
    for (size_t i = 0; i < m->cells; i++) {
        int64_t month = m->first_month + (int64_t)i * m->months_per_cell;
        enum shade shade = shade_between(series, &at, month_start(month),
                                         month_start(month + m->months_per_cell),
                                         m->report->step_s);
        paint(&brush, SHADES[shade].colour, SHADES[shade].character);
    }
    paint(&brush, "", "\n");
}

/* Years above the cells in which they begin, as far as there is room. */
static void add_years(struct buf *out, const struct map *m)
{
    size_t end = 0; /* of what stands in the line so far, in cells */
    term_add_spaces(out, m->name_width + 1);
    for (size_t i = 0; i < m->cells; i++) {
        int64_t month = m->first_month + (int64_t)i * m->months_per_cell;
        int64_t january = (month + MONTHS_PER_YEAR - 1) / MONTHS_PER_YEAR * MONTHS_PER_YEAR;
        bool begins = january < month + m->months_per_cell;
        bool fits = i >= end + (end > 0) && i + YEAR_WIDTH <= m->cells;
        if (fits && (begins || i == 0)) {
            term_add_spaces(out, i - end);
            buf_printf(out, "%04" PRId64, (begins ? january : month) / MONTHS_PER_YEAR);
            end = i + YEAR_WIDTH;
        }
    }
    buf_add_char(out, '\n');
}

static void add_legend(struct buf *out, const struct map *m)
{
    if (m->months_per_cell == 1)
        buf_add_text(out, "each character a month:");
    else
        buf_printf(out, "each character %" PRId64 " months:", m->months_per_cell);
    struct brush brush = {out, m->colour, ""};
    for (size_t i = 0; i < sizeof SHADES / sizeof SHADES[0]; i++) {
        if (SHADES[i].meaning) {
            paint(&brush, "", "  ");
            paint(&brush, SHADES[i].colour, SHADES[i].character);
            paint(&brush, "", " ");
            paint(&brush, "", SHADES[i].meaning);
        }
    }
    buf_add_char(out, '\n');
}

/* ---- the whole ---- */

static size_t widest_name(const struct ccd_coverage_report *report)
{
    size_t widest = 0;
    struct buf name;
    buf_init(&name, OUTPUT_MAX_BYTES, NULL);
    for (size_t i = 0; i < report->series_count; i++) {
        buf_clear(&name);
        add_name(&name, &report->series[i]);
        size_t width = term_width(buf_str(&name));
        widest = width > widest ? width : widest;
    }
    buf_release(&name);
    return widest;
}

/* The months that any series has a range in; false when none has. */
static bool find_months(const struct ccd_coverage_report *report, int64_t *out_first,
                        int64_t *out_last)
{
    bool found = false;
    for (size_t i = 0; i < report->series_count; i++) {
        const struct ccd_covered_series *series = &report->series[i];
        if (series->range_count == 0)
            continue;
        int64_t first = month_of(series->ranges[0].from_ts);
        int64_t last = month_of(series->ranges[series->range_count - 1].to_ts - 1);
        *out_first = !found || first < *out_first ? first : *out_first;
        *out_last = !found || last > *out_last ? last : *out_last;
        found = true;
    }
    return found;
}

/* Quarters and years read better than five months. */
static int64_t next_months_per_cell(int64_t months)
{
    if (months < 3)
        return 3;
    return months < MONTHS_PER_YEAR ? 2 * months : months + MONTHS_PER_YEAR;
}

static void lay_out(struct map *m, int64_t last_month, size_t width)
{
    int64_t first_month = m->first_month;
    size_t name_max = width / NAME_SHARE > NAME_MIN ? width / NAME_SHARE : NAME_MIN;
    m->name_width = widest_name(m->report);
    m->name_width = m->name_width < name_max ? m->name_width : name_max;
    size_t room = width > m->name_width + 1 ? width - m->name_width - 1 : 0;
    room = room < CELLS_MIN ? CELLS_MIN : room;
    m->months_per_cell = 1;
    m->cells = (size_t)(last_month - first_month + 1);
    while (m->cells > room) {
        m->months_per_cell = next_months_per_cell(m->months_per_cell);
        m->first_month = first_month - first_month % m->months_per_cell;
        m->cells = (size_t)((last_month - m->first_month) / m->months_per_cell + 1);
    }
}

void coverage_map_add(struct buf *out, const struct ccd_coverage_report *report, size_t width,
                      bool colour)
{
    struct map m = {.report = report, .colour = colour};
    int64_t last_month = 0;
    if (!find_months(report, &m.first_month, &last_month))
        return;
    lay_out(&m, last_month, width);
    add_years(out, &m);
    for (size_t i = 0; i < report->series_count; i++)
        if (report->series[i].range_count > 0)
            add_series(out, &m, &report->series[i]);
    add_legend(out, &m);
}
