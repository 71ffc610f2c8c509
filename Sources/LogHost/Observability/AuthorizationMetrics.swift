package import Metrics

/// What operators see of decisions.
package final class AuthorizationMetrics: Sendable {
    private let decisions: [String: [String: Counter]]
    private let results: [String: Counter]

    package init(authorizers: [String], factory: any MetricsFactory = MetricsSystem.factory) {
        func counters(_ label: String, _ name: String, _ words: [String], _ more: [(String, String)]) -> [String: Counter] {
            Dictionary(
                uniqueKeysWithValues: words.map { word in
                    (word, Counter(label: label, dimensions: more + [(name, word)], factory: factory))
                })
        }
        let verdicts = ["allow", "deny", "unauthenticated", "abstain", "undecided"]
        var decisions: [String: [String: Counter]] = [:]
        for authorizer in authorizers {
            decisions[authorizer] = counters(
                "loghost_authorizer_decisions_total", "verdict", verdicts, [("authorizer", authorizer)])
        }
        self.decisions = decisions
        self.results = counters(
            "loghost_authorizations_total", "result", ["allow", "deny", "unauthenticated", "undecided"], [])
    }

    func count(_ verdict: Decision.Verdict, of authorizer: String) {
        let word =
            switch verdict {
            case .allow: "allow"
            case .deny: "deny"
            case .unauthenticated: "unauthenticated"
            case .abstain: "abstain"
            case .cannotDecide: "undecided"
            }
        self.decisions[authorizer]?[word]?.increment()
    }

    func count(_ result: Ruling.Result) { self.results[result.word]?.increment() }
}
