internal import Dispatch
internal import Glibc

/// Finds the addresses of a name. On a thread that may wait, for the system's resolver does.
func resolvedAddresses(of host: String) async -> [String] {
    await withCheckedContinuation { continuation in
        DispatchQueue.global().async { continuation.resume(returning: lookUp(host)) }
    }
}

private func lookUp(_ host: String) -> [String] {
    var hints = unsafe addrinfo()
    unsafe hints.ai_socktype = Int32(SOCK_STREAM.rawValue)
    var list: UnsafeMutablePointer<addrinfo>?
    guard unsafe getaddrinfo(host, nil, &hints, &list) == 0 else { return [] }
    defer { unsafe freeaddrinfo(list) }
    var addresses: [String] = []
    var next = unsafe list
    while let info = unsafe next, addresses.count < 64 {
        var name = [CChar](repeating: 0, count: Int(NI_MAXHOST))
        let result = unsafe getnameinfo(
            info.pointee.ai_addr, info.pointee.ai_addrlen, &name, socklen_t(name.count), nil, 0, NI_NUMERICHOST)
        if result == 0 {
            addresses.append(String(decoding: name.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }, as: UTF8.self))
        }
        unsafe next = unsafe info.pointee.ai_next
    }
    return addresses
}
