/* Markets, instruments and top assets: the vendor's lists, from the registry's catalogue types. */
#include <string.h>

#include "base/time.h"
#include "sim/world_private.h"

enum { NAME_MAX_BYTES = 512, KINDS_MAX = 3 };

static const struct {
    const char *market_label, *instrument_label; /* TYPE, as recorded in June 2025 */
    const char *path;
    enum record_id market_record, instrument_record;
} sections[SECTION_COUNT] = {
    [SECTION_SPOT] = {"602", "612", "/spot/v1/markets", RECORD_SPOT_MARKET, RECORD_SPOT_INSTRUMENT},
    [SECTION_FUTURES] = {"604", "614", "/futures/v1/markets", RECORD_FUTURES_MARKET,
                         RECORD_FUTURES_INSTRUMENT},
    [SECTION_INDEX] = {"606", "616", "/index/cc/v1/markets", RECORD_INDEX_MARKET, RECORD_COUNT},
};

/* The statuses of the market's summary, in the vendor's order. */
static const char *const statuses[] = {"ACTIVE",  "IGNORED",          "RETIRED",
                                       "EXPIRED", "RETIRED_UNMAPPED", "READY_FOR_DECOMMISSIONING"};
enum { STATUS_COUNT = sizeof statuses / sizeof statuses[0], STATUS_UNDEFINED = STATUS_COUNT };

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
    h.total = 1 + s->trades_per_day * ((h.last_ts - h.first_ts) / SECONDS_PER_HOUR) / 24 *
                      s->trades_permille / 1000;
    if (s->lifetime_trades > 0)
        h.total = s->lifetime_trades;
    if (s->huge_counters)
        h.total = (h.total + (1LL << 40)) * 100000; /* JavaScript prints such a number with zeros */
    return h;
}

/* ---- values of a market */

/* What the list of its instruments adds up to. */
struct market_counts {
    int64_t mapped, unmapped;
    int64_t by_status[STATUS_COUNT];
    int64_t totals[KINDS_MAX]; /* by kind of the section */
};

static struct market_counts count_market(const struct world *w, const struct market *m,
                                         int64_t seen_s)
{
    struct market_counts c = {0};
    struct listing list = listing_of(w, m->instrument_count);
    for (size_t i = 0; i < list.total; i++) {
        const struct series *s = instrument_at(w, m, listing_at(&list, i));
        bool mapped = s->pub.mapped || m->section == SECTION_INDEX;
        c.mapped += mapped;
        c.unmapped += !mapped;
        for (size_t k = 0; k < STATUS_COUNT; k++)
            c.by_status[k] += strcmp(statuses[k], status_at(s, seen_s)) == 0;
        for (unsigned k = 0; k < kinds_of(m->section); k++)
            c.totals[k] += history_of(s + k, seen_s).total;
    }
    return c;
}

static void write_integer(struct buf *out, int64_t value)
{
    buf_printf(out, "%lld", (long long)value);
}

static void write_label(const struct subject *s, int is_instrument, struct buf *out)
{
    enum section section = s->market->section;
    write_text(out,
               is_instrument ? sections[section].instrument_label : sections[section].market_label);
}

static void write_market_id(const struct subject *s, int unused, struct buf *out)
{
    (void)unused;
    write_integer(out, 1 + (int64_t)(s->market - s->world->markets));
}

static void write_mapped_total(const struct subject *s, int is_mapped, struct buf *out)
{
    write_integer(out, is_mapped ? s->counts->mapped : s->counts->unmapped);
}

/* Two markets have an instrument that the vendor lost track of. */
static void write_status_count(const struct subject *s, int status, struct buf *out)
{
    const char *odd = s->market->section == SECTION_FUTURES ? "gateio" : "mexc";
    bool is_odd = strcmp(s->market->name, odd) == 0;
    if (status == STATUS_UNDEFINED && !is_odd)
        return;
    write_integer(out, status == STATUS_UNDEFINED ? 1 : s->counts->by_status[status]);
}

static void write_market_total(const struct subject *s, int kind, struct buf *out)
{
    write_integer(out, s->counts->totals[kind]);
}

static void write_market_flag(const struct subject *s, int salt, struct buf *out)
{
    write_flag(out, salt == 0 ? s->market->section != SECTION_INDEX
                              : dice_mix(s->dice + (uint64_t)salt) % 4 != 0);
}

