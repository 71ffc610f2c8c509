import PluginABI

/// How structs of the ABI are read that may have grown: by the `size` they begin with.
enum CStruct {
    /// Of one array.
    private static let capacity = 10_000

    /// How many bytes there are up to and with a field: what a struct has that knows that field.
    static func size<Struct, Field>(of type: Struct.Type, to last: KeyPath<Struct, Field>) -> Int {
        (MemoryLayout<Struct>.offset(of: last) ?? 0) + MemoryLayout<Field>.size
    }

    /// Copies an array's elements, which may be larger than they are known here. `last` is the last field that each must have.
    static func elements<Struct: BitwiseCopyable, Field>(
        _ start: UnsafePointer<Struct>?, _ count: Int, last: KeyPath<Struct, Field>, of name: String
    ) throws(PluginFailure) -> [Struct] {
        guard count != 0 else { return [] }
        guard let start = unsafe start, (1...Self.capacity).contains(count) else {
            throw Self.refusal("\(name): expected at most \(Self.capacity) elements, found \(UInt(bitPattern: count)) or NULL.")
        }
        let bytes = unsafe UnsafeRawPointer(start)
        let stride = unsafe Int(bytes.load(as: UInt32.self))
        guard stride >= Self.size(of: Struct.self, to: last), stride % MemoryLayout<Struct>.alignment == 0 else {
            throw Self.refusal("\(name): expected elements of a known size, found \(stride) bytes.")
        }
        return (0..<count).map { index in
            unsafe (bytes + index * stride).loadUnaligned(as: Struct.self)
        }
    }

    /// Checks a table of functions: that it has them up to `last`, and that those are there that must be.
    static func check<Table, Field>(
        _ table: UnsafePointer<Table>, last: KeyPath<Table, Field>, of name: String, _ functions: (Table) -> [(String, Bool)]
    ) throws(PluginFailure) {
        let size = unsafe Int(UnsafeRawPointer(table).load(as: UInt32.self))
        let known = Self.size(of: Table.self, to: last)
        guard size >= known else { throw Self.refusal("\(name): expected a table of at least \(known) bytes, found \(size).") }
        for (function, isThere) in unsafe functions(table.pointee) where !isThere {
            throw Self.refusal("\(name): expected a function `\(function)`, found NULL.")
        }
    }

    private static func refusal(_ message: String) -> PluginFailure {
        PluginFailure(code: LOGHOST_ERROR_INVALID, message: message)
    }
}
