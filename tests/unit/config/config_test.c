#include "config/config.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "limited_allocator.h"
#include "test.h"

/* A directory of its own for each test, and what the request reads. */
struct world {
    char directory[64];
    char files[8][96];
    size_t file_count;
    struct config_request request;
    struct config *config;
    struct ccd_error err;
};

static void world_open(struct world *w)
{
    *w = (struct world){0};
    (void)str_copy(w->directory, sizeof w->directory, STR("/tmp/ccdata-config-XXXXXX"));
    CHECK(mkdtemp(w->directory) != NULL);
    w->request.directory = w->directory;
}

static const char *path_in(struct world *w, const char *name)
{
    char *path = w->files[w->file_count++];
    (void)str_print(path, sizeof w->files[0], "%s/%s", w->directory, name);
    return path;
}

static void write_bytes(struct world *w, const char *name, struct str bytes, mode_t mode)
{
    const char *path = path_in(w, name);
    int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    if (CHECK(fd >= 0)) {
        CHECK_INT(bytes.len, write(fd, bytes.ptr, bytes.len));
        CHECK_INT(0, fchmod(fd, mode));
        close(fd);
    }
}

static void write_file(struct world *w, const char *name, const char *text)
{
    write_bytes(w, name, str_from(text), 0600);
}

static void world_close(struct world *w)
{
    config_free(w->config);
    for (size_t i = 0; i < w->file_count; i++) {
        (void)unlink(w->files[i]);
        (void)rmdir(w->files[i]);
    }
    CHECK_INT(0, rmdir(w->directory));
}

static bool load(struct world *w)
{
    config_free(w->config);
    w->config = NULL;
    error_clear(&w->err);
    return config_load(&w->request, &w->config, &w->err) == 0;
}

static void check_loads(struct world *w)
{
    if (!CHECK(load(w)))
        CHECK_TEXT("", w->err.message);
}

static void check_refused(struct world *w, const char *message)
{
    CHECK(!load(w));
    CHECK_INT(CCD_CONFIG, w->err.status);
    CHECK_TEXT(message, w->err.message);
    CHECK(w->config == NULL);
}

static void set_environment(struct world *w, char *const *environment)
{
    w->request.environment = environment;
}

#define ENVIRONMENT(...) ((char *const[]){__VA_ARGS__, NULL})

TEST(config_defaults)
{
    struct world w;
    world_open(&w);
    check_loads(&w);
    const struct str *items;
    CHECK_STR("development", config_text(w.config, CONFIG_ENVIRONMENT));
    CHECK_STR("sqlite:ccdata.db", config_text(w.config, CONFIG_CCDATA_DATABASE_URL));
    CHECK_STR("https://data-api.coindesk.com", config_text(w.config, CONFIG_DATA_API_BASE_URL));
    CHECK_STR("", config_secret(w.config, CONFIG_CCDATA_API_KEY));
    CHECK(!config_has(w.config, CONFIG_CCDATA_API_KEY));
    CHECK(config_has(w.config, CONFIG_LOG_LEVEL));
    CHECK(!config_is_given(w.config, CONFIG_LOG_LEVEL));
    CHECK_INT(4, config_i64(w.config, CONFIG_INGESTION_PARALLEL_WORKERS));
    CHECK_INT(360, config_i64(w.config, CONFIG_CCDATA_SETTLE_SECONDS));
    CHECK_INT(0, config_i64(w.config, CONFIG_CCDATA_NOW));
    CHECK_F64_BITS(10.0, config_f64(w.config, CONFIG_API_RATE_LIMIT_PER_SECOND));
    CHECK_F64_BITS(0.1, config_f64(w.config, CONFIG_INGESTION_API_CALL_DELAY));
    CHECK_INT(100, config_ms(w.config, CONFIG_INGESTION_API_CALL_DELAY));
    CHECK_INT(500, config_ms(w.config, CONFIG_API_RETRY_DELAY));
    CHECK(config_bool(w.config, CONFIG_INGESTION_BACKFILL_ENABLED));
    CHECK(!config_bool(w.config, CONFIG_CACHE_ENABLED));
    CHECK_INT(0, config_list(w.config, CONFIG_FUTURES_EXCHANGES, &items));
    if (CHECK_INT(2, config_list(w.config, CONFIG_FUTURES_INSTRUMENT_STATUSES, &items)))
        CHECK_STR("EXPIRED", items[1]);
    CHECK_TEXT("default", config_source(w.config, CONFIG_LOG_LEVEL));
    CHECK_INT(0, config_warning_count(w.config));
    world_close(&w);
    config_free(NULL);
}

