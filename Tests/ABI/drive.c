/* Drives Examples/c-source through its whole life, over a directory of tricky files, with a host of a few lines.
 * Usage: drive LIBRARY EMPTY-DIRECTORY */
#define _GNU_SOURCE

#include <loghost/loghost.h>

#include <dlfcn.h>
#include <fcntl.h>
#include <poll.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#define CHECK(condition)                                                                \
    do {                                                                                \
        if (!(condition)) {                                                             \
            fprintf(stderr, "%s:%d: false: %s\n", __FILE__, __LINE__, #condition);      \
            exit(1);                                                                    \
        }                                                                               \
    } while (0)

static const char *directory;
static const loghost_source *source;
static loghost_instance *instance;

static loghost_bytes text(const char *text_z) {
    return (loghost_bytes){(const uint8_t *)text_z, strlen(text_z)};
}

static bool equal(loghost_bytes a, loghost_bytes b) {
    return a.size == b.size && (a.size == 0 || memcmp(a.data, b.data, a.size) == 0);
}

static bool contains(const loghost_error *error, const char *word) {
    return memmem(error->message, error->message_size, word, strlen(word)) != NULL;
}

/* MARK: The host */

static struct {
    bool offers_fd;
    int logged, watches;
    int32_t fd;
    loghost_fd_ready ready;
    void *context;
    uint64_t woken[64];
    size_t woken_count;
} fake;

static void fake_log(const loghost_host *host, int32_t level, loghost_bytes message,
                     const loghost_log_attribute *attributes, size_t attribute_count) {
    CHECK(equal(host->name, LOGHOST_TEXT_VALUE("example")) && message.size > 0 && !attributes && attribute_count == 0);
    CHECK(level == LOGHOST_LOG_NOTICE);
    fake.logged++;
}

static int32_t fake_enabled(const loghost_host *host, int32_t level) {
    (void)host;
    return level >= LOGHOST_LOG_INFO;
}

static uint64_t fake_watch(const loghost_host *host, int32_t fd, uint32_t events, loghost_fd_ready ready, void *context,
                           loghost_error *error) {
    (void)host, (void)error;
    CHECK(events == LOGHOST_FD_READABLE && fake.watches == 0);
    fake.watches++;
    fake.fd = fd;
    fake.ready = ready;
    fake.context = context;
    return 77;
}

static void fake_unwatch(const loghost_host *host, uint64_t watch) {
    (void)host;
    CHECK(watch == 77 && fcntl(fake.fd, F_GETFD) >= 0); /* closing comes after this */
    fake.watches--;
}

static const void *fake_get_extension(const loghost_host *host, const char *id_z) {
    static const loghost_host_log log = {sizeof(log), 0, fake_log, fake_enabled};
    static const loghost_host_fd fd = {sizeof(fd), 0, fake_watch, fake_unwatch};
    (void)host;
    if (strcmp(id_z, LOGHOST_HOST_LOG) == 0) return &log;
    return fake.offers_fd && strcmp(id_z, LOGHOST_HOST_FD) == 0 ? &fd : NULL;
}

static void fake_wake(const loghost_host *host, uint64_t wake_id) {
    (void)host;
    CHECK(fake.woken_count < 64);
    fake.woken[fake.woken_count++] = wake_id;
}

static loghost_host host = {.size = sizeof(host), .get_extension = fake_get_extension, .wake = fake_wake};

/* Lets the plugin take what its watched descriptor has; answers how often it woke `wake_id`. */
static size_t wakes(uint64_t wake_id) {
    struct pollfd descriptor = {.fd = fake.fd, .events = POLLIN};
    size_t count = 0;
    fake.woken_count = 0;
    while (poll(&descriptor, 1, 0) == 1) fake.ready(fake.context, fake.fd, LOGHOST_FD_READABLE);
    for (size_t i = 0; i < fake.woken_count; i++) count += fake.woken[i] == wake_id;
    CHECK(count == fake.woken_count); /* nobody else's */
    return count;
}

/* MARK: Files */

static const char *path_of(const char *name) {
    static char paths[2][4096]; /* two names in one expression */
    static int turn;
    turn = !turn;
    snprintf(paths[turn], sizeof(paths[turn]), "%s/%s", directory, name);
    return paths[turn];
}

static void store(const char *name, const void *bytes, size_t size, int flags) {
    int fd = open(path_of(name), O_WRONLY | O_CREAT | flags, 0600);
    CHECK(fd >= 0 && write(fd, bytes, size) == (ssize_t)size && close(fd) == 0);
}

static void add_text(const char *name, const char *text_z) { store(name, text_z, strlen(text_z), O_APPEND); }

/* MARK: Calls */

struct answer {
    bool refuse; /* answers 0: the operation was given up */
    int calls;
    loghost_error error;
    uint32_t kind, status;
    uint8_t topic[1024];
    size_t topic_size;
    loghost_byte_stream *stream;
    const loghost_byte_stream_functions *functions;
    loghost_reader *reader;
};

static int32_t resolved(void *context, uint64_t operation, const loghost_resolution *resolution,
                        const loghost_error *error) {
    struct answer *answer = context;
    CHECK(operation == 5 && answer->calls++ == 0 && !resolution != !error);
    if (error) {
        CHECK(error->code != LOGHOST_OK && error->size == sizeof(*error) && error->message_size > 0);
        answer->error = *error;
        return !answer->refuse;
    }
    CHECK(resolution->size == sizeof(*resolution) && resolution->topic.size <= sizeof(answer->topic));
    answer->kind = resolution->kind;
    answer->status = resolution->status;
    answer->topic_size = resolution->topic.size;
    if (answer->topic_size) memcpy(answer->topic, resolution->topic.data, resolution->topic.size);
    if (resolution->kind == LOGHOST_RESOLVED_BYTES) {
        CHECK(resolution->header_count == 1 && equal(resolution->headers[0].name, text("Content-Type")));
        answer->stream = resolution->stream;
        answer->functions = resolution->stream_functions;
    }
    return !answer->refuse;
}

static struct answer resolve(uint32_t route, loghost_bytes name, bool refuse) {
    struct answer answer = {.refuse = refuse};
    uint8_t *copy = malloc(name.size + 1); /* of its exact size, and gone afterwards */
    loghost_variable variable = {text("file"), {copy, name.size}};
    loghost_request request = {.size = sizeof(request), .route_id = route, .variables = &variable, .variable_count = 1};
    CHECK(copy && (copy = realloc(copy, name.size ? name.size : 1)));
    variable.value.data = copy;
    if (name.size) memcpy(copy, name.data, name.size);
    source->resolve(instance, 5, &request, 6, resolved, &answer);
    CHECK(answer.calls == 1);
    free(copy);
    return answer;
}

static int32_t opened(void *context, uint64_t operation, const loghost_opened *result, const loghost_error *error) {
    struct answer *answer = context;
    CHECK(operation == 8 && answer->calls++ == 0 && !result != !error);
    if (error) answer->error = *error;
    if (result) {
        CHECK(result->size == sizeof(*result) && result->applied == 0 && result->reader);
        answer->reader = result->reader;
    }
    return !answer->refuse;
}

static struct answer open_at(const char *name, uint32_t start, const char *cursor, uint32_t follow, uint64_t wake_id) {
    struct answer answer = {.refuse = false};
    loghost_request request = {.size = sizeof(request), .route_id = 1};
    loghost_query query = {.size = sizeof(query), .start = start, .follow = follow, .needs = LOGHOST_NEEDS_CURSOR};
    if (cursor) query.cursor = text(cursor);
    query.direction = start > LOGHOST_START_TIME ? LOGHOST_BACKWARD : LOGHOST_FORWARD;
    source->open(instance, 8, text(name), &query, &request, wake_id, opened, &answer);
    CHECK(answer.calls == 1 && !answer.reader == (answer.error.code != LOGHOST_OK));
    return answer;
}

static int32_t read_from(loghost_reader *reader, loghost_read_limits limits, loghost_read_result *result) {
    loghost_error error = {.size = sizeof(error)};
    limits.size = sizeof(limits);
    memset(result, 0, sizeof(*result));
    result->size = sizeof(*result);
    int32_t status = source->read(reader, &limits, result, &error);
    CHECK(result->size == sizeof(*result) && error.size == sizeof(error));
    CHECK((status == LOGHOST_READ_ERROR) == (error.code != LOGHOST_OK));
    CHECK(status == LOGHOST_READ_BATCH || result->entry_count == 0);
    return status;
}

static const loghost_read_limits wide = {0, 1000, 1 << 20, 100000, 1 << 26};

/* Reads on until there is a batch that is not empty, or another answer. */
static int32_t next(loghost_reader *reader, loghost_read_limits limits, loghost_read_result *result) {
    for (int i = 0; i < 1000; i++) {
        int32_t status = read_from(reader, limits, result);
        if (status != LOGHOST_READ_BATCH || result->entry_count) return status;
    }
    CHECK(!"the search ends");
    return 0;
}

/* MARK: Checks */

static struct {
    uint8_t bytes[1 << 20];
    size_t size;
    size_t lines, pieces;
    char cursors[4096][24]; /* behind each line */
    size_t ends[4096];
} got;

/* Reads a range from `start` to its end, and checks each entry on the way: fields, cursors, pieces, limits. Only the
 * last piece of a line has a cursor. */
static void collect(const char *name, uint32_t start, const char *cursor, loghost_read_limits limits) {
    loghost_reader *reader = open_at(name, start, cursor, 0, 9).reader;
    loghost_read_result result;
    bool continues = false;
    int32_t status;
    got.size = got.lines = got.pieces = 0;
    CHECK(reader);
    while ((status = next(reader, limits, &result)) == LOGHOST_READ_BATCH) {
        uint64_t bytes = 0;
        CHECK(result.entry_count <= limits.max_entries);
        for (size_t i = 0; i < result.entry_count; i++) {
            const loghost_entry *entry = &result.entries[i];
            const loghost_field *last = &entry->fields[entry->field_count - 1];
            bool continued = entry->flags & LOGHOST_ENTRY_CONTINUED;
            CHECK(continued == continues && entry->field_count == (continued ? 1u : 2u));
            CHECK(equal(last->name, text("MESSAGE")) && last->value.size <= limits.max_value_bytes);
            CHECK(continued || equal(entry->fields[0].value, text(name)));
            CHECK(entry->realtime_microseconds == 0 && entry->monotonic_microseconds == 0);
            CHECK(entry->cursor.size < 20 && got.size + last->value.size < sizeof(got.bytes));
            for (uint32_t f = 0; f < entry->field_count; f++)
                bytes += entry->fields[f].name.size + entry->fields[f].value.size;
            if (last->value.size) memcpy(got.bytes + got.size, last->value.data, last->value.size);
            got.size += last->value.size;
            got.pieces++;
            continues = entry->flags & LOGHOST_ENTRY_CONTINUES;
            CHECK(!continues || !(entry->flags & LOGHOST_ENTRY_NO_NEWLINE));
            CHECK(continues == (entry->cursor.size == 0) && (!continues || last->value.size > 0));
            if (continues) continue;
            snprintf(got.cursors[got.lines], 24, "%.*s", (int)entry->cursor.size, (const char *)entry->cursor.data);
            if (!(entry->flags & LOGHOST_ENTRY_NO_NEWLINE)) got.bytes[got.size++] = '\n';
            got.ends[got.lines++] = got.size;
            CHECK(got.lines < 4096);
        }
        CHECK(result.entry_count == 1 || bytes <= limits.max_bytes);
    }
    CHECK(status == LOGHOST_READ_CAUGHT_UP && !continues);
    CHECK(next(reader, limits, &result) == LOGHOST_READ_CAUGHT_UP);
    source->close(reader);
}

/* Checks that a file comes back byte for byte, under all limits and from each of its cursors. */
static void check_file(const char *name, const void *bytes, size_t size, size_t lines) {
    static const loghost_read_limits narrow[] = {
        {0, 1, 1, 1, 1 << 20}, {0, 3, 1 << 20, 1, 1000},  {0, 1000, 40, 1, 1 << 20}, {0, 1000, 1 << 20, 1, 65536},
        {0, 2, 50, 1, 4099},   {0, 1000, 1 << 20, 1, 65535}, {0, 1000, 1 << 20, 1, 256}};
    static char cursors[4096][24];
    store(name, bytes, size, O_TRUNC);
    for (size_t i = 0; i < sizeof(narrow) / sizeof(narrow[0]); i++) {
        collect(name, LOGHOST_START_HEAD, NULL, narrow[i]);
        CHECK(got.size == size && memcmp(got.bytes, bytes, size) == 0 && got.lines == lines);
    }
    collect(name, LOGHOST_START_HEAD, NULL, wide);
    CHECK(got.size == size && memcmp(got.bytes, bytes, size) == 0 && got.lines == lines);
    memcpy(cursors, got.cursors, sizeof(cursors));
    for (size_t i = 0; i < lines; i += 1 + lines / 50) {
        size_t offset = strtoul(cursors[i], NULL, 10);
        collect(name, LOGHOST_START_CURSOR, cursors[i], wide);
        CHECK(got.lines == lines - 1 - i && got.size == size - offset);
        CHECK(memcmp(got.bytes, (const uint8_t *)bytes + offset, got.size) == 0);
        CHECK(got.lines == 0 || strcmp(got.cursors[0], cursors[i + 1]) == 0); /* canonical */
    }
    collect(name, LOGHOST_START_TAIL, NULL, wide);
    CHECK(got.size == 0);
}

static void check_files(void) {
    static char many[40000], huge[300 * 1024 + 20];
    size_t size = 0, lines = 0;
    check_file("empty", "", 0, 0);
    check_file("newline", "\n", 1, 1);
    check_file("blank lines", "\n\na\n\n", 5, 4);
    check_file("no newline", "a\nbc", 4, 2);
    check_file("one, no newline", "x", 1, 1);
    check_file("crlf", "a\r\n\r\nb\r\n", 8, 3);
    check_file("nul", "\0\n\0\0x\0\n\0", 8, 3);
    check_file("not utf-8", "\xff\xfe\n\xc3\n\xc3", 6, 3);
    for (; size < sizeof(many) - 40; lines++)
        size += (size_t)snprintf(many + size, 40, "%.*s\n", (int)(lines % 37), "abcdefghijklmnopqrstuvwxyz0123456789");
    check_file("many", many, size, lines);
    memset(huge, 'h', sizeof(huge));
    memcpy(huge, "before\n", 7);
    memcpy(huge + 7 + 300 * 1024, "\nafter\n", 7);
    check_file("huge", huge, 7 + 300 * 1024 + 7, 3);
    check_file("huge, no newline", huge, 7 + 300 * 1024, 2);
    for (size_t edge = 65533; edge < 65540; edge++) { /* around the size of the example's buffer */
        memset(huge, 'e', edge);
        huge[edge] = '\n';
        check_file("edge", huge, edge + 1, 1);
        check_file("edge", huge, edge, 1);
    }
    memset(huge, 'h', sizeof(huge));
    store("huge", huge, 300 * 1024, O_TRUNC);
    add_text("huge", "\n");
    collect("huge", LOGHOST_START_HEAD, NULL, (loghost_read_limits){0, 10, 1 << 20, 1, 1000});
    CHECK(got.pieces == 308 && got.lines == 1);
    check_file("short", "abc\nab\na\n\nabcd", 14, 5);
    collect("short", LOGHOST_START_HEAD, NULL, (loghost_read_limits){0, 1000, 1 << 20, 1, 1});
    CHECK(got.pieces == 11 && got.lines == 5 && got.size == 14);
    collect("short", LOGHOST_START_HEAD, NULL, (loghost_read_limits){0, 1000, 1 << 20, 1, 2});
    CHECK(got.pieces == 7 && got.lines == 5 && got.size == 14); /* "ab" is no piece */
}

static void check_resolve(void) {
    static const struct {
        const char *name;
        size_t size;
        int32_t code;
    } cases[] = {{"many", 4, LOGHOST_OK},
                 {".hidden", 7, LOGHOST_OK},
                 {".", 1, LOGHOST_ERROR_NOT_FOUND},
                 {"..", 2, LOGHOST_ERROR_NOT_FOUND},
                 {"../many", 7, LOGHOST_ERROR_NOT_FOUND},
                 {"/etc/passwd", 11, LOGHOST_ERROR_NOT_FOUND},
                 {"folder/inner", 12, LOGHOST_ERROR_NOT_FOUND},
                 {"none", 4, LOGHOST_ERROR_NOT_FOUND},
                 {"folder", 6, LOGHOST_ERROR_NOT_FOUND},
                 {"link", 4, LOGHOST_ERROR_NOT_FOUND},
                 {"pipe", 4, LOGHOST_ERROR_NOT_FOUND}};
    char longest[300];
    struct answer answer;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        loghost_bytes name = {(const uint8_t *)cases[i].name, cases[i].size};
        answer = resolve(1, name, false);
        CHECK(answer.error.code == cases[i].code);
        if (cases[i].code) continue;
        CHECK(answer.kind == LOGHOST_RESOLVED_LOG && equal((loghost_bytes){answer.topic, answer.topic_size}, name));
    }
    memset(longest, 'n', sizeof(longest));
    for (size_t size = 254; size < 258; size++)
        CHECK(resolve(1, (loghost_bytes){(uint8_t *)longest, size}, false).error.code == LOGHOST_ERROR_NOT_FOUND);
    CHECK(open_at("none", LOGHOST_START_HEAD, NULL, 0, 1).error.code == LOGHOST_ERROR_NOT_FOUND);
    CHECK(open_at("link", LOGHOST_START_HEAD, NULL, 0, 1).error.code == LOGHOST_ERROR_NOT_FOUND);
    CHECK(open_at("../many", LOGHOST_START_HEAD, NULL, 0, 1).error.code == LOGHOST_ERROR_NOT_FOUND);
    resolve(2, text(""), true); /* given up: the plugin frees its stream */
}

