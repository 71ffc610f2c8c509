/* The host as a plugin sees it. */
#ifndef LOGHOST_HOST_H
#define LOGHOST_HOST_H

#include "base.h"

/* One host, as seen by one instance: every instance gets its own pointer, valid until its `destroy` has
 * returned. Services are extensions, each in a header of its own; an id the host does not know answers NULL.
 *
 * No service ever calls back into the plugin on the calling thread, and `wake` only notes; so all of them may
 * be called under a plugin's own mutex, unless their header says otherwise (giving up an HTTP request, ending
 * the watch of a descriptor). */
typedef struct loghost_host loghost_host;

enum {
    LOGHOST_HOST_AUTHORIZES = 1u << 0 /* this instance is in the chain of authorizers */
};

struct loghost_host {
    uint32_t size;
    uint32_t flags;        /* LOGHOST_HOST_… */
    loghost_bytes name;    /* the instance's name in the configuration, text */
    loghost_bytes version; /* the host's version, text, for people */
    /* [any-thread] Gives the functions of a service ("loghost.host.log/1"); they live as long as `host`. */
    const void *(*get_extension)(const loghost_host *host, const char *id_z);
    /* [any-thread] [must not block] Says that a reader or byte stream which answered PENDING or CAUGHT_UP may
     * have something now. `wake_id` is the one given with `open` or `resolve`. Counts from that call on,
     * before it has completed too; a wake that arrives during a `read` counts for that read's answer. Calls
     * coalesce. Safe after the reader is closed: ids are never used twice.
     *
     * Rationale: an id and not the reader, because a wake from a foreign thread races with `close`. */
    void (*wake)(const loghost_host *host, uint64_t wake_id);
};

#endif
