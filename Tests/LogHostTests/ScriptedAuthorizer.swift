internal import LogHost
internal import PluginABI
internal import Synchronization

/// An authorizer behind the real C functions that does what a test says.
// What is not under the mutex is written in the initializer only.
@safe
final class ScriptedAuthorizer: @unchecked Sendable {
    enum Move: Sendable {
        case decide(
            Int32, principal: String = "", challenge: String = "", filter: (name: String, value: String)? = nil,
            expires: UInt64 = 0)
        case fail
        /// Never completes.
        case silence
    }

    struct Seen: Sendable {
        var calls = 0
        var cancelled = 0
        var principals: [String] = []
        var rechecks = 0
        var paths: Set<String> = []
    }

    private let move: Mutex<Move>
    private let seen = Mutex(Seen())
    private let name: String

    init(_ name: String, _ move: Move) {
        self.name = name
        self.move = Mutex(move)
    }

    /// As the host sees it; lives no longer than this.
    var handle: AuthorizerHandle {
        let instance = unsafe OpaquePointer(Unmanaged.passUnretained(self).toOpaque())
        return unsafe AuthorizerHandle(name: self.name, instance: instance, functions: Self.functions)
    }

    var what: Seen { self.seen.withLock { $0 } }

    func set(_ move: Move) { self.move.withLock { $0 = move } }

    private static func of(_ instance: OpaquePointer?) -> ScriptedAuthorizer {
        guard let instance = unsafe instance else { preconditionFailure("the host gives the instance") }
        return unsafe Unmanaged<ScriptedAuthorizer>.fromOpaque(UnsafeRawPointer(instance)).takeUnretainedValue()
    }

    nonisolated(unsafe) private static let functions: UnsafePointer<loghost_authorizer> = {
        let functions = UnsafeMutablePointer<loghost_authorizer>.allocate(capacity: 1)
        unsafe functions.initialize(
            to: loghost_authorizer(
                size: UInt32(MemoryLayout<loghost_authorizer>.size), reserved: 0,
                authorize: { instance, operation, request, done, context in
                    guard let request = unsafe request?.pointee, let done = unsafe done else { return }
                    unsafe ScriptedAuthorizer.of(instance).authorize(operation, request, done, context)
                },
                cancel: { instance, _ in
                    unsafe ScriptedAuthorizer.of(instance).seen.withLock { $0.cancelled += 1 }
                }))
        return unsafe UnsafePointer(functions)
    }()

    private func authorize(
        _ operation: UInt64, _ request: loghost_authorization_request, _ done: loghost_authorize_done,
        _ context: UnsafeMutableRawPointer?
    ) {
        let principal = unsafe String(
            decoding: UnsafeBufferPointer(start: request.principal.data, count: request.principal.size), as: UTF8.self)
        let path = unsafe String(decoding: UnsafeBufferPointer(start: request.path.data, count: request.path.size), as: UTF8.self)
        self.seen.withLock { seen in
            seen.calls += 1
            seen.principals.append(principal)
            seen.paths.insert(path)
            if unsafe request.recheck != 0 { seen.rechecks += 1 }
        }
        switch self.move.withLock({ $0 }) {
        case .silence: return
        case .fail:
            var error = loghost_error()
            error.size = UInt32(MemoryLayout<loghost_error>.size)
            error.code = Int32(LOGHOST_ERROR_INTERNAL)
            unsafe done(context, operation, nil, &error)
        case .decide(let verdict, let principal, let challenge, let filter, let expires):
            let memory = CMemory()
            var decision = unsafe loghost_decision()
            unsafe decision.size = unsafe UInt32(MemoryLayout<loghost_decision>.size)
            unsafe decision.verdict = verdict
            unsafe decision.principal = unsafe memory.bytes(principal)
            unsafe decision.challenge = unsafe memory.bytes(challenge)
            unsafe decision.expires_realtime_microseconds = expires
            // The host asks no more often than once per second.
            unsafe decision.recheck_after_microseconds = 1
            if let filter {
                unsafe decision.filter = unsafe memory.filter(LogFilter(clauses: [[LogMatch(filter.name, filter.value)]]))
            }
            unsafe done(context, operation, &decision, nil)
            withExtendedLifetime(memory) {}
        }
    }
}
