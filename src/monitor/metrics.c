#include "monitor/metrics.h"

#include <inttypes.h>
#include <string.h>

#include "model/data_type.h"

enum { CELLS_MAX = 2048, BUCKETS = 12, TYPES_MAX = 16 };

/* Upper bounds in µs; the last bucket has none. */
static const int64_t bounds_us[BUCKETS] = {1000,   5000,   10000,   25000,   50000,    100000,
                                           250000, 500000, 1000000, 2500000, 10000000, 60000000};
static const char *const bound_texts[BUCKETS] = {"0.001", "0.005", "0.01", "0.025", "0.05", "0.1",
                                                 "0.25",  "0.5",   "1",    "2.5",   "10",   "60"};

struct family {
    const char *name, *help;
    enum metric_kind kind;
    enum metric_labels labels, more;
    int64_t parts;
};
static const struct family families[METRIC_COUNT] = {
#define METRIC_FAMILY(id, text, k, l, m, p, h)                                                     \
    [METRIC_##id] = {.name = text,                                                                 \
                     .help = h,                                                                    \
                     .kind = METRIC_##k,                                                           \
                     .labels = LABELS_##l,                                                         \
                     .more = LABELS_##m,                                                           \
                     .parts = p},
    METRIC_TABLE(METRIC_FAMILY)
#undef METRIC_FAMILY
};

static const char *const endpoints[] = {"candles",   "instruments", "markets", "assets",
                                        "exchanges", "quota",       "other"};
static const char *const outcomes[] = {"ok",      "end_of_history", "throttled",  "server_error",
                                       "network", "refused",        "key_refused"};
static const char *const commits[] = {"committed", "rolled_back", "unknown"};
static const char *const caches[] = {"hit", "miss"};
static const char *const windows[] = {"second", "minute", "hour", "day", "month"};
static const char *const intervals[] = {"1d", "1h", "1m", ""};
static const char *const runs[] = {"complete", "partial", "failed", "interrupted"};

static const struct {
    const char *name;
    const char *const *values; /* NULL: the names of the data types */
    int count;
} label_lists[LABELS_COUNT] = {
    [LABELS_NONE] = {"", NULL, 1},
    [LABELS_ENDPOINT] = {"endpoint", endpoints, ENDPOINT_COUNT},
    [LABELS_OUTCOME] = {"outcome", outcomes, OUTCOME_COUNT},
    [LABELS_COMMIT] = {"outcome", commits, COMMIT_COUNT},
    [LABELS_CACHE] = {"result", caches, CACHE_LABEL_COUNT},
    [LABELS_WINDOW] = {"window", windows, 5},
    [LABELS_TYPE] = {"data_type", NULL, TYPES_MAX},
    [LABELS_INTERVAL] = {"interval", intervals, 4},
    [LABELS_RUN] = {"outcome", runs, RUN_COUNT},
};

struct metrics {
    size_t first[METRIC_COUNT]; /* the cells of a family stand together */
    _Atomic int64_t cells[CELLS_MAX];
    atomic_bool shown[CELLS_MAX]; /* a gauge that was set, a counter that is more than nothing */
};

enum metric_endpoint metric_endpoint_of(const char *path)
{
    static const struct {
        const char *part;
        enum metric_endpoint endpoint;
    } parts[] = {
        {"/historical/", ENDPOINT_CANDLES},  {"/markets/instruments", ENDPOINT_INSTRUMENTS},
        {"/markets", ENDPOINT_MARKETS},      {"/asset/", ENDPOINT_ASSETS},
        {"/exchanges/", ENDPOINT_EXCHANGES}, {"/rate/limit", ENDPOINT_QUOTA},
    };
    for (size_t i = 0; i < sizeof(parts) / sizeof(*parts); i++)
        if (strstr(path, parts[i].part))
            return parts[i].endpoint;
    return ENDPOINT_OTHER;
}

/* ---- cells ---- */

/* Of a histogram each label has its buckets, the one without bound, and the sum. */
static size_t cells_of(const struct family *f)
{
    size_t cells = (size_t)label_lists[f->labels].count * (size_t)label_lists[f->more].count;
    return f->kind == METRIC_HISTOGRAM ? cells * (BUCKETS + 2) : cells;
}

