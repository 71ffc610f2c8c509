/// Runs a program to its end and gives what it said, on both outputs, and how it ended.
func run(_ arguments: [String], within limit: Duration = .seconds(20)) async throws -> (exit: ChildProcess.Exit, output: String) {
    let (child, output) = try start(arguments)
    defer { child.kill() }
    guard let exit = try await child.waitForExit(within: limit) else {
        throw HarnessError("\(arguments[0]) did not end within \(limit)")
    }
    while !output.isComplete { try await Task.sleep(for: .milliseconds(2)) }
    return (exit, output.string)
}

/// Starts a program; the writing end of its output is closed here when this returns.
private func start(_ arguments: [String]) throws -> (ChildProcess, CapturedOutput) {
    let pipe = try Descriptor.pipe()
    let output = CapturedOutput(pipe.reading)
    return (try ChildProcess(arguments, output: pipe.writing), output)
}

/// Runs the program under test.
func runLogHost(_ arguments: [String]) async throws -> (exit: ChildProcess.Exit, output: String) {
    try await run(["\(Products.directory)/loghost"] + arguments)
}
