internal import PluginKit

/// Decides who may read a container's logs: whoever Mesos lets look into its sandbox.
///
/// Mesos without authentication lets everybody do that. So it is asked only about clients that an authorizer before this one has verified.
struct SandboxProbe: Authorizer {
    let agent: Agent
    /// The instance whose files are read past Mesos: without a principal to ask for, nobody may read them.
    private let guarded: String?
    private let answers: SharedLookup<Question, Bool>

    private struct Question: Hashable, Sendable {
        var principal: String
        var token: String
        var sandbox: Sandbox
    }

    init(agent: Agent, guarded: String? = nil, background: Background) {
        self.agent = agent
        self.guarded = guarded
        self.answers = SharedLookup(lifetime: .seconds(5), capacity: 8_192, background: background) { question in
            try await Self.ask(question, agent)
        }
    }

    func decide(_ request: AuthorizationRequest) -> Decision? {
        do {
            guard let question = try self.question(request) else { return self.withoutQuestion(request) }
            return self.answers.known(question).map { self.decision($0, question) }
        } catch {
            // No id at all: the route will say so.
            return Decision(.abstain)
        }
    }

    func authorize(_ request: AuthorizationRequest) async throws -> Decision {
        guard let question = try self.question(request) else { return self.withoutQuestion(request) }
        do {
            return self.decision(try await self.answers(question), question)
        } catch let error as PluginError {
            var decision = Decision(.cannotDecide)
            decision.reason = error.code == .timeout ? "timeout" : "agent"
            decision.object = Self.object(question.sandbox)
            return decision
        }
    }

    private func question(_ request: AuthorizationRequest) throws -> Question? {
        guard !request.principal.isEmpty, let sandbox = try Sandbox(request.variables) else { return nil }
        return Question(principal: request.principal, token: request.credential, sandbox: sandbox.run)
    }

    /// What is no sandbox is not this authorizer's to say, nor who has no principal yet, unless Mesos would not be asked at all.
    private func withoutQuestion(_ request: AuthorizationRequest) -> Decision {
        guard let guarded, request.plugin == guarded, request.variables.contains(where: { $0.name == "container_id" }) else {
            return Decision(.abstain)
        }
        var decision = Decision(.unauthenticated)
        decision.reason = "no principal before the probe"
        return decision
    }

    private func decision(_ isAllowed: Bool, _ question: Question) -> Decision {
        var decision = Decision(isAllowed ? .allow : .deny)
        decision.reason = isAllowed ? "sandbox permitted" : "sandbox not permitted"
        decision.object = Self.object(question.sandbox)
        decision.action = "browse"
        return decision
    }

    private static func object(_ sandbox: Sandbox) -> String {
        "mesos:sandbox:\(sandbox.framework):\(sandbox.executor):\(sandbox.containers.joined(separator: "."))"
    }

    /// Only a clear word counts; everything else is thrown.
    private static func ask(_ question: Question, _ agent: Agent) async throws -> Bool {
        do {
            let identity = try await agent.identity(token: question.token)
            do {
                _ = try await agent.listings(.init(token: question.token, text: question.sandbox.directory(on: identity)))
            } catch let error as PluginError where error.code == .notFound {
                let fresh = try await agent.freshIdentity(token: question.token)
                if fresh == identity { throw error }
                _ = try await agent.listings(.init(token: question.token, text: question.sandbox.directory(on: fresh)))
            }
            return true
        } catch let error as PluginError {
            switch error.code {
            case .unauthenticated, .forbidden, .notFound: return false
            default: throw error
            }
        }
    }
}
