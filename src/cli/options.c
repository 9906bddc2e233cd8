#include "cli/options.h"

#include <ccdata/ccdata.h>

#include "cli/args.h"
#include "cli/term.h"

static const char *interval_at(size_t index)
{
    return index < ccd_interval_count() ? ccd_interval_at(index).name : NULL;
}

static const char *progress_at(size_t index)
{
    static const char *const MODES[] = {"auto", "bar", "log", "none"};
    return index < sizeof MODES / sizeof MODES[0] ? MODES[index] : NULL;
}

#define AT(member) .offset = offsetof(struct args, member)

/* In the order of the help. */
const struct option cli_options[] = {
    {.name = "interval",
     .form = OPTION_CHOICE,
     .groups = GROUP_RUN,
     AT(interval),
     .choice_at = interval_at,
     .default_text = "1d",
     .help = "length of a candle"},
    {.name = "pair_limit",
     .form = OPTION_INTEGER,
     .groups = GROUP_SPOT,
     AT(pair_limit),
     .argument = "N",
     .min = 1,
     .max = 1000000,
     .default_text = "100, no limit when a market or an instrument is named",
     .help = "pairs, the highest ranked first"},
    {.name = "specific_market",
     .form = OPTION_TEXT,
     .groups = GROUP_SPOT,
     AT(specific_market),
     .argument = "NAME",
     .help = "only this market; alone: all its active instruments"},
    {.name = "specific_instrument",
     .form = OPTION_TEXT,
     .groups = GROUP_SPOT,
     AT(specific_instrument),
     .argument = "NAME",
     .help = "only this instrument, mapped or native id; alone: on all qualified markets"},
    {.name = "exchanges",
     .form = OPTION_LIST,
     .groups = GROUP_SPOT | GROUP_FUTURES,
     AT(exchanges),
     .argument = "NAME...",
     .default_text = "for futures FUTURES_EXCHANGES, or all",
     .help = "markets, with * and ? as in file names"},
    {.name = "instruments",
     .form = OPTION_LIST,
     .groups = GROUP_SPOT | GROUP_FUTURES | GROUP_INDICES,
     AT(instruments),
     .argument = "NAME...",
     .default_text = "all; for indices the top assets",
     .help = "mapped or native ids, with * and ? as in file names"},
    {.name = "asset_limit",
     .form = OPTION_INTEGER,
     .groups = GROUP_SPOT | GROUP_INDICES,
     AT(asset_limit),
     .argument = "N",
     .min = 1,
     .max = 1000000,
     .default_text = "50",
     .help = "top assets by traded volume"},
    {.name = "market",
     .form = OPTION_TEXT,
     .groups = GROUP_INDICES,
     AT(market),
     .argument = "NAME",
     .default_text = "cadli",
     .help = "index family"},
    {.name = "from",
     .form = OPTION_TIME,
     .groups = GROUP_RUN,
     AT(from),
     .argument = "TIME",
     .default_text = "back-fill bound",
     .help = "periods that start at or after this ISO date or date-time, UTC"},
    {.name = "to",
     .form = OPTION_TIME,
     .groups = GROUP_RUN,
     AT(to),
     .argument = "TIME",
     .default_text = "now",
     .help =
         "periods that end at or before this ISO date-time, UTC; a date means the end of that day"},
    {.name = "parallel_workers",
     .form = OPTION_INTEGER,
     .groups = GROUP_RUN,
     AT(parallel_workers),
     .argument = "N",
     .min = 1,
     .max = 64,
     .default_text = "4",
     .help = "requests in flight"},
    {.name = "dry_run",
     .form = OPTION_FLAG,
     .groups = GROUP_RUN,
     AT(dry_run),
     .help = "print what would be fetched and what it costs; write nothing"},
    {.name = "max_calls",
     .form = OPTION_INTEGER,
     .groups = GROUP_RUN,
     AT(max_calls),
     .argument = "N",
     .min = 1,
     .max = 1000000000,
     .default_text = "no bound",
     .help = "end with exit code 5 after so many API calls"},
    {.name = "wait",
     .form = OPTION_FLAG,
     .groups = GROUP_RUN,
     AT(wait),
     .help = "wait when the quota of the hour, day or month is spent, instead of ending"},
    {.name = "lock_wait",
     .form = OPTION_INTEGER,
     .groups = GROUP_RUN,
     AT(lock_wait),
     .argument = "SECONDS",
     .min = 0,
     .max = 86400,
     .default_text = "300",
     .help = "how long to wait for another run that writes the same data type and interval"},
    {.name = "json",
     .form = OPTION_FLAG,
     .groups = GROUP_RUN | GROUP_TYPES,
     AT(json),
     .help = "print one JSON object instead of text"},
    {.name = "markdown",
     .form = OPTION_FLAG,
     .groups = GROUP_TYPES,
     AT(markdown),
     .excludes = "json",
     .help = "print the reference page in Markdown"},
    {.name = "dialect",
     .form = OPTION_TEXT,
     .groups = GROUP_SCHEMA,
     AT(dialect),
     .argument = "NAME",
     .default_text = "sqlite",
     .help = "database to write SQL for"},
    {.name = "database",
     .form = OPTION_TEXT,
     .groups = GROUP_GLOBAL,
     AT(database),
     .argument = "URL",
     .setting = "CCDATA_DATABASE_URL",
     .help = "where the data goes, such as sqlite:ccdata.db"},
    {.name = "env-file",
     .form = OPTION_TEXT,
     .groups = GROUP_GLOBAL,
     AT(env_file),
     .argument = "FILE",
     .default_text = ".env, then .env.$ENVIRONMENT",
     .help = "settings"},
    {.name = "strict",
     .form = OPTION_FLAG,
     .groups = GROUP_GLOBAL,
     AT(strict),
     .help = "refuse secrets in files that others can read"},
    {.name = "enable_monitoring",
     .form = OPTION_FLAG,
     .groups = GROUP_GLOBAL,
     AT(enable_monitoring),
     .setting = "MONITORING_METRICS_ENABLED",
     .help = "collect metrics"},
    {.name = "enable_caching",
     .form = OPTION_FLAG,
     .groups = GROUP_GLOBAL,
     AT(enable_caching),
     .setting = "CACHE_ENABLED",
     .help = "cache replies of metadata calls"},
    {.name = "progress",
     .form = OPTION_CHOICE,
     .groups = GROUP_GLOBAL,
     AT(progress),
     .choice_at = progress_at,
     .default_text = "auto",
     .help = "how to show progress; auto: a bar on a terminal, elsewhere a line every 5 s"},
    {.name = "verbose",
     .letter = 'v',
     .form = OPTION_FLAG,
     .groups = GROUP_GLOBAL,
     AT(verbose),
     .excludes = "quiet",
     .help = "log level DEBUG, and every series in the closing table"},
    {.name = "quiet",
     .letter = 'q',
     .form = OPTION_FLAG,
     .groups = GROUP_GLOBAL,
     AT(quiet),
     .help = "log level ERROR, no progress, and a closing table only when something is missing"},
    {.name = "help",
     .letter = 'h',
     .form = OPTION_FLAG,
     .groups = GROUP_GLOBAL,
     AT(help),
     .help = "print this text"},
    {.name = "version",
     .form = OPTION_FLAG,
     .groups = GROUP_GLOBAL,
     AT(version),
     .help = "print the version"},
};

const size_t cli_option_count = sizeof cli_options / sizeof cli_options[0];

_Static_assert(sizeof cli_options / sizeof cli_options[0] <= 64,
               "args.given has a bit for each option");

const struct option *cli_option_find(struct str name)
{
    for (size_t i = 0; i < cli_option_count; i++) {
        if (term_same_name(name, str_from(cli_options[i].name))) {
            return &cli_options[i];
        }
    }
    return NULL;
}

const struct option *cli_option_find_letter(char letter)
{
    for (size_t i = 0; i < cli_option_count; i++) {
        if (letter && cli_options[i].letter == letter) {
            return &cli_options[i];
        }
    }
    return NULL;
}
