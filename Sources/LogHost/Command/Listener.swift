internal import Glibc
internal import HummingbirdCore
internal import Logging
internal import NIOCore
internal import NIOPosix
internal import ServiceLifecycle
internal import Synchronization

/// All addresses the host serves: one service, so that they hear of its end at the same time.
struct Listeners: Service {
    let listeners: [Listener]

    func run() async throws {
        try await withThrowingDiscardingTaskGroup { tasks in
            for listener in self.listeners { tasks.addTask { try await listener.run() } }
        }
    }
}

/// One address the host serves.
final class Listener: Service {
    private let address: ListenAddress
    /// True when the service manager has made the socket, and keeps it.
    private let isPassed: Bool
    /// What this very listener has made: only that is its to remove.
    private let bound: Bound
    private let server: any Service
    private let identity: TLSIdentity?
    private let logger: Logger

    private static let backlog: Int32 = 1024

    private let audience: Audience

    /// `socket` is the one that was passed for the address, if any; `isServing` is called when clients can connect.
    init(
        address: ListenAddress, audience: Audience = .readers, socket: PassedSocket? = nil, site: Site, logger: Logger,
        isServing: @escaping @Sendable () -> Void
    ) throws {
        self.audience = audience
        self.address = address
        self.isPassed = socket != nil
        let bound = Bound()
        self.bound = bound
        self.logger = logger
        var quiet = logger
        // The host gives its own greeting and says itself what went wrong.
        quiet.logLevel = .critical
        let greet = { @Sendable (server: any Channel) async -> Void in
            if socket == nil, case .unix(let path, let mode) = address {
                unsafe chmod(path, mode_t(mode))
                bound.begin(file: path)
            } else {
                bound.begin(file: nil)
            }
            Self.announce(server, socket?.address ?? address, audience, isTLS: address.tls != nil, site)
            isServing()
        }
        func serve<Connection: ServerChildChannel>(_ channel: Connection) throws -> any Service {
            if let socket {
                return PassedServer(
                    channel: channel, descriptor: socket.descriptor, backlog: Self.backlog, logger: quiet, onRunning: greet)
            }
            return Server(
                childChannelSetup: channel,
                configuration: ServerConfiguration(address: try address.bindAddress, backlog: Int(Self.backlog)),
                onServerRunning: greet, eventLoopGroup: MultiThreadedEventLoopGroup.singleton, logger: quiet)
        }
        let dispatcher = Dispatcher(site: site, isTCP: socket?.isTCP ?? address.isTCP, audience: audience)
        if let settings = address.tls {
            let identity = try Self.failing(address, audience, site.configuration) { () throws(TLSFailure) in
                try TLSIdentity(settings, logger: site.logger)
            }
            self.identity = identity
            self.server = try serve(TLSChannel(identity: identity, connections: site.connections, dispatcher: dispatcher))
        } else {
            self.identity = nil
            self.server = try serve(HostChannel(connections: site.connections, dispatcher: dispatcher))
        }
    }

    /// Reads the TLS files again, as the settings of this address in another configuration name them. Returns what takes them into use, if there
    /// is any; throws what is wrong with them.
    func prepareTLS(of configuration: Configuration, isLogged: Bool) throws -> (@Sendable () -> Void)? {
        guard let identity,
            let address = self.audience.addresses(of: configuration).first(where: { $0.isSamePlace(as: self.address) }),
            let settings = address.tls
        else { return nil }
        return try Self.failing(address, self.audience, configuration, isLogged: isLogged) { () throws(TLSFailure) in
            try identity.prepare(settings, self.logger)
        }
    }

    /// Makes a mistake in a TLS file the configuration's, which names its key. What goes to the log holds no path.
    private static func failing<Value>(
        _ address: ListenAddress, _ audience: Audience, _ configuration: Configuration, isLogged: Bool = false,
        _ body: () throws(TLSFailure) -> Value
    ) throws -> Value {
        do throws(TLSFailure) {
            return try body()
        } catch {
            let index = audience.addresses(of: configuration).firstIndex(of: address) ?? 0
            let path = isLogged ? "" : "\(error.path.onOneLine()): "
            throw ConfigurationFailure("\(audience.key)[\(index)].tls.\(error.key): \(path)\(error.reason)")
        }
    }

