/* The client library could read this file itself, but then it would also take an init command, TLS
 * settings or local-infile from it; the URL decides those. */
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "store/mysql/internal.h"

enum { CLIENT_FILE_MAX_BYTES = 64 * 1024 };

static bool is_ours(struct str section)
{
    return str_equal(section, STR("client")) || str_equal(section, STR("client-server")) ||
           str_equal(section, STR("client-mariadb")) || str_equal(section, STR("client-mysql"));
}

/* Quotes are taken off; \n \t \r \b \s \\ are escapes, as in the manuals of MySQL and MariaDB. */
static void copy_value(char *out, size_t capacity, struct str value)
{
    static const char names[] = "ntrbs\\\"'";
    static const char bytes[] = "\n\t\r\b \\\"'";
    if (value.len >= 2 && (value.ptr[0] == '"' || value.ptr[0] == '\'') &&
        value.ptr[value.len - 1] == value.ptr[0])
        value = (struct str){value.ptr + 1, value.len - 2};
    else
        value = str_trim(str_split(&value, '#')); /* a comment */
    size_t len = 0;
    for (size_t i = 0; i < value.len && len + 1 < capacity; i++) {
        char c = value.ptr[i];
        const char *name = c == '\\' && i + 1 < value.len ? strchr(names, value.ptr[i + 1]) : NULL;
        if (name && *name) {
            c = bytes[name - names];
            i++;
        }
        out[len++] = c;
    }
    out[len] = '\0';
}

static void take_line(struct client_file *file, struct str line, bool *ours)
{
    line = str_trim(line);
    if (line.len == 0 || line.ptr[0] == '#' || line.ptr[0] == ';' || line.ptr[0] == '!')
        return;
    if (line.ptr[0] == '[') {
        struct str name = {line.ptr + 1, line.len - 1};
        *ours = is_ours(str_trim(str_split(&name, ']')));
        return;
    }
    struct str value = line;
    struct str name = str_trim(str_split(&value, '='));
    value = str_trim(value);
    if (!*ours)
        return;
    if (str_equal(name, STR("user")))
        copy_value(file->user, sizeof(file->user), value);
    if (str_equal(name, STR("socket")))
        copy_value(file->socket, sizeof(file->socket), value);
    if (str_equal(name, STR("password"))) {
        copy_value(file->password, sizeof(file->password), value);
        file->has_password = true;
    }
}

/* A regular file that only its owner may write. */
static bool can_trust(int fd)
{
    struct stat st;
    return fstat(fd, &st) == 0 && S_ISREG(st.st_mode) && !(st.st_mode & S_IWOTH);
}

static size_t read_all(int fd, char *out, size_t capacity)
{
    size_t len = 0;
    while (len < capacity) {
        ssize_t got = read(fd, out + len, capacity - len);
        if (got < 0 && errno == EINTR)
            continue;
        if (got <= 0)
            break;
        len += (size_t)got;
    }
    return len;
}

void client_file_read(const char *path, struct client_file *out)
{
    *out = (struct client_file){0};
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    if (fd < 0)
        return;
    char text[CLIENT_FILE_MAX_BYTES];
    size_t len = can_trust(fd) ? read_all(fd, text, sizeof(text)) : 0;
    (void)close(fd); /* nothing was written */
    struct str rest = {text, len};
    bool ours = false;
    while (rest.len > 0)
        take_line(out, str_split(&rest, '\n'), &ours);
    explicit_bzero(text, sizeof(text));
}

void client_file_release(struct client_file *file)
{
    explicit_bzero(file, sizeof(*file));
}
