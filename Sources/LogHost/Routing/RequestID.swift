internal import Synchronization

/// Names requests in logs and to other servers: each has another name, on this host and on others.
enum RequestID {
    private static let process = String(UInt64.random(in: .min ... .max), radix: 36)
    private static let count = Atomic<UInt64>(0)

    static func next() -> String { Self.process + "-" + String(Self.count.add(1, ordering: .relaxed).newValue, radix: 36) }
}
