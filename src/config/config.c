#include "config/config.h"

#include <assert.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "config/env_file.h"
#include "config/file.h"
#include "config/value.h"

enum {
    SECRET_FILE_MAX_BYTES = 1 << 16,
    SOURCE_BYTES = 256,
    WARNING_BYTES = 256,
    MAX_WARNINGS = 50,
    NEAR_EDITS = 2,
    ENVIRONMENT_NAME_MAX = 32,
    SHOWN_VALUE_BYTES = 80,
};

struct config {
    struct config_value values[CONFIG_COUNT];
    char sources[CONFIG_COUNT][SOURCE_BYTES];
    bool given[CONFIG_COUNT];
    char warnings[MAX_WARNINGS][WARNING_BYTES];
    size_t warning_count;
    const struct allocator *allocator;
};

/* A parsed file and what is known about it. */
struct env_source {
    struct env_file file;
    char label[SOURCE_BYTES];
    bool exposed;
};

/* Strongest first; the order of levels[] in a loader. */
enum level { LEVEL_OVERRIDE, LEVEL_ENVIRONMENT, LEVEL_SPECIFIC_FILE, LEVEL_BASE_FILE, LEVEL_COUNT };

struct loader {
    const struct config_request *request;
    struct config *config;
    struct env_source specific; /* .env.$ENVIRONMENT */
    struct env_source base;     /* .env or --env-file */
    struct ccd_error *err;
};

/* A value as one source gave it. */
struct given {
    struct str value;
    char source[SOURCE_BYTES];
};

static void PRINTF_LIKE(2, 3) warn(struct config *config, const char *format, ...)
{
    if (config->warning_count == MAX_WARNINGS)
        return;
    /* error_set makes one printable line of it, whatever a file name or variable holds. */
    struct ccd_error line;
    char text[WARNING_BYTES];
    va_list args;
    va_start(args, format);
    (void)vsnprintf(text, sizeof text, format, args);
    va_end(args);
    (void)error_set(&line, CCD_CONFIG, "%s", text);
    (void)str_copy(config->warnings[config->warning_count++], WARNING_BYTES,
                   str_from(line.message));
}

static bool find_in_environment(char *const *environment, struct str name, struct str *out_value)
{
    for (size_t i = 0; environment && environment[i]; i++) {
        struct str rest = str_from(environment[i]);
        if (str_starts_with(rest, name) && rest.len > name.len && rest.ptr[name.len] == '=') {
            *out_value = (struct str){rest.ptr + name.len + 1, rest.len - name.len - 1};
            return true;
        }
    }
    return false;
}

static const struct env_source *level_source(const struct loader *l, enum level level)
{
    return level == LEVEL_SPECIFIC_FILE ? &l->specific : &l->base;
}

/* What `name` is set to at one level; an override has no NAME_FILE variant. */
static bool find_at(const struct loader *l, enum level level, const char *name, bool is_file,
                    enum config_id id, struct given *out)
{
    const struct config_request *request = l->request;
    const struct env_entry *entry;
    switch (level) {
    case LEVEL_OVERRIDE:
        for (size_t i = 0; i < request->override_count && !is_file; i++) {
            if (request->overrides[i].id == id) {
                out->value = request->overrides[i].value;
                (void)str_copy(out->source, SOURCE_BYTES, str_from(request->overrides[i].source));
                return true;
            }
        }
        return false;
    case LEVEL_ENVIRONMENT:
        (void)str_copy(out->source, SOURCE_BYTES, STR("environment"));
        return find_in_environment(request->environment, str_from(name), &out->value);
    default:
        entry = env_file_find(&level_source(l, level)->file, str_from(name));
        if (!entry)
            return false;
        out->value = entry->value;
        (void)str_print(out->source, SOURCE_BYTES, "%s:%d", level_source(l, level)->label,
                        entry->line);
        return true;
    }
}

/* The strongest level that sets NAME or NAME_FILE; LEVEL_COUNT when none does. */
static int find_strongest(const struct loader *l, const struct config_option *option,
                          enum config_id id, struct given *out, bool *out_is_file,
                          enum level *out_level)
{
    char file_name[CONFIG_NAME_BYTES];
    (void)str_print(file_name, sizeof file_name, "%s_FILE", option->name);
    *out_is_file = false;
    for (enum level level = LEVEL_OVERRIDE; level < LEVEL_COUNT; level++) {
        struct given file;
        bool plain_set = find_at(l, level, option->name, false, id, out);
        bool file_set = (option->flags & CONFIG_FILE_VARIANT) != 0 &&
                        find_at(l, level, file_name, true, id, &file);
        if (plain_set && file_set && out->value.len > 0 && file.value.len > 0) {
            return error_set(l->err, CCD_CONFIG, "%s (%s) and %s (%s) are both set; keep one",
                             option->name, out->source, file_name, file.source);
        }
        if (file_set && (!plain_set || file.value.len > 0)) {
            *out = file;
            *out_is_file = file.value.len > 0;
        }
        if (plain_set || file_set) {
            *out_level = level;
            return 0;
        }
    }
    *out_level = LEVEL_COUNT;
    return 0;
}

