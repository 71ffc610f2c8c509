internal import PluginABI

/// A route as its plugin has declared it.
struct RouteDescription: Sendable {
    var id: UInt32
    var method: String
    var path: String
    var traits: RouteTraits
    var ids: Bool
    var skipHeaders: Bool
    var appliesFilter: Bool
    var encoding: String
    var coding: String
    var fileName: String
    var summary: String

    /// The host, or the plugin where it says so, leaves out of the answer what a filter excludes.
    var canBeFiltered: Bool {
        self.appliesFilter || self.traits.dialect == .journalV1 || self.traits.dialect == .journalV2
    }

    init(_ route: loghost_route) {
        self.id = unsafe route.id
        self.method = unsafe route.method.text
        self.path = unsafe route.path.text
        let dialect: Dialect =
            switch unsafe Int(route.dialect) {
            case LOGHOST_DIALECT_JOURNAL_V1: .journalV1
            case LOGHOST_DIALECT_JOURNAL_V2: .journalV2
            case LOGHOST_DIALECT_LINES: .lines
            default: .none
            }
        let follow: FollowMode =
            switch unsafe Int(route.follow) {
            case LOGHOST_FOLLOW_ALWAYS: .always
            case LOGHOST_FOLLOW_BY_ACCEPT: .byAccept
            default: .never
            }
        self.traits = unsafe RouteTraits(dialect: dialect, follow: follow, accepts: AcceptedParameters(rawValue: route.accepts))
        self.ids = unsafe route.flags & UInt32(LOGHOST_ROUTE_IDS) != 0
        self.skipHeaders = unsafe route.flags & UInt32(LOGHOST_ROUTE_SKIP_HEADERS) != 0
        self.appliesFilter = unsafe route.flags & UInt32(LOGHOST_ROUTE_APPLIES_FILTER) != 0
        self.encoding = unsafe route.encoding.text
        self.coding = unsafe route.coding.text
        self.fileName = unsafe route.file_name.text
        self.summary = unsafe route.summary.text
    }
}
