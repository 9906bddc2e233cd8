#include "cli/notify.h"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/str.h"

void notify_send(const char *text)
{
    const char *path = getenv("NOTIFY_SOCKET");
    struct sockaddr_un to = {.sun_family = AF_UNIX};
    size_t len = path ? strlen(path) : 0;
    if (len < 2 || len >= sizeof to.sun_path || (path[0] != '/' && path[0] != '@'))
        return;
    memcpy(to.sun_path, path, len);
    if (path[0] == '@') /* a name that is no file */
        to.sun_path[0] = '\0';
    int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (fd < 0)
        return;
    socklen_t size = (socklen_t)(offsetof(struct sockaddr_un, sun_path) + len);
    (void)sendto(fd, text, strlen(text), MSG_NOSIGNAL, (const struct sockaddr *)&to, size);
    close(fd);
}

int64_t notify_watchdog_ms(void)
{
    int64_t us = 0, pid = 0;
    const char *of = getenv("WATCHDOG_PID");
    bool is_ours = !of || (str_to_i64(str_from(of), &pid) && pid == getpid());
    return is_ours && str_to_i64(str_from(getenv("WATCHDOG_USEC")), &us) && us > 0 ? us / 2000 : 0;
}

static void *send_pings(void *user)
{
    const struct notify_pings *pings = user;
    struct pollfd end = {.fd = pings->pipe[0], .events = POLLIN};
    do
        notify_send("WATCHDOG=1");
    while (poll(&end, 1, (int)pings->every_ms) <= 0);
    return NULL;
}

bool notify_pings_start(struct notify_pings *pings, int64_t every_ms)
{
    sigset_t all, before;
    *pings = (struct notify_pings){.every_ms = every_ms < INT32_MAX ? every_ms : INT32_MAX};
    if (every_ms <= 0)
        return true;
    if (pipe2(pings->pipe, O_CLOEXEC) != 0)
        return false;
    sigfillset(&all); /* signals are for the thread that runs */
    pthread_sigmask(SIG_SETMASK, &all, &before);
    pings->runs = pthread_create(&pings->thread, NULL, send_pings, pings) == 0;
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    if (!pings->runs) {
        close(pings->pipe[0]);
        close(pings->pipe[1]);
    }
    return pings->runs;
}

void notify_pings_stop(struct notify_pings *pings)
{
    if (!pings->runs)
        return;
    close(pings->pipe[1]);
    pthread_join(pings->thread, NULL);
    close(pings->pipe[0]);
    pings->runs = false;
}
