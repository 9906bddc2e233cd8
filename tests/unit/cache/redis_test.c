/* Servers that are no good: everything is a miss, within its time, and they are left alone. */
#include <arpa/inet.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "cache/cache.h"
#include "test.h"

/* It takes one connection and gives one answer to whatever comes, or none. */
struct fake {
    int fd, port;
    const char *answer;
    pthread_t thread;
};

static void *serve(void *user)
{
    struct fake *fake = user;
    char bytes[4096];
    int peer;
    while ((peer = accept(fake->fd, NULL, NULL)) >= 0) {
        while (recv(peer, bytes, sizeof bytes, 0) > 0)
            if (fake->answer[0] && send(peer, fake->answer, strlen(fake->answer), MSG_NOSIGNAL) < 0)
                break;
        close(peer);
    }
    return NULL;
}

static void start(struct fake *fake, const char *answer)
{
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t size = sizeof address;
    fake->answer = answer;
    fake->fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    CHECK_INT(0, bind(fake->fd, (struct sockaddr *)&address, size));
    CHECK_INT(0, listen(fake->fd, 8));
    CHECK_INT(0, getsockname(fake->fd, (struct sockaddr *)&address, &size));
    fake->port = ntohs(address.sin_port);
    CHECK_INT(0, pthread_create(&fake->thread, NULL, serve, fake));
}

static void stop(struct fake *fake)
{
    shutdown(fake->fd, SHUT_RDWR);
    pthread_join(fake->thread, NULL);
    close(fake->fd);
}

static int warnings;

static void count_warning(void *user, enum log_level level, const struct log_subject *subject,
                          struct str text)
{
    (void)user, (void)subject, (void)text;
    warnings += level == LOG_WARNING;
}

static const struct log counting = {.threshold = LOG_DEBUG, .write = count_warning};

static int64_t ask_ms(struct cache *cache, bool expected)
{
    struct buf out;
    int64_t begun_us = clock_mono_us(NULL);
    buf_init(&out, 1 << 20, NULL);
    CHECK_INT(expected, cache_get(cache, STR("key"), &out));
    buf_release(&out);
    return (clock_mono_us(NULL) - begun_us) / 1000;
}

static struct cache *open_redis(int port, const char *password)
{
    struct ccd_error err = {0};
    struct cache *cache = NULL;
    const struct cache_options options = {.backend = CACHE_REDIS,
                                          .host = "127.0.0.1",
                                          .port = port,
                                          .password = password,
                                          .log = &counting};
    warnings = 0;
    CHECK_INT(0, cache_open(&options, &cache, &err));
    return cache;
}

TEST(cache_answers_that_are_none_are_misses)
{
    static const char *const answers[] = {
        "-READONLY You can't write against a read only replica.\r\n",
        "-OOM command not allowed when used memory > 'maxmemory'.\r\n",
        "-LOADING Redis is loading the dataset in memory\r\n",
        "-MOVED 3999 127.0.0.1:6381\r\n",
        "-NOAUTH Authentication required.\r\n",
        "-WRONGTYPE Operation against a key holding the wrong kind of value\r\n",
        ":1\r\n",
        "*1\r\n$3\r\nfoo\r\n",
        "$5\r\npoison\r\n",
        "$3\r\nfoo\r\n",
        "HTTP/1.1 400 Bad Request\r\n\r\n",
        "$99999999999999\r\n",
        "*400000000\r\n",
    };
    for (size_t i = 0; i < sizeof answers / sizeof *answers; i++) {
        struct fake fake;
        start(&fake, answers[i]);
        struct cache *cache = open_redis(fake.port, NULL);
        CHECK(ask_ms(cache, false) < 500);
        cache_put(cache, STR("key"), STR("value"), 60);
        ask_ms(cache, false);
        CHECK_INT(0, cache_counts(cache).hits);
        CHECK(warnings <= 1);
        cache_close(cache);
        stop(&fake);
    }
}

TEST(cache_server_that_is_silent_costs_its_deadline_once)
{
    struct fake fake;
    start(&fake, "");
    struct cache *cache = open_redis(fake.port, "secret");
    CHECK(ask_ms(cache, false) >= 45);
    int64_t begun_us = clock_mono_us(NULL);
    for (int i = 0; i < 1000; i++)
        ask_ms(cache, false);
    CHECK(clock_mono_us(NULL) - begun_us < 500000); /* nobody waits for it now */
    CHECK_INT(1, warnings);
    CHECK_INT(1001, cache_counts(cache).errors);
    cache_close(cache);
    stop(&fake);
}

TEST(cache_server_that_is_away)
{
    struct fake fake;
    start(&fake, "");
    stop(&fake);
    struct cache *cache = open_redis(fake.port, NULL);
    ask_ms(cache, false);
    cache_put(cache, STR("key"), STR("value"), 60);
    CHECK_INT(1, warnings);
    CHECK_INT(0, cache_counts(cache).puts);
    cache_close(cache);
}
