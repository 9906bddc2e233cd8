#include "api/redact.h"

#include "test.h"

#define SECRET "canary+/=&%41\"\\\\<p\xC3\xA4ss>0123456789"

static void check_masked(const struct redactor *r, const char *expected, const char *text)
{
    char shown[1024];
    CHECK(str_copy(shown, sizeof shown, str_from(text)));
    redact(r, shown);
    CHECK_TEXT(expected, shown);
}

/* What an error page makes of our header: nothing of the secret stays, whatever was escaped. */
TEST(redact_masks_to_the_end_of_the_secret)
{
    static const char *const spellings[] = {
        SECRET,
        "canary%2B%2F%3D%26%2541%22%5C%5C%3Cp%C3%A4ss%3E0123456789",
        "canary%2b/%3d&%2541%22%5c%5c<p%c3%a4ss>0123456789",
        "%63%61%6E%61%72%79%2B%2F%3D%26%25%34%31%22%5C%5C%3C%70%C3%A4%73%73%3E%30%31%32%33%34%35"
        "%36%37%38%39",
        "canary+/=&%41\\\"\\\\\\\\<p\\u00e4ss>0123456789",
        "canary+\\/=&%41\\\"\\\\\\\\\\u003cp\xC3\xA4ss\\u003E0123456789",
        "\\x63anary+/=&%41\\x22\\\\\\\\<p\xC3\xA4ss>0123456789",
        "canary+/=&amp;%41&quot;\\\\&lt;p\xC3\xA4ss&gt;0123456789",
        "canary&#43;&#x2f;=&#38;%41&#34;\\\\&lt;p&#xe4;ss&gt;0123456789",
    };
    struct redactor r = {0};
    struct ccd_error err = {0};
    CHECK_INT(0, redactor_add(&r, STR(SECRET), &err));
    for (size_t i = 0; i < sizeof spellings / sizeof spellings[0]; i++) {
        char text[512];
        CHECK(str_print(text, sizeof text, "Apikey %s, %s", spellings[i], spellings[i]));
        check_masked(&r, "Apikey ***, ***", text);
    }
    redactor_release(&r);
}

/* What does not fill a group depends on what follows: two bytes at most. */
TEST(redact_masks_base64_of_both_alphabets)
{
    struct redactor r = {0};
    struct ccd_error err = {0};
    CHECK_INT(0, redactor_add(&r, STR("k\xFB\xFF\xBE\xFB\xFF\xBEy>>>\?\?\?0123456789ab"), &err));
    check_masked(&r, "Basic ***YWI=", "Basic a/v/vvv/vnk+Pj4/Pz8wMTIzNDU2Nzg5YWI=");
    check_masked(&r, "Basic ***YWI=", "Basic a_v_vvv_vnk-Pj4_Pz8wMTIzNDU2Nzg5YWI=");
    check_masked(&r, "Basic dTpr***Yg==", "Basic dTpr-_---_--eT4-Pj8_PzAxMjM0NTY3ODlhYg==");
    check_masked(&r, "?b=dTpr***Yg%3D%3D",
                 "?b=dTpr%2B/%2B%2B%2B/%2B%2BeT4%2BPj8/PzAxMjM0NTY3ODlhYg%3D%3D");
    redactor_release(&r);
}

/* Others have the same host and the same words in their addresses, and read about them. */
TEST(redact_masks_the_token_of_a_webhook_and_tears_nothing_else)
{
    char *const settings[] = {
        "SLACK_WEBHOOK_URL=https://hooks.slack.com/services/T0123ABCD/B0456EFGH/s3cr%2Fet-t0ken",
        "DISCORD_WEBHOOK_URL=https://discord.com/api/webhooks/112233445566778899/aBcDeFgHiJkL",
        "ALERT_WEBHOOK_URL=https://alerts.example?token=QqWwEeRrTt&x=1", NULL};
    const struct config_request request = {.environment = settings,
                                           .directory = "/nonexistent/directory"};
    struct config *config = NULL;
    struct redactor r = {0};
    struct ccd_error err = {0};
    if (!CHECK_INT(0, config_load(&request, &config, &err)))
        return;
    CHECK_INT(0, redactor_init(&r, config, &err));
    check_masked(&r, "GET https://hooks.slack.com/api/ and https://data-api.coindesk.com:443/",
                 "GET https://hooks.slack.com/api/ and https://data-api.coindesk.com:443/");
    check_masked(&r, "services, webhooks of alerts.example",
                 "services, webhooks of alerts.example");
    check_masked(&r, "POST ***", "POST https://hooks.slack.com/services/T0123ABCD/B04");
    check_masked(&r, "/services/***/***/***", "/services/T0123ABCD/B0456EFGH/s3cr/et-t0ken");
    check_masked(&r, "/api/webhooks/***/***", "/api/webhooks/112233445566778899/aBcDeFgHiJkL");
    check_masked(&r, "/?token=***&x=1", "/?token=QqWwEeRrTt&x=1");
    redactor_release(&r);
    config_free(config);
}

TEST(redact_leaves_what_is_too_short)
{
    struct redactor r = {0};
    struct ccd_error err = {0};
    CHECK_INT(0, redactor_add(&r, STR("sevenby"), &err));
    CHECK_INT(0, redactor_add(&r, STR("0123456789"), &err));
    check_masked(&r, "sevenby 0123456 *** 9%30%3", "sevenby 0123456 01234567 9%30%3");
    check_masked(&r, "*** and ***%", "0123456789 and %30%31%32%33%34%35%36%37%");
    check_masked(&r, "\\u %2 &#x &#; \\", "\\u %2 &#x &#; \\");
    redactor_release(&r);
}
