/* A plugin for tests, which does what the ABI allows and few plugins do.
 *
 * /v2/endless    a log of entries N=0 without an end, of which the host has to evaluate everything; of an entry it gives
 *                only the fields that are asked for
 * /v2/late       a log with one entry: QUERY is the request's query, as it stands in what was lent, long after the calls
 *                of `resolve` and `open` have returned
 * /v2/never      a log that is never opened; opened once it has been given up, as /cancels says
 * /cancels       how many operations the host has given up, with two headers of the same name
 * /broken        bytes that break off
 * /closes        how many of those, and of the next, have been closed
 * /hollow        pieces without bytes, without an end
 * /status        bytes in two pieces, with the status that the query names
 * /bare          a stream without functions; /half: one that cannot be read
 * /v2/gapped     twenty entries with a gap in the middle; the host has to step back in it
 * /v2/halves     a line that one reader gives without its newline just before the tail does, and the tail its newline later
 * /checks        how often health was asked for
 * ?format=stuck  asks for more room than there can be, and writes nothing
 *
 * Compiled with INCOMPLETE it lacks a function that must be there; with SLOW_HEALTH it takes its time to say how it is; with POST
 * it has a route that nobody can ask for. */
#define _POSIX_C_SOURCE 200809L
#include "plugin.h"
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define BATCH 1000

enum { ENDLESS = 1, LATE, NEVER, CANCELS, BROKEN, CLOSES, HOLLOW, STATUS, BARE, HALF, GAPPED, HALVES, CHECKS };

struct loghost_instance {
    pthread_mutex_t lock;
    unsigned cancels;
    unsigned closes;
    unsigned checks;
    unsigned halves;    /* readers of /v2/halves */
    int has_given_half; /* the first of them has given the line */
};

struct loghost_reader {
    int route;
    int is_over;
    loghost_instance *instance;
    unsigned number; /* of the reader, from 1 */
    unsigned step;
    int has_told;
    char cursor[16];
    loghost_field field;
    loghost_entry entries[BATCH];
    char text[256];
};

struct loghost_byte_stream {
    char text[32];
    loghost_instance *breaks; /* NULL: it ends well */
    int has_given;
    int is_hollow;
    int pieces; /* that come before the end */
};

#ifdef POST
#define METHOD LOGHOST_TEXT("POST")
#else
#define METHOD LOGHOST_TEXT("GET")
#endif

/* As of a later minor version: with fields that this host does not know. */
typedef struct {
    loghost_route known;
    uint64_t later[3];
} larger_route;

#define ROUTE(id, path, dialect, follow, accepts, summary)                                                      \
    { { sizeof(larger_route), id, METHOD, LOGHOST_TEXT(path), dialect, follow, accepts, 0,         \
        { NULL, 0 }, { NULL, 0 }, { NULL, 0 }, LOGHOST_TEXT(summary) },                                         \
      { UINT64_MAX, UINT64_MAX, UINT64_MAX } }
#define LOG(id, path)                                                                                          \
    ROUTE(id, path, LOGHOST_DIALECT_JOURNAL_V2, LOGHOST_FOLLOW_BY_ACCEPT, LOGHOST_ACCEPTS_FOLLOW, "A log.")

static const larger_route routes_[] = {
    LOG(ENDLESS, "/v2/endless"),
    LOG(LATE, "/v2/late"),
    LOG(NEVER, "/v2/never"),
    ROUTE(CANCELS, "/cancels", LOGHOST_DIALECT_NONE, LOGHOST_FOLLOW_NEVER, 0, "Counts."),
    ROUTE(BROKEN, "/broken", LOGHOST_DIALECT_NONE, LOGHOST_FOLLOW_NEVER, 0, "Breaks off."),
    ROUTE(CLOSES, "/closes", LOGHOST_DIALECT_NONE, LOGHOST_FOLLOW_NEVER, 0, "Counts."),
    ROUTE(HOLLOW, "/hollow", LOGHOST_DIALECT_NONE, LOGHOST_FOLLOW_NEVER, 0, "Nothing."),
    ROUTE(STATUS, "/status", LOGHOST_DIALECT_NONE, LOGHOST_FOLLOW_NEVER, 0, "Bytes."),
    ROUTE(BARE, "/bare", LOGHOST_DIALECT_NONE, LOGHOST_FOLLOW_NEVER, 0, "Nothing."),
    ROUTE(HALF, "/half", LOGHOST_DIALECT_NONE, LOGHOST_FOLLOW_NEVER, 0, "Nothing."),
    LOG(GAPPED, "/v2/gapped"),
    LOG(HALVES, "/v2/halves"),
    ROUTE(CHECKS, "/checks", LOGHOST_DIALECT_NONE, LOGHOST_FOLLOW_NEVER, 0, "Counts."),
};

