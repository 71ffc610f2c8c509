internal import PluginABI

/// What a plugin has found of one thing that it needs.
public struct HealthCheck: Sendable {
    /// What was looked at: `[a-z0-9-]`, such as `journal` or `keys`.
    public var name: String
    /// False when requests that need it fail now.
    public var isReady: Bool
    /// One sentence for operators, or nothing: no token, no path, no address.
    public var message: String

    /// Makes a check's result.
    public init(_ name: String, isReady: Bool, message: String = "") {
        self.name = name
        self.isReady = isReady
        self.message = message
    }
}

/// A plugin's health, as C sees it.
let healthFunctions = unsafe FunctionTable(
    loghost_health(
        size: UInt32(MemoryLayout<loghost_health>.size), reserved: 0,
        check: { instance, report, context in
            guard let instance = unsafe instance, let report = unsafe report else { return }
            for found in unsafe Instance.of(instance).plugin.health() {
                let arena = Arena()
                var check = unsafe loghost_health_check(
                    size: UInt32(MemoryLayout<loghost_health_check>.size),
                    state: UInt32(found.isReady ? LOGHOST_HEALTH_READY : LOGHOST_HEALTH_NOT_READY), name: arena.bytes(found.name),
                    message: arena.bytes(found.message))
                unsafe report(context, &check)
                withExtendedLifetime(arena) {}
            }
        }))
