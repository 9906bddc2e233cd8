#include "cli/term.h"

#include <inttypes.h>

#include "base/time.h"
#include "base/utf8.h"

size_t term_width(struct str s)
{
    size_t width = 0;
    for (size_t at = 0; at < s.len; width++) {
        uint32_t code_point;
        size_t size = utf8_char_size((struct str){s.ptr + at, s.len - at}, &code_point);
        at += size ? size : 1;
    }
    return width;
}

static bool disturbs_a_terminal(uint32_t c)
{
    return c < 0x20 || (c >= 0x7F && c < 0xA0) || c == 0x061C || (c >= 0x200B && c <= 0x200F) ||
           (c >= 0x2028 && c <= 0x202E) || (c >= 0x2060 && c <= 0x206F) || c == 0xFEFF;
}

int term_add_escaped(struct buf *b, struct str s)
{
    for (size_t at = 0; at < s.len;) {
        uint32_t code_point = 0;
        size_t size = utf8_char_size((struct str){s.ptr + at, s.len - at}, &code_point);
        if (size == 0) {
            buf_printf(b, "\\x%02x", (unsigned)(unsigned char)s.ptr[at]);
            size = 1;
        } else if (disturbs_a_terminal(code_point)) {
            buf_printf(b, code_point < 0x80 ? "\\x%02x" : "\\u%04x", (unsigned)code_point);
        } else {
            buf_add(b, s.ptr + at, size);
        }
        at += size;
    }
    return b->failed ? -1 : 0;
}

int term_add_spaces(struct buf *b, size_t count)
{
    return count ? buf_printf(b, "%*s", (int)count, "") : 0;
}

void term_add_wrapped(struct buf *b, struct str text, size_t column, size_t indent, size_t width)
{
    bool line_is_empty = true;
    while (text.len > 0) {
        struct str word = str_split(&text, ' ');
        size_t word_width = term_width(word);
        if (word.len == 0) {
            continue;
        }
        if (!line_is_empty && column + 1 + word_width > width) {
            buf_add_char(b, '\n');
            term_add_spaces(b, indent);
            column = indent;
        } else if (!line_is_empty) {
            buf_add_char(b, ' ');
            column++;
        }
        buf_add(b, word.ptr, word.len);
        column += word_width;
        line_is_empty = false;
    }
}

const char *term_duration(int64_t ms, char out[DURATION_BYTES])
{
    int64_t s = ms / 1000;
    if (s < 10) {
        str_print(out, DURATION_BYTES, "%" PRId64 ".%" PRId64 " s", s, ms % 1000 / 100);
    } else if (s < SECONDS_PER_MINUTE) {
        str_print(out, DURATION_BYTES, "%" PRId64 " s", s);
    } else if (s < SECONDS_PER_HOUR) {
        str_print(out, DURATION_BYTES, "%" PRId64 " min %" PRId64 " s", s / SECONDS_PER_MINUTE,
                  s % SECONDS_PER_MINUTE);
    } else if (s < SECONDS_PER_DAY) {
        str_print(out, DURATION_BYTES, "%" PRId64 " h %" PRId64 " min", s / SECONDS_PER_HOUR,
                  s % SECONDS_PER_HOUR / SECONDS_PER_MINUTE);
    } else {
        str_print(out, DURATION_BYTES, "%" PRId64 " d %" PRId64 " h", s / SECONDS_PER_DAY,
                  s % SECONDS_PER_DAY / SECONDS_PER_HOUR);
    }
    return out;
}

bool term_is_near(struct str name, struct str known, unsigned *best)
{
    unsigned distance = str_distance(name, known);
    unsigned limit = 1 + (unsigned)name.len / 3;
    bool begins_it = name.len >= 3 && str_starts_with(known, name);
    if (begins_it && distance > limit) {
        distance = limit;
    }
    if (distance >= *best || distance > limit) {
        return false;
    }
    *best = distance;
    return true;
}
