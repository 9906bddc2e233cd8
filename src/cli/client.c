#include "cli/client.h"

#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/arena.h"
#include "base/log.h"
#include "cli/args.h"
#include "cli/cli.h"
#include "cli/commands.h"
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

/* The effective value of a setting; before the client is open, its default. */
static const char *setting(const struct client *client, const char *name)
{
    const char *source = NULL;
    const char *value = client->handle ? ccd_setting_value(client->handle, name, &source) : NULL;
    return value ? value : "";
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
    enum log_level level = LOG_INFO;
    log_level_parse(str_from(setting(client, "LOG_LEVEL")), &level);
    return LEVELS[level];
}

/* systemd names the journal's stream by device and inode. */
static bool is_journal(FILE *err)
{
    struct stat st;
    char name[64];
    const char *journal = getenv("JOURNAL_STREAM");
    if (!journal || fstat(fileno(err), &st) != 0)
        return false;
    str_print(name, sizeof name, "%ju:%ju", (uintmax_t)st.st_dev, (uintmax_t)st.st_ino);
    return strcmp(name, journal) == 0;
}

static bool is_true(const struct client *client, const char *name)
{
    bool value = false;
    return str_to_bool(str_from(setting(client, name)), &value) && value;
}

static int64_t number(const struct client *client, const char *name)
{
    int64_t value = 0;
    str_to_i64(str_from(setting(client, name)), &value);
    return value;
}

/* Only what writes into the database leaves a file: the others change nothing on disk. */
static bool writes(const struct args *args)
{
    return (args->command->takes & GROUP_RUN) != 0 && !args->dry_run;
}

static void start_log(struct client *client, const struct cli *cli, const struct args *args)
{
    struct ccd_error err = {0};
    struct log_file file = {.fd = -1};
    bool json = strcmp(setting(client, "LOG_FORMAT"), "json") == 0;
    struct log_settings settings = {
        .threshold = log_level(client, args),
        .console_form = json                  ? LOG_FORM_JSON
                        : is_journal(cli->err) ? LOG_FORM_JOURNAL
                                               : LOG_FORM_TEXT,
        .file_form = json ? LOG_FORM_JSON : LOG_FORM_TEXT,
        /* Without settings there is only the console to tell why. */
        .console_enabled = !client->handle || is_true(client, "LOG_CONSOLE_ENABLED"),
        .file_enabled = writes(args) && is_true(client, "LOG_FILE_ENABLED"),
    };
    if (settings.file_enabled &&
        log_file_init(&file, str_from(setting(client, "LOG_FILE_PATH")),
                      number(client, "LOG_FILE_MAX_BYTES"),
                      number(client, "LOG_FILE_BACKUP_COUNT"), &err) != 0) {
        settings.file_enabled = false;
    }
    log_sink_start(&client->log, &settings, &file);
    if (err.status != CCD_OK)
        log_sink_write(&client->log, &(struct ccd_log_line){.level = CCD_LOG_WARNING,
                                                            .text = err.message});
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
            .wipe_environment = true,
        };
        status = ccd_open(&how, &client->handle, err);
    }
    start_log(client, cli, args);
    arena_release(&settings.memory);
    return status;
}

void cli_client_close(struct client *client)
{
    ccd_close(client->handle);
    log_sink_close(&client->log);
    *client = (struct client){0};
}
