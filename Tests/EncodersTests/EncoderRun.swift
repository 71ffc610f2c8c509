import Encoders
import FoundationEssentials
import PluginKit
import Testing

/// An answer being encoded, as the host does it: into buffers that are full at some time.
struct EncoderRun {
    private var encoder: any Encoder
    private(set) var bytes: [UInt8] = []
    /// What is left of the buffer that the entry before was written to.
    private var rest = 0

    init(_ format: String, _ options: EncodeOptions = EncodeOptions()) throws {
        let none = try JSONDecoder().decode(NoConfiguration.self, from: Data("{}".utf8))
        let encoders = StandardEncoders(configuration: none, host: Host(name: "test")).encoders
        let type = try #require(encoders.first { $0.encoding.name == format })
        self.encoder = try type.init(options: options)
    }

    var keepAlive: [UInt8] { self.encoder.keepAlive }
    var needs: Query.Needs { self.encoder.needs }

    /// Writes an entry into buffers of these sizes. With `shared`, it begins in what the entry before has left of its buffer.
    mutating func encode(_ entry: TestEntry, shared: Bool = false, capacity: () -> Int = { 64 << 20 }) throws {
        var batch = BatchBuilder()
        batch.append(entry)
        var free = shared && self.rest > 0 ? self.rest : capacity()
        var isFirst = true
        try batch.drain { entry in
            while true {
                var encoder = self.encoder
                let (bytes, progress) = try Sink.collect(capacity: free) { sink in try encoder.encode(entry, into: &sink) }
                self.encoder = encoder
                self.bytes += bytes
                self.rest = free - bytes.count
                if progress == .done { return }
                // The rest of another entry's buffer may be too little for anything; a fresh one never is.
                try #require(isFirst && shared || !bytes.isEmpty, "no progress in \(free) bytes")
                isFirst = false
                free = capacity()
            }
        }
    }

    mutating func encode(_ event: Event) throws {
        var encoder = self.encoder
        self.bytes += try Sink.collect(capacity: 4096) { sink in try encoder.encode(event, into: &sink) }.bytes
        self.encoder = encoder
    }

    mutating func finish() throws {
        var encoder = self.encoder
        self.bytes += try Sink.collect(capacity: 4096) { sink in try encoder.finish(into: &sink) }.bytes
        self.encoder = encoder
    }
}

/// Entries in a format, each in one large buffer.
func encoded(_ entries: [TestEntry], _ format: String, _ options: EncodeOptions = EncodeOptions()) throws -> [UInt8] {
    var run = try EncoderRun(format, options)
    for entry in entries { try run.encode(entry) }
    try run.finish()
    return run.bytes
}

func text(_ bytes: some Collection<UInt8>) -> String {
    String(decoding: bytes, as: UTF8.self)
}
