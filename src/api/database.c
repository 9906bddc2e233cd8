#include "api/database.h"

#include <string.h>

#include "config/value.h"
#include "store/url.h"

/* Room for the path of a certificate with every byte encoded, and for all the rest. */
enum { URL_MAX_BYTES = 4 * URL_PATH_MAX_BYTES };

static const int64_t busy_timeout_ms = 30000;

/* ---- S2_ settings ---- */

static int require(const struct config *c, enum config_id id, struct ccd_error *err)
{
    if (config_has(c, id))
        return CCD_OK;
    return error_set(err, CCD_CONFIG,
                     "S2_HOST is set, but %s is not: set it, or use CCDATA_DATABASE_URL",
                     config_option(id)->name);
}

/* A name, an address or the path of a socket, as a URL writes it; an IPv6 address with or without
 * its brackets. */
static int add_s2_host(struct buf *out, struct str host, int64_t port, struct ccd_error *err)
{
    const char *colon = memchr(host.ptr, ':', host.len);
    bool is_v6 = colon && memchr(colon + 1, ':', (size_t)(host.ptr + host.len - colon) - 1);
    if (host.len >= 2 && host.ptr[0] == '[' && host.ptr[host.len - 1] == ']') {
        host = (struct str){host.ptr + 1, host.len - 2};
        is_v6 = true;
    }
    if (colon && !is_v6 && host.ptr[0] != '/')
        return error_set(err, CCD_CONFIG, "S2_HOST holds a port: it belongs into S2_PORT");
    buf_add_text(out, is_v6 ? "[" : "");
    for (size_t i = 0; i < host.len; i++)
        if (is_v6 && host.ptr[i] == ':')
            buf_add_char(out, ':');
        else
            buf_add_url_text(out, (struct str){host.ptr + i, 1});
    buf_add_text(out, is_v6 ? "]" : "");
    if (host.len == 0 || host.ptr[0] != '/')
        buf_printf(out, ":%lld", (long long)port);
    return CCD_OK;
}

static int add_s2_hosts(struct buf *out, const struct config *c, struct ccd_error *err)
{
    struct str hosts = config_text(c, CONFIG_S2_HOST);
    int status = CCD_OK;
    bool more = true;
    for (bool first = true; more && status == CCD_OK; first = false) {
        more = memchr(hosts.ptr, ',', hosts.len) != NULL;
        buf_add_text(out, first ? "" : ",");
        status = add_s2_host(out, str_trim(str_split(&hosts, ',')), config_i64(c, CONFIG_S2_PORT),
                             err);
    }
    return status;
}

/* singlestore://user@host:port/database?ssl-mode=…; the password stays apart. */
static int add_s2_url(struct buf *out, const struct config *c, struct ccd_error *err)
{
    int status = require(c, CONFIG_S2_USER, err);
    if (status == CCD_OK)
        status = require(c, CONFIG_S2_DATABASE, err);
    if (status != CCD_OK)
        return status;
    struct str ca = config_text(c, CONFIG_S2_SSL_CA);
    bool by_ca = ca.len > 0 && !config_is_given(c, CONFIG_S2_SSL_MODE); /* as in a URL */
    buf_add_text(out, "singlestore://");
    buf_add_url_text(out, config_text(c, CONFIG_S2_USER));
    buf_add_char(out, '@');
    status = add_s2_hosts(out, c, err);
    buf_add_char(out, '/');
    buf_add_url_text(out, config_text(c, CONFIG_S2_DATABASE));
    buf_printf(out, "?ssl-mode=%s",
               by_ca ? ssl_mode_name(SSL_MODE_VERIFY_IDENTITY)
                     : config_text(c, CONFIG_S2_SSL_MODE).ptr);
    buf_add_text(out, ca.len > 0 ? "&ssl-ca=" : "");
    buf_add_url_text(out, ca);
    return status;
}

/* Who fills in S2_ settings means a server, and should not find the data in a file. */
static void warn_of_lone_settings(const struct ccd_client *client)
{
    static const enum config_id ids[] = {CONFIG_S2_USER, CONFIG_S2_DATABASE, CONFIG_S2_PORT};
    for (size_t i = 0; i < sizeof(ids) / sizeof(ids[0]); i++) {
        if (!config_is_given(client->config, ids[i]))
            continue;
        log_warning(&client->log, NULL,
                    "%s is set, but S2_HOST is not: the data goes to %s; set S2_HOST to use "
                    "SingleStore",
                    config_option(ids[i])->name,
                    config_text(client->config, CONFIG_CCDATA_DATABASE_URL).ptr);
        return;
    }
}

