/* Which entries are wanted: an AND of ORs of exact matches. */
#ifndef LOGHOST_FILTER_H
#define LOGHOST_FILTER_H

#include "base.h"

/* True for an entry that has a field of this name with exactly this value. */
typedef struct loghost_match {
    loghost_bytes name;
    loghost_bytes value;
} loghost_match;

/* True when any of its matches is; never empty. */
typedef struct loghost_clause {
    const loghost_match *matches;
    size_t match_count;
} loghost_clause;

/* True when all its clauses are; with no clause every entry passes. */
typedef struct loghost_filter {
    const loghost_clause *clauses;
    size_t clause_count;
} loghost_filter;

#endif
