#define _GNU_SOURCE
#include "sender.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/uio.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

#define STALL 10 /* seconds that journald may leave its socket full */

static char padding[2 * SENDER_MESSAGE_MAX]; /* random text: a message is a part of it */
static char more[SENDER_FIELDS_MAX * 64];
static size_t more_size;

uint64_t clock_now(void) {
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (uint64_t)t.tv_sec * 1000000000 + (uint64_t)t.tv_nsec;
}

static void make_text(const struct load *load) {
    static const char letters[] = "abcdefghijklmnopqrstuvwxyz 0123456789 ABCDEFGHIJKLMNOPQRSTUVWXYZ";
    uint64_t state = 1;
    for (size_t i = 0; i < sizeof padding; i++) {
        state = state * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
        padding[i] = letters[(state >> 33) % (sizeof letters - 1)];
    }
    more_size = 0;
    for (int i = 0; i < load->fields; i++)
        more_size += (size_t)snprintf(more + more_size, sizeof more - more_size, "FIELD_%d=value %d of every entry\n", i, i);
}

bool sender_open(struct sender *sender, const struct load *load, const char *path) {
    *sender = (struct sender){.load = load, .descriptor = -1};
    make_text(load);
    struct sockaddr_un name = {.sun_family = AF_UNIX};
    if (strlen(path) >= sizeof name.sun_path) {
        errno = ENAMETOOLONG;
        return false;
    }
    strcpy(name.sun_path, path);
    sender->descriptor = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    struct timeval stall = {.tv_sec = STALL};
    return sender->descriptor >= 0 && setsockopt(sender->descriptor, SOL_SOCKET, SO_SNDTIMEO, &stall, sizeof stall) == 0 &&
           connect(sender->descriptor, (const struct sockaddr *)&name, sizeof name) == 0;
}

static bool send_entry(struct sender *sender, const char *sequence, uint64_t key, uint64_t offset) {
    const struct load *load = sender->load;
    char head[64], tail[256];
    int head_size = snprintf(head, sizeof head, "MESSAGE=entry %s ", sequence);
    int rest = load->message - (head_size - (int)strlen("MESSAGE="));
    int tail_size = snprintf(tail, sizeof tail, "\nLOAD_RUN=%s\nLOAD_SEQ=%s\nLOAD_KEY=k%" PRIu64 "\nLOAD_SENT=%" PRIu64 "\n",
                             load->run, sequence, key, clock_now());
    struct iovec parts[] = {
        {head, (size_t)head_size},
        {padding + offset % SENDER_MESSAGE_MAX, rest > 0 ? (size_t)rest : 0},
        {tail, (size_t)tail_size},
        {more, more_size},
    };
    struct msghdr message = {.msg_iov = parts, .msg_iovlen = sizeof parts / sizeof *parts};
    ssize_t sent;
    do sent = sendmsg(sender->descriptor, &message, MSG_NOSIGNAL);
    while (sent < 0 && errno == EINTR);
    return sent >= 0;
}

bool sender_canaries(struct sender *sender) {
    for (uint64_t key = 0; key < sender->load->keys; key++)
        if (!send_entry(sender, "-", key, key)) return false;
    return true;
}

static void *send_all(void *context) {
    struct sender *sender = context;
    const struct load *load = sender->load;
    uint64_t begun = clock_now();
    for (uint64_t i = 0; i < load->total && sender->error == 0; i++) {
        uint64_t due = begun + (uint64_t)((double)i * 1e9 / load->rate);
        struct timespec t = {.tv_sec = (time_t)(due / 1000000000), .tv_nsec = (long)(due % 1000000000)};
        while (clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &t, NULL) == EINTR) continue;
        uint64_t now = clock_now();
        if (now - due > sender->late) sender->late = now - due;
        char sequence[24];
        snprintf(sequence, sizeof sequence, "%" PRIu64, i);
        if (send_entry(sender, sequence, i % load->keys, i * 97)) sender->sent++;
        else sender->error = errno;
    }
    atomic_store(&sender->ended, true);
    return NULL;
}

int sender_start(struct sender *sender) { return pthread_create(&sender->thread, NULL, send_all, sender); }

void sender_join(struct sender *sender) {
    pthread_join(sender->thread, NULL);
    close(sender->descriptor);
}
