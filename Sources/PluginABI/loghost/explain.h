/* Extension of a source: how the same entries are read without this host. */
#ifndef LOGHOST_EXPLAIN_H
#define LOGHOST_EXPLAIN_H

#include "plugin.h"
#include "query.h"

#define LOGHOST_EXPLAIN "loghost.explain/1"

/* Takes one line of text for a POSIX shell; borrowed for the call. */
typedef void (*loghost_explain_report)(void *context, loghost_bytes command);

/* Without this extension an explanation has no command. */
typedef struct loghost_explain {
    uint32_t size;
    uint32_t reserved;
    /* [worker] Calls `report` once, before it returns, with a command that gives an operator of this node what
     * `query` gives of `topic`; or not at all, where there is no such command. Clients see it: no token, no
     * path, no address. It reads nothing and asks nobody. */
    void (*command)(loghost_instance *instance, loghost_bytes topic, const loghost_query *query,
                    loghost_explain_report report, void *context);
} loghost_explain;

#endif
