/// A record as journald takes it: fields, each a line, or with its length where the value has lines of its own.
package struct JournalRecord: Sendable {
    package private(set) var bytes: [UInt8] = []

    /// Severities of syslog.
    package init(priority: Int) {
        self.bytes.reserveCapacity(512)
        self.append("PRIORITY", Array("\(priority)".utf8))
        self.append("SYSLOG_IDENTIFIER", Array("loghost".utf8))
    }

    /// Adds a field of the host's own: the name in capitals behind `LOGHOST_`.
    package mutating func append(own name: some Sequence<UInt8>, _ value: some Collection<UInt8>) {
        let capitals = name.lazy.map { byte in
            switch byte {
            case 0x30...0x39, 0x41...0x5A: byte
            case 0x61...0x7A: byte - 0x20
            default: UInt8(ascii: "_")
            }
        }
        self.append(name: "LOGHOST_".utf8 + Array(capitals), value)
    }

    package mutating func append(_ name: StaticString, _ value: some Collection<UInt8>) {
        self.append(name: Array("\(name)".utf8), value)
    }

    private mutating func append(name: some Collection<UInt8>, _ value: some Collection<UInt8>) {
        self.bytes += name
        if value.contains(0x0A) {
            self.bytes.append(0x0A)
            for shift in stride(from: 0, to: 64, by: 8) { self.bytes.append(UInt8(truncatingIfNeeded: value.count >> shift)) }
        } else {
            self.bytes.append(UInt8(ascii: "="))
        }
        self.bytes += value
        self.bytes.append(0x0A)
    }
}
