#define _GNU_SOURCE
#include "process.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

bool process_look(long pid, struct process_figures *figures) {
    char path[64], line[1024];
    snprintf(path, sizeof path, "/proc/%ld/stat", pid);
    FILE *file = fopen(path, "re");
    if (file == NULL) return false;
    bool found = false;
    unsigned long user, system;
    if (fgets(line, sizeof line, file) != NULL) {
        char *name_end = strrchr(line, ')');
        found = name_end != NULL &&
                sscanf(name_end + 1, " %*c %*d %*d %*d %*d %*d %*u %*u %*u %*u %*u %lu %lu", &user, &system) == 2;
    }
    fclose(file);
    if (!found) return false;
    figures->processor = (double)(user + system) / (double)sysconf(_SC_CLK_TCK);

    snprintf(path, sizeof path, "/proc/%ld/status", pid);
    if ((file = fopen(path, "re")) == NULL) return false;
    int lines = 0;
    while (fgets(line, sizeof line, file) != NULL)
        lines += sscanf(line, "VmRSS: %ld", &figures->resident_kb) + sscanf(line, "RssAnon: %ld", &figures->anonymous_kb);
    fclose(file);
    return lines == 2;
}
