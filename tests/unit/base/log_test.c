#include <string.h>

#include "base/log.h"
#include "test.h"

struct sink {
    int lines;
    enum log_level level;
    const struct log_subject *subject;
    char text[4096];
    size_t len;
};

static void sink_write(void *user, enum log_level level, const struct log_subject *subject,
                       struct str text)
{
    struct sink *sink = user;
    sink->lines++;
    sink->level = level;
    sink->subject = subject;
    sink->len = text.len;
    (void)str_copy(sink->text, sizeof sink->text, text);
}

TEST(log_threshold)
{
    struct sink sink = {0};
    struct log log = {.threshold = LOG_WARNING, .write = sink_write, .user = &sink};
    log_debug(&log, NULL, "no");
    log_info(&log, NULL, "no");
    CHECK_INT(0, sink.lines);
    log_warning(&log, NULL, "one %d", 1);
    CHECK_INT(LOG_WARNING, sink.level);
    struct log_subject subject = {.market = "kraken"};
    log_error(&log, &subject, "two %s", "x");
    CHECK_INT(2, sink.lines);
    CHECK_INT(LOG_ERROR, sink.level);
    CHECK(sink.subject == &subject);
    CHECK_TEXT("two x", sink.text);
}

TEST(log_null_drops)
{
    struct log empty = {.threshold = LOG_DEBUG};
    log_error(NULL, NULL, "nobody reads %d", 1);
    log_error(&empty, NULL, "nobody reads %d", 2);
}

TEST(log_line_is_one_clean_line)
{
    struct sink sink = {0};
    struct log log = {.threshold = LOG_DEBUG, .write = sink_write, .user = &sink};
    log_info(&log, NULL,
             "a\nb\r\x1B]0;x\a\xC2\x9B"
             "c\xFF\n\r\n");
    CHECK_TEXT("a?b??]0;x??c?", sink.text);
    log_info(&log, NULL, "%s", "");
    CHECK_TEXT("", sink.text);
}

TEST(log_line_is_bounded)
{
    struct sink sink = {0};
    struct log log = {.threshold = LOG_DEBUG, .write = sink_write, .user = &sink};
    char text[3000];
    memset(text, 'x', sizeof text);
    text[2047] = '\0';
    log_info(&log, NULL, "%s", text);
    CHECK_TEXT(text, sink.text);
    text[2047] = 'x';
    text[2999] = '\0';
    log_info(&log, NULL, "%s", text);
    CHECK_INT(2047, sink.len);
    CHECK_TEXT("xxx...", sink.text + sink.len - 6);
    for (size_t i = 0; i + 4 < sizeof text; i += 4) {
        memcpy(text + i, "\xF0\x9F\x98\x80", 4);
    }
    for (size_t shift = 0; shift < 4; shift++) {
        log_info(&log, NULL, "%.*s%s", (int)shift, "abc", text);
        CHECK(str_is_utf8((struct str){sink.text, sink.len}));
        CHECK(sink.len > 2040);
        CHECK(memchr(sink.text, '?', sink.len) == NULL);
    }
}

TEST(log_level_names)
{
    enum log_level level = LOG_DEBUG;
    CHECK_TEXT("DEBUG", log_level_name(LOG_DEBUG));
    CHECK_TEXT("INFO", log_level_name(LOG_INFO));
    CHECK_TEXT("WARNING", log_level_name(LOG_WARNING));
    CHECK_TEXT("ERROR", log_level_name(LOG_ERROR));
    CHECK_TEXT("ERROR", log_level_name(LOG_LEVEL_COUNT));
    CHECK(log_level_parse(STR("critical"), &level) && level == LOG_ERROR);
    CHECK(log_level_parse(STR("Warn"), &level) && level == LOG_WARNING);
    CHECK(log_level_parse(STR("debug"), &level) && level == LOG_DEBUG);
    CHECK(log_level_parse(STR("INFO"), &level) && level == LOG_INFO);
    CHECK(!log_level_parse(STR(""), &level));
    CHECK(!log_level_parse(STR("verbose"), &level));
    CHECK_INT(LOG_INFO, level);
}
