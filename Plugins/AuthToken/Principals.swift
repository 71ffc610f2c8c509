internal import PluginKit

/// All principals of one reading, found by what they present. Nothing changes in it, so a new reading forgets everything of the
/// one before, also which passwords were right.
package final class Principals: Sendable {
    /// Bounds the principals.
    package static let maximum = 10_000

    private let list: [Principal]
    private let tokens: [Digest.Keyed: (digest: Digest, index: Int)]
    private let uids: [UInt32: Int]
    private let gids: [UInt32: Int]
    private let certificates: [String: Int]
    private let names: [String: Int]
    /// Those that have a password.
    private let hashed: [(index: Int, hash: PasswordHash)]
    let verified = VerifiedPasswords()

    package var count: Int { self.list.count }

    /// True when HTTP Basic is of use.
    package var havePasswords: Bool { !self.hashed.isEmpty }

    /// Reads a file's text.
    package convenience init(yaml: String) throws(Mistake) {
        let members = try Place(value: Value(yaml: yaml), path: "").members("a mapping with principals", keys: ["principals"])
        guard let list = members["principals"] else {
            throw Mistake(line: 1, key: "principals", problem: "expected a list, found nothing")
        }
        try self.init(list)
    }

    /// Reads the list from the host's configuration.
    package convenience init(_ value: Value) throws(Mistake) {
        try self.init(Place(value: value, path: "principals"))
    }

    private init(_ place: Place) throws(Mistake) {
        var list: [Principal] = []
        var tokens: [Digest.Keyed: (digest: Digest, index: Int)] = [:]
        var uids: [UInt32: Int] = [:]
        var gids: [UInt32: Int] = [:]
        var certificates: [String: Int] = [:]
        var names: [String: Int] = [:]
        for item in try place.list("a list of principals", atMost: Self.maximum) {
            let principal = try Principal(item)
            let index = list.count
            func claim<Key: Hashable>(_ what: String, _ key: Key, in table: inout [Key: Int]) throws(Mistake) {
                if let other = table.updateValue(index, forKey: key) {
                    throw item.wrong(
                        "a \(what) that no other has; \(list.indices.contains(other) ? list[other].name : "it") has it too")
                }
            }
            try claim("name", principal.name, in: &names)
            for uid in principal.uids { try claim("uid", uid, in: &uids) }
            for gid in principal.gids { try claim("gid", gid, in: &gids) }
            for name in principal.certificates { try claim("certificate", name, in: &certificates) }
            for digest in principal.tokens {
                if let other = tokens.updateValue((digest, index), forKey: Digest.Keyed(digest)) {
                    let owner = other.index == index ? principal.name : list[other.index].name
                    throw item.wrong("a sha256 that no other has; \(owner) has it too")
                }
            }
            list.append(principal)
        }
        self.list = list
        self.tokens = tokens
        self.uids = uids
        self.gids = gids
        self.certificates = certificates
        self.names = names
        self.hashed = list.enumerated().compactMap { index, principal in principal.hash.map { (index, $0) } }
    }

    /// Finds whose a bearer token is.
    func owner(ofToken token: String) -> Principal? {
        let digest = Digest(of: token)
        guard let found = self.tokens[Digest.Keyed(digest)], found.digest.isEqual(to: digest) else { return nil }
        return self.list[found.index]
    }

    /// Gives the hash to try for a name, and whose it is. A name that nobody has gets the hash of somebody, always of the same one:
    /// its answer takes as long as that of a name with a wrong password. The result is then of no use to anybody.
    func hash(for name: String) -> (hash: PasswordHash, principal: Principal?)? {
        if let index = self.names[name], let hash = self.list[index].hash { return (hash, self.list[index]) }
        guard !self.hashed.isEmpty else { return nil }
        return (self.hashed[Digest.Keyed(name).remainder(of: self.hashed.count)].hash, nil)
    }

    /// Finds whom the transport has proved the peer to be, and by what: its user, else its group, else its certificate, of which
    /// the subject comes before the names.
    func owner(of peer: Peer) -> (principal: Principal, by: String)? {
        if let unix = peer.unix {
            if let index = self.uids[unix.uid] { return (self.list[index], "uid") }
            if let index = self.gids[unix.gid] { return (self.list[index], "gid") }
        }
        if !peer.certificateSubject.isEmpty, let index = self.certificates["subject:\(peer.certificateSubject)"] {
            return (self.list[index], "certificate")
        }
        for name in peer.certificateNames {
            // `subject:` is no kind of name.
            if !name.hasPrefix("subject:"), let index = self.certificates[certificateName(name)] {
                return (self.list[index], "certificate")
            }
        }
        return nil
    }
}
