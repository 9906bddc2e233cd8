#include "cli/commands.h"

#include "cli/options.h"
#include "cli/term.h"

enum {
    TAKES_SPOT = GROUP_GLOBAL | GROUP_RUN | GROUP_SPOT,
    TAKES_FUTURES = GROUP_GLOBAL | GROUP_RUN | GROUP_FUTURES,
    TAKES_INDICES = GROUP_GLOBAL | GROUP_RUN | GROUP_INDICES
};

/* In the order of the help. */
const struct command cli_commands[] = {
    {"spot_ohlcv", NULL, TAKES_SPOT, "fetch spot OHLCV candles",
     "ccdata spot_ohlcv --exchanges kraken coinbase --pair_limit 50", candles_run},
    {"futures_ohlcv", NULL, TAKES_FUTURES, "fetch futures OHLCV candles",
     "ccdata futures_ohlcv --interval 1h --exchanges binance okex", candles_run},
    {"futures_funding_rate", NULL, TAKES_FUTURES, "fetch futures funding rates",
     "ccdata futures_funding_rate --interval 1h --instruments BTC-USDT-VANILLA-PERPETUAL",
     candles_run},
    {"futures_open_interest", NULL, TAKES_FUTURES, "fetch futures open interest",
     "ccdata futures_open_interest --exchanges binance --from 2024-01-01", candles_run},
    {"indices_ohlcv", NULL, TAKES_INDICES, "fetch OHLCV candles of indices and reference rates",
     "ccdata indices_ohlcv --asset_limit 100 --market cadli", candles_run},
    {"types", "[NAME]", GROUP_GLOBAL | GROUP_TYPES,
     "list the data types, or the columns of the one named", "ccdata types spot_ohlcv", types_run},
    {"schema", NULL, GROUP_GLOBAL | GROUP_SCHEMA,
     "print the SQL of the tables and views, create them, or check a database",
     "ccdata schema --check --database mysql://me@db.example.com/market", schema_run},
    {"copy", "[TYPE...]", GROUP_GLOBAL | GROUP_COPY,
     "copy from one database to another; run again after a stop, it goes on from there",
     "ccdata copy --from sqlite:ccdata.db --to postgresql://ccdata@localhost/ccdata", copy_run},
    {"diff", "URL URL [TYPE...]", GROUP_GLOBAL | GROUP_DIFF,
     "compare two databases by series and month; exit code 12 when they differ",
     "ccdata diff sqlite:ccdata.db postgresql://ccdata@localhost/ccdata", diff_run},
    {"selftest", NULL, GROUP_GLOBAL | GROUP_SELFTEST,
     "try the database with a scratch series that is removed again; exit code 12 when it fails",
     "ccdata selftest --database mysql://ccdata@localhost/ccdata", selftest_run},
    {"help", "[COMMAND]", GROUP_GLOBAL, "print how to use the program, or the command named",
     "ccdata help spot_ohlcv", help_run},
    {"version", NULL, GROUP_GLOBAL, "print the versions of the program and its libraries",
     "ccdata version", version_run},
};

const size_t cli_command_count = sizeof cli_commands / sizeof cli_commands[0];

const struct command *cli_command_find(struct str name)
{
    for (size_t i = 0; i < cli_command_count; i++)
        if (term_same_name(name, str_from(cli_commands[i].name)))
            return &cli_commands[i];
    return NULL;
}
