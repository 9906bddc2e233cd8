#include "cli/signals.h"

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <stdatomic.h>
#include <unistd.h>

enum { SIGNAL_COUNT = 3, EXIT_BY_SIGNAL = 128 };

static const int SIGNALS[SIGNAL_COUNT] = {SIGINT, SIGTERM, SIGHUP};

static _Atomic(struct ccd_client *) watched;
static atomic_int handlers_running;
static atomic_int signals_caught;
static atomic_int first_signal;
static struct sigaction before[SIGNAL_COUNT];

static void on_signal(int number)
{
    int saved_errno = errno;
    atomic_fetch_add(&handlers_running, 1);
    int none = 0;
    atomic_compare_exchange_strong(&first_signal, &none, number);
    struct ccd_client *client = atomic_load(&watched);
    if (client)
        ccd_stop(client);
    if (atomic_fetch_add(&signals_caught, 1) + 1 >= 2)
        signal(number, SIG_DFL); /* a program that hangs must not need SIGKILL */
    atomic_fetch_sub(&handlers_running, 1);
    errno = saved_errno;
}

/* Who rotates logs sends SIGHUP. The log follows its name without it. */
static void on_hangup(int number)
{
    (void)number;
}

static bool has_terminal(void)
{
    int fd = open("/dev/tty", O_RDONLY | O_NOCTTY | O_CLOEXEC);
    if (fd >= 0)
        close(fd);
    return fd >= 0;
}

/* What is ignored stays so: nohup, and background jobs of a shell, which ignore SIGINT. A daemon
 * has its own SIGHUP; in other programs it means that their terminal is gone, if they have one. */
static void watch_one(int number, const struct sigaction *now)
{
    struct sigaction action = {.sa_handler = on_signal, .sa_flags = SA_RESTART};
    sigemptyset(&action.sa_mask);
    if (number == SIGHUP && !has_terminal())
        action.sa_handler = on_hangup;
    if (now->sa_handler == SIG_DFL || (number != SIGHUP && now->sa_handler != SIG_IGN))
        sigaction(number, &action, NULL);
}

void signals_watch(struct ccd_client *client)
{
    atomic_store(&first_signal, 0);
    atomic_store(&signals_caught, 0);
    atomic_store(&watched, client);
    for (int i = 0; i < SIGNAL_COUNT; i++) {
        sigaction(SIGNALS[i], NULL, &before[i]);
        watch_one(SIGNALS[i], &before[i]);
    }
}

void signals_unwatch(void)
{
    for (int i = 0; i < SIGNAL_COUNT; i++)
        sigaction(SIGNALS[i], &before[i], NULL);
    atomic_store(&watched, NULL);
    /* A handler on another thread may still hold the client. */
    while (atomic_load(&handlers_running) > 0)
        sched_yield();
}

bool signals_caught_any(void)
{
    return atomic_load(&signals_caught) > 0;
}

int signals_exit_code(int exit_code)
{
    int number = atomic_load(&first_signal);
    bool interrupted = exit_code == ccd_status_exit_code(CCD_INTERRUPTED);
    return interrupted && number ? EXIT_BY_SIGNAL + number : exit_code;
}
