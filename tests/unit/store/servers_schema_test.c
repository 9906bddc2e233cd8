/* Schemas that are not ours any more, and users who may not do everything: each difference is
 * refused, or made good, and named. Every case has a database of its own. */
#include <stdio.h>
#include <string.h>

#include "canaries.h"
#include "server.h"

#define STRANGER "ccdata_stranger"
#define STRANGER_PASSWORD "stranger-of-tests"

/* ---- differences ---- */

struct differences {
    char text[8192];
    size_t count;
};

static void note(void *user, const struct store_difference *difference)
{
    struct differences *d = user;
    size_t len = strlen(d->text);
    str_print(d->text + len, sizeof(d->text) - len, "%s: %s\n", difference->object,
              difference->what);
    d->count++;
}

static size_t check_schema(struct fixture *f, struct differences *out)
{
    struct store_config config = fixture_config(f);
    *out = (struct differences){0};
    if (!CHECK_INT(CCD_OK, store_check_schema(&config, note, out, &f->err)))
        fprintf(stderr, "%s\n", f->err.message);
    return out->count;
}

/* The schema is ours; then it is spoilt: opening is refused, and the check names object and word.
 */
static void check_spoilt(struct fixture *f, const char *mariadb, const char *postgres,
                         const char *object, const char *word)
{
    struct differences d;
    if (!CHECK_INT(CCD_OK, server_try_open(f)) || !CHECK_INT(0, check_schema(f, &d))) {
        fprintf(stderr, "%s\n%s", f->err.message, d.text);
        return;
    }
    if (!server_run_each(f, mariadb, postgres))
        return;
    CHECK_INT(CCD_DATABASE_SCHEMA, server_try_open(f));
    CHECK(strstr(f->err.message, object) != NULL);
    CHECK(check_schema(f, &d) >= 1);
    if (!CHECK(strstr(d.text, object) && strstr(d.text, word)))
        fprintf(stderr, "%s\n%s", f->err.message, d.text);
}

SERVERS_ALONE(column_that_is_missing)
{
    check_spoilt(f, "ALTER TABLE fact_spot_ohlcv_1d DROP COLUMN volume",
                 "ALTER TABLE fact_spot_ohlcv_1d DROP COLUMN volume CASCADE", "fact_spot_ohlcv_1d",
                 "volume");
}

SERVERS_ALONE(column_too_many)
{
    check_spoilt(f, "ALTER TABLE fact_spot_ohlcv_1d ADD COLUMN extra_one INTEGER",
                 "ALTER TABLE fact_spot_ohlcv_1d ADD COLUMN extra_one INTEGER",
                 "fact_spot_ohlcv_1d", "extra_one");
}

SERVERS_ALONE(column_of_another_type)
{
    check_spoilt(f, "ALTER TABLE fact_spot_ohlcv_1d MODIFY volume FLOAT",
                 "DROP VIEW spot_ohlcv_1d;"
                 "ALTER TABLE fact_spot_ohlcv_1d ALTER COLUMN volume TYPE real",
                 "fact_spot_ohlcv_1d", "volume");
}

SERVERS_ALONE(column_that_was_renamed)
{
    check_spoilt(f, "ALTER TABLE fact_spot_ohlcv_1d RENAME COLUMN volume TO volumes",
                 "ALTER TABLE fact_spot_ohlcv_1d RENAME COLUMN volume TO volumes",
                 "fact_spot_ohlcv_1d", "volume");
}

SERVERS_ALONE(column_that_may_be_null)
{
    check_spoilt(f, "ALTER TABLE fact_spot_ohlcv_1d MODIFY collected_at DATETIME NULL",
                 "ALTER TABLE fact_spot_ohlcv_1d ALTER COLUMN collected_at DROP NOT NULL",
                 "fact_spot_ohlcv_1d", "collected_at");
}

SERVERS_ALONE(another_key)
{
    check_spoilt(f,
                 "ALTER TABLE fact_spot_ohlcv_1d DROP PRIMARY KEY, ADD PRIMARY KEY (ts, series_id)",
                 "ALTER TABLE fact_spot_ohlcv_1d DROP CONSTRAINT fact_spot_ohlcv_1d_pkey;"
                 "ALTER TABLE fact_spot_ohlcv_1d ADD PRIMARY KEY (ts, series_id)",
                 "fact_spot_ohlcv_1d", "key");
}

