/* Database URLs: what is taken apart, what is refused, and that no message gives a part away. */
#include "store/url.h"

#include <stdio.h>
#include <string.h>

#include "test.h"

static struct store_url url;

static bool parse_ok(const char *text)
{
    struct ccd_error err = {0};
    int status = store_url_parse(text, &url, &err);
    if (!CHECK_INT(CCD_OK, status))
        fprintf(stderr, "  %s: %s\n", text, err.message);
    return status == CCD_OK;
}

/* Refused with these words and without any of the parts that the tests call secret. */
static void check_refused(const char *text, const char *words)
{
    struct ccd_error err = {0};
    if (!CHECK_INT(CCD_USAGE, store_url_parse(text, &url, &err)) ||
        !CHECK(strstr(err.message, words) != NULL))
        fprintf(stderr, "  %s: %s\n", text, err.message);
    CHECK(!strstr(err.message, "s3cr") && !strstr(err.message, "hunter"));
    CHECK_TEXT("", url.password);
    CHECK(!url.has_password);
}

static void check_shown(const char *text, const char *expected)
{
    char shown[512];
    if (!parse_ok(text))
        return;
    store_url_show(&url, shown, sizeof(shown));
    CHECK_TEXT(expected, shown);
}

TEST(url_whole)
{
    if (!parse_ok("MySQL://us%65r:p%40ss%2Fw%C3%B6rd:x@Db.Example.com:3307/my%20db"
                  "?ssl-mode=verify_ca&ssl_ca=/etc/ssl/my%26ca.pem"))
        return;
    CHECK_TEXT("mysql", url.scheme);
    CHECK_TEXT("user", url.user);
    CHECK_TEXT("p@ss/w\xc3\xb6rd:x", url.password);
    CHECK(url.has_password);
    CHECK_INT(1, url.host_count);
    CHECK_TEXT("db.example.com", url.hosts[0].name);
    CHECK_INT(3307, url.hosts[0].port);
    CHECK_TEXT("my db", url.database);
    CHECK_INT(SSL_MODE_VERIFY_CA, url.ssl_mode);
    CHECK_TEXT("/etc/ssl/my&ca.pem", url.ssl_ca);
    CHECK_TEXT("", url.path);
    store_url_release(&url);
    static const struct store_url wiped;
    CHECK_INT(0, memcmp(&wiped, &url, sizeof(url)));
}

TEST(url_little)
{
    if (!parse_ok("postgres://h/d"))
        return;
    CHECK_TEXT("postgresql", url.scheme);
    CHECK_TEXT("", url.user);
    CHECK(!url.has_password);
    CHECK_TEXT("h", url.hosts[0].name);
    CHECK_INT(0, url.hosts[0].port);
    CHECK_TEXT("d", url.database);
    CHECK_TEXT("", url.ssl_ca);
}

TEST(url_schemes)
{
    static const struct {
        const char *text, *scheme;
    } cases[] = {
        {"singlestore://u@h/d", "singlestore"},
        {"SINGLESTORE://u@h/d", "singlestore"},
        {"mysql://u@h/d", "mysql"},
        {"mariadb://u@h/d", "mariadb"},
        {"postgresql://u@h/d", "postgresql"},
        {"Postgres://u@h/d", "postgresql"},
        {"sqlite:x", "sqlite"},
        {"SQLite:x", "sqlite"},
        {"null:", "null"},
        {"NULL:", "null"},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
        if (parse_ok(cases[i].text))
            CHECK_TEXT(cases[i].scheme, url.scheme);
}

TEST(url_unknown_schemes_name_the_nearest)
{
    check_refused("sqllite:x.db", "did you mean sqlite?");
    check_refused("sqlite3:x.db", "did you mean sqlite?");
    check_refused("mysq://h/hunter2", "did you mean mysql?");
    check_refused("postgre://u:s3cret@h", "did you mean postgres?");
    check_refused("nul:", "did you mean null?");
    check_refused("maria-db://h", "did you mean mariadb?");
    check_refused("single-store://h", "did you mean singlestore?");
    check_refused("memsql:s3cret@h/s3cret", "did you mean mysql?");
    static const char *const texts[] = {"",    "ccdata.db", "/abs/ccdata.db", ":x",
                                        "1:x", "a b:x",     "://x",           NULL};
    for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++)
        check_refused(texts[i], "sqlite:ccdata.db");
}

