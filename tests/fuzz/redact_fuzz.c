/* The last guard of secrets. The first line is the secret, the rest a text that quotes it in each
 * form; afterwards no form of it stands there. */
#include <string.h>

#include "api/redact.h"
#include "fuzz.h"

enum { TEXT_MAX_BYTES = 1 << 20, SECRET_MIN_BYTES = 8, SECRET_MAX_BYTES = 512 };

static void add_base64(struct buf *out, struct str s)
{
    static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    for (size_t i = 0; i < s.len; i += 3) {
        unsigned triple = 0;
        for (size_t k = 0; k < 3; k++)
            triple = triple << 8 | (i + k < s.len ? (unsigned char)s.ptr[i + k] : 0u);
        for (size_t k = 0; k < 4; k++)
            buf_add_char(out, i + k > s.len ? '=' : digits[triple >> (18 - 6 * k) & 63]);
    }
}

static void add_user_and(struct buf *out, struct str secret, const char *user)
{
    struct buf both;
    buf_init(&both, TEXT_MAX_BYTES, NULL);
    buf_add_text(&both, user);
    buf_add(&both, secret.ptr, secret.len);
    add_base64(out, buf_str(&both));
    buf_release(&both);
}

/* form 0 … 6 */
static void add_form(struct buf *out, struct str secret, unsigned form)
{
    switch (form) {
    case 0:
        buf_add(out, secret.ptr, secret.len);
        break;
    case 1:
        buf_add_url_text(out, secret);
        break;
    case 2:
        buf_add_json_text(out, secret);
        break;
    case 3:
        for (size_t i = 0; i < secret.len; i++)
            buf_printf(out, "%02X", (unsigned)(unsigned char)secret.ptr[i]);
        break;
    default:
        add_user_and(out, secret, form == 4 ? "" : form == 5 ? "user:" : "me:");
        break;
    }
}

static void check(const struct redactor *redactor, struct str secret, struct str text,
                  unsigned form)
{
    struct buf line, shown;
    buf_init(&line, TEXT_MAX_BYTES, NULL);
    buf_init(&shown, TEXT_MAX_BYTES, NULL);
    add_form(&shown, secret, form);
    size_t half = text.len / 2;
    buf_add(&line, text.ptr, half);
    buf_add_char(&line, ' ');
    buf_add(&line, shown.data, shown.len);
    buf_add_char(&line, ' ');
    buf_add(&line, text.ptr + half, text.len - half);
    size_t len_before = strlen(line.data);
    redact(redactor, line.data);
    PROMISE(strlen(line.data) <= len_before);
    PROMISE(!strstr(line.data, secret.ptr));
    PROMISE(!strstr(line.data, shown.data));
    buf_release(&line);
    buf_release(&shown);
}

/* Text that masking itself could bring together is no secret that a vendor hands out. */
static bool is_secret(struct str s)
{
    if (s.len < SECRET_MIN_BYTES || s.len > SECRET_MAX_BYTES || memchr(s.ptr, '*', s.len))
        return false;
    for (size_t i = 0; i < s.len; i++)
        if ((unsigned char)s.ptr[i] < 0x20)
            return false;
    return str_is_utf8(s);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len)
{
    struct redactor redactor = {0};
    struct ccd_error err = {0};
    char *copy = malloc(len + 1);
    PROMISE(copy);
    memcpy(copy, bytes, len);
    copy[len] = '\0';
    struct str text = {copy, strlen(copy)};
    struct str secret = str_split(&text, '\n');
    copy[secret.len] = '\0';
    if (is_secret(secret)) {
        PROMISE(redactor_add(&redactor, secret, &err) == 0);
        for (unsigned form = 0; form < 7; form++)
            check(&redactor, secret, text, form);
    }
    redactor_release(&redactor);
    free(copy);
    return 0;
}
