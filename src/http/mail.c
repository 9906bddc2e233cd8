#include "http/mail.h"

#include <arpa/inet.h>
#include <curl/curl.h>
#include <string.h>

#include "base/buf.h"
#include "base/hooks.h"
#include "base/time.h"

enum { URL_MAX_BYTES = 512, MAIL_MAX_BYTES = 64 << 10 };

struct upload {
    struct str rest;
};

static size_t give(char *out, size_t size, size_t count, void *user)
{
    struct upload *upload = user;
    size_t room = size * count;
    size_t len = upload->rest.len < room ? upload->rest.len : room;
    memcpy(out, upload->rest.ptr, len);
    upload->rest = (struct str){upload->rest.ptr + len, upload->rest.len - len};
    return len;
}

/* An address goes into a command of SMTP and into a header: nothing in it may end either. */
static bool is_address(struct str text)
{
    bool has_at = false;
    for (size_t i = 0; i < text.len; i++) {
        char c = text.ptr[i];
        if (c <= ' ' || c > '~' || strchr("<>,;:\"()[]\\", c))
            return false;
        has_at |= c == '@';
    }
    return has_at && text.len < 255;
}

static bool is_line(const char *text)
{
    for (; *text; text++)
        if (*text < ' ' || *text > '~')
            return false;
    return true;
}

static int check(const struct mail *mail, struct ccd_error *err)
{
    bool good = is_address(str_from(mail->from)) && mail->to_count > 0 &&
                mail->to_count <= MAIL_RECEIVERS_MAX;
    for (size_t i = 0; i < mail->to_count && good; i++)
        good = is_address(mail->to[i]);
    if (!good)
        return error_set(err, CCD_CONFIG,
                         "SMTP_FROM and SMTP_TO are to be addresses like name@example.com");
    if (!is_line(mail->subject) || !is_line(mail->host) || strpbrk(mail->host, "/@?# "))
        return error_set(err, CCD_CONFIG, "SMTP_HOST is to be the name of a server");
    return CCD_OK;
}

static void write_message(const struct mail *mail, struct buf *out)
{
    char date[32];
    buf_printf(out,
               "Date: %s\r\nFrom: ccdata <%s>\r\nTo: ", time_format_http(mail->sent_utc_s, date),
               mail->from);
    for (size_t i = 0; i < mail->to_count; i++)
        buf_printf(out, "%s<" STR_FMT ">", i ? ",\r\n " : "", STR_ARG(mail->to[i]));
    buf_printf(out,
               "\r\nSubject: %s\r\nMessage-ID: <%s@ccdata>\r\nAuto-Submitted: auto-generated\r\n"
               "MIME-Version: 1.0\r\nContent-Type: text/plain; charset=utf-8\r\n"
               "Content-Transfer-Encoding: 8bit\r\n\r\n",
               mail->subject, mail->id);
    for (size_t i = 0; i < mail->text.len; i++) {
        if (mail->text.ptr[i] == '\n')
            buf_add_char(out, '\r');
        buf_add_char(out, mail->text.ptr[i]);
    }
}

static bool is_this_host(const char *host)
{
    struct in_addr address; /* 127.example.com is another one */
    return strcmp(host, "localhost") == 0 || strcmp(host, "::1") == 0 ||
           (inet_pton(AF_INET, host, &address) == 1 && ntohl(address.s_addr) >> 24 == 127);
}

static struct curl_slist *add_receivers(const struct mail *mail)
{
    struct curl_slist *list = NULL;
    for (size_t i = 0; i < mail->to_count; i++) {
        char address[320];
        str_print(address, sizeof(address), "<" STR_FMT ">", STR_ARG(mail->to[i]));
        struct curl_slist *longer = curl_slist_append(list, address);
        if (!longer) {
            curl_slist_free_all(list);
            return NULL;
        }
        list = longer;
    }
    return list;
}

static CURLcode set_options(CURL *easy, const struct mail *mail, const char *url, const char *from,
                            struct curl_slist *receivers, struct upload *upload)
{
    CURLcode code = CURLE_OK;
#define SET(option, value) code = code ? code : curl_easy_setopt(easy, (option), (value))
    SET(CURLOPT_PROTOCOLS_STR, "smtp,smtps");
    SET(CURLOPT_URL, url);
    SET(CURLOPT_PROXY, "");
    SET(CURLOPT_NETRC, (long)CURL_NETRC_IGNORED);
    SET(CURLOPT_NOSIGNAL, 1L);
    SET(CURLOPT_SSLVERSION, (long)CURL_SSLVERSION_TLSv1_2);
    SET(CURLOPT_USE_SSL, (long)(is_this_host(mail->host) ? CURLUSESSL_TRY : CURLUSESSL_ALL));
    SET(CURLOPT_TIMEOUT_MS, (long)mail->deadline_ms);
#if LIBCURL_VERSION_NUM >= 0x075700
    SET(CURLOPT_QUICK_EXIT, 1L); /* a hung resolver must not hold the deadline up */
#endif
    if (is_this_host(mail->host) && !mail->ca_file) {
        SET(CURLOPT_SSL_VERIFYPEER, 0L);
        SET(CURLOPT_SSL_VERIFYHOST, 0L);
    }
    if (mail->ca_file)
        SET(CURLOPT_CAINFO, mail->ca_file);
    if (mail->user[0]) {
        SET(CURLOPT_USERNAME, mail->user);
        SET(CURLOPT_PASSWORD, mail->password);
    }
    SET(CURLOPT_MAIL_FROM, from);
    SET(CURLOPT_MAIL_RCPT, receivers);
    SET(CURLOPT_READFUNCTION, give);
    SET(CURLOPT_READDATA, upload);
    SET(CURLOPT_UPLOAD, 1L);
#undef SET
    return code;
}

