import FoundationEssentials
import Glibc
import LogHost
import Testing

private let isRoot = geteuid() == 0

#if arch(x86_64)
    private let machine = "x86_64"
    private let foreign = (number: UInt8(183), name: "aarch64")
#else
    private let machine = "aarch64"
    private let foreign = (number: UInt8(62), name: "x86_64")
#endif

/// A directory of its own for plugins that the test compiles; gone afterwards.
private struct Workshop {
    let path: String

    /// Compiles C with the ABI's headers into a library of mode 0755, and returns its path.
    @discardableResult
    func compile(_ name: String, _ source: String, _ options: String = "") throws -> String {
        let headers = #filePath.split(separator: "/").dropLast(3).joined(separator: "/")
        let library = self.path + "/" + name
        try self.write(name + ".c", source)
        let command = "cc -shared -fPIC -I '/\(headers)/Sources/PluginABI' -o \(library) \(library).c \(options)"
        try #require(unsafe system(command) == 0, "\(command)")
        unsafe chmod(library, 0o755)
        return library
    }

    @discardableResult
    func write(_ name: String, _ text: String) throws -> String {
        try self.write(name, bytes: Array(text.utf8))
    }

    @discardableResult
    func write(_ name: String, bytes: [UInt8]) throws -> String {
        try Data(bytes).write(to: URL(filePath: self.path + "/" + name))
        unsafe chmod(self.path + "/" + name, 0o644)
        return self.path + "/" + name
    }
}

private func withWorkshop(_ body: (Workshop) throws -> Void) throws {
    let path = "/tmp/loghost-loading-\(UInt64.random(in: .min ... .max))"
    try #require(unsafe mkdir(path, 0o700) == 0)
    defer { try? FileManager.default.removeItem(atPath: path) }
    try body(Workshop(path: path))
}

private func load(
    _ library: String, in directories: [String] = [], sha256: String? = nil, byPath: Bool = false
) throws(PluginRefusal) -> LoadedLibrary {
    try LoadedLibrary.load(library: library, directories: directories, sha256: sha256, byPath: byPath)
}

/// The line that loading is refused with, or nil when it is not.
private func line(
    _ library: String, in directories: [String] = [], sha256: String? = nil, byPath: Bool = false
) -> String? {
    do {
        _ = try load(library, in: directories, sha256: sha256, byPath: byPath)
        return nil
    } catch {
        return error.description
    }
}

/// A plugin in C, by default without fault.
private func plugin(
    name: String = "\"good\"", version: String = "TEXT(\"1.2\")", size: String = "sizeof(loghost_plugin)",
    stop: String = "stop", result: String = "&plugin", entry: String = "loghost_plugin_v1", more: String = ""
) -> String {
    """
    #include <loghost/loghost.h>
    #define TEXT(text) {(const uint8_t *)(text), sizeof(text) - 1}
    \(more)
    static loghost_instance *create(const loghost_host *h, loghost_bytes c, loghost_error *e) { return 0; }
    static const void *get_extension(loghost_instance *i, const char *id_z) { return 0; }
    static int32_t start(loghost_instance *i, loghost_error *e) { return 0; }
    static void stop(loghost_instance *i) {}
    static void destroy(loghost_instance *i) {}
    static const loghost_plugin plugin = {
        \(size), 7, TEXT(\(name)), \(version), TEXT("Does nothing."), LOGHOST_PLUGIN_USES_CREDENTIAL, 0,
        create, get_extension, start, \(stop), destroy};
    LOGHOST_EXPORT const loghost_plugin *\(entry)(void) { return \(result); }
    """
}

@Suite(.serialized) struct LoadingTests {
    @Test func `a good library is loaded and says what it is`() throws {
        try withWorkshop { shop in
            let path = try shop.compile("a.so", plugin())
            let library = try load(path)
            #expect(library.path == path)
            #expect(library.name == "good")
            #expect(library.version == "1.2")
            #expect(library.summary == "Does nothing.")
            #expect(library.abiMinor == 7)
            #expect(library.flags == 1)
            #expect(unsafe UnsafeRawPointer(library.descriptor).load(as: UInt32.self) == 104)
        }
    }

    @Test func `a bare name is looked for in the directories in order`() throws {
        try withWorkshop { shop in
            for directory in ["empty", "first", "second"] { unsafe mkdir(shop.path + "/" + directory, 0o700) }
            try shop.compile("first/a.so", plugin(name: "\"first\""))
            try shop.compile("second/a.so", plugin(name: "\"second\""))
            let directories = ["missing", "empty", "first/", "second"].map { shop.path + "/" + $0 }
            let library = try load("a.so", in: directories)
            #expect(library.name == "first")
            #expect(library.path == shop.path + "/first/a.so")
        }
    }

