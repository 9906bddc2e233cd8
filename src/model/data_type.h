/* The registry: one static const table per data type, from which URL, decode plan, DDL, upsert,
 * views, docs and the simulator's replies come. Invariant: vendor field names live in model/ only;
 * SQL words in store/ only. */
#ifndef MODEL_DATA_TYPE_H
#define MODEL_DATA_TYPE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/str.h"

enum { COLUMN_MAX = 64 }; /* one presence bit per column in a uint64_t */

/* How a value travels and is stored. Every cell is 8 bytes (see batch.h). */
enum column_kind {
    COLUMN_I64,   /* JSON integer, exact */
    COLUMN_F64,   /* JSON number, correctly rounded double */
    COLUMN_TEXT,  /* JSON string, UTF-8 */
    COLUMN_BOOL,  /* JSON true/false; stored 1/0 */
    COLUMN_UTC_S, /* JSON integer: seconds since 1970, UTC */
};

enum column_flags {
    COLUMN_TS = 1u << 0, /* the period start: key of a fact row; never NULL */
    /* echo of the interval (DAY, HOUR, MINUTE): checked, a literal in the view */
    COLUMN_UNIT = 1u << 1,
    COLUMN_MARKET = 1u << 2,     /* echo of the market: checked, stored in dim_series */
    COLUMN_INSTRUMENT = 1u << 3, /* the vendor's native id: identity of the series */
    COLUMN_MAPPED = 1u << 4,     /* the mapped id; NULL = unmapped (repeats the native id) */
    /* attribute of the series: newest non-NULL value, stored in dim_series */
    COLUMN_SERIES = 1u << 5,
    COLUMN_REQUIRED = 1u << 6,    /* a row without it makes the page invalid */
    COLUMN_COUNT = 1u << 7,       /* negative = structurally impossible */
    COLUMN_LOW = 1u << 8,         /* the LOW of the primary OHLC group */
    COLUMN_HIGH = 1u << 9,        /* the HIGH of the primary OHLC group */
    COLUMN_TRADES = 1u << 10,     /* 0 = filled candle: the view's is_filled */
    COLUMN_KEY = 1u << 11,        /* natural key of a metadata table */
    COLUMN_OBJECT_KEY = 1u << 12, /* metadata: value is the name of the enclosing JSON member */
    /* a part or snapshot: taken from the record of the parent table, path from there */
    COLUMN_PARENT = 1u << 13,
    COLUMN_LENIENT = 1u << 14, /* a number may come as a text ("71"); "" is NULL */
    /* bool of RECORDS and CATALOGUE tables, last column: whether the newest complete list had the
     * record; decoding sets it, the store clears it for what a complete list lacks */
    COLUMN_LISTED = 1u << 16,
    COLUMN_JSON = 1u << 15,     /* text: any value, kept as compact JSON; a text stays as it is */
    COLUMN_ELEMENT = 1u << 17,  /* a part: takes an element that is no object */
    COLUMN_POSITION = 1u << 18, /* place of the record in the whole list, from 1 */
};

/* One vendor field; path with '.' from the record, or from the element of a part; "" = none. A fact
 * column is one without TS, UNIT, MARKET, INSTRUMENT, MAPPED or SERIES. */
struct column {
    const char *name; /* SQL name: vendor field in lower case, nested joined by '_' */
    const char *key;  /* JSON key; metadata: path with '.' from the record */
    enum column_kind kind;
    uint32_t flags;
    const char *unit;    /* "base", "quote", "price", "s", "count" …; "" = none */
    const char *meaning; /* one sentence */
    const char *group;   /* the vendor's group: ID, MAPPING, OHLC, TRADE … */
    /* COLUMN_COUNT: why a negative value is refused, "negative total_trades" */
    const char *if_negative;
};

enum interval { INTERVAL_1D, INTERVAL_1H, INTERVAL_1M, INTERVAL_COUNT };

