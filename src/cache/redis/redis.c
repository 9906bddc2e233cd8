/* On a Redis server, which may be away, slow, full or somebody else's: each operation has 50 ms in
 * all, and after a failure the server is left alone for a while. hiredis writes and reads the
 * protocol; it does no I/O here, because it knows no deadline for a whole operation and, in Debian
 * 12's version, no TLS. */
#include <hiredis/hiredis.h>
#include <string.h>

#include "cache/cache.h"
#include "cache/redis/stream.h"

enum {
    READ_BYTES = 1 << 16,
    REPLY_MAX_BYTES = CACHE_VALUE_MAX_BYTES + (1 << 16), /* more is no entry of ours */
    ARGUMENTS_MAX = 6,
};
static const int64_t deadline_us = 50000;
static const int64_t first_pause_us = 1000000, longest_pause_us = 60000000;

struct redis {
    struct cache base;          /* must be first */
    struct stream *stream;      /* NULL = no connection */
    struct stream_trust *trust; /* NULL = plain */
    int64_t away_until_us, pause_us;
    bool complained;
    bool put_refused; /* told of, until one is taken */
};

/* ---- commands ---- */

static void go_away(struct redis *r, const char *why)
{
    stream_close(r->stream);
    r->stream = NULL;
    r->away_until_us = clock_mono_us(NULL) + r->pause_us;
    r->pause_us = 2 * r->pause_us < longest_pause_us ? 2 * r->pause_us : longest_pause_us;
    if (!r->complained)
        log_warning(r->base.options.log, NULL,
                    "the cache on %s:%d is not used for now: %s; everything else goes on",
                    r->base.options.host, r->base.options.port, why);
    r->complained = true;
}

/* What our commands are answered with has one part. A list is none of it, and hiredis would make
 * room for as many parts as it announces. */
static bool is_one_part(char kind)
{
    return kind == '$' || kind == '+' || kind == '-' || kind == ':';
}

static redisReply *read_reply(struct redis *r, int64_t until_us)
{
    char bytes[READ_BYTES];
    redisReader *reader = redisReaderCreate();
    void *reply = NULL;
    size_t taken = 0;
    while (reader && !reply && taken < REPLY_MAX_BYTES) {
        ptrdiff_t len = stream_read(r->stream, bytes, sizeof(bytes), until_us);
        bool good = len > 0 && (taken > 0 || is_one_part(bytes[0])) &&
                    redisReaderFeed(reader, bytes, (size_t)len) == REDIS_OK &&
                    redisReaderGetReply(reader, &reply) == REDIS_OK;
        if (!good)
            break;
        taken += (size_t)len;
    }
    if (reader)
        redisReaderFree(reader);
    return reply;
}

/* NULL: no answer in time. The caller frees it. */
static redisReply *command(struct redis *r, int64_t until_us, int count, const struct str *words)
{
    const char *texts[ARGUMENTS_MAX];
    size_t lens[ARGUMENTS_MAX];
    sds line = NULL;
    redisReply *reply = NULL;
    for (int i = 0; i < count; i++) {
        texts[i] = words[i].ptr;
        lens[i] = words[i].len;
    }
    int len = (int)redisFormatSdsCommandArgv(&line, count, texts, lens);
    if (len > 0 && stream_write(r->stream, line, (size_t)len, until_us))
        reply = read_reply(r, until_us);
    redisFreeSdsCommand(line);
    return reply;
}

static bool is_ok(const redisReply *reply)
{
    return reply && reply->type == REDIS_REPLY_STATUS && strcmp(reply->str, "OK") == 0;
}

/* What the server refuses tells of no key, value or password of ours: its first word is enough. */
static const char *why_refused(const redisReply *reply, char out[32])
{
    if (!reply)
        return "no answer in time";
    if (reply->type != REDIS_REPLY_ERROR)
        return "an answer that is none";
    struct str rest = {reply->str, (size_t)reply->len};
    str_copy(out, 32, str_split(&rest, ' '));
    return out;
}

/* A command that makes the connection ours; `setting`: what is probably wrong when it is refused.
 */
static bool introduce_by(struct redis *r, int64_t until_us, const struct str words[2],
                         const char *setting)
{
    char word[32], why[128];
    redisReply *reply = command(r, until_us, 2, words);
    bool ok = is_ok(reply);
    if (!ok && reply && reply->type == REDIS_REPLY_ERROR) {
        str_print(why, sizeof(why), "it refuses " STR_FMT " (%s), see %s", STR_ARG(words[0]),
                  why_refused(reply, word), setting);
        go_away(r, why);
    } else if (!ok) {
        go_away(r, why_refused(reply, word));
    }
    freeReplyObject(reply);
    return ok;
}

