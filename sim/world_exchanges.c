/* The exchanges as the vendor's older host lists them: graded, with numbers that are texts in some
 * records. Invariant: every market of the world has an exchange, in whatever case it is spelled. */
#include <string.h>

#include "sim/world_private.h"

enum { ID_FIRST = 2431, CURRENCY_MAX_BYTES = 31, EXCHANGES_MAX = 512, VOLUME_STEP_S = 120 };

struct exchange {
    const char *market; /* as the other host spells it; NULL = it has no market there */
    const char *name;
    const char *internal_name;
    const char *grade;
};

/* In the order of their ids. */
static const struct exchange known[] = {
    {"bitstamp", "Bitstamp", "Bitstamp", "AA"},
    {"binance", "Binance", "Binance", "AA"},
    {"coinbase", "Coinbase", "Coinbase", "AA"},
    {"kraken", "Kraken", "Kraken", "AA"},
    {"gemini", "Gemini", "Gemini", "AA"},
    {"bitfinex", "Bitfinex", "Bitfinex", "A"},
    {"okex", "OKX", "OKEX", "A"},
    {"bybit", "Bybit", "Bybit", "A"},
    {"bullish", "Bullish", "bullish", "A"},
    {"kucoin", "KuCoin", "Kucoin", "BB"},
    {"gateio", "Gate.io", "Gateio", "BB"},
    {"huobipro", "HTX (formerly Huobi)", "HuobiPro", "BB"},
    {"cryptodotcom", "Crypto.com Exchange", "cryptodotcom", "BB"},
    {"deribit", "Deribit", "Deribit", "BB"},
    {"bitmex", "BitMEX", "BitMEX", "B"},
    {"bitget", "Bitget", "Bitget", "B"},
    {"coinbaseinternational", "Coinbase International", "CoinbaseInternational", "AA"},
    {"mexc", "MEXC", "MEXC", "C"},
    {"hyperliquid", "Hyperliquid", "Hyperliquid", "C"},
    {"dydxv4", "dYdX \xe2\x80\x9cv4\xe2\x80\x9d", "dydxv4", "D"},
    {NULL,
     "Cr\xc3\xa9mer & Fils \"d'\xc3\x89"
     "change\"",
     "Cremer", "D"},
    {NULL, "Yobit", "Yobit", "E"},
    {NULL, "LiveCoin", "LiveCoin", "F"},
    {NULL, "BTC38", "BTC38", ""}, /* closed before there were grades */
};
enum { KNOWN = sizeof known / sizeof known[0] };

/* Markets that the table does not know are made up: good ones and bad ones in turn. */
static const char *made_up_grade(const char *market)
{
    static const char *const grades[] = {"AA", "A", "BB", "B", "C", "D", "E", "F"};
    size_t len = strlen(market);
    char last = len > 0 ? market[len - 1] : '0';
    return grades[last >= '0' && last <= '9' ? (last - '0') % 8 : 0];
}

static const struct exchange *find_known(const char *market)
{
    for (size_t i = 0; i < KNOWN; i++)
        if (known[i].market && strcmp(known[i].market, market) == 0)
            return &known[i];
    return NULL;
}

static bool has_market(const struct world *w, const char *market)
{
    for (size_t i = 0; i < w->market_count; i++)
        if (w->markets[i].section != SECTION_INDEX && strcmp(w->markets[i].name, market) == 0)
            return true;
    return false;
}

static bool is_first_of_name(const struct world *w, size_t number)
{
    for (size_t i = 0; i < number; i++)
        if (w->markets[i].section != SECTION_INDEX &&
            strcmp(w->markets[i].name, w->markets[number].name) == 0)
            return false;
    return w->markets[number].section != SECTION_INDEX;
}

