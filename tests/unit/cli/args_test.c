#include "cli/args.h"

#include <string.h>
#include <unistd.h>

#include "base/error.h"
#include "cli/commands.h"
#include "cli/options.h"
#include "fake_ccdata.h"
#include "run.h"
#include "test.h"

/* The line is refused: exit 2, nothing on stdout, one line with `part` on stderr, nothing opened.
 */
static bool refuses(const char *line, const char *part)
{
    fake_reset();
    struct outcome outcome = run_line(line);
    size_t len = strlen(outcome.err);
    bool held = CHECK_INT(2, outcome.exit_code) & CHECK(contains(outcome.err, part));
    held &= CHECK_TEXT("", outcome.out);
    held &= CHECK(strncmp(outcome.err, "ccdata: ", 8) == 0);
    held &= CHECK(len > 0 && strchr(outcome.err, '\n') == outcome.err + len - 1);
    held &= CHECK_INT(0, fake.opened);
    outcome_release(&outcome);
    return held;
}

/* The line runs; then `fake` tells what the library was asked. */
static bool runs(const char *line)
{
    fake_reset();
    struct outcome outcome = run_line(line);
    bool held = CHECK_INT(0, outcome.exit_code);
    CHECK_TEXT("", outcome.err);
    outcome_release(&outcome);
    return held;
}

TEST(args_options_stand_on_either_side_of_the_command)
{
    CHECK(runs("--dry_run --parallel_workers 8 spot_ohlcv --pair_limit 5"));
    CHECK_INT(1, fake.planned);
    CHECK_INT(8, fake.run.parallel_workers);
    CHECK_INT(5, fake.job.pair_limit);
    CHECK(runs("spot_ohlcv --pair_limit 5 --parallel_workers 8"));
    CHECK_INT(1, fake.ingested);
    CHECK_INT(8, fake.run.parallel_workers);
}

TEST(args_defaults_are_the_librarys)
{
    CHECK(runs("spot_ohlcv"));
    CHECK_TEXT("spot_ohlcv - - - - -", fake.names);
    CHECK_INT(-1, fake.job.pair_limit);
    CHECK_INT(-1, fake.job.asset_limit);
    CHECK_INT(0, fake.job.exchange_count);
    CHECK_INT(-1, fake.run.parallel_workers);
    CHECK_INT(-1, fake.run.max_calls);
    CHECK_INT(-1, fake.run.lock_wait_s);
    CHECK(!fake.run.wait_for_quota);
    CHECK(!fake.run.no_create);
    CHECK_TEXT("", fake.settings);
    CHECK_TEXT("", fake.env_file);
}

TEST(args_dash_is_underscore_in_names)
{
    CHECK(runs("spot-ohlcv --pair-limit=7 --dry-run --env_file x.env"));
    CHECK_TEXT("spot_ohlcv - - - - -", fake.names);
    CHECK_INT(7, fake.job.pair_limit);
    CHECK_INT(1, fake.planned);
    CHECK_TEXT("x.env", fake.env_file);
}

TEST(args_every_option_reaches_the_library)
{
    CHECK(
        runs("spot_ohlcv --interval 1h --specific_market kraken --specific_instrument BTC-USD "
             "--from 2024-02-29 --to 2024-03-01T12:00 --asset_limit 9 --max_calls 3 --lock_wait 0 "
             "--wait --no_create --strict"));
    CHECK_TEXT("spot_ohlcv 1h kraken BTC-USD 2024-02-29 2024-03-01T12:00", fake.names);
    CHECK_INT(9, fake.job.asset_limit);
    CHECK_INT(3, fake.run.max_calls);
    CHECK_INT(0, fake.run.lock_wait_s);
    CHECK(fake.run.wait_for_quota);
    CHECK(fake.run.no_create);
    CHECK(fake.strict);
    CHECK(runs("indices_ohlcv --market ccix --asset_limit 100 --instruments BTC-USD ETH-USD"));
    CHECK_TEXT("BTC-USD ETH-USD", fake.instruments);
    CHECK_TEXT("indices_ohlcv - ccix - - -", fake.names);
    CHECK_INT(100, fake.job.asset_limit);
}