static int failure(CURLcode code, long answer, struct ccd_error *err)
{
    static const struct {
        CURLcode code;
        enum ccd_status status;
        const char *next_step;
    } known[] = {
        {CURLE_PEER_FAILED_VERIFICATION, CCD_TLS,
         "the server's certificate is not trusted, or has another name than SMTP_HOST; "
         "ALERT_CA_FILE names its authority"},
        {CURLE_SSL_CACERT_BADFILE, CCD_TLS, "ALERT_CA_FILE cannot be read"},
        {CURLE_USE_SSL_FAILED, CCD_TLS,
         "the server offers no STARTTLS, and the way to it is not to be in the clear; "
         "SMTP_PORT=465 "
         "is TLS from the start"},
        {CURLE_LOGIN_DENIED, CCD_KEY_REJECTED,
         "the server refuses the login; check SMTP_USER and SMTP_PASSWORD"},
        {CURLE_OUT_OF_MEMORY, CCD_NO_MEMORY, "out of memory"},
    };
    if (code == CURLE_SEND_ERROR && answer >= 400)
        return error_set_native(err, CCD_BAD_REQUEST, (int)answer,
                                "a mail was not sent: the server refuses it with code %ld; check "
                                "SMTP_FROM and SMTP_TO",
                                answer);
    for (size_t i = 0; i < sizeof(known) / sizeof(*known); i++)
        if (known[i].code == code)
            return error_set_native(err, known[i].status, (int)code, "a mail was not sent: %s",
                                    known[i].next_step);
    return error_set_native(err, CCD_NETWORK, (int)code,
                            "a mail was not sent: %s; check SMTP_HOST and SMTP_PORT",
                            curl_easy_strerror(code));
}

static int perform(const struct mail *mail, struct str message, struct ccd_error *err)
{
    char url[URL_MAX_BYTES], from[320];
    struct upload upload = {message};
    long answer = 0;
    bool is_tls = mail->port == 465;
    bool is_ipv6 = strchr(mail->host, ':') != NULL;
    str_print(url, sizeof(url), "%s://%s%s%s:%d/ccdata", is_tls ? "smtps" : "smtp",
              is_ipv6 ? "[" : "", mail->host, is_ipv6 ? "]" : "", mail->port);
    str_print(from, sizeof(from), "<%s>", mail->from);
    struct curl_slist *receivers = add_receivers(mail);
    CURL *easy = curl_easy_init();
    CURLcode code = !receivers || !easy ? CURLE_OUT_OF_MEMORY : CURLE_OK;
    if (!code)
        code = set_options(easy, mail, url, from, receivers, &upload);
    if (!code)
        code = curl_easy_perform(easy);
    if (code && easy)
        curl_easy_getinfo(easy, CURLINFO_RESPONSE_CODE, &answer);
    curl_easy_cleanup(easy);
    curl_slist_free_all(receivers);
    return code ? failure(code, answer, err) : CCD_OK;
}

/* One that is refused must not keep it from the others, and the answer does not say which it is:
 * each is tried alone. */
static int perform_each(const struct mail *mail, struct str message, int64_t until_us,
                        struct ccd_error *err)
{
    size_t taken = 0;
    struct ccd_error last = *err;
    for (size_t i = 0; i < mail->to_count; i++) {
        struct mail one = *mail;
        struct ccd_error why = {0};
        one.to = &mail->to[i];
        one.to_count = 1;
        one.deadline_ms = (until_us - clock_mono_us(NULL)) / 1000;
        if (one.deadline_ms <= 0)
            return error_set(err, CCD_NETWORK, "a mail was not sent to all: no time is left");
        int status = perform(&one, message, &why);
        taken += status == CCD_OK;
        if (status != CCD_OK && status != CCD_BAD_REQUEST) {
            *err = why;
            return status;
        }
        if (status != CCD_OK)
            error_set_native(&last, CCD_BAD_REQUEST, why.native_code,
                             "a mail was not sent to " STR_FMT ": the server refuses it with code "
                             "%d; check SMTP_TO",
                             STR_ARG(mail->to[i]), why.native_code);
    }
    *err = last;
    return taken > 0 ? CCD_OK : (int)err->status;
}

int mail_send(const struct mail *mail, struct ccd_error *err)
{
    struct buf text;
    if (check(mail, err) != CCD_OK)
        return (int)err->status;
    buf_init(&text, MAIL_MAX_BYTES, NULL);
    write_message(mail, &text);
    int64_t until_us = clock_mono_us(NULL) + mail->deadline_ms * 1000;
    int status = text.failed ? error_set(err, CCD_NO_MEMORY, "no memory for a mail")
                             : perform(mail, buf_str(&text), err);
    if (status == CCD_BAD_REQUEST && mail->to_count > 1)
        status = perform_each(mail, buf_str(&text), until_us, err);
    buf_release(&text);
    return status;
}
