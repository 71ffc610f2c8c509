internal import PluginKit

/// The masters of the cluster, of which one leads.
struct Masters: Sendable {
    let client: MesosClient
    let endpoints: [Endpoint]
    /// Finds the addresses of a name, for a redirect that names one.
    let resolve: @Sendable (_ host: String) async -> [String]

    /// Asks the master that leads: those that are configured one after the other, until one knows.
    func get<Answer: Decodable>(_ target: String, token: String, capacity: Int, as type: Answer.Type) async throws -> Answer {
        var failure = PluginError(
            .upstream, "No Mesos master can be asked.", detail: MesosClient.Role.master.rawValue, retryable: true)
        var silent: Set<Endpoint> = []
        for endpoint in self.endpoints {
            let response: HTTPResponse
            do {
                response = try await self.ask(target, at: endpoint, token: token, capacity: capacity, &silent)
            } catch let error as PluginError where error.retryable {
                failure = error
                continue
            }
            switch response.status {
            case 200:
                guard let answer = decoded(type, response.body) else {
                    throw PluginError(
                        .upstream, "The Mesos master gave an answer that cannot be read.",
                        detail: MesosClient.Role.master.rawValue)
                }
                return answer
            case 502, 503, 504: failure = MesosClient.failure(response.status, .master, "This")
            default: throw MesosClient.failure(response.status, .master, "This")
            }
        }
        throw failure
    }

    /// Asks one master; where that leads to another, that one, once. `silent`: those that did not answer this question.
    private func ask(
        _ target: String, at endpoint: Endpoint, token: String, capacity: Int, _ silent: inout Set<Endpoint>
    ) async throws -> HTTPResponse {
        let response = try await self.response(target, at: endpoint, token: token, capacity: capacity, &silent)
        guard [301, 302, 303, 307, 308].contains(response.status) else { return response }
        guard let location = response.headers.first(where: { $0.name == "location" })?.value,
            let named = self.endpoint(in: location, default: endpoint.port), let leader = await self.master(named)
        else {
            throw PluginError(
                .upstream, "The Mesos master leads to a server that is no master.", detail: MesosClient.Role.master.rawValue,
                // It may be one of those that are asked next, by a name that means nothing here.
                retryable: true)
        }
        let second = try await self.response(target, at: leader, token: token, capacity: capacity, &silent)
        guard !(300..<400).contains(second.status) else {
            throw PluginError(
                .upstream, "The Mesos masters lead to one another.", detail: MesosClient.Role.master.rawValue, retryable: true)
        }
        return second
    }

    /// Waits for each server once: all may lead to one that hangs.
    private func response(
        _ target: String, at endpoint: Endpoint, token: String, capacity: Int, _ silent: inout Set<Endpoint>
    ) async throws -> HTTPResponse {
        guard !silent.contains(endpoint) else { throw MesosClient.silence(.master) }
        do {
            return try await self.client.get(target, at: endpoint, as: .master, token: token, capacity: capacity)
        } catch let error as PluginError where error.code == .timeout {
            silent.insert(endpoint)
            throw error
        }
    }

    /// The server in `//host:port/…`, or in a whole URL of the configured scheme. The path is not taken over: the question stays the same.
    private func endpoint(in location: String, default port: UInt16) -> Endpoint? {
        for prefix in ["//", "\(self.client.tls.scheme)://"] where location.hasPrefix(prefix) {
            let authority = location.dropFirst(prefix.count).prefix { $0 != "/" && $0 != "?" && $0 != "#" }
            return Endpoint(String(authority), defaultPort: port)
        }
        return nil
    }

    /// Only a master that is configured is trusted with the token: by its name, by an address of that, or by another name of its address.
    private func master(_ endpoint: Endpoint) async -> Endpoint? {
        if self.endpoints.contains(endpoint) { return endpoint }
        let candidates = self.endpoints.filter { $0.port == endpoint.port }
        let addresses = candidates.isEmpty ? [] : await self.resolve(endpoint.host)
        for known in candidates {
            // Asked at the address that is configured, whatever the name means to others.
            if addresses.contains(known.host) { return known }
            let own = await self.resolve(known.host)
            if own.contains(endpoint.host) { return endpoint }
            guard let shared = addresses.first(where: own.contains) else { continue }
            return own.count == 1 ? known : Endpoint(host: shared, port: endpoint.port)
        }
        return nil
    }
}
