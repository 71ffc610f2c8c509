internal import Glibc
internal import HummingbirdCore
internal import Logging
internal import NIOCore
internal import NIOPosix
internal import ServiceLifecycle
internal import Synchronization

/// One address the host serves.
final class Listener: Service {
    private let address: ListenAddress
    /// Set when this very listener has made its socket: only that one is its to remove.
    private let bound: Flag
    private let server: any Service
    private let identity: TLSIdentity?
    private let logger: Logger

    init(address: ListenAddress, audience: Audience = .readers, site: Site, logger: Logger) throws {
        self.address = address
        let bound = Flag()
        self.bound = bound
        self.logger = logger
        let limits = site.configuration.limits
        var quiet = logger
        // The host gives its own greeting and says itself what went wrong.
        quiet.logLevel = .critical
        let greet = { @Sendable (server: any Channel) async -> Void in
            bound.set()
            await Self.announce(server, address, audience, site)
        }
        func serve<Connection: ServerChildChannel>(_ channel: Connection, on bind: BindAddress) -> Server<Connection> {
            Server(
                childChannelSetup: channel, configuration: ServerConfiguration(address: bind, backlog: 1024),
                onServerRunning: greet, eventLoopGroup: MultiThreadedEventLoopGroup.singleton, logger: quiet)
        }
        func plain(isTCP: Bool) -> HostChannel {
            HostChannel(
                limits: limits, connections: site.connections,
                dispatcher: Dispatcher(site: site, isTCP: isTCP, audience: audience))
        }
        switch address {
        case .tcp(let host, let port):
            self.identity = nil
            self.server = serve(plain(isTCP: true), on: .hostname(host, port: port))
        case .unix(let path, _):
            self.identity = nil
            self.server = serve(plain(isTCP: false), on: .unixDomainSocket(path: path))
        case .tls(let host, let port, let settings):
            let identity = try Self.identity(settings, address, audience, site)
            self.identity = identity
            let channel = TLSChannel(
                identity: identity, limits: limits, connections: site.connections,
                dispatcher: Dispatcher(site: site, isTCP: true, audience: audience))
            self.server = serve(channel, on: .hostname(host, port: port))
        }
    }

    /// Reads the files; a mistake is the configuration's and names its key.
    private static func identity(
        _ settings: TLSSettings, _ address: ListenAddress, _ audience: Audience, _ site: Site
    ) throws -> TLSIdentity {
        do throws(TLSFailure) {
            return try TLSIdentity(settings, logger: site.logger)
        } catch {
            let (key, addresses) =
                audience == .readers
                ? ("listen", site.configuration.listen) : ("monitoring.listen", site.configuration.monitoring.listen)
            let index = addresses.firstIndex(of: address) ?? 0
            throw ConfigurationFailure("\(key)[\(index)].tls.\(error.key): \(error.path.onOneLine()): \(error.reason)")
        }
    }

    func run() async throws {
        if case .unix(let path, _) = self.address, Self.isServed(path) {
            throw ConfigurationFailure("listen: \(self.address): another process serves this socket")
        }
        do {
            try await withThrowingDiscardingTaskGroup { tasks in
                if let identity { tasks.addTask { await identity.watch(self.logger) } }
                try await self.server.run()
                tasks.cancelAll()
            }
        } catch let error as IOError {
            throw ConfigurationFailure("listen: \(self.address): \(unsafe String(cString: strerror(error.errnoCode)))")
        }
        if case .unix(let path, _) = self.address, self.bound.isSet { unsafe unlink(path) }
    }

    /// True when somebody answers on a unix socket: its path is not this host's to take over.
    private static func isServed(_ path: String) -> Bool {
        guard let address = try? SocketAddress(unixDomainSocketPath: path) else { return false }
        let descriptor = socket(AF_UNIX, Int32(SOCK_STREAM.rawValue), 0)
        guard descriptor >= 0 else { return false }
        defer { close(descriptor) }
        return unsafe address.withSockAddr { unsafe connect(descriptor, $0, socklen_t($1)) } == 0
    }

    private static func announce(_ server: any Channel, _ address: ListenAddress, _ audience: Audience, _ site: Site) async {
        let shown: String
        let client: String
        switch address {
        case .tcp(let host, let port), .tls(let host, let port, _):
            let scheme = if case .tls = address { "https" } else { "http" }
            let authority = "\(host.contains(":") ? "[\(host)]" : host):\(server.localAddress?.port ?? port)"
            shown = "tcp://\(authority)"
            client = "curl -N '\(scheme)://\(authority)"
        case .unix(let path, let mode):
            unsafe chmod(path, mode_t(mode))
            shown = "unix:\(path)"
            client = "curl -N --unix-socket \(path) 'http://localhost"
        }
        site.logger.notice("listening", metadata: ["address": "\(shown)"])
        guard audience == .readers, site.routes.templates.contains(where: { $0.template == "/v2/component" }) else { return }
        let header = site.isUnprotected ? "" : " -H \(site.clientHeader ?? "'Authorization: …'")"
        print("Follow the journal:  \(client)/v2/component?skip=-10&follow=true'\(header)")
        fflush(nil)
    }
}

/// Something that happens once.
private final class Flag: Sendable {
    private let value = Atomic(false)

    var isSet: Bool { self.value.load(ordering: .acquiring) }

    func set() { self.value.store(true, ordering: .releasing) }
}
