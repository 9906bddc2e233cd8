#include "cli/help.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cli/commands.h"
#include "cli/options.h"
#include "fake_ccdata.h"
#include "run.h"
#include "test.h"

TEST(help_of_the_program)
{
    fake_reset();
    struct outcome asked = run_line("--help");
    CHECK_INT(0, asked.exit_code);
    CHECK_TEXT("", asked.err);
    CHECK(widest_line(asked.out) <= 100);
    for (size_t i = 0; i < cli_command_count; i++) {
        CHECK(contains(asked.out, cli_commands[i].name));
    }
    struct outcome none = run_line("");
    CHECK_INT(2, none.exit_code);
    CHECK_TEXT("", none.out);
    CHECK_TEXT(asked.out, none.err);
    struct outcome short_option = run_line("-h");
    CHECK_TEXT(asked.out, short_option.out);
    struct outcome command = run_line("help");
    CHECK_TEXT(asked.out, command.out);
    outcome_release(&command);
    outcome_release(&short_option);
    outcome_release(&none);
    outcome_release(&asked);
}

TEST(help_of_every_command)
{
    for (size_t i = 0; i < cli_command_count; i++) {
        struct outcome outcome = run_argv(
            (const char *const[]){"--help", cli_commands[i].name, NULL});
        CHECK_INT(0, outcome.exit_code);
        CHECK_TEXT("", outcome.err);
        CHECK(widest_line(outcome.out) <= 100);
        CHECK(contains(outcome.out, cli_commands[i].example));
        for (size_t k = 0; k < cli_option_count; k++) {
            char name[64];
            str_print(name, sizeof name, "--%s", cli_options[k].name);
            if (cli_options[k].groups & cli_commands[i].takes) {
                CHECK(contains(outcome.out, name));
            }
        }
        struct outcome same = run_argv((const char *const[]){"help", cli_commands[i].name, NULL});
        CHECK_TEXT(outcome.out, same.out);
        outcome_release(&same);
        outcome_release(&outcome);
    }
    struct outcome outcome = run_line("spot_ohlcv --help");
    CHECK(
        contains(outcome.out, "  --interval 1d|1h|1m         length of a candle (default: 1d)\n"));
    CHECK(strstr(outcome.out, "--markdown") == NULL);
    outcome_release(&outcome);
}

TEST(help_version)
{
    struct outcome option = run_line("--version");
    CHECK_INT(0, option.exit_code);
    CHECK_TEXT("ccdata 0.1.0\nfake 1.0\n", option.out);
    struct outcome command = run_line("version");
    CHECK_TEXT(option.out, command.out);
    outcome_release(&command);
    outcome_release(&option);
}

TEST(types_as_text)
{
    struct outcome outcome = run_line("types");
    CHECK_TEXT("name              title               intervals  columns\n"
               "spot_ohlcv        Spot OHLCV candles  1d 1h 1m         3\n"
               "spot_instruments  Spot instruments    -                2\n",
               outcome.out);
    outcome_release(&outcome);
    outcome = run_line("types spot-ohlcv");
    CHECK_INT(0, outcome.exit_code);
    CHECK(contains(outcome.out, "column  vendor key  kind    role    unit   meaning\n"));
    CHECK(contains(outcome.out, "close   CLOSE       number  value   price  The last price"));
    CHECK(contains(outcome.out, "1h       view spot_ohlcv_1h, at most 2000 periods per call\n"));
    CHECK(widest_line(outcome.out) <= 100);
    outcome_release(&outcome);
    outcome = run_line("types spot_instruments");
    CHECK(contains(outcome.out, "\ntable spot_instruments\n\ncolumn  vendor key "));
    CHECK(contains(outcome.out, "\ntable instrument_aliases\n\ncolumn  vendor key "));
    outcome_release(&outcome);
}

TEST(types_as_markdown)
{
    struct outcome outcome = run_line("types --markdown");
    CHECK(contains(outcome.out,
                   "| [spot_ohlcv](spot_ohlcv.md) | Spot OHLCV candles | 1d, 1h, 1m | 3 |"));
    outcome_release(&outcome);
    outcome = run_line("types spot_ohlcv --markdown");
    CHECK(contains(outcome.out, "# spot_ohlcv\n\nSpot OHLCV candles, from "
                                "`/spot/v1/historical/{unit}`.\n"));
    CHECK(contains(outcome.out, "| 1m | `spot_ohlcv_1m` | 2000 |\n"));
    CHECK(contains(outcome.out,
                   "| `base` | `BASE` | MAPPING | text | series |  | The asset that is "
                   "bought \\| sold. |\n"));
    CHECK(contains(outcome.out,
                   "    ccdata spot_ohlcv --exchanges kraken coinbase --pair_limit 50\n"));
    outcome_release(&outcome);
    outcome = run_line("types spot_instruments --markdown");
    CHECK(contains(outcome.out, "In `spot_instruments`, `instrument_aliases`.\n"));
    CHECK(contains(outcome.out, "\n## Table `instrument_aliases`\n\n| column | vendor field "));
    CHECK(contains(outcome.out, "| `alias` | `ALIAS` | ID | text | key |  | Another name. |\n"));
    outcome_release(&outcome);
}

/* The man page is written by hand; what it must not do is fall behind the tables. */
TEST(man_page_names_every_command_option_and_exit_code)
{
    FILE *file = fopen(CCDATA_MAN_PAGE, "r");
    if (!file) {
        SKIP("no man page at " CCDATA_MAN_PAGE);
    }
    static char page[1 << 16];
    page[fread(page, 1, sizeof page - 1, file)] = '\0';
    fclose(file);
    char part[128];
    for (size_t i = 0; i < cli_command_count; i++) {
        str_print(part, sizeof part, "Cm %s", cli_commands[i].name);
        CHECK(contains(page, part));
    }
    for (size_t i = 0; i < cli_option_count; i++) {
        str_print(part, sizeof part, "Fl -%s", cli_options[i].name);
        CHECK(contains(page, part));
    }
    for (int i = 0; i < CCD_STATUS_COUNT; i++) {
        str_print(part, sizeof part, ".It %d\n", ccd_status_exit_code((enum ccd_status)i));
        CHECK(contains(page, part));
    }
}
