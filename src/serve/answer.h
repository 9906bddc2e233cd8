/* From a request to its answer: the routes, their bodies, the headers of every answer. */
#ifndef SERVE_ANSWER_H
#define SERVE_ANSWER_H

#include "serve/server.h"

/* An MHD_AccessHandlerCallback; user is the server. */
enum MHD_Result answer_request(void *user, struct MHD_Connection *connection, const char *target,
                               const char *method, const char *version, const char *body,
                               size_t *body_bytes, void **request_state);

/* The page of a route that is published; false: there is none. */
bool answer_find_page(struct str route, enum server_page *out_page);

#endif
