#include "api/redact.h"

#include <string.h>

enum {
    /* A shorter secret is no secret, and to mask it would tear every other text. */
    SECRET_MIN_BYTES = 8,
    FORM_FACTOR = 6, /* the longest form: every byte as \u00NN */
    FORM_COUNT = 7,
    BASE64_GROUP_BYTES = 3,
    FORM_MAX_BYTES = 512 << 10, /* a secret has 64 KiB at most */
    FORMS_MAX_BYTES = 32 << 20,
};

static const char mask[] = "***";

static void add_base64(struct buf *out, struct str s)
{
    static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    for (size_t i = 0; i + 2 < s.len; i += 3) { /* the rest depends on what follows */
        unsigned triple = (unsigned)(unsigned char)s.ptr[i] << 16 |
                          (unsigned)(unsigned char)s.ptr[i + 1] << 8 | (unsigned char)s.ptr[i + 2];
        for (int shift = 18; shift >= 0; shift -= 6)
            buf_add_char(out, digits[triple >> shift & 63]);
    }
}

static void add_hex(struct buf *out, struct str s)
{
    for (size_t i = 0; i < s.len; i++)
        buf_printf(out, "%02x", (unsigned)(unsigned char)s.ptr[i]);
}

static void add_form(struct redactor *r, struct str form)
{
    buf_add(&r->forms, form.ptr, form.len);
    buf_add_char(&r->forms, '\0');
    r->count++;
}

/* Take the form in `form` and wipe it. */
static void take_form(struct redactor *r, struct buf *form)
{
    struct str text = buf_str(form);
    if (text.len > 0)
        add_form(r, text);
    r->forms.failed |= form->failed;
    if (form->data)
        explicit_bzero(form->data, form->len);
    buf_clear(form);
}

static void add_secret(struct redactor *r, struct str secret)
{
    struct buf form;
    buf_init(&form, FORM_MAX_BYTES, NULL);
    /* At once: a growing buffer would leave copies behind. */
    buf_reserve(&form, FORM_FACTOR * secret.len + 3);
    add_form(r, secret);
    buf_add_url_text(&form, secret);
    take_form(r, &form);
    buf_add_json_text(&form, secret);
    if (form.len > 2) { /* without its quotes */
        form.len -= 2;
        memmove(form.data, form.data + 1, form.len);
        form.data[form.len] = '\0';
    }
    take_form(r, &form);
    /* Within "user:password", what stands in front takes the first bytes into its own group. */
    for (size_t skipped = 0; skipped < BASE64_GROUP_BYTES && skipped < secret.len; skipped++) {
        add_base64(&form, (struct str){secret.ptr + skipped, secret.len - skipped});
        take_form(r, &form);
    }
    add_hex(&form, secret);
    take_form(r, &form);
    buf_release(&form);
}

/* Empty for a setting that is none, or too short to be one. */
static struct str secret_of(const struct config *config, int id)
{
    struct str none = {"", 0};
    if (!(config_option((enum config_id)id)->flags & CONFIG_HIDDEN))
        return none;
    struct str secret = config_secret(config, (enum config_id)id);
    return secret.len >= SECRET_MIN_BYTES ? secret : none;
}

int redactor_init(struct redactor *r, const struct config *config, struct ccd_error *err)
{
    size_t room = 0;
    *r = (struct redactor){0};
    for (int i = 0; i < CONFIG_COUNT; i++)
        room += FORM_COUNT * (FORM_FACTOR * secret_of(config, i).len + 1);
    buf_init(&r->forms, FORMS_MAX_BYTES, NULL);
    buf_reserve(&r->forms, room);
    for (int i = 0; i < CONFIG_COUNT; i++)
        if (secret_of(config, i).len > 0)
            add_secret(r, secret_of(config, i));
    if (!r->forms.failed)
        return 0;
    redactor_release(r);
    return error_set(err, CCD_NO_MEMORY, "no memory to guard the secrets");
}

static bool knows(const struct redactor *r, struct str secret)
{
    const char *form = r->forms.data;
    for (size_t i = 0; i < r->count; i++, form += strlen(form) + 1)
        if (str_equal(str_from(form), secret))
            return true;
    return false;
}

int redactor_add(struct redactor *r, struct str secret, struct ccd_error *err)
{
    if (secret.len < SECRET_MIN_BYTES || knows(r, secret))
        return 0;
    /* Into a new buffer: one that grows would leave copies behind. */
    struct redactor bigger = {.count = r->count};
    buf_init(&bigger.forms, FORMS_MAX_BYTES, NULL);
    buf_reserve(&bigger.forms, r->forms.len + FORM_COUNT * (FORM_FACTOR * secret.len + 1));
    buf_add(&bigger.forms, buf_str(&r->forms).ptr, r->forms.len);
    add_secret(&bigger, secret);
    if (bigger.forms.failed) {
        redactor_release(&bigger);
        return error_set(err, CCD_NO_MEMORY, "no memory to guard the secrets");
    }
    redactor_release(r);
    *r = bigger;
    return 0;
}

void redactor_release(struct redactor *r)
{
    if (r->forms.data)
        explicit_bzero(r->forms.data, r->forms.capacity);
    buf_release(&r->forms);
    r->count = 0;
}

static char lower(char c)
{
    return c >= 'A' && c <= 'Z' ? (char)(c - 'A' + 'a') : c;
}

/* How much of the form stands at text; percent-encoding and hex know both cases. */
static size_t common_bytes(const char *text, const char *form)
{
    size_t len = 0;
    while (form[len] && lower(text[len]) == lower(form[len]))
        len++;
    return len;
}

/* Bytes at text that give a secret away. */
static size_t find_secret(const struct redactor *r, const char *text)
{
    size_t longest = 0;
    const char *form = r->forms.data;
    for (size_t i = 0; i < r->count; i++, form += strlen(form) + 1) {
        size_t len = common_bytes(text, form);
        if (len >= SECRET_MIN_BYTES && len > longest)
            longest = len;
    }
    return longest;
}

void redact(const struct redactor *r, char *text)
{
    char *out = text;
    if (!r || r->count == 0)
        return;
    while (*text) {
        size_t secret = find_secret(r, text);
        if (secret == 0) {
            *out++ = *text++;
            continue;
        }
        memcpy(out, mask, strlen(mask));
        out += strlen(mask);
        text += secret;
    }
    *out = '\0';
}
