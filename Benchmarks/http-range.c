/* Reads one whole answer and says how fast it came:
 *     http-range [-t SECONDS] [-H 'Name: value']... PORT|unix:PATH TARGET ACCEPT lines|events
 * `lines` counts newlines in the body, `events` the blank lines that end events. Prints one line of name=value pairs.
 * Fails (1) unless the status is 200 and the body is complete: its terminating chunk arrived, or its Content-Length. */
#define _GNU_SOURCE
#include "http.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

#define BUFFER (256 * 1024)

struct counter {
    bool events;
    unsigned long long units;
    size_t line; /* bytes of the line so far, over all pieces */
    bool in_event;
};

static void count(void *context, const char *data, size_t size) {
    struct counter *counter = context;
    const char *end = data + size;
    for (const char *newline; (newline = memchr(data, '\n', (size_t)(end - data))) != NULL; data = newline + 1) {
        size_t line = counter->line + (size_t)(newline - data);
        counter->line = 0;
        if (!counter->events) {
            counter->units++;
        } else if (line > 0) {
            counter->in_event = true;
        } else if (counter->in_event) {
            counter->in_event = false;
            counter->units++;
        }
    }
    counter->line += (size_t)(end - data);
}

static int usage(void) {
    fprintf(stderr, "usage: http-range [-t SECONDS] [-H 'Name: value']... PORT|unix:PATH TARGET ACCEPT lines|events\n");
    return 64;
}

int main(int argc, char **argv) {
    static char buffer[BUFFER], request[16384];
    static struct http_response response;
    char *extra[HTTP_EXTRA_MAX];
    int extra_count = 0, option;
    double limit = 300;
    while ((option = getopt(argc, argv, "t:H:")) != -1) {
        if (option == 't') limit = strtod(optarg, NULL);
        else if (option == 'H' && extra_count < HTTP_EXTRA_MAX) extra[extra_count++] = optarg;
        else return usage();
    }
    if (argc - optind != 4 || !(limit > 0 && limit <= 3600)) return usage();
    const char *address = argv[optind], *kind = argv[optind + 3];
    struct counter counter = {.events = strcmp(kind, "events") == 0};
    if (!counter.events && strcmp(kind, "lines") != 0) return usage();
    size_t request_size = http_request(request, sizeof request, address, argv[optind + 1], argv[optind + 2], extra, extra_count);
    if (request_size == 0) return usage();

    double started = http_now(), first = 0;
    int connection = http_connect(address);
    if (connection < 0 || !http_send(connection, request, request_size)) {
        fprintf(stderr, "http-range: %s: %s\n", address, strerror(errno));
        return 1;
    }
    struct timeval stall = {.tv_sec = 1};
    setsockopt(connection, SOL_SOCKET, SO_RCVTIMEO, &stall, sizeof stall);

    const char *error = NULL;
    http_begin(&response);
    while (error == NULL && response.state != HTTP_DONE) {
        ssize_t size = recv(connection, buffer, sizeof buffer, 0);
        if (http_now() - started > limit) error = "time is up before the end";
        else if (size < 0 && (errno == EAGAIN || errno == EINTR)) continue;
        else if (size < 0) error = strerror(errno);
        else if (size == 0) error = "the connection closed before the end of the body";
        else if (http_parse(&response, buffer, (size_t)size, count, &counter) < (size_t)size && response.state == HTTP_DONE)
            error = "bytes behind the end of the body";
        if (first == 0) first = http_now();
        if (response.state == HTTP_FAILED) error = response.error;
    }
    double wall = http_now() - started;
    close(connection);
    if (error == NULL && response.status != 200) error = "the status is not 200";
    if (error == NULL && counter.events && (counter.in_event || counter.line > 0)) error = "the last event has no end";
    if (error == NULL && !counter.events && counter.line > 0) error = "the last line has no end";
    printf("status=%d per_s=%.0f mb_per_s=%.1f units=%llu bytes=%llu wall_s=%.4f first_byte_s=%.4f framing=%s complete=%s\n",
           response.status, (double)counter.units / wall, (double)response.body_bytes / wall / 1e6, counter.units,
           (unsigned long long)response.body_bytes, wall, first - started, http_framing(&response), error == NULL ? "yes" : "no");
    if (error != NULL) fprintf(stderr, "http-range: %s (status %d, %llu bytes of body)\n", error, response.status,
                               (unsigned long long)response.body_bytes);
    return error == NULL ? 0 : 1;
}
