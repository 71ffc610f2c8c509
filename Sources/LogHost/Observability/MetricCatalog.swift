/// The host's own metrics: what each says, and the buckets of distributions. No plugin can make one of these names.
package enum MetricCatalog {
    package static let help: [String: String] = [
        "loghost_build_info": "1, with the host's version.",
        "loghost_http_requests_total": "Requests answered, by the template of their route, status and format.",
        "loghost_http_requests_in_flight": "Requests that are being answered, follows among them.",
        "loghost_http_head_duration_seconds": "From a request's arrival until its answer's head is decided.",
        "loghost_http_sent_bytes_total": "Bytes of answers' bodies that connections have taken.",
        "loghost_http_cut_answers_total": "Answers that did not come to their end: the client went, or a source failed.",
        "loghost_entries_sent_total": "Log entries in answers.",
        "loghost_connections": "Open connections.",
        "loghost_worker_waiting_calls": "Calls into plugins that wait for a thread.",
        "loghost_followers": "Follows at the live end.",
        "loghost_tails": "Topics that are followed.",
        "loghost_ring_bytes": "Memory of the news in all rings.",
        "loghost_catch_ups": "Follows that have a reader of their own.",
        "loghost_gaps_total": "Gaps that readers have met, by cause.",
        "loghost_delivery_delay_seconds": "From reading an entry for all until a follow's connection has taken it.",
        "loghost_plugin_ready": "1 when the plugin says it is ready, else 0.",
        "loghost_plugin_call_duration_seconds": "Time of calls into a plugin; of encode for each batch of entries.",
        "loghost_plugin_errors_total": "Calls into a plugin that failed, by the ABI's error codes.",
        "loghost_authorizer_decisions_total": "What each authorizer has said.",
        "loghost_authorizations_total": "What the chain of authorizers has decided, questions asked again among it.",
        "loghost_outbound_requests_total": "Plugins' requests to other servers, by outcome.",
        "loghost_outbound_requests_in_flight": "Plugins' requests to other servers that are under way.",
        "loghost_outbound_request_duration_seconds": "Time of plugins' requests to other servers; of streams to the head.",
        "loghost_forwarded_requests_total": "Requests that were forwarded to other servers, by outcome.",
        "loghost_forwarded_requests_in_flight": "Requests that are being forwarded.",
        "loghost_forwarded_request_duration_seconds": "Time until another server has answered a forwarded request with its head.",
        "loghost_refused_metrics_total": "Metrics that were not made: too many, or malformed.",
        "process_cpu_seconds_total": "Processor time of the process.",
        "process_resident_memory_bytes": "Memory that is resident, pages of journal files among it.",
        "process_virtual_memory_bytes": "Address space.",
        "process_threads": "Threads.",
        "process_open_fds": "Open file descriptors.",
        "process_max_fds": "File descriptors the process may open.",
        "process_start_time_seconds": "When the process began, in seconds since the epoch.",
    ]

    /// The buckets of a distribution, by the unit at the end of its name.
    static func bounds(_ name: String) -> [Double] {
        if name.hasSuffix("_seconds") {
            return [0.0001, 0.00025, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30]
        }
        if name.hasSuffix("_bytes") { return (4...13).map { Double(1 << (2 * $0)) } }
        return [1, 2, 5, 10, 20, 50, 100, 200, 500, 1_000, 10_000, 100_000]
    }
}
