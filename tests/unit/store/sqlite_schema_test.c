/* Opening SQLite databases of every condition: ours, others', newer, damaged, out of reach. */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "sql.h"

enum open_how { OPEN_CREATE, OPEN_EXISTING, OPEN_READ_ONLY };

/* Open and close; the status. */
static int try_open(struct fixture *f, enum open_how how)
{
    struct store_config config = fixture_config(f);
    config.create_schema = how == OPEN_CREATE;
    config.read_only = how == OPEN_READ_ONLY;
    error_clear(&f->err);
    int status = store_open(&config, &f->store, &f->err);
    if (status == CCD_OK)
        store_close(f->store);
    else
        CHECK(f->store == NULL);
    f->store = NULL;
    return status;
}

static bool says(const struct fixture *f, const char *words)
{
    bool found = strstr(f->err.message, words) != NULL;
    if (!found)
        fprintf(stderr, "the message is: %s\n", f->err.message);
    return found;
}

static bool write_file(const char *path, const char *text)
{
    FILE *file = fopen(path, "wb");
    bool done = file && fputs(text, file) >= 0;
    return file && fclose(file) == 0 && done;
}

static bool exists(const struct fixture *f, const char *suffix)
{
    char path[300];
    str_print(path, sizeof(path), "%s%s", database_path(f), suffix);
    return access(path, F_OK) == 0;
}

static int mode_of(const struct fixture *f, const char *suffix)
{
    char path[300];
    struct stat st;
    str_print(path, sizeof(path), "%s%s", database_path(f), suffix);
    return stat(path, &st) == 0 ? (int)(st.st_mode & 0777) : -1;
}

/* ---- creation ---- */

PLACE_TEST(files_are_private)
{
    mode_t old = umask(0);
    struct page page;
    struct store_config config = fixture_config(f);
    CHECK_INT(CCD_OK, store_open(&config, &f->store, &f->err));
    page_init_days(&page, 100, 1);
    page_check(f, &page, 1, 0, 0, 0);
    CHECK_INT(CCD_OK, f->store->ops->lock(f->store, page.p.type, INTERVAL_1D, 0, &f->err));
    CHECK_INT(0600, mode_of(f, ""));
    CHECK_INT(0600, mode_of(f, "-wal"));
    CHECK_INT(0600, mode_of(f, ".lock"));
    umask(old);
    page_release(&page);
    f->writer->ops->writer_close(f->writer);
    store_close(f->store);
    CHECK(!exists(f, "-wal"));
}

PLACE_TEST(opening_twice_changes_nothing)
{
    CHECK_INT(CCD_OK, try_open(f, OPEN_CREATE));
    sqlite3 *db = db_open(f);
    char before[32];
    str_copy(before, sizeof(before), str_from(db_rows(db, "PRAGMA data_version")));
    CHECK_INT(CCD_OK, try_open(f, OPEN_CREATE));
    CHECK_INT(CCD_OK, try_open(f, OPEN_EXISTING));
    CHECK_INT(CCD_OK, try_open(f, OPEN_READ_ONLY));
    CHECK_TEXT(before, db_rows(db, "PRAGMA data_version"));
    CHECK_TEXT("4|360", db_rows(db, "SELECT * FROM ccdata_schema"));
    db_close(db);
}

PLACE_TEST(tables_of_others_are_left_alone)
{
    CHECK(db_run_once(f, "CREATE TABLE mine (a); INSERT INTO mine VALUES (1)"));
    CHECK_INT(CCD_OK, try_open(f, OPEN_CREATE));
    CHECK_SQL("1|4", f, "SELECT (SELECT a FROM mine), (SELECT version FROM ccdata_schema)");
}

PLACE_TEST(empty_file_becomes_a_database)
{
    CHECK(write_file(database_path(f), ""));
    CHECK_INT(CCD_OK, try_open(f, OPEN_READ_ONLY));
    CHECK_INT(CCD_DATABASE_SCHEMA, try_open(f, OPEN_EXISTING));
    CHECK_INT(CCD_OK, try_open(f, OPEN_CREATE));
}

