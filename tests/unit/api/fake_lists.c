#include "fake_lists.h"

#include <dirent.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

struct fake_vendor vendor;
static int64_t now_utc_s;
static const struct caller *min_api; /* of the source at hand */

/* ---- what the vendor has ---- */

void fake_add_exchange(const char *internal_name, const char *grade)
{
    struct fake_exchange *e = &vendor.exchanges[vendor.exchange_count++];
    str_copy(e->internal_name, sizeof(e->internal_name), str_from(internal_name));
    e->grade = grade;
}

static void add_market(const char *market)
{
    for (size_t i = 0; i < vendor.market_count; i++)
        if (strcmp(vendor.markets[i], market) == 0)
            return;
    str_copy(vendor.markets[vendor.market_count++], sizeof(*vendor.markets), str_from(market));
}

struct fake_pair *fake_add_pair(const char *market, const char *base, const char *quote,
                                int64_t trades)
{
    if (vendor.pair_count == FAKE_PAIRS_MAX)
        abort();
    struct fake_pair *p = &vendor.pairs[vendor.pair_count++];
    *p = (struct fake_pair){.status = "ACTIVE", .trades = trades, .last_ts = FAKE_NOW - 100};
    str_copy(p->market, sizeof(p->market), str_from(market));
    str_copy(p->base, sizeof(p->base), str_from(base));
    str_copy(p->quote, sizeof(p->quote), str_from(quote));
    str_print(p->mapped, sizeof(p->mapped), "%s-%s", base, quote);
    str_print(p->native, sizeof(p->native), "%s%s", base, quote);
    add_market(market);
    return p;
}

void fake_add_asset(const char *symbol)
{
    str_copy(vendor.assets[vendor.asset_count++], sizeof(*vendor.assets), str_from(symbol));
}

/* ---- its replies ---- */

static int64_t number_in(const char *path, const char *name)
{
    const char *at = strstr(path, name);
    return at ? strtoll(at + strlen(name), NULL, 10) : 0;
}

static void text_in(const char *path, const char *name, char *out, size_t capacity)
{
    const char *at = strstr(path, name);
    struct str rest = str_from(at ? at + strlen(name) : "");
    str_copy(out, capacity, str_split(&rest, '&'));
}

static void answer_exchanges(struct buf *out)
{
    buf_add_text(out, "{\"Response\":\"Success\",\"Type\":100,\"Data\":{");
    for (size_t i = 0; i < vendor.exchange_count; i++) {
        const struct fake_exchange *e = &vendor.exchanges[i];
        buf_printf(out, "%s\"%zu\":{\"Id\":\"%zu\",\"InternalName\":\"%s\"", i > 0 ? "," : "", i, i,
                   e->internal_name);
        if (e->grade)
            buf_printf(out, ",\"Grade\":\"%s\"", e->grade);
        buf_add_text(out, "}");
    }
    buf_add_text(out, "}}");
}

static void answer_markets(struct buf *out)
{
    buf_add_text(out, "{\"Data\":{");
    for (size_t i = 0; i < vendor.market_count; i++)
        buf_printf(out, "%s\"%s\":{\"EXCHANGE_STATUS\":\"ACTIVE\"}", i > 0 ? "," : "",
                   vendor.markets[i]);
    buf_add_text(out, "},\"Err\":{}}");
}

static void add_history(struct buf *out, const char *have, const char *entry, int64_t count,
                        int64_t last_ts)
{
    buf_printf(out, ",\"HAS_%s\":%s,\"TOTAL_%s\":%lld", have, count > 0 ? "true" : "false", have,
               (long long)count);
    if (count > 0)
        buf_printf(out, ",\"FIRST_%s_TIMESTAMP\":%d,\"LAST_%s_TIMESTAMP\":%lld", entry,
                   FAKE_NOW - 100 * FAKE_DAY, entry, (long long)last_ts);
}