    @Test func `a link is followed`() throws {
        try withWorkshop { shop in
            let path = try shop.compile("a.so", plugin())
            unsafe symlink("a.so", shop.path + "/link.so")
            #expect(try load("link.so", in: [shop.path]).path == path)
        }
    }

    @Test func `two libraries loaded in turn are two`() throws {
        try withWorkshop { shop in
            let a = try load(shop.compile("a.so", plugin(name: "\"a\"")))
            let b = try load(shop.compile("b.so", plugin(name: "\"b\"")))
            #expect([a.name, b.name] == ["a", "b"])
            #expect(a.fileDescriptor != b.fileDescriptor)
            #expect(unsafe a.descriptor != b.descriptor)
            #expect(fcntl(a.fileDescriptor, F_GETFD) == FD_CLOEXEC)
            #expect(fcntl(b.fileDescriptor, F_GETFD) == FD_CLOEXEC)
        }
    }

    @Test func `the descriptor of a library refused after loading stays open too`() throws {
        try withWorkshop { shop in
            let bad = try shop.compile("bad.so", plugin(entry: "loghost_plugin_v2"))
            #expect(line(bad) != nil)
            let good = try load(shop.compile("good.so", plugin(name: "\"after\"")))
            #expect(good.name == "after")
        }
    }

    @Test func `the same library twice is one`() throws {
        try withWorkshop { shop in
            let path = try shop.compile("a.so", plugin())
            let first = try load(path)
            #expect(try unsafe load(path).descriptor == first.descriptor)
        }
    }

    @Test func `a pinned library is loaded from its sealed copy, and once`() throws {
        try withWorkshop { shop in
            let path = try shop.compile("a.so", plugin())
            let pin = try load(path).sha256
            #expect(pin.utf8.count == 64)
            let sealed = try load(path, sha256: pin.uppercased())
            #expect(sealed.name == "good")
            #expect(sealed.path == path)
            #expect(try sealed.sha256 == pin)
            // A second mapping, from a file in memory that takes no more bytes.
            #expect(try unsafe load(path).descriptor != sealed.descriptor)
            #expect(ftruncate(sealed.fileDescriptor, 0) == -1)
            #expect(errno == EPERM)
            #expect(unsafe write(sealed.fileDescriptor, "x", 1) == -1)
            #expect(errno == EPERM)
            #expect(try unsafe load(path, sha256: pin).descriptor == sealed.descriptor)
        }
    }

    @Test func `the hash is the one that sha256sum computes`() throws {
        try withWorkshop { shop in
            // More than one chunk, and not a whole number of them.
            let path = try shop.compile("a.so", plugin(more: "const char filling[700001] = {1};"))
            let listed = "\(shop.path)/sum"
            try #require(unsafe system("sha256sum <\(path) >\(listed)") == 0)
            let sum = String(decoding: try Data(contentsOf: URL(filePath: listed)).prefix(64), as: UTF8.self)
            #expect(try load(path).sha256 == sum)
            #expect(try load(path, sha256: sum).name == "good")
        }
    }

    @Test(arguments: [false, true]) func `a library is loaded by its path when that is asked for`(pinned: Bool) throws {
        try withWorkshop { shop in
            let path = try shop.compile("a.so", plugin(name: "\"by-path\""))
            unsafe symlink("a.so", shop.path + "/link.so")
            let pin = try pinned ? SealedCopy(of: LibraryFile.open(path, in: [])).sha256 : nil
            let library = try load("link.so", in: [shop.path], sha256: pin, byPath: true)
            #expect(library.name == "by-path")
            #expect(line(path, sha256: String(repeating: "0", count: 64), byPath: true) != nil)
            // With another file in its place the loader still knows the library by that name, as a debugger does.
            unsafe unlink(path)
            try shop.write("a.so", "another")
            #expect(unsafe dlopen(path, RTLD_NOW | RTLD_NOLOAD) != nil)
        }
    }

    @Test func `a library is not loaded by its path otherwise`() throws {
        try withWorkshop { shop in
            let path = try shop.compile("a.so", plugin())
            #expect(line(path) == nil)
            unsafe unlink(path)
            try shop.write("a.so", "another")
            #expect(unsafe dlopen(path, RTLD_NOW | RTLD_NOLOAD) == nil)
        }
    }

