#include <string.h>

#include "config/value.h"
#include "limited_allocator.h"
#include "test.h"

/* NULL when accepted, otherwise the reason. */
static const char *refusal(enum config_id id, struct str text)
{
    struct config_value value;
    const char *reason = NULL;
    enum ccd_status status = config_value_parse(&value, config_option(id), text, NULL, &reason);
    CHECK_INT(status == CCD_OK, reason == NULL);
    config_value_release(&value, NULL);
    return reason;
}

TEST(value_numbers_and_their_ends)
{
    CHECK_TEXT(NULL, refusal(CONFIG_S2_PORT, STR("1")));
    CHECK_TEXT(NULL, refusal(CONFIG_S2_PORT, STR("65535")));
    CHECK_TEXT("is out of range", refusal(CONFIG_S2_PORT, STR("0")));
    CHECK_TEXT("is out of range", refusal(CONFIG_S2_PORT, STR("65536")));
    CHECK_TEXT("is out of range", refusal(CONFIG_S2_PORT, STR("-1")));
    CHECK_TEXT("is not an integer", refusal(CONFIG_S2_PORT, STR("3306.0")));
    CHECK_TEXT("is not an integer", refusal(CONFIG_S2_PORT, STR("99999999999999999999")));
    CHECK_TEXT("is not an integer", refusal(CONFIG_S2_PORT, STR(" 1")));
    CHECK_TEXT(NULL, refusal(CONFIG_API_RATE_LIMIT_PER_SECOND, STR("10.0")));
    CHECK_TEXT("is not a number", refusal(CONFIG_API_RATE_LIMIT_PER_SECOND, STR("nan")));
    CHECK_TEXT("is not a number", refusal(CONFIG_API_RATE_LIMIT_PER_SECOND, STR("10,5")));
    CHECK_TEXT("is out of range", refusal(CONFIG_API_RATE_LIMIT_PER_SECOND, STR("-0.1")));
    CHECK_TEXT(NULL, refusal(CONFIG_API_RETRY_DELAY, STR("1.0")));
    CHECK_TEXT("is not a number", refusal(CONFIG_API_RETRY_DELAY, STR("1s")));
    CHECK_TEXT("is out of range", refusal(CONFIG_API_RETRY_DELAY, STR("60.001")));
}

TEST(value_words)
{
    CHECK_TEXT(NULL, refusal(CONFIG_REDIS_SSL, STR("Yes")));
    CHECK_TEXT("is neither true nor false", refusal(CONFIG_REDIS_SSL, STR("maybe")));
    CHECK_TEXT(NULL, refusal(CONFIG_CCDATA_NOW, STR("2024-02-29T12:00:00Z")));
    CHECK_TEXT("is not a time", refusal(CONFIG_CCDATA_NOW, STR("2023-02-29")));
    CHECK_TEXT("is not one of the choices", refusal(CONFIG_LOG_LEVEL, STR("LOUD")));
    CHECK_TEXT("is not one of the choices", refusal(CONFIG_LOG_LEVEL, STR("DEBUG|INFO")));
}

TEST(value_choice_takes_the_spelling_of_the_table)
{
    struct config_value value;
    const char *reason;
    CHECK_INT(CCD_OK, config_value_parse(&value, config_option(CONFIG_S2_SSL_MODE),
                                         STR("VERIFY_IDENTITY"), NULL, &reason));
    CHECK_TEXT("verify-identity", value.text);
    config_value_release(&value, NULL);
    CHECK_INT(CCD_OK, config_value_parse(&value, config_option(CONFIG_LOG_LEVEL), STR("debug"),
                                         NULL, &reason));
    CHECK_TEXT("DEBUG", value.text);
    config_value_release(&value, NULL);
}

