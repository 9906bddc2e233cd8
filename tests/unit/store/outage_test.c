/* A server that is lost while the store is opened. The server is SQLite under the name of one. */
#include <string.h>

#include "sql.h"
#include "store/sql/store.h"

static struct {
    struct sql_driver driver; /* as SQLite's, but for open and run */
    struct sql_target file;
    int opened;
    int losses_left;        /* so many connections are lost yet … */
    int runs_before_a_loss; /* … after so many statements */
    enum ccd_status loses_with;
    int runs; /* of the present connection */
    bool stops;
} server;

static int lost_open(const struct sql_target *target, struct sql_connection **out,
                     bool *out_missing, struct ccd_error *err)
{
    struct store_url url = server.file.url;
    server.file = *target;
    server.file.url = url;
    int status = sql_driver_sqlite.open(&server.file, out, out_missing, err);
    if (*out)
        (*out)->driver = &server.driver;
    server.opened++;
    server.runs = 0;
    return status;
}

static int lost_run(struct sql_connection *c, const struct sql_call *call, struct ccd_error *err)
{
    if (server.losses_left == 0 || server.runs++ < server.runs_before_a_loss)
        return sql_driver_sqlite.run(c, call, err);
    server.losses_left--;
    c->broken = true;
    return error_set(err, server.loses_with, "cannot %s it: lost", call->doing);
}

static int stop_level(void *user)
{
    (void)user;
    return server.stops;
}

/* Open a store whose connection is lost so often; *err is left for the caller. */
static int open_store(const char *file, int losses, int runs_before_a_loss,
                      enum ccd_status loses_with, bool stops, struct ccd_error *err)
{
    struct store_config config = {
        .create_schema = true, .stop_level = stop_level, .busy_timeout_ms = 1000};
    struct store_url url;
    struct store *store = NULL;
    memset(&server, 0, sizeof(server));
    server.driver = sql_driver_sqlite;
    server.driver.open = lost_open;
    server.driver.run = lost_run;
    server.losses_left = losses;
    server.runs_before_a_loss = runs_before_a_loss;
    server.loses_with = loses_with;
    server.stops = stops;
    CHECK_INT(CCD_OK, store_url_parse(file, &server.file.url, err));
    CHECK_INT(CCD_OK, store_url_parse("mysql://user@host/db", &url, err));
    int status = sql_store_open(&config, &server.driver, &url, &store, err);
    store_close(store);
    store_url_release(&url);
    store_url_release(&server.file.url);
    return status;
}

/* At the first question, in the middle of creating, and among the last checks. */
PLACE_TEST(connection_lost_while_the_schema_is_checked)
{
    static const int moments[] = {0, 1, 5, 20, 40};
    for (size_t i = 0; i < sizeof(moments) / sizeof(moments[0]); i++) {
        struct ccd_error err = {0};
        CHECK_INT(CCD_OK,
                  open_store(f->place.url, 2, moments[i], CCD_DATABASE_UNREACHABLE, false, &err));
        CHECK_INT(2 - server.losses_left + 1, server.opened);
        CHECK(moments[i] > 1 || server.losses_left == 0);
    }
}

PLACE_TEST(what_another_connection_cannot_cure_is_said_at_once)
{
    static const enum ccd_status statuses[] = {CCD_DATABASE_PERMISSION, CCD_DATABASE_SCHEMA,
                                               CCD_DISK};
    for (size_t i = 0; i < sizeof(statuses) / sizeof(statuses[0]); i++) {
        struct ccd_error err = {0};
        CHECK_INT(statuses[i], open_store(f->place.url, 1, 0, statuses[i], false, &err));
        CHECK_INT(1, server.opened);
    }
}

PLACE_TEST(a_run_that_is_to_stop_waits_for_no_server)
{
    struct ccd_error err = {0};
    CHECK_INT(CCD_INTERRUPTED,
              open_store(f->place.url, 100, 0, CCD_DATABASE_UNREACHABLE, true, &err));
    CHECK_INT(1, server.opened);
}

PLACE_TEST(server_that_stays_away_is_given_up)
{
    struct ccd_error err = {0};
    int64_t start_us = clock_mono_us(NULL);
    CHECK_INT(CCD_DATABASE_UNREACHABLE,
              open_store(f->place.url, 100, 0, CCD_DATABASE_UNREACHABLE, false, &err));
    int64_t took_us = clock_mono_us(NULL) - start_us;
    CHECK(server.opened > 5 && server.opened < 20);
    CHECK(took_us > 3000000 && took_us < 15000000);
}