struct metrics *metrics_new(const struct allocator *allocator)
{
    struct metrics *m = mem_new(allocator, 1, sizeof(*m));
    size_t next = 0;
    for (int i = 0; m && i < METRIC_COUNT; i++) {
        m->first[i] = next;
        next += cells_of(&families[i]);
    }
    if (m && next <= CELLS_MAX)
        return m;
    mem_free(allocator, m);
    return NULL;
}

void metrics_free(struct metrics *m, const struct allocator *allocator)
{
    mem_free(allocator, m);
}

static bool is_in(const struct family *f, int label, int more)
{
    return label >= 0 && label < label_lists[f->labels].count && more >= 0 &&
           more < label_lists[f->more].count;
}

static size_t cell_of(const struct metrics *m, enum metric metric, int label, int more)
{
    const struct family *f = &families[metric];
    return m->first[metric] + (size_t)label * (size_t)label_lists[f->more].count + (size_t)more;
}

void metric_add(struct metrics *m, enum metric metric, int label, int more, int64_t delta)
{
    if (!m || !is_in(&families[metric], label, more) || delta == 0)
        return;
    size_t cell = cell_of(m, metric, label, more);
    atomic_fetch_add_explicit(&m->cells[cell], delta, memory_order_relaxed);
    atomic_store_explicit(&m->shown[cell], true, memory_order_relaxed);
}

void metric_set(struct metrics *m, enum metric metric, int label, int more, int64_t value)
{
    if (!m || !is_in(&families[metric], label, more))
        return;
    size_t cell = cell_of(m, metric, label, more);
    atomic_store_explicit(&m->cells[cell], value, memory_order_relaxed);
    atomic_store_explicit(&m->shown[cell], true, memory_order_relaxed);
}

void metric_observe(struct metrics *m, enum metric metric, int label, int64_t us)
{
    int bucket = 0;
    if (!m || !is_in(&families[metric], label, 0))
        return;
    while (bucket < BUCKETS && us > bounds_us[bucket])
        bucket++;
    size_t first = m->first[metric] + (size_t)label * (BUCKETS + 2);
    atomic_fetch_add_explicit(&m->cells[first + (size_t)bucket], 1, memory_order_relaxed);
    atomic_fetch_add_explicit(&m->cells[first + BUCKETS + 1], us > 0 ? us : 0,
                              memory_order_relaxed);
    atomic_store_explicit(&m->shown[first], true, memory_order_relaxed);
}

static int64_t load(const struct metrics *m, size_t cell)
{
    return atomic_load_explicit(&m->cells[cell], memory_order_relaxed);
}

int64_t metric_read(const struct metrics *m, enum metric metric, int label, int more)
{
    return m && is_in(&families[metric], label, more) ? load(m, cell_of(m, metric, label, more))
                                                      : 0;
}

/* ---- the text format ---- */

/* Every value is one of ours and of the alphabet [a-z0-9_]; the names of data types are the
 * registry's. */
static const char *label_value(enum metric_labels list, int at)
{
    if (list == LABELS_TYPE)
        return (size_t)at < data_type_count ? data_types[at]->name : NULL;
    return label_lists[list].values ? label_lists[list].values[at] : "";
}

static bool add_labels(struct buf *out, const struct family *f, int label, int more,
                       const char *bound)
{
    const char *first = label_value(f->labels, label), *second = label_value(f->more, more);
    const char *separator = "";
    if (!first || !second)
        return false;
    bool any = f->labels || f->more || bound;
    buf_add_text(out, any ? "{" : "");
    if (f->labels)
        buf_printf(out, "%s=\"%s\"", label_lists[f->labels].name, first);
    separator = f->labels ? "," : "";
    if (f->more)
        buf_printf(out, "%s%s=\"%s\"", separator, label_lists[f->more].name, second);
    separator = f->labels || f->more ? "," : "";
    if (bound)
        buf_printf(out, "%sle=\"%s\"", separator, bound);
    buf_add_text(out, any ? "} " : " ");
    return true;
}

static void add_value(struct buf *out, const struct family *f, int64_t value)
{
    char text[32];
    str_format_f64(text, (double)value / (double)f->parts);
    buf_printf(out, "%s\n", text);
}