    func run() async throws {
        if !self.isPassed, case .unix(let path, _) = self.address, Self.isServed(path) {
            throw ConfigurationFailure("\(self.audience.key): \(self.address): another process serves this socket")
        }
        do {
            try await withThrowingDiscardingTaskGroup { tasks in
                if let identity { tasks.addTask { await identity.watch(self.logger) } }
                try await self.server.run()
                tasks.cancelAll()
            }
        } catch let error where !self.bound.hasBegun && !(error is CancellationError) && !(error is ConfigurationFailure) {
            throw ConfigurationFailure("\(self.audience.key): \(self.address): \(Self.reason(error))")
        }
        self.bound.removeFile()
    }

    /// Why an address cannot be bound.
    private static func reason(_ error: any Error) -> String {
        switch error {
        case let error as IOError: unsafe String(cString: strerror(error.errnoCode))
        case is SocketAddressError.UnknownHost: "the host is not known"
        case is UnixDomainSocketPathWrongType: "something else than a socket has this path"
        default: "it cannot be bound (\(error))"
        }
    }

    /// True when somebody answers on a unix socket: its path is not this host's to take over.
    private static func isServed(_ path: String) -> Bool {
        guard let address = try? SocketAddress(unixDomainSocketPath: path) else { return false }
        let descriptor = socket(AF_UNIX, Int32(SOCK_STREAM.rawValue), 0)
        guard descriptor >= 0 else { return false }
        defer { close(descriptor) }
        return unsafe address.withSockAddr { unsafe connect(descriptor, $0, socklen_t($1)) } == 0
    }

    private static func announce(
        _ server: any Channel, _ address: ListenAddress, _ audience: Audience, isTLS: Bool, _ site: Site
    ) {
        let shown: String
        let client: String
        switch address {
        case .tcp(let host, let port), .tls(let host, let port, _):
            let authority = "\(host.contains(":") ? "[\(host)]" : host):\(server.localAddress?.port ?? port)"
            shown = "tcp://\(authority)"
            client = "curl -N '\(isTLS ? "https" : "http")://\(authority)"
        case .unix(let path, _):
            shown = "unix:\(path)".onOneLine()
            let option = path.hasPrefix("@") ? "--abstract-unix-socket \(path.dropFirst())" : "--unix-socket \(path)"
            client = "curl -N \(option) 'http://localhost"
        case .passed:
            return
        }
        site.logger.notice("listening", metadata: ["address": "\(shown)"])
        guard audience == .readers, site.routes.templates.contains(where: { $0.template == "/v2/component" }) else { return }
        let header = site.isUnprotected ? "" : " -H \(site.clientHeader ?? "'Authorization: …'")"
        print("Follow the journal:  \(client)/v2/component?skip=-10&follow=true'\(header)")
        fflush(nil)
    }
}

extension ListenAddress {
    fileprivate var isTCP: Bool {
        switch self {
        case .tcp, .tls: true
        case .unix, .passed: false
        }
    }

    /// What this process can bind itself; throws for an address that others must have bound.
    fileprivate var bindAddress: BindAddress {
        get throws {
            switch self {
            case .tcp(let host, let port), .tls(let host, let port, _): .hostname(host, port: port)
            case .unix(let path, _): .unixDomainSocket(path: path)
            case .passed: throw ConfigurationFailure("listen: \(self): expected a socket from the service manager, found none")
            }
        }
    }
}

/// Whether an address is served, and the socket's file that was made for it.
private final class Bound: Sendable {
    private struct File {
        var path: String
        var device: dev_t
        var number: ino_t
    }

    private let state = Mutex((hasBegun: false, file: File?.none))

    var hasBegun: Bool { self.state.withLock { $0.hasBegun } }

    func begin(file path: String?) {
        let file = path.flatMap(Self.file)
        self.state.withLock { $0 = (true, file) }
    }

    /// Removes the file, unless another one has come in its place: that is a later host's.
    func removeFile() {
        guard let file = self.state.withLock({ $0.file }), let now = Self.file(file.path), now.device == file.device,
            now.number == file.number
        else { return }
        unsafe unlink(file.path)
    }

    private static func file(_ path: String) -> File? {
        var facts = stat()
        guard unsafe lstat(path, &facts) == 0 else { return nil }
        return File(path: path, device: facts.st_dev, number: facts.st_ino)
    }
}

extension Audience {
    /// Where its addresses stand in the configuration.
    fileprivate var key: String { self == .readers ? "listen" : "monitoring.listen" }

    /// The addresses that are for it.
    func addresses(of configuration: Configuration) -> [ListenAddress] {
        self == .readers ? configuration.listen : configuration.monitoring.listen
    }
}
