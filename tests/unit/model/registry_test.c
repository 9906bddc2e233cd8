#include "model/data_type.h"

#include <ctype.h>
#include <stdio.h>
#include <string.h>

#include "test.h"

static bool is_sql_name(const char *name)
{
    size_t len = strlen(name);
    return len >= 1 && len <= 60 && strspn(name, "abcdefghijklmnopqrstuvwxyz0123456789_") == len;
}

static int flag_count(const struct data_type *type, uint32_t flag)
{
    int count = 0;
    for (size_t i = 0; i < type->column_count; i++) {
        count += (type->columns[i].flags & flag) != 0;
    }
    return count;
}

/* Whether a word begins at key[i], which is an upper-case letter: "GradePoints", "KYCAnd". */
static bool word_begins(const char *key, size_t i)
{
    return i > 0 && (islower((unsigned char)key[i - 1]) ||
                     (isupper((unsigned char)key[i - 1]) && islower((unsigned char)key[i + 1])));
}

/* The SQL name that INTERFACE.md derives from a key. */
static bool name_follows_key(const struct column *column)
{
    char name[64];
    size_t len = 0;
    for (size_t i = 0; column->key[i] && len + 2 < sizeof(name); i++) {
        char c = column->key[i];
        if (isupper((unsigned char)c) && word_begins(column->key, i)) {
            name[len++] = '_';
        }
        name[len++] = c == '.' ? '_' : (char)tolower((unsigned char)c);
    }
    name[len] = '\0';
    return strcmp(name, column->name) == 0;
}

static void check_column(const struct column *column)
{
    const uint32_t from_elsewhere = COLUMN_OBJECT_KEY | COLUMN_LISTED | COLUMN_POSITION;
    CHECK(is_sql_name(column->name));
    CHECK((column->flags & from_elsewhere) ? column->key[0] == '\0' : column->key[0] != '\0');
    if (!(column->flags & (COLUMN_TS | COLUMN_PARENT | from_elsewhere))) {
        if (!CHECK(name_follows_key(column))) {
            fprintf(stderr, "  %s is the name of %s\n", column->name, column->key);
        }
    }
    CHECK(column->unit != NULL);
    CHECK(column->group != NULL && column->group[0] != '\0');
    size_t len = strlen(column->meaning);
    CHECK(len > 1 && column->meaning[len - 1] == '.' && isupper((unsigned char)column->meaning[0]));
    if (column->flags & COLUMN_COUNT) {
        CHECK(column->kind == COLUMN_I64 || column->kind == COLUMN_F64);
        CHECK(strncmp(column->if_negative, "negative ", 9) == 0);
        CHECK_TEXT(column->name, column->if_negative + 9);
    }
    if (column->kind == COLUMN_UTC_S) {
        CHECK_TEXT("s", column->unit);
    }
    CHECK(!(column->flags & COLUMN_JSON) || column->kind == COLUMN_TEXT);
    CHECK(!(column->flags & COLUMN_LENIENT) || column->kind == COLUMN_F64 ||
          column->kind == COLUMN_I64);
}

static void check_columns(const struct data_type *type)
{
    CHECK(type->column_count >= 1 && type->column_count <= COLUMN_MAX);
    for (size_t i = 0; i < type->column_count; i++) {
        check_column(&type->columns[i]);
        for (size_t k = 0; k < i; k++) {
            CHECK(strcmp(type->columns[i].name, type->columns[k].name) != 0);
            CHECK(type->columns[i].key[0] == '\0' ||
                  strcmp(type->columns[i].key, type->columns[k].key) != 0 ||
                  ((type->columns[i].flags ^ type->columns[k].flags) & COLUMN_PARENT) != 0);
        }
    }
}

TEST(registry_columns_are_well_formed)
{
    for (size_t t = 0; t < data_type_count; t++) {
        if (data_types[t]->shape != SHAPE_METADATA) {
            check_columns(data_types[t]);
        }
    }
    for (size_t t = 0; t < metadata_table_count; t++) {
        check_columns(metadata_tables[t]);
    }
}

