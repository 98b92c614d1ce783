import Core
import ModelFormat

/// A pattern as a minimal deterministic finite automaton over a vocabulary, without states from
/// which no text ends. State 0 is the first.
///
/// Characters that no set of the pattern tells apart are one class.
struct Automaton {
    /// The number of states.
    let count: Int
    /// The number of classes.
    let classCount: Int
    /// The class of each character's symbol.
    let classes: AlignedBuffer<Int32>
    /// For each state, the next one by class; −1 if the character cannot follow.
    let transitions: AlignedBuffer<Int32>
    /// Whether a text may end in a state.
    let isAccepting: AlignedBuffer<Bool>

    /// The most states.
    static var maximumCount: Int { 10_000 }
    /// The most transitions.
    static var maximumTransitions: Int { 4_000_000 }

    /// Compiles an expression for a vocabulary.
    ///
    /// - Throws: `invalidPattern` if the automaton would be too large, or the vocabulary has no
    ///   characters for any text of the pattern; `outOfMemory`.
    init(_ tree: borrowing SyntaxTree, _ vocabulary: Vocabulary) throws(ChargenError) {
        var budget = Budget()
        let source = try NondeterministicAutomaton(tree, &budget)
        let (classes, classCount) = try characterClasses(tree.sets, vocabulary, &budget)
        let membership = try classMembership(tree.sets, vocabulary, classes, classCount, &budget)
        var subsets = try SubsetConstruction(source, classCount: classCount)
        try subsets.run(source, membership, &budget)
        let distances = try AlignedBuffer<Int32>(count: subsets.count, for: "a pattern")
        try findDistances(
            distances, subsets.transitions.elements, classCount: classCount, isAccepting: { subsets.isAccepting[$0] },
            &budget)
        guard distances.pointer[0] >= 0 else {
            throw ChargenError(.invalidPattern, "no text of characters that the model knows matches the pattern")
        }
        let (blocks, count) = try equivalentStates(subsets.transitions, classCount: classCount, distances, &budget)
        let transitions = try AlignedBuffer<Int32>(count: count * classCount, for: "a pattern")
        let isAccepting = try AlignedBuffer<Bool>(count: count, for: "a pattern")
        for state in 0..<subsets.count where blocks.pointer[state] >= 0 {
            let block = Int(blocks.pointer[state])
            isAccepting.pointer[block] = distances.pointer[state] == 0
            for index in 0..<classCount {
                let next = subsets.transitions[state * classCount + index]
                transitions.pointer[block * classCount + index] = next < 0 ? -1 : blocks.pointer[Int(next)]
            }
        }
        self.count = count
        self.classCount = classCount
        self.classes = classes
        self.transitions = transitions
        self.isAccepting = isAccepting
    }

    /// The state after a character; −1 if it cannot follow.
    func next(_ state: Int, _ symbol: Int) -> Int {
        Int(transitions.pointer[state * classCount + Int(classes.pointer[symbol])])
    }
}

/// Divides the characters so that those of a class are in the same sets.
private func characterClasses(
    _ sets: borrowing ScalarSets, _ vocabulary: Vocabulary, _ budget: inout Budget
) throws(ChargenError) -> (classes: AlignedBuffer<Int32>, count: Int) {
    let symbols = vocabulary.characters.count
    let classes = try AlignedBuffer<Int32>(count: symbols, for: "a pattern")
    // For each class, the number of its symbols and of those that are in the set, and the class
    // that these become.
    let sizes = try AlignedBuffer<Int>(count: symbols, for: "a pattern")
    let inside = try AlignedBuffer<Int>(count: symbols, for: "a pattern")
    let split = try AlignedBuffer<Int32>(count: symbols, for: "a pattern")
    let isMember = try AlignedBuffer<Bool>(count: symbols, for: "a pattern")
    sizes.pointer[0] = symbols
    var count = 1
    for set in 0..<sets.count {
        try budget.spend(symbols * (1 + sets.size(set)))
        inside.pointer.update(repeating: 0, count: count)
        for symbol in 0..<symbols {
            isMember.pointer[symbol] = sets.contains(vocabulary.characters[symbol], in: set)
            if isMember.pointer[symbol] { inside.pointer[Int(classes.pointer[symbol])] += 1 }
        }
        let old = count
        for index in 0..<old {
            split.pointer[index] = Int32(index)
            guard inside.pointer[index] > 0, inside.pointer[index] < sizes.pointer[index] else { continue }
            split.pointer[index] = Int32(count)
            sizes.pointer[index] -= inside.pointer[index]
            sizes.pointer[count] = inside.pointer[index]
            count += 1
        }
        for symbol in 0..<symbols where isMember.pointer[symbol] {
            classes.pointer[symbol] = split.pointer[Int(classes.pointer[symbol])]
        }
    }
    return (classes, count)
}

