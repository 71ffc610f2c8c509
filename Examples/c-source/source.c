/* A log source in C99: serves the lines of the files in one directory. README.md builds and configures it. */
#define _POSIX_C_SOURCE 200809L

#include <loghost/loghost.h>

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/inotify.h>
#include <sys/stat.h>
#include <unistd.h>

enum {
    FILE_ROUTE = 1,
    LIST_ROUTE = 2,
    NAME_CAPACITY = 256,       /* NAME_MAX and its NUL */
    PATH_CAPACITY = 4096,      /* PATH_MAX */
    CURSOR_CAPACITY = 20,      /* 19 digits and a NUL */
    BATCH_CAPACITY = 256,      /* entries of one read */
    BUFFER_CAPACITY = 1 << 16, /* bytes of one read */
    RECHECK_MICROSECONDS = 500000
};

static const loghost_bytes file_name = LOGHOST_TEXT("FILE"), message_name = LOGHOST_TEXT("MESSAGE");

/* One configured directory. */
struct loghost_instance {
    const loghost_host *host;
    char directory[PATH_CAPACITY];
    int directory_fd; /* this and all below: from start to stop */
    int notify_fd;
    const loghost_host_fd *fds;
    uint64_t watch;          /* 0: nobody is woken, every reader looks again by itself */
    pthread_mutex_t lock;    /* guards the list */
    loghost_reader *readers; /* that follow */
};

/* One reader of one file. All that a batch points to lies in the reader itself. */
struct loghost_reader {
    loghost_instance *instance;
    loghost_reader *next; /* in the instance's list */
    uint64_t wake_id;
    int fd;
    bool follow;
    uint64_t position;   /* the bytes before it are given, */
    uint64_t line_start; /* and those behind this one as pieces of a line */
    char name[NAME_CAPACITY];
    char from[CURSOR_CAPACITY]; /* of a gap */
    loghost_entry entries[BATCH_CAPACITY];
    loghost_field fields[BATCH_CAPACITY][2];
    char cursors[BATCH_CAPACITY][CURSOR_CAPACITY];
    uint8_t buffer[BUFFER_CAPACITY];
};

/* A list of files that is being sent. */
struct loghost_byte_stream {
    char *text;
    size_t size, position;
};

static loghost_bytes bytes_of(const char *text_z) {
    return (loghost_bytes){(const uint8_t *)text_z, strlen(text_z)};
}

/* Fills an error, whose `size` is set and whose rest is zero; answers its code. */
static int32_t fail(loghost_error *error, int32_t code, const char *format_z, ...) {
    va_list arguments;
    va_start(arguments, format_z);
    int size = vsnprintf((char *)error->message, sizeof(error->message), format_z, arguments);
    va_end(arguments);
    error->code = code;
    error->retryable = code == LOGHOST_ERROR_UNAVAILABLE;
    error->message_size = size < LOGHOST_ERROR_MESSAGE_CAPACITY ? (uint32_t)size : LOGHOST_ERROR_MESSAGE_CAPACITY - 1;
    return code;
}

/* MARK: Configuration: {"directory": "/absolute/path"}. The host's JSON is well-formed and without white space. */

/* Takes one byte from the front of `json`, if it is there. */
static bool take(loghost_bytes *json, char byte) {
    if (json->size == 0 || *json->data != (uint8_t)byte) return false;
    json->data++;
    json->size--;
    return true;
}

/* Takes a string, if there is one that fits. It may hold \" and \\, but no control character. */
static bool take_string(loghost_bytes *json, char *out, size_t capacity) {
    if (!take(json, '"')) return false;
    for (size_t size = 0; size < capacity && json->size > 0; size++) {
        out[size] = 0;
        if (take(json, '"')) return true;
        if (take(json, '\\') && (json->size == 0 || (*json->data != '"' && *json->data != '\\'))) return false;
        out[size] = (char)*json->data;
        take(json, out[size]);
    }
    return false;
}

