/* Markets, instruments and top assets: the vendor's lists, from the registry's catalogue types. */
#include <string.h>

#include "base/time.h"
#include "sim/world_private.h"

enum { PAGE_SIZE_MIN = 10, PAGE_SIZE_MAX = 100, PAGE_MAX = 1000, NAME_MAX_BYTES = 512 };

static const struct {
    const char *market_label, *instrument_label; /* TYPE, as recorded in June 2025 */
    const char *path;
    const char *total;
} sections[SECTION_COUNT] = {
    [SECTION_SPOT] = {"602", "612", "/spot/v1/markets", "TOTAL_TRADES_SPOT"},
    [SECTION_FUTURES] = {"604", "614", "/futures/v1/markets", "TOTAL_TRADES_FUTURES"},
    [SECTION_INDEX] = {"606", "616", "/index/cc/v1/markets", "TOTAL_INDEX_UPDATES"},
};

/* The statuses of the market's summary, in the vendor's order. */
static const char *const statuses[] = {"ACTIVE", "IGNORED", "RETIRED", "EXPIRED",
                                       "RETIRED_UNMAPPED"};
enum { STATUS_COUNT = sizeof statuses / sizeof statuses[0] };

static unsigned kinds_of(enum section section)
{
    return section == SECTION_FUTURES ? 3 : 1;
}

/* The first series of an instrument stands for it: that of its trades. */
static const struct series *instrument_at(const struct world *w, const struct market *m, size_t i)
{
    return &w->series[m->first_series + i * kinds_of(m->section)];
}

static const char *status_at(const struct series *s, int64_t seen_s)
{
    return s->pub.last_ts > seen_s ? "ACTIVE" : s->pub.status;
}

const struct market *market_find(const struct world *w, enum section section, struct str name)
{
    for (size_t i = 0; i < w->market_count; i++)
        if (w->markets[i].section == section && str_equal(str_from(w->markets[i].name), name))
            return &w->markets[i];
    return NULL;
}

/* Moments of the first and last message of a kind and their number; all 0 when there is none yet.
 */
struct history {
    int64_t first_ts, last_ts, total;
};

static struct history history_of(const struct series *s, int64_t seen_s)
{
    struct history h = {0};
    if (s->pub.first_ts > seen_s)
        return h;
    bool ended = s->pub.last_ts && s->pub.last_ts < seen_s;
    h.first_ts = s->pub.first_ts;
    h.last_ts = ended ? s->pub.last_ts : seen_s;
    h.total = 1 + s->trades_per_day * ((h.last_ts - h.first_ts) / SECONDS_PER_HOUR) / 24;
    if (s->huge_counters)
        h.total = (h.total + (1LL << 40)) * 100000; /* JavaScript prints such a number with zeros */
    return h;
}

/* ---- markets */

static void write_market_head(const struct world *w, const struct market *m, int64_t seen_s,
                              struct buf *out)
{
    int64_t counts[STATUS_COUNT] = {0}, unmapped = 0, total = 0;
    for (size_t i = 0; i < m->instrument_count; i++) {
        const struct series *s = instrument_at(w, m, i);
        for (size_t k = 0; k < STATUS_COUNT; k++)
            counts[k] += strcmp(statuses[k], status_at(s, seen_s)) == 0;
        unmapped += !s->pub.mapped && m->section != SECTION_INDEX;
        total += s->huge_counters ? 0 : history_of(s, seen_s).total;
    }
    buf_add_json_text(out, str_from(m->name));
    buf_printf(out,
               ":{\"TYPE\":\"%s\",\"EXCHANGE_STATUS\":\"ACTIVE\",\"MAPPED_INSTRUMENTS_TOTAL\":%lld,"
               "\"UNMAPPED_INSTRUMENTS_TOTAL\":%lld,\"INSTRUMENT_STATUS\":{",
               sections[m->section].market_label, (long long)m->instrument_count - unmapped,
               (long long)unmapped);
    for (size_t k = 0; k < STATUS_COUNT; k++)
        buf_printf(out, "%s\"%s\":%lld", k ? "," : "", statuses[k], (long long)counts[k]);
    buf_printf(out, "},\"%s\":%lld,\"HAS_ORDERBOOK_L2_MINUTE_SNAPSHOTS_ENABLED\":%s",
               sections[m->section].total, (long long)total,
               m->section == SECTION_INDEX ? "false" : "true");
}

