#include "cli/daemon_state.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <ccdata/ccdata.h>

#include "base/buf.h"
#include "base/error.h"
#include "base/hash.h"

enum { STATE_MAX_BYTES = 64 * DAEMON_STARTS_MAX, KEY_BYTES = 8 };

/* ---- keys ---- */

static void add_text(struct sha256 *h, const char *text)
{
    sha256_add(h, text ? text : "", text ? strlen(text) : 0);
    sha256_add(h, "\x1f", 1);
}

static void add_texts(struct sha256 *h, const char *const *texts, size_t count)
{
    for (size_t i = 0; i < count; i++)
        add_text(h, texts[i]);
    sha256_add(h, "\x1e", 1);
}

static uint64_t short_digest(struct sha256 *h)
{
    uint8_t digest[32];
    uint64_t key = 0;
    sha256_final(h, digest);
    for (int i = 0; i < KEY_BYTES; i++)
        key = key << 8 | digest[i];
    return key;
}

uint64_t daemon_key(const struct ccd_job *job)
{
    struct sha256 h;
    const int64_t numbers[] = {job->pair_limit, job->asset_limit, job->full_refresh, job->force};
    const char *const texts[] = {job->data_type, job->interval, job->market,    job->instrument,
                                 job->from,      job->to,       job->min_grade, job->exchange_type};
    sha256_init(&h);
    add_texts(&h, texts, sizeof texts / sizeof *texts);
    add_texts(&h, job->exchanges, job->exchange_count);
    add_texts(&h, job->instruments, job->instrument_count);
    add_texts(&h, job->quotes, job->quote_count);
    sha256_add(&h, numbers, sizeof numbers);
    return short_digest(&h);
}

/* ---- the file ---- */

static const int64_t utc_max_s = INT64_C(253402300800); /* the year 10000 */

/* With those above it; what cannot be made shows when the file is opened. */
static void make_folder(char *path)
{
    for (char *p = path + 1; *p; p++) {
        if (*p != '/')
            continue;
        *p = '\0';
        mkdir(path, 0700);
        *p = '/';
    }
    mkdir(path, 0700);
}

/* By the name that the configuration has everywhere, so that two daemons meet. */
static bool state_path(const char *config, bool make, char out[PATH_MAX])
{
    char folder[PATH_MAX], whole[PATH_MAX];
    struct sha256 h;
    if (!ccd_state_directory(folder, sizeof folder))
        return false;
    if (make)
        make_folder(folder);
    sha256_init(&h);
    add_text(&h, realpath(config, whole) ? whole : config);
    return str_print(out, PATH_MAX, "%s/daemon-%016" PRIx64, folder, short_digest(&h));
}

static bool parse_line(struct str line, struct daemon_start *out)
{
    char text[64], *end = NULL;
    if (!str_copy(text, sizeof text, line) || line.len < 18 || text[16] != ' ')
        return false;
    text[16] = '\0';
    out->key = strtoull(text, &end, 16);
    return *end == '\0' && str_to_i64(str_from(text + 17), &out->utc_s) && out->utc_s > 0 &&
           out->utc_s < utc_max_s;
}

static void read_starts(struct daemon_state *state)
{
    char *text = malloc(STATE_MAX_BYTES);
    ssize_t len = text ? pread(state->fd, text, STATE_MAX_BYTES, 0) : -1;
    struct str rest = {text, len > 0 ? (size_t)len : 0};
    while (rest.len > 0 && state->count < DAEMON_STARTS_MAX)
        if (parse_line(str_split(&rest, '\n'), &state->starts[state->count]))
            state->count++;
    free(text);
}

int daemon_state_open(struct daemon_state *state, const char *config, struct ccd_error *err)
{
    char path[PATH_MAX];
    state->fd = -1;
    state->count = 0;
    if (!state_path(config, true, path))
        return 0;
    state->fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
    if (state->fd < 0)
        return error_set(err, CCD_DISK, "cannot open %s: %s; see that the folder can be written",
                         path, strerror(errno));
    if (flock(state->fd, LOCK_EX | LOCK_NB) != 0) {
        int why = errno;
        daemon_state_close(state);
        return why == EWOULDBLOCK ? error_set(err, CCD_LOCKED,
                                              "another daemon runs with %s; stop it first", config)
                                  : error_set(err, CCD_DISK,
                                              "cannot lock %s: %s; put XDG_STATE_HOME on a disk "
                                              "of this host",
                                              path, strerror(why));
    }
    read_starts(state);
    return 0;
}

void daemon_state_look(struct daemon_state *state, const char *config)
{
    char path[PATH_MAX];
    state->count = 0;
    state->fd = state_path(config, false, path) ? open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW)
                                                : -1;
    if (state->fd >= 0)
        read_starts(state);
    daemon_state_close(state);
}

void daemon_state_close(struct daemon_state *state)
{
    if (state->fd >= 0)
        close(state->fd);
    state->fd = -1;
}

static struct daemon_start *find(const struct daemon_state *state, uint64_t key)
{
    for (size_t i = 0; i < state->count; i++)
        if (state->starts[i].key == key)
            return (struct daemon_start *)&state->starts[i];
    return NULL;
}

int64_t daemon_state_last(const struct daemon_state *state, uint64_t key)
{
    const struct daemon_start *start = find(state, key);
    return start ? start->utc_s : 0;
}

/* In place, under the lock: a file that is cut in the middle only makes an operation start once
 * more. */
static int write_starts(const struct daemon_state *state, struct ccd_error *err)
{
    struct buf text;
    buf_init(&text, STATE_MAX_BYTES, NULL);
    for (size_t i = 0; i < state->count; i++)
        buf_printf(&text, "%016" PRIx64 " %" PRId64 "\n", state->starts[i].key,
                   state->starts[i].utc_s);
    bool written = !text.failed && pwrite(state->fd, text.data, text.len, 0) == (ssize_t)text.len &&
                   ftruncate(state->fd, (off_t)text.len) == 0;
    int why = errno;
    buf_release(&text);
    return written
               ? 0
               : error_set(err, CCD_DISK, "the time of this start is not kept: %s", strerror(why));
}

/* Of a file that was edited 4096 times: most are of operations that are no more. */
static struct daemon_start *oldest(struct daemon_state *state)
{
    struct daemon_start *found = &state->starts[0];
    for (size_t i = 1; i < state->count; i++)
        if (state->starts[i].utc_s < found->utc_s)
            found = &state->starts[i];
    return found;
}

int daemon_state_started(struct daemon_state *state, uint64_t key, int64_t utc_s,
                         struct ccd_error *err)
{
    struct daemon_start *start = find(state, key);
    if (!start)
        start = state->count < DAEMON_STARTS_MAX ? &state->starts[state->count++] : oldest(state);
    *start = (struct daemon_start){key, utc_s};
    return state->fd >= 0 ? write_starts(state, err) : 0;
}
