import Glibc
import Testing

/// Sandboxes read from the disk of the node: what a task has put there must not lead anybody out of them.
@Suite struct LocalSandboxTests {
    @Test func `the disk is listed as the agent lists it`() async throws {
        try await withSandboxes { sandboxes in
            try sandboxes.write("one\n", to: "stdout")
            try sandboxes.write("two\n", to: "b \"c")
            unsafe mkdir(sandboxes.path("sub"), 0o1_775)
            unsafe chmod(sandboxes.path("stdout"), 0o4_711)
            unsafe symlink("stdout", sandboxes.path("link"))
            unsafe symlink("sub", sandboxes.path("directory"))
            try await withServer(of: sandboxes, "", .local) { local in
                try await withServer(of: sandboxes) { remote in
                    for path in ["files/browse", "sub/files/browse"] {
                        let answers = try await (
                            local.get("\(Sandboxes.base)/\(path)"), remote.get("\(Sandboxes.base)/\(path)")
                        )
                        #expect(answers.0.status == answers.1.status)
                        if answers.1.status == 200 { #expect(try JSONValue(answers.0.text) == JSONValue(answers.1.text)) }
                    }
                }
            }
            #expect(try await sandboxes.stats()["errors"] == .unsigned(0))
        }
    }

    @Test func `no link leads out of the run`() async throws {
        try await withSandboxServer("", .local) { server, sandboxes in
            let parent = String(sandboxes.directory.dropLast(3))
            try writeFile("\(parent)/secret", Array("secret\n".utf8))
            try sandboxes.write("inside\n", to: "stdout")
            unsafe mkdir(sandboxes.path("sub"), 0o755)
            unsafe mkdir(sandboxes.path("\u{301}"), 0o755)
            let good = [
                "relative": "stdout", "up": "sub/../stdout", "absolute": "\(sandboxes.directory)/stdout", "sub/back": "../stdout",
                "chain": "relative", "\u{301}/back": "../stdout",
            ]
            let bad = [
                "passwd": "/etc/passwd", "out": "../secret", "far": "sub/../../secret", "parent": "..", "root": "/",
                "beside": "\(sandboxes.directory)x/secret", "dangling": "nothing", "loop": "loop",
                "dots": "\(sandboxes.directory)/../secret", "sub/out": "../../secret", "etc": "/etc",
            ]
            unsafe mkdir("\(sandboxes.directory)x", 0o755)
            try writeFile("\(sandboxes.directory)x/secret", Array("secret\n".utf8))
            for (name, target) in good.merging(bad, uniquingKeysWith: { first, _ in first }) {
                try #require(unsafe symlink(target, sandboxes.path(name)) == 0, "\(name)")
            }
            for name in good.keys {
                let path = name.replacing("\u{301}", with: "%CC%81")
                #expect(try await server.get("\(Sandboxes.base)/\(path)").text == "inside\n", "\(name)")
            }
            for name in Array(bad.keys) + ["parent/secret", "etc/passwd", "root/etc/passwd", "stdout/x", "sub"] {
                let answer = try await server.get("\(Sandboxes.base)/\(name)")
                #expect(answer.status == 404, "\(name)")
                #expect(!answer.text.contains("secret"), "\(name)")
                #expect(try await server.get("\(Sandboxes.base)/\(name)/download").status == 404, "\(name)")
            }
            // What leads out is listed as the link that it is.
            let list = try await server.get("\(Sandboxes.base)/files/browse").text
            guard case .array(let files) = try JSONValue(list) else { throw HarnessError("no list") }
            for file in files {
                guard let path = file["path"]?.string, let mode = file["mode"]?.string else { throw HarnessError("no file") }
                let name = String(path.dropFirst(sandboxes.directory.count + 1))
                if bad[name] != nil { #expect(mode.hasPrefix("l"), "\(name)") }
                if good[name] != nil { #expect(mode.hasPrefix("-"), "\(name)") }
            }
        }
    }

    @Test func `no run is reached through a link`() async throws {
        try await withSandboxServer("", .local) { server, sandboxes in
            try sandboxes.write("inside\n", to: "stdout")
            let runs = String(sandboxes.directory.dropLast(3))
            unsafe symlink("C1", "\(runs)/latest")
            unsafe mkdir(sandboxes.path("containers"), 0o755)
            unsafe symlink(sandboxes.directory, sandboxes.path("containers/child"))
            let run = Sandboxes.base.dropLast(2)
            #expect(try await server.get("\(run)C1/stdout").status == 200)
            // The agent serves no run of this name.
            #expect(try await server.get("\(run)latest/stdout").status == 403)
            // It would follow this one.
            #expect(try await server.get("\(run)C1.child/stdout").status == 404)
        }
    }

    @Test func `of many links with long ways not all are followed`() async throws {
        try await withSandboxServer("", .local) { server, sandboxes in
            try sandboxes.write("one\n", to: "file")
            unsafe mkdir(sandboxes.path("d"), 0o755)
            // Each is some 5,000 steps from the file.
            let way = String(repeating: "d/../", count: 60)
            unsafe symlink("\(way)file", sandboxes.path("way0"))
            for number in 1...39 { unsafe symlink("\(way)way\(number - 1)", sandboxes.path("way\(number)")) }
            for number in 100..<300 { unsafe symlink("way37", sandboxes.path("x\(number)")) }
            guard case .array(let list) = try JSONValue(await server.get("\(Sandboxes.base)/files/browse").text) else {
                Issue.record("no list")
                return
            }
            let modes = list.filter { $0["path"]?.string?.split(separator: "/").last?.hasPrefix("x") ?? false }.map { entry in
                entry["mode"]?.string?.first
            }
            #expect(modes.count == 200)
            #expect(modes.contains("-") && modes.contains("l"))
        }
    }

    @Test func `neither pipes nor devices are opened`() async throws {
        try await withSandboxServer("", .local) { server, sandboxes in
            try #require(unsafe mkfifo(sandboxes.path("fifo"), 0o644) == 0)
            unsafe symlink("fifo", sandboxes.path("link"))
            // Only root makes devices.
            _ = unsafe mknod(sandboxes.path("null"), S_IFCHR | 0o666, makedev(1, 3))
            for name in ["fifo", "link", "null"] { #expect(try await server.get("\(Sandboxes.base)/\(name)").status == 404) }
            // A writer would have met a reader.
            let writer = unsafe open(sandboxes.path("fifo"), O_WRONLY | O_NONBLOCK)
            #expect(writer < 0 && errno == ENXIO)
        }
    }
}

private func makedev(_ major: UInt64, _ minor: UInt64) -> dev_t { dev_t(major << 8 | minor) }
