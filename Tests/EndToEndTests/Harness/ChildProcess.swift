internal import Glibc
internal import Synchronization

/// A process that the tests have started.
final class ChildProcess: Sendable {
    enum Exit: Sendable, Hashable, CustomStringConvertible {
        case status(Int32)
        case signal(Int32)

        var description: String {
            switch self {
            case .status(let status): "exit status \(status)"
            case .signal(let signal): "signal \(signal)"
            }
        }
    }

    private enum State {
        case running
        case over(Exit)
    }

    let pid: pid_t
    private let state = Mutex(State.running)

    /// Starts a program with the tests' environment and TZ=UTC; signals are as if no tests ran here.
    init(_ arguments: [String], input: Descriptor? = nil, output: Descriptor? = nil) throws {
        var actions = unsafe posix_spawn_file_actions_t()
        unsafe posix_spawn_file_actions_init(&actions)
        defer { unsafe posix_spawn_file_actions_destroy(&actions) }
        for (descriptor, number, mode) in [(input, 0, O_RDONLY), (output, 1, O_WRONLY), (output, 2, O_WRONLY)] {
            if let descriptor {
                unsafe posix_spawn_file_actions_adddup2(&actions, descriptor.number, Int32(number))
            } else {
                unsafe posix_spawn_file_actions_addopen(&actions, Int32(number), "/dev/null", mode, 0)
            }
        }
        var attributes = posix_spawnattr_t()
        unsafe posix_spawnattr_init(&attributes)
        defer { unsafe posix_spawnattr_destroy(&attributes) }
        var signals = sigset_t()
        unsafe sigemptyset(&signals)
        unsafe posix_spawnattr_setsigmask(&attributes, &signals)
        unsafe sigaddset(&signals, SIGPIPE)
        unsafe posix_spawnattr_setsigdefault(&attributes, &signals)
        unsafe posix_spawnattr_setflags(&attributes, Int16(POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF))

        var pid: pid_t = 0
        let result = unsafe withCStrings(arguments) { list in
            unsafe withCStrings(Self.environment) { environment in
                Self.starting.withLock { _ in
                    unsafe posix_spawnp(&pid, arguments[0], &actions, &attributes, list, environment)
                }
            }
        }
        guard result == 0 else { throw HarnessError(call: "start \(arguments[0])", result) }
        self.pid = pid
    }

    deinit { self.kill() }

    /// How it ended; nil while it runs.
    var exit: Exit? {
        self.state.withLock { state in
            if case .over(let exit) = state { return exit }
            var status: Int32 = 0
            guard unsafe waitpid(self.pid, &status, WNOHANG) == self.pid else { return nil }
            let exit = status & 0x7f == 0 ? Exit.status(status >> 8 & 0xff) : .signal(status & 0x7f)
            state = .over(exit)
            return exit
        }
    }

    /// Waits until it has ended; nil when it still runs after that time.
    func waitForExit(within limit: Duration) async throws -> Exit? {
        let deadline = ContinuousClock.now + limit
        while ContinuousClock.now < deadline {
            if let exit = self.exit { return exit }
            try await Task.sleep(for: .milliseconds(5))
        }
        return self.exit
    }

    func send(_ signal: Int32) {
        if self.exit == nil { Glibc.kill(self.pid, signal) }
    }

    /// Ends it at once and waits for that.
    func kill() {
        guard self.exit == nil else { return }
        Glibc.kill(self.pid, SIGKILL)
        while self.exit == nil { usleep(1000) }
    }

    /// Held while a process starts, and while there are descriptors that it would inherit.
    static let starting = Mutex(())

    private static let environment: [String] = {
        var variables = ["TZ=UTC"]
        var next = unsafe environ
        while let variable = unsafe next.pointee {
            let text = unsafe String(cString: variable)
            if !text.hasPrefix("TZ=") { variables.append(text) }
            unsafe next += 1
        }
        return variables
    }()
}

private func withCStrings<Value>(_ strings: [String], _ body: ([UnsafeMutablePointer<CChar>?]) throws -> Value) rethrows -> Value
{
    let pointers = unsafe strings.map { unsafe strdup($0) } + [nil]
    defer { unsafe pointers.forEach { unsafe free($0) } }
    return try unsafe body(pointers)
}