    @Test func `symbols of one plugin are not given to another`() throws {
        try withWorkshop { shop in
            _ = try load(shop.compile("a.so", plugin(more: "int loghost_test_shared(void) { return 1; }")))
            let b = try shop.compile(
                "b.so", plugin(more: "int loghost_test_shared(void); int use(void) { return loghost_test_shared(); }"))
            #expect(
                line(b) == "plugin \(b): expected a library that can be loaded, "
                    + "found \"undefined symbol: loghost_test_shared\"")
        }
    }
}

@Suite(.serialized) struct LoadingRefusalTests {
    @Test(arguments: [
        ("", "plugin \"\": expected an absolute path or a bare file name, found no name"),
        ("lib/a.so", "plugin lib/a.so: expected an absolute path or a bare file name, found a relative path"),
        ("./a.so", "plugin ./a.so: expected an absolute path or a bare file name, found a relative path"),
        ("/nowhere/a.so", "plugin /nowhere/a.so: expected a file at that path, found none"),
        ("a.so", "plugin a.so: expected a file in /nowhere or /proc/1/status or /, found none"),
        ("a\nb.so", "plugin a b.so: expected a file in /nowhere or /proc/1/status or /, found none"),
        (".", "plugin /. -> /: expected a regular file, found a directory"),
    ])
    func `a name that leads nowhere`(library: String, expected: String) {
        #expect(line(library, in: ["/nowhere", "/proc/1/status", "/"]) == expected)
    }

