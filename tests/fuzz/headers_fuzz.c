/* Reply headers, one for each line of the input. */
#include <string.h>

#include "decode/headers.h"
#include "fuzz.h"

enum { NOW_UTC_S = 1700000000, WAIT_MAX_S = 366 * 86400, RESET_MAX_S = 32 * 86400 };

static void check(const struct reply_headers *h)
{
    PROMISE(h->date_utc_s >= 0);
    PROMISE(h->retry_after_s >= -1 && h->retry_after_s <= WAIT_MAX_S);
    PROMISE(h->age_max_s >= -1 && h->age_max_s <= WAIT_MAX_S);
    for (int i = 0; i < RATE_WINDOW_COUNT; i++) {
        PROMISE(h->remaining[i] >= -1 && h->limit[i] >= -1);
        PROMISE(h->reset_s[i] >= -1 && h->reset_s[i] <= RESET_MAX_S);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len)
{
    struct reply_headers headers;
    reply_headers_init(&headers);
    while (len > 0) {
        const uint8_t *line_end = memchr(bytes, '\n', len);
        size_t line_len = line_end ? (size_t)(line_end - bytes) : len;
        char *line = malloc(line_len > 0 ? line_len : 1);
        PROMISE(line);
        memcpy(line, bytes, line_len);
        reply_headers_add(&headers, (struct str){line, line_len}, NOW_UTC_S);
        free(line);
        check(&headers);
        size_t taken = line_len + (line_end != NULL);
        bytes += taken;
        len -= taken;
    }
    return 0;
}
