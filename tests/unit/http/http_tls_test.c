/* TLS peers, most of them bad: refused with the right status, and no request reaches them. */
#include <fcntl.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "exchange.h"
#include "http/deliver.h"
#include "test.h"

extern char **environ;

/* Made once, removed at exit. */
static char directory[] = "/tmp/http_tls_test.XXXXXX";
static bool directory_made;

static void remove_directory(void)
{
    char command[128];
    if (str_print(command, sizeof command, "rm -rf '%s'", directory) && system(command) != 0) {
        fprintf(stderr, "cannot remove %s\n", directory);
    }
}

static const char *make_certificates(void)
{
    static bool tried;
    static const char *problem;
    char command[1024];
    if (tried) {
        return problem;
    }
    tried = true;
    problem = "no certificates: the openssl or the python3 command is missing";
    if (system("command -v openssl python3 >/dev/null") != 0) {
        return problem;
    }
    directory_made = mkdtemp(directory) != NULL;
    if (!CHECK(directory_made)) {
        return problem;
    }
    atexit(remove_directory);
    if (CHECK(str_print(command, sizeof command, "sh '%s/certificates.sh' '%s'",
                        HTTP_TEST_DIRECTORY, directory)) &&
        CHECK_INT(0, system(command))) {
        problem = NULL;
    }
    return problem;
}

struct tls_server {
    pid_t pid;
    FILE *lines;
    int port;
};

static bool tls_server_start(struct tls_server *server, const char *certificate, const char *mode)
{
    char program[512];
    char certificate_file[128];
    char key_file[128];
    char line[64] = "";
    int ends[2];
    posix_spawn_file_actions_t actions;
    (void)str_print(program, sizeof program, "%s/tls_server.py", HTTP_TEST_DIRECTORY);
    (void)str_print(certificate_file, sizeof certificate_file, "%s/%s.pem", directory, certificate);
    (void)str_print(key_file, sizeof key_file, "%s/key.pem", directory);
    char *const arguments[] = {(char *)"python3", (char *)"-Wignore", program, certificate_file,
                               key_file,          (char *)mode,       NULL};
    if (!CHECK_INT(0, pipe2(ends, O_CLOEXEC))) {
        return false;
    }
    posix_spawn_file_actions_init(&actions);
    posix_spawn_file_actions_adddup2(&actions, ends[1], STDOUT_FILENO);
    bool started = CHECK_INT(
        0, posix_spawnp(&server->pid, "python3", &actions, NULL, arguments, environ));
    posix_spawn_file_actions_destroy(&actions);
    close(ends[1]);
    server->lines = fdopen(ends[0], "r");
    server->port = started && fgets(line, sizeof line, server->lines) ? atoi(line) : 0;
    return CHECK(server->port > 0);
}

/* Returns the number of requests that the server could read, and the last one. */
static int tls_server_stop(struct tls_server *server, char *out_last_line, size_t capacity_bytes)
{
    int requests = 0;
    int status;
    char line[256];
    kill(server->pid, SIGTERM);
    waitpid(server->pid, &status, 0);
    out_last_line[0] = '\0';
    while (fgets(line, sizeof line, server->lines)) {
        requests++;
        (void)str_copy(out_last_line, capacity_bytes, str_trim(str_from(line)));
    }
    fclose(server->lines);
    return requests;
}

static struct http_client *tls_client(const char *host, int port, bool with_ca)
{
    char url[64];
    char ca_file[128];
    struct http_client *client = NULL;
    (void)str_print(url, sizeof url, "https://%s:%d", host, port);
    (void)str_print(ca_file, sizeof ca_file, "%s/ca.pem", directory);
    struct http_config config = test_config(url);
    config.ca_file = with_ca ? ca_file : NULL;
    CHECK_INT(CCD_OK, http_client_new(&config, "X_URL", &client, NULL));
    return client;
}

struct tls_case {
    const char *certificate;
    const char *mode;
    const char *host;
    bool without_ca;
    enum ccd_status status;
    int requests;
};

static void run_case(const struct tls_case *c)
{
    struct tls_server server;
    struct http_reply reply;
    char last_line[256] = "";
    if (!tls_server_start(&server, c->certificate, c->mode)) {
        return;
    }
    struct http_client *client = tls_client(c->host, server.port, !c->without_ca);
    if (test_exchange(client, "/x?y=1", &reply)) {
        if (c->status == CCD_OK) {
            CHECK_INT(CCD_OK, reply.error.status);
            CHECK_TEXT("", reply.error.message);
            CHECK_STR("[1,2]", buf_str(&reply.body));
        } else {
            test_check_failed(&reply, c->status);
        }
        test_release(&reply);
    }
    http_client_free(client);
    if (!CHECK_INT(c->requests, tls_server_stop(&server, last_line, sizeof last_line))) {
        CHECK_TEXT(c->certificate, c->mode);
    }
    if (c->requests > 0) {
        CHECK_TEXT("TLSv1.3 GET /x?y=1 HTTP/1.1", last_line);
    }
}

TEST(tls_good_peers)
{
    static const struct tls_case cases[] = {
        {.certificate = "good", .mode = "ok", .host = "localhost", .requests = 1},
        {.certificate = "good", .mode = "ok", .host = "127.0.0.1", .requests = 1},
    };
    const char *problem = make_certificates();
    if (problem) {
        SKIP(problem);
    }
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        run_case(&cases[i]);
    }
}

