/* Routes are data: what a source answers, described completely enough to match, check and document it. */
#ifndef LOGHOST_ROUTE_H
#define LOGHOST_ROUTE_H

#include "base.h"

/* How the URL's parameters are spelled. */
enum {
    LOGHOST_DIALECT_NONE = 0,       /* the answer is no log: bytes, a redirect, a proxy */
    LOGHOST_DIALECT_JOURNAL_V1 = 1, /* skip_next, skip_prev, read_reverse, cursor, limit, filter */
    LOGHOST_DIALECT_JOURNAL_V2 = 2, /* skip=+-n, cursor=BEG|END|c, limit, filter */
    LOGHOST_DIALECT_LINES = 3       /* as V2, for lines of files: no filter; an empty answer is 200 */
};

/* When an answer goes on for ever. */
enum {
    LOGHOST_FOLLOW_NEVER = 0,
    LOGHOST_FOLLOW_ALWAYS = 1,
    LOGHOST_FOLLOW_BY_ACCEPT = 2 /* when the negotiated encoder is an event stream */
};

/* Parameters beyond the dialect's own. */
enum {
    LOGHOST_ACCEPTS_FOLLOW = 1u << 0,        /* follow=true on a text or JSON range */
    LOGHOST_ACCEPTS_BOUNDS = 1u << 1,        /* since=, until= */
    LOGHOST_ACCEPTS_POSTFIX = 1u << 2,       /* postfix=, used in the file name */
    LOGHOST_ACCEPTS_LAST_EVENT_ID = 1u << 3, /* the header, on routes without a dialect; log routes have it */
    LOGHOST_ACCEPTS_REVERSE = 1u << 4        /* read_reverse= where the dialect has it */
};

enum {
    LOGHOST_ROUTE_IDS = 1u << 0,           /* events carry ids also on ranges (follows always do) */
    LOGHOST_ROUTE_SKIP_HEADERS = 1u << 1,  /* X-Journal-Skip-Next and X-Journal-Skip-Prev */
    LOGHOST_ROUTE_APPLIES_FILTER = 1u << 2 /* a non-log answer that applies an authorizer's filter itself */
};

/* One route. All pointers live until the instance is destroyed.
 *
 * `path` is a template of segments, `/v2/component/{name}`; one segment may be `{name...}`, one or more
 * segments with their slashes; literal segments may follow such a one. A literal wins over a variable, and a
 * longer end over a shorter one. A trailing slash is part of the path. Two
 * routes with the same method and the same shape collide, and the host does not start. A GET route also
 * serves HEAD. Variables reach the plugin percent-decoded; an empty segment never matches one, and a control
 * character anywhere in a path is 400. */
typedef struct loghost_route {
    uint32_t size;
    uint32_t id;          /* the plugin's own name for it, given back in the request */
    loghost_bytes method; /* "GET" */
    loghost_bytes path;
    uint32_t dialect;
    uint32_t follow;
    uint32_t accepts;
    uint32_t flags;
    loghost_bytes encoding;  /* fixed encoder by name ("text"); empty = negotiated */
    loghost_bytes coding;    /* "gzip" or empty */
    loghost_bytes file_name; /* an attachment's name, `{variable}` and `{-postfix}` replaced; empty = none */
    loghost_bytes summary;   /* one sentence of text for people and for the API description */
} loghost_route;

#endif
