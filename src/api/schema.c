/* The schema: as text, in the database, compared. */
#include "api/client.h"
#include "api/database.h"
#include "store/dialect.h"
#include "store/url.h"

enum { SCHEMA_TEXT_MAX_BYTES = 4 << 20, DIALECT_NAMES_BYTES = 128 };

size_t ccd_dialect_count(void)
{
    return DIALECT_COUNT;
}

const char *ccd_dialect_at(size_t index)
{
    return store_dialect_name((enum store_dialect)index);
}

static int refuse_dialect(const char *dialect, struct ccd_error *err)
{
    char names[DIALECT_NAMES_BYTES] = "";
    for (size_t i = 0; i < DIALECT_COUNT; i++) {
        size_t len = str_from(names).len;
        str_print(names + len, sizeof(names) - len, "%s%s", i ? ", " : "", ccd_dialect_at(i));
    }
    return error_set(err, CCD_USAGE, "no dialect '%s'; there are %s", dialect, names);
}

int ccd_schema_sql(const char *dialect, bool legacy_views, char **out_text, struct ccd_error *err)
{
    enum store_dialect which;
    struct buf text;
    if (!store_dialect_parse(str_from(dialect), &which))
        return refuse_dialect(dialect, err);
    buf_init(&text, SCHEMA_TEXT_MAX_BYTES, NULL);
    char *copy = NULL;
    if (store_write_ddl(which, legacy_views, &text) == 0 && text.data)
        copy = mem_copy_text(NULL, text.data, text.len);
    buf_release(&text);
    if (!copy)
        return error_set(err, CCD_NO_MEMORY, "no memory for the schema");
    *out_text = copy;
    return 0;
}

int ccd_schema_dialect(struct ccd_client *client, const char **out_dialect, struct ccd_error *err)
{
    struct database database;
    struct store_url url;
    enum store_dialect which;
    int status = database_config(client, NULL, &database, err);
    if (status == 0)
        status = store_url_parse(database.config.url, &url, err);
    if (status == 0) {
        if (store_dialect_parse(str_from(url.scheme), &which))
            *out_dialect = store_dialect_name(which);
        else
            status = error_set(err, CCD_USAGE, "%s: has no schema; name a --dialect", url.scheme);
        store_url_release(&url);
    }
    database_release(&database);
    return status;
}

int ccd_schema_create(struct ccd_client *client, bool legacy_views, struct ccd_error *err)
{
    struct database database;
    struct store *store = NULL;
    int status = database_config(client, NULL, &database, err);
    if (status == 0) {
        database.config.create_schema = true;
        status = store_open(&database.config, &store, err);
    }
    if (status == 0 && legacy_views)
        status = store->ops->create_legacy_views(store, err);
    store_close(store);
    database_release(&database);
    return status;
}

struct differences {
    ccd_schema_difference_fn *found;
    void *user;
};

static void give_difference(void *user, const struct store_difference *difference)
{
    const struct differences *d = user;
    const struct ccd_schema_difference given = {difference->object, difference->what};
    d->found(d->user, &given);
}

int ccd_schema_check(struct ccd_client *client, ccd_schema_difference_fn *found, void *user,
                     struct ccd_error *err)
{
    struct differences differences = {found, user};
    struct database database;
    int status = database_config(client, NULL, &database, err);
    database.config.read_only = true;
    if (status == 0)
        status = store_check_schema(&database.config, give_difference, &differences, err);
    database_release(&database);
    return status;
}