TEST(config_precedence)
{
    struct world w;
    world_open(&w);
    write_file(&w, ".env",
               "LOG_LEVEL=ERROR\nAPI_MAX_RETRIES=1\nAPI_RETRY_DELAY=1\nCCDATA_SETTLE_SECONDS=1\n");
    write_file(&w, ".env.development",
               "\nAPI_MAX_RETRIES=2\nAPI_RETRY_DELAY=2\nCCDATA_SETTLE_SECONDS=2\n");
    set_environment(&w, ENVIRONMENT("API_RETRY_DELAY=3", "CCDATA_SETTLE_SECONDS=3", "PATH=/bin"));
    struct config_override overrides[] = {
        {CONFIG_CCDATA_SETTLE_SECONDS, STR("4"), "--settle"},
    };
    w.request.overrides = overrides;
    w.request.override_count = 1;
    check_loads(&w);
    CHECK_STR("ERROR", config_text(w.config, CONFIG_LOG_LEVEL));
    CHECK_TEXT(".env:1", config_source(w.config, CONFIG_LOG_LEVEL));
    CHECK_INT(2, config_i64(w.config, CONFIG_API_MAX_RETRIES));
    CHECK_TEXT(".env.development:2", config_source(w.config, CONFIG_API_MAX_RETRIES));
    CHECK_INT(3000, config_ms(w.config, CONFIG_API_RETRY_DELAY));
    CHECK_TEXT("environment", config_source(w.config, CONFIG_API_RETRY_DELAY));
    CHECK_INT(4, config_i64(w.config, CONFIG_CCDATA_SETTLE_SECONDS));
    CHECK_TEXT("--settle", config_source(w.config, CONFIG_CCDATA_SETTLE_SECONDS));
    CHECK(config_is_given(w.config, CONFIG_CCDATA_SETTLE_SECONDS));
    world_close(&w);
}

TEST(config_environment_chooses_the_second_file)
{
    struct world w;
    world_open(&w);
    write_file(&w, ".env", "ENVIRONMENT=staging\nAPI_MAX_RETRIES=1\n");
    write_file(&w, ".env.staging", "API_MAX_RETRIES=2\n");
    write_file(&w, ".env.production", "ENVIRONMENT=production\nAPI_MAX_RETRIES=3\n");
    check_loads(&w);
    CHECK_INT(2, config_i64(w.config, CONFIG_API_MAX_RETRIES));
    CHECK_STR("staging", config_text(w.config, CONFIG_ENVIRONMENT));
    set_environment(&w, ENVIRONMENT("ENVIRONMENT=production"));
    check_loads(&w);
    CHECK_INT(3, config_i64(w.config, CONFIG_API_MAX_RETRIES));
    set_environment(&w, ENVIRONMENT("ENVIRONMENT=../staging"));
    check_refused(&w, "ENVIRONMENT (environment): the value '../staging' is not 1 to 32 letters, "
                      "digits, '-' and '_'");
    set_environment(&w, ENVIRONMENT("ENVIRONMENT="));
    check_loads(&w);
    CHECK_INT(1, config_i64(w.config, CONFIG_API_MAX_RETRIES));
    write_file(&w, ".env.staging", "\nENVIRONMENT=production\n");
    set_environment(&w, NULL);
    check_refused(&w, ".env.staging:2: ENVIRONMENT names another environment than the file");
    world_close(&w);
}

TEST(config_env_file_replaces_both)
{
    struct world w;
    world_open(&w);
    write_file(&w, ".env", "API_MAX_RETRIES=1\n");
    write_file(&w, ".env.development", "API_MAX_RETRIES=2\n");
    write_file(&w, "other.env", "LOG_LEVEL=debug\n");
    w.request.env_file = "other.env";
    check_loads(&w);
    CHECK_INT(5, config_i64(w.config, CONFIG_API_MAX_RETRIES));
    CHECK_STR("DEBUG", config_text(w.config, CONFIG_LOG_LEVEL));
    CHECK_TEXT("other.env:1", config_source(w.config, CONFIG_LOG_LEVEL));
    w.request.env_file = "missing.env";
    check_refused(&w, "missing.env cannot be read: No such file or directory");
    w.request.env_file = w.directory;
    CHECK(!load(&w));
    CHECK(strstr(w.err.message, "is not a regular file") != NULL);
    set_environment(&w, ENVIRONMENT("ENVIRONMENT=a b"));
    w.request.env_file = "other.env";
    CHECK(!load(&w));
    world_close(&w);
}

