/* What the planted bugs share. Invariant: a wrapped function is declared by WRAPS and nowhere else.
 */
#ifndef TESTS_SIM_MUTANTS_INTERNAL_H
#define TESTS_SIM_MUTANTS_INTERNAL_H

#include <stdbool.h>
#include <stdint.h>

#include "mutants.h"

/* Begins the definition of what the linker calls for `name`; __real_name is what it would have
 * called. */
#define WRAPS(result, name, ...)                                                                   \
    result __real_##name(__VA_ARGS__);                                                             \
    result __wrap_##name(__VA_ARGS__);                                                             \
    result __wrap_##name(__VA_ARGS__)

/* Whether this bug is planted. */
bool mutant_is(enum mutant mutant);

/* What the planted bugs remember, between calls of one seed. */
struct mutant_memory {
    uint32_t last_ticket; /* of a permit that was granted */
    int puts;             /* of the transaction under way */
    bool skip_next_put;   /* of the next transaction */
    int64_t step_s;       /* of the series that was planned last */
};
extern struct mutant_memory mutant_memory;

#endif
