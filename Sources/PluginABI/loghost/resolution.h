/* What a route leads to. */
#ifndef LOGHOST_RESOLUTION_H
#define LOGHOST_RESOLUTION_H

#include "error.h"
#include "filter.h"

enum {
    LOGHOST_RESOLVED_LOG = 1,      /* a topic, read through `open` */
    LOGHOST_RESOLVED_BYTES = 2,    /* an answer the plugin writes itself */
    LOGHOST_RESOLVED_REDIRECT = 3, /* 303 to `location` */
    LOGHOST_RESOLVED_PROXY = 4     /* the host forwards the request to `location`: see PROXY */
};

typedef struct loghost_header {
    loghost_bytes name;
    loghost_bytes value;
} loghost_header;

/* What `read` of a byte stream answers. */
enum {
    LOGHOST_STREAM_DATA = 1,    /* bytes, at least one; the last ones come with LOGHOST_STREAM_END */
    LOGHOST_STREAM_PENDING = 2, /* not now: wake the stream's id when there is more, within 30 s unless configured */
    LOGHOST_STREAM_END = 3,     /* the last bytes, or none */
    LOGHOST_STREAM_ERROR = 4    /* `error` is filled; the host ends the answer visibly */
};

/* The functions of a byte stream. They live as long as the library. */
typedef struct loghost_byte_stream_functions {
    uint32_t size;
    uint32_t reserved;
    /* [worker] Gives the next bytes, at most `limit`; borrowed until the next call with this stream. */
    int32_t (*read)(loghost_byte_stream *stream, size_t limit, loghost_bytes *bytes, loghost_error *error);
    /* [worker] Ends the stream; exactly once, after every other call with it has returned. */
    void (*close)(loghost_byte_stream *stream);
} loghost_byte_stream_functions;

/* The answer of `resolve`. Borrowed by the host during the completion only; it copies what it keeps.
 *
 * BYTES: the plugin gives no Content-Length. For HEAD the host does not read the stream, only closes it.
 *
 * PROXY. To an absolute URL the host sends the same method with Accept, Accept-Encoding, Authorization,
 * Last-Event-ID and traceparent of the client, and `upstream_headers`, which win over the client's of the same
 * name; the answer comes back as it is, piece by piece, but for Set-Cookie and what belongs to the connection.
 * A request that a host has forwarded already is 508. An absolute path is served by this host itself, as if it
 * had been asked for, decided by the authorizers like any other; only once. */
typedef struct loghost_resolution {
    uint32_t size;
    uint32_t kind;
    loghost_bytes topic;   /* LOG: names what shares one live tail; opaque, at most 1024 bytes */
    loghost_filter filter; /* LOG: the route's own condition, which the query's filter only narrows */
    uint32_t status;       /* BYTES: the HTTP status; 204, 205 and 304 have no body, and a stream is only closed */
    uint32_t reserved;
    const loghost_header *headers; /* BYTES: at least Content-Type when there is a body */
    size_t header_count;
    loghost_byte_stream *stream;                           /* BYTES: NULL = no body; the host closes it */
    const loghost_byte_stream_functions *stream_functions; /* BYTES */
    loghost_bytes location;                                /* REDIRECT, PROXY: an absolute path or URL, with the query */
    const loghost_header *upstream_headers;                /* PROXY: added to the forwarded request */
    size_t upstream_header_count;
    loghost_bytes ca_file;            /* PROXY, https: PEM; empty = the system's */
    loghost_bytes client_certificate; /* PROXY, https: PEM file; empty = none */
    loghost_bytes client_key;         /* PROXY, https: PEM file */
} loghost_resolution;

#endif
