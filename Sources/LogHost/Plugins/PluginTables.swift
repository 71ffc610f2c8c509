import PluginABI

/// The functions that an instance of a plugin gives, checked.
// The tables are the plugin's; they live until its instance is destroyed.
@safe
struct PluginTables {
    let source: UnsafePointer<loghost_source>?
    let encoder: UnsafePointer<loghost_encoder>?
    let authorizer: UnsafePointer<loghost_authorizer>?
    let health: UnsafePointer<loghost_health>?
    let explain: UnsafePointer<loghost_explain>?

    init(of instance: OpaquePointer, _ descriptor: UnsafePointer<loghost_plugin>) throws(PluginFailure) {
        func table<Table>(_ id: String, as type: Table.Type) -> UnsafePointer<Table>? {
            unsafe descriptor.pointee.get_extension(instance, id)?.assumingMemoryBound(to: type)
        }
        unsafe self.source = unsafe table(LOGHOST_SOURCE, as: loghost_source.self)
        unsafe self.encoder = unsafe table(LOGHOST_ENCODER, as: loghost_encoder.self)
        unsafe self.authorizer = unsafe table(LOGHOST_AUTHORIZER, as: loghost_authorizer.self)
        unsafe self.health = unsafe table(LOGHOST_HEALTH, as: loghost_health.self)
        unsafe self.explain = unsafe table(LOGHOST_EXPLAIN, as: loghost_explain.self)
        if let source = unsafe self.source {
            unsafe try CStruct.check(source, last: \.close, of: LOGHOST_SOURCE) { table in
                unsafe [
                    ("routes", table.routes != nil), ("resolve", table.resolve != nil), ("open", table.open != nil),
                    ("read", table.read != nil), ("close", table.close != nil),
                ]
            }
        }
        if let encoder = unsafe self.encoder {
            unsafe try CStruct.check(encoder, last: \.end, of: LOGHOST_ENCODER) { table in
                unsafe [
                    ("encodings", table.encodings != nil), ("begin", table.begin != nil), ("encode", table.encode != nil),
                    ("event", table.event != nil), ("keep_alive", table.keep_alive != nil), ("finish", table.finish != nil),
                    ("end", table.end != nil),
                ]
            }
        }
        if let authorizer = unsafe self.authorizer {
            unsafe try CStruct.check(authorizer, last: \.cancel, of: LOGHOST_AUTHORIZER) { table in
                unsafe [("authorize", table.authorize != nil)]
            }
        }
        if let health = unsafe self.health {
            unsafe try CStruct.check(health, last: \.check, of: LOGHOST_HEALTH) { table in unsafe [("check", table.check != nil)]
            }
        }
        if let explain = unsafe self.explain {
            unsafe try CStruct.check(explain, last: \.command, of: LOGHOST_EXPLAIN) { table in
                unsafe [("command", table.command != nil)]
            }
        }
    }

    /// The kinds of calls there are.
    var calls: [PluginMetrics.Call] {
        var calls: [PluginMetrics.Call] = []
        if unsafe self.source != nil { calls += [.resolve, .open, .read] }
        if unsafe self.encoder != nil { calls.append(.encode) }
        if unsafe self.authorizer != nil { calls.append(.authorize) }
        return calls
    }
}
