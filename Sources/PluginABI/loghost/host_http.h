/* Host service: HTTP to other servers, so that no plugin links an HTTP stack: the host has one connection
 * pool, its TLS settings and limits. */
#ifndef LOGHOST_HOST_HTTP_H
#define LOGHOST_HOST_HTTP_H

#include "error.h"
#include "host.h"
#include "resolution.h"

#define LOGHOST_HOST_HTTP "loghost.host.http/1"

enum {
    LOGHOST_HTTP_FOLLOW_REDIRECTS = 1u << 0, /* off by default: a redirect is an answer like any other */
    LOGHOST_HTTP_STREAM = 1u << 1            /* chunks instead of the whole body */
};

/* One request to another server. Borrowed until `request` returns. */
typedef struct loghost_http_request {
    uint32_t size;
    uint32_t flags;
    loghost_bytes method;
    loghost_bytes url; /* absolute, http or https */
    const loghost_header *headers;
    size_t header_count;
    loghost_bytes body;
    uint64_t deadline_microseconds; /* from now to the answer's end (a stream's head); 0 = by default */
    uint64_t body_capacity; /* whole body: more bytes than this are LOGHOST_ERROR_LIMIT; 0 = by default */
    loghost_bytes ca_file;            /* PEM; empty = the system's */
    loghost_bytes client_certificate; /* PEM file; empty = none */
    loghost_bytes client_key;         /* PEM file */
} loghost_http_request;

/* One answer. Borrowed during the call it comes with. */
typedef struct loghost_http_response {
    uint32_t size;
    uint32_t status;
    const loghost_header *headers;
    size_t header_count;
    loghost_bytes body; /* whole body; empty with LOGHOST_HTTP_STREAM */
} loghost_http_response;

/* What the host calls. All are [any-thread] [must not block]; calls of one request never overlap. The plugin
 * copies what it keeps. */
typedef struct loghost_http_callbacks {
    uint32_t size;
    uint32_t reserved;
    /* Exactly once, last: the whole answer, or (stream) the end of the body with `response` NULL; `error` is
     * NULL on success. */
    void (*complete)(void *context, const loghost_http_response *response, const loghost_error *error);
    /* Streams only, once, before any chunk: status and headers. */
    void (*head)(void *context, const loghost_http_response *response);
    /* Streams only: the next bytes. Answers 1 to go on, 0 to pause until `resume`. */
    int32_t (*chunk)(void *context, loghost_bytes bytes);
} loghost_http_callbacks;

typedef struct loghost_host_http {
    uint32_t size;
    uint32_t reserved;
    /* [any-thread] [must not block] Begins a request and returns its id (above 0), or 0 with `error` filled
     * and no call back ever. The first call back may come before the id has been returned. */
    uint64_t (*request)(const loghost_host *host, const loghost_http_request *request,
                        const loghost_http_callbacks *callbacks, void *context, loghost_error *error);
    /* [any-thread] [must not block] Lets a paused stream go on. */
    void (*resume)(const loghost_host *host, uint64_t request);
    /* [any-thread] Gives a request up. When this returns no call back of it runs or will come, unless it was
     * called from within one: then that one is the last. So the caller holds no lock that a call back takes.
     * An unknown id does nothing. */
    void (*cancel)(const loghost_host *host, uint64_t request);
} loghost_host_http;

#endif
