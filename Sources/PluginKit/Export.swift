internal import FoundationEssentials
public import PluginABI
internal import Synchronization

/// Gives a library's descriptor to the host; see `Plugin`.
///
/// A library holds one plugin: each has its own copy of PluginKit, and with it of this registration. Naming a second type
/// in the same library answers nil, which the host refuses.
public func export<P: Plugin>(_ type: P.Type) -> UnsafePointer<loghost_plugin>? {
    unsafe registration.withLock { registration in
        if registration == nil { registration = Registration(type) }
        return registration?.type == type ? unsafe registration?.descriptor : nil
    }
}

private let registration = Mutex<Registration?>(nil)

// The descriptor is written before it is published under the mutex and never changed or freed.
@safe
private struct Registration: @unchecked Sendable {
    let type: any Plugin.Type
    let descriptor: UnsafePointer<loghost_plugin>

    init<P: Plugin>(_ type: P.Type) {
        self.type = type
        let texts = unsafe Unmanaged.passRetained(Arena()).takeUnretainedValue()
        let descriptor = UnsafeMutablePointer<loghost_plugin>.allocate(capacity: 1)
        unsafe descriptor.initialize(
            to: loghost_plugin(
                size: UInt32(MemoryLayout<loghost_plugin>.size), abi_minor: UInt32(LOGHOST_ABI_MINOR), name: texts.bytes(P.name),
                version: texts.bytes(P.version), summary: texts.bytes(P.summary),
                flags: P.usesCredential ? UInt32(LOGHOST_PLUGIN_USES_CREDENTIAL) : 0, reserved: 0,
                create: { host, config, failure in
                    guard let host = unsafe host else { return nil }
                    guard let type = registration.withLock({ $0?.type }) else { return nil }
                    do {
                        let box = try Instance(type, host: unsafe Host(host), configuration: unsafe config.array)
                        return unsafe OpaquePointer(Unmanaged.passRetained(box).toOpaque())
                    } catch {
                        unsafe failure?.fill(error)
                        return nil
                    }
                },
                get_extension: { instance, id in
                    guard let instance = unsafe instance, let id = unsafe id else { return nil }
                    return unsafe Instance.of(instance).extensionFunctions(String(cString: id))
                },
                start: { instance, error in
                    guard let instance = unsafe instance else { return Int32(LOGHOST_ERROR_INTERNAL) }
                    do {
                        try unsafe Instance.of(instance).plugin.start()
                        return Int32(LOGHOST_OK)
                    } catch let failure {
                        unsafe error?.fill(failure)
                        return (failure as? PluginError)?.code.rawValue ?? Int32(LOGHOST_ERROR_INTERNAL)
                    }
                },
                stop: { instance in
                    guard let instance = unsafe instance else { return }
                    let box = unsafe Instance.of(instance)
                    box.plugin.stop()
                    box.host.calls.close()
                },
                destroy: { instance in
                    guard let instance = unsafe instance else { return }
                    unsafe Unmanaged<Instance>.fromOpaque(UnsafeRawPointer(instance)).release()
                }))
        unsafe self.descriptor = UnsafePointer(descriptor)
    }
}

/// One configured plugin behind an opaque pointer, with the C copies of what it declares.
final class Instance: Sendable {
    let plugin: any Plugin
    let host: Host
    let source: (any LogSource)?
    let asyncSource: (any AsyncLogSource)?
    let encoders: [any Encoder.Type]
    let authorizer: (any Authorizer)?
    let declarations: Declarations
    let operations = Operations()

    fileprivate init(_ type: any Plugin.Type, host: Host, configuration: [UInt8]) throws {
        self.host = host
        self.plugin = try makePlugin(type, host: host, configuration: configuration)
        self.source = self.plugin.source
        self.asyncSource = self.plugin.asyncSource
        self.encoders = self.plugin.encoders
        self.authorizer = self.plugin.authorizer
        self.declarations = Declarations(
            routes: self.source?.routes ?? self.asyncSource?.routes ?? [], encodings: self.encoders.map { $0.encoding })
    }

