/* A .env file: taken apart, then each value checked against its setting. Messages name file and
 * line, and never hold what may be a secret. */
#include <math.h>
#include <string.h>

#include "config/env_file.h"
#include "config/value.h"
#include "fuzz.h"

/* Taken by chance, a shorter piece may stand in any text. */
enum { TELLING_BYTES = 8 };

static bool find(void *user, struct str name, bool before_file, struct str *out_value)
{
    (void)user;
    if (!before_file || !str_equal(name, STR("HOME")))
        return false;
    *out_value = STR("/home/somebody");
    return true;
}

static void check_name(struct str name)
{
    static const char letters[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz_";
    PROMISE(name.len > 0 && memchr(letters, name.ptr[0], sizeof(letters) - 1));
    for (size_t i = 0; i < name.len; i++)
        PROMISE(memchr(letters, name.ptr[i], sizeof(letters) - 1) ||
                (name.ptr[i] >= '0' && name.ptr[i] <= '9'));
}

static void check_number(const struct config_option *option, const struct config_value *value)
{
    switch (option->type) {
    case CONFIG_TYPE_INTEGER:
        PROMISE((double)value->i64 >= option->least && (double)value->i64 <= option->most);
        break;
    case CONFIG_TYPE_NUMBER:
    case CONFIG_TYPE_SECONDS:
        PROMISE(isfinite(value->f64));
        PROMISE(value->f64 >= option->least && value->f64 <= option->most);
        break;
    default:
        break;
    }
}

static void check_value(const struct config_option *option, struct str text)
{
    struct config_value value;
    const char *reason = NULL;
    if (config_value_parse(&value, option, text, NULL, &reason) == CCD_OK) {
        PROMISE((value.text == NULL) == (text.len == 0));
        PROMISE(value.item_count <= CONFIG_LIST_MAX_ITEMS);
        for (size_t i = 0; i < value.item_count; i++)
            PROMISE(value.items[i].len > 0);
        for (size_t i = 0; value.text && i < value.len; i++)
            PROMISE(!(option->flags & CONFIG_HIDDEN) || (unsigned char)value.text[i] >= 0x20);
        if (value.text)
            check_number(option, &value);
    } else {
        PROMISE(reason && reason[0]);
        PROMISE(text.len < TELLING_BYTES || str_find(str_from(reason), text) == SIZE_MAX ||
                str_find(STR("is not a number out of range"), text) != SIZE_MAX);
    }
    config_value_release(&value, NULL);
}

static void check_entries(const struct env_file *file, int line_count)
{
    int last_line = 0;
    PROMISE(file->count <= ENV_MAX_ENTRIES);
    for (size_t i = 0; i < file->count; i++) {
        const struct env_entry *entry = &file->entries[i];
        check_name(entry->name);
        PROMISE(entry->line > last_line && entry->line <= line_count);
        last_line = entry->line;
        PROMISE(entry->value.len <= ENV_VALUE_MAX_BYTES && str_is_utf8(entry->value));
        PROMISE(entry->value.ptr[entry->value.len] == '\0');
        PROMISE(env_file_find(file, entry->name) == entry);
        enum config_id id;
        bool is_file;
        if (config_option_find(entry->name, &id, &is_file) && !is_file)
            check_value(config_option(id), entry->value);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len)
{
    const struct env_lookup lookup = {.find = find};
    struct env_file file;
    struct ccd_error err = {0};
    int line_count = 1;
    char *text = malloc(len > 0 ? len : 1);
    PROMISE(text);
    memcpy(text, bytes, len);
    for (size_t i = 0; i < len; i++)
        line_count += text[i] == '\n';
    int status = env_file_parse(&file, (struct str){text, len}, ".env", &lookup, NULL, &err);
    memset(text, 'x', len); /* the entries do not live in it */
    if (status == 0) {
        check_entries(&file, line_count);
    } else {
        PROMISE(status == CCD_CONFIG || status == CCD_NO_MEMORY);
        PROMISE(strncmp(err.message, ".env", 4) == 0 && str_is_utf8(str_from(err.message)));
    }
    env_file_release(&file);
    free(text);
    return 0;
}
