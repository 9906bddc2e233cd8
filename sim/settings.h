/* What a run of ccdata-sim is set to do; filled from the command line. */
#ifndef SIM_SETTINGS_H
#define SIM_SETTINGS_H

#include "sim/faults.h"
#include "sim/quota.h"

struct settings {
    char host[64];        /* loopback address as text */
    int port;             /* 0 = any */
    const char *key;      /* NULL = any key, but there must be one */
    const char *log_path; /* NULL = no log */
    struct world_config world;
    int64_t limits[QUOTA_WINDOWS];
    double fault_rates[FAULT_COUNT];
    int64_t latency_ms;
    int64_t now_utc_s; /* with has_now: the world's clock, standing still */
    bool has_now;
    bool content_length; /* instead of chunks */
    int64_t cache_mib;
};

#endif