SERVERS_ALONE(no_key)
{
    check_spoilt(f, "ALTER TABLE fact_spot_ohlcv_1d DROP PRIMARY KEY",
                 "ALTER TABLE fact_spot_ohlcv_1d DROP CONSTRAINT fact_spot_ohlcv_1d_pkey",
                 "fact_spot_ohlcv_1d", "key");
}

/* Coverage that outlives its rows, after a ROLLBACK or a crash, claims what is not there. */
SERVERS_ALONE(table_that_does_not_share_the_fate_of_others)
{
    check_spoilt(f, "ALTER TABLE ccdata_coverage ENGINE=MyISAM",
                 "ALTER TABLE ccdata_coverage SET UNLOGGED", "ccdata_coverage",
                 is_mariadb(f) ? "MyISAM" : "UNLOGGED");
}

/* Without it a query of a view scans everything. */
SERVERS_ALONE(unique_key_that_is_missing)
{
    char sql[512];
    if (!CHECK_INT(CCD_OK, server_try_open(f)))
        return;
    const char *name = ask(
        f, is_mariadb(f)
               ? "SELECT index_name FROM information_schema.statistics WHERE table_schema ="
                 " DATABASE() AND table_name = 'dim_series' AND column_name = 'mapped_instrument'"
               : "SELECT conname FROM pg_constraint WHERE conrelid = 'dim_series'::regclass"
                 " AND contype = 'u' AND pg_get_constraintdef(oid) LIKE '%mapped_instrument%'");
    str_print(sql, sizeof(sql), "ALTER TABLE dim_series DROP %s %s",
              is_mariadb(f) ? "INDEX" : "CONSTRAINT", name);
    check_spoilt(f, sql, sql, "dim_series", "unique");
}

/* ---- versions ---- */

static void check_version(struct fixture *f, const char *sql)
{
    if (!CHECK_INT(CCD_OK, server_try_open(f)) || !server_run(f, sql))
        return;
    CHECK_INT(CCD_DATABASE_SCHEMA, server_try_open(f));
    if (!CHECK(strstr(f->err.message, "version") != NULL))
        fprintf(stderr, "%s\n", f->err.message);
    f->read_only = true;
    CHECK_INT(CCD_DATABASE_SCHEMA, server_try_open(f));
}

SERVERS_ALONE(newer_version)
{
    check_version(f, "UPDATE ccdata_schema SET version = 99");
}

SERVERS_ALONE(version_that_never_was)
{
    check_version(f, "UPDATE ccdata_schema SET version = -1");
}

/* ---- what is missing ---- */

SERVERS_ALONE(schema_is_created_only_when_allowed)
{
    struct differences d;
    f->no_create = true;
    CHECK_INT(CCD_DATABASE_SCHEMA, server_try_open(f));
    CHECK(check_schema(f, &d) > 20);
    CHECK_TEXT("0", ask(f, is_mariadb(f)
                               ? "SELECT count(*) FROM information_schema.tables WHERE"
                                 " table_schema = DATABASE()"
                               : "SELECT count(*) FROM pg_tables WHERE schemaname = 'public'"));
    f->no_create = false;
    if (!CHECK_INT(CCD_OK, server_try_open(f)))
        fprintf(stderr, "%s\n", f->err.message);
    CHECK_INT(0, check_schema(f, &d));
    f->no_create = true;
    CHECK_INT(CCD_OK, server_try_open(f));
}

SERVERS_ALONE(missing_objects_are_made_again)
{
    struct page page;
    struct differences d;
    if (!CHECK(fixture_reopen(f)))
        return;
    page_init_days(&page, 100, 5);
    page_check(f, &page, 5, 0, 0, 0);
    server_run(f, "DROP VIEW spot_ohlcv_1d");
    server_run_each(f, "DROP TABLE fact_spot_ohlcv_1m, ccdata_revisions",
                    "DROP TABLE fact_spot_ohlcv_1m, ccdata_revisions CASCADE");
    f->no_create = true;
    CHECK_INT(CCD_DATABASE_SCHEMA, server_try_open(f));
    CHECK(check_schema(f, &d) >= 3);
    CHECK(strstr(d.text, "spot_ohlcv_1d") && strstr(d.text, "fact_spot_ohlcv_1m") &&
          strstr(d.text, "ccdata_revisions"));
    f->no_create = false;
    if (CHECK(fixture_reopen(f)))
        page_is_stored(f, &page);
    CHECK_INT(0, check_schema(f, &d));
    CHECK_TEXT("5", ask(f, "SELECT count(*) FROM spot_ohlcv_1d"));
    page_release(&page);
}

