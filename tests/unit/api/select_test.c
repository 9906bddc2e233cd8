#include "api/select.h"

#include <stdlib.h>
#include <string.h>

#include "base/hash.h"
#include "fake_lists.h"
#include "test.h"

/* ---- running one ---- */

static const struct str statuses_default[] = {{"ACTIVE", 6}, {"EXPIRED", 7}};

static struct select_context context_of(struct fake_source *f)
{
    return (struct select_context){
        .lists = &f->source, .futures_statuses = statuses_default, .futures_status_count = 2};
}

static int run_with(struct select_context *c, const struct ccd_job *job, struct selection *out,
                    struct ccd_error *err)
{
    struct checked_job checked;
    *err = (struct ccd_error){0};
    *out = (struct selection){0};
    int status = select_check(job, &checked, err);
    return status != 0 ? status : select_series(c, &checked, out, err);
}

/* "market instrument[!]" of each series, in order; ! = failed. */
static void describe(const struct selection *s, char *out, size_t capacity)
{
    out[0] = '\0';
    for (size_t i = 0; i < s->count; i++) {
        size_t len = strlen(out);
        str_print(out + len, capacity - len, "%s%s %s%s", i > 0 ? "," : "",
                  s->items[i].names.market, s->items[i].names.mapped_instrument,
                  s->items[i].error.status != CCD_OK ? "!" : "");
    }
}

static void check_selects(struct fake_source *f, const struct ccd_job *job, const char *expected)
{
    struct select_context c = context_of(f);
    struct selection s;
    struct ccd_error err;
    char text[4096];
    CHECK_INT(0, run_with(&c, job, &s, &err));
    CHECK_TEXT("", err.message);
    describe(&s, text, sizeof(text));
    CHECK_TEXT(expected, text);
    selection_release(&s);
}

static void check_refused(const struct ccd_job *job, const char *words)
{
    struct checked_job checked;
    struct ccd_error err = {0};
    CHECK_INT(CCD_USAGE, select_check(job, &checked, &err));
    if (!CHECK(strstr(err.message, words) != NULL))
        CHECK_TEXT(words, err.message);
}

static struct ccd_job job_of(const char *data_type)
{
    struct ccd_job job = CCD_JOB_INIT;
    job.data_type = data_type;
    return job;
}

/* ---- ranking: against an independent computation ---- */

static const char *const grades_all[] = {"AA", "A", "BB", "B", "C", "D", "E", "F"};
static const char *const quotes_all[] = {"USD", "USDT", "USDC", "EUR", "BTC", "TRY", "KRW", "usd"};
static const char *const bases_all[] = {"BTC", "ETH",    "SOL",  "XRP",  "ADA",  "DOGE",
                                        "$X",  "O'NEIL", "LOW1", "LOW2", "LOW3", "LOW4"};

/* Exchanges of all grades, some without one and some that are no spot market; top assets in random
 * order; pairs with few different trade counts, so that many are equal. */
static void make_world(struct rng *rng)
{
    char name[32];
    size_t exchanges = 4 + rng_below(rng, 12);
    for (size_t e = 0; e < exchanges; e++) {
        size_t grade = rng_below(rng, 10);
        str_print(name, sizeof(name), "Ex%zu", e);
        if (rng_below(rng, 8) > 0)
            fake_add_exchange(name, grade < 8 ? grades_all[grade] : grade == 8 ? "" : NULL);
        str_print(name, sizeof(name), "ex%zu", e);
        for (size_t p = rng_below(rng, 40); p > 0; p--) {
            struct fake_pair *pair = fake_add_pair(name, bases_all[rng_below(rng, 12)],
                                                   quotes_all[rng_below(rng, 8)],
                                                   (int64_t)rng_below(rng, 6));
            str_print(pair->mapped, sizeof(pair->mapped), "P%llu-%zu",
                      (unsigned long long)rng_below(rng, 1000), p);
            str_print(pair->native, sizeof(pair->native), "n%llu-%zu",
                      (unsigned long long)rng_below(rng, 1000), p);
            pair->status = rng_below(rng, 5) > 0 ? "ACTIVE" : "RETIRED";
        }
    }
    fake_add_exchange("NotSpot", "AA");
    size_t first = rng_below(rng, 12);
    for (size_t a = 0; a < 12; a++)
        fake_add_asset(bases_all[(first + a * 5) % 12]);
}