static void check_path(const char *text, const char *expected)
{
    if (!parse_ok(text))
        return;
    CHECK_TEXT(expected, url.path);
    CHECK_INT(0, url.host_count);
    CHECK_INT(SSL_MODE_PREFERRED, url.ssl_mode);
}

TEST(url_sqlite_paths)
{
    check_path("sqlite:ccdata.db", "./ccdata.db");
    check_path("sqlite:data/ccdata.db", "./data/ccdata.db");
    check_path("sqlite:../x.db", "./../x.db");
    check_path("sqlite:/abs/x.db", "/abs/x.db");
    check_path("sqlite:///abs/x.db", "/abs/x.db");
    check_path("sqlite::memory:", "./:memory:");
    check_path("sqlite:file:x.db?mode=memory", "./file:x.db?mode=memory");
    check_path("sqlite:a b%20ü.db", "./a b%20ü.db");
    check_path("sqlite:a@b#c.db", "./a@b#c.db");
    check_refused("sqlite:", "names no file");
    check_refused("sqlite:dir/", "names no file");
    check_refused("sqlite://host/x.db", "files of this host");
    check_refused("sqlite://", "files of this host");
    check_refused("sqlite:a\nb", "control character");
    check_refused("sqlite:a\x7f", "control character");
    check_refused("sqlite:a\xff.db", "not UTF-8");
    check_refused("null:x", "nothing can stand behind null:");
}

TEST(url_sqlite_path_lengths)
{
    char text[URL_PATH_MAX_BYTES + 16];
    memset(text, 'x', sizeof(text));
    memcpy(text, "sqlite:/", 8);
    text[7 + URL_PATH_MAX_BYTES - 1] = '\0';
    if (parse_ok(text))
        CHECK_INT(URL_PATH_MAX_BYTES - 1, strlen(url.path));
    text[7 + URL_PATH_MAX_BYTES - 1] = 'x';
    text[7 + URL_PATH_MAX_BYTES] = '\0';
    check_refused(text, "longer than 4095 bytes");
    text[7] = 'x'; /* relative: "./" is added */
    text[7 + URL_PATH_MAX_BYTES - 2] = '\0';
    check_refused(text, "longer than 4095 bytes");
    text[7 + URL_PATH_MAX_BYTES - 3] = '\0';
    parse_ok(text);
}

TEST(url_hosts)
{
    if (!parse_ok("mariadb://u@a,b:1,[::1],[2001:db8::2]:65535,10.0.0.1:3306,a_b.c-d.e./d"))
        return;
    static const struct {
        const char *name;
        int port;
    } expected[] = {{"a", 0},           {"b", 1},         {"::1", 0}, {"2001:db8::2", 65535},
                    {"10.0.0.1", 3306}, {"a_b.c-d.e.", 0}};
    CHECK_INT(6, url.host_count);
    for (size_t i = 0; i < url.host_count; i++) {
        CHECK_TEXT(expected[i].name, url.hosts[i].name);
        CHECK_INT(expected[i].port, url.hosts[i].port);
    }
    parse_ok("mysql://a,b,c,d,e,f,g,h/d");
    check_refused("mysql://a,b,c,d,e,f,g,h,i/d", "more than 8 hosts");
}

TEST(url_sockets)
{
    if (!parse_ok("mysql://u@%2Frun%2Fmysqld%2Fmysqld.sock/d"))
        return;
    CHECK_TEXT("/run/mysqld/mysqld.sock", url.hosts[0].name);
    CHECK(store_url_is_local(&url));
    if (parse_ok("postgresql://u@%2fvar%2frun%2Fpostgresql:5433/d")) {
        CHECK_TEXT("/var/run/postgresql", url.hosts[0].name);
        CHECK_INT(5433, url.hosts[0].port);
        CHECK_INT(SSL_MODE_PREFERRED, url.ssl_mode);
    }
    check_refused("mysql://u@%2Frun%00x/d", "control character");
    check_refused("mysql://u@run%2Fx/d", "neither a name nor an address");
}

