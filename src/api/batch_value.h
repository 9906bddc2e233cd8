/* Values of a batch file, checked on their way into a job.
 * Invariant: every refusal is CCD_USAGE "name:line: what is wrong and what is right". */
#ifndef API_BATCH_VALUE_H
#define API_BATCH_VALUE_H

#include "api/batch_keys.h"
#include "base/arena.h"
#include "base/error.h"
#include "decode/document.h"

enum {
    BATCH_NAME_BYTES = 64, /* of a name of the file in a message */
    BATCH_FORM_BYTES = 160,
};

struct batch_reader {
    const char *name;     /* of the file, for messages */
    struct arena *memory; /* of what a job points to */
    struct ccd_error *err;
};

int batch_refuse(struct batch_reader *r, int line, const char *format, ...) PRINTF_LIKE(3, 4);
int batch_refuse_for_memory(struct batch_reader *r);
/* The known name that somebody may have meant; "" when none is near. */
const char *batch_nearest(struct str given, const char *(*name_at)(size_t index));
/* "the text "5"", "a list" */
const char *batch_describe(const struct document_value *value, char out[BATCH_FORM_BYTES]);

/* The value into the key's member, which may point into the document then. */
int batch_value_set(struct batch_reader *r, const struct batch_key *key,
                    const struct document_value *value, struct ccd_job *job);
void batch_value_copy(const struct batch_key *key, struct ccd_job *to, const struct ccd_job *from);

#endif
