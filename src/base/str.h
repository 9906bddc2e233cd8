/* Text as (pointer, length), strict number parsing, bounded formatting, nearest-name search.
 * Invariant: nothing here reads past len or depends on the locale. */
#ifndef BASE_STR_H
#define BASE_STR_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/error.h"

struct str {
    const char *ptr;
    size_t len;
};

#define STR(literal) ((struct str){(literal), sizeof(literal) - 1})
#define STR_FMT "%.*s"
#define STR_ARG(s) (int)(s).len, (s).ptr

struct str str_from(const char *text); /* NULL = empty */
bool str_equal(struct str a, struct str b);
bool str_equal_nocase(struct str a, struct str b); /* ASCII */
bool str_same_name(struct str a, struct str b);    /* '-' and '_' are equal, as in options */
bool str_starts_with(struct str s, struct str prefix);
bool str_starts_with_nocase(struct str s, struct str prefix);
struct str str_trim(struct str s); /* ASCII white space, both ends */
/* Find needle; returns its offset or SIZE_MAX. */
size_t str_find(struct str haystack, struct str needle);
size_t str_find_nocase(struct str haystack, struct str needle);
/* Cut *rest at the first separator: returns the part before it; *rest becomes what follows (empty
 * at the end). */
struct str str_split(struct str *rest, char separator);

/* Whole text must be a base-10 integer in range: false otherwise (empty, sign alone, overflow,
 * other bytes). */
bool str_to_i64(struct str s, int64_t *out_value);
bool str_to_u64(struct str s, uint64_t *out_value);
/* Finite decimal number; uses '.', never the locale. */
bool str_to_f64(struct str s, double *out_value);
/* true/false/1/0/yes/no/on/off, any case. */
bool str_to_bool(struct str s, bool *out_value);

/* snprintf that cannot be misused: always terminates; false when the text was cut. */
bool str_print(char *out, size_t capacity_bytes, const char *format, ...) PRINTF_LIKE(3, 4);
/* strlcpy-like: false when cut. */
bool str_copy(char *out, size_t capacity_bytes, struct str s);

/* Shortest text that reads back as the same double ("%.17g" at most), JSON-safe; returns its length
 * (< 32). */
size_t str_format_f64(char out[32], double value);

/* Levenshtein distance of two names up to 64 bytes; '-' and '_' are equal; longer names: 255. */
unsigned str_distance(struct str a, struct str b);

/* Glob with * and ?; ASCII letters whatever their case, as in exact names. */
bool str_glob(struct str pattern, struct str text);

/* Whether s is valid UTF-8 (RFC 3629, no surrogates, no overlong forms). */
bool str_is_utf8(struct str s);

#endif