/* The market that a query names. 200 and NULL: it names none. */
static int take_market(const struct world *w, enum section section, struct str query,
                       const struct market **out_market, struct buf *out)
{
    char name[NAME_MAX_BYTES];
    bool bad = false;
    *out_market = NULL;
    if (!query_value(query, "market", name, sizeof name, &bad) || (name[0] == '\0' && !bad))
        return 200;
    for (char *p = name; *p; p++)
        if (*p >= 'A' && *p <= 'Z')
            *p = (char)(*p + ('a' - 'A'));
    *out_market = bad ? NULL : market_find(w, section, str_from(name));
    if (*out_market)
        return 200;
    return error_reply(out, 404, ERROR_TYPE_NOT_FOUND, "market", name,
                       "Not found: market parameter. There is no market %s here.", name);
}

static int markets_reply(const struct world *w, enum section section, struct str query,
                         int64_t seen_s, struct buf *out)
{
    const struct market *only;
    int status = take_market(w, section, query, &only, out);
    if (status != 200)
        return status;
    const char *separator = "";
    buf_add_text(out, "{\"Data\":{");
    for (size_t i = 0; i < w->market_count; i++) {
        const struct market *m = &w->markets[i];
        if (m->section != section || (only && m != only))
            continue;
        buf_add_text(out, separator);
        write_market_head(w, m, seen_s, out);
        buf_add_char(out, '}');
        separator = ",";
    }
    buf_add_text(out, "},\"Err\":{}}");
    return 200;
}

/* ---- instruments */

/* What a catalogue column says; the registry tells the rest. */
enum catalogue_field {
    CATALOGUE_NONE,
    CATALOGUE_MAPPED,
    CATALOGUE_NATIVE,
    CATALOGUE_TYPE,
    CATALOGUE_STATUS,
    CATALOGUE_SHARD,
    CATALOGUE_BASE,
    CATALOGUE_QUOTE,
    CATALOGUE_SETTLEMENT,
    CATALOGUE_CONTRACT,
    CATALOGUE_BASE_ID,
    CATALOGUE_QUOTE_ID,
    CATALOGUE_SETTLEMENT_ID,
    CATALOGUE_CONTRACT_ID,
    CATALOGUE_DENOMINATION,
    CATALOGUE_TRANSFORM,
    CATALOGUE_MAPPING_CREATED,
    CATALOGUE_EXPIRATION,
    CATALOGUE_HAS, /* the four of a history are told apart by kind */
    CATALOGUE_FIRST,
    CATALOGUE_LAST,
    CATALOGUE_TOTAL,
};

static const struct {
    const char *key;
    enum catalogue_field field;
} catalogue_keys[] = {
    {"MAPPED_INSTRUMENT", CATALOGUE_MAPPED},
    {"INSTRUMENT", CATALOGUE_NATIVE},
    {"TYPE", CATALOGUE_TYPE},
    {"INSTRUMENT_STATUS", CATALOGUE_STATUS},
    {"HISTO_SHARD", CATALOGUE_SHARD},
    {"INSTRUMENT_MAPPING.MAPPED_INSTRUMENT", CATALOGUE_MAPPED},
    {"INSTRUMENT_MAPPING.BASE", CATALOGUE_BASE},
    {"INSTRUMENT_MAPPING.BASE_ID", CATALOGUE_BASE_ID},
    {"INSTRUMENT_MAPPING.QUOTE", CATALOGUE_QUOTE},
    {"INSTRUMENT_MAPPING.QUOTE_ID", CATALOGUE_QUOTE_ID},
    {"INSTRUMENT_MAPPING.INDEX_UNDERLYING", CATALOGUE_BASE},
    {"INSTRUMENT_MAPPING.INDEX_UNDERLYING_ID", CATALOGUE_BASE_ID},
    {"INSTRUMENT_MAPPING.QUOTE_CURRENCY", CATALOGUE_QUOTE},
    {"INSTRUMENT_MAPPING.QUOTE_CURRENCY_ID", CATALOGUE_QUOTE_ID},
    {"INSTRUMENT_MAPPING.SETTLEMENT_CURRENCY", CATALOGUE_SETTLEMENT},
    {"INSTRUMENT_MAPPING.SETTLEMENT_CURRENCY_ID", CATALOGUE_SETTLEMENT_ID},
    {"INSTRUMENT_MAPPING.CONTRACT_CURRENCY", CATALOGUE_CONTRACT},
    {"INSTRUMENT_MAPPING.CONTRACT_CURRENCY_ID", CATALOGUE_CONTRACT_ID},
    {"INSTRUMENT_MAPPING.DENOMINATION_TYPE", CATALOGUE_DENOMINATION},
    {"INSTRUMENT_MAPPING.TRANSFORM_FUNCTION", CATALOGUE_TRANSFORM},
    {"INSTRUMENT_MAPPING.CREATED_ON", CATALOGUE_MAPPING_CREATED},
    {"CONTRACT_EXPIRATION_TS", CATALOGUE_EXPIRATION},
};

