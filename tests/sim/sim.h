/* One simulated run: a world, a vendor behind a bad network, a database that fails, and one engine
 * life after the other. Everything hangs on one seed and one virtual clock. Invariant: nothing here
 * knows real time, real randomness or the address of anything. */
#ifndef TESTS_SIM_SIM_H
#define TESTS_SIM_SIM_H

#include "engine/limiter.h"
#include "engine/session.h"
#include "model_store.h"
#include "mutants.h"
#include "sim/gzip.h"
#include "sim/world.h"
#include "swarm.h"
#include "tables.h"
#include "trace.h"

enum {
    SIM_SERIES_MAX = 6,
    SIM_PERIODS_MAX = 200,
    SIM_EXCHANGES_MAX = 256,
    SIM_PAGES_MAX = 16, /* of a transaction */
    SIM_EVENTS_MAX = 1024,
    SIM_PATH_BYTES = 512,
    SIM_SETTLE_S = 360,
    SIM_US_PER_S = 1000000,
};

/* What the faults that a seed has meant for a whole batch of seeds. */
struct tally {
    uint64_t states[SOMETIMES_COUNT];
    uint64_t requests, rows, lives, events, seconds;
};

struct mirror;

/* A series that the runs want. */
struct sim_series {
    const struct world_series *vendor;
    enum interval interval;
    int64_t step_s;
    struct series_names names;
    struct period_range job; /* all that is ever wanted; its end may lie in the future */
    int64_t first_ts;        /* as the catalogue says; 0 = does not say */
    int64_t last_ts;
    bool delisted; /* in this life */
    bool stuck;    /* in this life: the first page answers everything */
    char stuck_path[SIM_PATH_BYTES];
    int64_t lied_us;                /* when the vendor first hid data of it; 0 = never */
    int8_t exists[SIM_PERIODS_MAX]; /* 1 = the vendor will have a record, -1 = never, 0 = not looked
                                       up */
};

/* Why a reply must be refused whole, and what has been seen when it was. */
struct refusal {
    const char *why;
    enum sometimes state;
};

/* One request and its reply. */
struct exchange {
    bool used;
    bool alive; /* whoever sent it still waits */
    uint32_t life;
    uint32_t slot;
    size_t series;
    enum fault fault; /* what happens to it; FAULT_COUNT = nothing */
    char path[SIM_PATH_BYTES];
    int64_t sent_us;
    int64_t reply_us; /* when the client has the reply, or the failure */
    long status;      /* 0 = no reply came */
    struct buf head;
    struct buf body;
    enum ccd_status failure;           /* of the transport */
    int64_t served_utc_s;              /* vendor's clock when it was answered */
    int64_t told_wait_us;              /* what a 429 made the client promise */
    const struct refusal *must_refuse; /* why nothing of it may be taken; NULL = it may */
};

enum event_kind {
    EVENT_ARRIVAL, /* a request reaches the vendor; index: exchange */
    EVENT_REPLY,   /* its reply, or the end of its connection, reaches us */
    EVENT_DECODED, /* a decoder is done; index: slot */
    EVENT_COMMIT,  /* a writer's transaction ends; index: writer */
    EVENT_STOP,    /* somebody interrupts */
    EVENT_GRACE,   /* replies have had their time */
    EVENT_CRASH,
    EVENT_JUMP, /* our wall clock moves */
};

struct event {
    int64_t at_us;
    uint64_t order;
    enum event_kind kind;
    uint32_t life;
    uint32_t index;
};

/* The vendor's limits as the server keeps them. */
struct server {
    struct limiter_limits limits; /* as configured at the client: never exceeded */
    struct limiter_limits lower;  /* what it enforces by 429; equal to limits when it is honest */
    bool fixed_windows;
    bool tells; /* X-RateLimit headers */
    int64_t *arrivals_us;
    size_t arrival_count, arrival_capacity;
    int64_t outage_from_us, outage_to_us;
    int64_t key_refused_from_us;
    bool adds_keys; /* records have members that are new, always */
};

/* Where chance is asked: each scene has dice of its own, so that what one of them draws changes
 * nothing in the others. X(name, text) */