static void add_pair(struct buf *out, const struct fake_pair *p)
{
    buf_printf(out,
               "\"%s\":{\"TYPE\":\"612\",\"INSTRUMENT_STATUS\":\"%s\",\"INSTRUMENT\":\"%s\","
               "\"MAPPED_INSTRUMENT\":\"%s\",\"INSTRUMENT_MAPPING\":{\"MAPPED_INSTRUMENT\":\"%s\","
               "\"BASE\":\"%s\",\"QUOTE\":\"%s\"}",
               p->mapped, p->status, p->native, p->mapped, p->mapped, p->base, p->quote);
    add_history(out, "TRADES_SPOT", "TRADE_SPOT", p->trades, p->last_ts);
    add_history(out, "TRADES_FUTURES", "TRADE_FUTURES", p->trades, p->last_ts);
    add_history(out, "FUNDING_RATE_UPDATES", "FUNDING_RATE_UPDATE", p->funding, p->last_ts);
    add_history(out, "OPEN_INTEREST_UPDATES", "OPEN_INTEREST_UPDATE", p->interest, p->last_ts);
    buf_add_text(out, "}");
}

static bool is_listed_market(const char *market)
{
    for (size_t i = 0; i < vendor.market_count; i++)
        if (strcmp(vendor.markets[i], market) == 0)
            return !vendor.missing_market || strcmp(market, vendor.missing_market) != 0;
    return false;
}

static long answer_catalogue(struct buf *out, const char *path)
{
    char market[64];
    text_in(path, "market=", market, sizeof(market));
    if (!is_listed_market(market)) {
        buf_add_text(out, "{\"Data\":{},\"Err\":{\"type\":1,\"message\":\"Not found\"}}");
        return 404;
    }
    bool is_wrong = vendor.wrong_market && strcmp(market, vendor.wrong_market) == 0;
    buf_printf(out, "{\"Data\":{\"%s\":{\"instruments\":{", is_wrong ? "other" : market);
    size_t count = 0;
    for (size_t i = 0; i < vendor.pair_count; i++) {
        if (strcmp(vendor.pairs[i].market, market) != 0)
            continue;
        buf_add_text(out, count++ > 0 ? "," : "");
        add_pair(out, &vendor.pairs[i]);
    }
    buf_add_text(out, "}}},\"Err\":{}}");
    return 200;
}

/* Ids are in no order; an industry tells of the page it came from. */
static void add_asset(struct buf *out, size_t i, size_t page)
{
    buf_printf(out, "{\"ID\":%zu,\"TYPE\":\"162\",\"SYMBOL\":\"", (i + 1) * 7919 % 1000003);
    if (vendor.is_endless)
        buf_printf(out, "E%zu", i);
    else
        buf_add_text(out, vendor.assets[i]);
    buf_printf(out,
               "\",\"URI\":\"u\",\"NAME\":\"n\",\"ASSET_TYPE\":\"TOKEN\",\"CREATED_ON\":1,"
               "\"ASSET_INDUSTRIES\":[{\"ASSET_INDUSTRY\":\"OF_PAGE_%zu\"}]}",
               page);
}

static void answer_assets(struct buf *out, const char *path)
{
    size_t page = (size_t)number_in(path, "?page="), size = (size_t)number_in(path, "page_size=");
    size_t slipped = vendor.slip * (page - 1), from = (page - 1) * size;
    size_t count = vendor.is_endless ? SIZE_MAX : vendor.asset_count;
    int64_t total = vendor.assets_total < 0 ? (int64_t)vendor.asset_count : vendor.assets_total;
    bool is_there = vendor.pages_max == 0 || page <= vendor.pages_max;
    from -= from < slipped ? from : slipped;
    buf_add_text(out, "{\"Data\":{\"STATS\":{\"PAGE\":1");
    if (total > 0)
        buf_printf(out, ",\"TOTAL_ASSETS\":%lld", (long long)total);
    buf_add_text(out, "},\"LIST\":[");
    for (size_t i = from; i < from + size && i < count && is_there; i++) {
        buf_add_text(out, i > from ? "," : "");
        add_asset(out, i, page);
    }
    buf_add_text(out, "]},\"Err\":{}}");
}

