/* The reader of .env text: bytes in, names and values out. Invariant: bounded work and memory for
 * any input; no file, no environment is touched; values are wiped on release.
 *
 * Grammar, a line at a time (LF or CRLF, UTF-8, a byte order mark at the start is skipped):
 *   blank | # comment | [export] NAME = value [# comment]
 *   NAME      [A-Za-z_][A-Za-z0-9_]*
 *   value     'literal' | "text with \\ \" \$ \n \r \t" | bare text, trimmed, up to white space and
 * '#'
 * ${NAME} stands for a value in bare and double-quoted text; a '$' that is not followed by '{' is
 * literal. */
#ifndef CONFIG_ENV_FILE_H
#define CONFIG_ENV_FILE_H

#include "base/arena.h"
#include "base/error.h"
#include "base/str.h"

enum {
    ENV_FILE_MAX_BYTES = 1 << 20,
    ENV_LINE_MAX_BYTES = 1 << 14,
    ENV_VALUE_MAX_BYTES = 1 << 16,
    ENV_MAX_ENTRIES = 1000,
};

struct env_entry {
    struct str name;
    struct str value; /* NUL-terminated; expanded */
    int line;
};

struct env_file {
    struct env_entry *entries;
    size_t count;
    size_t capacity;
    struct arena arena;
    const struct allocator *allocator;
};

/* Where ${NAME} looks when the text itself has not set NAME before. */
struct env_lookup {
    bool (*find)(void *user, struct str name, bool before_file, struct str *out_value);
    void *user;
};

/* Parse `text` into *file. label: how messages name it (".env"). lookup.find is asked twice for a
 * name: with before_file true (what is stronger than the file), then, when the text has not set the
 * name, with false (what is weaker). Ownership: entries belong to *file; release with
 * env_file_release in any case. CONFIG, with label:line: over-long text or line, NUL or other
 * control character, invalid UTF-8, malformed line, duplicate name, unset ${NAME}, value or file
 * that grows too large; NO_MEMORY. Any thread. */
int env_file_parse(struct env_file *file, struct str text, const char *label,
                   const struct env_lookup *lookup, const struct allocator *allocator,
                   struct ccd_error *err);

/* The entry of a name or NULL. */
const struct env_entry *env_file_find(const struct env_file *file, struct str name);

void env_file_release(struct env_file *file); /* zeroed is legal */

#endif
