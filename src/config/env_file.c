#include "config/env_file.h"

#include <stdio.h>
#include <string.h>

#include "base/buf.h"

/* All expanded values of a file together: ${NAME} must not make a small file large. */
enum { ENV_ARENA_MAX_BYTES = 4 << 20 };

struct parser {
    struct env_file *file;
    const char *label;
    const struct env_lookup *lookup;
    struct buf value; /* of the line at hand */
    struct str rest;  /* of the line at hand */
    int line;
    struct ccd_error *err;
};

static int PRINTF_LIKE(2, 3) refuse(struct parser *p, const char *format, ...)
{
    char reason[400];
    va_list args;
    va_start(args, format);
    (void)vsnprintf(reason, sizeof reason, format, args);
    va_end(args);
    return error_set(p->err, CCD_CONFIG, "%s:%d: %s", p->label, p->line, reason);
}

static int no_memory(struct parser *p)
{
    return error_set(p->err, CCD_NO_MEMORY, "no memory to read %s", p->label);
}

static bool is_name_start(char c)
{
    return (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || c == '_';
}

static bool is_blank(char c)
{
    return c == ' ' || c == '\t';
}

static size_t name_length(struct str s)
{
    size_t len = 0;
    while (len < s.len &&
           (is_name_start(s.ptr[len]) || (len > 0 && s.ptr[len] >= '0' && s.ptr[len] <= '9'))) {
        len++;
    }
    return len;
}

static void skip(struct parser *p, size_t len)
{
    p->rest.ptr += len;
    p->rest.len -= len;
}

static void skip_blanks(struct parser *p)
{
    while (p->rest.len > 0 && is_blank(p->rest.ptr[0])) {
        skip(p, 1);
    }
}

static int add(struct parser *p, const char *bytes, size_t len)
{
    if (len > ENV_VALUE_MAX_BYTES - p->value.len) {
        return refuse(p, "the value is longer than %d bytes", ENV_VALUE_MAX_BYTES);
    }
    return buf_add(&p->value, bytes, len) == 0 ? 0 : no_memory(p);
}

/* rest begins with "${". */
static int expand(struct parser *p)
{
    skip(p, 2);
    struct str name = {p->rest.ptr, name_length(p->rest)};
    if (name.len == 0 || name.len == p->rest.len || p->rest.ptr[name.len] != '}') {
        return refuse(p, "'${' must be followed by a name and '}'; write '...' around a value that "
                         "is not to be expanded");
    }
    skip(p, name.len + 1);
    struct str value;
    if (p->lookup && p->lookup->find(p->lookup->user, name, true, &value)) {
        return add(p, value.ptr, value.len);
    }
    const struct env_entry *entry = env_file_find(p->file, name);
    if (entry) {
        return add(p, entry->value.ptr, entry->value.len);
    }
    if (p->lookup && p->lookup->find(p->lookup->user, name, false, &value)) {
        return add(p, value.ptr, value.len);
    }
    return refuse(p, "${%.*s} is not set", name.len > 64 ? 64 : (int)name.len, name.ptr);
}

static bool at_expansion(const struct parser *p)
{
    return p->rest.len > 1 && p->rest.ptr[0] == '$' && p->rest.ptr[1] == '{';
}

static int read_single_quoted(struct parser *p)
{
    skip(p, 1);
    const char *end = p->rest.len ? memchr(p->rest.ptr, '\'', p->rest.len) : NULL;
    if (!end) {
        return refuse(p, "the closing ' is missing");
    }
    size_t len = (size_t)(end - p->rest.ptr);
    int result = add(p, p->rest.ptr, len);
    skip(p, len + 1);
    return result;
}

static int read_escape(struct parser *p)
{
    static const char LETTERS[] = "\\\"$nrt";
    static const char MEANINGS[] = "\\\"$\n\r\t";
    const char *letter = p->rest.len > 1 ? memchr(LETTERS, p->rest.ptr[1], sizeof LETTERS - 1)
                                         : NULL;
    if (!letter) {
        return refuse(p, "after '\\' in double quotes only \\ \" $ n r t may follow");
    }
    skip(p, 2);
    return add(p, &MEANINGS[letter - LETTERS], 1);
}

static int read_double_quoted(struct parser *p)
{
    skip(p, 1);
    while (p->rest.len > 0) {
        int result;
        if (p->rest.ptr[0] == '"') {
            skip(p, 1);
            return 0;
        }
        if (p->rest.ptr[0] == '\\') {
            result = read_escape(p);
        } else if (at_expansion(p)) {
            result = expand(p);
        } else {
            result = add(p, p->rest.ptr, 1);
            skip(p, 1);
        }
        if (result != 0) {
            return result;
        }
    }
    return refuse(p, "the closing \" is missing");
}

/* Length of the bare text: up to a '#' after white space, without the white space before it. */
static size_t bare_length(struct str s)
{
    size_t len = 0;
    for (size_t i = 0; i < s.len; i++) {
        bool blank = is_blank(s.ptr[i]);
        if (s.ptr[i] == '#' && (i == 0 || is_blank(s.ptr[i - 1]))) {
            break;
        }
        len = blank ? len : i + 1;
    }
    return len;
}

static int read_bare(struct parser *p)
{
    struct str line = p->rest;
    size_t end = bare_length(line);
    p->rest.len = end;
    while (p->rest.len > 0) {
        int result;
        if (at_expansion(p)) {
            result = expand(p);
        } else {
            result = add(p, p->rest.ptr, 1);
            skip(p, 1);
        }
        if (result != 0) {
            return result;
        }
    }
    p->rest = (struct str){line.ptr + line.len, 0}; /* what follows is a comment */
    return 0;
}

static int read_value(struct parser *p)
{
    buf_clear(&p->value);
    bool spaced = p->rest.len > 0 && is_blank(p->rest.ptr[0]);
    skip_blanks(p);
    if (p->rest.len == 0) {
        return 0;
    }
    if (p->rest.ptr[0] == '\'') {
        return read_single_quoted(p);
    }
    if (p->rest.ptr[0] == '"') {
        return read_double_quoted(p);
    }
    if (p->rest.ptr[0] == '#' && !spaced) {
        return refuse(p, "a value that begins with '#' needs quotes");
    }
    return read_bare(p);
}

static int add_entry(struct parser *p, struct str name)
{
    struct env_file *file = p->file;
    if (file->count == file->capacity) {
        size_t capacity = file->capacity ? file->capacity * 2 : 32;
        struct env_entry *entries = mem_resize(file->allocator, file->entries, capacity,
                                               sizeof *entries);
        if (!entries) {
            return no_memory(p);
        }
        file->entries = entries;
        file->capacity = capacity;
    }
    struct str value = buf_str(&p->value);
    if (file->arena.used_bytes + name.len + value.len + 64 > ENV_ARENA_MAX_BYTES) {
        return refuse(p, "the values of the file are longer than %d bytes together",
                      ENV_ARENA_MAX_BYTES);
    }
    char *name_copy = arena_copy_text(&file->arena, name);
    char *value_copy = arena_copy_text(&file->arena, value);
    if (!name_copy || !value_copy) {
        return no_memory(p);
    }
    file->entries[file->count++] = (struct env_entry){
        {name_copy, name.len}, {value_copy, value.len}, p->line};
    return 0;
}

static int parse_assignment(struct parser *p)
{
    static const struct str EXPORT = {"export", 6};
    if (str_starts_with(p->rest, EXPORT) && p->rest.len > EXPORT.len &&
        is_blank(p->rest.ptr[EXPORT.len])) {
        skip(p, EXPORT.len);
        skip_blanks(p);
    }
    struct str name = {p->rest.ptr, name_length(p->rest)};
    skip(p, name.len);
    skip_blanks(p);
    if (name.len == 0 || p->rest.len == 0 || p->rest.ptr[0] != '=') {
        return refuse(p, "neither NAME=value nor a comment");
    }
    skip(p, 1);
    const struct env_entry *earlier = env_file_find(p->file, name);
    if (earlier) {
        return refuse(p, "%.*s is set before, in line %d; keep one of the two",
                      name.len > 64 ? 64 : (int)name.len, name.ptr, earlier->line);
    }
    if (p->file->count == ENV_MAX_ENTRIES) {
        return refuse(p, "more than %d variables", ENV_MAX_ENTRIES);
    }
    int result = read_value(p);
    if (result != 0) {
        return result;
    }
    bool spaced = p->rest.len > 0 && is_blank(p->rest.ptr[0]);
    skip_blanks(p);
    if (p->rest.len > 0 && (p->rest.ptr[0] != '#' || !spaced)) {
        return refuse(p, "text after the closing quote");
    }
    return add_entry(p, name);
}

static int check_bytes(struct parser *p)
{
    for (size_t i = 0; i < p->rest.len; i++) {
        unsigned char byte = (unsigned char)p->rest.ptr[i];
        if ((byte < 0x20 && byte != '\t') || byte == 0x7F) {
            return refuse(p, byte ? "control character 0x%02x" : "NUL byte (0x%02x)", byte);
        }
    }
    return str_is_utf8(p->rest) ? 0 : refuse(p, "not UTF-8 text");
}

static int parse_line(struct parser *p)
{
    if (p->rest.len > ENV_LINE_MAX_BYTES) {
        return refuse(p, "the line is longer than %d bytes", ENV_LINE_MAX_BYTES);
    }
    int result = check_bytes(p);
    if (result != 0) {
        return result;
    }
    skip_blanks(p);
    return p->rest.len == 0 || p->rest.ptr[0] == '#' ? 0 : parse_assignment(p);
}

int env_file_parse(struct env_file *file, struct str text, const char *label,
                   const struct env_lookup *lookup, const struct allocator *allocator,
                   struct ccd_error *err)
{
    static const struct str BYTE_ORDER_MARK = {"\xEF\xBB\xBF", 3};
    *file = (struct env_file){.allocator = allocator};
    arena_init(&file->arena, ENV_ARENA_MAX_BYTES, allocator);
    struct parser p = {.file = file, .label = label, .lookup = lookup, .err = err};
    if (text.len > ENV_FILE_MAX_BYTES) {
        return error_set(err, CCD_CONFIG, "%s is larger than %d bytes", label, ENV_FILE_MAX_BYTES);
    }
    /* Reserved at once: a growing buffer would leave copies of values behind. */
    buf_init(&p.value, ENV_VALUE_MAX_BYTES, allocator);
    int result = buf_reserve(&p.value, ENV_VALUE_MAX_BYTES) == 0 ? 0 : no_memory(&p);
    if (str_starts_with(text, BYTE_ORDER_MARK)) {
        text.ptr += BYTE_ORDER_MARK.len;
        text.len -= BYTE_ORDER_MARK.len;
    }
    while (text.len > 0 && result == 0) {
        p.line++;
        p.rest = str_split(&text, '\n');
        if (p.rest.len > 0 && p.rest.ptr[p.rest.len - 1] == '\r') {
            p.rest.len--;
        }
        result = parse_line(&p);
    }
    if (p.value.data) {
        explicit_bzero(p.value.data, p.value.capacity);
    }
    buf_release(&p.value);
    return result;
}

const struct env_entry *env_file_find(const struct env_file *file, struct str name)
{
    for (size_t i = 0; i < file->count; i++) {
        if (str_equal(file->entries[i].name, name)) {
            return &file->entries[i];
        }
    }
    return NULL;
}

void env_file_release(struct env_file *file)
{
    if (!file) {
        return;
    }
    for (size_t i = 0; i < file->count; i++) {
        explicit_bzero((char *)(uintptr_t)file->entries[i].value.ptr, file->entries[i].value.len);
    }
    mem_free(file->allocator, file->entries);
    arena_release(&file->arena);
    file->entries = NULL;
    file->count = 0;
    file->capacity = 0;
}