static long answer(struct buf *out, const char *path)
{
    if (strstr(path, "/markets/instruments"))
        return answer_catalogue(out, path);
    if (strstr(path, "/data/exchanges/general"))
        answer_exchanges(out);
    else if (strstr(path, "/markets"))
        answer_markets(out);
    else if (strstr(path, "/asset/v1/top/list"))
        answer_assets(out, path);
    else
        buf_add_text(out, "{\"Data\":[],\"Err\":{}}");
    return 200;
}

int __wrap_call_make(struct caller *caller, const char *path_and_query, call_classify *classify,
                     void *user, enum reply_verdict *out_verdict, struct ccd_error *err);
int __wrap_call_make(struct caller *caller, const char *path_and_query, call_classify *classify,
                     void *user, enum reply_verdict *out_verdict, struct ccd_error *err)
{
    struct buf body;
    struct reply_headers headers;
    if (vendor.interrupted_at == (int64_t)vendor.asked_count + 1)
        return error_set(err, vendor.interrupted_by, "told to end");
    if (vendor.asked_count < FAKE_ASKED_MAX)
        str_copy(vendor.asked[vendor.asked_count], sizeof(*vendor.asked), str_from(path_and_query));
    vendor.asked_count++;
    vendor.min_api_calls += caller == min_api;
    caller->calls++;
    caller->sent_utc_s = now_utc_s;
    buf_init(&body, 64 << 20, NULL);
    reply_headers_init(&headers);
    long status = answer(&body, path_and_query);
    const struct reply_input input = {status, body.data, body.len, &headers};
    error_clear(err);
    *out_verdict = classify(user, caller->decoder, &input, err);
    buf_release(&body);
    bool is_answer = *out_verdict == REPLY_PAGE || *out_verdict == REPLY_BAD_SERIES ||
                     *out_verdict == REPLY_END_OF_HISTORY;
    return is_answer ? 0 : (int)err->status;
}

size_t fake_asked(const char *text)
{
    size_t count = 0;
    for (size_t i = 0; i < vendor.asked_count && i < FAKE_ASKED_MAX; i++)
        count += strstr(vendor.asked[i], text) != NULL;
    return count;
}

/* ---- a source ---- */

static int64_t utc_us(void *user)
{
    (void)user;
    return now_utc_s * 1000000;
}

static const struct clock fake_clock = {.utc_us = utc_us, .mono_us = utc_us};

static void init_source(struct fake_source *f)
{
    f->source = (struct list_source){
        .data_api = &f->data_api,
        .min_api = &f->min_api,
        .store = f->store,
        .now_utc_s = now_utc_s,
    };
}

void fake_open(struct fake_source *f)
{
    char url[128];
    struct ccd_error err = {0};
    const char *base = access("/dev/shm", W_OK) == 0 ? "/dev/shm" : "/tmp";
    *f = (struct fake_source){0};
    vendor = (struct fake_vendor){.assets_total = -1};
    now_utc_s = FAKE_NOW;
    str_print(f->directory, sizeof(f->directory), "%s/ccdata_lists_XXXXXX", base);
    if (!mkdtemp(f->directory) || reply_decoder_init(&f->decoder, NULL, &err) != 0)
        abort();
    str_print(url, sizeof(url), "sqlite:%s/t.db", f->directory);
    if (store_open(&(struct store_config){.url = url, .create_schema = true, .pool_size = 1},
                   &f->store, &err) != 0)
        abort();
    f->data_api = (struct caller){.decoder = &f->decoder, .clock = &fake_clock, .max_calls = -1};
    f->min_api = f->data_api;
    min_api = &f->min_api;
    init_source(f);
}

void fake_next_run(struct fake_source *f, int64_t later_s)
{
    lists_forget(&f->source);
    now_utc_s += later_s;
    vendor.asked_count = vendor.min_api_calls = 0;
    init_source(f);
}

void fake_close(struct fake_source *f)
{
    lists_forget(&f->source);
    store_close(f->store);
    reply_decoder_release(&f->decoder);
    DIR *dir = opendir(f->directory);
    for (struct dirent *e; dir && (e = readdir(dir)) != NULL;) {
        char path[400];
        str_print(path, sizeof(path), "%s/%s", f->directory, e->d_name);
        if (e->d_name[0] != '.')
            unlink(path);
    }
    if (dir)
        closedir(dir);
    rmdir(f->directory);
}
