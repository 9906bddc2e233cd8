#include "api/endpoint.h"

#include <errno.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/time.h"
#include "store/url.h"

enum { FIRST_YEAR = 1900, LAST_YEAR = 9998 };

struct period_range endpoint_all_time(void)
{
    return (struct period_range){
        .from_ts = time_from_civil(FIRST_YEAR, 1, 1, 0, 0, 0),
        .to_ts = time_from_civil(LAST_YEAR, 1, 1, 0, 0, 0),
    };
}

/* ---- opening ---- */

static bool is_file(const struct store_url *url)
{
    return strcmp(url->scheme, "sqlite") == 0;
}

/* A reader takes a missing file for an empty database, which here hides a misspelling. */
static int check_there(const char *url, const char *role, struct ccd_error *err)
{
    struct store_url parsed;
    int status = store_url_parse(url, &parsed, err);
    if (status != 0)
        return status;
    if (is_file(&parsed) && access(parsed.path, F_OK) != 0)
        status = error_set_native(err, CCD_DATABASE_UNREACHABLE, errno,
                                  "%s: there is no database %s: %s", role, parsed.path,
                                  strerror(errno));
    store_url_release(&parsed);
    return status;
}

static int open_config(struct endpoint *e, const char *role, struct store_config *config,
                       enum endpoint_use use, struct ccd_error *err)
{
    config->read_only = use == ENDPOINT_READ;
    config->create_schema = use == ENDPOINT_CREATE;
    int status = use == ENDPOINT_READ ? check_there(config->url, role, err) : 0;
    if (status == 0)
        status = store_open(config, &e->store, err);
    if (status == 0 && use == ENDPOINT_READ && !(e->store->capabilities & STORE_PERSISTS))
        status = error_set(err, CCD_USAGE, "%s: %s keeps nothing that could be read", role,
                           e->name);
    return status;
}

int endpoint_open(struct endpoint *e, struct ccd_client *client, const char *role, const char *url,
                  enum endpoint_use use, struct ccd_error *err)
{
    *e = (struct endpoint){0};
    int status = database_config(client, url, &e->database, err);
    if (status == 0) {
        str_copy(e->name, sizeof(e->name), buf_str(&e->database.shown));
        status = open_config(e, role, &e->database.config, use, err);
    }
    if (status != 0)
        endpoint_close(e);
    return status;
}

void endpoint_close(struct endpoint *e)
{
    store_close(e->store);
    e->store = NULL;
    database_release(&e->database);
    e->database = (struct database){0};
}

/* ---- the same twice ---- */

static bool same_file(const struct store_url *a, const struct store_url *b)
{
    struct stat file_a, file_b;
    if (stat(a->path, &file_a) == 0 && stat(b->path, &file_b) == 0)
        return file_a.st_dev == file_b.st_dev && file_a.st_ino == file_b.st_ino;
    return strcmp(a->path, b->path) == 0;
}

static bool is_postgres(const struct store_url *url)
{
    return strcmp(url->scheme, "postgresql") == 0;
}

static int port_of(const struct store_url *url, const struct store_host *host)
{
    int usual = is_postgres(url) ? 5432 : 3306;
    return host->port != 0 ? host->port : usual;
}

static bool is_loopback(const char *name)
{
    return strcmp(name, "localhost") == 0 || strcmp(name, "127.0.0.1") == 0 ||
           strcmp(name, "::1") == 0;
}

static bool same_host(const struct store_url *a, size_t host_a, const struct store_url *b,
                      size_t host_b)
{
    const struct store_host *x = &a->hosts[host_a], *y = &b->hosts[host_b];
    bool same_name = str_equal_nocase(str_from(x->name), str_from(y->name)) ||
                     (is_loopback(x->name) && is_loopback(y->name));
    return same_name && (x->name[0] == '/' || port_of(a, x) == port_of(b, y));
}

static bool same_server(const struct store_url *a, const struct store_url *b)
{
    if (is_postgres(a) != is_postgres(b) || strcmp(a->database, b->database) != 0)
        return false;
    for (size_t i = 0; i < a->host_count; i++)
        for (size_t k = 0; k < b->host_count; k++)
            if (same_host(a, i, b, k))
                return true;
    return false;
}

static bool same_database(const struct store_url *a, const struct store_url *b)
{
    if (is_file(a) || is_file(b))
        return is_file(a) && is_file(b) && same_file(a, b);
    return same_server(a, b);
}

int endpoint_check_pair(const char *left_role, const char *left_url, const char *right_role,
                        const char *right_url, struct ccd_error *err)
{
    struct store_url left, right;
    if (!left_url || !right_url)
        return error_set(err, CCD_USAGE, "two databases are needed: %s and %s", left_role,
                         right_role);
    if (store_url_parse(left_url, &left, err) != 0)
        return error_prefix(err, "%s", left_role);
    int status = 0;
    if (store_url_parse(right_url, &right, err) != 0) {
        status = error_prefix(err, "%s", right_role);
    } else {
        if (same_database(&left, &right))
            status = error_set(err, CCD_USAGE, "%s and %s name the same database", left_role,
                               right_role);
        store_url_release(&right);
    }
    store_url_release(&left);
    return status;
}
