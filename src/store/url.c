#include "store/url.h"

#include <string.h>

static const char *const schemes[] = {
    "sqlite", "null", "singlestore", "mysql", "mariadb", "postgresql", "postgres",
};
enum { BUILT_IN_SCHEMES = 2, SCHEME_COUNT = sizeof(schemes) / sizeof(schemes[0]) };

static bool is_scheme(struct str s)
{
    for (size_t i = 0; i < s.len; i++) {
        char c = s.ptr[i];
        bool letter = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
        bool inner = (c >= '0' && c <= '9') || c == '+' || c == '-' || c == '.';
        if (!letter && !(inner && i > 0))
            return false;
    }
    return s.len > 0;
}

int store_url_split(const char *url, struct str *out_scheme, struct str *out_rest,
                    struct ccd_error *err)
{
    struct str rest = str_from(url);
    struct str scheme = str_split(&rest, ':');
    if (!is_scheme(scheme) || scheme.len == strlen(url ? url : "")) {
        return error_set(err, CCD_USAGE,
                         "a database URL begins with its kind, such as sqlite:ccdata.db");
    }
    *out_scheme = scheme;
    *out_rest = rest;
    return CCD_OK;
}

int store_url_refuse_scheme(struct str scheme, struct ccd_error *err)
{
    const char *nearest = schemes[0];
    for (size_t i = 0; i < SCHEME_COUNT; i++) {
        if (i >= BUILT_IN_SCHEMES && str_equal_nocase(scheme, str_from(schemes[i]))) {
            return error_set(err, CCD_USAGE, "%s is not built in yet: use sqlite:ccdata.db",
                             schemes[i]);
        }
        if (str_distance(scheme, str_from(schemes[i])) < str_distance(scheme, str_from(nearest)))
            nearest = schemes[i];
    }
    return error_set(err, CCD_USAGE, "unknown kind of database \"" STR_FMT "\": did you mean %s?",
                     STR_ARG(scheme), nearest);
}

int store_url_sqlite_path(struct str rest, char *out, size_t capacity, struct ccd_error *err)
{
    struct str path = rest;
    if (str_starts_with(rest, STR("//"))) {
        path = (struct str){rest.ptr + 2, rest.len - 2};
        if (path.len == 0 || path.ptr[0] != '/') {
            return error_set(err, CCD_USAGE,
                             "sqlite databases are files of this host: write sqlite:relative/path "
                             "or sqlite:///absolute/path");
        }
    }
    if (path.len == 0 || path.ptr[path.len - 1] == '/')
        return error_set(err, CCD_USAGE, "the database URL names no file: sqlite:ccdata.db");
    const char *lead = path.ptr[0] == '/' ? "" : "./";
    if (!str_print(out, capacity, "%s" STR_FMT, lead, STR_ARG(path))) {
        return error_set(err, CCD_USAGE, "the path of the database is longer than %zu bytes",
                         capacity - 1);
    }
    return CCD_OK;
}