struct wish {
    size_t limit, assets, grade_max;
    const char *const *quotes;
    size_t quote_count;
};

static bool is_graded(const char *market, size_t grade_max)
{
    for (size_t e = 0; e < vendor.exchange_count; e++) {
        const char *name = vendor.exchanges[e].internal_name;
        if (strlen(name) != strlen(market) || strcmp(name + 1, market + 1) != 0)
            continue;
        for (size_t g = 0; g <= grade_max; g++)
            if (vendor.exchanges[e].grade && strcmp(vendor.exchanges[e].grade, grades_all[g]) == 0)
                return true;
    }
    return false;
}

static bool is_candidate(const struct fake_pair *p, const struct wish *wish)
{
    bool good_base = false, good_quote = false;
    for (size_t a = 0; a < wish->assets && a < vendor.asset_count; a++)
        good_base |= strcmp(vendor.assets[a], p->base) == 0;
    for (size_t q = 0; q < wish->quote_count; q++)
        good_quote |= strcasecmp(wish->quotes[q], p->quote) == 0;
    return good_base && good_quote && is_graded(p->market, wish->grade_max) && p->trades > 0 &&
           strcmp(p->status, "ACTIVE") == 0;
}

static bool is_better(const struct fake_pair *a, const struct fake_pair *b)
{
    if (a->trades != b->trades)
        return a->trades > b->trades;
    int order = strcmp(a->market, b->market);
    return order != 0 ? order < 0 : strcmp(a->native, b->native) < 0;
}

/* The best that is worse than `after`; NULL: none. */
static const struct fake_pair *next_best(const struct wish *wish, const struct fake_pair *after)
{
    const struct fake_pair *best = NULL;
    for (size_t i = 0; i < vendor.pair_count; i++) {
        const struct fake_pair *p = &vendor.pairs[i];
        if (is_candidate(p, wish) && (!after || is_better(after, p)) &&
            (!best || is_better(p, best)))
            best = p;
    }
    return best;
}

static void check_ranking(const struct selection *s, const struct wish *wish)
{
    const struct fake_pair *expected = NULL;
    size_t i = 0;
    for (; i < wish->limit && (expected = next_best(wish, expected)) != NULL; i++) {
        const struct selected *item = &s->items[i];
        if (!CHECK(i < s->count))
            return;
        CHECK_TEXT(expected->market, item->names.market);
        CHECK_TEXT(expected->native, item->names.instrument);
        CHECK_INT(expected->trades, item->trades);
        CHECK_INT(i + 1, item->rank);
        CHECK_INT(CCD_OK, item->error.status);
    }
    CHECK_INT(i, s->count);
}

static void check_random_ranking(uint64_t seed)
{
    struct rng rng = {seed};
    struct fake_source f;
    struct selection s;
    struct ccd_error err;
    struct ccd_job job = job_of("spot_ohlcv");
    struct wish wish = {100, 50, 2, quotes_all, 5};
    fake_open(&f);
    make_world(&rng);
    if (rng_below(&rng, 2) == 0)
        job.pair_limit = (int64_t)(wish.limit = 1 + rng_below(&rng, 20));
    if (rng_below(&rng, 2) == 0)
        job.asset_limit = (int64_t)(wish.assets = 1 + rng_below(&rng, 12));
    if (rng_below(&rng, 2) == 0)
        job.min_grade = grades_all[wish.grade_max = rng_below(&rng, 8)];
    if (rng_below(&rng, 2) == 0) {
        job.quotes = wish.quotes = quotes_all + rng_below(&rng, 4);
        job.quote_count = wish.quote_count = 1 + rng_below(&rng, 4);
    }
    struct select_context c = context_of(&f);
    int status = run_with(&c, &job, &s, &err);
    CHECK_INT(0, status);
    if (next_best(&wish, NULL))
        check_ranking(&s, &wish);
    else if (CHECK_INT(1, s.count)) /* nothing to do is no success */
        CHECK_INT(CCD_UNKNOWN_AT_VENDOR, s.items[0].error.status);
    selection_release(&s);
    fake_close(&f);
}

