#include "phases.h"

#include <string.h>

#include "base/time.h"
#include "life.h"
#include "mirror.h"
#include "oracle.h"
#include "vendor.h"

enum {
    LIVES_MAX = 5,
    NIGHTS_MAX = 60, /* of runs that the quota did not cut short … */
    RUNS_MAX = 1000, /* … and with those */
    PATIENT_NIGHTS = 10, /* then what is still to come comes days later */
    WORKERS_MAX = 6,
    CONFIRM_S = HOLE_CHECK_S +
                SIM_SETTLE_S, /* between two lives, so that holes fall due and the young grow up */
};

/* 2025-01-01 */
static const int64_t first_epoch_utc_s = 1735689600;
/* A life under faults that waits for longer is killed. */
static const int64_t life_most_us = 2LL * SECONDS_PER_DAY * SIM_US_PER_S;
/* A vendor may make us wait for a month, and a late record, ten days at most, is found after twice
 * its time; beyond it a run without faults must not take long. */
static const int64_t liveness_most_us = 75LL * SECONDS_PER_DAY * SIM_US_PER_S;

/* ---- the world ---- */

static bool make_world(struct sim *sim)
{
    static const int64_t ages_s[] = {3600, 3 * 3600, 86400, 3 * 86400, 20 * 86400, 150 * 86400};
    static const int64_t delays_s[] = {0, 0, 30, 60, 1800, 9000};
    struct ccd_error err;
    sim->now_us = 1000LL * SIM_US_PER_S;
    sim->epoch_utc_s = first_epoch_utc_s + sim_between(sim, 0, 30LL * SECONDS_PER_DAY);
    sim->restate_permille = sim_one_in(sim, 4) ? sim_between(sim, 1, 200) : 0;
    sim->sick_permille = sim_one_in(sim, 4) ? sim_between(sim, 1, 50) : 0;
    sim->mend_s = sim_one_in(sim, 3) ? sim_between(sim, 3600, 10LL * SECONDS_PER_DAY) : 0;
    struct world_config config = {
        .seed = rng_next(&sim->rng),
        .first_ts = sim_vendor_utc_s(sim) - ages_s[rng_below(&sim->rng, 6)],
        .market_count = 1,
        .instruments_per_market = 2,
        .hole_permille = sim_one_in(sim, 2) ? (int)sim_between(sim, 1, 150) : 0,
        .mend_s = sim->mend_s,
        .idle_permille = 50,
        .restate_permille = (int)sim->restate_permille,
        .publish_delay_s = delays_s[rng_below(&sim->rng, 6)],
        .cache_s = sim_one_in(sim, 3) ? 0 : sim_between(sim, 1, 300),
    };
    /* A record that is late, then hidden once, an hour later: two answers that agree, so it is
     * believed to be none. */
    if (config.publish_delay_s > SIM_SETTLE_S - 300)
        swarm_stop_hiding(&sim->swarm);
    if (config.publish_delay_s > HOLE_CHECK_S)
        config.cache_s = 0; /* else newer periods show, half open, in front of the late ones */
    sim->late = config.publish_delay_s > HOLE_CHECK_S;
    if (world_new(&config, NULL, &sim->world, &err) == 0)
        return true;
    sim_fail(sim, "no world: %s", err.message);
    return false;
}

/* What the catalogue knows of the first and the last data of a series: nothing, the truth, or
 * nearly. */
static void draw_catalogue(struct sim *sim, struct sim_series *s)
{
    int64_t first_ts = s->vendor->first_ts;
    switch (rng_below(&sim->rng, 4)) {
    case 0:
        s->first_ts = first_ts;
        break;
    case 1:
        s->first_ts = first_ts - sim_between(sim, 0, 30) * s->step_s;
        break;
    case 2:
        s->first_ts = first_ts + sim_between(sim, 0, 5) * s->step_s;
        break;
    default:
        s->first_ts = 0;
    }
    /* To know of newer data that is published hours later would make holes of it. */
    s->last_ts = !sim->late && sim_one_in(sim, 2) ? s->vendor->last_ts : 0;
}

static bool is_taken(const struct sim *sim, const struct world_series *vendor,
                     enum interval interval)
{
    for (size_t i = 0; i < sim->series_count; i++)
        if (sim->series[i].vendor == vendor && sim->series[i].interval == interval)
            return true;
    return false;
}

