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
    LOGHOST_ENTRY_CONTINUES = 1u << 1,  /* the last field's value goes on in the next entry: see PIECES */
    LOGHOST_ENTRY_CONTINUED = 1u << 2,  /* the only field's value goes on from the entry before: see PIECES */
    LOGHOST_ENTRY_NEWLINE = 1u << 3     /* no entry: the newline of one that a follow gave with NO_NEWLINE, because it
                                           did not come in time. Without fields, with that one's cursor; formats
                                           that are not made of lines write nothing. */
};

/* One log entry, or one piece of it.
 *
 * `cursor` is opaque to the host and canonical: within a topic the same entry always has the same bytes,
 * different entries never (but see loghost_gap). At most LOGHOST_CURSOR_CAPACITY bytes of printable ASCII
 * without `%`, `"` and `\`, no space at either end; never BEG, END, end, nothing that begins with `end;`, and
 * not 0 where entries are lines: these mean something else to clients. It is empty while CONTINUES is set, and may be when the query does not need it.
 * Timestamps are microseconds since the Unix epoch and since the boot; 0 = has none.
 *
 * PIECES. A long value may be given as several entries in a row, all but the last with CONTINUES, all but the
 * first with CONTINUED. A CONTINUED entry has exactly one field, of the same name as the last field of the
 * entry before; no other field of the entry may have that name. The last piece alone carries the cursor, so that a source need not know a line's end before
 * it gives its beginning; NO_NEWLINE stands there too. A piece may end inside a UTF-8 character, and a batch
 * between pieces. A GAP or an ERROR between pieces ends the value. An unfinished last line and its later
 * remainder are two entries, no pieces.
 *
 * All pieces together count as one entry for skip, limit and the filter. A host evaluates the filter on the
 * first piece: a value in pieces could be matched only by its complete length, so it never matches. */
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

/* A hole in the log, in its place in the order. `from` is the last cursor before it (empty: the start), `to`
 * the first one after it (empty: unknown yet).
 *
 * After TRUNCATION cursors from before may occur again, so whoever keeps cursors forgets them at a GAP. */
typedef struct loghost_gap {
    uint32_t cause;
    uint32_t reserved;
    loghost_bytes from;
    loghost_bytes to;
    uint64_t count; /* entries lost, or LOGHOST_COUNT_UNKNOWN */
} loghost_gap;

#endif