static bool introduce(struct redis *r, int64_t until_us)
{
    const struct cache_options *o = &r->base.options;
    char database[24];
    str_print(database, sizeof(database), "%lld", (long long)o->database);
    const struct str auth[] = {STR("AUTH"), str_from(o->password)};
    const struct str choose[] = {STR("SELECT"), str_from(database)};
    if (o->password && o->password[0] && !introduce_by(r, until_us, auth, "REDIS_PASSWORD"))
        return false;
    return o->database == 0 || introduce_by(r, until_us, choose, "REDIS_DB");
}

/* Whether there is a connection to use, made anew when it is time for it. */
static bool is_reachable(struct redis *r, int64_t until_us)
{
    const struct cache_options *o = &r->base.options;
    if (r->stream)
        return true;
    if (clock_mono_us(NULL) < r->away_until_us)
        return false;
    r->stream = stream_open(o->host, o->port, r->trust, until_us);
    if (!r->stream) {
        go_away(r, "no connection");
        return false;
    }
    return introduce(r, until_us);
}

static void worked(struct redis *r)
{
    if (r->complained)
        log_info(r->base.options.log, NULL, "the cache on %s:%d is used again",
                 r->base.options.host, r->base.options.port);
    r->complained = false;
    r->pause_us = first_pause_us;
}

/* ---- entries ---- */

/* Somebody has put something else there: of the other entries that says nothing. */
static bool is_wrong_type(const redisReply *reply)
{
    return reply && reply->type == REDIS_REPLY_ERROR &&
           str_starts_with((struct str){reply->str, (size_t)reply->len}, STR("WRONGTYPE "));
}

static enum cache_answer redis_get(struct cache *cache, const char *name, struct buf *out)
{
    struct redis *r = (struct redis *)cache;
    int64_t until_us = clock_mono_us(NULL) + deadline_us;
    const struct str words[] = {STR("GET"), str_from(name)};
    char word[32];
    if (!is_reachable(r, until_us))
        return CACHE_ERROR;
    redisReply *reply = command(r, until_us, 2, words);
    enum cache_answer answer = CACHE_ERROR;
    if (reply && reply->type == REDIS_REPLY_NIL)
        answer = CACHE_MISS;
    else if (reply && reply->type == REDIS_REPLY_STRING)
        answer = buf_add(out, reply->str, (size_t)reply->len) == 0 ? CACHE_HIT : CACHE_ERROR;
    if (answer == CACHE_ERROR && !is_wrong_type(reply))
        go_away(r, why_refused(reply, word));
    else
        worked(r);
    freeReplyObject(reply);
    return answer;
}

/* Full, or a replica: what it has may be read all the same. */
static void note_refusal(struct redis *r, const char *why)
{
    if (!r->put_refused)
        log_warning(r->base.options.log, NULL,
                    "the cache on %s:%d takes nothing for now: %s; everything else goes on",
                    r->base.options.host, r->base.options.port, why);
    r->put_refused = true;
}

static bool redis_put(struct cache *cache, const char *name, struct str entry, int64_t ttl_s)
{
    struct redis *r = (struct redis *)cache;
    int64_t until_us = clock_mono_us(NULL) + deadline_us;
    char seconds[24], word[32];
    str_print(seconds, sizeof(seconds), "%lld", (long long)ttl_s);
    const struct str words[] = {STR("SET"), str_from(name), entry, STR("EX"), str_from(seconds)};
    if (!is_reachable(r, until_us))
        return false;
    redisReply *reply = command(r, until_us, 5, words);
    bool ok = is_ok(reply), refused = reply && reply->type == REDIS_REPLY_ERROR;
    if (refused)
        note_refusal(r, why_refused(reply, word));
    if (ok || refused)
        worked(r);
    else
        go_away(r, why_refused(reply, word));
    r->put_refused &= !ok;
    freeReplyObject(reply);
    return ok;
}

static void redis_close(struct cache *cache)
{
    struct redis *r = (struct redis *)cache;
    stream_close(r->stream);
    stream_trust_free(r->trust);
    mem_free(cache->options.allocator, r);
}

int cache_redis_new(struct cache **out, const struct cache_options *options, struct ccd_error *err)
{
    static const struct cache_ops ops = {.close = redis_close, .get = redis_get, .put = redis_put};
    struct redis *r = mem_new(options->allocator, 1, sizeof(*r));
    if (!r)
        return error_set(err, CCD_NO_MEMORY, "no memory for a cache");
    r->base = (struct cache){.ops = &ops, .options = *options};
    r->pause_us = first_pause_us;
    if (options->tls && !(r->trust = stream_trust_new())) {
        redis_close(&r->base);
        return error_set(err, CCD_CONFIG,
                         "the certificates of this system cannot be read, by which the cache on %s "
                         "has to prove its name",
                         options->host);
    }
    *out = &r->base;
    return 0;
}
