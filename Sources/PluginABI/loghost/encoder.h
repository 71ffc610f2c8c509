/* Extension of a plugin: output encoders. */
#ifndef LOGHOST_ENCODER_H
#define LOGHOST_ENCODER_H

#include "entry.h"
#include "error.h"

#define LOGHOST_ENCODER "loghost.encoder/1"

enum {
    LOGHOST_ENCODING_EVENT_STREAM = 1u << 0 /* text/event-stream: follows by Accept, takes named events */
};

/* One format. All pointers live until the instance is destroyed. */
typedef struct loghost_encoding {
    uint32_t size;
    uint32_t flags;
    loghost_bytes name;         /* for ?format=, [a-z0-9-] */
    loghost_bytes content_type; /* as sent */
    const loghost_bytes *media_types; /* types it is chosen for, most preferred first, without parameters */
    size_t media_type_count;
    loghost_bytes summary; /* one sentence of text */
} loghost_encoding;

enum {
    LOGHOST_ENCODE_IDS = 1u << 0,          /* the answer can be resumed: write cursors as ids */
    LOGHOST_ENCODE_EXACT_VALUES = 1u << 1, /* lose nothing: repeated fields, bytes that are no text */
    LOGHOST_ENCODE_LINES = 1u << 2,        /* the source is lines of files, not journal entries */
    LOGHOST_ENCODE_FOLLOW = 1u << 3        /* the answer is a follow: see SHARING */
};

/* SHARING. The host encodes an entry once for all who follow, and puts an answer together from what several
 * states have written. With LOGHOST_ENCODE_FOLLOW the bytes of an entry therefore depend on the entry and on
 * these options alone, not on what was written before (pieces of one value excepted). A format that cannot do
 * that refuses in `begin` with LOGHOST_ERROR_UNSUPPORTED. */

typedef struct loghost_encode_options {
    uint32_t size;
    uint32_t flags;
    uint64_t max_value_bytes;
} loghost_encode_options;

/* What the encoder reads of an entry (LOGHOST_NEEDS_…). Names live until `end`. */
typedef struct loghost_needs {
    uint32_t size;
    uint32_t needs;
    const loghost_bytes *field_names;
    size_t field_name_count;
} loghost_needs;

#define LOGHOST_SINK_MINIMUM 4096

/* Where bytes go: straight into the host's buffer. Borrowed for the one call it was passed to. */
typedef struct loghost_sink {
    uint32_t size;
    uint32_t reserved;
    void *context;
    /* [worker] [must not block] Gives writable memory of at least `minimum` bytes, `*capacity` in all, until
     * `commit`. NULL = the buffer is full: return LOGHOST_ENCODE_MORE. At the start of a call up to
     * LOGHOST_SINK_MINIMUM bytes are always there; a larger `minimum` may never be, however often it is tried:
     * write what fits. MORE without a byte into a fresh buffer counts as ERROR. */
    uint8_t *(*reserve)(void *context, size_t minimum, size_t *capacity);
    /* [worker] [must not block] Takes the first `count` bytes of what was reserved; the memory is then the
     * host's again. */
    void (*commit)(void *context, size_t count);
} loghost_sink;

enum {
    LOGHOST_ENCODE_DONE = 0, /* the entry is written whole */
    LOGHOST_ENCODE_MORE = 1, /* call again with the same entry and a fresh buffer; go on where it stopped */
    LOGHOST_ENCODE_ERROR = 2 /* `error` is filled; only `end` may follow */
};

/* The functions of an encoder. */
typedef struct loghost_encoder {
    uint32_t size;
    uint32_t reserved;
    /* [init] Gives the formats; they live until `destroy`. */
    const loghost_encoding *(*encodings)(loghost_instance *instance, size_t *count);
    /* [any-thread] [must not block] Begins an answer in format number `encoding`, and says what it needs.
     * NULL with `error` filled on failure. */
    loghost_encoder_state *(*begin)(loghost_instance *instance, size_t encoding,
                                    const loghost_encode_options *options, loghost_needs *needs,
                                    loghost_error *error);
    /* [worker] Writes one entry. Writing nothing is fine (an entry that the format leaves out). After MORE it
     * is called with the same entry, its pointers unchanged, until DONE. */
    int32_t (*encode)(loghost_encoder_state *state, const loghost_entry *entry, const loghost_sink *sink,
                      loghost_error *error);
    /* [worker] Writes a named event ("gap", "fault", "end") with a JSON object as data; `id` may be empty.
     * Only called for event streams; name, data and id together are below 2 KiB, so it never needs MORE. */
    int32_t (*event)(loghost_encoder_state *state, loghost_bytes name, loghost_bytes data, loghost_bytes id,
                     const loghost_sink *sink, loghost_error *error);
    /* [any-thread] [must not block] Gives what a silent follow sends as a sign of life; empty = nothing.
     * Lives until `end`. */
    loghost_bytes (*keep_alive)(loghost_encoder_state *state);
    /* [worker] Writes what closes a complete answer, often nothing; at most LOGHOST_SINK_MINIMUM bytes. */
    int32_t (*finish)(loghost_encoder_state *state, const loghost_sink *sink, loghost_error *error);
    /* [any-thread] Frees the state; exactly once, also after an error or an answer that was cut off. */
    void (*end)(loghost_encoder_state *state);
} loghost_encoder;

#endif
