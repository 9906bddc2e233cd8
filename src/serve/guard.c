#include "serve/guard.h"

#include <string.h>

static bool is_token_text(struct str token)
{
    for (size_t i = 0; i < token.len; i++)
        if (token.ptr[i] <= ' ' || token.ptr[i] > '~')
            return false;
    return token.len >= GUARD_TOKEN_MIN && token.len <= GUARD_TOKEN_MAX;
}

static int take_token(struct guard *guard, struct str token, bool is_loopback,
                      struct ccd_error *err)
{
    if (token.len == 0) {
        return is_loopback ? 0
                           : error_set(err, CCD_CONFIG,
                                       "PROMETHEUS_HOST: others than this machine could read an "
                                       "address that is not loopback; set CCDATA_SERVE_TOKEN (22 "
                                       "characters or more, such as: openssl rand -base64 24) or "
                                       "use 127.0.0.1");
    }
    if (!is_token_text(token)) {
        return error_set(err, CCD_CONFIG,
                         "CCDATA_SERVE_TOKEN: a token has %d to %d printable characters without "
                         "spaces; make one with: openssl rand -base64 24",
                         GUARD_TOKEN_MIN, GUARD_TOKEN_MAX);
    }
    (void)str_copy(guard->token, sizeof guard->token, token);
    return 0;
}

static bool is_name_text(struct str name)
{
    static const char ALLOWED[] =
        "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-._:[]";
    for (size_t i = 0; i < name.len; i++)
        if (!memchr(ALLOWED, name.ptr[i], sizeof ALLOWED - 1))
            return false;
    return name.len > 0 && name.len < 256;
}

static int check_names(const struct ccd_server_options *options, struct ccd_error *err)
{
    if (options->name_count > GUARD_NAMES_MAX) {
        return error_set(err, CCD_CONFIG, "CCDATA_SERVE_NAMES: %zu names; no more than %d",
                         options->name_count, GUARD_NAMES_MAX);
    }
    for (size_t i = 0; i < options->name_count; i++) {
        if (!is_name_text(str_from(options->names[i]))) {
            return error_set(err, CCD_CONFIG,
                             "CCDATA_SERVE_NAMES: \"%.64s\" is no host name; write name or "
                             "name:port, no scheme and no path",
                             options->names[i] ? options->names[i] : "");
        }
    }
    return 0;
}

int guard_init(struct guard *guard, const struct ccd_server_options *options, bool is_loopback,
               struct ccd_error *err)
{
    *guard = (struct guard){0};
    int status = check_names(options, err);
    return status ? status : take_token(guard, str_from(options->token), is_loopback, err);
}

static void add_host(struct guard *guard, struct str host)
{
    if (guard->host_count < GUARD_HOSTS_MAX)
        (void)str_copy(guard->hosts[guard->host_count++], GUARD_HOST_BYTES, host);
}

/* Clients leave the port out when it is that of http or, in front of a proxy, of https. */
static void allow(struct guard *guard, const char *name, unsigned port)
{
    char with_port[GUARD_HOST_BYTES];
    struct str host = str_from(name);
    const char *last_colon = strrchr(name, ':');
    if (!last_colon || name[host.len - 1] == ']') {
        (void)str_print(with_port, sizeof with_port, "%s:%u", name, port);
        host = str_from(with_port);
        last_colon = strrchr(with_port, ':');
    }
    add_host(guard, host);
    if (strcmp(last_colon, ":80") == 0 || strcmp(last_colon, ":443") == 0)
        add_host(guard, (struct str){host.ptr, (size_t)(last_colon - host.ptr)});
}

void guard_allow_hosts(struct guard *guard, const struct ccd_server_options *options,
                       const struct listener *listener)
{
    allow(guard, listener->ip_text, listener->port);
    allow(guard, "127.0.0.1", listener->port);
    allow(guard, "[::1]", listener->port);
    allow(guard, "localhost", listener->port);
    for (size_t i = 0; i < options->name_count; i++)
        allow(guard, options->names[i], listener->port);
}

void guard_release(struct guard *guard)
{
    explicit_bzero(guard->token, sizeof guard->token);
}

bool guard_allows_host(const struct guard *guard, struct str host)
{
    for (size_t i = 0; i < guard->host_count; i++)
        if (str_equal(str_from(guard->hosts[i]), host))
            return true;
    return false;
}

static bool is_own_origin(const struct guard *guard, struct str origin)
{
    static const struct str SCHEMES[] = {{"http://", 7}, {"https://", 8}};
    for (size_t i = 0; i < sizeof SCHEMES / sizeof SCHEMES[0]; i++) {
        size_t len = SCHEMES[i].len;
        if (str_starts_with(origin, SCHEMES[i]) &&
            guard_allows_host(guard, (struct str){origin.ptr + len, origin.len - len}))
            return true;
    }
    return false;
}

bool guard_allows_site(const struct guard *guard, struct str origin, struct str fetch_site)
{
    bool is_own_site = fetch_site.len == 0 || str_equal(fetch_site, STR("same-origin")) ||
                       str_equal(fetch_site, STR("none"));
    return is_own_site && (origin.len == 0 || is_own_origin(guard, origin));
}

/* The time depends on the length of what was sent alone. */
static bool is_token(const struct guard *guard, struct str given)
{
    size_t len = strlen(guard->token);
    volatile unsigned char difference = given.len != len;
    for (size_t i = 0; i < given.len; i++)
        difference |= (unsigned char)(guard->token[i % len] ^ given.ptr[i]);
    return difference == 0;
}

/* The entry of this peer, else a free one, else the oldest: those who guess push out only each
 * other. */
static struct guesses *guesses_of(struct guard *guard, const struct peer *peer, int64_t now_us)
{
    struct guesses *chosen = &guard->guesses[0];
    for (size_t i = 0; i < GUARD_PEERS_MAX; i++) {
        struct guesses *entry = &guard->guesses[i];
        if (entry->count > 0 && now_us - entry->since_us >= GUARD_WINDOW_S * INT64_C(1000000))
            entry->count = 0;
        if (entry->count > 0 && peer_equal(&entry->peer, peer))
            return entry;
        if (chosen->count > 0 && (entry->count == 0 || entry->since_us < chosen->since_us))
            chosen = entry;
    }
    *chosen = (struct guesses){.peer = *peer, .since_us = now_us};
    return chosen;
}

enum guard_verdict guard_check_token(struct guard *guard, struct str authorization,
                                     const struct peer *peer, int64_t now_us)
{
    static const struct str SCHEME = {"Bearer ", 7};
    if (guard->token[0] == '\0')
        return GUARD_ALLOWED;
    if (authorization.len == 0)
        return GUARD_NO_TOKEN;
    struct guesses *guesses = guesses_of(guard, peer, now_us);
    if (guesses->count >= GUARD_GUESSES_MAX)
        return GUARD_TOO_MANY;
    if (str_starts_with_nocase(authorization, SCHEME) &&
        is_token(guard,
                 (struct str){authorization.ptr + SCHEME.len, authorization.len - SCHEME.len}))
        return GUARD_ALLOWED;
    guesses->count++;
    return GUARD_WRONG_TOKEN;
}
