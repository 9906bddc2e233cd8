/* A database URL. What is taken apart is bounded text without control characters, and neither a
 * message nor what is shown to people holds the password. */
#include <string.h>

#include "base/utf8.h"
#include "fuzz.h"
#include "store/url.h"

/* Taken by chance, a shorter piece may stand in any text. */
enum { TELLING_BYTES = 12, SHOWN_BYTES = 4096 };

static void check_text(const char *text, size_t capacity)
{
    size_t len = strnlen(text, capacity);
    PROMISE(len < capacity);
    char *copy = malloc(len + 1);
    PROMISE(copy);
    memcpy(copy, text, len + 1);
    PROMISE(utf8_make_printable(copy, len) == len && memcmp(copy, text, len) == 0);
    free(copy);
}

static void check_host(const struct store_host *host)
{
    check_text(host->name, sizeof(host->name));
    PROMISE(host->name[0] != '\0');
    PROMISE(host->name[0] == '/' || !strpbrk(host->name, "/@[], "));
}

static void check_parts(const struct store_url *url)
{
    bool is_server = url->host_count > 0;
    check_text(url->scheme, sizeof(url->scheme));
    check_text(url->path, sizeof(url->path));
    check_text(url->user, sizeof(url->user));
    check_text(url->password, sizeof(url->password));
    check_text(url->database, sizeof(url->database));
    check_text(url->ssl_ca, sizeof(url->ssl_ca));
    PROMISE(url->host_count <= URL_HOSTS_MAX);
    PROMISE(is_server == (url->database[0] != '\0'));
    PROMISE((strcmp(url->scheme, "sqlite") == 0) == (url->path[0] != '\0'));
    PROMISE(url->has_password == (url->password[0] != '\0'));
    PROMISE(!url->has_password || url->user[0]);
    PROMISE(url->ssl_mode > SSL_MODE_UNSET && url->ssl_mode < SSL_MODE_COUNT);
    for (size_t i = 0; i < url->host_count; i++)
        check_host(&url->hosts[i]);
}

static void check_shown(struct store_url *url)
{
    char with[SHOWN_BYTES];
    char without[SHOWN_BYTES];
    store_url_show(url, with, sizeof(with));
    memset(url->password, 0, sizeof(url->password));
    store_url_show(url, without, sizeof(without));
    PROMISE(strcmp(with, without) == 0);
    store_url_show(url, with, 7);
    PROMISE(strlen(with) < 7);
}

/* Nothing behind the scheme is quoted, whatever a password may be. */
static void check_message(const struct ccd_error *err, const char *text)
{
    PROMISE(err->status == CCD_USAGE && err->message[0]);
    const char *colon = strchr(text, ':');
    for (const char *at = colon; at && strlen(at) >= TELLING_BYTES; at++) {
        char piece[TELLING_BYTES + 1];
        memcpy(piece, at, TELLING_BYTES);
        piece[TELLING_BYTES] = '\0';
        if (strspn(piece, "abcdefghijklmnopqrstuvwxyz-=:/%@, ") == TELLING_BYTES ||
            memmem(text, (size_t)(colon - text), piece, strcspn(piece, "\"")))
            continue; /* may be words of ours, or those of the scheme, which is quoted */
        PROMISE(!strstr(err->message, piece));
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len)
{
    if (len > 3 * URL_PATH_MAX_BYTES)
        return 0;
    char *text = malloc(len + 1);
    struct store_url *url = malloc(sizeof(*url));
    struct ccd_error err = {0};
    PROMISE(text && url);
    memcpy(text, bytes, len);
    text[len] = '\0';
    if (store_url_parse(text, url, &err) == CCD_OK) {
        check_parts(url);
        check_shown(url);
        store_url_release(url);
    } else {
        check_message(&err, text);
    }
    PROMISE(!url->has_password && url->password[0] == '\0');
    free(url);
    free(text);
    return 0;
}
