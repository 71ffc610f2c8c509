package import PluginKit

/// The formats every LogHost has: text, JSON lines, server-sent events.
package struct StandardEncoders: Plugin {
    package static let name = "encoders"
    package static let version = "0.1.0"
    package static let summary = "text/plain, application/json and text/event-stream"

    package let encoders: [any Encoder.Type] = [TextEncoder.self, JSONLinesEncoder.self, EventStreamEncoder.self]

    package init(configuration: NoConfiguration, host: Host) {}
}