static void check_list(void) {
    static char whole[4096], pieces[4096];
    for (size_t limit = 1; limit <= 4096; limit += limit) {
        struct answer answer = resolve(2, text(""), false);
        loghost_error error = {.size = sizeof(error)};
        loghost_bytes bytes;
        size_t size = 0;
        int32_t status;
        CHECK(answer.kind == LOGHOST_RESOLVED_BYTES && answer.status == 200 && answer.stream);
        do {
            status = answer.functions->read(answer.stream, limit, &bytes, &error);
            CHECK((status == LOGHOST_STREAM_DATA && bytes.size > 0) || status == LOGHOST_STREAM_END);
            CHECK(bytes.size <= limit && size + bytes.size < sizeof(pieces));
            memcpy(pieces + size, bytes.data, bytes.size);
            size += bytes.size;
        } while (status == LOGHOST_STREAM_DATA);
        answer.functions->close(answer.stream);
        pieces[size] = 0;
        if (limit == 1) memcpy(whole, pieces, sizeof(whole));
        CHECK(strcmp(whole, pieces) == 0);
    }
    CHECK(whole[0] == '[' && strcmp(whole + strlen(whole) - 3, "\"]\n") == 0 && !strstr(whole, ",,"));
    CHECK(strstr(whole, "\"many\"") && strstr(whole, "\"blank lines\"") && strstr(whole, "\".hidden\""));
    CHECK(!strstr(whole, "folder") && !strstr(whole, "link") && !strstr(whole, "pipe") && !strstr(whole, "quo"));
    struct answer abandoned = resolve(2, text(""), false);
    abandoned.functions->close(abandoned.stream); /* a HEAD request reads nothing */
}

