/* Host service: numbers for operators. */
#ifndef LOGHOST_HOST_METRICS_H
#define LOGHOST_HOST_METRICS_H

#include "host.h"

#define LOGHOST_HOST_METRICS "loghost.host.metrics/1"

enum {
    LOGHOST_METRIC_COUNTER = 1,  /* only grows */
    LOGHOST_METRIC_GAUGE = 2,    /* a level */
    LOGHOST_METRIC_HISTOGRAM = 3 /* a distribution; durations in seconds */
};

typedef struct loghost_label {
    loghost_bytes name;
    loghost_bytes value; /* from a small closed set: never an id, a path or a principal */
} loghost_label;

typedef struct loghost_host_metrics {
    uint32_t size;
    uint32_t reserved;
    /* [any-thread] Makes a metric or finds the same one again. `name` is in base units with its unit at the
     * end ("journal_reopens_total"); the host puts `loghost_<instance>_` before it. Returns its id, or 0 when
     * the instance has more than 1,000 or the name is malformed; recording to 0 does nothing. */
    uint64_t (*metric)(const loghost_host *host, int32_t kind, loghost_bytes name,
                       const loghost_label *labels, size_t label_count);
    /* [any-thread] [must not block] Adds to a counter, sets a gauge, observes a value in a histogram. */
    void (*record)(const loghost_host *host, uint64_t metric, double value);
} loghost_host_metrics;

#endif
