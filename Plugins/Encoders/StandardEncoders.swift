public import PluginKit

/// The formats every LogHost has: text, JSON lines, server-sent events.
public struct StandardEncoders: Plugin {
    public static let name = "encoders"
    public static let version = "0.1.0"
    public static let summary = "text/plain, application/json and text/event-stream"

    public let encoders: [any Encoder.Type] = [TextEncoder.self, JSONLinesEncoder.self, EventStreamEncoder.self]

    public init(configuration: NoConfiguration, host: Host) {}
}