TEST(args_every_option_of_the_selection_reaches_the_library)
{
    CHECK(runs("spot_ohlcv --quotes USD,EUR --quotes BTC --min_grade AA --asset_limit 7"));
    CHECK_TEXT("USD EUR BTC", fake.quotes);
    CHECK_TEXT("AA -", fake.choices);
    CHECK_INT(7, fake.job.asset_limit);
    CHECK(runs("exchange_metadata --exchange_type spot --full_refresh"));
    CHECK_TEXT("exchange_metadata - - - - -", fake.names);
    CHECK_TEXT("- spot", fake.choices);
    CHECK(fake.job.full_refresh);
    CHECK(!fake.job.force);
    CHECK(runs("futures_instruments --exchanges binance --force --max_calls 4"));
    CHECK_TEXT("binance", fake.exchanges);
    CHECK(fake.job.force);
    CHECK(!fake.job.full_refresh);
    CHECK_INT(4, fake.run.max_calls);
    CHECK_TEXT("futures_instruments", fake.run_command);
    CHECK(runs("asset_metadata --dry_run"));
    CHECK_INT(1, fake.planned);
    CHECK_INT(1, fake.job_count);
}

TEST(args_settings_are_named_as_in_the_environment)
{
    CHECK(runs("spot_ohlcv --enable_caching --database sqlite:a.db --enable_monitoring"));
    CHECK_TEXT("CCDATA_DATABASE_URL=sqlite:a.db\nMONITORING_METRICS_ENABLED=true\n"
               "CACHE_ENABLED=true\n",
               fake.settings);
}

/* Some name files of the project. */
static struct outcome run_example(const struct command *command, const char *more)
{
    char line[512];
    CHECK_INT(0, chdir(SOURCE_ROOT));
    CHECK(strncmp(command->example, "ccdata ", 7) == 0);
    CHECK(str_print(line, sizeof line, "%s%s", command->example + 7, more));
    fake_reset();
    return run_line(line);
}

/* One writes a file, one runs until it is stopped: tests/e2e/{health,daemon}_test.py. */
static bool is_for_whole_programs(const struct command *command)
{
    return command->run == init_run || command->run == daemon_run;
}

TEST(args_every_command_accepts_monitoring_and_caching)
{
    for (size_t i = 0; i < cli_command_count; i++) {
        if (is_for_whole_programs(&cli_commands[i]))
            continue;
        /* Its example: some commands need more than their name. */
        struct outcome outcome = run_example(&cli_commands[i],
                                             " --enable_monitoring --enable-caching");
        CHECK_INT(0, outcome.exit_code);
        outcome_release(&outcome);
    }
}

TEST(args_lists_by_spaces_commas_and_repetition)
{
    CHECK(runs(
        "futures_ohlcv --exchanges binance okex,bybit --instruments BTC* --exchanges=x,,y, z"));
    CHECK_TEXT("binance okex bybit x y z", fake.exchanges);
    CHECK_TEXT("BTC*", fake.instruments);
    CHECK(runs("--exchanges binance okex futures_ohlcv --interval 1d"));
    CHECK_TEXT("binance okex", fake.exchanges);
    fake_reset();
    const char *const argv[] = {"futures_ohlcv", "--exchanges", "binance okex", NULL};
    struct outcome outcome = run_argv(argv);
    CHECK_TEXT("binance okex", fake.exchanges);
    outcome_release(&outcome);
    CHECK(refuses("futures_ohlcv --exchanges", "--exchanges needs a value"));
    CHECK(refuses("futures_ohlcv --exchanges ,", "--exchanges needs a value"));
    CHECK(refuses("futures_ohlcv --exchanges --interval 1d", "--exchanges needs a value"));
}

TEST(args_lists_have_a_maximum)
{
    static char names[2 * (LIST_MAX + 1) + 1];
    for (size_t i = 0; i <= LIST_MAX; i++) {
        memcpy(names + 2 * i, "a,", 3);
    }
    fake_reset();
    struct outcome outcome = run_argv(
        (const char *const[]){"futures_ohlcv", "--exchanges", names, NULL});
    CHECK_INT(2, outcome.exit_code);
    CHECK(contains(outcome.err, "more than 10000 names"));
    outcome_release(&outcome);
    names[2 * LIST_MAX] = '\0';
    outcome = run_argv((const char *const[]){"futures_ohlcv", "--exchanges", names, NULL});
    CHECK_INT(0, outcome.exit_code);
    CHECK_INT(LIST_MAX, fake.job.exchange_count);
    outcome_release(&outcome);
}

TEST(args_double_dash_ends_the_options)
{
    fake_reset();
    struct outcome outcome = run_line("types -- spot_ohlcv");
    CHECK_INT(0, outcome.exit_code);
    outcome_release(&outcome);
    CHECK(refuses("types -- --json", "unknown data type '--json'"));
    CHECK(refuses("-- --dry_run", "unknown command '--dry_run'"));
}

