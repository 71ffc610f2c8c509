internal import PluginKit

/// The routes' numbers.
enum JournalRoute: UInt32 {
    case range = 1
    case rangeDownload
    case containerRange
    case containerDownload
    case stream
    case containerStream
    case fields
    case components
    case component
}

extension JournalSource {
    private static let container = "framework/{framework_id}/executor/{executor_id}/container/{container_id}"

    var routes: [Route] {
        [
            Self.range(.range, "/v1/range/", "Entries of the whole journal, then the end."),
            Self.download(.rangeDownload, "/v1/range/download", file: "root-range", "The whole journal as a compressed file."),
            Self.range(.containerRange, "/v1/range/\(Self.container)", "Entries of one container, then the end."),
            Self.download(
                .containerDownload, "/v1/range/\(Self.container)/download", file: "task-{container_id}",
                "One container's entries as a compressed file."),
            Self.stream(.stream, "/v1/stream/", "Entries of the whole journal, then news for ever."),
            Self.stream(.containerStream, "/v1/stream/\(Self.container)", "Entries of one container, then news for ever."),
            Route(id: JournalRoute.fields.rawValue, path: "/v1/fields/{field}", summary: "The different values of a field."),
            Self.component(.components, "/v2/component", "Entries of all components."),
            Self.component(.component, "/v2/component/{name}", "Entries of one component, by its unit."),
        ]
    }

    private static func range(_ id: JournalRoute, _ path: String, _ summary: String) -> Route {
        var route = Route(id: id.rawValue, path: path, summary: summary)
        route.dialect = .journalV1
        route.accepts = [.follow, .bounds, .reverse]
        route.flags = .skipHeaders
        return route
    }

    private static func download(_ id: JournalRoute, _ path: String, file: String, _ summary: String) -> Route {
        var route = Self.range(id, path, summary)
        route.accepts = [.bounds, .reverse, .postfix]
        route.encoding = "text"
        route.coding = "gzip"
        route.fileName = "\(file){-postfix}.log.gz"
        return route
    }

    private static func stream(_ id: JournalRoute, _ path: String, _ summary: String) -> Route {
        var route = Route(id: id.rawValue, path: path, summary: summary)
        route.dialect = .journalV1
        route.follow = .always
        route.accepts = [.bounds, .lastEventID]
        route.flags = [.ids, .skipHeaders]
        return route
    }

    private static func component(_ id: JournalRoute, _ path: String, _ summary: String) -> Route {
        var route = Route(id: id.rawValue, path: path, summary: summary)
        route.dialect = .journalV2
        route.follow = .byAccept
        route.accepts = [.follow, .bounds, .lastEventID]
        route.flags = .ids
        return route
    }
}