TEST(config_an_empty_value_means_the_default)
{
    struct world w;
    world_open(&w);
    write_file(&w, ".env", "LOG_LEVEL=ERROR\nCCDATA_API_KEY=abc\n");
    set_environment(&w, ENVIRONMENT("LOG_LEVEL=", "CCDATA_API_KEY="));
    check_loads(&w);
    CHECK_STR("INFO", config_text(w.config, CONFIG_LOG_LEVEL));
    CHECK_TEXT("default", config_source(w.config, CONFIG_LOG_LEVEL));
    CHECK(!config_has(w.config, CONFIG_CCDATA_API_KEY));
    CHECK(!config_is_given(w.config, CONFIG_CCDATA_API_KEY));
    world_close(&w);
}

TEST(config_message_of_a_url_shows_no_credentials)
{
    static const char *const urls[] = {"https://user:s3cret@host/", "ftp://user:s3cret@host/",
                                       "user:s3cret@host", "https://user:s3cret@host:1 2/"};
    struct world w;
    world_open(&w);
    for (size_t i = 0; i < sizeof urls / sizeof *urls; i++) {
        char line[128];
        snprintf(line, sizeof line, "DATA_API_BASE_URL=%s\n", urls[i]);
        write_file(&w, ".env", line);
        CHECK(!load(&w));
        CHECK(strstr(w.err.message, "DATA_API_BASE_URL (.env:1): the value ") != NULL);
        CHECK(strstr(w.err.message, "s3cret") == NULL);
    }
    world_close(&w);
}

TEST(config_messages_name_variable_value_source_range)
{
    struct world w;
    world_open(&w);
    write_file(&w, ".env", "# x\nS2_PORT=70000\n");
    check_refused(&w, "S2_PORT (.env:2): the value '70000' is out of range; allowed: 1 to 65535");
    write_file(&w, ".env", "");
    set_environment(&w, ENVIRONMENT("LOG_FORMAT=xml"));
    check_refused(&w,
                  "LOG_FORMAT (environment): the value 'xml' is not one of the choices; allowed: "
                  "text, json");
    struct config_override overrides[] = {{CONFIG_CCDATA_NOW, STR("soon"), "--now"}};
    w.request.overrides = overrides;
    w.request.override_count = 1;
    set_environment(&w, NULL);
    check_refused(&w, "CCDATA_NOW (--now): the value 'soon' is not a time; allowed: ISO date or "
                      "date-time");
    char text[600];
    memset(text, 'x', sizeof text);
    memcpy(text, "LOG_FORMAT=", 11);
    text[599] = '\0';
    set_environment(&w, ENVIRONMENT(text));
    w.request.override_count = 0;
    CHECK(!load(&w));
    CHECK(strstr(w.err.message, "xxx...' is not one of the choices; allowed: text, json") != NULL);
    world_close(&w);
}

TEST(config_secret_values_are_never_shown)
{
    struct world w;
    world_open(&w);
    set_environment(&w, ENVIRONMENT("CCDATA_API_KEY=canary one"));
    check_refused(&w, "CCDATA_API_KEY (environment): the value holds white space or a control "
                      "character");
    set_environment(&w, ENVIRONMENT("SLACK_WEBHOOK_URL=ftp://canary"));
    check_refused(&w, "SLACK_WEBHOOK_URL (environment): the value does not begin with https:// or "
                      "http://; allowed: http or https URL");
    set_environment(&w, ENVIRONMENT("CCDATA_DATABASE_URL=mysql://u:canary\x01@h/d"));
    CHECK(!load(&w));
    CHECK(strstr(w.err.message, "canary") == NULL);
    set_environment(
        &w, ENVIRONMENT("CCDATA_API_KEY=canary", "CCDATA_DATABASE_URL=mysql://u:canary@h/d"));
    check_loads(&w);
    struct buf shown;
    buf_init(&shown, 10000, NULL);
    for (unsigned id = 0; id < CONFIG_COUNT; id++) {
        const char *text = config_shown(w.config, (enum config_id)id);
        CHECK_INT(0, buf_printf(&shown, "%s\n", text ? text : ""));
        CHECK(strstr(config_source(w.config, (enum config_id)id), "canary") == NULL);
    }
    CHECK(strstr(shown.data, "canary") == NULL);
    CHECK(strstr(shown.data, "mysql://u:***@h/d") != NULL);
    CHECK(strstr(shown.data, "\n(set)\n") != NULL);
    buf_release(&shown);
    CHECK_STR("canary", config_secret(w.config, CONFIG_CCDATA_API_KEY));
    if (CHECK_INT(1, config_warning_count(w.config))) {
        CHECK_TEXT(
            "CCDATA_DATABASE_URL (environment) holds a password; CCDATA_DATABASE_PASSWORD or "
            "its _FILE is safer",
            config_warning(w.config, 0));
    }
    world_close(&w);
}

