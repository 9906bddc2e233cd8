#include <stdlib.h>
#include <string.h>

#include "api/copy.h"
#include "base/arena.h"

enum { PARTS_MAX = DATA_TYPES_MAX * INTERVAL_COUNT, REPORT_MAX_BYTES = 1 << 20 };

struct copy_report {
    struct ccd_copy_report report; /* first, so that ccd_copy_report_free finds all of it */
    struct ccd_copy_part parts[PARTS_MAX];
    size_t part_count;
    struct ccd_error failed; /* of the first series that was given up */
    struct arena arena;
};

int copy_report_new(struct copy_report **out, struct ccd_error *err)
{
    struct copy_report *r = mem_new(NULL, 1, sizeof(*r));
    if (!r)
        return error_set(err, CCD_NO_MEMORY, "no memory for a report");
    arena_init(&r->arena, REPORT_MAX_BYTES, NULL);
    *out = r;
    return 0;
}

void ccd_copy_report_free(struct ccd_copy_report *report)
{
    struct copy_report *r = (struct copy_report *)report;
    if (!r)
        return;
    arena_release(&r->arena);
    mem_free(NULL, r);
}

struct ccd_copy_part *copy_report_part(struct copy_report *r, const char *data_type,
                                       const char *interval)
{
    struct ccd_copy_part *part = &r->parts[r->part_count];
    if (r->part_count + 1 < PARTS_MAX)
        r->part_count++;
    *part = (struct ccd_copy_part){.data_type = data_type, .interval = interval};
    return part;
}

void copy_report_failed(struct copy_report *r, const struct ccd_error *err)
{
    if (r->failed.status == CCD_OK)
        r->failed = *err;
}

static bool is_empty(const struct ccd_copy_part *part)
{
    return part->series == 0 && part->series_failed == 0;
}

static void add_up(struct copy_report *r)
{
    struct ccd_copy_part *total = &r->report.total;
    size_t kept = 0;
    for (size_t i = 0; i < r->part_count; i++) {
        const struct ccd_copy_part *part = &r->parts[i];
        if (is_empty(part))
            continue;
        total->series += part->series;
        total->series_failed += part->series_failed;
        total->rows_read += part->rows_read;
        total->rows_written += part->rows_written;
        total->chunks_copied += part->chunks_copied;
        total->chunks_skipped += part->chunks_skipped;
        r->parts[kept++] = *part;
    }
    r->report.parts = r->parts;
    r->report.part_count = kept;
}

static const char *text(struct copy_report *r, const char *text)
{
    const char *copy = arena_copy_text(&r->arena, str_from(text));
    return copy ? copy : "";
}

struct ccd_copy_report *copy_report_finish(struct copy_report *r, const struct copy *c,
                                           const struct ccd_error *ended)
{
    struct ccd_copy_report *report = &r->report;
    add_up(r);
    report->from = text(r, c->from.name);
    report->to = text(r, c->to.name);
    report->duration_ms = scan_elapsed_ms(&c->scan);
    report->error = ended->status != CCD_OK ? *ended : r->failed;
    redact(&c->client->redactor, report->error.message);
    report->exit_code = ccd_status_exit_code(report->error.status);
    bool some = report->total.chunks_copied + report->total.chunks_skipped > 0;
    report->status = scan_outcome(report->error.status);
    if (some && strcmp(report->status, "failed") == 0) {
        report->status = "partial";
        report->exit_code = ended->status == CCD_OK ? 1 : report->exit_code;
    }
    return report;
}