TEST(select_ranking_of_random_worlds)
{
    for (uint64_t seed = 1; seed <= 60; seed++)
        check_random_ranking(seed);
}

/* ---- ranking: one thing at a time ---- */

static void two_exchanges(void)
{
    fake_add_exchange("Kraken", "AA");
    fake_add_exchange("CoinBase", "BB");
    fake_add_asset("BTC");
    fake_add_asset("ETH");
}

TEST(select_ranking_ties_go_by_market_then_instrument)
{
    struct fake_source f;
    fake_open(&f);
    two_exchanges();
    fake_add_pair("kraken", "ETH", "USD", 7);
    fake_add_pair("kraken", "BTC", "USD", 7);
    fake_add_pair("coinbase", "ETH", "EUR", 7);
    fake_add_pair("coinbase", "BTC", "EUR", 8);
    const struct ccd_job job = job_of("spot_ohlcv");
    check_selects(&f, &job, "coinbase BTC-EUR,coinbase ETH-EUR,kraken BTC-USD,kraken ETH-USD");
    fake_close(&f);
}

TEST(select_ranking_leaves_bad_and_unknown_grades_out)
{
    static const char *const bad[] = {"B", "C", "D", "E", "F", "", "G", "AAA", NULL};
    for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++) {
        struct fake_source f;
        fake_open(&f);
        two_exchanges();
        fake_add_exchange("Huge", bad[i]);
        fake_add_pair("huge", "BTC", "USD", INT64_MAX);
        fake_add_pair("nameless", "BTC", "USD", INT64_MAX); /* no exchange is called so */
        fake_add_pair("kraken", "BTC", "USD", 1);
        const struct ccd_job job = job_of("spot_ohlcv");
        check_selects(&f, &job, "kraken BTC-USD");
        CHECK_INT(0, fake_asked("market=huge") + fake_asked("market=nameless"));
        fake_close(&f);
    }
}

/* Its grade was the vendor's word of another day. */
TEST(select_ranking_leaves_exchanges_out_that_are_no_longer_listed)
{
    struct fake_source f;
    fake_open(&f);
    two_exchanges();
    for (int i = 0; i < 8; i++)
        fake_add_exchange(i == 7 ? "gone" : "other", "A");
    fake_add_pair("gone", "BTC", "USD", 9);
    fake_add_pair("kraken", "BTC", "USD", 5);
    const struct ccd_job job = job_of("spot_ohlcv");
    check_selects(&f, &job, "gone BTC-USD,kraken BTC-USD");
    vendor.exchange_count--;
    fake_next_run(&f, FAKE_DAY);
    check_selects(&f, &job, "kraken BTC-USD");
    fake_close(&f);
}

TEST(select_ranking_takes_what_the_options_say)
{
    static const char *const eur[] = {"eur"}, *const named[] = {"KRAKEN"}, *const glob[] = {"c*"};
    struct fake_source f;
    fake_open(&f);
    two_exchanges();
    fake_add_exchange("low", "C");
    fake_add_pair("low", "BTC", "USD", 100);
    fake_add_pair("kraken", "BTC", "USD", 5);
    fake_add_pair("kraken", "ETH", "EUR", 4);
    fake_add_pair("coinbase", "BTC", "USD", 3);
    fake_add_pair("coinbase", "BTC", "TRY", 300);
    fake_add_pair("coinbase", "SHIB", "USD", 300);
    struct ccd_job job = job_of("spot_ohlcv");
    check_selects(&f, &job, "kraken BTC-USD,kraken ETH-EUR,coinbase BTC-USD");
    job.min_grade = "c";
    check_selects(&f, &job, "low BTC-USD,kraken BTC-USD,kraken ETH-EUR,coinbase BTC-USD");
    job.min_grade = "A";
    check_selects(&f, &job, "kraken BTC-USD,kraken ETH-EUR");
    job = job_of("spot_ohlcv");
    job.quotes = eur;
    job.quote_count = 1;
    check_selects(&f, &job, "kraken ETH-EUR");
    job = job_of("spot_ohlcv");
    job.asset_limit = 1;
    check_selects(&f, &job, "kraken BTC-USD,coinbase BTC-USD");
    job = job_of("spot_ohlcv");
    job.pair_limit = 2;
    check_selects(&f, &job, "kraken BTC-USD,kraken ETH-EUR");
    job = job_of("spot_ohlcv");
    job.exchanges = named;
    job.exchange_count = 1;
    check_selects(&f, &job, "kraken BTC-USD,kraken ETH-EUR");
    job.exchanges = glob;
    check_selects(&f, &job, "coinbase BTC-USD");
    fake_close(&f);
}