PLACE_TEST(schema_made_from_the_text_is_accepted)
{
    struct buf out;
    buf_init(&out, 1 << 20, NULL);
    CHECK_INT(CCD_OK, store_write_ddl(DIALECT_SQLITE, false, &out));
    CHECK(db_run_once(f, out.data));
    buf_release(&out);
    CHECK_INT(CCD_OK, try_open(f, OPEN_READ_ONLY));
    CHECK_SQL("0", f, "SELECT count(*) FROM ccdata_schema");
    CHECK_INT(CCD_OK, try_open(f, OPEN_EXISTING));
    CHECK_SQL("4|360", f, "SELECT * FROM ccdata_schema");
}

PLACE_TEST(settle_time_is_renewed)
{
    CHECK_INT(CCD_OK, try_open(f, OPEN_CREATE));
    struct store_config config = fixture_config(f);
    config.settle_s = 17;
    CHECK_INT(CCD_OK, store_open(&config, &f->store, &f->err));
    store_close(f->store);
    CHECK_SQL("4|17", f, "SELECT * FROM ccdata_schema");
    CHECK_INT(CCD_OK, try_open(f, OPEN_READ_ONLY));
    CHECK_SQL("4|17", f, "SELECT * FROM ccdata_schema");
}

PLACE_TEST(nothing_is_created_without_leave)
{
    CHECK_INT(CCD_DATABASE_SCHEMA, try_open(f, OPEN_EXISTING));
    CHECK(!exists(f, ""));
}

/* ---- schemas that do not fit ---- */

/* Make a good database, change it, and see that it is refused naming the table. */
static void check_refused(struct fixture *f, const char *change, const char *table,
                          const char *difference)
{
    CHECK_INT(CCD_OK, try_open(f, OPEN_CREATE));
    if (!CHECK(db_run_once(f, change)))
        return;
    for (int how = OPEN_CREATE; how <= OPEN_READ_ONLY; how++) {
        CHECK_INT(CCD_DATABASE_SCHEMA, try_open(f, (enum open_how)how));
        CHECK(says(f, table));
        CHECK(says(f, difference));
    }
}

PLACE_TEST(table_with_an_extra_column)
{
    check_refused(f, "ALTER TABLE fact_spot_ohlcv_1d ADD COLUMN extra TEXT", "fact_spot_ohlcv_1d",
                  "column extra TEXT");
}

PLACE_TEST(table_without_a_column)
{
    check_refused(
        f, "DROP VIEW spot_ohlcv_1d; ALTER TABLE fact_spot_ohlcv_1d DROP COLUMN total_trades",
        "fact_spot_ohlcv_1d", "expects column total_trades INTEGER");
}

PLACE_TEST(column_of_another_type)
{
    check_refused(f,
                  "DROP TABLE ccdata_catalogue;"
                  "CREATE TABLE ccdata_catalogue (data_type TEXT NOT NULL, market TEXT NOT NULL,"
                  " asked_utc_s TEXT NOT NULL, PRIMARY KEY (data_type, market)) WITHOUT ROWID",
                  "ccdata_catalogue",
                  "has column asked_utc_s TEXT NOT NULL, this version expects column asked_utc_s "
                  "INTEGER NOT NULL");
}

PLACE_TEST(column_that_may_be_null)
{
    check_refused(f,
                  "DROP TABLE ccdata_catalogue;"
                  "CREATE TABLE ccdata_catalogue (data_type TEXT NOT NULL, market TEXT NOT NULL,"
                  " asked_utc_s INTEGER, PRIMARY KEY (data_type, market)) WITHOUT ROWID",
                  "ccdata_catalogue", "expects column asked_utc_s INTEGER NOT NULL");
}

