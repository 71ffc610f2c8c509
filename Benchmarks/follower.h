/* One follower: its connection, its event stream parsed as it arrives, and which entries of the load it was given. */
#ifndef LOGHOST_BENCHMARK_FOLLOWER_H
#define LOGHOST_BENCHMARK_FOLLOWER_H

#include "http.h"
#include "sender.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define LATENCY_BUCKETS (1 << 21) /* one bucket ten microseconds, 21 s in all; what is later counts in the last one */

/* What followers were given, of all of them together. */
struct tally {
    uint64_t delivered;    /* different entries of the load */
    uint64_t duplicates;   /* the same again */
    uint64_t out_of_order; /* behind an entry that was sent later */
    uint64_t unexpected;   /* against the filter, before the canary, or malformed */
    uint64_t foreign;      /* other entries than those of the load */
    uint64_t gaps, faults, ends, comments;
    uint64_t established; /* followers that were given their canary */
    uint64_t disconnects; /* followers whose answer ended or broke */
    uint64_t bytes;       /* of bodies */
    uint64_t latency_max; /* nanoseconds */
    unsigned *latency;    /* LATENCY_BUCKETS, or NULL */
};

enum event_kind { EVENT_ENTRY, EVENT_GAP, EVENT_FAULT, EVENT_END, EVENT_OTHER };

struct event {
    enum event_kind kind;
    bool data, ours, canary, malformed;
    uint64_t sequence, sent;
};

struct follower {
    int descriptor;
    uint64_t key;      /* it is given the entries of this key of the load */
    uint64_t expected; /* so many are due */
    uint64_t next;     /* behind the highest it was given, counted among its own */
    bool answered, established, ended; /* the head is there; the canary is there; the connection is closed */
    unsigned char *seen; /* a bit for each that is due */
    char *line;          /* what has arrived of a line */
    size_t line_size, line_capacity;
    struct event event;
    struct http_response response;
};

/* Makes a follower of the load's entries with `key`, without a connection; returns false when there is no memory. */
bool follower_begin(struct follower *follower, const struct load *load, uint64_t key);

/* Takes bytes from the connection, which arrived at `now`; returns false when the answer has ended or is malformed. */
bool follower_take(struct follower *follower, const struct load *load, struct tally *tally, const char *data, size_t size,
                   uint64_t now);

/* Closes the connection and frees what it holds, but keeps what it was given. */
void follower_close(struct follower *follower);

/* The latency below which that share of the deliveries is, in milliseconds. */
double tally_percentile(const struct tally *tally, double share);

#endif