TEST(config_unknown_names_in_a_file)
{
    struct world w;
    world_open(&w);
    write_file(&w, ".env", "GRAFANA_ADMIN=x\n\nCCDATA_API_KYE=x\n");
    check_refused(&w, ".env:3: CCDATA_API_KYE is not a setting; did you mean CCDATA_API_KEY?");
    write_file(&w, ".env", "ccdata_api_key=x\n");
    check_refused(&w, ".env:1: ccdata_api_key is not a setting; did you mean CCDATA_API_KEY?");
    write_file(&w, ".env", "LOG_LEVEL=INFO\nGRAFANA_ADMIN=x\n");
    set_environment(&w, ENVIRONMENT("CCDATA_API_KYE=x")); /* not ours to judge */
    check_loads(&w);
    if (CHECK_INT(1, config_warning_count(w.config))) {
        CHECK_TEXT(".env:2: GRAFANA_ADMIN is not a setting of this program",
                   config_warning(w.config, 0));
    }
    write_file(&w, ".env", "A=1\nA=2\n");
    check_refused(&w, ".env:2: A is set before, in line 1; keep one of the two");
    world_close(&w);
}

TEST(config_warnings_are_bounded)
{
    struct world w;
    world_open(&w);
    char text[4000] = "";
    for (int i = 0; i < 200; i++) {
        size_t used = strlen(text);
        (void)str_print(text + used, sizeof text - used, "FOREIGN_NAME_%d=\n", i);
    }
    write_file(&w, ".env", text);
    check_loads(&w);
    CHECK_INT(50, config_warning_count(w.config));
    world_close(&w);
}

TEST(config_expansion_order)
{
    struct world w;
    world_open(&w);
    write_file(&w, ".env", "BASE_DIR=/base\nHOME_DIR=/file\nLOG_FILE_PATH=${HOME_DIR}/log\n");
    write_file(&w, ".env.development", "S2_SSL_CA=${BASE_DIR}/ca.pem\n");
    set_environment(&w, ENVIRONMENT("HOME_DIR=/environment"));
    check_loads(&w);
    CHECK_STR("/environment/log", config_text(w.config, CONFIG_LOG_FILE_PATH));
    CHECK_STR("/base/ca.pem", config_text(w.config, CONFIG_S2_SSL_CA));
    world_close(&w);
}

TEST(config_secret_from_a_file)
{
    struct world w;
    world_open(&w);
    write_file(&w, "key", "abc123\n");
    set_environment(&w, ENVIRONMENT("CCDATA_API_KEY_FILE=key"));
    check_loads(&w);
    CHECK_STR("abc123", config_secret(w.config, CONFIG_CCDATA_API_KEY));
    CHECK_TEXT("key (CCDATA_API_KEY_FILE, environment)",
               config_source(w.config, CONFIG_CCDATA_API_KEY));
    CHECK(config_is_given(w.config, CONFIG_CCDATA_API_KEY));
    CHECK_INT(0, config_warning_count(w.config));
    write_file(&w, "key", "abc123\r\n");
    check_loads(&w);
    CHECK_STR("abc123", config_secret(w.config, CONFIG_CCDATA_API_KEY));
    write_file(&w, "key", "abc123");
    check_loads(&w);
    CHECK_STR("abc123", config_secret(w.config, CONFIG_CCDATA_API_KEY));

    write_file(&w, "key", "abc\n\n");
    check_refused(&w, "CCDATA_API_KEY (key (CCDATA_API_KEY_FILE, environment)): the value holds "
                      "white space or a control character");
    write_file(&w, "key", "\n");
    check_refused(&w, "key (CCDATA_API_KEY_FILE, environment) is empty");
    write_bytes(&w, "key", STR("a\0b"), 0600);
    CHECK(!load(&w));
    world_close(&w);
}