/* The known ones that the world has, then the made up, then those of later versions. */
static size_t list_exchanges(const struct world *w, struct exchange out[EXCHANGES_MAX])
{
    static const char *const later[] = {"NewExchange2", "NewExchange3", "NewExchange4",
                                        "NewExchange5", "NewExchange6", "NewExchange7",
                                        "NewExchange8", "NewExchange9"};
    _Static_assert(sizeof later / sizeof later[0] == VERSION_MAX - 1, "one for each version");
    size_t count = 0;
    for (size_t i = 0; i < KNOWN; i++)
        if (!known[i].market || has_market(w, known[i].market))
            out[count++] = known[i];
    for (size_t i = 0; i < w->market_count && count < EXCHANGES_MAX / 2; i++) {
        const char *market = w->markets[i].name;
        if (!find_known(market) && is_first_of_name(w, i))
            out[count++] = (struct exchange){market, market, market, made_up_grade(market)};
    }
    for (size_t k = 0; k < added_by(w); k++)
        out[count++] = (struct exchange){NULL, later[k], later[k], "B"};
    return count;
}

/* ---- values */

/* Older records have numbers as texts. */
static bool has_texts(const struct subject *s)
{
    return s->dice % 2 == 0;
}

static void write_number(const struct subject *s, int64_t value, unsigned decimals, struct buf *out)
{
    char text[64];
    *write_decimal(text, value, decimals) = '\0';
    buf_printf(out, has_texts(s) ? "\"%s\"" : "%s", text);
}

enum text_kind {
    TEXT_ID,
    TEXT_NAME,
    TEXT_URL,
    TEXT_LOGO,
    TEXT_TYPES,
    TEXT_CENTRAL,
    TEXT_INTERNAL,
    TEXT_GRADE,
    TEXT_SITE,
    TEXT_COUNTRY,
    TEXT_ABOUT,
    TEXT_ADDRESS,
    TEXT_FEES,
    TEXT_DEPOSIT,
    TEXT_WITHDRAWAL,
    TEXT_ORDER
};

/* Only letters and digits of the name, so that it stands anywhere. */
static void write_path(const struct subject *s, const char *before, const char *after,
                       struct buf *out)
{
    buf_printf(out, "\"%s", before);
    for (const char *p = s->exchange->internal_name; *p; p++)
        if ((*p >= 'a' && *p <= 'z') || (*p >= 'A' && *p <= 'Z') || (*p >= '0' && *p <= '9'))
            buf_add_char(out, *p);
    buf_printf(out, "%s\"", after);
}

static const char *prose(const struct subject *s, int kind)
{
    switch (kind) {
    case TEXT_CENTRAL:
        return s->exchange->grade[0] == 'D' ? "Decentralized" : "Centralized";
    case TEXT_COUNTRY:
        return s->dice % 3 ? "United Kingdom" : "C\xc3\xb4te d'Ivoire";
    case TEXT_ABOUT:
        return "An exchange of the simulator\xe2\x80\x99s world.\nIt says: \"trust us\", and \\ is "
               "a "
               "backslash.";
    case TEXT_ADDRESS:
        return s->dice % 4 ? "5 Made-up Square\nLondon" : "";
    case TEXT_FEES:
        return "Fee %\tvolume\n0.25%\t< $20,000\n0.24%\t< $100,000";
    case TEXT_DEPOSIT:
        return s->dice % 5 ? "SEPA\nBitcoin" : "";
    default:
        return "SEPA: 0.90\xe2\x82\xac\n\tBitcoin";
    }
}

static void write_words(const struct subject *s, int kind, struct buf *out)
{
    int version = changed_in(s->world, s->number);
    switch (kind) {
    case TEXT_NAME:
        write_text(out, s->exchange->name);
        break;
    case TEXT_INTERNAL:
        write_text(out, s->exchange->internal_name);
        break;
    case TEXT_GRADE:
        write_text(out, s->exchange->grade);
        break;
    case TEXT_ID:
        buf_printf(out, "\"%zu\"", ID_FIRST + s->number);
        break;
    case TEXT_ORDER:
        buf_printf(out, "\"%zu\"", s->number);
        break;
    case TEXT_TYPES:
        buf_add_text(out, s->dice % 3 ? "[\"Cryptocurrency\",\"Fiat\"]" : "[\"Cryptocurrency\"]");
        break;
    case TEXT_URL:
        write_path(s, "/exchanges/", "/overview", out);
        break;
    case TEXT_LOGO:
        write_path(s, "/media/34478497/", ".jpg", out);
        break;
    case TEXT_SITE:
        write_path(s, "https://www.", ".example/?a=b&c=d", out);
        break;
    default:
        if (kind == TEXT_ADDRESS && version > 0)
            buf_printf(out, "\"%d Moved Street\"", version);
        else
            write_text(out, prose(s, kind));
    }
}