/* What is named and unknown is said; what is named and graded too low is left out. */
TEST(select_ranking_among_named_exchanges)
{
    static const char *const names[] = {"nosuch", "low", "kraken"};
    struct fake_source f;
    fake_open(&f);
    two_exchanges();
    fake_add_exchange("low", "C");
    fake_add_pair("low", "BTC", "USD", 100);
    fake_add_pair("kraken", "BTC", "USD", 5);
    struct ccd_job job = job_of("spot_ohlcv");
    job.exchanges = names;
    job.exchange_count = 3;
    job.pair_limit = 1;
    check_selects(&f, &job, "nosuch *!,kraken BTC-USD");
    CHECK_INT(0, fake_asked("market=low"));
    job.exchanges = names + 1;
    job.exchange_count = 1;
    check_selects(&f, &job, "low *!");
    fake_close(&f);
}

TEST(select_ranking_goes_on_without_a_broken_market)
{
    struct fake_source f;
    fake_open(&f);
    two_exchanges();
    fake_add_pair("coinbase", "BTC", "USD", 9);
    fake_add_pair("kraken", "BTC", "USD", 5);
    const struct ccd_job job = job_of("spot_ohlcv");
    vendor.wrong_market = "coinbase";
    check_selects(&f, &job, "coinbase *!,kraken BTC-USD");
    vendor.wrong_market = NULL;
    vendor.missing_market = "coinbase"; /* listed without instruments: nothing is missed */
    fake_next_run(&f, 0);
    check_selects(&f, &job, "kraken BTC-USD");
    fake_close(&f);
}

/* An instrument that the vendor has given up is no candidate; one day's short list ends no series
 * that was asked for by a glob. */
TEST(select_pairs_that_are_no_longer_listed)
{
    static const char *const glob[] = {"*-USD"};
    struct fake_source f;
    fake_open(&f);
    two_exchanges();
    for (int i = 0; i < 9; i++) {
        char quote[8];
        str_print(quote, sizeof(quote), "Q%d", i);
        fake_add_pair("kraken", "ETH", quote, 1);
    }
    fake_add_pair("kraken", "BTC", "USD", 5);
    struct ccd_job job = job_of("spot_ohlcv");
    check_selects(&f, &job, "kraken BTC-USD");
    vendor.pair_count--;
    fake_next_run(&f, 2 * FAKE_DAY);
    check_selects(&f, &job, "* *!");
    job.market = "kraken";
    job.instruments = glob;
    job.instrument_count = 1;
    check_selects(&f, &job, "kraken BTC-USD");
    fake_close(&f);
}