struct catalogue_column {
    enum catalogue_field field;
    unsigned kind;      /* of a history: offset of its series among the instrument's */
    const char *parent; /* name of the nested object, length parent_len; "" = none */
    size_t parent_len;
    const char *leaf;
};

static bool is_column(const char *name, const char *other)
{
    return other && strcmp(name, other) == 0;
}

static void find_history(const struct world *w, enum section section, const char *name,
                         struct catalogue_column *c)
{
    for (unsigned k = 0, offset = 0; k < KIND_COUNT; k++) {
        if (w->plans[k].kind->section != section)
            continue;
        const struct data_type *type = w->plans[k].type;
        c->kind = offset++;
        c->field = is_column(name, type->has_data_column)   ? CATALOGUE_HAS
                   : is_column(name, type->first_ts_column) ? CATALOGUE_FIRST
                   : is_column(name, type->last_ts_column)  ? CATALOGUE_LAST
                   : is_column(name, type->rank_column)     ? CATALOGUE_TOTAL
                                                            : CATALOGUE_NONE;
        if (c->field != CATALOGUE_NONE)
            return;
    }
}

static struct catalogue_column catalogue_column(const struct world *w, enum section section,
                                                const struct column *column)
{
    struct catalogue_column c = {.parent = "", .leaf = column->key};
    const char *dot = strchr(column->key, '.');
    if (dot) {
        c.parent = column->key;
        c.parent_len = (size_t)(dot - column->key);
        c.leaf = dot + 1;
    }
    for (size_t i = 0; i < sizeof catalogue_keys / sizeof catalogue_keys[0]; i++)
        if (strcmp(catalogue_keys[i].key, column->key) == 0)
            c.field = catalogue_keys[i].field;
    if (c.field == CATALOGUE_NONE)
        find_history(w, section, column->name, &c);
    return c;
}

/* One value of an instrument: text or number; neither = null. */
struct catalogue_value {
    const char *text;
    int64_t number;
    bool is_number, is_bool;
};

static struct catalogue_value of_text(const char *text)
{
    return (struct catalogue_value){.text = text};
}

static struct catalogue_value of_number(int64_t number)
{
    return (struct catalogue_value){.number = number, .is_number = true};
}

static struct catalogue_value value_of(const struct series *s, const struct catalogue_column *c,
                                       int64_t seen_s)
{
    static const char *const shards[] = {"PG_COLLECT_01", "PG_COLLECT_02", "PG_COLLECT_03",
                                         "PG_COLLECT_04"};
    struct history h = history_of(s + c->kind, seen_s);
    switch (c->field) {
    case CATALOGUE_MAPPED:
        return of_text(s->pub.mapped);
    case CATALOGUE_NATIVE:
        return of_text(s->pub.instrument);
    case CATALOGUE_TYPE:
        return of_text(sections[s->plan->kind->section].instrument_label);
    case CATALOGUE_STATUS:
        return of_text(status_at(s, seen_s));
    case CATALOGUE_SHARD:
        return of_text(shards[s->pub.key % 4]);
    case CATALOGUE_BASE:
        return of_text(s->pub.base);
    case CATALOGUE_QUOTE:
        return of_text(s->pub.quote);
    case CATALOGUE_SETTLEMENT:
        return of_text(s->settlement);
    case CATALOGUE_CONTRACT:
        return of_text(s->contract);
    case CATALOGUE_DENOMINATION:
        return of_text(s->denomination);
    case CATALOGUE_TRANSFORM:
        return of_text(s->transform);
    case CATALOGUE_BASE_ID:
        return of_number(s->base_id);
    case CATALOGUE_QUOTE_ID:
        return of_number(s->quote_id);
    case CATALOGUE_SETTLEMENT_ID:
        return of_number(s->settlement_id);
    case CATALOGUE_CONTRACT_ID:
        return of_number(s->contract_id);
    case CATALOGUE_MAPPING_CREATED:
        return of_number(s->pub.first_ts - SECONDS_PER_HOUR);
    case CATALOGUE_EXPIRATION:
        return s->perpetual ? of_text(NULL) : of_number(s->pub.last_ts);
    case CATALOGUE_HAS:
        return (struct catalogue_value){.number = h.total > 0, .is_bool = true};
    case CATALOGUE_FIRST:
        return of_number(h.first_ts);
    case CATALOGUE_LAST:
        return of_number(h.last_ts);
    case CATALOGUE_TOTAL:
        return of_number(h.total);
    case CATALOGUE_NONE:
        break;
    }
    return of_text(NULL);
}