enum market_time { MARKET_CREATED, MARKET_UPDATED, MARKET_LAUNCHED, MARKET_FUTURES_LAUNCHED };

static void write_market_time(const struct subject *s, int kind, struct buf *out)
{
    static const struct {
        int64_t since, spread_s;
    } times[] = {[MARKET_CREATED] = {1709305140, 20000000},
                 [MARKET_UPDATED] = {1740000000, 9660760},
                 [MARKET_LAUNCHED] = {1262304000, 80000000},
                 [MARKET_FUTURES_LAUNCHED] = {1451606400, 80000000}};
    if (kind == MARKET_FUTURES_LAUNCHED && s->dice % 7 == 0)
        return;
    write_integer(out, times[kind].since + (int64_t)(s->dice >> (8 + kind)) % times[kind].spread_s);
}

enum market_text {
    MARKET_STATUS,
    MARKET_INTERNAL,
    MARKET_NAME,
    MARKET_LOGO,
    MARKET_SNIPPET,
    MARKET_ABOUT,
    MARKET_SUMMARY,
    MARKET_SITE,
    MARKET_BLOG,
    MARKET_COMMENTS
};

/* Two recorded markets of one reply have not the same members: what is optional here is, too. */
static void write_market_text(const struct subject *s, int kind, struct buf *out)
{
    static const char *const prose[] = {
        [MARKET_SNIPPET] = "Founded by somebody, quickly grown. ",
        [MARKET_ABOUT] =
            "## Founding and History\nOf the simulator\xe2\x80\x99s world.\xe2\x80\x8b\n\n"
            "## Points of Interest:\n* **None:** \"truly\" none.",
        [MARKET_SUMMARY] = "A market of the simulator\xe2\x80\x99s world.",
        [MARKET_COMMENTS] = "# Orderbook\n* Updates and snapshots (comment added: 2024-07-03)",
    };
    bool is_optional = kind == MARKET_COMMENTS || kind == MARKET_BLOG;
    if (is_optional && (s->dice >> kind) % 2 == 0)
        return;
    switch (kind) {
    case MARKET_STATUS:
        write_text(out, "ACTIVE");
        break;
    case MARKET_INTERNAL:
    case MARKET_NAME:
        write_text(out, s->market->name);
        break;
    case MARKET_LOGO:
    case MARKET_SITE:
    case MARKET_BLOG:
        buf_printf(out, "\"https://%s%zu.example/\"",
                   kind == MARKET_BLOG ? "blog.market" : "market",
                   (size_t)(s->market - s->world->markets));
        break;
    default:
        write_text(out, prose[kind]);
        break;
    }
}

enum market_list { LIST_MECHANISMS, LIST_SETTLEMENTS, LIST_DENOMINATIONS };

static void write_market_list(const struct subject *s, int kind, struct buf *out)
{
    static const char *const lists[] = {
        [LIST_MECHANISMS] = "[{\"NAME\":\"ORDER_BOOK\"}]",
        [LIST_SETTLEMENTS] = "[{\"NAME\":\"CASH_SETTLEMENT\"}]",
        [LIST_DENOMINATIONS] = "[{\"NAME\":\"VANILLA\"},{\"NAME\":\"INVERSE\"}]"};
    if (s->dice % 3 != 0)
        buf_add_text(out, lists[kind]);
}

enum { STAGES = 5 };

static void write_stage(const struct subject *s, int kind, struct buf *out)
{
    static const char *const stages[] = {"IN_PRODUCTION", "IN_PRODUCTION", "BACKLOG", "RESEARCH"};
    uint64_t dice = s->dice >> (4 * kind);
    if (kind < STAGES - 1 || dice % 2)
        write_text(out, stages[dice % 4]);
}

static void write_stage_date(const struct subject *s, int kind, struct buf *out)
{
    if ((s->dice >> (4 * kind)) % 4 < 2)
        write_integer(out, 1640995200 + kind * SECONDS_PER_DAY);
}

#define SUMMARY(key, write, argument)                                                              \
    {                                                                                              \
        key, "INSTRUMENT_SUMMARY", write, argument, false                                          \
    }
