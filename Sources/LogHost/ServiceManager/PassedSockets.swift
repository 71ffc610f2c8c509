internal import Glibc

/// The sockets that a service manager has bound before it started this process: `sd_listen_fds(3)`.
struct PassedSockets: Sendable {
    private let sockets: [PassedSocket]

    /// The first descriptor that is passed.
    private static let first: Int32 = 3
    /// More than a unit has use for.
    private static let maximum = 1024

    /// Takes what the environment tells of, and takes it out of there, so that no child believes it to be meant.
    /// Throws when what was passed is not what was told.
    static func take() throws -> PassedSockets {
        let names = ["LISTEN_PID", "LISTEN_FDS", "LISTEN_FDNAMES"]
        let values = names.map { name in unsafe getenv(name).map { unsafe String(cString: $0) } }
        for name in names { unsafe unsetenv(name) }
        // Meant for another process: one that has started this one has not cleaned up.
        guard let pid = values[0], Int32(pid) == getpid(), let text = values[1] else { return PassedSockets(sockets: []) }
        guard let count = Int(text), (0...Self.maximum).contains(count) else {
            throw ConfigurationFailure(
                "LISTEN_FDS: expected a number up to \(Self.maximum), found \(text.quotedForError())")
        }
        let descriptors = Self.first..<Self.first + Int32(count)
        for descriptor in descriptors { _ = fcntl(descriptor, F_SETFD, FD_CLOEXEC) }
        var socketNames = Array(repeating: "unknown", count: count)
        if let list = values[2] {
            socketNames = list.split(separator: ":", omittingEmptySubsequences: false).map(String.init)
            guard socketNames.count == count else {
                throw ConfigurationFailure("LISTEN_FDNAMES: expected a name for each of \(count), found \(socketNames.count)")
            }
        }
        return PassedSockets(sockets: try zip(socketNames, descriptors).map { try PassedSocket(name: $0, descriptor: $1) })
    }

    /// Each name once.
    var names: [String] {
        self.sockets.reduce(into: []) { names, socket in if !names.contains(socket.name) { names.append(socket.name) } }
    }

    /// Those of one name: a unit may listen on several addresses.
    subscript(name: String) -> [PassedSocket] { self.sockets.filter { $0.name == name } }

    /// Throws unless the configuration uses every socket, and each as it may be used.
    func check(_ configuration: Configuration) throws {
        var used: Set<String> = []
        let places = Audience.allCases.flatMap { audience in
            audience.addresses(of: configuration).map { (audience, $0) }
        }
        for case (let audience, .passed(let name, let tls)) in places {
            used.insert(name)
            guard !self[name].isEmpty else {
                let passed = self.sockets.isEmpty ? "no socket" : self.sockets.map(\.name).joined(separator: ", ")
                throw ConfigurationFailure(
                    "listen: systemd:\(name): expected a socket of this name from the service manager, found \(passed)")
            }
            for socket in self[name] where !socket.isTCP && tls != nil {
                throw ConfigurationFailure("listen: systemd:\(name): expected no TLS for a unix socket, found \(socket.address)")
            }
            for socket in self[name]
            where audience == .readers && !socket.address.isLoopback && configuration.isUnprotected {
                throw ConfigurationFailure(
                    "listen: \(socket.address): expected a loopback address, an authorizer or insecure: true, found an address that other machines reach"
                )
            }
        }
        // Clients that connect there would wait for ever.
        for socket in self.sockets where !used.contains(socket.name) {
            throw ConfigurationFailure(
                "listen: expected systemd:\(socket.name) among the addresses, because the service manager has passed \(socket.address)"
            )
        }
    }
}
