internal import CLinux
// To Swift the types of pthread.h belong to whichever module declares them first, and X509 brings this one along.
internal import CoreFoundation
internal import Glibc
internal import PluginABI
internal import Synchronization

/// The fd service: one thread waits for the descriptors of all plugins.
// The state is under a mutex; the descriptors are set once, in the initializer.
@safe
package final class DescriptorWatch: @unchecked Sendable {
    @safe
    // A C function and the plugin's context for it, which the ABI allows calling from the watch's thread.
    private struct Watch: @unchecked Sendable {
        let owner: ObjectIdentifier
        let descriptor: Int32
        let ready: loghost_fd_ready
        let context: UnsafeMutableRawPointer?
    }

    private struct State {
        var nextID: UInt64 = 1
        var watches: [UInt64: Watch] = [:]
        /// The watch whose `ready` runs now.
        var running: UInt64?
        var isStopped = false
    }

    private static let capacityPerInstance = 4_096

    private let poll: Int32
    private let wakeup: Int32
    private let state = Mutex(State())
    // Allocated, because both must stay where they are.
    private let lock = UnsafeMutablePointer<pthread_mutex_t>.allocate(capacity: 1)
    private let finished = UnsafeMutablePointer<pthread_cond_t>.allocate(capacity: 1)
    private let thread = Mutex<pthread_t?>(nil)

    package init() {
        self.poll = loghost_epoll()
        self.wakeup = loghost_eventfd()
        unsafe pthread_mutex_init(self.lock, nil)
        unsafe pthread_cond_init(self.finished, nil)
        _ = loghost_epoll_add(self.poll, self.wakeup, EpollEvents.readable, 0)
    }

    deinit {
        unsafe pthread_cond_destroy(self.finished)
        unsafe pthread_mutex_destroy(self.lock)
        unsafe self.finished.deallocate()
        unsafe self.lock.deallocate()
        close(self.poll)
        close(self.wakeup)
    }

    /// Begins to call `ready`; returns 0 with a reason when it cannot.
    func watch(
        owner: ObjectIdentifier, descriptor: Int32, events: UInt32, ready: @escaping loghost_fd_ready,
        context: UnsafeMutableRawPointer?
    ) -> (id: UInt64, failure: String?) {
        self.startThread()
        return self.state.withLock { state in
            guard !state.isStopped else { return (0, "The host is stopping.") }
            guard state.watches.values.count(where: { $0.owner == owner }) < Self.capacityPerInstance else {
                return (0, "The plugin watches too many descriptors.")
            }
            let id = state.nextID
            state.nextID += 1
            guard loghost_epoll_add(self.poll, descriptor, EpollEvents.from(events), id) == 0 else {
                return (0, "The descriptor cannot be watched (error \(errno)).")
            }
            state.watches[id] = unsafe Watch(owner: owner, descriptor: descriptor, ready: ready, context: context)
            return (id, nil)
        }
    }

    /// Ends a watch; waits for a running `ready`, unless called from within it.
    func unwatch(_ id: UInt64) {
        unsafe pthread_mutex_lock(self.lock)
        self.state.withLock { state in
            guard let watch = state.watches.removeValue(forKey: id) else { return }
            _ = loghost_epoll_remove(self.poll, watch.descriptor)
        }
        let isOwnThread = self.thread.withLock { $0.map { pthread_equal($0, pthread_self()) != 0 } ?? false }
        while !isOwnThread, self.state.withLock({ $0.running == id }) {
            unsafe pthread_cond_wait(self.finished, self.lock)
        }
        unsafe pthread_mutex_unlock(self.lock)
    }

    /// Ends all watches of an instance.
    func unwatchAll(of owner: ObjectIdentifier) {
        for id in self.state.withLock({ $0.watches.filter { $0.value.owner == owner }.keys }) { self.unwatch(id) }
    }

    /// Ends the thread. Called once, after all instances are gone.
    func stop() {
        self.state.withLock { $0.isStopped = true }
        var one: UInt64 = 1
        unsafe write(self.wakeup, &one, 8)
        if let thread = self.thread.withLock({ $0 }) { pthread_join(thread, nil) }
    }

    private func startThread() {
        self.thread.withLock { thread in
            guard thread == nil else { return }
            var created = pthread_t()
            let unmanaged = unsafe Unmanaged.passUnretained(self)
            let result = unsafe pthread_create(
                &created, nil,
                { context in
                    guard let context = unsafe context else { return nil }
                    unsafe Unmanaged<DescriptorWatch>.fromOpaque(context).takeUnretainedValue().run()
                    return nil
                }, unsafe unmanaged.toOpaque())
            if result == 0 { thread = created }
        }
    }

    private func run() {
        while !self.state.withLock({ $0.isStopped }) {
            var number: UInt64 = 0
            var events: UInt32 = 0
            if unsafe loghost_epoll_wait(self.poll, &number, &events) == 1, number != 0 { self.deliver(number, events) }
        }
    }

    private func deliver(_ id: UInt64, _ events: UInt32) {
        let watch = self.state.withLock { state -> Watch? in
            // Unwatched since epoll_wait returned.
            guard let watch = state.watches[id] else { return nil }
            state.running = id
            return watch
        }
        guard let watch else { return }
        unsafe watch.ready(watch.context, watch.descriptor, EpollEvents.plain(events))
        unsafe pthread_mutex_lock(self.lock)
        self.state.withLock { $0.running = nil }
        unsafe pthread_cond_broadcast(self.finished)
        unsafe pthread_mutex_unlock(self.lock)
    }
}