static int32_t configure(loghost_instance *instance, loghost_bytes config, loghost_error *error) {
    char key[64];
    take(&config, '{');
    while (take_string(&config, key, sizeof(key))) {
        if (strcmp(key, "directory") != 0)
            return fail(error, LOGHOST_ERROR_INVALID, "%s: there is no such key; the only one is directory.", key);
        take(&config, ':');
        if (!take_string(&config, instance->directory, PATH_CAPACITY) || instance->directory[0] != '/')
            return fail(error, LOGHOST_ERROR_INVALID, "directory: must be an absolute path in a string.");
        take(&config, ',');
    }
    if (instance->directory[0] == 0)
        return fail(error, LOGHOST_ERROR_INVALID, "directory: is required, and no other key.");
    return LOGHOST_OK;
}

/* MARK: Life */

static loghost_instance *create(const loghost_host *host, loghost_bytes config, loghost_error *error) {
    loghost_instance *instance = calloc(1, sizeof(*instance));
    if (!instance) {
        fail(error, LOGHOST_ERROR_UNAVAILABLE, "Out of memory.");
        return NULL;
    }
    instance->host = host;
    if (configure(instance, config, error) != LOGHOST_OK) {
        free(instance);
        return NULL;
    }
    pthread_mutex_init(&instance->lock, NULL);
    return instance;
}

/* Wakes the readers of the files that have changed. */
static void notified(void *context, int32_t fd, uint32_t events) {
    loghost_instance *instance = context;
    union {
        struct inotify_event event; /* for its alignment */
        char bytes[4096];
    } buffer;
    ssize_t size = read(fd, buffer.bytes, sizeof(buffer.bytes));
    (void)events;
    pthread_mutex_lock(&instance->lock);
    for (ssize_t at = 0; at < size;) {
        const struct inotify_event *event = (const void *)(buffer.bytes + at);
        for (loghost_reader *reader = instance->readers; reader; reader = reader->next)
            if ((event->mask & IN_Q_OVERFLOW) || (event->len && strcmp(event->name, reader->name) == 0))
                instance->host->wake(instance->host, reader->wake_id);
        at += (ssize_t)(sizeof(*event) + event->len);
    }
    pthread_mutex_unlock(&instance->lock);
}

