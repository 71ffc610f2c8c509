/// How much is asked for at once: less of a server that gives less, and again more while it gives all of that.
struct Stride {
    private(set) var length: Int
    private let capacity: Int
    private var wholePieces = 0

    /// So many pieces come whole before more is asked for: that costs what is under way.
    private static let patience = 8

    init(capacity: Int) {
        self.length = capacity
        self.capacity = capacity
    }

    /// A piece has come short.
    mutating func shorten() {
        self.length = max(1, self.length / 2)
        self.wholePieces = 0
    }

    /// A piece has come whole; true when more is asked for from now on.
    mutating func lengthen() -> Bool {
        self.wholePieces += 1
        guard self.length < self.capacity, self.wholePieces == Self.patience else { return false }
        self.length = min(2 * self.length, self.capacity)
        self.wholePieces = 0
        return true
    }
}