static void write_value(struct buf *out, struct catalogue_value v)
{
    if (v.is_bool)
        buf_add_text(out, v.number ? "true" : "false");
    else if (v.is_number)
        buf_printf(out, "%lld", (long long)v.number);
    else if (v.text)
        buf_add_json_text(out, str_from(v.text));
    else
        buf_add_text(out, "null");
}

/* An unmapped instrument has neither MAPPED_INSTRUMENT nor INSTRUMENT_MAPPING. */
static void write_instrument(const struct series *s, const struct catalogue_column *columns,
                             size_t count, int64_t seen_s, struct buf *out)
{
    struct str open = STR("");
    const char *separator = "{";
    buf_add_json_text(out, str_from(s->pub.mapped ? s->pub.mapped : s->pub.instrument));
    buf_add_char(out, ':');
    for (size_t i = 0; i < count; i++) {
        const struct catalogue_column *c = &columns[i];
        struct str parent = {c->parent, c->parent_len};
        bool of_mapping = parent.len > 0 || c->field == CATALOGUE_MAPPED;
        if (c->field == CATALOGUE_NONE || (of_mapping && !s->pub.mapped))
            continue;
        if (!str_equal(parent, open)) {
            if (open.len > 0) {
                buf_add_char(out, '}');
                separator = ",";
            }
            if (parent.len > 0) {
                buf_printf(out, "%s\"" STR_FMT "\":", separator, STR_ARG(parent));
                separator = "{";
            }
            open = parent;
        }
        buf_printf(out, "%s\"%s\":", separator, c->leaf);
        write_value(out, value_of(s, c, seen_s));
        separator = ",";
    }
    buf_add_text(out, open.len > 0 ? "}}" : "}");
}

static bool is_wanted(const struct series *s, struct str query, int64_t seen_s)
{
    struct str status = str_from(status_at(s, seen_s));
    bool by_status = query_has(query, "instrument_status")
                         ? query_lists(query, "instrument_status", status)
                         : str_equal(status, STR("ACTIVE"));
    bool named = query_has(query, "instruments") || query_has(query, "instrument");
    struct str native = str_from(s->pub.instrument), mapped = str_from(s->pub.mapped);
    return by_status &&
           (!named || query_lists(query, "instruments", native) ||
            query_lists(query, "instrument", native) || query_lists(query, "instruments", mapped) ||
            query_lists(query, "instrument", mapped));
}

static int instruments_reply(const struct world *w, enum section section,
                             const struct data_type *type, struct str query, int64_t seen_s,
                             struct buf *out)
{
    const struct market *only;
    int status = take_market(w, section, query, &only, out);
    if (status != 200)
        return status;
    struct catalogue_column columns[COLUMN_MAX];
    for (size_t i = 0; i < type->column_count; i++)
        columns[i] = catalogue_column(w, section, &type->columns[i]);
    const char *separator = "";
    buf_add_text(out, "{\"Data\":{");
    for (size_t i = 0; i < w->market_count; i++) {
        const struct market *m = &w->markets[i];
        if (m->section != section || (only && m != only))
            continue;
        buf_add_text(out, separator);
        write_market_head(w, m, seen_s, out);
        buf_add_text(out, ",\"instruments\":{");
        separator = "";
        for (size_t k = 0; k < m->instrument_count; k++) {
            const struct series *s = instrument_at(w, m, k);
            if (!is_wanted(s, query, seen_s))
                continue;
            buf_add_text(out, separator);
            write_instrument(s, columns, type->column_count, seen_s, out);
            separator = ",";
        }
        buf_add_text(out, "}}");
        separator = ",";
    }
    buf_add_text(out, "},\"Err\":{}}");
    return 200;
}

/* ---- assets */

