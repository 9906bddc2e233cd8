/* Values as text for ccdata_revisions and ccdata_quarantine. Invariant: the text reads back as
 * exactly the same value. */
#ifndef STORE_JOURNAL_H
#define STORE_JOURNAL_H

#include "model/batch.h"

enum { JOURNAL_NUMBER_MAX_BYTES = 32 };

/* A cell's text; *out_null for NULL. Numbers are written into scratch; text points into the batch.
 */
struct str journal_cell(const struct batch *b, size_t row, size_t column,
                        char scratch[JOURNAL_NUMBER_MAX_BYTES], bool *out_null);

/* The row as a JSON object under the vendor's keys, NULL members left out. Check out->failed. */
void journal_record(struct buf *out, const struct batch *b, size_t row);

#endif
