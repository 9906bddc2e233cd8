#include "api/redact.h"

#include <string.h>

enum {
    /* A shorter secret is no secret, and to mask it would tear every other text. */
    SECRET_MIN_BYTES = 8,
    FORM_COUNT = 5,
    FORM_LEAST_MAX = 255, /* kept in a byte */
    BASE64_GROUP_BYTES = 3,
    SECRET_FACTOR = 20,         /* its forms, and once more for the parts of a URL */
    FORM_MAX_BYTES = 512 << 10, /* a secret has 64 KiB at most */
    FORMS_MAX_BYTES = 32 << 20,
    WORD_MAX_BYTES = 20, /* a longer part of a URL is no word, whatever its letters */
};

static const char mask[] = "***";

/* ---- what is learned ---- */

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

/* A form of fewer bytes than give it away says nothing. */
static void add_form(struct redactor *r, struct str form, size_t least)
{
    if (form.len < least)
        return;
    buf_add_char(&r->forms, (char)(least < FORM_LEAST_MAX ? least : FORM_LEAST_MAX));
    buf_add(&r->forms, form.ptr, form.len);
    buf_add_char(&r->forms, '\0');
    r->count++;
}

/* Take the form in `form` and wipe it. */
static void take_form(struct redactor *r, struct buf *form)
{
    add_form(r, buf_str(form), SECRET_MIN_BYTES);
    r->forms.failed |= form->failed;
    if (form->data)
        explicit_bzero(form->data, form->len);
    buf_clear(form);
}

static void add_secret(struct redactor *r, struct str secret, size_t least)
{
    struct buf form;
    buf_init(&form, FORM_MAX_BYTES, NULL);
    buf_reserve(&form,
                2 * secret.len + 3); /* at once: a growing buffer would leave copies behind */
    add_form(r, secret, least);
    /* Within "user:password", what stands in front takes the first bytes into its own group. */
    for (size_t skipped = 0; skipped < BASE64_GROUP_BYTES && skipped < secret.len; skipped++) {
        add_base64(&form, (struct str){secret.ptr + skipped, secret.len - skipped});
        take_form(r, &form);
    }
    add_hex(&form, secret);
    take_form(r, &form);
    buf_release(&form);
}