static void write_asset(const struct world *w, size_t rank, int64_t seen_s, struct buf *out)
{
    const struct asset *a = &w->assets[rank];
    bool fiat = strcmp(a->asset_type, "FIAT") == 0;
    /* Currencies are older than the epoch; coins came one after the other. */
    int64_t launched = fiat ? -2208988800 : 1230768000 + (int64_t)rank * 2500000;
    int64_t volume = 600000000000 / (int64_t)(rank + 1);
    char price[64];
    *write_decimal(price, (int64_t)(a->price_usd * 1e12), 12) = '\0';
    buf_printf(
        out, "{\"ID\":%zu,\"TYPE\":\"162\",\"ID_LEGACY\":%zu,\"ID_PARENT_ASSET\":null,\"SYMBOL\":",
        rank + 1, 100000 + rank);
    buf_add_json_text(out, str_from(a->symbol));
    buf_add_text(out, ",\"URI\":");
    buf_add_json_text(out, str_from(a->symbol));
    buf_printf(out,
               ",\"ASSET_TYPE\":\"%s\",\"ASSET_ISSUER_NAME\":null,\"CREATED_ON\":%lld,\"UPDATED_"
               "ON\":%lld,\"NAME\":",
               a->asset_type, (long long)1659700000 + (long long)rank, (long long)seen_s);
    buf_add_json_text(out, str_from(a->name));
    buf_printf(
        out, ",\"LAUNCH_DATE\":%lld,\"PREVIOUS_ASSET_SYMBOLS\":null,\"ASSET_ALTERNATIVE_IDS\":null",
        (long long)launched);
    buf_printf(out,
               ",\"PRICE_USD\":%s,\"PRICE_USD_SOURCE\":\"cadli\",\"PRICE_USD_LAST_UPDATE_TS\":%lld",
               price, (long long)seen_s);
    buf_printf(out,
               ",\"SPOT_MOVING_24_HOUR_QUOTE_VOLUME_USD\":%lld,\"SPOT_MOVING_7_DAY_QUOTE_VOLUME_"
               "USD\":%lld,"
               "\"SPOT_MOVING_30_DAY_QUOTE_VOLUME_USD\":%lld",
               (long long)volume / 30, (long long)volume / 4, (long long)volume);
    buf_printf(out, ",\"TOPLIST_BASE_RANK\":{\"SPOT_MOVING_30_DAY_QUOTE_VOLUME_USD\":%zu}}",
               rank + 1);
}

/* The integer parameter or its default; false when it is none or out of range. */
static bool take_number(struct str query, const char *name, int64_t low, int64_t high,
                        int64_t *in_out_value)
{
    char text[32];
    bool bad = false;
    if (!query_value(query, name, text, sizeof text, &bad))
        return true;
    return !bad && str_to_i64(str_from(text), in_out_value) && *in_out_value >= low &&
           *in_out_value <= high;
}

static int top_list_reply(const struct world *w, struct str query, int64_t seen_s, struct buf *out)
{
    int64_t page = 1, size = PAGE_SIZE_MAX;
    if (!take_number(query, "page", 1, PAGE_MAX, &page))
        return error_reply(out, 400, ERROR_TYPE_PARAMETER, "page", NULL,
                           "Parameter page must be from 1 to %d.", PAGE_MAX);
    if (!take_number(query, "page_size", PAGE_SIZE_MIN, PAGE_SIZE_MAX, &size))
        return error_reply(out, 400, ERROR_TYPE_PARAMETER, "page_size", NULL,
                           "Parameter page_size must be from %d to %d.", PAGE_SIZE_MIN,
                           PAGE_SIZE_MAX);
    bool ascending = query_lists(query, "sort_direction", STR("ASC"));
    buf_printf(
        out,
        "{\"Data\":{\"STATS\":{\"PAGE\":%lld,\"PAGE_SIZE\":%lld,\"TOTAL_ASSETS\":%zu},\"LIST\":[",
        (long long)page, (long long)size, w->asset_count);
    size_t from = (size_t)((page - 1) * size);
    for (size_t i = from; i < w->asset_count && i < from + (size_t)size; i++) {
        if (i > from)
            buf_add_char(out, ',');
        write_asset(w, ascending ? w->asset_count - 1 - i : i, seen_s, out);
    }
    buf_add_text(out, "]},\"Err\":{}}");
    return 200;
}

int catalogue_reply(const struct world *w, struct str path, struct str query, int64_t now_utc_s,
                    struct buf *out_body)
{
    int64_t seen_s = world_seen_s(w, 0, now_utc_s);
    if (str_equal(path, STR("/asset/v1/top/list")))
        return top_list_reply(w, query, seen_s, out_body);
    for (unsigned section = 0; section < SECTION_COUNT; section++) {
        struct str markets = str_from(sections[section].path);
        if (str_equal(path, markets))
            return markets_reply(w, section, query, seen_s, out_body);
        if (!str_starts_with(path, markets))
            continue;
        for (size_t i = 0; i < data_type_count; i++)
            if (data_types[i]->shape == SHAPE_CATALOGUE &&
                str_equal(path, str_from(data_types[i]->path)))
                return instruments_reply(w, section, data_types[i], query, seen_s, out_body);
    }
    return 0;
}
