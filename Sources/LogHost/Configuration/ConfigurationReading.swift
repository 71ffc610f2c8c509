internal import Logging

extension Configuration {
    static let keys = [
        "listen", "plugin_path", "plugins", "authorizers", "insecure", "trusted_proxies", "log_level", "access_log", "limits",
        "streams", "monitoring",
    ]

    /// Reads the root of a file. Throws the first mistake, in the order of `keys`.
    init(_ root: YAMLReader) throws(ConfigurationError) {
        if root.scalar == .null {
            throw ConfigurationError(
                file: root.file, line: 1, key: "plugins",
                reason: .mismatch(expected: Self.expectedPlugins, found: "nothing"))
        }
        let map = try root.mapping("a mapping of settings", keys: Self.keys)
        self.init()
        if let listen = map["listen"] { self.listen = try Self.addresses(listen) }
        if let path = map["plugin_path"] { self.pluginPath = try Self.directories(path) }
        self.plugins = try Self.plugins(map.required("plugins", Self.expectedPlugins))
        if let names = map["authorizers"] { self.authorizers = try Self.authorizers(names, plugins: self.plugins) }
        if let insecure = map["insecure"] { self.insecure = try insecure.bool() }
        if let ranges = map["trusted_proxies"] { self.trustedProxies = try Self.ranges(ranges) }
        if let level = map["log_level"] { self.logLevel = try Self.level(level) }
        if let accessLog = map["access_log"] { self.accessLog = try accessLog.bool() }
        if let limits = map["limits"] { self.limits = try Limits(limits) }
        if let streams = map["streams"] { self.streams = try Streams(streams) }
        if let monitoring = map["monitoring"] { self.monitoring = try Monitoring(monitoring) }
        for address in self.monitoring.listen where !address.description.hasSuffix(":0") {
            guard let twin = map["monitoring"], self.listen.contains(where: { $0.description == address.description }) else {
                continue
            }
            throw twin.wrong("addresses that are not under listen too", found: address.description.quotedForError())
        }
        try self.refuseUnprotected(map)
    }

    static func addresses(_ reader: YAMLReader) throws(ConfigurationError) -> [ListenAddress] {
        let items = try reader.list("a list of addresses")
        guard !items.isEmpty else { throw reader.wrong("at least one address", found: "an empty list") }
        var addresses: [ListenAddress] = []
        for item in items {
            let address = try ListenAddress(item)
            // Only "any free port" may stand twice.
            let taken = addresses.contains { $0.description == address.description && !address.description.hasSuffix(":0") }
            guard !taken else { throw item.wrong("every address once", found: address.description.quotedForError()) }
            addresses.append(address)
        }
        return addresses
    }

    private static func directories(_ reader: YAMLReader) throws(ConfigurationError) -> [String] {
        let expected = "an absolute path of a directory"
        var directories: [String] = []
        for item in try reader.list("a list of absolute directories") {
            let directory = try item.string(expected)
            guard directory.hasPrefix("/"), directory.utf8.count <= 4095 else { throw item.wrong(expected) }
            directories.append(directory)
        }
        return directories
    }

    private static func plugins(_ reader: YAMLReader) throws(ConfigurationError) -> [PluginConfiguration] {
        let items = try reader.list(Self.expectedPlugins)
        guard !items.isEmpty else { throw reader.wrong("at least one plugin", found: "an empty list") }
        var plugins: [PluginConfiguration] = []
        for item in items {
            plugins.append(try PluginConfiguration(item, after: plugins))
        }
        return plugins
    }

    private static func authorizers(
        _ reader: YAMLReader, plugins: [PluginConfiguration]
    ) throws(ConfigurationError) -> [String] {
        let expected = "the name of one of the plugins"
        var names: [String] = []
        for item in try reader.list("a list of plugin names") {
            let name = try item.string(expected)
            guard plugins.contains(where: { $0.name == name }) else { throw item.wrong(expected) }
            guard !names.contains(name) else { throw item.wrong("every authorizer once") }
            names.append(name)
        }
        return names
    }

    private static func ranges(_ reader: YAMLReader) throws(ConfigurationError) -> [AddressRange] {
        var ranges: [AddressRange] = []
        for item in try reader.list("a list of addresses or ranges such as 10.0.0.0/8") {
            let text = try item.string("an address or a range such as 10.0.0.0/8 or fd00::/8")
            do { ranges.append(try AddressRange(text)) } catch { throw item.wrong(error) }
        }
        return ranges
    }

    private static func level(_ reader: YAMLReader) throws(ConfigurationError) -> Logger.Level {
        let expected = Logger.Level.expected
        guard let level = Logger.Level(rawValue: try reader.string(expected)) else { throw reader.wrong(expected) }
        return level
    }

    private func refuseUnprotected(_ map: YAMLMapping) throws(ConfigurationError) {
        guard let open = self.unprotectedAddress, let index = self.listen.firstIndex(of: open),
            let items = try map["listen"]?.list("a list of addresses"), items.indices.contains(index)
        else { return }
        throw items[index].wrong(
            "at least one of authorizers, or insecure: true, for an address that other machines can reach",
            found: open.description.quotedForError())
    }
}

extension Logger.Level {
    /// Says what a level may be.
    static let expected = "one of \(Self.allCases.map(\.rawValue).joined(separator: ", "))"
}

extension ListenAddress {
    /// Reads one element of `listen`: the text form, or a mapping of address and mode or TLS. Throws the first mistake.
    init(_ reader: YAMLReader) throws(ConfigurationError) {
        let expected = "an address such as tcp://127.0.0.1:8080 or unix:/run/loghost.sock"
        guard reader.isMapping else {
            try self.init(text: reader, expected)
            return
        }
        let map = try reader.mapping(expected, keys: ["address", "mode", "tls"])
        try self.init(text: map.required("address", expected), expected)
        if let tls = map["tls"] {
            switch self {
            case .tcp(let host, let port): self = .tls(host: host, port: port, try TLSSettings(tls))
            case .passed(let name, _): self = .passed(name: name, try TLSSettings(tls))
            case .tls, .unix: throw tls.wrong("no TLS for a unix socket")
            }
        }
        guard let mode = map["mode"] else { return }
        guard case .unix(let path, _) = self else {
            if case .passed = self { throw mode.wrong("no mode for a socket that is passed: SocketMode= of its unit has it") }
            throw mode.wrong("no mode for a TCP address")
        }
        guard let bits = Quantity.mode(try mode.text("permissions such as \"0660\"")) else {
            throw mode.wrong("permissions such as \"0660\"")
        }
        self = .unix(path: path, mode: bits)
    }

    private init(text reader: YAMLReader, _ expected: String) throws(ConfigurationError) {
        let text = try reader.string(expected)
        do { try self.init(text) } catch { throw reader.wrong(error) }
    }
}
