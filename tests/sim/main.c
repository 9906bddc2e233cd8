/* sim_run: lives of the engine in a simulated world, tens of thousands of them, from seeds. */
#include <malloc.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/random.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "script.h"
#include "sim.h"

enum { JOBS_MAX = 64, SAME_AGAIN_EVERY = 100, BIG_BLOCK_BYTES = 64 << 20 };

static const uint64_t FRESH_FROM_MAX = 1000000000000;
static const double SECONDS_PER_YEAR = 365.25 * 86400;

static const char usage[] =
    "usage: sim_run [--seed N | --seeds FROM COUNT | --fresh COUNT] [--jobs N] [--mutant NAME]\n"
    "               [--trace] [--hash] [--expect-sometimes] [--list-mutants]\n"
    "       sim_run --seed N [--mutant NAME] --record FILE  write a failure down as a script\n"
    "       sim_run --script FILE [--mutant NAME] [--trace] run a script; --own: with its mutant\n";

struct options {
    uint64_t from, count;
    int jobs;
    enum mutant mutant;
    bool echo;
    bool fresh; /* seeds that nobody has run before, told so that they can be run again */
    bool hash;  /* print one hash of all that happened */
    bool expect_sometimes;
    bool list_mutants;
    const char *record, *script; /* files; NULL = none */
    bool own;                    /* plant the bug that the script names */
};

/* Shared by the processes; each writes its own part, and any may set failed. */
struct shared {
    volatile int failed;
    uint64_t failed_seed; /* of the last that failed */
    struct tally tallies[JOBS_MAX];
    uint64_t done[JOBS_MAX];
    uint64_t hashes[JOBS_MAX]; /* sums, whatever the order of the seeds */
};

static void print_failure(const struct sim *sim, uint64_t seed, enum mutant mutant)
{
    fprintf(stderr, "sim_run --seed %llu%s%s\n    %s\n", (unsigned long long)seed,
            mutant ? " --mutant " : "", mutant ? mutant_options[mutant] : "", sim->why);
    fprintf(stderr, "  to keep it: the same with --record FILE; the last events:\n");
    trace_print(&sim->trace);
}

/* False: the seed failed, or did not do the same twice. */
static bool run_seed(struct sim *sim, const struct options *o, uint64_t seed, struct tally *tally,
                     uint64_t *hashes)
{
    sim_run(sim, seed, o->mutant, o->echo, tally);
    uint64_t hash = sim->trace.hash;
    *hashes += hash * (2 * seed + 1);
    if (!sim->failed && seed % SAME_AGAIN_EVERY == 0) {
        struct tally unused = {0};
        sim_run(sim, seed, o->mutant, false, &unused);
        if (!sim->failed && sim->trace.hash != hash)
            sim_fail(sim, "the same seed did not do the same twice");
    }
    if (sim->failed)
        print_failure(sim, seed, o->mutant);
    return !sim->failed;
}

static int run_job(const struct options *o, int job, struct shared *shared)
{
    struct sim *sim = NULL;
    struct ccd_error err;
    if (sim_new(&sim, &err) != 0) {
        fprintf(stderr, "sim_run: %s\n", err.message);
        return 1;
    }
    bool good = true;
    for (uint64_t i = (uint64_t)job; i < o->count && good && !shared->failed;
         i += (uint64_t)o->jobs) {
        good = run_seed(sim, o, o->from + i, &shared->tallies[job], &shared->hashes[job]);
        shared->done[job]++;
        if (!good)
            shared->failed_seed = o->from + i;
    }
    if (!good)
        shared->failed = 1;
    sim_free(sim);
    return good ? 0 : 1;
}

static int run_jobs(const struct options *o, struct shared *shared)
{
    int failed = 0;
    if (o->jobs == 1)
        return run_job(o, 0, shared);
    for (int job = 0; job < o->jobs; job++) {
        fflush(NULL);
        pid_t child = fork();
        if (child == 0) {
            int code = run_job(o, job, shared);
            fflush(NULL);
            _exit(code);
        }
        failed |= child < 0;
    }
    int status;
    while (wait(&status) > 0)
        failed |= !WIFEXITED(status) || WEXITSTATUS(status) != 0;
    return failed;
}

static void add_tally(struct tally *sum, const struct tally *part)
{
    for (int i = 0; i < SOMETIMES_COUNT; i++)
        sum->states[i] += part->states[i];
    sum->requests += part->requests;
    sum->rows += part->rows;
    sum->lives += part->lives;
    sum->events += part->events;
    sum->seconds += part->seconds;
}

