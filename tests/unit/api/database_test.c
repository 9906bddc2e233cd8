/* From settings to a destination: which one, with which password, and what is shown of it. */
#include "api/database.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "store/url.h"
#include "test.h"

enum { LOG_BYTES = 2000 };

struct world {
    struct ccd_client client;
    struct database database;
    struct ccd_error err;
    char log[LOG_BYTES];
};

static void write_log(void *user, enum log_level level, const struct log_subject *subject,
                      struct str text)
{
    struct world *w = user;
    (void)level;
    (void)subject;
    size_t used = strlen(w->log);
    str_print(w->log + used, LOG_BYTES - used, STR_FMT "\n", STR_ARG(text));
}

static char *const nothing[] = {NULL};

/* settings: an environment. url: of the command line. */
static int open_world(struct world *w, char *const *settings, const char *url)
{
    *w = (struct world){0};
    const struct config_request request = {.environment = settings,
                                           .directory = "/nonexistent/directory"};
    CHECK_INT(0, config_load(&request, &w->client.config, &w->err));
    CHECK_INT(0, redactor_init(&w->client.redactor, w->client.config, &w->err));
    w->client.log = (struct log){.threshold = LOG_INFO, .write = write_log, .user = w};
    return database_config(&w->client, url, &w->database, &w->err);
}

static void close_world(struct world *w)
{
    database_release(&w->database);
    redactor_release(&w->client.redactor);
    config_free(w->client.config);
}

#define SETTINGS(...) ((char *const[]){__VA_ARGS__, NULL})

static void check_url(char *const *settings, const char *given, const char *expected,
                      const char *shown)
{
    struct world w;
    if (CHECK_INT(0, open_world(&w, settings, given))) {
        CHECK_TEXT(expected, w.database.config.url);
        CHECK_STR(shown, buf_str(&w.database.shown));
    } else {
        fprintf(stderr, "  %s\n", w.err.message);
    }
    close_world(&w);
}

static void check_refused(char *const *settings, const char *given, int status, const char *words)
{
    struct world w;
    if (!CHECK_INT(status, open_world(&w, settings, given)) ||
        !CHECK(strstr(w.err.message, words) != NULL))
        fprintf(stderr, "  %s\n", w.err.message);
    CHECK(!strstr(w.err.message, "s3cret"));
    close_world(&w);
}

TEST(database_by_default_a_file)
{
    struct world w;
    CHECK_INT(0, open_world(&w, nothing, NULL));
    CHECK_TEXT("sqlite:ccdata.db", w.database.config.url);
    CHECK_STR("sqlite:ccdata.db", buf_str(&w.database.shown));
    CHECK_TEXT("", w.database.config.password);
    CHECK_TEXT("", w.log);
    CHECK_INT(1000, w.database.config.batch_rows);
    CHECK_INT(10, w.database.config.pool_size);
    CHECK_INT(20, w.database.config.pool_overflow);
    CHECK_INT(30000, w.database.config.pool_timeout_ms);
    CHECK_INT(3600, w.database.config.pool_recycle_s);
    CHECK(!w.database.config.read_only && !w.database.config.create_schema);
    close_world(&w);
}

TEST(database_pool_settings)
{
    struct world w;
    CHECK_INT(0, open_world(&w,
                            SETTINGS("DB_POOL_SIZE=2", "DB_MAX_OVERFLOW=0", "DB_POOL_TIMEOUT=0.25",
                                     "DB_POOL_RECYCLE=60", "INGESTION_BATCH_SIZE=7"),
                            NULL));
    CHECK_INT(7, w.database.config.batch_rows);
    CHECK_INT(2, w.database.config.pool_size);
    CHECK_INT(0, w.database.config.pool_overflow);
    CHECK_INT(250, w.database.config.pool_timeout_ms);
    CHECK_INT(60, w.database.config.pool_recycle_s);
    close_world(&w);
}

