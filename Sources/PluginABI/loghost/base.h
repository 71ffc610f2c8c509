/* The vocabulary of all other headers: borrowed bytes, sized structs, opaque handles. */
#ifndef LOGHOST_BASE_H
#define LOGHOST_BASE_H

#include <stddef.h>
#include <stdint.h>

/* The major version these headers describe. It is part of the exported symbol's name. */
#define LOGHOST_ABI_MAJOR 1
/* Counts additions within the major version, for people: presence is asked with `size` and extension ids. */
#define LOGHOST_ABI_MINOR 0

/* Borrowed bytes: never freed by the receiver, never NUL-terminated. `data` may be NULL when `size` is 0. */
typedef struct loghost_bytes {
    const uint8_t *data;
    size_t size;
} loghost_bytes;

/* A string literal as loghost_bytes: LOGHOST_TEXT as an initializer, also a static one; LOGHOST_TEXT_VALUE as
 * an expression. */
#define LOGHOST_TEXT(literal) { (const uint8_t *)("" literal), sizeof(literal) - 1 }
#ifdef __cplusplus
#define LOGHOST_TEXT_VALUE(literal) (loghost_bytes LOGHOST_TEXT(literal))
#else
#define LOGHOST_TEXT_VALUE(literal) ((loghost_bytes)LOGHOST_TEXT(literal))
#endif

/* True when the sized struct behind `pointer` is long enough to hold `field`. */
#define LOGHOST_HAS(pointer, type, field) \
    ((pointer)->size >= offsetof(type, field) + sizeof(((type *)0)->field))

/* One configured plugin, made by the plugin's `create`. */
typedef struct loghost_instance loghost_instance;
/* One position in one log, made by a source's `open`. */
typedef struct loghost_reader loghost_reader;
/* The state of one encoded answer, made by an encoder's `begin`. */
typedef struct loghost_encoder_state loghost_encoder_state;
/* A pull reader of plain bytes, made by a source's `resolve`. */
typedef struct loghost_byte_stream loghost_byte_stream;

#endif
