/* The little of HTTP/1.1 that the load tools need: connecting, a GET, and a response parsed as it arrives. */
#ifndef LOGHOST_BENCHMARK_HTTP_H
#define LOGHOST_BENCHMARK_HTTP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define HTTP_LINE_MAX 4096
#define HTTP_HEAD_MAX 65536
#define HTTP_EXTRA_MAX 8

enum http_state {
    HTTP_STATUS_LINE,
    HTTP_HEADER,
    HTTP_LENGTH_BODY, /* Content-Length */
    HTTP_CHUNK_SIZE,
    HTTP_CHUNK_BODY,
    HTTP_CHUNK_END, /* the line end behind a chunk */
    HTTP_TRAILER,   /* behind the terminating chunk */
    HTTP_DONE,      /* complete: Content-Length reached, or the terminating chunk and its trailer arrived */
    HTTP_FAILED     /* `error` says why */
};

struct http_response {
    enum http_state state;
    int status;
    bool chunked, has_length;
    uint64_t remaining; /* of the chunk or the body */
    uint64_t body_bytes;
    size_t head_bytes, line_length;
    char line[HTTP_LINE_MAX];
    const char *error;
};

/* Receives the bytes of a body, in order; `data` is valid during the call. */
typedef void (*http_body)(void *context, const char *data, size_t size);

/* Makes the response ready for a status line. */
void http_begin(struct http_response *response);

/* Takes bytes from the connection and returns how many belonged to this response (all, unless it ended). */
size_t http_parse(struct http_response *response, const char *data, size_t size, http_body body, void *context);

/* Names how the body was framed: "chunked", "length" or "none". */
const char *http_framing(const struct http_response *response);

/* Connects to `PORT` on 127.0.0.1 or to `unix:PATH`; returns a blocking socket, or -1 with errno set. */
int http_connect(const char *address);

/* The same from a local address other than 127.0.0.1, and with another receive buffer, in bytes; 0 leaves either. */
int http_connect_from(const char *address, uint32_t source, int receive_buffer);

/* Writes a GET with an Accept header and more header lines into `text`; returns its length, 0 if it does not fit. */
size_t http_request(char *text, size_t size, const char *address, const char *path, const char *accept,
                    char *const *extra, int extra_count);

/* Sends everything; returns false with errno set on failure. */
bool http_send(int descriptor, const char *data, size_t size);

/* Seconds of the monotonic clock. */
double http_now(void);

#endif
