internal import Glibc
internal import Logging
internal import NIOCore
internal import NIOPosix
internal import NIOSSL
internal import Synchronization

/// What a listener proves itself with and trusts: its TLS files as they were when they were last good.
final class TLSIdentity: Sendable {
    private struct State {
        var settings: TLSSettings
        var context: NIOSSLContext
        /// The files that have been read, good or not.
        var read: [FileStamp]
        /// The files as they were at the last look.
        var seen: [FileStamp]
    }

    private static let interval = Duration.seconds(2)

    private let state: Mutex<State>

    /// Reads the files. Throws what is wrong with the first that is not good.
    init(_ settings: TLSSettings, logger: Logger) throws(TLSFailure) {
        let stamps = Self.stamps(settings)
        let context = try Self.load(settings, logger)
        self.state = Mutex(State(settings: settings, context: context, read: stamps, seen: stamps))
    }

    /// For the next connection.
    var context: NIOSSLContext { self.state.withLock { $0.context } }

    /// Looks at the files every few seconds until the task is cancelled, and takes changed ones into use.
    func watch(_ logger: Logger) async {
        while (try? await Task.sleep(for: Self.interval)) != nil {
            // Files may lie on a slow disk.
            try? await NIOThreadPool.singleton.runIfActive { self.look(logger) }
        }
    }

    /// Reads the files that other settings name, or the same again. Returns what takes them into use; throws what is wrong with the first that
    /// is not good.
    func prepare(_ settings: TLSSettings, _ logger: Logger) throws(TLSFailure) -> @Sendable () -> Void {
        let stamps = Self.stamps(settings)
        let context = try Self.load(settings, logger)
        return { self.state.withLock { $0 = State(settings: settings, context: context, read: stamps, seen: stamps) } }
    }

    /// Waits until nothing has changed between two looks: certificate and key are seldom replaced in one step.
    private func look(_ logger: Logger) {
        let settings = self.state.withLock { $0.settings }
        let now = Self.stamps(settings)
        let isNew = self.state.withLock { state in
            guard state.settings == settings else { return false }
            defer { state.seen = now }
            return now == state.seen && now != state.read
        }
        guard isNew else { return }
        do throws(TLSFailure) {
            let context = try Self.load(settings, logger)
            // Not over those of other settings that have come meanwhile.
            self.state.withLock { if $0.settings == settings { $0.context = context } }
            logger.notice("TLS files have changed and are in use")
        } catch {
            logger.error(
                "TLS files have changed and are not good: the earlier ones stay in use",
                metadata: ["key": "\(error.key)", "reason": "\(error.reason)"])
        }
        // Said once for every change.
        self.state.withLock { if $0.settings == settings { $0.read = now } }
    }

    private static func stamps(_ settings: TLSSettings) -> [FileStamp] {
        ([settings.certificate, settings.key] + (settings.clientCA.map { [$0] } ?? [])).map { FileStamp($0) }
    }

    private static func load(_ settings: TLSSettings, _ logger: Logger) throws(TLSFailure) -> NIOSSLContext {
        let chain = try TLSFile(key: "certificate", path: settings.certificate).certificates()
        let keyFile = TLSFile(key: "key", path: settings.key)
        let key = try keyFile.privateKey()
        var configuration = TLSConfiguration.makeServerConfiguration(
            certificateChain: chain.map { .certificate($0) }, privateKey: .privateKey(key))
        configuration.minimumTLSVersion = settings.minimum == .tls13 ? .tlsv13 : .tlsv12
        // Forward secrecy and authenticated encryption: what HTTP/2 asks for (RFC 9113, 9.2.2).
        configuration.cipherSuites = "ECDHE+AESGCM:ECDHE+CHACHA20"
        // A client that does not say goodbye is not waited for much longer; the host's own end must not have to.
        configuration.shutdownTimeout = .seconds(2)
        configuration.applicationProtocols = ["h2", "http/1.1"]
        if let path = settings.clientCA, settings.clientAuth != .none {
            configuration.trustRoots = .certificates(try TLSFile(key: "client_ca", path: path).certificates())
            configuration.certificateVerification =
                settings.clientAuth == .required ? .noHostnameVerification : .optionalVerification
            configuration.sendCANameList = true
        }
        do {
            let context = try NIOSSLContext(configuration: configuration)
            if let leaf = chain.first, leaf.notValidAfter < time(nil) {
                logger.warning("the server's certificate has expired: clients will refuse it")
            }
            return context
        } catch {
            // All files have been parsed: what is left is the pair.
            throw keyFile.failure("expected the key of the certificate, found another one's")
        }
    }
}
