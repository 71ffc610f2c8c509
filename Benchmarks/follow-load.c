/* Opens followers, writes entries through a journald and says who was given what, and how late:
 *     follow-load -j JOURNALD_SOCKET [OPTION]... PORT|unix:PATH TARGET
 *       -f N  followers (100), event streams of TARGET, a thousand from each local address
 *       -k N  different filters: follower i adds filter=LOAD_KEY:k(i modulo N) to its target (0: none)
 *       -r N  entries a second, evenly paced (10); 0 writes nothing: the cost of waiting
 *       -d S  seconds (10)
 *       -m N  bytes of MESSAGE (100), -n N  more fields (10)
 *       -s N  slow followers besides: one byte a second, and when the last entry is written as fast as they can
 *       -b T  a follower besides of target T, from another thread: when it comes to this load it begins anew
 *       -p N  the server's process, for its memory and processor time
 *       -e S  seconds from the last canary until it measures (2)
 *       -w S  seconds without any delivery after which what is missing is lost (10)
 * TARGET should begin at the end (cursor=END). Before anything is measured every follower is given a canary. With no
 * followers it only writes. Prints name=value pairs; fails (1) when it cannot measure. What is lost or repeated is a
 * figure, no failure. */
#define _GNU_SOURCE
#include "follower.h"
#include "process.h"

#include <arpa/inet.h>
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/random.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

#define FOLLOWERS_MAX 100000
#define PER_ADDRESS 1000   /* followers from one local address */
#define OPENING_MAX 100    /* requests without an answer at once */
#define PATIENCE 60        /* seconds without any answer or canary until it gives up */
#define LINGER 0.5         /* seconds after the last delivery, for what comes twice */
#define SAMPLE 100         /* milliseconds between two looks at the server */
#define SLOW_BUFFER 4096   /* bytes */
#define FAST_BUFFER 1048576
#define READ 65536

struct options {
    const char *journald, *address, *target, *backlog;
    long followers, keys, slow, message, fields, pid;
    double rate, seconds, settle, patience;
};

struct server {
    long pid;
    struct process_figures before, connected, peak, begun, ended, peak_after;
};

struct backlog {
    const struct options *options;
    const struct load *load;
    pthread_t thread;
    atomic_bool stop;
    uint64_t reads, bytes_least, broken, gaps; /* whole reads, bytes of the shortest */
    double seconds;                            /* of the whole ones together */
};

static struct follower *followers;
static struct tally normal, slow;
static struct load load;
static int epoll;
static long answered, refused;
static int refused_status;

static void fail(const char *what, const char *why) {
    fprintf(stderr, "follow-load: %s: %s\n", what, why);
    exit(1);
}

static double seconds_since(uint64_t begun) { return (double)(clock_now() - begun) / 1e9; }

static struct tally *tally_of(const struct options *options, const struct follower *follower) {
    return follower - followers < options->followers ? &normal : &slow;
}

/* Takes what has arrived, at most `size` bytes of it. Returns false when nothing has. */
static bool take(const struct options *options, struct follower *follower, size_t size) {
    static char buffer[READ];
    ssize_t received = recv(follower->descriptor, buffer, size, MSG_DONTWAIT);
    if (received < 0 && (errno == EAGAIN || errno == EINTR)) return false;
    struct tally *tally = tally_of(options, follower);
    bool open = received > 0 && follower_take(follower, &load, tally, buffer, (size_t)received, clock_now());
    const struct http_response *response = &follower->response;
    if (!follower->answered && response->status != 0 && response->state > HTTP_HEADER && response->state != HTTP_FAILED) {
        follower->answered = true;
        answered++;
        if (response->status != 200) {
            refused++;
            refused_status = response->status;
        }
    }
    if (!open) {
        tally->disconnects++;
        follower_close(follower);
    }
    return open;
}

static void turn(const struct options *options, int milliseconds) {
    struct epoll_event events[256];
    int ready = epoll_wait(epoll, events, 256, milliseconds);
    if (ready < 0 && errno != EINTR) fail("epoll_wait", strerror(errno));
    for (int i = 0; i < ready; i++) take(options, events[i].data.ptr, READ);
}

static void turn_for(const struct options *options, double seconds) {
    for (uint64_t begun = clock_now(); seconds_since(begun) < seconds;) turn(options, 10);
}

