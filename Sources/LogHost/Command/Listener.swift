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
    private let server: Server<HostChannel>

    init(address: ListenAddress, site: Site, logger: Logger) throws {
        self.address = address
        let bound = Flag()
        self.bound = bound
        let bind: BindAddress
        let isTCP: Bool
        switch address {
        case .tcp(let host, let port):
            bind = .hostname(host, port: port)
            isTCP = true
        case .unix(let path, _):
            bind = .unixDomainSocket(path: path)
            isTCP = false
        }
        let dispatcher = Dispatcher(site: site, isTCP: isTCP)
        let channel = HostChannel(limits: site.configuration.limits, connections: site.connections, dispatcher: dispatcher)
        var quiet = logger
        // The host gives its own greeting and says itself what went wrong.
        quiet.logLevel = .critical
        self.server = Server(
            childChannelSetup: channel, configuration: ServerConfiguration(address: bind, backlog: 1024),
            onServerRunning: { server in
                bound.set()
                await Self.announce(server, address, site)
            },
            eventLoopGroup: MultiThreadedEventLoopGroup.singleton, logger: quiet)
    }

    func run() async throws {
        if case .unix(let path, _) = self.address, Self.isServed(path) {
            throw ConfigurationFailure("listen: \(self.address): another process serves this socket")
        }
        do {
            try await self.server.run()
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

    private static func announce(_ server: any Channel, _ address: ListenAddress, _ site: Site) async {
        let shown: String
        let client: String
        switch address {
        case .tcp(let host, let port):
            let authority = "\(host.contains(":") ? "[\(host)]" : host):\(server.localAddress?.port ?? port)"
            shown = "tcp://\(authority)"
            client = "curl -N 'http://\(authority)"
        case .unix(let path, let mode):
            unsafe chmod(path, mode_t(mode))
            shown = "unix:\(path)"
            client = "curl -N --unix-socket \(path) 'http://localhost"
        }
        site.logger.notice("listening", metadata: ["address": "\(shown)"])
        guard site.routes.templates.contains(where: { $0.template == "/v2/component" }) else { return }
        let header = site.isUnprotected ? "" : " -H \(site.configuration.clientHeader ?? "'Authorization: …'")"
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
