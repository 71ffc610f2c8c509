/* The baseline: what libsystemd alone can read from the journal files of a directory, nothing encoded.
 *     journal-iterate all|message DIRECTORY [FIELD=VALUE]
 *     journal-iterate tail|tail-open|search DIRECTORY REPEATS [FIELD=VALUE]
 * all       next + every field              message    next + MESSAGE
 * tail      every field of the last ten entries, REPEATS times on one warm handle
 * tail-open the same, opening the journal each time
 * search    next + every field, all entries REPEATS times on one warm handle
 * With FIELD=VALUE only of the entries that have it.
 * Prints one line of name=value pairs. The data threshold is off: values of any length are read whole. */
#define _GNU_SOURCE
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <systemd/sd-journal.h>
#include <time.h>

#define TAIL 10

struct counts {
    unsigned long long entries, fields, bytes;
};

static void fail(const char *what, int error) {
    fprintf(stderr, "journal-iterate: %s: %s\n", what, strerror(-error));
    exit(1);
}

static int check(const char *what, int result) {
    if (result < 0) fail(what, result);
    return result;
}

static double now(clockid_t clock) {
    struct timespec t;
    clock_gettime(clock, &t);
    return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static const char *match;

static sd_journal *open_directory(const char *directory) {
    sd_journal *journal;
    check(directory, sd_journal_open_directory(&journal, directory, 0));
    check("sd_journal_set_data_threshold", sd_journal_set_data_threshold(journal, 0));
    if (match) check("sd_journal_add_match", sd_journal_add_match(journal, match, 0));
    return journal;
}

static void read_fields(sd_journal *journal, struct counts *counts) {
    const void *data;
    size_t size;
    sd_journal_restart_data(journal);
    while (check("sd_journal_enumerate_data", sd_journal_enumerate_data(journal, &data, &size)) > 0) {
        counts->fields++;
        counts->bytes += size;
    }
    counts->entries++;
}

static void read_message(sd_journal *journal, struct counts *counts) {
    const void *data;
    size_t size;
    int result = sd_journal_get_data(journal, "MESSAGE", &data, &size);
    counts->entries++;
    if (result == -ENOENT) return;
    check("sd_journal_get_data", result);
    counts->fields++;
    counts->bytes += size;
}

static void read_on(sd_journal *journal, void (*read)(sd_journal *, struct counts *), struct counts *counts) {
    check("sd_journal_seek_head", sd_journal_seek_head(journal));
    while (check("sd_journal_next", sd_journal_next(journal)) > 0) read(journal, counts);
}

static void search(sd_journal *journal, struct counts *counts) { read_on(journal, read_fields, counts); }

static void iterate(const char *directory, void (*read)(sd_journal *, struct counts *), struct counts *counts) {
    sd_journal *journal = open_directory(directory);
    read_on(journal, read, counts);
    sd_journal_close(journal);
}

static void read_tail(sd_journal *journal, struct counts *counts) {
    check("sd_journal_seek_tail", sd_journal_seek_tail(journal));
    int there = check("sd_journal_previous_skip", sd_journal_previous_skip(journal, TAIL));
    for (int i = 0; i < there; i++) {
        if (i > 0 && check("sd_journal_next", sd_journal_next(journal)) == 0) fail("the tail ended early", -ENODATA);
        read_fields(journal, counts);
    }
}

int main(int argc, char **argv) {
    const char *mode = argc > 1 ? argv[1] : "";
    int all = strcmp(mode, "all") == 0, message = strcmp(mode, "message") == 0;
    int tail_open = strcmp(mode, "tail-open") == 0, searches = strcmp(mode, "search") == 0;
    int tail = strcmp(mode, "tail") == 0, repeated = tail || tail_open || searches;
    int rest = all || message ? 3 : 4;
    long repeats = repeated && argc >= 4 ? strtol(argv[3], NULL, 10) : 0;
    if ((!all && !message && !(repeats > 0 && repeats <= 10000000)) || argc < rest || argc > rest + 1) {
        fprintf(stderr, "usage: journal-iterate all|message DIRECTORY [FIELD=VALUE]\n"
                        "       journal-iterate tail|tail-open|search DIRECTORY REPEATS [FIELD=VALUE]   (1 to 10,000,000)\n");
        return 64;
    }
    match = argc > rest ? argv[rest] : NULL;

    struct counts counts = {0, 0, 0};
    struct rusage usage;
    double work = 0, wall, started = now(CLOCK_MONOTONIC), cpu_started = now(CLOCK_PROCESS_CPUTIME_ID);
    if (all || message) {
        iterate(argv[2], all ? read_fields : read_message, &counts);
        work = (double)counts.entries;
    } else {
        void (*read)(sd_journal *, struct counts *) = searches ? search : read_tail;
        sd_journal *journal = tail_open ? NULL : open_directory(argv[2]);
        if (journal) { /* the first read opens windows into the files: warm the handle before the clock starts */
            read(journal, &counts);
            memset(&counts, 0, sizeof counts);
            started = now(CLOCK_MONOTONIC);
            cpu_started = now(CLOCK_PROCESS_CPUTIME_ID);
        }
        for (long i = 0; i < repeats; i++) {
            if (tail_open) journal = open_directory(argv[2]);
            read(journal, &counts);
            if (tail_open) sd_journal_close(journal);
        }
        if (!tail_open) sd_journal_close(journal);
        work = (double)repeats;
    }
    wall = now(CLOCK_MONOTONIC) - started;
    getrusage(RUSAGE_SELF, &usage);
    printf("mode=%s per_s=%.0f entries=%llu fields=%llu bytes=%llu wall_s=%.4f cpu_s=%.4f max_rss_kb=%ld\n", mode,
           work / wall, counts.entries, counts.fields, counts.bytes, wall,
           now(CLOCK_PROCESS_CPUTIME_ID) - cpu_started, usage.ru_maxrss);
    return 0;
}