TEST(url_hosts_that_are_none)
{
    static const char *const hosts[] = {
        "a..b",  ".a",        "-a",        "a-",         "a b",  "a%20b",        "h%C3%A4st",
        "127.1", "1.2.3.4.5", "256.1.1.1", "0x7f000001", "1",    "a.1",          "a*b",
        "%2e",   "@x",        "%40x",      "a;b",        "a\\b", "0x7f.0.0.0x1",
    };
    for (size_t i = 0; i < sizeof(hosts) / sizeof(hosts[0]); i++) {
        char text[64];
        struct ccd_error err = {0};
        str_print(text, sizeof(text), "mysql://u@%s/d", hosts[i]);
        if (!CHECK_INT(CCD_USAGE, store_url_parse(text, &url, &err)))
            fprintf(stderr, "  %s\n", text);
    }
    parse_ok("mysql://u@1a.2b3/d");
    parse_ok("mysql://u@mariadb-1/d");
    check_refused("mysql://u@/d", "names no host");
    check_refused("mysql:///d", "names no host");
    check_refused("mysql://u@a,/d", "names no host");
    check_refused("mysql://u@,a/d", "names no host");
    check_refused("mysql://u@:3306/d", "names no host");
}

TEST(url_host_lengths)
{
    char text[400];
    str_print(text, sizeof(text), "mysql://%063d.a/d", 0);
    text[8] = 'x';
    parse_ok(text);
    str_print(text, sizeof(text), "mysql://%064d.a/d", 0);
    text[8] = 'x';
    check_refused(text, "neither a name nor an address");
    str_print(text, sizeof(text), "mysql://%%2F%0254d/d", 0);
    parse_ok(text);
    str_print(text, sizeof(text), "mysql://%%2F%0255d/d", 0);
    check_refused(text, "a host in the database URL is longer than 255 bytes");
}

TEST(url_ipv6)
{
    static const char *const bad[] = {"[",         "[]",          "[::1",         "[::1]x",
                                      "[::1]3306", "[1]",         "[::1%25]",     "[::1%250/]",
                                      "[::g]",     "[localhost]", "[::1%25a%20b]"};
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        char text[64];
        str_print(text, sizeof(text), "mysql://%s/d", bad[i]);
        check_refused(text, "database URL");
    }
    check_refused("mysql://::1/d", "[::1]");
    check_refused("mysql://fe80::1/d", "[::1]");
    check_refused("mysql://a:1:2/d", "more than one colon");
    if (parse_ok("mysql://[FE80::1%25eth0]:1/d"))
        CHECK_TEXT("fe80::1%eth0", url.hosts[0].name);
}

TEST(url_ports)
{
    static const char *const bad[] = {"",       "0",  "00", "65536", "99999", "100000",
                                      "33066x", "-1", "+1", "1.0",   "0x1",   "%31"};
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        char text[64];
        str_print(text, sizeof(text), "mysql://h:%s/d", bad[i]);
        check_refused(text, "not 1 to 65535");
    }
    check_refused("mysql://[::1]:/d", "not 1 to 65535");
    if (parse_ok("mysql://h:00001/d"))
        CHECK_INT(1, url.hosts[0].port);
}

TEST(url_users)
{
    if (parse_ok("mysql://u:@h/d"))
        CHECK(!url.has_password);
    if (parse_ok("mysql://u:%3A%40:@h/d"))
        CHECK_TEXT(":@:", url.password);
    check_refused("mysql://@h/d", "no user before it");
    check_refused("mysql://:s3cret@h/d", "no user before it");
    check_refused("mysql://u:s3c%zz@h/d", "%25");
    check_refused("mysql://u:s3cret%@h/d", "%25");
    check_refused("mysql://u:s3cret%4@h/d", "%25");
    check_refused("mysql://u:s3cret%00@h/d", "control character");
    check_refused("mysql://u:s3cret%0a@h/d", "control character");
    check_refused("mysql://u:s3cret\x01@h/d", "control character");
    check_refused("mysql://u:s3cret @h/d", "%20");
    check_refused("mysql://u:s3cret%ff@h/d", "not UTF-8");
    check_refused("mysql://u:s3cret%ed%a0%80@h/d", "not UTF-8");
    check_refused("mysql://u:s3cret%e2%80%ae@h/d", "control character");
    check_refused("mysql://u%C2%85:s3cret@h/d", "control character");
}