TEST(database_s2_settings)
{
    check_url(SETTINGS("S2_HOST=h", "S2_USER=u", "S2_DATABASE=d"), NULL,
              "singlestore://u@h:3306/d?ssl-mode=preferred",
              "singlestore://u@h:3306/d?ssl-mode=preferred");
    check_url(SETTINGS("S2_HOST=a.example, 10.0.0.1 ,::1,[::2]", "S2_PORT=3307", "S2_USER=u@x:y",
                       "S2_DATABASE=d/e f", "S2_PASSWORD=s3cret", "S2_SSL_MODE=VERIFY_CA",
                       "S2_SSL_CA=/etc/my ca&.pem"),
              NULL,
              "singlestore://u%40x%3Ay@a.example:3307,10.0.0.1:3307,[::1]:3307,[::2]:3307/"
              "d%2Fe%20f?ssl-mode=verify-ca&ssl-ca=%2Fetc%2Fmy%20ca%26.pem",
              "singlestore://u%40x%3Ay@a.example:3307,10.0.0.1:3307,[::1]:3307,[::2]:3307/"
              "d%2Fe%20f?ssl-mode=verify-ca&ssl-ca=%2Fetc%2Fmy%20ca%26.pem");
    check_url(SETTINGS("S2_HOST=h", "S2_USER=u", "S2_DATABASE=d", "S2_SSL_CA=/ca"), NULL,
              "singlestore://u@h:3306/d?ssl-mode=verify-identity&ssl-ca=%2Fca",
              "singlestore://u@h:3306/d?ssl-mode=verify-identity&ssl-ca=%2Fca");
    check_url(SETTINGS("S2_HOST=h", "S2_USER=u", "S2_DATABASE=d", "S2_SSL_CA=/ca",
                       "S2_SSL_MODE=required"),
              NULL, "singlestore://u@h:3306/d?ssl-mode=required&ssl-ca=%2Fca",
              "singlestore://u@h:3306/d?ssl-mode=required&ssl-ca=%2Fca");
    check_url(SETTINGS("S2_HOST=/run/s2.sock", "S2_USER=u", "S2_DATABASE=d"), NULL,
              "singlestore://u@%2Frun%2Fs2.sock/d?ssl-mode=preferred",
              "singlestore://u@%2Frun%2Fs2.sock/d?ssl-mode=preferred");
}

TEST(database_s2_settings_that_are_wrong)
{
    check_refused(SETTINGS("S2_HOST=h", "S2_DATABASE=d"), NULL, CCD_CONFIG, "S2_USER is not");
    check_refused(SETTINGS("S2_HOST=h", "S2_USER=u", "S2_DATABASE="), NULL, CCD_CONFIG,
                  "S2_DATABASE is not");
    check_refused(SETTINGS("S2_HOST=h:3306", "S2_USER=u", "S2_DATABASE=d"), NULL, CCD_CONFIG,
                  "S2_PORT");
    check_refused(SETTINGS("S2_HOST=h,", "S2_USER=u", "S2_DATABASE=d"), NULL, CCD_CONFIG,
                  "S2_HOST");
    check_refused(SETTINGS("S2_HOST=h/s3cret", "S2_USER=u", "S2_DATABASE=d"), NULL, CCD_CONFIG,
                  "S2_HOST");
}

TEST(database_url_is_stronger_than_s2)
{
    check_url(SETTINGS("S2_HOST=h", "CCDATA_DATABASE_URL=sqlite:x.db"), NULL, "sqlite:x.db",
              "sqlite:x.db");
    check_url(SETTINGS("S2_HOST=h"), "null:", "null:", "null:");
    /* set to nothing is not set */
    check_url(SETTINGS("S2_HOST=", "CCDATA_DATABASE_URL="), NULL, "sqlite:ccdata.db",
              "sqlite:ccdata.db");
    check_url(SETTINGS("S2_HOST=h", "S2_USER=u", "S2_DATABASE=d", "CCDATA_DATABASE_URL="), NULL,
              "singlestore://u@h:3306/d?ssl-mode=preferred",
              "singlestore://u@h:3306/d?ssl-mode=preferred");
}

TEST(database_lone_s2_settings_are_told)
{
    struct world w;
    CHECK_INT(0, open_world(&w, SETTINGS("S2_USER=u", "S2_DATABASE=d"), NULL));
    CHECK_TEXT("S2_USER is set, but S2_HOST is not: the data goes to sqlite:ccdata.db; set S2_HOST "
               "to use SingleStore\n",
               w.log);
    close_world(&w);
    CHECK_INT(0, open_world(&w, SETTINGS("S2_USER=u", "CCDATA_DATABASE_URL=null:"), NULL));
    CHECK_TEXT("", w.log);
    close_world(&w);
}

