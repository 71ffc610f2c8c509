internal import PluginABI

/// A plugin's own words for a query. Called on worker threads, between `start` and `stop`.
// The pointers are the plugin's; they live until `destroy`, which comes after the last answer.
@safe
final class ExplainHandle: @unchecked Sendable {
    private let instance: OpaquePointer
    private let functions: UnsafePointer<loghost_explain>
    private static let capacity = 64 << 10

    init(instance: OpaquePointer, functions: UnsafePointer<loghost_explain>) {
        unsafe self.instance = unsafe instance
        unsafe self.functions = unsafe functions
    }

    /// Filled while the plugin's call lasts, by its own thread.
    private final class Report {
        var command: String?
    }

    /// The command that gives the same entries, where there is one.
    func command(topic: [UInt8], query: LogQuery) -> String? {
        assert(WorkerPool.isCurrent, "command is a [worker] function")
        let report = Report()
        let memory = CMemory()
        var query = unsafe query.export(needs: EncoderNeeds(bits: 0, fieldNames: []), in: memory)
        unsafe self.functions.pointee.command(
            self.instance, memory.bytes(topic), &query,
            { context, command in
                guard let context = unsafe context, unsafe command.size <= ExplainHandle.capacity else { return }
                unsafe Unmanaged<Report>.fromOpaque(context).takeUnretainedValue().command = unsafe command.text
            }, unsafe Unmanaged.passUnretained(report).toOpaque())
        withExtendedLifetime(memory) {}
        return withExtendedLifetime(report) { report.command }
    }
}
