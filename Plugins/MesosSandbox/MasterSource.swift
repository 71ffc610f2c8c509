internal import PluginKit

/// The way from a task to its sandbox, and through this master to what an agent serves.
struct MasterSource: AsyncLogSource {
    let lookup: TaskLookup
    let settings: SandboxConfiguration

    var routes: [Route] { SandboxRoutes.master }

    func resolve(_ request: Request, wake: Wake) async throws -> Resolution {
        guard let route = SandboxRoute(rawValue: request.route) else {
            throw PluginError(.internalFault, "There is no such route.")
        }
        switch route {
        case .task: return try await self.redirect(request, to: "stdout")
        case .taskDownload: return try await self.redirect(request, to: "stdout", "/download")
        case .taskBrowse: return try await self.redirect(request, to: "files/browse")
        case .taskFile: return try await self.redirect(request, to: self.file(request))
        case .taskFileDownload: return try await self.redirect(request, to: self.file(request), "/download")
        case .agent: return try await self.forward(request)
        case .lines, .podLines, .browse, .podBrowse, .download, .podDownload:
            throw PluginError(.internalFault, "This route is an agent's.")
        }
    }

    func open(topic: [UInt8], query: Query, request: Request, wake: Wake) async throws -> Opened {
        throw PluginError(.internalFault, "A master has no logs of tasks.")
    }

    private func file(_ request: Request) throws -> String {
        guard let path = request["file"] else { throw PluginError(.internalFault, "The route has no file.") }
        return pathSegments(try checkedPath(path)).map { percentEncoded($0) }.joined(separator: "/")
    }

    /// Leads to a file, encoded already, of a task's sandbox.
    private func redirect(_ request: Request, to file: String, _ suffix: String = "") async throws -> Resolution {
        guard let text = request["task_id"] else { throw PluginError(.internalFault, "The route has no task.") }
        let task = try await self.lookup.task(text, token: request.credential)
        guard let sandbox = task.sandbox, let run = sandbox.containers.first else {
            throw PluginError(.notFound, "The task has no sandbox yet.")
        }
        var path = "/system/v1/agent/\(percentEncoded(task.agent))/logs/v2/task/frameworks/\(percentEncoded(sandbox.framework))"
        path += "/executors/\(percentEncoded(sandbox.executor))/runs/\(percentEncoded(run))"
        if let task = sandbox.task { path += "/tasks/\(percentEncoded(task))" }
        path += "/\(file)\(suffix)"
        return .redirect(request.query.isEmpty ? path : "\(path)?\(request.query)")
    }

    /// Sends a request on to the agent it is for.
    private func forward(_ request: Request) async throws -> Resolution {
        let path = try AgentPath(request)
        let host = try await self.lookup.host(ofAgent: path.agent, token: request.credential)
        let tls = self.settings.tls
        var forward = Forward("\(tls.scheme)://\(host):\(self.settings.agentLogHostPort)\(path.target)")
        // However it came here: the agent's gateway knows this form.
        if !request.credential.isEmpty { forward.headers = [("Authorization", "token=\(request.credential)")] }
        forward.caFile = tls.caFile
        forward.clientCertificate = tls.clientCertificate
        forward.clientKey = tls.clientKey
        return .proxy(forward)
    }
}
