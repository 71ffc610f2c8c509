internal import Dispatch
internal import Glibc
package import PluginKit
internal import Synchronization

/// The principals in force: those of the configuration, or those of a file that may change at any time.
///
/// A file that is wrong in itself, such as one that an editor has written half, changes nothing: those read before stay in force. One that
/// somebody else may have read or written, or that is gone, puts an end to all decisions until it is mended.
package final class PrincipalStore: Sendable {
    private enum State {
        case none
        case inForce(Principals)
    }

    /// What the last look has found.
    private struct Seen {
        var stamp: PrincipalFile.Stamp?
        var isSettled = false
        var failure: PrincipalFile.Failure?
    }

    private let file: PrincipalFile?
    private let log: @Sendable (Host.LogLevel, String) -> Void
    private let state: Mutex<State>
    /// Locked during a look, so that there is one at a time.
    private let seen = Mutex(Seen())
    private let queue = DispatchQueue(label: "loghost.auth-token.file")
    private let stopping = DispatchSemaphore(value: 0)

    /// Holds principals that never change.
    package init(_ principals: Principals) {
        self.file = nil
        self.log = { _, _ in }
        self.state = Mutex(.inForce(principals))
    }

    /// Holds the principals of a file, none before `load`.
    package init(file: PrincipalFile, log: @escaping @Sendable (Host.LogLevel, String) -> Void) {
        self.file = file
        self.log = log
        self.state = Mutex(.none)
    }

    /// Nil when nothing can be decided.
    package var current: Principals? {
        self.state.withLock { state in
            if case .inForce(let principals) = state { principals } else { nil }
        }
    }

    /// Reads the file for the first time; throws what is wrong with it.
    package func load() throws {
        guard let file else { return }
        try self.seen.withLock { seen in
            do throws(PrincipalFile.Failure) {
                _ = try self.read(file, file.stamp(), &seen)
            } catch {
                throw PluginError(.invalid, "file: \(error.sentence)", detail: file.path)
            }
        }
    }

    /// Looks at the file once a second from now on.
    package func watch() {
        guard self.file != nil else { return }
        self.queue.async {
            while self.stopping.wait(timeout: .now() + .seconds(1)) == .timedOut { self.look() }
        }
    }

    /// Ends that, and returns when nothing runs.
    package func stop() {
        self.stopping.signal()
        self.queue.sync {}
    }

    /// Reads the file again if it has changed. Says once what is wrong with it.
    package func look() {
        guard let file else { return }
        self.seen.withLock { seen in
            let stamp = file.stamp()
            let isNew = stamp != seen.stamp
            guard isNew || stamp == nil || !seen.isSettled else { return }
            let before = seen.failure
            do throws(PrincipalFile.Failure) {
                let principals = try self.read(file, stamp, &seen)
                seen.failure = nil
                if isNew || before != nil { self.log(.notice, "The principals have been read again: \(principals.count).") }
            } catch {
                seen.failure = error
                self.take(error, after: before)
            }
        }
    }

    private func take(_ failure: PrincipalFile.Failure, after before: PrincipalFile.Failure?) {
        switch failure {
        case .bad:
            guard failure != before else { return }
            self.log(.error, "The file of principals is not read: \(failure.sentence). Those read before stay in force.")
        case .missing where failure != before:
            // One that is gone for a moment is being replaced.
            break
        case .missing, .untrusted:
            let isNew = self.state.withLock { state in
                defer { state = .none }
                if case .inForce = state { return true } else { return failure != before }
            }
            guard isNew else { return }
            self.log(
                .error, "The file of principals is not to be trusted: \(failure.sentence). Nobody is let in until it is mended.")
        }
    }

    private func read(
        _ file: PrincipalFile, _ stamp: PrincipalFile.Stamp?, _ seen: inout Seen
    ) throws(PrincipalFile.Failure) -> Principals {
        // Taken before it is opened: what changes from then on has another stamp.
        seen.stamp = stamp
        seen.isSettled = stamp?.isSettled(at: time(nil)) ?? false
        let principals = try file.read()
        self.state.withLock { $0 = .inForce(principals) }
        return principals
    }
}
