/* A source for the tests of forwarded requests: `/forward?LOCATION` is forwarded to LOCATION, as the query has it.
 * `config` is {"ca_file":"/path"} and nothing else; the path may be empty. */
#include "plugin.h"
#include <stdlib.h>
#include <string.h>

struct loghost_instance {
    char ca_file[1024];
};

static const loghost_route routes_[] = {
    { sizeof(loghost_route), 1, LOGHOST_TEXT("GET"), LOGHOST_TEXT("/forward"), LOGHOST_DIALECT_NONE, LOGHOST_FOLLOW_NEVER,
      0, 0, { NULL, 0 }, { NULL, 0 }, { NULL, 0 }, LOGHOST_TEXT("Forwards.") },
};

static const loghost_route *routes(loghost_instance *instance, size_t *count) {
    (void)instance;
    *count = 1;
    return routes_;
}

static void resolve(loghost_instance *instance, uint64_t operation, const loghost_request *request, uint64_t wake_id,
                    loghost_resolve_done done, void *context) {
    loghost_resolution resolution;
    memset(&resolution, 0, sizeof resolution);
    (void)wake_id;
    resolution.size = sizeof resolution;
    resolution.kind = LOGHOST_RESOLVED_PROXY;
    resolution.location = request->query;
    resolution.ca_file.data = (const uint8_t *)instance->ca_file;
    resolution.ca_file.size = strlen(instance->ca_file);
    done(context, operation, &resolution, NULL);
}

static void open_(loghost_instance *instance, uint64_t operation, loghost_bytes topic, const loghost_query *query,
                  const loghost_request *request, uint64_t wake_id, loghost_open_done done, void *context) {
    loghost_error error;
    memset(&error, 0, sizeof error);
    (void)instance, (void)topic, (void)query, (void)request, (void)wake_id;
    error.size = sizeof error;
    error.code = LOGHOST_ERROR_INTERNAL;
    done(context, operation, NULL, &error);
}

static int32_t read_(loghost_reader *reader, const loghost_read_limits *limits, loghost_read_result *result,
                     loghost_error *error) {
    (void)reader, (void)limits, (void)result;
    error->code = LOGHOST_ERROR_INTERNAL;
    return LOGHOST_READ_ERROR;
}

static void close_(loghost_reader *reader) { (void)reader; }

static const loghost_source source = { sizeof source, 0, routes, resolve, open_, NULL, read_, close_ };

static loghost_instance *create(const loghost_host *host, loghost_bytes config, loghost_error *error) {
    static const char prefix[] = "{\"ca_file\":\"";
    size_t begin = sizeof prefix - 1;
    (void)host;
    if (config.size < begin + 2 || memcmp(config.data, prefix, begin) != 0 || config.size - begin - 2 >= 1024) {
        error->code = LOGHOST_ERROR_INVALID;
        return NULL;
    }
    loghost_instance *instance = calloc(1, sizeof *instance);
    if (instance != NULL) memcpy(instance->ca_file, config.data + begin, config.size - begin - 2);
    return instance;
}

static const void *get_extension(loghost_instance *instance, const char *id_z) {
    (void)instance;
    return strcmp(id_z, LOGHOST_SOURCE) == 0 ? &source : NULL;
}

TEST_PLUGIN("forwarding-source")
