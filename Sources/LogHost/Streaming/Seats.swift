internal import NIOCore
internal import Synchronization

/// Bounds the readers that follows have of their own. Who finds no seat waits its turn; a reader whose client is taking its time with what
/// was sent gives its seat to whoever waits, and goes on later from its place.
package final class Seats: Sendable {
    /// A place among the readers, held until this goes.
    package final class Seat: Sendable {
        fileprivate let seats: Seats
        fileprivate let number: UInt64

        fileprivate init(_ seats: Seats, _ number: UInt64) {
            self.seats = seats
            self.number = number
        }

        deinit { self.seats.release(self.number) }

        /// False while it waits its turn, and after it was taken away.
        package var isHeld: Bool { self.seats.isHeld(self.number) }

        /// Offers the seat to others while its reader rests. False when it is gone at once: the reader is then still the caller's to close.
        func park(_ reader: ReaderHandle) -> Bool { self.seats.park(self.number, reader) }

        /// Takes it back; false when it was given away, and the reader with it.
        func unpark() -> Bool { self.seats.unpark(self.number) }
    }

    private enum Holder {
        /// -> held
        case waiting(FollowSignal)
        /// -> parked
        case held
        /// -> held | gone
        case parked(ReaderHandle)
        case gone
    }

    private struct State {
        var free: Int
        var next: UInt64 = 1
        var holders: [UInt64: Holder] = [:]
        /// In their order; who has gone meanwhile is passed over.
        var waiting = CircularBuffer<UInt64>()
        var parked: [UInt64] = []
    }

    private let state: Mutex<State>
    private let capacity: Int

    package init(capacity: Int) {
        self.capacity = capacity
        self.state = Mutex(State(free: capacity))
    }

    /// Asks for a seat. When it is not held at once, the signal says when it is. `evicted` is a reader whose seat was taken: the caller
    /// closes it on a worker.
    package func take(_ signal: FollowSignal) -> (seat: Seat, evicted: ReaderHandle?) {
        self.state.withLock { state in
            let number = state.next
            state.next += 1
            if state.free > 0 {
                state.free -= 1
                state.holders[number] = .held
                return (Seat(self, number), nil)
            }
            if let victim = state.parked.first, case .parked(let reader) = state.holders[victim] {
                state.parked.removeFirst()
                state.holders[victim] = .gone
                state.holders[number] = .held
                return (Seat(self, number), reader)
            }
            state.holders[number] = .waiting(signal)
            state.waiting.append(number)
            return (Seat(self, number), nil)
        }
    }

    /// True when somebody waits for a seat.
    var areWanted: Bool { self.state.withLock { !$0.waiting.isEmpty } }

    /// Seats that are held or parked.
    package var taken: Int { self.capacity - self.state.withLock { $0.free } }

    private func isHeld(_ number: UInt64) -> Bool {
        self.state.withLock { if case .held = $0.holders[number] { true } else { false } }
    }

    private func park(_ number: UInt64, _ reader: ReaderHandle) -> Bool {
        let (isParked, signal) = self.state.withLock { state -> (Bool, FollowSignal?) in
            guard case .held = state.holders[number] else { return (false, nil) }
            if let signal = Self.grant(&state) {
                state.holders[number] = .gone
                return (false, signal)
            }
            state.holders[number] = .parked(reader)
            state.parked.append(number)
            return (true, nil)
        }
        signal?.wake()
        return isParked
    }

    private func unpark(_ number: UInt64) -> Bool {
        self.state.withLock { state in
            guard case .parked = state.holders[number] else { return false }
            state.parked.removeAll { $0 == number }
            state.holders[number] = .held
            return true
        }
    }

    private func release(_ number: UInt64) {
        let signal = self.state.withLock { state -> FollowSignal? in
            switch state.holders.removeValue(forKey: number) {
            case .waiting, .gone, nil: return nil
            case .parked: state.parked.removeAll { $0 == number }
            case .held: break
            }
            let signal = Self.grant(&state)
            if signal == nil { state.free += 1 }
            return signal
        }
        signal?.wake()
    }

    /// Gives a seat to the next who waits.
    private static func grant(_ state: inout State) -> FollowSignal? {
        while let number = state.waiting.popFirst() {
            guard case .waiting(let signal) = state.holders[number] else { continue }
            state.holders[number] = .held
            return signal
        }
        return nil
    }
}
