#include "decode/skip.h"

#include <math.h>
#include <string.h>

#include "decode/number.h"
#include "decode/page.h"

static const char TOO_DEEP[] = "nested too deep";
static const char ENDS_EARLY[] = "document ends early";

/* The containers that are open: bit 0 is the innermost one, set = object. */
struct stack {
    uint64_t is_object;
    unsigned base;  /* depth around the value */
    unsigned depth; /* containers of the value itself */
};
_Static_assert(DECODE_DEPTH_MAX <= 64, "one bit per open container");

const char *skip_word(const char *p, const char *end, struct str word)
{
    return (size_t)(end - p) >= word.len && memcmp(p, word.ptr, word.len) == 0 ? p + word.len
                                                                               : NULL;
}

const char *skip_char(const char *p, const char *end, char c, const char *reason, struct fault *f)
{
    p = skip_space(p, end);
    if (p == end)
        return fault_set(f, p, ENDS_EARLY);
    return *p == c ? skip_space(p + 1, end) : fault_set(f, p, reason);
}

static const char *skip_number(const char *p, const char *end, struct fault *f)
{
    struct number number;
    const char *next = number_read(p, end, &number);
    if (!next)
        return fault_set(f, p, "malformed number");
    return isfinite(number.f64) ? next : fault_set(f, p, "number too large for a double");
}

static const char *skip_scalar(const char *p, const char *end, struct fault *f)
{
    struct text text;
    const char *next = NULL;
    switch (*p) {
    case '"':
        return text_read(p, end, &text, f);
    case 't':
        next = skip_word(p, end, STR("true"));
        break;
    case 'f':
        next = skip_word(p, end, STR("false"));
        break;
    case 'n':
        next = skip_word(p, end, STR("null"));
        break;
    default:
        if (*p == '-' || (*p >= '0' && *p <= '9'))
            return skip_number(p, end, f);
        break;
    }
    return next ? next : fault_set(f, p, "not a JSON value");
}

/* p stands before a member: passes its key and colon. */
static const char *skip_key(const char *p, const char *end, struct fault *f)
{
    struct text text;
    if (p == end)
        return fault_set(f, p, ENDS_EARLY);
    if (*p != '"')
        return fault_set(f, p, "a member must start with its name");
    p = text_read(p, end, &text, f);
    return p ? skip_char(p, end, ':', "no colon after a name", f) : NULL;
}

/* After a value: closes what ends here. Returns where the next value starts, or the end of the
 * outermost one (then depth is 0). */
static const char *close_containers(const char *p, const char *end, struct stack *s,
                                    struct fault *f)
{
    while (s->depth > 0) {
        p = skip_space(p, end);
        if (p == end)
            return fault_set(f, p, ENDS_EARLY);
        bool is_object = s->is_object & 1;
        if (*p == ',') {
            p = skip_space(p + 1, end);
            return is_object ? skip_key(p, end, f) : p;
        }
        if (*p != (is_object ? '}' : ']')) {
            return fault_set(f, p,
                             is_object ? "no comma or } after a member"
                                       : "no comma or ] after an element");
        }
        p++;
        s->is_object >>= 1;
        s->depth--;
    }
    return p;
}

/* p stands on '{' or '['. Returns where its first value starts, or, when it is empty, what follows
 * it. */
static const char *open_container(const char *p, const char *end, struct stack *s, bool *out_empty,
                                  struct fault *f)
{
    if (s->base + s->depth >= DECODE_DEPTH_MAX)
        return fault_set(f, p, TOO_DEEP);
    bool is_object = *p == '{';
    p = skip_space(p + 1, end);
    if (p == end)
        return fault_set(f, p, ENDS_EARLY);
    *out_empty = *p == (is_object ? '}' : ']');
    if (*out_empty)
        return p + 1;
    s->is_object = s->is_object << 1 | is_object;
    s->depth++;
    return is_object ? skip_key(p, end, f) : p;
}

const char *skip_value(const char *p, const char *end, unsigned depth, uint64_t *value_count,
                       struct fault *f)
{
    struct stack stack = {.base = depth};
    do {
        if (p == end)
            return fault_set(f, p, ENDS_EARLY);
        ++*value_count;
        bool is_closed = true;
        if (*p == '{' || *p == '[')
            p = open_container(p, end, &stack, &is_closed, f);
        else
            p = skip_scalar(p, end, f);
        if (p && is_closed)
            p = close_containers(p, end, &stack, f);
    } while (p && stack.depth > 0);
    return p;
}
