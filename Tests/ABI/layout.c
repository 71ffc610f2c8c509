/* Freezes the plugin ABI, version 1.0, on LP64: the size of every struct, the offset and the type of every field and
 * function, the value of every constant. It only has to compile.
 *
 * A line here changes in one case: a struct that begins with `size` has grown at its end. Then its STRUCT gets the new
 * size, and its new fields get lines of their own. Every other complaint is a broken promise: mend the header. */
#include <loghost/loghost.h>

#define STRUCT(type, bytes) _Static_assert(sizeof(type) == (bytes), "size of " #type)
/* The last argument is the field's type. */
#define FIELD(type, field, offset, ...)                                                     \
    _Static_assert(offsetof(type, field) == (offset), "offset of " #type "." #field);       \
    _Static_assert(_Generic(((type *)0)->field, __VA_ARGS__: 1, default: 0), "type of " #type "." #field)
#define FUNCTION(type, ...) _Static_assert(_Generic((type)0, __VA_ARGS__: 1, default: 0), "type of " #type)
#define CONSTANT(name, value) _Static_assert((name) == (value), "value of " #name)

_Static_assert(sizeof(void *) == 8 && sizeof(size_t) == 8 && sizeof(void (*)(void)) == 8, "this freezes LP64");

/* base.h */
STRUCT(loghost_bytes, 16);
FIELD(loghost_bytes, data, 0, const uint8_t *);
FIELD(loghost_bytes, size, 8, size_t);

/* error.h */
STRUCT(loghost_error, 1304);
FIELD(loghost_error, size, 0, uint32_t);
FIELD(loghost_error, code, 4, int32_t);
FIELD(loghost_error, retryable, 8, uint32_t);
FIELD(loghost_error, message_size, 12, uint32_t);
FIELD(loghost_error, detail_size, 16, uint32_t);
FIELD(loghost_error, reserved, 20, uint32_t);
FIELD(loghost_error, message, 24, uint8_t *);
FIELD(loghost_error, detail, 280, uint8_t *);

/* entry.h */
STRUCT(loghost_field, 32);
FIELD(loghost_field, name, 0, loghost_bytes);
FIELD(loghost_field, value, 16, loghost_bytes);

STRUCT(loghost_entry, 48);
FIELD(loghost_entry, cursor, 0, loghost_bytes);
FIELD(loghost_entry, realtime_microseconds, 16, uint64_t);
FIELD(loghost_entry, monotonic_microseconds, 24, uint64_t);
FIELD(loghost_entry, fields, 32, const loghost_field *);
FIELD(loghost_entry, field_count, 40, uint32_t);
FIELD(loghost_entry, flags, 44, uint32_t);

STRUCT(loghost_gap, 48);
FIELD(loghost_gap, cause, 0, uint32_t);
FIELD(loghost_gap, reserved, 4, uint32_t);
FIELD(loghost_gap, from, 8, loghost_bytes);
FIELD(loghost_gap, to, 24, loghost_bytes);
FIELD(loghost_gap, count, 40, uint64_t);

/* filter.h */
STRUCT(loghost_match, 32);
FIELD(loghost_match, name, 0, loghost_bytes);
FIELD(loghost_match, value, 16, loghost_bytes);

STRUCT(loghost_clause, 16);
FIELD(loghost_clause, matches, 0, const loghost_match *);
FIELD(loghost_clause, match_count, 8, size_t);

STRUCT(loghost_filter, 16);
FIELD(loghost_filter, clauses, 0, const loghost_clause *);
FIELD(loghost_filter, clause_count, 8, size_t);

/* query.h */
STRUCT(loghost_query, 112);
FIELD(loghost_query, size, 0, uint32_t);
FIELD(loghost_query, start, 4, uint32_t);
FIELD(loghost_query, cursor, 8, loghost_bytes);
FIELD(loghost_query, time_microseconds, 24, uint64_t);
FIELD(loghost_query, skip, 32, int64_t);
FIELD(loghost_query, limit, 40, uint64_t);
FIELD(loghost_query, direction, 48, uint32_t);
FIELD(loghost_query, follow, 52, uint32_t);
FIELD(loghost_query, since_microseconds, 56, uint64_t);
FIELD(loghost_query, until_microseconds, 64, uint64_t);
FIELD(loghost_query, filter, 72, loghost_filter);
FIELD(loghost_query, needs, 88, uint32_t);
FIELD(loghost_query, flags, 92, uint32_t);
FIELD(loghost_query, field_names, 96, const loghost_bytes *);
FIELD(loghost_query, field_name_count, 104, size_t);

/* route.h */
STRUCT(loghost_route, 120);
FIELD(loghost_route, size, 0, uint32_t);
FIELD(loghost_route, id, 4, uint32_t);
FIELD(loghost_route, method, 8, loghost_bytes);
FIELD(loghost_route, path, 24, loghost_bytes);
FIELD(loghost_route, dialect, 40, uint32_t);
FIELD(loghost_route, follow, 44, uint32_t);
FIELD(loghost_route, accepts, 48, uint32_t);
FIELD(loghost_route, flags, 52, uint32_t);
FIELD(loghost_route, encoding, 56, loghost_bytes);
FIELD(loghost_route, coding, 72, loghost_bytes);
FIELD(loghost_route, file_name, 88, loghost_bytes);
FIELD(loghost_route, summary, 104, loghost_bytes);

/* request.h */
STRUCT(loghost_variable, 32);
FIELD(loghost_variable, name, 0, loghost_bytes);
FIELD(loghost_variable, value, 16, loghost_bytes);

STRUCT(loghost_request, 120);
FIELD(loghost_request, size, 0, uint32_t);
FIELD(loghost_request, route_id, 4, uint32_t);
FIELD(loghost_request, variables, 8, const loghost_variable *);
FIELD(loghost_request, variable_count, 16, size_t);
FIELD(loghost_request, query, 24, loghost_bytes);
FIELD(loghost_request, principal, 40, loghost_bytes);
FIELD(loghost_request, credential, 56, loghost_bytes);
FIELD(loghost_request, request_id, 72, loghost_bytes);
FIELD(loghost_request, filter, 88, loghost_filter);
FIELD(loghost_request, path, 104, loghost_bytes);

/* resolution.h */
STRUCT(loghost_header, 32);
FIELD(loghost_header, name, 0, loghost_bytes);
FIELD(loghost_header, value, 16, loghost_bytes);

STRUCT(loghost_byte_stream_functions, 24);
FIELD(loghost_byte_stream_functions, size, 0, uint32_t);
FIELD(loghost_byte_stream_functions, reserved, 4, uint32_t);
FIELD(loghost_byte_stream_functions, read, 8, int32_t (*)(loghost_byte_stream *stream, size_t limit, loghost_bytes
      *bytes, loghost_error *error));
FIELD(loghost_byte_stream_functions, close, 16, void (*)(loghost_byte_stream *stream));

STRUCT(loghost_resolution, 160);
FIELD(loghost_resolution, size, 0, uint32_t);
FIELD(loghost_resolution, kind, 4, uint32_t);
FIELD(loghost_resolution, topic, 8, loghost_bytes);
FIELD(loghost_resolution, filter, 24, loghost_filter);
FIELD(loghost_resolution, status, 40, uint32_t);
FIELD(loghost_resolution, reserved, 44, uint32_t);
FIELD(loghost_resolution, headers, 48, const loghost_header *);
FIELD(loghost_resolution, header_count, 56, size_t);
FIELD(loghost_resolution, stream, 64, loghost_byte_stream *);
FIELD(loghost_resolution, stream_functions, 72, const loghost_byte_stream_functions *);
FIELD(loghost_resolution, location, 80, loghost_bytes);
FIELD(loghost_resolution, upstream_headers, 96, const loghost_header *);
FIELD(loghost_resolution, upstream_header_count, 104, size_t);
FIELD(loghost_resolution, ca_file, 112, loghost_bytes);
FIELD(loghost_resolution, client_certificate, 128, loghost_bytes);
FIELD(loghost_resolution, client_key, 144, loghost_bytes);

/* host.h */
STRUCT(loghost_host, 56);
FIELD(loghost_host, size, 0, uint32_t);
FIELD(loghost_host, flags, 4, uint32_t);
FIELD(loghost_host, name, 8, loghost_bytes);
FIELD(loghost_host, version, 24, loghost_bytes);
FIELD(loghost_host, get_extension, 40, const void * (*)(const loghost_host *host, const char *id_z));
FIELD(loghost_host, wake, 48, void (*)(const loghost_host *host, uint64_t wake_id));

/* host_log.h */
STRUCT(loghost_log_attribute, 32);
FIELD(loghost_log_attribute, key, 0, loghost_bytes);
FIELD(loghost_log_attribute, value, 16, loghost_bytes);

STRUCT(loghost_host_log, 24);
FIELD(loghost_host_log, size, 0, uint32_t);
FIELD(loghost_host_log, reserved, 4, uint32_t);
FIELD(loghost_host_log, log, 8, void (*)(const loghost_host *host, int32_t level, loghost_bytes message, const
      loghost_log_attribute *attributes, size_t attribute_count));
FIELD(loghost_host_log, enabled, 16, int32_t (*)(const loghost_host *host, int32_t level));

/* host_metrics.h */
STRUCT(loghost_label, 32);
FIELD(loghost_label, name, 0, loghost_bytes);
FIELD(loghost_label, value, 16, loghost_bytes);

STRUCT(loghost_host_metrics, 24);
FIELD(loghost_host_metrics, size, 0, uint32_t);
FIELD(loghost_host_metrics, reserved, 4, uint32_t);
FIELD(loghost_host_metrics, metric, 8, uint64_t (*)(const loghost_host *host, int32_t kind, loghost_bytes name, const
      loghost_label *labels, size_t label_count));
FIELD(loghost_host_metrics, record, 16, void (*)(const loghost_host *host, uint64_t metric, double value));

/* host_clock.h */
STRUCT(loghost_host_clock, 24);
FIELD(loghost_host_clock, size, 0, uint32_t);
FIELD(loghost_host_clock, reserved, 4, uint32_t);
FIELD(loghost_host_clock, realtime, 8, uint64_t (*)(const loghost_host *host));
FIELD(loghost_host_clock, monotonic, 16, uint64_t (*)(const loghost_host *host));

/* host_fd.h */
STRUCT(loghost_host_fd, 24);
FIELD(loghost_host_fd, size, 0, uint32_t);
FIELD(loghost_host_fd, reserved, 4, uint32_t);
FIELD(loghost_host_fd, watch, 8, uint64_t (*)(const loghost_host *host, int32_t fd, uint32_t events, loghost_fd_ready
      ready, void *context, loghost_error *error));
FIELD(loghost_host_fd, unwatch, 16, void (*)(const loghost_host *host, uint64_t watch));

/* host_http.h */
STRUCT(loghost_http_request, 136);
FIELD(loghost_http_request, size, 0, uint32_t);
FIELD(loghost_http_request, flags, 4, uint32_t);
FIELD(loghost_http_request, method, 8, loghost_bytes);
FIELD(loghost_http_request, url, 24, loghost_bytes);
FIELD(loghost_http_request, headers, 40, const loghost_header *);
FIELD(loghost_http_request, header_count, 48, size_t);
FIELD(loghost_http_request, body, 56, loghost_bytes);
FIELD(loghost_http_request, deadline_microseconds, 72, uint64_t);
FIELD(loghost_http_request, body_capacity, 80, uint64_t);
FIELD(loghost_http_request, ca_file, 88, loghost_bytes);
FIELD(loghost_http_request, client_certificate, 104, loghost_bytes);
FIELD(loghost_http_request, client_key, 120, loghost_bytes);

STRUCT(loghost_http_response, 40);
FIELD(loghost_http_response, size, 0, uint32_t);
FIELD(loghost_http_response, status, 4, uint32_t);
FIELD(loghost_http_response, headers, 8, const loghost_header *);
FIELD(loghost_http_response, header_count, 16, size_t);
FIELD(loghost_http_response, body, 24, loghost_bytes);

STRUCT(loghost_http_callbacks, 32);
FIELD(loghost_http_callbacks, size, 0, uint32_t);
FIELD(loghost_http_callbacks, reserved, 4, uint32_t);
FIELD(loghost_http_callbacks, complete, 8, void (*)(void *context, const loghost_http_response *response, const
      loghost_error *error));
FIELD(loghost_http_callbacks, head, 16, void (*)(void *context, const loghost_http_response *response));
FIELD(loghost_http_callbacks, chunk, 24, int32_t (*)(void *context, loghost_bytes bytes));

STRUCT(loghost_host_http, 32);
FIELD(loghost_host_http, size, 0, uint32_t);
FIELD(loghost_host_http, reserved, 4, uint32_t);
FIELD(loghost_host_http, request, 8, uint64_t (*)(const loghost_host *host, const loghost_http_request *request, const
      loghost_http_callbacks *callbacks, void *context, loghost_error *error));
FIELD(loghost_host_http, resume, 16, void (*)(const loghost_host *host, uint64_t request));
FIELD(loghost_host_http, cancel, 24, void (*)(const loghost_host *host, uint64_t request));

/* plugin.h */
STRUCT(loghost_plugin, 104);
FIELD(loghost_plugin, size, 0, uint32_t);
FIELD(loghost_plugin, abi_minor, 4, uint32_t);
FIELD(loghost_plugin, name, 8, loghost_bytes);
FIELD(loghost_plugin, version, 24, loghost_bytes);
FIELD(loghost_plugin, summary, 40, loghost_bytes);
FIELD(loghost_plugin, flags, 56, uint32_t);
FIELD(loghost_plugin, reserved, 60, uint32_t);
FIELD(loghost_plugin, create, 64, loghost_instance * (*)(const loghost_host *host, loghost_bytes config, loghost_error
      *error));
FIELD(loghost_plugin, get_extension, 72, const void * (*)(loghost_instance *instance, const char *id_z));
FIELD(loghost_plugin, start, 80, int32_t (*)(loghost_instance *instance, loghost_error *error));
FIELD(loghost_plugin, stop, 88, void (*)(loghost_instance *instance));
FIELD(loghost_plugin, destroy, 96, void (*)(loghost_instance *instance));

/* source.h */
STRUCT(loghost_opened, 24);
FIELD(loghost_opened, size, 0, uint32_t);
FIELD(loghost_opened, applied, 4, uint32_t);
FIELD(loghost_opened, reader, 8, loghost_reader *);
FIELD(loghost_opened, skipped, 16, uint64_t);

STRUCT(loghost_read_limits, 32);
FIELD(loghost_read_limits, size, 0, uint32_t);
FIELD(loghost_read_limits, max_entries, 4, uint32_t);
FIELD(loghost_read_limits, max_bytes, 8, uint64_t);
FIELD(loghost_read_limits, max_microseconds, 16, uint64_t);
FIELD(loghost_read_limits, max_value_bytes, 24, uint64_t);

STRUCT(loghost_read_result, 80);
FIELD(loghost_read_result, size, 0, uint32_t);
FIELD(loghost_read_result, reserved, 4, uint32_t);
FIELD(loghost_read_result, entries, 8, const loghost_entry *);
FIELD(loghost_read_result, entry_count, 16, size_t);
FIELD(loghost_read_result, recheck_after_microseconds, 24, uint64_t);
FIELD(loghost_read_result, gap, 32, loghost_gap);

STRUCT(loghost_source, 56);
FIELD(loghost_source, size, 0, uint32_t);
FIELD(loghost_source, reserved, 4, uint32_t);
FIELD(loghost_source, routes, 8, const loghost_route * (*)(loghost_instance *instance, size_t *count));
FIELD(loghost_source, resolve, 16, void (*)(loghost_instance *instance, uint64_t operation, const loghost_request
      *request, uint64_t wake_id, loghost_resolve_done done, void *context));
FIELD(loghost_source, open, 24, void (*)(loghost_instance *instance, uint64_t operation, loghost_bytes topic, const
      loghost_query *query, const loghost_request *request, uint64_t wake_id, loghost_open_done done, void *context));
FIELD(loghost_source, cancel, 32, void (*)(loghost_instance *instance, uint64_t operation));
FIELD(loghost_source, read, 40, int32_t (*)(loghost_reader *reader, const loghost_read_limits *limits,
      loghost_read_result *result, loghost_error *error));
FIELD(loghost_source, close, 48, void (*)(loghost_reader *reader));

/* encoder.h */
STRUCT(loghost_encoding, 72);
FIELD(loghost_encoding, size, 0, uint32_t);
FIELD(loghost_encoding, flags, 4, uint32_t);
FIELD(loghost_encoding, name, 8, loghost_bytes);
FIELD(loghost_encoding, content_type, 24, loghost_bytes);
FIELD(loghost_encoding, media_types, 40, const loghost_bytes *);
FIELD(loghost_encoding, media_type_count, 48, size_t);
FIELD(loghost_encoding, summary, 56, loghost_bytes);

STRUCT(loghost_encode_options, 16);
FIELD(loghost_encode_options, size, 0, uint32_t);
FIELD(loghost_encode_options, flags, 4, uint32_t);
FIELD(loghost_encode_options, max_value_bytes, 8, uint64_t);

STRUCT(loghost_needs, 24);
FIELD(loghost_needs, size, 0, uint32_t);
FIELD(loghost_needs, needs, 4, uint32_t);
FIELD(loghost_needs, field_names, 8, const loghost_bytes *);
FIELD(loghost_needs, field_name_count, 16, size_t);

STRUCT(loghost_sink, 32);
FIELD(loghost_sink, size, 0, uint32_t);
FIELD(loghost_sink, reserved, 4, uint32_t);
FIELD(loghost_sink, context, 8, void *);
FIELD(loghost_sink, reserve, 16, uint8_t * (*)(void *context, size_t minimum, size_t *capacity));
FIELD(loghost_sink, commit, 24, void (*)(void *context, size_t count));

STRUCT(loghost_encoder, 64);
FIELD(loghost_encoder, size, 0, uint32_t);
FIELD(loghost_encoder, reserved, 4, uint32_t);
FIELD(loghost_encoder, encodings, 8, const loghost_encoding * (*)(loghost_instance *instance, size_t *count));
FIELD(loghost_encoder, begin, 16, loghost_encoder_state * (*)(loghost_instance *instance, size_t encoding, const
      loghost_encode_options *options, loghost_needs *needs, loghost_error *error));
FIELD(loghost_encoder, encode, 24, int32_t (*)(loghost_encoder_state *state, const loghost_entry *entry, const
      loghost_sink *sink, loghost_error *error));
FIELD(loghost_encoder, event, 32, int32_t (*)(loghost_encoder_state *state, loghost_bytes name, loghost_bytes data,
      loghost_bytes id, const loghost_sink *sink, loghost_error *error));
FIELD(loghost_encoder, keep_alive, 40, loghost_bytes (*)(loghost_encoder_state *state));
FIELD(loghost_encoder, finish, 48, int32_t (*)(loghost_encoder_state *state, const loghost_sink *sink, loghost_error
      *error));
FIELD(loghost_encoder, end, 56, void (*)(loghost_encoder_state *state));

/* authorizer.h */
STRUCT(loghost_peer, 72);
FIELD(loghost_peer, size, 0, uint32_t);
FIELD(loghost_peer, has_unix_credentials, 4, uint32_t);
FIELD(loghost_peer, address, 8, loghost_bytes);
FIELD(loghost_peer, uid, 24, uint32_t);
FIELD(loghost_peer, gid, 28, uint32_t);
FIELD(loghost_peer, pid, 32, int32_t);
FIELD(loghost_peer, reserved, 36, uint32_t);
FIELD(loghost_peer, certificate_subject, 40, loghost_bytes);
FIELD(loghost_peer, certificate_names, 56, const loghost_bytes *);
FIELD(loghost_peer, certificate_name_count, 64, size_t);

STRUCT(loghost_authorization_request, 160);
FIELD(loghost_authorization_request, size, 0, uint32_t);
FIELD(loghost_authorization_request, recheck, 4, uint32_t);
FIELD(loghost_authorization_request, method, 8, loghost_bytes);
FIELD(loghost_authorization_request, path, 24, loghost_bytes);
FIELD(loghost_authorization_request, route, 40, loghost_bytes);
FIELD(loghost_authorization_request, plugin, 56, loghost_bytes);
FIELD(loghost_authorization_request, variables, 72, const loghost_variable *);
FIELD(loghost_authorization_request, variable_count, 80, size_t);
FIELD(loghost_authorization_request, headers, 88, const loghost_header *);
FIELD(loghost_authorization_request, header_count, 96, size_t);
FIELD(loghost_authorization_request, peer, 104, const loghost_peer *);
FIELD(loghost_authorization_request, principal, 112, loghost_bytes);
FIELD(loghost_authorization_request, request_id, 128, loghost_bytes);
FIELD(loghost_authorization_request, credential, 144, loghost_bytes);

STRUCT(loghost_decision, 136);
FIELD(loghost_decision, size, 0, uint32_t);
FIELD(loghost_decision, verdict, 4, int32_t);
FIELD(loghost_decision, principal, 8, loghost_bytes);
FIELD(loghost_decision, credential, 24, loghost_bytes);
FIELD(loghost_decision, challenge, 40, loghost_bytes);
FIELD(loghost_decision, expires_realtime_microseconds, 56, uint64_t);
FIELD(loghost_decision, recheck_after_microseconds, 64, uint64_t);
FIELD(loghost_decision, filter, 72, loghost_filter);
FIELD(loghost_decision, reason, 88, loghost_bytes);
FIELD(loghost_decision, object, 104, loghost_bytes);
FIELD(loghost_decision, action, 120, loghost_bytes);

STRUCT(loghost_authorizer, 24);
FIELD(loghost_authorizer, size, 0, uint32_t);
FIELD(loghost_authorizer, reserved, 4, uint32_t);
FIELD(loghost_authorizer, authorize, 8, void (*)(loghost_instance *instance, uint64_t operation, const
      loghost_authorization_request *request, loghost_authorize_done done, void *context));
FIELD(loghost_authorizer, cancel, 16, void (*)(loghost_instance *instance, uint64_t operation));

/* health.h */
STRUCT(loghost_health_check, 40);
FIELD(loghost_health_check, size, 0, uint32_t);
FIELD(loghost_health_check, state, 4, uint32_t);
FIELD(loghost_health_check, name, 8, loghost_bytes);
FIELD(loghost_health_check, message, 24, loghost_bytes);
STRUCT(loghost_health, 16);
FIELD(loghost_health, size, 0, uint32_t);
FIELD(loghost_health, reserved, 4, uint32_t);
FIELD(loghost_health, check, 8, void (*)(loghost_instance *instance, loghost_health_report report, void *context));
CONSTANT(LOGHOST_HEALTH_READY, 1);
CONSTANT(LOGHOST_HEALTH_NOT_READY, 2);

/* explain.h */
STRUCT(loghost_explain, 16);
FIELD(loghost_explain, size, 0, uint32_t);
FIELD(loghost_explain, reserved, 4, uint32_t);
FIELD(loghost_explain, command, 8, void (*)(loghost_instance *instance, loghost_bytes topic, const loghost_query *query,
      loghost_explain_report report, void *context));

/* Call backs. */
FUNCTION(loghost_explain_report, void (*)(void *context, loghost_bytes command));
FUNCTION(loghost_health_report, void (*)(void *context, const loghost_health_check *check));
FUNCTION(loghost_fd_ready, void (*)(void *context, int32_t fd, uint32_t events));
_Static_assert(_Generic(&loghost_plugin_v1, loghost_entry_function: 1, default: 0), "type of loghost_plugin_v1");
FUNCTION(loghost_entry_function, const loghost_plugin * (*)(void));
FUNCTION(loghost_resolve_done, int32_t (*)(void *context, uint64_t operation, const loghost_resolution *resolution,
      const loghost_error *error));
FUNCTION(loghost_open_done, int32_t (*)(void *context, uint64_t operation, const loghost_opened *opened, const
      loghost_error *error));
FUNCTION(loghost_authorize_done, void (*)(void *context, uint64_t operation, const loghost_decision *decision, const
      loghost_error *error));

/* error.h */
CONSTANT(LOGHOST_OK, 0);
CONSTANT(LOGHOST_ERROR_INTERNAL, 1);
CONSTANT(LOGHOST_ERROR_INVALID, 2);
CONSTANT(LOGHOST_ERROR_MALFORMED_CURSOR, 3);
CONSTANT(LOGHOST_ERROR_CURSOR_GONE, 4);
CONSTANT(LOGHOST_ERROR_NOT_FOUND, 5);
CONSTANT(LOGHOST_ERROR_CONFLICT, 6);
CONSTANT(LOGHOST_ERROR_UNAUTHENTICATED, 7);
CONSTANT(LOGHOST_ERROR_FORBIDDEN, 8);
CONSTANT(LOGHOST_ERROR_UPSTREAM, 9);
CONSTANT(LOGHOST_ERROR_TIMEOUT, 10);
CONSTANT(LOGHOST_ERROR_UNAVAILABLE, 11);
CONSTANT(LOGHOST_ERROR_LIMIT, 12);
CONSTANT(LOGHOST_ERROR_UNSUPPORTED, 13);

/* entry.h */
CONSTANT(LOGHOST_ENTRY_NO_NEWLINE, 1);
CONSTANT(LOGHOST_ENTRY_CONTINUES, 2);
CONSTANT(LOGHOST_ENTRY_CONTINUED, 4);
CONSTANT(LOGHOST_ENTRY_NEWLINE, 8);
CONSTANT(LOGHOST_GAP_ROTATION, 1);
CONSTANT(LOGHOST_GAP_VACUUM, 2);
CONSTANT(LOGHOST_GAP_TRUNCATION, 3);
CONSTANT(LOGHOST_GAP_SOURCE_ERROR, 4);

/* query.h */
CONSTANT(LOGHOST_START_HEAD, 1);
CONSTANT(LOGHOST_START_TAIL, 2);
CONSTANT(LOGHOST_START_CURSOR, 3);
CONSTANT(LOGHOST_START_TIME, 4);
CONSTANT(LOGHOST_FORWARD, 0);
CONSTANT(LOGHOST_BACKWARD, 1);
CONSTANT(LOGHOST_NEEDS_CURSOR, 1);
CONSTANT(LOGHOST_NEEDS_REALTIME, 2);
CONSTANT(LOGHOST_NEEDS_MONOTONIC, 4);
CONSTANT(LOGHOST_NEEDS_ALL_FIELDS, 8);
CONSTANT(LOGHOST_NEEDS_NAMED_FIELDS, 16);
CONSTANT(LOGHOST_APPLIED_FILTER, 1);
CONSTANT(LOGHOST_APPLIED_SKIP, 2);
CONSTANT(LOGHOST_APPLIED_LIMIT, 4);
CONSTANT(LOGHOST_APPLIED_BOUNDS, 8);
CONSTANT(LOGHOST_APPLIED_DIRECTION, 16);

/* route.h */
CONSTANT(LOGHOST_DIALECT_NONE, 0);
CONSTANT(LOGHOST_DIALECT_JOURNAL_V1, 1);
CONSTANT(LOGHOST_DIALECT_JOURNAL_V2, 2);
CONSTANT(LOGHOST_DIALECT_LINES, 3);
CONSTANT(LOGHOST_FOLLOW_NEVER, 0);
CONSTANT(LOGHOST_FOLLOW_ALWAYS, 1);
CONSTANT(LOGHOST_FOLLOW_BY_ACCEPT, 2);
CONSTANT(LOGHOST_ACCEPTS_FOLLOW, 1);
CONSTANT(LOGHOST_ACCEPTS_BOUNDS, 2);
CONSTANT(LOGHOST_ACCEPTS_POSTFIX, 4);
CONSTANT(LOGHOST_ACCEPTS_LAST_EVENT_ID, 8);
CONSTANT(LOGHOST_ACCEPTS_REVERSE, 16);
CONSTANT(LOGHOST_ROUTE_IDS, 1);
CONSTANT(LOGHOST_ROUTE_SKIP_HEADERS, 2);
CONSTANT(LOGHOST_ROUTE_APPLIES_FILTER, 4);

/* resolution.h */
CONSTANT(LOGHOST_RESOLVED_LOG, 1);
CONSTANT(LOGHOST_RESOLVED_BYTES, 2);
CONSTANT(LOGHOST_RESOLVED_REDIRECT, 3);
CONSTANT(LOGHOST_RESOLVED_PROXY, 4);
CONSTANT(LOGHOST_STREAM_DATA, 1);
CONSTANT(LOGHOST_STREAM_PENDING, 2);
CONSTANT(LOGHOST_STREAM_END, 3);
CONSTANT(LOGHOST_STREAM_ERROR, 4);

/* host_log.h */
CONSTANT(LOGHOST_LOG_TRACE, 0);
CONSTANT(LOGHOST_LOG_DEBUG, 1);
CONSTANT(LOGHOST_LOG_INFO, 2);
CONSTANT(LOGHOST_LOG_NOTICE, 3);
CONSTANT(LOGHOST_LOG_WARNING, 4);
CONSTANT(LOGHOST_LOG_ERROR, 5);

/* host_metrics.h */
CONSTANT(LOGHOST_METRIC_COUNTER, 1);
CONSTANT(LOGHOST_METRIC_GAUGE, 2);
CONSTANT(LOGHOST_METRIC_HISTOGRAM, 3);

/* host_fd.h */
CONSTANT(LOGHOST_FD_READABLE, 1);
CONSTANT(LOGHOST_FD_WRITABLE, 2);
CONSTANT(LOGHOST_FD_HANGUP, 4);

/* host_http.h */
CONSTANT(LOGHOST_HTTP_FOLLOW_REDIRECTS, 1);
CONSTANT(LOGHOST_HTTP_STREAM, 2);

/* plugin.h */
CONSTANT(LOGHOST_PLUGIN_USES_CREDENTIAL, 1);

/* source.h */
CONSTANT(LOGHOST_READ_BATCH, 1);
CONSTANT(LOGHOST_READ_PENDING, 2);
CONSTANT(LOGHOST_READ_CAUGHT_UP, 3);
CONSTANT(LOGHOST_READ_END, 4);
CONSTANT(LOGHOST_READ_GAP, 5);
CONSTANT(LOGHOST_READ_ERROR, 6);

/* encoder.h */
CONSTANT(LOGHOST_ENCODING_EVENT_STREAM, 1);
CONSTANT(LOGHOST_ENCODE_IDS, 1);
CONSTANT(LOGHOST_ENCODE_EXACT_VALUES, 2);
CONSTANT(LOGHOST_ENCODE_LINES, 4);
CONSTANT(LOGHOST_ENCODE_DONE, 0);
CONSTANT(LOGHOST_ENCODE_MORE, 1);
CONSTANT(LOGHOST_ENCODE_ERROR, 2);

/* authorizer.h */
CONSTANT(LOGHOST_ALLOW, 1);
CONSTANT(LOGHOST_DENY, 2);
CONSTANT(LOGHOST_UNAUTHENTICATED, 3);
CONSTANT(LOGHOST_ABSTAIN, 4);
CONSTANT(LOGHOST_CANNOT_DECIDE, 5);

/* Macros. */
CONSTANT(LOGHOST_ABI_MAJOR, 1);
CONSTANT(LOGHOST_ABI_MINOR, 0);
CONSTANT(LOGHOST_ERROR_MESSAGE_CAPACITY, 256);
CONSTANT(LOGHOST_ERROR_DETAIL_CAPACITY, 1024);
CONSTANT(LOGHOST_CURSOR_CAPACITY, 512);
CONSTANT(LOGHOST_COUNT_UNKNOWN, 18446744073709551615u);
CONSTANT(LOGHOST_SINK_MINIMUM, 4096);

/* Names. Defining a macro twice is an error unless both say the same. */
#if !defined(LOGHOST_TEXT) || \
    !defined(LOGHOST_TEXT_VALUE) || \
    !defined(LOGHOST_EXPORT) || \
    !defined(LOGHOST_HOST_LOG) || \
    !defined(LOGHOST_HOST_METRICS) || \
    !defined(LOGHOST_HOST_CLOCK) || \
    !defined(LOGHOST_HOST_FD) || \
    !defined(LOGHOST_HOST_HTTP) || \
    !defined(LOGHOST_ENTRY_SYMBOL) || \
    !defined(LOGHOST_SOURCE) || \
    !defined(LOGHOST_ENCODER) || \
    !defined(LOGHOST_AUTHORIZER)
#error "a name is gone"
#endif
#define LOGHOST_HOST_LOG "loghost.host.log/1"
#define LOGHOST_HOST_METRICS "loghost.host.metrics/1"
#define LOGHOST_HOST_CLOCK "loghost.host.clock/1"
#define LOGHOST_HOST_FD "loghost.host.fd/1"
#define LOGHOST_HOST_HTTP "loghost.host.http/1"
#define LOGHOST_ENTRY_SYMBOL "loghost_plugin_v1"
#define LOGHOST_SOURCE "loghost.source/1"
#define LOGHOST_ENCODER "loghost.encoder/1"
#define LOGHOST_AUTHORIZER "loghost.authorizer/1"
