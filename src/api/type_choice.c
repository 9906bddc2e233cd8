#include "api/type_choice.h"

#include <string.h>

#include <ccdata/ccdata.h>

int type_choice_init(struct type_choice *choice, const char *const *names, size_t count,
                     struct ccd_error *err)
{
    *choice = (struct type_choice){0};
    if (data_type_count > DATA_TYPES_MAX)
        return error_set(err, CCD_INTERNAL, "more than %d data types", DATA_TYPES_MAX);
    for (size_t i = 0; i < data_type_count && count == 0; i++)
        choice->chosen[i] = true;
    for (size_t i = 0; i < count; i++) {
        const char *nearest = NULL;
        size_t index = ccd_type_find(names[i], &nearest);
        if (index == SIZE_MAX)
            return error_set(err, CCD_USAGE,
                             "no data type \"%s\": did you mean %s? See: ccdata types", names[i],
                             nearest);
        choice->chosen[index] = true;
    }
    return 0;
}

bool type_choice_needs(const struct type_choice *choice, const struct data_type *type)
{
    for (size_t i = 0; i < data_type_count; i++)
        if (choice->chosen[i] && data_types[i] == type)
            return type->shape == SHAPE_CANDLES;
    return false;
}
