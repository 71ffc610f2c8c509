internal import NIOCore
internal import ServiceLifecycle
internal import Synchronization

/// Ends follows whose authorization has ended: when its time is over, or when the chain, asked again, no longer allows.
package final class Rechecks: Service {
    fileprivate struct Watched {
        let subject: AuthorizationSubject
        let signal: FollowSignal
        var grant: Grant
        var isAsking = false
        var nextAt: NIODeadline
        /// Since when nobody could say.
        var undecidedSince: NIODeadline?
    }

    private let chain: AuthorizerChain
    private let audit: AuditLog
    private let watched = Mutex<[ObjectIdentifier: Watched]>([:])

    /// An authorizer that cannot decide, because what it asks is down, ends no follow for so long.
    fileprivate static let patience = TimeAmount.minutes(5)
    /// Questions under way.
    private static let capacity = 256
    private static let tick = Duration.milliseconds(250)

    package init(_ chain: AuthorizerChain, audit: AuditLog) {
        self.chain = chain
        self.audit = audit
    }

    /// Watches over a follow until it is removed; `signal` is told when it must end.
    package func add(_ signal: FollowSignal, _ subject: AuthorizationSubject, _ grant: Grant) {
        let watched = Watched(subject: subject, signal: signal, grant: grant, nextAt: Self.next(grant))
        self.watched.withLock { $0[ObjectIdentifier(signal)] = watched }
    }

    package func remove(_ signal: FollowSignal) {
        self.watched.withLock { _ = $0.removeValue(forKey: ObjectIdentifier(signal)) }
    }

    /// Looks again and again until the service is told to stop.
    package func run() async throws {
        await cancelWhenGracefulShutdown {
            await withDiscardingTaskGroup { questions in
                while (try? await Task.sleep(for: Self.tick)) != nil {
                    for id in self.due() { questions.addTask { await self.ask(id) } }
                }
                questions.cancelAll()
            }
        }
    }

    /// Ends what has expired; answers whom to ask about.
    private func due() -> [ObjectIdentifier] {
        let now = NIODeadline.now()
        let (due, expired) = self.watched.withLock { watched in
            var due: [(id: ObjectIdentifier, at: NIODeadline)] = []
            var expired: [FollowSignal] = []
            var asking = 0
            for (id, follow) in watched {
                if follow.isAsking { asking += 1 }
                if follow.grant.hasExpired {
                    expired.append(follow.signal)
                } else if !follow.isAsking, follow.nextAt <= now {
                    due.append((id, follow.nextAt))
                }
            }
            // Who has waited longest comes first: with more than can be asked about, nobody is forgotten.
            if due.count > Self.capacity - asking { due.sort { $0.at < $1.at } }
            let asked = due.prefix(Self.capacity - asking).map(\.id)
            for id in asked { watched[id]?.isAsking = true }
            return (asked, expired)
        }
        for signal in expired { signal.end(.refused(.authorizationEnded)) }
        return due
    }

    private func ask(_ id: ObjectIdentifier) async {
        guard let follow = self.watched.withLock({ $0[id] }),
            let ruling = try? await self.chain.decide(follow.subject, isRecheck: true)
        else { return }
        let refusal = self.watched.withLock { $0[id]?.hear(ruling) }
        guard let refusal else { return }
        // Of questions asked again only a changed answer is recorded.
        self.audit.record(ruling, of: follow.subject, isRecheck: true)
        follow.signal.end(.refused(refusal))
    }

    fileprivate static func next(_ grant: Grant) -> NIODeadline {
        // Follows that began together do not ask together for ever.
        .now() + TimeAmount(grant.recheckAfter * Double.random(in: 0.8...1))
    }
}

extension Rechecks.Watched {
    /// Takes an answer in; returns what the follow has to end with, if it has to.
    fileprivate mutating func hear(_ ruling: Ruling) -> Problem? {
        self.isAsking = false
        switch ruling.result {
        case .allow(let grant):
            // What was sent so far was chosen for somebody else, or by another filter.
            guard grant.principal == self.grant.principal, grant.filter == self.grant.filter else { return .authorizationEnded }
            self.grant = grant
            self.undecidedSince = nil
        case .undecided:
            let since = self.undecidedSince ?? .now()
            self.undecidedSince = since
            guard .now() - since < Rechecks.patience else { return .authorizationEnded }
        case .deny, .unauthenticated:
            return .authorizationEnded
        }
        self.nextAt = Rechecks.next(self.grant)
        return nil
    }
}