static void watch(struct follower *follower, int operation) {
    struct epoll_event event = {.events = EPOLLIN, .data.ptr = follower};
    if (epoll_ctl(epoll, operation, follower->descriptor, &event) < 0) fail("epoll_ctl", strerror(errno));
}

static void ask(const struct options *options, long number) {
    struct follower *follower = &followers[number];
    bool is_slow = number >= options->followers;
    char target[4096], request[8192];
    if (!follower_begin(follower, &load, (uint64_t)number % load.keys)) fail("no memory", "too many entries or followers");
    int size = snprintf(target, sizeof target, "%s", options->target);
    if (options->keys > 0 && size > 0 && (size_t)size < sizeof target)
        size += snprintf(target + size, sizeof target - (size_t)size, "%cfilter=LOAD_KEY:k%" PRIu64,
                         strchr(target, '?') != NULL ? '&' : '?', follower->key);
    size_t request_size = size > 0 && (size_t)size < sizeof target
        ? http_request(request, sizeof request, options->address, target, "text/event-stream", NULL, 0) : 0;
    if (request_size == 0) fail(options->target, "too long");
    uint32_t source = INADDR_LOOPBACK + 1 + (uint32_t)(number / PER_ADDRESS);
    follower->descriptor = http_connect_from(options->address, source, is_slow ? SLOW_BUFFER : 0);
    if (follower->descriptor < 0 || !http_send(follower->descriptor, request, request_size))
        fail(options->address, strerror(errno));
    watch(follower, EPOLL_CTL_ADD);
}

static void fail_if_any_ended(void) {
    char text[96];
    uint64_t ended = normal.disconnects + slow.disconnects;
    snprintf(text, sizeof text, "%" PRIu64 " answers ended, %ld were not 200 (the last: %d)", ended, refused, refused_status);
    if (ended > 0 || refused > 0) fail("not all followers were accepted", text);
}

/* Opens all followers, and waits for the answers' heads. */
static void open_all(const struct options *options) {
    long count = options->followers + options->slow, asked = 0, seen = 0;
    for (uint64_t progress = clock_now(); answered < count;) {
        while (asked < count && asked - answered < OPENING_MAX) ask(options, asked++);
        turn(options, 10);
        fail_if_any_ended();
        if (answered > seen) progress = clock_now();
        else if (seconds_since(progress) > PATIENCE) fail("no answer", "time is up");
        seen = answered;
    }
}

/* Sends the canaries, and waits until every follower has its own. */
static void establish(const struct options *options, struct sender *sender) {
    uint64_t count = (uint64_t)(options->followers + options->slow), seen = 0, now = 0;
    if (!sender_canaries(sender)) fail("journald", strerror(errno));
    for (uint64_t progress = clock_now(); now < count; seen = now) {
        turn(options, 10);
        fail_if_any_ended();
        now = normal.established + slow.established;
        if (now > seen) progress = clock_now();
        if (seconds_since(progress) < PATIENCE) continue;
        char text[64];
        snprintf(text, sizeof text, "%" PRIu64 " of %" PRIu64 " have had none", count - now, count);
        fail("followers without their canary", text);
    }
}

/* Looks at the server; `peak` keeps the highest. */
static struct process_figures look(const struct server *server, struct process_figures *peak) {
    struct process_figures now = {0};
    if (server->pid > 0 && !process_look(server->pid, &now)) fail("the server", "it is gone");
    if (peak != NULL && now.resident_kb > peak->resident_kb) peak->resident_kb = now.resident_kb;
    if (peak != NULL && now.anonymous_kb > peak->anonymous_kb) peak->anonymous_kb = now.anonymous_kb;
    return now;
}

