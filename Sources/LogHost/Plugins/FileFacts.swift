internal import Glibc

/// Who loads: decides whose files are trusted.
package struct LoadingIdentity: Hashable, Sendable {
    /// The effective user.
    package var user: UInt32
    /// The group that is this user's alone, for an ordinary user who has one.
    package var privateGroup: UInt32?

    package init(user: UInt32, privateGroup: UInt32? = nil) {
        self.user = user
        self.privateGroup = privateGroup
    }
}

/// What decides whether a library file can be trusted, apart from what is in it.
package struct FileFacts: Hashable, Sendable {
    /// A directory on the way from the root to the file.
    package struct Directory: Hashable, Sendable {
        package var path: String
        /// `st_mode`.
        package var mode: UInt32
        package var owner: UInt32

        package init(path: String, mode: UInt32, owner: UInt32) {
            self.path = path
            self.mode = mode
            self.owner = owner
        }
    }

    /// `st_mode`, with the file's type.
    package var mode: UInt32
    package var owner: UInt32
    package var group: UInt32
    /// From the root down. Judged only when root loads.
    package var parents: [Directory]

    package init(mode: UInt32, owner: UInt32, group: UInt32, parents: [Directory] = []) {
        self.mode = mode
        self.owner = owner
        self.group = group
        self.parents = parents
    }

    /// Refuses a file that somebody else could have written, or could exchange before the next start.
    package func check(file: String, identity: LoadingIdentity) throws(PluginRefusal) {
        func refuse(_ expected: String, _ found: String) -> PluginRefusal {
            PluginRefusal(file: file, expected: expected, found: found)
        }
        let root = identity.user == 0
        guard self.mode & S_IFMT == S_IFREG else {
            throw refuse("a regular file", Self.kind(self.mode))
        }
        guard self.owner == 0 || self.owner == identity.user else {
            throw refuse("a file owned by root\(root ? "" : " or user \(identity.user)")", "one owned by user \(self.owner)")
        }
        guard self.mode & S_IWOTH == 0 else {
            throw refuse("a file that others cannot write", "mode \(Self.octal(self.mode))")
        }
        // As with umask 002: harmless in a group that is the loading user's alone.
        guard self.mode & S_IWGRP == 0 || (!root && self.group == identity.privateGroup) else {
            throw refuse("a file that its group cannot write", "mode \(Self.octal(self.mode)) and group \(self.group)")
        }
        guard root else { return }
        for parent in self.parents {
            guard parent.owner == 0 else {
                throw refuse("parent directories owned by root", "\(parent.path) owned by user \(parent.owner)")
            }
            // In a sticky directory others can add names, but not exchange ours.
            guard parent.mode & (S_IWGRP | S_IWOTH) == 0 || parent.mode & S_ISVTX != 0 else {
                throw refuse(
                    "parent directories that only root can write", "\(parent.path) with mode \(Self.octal(parent.mode))")
            }
        }
    }

    /// Names a file's type for people.
    private static func kind(_ mode: UInt32) -> String {
        switch mode & S_IFMT {
        case S_IFDIR: "a directory"
        case S_IFIFO: "a FIFO"
        case S_IFSOCK: "a socket"
        case S_IFCHR, S_IFBLK: "a device"
        default: "something else"
        }
    }

    /// Writes permissions as `ls` and `chmod` know them: four octal digits.
    private static func octal(_ mode: UInt32) -> String {
        let digits = String(mode & 0o7777, radix: 8)
        return String(repeating: "0", count: 4 - digits.utf8.count) + digits
    }
}
