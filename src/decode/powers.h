/* The table behind number_scale. Generated, see tools/generate_powers.py. */
#ifndef DECODE_POWERS_H
#define DECODE_POWERS_H

#include <stdint.h>

/* Below POWER_FIRST any 64-bit integer times 10^q rounds to 0, above POWER_LAST to infinity. */
enum { POWER_FIRST = -342, POWER_LAST = 308 };

/* The 128 leading bits of 5^q, high word first, for q = POWER_FIRST … POWER_LAST. */
extern const uint64_t powers_of_five[POWER_LAST - POWER_FIRST + 1][2];

#endif
