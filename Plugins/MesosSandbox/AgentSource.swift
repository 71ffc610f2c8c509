internal import FoundationEssentials
internal import PluginKit

/// The sandboxes of this node's agent.
struct AgentSource: AsyncLogSource {
    let agent: Agent
    let settings: SandboxConfiguration
    /// This plugin's authorizer is asked about every request, and so about every follower with its own token.
    let isAuthorizing: Bool
    let background: Background
    /// Makes what files are read through, for one caller.
    let files: @Sendable (_ sandbox: Sandbox, _ agent: AgentIdentity, _ token: String) -> any SandboxFiles
    private let shared = SharedFiles()
    private let tokens = TokenNumbers()

    var routes: [Route] { SandboxRoutes.agent }

    func resolve(_ request: Request, wake: Wake) async throws -> Resolution {
        guard let route = SandboxRoute(rawValue: request.route) else {
            throw PluginError(.internalFault, "There is no such route.")
        }
        switch route {
        case .lines, .podLines: return .log(topic: try self.topic(request))
        case .browse, .podBrowse: return try await self.browse(request)
        case .download, .podDownload: return try await self.download(request, wake: wake)
        case .agent: return try await self.forward(request)
        case .task, .taskFile, .taskBrowse, .taskDownload, .taskFileDownload:
            throw PluginError(.internalFault, "This route is a master's.")
        }
    }

    func open(topic: [UInt8], query: Query, request: Request, wake: Wake) async throws -> Opened {
        let path = try self.file(request)
        var (file, facts, identity) = try await self.find(path, token: request.credential)
        let start: LineStart
        do {
            start = try await self.findStart(query, file, facts)
        } catch let error as PluginError where error.code == .notFound {
            // Rotated since it was listed a moment ago.
            facts = try file.find(in: await file.files.list(file.directory))
            start = try await self.findStart(query, file, facts)
        }
        let member = query.follow ? SharedFile.Member(self.shared.file(topic)) : nil
        member?.begin(at: start.place.offset + UInt64(start.read.count))
        let readAhead = self.readAhead(query)
        let follow = member.map { self.follow($0, path, request.credential) }
        let format = LineReader.Format(
            fields: path.fields(on: identity).map { (Array($0.name.utf8), Array($0.value.utf8)) }.filter { field in
                query.needs.fields?.contains(field.name) ?? true
            },
            needsCursor: query.needs.cursor, dropsBlankLines: self.settings.dropsBlankLines)
        let reader: LineReader
        if let follow {
            let feed = self.feed(start, of: file, readAhead: readAhead, follow: follow, wake: wake)
            let watch = try await file.files.watch(file.name, in: file.directory) { [weak feed] in feed?.noteChange() }
            reader = LineReader(start, items: feed, format: format, shared: member, watch: watch)
        } else {
            let items = try await self.items(start, of: file, readAhead: readAhead, wake: wake)
            reader = LineReader(start, items: items, format: format, shared: nil)
        }
        // There is no filter for lines; lines to step over towards the end are read, and the host counts them.
        let applied: Opened.Applied = query.skip <= 0 ? [.filter, .skip] : .filter
        return Opened(reader: reader, applied: applied, skipped: start.skipped)
    }

    /// What is fetched from a place on.
    private func feed(
        _ start: LineStart, of file: LogFile, readAhead: Int, follow: FilePump.Follow? = nil, wake: Wake
    ) -> FileFeed {
        FileFeed(
            FilePump(start, of: file, readAhead: readAhead, follow: follow),
            first: FilePump.first(of: start, follows: follow != nil), background: self.background, wake: wake)
    }

    /// What there is from a place to the end: read from the file itself, where it can be kept, or else fetched.
    private func items(_ start: LineStart, of file: LogFile, readAhead: Int, wake: Wake) async throws -> any FileItems {
        let feed = { @Sendable start in self.feed(start, of: file, readAhead: readAhead, wake: wake) }
        guard let kept = try await self.keep(file, start) else { return feed(start) }
        return KeptRead(kept, at: start, capacity: file.files.readCapacity, pump: feed)
    }

    /// The file of a place, where files can be kept, and where there is more to read of it than was read with the place.
    private func keep(_ file: LogFile, _ start: LineStart) async throws -> KeptFile? {
        guard !start.isComplete, start.place.name == file.name, let identity = start.place.identity else { return nil }
        do {
            let kept = try await file.files.keep(file.path(file.name))
            return kept?.identity == identity ? kept : nil
        } catch let error as PluginError where error.code == .notFound {
            return nil
        }
    }

