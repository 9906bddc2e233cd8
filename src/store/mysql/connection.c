#include <errmsg.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/time.h>
#include <unistd.h>

#include "store/mysql/internal.h"

/* Needs mysql.h before it. */
#include <ma_pvio.h>

enum {
    PORT_USUAL = 3306,
    PACKET_BYTES_LEAST = 1024 * 1024, /* what every server takes by default */
    TEXT_MAX_BYTES = 256 * 1024 * 1024,
    SILENCE_MS = 10 * 60 * 1000, /* a large migration or count may say nothing for minutes */
    CONNECT_MS = 10 * 1000,
};

/* Where systems keep the authorities they trust, as one file. */
static const char *const ca_files[] = {
    "/etc/ssl/certs/ca-certificates.crt", /* Debian, Ubuntu, Arch, Alpine */
    "/etc/pki/tls/certs/ca-bundle.crt",   /* Fedora, Red Hat */
    "/etc/ssl/ca-bundle.pem",             /* SUSE */
    "/etc/ssl/cert.pem",                  /* BSDs */
};
/* Ways to prove a password that do not hand it over. */
static const char plugins_hashing[] =
    "mysql_native_password,caching_sha2_password,sha256_password,client_ed25519,parsec,"
    "auth_gssapi_client";

/* Where one attempt goes. */
struct place {
    const char *host;   /* NULL with a socket */
    const char *socket; /* NULL with TCP */
    unsigned port;
};

static const char *system_ca(void)
{
    for (size_t i = 0; i < sizeof(ca_files) / sizeof(ca_files[0]); i++)
        if (access(ca_files[i], R_OK) == 0)
            return ca_files[i];
    return NULL;
}

static bool is_socket(const char *path)
{
    struct stat st;
    return path && path[0] && stat(path, &st) == 0 && S_ISSOCK(st.st_mode);
}

/* "localhost" without a port is the server's socket when there is one, as everywhere in this
 * family. */
static struct place place_of(const struct store_host *host, const struct client_file *file)
{
    static const char *const sockets[] = {"/run/mysqld/mysqld.sock", "/var/lib/mysql/mysql.sock",
                                          "/tmp/mysql.sock"};
    if (host->name[0] == '/')
        return (struct place){.socket = host->name};
    struct place place = {.host = host->name, .port = host->port ? host->port : PORT_USUAL};
    if (strcmp(host->name, "localhost") != 0)
        return place;
    if (host->port == 0 && is_socket(file->socket))
        return (struct place){.socket = file->socket};
    for (size_t i = 0; host->port == 0 && i < sizeof(sockets) / sizeof(sockets[0]); i++)
        if (is_socket(sockets[i]))
            return (struct place){.socket = sockets[i]};
    return place;
}

static unsigned seconds(int64_t ms)
{
    return ms <= 1000 ? 1U : ms > 86400000 ? 86400U : (unsigned)((ms + 999) / 1000);
}

static int64_t silence_ms(const struct sql_target *target)
{
    return (target->silence_max_ms > 0 ? target->silence_max_ms : SILENCE_MS) +
           target->busy_timeout_ms;
}

static unsigned connect_s(const struct sql_target *target)
{
    return seconds(target->connect_timeout_ms > 0 ? target->connect_timeout_ms : CONNECT_MS);
}

/* ---- options before the connection ---- */

static int set_options(MYSQL *mysql, const struct sql_target *target, struct ccd_error *err)
{
    const my_bool off = 0;
    const unsigned connect = connect_s(target);
    const unsigned write = seconds(target->silence_max_ms > 0 ? target->silence_max_ms : 60000);
    bool failed = mysql_options(mysql, MYSQL_OPT_CONNECT_TIMEOUT, &connect) ||
                  mysql_options(mysql, MYSQL_OPT_READ_TIMEOUT, &connect) ||
                  mysql_options(mysql, MYSQL_OPT_WRITE_TIMEOUT, &write) ||
                  mysql_options(mysql, MYSQL_OPT_RECONNECT, &off) ||
                  mysql_options(mysql, MYSQL_SET_CHARSET_NAME, "utf8mb4") ||
                  mysql_options4(mysql, MYSQL_OPT_CONNECT_ATTR_ADD, "program_name", "ccdata");
    return failed ? error_set(err, CCD_INTERNAL, "cannot open %s: %s", target->name,
                              mysql_error(mysql))
                  : CCD_OK;
}