TEST(url_delimiters_in_a_password)
{
    check_refused("mysql://u:s3cr@t@h/d", "%40");
    check_refused("mysql://u:s3cr/t@h/d", "%2F");
    check_refused("mysql://u:s3cr?t@h/d", "%3F");
    check_refused("mysql://u:s3cr?ssl-mode=hunter2@h/d", "%3F");
    check_refused("mysql://u:s3cr#t@h/d", "%23");
    check_refused("mysql://h/d#s3cret", "%23");
    check_refused("mysql:u:s3cret@h/d", "mysql://user@host/database");
    check_refused("mysql:/u:s3cret@h/d", "mysql://user@host/database");
    check_refused("mysql:", "mysql://user@host/database");
    check_refused("postgres://u:s3cret", "not 1 to 65535");
}

TEST(url_lengths)
{
    static const struct {
        const char *before, *behind;
        int max;
    } cases[] = {
        {"mysql://", "@h/d", URL_NAME_MAX_BYTES - 1},
        {"mysql://u:", "@h/d", URL_SECRET_MAX_BYTES - 1},
        {"mysql://h/", "", URL_NAME_MAX_BYTES - 1},
        {"mysql://h/d?ssl-mode=verify-ca&ssl-ca=", "", URL_PATH_MAX_BYTES - 1},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        char text[URL_PATH_MAX_BYTES + 64];
        str_print(text, sizeof(text), "%s%0*d%s", cases[i].before, cases[i].max, 0,
                  cases[i].behind);
        parse_ok(text);
        str_print(text, sizeof(text), "%s%0*d%s", cases[i].before, cases[i].max + 1, 0,
                  cases[i].behind);
        check_refused(text, "is longer than");
    }
}

TEST(url_databases)
{
    if (parse_ok("mysql://h/a%2Fb"))
        CHECK_TEXT("a/b", url.database);
    check_refused("mysql://h", "names no database");
    check_refused("mysql://h/", "names no database");
    check_refused("mysql://h/?ssl-mode=required", "names no database");
    check_refused("mysql://h/a/", "%2F");
    check_refused("mysql://h/a/b", "%2F");
    check_refused("mysql://h/%00", "control character");
}

TEST(url_parameters)
{
    check_refused("mysql://h/d?ssl-mod=required", "did you mean ssl-mode?");
    check_refused("mysql://h/d?sslmode=require", "did you mean ssl-mode?");
    check_refused("mysql://h/d?sslca=/x", "did you mean ssl-ca?");
    check_refused("mysql://h/d?ssl_cert=/x", "did you mean ssl-ca?");
    check_refused("mysql://h/d?password=s3cret", "did you mean");
    check_refused("mysql://h/d?s3cret", "did you mean");
    check_refused("mysql://h/d?&", "unknown parameter");
    check_refused("mysql://h/d?ssl-mode=required&ssl-mode=required", "ssl-mode twice");
    check_refused("mysql://h/d?SSL_MODE=required&ssl-mode=disabled", "ssl-mode twice");
    check_refused("mysql://h/d?ssl-mode=verify-ca&ssl-ca=/a&ssl-ca=/b", "ssl-ca twice");
    check_refused("mysql://h/d?ssl-mode", "ssl-mode in the database URL is empty");
    check_refused("mysql://h/d?ssl-mode=", "ssl-mode in the database URL is empty");
    check_refused("mysql://h/d?ssl-ca=", "ssl-ca in the database URL is empty");
    check_refused("mysql://h/d?ssl-mode=s3cret", "none of disabled");
    check_refused("mysql://h/d?ssl-mode=allow", "none of disabled");
    check_refused("mysql://h/d?ssl-mode=required%00", "none of disabled");
    parse_ok("mysql://h/d?");
}

