/* Batch files. What is taken is a list of whole operations; what is refused names file and line. */
#include <ccdata/ccdata.h>

#include <string.h>

#include "base/str.h"
#include "fuzz.h"

static void check_text(const char *text)
{
    PROMISE(!text || (text[0] && str_is_utf8(str_from(text))));
}

static void check_names(const char *const *names, size_t count)
{
    PROMISE((names == NULL) == (count == 0));
    for (size_t i = 0; i < count; i++) {
        PROMISE(names[i]);
        check_text(names[i]);
    }
}

static void check_job(const struct ccd_job *job)
{
    PROMISE(job->size == sizeof(*job));
    PROMISE(job->data_type && ccd_type_find(job->data_type, NULL) != SIZE_MAX);
    PROMISE(job->pair_limit == -1 || job->pair_limit > 0);
    PROMISE(job->asset_limit == -1 || job->asset_limit > 0);
    const char *const texts[] = {job->interval, job->market,    job->instrument,   job->from,
                                 job->to,       job->min_grade, job->exchange_type};
    for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++)
        check_text(texts[i]);
    check_names(job->exchanges, job->exchange_count);
    check_names(job->instruments, job->instrument_count);
    check_names(job->quotes, job->quote_count);
}

static void check_error(const struct ccd_error *err, const char *text, size_t len)
{
    long line = 1;
    long last_line = 1;
    for (size_t i = 0; i < len; i++)
        last_line += text[i] == '\n';
    PROMISE(err->status == CCD_USAGE || err->status == CCD_NO_MEMORY);
    PROMISE(str_is_utf8(str_from(err->message)));
    if (err->status == CCD_USAGE && len <= CCD_BATCH_MAX_BYTES) {
        PROMISE(strncmp(err->message, "f:", 2) == 0);
        line = strtol(err->message + 2, NULL, 10);
    }
    PROMISE(line >= 1 && line <= last_line);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len)
{
    struct ccd_batch *batch = NULL;
    struct ccd_error err = {0};
    char *text = malloc(len > 0 ? len : 1);
    PROMISE(text);
    memcpy(text, bytes, len);
    int status = ccd_batch_parse(text, len, "f", &batch, &err);
    if (status == 0) {
        memset(text, 'x', len); /* the jobs do not live in it */
        size_t count = 0;
        const struct ccd_job *jobs = ccd_batch_jobs(batch, &count);
        PROMISE(count > 0 && count <= CCD_BATCH_OPERATIONS_MAX);
        for (size_t i = 0; i < count; i++)
            check_job(&jobs[i]);
    } else {
        PROMISE(!batch && (int)err.status == status);
        check_error(&err, text, len);
    }
    ccd_batch_free(batch);
    free(text);
    return 0;
}