static int refuse_value(struct loader *l, const struct config_option *option,
                        const struct given *given, const char *reason)
{
    char range[128];
    config_option_range(option, range);
    const char *allowed = range[0] ? "; allowed: " : "";
    bool has_user = option->type == CONFIG_TYPE_URL && given->value.len > 0 &&
                    memchr(given->value.ptr, '@', given->value.len); /* and perhaps a password */
    bool quoted = (option->flags & (CONFIG_HIDDEN | CONFIG_NO_URL)) == 0 &&
                  option->type != CONFIG_TYPE_DATABASE && !has_user;
    if (!quoted) {
        return error_set(l->err, CCD_CONFIG, "%s (%s): the value %s%s%s", option->name,
                         given->source, reason, allowed, range);
    }
    char shown[SHOWN_VALUE_BYTES];
    bool whole = str_copy(shown, sizeof shown, given->value);
    return error_set(l->err, CCD_CONFIG, "%s (%s): the value '%s%s' %s%s%s", option->name,
                     given->source, shown, whole ? "" : "...", reason, allowed, range);
}

static int store_value(struct loader *l, enum config_id id, const struct given *given)
{
    const struct config_option *option = config_option(id);
    struct config *config = l->config;
    const char *reason;
    enum ccd_status status = config_value_parse(&config->values[id], option, given->value,
                                                config->allocator, &reason);
    if (status == CCD_NO_MEMORY)
        return error_set(l->err, status, "no memory for the settings");
    if (status != CCD_OK)
        return refuse_value(l, option, given, reason);
    (void)str_copy(config->sources[id], SOURCE_BYTES, str_from(given->source));
    return 0;
}

static int note_exposure(struct loader *l, const char *what)
{
    static const char ADVICE[] = "can be read by others than its owner; run: chmod 600";
    if (l->request->strict)
        return error_set(l->err, CCD_CONFIG, "%s holds a secret and %s", what, ADVICE);
    warn(l->config, "%s holds a secret and %s", what, ADVICE);
    return 0;
}

/* The value of a secret that NAME_FILE names; a line end at its end is not part of it. */
static int store_from_file(struct loader *l, enum config_id id, const struct given *given)
{
    const struct config_option *option = config_option(id);
    char path[4096];
    char what[SOURCE_BYTES];
    if (memchr(given->value.ptr, '\0', given->value.len) ||
        !str_copy(path, sizeof path, given->value)) {
        return error_set(l->err, CCD_CONFIG, "%s_FILE (%s): the path is too long", option->name,
                         given->source);
    }
    (void)str_print(what, sizeof what, "%s (%s_FILE, %s)", path, option->name, given->source);
    struct file_text text;
    int result = file_text_read(&text, l->request->directory, path, FILE_NO_LINK,
                                SECRET_FILE_MAX_BYTES, what, l->config->allocator, l->err);
    if (result != 0)
        goto out;
    struct given secret = {.value = {text.data, text.len}};
    (void)str_copy(secret.source, SOURCE_BYTES, str_from(what));
    if (secret.value.len > 0 && secret.value.ptr[secret.value.len - 1] == '\n') {
        secret.value.len--;
        if (secret.value.len > 0 && secret.value.ptr[secret.value.len - 1] == '\r')
            secret.value.len--;
    }
    if (secret.value.len == 0) {
        result = error_set(l->err, CCD_CONFIG, "%s is empty", what);
        goto out;
    }
    result = text.exposed ? note_exposure(l, what) : 0;
    if (result == 0)
        result = store_value(l, id, &secret);
out:
    file_text_release(&text);
    return result;
}

static int resolve(struct loader *l, enum config_id id)
{
    const struct config_option *option = config_option(id);
    struct given given = {0};
    bool is_file;
    enum level level;
    int result = find_strongest(l, option, id, &given, &is_file, &level);
    if (result != 0)
        return result;
    if (is_file) {
        l->config->given[id] = true;
        return store_from_file(l, id, &given);
    }
    if (given.value.len == 0) {
        given.value = str_from(option->fallback);
        (void)str_copy(given.source, SOURCE_BYTES, STR("default"));
    } else {
        l->config->given[id] = true;
    }
    result = store_value(l, id, &given);
    if (result == 0 && option->type == CONFIG_TYPE_DATABASE &&
        config_url_has_password(given.value)) {
        warn(l->config, "%s (%s) holds a password; CCDATA_DATABASE_PASSWORD or its _FILE is safer",
             option->name, given.source);
    }
    return result;
}

