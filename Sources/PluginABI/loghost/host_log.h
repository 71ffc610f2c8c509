/* Host service: structured logging into the host's own log. */
#ifndef LOGHOST_HOST_LOG_H
#define LOGHOST_HOST_LOG_H

#include "host.h"

#define LOGHOST_HOST_LOG "loghost.host.log/1"

enum {
    LOGHOST_LOG_TRACE = 0,
    LOGHOST_LOG_DEBUG = 1,
    LOGHOST_LOG_INFO = 2,
    LOGHOST_LOG_NOTICE = 3,
    LOGHOST_LOG_WARNING = 4,
    LOGHOST_LOG_ERROR = 5
};

typedef struct loghost_log_attribute {
    loghost_bytes key;   /* text, [a-z0-9_.] */
    loghost_bytes value; /* text */
} loghost_log_attribute;

typedef struct loghost_host_log {
    uint32_t size;
    uint32_t reserved;
    /* [any-thread] Writes one record under the instance's name. No token, no personal data. Messages are cut
     * at 4 KiB. */
    void (*log)(const loghost_host *host, int32_t level, loghost_bytes message,
                const loghost_log_attribute *attributes, size_t attribute_count);
    /* [any-thread] [must not block] Answers 1 when records of this level are written at all. */
    int32_t (*enabled)(const loghost_host *host, int32_t level);
} loghost_host_log;

#endif