TEST(select_ranking_asks_what_is_not_fresh)
{
    struct fake_source f;
    fake_open(&f);
    two_exchanges();
    fake_add_pair("kraken", "BTC", "USD", 5);
    fake_add_pair("coinbase", "BTC", "USD", 3);
    const struct ccd_job job = job_of("spot_ohlcv");
    const char *expected = "kraken BTC-USD,coinbase BTC-USD";
    check_selects(&f, &job, expected);
    CHECK_INT(5, vendor.asked_count);
    CHECK_INT(1, vendor.min_api_calls);
    check_selects(&f, &job, expected);
    CHECK_INT(5, vendor.asked_count);
    fake_next_run(&f, 3599);
    check_selects(&f, &job, expected);
    CHECK_INT(0, vendor.asked_count);
    fake_next_run(&f, 1); /* top assets: an hour */
    check_selects(&f, &job, expected);
    CHECK_INT(1, vendor.asked_count);
    CHECK_INT(1, fake_asked("/asset/v1/top/list"));
    fake_next_run(&f, FAKE_DAY);
    check_selects(&f, &job, expected);
    CHECK_INT(5, vendor.asked_count);
    fake_close(&f);
}

TEST(select_a_plan_asks_for_each_list_once)
{
    struct fake_source f;
    fake_open(&f);
    two_exchanges();
    fake_add_pair("kraken", "BTC", "USD", 5);
    fake_add_pair("coinbase", "BTC", "USD", 3);
    f.source.read_only = true;
    struct ccd_job job = job_of("spot_ohlcv");
    check_selects(&f, &job, "kraken BTC-USD,coinbase BTC-USD");
    job.pair_limit = 1;
    check_selects(&f, &job, "kraken BTC-USD");
    job.market = "kraken";
    check_selects(&f, &job, "kraken BTC-USD");
    job = job_of("indices_ohlcv");
    check_selects(&f, &job, "cadli BTC-USD,cadli ETH-USD");
    CHECK_INT(5, vendor.asked_count);
    fake_next_run(&f, 0);
    check_selects(&f, &job, "cadli BTC-USD,cadli ETH-USD");
    CHECK_INT(1, vendor.asked_count); /* nothing was stored */
    fake_close(&f);
}

TEST(select_ends_with_the_run)
{
    static const enum ccd_status ends[] = {CCD_QUOTA_EXHAUSTED, CCD_INTERRUPTED, CCD_NETWORK};
    for (int64_t call = 1; call <= 5; call++)
        for (size_t e = 0; e < 3; e++) {
            struct fake_source f;
            struct selection s;
            struct ccd_error err;
            fake_open(&f);
            two_exchanges();
            fake_add_pair("kraken", "BTC", "USD", 5);
            fake_add_pair("coinbase", "BTC", "USD", 3);
            vendor.interrupted_at = call;
            vendor.interrupted_by = ends[e];
            const struct ccd_job job = job_of("spot_ohlcv");
            struct select_context c = context_of(&f);
            CHECK_INT(ends[e], run_with(&c, &job, &s, &err));
            CHECK_INT(0, s.count);
            vendor.interrupted_at = 0;
            fake_next_run(&f, 0);
            check_selects(&f, &job, "kraken BTC-USD,coinbase BTC-USD");
            CHECK_INT(6 - call, vendor.asked_count); /* what came before is stored */
            fake_close(&f);
        }
}

/* ---- a market or an instrument that is named ---- */

TEST(select_named_is_taken_for_what_it_is)
{
    static const char *const usd[] = {"USD"}, *const both[] = {"BTC-TRY", "ETH*"};
    struct fake_source f;
    fake_open(&f);
    two_exchanges();
    fake_add_exchange("low", "F");
    fake_add_pair("low", "BTC", "TRY", 100);
    fake_add_pair("low", "BTC", "USD", 90);
    fake_add_pair("low", "ETH", "USD", 95);
    fake_add_pair("low", "OLD", "USD", 80)->status = "RETIRED";
    fake_add_pair("kraken", "BTC", "TRY", 7);
    struct ccd_job job = job_of("spot_ohlcv");
    job.market = "LOW"; /* whatever its grade, quotes and bases */
    check_selects(&f, &job, "low BTC-TRY,low BTC-USD,low ETH-USD");
    CHECK_INT(1, vendor.asked_count);
    job.pair_limit = 2;
    check_selects(&f, &job, "low BTC-TRY,low ETH-USD");
    job.quotes = usd; /* what is given narrows all the same */
    job.quote_count = 1;
    check_selects(&f, &job, "low ETH-USD,low BTC-USD");
    job.asset_limit = 1;
    check_selects(&f, &job, "low BTC-USD");
    job = job_of("spot_ohlcv");
    job.market = "low";
    job.instruments = both;
    job.instrument_count = 2;
    check_selects(&f, &job, "low BTC-TRY,low ETH-USD");
    job = job_of("spot_ohlcv");
    job.instrument = "BTC-TRY"; /* on all markets that are graded well enough */
    check_selects(&f, &job, "kraken BTC-TRY");
    job.instrument = "OLDUSD"; /* a native id, whatever its status */
    job.market = "low";
    check_selects(&f, &job, "low OLD-USD");
    job.instrument = "NO-SUCH";
    job.market = NULL;
    check_selects(&f, &job, "kraken NO-SUCH!");
    fake_close(&f);
}

