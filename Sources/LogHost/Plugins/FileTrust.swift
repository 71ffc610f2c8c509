internal import Glibc

/// What is known of a file or directory that code is loaded from.
package struct FileFacts: Hashable, Sendable {
    package var mode: UInt32
    package var owner: UInt32
    package var group: UInt32

    package init(mode: UInt32, owner: UInt32, group: UInt32) {
        self.mode = mode
        self.owner = owner
        self.group = group
    }

    init(_ facts: stat) {
        self.init(mode: facts.st_mode, owner: facts.st_uid, group: facts.st_gid)
    }

    var isRegular: Bool { self.mode & S_IFMT == S_IFREG }
    var isWritableByGroup: Bool { self.mode & S_IWGRP != 0 }
    var isWritableByOthers: Bool { self.mode & S_IWOTH != 0 }
    var isSticky: Bool { self.mode & S_ISVTX != 0 }
}

/// Who loads the code.
package struct Loader: Hashable, Sendable {
    package var user: UInt32
    /// The user's own primary group.
    package var primaryGroup: UInt32

    package init(user: UInt32, primaryGroup: UInt32) {
        self.user = user
        self.primaryGroup = primaryGroup
    }

    /// This process, with the group its user has in the password file.
    package static var current: Loader {
        let user = geteuid()
        var entry = unsafe passwd()
        var found: UnsafeMutablePointer<passwd>?
        var buffer = [CChar](repeating: 0, count: 16_384)
        let result = unsafe getpwuid_r(user, &entry, &buffer, buffer.count, &found)
        return unsafe Loader(user: user, primaryGroup: result == 0 && found != nil ? entry.pw_gid : getegid())
    }
}

/// The rules by which a file may be loaded as code: nobody else must be able to change what it says.
package enum FileTrust {
    /// Throws unless the library itself is trustworthy.
    package static func check(_ facts: FileFacts, file: String, loader: Loader) throws(PluginRefusal) {
        func refuse(_ expected: String, _ found: String) -> PluginRefusal {
            PluginRefusal(file: file, expected: expected, found: found)
        }
        guard facts.isRegular else { throw refuse("a regular file", Self.kind(facts.mode)) }
        guard facts.owner == 0 || facts.owner == loader.user else {
            throw refuse("a file owned by root or by user \(loader.user)", "owner \(facts.owner)")
        }
        guard !facts.isWritableByOthers else { throw refuse("a file that others cannot write", "mode \(Self.octal(facts.mode))") }
        // An ordinary user's own group, as umask 002 leaves it, is that user.
        let isOwnGroup = loader.user != 0 && facts.owner == loader.user && facts.group == loader.primaryGroup
        guard !facts.isWritableByGroup || isOwnGroup else {
            throw refuse("a file that its group cannot write", "mode \(Self.octal(facts.mode)), group \(facts.group)")
        }
    }

    /// Throws when somebody could replace the library by changing a directory above it. Only asked as root.
    package static func check(parent facts: FileFacts, path: String, file: String) throws(PluginRefusal) {
        guard facts.owner == 0 else {
            throw PluginRefusal(file: file, expected: "directories owned by root above it", found: "owner \(facts.owner) of \(path)")
        }
        guard facts.isSticky || !(facts.isWritableByGroup || facts.isWritableByOthers) else {
            throw PluginRefusal(
                file: file, expected: "directories above it that only root can write",
                found: "mode \(Self.octal(facts.mode)) of \(path)")
        }
    }

    private static func octal(_ mode: UInt32) -> String {
        "0" + String(mode & 0o7777, radix: 8)
    }

    private static func kind(_ mode: UInt32) -> String {
        switch mode & S_IFMT {
        case S_IFDIR: "a directory"
        case S_IFIFO: "a FIFO"
        case S_IFSOCK: "a socket"
        case S_IFCHR, S_IFBLK: "a device"
        default: "something else"
        }
    }
}