SERVERS_ALONE(reading_a_database_without_our_tables)
{
    struct series_names names;
    struct coverage_segment got[2];
    struct page page;
    f->read_only = true;
    if (!CHECK(fixture_reopen(f)))
        return;
    page_init_days(&page, 100, 1);
    CHECK(!find(f, "spot_ohlcv", "kraken", "BTC-USD", &names));
    CHECK_INT(0, stored_rows(f, &page));
    CHECK_INT(0, stored_coverage(f, &page, got, 2));
    page_release(&page);
}

SERVERS_ALONE(tables_of_others_are_left_alone)
{
    server_run(f, "CREATE TABLE their_table (a INTEGER)");
    server_run(f, "INSERT INTO their_table VALUES (1)");
    if (!CHECK_INT(CCD_OK, server_try_open(f)))
        fprintf(stderr, "%s\n", f->err.message);
    CHECK_TEXT("1", ask(f, "SELECT count(*) FROM their_table"));
}

SERVERS_ALONE(table_of_ours_is_a_view)
{
    server_run(f, "CREATE VIEW ccdata_coverage AS SELECT 1 AS a");
    CHECK_INT(CCD_DATABASE_SCHEMA, server_try_open(f));
    CHECK(strstr(f->err.message, "ccdata_coverage") != NULL);
}

/* A name that is mistyped must not read as a store without rows. */
SERVERS_ALONE(database_that_does_not_exist)
{
    server_manage(f->back_end, is_mariadb(f) ? "DROP DATABASE ccdata_case"
                                             : "DROP DATABASE ccdata_case WITH (FORCE)");
    for (int i = 0; i < 2; i++) {
        f->read_only = i == 1;
        CHECK_INT(CCD_DATABASE_SCHEMA, server_try_open(f));
        CHECK(strstr(f->err.message, "ccdata_case") != NULL);
        CHECK(strstr(f->err.message, DATABASE_PASSWORD) == NULL);
    }
}

/* ---- triggers of the user's ---- */

/* It is the row's fault, not the program's: the other series go on. */
SERVERS_ALONE(trigger_that_refuses_a_row)
{
    struct page page;
    struct store_page_result result;
    struct coverage_segment got[2];
    page_init_days(&page, 100, 5);
    page_cover(&page, day(100), day(105), COVERAGE_STORED);
    if (CHECK(fixture_reopen(f)) &&
        server_run_each(f,
                        "CREATE TRIGGER refuse BEFORE INSERT ON fact_spot_ohlcv_1d FOR EACH ROW"
                        " SIGNAL SQLSTATE '45000' SET MESSAGE_TEXT = 'not this one'",
                        "CREATE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql AS"
                        " $$ BEGIN RAISE EXCEPTION 'not this one'; END $$;"
                        "CREATE TRIGGER refuse BEFORE INSERT ON fact_spot_ohlcv_1d FOR EACH ROW"
                        " EXECUTE FUNCTION refuse()")) {
        CHECK(!page_put(f, &page, &result));
        CHECK_INT(CCD_DATABASE_DATA, f->err.status);
        CHECK(strstr(f->err.message, "not this one") != NULL);
        CHECK_INT(0, stored_coverage(f, &page, got, 2));
    }
    page_release(&page);
}

/* ---- users ---- */

static void drop_stranger(struct fixture *f)
{
    if (is_mariadb(f)) {
        server_run(f, "DROP USER IF EXISTS " STRANGER);
        return;
    }
    server_run(f, "DO $$ BEGIN IF EXISTS (SELECT FROM pg_roles WHERE rolname = '" STRANGER
                  "') THEN DROP OWNED BY " STRANGER "; DROP ROLE " STRANGER "; END IF; END $$");
}

/* A user with these rights in the fixture's database; the fixture goes on as that user. */
static bool become_stranger(struct fixture *f, const char *mariadb_rights,
                            const char *postgres_grants)
{
    char sql[1024];
    drop_stranger(f);
    if (is_mariadb(f))
        str_print(sql, sizeof(sql),
                  "CREATE USER " STRANGER " IDENTIFIED BY '" STRANGER_PASSWORD "';"
                  "GRANT %s ON ccdata_case.* TO " STRANGER,
                  mariadb_rights);
    else
        str_print(sql, sizeof(sql),
                  "CREATE ROLE " STRANGER " LOGIN PASSWORD '" STRANGER_PASSWORD "';"
                  "REVOKE ALL ON SCHEMA public FROM PUBLIC; %s",
                  postgres_grants);
    if (!server_run(f, sql))
        return false;
    server_url_as(f, STRANGER, STRANGER_PASSWORD);
    return true;
}

