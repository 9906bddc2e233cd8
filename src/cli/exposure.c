#include "cli/exposure.h"

#include <ccdata/metrics.h>
#include <ccdata/serve.h>

#include "base/error.h"
#include "base/hooks.h"
#include "cli/client.h"

static const int64_t file_every_us = 15000000;

static const char *setting(const struct exposure *e, const char *name)
{
    const char *value = ccd_setting_value(e->client->handle, name, NULL);
    return value && value[0] ? value : NULL;
}

static void warn(struct exposure *e, const struct ccd_error *err)
{
    log_sink_write(&e->client->log,
                   &(struct ccd_log_line){.level = CCD_LOG_WARNING, .text = err->message});
}

/* On the server's thread. */
static int write_metrics(void *user, ccd_metrics_write_fn *write, void *write_user)
{
    struct exposure *e = user;
    return ccd_metrics_text(e->client->handle, write, write_user, NULL);
}

/* The library gives no secret away: the listener takes its token from the same setting. */
static void start_server(struct exposure *e)
{
    struct ccd_error err = {0};
    bool enabled = false;
    const char *on = setting(e, "PROMETHEUS_ENABLED");
    if (!on || !str_to_bool(str_from(on), &enabled) || !enabled)
        return;
    if (ccd_server_start_configured(e->client->handle, &e->server, &err) != 0) {
        warn(e, &err);
        return;
    }
    ccd_server_on_metrics(e->server, write_metrics, e);
    char text[256];
    str_print(text, sizeof text, "metrics on http://%s/metrics", ccd_server_address(e->server));
    log_sink_write(&e->client->log, &(struct ccd_log_line){.level = CCD_LOG_INFO, .text = text});
}

void exposure_start(struct exposure *e, struct client *client)
{
    *e = (struct exposure){.client = client};
    e->file = setting(e, "CCDATA_METRICS_FILE");
    start_server(e);
}

static void write_file(struct exposure *e)
{
    struct ccd_error err = {0};
    e->next_us = clock_mono_us(NULL) + file_every_us;
    if (e->file && ccd_metrics_write_file(e->client->handle, e->file, &err) != 0)
        warn(e, &err);
}

static void on_progress(void *user, const struct ccd_progress *progress)
{
    struct exposure *e = user;
    if (e->file && clock_mono_us(NULL) >= e->next_us)
        write_file(e);
    if (e->inner)
        e->inner(e->inner_user, progress);
}

void exposure_watch(struct exposure *e, struct ccd_run_options *how)
{
    if (!e->file)
        return;
    e->inner = how->progress;
    e->inner_user = how->progress_user;
    how->progress = on_progress;
    how->progress_user = e;
}

void exposure_refresh(struct exposure *e)
{
    struct ccd_error err = {0};
    if (!e->file && !e->server)
        return;
    if (ccd_metrics_refresh(e->client->handle, &err) != 0)
        warn(e, &err);
    write_file(e);
}

void exposure_publish(struct exposure *e, const char *route, int http_status, const char *json)
{
    struct ccd_error err = {0};
    if (e->server && ccd_server_publish(e->server, route, http_status, json, &err) != 0)
        warn(e, &err);
}

void exposure_stop(struct exposure *e)
{
    ccd_server_stop(e->server);
    e->server = NULL;
}
