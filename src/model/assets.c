#include "base/time.h"
#include "model/groups.h"

static const struct column columns[] = {
    KEY_FIELD("id", "ID", COLUMN_I64, 0, "ID", "The vendor's number of the asset."),
    FIELD_TEXT("type", "TYPE", "ID", "The vendor's number for this kind of record; a label only."),
    FIELD("id_legacy", "ID_LEGACY", COLUMN_I64, "ID", "", "Its number in the vendor's older API."),
    FIELD("id_parent_asset", "ID_PARENT_ASSET", COLUMN_I64, "ID", "",
          "The vendor's number of the asset that it derives from."),
    FIELD("id_asset_issuer", "ID_ASSET_ISSUER", COLUMN_I64, "ID", "",
          "The vendor's number of its issuer."),
    FIELD_TEXT("symbol", "SYMBOL", "ID", "Symbol of the asset."),
    FIELD_TEXT("uri", "URI", "ID", "Name of the asset in the vendor's addresses."),
    FIELD_TEXT("asset_type", "ASSET_TYPE", "ID",
               "BLOCKCHAIN, FIAT, TOKEN, STOCK, INDEX, COMMODITY or ETF."),
    FIELD_TEXT("asset_issuer_name", "ASSET_ISSUER_NAME", "ID", "Name of its issuer."),
    FIELD_TEXT("parent_asset_symbol", "PARENT_ASSET_SYMBOL", "ID",
               "Symbol of the asset that it derives from."),
    FIELD_TIME("created_on", "CREATED_ON", "BASIC", "When the vendor made the record."),
    FIELD_TIME("updated_on", "UPDATED_ON", "BASIC", "When the vendor last changed the record."),
    FIELD_TEXT("public_notice", "PUBLIC_NOTICE", "BASIC", "What the vendor warns of."),
    FIELD_TEXT("name", "NAME", "BASIC", "Name of the asset, for people."),
    FIELD_TEXT("logo_url", "LOGO_URL", "BASIC", "Picture of its logo."),
    FIELD_TIME("launch_date", "LAUNCH_DATE", "BASIC",
               "When it came into the world; before 1970 for old money."),
    FIELD_TEXT("asset_description_snippet", "ASSET_DESCRIPTION_SNIPPET", "BASIC",
               "A few sentences about the asset."),
    FIELD("asset_decimal_points", "ASSET_DECIMAL_POINTS", COLUMN_I64, "BASIC", "count",
          "Digits after the point of its smallest unit."),
    FIELD_BOOL("has_smart_contract_capabilities", "HAS_SMART_CONTRACT_CAPABILITIES",
               "ASSET_TYPE_SPECIFIC_METRICS", "Whether its chain runs contracts."),
    FIELD_TEXT("smart_contract_support_type", "SMART_CONTRACT_SUPPORT_TYPE",
               "ASSET_TYPE_SPECIFIC_METRICS", "What contracts of its chain can do."),
    FIELD("target_block_mint", "TARGET_BLOCK_MINT", COLUMN_F64, "ASSET_TYPE_SPECIFIC_METRICS",
          "asset", "Amount that a block is to create."),
    FIELD("target_block_time", "TARGET_BLOCK_TIME", COLUMN_F64, "ASSET_TYPE_SPECIFIC_METRICS", "s",
          "Seconds that a block is to take."),
    FIELD_BOOL("held_token_sale", "HELD_TOKEN_SALE", "CLASSIFICATION",
               "Whether tokens were sold at its beginning."),
    FIELD_BOOL("held_equity_sale", "HELD_EQUITY_SALE", "CLASSIFICATION",
               "Whether shares were sold at its beginning."),
    FIELD_TEXT("website_url", "WEBSITE_URL", "RESOURCE_LINKS", "Address of its project."),
    FIELD_TEXT("blog_url", "BLOG_URL", "RESOURCE_LINKS", "Address of its blog."),
    FIELD_TEXT("white_paper_url", "WHITE_PAPER_URL", "RESOURCE_LINKS", "Its founding document."),
    FIELD_TEXT("asset_symbol_glyph", "ASSET_SYMBOL_GLYPH", "CLASSIFICATION",
               "The character that stands for it."),
    FIELD_BOOL("is_excluded_from_price_toplist", "IS_EXCLUDED_FROM_PRICE_TOPLIST", "CLASSIFICATION",
               "Whether the vendor's ranking by price leaves it out."),
    FIELD_BOOL("is_excluded_from_volume_toplist", "IS_EXCLUDED_FROM_VOLUME_TOPLIST",
               "CLASSIFICATION", "Whether the vendor's ranking by volume leaves it out."),
    FIELD_BOOL("is_excluded_from_mkt_cap_toplist", "IS_EXCLUDED_FROM_MKT_CAP_TOPLIST",
               "CLASSIFICATION", "Whether the vendor's ranking by market cap leaves it out."),
    FIELD_TEXT("asset_description_summary", "ASSET_DESCRIPTION_SUMMARY", "DESCRIPTION_SUMMARY",
               "The asset in a paragraph."),
    IS_LISTED,
};
CHECK_COLUMN_COUNT(columns);

static const struct left_out left_out[] = {
    {"PRICE_CONVERSION_*", "repeats the price in USD while that is the quote asset"},
    {"*_CONVERSION", "repeats the value in USD while that is the quote asset"},
};

/* By the day of their making: a new asset comes last, and the pages before do not move. */
const struct data_type assets = {
    .name = "assets",
    .title = "Assets",
    .source = "Data API documentation, asset/v1/top/list, June 2025",
    .shape = SHAPE_RECORDS,
    .path = "/asset/v1/top/list",
    COLUMNS_OF(columns),
    .cache_lifetime_s = SECONDS_PER_DAY,
    .host = HOST_DATA_API,
    .is_listed = true,
    .query = "sort_by=CREATED_ON&sort_direction=ASC&groups=ID,BASIC,CLASSIFICATION,"
             "DESCRIPTION_SUMMARY,SUPPLY,PRICE,MKT_CAP,VOLUME,CHANGE,TOPLIST_RANK",
    LEFT_OUT_OF(left_out),
};

static const struct data_type *const tables[] = {
    &assets,
    &asset_alternative_ids,
    &asset_industries,
    &asset_consensus_mechanisms,
    &asset_consensus_algorithm_types,
    &asset_hashing_algorithm_types,
    &asset_previous_symbols,
    &asset_market_data,
};

const struct data_type asset_metadata = {
    .name = "asset_metadata",
    .title = "Assets and their market data",
    .source = "Data API documentation, asset/v1/top/list, June 2025",
    .shape = SHAPE_METADATA,
    .path = "/asset/v1/top/list",
    .tables = tables,
    .table_count = sizeof(tables) / sizeof(tables[0]),
};