/* ---- futures ---- */

static const char perpetual[] = "BTC-USDT-VANILLA-PERPETUAL";

static struct fake_pair *add_future(const char *market, const char *mapped, int64_t trades,
                                    int64_t funding, int64_t interest)
{
    struct fake_pair *p = fake_add_pair(market, "BTC", "USDT", trades);
    str_copy(p->mapped, sizeof(p->mapped), str_from(mapped));
    str_print(p->native, sizeof(p->native), "native-%s", mapped);
    p->funding = funding;
    p->interest = interest;
    return p;
}

TEST(select_futures_by_what_they_have)
{
    static const struct {
        const char *type, *expected;
    } cases[] = {{"futures_ohlcv", "binance T,okex X"},
                 {"futures_funding_rate", "binance F,okex X"},
                 {"futures_open_interest", "binance O,okex X"}};
    for (size_t i = 0; i < 3; i++) {
        struct fake_source f;
        fake_open(&f);
        add_future("okex", "X", 1, 1, 1);
        add_future("okex", "N", 0, 0, 0);
        add_future("binance", "T", 5, 0, 0);
        add_future("binance", "F", 0, 6, 0);
        add_future("binance", "O", 0, 0, 7);
        add_future("binance", "R", 5, 5, 5)->status = "RETIRED";
        const struct ccd_job job = job_of(cases[i].type);
        check_selects(&f, &job, cases[i].expected);
        fake_close(&f);
    }
}

TEST(select_futures_that_expired_end_with_their_last_update)
{
    struct fake_source f;
    struct selection s;
    struct ccd_error err;
    fake_open(&f);
    add_future("binance", "OLD", 5, 0, 0)->status = "EXPIRED";
    vendor.pairs[0].last_ts = FAKE_NOW - 30 * FAKE_DAY + 5;
    add_future("binance", "NEW", 5, 0, 0);
    struct select_context c = context_of(&f);
    struct ccd_job job = job_of("futures_ohlcv");
    CHECK_INT(0, run_with(&c, &job, &s, &err));
    if (CHECK_INT(2, s.count)) { /* the vendor's list is read in the order of its keys */
        CHECK_TEXT("NEW", s.items[0].names.mapped_instrument);
        CHECK_INT(FAKE_NOW, s.items[0].want.to_ts);
        CHECK_INT(FAKE_NOW - 29 * FAKE_DAY, s.items[1].want.to_ts);
        CHECK_INT(FAKE_NOW - 100 * FAKE_DAY, s.items[1].want.from_ts);
    }
    selection_release(&s);
    const struct str only_active[] = {STR("active")};
    c.futures_statuses = only_active;
    c.futures_status_count = 1;
    CHECK_INT(0, run_with(&c, &job, &s, &err));
    CHECK_INT(1, s.count);
    selection_release(&s);
    fake_close(&f);
}