TEST(args_unknown_names_come_with_the_nearest)
{
    CHECK(refuses("spot_ohlvc", "unknown command 'spot_ohlvc'; did you mean 'spot_ohlcv'?"));
    CHECK(refuses("indices", "did you mean 'indices_ohlcv'?"));
    CHECK(refuses("frobnicate", "'ccdata help' lists the commands"));
    CHECK(refuses("spot_ohlcv --pair_limt 5",
                  "unknown option '--pair_limt'; did you mean --pair_limit?"));
    CHECK(refuses("spot_ohlcv --intervall=1d", "'--intervall'; did you mean --interval?"));
    CHECK(refuses("spot_ohlcv -interval 1d", "'-interval'; did you mean --interval?"));
    CHECK(refuses("spot_ohlcv --zzzzzz", "'ccdata spot_ohlcv --help' lists the options"));
    CHECK(refuses("-x spot_ohlcv", "unknown option '-x'"));
    CHECK(refuses("help spot_ohlvc", "did you mean 'spot_ohlcv'?"));
    CHECK(refuses("types spot_ohlvc", "did you mean 'spot_ohlcv'?"));
    CHECK(refuses("types frobnicate", "'ccdata types' lists them"));
}

TEST(args_commands_of_later_versions_are_unknown)
{
    CHECK(refuses("bench --enable_monitoring", "unknown command 'bench'"));
}

TEST(args_missing_values)
{
    CHECK(refuses("spot_ohlcv --interval", "--interval needs a value: one of 1d, 1h, 1m"));
    CHECK(refuses("spot_ohlcv --interval --dry_run", "--interval needs a value"));
    CHECK(refuses("spot_ohlcv --specific_market -v", "--specific_market needs a value"));
    CHECK(refuses("spot_ohlcv --database=", "--database needs a value: URL"));
    CHECK(
        refuses("spot_ohlcv --pair_limit", "--pair_limit needs a value: a whole number from 1 to"));
    CHECK(refuses("spot_ohlcv --from", "--from needs a value: a date or date-time in UTC"));
    CHECK(refuses("spot_ohlcv --dry_run=yes", "--dry_run takes no value"));
}

TEST(args_numbers_are_strict)
{
    CHECK(refuses("spot_ohlcv --pair_limit -5", "'-5' is not a whole number from 1 to 1000000"));
    CHECK(refuses("spot_ohlcv --pair_limit=-1", "'-1' is not a whole number from 1 to 1000000"));
    CHECK(refuses("spot_ohlcv --pair_limit 0", "'0' is not a whole number"));
    CHECK(refuses("spot_ohlcv --pair_limit 5x", "'5x' is not a whole number"));
    CHECK(refuses("spot_ohlcv --pair_limit 1e3", "'1e3' is not a whole number"));
    CHECK(refuses("spot_ohlcv --pair_limit 99999999999999999999", "is not a whole number"));
    CHECK(refuses("spot_ohlcv --parallel_workers 65", "'65' is not a whole number from 1 to 64"));
    CHECK(runs("spot_ohlcv --parallel_workers 64 --pair_limit 1000000"));
    CHECK(refuses("spot_ohlcv --lock_wait 86401", "from 0 to 86400"));
}

TEST(args_times_and_choices_are_checked)
{
    CHECK(refuses("spot_ohlcv --from yesterday", "'yesterday' is not a date or date-time"));
    CHECK(refuses("spot_ohlcv --to 2023-02-29", "'2023-02-29' is not a date"));
    CHECK(refuses("spot_ohlcv --interval 1D", "'1D' is not one of 1d, 1h, 1m"));
    CHECK(refuses("spot_ohlcv --progress fancy", "'fancy' is not one of auto, bar, log, none"));
    CHECK(refuses("spot_ohlcv --min_grade bb", "'bb' is not one of AA, BB, F"));
    CHECK(refuses("exchange_metadata --exchange_type both", "'both' is not one of spot, all"));
}

TEST(args_duplicates_and_contradictions)
{
    CHECK(refuses("spot_ohlcv --interval 1d --interval 1h", "--interval is given twice"));
    CHECK(refuses("--database a spot_ohlcv --database=b", "--database is given twice"));
    CHECK(refuses("spot_ohlcv -v -q", "--verbose and --quiet contradict each other"));
    struct outcome outcome = run_line("types --json --markdown"); /* an error in JSON, too */
    CHECK_INT(2, outcome.exit_code);
    CHECK(contains(outcome.err, "--markdown and --json contradict each other"));
    outcome_release(&outcome);
    CHECK(runs("spot_ohlcv --wait --wait -q"));
}

