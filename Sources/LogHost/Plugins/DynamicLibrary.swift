internal import CLinux
internal import Glibc
internal import PluginABI

/// A library that the dynamic loader has mapped. It stays so for the life of the process.
///
/// Never unloaded: a Swift library leaves metadata behind that a later cast would follow into nothing.
@safe struct DynamicLibrary {
    private nonisolated(unsafe) let handle: UnsafeMutableRawPointer
    private let label: String

    /// Loads a library with all its symbols bound now and none given to others.
    ///
    /// - Parameters:
    ///   - path: what the loader opens.
    ///   - label: the file in refusals.
    init(path: String, label: String) throws(PluginRefusal) {
        guard let handle = unsafe dlopen(path, RTLD_NOW | RTLD_LOCAL) else {
            throw Self.refusal(dlsystemErrorText(), path: path, label: label)
        }
        unsafe self.handle = unsafe handle
        self.label = label
    }

    /// Calls the library's entry for the major version of the ABI that this host speaks.
    func entry() throws(PluginRefusal) -> UnsafePointer<loghost_plugin> {
        guard let symbol = unsafe dlsym(self.handle, LOGHOST_ENTRY_SYMBOL) else {
            let others = (1...9).filter { version in
                unsafe version != LOGHOST_ABI_MAJOR && dlsym(self.handle, "loghost_plugin_v\(version)") != nil
            }
            guard others.isEmpty else {
                throw PluginRefusal(
                    file: self.label, expected: "ABI v\(LOGHOST_ABI_MAJOR), which this host speaks",
                    found: "a library that exports ABI " + others.map { "v\($0)" }.joined(separator: ", "))
            }
            throw PluginRefusal(file: self.label, expected: "the symbol \(LOGHOST_ENTRY_SYMBOL)", found: "none")
        }
        guard unsafe loghost_is_data_symbol(symbol) == 0 else {
            throw PluginRefusal(file: self.label, expected: "a function \(LOGHOST_ENTRY_SYMBOL)", found: "data of that name")
        }
        let function = unsafe unsafeBitCast(symbol, to: loghost_entry_function.self)
        guard let plugin = unsafe function() else {
            throw PluginRefusal(file: self.label, expected: "a descriptor from \(LOGHOST_ENTRY_SYMBOL)", found: "NULL")
        }
        return unsafe plugin
    }

    /// Turns the loader's words into a refusal, with the file's name for the path that the loader was given.
    private static func refusal(_ text: String, path: String, label: String) -> PluginRefusal {
        let suffix = ": cannot open shared object file: No such file or directory"
        if text.hasSuffix(suffix), !text.hasPrefix(path + ":") {
            let dependency = text.dropLast(suffix.count)
            return PluginRefusal(file: label, expected: "the library \(dependency), on which it depends", found: "none")
        }
        var words = text[...]
        if words.hasPrefix(path + ": ") { words = words.dropFirst(path.count + 2) }
        let found = replace(path, with: label, in: words.prefix(1000))
        return PluginRefusal(file: label, expected: "a library that can be loaded", found: "\"\(found)\"")
    }
}

/// Takes the loader's last message of this thread.
private func dlsystemErrorText() -> String {
    guard let text = unsafe dlerror() else { return "no reason" }
    return unsafe String(cString: text)
}

/// Replaces a path where no digit follows, so that /proc/self/fd/1 is not found in /proc/self/fd/12.
private func replace(_ path: String, with name: String, in text: Substring) -> String {
    let needle = Array(path.utf8)
    var rest = Array(text.utf8)[...]
    var result: [UInt8] = []
    while let first = rest.first {
        let next = rest.dropFirst(needle.count).first
        if rest.starts(with: needle), next.map({ (48...57).contains($0) }) != true {
            result += name.utf8
            rest = rest.dropFirst(needle.count)
        } else {
            result.append(first)
            rest = rest.dropFirst()
        }
    }
    return String(decoding: result, as: UTF8.self)
}
