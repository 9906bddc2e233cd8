/* Real processes, a real clock and SIGKILL: what was granted is in the file. */
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "scratch.h"
#include "test.h"

enum { WORKERS = 4, SEEN_MAX = 100000 };

/* The server: shared memory that outlives its clients. */
struct seen {
    atomic_long calls;
    atomic_long errors;
    int64_t at_us[SEEN_MAX];
};

struct crowd {
    struct scratch scratch;
    struct ledger_config config;
    struct seen *seen;
    pid_t workers[WORKERS];
    int64_t think_us; /* between a grant and the reply */
    long kills;
};

static void sleep_us(int64_t us)
{
    struct timespec pause = {.tv_sec = us / 1000000, .tv_nsec = us % 1000000 * 1000};
    (void)nanosleep(&pause, NULL);
}

static void one_call(const struct crowd *crowd, struct ledger *ledger)
{
    struct permit permit;
    int64_t wait_us;
    struct ccd_error err = {0};
    struct reply_headers headers = no_headers();
    int64_t asked_us = clock_mono_us(NULL);
    if (ledger_acquire(ledger, CALL_BACKFILL, &permit, &wait_us, &err) != 0) {
        atomic_fetch_add(&crowd->seen->errors, 1);
        return;
    }
    if (permit.answer != PERMIT_GRANTED) {
        sleep_us(wait_us < 2000 ? wait_us : 2000);
        return;
    }
    /* A request has a deadline: it is not sent when this process slept through it. */
    int64_t now_us = clock_mono_us(NULL);
    if (now_us - asked_us < crowd->config.abandon_us) {
        long call = atomic_fetch_add(&crowd->seen->calls, 1);
        if (call < SEEN_MAX)
            crowd->seen->at_us[call] = now_us;
    }
    if (crowd->think_us > 0)
        sleep_us(crowd->think_us);
    if (ledger_received(ledger, permit.ticket, &headers, &err) != 0)
        atomic_fetch_add(&crowd->seen->errors, 1);
}

static _Noreturn void work(const struct crowd *crowd)
{
    struct ledger *ledger;
    struct ccd_error err = {0};
    if (ledger_open(&crowd->config, &ledger, &err) != 0) {
        atomic_fetch_add(&crowd->seen->errors, 1);
        _exit(1);
    }
    for (;;)
        one_call(crowd, ledger);
}

static void start(struct crowd *crowd, int worker)
{
    crowd->workers[worker] = fork();
    if (crowd->workers[worker] == 0)
        work(crowd);
    CHECK(crowd->workers[worker] > 0);
}

static void stop(struct crowd *crowd, int worker)
{
    CHECK_INT(0, kill(crowd->workers[worker], SIGKILL));
    CHECK_INT(crowd->workers[worker], waitpid(crowd->workers[worker], NULL, 0));
    crowd->kills++;
}

/* Let the workers draw for lasts_us, one of them killed and replaced every every_us. */
static void run(struct crowd *crowd, int64_t lasts_us, int64_t every_us)
{
    struct rng rng = {9};
    for (int i = 0; i < WORKERS; i++)
        start(crowd, i);
    int64_t end_us = clock_mono_us(NULL) + lasts_us;
    while (clock_mono_us(NULL) < end_us) {
        sleep_us((int64_t)rng_below(&rng, (uint64_t)every_us * 2));
        int worker = (int)rng_below(&rng, WORKERS);
        stop(crowd, worker);
        start(crowd, worker);
    }
    for (int i = 0; i < WORKERS; i++)
        stop(crowd, i);
}

static bool crowd_open(struct crowd *crowd)
{
    *crowd = (struct crowd){.config = {.origin = "https://data-api.example:443",
                                       .api_key = "key",
                                       .directory = crowd->scratch.path}};
    crowd->seen = mmap(NULL, sizeof *crowd->seen, PROT_READ | PROT_WRITE,
                       MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    return CHECK(crowd->seen != MAP_FAILED) && CHECK(scratch_open(&crowd->scratch));
}

static void crowd_close(struct crowd *crowd)
{
    CHECK_INT(0, atomic_load(&crowd->seen->errors));
    (void)munmap(crowd->seen, sizeof *crowd->seen);
    scratch_close(&crowd->scratch);
}

TEST(processes_killed_while_drawing_lose_no_permit)
{
    struct crowd crowd;
    if (!crowd_open(&crowd))
        return;
    int64_t per_hour = 10000000;
    crowd.config.limits.max[RATE_HOUR] = per_hour;
    crowd.config.abandon_us = 20000; /* or the permits of the killed would soon be all there are */
    run(&crowd, 1500000, 1500);
    struct ledger *ledger;
    struct ccd_error err = {0};
    int64_t left[RATE_WINDOW_COUNT];
    CHECK_INT(0, ledger_open(&crowd.config, &ledger, &err));
    CHECK_INT(0, ledger_left(ledger, left, &err));
    long calls = atomic_load(&crowd.seen->calls);
    int64_t counted = per_hour - left[RATE_HOUR];
    printf("%-44s %7ld calls %5ld kills, %lld counted\n", "killed while drawing", calls,
           crowd.kills, (long long)counted);
    CHECK(calls > 500 && crowd.kills > 20);
    CHECK(counted >= calls);
    CHECK(counted <= calls + crowd.kills); /* at most the one permit that each had out */
    ledger_close(ledger);
    crowd_close(&crowd);
}

static int by_time(const void *a, const void *b)
{
    int64_t left = *(const int64_t *)a;
    int64_t right = *(const int64_t *)b;
    return (left > right) - (left < right);
}

TEST(processes_keep_one_window_together)
{
    struct crowd crowd;
    if (!crowd_open(&crowd))
        return;
    enum { PER_SECOND = 300 };
    crowd.config.limits.max[RATE_SECOND] = PER_SECOND;
    crowd.config.abandon_us = seconds(1);
    crowd.think_us = 300;
    run(&crowd, 2500000, 40000);
    long calls = atomic_load(&crowd.seen->calls);
    /* A call is noted after its number is taken: a kill between the two leaves a hole. */
    long noted = 0;
    for (long i = 0; i < calls && i < SEEN_MAX; i++)
        if (crowd.seen->at_us[i] != 0)
            crowd.seen->at_us[noted++] = crowd.seen->at_us[i];
    qsort(crowd.seen->at_us, (size_t)noted, sizeof crowd.seen->at_us[0], by_time);
    long violations = 0;
    for (long i = PER_SECOND; i < noted; i++)
        violations += crowd.seen->at_us[i] - crowd.seen->at_us[i - PER_SECOND] < seconds(1);
    printf("%-44s %7ld calls %5ld kills, %ld violations\n", "300 a second, shared", noted,
           crowd.kills, violations);
    CHECK_INT(0, violations);
    CHECK(noted > PER_SECOND / 2); /* even on a busy machine */
    crowd_close(&crowd);
}
