#include "store/store.h"

#include <string.h>

#include "store/null/null.h"
#include "store/sql/store.h"

struct back_end {
    const char *scheme;
    const struct sql_driver *driver; /* NULL: the one without a database */
};

static const struct back_end back_ends[] = {
    {"sqlite", &sql_driver_sqlite},       {"mysql", &sql_driver_mysql},
    {"mariadb", &sql_driver_mysql},       {"singlestore", &sql_driver_mysql},
    {"postgresql", &sql_driver_postgres}, {"null", NULL},
};

static int find_back_end(const char *scheme, const struct back_end **out, struct ccd_error *err)
{
    for (size_t i = 0; i < sizeof(back_ends) / sizeof(back_ends[0]); i++) {
        if (strcmp(scheme, back_ends[i].scheme) == 0) {
            *out = &back_ends[i];
            return CCD_OK;
        }
    }
    return error_set(err, CCD_INTERNAL, "no back-end serves %s databases", scheme);
}

static int parse(const struct store_config *config, struct store_url *out_url,
                 const struct back_end **out_back_end, struct ccd_error *err)
{
    int status = store_url_parse(config->url, out_url, err);
    return status == CCD_OK ? find_back_end(out_url->scheme, out_back_end, err) : status;
}

int store_open(const struct store_config *config, struct store **out, struct ccd_error *err)
{
    struct store_url url;
    const struct back_end *back_end;
    *out = NULL;
    int status = parse(config, &url, &back_end, err);
    if (status == CCD_OK) {
        status = back_end->driver ? sql_store_open(config, back_end->driver, &url, out, err)
                                  : null_open(config, out, err);
    }
    store_url_release(&url);
    return status;
}

void store_close(struct store *store)
{
    if (store)
        store->ops->close(store);
}

int store_check_schema(const struct store_config *config,
                       void (*add)(void *user, const struct store_difference *difference),
                       void *user, struct ccd_error *err)
{
    struct store_url url;
    const struct back_end *back_end;
    int status = parse(config, &url, &back_end, err);
    if (status == CCD_OK && back_end->driver)
        status = sql_store_check(config, back_end->driver, &url, add, user, err);
    store_url_release(&url);
    return status;
}

bool store_fact_name(const struct data_type *type, enum interval interval, char *out,
                     size_t capacity)
{
    return str_print(out, capacity, "fact_%s_%s", type->name, interval_infos[interval].name);
}

bool store_view_name(const struct data_type *type, enum interval interval, char *out,
                     size_t capacity)
{
    return str_print(out, capacity, "%s_%s", type->name, interval_infos[interval].name);
}