static void add_sample(struct buf *out, const struct metrics *m, enum metric metric, int label,
                       int more)
{
    const struct family *f = &families[metric];
    size_t cell = cell_of(m, metric, label, more);
    /* A rule that waits for the growth of a counter sees none when it begins with what it waits
     * for: those with one label at most are told from the start. */
    bool is_plain = f->kind == METRIC_COUNTER && f->more == LABELS_NONE;
    if (!is_plain && !atomic_load_explicit(&m->shown[cell], memory_order_relaxed))
        return;
    if (!label_value(f->labels, label))
        return;
    buf_add_text(out, f->name);
    add_labels(out, f, label, more, NULL);
    add_value(out, f, load(m, cell));
}

/* Buckets are summed as they are read, so that they never shrink towards the last. */
static void add_histogram(struct buf *out, const struct metrics *m, enum metric metric, int label)
{
    const struct family *f = &families[metric];
    size_t first = m->first[metric] + (size_t)label * (BUCKETS + 2);
    int64_t count = 0;
    if (!atomic_load_explicit(&m->shown[first], memory_order_relaxed))
        return;
    for (int b = 0; b <= BUCKETS; b++) {
        count += load(m, first + (size_t)b);
        buf_printf(out, "%s_bucket", f->name);
        add_labels(out, f, label, 0, b < BUCKETS ? bound_texts[b] : "+Inf");
        buf_printf(out, "%" PRId64 "\n", count);
    }
    buf_printf(out, "%s_sum", f->name);
    add_labels(out, f, label, 0, NULL);
    add_value(out, f, load(m, first + BUCKETS + 1));
    buf_printf(out, "%s_count", f->name);
    add_labels(out, f, label, 0, NULL);
    buf_printf(out, "%" PRId64 "\n", count);
}

static const char *const kind_names[] = {"counter", "gauge", "histogram"};

void metrics_write(const struct metrics *m, const char *version, struct buf *out)
{
    for (int i = 0; m && i < METRIC_COUNT; i++) {
        const struct family *f = &families[i];
        buf_printf(out, "# HELP %s %s\n# TYPE %s %s\n", f->name, f->help, f->name,
                   kind_names[f->kind]);
        for (int label = 0; label < label_lists[f->labels].count; label++) {
            if (f->kind == METRIC_HISTOGRAM) {
                add_histogram(out, m, (enum metric)i, label);
                continue;
            }
            for (int more = 0; more < label_lists[f->more].count; more++)
                add_sample(out, m, (enum metric)i, label, more);
        }
    }
    buf_printf(out,
               "# HELP ccdata_build_info The program.\n# TYPE ccdata_build_info gauge\n"
               "ccdata_build_info{version=\"%s\"} 1\n",
               version);
}

static void add_label_names(struct buf *out, const struct family *f)
{
    buf_printf(out, "%s%s%s", f->labels ? label_lists[f->labels].name : "",
               f->labels && f->more ? ", " : "", f->more ? label_lists[f->more].name : "");
}

static void add_label_row(struct buf *out, enum metric_labels list)
{
    buf_printf(out, "| `%s` | ", label_lists[list].name);
    for (int i = 0; i < label_lists[list].count && label_value(list, i); i++)
        buf_printf(out, "%s`%s`", i ? ", " : "", label_value(list, i));
    buf_add_text(out, " |\n");
}

void metrics_write_reference(struct buf *out)
{
    buf_add_text(out, "# Metrics\n\nIn the text format of Prometheus; how to get at them: "
                      "[docs/operate/metrics.md](../operate/metrics.md). Made from "
                      "src/monitor/metrics.h.\n\n"
                      "| name | kind | labels | meaning |\n|---|---|---|---|\n");
    for (int i = 0; i < METRIC_COUNT; i++) {
        const struct family *f = &families[i];
        buf_printf(out, "| `%s` | %s | ", f->name, kind_names[f->kind]);
        add_label_names(out, f);
        buf_printf(out, " | %s |\n", f->help);
    }
    buf_add_text(out, "| `ccdata_build_info` | gauge | version | The program. |\n\n"
                      "Labels come from closed lists; no market, instrument or message is one. An "
                      "empty interval is metadata.\n\n| label | values |\n|---|---|\n");
    for (int list = LABELS_NONE + 1; list < LABELS_COUNT; list++)
        add_label_row(out, (enum metric_labels)list);
    buf_add_text(out, "\nHistograms have the bounds");
    for (int b = 0; b < BUCKETS; b++)
        buf_printf(out, "%s %s", b ? "," : "", bound_texts[b]);
    buf_add_text(out, " s.\n");
}