static void check_positions(void) {
    static const char *const malformed[] = {"", "0", "01", "-1", "+1", " 1", "1 ", "1x", "0x1", "12345678901234567890"};
    struct answer answer;
    store("three", "one\ntwo\nthree\n", 14, O_TRUNC);
    for (size_t i = 0; i < sizeof(malformed) / sizeof(malformed[0]); i++) {
        answer = open_at("three", LOGHOST_START_CURSOR, malformed[i], 0, 1);
        CHECK(answer.error.code == LOGHOST_ERROR_MALFORMED_CURSOR && answer.error.detail_size == 0);
    }
    answer = open_at("three", LOGHOST_START_CURSOR, "15", 0, 1);
    CHECK(answer.error.code == LOGHOST_ERROR_CURSOR_GONE);
    CHECK(equal((loghost_bytes){answer.error.detail, answer.error.detail_size}, text("4")));
    answer = open_at("huge", LOGHOST_START_CURSOR, "9999999999999999999", 1, 1);
    CHECK(answer.error.code == LOGHOST_ERROR_CURSOR_GONE);
    CHECK(equal((loghost_bytes){answer.error.detail, answer.error.detail_size}, text("307201")));
    answer = open_at("empty", LOGHOST_START_CURSOR, "1", 0, 1);
    CHECK(answer.error.code == LOGHOST_ERROR_CURSOR_GONE && answer.error.detail_size == 0);
    CHECK(open_at("three", LOGHOST_START_TIME, NULL, 0, 1).error.code == LOGHOST_ERROR_UNSUPPORTED);
    CHECK(open_at("three", LOGHOST_START_TIME + 1, NULL, 0, 1).error.code == LOGHOST_ERROR_UNSUPPORTED);
}