static void add_series(struct sim *sim, const struct world_series *vendor, enum interval interval)
{
    struct sim_series *s = &sim->series[sim->series_count];
    *s = (struct sim_series){
        .vendor = vendor, .interval = interval, .step_s = interval_infos[interval].step_s};
    if (!series_names_set(&s->names, vendor->type, str_from(vendor->market),
                          str_from(vendor->instrument), str_from(vendor->mapped)))
        return;
    draw_catalogue(sim, s);
    int64_t periods = sim_between(sim, 20, SIM_PERIODS_MAX);
    int64_t to_come = sim_between(sim, 0, 15);
    s->job.to_ts = time_floor(sim_vendor_utc_s(sim), s->step_s) + to_come * s->step_s;
    s->job.from_ts = s->job.to_ts - periods * s->step_s;
    int64_t first = time_floor(s->first_ts, s->step_s); /* as api/select.c cuts it */
    if (s->first_ts > 0 && first > s->job.from_ts)
        s->job.from_ts = first < s->job.to_ts ? first : s->job.to_ts;
    sim->series_count++;
    sim_trace(sim, "series %zu: %s %s %s, %lld periods, starts at %lld%s%s", sim->series_count - 1,
              vendor->type->name, interval_infos[interval].name, vendor->instrument,
              (long long)((s->job.to_ts - s->job.from_ts) / s->step_s),
              (long long)((time_floor(vendor->first_ts, s->step_s) - s->job.from_ts) / s->step_s),
              s->first_ts ? ", start known" : "", s->last_ts ? ", has ended" : "");
}

bool phases_begin(struct sim *sim)
{
    sim->world = NULL;
    sim->series_count = 0;
    swarm_draw(&sim->swarm, &sim->rng);
    if (!make_world(sim))
        return false;
    size_t count = (size_t)sim_between(sim, 2, SIM_SERIES_MAX);
    while (sim->series_count < count) {
        const struct world_series *vendor = world_series_at(
            sim->world, rng_below(&sim->rng, world_series_count(sim->world)));
        enum interval interval = (enum interval)rng_below(&sim->rng, INTERVAL_COUNT);
        if (!is_taken(sim, vendor, interval))
            add_series(sim, vendor, interval);
    }
    sim->page_max = (int)sim_between(sim, 5, 20);
    vendor_begin(sim);
    return true;
}

void phases_release(struct sim *sim)
{
    world_free(sim->world);
    sim->world = NULL;
}

/* ---- lives ---- */

static struct life_options draw_options(struct sim *sim)
{
    int workers = (int)sim_between(sim, 1, WORKERS_MAX);
    struct life_options options = {
        .workers = workers,
        .slots = workers + (int)sim_between(sim, 1, 4),
        .writers = (int)sim_between(sim, 1, 2),
        .wait_for_quota = sim_one_in(sim, 3),
        .max_calls = -1,
        .crash_us = INT64_MAX,
        .stop_us = INT64_MAX,
        .jump_us = INT64_MAX,
    };
    return options;
}

/* A moment in a life: mostly in its first minute, sometimes at once, sometimes late. */
static int64_t draw_moment(struct sim *sim)
{
    static const int64_t most_us[] = {200000, 2000000, 20000000, 60000000, 600000000, 7200000000};
    return sim->now_us + sim_between(sim, 0, most_us[rng_below(&sim->rng, 6)]);
}

static void draw_clock(struct sim *sim)
{
    sim->host_offset_s = 0;
    if (sim_hits(sim, FAULT_HOST_AHEAD))
        sim->host_offset_s = sim_one_in(sim, 4) ? SECONDS_PER_DAY : sim_between(sim, 1, 900);
    else if (sim_hits(sim, FAULT_HOST_BEHIND))
        sim->host_offset_s = -sim_between(sim, 1, sim_one_in(sim, 4) ? SECONDS_PER_DAY : 4000);
}

static void draw_fate(struct sim *sim, struct life_options *options)
{
    static const int64_t jumps_s[] = {-3600, 3600, 86400, -315360000, 60, -60};
    options->crash_us = sim->now_us + life_most_us;
    if (sim_hits(sim, FAULT_CRASH))
        options->crash_us = draw_moment(sim);
    if (sim_hits(sim, FAULT_STOP))
        options->stop_us = draw_moment(sim);
    if (sim_hits(sim, FAULT_FEW_CALLS))
        options->max_calls = sim_between(sim, 0, 20);
    if (sim_hits(sim, FAULT_CLOCK_JUMP)) {
        options->jump_us = draw_moment(sim);
        options->jump_s = jumps_s[rng_below(&sim->rng, 6)];
    }
}

/* Nobody runs for a while; what is under way still arrives. */
static void pass_time(struct sim *sim, int64_t until_us)
{
    const struct event *next;
    while ((next = sim_next_event(sim)) && next->at_us <= until_us) {
        struct event event = sim_take_event(sim);
        sim->now_us = event.at_us > sim->now_us ? event.at_us : sim->now_us;
        if (event.kind == EVENT_ARRIVAL)
            vendor_arrive(sim, event.index);
    }
    sim->now_us = until_us > sim->now_us ? until_us : sim->now_us;
}

