/* The entry point and the life of an instance. */
#ifndef LOGHOST_PLUGIN_H
#define LOGHOST_PLUGIN_H

#include "error.h"
#include "host.h"

#ifdef __cplusplus
#define LOGHOST_EXTERN_C extern "C"
#else
#define LOGHOST_EXTERN_C
#endif

/* What makes `loghost_plugin_v1` visible; everything else in the library should be hidden. */
#define LOGHOST_EXPORT LOGHOST_EXTERN_C __attribute__((visibility("default")))

enum {
    LOGHOST_PLUGIN_USES_CREDENTIAL = 1u << 0 /* wants loghost_request.credential; must be granted, too */
};

/* What a library is. Static: it lives as long as the process, and libraries are never unloaded. */
typedef struct loghost_plugin {
    uint32_t size;
    uint32_t abi_minor;    /* LOGHOST_ABI_MINOR the plugin was built with */
    loghost_bytes name;    /* text, [a-z0-9-], at most 64 bytes */
    loghost_bytes version; /* text for people */
    loghost_bytes summary; /* one sentence of text */
    uint32_t flags;
    uint32_t reserved;
    /* [init] Makes an instance from its configuration, and checks that completely. Neither opens, starts nor
     * contacts anything: the host also calls this only to ask for routes.
     *
     * `config` is the JSON object that stands in the host's configuration (`{}` when none does), borrowed for
     * this call: UTF-8, compact, its keys in the file's order and unique; in strings only `"`, `\` and
     * control characters are escaped, never `/`.
     *
     * On failure returns NULL with `error` filled. The message names the key that is wrong; the host prints
     * the instance's name and the configuration's line beside it. `detail` is for the operator's log only,
     * and may hold a path. */
    loghost_instance *(*create)(const loghost_host *host, loghost_bytes config, loghost_error *error);
    /* [init] Gives an ability's functions ("loghost.source/1") or NULL; they live as long as the library. */
    const void *(*get_extension)(loghost_instance *instance, const char *id_z);
    /* [init] Begins work. Answers LOGHOST_OK or a code with `error` filled, `detail` as for `create`; then
     * `destroy` follows. */
    int32_t (*start)(loghost_instance *instance, loghost_error *error);
    /* [init] Ends work: when it returns, no thread or call back of the plugin runs. Only after a successful
     * `start`, after every reader, stream and encoder state is closed and every open operation has completed
     * or was cancelled. */
    void (*stop)(loghost_instance *instance);
    /* [init] Frees the instance; the last call with it. */
    void (*destroy)(loghost_instance *instance);
} loghost_plugin;

/* The one function a library exports; the plugin defines it. [init] Returns the same pointer each time. */
LOGHOST_EXPORT const loghost_plugin *loghost_plugin_v1(void);

#define LOGHOST_ENTRY_SYMBOL "loghost_plugin_v1"
typedef const loghost_plugin *(*loghost_entry_function)(void);

#endif