#define SCENE_TABLE(X)                                                                             \
    X(WORLD, "world")                                                                              \
    X(RUN, "run")                                                                                  \
    X(REQUEST, "request")                                                                          \
    X(ARRIVAL, "arrival")                                                                          \
    X(REPLY, "reply")                                                                              \
    X(WRITE, "write")                                                                              \
    X(COMMIT, "commit")                                                                            \
    X(DEATH, "death")

enum scene_kind {
#define SCENE_ENUM(name, text) SCENE_##name,
    SCENE_TABLE(SCENE_ENUM)
#undef SCENE_ENUM
        SCENE_COUNT
};

struct scene {
    enum scene_kind kind;
    uint32_t run;    /* life */
    uint32_t number; /* of its kind in this seed */
};

struct sim {
    uint64_t seed;
    struct scene scene;
    uint32_t scene_counts[SCENE_COUNT];
    enum mutant mutant;
    bool real_database; /* whatever the dice say */
    struct rng rng;
    struct swarm swarm;
    bool faults_on;
    struct trace trace;
    struct tally *tally;
    bool failed;
    char why[400];

    int64_t now_us;
    int64_t epoch_utc_s;   /* true time at now_us == 0 */
    int64_t host_offset_s; /* how far our wall clock is off */
    struct event events[SIM_EVENTS_MAX];
    size_t event_count;
    uint64_t event_order;

    struct world *world;
    int64_t restate_permille;
    int64_t sick_permille;
    int64_t mend_s; /* as struct world_config has it */
    bool late;      /* records are published later than a hole is asked again */
    size_t rotten;  /* series that is never answered well in the end; series_count or more = none */
    uint64_t rotten_how;
    struct sim_series series[SIM_SERIES_MAX];
    size_t series_count;
    int page_max;

    struct server server;
    struct exchange exchanges[SIM_EXCHANGES_MAX];
    int64_t promised_us; /* no request before: Retry-After */
    struct limiter_state *limiter;
    struct model_store *store;
    struct mirror *mirror;
    int64_t store_away_until_us;

    uint32_t life;            /* number of the life under way or the last one */
    bool unknown_commit_open; /* a life ended with a commit in doubt */

    /* scratch, kept from seed to seed */
    struct reply_decoder decoder;
    struct batch truth;
    struct gzip *gzip;
    struct buf text;
    struct buf text2;
    struct coverage_segment *segments;
    struct coverage_segment *segment_scratch;
    size_t segment_room;
};

/* The seed breaks an invariant: remember the first one. */
void sim_fail(struct sim *sim, const char *format, ...) PRINTF_LIKE(2, 3);
#define sim_trace(sim, ...) trace_add(&(sim)->trace, (sim)->now_us, __VA_ARGS__)
void sim_saw(struct sim *sim, enum sometimes state);
/* Another scene begins. */
void sim_scene(struct sim *sim, enum scene_kind kind);
bool sim_hits(struct sim *sim, enum fault fault);
/* Uniform in [low, high]. */
int64_t sim_between(struct sim *sim, int64_t low, int64_t high);
bool sim_one_in(struct sim *sim, uint64_t n);

int64_t sim_vendor_utc_s(const struct sim *sim);
int64_t sim_host_utc_s(const struct sim *sim);

void sim_schedule(struct sim *sim, int64_t at_us, enum event_kind kind, uint32_t life,
                  uint32_t index);
/* A request that is still under way arrives at at_us at the latest; false when it is not. */
bool sim_hasten_arrival(struct sim *sim, uint32_t index, int64_t at_us);
/* The next event; NULL when there is none. */
const struct event *sim_next_event(const struct sim *sim);
struct event sim_take_event(struct sim *sim);

/* Merged coverage of a series as the store has it now; valid until the next call. */
const struct coverage_segment *sim_coverage(struct sim *sim, const struct sim_series *s,
                                            size_t *out_count);

/* Memory for a run, used for many seeds. */
int sim_new(struct sim **out, struct ccd_error *err);
void sim_free(struct sim *sim);
/* Run a seed; sim->failed and sim->why tell how it went, sim->trace.hash what happened. */
void sim_run(struct sim *sim, uint64_t seed, enum mutant mutant, bool echo, struct tally *tally);

#endif