/* ---- the destination ---- */

static bool is_s2(const struct config *c, const char *url)
{
    return !url && !config_is_given(c, CONFIG_CCDATA_DATABASE_URL) &&
           config_is_given(c, CONFIG_S2_HOST);
}

static int choose_url(const struct ccd_client *client, const char *url, struct buf *out,
                      struct ccd_error *err)
{
    const struct config *c = client->config;
    if (is_s2(c, url))
        return add_s2_url(out, c, err);
    if (!url && !config_is_given(c, CONFIG_CCDATA_DATABASE_URL))
        warn_of_lone_settings(client);
    buf_add_text(out, url ? url : config_text(c, CONFIG_CCDATA_DATABASE_URL).ptr);
    return CCD_OK;
}

/* Look at the URL before anything is sent anywhere, and learn its password. */
static int check_url(struct ccd_client *client, const char *given, struct database *d,
                     struct ccd_error *err)
{
    struct store_url parts;
    int status = store_url_parse(buf_str(&d->url).ptr, &parts, err);
    if (status != CCD_OK && is_s2(client->config, given)) {
        err->status = CCD_CONFIG;
        return error_prefix(err, "S2_HOST, S2_USER, S2_DATABASE or S2_SSL_CA is wrong");
    }
    if (status == CCD_OK && parts.has_password) {
        status = redactor_add(&client->redactor, str_from(parts.password), err);
        if (given)
            log_warning(&client->log, NULL,
                        "the URL of %s holds a password, which the list of processes shows; "
                        "CCDATA_DATABASE_PASSWORD or its _FILE is safer",
                        buf_str(&d->shown).ptr);
    }
    store_url_release(&parts);
    return status;
}

static const char *password_of(const struct config *c)
{
    struct str password = config_secret(c, CONFIG_CCDATA_DATABASE_PASSWORD);
    return password.len > 0 ? password.ptr : config_secret(c, CONFIG_S2_PASSWORD).ptr;
}

static struct store_config config_of(struct ccd_client *client, const char *url)
{
    const struct config *c = client->config;
    return (struct store_config){
        .url = url,
        .password = password_of(c),
        .settle_s = config_i64(c, CONFIG_CCDATA_SETTLE_SECONDS),
        .busy_timeout_ms = busy_timeout_ms,
        .batch_rows = config_i64(c, CONFIG_INGESTION_BATCH_SIZE),
        .pool_size = config_i64(c, CONFIG_DB_POOL_SIZE),
        .pool_overflow = config_i64(c, CONFIG_DB_MAX_OVERFLOW),
        .pool_timeout_ms = config_ms(c, CONFIG_DB_POOL_TIMEOUT),
        .pool_recycle_s = config_ms(c, CONFIG_DB_POOL_RECYCLE) / 1000,
        .stop_level = client_stop_level,
        .stop_user = client,
        .clock = &client->clock,
        .log = &client->log,
    };
}

int database_config(struct ccd_client *client, const char *url, struct database *out,
                    struct ccd_error *err)
{
    *out = (struct database){0};
    buf_init(&out->url, URL_MAX_BYTES, NULL);
    buf_init(&out->shown, URL_MAX_BYTES, NULL);
    buf_reserve(&out->url, URL_MAX_BYTES); /* at once: a growing buffer would leave copies behind */
    int status = choose_url(client, url, &out->url, err);
    if (status != CCD_OK)
        return status;
    config_add_masked_url(&out->shown, buf_str(&out->url));
    if (out->url.failed || out->shown.failed)
        return error_set(err, CCD_CONFIG, "the database URL is longer than %d bytes",
                         URL_MAX_BYTES);
    status = check_url(client, url, out, err);
    out->config = config_of(client, out->url.data);
    return status;
}

int ccd_settings_check(struct ccd_client *client, struct ccd_error *err)
{
    struct database database;
    error_clear(err);
    int status = database_config(client, NULL, &database, err);
    database_release(&database);
    return status;
}

void database_release(struct database *database)
{
    if (database->url.data)
        explicit_bzero(database->url.data, database->url.capacity);
    buf_release(&database->url);
    buf_release(&database->shown);
}

int64_t database_writers(const struct store *store, const struct store_config *config,
                         int64_t parallel_workers)
{
    int64_t connections = config->pool_size + config->pool_overflow;
    if (!(store->capabilities & STORE_PARALLEL_WRITERS))
        return 1;
    return parallel_workers < connections ? parallel_workers : connections;
}