static const loghost_route *routes(loghost_instance *instance, size_t *count) {
    (void)instance;
    *count = sizeof routes_ / sizeof routes_[0];
    return &routes_[0].known;
}

/* What `resolve` or `open` was called with, to be answered later. */
typedef struct {
    uint64_t operation;
    const loghost_request *request;
    const loghost_query *query; /* NULL: `resolve` */
    loghost_resolve_done resolved;
    loghost_open_done opened;
    void *context;
} later;

static int32_t read_stream(loghost_byte_stream *stream, size_t limit, loghost_bytes *bytes, loghost_error *error) {
    (void)limit, (void)error;
    if (stream->is_hollow) return LOGHOST_STREAM_DATA;
    if (stream->has_given) return LOGHOST_STREAM_ERROR;
    stream->has_given = stream->breaks != NULL;
    bytes->data = (const uint8_t *)stream->text;
    bytes->size = strlen(stream->text);
    if (stream->pieces > 0) {
        stream->pieces -= 1;
        return LOGHOST_STREAM_DATA;
    }
    return stream->breaks != NULL ? LOGHOST_STREAM_DATA : LOGHOST_STREAM_END;
}

static void close_stream(loghost_byte_stream *stream) {
    if (stream->breaks != NULL) {
        pthread_mutex_lock(&stream->breaks->lock);
        stream->breaks->closes += 1;
        pthread_mutex_unlock(&stream->breaks->lock);
    }
    free(stream);
}

static const loghost_byte_stream_functions stream_functions = {
    sizeof stream_functions, 0, read_stream, close_stream,
};

static const loghost_byte_stream_functions half_functions = {
    sizeof half_functions, 0, NULL, close_stream,
};

static void log_of(const char *topic, uint64_t operation, loghost_resolve_done done, void *context) {
    loghost_resolution resolution;
    memset(&resolution, 0, sizeof resolution);
    resolution.size = sizeof resolution;
    resolution.kind = LOGHOST_RESOLVED_LOG;
    resolution.topic.data = (const uint8_t *)topic;
    resolution.topic.size = strlen(topic);
    done(context, operation, &resolution, NULL);
}

static void read_by(int route, loghost_reader *reader, uint64_t operation, loghost_open_done done, void *context) {
    loghost_opened opened = { sizeof opened, 0, reader, 0 };
    reader->route = route;
    for (int i = 0; i < BATCH; i++) {
        static const uint8_t cursor = '1';
        reader->entries[i].cursor.data = &cursor;
        reader->entries[i].cursor.size = 1;
        reader->entries[i].realtime_microseconds = 1;
        reader->entries[i].fields = &reader->field;
        reader->entries[i].field_count = reader->field.name.size > 0;
    }
    if (!done(context, operation, &opened, NULL)) free(reader);
}

static void *answer(void *argument) {
    later *call = argument;
    struct timespec time = { 0, 50 * 1000 * 1000 };
    nanosleep(&time, NULL);
    if (call->query == NULL) {
        log_of("late", call->operation, call->resolved, call->context);
    } else {
        loghost_reader *reader = calloc(1, sizeof *reader);
        loghost_bytes query = call->request->query;
        int size = snprintf(reader->text, sizeof reader->text, "%.*s limit=%llu", (int)query.size, (const char *)query.data,
                            (unsigned long long)call->query->limit);
        reader->field.name = (loghost_bytes)LOGHOST_TEXT("QUERY");
        reader->field.value.data = (const uint8_t *)reader->text;
        reader->field.value.size = (size_t)size;
        read_by(LATE, reader, call->operation, call->opened, call->context);
    }
    free(call);
    return NULL;
}