/* Reads the backlog, up to the load's own entries, again and again. */
static void *read_backlog(void *context) {
    static char buffer[READ];
    struct backlog *backlog = context;
    const struct options *options = backlog->options;
    char request[8192];
    size_t request_size =
        http_request(request, sizeof request, options->address, options->backlog, "text/event-stream", NULL, 0);
    struct timeval stall = {.tv_usec = 100000};
    while (!atomic_load(&backlog->stop) && request_size > 0) {
        struct load none = *backlog->load;
        struct tally tally = {0};
        struct follower follower;
        none.total = 0;
        if (!follower_begin(&follower, &none, 0)) fail("no memory", "for the backlog");
        uint64_t begun = clock_now();
        follower.descriptor = http_connect_from(options->address, INADDR_LOOPBACK, 0);
        bool open = follower.descriptor >= 0 && http_send(follower.descriptor, request, request_size);
        if (open) setsockopt(follower.descriptor, SOL_SOCKET, SO_RCVTIMEO, &stall, sizeof stall);
        while (open && tally.established + tally.unexpected == 0 && !atomic_load(&backlog->stop)) {
            ssize_t size = recv(follower.descriptor, buffer, sizeof buffer, 0);
            if (size < 0 && (errno == EAGAIN || errno == EINTR)) continue;
            open = size > 0 && follower_take(&follower, &none, &tally, buffer, (size_t)size, clock_now()) &&
                   (follower.response.status == 200 || follower.response.status == 0);
        }
        if (!open) {
            backlog->broken++;
            usleep(100000);
        } else if (tally.established + tally.unexpected > 0) {
            backlog->reads++;
            backlog->seconds += seconds_since(begun);
            if (backlog->bytes_least == 0 || tally.bytes < backlog->bytes_least) backlog->bytes_least = tally.bytes;
        }
        backlog->gaps += tally.gaps + tally.faults;
        follower_close(&follower);
        free(follower.seen);
    }
    return NULL;
}

/* Reads one byte from each of the slow followers. */
static void sip(const struct options *options) {
    for (long i = options->followers; i < options->followers + options->slow; i++)
        if (!followers[i].ended) take(options, &followers[i], 1);
}

static void begin_slowly(const struct options *options) {
    for (long i = options->followers; i < options->followers + options->slow; i++) watch(&followers[i], EPOLL_CTL_DEL);
}

static void end_slowly(const struct options *options) {
    int size = FAST_BUFFER;
    for (long i = options->followers; i < options->followers + options->slow; i++) {
        if (followers[i].ended) continue;
        setsockopt(followers[i].descriptor, SOL_SOCKET, SO_RCVBUF, &size, sizeof size);
        watch(&followers[i], EPOLL_CTL_ADD);
    }
}

/* Receives until all is written, or for the time of waiting. */
static void measure(const struct options *options, struct sender *sender, struct server *server) {
    uint64_t begun = clock_now(), sampled = begun, sipped = begun;
    while (options->rate > 0 ? !atomic_load(&sender->ended) : seconds_since(begun) < options->seconds) {
        /* Without followers there is nothing that would wake it. */
        turn(options, 5);
        if (options->slow > 0 && seconds_since(sipped) >= 1) {
            sipped = clock_now();
            sip(options);
        }
        if (seconds_since(sampled) * 1000 >= SAMPLE) {
            sampled = clock_now();
            look(server, &server->peak);
        }
    }
}

/* Waits until all is delivered, or nothing comes any more; returns how long it took. */
static double wait_for_rest(const struct options *options, struct server *server, uint64_t due) {
    uint64_t begun = clock_now(), progress = begun, seen = normal.delivered + slow.delivered;
    while (seen < due && seconds_since(progress) < options->patience && seconds_since(begun) < 30 * options->patience) {
        turn(options, 10);
        look(server, &server->peak_after);
        uint64_t now = normal.delivered + slow.delivered;
        if (now > seen) progress = clock_now();
        seen = now;
    }
    return (double)(progress - begun) / 1e9;
}

static uint64_t expected(long from, long count) {
    uint64_t sum = 0;
    for (long i = from; i < from + count; i++) sum += followers[i].expected;
    return sum;
}

static void print_delivered(const char *prefix, const struct tally *tally, uint64_t due) {
    printf("%sexpected=%" PRIu64 " %sdelivered=%" PRIu64 " %sdelivered_share=%.9f %smissing=%" PRIu64, prefix, due, prefix,
           tally->delivered, prefix, due > 0 ? (double)tally->delivered / (double)due : 1, prefix, due - tally->delivered);
    printf(" %sduplicates=%" PRIu64 " %sout_of_order=%" PRIu64 " %sunexpected=%" PRIu64 " %sgaps=%" PRIu64
           " %sfaults=%" PRIu64 " %sends=%" PRIu64 " %sdisconnects=%" PRIu64 " %sbytes=%" PRIu64 " ",
           prefix, tally->duplicates, prefix, tally->out_of_order, prefix, tally->unexpected, prefix, tally->gaps, prefix,
           tally->faults, prefix, tally->ends, prefix, tally->disconnects, prefix, tally->bytes);
}

