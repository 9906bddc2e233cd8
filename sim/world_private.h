/* What the files of the world share and nobody else sees. Invariant: every value of a row is an
 * integer with a fixed number of decimals per series, so that text, double and checks agree and no
 * rounding depends on libm. */
#ifndef SIM_WORLD_PRIVATE_H
#define SIM_WORLD_PRIVATE_H

#include "base/arena.h"
#include "sim/repeats.h"
#include "sim/world.h"

enum section { SECTION_SPOT, SECTION_FUTURES, SECTION_INDEX, SECTION_COUNT };

/* How a number of a row is scaled: by the decimals of its class (struct series). */
enum value_class {
    CLASS_TEXT,
    CLASS_INT,
    CLASS_PRICE,  /* prices, index values, funding rates, mark prices */
    CLASS_AMOUNT, /* base volume; open interest in the settlement currency */
    CLASS_QUOTE,  /* quote volume; open interest in the quote currency */
    CLASS_COUNT
};

/* Every field a candle of any type can have, near the registry's order: X(JSON key, class). */
#define FIELD_TABLE(X)                                                                             \
    X(UNIT, TEXT)                                                                                  \
    X(TIMESTAMP, INT)                                                                              \
    X(TYPE, TEXT)                                                                                  \
    X(MARKET, TEXT)                                                                                \
    X(INSTRUMENT, TEXT)                                                                            \
    X(MAPPED_INSTRUMENT, TEXT)                                                                     \
    X(BASE, TEXT)                                                                                  \
    X(QUOTE, TEXT)                                                                                 \
    X(BASE_ID, INT)                                                                                \
    X(QUOTE_ID, INT)                                                                               \
    X(INDEX_UNDERLYING, TEXT)                                                                      \
    X(QUOTE_CURRENCY, TEXT)                                                                        \
    X(SETTLEMENT_CURRENCY, TEXT)                                                                   \
    X(CONTRACT_CURRENCY, TEXT)                                                                     \
    X(DENOMINATION_TYPE, TEXT)                                                                     \
    X(INDEX_UNDERLYING_ID, INT)                                                                    \
    X(QUOTE_CURRENCY_ID, INT)                                                                      \
    X(SETTLEMENT_CURRENCY_ID, INT)                                                                 \
    X(CONTRACT_CURRENCY_ID, INT)                                                                   \
    X(TRANSFORM_FUNCTION, TEXT)                                                                    \
    X(INTERVAL_MS, INT)                                                                            \
    X(OPEN, PRICE)                                                                                 \
    X(HIGH, PRICE)                                                                                 \
    X(LOW, PRICE)                                                                                  \
    X(CLOSE, PRICE)                                                                                \
    X(FIRST_TRADE_TIMESTAMP, INT)                                                                  \
    X(LAST_TRADE_TIMESTAMP, INT)                                                                   \
    X(FIRST_TRADE_PRICE, PRICE)                                                                    \
    X(HIGH_TRADE_PRICE, PRICE)                                                                     \
    X(HIGH_TRADE_TIMESTAMP, INT)                                                                   \
    X(LOW_TRADE_PRICE, PRICE)                                                                      \
    X(LOW_TRADE_TIMESTAMP, INT)                                                                    \
    X(LAST_TRADE_PRICE, PRICE)                                                                     \
    X(TOTAL_TRADES, INT)                                                                           \
    X(TOTAL_TRADES_BUY, INT)                                                                       \
    X(TOTAL_TRADES_SELL, INT)                                                                      \
    X(TOTAL_TRADES_UNKNOWN, INT)                                                                   \
    X(NUMBER_OF_CONTRACTS, INT)                                                                    \
    X(VOLUME, AMOUNT)                                                                              \
    X(QUOTE_VOLUME, QUOTE)                                                                         \
    X(VOLUME_BUY, AMOUNT)                                                                          \
    X(QUOTE_VOLUME_BUY, QUOTE)                                                                     \
    X(VOLUME_SELL, AMOUNT)                                                                         \
    X(QUOTE_VOLUME_SELL, QUOTE)                                                                    \
    X(VOLUME_UNKNOWN, AMOUNT)                                                                      \
    X(QUOTE_VOLUME_UNKNOWN, QUOTE)                                                                 \
    X(VOLUME_TOP_TIER, AMOUNT)                                                                     \
    X(QUOTE_VOLUME_TOP_TIER, QUOTE)                                                                \
    X(VOLUME_DIRECT, AMOUNT)                                                                       \
    X(QUOTE_VOLUME_DIRECT, QUOTE)                                                                  \
    X(VOLUME_TOP_TIER_DIRECT, AMOUNT)                                                              \
    X(QUOTE_VOLUME_TOP_TIER_DIRECT, QUOTE)                                                         \
    X(TOTAL_FUNDING_RATE_UPDATES, INT)                                                             \
    X(TOTAL_INDEX_UPDATES, INT)                                                                    \
    X(FIRST_MESSAGE_TIMESTAMP, INT)                                                                \
    X(LAST_MESSAGE_TIMESTAMP, INT)                                                                 \
    X(FIRST_MESSAGE_VALUE, PRICE)                                                                  \
    X(HIGH_MESSAGE_VALUE, PRICE)                                                                   \
    X(HIGH_MESSAGE_TIMESTAMP, INT)                                                                 \
    X(LOW_MESSAGE_VALUE, PRICE)                                                                    \
    X(LOW_MESSAGE_TIMESTAMP, INT)                                                                  \
    X(LAST_MESSAGE_VALUE, PRICE)                                                                   \
    X(OPEN_SETTLEMENT, AMOUNT)                                                                     \
    X(OPEN_MARK_PRICE, PRICE)                                                                      \
    X(OPEN_QUOTE, QUOTE)                                                                           \
    X(HIGH_SETTLEMENT, AMOUNT)                                                                     \
    X(HIGH_SETTLEMENT_MARK_PRICE, PRICE)                                                           \
    X(HIGH_MARK_PRICE, PRICE)                                                                      \
    X(HIGH_MARK_PRICE_SETTLEMENT, AMOUNT)                                                          \
    X(HIGH_QUOTE, QUOTE)                                                                           \
    X(HIGH_QUOTE_MARK_PRICE, PRICE)                                                                \
    X(LOW_SETTLEMENT, AMOUNT)                                                                      \
    X(LOW_SETTLEMENT_MARK_PRICE, PRICE)                                                            \
    X(LOW_MARK_PRICE, PRICE)                                                                       \
    X(LOW_MARK_PRICE_SETTLEMENT, AMOUNT)                                                           \
    X(LOW_QUOTE, QUOTE)                                                                            \
    X(LOW_QUOTE_MARK_PRICE, PRICE)                                                                 \
    X(CLOSE_SETTLEMENT, AMOUNT)                                                                    \
    X(CLOSE_MARK_PRICE, PRICE)                                                                     \
    X(CLOSE_QUOTE, QUOTE)                                                                          \
    X(FIRST_MESSAGE_SETTLEMENT, AMOUNT)                                                            \
    X(FIRST_MESSAGE_MARK_PRICE, PRICE)                                                             \
    X(FIRST_MESSAGE_QUOTE, QUOTE)                                                                  \
    X(HIGH_MESSAGE_SETTLEMENT, AMOUNT)                                                             \
    X(HIGH_MESSAGE_SETTLEMENT_MARK_PRICE, PRICE)                                                   \
    X(HIGH_MESSAGE_SETTLEMENT_TIMESTAMP, INT)                                                      \
    X(HIGH_MESSAGE_MARK_PRICE, PRICE)                                                              \
    X(HIGH_MESSAGE_MARK_PRICE_SETTLEMENT, AMOUNT)                                                  \
    X(HIGH_MESSAGE_MARK_PRICE_TIMESTAMP, INT)                                                      \
    X(HIGH_MESSAGE_QUOTE, QUOTE)                                                                   \
    X(HIGH_MESSAGE_QUOTE_MARK_PRICE, PRICE)                                                        \
    X(HIGH_MESSAGE_QUOTE_TIMESTAMP, INT)                                                           \
    X(LOW_MESSAGE_SETTLEMENT, AMOUNT)                                                              \
    X(LOW_MESSAGE_SETTLEMENT_MARK_PRICE, PRICE)                                                    \
    X(LOW_MESSAGE_SETTLEMENT_TIMESTAMP, INT)                                                       \
    X(LOW_MESSAGE_MARK_PRICE, PRICE)                                                               \
    X(LOW_MESSAGE_MARK_PRICE_SETTLEMENT, AMOUNT)                                                   \
    X(LOW_MESSAGE_MARK_PRICE_TIMESTAMP, INT)                                                       \
    X(LOW_MESSAGE_QUOTE, QUOTE)                                                                    \
    X(LOW_MESSAGE_QUOTE_MARK_PRICE, PRICE)                                                         \
    X(LOW_MESSAGE_QUOTE_TIMESTAMP, INT)                                                            \
    X(LAST_MESSAGE_SETTLEMENT, AMOUNT)                                                             \
    X(LAST_MESSAGE_MARK_PRICE, PRICE)                                                              \
    X(LAST_MESSAGE_QUOTE, QUOTE)                                                                   \
    X(TOTAL_OPEN_INTEREST_UPDATES, INT)

