#include "http/mail.h"

#include <curl/curl.h>
#include <string.h>

#include "base/buf.h"
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
    return strcmp(host, "localhost") == 0 || strcmp(host, "::1") == 0 ||
           strncmp(host, "127.", 4) == 0;
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

static int failure(CURLcode code, struct ccd_error *err)
{
    enum ccd_status status = code == CURLE_PEER_FAILED_VERIFICATION || code == CURLE_USE_SSL_FAILED
                                 ? CCD_TLS
                             : code == CURLE_LOGIN_DENIED  ? CCD_KEY_REJECTED
                             : code == CURLE_SEND_ERROR    ? CCD_BAD_REQUEST
                             : code == CURLE_OUT_OF_MEMORY ? CCD_NO_MEMORY
                                                           : CCD_NETWORK;
    return error_set_native(err, status, (int)code, "a mail was not sent: %s",
                            curl_easy_strerror(code));
}

static int perform(const struct mail *mail, struct upload *upload, struct ccd_error *err)
{
    char url[URL_MAX_BYTES], from[320];
    bool is_tls = mail->port == 465;
    bool is_ipv6 = strchr(mail->host, ':') != NULL;
    str_print(url, sizeof(url), "%s://%s%s%s:%d/ccdata", is_tls ? "smtps" : "smtp",
              is_ipv6 ? "[" : "", mail->host, is_ipv6 ? "]" : "", mail->port);
    str_print(from, sizeof(from), "<%s>", mail->from);
    struct curl_slist *receivers = add_receivers(mail);
    CURL *easy = curl_easy_init();
    CURLcode code = !receivers || !easy ? CURLE_OUT_OF_MEMORY : CURLE_OK;
    if (!code)
        code = set_options(easy, mail, url, from, receivers, upload);
    if (!code)
        code = curl_easy_perform(easy);
    curl_easy_cleanup(easy);
    curl_slist_free_all(receivers);
    return code ? failure(code, err) : CCD_OK;
}

int mail_send(const struct mail *mail, struct ccd_error *err)
{
    struct buf text;
    if (check(mail, err) != CCD_OK)
        return (int)err->status;
    buf_init(&text, MAIL_MAX_BYTES, NULL);
    write_message(mail, &text);
    struct upload upload = {buf_str(&text)};
    int status = text.failed ? error_set(err, CCD_NO_MEMORY, "no memory for a mail")
                             : perform(mail, &upload, err);
    buf_release(&text);
    return status;
}
