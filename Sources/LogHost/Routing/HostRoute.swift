/// What the host answers itself, whatever is loaded.
enum HostRoute: String, CaseIterable {
    /// Alive.
    case healthz
    /// Whether the plugins can do their work.
    case readyz
    case metrics
    case plugins
    case openapi = "openapi.json"

    init?(_ path: RequestPath) {
        guard path.segments.count == 1, let route = Self(rawValue: path.segments[0]) else { return nil }
        self = route
    }

    var template: String { "/\(self.rawValue)" }

    /// Everybody may ask: probes have no credential.
    var isOpen: Bool { self == .healthz || self == .readyz }

    /// Served where only watchers ask.
    var isForWatchers: Bool { self == .healthz || self == .readyz || self == .metrics }
}

/// Whom a listener serves.
enum Audience: Sendable, CaseIterable {
    /// Those who read logs.
    case readers
    /// Those who watch the host: health and metrics only, for everybody who can connect.
    case watchers
}
