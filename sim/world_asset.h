/* What an asset's numbers are at a moment: shared by its record, its ranks and the order of the
 * list. Invariant: what an asset is does not depend on the time; its price, volumes and last block
 * do. */
#ifndef SIM_WORLD_ASSET_H
#define SIM_WORLD_ASSET_H

#include "sim/world_private.h"

/* value * 10^-decimals, then so many zeros. */
struct quantity {
    bool is_null;
    int64_t value;
    unsigned decimals, zeros;
};

extern const struct quantity quantity_null;
struct quantity quantity_integer(int64_t value);
double quantity_f64(struct quantity q);
void quantity_write(struct buf *out, struct quantity q);

bool asset_has_type(const struct subject *s, const char *type);
bool asset_is_coin(const struct subject *s); /* a chain's or a token */

enum supply_kind {
    SUPPLY_MAX,
    SUPPLY_ISSUED,
    SUPPLY_TOTAL,
    SUPPLY_CIRCULATING,
    SUPPLY_FUTURE,
    SUPPLY_LOCKED,
    SUPPLY_BURNT,
    SUPPLY_STAKED
};
/* Null for what is no coin. */
struct quantity asset_supply(const struct subject *s, int kind);

enum block_kind {
    BLOCK_MINT,
    BLOCK_BURN,
    BLOCK_NUMBER,
    BLOCK_TIMESTAMP,
    BLOCK_TIME,
    BLOCK_SIZE,
    BLOCK_FEES,
    BLOCK_TRANSACTIONS,
    BLOCK_HASHES,
    BLOCK_DIFFICULTY,
    BLOCK_TARGET_MINT,
    BLOCK_TARGET_TIME
};
/* Of a chain; null for all else. */
struct quantity asset_block(const struct subject *s, int kind);

/* Volumes: which period and which part of the trades, as one number. */
enum { PART_ALL, PART_TOP_TIER, PART_DIRECT, PART_TOP_TIER_DIRECT, PART_COUNT };
enum { DAY, WEEK, MONTH };
/* In US dollars: period * PART_COUNT + part. */
struct quantity asset_volume(const struct subject *s, int period_and_part);

enum { CHANGE_USD, CHANGE_PERCENTAGE };
/* Of the price: period * 2 + kind. */
struct quantity asset_change(const struct subject *s, int period_and_kind);

enum price_kind { PRICE_USD, PRICE_UPDATED, CAP_PENALTY, CAP_CIRCULATING, CAP_TOTAL };
struct quantity asset_price(const struct subject *s, int kind);

enum id_kind {
    ID_OWN,
    ID_LEGACY,
    ID_PARENT,
    ID_ISSUER,
    CREATED_ON,
    UPDATED_ON,
    LAUNCH_DATE,
    DECIMAL_POINTS
};
struct quantity asset_ids(const struct subject *s, int kind);

enum { RANKS = 7 }; /* in TOPLIST_BASE_RANK */
struct subject asset_subject(const struct world *world, size_t number, int64_t now_utc_s);

#endif