static void check_line(loghost_reader *reader, const char *line, const char *cursor, uint32_t flags) {
    loghost_read_result result;
    CHECK(next(reader, wide, &result) == LOGHOST_READ_BATCH && result.entry_count == 1);
    CHECK(equal(result.entries[0].fields[1].value, text(line)) && equal(result.entries[0].cursor, text(cursor)));
    CHECK(result.entries[0].flags == flags);
}

static void check_caught_up(loghost_reader *reader) {
    loghost_read_result result;
    CHECK(next(reader, wide, &result) == LOGHOST_READ_CAUGHT_UP && result.entry_count == 0);
    CHECK((result.recheck_after_microseconds == 0) == fake.offers_fd); /* only on wake, or by itself */
}

static void check_wakes(uint64_t wake_id) {
    if (fake.offers_fd) CHECK(wakes(wake_id) > 0);
}

/* The next batch is pieces without an end, of `size` bytes together. */
static void check_pieces(loghost_reader *reader, loghost_read_limits limits, size_t size) {
    loghost_read_result result;
    size_t got_size = 0;
    while (got_size < size) {
        CHECK(next(reader, limits, &result) == LOGHOST_READ_BATCH);
        for (size_t i = 0; i < result.entry_count; i++) {
            const loghost_entry *entry = &result.entries[i];
            CHECK(entry->flags == (LOGHOST_ENTRY_CONTINUES | (got_size ? LOGHOST_ENTRY_CONTINUED : 0u)));
            CHECK(entry->cursor.size == 0 && entry->field_count == (got_size ? 1u : 2u));
            got_size += entry->fields[entry->field_count - 1].value.size;
        }
    }
    CHECK(got_size == size);
}