static int hex_value(char c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    c |= 0x20;
    return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* "services" and "api-v2" say nothing; a token has digits or capitals, or is long. */
static bool is_word(struct str part)
{
    for (size_t i = 0; i < part.len; i++)
        if (!((part.ptr[i] >= 'a' && part.ptr[i] <= 'z') || part.ptr[i] == '-' ||
              part.ptr[i] == '_'))
            return false;
    return part.len < WORD_MAX_BYTES;
}

/* What a piece of a URL stands for; forms are compared with what has been decoded, too. */
static void add_url_part(struct redactor *r, struct str part)
{
    struct buf text;
    if (part.len < SECRET_MIN_BYTES || is_word(part))
        return;
    buf_init(&text, FORM_MAX_BYTES, NULL);
    buf_reserve(&text, part.len + 1);
    for (size_t i = 0; i < part.len; i++) {
        int high = part.ptr[i] == '%' && part.len - i > 2 ? hex_value(part.ptr[i + 1]) : -1;
        int low = high >= 0 ? hex_value(part.ptr[i + 2]) : -1;
        bool is_byte = low >= 0 && (high || low); /* a NUL would end the form */
        buf_add_char(&text, is_byte ? (char)(high << 4 | low) : part.ptr[i]);
        i += is_byte ? 2 : 0;
    }
    if (text.len >= SECRET_MIN_BYTES)
        add_secret(r, buf_str(&text), SECRET_MIN_BYTES);
    r->forms.failed |= text.failed;
    if (text.data)
        explicit_bzero(text.data, text.len);
    buf_release(&text);
}

/* The address of a webhook (without a user: value.c). Its beginning up to the host is no secret,
 * since others have the same; what stands behind it is one piece by piece, wherever it stands. */
static void add_url(struct redactor *r, struct str url)
{
    size_t end = str_find(url, STR("://"));
    end = end < url.len ? end + strlen("://") : url.len;
    end += strcspn(url.ptr + end, "/?#");
    add_secret(r, url, end + 2);
    for (size_t begin = end, i = end; i <= url.len; i++) {
        if (i < url.len && !strchr("/?#&=:", url.ptr[i]))
            continue;
        add_url_part(r, (struct str){url.ptr + begin, i - begin});
        begin = i + 1;
    }
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

static size_t room_for(struct str secret)
{
    return SECRET_FACTOR * (secret.len + FORM_COUNT);
}

int redactor_init(struct redactor *r, const struct config *config, struct ccd_error *err)
{
    size_t room = 0;
    *r = (struct redactor){0};
    for (int i = 0; i < CONFIG_COUNT; i++)
        room += room_for(secret_of(config, i));
    buf_init(&r->forms, FORMS_MAX_BYTES, NULL);
    buf_reserve(&r->forms, room);
    for (int i = 0; i < CONFIG_COUNT; i++) {
        struct str secret = secret_of(config, i);
        if (secret.len == 0)
            continue;
        if (config_option((enum config_id)i)->type == CONFIG_TYPE_URL)
            add_url(r, secret);
        else
            add_secret(r, secret, SECRET_MIN_BYTES);
    }
    if (!r->forms.failed)
        return 0;
    redactor_release(r);
    return error_set(err, CCD_NO_MEMORY, "no memory to guard the secrets");
}

static bool knows(const struct redactor *r, struct str secret)
{
    const char *form = r->forms.data;
    for (size_t i = 0; i < r->count; i++, form += strlen(form) + 1)
        if (str_equal(str_from(form + 1), secret))
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
    buf_reserve(&bigger.forms, r->forms.len + room_for(secret));
    buf_add(&bigger.forms, buf_str(&r->forms).ptr, r->forms.len);
    add_secret(&bigger, secret, SECRET_MIN_BYTES);
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

/* ---- what is found ---- */

/* How others may have written a character down. Each alone, since a secret may itself look like
 * one of the others; and all mixed. */
enum escape { ESCAPE_PERCENT = 1, ESCAPE_BACKSLASH = 2, ESCAPE_ENTITY = 4, ESCAPE_ALL = 7 };
static const unsigned escape_sets[] = {0, ESCAPE_PERCENT, ESCAPE_BACKSLASH, ESCAPE_ENTITY,
                                       ESCAPE_ALL};

/* One character of a text: the bytes that it stands for, and those that it takes. */
struct spelled {
    char bytes[4];
    size_t len, taken;
};

static size_t to_utf8(uint32_t code, char out[4])
{
    if (code < 0x80) {
        out[0] = (char)code;
        return 1;
    }
    size_t len = code < 0x800 ? 2 : code < 0x10000 ? 3 : 4;
    for (size_t i = len - 1; i > 0; i--, code >>= 6)
        out[i] = (char)(0x80 | (code & 0x3f));
    out[0] = (char)(0xf00U >> len | code);
    return len;
}

/* Exactly `count` hexadecimal digits; what is cut off is none. */
static bool read_hex(const char *text, size_t count, uint32_t *out)
{
    *out = 0;
    for (size_t i = 0; i < count; i++) {
        int value = hex_value(text[i]);
        if (value < 0)
            return false;
        *out = *out << 4 | (uint32_t)value;
    }
    return true;
}

static bool read_backslash(const char *text, struct spelled *out)
{
    uint32_t code, low;
    if (text[1] == 'u' && read_hex(text + 2, 4, &code)) {
        out->taken = 6;
        if (code >= 0xd800 && code < 0xdc00 && text[6] == '\\' && text[7] == 'u' &&
            read_hex(text + 8, 4, &low)) {
            code = 0x10000 + ((code & 0x3ff) << 10) + (low & 0x3ff);
            out->taken = 12;
        }
        out->len = to_utf8(code, out->bytes);
        return true;
    }
    bool is_byte = text[1] == 'x' && read_hex(text + 2, 2, &code);
    if (!is_byte && !(text[1] && strchr("\"\\/'", text[1])))
        return false;
    *out = (struct spelled){.bytes = {is_byte ? (char)code : text[1]}, 1, is_byte ? 4 : 2};
    return true;
}

static bool read_entity(const char *text, struct spelled *out)
{
    static const struct {
        const char *name;
        char byte;
    } names[] = {{"&amp;", '&'}, {"&lt;", '<'}, {"&gt;", '>'}, {"&quot;", '"'}, {"&apos;", '\''}};
    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
        if (strncmp(text, names[i].name, strlen(names[i].name)) == 0) {
            *out = (struct spelled){.bytes = {names[i].byte}, 1, strlen(names[i].name)};
            return true;
        }
    bool is_hex = text[1] == '#' && (text[2] | 0x20) == 'x';
    uint32_t code = 0;
    size_t at = is_hex ? 3 : 2;
    if (text[1] != '#')
        return false;
    for (int value; at < 12 && (value = hex_value(text[at])) >= 0 && (is_hex || value < 10); at++)
        code = code * (is_hex ? 16 : 10) + (uint32_t)value;
    if (text[at] != ';' || code > 0x10ffff)
        return false;
    out->len = to_utf8(code, out->bytes);
    out->taken = at + 1;
    return true;
}

static bool read_escape(const char *text, unsigned escapes, struct spelled *out)
{
    uint32_t byte;
    if (*text == '%' && (escapes & ESCAPE_PERCENT) && read_hex(text + 1, 2, &byte)) {
        *out = (struct spelled){.bytes = {(char)byte}, 1, 3};
        return true;
    }
    if (*text == '+' && (escapes & ESCAPE_PERCENT)) { /* a blank, in a query */
        *out = (struct spelled){.bytes = {' '}, 1, 1};
        return true;
    }
    return (*text == '\\' && (escapes & ESCAPE_BACKSLASH) && read_backslash(text, out)) ||
           (*text == '&' && (escapes & ESCAPE_ENTITY) && read_entity(text, out));
}

/* Hexadecimal digits know both cases, and base64 knows two alphabets. */
static char folded(char c)
{
    if (c >= 'A' && c <= 'Z')
        return (char)(c - 'A' + 'a');
    return c == '-' ? '+' : c == '_' ? '/' : c;
}

/* How many bytes of the form stand at text, in as many bytes as *out_taken. */
static size_t common_bytes(const char *text, const char *form, unsigned escapes, size_t *out_taken)
{
    size_t len = 0, taken = 0;
    while (form[len] && text[taken]) {
        struct spelled s;
        if (read_escape(text + taken, escapes, &s) && strncmp(form + len, s.bytes, s.len) == 0) {
            len += s.len;
            taken += s.taken;
        } else if (folded(text[taken]) == folded(form[len])) {
            len++;
            taken++;
        } else {
            break;
        }
    }
    *out_taken = taken;
    return len;
}

/* A secret begins as itself or with an escape. */
static bool may_begin(char text, char form)
{
    return folded(text) == folded(form) || text == '%' || text == '\\' || text == '&' ||
           text == '+';
}

/* Bytes at text that give a secret away. */
static size_t find_secret(const struct redactor *r, const char *text)
{
    size_t longest = 0;
    const char *form = r->forms.data;
    for (size_t i = 0; i < r->count; i++, form += strlen(form) + 1) {
        size_t least = (unsigned char)form[0];
        for (size_t s = 0; may_begin(*text, form[1]) && s < sizeof(escape_sets) / sizeof(unsigned);
             s++) {
            size_t taken;
            size_t len = common_bytes(text, form + 1, escape_sets[s], &taken);
            if (len >= least && taken > longest)
                longest = taken;
        }
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
