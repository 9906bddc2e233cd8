#include "cli/json.h"

#include <jansson.h>
#include <string.h>

#include "fake_ccdata.h"
#include "reports.h"
#include "run.h"
#include "test.h"

enum { TEXT_MAX_BYTES = 1 << 20 };

/* One object and nothing else; NULL (and a failed check) otherwise. */
static json_t *parse(const char *text)
{
    json_error_t error;
    json_t *root = json_loads(text, JSON_REJECT_DUPLICATES, &error);
    if (!CHECK(root && json_is_object(root))) {
        json_decref(root);
        return NULL;
    }
    return root;
}

static const char *text_of(json_t *object, const char *key)
{
    return json_string_value(json_object_get(object, key));
}

static json_int_t int_of(json_t *object, const char *key)
{
    json_t *value = json_object_get(object, key);
    return json_is_integer(value) ? json_integer_value(value) : -999;
}

TEST(json_run)
{
    fake_reset();
    fake.report = partial_report();
    struct outcome outcome = run_line("spot_ohlcv --json");
    json_t *root = parse(outcome.out);
    CHECK_INT(1, outcome.exit_code);
    CHECK(contains(outcome.err, "ccdata: partial (exit code 1): kraken XXBT"));
    CHECK_INT(1, int_of(root, "schema"));
    CHECK_TEXT("spot_ohlcv", text_of(root, "command"));
    CHECK_TEXT("partial", text_of(root, "status"));
    CHECK_INT(1, int_of(root, "exit_code"));
    CHECK_INT(110, int_of(root, "records_processed"));
    CHECK_INT(105, int_of(root, "records_inserted"));
    CHECK(json_is_null(json_object_get(root, "resume_at")));
    json_t *totals = json_object_get(root, "totals");
    CHECK_INT(2, int_of(totals, "series"));
    CHECK_INT(3, int_of(totals, "calls"));
    CHECK_INT(110, int_of(totals, "rows_fetched"));
    CHECK_INT(105, int_of(totals, "rows_written"));
    CHECK_INT(5, int_of(totals, "rows_unchanged"));
    CHECK_INT(20000, int_of(totals, "bytes"));
    CHECK(json_real_value(json_object_get(totals, "duration_seconds")) == 2.5);
    json_t *operation = json_array_get(json_object_get(root, "operations"), 0);
    CHECK_TEXT("spot_ohlcv", text_of(operation, "data_type"));
    CHECK_TEXT("1d", text_of(operation, "interval"));
    json_t *series = json_array_get(json_object_get(operation, "series"), 1);
    CHECK_TEXT("kraken", text_of(series, "market"));
    CHECK_TEXT("XXBT", text_of(series, "instrument"));
    CHECK_TEXT("BTC-EUR", text_of(series, "mapped_instrument"));
    CHECK_TEXT("partial", text_of(series, "state"));
    CHECK_TEXT("1970-01-01T00:00:00Z", text_of(series, "from"));
    CHECK_INT(100, int_of(series, "wanted"));
    CHECK_INT(0, int_of(series, "stored"));
    CHECK_INT(60, int_of(series, "fetched"));
    CHECK_INT(0, int_of(series, "empty"));
    CHECK_INT(0, int_of(series, "rejected"));
    CHECK_INT(0, int_of(series, "pending"));
    CHECK_INT(40, int_of(series, "failed"));
    CHECK_INT(2, int_of(series, "calls"));
    CHECK(!json_object_get(series, "windows"));
    json_t *error = json_object_get(series, "error");
    CHECK_TEXT("NETWORK", text_of(error, "status"));
    CHECK_TEXT("connection refused", text_of(error, "message"));
    json_t *complete = json_array_get(json_object_get(operation, "series"), 0);
    CHECK(json_is_null(json_object_get(complete, "error")));
    json_decref(root);
    outcome_release(&outcome);
}

TEST(json_lists)
{
    fake_reset();
    fake.report = lists_report();
    struct outcome outcome = run_line("spot_instruments --json");
    json_t *root = parse(outcome.out);
    CHECK_INT(515, int_of(root, "records_processed"));
    CHECK_INT(302, int_of(root, "records_inserted"));
    CHECK_INT(4, int_of(json_object_get(root, "totals"), "lists"));
    CHECK_INT(4, int_of(json_object_get(root, "totals"), "metadata_calls"));
    json_t *operations = json_object_get(root, "operations");
    json_t *operation = json_array_get(operations, 0);
    CHECK(json_is_null(json_object_get(operation, "interval")));
    CHECK_INT(0, json_array_size(json_object_get(operation, "series")));
    json_t *list = json_array_get(json_object_get(operation, "lists"), 0);
    CHECK_TEXT("exchanges", text_of(list, "table"));
    CHECK(json_is_null(json_object_get(list, "market")));
    CHECK_TEXT("complete", text_of(list, "state"));
    CHECK_INT(340, int_of(list, "listed"));
    CHECK_INT(2, int_of(list, "added"));
    CHECK_INT(300, int_of(list, "changed"));
    CHECK_INT(38, int_of(list, "unchanged"));
    CHECK_INT(1, int_of(list, "gone"));
    CHECK_INT(0, int_of(list, "refused"));
    CHECK_INT(1, int_of(list, "calls"));
    CHECK(json_is_null(json_object_get(list, "error")));
    list = json_array_get(json_object_get(json_array_get(operations, 1), "lists"), 1);
    CHECK_TEXT("kra\033ken", text_of(list, "market"));
    CHECK_INT(4, int_of(list, "unknown_keys"));
    CHECK_TEXT("NEW\033THING", text_of(list, "first_unknown_key"));
    operation = json_array_get(operations, 2);
    CHECK_INT(7, int_of(operation, "exit_code"));
    CHECK(json_is_true(json_object_get(operation, "not_started")));
    json_decref(root);
    outcome_release(&outcome);
}

