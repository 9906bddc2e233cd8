#include "monitor/alert_body.h"

#include <string.h>

#include "test.h"

static void make(struct buf *body, enum alert_format format, struct str subject, struct str detail)
{
    struct alert_message message = {.id = "1-2",
                                    .rule = ALERT_RUN_FAILED,
                                    .subject = subject,
                                    .detail = detail,
                                    .opened_utc_s = 5,
                                    .sent_utc_s = 6};
    buf_init(body, ALERT_BODY_MAX_BYTES, NULL);
    alert_body_add(body, format, &message);
    CHECK(!body->failed);
}

TEST(alert_body_json_names_everything)
{
    struct buf body;
    make(&body, ALERT_FORMAT_JSON, STR("spot_ohlcv 1d"), STR("say \"no\"\r\n"));
    CHECK_STR(
        "{\"id\":\"1-2\",\"rule\":\"run_failed\",\"state\":\"firing\",\"severity\":\"error\","
        "\"subject\":\"spot_ohlcv 1d\",\"meaning\":\"A run failed.\",\"next_step\":\"Read the "
        "error that the run's report names; ccdata status lists the last runs.\",\"detail\":"
        "\"say \\\"no\\\"\\r\\n\",\"opened_utc_s\":5,\"sent_utc_s\":6}",
        buf_str(&body));
    buf_release(&body);
}

TEST(alert_body_slack_has_no_mention_and_no_line_from_outside)
{
    struct buf body;
    make(&body, ALERT_FORMAT_SLACK, STR("<!channel>"), STR("a\nb&<https://x|y>"));
    CHECK(strstr(body.data, "\"parse\":\"none\"") != NULL); /* a bare URL is no link either */
    CHECK(strstr(body.data, "<") == NULL);
    CHECK(strstr(body.data, "ccdata error: &lt;!channel&gt;\\n") != NULL);
    CHECK(strstr(body.data, "\\na?b&amp;&lt;https://x|y&gt;\"}") != NULL);
    buf_release(&body);
}

TEST(alert_body_discord_has_no_mention_no_link_and_no_mark_up)
{
    struct buf body;
    make(&body, ALERT_FORMAT_DISCORD, STR("@everyone"), STR("**[a](https://x)**\r# b"));
    CHECK(strstr(body.data, "{\"allowed_mentions\":{\"parse\":[]}") != NULL);
    CHECK(strstr(body.data, "\\\\@everyone") != NULL);
    CHECK(strstr(body.data, "\\\\*\\\\*\\\\[a\\\\]\\\\(https\\\\://x\\\\)\\\\*\\\\*?\\\\# b") !=
          NULL);
    buf_release(&body);
}

/* Discord takes 2,000 characters at most. */
TEST(alert_body_is_bounded_whatever_comes)
{
    static char text[4000];
    memset(text, '*', sizeof text);
    for (int format = ALERT_FORMAT_JSON; format <= ALERT_FORMAT_DISCORD; format++) {
        struct buf body;
        make(&body, (enum alert_format)format, (struct str){text, sizeof text},
             (struct str){text, sizeof text});
        CHECK(body.len < 4000);
        size_t stars = 0;
        for (size_t i = 0; i < body.len; i++) {
            stars += body.data[i] == '*';
        }
        CHECK_INT(ALERT_SUBJECT_SHOWN_BYTES + ALERT_DETAIL_SHOWN_BYTES, stars);
        buf_release(&body);
    }
}