PLACE_TEST(table_with_another_key)
{
    check_refused(f,
                  "DROP TABLE ccdata_catalogue;"
                  "CREATE TABLE ccdata_catalogue (data_type TEXT NOT NULL, market TEXT NOT NULL,"
                  " asked_utc_s INTEGER NOT NULL, PRIMARY KEY (market, data_type)) WITHOUT ROWID",
                  "ccdata_catalogue", "key 2");
}

PLACE_TEST(table_without_a_key)
{
    check_refused(f,
                  "DROP TABLE ccdata_catalogue;"
                  "CREATE TABLE ccdata_catalogue (data_type TEXT NOT NULL, market TEXT NOT NULL,"
                  " asked_utc_s INTEGER NOT NULL)",
                  "ccdata_catalogue", "key 1");
}

PLACE_TEST(table_with_rowid)
{
    check_refused(f,
                  "DROP TABLE ccdata_catalogue;"
                  "CREATE TABLE ccdata_catalogue (data_type TEXT NOT NULL, market TEXT NOT NULL,"
                  " asked_utc_s INTEGER NOT NULL, PRIMARY KEY (data_type, market))",
                  "ccdata_catalogue", "expects WITHOUT ROWID");
}

PLACE_TEST(series_without_a_unique_key)
{
    CHECK_INT(CCD_OK, try_open(f, OPEN_CREATE));
    sqlite3 *db = db_open(f);
    char sql[8192];
    str_copy(sql, sizeof(sql),
             str_from(db_rows(db, "SELECT replace(sql, ',\n  UNIQUE (data_type, market,"
                                  " mapped_instrument)', '') FROM sqlite_schema"
                                  " WHERE name = 'dim_series'")));
    CHECK(db_run(db, "DROP TABLE dim_series"));
    CHECK(db_run(db, sql));
    db_close(db);
    CHECK_INT(CCD_DATABASE_SCHEMA, try_open(f, OPEN_CREATE));
    CHECK(says(f, "dim_series"));
    CHECK(says(f, "unique (data_type, market, mapped_instrument)"));
}

PLACE_TEST(view_in_the_place_of_a_table)
{
    check_refused(f, "DROP TABLE ccdata_catalogue; CREATE VIEW ccdata_catalogue AS SELECT 1",
                  "ccdata_catalogue", "is a view");
}

PLACE_TEST(table_in_the_place_of_a_view)
{
    CHECK_INT(CCD_OK, try_open(f, OPEN_CREATE));
    CHECK(db_run_once(f, "DROP VIEW spot_ohlcv_1d; CREATE TABLE spot_ohlcv_1d (a)"));
    CHECK_INT(CCD_DATABASE_SCHEMA, try_open(f, OPEN_CREATE));
    CHECK(says(f, "spot_ohlcv_1d") && says(f, "is a table"));
    CHECK_INT(CCD_OK, try_open(f, OPEN_READ_ONLY)); /* a reader uses no view */
}

PLACE_TEST(refused_database_gets_nothing)
{
    CHECK(db_run_once(f, "CREATE TABLE spot_instruments (market TEXT)"));
    CHECK_INT(CCD_DATABASE_SCHEMA, try_open(f, OPEN_CREATE));
    CHECK(says(f, "spot_instruments"));
    CHECK_SQL("spot_instruments", f, "SELECT group_concat(name) FROM sqlite_schema");
}

PLACE_TEST(missing_table_is_created)
{
    CHECK_INT(CCD_OK, try_open(f, OPEN_CREATE));
    CHECK(db_run_once(f, "DROP TABLE fact_spot_ohlcv_1h; DROP VIEW futures_ohlcv_1d;"
                         "DROP INDEX ccdata_coverage_series"));
    CHECK_INT(CCD_DATABASE_SCHEMA, try_open(f, OPEN_EXISTING));
    CHECK(says(f, "ccdata_coverage_series") && says(f, "missing"));
    CHECK_INT(CCD_DATABASE_SCHEMA, try_open(f, OPEN_READ_ONLY));
    CHECK(says(f, "fact_spot_ohlcv_1h"));
    CHECK_INT(CCD_OK, try_open(f, OPEN_CREATE));
    CHECK_INT(CCD_OK, try_open(f, OPEN_EXISTING));
    CHECK_SQL("3", f,
              "SELECT count(*) FROM sqlite_schema WHERE name IN"
              " ('fact_spot_ohlcv_1h', 'futures_ohlcv_1d', 'ccdata_coverage_series')");
}