    @Test func `directories that are none`() throws {
        #expect(line("a.so") == "plugin a.so: expected an absolute path or a plugin directory, found neither")
        for directory in ["", ".", "lib"] {
            #expect(
                line("a.so", in: [directory])
                    == "plugin a.so: expected plugin directories with absolute paths, found \"\(directory)\"")
        }
    }

    @Test func `a name that no file can have`() {
        #expect(line("/a\0b.so") == "plugin /a b.so: expected a file name, found one with a NUL in it")
        let long = String(repeating: "x", count: 300)
        #expect(line("/" + long) == "plugin /\(long): expected a readable file, found \"File name too long\"")
    }

    @Test func `what is not a file, without waiting for it`() throws {
        try withWorkshop { shop in
            let path = shop.path
            unsafe mkfifo(path + "/fifo", 0o644)
            // Ends the wait of an opening that waits; otherwise it comes too late for anything.
            try #require(unsafe system("(sleep 5; exec 3<>\(path)/fifo) >/dev/null 2>&1 &") == 0)
            let start = ContinuousClock.now
            #expect(line("fifo", in: [path]) == "plugin \(path)/fifo: expected a regular file, found a FIFO")
            #expect(start.duration(to: .now) < .seconds(4))
            #expect(line(path) == "plugin \(path): expected a regular file, found a directory")
            #expect(line("/dev/null") == "plugin /dev/null: expected a regular file, found a device")
        }
    }

    @Test func `a link whose target fails`() throws {
        try withWorkshop { shop in
            let target = try shop.compile("target.so", plugin())
            let link = shop.path + "/link.so"
            unsafe symlink("target.so", link)
            unsafe chmod(target, 0o757)
            #expect(line(link) == "plugin \(link) -> \(target): expected a file that others cannot write, found mode 0757")
            unsafe unlink(target)
            #expect(line(link) == "plugin \(link): expected a file, found a link to nothing")
            // Not passed over for the next directory either.
            unsafe mkdir(shop.path + "/next", 0o700)
            try shop.compile("next/link.so", plugin())
            #expect(line("link.so", in: [shop.path, shop.path + "/next"]) != nil)
            unsafe symlink("loop.so", shop.path + "/loop.so")
            #expect(
                line("loop.so", in: [shop.path])
                    == "plugin \(shop.path)/loop.so: expected a readable file, "
                    + "found \"Too many levels of symbolic links\"")
        }
    }

    @Test func `a file that others or its group can write`() throws {
        try withWorkshop { shop in
            let path = try shop.compile("a.so", plugin())
            unsafe chmod(path, 0o646)
            #expect(line(path) == "plugin \(path): expected a file that others cannot write, found mode 0646")
            // The ordinary user's own group may, when it is named like the user and has no other member.
            unsafe chmod(path, 0o664)
            let own = #"test "$(id -un):" = "$(getent group "$(id -g)" | sed 's/:.*:/:/')""#
            let privately = unsafe system(own) == 0
            let refusal = "expected a file that its group cannot write, found mode 0664 and group \(getegid())"
            #expect(line(path) == (privately && !isRoot ? nil : "plugin \(path): \(refusal)"))
            unsafe chmod(path, 0o644)
            #expect(line(path) == nil)
        }
    }

    @Test(.enabled(if: isRoot, "only root can give files away"))
    func `a file of somebody else`() throws {
        try withWorkshop { shop in
            let path = try shop.compile("a.so", plugin())
            try #require(unsafe chown(path, 65534, 0) == 0)
            #expect(line(path) == "plugin \(path): expected a file owned by root, found one owned by user 65534")
        }
    }

    @Test(.enabled(if: isRoot, "parents are judged for root only"))
    func `a parent directory that somebody else controls`() throws {
        try withWorkshop { shop in
            let parent = shop.path + "/parent"
            let inner = parent + "/inner"
            unsafe mkdir(parent, 0o755)
            unsafe mkdir(inner, 0o755)
            let path = try shop.compile("parent/inner/a.so", plugin())
            unsafe symlink(path, shop.path + "/link.so")
            for (mode, text) in [(0o777, "0777"), (0o775, "0775"), (0o757, "0757")] {
                unsafe chmod(parent, mode_t(mode))
                #expect(
                    line(path) == "plugin \(path): expected parent directories that only root can write, "
                        + "found \(parent) with mode \(text)")
            }
            #expect(
                line("link.so", in: [shop.path])
                    == "plugin \(shop.path)/link.so -> \(path): expected parent directories that only root can write, "
                    + "found \(parent) with mode 0757")
            unsafe chmod(parent, 0o1777)
            #expect(line(path) == nil)
            unsafe chown(parent, 65534, 0)
            #expect(
                line(path) == "plugin \(path): expected parent directories owned by root, found \(parent) owned by user 65534")
        }
    }

    @Test func `a file that is not a shared library of this machine`() throws {
        try withWorkshop { shop in
            let whole = Array(try Data(contentsOf: URL(filePath: shop.compile("whole.so", plugin()))))
            func check(_ bytes: [UInt8], _ found: String, sourceLocation: SourceLocation = #_sourceLocation) throws {
                let path = try shop.write("bad.so", bytes: bytes)
                let expected = "plugin \(path): expected an ELF shared library for \(machine), found \(found)"
                #expect(line(path) == expected, sourceLocation: sourceLocation)
            }
            func change(_ index: Int, _ value: UInt8...) -> [UInt8] {
                var bytes = whole
                bytes.replaceSubrange(index..<index + value.count, with: value)
                return bytes
            }
            try check([], "an empty file")
            try check(Array("#!/bin/sh\n".utf8), "a file that is not ELF")
            try check([0x7F], "a file that is not ELF")
            try check(Array(whole.prefix(40)), "one cut short at 40 bytes")
            try check(change(4, 1), "a 32-bit one")
            try check(change(5, 2), "a big-endian one")
            try check(change(18, foreign.number), "one for \(foreign.name)")
            try check(change(18, 255, 254), "one for machine 65279")
            try check(change(16, 1), "an object file")
            try check(change(16, 2), "an executable")
            try check(change(16, 9, 9), "ELF type 2313")
            try check(change(32, 255, 255, 255, 255, 255, 255, 255, 255), "one without a whole table of segments")
            try check(change(56, 255, 255), "one without a whole table of segments")
            try check(change(56, 0, 0), "one without a whole table of segments")
            try check(Array(whole.prefix(whole.count / 2)), "one cut short at \(whole.count / 2) bytes")
            try check(Array(whole.prefix(100)), "one without a whole table of segments")
        }
    }

    @Test func `a library without the entry, with another version's, or with data in its place`() throws {
        try withWorkshop { shop in
            let none = try shop.compile("none.so", plugin(entry: "another"))
            #expect(line(none) == "plugin \(none): expected the symbol loghost_plugin_v1, found none")
            let next = try shop.compile("next.so", plugin(entry: "loghost_plugin_v2", more: "int loghost_plugin_v9;"))
            #expect(
                line(next) == "plugin \(next): expected ABI v1, which this host speaks, "
                    + "found a library that exports ABI v2, v9")
            let data = try shop.compile("data.so", "const int loghost_plugin_v1 = 1;")
            #expect(line(data) == "plugin \(data): expected a function loghost_plugin_v1, found data of that name")
        }
    }

    @Test func `a library that the loader refuses`() throws {
        try withWorkshop { shop in
            let dependency = try shop.compile("dep.so", "int dep(void) { return 1; }", "-Wl,-soname,libloghost-test-dep.so")
            let needs = "int dep(void); int use(void) { return dep(); }"
            let path = try shop.compile("a.so", plugin(more: needs), dependency)
            #expect(line(path) == "plugin \(path): expected the library libloghost-test-dep.so, on which it depends, found none")
            let loose = try shop.compile("loose.so", plugin(more: needs))
            for byPath in [false, true] {
                #expect(
                    line(loose, byPath: byPath)
                        == "plugin \(loose): expected a library that can be loaded, found \"undefined symbol: dep\"")
            }
            // glibc names the file inside its sentence.
            try shop.write("v.map", "NO_SUCH_1 { global: versioned; };")
            let versions = "-Wl,-soname,libc.so.6 -Wl,--version-script=\(shop.path)/v.map"
            try shop.compile("libver.so", "int versioned(void) { return 1; }", versions)
            let version = try shop.compile(
                "ver.so", plugin(more: "int versioned(void); int use(void) { return versioned(); }"), "\(shop.path)/libver.so")
            let found = try #require(line(version))
            #expect(found.hasSuffix(": version `NO_SUCH_1' not found (required by \(version))\""), "\(found)")
        }
    }

    @Test func `a descriptor that is not one`() throws {
        try withWorkshop { shop in
            func check(_ source: String, _ rest: String, sourceLocation: SourceLocation = #_sourceLocation) throws {
                let path = try shop.compile("bad\(UInt32.random(in: .min ... .max)).so", source, "-w")
                #expect(line(path) == "plugin \(path): expected \(rest)", sourceLocation: sourceLocation)
            }
            let legal = "a `name` of a-z, 0-9 and -, found"
            try check(plugin(result: "NULL"), "a descriptor from loghost_plugin_v1, found NULL")
            try check(plugin(size: "sizeof(loghost_plugin) - 1"), "a descriptor of at least 104 bytes, found one of 103")
            try check(plugin(size: "0"), "a descriptor of at least 104 bytes, found one of 0")
            try check(plugin(stop: "NULL"), "a function `stop` in the descriptor, found NULL")
            try check(plugin(name: "\"\""), "\(legal) \"\"")
            try check(plugin(name: "\"Good\""), "\(legal) \"Good\"")
            try check(plugin(name: "\"g\\xc3\\xb6\""), "\(legal) \"gö\"")
            try check(plugin(name: "\"\(String(repeating: "x", count: 65))\""), "a `name` of at most 64 bytes, found 65")
            try check(plugin(name: "\"\\xff\""), "a `name` in UTF-8, found other bytes")
            try check(plugin(version: "TEXT(\"1\\n2\")"), "a `version` without control characters, found some")
            try check(plugin(version: "{NULL, 3}"), "a `version`, found NULL")
            try check(
                plugin(version: "{(const uint8_t *)\"1\", SIZE_MAX}"),
                "a `version` of at most 128 bytes, found 18446744073709551615")
            let path = try shop.compile("odd.so", plugin(result: "(const loghost_plugin *)((const char *)&plugin + 1)"))
            #expect(try #require(line(path)).hasPrefix("plugin \(path): expected an aligned descriptor, found one at 0x"))
        }
    }

    @Test func `no version and a longer descriptor are no fault`() throws {
        try withWorkshop { shop in
            let library = try load(shop.compile("a.so", plugin(version: "{NULL, 0}", size: "sizeof(loghost_plugin) + 64")))
            #expect(library.version == "")
        }
    }

    @Test func `a hash that differs, or is none`() throws {
        try withWorkshop { shop in
            let path = try shop.compile("a.so", plugin())
            let hash = try SealedCopy(of: LibraryFile.open(path, in: [])).sha256
            let other = String(repeating: "0a", count: 32)
            #expect(line(path, sha256: other) == "plugin \(path): expected SHA-256 \(other), found \(hash)")
            for bad in ["", "0a", String(hash.dropLast()) + "g", hash + "0"] {
                #expect(
                    line(path, sha256: bad) == "plugin \(path): expected a SHA-256 of 64 hexadecimal digits, found \"\(bad)\"")
            }
        }
    }

    @Test func `a file too large to be copied`() throws {
        try withWorkshop { shop in
            let path = try shop.write("large", "twelve bytes")
            #expect(try SealedCopy(of: LibraryFile.open(path, in: []), maximumSize: 12).size == 12)
            let refusal = #expect(throws: PluginRefusal.self) {
                _ = try SealedCopy(of: LibraryFile.open(path, in: []), maximumSize: 11)
            }
            #expect(refusal?.description == "plugin \(path): expected at most 11 bytes, found more")
        }
    }
}

