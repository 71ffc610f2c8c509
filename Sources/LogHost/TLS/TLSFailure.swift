/// Says which of a listener's TLS files is not what it should be.
struct TLSFailure: Error {
    /// The key that names the file, such as `certificate`.
    let key: String
    let path: String
    /// Without the path: what the log may say.
    let reason: String
}
