/* Text for people: escaping, width, wrapping, durations.
 * Invariant: what term_add_escaped writes cannot move a cursor or reorder a line. */
#ifndef CLI_TERM_H
#define CLI_TERM_H

#include "base/buf.h"

enum { DURATION_BYTES = 32 };

/* Characters (code points); a byte that is not UTF-8 counts as one. */
size_t term_width(struct str s);

/* Control characters (C0, DEL, C1), line separators and direction marks become \xNN or \uNNNN,
 * bytes that are not UTF-8 \xNN. */
int term_add_escaped(struct buf *b, struct str s);
int term_add_spaces(struct buf *b, size_t count);

/* Words of text, the first at column `column`, further lines at `indent`, all within `width` unless
 * one word is longer. No line end after the last. */
void term_add_wrapped(struct buf *b, struct str text, size_t column, size_t indent, size_t width);

/* "0.4 s", "12 s", "3 min 5 s", "2 h 10 min", "3 d 4 h"; returns out. */
const char *term_duration(int64_t ms, char out[DURATION_BYTES]);

/* Whether `known` may be what somebody meant who wrote `name`: a few edits away, or what name
 * begins. Also that it is nearer than *best (UINT_MAX at first), which becomes its distance. */
bool term_is_near(struct str name, struct str known, unsigned *best);

#endif
