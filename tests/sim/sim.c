#include "sim.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "mirror.h"
#include "phases.h"
#include "script.h"

enum { TEXT_MAX_BYTES = 4 << 20, BATCH_TEXT_BYTES = 1 << 16 };

/* ---- what happened ---- */

void sim_fail(struct sim *sim, const char *format, ...)
{
    if (sim->failed)
        return;
    sim->failed = true;
    va_list args;
    va_start(args, format);
    vsnprintf(sim->why, sizeof(sim->why), format, args);
    va_end(args);
    sim_trace(sim, "FAILED %s", sim->why);
}

void sim_saw(struct sim *sim, enum sometimes state)
{
    sim->tally->states[state]++;
}

/* ---- dice and clocks ---- */

bool sim_hits(struct sim *sim, enum fault fault)
{
    return sim->faults_on && script_hits(sim, fault, swarm_hits(&sim->swarm, fault, &sim->rng));
}

int64_t sim_between(struct sim *sim, int64_t low, int64_t high)
{
    return low + (int64_t)rng_below(&sim->rng, (uint64_t)(high - low) + 1);
}

bool sim_one_in(struct sim *sim, uint64_t n)
{
    return rng_below(&sim->rng, n) == 0;
}

int64_t sim_vendor_utc_s(const struct sim *sim)
{
    return sim->epoch_utc_s + sim->now_us / SIM_US_PER_S;
}

int64_t sim_host_utc_s(const struct sim *sim)
{
    return sim_vendor_utc_s(sim) + sim->host_offset_s;
}

/* ---- events: a binary heap by time, then by order of scheduling ---- */

static bool is_before(const struct event *a, const struct event *b)
{
    return a->at_us != b->at_us ? a->at_us < b->at_us : a->order < b->order;
}

/* Bring the event at `at` to its place among the earlier ones. */
static void rise(struct sim *sim, size_t at)
{
    struct event event = sim->events[at];
    while (at > 0 && is_before(&event, &sim->events[(at - 1) / 2])) {
        sim->events[at] = sim->events[(at - 1) / 2];
        at = (at - 1) / 2;
    }
    sim->events[at] = event;
}

void sim_schedule(struct sim *sim, int64_t at_us, enum event_kind kind, uint32_t life,
                  uint32_t index)
{
    if (sim->event_count == SIM_EVENTS_MAX)
        abort(); /* more than any run may have outstanding */
    sim->events[sim->event_count] = (struct event){at_us, sim->event_order++, kind, life, index};
    rise(sim, sim->event_count++);
}

bool sim_hasten_arrival(struct sim *sim, uint32_t index, int64_t at_us)
{
    for (size_t i = 0; i < sim->event_count; i++) {
        struct event *event = &sim->events[i];
        if (event->kind != EVENT_ARRIVAL || event->index != index)
            continue;
        event->at_us = at_us < event->at_us ? at_us : event->at_us;
        rise(sim, i);
        return true;
    }
    return false;
}

const struct event *sim_next_event(const struct sim *sim)
{
    return sim->event_count > 0 ? &sim->events[0] : NULL;
}

struct event sim_take_event(struct sim *sim)
{
    struct event first = sim->events[0];
    struct event last = sim->events[--sim->event_count];
    size_t at = 0;
    for (size_t child = 1; child < sim->event_count; child = 2 * at + 1) {
        if (child + 1 < sim->event_count && is_before(&sim->events[child + 1], &sim->events[child]))
            child++;
        if (!is_before(&sim->events[child], &last))
            break;
        sim->events[at] = sim->events[child];
        at = child;
    }
    sim->events[at] = last;
    return first;
}

/* ---- coverage ---- */

static struct coverage_segment *more(struct coverage_segment *segments, size_t count)
{
    segments = realloc(segments, count * sizeof(*segments));
    if (!segments)
        abort();
    return segments;
}

