/* Writes journal entries in systemd's export format to stdout:
 *     journal-make COUNT [FIRST [SEED]]
 * Entry i depends on SEED and i alone, so several calls with following FIRSTs make the slices of one journal.
 * Every entry has 21 fields; 7 in 1,000 have a MESSAGE of several lines, 3 in 1,000 a _CMDLINE that is not UTF-8, and every 100,000th
 * CODE_FUNC=rare. */
#define _POSIX_C_SOURCE 200809L
#include <errno.h>
#include <inttypes.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define UNITS 40
#define MESSAGE_MAX 200
#define FIRST_REALTIME UINT64_C(1700000000000000)
#define BOOT_ID "5d0c2f9b7e3a4186a1f4c8d2b6903e57"

static uint64_t random_state;

/* splitmix64 */
static uint64_t random_next(void) {
    uint64_t z = random_state += UINT64_C(0x9e3779b97f4a7c15);
    z = (z ^ (z >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
    z = (z ^ (z >> 27)) * UINT64_C(0x94d049bb133111eb);
    return z ^ (z >> 31);
}

static unsigned random_below(unsigned bound) { return (unsigned)(random_next() % bound); }

static const char *const words[] = {
    "connection", "from", "closed", "request", "accepted", "agent", "task", "status", "update", "health", "check",
    "passed", "failed", "after", "retry", "timeout", "in", "the", "queue", "\"quoted\"", "path=/var/lib/store",
    "C:\\temp", "tab\there", "leader", "election", "caf\xc3\xa9", "offers", "declined", "for", "executor",
    "container", "launched", "\xe2\x86\x92", "resources", "cpus(*):0.5", "mem(*):128", "GET", "/metrics", "200", "OK",
};
#define WORDS (sizeof words / sizeof *words)

/* Fills `text` with words and numbers, at least 40 and at most MESSAGE_MAX bytes, short ones more often. */
static size_t make_message(char *text) {
    unsigned more = 160;
    for (int i = 0; i < 3; i++) {
        unsigned other = random_below(161);
        if (other < more) more = other;
    }
    size_t wanted = 40 + more, length = 0;
    while (length < wanted) {
        char word[32];
        int size = random_below(4) == 0 ? snprintf(word, sizeof word, "%" PRIu32, (uint32_t)random_next())
                                        : snprintf(word, sizeof word, "%s", words[random_below(WORDS)]);
        if (length + (size_t)size + 1 > MESSAGE_MAX) break;
        if (length > 0) text[length++] = ' ';
        memcpy(text + length, word, (size_t)size);
        length += (size_t)size;
    }
    return length;
}

static void put_text(const char *name, const char *value) { printf("%s=%s\n", name, value); }

/* Writes a value that may hold any byte: name, newline, 64-bit little-endian size, bytes, newline. */
static void put_binary(const char *name, const char *value, size_t size) {
    unsigned char little_endian[8];
    for (int i = 0; i < 8; i++) little_endian[i] = (unsigned char)((uint64_t)size >> (8 * i));
    printf("%s\n", name);
    fwrite(little_endian, 1, sizeof little_endian, stdout);
    fwrite(value, 1, size, stdout);
    putchar('\n');
}

static void put_message(unsigned kind) {
    char message[MESSAGE_MAX + 1];
    size_t length = make_message(message);
    message[length] = 0;
    if (kind >= 7) {
        put_text("MESSAGE", message);
        return;
    }
    char lines[4 * (MESSAGE_MAX + 1)];
    size_t size = 0;
    for (unsigned n = 2 + kind % 3; n > 0; n--) {
        if (size > 0) lines[size++] = '\n';
        memcpy(lines + size, message, length);
        size += length;
    }
    put_binary("MESSAGE", lines, size);
}

static void put_entry(uint64_t seed, uint64_t index) {
    static const char *const kinds[] = {"dns", "proxy", "agent", "store", "mesos", "metrics", "router", "exporter"};
    static const char *const priorities[] = {"6", "6", "6", "6", "6", "6", "5", "5", "4", "3"};
    static const char *const functions[] = {"handle_request", "on_timer", "main", "write_reply", "reconcile"};

    random_state = seed ^ (index * UINT64_C(0xd1342543de82ef95));
    random_next();
    uint64_t realtime = FIRST_REALTIME + index * 1000 + random_below(900);
    unsigned kind = random_below(1000), unit = random_below(UNITS), pid = 300 + unit * 37;
    char name[32], text[128];
    snprintf(name, sizeof name, "%s-%u", kinds[unit % 8], unit);

    printf("__REALTIME_TIMESTAMP=%" PRIu64 "\n__MONOTONIC_TIMESTAMP=%" PRIu64 "\n", realtime,
           realtime - FIRST_REALTIME + 5000000);
    put_text("_BOOT_ID", BOOT_ID);
    put_text("_MACHINE_ID", "c1b2a39485764f5e8d7c6b5a49382716");
    put_text("_HOSTNAME", "node-17");
    put_text("PRIORITY", priorities[random_below(10)]);
    put_text("SYSLOG_FACILITY", "3");
    put_text("SYSLOG_IDENTIFIER", name);
    put_text("_COMM", name);
    printf("_PID=%u\n_UID=%u\n_GID=%u\n", pid, unit % 4 ? 900 + unit : 0, unit % 4 ? 900 + unit : 0);
    printf("_EXE=/bin/%s\n", name);
    if (kind >= 7 && kind < 10) {
        static const char bytes[] = "/bin/x\0--name=\xff\xfe\x80\x01";
        put_binary("_CMDLINE", bytes, sizeof bytes - 1);
    } else {
        printf("_CMDLINE=/bin/%s --port=%u\n", name, 8000 + unit);
    }
    put_text("_CAP_EFFECTIVE", unit % 4 ? "0" : "1ffffffffff");
    put_text("_TRANSPORT", unit % 3 ? "stdout" : "syslog");
    printf("_SYSTEMD_UNIT=%s.service\n", name);
    printf("_SYSTEMD_CGROUP=/system.slice/%s.service\n", name);
    put_text("_SYSTEMD_SLICE", "system.slice");
    snprintf(text, sizeof text, "%016" PRIx64 "%016" PRIx64, unit * UINT64_C(0x9e3779b97f4a7c15) + 1,
             unit * UINT64_C(0xbf58476d1ce4e5b9) + 7);
    put_text("_SYSTEMD_INVOCATION_ID", text);
    printf("_SOURCE_REALTIME_TIMESTAMP=%" PRIu64 "\n", realtime - 20 - random_below(200));
    const char *function = functions[random_below(5)];
    put_text("CODE_FUNC", index % 100000 == 99999 ? "rare" : function);
    put_message(kind);
    putchar('\n');
}

static int parse(const char *text, uint64_t limit, uint64_t *value) {
    char *end;
    errno = 0;
    *value = strtoull(text, &end, 10);
    return errno == 0 && *text >= '0' && *text <= '9' && *end == 0 && *value <= limit;
}

int main(int argc, char **argv) {
    uint64_t count = 0, first = 0, seed = 1;
    if (argc < 2 || argc > 4 || !parse(argv[1], 100000000, &count) ||
        (argc > 2 && !parse(argv[2], 1000000000, &first)) || (argc > 3 && !parse(argv[3], UINT64_MAX, &seed))) {
        fprintf(stderr, "usage: journal-make COUNT [FIRST [SEED]]   (at most 100,000,000 entries)\n");
        return 64;
    }
    for (uint64_t i = 0; i < count && !ferror(stdout); i++) put_entry(seed, first + i);
    if (fflush(stdout) != 0 || ferror(stdout)) {
        fprintf(stderr, "journal-make: cannot write to stdout: %s\n", strerror(errno));
        return 1;
    }
    return 0;
}