PLACE_TEST(view_of_another_version_is_replaced)
{
    CHECK_INT(CCD_OK, try_open(f, OPEN_CREATE));
    CHECK(db_run_once(f, "DROP VIEW spot_ohlcv_1d; CREATE VIEW spot_ohlcv_1d AS SELECT 1 AS one"));
    CHECK_INT(CCD_DATABASE_SCHEMA, try_open(f, OPEN_EXISTING));
    CHECK(says(f, "spot_ohlcv_1d"));
    CHECK_INT(CCD_OK, try_open(f, OPEN_CREATE));
    CHECK_SQL("0", f, "SELECT count(ts) FROM spot_ohlcv_1d");
    CHECK_INT(CCD_OK, try_open(f, OPEN_EXISTING));
}

PLACE_TEST(newer_schema_is_refused)
{
    check_refused(f, "UPDATE ccdata_schema SET version = 5", "made by a newer ccdata", "schema 5");
}

PLACE_TEST(impossible_schema_version_is_refused)
{
    check_refused(f, "UPDATE ccdata_schema SET version = 0", "made by another ccdata", "schema 0");
}

PLACE_TEST(newer_schema_is_refused_before_its_tables)
{
    check_refused(f, "UPDATE ccdata_schema SET version = 5; DROP TABLE ccdata_catalogue",
                  "made by a newer ccdata", "schema 5");
}

/* ---- files that are no database ---- */

static void check_not_a_database(struct fixture *f, const char *text)
{
    char after[8192] = {0};
    CHECK(write_file(database_path(f), text));
    for (int how = OPEN_CREATE; how <= OPEN_READ_ONLY; how++) {
        CHECK_INT(CCD_DISK, try_open(f, (enum open_how)how));
        CHECK(says(f, "not a database"));
        CHECK(says(f, database_path(f)));
    }
    FILE *file = fopen(database_path(f), "rb");
    if (CHECK(file != NULL)) {
        CHECK_INT(strlen(text), fread(after, 1, sizeof(after) - 1, file));
        CHECK_TEXT(text, after);
        fclose(file);
    }
}

PLACE_TEST(short_text_file_is_refused)
{
    check_not_a_database(f, "ts,open,high\n");
}

PLACE_TEST(long_text_file_is_refused)
{
    char text[6001];
    memset(text, 'x', sizeof(text) - 1);
    text[sizeof(text) - 1] = '\0';
    check_not_a_database(f, text);
}

PLACE_TEST(damaged_database_is_refused)
{
    CHECK_INT(CCD_OK, try_open(f, OPEN_CREATE));
    int fd = open(database_path(f), O_WRONLY);
    char noise[4096];
    memset(noise, 0xa5, sizeof(noise));
    CHECK_INT(sizeof(noise), pwrite(fd, noise, sizeof(noise), 100));
    close(fd);
    CHECK_INT(CCD_DISK, try_open(f, OPEN_CREATE));
    CHECK_INT(CCD_DISK, try_open(f, OPEN_READ_ONLY));
}

PLACE_TEST(cut_database_is_refused)
{
    CHECK_INT(CCD_OK, try_open(f, OPEN_CREATE));
    CHECK_INT(0, truncate(database_path(f), 16384));
    CHECK_INT(CCD_DISK, try_open(f, OPEN_CREATE));
}

