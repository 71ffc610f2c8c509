/* What the kernel says about a process. */
#ifndef LOGHOST_BENCHMARK_PROCESS_H
#define LOGHOST_BENCHMARK_PROCESS_H

#include <stdbool.h>

struct process_figures {
    long resident_kb;  /* all of its memory that is there */
    long anonymous_kb; /* the part that is not pages of files */
    double processor;  /* seconds of processor time, user and system, of all its threads */
};

/* Returns false when there is no such process. */
bool process_look(long pid, struct process_figures *figures);

#endif
