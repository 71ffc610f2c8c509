internal import Glibc

/// What the kernel says about the running program.
extension LogHostProcess {
    /// How many descriptors are open, and how many of them are sockets.
    var openDescriptors: (all: Int, sockets: Int) {
        let directory = "/proc/\(self.child.pid)/fd"
        let targets = listDirectory(directory).compactMap { linkTarget("\(directory)/\($0)") }
        return (targets.count, targets.count { $0.hasPrefix("socket:") })
    }

    /// How many sockets are open when no client is there, and none is still being said goodbye to.
    var restingSockets: Int {
        get async throws {
            var count = self.openDescriptors.sockets
            while true {
                try await Task.sleep(for: .milliseconds(200))
                let now = self.openDescriptors.sockets
                if now == count { return count }
                count = now
            }
        }
    }

    /// How often its threads have begun to wait since they run.
    var waits: Int {
        get throws {
            let directory = "/proc/\(self.child.pid)/task"
            return try listDirectory(directory).reduce(0) { sum, thread in
                guard fileExists("\(directory)/\(thread)/status") else { return sum }
                let status = String(decoding: try readFile("\(directory)/\(thread)/status"), as: UTF8.self)
                let line = status.split(separator: "\n").first { $0.hasPrefix("voluntary_ctxt_switches:") }
                return sum + (line?.split(whereSeparator: { " \t".contains($0) }).last.flatMap { Int($0) } ?? 0)
            }
        }
    }

    /// Processor time used, in hundredths of a second.
    var processorTime: Int {
        get throws {
            let text = String(decoding: try readFile("/proc/\(self.child.pid)/stat"), as: UTF8.self)
            let fields = text.split(separator: ")").last?.split(separator: " ").compactMap { Int($0) } ?? []
            // Behind the name and the state: utime and stime are the 11th and 12th number.
            guard fields.count > 11 else { throw HarnessError("the kernel does not say how long the process has run") }
            return fields[10] + fields[11]
        }
    }

    /// Waits until a condition holds; false when it does not in time.
    func waits(_ limit: Duration = .seconds(5), for condition: () throws -> Bool) async throws -> Bool {
        let deadline = ContinuousClock.now + limit
        while try !condition() {
            if ContinuousClock.now > deadline { return false }
            try await Task.sleep(for: .milliseconds(10))
        }
        return true
    }
}

private func linkTarget(_ path: String) -> String? {
    var characters = [CChar](repeating: 0, count: 256)
    let count = unsafe readlink(path, &characters, characters.count)
    return count < 0 ? nil : String(decoding: characters.prefix(count).map { UInt8(bitPattern: $0) }, as: UTF8.self)
}
