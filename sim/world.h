/* The stand-in vendor's world: candle data as a pure function of (seed, series, period, version),
 * and replies as the HTTP bytes the vendor would send. No clock, no socket, no thread: ccdata-sim
 * puts a server around it, the simulation tests a faulty network. Invariant: the same seed and the
 * same moment give the same bytes. */
#ifndef SIM_WORLD_H
#define SIM_WORLD_H

#include "base/buf.h"
#include "base/hash.h"
#include "model/batch.h"
#include "model/coverage.h"
#include "model/series.h"

struct world_config {
    uint64_t seed;
    int64_t first_ts; /* no series starts before this */
    int market_count; /* per data type; 0 = the vendor's real market names (kraken, binance,
                         coinbase …) */
    int instruments_per_market;
    int hole_permille; /* chance of a period without any record in the middle of a series' life */
    int64_t mend_s;    /* half of them get their record after all, up to so long after their end;
                          0 = none */
    int idle_permille; /* chance of a no-trade row (absent trade keys) */
    int restate_permille; /* chance that a row changes once, at a moment of the world's choosing */
    int64_t publish_delay_s; /* a closed period is served only this long after its end */
    int64_t cache_s;         /* the vendor's reply cache: the open bucket as seen may be this old */
    int asset_count;         /* in the asset list; 0 = all there are */
    int metadata_version;    /* of the lists, from 1 (0 is 1): each changes one field of one record,
                                adds a record and drops one in every list */
    bool shrink;             /* lists of assets and instruments end after 70 % */
    bool hostile_names;      /* markets, instruments and assets with payloads for names */
};
extern const struct world_config world_defaults;

/* One instrument of the world. Text is NUL-terminated, static or owned by the world. */
struct world_series {
    const struct data_type *type;
    const char *market;
    const char *instrument; /* native */
    const char *mapped;     /* NULL = unmapped */
    const char *base;
    const char *quote;
    const char *status; /* ACTIVE, EXPIRED, RETIRED … */
    int64_t first_ts;   /* first data, seconds (not aligned) */
    int64_t last_ts;    /* last data of an ended series; 0 = still alive */
    uint64_t key;       /* seeds its values */
};

struct world;
int world_new(const struct world_config *config, const struct allocator *allocator,
              struct world **out, struct ccd_error *err);
void world_free(struct world *world);
size_t world_series_count(const struct world *world);
const struct world_series *world_series_at(const struct world *world, size_t index);
/* By native or mapped id; NULL = unknown. */
const struct world_series *world_find(const struct world *world, const struct data_type *type,
                                      struct str market, struct str name);

/* The record of one period as the vendor serves it at now_utc_s: appended to the batch. False: no
 * record (before the first, after the last, a hole, in the future, not yet published). The open
 * bucket has a record. */
bool world_row(const struct world *world, const struct world_series *series, enum interval interval,
               int64_t ts, int64_t now_utc_s, struct batch *batch);
/* Exact JSON text of one record, as world_row would parse to; false as there. */
bool world_render_row(const struct world *world, const struct world_series *series,
                      enum interval interval, int64_t ts, int64_t now_utc_s, struct buf *out);

/* Answer a request ("/spot/v1/historical/days?market=…"): status and JSON body (identity). Handles
 * the five candle types, catalogues, markets, asset top list, exchanges; /admin/v2/rate/limit and
 * /stats/rate/limit bodies are the server's. Unknown paths: 404 as the vendor words it. limits,
 * ranges, defaults and error texts per CONTRACT.md. */
int world_reply(const struct world *world, struct str path_and_query, int64_t now_utc_s,
                struct buf *out_body);

#endif