static void write_exchange_flag(const struct subject *s, int kind, struct buf *out)
{
    write_flag(out, kind < 2 ? s->exchange->market != NULL : (s->dice >> kind) % 8 == 0);
}

/* Ungraded ones have none. */
static void write_points(const struct subject *s, int kind, struct buf *out)
{
    static const char grades[] = "ABCDEF";
    const char *grade = s->exchange->grade;
    const char *at = grade[0] ? strchr(grades, grade[0]) : NULL;
    if (!at && kind == 0 && has_texts(s))
        buf_add_text(out, "\"\"");
    if (!at)
        return;
    int64_t points = 720 - 110 * (at - grades) + (grade[1] ? 60 : 0);
    if (kind == 0)
        write_number(s, points, 1, out);
    else if (kind > 0) /* one of the parts */
        write_number(s, points / 9 + (int64_t)(s->dice >> kind) % 30, 1, out);
    else
        write_number(s, s->dice % 6 ? 0 : -5, 0, out);
}

/* Parts that are of old records only, or of new ones only. */
static void write_old_points(const struct subject *s, int kind, struct buf *out)
{
    if (has_texts(s))
        write_points(s, kind, out);
}

static void write_new_points(const struct subject *s, int kind, struct buf *out)
{
    if (!has_texts(s))
        write_points(s, kind, out);
}

enum { RATING_AVERAGE = 6, RATING_USERS = 7 };

/* Stars were always numbers. */
static void write_rating(const struct subject *s, int stars, struct buf *out)
{
    int64_t users = 0, sum = 0;
    char text[64];
    for (int i = 1; i <= 5; i++) {
        int64_t count = (int64_t)(s->dice >> (3 * i)) % 100;
        users += count;
        sum += i * count;
        if (i == stars)
            buf_printf(out, "%lld", (long long)count);
    }
    if (stars == RATING_USERS)
        buf_printf(out, "%lld", (long long)users);
    if (stars != RATING_AVERAGE)
        return;
    *write_decimal(text, users ? sum * 10 / users : 0, 1) = '\0';
    buf_add_text(out, text);
}

/* In bitcoin always, and in the currency that was asked for; computed anew after VOLUME_STEP_S. */
static void write_volume(const struct subject *s, int in_usd, struct buf *out)
{
    uint64_t moment = (uint64_t)(s->now_utc_s / VOLUME_STEP_S);
    int64_t bitcoin = 1000000000 + (int64_t)(s->dice % 1000000000000ULL) +
                      (int64_t)(dice_mix(s->dice + moment) % 900000000);
    char text[64];
    if (in_usd && strcmp(s->currency, "USD") != 0)
        return;
    *write_decimal(text, in_usd ? bitcoin * 650 : bitcoin, in_usd ? 4 : 6) = '\0';
    buf_add_text(out, text);
}

/* For people: rounded, with signs. */
static void write_display(const struct subject *s, int in_usd, struct buf *out)
{
    if (!in_usd || strcmp(s->currency, "USD") == 0)
        buf_add_text(out, in_usd ? "\"$ 88.98 M\"" : "\"\xc9\x83 8.83 K\"");
}

#define TEXT(key, kind)                                                                            \
    {                                                                                              \
        key, "record", write_words, kind, false                                                    \
    }
#define FLAG(key, kind)                                                                            \
    {                                                                                              \
        key, "record", write_exchange_flag, kind, false                                            \
    }
#define POINTS(key, write, kind)                                                                   \
    {                                                                                              \
        "GradePointsSplit." key, "record", write, kind, false                                      \
    }
#define RATING(key, kind)                                                                          \
    {                                                                                              \
        "Rating." key, "record", write_rating, kind, false                                         \
    }