TEST(value_secrets)
{
    static const char REASON[] = "holds white space or a control character";
    CHECK_TEXT(NULL, refusal(CONFIG_CCDATA_API_KEY, STR("abc123!\"#$%&'()*+,-./:;<=>?@[]^_`{|}~")));
    CHECK_TEXT(REASON, refusal(CONFIG_CCDATA_API_KEY, STR("a b")));
    CHECK_TEXT(REASON, refusal(CONFIG_CCDATA_API_KEY, STR("a\r\nX-Evil: 1")));
    CHECK_TEXT(REASON, refusal(CONFIG_CCDATA_API_KEY, STR("a\tb")));
    CHECK_TEXT(REASON, refusal(CONFIG_CCDATA_API_KEY, STR("abc\n")));
    CHECK_TEXT(REASON, refusal(CONFIG_CCDATA_API_KEY, STR("a\0b")));
    CHECK_TEXT(REASON, refusal(CONFIG_CCDATA_API_KEY, STR("a\x7F")));
    CHECK_TEXT("is not UTF-8", refusal(CONFIG_CCDATA_API_KEY, STR("a\xFF")));
    CHECK_TEXT("holds a control character", refusal(CONFIG_S2_HOST, STR("a\nb")));
    CHECK_TEXT("is not UTF-8", refusal(CONFIG_S2_HOST, STR("\xC3")));
}

TEST(value_hosts)
{
    static const char REASON[] =
        "is a URL; write the host alone, user and password have settings of their own";
    static const enum config_id HOSTS[] = {CONFIG_S2_HOST, CONFIG_REDIS_HOST, CONFIG_SMTP_HOST,
                                           CONFIG_PROMETHEUS_HOST};
    for (size_t i = 0; i < sizeof HOSTS / sizeof HOSTS[0]; i++) {
        CHECK_TEXT(REASON, refusal(HOSTS[i], STR("user:s3cret@h")));
        CHECK_TEXT(REASON, refusal(HOSTS[i], STR("mysql://h")));
        CHECK_TEXT(NULL, refusal(HOSTS[i], STR("a.example, 10.0.0.1 ,::1,[::2]")));
    }
}

TEST(value_passwords)
{
    static const enum config_id PASSWORDS[] = {CONFIG_CCDATA_DATABASE_PASSWORD, CONFIG_S2_PASSWORD,
                                               CONFIG_REDIS_PASSWORD, CONFIG_SMTP_PASSWORD};
    static const char REASON[] = "holds a control character";
    for (size_t i = 0; i < sizeof PASSWORDS / sizeof PASSWORDS[0]; i++) {
        enum config_id id = PASSWORDS[i];
        CHECK_TEXT(NULL, refusal(id, STR(" correct horse 'battery' \"staple\" # $ \\ % @ ")));
        CHECK_TEXT(NULL, refusal(id, STR("p\xC3\xA4ss \xF0\x9F\x94\x91\xC2\xA0")));
        CHECK_TEXT(NULL, refusal(id, STR(" ")));
        CHECK_TEXT(REASON, refusal(id, STR("a\tb")));
        CHECK_TEXT(REASON, refusal(id, STR("a\nb")));
        CHECK_TEXT(REASON, refusal(id, STR("a\0b")));
        CHECK_TEXT(REASON, refusal(id, STR("a\x7F")));
        CHECK_TEXT("is not UTF-8", refusal(id, STR("a\xFF")));
    }
}

TEST(value_urls)
{
    CHECK_TEXT(NULL, refusal(CONFIG_DATA_API_BASE_URL, STR("https://example.org")));
    CHECK_TEXT(NULL, refusal(CONFIG_DATA_API_BASE_URL, STR("HTTP://127.0.0.1:8080/x@y?z#f")));
    CHECK_TEXT("does not begin with https:// or http://",
               refusal(CONFIG_DATA_API_BASE_URL, STR("example.org")));
    CHECK_TEXT("does not begin with https:// or http://",
               refusal(CONFIG_DATA_API_BASE_URL, STR("file:///etc/passwd")));
    CHECK_TEXT("names no host", refusal(CONFIG_DATA_API_BASE_URL, STR("https://")));
    CHECK_TEXT("names no host", refusal(CONFIG_DATA_API_BASE_URL, STR("https:///path")));
    CHECK_TEXT("holds white space", refusal(CONFIG_DATA_API_BASE_URL, STR("https://a b")));
    CHECK_TEXT("holds a user name; credentials do not belong in this URL",
               refusal(CONFIG_DATA_API_BASE_URL, STR("https://user:pw@example.org")));
}

