/* Every setting of the program, once: name, type, unit, default, range, meaning. The reader, the
 * checks, the example file and the reference page are all made from this table. Invariant: the rows
 * of one group stand together; a default satisfies its own row. */
#ifndef CONFIG_OPTIONS_H
#define CONFIG_OPTIONS_H

#include "base/str.h"

/* What a value is and which getter of config.h reads it. */
enum config_type {
    CONFIG_TYPE_TEXT,     /* config_text */
    CONFIG_TYPE_CHOICE,   /* config_text, in the table's spelling; any case, '-' as '_' when read */
    CONFIG_TYPE_INTEGER,  /* config_i64 */
    CONFIG_TYPE_NUMBER,   /* config_f64 */
    CONFIG_TYPE_SECONDS,  /* config_f64 in seconds, config_ms in milliseconds */
    CONFIG_TYPE_TIME,     /* config_i64, UTC seconds; written as an ISO date or date-time */
    CONFIG_TYPE_BOOL,     /* config_bool */
    CONFIG_TYPE_LIST,     /* config_list; separated by commas or spaces */
    CONFIG_TYPE_PATH,     /* config_text */
    CONFIG_TYPE_URL,      /* config_text, http or https; config_secret when hidden */
    CONFIG_TYPE_DATABASE, /* config_text; a password inside is masked when shown */
    CONFIG_TYPE_SECRET,   /* config_secret; goes into a request: no white space */
    CONFIG_TYPE_PASSWORD, /* config_secret; people choose it: all but control characters */
    CONFIG_TYPE_COUNT
};

enum config_flag {
    CONFIG_HIDDEN = 1,       /* a secret: its value never appears in a message, page or log */
    CONFIG_FILE_VARIANT = 2, /* NAME_FILE names a file that holds the value */
    CONFIG_NO_URL = 4,       /* the name of a host: a URL, which may hold a password, is refused */
};

/* X(group, heading) */
#define CONFIG_GROUP_TABLE(X)                                                                      \
    X(GENERAL, "General")                                                                          \
    X(API, "Vendor API")                                                                           \
    X(RATE, "Rate limits")                                                                         \
    X(DATABASE, "Database")                                                                        \
    X(INGESTION, "Ingestion")                                                                      \
    X(LOGGING, "Logging")                                                                          \
    X(CACHE, "Cache")                                                                              \
    X(MONITORING, "Monitoring")                                                                    \
    X(ALERTS, "Alerts")

enum config_group {
#define CONFIG_GROUP_ENUM(name, heading) CONFIG_GROUP_##name,
    CONFIG_GROUP_TABLE(CONFIG_GROUP_ENUM)
#undef CONFIG_GROUP_ENUM
        CONFIG_GROUP_COUNT
};

#define CONFIG_SECRET (CONFIG_HIDDEN | CONFIG_FILE_VARIANT)

/* X(name, type, unit or choices, default, least, most, flags, group, meaning)
 * Choices are separated by '|'. Least and most hold for INTEGER, NUMBER and SECONDS. Default "" =
 * not set. */
