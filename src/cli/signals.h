/* SIGINT, SIGTERM and SIGHUP while a client works. Invariant: outside watch … unwatch signals have
 * the meaning they had when the program began. */
#ifndef CLI_SIGNALS_H
#define CLI_SIGNALS_H

#include <ccdata/ccdata.h>

/* The first signal asks the client to finish and commit, the second to end now, the third kills.
 * SIGHUP does nothing where there is no terminal, or somebody else handles it. */
void signals_watch(struct ccd_client *client);
/* After this the client may be closed. */
void signals_unwatch(void);
/* Whether there was one since signals_watch. */
bool signals_caught_any(void);
/* 128 + the signal that came first since signals_watch, when exit_code says interrupted; else
 * exit_code. */
int signals_exit_code(int exit_code);

#endif
