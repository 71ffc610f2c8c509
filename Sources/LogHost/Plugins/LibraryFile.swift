internal import CLinux
internal import Glibc

/// A library's file: found, opened, and checked to be one that only trusted people can write.
///
/// Everything after the opening goes to the descriptor, never to the name again: what was checked is what is loaded.
package struct LibraryFile: ~Copyable {
    /// Where the name led, links followed.
    package let path: String
    /// The file in refusals: where it was looked for, and its target where that is a link.
    package let label: String
    let descriptor: OwnedDescriptor
    package let size: Int

    /// Finds, opens and checks a library.
    ///
    /// - Parameters:
    ///   - library: an absolute path, or a bare file name.
    ///   - directories: absolute paths where a bare name is looked for, in this order, and nowhere else.
    package static func open(_ library: String, in directories: [String]) throws(PluginRefusal) -> LibraryFile {
        if library.utf8.contains(UInt8(ascii: "/")) {
            guard library.utf8.first == UInt8(ascii: "/") else {
                throw PluginRefusal(file: library, expected: "an absolute path or a bare file name", found: "a relative path")
            }
            guard let file = try Self.openIfPresent(library) else {
                throw PluginRefusal(file: library, expected: "a file at that path", found: "none")
            }
            return file
        }
        guard !library.isEmpty else {
            throw PluginRefusal(file: "\"\"", expected: "an absolute path or a bare file name", found: "no name")
        }
        for directory in directories {
            guard directory.utf8.first == UInt8(ascii: "/") else {
                throw PluginRefusal(
                    file: library, expected: "plugin directories with absolute paths", found: "\"\(directory)\"")
            }
            let separator = directory.utf8.last == UInt8(ascii: "/") ? "" : "/"
            if let file = try Self.openIfPresent(directory + separator + library) { return file }
        }
        guard !directories.isEmpty else {
            throw PluginRefusal(file: library, expected: "an absolute path or a plugin directory", found: "neither")
        }
        throw PluginRefusal(file: library, expected: "a file in \(directories.joined(separator: " or "))", found: "none")
    }

    /// Opens and checks what is at the path, or returns nil when nothing is. A link to nothing is something, and refused.
    private static func openIfPresent(_ path: String) throws(PluginRefusal) -> LibraryFile? {
        guard !path.utf8.contains(0) else {
            throw PluginRefusal(file: path, expected: "a file name", found: "one with a NUL in it")
        }
        // NONBLOCK: opening a FIFO must not wait for its writer. It changes nothing for a regular file.
        guard let descriptor = unsafe OwnedDescriptor(Glibc.open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK)) else {
            let reason = errno
            guard reason == ENOENT || reason == ENOTDIR else {
                throw PluginRefusal(file: path, expected: "a readable file", found: "\"\(systemErrorText(reason))\"")
            }
            var entry = loghost_file_status()
            guard unsafe loghost_lstat(path, &entry) != 0 else {
                throw PluginRefusal(file: path, expected: "a file", found: "a link to nothing")
            }
            return nil
        }
        let target = try Self.target(of: descriptor, path: path)
        let label = target == path ? path : "\(path) -> \(target)"
        var status = loghost_file_status()
        guard unsafe loghost_fstat(descriptor.number, &status) == 0 else {
            throw PluginRefusal(file: label, expected: "a file with a status", found: "\"\(systemErrorText(errno))\"")
        }
        let identity = LoadingIdentity.current()
        let facts = FileFacts(
            mode: status.mode, owner: status.owner, group: status.group,
            parents: identity.user == 0 ? try Self.parents(of: target, label: label) : [])
        try facts.check(file: label, identity: identity)
        return LibraryFile(path: target, label: label, descriptor: descriptor, size: Int(status.size))
    }

    /// Asks the kernel where the descriptor's file is.
    private static func target(of descriptor: borrowing OwnedDescriptor, path: String) throws(PluginRefusal) -> String {
        var buffer = [CChar](repeating: 0, count: Int(PATH_MAX))
        let count = unsafe readlink("/proc/self/fd/\(descriptor.number)", &buffer, buffer.count)
        guard count > 0 else {
            throw PluginRefusal(file: path, expected: "its path in /proc/self/fd", found: "\"\(systemErrorText(errno))\"")
        }
        let target = String(decoding: buffer[..<count].map(UInt8.init(bitPattern:)), as: UTF8.self)
        guard target.utf8.first == UInt8(ascii: "/") else {
            throw PluginRefusal(file: path, expected: "a file below the root directory", found: target)
        }
        return target
    }

    /// Asks for the owner and mode of every directory from the root to the file.
    private static func parents(of path: String, label: String) throws(PluginRefusal) -> [FileFacts.Directory] {
        var parents: [FileFacts.Directory] = []
        for index in path.utf8.indices where path.utf8[index] == UInt8(ascii: "/") {
            let parent = index == path.startIndex ? "/" : String(path[..<index])
            var status = loghost_file_status()
            guard unsafe loghost_lstat(parent, &status) == 0 else {
                throw PluginRefusal(
                    file: label, expected: "parent directories that can be asked for their owner",
                    found: "\(parent) with \"\(systemErrorText(errno))\"")
            }
            parents.append(.init(path: parent, mode: status.mode, owner: status.owner))
        }
        return parents
    }
}