TEST(config_passwords_may_be_any_text)
{
    struct world w;
    world_open(&w);
    set_environment(&w, ENVIRONMENT("S2_PASSWORD= two words ", "REDIS_PASSWORD_FILE=key"));
    write_file(&w, "key", " it's \"#$\xC3\xA4 \n");
    write_file(&w, ".env",
               "CCDATA_DATABASE_PASSWORD='a b # \\ \" '\n"
               "SMTP_PASSWORD=\"it's \\\"\\${x}\"\n");
    check_loads(&w);
    CHECK_STR(" two words ", config_secret(w.config, CONFIG_S2_PASSWORD));
    CHECK_STR(" it's \"#$\xC3\xA4 ", config_secret(w.config, CONFIG_REDIS_PASSWORD));
    CHECK_STR("a b # \\ \" ", config_secret(w.config, CONFIG_CCDATA_DATABASE_PASSWORD));
    CHECK_STR("it's \"${x}", config_secret(w.config, CONFIG_SMTP_PASSWORD));
    world_close(&w);
}

TEST(config_secret_file_and_value_together)
{
    struct world w;
    world_open(&w);
    write_file(&w, "key", "fromfile\n");
    write_file(&w, ".env", "CCDATA_API_KEY=\nCCDATA_API_KEY_FILE=key\n");
    check_loads(&w);
    CHECK_STR("fromfile", config_secret(w.config, CONFIG_CCDATA_API_KEY));
    write_file(&w, ".env", "CCDATA_API_KEY=x\nCCDATA_API_KEY_FILE=key\n");
    check_refused(&w, "CCDATA_API_KEY (.env:1) and CCDATA_API_KEY_FILE (.env:2) are both set; keep "
                      "one");
    set_environment(&w, ENVIRONMENT("CCDATA_API_KEY=stronger"));
    check_loads(&w);
    CHECK_STR("stronger", config_secret(w.config, CONFIG_CCDATA_API_KEY));
    set_environment(&w, ENVIRONMENT("CCDATA_API_KEY_FILE=key"));
    check_loads(&w);
    CHECK_STR("fromfile", config_secret(w.config, CONFIG_CCDATA_API_KEY));
    set_environment(&w, ENVIRONMENT("CCDATA_API_KEY_FILE="));
    check_loads(&w);
    CHECK(!config_has(w.config, CONFIG_CCDATA_API_KEY));
    world_close(&w);
}

TEST(config_secret_file_limits)
{
    struct world w;
    world_open(&w);
    char *text = malloc((1 << 16) + 1);
    if (CHECK(text != NULL)) {
        memset(text, 'k', (1 << 16) + 1);
        set_environment(&w, ENVIRONMENT("S2_PASSWORD_FILE=key"));
        write_bytes(&w, "key", (struct str){text, 1 << 16}, 0600);
        check_loads(&w);
        CHECK_INT(1 << 16, config_secret(w.config, CONFIG_S2_PASSWORD).len);
        write_bytes(&w, "key", (struct str){text, (1 << 16) + 1}, 0600);
        check_refused(&w, "key (S2_PASSWORD_FILE, environment) is larger than 65536 bytes");
    }
    free(text);
    world_close(&w);
}

TEST(config_secret_file_kinds)
{
    struct world w;
    world_open(&w);
    write_file(&w, "key", "abc\n");
    CHECK_INT(0, symlink("key", path_in(&w, "link")));
    set_environment(&w, ENVIRONMENT("CCDATA_API_KEY_FILE=link"));
    check_refused(&w, "link (CCDATA_API_KEY_FILE, environment) is a symbolic link; name the file "
                      "that it points to");
    CHECK_INT(0, mkfifo(path_in(&w, "pipe"), 0600));
    set_environment(&w, ENVIRONMENT("CCDATA_API_KEY_FILE=pipe"));
    check_refused(&w, "pipe (CCDATA_API_KEY_FILE, environment) is not a regular file");
    set_environment(&w, ENVIRONMENT("CCDATA_API_KEY_FILE=missing"));
    check_refused(&w, "missing (CCDATA_API_KEY_FILE, environment) cannot be read: No such file or "
                      "directory");
    set_environment(&w, ENVIRONMENT("S2_PORT_FILE=key")); /* no secret, so no such variant */
    check_loads(&w);
    CHECK_INT(3306, config_i64(w.config, CONFIG_S2_PORT));
    world_close(&w);
}

