/* The record of an asset: its members in the vendor's order and what each says. */
#include <string.h>

#include "base/time.h"
#include "sim/world_asset.h"

enum { URI_MAX_BYTES = 128 };

static void write_id(const struct subject *s, int kind, struct buf *out)
{
    quantity_write(out, asset_ids(s, kind));
}

static void write_supply(const struct subject *s, int kind, struct buf *out)
{
    quantity_write(out, asset_supply(s, kind));
}

static void write_block(const struct subject *s, int kind, struct buf *out)
{
    quantity_write(out, asset_block(s, kind));
}

static void write_price(const struct subject *s, int kind, struct buf *out)
{
    quantity_write(out, asset_price(s, kind));
}

static void write_volume(const struct subject *s, int period_and_part, struct buf *out)
{
    quantity_write(out, asset_volume(s, period_and_part));
}

static void write_change(const struct subject *s, int period_and_kind, struct buf *out)
{
    quantity_write(out, asset_change(s, period_and_kind));
}

enum quote_kind { QUOTE_ID, QUOTE_SYMBOL, QUOTE_TYPE, QUOTE_RATE, QUOTE_UPDATED };

/* The asset that prices are converted to: the simulator knows but the dollar. */
static void write_quote(const struct subject *s, int kind, struct buf *out)
{
    size_t dollar = asset_find(s->world, "USD");
    switch (kind) {
    case QUOTE_ID:
        quantity_write(out, quantity_integer(asset_id(dollar)));
        break;
    case QUOTE_SYMBOL:
        write_text(out, s->world->assets[dollar].symbol);
        break;
    case QUOTE_TYPE:
        write_text(out, s->world->assets[dollar].asset_type);
        break;
    case QUOTE_RATE:
        quantity_write(out, quantity_integer(1));
        break;
    default:
        quantity_write(out, quantity_integer(time_floor(s->now_utc_s, SECONDS_PER_MINUTE)));
        break;
    }
}

static void write_rank(const struct subject *s, int key, struct buf *out)
{
    quantity_write(out, s->ranks ? quantity_integer(s->ranks[key]) : quantity_null);
}

enum text_kind {
    TEXT_TYPE,
    TEXT_SYMBOL,
    TEXT_URI,
    TEXT_ASSET_TYPE,
    TEXT_ISSUER,
    TEXT_PARENT,
    TEXT_NOTICE,
    TEXT_NAME,
    TEXT_LOGO,
    TEXT_SNIPPET,
    TEXT_SUMMARY,
    TEXT_GLYPH,
    TEXT_SOURCE,
    TEXT_WEBSITE,
    TEXT_BLOG,
    TEXT_PAPER,
    TEXT_CONTRACTS,
    TEXT_BLOCK_ISSUER
};

