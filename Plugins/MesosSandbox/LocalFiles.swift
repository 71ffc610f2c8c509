internal import Glibc
internal import PluginKit

/// What this node's plugin needs to read sandboxes from its own disk.
struct LocalDisk: Sendable {
    let threads = BlockingThreads(label: "loghost.mesos-sandbox.disk", threads: 4, capacity: 4_096)
    let accounts = AccountNames()
    let changes: DirectoryChanges
}

/// A sandbox on this node's disk.
struct LocalFiles: SandboxFiles {
    private let disk: LocalDisk
    private let sandbox: Sandbox
    private let agent: AgentIdentity

    init(_ sandbox: Sandbox, on agent: AgentIdentity, disk: LocalDisk) {
        self.disk = disk
        self.sandbox = sandbox
        self.agent = agent
    }

    /// Below what glibc takes from the kernel page by page, and gives back after each read.
    var readCapacity: Int { 112 << 10 }
    var givesWholeReads: Bool { true }

    func read(_ path: String, at offset: UInt64, length: Int) async throws -> [UInt8] {
        try await self.run(path) { try $0.open($1).bytes(at: offset, length: min(length, self.readCapacity)) }
    }

    func list(_ directory: String) async throws -> [FileFacts] {
        try await self.run(directory) { try $0.list($1, as: directory, accounts: self.disk.accounts) }
    }

    func recentList(_ directory: String) async throws -> [FileFacts] { try await self.list(directory) }

    func keep(_ path: String) async throws -> KeptFile? {
        let threads = self.disk.threads
        return try await self.run(path) { try KeptFile($0.open($1), threads: threads) }
    }

    func identity(of path: String) async throws -> FileIdentity? {
        try await self.run(path) { run, path in
            do {
                return FileIdentity(try run.open(path).status())
            } catch let error as PluginError where error.code == .notFound {
                return nil
            }
        }
    }

    func watch(_ name: String, in directory: String, onChange: @escaping @Sendable () -> Void) async throws -> FileWatch? {
        try await self.run(directory) { try self.disk.changes.watch(name, in: $0.find($1), onChange: onChange) }
    }

    /// Does something with the path beneath the run, on a thread that may wait for the disk.
    private func run<Value: Sendable>(
        _ path: String, _ body: @escaping @Sendable (LocalRun, String) throws -> Value
    ) async throws -> Value {
        let run = self.sandbox.run.directory(on: self.agent)
        let rest = path.utf8.dropFirst(run.utf8.count)
        guard path.utf8.starts(with: run.utf8), rest.isEmpty || rest.first == UInt8(ascii: "/") else {
            throw PluginError(.internalFault, "The path lies outside of its sandbox.")
        }
        return try await self.disk.threads.run { try body(LocalRun(of: self.sandbox, on: self.agent), String(Substring(rest))) }
    }
}
