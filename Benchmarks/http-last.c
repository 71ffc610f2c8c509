/* Repeats one GET on keep-alive connections and says how many a second were answered, and how late:
 *     http-last [-c CONNECTIONS] [-s SECONDS] [-n LINES] [-H 'Name: value']... PORT|unix:PATH TARGET ACCEPT
 * One thread, one request under way per connection. With -n every body must have that many lines.
 * Prints one line of name=value pairs; fails (1) at the first answer that is not 200, complete and kept alive. */
#define _GNU_SOURCE
#include "http.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#define CONNECTIONS_MAX 1024
#define MICROSECONDS_MAX (1 << 20) /* one bucket a microsecond; what is later counts in the last one */
#define PATIENCE 5.0               /* seconds for an answer */

struct connection {
    int descriptor;
    double sent;
    unsigned long long lines;
    struct http_response response;
};

static struct connection connections[CONNECTIONS_MAX];
static unsigned latency[MICROSECONDS_MAX + 1];
static char request[16384];
static size_t request_size;

static void fail(const char *what, const char *why) {
    fprintf(stderr, "http-last: %s: %s\n", what, why);
    exit(1);
}

static void count_lines(void *context, const char *data, size_t size) {
    struct connection *connection = context;
    const char *end = data + size;
    for (; (data = memchr(data, '\n', (size_t)(end - data))) != NULL; data++) connection->lines++;
}

static void ask(struct connection *connection) {
    http_begin(&connection->response);
    connection->lines = 0;
    connection->sent = http_now();
    if (!http_send(connection->descriptor, request, request_size)) fail("send", strerror(errno));
}

/* Takes what has arrived; returns true when the answer is complete. */
static bool take(struct connection *connection, long long lines) {
    static char buffer[65536];
    struct http_response *response = &connection->response;
    ssize_t size = recv(connection->descriptor, buffer, sizeof buffer, MSG_DONTWAIT);
    if (size < 0 && (errno == EAGAIN || errno == EINTR)) return false;
    if (size < 0) fail("recv", strerror(errno));
    if (size == 0) fail("the server closed a connection", "keep-alive is what is measured");
    size_t used = http_parse(response, buffer, (size_t)size, count_lines, connection);
    if (response->state == HTTP_FAILED) fail("a malformed answer", response->error);
    if (response->state != HTTP_DONE) return false;
    if (used < (size_t)size) fail("a malformed answer", "bytes behind the end of the body");
    if (response->status != 200) {
        char status[16];
        snprintf(status, sizeof status, "%d", response->status);
        fail("the status is not 200", status);
    }
    if (lines >= 0 && connection->lines != (unsigned long long)lines) fail("wrong answer", "not the number of lines asked for");
    double microseconds = (http_now() - connection->sent) * 1e6;
    latency[microseconds < MICROSECONDS_MAX ? (int)microseconds : MICROSECONDS_MAX]++;
    return true;
}

static double percentile(unsigned long long total, double share) {
    unsigned long long seen = 0;
    int i = 0;
    while (i < MICROSECONDS_MAX && (double)(seen += latency[i]) < share * (double)total) i++;
    return i / 1000.0;
}

static int usage(void) {
    fprintf(stderr, "usage: http-last [-c CONNECTIONS] [-s SECONDS] [-n LINES] [-H 'Name: value']... PORT|unix:PATH TARGET ACCEPT\n");
    return 64;
}

int main(int argc, char **argv) {
    char *extra[HTTP_EXTRA_MAX];
    int extra_count = 0, option;
    long count = 8, lines = -1;
    double seconds = 5;
    while ((option = getopt(argc, argv, "c:s:n:H:")) != -1) {
        if (option == 'c') count = strtol(optarg, NULL, 10);
        else if (option == 's') seconds = strtod(optarg, NULL);
        else if (option == 'n') lines = strtol(optarg, NULL, 10);
        else if (option == 'H' && extra_count < HTTP_EXTRA_MAX) extra[extra_count++] = optarg;
        else return usage();
    }
    if (argc - optind != 3 || count < 1 || count > CONNECTIONS_MAX || !(seconds > 0 && seconds <= 600)) return usage();
    const char *address = argv[optind];
    request_size = http_request(request, sizeof request, address, argv[optind + 1], argv[optind + 2], extra, extra_count);
    if (request_size == 0) return usage();

    int epoll = epoll_create1(EPOLL_CLOEXEC);
    if (epoll < 0) fail("epoll_create1", strerror(errno));
    for (long i = 0; i < count; i++) {
        struct epoll_event event = {.events = EPOLLIN, .data.ptr = &connections[i]};
        connections[i].descriptor = http_connect(address);
        if (connections[i].descriptor < 0) fail(address, strerror(errno));
        if (epoll_ctl(epoll, EPOLL_CTL_ADD, connections[i].descriptor, &event) < 0) fail("epoll_ctl", strerror(errno));
    }

    double started = http_now(), ended = started;
    unsigned long long answers = 0, bytes = 0;
    for (long i = 0; i < count; i++) ask(&connections[i]);
    for (long waiting = count; waiting > 0;) {
        struct epoll_event events[64];
        int ready = epoll_wait(epoll, events, 64, (int)(PATIENCE * 1000));
        if (ready < 0 && errno != EINTR) fail("epoll_wait", strerror(errno));
        double now = http_now();
        if (ready == 0 || now > started + seconds + PATIENCE) fail("no answer", "time is up");
        for (int i = 0; i < ready; i++) {
            struct connection *connection = events[i].data.ptr;
            if (!take(connection, lines)) continue;
            answers++;
            bytes += connection->response.body_bytes;
            ended = http_now();
            if (ended - started < seconds) ask(connection);
            else waiting--;
        }
    }
    for (long i = 0; i < count; i++) close(connections[i].descriptor);
    close(epoll);
    double wall = ended - started;
    printf("per_s=%.0f p50_ms=%.3f p99_ms=%.3f answers=%llu bytes=%llu wall_s=%.3f connections=%ld\n",
           (double)answers / wall, percentile(answers, 0.50), percentile(answers, 0.99), answers, bytes, wall, count);
    return 0;
}
