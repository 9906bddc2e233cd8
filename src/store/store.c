#include "store/store.h"

#include "store/url.h"

static const struct store_ops *const back_ends[] = {&store_sqlite, &store_null};

int store_open(const struct store_config *config, struct store **out, struct ccd_error *err)
{
    *out = NULL;
    struct str scheme;
    struct str rest;
    int status = store_url_split(config->url, &scheme, &rest, err);
    if (status != CCD_OK)
        return status;
    for (size_t i = 0; i < sizeof(back_ends) / sizeof(back_ends[0]); i++)
        if (str_equal_nocase(scheme, str_from(back_ends[i]->scheme)))
            return back_ends[i]->open(config, out, err);
    return store_url_refuse_scheme(scheme, err);
}

void store_close(struct store *store)
{
    if (store)
        store->ops->close(store);
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
