internal import PluginKit

/// A file's bytes as they are. The agent's own download is not used: it suffers from files that change.
final class FileDownload: ByteReader {
    private let items: any FileItems

    init(_ items: any FileItems) {
        self.items = items
    }

    deinit { self.items.close() }

    func read(limit: Int) throws -> ByteOutcome {
        guard let item = try self.items.next() else { return .pending }
        switch item {
        case .bytes(let bytes, let index, _): return .bytes(index == 0 ? bytes : Array(bytes[index...]))
        // What follows an older file is another one.
        case .quiet, .end, .next: return .end([])
        case .gap: throw PluginError(.upstream, "The file was cut while it was read.", detail: "Mesos agent")
        case .failure(let error): throw error
        }
    }
}

/// The value of Content-Disposition: the name bare where RFC 9110 allows that, as existing clients expect it, else quoted and once more
/// in full (RFC 6266).
func attachment(named name: String) -> String {
    if name.utf8.allSatisfy(isTokenByte) { return "attachment; filename=\(name)" }
    let quoted = String(
        decoding: name.utf8.map { byte in
            (0x20..<0x7F).contains(byte) && byte != UInt8(ascii: "\"") && byte != UInt8(ascii: "\\") ? byte : UInt8(ascii: "_")
        }, as: UTF8.self)
    return "attachment; filename=\"\(quoted)\"; filename*=UTF-8''\(percentEncoded(name))"
}

/// The characters of RFC 9110's `token`.
private func isTokenByte(_ byte: UInt8) -> Bool {
    switch byte {
    case 0x30...0x39, 0x41...0x5A, 0x61...0x7A: true
    default: "!#$%&'*+-.^_`|~".utf8.contains(byte)
    }
}