    private func findStart(_ query: Query, _ file: LogFile, _ facts: FileFacts?) async throws -> LineStart {
        try await LineStartFinder(file: file, dropsBlankLines: self.settings.dropsBlankLines, facts: facts)
            .find(query, needsPrefix: query.needs.cursor)
    }

    /// A few lines are in what is read first.
    private func readAhead(_ query: Query) -> Int { query.limit > 0 && query.limit <= 100 ? 1 : self.settings.readAhead }

    private func follow(_ member: SharedFile.Member, _ path: SandboxFile, _ token: String) -> FilePump.Follow {
        let agent = self.agent
        return FilePump.Follow(patience: self.settings.patience, shared: member) {
            try await agent.states(Agent.Question(token: token)).hasEnded(path.sandbox)
        }
    }

    // MARK: Files

    private func file(_ request: Request) throws -> SandboxFile {
        guard let path = request["file"] else { throw PluginError(.internalFault, "The route has no file.") }
        return try SandboxFile(request.variables, path: path)
    }

    /// Names the log. All who follow a file share one look at it, made with the token of one of them, as long as this plugin is asked
    /// about each of them again and again; else they share it with their own token only.
    private func topic(_ request: Request) throws -> [UInt8] {
        var topic = try self.file(request).topic
        if !self.isAuthorizing, !request.credential.isEmpty { topic += "\u{1F}\(self.tokens.number(of: request.credential))" }
        guard topic.utf8.count <= 1_024 else { throw PluginError(.invalid, "file: expected a shorter path") }
        return Array(topic.utf8)
    }

    /// Looks for a file before anything of it is read: what is no regular file must not be.
    private func find(_ path: SandboxFile, token: String) async throws -> (LogFile, FileFacts?, AgentIdentity) {
        return try await self.withIdentity(token) { identity in
            let files = self.files(path.sandbox, identity, token)
            let file = LogFile(files: files, directory: path.directory(on: identity), name: path.name)
            do {
                let facts = try file.find(in: await files.recentList(file.directory))
                if let facts { return (file, facts, identity) }
            } catch let error as PluginError where error.code == .notFound {}
            // Made since.
            return (file, try file.find(in: await files.list(file.directory)), identity)
        }
    }

    /// Does something with the agent's name, and again if that was another agent's: one that has started anew.
    private func withIdentity<Value>(_ token: String, _ body: (AgentIdentity) async throws -> Value) async throws -> Value {
        let identity = try await self.agent.identity(token: token)
        do {
            return try await body(identity)
        } catch let error as PluginError where error.code == .notFound {
            let fresh = try await self.agent.freshIdentity(token: token)
            if fresh == identity { throw error }
            return try await body(fresh)
        }
    }

    private func browse(_ request: Request) async throws -> Resolution {
        guard let sandbox = try Sandbox(request.variables) else { throw PluginError(.internalFault, "The route has no sandbox.") }
        let list = try await self.withIdentity(request.credential) { identity in
            try await self.files(sandbox, identity, request.credential).list(sandbox.directory(on: identity))
        }
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.withoutEscapingSlashes, .sortedKeys]
        let json = try encoder.encode(list)
        return .answer(status: 200, headers: [("Content-Type", "application/json")], bytes: Array(json))
    }

    private func download(_ request: Request, wake: Wake) async throws -> Resolution {
        let path = try self.file(request)
        let (file, facts, _) = try await self.find(path, token: request.credential)
        guard let facts else { throw PluginError(.notFound, "The file is not there.") }
        let start = LineStart(place: FilePlace(name: file.name, size: facts.size, identity: facts.identity))
        let items = try await self.items(start, of: file, readAhead: self.settings.readAhead, wake: wake)
        return .stream(
            status: 200,
            headers: [
                ("Content-Type", "application/octet-stream"), ("Content-Disposition", attachment(named: file.name)),
            ], FileDownload(items))
    }

    // MARK: The agent by its id

    /// Serves what is asked of an agent that this node has.
    private func forward(_ request: Request) async throws -> Resolution {
        let path = try AgentPath(request)
        if try await self.agent.identity(token: request.credential).id != path.agent,
            // It may have got another name.
            try await self.agent.freshIdentity(token: request.credential).id != path.agent
        {
            throw PluginError(.notFound, "This node is not that agent.")
        }
        return .proxy(Forward(path.target))
    }
}