TEST(value_lists)
{
    struct config_value value;
    const char *reason;
    CHECK_INT(CCD_OK, config_value_parse(&value, config_option(CONFIG_FUTURES_EXCHANGES),
                                         STR(" binance,okex,, bybit  kraken ,"), NULL, &reason));
    if (CHECK_INT(4, value.item_count)) {
        CHECK_TEXT("binance", value.items[0].ptr);
        CHECK_STR("okex", value.items[1]);
        CHECK_STR("bybit", value.items[2]);
        CHECK_TEXT("kraken", value.items[3].ptr);
    }
    config_value_release(&value, NULL);
    CHECK_INT(CCD_OK, config_value_parse(&value, config_option(CONFIG_FUTURES_EXCHANGES),
                                         STR(" , "), NULL, &reason));
    CHECK_INT(0, value.item_count);
    config_value_release(&value, NULL);
    char many[2002];
    for (size_t i = 0; i < sizeof many; i += 2) {
        memcpy(many + i, "a,", 2);
    }
    CHECK_TEXT(NULL, refusal(CONFIG_FUTURES_EXCHANGES, (struct str){many, 2000}));
    CHECK_TEXT("has more than 1000 items",
               refusal(CONFIG_FUTURES_EXCHANGES, (struct str){many, 2002}));
}

TEST(value_database_urls_are_masked)
{
    static const struct {
        const char *url, *shown;
    } CASES[] = {
        {"sqlite:ccdata.db", "sqlite:ccdata.db"},
        {"sqlite:///var/lib/a@b.db", "sqlite:///var/lib/a@b.db"},
        {"null:", "null:"},
        {"mysql://user@host/db", "mysql://user@host/db"},
        {"mysql://user:@host/db", "mysql://user:@host/db"},
        {"mysql://user:pw@host:3306/db?ssl-mode=required",
         "mysql://user:***@host:3306/db?ssl-mode=required"},
        {"postgres://u:p/w@x@host/db", "postgres://u:***@host/db"},
        {"postgres://u:a:b@host/db", "postgres://u:***@host/db"},
        {"mysql://host:3306/db", "mysql://host:3306/db"},
        {"mysql:user:pw@host/db", "mysql:user:***@host/db"},
        {"mysql:user:a://pw@host/db", "mysql:user:***@host/db"},
        {"sqlite:a:b@c.db?x=y", "sqlite:a:b@c.db?x=y"},
        {"://", "://"},
        {"x", "x"},
    };
    for (size_t i = 0; i < sizeof CASES / sizeof CASES[0]; i++) {
        struct buf out;
        buf_init(&out, 1000, NULL);
        CHECK_INT(0, config_add_masked_url(&out, str_from(CASES[i].url)));
        CHECK_TEXT(CASES[i].shown, out.data);
        CHECK_INT(strcmp(CASES[i].url, CASES[i].shown) != 0,
                  config_url_has_password(str_from(CASES[i].url)));
        buf_release(&out);
    }
    CHECK(!config_url_has_password(STR("")));
}

TEST(value_unknown_parameters_of_database_urls_are_masked)
{
    static const struct {
        const char *url, *shown;
    } CASES[] = {
        {"postgresql://h/d?password=pw", "postgresql://h/d?password=***"},
        {"postgresql://h/d?pw", "postgresql://h/d?pw"},
        {"postgresql://u:p?w@h/d?sslpassword=a?b&SSL_MODE=required&x=&ssl-ca=/ca.pem&",
         "postgresql://u:***@h/d?sslpassword=***&SSL_MODE=required&x=&ssl-ca=/ca.pem"},
        {"mysql://h/d?", "mysql://h/d?"},
    };
    for (size_t i = 0; i < sizeof CASES / sizeof CASES[0]; i++) {
        struct buf out;
        buf_init(&out, 1000, NULL);
        CHECK_INT(0, config_add_masked_url(&out, str_from(CASES[i].url)));
        CHECK_TEXT(CASES[i].shown, out.data);
        buf_release(&out);
    }
}

TEST(value_no_memory)
{
    for (long fail_at = 0; fail_at < 3; fail_at++) {
        struct limited_allocator limited;
        struct config_value value;
        const char *reason;
        limited_allocator_init(&limited, fail_at, -1);
        CHECK_INT(CCD_NO_MEMORY, config_value_parse(&value, config_option(CONFIG_FUTURES_EXCHANGES),
                                                    STR("a b"), &limited.hook, &reason));
        config_value_release(&value, &limited.hook);
        CHECK_INT(0, limited.held);
    }
}