static void answer_later(later call) {
    pthread_t thread;
    later *kept = malloc(sizeof *kept);
    *kept = call;
    if (pthread_create(&thread, NULL, answer, kept) == 0) pthread_detach(thread);
}

static void resolve(loghost_instance *instance, uint64_t operation, const loghost_request *request, uint64_t wake_id,
                    loghost_resolve_done done, void *context) {
    (void)wake_id;
    switch (request->route_id) {
    case ENDLESS: log_of("endless", operation, done, context); break;
    case NEVER: log_of("never", operation, done, context); break;
    case GAPPED: log_of("gapped", operation, done, context); break;
    case HALVES: log_of("halves", operation, done, context); break;
    case LATE: answer_later((later){ operation, request, NULL, done, NULL, context }); break;
    default: {
        static const loghost_header headers[] = {
            { LOGHOST_TEXT("Content-Type"), LOGHOST_TEXT("text/plain") },
            { LOGHOST_TEXT("X-Twice"), LOGHOST_TEXT("one") },
            { LOGHOST_TEXT("X-Twice"), LOGHOST_TEXT("two") },
        };
        loghost_resolution resolution;
        memset(&resolution, 0, sizeof resolution);
        resolution.size = sizeof resolution;
        resolution.kind = LOGHOST_RESOLVED_BYTES;
        resolution.status = 200;
        resolution.headers = headers;
        resolution.header_count = 3;
        resolution.stream = calloc(1, sizeof *resolution.stream);
        resolution.stream_functions = &stream_functions;
        if (request->route_id == BROKEN || request->route_id >= HOLLOW) resolution.stream->breaks = instance;
        resolution.stream->is_hollow = request->route_id == HOLLOW;
        if (request->route_id == STATUS) {
            resolution.status = 0;
            for (size_t i = 0; i < request->query.size; i++)
                resolution.status = 10 * resolution.status + (uint32_t)(request->query.data[i] - '0');
            resolution.stream->pieces = 1;
            resolution.stream->breaks = NULL;
        }
        if (request->route_id == CHECKS) resolution.stream->breaks = NULL;
        if (request->route_id == BARE) resolution.stream_functions = NULL;
        if (request->route_id == HALF) resolution.stream_functions = &half_functions;
        pthread_mutex_lock(&instance->lock);
        snprintf(resolution.stream->text, sizeof resolution.stream->text, "%u",
                 request->route_id == CANCELS  ? instance->cancels
                 : request->route_id == CHECKS ? instance->checks
                                               : instance->closes);
        pthread_mutex_unlock(&instance->lock);
        if (!done(context, operation, &resolution, NULL)) close_stream(resolution.stream);
    }
    }
}

/* True when a field is to be given. */
static int is_needed(const loghost_query *query, const char *name) {
    if (query->needs & LOGHOST_NEEDS_ALL_FIELDS) return 1;
    if (!(query->needs & LOGHOST_NEEDS_NAMED_FIELDS)) return 0;
    for (size_t i = 0; i < query->field_name_count; i++) {
        loghost_bytes other = query->field_names[i];
        if (other.size == strlen(name) && memcmp(other.data, name, other.size) == 0) return 1;
    }
    return 0;
}

static void open_(loghost_instance *instance, uint64_t operation, loghost_bytes topic, const loghost_query *query,
                  const loghost_request *request, uint64_t wake_id, loghost_open_done done, void *context) {
    (void)wake_id;
    if (topic.data[0] == 'g' || topic.data[0] == 'h') {
        loghost_opened opened;
        loghost_reader *reader = calloc(1, sizeof *reader);
        memset(&opened, 0, sizeof opened);
        opened.size = sizeof opened;
        opened.reader = reader;
        reader->route = topic.data[0] == 'g' ? GAPPED : HALVES;
        reader->instance = instance;
        if (query->start == LOGHOST_START_CURSOR)
            reader->step = (unsigned)strtoul((const char *)query->cursor.data, NULL, 10);
        pthread_mutex_lock(&instance->lock);
        if (reader->route == HALVES) reader->number = ++instance->halves;
        pthread_mutex_unlock(&instance->lock);
        if (!done(context, operation, &opened, NULL)) free(reader);
    } else if (topic.data[0] == 'l') {
        answer_later((later){ operation, request, query, NULL, done, context });
    } else if (topic.data[0] == 'e') {
        loghost_reader *reader = calloc(1, sizeof *reader);
        if (is_needed(query, "N")) {
            reader->field.name = (loghost_bytes)LOGHOST_TEXT("N");
            reader->field.value = (loghost_bytes)LOGHOST_TEXT("0");
        }
        read_by(ENDLESS, reader, operation, done, context);
    }
}