TEST(config_exposed_secrets_warn_and_strict_refuses)
{
    static const char MESSAGE[] = ".env holds a secret and can be read by others than its owner; "
                                  "run: chmod 600";
    struct world w;
    world_open(&w);
    write_bytes(&w, ".env", STR("CCDATA_API_KEY=abc\n"), 0640);
    check_loads(&w);
    if (CHECK_INT(1, config_warning_count(w.config)))
        CHECK_TEXT(MESSAGE, config_warning(w.config, 0));
    w.request.strict = true;
    check_refused(&w, MESSAGE);
    write_bytes(&w, ".env", STR("CCDATA_DATABASE_URL=mysql://u:p@h/d\n"), 0604);
    check_refused(&w, MESSAGE);
    write_bytes(&w, ".env", STR("CCDATA_API_KEY=\nLOG_LEVEL=INFO\nCCDATA_DATABASE_URL=sqlite:x\n"),
                0644);
    check_loads(&w);
    CHECK_INT(0, config_warning_count(w.config));
    write_bytes(&w, "key", STR("abc"), 0604);
    write_bytes(&w, ".env", STR("CCDATA_API_KEY_FILE=key\n"), 0644);
    check_refused(&w, "key (CCDATA_API_KEY_FILE, .env:1) holds a secret and can be read by others "
                      "than its owner; run: chmod 600");
    w.request.strict = false;
    check_loads(&w);
    CHECK_INT(1, config_warning_count(w.config));
    world_close(&w);
}

TEST(config_bad_files)
{
    struct world w;
    world_open(&w);
    write_bytes(&w, ".env", STR("LOG_LEVEL=INFO\nA=\0\n"), 0600);
    check_refused(&w, ".env:2: NUL byte (0x00)");
    (void)unlink(path_in(&w, ".env"));
    CHECK_INT(0, mkdir(path_in(&w, ".env"), 0700));
    check_refused(&w, ".env is not a regular file");
    w.request.directory = "/nonexistent/directory";
    check_loads(&w); /* no file there: defaults */
    char longer[5000];
    memset(longer, 'd', sizeof longer);
    longer[4999] = '\0';
    w.request.directory = longer;
    check_refused(&w, ".env: the path is too long");
    world_close(&w);
}

TEST(config_readme_file_loads)
{
    struct world w;
    world_open(&w);
    write_file(&w, ".env",
               "   # Database configuration\n"
               "   S2_HOST=your-singlestore-host\n   S2_PORT=3306\n   S2_USER=your-username\n"
               "   S2_PASSWORD=your-password\n   S2_DATABASE=your-database\n\n"
               "   CCDATA_API_KEY=your-cryptocompare-api-key\n"
               "   DATA_API_BASE_URL=https://data-api.cryptocompare.com\n"
               "   MIN_API_BASE_URL=https://min-api.cryptocompare.com/data\n"
               "   INGESTION_BATCH_SIZE=1000\n   INGESTION_PARALLEL_WORKERS=4\n"
               "   INGESTION_BACKFILL_ENABLED=true\n   INGESTION_MAX_BACKFILL_DAYS=365\n"
               "   API_RATE_LIMIT_PER_SECOND=10.0\n   API_RATE_LIMIT_PER_MINUTE=300\n"
               "   API_RATE_LIMIT_PER_HOUR=10000\n   LOG_LEVEL=INFO\n   LOG_FILE_ENABLED=true\n"
               "   LOG_FILE_PATH=logs/ingestion.log\n   MONITORING_METRICS_ENABLED=true\n"
               "   MONITORING_PERFORMANCE_ENABLED=true\n   MONITORING_ALERT_ON_FAILURE=true\n"
               "DB_POOL_SIZE=10                    # Connection pool size\n"
               "DB_MAX_OVERFLOW=20                 # Max overflow connections\n"
               "DB_POOL_TIMEOUT=30\nDB_POOL_RECYCLE=3600              # Connection recycle time\n"
               "INGESTION_MAX_API_LIMIT=5000\nINGESTION_API_CALL_DELAY=0.1\n"
               "INGESTION_CHUNK_SIZE=10000\nINGESTION_MAX_CONSECUTIVE_FAILURES=5\n"
               "INGESTION_FAILURE_BACKOFF_MULTIPLIER=2.0\nINGESTION_MAX_FAILURE_BACKOFF=300\n"
               "FUTURES_EXCHANGES=binance,okex,bybit\n"
               "FUTURES_INSTRUMENT_STATUSES=ACTIVE,EXPIRED\n");
    check_loads(&w);
    const struct str *items;
    CHECK_INT(3, config_list(w.config, CONFIG_FUTURES_EXCHANGES, &items));
    CHECK_INT(0, config_warning_count(w.config));
    CHECK(config_is_given(w.config, CONFIG_S2_HOST));
    CHECK(!config_is_given(w.config, CONFIG_CCDATA_DATABASE_URL));
    world_close(&w);
}