/* The last piece of a line that began in an earlier batch. */
static void check_last_piece(loghost_reader *reader, size_t size, const char *cursor, uint32_t flags) {
    loghost_read_result result;
    CHECK(next(reader, wide, &result) == LOGHOST_READ_BATCH && result.entry_count == 1);
    CHECK(result.entries[0].flags == (LOGHOST_ENTRY_CONTINUED | flags) && result.entries[0].field_count == 1);
    CHECK(result.entries[0].fields[0].value.size == size && equal(result.entries[0].cursor, text(cursor)));
    CHECK(equal(result.entries[0].fields[0].name, text("MESSAGE")));
}

static void check_follow(void) {
    loghost_read_result result;
    loghost_read_limits thousand = wide;
    static char piece[200000];
    store("live", "one\ntw", 6, O_TRUNC);
    if (fake.offers_fd) wakes(0);
    loghost_reader *head = open_at("live", LOGHOST_START_HEAD, NULL, 1, 41).reader;
    check_line(head, "one", "4", 0);
    check_caught_up(head); /* the unfinished line waits */
    loghost_reader *tail = open_at("live", LOGHOST_START_TAIL, NULL, 1, 41).reader;
    check_caught_up(tail);
    add_text("live", "o");
    check_wakes(41);
    check_caught_up(head);
    add_text("live", "\n");
    check_wakes(41);
    check_line(head, "two", "8", 0);
    check_line(tail, "two", "8", 0);
    check_caught_up(tail);
    source->close(tail);
    add_text("many", "another file's news\n"); /* wakes nobody: `wakes` checks it */
    if (fake.offers_fd) CHECK(wakes(41) == 0);

    CHECK(truncate(path_of("live"), 0) == 0);
    check_wakes(41);
    CHECK(next(head, wide, &result) == LOGHOST_READ_GAP && result.gap.cause == LOGHOST_GAP_TRUNCATION);
    CHECK(equal(result.gap.from, text("8")) && result.gap.to.size == 0 && result.gap.count == LOGHOST_COUNT_UNKNOWN);
    check_caught_up(head);
    add_text("live", "new\n");
    check_line(head, "new", "4", 0);

    memset(piece, 'p', sizeof(piece)); /* the beginning of a long line comes before its end is there */
    store("live", piece, sizeof(piece), O_APPEND);
    thousand.max_entries = 3;
    thousand.max_value_bytes = 1000;
    check_pieces(head, thousand, 199000); /* the last thousand may be the last piece: it waits */
    check_caught_up(head);
    add_text("live", "\n");
    check_last_piece(head, 1000, "200005", 0);
    /* A truncation within what waits is none; one within what is given ends the value. */
    store("live", piece, 2500, O_APPEND);
    check_pieces(head, thousand, 2000);
    check_caught_up(head);
    CHECK(truncate(path_of("live"), 202100) == 0);
    check_caught_up(head);
    CHECK(truncate(path_of("live"), 202004) == 0);
    CHECK(next(head, thousand, &result) == LOGHOST_READ_GAP && equal(result.gap.from, text("200005")));
    check_line(head, "new", "4", 0);
    check_pieces(head, thousand, 3000);
    CHECK(truncate(path_of("live"), 3004) == 0);
    check_caught_up(head);
    add_text("live", "\n"); /* all that is left of the last piece is its end */
    check_last_piece(head, 0, "3005", 0);
    CHECK(truncate(path_of("live"), 0) == 0);
    CHECK(next(head, wide, &result) == LOGHOST_READ_GAP);

    add_text("live", "last"); /* another file takes the name: this one ends */
    check_caught_up(head);
    if (fake.offers_fd) wakes(41);
    CHECK(rename(path_of("live"), path_of("live.1")) == 0);
    check_wakes(41);
    add_text("live", "of another file\n");
    check_line(head, "last", "4", LOGHOST_ENTRY_NO_NEWLINE);
    CHECK(next(head, wide, &result) == LOGHOST_READ_END && next(head, wide, &result) == LOGHOST_READ_END);
    source->close(head);
    if (fake.offers_fd) CHECK(wakes(41) == 0); /* closed: woken no more */
}

