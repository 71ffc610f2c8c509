import LogHost
import NIOCore
internal import TestSupport
import Testing

@Suite struct AdmissionTests {
    private static var limits: Limits {
        var limits = Limits()
        (limits.ranges, limits.rangesPerPrincipal, limits.rangesPerAddress) = (5, 2, 3)
        (limits.followers, limits.followersPerPrincipal, limits.followersPerAddress) = (4, 1, 2)
        return limits
    }

    /// The refusal's status and sentence; the place is given back at once.
    private static func refusal(
        _ admission: Admission, _ kind: Admission.Kind, principal: String = "", address: String = ""
    ) -> String? {
        do {
            _ = try admission.enter(kind, principal: principal, address: address)
            return nil
        } catch {
            #expect(error.retryAfter == 1)
            return "\(error.status) \(error.detail)"
        }
    }

    @Test func `one more than there may be in all is 503`() throws {
        let admission = Admission(limits: LiveLimits(Self.limits))
        let ranges = try (0..<5).map { try admission.enter(.range, principal: "p\($0)", address: "a\($0)") }
        #expect(Self.refusal(admission, .range, principal: "x", address: "x") == "503 Too many range answers are under way.")
        #expect(Self.refusal(admission, .range) == "503 Too many range answers are under way.")
        let follows = try (0..<4).map { try admission.enter(.follow, principal: "p\($0)", address: "a\($0)") }
        #expect(Self.refusal(admission, .follow, principal: "x", address: "x") == "503 Too many follows are under way.")
        #expect(admission.count(.range) == ranges.count)
        #expect(admission.count(.follow) == follows.count)
    }

    @Test func `one more than a principal may have is 429`() throws {
        let admission = Admission(limits: LiveLimits(Self.limits))
        let places = try (0..<2).map { try admission.enter(.range, principal: "p", address: "a\($0)") }
        let refusal = "429 Too many range answers of one principal are under way."
        #expect(Self.refusal(admission, .range, principal: "p", address: "other") == refusal)
        #expect(Self.refusal(admission, .range, principal: "p") == refusal)
        #expect(Self.refusal(admission, .range, principal: "q", address: "a0") == nil)
        #expect(Self.refusal(admission, .follow, principal: "p", address: "a0") == nil)
        #expect(admission.count(.range) == places.count)
    }

    @Test func `one more than a client address may have is 429`() throws {
        let admission = Admission(limits: LiveLimits(Self.limits))
        let places = try (0..<3).map { try admission.enter(.range, principal: "p\($0)", address: "a") }
        let refusal = "429 Too many range answers of one client address are under way."
        #expect(Self.refusal(admission, .range, principal: "other", address: "a") == refusal)
        #expect(Self.refusal(admission, .range, address: "a") == refusal)
        #expect(Self.refusal(admission, .range, principal: "p0", address: "b") == nil)
        #expect(admission.count(.range) == places.count)
    }

    @Test func `a follow is counted like a range, by limits of its own`() throws {
        let admission = Admission(limits: LiveLimits(Self.limits))
        let first = try admission.enter(.follow, principal: "p", address: "a")
        #expect(
            Self.refusal(admission, .follow, principal: "p", address: "b")
                == "429 Too many follows of one principal are under way.")
        let second = try admission.enter(.follow, principal: "q", address: "a")
        #expect(
            Self.refusal(admission, .follow, principal: "r", address: "a")
                == "429 Too many follows of one client address are under way.")
        withExtendedLifetime((first, second)) {}
    }

    @Test func `nobody in particular is not counted by itself`() throws {
        let admission = Admission(limits: LiveLimits(Self.limits))
        let places = try (0..<5).map { _ in try admission.enter(.range, principal: "", address: "") }
        #expect(Self.refusal(admission, .range)?.hasPrefix("503") == true)
        #expect(admission.count(.range) == places.count)
    }

    @Test func `a principal and an address of one name are two`() throws {
        let admission = Admission(limits: LiveLimits(Self.limits))
        let places = try (0..<2).map { _ in try admission.enter(.range, principal: "x", address: "") }
        #expect(Self.refusal(admission, .range, principal: "", address: "x") == nil)
        #expect(Self.refusal(admission, .range, principal: "address x", address: "x") == nil)
        withExtendedLifetime(places) {}
    }

    @Test func `a place comes back, and a refusal takes none`() throws {
        let admission = Admission(limits: LiveLimits(Self.limits))
        for _ in 0..<100 {
            var places = try (0..<2).map { _ in try admission.enter(.range, principal: "p", address: "a") }
            for _ in 0..<10 { #expect(Self.refusal(admission, .range, principal: "p", address: "b")?.hasPrefix("429") == true) }
            #expect(Self.refusal(admission, .range, principal: "q", address: "b") == nil)
            places.removeLast()
            #expect(admission.count(.range) == 1)
            #expect(Self.refusal(admission, .range, principal: "p", address: "a") == nil)
        }
        #expect(admission.count(.range) == 0)
    }

    @Test func `however many come at once, no limit is passed and every place comes back`() async {
        let admission = Admission(limits: LiveLimits(Self.limits))
        let held = Shared<[String: Int]>([:])
        let admitted = Shared(0)
        await withTaskGroup(of: Void.self) { group in
            for task in 0..<16 {
                group.addTask {
                    var random = SeededInputs(state: UInt64(task))
                    for _ in 0..<2_000 {
                        let kind: Admission.Kind = Bool.random(using: &random) ? .range : .follow
                        let keys = [
                            "\(kind)", "\(kind) p\(Int.random(in: 0..<4, using: &random))",
                            "\(kind) a\(Int.random(in: 0..<3, using: &random))",
                        ]
                        guard let place = try? admission.enter(kind, principal: keys[1], address: keys[2]) else { continue }
                        admitted.withLock { $0 += 1 }
                        let isWithin = held.withLock { held in
                            for key in keys { held[key, default: 0] += 1 }
                            let limits = kind == .range ? [5, 2, 3] : [4, 1, 2]
                            return zip(keys, limits).allSatisfy { held[$0, default: 0] <= $1 }
                        }
                        #expect(isWithin)
                        await Task.yield()
                        held.withLock { held in for key in keys { held[key, default: 0] -= 1 } }
                        withExtendedLifetime(place) {}
                    }
                }
            }
        }
        #expect(admitted.withLock { $0 } > 1_000)
        #expect(admission.count(.range) == 0)
        #expect(admission.count(.follow) == 0)
        // Nothing has stayed behind under any name either.
        for number in 0..<4 {
            #expect(Self.refusal(admission, .follow, principal: "follow p\(number)", address: "follow a\(number)") == nil)
        }
    }
}