TEST(config_database_passwords)
{
    struct world w;
    world_open(&w);
    write_file(&w, "key", "from-a-file\n");
    set_environment(&w, ENVIRONMENT("CCDATA_DATABASE_PASSWORD_FILE=key", "S2_PASSWORD_FILE=key",
                                    "CCDATA_DATABASE_URL=mysql://u:s3cret@h/d"));
    check_loads(&w);
    CHECK_STR("from-a-file", config_secret(w.config, CONFIG_CCDATA_DATABASE_PASSWORD));
    CHECK_STR("from-a-file", config_secret(w.config, CONFIG_S2_PASSWORD));
    if (CHECK_INT(1, config_warning_count(w.config))) {
        CHECK_TEXT("CCDATA_DATABASE_URL (environment) holds a password; CCDATA_DATABASE_PASSWORD "
                   "or its _FILE is safer",
                   config_warning(w.config, 0));
    }
    CHECK_TEXT("mysql://u:***@h/d", config_shown(w.config, CONFIG_CCDATA_DATABASE_URL));
    world_close(&w);
}

TEST(config_environment_is_wiped)
{
    char key[] = "CCDATA_API_KEY=canary-one";
    char file[] = "S2_PASSWORD_FILE=/run/secrets/s2";
    char with[] = "CCDATA_DATABASE_URL=mysql://u:canary@h/d";
    char other[] = "CCDATA_API_KEYS=canary-two";
    char plain[] = "LOG_LEVEL=INFO";
    char hook[] = "SLACK_WEBHOOK_URL=https://h/canary";
    char *const environment[] = {key, file, with, other, plain, hook, NULL};
    config_wipe_environment(environment);
    CHECK_TEXT("CCDATA_API_KEY=", key);
    CHECK_INT(0, key[sizeof(key) - 2]);
    CHECK_TEXT("S2_PASSWORD_FILE=/run/secrets/s2", file);
    CHECK_TEXT("CCDATA_DATABASE_URL=", with);
    CHECK_TEXT("CCDATA_API_KEYS=canary-two", other);
    CHECK_TEXT("LOG_LEVEL=INFO", plain);
    CHECK_TEXT("SLACK_WEBHOOK_URL=", hook);
    char without[] = "CCDATA_DATABASE_URL=sqlite:x.db";
    config_wipe_environment((char *const[]){without, NULL});
    CHECK_TEXT("CCDATA_DATABASE_URL=sqlite:x.db", without);
    config_wipe_environment(NULL);
}

TEST(config_no_memory)
{
    struct world w;
    world_open(&w);
    write_file(&w, ".env", "CCDATA_API_KEY_FILE=key\nFUTURES_EXCHANGES=a b\n");
    write_file(&w, ".env.development", "LOG_LEVEL=INFO\n");
    write_file(&w, "key", "abc\n");
    bool done = false;
    for (long fail_at = 0; !done && fail_at < 1000; fail_at++) {
        struct limited_allocator limited;
        limited_allocator_init(&limited, fail_at, fail_at);
        w.request.allocator = &limited.hook;
        struct config *config = NULL;
        error_clear(&w.err);
        int result = config_load(&w.request, &config, &w.err);
        done = limited.requests <= fail_at;
        CHECK_INT(done ? CCD_OK : CCD_NO_MEMORY, result);
        CHECK_INT(result, w.err.status);
        CHECK_INT(done, config != NULL);
        config_free(config);
        CHECK_INT(0, limited.held);
    }
    CHECK(done);
    w.request.allocator = NULL;
    world_close(&w);
}