/* A follow begins before an unfinished line of any length; a range gives it, and its remainder as another entry. */
static void check_unfinished(void) {
    loghost_read_result result;
    loghost_reader *tail = open_at("huge, no newline", LOGHOST_START_TAIL, NULL, 1, 43).reader;
    loghost_reader *range = open_at("no newline", LOGHOST_START_CURSOR, "2", 0, 44).reader;
    check_pieces(tail, wide, 307200 - 307200 % 65535);
    check_caught_up(tail);
    add_text("huge, no newline", "\n");
    check_last_piece(tail, 307200 % 65535, "307208", 0);
    source->close(tail);
    check_line(range, "bc", "4", LOGHOST_ENTRY_NO_NEWLINE);
    CHECK(next(range, wide, &result) == LOGHOST_READ_CAUGHT_UP);
    add_text("no newline", "d\n");
    check_line(range, "d", "6", 0);
    source->close(range);

    loghost_read_limits two = wide; /* a value that was begun ends, also when nothing is left of it */
    two.max_entries = two.max_value_bytes = 2;
    store("cut", "abcdef", 6, O_TRUNC);
    range = open_at("cut", LOGHOST_START_HEAD, NULL, 0, 45).reader;
    check_pieces(range, two, 4);
    CHECK(truncate(path_of("cut"), 4) == 0);
    check_last_piece(range, 0, "4", LOGHOST_ENTRY_NO_NEWLINE);
    CHECK(next(range, wide, &result) == LOGHOST_READ_CAUGHT_UP);
    source->close(range);
}

