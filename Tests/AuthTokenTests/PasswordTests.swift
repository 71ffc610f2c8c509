import AuthToken
import Dispatch
import PluginKit
import Testing

struct PasswordTests {
    private static let principals = """
        principals:
          - {name: carol, hash: \(Known.bcrypt), units: nginx.service}
          - {name: dave, hash: \(Known.yescrypt), expires: 2026-01-01T00:00:00Z}
          - {name: erin, sha256: \(Known.one)}
        """

    private static let right = "Basic Y2Fyb2w6Y29ycmVjdCBob3JzZQ=="  // carol:correct horse

    @Test(arguments: Known.strong)
    func `every strong method is verified`(hash: String) throws {
        let principals = "principals: [{name: carol, hash: '\(hash)'}]"
        #expect(try Principals(yaml: principals).count == 1)
    }

    @Test(arguments: Known.strong)
    func `a password is verified by every strong method`(hash: String) async throws {
        let authorizer = try authorizer("principals: [{name: carol, hash: '\(hash)'}]")
        #expect(try await authorizer.answer(request(Self.right)).principal == "carol")
        let wrong = try await authorizer.answer(request("Basic Y2Fyb2w6Y29ycmVjdCBob3JzRQ=="))  // carol:correct horsE
        #expect(wrong.verdict == .unauthenticated)
    }

    @Test func `a right password is hashed once and then known for a while`() async throws {
        let authorizer = try authorizer(Self.principals)
        #expect(authorizer.decide(request(Self.right)) == nil)
        let first = try await authorizer.authorize(request(Self.right))
        #expect(first.verdict == .allow)
        #expect(first.principal == "carol")
        #expect(first.reason == "password")
        #expect(first.filter == Filter(clauses: [[Match("_SYSTEMD_UNIT", "nginx.service")]]))
        #expect(authorizer.decide(request(Self.right))?.principal == "carol")
    }

    @Test(arguments: [
        "Y2Fyb2w6d3Jvbmc=",  // carol:wrong
        "bm9ib2R5OmNvcnJlY3QgaG9yc2U=",  // nobody:correct horse
        "ZXJpbjpjb3JyZWN0IGhvcnNl",  // erin:correct horse, who has a token only
        "ZGF2ZTpjb3JyZWN0IGhvcnNl",  // dave:correct horse, whose time is over
    ])
    func `wrong names and passwords cost a hash each time and look alike`(credential: String) async throws {
        let authorizer = try authorizer(Self.principals)
        for _ in 1...2 {
            #expect(authorizer.decide(request("Basic \(credential)")) == nil || credential.hasPrefix("ZGF2"))
            let decision = try await authorizer.answer(request("Basic \(credential)"))
            #expect(decision.verdict == .unauthenticated)
            #expect(decision.challenge == #"Bearer realm="loghost", Basic realm="loghost""#)
            #expect(decision.principal.isEmpty)
        }
    }

    @Test(arguments: [
        "Basic", "Basic ", "Basic !!!!", "Basic Y2Fyb2w=", "Basic OmNvcnJlY3Q=", "Basic Y2Fyb2w6", "Basic /w==", "Basic YTpiAGM=",
    ])
    func `a malformed name and password is refused at once`(field: String) throws {
        let decision = try #require(try authorizer(Self.principals).decide(request(field)))
        #expect(decision.verdict == .unauthenticated)
        #expect(decision.challenge == #"Bearer realm="loghost", Basic realm="loghost""#)
    }

    @Test func `tokens are challenged for in the same words`() throws {
        let decision = try #require(try authorizer(Self.principals).decide(request("Bearer wrong")))
        #expect(decision.challenge == #"Bearer realm="loghost", Basic realm="loghost""#)
    }

    @Test func `right passwords are forgotten after a minute, and the oldest when there are many`() {
        let verified = VerifiedPasswords(capacity: 2)
        let start = ContinuousClock.now
        verified.insert(Digest.Keyed("a"), at: start)
        #expect(verified.contains(Digest.Keyed("a"), at: start + .seconds(59)))
        #expect(!verified.contains(Digest.Keyed("a"), at: start + .seconds(60)))
        #expect(!verified.contains(Digest.Keyed("b"), at: start))
        verified.insert(Digest.Keyed("b"), at: start + .seconds(1))
        verified.insert(Digest.Keyed("c"), at: start + .seconds(2))
        #expect(["a", "b", "c"].map { verified.contains(Digest.Keyed($0), at: start + .seconds(2)) } == [false, true, true])
    }

    @Test func `more passwords than can wait are not decided`() async throws {
        let threads = BlockingThreads.forPasswords(threads: 1, capacity: 1)
        let authorizer = try authorizer(Self.principals, threads: threads)
        let (begun, gate) = (DispatchSemaphore(value: 0), DispatchSemaphore(value: 0))
        async let busy = threads.run {
            begun.signal()
            return gate.wait(timeout: .now() + .seconds(60)) == .success
        }
        // Its thread is not one of the pool's.
        while begun.wait(timeout: .now()) == .timedOut { try await Task.sleep(for: .milliseconds(1)) }
        let decision = try await authorizer.authorize(request(Self.right))
        #expect(decision.verdict == .cannotDecide)
        #expect(decision.reason == "busy")
        gate.signal()
        #expect(try await busy)
        #expect(try await authorizer.authorize(request(Self.right)).principal == "carol")
    }

    @Test func `a stop leaves out what waits and waits for what runs`() async throws {
        let threads = BlockingThreads.forPasswords(threads: 1, capacity: 8)
        #expect(try await threads.run { true })
        threads.stop()
        await #expect(throws: PluginError.self) { try await threads.run { true } }
    }
}
