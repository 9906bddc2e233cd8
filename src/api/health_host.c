/* What this host has: room on its disks, memory, files that only their owner can read. */
#include <errno.h>
#include <inttypes.h>
#include <libgen.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include "api/database.h"
#include "api/health.h"
#include "api/vendor.h"
#include "store/url.h"

static const int64_t mib = 1 << 20;
static const int64_t disk_low_bytes = INT64_C(1) << 30, disk_full_bytes = INT64_C(64) << 20;

enum { MEMORY_LOW_PERCENT = 10, MEMORY_LINE_BYTES = 256 };

/* The file of a SQLite database; "" for another one. */
static void database_file(struct health *h, char out[URL_PATH_MAX_BYTES])
{
    struct database database;
    struct ccd_error err = {0};
    struct store_url url = {0};
    out[0] = '\0';
    if (database_config(h->client, NULL, &database, &err) == 0 &&
        store_url_parse(database.config.url, &url, &err) == CCD_OK) {
        str_copy(out, URL_PATH_MAX_BYTES, str_from(url.path));
        store_url_release(&url);
    }
    database_release(&database);
}

/* ---- disk ---- */

/* The folder that is there, of a file that may not be. */
static void existing_folder(const char *path, char out[STATE_PATH_BYTES])
{
    char copy[STATE_PATH_BYTES];
    struct stat st;
    str_copy(out, STATE_PATH_BYTES, str_from(path));
    do {
        str_copy(copy, sizeof(copy), str_from(out));
        str_copy(out, STATE_PATH_BYTES, str_from(dirname(copy)));
    } while (stat(out, &st) != 0 && strcmp(out, "/") != 0 && strcmp(out, ".") != 0);
}

static void check_room(struct health *h, struct ccd_health_check *check, const char *what,
                       const char *path)
{
    char folder[STATE_PATH_BYTES];
    struct statvfs fs;
    existing_folder(path, folder);
    if (statvfs(folder, &fs) != 0) {
        health_found(h, check, CCD_VERDICT_WARNING, "see whether the folder can be read",
                     "%s: %s: %s", what, folder, strerror(errno));
        return;
    }
    int64_t free_bytes = (int64_t)(fs.f_bavail * fs.f_frsize);
    check->status = CCD_DISK;
    enum ccd_verdict verdict = free_bytes < disk_full_bytes  ? CCD_VERDICT_FAILED
                               : free_bytes < disk_low_bytes ? CCD_VERDICT_WARNING
                                                             : CCD_VERDICT_OK;
    health_found(h, check, verdict, verdict == CCD_VERDICT_OK ? NULL : "make room, or move it",
                 "%" PRId64 " MiB are free for the %s", free_bytes / mib, what);
}

void health_disk(struct health *h, struct ccd_health_check *check)
{
    const struct config *c = h->client->config;
    char path[URL_PATH_MAX_BYTES], state[STATE_PATH_BYTES];
    database_file(h, path);
    if (path[0])
        check_room(h, check, "database", path);
    if (config_bool(c, CONFIG_LOG_FILE_ENABLED))
        check_room(h, check, "log", config_text(c, CONFIG_LOG_FILE_PATH).ptr);
    if (client_state_directory(state, sizeof(state)))
        check_room(h, check, "counts of the quota", state);
}

/* ---- memory ---- */

/* A line "Name:  12345 kB" of a file of /proc; -1 when it is not there. */
static int64_t read_kib(const char *path, const char *name)
{
    char line[MEMORY_LINE_BYTES];
    int64_t found = -1;
    FILE *file = fopen(path, "re");
    while (file && found < 0 && fgets(line, sizeof(line), file)) {
        size_t len = strlen(name);
        struct str rest = str_trim(str_from(line + (strncmp(line, name, len) == 0 ? len : 0)));
        if (strncmp(line, name, len) == 0 && !str_to_i64(str_split(&rest, ' '), &found))
            found = -1;
    }
    if (file)
        fclose(file);
    return found;
}