#define STATUS(name, number) SUMMARY("INSTRUMENT_STATUS." name, write_status_count, number)
#define STAGE(name, number)                                                                        \
    {"FUTURES_" name "_INTEGRATION_STAGE", "INTEGRATION_FUTURES", write_stage, number, false},     \
    {                                                                                              \
        "FUTURES_" name "_INTEGRATION_DATE", "INTEGRATION_FUTURES", write_stage_date, number,      \
            false                                                                                  \
    }
#define MARKET_HEAD                                                                                \
    {"TYPE", "ID", write_label, false, false},                                                     \
    {                                                                                              \
        "EXCHANGE_STATUS", "ID", write_market_text, MARKET_STATUS, false                           \
    }
#define MARKET_SUMMARY_MEMBERS                                                                     \
    SUMMARY("MAPPED_INSTRUMENTS_TOTAL", write_mapped_total, true),                                 \
        SUMMARY("UNMAPPED_INSTRUMENTS_TOTAL", write_mapped_total, false), STATUS("ACTIVE", 0),     \
        STATUS("IGNORED", 1), STATUS("RETIRED", 2), STATUS("EXPIRED", 3),                          \
        STATUS("RETIRED_UNMAPPED", 4), STATUS("READY_FOR_DECOMMISSIONING", 5),                     \
        STATUS("undefined", STATUS_UNDEFINED)
#define MARKET_BOOKS SUMMARY("HAS_ORDERBOOK_L2_MINUTE_SNAPSHOTS_ENABLED", write_market_flag, 0)
#define MARKET_BASIC(key, write, argument)                                                         \
    {                                                                                              \
        key, "BASIC", write, argument, false                                                       \
    }

static const struct member spot_market_members[] = {
    MARKET_HEAD,
    MARKET_SUMMARY_MEMBERS,
    SUMMARY("TOTAL_TRADES_SPOT", write_market_total, 0),
    MARKET_BOOKS,
};

static const struct member index_market_members[] = {
    MARKET_HEAD,
    MARKET_SUMMARY_MEMBERS,
    SUMMARY("TOTAL_INDEX_UPDATES", write_market_total, 0),
    MARKET_BOOKS,
};

/* In the order of the replies recorded in June 2025. */
static const struct member futures_market_members[] = {
    {"ID", "ID", write_market_id, 0, false},
    MARKET_HEAD,
    {"EXCHANGE_INTERNAL_NAME", "ID", write_market_text, MARKET_INTERNAL, false},
    {"URI", "ID", write_market_text, MARKET_INTERNAL, false},
    MARKET_SUMMARY_MEMBERS,
    SUMMARY("TOTAL_TRADES_FUTURES", write_market_total, 0),
    SUMMARY("TOTAL_OPEN_INTEREST_UPDATES", write_market_total, 2),
    SUMMARY("TOTAL_FUNDING_RATE_UPDATES", write_market_total, 1),
    MARKET_BOOKS,
    MARKET_BASIC("CREATED_ON", write_market_time, MARKET_CREATED),
    MARKET_BASIC("UPDATED_ON", write_market_time, MARKET_UPDATED),
    MARKET_BASIC("NAME", write_market_text, MARKET_NAME),
    MARKET_BASIC("LOGO_URL", write_market_text, MARKET_LOGO),
    MARKET_BASIC("LAUNCH_DATE", write_market_time, MARKET_LAUNCHED),
    MARKET_BASIC("HAS_SPOT_TRADING", write_market_flag, 1),
    MARKET_BASIC("HAS_FUTURES_TRADING", write_market_flag, 2),
    MARKET_BASIC("HAS_INDEX_PUBLISHING", write_market_flag, 3),
    MARKET_BASIC("HAS_OPTIONS_TRADING", write_market_flag, 4),
    MARKET_BASIC("HAS_DEX_TRADING", write_market_flag, 5),
    MARKET_BASIC("EXCHANGE_DESCRIPTION_SNIPPET", write_market_text, MARKET_SNIPPET),
    MARKET_BASIC("FUTURES_TRADING_LAUNCH_DATE", write_market_time, MARKET_FUTURES_LAUNCHED),
    MARKET_BASIC("FUTURES_TRADING_MECHANISMS", write_market_list, LIST_MECHANISMS),
    MARKET_BASIC("HAS_PERPETUAL_CONTRACTS", write_market_flag, 6),
    MARKET_BASIC("FUTURES_SETTLEMENT_TYPES", write_market_list, LIST_SETTLEMENTS),
    MARKET_BASIC("FUTURES_DENOMINATION_TYPES", write_market_list, LIST_DENOMINATIONS),
    {"EXCHANGE_DESCRIPTION", "DESCRIPTION", write_market_text, MARKET_ABOUT, false},
    {"EXCHANGE_DESCRIPTION_SUMMARY", "DESCRIPTION_SUMMARY", write_market_text, MARKET_SUMMARY,
     false},
    {"WEBSITE_URL", "RESOURCE_LINKS", write_market_text, MARKET_SITE, false},
    {"BLOG_URL", "RESOURCE_LINKS", write_market_text, MARKET_BLOG, false},
    {"FUTURES_INTEGRATION_COMMENTS", "INTEGRATION_FUTURES", write_market_text, MARKET_COMMENTS,
     false},
    STAGE("TRADES", 0),
    {"HAS_FUTURES_TRADES_POLLING_BACKFILL", "INTEGRATION_FUTURES", write_market_flag, 7, false},
    STAGE("FUNDING_RATE", 1),
    STAGE("OPEN_INTEREST", 2),
    STAGE("INDEX", 3),
    STAGE("ORDER_BOOK", STAGES - 1),
};