TEST(json_plan)
{
    fake_reset();
    fake.report = planned_report();
    struct outcome outcome = run_line("spot_ohlcv --json --dry_run");
    json_t *root = parse(outcome.out);
    CHECK_INT(0, outcome.exit_code);
    json_t *totals = json_object_get(root, "totals");
    CHECK_INT(2, int_of(totals, "calls"));
    CHECK_INT(30, int_of(totals, "rows"));
    CHECK_INT(3, int_of(totals, "eta_seconds"));
    CHECK(json_real_value(json_object_get(totals, "quota_share_hour")) == 0.5);
    CHECK(json_is_null(json_object_get(totals, "quota_share_day")));
    json_t *operation = json_array_get(json_object_get(root, "operations"), 0);
    json_t *series = json_array_get(json_object_get(operation, "series"), 1);
    json_t *windows = json_object_get(series, "windows");
    CHECK_INT(2, json_array_size(windows));
    CHECK_TEXT("1970-02-20T00:00:00Z", text_of(json_array_get(windows, 0), "from"));
    CHECK_TEXT("1970-03-02T00:00:00Z", text_of(json_array_get(windows, 0), "to"));
    CHECK_INT(10, int_of(json_array_get(windows, 0), "limit"));
    json_decref(root);
    outcome_release(&outcome);
}

static void check_error(const char *line, const char *command, int exit_code, const char *status)
{
    struct outcome outcome = run_line(line);
    json_t *root = parse(outcome.out);
    json_t *error = json_object_get(root, "error");
    CHECK_INT(exit_code, outcome.exit_code);
    CHECK_INT(1, int_of(root, "schema"));
    CHECK_INT(exit_code, int_of(root, "exit_code"));
    CHECK_TEXT("failed", text_of(root, "status"));
    CHECK_TEXT(command, text_of(root, "command"));
    CHECK_TEXT(status, text_of(error, "status"));
    CHECK(text_of(error, "message") && text_of(error, "message")[0]);
    CHECK(outcome.err[0] != '\0');
    json_decref(root);
    outcome_release(&outcome);
}

TEST(json_errors_before_a_report)
{
    fake_reset();
    check_error("--json", NULL, 2, "USAGE");
    check_error("frobnicate --json", NULL, 2, "USAGE");
    check_error("spot_ohlcv --pair_limit -1 --json", "spot_ohlcv", 2, "USAGE");
    check_error("types frobnicate --json", "types", 2, "USAGE");
    fake.open_error = (struct ccd_error){.status = CCD_CONFIG, .message = ".env:3: no such name"};
    check_error("spot_ohlcv --json", "spot_ohlcv", 2, "CONFIG");
    fake_reset();
    fake.run_error = (struct ccd_error){.status = CCD_DATABASE_UNREACHABLE};
    check_error("spot_ohlcv --json", "spot_ohlcv", 8, "DATABASE_UNREACHABLE");
}

TEST(json_types)
{
    fake_reset();
    struct outcome outcome = run_line("types --json");
    json_t *root = parse(outcome.out);
    CHECK_TEXT("complete", text_of(root, "status"));
    json_t *types = json_object_get(root, "types");
    CHECK_INT(2, json_array_size(types));
    json_t *type = json_array_get(types, 0);
    CHECK_TEXT("spot_ohlcv", text_of(type, "name"));
    CHECK_INT(3, json_array_size(json_object_get(type, "intervals")));
    json_t *column = json_array_get(json_object_get(type, "columns"), 2);
    CHECK_TEXT("close", text_of(column, "name"));
    CHECK_TEXT("CLOSE", text_of(column, "vendor_key"));
    CHECK_TEXT("number", text_of(column, "kind"));
    CHECK_TEXT("value", text_of(column, "role"));
    CHECK(json_is_null(json_object_get(column, "table")));
    json_decref(root);
    outcome_release(&outcome);
    outcome = run_line("types spot_instruments --json");
    root = parse(outcome.out);
    CHECK_INT(1, json_array_size(json_object_get(root, "types")));
    type = json_array_get(json_object_get(root, "types"), 0);
    column = json_array_get(json_object_get(type, "columns"), 1);
    CHECK_TEXT("instrument_aliases", text_of(column, "table"));
    json_decref(root);
    outcome_release(&outcome);
}

TEST(json_writer)
{
    struct buf text;
    struct json j;
    buf_init(&text, TEXT_MAX_BYTES, NULL);
    json_init(&j, &text);
    json_open_object(&j, NULL);
    json_open_list(&j, "empty");
    json_close_list(&j);
    json_open_list(&j, "list");
    json_add_int(&j, NULL, INT64_MIN);
    json_add_number(&j, NULL, 0.1);
    json_add_bool(&j, NULL, true);
    json_add_text(&j, NULL, "\"\033\xFF");
    json_close_list(&j);
    json_close_object(&j);
    CHECK_TEXT("{\n"
               "  \"empty\": [],\n"
               "  \"list\": [\n"
               "    -9223372036854775808,\n"
               "    0.1,\n"
               "    true,\n"
               "    \"\\\"\\u001b\xEF\xBF\xBD\"\n"
               "  ]\n"
               "}",
               text.data);
    buf_release(&text);
}
