/* When each operation of a daemon was started last and needed no second try, kept over restarts, in
 * a file that only one daemon with this configuration may hold. */
#ifndef CLI_DAEMON_STATE_H
#define CLI_DAEMON_STATE_H

#include <stddef.h>
#include <stdint.h>

#include <ccdata/error.h>

struct ccd_job;

enum { DAEMON_STARTS_MAX = 4096 };

struct daemon_start {
    uint64_t key; /* daemon_key of the operation */
    int64_t utc_s;
};

struct daemon_state {
    int fd; /* -1 = there is no place for it: nothing is kept */
    size_t count;
    struct daemon_start starts[DAEMON_STARTS_MAX];
};

/* What an operation is: all its choices. */
uint64_t daemon_key(const struct ccd_job *job);

/* LOCKED: another daemon has it. DISK. What cannot be read counts as never started. */
int daemon_state_open(struct daemon_state *state, const char *config, struct ccd_error *err);
/* What another daemon may be writing; changes nothing, and leaves no file open. */
void daemon_state_look(struct daemon_state *state, const char *config);
void daemon_state_close(struct daemon_state *state);
int64_t daemon_state_last(const struct daemon_state *state, uint64_t key); /* 0 = never */
/* Remembers and writes. DISK. */
int daemon_state_started(struct daemon_state *state, uint64_t key, int64_t utc_s,
                         struct ccd_error *err);

#endif