static void cancel(loghost_instance *instance, uint64_t operation) {
    (void)operation;
    pthread_mutex_lock(&instance->lock);
    instance->cancels += 1;
    pthread_mutex_unlock(&instance->lock);
}

/* Gives one entry. */
static int32_t give(loghost_reader *reader, unsigned cursor, const char *name, const char *value, uint32_t flags,
                    loghost_read_result *result) {
    snprintf(reader->cursor, sizeof reader->cursor, "%u ", cursor);
    snprintf(reader->text, sizeof reader->text, "%s", value);
    reader->field.name.data = (const uint8_t *)name;
    reader->field.name.size = strlen(name);
    reader->field.value.data = (const uint8_t *)reader->text;
    reader->field.value.size = strlen(value);
    reader->entries[0].cursor.data = (const uint8_t *)reader->cursor;
    reader->entries[0].cursor.size = strlen(reader->cursor);
    reader->entries[0].realtime_microseconds = cursor;
    reader->entries[0].fields = &reader->field;
    reader->entries[0].field_count = 1;
    reader->entries[0].flags = flags;
    result->entries = reader->entries;
    result->entry_count = 1;
    return LOGHOST_READ_BATCH;
}

static int32_t caught_up(loghost_read_result *result) {
    result->recheck_after_microseconds = 5000;
    return LOGHOST_READ_CAUGHT_UP;
}

static int32_t read_gapped(loghost_reader *reader, loghost_read_result *result) {
    char number[16];
    if (reader->step == 20) return LOGHOST_READ_END;
    if (reader->step == 10 && !reader->has_told) {
        reader->has_told = 1;
        result->gap.cause = LOGHOST_GAP_ROTATION;
        result->gap.count = UINT64_MAX;
        return LOGHOST_READ_GAP;
    }
    reader->step += 1;
    snprintf(number, sizeof number, "%u", reader->step);
    return give(reader, reader->step, "MESSAGE", number, 0, result);
}

static int32_t read_halves(loghost_reader *reader, loghost_read_result *result) {
    int is_first = reader->number == 1;
    int has_given_half;
    struct timespec time = { 0, 5 * 1000 * 1000 };
    if (is_first) {
        switch (reader->step++) {
        case 0: return give(reader, 1, "MESSAGE", "a", 0, result);
        case 1: return caught_up(result);
        case 2:
            pthread_mutex_lock(&reader->instance->lock);
            reader->instance->has_given_half = 1;
            pthread_mutex_unlock(&reader->instance->lock);
            return give(reader, 2, "MESSAGE", "par", LOGHOST_ENTRY_NO_NEWLINE, result);
        default: return caught_up(result);
        }
    }
    pthread_mutex_lock(&reader->instance->lock);
    has_given_half = reader->instance->has_given_half;
    pthread_mutex_unlock(&reader->instance->lock);
    if (!has_given_half) return caught_up(result);
    switch (reader->step++) {
    case 0: return give(reader, 2, "MESSAGE", "par", LOGHOST_ENTRY_NO_NEWLINE, result);
    case 50: return give(reader, 2, "MESSAGE", "", LOGHOST_ENTRY_NEWLINE, result);
    case 51: return give(reader, 3, "MESSAGE", "c", 0, result);
    case 52: return LOGHOST_READ_END;
    default:
        if (reader->step > 40) return caught_up(result);
        /* Who follows takes the line before there is an end. */
        nanosleep(&time, NULL);
        return LOGHOST_READ_BATCH;
    }
}

