extension MappedFile {
    /// How many different values its fields have; more when values have come.
    var dataCount: UInt64 {
        get throws(JournalDamage) { try self.count(208) }
    }

    /// The object of a field's value, `NAME=value`; nil when no entry has it.
    func data(_ text: [UInt8], _ unpacker: Zstandard) throws(JournalDamage) -> UInt64? {
        let hash = SipHash.hash(text, key: self.key)
        let table = try self.word(104)
        let buckets = try self.word(112) / 16
        guard buckets > 0 else { throw JournalDamage() }
        var offset = try self.word(table &+ hash % buckets &* 16)
        while offset != 0 {
            _ = try self.size(of: .data, at: offset)
            if try self.word(offset + 16) == hash, try self.equals(text, offset, unpacker) { return offset }
            let next = try self.word(offset + 24)
            // Objects are appended to the file: a chain that leads back would have no end.
            guard next == 0 || next > offset else { throw JournalDamage() }
            offset = next
        }
        return nil
    }

    private func equals(_ text: [UInt8], _ data: UInt64, _ unpacker: Zstandard) throws(JournalDamage) -> Bool {
        let value = unsafe try self.payload(data, unpacker, capacity: text.count + 1)
        return unsafe value.elementsEqual(text)
    }

    /// What a data object holds, `NAME=value`: unpacked as far as `capacity` where it is compressed, and then lent until the next call.
    @inline(__always)
    func payload(
        _ data: UInt64, _ unpacker: Zstandard, capacity: Int
    ) throws(JournalDamage) -> UnsafeRawBufferPointer {
        let size = try self.size(of: .data, at: data)
        let head: UInt64 = self.isCompact ? 72 : 64
        guard size >= head else { throw JournalDamage() }
        let bytes = unsafe try self.bytes(data + head, count: size - head)
        let compression = self.flags(at: data) & 7
        if compression == 0 { return unsafe bytes }
        guard compression == 4 else { throw JournalDamage() }
        return unsafe try unpacker.unpack(bytes, capacity: capacity)
    }
}
