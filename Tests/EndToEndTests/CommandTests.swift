internal import Testing

extension EndToEndTests {
    /// The commands besides `serve`, and starts that are refused.
    @Suite struct CommandTests {
        private static let plugins = """
            plugins:
              - {name: journald, library: libloghost-journald.so}
              - {name: encoders, library: libloghost-encoders.so}

            """

        private static func refusal(_ yaml: String, arguments: [String] = []) async throws -> (ChildProcess.Exit, String) {
            try await withTemporaryDirectory { directory in
                let file = "\(directory)/loghost.yaml"
                try writeFile(file, Array(yaml.utf8))
                let (exit, output) = try await runLogHost(["serve", "--config", file] + arguments)
                return (exit, output.replacing(directory, with: "DIR"))
            }
        }

        @Test func `a plugin library exports its entry and nothing else`() async throws {
            for library in ["libloghost-journald.so", "libloghost-encoders.so", "libloghost-auth-token.so"] {
                let (exit, output) = try await run(["nm", "-D", "--defined-only", "\(Products.directory)/\(library)"])
                #expect(exit == .status(0))
                let symbols = output.split(separator: "\n").compactMap { $0.split(separator: " ").last }
                #expect(symbols == ["loghost_plugin_v1"], "\(library)")
            }
        }

        @Test func `inspect shows a library without starting it`() async throws {
            let (exit, output) = try await runLogHost(["plugins", "inspect", "\(Products.directory)/libloghost-journald.so"])
            #expect(exit == .status(0))
            for word in ["name:    journald", "kinds:   source", "GET /v1/range/ ", "GET /v2/component/{name} "] {
                #expect(output.contains(word))
            }
        }

        @Test func `list shows what is configured`() async throws {
            let (exit, output) = try await runLogHost(["plugins", "list"])
            #expect(exit == .status(0))
            #expect(output.contains("journald: journald"))
            #expect(output.contains("encoders: encoders"))
            #expect(output.contains("token: auth-token"))
        }

        @Test func `the example is a good configuration`() async throws {
            let (_, example) = try await runLogHost(["config", "example"])
            try await withTemporaryDirectory { directory in
                let file = "\(directory)/example.yaml"
                try writeFile(file, Array(example.utf8))
                #expect(try await runLogHost(["config", "check", file]).exit == .status(0))
            }
        }

        @Test func `a mistake in the configuration is one line and 78`() async throws {
            let (exit, output) = try await Self.refusal(Self.plugins + "limits: {value: big}\n")
            #expect(exit == .status(78))
            #expect(output.hasPrefix("loghost: DIR/loghost.yaml:4: limits.value: expected a size"))
            #expect(output.split(separator: "\n").count == 1)
        }

        @Test func `two plugins with the same route are refused and both named`() async throws {
            let (exit, output) = try await Self.refusal(Self.plugins + "  - {name: second, library: libloghost-journald.so}\n")
            #expect(exit == .status(78))
            let expected = "loghost: plugin second: route GET /v1/range/: plugin journald already has GET /v1/range/\n"
            #expect(output == expected)
        }

        @Test func `two plugins with the same format are refused`() async throws {
            let (exit, output) = try await Self.refusal(Self.plugins + "  - {name: second, library: libloghost-encoders.so}\n")
            #expect(exit == .status(78))
            #expect(output == "loghost: plugin second: format text: another plugin already has it\n")
        }

        @Test func `a plugin that does not like its configuration stops the start and names the key`() async throws {
            let yaml = "plugins:\n  - {name: journald, library: libloghost-journald.so, config: {directroy: /x}}\n"
            let (exit, output) = try await Self.refusal(yaml)
            #expect(exit == .status(78))
            #expect(output.hasPrefix("loghost: plugin journald (line 2): config.directroy: unknown key"))
        }

        @Test func `a library with another hash than its pin is refused`() async throws {
            let pin = String(repeating: "0", count: 64)
            let yaml = "plugins:\n  - {name: journald, library: libloghost-journald.so, sha256: \"\(pin)\"}\n"
            let (exit, output) = try await Self.refusal(yaml)
            #expect(exit == .status(78))
            #expect(output.contains("expected SHA-256 \(pin), found"))
        }

        @Test func `an authorizer is not passed over in silence`() async throws {
            let (exit, output) = try await Self.refusal(Self.plugins + "authorizers: [journald]\n")
            #expect(exit == .status(78))
            #expect(output.contains("authorizers: journald"))
        }

        @Test func `other machines are not served without an authorizer`() async throws {
            let (exit, output) = try await Self.refusal(Self.plugins, arguments: ["--listen", "tcp://0.0.0.0:0"])
            #expect(exit == .status(78))
            #expect(output.contains("insecure: true"))
        }

        @Test func `an address that is taken is one line`() async throws {
            try await withJournal { journal in
                var configuration = LogHostConfiguration(directory: journal.directory)
                configuration.listensOnTCP = true
                try await withLogHost(configuration) { server in
                    let address = "tcp://127.0.0.1:\(server.port ?? 0)"
                    let (exit, output) = try await Self.refusal(Self.plugins, arguments: ["--listen", address])
                    #expect(exit == .status(78))
                    #expect(output.split(separator: "\n").last?.hasPrefix("loghost: listen: \(address): ") == true)
                }
            }
        }
    }
}
