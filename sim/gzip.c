#include "sim/gzip.h"

#include <libdeflate.h>
#include <string.h>

enum {
    SYMBOL_END = 256,
    SYMBOL_LENGTH = 257,
    LITERAL_SYMBOLS = 286,
    DISTANCE_SYMBOLS = 30,
    CODE_BITS_MAX = 12,
    MATCH_MIN = 3,
    MATCH_MAX = 258,
    DISTANCE_MAX = 32768,
    LENGTH_SHIFT = 16, /* of a plain code; 24 of a length with its extra bits */
    LENGTH_CODE_SHIFT = 24,
    MEMBER_OVERHEAD_BYTES = 256,
    LEVEL = 1,
};

/* One Huffman code serves all pages: they look alike, and it spares counting. */
struct gzip {
    const struct allocator *allocator;
    struct libdeflate_compressor *compressor; /* for texts without hints */
    uint32_t literal[LITERAL_SYMBOLS]; /* bits of the code, lowest first; length from bit 16 */
    uint32_t distance[DISTANCE_SYMBOLS];
    uint32_t
        length_code[MATCH_MAX + 1]; /* of 3 … 258 bytes, extra bits included; length from bit 24 */
    uint8_t header[160];
    size_t header_bits;
};

/* ---- bits */

struct bit_writer {
    uint64_t bits;
    unsigned count;
    uint8_t *at;
};

static void put(struct bit_writer *w, uint64_t bits, unsigned count)
{
    w->bits |= bits << w->count;
    w->count += count;
}

/* Store whole bytes; afterwards fewer than 8 bits wait, so 56 more fit. Writes 8 bytes at w->at. */
static void flush(struct bit_writer *w)
{
    for (unsigned i = 0; i < 8; i++)
        w->at[i] = (uint8_t)(w->bits >> (8 * i)); /* one store on a little-endian machine */
    w->at += w->count / 8;
    w->bits >>= w->count & ~7u;
    w->count &= 7;
}

/* ---- the code */

/* Lengths of the codes, in bits. A page is digits and repetitions of 11 to 66 bytes from one row
 * (200 to 2000 bytes) before; the rest is rare. Each set is complete: the sum of 2^-length is 1. */
static unsigned literal_bits(unsigned symbol)
{
    if (symbol >= '0' && symbol <= '9')
        return 4;
    if (symbol == '.')
        return 6;
    if (symbol >= SYMBOL_LENGTH)
        return symbol < 265 ? 8 : symbol < 277 ? 6 : symbol < 281 ? 7 : 8;
    /* 117 other ASCII characters, 4 bytes and the end; then the other bytes. */
    return symbol < 128 + 4 || symbol == SYMBOL_END ? 11 : 12;
}

static unsigned distance_bits(unsigned symbol)
{
    if (symbol == 18 || symbol == 19)
        return 2;
    if (symbol == 16 || symbol == 17 || symbol == 20 || symbol == 21)
        return 4;
    return symbol >= 8 && symbol < 16 ? 6 : 7;
}

static uint32_t reversed(uint32_t code, unsigned bits)
{
    uint32_t out = 0;
    for (unsigned i = 0; i < bits; i++)
        out |= (code >> i & 1) << (bits - 1 - i);
    return out;
}

/* Canonical codes (RFC 1951 §3.2.2), first bit lowest. */
static void assign_codes(unsigned (*bits_of)(unsigned), unsigned symbols, uint32_t *codes)
{
    uint32_t next = 0;
    for (unsigned bits = 1; bits <= CODE_BITS_MAX; bits++, next <<= 1) {
        for (unsigned s = 0; s < symbols; s++)
            if (bits_of(s) == bits)
                codes[s] = reversed(next++, bits) | bits << LENGTH_SHIFT;
    }
}