static const char reads[] = "GRANT USAGE ON SCHEMA public TO " STRANGER ";"
                            "GRANT SELECT ON ALL TABLES IN SCHEMA public TO " STRANGER;

SERVERS_ALONE(user_who_may_not_create)
{
    if (become_stranger(f, "SELECT, INSERT, UPDATE, DELETE",
                        "GRANT USAGE ON SCHEMA public TO " STRANGER)) {
        CHECK_INT(CCD_DATABASE_PERMISSION, server_try_open(f));
        CHECK(strstr(f->err.message, STRANGER_PASSWORD) == NULL);
    }
    drop_stranger(f);
}

SERVERS_ALONE(user_who_may_only_read)
{
    struct page page;
    struct store_page_result result;
    page_init_days(&page, 100, 5);
    if (CHECK(fixture_reopen(f)))
        page_check(f, &page, 5, 0, 0, 0);
    if (become_stranger(f, "SELECT, SHOW VIEW", reads)) {
        f->read_only = true;
        if (CHECK(fixture_reopen(f)))
            page_is_stored(f, &page);
        f->read_only = false;
        if (CHECK(fixture_reopen(f))) { /* nothing is missing, so nothing is created */
            struct series_names names = names_of("spot_ohlcv", "NEW", NULL);
            CHECK(!page_put(f, &page, &result) || result.unchanged == 5);
            page_set_f64(&page, 0, "close", 1);
            CHECK(!page_put(f, &page, &result));
            CHECK_INT(CCD_DATABASE_PERMISSION, f->err.status);
            CHECK_INT(CCD_DATABASE_PERMISSION,
                      f->store->ops->put_series(f->store, page.p.type, &names, 1, &f->err));
        }
    }
    drop_stranger(f);
    page_release(&page);
}

SERVERS_ALONE(user_who_may_not_insert_rows)
{
    struct page page;
    struct store_page_result result;
    struct coverage_segment got[2];
    page_init_days(&page, 100, 5);
    page_cover(&page, day(100), day(105), COVERAGE_STORED);
    CHECK_INT(CCD_OK, server_try_open(f));
    if (become_stranger(
            f, "SELECT, SHOW VIEW, UPDATE, DELETE",
            "GRANT USAGE ON SCHEMA public TO " STRANGER ";"
            "GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA public TO " STRANGER
            ";REVOKE INSERT ON fact_spot_ohlcv_1d FROM " STRANGER) &&
        CHECK(fixture_reopen(f))) {
        CHECK(!page_put(f, &page, &result));
        CHECK_INT(CCD_DATABASE_PERMISSION, f->err.status);
        CHECK_INT(0, stored_rows(f, &page));
        CHECK_INT(0, stored_coverage(f, &page, got, 2));
    }
    drop_stranger(f);
    page_release(&page);
}

/* ingestion needs no more than this */
SERVERS_ALONE(user_who_may_only_write_rows)
{
    struct page page;
    page_init_days(&page, 100, 5);
    page_cover(&page, day(100), day(105), COVERAGE_STORED);
    CHECK_INT(CCD_OK, server_try_open(f));
    if (become_stranger(
            f, "SELECT, SHOW VIEW, INSERT, UPDATE, DELETE",
            "GRANT USAGE ON SCHEMA public TO " STRANGER ";"
            "GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA public TO " STRANGER) &&
        CHECK(fixture_reopen(f))) {
        page_check(f, &page, 5, 0, 0, 0);
        page_set_f64(&page, 0, "close", 1);
        page_check(f, &page, 0, 1, 4, 0);
        page_is_stored(f, &page);
    }
    drop_stranger(f);
    page_release(&page);
}

SERVERS_ALONE(wrong_password)
{
    server_url_as(f, NULL, "wrong-one");
    CHECK_INT(CCD_DATABASE_PERMISSION, server_try_open(f));
    CHECK(strstr(f->err.message, "wrong-one") == NULL);
    server_url_as(f, "nobody_like_that", "wrong-one");
    CHECK_INT(CCD_DATABASE_PERMISSION, server_try_open(f));
    CHECK(strstr(f->err.message, "wrong-one") == NULL);
}
