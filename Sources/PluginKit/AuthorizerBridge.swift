internal import PluginABI
internal import Synchronization

/// An authorizer's functions, as C sees them.
let authorizerFunctions = unsafe FunctionTable(
    loghost_authorizer(
        size: UInt32(MemoryLayout<loghost_authorizer>.size), reserved: 0,
        authorize: { instance, operation, request, done, context in
            guard let pointer = unsafe instance, let borrowed = unsafe request, let done = unsafe done else { return }
            let instance = unsafe Instance.of(pointer)
            let completion = unsafe AuthorizeCompletion(done: done, context: context)
            let request = unsafe AuthorizationRequest(borrowed)
            if let decision = instance.authorizer?.decide(request) {
                completion(operation, decision)
                return
            }
            instance.operations.begin(operation) {
                do {
                    guard let authorizer = instance.authorizer else {
                        throw PluginError(.internalFault, "This plugin is no authorizer.")
                    }
                    completion(operation, try await authorizer.authorize(request))
                } catch {
                    instance.report(error, in: "authorize")
                    completion(operation, error)
                }
            }
        },
        cancel: { instance, operation in
            guard let instance = unsafe instance else { return }
            unsafe Instance.of(instance).operations.cancel(operation)
        }))

/// The running asynchronous calls of an instance, so that each can be cancelled by the host's number for it.
final class Operations: Sendable {
    private enum Operation {
        case running(Task<Void, Never>)
        /// Finished before its task was stored.
        case finished
    }

    private let operations = Mutex<[UInt64: Operation]>([:])

    /// Runs an operation, up to where it has to wait on the calling thread; it is over when the body returns.
    func begin(_ id: UInt64, _ body: @escaping @Sendable () async -> Void) {
        let task = Task.immediate {
            await body()
            self.operations.withLock { operations in
                // Not stored yet: leave word for `begin`.
                if operations.removeValue(forKey: id) == nil { operations[id] = .finished }
            }
        }
        self.operations.withLock { operations in
            if case .finished = operations[id] {
                operations[id] = nil
            } else {
                operations[id] = .running(task)
            }
        }
    }

    /// Cancels; the body's completion may still come and is ignored by the host.
    func cancel(_ id: UInt64) {
        guard case .running(let task) = self.operations.withLock({ $0[id] }) else { return }
        task.cancel()
    }
}

// A C function and the host's context for it: the ABI allows calling it from any thread, once.
@safe
private struct AuthorizeCompletion: @unchecked Sendable {
    let done: loghost_authorize_done
    let context: UnsafeMutableRawPointer?

    func callAsFunction(_ operation: UInt64, _ error: any Error) {
        unsafe withError(error) { unsafe self.done(self.context, operation, nil, $0) }
    }

    func callAsFunction(_ operation: UInt64, _ decision: Decision) {
        let arena = Arena()
        var answer = unsafe loghost_decision(
            size: UInt32(MemoryLayout<loghost_decision>.size), verdict: decision.verdict.rawValue,
            principal: arena.bytes(decision.principal), credential: arena.bytes(decision.credential),
            challenge: arena.bytes(decision.challenge), expires_realtime_microseconds: decision.expires,
            recheck_after_microseconds: decision.recheckAfter.map { max($0.microseconds, 1) } ?? 0,
            filter: arena.filter(decision.filter), reason: arena.bytes(decision.reason),
            object: arena.bytes(decision.object), action: arena.bytes(decision.action))
        unsafe self.done(self.context, operation, &answer, nil)
        withExtendedLifetime(arena) {}
    }
}

extension AuthorizationRequest {
    fileprivate init(_ request: UnsafePointer<loghost_authorization_request>) {
        self.init()
        let request = unsafe request.pointee
        self.method = unsafe request.method.text
        self.path = unsafe request.path.text
        self.route = unsafe request.route.text
        self.plugin = unsafe request.plugin.text
        self.variables = unsafe UnsafeBufferPointer(start: request.variables, count: request.variable_count).map {
            unsafe ($0.name.text, $0.value.text)
        }
        self.headers = unsafe UnsafeBufferPointer(start: request.headers, count: request.header_count).map {
            unsafe ($0.name.text, $0.value.text)
        }
        self.principal = unsafe request.principal.text
        self.requestID = unsafe request.request_id.text
        self.credential = unsafe request.credential.text
        self.isRecheck = unsafe request.recheck != 0
        guard let peer = unsafe request.peer?.pointee else { return }
        self.peer.address = unsafe peer.address.text
        if unsafe peer.has_unix_credentials != 0 {
            self.peer.unix = unsafe Peer.UnixCredentials(uid: peer.uid, gid: peer.gid, pid: peer.pid)
        }
        self.peer.certificateSubject = unsafe peer.certificate_subject.text
        self.peer.certificateNames = unsafe UnsafeBufferPointer(start: peer.certificate_names, count: peer.certificate_name_count)
            .map { unsafe $0.text }
    }
}