/// For each set, whether it has the characters of each class.
private func classMembership(
    _ sets: borrowing ScalarSets, _ vocabulary: Vocabulary, _ classes: AlignedBuffer<Int32>, _ classCount: Int,
    _ budget: inout Budget
) throws(ChargenError) -> AlignedBuffer<Bool> {
    try budget.spend(sets.count * classCount)
    let membership = try AlignedBuffer<Bool>(count: sets.count * classCount, for: "a pattern")
    for set in 0..<sets.count {
        try budget.spend(vocabulary.characters.count * sets.size(set))
        for symbol in vocabulary.characters.indices {
            membership.pointer[set * classCount + Int(classes.pointer[symbol])] =
                sets.contains(vocabulary.characters[symbol], in: set)
        }
    }
    return membership
}

/// Sets, for each state, the fewest characters after which a text may end; −1 if none ever ends.
///
/// - Parameters:
///   - transitions: In rows of `classCount`; negative ones lead nowhere.
///   - isPossible: Whether there is a character of a class to take.
func findDistances(
    _ distances: AlignedBuffer<Int32>, _ transitions: UnsafeBufferPointer<Int32>, classCount: Int,
    isAccepting: (Int) -> Bool, isPossible: (Int) -> Bool = { _ in true }, _ budget: inout Budget
) throws(ChargenError) {
    for state in 0..<distances.count { distances.pointer[state] = isAccepting(state) ? 0 : -1 }
    var hasChanged = true
    while hasChanged {
        hasChanged = false
        try budget.spend(transitions.count)
        // Most states lead to later ones.
        for state in stride(from: distances.count - 1, through: 0, by: -1) {
            for index in 0..<classCount where isPossible(index) {
                let next = transitions[state * classCount + index]
                guard next >= 0, distances.pointer[Int(next)] >= 0 else { continue }
                let distance = distances.pointer[Int(next)] + 1
                if distances.pointer[state] < 0 || distances.pointer[state] > distance {
                    distances.pointer[state] = distance
                    hasChanged = true
                }
            }
        }
    }
}

/// Numbers the blocks of states from which the same texts are accepted, in the order of their first
/// states (Moore, "Gedanken-experiments on sequential machines", 1956).
///
/// - Returns: The block of each state, −1 for those from which no text ends; the number of blocks.
private func equivalentStates(
    _ transitions: borrowing List<Int32>, classCount: Int, _ distances: AlignedBuffer<Int32>, _ budget: inout Budget
) throws(ChargenError) -> (blocks: AlignedBuffer<Int32>, count: Int) {
    let count = distances.count
    // Equivalent states have the same distance, which tells most of the others apart at once.
    var blocks = try AlignedBuffer<Int32>(count: count, for: "a pattern")
    var next = try AlignedBuffer<Int32>(count: count, for: "a pattern")
    let firstStates = try AlignedBuffer<Int32>(count: count, for: "a pattern")
    var table = try HashTable(capacity: count)
    blocks.pointer.update(from: distances.pointer, count: count)
    func block(_ state: Int, _ index: Int) -> Int32 {
        let target = transitions[state * classCount + index]
        return target < 0 ? -1 : blocks.pointer[Int(target)]
    }
    var blockCount = -1
    while true {
        try budget.spend(2 * transitions.count + count)
        table.removeAll()
        var newCount = 0
        for state in 0..<count {
            guard blocks.pointer[state] >= 0 else {
                next.pointer[state] = -1
                continue
            }
            var hash = Hash()
            hash.add(blocks.pointer[state])
            for index in 0..<classCount { hash.add(block(state, index)) }
            let found = table.find(hash) { candidate in
                let first = Int(firstStates.pointer[candidate])
                guard blocks.pointer[first] == blocks.pointer[state] else { return false }
                for index in 0..<classCount where block(first, index) != block(state, index) { return false }
                return true
            }
            if let found {
                next.pointer[state] = Int32(found)
            } else {
                table.insert(newCount, hash)
                firstStates.pointer[newCount] = Int32(state)
                next.pointer[state] = Int32(newCount)
                newCount += 1
            }
        }
        swap(&blocks, &next)
        if newCount == blockCount { return (blocks, newCount) }
        blockCount = newCount
    }
}