TEST(registry_types_are_found_by_name)
{
    static const char *const names[] = {
        "spot_ohlcv",    "futures_ohlcv",    "futures_funding_rate", "futures_open_interest",
        "indices_ohlcv", "asset_metadata",   "exchange_metadata",    "spot_instruments",
        "futures_instruments",
    };
    CHECK_INT(sizeof(names) / sizeof(names[0]), data_type_count);
    for (size_t t = 0; t < data_type_count; t++) {
        CHECK_TEXT(names[t], data_types[t]->name);
        CHECK(is_sql_name(data_types[t]->name));
        CHECK(data_type_find(str_from(names[t])) == data_types[t]);
        CHECK(data_types[t]->title[0] != '\0' && data_types[t]->source[0] != '\0');
    }
    CHECK(data_type_find(STR("futures-funding_rate")) == data_types[2]);
    CHECK(data_type_find(STR("spot_ohlc")) == NULL);
    CHECK(data_type_find(STR("spot_ohlcvx")) == NULL);
    CHECK(data_type_find(STR("SPOT_OHLCV")) == NULL);
    CHECK(data_type_find(STR("")) == NULL);
}

static void check_candle_type(const struct data_type *type)
{
    static const uint32_t once[] = {COLUMN_TS,         COLUMN_UNIT, COLUMN_MARKET,
                                    COLUMN_INSTRUMENT, COLUMN_LOW,  COLUMN_HIGH};
    for (size_t i = 0; i < sizeof(once) / sizeof(once[0]); i++) {
        CHECK_INT(1, flag_count(type, once[i]));
    }
    CHECK_INT(4, flag_count(type, COLUMN_REQUIRED));
    CHECK_INT(type->splits_instrument ? 0 : 1, flag_count(type, COLUMN_MAPPED));
    CHECK_INT(0, flag_count(type, COLUMN_KEY | COLUMN_OBJECT_KEY));
    CHECK_INT(0, data_type_column(type, STR("unit")));
    CHECK_INT(1, data_type_column(type, STR("ts")));
    CHECK_INT(1, data_type_column_flagged(type, COLUMN_TS));
    CHECK(type->columns[1].kind == COLUMN_UTC_S);
    CHECK(strstr(type->path, "{unit}") != NULL);
    CHECK(type->checks_ohlc);
    CHECK(type->markets_path != NULL);
    for (size_t i = 0; i < type->column_count; i++) {
        const struct column *column = &type->columns[i];
        bool described = column->flags & (COLUMN_TS | COLUMN_UNIT | COLUMN_MARKET |
                                          COLUMN_INSTRUMENT | COLUMN_MAPPED | COLUMN_SERIES);
        CHECK(column_is_fact(column) == !described);
        CHECK(!column_is_fact(column) || column->kind != COLUMN_TEXT);
    }
}

static void check_catalogue_column(const struct data_type *catalogue, const char *name,
                                   enum column_kind kind)
{
    int i = data_type_column(catalogue, str_from(name));
    if (CHECK(i >= 0)) {
        CHECK_INT(kind, catalogue->columns[i].kind);
    }
}

TEST(registry_candle_types)
{
    for (size_t t = 0; t < data_type_count; t++) {
        const struct data_type *type = data_types[t];
        if (type->shape != SHAPE_CANDLES) {
            continue;
        }
        check_candle_type(type);
        if (!type->catalogue) {
            CHECK(type->splits_instrument && !type->first_ts_column && !type->last_ts_column &&
                  !type->has_data_column && !type->rank_column);
            continue;
        }
        const struct data_type *catalogue = data_type_find(str_from(type->catalogue));
        if (!CHECK(catalogue != NULL && catalogue->shape == SHAPE_CATALOGUE)) {
            continue;
        }
        check_catalogue_column(catalogue, type->first_ts_column, COLUMN_UTC_S);
        check_catalogue_column(catalogue, type->last_ts_column, COLUMN_UTC_S);
        check_catalogue_column(catalogue, type->has_data_column, COLUMN_BOOL);
        check_catalogue_column(catalogue, type->rank_column, COLUMN_I64);
    }
}

TEST(registry_catalogues)
{
    for (size_t t = 0; t < data_type_count; t++) {
        const struct data_type *type = data_types[t];
        if (type->shape != SHAPE_CATALOGUE) {
            continue;
        }
        CHECK_INT(0, data_type_column_flagged(type, COLUMN_OBJECT_KEY));
        CHECK_INT(2, flag_count(type, COLUMN_KEY));
        CHECK_INT(2, flag_count(type, COLUMN_REQUIRED));
        CHECK_TEXT("market", type->columns[0].name);
        CHECK(type->columns[data_type_column(type, STR("instrument"))].flags & COLUMN_KEY);
        CHECK_INT(86400, type->cache_lifetime_s);
        CHECK(!type->catalogue);
        CHECK(metadata_table_find(str_from(type->name)) == type);
    }
}

static size_t place_of_table(const struct data_type *table)
{
    size_t t = 0;
    while (t < metadata_table_count && metadata_tables[t] != table) {
        t++;
    }
    return t;
}

