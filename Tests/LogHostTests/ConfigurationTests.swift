import FoundationEssentials
import LogHost
import Testing

private let plugins = "plugins: [{name: a, library: a.so}]"

private func load(_ yaml: String) throws -> Configuration {
    try Configuration.load(yaml: yaml, file: "f.yaml")
}

private func failure(of yaml: String) -> ConfigurationError? {
    do {
        _ = try Configuration.load(yaml: yaml, file: "f.yaml")
        return nil
    } catch {
        return error
    }
}

@Suite struct ConfigurationTests {
    @Test func `every key is read`() throws {
        let configuration = try load(
            """
            listen: ["tcp://[::1]:0", {address: "unix:/run/l.sock", mode: "0600"}, tcp://Logs.Example:81, unix:///run/m.sock]
            plugin_path: [/opt/plugins, /usr/lib/loghost]
            plugins:
              - {name: journald, library: libj.so, sha256: \(String(repeating: "aB", count: 32)), config: {directory: /j}}
              - name: token-2
                library: /opt/t.so
            authorizers: [token-2]
            insecure: true
            trusted_proxies: [10.0.0.0/8, "::1"]
            limits: {connections: 1, followers: 2, followers_per_principal: 3, followers_per_address: 4, ranges: 5,
              ranges_per_principal: 6, ranges_per_address: 7, header: 1KiB, uri: 2KB, filters: 8, filter_value: 16,
              scan: 250ms, range_stall: 2m, header_read: 1.5, idle: 1h, worker_threads: 9, worker_queue: 10, value: 1GiB}
            streams: {keep_alive: 100ms, shutdown: 0, cors_origin: https://example.com:8443}
            """)
        #expect(
            configuration.listen.map(\.description) == [
                "tcp://[::1]:0", "unix:/run/l.sock", "tcp://logs.example:81", "unix:/run/m.sock",
            ])
        #expect(configuration.listen[1] == .unix(path: "/run/l.sock", mode: 0o600))
        #expect(configuration.listen[3] == .unix(path: "/run/m.sock", mode: 0o660))
        #expect(configuration.pluginPath == ["/opt/plugins", "/usr/lib/loghost"])
        #expect(configuration.plugins.map(\.name) == ["journald", "token-2"])
        #expect(configuration.plugins.map(\.library) == ["libj.so", "/opt/t.so"])
        #expect(configuration.plugins.map(\.sha256) == [String(repeating: "ab", count: 32), nil])
        #expect(configuration.plugins.map { String(decoding: $0.config, as: UTF8.self) } == [#"{"directory":"/j"}"#, "{}"])
        #expect(configuration.plugins.map(\.line) == [4, 5])
        #expect(configuration.authorizers == ["token-2"])
        #expect(configuration.insecure)
        #expect(configuration.trustedProxies.map(\.description) == ["10.0.0.0/8", "0:0:0:0:0:0:0:1/128"])
        let limits = configuration.limits
        #expect(
            [limits.connections, limits.followers, limits.followersPerPrincipal, limits.followersPerAddress] == [1, 2, 3, 4])
        #expect([limits.ranges, limits.rangesPerPrincipal, limits.rangesPerAddress, limits.filters] == [5, 6, 7, 8])
        #expect([limits.headerBytes, limits.uriBytes, limits.filterValueBytes, limits.valueBytes] == [1024, 2000, 16, 1 << 30])
        #expect([limits.scan, limits.rangeStall, limits.headerRead] == [.milliseconds(250), .seconds(120), .milliseconds(1500)])
        #expect(limits.idle == .seconds(3600))
        #expect([limits.workerThreads, limits.workerQueue] == [9, 10])
        #expect(configuration.streams.keepAlive == .milliseconds(100))
        #expect(configuration.streams.shutdown == .zero)
        #expect(configuration.streams.corsOrigin == "https://example.com:8443")
    }

    @Test func `TLS is read, and its defaults are the careful ones`() throws {
        let files = "certificate: /c.pem, key: /k.pem"
        let listen = """

            listen:
              - {address: tcp://Localhost:1, tls: {\(files)}}
              - {address: tcp://127.0.0.1:2, tls: {\(files), client_ca: /a.pem, client_auth: required, minimum: 1.3}}
              - {address: tcp://127.0.0.1:3, tls: {\(files), client_ca: /a.pem, client_auth: optional, minimum: "1.2"}}
            """
        let addresses = try load(plugins + listen).listen
        let plain = TLSSettings(certificate: "/c.pem", key: "/k.pem", clientCA: nil, clientAuth: .none, minimum: .tls12)
        let strict = TLSSettings(certificate: "/c.pem", key: "/k.pem", clientCA: "/a.pem", clientAuth: .required, minimum: .tls13)
        let open = TLSSettings(certificate: "/c.pem", key: "/k.pem", clientCA: "/a.pem", clientAuth: .optional, minimum: .tls12)
        #expect(
            addresses == [
                .tls(host: "localhost", port: 1, plain), .tls(host: "127.0.0.1", port: 2, strict),
                .tls(host: "127.0.0.1", port: 3, open),
            ])
        #expect(addresses.map(\.description) == ["tcp://localhost:1", "tcp://127.0.0.1:2", "tcp://127.0.0.1:3"])
        // A certificate proves who serves, not who may read.
        let other = "\nlisten: [{address: tcp://0.0.0.0:1, tls: {\(files), client_ca: /a, client_auth: required}}]"
        #expect(failure(of: plugins + other)?.key == "listen[0]")
        #expect(throws: Never.self) { try load(plugins + other + "\ninsecure: true") }
    }

    @Test func `a file needs nothing but plugins`() throws {
        var expected = Configuration()
        expected.plugins = [PluginConfiguration(name: "a", library: "a.so", line: 1)]
        #expect(try load(plugins) == expected)
        #expect(expected.listen == [.tcp(host: "127.0.0.1", port: 8080)])
    }

    @Test func `the embedded configuration protects itself`() {
        #expect(Configuration.embedded.unprotectedAddress == nil)
        #expect(Configuration.embedded.plugins.map(\.name) == ["journald", "encoders", "token"])
        #expect(Configuration.embedded.authorizers == ["token"])
    }

    @Test func `the example shows every key with its default`() throws {
        let example = try load(Configuration.example)
        #expect(example.limits == Limits())
        #expect(example.streams == Streams())
        #expect(example.listen.first == Configuration().listen.first)
        #expect(!example.insecure && example.authorizers.isEmpty && example.trustedProxies.isEmpty)
        let names =
            Mirror(reflecting: example).children.compactMap(\.label)
            + Mirror(reflecting: Limits()).children.compactMap(\.label)
            + Mirror(reflecting: Streams()).children.compactMap(\.label)
        let keys = Configuration.example.split(separator: "\n").filter { !$0.contains("#") && $0.contains(":") }
            .compactMap { $0.split(separator: ":").first?.split(separator: " ").last.map { String($0) } }
        #expect(names.count == 11 + 21 + 4)
        for name in names {
            let snake = name.reduce(into: "") { $0 += $1.isUppercase ? "_" + $1.lowercased() : String($1) }
            let key = snake.hasSuffix("_bytes") ? String(snake.dropLast(6)) : snake
            #expect(keys.contains(key))
        }
    }

    @Test(arguments: wrongFiles) func `a wrong file is refused with one line`(_ wrong: WrongFile) throws {
        let error = try #require(failure(of: wrong.yaml))
        #expect(error.description == "f.yaml:" + wrong.line)
        #expect(!error.description.utf8.contains(0x0a))
    }

    @Test func `what a running host cannot change is named`() throws {
        func keys(_ yaml: String, _ other: String) throws -> [String] {
            try load(yaml).settings(thatOnlyANewProcessTakesFrom: load(other))
        }
        let tls = { (file: String) in "listen: [{address: systemd:a, tls: {certificate: /\(file), key: /k}}]" }
        #expect(try keys(plugins, "log_level: trace\n# Lines move.\n\(plugins)\nlimits: {filters: 7}") == [])
        #expect(try keys("\(plugins)\n\(tls("c"))", "\(plugins)\n\(tls("d"))") == [])
        #expect(try keys("\(plugins)\n\(tls("c"))", "\(plugins)\nlisten: [systemd:a]") == ["listen"])
        #expect(try keys("\(plugins)\nlisten: [unix:/a]", "\(plugins)\nlisten: [{address: unix:/a, mode: 600}]") == ["listen"])
        for key in [
            "plugin_path: [/a]", "authorizers: [a]", "insecure: true", "trusted_proxies: [10.0.0.0/8]", "access_log: true",
        ] {
            #expect(try keys(plugins, "\(plugins)\n\(key)") == [String(key.prefix { $0 != ":" })])
        }
        #expect(try keys(plugins, "\(plugins)\nlimits: {worker_threads: 3}") == ["limits.worker_threads"])
        #expect(try keys(plugins, plugins.replacing("name: a", with: "name: b")) == ["plugins"])
    }

    @Test func `an error carries its parts`() throws {
        let error = try #require(failure(of: plugins + "\nlimits:\n  value: big"))
        #expect(error.file == "f.yaml" && error.line == 3 && error.column == 10 && error.key == "limits.value")
        #expect(error.expected == "a size such as 64MB" && error.found == "\"big\"")
    }

    @Test(arguments: [
        ("tcp://127.0.0.1:80", true), ("tcp://127.9.9.9:80", true), ("tcp://[::1]:80", true), ("tcp://[0:0::0:1]:80", true),
        ("tcp://[::ffff:127.0.0.1]:80", true), ("tcp://LocalHost:80", true), ("unix:/x", true), ("systemd:a.socket", true),
        ("tcp://0.0.0.0:80", false),
        ("tcp://[::]:80", false), ("tcp://128.0.0.1:80", false), ("tcp://example.com:80", false),
        ("tcp://[::ffff:1.2.3.4]:0", false),
    ])
    func `a loopback address is known`(_ text: String, _ isLoopback: Bool) throws {
        let address = try ListenAddress(text)
        #expect(address.isLoopback == isLoopback)
        #expect(try ListenAddress(address.description) == address)
        let yaml = "\(plugins)\nlisten: [\"\(text)\"]"
        #expect((failure(of: yaml) == nil) == isLoopback)
        #expect(throws: Never.self) { try load(yaml + "\ninsecure: true") }
        #expect(throws: Never.self) { try load(yaml + "\nauthorizers: [a]") }
    }

    @Test(arguments: [
        "", "tcp://", "tcp://:1", "tcp://h", "tcp://h:", "tcp://h:65536", "tcp://h:-1", "tcp://h:99999999999999999999",
        "tcp://::1:80",
        "tcp://[]:1", "tcp://[::1:1", "tcp://[1.2.3.4]:1", "tcp://[fe80::1%eth0]:1", "tcp://127.1:1", "tcp://0x7f000001:1",
        "tcp://1.2.3.256:1", "tcp://01.2.3.4:1", "tcp://a..b:1", "tcp://-a:1", "tcp://h/:1", "tcp://h:1/", "http://h:1", "h:1",
        "systemd:", "systemd:a:b", "systemd:a b", "systemd:" + String(repeating: "x", count: 256),
        "unix:", "unix:x", "unix:@x", "unix://x/y", "unix:/x/", "unix:/a\u{0}b", "tcp://[1:2:3:4:5:6:7]:1", "tcp://[:::]:1",
        "tcp://[1::2::3]:1", "tcp://[1:2:3:4:5:6:7:8:9]:1", "tcp://[12345::]:1", "tcp://[:1:2:3:4:5:6:7]:1",
        "tcp://[1:2:3:4:5:6:7:]:1",
        "unix:/" + String(repeating: "x", count: 107),
    ])
    func `a wrong address is refused`(_ text: String) {
        #expect(throws: InvalidValue.self) { try ListenAddress(text) }
    }

    @Test func `the longest socket path is accepted`() throws {
        let path = "/" + String(repeating: "x", count: 106)
        #expect(try ListenAddress("unix:" + path) == .unix(path: path, mode: 0o660))
    }

    @Test(arguments: [
        ("10.0.0.0/8", [10, 1, 2, 3] as [UInt8], true), ("10.0.0.0/8", [11, 0, 0, 0], false), ("0.0.0.0/0", [1, 2, 3, 4], true),
        ("192.0.2.1", [192, 0, 2, 1], true), ("192.0.2.1", [192, 0, 2, 2], false), ("192.0.2.128/25", [192, 0, 2, 127], false),
        ("10.0.0.0/8", mapped(10, 9, 9, 9), true), ("::ffff:10.0.0.0/104", [10, 9, 9, 9], true),
        ("::ffff:10.0.0.0/104", mapped(10, 9, 9, 9), true), ("::ffff:10.0.0.0/104", [11, 9, 9, 9], false),
        ("::/0", [1, 2, 3, 4], false), ("::/0", [0xfd] + Array(repeating: 9, count: 15), true),
        ("fd00::/8", mapped(1, 1, 1, 1), false),
        ("fd00::/8", [0xfd] + Array(repeating: 9, count: 15), true), ("::1", Array(repeating: 0, count: 15) + [1], true),
        ("10.0.0.0/8", [], false), ("10.0.0.0/8", [10], false), ("::/0", [1, 2, 3, 4, 5], false),
    ])
    func `a range knows its addresses`(_ range: String, _ address: [UInt8], _ isInside: Bool) throws {
        #expect(try AddressRange(range).contains(address) == isInside)
    }

    @Test(arguments: [
        "", "/", "10.0.0.0/", "10.0.0.0/33", "::/129", "10.0.0.0/8/8", "10.0.0.0/+8", "host", "10.1.0.0/8", "10/8", "::g",
    ])
    func `a wrong range is refused`(_ text: String) {
        #expect(throws: InvalidValue.self) { try AddressRange(text) }
    }
}

