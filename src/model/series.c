#include "model/series.h"

#include "base/hash.h"

int64_t series_id_of(const char *data_type, struct str market, struct str instrument)
{
    static const char separator = 0x1f;
    struct str type = str_from(data_type);
    uint8_t digest[32];
    struct sha256 h;
    sha256_init(&h);
    sha256_add(&h, type.ptr, type.len);
    sha256_add(&h, &separator, 1);
    sha256_add(&h, market.ptr, market.len);
    sha256_add(&h, &separator, 1);
    sha256_add(&h, instrument.ptr, instrument.len);
    sha256_final(&h, digest);
    uint64_t first = 0;
    for (size_t i = 0; i < sizeof(first); i++) {
        first = first << 8 | digest[i];
    }
    return (int64_t)(first >> (64 - 53));
}

/* C0, DEL and C1, the last as the two bytes that UTF-8 makes of it. The separator of the hash is
 * among them, so two different series never hash the same text. */
static bool has_control_character(struct str s)
{
    for (size_t i = 0; i < s.len; i++) {
        unsigned char c = (unsigned char)s.ptr[i];
        if (c < 0x20 || c == 0x7f) {
            return true;
        }
        if (c == 0xc2 && i + 1 < s.len && (unsigned char)s.ptr[i + 1] < 0xa0) {
            return true;
        }
    }
    return false;
}

static bool is_name(struct str s, size_t capacity_bytes)
{
    return s.len > 0 && s.len < capacity_bytes && str_is_utf8(s) && !has_control_character(s);
}

bool series_names_set(struct series_names *names, const struct data_type *type, struct str market,
                      struct str instrument, struct str mapped_instrument)
{
    if (mapped_instrument.len == 0) {
        mapped_instrument = instrument;
    }
    if (!is_name(market, sizeof(names->market)) ||
        !is_name(instrument, sizeof(names->instrument)) ||
        !is_name(mapped_instrument, sizeof(names->mapped_instrument))) {
        return false;
    }
    names->series_id = series_id_of(type->name, market, instrument);
    str_copy(names->market, sizeof(names->market), market);
    str_copy(names->instrument, sizeof(names->instrument), instrument);
    str_copy(names->mapped_instrument, sizeof(names->mapped_instrument), mapped_instrument);
    return true;
}
