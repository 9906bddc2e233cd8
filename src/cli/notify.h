/* Telling systemd how the service is (sd_notify(3)): datagrams to $NOTIFY_SOCKET, nothing without
 * it. */
#ifndef CLI_NOTIFY_H
#define CLI_NOTIFY_H

#include <stdint.h>

/* "READY=1", "STATUS=…", lines separated by '\n'. A message that cannot be sent is lost: there is
 * nobody to tell. */
void notify_send(const char *text);
/* Half of the time after which systemd takes us for dead, in ms; 0 = it does not watch. */
int64_t notify_watchdog_ms(void);

#endif
