#include "decode/names.h"

#include "decode/tree.h"

/* Data.LIST of the top list: every entry must have its symbol. */
static int check_list(json_t *data, json_t *list, int64_t *out_total, struct ccd_error *err)
{
    size_t i;
    json_t *entry;
    json_array_foreach(list, i, entry)
    {
        json_t *symbol = json_object_get(entry, "SYMBOL");
        if (!json_is_string(symbol) || json_string_length(symbol) == 0)
            return error_set(err, CCD_BAD_REPLY, "entry %zu of the list has no symbol", i);
    }
    return tree_total(data, out_total, err);
}

static int add_names(json_t *data, json_t *list, int (*name_add)(void *user, struct str name),
                     void *user)
{
    size_t i;
    const char *key;
    json_t *value;
    if (list) {
        json_array_foreach(list, i, value)
        {
            if (name_add(user, tree_text(json_object_get(value, "SYMBOL"))) != 0)
                return CCD_NO_MEMORY;
        }
        return CCD_OK;
    }
    json_object_foreach(data, key, value)
    {
        if (name_add(user, str_from(key)) != 0)
            return CCD_NO_MEMORY;
    }
    return CCD_OK;
}

int names_decode(struct str body, int (*name_add)(void *user, struct str name), void *user,
                 int64_t *out_total, struct ccd_error *err)
{
    json_t *root = NULL;
    json_t *data = NULL;
    json_t *list = NULL;
    *out_total = 0;
    int status = tree_load(body, NULL, &root, &data, err);
    if (status == CCD_OK) {
        list = json_object_get(data, "LIST");
        list = json_is_array(list) ? list : NULL;
        status = list ? check_list(data, list, out_total, err) : CCD_OK;
    }
    if (status == CCD_OK && add_names(data, list, name_add, user) != CCD_OK)
        status = error_set(err, CCD_NO_MEMORY, "no room for the names of the reply");
    json_decref(root);
    return status;
}