enum field {
#define FIELD_ENUM(key, class) FIELD_##key,
    FIELD_TABLE(FIELD_ENUM)
#undef FIELD_ENUM
        FIELD_COUNT
};

/* One record before it becomes text or cells. Members of value and present are by enum field; a
 * text field has its bytes in text. Which fields a data type has is the registry's business: a plan
 * picks them. */
struct row {
    int64_t value[FIELD_COUNT];
    struct str text[FIELD_TRANSFORM_FUNCTION + 1]; /* the text fields all stand before the values */
    bool present[FIELD_COUNT];
};

struct kind;

/* How the columns of a data type are filled and written. */
struct plan_column {
    char key[48]; /* `,"KEY":`; of the first column without the comma; padded: copied whole */
    uint8_t key_len;
    uint8_t field;
    uint8_t class;
    uint8_t group; /* number in plan.groups */
};
struct plan {
    const struct data_type *type;
    const struct kind *kind;
    const char *groups[8]; /* the vendor's group names, in order of appearance */
    size_t group_count;
    size_t column_count;
    struct plan_column columns[COLUMN_MAX];
};

struct market {
    const char *name;
    enum section section;
    size_t first_series; /* in world.series; an instrument has one series per data type of the
                            section */
    size_t instrument_count;
};

struct asset {
    const char *symbol;
    const char *name;
    double price_usd; /* 0 = nobody trades it */
    const char *asset_type;
};