static const char *const market_groups[] = {"INTERNAL", NULL};

#define RECORD_KIND(name, table_name, table_members)                                               \
    const struct record_kind name = {                                                              \
        .table = table_name,                                                                       \
        .other_groups = market_groups,                                                             \
        .members = table_members,                                                                  \
        .count = sizeof table_members / sizeof table_members[0],                                   \
    }
RECORD_KIND(spot_market_record, "spot_markets", spot_market_members);
RECORD_KIND(futures_market_record, "futures_markets", futures_market_members);
RECORD_KIND(index_market_record, NULL, index_market_members);

/* ---- values of an instrument */

enum instrument_text {
    NAME_MAPPED,
    NAME_NATIVE,
    NAME_STATUS,
    NAME_SHARD,
    NAME_BASE,
    NAME_QUOTE,
    NAME_SETTLEMENT,
    NAME_CONTRACT,
    NAME_DENOMINATION,
    NAME_TRANSFORM
};

static const char *shard_of(const struct subject *s)
{
    static const char *const shards[] = {"PG_COLLECT_01", "PG_COLLECT_02", "PG_COLLECT_03",
                                         "PG_COLLECT_04"};
    bool moved = changed_in(s->world, s->number) > 0;
    return shards[(s->series->pub.key + moved) % 4];
}

static void write_instrument_text(const struct subject *s, int kind, struct buf *out)
{
    const struct series *i = s->series;
    const char *const texts[] = {
        [NAME_MAPPED] = i->pub.mapped,
        [NAME_NATIVE] = i->pub.instrument,
        [NAME_STATUS] = status_at(i, s->now_utc_s),
        [NAME_SHARD] = shard_of(s),
        [NAME_BASE] = i->pub.base,
        [NAME_QUOTE] = i->pub.quote,
        [NAME_SETTLEMENT] = i->settlement,
        [NAME_CONTRACT] = i->contract,
        [NAME_DENOMINATION] = i->denomination,
        [NAME_TRANSFORM] = i->transform,
    };
    write_text(out, texts[kind]);
}

/* An unmapped instrument has none of what the mapping says. */
static void write_mapping_text(const struct subject *s, int kind, struct buf *out)
{
    if (s->series->pub.mapped)
        write_instrument_text(s, kind, out);
}

enum mapping_number {
    MAPPING_BASE,
    MAPPING_QUOTE,
    MAPPING_SETTLEMENT,
    MAPPING_CONTRACT,
    MAPPING_CREATED
};

static void write_mapping_number(const struct subject *s, int kind, struct buf *out)
{
    const struct series *i = s->series;
    const int64_t numbers[] = {
        [MAPPING_BASE] = i->base_id,
        [MAPPING_QUOTE] = i->quote_id,
        [MAPPING_SETTLEMENT] = i->settlement_id,
        [MAPPING_CONTRACT] = i->contract_id,
        [MAPPING_CREATED] = i->pub.first_ts - SECONDS_PER_HOUR,
    };
    if (i->pub.mapped)
        write_integer(out, numbers[kind]);
}