/* In the order of the record of 2019, with the later parts of the grade among the older. */
static const struct member exchange_members[] = {
    TEXT("Id", TEXT_ID),
    TEXT("Name", TEXT_NAME),
    TEXT("Url", TEXT_URL),
    TEXT("LogoUrl", TEXT_LOGO),
    TEXT("ItemType", TEXT_TYPES),
    TEXT("CentralizationType", TEXT_CENTRAL),
    TEXT("InternalName", TEXT_INTERNAL),
    {"GradePoints", "record", write_points, 0, false},
    TEXT("Grade", TEXT_GRADE),
    POINTS("Legal", write_points, 1),
    POINTS("KYCAndTransactionRisk", write_new_points, 2),
    POINTS("Investment", write_old_points, 3),
    POINTS("Team", write_points, 4),
    POINTS("DataProvision", write_points, 5),
    POINTS("TradeMonitoring", write_old_points, 6),
    POINTS("AssetQualityAndDiversity", write_new_points, 7),
    POINTS("MarketQuality", write_points, 8),
    POINTS("Security", write_points, 9),
    POINTS("NegativeReportsPenalty", write_points, -1),
    TEXT("AffiliateURL", TEXT_SITE),
    TEXT("Country", TEXT_COUNTRY),
    FLAG("OrderBook", 0),
    FLAG("Trades", 1),
    {"OptionsGrade", "record", write_words, TEXT_GRADE, true},
    TEXT("Description", TEXT_ABOUT),
    TEXT("FullAddress", TEXT_ADDRESS),
    TEXT("Fees", TEXT_FEES),
    TEXT("DepositMethods", TEXT_DEPOSIT),
    TEXT("WithdrawalMethods", TEXT_WITHDRAWAL),
    FLAG("Sponsored", 2),
    FLAG("Recommended", 3),
    RATING("One", 1),
    RATING("Two", 2),
    RATING("Three", 3),
    RATING("Four", 4),
    RATING("Five", 5),
    RATING("Avg", RATING_AVERAGE),
    RATING("TotalUsers", RATING_USERS),
    TEXT("SortOrder", TEXT_ORDER),
    {"TOTALVOLUME24H.BTC", "record", write_volume, 0, false},
    {"TOTALVOLUME24H.USD", "record", write_volume, 1, false},
    {"DISPLAYTOTALVOLUME24H.BTC", "record", write_display, 0, false},
    {"DISPLAYTOTALVOLUME24H.USD", "record", write_display, 1, false},
};

const struct record_kind exchange_record = {
    .table = "exchanges",
    .members = exchange_members,
    .count = sizeof exchange_members / sizeof exchange_members[0],
};

/* ---- the reply */

int min_api_error(struct buf *out, int status, int type, const char *param, const char *message)
{
    buf_add_text(out, "{\"Response\":\"Error\",\"Message\":");
    write_text(out, message);
    buf_printf(out, ",\"HasWarning\":false,\"Type\":%d,\"RateLimit\":{},\"Data\":{}", type);
    if (param)
        buf_printf(out, ",\"ParamWithError\":\"%s\"", param);
    buf_add_char(out, '}');
    return status;
}

int exchanges_reply(const struct world *w, struct str query, int64_t now_utc_s, struct buf *out)
{
    char currency[CURRENCY_MAX_BYTES] = "";
    bool bad = false;
    bool given = query_value(query, "tsym", currency, sizeof currency, &bad);
    if (given && (bad || currency[0] == '\0'))
        return min_api_error(out, 200, ERROR_TYPE_PARAMETER, "tsym",
                             "tsym param is invalid. (tsym length min: 1 max: 30)");
    struct record_choice choice;
    struct exchange exchanges[EXCHANGES_MAX];
    struct listing list = listing_of(w, list_exchanges(w, exchanges));
    (void)record_choose(&w->records[RECORD_EXCHANGE], STR(""), &choice, out);
    buf_add_text(out,
                 "{\"Response\":\"Success\",\"Message\":\"\",\"HasWarning\":false,\"Type\":100,"
                 "\"RateLimit\":{},\"Data\":{");
    for (size_t i = 0; i < list.total; i++) {
        size_t number = listing_at(&list, i);
        struct subject s = {
            .world = w,
            .now_utc_s = now_utc_s,
            .number = number,
            .exchange = &exchanges[number],
            .currency = given ? currency : "BTC",
            .dice = dice_text(w->config.seed, exchanges[number].internal_name),
        };
        buf_printf(out, "%s\"%zu\":", i ? "," : "", ID_FIRST + number);
        record_write(&choice, &s, out);
    }
    buf_add_text(out, "}}");
    return 200;
}