/* Tables are found by name, a parent before its parts, and only what is listed says so. */
TEST(registry_metadata_tables)
{
    for (size_t t = 0; t < metadata_table_count; t++) {
        const struct data_type *table = metadata_tables[t];
        bool is_own = table->shape == SHAPE_RECORDS || table->shape == SHAPE_CATALOGUE;
        int listed = data_type_column_flagged(table, COLUMN_LISTED);
        CHECK(metadata_table_find(str_from(table->name)) == table);
        CHECK(is_own || table->shape == SHAPE_PARTS || table->shape == SHAPE_SNAPSHOTS);
        CHECK_INT(is_own ? (int)table->column_count - 1 : -1, listed);
        CHECK_INT(is_own, table->cache_lifetime_s > 0);
        CHECK_INT(!is_own, table->parent != NULL);
        CHECK_INT(table->shape == SHAPE_PARTS, table->array != NULL);
        CHECK(flag_count(table, COLUMN_KEY) >= 1);
        CHECK(is_own || place_of_table(table->parent) < t);
        for (size_t i = 0; i < table->column_count; i++) {
            uint32_t flags = table->columns[i].flags;
            CHECK(!(flags & COLUMN_KEY) || table->columns[i].kind != COLUMN_F64);
            CHECK(!(flags & COLUMN_PARENT) || !is_own);
            CHECK(!(flags & COLUMN_ELEMENT) || table->shape == SHAPE_PARTS);
        }
    }
    CHECK(metadata_table_find(STR("spot_ohlcv")) == NULL);
    CHECK(metadata_table_find(STR("asset_metadata")) == NULL);
}

TEST(registry_metadata_types_fill_tables)
{
    static const struct {
        const char *type;
        const char *tables;
    } CASES[] = {
        {"asset_metadata",
         "assets asset_alternative_ids asset_industries asset_consensus_mechanisms "
         "asset_consensus_algorithm_types asset_hashing_algorithm_types asset_previous_symbols "
         "asset_market_data "},
        {"exchange_metadata", "exchanges spot_markets futures_markets "},
    };
    for (size_t c = 0; c < sizeof(CASES) / sizeof(CASES[0]); c++) {
        const struct data_type *type = data_type_find(str_from(CASES[c].type));
        char names[512] = "";
        CHECK(type->shape == SHAPE_METADATA && type->column_count == 0);
        for (size_t t = 0; t < type->table_count; t++) {
            CHECK(place_of_table(type->tables[t]) < metadata_table_count);
            strncat(names, type->tables[t]->name, 60);
            strncat(names, " ", 2);
        }
        CHECK_TEXT(CASES[c].tables, names);
    }
}

TEST(registry_trade_counters_mark_filled_candles)
{
    for (size_t t = 0; t < data_type_count; t++) {
        int i = data_type_column_flagged(data_types[t], COLUMN_TRADES);
        bool counts_trades = t < 2;
        CHECK((i >= 0) == counts_trades);
        if (i >= 0) {
            CHECK_TEXT("total_trades", data_types[t]->columns[i].name);
        }
    }
}

TEST(registry_open_interest_fills_the_bits_but_no_more)
{
    const struct data_type *type = data_type_find(STR("futures_open_interest"));
    CHECK_INT(61, type->column_count);
    CHECK_TEXT("HIGH_SETTLEMENT", type->columns[data_type_column_flagged(type, COLUMN_HIGH)].key);
    CHECK_TEXT("LOW_SETTLEMENT", type->columns[data_type_column_flagged(type, COLUMN_LOW)].key);
    CHECK_INT(-1, data_type_column(type, STR("open")));
}

TEST(registry_intervals)
{
    enum interval interval = INTERVAL_COUNT;
    for (int i = 0; i < INTERVAL_COUNT; i++) {
        CHECK(interval_parse(str_from(interval_infos[i].name), &interval));
        CHECK_INT(i, interval);
    }
    CHECK_INT(86400, interval_infos[INTERVAL_1D].step_s);
    CHECK_INT(3600, interval_infos[INTERVAL_1H].step_s);
    CHECK_INT(60, interval_infos[INTERVAL_1M].step_s);
    CHECK_INT(5000, interval_infos[INTERVAL_1D].page_max);
    CHECK_INT(2000, interval_infos[INTERVAL_1H].page_max);
    CHECK_INT(2000, interval_infos[INTERVAL_1M].page_max);
    CHECK(!interval_parse(STR(""), &interval));
    CHECK(!interval_parse(STR("1D"), &interval));
    CHECK(!interval_parse(STR("1w"), &interval));
}
