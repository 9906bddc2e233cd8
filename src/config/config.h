/* The settings of a run: read once from every source, checked, then constant.
 * Invariant: every value satisfies its row in options.h; no message holds the value of a secret. */
#ifndef CONFIG_CONFIG_H
#define CONFIG_CONFIG_H

#include "base/buf.h"
#include "base/error.h"
#include "base/hooks.h"
#include "config/options.h"

struct config;

/* A value that is stronger than every source, from the command line. */
struct config_override {
    enum config_id id;
    struct str value;
    const char *source; /* how messages name it: "--database"; must live as long as the config */
};

/* What to read. Zeroed = only defaults and the .env files of the working directory. All pointers
 * may be NULL and are borrowed for the call. */
struct config_request {
    char *const *environment; /* "NAME=value" strings up to a NULL */
    const char *
        directory; /* where .env and relative file names are looked for; NULL = working directory */
    const char *env_file; /* replaces .env and .env.$ENVIRONMENT; it must exist */
    const struct config_override *overrides;
    size_t override_count;
    bool strict; /* a secret that others can read is an error instead of a warning */
    const struct allocator *allocator;
};

/* Read, check and keep the settings.
 * Shape: the strongest source that names a setting gives its value, even an empty one, which means
 * the default: override, environment, .env.$ENVIRONMENT, .env, default. Of a secret, the file that
 * NAME_FILE names stands for NAME in the same source; naming both there is an error. Ownership:
 * *out_config is the caller's, free with config_free; untouched on failure. Errors: CONFIG (a file
 * that is malformed or cannot be read, a value of the wrong type or out of range, a name within two
 * edits of a known one; the message names variable, value, source and range); NO_MEMORY. Thread:
 * any; the result may be read by several threads at once. Since 0.1. */
int config_load(const struct config_request *request, struct config **out_config,
                struct ccd_error *err);

void config_free(struct config *config); /* wipes; NULL is fine */

/* Overwrite the values of all secrets, and of a database URL with a password, with NULs in place:
 * afterwards these variables are set to nothing. No other thread may use the environment. */
void config_wipe_environment(char *const *environment);

/* Getters. The id's type must be one that the getter is named for in options.h: anything else is a
 * programming error and ends the process. Texts are NUL-terminated and live as long as the config.
 * A setting without value and default reads as empty text, 0, false, empty list. Any thread. */
struct str config_text(const struct config *config, enum config_id id);
struct str config_secret(const struct config *config, enum config_id id);
int64_t config_i64(const struct config *config, enum config_id id);
double config_f64(const struct config *config, enum config_id id);
int64_t config_ms(const struct config *config, enum config_id id); /* rounded up */
bool config_bool(const struct config *config, enum config_id id);
size_t config_list(const struct config *config, enum config_id id, const struct str **out_items);

/* Whether the setting has a value, be it the default. */
bool config_has(const struct config *config, enum config_id id);

/* Whether a source other than the table gave the value. */
bool config_is_given(const struct config *config, enum config_id id);

/* "environment", ".env:12", "--database", "/run/secrets/key (CCDATA_API_KEY_FILE, environment)",
 * "default". */
const char *config_source(const struct config *config, enum config_id id);

/* The value for people: a secret as "(set)", a database URL without its password; NULL = not
 * set. */
const char *config_shown(const struct config *config, enum config_id id);

/* What was noticed while loading and is no error: one line each, in the order of discovery, at
 * most 50. */
size_t config_warning_count(const struct config *config);
const char *config_warning(const struct config *config, size_t index);

/* The text of a settings file, every setting a comment but the key and those that have a value in
 * values[CONFIG_COUNT] (NULL: none has, which is .env.example), and of
 * docs/reference/configuration.md, from the table. 0 or -1 as buf_add. */
int config_write_example(struct buf *out, const char *const *values);
int config_write_reference(struct buf *out);

#endif
