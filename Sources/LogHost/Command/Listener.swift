internal import Glibc
internal import HummingbirdCore
internal import Logging
internal import NIOCore
internal import NIOPosix
internal import ServiceLifecycle

/// One address the host serves.
struct Listener: Service {
    private let address: ListenAddress
    private let logger: Logger
    private let server: Server<HostChannel>

    init(address: ListenAddress, site: Site, logger: Logger) throws {
        self.address = address
        self.logger = logger
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
        // The server's own greeting; the host gives its own.
        quiet.logLevel = max(logger.logLevel, .warning)
        self.server = Server(
            childChannelSetup: channel, configuration: ServerConfiguration(address: bind, backlog: 1024),
            onServerRunning: { server in await Self.announce(server, address, site) },
            eventLoopGroup: MultiThreadedEventLoopGroup.singleton, logger: quiet)
    }

    func run() async throws {
        do {
            try await self.server.run()
        } catch let error as IOError {
            throw ConfigurationFailure("listen: \(self.address): \(error.reason)")
        }
        if case .unix(let path, _) = self.address { unsafe unlink(path) }
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
        print("Follow the journal:  \(client)/v2/component?skip=-10&follow=true'")
        fflush(nil)
    }
}