/* A server on the other side of a socket is this machine; over TCP only a checked name tells who
 * asks. Without it, no way is open that would hand over the password itself. */
static bool set_plugins(MYSQL *mysql, const struct sql_target *target, const struct place *place)
{
    return !place->host || target->url.ssl_mode == SSL_MODE_VERIFY_IDENTITY ||
           mysql_optionsv(mysql, MARIADB_OPT_RESTRICTED_AUTH, plugins_hashing) == 0;
}

static int set_tls(MYSQL *mysql, const struct sql_target *target, struct ccd_error *err)
{
    const struct store_url *url = &target->url;
    const my_bool wanted = url->ssl_mode >= SSL_MODE_PREFERRED;
    const my_bool named = url->ssl_mode == SSL_MODE_VERIFY_IDENTITY;
    bool failed = mysql_options(mysql, MYSQL_OPT_SSL_ENFORCE, &wanted) ||
                  mysql_options(mysql, MYSQL_OPT_SSL_VERIFY_SERVER_CERT, &named);
    if (!failed && wanted)
        failed = mysql_options(mysql, MARIADB_OPT_TLS_VERSION, "TLSv1.2,TLSv1.3") != 0;
    if (url->ssl_mode >= SSL_MODE_VERIFY_CA) {
        const char *ca = url->ssl_ca[0] ? url->ssl_ca : system_ca();
        if (!ca || access(ca, R_OK) != 0)
            return error_set(err, CCD_DATABASE_PERMISSION,
                             "cannot open %s: the certificates of authorities %s cannot be read:"
                             " see ssl-ca",
                             target->name, ca ? ca : "of this system");
        failed = failed || mysql_options(mysql, MYSQL_OPT_SSL_CA, ca);
    }
    return failed ? error_set(err, CCD_DATABASE_PERMISSION, "cannot open %s: %s", target->name,
                              mysql_error(mysql))
                  : CCD_OK;
}

/* ---- after it ---- */

/* The library sends a plain login when the server has no TLS, unless it checks the name; but with
 * these plugins what is lost then is a hash, and the connection is not used. */
static int check_tls(struct mysql_connection *c, const struct place *place, struct ccd_error *err)
{
    enum ssl_mode mode = c->base.target->url.ssl_mode;
    if (mode < SSL_MODE_REQUIRED || !place->host || mysql_get_ssl_cipher(c->mysql))
        return CCD_OK;
    return error_set(err, CCD_DATABASE_PERMISSION,
                     "cannot open %s: the server offers no TLS, and ssl-mode is %s",
                     c->base.target->name, ssl_mode_name(mode));
}

/* A handshake is waited for as long as a connection; a statement may take longer. The library has
 * one timeout for both, so it is raised in between; over TLS the socket's own counts. A peer that
 * vanished is noticed by its host's silence. */
static void watch(struct mysql_connection *c)
{
    static const int on = 1, idle_s = 30, interval_s = 10, probes = 3, unacknowledged_ms = 60000;
    int64_t wait_ms = silence_ms(c->base.target);
    MARIADB_PVIO *io = c->mysql->net.pvio;
    if (io && io->methods && io->methods->set_timeout)
        io->methods->set_timeout(io, PVIO_READ_TIMEOUT, (int)seconds(wait_ms));
    int fd = mysql_get_socket(c->mysql);
    struct timeval wait = {.tv_sec = seconds(wait_ms)};
    (void)setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &wait, sizeof(wait));
    (void)setsockopt(fd, SOL_SOCKET, SO_KEEPALIVE, &on, sizeof(on));
    (void)setsockopt(fd, IPPROTO_TCP, TCP_KEEPIDLE, &idle_s, sizeof(idle_s));
    (void)setsockopt(fd, IPPROTO_TCP, TCP_KEEPINTVL, &interval_s, sizeof(interval_s));
    (void)setsockopt(fd, IPPROTO_TCP, TCP_KEEPCNT, &probes, sizeof(probes));
    (void)setsockopt(fd, IPPROTO_TCP, TCP_USER_TIMEOUT, &unacknowledged_ms,
                     sizeof(unacknowledged_ms));
}