static void check_password(char *const *settings, const char *expected)
{
    struct world w;
    CHECK_INT(0, open_world(&w, settings, NULL));
    CHECK_TEXT(expected, w.database.config.password);
    close_world(&w);
}

TEST(database_passwords)
{
    check_password(SETTINGS("S2_PASSWORD=two"), "two");
    check_password(SETTINGS("CCDATA_DATABASE_PASSWORD=one", "S2_PASSWORD=two"), "one");
    check_password(SETTINGS("S2_HOST=h", "S2_USER=u", "S2_DATABASE=d", "S2_PASSWORD=two"), "two");
    check_password(SETTINGS("CCDATA_DATABASE_PASSWORD=one", "S2_HOST=h", "S2_USER=u",
                            "S2_DATABASE=d", "S2_PASSWORD=two"),
                   "one");
}

TEST(database_password_in_a_url)
{
    struct world w;
    char text[100];
    static const char url[] = "mysql://u:s3cret%2Fw%C3%B6rd@h/d";
    CHECK_INT(0, open_world(&w, nothing, url));
    CHECK_TEXT(url, w.database.config.url);
    CHECK_STR("mysql://u:***@h/d", buf_str(&w.database.shown));
    CHECK(strstr(w.log, "mysql://u:***@h/d holds a password") && !strstr(w.log, "s3cret"));
    str_copy(text, sizeof(text), STR("said s3cret/w\xc3\xb6rd and s3cret%2Fw%C3%B6rd."));
    redact(&w.client.redactor, text);
    CHECK_TEXT("said *** and ***.", text);
    size_t known = w.client.redactor.count;
    database_release(&w.database);
    CHECK_INT(0, database_config(&w.client, url, &w.database, &w.err)); /* learned once */
    CHECK_INT(known, w.client.redactor.count);
    close_world(&w);
    /* Of a setting the warning came while it was read. */
    CHECK_INT(0, open_world(&w, SETTINGS("CCDATA_DATABASE_URL=mysql://u:another-one@h/d"), NULL));
    CHECK_TEXT("", w.log);
    str_copy(text, sizeof(text), STR("another-one"));
    redact(&w.client.redactor, text);
    CHECK_TEXT("***", text);
    close_world(&w);
}

TEST(database_urls_that_are_wrong)
{
    check_refused(nothing, "", CCD_USAGE, "sqlite:ccdata.db");
    check_refused(nothing, "mysql://u:s3cret/x@h/d", CCD_USAGE, "%2F");
    check_refused(SETTINGS("CCDATA_DATABASE_URL=mysql://u:s3cret@h"), NULL, CCD_USAGE,
                  "names no database");
    check_refused(SETTINGS("CCDATA_DATABASE_URL=mysq://h"), NULL, CCD_USAGE, "did you mean mysql?");
    size_t size = 100000;
    char *longer = malloc(size);
    if (!CHECK(longer != NULL))
        return;
    memset(longer, 'x', size);
    longer[size - 1] = '\0';
    memcpy(longer, "sqlite:", 7);
    check_refused(nothing, longer, CCD_CONFIG, "longer than");
    free(longer);
}

TEST(database_writers_fit_the_pool)
{
    static const struct {
        uint32_t capabilities;
        int64_t size, overflow, workers, expected;
    } cases[] = {
        {STORE_PARALLEL_WRITERS, 10, 20, 4, 4}, {STORE_PARALLEL_WRITERS, 2, 1, 4, 3},
        {STORE_PARALLEL_WRITERS, 1, 0, 64, 1},  {STORE_PERSISTS, 10, 20, 4, 1},
        {STORE_PARALLEL_WRITERS, 10, 20, 1, 1},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        const struct store store = {.capabilities = cases[i].capabilities};
        const struct store_config config = {.pool_size = cases[i].size,
                                            .pool_overflow = cases[i].overflow};
        CHECK_INT(cases[i].expected, database_writers(&store, &config, cases[i].workers));
    }
}