void phases_safety(struct sim *sim)
{
    static const int64_t gaps_s[] = {0, 1, 60, 900, 3700, 6 * 3600, 30 * 3600};
    int64_t lives = sim_between(sim, 1, LIVES_MAX);
    sim->faults_on = true;
    for (int64_t i = 0; i < lives && !sim->failed; i++) {
        sim_scene(sim, SCENE_RUN);
        struct life_options options = draw_options(sim);
        struct life_report report;
        vendor_begin_life(sim);
        draw_clock(sim);
        draw_fate(sim, &options);
        life_run(sim, &options, &report);
        sim_scene(sim, SCENE_RUN);
        pass_time(sim, sim->now_us + gaps_s[rng_below(&sim->rng, 7)] * SIM_US_PER_S);
    }
}

/* ---- liveness ---- */

/* I7: without faults nothing is asked more often than needed. */
static void check_calls(struct sim *sim, const struct life_report *report)
{
    int64_t calls = 0;
    int64_t needed = 0;
    int64_t extra = 0;
    for (size_t i = 0; i < sim->series_count; i++) {
        if (i == sim->rotten)
            continue;
        calls += report->series[i].calls;
        needed += report->series[i].calls_needed;
        extra += report->series[i].extra_calls;
    }
    int64_t allowed = needed + (needed + 9) / 10 + extra;
    if (calls > allowed)
        sim_fail(sim, "I7: %lld calls where %lld are needed and %lld allowed", (long long)calls,
                 (long long)needed, (long long)allowed);
}

static void check_end(struct sim *sim, const struct life_report *report)
{
    if (sim->rotten < sim->series_count)
        return; /* a run may well end with an error then; what counts is what became of the others
                 */
    if (report->error.status != CCD_OK && report->error.status != CCD_QUOTA_EXHAUSTED)
        sim_fail(sim, "I7: without faults the run ends with %s: %s",
                 ccd_status_name(report->error.status), report->error.message);
    if (report->error.status == CCD_QUOTA_EXHAUSTED &&
        report->resume_us <= sim->now_us - report->elapsed_us)
        sim_fail(sim, "I7: the quota is spent until a moment that had passed before");
}

/* What is still to come is wanted no more, so that there is an end. */
static void cut_jobs(struct sim *sim)
{
    for (size_t i = 0; i < sim->series_count; i++) {
        struct sim_series *s = &sim->series[i];
        int64_t closed_ts = time_floor(sim_vendor_utc_s(sim), s->step_s);
        closed_ts = closed_ts > s->job.from_ts ? closed_ts : s->job.from_ts;
        s->job.to_ts = closed_ts < s->job.to_ts ? closed_ts : s->job.to_ts;
    }
}

void phases_liveness(struct sim *sim)
{
    int64_t begun_us = sim->now_us;
    sim_scene(sim, SCENE_RUN);
    sim->host_offset_s = 0;
    sim->store_away_until_us = 0;
    if (sim_hits(sim, FAULT_ROTTEN) && sim_one_in(sim, 3))
        sim->rotten = rng_below(&sim->rng, sim->series_count);
    sim->rotten_how = rng_below(&sim->rng, 4);
    sim->faults_on = false;
    vendor_begin_life(sim);
    cut_jobs(sim);
    int nights = 0;
    for (int runs = 1; !sim->failed; runs++) {
        sim_scene(sim, SCENE_RUN);
        struct life_options options = draw_options(sim);
        struct life_report report;
        life_run(sim, &options, &report);
        if (sim->failed)
            return;
        check_calls(sim, &report);
        check_end(sim, &report);
        bool rotten = sim->rotten < sim->series_count;
        if ((report.error.status == CCD_OK || rotten) && oracle_is_settled(sim)) {
            if (rotten)
                sim_saw(sim, SOMETIMES_ROTTEN_SERIES);
            return;
        }
        if (nights >= NIGHTS_MAX || runs >= RUNS_MAX ||
            sim->now_us - begun_us > liveness_most_us) {
            sim_fail(sim, "I7: not complete after %d runs in %d nights without faults, %lld s",
                     runs, nights, (long long)((sim->now_us - begun_us) / SIM_US_PER_S));
            return;
        }
        if (report.error.status == CCD_QUOTA_EXHAUSTED) { /* the same night goes on */
            pass_time(sim, report.resume_us);
            continue;
        }
        int64_t wait_s = sim->mend_s > 0 && nights >= PATIENT_NIGHTS ? SECONDS_PER_DAY : CONFIRM_S;
        nights++;
        pass_time(sim, sim->now_us + wait_s * SIM_US_PER_S);
    }
}

void phases_end(struct sim *sim)
{
    if (!sim->failed)
        oracle_check_end(sim);
    mirror_check(sim);
}
