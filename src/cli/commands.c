#include "cli/commands.h"

#include "cli/options.h"
#include "cli/term.h"

enum {
    TAKES_CANDLES = GROUP_GLOBAL | GROUP_RUN | GROUP_CANDLES,
    TAKES_SPOT = TAKES_CANDLES | GROUP_SPOT,
    TAKES_FUTURES = TAKES_CANDLES | GROUP_FUTURES,
    TAKES_INDICES = TAKES_CANDLES | GROUP_INDICES,
    TAKES_METADATA = GROUP_GLOBAL | GROUP_RUN | GROUP_METADATA,
    TAKES_INSTRUMENTS = TAKES_METADATA | GROUP_INSTRUMENTS,
    TAKES_BATCH = GROUP_GLOBAL | GROUP_RUN | GROUP_BATCH
};

/* In the order of the help. */
const struct command cli_commands[] = {
    {"spot_ohlcv", NULL, TAKES_SPOT, "fetch spot OHLCV candles",
     "ccdata spot_ohlcv --exchanges kraken coinbase --pair_limit 50", ingest_run},
    {"futures_ohlcv", NULL, TAKES_FUTURES, "fetch futures OHLCV candles",
     "ccdata futures_ohlcv --interval 1h --exchanges binance okex", ingest_run},
    {"futures_funding_rate", NULL, TAKES_FUTURES, "fetch futures funding rates",
     "ccdata futures_funding_rate --interval 1h --instruments BTC-USDT-VANILLA-PERPETUAL",
     ingest_run},
    {"futures_open_interest", NULL, TAKES_FUTURES, "fetch futures open interest",
     "ccdata futures_open_interest --exchanges binance --from 2024-01-01", ingest_run},
    {"indices_ohlcv", NULL, TAKES_INDICES, "fetch OHLCV candles of indices and reference rates",
     "ccdata indices_ohlcv --asset_limit 100 --market cadli", ingest_run},
    {"asset_metadata", NULL, TAKES_METADATA, "fetch what the vendor knows of each asset",
     "ccdata asset_metadata", ingest_run},
    {"exchange_metadata", NULL, TAKES_METADATA | GROUP_EXCHANGES,
     "fetch exchanges with their grades, and the spot and futures markets",
     "ccdata exchange_metadata --exchange_type spot", ingest_run},
    {"spot_instruments", NULL, TAKES_INSTRUMENTS, "fetch the instruments of each spot market",
     "ccdata spot_instruments --exchanges kraken coinbase", ingest_run},
    {"futures_instruments", NULL, TAKES_INSTRUMENTS, "fetch the instruments of each futures market",
     "ccdata futures_instruments", ingest_run},
    {"batch", NULL, TAKES_BATCH, "run the operations of a file as one run",
     "ccdata batch --config examples/batch_config.json --continue_on_error", batch_run},
    {"daemon", NULL, GROUP_GLOBAL | GROUP_RUN | GROUP_DAEMON,
     "run the operations of a file at their times, until it is stopped",
     "ccdata daemon --config examples/daemon.json --dry_run", daemon_run},
    {"status", NULL, GROUP_GLOBAL | GROUP_STATUS,
     "show what is stored, how the last runs went, what is left of the quota",
     "ccdata status --check --enable_monitoring", status_run},
    {"quota", NULL, GROUP_GLOBAL | GROUP_QUOTA,
     "show what is left of the API key's quota, and when the next call may be made",
     "ccdata quota --check", quota_run},
    {"coverage", "TYPE", GROUP_GLOBAL | GROUP_COVERAGE,
     "show which periods of each stored series are there, missing, or not at the vendor",
     "ccdata coverage spot_ohlcv --exchanges kraken --from 2024-01-01", coverage_run},
    {"gaps", "TYPE", GROUP_GLOBAL | GROUP_COVERAGE,
     "show which periods of the stored series are not there, and when they are asked for again",
     "ccdata gaps spot_ohlcv --interval 1h", gaps_run},
    {"verify", "TYPE", GROUP_GLOBAL | GROUP_RUN | GROUP_COVERAGE | GROUP_VERIFY,
     "check what is stored, and compare a sample of it with what the vendor says now",
     "ccdata verify spot_ohlcv --exchanges kraken --sample 10%", verify_run},
    {"repair", "TYPE", GROUP_GLOBAL | GROUP_RUN | GROUP_COVERAGE | GROUP_REPAIR,
     "ask the vendor again for what the stored series lack, and write what changed",
     "ccdata repair spot_ohlcv --exchanges kraken --dry_run", repair_run},
    {"list", "TABLE", GROUP_GLOBAL | GROUP_LIST,
     "list stored assets, exchanges, markets, instruments, or another table of metadata",
     "ccdata list instruments --exchanges kraken --names 'BTC-*'", list_run},
    {"types", "[NAME]", GROUP_GLOBAL | GROUP_TYPES,
     "list the data types, or the columns of the one named", "ccdata types spot_ohlcv", types_run},
    {"schema", NULL, GROUP_GLOBAL | GROUP_SCHEMA,
     "print the SQL of the tables and views, create them, or check a database",
     "ccdata schema --check --database mysql://me@db.example.com/market", schema_run},
    {"config", "[check]", GROUP_GLOBAL | GROUP_CONFIG,
     "print every setting with its value and where that comes from, or only check them",
     "ccdata config check --env-file nightly.env", config_run},
    {"init", NULL, GROUP_GLOBAL | GROUP_INIT,
     "write a settings file, then try the key and the database",
     "ccdata init --api_key_file key.txt --database postgresql://ccdata@localhost/ccdata",
     init_run},
    {"health", NULL, GROUP_GLOBAL | GROUP_HEALTH,
     "check database, vendor, quota, clock, disk, memory, freshness; exit code 12 when one fails",
     "ccdata health --json", health_run},
    {"alerts", "[list | test [RECEIVER...]]", GROUP_GLOBAL | GROUP_HEALTH,
     "list what is open, or send a trial to each receiver of alerts", "ccdata alerts list",
     alerts_run},
    {"metrics", NULL, GROUP_GLOBAL | GROUP_METRICS,
     "print coverage, gaps, ages and quota in the text format of Prometheus", "ccdata metrics",
     metrics_run},
    {"doctor", NULL, GROUP_GLOBAL | GROUP_HEALTH,
     "check all that a run needs, key, TLS, schema and permissions too, and say what to do",
     "ccdata doctor", doctor_run},
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
        if (str_same_name(name, str_from(cli_commands[i].name)))
            return &cli_commands[i];
    return NULL;
}