/* Letters and digits of a name, in lower case, the rest as one '-'. */
static void write_uri(const struct subject *s, struct buf *out)
{
    char uri[URI_MAX_BYTES];
    size_t len = 0;
    for (const char *p = s->asset->name; *p && len + 16 < sizeof uri; p++) {
        char c = *p >= 'A' && *p <= 'Z' ? (char)(*p + ('a' - 'A')) : *p;
        bool plain = (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9');
        if (plain || (len > 0 && uri[len - 1] != '-'))
            uri[len++] = plain ? c : '-';
    }
    uri[len] = '\0';
    buf_printf(out, "\"%s-%zu\"", uri, s->number + 1);
}

static void write_sentence(const struct subject *s, const char *opening, const char *rest,
                           struct buf *out)
{
    struct buf text;
    buf_init(&text, 4096, out->allocator);
    buf_printf(&text, "%s%s%s", opening, s->asset->name, rest);
    buf_add_json_text(out, buf_str(&text));
    buf_release(&text);
}

static void write_notice(const struct subject *s, struct buf *out)
{
    int version = changed_in(s->world, s->number);
    if (version > 0)
        buf_printf(out, "\"Noted in version %d of the list.\"", version);
    else
        write_text(out,
                   s->dice % 30 == 11 ? "Trading was paused; see \"news\".\n\tThe editors" : NULL);
}

static const char *glyph(const struct subject *s)
{
    static const struct {
        const char *symbol, *glyph;
    } glyphs[] = {{"BTC", "\xe2\x82\xbf"}, {"ETH", "\xce\x9e"}, {"USD", "$"},
                  {"EUR", "\xe2\x82\xac"}, {"GBP", "\xc2\xa3"}, {"JPY", "\xc2\xa5"}};
    for (size_t i = 0; i < sizeof glyphs / sizeof glyphs[0]; i++)
        if (strcmp(glyphs[i].symbol, s->asset->symbol) == 0)
            return glyphs[i].glyph;
    return NULL;
}

static void write_link(const struct subject *s, const char *before, const char *after,
                       unsigned one_in, struct buf *out)
{
    if (s->dice % one_in == one_in - 1)
        buf_add_text(out, "null");
    else
        buf_printf(out, "\"https://%s%zu%s\"", before, s->number + 1, after);
}

static void write_words(const struct subject *s, int kind, struct buf *out)
{
    switch (kind) {
    case TEXT_URI:
        write_uri(s, out);
        break;
    case TEXT_NOTICE:
        write_notice(s, out);
        break;
    case TEXT_LOGO:
        write_link(s, "resources.cryptocompare.com/asset-management/", "/logo.png", 60, out);
        break;
    case TEXT_WEBSITE:
        write_link(s, "www.asset", ".example/", 12, out);
        break;
    case TEXT_BLOG:
        write_link(s, "blog.asset", ".example/a?b=c&d=\\\"e\\\"", 3, out);
        break;
    case TEXT_PAPER:
        write_link(s, "paper.asset", ".example/paper.pdf", 2, out);
        break;
    case TEXT_SNIPPET:
        write_sentence(s, "About ", ": made up, and so is all that is told of it. ", out);
        break;
    default:
        write_sentence(
            s, "## What it is\n* **",
            "** \xe2\x80\x94 of the simulator\xe2\x80\x99s world.\n\nNothing of it is for sale.",
            out);
        break;
    }
}

static void write_asset_text(const struct subject *s, int kind, struct buf *out)
{
    switch (kind) {
    case TEXT_TYPE:
        write_text(out, "162");
        break;
    case TEXT_SYMBOL:
        write_text(out, s->asset->symbol);
        break;
    case TEXT_ASSET_TYPE:
        write_text(out, s->asset->asset_type);
        break;
    case TEXT_NAME:
        write_text(out, s->asset->name);
        break;
    case TEXT_ISSUER:
        write_text(out, s->dice % 7 == 0 ? "Issuer & Sons, \"Ltd.\"" : NULL);
        break;
    case TEXT_PARENT:
        write_text(out, asset_has_type(s, "TOKEN") && s->dice % 8 == 0 ? s->world->assets[1].symbol
                                                                       : NULL);
        break;
    case TEXT_GLYPH:
        write_text(out, glyph(s));
        break;
    case TEXT_SOURCE:
        write_text(out, s->asset->price_usd > 0 ? "cadli" : NULL);
        break;
    case TEXT_CONTRACTS:
        write_text(out, asset_has_type(s, "BLOCKCHAIN") ? "BASIC_LOGIC_AND_SCRIPTING" : NULL);
        break;
    case TEXT_BLOCK_ISSUER:
        write_text(out, asset_has_type(s, "BLOCKCHAIN") && s->dice % 2 ? "pool-7" : NULL);
        break;
    default:
        write_words(s, kind, out);
        break;
    }
}

/* Null where nobody has looked. */
static void write_asset_flag(const struct subject *s, int salt, struct buf *out)
{
    uint64_t dice = dice_mix(s->dice + (uint64_t)salt);
    if (dice % 3 == 0)
        buf_add_text(out, "null");
    else
        write_flag(out, dice % 3 == 1);
}

/* ---- arrays: null when empty, as the vendor has them */

enum parts_kind {
    PARTS_PREVIOUS,
    PARTS_ALTERNATIVE,
    PARTS_INDUSTRIES,
    PARTS_MECHANISMS,
    PARTS_ALGORITHMS,
    PARTS_HASHES
};

static void write_previous_symbols(const struct subject *s, struct buf *out)
{
    if (s->dice % 2)
        buf_printf(out, "[\"OLD%zu\",\"O'LD\\\"%zu\"]", s->number, s->number);
    else
        buf_printf(out, "[{\"SYMBOL\":\"OLD%zu\"}]", s->number);
}

static void write_alternative_ids(const struct subject *s, struct buf *out)
{
    static const char *const names[] = {"CMC", "CG", "ISIN", "VALOR", "DTI"};
    size_t count = 1 + s->dice % 5;
    buf_add_char(out, '[');
    for (size_t i = 0; i < count; i++)
        buf_printf(out, "%s{\"NAME\":\"%s\",\"ID\":\"%s%zu\"}", i ? "," : "", names[i],
                   i == 1  ? "coin-"
                   : i > 1 ? "X0"
                           : "",
                   s->number + 1);
    /* Some chains know an asset under two addresses. */
    if (count == 5)
        buf_printf(out,
                   ",{\"NAME\":\"CHAIN\",\"ID\":\"0x%zx\"},{\"NAME\":\"CHAIN\",\"ID\":\"0x%zX\"}",
                   s->number + 1, s->number + 0xabc00);
    buf_add_char(out, ']');
}

static void write_industries(const struct subject *s, struct buf *out)
{
    static const char *const names[] = {"PAYMENT", "PLATFORM", "MARKETPLACE", "MEME", "GAMING"};
    buf_printf(out, "[{\"ASSET_INDUSTRY\":\"%s\",\"JUSTIFICATION\":\"It is used for\\nthat.\"}",
               names[s->dice % 5]);
    if (s->dice % 2)
        buf_printf(out, ",{\"ASSET_INDUSTRY\":\"%s\",\"JUSTIFICATION\":null}",
                   names[(s->dice + 1) % 5]);
    buf_add_char(out, ']');
}

static void write_parts(const struct subject *s, int kind, struct buf *out)
{
    static const char *const mechanisms[] = {"POW", "POS", "DPOS"};
    uint64_t dice = dice_mix(s->dice ^ (uint64_t)(kind + 17));
    bool chain = asset_has_type(s, "BLOCKCHAIN");
    bool is_first = s->number == 0; /* has all but another name */
    bool has = kind == PARTS_PREVIOUS      ? dice % 12 == 0
               : is_first                  ? true
               : kind == PARTS_ALTERNATIVE ? dice % 10 != 0
               : kind == PARTS_INDUSTRIES  ? asset_is_coin(s) && dice % 5 != 0
                                           : chain && dice % 6 != 0;
    if (!has)
        buf_add_text(out, "null");
    else if (kind == PARTS_PREVIOUS)
        write_previous_symbols(s, out);
    else if (kind == PARTS_ALTERNATIVE)
        write_alternative_ids(s, out);
    else if (kind == PARTS_INDUSTRIES)
        write_industries(s, out);
    else if (kind == PARTS_MECHANISMS)
        buf_printf(out, "[{\"NAME\":\"%s\"}]", mechanisms[s->number ? s->dice % 3 : 0]);
    else if (kind == PARTS_ALGORITHMS)
        buf_printf(out, "[{\"NAME\":\"Nakamoto Consensus\",\"DESCRIPTION\":%s}]",
                   s->dice % 2 ? "\"The longest chain \xe2\x80\x9cwins\xe2\x80\x9d.\"" : "null");
    else
        buf_printf(out, "[{\"NAME\":\"%s\"}]", s->dice % 2 ? "SHA_256" : "KECCAK_256");
}

/* ---- the record */

#define ID(key, kind)                                                                              \
    {                                                                                              \
        key, "ID", write_id, kind, false                                                           \
    }
#define BASIC(key, write, kind)                                                                    \
    {                                                                                              \
        key, "BASIC", write, kind, false                                                           \
    }
#define SUPPLY(kind)                                                                               \
    {                                                                                              \
#kind, "SUPPLY", write_supply, kind, false                                                 \
    }
#define BLOCK(key, kind)                                                                           \
    {                                                                                              \
        key, "ASSET_TYPE_SPECIFIC_METRICS", write_block, kind, false                               \
    }
#define CLASS(key, write, kind)                                                                    \
    {                                                                                              \
        key, "CLASSIFICATION", write, kind, false                                                  \
    }
#define VOLUME(period, part, suffix)                                                               \
    {                                                                                              \
        "SPOT_MOVING_" period "_QUOTE_VOLUME" suffix, "VOLUME", write_volume, part, false          \
    }
#define VOLUMES(period, n)                                                                         \
    VOLUME(period, (n)*PART_COUNT + PART_TOP_TIER_DIRECT, "_TOP_TIER_DIRECT_USD"),                 \
        VOLUME(period, (n)*PART_COUNT + PART_DIRECT, "_DIRECT_USD"),                               \
        VOLUME(period, (n)*PART_COUNT + PART_TOP_TIER, "_TOP_TIER_USD"),                           \
        VOLUME(period, (n)*PART_COUNT + PART_ALL, "_USD"),                                         \
        VOLUME(period, (n)*PART_COUNT + PART_TOP_TIER, "_TOP_TIER_CONVERSION"),                    \
        VOLUME(period, (n)*PART_COUNT + PART_ALL, "_CONVERSION")
#define CHANGE(period, kind, suffix)                                                               \
    {                                                                                              \
        "SPOT_MOVING_" period "_CHANGE" suffix, "CHANGE", write_change, kind, false                \
    }
#define CHANGES(period, n)                                                                         \
    CHANGE(period, 2 * (n) + CHANGE_USD, "_USD"),                                                  \
        CHANGE(period, 2 * (n) + CHANGE_PERCENTAGE, "_PERCENTAGE_USD"),                            \
        CHANGE(period, 2 * (n) + CHANGE_USD, "_CONVERSION"),                                       \
        CHANGE(period, 2 * (n) + CHANGE_PERCENTAGE, "_PERCENTAGE_CONVERSION")
#define RANK(key, n)                                                                               \
    {                                                                                              \
        "TOPLIST_BASE_RANK." key, "TOPLIST_RANK", write_rank, n, false                             \
    }

/* In the order of the replies recorded in June 2025. */
static const struct member asset_members[] = {
    ID("ID", ID_OWN),
    {"TYPE", "ID", write_asset_text, TEXT_TYPE, false},
    ID("ID_LEGACY", ID_LEGACY),
    ID("ID_PARENT_ASSET", ID_PARENT),
    ID("ID_ASSET_ISSUER", ID_ISSUER),
    {"SYMBOL", "ID", write_asset_text, TEXT_SYMBOL, false},
    {"URI", "ID", write_asset_text, TEXT_URI, false},
    {"ASSET_TYPE", "ID", write_asset_text, TEXT_ASSET_TYPE, false},
    {"ASSET_ISSUER_NAME", "ID", write_asset_text, TEXT_ISSUER, false},
    {"PARENT_ASSET_SYMBOL", "ID", write_asset_text, TEXT_PARENT, false},
    BASIC("CREATED_ON", write_id, CREATED_ON),
    BASIC("UPDATED_ON", write_id, UPDATED_ON),
    BASIC("PUBLIC_NOTICE", write_asset_text, TEXT_NOTICE),
    BASIC("NAME", write_asset_text, TEXT_NAME),
    BASIC("LOGO_URL", write_asset_text, TEXT_LOGO),
    BASIC("LAUNCH_DATE", write_id, LAUNCH_DATE),
    BASIC("PREVIOUS_ASSET_SYMBOLS", write_parts, PARTS_PREVIOUS),
    BASIC("ASSET_ALTERNATIVE_IDS", write_parts, PARTS_ALTERNATIVE),
    BASIC("ASSET_DESCRIPTION_SNIPPET", write_asset_text, TEXT_SNIPPET),
    BASIC("ASSET_DECIMAL_POINTS", write_id, DECIMAL_POINTS),
    {"IS_USED_IN_DEFI", "BASIC", write_asset_flag, 9, true},
    SUPPLY(SUPPLY_MAX),
    SUPPLY(SUPPLY_ISSUED),
    SUPPLY(SUPPLY_TOTAL),
    SUPPLY(SUPPLY_CIRCULATING),
    SUPPLY(SUPPLY_FUTURE),
    SUPPLY(SUPPLY_LOCKED),
    SUPPLY(SUPPLY_BURNT),
    SUPPLY(SUPPLY_STAKED),
    {"LAST_BLOCK_MINT", "SUPPLY", write_block, BLOCK_MINT, false},
    {"LAST_BLOCK_BURN", "SUPPLY", write_block, BLOCK_BURN, false},
    {"HAS_SMART_CONTRACT_CAPABILITIES", "ASSET_TYPE_SPECIFIC_METRICS", write_asset_flag, 6, false},
    {"SMART_CONTRACT_SUPPORT_TYPE", "ASSET_TYPE_SPECIFIC_METRICS", write_asset_text, TEXT_CONTRACTS,
     false},
    BLOCK("TARGET_BLOCK_MINT", BLOCK_TARGET_MINT),
    BLOCK("TARGET_BLOCK_TIME", BLOCK_TARGET_TIME),
    BLOCK("LAST_BLOCK_NUMBER", BLOCK_NUMBER),
    BLOCK("LAST_BLOCK_TIMESTAMP", BLOCK_TIMESTAMP),
    BLOCK("LAST_BLOCK_TIME", BLOCK_TIME),
    BLOCK("LAST_BLOCK_SIZE", BLOCK_SIZE),
    {"LAST_BLOCK_ISSUER", "ASSET_TYPE_SPECIFIC_METRICS", write_asset_text, TEXT_BLOCK_ISSUER,
     false},
    BLOCK("LAST_BLOCK_TRANSACTION_FEE_TOTAL", BLOCK_FEES),
    BLOCK("LAST_BLOCK_TRANSACTION_COUNT", BLOCK_TRANSACTIONS),
    BLOCK("LAST_BLOCK_HASHES_PER_SECOND", BLOCK_HASHES),
    BLOCK("LAST_BLOCK_DIFFICULTY", BLOCK_DIFFICULTY),
    {"HELD_TOKEN_SALE", "TOKEN_SALE", write_asset_flag, 1, false},
    {"HELD_EQUITY_SALE", "EQUITY_SALE", write_asset_flag, 2, false},
    {"WEBSITE_URL", "RESOURCE_LINKS", write_asset_text, TEXT_WEBSITE, false},
    {"BLOG_URL", "RESOURCE_LINKS", write_asset_text, TEXT_BLOG, false},
    {"WHITE_PAPER_URL", "RESOURCE_LINKS", write_asset_text, TEXT_PAPER, false},
    CLASS("ASSET_SYMBOL_GLYPH", write_asset_text, TEXT_GLYPH),
    CLASS("IS_EXCLUDED_FROM_PRICE_TOPLIST", write_asset_flag, 3),
    CLASS("IS_EXCLUDED_FROM_VOLUME_TOPLIST", write_asset_flag, 4),
    CLASS("IS_EXCLUDED_FROM_MKT_CAP_TOPLIST", write_asset_flag, 5),
    CLASS("ASSET_INDUSTRIES", write_parts, PARTS_INDUSTRIES),
    CLASS("CONSENSUS_MECHANISMS", write_parts, PARTS_MECHANISMS),
    CLASS("CONSENSUS_ALGORITHM_TYPES", write_parts, PARTS_ALGORITHMS),
    CLASS("HASHING_ALGORITHM_TYPES", write_parts, PARTS_HASHES),
    {"PRICE_USD", "PRICE", write_price, PRICE_USD, false},
    {"PRICE_USD_SOURCE", "PRICE", write_asset_text, TEXT_SOURCE, false},
    {"PRICE_USD_LAST_UPDATE_TS", "PRICE", write_price, PRICE_UPDATED, false},
    {"PRICE_CONVERSION_ASSET.ID", "PRICE", write_quote, QUOTE_ID, false},
    {"PRICE_CONVERSION_ASSET.SYMBOL", "PRICE", write_quote, QUOTE_SYMBOL, false},
    {"PRICE_CONVERSION_ASSET.ASSET_TYPE", "PRICE", write_quote, QUOTE_TYPE, false},
    {"PRICE_CONVERSION_RATE", "PRICE", write_quote, QUOTE_RATE, false},
    {"PRICE_CONVERSION_VALUE", "PRICE", write_price, PRICE_USD, false},
    {"PRICE_CONVERSION_SOURCE", "PRICE", write_asset_text, TEXT_SOURCE, false},
    {"PRICE_CONVERSION_LAST_UPDATE_TS", "PRICE", write_quote, QUOTE_UPDATED, false},
    {"MKT_CAP_PENALTY", "MKT_CAP", write_price, CAP_PENALTY, false},
    {"CIRCULATING_MKT_CAP_USD", "MKT_CAP", write_price, CAP_CIRCULATING, false},
    {"TOTAL_MKT_CAP_USD", "MKT_CAP", write_price, CAP_TOTAL, false},
    {"CIRCULATING_MKT_CAP_CONVERSION", "MKT_CAP", write_price, CAP_CIRCULATING, false},
    {"TOTAL_MKT_CAP_CONVERSION", "MKT_CAP", write_price, CAP_TOTAL, false},
    VOLUMES("24_HOUR", DAY),
    VOLUMES("7_DAY", WEEK),
    VOLUMES("30_DAY", MONTH),
    CHANGES("24_HOUR", DAY),
    CHANGES("7_DAY", WEEK),
    CHANGES("30_DAY", MONTH),
    RANK("CREATED_ON", 0),
    RANK("LAUNCH_DATE", 1),
    RANK("CIRCULATING_MKT_CAP_USD", 2),
    RANK("TOTAL_MKT_CAP_USD", 3),
    RANK("SPOT_MOVING_24_HOUR_QUOTE_VOLUME_USD", 4),
    RANK("SPOT_MOVING_7_DAY_QUOTE_VOLUME_USD", 5),
    RANK("SPOT_MOVING_30_DAY_QUOTE_VOLUME_USD", 6),
    {"ASSET_DESCRIPTION", "DESCRIPTION", write_asset_text, TEXT_SUMMARY, false},
    {"ASSET_DESCRIPTION_SUMMARY", "DESCRIPTION_SUMMARY", write_asset_text, TEXT_SUMMARY, false},
};

_Static_assert(sizeof asset_members / sizeof asset_members[0] <= MEMBER_MAX, "one bool for each");

static const char *const default_groups[] = {"ID",     "BASIC",  "SUPPLY",       "PRICE", "MKT_CAP",
                                             "VOLUME", "CHANGE", "TOPLIST_RANK", NULL};
static const char *const other_groups[] = {"SUPPORTED_PLATFORMS",
                                           "CUSTODIANS",
                                           "CONTROLLED_ADDRESSES",
                                           "SECURITY_METRICS",
                                           "SUPPLY_ADDRESSES",
                                           "SOCIAL",
                                           "CONTACT",
                                           "SEO",
                                           "INTERNAL",
                                           "INFO",
                                           "PROJECT_LEADERS",
                                           NULL};

const struct record_kind asset_record = {
    .table = "assets",
    .default_groups = default_groups,
    .other_groups = other_groups,
    .members = asset_members,
    .count = sizeof asset_members / sizeof asset_members[0],
};
