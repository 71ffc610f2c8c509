internal import HTTPTypes
internal import NIOCore
internal import Synchronization

/// Writes one record for each request, when its answer has ended. The query is left out: filters name people and clients put secrets there.
final class AccessLog: Sendable {
    private let output: LogOutput
    private let suppressed = Atomic(0)

    init(_ output: LogOutput = .standard) {
        self.output = output
    }

    /// `cause` says why the answer was cut off; nil when it came to its end.
    func record(_ exchange: Exchange, cause: String?) {
        var line = RecordLine(event: "request", for: self.output)
        let request = exchange.request
        line.append("method", request.method.rawValue)
        line.append("path", String((request.path ?? "").prefix { $0 != "?" && $0 != "#" }))
        line.append("route", exchange.route)
        line.append("status", number: exchange.status)
        line.append("format", exchange.format)
        line.append("bytes", number: exchange.tally.bytes)
        if !exchange.format.isEmpty { line.append("entries", number: exchange.tally.entries) }
        line.append("microseconds", number: Int((.now() - exchange.start).nanoseconds / 1_000))
        line.append("cut", cause ?? "")
        line.append("principal", exchange.principal)
        line.append(exchange.peer)
        line.append("request", exchange.id)
        // Of several, none is the caller's.
        let fields = request.headerFields[values: .traceparent]
        if fields.count == 1, let trace = TraceContext(fields[0]) {
            line.append("trace_id", trace.traceID)
            line.append("parent_id", trace.parentID)
        }
        self.write(line)
    }

    /// Of what was no request only the status is known that it was answered with, and who sent it.
    func record(refusal status: Int, of peer: Peer) {
        var line = RecordLine(event: "request", for: self.output)
        line.append("route", RequestMetrics.noRoute)
        line.append("status", number: status)
        line.append(peer)
        self.write(line)
    }

    private func write(_ line: RecordLine) {
        var line = line
        let earlier = self.suppressed.exchange(0, ordering: .relaxed)
        if earlier > 0 { line.append("suppressed", number: earlier) }
        // Nobody reads what is written: an answer does not wait for that.
        if !self.output.write(line) { self.suppressed.add(earlier + 1, ordering: .relaxed) }
    }
}

extension RecordLine {
    fileprivate mutating func append(_ peer: Peer) {
        self.append("address", peer.address)
        if let unix = peer.unix { self.append("uid", number: Int(unix.uid)) }
    }
}