static void check_many_readers(void) {
    loghost_reader *readers[1100];
    loghost_read_result result;
    struct rlimit files;
    CHECK(getrlimit(RLIMIT_NOFILE, &files) == 0);
    files.rlim_cur = files.rlim_max < 2048 ? files.rlim_max : 2048;
    CHECK(setrlimit(RLIMIT_NOFILE, &files) == 0);
    for (size_t i = 0; i < 1100; i++) {
        readers[i] = open_at("three", LOGHOST_START_TAIL, NULL, 1, 100 + i).reader;
        CHECK(readers[i]);
    }
    for (size_t i = 0; i < 1100; i++) {
        CHECK(next(readers[i], wide, &result) == LOGHOST_READ_CAUGHT_UP);
        CHECK((result.recheck_after_microseconds == 0) == fake.offers_fd);
    }
    for (size_t i = 0; i < 1100; i++) source->close(readers[i * 7 % 1100]);
}

static void check_config(const loghost_plugin *plugin) {
    static const struct {
        const char *config, *word;
    } cases[] = {{"{}", "directory"},
                 {"{\"directory\":1}", "directory"},
                 {"{\"directory\":null}", "directory"},
                 {"{\"directory\":\"\"}", "directory"},
                 {"{\"directory\":\"relative\"}", "directory"},
                 {"{\"directory\":[\"/a\"]}", "directory"},
                 {"{\"directory\":\"/a\\u0001\"}", "directory"},
                 {"{\"directory\":\"/a\\nb\"}", "directory"},
                 {"{\"directory\":\"/a\",\"path\":1}", "path"},
                 {"{\"path\":\"/a\"}", "path"},
                 {"{\"path\":{},\"directory\":\"/a\"}", "path"}};
    static const char good[] = "{\"directory\":\"/no\\\"where\\\\\"}";
    loghost_error error = {.size = sizeof(error)};
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        error = (loghost_error){.size = sizeof(error)};
        CHECK(!plugin->create(&host, text(cases[i].config), &error));
        CHECK(error.code == LOGHOST_ERROR_INVALID && contains(&error, cases[i].word));
    }
    for (size_t size = 0; size < sizeof(good) - 2; size++) { /* every front of it, in memory of its size */
        uint8_t *front = malloc(size ? size : 1);
        CHECK(front);
        memcpy(front, good, size);
        loghost_instance *made = plugin->create(&host, (loghost_bytes){front, size}, &error);
        CHECK(!made);
        free(front);
    }
    for (int size = 1; size < 5000; size += size < 100 || size > 4000 ? 1 : 50) { /* around both capacities */
        static char key[5100], value[5100];
        snprintf(key, sizeof(key), "{\"%0*d\":\"/a\"}", size, 0);
        snprintf(value, sizeof(value), "{\"directory\":\"/%0*d\"}", size, 0);
        CHECK(!plugin->create(&host, text(key), &error) && contains(&error, size < 64 ? "0: " : "directory"));
        loghost_instance *made = plugin->create(&host, text(value), &error);
        CHECK(!made == (size > 4094));
        if (made) plugin->destroy(made);
    }
    loghost_instance *nowhere = plugin->create(&host, text(good), &error);
    CHECK(nowhere);
    error.code = LOGHOST_OK;
    CHECK(plugin->start(nowhere, &error) == LOGHOST_ERROR_INVALID && error.code == LOGHOST_ERROR_INVALID);
    CHECK(contains(&error, "directory") && !contains(&error, "where"));
    plugin->destroy(nowhere);
}

