internal import Metrics
internal import NIOCore
internal import NIOPosix
internal import PluginABI
internal import Synchronization

/// `loghost.host.http/1` as one instance sees it: its open requests, by ids that are never used twice.
///
/// All call backs of an instance run on one event loop. So a call back can cancel any other request of its instance without
/// waiting for it, and two that cancel each other cannot wait for each other.
final class HTTPService: Sendable {
    private struct State {
        var nextID: UInt64 = 1
        var requests: [UInt64: OutboundRequest] = [:]
        /// Those that have not ended; an ended one stays in `requests` until its last call back has returned.
        var inFlight = 0
        var isClosed = false
        var core: Core?
    }

    /// Made with the first request: most plugins ask nobody.
    private struct Core: Sendable {
        var loop: any EventLoop
        var metrics: OutboundMetrics
    }

    private static let capacity = 256

    private let name: String
    private let client: OutboundClient
    private let factory: any MetricsFactory
    private let state = Mutex(State())

    init(name: String, client: OutboundClient, factory: any MetricsFactory = MetricsSystem.factory) {
        self.name = name
        self.client = client
        self.factory = factory
    }

    /// Begins a request and returns its id; throws what is wrong with it.
    func begin(
        _ request: loghost_http_request, callbacks: loghost_http_callbacks, context: UnsafeMutableRawPointer?
    ) throws(PluginFailure) -> UInt64 {
        guard let core = self.core() else { throw .stopping }
        do throws(PluginFailure) {
            let description = unsafe try OutboundDescription(request, certificates: self.client.certificates)
            let callbacks = unsafe try OutboundCallbacks(callbacks, context: context, isStream: description.isStream)
            guard let client = self.client.client() else { throw .stopping }
            let outbound = try self.state.withLock { state throws(PluginFailure) -> OutboundRequest in
                guard !state.isClosed else { throw .stopping }
                guard state.inFlight < Self.capacity else { throw .manyRequests }
                let id = state.nextID
                state.nextID += 1
                let outbound = OutboundRequest(
                    id: id, description, callbacks, service: self, client: client, loop: core.loop, metrics: core.metrics)
                state.requests[id] = outbound
                state.inFlight += 1
                core.metrics.measure(inFlight: state.inFlight)
                return outbound
            }
            outbound.begin()
            return outbound.id
        } catch {
            core.metrics.count(error)
            throw error
        }
    }

    func resume(_ id: UInt64) { self.state.withLock { $0.requests[id] }?.resume() }

    /// Gives a request up; waits for its running call back, unless called from one.
    func cancel(_ id: UInt64) { self.state.withLock { $0.requests[id] }?.cancel() }

    /// Gives everything up and begins nothing more: when it returns, no call back runs or will come.
    func close() {
        let requests = self.state.withLock { state in
            state.isClosed = true
            return Array(state.requests.values)
        }
        for request in requests { request.cancel() }
    }

    /// Makes place for another request.
    func ended() {
        self.state.withLock { state in
            state.inFlight -= 1
            state.core?.metrics.measure(inFlight: state.inFlight)
        }
    }

    /// Forgets a request whose last call back has returned.
    func remove(_ id: UInt64) { self.state.withLock { _ = $0.requests.removeValue(forKey: id) } }

    private func core() -> Core? {
        self.state.withLock { state in
            if state.core == nil, !state.isClosed {
                let loop = MultiThreadedEventLoopGroup.singleton.next()
                state.core = Core(loop: loop, metrics: OutboundMetrics(plugin: self.name, factory: self.factory))
            }
            return state.isClosed ? nil : state.core
        }
    }
}

let httpFunctions = unsafe FunctionTable(
    loghost_host_http(
        size: UInt32(MemoryLayout<loghost_host_http>.size), reserved: 0,
        request: { host, request, callbacks, context, error in
            do throws(PluginFailure) {
                guard let service = unsafe HostServices.of(host)?.http else { throw .stopping }
                guard let request = unsafe request, let callbacks = unsafe callbacks else {
                    throw PluginFailure(code: LOGHOST_ERROR_INVALID, message: "request, callbacks: expected both.")
                }
                return unsafe try service.begin(request.pointee, callbacks: callbacks.pointee, context: context)
            } catch let failure {
                unsafe error?.fill(failure)
                return 0
            }
        },
        resume: { host, id in unsafe HostServices.of(host)?.http?.resume(id) },
        cancel: { host, id in unsafe HostServices.of(host)?.http?.cancel(id) }))
