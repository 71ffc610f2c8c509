internal import PluginKit
internal import Synchronization

/// Tells operators when the IAM stops answering and when it answers again: not each failure.
final class Incidents: Sendable {
    enum Subject: String, Sendable {
        case keys = "key set"
        case permissions
        case login
        case mode
    }

    private struct State {
        var reason: String?
        var isAnnounced = false
        var spoken: ContinuousClock.Instant?
    }

    /// The same trouble is told again after this.
    static let reminder = Duration.seconds(60)
    /// However the IAM wavers, there is at most one failure in this time.
    static let pause = Duration.seconds(10)

    private let environment: IAMEnvironment
    private let states = Mutex<[Subject: State]>([:])

    init(environment: IAMEnvironment) {
        self.environment = environment
    }

    func failed(_ subject: Subject, _ failure: IAMFailure) {
        let now = self.environment.monotonic()
        let speaks = self.states.withLock { states in
            var state = states[subject] ?? State()
            let wait = state.isAnnounced && state.reason == failure.reason ? Self.reminder : Self.pause
            let speaks = state.spoken.map { now - $0 >= wait } ?? true
            if speaks {
                state = State(reason: failure.reason, isAnnounced: true, spoken: now)
                states[subject] = state
            }
            return speaks
        }
        guard speaks else { return }
        self.environment.log(
            failure.isMisconfiguration ? .error : .warning, failure.message,
            [("subject", subject.rawValue), ("reason", failure.reason)])
    }

    func succeeded(_ subject: Subject) {
        let speaks = self.states.withLock { states in
            guard states[subject]?.isAnnounced == true else { return false }
            states[subject]?.isAnnounced = false
            return true
        }
        if speaks { self.environment.log(.notice, "The IAM answers again.", [("subject", subject.rawValue)]) }
    }
}

/// Why the IAM has not given what was asked for.
struct IAMFailure: Error, Sendable, Hashable {
    /// A word or two for the audit record and the log.
    var reason: String
    /// One sentence for the log.
    var message = "The IAM does not answer as it should."
    /// True when it did not answer in time: the next question would wait as long.
    var isTimeout = false
    /// True when somebody has to change a configuration.
    var isMisconfiguration = false

    static let unusable = IAMFailure(reason: "garbage")
    static let openIAM = IAMFailure(
        reason: "open IAM",
        message: "The IAM has no permissions: it is an open one, and the configuration says mode: enterprise.",
        isMisconfiguration: true)

    static let enterpriseIAM = IAMFailure(
        reason: "Enterprise IAM",
        message: "The IAM has permissions, and nobody asks for them: the configuration says mode: open.", isMisconfiguration: true
    )

    static func status(_ status: Int) -> IAMFailure { IAMFailure(reason: "status \(status)") }

    /// Makes a failure of what the host's client throws.
    init(_ error: any Error) {
        switch (error as? PluginError)?.code {
        case .timeout: self.init(reason: "timeout", message: "The IAM does not answer in time.", isTimeout: true)
        case .limit: self.init(reason: "too large")
        default: self.init(reason: "unreachable", message: "The IAM cannot be reached.")
        }
    }

    init(reason: String, message: String? = nil, isTimeout: Bool = false, isMisconfiguration: Bool = false) {
        self.reason = reason
        if let message { self.message = message }
        self.isTimeout = isTimeout
        self.isMisconfiguration = isMisconfiguration
    }
}
