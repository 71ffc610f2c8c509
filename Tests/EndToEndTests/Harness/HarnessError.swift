internal import Glibc

/// What kept a test from being carried out, in one sentence.
struct HarnessError: Error, CustomStringConvertible {
    let description: String

    init(_ description: String) { self.description = description }

    /// Names a system call that failed, and why.
    init(call: String, _ code: Int32 = errno) {
        self.description = unsafe "\(call): \(String(cString: strerror(code)))"
    }
}
