#include <ccdata/metrics.h>

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "api/client.h"
#include "model/data_type.h"
#include "monitor/metrics.h"

enum { TEXT_MAX_BYTES = 4 << 20, PATH_MAX_BYTES = 4096 };
static const int64_t ratio_parts = 1000000;

static int no_memory(struct ccd_error *err)
{
    return error_set(err, CCD_NO_MEMORY, "no memory for the metrics");
}

/* ---- of this process ---- */

static int64_t resident_bytes(void)
{
    char text[64] = "";
    int64_t pages = 0;
    int fd = open("/proc/self/statm", O_RDONLY | O_CLOEXEC);
    ssize_t len = fd >= 0 ? read(fd, text, sizeof(text) - 1) : 0;
    if (fd >= 0)
        close(fd);
    struct str rest = {text, len > 0 ? (size_t)len : 0};
    str_split(&rest, ' '); /* the whole size comes first */
    return str_to_i64(str_split(&rest, ' '), &pages) ? pages * sysconf(_SC_PAGESIZE) : 0;
}

struct open_files {
    int64_t descriptors, sockets;
};

static struct open_files count_open_files(void)
{
    struct open_files open = {0};
    DIR *folder = opendir("/proc/self/fd");
    for (const struct dirent *entry; folder && (entry = readdir(folder));) {
        char target[16] = "";
        if (readlinkat(dirfd(folder), entry->d_name, target, sizeof(target) - 1) < 0)
            continue; /* "." and ".." */
        open.descriptors++;
        open.sockets += str_starts_with(str_from(target), STR("socket:"));
    }
    if (folder)
        closedir(folder);
    open.descriptors -= open.descriptors > 0; /* that of the folder */
    return open;
}

static int write_text(struct ccd_client *client, struct buf *out, struct ccd_error *err)
{
    metric_set(client->metrics, METRIC_MEMORY, 0, 0, resident_bytes());
    struct open_files open = count_open_files();
    metric_set(client->metrics, METRIC_DESCRIPTORS, 0, 0, open.descriptors);
    metric_set(client->metrics, METRIC_CONNECTIONS, 0, 0, open.sockets);
    buf_init(out, TEXT_MAX_BYTES, NULL);
    metrics_write(client->metrics, CCDATA_VERSION, out);
    return out->failed ? no_memory(err) : 0;
}

int ccd_metrics_text(struct ccd_client *client, ccd_metrics_write_fn *write, void *user,
                     struct ccd_error *err)
{
    struct buf text;
    int status = write_text(client, &text, err);
    if (status == 0)
        status = write(user, text.data, text.len);
    buf_release(&text);
    return status;
}

static int write_file(const char *path, struct str text, struct ccd_error *err)
{
    char draft[PATH_MAX_BYTES];
    struct stat there;
    if (stat(path, &there) == 0 && !S_ISREG(there.st_mode)) /* /dev/null is not to become a file */
        return error_set(err, CCD_DISK,
                         "cannot write the metrics to %s: it is there, and no regular file", path);
    if (!str_print(draft, sizeof(draft), "%s.%ld", path, (long)getpid()))
        return error_set(err, CCD_DISK, "the name %s is too long", path);
    int fd = open(draft, O_WRONLY | O_CREAT | O_TRUNC | O_NOFOLLOW | O_CLOEXEC, 0644);
    bool written = fd >= 0 && fchmod(fd, 0644) == 0 &&
                   write(fd, text.ptr, text.len) == (ssize_t)text.len;
    written &= fd < 0 || close(fd) == 0;
    if (written && rename(draft, path) == 0)
        return 0;
    int why = errno;
    unlink(draft);
    return error_set_native(err, CCD_DISK, why, "cannot write the metrics to %s: %s", path,
                            strerror(why));
}

int ccd_metrics_write_file(struct ccd_client *client, const char *path, struct ccd_error *err)
{
    struct buf text;
    int status = write_text(client, &text, err);
    if (status == 0)
        status = write_file(path, buf_str(&text), err);
    buf_release(&text);
    return status;
}

/* ---- of the database ---- */

static int type_of(const char *name)
{
    for (size_t i = 0; i < data_type_count; i++)
        if (strcmp(data_types[i]->name, name) == 0)
            return (int)i;
    return -1;
}

static int interval_of(const char *name)
{
    enum interval interval;
    bool found = name && interval_parse(str_from(name), &interval);
    return found ? (int)interval : METRIC_METADATA_INTERVAL;
}

static void set_data(struct metrics *m, const struct ccd_stored_data *d, int64_t now_utc_s)
{
    int type = type_of(d->data_type), interval = interval_of(d->interval);
    metric_set(m, METRIC_SERIES, type, interval, d->series);
    if (interval == METRIC_METADATA_INTERVAL) {
        if (d->asked_utc_s > 0)
            metric_set(m, METRIC_AGE, type, interval, now_utc_s - d->asked_utc_s);
        return;
    }
    metric_set(m, METRIC_SERIES_BEHIND, type, interval, d->series_behind);
    metric_set(m, METRIC_GAPS, type, interval, d->wanted - d->covered);
    if (d->wanted > 0)
        metric_set(m, METRIC_COVERAGE, type, interval,
                   (int64_t)((double)d->covered / (double)d->wanted * (double)ratio_parts));
    if (d->newest_final_age_s >= 0)
        metric_set(m, METRIC_AGE, type, interval, d->newest_final_age_s);
}

/* Then the last run is its own: another process may have recorded one since, or this one none. */
static bool has_run(const struct metrics *m)
{
    int64_t runs = 0;
    for (int i = 0; i < RUN_COUNT; i++)
        runs += metric_read(m, METRIC_RUNS, i, 0);
    return runs > 0;
}

int ccd_metrics_refresh(struct ccd_client *client, struct ccd_error *err)
{
    struct ccd_status_report *report = NULL;
    int status = ccd_status_read(client, NULL, &report, err);
    if (status != 0)
        return status;
    for (size_t i = 0; i < report->data_count; i++)
        set_data(client->metrics, &report->data[i], report->now_utc_s);
    if (report->database_error.status == CCD_OK) /* else what stands there is of before */
        metric_set(client->metrics, METRIC_REFRESHED, 0, 0, report->now_utc_s);
    for (size_t i = 0; i < report->quota_count; i++)
        if (report->quota[i].left >= 0)
            metric_set(client->metrics, METRIC_QUOTA_LEFT, (int)i, 0, report->quota[i].left);
    if (!has_run(client->metrics) && report->run_count > 0 && report->runs[0].ended_utc_s > 0) {
        metric_set(client->metrics, METRIC_RUN_SECONDS, 0, 0, report->runs[0].duration_ms);
        metric_set(client->metrics, METRIC_EXIT_CODE, 0, 0, report->runs[0].exit_code);
    }
    status = (int)report->database_error.status;
    if (status != CCD_OK && err)
        *err = report->database_error;
    ccd_status_free(report);
    return status;
}

int ccd_metrics_reference(char **out_text, struct ccd_error *err)
{
    struct buf text;
    buf_init(&text, TEXT_MAX_BYTES, NULL);
    metrics_write_reference(&text);
    size_t len = text.len + 1;
    *out_text = text.failed ? NULL : mem_new(NULL, len, 1);
    if (*out_text)
        str_copy(*out_text, len, buf_str(&text));
    buf_release(&text);
    return *out_text ? 0 : no_memory(err);
}
