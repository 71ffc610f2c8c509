/* Writes the entries of a load to a journald, by its own protocol, evenly paced, from a thread of its own. */
#ifndef LOGHOST_BENCHMARK_SENDER_H
#define LOGHOST_BENCHMARK_SENDER_H

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#define SENDER_MESSAGE_MAX 65536
#define SENDER_FIELDS_MAX 256

/* What is sent. Entry `s` of `total` has LOAD_RUN, LOAD_SEQ=s, LOAD_KEY=k(s modulo `keys`), LOAD_SENT (monotonic
 * nanoseconds just before it was sent), a MESSAGE of `message` bytes that no other entry has, and `fields` more fields.
 * A canary has LOAD_SEQ=- instead of a number; there is one for each key. */
struct load {
    char run[33];
    uint64_t total, keys; /* at least one key */
    double rate;          /* entries a second */
    int message, fields;
};

struct sender {
    const struct load *load;
    int descriptor;
    pthread_t thread;
    atomic_bool ended;
    /* To be read when it has ended. */
    uint64_t sent, late; /* the longest that an entry was sent behind its time, in nanoseconds */
    int error;           /* an errno, or 0 */
};

/* Nanoseconds of the monotonic clock. */
uint64_t clock_now(void);

/* Connects to a journald's socket; returns false with errno set. */
bool sender_open(struct sender *sender, const struct load *load, const char *path);

/* Sends the canaries, at once; returns false with errno set. */
bool sender_canaries(struct sender *sender);

/* Begins to send the entries; `ended` says when that is over. Returns an errno. */
int sender_start(struct sender *sender);

/* Waits until it has ended. */
void sender_join(struct sender *sender);

#endif