TEST(tls_bad_certificates)
{
    static const char *const certificates[] = {
        "expired",     "not_yet_valid", "other_name",     "other_address",
        "client_only", "self_signed",   "unknown_issuer", "not_an_issuer",
    };
    const char *problem = make_certificates();
    if (problem) {
        SKIP(problem);
    }
    for (size_t i = 0; i < sizeof certificates / sizeof certificates[0]; i++) {
        struct tls_case bad = {.certificate = certificates[i],
                               .mode = "ok",
                               .host = i % 2 ? "127.0.0.1" : "localhost",
                               .status = CCD_TLS};
        run_case(&bad);
    }
    const struct tls_case without_ca = {.certificate = "good",
                                        .mode = "ok",
                                        .host = "localhost",
                                        .without_ca = true,
                                        .status = CCD_TLS};
    run_case(&without_ca);
}

TEST(tls_bad_peers)
{
    static const struct tls_case cases[] = {
        {.certificate = "good", .mode = "old", .host = "localhost", .status = CCD_NETWORK},
        {.certificate = "good", .mode = "reset", .host = "localhost", .status = CCD_NETWORK},
        {.certificate = "good", .mode = "plain", .host = "localhost", .status = CCD_NETWORK},
        /* Only the closing marks the end of the body, without and with close_notify. */
        {.certificate = "good",
         .mode = "truncated",
         .host = "localhost",
         .status = CCD_BAD_REPLY,
         .requests = 1},
        {.certificate = "good",
         .mode = "closed",
         .host = "localhost",
         .status = CCD_BAD_REPLY,
         .requests = 1},
    };
    const char *problem = make_certificates();
    if (problem) {
        SKIP(problem);
    }
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        run_case(&cases[i]);
    }
}

TEST(tls_ca_file_missing)
{
    struct http_config config = test_config("https://127.0.0.1:1");
    struct http_client *client;
    struct http_reply reply;
    config.ca_file = "/nonexistent/ca.pem";
    CHECK_INT(CCD_OK, http_client_new(&config, "X_URL", &client, NULL));
    if (test_exchange(client, "/x", &reply)) {
        test_check_failed(&reply, CCD_NETWORK); /* refused before TLS begins */
        test_release(&reply);
    }
    http_client_free(client);
}

/* The usual end of a kept-alive connection; the next request must not run into it. */
TEST(tls_connection_closed_before_reuse)
{
    struct tls_server server;
    char last_line[256] = "";
    const char *problem = make_certificates();
    if (problem) {
        SKIP(problem);
    }
    if (!tls_server_start(&server, "good", "idle_close")) {
        return;
    }
    struct http_client *client = tls_client("localhost", server.port, true);
    for (int i = 0; i < 3; i++) {
        struct http_reply reply;
        if (test_exchange(client, "/x", &reply)) {
            CHECK_INT(CCD_OK, reply.error.status);
            test_release(&reply);
        }
        usleep(150000); /* the close_notify arrives while the connection is idle */
    }
    CHECK_INT(0, http_resends_refused(client));
    http_client_free(client);
    CHECK_INT(3, tls_server_stop(&server, last_line, sizeof last_line));
}

TEST(tls_request_is_not_sent_twice)
{
    struct tls_server server;
    char last_line[256] = "";
    const char *problem = make_certificates();
    if (problem) {
        SKIP(problem);
    }
    if (!tls_server_start(&server, "good", "dead_reuse")) {
        return;
    }
    struct http_client *client = tls_client("localhost", server.port, true);
    for (int i = 0; i < 3; i++) {
        struct http_reply reply;
        if (test_exchange(client, "/x", &reply)) {
            CHECK_INT(i == 1 ? CCD_NETWORK : CCD_OK, reply.error.status);
            test_release(&reply);
        }
    }
    CHECK_INT(1, http_resends_refused(client));
    http_client_free(client);
    CHECK_INT(3, tls_server_stop(&server, last_line, sizeof last_line));
}

/* A notice goes out over TLS to a peer whose certificate fits, and to no other. */
TEST(tls_deliver_to_good_peers_only)
{
    static const struct {
        const char *certificate;
        bool with_ca;
        enum ccd_status status;
        int requests;
    } cases[] = {{"good", true, CCD_OK, 1}, {"good", false, CCD_TLS, 0}};
    const char *problem = make_certificates();
    if (problem) {
        SKIP(problem);
    }
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct tls_server server;
        char url[64];
        char ca_file[128];
        char last_line[256];
        if (!tls_server_start(&server, cases[i].certificate, "closed")) {
            return;
        }
        (void)str_print(url, sizeof url, "https://localhost:%d/hook", server.port);
        (void)str_print(ca_file, sizeof ca_file, "%s/ca.pem", directory);
        struct delivery delivery = {.url = url,
                                    .content_type = "application/json",
                                    .ca_file = cases[i].with_ca ? ca_file : NULL,
                                    .allow_private = true};
        CHECK_INT(cases[i].status, deliver_post(&delivery, NULL));
        CHECK_INT(cases[i].requests, tls_server_stop(&server, last_line, sizeof last_line));
        CHECK_TEXT(cases[i].requests ? "TLSv1.3 POST /hook HTTP/1.1" : "", last_line);
    }
}