/* Names in a file that no setting has: almost one is an error, another one a warning. */
static int check_names(struct loader *l, const struct env_source *source)
{
    for (size_t i = 0; i < source->file.count; i++) {
        const struct env_entry *entry = &source->file.entries[i];
        enum config_id id;
        bool is_file;
        char nearest[CONFIG_NAME_BYTES];
        if (config_option_find(entry->name, &id, &is_file))
            continue;
        int shown = entry->name.len > 64 ? 64 : (int)entry->name.len;
        if (config_option_nearest(entry->name, nearest) <= NEAR_EDITS) {
            return error_set(l->err, CCD_CONFIG, "%s:%d: %.*s is not a setting; did you mean %s?",
                             source->label, entry->line, shown, entry->name.ptr, nearest);
        }
        warn(l->config, "%s:%d: %.*s is not a setting of this program", source->label, entry->line,
             shown, entry->name.ptr);
    }
    return 0;
}

static int check_exposure(struct loader *l, const struct env_source *source)
{
    if (!source->exposed)
        return 0;
    for (size_t i = 0; i < source->file.count; i++) {
        const struct env_entry *entry = &source->file.entries[i];
        enum config_id id;
        bool is_file;
        if (entry->value.len == 0 || !config_option_find(entry->name, &id, &is_file) || is_file)
            continue;
        const struct config_option *option = config_option(id);
        if ((option->flags & CONFIG_HIDDEN) != 0 ||
            (option->type == CONFIG_TYPE_DATABASE && config_url_has_password(entry->value)))
            return note_exposure(l, source->label);
    }
    return 0;
}

/* ${NAME} in a file: the process environment is stronger than the file, .env weaker than
 * .env.$ENVIRONMENT. */
static bool lookup_variable(void *user, struct str name, bool before_file, struct str *out_value)
{
    struct loader *l = user;
    if (before_file)
        return find_in_environment(l->request->environment, name, out_value);
    const struct env_entry *entry = env_file_find(&l->base.file, name);
    if (entry)
        *out_value = entry->value;
    return entry != NULL;
}

static int read_env_file(struct loader *l, struct env_source *source, const char *path,
                         unsigned flags)
{
    struct file_text text;
    struct env_lookup lookup = {.find = lookup_variable, .user = l};
    (void)str_copy(source->label, SOURCE_BYTES, str_from(path));
    int result = file_text_read(&text, l->request->directory, path, flags, ENV_FILE_MAX_BYTES,
                                source->label, l->config->allocator, l->err);
    if (result == 0 && text.data) {
        source->exposed = text.exposed;
        result = env_file_parse(&source->file, (struct str){text.data, text.len}, source->label,
                                &lookup, l->config->allocator, l->err);
    }
    file_text_release(&text);
    if (result == 0)
        result = check_names(l, source);
    return result != 0 ? result : check_exposure(l, source);
}

