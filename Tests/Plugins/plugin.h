/* What plugins for tests have alike: included at the top, and TEST_PLUGIN at the end. */
#include <loghost/loghost.h>
#include <stdlib.h>

static int32_t start(loghost_instance *instance, loghost_error *error) {
    (void)instance, (void)error;
    return LOGHOST_OK;
}

static void stop(loghost_instance *instance) { (void)instance; }

static void destroy(loghost_instance *instance) { free(instance); }

/* Uses the plugin's own `create` and `get_extension`. */
#define TEST_PLUGIN(name)                                                                                              \
    static const loghost_plugin plugin = {                                                                             \
        sizeof plugin, LOGHOST_ABI_MINOR, LOGHOST_TEXT(name), LOGHOST_TEXT("1"), LOGHOST_TEXT("For tests."), 0, 0,     \
        create, get_extension, start, stop, destroy,                                                                   \
    };                                                                                                                 \
    const loghost_plugin *loghost_plugin_v1(void) { return &plugin; }