private func mapped(_ bytes: UInt8...) -> [UInt8] { Array(repeating: 0, count: 10) + [0xff, 0xff] + bytes }

@Suite struct PluginConfigTests {
    /// YAML for a plugin's `config`, and the JSON that it means.
    @Test(arguments: [
        ("{}", "{}"),
        (
            "{a: 1, b: -07, c: +3, d: 0x1F, e: 0o17, f: 18446744073709551615, g: -9223372036854775808}",
            #"{"a":1,"b":-7,"c":3,"d":31,"e":15,"f":18446744073709551615,"g":-9223372036854775808}"#
        ),
        (
            "{a: 1.5, b: .5, c: 1., d: -1e3, e: 1E+2, f: 1.25e-3, g: 6.02e23}",
            #"{"a":1.5,"b":0.5,"c":1.0,"d":-1000,"e":100,"f":0.00125,"g":6.02e23}"#
        ),
        ("{a: true, b: False, c: TRUE, d: yes, e: off}", #"{"a":true,"b":false,"c":true,"d":"yes","e":"off"}"#),
        ("{a: null, b: ~, c: , d: Null}", #"{"a":null,"b":null,"c":null,"d":null}"#),
        (#"{a: "1", b: 'true', c: "", d: '~', e: !!str 1, f: ! 2}"#, #"{"a":"1","b":"true","c":"","d":"~","e":"1","f":"2"}"#),
        (#"{a: !!int "5", b: !!float 1, c: !!bool "true", d: !!null ""}"#, #"{"a":5,"b":1.0,"c":true,"d":null}"#),
        (
            "{a: 0x, b: 0x-1, c: 1e, d: ., e: e5, f: 1_000, g: 12:30, h: 2020-01-01, i: -, j: 0o8, k: 1.2.3}",
            #"{"a":"0x","b":"0x-1","c":"1e","d":".","e":"e5","f":"1_000","g":"12:30","h":"2020-01-01","i":"-","j":"0o8","k":"1.2.3"}"#
        ),
        (#"{"a\"\\\n\t\0\x01\x1f\x7f": "é\u2028😀\e"}"#, #"{"a\"\\\n\t\u0000\u0001\u001f\#u{7f}": "é\#u{2028}😀\u001b"}"#),
        ("{a: [1, [2, {b: []}]], c: {d: {}}}", #"{"a":[1,[2,{"b":[]}]],"c":{"d":{}}}"#),
        ("{a: &x [1, y], b: *x, c: {d: *x}}", #"{"a":[1,"y"],"b":[1,"y"],"c":{"d":[1,"y"]}}"#),
        ("{\"1\": 1, 'true': 2, \"<<\": 3}", #"{"1":1,"true":2,"<<":3}"#),
    ])
    func `a plugin's configuration becomes JSON`(_ yaml: String, _ expected: String) throws {
        let plugin = try load("plugins:\n  - name: a\n    library: a.so\n    config: \(yaml)").plugins[0]
        let json = try JSONDecoder().decode(JSON.self, from: Data(plugin.config))
        #expect(json == (try JSONDecoder().decode(JSON.self, from: Data(expected.utf8))))
    }

    @Test func `block text keeps its lines`() throws {
        let yaml = "plugins:\n- name: a\n  library: a.so\n  config:\n    a: |\n      1\n       2\n    b: >-\n      x\n      y\n"
        #expect(String(decoding: try load(yaml).plugins[0].config, as: UTF8.self) == #"{"a":"1\u000a 2\u000a","b":"x y"}"#)
    }

    @Test func `nested aliases are bounded as values and as keys`() {
        let levels = (1...9).map { "b\($0): &b\($0) [*b\($0 - 1), *b\($0 - 1), *b\($0 - 1)]" }
        let bomb = "plugins:\n- name: a\n  library: a.so\n  config:\n    b0: &b0 x\n    " + levels.joined(separator: "\n    ")
        let error = failure(of: bomb)?.description
        #expect(error?.hasSuffix(": expected at most 10000 values with all aliases written out, found more") == true)
        #expect(failure(of: bomb + "\n    ? *b9\n    : 1")?.description == error)
        let more = "\n    c: [*b9, *b9, *b9, *b9, *b9, *b9]"
        #expect(failure(of: bomb + more)?.description == "f.yaml:1: expected at most 32 aliases (*name), found 33")
        let text = "\(plugins)\nlisten: [\(String(repeating: "x", count: 100_000))]\n"
        let long = "plugins: [{name: a, library: a.so, config: {a: &a \"\(String(repeating: "x", count: 90_000))\", b: ["
        let wide = long + repeatElement("*a", count: 12).joined(separator: ", ") + "]}}]"
        #expect(failure(of: wide)?.description == "f.yaml:1: expected at most 1 MiB with all aliases written out, found more")
        #expect(failure(of: text + String(repeating: "#", count: 1 << 20))?.line == 1)
    }

    @Test(arguments: [31, 33, 900, 1_500, 100_000]) func `deep nesting is refused`(_ depth: Int) {
        let flow = String(repeating: "[", count: depth) + String(repeating: "]", count: depth)
        for value in [flow, "\n  " + String(repeating: "- ", count: depth), "\n  " + String(repeating: "? ", count: depth) + "x"]
        {
            let message = failure(of: "\(plugins)\nlimits: \(value)")?.description ?? ""
            switch depth {
            case ...31:
                #expect(message.contains(": limits: expected") || message.hasSuffix("expected a key of text, found a mapping"))
            case ...900: #expect(message.hasSuffix(": expected at most 32 levels of nesting, found more"))
            default: #expect(message.contains("not YAML: while parsing, Maximum nesting level reached"))
            }
        }
    }

    @Test func `no damaged file traps`() {
        var generator = Generator(state: 0x9e37_79b9_7f4a_7c15)
        let example = Array(Configuration.example.utf8)
        let pieces = Array("\u{0}\t\n\r \"'#&*-:?[]{}|>!%@`,~0x\u{fffd}\\.".utf8)
        for _ in 0..<2_000 {
            var damaged = example
            for _ in 0..<Int.random(in: 1...4, using: &generator) {
                let at = Int.random(in: 0..<damaged.count, using: &generator)
                switch Int.random(in: 0..<4, using: &generator) {
                case 0: damaged.remove(at: at)
                case 1: damaged.insert(pieces.randomElement(using: &generator) ?? 0, at: at)
                case 2: damaged[at] = pieces.randomElement(using: &generator) ?? 0
                default: damaged.removeSubrange(at..<min(damaged.count, at + 60))
                }
            }
            if let error = failure(of: String(decoding: damaged, as: UTF8.self)) {
                #expect(!error.description.contains("\n") && error.line >= 1)
            }
        }
    }
}

private struct Generator: RandomNumberGenerator {
    var state: UInt64

    mutating func next() -> UInt64 {
        self.state ^= self.state << 13
        self.state ^= self.state >> 7
        self.state ^= self.state << 17
        return self.state
    }
}

private indirect enum JSON: Decodable, Equatable {
    case null, bool(Bool), signed(Int64), unsigned(UInt64), float(Double), string(String), list([JSON]), object([String: JSON])

    init(from decoder: any Decoder) throws {
        let value = try decoder.singleValueContainer()
        if value.decodeNil() {
            self = .null
        } else if let bool = try? value.decode(Bool.self) {
            self = .bool(bool)
        } else if let number = try? value.decode(Int64.self) {
            self = .signed(number)
        } else if let number = try? value.decode(UInt64.self) {
            self = .unsigned(number)
        } else if let number = try? value.decode(Double.self) {
            self = .float(number)
        } else if let text = try? value.decode(String.self) {
            self = .string(text)
        } else if let list = try? value.decode([JSON].self) {
            self = .list(list)
        } else {
            self = .object(try value.decode([String: JSON].self))
        }
    }
}

struct WrongFile: Sendable, CustomTestStringConvertible {
    let yaml: String
    /// The message behind the name of the file.
    let line: String

    init(_ yaml: String, _ line: String) {
        self.yaml = yaml
        self.line = line
    }

    /// Follows a line 1 that is right.
    static func after(_ yaml: String, _ line: String) -> WrongFile { WrongFile(plugins + "\n" + yaml, line) }

    var testDescription: String { self.line }
}

private let address = "an address such as tcp://127.0.0.1:8080 or unix:/run/loghost.sock"
private let pluginName = "a name of 1 to 64 characters a-z, 0-9 and -"
private let keys =
    "listen, plugin_path, plugins, authorizers, insecure, trusted_proxies, log_level, access_log, limits, streams, monitoring"

private let wrongFiles: [WrongFile] = [
    // The file as a whole.
    WrongFile("", "1: plugins: expected a list of plugins, found nothing"),
    WrongFile("# nothing\n", "1: plugins: expected a list of plugins, found nothing"),
    WrongFile("---\n", "1: plugins: expected a list of plugins, found nothing"),
    WrongFile("listen: [tcp://[::1]:1]", "1: not YAML: while parsing a flow sequence, did not find expected ',' or ']'"),
    WrongFile("listen: [unix:/a]", "1: plugins: expected a list of plugins, found nothing"),
    WrongFile("[a]", "1: expected a mapping of settings, found a list"),
    WrongFile("hello", "1: expected a mapping of settings, found \"hello\""),
    WrongFile("42", "1: expected a mapping of settings, found 42"),
    WrongFile("\(plugins)\n---\n\(plugins)\n", "2: expected one YAML document, found another one"),
    .after("insecure: *x", "2: not YAML: found undefined alias"),
    .after("limits:\n\tscan: 1s", "3: not YAML: while scanning for the next token, found character that cannot start any token"),
    .after("insecure: \"true", "2: not YAML: while scanning a quoted scalar, found unexpected end of stream"),
    .after("a\u{1}: b", "2: not YAML: control characters are not allowed"),
    .after("lisen: []", "2: lisen: unknown key, did you mean \"listen\"?"),
    .after("Plugin-Path: []", "2: Plugin-Path: unknown key, did you mean \"plugin_path\"?"),
    .after("colour: red", "2: colour: expected one of \(keys), found an unknown key"),
    .after("\"a\\nb\": red", "2: \"a\\nb\": expected one of \(keys), found an unknown key"),
    .after("1: red", "2: expected a key of text, here in quotation marks, found 1"),
    .after("? [a]\n: red", "2: expected a key of text, found a list"),
    .after("<<: {}", "2: expected a key, found <<, which YAML 1.2 does not have"),
    .after("insecure: true\ninsecure: true", "2: insecure: duplicate key"),
    // listen
    .after("listen: unix:/a", "2: listen: expected a list of addresses, found \"unix:/a\""),
    .after("listen: []", "2: listen: expected at least one address, found an empty list"),
    .after("listen:", "2: listen: expected a list of addresses, found nothing"),
    .after("listen: [8080]", "2: listen[0]: expected \(address), found 8080"),
    .after("listen: [http://a:1]", "2: listen[0]: expected \(address), found \"http://a:1\""),
    .after("listen:\n- unix:/a\n- unix:/a", "4: listen[1]: expected every address once, found \"unix:/a\""),
    .after(
        "listen: [tcp://127.0.0.1:99999]",
        "2: listen[0]: expected a port from 0 to 65535 at the end, as in tcp://127.0.0.1:8080, found \"tcp://127.0.0.1:99999\""),
    .after(
        "listen: [\"tcp://::1:1\"]",
        "2: listen[0]: expected a host name, an IPv4 address or an IPv6 address in brackets, as in tcp://[::1]:8080, "
            + "found \"tcp://::1:1\""),
    .after("listen: [unix:a]", "2: listen[0]: expected an absolute path, as in unix:/run/loghost.sock, found \"unix:a\""),
    .after(
        "listen: [unix:/\(String(repeating: "a", count: 107))]",
        "2: listen[0]: expected a socket path of at most 107 bytes, found 108 bytes"),
    .after("listen: [{mode: \"0660\"}]", "2: listen[0].address: expected \(address), found nothing"),
    .after("listen: [{address: {}}]", "2: listen[0].address: expected \(address), found a mapping"),
    .after("listen: [{address: unix:/a, mode: 999}]", "2: listen[0].mode: expected permissions such as \"0660\", found 999"),
    .after("listen: [{address: unix:/a, mode: 1777}]", "2: listen[0].mode: expected permissions such as \"0660\", found 1777"),
    .after("listen: [{address: tcp://[::1]:1}]", "2: not YAML: while parsing a flow mapping, did not find expected ',' or '}'"),
    .after(
        "log_level: loud", "2: log_level: expected one of trace, debug, info, notice, warning, error, critical, found \"loud\""),
    .after(
        "listen: [\"systemd:\"]", "2: listen[0]: expected the name of a socket, as in systemd:loghost.socket, found \"systemd:\""),
    .after(
        "listen: [{address: systemd:a, mode: 600}]",
        "2: listen[0].mode: expected no mode for a socket that is passed: SocketMode= of its unit has it, found 600"),
    .after(
        "listen: [{address: \"tcp://[::1]:1\", mode: 600}]", "2: listen[0].mode: expected no mode for a TCP address, found 600"),
    .after(
        "listen: [{address: unix:/a, tls: {certificate: /c, key: /k}}]",
        "2: listen[0].tls: expected no TLS for a unix socket, found a mapping"),
    .after(
        "listen: [{address: tcp://a:1, tls: true}]", "2: listen[0].tls: expected a mapping with certificate and key, found true"),
    .after(
        "listen: [{address: tcp://a:1, tls: {key: /k}}]",
        "2: listen[0].tls.certificate: expected an absolute path of a file, found nothing"),
    .after(
        "listen: [{address: tcp://a:1, tls: {certificate: c.pem, key: /k}}]",
        "2: listen[0].tls.certificate: expected an absolute path of a file, found \"c.pem\""),
    .after(
        "listen: [{address: tcp://a:1, tls: {certificate: /c, keys: /k}}]",
        "2: listen[0].tls.keys: unknown key, did you mean \"key\"?"),
    .after(
        "listen: [{address: tcp://a:1, tls: {certificate: /c, key: /k, minimum: 1.1}}]",
        "2: listen[0].tls.minimum: expected 1.2 or 1.3, found 1.1"),
    .after(
        "listen: [{address: tcp://a:1, tls: {certificate: /c, key: /k, client_auth: always}}]",
        "2: listen[0].tls.client_auth: expected none or optional or required, found \"always\""),
    .after(
        "listen: [{address: tcp://a:1, tls: {certificate: /c, key: /k, client_auth: required}}]",
        "2: listen[0].tls.client_ca: expected an absolute path of a file, for client_auth: required, found nothing"),
    .after(
        "listen: [{address: tcp://a:1, tls: {certificate: /c, key: /k, client_ca: /a}}]",
        "2: listen[0].tls.client_ca: expected client_auth: optional or required beside it, found client_auth: none"),
    .after("listen: [{address: unix:/a, mod: 600}]", "2: listen[0].mod: unknown key, did you mean \"mode\"?"),
    .after(
        "listen:\n- unix:/a\n- tcp://0.0.0.0:80\nauthorizers: []",
        "4: listen[1]: expected at least one of authorizers, or insecure: true, for an address that other machines can reach, "
            + "found \"tcp://0.0.0.0:80\""),
    // plugin_path, plugins, authorizers, insecure, trusted_proxies
    .after("plugin_path: [lib]", "2: plugin_path[0]: expected an absolute path of a directory, found \"lib\""),
    .after("plugin_path: /lib", "2: plugin_path: expected a list of absolute directories, found \"/lib\""),
    WrongFile("plugins: {}", "1: plugins: expected a list of plugins, found a mapping"),
    WrongFile("plugins: []", "1: plugins: expected at least one plugin, found an empty list"),
    WrongFile("plugins: [a]", "1: plugins[0]: expected a plugin with name and library, found \"a\""),
    WrongFile("plugins:\n- library: a.so", "2: plugins[0].name: expected \(pluginName), found nothing"),
    WrongFile("plugins:\n- library: a\n  name: A", "3: plugins[0].name: expected \(pluginName), found \"A\""),
    WrongFile("plugins: [{name: 1, library: a}]", "1: plugins[0].name: expected \(pluginName), found 1"),
    WrongFile("plugins: [{name: a}]", "1: plugins[0].library: expected a file name or an absolute path, found nothing"),
    WrongFile(
        "plugins: [{name: a, library: ./a.so}]",
        "1: plugins[0].library: expected a file name or an absolute path, found \"./a.so\""),
    WrongFile(
        "plugins: [{name: a, library: \"a\\0b\"}]",
        "1: plugins[0].library: expected a file name or an absolute path, found \"a\\u{0}b\""),
    WrongFile(
        "plugins:\n- {name: a, library: a}\n- {name: a, library: b}",
        "3: plugins[1].name: expected a name of its own, found \"a\", which the plugin in line 2 has"),
    WrongFile(
        "plugins: [{name: a, library: a, sha256: 12}]",
        "1: plugins[0].sha256: expected a SHA-256 of 64 hexadecimal digits, found 12"),
    WrongFile(
        "plugins: [{name: a, library: a, confg: {}}]", "1: plugins[0].confg: unknown key, did you mean \"config\"?"),
    WrongFile("plugins: [{name: a, library: a, config: []}]", "1: plugins[0].config: expected a mapping, found a list"),
    WrongFile(
        "plugins: [{name: a, library: a, config: {b: [{c: .inf}]}}]",
        "1: plugins[0].config.b[0].c: expected a number that JSON can hold, found .inf"),
    WrongFile(
        "plugins: [{name: a, library: a, config: {b: 99999999999999999999}}]",
        "1: plugins[0].config.b: expected a whole number of at most 64 bits, found 99999999999999999999"),
    WrongFile(
        "plugins: [{name: a, library: a, config: {b: !mine x}}]",
        "1: plugins[0].config.b: expected a value without a tag of its own, found the tag \"!mine\""),
    WrongFile(
        "plugins: [{name: a, library: a, config: {b: {true: x}}}]",
        "1: plugins[0].config.b: expected a key of text, here in quotation marks, found true"),
    WrongFile("plugins: [{name: a, library: a, config: {b: 1, b: 2}}]", "1: b: duplicate key"),
    .after("authorizers: [b]", "2: authorizers[0]: expected the name of one of the plugins, found \"b\""),
    .after("authorizers:\n- a\n- a", "4: authorizers[1]: expected every authorizer once, found \"a\""),
    .after("authorizers: a", "2: authorizers: expected a list of plugin names, found \"a\""),
    .after("insecure: yes", "2: insecure: expected true or false, found \"yes\""),
    .after("insecure: \"true\"", "2: insecure: expected true or false, found \"true\""),
    .after(
        "trusted_proxies: [10.0.0.0/33]",
        "2: trusted_proxies[0]: expected an address or a range such as 10.0.0.0/8 or fd00::/8, found \"10.0.0.0/33\""),
    .after(
        "trusted_proxies: [10.1.0.0/8]",
        "2: trusted_proxies[0]: expected a range without bits behind its prefix, found \"10.1.0.0/8\""),
    // limits, streams
    .after("limits: 5", "2: limits: expected a mapping of limits, found 5"),
    .after("limits:\n  value: big", "3: limits.value: expected a size such as 64MB, found \"big\""),
    .after("limits: {value: 64mb}", "2: limits.value: expected a size such as 64MB, found \"64mb\""),
    .after("limits: {value: -1}", "2: limits.value: expected a size such as 64MB, found -1"),
    .after("limits: {value: 9999999999GB}", "2: limits.value: expected a size such as 64MB, found \"9999999999GB\""),
    .after("limits: {value: 2GiB}", "2: limits.value: expected a size from 4KiB to 1GiB, found \"2GiB\""),
    .after("limits: {uri: 255}", "2: limits.uri: expected a size from 256 to 64KiB, found 255"),
    .after("limits: {ranges: 0}", "2: limits.ranges: expected a whole number from 1 to 100000, found 0"),
    .after("limits: {ranges: 1.5}", "2: limits.ranges: expected a whole number from 1 to 100000, found 1.5"),
    .after("limits: {ranges: \"5\"}", "2: limits.ranges: expected a whole number from 1 to 100000, found \"5\""),
    .after(
        "limits: {ranges: 99999999999999999999}",
        "2: limits.ranges: expected a whole number from 1 to 100000, found 99999999999999999999"),
    .after("limits: {follower: 5}", "2: limits.follower: unknown key, did you mean \"followers\"?"),
    .after("limits: {scan: soon}", "2: limits.scan: expected a duration such as 15s, found \"soon\""),
    .after("limits: {scan: 1d}", "2: limits.scan: expected a duration such as 15s, found \"1d\""),
    .after("limits: {scan: 9999999999h}", "2: limits.scan: expected a duration such as 15s, found \"9999999999h\""),
    .after("limits: {scan: 99ms}", "2: limits.scan: expected a duration from 100ms to 1h, found \"99ms\""),
    .after("limits: {header_read: 11m}", "2: limits.header_read: expected a duration from 100ms to 10m, found \"11m\""),
    .after("streams: {shutdown: 2h}", "2: streams.shutdown: expected a duration from 0s to 1h, found \"2h\""),
    .after("streams: {keep_alive: [1]}", "2: streams.keep_alive: expected a duration such as 15s, found a list"),
    .after(
        "streams: {cors_origin: \"a\\r\\nb\"}",
        "2: streams.cors_origin: expected \"*\" or an origin such as https://example.com, found \"a\\r\\nb\""),
]
