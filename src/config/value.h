/* One value: text in, checked and typed value out. Invariant: a value that was accepted satisfies
 * its row. */
#ifndef CONFIG_VALUE_H
#define CONFIG_VALUE_H

#include "base/buf.h"
#include "base/hooks.h"
#include "config/options.h"

enum { CONFIG_LIST_MAX_ITEMS = 1000 };

struct config_value {
    char *text; /* as given (a choice: as the table spells it), NUL-terminated; NULL when not set */
    size_t len;
    int64_t i64;
    double f64;
    bool boolean;
    struct str *items; /* into item_text */
    size_t item_count;
    char *item_text;
    char *shown; /* DATABASE: the text for people, without a password; else NULL */
};

/* Check `text` against its row and fill *out_value; an empty text is a value that is not set.
 * Ownership: release with config_value_release in any case.
 * CONFIG: *out_reason says what is wrong with it, without quoting it; NO_MEMORY. Any thread. */
enum ccd_status config_value_parse(struct config_value *out_value,
                                   const struct config_option *option, struct str text,
                                   const struct allocator *allocator, const char **out_reason);

void config_value_release(struct config_value *value,
                          const struct allocator *allocator); /* wipes */

/* Whether a database URL holds a password. */
bool config_url_has_password(struct str url);

/* Add a database URL to out with any password in it as "***". */
int config_add_masked_url(struct buf *out, struct str url);

#endif
