internal import HTTPTypes
internal import Logging
internal import NIOCore

/// Answers requests: what is refused at the door, which route it is, and who writes the answer.
struct Dispatcher: Sendable {
    let site: Site
    /// On a unix socket any Host is fine: a browser cannot be made to open one.
    let isTCP: Bool
    var audience = Audience.readers

    /// Watchers have places of their own: they are to be answered when the host is too busy for others.
    private static let watcherCapacity = 256

    /// How many connections of its audience may be open.
    var connectionCapacity: Int { self.audience == .readers ? self.site.limits.connections : Self.watcherCapacity }

    /// Answers one request. Throwing closes the connection without a clean end.
    func respond(_ exchange: Exchange, with outbound: Exchange.Outbound) async throws {
        self.site.requests.measure(begun: true)
        defer { self.site.requests.measure(begun: false) }
        await self.prepareApart(exchange)
        do {
            try await exchange.write(to: outbound)
            self.site.accessLog?.record(exchange, cause: nil)
        } catch {
            let cause = self.cause(of: error)
            self.site.requests.countCut(route: exchange.route, cause: cause)
            self.site.accessLog?.record(exchange, cause: cause)
            throw error
        }
    }

    /// Takes note of what is no request: the connection ends with a status and nothing else.
    func note(refusal status: Int, on channel: any Channel) {
        self.site.requests.count(route: RequestMetrics.noRoute, status: status, format: "")
        var peer = self.site.connections.connection(of: channel)?.peer ?? Peer()
        peer.address = ClientAddress.of(channel.remoteAddress, forwardedFor: [], trusted: [])
        self.site.accessLog?.record(refusal: status, of: peer)
    }

    /// Why an answer has not come to its end.
    private func cause(of error: any Error) -> String {
        if error is PluginFailure { return "source" }
        if error is Problem { return "authorization" }
        return self.site.shutdown.hasBegun ? "stop" : "client"
    }

    /// Prepares in a task of its own: the memory that needs is free again while the answer is written, which may go on for ever.
    private func prepareApart(_ exchange: Exchange) async {
        await withTaskGroup(of: Void.self) { group in
            group.addImmediateTask { await self.prepare(exchange) }
        }
    }

    /// Finds the answer; everything that goes wrong is one too.
    private func prepare(_ exchange: Exchange) async {
        do {
            try self.admit(exchange)
            try await self.answer(exchange)
        } catch let problem as Problem {
            exchange.answer = exchange.problem(problem)
        } catch let failure as PluginFailure {
            self.site.report(failure, route: exchange.route)
            exchange.answer = exchange.problem(failure.problem)
        } catch is CancellationError {
            exchange.answer = exchange.problem(Problem(503, "The host is stopping.", retryAfter: 1))
        } catch {
            self.site.logger.error("request failed", metadata: ["error": "\(error)"])
            exchange.answer = exchange.problem(Problem(500, "The host failed."))
        }
    }

    /// What is refused whatever the route.
    private func admit(_ exchange: Exchange) throws(Problem) {
        let limits = self.site.limits
        let head = exchange.request
        // Whoever watches wants to know above all when the host is busy.
        let isWatched = self.audience == .watchers
        if (head.path?.utf8.count ?? 0) > limits.uriBytes {
            throw Problem(414, "The URI is longer than \(limits.uriBytes) bytes.")
        }
        var size = 0
        for field in head.headerFields { size += field.name.rawName.utf8.count + field.value.utf8.count + 4 }
        if size > limits.headerBytes { throw Problem(431, "The header is larger than \(limits.headerBytes) bytes.") }
        // Whoever says `insecure: true` wants to be reached by any name; health tells nothing.
        if !isWatched, self.isTCP, self.site.isUnprotected, !self.site.configuration.insecure,
            !Self.isLocal(head.authority ?? ""), !Self.isOpen(exchange)
        {
            throw Problem(
                421, "Without an authorizer only localhost is served: use http://localhost or http://127.0.0.1.",
                parameter: "Host")
        }
        if self.site.connections.isSurplus(exchange.channel) {
            exchange.endsConnection = true
            throw Problem(503, "Too many connections are open.", retryAfter: 1)
        }
        guard !isWatched else { return }
        try self.site.workers.admit(queueCapacity: limits.workerQueue)
    }