/* Of the kinds of a section the messages are counted apart: kind * 4 + what. */
enum { HISTORY_HAS, HISTORY_FIRST, HISTORY_LAST, HISTORY_TOTAL, HISTORY_PARTS };

static void write_history(const struct subject *s, int kind_and_part, struct buf *out)
{
    struct history h = history_of(s->series + kind_and_part / HISTORY_PARTS, s->now_utc_s);
    const int64_t values[] = {
        [HISTORY_FIRST] = h.first_ts, [HISTORY_LAST] = h.last_ts, [HISTORY_TOTAL] = h.total};
    if (kind_and_part % HISTORY_PARTS == HISTORY_HAS)
        write_flag(out, h.total > 0);
    else
        write_integer(out, values[kind_and_part % HISTORY_PARTS]);
}

static void write_expiration(const struct subject *s, int unused, struct buf *out)
{
    (void)unused;
    if (s->series->perpetual)
        write_text(out, NULL);
    else
        write_integer(out, s->series->pub.last_ts);
}

#define INSTRUMENT(key, write, argument)                                                           \
    {                                                                                              \
        key, "", write, argument, false                                                            \
    }
#define MAPPING(key, argument) INSTRUMENT("INSTRUMENT_MAPPING." key, write_mapping_text, argument)
#define MAPPING_ID(key, argument)                                                                  \
    INSTRUMENT("INSTRUMENT_MAPPING." key, write_mapping_number, argument)
#define INSTRUMENT_HEAD                                                                            \
    INSTRUMENT("TYPE", write_label, true),                                                         \
        INSTRUMENT("INSTRUMENT_STATUS", write_instrument_text, NAME_STATUS),                       \
        INSTRUMENT("INSTRUMENT", write_instrument_text, NAME_NATIVE),                              \
        INSTRUMENT("HISTO_SHARD", write_instrument_text, NAME_SHARD),                              \
        INSTRUMENT("MAPPED_INSTRUMENT", write_mapping_text, NAME_MAPPED),                          \
        MAPPING("MAPPED_INSTRUMENT", NAME_MAPPED)
#define MAPPING_END                                                                                \
    MAPPING("TRANSFORM_FUNCTION", NAME_TRANSFORM), MAPPING_ID("CREATED_ON", MAPPING_CREATED)
#define HISTORY(has, one, total, kind)                                                             \
    INSTRUMENT("HAS_" has, write_history, (kind)*HISTORY_PARTS + HISTORY_HAS),                     \
        INSTRUMENT("FIRST_" one "_TIMESTAMP", write_history,                                       \
                   (kind)*HISTORY_PARTS + HISTORY_FIRST),                                          \
        INSTRUMENT("LAST_" one "_TIMESTAMP", write_history, (kind)*HISTORY_PARTS + HISTORY_LAST),  \
        INSTRUMENT("TOTAL_" total, write_history, (kind)*HISTORY_PARTS + HISTORY_TOTAL)

static const struct member spot_instrument_members[] = {
    INSTRUMENT_HEAD,
    MAPPING("BASE", NAME_BASE),
    MAPPING_ID("BASE_ID", MAPPING_BASE),
    MAPPING("QUOTE", NAME_QUOTE),
    MAPPING_ID("QUOTE_ID", MAPPING_QUOTE),
    MAPPING_END,
    HISTORY("TRADES_SPOT", "TRADE_SPOT", "TRADES_SPOT", 0),
};

