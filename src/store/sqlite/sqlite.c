#include <errno.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "store/sqlite/internal.h"
#include "store/url.h"

static void sqlite_close(struct store *store)
{
    struct sqlite_store *s = (struct sqlite_store *)store;
    if (!s)
        return;
    series_statements_drop(&s->series);
    statement_drop(&s->load_coverage);
    connection_close(&s->c);
    if (s->lock_fd >= 0)
        close(s->lock_fd);
    mem_free(s->c.allocator, s);
}

/* A reader of nothing: every question has its ordinary answer. */
static int open_empty(struct sqlite_store *s, struct ccd_error *err)
{
    int status = connection_open(&s->c, CONNECTION_EMPTY, s->busy_timeout_ms, err);
    return status == CCD_OK ? schema_create(&s->c, s->settle_s, err) : status;
}

/* A directory or device in its place is refused here: SQLite's words for it would mislead. */
static int file_exists(const char *path, bool *out_exists, struct ccd_error *err)
{
    struct stat st;
    *out_exists = stat(path, &st) == 0;
    if (*out_exists && !S_ISREG(st.st_mode)) {
        return error_set(err, CCD_DATABASE_UNREACHABLE,
                         "cannot open the database %s: it is not a file", path);
    }
    if (*out_exists || errno == ENOENT || errno == ENOTDIR)
        return CCD_OK;
    return system_error(errno, "open the database", path, err);
}

static int open_for_reading(struct sqlite_store *s, const struct store_config *config,
                            struct ccd_error *err)
{
    bool ours;
    int status = file_exists(s->path, &ours, err);
    if (status == CCD_OK && ours) {
        status = connection_open(&s->c, CONNECTION_READS, s->busy_timeout_ms, err);
        if (status == CCD_OK)
            status = schema_prepare(&s->c, config, &ours, err);
        if (status != CCD_OK || ours)
            return status;
        connection_close(&s->c);
    }
    return status == CCD_OK ? open_empty(s, err) : status;
}

static int open_for_writing(struct sqlite_store *s, const struct store_config *config,
                            struct ccd_error *err)
{
    bool exists;
    int status = file_exists(s->path, &exists, err);
    if (status == CCD_OK && !exists && !config->create_schema) {
        return error_set(err, CCD_DATABASE_SCHEMA,
                         "there is no database %s, and it may not be created", s->path);
    }
    if (status == CCD_OK)
        status = connection_create_file(s->path, err);
    if (status == CCD_OK)
        status = connection_open(&s->c, CONNECTION_WRITES, s->busy_timeout_ms, err);
    return status == CCD_OK ? schema_prepare(&s->c, config, &exists, err) : status;
}

static int sqlite_open(const struct store_config *config, struct store **out, struct ccd_error *err)
{
    struct str scheme;
    struct str rest;
    int status = store_url_split(config->url, &scheme, &rest, err);
    if (status != CCD_OK)
        return status;
    struct sqlite_store *s = mem_new(config->allocator, 1, sizeof(*s));
    if (!s)
        return error_set(err, CCD_NO_MEMORY, "no memory for the store");
    s->base.ops = &store_sqlite;
    s->read_only = config->read_only;
    s->settle_s = config->settle_s;
    s->busy_timeout_ms = config->busy_timeout_ms;
    s->lock_fd = -1;
    s->c = (struct connection){.path = s->path,
                               .allocator = config->allocator,
                               .clock = config->clock,
                               .log = config->log};
    status = store_url_sqlite_path(rest, s->path, sizeof(s->path), err);
    if (status == CCD_OK)
        status = s->read_only ? open_for_reading(s, config, err) : open_for_writing(s, config, err);
    if (status != CCD_OK) {
        sqlite_close(&s->base);
        return status;
    }
    *out = &s->base;
    return CCD_OK;
}

static int sqlite_find_series(struct store *store, const struct data_type *type, struct str market,
                              struct str name, struct series_names *out_names, bool *out_found,
                              struct ccd_error *err)
{
    struct sqlite_store *s = (struct sqlite_store *)store;
    return series_find(&s->c, &s->series, type, market, name, out_names, out_found, err);
}

static int sqlite_put_series(struct store *store, const struct data_type *type,
                             const struct series_names *names, size_t count, struct ccd_error *err)
{
    struct sqlite_store *s = (struct sqlite_store *)store;
    int status = connection_begin(&s->c, err);
    if (status != CCD_OK)
        return status;
    for (size_t i = 0; i < count && status == CCD_OK; i++)
        status = series_put(&s->c, &s->series, type, &names[i], true, NULL, err);
    return connection_end(&s->c, status, err);
}

/* One writer at a time may hold SQLite's write lock: more connections only wait for each other. */
const struct store_ops store_sqlite = {
    .scheme = "sqlite",
    .capabilities = STORE_PERSISTS,
    .dialect = DIALECT_SQLITE,
    .open = sqlite_open,
    .close = sqlite_close,
    .lock = sqlite_lock,
    .unlock = sqlite_unlock,
    .find_series = sqlite_find_series,
    .put_series = sqlite_put_series,
    .load_coverage = sqlite_load_coverage,
    .compact_coverage = sqlite_compact_coverage,
    .read_rows = sqlite_read_rows,
    .put_catalogue = sqlite_put_catalogue,
    .load_catalogue = sqlite_load_catalogue,
    .writer_open = sqlite_writer_open,
    .writer_close = sqlite_writer_close,
    .writer_begin = sqlite_writer_begin,
    .writer_put = sqlite_writer_put,
    .writer_commit = sqlite_writer_commit,
    .writer_rollback = sqlite_writer_rollback,
};
