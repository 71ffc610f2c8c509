extension FilePump {
    /// What a follow needs besides.
    struct Follow: Sendable {
        /// How long it waits for a file or a server that has gone.
        var patience: Duration
        /// Counts what the readers of this file have given.
        var shared: SharedFile.Member
        /// True when the task that writes the file has ended; throws when nobody can say.
        var hasEnded: @Sendable () async throws -> Bool
    }
}