/* What the list of a total of records shows in a version of the metadata: the first ones, less
 * those that later versions took off the end, and then those that they added behind. */
struct listing {
    size_t kept;    /* records 0 … kept - 1 */
    size_t dropped; /* then so many are left out */
    size_t count;   /* places served: fewer with --shrink */
    size_t total;   /* places there would be */
};

/* ---- metadata records */

enum record_id {
    RECORD_ASSET,
    RECORD_EXCHANGE,
    RECORD_SPOT_MARKET,
    RECORD_FUTURES_MARKET,
    RECORD_INDEX_MARKET,
    RECORD_SPOT_INSTRUMENT,
    RECORD_FUTURES_INSTRUMENT,
    RECORD_COUNT
};

/* What a record is about: of its kind only what it has is set. */
struct subject {
    const struct world *world;
    int64_t now_utc_s;
    size_t number; /* of an asset or an exchange; of an instrument in its market */
    uint64_t dice; /* of the record, the same for ever */
    const struct asset *asset;
    const uint32_t
        *ranks; /* of an asset: its place by each key of TOPLIST_BASE_RANK; may be NULL */
    const struct exchange *exchange;
    const char *currency; /* of an exchange: the volume's, as asked for */
    const struct market *market;
    const struct market_counts *counts; /* of a market */
    const struct series *series; /* of an instrument: that of its trades, the others follow */
};

