/* A program of the user's, started without a shell and without our environment. */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "api/alerts.h"

enum { WORDS_MAX = 64, COMMAND_MAX_BYTES = 4096, SLICE_MS = 20 };

/* Words between blanks; there are no quotes. 0: none, or more than there is room for. */
static size_t split(char *text, char *out[WORDS_MAX])
{
    size_t count = 0;
    char *rest = text, *word;
    while (count < WORDS_MAX - 1 && (word = strtok_r(rest, " \t", &rest)) != NULL)
        out[count++] = word;
    out[count] = NULL;
    return rest && rest[strspn(rest, " \t")] ? 0 : count;
}

static bool write_all(int fd, struct str text, int64_t until_us)
{
    while (text.len > 0) {
        struct pollfd polled = {.fd = fd, .events = POLLOUT};
        int64_t left_ms = (until_us - clock_mono_us(NULL)) / 1000;
        if (left_ms <= 0 || poll(&polled, 1, (int)left_ms) <= 0)
            return false;
        ssize_t done = write(fd, text.ptr, text.len);
        if (done < 0 && errno != EINTR && errno != EAGAIN)
            return false;
        size_t step = done > 0 ? (size_t)done : 0;
        text = (struct str){text.ptr + step, text.len - step};
    }
    return true;
}

static int wait_for(pid_t child, int64_t until_us, struct ccd_error *err)
{
    int status = 0;
    pid_t ended = 0;
    while ((ended = waitpid(child, &status, WNOHANG)) == 0 || (ended < 0 && errno == EINTR)) {
        if (clock_mono_us(NULL) >= until_us) {
            kill(-child, SIGKILL); /* with what it has started: that may hold our descriptors */
            waitpid(child, &status, 0);
            return error_set(err, CCD_NETWORK, "ALERT_COMMAND did not end in time: killed");
        }
        clock_sleep_ms(SLICE_MS);
    }
    if (ended < 0)
        return error_set(err, CCD_INTERNAL, "how ALERT_COMMAND ended is not known: %s",
                         strerror(errno));
    if (WIFEXITED(status) && WEXITSTATUS(status) == 0)
        return 0;
    return error_set(err, CCD_BAD_REQUEST, "ALERT_COMMAND ended with %d",
                     WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status));
}

/* A group of its own, and no signal that we ignore or block. */
static void prepare(posix_spawnattr_t *attributes)
{
    sigset_t none, all;
    sigemptyset(&none);
    sigfillset(&all);
    posix_spawnattr_init(attributes);
    posix_spawnattr_setsigmask(attributes, &none);
    posix_spawnattr_setsigdefault(attributes, &all);
    posix_spawnattr_setpgroup(attributes, 0);
    posix_spawnattr_setflags(attributes, POSIX_SPAWN_SETPGROUP | POSIX_SPAWN_SETSIGMASK |
                                             POSIX_SPAWN_SETSIGDEF);
}

static int start(char *const words[], int input, pid_t *out_child)
{
    char path[COMMAND_MAX_BYTES], home[COMMAND_MAX_BYTES];
    const char *given_path = getenv("PATH"), *given_home = getenv("HOME");
    posix_spawn_file_actions_t actions;
    posix_spawnattr_t attributes;
    str_print(path, sizeof(path), "PATH=%s", given_path ? given_path : "/usr/bin:/bin");
    str_print(home, sizeof(home), "HOME=%s", given_home ? given_home : "/");
    char language[] = "LANG=C.UTF-8";
    char *environment[] = {path, home, language, NULL};
    prepare(&attributes);
    posix_spawn_file_actions_init(&actions);
    posix_spawn_file_actions_adddup2(&actions, input, STDIN_FILENO);
    posix_spawn_file_actions_addopen(&actions, STDOUT_FILENO, "/dev/null", O_WRONLY, 0);
    int code = posix_spawnp(out_child, words[0], &actions, &attributes, words, environment);
    posix_spawn_file_actions_destroy(&actions);
    posix_spawnattr_destroy(&attributes);
    return code;
}

int receiver_run_command(const struct ccd_client *client, struct str json, int64_t deadline_ms,
                         struct ccd_error *err)
{
    char text[COMMAND_MAX_BYTES], *words[WORDS_MAX];
    int ends[2];
    pid_t child = 0;
    int64_t until_us = clock_mono_us(NULL) + deadline_ms * 1000;
    bool fits = str_copy(text, sizeof(text), config_text(client->config, CONFIG_ALERT_COMMAND));
    if (!fits || split(text, words) == 0)
        return error_set(err, CCD_CONFIG,
                         "ALERT_COMMAND is no command of 1 to %d words and %d bytes", WORDS_MAX - 1,
                         COMMAND_MAX_BYTES - 1);
    if (pipe2(ends, O_CLOEXEC) != 0)
        return error_set(err, CCD_INTERNAL, "no pipe for ALERT_COMMAND: %s", strerror(errno));
    int code = start(words, ends[0], &child);
    close(ends[0]);
    if (code == 0) {
        fcntl(ends[1], F_SETFL, O_NONBLOCK);
        write_all(ends[1], json, until_us); /* who does not read it has its reasons */
    }
    close(ends[1]);
    return code == 0
               ? wait_for(child, until_us, err)
               : error_set(err, CCD_CONFIG, "ALERT_COMMAND cannot be started: %s", strerror(code));
}