static void print_server(const struct server *server, double seconds) {
    printf(" rss_before_kb=%ld rss_connected_kb=%ld rss_peak_kb=%ld rss_peak_after_kb=%ld", server->before.resident_kb,
           server->connected.resident_kb, server->peak.resident_kb, server->peak_after.resident_kb);
    printf(" anonymous_before_kb=%ld anonymous_connected_kb=%ld anonymous_peak_kb=%ld anonymous_peak_after_kb=%ld",
           server->before.anonymous_kb, server->connected.anonymous_kb, server->peak.anonymous_kb,
           server->peak_after.anonymous_kb);
    printf(" server_cpu=%.4f", (server->ended.processor - server->begun.processor) / seconds);
}

static int run(const struct options *options) {
    long count = options->followers + options->slow;
    struct server server = {.pid = options->pid};
    struct sender sender;
    struct backlog backlog = {.options = options, .load = &load};
    server.before = look(&server, NULL);
    if (!sender_open(&sender, &load, options->journald)) fail(options->journald, strerror(errno));
    uint64_t begun = clock_now();
    open_all(options);
    establish(options, &sender);
    double establish_s = seconds_since(begun);
    if (count > 0) turn_for(options, options->settle);
    server.connected = look(&server, &server.peak);

    if (options->slow > 0) begin_slowly(options);
    if (options->backlog != NULL) errno = pthread_create(&backlog.thread, NULL, read_backlog, &backlog);
    if (options->backlog != NULL && errno != 0) fail("pthread_create", strerror(errno));
    server.begun = look(&server, &server.peak);
    begun = clock_now();
    if (options->rate > 0 && (errno = sender_start(&sender)) != 0) fail("pthread_create", strerror(errno));
    measure(options, &sender, &server);
    double wall = seconds_since(begun);
    server.ended = look(&server, &server.peak);
    if (options->rate > 0) sender_join(&sender);
    if (options->backlog != NULL) {
        atomic_store(&backlog.stop, true);
        pthread_join(backlog.thread, NULL);
    }
    if (sender.error != 0) fail("journald", strerror(sender.error));
    if (options->slow > 0) end_slowly(options);
    uint64_t due = expected(0, options->followers), slow_due = expected(options->followers, options->slow);
    double rest_s = wait_for_rest(options, &server, due + slow_due);
    if (count > 0) turn_for(options, LINGER);
    look(&server, &server.peak_after);
    for (long i = 0; i < count; i++) follower_close(&followers[i]);

    struct rusage usage;
    getrusage(RUSAGE_SELF, &usage);
    printf("followers=%ld establish_s=%.3f sent=%" PRIu64 " wall_s=%.3f rest_s=%.3f sent_late_ms=%.3f ", options->followers,
           establish_s, sender.sent, wall, rest_s, (double)sender.late / 1e6);
    print_delivered("", &normal, due);
    printf("latency_p50_ms=%.2f latency_p99_ms=%.2f latency_max_ms=%.2f", tally_percentile(&normal, 0.50),
           tally_percentile(&normal, 0.99), (double)normal.latency_max / 1e6);
    printf(" client_cpu_s=%.2f", (double)(usage.ru_utime.tv_sec + usage.ru_stime.tv_sec) +
           (double)(usage.ru_utime.tv_usec + usage.ru_stime.tv_usec) / 1e6);
    if (options->pid > 0) print_server(&server, wall);
    if (options->slow > 0) printf(" slow_followers=%ld ", options->slow);
    if (options->slow > 0) print_delivered("slow_", &slow, slow_due);
    if (options->backlog != NULL)
        printf(" backlog_reads=%" PRIu64 " backlog_bytes=%" PRIu64 " backlog_read_s=%.3f backlog_broken=%" PRIu64
               " backlog_gaps=%" PRIu64,
               backlog.reads, backlog.bytes_least, backlog.reads > 0 ? backlog.seconds / (double)backlog.reads : 0,
               backlog.broken, backlog.gaps);
    printf("\n");
    return 0;
}