void health_memory(struct health *h, struct ccd_health_check *check)
{
    int64_t total = read_kib("/proc/meminfo", "MemTotal:");
    int64_t available = read_kib("/proc/meminfo", "MemAvailable:");
    int64_t ours = read_kib("/proc/self/status", "VmRSS:");
    if (total <= 0 || available < 0) {
        health_found(h, check, CCD_VERDICT_UNKNOWN, NULL, "the system does not say");
        return;
    }
    bool is_low = available * 100 < total * MEMORY_LOW_PERCENT;
    health_found(h, check, is_low ? CCD_VERDICT_WARNING : CCD_VERDICT_OK,
                 is_low ? "lower INGESTION_PARALLEL_WORKERS, or give the host more" : NULL,
                 "%" PRId64 " of %" PRId64 " MiB are free, this process has %" PRId64,
                 available / 1024, total / 1024, ours / 1024);
}

/* ---- permissions ---- */

static void check_place(struct health *h, struct ccd_health_check *check, const char *what,
                        const char *path)
{
    char copy[STATE_PATH_BYTES], folder[STATE_PATH_BYTES];
    str_copy(copy, sizeof(copy), str_from(path));
    existing_folder(path, folder);
    if (access(folder, W_OK | X_OK) == 0 && strcmp(dirname(copy), folder) == 0)
        return;
    check->status = CCD_DISK;
    health_found(h, check, CCD_VERDICT_FAILED, "make the folder, writable by the user of ccdata",
                 "there is no place for the %s %s", what, path);
}

static void check_private(struct health *h, struct ccd_health_check *check, const char *what,
                          const char *path, int rights)
{
    struct stat st;
    if (stat(path, &st) != 0) { /* it will be made, when there is a place for it */
        check_place(h, check, what, path);
        return;
    }
    if (st.st_mode & 077)
        health_found(h, check, CCD_VERDICT_WARNING, "take the rights away: chmod go= FILE",
                     "others may use the %s %s (mode %03o)", what, path,
                     (unsigned)st.st_mode & 0777);
    if (access(path, rights) != 0) {
        check->status = CCD_DISK;
        health_found(h, check, CCD_VERDICT_FAILED,
                     rights & W_OK ? "give the user of ccdata the right to write it"
                                   : "give the user of ccdata the right to read it",
                     "the %s %s cannot be used: %s", what, path, strerror(errno));
    }
}

/* Those that are read without being named; ccdata only reads them. */
static void check_settings_files(struct health *h, struct ccd_health_check *check)
{
    const struct str environment = config_text(h->client->config, CONFIG_ENVIRONMENT);
    char name[URL_PATH_MAX_BYTES];
    if (access(".env", F_OK) == 0)
        check_private(h, check, "settings file", ".env", R_OK);
    if (environment.len > 0 && environment.len < sizeof(name) - sizeof(".env.") &&
        str_print(name, sizeof(name), ".env.%s", environment.ptr) && access(name, F_OK) == 0)
        check_private(h, check, "settings file", name, R_OK);
}

void health_permissions(struct health *h, struct ccd_health_check *check)
{
    char path[URL_PATH_MAX_BYTES], state[STATE_PATH_BYTES];
    check_settings_files(h, check);
    database_file(h, path);
    if (path[0])
        check_private(h, check, "database", path, R_OK | W_OK);
    if (!client_state_directory(state, sizeof(state)))
        health_found(h, check, CCD_VERDICT_WARNING, "set XDG_STATE_HOME or HOME",
                     "this host has no place for the counts of the quota");
    else if (access(state, F_OK) == 0) /* else the first run makes it */
        check_private(h, check, "state folder", state, R_OK | W_OK);
    health_found(h, check, CCD_VERDICT_OK, NULL, "database, state and settings are private");
}
