/* Names that a job gives, and lists of names. Invariant: a list has each name once. */
#ifndef API_SELECT_NAMES_H
#define API_SELECT_NAMES_H

#include <ccdata/ccdata.h>

#include "base/buf.h"

struct name_list {
    struct buf text; /* names, each with its NUL */
    size_t count;
    const char **sorted; /* after name_list_index */
    size_t sorted_count;
};
void name_list_init(struct name_list *list, const struct allocator *allocator);
void name_list_release(struct name_list *list); /* zeroed is legal */
/* CCD_NO_MEMORY, also when there are too many. */
int name_list_add(struct name_list *list, struct str name, struct ccd_error *err);
/* In lower case, as the vendor spells market ids. */
int name_list_add_market(struct name_list *list, struct str market, struct ccd_error *err);
/* ASCII case makes no difference. */
bool name_list_has_nocase(const struct name_list *list, struct str name);
/* Make name_list_has quick; the list must not change any more. */
int name_list_index(struct name_list *list, struct ccd_error *err);
bool name_list_has(const struct name_list *list, struct str name);

/* The instruments that a job names: their number, and the i-th. */
size_t job_pattern_count(const struct ccd_job *job);
const char *job_pattern(const struct ccd_job *job, size_t i);

#endif
