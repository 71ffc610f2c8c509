internal import Logging
internal import PluginABI
internal import Synchronization

/// One configured plugin: created, started, stopped and destroyed in that order.
// The instance pointer is set once; the ABI's [init] functions are only called from the program's start and stop.
@safe
final class PluginInstance: @unchecked Sendable {
    let name: String
    let library: LoadedLibrary
    /// Requests are given to it with their verified credential.
    let getsCredential: Bool
    let services: HostServices
    let source: SourceHandle?
    let routes: [RouteDescription]
    let encoders: [EncoderHandle]
    let authorizer: AuthorizerHandle?
    /// Nil when it is ready as soon as it has started.
    let health: HealthHandle?
    /// Nil when it has no words for a query.
    let explain: ExplainHandle?
    let metrics: PluginMetrics
    private let descriptor: UnsafePointer<loghost_plugin>
    private let instance: OpaquePointer
    private var isStarted = false
    private let hash = Mutex<String?>(nil)

    /// Creates an instance of a loaded library; throws what the plugin has against its configuration.
    init(
        name: String, configuration: [UInt8], getsCredential: Bool = false, library: LoadedLibrary, services: HostServices
    ) throws(PluginFailure) {
        self.name = name
        self.getsCredential = getsCredential
        self.library = library
        self.services = services
        unsafe self.descriptor = unsafe library.descriptor
        var error = PluginFailure.fresh()
        let memory = CMemory()
        let created = unsafe self.descriptor.pointee.create(services.pointer, memory.bytes(configuration), &error)
        withExtendedLifetime(memory) {}
        guard let instance = unsafe created else { throw PluginFailure(error) }
        unsafe self.instance = unsafe instance
        let descriptor = unsafe self.descriptor
        let metrics: PluginMetrics
        do {
            let tables = unsafe try PluginTables(of: instance, descriptor)
            metrics = PluginMetrics(plugin: name, calls: tables.calls)
            self.source = unsafe tables.source.map {
                unsafe SourceHandle(instance: instance, functions: $0, metrics: metrics)
            }
            self.routes = try self.source?.routes() ?? []
            self.encoders =
                if let encoder = unsafe tables.encoder {
                    unsafe try EncoderHandle.all(instance: instance, functions: encoder, metrics: metrics)
                } else {
                    []
                }
            self.authorizer = unsafe tables.authorizer.map {
                unsafe AuthorizerHandle(
                    name: name, getsCredential: getsCredential, instance: instance, functions: $0, metrics: metrics)
            }
            self.health = unsafe tables.health.map { unsafe HealthHandle(instance: instance, functions: $0) }
            self.explain = unsafe tables.explain.map { unsafe ExplainHandle(instance: instance, functions: $0) }
        } catch {
            services.close()
            unsafe descriptor.pointee.destroy(instance)
            throw error
        }
        self.metrics = metrics
    }

    deinit {
        self.services.close()
        unsafe self.descriptor.pointee.destroy(self.instance)
    }

    /// What the instance contributes, for people.
    var kinds: [String] {
        (self.source == nil ? [] : ["source"]) + (self.encoders.isEmpty ? [] : ["encoder"])
            + (self.authorizer == nil ? [] : ["authorizer"])
    }

    /// The library's SHA-256; nil when its file cannot be read any more. Reads the whole file once.
    var sha256: String? {
        self.hash.withLock { hash in
            if hash == nil { hash = try? self.library.sha256 }
            return hash
        }
    }

    func start() throws(PluginFailure) {
        var error = PluginFailure.fresh()
        let code = unsafe self.descriptor.pointee.start(self.instance, &error)
        if Int(code) != LOGHOST_OK { throw PluginFailure(error) }
        self.isStarted = true
    }

    /// Stops it, if it was started.
    func stop() {
        guard self.isStarted else { return }
        self.isStarted = false
        unsafe self.descriptor.pointee.stop(self.instance)
        self.services.close()
    }
}