static const struct member futures_instrument_members[] = {
    INSTRUMENT_HEAD,
    MAPPING("INDEX_UNDERLYING", NAME_BASE),
    MAPPING_ID("INDEX_UNDERLYING_ID", MAPPING_BASE),
    MAPPING("QUOTE_CURRENCY", NAME_QUOTE),
    MAPPING_ID("QUOTE_CURRENCY_ID", MAPPING_QUOTE),
    MAPPING("SETTLEMENT_CURRENCY", NAME_SETTLEMENT),
    MAPPING_ID("SETTLEMENT_CURRENCY_ID", MAPPING_SETTLEMENT),
    MAPPING("CONTRACT_CURRENCY", NAME_CONTRACT),
    MAPPING_ID("CONTRACT_CURRENCY_ID", MAPPING_CONTRACT),
    MAPPING("DENOMINATION_TYPE", NAME_DENOMINATION),
    MAPPING_END,
    HISTORY("TRADES_FUTURES", "TRADE_FUTURES", "TRADES_FUTURES", 0),
    HISTORY("FUNDING_RATE_UPDATES", "FUNDING_RATE_UPDATE", "FUNDING_RATE_UPDATES", 1),
    HISTORY("OPEN_INTEREST_UPDATES", "OPEN_INTEREST_UPDATE", "OPEN_INTEREST_UPDATES", 2),
    INSTRUMENT("CONTRACT_EXPIRATION_TS", write_expiration, 0),
};
RECORD_KIND(spot_instrument_record, "spot_instruments", spot_instrument_members);
RECORD_KIND(futures_instrument_record, "futures_instruments", futures_instrument_members);

/* ---- replies */

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

static void write_instruments(const struct record_choice *choice, struct subject s,
                              struct str query, struct buf *out)
{
    const char *separator = "";
    struct listing list = listing_of(s.world, s.market->instrument_count);
    buf_add_text(out, ",\"instruments\":{");
    for (size_t i = 0; i < list.count; i++) {
        s.number = listing_at(&list, i);
        s.series = instrument_at(s.world, s.market, s.number);
        if (!is_wanted(s.series, query, s.now_utc_s))
            continue;
        buf_add_text(out, separator);
        write_text(out, s.series->pub.mapped ? s.series->pub.mapped : s.series->pub.instrument);
        buf_add_char(out, ':');
        record_write(choice, &s, out);
        separator = ",";
    }
    buf_add_char(out, '}');
}

/* instruments NULL: only the markets. */
static int lists_reply(const struct world *w, enum section section,
                       const struct record_choice *instruments, struct str query, int64_t seen_s,
                       struct buf *out)
{
    const struct market *only;
    struct record_choice choice;
    int status = take_market(w, section, query, &only, out);
    if (status == 200 &&
        record_choose(&w->records[sections[section].market_record], query, &choice, out) != 0)
        status = 400;
    if (status != 200)
        return status;
    const char *separator = "";
    buf_add_text(out, "{\"Data\":{");
    for (size_t i = 0; i < w->market_count; i++) {
        const struct market *m = &w->markets[i];
        if (m->section != section || (only && m != only))
            continue;
        struct market_counts counts = count_market(w, m, seen_s);
        struct subject s = {.world = w,
                            .now_utc_s = seen_s,
                            .market = m,
                            .counts = &counts,
                            .dice = dice_text(w->config.seed, m->name)};
        buf_add_text(out, separator);
        write_text(out, m->name);
        buf_add_char(out, ':');
        record_write_open(&choice, &s, out);
        if (instruments)
            write_instruments(instruments, s, query, out);
        buf_add_char(out, '}');
        separator = ",";
    }
    buf_add_text(out, "},\"Err\":{}}");
    return 200;
}

int catalogue_reply(const struct world *w, struct str path, struct str query, int64_t now_utc_s,
                    struct buf *out_body)
{
    int64_t seen_s = world_seen_s(w, 0, now_utc_s);
    if (str_equal(path, STR("/asset/v1/top/list")))
        return top_list_reply(w, query, now_utc_s, out_body);
    if (str_equal(path, STR("/data/exchanges/general")))
        return exchanges_reply(w, query, now_utc_s, out_body);
    for (unsigned section = 0; section < SECTION_COUNT; section++) {
        struct str rest = path;
        struct str markets = str_from(sections[section].path);
        struct record_choice instruments;
        if (!str_starts_with(path, markets))
            continue;
        rest = (struct str){path.ptr + markets.len, path.len - markets.len};
        if (rest.len == 0)
            return lists_reply(w, section, NULL, query, seen_s, out_body);
        if (!str_equal(rest, STR("/instruments")) || section == SECTION_INDEX)
            continue;
        (void)record_choose(&w->records[sections[section].instrument_record], STR(""), &instruments,
                            out_body);
        return lists_reply(w, section, &instruments, query, seen_s, out_body);
    }
    return 0;
}
