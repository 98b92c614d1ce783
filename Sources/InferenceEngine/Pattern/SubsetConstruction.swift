import Core

/// The deterministic automaton of a nondeterministic one: each of its states is a set of the
/// other's (Rabin and Scott, "Finite automata and their decision problems", 1959).
struct SubsetConstruction {
    /// In rows of as many as there are classes; −1 where no state follows.
    private(set) var transitions: List<Int32>
    private(set) var isAccepting: List<Bool>

    private let classCount: Int
    /// The sets, ascending, one after the other: those states that take a character.
    private var subsetStates: List<Int32>
    /// Where each set begins, and where the next one will.
    private var starts: List<Int>
    private var table: HashTable
    /// The set being made: its states as marks, and those whose ways are still to follow.
    private let marks: AlignedBuffer<Bool>
    private var pending: List<Int32>

    init(_ source: borrowing NondeterministicAutomaton, classCount: Int) throws(ChargenError) {
        self.classCount = classCount
        transitions = try List()
        isAccepting = try List()
        subsetStates = try List()
        starts = try List()
        table = try HashTable(capacity: Automaton.maximumCount)
        marks = try AlignedBuffer(count: source.states.count, for: "a pattern")
        pending = try List()
        try starts.append(0)
    }

    /// The number of states.
    var count: Int { isAccepting.count }

    /// - Parameter membership: For each set of characters, whether it has those of each class.
    mutating func run(
        _ source: borrowing NondeterministicAutomaton, _ membership: AlignedBuffer<Bool>, _ budget: inout Budget
    ) throws(ChargenError) {
        mark(source.start)
        try pending.append(Int32(source.start))
        _ = try endSet(source, &budget)
        var state = 0
        while state < count {
            for index in 0..<classCount {
                let range = starts[state]..<starts[state + 1]
                try budget.spend(range.count + 1)
                for place in range {
                    let origin = source.states[Int(subsetStates[place])]
                    guard origin.set >= 0, membership.pointer[origin.set * classCount + index] else { continue }
                    try follow(origin.first)
                }
                let next = pending.count == 0 ? -1 : try endSet(source, &budget)
                try transitions.append(Int32(next))
            }
            state += 1
        }
    }

    private mutating func mark(_ state: Int) { marks.pointer[state] = true }

    private mutating func follow(_ state: Int) throws(ChargenError) {
        guard state >= 0, !marks.pointer[state] else { return }
        mark(state)
        try pending.append(Int32(state))
    }

    /// Adds what the pending states lead to without a character.
    ///
    /// - Returns: The number of the set, that of an equal one if there is one.
    private mutating func endSet(
        _ source: borrowing NondeterministicAutomaton, _ budget: inout Budget
    ) throws(ChargenError) -> Int {
        var place = 0
        while place < pending.count {
            let state = source.states[Int(pending[place])]
            if state.set < 0 {
                try follow(state.first)
                try follow(state.second)
            }
            place += 1
        }
        try budget.spend(pending.count + marks.count / 8)
        let first = starts[count]
        var hash = Hash()
        let isAccepting = marks.pointer[NondeterministicAutomaton.accepting]
        // Ascending, so that equal sets are equal lists.
        for state in 0..<marks.count where marks.pointer[state] {
            marks.pointer[state] = false
            guard source.states[state].set >= 0 || state == NondeterministicAutomaton.accepting else { continue }
            try subsetStates.append(Int32(state))
            hash.add(Int32(state))
        }
        pending.removeAll()
        let length = subsetStates.count - first
        let found = table.find(hash) { candidate in
            let start = starts[candidate]
            guard starts[candidate + 1] - start == length else { return false }
            for index in 0..<length where subsetStates[start + index] != subsetStates[first + index] { return false }
            return true
        }
        if let found {
            while subsetStates.count > first { _ = subsetStates.removeLast() }
            return found
        }
        guard count < Automaton.maximumCount, (count + 1) * classCount <= Automaton.maximumTransitions else {
            throw Budget.exceeded
        }
        table.insert(count, hash)
        try starts.append(subsetStates.count)
        try self.isAccepting.append(isAccepting)
        return count - 1
    }
}

/// FNV-1a (Fowler, Noll and Vo), a word at a time.
struct Hash {
    fileprivate var value: UInt64 = 0xCBF2_9CE4_8422_2325

    mutating func add(_ word: Int32) {
        value = (value ^ UInt64(UInt32(bitPattern: word))) &* 0x100_0000_01B3
        value ^= value >> 29
    }
}

/// A hash table of numbers that stand for something else, with open addressing.
struct HashTable {
    private let slots: AlignedBuffer<Int32>

    /// A table of at most `capacity` numbers.
    init(capacity: Int) throws(ChargenError) {
        var size = 16
        while size < 2 * capacity { size *= 2 }
        slots = try AlignedBuffer(count: size, for: "a pattern")
    }

    mutating func removeAll() { slots.pointer.update(repeating: 0, count: slots.count) }

    /// The number with this hash for which `isEqual` holds.
    func find(_ hash: Hash, isEqual: (Int) -> Bool) -> Int? {
        var slot = place(hash)
        while slots.pointer[slot] != 0 {
            let number = Int(slots.pointer[slot]) - 1
            if isEqual(number) { return number }
            slot = (slot + 1) & (slots.count - 1)
        }
        return nil
    }

    mutating func insert(_ number: Int, _ hash: Hash) {
        var slot = place(hash)
        while slots.pointer[slot] != 0 { slot = (slot + 1) & (slots.count - 1) }
        slots.pointer[slot] = Int32(number) + 1
    }

    private func place(_ hash: Hash) -> Int {
        Int(truncatingIfNeeded: hash.value >> 20) & (slots.count - 1)
    }
}
