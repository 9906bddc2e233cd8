/* What several operations of a run want of the same series and interval is asked for once. */
#include <stdlib.h>

#include "api/run.h"

/* An item of an operation; sorted, the items of one series and interval stand together in the order
 * of the operations. */
struct claim {
    int64_t series_id;
    enum interval interval;
    size_t operation, item;
};

static int by_series(const void *a, const void *b)
{
    const struct claim *x = a, *y = b;
    if (x->series_id != y->series_id)
        return x->series_id < y->series_id ? -1 : 1;
    if (x->interval != y->interval)
        return x->interval < y->interval ? -1 : 1;
    if (x->operation != y->operation)
        return x->operation < y->operation ? -1 : 1;
    return x->item < y->item ? -1 : x->item > y->item;
}

static bool is_empty(struct period_range range)
{
    return range.from_ts >= range.to_ts;
}

static struct period_range intersect(struct period_range a, struct period_range b)
{
    return (struct period_range){a.from_ts > b.from_ts ? a.from_ts : b.from_ts,
                                 a.to_ts < b.to_ts ? a.to_ts : b.to_ts};
}

/* Cut off `want` what an earlier operation asks for; the largest range in its middle is kept in
 * *inside. A second one there is not cut out: it costs nothing but a plan that is too long, for
 * when the operation begins its periods are stored. */
static void cut_claimed(struct period_range *want, struct period_range *inside,
                        struct period_range claimed)
{
    struct period_range both = intersect(*want, claimed);
    if (is_empty(both))
        return;
    if (both.from_ts == want->from_ts)
        want->from_ts = both.to_ts;
    else if (both.to_ts == want->to_ts)
        want->to_ts = both.from_ts;
    else if (both.to_ts - both.from_ts > inside->to_ts - inside->from_ts)
        *inside = both;
}

/* Items claims[0] … [count - 1] are of one series and interval. Their wants, before the cut, are
 * joined in *covered as far as they touch: mostly they do, being "all until now". */
static void cut_group(struct run *run, const struct claim *claims, size_t count)
{
    struct period_range covered = {0};
    for (size_t i = 0; i < count; i++) {
        struct operation *o = &run->operations[claims[i].operation];
        struct selected *s = &o->selection.items[claims[i].item];
        struct period_range asked = s->want;
        cut_claimed(&s->want, &o->claimed[claims[i].item], covered);
        if (is_empty(asked))
            continue;
        if (is_empty(covered)) {
            covered = asked;
        } else if (asked.from_ts <= covered.to_ts && asked.to_ts >= covered.from_ts) {
            covered.from_ts = asked.from_ts < covered.from_ts ? asked.from_ts : covered.from_ts;
            covered.to_ts = asked.to_ts > covered.to_ts ? asked.to_ts : covered.to_ts;
        } else if (asked.to_ts - asked.from_ts > covered.to_ts - covered.from_ts) {
            covered = asked;
        }
    }
}

static size_t fill_claims(struct run *run, struct claim *claims)
{
    size_t count = 0;
    for (size_t k = 0; k < run->operation_count; k++) {
        const struct operation *o = &run->operations[k];
        for (size_t i = 0; i < o->selection.count; i++)
            if (o->selection.items[i].error.status == CCD_OK)
                claims[count++] = (struct claim){o->selection.items[i].names.series_id,
                                                 o->job.interval, k, i};
    }
    return count;
}

int run_cut_doubles(struct run *run, struct ccd_error *err)
{
    size_t total = 0;
    for (size_t k = 0; k < run->operation_count; k++) {
        struct operation *o = &run->operations[k];
        total += o->selection.count;
        o->claimed = mem_new(NULL, o->selection.count + 1, sizeof(*o->claimed));
        if (!o->claimed)
            return error_set(err, CCD_NO_MEMORY, "no memory to plan");
    }
    struct claim *claims = mem_new(NULL, total + 1, sizeof(*claims));
    if (!claims)
        return error_set(err, CCD_NO_MEMORY, "no memory to plan %zu series", total);
    size_t count = fill_claims(run, claims);
    qsort(claims, count, sizeof(*claims), by_series);
    for (size_t from = 0, to; from < count; from = to) {
        for (to = from + 1; to < count && claims[to].series_id == claims[from].series_id &&
                            claims[to].interval == claims[from].interval;)
            to++;
        cut_group(run, claims + from, to - from);
    }
    mem_free(NULL, claims);
    return 0;
}
