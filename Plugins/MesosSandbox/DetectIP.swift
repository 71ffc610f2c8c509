internal import Glibc
internal import PluginKit

/// Runs the program that prints this node's address. Throws when it does not do so within ten seconds.
func detectAddress(_ program: String) throws -> String {
    func failure(_ what: String) -> PluginError { PluginError(.unavailable, "detect_ip: \(what)") }
    var ends: [Int32] = [-1, -1]
    guard unsafe pipe(&ends) == 0 else { throw failure("no pipe for the program's output") }
    defer { close(ends[0]) }
    for end in ends { _ = fcntl(end, F_SETFD, FD_CLOEXEC) }
    var actions = unsafe posix_spawn_file_actions_t()
    unsafe posix_spawn_file_actions_init(&actions)
    defer { unsafe posix_spawn_file_actions_destroy(&actions) }
    unsafe posix_spawn_file_actions_addopen(&actions, 0, "/dev/null", O_RDONLY, 0)
    unsafe posix_spawn_file_actions_adddup2(&actions, ends[1], 1)
    unsafe posix_spawn_file_actions_addopen(&actions, 2, "/dev/null", O_WRONLY, 0)
    var pid: pid_t = 0
    let name = unsafe strdup(program)
    defer { unsafe free(name) }
    var arguments: [UnsafeMutablePointer<CChar>?] = unsafe [name, nil]
    let result = unsafe posix_spawn(&pid, program, &actions, nil, &arguments, environ)
    close(ends[1])
    guard result == 0 else { throw failure("the program cannot be started") }
    let output = readOutput(ends[0], seconds: 10)
    if output == nil { kill(pid, SIGKILL) }
    var status: Int32 = 0
    while unsafe waitpid(pid, &status, 0) < 0, errno == EINTR {}
    guard let output else { throw failure("the program did not end in time") }
    guard status == 0 else { throw failure("the program failed") }
    let line = output.prefix { $0 != 0x0A }
    let text = String(decoding: line, as: UTF8.self)
    var address = in6_addr()
    guard !text.isEmpty, unsafe inet_pton(AF_INET, text, &address) == 1 || inet_pton(AF_INET6, text, &address) == 1 else {
        throw failure("the program printed no address")
    }
    return text
}

/// Reads to the end, at most 4 KiB; nil when that takes too long.
private func readOutput(_ descriptor: Int32, seconds: Int) -> [UInt8]? {
    let deadline = ContinuousClock.now + .seconds(seconds)
    var output: [UInt8] = []
    var buffer = [UInt8](repeating: 0, count: 4_096)
    while true {
        let left = deadline - .now
        guard left > .zero else { return nil }
        var wait = pollfd(fd: descriptor, events: Int16(POLLIN), revents: 0)
        let ready = unsafe poll(&wait, 1, Int32(left.components.seconds * 1_000 + 1))
        if ready == 0 || (ready < 0 && errno == EINTR) { continue }
        let count = unsafe read(descriptor, &buffer, buffer.count)
        if count <= 0 { return output }
        if output.count < 4_096 { output += buffer.prefix(count) }
    }
}