TEST(args_options_of_other_commands)
{
    CHECK(
        refuses("indices_ohlcv --exchanges kraken",
                "indices_ohlcv does not take --exchanges; it belongs to spot_ohlcv, futures_ohlcv, "
                "futures_funding_rate, futures_open_interest, spot_instruments, "
                "futures_instruments"));
    CHECK(refuses("asset_metadata --interval 1d", "asset_metadata does not take --interval"));
    CHECK(refuses("asset_metadata --exchange_type spot", "it belongs to exchange_metadata"));
    CHECK(refuses("exchange_metadata --exchanges kraken", "does not take --exchanges"));
    CHECK(refuses("spot_ohlcv --full_refresh", "does not take --full_refresh; it belongs to "
                                               "asset_metadata, exchange_metadata"));
    CHECK(refuses("spot_ohlcv --continue_on_error", "it belongs to batch"));
    CHECK(refuses("batch --interval 1d", "batch does not take --interval"));
    CHECK(refuses("--pair_limit 5 indices_ohlcv", "indices_ohlcv does not take --pair_limit; it "
                                                  "belongs to spot_ohlcv"));
    CHECK(refuses("types --dry_run", "types does not take --dry_run"));
    CHECK(
        refuses("schema --market x", "schema does not take --market; it belongs to indices_ohlcv"));
}

TEST(args_words_too_many)
{
    CHECK(refuses("spot_ohlcv kraken", "spot_ohlcv does not take 'kraken'"));
    CHECK(refuses("spot_ohlcv futures_ohlcv", "two commands, spot_ohlcv and futures_ohlcv"));
    CHECK(refuses("types spot_ohlcv more", "types does not take 'more'"));
    CHECK(refuses("spot_ohlcv -", "spot_ohlcv does not take '-'"));
}

TEST(args_hostile_bytes)
{
    fake_reset();
    struct outcome outcome = run_argv((const char *const[]){"spot_ohlcv", "--\033[2J", NULL});
    CHECK_INT(2, outcome.exit_code);
    CHECK(is_harmless(outcome.err));
    outcome_release(&outcome);
    outcome = run_argv((const char *const[]){"spot_ohlcv", "--specific_market", "\xFF", NULL});
    CHECK_INT(2, outcome.exit_code);
    CHECK(contains(outcome.err, "argument 3 is not UTF-8"));
    outcome_release(&outcome);
    outcome = run_argv((const char *const[]){"", NULL});
    CHECK_INT(2, outcome.exit_code);
    outcome_release(&outcome);
}

TEST(args_a_password_is_never_repeated)
{
    fake_reset();
    struct outcome outcome = run_line(
        "spot_ohlcv --database mysql://u:canary@h/d --database mysql://u:canary@h/d");
    CHECK_INT(2, outcome.exit_code);
    CHECK(strstr(outcome.err, "canary") == NULL);
    outcome_release(&outcome);
}

TEST(tables_agree_with_each_other)
{
    unsigned taken = 0;
    for (size_t i = 0; i < cli_command_count; i++) {
        taken |= cli_commands[i].takes;
        CHECK(cli_commands[i].takes & GROUP_GLOBAL);
        CHECK(cli_command_find(str_from(cli_commands[i].name)) == &cli_commands[i]);
    }
    for (size_t i = 0; i < cli_option_count; i++) {
        const struct option *option = &cli_options[i];
        CHECK(cli_option_find(str_from(option->name)) == option);
        CHECK(!option->letter || cli_option_find_letter(option->letter) == option);
        CHECK(option->groups & taken);
        CHECK(!option->excludes || cli_option_find(str_from(option->excludes)));
        CHECK((option->form == OPTION_FLAG) == (!option->argument && !option->choice_at));
        bool is_number = option->form == OPTION_INTEGER || option->form == OPTION_PERCENT;
        CHECK(is_number == (option->max > 0));
        CHECK(option->help && option->help[0]);
    }
}

TEST(tables_examples_run)
{
    for (size_t i = 0; i < cli_command_count; i++) {
        if (is_for_whole_programs(&cli_commands[i]))
            continue;
        struct outcome outcome = run_example(&cli_commands[i], "");
        CHECK_INT(0, outcome.exit_code);
        CHECK_TEXT("", outcome.err);
        outcome_release(&outcome);
    }
}
