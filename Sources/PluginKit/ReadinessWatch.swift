internal import PluginABI
internal import Synchronization

extension Host {
    /// Begins to call a function while a descriptor can be read: on a thread of the host's, which it must not block, and never twice at
    /// once. It has to read the descriptor, or is called again. Throws `.unavailable` when the host cannot watch it.
    ///
    /// The descriptor stays the plugin's and must stay open until the watch has ended.
    public func watch(_ descriptor: Int32, onReadable: @escaping @Sendable () -> Void) throws -> ReadinessWatch {
        guard let (host, functions) = unsafe self.service("loghost.host.fd/1", as: loghost_host_fd.self) else {
            throw PluginError(.unavailable, "The host watches no descriptors.")
        }
        let handler = unsafe Unmanaged.passRetained(ReadinessHandler(onReadable))
        var error = loghost_error()
        error.size = UInt32(MemoryLayout<loghost_error>.size)
        let id = unsafe functions.watch(
            host, descriptor, UInt32(LOGHOST_FD_READABLE), ready, handler.toOpaque(), &error)
        guard id != 0 else {
            unsafe handler.release()
            throw PluginError(error)
        }
        return unsafe ReadinessWatch(host: self, id: id, handler: handler)
    }

    fileprivate func unwatch(_ id: UInt64) {
        guard let (host, functions) = unsafe self.service("loghost.host.fd/1", as: loghost_host_fd.self) else { return }
        unsafe functions.unwatch(host, id)
    }
}

// What is not Sendable is a reference count that only the one who ends the watch lets go.
/// A descriptor that the host watches, until `end`.
@safe
public final class ReadinessWatch: @unchecked Sendable {
    private let host: Host
    private let id: UInt64
    private let handler: Unmanaged<ReadinessHandler>
    private let hasEnded = Atomic(false)

    fileprivate init(host: Host, id: UInt64, handler: Unmanaged<ReadinessHandler>) {
        self.host = host
        self.id = id
        unsafe self.handler = unsafe handler
    }

    deinit { self.end() }

    /// Ends it: afterwards the function does not run any more, unless this was called from within it. May be called again.
    public func end() {
        guard !self.hasEnded.exchange(true, ordering: .acquiringAndReleasing) else { return }
        self.host.unwatch(self.id)
        unsafe self.handler.release()
    }
}

private final class ReadinessHandler: Sendable {
    let handle: @Sendable () -> Void

    init(_ handle: @escaping @Sendable () -> Void) {
        self.handle = handle
    }
}

private let ready: loghost_fd_ready = { context, _, _ in
    guard let context = unsafe context else { return }
    unsafe Unmanaged<ReadinessHandler>.fromOpaque(context).takeUnretainedValue().handle()
}
