package import PluginKit

extension BlockingThreads {
    /// Where passwords are hashed: each takes a processor for as long as 300 ms. Two threads leave processors for everybody else when
    /// strangers guess, and the last one that may wait waits about 5 s.
    package static func forPasswords(threads: Int = 2, capacity: Int = 32) -> BlockingThreads {
        BlockingThreads(label: "loghost.auth-token.password", threads: threads, capacity: capacity)
    }
}