const struct coverage_segment *sim_coverage(struct sim *sim, const struct sim_series *s,
                                            size_t *out_count)
{
    size_t count;
    const struct coverage_segment *stored = model_coverage(sim->store, s->names.series_id,
                                                           s->step_s, &count);
    if (2 * count + 2 > sim->segment_room) {
        sim->segment_room = 4 * count + 64;
        sim->segments = more(sim->segments, sim->segment_room);
        sim->segment_scratch = more(sim->segment_scratch, sim->segment_room);
    }
    if (count > 0)
        memcpy(sim->segments, stored, count * sizeof(*stored));
    *out_count = coverage_merge(sim->segments, count, sim->segment_scratch);
    return sim->segments;
}

/* ---- life ---- */

static int new_parts(struct sim *sim, struct ccd_error *err)
{
    sim->limiter = malloc(limiter_state_size());
    if (!sim->limiter)
        return error_set(err, CCD_NO_MEMORY, "no memory for the limiter");
    if (model_store_new(&sim->store, err) != 0 || mirror_new(&sim->mirror, err) != 0 ||
         gzip_new(NULL, &sim->gzip, err) != 0 ||
        reply_decoder_init(&sim->decoder, NULL, err) != 0)
        return err->status;
    return batch_init(&sim->truth, data_types[0], 1, BATCH_TEXT_BYTES, NULL, err);
}

int sim_new(struct sim **out, struct ccd_error *err)
{
    struct sim *sim = calloc(1, sizeof(*sim));
    if (!sim)
        return error_set(err, CCD_NO_MEMORY, "no memory for a simulation");
    buf_init(&sim->text, TEXT_MAX_BYTES, NULL);
    buf_init(&sim->text2, TEXT_MAX_BYTES, NULL);
    for (int i = 0; i < SIM_EXCHANGES_MAX; i++) {
        buf_init(&sim->exchanges[i].head, TEXT_MAX_BYTES, NULL);
        buf_init(&sim->exchanges[i].body, TEXT_MAX_BYTES, NULL);
    }
    if (new_parts(sim, err) != 0) {
        sim_free(sim);
        return err->status;
    }
    *out = sim;
    return 0;
}

void sim_free(struct sim *sim)
{
    if (!sim)
        return;
    for (int i = 0; i < SIM_EXCHANGES_MAX; i++) {
        buf_release(&sim->exchanges[i].head);
        buf_release(&sim->exchanges[i].body);
    }
    buf_release(&sim->text);
    buf_release(&sim->text2);
    batch_release(&sim->truth);
    reply_decoder_release(&sim->decoder);
    gzip_free(sim->gzip);
    model_store_free(sim->store);
    mirror_free(sim->mirror);
    free(sim->limiter);
    free(sim->segments);
    free(sim->segment_scratch);
    free(sim->server.arrivals_us);
    free(sim);
}

/* Nothing of the seed before may show. */
static void forget(struct sim *sim)
{
    for (int i = 0; i < SIM_EXCHANGES_MAX; i++)
        sim->exchanges[i].used = false;
    sim->event_count = 0;
    sim->event_order = 0;
    sim->failed = false;
    sim->faults_on = false;
    sim->host_offset_s = 0;
    sim->promised_us = 0;
    sim->store_away_until_us = 0;
    sim->unknown_commit_open = false;
    sim->rotten = SIZE_MAX;
    sim->life = 0;
    memset(sim->scene_counts, 0, sizeof(sim->scene_counts));
    sim->decoder.page = (struct page_decoder){0};
    model_store_clear(sim->store);
    limiter_state_init(sim->limiter);
}

void sim_run(struct sim *sim, uint64_t seed, enum mutant mutant, bool echo, struct tally *tally)
{
    forget(sim);
    sim->seed = seed;
    sim->mutant = mutant;
    sim->tally = tally;
    model_write_coverage_first(sim->store, mutant == MUTANT_COVERAGE_FIRST);
    mutants_plant(mutant);
    trace_begin(&sim->trace, echo);
    sim_scene(sim, SCENE_WORLD);
    if (phases_begin(sim)) {
        mirror_begin(sim);
        phases_safety(sim);
        phases_liveness(sim);
        phases_end(sim);
    }
    tally->seconds += (uint64_t)(sim->now_us / SIM_US_PER_S);
    mirror_end(sim);
    phases_release(sim);
}
