#include "api/cache_note.h"

#include <fcntl.h>
#include <inttypes.h>
#include <string.h>
#include <unistd.h>

#include "api/vendor.h"

enum { NOTE_MAX_BYTES = 256 };

static int open_note(int flags)
{
    char directory[STATE_PATH_BYTES - 16], path[STATE_PATH_BYTES];
    bool known = client_state_directory(directory, sizeof(directory)) &&
                 str_print(path, sizeof(path), "%s/cache", directory);
    return known ? open(path, flags | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC, 0600) : -1;
}

/* "TIME HITS MISSES PUTS ERRORS", of the process so far. */
void cache_note_write(const struct ccd_client *client)
{
    char text[NOTE_MAX_BYTES];
    int fd = client->cache ? open_note(O_WRONLY | O_CREAT | O_TRUNC) : -1;
    if (fd < 0)
        return;
    struct cache_counts c = cache_counts(client->cache);
    str_print(text, sizeof(text), "%" PRId64 " %" PRId64 " %" PRId64 " %" PRId64 " %" PRId64 "\n",
              clock_utc_s(&client->clock), c.hits, c.misses, c.puts, c.errors);
    if (write(fd, text, strlen(text)) < 0)
        log_debug(&client->log, NULL, "the counts of the cache are not kept");
    close(fd);
}

bool cache_note_read(struct cache_counts *out_counts, int64_t *out_utc_s)
{
    char text[NOTE_MAX_BYTES];
    int64_t *const fields[] = {out_utc_s, &out_counts->hits, &out_counts->misses, &out_counts->puts,
                               &out_counts->errors};
    int fd = open_note(O_RDONLY);
    ssize_t len = fd >= 0 ? read(fd, text, sizeof(text)) : 0;
    if (fd >= 0)
        close(fd);
    struct str rest = str_trim((struct str){text, len > 0 ? (size_t)len : 0});
    bool good = rest.len > 0;
    for (size_t i = 0; i < sizeof(fields) / sizeof(*fields) && good; i++)
        good = str_to_i64(str_split(&rest, ' '), fields[i]);
    return good;
}
