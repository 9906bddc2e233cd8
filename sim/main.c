/* ccdata-sim: the command line. */
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include "base/time.h"
#include "sim/server.h"

enum { EXIT_USAGE = 2, TEXT_COLUMN = 30 };

/* How the text of an option becomes a value. */
enum option_kind {
    OPTION_FLAG,
    OPTION_I64,
    OPTION_INT,
    OPTION_U64,
    OPTION_TEXT,
    OPTION_TIME, /* ISO 8601, or seconds since 1970 */
    OPTION_LISTEN,
    OPTION_KEY,
    OPTION_NOW,
    OPTION_FAULT,
    OPTION_UNLIMITED,
    OPTION_HELP,
    OPTION_VERSION,
};

struct option_row {
    const char *name;
    const char *value; /* shown in the help; NULL = takes none */
    enum option_kind kind;
    size_t offset; /* in struct settings */
    int64_t low, high;
    const char *text;
};

#define AT(member) offsetof(struct settings, member)
#define ANY_COUNT 0, INT64_C(1000000000000)
#define PERMILLE 0, 1000

static const struct option_row option_rows[] = {
    {"listen", "HOST:PORT", OPTION_LISTEN, 0, 0, 0,
     "loopback address to serve on (127.0.0.1:0); port 0 = any free one"},
    {"seed", "N", OPTION_U64, AT(world.seed), 0, 0, "seed of all data and of the faults (1)"},
    {"key", "KEY", OPTION_KEY, AT(key), 0, 0,
     "the only API key that is accepted (none: any key, but some key)"},
    {"per_second", "N", OPTION_I64, AT(limits[0]), ANY_COUNT,
     "calls per second (100); 0 = no limit"},
    {"per_minute", "N", OPTION_I64, AT(limits[1]), ANY_COUNT, "calls per minute (6000)"},
    {"per_hour", "N", OPTION_I64, AT(limits[2]), ANY_COUNT, "calls per hour (300000)"},
    {"per_day", "N", OPTION_I64, AT(limits[3]), ANY_COUNT, "calls per day (5000000)"},
    {"per_month", "N", OPTION_I64, AT(limits[4]), ANY_COUNT, "calls per 30 days (50000000)"},
    {"unlimited", NULL, OPTION_UNLIMITED, 0, 0, 0, "no limits and no X-RateLimit headers"},
    {"fault", "NAME=RATE", OPTION_FAULT, 0, 0, 0, "a fault and how often, 0 to 1; may be repeated"},
    {"latency_ms", "N", OPTION_I64, AT(latency_ms), 0, 600000, "pause before each reply (0)"},
    {"now", "TIME", OPTION_NOW, AT(now_utc_s), 0, 0,
     "the world's clock, standing still, as ISO time or seconds; quotas keep the real clock"},
    {"log", "FILE", OPTION_TEXT, AT(log_path), 0, 0, "append one JSON line per request"},
    {"content_length", NULL, OPTION_FLAG, AT(content_length), 0, 0,
     "send Content-Length instead of chunks"},
    {"cache_mib", "N", OPTION_I64, AT(cache_mib), 0, 65536, "memory for finished pages (256)"},
    {"first", "TIME", OPTION_TIME, AT(world.first_ts), 0, 0,
     "no series starts before (2010-01-01)"},
    {"markets", "N", OPTION_INT, AT(world.market_count), 0, 100,
     "made-up markets per data type (0: the vendor's names)"},
    {"instruments", "N", OPTION_INT, AT(world.instruments_per_market), 0, 10000,
     "instruments per market (0: all of them)"},
    {"hole_permille", "N", OPTION_INT, AT(world.hole_permille), PERMILLE,
     "periods without any record (0)"},
    {"mend_s", "N", OPTION_I64, AT(world.mend_s), 0, 31536000,
     "half of those get one up to so much later (0: none)"},
    {"idle_permille", "N", OPTION_INT, AT(world.idle_permille), PERMILLE,
     "periods without a trade (10)"},
    {"restate_permille", "N", OPTION_INT, AT(world.restate_permille), PERMILLE,
     "rows that change once, later (1)"},
    {"publish_delay_s", "N", OPTION_I64, AT(world.publish_delay_s), 0, 86400,
     "a closed period appears so much later (0)"},
    {"cache_s", "N", OPTION_I64, AT(world.cache_s), 0, 86400,
     "replies may be as old as this (300)"},
    {"assets", "N", OPTION_INT, AT(world.asset_count), 0, 100000,
     "assets in the list (0: all there are, 440)"},
    {"metadata_version", "N", OPTION_INT, AT(world.metadata_version), 1, VERSION_MAX,
     "version of the lists, 1 to 9: each changes, adds and drops one record of every list (1)"},
    {"shrink", NULL, OPTION_FLAG, AT(world.shrink), 0, 0,
     "lists of assets and instruments end after 70 %"},
    {"hostile_names", NULL, OPTION_FLAG, AT(world.hostile_names), 0, 0,
     "adds markets, instruments and assets with payloads for names"},
    {"help", NULL, OPTION_HELP, 0, 0, 0, "this text"},
    {"version", NULL, OPTION_VERSION, 0, 0, 0, "the version"},
};
enum { OPTION_COUNT = sizeof option_rows / sizeof option_rows[0] };

