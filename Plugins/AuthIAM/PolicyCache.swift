internal import PluginKit
internal import Synchronization

/// Whether a user has the permission for all actions on a resource.
struct PolicyQuestion: Sendable, Hashable {
    /// Covers create, read, update and delete.
    static let action = "full"

    let uid: String
    let resource: String
}

/// Asks the IAM for permissions and remembers its answers for a moment. For each question one query is under way at most; it belongs to
/// nobody who waits for it.
final class PolicyCache: Sendable {
    typealias Answer = Result<Bool, IAMFailure>

    private enum Entry {
        case asking(Task<Answer, Never>)
        case answered(Answer, until: ContinuousClock.Instant)
    }

    /// An answer counts from the moment of the question.
    static let lifetime = Duration.seconds(5)
    /// A failure counts from its end: a dead IAM is asked once in this time for each question.
    static let failureLifetime = Duration.seconds(1)
    /// Answers that are remembered, and queries under way.
    static let capacity = 8192
    static let queries = 256

    private struct State {
        var entries: [PolicyQuestion: Entry] = [:]
        var queries = 0
    }

    private let ask: @Sendable (PolicyQuestion) async -> Answer
    private let environment: IAMEnvironment
    private let background: Background
    private let state = Mutex(State())

    init(environment: IAMEnvironment, background: Background, ask: @escaping @Sendable (PolicyQuestion) async -> Answer) {
        self.environment = environment
        self.background = background
        self.ask = ask
    }

    /// Tells what is known without asking.
    func known(_ question: PolicyQuestion) -> Answer? {
        let now = self.environment.monotonic()
        return self.state.withLock { state in
            guard case .answered(let answer, let until) = state.entries[question], now < until else { return nil }
            return answer
        }
    }

    /// Answers from memory, or joins the query under way, or makes one.
    func answer(_ question: PolicyQuestion) async -> Answer {
        let now = self.environment.monotonic()
        let step = self.state.withLock { state -> Entry in
            switch state.entries[question] {
            case .asking(let task): return .asking(task)
            case .answered(let answer, let until) where now < until: return .answered(answer, until: until)
            default: break
            }
            guard state.queries < Self.queries else {
                return .answered(.failure(IAMFailure(reason: "too many queries")), until: now)
            }
            self.makeRoom(&state, now)
            let task = self.background.start { await self.query(question, since: now) }
            state.entries[question] = .asking(task)
            state.queries += 1
            return .asking(task)
        }
        switch step {
        case .asking(let task): return await task.value
        case .answered(let answer, _): return answer
        }
    }

    private func query(_ question: PolicyQuestion, since start: ContinuousClock.Instant) async -> Answer {
        let answer = await self.ask(question)
        let now = self.environment.monotonic()
        let until = if case .success = answer { start + Self.lifetime } else { now + Self.failureLifetime }
        self.state.withLock { state in
            state.queries -= 1
            state.entries[question] = .answered(answer, until: until)
        }
        return answer
    }

    private func makeRoom(_ state: inout State, _ now: ContinuousClock.Instant) {
        guard state.entries.count >= Self.capacity else { return }
        state.entries = state.entries.filter { entry in
            if case .answered(_, let until) = entry.value { now < until } else { true }
        }
        let excess = state.entries.count - Self.capacity * 7 / 8
        guard excess > 0 else { return }
        let answered = state.entries.filter { if case .answered = $0.value { true } else { false } }
        for question in answered.keys.prefix(excess) { state.entries[question] = nil }
    }
}