TEST(select_futures_of_the_configured_exchanges)
{
    static const char *const named[] = {"okex"}, *const by_name[] = {perpetual},
                             *const by_native[] = {"native-BTC-USDT-VANILLA-PERPETUAL"};
    const struct str configured[] = {STR("Bin*"), STR("bybit"), STR("b*")};
    const struct str misspelt[] = {STR("binance"), STR("okx")};
    struct fake_source f;
    struct selection s;
    struct ccd_error err;
    char text[512];
    fake_open(&f);
    add_future("okex", perpetual, 1, 1, 1);
    add_future("binance", perpetual, 1, 1, 1);
    add_future("bybit", perpetual, 1, 1, 1);
    struct select_context c = context_of(&f);
    struct ccd_job job = job_of("futures_ohlcv");
    c.futures_exchanges = configured;
    c.futures_exchange_count = 3;
    CHECK_INT(0, run_with(&c, &job, &s, &err));
    describe(&s, text, sizeof(text));
    CHECK_TEXT("binance BTC-USDT-VANILLA-PERPETUAL,bybit BTC-USDT-VANILLA-PERPETUAL", text);
    selection_release(&s);
    job.exchanges = named; /* a job's own go before them */
    job.exchange_count = 1;
    job.instruments = by_native;
    job.instrument_count = 1;
    CHECK_INT(0, run_with(&c, &job, &s, &err));
    CHECK_INT(1, s.count);
    CHECK_TEXT("okex", s.items[0].names.market);
    selection_release(&s);
    job = job_of("futures_ohlcv");
    job.instruments = by_name;
    job.instrument_count = 1;
    c.futures_exchanges = misspelt;
    c.futures_exchange_count = 2;
    CHECK_INT(CCD_USAGE, run_with(&c, &job, &s, &err));
    CHECK_TEXT("FUTURES_EXCHANGES: no market \"okx\": the vendor calls it okex", err.message);
    fake_close(&f);
}

/* ---- indices ---- */

TEST(select_indices_of_any_number_of_top_assets)
{
    static const int64_t limits[] = {-1, 1, 50, 100, 101, 250, 400};
    struct fake_source f;
    char name[32];
    fake_open(&f);
    for (int i = 0; i < 300; i++) {
        str_print(name, sizeof(name), "S%d", i);
        fake_add_asset(name);
    }
    vendor.slip = 2;
    for (size_t i = 0; i < sizeof(limits) / sizeof(*limits); i++) {
        struct select_context c = context_of(&f);
        struct selection s;
        struct ccd_error err;
        struct ccd_job job = job_of("indices_ohlcv");
        job.asset_limit = limits[i];
        CHECK_INT(0, run_with(&c, &job, &s, &err));
        /* The list moved by two with each page, so it ends four before its end. */
        size_t wanted = limits[i] < 0 ? 50 : limits[i] > 296 ? 296 : (size_t)limits[i];
        CHECK_INT(wanted, s.count);
        for (size_t k = 0; k < s.count; k++) {
            str_print(name, sizeof(name), "S%zu-USD", k);
            CHECK_TEXT(name, s.items[k].names.instrument);
            CHECK_TEXT("cadli", s.items[k].names.market);
            CHECK_INT(k + 1, s.items[k].rank);
            CHECK(s.items[k].optional);
        }
        selection_release(&s);
    }
    CHECK_INT(0, fake_asked("page_size=100&page=4"));
    fake_close(&f);
}

static void store_index(struct fake_source *f, const char *market, const char *instrument)
{
    const struct data_type *type = data_type_find(STR("indices_ohlcv"));
    struct series_names names;
    struct ccd_error err = {0};
    CHECK(series_names_set(&names, type, str_from(market), str_from(instrument),
                           str_from(instrument)));
    CHECK_INT(0, f->store->ops->put_series(f->store, type, &names, 1, &err));
}

