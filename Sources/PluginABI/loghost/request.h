/* One request as plugins see it. */
#ifndef LOGHOST_REQUEST_H
#define LOGHOST_REQUEST_H

#include "base.h"
#include "filter.h"

typedef struct loghost_variable {
    loghost_bytes name;
    loghost_bytes value; /* percent-decoded */
} loghost_variable;

/* A request after routing and authorization. Borrowed until the call it was passed to has completed or was
 * cancelled.
 *
 * `credential` is the verified credential, and empty unless the plugin's descriptor declares
 * LOGHOST_PLUGIN_USES_CREDENTIAL and the configuration grants it. */
typedef struct loghost_request {
    uint32_t size;
    uint32_t route_id;
    const loghost_variable *variables;
    size_t variable_count;
    loghost_bytes query;      /* the raw query string, still encoded */
    loghost_bytes principal;  /* empty = nobody was identified */
    loghost_bytes credential; /* see above */
    loghost_bytes request_id; /* for logs and for requests to other servers */
    /* What the authorizers restrict the principal to. A route with LOGHOST_ROUTE_APPLIES_FILTER answers from
     * entries that pass it only; to a log's queries the host adds it. */
    loghost_filter filter;
    loghost_bytes path; /* as it came, still encoded, without the query */
} loghost_request;

#endif
