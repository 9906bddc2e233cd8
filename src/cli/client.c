#include "cli/client.h"

#include "base/arena.h"
#include "base/log.h"
#include "cli/args.h"
#include "cli/cli.h"
#include "cli/options.h"

enum { SETTINGS_MAX = 16, SETTINGS_MAX_BYTES = 16 << 20 };

struct settings {
    struct arena memory;
    const char *items[SETTINGS_MAX];
    size_t count;
};

static int add_setting(struct settings *settings, const char *name, const char *value,
                       struct ccd_error *err)
{
    struct buf text;
    buf_init(&text, SETTINGS_MAX_BYTES, NULL);
    buf_printf(&text, "%s=%s", name, value);
    char *copy = text.failed ? NULL : arena_copy_text(&settings->memory, buf_str(&text));
    buf_release(&text);
    if (!copy || settings->count == SETTINGS_MAX) {
        return error_set(err, CCD_NO_MEMORY, "no memory for the setting %s", name);
    }
    settings->items[settings->count++] = copy;
    return 0;
}

static int add_settings(struct settings *settings, const struct args *args, struct ccd_error *err)
{
    for (size_t i = 0; i < cli_option_count; i++) {
        const struct option *option = &cli_options[i];
        if (!option->setting || !(args->given >> i & 1)) {
            continue;
        }
        const char *value = "true";
        if (option->form != OPTION_FLAG) {
            value = *(const char *const *)((const char *)args + option->offset);
        }
        if (add_setting(settings, option->setting, value, err) != 0) {
            return (int)err->status;
        }
    }
    return 0;
}

static enum ccd_log_level log_level(const struct client *client, const struct args *args)
{
    static const enum ccd_log_level LEVELS[LOG_LEVEL_COUNT] = {
        [LOG_DEBUG] = CCD_LOG_DEBUG,
        [LOG_INFO] = CCD_LOG_INFO,
        [LOG_WARNING] = CCD_LOG_WARNING,
        [LOG_ERROR] = CCD_LOG_ERROR,
    };
    if (args->verbose) {
        return CCD_LOG_DEBUG;
    }
    if (args->quiet) {
        return CCD_LOG_ERROR;
    }
    const char *source = NULL;
    const char *name = client->handle ? ccd_setting_value(client->handle, "LOG_LEVEL", &source)
                                      : NULL;
    enum log_level level = LOG_INFO;
    if (name) {
        log_level_parse(str_from(name), &level);
    }
    return LEVELS[level];
}

int cli_client_open(struct client *client, const struct cli *cli, const struct args *args,
                    struct ccd_error *err)
{
    *client = (struct client){.console = {.err = cli->err}};
    log_sink_init(&client->log, &client->console);
    struct settings settings = {0};
    arena_init(&settings.memory, SETTINGS_MAX_BYTES, NULL);
    int status = add_settings(&settings, args, err);
    if (status == 0) {
        /* LOG_LEVEL is known only after opening: until then every line is made, and held. */
        const struct ccd_options how = {
            .size = sizeof how,
            .env_file = args->env_file,
            .settings = settings.items,
            .setting_count = settings.count,
            .strict = args->strict,
            .log = log_sink_write,
            .log_user = &client->log,
            .log_level = args->quiet ? CCD_LOG_ERROR : CCD_LOG_DEBUG,
        };
        status = ccd_open(&how, &client->handle, err);
    }
    log_sink_start(&client->log, log_level(client, args));
    arena_release(&settings.memory);
    return status;
}

void cli_client_close(struct client *client)
{
    ccd_close(client->handle);
    *client = (struct client){0};
}