static int32_t start(loghost_instance *instance, loghost_error *error) {
    const loghost_host *host = instance->host;
    const loghost_host_log *log = host->get_extension(host, LOGHOST_HOST_LOG);
    const uint32_t mask = IN_MODIFY | IN_CREATE | IN_DELETE | IN_MOVED_FROM | IN_MOVED_TO;
    loghost_error ignored = {.size = sizeof(ignored)};
    instance->directory_fd = open(instance->directory, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (instance->directory_fd < 0)
        return fail(error, LOGHOST_ERROR_INVALID, "directory: cannot be opened (%s).", strerror(errno));
    instance->notify_fd = inotify_init1(IN_NONBLOCK | IN_CLOEXEC);
    instance->fds = host->get_extension(host, LOGHOST_HOST_FD);
    if (instance->fds && inotify_add_watch(instance->notify_fd, instance->directory, mask) >= 0)
        instance->watch = instance->fds->watch(host, instance->notify_fd, LOGHOST_FD_READABLE, notified, instance,
                                               &ignored);
    if (log && !instance->watch)
        log->log(host, LOGHOST_LOG_NOTICE, LOGHOST_TEXT_VALUE("Changes cannot be watched; files are polled"), NULL, 0);
    return LOGHOST_OK;
}

static void stop(loghost_instance *instance) {
    if (instance->watch) instance->fds->unwatch(instance->host, instance->watch);
    if (instance->notify_fd >= 0) close(instance->notify_fd);
    close(instance->directory_fd);
}

static void destroy(loghost_instance *instance) {
    pthread_mutex_destroy(&instance->lock);
    free(instance);
}

/* MARK: The list of files, as a byte stream */

static int32_t stream_read(loghost_byte_stream *stream, size_t limit, loghost_bytes *bytes, loghost_error *error) {
    size_t left = stream->size - stream->position, size = left < limit ? left : limit;
    (void)error;
    *bytes = (loghost_bytes){(const uint8_t *)stream->text + stream->position, size};
    stream->position += size;
    return size == left ? LOGHOST_STREAM_END : LOGHOST_STREAM_DATA;
}

static void stream_close(loghost_byte_stream *stream) {
    free(stream->text);
    free(stream);
}

/* Writes the names of the directory's regular files, as far as JSON need not escape them. */
static void write_names(DIR *directory, FILE *out) {
    static const char plain[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789 .,_-+=:@~#%()";
    const char *comma = "";
    struct dirent *item;
    struct stat status;
    fputs("[", out);
    while ((item = readdir(directory))) {
        if (item->d_name[strspn(item->d_name, plain)] != 0) continue;
        if (fstatat(dirfd(directory), item->d_name, &status, AT_SYMLINK_NOFOLLOW) != 0) continue;
        if (!S_ISREG(status.st_mode)) continue;
        fprintf(out, "%s\"%s\"", comma, item->d_name);
        comma = ",";
    }
    fputs("]\n", out);
}

static loghost_byte_stream *list(const loghost_instance *instance, loghost_error *error) {
    loghost_byte_stream *stream = calloc(1, sizeof(*stream));
    DIR *directory = stream ? opendir(instance->directory) : NULL;
    FILE *out = directory ? open_memstream(&stream->text, &stream->size) : NULL;
    if (out) write_names(directory, out);
    bool written = out && fclose(out) == 0;
    if (directory) closedir(directory);
    if (written) return stream;
    if (stream) stream_close(stream);
    fail(error, LOGHOST_ERROR_UNAVAILABLE, "The directory cannot be listed.");
    return NULL;
}

/* MARK: Requests */

static const loghost_route *routes(loghost_instance *instance, size_t *count) {
    static const loghost_route all[] = {
        {.size = sizeof(all[0]), .id = FILE_ROUTE, .method = LOGHOST_TEXT("GET"),
         .path = LOGHOST_TEXT("/v2/files/{file}"), .dialect = LOGHOST_DIALECT_LINES,
         .follow = LOGHOST_FOLLOW_BY_ACCEPT, .accepts = LOGHOST_ACCEPTS_FOLLOW | LOGHOST_ACCEPTS_LAST_EVENT_ID,
         .flags = LOGHOST_ROUTE_IDS, .summary = LOGHOST_TEXT("The lines of one file; long ones come in pieces.")},
        {.size = sizeof(all[0]), .id = LIST_ROUTE, .method = LOGHOST_TEXT("GET"), .path = LOGHOST_TEXT("/v2/files"),
         .dialect = LOGHOST_DIALECT_NONE, .follow = LOGHOST_FOLLOW_NEVER,
         .summary = LOGHOST_TEXT("The names of the directory's files, a JSON array.")},
    };
    (void)instance;
    *count = sizeof(all) / sizeof(all[0]);
    return all;
}

/* Opens a regular file that lies in the directory itself; -1 with `error` filled when there is none. The host has
 * refused names that are empty or hold a control character. */
static int open_file(const loghost_instance *instance, loghost_bytes name, char copy[NAME_CAPACITY],
                     loghost_error *error) {
    struct stat status;
    int fd = -1;
    errno = ENOENT;
    if (name.size < NAME_CAPACITY && !memchr(name.data, '/', name.size)) {
        memcpy(copy, name.data, name.size);
        copy[name.size] = 0;
        fd = openat(instance->directory_fd, copy, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
    }
    if (fd >= 0 && fstat(fd, &status) == 0 && S_ISREG(status.st_mode)) return fd;
    int problem = fd < 0 ? errno : ENOENT;
    if (fd >= 0) close(fd);
    if (problem == EACCES)
        fail(error, LOGHOST_ERROR_FORBIDDEN, "file: the host is not allowed to read it.");
    else if (problem == EMFILE || problem == ENFILE || problem == ENOMEM)
        fail(error, LOGHOST_ERROR_UNAVAILABLE, "Too many files are open.");
    else
        fail(error, LOGHOST_ERROR_NOT_FOUND, "file: there is no such file.");
    return -1;
}

static void resolve(loghost_instance *instance, uint64_t operation, const loghost_request *request, uint64_t wake_id,
                    loghost_resolve_done done, void *context) {
    static const loghost_byte_stream_functions functions = {sizeof(functions), 0, stream_read, stream_close};
    static const loghost_header type = {LOGHOST_TEXT("Content-Type"), LOGHOST_TEXT("application/json")};
    loghost_resolution resolution = {.size = sizeof(resolution)};
    loghost_error error = {.size = sizeof(error)};
    (void)wake_id;
    if (request->route_id == LIST_ROUTE) {
        resolution.kind = LOGHOST_RESOLVED_BYTES;
        resolution.status = 200;
        resolution.headers = &type;
        resolution.header_count = 1;
        resolution.stream_functions = &functions;
        resolution.stream = list(instance, &error);
    } else {
        char name[NAME_CAPACITY];
        resolution.kind = LOGHOST_RESOLVED_LOG;
        resolution.topic = request->variables[0].value; /* the template has this one */
        int fd = open_file(instance, resolution.topic, name, &error); /* 404 rather here than in `open` */
        if (fd >= 0) close(fd);
    }
    bool taken = done(context, operation, error.code ? NULL : &resolution, error.code ? &error : NULL);
    if (!taken && resolution.stream) stream_close(resolution.stream);
}

/* Reads a cursor: the decimal offset behind a line's newline, without leading zeros. 0 = it is none. */
static uint64_t offset_of(loghost_bytes cursor) {
    uint64_t offset = 0;
    if (cursor.size == 0 || cursor.size >= CURSOR_CAPACITY || cursor.data[0] == '0') return 0;
    for (size_t i = 0; i < cursor.size; i++) {
        if (cursor.data[i] < '0' || cursor.data[i] > '9') return 0;
        offset = offset * 10 + (uint64_t)(cursor.data[i] - '0');
    }
    return offset;
}

static loghost_bytes write_cursor(char *out, uint64_t offset) {
    snprintf(out, CURSOR_CAPACITY, "%llu", (unsigned long long)offset);
    return bytes_of(out);
}

/* Gives the end of the file's first line. */
static uint64_t first_line_end(loghost_reader *reader) {
    uint64_t end = 0;
    ssize_t count;
    while ((count = pread(reader->fd, reader->buffer, BUFFER_CAPACITY, (off_t)end)) > 0) {
        const uint8_t *newline = memchr(reader->buffer, '\n', (size_t)count);
        if (newline) return end + (uint64_t)(newline - reader->buffer) + 1;
        end += (uint64_t)count;
    }
    return end;
}

/* Gives the end of the file's last whole line. */
static uint64_t last_line_end(loghost_reader *reader, uint64_t end) {
    while (end > 0) {
        uint64_t chunk = end < BUFFER_CAPACITY ? end : BUFFER_CAPACITY;
        end -= chunk;
        for (ssize_t i = pread(reader->fd, reader->buffer, (size_t)chunk, (off_t)end); i > 0; i--)
            if (reader->buffer[i - 1] == '\n') return end + (uint64_t)i;
    }
    return 0;
}

/* Positions a new reader; answers LOGHOST_OK or the code of `error`. */
static int32_t place(loghost_reader *reader, const loghost_query *query, loghost_error *error) {
    struct stat status;
    uint64_t position = 0;
    if (query->direction != LOGHOST_FORWARD || query->start == LOGHOST_START_TIME)
        return fail(error, LOGHOST_ERROR_UNSUPPORTED, "Files are read forward only, and their lines have no time.");
    if (fstat(reader->fd, &status) != 0) return fail(error, LOGHOST_ERROR_INTERNAL, "The file cannot be read.");
    uint64_t size = (uint64_t)status.st_size;
    if (query->start == LOGHOST_START_CURSOR) {
        position = offset_of(query->cursor);
        if (position == 0)
            return fail(error, LOGHOST_ERROR_MALFORMED_CURSOR, "cursor: must be one that this file's lines came with.");
        if (position > size) {
            uint64_t oldest = first_line_end(reader);
            if (oldest > 0) error->detail_size = (uint32_t)write_cursor((char *)error->detail, oldest).size;
            return fail(error, LOGHOST_ERROR_CURSOR_GONE, "cursor: the file is shorter than that now.");
        }
    } else if (query->start == LOGHOST_START_TAIL) {
        position = query->follow ? last_line_end(reader, size) : size; /* a follow waits for whole lines */
    }
    reader->line_start = reader->position = position;
    return LOGHOST_OK;
}

static void close_reader(loghost_reader *reader) {
    pthread_mutex_lock(&reader->instance->lock);
    loghost_reader **link = &reader->instance->readers;
    while (*link && *link != reader) link = &(*link)->next;
    if (*link) *link = reader->next;
    pthread_mutex_unlock(&reader->instance->lock);
    close(reader->fd);
    free(reader);
}

/* Makes a reader that is in no list yet; NULL with `error` filled on failure. */
static loghost_reader *make_reader(loghost_instance *instance, loghost_bytes topic, const loghost_query *query,
                                   uint64_t wake_id, loghost_error *error) {
    loghost_reader *reader = malloc(sizeof(*reader)); /* not calloc: its arrays are large */
    if (!reader) {
        fail(error, LOGHOST_ERROR_UNAVAILABLE, "Out of memory.");
        return NULL;
    }
    reader->instance = instance;
    reader->wake_id = wake_id;
    reader->follow = query->follow;
    reader->fd = open_file(instance, topic, reader->name, error);
    if (reader->fd >= 0 && place(reader, query, error) == LOGHOST_OK) return reader;
    if (reader->fd >= 0) close(reader->fd);
    free(reader);
    return NULL;
}

static void open_reader(loghost_instance *instance, uint64_t operation, loghost_bytes topic, const loghost_query *query,
                        const loghost_request *request, uint64_t wake_id, loghost_open_done done, void *context) {
    loghost_error error = {.size = sizeof(error)};
    loghost_opened opened = {.size = sizeof(opened)}; /* nothing in `applied`: the host does the rest */
    loghost_reader *reader = opened.reader = make_reader(instance, topic, query, wake_id, &error);
    (void)request;
    if (reader && reader->follow) {
        pthread_mutex_lock(&instance->lock);
        reader->next = instance->readers;
        instance->readers = reader;
        pthread_mutex_unlock(&instance->lock);
    }
    bool taken = done(context, operation, reader ? &opened : NULL, reader ? NULL : &error);
    if (!taken && reader) close_reader(reader);
}

/* MARK: Reading */

static int32_t fail_read(loghost_error *error) {
    fail(error, LOGHOST_ERROR_INTERNAL, "The file cannot be read.");
    return LOGHOST_READ_ERROR;
}

/* The file is shorter than what was given of it: reading goes on at its start. */
static int32_t gap(loghost_reader *reader, loghost_read_result *result) {
    result->gap.cause = LOGHOST_GAP_TRUNCATION;
    result->gap.count = LOGHOST_COUNT_UNKNOWN;
    if (reader->line_start > 0) result->gap.from = write_cursor(reader->from, reader->line_start);
    reader->line_start = reader->position = 0;
    return LOGHOST_READ_GAP;
}

/* Adds an entry of FILE and MESSAGE; one that continues a line is MESSAGE alone, one that goes on has no cursor. */
static void add(loghost_reader *reader, loghost_bytes value, uint32_t flags, loghost_read_result *result) {
    size_t i = result->entry_count++;
    loghost_field *fields = reader->fields[i];
    fields[0] = (loghost_field){file_name, bytes_of(reader->name)};
    fields[1] = (loghost_field){message_name, value};
    reader->entries[i] = (loghost_entry){.fields = fields, .field_count = 2, .flags = flags};
    if (flags & LOGHOST_ENTRY_CONTINUED) {
        reader->entries[i].fields = fields + 1;
        reader->entries[i].field_count = 1;
    }
    if (!(flags & LOGHOST_ENTRY_CONTINUES)) {
        reader->line_start = reader->position;
        reader->entries[i].cursor = write_cursor(reader->cursors[i], reader->position);
    }
}

/* Adds what lies in the buffer, up to a line that is not whole yet. With `ends` no more of that one is to come. */
static void add_lines(loghost_reader *reader, size_t filled, bool ends, const loghost_read_limits *limits,
                      loghost_read_result *result) {
    const uint8_t *at = reader->buffer, *end = at + filled;
    const size_t names = file_name.size + strlen(reader->name) + message_name.size;
    size_t max_value = BUFFER_CAPACITY - 1; /* so that a full buffer always gives an entry */
    uint64_t bytes = 0;
    if (limits->max_value_bytes < max_value) max_value = (size_t)limits->max_value_bytes;
    while (result->entry_count < BATCH_CAPACITY && result->entry_count < limits->max_entries) {
        size_t left = (size_t)(end - at), size = left < max_value ? left : max_value;
        const uint8_t *newline = memchr(at, '\n', left > size ? size + 1 : size);
        uint32_t flags = reader->position > reader->line_start ? LOGHOST_ENTRY_CONTINUED : 0u;
        if (newline) {
            size = (size_t)(newline - at);
        } else if (left > size) {
            flags |= LOGHOST_ENTRY_CONTINUES;
        } else {
            if (!ends || (left == 0 && flags == 0)) return;
            flags |= LOGHOST_ENTRY_NO_NEWLINE;
        }
        bytes += names + size;
        if (result->entry_count > 0 && bytes > limits->max_bytes) return;
        reader->position += size + (newline ? 1 : 0);
        add(reader, (loghost_bytes){at, size}, flags, result);
        at += size + (newline ? 1 : 0);
    }
}

static int32_t read_entries(loghost_reader *reader, const loghost_read_limits *limits, loghost_read_result *result,
                            loghost_error *error) {
    struct stat file, named;
    if (fstat(reader->fd, &file) != 0) return fail_read(error);
    if ((uint64_t)file.st_size < reader->position) return gap(reader, result);
    /* Once the name is another file's, this one is read to its end like a range. */
    bool replaced = fstatat(reader->instance->directory_fd, reader->name, &named, AT_SYMLINK_NOFOLLOW) != 0 ||
                    named.st_ino != file.st_ino || named.st_dev != file.st_dev;
    ssize_t count = pread(reader->fd, reader->buffer, BUFFER_CAPACITY, (off_t)reader->position);
    if (count < 0) return fail_read(error);
    bool ends = count < BUFFER_CAPACITY && (!reader->follow || replaced);
    add_lines(reader, (size_t)count, ends, limits, result);
    result->entries = reader->entries;
    if (result->entry_count > 0) return LOGHOST_READ_BATCH;
    if (!reader->instance->watch) result->recheck_after_microseconds = RECHECK_MICROSECONDS;
    return replaced ? LOGHOST_READ_END : LOGHOST_READ_CAUGHT_UP;
}

/* MARK: The library's tables */

static const void *get_extension(loghost_instance *instance, const char *id_z) {
    static const loghost_source source = {
        .size = sizeof(source), .routes = routes, .resolve = resolve, .open = open_reader, .cancel = NULL,
        .read = read_entries, .close = close_reader};
    (void)instance;
    return strcmp(id_z, LOGHOST_SOURCE) == 0 ? &source : NULL;
}

const loghost_plugin *loghost_plugin_v1(void) {
    static const loghost_plugin plugin = {
        .size = sizeof(plugin), .abi_minor = LOGHOST_ABI_MINOR, .name = LOGHOST_TEXT("files"),
        .version = LOGHOST_TEXT("1.0.0"), .summary = LOGHOST_TEXT("Serves the lines of the files in one directory."),
        .create = create, .get_extension = get_extension, .start = start, .stop = stop, .destroy = destroy};
    return &plugin;
}