/* Symbol, number and value of the extra bits of a length (RFC 1951 §3.2.5). */
static void init_lengths(struct gzip *g)
{
    unsigned symbol = SYMBOL_LENGTH, base = MATCH_MIN;
    for (unsigned length = MATCH_MIN; length < MATCH_MAX; length++) {
        unsigned extra_bits = symbol < 265 ? 0 : (symbol - 261) / 4;
        uint32_t code = g->literal[symbol];
        unsigned bits = code >> LENGTH_SHIFT;
        g->length_code[length] = (code & 0xffff) | (length - base) << bits |
                                 (bits + extra_bits) << LENGTH_CODE_SHIFT;
        if (length + 1 == base + (1u << extra_bits)) {
            symbol++;
            base = length + 1;
        }
    }
    uint32_t last = g->literal[LITERAL_SYMBOLS - 1];
    g->length_code[MATCH_MAX] = (last & 0xffff) | (last >> LENGTH_SHIFT) << LENGTH_CODE_SHIFT;
}

/* The lengths in use are 2, 4, 6, 7, 8, 11 and 12; with one that is not (0) they are eight: three
 * bits each. */
static const uint8_t used_lengths[] = {0, 2, 4, 6, 7, 8, 11, 12};

static void put_length(struct bit_writer *w, unsigned length)
{
    for (unsigned i = 0; i < sizeof used_lengths; i++)
        if (used_lengths[i] == length)
            put(w, reversed(i, 3), 3);
    flush(w);
}

/* Head of the only block: last, dynamic code, then the lengths of all codes (RFC 1951 §3.2.7). */
static void init_header(struct gzip *g)
{
    static const uint8_t order[19] = {16, 17, 18, 0, 8,  7, 9,  6, 10, 5,
                                      11, 4,  12, 3, 13, 2, 14, 1, 15};
    struct bit_writer w = {.at = g->header};
    put(&w, 1 | 2 << 1, 3);
    put(&w, LITERAL_SYMBOLS - 257, 5);
    put(&w, DISTANCE_SYMBOLS - 1, 5);
    put(&w, sizeof order - 4, 4);
    flush(&w);
    for (unsigned i = 0; i < sizeof order; i++) {
        bool used = memchr(used_lengths, order[i], sizeof used_lengths) != NULL;
        put(&w, used ? 3 : 0, 3);
        flush(&w);
    }
    for (unsigned s = 0; s < LITERAL_SYMBOLS; s++)
        put_length(&w, literal_bits(s));
    for (unsigned s = 0; s < DISTANCE_SYMBOLS; s++)
        put_length(&w, distance_bits(s));
    g->header_bits = (size_t)(w.at - g->header) * 8 + w.count;
}

int gzip_new(const struct allocator *allocator, struct gzip **out, struct ccd_error *err)
{
    struct gzip *g = mem_new(allocator, 1, sizeof *g);
    *out = g;
    if (!g)
        return error_set(err, CCD_NO_MEMORY, "no memory for compression");
    g->allocator = allocator;
    g->compressor = libdeflate_alloc_compressor(LEVEL);
    if (!g->compressor) {
        gzip_free(g);
        *out = NULL;
        return error_set(err, CCD_NO_MEMORY, "no memory for compression");
    }
    assign_codes(literal_bits, LITERAL_SYMBOLS, g->literal);
    assign_codes(distance_bits, DISTANCE_SYMBOLS, g->distance);
    init_lengths(g);
    init_header(g);
    return 0;
}

void gzip_free(struct gzip *g)
{
    if (!g)
        return;
    if (g->compressor)
        libdeflate_free_compressor(g->compressor);
    mem_free(g->allocator, g);
}

/* ---- a page */

static void put_literals(const struct gzip *g, struct bit_writer *w, const char *bytes, size_t len)
{
    for (size_t i = 0; i < len; i++) {
        uint32_t code = g->literal[(unsigned char)bytes[i]];
        put(w, code & 0xffff, code >> LENGTH_SHIFT);
        if (i % 4 == 3)
            flush(w);
    }
    flush(w);
}

