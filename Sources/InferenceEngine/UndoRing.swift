import CSupport
import Core

/// What a stream was before each of its last symbols, so that they can be undone.
struct UndoRing {
    /// A place in the text, apart from the recurrent state.
    struct Place: BitwiseCopyable {
        var generator: UInt64 = 0
        var isAtBeginning = true
        var textHasEnded = false
        /// Where the text is in its pattern, and its length.
        var patternState = 0
        var length = 0
        /// The window of the penalties, and the symbol that the next one replaces in it.
        var window = SymbolWindow.Place()
    }

    private let places: AlignedBuffer<Place>
    private let states: AlignedBuffer<UInt8>
    private let stateSize: Int
    private var next = 0
    /// The number of places.
    private(set) var count = 0

    /// The most symbols.
    static var maximumCapacity: Int { 65_536 }

    /// - Parameter stateSize: The bytes of a recurrent state.
    /// - Throws: `outOfMemory`.
    init(capacity: Int, stateSize: Int) throws(ChargenError) {
        places = try AlignedBuffer(count: capacity, for: "undo")
        states = try AlignedBuffer(count: capacity * stateSize, for: "undo")
        self.stateSize = stateSize
    }

    /// The most places.
    var capacity: Int { places.count }

    /// The bytes of memory.
    var size: Int { places.size + states.size }

    /// Adds a place; the oldest one leaves a full ring.
    ///
    /// - Returns: Where its recurrent state is to be written.
    mutating func append(_ place: Place) -> UnsafeMutableRawPointer {
        let index = next
        places.pointer[index] = place
        next = next + 1 == capacity ? 0 : next + 1
        count = min(count + 1, capacity)
        return state(index)
    }

    /// Takes the last place, with its recurrent state, which is valid until the next one is added.
    mutating func removeLast() -> (Place, state: UnsafeMutableRawPointer) {
        precondition(count > 0, "nothing to undo")
        next = next == 0 ? capacity - 1 : next - 1
        count -= 1
        return (places.pointer[next], state(next))
    }

    mutating func removeAll() {
        count = 0
    }

    private func state(_ index: Int) -> UnsafeMutableRawPointer {
        UnsafeMutableRawPointer(states.pointer) + index * stateSize
    }
}
