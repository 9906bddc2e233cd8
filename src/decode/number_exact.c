/* The undecided cases of number_read: is a long decimal number below or above the middle of two
 * doubles? Both sides are turned into integers and compared. Plain schoolbook arithmetic, as the
 * case is rare. */
#include <assert.h>

#include "decode/number_internal.h"

/* Both sides are of equal magnitude, and the larger factor is 10^769 or 2^53 × 5^1092: below
 * 2^2700. */
enum { LIMBS = 48, FIVES_PER_LIMB = 27 };

/* A natural number, least significant limb first; limbs[count - 1] != 0. */
struct natural {
    uint64_t limbs[LIMBS];
    size_t count;
};

static void push(struct natural *n, uint64_t limb)
{
    if (limb != 0) {
        assert(n->count < LIMBS);
        n->limbs[n->count++] = limb;
    }
}

/* n × factor + addend */
static void multiply_add(struct natural *n, uint64_t factor, uint64_t addend)
{
    uint64_t carry = addend;
    for (size_t i = 0; i < n->count; i++) {
        unsigned __int128 product = (unsigned __int128)n->limbs[i] * factor + carry;
        n->limbs[i] = (uint64_t)product;
        carry = (uint64_t)(product >> 64);
    }
    push(n, carry);
}

static void set_digits(struct natural *n, const struct decimal *d)
{
    size_t i = 0;
    while (i < d->count) {
        uint64_t chunk = 0;
        uint64_t scale = 1;
        for (size_t end = i + U64_DIGITS_MAX; i < end && i < d->count; i++) {
            chunk = chunk * 10 + d->digits[i];
            scale *= 10;
        }
        multiply_add(n, scale, chunk);
    }
}

static void multiply_by_fives(struct natural *n, int64_t power)
{
    uint64_t largest = 1;
    for (int i = 0; i < FIVES_PER_LIMB; i++)
        largest *= 5;
    for (; power >= FIVES_PER_LIMB; power -= FIVES_PER_LIMB)
        multiply_add(n, largest, 0);
    for (; power > 0; power--)
        multiply_add(n, 5, 0);
}

static void shift_left(struct natural *n, int64_t bits)
{
    size_t limbs = (size_t)bits / 64;
    unsigned rest = (unsigned)bits % 64;
    if (rest != 0)
        multiply_add(n, UINT64_C(1) << rest, 0);
    assert(n->count + limbs <= LIMBS);
    memmove(n->limbs + limbs, n->limbs, n->count * sizeof n->limbs[0]);
    memset(n->limbs, 0, limbs * sizeof n->limbs[0]);
    n->count += limbs;
}

static int compare(const struct natural *a, const struct natural *b)
{
    if (a->count != b->count)
        return a->count < b->count ? -1 : 1;
    for (size_t i = a->count; i-- > 0;)
        if (a->limbs[i] != b->limbs[i])
            return a->limbs[i] < b->limbs[i] ? -1 : 1;
    return 0;
}

/* The middle between two neighbouring doubles has at most 767 significant digits, so
 * EXACT_DIGITS_MAX and a sign that something follows decide every case. */
double number_round_exact(const struct decimal *d, double lower)
{
    uint64_t bits = to_bits(lower);
    int64_t biased = (int64_t)(bits >> 52);
    uint64_t mantissa = bits & ((UINT64_C(1) << 52) - 1);
    if (biased > 0)
        mantissa |= UINT64_C(1) << 52;
    else
        biased = 1; /* subnormal: same weight as the smallest normal numbers */
    /* lower = mantissa × 2^(biased - 1075), the middle = (2 × mantissa + 1) × 2^(biased - 1076) */
    struct natural middle = {.count = 0};
    push(&middle, 2 * mantissa + 1);
    struct natural value = {.count = 0};
    set_digits(&value, d);
    multiply_by_fives(d->exponent < 0 ? &middle : &value,
                      d->exponent < 0 ? -d->exponent : d->exponent);
    int64_t twos = d->exponent - (biased - 1076);
    shift_left(twos < 0 ? &middle : &value, twos < 0 ? -twos : twos);

    int order = compare(&value, &middle);
    bool up = order > 0 || (order == 0 && (mantissa & 1) != 0);
    return from_bits(bits +
                     up); /* the neighbour above has the next bit pattern, infinity included */
}
