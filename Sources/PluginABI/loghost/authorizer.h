/* Extension of a plugin: an authorizer. */
#ifndef LOGHOST_AUTHORIZER_H
#define LOGHOST_AUTHORIZER_H

#include "error.h"
#include "filter.h"
#include "request.h"
#include "resolution.h"

#define LOGHOST_AUTHORIZER "loghost.authorizer/1"

/* The verdict of one authorizer. An unknown verdict counts as CANNOT_DECIDE.
 *
 * The chain asks in the configured order. DENY and UNAUTHENTICATED end it. At least one must ALLOW and none
 * refuse. Nobody allows: 401 without a principal, 403 with one. CANNOT_DECIDE, an error, a time-out or
 * silence: 503. Nothing is ever allowed by default. */
enum {
    LOGHOST_ALLOW = 1,
    LOGHOST_DENY = 2,            /* known, and may not: 403 */
    LOGHOST_UNAUTHENTICATED = 3, /* a credential of this authorizer's kind, and bad: 401 with `challenge` */
    LOGHOST_ABSTAIN = 4,         /* not mine to say */
    LOGHOST_CANNOT_DECIDE = 5    /* would have to know something it cannot find out now: 503 */
};

/* Who is at the other end, as far as the transport has proved it. */
typedef struct loghost_peer {
    uint32_t size;
    uint32_t has_unix_credentials; /* 1 = uid, gid and pid are from the kernel */
    loghost_bytes address;         /* numeric; empty on a unix socket */
    uint32_t uid;
    uint32_t gid;
    int32_t pid;
    uint32_t reserved;
    loghost_bytes certificate_subject; /* of a verified client certificate, RFC 4514; else empty */
    const loghost_bytes *certificate_names; /* subject alternative names, "dns:…", "uri:…", "email:…" */
    size_t certificate_name_count;
} loghost_peer;

/* What is to be decided. Borrowed until the completion has been called or `cancel` has returned. */
typedef struct loghost_authorization_request {
    uint32_t size;
    uint32_t recheck; /* 1 = asked again during a follow; answers from a cache are welcome */
    loghost_bytes method;
    loghost_bytes path;           /* as it came, without the query */
    loghost_bytes route;          /* the matched template, with the prefix it was reached by */
    loghost_bytes plugin;         /* the instance that serves it */
    const loghost_variable *variables;
    size_t variable_count;
    const loghost_header *headers; /* names in lower case */
    size_t header_count;
    const loghost_peer *peer;
    loghost_bytes principal; /* what an authorizer before this one has verified; else empty */
    loghost_bytes request_id;
    /* What an authorizer before this one has verified, under the rules of loghost_request.credential. */
    loghost_bytes credential;
} loghost_authorization_request;

/* A decision. Borrowed by the host during the completion only. */
typedef struct loghost_decision {
    uint32_t size;
    int32_t verdict;
    loghost_bytes principal;  /* who, when the authorizer knows */
    loghost_bytes credential; /* the verified credential, passed only to plugins that are granted it */
    /* A WWW-Authenticate value. UNAUTHENTICATED: of the answer. ABSTAIN: of the 401 when nobody allows and
     * nobody knows the principal; the host sends one for each authorizer that gave one. */
    loghost_bytes challenge;
    uint64_t expires_realtime_microseconds; /* a stream ends here; 0 = never */
    uint64_t recheck_after_microseconds;    /* ask again during a follow; 0 = the host's interval */
    /* The host adds it to every query; its names are trusted fields, beginning with `_`. An answer that
     * cannot apply it is refused. */
    loghost_filter filter;
    /* For the audit record, never shown to the client: one word or two, what the decision was about (an
     * IAM's resource id) and what was to be done with it. */
    loghost_bytes reason;
    loghost_bytes object;
    loghost_bytes action;
} loghost_decision;

/* Completes `authorize`: either `decision` or `error` is not NULL. [any-thread]; may be called before
 * `authorize` returns. Exactly once; a late one is ignored. */
typedef void (*loghost_authorize_done)(void *context, uint64_t operation, const loghost_decision *decision,
                                       const loghost_error *error);

typedef struct loghost_authorizer {
    uint32_t size;
    uint32_t reserved;
    /* [any-thread] [must not block] Decides, now or later. `operation` is unique among all of the host's. */
    void (*authorize)(loghost_instance *instance, uint64_t operation,
                      const loghost_authorization_request *request, loghost_authorize_done done,
                      void *context);
    /* [any-thread] [must not block] Gives an operation up. NULL when every operation completes before its
     * call returns. */
    void (*cancel)(loghost_instance *instance, uint64_t operation);
} loghost_authorizer;

#endif
