internal import Testing

extension EndToEndTests {
    @Suite(.goldenServer) struct DownloadTests {
        @Test(arguments: ["/v1/range/download?", "/v1/range/download?accept=ignored&"])
        func `a download is the range's text, compressed`(target: String) async throws {
            let download = try await Golden.server.get("\(target)skip_next=10&limit=200", accept: "application/json")
            let range = try await Golden.server.get("/v1/range/?skip_next=10&limit=200", accept: "text/plain")
            #expect(download.status == 200)
            #expect(download.isComplete)
            #expect(download.head["Content-Encoding"] == nil)
            #expect(try await gunzip(download.body) == range.body)
        }

        @Test func `a container's download is that container's text`() async throws {
            let path = "/v1/range/\(RouteTests.container)"
            let download = try await Golden.server.get("\(path)/download")
            #expect(download.status == 200)
            #expect(try await gunzip(download.body) == Golden.server.get(path).body)
        }

        @Test(
            arguments: [
                ("/v1/range/download", "root-range.log.gz"), ("/v1/range/download?postfix=", "root-range.log.gz"),
                ("/v1/range/download?postfix=monday", "root-range-monday.log.gz"),
                ("/v1/range/\(RouteTests.container)/download", "task-container-0.log.gz"),
                ("/v1/range/\(RouteTests.container)/download?postfix=stderr", "task-container-0-stderr.log.gz"),
            ])
        func `a download carries its file's name`(target: String, file: String) async throws {
            let head = try await Golden.server.get(target).head
            #expect(head["Content-Disposition"] == "attachment; filename=\(file)")
            #expect(head["X-Journal-Skip-Next"] == "0")
        }

        @Test(arguments: ["a%22;x=%22b", "..%2F..%2Fetc%2Fpasswd", "a%20b", "%C3%A4", "a%3Bfilename=b"])
        func `a strange postfix cannot break out of the file name`(postfix: String) async throws {
            let answer = try await Golden.server.get("/v1/range/download?limit=1&postfix=\(postfix)")
            guard answer.status == 200 else {
                #expect(answer.status == 400)
                return
            }
            let value = try #require(answer.head["Content-Disposition"])
            #expect(value.hasPrefix("attachment; filename"))
            // Outside quoted text nothing but the one or two names may stand.
            #expect(Self.unquoted(value).split(separator: ";").count <= 3, "\(value)")
        }

        /// Leaves out quoted strings, in which a backslash keeps the next character from being their end.
        private static func unquoted(_ value: String) -> String {
            var (rest, isQuoted, isEscaped) = ("", false, false)
            for character in value {
                if isEscaped {
                    isEscaped = false
                } else if isQuoted, character == "\\" {
                    isEscaped = true
                } else if character == "\"" {
                    isQuoted.toggle()
                } else if !isQuoted {
                    rest.append(character)
                }
            }
            return rest
        }

        @Test func `a download of nothing is 204`() async throws {
            let answer = try await Golden.server.get("/v1/range/download?filter=NOPE:x")
            #expect(answer.status == 204)
            #expect(answer.body.isEmpty)
        }
    }
}

/// Unpacks what was downloaded with the system's own gzip.
private func gunzip(_ bytes: [UInt8]) async throws -> [UInt8] {
    try await withTemporaryDirectory { directory in
        try writeFile("\(directory)/a.gz", bytes)
        let command = "gzip -dc '\(directory)/a.gz' > '\(directory)/a'"
        guard try await ChildProcess(["sh", "-c", command]).waitForExit(within: .seconds(10)) == .status(0) else {
            throw HarnessError("gzip refuses what was downloaded")
        }
        return try readFile("\(directory)/a")
    }
}
