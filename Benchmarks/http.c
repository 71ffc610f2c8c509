#define _GNU_SOURCE
#include "http.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

static void fail(struct http_response *response, const char *error) {
    response->state = HTTP_FAILED;
    response->error = error;
}

void http_begin(struct http_response *response) {
    response->state = HTTP_STATUS_LINE;
    response->status = 0;
    response->chunked = response->has_length = false;
    response->remaining = response->body_bytes = 0;
    response->head_bytes = response->line_length = 0;
    response->error = NULL;
}

/* Reads digits of the given base from the whole of `text`, or up to `stop`. */
static bool parse_number(const char *text, int base, const char *stop, uint64_t *value) {
    const char *digits = "0123456789abcdefABCDEF";
    size_t length = base == 16 ? strspn(text, digits) : strspn(text, "0123456789");
    if (length == 0 || length > 15) return false;
    const char *rest = text + length + strspn(text + length, " \t");
    if (*rest != 0 && strchr(stop, *rest) == NULL) return false;
    *value = strtoull(text, NULL, base);
    return true;
}

static void take_header(struct http_response *response) {
    char *colon = strchr(response->line, ':');
    if (colon == NULL) {
        fail(response, "a header line without a colon");
        return;
    }
    char *value = colon + 1 + strspn(colon + 1, " \t");
    *colon = 0;
    if (strcasecmp(response->line, "transfer-encoding") == 0) {
        if (strcasecmp(value, "chunked") != 0) fail(response, "a transfer encoding other than chunked");
        response->chunked = true;
    } else if (strcasecmp(response->line, "content-length") == 0) {
        if (!parse_number(value, 10, "", &response->remaining)) fail(response, "a malformed Content-Length");
        response->has_length = true;
    }
}

static void end_of_head(struct http_response *response) {
    if (response->status >= 100 && response->status < 200) {
        http_begin(response);
    } else if (response->status == 204 || response->status == 304) {
        response->state = HTTP_DONE;
    } else if (response->chunked) {
        response->state = HTTP_CHUNK_SIZE;
    } else if (response->has_length) {
        response->state = response->remaining > 0 ? HTTP_LENGTH_BODY : HTTP_DONE;
    } else {
        fail(response, "a body with neither chunks nor Content-Length");
    }
}

static void take_line(struct http_response *response) {
    bool empty = response->line_length == 0;
    switch (response->state) {
    case HTTP_STATUS_LINE:
        if (sscanf(response->line, "HTTP/1.1 %3d", &response->status) != 1) fail(response, "not an HTTP/1.1 status line");
        else response->state = HTTP_HEADER;
        break;
    case HTTP_HEADER:
        if (empty) end_of_head(response);
        else take_header(response);
        break;
    case HTTP_CHUNK_SIZE:
        if (!parse_number(response->line, 16, ";", &response->remaining)) fail(response, "a malformed chunk size");
        else response->state = response->remaining > 0 ? HTTP_CHUNK_BODY : HTTP_TRAILER;
        break;
    case HTTP_CHUNK_END:
        if (!empty) fail(response, "a chunk longer than its size");
        else response->state = HTTP_CHUNK_SIZE;
        break;
    case HTTP_TRAILER:
        if (empty) response->state = HTTP_DONE;
        break;
    default:
        break;
    }
}

/* Collects a line, however it was cut, and hands it on without its line end. */
static size_t collect_line(struct http_response *response, const char *data, size_t size) {
    const char *end = memchr(data, '\n', size);
    size_t taken = end != NULL ? (size_t)(end - data) + 1 : size;
    bool head = response->state == HTTP_STATUS_LINE || response->state == HTTP_HEADER || response->state == HTTP_TRAILER;
    if (head) response->head_bytes += taken;
    if (response->line_length + taken >= HTTP_LINE_MAX || response->head_bytes > HTTP_HEAD_MAX) {
        fail(response, "a header or chunk line that is too long");
        return taken;
    }
    memcpy(response->line + response->line_length, data, taken);
    response->line_length += taken;
    if (end == NULL) return taken;
    response->line_length--;
    if (response->line_length > 0 && response->line[response->line_length - 1] == '\r') response->line_length--;
    response->line[response->line_length] = 0;
    take_line(response);
    response->line_length = 0;
    return taken;
}