@Suite struct ClientAddressTests {
    @Test(
        arguments: [
            // The peer is no proxy: what it says of others does not count.
            ("192.0.2.1", [], "192.0.2.1"), ("192.0.2.1", ["198.51.100.7"], "192.0.2.1"),
            ("2001:db8::1", ["198.51.100.7"], "2001:db8::1"),
            // It is one: the last address that is none.
            ("10.0.0.1", [], "10.0.0.1"), ("10.0.0.1", ["198.51.100.7"], "198.51.100.7"), ("10.0.0.1", [""], "10.0.0.1"),
            ("10.0.0.1", ["203.0.113.9, 198.51.100.7"], "198.51.100.7"),
            ("10.0.0.1", ["203.0.113.9", "198.51.100.7"], "198.51.100.7"),
            ("10.0.0.1", ["198.51.100.7, 10.0.0.2,\t10.1.2.3 "], "198.51.100.7"),
            ("10.0.0.1", ["198.51.100.7", "fd00::2"], "198.51.100.7"),
            ("fd00::1", ["2001:db8::7"], "2001:db8::7"), ("10.0.0.1", ["2001:DB8:0::7"], "2001:db8::7"),
            ("10.0.0.1", ["10.0.0.2, 10.0.0.3"], "10.0.0.1"), ("::ffff:10.0.0.1", ["198.51.100.7"], "198.51.100.7"),
            // What is no address ends the search; what stands before it, anybody may have written.
            ("10.0.0.1", ["198.51.100.7, unknown"], "10.0.0.1"), ("10.0.0.1", ["198.51.100.7, unknown, 10.0.0.2"], "10.0.0.1"),
            ("10.0.0.1", ["unknown, 198.51.100.7"], "198.51.100.7"), ("10.0.0.1", ["198.51.100.7:80"], "10.0.0.1"),
            ("10.0.0.1", ["example.org"], "10.0.0.1"),
        ])
    func `who is counted as the client`(peer: String, forwardedFor: [String], expected: String) throws {
        let trusted = try ["10.0.0.0/8", "fd00::/8"].map { try AddressRange($0) }
        let address = try SocketAddress(ipAddress: peer, port: 4_711)
        #expect(ClientAddress.of(address, forwardedFor: forwardedFor, trusted: trusted) == expected)
    }

    @Test func `nobody is a proxy unless it is said`() throws {
        let address = try SocketAddress(ipAddress: "127.0.0.1", port: 1)
        #expect(ClientAddress.of(address, forwardedFor: ["198.51.100.7"], trusted: []) == "127.0.0.1")
    }

    @Test func `clients of a unix socket have no address`() throws {
        let path = try SocketAddress(unixDomainSocketPath: "/tmp/x")
        let all = [try AddressRange("0.0.0.0/0"), try AddressRange("::/0")]
        #expect(ClientAddress.of(path, forwardedFor: ["198.51.100.7"], trusted: all) == "")
        #expect(ClientAddress.of(nil, forwardedFor: ["198.51.100.7"], trusted: all) == "")
    }

    @Test func `of a long list only the last hops are looked at`() throws {
        let address = try SocketAddress(ipAddress: "10.0.0.1", port: 1)
        let trusted = [try AddressRange("10.0.0.0/8")]
        func of(_ proxies: Int) -> String {
            let hops = ["198.51.100.7"] + Array(repeating: "10.0.0.2", count: proxies)
            return ClientAddress.of(address, forwardedFor: [hops.joined(separator: ",")], trusted: trusted)
        }
        #expect(of(31) == "198.51.100.7")
        #expect(of(32) == "10.0.0.1")
    }
}