static int connect_to(struct mysql_connection *c, const struct place *place,
                      const struct client_file *file, struct ccd_error *err)
{
    const struct sql_target *target = c->base.target;
    const struct store_url *url = &target->url;
    const unsigned protocol = place->host ? MYSQL_PROTOCOL_TCP : MYSQL_PROTOCOL_SOCKET;
    const char *user = url->user[0] ? url->user : file->user;
    const char *password = url->has_password    ? url->password
                           : file->has_password ? file->password
                                                : "";
    if (mysql_options(c->mysql, MYSQL_OPT_PROTOCOL, &protocol) ||
        !set_plugins(c->mysql, target, place))
        return error_set(err, CCD_INTERNAL, "cannot open %s: the client library is too old",
                         target->name);
    if (!mysql_real_connect(c->mysql, place->host, user[0] ? user : NULL, password,
                            url->database[0] ? url->database : NULL, place->port, place->socket, 0))
        return mysql_fail_connect(target, c->mysql, c->host, err);
    c->connected = true;
    int status = check_tls(c, place, err);
    if (status != CCD_OK)
        return status;
    watch(c);
    return mysql_session_begin(c, err);
}

static int open_host(const struct sql_target *target, const struct store_host *host,
                     const struct client_file *file, struct mysql_connection **out,
                     struct ccd_error *err)
{
    struct mysql_connection *c = mem_new(target->allocator, 1, sizeof(*c));
    if (!c)
        return error_set(err, CCD_NO_MEMORY, "no memory to open %s", target->name);
    c->base = (struct sql_connection){.driver = &sql_driver_mysql,
                                      .target = target,
                                      .dialect = dialect_of(DIALECT_MYSQL),
                                      .opened_mono_us = clock_mono_us(target->clock)};
    c->packet_max_bytes = PACKET_BYTES_LEAST;
    buf_init(&c->text, TEXT_MAX_BYTES, target->allocator);
    struct place place = place_of(host, file);
    if (place.host)
        str_print(c->host, sizeof(c->host), "%s:%u", place.host, place.port);
    else
        str_print(c->host, sizeof(c->host), "%s", place.socket);
    c->mysql = mysql_init(NULL);
    int status = c->mysql ? set_options(c->mysql, target, err) : mysql_no_memory(c, "open", err);
    if (status == CCD_OK)
        status = place.host ? set_tls(c->mysql, target, err) : CCD_OK;
    if (status == CCD_OK) {
        load_guard(c);
        status = connect_to(c, &place, file, err);
    }
    if (status == CCD_OK)
        *out = c;
    else
        mysql_disconnect(c);
    return status;
}

int mysql_connect(const struct sql_target *target, struct mysql_connection **out,
                  struct ccd_error *err)
{
    struct client_file file = {0};
    char path[URL_PATH_MAX_BYTES];
    const char *home = secure_getenv("HOME");
    if (home && str_print(path, sizeof(path), "%s/.my.cnf", home))
        client_file_read(path, &file);
    int status = error_set(err, CCD_USAGE, "the URL of %s names no host", target->name);
    for (size_t i = 0; i < target->url.host_count; i++) {
        status = open_host(target, &target->url.hosts[i], &file, out, err);
        if (status != CCD_DATABASE_UNREACHABLE)
            break;
    }
    client_file_release(&file);
    if (status == CCD_OK)
        error_clear(err); /* of hosts before this one */
    return status;
}

/* Told, because the server would hold its rows until it notices that we left. */
static void end_transaction(struct mysql_connection *c)
{
    unsigned status = 0;
    if (c->base.broken ||
        mariadb_get_infov(c->mysql, MARIADB_CONNECTION_SERVER_STATUS, &status) != 0)
        return;
    if (status & SERVER_STATUS_IN_TRANS)
        c->base.driver->rollback(&c->base);
}

void mysql_disconnect(struct mysql_connection *c)
{
    if (!c)
        return;
    if (c->connected)
        end_transaction(c);
    locks_release(c);
    for (size_t i = 0; i < SQL_STATEMENTS_KEPT; i++)
        if (c->statements[i].sql)
            statement_drop(c, &c->statements[i]);
    row_arrays_release(c);
    buf_release(&c->text);
    if (c->mysql)
        mysql_close(c->mysql);
    mem_free(c->base.target->allocator, c);
}
