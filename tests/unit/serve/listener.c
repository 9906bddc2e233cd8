/* A program with nothing but the listener, for the end-to-end tests: listener HOST PORT TOKEN
 * [NAME…] (TOKEN "-": none). Prints its address, then counts as fast as it can, publishes on
 * /status and counting what /metrics tells, until its standard input ends; then prints the count.
 */
#include <ccdata/serve.h>

#include <poll.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* Two numbers that change together: a body that shows them apart was torn. */
struct counts {
    pthread_mutex_t lock;
    uint64_t first, second;
};

static int write_counts(void *user, ccd_metrics_write_fn *write, void *write_user)
{
    struct counts *counts = user;
    char text[128];
    pthread_mutex_lock(&counts->lock);
    int len = snprintf(text, sizeof text, "first %ju\nsecond %ju\n", (uintmax_t)counts->first,
                       (uintmax_t)counts->second);
    pthread_mutex_unlock(&counts->lock);
    static char padding[1 << 16];
    int status = write(write_user, text, (size_t)len);
    for (int i = 0; i < 16 && status == 0; i++) {
        memset(padding, '#', sizeof padding);
        padding[sizeof padding - 1] = '\n';
        status = write(write_user, padding, sizeof padding);
    }
    return status;
}

static int count_on(struct ccd_server *server, struct counts *counts)
{
    struct ccd_error err = {0};
    char json[128];
    pthread_mutex_lock(&counts->lock);
    uint64_t now = ++counts->first;
    counts->second = now;
    pthread_mutex_unlock(&counts->lock);
    (void)snprintf(json, sizeof json, "{\"first\":%ju,\"second\":%ju}\n", (uintmax_t)now,
                   (uintmax_t)now);
    if (ccd_server_publish(server, "/status", 200, json, &err)) {
        fprintf(stderr, "%s\n", err.message);
        return 1;
    }
    return 0;
}

int main(int argc, char **argv)
{
    if (argc < 4)
        return 2;
    struct ccd_server_options options = {
        .size = sizeof options,
        .host = argv[1],
        .port = (int)strtol(argv[2], NULL, 10),
        .token = strcmp(argv[3], "-") == 0 ? NULL : argv[3],
        .names = (const char *const *)argv + 4,
        .name_count = (size_t)argc - 4,
    };
    struct counts counts = {.lock = PTHREAD_MUTEX_INITIALIZER};
    struct ccd_server *server = NULL;
    struct ccd_error err = {0};
    int status = ccd_server_start(&options, &server, &err);
    if (status) {
        fprintf(stderr, "%s\n", err.message);
        return ccd_status_exit_code(err.status);
    }
    ccd_server_on_metrics(server, write_counts, &counts);
    status = ccd_server_publish(server, "/healthz", 200, "{\"verdict\":\"ok\"}\n", &err);
    if (status == 0) /* before anybody can ask */
        status = count_on(server, &counts);
    printf("%s\n", ccd_server_address(server));
    fflush(stdout);
    struct pollfd input = {.fd = STDIN_FILENO, .events = POLLIN};
    while (status == 0 && poll(&input, 1, 0) == 0) {
        status = count_on(server, &counts);
        usleep(100);
    }
    ccd_server_stop(server);
    printf("%ju\n", (uintmax_t)counts.first);
    return status;
}