static int open_descriptors(void) {
    int count = 0;
    for (int fd = 0; fd < 4096; fd++) count += fcntl(fd, F_GETFD) >= 0;
    return count;
}

static void check_life(const loghost_plugin *plugin) {
    loghost_error error = {.size = sizeof(error)};
    char config[4200];
    size_t count = 0, again = 0;
    int descriptors = open_descriptors();
    snprintf(config, sizeof(config), "{\"directory\":\"%s\"}", directory);
    instance = plugin->create(&host, text(config), &error);
    CHECK(instance && !plugin->get_extension(instance, LOGHOST_ENCODER));
    CHECK((source = plugin->get_extension(instance, LOGHOST_SOURCE)) && source->size == sizeof(*source));
    const loghost_route *routes = source->routes(instance, &count);
    CHECK(count == 2 && equal(routes[0].path, text("/v2/files/{file}")) && routes[0].flags == LOGHOST_ROUTE_IDS);
    CHECK(routes[0].dialect == LOGHOST_DIALECT_LINES && equal(routes[1].path, text("/v2/files")));
    fake.logged = 0;
    CHECK(plugin->start(instance, &error) == LOGHOST_OK && fake.logged == !fake.offers_fd);
    CHECK(fake.watches == fake.offers_fd && source->routes(instance, &again) == routes && again == count);
    check_files();
    check_resolve();
    check_list();
    check_positions();
    check_follow();
    check_unfinished();
    check_many_readers();
    plugin->stop(instance);
    CHECK(fake.watches == 0);
    plugin->destroy(instance);
    CHECK(open_descriptors() == descriptors);
}

int main(int argc, char **argv) {
    CHECK(argc == 3);
    directory = argv[2];
    void *library = dlopen(argv[1], RTLD_NOW | RTLD_LOCAL);
    if (!library) fprintf(stderr, "%s\n", dlerror());
    CHECK(library);
    loghost_entry_function entry;
    *(void **)&entry = dlsym(library, LOGHOST_ENTRY_SYMBOL);
    CHECK(entry && entry() == entry());
    const loghost_plugin *plugin = entry();
    CHECK(plugin->size == sizeof(*plugin) && plugin->abi_minor == LOGHOST_ABI_MINOR);
    host.name = text("example");
    add_text(".hidden", "h\n");
    add_text("many", "m\n");
    add_text("quo\"te", "q\n");
    CHECK(mkdir(path_of("folder"), 0700) == 0 && mkfifo(path_of("pipe"), 0600) == 0);
    CHECK(symlink("many", path_of("link")) == 0);
    check_config(plugin);
    check_life(plugin);
    fake.offers_fd = true;
    check_life(plugin);
    return 0; /* a library is never unloaded */
}
