/* Between a run that has ended and those who are told of it. */
#ifndef API_ALERTS_H
#define API_ALERTS_H

#include <pthread.h>

#include <ccdata/alerts.h>
#include <ccdata/ccdata.h>

#include "api/client.h"
#include "monitor/alert_body.h"
#include "monitor/alert_state.h"

/* In the order of ccd_alert_receiver_at. */
enum receiver {
    RECEIVER_LOG,
    RECEIVER_COMMAND,
    RECEIVER_WEBHOOK,
    RECEIVER_SLACK,
    RECEIVER_DISCORD,
    RECEIVER_MAIL,
    RECEIVER_COUNT
};

enum { ALERT_DEADLINE_MS = 5000, ALERT_ID_BYTES = 128 };

/* ---- alert_receivers.c ---- */

bool receiver_is_set(const struct ccd_client *client, enum receiver receiver);
/* Within deadline_ms. 0 with *err set: told, but not everybody whom it should tell. Any thread. */
int receiver_send(const struct ccd_client *client, enum receiver receiver,
                  const struct alert_message *message, int64_t deadline_ms, struct ccd_error *err);
/* ALERT_COMMAND with the JSON on its standard input (alert_command.c). */
int receiver_run_command(const struct ccd_client *client, struct str json, int64_t deadline_ms,
                         struct ccd_error *err);

/* ---- alert_subject.c ---- */

/* What an operation is told of as: the same for the same selection, whatever its dates. */
void alert_subject(const struct ccd_job *job, const char *interval, char out[ALERT_SUBJECT_BYTES]);

/* ---- alert_memory.c: the state of this host, under a lock between processes ---- */

/* A state that is damaged is begun anew, with a warning. DISK. *out_lock is to be given back. */
int alert_memory_open(struct ccd_client *client, struct alert_state *out_state, int *out_lock,
                      struct ccd_error *err);
int alert_memory_save(const struct alert_state *state, struct ccd_error *err);
void alert_memory_close(int lock);

#endif