static int usage(void) {
    fprintf(stderr, "usage: follow-load -j JOURNALD_SOCKET [-f FOLLOWERS] [-k FILTERS] [-r PER_SECOND] [-d SECONDS]\n"
                    "    [-m MESSAGE_BYTES] [-n FIELDS] [-s SLOW] [-b BACKLOG_TARGET] [-p PID] [-e SECONDS] [-w SECONDS]\n"
                    "    PORT|unix:PATH TARGET\n");
    return 64;
}

static bool parse_options(struct options *options, int argc, char **argv) {
    *options = (struct options){
        .followers = 100, .rate = 10, .seconds = 10, .message = 100, .fields = 10, .settle = 2, .patience = 10,
    };
    for (int option; (option = getopt(argc, argv, "j:f:k:r:d:m:n:s:b:p:e:w:")) != -1;) {
        char *end = "";
        switch (option) {
        case 'j': options->journald = optarg; break;
        case 'b': options->backlog = optarg; break;
        case 'f': options->followers = strtol(optarg, &end, 10); break;
        case 'k': options->keys = strtol(optarg, &end, 10); break;
        case 's': options->slow = strtol(optarg, &end, 10); break;
        case 'm': options->message = strtol(optarg, &end, 10); break;
        case 'n': options->fields = strtol(optarg, &end, 10); break;
        case 'p': options->pid = strtol(optarg, &end, 10); break;
        case 'r': options->rate = strtod(optarg, &end); break;
        case 'd': options->seconds = strtod(optarg, &end); break;
        case 'e': options->settle = strtod(optarg, &end); break;
        case 'w': options->patience = strtod(optarg, &end); break;
        default: return false;
        }
        if (*end != 0) return false;
    }
    if (argc - optind != 2 || options->journald == NULL) return false;
    options->address = argv[optind];
    options->target = argv[optind + 1];
    return options->followers >= 0 && options->slow >= 0 && options->followers + options->slow <= FOLLOWERS_MAX &&
           options->keys >= 0 && options->keys <= FOLLOWERS_MAX && options->pid >= 0 &&
           options->message >= 0 && options->message <= SENDER_MESSAGE_MAX &&
           options->fields >= 0 && options->fields <= SENDER_FIELDS_MAX &&
           options->rate >= 0 && options->rate <= 1e6 && options->seconds > 0 && options->seconds <= 3600 &&
           options->settle >= 0 && options->settle <= 600 && options->patience > 0 && options->patience <= 600;
}

static void raise_limit(long descriptors) {
    struct rlimit limit;
    if (getrlimit(RLIMIT_NOFILE, &limit) == 0 && limit.rlim_cur < (rlim_t)descriptors) {
        limit.rlim_cur = (rlim_t)descriptors;
        if (limit.rlim_max < limit.rlim_cur) limit.rlim_max = limit.rlim_cur;
        if (setrlimit(RLIMIT_NOFILE, &limit) < 0) fail("so many open files are not allowed", strerror(errno));
    }
}

int main(int argc, char **argv) {
    struct options options;
    if (!parse_options(&options, argc, argv)) return usage();
    long count = options.followers + options.slow;
    raise_limit(count + 64);
    load.total = (uint64_t)(options.rate * options.seconds + 0.5);
    load.keys = options.keys > 0 ? (uint64_t)options.keys : 1;
    load.rate = options.rate;
    load.message = (int)options.message;
    load.fields = (int)options.fields;
    unsigned char random[16];
    if (getrandom(random, sizeof random, 0) != sizeof random) fail("getrandom", strerror(errno));
    for (size_t i = 0; i < sizeof random; i++) snprintf(load.run + 2 * i, 3, "%02x", random[i]);

    followers = calloc((size_t)count + 1, sizeof *followers);
    normal.latency = calloc(LATENCY_BUCKETS, sizeof *normal.latency);
    epoll = epoll_create1(EPOLL_CLOEXEC);
    if (followers == NULL || normal.latency == NULL || epoll < 0) fail("no memory", strerror(errno));
    return run(&options);
}