/* The name becomes a part of a file name. */
static bool is_environment_name(struct str name)
{
    for (size_t i = 0; i < name.len; i++) {
        char c = name.ptr[i];
        if (!((c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') ||
              c == '_' || c == '-'))
            return false;
    }
    return name.len > 0 && name.len <= ENVIRONMENT_NAME_MAX;
}

static int check_environment(struct loader *l, const struct given *given)
{
    return is_environment_name(given->value)
               ? 0
               : refuse_value(l, config_option(CONFIG_ENVIRONMENT), given,
                              "is not 1 to 32 letters, digits, '-' and '_'");
}

/* .env, then .env.$ENVIRONMENT: the second name may come from the first file. */
static int read_env_files(struct loader *l)
{
    const struct config_option *option = config_option(CONFIG_ENVIRONMENT);
    struct given given = {0};
    bool is_file;
    enum level level;
    char path[ENVIRONMENT_NAME_MAX + 8];
    if (l->request->env_file)
        return read_env_file(l, &l->base, l->request->env_file, 0);
    int result = read_env_file(l, &l->base, ".env", FILE_MAY_MISS);
    if (result == 0)
        result = find_strongest(l, option, CONFIG_ENVIRONMENT, &given, &is_file, &level);
    if (result != 0)
        return result;
    if (given.value.len == 0)
        given.value = str_from(option->fallback);
    result = check_environment(l, &given);
    if (result != 0)
        return result;
    (void)str_print(path, sizeof path, ".env." STR_FMT, STR_ARG(given.value));
    result = read_env_file(l, &l->specific, path, FILE_MAY_MISS);
    if (result != 0)
        return result;
    const struct env_entry *entry = env_file_find(&l->specific.file, str_from(option->name));
    if (entry && !str_equal(entry->value, given.value)) {
        return error_set(l->err, CCD_CONFIG,
                         "%s:%d: ENVIRONMENT names another environment than "
                         "the file",
                         path, entry->line);
    }
    return 0;
}

static int load(struct loader *l)
{
    int result = read_env_files(l);
    for (unsigned id = 0; id < CONFIG_COUNT && result == 0; id++)
        result = resolve(l, (enum config_id)id);
    if (result == 0 && l->request->env_file) {
        struct given given = {.value = config_text(l->config, CONFIG_ENVIRONMENT)};
        (void)str_copy(given.source, SOURCE_BYTES,
                       str_from(config_source(l->config, CONFIG_ENVIRONMENT)));
        result = check_environment(l, &given);
    }
    return result;
}

int config_load(const struct config_request *request, struct config **out_config,
                struct ccd_error *err)
{
    struct loader l = {.request = request, .err = err};
    l.config = mem_new(request->allocator, 1, sizeof *l.config);
    if (!l.config)
        return error_set(err, CCD_NO_MEMORY, "no memory for the settings");
    l.config->allocator = request->allocator;
    int result = load(&l);
    env_file_release(&l.specific.file);
    env_file_release(&l.base.file);
    if (result != 0) {
        config_free(l.config);
        return result;
    }
    *out_config = l.config;
    return 0;
}

void config_free(struct config *config)
{
    if (!config)
        return;
    for (unsigned id = 0; id < CONFIG_COUNT; id++)
        config_value_release(&config->values[id], config->allocator);
    mem_free(config->allocator, config);
}

void config_wipe_environment(char *const *environment)
{
    for (size_t i = 0; environment && environment[i]; i++) {
        struct str value = str_from(environment[i]);
        struct str name = str_split(&value, '=');
        enum config_id id;
        bool is_file;
        if (!config_option_find(name, &id, &is_file) || is_file)
            continue;
        const struct config_option *option = config_option(id);
        if ((option->flags & CONFIG_HIDDEN) != 0 ||
            (option->type == CONFIG_TYPE_DATABASE && config_url_has_password(value)))
            explicit_bzero(environment[i] + name.len + 1, value.len);
    }
}

static const struct config_value *value_of(const struct config *config, enum config_id id)
{
    assert((unsigned)id < CONFIG_COUNT);
    return &config->values[id];
}

static struct str text_of(const struct config *config, enum config_id id)
{
    const struct config_value *value = value_of(config, id);
    return value->text ? (struct str){value->text, value->len} : (struct str){"", 0};
}

struct str config_text(const struct config *config, enum config_id id)
{
    assert((config_option(id)->flags & CONFIG_HIDDEN) == 0);
    return text_of(config, id);
}

struct str config_secret(const struct config *config, enum config_id id)
{
    assert((config_option(id)->flags & CONFIG_HIDDEN) != 0);
    return text_of(config, id);
}

int64_t config_i64(const struct config *config, enum config_id id)
{
    assert(config_option(id)->type == CONFIG_TYPE_INTEGER ||
           config_option(id)->type == CONFIG_TYPE_TIME);
    return value_of(config, id)->i64;
}

double config_f64(const struct config *config, enum config_id id)
{
    assert(config_option(id)->type == CONFIG_TYPE_NUMBER ||
           config_option(id)->type == CONFIG_TYPE_SECONDS);
    return value_of(config, id)->f64;
}

int64_t config_ms(const struct config *config, enum config_id id)
{
    assert(config_option(id)->type == CONFIG_TYPE_SECONDS);
    return (int64_t)ceil(value_of(config, id)->f64 * 1000);
}

bool config_bool(const struct config *config, enum config_id id)
{
    assert(config_option(id)->type == CONFIG_TYPE_BOOL);
    return value_of(config, id)->boolean;
}

size_t config_list(const struct config *config, enum config_id id, const struct str **out_items)
{
    assert(config_option(id)->type == CONFIG_TYPE_LIST);
    const struct config_value *value = value_of(config, id);
    *out_items = value->items;
    return value->item_count;
}

bool config_has(const struct config *config, enum config_id id)
{
    return value_of(config, id)->text != NULL;
}

bool config_is_given(const struct config *config, enum config_id id)
{
    assert((unsigned)id < CONFIG_COUNT);
    return config->given[id];
}

const char *config_source(const struct config *config, enum config_id id)
{
    assert((unsigned)id < CONFIG_COUNT);
    return config->sources[id];
}

const char *config_shown(const struct config *config, enum config_id id)
{
    const struct config_value *value = value_of(config, id);
    if (value->text && (config_option(id)->flags & CONFIG_HIDDEN) != 0)
        return "(set)";
    return value->shown ? value->shown : value->text;
}

size_t config_warning_count(const struct config *config)
{
    return config->warning_count;
}

const char *config_warning(const struct config *config, size_t index)
{
    assert(index < config->warning_count);
    return config->warnings[index];
}