struct interval_info {
    const char *name;      /* "1d" */
    int64_t step_s;        /* 86400 */
    const char *path_unit; /* "days" */
    const char *unit_echo; /* "DAY" */
    int page_max; /* periods per call: 5000 days, 2000 hours or minutes (CONTRACT.md §2.1) */
};
extern const struct interval_info interval_infos[INTERVAL_COUNT];
/* "1d" …; false when unknown. */
bool interval_parse(struct str name, enum interval *out_interval);

enum data_type_shape {
    SHAPE_CANDLES,   /* records in Data[], one per period, key (series, ts) */
    SHAPE_CATALOGUE, /* Data{market}.instruments{mapped id}: one record per instrument */
    SHAPE_METADATA,  /* fills several tables, has no columns of its own */
    /* Tables of a metadata type, never in data_types[]: */
    SHAPE_RECORDS,  /* one row per record of Data{…} or Data.LIST[]; keyed by its COLUMN_KEYs */
    SHAPE_PARTS,    /* one row per element of an array in the parent's record; the rows of a record
                       are replaced together */
    SHAPE_SNAPSHOTS /* one row per record and vendor's moment; appended, never changed */
};

enum api_host { HOST_DATA_API, HOST_MIN_API };

/* Members of a record that are known and not stored. */
struct left_out {
    const char *keys; /* glob */
    const char *reason;
};

struct data_type {
    const char *name;   /* "spot_ohlcv" */
    const char *title;  /* "Spot OHLCV candles" */
    const char *source; /* vendor document and date */
    enum data_type_shape shape;
    /* "/spot/v1/historical/{unit}"; {unit} is replaced by path_unit. METADATA: of its tables, for
     * people */
    const char *path;
    const struct column *columns;
    size_t column_count;   /* <= COLUMN_MAX */
    const char *catalogue; /* candles: type that lists their instruments; NULL = none (indices) */
    const char *markets_path; /* "/spot/v1/markets"; NULL = none */
    /* catalogue columns that bound and qualify a candle type's series: e.g.
     * "first_trade_spot_timestamp", "last_trade_spot_timestamp", "has_trades_spot",
     * "total_trades_spot"; NULL when there is no catalogue */
    const char *first_ts_column;
    const char *last_ts_column;
    const char *has_data_column;
    const char *rank_column;
    /* indices: base and quote of the view come from INSTRUMENT, cut at the last '-' */
    bool splits_instrument;
    bool checks_ohlc;         /* LOW > HIGH is structurally impossible */
    int64_t cache_lifetime_s; /* catalogue, records: how long a stored list is fresh */

    /* METADATA: what it fills, in the order of fetching; a parent before its parts. */
    const struct data_type *const *tables;
    size_t table_count;
    /* RECORDS: how they come. */
    enum api_host host;
    bool is_listed;    /* in pages of Data.LIST[]; else all at once in Data{key} */
    const char *query; /* asked for with every call; NULL = nothing */
    const struct left_out *left_out;
    size_t left_out_count;
    /* PARTS, SNAPSHOTS: the table whose records hold them, and the key of its array (PARTS). */
    const struct data_type *parent;
    const char *array;
};

/* All types, in the order of the README: five candle types, then the metadata. */
extern const struct data_type *const data_types[];
extern const size_t data_type_count;
/* The tables that metadata fills, catalogues too; parents before their parts. */
extern const struct data_type *const metadata_tables[];
extern const size_t metadata_table_count;

/* NULL when unknown; '-' and '_' are equal. */
const struct data_type *data_type_find(struct str name);
const struct data_type *metadata_table_find(struct str name);
/* Index of the column with this SQL name / the first with this flag; -1 when none. */
int data_type_column(const struct data_type *type, struct str name);
int data_type_column_flagged(const struct data_type *type, uint32_t flag);
/* Whether column i is stored in the fact table. */
bool column_is_fact(const struct column *column);

#endif
