/* Which data types of the registry a copy or a comparison is about. */
#ifndef API_TYPE_CHOICE_H
#define API_TYPE_CHOICE_H

#include "base/error.h"
#include "model/data_type.h"

enum { DATA_TYPES_MAX = 64 };

/* The types of the registry that the names ask for, none = all. CCD_USAGE with the nearest name. */
struct type_choice {
    bool chosen[DATA_TYPES_MAX]; /* as in data_types[] */
};
int type_choice_init(struct type_choice *choice, const char *const *names, size_t count,
                     struct ccd_error *err);
/* Whether it is chosen and has series. */
bool type_choice_needs(const struct type_choice *choice, const struct data_type *type);

#endif
