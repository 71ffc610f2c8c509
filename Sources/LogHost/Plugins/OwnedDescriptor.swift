internal import Glibc

/// An open file descriptor: closed with its owner, unless kept for ever.
package struct OwnedDescriptor: ~Copyable {
    package let number: Int32

    /// Takes a descriptor over; nil for the -1 of a failed call, and `errno` says why.
    init?(_ number: Int32) {
        guard number >= 0 else { return nil }
        self.number = number
    }

    deinit {
        close(self.number)
    }

    /// Gives the descriptor up without closing it.
    consuming func keep() -> Int32 {
        let number = self.number
        discard self
        return number
    }

    /// Appends the buffer's first bytes. False when writing fails, and `errno` says why.
    func write(_ buffer: [UInt8], count: Int) -> Bool {
        var done = 0
        while done < count {
            let put = unsafe buffer.withUnsafeBytes { bytes in
                let rest = unsafe UnsafeRawBufferPointer(rebasing: bytes[done..<count])
                return unsafe Glibc.write(self.number, rest.baseAddress, rest.count)
            }
            if put > 0 {
                done += put
            } else if put == 0 || errno != EINTR {
                return false
            }
        }
        return true
    }
}

/// Reads into the whole buffer from an offset of an open file. Returns how much there was: less than the buffer's size only at
/// the file's end; nil when reading fails, and `errno` says why.
func readBytes(_ descriptor: Int32, into buffer: inout [UInt8], at offset: Int) -> Int? {
    var count = 0
    while count < buffer.count {
        let got = unsafe buffer.withUnsafeMutableBytes { bytes in
            let rest = unsafe UnsafeMutableRawBufferPointer(rebasing: bytes[count...])
            return unsafe pread(descriptor, rest.baseAddress, rest.count, offset + count)
        }
        if got == 0 { break }
        if got > 0 {
            count += got
        } else if errno != EINTR {
            return nil
        }
    }
    return count
}

/// Says what the error number means.
func systemErrorText(_ number: Int32) -> String {
    var buffer = [CChar](repeating: 0, count: 256)
    guard unsafe strerror_r(number, &buffer, buffer.count) == 0 else { return "error \(number)" }
    return String(decoding: buffer.prefix { $0 != 0 }.map(UInt8.init(bitPattern:)), as: UTF8.self)
}
