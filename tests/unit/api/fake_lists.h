/* A vendor of metadata behind call_make, and a SQLite database for what it lists.
 * Invariant: nothing is asked over the network; the first paths that are asked for are kept. Linked
 * with
 * --wrap=call_make. */
#ifndef TESTS_UNIT_API_FAKE_LISTS_H
#define TESTS_UNIT_API_FAKE_LISTS_H

#include "api/lists.h"

enum {
    FAKE_NAMES_MAX = 700,
    FAKE_PAIRS_MAX = 2000,
    FAKE_ASKED_MAX = 256,
    FAKE_DAY = 86400,
    FAKE_NOW = 20000 * FAKE_DAY
};

struct fake_exchange {
    char internal_name[32];
    const char *grade; /* NULL: the member is not there */
};

/* An instrument of a spot or futures market. */
struct fake_pair {
    char market[32], mapped[64], native[64], base[32], quote[16];
    const char *status;
    int64_t trades; /* futures: funding rate and open interest updates are `funding`, `interest` */
    int64_t funding, interest;
    int64_t last_ts;
};

struct fake_vendor {
    struct fake_exchange exchanges[FAKE_NAMES_MAX];
    size_t exchange_count;
    char markets[FAKE_NAMES_MAX][32]; /* spot, or futures */
    size_t market_count;
    struct fake_pair pairs[FAKE_PAIRS_MAX];
    size_t pair_count;
    char assets[FAKE_NAMES_MAX][32]; /* both lists of assets, best first */
    size_t asset_count;
    int64_t assets_total;       /* stated; -1 = asset_count, 0 = not stated */
    size_t slip;                /* so many assets come in again at the top with each page */
    size_t pages_max;           /* later ones are empty; 0 = all are there */
    bool is_endless;            /* more assets on every page */
    const char *wrong_market;   /* its list is of "other" */
    const char *missing_market; /* listed, and its instruments are not found */
    int64_t interrupted_at;     /* the call of this number ends the run; 0 = none */
    enum ccd_status interrupted_by;
    char asked[FAKE_ASKED_MAX][192];
    size_t asked_count;
    size_t min_api_calls;
};
extern struct fake_vendor vendor;

/* A source on an empty database, and an empty vendor. */
struct fake_source {
    struct list_source source;
    struct caller data_api, min_api;
    struct reply_decoder decoder;
    char directory[64];
    struct store *store;
};
void fake_open(struct fake_source *f);
void fake_close(struct fake_source *f);
/* The next run: nothing is remembered but what is stored. */
void fake_next_run(struct fake_source *f, int64_t later_s);

void fake_add_exchange(const char *internal_name, const char *grade);
struct fake_pair *fake_add_pair(const char *market, const char *base, const char *quote,
                                int64_t trades);
void fake_add_asset(const char *symbol);
/* Calls whose path has the text. */
size_t fake_asked(const char *text);

#endif
