internal import NIOCore
package import PluginABI

/// A plugin's authorizer.
// The pointers are the plugin's; they live until `destroy`, which comes after the last request.
@safe
package final class AuthorizerHandle: @unchecked Sendable {
    /// The instance's name in the configuration.
    package let name: String
    /// It is told the credential that others before it have verified.
    private let getsCredential: Bool
    private let instance: OpaquePointer
    private let functions: UnsafePointer<loghost_authorizer>
    private let deciding = OperationTable<Decision>()
    private let metrics: PluginMetrics?

    package init(
        name: String, getsCredential: Bool = false, instance: OpaquePointer, functions: UnsafePointer<loghost_authorizer>,
        metrics: PluginMetrics? = nil
    ) {
        self.metrics = metrics
        self.name = name
        self.getsCredential = getsCredential
        unsafe self.instance = unsafe instance
        unsafe self.functions = unsafe functions
    }

    /// Asks, with what is known of the client so far; throws what the plugin failed with, and a time-out when it is silent until the deadline.
    package func decide(
        _ subject: AuthorizationSubject, grant: Grant, isRecheck: Bool, until deadline: ContinuousClock.Instant
    ) async throws -> Decision {
        let start = NIODeadline.now()
        defer { self.metrics?.record(.authorize, since: start) }
        do {
            return try await self.ask(subject, grant: grant, isRecheck: isRecheck, until: deadline)
        } catch {
            self.metrics?.count(.authorize, error)
            throw error
        }
    }

    private func ask(
        _ subject: AuthorizationSubject, grant: Grant, isRecheck: Bool, until deadline: ContinuousClock.Instant
    ) async throws -> Decision {
        // What is lent lives until the decision is there, or nobody waits for it any more.
        let memory = CMemory()
        defer { withExtendedLifetime(memory) {} }
        return try await self.deciding.perform(until: deadline) { operation in
            unsafe subject.lend(
                grant: grant, withCredential: self.getsCredential, isRecheck: isRecheck, in: memory
            ) { request in
                unsafe self.functions.pointee.authorize(
                    self.instance, operation, request,
                    { context, operation, decision, error in
                        guard let context = unsafe context else { return }
                        let table = unsafe Unmanaged<OperationTable<Decision>>.fromOpaque(context).takeUnretainedValue()
                        let result: Result<Decision, any Error>
                        if let decision = unsafe decision?.pointee {
                            result = .success(unsafe Decision(decision))
                        } else {
                            result = .failure(unsafe error.map { unsafe PluginFailure($0.pointee) } ?? PluginFailure.unexplained)
                        }
                        _ = table.complete(operation, result)
                    }, unsafe Unmanaged.passUnretained(self.deciding).toOpaque())
            }
        } cancel: { operation in
            unsafe self.functions.pointee.cancel?(self.instance, operation)
        }
    }
}
