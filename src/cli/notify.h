/* Telling systemd how the service is (sd_notify(3)): datagrams to $NOTIFY_SOCKET, nothing without
 * it. */
#ifndef CLI_NOTIFY_H
#define CLI_NOTIFY_H

#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>

/* "READY=1", "STATUS=…", lines separated by '\n'. A message that cannot be sent is lost: there is
 * nobody to tell. */
void notify_send(const char *text);
/* Half of the time after which systemd takes us for dead, in ms; 0 = it does not watch. */
int64_t notify_watchdog_ms(void);

/* Pings the watchdog while the caller is in a run, which may wait for minutes (for a lock, a vendor
 * that hangs, the quota) and has deadlines of its own. */
struct notify_pings {
    pthread_t thread;
    int64_t every_ms;
    int pipe[2]; /* that it is closed ends the thread */
    bool runs;
};

/* every_ms 0: nothing is done, and that is right. False: there is no thread to be had. */
bool notify_pings_start(struct notify_pings *pings, int64_t every_ms);
void notify_pings_stop(struct notify_pings *pings);

#endif