// clang-format off
#define CONFIG_OPTION_TABLE(X) \
    X(ENVIRONMENT, TEXT, "", "development", 0, 0, 0, GENERAL, \
      "Chooses the file .env.NAME that is read over .env") \
    X(CCDATA_NOW, TIME, "", "", 0, 0, 0, GENERAL, \
      "A fixed clock for tests and replays, in UTC; unset: the system's clock") \
    \
    X(CCDATA_API_KEY, SECRET, "", "", 0, 0, CONFIG_SECRET, API, \
      "The vendor's API key") \
    X(DATA_API_BASE_URL, URL, "", "https://data-api.coindesk.com", 0, 0, 0, API, \
      "Host of candles, instruments and asset metadata") \
    X(MIN_API_BASE_URL, URL, "", "https://min-api.cryptocompare.com", 0, 0, 0, API, \
      "Host of exchange metadata") \
    X(API_REQUEST_TIMEOUT, SECONDS, "s", "60", 1, 600, 0, API, \
      "Longest time one call may take") \
    X(API_MAX_RETRIES, INTEGER, "retries", "5", 0, 20, 0, API, \
      "Attempts after the first one of a call that failed and may succeed later") \
    X(API_RETRY_DELAY, SECONDS, "s", "0.5", 0, 60, 0, API, \
      "Wait before the first retry; the next ones grow by INGESTION_FAILURE_BACKOFF_MULTIPLIER") \
    \
    X(API_RATE_LIMIT_PER_SECOND, NUMBER, "calls", "10", 0, 1000, 0, RATE, \
      "Most calls in any second; 0: no limit of ours, the vendor's still holds") \
    X(API_RATE_LIMIT_PER_MINUTE, INTEGER, "calls", "300", 0, 100000, 0, RATE, \
      "Most calls in any minute; 0: no limit of ours") \
    X(API_RATE_LIMIT_PER_HOUR, INTEGER, "calls", "10000", 0, 10000000, 0, RATE, \
      "Most calls in any hour; 0: no limit of ours") \
    X(API_RATE_LIMIT_PER_DAY, INTEGER, "calls", "0", 0, 100000000, 0, RATE, \
      "Most calls in any day; 0: no limit of ours") \
    X(API_RATE_LIMIT_PER_MONTH, INTEGER, "calls", "0", 0, 1000000000, 0, RATE, \
      "Most calls in any month; 0: no limit of ours") \
    \
    X(CCDATA_DATABASE_URL, DATABASE, "", "sqlite:ccdata.db", 0, 0, 0, DATABASE, \
      "Where the data goes: sqlite:PATH, or KIND://user@host:port/database of a singlestore, " \
      "mysql, mariadb or postgresql server; stronger than S2_HOST") \
    X(CCDATA_DATABASE_PASSWORD, PASSWORD, "", "", 0, 0, CONFIG_SECRET, DATABASE, \
      "Password of the database user, when the URL does not hold one") \
    X(S2_HOST, TEXT, "", "localhost", 0, 0, CONFIG_NO_URL, DATABASE, \
      "SingleStore server; when it is set, and no database URL is, the data goes there") \
    X(S2_PORT, INTEGER, "", "3306", 1, 65535, 0, DATABASE, \
      "Its port") \
    X(S2_USER, TEXT, "", "", 0, 0, 0, DATABASE, \
      "Its user; required with S2_HOST") \
    X(S2_PASSWORD, PASSWORD, "", "", 0, 0, CONFIG_SECRET, DATABASE, \
      "The password of that user, when CCDATA_DATABASE_PASSWORD is not set") \
    X(S2_DATABASE, TEXT, "", "", 0, 0, 0, DATABASE, \
      "Name of the database there; required with S2_HOST") \
    X(S2_SSL_MODE, CHOICE, "disabled|preferred|required|verify-ca|verify-identity", "preferred", \
      0, 0, 0, DATABASE, \
      "How much that server has to prove; preferred and required encrypt, but prove nothing") \
    X(S2_SSL_CA, PATH, "", "", 0, 0, 0, DATABASE, \
      "File with the certificates of the authorities to trust; unset: the system's") \
    X(DB_POOL_SIZE, INTEGER, "connections", "10", 1, 100, 0, DATABASE, \
      "Connections for writing that are kept open") \
    X(DB_MAX_OVERFLOW, INTEGER, "connections", "20", 0, 100, 0, DATABASE, \
      "Further connections, closed after use; no more writers than both together") \
    X(DB_POOL_TIMEOUT, SECONDS, "s", "30", 0, 3600, 0, DATABASE, \
      "Longest wait for a free connection") \
    X(DB_POOL_RECYCLE, SECONDS, "s", "3600", 1, 86400, 0, DATABASE, \
      "Age at which a connection is replaced") \
    \
    X(INGESTION_PARALLEL_WORKERS, INTEGER, "requests", "4", 1, 64, 0, INGESTION, \
      "Requests in flight") \
    X(INGESTION_BACKFILL_ENABLED, BOOL, "", "true", 0, 0, 0, INGESTION, \
      "Fetch the history of a series; false: only what follows the newest stored period") \
    X(INGESTION_MAX_BACKFILL_DAYS, INTEGER, "days", "365", 0, 36500, 0, INGESTION, \
      "How far back history is fetched when --from is not given; 0: all there is") \
    X(INGESTION_MAX_API_LIMIT, INTEGER, "periods", "5000", 1, 5000, 0, INGESTION, \
      "Most periods in one call; for hours and minutes never more than 2000") \
    X(INGESTION_API_CALL_DELAY, SECONDS, "s", "0.1", 0, 3600, 0, INGESTION, \
      "Shortest pause between the starts of two calls") \
    X(INGESTION_BATCH_SIZE, INTEGER, "rows", "1000", 1, 1000000, 0, INGESTION, \
      "Rows handed to the database in one statement; never more than a page") \
    X(INGESTION_CHUNK_SIZE, INTEGER, "rows", "10000", 1, 10000000, 0, INGESTION, \
      "Rows that may share a transaction; a page is never split") \
    X(INGESTION_MAX_CONSECUTIVE_FAILURES, INTEGER, "failures", "5", 1, 1000, 0, \
      INGESTION, \
      "Failures in a row after which an API host is left alone for a while") \
    X(INGESTION_FAILURE_BACKOFF_MULTIPLIER, NUMBER, "", "2", 1, 10, 0, INGESTION, \
      "Growth of the wait from one retry to the next") \
    X(INGESTION_MAX_FAILURE_BACKOFF, SECONDS, "s", "300", 1, 86400, 0, INGESTION, \
      "Longest wait between two retries") \
    X(CCDATA_SETTLE_SECONDS, INTEGER, "s", "360", 0, 86400, 0, INGESTION, \
      "Time after the end of a period before its values count as final") \
    X(CCDATA_SCHEDULE_JITTER, SECONDS, "s", "30", 0, 3600, 0, INGESTION, \
      "The daemon starts an operation up to so much later, by host and operation, so that not " \
      "all ask at once; a tenth of a short period at most") \
    X(METADATA_CHANGE_DETECTION, BOOL, "", "true", 0, 0, 0, INGESTION, \
      "Write only the metadata rows that changed; false: all that were fetched") \
    X(METADATA_FULL_REFRESH, BOOL, "", "false", 0, 0, 0, INGESTION, \
      "Write all metadata rows, as --full_refresh does") \
    X(FUTURES_EXCHANGES, LIST, "", "", 0, 0, 0, INGESTION, \
      "Exchanges of the futures data types when --exchanges is not given; unset: all") \
    X(FUTURES_INSTRUMENT_STATUSES, LIST, "", "ACTIVE,EXPIRED", 0, 0, 0, INGESTION, \
      "Futures instruments with one of these statuses are wanted") \
    \
    X(LOG_LEVEL, CHOICE, "DEBUG|INFO|WARNING|ERROR|CRITICAL", "INFO", 0, 0, 0, LOGGING, \
      "Least important line that is logged") \
    X(CCDATA_TRACE, LIST, "", "", 0, 0, 0, LOGGING, \
      "Log step by step what happens: http, plan, store, quota, one or several of them") \
    X(LOG_FORMAT, CHOICE, "text|json", "text", 0, 0, 0, LOGGING, \
      "Form of a log line") \
    X(LOG_CONSOLE_ENABLED, BOOL, "", "true", 0, 0, 0, LOGGING, \
      "Write log lines to the standard error") \
    X(LOG_FILE_ENABLED, BOOL, "", "true", 0, 0, 0, LOGGING, \
      "Write the log of runs into a file, too") \
    X(LOG_FILE_PATH, PATH, "", "logs/ingestion.log", 0, 0, 0, LOGGING, \
      "That file; its folder is made") \
    X(LOG_FILE_MAX_BYTES, INTEGER, "bytes", "10485760", 4096, 1099511627776, 0, LOGGING, \
      "Size at which a new file is begun") \
    X(LOG_FILE_BACKUP_COUNT, INTEGER, "files", "5", 0, 1000, 0, LOGGING, \
      "Older files that are kept, as PATH.1 and so on; 0: the file begins anew") \
    \
    X(CACHE_ENABLED, BOOL, "", "false", 0, 0, 0, CACHE, \
      "Keep replies for a while; the same as --enable_caching") \
    X(CACHE_BACKEND, CHOICE, "memory|file|redis", "memory", 0, 0, 0, CACHE, \
      "Where they are kept") \
    X(CACHE_DEFAULT_TTL, SECONDS, "s", "3600", 0, 31536000, 0, CACHE, \
      "How long a reply is kept") \
    X(CACHE_MAX_MEMORY_ENTRIES, INTEGER, "entries", "2000", 1, 10000000, 0, CACHE, \
      "How many in memory; the one that was used longest ago goes first") \
    X(REDIS_HOST, TEXT, "", "localhost", 0, 0, CONFIG_NO_URL, CACHE, \
      "Redis server") \
    X(REDIS_PORT, INTEGER, "", "6379", 1, 65535, 0, CACHE, \
      "Its port") \
    X(REDIS_PASSWORD, PASSWORD, "", "", 0, 0, CONFIG_SECRET, CACHE, \
      "Its password") \
    X(REDIS_DB, INTEGER, "", "0", 0, 1000000, 0, CACHE, \
      "Number of the database there") \
    X(REDIS_SSL, BOOL, "", "false", 0, 0, 0, CACHE, \
      "Speak TLS with it; it has to prove its name") \
    \
    X(MONITORING_METRICS_ENABLED, BOOL, "", "false", 0, 0, 0, MONITORING, \
      "Status tells of runs, their durations and rates, too; the same as --enable_monitoring") \
    X(MONITORING_PERFORMANCE_ENABLED, BOOL, "", "true", 0, 0, 0, MONITORING, \
      "With monitoring: say when a run is slower than the last ones of its command") \
    X(MONITORING_ALERT_ON_FAILURE, BOOL, "", "true", 0, 0, 0, MONITORING, \
      "Raise an alert when a run fails") \
    X(MONITORING_ALERT_CONSECUTIVE_FAILURES, INTEGER, "failures", "3", 1, 1000, 0, \
      MONITORING, \
      "Failed runs in a row that raise an alert of their own") \
    X(MONITORING_HEALTH_CHECK_INTERVAL, SECONDS, "s", "300", 1, 86400, 0, MONITORING, \
      "Health checks within it ask the vendor once; the daemon checks as often") \
    X(MONITORING_METRICS_RETENTION_DAYS, INTEGER, "days", "30", 1, 36500, 0, MONITORING, \
      "How long the records of runs are kept, in ccdata_runs and the tables of its parts") \
    X(CCDATA_METRICS_FILE, PATH, "", "", 0, 0, 0, MONITORING, \
      "A run writes its metrics into this file, for the textfile collector of node_exporter; the " \
      "same as --metrics_file") \
    X(PROMETHEUS_ENABLED, BOOL, "", "false", 0, 0, 0, MONITORING, \
      "Serve /metrics while a run or the daemon works") \
    X(PROMETHEUS_HOST, TEXT, "", "127.0.0.1", 0, 0, CONFIG_NO_URL, MONITORING, \
      "Address to serve it on") \
    X(PROMETHEUS_PORT, INTEGER, "", "9464", 0, 65535, 0, MONITORING, \
      "Port to serve it on; 0: any free one") \
    X(CCDATA_SERVE_TOKEN, SECRET, "", "", 0, 0, CONFIG_SECRET, MONITORING, \
      "Token that clients send, 22 characters or more; an address that is not loopback needs one") \
    X(CCDATA_SERVE_NAMES, LIST, "", "", 0, 0, 0, MONITORING, \
      "Further names that clients call the server by, as name or name:port; others are refused") \
    \
    X(ALERT_COOLDOWN, SECONDS, "s", "3600", 0, 2592000, 0, ALERTS, \
      "An alert that stays or comes back is told of again after this time") \
    X(ALERT_QUOTA_PERCENT, INTEGER, "percent", "10", 0, 100, 0, ALERTS, \
      "So much of the hour, the day or the month left is an alert") \
    X(ALERT_RESTATED_ROWS, INTEGER, "rows", "1000", 1, 1000000000, 0, ALERTS, \
      "So many stored rows that the vendor changed, found by one run, are an alert") \
    X(ALERT_STALE_PERIODS, INTEGER, "periods", "2", 1, 10000, 0, ALERTS, \
      "The newest candle so many periods behind is an alert") \
    X(ALERT_ALLOW_PRIVATE, BOOL, "", "false", 0, 0, 0, ALERTS, \
      "Webhooks may lead into private networks and to this host") \
    X(ALERT_CA_FILE, PATH, "", "", 0, 0, 0, ALERTS, \
      "Certificates of the authorities that webhooks and mail servers are trusted by; unset: the " \
      "system's") \
    X(ALERT_COMMAND, TEXT, "", "", 0, 0, 0, ALERTS, \
      "A program and its words, started without a shell, with each notice as JSON on its " \
      "standard input") \
    X(ALERT_WEBHOOK_SECRET, PASSWORD, "", "", 0, 0, CONFIG_SECRET, ALERTS, \
      "Notices to ALERT_WEBHOOK_URL are signed with it: HMAC-SHA256, X-Ccdata-Signature") \
    X(SLACK_WEBHOOK_URL, URL, "", "", 0, 0, CONFIG_SECRET, ALERTS, \
      "Slack webhook that alerts are sent to") \
    X(DISCORD_WEBHOOK_URL, URL, "", "", 0, 0, CONFIG_SECRET, ALERTS, \
      "Discord webhook that alerts are sent to") \
    X(ALERT_WEBHOOK_URL, URL, "", "", 0, 0, CONFIG_SECRET, ALERTS, \
      "Any other address that takes alerts as JSON") \
    X(SMTP_HOST, TEXT, "", "", 0, 0, CONFIG_NO_URL, ALERTS, \
      "Mail server that alerts are sent through") \
    X(SMTP_PORT, INTEGER, "", "587", 1, 65535, 0, ALERTS, \
      "Its port") \
    X(SMTP_USER, TEXT, "", "", 0, 0, 0, ALERTS, \
      "User there") \
    X(SMTP_PASSWORD, PASSWORD, "", "", 0, 0, CONFIG_SECRET, ALERTS, \
      "Password of that user") \
    X(SMTP_FROM, TEXT, "", "", 0, 0, 0, ALERTS, \
      "Sender of the mail") \
    X(SMTP_TO, LIST, "", "", 0, 0, 0, ALERTS, \
      "Those who get it")
