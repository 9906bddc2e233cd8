/* Arrays in the record of an asset, one row per element. */
#include "model/groups.h"

#define ASSET_ID RECORD_KEY("asset_id", "ID", COLUMN_I64, "The vendor's number of the asset.")

static const struct column alternative_id_columns[] = {
    ASSET_ID,
    KEY_FIELD("name", "NAME", COLUMN_TEXT, 0, "BASIC",
              "Who gives the id: CMC, CG, ISIN, VALOR, DTI, CHAIN and others."),
    KEY_FIELD("id", "ID", COLUMN_TEXT, 0, "BASIC", "The id that they give to the asset."),
};
static const struct column industry_columns[] = {
    ASSET_ID,
    KEY_FIELD("asset_industry", "ASSET_INDUSTRY", COLUMN_TEXT, COLUMN_ELEMENT, "CLASSIFICATION",
              "What the asset is for, such as PAYMENT."),
    FIELD_TEXT("justification", "JUSTIFICATION", "CLASSIFICATION", "Why the vendor thinks so."),
};
static const struct column consensus_mechanism_columns[] = {
    ASSET_ID,
    KEY_FIELD("name", "NAME", COLUMN_TEXT, COLUMN_ELEMENT, "CLASSIFICATION",
              "How its chain agrees, such as POW."),
};
static const struct column consensus_algorithm_type_columns[] = {
    ASSET_ID,
    KEY_FIELD("name", "NAME", COLUMN_TEXT, COLUMN_ELEMENT, "CLASSIFICATION",
              "The algorithm by which its chain agrees."),
    FIELD_TEXT("description", "DESCRIPTION", "CLASSIFICATION", "How that algorithm works."),
};
static const struct column hashing_algorithm_type_columns[] = {
    ASSET_ID,
    KEY_FIELD("name", "NAME", COLUMN_TEXT, COLUMN_ELEMENT, "CLASSIFICATION",
              "The hash that its chain is made with, such as SHA_256."),
};
static const struct column previous_symbol_columns[] = {
    ASSET_ID,
    KEY_FIELD("symbol", "SYMBOL", COLUMN_TEXT, COLUMN_ELEMENT, "BASIC",
              "A symbol that the asset had before."),
};

#define ASSET_PART(table, array_key, table_columns, what)                                          \
    CHECK_COLUMN_COUNT(table_columns);                                                             \
    const struct data_type table = {                                                               \
        .name = #table,                                                                            \
        .title = what,                                                                             \
        .source = "Data API documentation, asset/v1/top/list, June 2025",                          \
        .shape = SHAPE_PARTS,                                                                      \
        .path = "/asset/v1/top/list",                                                              \
        COLUMNS_OF(table_columns),                                                                 \
        .parent = &assets,                                                                         \
        .array = array_key,                                                                        \
    }

ASSET_PART(asset_alternative_ids, "ASSET_ALTERNATIVE_IDS", alternative_id_columns,
           "Ids of assets elsewhere");
ASSET_PART(asset_industries, "ASSET_INDUSTRIES", industry_columns, "What assets are for");
ASSET_PART(asset_consensus_mechanisms, "CONSENSUS_MECHANISMS", consensus_mechanism_columns,
           "How the chains of assets agree");
ASSET_PART(asset_consensus_algorithm_types, "CONSENSUS_ALGORITHM_TYPES",
           consensus_algorithm_type_columns, "Algorithms by which the chains of assets agree");
ASSET_PART(asset_hashing_algorithm_types, "HASHING_ALGORITHM_TYPES", hashing_algorithm_type_columns,
           "Hashes that the chains of assets are made with");
ASSET_PART(asset_previous_symbols, "PREVIOUS_ASSET_SYMBOLS", previous_symbol_columns,
           "Symbols that assets had before");
