/* How a call fails: a code the host can act on and a sentence for people. */
#ifndef LOGHOST_ERROR_H
#define LOGHOST_ERROR_H

#include "base.h"

/* What went wrong. The host maps codes to HTTP statuses; an unknown code counts as LOGHOST_ERROR_INTERNAL. */
enum {
    LOGHOST_OK = 0,
    LOGHOST_ERROR_INTERNAL = 1,         /* a fault of the plugin: 500 */
    LOGHOST_ERROR_INVALID = 2,          /* the request or the configuration says something impossible: 400 */
    LOGHOST_ERROR_MALFORMED_CURSOR = 3, /* not a cursor of this topic: 400 */
    LOGHOST_ERROR_CURSOR_GONE = 4,      /* a good cursor whose entry is gone: 410; see `detail` */
    LOGHOST_ERROR_NOT_FOUND = 5,        /* 404 */
    LOGHOST_ERROR_CONFLICT = 6,         /* several candidates; `detail` is a JSON array of them: 409 */
    LOGHOST_ERROR_UNAUTHENTICATED = 7,  /* 401 */
    LOGHOST_ERROR_FORBIDDEN = 8,        /* 403 */
    LOGHOST_ERROR_UPSTREAM = 9,         /* another server failed; `detail` names its role: 502 */
    LOGHOST_ERROR_TIMEOUT = 10,         /* another server was too slow; `detail` names its role: 504 */
    LOGHOST_ERROR_UNAVAILABLE = 11,     /* not now: 503 */
    LOGHOST_ERROR_LIMIT = 12,           /* too many or too much: 429 */
    LOGHOST_ERROR_UNSUPPORTED = 13      /* a query this source cannot answer: 400 */
};

#define LOGHOST_ERROR_MESSAGE_CAPACITY 256
#define LOGHOST_ERROR_DETAIL_CAPACITY 1024

/* An error, filled in place by whoever fails; it owns nothing.
 *
 * `message` is one sentence of text for the client and the log: no token, no file path, no address. `detail`
 * is what the code says; of CURSOR_GONE the oldest cursor, empty when nothing is left. In errors of `create`
 * and `start` it is for the operator's log only. Both texts are cut at their capacity, on a character
 * boundary.
 *
 * Rationale: inline buffers instead of borrowed text, because an error outlives the call that made it and
 * nobody would know when to free it. */
typedef struct loghost_error {
    uint32_t size;
    int32_t code;
    uint32_t retryable; /* 1 = the same call may succeed later */
    uint32_t message_size;
    uint32_t detail_size;
    uint32_t reserved;
    uint8_t message[LOGHOST_ERROR_MESSAGE_CAPACITY];
    uint8_t detail[LOGHOST_ERROR_DETAIL_CAPACITY];
} loghost_error;

#endif
