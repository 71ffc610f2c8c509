internal import HummingbirdCore
internal import Logging
internal import NIOCore
internal import NIOExtras
internal import NIOPosix
internal import ServiceLifecycle

/// Serves a socket that is bound already, which Hummingbird's server does not; it stops in the same way.
struct PassedServer<Connection: ServerChildChannel>: Service {
    let channel: Connection
    let descriptor: Int32
    let backlog: Int32
    let logger: Logger
    let onRunning: @Sendable (any Channel) async -> Void

    func run() async throws {
        let quiescing = ServerQuiescingHelper(group: MultiThreadedEventLoopGroup.singleton)
        let server = try await self.bind(quiescing)
        await withGracefulShutdownHandler {
            await self.onRunning(server.channel)
            await withDiscardingTaskGroup { group in
                do {
                    try await server.executeThenClose { connections in
                        for try await connection in connections {
                            group.addTask { await self.channel.handle(value: connection, logger: self.logger) }
                        }
                    }
                } catch {
                    self.logger.error("accepting connections: \(error)")
                }
            }
        } onGracefulShutdown: {
            quiescing.initiateShutdown(promise: nil)
        }
    }

    private func bind(_ quiescing: ServerQuiescingHelper) async throws -> NIOAsyncChannel<Connection.Value, Never> {
        try await ServerBootstrap(group: MultiThreadedEventLoopGroup.singleton)
            .serverChannelOption(ChannelOptions.backlog, value: self.backlog)
            .childChannelOption(ChannelOptions.allowRemoteHalfClosure, value: true)
            .serverChannelInitializer { server in
                server.eventLoop.makeCompletedFuture {
                    try server.pipeline.syncOperations.addHandler(quiescing.makeServerChannelHandler(channel: server))
                }
            }
            .bind(self.descriptor) { self.channel.setup(channel: $0, logger: self.logger) }
    }
}