TEST(select_indices_by_globs)
{
    static const char *const bitcoin[] = {"BTC-*"}, *const mixed[] = {"DOGE-EUR", "B*", "ETH-*"},
                             *const none[] = {"Z*"};
    struct fake_source f;
    fake_open(&f);
    two_exchanges();
    fake_add_asset("BNB");
    store_index(&f, "cadli", "BTC-EUR");
    store_index(&f, "cadli", "BTC-USD");
    store_index(&f, "ccix", "BTC-GBP");
    struct ccd_job job = job_of("indices_ohlcv");
    job.instruments = bitcoin;
    job.instrument_count = 1;
    check_selects(&f, &job, "cadli BTC-USD,cadli BTC-EUR");
    job.instruments = mixed;
    job.instrument_count = 3;
    check_selects(&f, &job,
                  "cadli DOGE-EUR,cadli BTC-USD,cadli BNB-USD,cadli BTC-EUR,cadli ETH-USD");
    job.asset_limit = 1;
    check_selects(&f, &job, "cadli DOGE-EUR,cadli BTC-USD,cadli BTC-EUR");
    job.instruments = none;
    job.instrument_count = 1;
    check_selects(&f, &job, "* Z*!");
    fake_close(&f);
}

/* ---- words that make no sense ---- */

TEST(select_check_refuses_what_a_type_does_not_take)
{
    static const char *const names[] = {"x"};
    static const char *const spots[] = {"futures_ohlcv", "indices_ohlcv", "spot_instruments",
                                        "asset_metadata", "exchange_metadata"};
    for (size_t i = 0; i < 5; i++) {
        struct ccd_job job = job_of(spots[i]);
        job.quotes = names;
        job.quote_count = 1;
        check_refused(&job, "takes no --quotes: that is for spot_ohlcv");
        job = job_of(spots[i]);
        job.min_grade = "A";
        check_refused(&job, "takes no --min_grade: that is for spot_ohlcv");
        job = job_of(spots[i]);
        job.asset_limit = 5;
        if (i != 1)
            check_refused(&job, "takes no --asset_limit: that is for spot_ohlcv and indices_ohlcv");
    }
    struct ccd_job job = job_of("spot_ohlcv");
    job.full_refresh = true;
    check_refused(&job, "takes no --full_refresh");
    job = job_of("spot_ohlcv");
    job.force = true;
    check_refused(&job, "takes no --force");
    job = job_of("spot_instruments");
    job.exchange_type = "spot";
    check_refused(&job, "takes no --exchange_type");
    job = job_of("asset_metadata");
    job.from = "2024-01-01";
    check_refused(&job, "takes no --from or --to");
    job = job_of("asset_metadata");
    job.exchanges = names;
    job.exchange_count = 1;
    check_refused(&job, "takes no market");
    job = job_of("spot_instruments");
    job.instrument = "BTC-USD";
    check_refused(&job, "takes no --instruments");
    job = job_of("indices_ohlcv");
    job.exchanges = names;
    job.exchange_count = 1;
    check_refused(&job, "an index has no exchanges");
}

TEST(select_check_refuses_wrong_values)
{
    static const char *const misspelt[] = {"okx"}, *const bad_quote[] = {"U\nSD"};
    struct ccd_job job = job_of("spot_ohlcv");
    job.min_grade = "BBB";
    check_refused(&job, "the vendor's are AA, A, BB, B, C, D, E and F");
    job.min_grade = "";
    check_refused(&job, "no grade \"\"");
    job = job_of("spot_ohlcv");
    job.asset_limit = 0;
    check_refused(&job, "--asset_limit 0 makes no sense");
    job = job_of("spot_ohlcv");
    job.pair_limit = -5;
    check_refused(&job, "--pair_limit -5 makes no sense");
    job = job_of("spot_ohlcv");
    job.quotes = bad_quote;
    job.quote_count = 1;
    check_refused(&job, "control character");
    job = job_of("exchange_metadata");
    job.exchange_type = "options";
    check_refused(&job, "use spot, futures or all");
    job = job_of("futures_ohlcv");
    job.exchanges = misspelt;
    job.exchange_count = 1;
    check_refused(&job, "the vendor calls it okex");
}

TEST(select_check_takes_every_type)
{
    for (size_t i = 0; i < data_type_count; i++) {
        struct checked_job checked;
        struct ccd_error err = {0};
        const struct ccd_job job = job_of(data_types[i]->name);
        CHECK_INT(0, select_check(&job, &checked, &err));
        CHECK(checked.type == data_types[i]);
    }
}
