internal import CLinux
internal import Glibc
package import Logging
package import Metrics
package import PluginABI

/// The host as one plugin instance sees it: the C struct, and what its functions need.
// Written in the initializer only; the C struct lives until the object goes, which is after the instance's destroy.
@safe
package final class HostServices: @unchecked Sendable {
    /// The C struct first, so that a pointer to it is a pointer to the whole.
    @safe
    private struct Record {
        var host: loghost_host
        var services: Unmanaged<HostServices>
    }

    let name: String
    let logger: Logger
    let wakes: WakeRegistry
    let watches: DescriptorWatch
    let metrics: MetricRegistry
    /// Nil where a plugin is only inspected.
    let http: HTTPService?
    private let memory = CMemory()
    private let record: UnsafeMutablePointer<Record>

    package init(
        name: String, authorizes: Bool = false, logger: Logger, wakes: WakeRegistry, watches: DescriptorWatch,
        outbound: OutboundClient? = nil,
        factory: any MetricsFactory = MetricsSystem.factory, pluginFactory: any MetricsFactory = MetricsSystem.factory
    ) {
        self.name = name
        var logger = logger
        logger[metadataKey: "plugin"] = .string(name)
        self.logger = logger
        self.wakes = wakes
        self.watches = watches
        self.metrics = MetricRegistry(prefix: "loghost_\(name.replacing("-", with: "_"))_", factory: pluginFactory)
        self.http = outbound.map { HTTPService(name: name, client: $0, factory: factory) }
        unsafe self.record = .allocate(capacity: 1)
        unsafe self.record.initialize(
            to: Record(
                host: loghost_host(
                    size: UInt32(MemoryLayout<loghost_host>.size),
                    flags: authorizes ? UInt32(LOGHOST_HOST_AUTHORIZES) : 0, name: self.memory.bytes(name),
                    version: self.memory.bytes(LogHostVersion.text),
                    get_extension: { _, id in
                        guard let id = unsafe id else { return nil }
                        return unsafe HostServices.functions(String(cString: id))
                    },
                    wake: { host, id in unsafe HostServices.of(host)?.wakes.wake(id) }),
                services: unsafe Unmanaged.passUnretained(self)))
    }

    deinit { unsafe self.record.deallocate() }

    /// What the plugin's `create` is given.
    package var pointer: UnsafePointer<loghost_host> {
        unsafe UnsafePointer(UnsafeMutableRawPointer(self.record).assumingMemoryBound(to: loghost_host.self))
    }

    /// Ends what the plugin has open; nothing calls it back any more.
    package func close() {
        self.http?.close()
        self.watches.unwatchAll(of: ObjectIdentifier(self))
    }

    static func of(_ host: UnsafePointer<loghost_host>?) -> HostServices? {
        guard let host = unsafe host else { return nil }
        return unsafe UnsafeRawPointer(host).assumingMemoryBound(to: Record.self).pointee.services.takeUnretainedValue()
    }

    private static func functions(_ id: String) -> UnsafeRawPointer? {
        switch id {
        case LOGHOST_HOST_LOG: unsafe UnsafeRawPointer(logFunctions.pointer)
        case LOGHOST_HOST_METRICS: unsafe UnsafeRawPointer(metricFunctions.pointer)
        case LOGHOST_HOST_CLOCK: unsafe UnsafeRawPointer(clockFunctions.pointer)
        case LOGHOST_HOST_FD: unsafe UnsafeRawPointer(descriptorFunctions.pointer)
        case LOGHOST_HOST_HTTP: unsafe UnsafeRawPointer(httpFunctions.pointer)
        default: nil
        }
    }
}

/// A table of functions at a fixed address for the life of the process.
// The pointee is written once, before the pointer is published, and never freed.
@safe
struct FunctionTable<Functions>: @unchecked Sendable {
    let pointer: UnsafePointer<Functions>

    init(_ functions: Functions) {
        let table = UnsafeMutablePointer<Functions>.allocate(capacity: 1)
        unsafe table.initialize(to: functions)
        unsafe self.pointer = unsafe UnsafePointer(table)
    }
}

private let clockFunctions = unsafe FunctionTable(
    loghost_host_clock(
        size: UInt32(MemoryLayout<loghost_host_clock>.size), reserved: 0,
        realtime: { _ in microseconds(CLOCK_REALTIME) },
        monotonic: { _ in microseconds(CLOCK_MONOTONIC) }))

/// Reads a clock of the kernel's.
func microseconds(_ clock: clockid_t) -> UInt64 {
    var time = timespec()
    unsafe clock_gettime(clock, &time)
    return UInt64(time.tv_sec) * 1_000_000 + UInt64(time.tv_nsec) / 1_000
}

private let logFunctions = unsafe FunctionTable(
    loghost_host_log(
        size: UInt32(MemoryLayout<loghost_host_log>.size), reserved: 0,
        log: { host, level, message, attributes, count in
            guard let services = unsafe HostServices.of(host) else { return }
            var metadata: Logger.Metadata = [:]
            unsafe UnsafeBufferPointer(start: attributes, count: min(count, 64)).forEach { attribute in
                unsafe metadata[attribute.key.text] = unsafe .string(String(attribute.value.text.prefix(1024)))
            }
            services.logger.log(level: logLevel(level), unsafe "\(String(message.text.prefix(4096)))", metadata: metadata)
        },
        enabled: { host, level in
            guard let services = unsafe HostServices.of(host) else { return 0 }
            return services.logger.logLevel <= logLevel(level) ? 1 : 0
        }))

private func logLevel(_ level: Int32) -> Logger.Level {
    switch Int(level) {
    case LOGHOST_LOG_TRACE: .trace
    case LOGHOST_LOG_DEBUG: .debug
    case LOGHOST_LOG_INFO: .info
    case LOGHOST_LOG_NOTICE: .notice
    case LOGHOST_LOG_WARNING: .warning
    default: .error
    }
}