enum { VERSION_MAX = 9 }; /* of the metadata */

/* One member of a record. Those of one nested object stand together. */
struct member {
    const char *key;   /* '.' leads into an object */
    const char *group; /* the vendor's; "" where it has none */
    /* Appends the JSON value; nothing = this record lacks the member. */
    void (*write)(const struct subject *s, int argument, struct buf *out);
    int argument;
    bool is_extra; /* served although no table of the registry takes it, as vendors do */
};

enum { MEMBER_MAX = 128 };

struct record_kind {
    const char *table; /* of the registry; NULL = none: all members are served */
    /* Lists that end with NULL: what a query that names no groups gets (NULL = all of them); and
     * groups whose members the registry does not take. */
    const char *const *default_groups, *const *other_groups;
    const struct member *members;
    size_t count; /* <= MEMBER_MAX */
};

/* The members of a kind that the registry's tables take, and its extra ones. */
struct record_plan {
    const struct record_kind *kind;
    bool served[MEMBER_MAX];
};

/* What one request gets of them. */
struct record_choice {
    const struct record_plan *plan;
    bool wanted[MEMBER_MAX];
};

/* A series with what its values are made from. pub first: the public pointer is this one's address.
 */
struct series {
    struct world_series pub;
    const struct plan *plan;
    const char *settlement; /* futures: symbols, and how they relate; NULL elsewhere */
    const char *contract;
    const char *denomination; /* VANILLA, INVERSE, QUANTO */
    const char *transform;    /* TRANSFORM_FUNCTION */
    int64_t base_id, quote_id, settlement_id, contract_id;
    int64_t price;  /* middle of the walk, in units of 10^-decimals */
    int64_t amount; /* average base volume of a day, or open interest, in units of 10^-decimals */
    int64_t trades_per_day;
    int64_t trades_permille; /* what the lifetime's count is of what trades_per_day makes of it */
    int64_t lifetime_trades; /* 0 = from trades_per_day */
    uint64_t quote_divisor;  /* amount * price / quote_divisor is in units of CLASS_QUOTE */
    uint8_t decimals[CLASS_COUNT];
    bool perpetual;
    bool huge_counters; /* beyond 2^53, as one real market counts */
    bool message_group; /* OHLC_MESSAGE present although recordings of the type lack it */
    bool unknown_side;  /* part of the trades has no side */
    bool hard_names;    /* some of the texts need escapes in JSON */
    bool converted;     /* index pair that the vendor computes from another one */
};

enum kind_id { KIND_SPOT, KIND_FUTURES, KIND_FUNDING, KIND_INTEREST, KIND_INDEX, KIND_COUNT };

struct world {
    struct world_config config;
    const struct allocator *allocator;
    struct arena arena;
    struct series *series; /* by market, then instrument, then data type of the section */
    size_t series_count;
    struct market *markets;
    size_t market_count;
    const struct asset *assets; /* number + 1 is the vendor's id */
    size_t asset_count;
    size_t listed_assets; /* the first so many are in the asset list */
    size_t traded_assets; /* the first so many are traded, the best first; the last is a dollar */
    struct record_plan records[RECORD_COUNT];
    struct plan plans[KIND_COUNT];
    uint32_t *index;       /* open addressing; series number + 1 */
    size_t index_capacity; /* a power of two */
};

/* One period of a series as it stands at a moment. */
struct period {
    enum interval interval;
    int64_t ts, step_s;
    int64_t close_at; /* moment whose level is the close: the end, or seen while open */
    int64_t open_at;  /* moment whose level is the open: the end of the last period with activity */
    int64_t span_s;   /* seconds of the period that have passed */
    uint64_t roll;    /* dice of this version of the record */
    bool idle;
};