PLACE_TEST(directory_in_the_place_of_the_file)
{
    CHECK_INT(0, mkdir(database_path(f), 0700));
    CHECK_INT(CCD_DATABASE_UNREACHABLE, try_open(f, OPEN_CREATE));
    CHECK(says(f, "not a file"));
    CHECK_INT(CCD_DATABASE_UNREACHABLE, try_open(f, OPEN_READ_ONLY));
    CHECK_INT(0, rmdir(database_path(f)));
}

PLACE_TEST(dangling_link_in_the_place_of_the_file)
{
    CHECK_INT(0, symlink("/nonexistent/x.db", database_path(f)));
    CHECK_INT(CCD_DATABASE_UNREACHABLE, try_open(f, OPEN_CREATE));
}

PLACE_TEST(missing_directory)
{
    str_print(f->place.url, sizeof(f->place.url), "sqlite:%s/none/t.db", f->place.directory);
    CHECK_INT(CCD_DATABASE_UNREACHABLE, try_open(f, OPEN_CREATE));
    CHECK(says(f, "No such file or directory"));
    CHECK_INT(CCD_OK, try_open(f, OPEN_READ_ONLY));
}

/* ---- reading only ---- */

PLACE_TEST(missing_database_reads_as_empty)
{
    struct page page;
    struct coverage_segment segments[1];
    struct series_names names;
    struct store_config config = fixture_config(f);
    config.read_only = true;
    page_init_days(&page, 100, 1);
    CHECK_INT(CCD_OK, store_open(&config, &f->store, &f->err));
    CHECK(!find(f, "spot_ohlcv", "kraken", "XXBTZUSD", &names));
    CHECK_INT(0, stored_rows(f, &page));
    CHECK_INT(0, stored_coverage(f, &page, segments, 1));
    store_close(f->store);
    CHECK(!exists(f, ""));
    page_release(&page);
}

PLACE_TEST(database_of_others_reads_as_empty)
{
    struct page page;
    struct store_config config = fixture_config(f);
    config.read_only = true;
    CHECK(db_run_once(f, "CREATE TABLE mine (a)"));
    page_init_days(&page, 100, 1);
    CHECK_INT(CCD_OK, store_open(&config, &f->store, &f->err));
    CHECK_INT(0, stored_rows(f, &page));
    store_close(f->store);
    CHECK_SQL("mine", f, "SELECT group_concat(name) FROM sqlite_schema");
    page_release(&page);
}

PLACE_TEST(reader_reads_and_does_not_write)
{
    struct page page;
    struct store_writer *writer = NULL;
    struct store_config config = fixture_config(f);
    struct store_list_counts counts;
    struct batch none;
    page_init_days(&page, 100, 3);
    CHECK_INT(CCD_OK, store_open(&config, &f->store, &f->err));
    page_check(f, &page, 3, 0, 0, 0);
    f->writer->ops->writer_close(f->writer);
    f->writer = NULL;
    store_close(f->store);
    config.read_only = true;
    CHECK_INT(CCD_OK, store_open(&config, &f->store, &f->err));
    page_is_stored(f, &page);
    const struct store_ops *ops = f->store->ops;
    CHECK_INT(CCD_DATABASE_PERMISSION, ops->writer_open(f->store, &writer, &f->err));
    CHECK_INT(CCD_DATABASE_PERMISSION, ops->lock(f->store, page.p.type, INTERVAL_1D, 0, &f->err));
    CHECK(!exists(f, ".lock"));
    struct series_names names = names_of("spot_ohlcv", "OTHER", NULL);
    CHECK_INT(CCD_DATABASE_PERMISSION, ops->put_series(f->store, page.p.type, &names, 1, &f->err));
    CHECK_INT(CCD_OK, batch_init(&none, type_of("spot_instruments"), 1, 100, NULL, NULL));
    CHECK_INT(CCD_DATABASE_PERMISSION,
              put_whole_list(f->store, &none, "kraken", 1, &counts, &f->err));
    CHECK_INT(CCD_DATABASE_PERMISSION,
              ops->compact_coverage(f->store, page.names.series_id, 86400, 0, &f->err));
    batch_release(&none);
    store_close(f->store);
    page_release(&page);
}

