/* An authorizer for the tests of the host's chain: does what a file says, which is read again for each request.
 *
 * The file: a word (allow, deny, unauthenticated, abstain, undecided, error, silent, late, twice), then
 * NAME=VALUE words: principal, credential, challenge, filter (FIELD:value), expires and recheck (microseconds),
 * only (a beginning: other paths are denied). `late` and `twice` allow from a thread of their own. Each call adds
 * a byte to FILE.calls, each cancellation one to FILE.cancelled. */
#define _POSIX_C_SOURCE 200809L

#include "plugin.h"
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

struct loghost_instance {
    char file[1024];
};

typedef struct answer {
    loghost_authorize_done done;
    void *context;
    uint64_t operation;
    loghost_decision decision;
    loghost_match match;
    loghost_clause clause;
    int times;
    char text[4096];
} answer;

static loghost_bytes text_of(const char *text) {
    loghost_bytes bytes = { (const uint8_t *)text, text == NULL ? 0 : strlen(text) };
    return bytes;
}

static void note(const loghost_instance *instance, const char *suffix) {
    char name[1100];
    snprintf(name, sizeof name, "%s.%s", instance->file, suffix);
    FILE *file = fopen(name, "a");
    if (file == NULL) return;
    fputc('.', file);
    fclose(file);
}

static void complete(answer *answer) {
    for (int time = 0; time < answer->times; time++) {
        answer->done(answer->context, answer->operation, &answer->decision, NULL);
    }
    free(answer);
}

static void *complete_later(void *argument) {
    struct timespec pause = { 0, 50000000 };
    nanosleep(&pause, NULL);
    complete(argument);
    return NULL;
}

static int begins(loghost_bytes text, const char *beginning) {
    size_t size = strlen(beginning);
    return text.size >= size && memcmp(text.data, beginning, size) == 0;
}

static int32_t verdict_of(const char *word) {
    if (strcmp(word, "deny") == 0) return LOGHOST_DENY;
    if (strcmp(word, "unauthenticated") == 0) return LOGHOST_UNAUTHENTICATED;
    if (strcmp(word, "abstain") == 0) return LOGHOST_ABSTAIN;
    if (strcmp(word, "undecided") == 0) return LOGHOST_CANNOT_DECIDE;
    if (strcmp(word, "unknown") == 0) return 77;
    return LOGHOST_ALLOW;
}

static void set(answer *answer, char *name, char *value) {
    loghost_decision *decision = &answer->decision;
    if (strcmp(name, "principal") == 0) decision->principal = text_of(value);
    if (strcmp(name, "credential") == 0) decision->credential = text_of(value);
    if (strcmp(name, "challenge") == 0) decision->challenge = text_of(value);
    if (strcmp(name, "expires") == 0) decision->expires_realtime_microseconds = strtoull(value, NULL, 10);
    if (strcmp(name, "recheck") == 0) decision->recheck_after_microseconds = strtoull(value, NULL, 10);
    char *colon = strchr(value, ':');
    if (strcmp(name, "filter") == 0 && colon != NULL) {
        *colon = '\0';
        answer->match.name = text_of(value);
        answer->match.value = text_of(colon + 1);
        answer->clause.matches = &answer->match;
        answer->clause.match_count = 1;
        decision->filter.clauses = &answer->clause;
        decision->filter.clause_count = 1;
    }
}

static void authorize(loghost_instance *instance, uint64_t operation, const loghost_authorization_request *request,
                      loghost_authorize_done done, void *context) {
    answer *answer = calloc(1, sizeof *answer);
    note(instance, "calls");
    answer->done = done;
    answer->context = context;
    answer->operation = operation;
    answer->times = 1;
    answer->decision.size = sizeof answer->decision;
    answer->decision.reason = text_of("script");
    FILE *file = fopen(instance->file, "r");
    size_t count = file == NULL ? 0 : fread(answer->text, 1, sizeof answer->text - 1, file);
    answer->text[count] = '\0';
    if (file != NULL) fclose(file);
    char *rest = NULL;
    char *word = strtok_r(answer->text, " \n", &rest);
    if (word == NULL || strcmp(word, "error") == 0) {
        loghost_error error;
        memset(&error, 0, sizeof error);
        error.size = sizeof error;
        error.code = LOGHOST_ERROR_INTERNAL;
        done(context, operation, NULL, &error);
        free(answer);
        return;
    }
    if (strcmp(word, "silent") == 0) {
        free(answer);
        return;
    }
    answer->decision.verdict = verdict_of(word);
    if (strcmp(word, "twice") == 0) answer->times = 2;
    for (char *pair = strtok_r(NULL, " \n", &rest); pair != NULL; pair = strtok_r(NULL, " \n", &rest)) {
        char *equals = strchr(pair, '=');
        if (equals == NULL) continue;
        *equals = '\0';
        if (strcmp(pair, "only") == 0 && !begins(request->path, equals + 1)) answer->decision.verdict = LOGHOST_DENY;
        set(answer, pair, equals + 1);
    }
    if (strcmp(word, "late") == 0 || strcmp(word, "twice") == 0) {
        pthread_t thread;
        pthread_create(&thread, NULL, complete_later, answer);
        pthread_detach(thread);
    } else {
        complete(answer);
    }
}

static void cancel(loghost_instance *instance, uint64_t operation) {
    (void)operation;
    note(instance, "cancelled");
}

static const loghost_authorizer authorizer = { sizeof authorizer, 0, authorize, cancel };

/* `config` is {"file":"/path"} and nothing else. */
static loghost_instance *create(const loghost_host *host, loghost_bytes config, loghost_error *error) {
    static const char prefix[] = "{\"file\":\"";
    size_t begin = sizeof prefix - 1;
    (void)host;
    if (config.size < begin + 3 || memcmp(config.data, prefix, begin) != 0 || config.size - begin - 2 >= 1024) {
        error->code = LOGHOST_ERROR_INVALID;
        return NULL;
    }
    loghost_instance *instance = calloc(1, sizeof *instance);
    memcpy(instance->file, config.data + begin, config.size - begin - 2);
    return instance;
}

static const void *get_extension(loghost_instance *instance, const char *id_z) {
    (void)instance;
    return strcmp(id_z, LOGHOST_AUTHORIZER) == 0 ? &authorizer : NULL;
}

TEST_PLUGIN("scripted-authorizer")
