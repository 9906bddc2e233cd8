#include "api/client.h"

#include <pwd.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <ccdata/alerts.h>

#include "http/client.h"
#include "monitor/metrics.h"

enum { SETTINGS_MAX = 64, LINE_MAX_BYTES = 4096, SUBJECT_MAX_BYTES = 256 };

static int64_t utc_us(void *user)
{
    const struct ccd_client *client = user;
    return client->clock_stands ? client->fixed_now_us : clock_utc_us(NULL);
}

static int64_t mono_us(void *user)
{
    (void)user;
    return clock_mono_us(NULL);
}

/* Names are the vendor's: what stands in them is not trusted to be without a secret of ours. */
static const char *copy_redacted(const struct ccd_client *client, const char *text,
                                 char out[SUBJECT_MAX_BYTES])
{
    if (!text)
        return NULL;
    str_copy(out, SUBJECT_MAX_BYTES, str_from(text));
    redact(&client->redactor, out);
    return out;
}

static void write_log(void *user, enum log_level level, const struct log_subject *subject,
                      struct str text)
{
    static const struct log_subject nothing;
    struct ccd_client *client = user;
    const struct log_subject *s = subject ? subject : &nothing;
    char message[LINE_MAX_BYTES], market[SUBJECT_MAX_BYTES], instrument[SUBJECT_MAX_BYTES];
    str_copy(message, sizeof(message), text);
    redact(&client->redactor, message);
    const struct ccd_log_line line = {
        .level = (enum ccd_log_level)level,
        .text = message,
        .run_id = client->run_id,
        .data_type = s->data_type,
        .interval = s->interval,
        .market = copy_redacted(client, s->market, market),
        .instrument = copy_redacted(client, s->instrument, instrument),
        .is_reported = s->is_reported,
    };
    client->log_line(client->log_user, &line);
}

/* "NAME=value" settings become overrides, the strongest source. */
static int read_settings(const struct ccd_options *options, struct config_override *out,
                         struct ccd_error *err)
{
    if (options->setting_count > SETTINGS_MAX)
        return error_set(err, CCD_USAGE, "more than %d settings", SETTINGS_MAX);
    for (size_t i = 0; i < options->setting_count; i++) {
        struct str value = str_from(options->settings[i]);
        struct str name = str_split(&value, '=');
        bool is_file = false;
        if (!config_option_find(name, &out[i].id, &is_file) || is_file)
            return error_set(err, CCD_USAGE, "no setting is called \"" STR_FMT "\"", STR_ARG(name));
        out[i].value = value;
        out[i].source = "command line";
    }
    return 0;
}

static int read_traces(struct ccd_client *client, struct ccd_error *err)
{
    const struct str *names = NULL;
    size_t count = config_list(client->config, CONFIG_CCDATA_TRACE, &names);
    for (size_t i = 0; i < count; i++) {
        int trace = 0;
        while (trace < TRACE_COUNT &&
               !str_equal_nocase(names[i], str_from(log_trace_name((enum log_trace)trace))))
            trace++;
        if (trace == TRACE_COUNT)
            return error_set(err, CCD_CONFIG,
                             "CCDATA_TRACE knows http, plan, store and quota, not \"" STR_FMT "\"",
                             STR_ARG(names[i]));
        client->log.traces |= 1u << trace;
    }
    return 0;
}

static void log_warnings(const struct ccd_client *client)
{
    for (size_t i = 0; i < config_warning_count(client->config); i++)
        log_warning(&client->log, NULL, "%s", config_warning(client->config, i));
}

