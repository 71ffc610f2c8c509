internal import CLinux
internal import Glibc

/// Whoever has started this process and wants to know how it is: `sd_notify(3)`. Without one nothing is sent.
struct ServiceManager: Sendable {
    /// How often it wants a sign of life, if at all.
    let watchdog: Duration?
    /// The bytes of `sun_path`; nil when nobody wants to know.
    private let path: [UInt8]?

    /// Takes what the environment tells, and takes it out of there: the children are not meant.
    static func take() -> ServiceManager {
        let names = ["NOTIFY_SOCKET", "WATCHDOG_USEC", "WATCHDOG_PID"]
        let values = names.map { name in unsafe getenv(name).map { unsafe String(cString: $0) } }
        for name in names { unsafe unsetenv(name) }
        return ServiceManager(socket: values[0], watchdogMicroseconds: values[1], watchdogPID: values[2])
    }

    init(socket: String?, watchdogMicroseconds: String?, watchdogPID: String?) {
        var path = socket.map { Array($0.utf8) } ?? []
        // An abstract socket.
        if path.first == UInt8(ascii: "@") { path[0] = 0 }
        let isKnown = path.first == 0 || path.first == UInt8(ascii: "/")
        self.path = isKnown && path.count <= ListenAddress.maximumPathBytes ? path : nil
        let isMeant = watchdogPID.map { Int32($0) == getpid() } ?? true
        let microseconds = watchdogMicroseconds.flatMap { Int64($0) } ?? 0
        self.watchdog = isMeant && microseconds > 0 && self.path != nil ? .microseconds(microseconds) : nil
    }

    /// Every address is served, or what was read again is in force.
    func ready() { self.send("READY=1\nSTATUS=Serving.") }

    /// The end has begun and takes so long at the most.
    func stopping(within limit: Duration) {
        let microseconds = Int64(limit / .microseconds(1))
        self.send("STOPPING=1\nSTATUS=Stopping.\nEXTEND_TIMEOUT_USEC=\(microseconds)")
    }

    /// The configuration is being read again; `ready` says that it is done.
    func reloading() { self.send("RELOADING=1\nMONOTONIC_USEC=\(microseconds(CLOCK_MONOTONIC))") }

    /// The host works.
    func isAlive() { self.send("WATCHDOG=1") }

    private func send(_ state: String) {
        guard let path else { return }
        guard let descriptor = OwnedDescriptor(socket(AF_UNIX, Int32(SOCK_DGRAM.rawValue) | Int32(SOCK_CLOEXEC.rawValue), 0))
        else {
            return
        }
        // A manager that does not read must not hold up what it is told about for long.
        var patience = timeval(tv_sec: 1, tv_usec: 0)
        unsafe setsockopt(
            descriptor.number, SOL_SOCKET, SO_SNDTIMEO, &patience, socklen_t(MemoryLayout<timeval>.size))
        var address = sockaddr_un()
        address.sun_family = sa_family_t(AF_UNIX)
        unsafe withUnsafeMutableBytes(of: &address.sun_path) { unsafe $0.copyBytes(from: path) }
        // An abstract name has exactly the bytes that are counted here.
        let length = socklen_t(MemoryLayout<sa_family_t>.size + path.count)
        let bytes = Array(state.utf8)
        _ = unsafe withUnsafePointer(to: &address) { address in
            unsafe address.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                unsafe sendto(descriptor.number, bytes, bytes.count, Int32(MSG_NOSIGNAL), $0, length)
            }
        }
    }
}
