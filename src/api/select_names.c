#include "api/select_names.h"

#include <stdlib.h>
#include <string.h>

#include "model/series.h"

enum {
    NAMES_MAX = 20000, /* markets, or assets: the vendor has some hundred and some thousand */
    NAMES_MAX_BYTES = 4 << 20,
};

void name_list_init(struct name_list *list, const struct allocator *allocator)
{
    *list = (struct name_list){0};
    buf_init(&list->text, NAMES_MAX_BYTES, allocator);
}

void name_list_release(struct name_list *list)
{
    mem_free(list->text.allocator, list->sorted);
    buf_release(&list->text);
    *list = (struct name_list){0};
}

static bool is_in(const struct name_list *list, struct str name,
                  bool (*equal)(struct str a, struct str b))
{
    const char *have = list->text.data;
    for (size_t i = 0; i < list->count; i++, have += strlen(have) + 1)
        if (equal(str_from(have), name))
            return true;
    return false;
}

int name_list_add(struct name_list *list, struct str name, struct ccd_error *err)
{
    if (is_in(list, name, str_equal))
        return 0;
    if (list->count == NAMES_MAX || buf_reserve(&list->text, name.len + 1) != 0)
        return error_set(err, CCD_NO_MEMORY, "no room for a list of more than %zu names",
                         list->count);
    buf_add(&list->text, name.ptr, name.len);
    buf_add_char(&list->text, '\0');
    list->count++;
    return 0;
}

int name_list_add_market(struct name_list *list, struct str market, struct ccd_error *err)
{
    char lower[MARKET_MAX_BYTES];
    if (!str_copy(lower, sizeof(lower), market))
        return error_set(err, CCD_USAGE, "a market name is too long");
    for (char *p = lower; *p; p++)
        if (*p >= 'A' && *p <= 'Z')
            *p = (char)(*p - 'A' + 'a');
    return name_list_add(list, str_from(lower), err);
}

bool name_list_has_nocase(const struct name_list *list, struct str name)
{
    return is_in(list, name, str_equal_nocase);
}

static int compare_names(const void *a, const void *b)
{
    return strcmp(*(const char *const *)a, *(const char *const *)b);
}

int name_list_index(struct name_list *list, struct ccd_error *err)
{
    list->sorted = mem_new(list->text.allocator, list->count + 1, sizeof(*list->sorted));
    if (!list->sorted)
        return error_set(err, CCD_NO_MEMORY, "no memory for a list of %zu names", list->count);
    const char *name = list->text.data;
    for (size_t i = 0; i < list->count; i++, name += strlen(name) + 1)
        list->sorted[list->sorted_count++] = name;
    qsort(list->sorted, list->sorted_count, sizeof(*list->sorted), compare_names);
    return 0;
}

bool name_list_has(const struct name_list *list, struct str name)
{
    size_t low = 0, high = name.len > 0 ? list->sorted_count : 0;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        int order = strncmp(list->sorted[middle], name.ptr, name.len);
        if (order == 0 && strlen(list->sorted[middle]) == name.len)
            return true;
        if (order < 0)
            low = middle + 1;
        else
            high = middle;
    }
    return false;
}

size_t job_pattern_count(const struct ccd_job *job)
{
    return job->instrument ? 1 : job->instrument_count;
}

const char *job_pattern(const struct ccd_job *job, size_t i)
{
    return job->instrument ? job->instrument : job->instruments[i];
}