// clang-format on

enum config_id {
#define CONFIG_OPTION_ENUM(name, type, detail, fallback, least, most, flags, group, meaning)       \
    CONFIG_##name,
    CONFIG_OPTION_TABLE(CONFIG_OPTION_ENUM)
#undef CONFIG_OPTION_ENUM
        CONFIG_COUNT
};

/* One row. All texts are static. */
struct config_option {
    const char *name;
    enum config_type type;
    const char *detail;   /* unit of a number, choices of a choice */
    const char *fallback; /* as it would be written in a file; "" = not set */
    double least, most;
    unsigned flags; /* enum config_flag */
    enum config_group group;
    const char *meaning;
};

/* Longest name of a setting, with _FILE and the NUL. */
enum { CONFIG_NAME_BYTES = 64 };

/* The row of an id; never NULL: an id out of range is a programming error. Any thread. */
const struct config_option *config_option(enum config_id id);

/* "Rate limits" */
const char *config_group_heading(enum config_group group);

/* "integer" */
const char *config_type_name(enum config_type type);

/* Look a variable up by its exact name; *out_is_file tells whether it is the NAME_FILE variant. */
bool config_option_find(struct str name, enum config_id *out_id, bool *out_is_file);

/* The known name (of a setting or its NAME_FILE) with the fewest edits to `name`, case aside.
 * Returns that number of edits and writes the known name to out. */
unsigned config_option_nearest(struct str name, char out[CONFIG_NAME_BYTES]);

/* What a value of this row may be, for messages and pages: "1 to 64 requests", "text, json", "an
 * http or https URL"; "" when anything goes. Returns out. */
char *config_option_range(const struct config_option *option, char out[128]);

#endif
