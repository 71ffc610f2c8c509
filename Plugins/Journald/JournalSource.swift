internal import FoundationEssentials
internal import PluginKit

/// The journal's routes and what they lead to.
struct JournalSource: LogSource {
    let pool: HandlePool
    let uniqueFields: [String]

    /// Every route reads the one journal; conditions are filters.
    private static let topic = Array("journal".utf8)

    func resolve(_ request: Request) throws -> Resolution {
        guard let route = JournalRoute(rawValue: request.route) else {
            throw PluginError(.internalFault, "There is no such route.")
        }
        switch route {
        case .range, .rangeDownload, .stream, .components:
            return .log(topic: Self.topic)
        case .containerRange, .containerDownload, .containerStream:
            let fields = [("FRAMEWORK_ID", "framework_id"), ("EXECUTOR_ID", "executor_id"), ("CONTAINER_ID", "container_id")]
            let clauses = try fields.map { field, variable in [Match(field, try self.variable(variable, request))] }
            return .log(topic: Self.topic, filter: Filter(clauses: clauses))
        case .component:
            let name = try self.variable("name", request)
            return .log(topic: Self.topic, filter: Filter(clauses: [[Match("UNIT", name), Match("_SYSTEMD_UNIT", name)]]))
        case .fields:
            return try self.uniqueValues(of: self.variable("field", request))
        }
    }

    func open(topic: [UInt8], query: Query, request: Request, wake: Wake) throws -> Opened {
        try JournalReader.open(query, pool: self.pool)
    }

    func command(topic: [UInt8], query: Query) -> String? { JournalCommand(query, place: self.pool.place)?.text }

    private func variable(_ name: String, _ request: Request) throws -> String {
        guard let value = request[name] else { throw PluginError(.internalFault, "The route has no variable \(name).") }
        return value
    }

    private func uniqueValues(of field: String) throws -> Resolution {
        guard self.uniqueFields.contains(field) else {
            throw PluginError(
                .invalid, "field: expected one of \(self.uniqueFields.joined(separator: ", "))")
        }
        guard let handle = try self.pool.takeLibsystemd() else { return .answer(status: 204, headers: [], bytes: nil) }
        defer { self.pool.give(handle) }
        let values = try handle.uniqueValues(of: field, maximumCount: 100_000, maximumBytes: 16 << 20)
        if values.isEmpty { return .answer(status: 204, headers: [], bytes: nil) }
        let encoder = JSONEncoder()
        encoder.outputFormatting = .withoutEscapingSlashes
        // Different bytes may be the same text.
        var seen: Set<String> = []
        let texts = values.map { String(decoding: $0, as: UTF8.self) }.filter { seen.insert($0).inserted }
        let json = try encoder.encode(texts)
        return .answer(status: 200, headers: [("Content-Type", "application/json")], bytes: Array(json))
    }
}