/// The ABI's event bits and the kernel's.
private enum EpollEvents {
    static let readable = EPOLLIN.rawValue
    private static let writable = EPOLLOUT.rawValue
    private static let hangup = EPOLLHUP.rawValue | EPOLLERR.rawValue | EPOLLRDHUP.rawValue

    static func from(_ events: UInt32) -> UInt32 {
        var result: UInt32 = 0
        if events & UInt32(LOGHOST_FD_READABLE) != 0 { result |= self.readable }
        if events & UInt32(LOGHOST_FD_WRITABLE) != 0 { result |= self.writable }
        if events & UInt32(LOGHOST_FD_HANGUP) != 0 { result |= EPOLLRDHUP.rawValue }
        return result
    }

    static func plain(_ events: UInt32) -> UInt32 {
        var result: UInt32 = 0
        if events & self.readable != 0 { result |= UInt32(LOGHOST_FD_READABLE) }
        if events & self.writable != 0 { result |= UInt32(LOGHOST_FD_WRITABLE) }
        if events & self.hangup != 0 { result |= UInt32(LOGHOST_FD_HANGUP) }
        return result
    }
}

let descriptorFunctions = unsafe FunctionTable(
    loghost_host_fd(
        size: UInt32(MemoryLayout<loghost_host_fd>.size), reserved: 0,
        watch: { host, descriptor, events, ready, context, error in
            guard let services = unsafe HostServices.of(host), let ready = unsafe ready else { return 0 }
            let (id, failure) = unsafe services.watches.watch(
                owner: ObjectIdentifier(services), descriptor: descriptor, events: events, ready: ready, context: context)
            if let failure { unsafe error?.fill(code: LOGHOST_ERROR_UNAVAILABLE, failure) }
            return id
        },
        unwatch: { host, id in
            unsafe HostServices.of(host)?.watches.unwatch(id)
        }))

extension UnsafeMutablePointer<loghost_error> {
    /// Writes an error of the host's where a plugin expects one.
    func fill(code: Int, _ message: String) {
        unsafe self.pointee.code = Int32(code)
        unsafe self.pointee.detail_size = 0
        let utf8 = Array(message.utf8.prefix(256))
        unsafe withUnsafeMutableBytes(of: &self.pointee.message) { unsafe $0.copyBytes(from: utf8) }
        unsafe self.pointee.message_size = UInt32(utf8.count)
    }
}