PLACE_TEST(reader_beside_a_writer)
{
    struct page page;
    struct fixture reader = *f;
    struct store_config config = fixture_config(f);
    page_init_days(&page, 100, 3);
    CHECK_INT(CCD_OK, store_open(&config, &f->store, &f->err));
    config.read_only = true;
    CHECK_INT(CCD_OK, store_open(&config, &reader.store, &reader.err));
    page_check(f, &page, 3, 0, 0, 0);
    page_is_stored(&reader, &page);
    store_close(reader.store);
    f->writer->ops->writer_close(f->writer);
    store_close(f->store);
    page_release(&page);
}

/* ---- permissions ---- */

/* Root may write everything: the case runs as nobody, in a child whose exit code is the status. */
static int open_as_nobody(struct fixture *f, enum open_how how)
{
    fflush(NULL);
    pid_t child = fork();
    if (child == 0) {
        if (geteuid() == 0 && (setgid(65534) != 0 || setuid(65534) != 0))
            _exit(255);
        _exit(try_open(f, how));
    }
    int status = 0;
    CHECK(child > 0 && waitpid(child, &status, 0) == child && WIFEXITED(status));
    return WEXITSTATUS(status);
}

static void give_to_nobody(const struct fixture *f)
{
    if (geteuid() == 0) {
        CHECK_INT(0, chown(f->place.directory, 65534, 65534));
        CHECK_INT(0, chown(database_path(f), 65534, 65534));
    }
}

PLACE_TEST(file_that_may_only_be_read)
{
    CHECK_INT(CCD_OK, try_open(f, OPEN_CREATE));
    give_to_nobody(f);
    CHECK_INT(0, chmod(database_path(f), 0400));
    CHECK_INT(CCD_DATABASE_PERMISSION, open_as_nobody(f, OPEN_CREATE));
    CHECK_INT(CCD_DATABASE_PERMISSION, open_as_nobody(f, OPEN_EXISTING));
    CHECK_INT(CCD_OK, open_as_nobody(f, OPEN_READ_ONLY));
    CHECK_INT(0, chmod(database_path(f), 0600));
    CHECK_INT(CCD_OK, open_as_nobody(f, OPEN_CREATE));
}

PLACE_TEST(file_that_may_not_be_read)
{
    CHECK_INT(CCD_OK, try_open(f, OPEN_CREATE));
    give_to_nobody(f);
    CHECK_INT(0, chmod(database_path(f), 0));
    CHECK_INT(CCD_DATABASE_PERMISSION, open_as_nobody(f, OPEN_CREATE));
    CHECK_INT(CCD_DATABASE_PERMISSION, open_as_nobody(f, OPEN_READ_ONLY));
}

PLACE_TEST(directory_that_may_not_be_written)
{
    CHECK(write_file(database_path(f), ""));
    give_to_nobody(f);
    CHECK_INT(0, unlink(database_path(f)));
    CHECK_INT(0, chmod(f->place.directory, 0500));
    CHECK_INT(CCD_DATABASE_PERMISSION, open_as_nobody(f, OPEN_CREATE));
    CHECK_INT(CCD_OK, open_as_nobody(f, OPEN_READ_ONLY));
    CHECK_INT(0, chmod(f->place.directory, 0700));
}

PLACE_TEST(directory_that_may_not_be_searched)
{
    CHECK_INT(CCD_OK, try_open(f, OPEN_CREATE));
    give_to_nobody(f);
    CHECK_INT(0, chmod(f->place.directory, 0));
    CHECK_INT(CCD_DATABASE_PERMISSION, open_as_nobody(f, OPEN_CREATE));
    CHECK_INT(CCD_DATABASE_PERMISSION, open_as_nobody(f, OPEN_READ_ONLY));
    CHECK_INT(0, chmod(f->place.directory, 0700));
}
