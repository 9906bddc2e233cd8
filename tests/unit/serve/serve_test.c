#include <ccdata/serve.h>

#include <arpa/inet.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/buf.h"
#include "serve/guard.h"
#include "serve/slots.h"
#include "test.h"

static const char TOKEN[] = "7Qk2tV0pXb9LrJ4sYw8ZcA";

static struct ccd_server *started(const struct ccd_server_options *options)
{
    struct ccd_server *server = NULL;
    struct ccd_error err = {0};
    CHECK_INT(0, ccd_server_start(options, &server, &err));
    CHECK_TEXT("", err.message);
    return server;
}

static struct ccd_server *started_plainly(void)
{
    return started(&(struct ccd_server_options){.size = sizeof(struct ccd_server_options)});
}

static void refused(const struct ccd_server_options *options, const char *setting)
{
    struct ccd_server *server = NULL;
    struct ccd_error err = {0};
    CHECK_INT(CCD_CONFIG, ccd_server_start(options, &server, &err));
    CHECK(strstr(err.message, setting));
    CHECK(!server);
}

/* Ask over a real connection; the answer until the server closes goes to buf. */
static void ask(const struct ccd_server *server, const char *route, struct buf *answer)
{
    const char *address = ccd_server_address(server);
    struct sockaddr_in peer = {
        .sin_family = AF_INET,
        .sin_port = htons((uint16_t)strtol(strchr(address, ':') + 1, NULL, 10)),
        .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    struct buf request;
    buf_init(&request, 4096, NULL);
    buf_printf(&request, "GET %s HTTP/1.1\r\nHost: %s\r\nConnection: close\r\n\r\n", route,
               address);
    buf_clear(answer);
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (CHECK(connect(fd, (struct sockaddr *)&peer, sizeof peer) == 0) &&
        CHECK(send(fd, request.data, request.len, MSG_NOSIGNAL) == (ssize_t)request.len)) {
        char piece[4096];
        ssize_t got;
        while ((got = recv(fd, piece, sizeof piece, 0)) > 0)
            buf_add(answer, piece, (size_t)got);
    }
    close(fd);
    buf_release(&request);
}

static bool has(const struct buf *answer, const char *text)
{
    return answer->data && strstr(answer->data, text);
}

TEST(serve_starts_on_a_free_port_and_says_which)
{
    struct ccd_server *server = started_plainly();
    if (!CHECK(server))
        return;
    CHECK(strncmp(ccd_server_address(server), "127.0.0.1:", 10) == 0);
    CHECK(strtol(ccd_server_address(server) + 10, NULL, 10) > 0);
    ccd_server_stop(server);
    ccd_server_stop(NULL);
}

TEST(serve_port_in_use_is_named)
{
    struct ccd_server *server = started_plainly();
    struct ccd_server *second = NULL;
    struct ccd_error err = {0};
    int port = (int)strtol(ccd_server_address(server) + 10, NULL, 10);
    struct ccd_server_options options = {.size = sizeof options, .port = port};
    CHECK_INT(CCD_CONFIG, ccd_server_start(&options, &second, &err));
    CHECK(strstr(err.message, "PROMETHEUS_PORT") && strstr(err.message, "in use"));
    CHECK(err.native_code != 0);
    ccd_server_stop(server);
}

TEST(serve_answers_503_until_something_is_published)
{
    struct ccd_server *server = started_plainly();
    struct buf answer;
    buf_init(&answer, 1 << 20, NULL);
    ask(server, "/status", &answer);
    CHECK(has(&answer, "HTTP/1.1 503") && has(&answer, "nothing was published yet"));
    ask(server, "/healthz", &answer);
    CHECK(has(&answer, "HTTP/1.1 503"));
    ask(server, "/metrics", &answer);
    CHECK(has(&answer, "HTTP/1.1 503"));
    CHECK_INT(0, ccd_server_publish(server, "/status", 200, "{\"a\":1}", NULL));
    CHECK_INT(0, ccd_server_publish(server, "/healthz", 503, "{\"b\":2}", NULL));
    ask(server, "/status", &answer);
    CHECK(has(&answer, "HTTP/1.1 200") && has(&answer, "\r\n\r\n{\"a\":1}"));
    ask(server, "/healthz", &answer);
    CHECK(has(&answer, "HTTP/1.1 503") && has(&answer, "\r\n\r\n{\"b\":2}"));
    buf_release(&answer);
    ccd_server_stop(server);
}

TEST(serve_publishes_only_what_it_serves)
{
    struct ccd_server *server = started_plainly();
    struct ccd_error err = {0};
    static const char *const ROUTES[] = {"/", "/metrics", "/none", "status", "", NULL};
    for (size_t i = 0; i < sizeof ROUTES / sizeof ROUTES[0]; i++)
        CHECK_INT(CCD_USAGE, ccd_server_publish(server, ROUTES[i], 200, "{}", &err));
    CHECK_INT(CCD_USAGE, ccd_server_publish(server, "/status", 199, "{}", &err));
    CHECK_INT(CCD_USAGE, ccd_server_publish(server, "/status", 600, "{}", &err));
    char *long_text = malloc((4 << 20) + 2);
    memset(long_text, ' ', (4 << 20) + 1);
    long_text[(4 << 20) + 1] = '\0';
    CHECK_INT(CCD_USAGE, ccd_server_publish(server, "/status", 200, long_text, &err));
    long_text[4 << 20] = '\0';
    CHECK_INT(0, ccd_server_publish(server, "/status", 200, long_text, &err));
    free(long_text);
    ccd_server_stop(server);
}

static int write_two_pieces(void *user, ccd_metrics_write_fn *write, void *write_user)
{
    const char *text = user;
    return write(write_user, text, strlen(text)) || write(write_user, " end\n", 5);
}

static int write_half_and_fail(void *user, ccd_metrics_write_fn *write, void *write_user)
{
    (void)user;
    (void)write(write_user, "half", 4);
    return -1;
}

static int write_without_end(void *user, ccd_metrics_write_fn *write, void *write_user)
{
    (void)user;
    static const char PIECE[65536];
    while (write(write_user, PIECE, sizeof PIECE) == 0) {
    }
    return 0;
}

TEST(serve_metrics_come_whole_or_not_at_all)
{
    struct ccd_server *server = started_plainly();
    struct buf answer;
    buf_init(&answer, 1 << 20, NULL);
    char text[] = "begin";
    ccd_server_on_metrics(server, write_two_pieces, text);
    ask(server, "/metrics", &answer);
    CHECK(has(&answer, "HTTP/1.1 200") && has(&answer, "\r\n\r\nbegin end\n"));
    ccd_server_on_metrics(server, write_half_and_fail, NULL);
    ask(server, "/metrics", &answer);
    CHECK(has(&answer, "HTTP/1.1 503") && !has(&answer, "half"));
    ccd_server_on_metrics(server, write_without_end, NULL);
    ask(server, "/metrics", &answer);
    CHECK(has(&answer, "HTTP/1.1 503"));
    ccd_server_on_metrics(server, NULL, NULL);
    ask(server, "/metrics", &answer);
    CHECK(has(&answer, "HTTP/1.1 503"));
    buf_release(&answer);
    ccd_server_stop(server);
}

struct publisher {
    struct ccd_server *server;
    atomic_bool end;
};

static void *publish_on(void *user)
{
    struct publisher *publisher = user;
    for (unsigned i = 0; !atomic_load(&publisher->end); i++) {
        char json[64];
        (void)str_print(json, sizeof json, "{%010u,%010u}", i, i);
        (void)ccd_server_publish(publisher->server, "/status", 200, json, NULL);
    }
    return NULL;
}

TEST(serve_never_shows_half_a_page)
{
    struct publisher publisher = {.server = started_plainly()};
    struct buf answer;
    buf_init(&answer, 1 << 20, NULL);
    CHECK_INT(
        0, ccd_server_publish(publisher.server, "/status", 200, "{0000000000,0000000000}", NULL));
    pthread_t threads[2];
    for (int i = 0; i < 2; i++)
        pthread_create(&threads[i], NULL, publish_on, &publisher);
    for (int i = 0; i < 300; i++) {
        ask(publisher.server, "/status", &answer);
        const char *page = answer.data ? strstr(answer.data, "\r\n\r\n{") : NULL;
        if (!CHECK(page && strlen(page) == 27 && memcmp(page + 5, page + 16, 10) == 0))
            break;
    }
    atomic_store(&publisher.end, true);
    for (int i = 0; i < 2; i++)
        pthread_join(threads[i], NULL);
    buf_release(&answer);
    ccd_server_stop(publisher.server);
}

TEST(serve_works_above_1024_descriptors)
{
    enum { MANY = 1100 };
    struct rlimit limit;
    getrlimit(RLIMIT_NOFILE, &limit);
    if (limit.rlim_max < MANY + 100)
        SKIP("too few descriptors are allowed here");
    struct rlimit wide = {.rlim_cur = MANY + 100, .rlim_max = limit.rlim_max};
    setrlimit(RLIMIT_NOFILE, &wide);
    int fds[MANY];
    for (int i = 0; i < MANY; i++)
        fds[i] = dup(STDERR_FILENO);
    CHECK(fds[MANY - 1] > 1024);
    struct ccd_server *server = started_plainly();
    struct buf answer;
    buf_init(&answer, 1 << 20, NULL);
    ask(server, "/", &answer);
    CHECK(has(&answer, "HTTP/1.1 200"));
    buf_release(&answer);
    ccd_server_stop(server);
    for (int i = 0; i < MANY; i++)
        close(fds[i]);
    setrlimit(RLIMIT_NOFILE, &limit);
}

TEST(serve_other_addresses_need_a_token)
{
    struct ccd_server_options options = {.size = sizeof options, .host = "0.0.0.0"};
    refused(&options, "CCDATA_SERVE_TOKEN");
    options.token = "";
    refused(&options, "CCDATA_SERVE_TOKEN");
    options.token = "7Qk2tV0pXb9LrJ4sYw8Zc";
    refused(&options, "22");
    options.host = "127.0.0.1";
    refused(&options, "22");
    options.host = "::";
    options.token = NULL;
    refused(&options, "CCDATA_SERVE_TOKEN");
    options.host = "::ffff:127.0.0.1";
    refused(&options, "CCDATA_SERVE_TOKEN");
    options = (struct ccd_server_options){
        .size = sizeof options, .host = "0.0.0.0", .token = TOKEN};
    ccd_server_stop(started(&options));
}

TEST(serve_refuses_wrong_settings)
{
    struct ccd_server_options options = {.size = sizeof options, .port = 65536};
    refused(&options, "PROMETHEUS_PORT");
    options.port = -1;
    refused(&options, "PROMETHEUS_PORT");
    options = (struct ccd_server_options){.size = sizeof options, .host = "example.com"};
    refused(&options, "PROMETHEUS_HOST");
    options.host = "192.0.2.1"; /* of no machine */
    options.token = TOKEN;
    refused(&options, "PROMETHEUS_HOST");
    static const char *const WRONG[] = {"http://a", "a/b", "a b", "", NULL};
    for (size_t i = 0; i < sizeof WRONG / sizeof WRONG[0]; i++) {
        options = (struct ccd_server_options){
            .size = sizeof options, .names = &WRONG[i], .name_count = 1};
        refused(&options, "CCDATA_SERVE_NAMES");
    }
    static const char *const MANY[33] = {"a"};
    options = (struct ccd_server_options){.size = sizeof options, .names = MANY, .name_count = 33};
    refused(&options, "CCDATA_SERVE_NAMES");
}

static struct guard guard_of(const char *const *names, size_t name_count, unsigned port)
{
    struct guard guard;
    struct ccd_server_options options = {.names = names, .name_count = name_count};
    struct listener listener = {.fd = -1, .port = port, .ip_text = "127.0.0.1"};
    CHECK_INT(0, guard_init(&guard, &options, true, NULL));
    guard_allow_hosts(&guard, &options, &listener);
    return guard;
}

TEST(serve_hosts_are_compared_with_their_port)
{
    static const char *const NAMES[] = {"box", "proxy:443", "[fe80::1]"};
    struct guard guard = guard_of(NAMES, 3, 9464);
    static const struct {
        const char *host;
        bool is_allowed;
    } CASES[] = {
        {"127.0.0.1:9464", true}, {"localhost:9464", true},
        {"[::1]:9464", true},     {"box:9464", true},
        {"proxy:443", true},      {"proxy", true},
        {"[fe80::1]:9464", true}, {"", false},
        {"box", false},           {"box:80", false},
        {"Box:9464", false},      {"box.:9464", false},
        {"127.0.0.1", false},     {"127.0.0.1:94640", false},
        {"proxy:9464", false},    {"127.0.0.1.evil:9464", false},
    };
    for (size_t i = 0; i < sizeof CASES / sizeof CASES[0]; i++)
        CHECK_INT(CASES[i].is_allowed, guard_allows_host(&guard, str_from(CASES[i].host)));
    struct guard plain = guard_of(NULL, 0, 80);
    CHECK(guard_allows_host(&plain, STR("localhost")));
    CHECK(guard_allows_host(&plain, STR("localhost:80")));
}

TEST(serve_wrong_tokens_are_counted_for_each_peer)
{
    struct guard guard;
    struct ccd_server_options options = {.token = TOKEN};
    CHECK_INT(0, guard_init(&guard, &options, false, NULL));
    struct str good = STR("Bearer 7Qk2tV0pXb9LrJ4sYw8ZcA");
    struct str wrong = STR("Bearer 7Qk2tV0pXb9LrJ4sYw8ZcB");
    struct peer guesser = {.bytes = {1}};
    struct peer other = {.bytes = {2}};
    CHECK_INT(GUARD_NO_TOKEN, guard_check_token(&guard, (struct str){"", 0}, &guesser, 0));
    for (int i = 0; i < GUARD_GUESSES_MAX; i++)
        CHECK_INT(GUARD_WRONG_TOKEN, guard_check_token(&guard, wrong, &guesser, 0));
    CHECK_INT(GUARD_TOO_MANY, guard_check_token(&guard, wrong, &guesser, 1));
    CHECK_INT(GUARD_TOO_MANY, guard_check_token(&guard, good, &guesser, 59999999));
    CHECK_INT(GUARD_ALLOWED, guard_check_token(&guard, good, &other, 1));
    CHECK_INT(GUARD_ALLOWED, guard_check_token(&guard, good, &guesser, 60000000));
    CHECK_INT(GUARD_WRONG_TOKEN,
              guard_check_token(&guard, STR("7Qk2tV0pXb9LrJ4sYw8ZcA"), &other, 2));
    CHECK_INT(GUARD_WRONG_TOKEN, guard_check_token(&guard, STR("Bearer "), &other, 2));
    for (unsigned char i = 0; i < 255; i++) { /* the table is full and stays in its bounds */
        struct peer peer = {.bytes = {9, i}};
        CHECK_INT(GUARD_WRONG_TOKEN, guard_check_token(&guard, wrong, &peer, 3));
    }
    guard_release(&guard);
    CHECK_TEXT("", guard.token);
}

TEST(serve_places_and_deadlines_are_bounded)
{
    struct slots slots = {.count = 0};
    struct peer peer = {.bytes = {0}};
    int pair[2];
    CHECK_INT(0, socketpair(AF_UNIX, SOCK_STREAM, 0, pair));
    struct slot *first = slots_claim(&slots, pair[0], &peer, 0);
    CHECK_INT(SLOT_HEAD_MS * 1000, slots_wait_us(&slots, 0));
    slot_begin_answer(first, 1000000);
    CHECK_INT(SLOT_ANSWER_MS * 1000, slots_wait_us(&slots, 1000000));
    slot_await_head(first, 58000000);
    CHECK_INT(SLOT_LIFE_MS * INT64_C(1000), first->deadline_us);
    CHECK(!first->is_ending);
    slots_end_overdue(&slots, 60000000);
    char byte;
    CHECK_INT(0, recv(pair[1], &byte, 1, 0));
    CHECK_INT(INT64_MAX, slots_wait_us(&slots, 60000000));
    for (int i = 1; i < SLOTS_MAX; i++)
        CHECK(slots_claim(&slots, -1, &peer, i));
    CHECK(!slots_claim(&slots, -1, &peer, 0));
    CHECK_INT(SLOTS_MAX, slots_of_peer(&slots, &peer));
    CHECK(!slots_end_idlest(&slots, SLOT_PATIENCE_MS * 1000));
    CHECK(slots_end_idlest(&slots, SLOT_PATIENCE_MS * 1000 + 1));
    CHECK(slots.items[1].is_ending && !slots.items[2].is_ending);
    slots_release_refused(&slots);
    CHECK_INT(0, slots.count);
    CHECK(!slots_end_idlest(&slots, INT64_MAX));
    close(pair[0]);
    close(pair[1]);
}
