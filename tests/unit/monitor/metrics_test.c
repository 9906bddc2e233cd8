#include "monitor/metrics.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "model/data_type.h"
#include "test.h"

static char *text_of(const struct metrics *m)
{
    struct buf out;
    buf_init(&out, 8 << 20, NULL);
    metrics_write(m, "1.2.3", &out);
    CHECK(!out.failed);
    char *text = strdup(out.data);
    buf_release(&out);
    return text;
}

static void check_line(const char *text, const char *line)
{
    if (!CHECK(strstr(text, line)))
        CHECK_TEXT(line, text);
}

TEST(metrics_count_and_tell)
{
    struct metrics *m = metrics_new(NULL);
    metric_add(m, METRIC_CALLS, ENDPOINT_CANDLES, OUTCOME_OK, 3);
    metric_add(m, METRIC_CALLS, ENDPOINT_CANDLES, OUTCOME_OK, 2);
    metric_set(m, METRIC_QUOTA_LEFT, 2, 0, 2999);
    metric_set(m, METRIC_COVERAGE, 0, 1, 987654);
    metric_set(m, METRIC_RUN_SECONDS, 0, 0, 1500);
    metric_set(m, METRIC_AGE, 5, METRIC_METADATA_INTERVAL, 60);
    char *text = text_of(m);
    check_line(text, "\nccdata_calls_total{endpoint=\"candles\",outcome=\"ok\"} 5\n");
    check_line(text, "\n# TYPE ccdata_calls_total counter\n");
    check_line(text, "\nccdata_quota_left_calls{window=\"hour\"} 2999\n");
    check_line(text, "{data_type=\"spot_ohlcv\",interval=\"1h\"} 0.987654\n");
    check_line(text, "\nccdata_run_duration_seconds 1.5\n");
    check_line(text, "interval=\"\"} 60\n");
    check_line(text, "\nccdata_throttled_total 0\n");
    check_line(text, "\nccdata_rows_quarantined_total{data_type=\"spot_ohlcv\"} 0\n");
    check_line(text, "\nccdata_runs_total{outcome=\"failed\"} 0\n");
    check_line(text, "ccdata_build_info{version=\"1.2.3\"} 1\n");
    CHECK(!strstr(text, "outcome=\"refused\"")); /* two labels: only what happened is told */
    CHECK_INT(5, metric_read(m, METRIC_CALLS, ENDPOINT_CANDLES, OUTCOME_OK));
    free(text);
    metrics_free(m, NULL);
}

TEST(metrics_histogram_adds_up)
{
    struct metrics *m = metrics_new(NULL);
    static const int64_t times_us[] = {1, 1000, 1001, 40000, 60000000, 60000001, -5};
    for (size_t i = 0; i < sizeof times_us / sizeof *times_us; i++)
        metric_observe(m, METRIC_CALL_SECONDS, ENDPOINT_QUOTA, times_us[i]);
    char *text = text_of(m);
    check_line(text, "ccdata_call_duration_seconds_bucket{endpoint=\"quota\",le=\"0.001\"} 3\n");
    check_line(text, "ccdata_call_duration_seconds_bucket{endpoint=\"quota\",le=\"0.005\"} 4\n");
    check_line(text, "ccdata_call_duration_seconds_bucket{endpoint=\"quota\",le=\"60\"} 6\n");
    check_line(text, "ccdata_call_duration_seconds_bucket{endpoint=\"quota\",le=\"+Inf\"} 7\n");
    check_line(text, "ccdata_call_duration_seconds_count{endpoint=\"quota\"} 7\n");
    check_line(text, "ccdata_call_duration_seconds_sum{endpoint=\"quota\"} 120.042003\n");
    free(text);
    metrics_free(m, NULL);
}

/* Whatever comes: nothing outside of the lists is counted, so the series are as many as the table
 * says. */
TEST(metrics_are_bounded)
{
    struct metrics *m = metrics_new(NULL);
    for (int metric = 0; metric < METRIC_COUNT; metric++)
        for (int label = -3; label < 300; label++)
            for (int more = -3; more < 30; more++) {
                metric_add(m, (enum metric)metric, label, more, 1);
                metric_set(m, (enum metric)metric, label, more, 1);
                metric_observe(m, METRIC_CALL_SECONDS, label, 1);
            }
    char *text = text_of(m);
    int lines = 0;
    for (const char *p = text; *p; p++)
        lines += *p == '\n';
    CHECK(lines > 100 && lines < 2000);
    free(text);
    metrics_free(m, NULL);
    metric_add(NULL, METRIC_CALLS, 0, 0, 1);
    metric_observe(NULL, METRIC_CALL_SECONDS, 0, 1);
}

TEST(metrics_endpoints_by_path)
{
    static const struct {
        const char *path;
        enum metric_endpoint endpoint;
    } cases[] = {
        {"/spot/v1/historical/days?market=kraken", ENDPOINT_CANDLES},
        {"/futures/v1/historical/funding-rate/hours?x", ENDPOINT_CANDLES},
        {"/spot/v1/markets/instruments?market=a", ENDPOINT_INSTRUMENTS},
        {"/spot/v1/markets", ENDPOINT_MARKETS},
        {"/asset/v1/top/list?page=1", ENDPOINT_ASSETS},
        {"/data/exchanges/general", ENDPOINT_EXCHANGES},
        {"/admin/v2/rate/limit", ENDPOINT_QUOTA},
        {"/", ENDPOINT_OTHER},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        CHECK_INT(cases[i].endpoint, metric_endpoint_of(cases[i].path));
}

enum { THREADS = 4, ROUNDS = 20000 };
static struct metrics *crowded;

static void *count_much(void *user)
{
    (void)user;
    for (int i = 0; i < ROUNDS; i++) {
        metric_add(crowded, METRIC_ROWS_INSERTED, i % 3, 0, 1);
        metric_observe(crowded, METRIC_COMMIT_SECONDS, 0, i);
    }
    return NULL;
}

/* A scrape in the middle of it: buckets never shrink towards the last, and the end is exact. */
TEST(metrics_scraped_while_threads_count)
{
    pthread_t threads[THREADS];
    crowded = metrics_new(NULL);
    for (int i = 0; i < THREADS; i++)
        CHECK_INT(0, pthread_create(&threads[i], NULL, count_much, NULL));
    long last = 0;
    for (int i = 0; i < 50; i++) {
        char *text = text_of(crowded);
        const char *inf = strstr(text, "ccdata_commit_duration_seconds_bucket{le=\"+Inf\"} ");
        long count = inf ? strtol(strchr(inf, ' '), NULL, 10) : 0;
        CHECK(count >= last);
        last = count;
        free(text);
    }
    for (int i = 0; i < THREADS; i++)
        pthread_join(threads[i], NULL);
    int64_t sum = 0;
    for (int i = 0; i < 3; i++)
        sum += metric_read(crowded, METRIC_ROWS_INSERTED, i, 0);
    CHECK_INT(THREADS * ROUNDS, sum);
    metrics_free(crowded, NULL);
}
