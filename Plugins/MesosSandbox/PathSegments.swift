/// Splits a path at its slashes, byte by byte: to Swift a slash before a combining character is no slash, to the kernel it is.
func pathSegments(_ path: some StringProtocol) -> [String] {
    path.utf8.split(separator: UInt8(ascii: "/"), omittingEmptySubsequences: false).map { String(decoding: $0, as: UTF8.self) }
}