    static func of(_ pointer: OpaquePointer) -> Instance {
        unsafe Unmanaged<Instance>.fromOpaque(UnsafeRawPointer(pointer)).takeUnretainedValue()
    }

    fileprivate func extensionFunctions(_ id: String) -> UnsafeRawPointer? {
        switch id {
        case "loghost.source/1" where self.source != nil || self.asyncSource != nil:
            unsafe UnsafeRawPointer(sourceFunctions.pointer)
        case "loghost.encoder/1" where !self.encoders.isEmpty: unsafe UnsafeRawPointer(encoderFunctions.pointer)
        case "loghost.authorizer/1" where self.authorizer != nil: unsafe UnsafeRawPointer(authorizerFunctions.pointer)
        case "loghost.explain/1" where self.source != nil: unsafe UnsafeRawPointer(explainFunctions.pointer)
        case "loghost.health/1": unsafe UnsafeRawPointer(healthFunctions.pointer)
        default: nil
        }
    }
}

private func makePlugin<P: Plugin>(_ type: P.Type, host: Host, configuration: [UInt8]) throws -> any Plugin {
    let decoded: P.Configuration
    do {
        decoded = try JSONDecoder().decode(P.Configuration.self, from: Data(configuration))
    } catch let error as DecodingError {
        throw PluginError(.invalid, describe(error))
    }
    return try P(configuration: decoded, host: host)
}

/// Names the key that is wrong, and what was expected there.
private func describe(_ error: DecodingError) -> String {
    func path(_ keys: [any CodingKey]) -> String {
        let path = keys.map { key in key.intValue.map { "[\($0)]" } ?? ".\(key.stringValue)" }.joined()
        return path.hasPrefix(".") ? String(path.dropFirst()) : path
    }
    return switch error {
    case .keyNotFound(let key, let context): "\(path(context.codingPath + [key])): missing"
    case .typeMismatch(let type, let context): "\(path(context.codingPath)): expected \(type)"
    case .valueNotFound(let type, let context): "\(path(context.codingPath)): expected \(type), found nothing"
    case .dataCorrupted(let context): "\(path(context.codingPath)): \(context.debugDescription)"
    @unknown default: "The configuration cannot be read."
    }
}

/// C copies of routes and formats, fixed for the life of the instance.
// Written in the initializer only; the arena frees the memory with the instance.
@safe
final class Declarations: @unchecked Sendable {
    private let arena = Arena()
    let routes: UnsafePointer<loghost_route>?
    let routeCount: Int
    let encodings: UnsafePointer<loghost_encoding>?
    let encodingCount: Int

    init(routes: [Route], encodings: [Encoding]) {
        let arena = self.arena
        unsafe self.routes = unsafe arena.array(routes.map { unsafe $0.export(in: arena) })
        self.routeCount = routes.count
        unsafe self.encodings = unsafe arena.array(
            encodings.map { encoding in
                unsafe loghost_encoding(
                    size: UInt32(MemoryLayout<loghost_encoding>.size),
                    flags: encoding.isEventStream ? UInt32(LOGHOST_ENCODING_EVENT_STREAM) : 0, name: arena.bytes(encoding.name),
                    content_type: arena.bytes(encoding.contentType),
                    media_types: arena.array(encoding.mediaTypes.map { unsafe arena.bytes($0) }),
                    media_type_count: encoding.mediaTypes.count, summary: arena.bytes(encoding.summary))
            })
        self.encodingCount = encodings.count
    }
}

/// A table of functions at a fixed address for the life of the library.
// The pointee is written once, before the pointer is published, and never freed.
@safe
struct FunctionTable<Functions>: @unchecked Sendable {
    let pointer: UnsafePointer<Functions>

    init(_ functions: Functions) {
        let table = UnsafeMutablePointer<Functions>.allocate(capacity: 1)
        unsafe table.initialize(to: functions)
        unsafe self.pointer = UnsafePointer(table)
    }
}
