#define _GNU_SOURCE
#include "follower.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define BUCKET 10000 /* nanoseconds */

struct arrival {
    struct follower *follower;
    const struct load *load;
    struct tally *tally;
    uint64_t now;
};

bool follower_begin(struct follower *follower, const struct load *load, uint64_t key) {
    *follower = (struct follower){.descriptor = -1, .key = key};
    follower->expected = load->total > key ? (load->total - key + load->keys - 1) / load->keys : 0;
    follower->seen = calloc(1, (size_t)follower->expected / 8 + 1);
    http_begin(&follower->response);
    return follower->seen != NULL;
}

void follower_close(struct follower *follower) {
    if (follower->descriptor >= 0) close(follower->descriptor);
    free(follower->line);
    follower->descriptor = -1;
    follower->line = NULL;
    follower->line_size = follower->line_capacity = 0;
    follower->ended = true;
}

static void count_latency(struct tally *tally, uint64_t latency) {
    if (latency > tally->latency_max) tally->latency_max = latency;
    uint64_t bucket = latency / BUCKET;
    if (tally->latency != NULL) tally->latency[bucket < LATENCY_BUCKETS ? bucket : LATENCY_BUCKETS - 1]++;
}

double tally_percentile(const struct tally *tally, double share) {
    uint64_t total = 0, seen = 0;
    for (int i = 0; i < LATENCY_BUCKETS; i++) total += tally->latency[i];
    for (int i = 0; i < LATENCY_BUCKETS; i++)
        if ((seen += tally->latency[i]) > 0 && (double)seen >= share * (double)total) return (i + 1) * (BUCKET / 1e6);
    return 0;
}

/* Reads digits up to the closing quote. */
static bool parse_digits(const char *text, const char *end, uint64_t *value) {
    *value = 0;
    const char *start = text;
    for (; text < end && *text >= '0' && *text <= '9'; text++) *value = *value * 10 + (uint64_t)(*text - '0');
    return text > start && text - start < 20 && text < end && *text == '"';
}

/* Finds the load's fields in an entry's JSON, wherever they stand. */
static void parse_entry(struct event *event, const char *run, const char *data, size_t size) {
    const char *end = data + size;
    size_t run_size = strlen(run);
    bool sequence = false, sent = false;
    for (const char *at = data; (at = memmem(at, (size_t)(end - at), "\"LOAD_", 6)) != NULL;) {
        const char *name = at + 6, *value = memmem(name, (size_t)(end - name), "\":\"", 3);
        if (value == NULL) break;
        size_t length = (size_t)(value - name);
        value += 3;
        if (length == 3 && memcmp(name, "RUN", 3) == 0) {
            event->ours = (size_t)(end - value) > run_size && memcmp(value, run, run_size) == 0 && value[run_size] == '"';
            if (!event->ours) return;
        } else if (length == 3 && memcmp(name, "SEQ", 3) == 0) {
            event->canary = end - value >= 2 && memcmp(value, "-\"", 2) == 0;
            sequence = event->canary || parse_digits(value, end, &event->sequence);
        } else if (length == 4 && memcmp(name, "SENT", 4) == 0) {
            sent = parse_digits(value, end, &event->sent);
        }
        at = value;
    }
    event->malformed = event->ours && (!sequence || !sent);
}

static void count_entry(struct arrival *arrival, const struct event *event) {
    struct follower *follower = arrival->follower;
    struct tally *tally = arrival->tally;
    if (!event->ours) {
        tally->foreign++;
    } else if (event->malformed || event->sent > arrival->now) {
        tally->unexpected++;
    } else if (event->canary) {
        if (follower->established) tally->duplicates++;
        else tally->established++;
        follower->established = true;
    } else if (!follower->established || event->sequence >= arrival->load->total ||
               event->sequence % arrival->load->keys != follower->key) {
        tally->unexpected++;
    } else {
        uint64_t place = event->sequence / arrival->load->keys;
        unsigned char *byte = &follower->seen[place / 8], bit = (unsigned char)(1u << place % 8);
        if (*byte & bit) {
            tally->duplicates++;
            return;
        }
        *byte |= bit;
        tally->delivered++;
        if (place < follower->next) tally->out_of_order++;
        else follower->next = place + 1;
        count_latency(tally, arrival->now - event->sent);
    }
}

static void end_event(struct arrival *arrival) {
    struct event *event = &arrival->follower->event;
    switch (event->kind) {
    case EVENT_ENTRY:
        if (event->data) count_entry(arrival, event);
        break;
    case EVENT_GAP: arrival->tally->gaps++; break;
    case EVENT_FAULT: arrival->tally->faults++; break;
    case EVENT_END: arrival->tally->ends++; break;
    case EVENT_OTHER: arrival->tally->unexpected++; break;
    }
    *event = (struct event){.kind = EVENT_ENTRY};
}

static enum event_kind kind_of(const char *name, size_t size) {
    if (size == 3 && memcmp(name, "gap", 3) == 0) return EVENT_GAP;
    if (size == 5 && memcmp(name, "fault", 5) == 0) return EVENT_FAULT;
    if (size == 3 && memcmp(name, "end", 3) == 0) return EVENT_END;
    return EVENT_OTHER;
}

static void take_line(struct arrival *arrival, const char *line, size_t size) {
    struct event *event = &arrival->follower->event;
    if (size > 0 && line[size - 1] == '\r') size--;
    if (size == 0) {
        end_event(arrival);
    } else if (*line == ':') {
        arrival->tally->comments++;
    } else if (size > 6 && memcmp(line, "data: ", 6) == 0) {
        event->data = true;
        parse_entry(event, arrival->load->run, line + 6, size - 6);
    } else if (size > 7 && memcmp(line, "event: ", 7) == 0) {
        event->kind = kind_of(line + 7, size - 7);
    }
}

static void keep(struct follower *follower, const char *data, size_t size) {
    if (follower->line_size + size > follower->line_capacity) {
        size_t capacity = 2 * follower->line_capacity + size;
        char *line = realloc(follower->line, capacity);
        if (line == NULL) {
            fprintf(stderr, "no memory for a line of %zu bytes\n", capacity);
            exit(1);
        }
        follower->line = line;
        follower->line_capacity = capacity;
    }
    memcpy(follower->line + follower->line_size, data, size);
    follower->line_size += size;
}

static void take_body(void *context, const char *data, size_t size) {
    struct arrival *arrival = context;
    struct follower *follower = arrival->follower;
    arrival->tally->bytes += size;
    const char *end = data + size;
    for (const char *newline; (newline = memchr(data, '\n', (size_t)(end - data))) != NULL; data = newline + 1) {
        if (follower->line_size == 0) {
            take_line(arrival, data, (size_t)(newline - data));
            continue;
        }
        keep(follower, data, (size_t)(newline - data));
        take_line(arrival, follower->line, follower->line_size);
        follower->line_size = 0;
    }
    if (data < end) keep(follower, data, (size_t)(end - data));
}

bool follower_take(struct follower *follower, const struct load *load, struct tally *tally, const char *data, size_t size,
                   uint64_t now) {
    struct arrival arrival = {follower, load, tally, now};
    http_parse(&follower->response, data, size, take_body, &arrival);
    return follower->response.state != HTTP_DONE && follower->response.state != HTTP_FAILED;
}
