internal import Glibc
internal import PluginKit

/// The run directory of a sandbox on this node's disk, and the way to what lies in it.
///
/// A task may write whatever it likes there, also links. They are followed step by step, each step from an open directory, and lead
/// nowhere but to places beneath the run directory: not even a change at the worst moment gets anyone out. All of it blocks.
struct LocalRun: Sendable {
    /// As Mesos writes it in the links it makes.
    private let steps: [String]
    private let directory: OpenFile

    private static let linkCapacity = 40
    private static let stepCapacity = 1_024
    private static let depthCapacity = 64
    private static let wayCapacity = 40_000

    /// Opens it. Above it there are only directories of Mesos' own, none of them a link.
    init(of sandbox: Sandbox, on agent: AgentIdentity) throws {
        self.steps = pathSegments(sandbox.run.directory(on: agent))
        let work = unsafe Glibc.open(agent.workDirectory, O_PATH | O_DIRECTORY | O_CLOEXEC)
        guard work >= 0 else { throw LocalFailure.of(errno) }
        var directory = OpenFile(work)
        for name in sandbox.runSteps(on: agent) { directory = try directory.step(name, O_DIRECTORY) }
        self.directory = directory
    }

    /// Opens what a path beneath leads to, without opening it for anything yet.
    func find(_ path: String) throws -> OpenFile {
        var left = Self.wayCapacity
        return try self.find(path, left: &left)
    }

    /// The same in at most so many steps; takes off what it needed.
    func find(_ path: String, left: inout Int) throws -> OpenFile {
        var way = [self.directory]
        var steps: [String] = pathSegments(path).reversed()
        var links = 0
        while let name = steps.popLast() {
            left -= 1
            guard left >= 0 else { throw LocalFailure.of(ELOOP) }
            switch name {
            case ".", "": continue
            case "..":
                guard way.count > 1 else { throw LocalFailure.of(ENOENT) }
                way.removeLast()
                continue
            default: break
            }
            let next = try (way.last ?? self.directory).step(name, O_NOFOLLOW)
            switch try next.status().st_mode & S_IFMT {
            case S_IFLNK:
                links += 1
                var target = pathSegments(try next.linkTarget())
                if target.first == "" {
                    // Mesos links a pod's task to its directory with an absolute path.
                    guard target.starts(with: self.steps) else { throw LocalFailure.of(ENOENT) }
                    target.removeFirst(self.steps.count)
                    way.removeLast(way.count - 1)
                }
                steps += target.reversed()
                guard links <= Self.linkCapacity, steps.count <= Self.stepCapacity else { throw LocalFailure.of(ELOOP) }
            case S_IFDIR:
                guard way.count < Self.depthCapacity else { throw LocalFailure.of(ENAMETOOLONG) }
                way.append(next)
            default:
                guard steps.isEmpty else { throw LocalFailure.of(ENOTDIR) }
                return next
            }
        }
        return way.last ?? self.directory
    }

    /// Opens a regular file for reading; nothing else can be opened so.
    func open(_ path: String) throws -> OpenFile {
        let found = try self.find(path)
        guard try found.status().st_mode & S_IFMT == S_IFREG else { throw FileFacts.notRegular }
        // The very file that was looked at, by its descriptor: its name may have become a FIFO by now.
        return try found.reopened(O_RDONLY | O_NOCTTY)
    }
}

/// open(2), which Swift's Glibc leaves out; the same on every architecture that Swift knows on Linux.
private let O_PATH: Int32 = 0o10_000_000

extension OpenFile {
    /// Opens a directory's entry as a place only: nothing happens to what it is.
    fileprivate func step(_ name: String, _ flags: Int32) throws -> OpenFile {
        let number = unsafe openat(self.number, name, O_PATH | O_NOFOLLOW | O_CLOEXEC | flags)
        guard number >= 0 else { throw LocalFailure.of(errno) }
        return OpenFile(number)
    }

    /// Opens the same file in another way.
    func reopened(_ flags: Int32) throws -> OpenFile {
        let number = unsafe Glibc.open("/proc/self/fd/\(self.number)", flags | O_CLOEXEC)
        guard number >= 0 else { throw LocalFailure.of(errno) }
        return OpenFile(number)
    }

    fileprivate func linkTarget() throws -> String {
        var buffer = [CChar](repeating: 0, count: Int(PATH_MAX))
        let capacity = buffer.count
        let count = unsafe buffer.withUnsafeMutableBufferPointer { buffer in
            unsafe buffer.baseAddress.map { unsafe readlinkat(self.number, "", $0, capacity) } ?? -1
        }
        guard count > 0, count < buffer.count else { throw LocalFailure.of(ENOENT) }
        return String(decoding: buffer[..<count].map { UInt8(bitPattern: $0) }, as: UTF8.self)
    }
}
