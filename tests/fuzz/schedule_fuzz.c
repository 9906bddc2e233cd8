/* Any text as "every" and as "cron": refused, or a time that lies ahead. */
#include "api/schedule.h"

#include <ccdata/ccdata.h>
#include <string.h>

#include "fuzz.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len)
{
    struct ccd_job job = CCD_JOB_INIT;
    struct ccd_error err = {0};
    static const int64_t after[] = {0, 1772366400, -86400, 4102444799};
    char text[256];
    if (len >= sizeof text)
        return 0;
    memcpy(text, bytes, len);
    text[len] = '\0';
    for (size_t i = 0; i < 2 * sizeof after / sizeof *after; i++) {
        int64_t next = 0, from = after[i / 2];
        job.every = i % 2 ? text : NULL;
        job.cron = i % 2 ? NULL : text;
        int status = ccd_schedule_next(&job, from, 360, &next, &err);
        PROMISE(status == 0 || status == CCD_USAGE);
        PROMISE(status != 0 || next > from);
    }
    return 0;
}
