/* A vendor and its clients in virtual time: requests take a random time to the server and back,
 * replies and processes are lost, and the server counts every window as a fixed and as a sliding
 * one. Everything follows from the seed. */
#ifndef TESTS_LIMITER_SERVER_H
#define TESTS_LIMITER_SERVER_H

#include "engine/ledger.h"

enum { PROCESSES_MAX = 4 };

struct world_config {
    struct limiter_limits limits;            /* that the clients obey */
    int64_t server_limit[RATE_WINDOW_COUNT]; /* that the server enforces; 0 = as configured */
    bool headers;                            /* the server tells what remains and when it resets */
    bool limit_header;                       /* and its limits */
    bool fixed_headers;                      /* counted in fixed windows, else sliding ones */
    const char *directory;                   /* of the shared ledger; NULL = memory, one process */
    int processes;                           /* 0 = 1 */
    int clients;                             /* requests at once, dealt to the processes */
    int64_t latency_min_us, latency_max_us;  /* both ways together */
    int lost_per_mille;                      /* replies that never come */
    int crash_per_mille;                     /* a process dies, without a word, at a reply */
    int forget_per_mille;                    /* all processes die and the ledger's file is gone */
    int idle_per_mille;                      /* a client rests for up to 90 s after a reply */
    int64_t foreign_every_us;                /* another host on the same key calls; 0 = never */
    int foreign_before;                      /* its calls in the second before the first of ours */
    int64_t calls;                           /* at the server; then the world stops */
    uint64_t seed;
};

struct world_result {
    int64_t calls;      /* of ours, at the server */
    int64_t violations; /* of ours: a window of a configured or enforced limit held one too many */
    int64_t refused;    /* by the server, which counts foreign calls too: answered with a 429 */
    int64_t crashes;
    int64_t forgotten;  /* times that the file was lost */
    double utilisation; /* of limit / (window + mean latency), for the window asked for */
    char failure[512];
};

/* utilisation is that of `binding` over whole rounds of as many calls as it allows, after the first
 * skip_rounds. */
struct world_result world_run(const struct world_config *config, enum rate_window binding,
                              int skip_rounds);

#endif
