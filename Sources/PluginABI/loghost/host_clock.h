/* Host service: the time, so that tests can move it. */
#ifndef LOGHOST_HOST_CLOCK_H
#define LOGHOST_HOST_CLOCK_H

#include "host.h"

#define LOGHOST_HOST_CLOCK "loghost.host.clock/1"

typedef struct loghost_host_clock {
    uint32_t size;
    uint32_t reserved;
    /* [any-thread] [must not block] Microseconds since the Unix epoch. */
    uint64_t (*realtime)(const loghost_host *host);
    /* [any-thread] [must not block] Microseconds of a clock that never goes back, from any fixed point. */
    uint64_t (*monotonic)(const loghost_host *host);
} loghost_host_clock;

#endif