    /// True for what tells everybody the same.
    private static func isOpen(_ exchange: Exchange) -> Bool {
        (try? RequestPath(exchange.path)).flatMap(HostRoute.init)?.isOpen ?? false
    }

    /// True for localhost, 127.0.0.1 and [::1], with any port.
    static func isLocal(_ authority: String) -> Bool {
        var host = authority.lowercased()
        if let colon = host.lastIndex(of: ":"), host[host.index(after: colon)...].utf8.allSatisfy({ (0x30...0x39).contains($0) })
        {
            host = String(host[..<colon])
        }
        return ["localhost", "127.0.0.1", "[::1]"].contains(host)
    }

    private func answer(_ exchange: Exchange) async throws {
        guard let location = try await self.answerTarget(of: exchange) else { return }
        exchange.forward(to: location)
        // Only once: there is no third target.
        if try await self.answerTarget(of: exchange) != nil { throw Problem.loop }
    }

    /// Answers what is asked for now; returns the path that is to be served instead, when a source names one.
    private func answerTarget(of exchange: Exchange) async throws -> String? {
        let path = try RequestPath(exchange.path)
        let method = exchange.request.method
        if let route = HostRoute(path), self.audience == .readers || route.isForWatchers {
            exchange.measure(route: route.template)
            if method == .options {
                // No web page has any business here.
                exchange.allowsOrigins = false
                exchange.answer = exchange.preflight()
                return nil
            }
            guard method == .get || method == .head else { throw Self.methodNotAllowed(["GET"]) }
            exchange.allowsOrigins = false
            if self.audience == .readers, !route.isOpen {
                _ = try await self.authorize(exchange, path, route.template, plugin: "", variables: [], canBeFiltered: false)
            }
            let isTrusted =
                !self.isTCP || self.site.configuration.insecure || Self.isLocal(exchange.request.authority ?? "")
            let tellsDetails = self.audience == .watchers || self.site.isUnprotected && isTrusted
            exchange.answer = try await HostAnswer(site: self.site, exchange: exchange, tellsDetails: tellsDetails).answer(route)
            return nil
        }
        guard self.audience == .readers else { throw Problem(404, "There is nothing here.") }
        let found = self.site.routes.find(method: method == .options ? "GET" : method.rawValue, path: path)
        switch found {
        case .none:
            throw Problem(404, "There is nothing here.")
        case .otherMethods(let methods):
            throw Self.methodNotAllowed(methods)
        case .match(let match):
            exchange.measure(route: match.template)
            if method == .options {
                exchange.answer = exchange.preflight()
                return nil
            }
            guard method == .get || method == .head else { throw Self.methodNotAllowed(["GET"]) }
            let target = match.target
            let grant = try await self.authorize(
                exchange, path, match.template, plugin: target.plugin.name, variables: match.variables,
                canBeFiltered: target.route.canBeFiltered)
            return try await LogRoute(site: self.site, exchange: exchange, match: match, grant: grant).answer()
        }
    }

    /// Asks the authorizers; throws the answer of a request that they do not allow.
    private func authorize(
        _ exchange: Exchange, _ path: RequestPath, _ template: String, plugin: String,
        variables: [(name: String, value: String)], canBeFiltered: Bool
    ) async throws -> Grant {
        guard let authorization = self.site.authorization else { return Grant() }
        let subject = AuthorizationSubject(
            method: exchange.request.method.rawValue, path: exchange.path, route: path.reachedBy + template,
            plugin: plugin, variables: variables,
            headers: exchange.request.headerFields.map { ($0.name.canonicalName, $0.value) }, peer: exchange.peer,
            requestID: exchange.id, canBeFiltered: canBeFiltered)
        let grant = try await authorization.decide(subject)
        exchange.subject = subject
        exchange.principal = grant.principal
        return grant
    }

    private static func methodNotAllowed(_ methods: [String]) -> Problem {
        var problem = Problem(405, "This resource can only be read.")
        problem.allow = methods.contains("GET") ? ["GET", "HEAD", "OPTIONS"] : methods
        return problem
    }
}
