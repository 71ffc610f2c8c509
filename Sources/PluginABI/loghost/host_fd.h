/* Host service: watch a file descriptor, so that no plugin needs a thread to wait for one. */
#ifndef LOGHOST_HOST_FD_H
#define LOGHOST_HOST_FD_H

#include "error.h"
#include "host.h"

#define LOGHOST_HOST_FD "loghost.host.fd/1"

enum { LOGHOST_FD_READABLE = 1u << 0, LOGHOST_FD_WRITABLE = 1u << 1, LOGHOST_FD_HANGUP = 1u << 2 };

/* [must not block] Called on a thread of the host's while the descriptor is ready (level-triggered): read it,
 * or unwatch it. Calls of one watch never overlap. May run before `watch` has returned, but never on the
 * thread that called it. */
typedef void (*loghost_fd_ready)(void *context, int32_t fd, uint32_t events);

typedef struct loghost_host_fd {
    uint32_t size;
    uint32_t reserved;
    /* [any-thread] Begins to call `ready`. The descriptor stays the plugin's and must stay open while
     * watched; one descriptor is watched once. Returns an id above 0, or 0 with `error` filled. At most 4,096
     * per instance. */
    uint64_t (*watch)(const loghost_host *host, int32_t fd, uint32_t events, loghost_fd_ready ready,
                      void *context, loghost_error *error);
    /* [any-thread] Ends it. When this returns, `ready` is not running and will not run again, unless it was
     * called from within `ready` itself: then it may still return. It waits for a running `ready`: hold no
     * lock that `ready` takes. An unknown id does nothing. Closing the descriptor comes after this. */
    void (*unwatch)(const loghost_host *host, uint64_t watch);
} loghost_host_fd;

#endif
