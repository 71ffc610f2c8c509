internal import PluginABI

/// What one check of a plugin has found.
struct HealthCheck: Sendable {
    var name: String
    var isReady: Bool
    var message: String
}

/// A plugin's own word on whether it can do its work. Called on worker threads, between `start` and `stop`.
// The pointers are the plugin's; they live until `destroy`, which comes after the last answer.
@safe
final class HealthHandle: @unchecked Sendable {
    private let instance: OpaquePointer
    private let functions: UnsafePointer<loghost_health>
    private static let capacity = 16
    private static let messageCapacity = 256

    init(instance: OpaquePointer, functions: UnsafePointer<loghost_health>) {
        unsafe self.instance = unsafe instance
        unsafe self.functions = unsafe functions
    }

    /// Filled while the plugin's call lasts, by its own thread.
    private final class Report {
        var checks: [HealthCheck] = []
    }

    func check() -> [HealthCheck] {
        assert(WorkerPool.isCurrent, "check is a [worker] function")
        let report = Report()
        unsafe self.functions.pointee.check(
            self.instance,
            { context, check in
                guard let context = unsafe context, let check = unsafe check?.pointee else { return }
                let report = unsafe Unmanaged<Report>.fromOpaque(context).takeUnretainedValue()
                guard report.checks.count < HealthHandle.capacity else { return }
                report.checks.append(
                    unsafe HealthCheck(
                        name: String(check.name.text.prefix(64)), isReady: Int(check.state) == LOGHOST_HEALTH_READY,
                        message: String(check.message.text.prefix(HealthHandle.messageCapacity))))
            }, unsafe Unmanaged.passUnretained(report).toOpaque())
        return withExtendedLifetime(report) { report.checks }
    }
}
