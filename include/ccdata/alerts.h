/* Alerts: what is noticed when a run has ended, told to whoever the settings name. Since 0.1. */
#ifndef CCDATA_ALERTS_H
#define CCDATA_ALERTS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <ccdata/error.h>

struct ccd_client;
struct ccd_job;
struct ccd_report;

/* Whether a receiver is configured, or monitoring is switched on (then alerts are log lines). */
CCD_API bool ccd_alerts_enabled(const struct ccd_client *client);

/* Judge the rules by a run of these jobs that has ended: its report, or with NULL why it could not
 * begin, which is about the command. An alert of one selection says nothing of another. Remembers
 * what is open in the state folder of this host, also when the database is away; notices are sent
 * by a thread of their own, each at least once and with an id. Never an error of the run: what
 * cannot be remembered is DISK, what cannot be sent is a log line and is tried again after the next
 * run. On the thread that uses the client. */
CCD_API int ccd_alerts_after_run(struct ccd_client *client, const char *command,
                                 const struct ccd_job *jobs, size_t job_count,
                                 const struct ccd_report *report, const struct ccd_error *why,
                                 struct ccd_error *err);
/* Wait until the notices under way are sent or given up for now: 5 s at most. Before ccd_close. */
CCD_API void ccd_alerts_flush(struct ccd_client *client);

struct ccd_alert {
    const char *rule, *severity; /* of closed lists */
    const char *subject;         /* "spot_ohlcv 1d kraken BTC-USD", a command */
    const char *meaning, *next_step;
    int64_t opened_utc_s;   /* 0 = not open */
    int64_t noticed_utc_s;  /* when it was told of last; 0 = never */
    int64_t resolved_utc_s; /* 0 = never */
};
struct ccd_alert_list {
    const struct ccd_alert *alerts; /* open ones first */
    size_t count, open_count;
    size_t pending_notices; /* not sent to everybody yet */
};
/* What is remembered on this host. Errors: DISK, NO_MEMORY. */
CCD_API int ccd_alerts_read(struct ccd_client *client, struct ccd_alert_list **out_list,
                            struct ccd_error *err);
CCD_API void ccd_alerts_free(struct ccd_alert_list *list); /* NULL is fine */

/* The receivers, "log", "command", "webhook", "slack", "discord", "mail"; NULL behind the last. */
CCD_API const char *ccd_alert_receiver_at(size_t index);
CCD_API bool ccd_alert_receiver_is_set(const struct ccd_client *client, size_t index);
/* Send a notice of a trial to one of them, now, and wait for it: 5 s at most. */
CCD_API int ccd_alert_receiver_try(struct ccd_client *client, size_t index, struct ccd_error *err);

#endif
