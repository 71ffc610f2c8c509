package import PluginABI

/// A plugin's static descriptor, checked: every function is there and every text is what it should be.
@safe package struct PluginDescriptor: Sendable {
    /// Static and constant by the ABI's contract, in a library that is never unloaded: valid on every thread, for ever.
    package nonisolated(unsafe) let pointer: UnsafePointer<loghost_plugin>
    /// 1...64 of `a-z`, `0-9` and `-`.
    package let name: String
    package let version: String
    package let summary: String
    package let abiMinor: UInt32
    package let flags: UInt32

    /// Checks what a library's entry returned. Reads no field before it knows that the field is there.
    package init(checking pointer: UnsafePointer<loghost_plugin>, file: String) throws(PluginRefusal) {
        func refuse(_ expected: String, _ found: String) -> PluginRefusal {
            PluginRefusal(file: file, expected: expected, found: found)
        }
        let address = UInt(bitPattern: pointer)
        guard unsafe address % UInt(MemoryLayout<loghost_plugin>.alignment) == 0 else {
            throw refuse("an aligned descriptor", "one at 0x\(String(address, radix: 16))")
        }
        // A plugin of a later minor version may have more fields; one of the first has these.
        let known = unsafe CStruct.size(of: loghost_plugin.self, to: \.destroy)
        let size = unsafe UnsafeRawPointer(pointer).load(as: UInt32.self)
        guard size >= known else {
            throw refuse("a descriptor of at least \(known) bytes", "one of \(size)")
        }
        let functions = unsafe [
            ("create", pointer.pointee.create == nil), ("get_extension", pointer.pointee.get_extension == nil),
            ("start", pointer.pointee.start == nil), ("stop", pointer.pointee.stop == nil),
            ("destroy", pointer.pointee.destroy == nil),
        ]
        for (function, missing) in functions where missing {
            throw refuse("a function `\(function)` in the descriptor", "NULL")
        }
        func text(_ field: String, _ bytes: loghost_bytes, limit: Int) throws(PluginRefusal) -> String {
            // A `size_t` beyond `Int.max` arrives as a negative number.
            guard unsafe (0...limit).contains(bytes.size) else {
                throw unsafe refuse("a `\(field)` of at most \(limit) bytes", "\(UInt(bitPattern: bytes.size))")
            }
            let buffer = unsafe UnsafeRawBufferPointer(start: bytes.data, count: bytes.data == nil ? 0 : bytes.size)
            guard unsafe buffer.count == bytes.size else { throw refuse("a `\(field)`", "NULL") }
            guard let text = unsafe String(validating: buffer, as: UTF8.self) else {
                throw refuse("a `\(field)` in UTF-8", "other bytes")
            }
            guard !text.unicodeScalars.contains(where: \.isBreakOrControl) else {
                throw refuse("a `\(field)` without control characters", "some")
            }
            return text
        }
        let name = unsafe try text("name", pointer.pointee.name, limit: 64)
        let legal = name.utf8.allSatisfy { (97...122).contains($0) || (48...57).contains($0) || $0 == UInt8(ascii: "-") }
        guard !name.isEmpty, legal else {
            throw refuse("a `name` of a-z, 0-9 and -", "\"\(name)\"")
        }
        self.name = name
        self.version = unsafe try text("version", pointer.pointee.version, limit: 128)
        self.summary = unsafe try text("summary", pointer.pointee.summary, limit: 1024)
        self.abiMinor = unsafe pointer.pointee.abi_minor
        self.flags = unsafe pointer.pointee.flags
        unsafe self.pointer = unsafe pointer
    }
}
