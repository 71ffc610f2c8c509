/* Extension of a plugin: a log source. */
#ifndef LOGHOST_SOURCE_H
#define LOGHOST_SOURCE_H

#include "entry.h"
#include "error.h"
#include "query.h"
#include "request.h"
#include "resolution.h"
#include "route.h"

#define LOGHOST_SOURCE "loghost.source/1"

/* Completes `resolve`: either `resolution` or `error` is not NULL. [any-thread]; may be called before
 * `resolve` returns. Exactly once per operation; one that comes after `cancel` is ignored, and its stream is
 * then the plugin's to free. Answers 1 when it was taken, else 0. */
typedef int32_t (*loghost_resolve_done)(void *context, uint64_t operation,
                                        const loghost_resolution *resolution, const loghost_error *error);

/* What `open` made. `skipped` counts the entries really stepped over (at most |skip|), when SKIP is in
 * `applied`. */
typedef struct loghost_opened {
    uint32_t size;
    uint32_t applied; /* LOGHOST_APPLIED_… */
    loghost_reader *reader;
    uint64_t skipped;
} loghost_opened;

/* Completes `open`, under the rules of loghost_resolve_done: after 0 the plugin closes the reader. */
typedef int32_t (*loghost_open_done)(void *context, uint64_t operation, const loghost_opened *opened,
                                     const loghost_error *error);

/* What `read` answers.
 *
 * Pull, never wait: after PENDING the host calls again when the plugin has called `wake`; after CAUGHT_UP
 * also when `recheck_after_microseconds` have passed, so that a source which has to look again needs neither
 * timer nor thread. */
enum {
    LOGHOST_READ_BATCH = 1,     /* entries; none = still searching, call again */
    LOGHOST_READ_PENDING = 2,   /* more is on its way: wait for `wake` */
    LOGHOST_READ_CAUGHT_UP = 3, /* nothing newer now; ends a range, not a follow */
    LOGHOST_READ_END = 4,       /* nothing newer ever */
    LOGHOST_READ_GAP = 5,       /* `gap` is filled; reading goes on behind it */
    LOGHOST_READ_ERROR = 6      /* `error` is filled; only `close` may follow */
};

/* How much one `read` may do; no limit is ever 0. Bounds on time, not promises: after any of them the source
 * returns what it has. A value longer than `max_value_bytes` is given in pieces (LOGHOST_ENTRY_CONTINUES) or
 * cut; the source's routes document which; lines of files are given in pieces. */
typedef struct loghost_read_limits {
    uint32_t size;
    uint32_t max_entries;
    uint64_t max_bytes;        /* of names and values; one entry may exceed it alone */
    uint64_t max_microseconds; /* of searching */
    uint64_t max_value_bytes;  /* of one value, or of one piece of it */
} loghost_read_limits;

/* The answer of `read`: flat, borrowed until the next `read` or `close` of that reader. */
typedef struct loghost_read_result {
    uint32_t size;
    uint32_t reserved;
    const loghost_entry *entries;
    size_t entry_count;
    uint64_t recheck_after_microseconds; /* CAUGHT_UP: 0 = only on wake */
    loghost_gap gap;
} loghost_read_result;

/* The functions of a source.
 *
 * An operation's id is above 0 and unique among all operations of the host, whatever they are for, so that
 * `cancel` needs no more than it.
 *
 * Visibility: an entry returned by any reader of a topic is seen by every `read` of that topic that begins
 * later, unless it lies behind that reader's position. Order is the source's; the host compares cursors for
 * equality only. */
typedef struct loghost_source {
    uint32_t size;
    uint32_t reserved;
    /* [init] Gives the routes; they live until `destroy`. Before and after `start` alike. */
    const loghost_route *(*routes)(loghost_instance *instance, size_t *count);
    /* [worker] Finds out what a request is for. `wake_id` is for a byte stream it may answer with. */
    void (*resolve)(loghost_instance *instance, uint64_t operation, const loghost_request *request,
                    uint64_t wake_id, loghost_resolve_done done, void *context);
    /* [worker] Makes a reader of `topic`, positioned by `query`. Its filter includes the resolution's. */
    void (*open)(loghost_instance *instance, uint64_t operation, loghost_bytes topic,
                 const loghost_query *query, const loghost_request *request, uint64_t wake_id,
                 loghost_open_done done, void *context);
    /* [any-thread] [must not block] Gives an operation up: the client has gone, the host stops, or it has taken
     * too long; everything borrowed with it is gone when this returns. NULL when every operation completes before its call returns. */
    void (*cancel)(loghost_instance *instance, uint64_t operation);
    /* [worker] Gives the next entries in order. */
    int32_t (*read)(loghost_reader *reader, const loghost_read_limits *limits, loghost_read_result *result,
                    loghost_error *error);
    /* [worker] Ends a reader; exactly once, after every other call with it has returned. */
    void (*close)(loghost_reader *reader);
} loghost_source;

#endif