size_t http_parse(struct http_response *response, const char *data, size_t size, http_body body, void *context) {
    size_t used = 0;
    while (used < size && response->state != HTTP_DONE && response->state != HTTP_FAILED) {
        if (response->state != HTTP_LENGTH_BODY && response->state != HTTP_CHUNK_BODY) {
            used += collect_line(response, data + used, size - used);
            continue;
        }
        size_t part = size - used < response->remaining ? size - used : (size_t)response->remaining;
        if (body != NULL) body(context, data + used, part);
        used += part;
        response->remaining -= part;
        response->body_bytes += part;
        if (response->remaining == 0) response->state = response->state == HTTP_CHUNK_BODY ? HTTP_CHUNK_END : HTTP_DONE;
    }
    return used;
}

const char *http_framing(const struct http_response *response) {
    return response->chunked ? "chunked" : response->has_length ? "length" : "none";
}

static int connect_socket(int family, const struct sockaddr *address, socklen_t size, uint32_t source, int receive_buffer) {
    int descriptor = socket(family, SOCK_STREAM | SOCK_CLOEXEC, 0), on = 1;
    struct sockaddr_in from = {.sin_family = AF_INET};
    from.sin_addr.s_addr = htonl(source);
    bool ready = descriptor >= 0;
    if (ready && receive_buffer > 0)
        ready = setsockopt(descriptor, SOL_SOCKET, SO_RCVBUF, &receive_buffer, sizeof receive_buffer) == 0;
    if (ready && source != 0 && family == AF_INET)
        ready = setsockopt(descriptor, IPPROTO_IP, IP_BIND_ADDRESS_NO_PORT, &on, sizeof on) == 0 &&
                bind(descriptor, (const struct sockaddr *)&from, sizeof from) == 0;
    if (!ready || connect(descriptor, address, size) < 0) {
        int error = errno;
        if (descriptor >= 0) close(descriptor);
        errno = error;
        return -1;
    }
    return descriptor;
}

int http_connect(const char *address) { return http_connect_from(address, 0, 0); }

int http_connect_from(const char *address, uint32_t source, int receive_buffer) {
    if (strncmp(address, "unix:", 5) == 0) {
        struct sockaddr_un name = {.sun_family = AF_UNIX};
        if (strlen(address + 5) >= sizeof name.sun_path) {
            errno = ENAMETOOLONG;
            return -1;
        }
        strcpy(name.sun_path, address + 5);
        return connect_socket(AF_UNIX, (const struct sockaddr *)&name, sizeof name, source, receive_buffer);
    }
    uint64_t port;
    if (!parse_number(address, 10, "", &port) || port == 0 || port > 65535) {
        errno = EINVAL;
        return -1;
    }
    struct sockaddr_in name = {.sin_family = AF_INET, .sin_port = htons((uint16_t)port)};
    name.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    int descriptor = connect_socket(AF_INET, (const struct sockaddr *)&name, sizeof name, source, receive_buffer), on = 1;
    if (descriptor >= 0) setsockopt(descriptor, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    return descriptor;
}

size_t http_request(char *text, size_t size, const char *address, const char *path, const char *accept,
                    char *const *extra, int extra_count) {
    bool local = strncmp(address, "unix:", 5) == 0;
    int length = snprintf(text, size, "GET %s HTTP/1.1\r\nHost: %s%s\r\nAccept: %s\r\n", path,
                          local ? "localhost" : "127.0.0.1:", local ? "" : address, accept);
    for (int i = 0; i < extra_count && length >= 0 && (size_t)length < size; i++)
        length += snprintf(text + length, size - (size_t)length, "%s\r\n", extra[i]);
    if (length >= 0 && (size_t)length < size) length += snprintf(text + length, size - (size_t)length, "\r\n");
    return length >= 0 && (size_t)length < size ? (size_t)length : 0;
}

bool http_send(int descriptor, const char *data, size_t size) {
    while (size > 0) {
        ssize_t sent = send(descriptor, data, size, MSG_NOSIGNAL);
        if (sent < 0 && errno == EINTR) continue;
        if (sent <= 0) return false;
        data += sent;
        size -= (size_t)sent;
    }
    return true;
}

double http_now(void) {
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}
