/* Bytes to and from a Redis server, plain or under TLS, each operation within the time that is
 * left. Invariant: after a failure the stream is closed. */
#ifndef CACHE_REDIS_STREAM_H
#define CACHE_REDIS_STREAM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct stream;

/* Whom TLS believes, read from the system's files: once, because that takes as long as a whole
 * operation may. NULL: they cannot be read, or no memory. */
struct stream_trust;
struct stream_trust *stream_trust_new(void);
void stream_trust_free(struct stream_trust *trust); /* NULL is fine */

/* trust: borrowed as long as the stream is open; NULL = plain. `until_us` of clock_mono_us, here
 * and below. NULL: no connection, or the server cannot prove that it is `host`. A name is looked up
 * by the system, which may take longer; an address is not. */
struct stream *stream_open(const char *host, int port, const struct stream_trust *trust,
                           int64_t until_us);
void stream_close(struct stream *stream); /* NULL is fine */
bool stream_write(struct stream *stream, const char *bytes, size_t len, int64_t until_us);
/* What is there, at least a byte; -1 = failed, late or closed by the server. */
ptrdiff_t stream_read(struct stream *stream, char *bytes, size_t capacity, int64_t until_us);

#endif
