#include "cli/signals.h"

#include <errno.h>
#include <sched.h>
#include <signal.h>
#include <stdatomic.h>

enum { SIGNAL_COUNT = 2, EXIT_BY_SIGNAL = 128 };

static const int SIGNALS[SIGNAL_COUNT] = {SIGINT, SIGTERM};

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
    if (client) {
        ccd_stop(client);
    }
    if (atomic_fetch_add(&signals_caught, 1) + 1 >= 2) {
        signal(number, SIG_DFL); /* a program that hangs must not need SIGKILL */
    }
    atomic_fetch_sub(&handlers_running, 1);
    errno = saved_errno;
}

void signals_watch(struct ccd_client *client)
{
    atomic_store(&first_signal, 0);
    atomic_store(&signals_caught, 0);
    atomic_store(&watched, client);
    struct sigaction action = {.sa_handler = on_signal, .sa_flags = SA_RESTART};
    sigemptyset(&action.sa_mask);
    for (int i = 0; i < SIGNAL_COUNT; i++) {
        sigaction(SIGNALS[i], NULL, &before[i]);
        if (before[i].sa_handler !=
            SIG_IGN) { /* nohup and background jobs of a shell ignore SIGINT */
            sigaction(SIGNALS[i], &action, NULL);
        }
    }
}

void signals_unwatch(void)
{
    for (int i = 0; i < SIGNAL_COUNT; i++) {
        sigaction(SIGNALS[i], &before[i], NULL);
    }
    atomic_store(&watched, NULL);
    /* A handler on another thread may still hold the client. */
    while (atomic_load(&handlers_running) > 0) {
        sched_yield();
    }
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
