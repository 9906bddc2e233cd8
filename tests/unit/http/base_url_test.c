#include <string.h>

#include "http/base_url.h"
#include "limited_allocator.h"
#include "test.h"

struct good_url {
    const char *text;
    const char *kept;
    const char *origin;
};

TEST(base_url_kept)
{
    static const struct good_url cases[] = {
        {"https://data-api.coindesk.com", "https://data-api.coindesk.com",
         "https://data-api.coindesk.com:443"},
        {"https://data-api.coindesk.com/", "https://data-api.coindesk.com",
         "https://data-api.coindesk.com:443"},
        {"https://min-api.cryptocompare.com/data", "https://min-api.cryptocompare.com/data",
         "https://min-api.cryptocompare.com:443"},
        {"https://min-api.cryptocompare.com/data//", "https://min-api.cryptocompare.com/data",
         "https://min-api.cryptocompare.com:443"},
        {"HTTPS://Data-API.CoinDesk.com:443", "https://data-api.coindesk.com",
         "https://data-api.coindesk.com:443"},
        {"https://example.org:8443/a/b", "https://example.org:8443/a/b",
         "https://example.org:8443"},
        {"https://192.0.2.7:8443", "https://192.0.2.7:8443", "https://192.0.2.7:8443"},
        {"https://[2001:db8::7]", "https://[2001:db8::7]", "https://[2001:db8::7]:443"},
        {"http://127.0.0.1:8080", "http://127.0.0.1:8080", "http://127.0.0.1:8080"},
        {"http://127.3.2.1", "http://127.3.2.1", "http://127.3.2.1:80"},
        {"http://localhost:80", "http://localhost", "http://localhost:80"},
        {"http://LOCALHOST:8080/x", "http://localhost:8080/x", "http://localhost:8080"},
        {"http://[::1]:8080", "http://[::1]:8080", "http://[::1]:8080"},
        {"https://host:65535", "https://host:65535", "https://host:65535"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct base_url url;
        struct ccd_error err;
        if (CHECK_INT(CCD_OK, base_url_init(&url, cases[i].text, "X_URL", NULL, &err))) {
            CHECK_TEXT(cases[i].kept, url.text);
            CHECK_TEXT(cases[i].origin, url.origin);
            CHECK_INT(strncmp(url.text, "https", 5) == 0, url.https);
        } else {
            CHECK_TEXT("", err.message);
        }
        base_url_release(&url);
    }
}

TEST(base_url_refused)
{
    static const char *const cases[] = {
        NULL,
        "",
        " ",
        "data-api.coindesk.com",
        "//data-api.coindesk.com",
        "https:data-api.coindesk.com",
        "https:/data-api.coindesk.com",
        "https:///data-api.coindesk.com",
        "https://",
        "https:///",
        "https://:443",
        "https://user@host",
        "https://user:s3cret@host",
        "https://@host",
        "https://host/@x",
        "https://host?",
        "https://host?api_key=s3cret",
        "https://host/data?x=1",
        "https://host#",
        "https://host/#s3cret",
        "https://host:0",
        "https://host:00",
        "https://host:65536",
        "https://host:-1",
        "https://host:+443",
        "https://host:443x",
        "https://host:443:443",
        "https://ho st",
        " https://host",
        "https://host ",
        "https://host\r\nX: y",
        "https://host\t",
        "https://h\xC3\xB6st",
        "https://ho%2fst",
        "https://ho\\st",
        "https://host\\@x",
        "https://ho\"st",
        "https://host/a|b",
        "https://host/<x>",
        "https://[::1",
        "https://[fe80::1%25eth0]",
        "https://[::g]",
        "ftp://host",
        "file:///etc/passwd",
        "gopher://127.0.0.1",
        "javascript://host",
        "http://data-api.coindesk.com",
        "http://128.0.0.1",
        "http://10.0.0.1",
        "http://0.0.0.0",
        "http://169.254.169.254",
        "http://localhost.evil.example",
        "http://127.0.0.1.evil.example",
        "http://127.evil.example",
        "http://[::2]",
        "http://[::]",
        "http://[::ffff:127.0.0.1]",
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct base_url url;
        struct ccd_error err = {0};
        if (!CHECK_INT(CCD_CONFIG, base_url_init(&url, cases[i], "X_URL", NULL, &err))) {
            CHECK_TEXT("refused", cases[i]);
        }
        CHECK(strstr(err.message, "X_URL: ") == err.message);
        CHECK(strstr(err.message, "write https://"));
        CHECK(!strstr(err.message, "s3cret"));
        CHECK(!url.text && !url.origin);
        base_url_release(&url);
    }
}

TEST(base_url_too_long)
{
    char text[1026] = "https://host/";
    struct base_url url;
    struct ccd_error err;
    memset(text + strlen(text), 'a', sizeof text - 1 - strlen(text));
    CHECK_INT(CCD_CONFIG, base_url_init(&url, text, "X_URL", NULL, &err));
    text[1024] = '\0';
    CHECK_INT(CCD_OK, base_url_init(&url, text, "X_URL", NULL, &err));
    CHECK_TEXT(text, url.text);
    base_url_release(&url);
}

TEST(base_url_without_memory)
{
    for (long fail_at = 0; fail_at < 8; fail_at++) {
        struct limited_allocator limited;
        struct base_url url;
        struct ccd_error err;
        limited_allocator_init(&limited, fail_at, -1);
        int result = base_url_init(&url, "https://host", "X_URL", &limited.hook, &err);
        CHECK_INT(fail_at < limited.requests ? CCD_NO_MEMORY : CCD_OK, result);
        base_url_release(&url);
        CHECK_INT(0, limited.held);
    }
}

TEST(path_is_clean)
{
    static const char *const clean[] = {
        "/", "//x", "/a/b?c=d&e=%2F,1:@!$'()*+;~", "/../a/./b", "/%0d%0a",
    };
    static const char *const unclean[] = {
        "",      "a",       "@evil/", "?a",   ".evil.example/", ":80/",      "/a b",
        "/a#b",  "/a\r\nX", "/a\n",   "/a\t", "/a\x7f",         "/\xC3\xA9", "/a\"b",
        "/a<b>", "/a\\b",   "/a^b",   "/a`b", "/{a}",           "/a|b",      "/[a]",
    };
    for (size_t i = 0; i < sizeof clean / sizeof clean[0]; i++) {
        CHECK(path_is_clean(str_from(clean[i])));
    }
    for (size_t i = 0; i < sizeof unclean / sizeof unclean[0]; i++) {
        if (!CHECK(!path_is_clean(str_from(unclean[i])))) {
            CHECK_TEXT("refused", unclean[i]);
        }
    }
    CHECK(!path_is_clean((struct str){"/a\0b", 4}));
}
