/* The sockets that libcurl has open, so that a kept-alive one can be looked at before it is used
 * again. Invariant: holds no closed descriptor; one that found no room is not looked at. */
#ifndef HTTP_SOCKETS_H
#define HTTP_SOCKETS_H

#include <curl/curl.h>
#include <stdbool.h>

/* 64 connections, and the losers of as many races between address families. */
enum { SOCKETS_MAX = 160 };

struct open_socket {
    curl_socket_t fd;
    int local_port; /* 0 = not looked up yet */
};

struct socket_table {
    struct open_socket sockets[SOCKETS_MAX];
    int count;
};

/* libcurl's open and close callbacks; user is a struct socket_table. */
curl_socket_t sockets_open(void *user, curlsocktype purpose, struct curl_sockaddr *address);
int sockets_close(void *user, curl_socket_t fd);

/* Whether the connection from this local port has something to read: bytes, its end or an error. */
bool sockets_readable(struct socket_table *table, int local_port);

#endif
