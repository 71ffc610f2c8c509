/// What `/metrics` answers: what has been counted, and what is looked up now.
struct MetricsPage {
    let site: Site

    func text() async -> String {
        let states = await self.site.readiness.states()
        var text = MetricText(self.site.metrics.text)
        text.append(.gauge, "loghost_build_info", [([("version", LogHostVersion.text)], 1)])
        text.append(.gauge, "loghost_connections", [([], Double(self.site.connections.count))])
        text.append(.gauge, "loghost_worker_waiting_calls", [([], Double(self.site.workers.waitingCount))])
        text.append(.gauge, "loghost_plugin_ready", states.map { ([("plugin", $0.name)], $0.isReady ? 1 : 0) })
        text.append(.counter, "loghost_refused_metrics_total", [([], self.site.metrics.refused.value)])
        ProcessMetrics.append(to: &text)
        return text.text
    }
}
