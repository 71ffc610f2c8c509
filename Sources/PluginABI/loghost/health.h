/* Extension of a plugin: whether it can do its work now. */
#ifndef LOGHOST_HEALTH_H
#define LOGHOST_HEALTH_H

#include "plugin.h"

#define LOGHOST_HEALTH "loghost.health/1"

/* The state of one thing a plugin needs. An unknown value counts as NOT_READY. */
enum {
    LOGHOST_HEALTH_READY = 1,
    LOGHOST_HEALTH_NOT_READY = 2 /* requests that need it fail now */
};

/* What one check has found; borrowed for the call of `report`. */
typedef struct loghost_health_check {
    uint32_t size;
    uint32_t state;        /* LOGHOST_HEALTH_… */
    loghost_bytes name;    /* text, [a-z0-9-], at most 64 bytes: what was looked at ("journal", "keys") */
    loghost_bytes message; /* one sentence of text, for operators; may be empty. No token, no path, no address */
} loghost_health_check;

typedef void (*loghost_health_report)(void *context, const loghost_health_check *check);

/* A plugin without this extension is ready as soon as `start` has returned. */
typedef struct loghost_health {
    uint32_t size;
    uint32_t reserved;
    /* [worker] Calls `report` once for each check, at most 16 times, before it returns; none = ready. Between
     * `start` and `stop`, at most about once a second, and not again before it has returned. Says what is known: it asks no other server. */
    void (*check)(loghost_instance *instance, loghost_health_report report, void *context);
} loghost_health;

#endif
