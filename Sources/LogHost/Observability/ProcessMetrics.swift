internal import Glibc

/// What the kernel says of this process.
enum ProcessMetrics {
    /// Reads it now and writes it.
    static func append(to text: inout MetricText) {
        var usage = rusage()
        if unsafe getrusage(__rusage_who_t(RUSAGE_SELF.rawValue), &usage) == 0 {
            let seconds = Double(usage.ru_utime.tv_sec + usage.ru_stime.tv_sec)
            let parts = Double(usage.ru_utime.tv_usec + usage.ru_stime.tv_usec) / 1e6
            text.append(.counter, "process_cpu_seconds_total", [([], seconds + parts)])
        }
        if let pages = Self.numbers("/proc/self/statm"), pages.count > 1 {
            let size = Double(sysconf(Int32(_SC_PAGESIZE)))
            text.append(.gauge, "process_virtual_memory_bytes", [([], pages[0] * size)])
            text.append(.gauge, "process_resident_memory_bytes", [([], pages[1] * size)])
        }
        if let count = Self.entries("/proc/self/fd") { text.append(.gauge, "process_open_fds", [([], Double(count))]) }
        var limit = rlimit()
        if unsafe getrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &limit) == 0 {
            text.append(.gauge, "process_max_fds", [([], Double(limit.rlim_cur))])
        }
        // Behind the program's name, which may hold anything: fields 3 and on.
        let stat = Self.read("/proc/self/stat")
        let fields = stat[(stat.lastIndex(of: ")") ?? stat.startIndex)...].split(separator: " ").dropFirst()
        if fields.count > 20, let threads = Double(fields[fields.startIndex + 17]) {
            text.append(.gauge, "process_threads", [([], threads)])
            if let ticks = Double(fields[fields.startIndex + 19]), let boot = Self.bootTime {
                text.append(.gauge, "process_start_time_seconds", [([], boot + ticks / Double(sysconf(Int32(_SC_CLK_TCK))))])
            }
        }
    }

    /// Seconds since the epoch.
    private static let bootTime: Double? = {
        let line = Self.read("/proc/stat").split(separator: "\n").first { $0.hasPrefix("btime ") }
        return line.flatMap { Double($0.dropFirst(6)) }
    }()

    private static func numbers(_ path: String) -> [Double]? {
        let numbers = Self.read(path).split(whereSeparator: { " \n".contains($0) }).compactMap { Double($0) }
        return numbers.isEmpty ? nil : numbers
    }

    private static func entries(_ path: String) -> Int? {
        guard let directory = unsafe opendir(path) else { return nil }
        defer { unsafe closedir(directory) }
        var count = 0
        while unsafe readdir(directory) != nil { count += 1 }
        // Without `.`, `..` and the one that looks.
        return count - 3
    }

    /// A short file of the kernel's; empty when there is none.
    private static func read(_ path: String) -> String {
        let descriptor = unsafe open(path, O_RDONLY | O_CLOEXEC)
        guard descriptor >= 0 else { return "" }
        defer { close(descriptor) }
        var bytes: [UInt8] = []
        var piece = [UInt8](repeating: 0, count: 4096)
        while bytes.count < 1 << 20 {
            let count = unsafe piece.withUnsafeMutableBytes { unsafe Glibc.read(descriptor, $0.baseAddress, $0.count) }
            guard count > 0 else { break }
            bytes += piece.prefix(count)
        }
        return String(decoding: bytes, as: UTF8.self)
    }
}
