/// One plugin: what a library is, and one configured instance of it.
///
/// ```swift
/// @c public func loghost_plugin_v1() -> UnsafePointer<loghost_plugin>? { export(MyPlugin.self) }
/// ```
/// in the library's entry target is all that connects it to the host. `export` returns the same descriptor every time.
public protocol Plugin: Sendable {
    /// What stands under `config` in the host's configuration.
    associatedtype Configuration: Decodable

    /// The library's name: `[a-z0-9-]`, at most 64 bytes.
    static var name: String { get }
    /// The library's version, for people.
    static var version: String { get }
    /// What it is for, in one sentence.
    static var summary: String { get }
    /// True when it wants the verified credential of a request; the configuration must grant it too.
    static var usesCredential: Bool { get }

    /// Makes an instance. Checks the configuration completely, but opens, starts and contacts nothing: the host also
    /// calls this only to ask for the routes.
    init(configuration: Configuration, host: Host) throws

    /// The log source it contributes, if any. Asked once.
    var source: (any LogSource)? { get }
    /// The log source it contributes, if that has to ask other servers. Not beside `source`. Asked once.
    var asyncSource: (any AsyncLogSource)? { get }
    /// The formats it contributes. Asked once.
    var encoders: [any Encoder.Type] { get }
    /// The authorizer it contributes, if any. Asked once.
    var authorizer: (any Authorizer)? { get }

    /// Begins work. Called once, before any request.
    func start() throws
    /// Says whether it can do its work now: one result for each thing it needs, none = ready. Called between `start` and `stop`, also
    /// concurrently, on threads that may wait for a local disk; it asks no other server.
    func health() -> [HealthCheck]
    /// Ends work: when it returns, nothing of the plugin runs. Called once, after every reader is closed.
    func stop()
}

extension Plugin {
    /// By default it does not.
    public static var usesCredential: Bool { false }
    /// By default none.
    public var source: (any LogSource)? { nil }
    /// By default none.
    public var asyncSource: (any AsyncLogSource)? { nil }
    /// By default none.
    public var encoders: [any Encoder.Type] { [] }
    /// By default none.
    public var authorizer: (any Authorizer)? { nil }
    /// By default nothing.
    public func start() throws {}
    /// By default ready.
    public func health() -> [HealthCheck] { [] }
    /// By default nothing.
    public func stop() {}
}

/// For plugins that have nothing to configure; refuses any key.
public struct NoConfiguration: Decodable, Sendable {
    private struct Key: CodingKey {
        var stringValue: String
        var intValue: Int? { nil }
        init(stringValue: String) { self.stringValue = stringValue }
        init?(intValue: Int) { nil }
    }

    /// Throws for the first key there is.
    public init(from decoder: any Decoder) throws {
        let container = try decoder.container(keyedBy: Key.self)
        if let key = container.allKeys.first {
            throw PluginError(.invalid, "\(key.stringValue): unknown key; this plugin has no configuration")
        }
    }
}
