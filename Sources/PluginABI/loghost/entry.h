/* The data plane: log entries as flat memory. */
#ifndef LOGHOST_ENTRY_H
#define LOGHOST_ENTRY_H

#include "base.h"

/* One field. Names may repeat within an entry; a value is any bytes. */
typedef struct loghost_field {
    loghost_bytes name;
    loghost_bytes value;
} loghost_field;

enum {
    LOGHOST_ENTRY_NO_NEWLINE = 1u << 0, /* the last line of a file that does not end in a newline */
    LOGHOST_ENTRY_CONTINUES = 1u << 1,  /* the value of the last field goes on in the next entry (same cursor) */
    LOGHOST_ENTRY_CONTINUED = 1u << 2   /* the value of the last field continues that of the entry before */
};

/* One log entry.
 *
 * `cursor` is opaque to the host and canonical: within a topic the same entry always has the same bytes, different
 * entries never. It may be empty only when the query does not need it. At most LOGHOST_CURSOR_CAPACITY bytes, none of them a control
 * character. Timestamps are microseconds since the Unix epoch and since the boot; 0 = has none. */
typedef struct loghost_entry {
    loghost_bytes cursor;
    uint64_t realtime_microseconds;
    uint64_t monotonic_microseconds;
    const loghost_field *fields;
    uint32_t field_count;
    uint32_t flags;
} loghost_entry;

#define LOGHOST_CURSOR_CAPACITY 512

/* Why entries are missing. An unknown cause counts as LOGHOST_GAP_SOURCE_ERROR. */
enum {
    LOGHOST_GAP_ROTATION = 1,
    LOGHOST_GAP_VACUUM = 2,
    LOGHOST_GAP_TRUNCATION = 3,
    LOGHOST_GAP_SOURCE_ERROR = 4
};

#define LOGHOST_COUNT_UNKNOWN UINT64_MAX

/* A hole in the log, in its place in the order. `from` is the last cursor before it (empty: the start), `to` the first
 * one after it (empty: unknown yet). */
typedef struct loghost_gap {
    uint32_t cause;
    uint32_t reserved;
    loghost_bytes from;
    loghost_bytes to;
    uint64_t count; /* entries lost, or LOGHOST_COUNT_UNKNOWN */
} loghost_gap;

#endif
