package import NIOCore

/// Who is counted as the client of a request.
package enum ClientAddress {
    /// The peer's address; behind a trusted proxy the last address in `X-Forwarded-For` that is no trusted proxy itself.
    /// Empty on a unix socket, where all clients are local and none is counted.
    package static func of(_ peer: SocketAddress?, forwardedFor: [String], trusted: [AddressRange]) -> String {
        guard let peer, let address = peer.ipAddress, let bytes = Self.bytes(of: peer) else { return "" }
        guard trusted.contains(where: { $0.contains(bytes) }) else { return address }
        let hops = forwardedFor.joined(separator: ",").split(separator: ",").suffix(32).map { $0.trimmingSpaces }
        for hop in hops.reversed() {
            guard let forwarded = try? SocketAddress(ipAddress: hop, port: 0), let bytes = Self.bytes(of: forwarded) else {
                return address
            }
            if !trusted.contains(where: { $0.contains(bytes) }) { return forwarded.ipAddress ?? address }
        }
        return address
    }

    /// The address's bytes in network order; nil for one that is no IP address.
    private static func bytes(of address: SocketAddress) -> [UInt8]? {
        guard var packed = address.packedIP else { return nil }
        return packed.readBytes(length: packed.readableBytes)
    }
}

extension SocketAddress {
    /// What follows family and port in a `sockaddr_in`, or family, port and flow in a `sockaddr_in6`.
    fileprivate var packedIP: ByteBuffer? {
        var bytes = ByteBuffer()
        unsafe self.withSockAddr { address, size in
            let (offset, count) = size == 16 ? (4, 4) : (8, 16)
            guard size >= offset + count else { return }
            unsafe bytes.writeBytes(UnsafeRawBufferPointer(start: UnsafeRawPointer(address) + offset, count: count))
        }
        return self.ipAddress == nil ? nil : bytes
    }
}

extension Substring {
    fileprivate var trimmingSpaces: String {
        var text = self
        while text.first == " " || text.first == "\t" { text.removeFirst() }
        while text.last == " " || text.last == "\t" { text.removeLast() }
        return String(text)
    }
}