/// One line of the table below: what is found, who loads, and what the refusal says.
struct FactsCase: Sendable, CustomTestStringConvertible {
    var testDescription: String
    var identity = LoadingIdentity(user: 0)
    var mode: UInt32 = 0o755
    var type: UInt32 = S_IFREG
    var owner: UInt32 = 0
    var group: UInt32 = 0
    var parents: [FileFacts.Directory] = []
    var refusal: String?
}

extension FactsCase {
    static let user = LoadingIdentity(user: 1000, privateGroup: 1000)
    static let open = FileFacts.Directory(path: "/open", mode: S_IFDIR | 0o777, owner: 0)

    static let all: [FactsCase] = [
        .init(testDescription: "root loads root's file"),
        .init(testDescription: "a user loads root's file", identity: user),
        .init(testDescription: "a user loads their own file", identity: user, owner: 1000, group: 1000),
        .init(testDescription: "the same with umask 002", identity: user, mode: 0o775, owner: 1000, group: 1000),
        .init(testDescription: "root's file in the user's group", identity: user, mode: 0o775, owner: 0, group: 1000),
        .init(
            testDescription: "a setuid file says its whole mode", mode: 0o4757,
            refusal: "expected a file that others cannot write, found mode 4757"),
        .init(
            testDescription: "another user's file for root", owner: 1000,
            refusal: "expected a file owned by root, found one owned by user 1000"),
        .init(
            testDescription: "another user's file for a user", identity: user, owner: 1001,
            refusal: "expected a file owned by root or user 1000, found one owned by user 1001"),
        .init(
            testDescription: "writable by others", identity: user, mode: 0o602, owner: 1000,
            refusal: "expected a file that others cannot write, found mode 0602"),
        .init(
            testDescription: "writable by a shared group", identity: user, mode: 0o664, owner: 1000, group: 100,
            refusal: "expected a file that its group cannot write, found mode 0664 and group 100"),
        .init(
            testDescription: "writable by the group of a user who has no private one",
            identity: LoadingIdentity(user: 1000), mode: 0o664, owner: 1000, group: 1000,
            refusal: "expected a file that its group cannot write, found mode 0664 and group 1000"),
        .init(
            testDescription: "writable by root's group for root", identity: LoadingIdentity(user: 0, privateGroup: 0),
            mode: 0o664, refusal: "expected a file that its group cannot write, found mode 0664 and group 0"),
        .init(testDescription: "a user does not look at parents", identity: user, parents: [open]),
        .init(
            testDescription: "root does", parents: [open],
            refusal: "expected parent directories that only root can write, found /open with mode 0777"),
        .init(
            testDescription: "a parent writable by root's group",
            parents: [.init(path: "/", mode: 0o755, owner: 0), .init(path: "/g", mode: 0o775, owner: 0)],
            refusal: "expected parent directories that only root can write, found /g with mode 0775"),
        .init(testDescription: "a sticky parent", parents: [.init(path: "/tmp", mode: 0o1777, owner: 0)]),
        .init(
            testDescription: "a sticky parent of somebody else", parents: [.init(path: "/tmp", mode: 0o1777, owner: 9)],
            refusal: "expected parent directories owned by root, found /tmp owned by user 9"),
        .init(testDescription: "a socket", type: S_IFSOCK, refusal: "expected a regular file, found a socket"),
        .init(testDescription: "a disk", type: S_IFBLK, refusal: "expected a regular file, found a device"),
        .init(testDescription: "an unknown type", type: 0, refusal: "expected a regular file, found something else"),
    ]
}

@Suite struct FileFactsTests {
    @Test(arguments: FactsCase.all) func `who may have written a library`(_ row: FactsCase) {
        let facts = FileFacts(mode: row.type | row.mode, owner: row.owner, group: row.group, parents: row.parents)
        var found: String?
        do throws(PluginRefusal) {
            try facts.check(file: "x", identity: row.identity)
        } catch {
            found = error.description
        }
        #expect(found == row.refusal.map { "plugin x: \($0)" })
    }
}
