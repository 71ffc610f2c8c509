internal import Glibc
internal import Synchronization

/// Writes one line of JSON (RFC 8259) for each decision. Refusals are rate-limited: whoever guesses must not fill the disk.
// Not through the log: at thousands of requests per second its dictionaries would cost more than the decisions.
package final class AuditLog: Sendable {
    private struct Allowance {
        var tokens = AuditLog.burst
        var refilledAt = ContinuousClock.now
        var suppressed = 0
    }

    /// Refusals in a row that are all written, and those per second after that.
    package static let burst = 100.0
    package static let rate = 10.0

    private let writer: LineWriter
    private let allowance = Mutex(Allowance())

    package init(_ writer: LineWriter = .standardError) {
        self.writer = writer
    }

    package func record(_ ruling: Ruling, of subject: AuthorizationSubject, isRecheck: Bool = false) {
        guard let suppressed = self.takeAllowance(isRefusal: !ruling.result.isAllow) else { return }
        var line: [UInt8] = []
        line.reserveCapacity(512)
        line += #"{"time":""#.utf8
        Self.append(realtime: microseconds(CLOCK_REALTIME), to: &line)
        line += #"","event":"authorization","result":""#.utf8
        line += ruling.result.word.utf8
        line.append(UInt8(ascii: "\""))
        let peer = subject.peer
        let members: [(StaticString, String)] = [
            ("principal", ruling.principal), ("object", ruling.object), ("action", ruling.action), ("reason", ruling.reason),
            ("authorizer", ruling.authorizer), ("address", peer.address), ("method", subject.method), ("path", subject.path),
            ("route", subject.route), ("request", subject.requestID),
        ]
        for (name, value) in members where !value.isEmpty { Self.append(name, value, to: &line) }
        if let unix = peer.unix { line += ",\"uid\":\(unix.uid),\"gid\":\(unix.gid),\"pid\":\(unix.pid)".utf8 }
        if !peer.certificateSubject.isEmpty { Self.append("certificate", peer.certificateSubject, to: &line) }
        if isRecheck { line += #","recheck":true"#.utf8 }
        if suppressed > 0 { line += ",\"suppressed\":\(suppressed)".utf8 }
        line += "}\n".utf8
        if self.writer.write(line) { return }
        // Nobody reads what is written: an answer does not wait for that.
        self.allowance.withLock { $0.suppressed += suppressed + 1 }
    }

    /// Takes one from what refusals may still be written; nil when there is none. Returns how many records were left out before.
    private func takeAllowance(isRefusal: Bool) -> Int? {
        let now = ContinuousClock.now
        return self.allowance.withLock { allowance in
            if isRefusal {
                let passed = (now - allowance.refilledAt) / .seconds(1)
                allowance.tokens = min(Self.burst, allowance.tokens + passed * Self.rate)
                allowance.refilledAt = now
                guard allowance.tokens >= 1 else {
                    allowance.suppressed += 1
                    return nil
                }
                allowance.tokens -= 1
            }
            defer { allowance.suppressed = 0 }
            return allowance.suppressed
        }
    }

    private static func append(_ name: StaticString, _ value: String, to line: inout [UInt8]) {
        line += ",\"".utf8
        unsafe line.append(contentsOf: UnsafeBufferPointer(start: name.utf8Start, count: name.utf8CodeUnitCount))
        line += "\":\"".utf8
        let value = value.utf8.count <= Self.valueCapacity ? value : String(value.unicodeScalars.prefix(Self.valueCapacity / 4))
        for byte in value.utf8 {
            switch byte {
            case UInt8(ascii: "\""), UInt8(ascii: "\\"): line += [UInt8(ascii: "\\"), byte]
            case 0..<0x20, 0x7F: line += "\\u00\(byte < 0x10 ? "0" : "")\(String(byte, radix: 16))".utf8
            default: line.append(byte)
            }
        }
        line.append(UInt8(ascii: "\""))
    }

    /// Bytes of one value: no client decides how long a line is.
    private static let valueCapacity = 1_024

    /// RFC 3339 in UTC.
    private static func append(realtime: UInt64, to line: inout [UInt8]) {
        var seconds = time_t(realtime / 1_000_000)
        var parts = unsafe tm()
        unsafe gmtime_r(&seconds, &parts)
        func append(_ number: Int, _ digits: Int, _ after: Character) {
            let text = String(number)
            line += repeatElement(UInt8(ascii: "0"), count: max(0, digits - text.utf8.count))
            line += text.utf8
            line += after.utf8
        }
        unsafe append(Int(parts.tm_year) + 1900, 4, "-")
        unsafe append(Int(parts.tm_mon) + 1, 2, "-")
        unsafe append(Int(parts.tm_mday), 2, "T")
        unsafe append(Int(parts.tm_hour), 2, ":")
        unsafe append(Int(parts.tm_min), 2, ":")
        unsafe append(Int(parts.tm_sec), 2, ".")
        append(Int(realtime % 1_000_000), 6, "Z")
    }
}

extension Ruling.Result {
    fileprivate var isAllow: Bool { if case .allow = self { true } else { false } }

    /// How the audit record calls it.
    package var word: String {
        switch self {
        case .allow: "allow"
        case .deny: "deny"
        case .unauthenticated: "unauthenticated"
        case .undecided: "undecided"
        }
    }
}