/* The candle types the world can serve and what fills their rows. */
struct kind {
    const char *type_name;
    enum section section;
    const char *label; /* TYPE */
    void (*fill)(const struct series *s, const struct period *p, struct row *row);
};
extern const struct kind world_kinds[KIND_COUNT];

/* A candle request after all checks. */
struct candle_request {
    const struct series *series;
    enum interval interval;
    int64_t first_ts, last_ts; /* periods, both inclusive */
    uint32_t groups;           /* plan.groups bits asked for */
    bool fill;
};

/* ---- world_values.c */
uint64_t dice_mix(uint64_t x); /* SplitMix64's finaliser */
uint64_t dice_text(uint64_t seed, const char *text);
extern const uint64_t powers_of_ten[20];
/* The moment whose state is served at now_utc_s: a reply cache of cache_s. salt shifts its ticks.
 */
int64_t world_seen_s(const struct world *world, uint64_t salt, int64_t now_utc_s);
/* Whether there is a record; then what it is about. until (may be NULL) is lowered to the first
 * moment after seen_s at which the answer changes. */
bool period_at(const struct world *world, const struct series *s, enum interval interval,
               int64_t ts, int64_t seen_s, struct period *out_period, int64_t *until);
/* Start of the first and last period of a series; INT64_MAX = has no end. */
int64_t series_first_period(const struct series *s, enum interval interval);
int64_t series_last_period(const struct series *s, enum interval interval);

/* ---- world_row.c */
int plan_init(struct plan *plan, const struct kind *kind, struct ccd_error *err);
void row_fill(const struct series *s, const struct period *p, struct row *row);
enum { ROW_MAX_BYTES = 6144, GROUP_ALWAYS = 31 };
/* Where the key of each column written stands in the row's text; of the others: NO_PLACE. */
struct key_places {
    uint16_t at[COLUMN_MAX];
};
enum { NO_PLACE = UINT16_MAX };
/* JSON text of the columns whose group bit is set in groups, and of UNIT and TIMESTAMP; returns its
 * length. */
size_t row_write(const struct plan *plan, const struct series *s, const struct row *row,
                 uint32_t groups, char out[ROW_MAX_BYTES], struct key_places *places);
/* JavaScript's text of value * 10^-decimals; returns the end. Needs 64 bytes. */
char *write_decimal(char *p, int64_t value, unsigned decimals);

/* ---- world_assets.c */
/* World.assets from the tables, or as made up as the markets are. False: no memory. */
bool assets_build(struct world *world);
/* Texts that break careless readers of every kind, for --hostile_names. */
extern const char *const hostile_texts[];
extern const size_t hostile_text_count;
/* How many records the version of the metadata adds to every list. */
size_t added_by(const struct world *world);
/* How the version of the metadata cuts a list of so many records, those of all versions. */
struct listing listing_of(const struct world *world, size_t total);
size_t listing_at(const struct listing *listing, size_t place);
/* The version of the metadata in which record `number` of a list changed; 0 = it has not. */
int changed_in(const struct world *world, size_t number);

/* ---- world_names.c */
/* An instrument about to be added to a market. */
struct instrument {
    const char *native, *mapped; /* mapped NULL = unmapped */
    size_t base, quote;          /* numbers in world.assets */
    const char *settlement, *denomination, *transform;
    const char *status;
    int64_t first_ts, last_ts;
    int64_t lag_max_s; /* funding and interest begin at most so much after the trades */
    double usd_per_day;
    bool perpetual, huge, converted;
    bool beyond_cap; /* also where --instruments has been reached */
};
/* %b base, %q quote, %l and %m the same in lower case, %x base with XBT for BTC, %k the pair in
 * Kraken's manner, %s settlement, %d date. */
struct name_parts {
    const char *base, *quote, *settlement, *date;
};
int names_build(struct world *world, struct ccd_error *err);
/* NULL = no memory. */
const char *name_make(struct world *world, const char *pattern, const struct name_parts *parts);
struct market *market_add(struct world *world, enum section section, const char *name);
/* False: no memory; a missing native name is one that found none. */
bool instrument_add(struct world *world, struct market *market, const struct instrument *i);
/* By symbol, among those that are traded; the last of them when unknown. */
size_t asset_find(const struct world *world, const char *symbol);
int64_t asset_id(size_t number);

