#include <string.h>

#include "base/time.h"
#include "sim/world_asset.h"

const struct quantity quantity_null = {.is_null = true};

struct quantity quantity_integer(int64_t value)
{
    return (struct quantity){.value = value};
}

/* About as many digits as the recorded replies have. */
static struct quantity of_double(double value)
{
    const double enough = 1e14;
    struct quantity q = {0};
    while (value < enough && value > -enough && value != 0 && q.decimals < 18) {
        value *= 10;
        q.decimals++;
    }
    q.value = (int64_t)value;
    return q;
}

double quantity_f64(struct quantity q)
{
    double value = (double)q.value / (double)powers_of_ten[q.decimals];
    for (unsigned i = 0; i < q.zeros; i++)
        value *= 10;
    return value;
}

void quantity_write(struct buf *out, struct quantity q)
{
    char text[64];
    *write_decimal(text, q.value, q.decimals) = '\0';
    buf_add_text(out, q.is_null ? "null" : text);
    for (unsigned i = 0; i < q.zeros && !q.is_null; i++)
        buf_add_char(out, '0');
}

/* ---- what an asset is made of */

bool asset_has_type(const struct subject *s, const char *type)
{
    return strcmp(s->asset->asset_type, type) == 0;
}

bool asset_is_coin(const struct subject *s)
{
    return asset_has_type(s, "BLOCKCHAIN") || asset_has_type(s, "TOKEN");
}

/* -1 … 1, another one each `step_s` seconds. */
static double wave(const struct subject *s, uint64_t salt, int64_t step_s)
{
    uint64_t moment = (uint64_t)(s->now_utc_s / step_s);
    return (double)(dice_mix(dice_mix(s->dice ^ salt) + moment) % 20001) / 10000 - 1;
}

/* The vendor looks again each minute, at assets that nobody trades any more each day; 0 = never. */
static int64_t priced_at(const struct subject *s)
{
    bool quiet = s->number >= s->world->traded_assets && s->dice % 4 == 0;
    int64_t step_s = quiet ? SECONDS_PER_DAY : SECONDS_PER_MINUTE;
    int64_t phase = (int64_t)(s->dice >> 20) % step_s;
    return s->asset->price_usd > 0 ? time_floor(s->now_utc_s - phase, step_s) + phase : 0;
}

static double price(const struct subject *s)
{
    bool peg = asset_has_type(s, "FIAT") || s->asset->price_usd == 1;
    return s->asset->price_usd * (1 + (peg ? 0.0001 : 0.004) * wave(s, 1, SECONDS_PER_MINUTE));
}

/* So that the order by market capitalisation is not that by volume. */
static double supply(const struct subject *s)
{
    double place = (double)s->number * (double)(50 + (s->dice >> 8) % 150) / 100;
    return s->asset->price_usd > 0 ? 2e12 / (1 + place) / s->asset->price_usd : 1e9;
}

struct quantity asset_supply(const struct subject *s, int kind)
{
    bool bounded = s->dice % 3 != 0;
    double circulating = supply(s);
    if (!asset_is_coin(s))
        return quantity_null;
    switch (kind) {
    case SUPPLY_MAX:
        return bounded       ? of_double(circulating * 1.25)
               : s->dice % 2 ? quantity_integer(-1)
                             : quantity_null;
    case SUPPLY_ISSUED:
    case SUPPLY_TOTAL:
        return of_double(circulating * 1.1);
    case SUPPLY_CIRCULATING:
        return of_double(circulating);
    case SUPPLY_FUTURE:
        return bounded ? of_double(circulating * 0.15) : quantity_null;
    case SUPPLY_LOCKED:
        return of_double(circulating * 0.1);
    case SUPPLY_STAKED:
        return s->dice % 2 ? of_double(circulating * 0.3) : quantity_integer(0);
    default:
        return quantity_integer(0);
    }
}

struct quantity asset_block(const struct subject *s, int kind)
{
    int64_t every_s = 10 + (int64_t)(s->dice >> 12) % 590;
    int64_t number = s->now_utc_s / every_s;
    uint64_t dice = dice_mix(s->dice + (uint64_t)number);
    if (!asset_has_type(s, "BLOCKCHAIN"))
        return quantity_null;
    switch (kind) {
    case BLOCK_MINT:
    case BLOCK_TARGET_MINT:
        return s->dice % 4 ? (struct quantity){.value = 3125, .decimals = 3} : quantity_null;
    case BLOCK_NUMBER:
        return quantity_integer(number);
    case BLOCK_TIMESTAMP:
        return quantity_integer(number * every_s);
    case BLOCK_TIME:
    case BLOCK_TARGET_TIME:
        return quantity_integer(every_s);
    case BLOCK_SIZE:
        return quantity_integer(1000 + (int64_t)(dice % 4000000));
    case BLOCK_TRANSACTIONS:
        return quantity_integer((int64_t)(dice >> 8) % 5000);
    case BLOCK_HASHES: /* beyond 2^64, as Bitcoin's is */
        return (struct quantity){.value = 8000000000000000LL + (int64_t)(dice % 1000000000000ULL),
                                 .zeros = s->number == 0 ? 5 : (unsigned)(s->dice % 6)};
    case BLOCK_DIFFICULTY:
        return of_double(1.2e14 + (double)(dice % 1000000) / 7);
    default:
        return quantity_null;
    }
}

