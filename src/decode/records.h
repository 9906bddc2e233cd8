/* Metadata replies → rows, by jansson: catalogues of instruments, markets, exchanges, assets with
 * their parts and snapshots. The registry says where each value stands. The bytes have passed
 * page_envelope_read, so their depth and number of values are bounded. */
#ifndef DECODE_RECORDS_H
#define DECODE_RECORDS_H

#include "model/batch.h"

/* Batches of one reply: the table that is asked for (CATALOGUE or RECORDS) first, then tables whose
 * parent it is (PARTS, SNAPSHOTS), each at most once. Borrowed. */
struct record_batches {
    struct batch *const *items;
    size_t count;
};

/* What a reply said beside its rows. */
struct records_said {
    int64_t total;        /* STATS.TOTAL_ASSETS; 0 = not said */
    int64_t record_count; /* in this reply, the refused ones too */
    /* Records that are impossible: a key is missing or a value has the wrong type. They are left
     * out, with their parts, and counted; the others stand. */
    int64_t refused_count;
    char first_refusal[160]; /* which and why */
};

/* Append the rows of a reply to the batches, which grow. Members that no column reads are counted
 * in the first batch (unknown_keys). A member of a table whose array is null or absent has no rows.
 * CCD_BAD_REPLY when the reply is of another shape, or every record in it is refused;
 * CCD_NO_MEMORY; then the batches are as they were. */
int records_decode(struct str body, const struct record_batches *batches,
                   struct records_said *out_said, struct ccd_error *err);

#endif