static double now_s(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

/* 0, or 1 when a state that must be seen never was. */
static int report(const struct options *o, const struct shared *shared, double seconds)
{
    struct tally sum = {0};
    uint64_t done = 0, hash = 0;
    int never = 0;
    for (int job = 0; job < o->jobs; job++) {
        add_tally(&sum, &shared->tallies[job]);
        done += shared->done[job];
        hash += shared->hashes[job];
    }
    printf("%llu seeds, %.0f seeds/min, %llu runs, %llu requests, %llu rows, %llu events, "
           "%.1f simulated years\n",
           (unsigned long long)done, (double)done * 60 / (seconds > 0 ? seconds : 1),
           (unsigned long long)sum.lives, (unsigned long long)sum.requests,
           (unsigned long long)sum.rows, (unsigned long long)sum.events,
           (double)sum.seconds / SECONDS_PER_YEAR);
    for (int i = 0; i < SOMETIMES_COUNT && (o->count > 1 || o->expect_sometimes); i++) {
        if (o->expect_sometimes && sum.states[i] == 0) {
            fprintf(stderr, "sim_run: never seen: %s\n", sometimes_texts[i]);
            never = 1;
        }
        printf("%12llu  %s\n", (unsigned long long)sum.states[i], sometimes_texts[i]);
    }
    double rate = (double)done * 60 / (seconds > 0 ? seconds : 1);
    char verdict[48] = "without a failure";
    if (shared->failed)
        snprintf(verdict, sizeof(verdict), "to the FAILURE of %llu",
                 (unsigned long long)shared->failed_seed);
    printf("figure: %llu %sseeds from %llu %s, %.0f a minute and process\n",
           (unsigned long long)done, o->fresh ? "fresh " : "", (unsigned long long)o->from, verdict,
           rate / o->jobs);
    if (o->hash)
        printf("hash %016llx\n", (unsigned long long)hash);
    return never;
}

/* ---- scripts ---- */

/* The seed as a script without what it does not need. */
static int record(const struct options *o, struct script *script, struct sim *sim)
{
    script_record(script, sim, o->from, o->mutant);
    if (!sim->failed) {
        fprintf(stderr, "sim_run: seed %llu does not fail\n", (unsigned long long)o->from);
        return 1;
    }
    if (!script_shrink(script, sim)) {
        fprintf(stderr, "sim_run: what was written down does not fail\n");
        return 1;
    }
    if (script_write(script, o->record, sim->why))
        return 0;
    perror(o->record);
    return 1;
}

static int play(const struct options *o, struct script *script, struct sim *sim)
{
    struct ccd_error err;
    if (script_read(script, o->script, &err) != 0) {
        fprintf(stderr, "sim_run: %s\n", err.message);
        return 2;
    }
    script_play(script, sim, o->own ? script_mutant(script) : o->mutant, o->echo);
    if (!sim->failed)
        return 0;
    fprintf(stderr, "sim_run --script %s%s\n    %s\n", o->script, o->own ? " --own" : "", sim->why);
    trace_print(&sim->trace);
    return 1;
}

static int run_script(const struct options *o)
{
    struct sim *sim = NULL;
    struct script *script = NULL;
    struct ccd_error err;
    int code = 1;
    if (sim_new(&sim, &err) != 0 || script_new(&script, &err) != 0)
        fprintf(stderr, "sim_run: %s\n", err.message);
    else
        code = o->record ? record(o, script, sim) : play(o, script, sim);
    script_free(script);
    sim_free(sim);
    return code;
}

static bool parse_number(const char *text, uint64_t *out)
{
    return text && str_to_u64(str_from(text), out);
}

static bool parse_mutant(const char *text, enum mutant *out)
{
    for (int m = 0; text && m < MUTANT_COUNT; m++) {
        if (strcmp(text, mutant_options[m]) == 0) {
            *out = (enum mutant)m;
            return true;
        }
    }
    return false;
}

static bool parse(int argc, char **argv, struct options *o)
{
    *o = (struct options){.from = 1, .count = 100, .jobs = 1};
    for (int i = 1; i < argc; i++) {
        const char *value = i + 1 < argc ? argv[i + 1] : NULL;
        uint64_t jobs = 0;
        if (strcmp(argv[i], "--seed") == 0 && parse_number(value, &o->from)) {
            o->count = 1;
            i++;
        } else if (strcmp(argv[i], "--seeds") == 0 && parse_number(value, &o->from) &&
                   i + 2 < argc && parse_number(argv[i + 2], &o->count)) {
            i += 2;
        } else if (strcmp(argv[i], "--fresh") == 0 && parse_number(value, &o->count)) {
            o->fresh = getrandom(&o->from, sizeof(o->from), 0) == sizeof(o->from);
            o->from %= FRESH_FROM_MAX; /* a number that people can type */
            i++;
        } else if (strcmp(argv[i], "--hash") == 0) {
            o->hash = true;
        } else if (strcmp(argv[i], "--jobs") == 0 && parse_number(value, &jobs) && jobs > 0 &&
                   jobs <= JOBS_MAX) {
            o->jobs = (int)jobs;
            i++;
        } else if (strcmp(argv[i], "--mutant") == 0 && parse_mutant(value, &o->mutant)) {
            i++;
        } else if (strcmp(argv[i], "--record") == 0 && value) {
            o->record = value;
            i++;
        } else if (strcmp(argv[i], "--script") == 0 && value) {
            o->script = value;
            i++;
        } else if (strcmp(argv[i], "--own") == 0) {
            o->own = true;
        } else if (strcmp(argv[i], "--trace") == 0) {
            o->echo = true;
        } else if (strcmp(argv[i], "--expect-sometimes") == 0) {
            o->expect_sometimes = true;
        } else if (strcmp(argv[i], "--list-mutants") == 0) {
            o->list_mutants = true;
        } else {
            return false;
        }
    }
    return true;
}

int main(int argc, char **argv)
{
    struct options options;
    if (!parse(argc, argv, &options)) {
        fputs(usage, stderr);
        return 2;
    }
    for (int m = MUTANT_NONE + 1; options.list_mutants && m < MUTANT_COUNT; m++)
        printf("%s\t%s\n", mutant_options[m], mutant_texts[m]);
    if (options.list_mutants)
        return 0;
    /* A session's pages are large and made anew for every life: keep their memory. */
    mallopt(M_MMAP_THRESHOLD, BIG_BLOCK_BYTES);
    mallopt(M_TRIM_THRESHOLD, BIG_BLOCK_BYTES);
    if (options.record || options.script)
        return run_script(&options);
    struct shared *shared = mmap(NULL, sizeof(*shared), PROT_READ | PROT_WRITE,
                                 MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    if (shared == MAP_FAILED) {
        perror("sim_run");
        return 1;
    }
    double begun_s = now_s();
    int failed = run_jobs(&options, shared);
    failed |= report(&options, shared, now_s() - begun_s);
    munmap(shared, sizeof(*shared));
    return failed;
}
