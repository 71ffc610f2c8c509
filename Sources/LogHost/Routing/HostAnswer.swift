internal import HTTPTypes
internal import NIOCore

/// Answers the host's own routes.
struct HostAnswer {
    let site: Site
    let exchange: Exchange
    /// Whoever asks may know more than yes and no.
    let tellsDetails: Bool

    func answer(_ route: HostRoute) async throws -> Exchange.Answer {
        switch route {
        case .healthz: Self.whole(.ok, "text/plain; charset=utf-8", "ok\n")
        case .readyz: await self.readiness()
        case .metrics: Self.whole(.ok, MetricText.contentType, await MetricsPage(site: self.site).text())
        case .plugins: try await self.plugins()
        case .openapi: Self.whole(.ok, "application/json", self.site.openAPI)
        }
    }

    private func readiness() async -> Exchange.Answer {
        let states = await self.site.readiness.states()
        let isReady = states.allSatisfy(\.isReady) && !self.site.shutdown.hasBegun
        var members: [(String, JSONText.Value)] = [("ready", .bool(isReady))]
        if self.tellsDetails { members.append(("plugins", .array(states.map { .object($0.members) }))) }
        return Self.whole(isReady ? .ok : .serviceUnavailable, "application/json", JSONText.object(members) + "\n")
    }

    private func plugins() async throws -> Exchange.Answer {
        let states = await self.site.readiness.states()
        let site = self.site
        // Hashing reads whole files.
        let list = try await site.workers.call { PluginList(site: site, states: states).text() }
        return Self.whole(.ok, "application/json", list)
    }

    private static func whole(_ status: HTTPResponse.Status, _ contentType: String, _ text: String) -> Exchange.Answer {
        var head = HTTPResponse(status: status)
        head.headerFields[.contentType] = contentType
        head.headerFields[.cacheControl] = "no-cache"
        return .whole(head, ByteBuffer(string: text))
    }
}

extension PluginReadiness.Plugin {
    /// How it looks in JSON.
    var members: [(String, JSONText.Value)] {
        let checks = self.checks.map { check -> JSONText.Value in
            var members: [(String, JSONText.Value)] = [("name", .text(check.name)), ("ready", .bool(check.isReady))]
            if !check.message.isEmpty { members.append(("message", .text(check.message))) }
            return .object(members)
        }
        return [("name", .text(self.name)), ("ready", .bool(self.isReady)), ("checks", .array(checks))]
    }
}
