/// Reads a short ASCII text from front to back: digits and single characters.
struct DigitScanner {
    private var rest: ArraySlice<UInt8>

    init(_ text: [UInt8]) {
        self.rest = text[...]
    }

    var isAtEnd: Bool {
        self.rest.isEmpty
    }

    /// Steps over the next character when it is one of these, and answers it.
    mutating func take(anyOf characters: String) -> UInt8? {
        guard let next = self.rest.first, characters.utf8.contains(next) else { return nil }
        self.rest.removeFirst()
        return next
    }

    /// Reads exactly `count` digits (at most 4, so that the number is small); nil, and nothing usable left, where there are fewer.
    mutating func number(digits count: Int) -> Int64? {
        var number: Int64 = 0
        for _ in 0..<min(count, 4) {
            guard let digit = self.digit() else { return nil }
            number = number * 10 + Int64(digit)
        }
        return number
    }

    /// Reads all digits there are; nil where there is none. What does not fit is the greatest number there is.
    mutating func number() -> UInt64? {
        guard var number = self.digit().map(UInt64.init) else { return nil }
        while let digit = self.digit() {
            let (product, overflow) = number.multipliedReportingOverflow(by: 10)
            let (sum, carry) = product.addingReportingOverflow(UInt64(digit))
            number = overflow || carry ? .max : sum
        }
        return number
    }

    /// Reads a decimal point and the digits behind it as microseconds, cutting off what is finer.
    ///
    /// Answers 0 where no point follows, and nil where no digit follows the point.
    mutating func fraction() -> UInt64? {
        guard self.take(anyOf: ".") != nil else { return 0 }
        guard var digit = self.digit() else { return nil }
        var microseconds: UInt64 = 0
        var weight: UInt64 = 100_000
        while true {
            // Six digits make at most 999,999; from the seventh on the weight is 0.
            microseconds += UInt64(digit) * weight
            weight /= 10
            guard let next = self.digit() else { return microseconds }
            digit = next
        }
    }

    private mutating func digit() -> UInt8? {
        guard let next = self.rest.first, next.isDecimalDigit else { return nil }
        self.rest.removeFirst()
        return next - UInt8(ascii: "0")
    }
}
