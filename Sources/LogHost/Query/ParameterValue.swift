/// Reads the scalar parameters as Go's strconv does, since that is what existing clients were written against.
///
/// A parameter that is absent or empty counts as not given.
extension QueryItems {
    /// Reads a whole number without a sign; throws a 400 naming the parameter for anything else or more than 64 bits.
    func unsigned(_ name: String) throws(Problem) -> UInt64? {
        guard let bytes = self.given(name) else { return nil }
        // The initialiser would also take a leading plus.
        guard bytes.allSatisfy(\.isDecimalDigit), let number = UInt64(String(decoding: bytes, as: UTF8.self)) else {
            throw Problem(400, "The parameter \(name) must be a whole number of 64 bits without a sign.", parameter: name)
        }
        return number
    }

    /// Reads a whole number with or without a sign; throws a 400 naming the parameter for anything else or more than 64 bits.
    func signed(_ name: String) throws(Problem) -> Int64? {
        guard let bytes = self.given(name) else { return nil }
        guard let number = Int64(String(decoding: bytes, as: UTF8.self)) else {
            throw Problem(400, "The parameter \(name) must be a whole number that fits 64 bits.", parameter: name)
        }
        return number
    }

    /// Reads a truth value in Go's spellings; throws a 400 naming the parameter for any other.
    func boolean(_ name: String) throws(Problem) -> Bool? {
        guard let bytes = self.given(name) else { return nil }
        switch String(decoding: bytes, as: UTF8.self) {
        case "1", "t", "T", "TRUE", "true", "True": return true
        case "0", "f", "F", "FALSE", "false", "False": return false
        default: throw Problem(400, "The parameter \(name) must be true or false.", parameter: name)
        }
    }

    /// Answers the first value of a parameter unless it is empty.
    func given(_ name: String) -> [UInt8]? {
        guard let bytes = self.firstBytes(name), !bytes.isEmpty else { return nil }
        return bytes
    }
}

extension UInt8 {
    var isDecimalDigit: Bool {
        (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(self)
    }
}