static int32_t read_(loghost_reader *reader, const loghost_read_limits *limits, loghost_read_result *result,
                     loghost_error *error) {
    (void)error;
    if (reader->route == GAPPED) return read_gapped(reader, result);
    if (reader->route == HALVES) return read_halves(reader, result);
    if (reader->is_over) return LOGHOST_READ_END;
    reader->is_over = reader->route == LATE;
    result->entries = reader->entries;
    result->entry_count = reader->is_over ? 1 : limits->max_entries < BATCH ? limits->max_entries : BATCH;
    return LOGHOST_READ_BATCH;
}

static void close_(loghost_reader *reader) { free(reader); }

static const loghost_source source = { sizeof source, 0, routes, resolve, open_, cancel, read_, close_ };

/* The format that makes no progress. */

static const loghost_bytes media_type = LOGHOST_TEXT("application/x-stuck");

static const loghost_encoding encoding = {
    sizeof encoding, 0, LOGHOST_TEXT("stuck"), LOGHOST_TEXT("application/x-stuck"), &media_type, 1, LOGHOST_TEXT("Nothing."),
};

static const loghost_encoding *encodings(loghost_instance *instance, size_t *count) {
    (void)instance;
    *count = 1;
    return &encoding;
}

static loghost_encoder_state *begin(loghost_instance *instance, size_t number, const loghost_encode_options *options,
                                    loghost_needs *needs, loghost_error *error) {
    (void)number, (void)options, (void)error;
    needs->needs = LOGHOST_NEEDS_CURSOR;
    return (loghost_encoder_state *)instance;
}

static int32_t encode(loghost_encoder_state *state, const loghost_entry *entry, const loghost_sink *sink, loghost_error *error) {
    size_t capacity;
    (void)state, (void)entry, (void)error;
    return sink->reserve(sink->context, 64 << 20, &capacity) == NULL ? LOGHOST_ENCODE_MORE : LOGHOST_ENCODE_DONE;
}

static int32_t event(loghost_encoder_state *state, loghost_bytes name, loghost_bytes data, loghost_bytes id,
                     const loghost_sink *sink, loghost_error *error) {
    (void)state, (void)name, (void)data, (void)id, (void)sink, (void)error;
    return LOGHOST_ENCODE_DONE;
}

#ifndef INCOMPLETE
static loghost_bytes keep_alive(loghost_encoder_state *state) {
    loghost_bytes nothing = { NULL, 0 };
    (void)state;
    return nothing;
}
#else
#define keep_alive NULL
#endif

static int32_t finish(loghost_encoder_state *state, const loghost_sink *sink, loghost_error *error) {
    (void)state, (void)sink, (void)error;
    return LOGHOST_ENCODE_DONE;
}

static void end(loghost_encoder_state *state) { (void)state; }

static const loghost_encoder encoder = {
    sizeof encoder, 0, encodings, begin, encode, event, keep_alive, finish, end,
};

/* Health. */

static void check(loghost_instance *instance, loghost_health_report report, void *context) {
    loghost_health_check good = { sizeof good, LOGHOST_HEALTH_READY, LOGHOST_TEXT("slow"), { NULL, 0 } };
    struct timespec time = { 5, 0 };
    pthread_mutex_lock(&instance->lock);
    instance->checks += 1;
    pthread_mutex_unlock(&instance->lock);
    nanosleep(&time, NULL);
    report(context, &good);
}

static const loghost_health health = { sizeof health, 0, check };

static loghost_instance *create(const loghost_host *host, loghost_bytes config, loghost_error *error) {
    (void)host, (void)config, (void)error;
    loghost_instance *instance = calloc(1, sizeof *instance);
    if (instance != NULL) pthread_mutex_init(&instance->lock, NULL);
    return instance;
}

static const void *get_extension(loghost_instance *instance, const char *id_z) {
    (void)instance;
    if (strcmp(id_z, LOGHOST_SOURCE) == 0) return &source;
#ifdef SLOW_HEALTH
    if (strcmp(id_z, LOGHOST_HEALTH) == 0) return &health;
#else
    (void)health;
#endif
    return strcmp(id_z, LOGHOST_ENCODER) == 0 ? &encoder : NULL;
}

TEST_PLUGIN("awkward-source")
