#include "config/options.h"

#include <assert.h>
#include <string.h>

static const struct config_option OPTIONS[CONFIG_COUNT] = {
#define OPTION_ROW(option, kind, detail_text, fallback_text, least_value, most_value, flag_bits,   \
                   section, text)                                                                  \
    [CONFIG_##option] = {.name = #option,                                                          \
                         .type = CONFIG_TYPE_##kind,                                               \
                         .detail = detail_text,                                                    \
                         .fallback = fallback_text,                                                \
                         .least = least_value,                                                     \
                         .most = most_value,                                                       \
                         .flags = flag_bits,                                                       \
                         .group = CONFIG_GROUP_##section,                                          \
                         .meaning = text},
    CONFIG_OPTION_TABLE(OPTION_ROW)
#undef OPTION_ROW
};

static const struct str FILE_SUFFIX = {"_FILE", 5};

const struct config_option *config_option(enum config_id id)
{
    assert((unsigned)id < CONFIG_COUNT);
    return &OPTIONS[id];
}

const char *config_group_heading(enum config_group group)
{
    static const char *const HEADINGS[CONFIG_GROUP_COUNT] = {
#define GROUP_ROW(name, heading) [CONFIG_GROUP_##name] = heading,
        CONFIG_GROUP_TABLE(GROUP_ROW)
#undef GROUP_ROW
    };
    assert((unsigned)group < CONFIG_GROUP_COUNT);
    return HEADINGS[group];
}

const char *config_type_name(enum config_type type)
{
    static const char *const NAMES[CONFIG_TYPE_COUNT] = {
        [CONFIG_TYPE_TEXT] = "text",       [CONFIG_TYPE_CHOICE] = "choice",
        [CONFIG_TYPE_INTEGER] = "integer", [CONFIG_TYPE_NUMBER] = "number",
        [CONFIG_TYPE_SECONDS] = "seconds", [CONFIG_TYPE_TIME] = "time",
        [CONFIG_TYPE_BOOL] = "bool",       [CONFIG_TYPE_LIST] = "list",
        [CONFIG_TYPE_PATH] = "path",       [CONFIG_TYPE_URL] = "url",
        [CONFIG_TYPE_DATABASE] = "url",    [CONFIG_TYPE_SECRET] = "secret",
        [CONFIG_TYPE_PASSWORD] = "password",
    };
    assert((unsigned)type < CONFIG_TYPE_COUNT);
    return NAMES[type];
}

static bool ends_with_file(struct str name, struct str *out_stem)
{
    if (name.len <= FILE_SUFFIX.len) {
        return false;
    }
    struct str stem = {name.ptr, name.len - FILE_SUFFIX.len};
    if (!str_equal((struct str){stem.ptr + stem.len, FILE_SUFFIX.len}, FILE_SUFFIX)) {
        return false;
    }
    *out_stem = stem;
    return true;
}

bool config_option_find(struct str name, enum config_id *out_id, bool *out_is_file)
{
    struct str stem = name;
    bool has_suffix = ends_with_file(name, &stem);
    for (unsigned id = 0; id < CONFIG_COUNT; id++) {
        struct str known = str_from(OPTIONS[id].name);
        bool is_file = has_suffix && (OPTIONS[id].flags & CONFIG_FILE_VARIANT) != 0 &&
                       str_equal(known, stem);
        if (is_file || str_equal(known, name)) {
            *out_id = (enum config_id)id;
            *out_is_file = is_file;
            return true;
        }
    }
    return false;
}

unsigned config_option_nearest(struct str name, char out[CONFIG_NAME_BYTES])
{
    char upper[CONFIG_NAME_BYTES];
    size_t len = name.len < sizeof upper ? name.len : sizeof upper;
    for (size_t i = 0; i < len; i++) {
        char c = name.ptr[i];
        upper[i] = (char)(c >= 'a' && c <= 'z' ? c - 'a' + 'A' : c);
    }
    unsigned best = UINT8_MAX;
    out[0] = '\0';
    for (unsigned id = 0; id < CONFIG_COUNT && name.len <= sizeof upper; id++) {
        bool has_file = (OPTIONS[id].flags & CONFIG_FILE_VARIANT) != 0;
        for (int variant = 0; variant <= has_file; variant++) {
            char known[CONFIG_NAME_BYTES];
            (void)str_print(known, sizeof known, "%s%s", OPTIONS[id].name,
                            variant ? FILE_SUFFIX.ptr : "");
            unsigned edits = str_distance((struct str){upper, len}, str_from(known));
            if (edits < best) {
                best = edits;
                memcpy(out, known, sizeof known);
            }
        }
    }
    return best;
}

static void print_choices(const char *choices, char out[128])
{
    struct str rest = str_from(choices);
    size_t used = 0;
    while (rest.len > 0) {
        struct str choice = str_split(&rest, '|');
        (void)str_print(out + used, 128 - used, STR_FMT "%s", STR_ARG(choice),
                        rest.len > 0 ? ", " : "");
        used += strlen(out + used);
    }
}

char *config_option_range(const struct config_option *option, char out[128])
{
    static const char *const FIXED[CONFIG_TYPE_COUNT] = {
        [CONFIG_TYPE_TIME] = "ISO date or date-time",
        [CONFIG_TYPE_BOOL] = "true, false",
        [CONFIG_TYPE_URL] = "http or https URL",
        [CONFIG_TYPE_DATABASE] = "database URL",
    };
    char least[32];
    char most[32];
    switch (option->type) {
    case CONFIG_TYPE_INTEGER:
    case CONFIG_TYPE_NUMBER:
    case CONFIG_TYPE_SECONDS:
        str_format_f64(least, option->least);
        str_format_f64(most, option->most);
        (void)str_print(out, 128, "%s to %s%s%s", least, most, option->detail[0] ? " " : "",
                        option->detail);
        break;
    case CONFIG_TYPE_CHOICE:
        print_choices(option->detail, out);
        break;
    default:
        (void)str_copy(out, 128, str_from(FIXED[option->type]));
        break;
    }
    return out;
}
