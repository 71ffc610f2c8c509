import AuthToken
import PluginKit
import Testing

struct PeerTests {
    private static let principals = """
        principals:
          - {name: root, uid: 0}
          - {name: operators, uid: [1000, 1001], gid: 27}
          - {name: adm, gid: 4}
          - name: dashboard
            certificate: ["dns:dash.example.com", "subject:CN=dash,O=Example"]
            units: nginx.service
          - {name: robot, certificate: ["uri:spiffe://x/robot", "email:robot@example.com"]}
          - {name: alice, sha256: \(Known.one)}
        """

    private static func decide(_ authorization: String..., peer: (inout Peer) -> Void) throws -> Decision {
        var request = request()
        request.headers += authorization.map { ("authorization", $0) }
        peer(&request.peer)
        return try #require(try authorizer(Self.principals).decide(request))
    }

    @Test(arguments: [
        (0, 0, "root", "uid"), (0, 4, "root", "uid"), (1001, 4, "operators", "uid"), (2000, 4, "adm", "gid"),
        (2000, 27, "operators", "gid"),
    ])
    func `a unix socket's peer is known by its user, else by its group`(
        uid: UInt32, gid: UInt32, name: String, reason: String
    ) throws {
        let decision = try Self.decide { $0.unix = Peer.UnixCredentials(uid: uid, gid: gid, pid: 1) }
        #expect(decision.verdict == .allow)
        #expect(decision.principal == name)
        #expect(decision.reason == reason)
    }

    @Test func `another peer is not known`() throws {
        let stranger = try Self.decide { $0.unix = Peer.UnixCredentials(uid: 5, gid: 5, pid: 1) }
        #expect(stranger.verdict == .abstain)
        #expect(!stranger.challenge.isEmpty)
        #expect(try Self.decide { $0.address = "127.0.0.1" }.verdict == .abstain)
    }

    @Test(arguments: [
        ("CN=dash,O=Example", [], "dashboard"), ("", ["dns:dash.example.com"], "dashboard"),
        ("CN=x", ["dns:other", "dns:DASH.example.com"], "dashboard"), ("", ["uri:spiffe://x/robot"], "robot"),
        ("CN=dash,O=Example", ["email:robot@example.com"], "dashboard"), ("CN=x", ["email:robot@example.com"], "robot"),
    ])
    func `a certificate is known by its subject, else by its names`(subject: String, names: [String], principal: String) throws {
        let decision = try Self.decide {
            $0.certificateSubject = subject
            $0.certificateNames = names
        }
        #expect(decision.verdict == .allow)
        #expect(decision.principal == principal)
        #expect(decision.reason == "certificate")
        #expect(decision.filter.clauses.isEmpty == (principal != "dashboard"))
    }

    @Test(arguments: [
        ("CN=dash", []), ("", ["dns:example.com"]), ("", ["subject:CN=dash,O=Example"]), ("dash.example.com", []),
        ("", ["uri:SPIFFE://x/robot"]), ("", ["dns:xdash.example.com"]),
    ])
    func `another certificate is not known`(subject: String, names: [String]) throws {
        let decision = try Self.decide {
            $0.certificateSubject = subject
            $0.certificateNames = names
        }
        #expect(decision.verdict == .abstain)
    }

    @Test func `who presents a token is judged by that alone`() throws {
        func root(_ peer: inout Peer) { peer.unix = Peer.UnixCredentials(uid: 0, gid: 0, pid: 1) }
        #expect(try Self.decide("Bearer token-one", peer: root).principal == "alice")
        #expect(try Self.decide("Bearer wrong", peer: root).verdict == .unauthenticated)
        #expect(try Self.decide("token=x", peer: root).verdict == .abstain)
    }
}