TEST(url_ssl_mode_defaults)
{
    static const struct {
        const char *hosts;
        bool is_local;
    } cases[] = {
        {"localhost", true},
        {"LOCALHOST:1", true},
        {"127.0.0.1", true},
        {"127.255.0.3", true},
        {"[::1]", true},
        {"[0:0:0:0:0:0:0:1]", true},
        {"[::ffff:127.0.0.1]", true},
        {"%2Ftmp", true},
        {"localhost,[::1]", true},
        {"localhost,db", false},
        {"db", false},
        {"localhost.example.com", false},
        {"127.0.0.1.example.com", false},
        {"128.0.0.1", false},
        {"[::2]", false},
        {"[::ffff:10.0.0.1]", false},
        {"0.0.0.0", false},
        {"10.0.0.1", false},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        char text[128];
        str_print(text, sizeof(text), "postgresql://u@%s/d", cases[i].hosts);
        if (!parse_ok(text))
            continue;
        if (!CHECK_INT(cases[i].is_local, store_url_is_local(&url)))
            fprintf(stderr, "  %s\n", text);
        CHECK_INT(cases[i].is_local ? SSL_MODE_PREFERRED : SSL_MODE_VERIFY_IDENTITY, url.ssl_mode);
    }
    if (parse_ok("mysql://10.0.0.1/d?ssl-mode=disabled"))
        CHECK_INT(SSL_MODE_DISABLED, url.ssl_mode);
    if (parse_ok("mysql://localhost/d?ssl-ca=/a"))
        CHECK_INT(SSL_MODE_VERIFY_IDENTITY, url.ssl_mode);
    if (parse_ok("mysql://h/d?ssl-ca=/a&ssl-mode=required"))
        CHECK_INT(SSL_MODE_REQUIRED, url.ssl_mode);
    if (parse_ok("null:"))
        CHECK(store_url_is_local(&url));
}

TEST(url_ssl_mode_names)
{
    static const struct {
        const char *name;
        enum ssl_mode mode;
    } cases[] = {
        {"disabled", SSL_MODE_DISABLED},   {"preferred", SSL_MODE_PREFERRED},
        {"required", SSL_MODE_REQUIRED},   {"verify-ca", SSL_MODE_VERIFY_CA},
        {"VERIFY_CA", SSL_MODE_VERIFY_CA}, {"verify-identity", SSL_MODE_VERIFY_IDENTITY},
        {"disable", SSL_MODE_DISABLED},    {"prefer", SSL_MODE_PREFERRED},
        {"Require", SSL_MODE_REQUIRED},    {"verify_full", SSL_MODE_VERIFY_IDENTITY},
    };
    enum ssl_mode mode;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        CHECK(ssl_mode_parse(str_from(cases[i].name), &mode));
        CHECK_INT(cases[i].mode, mode);
    }
    CHECK(!ssl_mode_parse(STR(""), &mode));
    CHECK(!ssl_mode_parse(STR("verify"), &mode));
    CHECK_TEXT("unset", ssl_mode_name(SSL_MODE_UNSET));
    CHECK_TEXT("disabled", ssl_mode_name(SSL_MODE_DISABLED));
    CHECK_TEXT("verify-ca", ssl_mode_name(SSL_MODE_VERIFY_CA));
    CHECK_TEXT("verify-identity", ssl_mode_name(SSL_MODE_VERIFY_IDENTITY));
}

TEST(url_shown)
{
    check_shown("sqlite:ccdata.db", "ccdata.db");
    check_shown("sqlite:../ccdata.db", "../ccdata.db");
    check_shown("sqlite:///a/ccdata.db", "/a/ccdata.db");
    check_shown("null:", "null");
    check_shown("mysql://u:s3cret@h/d?ssl-mode=required", "u@h/d");
    check_shown("mysql://h:3306/d", "h:3306/d");
    check_shown("postgres://u@a:1,[::1],[::2]:2,%2Ftmp/d", "u@a:1,[::1],[::2]:2,/tmp/d");
    for (size_t capacity = 1; capacity < 30; capacity++) {
        char shown[30];
        if (!parse_ok("postgres://u:s3cret@a:1,[::2]:22/d\xc3\xb6"))
            return;
        store_url_show(&url, shown, capacity);
        CHECK(strlen(shown) < capacity);
        CHECK_INT(0, strncmp("u@a:1,[::2]:22/d\xc3\xb6", shown, strlen(shown)));
    }
}