/* ---- world_extras.c: what the world has on purpose; the bools are false without memory */
enum { EXTRA_MARKETS_MAX = 3 };
size_t extra_series_max(const struct world *world, size_t market_count);
/* Lifetime trades of a pair that a selection must take or leave out; 0 = nothing special. */
int64_t trades_on_purpose(const char *market, const struct instrument *i);
bool has_hard_names(const struct series *s);
/* Instruments in every status that the vendor's own names lack. */
bool traps_add(struct world *world, struct market *market);
/* What later versions of the lists add. */
bool later_instruments_add(struct world *world, struct market *market);
bool hostile_markets_add(struct world *world);

/* ---- world_query.c */
/* First value of a query parameter, percent-decoded and NUL-terminated; false when absent.
 * *out_bad: a malformed escape, a NUL, or longer than the capacity (out is then whatever was read
 * so far). */
bool query_value(struct str query, const char *name, char *out, size_t capacity, bool *out_bad);
bool query_has(struct str query, const char *name);
/* Whether a list parameter, separated by commas or repeated or both, names `wanted`. */
bool query_lists(struct str query, const char *name, struct str wanted);
/* An error envelope; returns status. param and value may be NULL; a value that is an integer is
 * written as one. */
int error_reply(struct buf *out, int status, int type, const char *param, const char *value,
                const char *format, ...) PRINTF_LIKE(6, 7);
enum { ERROR_TYPE_NOT_FOUND = 1, ERROR_TYPE_PARAMETER = 2 };

/* ---- world_reply.c */
/* 200 and *out_request, or the status of the error envelope written to out_body. 0: not a candle
 * path. */
int candle_request_parse(const struct world *world, struct str path, struct str query,
                         int64_t now_utc_s, struct candle_request *out_request,
                         struct buf *out_body);
/* As world_reply; *out_until: the moment from which on the bytes may differ (0 = right away).
 * repeats: cleared, then filled when the reply is a candle page (fewer hints without memory). */
int world_reply_until(const struct world *world, struct str path_and_query, int64_t now_utc_s,
                      struct buf *out_body, int64_t *out_until, struct repeats *repeats);

/* ---- world_records.c */
int records_build(struct world *world, struct ccd_error *err);
/* 0, or 400 and the error envelope: a group that the kind does not have. */
int record_choose(const struct record_plan *plan, struct str query, struct record_choice *out,
                  struct buf *out_body);
void record_write(const struct record_choice *choice, const struct subject *s, struct buf *out);
/* The same without the last brace: the caller goes on. */
void record_write_open(const struct record_choice *choice, const struct subject *s,
                       struct buf *out);
/* NULL = null. */
void write_text(struct buf *out, const char *text);
void write_flag(struct buf *out, bool flag);

/* ---- world_asset_record.c */
extern const struct record_kind asset_record;

/* ---- world_top_list.c */
int top_list_reply(const struct world *world, struct str query, int64_t now_utc_s,
                   struct buf *out_body);

/* ---- world_exchanges.c */
extern const struct record_kind exchange_record;
/* /data/exchanges/general of the vendor's other host; a refusal has status 200 there. */
int exchanges_reply(const struct world *world, struct str query, int64_t now_utc_s,
                    struct buf *out_body);
/* An error envelope of that host; returns status. param may be NULL. */
int min_api_error(struct buf *out, int status, int type, const char *param, const char *message);

/* ---- world_catalogue.c */
extern const struct record_kind spot_market_record, futures_market_record, index_market_record;
extern const struct record_kind spot_instrument_record, futures_instrument_record;
/* Markets, instruments, top assets. 0: not one of these paths. */
int catalogue_reply(const struct world *world, struct str path, struct str query, int64_t now_utc_s,
                    struct buf *out_body);
const struct market *market_find(const struct world *world, enum section section, struct str name);

#endif