static void print_help(FILE *to)
{
    fputs("usage: ccdata-sim [OPTION…]\n\n"
          "A stand-in for the vendor's API on this machine: made-up candles, real behaviour.\n\n",
          to);
    for (size_t i = 0; i < OPTION_COUNT; i++) {
        const struct option_row *row = &option_rows[i];
        int width = fprintf(to, "  --%s%s%s", row->name, row->value ? " " : "",
                            row->value ? row->value : "");
        fprintf(to, "%*s%s\n", width < TEXT_COLUMN ? TEXT_COLUMN - width : 2, "", row->text);
    }
    fputs("\n'_' and '-' are equal; --opt=value is --opt value. Faults:\n\n", to);
    for (size_t i = 0; i < FAULT_COUNT; i++) {
        int width = fprintf(to, "  %s", fault_infos[i].name);
        fprintf(to, "%*s%s\n", TEXT_COLUMN - width, "", fault_infos[i].text);
    }
}

static const struct option_row *option_find(struct str name)
{
    for (size_t i = 0; i < OPTION_COUNT; i++)
        if (strlen(option_rows[i].name) == name.len &&
            str_distance(str_from(option_rows[i].name), name) == 0)
            return &option_rows[i];
    return NULL;
}

static bool set_time(const char *text, int64_t *out_utc_s)
{
    bool date_only;
    return str_to_i64(str_from(text), out_utc_s) ||
           time_parse_iso(str_from(text), out_utc_s, &date_only);
}

static bool set_fault(struct settings *settings, const char *text)
{
    struct str rest = str_from(text);
    struct str name = str_split(&rest, '=');
    double rate;
    enum fault fault = fault_find(name);
    if (fault == FAULT_NONE || !str_to_f64(rest, &rate) || rate < 0 || rate > 1)
        return false;
    settings->fault_rates[fault] = rate;
    return true;
}

/* False: the value does not fit the option. */
static bool set_value(struct settings *settings, const struct option_row *row, const char *value)
{
    char *at = (char *)settings + row->offset;
    int64_t number = 0;
    switch (row->kind) {
    case OPTION_FLAG:
        memcpy(at, &(bool){true}, sizeof(bool));
        return true;
    case OPTION_I64:
    case OPTION_INT:
        if (!str_to_i64(str_from(value), &number) || number < row->low || number > row->high)
            return false;
        if (row->kind == OPTION_I64)
            memcpy(at, &number, sizeof number);
        else
            memcpy(at, &(int){(int)number}, sizeof(int));
        return true;
    case OPTION_U64:
        return str_to_u64(str_from(value), (uint64_t *)(void *)at);
    case OPTION_TEXT:
        memcpy(at, &value, sizeof value);
        return true;
    case OPTION_KEY:
        settings->key = strcmp(value, "none") == 0 ? NULL : value;
        return true;
    case OPTION_NOW:
        settings->has_now = true;
        return set_time(value, (int64_t *)(void *)at);
    case OPTION_TIME:
        return set_time(value, (int64_t *)(void *)at);
    case OPTION_FAULT:
        return set_fault(settings, value);
    case OPTION_UNLIMITED:
        memset(settings->limits, 0, sizeof settings->limits);
        return true;
    default:
        return true;
    }
}

/* -1: go on; else the exit code. */
static int parse_arguments(struct settings *settings, int count, char **arguments,
                           struct ccd_error *err)
{
    for (int i = 1; i < count; i++) {
        struct str rest = str_from(arguments[i]);
        if (!str_starts_with(rest, STR("--")))
            return error_set(err, CCD_USAGE, "unexpected argument %s", arguments[i]);
        rest = (struct str){rest.ptr + 2, rest.len - 2};
        struct str name = str_split(&rest, '=');
        const char *value = rest.len > 0 ? rest.ptr : NULL;
        const struct option_row *row = option_find(name);
        if (!row)
            return error_set(err, CCD_USAGE, "unknown option %s", arguments[i]);
        if (row->kind == OPTION_HELP) {
            print_help(stdout);
            return 0;
        }
        if (row->kind == OPTION_VERSION) {
            printf("ccdata-sim %s\n", CCDATA_VERSION);
            return 0;
        }
        if (row->value && !value && i + 1 < count)
            value = arguments[++i];
        if (!row->value != !value)
            return error_set(err, CCD_USAGE, "--%s takes %s value", row->name,
                             row->value ? "a" : "no");
        if (row->kind == OPTION_LISTEN) {
            if (server_parse_listen(settings, str_from(value), err) != 0)
                return EXIT_USAGE;
        } else if (!set_value(settings, row, value)) {
            return error_set(err, CCD_USAGE, "--%s: %s is no %s", row->name, value, row->value);
        }
    }
    return -1;
}

int main(int argc, char **argv)
{
    struct ccd_error err = {0};
    struct settings settings = {
        .host = "127.0.0.1",
        .world = world_defaults,
        /* What a commercial key had in June 2025. */
        .limits = {100, 6000, 300000, 5000000, 50000000},
        .cache_mib = 256,
    };
    int status = parse_arguments(&settings, argc, argv, &err);
    if (status == 0)
        return fflush(stdout) == 0 ? 0 : 1;
    if (status < 0)
        status = server_run(&settings, &err);
    if (status == 0)
        return 0;
    fprintf(stderr, "ccdata-sim: %s\n", err.message);
    return err.status == CCD_USAGE ? EXIT_USAGE : 1;
}