/* Traded assets by rank, but for one that ties with the one before; then ever less, at last
 * quantity_null, where all are equal; null for what is no coin. */
struct quantity asset_volume(const struct subject *s, int period_and_part)
{
    static const double periods[] = {[DAY] = 1 / 29.0, [WEEK] = 7 / 29.5, [MONTH] = 1};
    static const double parts[PART_COUNT] = {1, 0.53, 0.12, 0.09};
    enum { TIES = 50 };
    struct subject twin = *s;
    bool ties = s->number == TIES && s->world->traded_assets > TIES;
    if (ties) {
        twin.number = TIES - 1;
        twin.asset = &s->world->assets[TIES - 1];
        twin.dice = dice_text(s->world->config.seed, twin.asset->symbol);
    }
    if (!asset_is_coin(s) || s->asset->price_usd == 0)
        return quantity_null;
    if (s->number >= s->world->traded_assets && s->dice % 3 == 0)
        return quantity_integer(0);
    double month = 6e11 / (double)(twin.number + 1) *
                   (1 + 0.0005 * wave(&twin, 2, 10 * SECONDS_PER_MINUTE));
    return of_double(month * periods[period_and_part / PART_COUNT] *
                     parts[period_and_part % PART_COUNT]);
}

struct quantity asset_change(const struct subject *s, int period_and_kind)
{
    static const double widths[] = {[DAY] = 3, [WEEK] = 9, [MONTH] = 25};
    int period = period_and_kind / 2;
    double percent = widths[period] * wave(s, (uint64_t)(3 + period), SECONDS_PER_MINUTE);
    if (!asset_is_coin(s) || s->asset->price_usd == 0)
        return quantity_null;
    return of_double(period_and_kind % 2 == CHANGE_PERCENTAGE ? percent : price(s) * percent / 100);
}

struct quantity asset_price(const struct subject *s, int kind)
{
    bool priced = s->asset->price_usd > 0;
    if (kind == CAP_PENALTY)
        return s->dice % 50 == 7 ? quantity_integer(30) : quantity_integer(0);
    if (!priced || (kind >= CAP_CIRCULATING && !asset_is_coin(s)))
        return quantity_null;
    switch (kind) {
    case PRICE_USD:
        return of_double(price(s));
    case PRICE_UPDATED:
        return quantity_integer(priced_at(s));
    default:
        return of_double(price(s) * supply(s) * (kind == CAP_TOTAL ? 1.1 : 1));
    }
}

/* Currencies are older than the epoch; coins came one after the other. */
static struct quantity launched(const struct subject *s)
{
    static const struct {
        const char *symbol;
        int year;
    } years[] = {{"USD", 1792}, {"EUR", 1999}, {"GBP", 1694},  {"TRY", 2005},
                 {"JPY", 1871}, {"CHF", 1850}, {"INR", 1770},  {"KRW", 1962},
                 {"XAU", 1500}, {"SPX", 1957}, {"MSTR", 1998}, {"IBIT", 2024}};
    for (size_t i = 0; i < sizeof years / sizeof years[0]; i++)
        if (strcmp(years[i].symbol, s->asset->symbol) == 0)
            return quantity_integer(time_from_civil(years[i].year, 4, 2, 0, 0, 0));
    if (s->number > 0 && s->dice % 10 == 1)
        return quantity_null;
    const int64_t first_bitcoin = 1230940800;
    return quantity_integer(first_bitcoin + (int64_t)s->number * 1200000);
}

struct quantity asset_ids(const struct subject *s, int kind)
{
    const int64_t list_began = 1659708643;
    const struct quantity created = quantity_integer(list_began + (int64_t)s->number * 7000);
    switch (kind) {
    case ID_OWN:
        return quantity_integer(asset_id(s->number));
    case ID_LEGACY:
        return s->dice % 9 == 4 ? quantity_null : quantity_integer(1182 + (int64_t)s->number * 3);
    case ID_PARENT:
        return asset_has_type(s, "TOKEN") && s->dice % 8 == 0 ? quantity_integer(asset_id(1))
                                                              : quantity_null;
    case ID_ISSUER:
        return s->dice % 7 == 0 ? quantity_integer(5000 + (int64_t)(s->dice >> 9) % 900)
                                : quantity_null;
    case CREATED_ON:
        return created;
    case UPDATED_ON:
        return s->dice % 40 == 3
                   ? quantity_null
                   : quantity_integer(created.value + (int64_t)(s->dice >> 7) % 2500000);
    case LAUNCH_DATE:
        return launched(s);
    default:
        return !asset_is_coin(s) ? quantity_null
                                 : quantity_integer((int64_t[]){8, 18, 6, 9}[s->dice % 4]);
    }
}

struct subject asset_subject(const struct world *w, size_t number, int64_t now_utc_s)
{
    const struct asset *asset = &w->assets[number];
    return (struct subject){
        .world = w,
        .now_utc_s = now_utc_s,
        .number = number,
        .asset = asset,
        .dice = dice_text(w->config.seed, asset->symbol),
    };
}
