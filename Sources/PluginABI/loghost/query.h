/* What to read: a position, bounds, a filter, and what the encoder will use of each entry. */
#ifndef LOGHOST_QUERY_H
#define LOGHOST_QUERY_H

#include "filter.h"

/* Where reading begins. A position is a boundary between two entries, never an entry. */
enum {
    LOGHOST_START_HEAD = 1,   /* before the oldest entry */
    LOGHOST_START_TAIL = 2,   /* after the newest entry */
    LOGHOST_START_CURSOR = 3, /* beside the entry of `cursor`: behind it forward, before it backward */
    LOGHOST_START_TIME = 4    /* before the first entry whose realtime is at or after `time_microseconds` */
};

enum { LOGHOST_FORWARD = 0, LOGHOST_BACKWARD = 1 };

/* What of an entry is needed; a source may leave out the rest. */
enum {
    LOGHOST_NEEDS_CURSOR = 1u << 0,
    LOGHOST_NEEDS_REALTIME = 1u << 1,
    LOGHOST_NEEDS_MONOTONIC = 1u << 2,
    LOGHOST_NEEDS_ALL_FIELDS = 1u << 3,  /* every field, in source order */
    LOGHOST_NEEDS_NAMED_FIELDS = 1u << 4 /* only the fields in `field_names`, which also holds the names in
                                            `filter`; of each at least its first, and of those in `filter`
                                            all, unless FILTER is claimed */
};

enum {
    LOGHOST_QUERY_RESUMES = 1u << 0 /* `cursor` is the id of the last event a client was given, not a position it chose */
};

/* One structured query. Borrowed until `open` has completed; a source that needs it longer copies it.
 *
 * Order of evaluation: start, then `skip` (towards newer when positive, towards older when negative, whatever
 * the direction; it stops at the end of the log), then reading in `direction`, and of that only what lies
 * within the bounds and passes the filter, at most `limit` entries. Skip and limit count entries that pass
 * the filter; skip disregards the bounds. */
typedef struct loghost_query {
    uint32_t size;
    uint32_t start;
    loghost_bytes cursor;       /* LOGHOST_START_CURSOR */
    uint64_t time_microseconds; /* LOGHOST_START_TIME */
    int64_t skip;
    uint64_t limit; /* 0 = no limit */
    uint32_t direction;
    uint32_t follow;             /* 1 = the host will read on after CAUGHT_UP */
    uint64_t since_microseconds; /* nothing before it; 0 = no bound */
    uint64_t until_microseconds; /* nothing after it; 0 = no bound */
    loghost_filter filter;
    uint32_t needs;
    uint32_t flags; /* LOGHOST_QUERY_… */
    const loghost_bytes *field_names;
    size_t field_name_count;
} loghost_query;

/* What a source has taken over of a query; the host does the rest. A source may claim SKIP and LIMIT only
 * together with the whole FILTER (they count behind it); an empty filter counts as the whole filter, so a
 * plain source may claim FILTER, SKIP and LIMIT for it.
 *
 * How the host makes up for an unclaimed negative skip: it reads once from the head to the start position
 * keeping the last n cursors, and opens again at the one found; at most 100,000, and not where a `read` is
 * PENDING. DIRECTION it does not make up for: a source that does not claim it, with SKIP, answers backward
 * queries with LOGHOST_ERROR_UNSUPPORTED, and its routes should not accept the parameter. */
enum {
    LOGHOST_APPLIED_FILTER = 1u << 0,
    LOGHOST_APPLIED_SKIP = 1u << 1,
    LOGHOST_APPLIED_LIMIT = 1u << 2,
    LOGHOST_APPLIED_BOUNDS = 1u << 3,
    LOGHOST_APPLIED_DIRECTION = 1u << 4
};

#endif