static void put_match(const struct gzip *g, struct bit_writer *w, unsigned length,
                      uint32_t distance)
{
    uint32_t code = g->length_code[length];
    put(w, code & 0xffffff, code >> LENGTH_CODE_SHIFT);
    uint32_t d = distance - 1;
    unsigned extra_bits = d < 4 ? 0 : 30 - (unsigned)__builtin_clz(d);
    unsigned symbol = d < 4 ? d : 2 * extra_bits + (d >> extra_bits);
    code = g->distance[symbol];
    put(w, code & 0xffff, code >> LENGTH_SHIFT);
    put(w, d & ((1u << extra_bits) - 1), extra_bits);
    flush(w);
}

/* How many bytes at a and b are equal, at most max. */
static unsigned common_length(const char *a, const char *b, size_t max)
{
    size_t n = 0;
    while (n + 8 <= max) {
        uint64_t x, y;
        memcpy(&x, a + n, 8);
        memcpy(&y, b + n, 8);
        if (x != y)
            break;
        n += 8;
    }
    while (n < max && a[n] == b[n])
        n++;
    return (unsigned)n;
}

static void put_page(const struct gzip *g, struct bit_writer *w, struct str text,
                     const struct repeats *repeats)
{
    size_t done = 0;
    for (size_t i = 0; i < repeats->count; i++) {
        const struct repeat *r = &repeats->list[i];
        if (r->at < done || r->at >= text.len || r->from >= r->at || r->at - r->from > DISTANCE_MAX)
            continue;
        size_t left = text.len - r->at;
        unsigned length = common_length(text.ptr + r->at, text.ptr + r->from,
                                        left < MATCH_MAX ? left : MATCH_MAX);
        if (length < MATCH_MIN)
            continue;
        put_literals(g, w, text.ptr + done, r->at - done);
        put_match(g, w, length, r->at - r->from);
        done = r->at + length;
    }
    put_literals(g, w, text.ptr + done, text.len - done);
    put(w, g->literal[SYMBOL_END] & 0xffff, g->literal[SYMBOL_END] >> LENGTH_SHIFT);
    flush(w);
}

static void put_u32(struct bit_writer *w, uint32_t value)
{
    put(w, value, 32);
    flush(w);
}

/* As one block with the code of all pages. */
static int add_page(const struct gzip *g, struct str text, const struct repeats *repeats,
                    struct buf *out)
{
    static const uint8_t member_head[10] = {0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 4, 255};
    /* No symbol has more than 12 bits, and a match is shorter than its bytes as literals. */
    if (buf_reserve(out, text.len + text.len / 2 + MEMBER_OVERHEAD_BYTES) != 0)
        return -1;
    uint8_t *start = (uint8_t *)out->data + out->len;
    struct bit_writer w = {.at = start + sizeof member_head};
    memcpy(start, member_head, sizeof member_head);
    for (size_t i = 0; i < g->header_bits / 8; i++) {
        put(&w, g->header[i], 8);
        flush(&w);
    }
    put(&w, g->header[g->header_bits / 8], g->header_bits % 8);
    put_page(g, &w, text, repeats);
    put(&w, 0, (8 - w.count) & 7);
    flush(&w);
    put_u32(&w, libdeflate_crc32(0, text.ptr, text.len));
    put_u32(&w, (uint32_t)text.len);
    out->len += (size_t)(w.at - start);
    out->data[out->len] = '\0';
    return 0;
}

static int add_general(struct gzip *g, struct str text, struct buf *out)
{
    size_t bound = libdeflate_gzip_compress_bound(g->compressor, text.len);
    if (buf_reserve(out, bound) != 0)
        return -1;
    size_t len = libdeflate_gzip_compress(g->compressor, text.ptr, text.len, out->data + out->len,
                                          bound);
    out->len += len;
    out->data[out->len] = '\0';
    return len > 0 ? 0 : -1;
}

int gzip_add(struct gzip *gzip, struct str text, const struct repeats *repeats, struct buf *out)
{
    return repeats->count > 0 ? add_page(gzip, text, repeats, out) : add_general(gzip, text, out);
}
