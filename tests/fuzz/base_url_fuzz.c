/* The base URL of the API, and the path that follows it. What is taken has the origin that libcurl
 * will connect to, whatever path follows. */
#include <curl/curl.h>
#include <string.h>

#include "fuzz.h"
#include "http/base_url.h"

enum { ORIGIN_BYTES = 8192 };

static char *part(CURLU *handle, CURLUPart what, unsigned flags)
{
    char *text = NULL;
    PROMISE(curl_url_get(handle, what, &text, flags) == CURLUE_OK);
    return text;
}

/* As the library reads it. */
static void check_origin(const struct base_url *url, const char *whole)
{
    char expected[ORIGIN_BYTES];
    char *nothing = NULL;
    CURLU *handle = curl_url();
    PROMISE(handle && curl_url_set(handle, CURLUPART_URL, whole, 0) == CURLUE_OK);
    char *scheme = part(handle, CURLUPART_SCHEME, 0);
    char *host = part(handle, CURLUPART_HOST, 0);
    char *port = part(handle, CURLUPART_PORT, CURLU_DEFAULT_PORT);
    PROMISE(snprintf(expected, sizeof(expected), "%s://%s:%s", scheme, host, port) < ORIGIN_BYTES);
    PROMISE(strcasecmp(expected, url->origin) == 0);
    PROMISE((strcmp(scheme, "https") == 0) == url->https);
    PROMISE(curl_url_get(handle, CURLUPART_USER, &nothing, 0) == CURLUE_NO_USER);
    PROMISE(curl_url_get(handle, CURLUPART_FRAGMENT, &nothing, 0) == CURLUE_NO_FRAGMENT);
    curl_free(scheme);
    curl_free(host);
    curl_free(port);
    curl_url_cleanup(handle);
}

static void check_paths(const struct base_url *url, const char *path)
{
    char whole[ORIGIN_BYTES];
    PROMISE(strncmp(url->text, url->https ? "https://" : "http://", url->https ? 8 : 7) == 0);
    PROMISE(url->text[strlen(url->text) - 1] != '/');
    check_origin(url, url->text);
    if (path_is_clean(str_from(path)) &&
        snprintf(whole, sizeof(whole), "%s%s", url->text, path) < ORIGIN_BYTES)
        check_origin(url, whole);
}

static void check_message(const struct ccd_error *err)
{
    PROMISE(err->status == CCD_CONFIG && strncmp(err->message, "X_URL", 5) == 0);
}

/* The first line is the URL, the rest the path. */
int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len)
{
    struct base_url url = {0};
    struct ccd_error err = {0};
    if (len > ORIGIN_BYTES / 2)
        return 0;
    char *text = malloc(len + 1);
    PROMISE(text);
    memcpy(text, bytes, len);
    text[len] = '\0';
    char *path = text;
    const char *base = strsep(&path, "\n");
    if (base_url_init(&url, base, "X_URL", NULL, &err) == CCD_OK)
        check_paths(&url, path ? path : "");
    else
        check_message(&err);
    base_url_release(&url);
    free(text);
    return 0;
}