int ccd_open(const struct ccd_options *options, struct ccd_client **out_client,
             struct ccd_error *err)
{
    struct config_override overrides[SETTINGS_MAX];
    struct ccd_options given = {0};
    memcpy(&given, options, options->size < sizeof(given) ? options->size : sizeof(given));
    struct ccd_client *client = mem_new(NULL, 1, sizeof(*client));
    if (!client)
        return error_set(err, CCD_NO_MEMORY, "no memory for a client");
    client->log_line = given.log;
    client->log_user = given.log_user;
    client->log = (struct log){
        .threshold = (enum log_level)given.log_level,
        .write = given.log ? write_log : NULL,
        .user = client,
    };
    client->clock = (struct clock){.utc_us = utc_us, .mono_us = mono_us, .user = client};
    int status = read_settings(&given, overrides, err);
    if (status == 0) {
        const struct config_request request = {
            .environment = environ,
            .env_file = given.env_file,
            .overrides = overrides,
            .override_count = given.setting_count,
            .strict = given.strict,
        };
        status = config_load(&request, &client->config, err);
        if (given.wipe_environment)
            config_wipe_environment(environ);
    }
    if (status == 0) {
        client->metrics = metrics_new(NULL);
        if (!client->metrics)
            status = error_set(err, CCD_NO_MEMORY, "no memory for a client");
    }
    if (status == 0)
        status = redactor_init(&client->redactor, client->config, err);
    if (status == 0)
        status = read_traces(client, err);
    if (status != 0) {
        ccd_close(client);
        return status;
    }
    client->clock_stands = config_has(client->config, CONFIG_CCDATA_NOW);
    if (client->clock_stands)
        client->fixed_now_us = config_i64(client->config, CONFIG_CCDATA_NOW) * 1000000;
    log_warnings(client);
    *out_client = client;
    return 0;
}

void ccd_close(struct ccd_client *client)
{
    if (!client)
        return;
    ccd_alerts_flush(client);
    cache_close(client->cache);
    metrics_free(client->metrics, NULL);
    redactor_release(&client->redactor);
    config_free(client->config);
    mem_free(NULL, client);
}

void ccd_stop(struct ccd_client *client)
{
    atomic_fetch_add(&client->stop_level, 1);
}

int client_stop_level(void *user)
{
    struct ccd_client *client = user;
    return atomic_load(&client->stop_level);
}

static bool cache_directory(char *out, size_t capacity_bytes)
{
    const char *cache = getenv("XDG_CACHE_HOME");
    const char *home = getenv("HOME");
    if (cache && cache[0] == '/')
        return str_print(out, capacity_bytes, "%s/ccdata", cache);
    return home && home[0] == '/' && str_print(out, capacity_bytes, "%s/.cache/ccdata", home);
}

struct cache *client_cache(struct ccd_client *client, bool read_only)
{
    const struct config *c = client->config;
    struct ccd_error err = {0};
    if (client->cache || !config_bool(c, CONFIG_CACHE_ENABLED))
        return client->cache;
    struct str backend = config_text(c, CONFIG_CACHE_BACKEND);
    const struct cache_options options = {
        .backend = str_equal(backend, STR("file"))    ? CACHE_FILE
                   : str_equal(backend, STR("redis")) ? CACHE_REDIS
                                                      : CACHE_MEMORY,
        .entries_max = config_i64(c, CONFIG_CACHE_MAX_MEMORY_ENTRIES),
        .directory = client->cache_directory,
        .host = config_text(c, CONFIG_REDIS_HOST).ptr,
        .port = (int)config_i64(c, CONFIG_REDIS_PORT),
        .password = config_secret(c, CONFIG_REDIS_PASSWORD).ptr,
        .database = config_i64(c, CONFIG_REDIS_DB),
        .tls = config_bool(c, CONFIG_REDIS_SSL),
        .clock = &client->clock,
        .log = &client->log,
    };
    bool has_folder = cache_directory(client->cache_directory, sizeof(client->cache_directory));
    if (read_only && has_folder && options.backend == CACHE_FILE &&
        access(client->cache_directory, F_OK) != 0)
        return NULL;
    int status = has_folder || options.backend != CACHE_FILE
                     ? cache_open(&options, &client->cache, &err)
                     : error_set(&err, CCD_DISK, "set XDG_CACHE_HOME or HOME");
    if (status != 0)
        log_warning(&client->log, NULL, "this run has no cache: %s", err.message);
    return client->cache;
}

bool ccd_state_directory(char *out, size_t capacity_bytes)
{
    return client_state_directory(out, capacity_bytes);
}

bool client_state_directory(char *out, size_t capacity_bytes)
{
    const char *state = getenv("XDG_STATE_HOME");
    if (state && state[0] == '/') /* the base directory specification ignores relative paths */
        return str_print(out, capacity_bytes, "%s/ccdata", state);
    const char *home = getenv("HOME");
    if (!home || home[0] != '/') {
        const struct passwd *user = getpwuid(geteuid());
        home = user ? user->pw_dir : NULL;
    }
    return home && str_print(out, capacity_bytes, "%s/.local/state/ccdata", home);
}
